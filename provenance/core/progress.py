"""What long work tells whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done and how much there is, in bytes."""


def ignore_progress(step: str, done: int, total: int) -> None:
    """Tell nobody: what is told where nobody waits.

    Args:
        step: what is done.
        done: how much of it is done.
        total: how much there is.
    """
