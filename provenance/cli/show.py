"""`provenance show`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import reading, scan, terminal


@click.command(name="show")
@click.argument("ledger", type=click.Path(path_type=Path), default=scan.DEFAULT_LEDGER)
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest if not given.")
@reading.unverified_option
@terminal.format_option
def command(ledger: Path, index: int | None, format_: str, *, unverified: bool) -> int:
    """Show a scan that stands in LEDGER, as it was printed, and what people did about the scans of this ledger.

    The entry, the log and its tables are verified first; `provenance verify` looks at all of the ledger.
    """
    from provenance.attestations import actions
    from provenance.pipeline import audit

    reader = reading.open_reader(ledger, index, unverified=unverified)
    found, history = audit.read_audit(reader), actions.history(reader) if format_ == "text" else []
    scan.print_audit(found, format_)
    if history:
        terminal.print_lines("", "What people did about it")
    for sentence in history:
        terminal.print_lines(f"  {sentence}")
    return 0
