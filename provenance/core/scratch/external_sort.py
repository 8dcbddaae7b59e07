"""Rows in the order of a key, in memory that does not grow with them.

Rows of no more than MEMORY_BUDGET bytes are sorted where they are. More of them are dealt out to files by some bits of
their key, the top ones first, and file after file is sorted, or dealt out again where it is still too large. Rows of
one key are never parted: what is asked of a text, a record or a hash is answered where they meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from provenance.core.scratch.scratch_arrays import open_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEMORY_BUDGET = 32 << 20
"""Bytes of rows that are sorted at a time; what is made of them takes about three times as much."""

FAN_OUT_BITS = 6
"""Bits of the key by which rows are dealt out: to 64 files."""

_BUFFER = 1 << 15  # bytes that wait for a file
_KEY_BITS = 64  # bits of a key

Rows = npt.NDArray[Any]


def combine_keys(major: npt.NDArray[Any], minor: npt.NDArray[Any], most: int) -> npt.NDArray[np.uint64]:
    """Make one key of two numbers, in the order of the first and then the second.

    Args:
        major: below `most`.
        minor: not negative, and small enough for the bits that `major` leaves.
        most: how many different values `major` may have.
    """
    shift = np.uint64(_KEY_BITS - max(1, most.bit_length()))
    made: npt.NDArray[np.uint64] = (major.astype(np.uint64) << shift) | minor.astype(np.uint64)
    return made


class _Partition:
    """A file of rows, and the range of their keys."""

    def __init__(self, path: Path) -> None:
        self.path, self.bytes = path, 0
        self._file = path.open("wb", _BUFFER)
        self.least, self.most = (1 << _KEY_BITS) - 1, 0

    def write(self, rows: Rows, keys: npt.NDArray[np.uint64]) -> None:
        self._file.write(rows.data)
        self.bytes += rows.nbytes
        self.least, self.most = min(self.least, int(keys.min())), max(self.most, int(keys.max()))

    def close(self) -> None:
        self._file.close()


class Ordering:
    """Rows that are put in order: add them all, then iterate, once.

    Iterating yields parts in the order of the key, all rows of a key in one part; rows of equal keys come in any order.
    A part of one key that is larger than the budget is a file, mapped.

    Args:
        folder: where files may be made.
        name: what their names begin with; no two orderings of a folder that are in use at a time share it.
        dtype: of a row; its first field is the key, uint64.
        share: of MEMORY_BUDGET that a part may take.
        bits: the lowest ones of the key, in which rows may differ.
    """

    def __init__(
        self, folder: Path, name: str, dtype: np.dtype[Any], *, share: float = 1.0, bits: int = _KEY_BITS
    ) -> None:
        self._folder, self._name, self._dtype, self._share = folder, name, dtype, share
        self._budget = int(MEMORY_BUDGET * share)
        self._key = (dtype.names or ("",))[0]
        self._shift = np.uint64(max(0, bits - FAN_OUT_BITS))
        self.count = 0
        self._held: list[Rows] = []
        self._room = self._budget
        self._files: dict[int, _Partition] = {}

    def add(self, rows: Rows) -> None:
        """Add some rows.

        Args:
            rows: of the ordering's dtype; it may keep them.
        """
        self.count += len(rows)
        self._held.append(rows)
        self._room -= rows.nbytes
        if self._room < 0:  # and ever after
            for waiting in self._held:
                self._deal(waiting)
            self._held.clear()

    def _deal(self, rows: Rows) -> None:
        number = ((rows[self._key] >> self._shift) & np.uint64((1 << FAN_OUT_BITS) - 1)).astype(np.uint8)
        rows = rows.take(np.argsort(number, kind="stable"))  # small integers are counted, not compared
        end = 0
        for place, count in enumerate(np.bincount(number).tolist()):
            if count:
                if place not in self._files:
                    self._files[place] = _Partition(self._folder / f"{self._name}.{place}")
                some = rows[end : end + count]
                self._files[place].write(some, some[self._key])
                end += count

    def __iter__(self) -> Iterator[Rows]:
        if self._held:
            rows = np.concatenate(self._held)
            self._held.clear()
            yield self._sorted(rows)
        some: list[_Partition] = []
        for place in sorted(self._files):
            file = self._files[place]
            file.close()
            if some and sum(each.bytes for each in some) + file.bytes > self._budget:
                yield from self._part(some)
                some = []
            some.append(file)
        if some:
            yield from self._part(some)

    def _part(self, files: list[_Partition]) -> Iterator[Rows]:
        """Put the rows of files in order that fit together, or of one that does not fit."""
        if len(files) == 1 and files[0].bytes > self._budget:
            yield from self._too_large(files[0])
            return
        rows = np.concatenate([np.fromfile(file.path, self._dtype) for file in files])
        for file in files:
            file.path.unlink()
        yield self._sorted(rows)

    def _too_large(self, file: _Partition) -> Iterator[Rows]:
        rows = open_array(file.path, self._dtype, "r+")
        if file.least == file.most:
            yield rows
        else:
            differ = (file.least ^ file.most).bit_length()
            finer = Ordering(self._folder, file.path.name, self._dtype, share=self._share, bits=differ)
            step = max(1, self._budget // (4 * self._dtype.itemsize))
            for at in range(0, len(rows), step):
                finer.add(rows[at : at + step])
            yield from finer
        del rows
        file.path.unlink()

    def _sorted(self, rows: Rows) -> Rows:
        # keys that stand apart are sorted, and rows of several fields taken, in a third of the time that indexing needs
        return rows.take(np.argsort(np.ascontiguousarray(rows[self._key])))
