"""What profiles make of findings: severities, the worst of several, verdicts, and what a broken profile is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provenance import checks, profiles, schemas
from provenance.digests import fingerprint
from provenance.errors import ProfileError
from provenance.model import Finding

BASELINE = Path(profiles.__file__).with_name("baseline.yaml").read_bytes()
VERDICTS = {"conforms", "does not conform", "no contrary evidence", "not evidenced", "not applicable"}


def finding(check="licence-missing", source="a", value=1.0, records=100):
    return Finding(check, source, "Words.", "Limits.", value=value, unit="share", records=records)


def profile(name="test", modality="practice", severity="error", by="machine", minimum=None, **rest):
    rule = {"severity": severity} | ({"minimum": {"records": minimum}} if minimum is not None else {})
    element = {"by": by} | ({"checks": {"licence-missing": rule}} if by == "machine" else {})
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
    assert profiles.severity({"severity": STEPS[::turn]}, finding(value=value)) == level


@pytest.mark.parametrize(("records", "level"), [(9, None), (10, "error"), (None, "error")])
def test_a_minimum_of_records(records, level):
    rule = {"minimum": {"records": 10}, "severity": "error"}
    assert profiles.severity(rule, finding(records=records)) == level


@pytest.mark.parametrize("levels", [("note", "error", "warning"), ("error", "note"), ("warning",)])
def test_the_worst_of_several_profiles_counts(levels):
    chosen = [profile(f"p{k}", severity=level) for k, level in enumerate(levels)]
    severities, verdicts = profiles.judge([finding()], ran(), chosen, files())
    worst = min(levels, key=["error", "warning", "note"].index)
    assert severities == {fingerprint("licence-missing", "a"): (worst, f"p{levels.index(worst)}: §1")}
    assert verdicts["profile"].to_pylist() == [each.name for each in chosen]


def test_what_no_profile_minds_is_no_finding():
    severities, _ = profiles.judge([finding("duplicate-records")], ran(), [profile()], files())
    assert severities == {}
    assert checks.tabled([finding("duplicate-records")], severities).num_rows == 0


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
    _, table = profiles.judge(found, ran(status), [profile(modality=modality, severity=severity)], files(*rows))
    row = table.to_pylist()[0]
    assert (row["verdict"], row["findings"]) == (verdict, count)
    assert reason in row["reason"]
    assert row["verdict"] in VERDICTS


@pytest.mark.parametrize("by", ["declaration", "document"])
def test_what_the_machine_does_not_answer_is_not_evidenced(by):
    _, table = profiles.judge([], ran(), [profile(modality="shall", by=by)], files())
    assert (table["verdict"].to_pylist(), table["answered_by"].to_pylist()) == (["not evidenced"], [by])


def broken(change):
    held = yaml.safe_load(BASELINE)
    change(held)
    return yaml.safe_dump(held).encode()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"profile: [", "is not YAML.*line 1"),
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
    ],
    ids=["YAML", "encoding", "shape", "missing key", "word", "no checks", "number", "name"],
)
def test_a_broken_profile_is_told_where(data, where):
    with pytest.raises(ProfileError, match=where):
        profiles.parse("baseline", data)


def test_an_unknown_profile_is_named():
    with pytest.raises(ProfileError, match="no profile 'gdpr'; there are: baseline"):
        profiles.load("gdpr")


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_shipped_profiles_name_checks_that_exist_and_mind_each_finding_once(name):
    rules = [check for _, _, check, _ in profiles.checks(profiles.load(name))]
    assert set(rules) <= set(checks.CHECKS)
    assert len(rules) == len(set(rules))
    assert name != "baseline" or set(rules) == set(checks.CHECKS)


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_requirements_have_ids_of_their_own(name):
    ids = [requirement["id"] for requirement in profiles.load(name).requirements]
    assert len(ids) == len(set(ids))


def test_findings_are_tabled_the_worst_first():
    found = [finding("duplicate-records", "a"), finding("licence-missing", "b"), finding("licence-missing", "a")]
    marks = [fingerprint(each.check, each.source) for each in found]
    severities = dict(zip(marks, [("note", "p: 1"), ("error", "p: 2"), ("error", "p: 2")], strict=True))
    table = checks.tabled(found, severities)
    assert [(row["severity"], row["check"], row["source"]) for row in table.to_pylist()] == [
        ("error", "licence-missing", "a"),
        ("error", "licence-missing", "b"),
        ("note", "duplicate-records", "a"),
    ]
