"""Sets of shingles: sorted distinct hashes in one buffer, and where each set begins and ends in it.

The views of a record have most of their shingles in common: the whole has those of prompt and answer. So a record's set
is stored once, the union of its views', and a mask of each hash says which views have it; the set of a view is what the
mask selects. The masks of a record follow its hashes, some bytes a hash: a bit a view, for any number of views. Where a
record has one view, or where all of its views have the same set, there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]

SHINGLES_AT_A_TIME = 1 << 21
"""Shingles, about, of sets that are selected at a time."""

_SETS_AT_A_TIME = 1 << 16  # sets of which sizes are added up at a time
_HIGHEST = np.uint64(0xFFFFFFFFFFFFFFFF)


class ShingleSets(NamedTuple):
    """Sets of shingles; the arrays may be memory-mapped, and what kernels take is these three in this order.

    Args:
        values: the hashes of all sets, and perhaps of others between them.
        start: where each set begins.
        stop: where it ends.
    """

    values: Hashes
    start: Ints
    stop: Ints

    @classmethod
    def from_offsets(cls, values: Hashes, offsets: Offsets) -> Self:
        """Return sets that stand one after the other.

        Args:
            values: their hashes, as `shingles.shingle_texts` gives them.
            offsets: n + 1 offsets into them.
        """
        return cls(values, offsets[:-1], offsets[1:])

    @property
    def set_count(self) -> int:
        """How many sets there are."""
        return len(self.start)

    def sizes(self, numbers: npt.NDArray[Any] | slice) -> Ints:
        """Return how many hashes sets have.

        Args:
            numbers: of the sets.
        """
        sizes: Ints = self.stop[numbers] - self.start[numbers]
        return sizes

    def select(self, numbers: slice) -> ShingleSets:
        """Return some of the sets.

        Args:
            numbers: which.
        """
        return self._replace(start=self.start[numbers], stop=self.stop[numbers])

    def pieces(self, first: int = 0, last: int | None = None) -> Iterator[slice]:
        """Cut sets into pieces of about SHINGLES_AT_A_TIME, in order.

        Args:
            first: the first set.
            last: the one before which to stop; None = all.
        """
        return _cut_by_size(self.sizes, first, self.set_count if last is None else last)


class PlacedSets(NamedTuple):
    """Where the sets of some texts are among all that are stored.

    Args:
        start: where the hashes of the record begin.
        stop: where they end, and the masks begin.
        width: bytes of a mask; 0 = there is none, and the set is all of the hashes.
        bit: of the text's view in a mask.
    """

    start: Ints
    stop: Ints
    width: npt.NDArray[np.uint8]
    bit: npt.NDArray[np.int16]


class MaskedSets(NamedTuple):
    """Stored sets of one view; the arrays may be memory-mapped.

    Args:
        values: the hashes of all records, and the masks between them.
        start: as in PlacedSets; stop, width and bit likewise.
        stop: see there.
        width: see there.
        bit: see there.
        distinct: how many hashes each set has.
    """

    values: Hashes
    start: Ints
    stop: Ints
    width: npt.NDArray[np.uint8]
    bit: npt.NDArray[np.int16]
    distinct: Ints

    @property
    def set_count(self) -> int:
        """How many sets there are."""
        return len(self.start)

    def sizes(self, numbers: npt.NDArray[Any] | slice) -> Ints:
        """Return how many hashes sets have.

        Args:
            numbers: of the sets.
        """
        return self.distinct[numbers]

    def pieces(self, first: int = 0, last: int | None = None) -> Iterator[slice]:
        """Cut sets into pieces of about SHINGLES_AT_A_TIME, in order.

        Args:
            first: the first set.
            last: the one before which to stop; None = all.
        """
        return _cut_by_size(self.sizes, first, self.set_count if last is None else last)

    def cut(self, numbers: Ints) -> Iterator[slice]:
        """Cut some of the sets into pieces of about SHINGLES_AT_A_TIME.

        Args:
            numbers: which.
        """
        return _cut_by_size(lambda some: self.distinct[numbers[some]], 0, len(numbers))

    def select(self, numbers: npt.NDArray[Any] | slice) -> ShingleSets:
        """Return some of the sets: a copy of what masks select, or where there is no mask what is stored.

        Args:
            numbers: which.
        """
        width = self.width[numbers]
        if not width.any():
            return ShingleSets(self.values, _read_only(self.start[numbers]), _read_only(self.stop[numbers]))
        values, offsets = self.copy(numbers)
        return ShingleSets(*(_read_only(column) for column in (values, offsets[:-1], offsets[1:])))

    def copy(self, numbers: npt.NDArray[Any] | slice) -> tuple[Hashes, Offsets]:
        """Copy some of the sets.

        Args:
            numbers: which.

        Returns:
            Their hashes, one set after the other, and n + 1 offsets into them.
        """
        places = (self.start[numbers], self.stop[numbers], self.width[numbers], self.bit[numbers])
        copied: tuple[Hashes, Offsets] = _select_masked(self.values, *places, self.distinct[numbers])
        return copied

    def select_pairs(self, left: Ints, right: Ints) -> Iterator[tuple[slice, ShingleSets, Ints, Ints]]:
        """Select the sets of pairs, some pairs at a time: each set once, in the order of their numbers.

        Args:
            left: number of the first set of each pair; to stand side by side where it is the same saves work.
            right: number of the second.

        Yields:
            Which pairs, the sets, and the place of either set of each pair among them.
        """
        if not len(left):
            return
        changes = np.r_[True, left[1:] != left[:-1]]
        cost = np.cumsum(np.where(changes, self.distinct[left], 0) + self.distinct[right])
        first = 0
        while first < len(left):
            fitting = int(np.searchsorted(cost, (cost[first - 1] if first else 0) + SHINGLES_AT_A_TIME, "right"))
            some = slice(first, max(first + 1, fitting))
            numbers, place = np.unique(np.concatenate([left[some], right[some]]), return_inverse=True)
            count = some.stop - first
            yield some, self.select(numbers), place[:count], place[count:]
            first = some.stop


def _read_only(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Keep an array from being written to: of one type, mapped or not, one kernel is compiled for both."""
    column.setflags(write=False)
    return column


def _cut_by_size(sizes: Any, first: int, last: int) -> Iterator[slice]:
    for at in range(first, last, _SETS_AT_A_TIME):
        end = min(at + _SETS_AT_A_TIME, last)
        cost = np.cumsum(sizes(slice(at, end)))
        begin = 0
        while begin < len(cost):
            fitting = int(np.searchsorted(cost, (cost[begin - 1] if begin else 0) + SHINGLES_AT_A_TIME, "right"))
            stop = max(begin + 1, fitting)
            yield slice(at + begin, at + stop)
            begin = stop


@njit(nogil=True, cache=True)
def _select_masked(values: Any, start: Any, stop: Any, width: Any, bit: Any, distinct: Any) -> Any:
    """Copy the sets of views; return them, one after the other, and n + 1 offsets."""
    offsets = np.zeros(start.shape[0] + 1, np.int64)
    for k in range(start.shape[0]):
        offsets[k + 1] = offsets[k] + distinct[k]
    some = np.empty(offsets[-1] + 1, np.uint64)  # what is not selected is written, too, and then written over
    masks = values.view(np.uint8)
    for k in range(start.shape[0]):
        used = offsets[k]
        if width[k] == 0:
            some[used : offsets[k + 1]] = values[start[k] : stop[k]]
            continue
        wanted, at = np.uint8(1) << np.uint8(bit[k] & 7), 8 * stop[k] + (bit[k] >> 3)
        for place in range(start[k], stop[k]):
            some[used] = values[place]
            used += np.int64((masks[at] & wanted) != 0)
            at += width[k]
    return some[:-1], offsets


@njit(nogil=True, cache=True)
def _merge_sets(values: Any, views: Any, heads: Any, ends: Any, out: Any, masks: Any, width: Any) -> Any:
    """Unite sorted sets in `out`, each hash with a mask of its views; return how many, and if all are equal."""
    used, same = np.int64(0), True
    while True:
        least, open_ = _HIGHEST, 0
        for k in range(views.shape[0]):
            if heads[k] < ends[k]:
                least = min(least, values[heads[k]])
                open_ += 1
        if not open_:
            return used, same
        mask, having = masks[used * width : (used + 1) * width], 0
        mask[:] = 0
        for k in range(views.shape[0]):
            if heads[k] < ends[k] and values[heads[k]] == least:
                mask[views[k] >> 3] |= np.uint8(1 << (views[k] & 7))
                heads[k] += 1
                having += 1
        same &= having == views.shape[0]
        out[used] = least
        used += 1


@njit(nogil=True, cache=True)
def _unite_sets(values: Any, begin: Any, end: Any, width: Any) -> Any:
    """Unite the sets of every record's views; begin and end are of views and records, equal where there is none."""
    records = begin.shape[1]
    most = np.int64(0)
    for record in range(records):
        most = max(most, (end[:, record] - begin[:, record]).sum())
    united = np.empty(values.shape[0] + (values.shape[0] * width >> 3) + records, np.uint64)
    start, stop = np.zeros(records, np.int64), np.zeros(records, np.int64)
    widths, masks = np.zeros(records, np.uint8), np.empty(most * width, np.uint8)
    at = np.int64(0)
    for record in range(records):
        views = np.flatnonzero(end[:, record] > begin[:, record])
        heads, ends = begin[views, record], end[views, record]
        start[record] = stop[record] = at
        if views.shape[0] == 1:
            stop[record] = at + ends[0] - heads[0]
            united[at : stop[record]] = values[heads[0] : ends[0]]
            at = stop[record]
        elif views.shape[0]:
            used, same = _merge_sets(values, views, heads, ends, united[at:], masks, width)
            stop[record] = at = at + used
            if not same:
                widths[record] = width
                room = (used * width + 7) >> 3
                united[at : at + room] = 0
                united[at : at + room].view(np.uint8)[: used * width] = masks[: used * width]
                at += room
    return united[:at].copy(), start, stop, widths


def unite_sets(
    views: Sequence[tuple[Hashes, Offsets, npt.NDArray[Any]]], records: int
) -> tuple[Hashes, list[PlacedSets]]:
    """Unite the sets of several views, record by record.

    Args:
        views: of each the hashes of some texts, n + 1 offsets into them, and the record of each text, once at most.
        records: how many there are.

    Returns:
        What is to be stored, and where in it the sets of each view are.
    """
    begin, end = (np.zeros((len(views), records), np.int64) for _ in range(2))
    before = 0
    for view, (hashes, offsets, record) in enumerate(views):
        begin[view, record], end[view, record] = before + offsets[:-1], before + offsets[1:]
        before += len(hashes)
    values = np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _, _ in views)])
    united, start, stop, width = _unite_sets(values, begin, end, -(-len(views) // 8))
    return united, [
        PlacedSets(start[record], stop[record], width[record], np.full(len(record), view, np.int16))
        for view, (_, _, record) in enumerate(views)
    ]
