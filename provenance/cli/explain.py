"""`provenance explain`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from provenance.cli import scan, terminal


@click.command(name="explain")
@click.argument("name", metavar="CHECK|FINGERPRINT")
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    default=scan.DEFAULT_LEDGER,
    show_default=True,
    help="Where the finding stands.",
)
def command(name: str, ledger: Path) -> int:
    """Explain a check by its name, or one finding of a ledger by (the beginning of) its fingerprint."""
    from provenance import checks

    if name in checks.CHECKS or not re.fullmatch(r"[0-9a-f]{4,32}", name):
        terminal.echo(*checks.explain(name).splitlines())
        return 0
    from provenance import audit

    found = [
        row for row in audit.open_ledger(ledger).tables["findings"].to_pylist() if row["fingerprint"].startswith(name)
    ]
    if not found:
        raise click.ClickException(f"no finding of {ledger} has a fingerprint that begins with {name}")
    for row in found:
        for key, value in row.items():
            if value is not None:
                terminal.echo(f"{key + ':':<13} {value}")
        terminal.echo()
        terminal.echo(*checks.explain(row["check"]).splitlines())
    return 0
