"""What a terminal can do: its width, its colours, and progress on standard error where somebody is watching."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLAIN = 100  # columns where nobody is watching


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
        yield lambda step, done, total: None  # noqa: ARG005 - the names are the contract
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:

        def tell(step: str, done: int, total: int) -> None:
            if not shown.tasks or shown.tasks[-1].description != step:
                for task in shown.task_ids:
                    shown.remove_task(task)
                shown.add_task(step, total=total or None)
            shown.update(shown.task_ids[-1], completed=done)

        yield tell
