"""How numbers are put into sentences."""

from __future__ import annotations


def count_noun(number: int, noun: str) -> str:
    """Say how many of something there are: `1 entry`, `2,000 entries`.

    Args:
        number: how many.
        noun: what one of them is called.
    """
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
