"""`provenance explain`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from provenance.cli import reading, scan, terminal


@click.command(name="explain")
@click.argument("name", metavar="CHECK|FINGERPRINT")
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    default=scan.DEFAULT_LEDGER,
    show_default=True,
    help="Where the finding stands.",
)
@reading.unverified_option
def command(name: str, ledger: Path, *, unverified: bool) -> int:
    """Explain a check by its name, or one finding of a ledger by (the beginning of) its fingerprint."""
    from provenance import checks

    if name in checks.CHECKS or not re.fullmatch(r"[0-9a-f]{4,32}", name):
        terminal.print_lines(*checks.explain(name).splitlines())
        return 0

    reader = reading.open_reader(ledger, None, unverified=unverified)
    rows = reader.tables(names=["findings"])["findings"].to_pylist()
    found = [row for row in rows if row["fingerprint"].startswith(name)]
    if not found:
        raise click.ClickException(f"no finding of {ledger} has a fingerprint that begins with {name}")
    for row in found:
        for key, value in row.items():
            if value is not None:
                terminal.print_lines(f"{key + ':':<13} {value}")
        terminal.print_lines()
        terminal.print_lines(*checks.explain(row["check"]).splitlines())
    return 0
