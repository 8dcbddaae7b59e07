"""A signed line: one row of a table, in the one form that JSON has for it (RFC 8785)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical
from provenance.errors import VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.format.row_keys import RowKeys
from provenance.ledger.trees import stored_trees

if TYPE_CHECKING:
    from pathlib import Path


def read_row(line: bytes) -> dict[str, Any]:
    """Read a line, strictly.

    Args:
        line: without its newline.

    Returns:
        The row, salt included.

    Raises:
        VerificationError: it is not an object in canonical form: a key twice, another order, other escapes, blanks.
    """
    found = envelope.parse_json(line)
    if not isinstance(found, dict) or to_canonical(found) != line:
        raise VerificationError("a line is not an object in canonical form")
    return found


def to_canonical(value: Any) -> bytes:
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


def check_lines(path: Path, table: str) -> int:
    """Hold every line of a file to its form, and its key to the others': all there is without rows to compare with.

    Args:
        path: the file of a table's lines.
        table: its name.

    Returns:
        How many there are.

    Raises:
        OSError: it cannot be read.
        VerificationError: a line is not in canonical form, or the last is not closed by a newline; two have the same
            key, or they are not sorted.
    """
    count, keys = 0, RowKeys(table)
    with path.open("rb") as file:
        for chunk in stored_trees.read_chunks(file):
            rows = [read_row(line) for line in chunk[:-1].split(b"\n")]
            keys.add_rows(rows)
            count += len(rows)
    keys.finish()
    return count
