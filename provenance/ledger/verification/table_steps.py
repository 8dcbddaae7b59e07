"""Steps of verification that are about a scan's tables: what programs read is what was signed line by line.

Parquet is decoded elsewhere (decoding), after its digest was checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provenance.errors import VerificationError
from provenance.ledger.format import bounded_tables, signed_lines, statement
from provenance.ledger.log import reading
from provenance.ledger.verification.results import some

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from provenance.ledger.format.statement import Statement
    from provenance.ledger.verification.state import VerificationState


@dataclass(slots=True)
class TableCheck:
    """What came of comparing tables with their lines; the names of tables say of which entry.

    Args:
        same: how many have the rows that their lines say.
        unlined: how many have no lines: their digest binds them.
        withheld: tables of which the Parquet or the lines are not there.
        unknown: tables that only a later version knows.
        uncompared: entry and name of tables whose rows may be others than their lines.
        faults: one sentence each.
        limited: whether memory was limited while they were decoded.
    """

    same: int = 0
    unlined: int = 0
    withheld: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    uncompared: list[tuple[int, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    limited: bool = True


def check_tables(state: VerificationState) -> None:
    """Check that every table that has lines has the rows that they say, no more and no others, in their order.

    Args:
        state: what is asked and known so far; the steps are added to it.
    """
    if state.is_invalid:
        state.skip("tables", "files are not what entries bind, so nothing is read from them")
        return
    found = TableCheck()
    for each in state.statements:
        if each.kind == statement.SCAN:
            _compare(state.path, each, state.withheld, found)
    state.uncompared += found.uncompared
    for fault in found.faults:
        state.fail("tables", fault)
    if found.withheld:
        state.skip("tables", f"withheld, so rows and lines were not compared: {some(found.withheld)}")
    if found.unknown:
        state.skip("tables", f"this version does not know, and did not check, {some(found.unknown)}")
        state.gaps.append(f"tables that a later version knows ({some(found.unknown)})")
    if found.same and not found.faults:
        have = (
            "table has the rows that its lines say" if found.same == 1 else "tables have the rows that their lines say"
        )
        rest = f"; {found.unlined:,} have no lines and are bound by their digests alone" if found.unlined else ""
        free = "" if found.limited else " (this system sets no limit on the memory that decoding takes)"
        state.ok("tables", f"{found.same:,} {have}{rest}{free}")


def _compare(folder: Path, scan: Statement, withheld: Collection[str], found: TableCheck) -> None:
    index = scan.place.index
    for name, table in scan.predicate["tables"].items():
        called = f"{name} (entry {index})"
        gone = {what for what in ("parquet", "lines") if table.get(what) in withheld}
        if gone:
            found.withheld.append(called)
            found.uncompared.append((index, name))
        try:
            if gone != {"parquet"}:
                _check(folder, scan, name, gone, found)
            elif "lines" in table:
                signed_lines.check_lines(folder / table["lines"], name)
        except VerificationError as cause:
            found.faults.append(f"entry {index}: the table {name}: {cause}")


def _check(folder: Path, scan: Statement, name: str, gone: Collection[str], found: TableCheck) -> None:
    """Check a table; of one whose lines, or whose Parquet, are withheld, there is nothing to compare."""
    if "parquet" in gone:
        return
    stored = reading.find_table(folder, scan, name)
    if stored.lines and not gone:
        found.limited &= bounded_tables.compare_lines(stored)
        found.same += 1
    elif bounded_tables.check_table(replace(stored, lines=None)) and not stored.lines:
        found.unlined += 1
    elif not stored.lines:
        found.unknown.append(f"{name} (entry {scan.place.index})")
