"""Verification of a ledger, of its sums and of its reports: each is made again from the tables, and compared.

`ledger.verify` knows tables and lines; what a report makes of them, only this program in this very version knows. So a
report of another version is not checked, and the verdict itself says so. The counts and the digest of the data are sums
of the tables that any version can make, whether or not a report is bound.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance import ledger
from provenance.attestations import declaration
from provenance.core import scanner_identity
from provenance.core.digests import sha256
from provenance.errors import ProvenanceError
from provenance.ledger import Seal, Step, Verification
from provenance.ledger.format import statement
from provenance.ledger.verification.results import EQUIVOCATION, INVALID, USAGE, some
from provenance.pipeline import evaluate
from provenance.reports import html, json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from provenance.ledger.format.statement import Statement

_STEP = "reports"
_NAMES = ("report.html", "report.json")


@dataclass(slots=True)
class _Outcome:
    """What came of rendering reports again.

    Args:
        same: how many are those of their tables.
        faults: one sentence each.
        gaps: entries whose reports this program cannot render, and why.
        withheld: reports, or tables that they are of, that are not there.
    """

    same: int = 0
    faults: list[str] = field(default_factory=list)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    withheld: list[str] = field(default_factory=list)


def verify(path: Path, **options: Any) -> Verification:
    """Verify a ledger, or a piece of one, and the reports that its entries bind. Never raises, whatever the bytes.

    Args:
        path: the ledger, a folder; or the file of a proof.
        options: what else `provenance.ledger.verify` takes.

    Returns:
        The exit code and everything that led to it: a report that is not that of its tables is invalid.
    """
    verification = ledger.verify(path, **options)
    scans = [entry_statement for entry_statement in verification.statements if entry_statement.kind == statement.SCAN]
    if verification.exit_code in {INVALID, USAGE, EQUIVOCATION} or not scans:
        return verification
    outcome = _Outcome()
    for entry_statement in scans:
        try:
            _check_entry(path, entry_statement, verification, outcome)
        except MemoryError:
            _leave_out(outcome, entry_statement, "rendering them takes more memory than there is")
        except Exception as cause:  # noqa: BLE001 - whoever wrote the tables must not choose the answer
            reason = str(cause)[:200] if isinstance(cause, ProvenanceError) else type(cause).__name__
            _leave_out(outcome, entry_statement, f"they cannot be rendered again: {reason}")
    return _add_outcome(outcome, verification)


def _check_entry(path: Path, entry_statement: Statement, verification: Verification, outcome: _Outcome) -> None:
    _check_sums(path, entry_statement, verification, outcome)
    index = entry_statement.place.index
    bound = {name: place for name in _NAMES if (place := f"scans/{index:08d}/{name}") in entry_statement.folder}
    parquet = {table["parquet"] for table in entry_statement.predicate["tables"].values()}
    if entry_statement.predicate["scanner"] != scanner_identity.describe_scanner():
        _leave_out(outcome, entry_statement, "written by another build of this program")
    elif not bound:
        _leave_out(outcome, entry_statement, "it binds none")
    elif missing := sorted({*bound.values(), *parquet} & set(verification.withheld)):
        outcome.withheld += missing
    else:
        tables = ledger.read_tables(path, index)
        for name, rendered in _render_reports(path, entry_statement, tables).items():
            if name not in bound:
                continue
            if sha256(rendered) == entry_statement.folder[bound[name]]:
                outcome.same += 1
            else:
                outcome.faults.append(f"{bound[name]} is not what the tables of entry {index} say")


def _check_sums(path: Path, entry_statement: Statement, verification: Verification, outcome: _Outcome) -> None:
    """Hold `counts` and `dataDigest` to the tables; those of another build may be missing, or count other things."""
    counts, digest = entry_statement.predicate.get("counts"), entry_statement.predicate.get("dataDigest")
    is_ours = entry_statement.predicate["scanner"] == scanner_identity.describe_scanner()
    if counts is None and digest is None and not is_ours:
        return
    stated, index = entry_statement.predicate["tables"], entry_statement.place.index
    needed = [name for name, of in (("findings", counts), ("files", digest)) if is_ours or of is not None]
    if gone := sorted({stated[name]["parquet"] for name in needed} & set(verification.withheld)):
        outcome.withheld += gone
        return
    tables = ledger.read_tables(path, index, needed)
    if "findings" in tables:
        rows = {name: table["rows"] for name, table in stated.items()}
        rendered = evaluate.count(tables["findings"], rows)
        if not isinstance(counts, dict) or (
            counts != rendered
            if is_ours
            else any(counts[name] != rendered[name] for name in counts.keys() & rendered.keys())
        ):
            outcome.faults.append(f"entry {index} counts what its tables do not hold")
    if "files" in tables and digest != {"sha256": declaration.digest_data(tables["files"])}:
        outcome.faults.append(f"entry {index} states a digest of the data (dataDigest) that is not that of its files")


def _render_reports(path: Path, entry_statement: Statement, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Render an entry's reports as the scan did that wrote it."""
    seal = Seal(
        entry_statement.place.index, entry_statement.place.origin, ledger.read_signer(path, entry_statement.place.index)
    )
    return {
        "report.html": html.render(tables, entry_statement.predicate, seal),
        "report.json": json.render(tables, entry_statement.predicate),
    }


def _leave_out(outcome: _Outcome, entry_statement: Statement, why: str) -> None:
    outcome.gaps.setdefault(why, []).append(str(entry_statement.place.index))


def _add_outcome(outcome: _Outcome, verification: Verification) -> Verification:
    """Add what came of it to what was found."""
    if outcome.faults:
        verification = verification.extended(Step(_STEP, "failed", some(outcome.faults)))
    elif outcome.same:
        are = "report is what its tables say" if outcome.same == 1 else "reports are what their tables say"
        verification = verification.extended(Step(_STEP, "ok", f"{outcome.same:,} {are}"))
    if outcome.withheld:
        verification = verification.extended(
            Step(_STEP, "not checked", f"withheld: {some(sorted({*outcome.withheld}))}")
        )
    for why, entries in outcome.gaps.items():
        entry_words = f"{'entry' if len(entries) == 1 else 'entries'} {some(entries)}"
        verification = verification.extended(
            Step(_STEP, "not checked", f"{entry_words}: {why}"), gap=f"the reports of {entry_words} ({why})"
        )
    return verification
