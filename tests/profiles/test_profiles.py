"""What profiles make of findings: severities, the worst of several, verdicts, and what a broken profile is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

import provenance as pv
from provenance import checks, profiles
from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import DeclaredAnswer, Finding
from provenance.errors import ProfileError
from provenance.profiles import judgement

BASELINE = Path(profiles.__file__).with_name("baseline.yaml").read_bytes()
VERDICTS = {"conforms", "does not conform", "no contrary evidence", "not evidenced", "not applicable"}


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
        [{"check": "licence-missing", "status": status, "records_seen": 0, "records_unreadable": 0}], schemas.COVERAGE
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


def test_a_check_that_saw_a_part_only_leaves_its_element_open():
    rows = [row | {"reason": "7 of 8 sources were not asked"} for row in ran().to_pylist()]
    coverage = schemas.rows(rows, schemas.COVERAGE)
    _, table = judgement.judge([], coverage, [profile(modality="shall")], files())
    assert table.select(["verdict", "reason"]).to_pylist() == [
        {"verdict": "not evidenced", "reason": "7 of 8 sources were not asked"}
    ]
    _, table = judgement.judge([finding()], coverage, [profile(modality="shall")], files())
    assert table["verdict"].to_pylist() == ["does not conform"]


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


# modality, severity, findings, status of the check, files -> verdict, part of the reason
JUDGEMENTS = {
    "a shall fails": ("shall", "warning", 1, "ran", (), "does not conform", "1 finding"),
    "a should cannot fail": ("should", "error", 2, "ran", (), "not evidenced", "2 findings against it"),
    "practice cannot fail": ("practice", "error", 1, "ran", (), "not evidenced", "1 finding"),
    "notes do not fail a shall, and are said": ("shall", "note", 3, "ran", (), "no contrary evidence", "3 findings, of no weight"),
    "silence": ("shall", "error", 0, "ran", (), "no contrary evidence", "everything that was not left out"),
    "an errored check is no silence": ("shall", "error", 0, "errored", (), "not evidenced", "did not run: licence-missing"),
    "a skipped check is no silence": ("practice", "error", 0, "skipped", (), "not evidenced", "did not run: licence-missing"),
    "a finding outweighs an errored check": ("shall", "error", 1, "errored", (), "does not conform", "1 finding"),
    "unread bytes are said, each once": (
        "shall", "error", 0, "ran", [("a/x", "data", 5, 1500), ("a.zip", "data", 5, 7), ("a.zip!/m", "data", 0, 9999)],
        "no contrary evidence", "1,507 bytes were not",
    ),
    "unread manifests count": (
        "shall", "error", 0, "ran", [("a/x", "data", 5, 0), ("README.md", "manifest", 0, 3)], "no contrary evidence", "3 bytes were not",
    ),
    "what was left out does not": ("shall", "error", 0, "ran", [("a", "data", 5, 0), (".git/", "ignored", 0, 9)], "no contrary evidence", "not left out was read"),
    "nothing read is no evidence": ("shall", "error", 0, "ran", [("a/x", "data", 0, 1500), ("R", "manifest", 3, 0)], "not evidenced", "no data could be read"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("modality", "severity", "count", "status", "rows", "verdict", "reason"), JUDGEMENTS.values(), ids=JUDGEMENTS
)
def test_verdicts(modality, severity, count, status, rows, verdict, reason):
    found = [finding(source=f"s{k}") for k in range(count)]
    _, table = judgement.judge(found, ran(status), [profile(modality=modality, severity=severity)], files(*rows))
    row = table.to_pylist()[0]
    assert (row["verdict"], row["findings"]) == (verdict, count)
    assert reason in row["reason"]
    assert row["verdict"] in VERDICTS


@pytest.mark.parametrize("by", ["declaration", "document"])
def test_what_the_machine_does_not_answer_is_not_evidenced(by):
    _, table = judgement.judge([], ran(), [profile(modality="shall", by=by)], files())
    assert (table["verdict"].to_pylist(), table["answered_by"].to_pylist()) == (["not evidenced"], [by])


# what is asked -> verdict of each element in order. states: m+ clean, m- against, m? open, u = bytes unread;
# then the answers, one an element: yes | no | n/a | none | stale | bare (a yes without the document asked for)
REQUIREMENTS = {
    "all answered conforms": ("shall primary m+ d:yes f:yes", "conforms|conforms|conforms"),
    "a person alone conforms, too": ("shall primary d:yes", "conforms"),
    "a should conforms as well": ("should primary m+ d:yes", "conforms|conforms"),
    "machine alone does not": ("shall primary m+", "no contrary evidence"),
    "one answer is missing": ("shall primary m+ d:yes f:none", "no contrary evidence|no contrary evidence|not evidenced"),
    "a document that is not bound": ("shall primary m+ f:bare", "no contrary evidence|not evidenced"),
    "a declaration needs no document": ("shall primary m+ d:bare", "conforms|conforms"),
    "an answer that does not count": ("shall primary m+ d:stale", "no contrary evidence|not evidenced"),
    "a no fails a shall": ("shall primary m+ d:no", "no contrary evidence|does not conform"),
    "a no fails no should": ("should primary m+ d:no", "no contrary evidence|not evidenced"),
    "the machine outweighs a yes": ("shall primary m- d:yes f:yes", "does not conform|not evidenced|not evidenced"),
    "the machine outweighs not-applicable": ("shall primary m- d:n/a", "does not conform|not evidenced"),
    "open evidence fails nothing": ("shall primary m? d:yes", "not evidenced|no contrary evidence"),
    "unread bytes conform to nothing": ("shall primary u d:yes", "no contrary evidence|no contrary evidence"),
    "nobody's yes conforms to nothing": ("shall primary m+ d:n/a", "no contrary evidence|not applicable"),
    "not applicable beside a yes": ("shall primary m+ d:yes f:n/a", "conforms|conforms|not applicable"),
    "not applicable as a whole": ("shall primary d:n/a f:n/a", "not applicable|not applicable"),
    "an unconfirmed text is not conformed to": ("shall unconfirmed m+ d:yes", "no contrary evidence|no contrary evidence"),
    "an unconfirmed text fails nobody": ("shall unconfirmed m- d:no", "not evidenced|not evidenced"),
    "a secondary text does fail": ("shall secondary m- d:none", "does not conform|not evidenced"),
}  # fmt: skip
SAID = {"yes": "yes", "no": "no", "n/a": "not-applicable", "stale": "yes", "bare": "yes"}


def declared(question, answer):
    """The answers to one element, as `judge` takes them."""
    if answer == "none":
        return {}
    stale = "the data has changed since" if answer == "stale" else None
    return {("test", "r", question): DeclaredAnswer(SAID[answer], 7, "data lead", 0 if answer == "bare" else 2, stale)}


def posed(told):
    """A profile of one requirement, its answers and findings, and FILES."""
    modality, text, *parts = told.split()
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
    requirement = {"id": "r", "title": "T.", "modality": modality, "text": text, "clause": "§1", "elements": elements}
    held = {"profile": "test", "version": 1, "title": "T", "about": "A.", "requirements": [requirement]}
    return profiles.parse("test", yaml.safe_dump(held).encode()), answers, found, files(("a/x", "data", 10, skipped))


@pytest.mark.parametrize(("told", "verdicts"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements(told, verdicts):
    asked, answers, found, read = posed(told)
    _, table = judgement.judge(found, ran(), [asked], read, answers=answers)
    assert table["verdict"].to_pylist() == verdicts.split("|")
    assert set(verdicts.split("|")) <= VERDICTS


def test_a_contradiction_is_said_on_both_sides():
    asked, answers, found, read = posed("shall primary m- d:yes")
    _, table = judgement.judge(found, ran(), [asked], read, answers=answers)
    machine, person = table["reason"].to_pylist()
    assert "declared yes in entry 7" in machine
    assert "declared yes by data lead (entry 7)" in person
    assert "the machine found evidence against" in person


def test_verdicts_name_their_findings_and_checks():
    asked, answers, found, read = posed("shall primary m- d:yes")
    _, table = judgement.judge([*found, finding("duplicate-records")], ran(), [asked], read, answers=answers)
    machine, person = table.to_pylist()
    assert machine["fingerprints"] == [fingerprint("licence-missing", "a")]
    assert (machine["checks"], machine["declared"]) == (["licence-missing"], None)
    assert (person["fingerprints"], person["asked"], person["declared"], person["declared_in"]) == ([], "q1", "yes", 7)


@pytest.mark.parametrize(
    ("answer", "outside"), [("no", True), ("yes", False), ("none", False), ("stale", False)]
)  # fmt: skip
def test_scope_decides_whether_anything_applies(answer, outside):
    asked, answers, found, read = posed(f"shall primary m- d:{answer}")
    scope = {"requirement": "r", "element": "q1", "reason": "not offered"}
    _, table = judgement.judge(found, ran(), [dataclasses.replace(asked, scope=scope)], read, answers=answers)
    assert (set(table["verdict"].to_pylist()) == {"not applicable"}) == outside
    assert all("not offered: no by data lead (entry 7)" in reason for reason in table["reason"].to_pylist()) == outside


def test_being_in_scope_is_no_conformity():
    asked, answers, found, read = posed("shall primary d:yes")
    scope = {"requirement": "r", "element": "q0", "reason": "not offered"}
    _, table = judgement.judge(found, ran(), [dataclasses.replace(asked, scope=scope)], read, answers=answers)
    assert table["verdict"].to_pylist() == ["no contrary evidence"]


@pytest.mark.parametrize(
    ("text", "clause"), [("primary", "test: §1"), ("unconfirmed", "test: §1 (text: unconfirmed)"), ("draft", "test: §1 (text: draft)")]
)  # fmt: skip
def test_how_a_text_was_read_stands_beside_the_clause(text, clause):
    asked, answers, found, read = posed(f"shall {text} m-")
    severities, _ = judgement.judge(found, ran(), [asked], read, answers=answers)
    assert [each for _, each in severities.values()] == [clause]


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["conforms", "not applicable"], "conforms"),
        (["conforms", "no contrary evidence"], "no contrary evidence"),
        (["not evidenced", "no contrary evidence"], "not evidenced"),
        (["not evidenced", "does not conform"], "does not conform"),
        (["not applicable"], "not applicable"),
    ],
)
def test_the_gravest_verdict_is_the_requirements(verdicts, whole):
    assert judgement.overall(verdicts) == judgement.overall(verdicts[::-1]) == whole


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
    verdicts = pv.scan(tmp_path).verdicts.set_index("requirement")["verdict"]
    assert verdicts["licence"] == verdicts["purpose"] == "not evidenced"
