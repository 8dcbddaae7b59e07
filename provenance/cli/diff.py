"""`provenance diff`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import reading, terminal


@click.command(name="diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@reading.unverified_option
@terminal.format_option
def command(a: str, b: str, format_: str, *, unverified: bool) -> int:
    """Compare two scans without their data: which sources share text, and what changed.

    A and B are ledgers; LEDGER@3 is the scan of entry 3, else it is the newest. Shares of text are estimated from
    sketches, with their 95 % interval. What changed is said of two scans of one folder.
    """
    from provenance.reports.difference import compare
    from provenance.reports.difference import render as report

    (first, index_a), (second, index_b) = _named(a), _named(b)
    found = compare.diff(first, second, index_a, index_b, verified=not unverified, warn=reading.warn)
    rendered = report.render(found, format_, width=terminal.terminal_columns(), colour=terminal.uses_colour())
    (terminal.print_json if format_ == "json" else terminal.print_document)(rendered)
    return 0


def _named(text: str) -> tuple[Path, int | None]:
    """Split LEDGER@INDEX; a folder that is called so is meant itself."""
    folder, at, index = text.rpartition("@")
    if Path(text).exists() or not (at and folder and index.isascii() and index.isdigit()):
        return Path(text), None
    return Path(folder), int(index)
