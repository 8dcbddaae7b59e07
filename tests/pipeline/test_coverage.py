"""What steps did not look at is a gap of the checks that rest on them; how far a method sees is none."""

from __future__ import annotations

from provenance import checks, detectors
from provenance.core import schemas
from provenance.pipeline import coverage


def steps(*rows):
    counts = {"records_seen": 1, "records_unreadable": 0}
    return schemas.rows(
        [{"check": step, "status": status, "reason": reason} | counts for step, status, reason in rows],
        schemas.COVERAGE,
    )


def test_every_table_that_a_check_reads_is_known():
    read = {name for check in checks.CHECKS for name in checks.list_inputs(check)}
    assert read <= set(coverage._STEPS_BEFORE), "name the steps that the new table rests on"


def test_how_far_a_method_sees_is_no_gap():
    scope = detectors.describe_scope()["personal-data"]
    gaps = coverage.find_gaps(
        steps(
            ("near-matches", "ran", coverage._RECALL),
            ("containment", "ran", coverage._LEAST),
            ("personal-data", "ran", scope),
            ("manifests", "ran", None),
        )
    )
    assert set(gaps) == set(checks.CHECKS)
    assert not any(gaps.values())


def test_a_gap_is_one_of_the_checks_that_rest_on_the_step():
    gaps = coverage.find_gaps(
        steps(
            ("near-matches", "ran", f"{coverage._RECALL}; texts of groups beyond 64: 12"),
            ("columns", "ran", "notes of a/x.csv, 1,200 bytes, stood in no view"),
            ("manifests", "ran", "2 declared addresses were not fetched; 1 entry of a manifest could not be read"),
            ("references", "errored", "x"),
        )
    )
    near, column = (
        "near-matches: texts of groups beyond 64: 12",
        "columns: notes of a/x.csv, 1,200 bytes, stood in no view",
    )
    assert gaps["licence-conflict-by-content"][:2] == [near, column]
    assert column in gaps["personal-data-without-ground"]
    assert near not in gaps["personal-data-without-ground"]
    assert gaps["licence-conflict-between-witnesses"] == [
        "manifests: 2 declared addresses were not fetched",
        "manifests: 1 entry of a manifest could not be read",
    ]
    assert gaps["file-unreadable"] == []


def test_what_fell_below_minimums_is_a_row_of_its_own():
    checked = steps(("licence-missing", "ran", None))
    assert coverage.describe_minimums(checked, None) is checked
    first, second = coverage.describe_minimums(checked, "baseline: below").to_pylist()
    assert (first["check"], first["reason"], second["check"]) == (
        coverage.MINIMUMS,
        "baseline: below",
        "licence-missing",
    )
