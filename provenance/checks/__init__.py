"""Checks: each compares tables and yields findings with values. Thresholds live in profiles, never here.

A check is one file with a docstring (its documentation, printed by `provenance explain`) and one function, `find`,
whose parameters name the tables that it reads. To add one: the file, one line in CHECKS, one case table. A check that
cannot ask every source has a second function, `unseen`, which says in one clause for COVERAGE what it did not look at;
one that may have nothing to compare with has `idle`, which says why it is skipped, or None.
"""

from __future__ import annotations

import inspect
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import SEVERITIES
from provenance.errors import CheckError, ProvenanceError, UnknownCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    import pyarrow as pa

    from provenance.core.model import Finding

CHECKS = (
    "licence-missing",
    "licence-unrecognised",
    "licence-conflict-between-witnesses",
    "licence-forbids-purpose",
    "licence-conflict-by-content",
    "twin-unlicensed",
    "prompt-copied",
    "lineage-undeclared",
    "origin-blocked",
    "reservation-ignored",
    "reservation-possible",
    "signals-not-evaluated",
    "source-undeclared",
    "origin-undocumented",
    "contract-missing",
    "collection-record-missing",
    "consent-missing",
    "generator-unnamed",
    "record-origin-missing",
    "file-declared-absent",
    "checksum-mismatch",
    "file-unreadable",
    "personal-data-without-ground",
    "split-leak",
    "duplicate-records",
    "identical-files",
    "source-misnamed",
    "benchmark-contamination",
    "protected-work-contained",
)
"""Every check by name, in the order in which reports show them."""


@cache
def module(check: str) -> ModuleType:
    """Return a check's module.

    Args:
        check: one of CHECKS.

    Raises:
        UnknownCheck: there is no such check.
    """
    if check not in CHECKS:
        raise UnknownCheck(f"there is no check {check!r}; `provenance list checks` names them all")
    return import_module(f"provenance.checks.{check.replace('-', '_')}")


def explain(check: str) -> str:
    """Return a check's documentation.

    Args:
        check: one of CHECKS.

    Raises:
        UnknownCheck: there is no such check.
    """
    return inspect.cleandoc(module(check).__doc__ or "")


def reads(check: str) -> tuple[str, ...]:
    """Return the names of the tables that a check reads, and of the settings it needs."""
    return tuple(inspect.signature(module(check).find).parameters)


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
        if hasattr(module(check), "idle") and (reason := _called(module(check).idle, tables)) is not None:
            return found, "skipped", reason
        found = list(_called(module(check).find, tables))
        if hasattr(module(check), "unseen"):
            reason = _called(module(check).unseen, tables)
    except ProvenanceError as error:
        return found, "errored", str(error)
    except Exception as error:  # noqa: BLE001 - one broken check must not take the audit with it; COVERAGE says so
        return found, "errored", str(CheckError(check, error))
    return found, "ran", reason


def _called(function: Callable[..., Any], tables: Mapping[str, Any]) -> Any:
    return function(**{name: tables[name] for name in inspect.signature(function).parameters})


def tabled(findings: Iterable[Finding], severities: Mapping[str, tuple[str, str | None]]) -> pa.Table:
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
    return SEVERITIES.index(row["severity"]), CHECKS.index(row["check"]), row["source"], row["fingerprint"]


def list_checks() -> dict[str, str]:
    """Return every check's name with the sentence that names its fault."""
    return {name: explain(name).splitlines()[0] for name in CHECKS}
