"""`provenance guard`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from provenance.cli import terminal
from provenance.cli.scan import DEFAULT_LEDGER


@click.command(name="guard")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--ledger", type=click.Path(path_type=Path), default=DEFAULT_LEDGER, show_default=True, help="Ledger of its audit."
)
@click.option("--policy", type=click.Path(path_type=Path), help="What must be true; without it, the default policy.")
@click.option(
    "--entry",
    type=click.IntRange(min=0),
    help="Number of the scan, or of the derivation or filter-run that DATA came out of; the newest scan if not given.",
)
@click.option(
    "--trust", type=click.Path(path_type=Path), help="File that says whose keys are trusted, instead of your own."
)
@click.option("--since", type=click.Path(path_type=Path), help="A checkpoint (.note) of this log that you held before.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads that hash; one a core if not given.")
@terminal.format_option
def command(
    data: Path,
    ledger: Path,
    policy: Path | None,
    entry: int | None,
    trust: Path | None,
    since: Path | None,
    workers: int | None,
    format_: str,
) -> int:
    """Make sure, before training, that the folder DATA is what was audited and that its audit says what you want.

    Every file is hashed and nothing is scanned. Without --policy: the ledger verifies under pinned keys, every file is
    there and as it was read, nothing is there that was not read but version control and caches, which are counted, and
    no finding at `error` is left that nobody waived.

    Exit codes: 0 cleared; 1 refused; 2 usage; 4 it could not be found out.
    """
    from provenance.pipeline import guard, guard_policy

    with terminal.progress() as progress:
        found = guard.inspect_data(
            data,
            ledger,
            guard_policy.read_policy(policy),
            entry=entry,
            trust=trust,
            since=since,
            workers=workers,
            progress=progress,
        )
    if format_ == "json":
        terminal.print_json(json.dumps(found.as_json(), indent=2, ensure_ascii=True) + "\n")
    else:
        terminal.print_lines(*found.lines())
    return 0 if found.ok else 1
