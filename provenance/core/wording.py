"""How numbers are put into sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_LISTED = 3
"""Findings, files and elements that a sentence names; the rest are counted."""


def count_noun(number: int, noun: str) -> str:
    """Say how many of something there are: `1 entry`, `2,000 entries`.

    Args:
        number: how many.
        noun: what one of them is called.
    """
    return f"{number:,} {noun if number == 1 else _pluralise(noun)}"


def choose_verb(number: int, one: str = "is", many: str = "are") -> str:
    """Return the verb that goes with a number: `1 file is`, `2 files are`.

    Args:
        number: how many.
        one: the verb of one.
        many: the verb of none, and of several.
    """
    return one if number == 1 else many


def _pluralise(noun: str) -> str:
    if noun.endswith("y") and not noun.endswith(("ay", "ey", "oy")):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("sh", "ch", "s", "x")) else f"{noun}s"


def list_first(names: list[str]) -> str:
    """Name the first MOST_LISTED of some, and say how many more there are: `a, b, c and 2 more`."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more


def list_files(names: Iterable[str]) -> str:
    """Count files and name the first: `4 files (a, b, c and 1 more)`."""
    listed = list(names)
    return f"{count_noun(len(listed), 'file')} ({list_first(listed)})"
