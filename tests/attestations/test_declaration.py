"""Declarations: a form is read strictly, signed beside a scan, and counts for the question and data it was given for."""

from __future__ import annotations

import datetime as dt
import json
import re

import jsonschema
import pytest
import yaml

import provenance as pv
from provenance import ledger, profiles
from provenance.attestations import actions, declaration, forms
from provenance.core.digests import sha256
from provenance.core.model import NOTHING_FOUND
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import BrokenChain, ConfigError, InputError, VerificationError
from provenance.pipeline import guard
from provenance.sources.privacy import identity

CN = "cn-interim-measures"
PROFILE = profiles.load(CN)
TODAY = dt.datetime.now(dt.UTC).date()


def answer(requirement="art-7-5", element="other-rules", says="yes", **more):
    return {"profile": CN, "requirement": requirement, "element": element, "says": says, **more}


def form(*answers, **changes):
    by = {"name": "Li Hua", "role": "data lead"}
    return {"declarations": 1, "by": by, "date": "2026-01-31", "answers": list(answers or [answer()])} | changes


@pytest.fixture
def write(tmp_path):
    """Write a form beside a document named proof.pdf."""
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "proof.pdf").write_bytes(b"%PDF proof")
    (folder / "empty.pdf").write_bytes(b"")

    def make(value):
        text = value if isinstance(value, str) else yaml.safe_dump(value, allow_unicode=True).replace("'yes'", "yes")
        (folder / "declarations.yaml").write_text(text.replace("'no'", "no"), encoding="utf-8")
        return folder / "declarations.yaml"

    return make


@pytest.fixture
def world(tmp_path):
    """Data of which nothing speaks against Article 7(2), and a ledger with one scan of it."""
    folder = tmp_path / "data" / "a"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# A\n")
    (folder / "x.jsonl").write_text('{"text": "one two three four five six seven eight nine"}\n')
    scanned(tmp_path)
    return tmp_path


def scanned(world, **options):
    return pv.scan(world / "data", world / "ledger", profiles=[CN], workers=1, **options)


def verdicts(found, requirement):
    rows = [row for row in found.tables["verdicts"].to_pylist() if row["requirement"] == requirement]
    return [(row["assessed"] or row["observed"], row["reason"]) for row in rows]


def words(found, requirement):
    return [word for word, _ in verdicts(found, requirement)]


def test_a_form_is_read(write):
    proof = {"file": "proof.pdf", "sha256": sha256(b"%PDF proof")}
    asked = answer("art-8", "annotation-rules", documents=[proof, {"file": "../office/proof.pdf"}])
    found = declaration.read_declaration(
        write(form(asked, answer(says=None), answer("art-17", "algorithm-filing", until="2030-01-01")))
    )
    assert (found.by["name"], found.date, found.unanswered) == ("Li Hua", "2026-01-31", 1)
    assert [each["element"] for each in found.answers] == ["annotation-rules", "algorithm-filing"]
    assert [each["digest"]["sha256"] for each in found.answers[0]["documents"]] == [proof["sha256"]] * 2
    assert found.answers[0]["asks_zh"] == "已备有清晰、具体、可操作的标注规则。"
    assert found.answers[1]["until"] == "2030-01-01"


BROKEN = {
    "not YAML": ("a: [", "is not YAML"),
    "no form": ("- a", "is not of type 'object'"),
    "a key too many": (form(notes="x"), "'notes' is not a key here; allowed are answers, by, date, declarations"),
    "nobody": (form(by={"name": "Li Hua"}), "'role' is missing"),
    "more personal data than allowed": (form(by={"name": "L", "role": "r", "phone": "1"}), "'phone' is not a key here"),
    "no such profile": (form(answer() | {"profile": "gdpr"}), "no profile 'gdpr'"),
    "no such question": (form(answer("art-7-5", "no-such")), "does not ask for 'no-such' in 'art-7-5'"),
    "a machine's question": (form(answer("art-7-2", "")), "does not ask for '' in 'art-7-2'"),
    "another word": (form(answer(says="maybe")), "yes, no or not-applicable"),
    "no reason with no": (form(answer(says="no")), "give the reason"),
    "blank reason": (form(answer(says="no", statement=" \n")), "give the reason"),
    "always applicable": (form(answer(says="not-applicable", statement="x")), "applies in any case"),
    "twice": (form(answer(), answer()), "is answered twice"),
    "nothing": (form(answer(says=None)), "nothing is answered"),
    "no such document": (form(answer(documents=[{"file": "gone.pdf"}])), "gone.pdf is not there"),
    "a folder": (form(answer(documents=[{"file": "."}])), "is not there"),
    "a device": (form(answer(documents=[{"file": "/dev/zero"}])), "relative to the form"),
    "an empty document": (form(answer(documents=[{"file": "empty.pdf"}])), "is empty"),
    "another document": (form(answer(documents=[{"file": "proof.pdf", "sha256": "0" * 64}])), "not the one that is written"),
    "NUL in a name": (form(answer(documents=[{"file": "a\0b"}])), "cannot be read|is not there"),
    "no date": (form(date="2026-13-01"), "is no date"),
    "ahead of time": (form(date="2999-01-01"), "not given in advance"),
    "no last day": (form(answer(until="2026-02-30")), "is no date"),
    "a phone number": (form(answer(statement="电话 13907215836")), r"line \d+ holds what looks like personal data \(phone\)"),
    "an address in a comment": ("# li.hua1987@gmail.com\n", r"line 1 holds what looks like personal data \(email\)"),
    "a key twice": ("declarations: 1\ndeclarations: 1\n", "stands twice"),
    "too long": ("#" * (forms.MOST_BYTES + 1), "is larger than"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_wrong_form_gets_one_sentence(write, value, sentence):
    with pytest.raises(ConfigError, match=sentence) as told:
        declaration.read_declaration(write(value))
    assert "\n" not in str(told.value)


def test_numbers_of_filings_and_digests_are_nobodys(write):
    """The form of a filing number is that of the public register of algorithms."""
    said = "备案号：网信算备110105012345601230001号；合同编号 2026-0113-4482-8899"
    proof = {"file": "proof.pdf", "sha256": sha256(b"%PDF proof")}
    assert (
        declaration.read_declaration(write(form(answer(statement=said, documents=[proof])))).answers[0]["statement"]
        == said
    )


def test_a_blank_form_asks_every_question_in_two_languages():
    blank = declaration.make_template(PROFILE)
    held = yaml.safe_load(blank)
    asked = [(requirement["id"], element["id"]) for requirement, element in profiles.questions(PROFILE)]
    assert [(each["requirement"], each["element"]) for each in held["answers"]] == asked
    for requirement, element in profiles.questions(PROFILE):
        assert f"# {element['asks']}" in blank
        assert f"# {element['asks_zh']}" in blank
        assert f"{requirement['clause']} (text: {requirement['text']})" in blank


def test_a_filled_form_is_read_and_a_blank_one_says_what_is_missing(write):
    blank = declaration.make_template(PROFILE)
    with pytest.raises(ConfigError, match=r"/by/(name|role)|/date"):
        declaration.read_declaration(write(blank))
    filled = (
        blank.replace("  name: ", "  name: Li Hua ")
        .replace("  role: ", "  role: lead ")
        .replace("date: ", "date: 2026-01-31 ")
    )
    with pytest.raises(ConfigError, match="nothing is answered"):
        declaration.read_declaration(write(filled))
    found = declaration.read_declaration(write(filled.replace("    says: ", "    says: yes ", 1)))
    assert [each["element"] for each in found.answers] == ["offered-to-public"]


def test_the_published_schema_is_a_schema_and_takes_a_form():
    for name in ("declarations", "ledger/declaration-v1"):
        schema = json.loads((DATA_FOLDER / "schemas" / f"{name}.schema.json").read_bytes())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert not jsonschema.Draft202012Validator(schema).is_valid({})


def test_a_declaration_is_an_entry_that_verifies(world, write):
    path = write(form())
    said, entry = actions.declare(world / "ledger", path)
    assert (entry.index, entry.size) == (1, 2)
    found = ledger.verify(world / "ledger", strict=True, data=world / "data")
    assert found.exit_code == 0, found.lines()
    held = ledger.read_entry(world / "ledger", 1)
    assert held["predicateType"].endswith("/declaration/v1")
    assert held["subject"][0]["digest"]["sha256"] == sha256(path.read_bytes())
    assert held["predicate"]["about"]["entry"] == 0
    assert held["predicate"]["answers"] == list(said.answers)
    digest = sha256(path.read_bytes())
    assert (world / "ledger" / "objects" / "sha256" / digest[:2] / digest).read_bytes() == path.read_bytes()
    assert (world / "ledger" / "scans" / "latest").readlink().name == "00000000"


def test_what_is_asked_of_a_ledger_is_asked_of_its_newest_scan(world, write):
    actions.declare(world / "ledger", write(form()))
    assert pv.open_ledger(world / "ledger").facts["log"]["index"] == 0
    with pytest.raises(InputError, match=r"entry 1 of .* is a declaration"):
        pv.open_ledger(world / "ledger", 1)


@pytest.mark.parametrize("harm", ["object", "entry"])
def test_a_changed_declaration_does_not_verify_and_nothing_is_added_to_it(world, write, harm):
    path = write(form())
    actions.declare(world / "ledger", path)
    digest = sha256(path.read_bytes())
    names = {"object": f"objects/sha256/{digest[:2]}/{digest}", "entry": "entries/00000001.dsse.json"}
    changed = world / "ledger" / names[harm]
    changed.write_bytes(
        changed.read_bytes().replace(b"Li", b"Lo") if harm == "object" else changed.read_bytes()[:-9] + b'AAAA=="}]}'
    )
    assert ledger.verify(world / "ledger").exit_code == 1
    if harm == "entry":
        with pytest.raises(VerificationError):
            actions.declare(world / "ledger", path)
        with pytest.raises(BrokenChain, match="does not verify: entry 1"):
            scanned(world)


def test_a_declaration_needs_a_scan_to_speak_of(tmp_path, write):
    with pytest.raises(ConfigError, match="is no ledger"):
        actions.declare(tmp_path / "nothing", write(form()))
    assert not (tmp_path / "nothing").exists()


ALL_OF_7_4 = [
    answer("art-7-4", "quality-measures"),
    answer("art-7-4", "quality-record", documents=[{"file": "proof.pdf"}]),
]


def test_what_a_person_declares_is_assessed_and_what_the_tool_looks_at_is_observed(world, write):
    before = scanned(world)
    assert words(before, "art-7-4") == ["not examined", "evidence missing", "evidence missing"]  # no split is named
    actions.declare(world / "ledger", write(form(*ALL_OF_7_4)))
    after = scanned(world)
    assert words(after, "art-7-4") == ["not examined", "conforms", "conforms"]
    rows = [row for row in after.tables["verdicts"].to_pylist() if row["requirement"] == "art-7-4"]
    assert [(row["observed"], row["assessed"]) for row in rows] == [
        ("not examined", None), ("not examined", "conforms"), ("not examined", "conforms"),
    ]  # fmt: skip
    assert rows[0]["assessor"] is None
    assert re.fullmatch(r"data lead, person:assessor:[0-9a-f]{16}", rows[2]["assessor"])
    told = f"declared yes by {rows[2]['assessor']} (entry 2), without a reason; 1 document presented, not read"
    assert rows[2]["reason"] == told
    assert words(after, "art-7-5") == ["evidence missing"]
    assert [each["entry"] for each in after.facts["declarations"]] == [2]


def test_no_name_of_an_assessor_stands_in_a_table(world, write):
    named = "Li Hua read every contract; Li Hua signs."
    actions.declare(world / "ledger", write(form(answer(statement=named))))
    after = scanned(world)
    (row,) = (row for row in after.tables["verdicts"].to_pylist() if row["requirement"] == "art-7-5")
    person = row["assessor"].partition(", ")[2]
    assert row["reason"].endswith(f": {person} read every contract; {person} signs.")
    assert not any("Li Hua" in str(table.to_pylist()) for table in after.tables.values())


def test_a_long_reason_is_cut(world, write):
    actions.declare(world / "ledger", write(form(answer(statement="word " * 700))))
    (row,) = (row for row in scanned(world).tables["verdicts"].to_pylist() if row["requirement"] == "art-7-5")
    assert row["reason"].endswith(" ...")
    assert len(row["reason"]) < 450


def test_a_sample_conforms_to_nothing(world, write):
    (world / "data" / "a" / "y.jsonl").write_text(
        '{"text": "a second file that the sample leaves out, or the first"}\n'
    )
    scanned(world)
    actions.declare(world / "ledger", write(form(answer("art-17", "algorithm-filing"), *ALL_OF_7_4)))
    found = scanned(world, sample=0.01)
    assert "not in the sample" in str(found.tables["files"]["skip_reason"].to_pylist())
    rows = found.tables["verdicts"].to_pylist()
    assert NOTHING_FOUND not in {row["observed"] for row in rows}
    assert {row["asked"] for row in rows if row["assessed"]} == {"algorithm-filing"}, "which is of the service"


def test_an_answer_about_data_ends_with_that_data(world, write):
    actions.declare(world / "ledger", write(form(answer(), answer("art-17", "algorithm-filing"))))
    assert words(scanned(world), "art-7-5") == ["conforms"]
    (world / "data" / "a" / "y.jsonl").write_text('{"text": "more data than there was"}\n')
    after = scanned(world)
    assert words(after, "art-7-5") == ["evidence missing"]
    assert "which does not count: it was given for other data" in verdicts(after, "art-7-5")[0][1]
    assert words(after, "art-17")[1] == "conforms", "the service is the same"


def test_the_newest_answer_counts_and_a_no_fails(world, write):
    actions.declare(world / "ledger", write(form()))
    actions.declare(world / "ledger", write(form(answer(says="no", statement="not reviewed yet"))))
    ((word, reason),) = verdicts(scanned(world), "art-7-5")
    assert word == "does not conform"
    assert re.fullmatch(r"declared no by data lead, person:assessor:\w+ \(entry 2\): not reviewed yet", reason)


def test_guard_refuses_what_a_person_says_does_not_conform(world, write):
    actions.declare(world / "ledger", write(form(answer(says="no", statement="not reviewed yet"))))
    scanned(world)
    found = guard.inspect_data(world / "data", world / "ledger", guard.GuardPolicy())
    refusal = f"1 element assessed: does not conform: {CN} art-7-5.1"
    assert refusal in found.reasons
    found = guard.inspect_data(world / "data", world / "ledger", guard.GuardPolicy(assessed=()))
    assert refusal not in found.reasons
    assert any("elements of its profiles: " in note and "evidence missing" in note for note in found.notes)


def test_statement_and_observation_differ_on_both_sides(world, write):
    (world / "data" / "a" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# A\n")
    scanned(world)
    actions.declare(world / "ledger", write(form(answer("art-7-2", "rights-reviewed"))))
    found = scanned(world)
    machine, works, person = (row for row in found.tables["verdicts"].to_pylist() if row["requirement"] == "art-7-2")
    assert [row["observed"] for row in (machine, works, person)] == ["open point", "not examined", "open point"]
    assert [row["assessed"] for row in (machine, works, person)] == [None, None, "conforms"]
    assert machine["reason"].endswith("declared yes in entry 2; statement and observation differ")
    assert person["reason"].endswith("1 observation of the tool left open; statement and observation differ")


def test_outside_the_scope_nothing_applies(world, write):
    no = answer("art-2", "offered-to-public", says="no", statement="internal research only")
    actions.declare(world / "ledger", write(form(no)))
    found = scanned(world).tables["verdicts"].to_pylist()
    assert {row["assessed"] for row in found} == {"not applicable"}
    assert len({row["assessor"] for row in found}) == 1
    assert NOTHING_FOUND in {row["observed"] for row in found}, "what was observed stays"
    assert all("not to be offered to the public in mainland China" in row["reason"] for row in found)


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({}, None),
        ({"asks": "Another question."}, "worded anew"),
        ({"until": str(TODAY)}, None),
        ({"until": str(TODAY - dt.timedelta(days=1))}, "it ended on"),
    ],
    ids=["as asked", "another question", "on its last day", "after it"],
)
def test_when_an_answer_does_not_count(changes, stale):
    element = next(element for _, element in profiles.questions(PROFILE) if element["id"] == "other-rules")
    given = answer() | {"asks": element["asks"], "asks_zh": element["asks_zh"], "documents": []} | changes
    said = {"by": {"name": "L", "role": "lead"}, "about": {"dataDigest": {"sha256": "ab"}}, "answers": [given]}
    found = declaration.choose_answers([(3, "", said)], [PROFILE], "ab", TODAY, people=identity.alone())[
        CN, "art-7-5", "other-rules"
    ]
    assert (found.stale is None) if stale is None else (stale in found.stale)


def test_a_scan_without_a_ledger_counts_nothing(world, write):
    actions.declare(world / "ledger", write(form()))
    assert words(pv.scan(world / "data", profiles=[CN], workers=1), "art-7-5") == ["evidence missing"]
