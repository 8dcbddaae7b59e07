"""`provenance index`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import output as output_lines
from provenance.cli import terminal
from provenance.core.wording import count_noun
from provenance.errors import ConfigError

_KINDS = ("protected", "benchmark", "known")


@click.group(name="index")
def command() -> None:
    """Make an index of works, benchmarks or data sets for `scan --reference`, or show what one is."""


@command.command(name="build")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_lines.output_option("Index to write.")
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="What it is to be looked for as.")
@click.option("--title", help="What a report calls it; the name of the file if not given.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Key file to use instead of its own.")
@click.option("--per-record", is_flag=True, help="Passages of a plain text are items, not the whole text.")
@click.option("--column", "columns", multiple=True, metavar="NAME=ROLE", help="What a column means; repeatable.")
@click.option("--scale", type=click.IntRange(1, 999_999), default=1, help="Of a known set, keep one text in so many.")
def build(
    files: tuple[Path, ...],
    output: Path,
    kind: str,
    title: str | None,
    key: Path | None,
    per_record: bool,
    columns: tuple[str, ...],
    scale: int,
) -> int:
    """Hash FILES into an index that holds none of their words.

    The index of protected works has a key of its own, beside it with the ending .key: let it travel another way.
    """
    from provenance import __version__
    from provenance.pipeline import build_index

    output_lines.check_writable(output, *files)
    roles = tuple(_role(each) for each in columns)
    built = build_index.build_index(
        files,
        output,
        build_index.IndexOptions(kind, title, key, scale, per_record, roles),
        f"provenance-auditor {__version__}",
    )
    index = built.index
    hashes = f"{count_noun(index.count_hashes, 'hash')} of {index.unit}"
    terminal.print_lines(f"{output}: {count_noun(index.items, 'item')}, {hashes}, no text")
    for name, reason in built.unread:
        terminal.print_lines(f"Not read in full: {name}: {reason}")
    if built.key is not None:
        terminal.print_lines(
            f"{'Its new key' if built.entries else 'Its key'}: {built.key}; let it travel another way than the index"
        )
    return 0


@command.command(name="show")
@click.argument("index", type=click.Path(path_type=Path))
def show(index: Path) -> int:
    """Print what INDEX is."""
    from provenance.pipeline import build_index
    from provenance.similarity.index import reference_index

    for name, value in build_index.describe_index(reference_index.read_index(index)):
        terminal.print_lines(f"{name:<9} {value}")
    return 0


def _role(text: str) -> tuple[str, str]:
    name, _, role = text.rpartition("=")
    if not name or not role:
        raise ConfigError(f"{text!r} is no column and role: write NAME=ROLE, as question=instruction")
    return name, role
