"""What a terminal can do: its width, its colours, and progress on standard error where somebody is watching."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from provenance.progress import unwatched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Task

_PLAIN = 100  # columns where nobody is watching

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
"""The option of every command that prints for people or for programs."""


def width() -> int:
    """Return the columns of the terminal, or 100 where the output is a file or a pipe."""
    return max(60, shutil.get_terminal_size().columns) if sys.stdout.isatty() else _PLAIN


def colour() -> bool:
    """Tell whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far a scan is, on standard error; nothing where that is not a terminal.

    Yields:
        A function that takes the step, the bytes done and the bytes there are.
    """
    if not sys.stderr.isatty():
        yield unwatched
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from provenance import kernels

    first = "" if kernels.compiled() else " (first run: compiling)"

    class Bytes(DownloadColumn):
        """Bytes done of those there are; nothing for a step that counts none."""

        def render(self, task: Task) -> Text:
            return super().render(task) if task.total else Text()

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), Bytes(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def tell(step: str, done: int, total: int) -> None:
            step += first if step == "reading" and not done else ""
            if not shown.tasks or shown.tasks[-1].description != step:
                for task in shown.task_ids:
                    shown.remove_task(task)
                shown.add_task(step, total=total or None)
            shown.update(shown.task_ids[-1], completed=done)

        yield tell
