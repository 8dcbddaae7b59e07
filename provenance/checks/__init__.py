"""Checks: each compares tables and yields findings with values. Thresholds live in profiles, never here.

A check is one file with a docstring (its documentation, printed by `provenance explain`), one function, `find`, whose
parameters name the tables that it reads, and its declaration, `CHECK`. To add one: the file, one line in CHECKS, one
case table, and in a profile how grave its findings are.
"""

from __future__ import annotations

import inspect
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import SEVERITIES
from provenance.core.registry import Registry
from provenance.errors import CheckError, ProvenanceError, UnknownCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    import pyarrow as pa

    from provenance.core.model import CheckSpec, Finding

CHECKS: Registry[CheckSpec] = Registry(
    "CHECK",
    "provenance.checks.licence_missing",
    "provenance.checks.licence_unrecognised",
    "provenance.checks.licence_conflict_between_witnesses",
    "provenance.checks.licence_forbids_purpose",
    "provenance.checks.licence_conflict_by_content",
    "provenance.checks.twin_unlicensed",
    "provenance.checks.prompt_copied",
    "provenance.checks.lineage_undeclared",
    "provenance.checks.origin_blocked",
    "provenance.checks.reservation_ignored",
    "provenance.checks.reservation_possible",
    "provenance.checks.signals_not_evaluated",
    "provenance.checks.source_undeclared",
    "provenance.checks.origin_undocumented",
    "provenance.checks.contract_missing",
    "provenance.checks.collection_record_missing",
    "provenance.checks.consent_missing",
    "provenance.checks.generator_unnamed",
    "provenance.checks.record_origin_missing",
    "provenance.checks.file_declared_absent",
    "provenance.checks.checksum_mismatch",
    "provenance.checks.declaration_mismatch",
    "provenance.checks.file_unreadable",
    "provenance.checks.personal_data_without_ground",
    "provenance.checks.split_leak",
    "provenance.checks.duplicate_records",
    "provenance.checks.identical_files",
    "provenance.checks.source_misnamed",
    "provenance.checks.benchmark_contamination",
    "provenance.checks.protected_work_contained",
)
"""Every check by name, in the order in which reports show them."""


def load_check(check: str) -> ModuleType:
    """Return a check's module.

    Args:
        check: one of CHECKS.

    Raises:
        UnknownCheck: there is no such check.
    """
    return sys.modules[_spec(check).find.__module__]


def _spec(check: str) -> CheckSpec:
    if check not in CHECKS:
        raise UnknownCheck(f"there is no check {check!r}; `provenance list checks` names them all")
    return CHECKS[check]


def explain(check: str) -> str:
    """Return a check's documentation.

    Args:
        check: one of CHECKS.

    Raises:
        UnknownCheck: there is no such check.
    """
    return inspect.cleandoc(load_check(check).__doc__ or "")


def list_inputs(check: str) -> tuple[str, ...]:
    """Return the names of the tables that a check reads, and of the settings it needs."""
    return tuple(inspect.signature(_spec(check).find).parameters)


def find(tables: Mapping[str, Any], threads: int = 1) -> tuple[list[Finding], pa.Table]:
    """Run every check.

    Args:
        tables: what checks may ask for, by name: tables of `schemas`, and `purpose`.
        threads: checks that run side by side; most of their time goes by in Arrow's kernels, which hold no lock.

    Returns:
        Findings in the order of CHECKS, and COVERAGE with one row a check.
    """
    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(lambda check: _run(check, tables), CHECKS))
    files = tables["files"]
    seen = {
        "records_seen": sum(files["records"].to_pylist()) - sum(files["records_unreadable"].to_pylist()),
        "records_unreadable": sum(files["records_unreadable"].to_pylist()),
    }
    coverage = [
        {"check": check, "status": status, "reason": reason} | seen
        for check, (_, status, reason) in zip(CHECKS, done, strict=True)
    ]
    return [each for found, _, _ in done for each in found], schemas.rows(coverage, schemas.COVERAGE)


def _run(check: str, tables: Mapping[str, Any]) -> tuple[list[Finding], str, str | None]:
    """Run a check; return what it found, how it went, and what COVERAGE says of that."""
    found: list[Finding] = []
    reason = None
    try:
        spec = _spec(check)
        if spec.idle is not None and (reason := _call_with_tables(spec.idle, tables)) is not None:
            return found, "skipped", reason
        found = list(_call_with_tables(spec.find, tables))
        if len(once := _distinct(found)) < len(found):
            return once, "errored", f"the check {check} found the same thing more than once; only the first is listed"
        if spec.unseen is not None:
            reason = _call_with_tables(spec.unseen, tables)
    except ProvenanceError as error:
        return found, "errored", str(error)
    except Exception as error:  # noqa: BLE001 - one broken check must not take the audit with it; COVERAGE says so
        return found, "errored", str(CheckError(check, error))
    return found, "ran", reason


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the first finding of each fingerprint: FINDINGS has one row of it."""
    found: dict[str, Finding] = {}
    for each in findings:
        found.setdefault(fingerprint(each.check, each.source, each.other, each.field), each)
    return list(found.values())


def _call_with_tables(function: Callable[..., Any], tables: Mapping[str, Any]) -> Any:
    return function(**{name: tables[name] for name in inspect.signature(function).parameters})


def make_findings(findings: Iterable[Finding], severities: Mapping[str, tuple[str, str | None]]) -> pa.Table:
    """Make FINDINGS of findings and what profiles say of them.

    Args:
        findings: from `find`.
        severities: fingerprint -> severity and clause; a finding that is not named is left out.

    Returns:
        FINDINGS, worst first, then in the order of CHECKS, then by source.
    """
    rows: list[dict[str, object]] = []
    for each in findings:
        mark = fingerprint(each.check, each.source, each.other, each.field)
        if mark not in severities:
            continue
        severity, clause = severities[mark]
        rows.append(
            {
                "fingerprint": mark, "check": each.check, "severity": severity, "source": each.source,
                "other": each.other, "path": each.path, "row": each.row, "value": each.value, "unit": each.unit,
                "records": each.records, "clause": each.clause or clause, "message": each.message,
                "field": each.field, "limits": each.limits,
            }
        )  # fmt: skip
    rows.sort(key=_order)
    return schemas.rows(rows, schemas.FINDINGS)


def _order(row: Mapping[str, Any]) -> tuple[int, int, str, str]:
    return SEVERITIES.index(row["severity"]), list(CHECKS).index(row["check"]), row["source"], row["fingerprint"]


def list_checks() -> dict[str, str]:
    """Return every check's name with the sentence that names its fault."""
    return {name: explain(name).splitlines()[0] for name in CHECKS}
