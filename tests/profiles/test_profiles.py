"""What profiles make of findings: severities, the worst of several, verdicts, and what a broken profile is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

import provenance as pv
from provenance import checks, profiles
from provenance.core import model, schemas
from provenance.core.digests import fingerprint
from provenance.core.model import DeclaredAnswer, Finding
from provenance.errors import ProfileError
from provenance.profiles import judgement

BASELINE = Path(profiles.__file__).with_name("baseline.yaml").read_bytes()
OPEN, MISSING, UNSEEN, NOTHING = model.OBSERVED


def finding(check="licence-missing", source="a", value=1.0, records=100):
    return Finding(check, source, "Words.", "Limits.", value=value, unit="share", records=records)


def profile(name="test", modality="practice", severity="error", by="machine", minimum=None, **rest):
    rule = {"severity": severity} | ({"minimum": {"records": minimum}} if minimum is not None else {})
    asked = {"checks": {"licence-missing": rule}} if by == "machine" else {"id": "q", "asks": "Q.", "about": "data"}
    element = {"by": by} | asked
    requirement = {
        "id": "r",
        "title": "T.",
        "modality": modality,
        "text": "primary",
        "clause": "§1",
        "elements": [element],
    }
    held = {"profile": name, "version": 1, "title": "T", "about": "A.", "requirements": [requirement]} | rest
    return profiles.parse(name, yaml.safe_dump(held).encode())


def ran(status="ran"):
    return schemas.rows(
        [
            {"check": "licence-missing", "status": status, "records_seen": 0, "records_unreadable": 0}
            | ({"reason": "nothing to compare"} if status == "skipped" else {})
        ],
        schemas.COVERAGE,
    )


def files(*rows):
    zero = dict.fromkeys(("records", "records_unreadable", "records_distinct", "tokens"), 0)
    given = rows or (("a/x", "data", 10, 0),)
    return schemas.rows(
        [
            zero | {"path": path, "role": role, "bytes": read + unread, "bytes_consumed": read, "bytes_skipped": unread}
            for path, role, read, unread in given
        ],
        schemas.FILES,
    )


STEPS = [{"from": 0.01, "is": "note"}, {"from": 0.05, "is": "warning"}, {"from": 0.5, "is": "error"}]


@pytest.mark.parametrize("turn", [1, -1], ids=["ascending", "descending"])
@pytest.mark.parametrize(
    ("value", "level"),
    [
        (0.0, None),
        (0.0099, None),
        (0.01, "note"),
        (0.049, "note"),
        (0.05, "warning"),
        (0.5, "error"),
        (9.0, "error"),
        (None, "error"),
    ],
)
def test_steps(value, level, turn):
    assert judgement.severity({"severity": STEPS[::turn]}, finding(value=value)) == level


@pytest.mark.parametrize(
    ("value", "records", "level"),
    [(20, 4, "note"), (20, 5, "warning"), (9, 500, "note"), (20, None, "warning")],
)
def test_a_step_may_ask_for_records(value, records, level):
    steps = [{"from": 10, "records": 5, "is": "warning"}, {"from": 0, "is": "note"}]
    for turn in (1, -1):
        assert judgement.severity({"severity": steps[::turn]}, finding(value=value, records=records)) == level


@pytest.mark.parametrize(
    ("field", "value", "level"),
    [(None, 1.0, "error"), ("kind", 1.0, "note"), ("links", 0.2, None), ("links", 0.9, "warning"), ("x", 0, "error")],
)
def test_a_field_may_have_a_severity_of_its_own(field, value, level):
    rule = {"severity": "error", "fields": {"kind": "note", "links": [{"from": 0.9, "is": "warning"}]}}
    assert judgement.severity(rule, dataclasses.replace(finding(value=value), field=field)) == level


def test_a_check_that_saw_a_part_only_leaves_its_element_unexamined():
    rows = [row | {"reason": "7 of 8 sources were not asked"} for row in ran().to_pylist()]
    coverage = schemas.rows(rows, schemas.COVERAGE)
    _, table = judgement.judge([], coverage, [profile(modality="shall")], files())
    assert table.select(["observed", "reason"]).to_pylist() == [
        {"observed": UNSEEN, "reason": "7 of 8 sources were not asked"}
    ]
    _, table = judgement.judge([finding()], coverage, [profile(modality="shall")], files())
    assert table.select(["observed", "reason"]).to_pylist() == [
        {"observed": OPEN, "reason": "1 finding; not examined: 7 of 8 sources were not asked"}
    ]


def test_what_a_step_left_out_is_a_gap_of_the_checks_that_rest_on_it():
    gaps = {"licence-missing": ["manifests: 3 declared addresses were not fetched"], "split-leak": ["columns: x"]}
    _, table = judgement.judge([], ran(), [profile()], files(), gaps=gaps)
    assert table.select(["observed", "reason"]).to_pylist() == [
        {"observed": UNSEEN, "reason": "manifests: 3 declared addresses were not fetched"}
    ]


def test_what_is_below_a_minimum_is_no_finding_and_no_silence():
    chosen, found = [profile(minimum=10)], [finding(records=9), finding(source="b", records=4)]
    severities, table = judgement.judge(found, ran(), chosen, files())
    assert severities == {}
    assert table.select(["observed", "findings", "fingerprints", "reason"]).to_pylist() == [
        {
            "observed": OPEN, "findings": 0, "fingerprints": [],
            "reason": "found, and below what this profile counts: licence-missing",
        }
    ]  # fmt: skip
    sentence = "test: below its minimum for a finding of licence-missing: 2 sources, 13 records"
    assert judgement.describe_minimums(found, chosen) == sentence
    assert judgement.describe_minimums([finding(records=10)], chosen) is None


@pytest.mark.parametrize(("records", "level"), [(9, None), (10, "error"), (None, "error")])
def test_a_minimum_of_records(records, level):
    rule = {"minimum": {"records": 10}, "severity": "error"}
    assert judgement.severity(rule, finding(records=records)) == level


@pytest.mark.parametrize("levels", [("note", "error", "warning"), ("error", "note"), ("warning",)])
def test_the_worst_of_several_profiles_counts(levels):
    chosen = [profile(f"p{k}", severity=level) for k, level in enumerate(levels)]
    severities, verdicts = judgement.judge([finding()], ran(), chosen, files())
    worst = min(levels, key=["error", "warning", "note"].index)
    assert severities == {fingerprint("licence-missing", "a"): (worst, f"p{levels.index(worst)}: §1")}
    assert verdicts["profile"].to_pylist() == [each.name for each in chosen]


def test_what_no_profile_minds_is_no_finding():
    severities, _ = judgement.judge([finding("duplicate-records")], ran(), [profile()], files())
    assert severities == {}
    assert checks.make_findings([finding("duplicate-records")], severities).num_rows == 0


# severity, findings, status of the check, files -> what is observed, part of the reason
OBSERVATIONS = {
    "a finding": ("warning", 1, "ran", (), OPEN, "1 finding"),
    "findings": ("error", 2, "ran", (), OPEN, "2 findings"),
    "a note is no silence": ("note", 3, "ran", (), OPEN, "3 findings of the severity note"),
    "silence": ("error", 0, "ran", (), NOTHING, "everything that was not left out"),
    "an errored check is no silence": ("error", 0, "errored", (), UNSEEN, "licence-missing did not run"),
    "a skipped check is no silence": ("error", 0, "skipped", (), UNSEEN, "licence-missing did not run: nothing to compare"),
    "a finding beside an errored check": ("error", 1, "errored", (), OPEN, "1 finding; not examined: licence-missing did not run"),
    "unread bytes are said, each once": (
        "error", 0, "ran", [("a/x", "data", 5, 1500), ("a.zip", "data", 5, 7), ("a.zip!/m", "data", 0, 9999)],
        UNSEEN, "1,507 bytes in 2 files were not read",
    ),
    "unread manifests count": (
        "error", 0, "ran", [("a/x", "data", 5, 0), ("README.md", "manifest", 0, 3)], UNSEEN, "3 bytes in 1 file were not read",
    ),
    "what was left out does not": ("error", 0, "ran", [("a", "data", 5, 0), (".git/", "ignored", 0, 9)], NOTHING, "not left out was read"),
    "nothing read is no evidence": ("error", 0, "ran", [("a/x", "data", 0, 1500), ("R", "manifest", 3, 0)], UNSEEN, "no data could be read"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("severity", "count", "status", "rows", "observed", "reason"), OBSERVATIONS.values(), ids=OBSERVATIONS
)
@pytest.mark.parametrize("modality", model.MODALITIES)
def test_observations(modality, severity, count, status, rows, observed, reason):
    """The tool rates no clause: what it observed is the same for a shall and for practice."""
    found = [finding(source=f"s{k}") for k in range(count)]
    _, table = judgement.judge(found, ran(status), [profile(modality=modality, severity=severity)], files(*rows))
    row = table.to_pylist()[0]
    assert (row["observed"], row["findings"]) == (observed, count)
    assert reason in row["reason"]
    assert (row["assessed"], row["assessor"]) == (None, None)


def test_a_record_that_could_not_be_read_is_no_silence():
    rows = [row | {"records_unreadable": 2} for row in files().to_pylist()]
    _, table = judgement.judge([], ran(), [profile()], schemas.rows(rows, schemas.FILES))
    assert table.select(["observed", "reason"]).to_pylist() == [
        {"observed": UNSEEN, "reason": "2 records could not be read"}
    ]


@pytest.mark.parametrize("by", ["declaration", "document"])
def test_what_nobody_answered_is_missing_evidence(by):
    _, table = judgement.judge([], ran(), [profile(modality="shall", by=by)], files())
    assert table.select(["observed", "assessed", "answered_by", "reason"]).to_pylist() == [
        {"observed": MISSING, "assessed": None, "answered_by": by, "reason": f"no {by} answers it"}
    ]


# what is asked -> what is observed, and assessed, of each element in order. states: m+ clean, m- against, m? open,
# u = bytes unread; then the answers, one an element: yes | no | n/a | none | stale | bare (a yes without a document)
REQUIREMENTS = {
    "all answered": ("primary m+ d:yes f:yes", "N . U|conforms U|conforms"),
    "a person alone": ("primary d:yes", "U|conforms"),
    "machine alone": ("primary m+", "N ."),
    "one answer is missing": ("primary m+ d:yes f:none", "N . U|conforms M ."),
    "a document that is not bound": ("primary m+ f:bare", "N . M|conforms"),
    "a declaration needs no document": ("primary m+ d:bare", "N . U|conforms"),
    "an answer that does not count": ("primary m+ d:stale", "N . M ."),
    "a no": ("primary m+ d:no", "N . U|does-not-conform"),
    "the machine differs from a yes": ("primary m- d:yes f:yes", "O . O|conforms O|conforms"),
    "the machine differs from not-applicable": ("primary m- d:n/a", "O . O|not-applicable"),
    "the machine does not differ from a no": ("primary m- d:no", "O . U|does-not-conform"),
    "open evidence": ("primary m? d:yes", "M . U|conforms"),
    "what was found is not inapplicable": ("primary m? d:n/a", "M . O|not-applicable"),
    "unread bytes": ("primary u d:yes", "U . U|conforms"),
    "not applicable beside a yes": ("primary m+ d:yes f:n/a", "N . U|conforms U|not-applicable"),
    "an unconfirmed text": ("unconfirmed m- d:no", "O . U|does-not-conform"),
}
LETTERS = {"O": OPEN, "M": MISSING, "U": UNSEEN, "N": NOTHING}
SAID = {"yes": "yes", "no": "no", "n/a": "not-applicable", "stale": "yes", "bare": "yes"}


def declared(question, answer):
    """The answers to one element, as `judge` takes them."""
    if answer == "none":
        return {}
    stale = "the data has changed since" if answer == "stale" else None
    return {
        ("test", "r", question): DeclaredAnswer(
            SAID[answer], 7, "data lead, person:assessor:00", 0 if answer == "bare" else 2, stale
        )
    }


def posed(told):
    """A profile of one requirement, its answers and findings, and FILES."""
    text, *parts = told.split()
    elements, answers, found, skipped = [], {}, [], 0
    for number, part in enumerate(parts):
        if part[0] in "mu":
            rule = {"severity": "error"} | ({"evidence": "open"} if part == "m?" else {})
            elements.append({"by": "machine", "checks": {"licence-missing": rule}})
            found += [finding()] if part in {"m-", "m?"} else []
            skipped += 5 if part == "u" else 0
            continue
        by = {"d": "declaration", "f": "document"}[part[0]]
        elements.append({"by": by, "id": f"q{number}", "asks": "Q.", "about": "data"})
        answers |= declared(f"q{number}", part[2:])
    requirement = {"id": "r", "title": "T.", "modality": "shall", "text": text, "clause": "§1", "elements": elements}
    held = {"profile": "test", "version": 1, "title": "T", "about": "A.", "requirements": [requirement]}
    return profiles.parse("test", yaml.safe_dump(held).encode()), answers, found, files(("a/x", "data", 10, skipped))


@pytest.mark.parametrize(("told", "results"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements(told, results):
    asked, answers, found, read = posed(told)
    _, table = judgement.judge(found, ran(), [asked], read, answers=answers)
    wanted = [each.partition("|") for each in results.replace(" .", "|").split()]
    assert table["observed"].to_pylist() == [LETTERS[letter] for letter, *_ in wanted]
    assert table["assessed"].to_pylist() == [word.replace("-", " ") or None for *_, word in wanted]
    assert table["assessor"].to_pylist() == ["data lead, person:assessor:00" if word else None for *_, word in wanted]


def test_a_conclusion_on_an_unconfirmed_text_says_so():
    asked, answers, found, read = posed("unconfirmed m+ d:yes")
    _, table = judgement.judge(found, ran(), [asked], read, answers=answers)
    assert table["reason"].to_pylist()[1].endswith("the text of the clause is unconfirmed: look it up")


@pytest.mark.parametrize(("told", "word"), [("primary m- d:yes", "yes"), ("primary m? d:n/a", "not-applicable")])
def test_a_contradiction_is_said_on_both_sides(told, word):
    asked, answers, found, read = posed(told)
    _, table = judgement.judge(found, ran(), [asked], read, answers=answers)
    machine, person = table["reason"].to_pylist()
    assert f"declared {word} in entry 7" in machine
    assert f"declared {word} by data lead, person:assessor:00 (entry 7)" in person
    assert machine.endswith("statement and observation differ")
    assert person.endswith("statement and observation differ")


def test_verdicts_name_their_findings_and_checks():
    asked, answers, found, read = posed("primary m- d:yes")
    _, table = judgement.judge([*found, finding("duplicate-records")], ran(), [asked], read, answers=answers)
    machine, person = table.to_pylist()
    assert machine["fingerprints"] == [fingerprint("licence-missing", "a")]
    assert (machine["checks"], machine["declared"]) == (["licence-missing"], None)
    assert (person["fingerprints"], person["asked"], person["declared"], person["declared_in"]) == ([], "q1", "yes", 7)


@pytest.mark.parametrize(
    ("answer", "outside"), [("no", True), ("yes", False), ("none", False), ("stale", False)]
)  # fmt: skip
def test_scope_decides_whether_anything_applies(answer, outside):
    asked, answers, found, read = posed(f"primary m- d:{answer}")
    scope = {"requirement": "r", "element": "q1", "reason": "not offered"}
    _, table = judgement.judge(found, ran(), [dataclasses.replace(asked, scope=scope)], read, answers=answers)
    assert (set(table["assessed"].to_pylist()) == {"not applicable"}) == outside
    assert table["observed"].to_pylist()[0] == OPEN, "what was found stays found"
    assert (
        all(
            "not offered: no by data lead, person:assessor:00 (entry 7)" in reason
            for reason in table["reason"].to_pylist()
        )
        == outside
    )


def test_being_in_scope_is_no_conformity():
    asked, answers, found, read = posed("primary d:yes")
    scope = {"requirement": "r", "element": "q0", "reason": "not offered"}
    _, table = judgement.judge(found, ran(), [dataclasses.replace(asked, scope=scope)], read, answers=answers)
    assert table.select(["observed", "assessed"]).to_pylist() == [{"observed": UNSEEN, "assessed": None}]


@pytest.mark.parametrize(
    ("text", "clause"), [("primary", "test: §1"), ("unconfirmed", "test: §1 (text: unconfirmed)"), ("draft", "test: §1 (text: draft)")]
)  # fmt: skip
def test_how_a_text_was_read_stands_beside_the_clause(text, clause):
    asked, answers, found, read = posed(f"{text} m-")
    severities, _ = judgement.judge(found, ran(), [asked], read, answers=answers)
    assert [each for _, each in severities.values()] == [clause]


# elements of a requirement (by the machine or a person; observed; assessed) -> observed and assessed of the whole
OVERALL = {
    "the gravest observation": (["m N .", "m O .", "m U ."], (OPEN, None)),
    "missing evidence before what was not examined": (["m U .", "p M ."], (MISSING, None)),
    "what only a person answers, and did, is no gap": (["m N .", "p U conforms"], (NOTHING, "conforms")),
    "one that nobody assessed": (["p U conforms", "p M ."], (MISSING, None)),
    "one that does not conform is enough": (["p U does not conform", "p M ."], (MISSING, "does not conform")),
    "conforms before not applicable": (["p U conforms", "p U not applicable"], (UNSEEN, "conforms")),
    "not applicable as a whole": (["p U not applicable"], (UNSEEN, "not applicable")),
    "a difference stays open": (["m O .", "p O conforms"], (OPEN, "conforms")),
}


@pytest.mark.parametrize(("elements", "whole"), OVERALL.values(), ids=OVERALL)
def test_what_a_requirement_comes_to(elements, whole):
    rows = [
        {"answered_by": {"m": "machine", "p": "declaration"}[by], "observed": LETTERS[letter], "assessed": word}
        for by, letter, word in ((each[0], each[2], None if each[4:] == "." else each[4:]) for each in elements)
    ]
    assert judgement.overall(rows) == judgement.overall(rows[::-1]) == whole


def broken(change):
    held = yaml.safe_load(BASELINE)
    change(held)
    return yaml.safe_dump(held).encode()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"profile: [", "is not YAML.*line [12]"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"- a list", r"at \$:"),
        (broken(lambda held: held.pop("about")), r"at \$: 'about' is a required property"),
        (
            broken(lambda held: held["requirements"][1].update(modality="must")),
            r"at \$\.requirements\[1\]\.modality: 'must'",
        ),
        (
            broken(lambda held: held["requirements"][0]["elements"][0].pop("checks")),
            r"at \$\.requirements\[0\]\.elements\[0\]",
        ),
        (broken(lambda held: held.update(minimum={"shingles": 0})), r"at \$\.minimum\.shingles"),
        (broken(lambda held: held.update(profile="another")), r"at \$\.profile: it calls itself 'another'"),
        (broken(lambda held: held["requirements"][0].update(id="purpose")), "an id stands twice"),
        (
            broken(lambda held: held.update(scope={"requirement": "origin", "element": "q", "reason": "R"})),
            r"at \$\.scope: it names no element",
        ),
        (
            broken(lambda held: held["requirements"][0].update(elements=[{"by": "document"}])),
            r"at \$\.requirements\[0\]\.elements\[0\]",
        ),
    ],
    ids=[
        "YAML",
        "encoding",
        "shape",
        "missing key",
        "word",
        "no checks",
        "number",
        "name",
        "twice",
        "scope",
        "question",
    ],
)
def test_a_broken_profile_is_told_where(data, where):
    with pytest.raises(ProfileError, match=where):
        profiles.parse("baseline", data)


def test_an_unknown_profile_is_named():
    with pytest.raises(ProfileError, match="no profile 'gdpr'; there are: baseline"):
        profiles.load("gdpr")


@pytest.mark.parametrize("name", profiles.names())
def test_shipped_profiles_name_checks_that_exist_and_mind_each_finding_once(name):
    rules = [(check, rule.get("evidence", "against")) for _, _, check, rule in profiles.checks(profiles.load(name))]
    assert {check for check, _ in rules} <= set(checks.CHECKS)
    against = [check for check, evidence in rules if evidence == "against"]
    assert len(against) == len(set(against)), "what leaves a question open may leave several open"
    assert name != "baseline" or set(against) == set(checks.CHECKS)


@pytest.mark.parametrize("name", profiles.names())
def test_requirements_have_ids_of_their_own(name):
    ids = [requirement["id"] for requirement in profiles.load(name).requirements]
    assert len(ids) == len(set(ids))


def test_findings_are_tabled_the_worst_first():
    found = [finding("duplicate-records", "a"), finding("licence-missing", "b"), finding("licence-missing", "a")]
    marks = [fingerprint(each.check, each.source) for each in found]
    severities = dict(zip(marks, [("note", "p: 1"), ("error", "p: 2"), ("error", "p: 2")], strict=True))
    table = checks.make_findings(found, severities)
    assert [(row["severity"], row["check"], row["source"]) for row in table.to_pylist()] == [
        ("error", "licence-missing", "a"),
        ("error", "licence-missing", "b"),
        ("note", "duplicate-records", "a"),
    ]


def test_data_that_nobody_describes_leaves_its_licence_open(tmp_path, in_process):
    """Unknown never passes: who reads the verdicts alone must not take silence for a licence."""
    (tmp_path / "x.jsonl").write_text('{"text": "words of which nobody says whose they are"}\n', encoding="utf-8")
    results = pv.scan(tmp_path).verdicts.set_index("requirement")["observed"]
    assert results["licence"] == results["purpose"] == MISSING
