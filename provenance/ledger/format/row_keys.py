"""Keys of the lined tables: no two rows of a table have the same key, and FILES is sorted by its own.

Two rows of one key are two statements about one thing, both signed: whoever reads the table picks one of them, and a
proof proves either. So a table with such rows is refused wherever it is read.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from provenance.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

KEY_COLUMNS = {
    "coverage": ("check",),
    "files": ("path",),
    "findings": ("fingerprint",),
    "sources": ("source",),
    "verdicts": ("profile", "requirement", "element"),
}
"""The lined tables, and the columns that are the key of a row."""

SORTED_TABLES = frozenset({"files"})
"""Tables whose rows strictly ascend by the bytes of their key."""

_DIGEST_BYTES = 16  # bytes that are kept of a key's digest


class RowKeys:
    """The keys of a table's rows, as these go by: 16 bytes a row, and none where the table is sorted.

    Args:
        table: its name; of one that is not lined, nothing is held to anything.
    """

    def __init__(self, table: str) -> None:
        """Begin before the first row."""
        self._columns = KEY_COLUMNS.get(table, ())
        self._is_sorted = table in SORTED_TABLES
        self._last: bytes | None = None
        self._digests = bytearray()

    def add(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Take the next rows of a table.

        Args:
            rows: with the columns of the key.

        Raises:
            VerificationError: they are not sorted, or one of them has the key of a row before it.
        """
        if self._columns:
            self._take(zip(*(rows[name].to_pylist() for name in self._columns), strict=True))

    def add_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the next rows, as lines have them.

        Args:
            rows: each with the members of the key.

        Raises:
            VerificationError: one has no key; or as `add`.
        """
        if self._columns:
            self._take(tuple(row.get(name) for name in self._columns) for row in rows)

    def finish(self) -> None:
        """Hold the keys of all rows against each other.

        Raises:
            VerificationError: two rows have the same one.
        """
        import numpy as np

        if not self._digests:
            return
        found = np.frombuffer(bytes(self._digests), np.dtype(("S", _DIGEST_BYTES)))
        order = np.argsort(found, kind="stable")
        again = np.flatnonzero(found[order[1:]] == found[order[:-1]])
        if len(again):
            first, second = order[again[0]], order[again[0] + 1]
            named = ", ".join(self._columns)
            raise VerificationError(f"rows {first:,} and {second:,} have the same key ({named})")

    def _take(self, keys: Iterable[Sequence[Any]]) -> None:
        for key in keys:
            if None in key:
                raise VerificationError(f"a row has no {self._columns[key.index(None)]}")
            name = "\0".join(map(str, key)).encode("utf-8", "surrogatepass")
            if not self._is_sorted:
                self._digests += hashlib.sha256(name).digest()[:_DIGEST_BYTES]
            elif self._last is not None and name <= self._last:
                same = name == self._last
                raise VerificationError(
                    f"two rows have the same {self._columns[0]}" if same else f"it is not sorted by {self._columns[0]}"
                )
            else:
                self._last = name


def check_keys(table: pa.Table, name: str) -> None:
    """Hold the keys of a whole table to their rules.

    Args:
        table: the rows.
        name: of the table.

    Raises:
        VerificationError: two rows have the same key, or they are not sorted.
    """
    keys = RowKeys(name)
    for batch in table.to_batches(max_chunksize=1 << 13):
        keys.add(batch)
    keys.finish()
