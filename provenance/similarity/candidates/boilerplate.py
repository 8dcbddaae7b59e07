"""Boilerplate: shingles of so many texts that they say nothing of any one of them.

A prompt template, a licence header, a stock phrase: two texts that share these alone have not copied each other. What
is boilerplate is learnt from the data: a shingle that stands in at least COMMON_FROM distinct texts of a view. It is
asked of texts that stand elsewhere too; a filter of their shingles, a bit a slot, lets all others pass by.

Learning is dealing out: what passes goes by range of slot to partitions, files of 8 bytes a shingle, and each of them
is counted alone, exactly, in tables that a cache holds. A partition that is too large is dealt out again. So a shingle
costs the same however many there are: it is looked at in one pass or two, and written and read once. Scratch takes half
of the sets, at most, and memory twice PARTITION_BYTES a thread, and of what is found 16 bytes a shingle.

A pair's *distinctive* count is what it shares beyond boilerplate, where what remains of both still matches; 0 where it
does not, or where nothing remains.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.processes.threads import Threads
from provenance.core.scratch.partition_files import PartitionFiles
from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR
from provenance.similarity.text.shingle_sets import ShingleSets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from provenance.core.engines import Mapper
    from provenance.similarity.text.shingle_sets import Hashes, MaskedSets

Ints = npt.NDArray[np.int64]

COMMON_FROM = 16
"""Distinct texts of a view that make a shingle of theirs boilerplate."""

PARTITION_BYTES = 1 << 27
"""Bytes of shingles that are counted at a time, at most: a partition has as many at 100 million texts."""

_FAN_OUT_BITS = 9  # bits of a slot, at most, by which a range is dealt out: to 512 files of either kind
_USUAL_BYTES = 1 << 23  # of a partition, about, where fewer files do
_LEAST_BITS = 3  # bits of a slot that are never parted: eight slots are a byte of the filter
_MOST_HELD = 4  # partitions of the usual size that are no reason to make files
_MOST_BUCKET_BITS = 8  # bits of a slot, at most, by which shingles in memory are grouped at once, for a cache's sake
_BUCKET = 1 << 12  # shingles, about, that are counted in one table
_COARSE_FILTER_BITS = 27  # bits of a slot, at most, by which what nobody asks about is left out before it is dealt
_SMALLEST_FILTER = 1 << 16  # bits of the filter, at least
_SHINGLES_AT_A_TIME = 1 << 22  # dealt out at a time
_FIBONACCI_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class _Filter(NamedTuple):
    """Which slots are asked about.

    Args:
        bits: a bit a slot, or a few slots; none = all slots.
        coarse: bits of a slot that are left out.
    """

    bits: npt.NDArray[np.uint8]
    coarse: int


class _Piece(NamedTuple):
    """Texts that are dealt out at a time.

    Args:
        sets: of all texts.
        texts: which of them are asked about.
        some: those of the piece.
    """

    sets: ShingleSets | MaskedSets
    texts: npt.NDArray[np.bool_]
    some: slice


_NO_FILTER = _Filter(np.zeros(0, np.uint8), 0)


@njit(nogil=True, cache=True, inline="always")
def _slot(value: Any, mask: Any) -> Any:
    """Spread hashes over a table."""
    return ((value * _FIBONACCI_MULTIPLIER) >> np.uint64(20)) & mask


@njit(nogil=True, cache=True, inline="always")
def _set_bit(bits: Any, place: Any) -> None:
    bits[place >> np.uint64(3)] |= np.uint8(1) << np.uint8(place & np.uint64(7))


@njit(nogil=True, cache=True, inline="always")
def _has_bit(bits: Any, place: Any) -> Any:
    return (bits[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7)) & np.uint8(1)) != 0


@njit(nogil=True, cache=True)
def _count_shingles(start: Any, stop: Any, texts: Any) -> Any:
    """Count the shingles of some texts."""
    size = np.int64(0)
    for text in range(texts.shape[0]):
        if texts[text]:
            size += stop[text] - start[text]
    return size


@njit(nogil=True, cache=True)
def _fill_filter(values: Any, start: Any, stop: Any, texts: Any, bits: Any, mask: Any, shift: Any) -> None:
    """Set the bits of the shingles of some texts; `shift` bits of a slot are left out."""
    for text in range(texts.shape[0]):
        if texts[text]:
            for k in range(start[text], stop[text]):
                _set_bit(bits, _slot(values[k], mask) >> shift)


@njit(nogil=True, cache=True)
def _select_shingles(
    values: Any, start: Any, stop: Any, texts: Any, wanted: Any, bits: Any, coarse: Any, mask: Any, shift: Any,
    lowest: Any, partitions: Any,
) -> Any:  # fmt: skip
    """Return the shingles of some texts that belong to some partitions and pass the filter; no bits = all pass."""
    passing = np.empty(_count_shingles(start, stop, texts == wanted) + 1, np.uint64)
    used, within = np.uint64(0), np.uint64(partitions)
    for text in range(start.shape[0]):
        if texts[text] != wanted:
            continue
        first, last = np.uint64(start[text]), np.uint64(stop[text])
        if bits.shape[0] == 0:
            for k in range(first, last):
                passing[used] = values[k]
                used += np.uint64((_slot(values[k], mask) >> shift) - lowest < within)
        else:
            for k in range(first, last):  # nobody can guess what passes: no branch asks for it
                slot = _slot(values[k], mask)
                passing[used] = values[k]
                used += np.uint64((slot >> shift) - lowest < within) & np.uint64(_has_bit(bits, slot >> coarse))
    return passing[: np.int64(used)]


@njit(nogil=True, cache=True)
def _deal_shingles(
    values: Any, start: Any, stop: Any, texts: Any, wanted: Any, bits: Any, coarse: Any, mask: Any, shift: Any,
    lowest: Any, partitions: Any,
) -> Any:  # fmt: skip
    """Group what `_select_shingles` gives by partition, from the `lowest` on; return it, and where each one ends."""
    passing = _select_shingles(values, start, stop, texts, wanted, bits, coarse, mask, shift, lowest, partitions)
    ends = np.zeros(partitions + 1, np.int64)
    for k in range(passing.shape[0]):
        ends[(_slot(passing[k], mask) >> shift) - lowest + np.uint64(1)] += 1
    for k in range(1, ends.shape[0]):
        ends[k] += ends[k - 1]
    dealt, free = np.empty(passing.shape[0], np.uint64), ends[:-1].copy()
    for k in range(passing.shape[0]):
        place = (_slot(passing[k], mask) >> shift) - lowest
        dealt[free[place]] = passing[k]
        free[place] += 1
    return dealt, ends


@njit(nogil=True, cache=True)
def _grow_table(keys: Any, counts: Any) -> Any:
    larger, moved = np.zeros(2 * keys.shape[0], np.uint64), np.zeros(2 * keys.shape[0], np.uint8)
    mask = np.uint64(larger.shape[0] - 1)
    for k in range(keys.shape[0]):
        if counts[k]:
            slot = keys[k] & mask
            while moved[slot]:
                slot = (slot + np.uint64(1)) & mask
            larger[slot], moved[slot] = keys[k], counts[k]
    return larger, moved


@njit(nogil=True, cache=True)
def _count_bucket(sought: Any, others: Any, mask: Any, shift: Any, common_from: Any) -> Any:
    """Count the shingles of some slots exactly; return those that are common, and whose slot is asked about."""
    bits, within_bits = np.zeros(max(1, (1 << shift) >> 3), np.uint8), (np.uint64(1) << np.uint64(shift)) - np.uint64(1)
    for k in range(sought.shape[0]):
        _set_bit(bits, _slot(sought[k], mask) & within_bits)
    size = 64
    while size < 2 * _BUCKET and size < 2 * (sought.shape[0] + others.shape[0]):
        size *= 2
    keys, counts, used = np.zeros(size, np.uint64), np.zeros(size, np.uint8), 0
    for shingles in (sought, others):
        for k in range(shingles.shape[0]):
            value = shingles[k]
            if not _has_bit(bits, _slot(value, mask) & within_bits):
                continue
            within = np.uint64(keys.shape[0] - 1)
            slot = value & within
            while counts[slot] and keys[slot] != value:
                slot = (slot + np.uint64(1)) & within
            if counts[slot] < common_from:
                used += counts[slot] == 0
                keys[slot] = value
                counts[slot] += np.uint8(1)
                if 2 * used >= keys.shape[0]:
                    keys, counts = _grow_table(keys, counts)
    return keys[counts >= common_from]


class _Count:
    """Which shingles of some slots are common, counted a partition at a time.

    Args:
        mask: of a slot.
        common_from: texts that make a shingle boilerplate.
        scratch: a folder for partitions.
    """

    def __init__(self, mask: np.uint64, common_from: int, scratch: Path) -> None:
        self._mask, self._common_from, self._scratch = mask, common_from, scratch
        self._one_at_a_time = Lock()

    def deal(
        self, sets: ShingleSets, texts: npt.NDArray[np.bool_], filtered: _Filter, *, shift: int, lowest: int, count: int
    ) -> Iterator[tuple[Hashes, Ints]]:
        """Group shingles of texts that are asked about, then of others, by partition."""
        for wanted, bits in ((True, _NO_FILTER.bits), (False, filtered.bits)):
            grouped, ends = _deal_shingles(
                *sets, texts, wanted, bits, np.uint64(filtered.coarse), self._mask, np.uint64(shift), np.uint64(lowest),
                count,
            )  # fmt: skip
            grouped.setflags(write=False)  # as what comes from files: one kernel is compiled for both
            yield grouped, ends

    def count_range(
        self, pieces: Sequence[_Piece], filtered: _Filter, number: int, bits: int, *, size: int, engine: Mapper
    ) -> Iterator[Hashes]:
        """Deal the shingles of a range of slots out to files, and count each.

        The range is of `bits` bits of a slot, and has about `size` bytes.
        """
        fan_out = min(_FAN_OUT_BITS, max(1, (size // _USUAL_BYTES).bit_length()))
        shift, count = bits - fan_out, 1 << fan_out
        files = [PartitionFiles(self._scratch, f"{kind}-{bits}-{number}", np.uint64) for kind in ("asked", "others")]

        def deal_piece(piece: _Piece) -> None:
            sets, texts = piece.sets.select(piece.some), piece.texts[piece.some]
            dealt = self.deal(sets, texts, filtered, shift=shift, lowest=number << fan_out, count=count)
            for file, grouped in zip(files, dealt, strict=True):
                with self._one_at_a_time:
                    file.add(*grouped)

        def count_part(part: int) -> list[Hashes]:
            sought, others = (file.take(part, PARTITION_BYTES) for file in files)
            return list(self.count(sought, others, (number << fan_out) + part, shift))

        for _ in engine.map(deal_piece, pieces):
            pass
        for _, found in engine.map(count_part, range(count)):
            yield from found

    def count(self, sought: Hashes, others: Hashes, number: int, bits: int) -> Iterator[Hashes]:
        """Count the shingles of one partition: dealt out again where they are many, else in buckets."""
        size = sought.nbytes + others.nbytes
        if not len(sought):
            return
        if size > PARTITION_BYTES and bits >= _FAN_OUT_BITS + _LEAST_BITS:
            pieces = list(_cut_arrays(sought, others))
            yield from self.count_range(pieces, _NO_FILTER, number, bits, size=size, engine=Threads(1))
            return
        # the shingles of one slot cannot be parted: few different ones, and counted where they lie
        most = 0 if size > PARTITION_BYTES else min(bits - _LEAST_BITS, _MOST_BUCKET_BITS)
        finer = min(most, (size // 8 // _BUCKET).bit_length())
        if not finer:
            yield _count_bucket(sought, others, self._mask, bits, self._common_from)
            return
        shift, count = bits - finer, 1 << finer
        (one, ends), (other, other_ends) = (
            next(self.deal(*_as_text(each), _NO_FILTER, shift=shift, lowest=number << finer, count=count))
            for each in (sought, others)
        )
        for k in range(count):
            parts = one[ends[k] : ends[k + 1]], other[other_ends[k] : other_ends[k + 1]]
            yield from self.count(*parts, (number << finer) + k, shift)


def _as_text(shingles: Hashes) -> tuple[ShingleSets, npt.NDArray[np.bool_]]:
    """Return shingles as if one text had them that is asked about."""
    sets = ShingleSets.from_offsets(shingles[:], np.array([0, len(shingles)]))
    for column in sets:  # of the same type as sets that are mapped: one kernel is compiled for both
        column.setflags(write=False)
    return sets, np.ones(1, np.bool_)


def _cut_arrays(sought: Hashes, others: Hashes) -> Iterator[_Piece]:
    """Cut the shingles of a partition into parts that can be dealt out again."""
    for wanted, shingles in ((True, sought), (False, others)):
        for at in range(0, len(shingles), _SHINGLES_AT_A_TIME):
            sets, texts = _as_text(shingles[at : at + _SHINGLES_AT_A_TIME])
            yield _Piece(sets, texts & wanted, slice(0, 1))


def learn_boilerplate(
    sets: ShingleSets | MaskedSets,
    texts: npt.NDArray[np.bool_],
    scratch: Path,
    engine: Mapper,
    *,
    common_from: int = COMMON_FROM,
) -> Hashes:
    """Learn which shingles of some texts are boilerplate.

    Args:
        sets: of distinct texts, one each.
        texts: which of the texts are asked about; all are counted.
        scratch: a folder for what is dealt out.
        engine: threads that deal and count.
        common_from: texts that make a shingle boilerplate, at most 255.

    Returns:
        A mask for `count_distinctive` and `count_shared_distinctive`: an open table of the boilerplate's hashes, 0 =
        free, so that the hash 0 is never boilerplate.
    """
    sought = int(sets.sizes(np.flatnonzero(texts)).sum()) if len(texts) >= common_from else 0
    if not sought:
        return np.zeros(64, np.uint64)
    bits = _power_of_two(8 * sought).bit_length() - 1  # of a slot
    mask, coarse = np.uint64((1 << bits) - 1), max(0, bits - _COARSE_FILTER_BITS)
    filtered = _Filter(np.zeros((1 << bits - coarse) >> 3, np.uint8), coarse)
    for some in sets.pieces():
        if texts[some].any():
            _fill_filter(*sets.select(some), texts[some], filtered.bits, mask, np.uint64(coarse))
    counting = _Count(mask, common_from, scratch)
    total = int(sets.sizes(slice(None)).sum())
    passing = sought + int((total - sought) * -np.expm1(-sought / (1 << bits - coarse)))  # some for no reason
    found = [np.zeros(0, np.uint64)]
    if 8 * total <= min(PARTITION_BYTES, _MOST_HELD * _USUAL_BYTES):
        (one, _), (other, _) = counting.deal(sets.select(slice(None)), texts, filtered, shift=bits, lowest=0, count=1)
        found += counting.count(one, other, 0, bits)
    else:
        rounds = int(2 * passing > total)  # bits of a slot by which passes are told apart: of two a half is dealt out
        pieces = [_Piece(sets, texts, some) for some in sets.pieces()]
        for number in range(1 << rounds):
            size = 8 * passing >> rounds
            found += counting.count_range(pieces, filtered, number, bits - rounds, size=size, engine=engine)
    table: Hashes = _make_table(np.concatenate(found))
    return table


def _power_of_two(wanted: int) -> int:
    """Return the power of two from _SMALLEST_FILTER on that is no smaller than wanted."""
    size = _SMALLEST_FILTER
    while size < wanted:
        size *= 2
    return size


@njit(nogil=True, cache=True)
def _make_table(hashes: Any) -> Any:
    size = 64
    while size < 2 * hashes.shape[0]:
        size *= 2
    table = np.zeros(size, np.uint64)
    mask = np.uint64(size - 1)
    for k in range(hashes.shape[0]):
        slot = _slot(hashes[k], mask)
        while table[slot]:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = hashes[k]
    return table


@njit(nogil=True, cache=True, inline="always")
def _is_common(value: Any, table: Any) -> Any:
    mask = np.uint64(table.shape[0] - 1)
    slot = _slot(value, mask)
    while table[slot] and table[slot] != value:
        slot = (slot + np.uint64(1)) & mask
    return value != np.uint64(0) and table[slot] == value


@njit(nogil=True, cache=True)
def _count_distinctive(values: Any, start: Any, stop: Any, texts: Any, table: Any) -> Any:
    counts = np.zeros(start.shape[0], np.int64)
    for text in range(counts.shape[0]):
        if not texts[text]:
            continue
        for k in range(start[text], stop[text]):
            counts[text] += not _is_common(values[k], table)
    return counts


def count_distinctive(sets: ShingleSets, texts: npt.NDArray[np.bool_], mask: Hashes) -> Ints:
    """Count the shingles of some texts that are no boilerplate.

    Args:
        sets: as for `learn_boilerplate`.
        texts: which texts are asked about, as for `learn_boilerplate`.
        mask: from `learn_boilerplate`.

    Returns:
        int64[n]; 0 for the other texts.
    """
    counts: Ints = _count_distinctive(*sets, texts, mask)
    return counts


@njit(nogil=True, cache=True)
def _count_shared_distinctive(
    values: Any, start: Any, stop: Any, left: Any, right: Any, inside: Any, table: Any
) -> Any:
    counts = np.zeros(left.shape[0], np.int64)
    for pair in range(left.shape[0]):
        i, end_i = start[left[pair]], stop[left[pair]]
        j, end_j = start[right[pair]], stop[right[pair]]
        shared, size_i, size_j = np.int64(0), np.int64(0), np.int64(0)
        if inside[pair]:  # all of it is shared: the longer one, which may hold thousands, need not be gone through
            for k in range(i, end_i):
                counts[pair] += not _is_common(values[k], table)
            continue
        while i < end_i or j < end_j:
            if j >= end_j or (i < end_i and values[i] < values[j]):
                size_i += not _is_common(values[i], table)
                i += 1
            elif i >= end_i or values[j] < values[i]:
                size_j += not _is_common(values[j], table)
                j += 1
            else:
                own = not _is_common(values[i], table)
                shared += own
                size_i += own
                size_j += own
                i += 1
                j += 1
        if shared * NEAR_DENOMINATOR >= (size_i + size_j - shared) * NEAR_NUMERATOR:
            counts[pair] = shared
    return counts


def count_shared_distinctive(
    sets: ShingleSets, left: Ints, right: Ints, *, inside: npt.NDArray[np.bool_], mask: Hashes
) -> Ints:
    """Count what pairs share beyond boilerplate.

    Args:
        sets: as for `learn_boilerplate`.
        left: number of the first set of each pair.
        right: number of the second.
        inside: which pairs are of a first text that stands whole inside the second: of it the rest does so too.
        mask: from `learn_boilerplate`.

    Returns:
        int64[n]: shingles in both that are no boilerplate; 0 where the rest of both is not near.
    """
    counts: Ints = _count_shared_distinctive(*sets, left, right, inside, mask)
    return counts
