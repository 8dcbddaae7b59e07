"""Rows of matches dealt to partitions of records, in the order in which MATCHES is sealed.

A partition holds all matches of some records that follow each other: sources, files and rows in order. Whoever finds
matches writes each to its partition; a partition is then put in order, counted and named alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provenance.core.scratch.external_sort import combine_keys
from provenance.core.scratch.partitions import PartitionWriter

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.core.scratch.partitions import DealtFiles

Ints = npt.NDArray[np.int64]

RECORDS_PER_PARTITION = 1 << 14
"""Records of a partition, about; how many partitions there are depends on nothing but the data."""

MOST_PARTITIONS = 256
"""Partitions at most: a larger one is put in order outside of memory."""

_VIEW_BITS = 14  # of the number of a view

MOST_VIEWS = 1 << _VIEW_BITS
"""Views of a scan: those of model.VIEWS by their place there, and behind them columns of records."""

MATCH_ROWS = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in (
            ("key", pa.uint64()), ("row_b", pa.int64()), ("file_b", pa.int32()), ("shared", pa.int32()),
            ("distinct_a", pa.int32()), ("distinct_b", pa.int32()), ("distinctive", pa.int32()), ("kind", pa.int32()),
        )
    ],
    metadata={
        "table": "MATCH_ROWS",
        "grain": "one record, view, other file and view there; key = the record in order, kind = see `pack_kinds`; the "
        "others as in MATCHES, files by number",
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """The order of records, and where partitions of them begin.

    Args:
        rank: of each file by number: its place in the order of source and path.
        starts: the key of the first record of each partition.
    """

    rank: Ints
    starts: npt.NDArray[np.uint64]

    @property
    def count(self) -> int:
        """How many partitions there are."""
        return len(self.starts)

    def make_keys(self, file: Ints, row: Ints) -> npt.NDArray[np.uint64]:
        """Return the keys of records.

        Args:
            file: number of each record's file.
            row: its number there.
        """
        return combine_keys(self.rank[file], row, len(self.rank))

    def read_keys(self, keys: npt.NDArray[np.uint64]) -> tuple[Ints, Ints]:
        """Return file and row of keys."""
        shift = np.uint64(64 - max(1, len(self.rank).bit_length()))
        files = np.argsort(self.rank)
        row = keys & ((np.uint64(1) << shift) - np.uint64(1))
        return files[(keys >> shift).astype(np.int64)], row.astype(np.int64)

    def count_bits(self, number: int) -> int:
        """Return how many of the lowest bits of the keys of a partition may differ."""
        last = int(self.starts[number + 1]) - 1 if number + 1 < self.count else (1 << 64) - 1
        return max(1, (int(self.starts[number]) ^ last).bit_length())


def order_records(owner: Ints, counts: Ints) -> RecordOrder:
    """Put records in order, and cut them into partitions of about one size.

    Args:
        owner: the number of each file's source.
        counts: records of each file.
    """
    files = np.lexsort((np.arange(len(owner)), owner))
    rank = np.empty(len(owner), np.int64)
    rank[files] = np.arange(len(owner))
    ends = np.cumsum(counts[files])
    total = int(ends[-1]) if len(ends) else 0
    partitions = min(MOST_PARTITIONS, max(1, -(-total // RECORDS_PER_PARTITION)))
    firsts = np.arange(1, partitions) * total // partitions
    place = np.searchsorted(ends, firsts, "right")
    rows = firsts - np.where(place, ends[place - 1], 0)
    starts = combine_keys(place, rows, len(owner))
    return RecordOrder(rank, np.unique(np.r_[np.uint64(0), starts]))


def pack_kinds(view: Ints | int, view_b: Ints | int, exact: npt.NDArray[np.bool_] | bool) -> Ints:
    """Make one number of the views of a match, and of whether the words are the same.

    Args:
        view: number of the view that was found, below MOST_VIEWS.
        view_b: of the one in which it was found.
        exact: whether the words are the same.
    """
    packed: Ints = np.asarray(view_b, np.int64) << _VIEW_BITS + 1 | np.asarray(view, np.int64) << 1 | exact
    return packed


def unpack_kinds(kind: Ints) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Return the views and the rest of numbers that `pack_kinds` made.

    Args:
        kind: the numbers.
    """
    return kind >> 1 & MOST_VIEWS - 1, kind >> _VIEW_BITS + 1, kind & 1 > 0


class RowDealer:
    """Matches on their way to partitions.

    Args:
        target: what the names of the files begin with.
        order: of records.
    """

    def __init__(self, target: Path, order: RecordOrder) -> None:
        self._writer, self._order = PartitionWriter(target.parent, target.name, MATCH_ROWS, order.count), order

    def add(self, rows: pa.Table, kind: npt.NDArray[np.int32]) -> None:
        """Add some matches.

        Args:
            rows: exact_matches.ROWS.
            kind: of each, from `pack_kinds`.
        """
        keys = self._order.make_keys(rows["file_a"].to_numpy(), rows["row_a"].to_numpy())
        names = MATCH_ROWS.names[1:-1]
        columns = [rows[name].to_numpy().astype(MATCH_ROWS.field(name).type.to_pandas_dtype()) for name in names]
        numbers = np.searchsorted(self._order.starts, keys, "right") - 1
        self._writer.add([keys, *columns, kind], numbers.astype(np.uint16))

    def close(self) -> DealtFiles:
        """Write what waits; return all files."""
        return self._writer.close()
