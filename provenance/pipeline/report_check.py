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


def verify(path: Path, **asked: Any) -> Verification:
    """Verify a ledger, or a piece of one, and the reports that its entries bind. Never raises, whatever the bytes.

    Args:
        path: the ledger, a folder; or the file of a proof.
        asked: what else `provenance.ledger.verify` takes.

    Returns:
        The exit code and everything that led to it: a report that is not that of its tables is invalid.
    """
    found = ledger.verify(path, **asked)
    scans = [said for said in found.statements if said.kind == statement.SCAN]
    if found.exit_code in {INVALID, USAGE, EQUIVOCATION} or not scans:
        return found
    outcome = _Outcome()
    for said in scans:
        try:
            _check(path, said, found, outcome)
        except MemoryError:
            _leave(outcome, said, "rendering them takes more memory than there is")
        except Exception as cause:  # noqa: BLE001 - whoever wrote the tables must not choose the answer
            told = str(cause)[:200] if isinstance(cause, ProvenanceError) else type(cause).__name__
            _leave(outcome, said, f"they cannot be rendered again: {told}")
    return _told(outcome, found)


def _check(path: Path, said: Statement, found: Verification, outcome: _Outcome) -> None:
    _check_sums(path, said, found, outcome)
    index = said.place.index
    bound = {name: place for name in _NAMES if (place := f"scans/{index:08d}/{name}") in said.folder}
    parquet = {table["parquet"] for table in said.predicate["tables"].values()}
    if said.predicate["scanner"] != scanner_identity.described():
        _leave(outcome, said, "written by another build of this program")
    elif not bound:
        _leave(outcome, said, "it binds none")
    elif gone := sorted({*bound.values(), *parquet} & set(found.withheld)):
        outcome.withheld += gone
    else:
        tables = ledger.tables(path, index)
        for name, made in _rendered(path, said, tables).items():
            if name not in bound:
                continue
            if sha256(made) == said.folder[bound[name]]:
                outcome.same += 1
            else:
                outcome.faults.append(f"{bound[name]} is not what the tables of entry {index} say")


def _check_sums(path: Path, said: Statement, found: Verification, outcome: _Outcome) -> None:
    """Hold `counts` and `dataDigest` to the tables; those of another build may be missing, or count other things."""
    counts, digest = said.predicate.get("counts"), said.predicate.get("dataDigest")
    is_ours = said.predicate["scanner"] == scanner_identity.described()
    if counts is None and digest is None and not is_ours:
        return
    stated, index = said.predicate["tables"], said.place.index
    needed = [name for name, of in (("findings", counts), ("files", digest)) if is_ours or of is not None]
    if gone := sorted({stated[name]["parquet"] for name in needed} & set(found.withheld)):
        outcome.withheld += gone
        return
    tables = ledger.tables(path, index, needed)
    if "findings" in tables:
        rows = {name: table["rows"] for name, table in stated.items()}
        made = evaluate.count(tables["findings"], rows)
        if not isinstance(counts, dict) or (
            counts != made if is_ours else any(counts[name] != made[name] for name in counts.keys() & made.keys())
        ):
            outcome.faults.append(f"entry {index} counts what its tables do not hold")
    if "files" in tables and digest != {"sha256": declaration.data_digest(tables["files"])}:
        outcome.faults.append(f"entry {index} states a digest of the data (dataDigest) that is not that of its files")


def _rendered(path: Path, said: Statement, tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Render an entry's reports as the scan did that wrote it."""
    seal = Seal(said.place.index, said.place.origin, ledger.signer(path, said.place.index))
    return {
        "report.html": html.render(tables, said.predicate, seal),
        "report.json": json.render(tables, said.predicate),
    }


def _leave(outcome: _Outcome, said: Statement, why: str) -> None:
    outcome.gaps.setdefault(why, []).append(str(said.place.index))


def _told(outcome: _Outcome, found: Verification) -> Verification:
    """Add what came of it to what was found."""
    if outcome.faults:
        found = found.extended(Step(_STEP, "failed", some(outcome.faults)))
    elif outcome.same:
        are = "report is what its tables say" if outcome.same == 1 else "reports are what their tables say"
        found = found.extended(Step(_STEP, "ok", f"{outcome.same:,} {are}"))
    if outcome.withheld:
        found = found.extended(Step(_STEP, "not checked", f"withheld: {some(sorted({*outcome.withheld}))}"))
    for why, entries in outcome.gaps.items():
        of = f"{'entry' if len(entries) == 1 else 'entries'} {some(entries)}"
        found = found.extended(Step(_STEP, "not checked", f"{of}: {why}"), gap=f"the reports of {of} ({why})")
    return found
