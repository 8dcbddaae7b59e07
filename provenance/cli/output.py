"""What commands write with -o: whole or not at all, over older reports alone without --force, never into a ledger."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from provenance.cli import terminal
from provenance.errors import ConfigError, ProvenanceError

if TYPE_CHECKING:
    from collections.abc import Callable

STDOUT = Path("-")

_FORCE = "provenance.force"  # where click keeps, during a call, whether --force was given


def output_option(
    about: str, *, required: bool = True, existing: str = "A file that exists is refused without --force."
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command -o and --force, whose one rule stands in `check_writable`.

    Args:
        about: what the file is, one sentence.
        required: whether the command needs it.
        existing: what becomes of a file that exists, one sentence.
    """
    output = click.option(
        "-o",
        "--output",
        metavar="FILE",
        type=click.Path(path_type=Path),
        required=required,
        help=f"{about} {existing}",
    )
    force = click.option(
        "--force", is_flag=True, expose_value=False, callback=_keep_force, help="Replace FILE of -o if it exists."
    )
    return lambda function: output(force(function))


def _keep_force(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
    ctx.meta[_FORCE] = bool(value)


def replace_existing() -> None:
    """Take --force as given in this call: what stands there is made again from a ledger at any time."""
    click.get_current_context().meta[_FORCE] = True


def _is_forced() -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and ctx.meta.get(_FORCE, False)


def check_writable(output: Path, *inputs: Path | None) -> None:
    """Refuse a place where nothing may be written, before the work and not after it.

    Args:
        output: the file that was named with -o; - is standard output.
        inputs: files and folders that the command reads; None = one that was not named.

    Raises:
        ConfigError: it lies in a ledger or in a folder that is read, is a file that is read or a folder, or holds
            something already and --force was not given.
    """
    from provenance.ledger.layout import ledger_around

    if output == STDOUT:
        return
    try:
        output.resolve()
    except (OSError, RuntimeError) as error:  # which of the two a link that leads to itself is depends on Python
        raise ConfigError(f"{output} is a link that leads to itself; name another file with -o") from error
    if around := ledger_around(output):
        raise ConfigError(f"{output} is in a ledger, {around}, whose files are all bound; name another file with -o")
    if os.path.isdir(output):  # noqa: PTH112 - it never raises
        raise ConfigError(f"{output} is a folder; name a file with -o")
    for each in inputs:
        if each is None:
            continue
        if each.is_dir() and output.resolve().is_relative_to(each.resolve()):
            raise ConfigError(f"{output} would lie in the data, and become part of it; write it elsewhere with -o")
        if output.resolve() == each.resolve():
            raise ConfigError(f"{output} is the file that is read; write elsewhere with -o")
    if _holds_something(output) and not _is_forced():
        raise ConfigError(f"{output} exists already; name a new file with -o, or replace it with --force")


def _holds_something(output: Path) -> bool:
    """Tell whether there is a file whose bytes would be lost; an empty one, a pipe and a device lose none."""
    try:
        return output.is_file() and output.stat().st_size > 0
    except OSError as cause:
        raise ConfigError(f"{output} cannot be written: {cause.strerror}") from cause


def check_not_audited(output: Path, folder: Path) -> None:
    """Refuse to replace a file that the newest scan of a ledger read: wherever it lies, its content tells it.

    Args:
        output: the file that was named with -o.
        folder: the ledger.

    Raises:
        ConfigError: it is such a file.
    """
    if _is_audited(output, folder):
        raise ConfigError(f"{output} is a file of the data that {folder} is about; write elsewhere with -o")


def _is_audited(output: Path, folder: Path) -> bool:
    """Look for the digest of what stands there in FILES; of a ledger that cannot be read nothing is known."""
    from provenance.ledger.log import folder_comparison, reading

    try:
        if not output.is_file() or not output.stat().st_size:
            return False
        mark = f'"sha256":"{folder_comparison.digest_file(output)}"'.encode()
        statement = reading.read_statement(folder, reading.find_index(folder, None))
        with (
            (folder / statement.predicate["tables"]["files"]["lines"]).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines,
        ):
            return lines.find(mark) >= 0
    except (ProvenanceError, OSError, KeyError, ValueError):
        return False


def write_output(output: Path, data: bytes) -> None:
    """Write what a command made.

    Args:
        output: the file that was named with -o; - is standard output.
        data: its bytes.

    Raises:
        ConfigError: it may not be written there, or cannot. LimitExceeded: there is no room.
    """
    from provenance.ledger.log.file_writing import write_whole

    check_writable(output)
    if output == STDOUT:
        terminal.print_table(data)
        return
    with write_whole(output) as made:
        made.write_bytes(data)
