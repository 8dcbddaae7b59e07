"""Rows that only one of two tables has, counted by the digests of their lines: 40 bytes a row, put in order on disk.

Of tables that are large their lines are larger than anything should hold at once, and than Arrow can count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.core.scratch import scratch_folders
from provenance.core.scratch.external_sort import Ordering
from provenance.ledger.format.table_files import to_lines
from provenance.ledger.trees.batch_hashing import hash_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import pyarrow as pa

_WORDS = ("key", "second", "third", "fourth")  # of a digest
_COUNTED = np.dtype([*((name, "u8") for name in _WORDS), ("count", "i8")])
_PIECE_ROWS, _PIECE_BYTES = 1 << 14, 1 << 23  # rows and bytes of a table of which lines are made at a time


def count_differences(theirs: pa.Table, mine: pa.Table) -> tuple[int, int]:
    """Count the rows that only one of two tables has, each as often as it stands there.

    Args:
        theirs: one of schemas.SEALED.
        mine: the same table, made again.

    Returns:
        Rows that only theirs has, and rows that only mine has.

    Raises:
        LimitExceeded: there is no room for scratch files.
    """
    missing = added = 0
    with scratch_folders.temporary_folder() as folder, scratch_folders.explain_no_room(folder):
        ordered = Ordering(folder, "digests", _COUNTED)
        for table, sign in ((theirs, 1), (mine, -1)):
            for piece in _cut_table(table):
                ordered.add(_add_counts(_digest_rows(piece, sign)))
        for part in ordered:
            left = _add_counts(part)["count"]
            missing, added = missing + int(left[left > 0].sum()), added - int(left[left < 0].sum())
    return missing, added


def _cut_table(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table into pieces of few bytes, or of one row."""
    for start in range(0, table.num_rows, _PIECE_ROWS):
        waiting = [table.slice(start, _PIECE_ROWS)]
        while waiting:
            piece = waiting.pop()
            if piece.num_rows > 1 and piece.nbytes > _PIECE_BYTES:
                middle = piece.num_rows // 2
                waiting += [piece.slice(middle), piece.slice(0, middle)]
            else:
                yield piece


def _digest_rows(table: pa.Table, sign: int) -> npt.NDArray[Any]:
    """Digest the line of each row; a line break inside a value is escaped."""
    lines = b"".join(to_lines(table))
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) + 1
    words = np.frombuffer(hash_leaves(lines, ends), np.uint64).reshape(-1, len(_WORDS))
    rows = np.empty(len(words), _COUNTED)
    for name, word in zip(_WORDS, words.T, strict=True):
        rows[name] = word
    rows["count"] = sign
    return rows


def _add_counts(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Add the counts of equal digests up: of many equal rows one is left."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort([rows[name] for name in reversed(_WORDS)])]
    differ = np.zeros(len(rows) - 1, np.bool_)
    for name in _WORDS:
        differ |= rows[name][1:] != rows[name][:-1]
    first = np.flatnonzero(np.r_[True, differ])
    added = rows[first]
    added["count"] = np.add.reduceat(rows["count"], first)
    return added
