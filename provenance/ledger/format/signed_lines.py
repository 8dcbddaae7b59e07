"""A signed line: one row of a table, in the one form that JSON has for it (RFC 8785)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical
from provenance.errors import VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.trees import stored_trees

if TYPE_CHECKING:
    from pathlib import Path


def row(line: bytes) -> dict[str, Any]:
    """Read a line, strictly.

    Args:
        line: without its newline.

    Returns:
        The row, salt included.

    Raises:
        VerificationError: it is not an object in canonical form: a key twice, another order, other escapes, blanks.
    """
    found = envelope.parse(line)
    if not isinstance(found, dict) or canonical_of(found) != line:
        raise VerificationError("a line is not an object in canonical form")
    return found


def canonical_of(value: Any) -> bytes:
    """Return canonical JSON, or say that there is none.

    Args:
        value: as JSON has it.

    Raises:
        VerificationError: it has no canonical form.
    """
    try:
        return canonical(value)
    except (ValueError, RecursionError) as cause:
        raise VerificationError(f"it has no canonical form: {cause}") from cause


def check(path: Path) -> int:
    """Hold every line of a file to its form: where there is no table to compare it with, it is all that can be held.

    Args:
        path: the file of a table's lines.

    Returns:
        How many there are.

    Raises:
        OSError: it cannot be read.
        VerificationError: a line is not in canonical form, or the last is not closed by a newline.
    """
    count = 0
    with path.open("rb") as file:
        for chunk in stored_trees.chunks(file):
            for line in chunk[:-1].split(b"\n"):
                row(line)
                count += 1
    return count
