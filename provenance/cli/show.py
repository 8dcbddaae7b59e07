"""`provenance show`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import scan, terminal


@click.command(name="show")
@click.argument("ledger", type=click.Path(path_type=Path), default=scan.DEFAULT_LEDGER)
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest if not given.")
@terminal.format_option
def command(ledger: Path, index: int | None, format_: str) -> int:
    """Show a scan that stands in LEDGER, as it was printed, and what people did about the scans of this ledger.

    `provenance verify` says whether it may be believed.
    """
    from provenance import acting, audit

    scan.show(audit.open_ledger(ledger, index), format_)
    told = acting.history(ledger) if format_ == "text" else []
    if told:
        terminal.echo("", "What people did about it")
    for sentence in told:
        terminal.echo(f"  {sentence}")
    return 0
