"""`provenance reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import engine_options, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.pipeline.reproduce import Reproduction, TableComparison


@click.command(name="reproduce")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="The folder that was scanned.")
@click.option("--entry", type=click.IntRange(min=0), help="Number of the scan's entry; the newest scan if not given.")
@click.option(
    "--reference",
    "references",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="INDEX",
    help="An index that the scan was given; repeatable.",
)
@click.option(
    "--key", metavar="URI", help="Signing keys whose salts.key the scan used, for record trees; else your own."
)
@engine_options.engine_options
@terminal.format_option
def command(
    ledger: Path,
    data: Path,
    entry: int | None,
    references: tuple[Path, ...],
    key: str | None,
    engine: str,
    workers: int | None,
    memory: str | None,
    format_: str,
) -> int:
    """Scan DATA again by the rules that an entry of LEDGER pins, and compare every table; nothing is written.

    Exit codes: 0 every table has the same rows; 1 one differs; 2 usage; 4 it could not be completed, or a table of the
    entry is withheld.
    """
    engine_options.prepare_engine(data, engine, workers=workers, memory=memory)
    from provenance.core.digests import canonical
    from provenance.pipeline import reproduce

    with terminal.progress() as progress:
        found = reproduce.reproduce(
            ledger,
            data,
            entry,
            reference=references,
            key=key,
            engine=engine,
            workers=workers,
            memory=engine_options.memory_cap(memory),
            progress=progress,
        )
    if format_ == "json":
        terminal.print_json(canonical(found.as_json()) + b"\n")
    else:
        terminal.print_lines(*_sentences(found))
    return found.exit_code


def _sentences(found: Reproduction) -> Iterator[str]:
    """Say what came of it: what else could make a difference first."""
    if found.scanner != found.scanner_here:
        yield "This is not the program that scanned: what differs may be a change of the program."
        yield f"  scanned with {found.scanner}, this is {found.scanner_here}"
    if found.data is not None and found.data != found.data_here:
        yield "This is not the data that was scanned: files were added, removed or changed."
        yield f"  scanned was {found.data}, this is {found.data_here}"
    yield from (_sentence(each) for each in found.tables)
    yield "Not compared:"
    yield from (f"  {each}" for each in found.uncompared)
    yield {
        0: f"Entry {found.entry} is reproduced: every table that could be compared has the same rows.",
        1: f"Entry {found.entry} is not reproduced.",
        4: f"Entry {found.entry} is reproduced as far as its tables are here; those withheld could not be compared.",
    }[found.exit_code]


def _sentence(each: TableComparison) -> str:

    if each.unread is not None:
        return f"  {each.table:<14}not compared: {each.unread}"
    rows = f"{each.rows:,} row{'s' * (each.rows != 1)}"
    if each.same:
        return f"  {each.table:<14}same: {rows}"
    missing, added = (f"{number:,} {{}}{'is' if number == 1 else 'are'}" for number in (each.missing, each.added))
    return f"  {each.table:<14}DIFFERS: {missing.format(f'of {rows} ')} not here; {added.format('')} new"
