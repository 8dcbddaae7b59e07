"""What falls below a profile's minimums: several of them, parts that are weighed by themselves, and what COVERAGE says."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from provenance import profiles
from provenance.core import model, schemas
from provenance.core.model import Finding
from provenance.profiles import judgement

OPEN, _, _, NOTHING = model.OBSERVED
STEPS = [{"from": 0.01, "is": "note"}, {"from": 0.05, "is": "warning"}, {"from": 0.5, "is": "error"}]


def finding(check="licence-missing", source="a", value=1.0, records=100):
    return Finding(check, source, "Words.", "Limits.", value=value, unit="share", records=records)


def profile(name="test", severity="error", minimum=1):
    """A profile of one rule."""
    rule = {"severity": severity, "minimum": {"records": minimum}}
    element = {"by": "machine", "checks": {"licence-missing": rule}}
    asked = {"id": "r", "title": "T.", "modality": "practice", "text": "primary", "clause": "§1", "elements": [element]}
    document = {"profile": name, "version": 1, "title": "T", "about": "A.", "requirements": [asked]}
    return profiles.parse(name, yaml.safe_dump(document).encode())


def ran():
    row = {"check": "licence-missing", "status": "ran", "records_seen": 0, "records_unreadable": 0}
    return schemas.rows([row], schemas.COVERAGE)


def files():
    counts = dict.fromkeys(("bytes_skipped", "records", "records_unreadable", "records_distinct", "tokens"), 0)
    return schemas.rows([counts | {"path": "a/x", "role": "data", "bytes": 10, "bytes_consumed": 10}], schemas.FILES)


EITHER = [{"records": 10, "texts": 5}, {"texts": 2, "bytes": 20_000}, {"bytes": 100_000}]


@pytest.mark.parametrize(
    ("records", "texts", "text", "level"),
    [
        (10, 5, 0, "error"),
        (9, 5, 0, None),
        (10, 4, 19_999, None),
        (10, 4, 20_000, "error"),
        (8, 2, 20_000, "error"),
        (8, 1, 99_999, None),
        (1, 1, 100_000, "error"),
        (10, None, None, "error"),  # of the first, what is not known hides nothing
        (9, None, None, None),  # of the others it does not do
        (1, 1, None, None),
    ],
)
def test_one_of_several_minimums_must_be_reached(records, texts, text, level):
    found = dataclasses.replace(finding(records=records), texts=texts, text=text)
    assert judgement.severity({"minimum": EITHER, "severity": "error"}, found) == level


def part(value, records, text=None, unit="share"):
    return model.FindingPart(value, unit, records, records, text)


@pytest.mark.parametrize(
    ("parts", "level", "value", "unit"),
    [
        ([part(1.0, 1), part(0.02, 12)], "note", 0.02, "share"),  # one record is below the minimum, whatever its share
        ([part(1.0, 10), part(0.02, 12)], "error", 1.0, "share"),
        ([part(0.02, 10), part(0.06, 10, unit="text")], "warning", 0.06, "text"),
        ([part(0.07, 10), part(0.06, 10, unit="text")], "warning", 0.07, "share"),  # the first of equal ones
        ([part(1.0, 1), part(0.5, 9)], None, 0.9, "share"),
    ],
)
def test_each_part_is_weighed_by_itself_and_the_worst_counts(parts, level, value, unit):
    found = dataclasses.replace(finding(value=0.9, records=500), parts=tuple(parts))
    rule = {"minimum": {"records": 10}, "severity": STEPS}
    assert judgement.severity(rule, found) == level
    chosen = [profile(minimum=10, severity=STEPS), profile("other", minimum=1000)]
    settled = judgement.settle_values([found, finding("duplicate-records")], chosen)
    assert (settled[0].value, settled[0].unit) == (value, unit)
    assert settled[1] == finding("duplicate-records")


@pytest.mark.parametrize(
    ("records", "text", "level"), [(99, None, "note"), (99, 999, "note"), (99, 1000, "warning"), (100, 0, "warning")]
)
def test_bytes_do_in_the_place_of_records_where_a_step_says_so(records, text, level):
    steps = [{"from": 0.5, "is": "note"}, {"from": 0.9, "records": 100, "bytes": 1000, "is": "warning"}]
    assert judgement.severity({"severity": steps}, dataclasses.replace(finding(records=records), text=text)) == level


def test_what_is_below_a_minimum_is_said_in_pairs_records_and_bytes():
    def pair(other, records, **more):
        return dataclasses.replace(finding(records=records), other=other, **more)

    found = [pair("b", 4, text=1200), pair("c", 5, text=300), finding(source="d", records=1)]
    sentence = "test: below its minimum for a finding of licence-missing: 2 pairs of sources, 1 source, 10 records, 1,500 bytes"
    assert judgement.describe_minimums(found, [profile(minimum=10)]) == sentence


@pytest.mark.parametrize(
    ("uncounted", "observed"), [(part(1.0, 400), OPEN), (part(1.0, 9), NOTHING), (part(0.001, 400), NOTHING)]
)
def test_short_matches_that_would_be_a_finding_are_said_and_a_few_are_not(uncounted, observed):
    found = dataclasses.replace(finding(value=0.0, records=0), other="b", uncounted=uncounted)
    chosen = [profile(minimum=10, severity=STEPS)]
    severities, table = judgement.judge([found], ran(), chosen, files())
    assert severities == {}
    assert table["observed"].to_pylist() == [observed]
    sentence = "test: below its minimum for a finding of licence-missing: 1 pair of sources, 400 records"
    assert judgement.describe_minimums([found], chosen) == (sentence if observed == OPEN else None)
