"""Everything that is printed: no other module of the command line writes to a terminal.

Foreign text is made visible on its way (see `escaping`), and output that cannot be printed does not undo what a command
did: it is remembered, and said at the end (see `take_print_error`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from provenance.core.escaping import escape, escape_to_line, isolate_directions, json_text
from provenance.core.progress import ignore_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.progress import Task

MOST_CHARACTERS = 4000
"""Characters of one line at most: the rest is counted."""

_PLAIN = 100  # columns where nobody is watching
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")

_failed: list[OSError] = []

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
"""The option of every command that prints for people or for programs."""


def print_lines(*lines: object, error: bool = False) -> None:
    """Print lines of text, in which anything that somebody chose may stand.

    Args:
        lines: one each; a newline within one is shown as an escape. None = an empty line.
        error: whether to print on standard error.
    """
    escaped = [escape_to_line(line, MOST_CHARACTERS) for line in lines]
    _print("".join(f"{line}\n" for line in escaped or [""]), error=error)


def print_document(data: bytes | str) -> None:
    """Print a document that was laid out for people: its newlines and colours stay.

    Args:
        data: UTF-8, or text; what is foreign in it was made visible when it was laid out, which is made sure of here.
    """
    pieces = _COLOUR.split(_text(data))
    coloured = uses_colour()
    _print(
        "".join(piece if coloured and place % 2 else escape(piece, keep="\n\t") for place, piece in enumerate(pieces))
    )


def print_json(data: bytes | str) -> None:
    """Print JSON: of the same value, with what cannot be seen in it as an escape.

    Args:
        data: UTF-8, or text.
    """
    _print(json_text(_text(data)))


def print_table(data: bytes) -> None:
    """Print a file for programs as it is, byte for byte, to standard output that is no terminal; else as a document.

    Args:
        data: UTF-8.
    """
    if is_terminal(sys.stdout):
        print_document(data)
    else:
        _print(data)


def take_print_error() -> OSError | None:
    """Return why output could not be printed, and forget it; None where all was."""
    why = _failed[0] if _failed else None
    _failed.clear()
    return why


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is a terminal; one that was closed before this program began is None."""
    return stream is not None and not stream.closed and stream.isatty()


def _text(data: bytes | str) -> str:
    return data.decode("utf-8", "backslashreplace") if isinstance(data, bytes) else data


def _print(data: str | bytes, *, error: bool = False) -> None:
    """Write, and remember if that fails: whoever closed our output must not change what a command did or its code."""
    stream = sys.stderr if error else sys.stdout
    if _failed and not error:
        return
    if isinstance(data, str) and is_terminal(stream):
        data = "\n".join(map(isolate_directions, data.split("\n")))
    try:
        _write(stream, data)
    except (OSError, ValueError) as cause:  # ValueError: it was closed meanwhile
        if not error:
            _failed.append(cause if isinstance(cause, OSError) else OSError(errno.EBADF, os.strerror(errno.EBADF)))
        _give_up(stream)


def _write(stream: TextIO | None, data: str | bytes) -> None:
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if isinstance(data, str):
        data = data.encode(stream.encoding or "utf-8", "backslashreplace")
    if hasattr(stream, "buffer"):
        stream.flush()
        stream.buffer.write(data)
    else:  # a notebook's
        stream.write(data.decode(stream.encoding or "utf-8"))
    stream.flush()


def _give_up(stream: TextIO | None) -> None:
    """Let go of a stream that cannot be written: Python would try once more when it ends, and fail with 120."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def terminal_columns() -> int:
    """Return the columns of the terminal, or 100 where the output is a file or a pipe."""
    return max(60, shutil.get_terminal_size().columns) if is_terminal(sys.stdout) else _PLAIN


def uses_colour() -> bool:
    """Tell whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return is_terminal(sys.stdout) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far a scan is, on standard error; nothing where that is not a terminal.

    Yields:
        A function that takes the step, the bytes done and the bytes there are.
    """
    if not is_terminal(sys.stderr):
        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Bytes(DownloadColumn):
        """Bytes done of those there are; nothing for a step that counts none."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text()

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        Bytes(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def tell(step: str, done: int, total: int) -> None:
            step = escape_to_line(step, _PLAIN)
            if not shown.tasks or shown.tasks[-1].description != step:
                for task in shown.task_ids:
                    shown.remove_task(task)
                shown.add_task(step, total=total or None)
            shown.update(shown.task_ids[-1], completed=done)

        yield tell
