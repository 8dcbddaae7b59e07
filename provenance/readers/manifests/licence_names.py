"""What name, address and title of one licence say together: where they name two licences, both are stated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.licences.expressions import is_vaguer, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence


def choose_names(written: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Choose what states a licence of all that is written of it.

    Args:
        written: name, address, title, ... of one licence, in the order of their worth, each with its pointer.

    Returns:
        The first that names a licence, and each that names another one, not the same without its version; where none is
        known, the first.
    """
    found: dict[str, tuple[str, str]] = {}
    for value, pointer in written:
        if expression := normalise(value).expression:
            found.setdefault(expression, (value, pointer))
    return [each for name, each in found.items() if not is_vaguer(name, [*found])] or list(written[:1])
