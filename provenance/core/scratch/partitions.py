"""Partitions: rows that parts of a work deal out by key, so that whatever has one key comes together.

A part groups its rows by partition and appends each group to a file of its own, an Arrow table in pieces. A partition
is the files of its number from all parts; whoever takes it reads it from its beginning to its end. So a row is written
and read once however many there are, nobody looks into another's partition, and a machine that has the files can do the
work. An engine's `exchange` is a round of this.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PARTITION_BYTES = 1 << 25
"""Bytes of rows that a partition is to have, at most, where keys are spread evenly."""

_MOST_PARTITIONS = 1 << 14  # files that a part may write
_HELD_BYTES = 1 << 24  # rows of a part that wait to be grouped
_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4)

DealtFiles = tuple[tuple[int, str], ...]
"""What a part wrote: numbers of partitions and their files."""


class Partition(NamedTuple):
    """Rows that came together.

    Args:
        number: of the partition.
        files: one of each part that dealt rows to it.
    """

    number: int
    files: tuple[str, ...]


def count_partitions(size: int, parallel: int = 1) -> int:
    """Say how many partitions rows are to be dealt out to: a power of two.

    Args:
        size: bytes of all rows.
        parallel: partitions that are worked on side by side; rows of less than a partition each need fewer.
    """
    wanted = max(-(-size // PARTITION_BYTES), min(parallel, size // (PARTITION_BYTES >> 4)), 1)
    return min(1 << (wanted - 1).bit_length(), _MOST_PARTITIONS)


def partition_of_hashes(hashes: npt.NDArray[np.uint64], count: int) -> npt.NDArray[np.uint16]:
    """Return the partition of each hash; low hashes, chosen as the least of many, are spread as well as others.

    Args:
        hashes: the keys.
        count: partitions, a power of two.
    """
    if count == 1:
        return np.zeros(len(hashes), np.uint16)
    numbers: npt.NDArray[np.uint16] = ((hashes * _GOLDEN_RATIO) >> np.uint64(65 - count.bit_length())).astype(np.uint16)
    return numbers


class PartitionWriter:
    """The rows of one part on their way to partitions.

    Whoever is killed over it may begin again: what was written is written anew.

    Args:
        folder: where files may be made.
        name: what their names begin with: of the rows, and of the part.
        schema: of the rows.
        count: partitions.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema, count: int) -> None:
        self._folder, self._name, self._schema, self._count = folder, name, schema, count
        self._held: list[tuple[list[npt.NDArray[Any]], npt.NDArray[np.uint16]]] = []
        self._bytes = 0
        self._written: dict[int, str] = {}
        self.rows = 0
        """How many rows were dealt out."""

    def add(self, columns: Sequence[npt.NDArray[Any]], numbers: npt.NDArray[np.uint16]) -> None:
        """Add some rows.

        Args:
            columns: of the schema, in its order; they may be kept.
            numbers: the partition of each row.
        """
        if len(numbers):
            self.rows += len(numbers)
            self._held.append((list(columns), numbers))
            self._bytes += sum(column.nbytes for column in columns)
        if self._bytes >= _HELD_BYTES:
            self._deal()

    def close(self) -> DealtFiles:
        """Write what waits; return all files."""
        self._deal()
        return tuple(sorted(self._written.items()))

    def _deal(self) -> None:
        if not self._held:
            return
        numbers = np.concatenate([each for _, each in self._held])
        columns = [np.concatenate(parts) for parts in zip(*(each for each, _ in self._held), strict=True)]
        self._held.clear()
        self._bytes = 0
        if self._count > 1:
            order = np.argsort(numbers, kind="stable")  # small integers are counted, not compared
            columns = [column[order] for column in columns]
        batch = pa.record_batch([pa.array(column) for column in columns], schema=self._schema)
        ends = np.r_[0, np.cumsum(np.bincount(numbers, minlength=self._count))].tolist()
        for number in range(self._count):
            if ends[number] < ends[number + 1]:
                self._append(number, batch.slice(ends[number], ends[number + 1] - ends[number]))

    def _append(self, number: int, batch: pa.RecordBatch) -> None:
        """Write a piece to the end of a partition's file; none stays open, for there may be very many."""
        mode = "ab" if number in self._written else "wb"
        path = self._written.setdefault(number, str(self._folder / f"{self._name}.{number}"))
        with pa.OSFile(path, mode) as sink, pa.ipc.new_stream(sink, self._schema) as writer:
            writer.write_batch(batch)


def gather_partitions(dealt: Iterable[DealtFiles]) -> list[Partition]:
    """Bring together what parts dealt out.

    Args:
        dealt: of every part, in any order.

    Returns:
        The partitions that have rows, by number.
    """
    files = defaultdict(list)
    for part in dealt:
        for number, path in part:
            files[number].append(path)
    return [Partition(number, tuple(sorted(files[number]))) for number in sorted(files)]


def read_pieces(partition: Partition) -> Iterator[pa.RecordBatch]:
    """Read the rows of a partition, a piece after the other.

    Args:
        partition: what to read.
    """
    for path in partition.files:
        with pa.memory_map(path) as source:
            while source.tell() < source.size():
                with pa.ipc.open_stream(source) as reader:
                    yield from reader


def read_columns(partition: Partition, schema: pa.Schema) -> list[npt.NDArray[Any]]:
    """Read all rows of a partition, column by column.

    Args:
        partition: what to read.
        schema: of the rows.
    """
    table = pa.Table.from_batches(read_pieces(partition), schema)
    return [column.combine_chunks().to_numpy() if len(column) else column.to_numpy() for column in table.columns]


def remove_files(partitions: Iterable[Partition]) -> None:
    """Remove the files of partitions, when all that is made of them is there.

    Args:
        partitions: which.
    """
    for partition in partitions:
        for path in partition.files:
            with contextlib.suppress(PermissionError):  # a system that keeps what is mapped
                Path(path).unlink(missing_ok=True)
