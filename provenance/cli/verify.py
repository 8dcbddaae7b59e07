"""`provenance verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from provenance.cli import terminal


@click.command(name="verify")
@click.argument("path", metavar="LEDGER|PROOF", type=click.Path(path_type=Path))
@click.option(
    "--trust", type=click.Path(path_type=Path), help="File that says whose keys are trusted, instead of your own."
)
@click.option("--since", type=click.Path(path_type=Path), help="A checkpoint (.note) of this log that you held before.")
@click.option("--data", type=click.Path(path_type=Path), help="Compare a folder with what was scanned.")
@click.option("--strict", is_flag=True, help="Fail on files that no entry binds.")
@click.option("--entry", type=click.IntRange(0), help="Check one entry alone, by number, without reading the others.")
@terminal.format_option
def command(
    path: Path,
    trust: Path | None,
    since: Path | None,
    data: Path | None,
    strict: bool,
    entry: int | None,
    format_: str,
) -> int:
    """Check a ledger: signatures, log, checkpoints and every bound file; or a proof that was taken from one.

    Exit codes: 0 all that was asked verified; 1 something is not what was signed; 2 usage, or no ledger; 3 consistent,
    but signed by keys nobody vouches for; 4 the data differs; 5 files are withheld; 6 two signed views contradict.
    """
    from provenance.pipeline.report_check import verify

    found = verify(path, trust=trust, since=since, data=data, strict=strict, entry=entry)
    if format_ == "json":
        terminal.print_json(json.dumps(found.as_json(), indent=2, ensure_ascii=True) + "\n")
    else:
        terminal.print_lines(*found.lines())
    return found.exit_code
