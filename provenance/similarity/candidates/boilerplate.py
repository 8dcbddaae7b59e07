"""Boilerplate: shingles of so many texts that they say nothing of any one of them.

A prompt template, a licence header, a stock phrase: two texts that share these alone have not copied each other. What
is boilerplate is learnt from the data: a shingle that stands in at least COMMON_FROM distinct texts of a view. It is
asked of texts that stand elsewhere too; a filter of their shingles lets all others pass by. Learning takes two passes
over the sets: counters by hash that can only overcount, then exact counts of those few shingles whose counter is high
enough. Counters saturate: no order of texts matters. Where the filter would take more than COUNTERS bytes, that is done
for one part of it after the other. What grows is what is found: 16 bytes a shingle that is boilerplate.

A pair's *distinctive* count is what it shares beyond boilerplate, where what remains of both still matches; 0 where it
does not, or where nothing remains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR

if TYPE_CHECKING:
    from provenance.similarity.text import shingle_sets
    from provenance.similarity.text.shingle_sets import ShingleSets

Ints = npt.NDArray[np.int64]

COMMON_FROM = 16
"""Distinct texts of a view that make a shingle of theirs boilerplate."""

COUNTERS = 1 << 25
"""Counters of one byte, at most, that are used at a time, and bytes of the filter, of 8 bits a shingle asked about."""

_SMALLEST_TABLE = 1 << 16  # counters, or bits of the filter, at least
_FIBONACCI_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True, inline="always")
def _slot(value: Any, mask: Any) -> Any:
    """Spread hashes over a table."""
    return ((value * _FIBONACCI_MULTIPLIER) >> np.uint64(20)) & mask


@njit(nogil=True, cache=True)
def _count_shingles(start: Any, stop: Any, texts: Any) -> Any:
    """Count the shingles of some texts."""
    size = np.int64(0)
    for text in range(texts.shape[0]):
        if texts[text]:
            size += stop[text] - start[text]
    return size


@njit(nogil=True, cache=True)
def _fill_filter(values: Any, start: Any, stop: Any, texts: Any, filter_bits: Any, first: Any, mask: Any) -> None:
    """Set the bits of the shingles of some texts, of the filter's part that begins at `first`."""
    room = np.uint64(8 * filter_bits.shape[0])
    for text in range(texts.shape[0]):
        if texts[text]:
            for k in range(start[text], stop[text]):
                slot = _slot(values[k], mask) - first  # wraps around before the part
                if slot < room:
                    filter_bits[slot >> np.uint64(3)] |= np.uint8(1) << np.uint8(slot & np.uint64(7))


@njit(nogil=True, cache=True, inline="always")
def _in_filter(value: Any, filter_bits: Any, first: Any, mask: Any) -> Any:
    slot = _slot(value, mask) - first
    if slot >= np.uint64(8 * filter_bits.shape[0]):
        return False
    return (filter_bits[slot >> np.uint64(3)] >> np.uint8(slot & np.uint64(7)) & np.uint8(1)) != 0


@njit(nogil=True, cache=True)
def _count_roughly(
    values: Any, start: Any, stop: Any, filter_bits: Any, first: Any, mask: Any, counters: Any, common_from: Any
) -> None:
    within = np.uint64(counters.shape[0] - 1)
    for text in range(start.shape[0]):
        for k in range(start[text], stop[text]):
            if _in_filter(values[k], filter_bits, first, mask):
                slot = values[k] & within
                if counters[slot] < common_from:
                    counters[slot] += np.uint8(1)


@njit(nogil=True, cache=True)
def _grow_table(keys: Any, counts: Any) -> Any:
    larger, moved = np.zeros(2 * keys.shape[0], np.uint64), np.zeros(2 * keys.shape[0], np.int32)
    mask = np.uint64(larger.shape[0] - 1)
    for k in range(keys.shape[0]):
        if counts[k]:
            slot = _slot(keys[k], mask)
            while moved[slot]:
                slot = (slot + np.uint64(1)) & mask
            larger[slot], moved[slot] = keys[k], counts[k]
    return larger, moved


@njit(nogil=True, cache=True)
def _count_exactly(
    values: Any, start: Any, stop: Any, filter_bits: Any, first: Any, mask: Any, counters: Any, common_from: Any
) -> Any:
    """Count exactly, in an open table, what the counters say may be common."""
    keys, counts, used = np.zeros(64, np.uint64), np.zeros(64, np.int32), 0
    counter = np.uint64(counters.shape[0] - 1)
    for text in range(start.shape[0]):
        for k in range(start[text], stop[text]):
            if not _in_filter(values[k], filter_bits, first, mask) or counters[values[k] & counter] < common_from:
                continue
            if 2 * used >= keys.shape[0]:
                keys, counts = _grow_table(keys, counts)
            within = np.uint64(keys.shape[0] - 1)
            slot = _slot(values[k], within)
            while counts[slot] and keys[slot] != values[k]:
                slot = (slot + np.uint64(1)) & within
            if counts[slot] == 0:
                keys[slot] = values[k]
                used += 1
            if counts[slot] < common_from:
                counts[slot] += np.int32(1)
    return keys[counts >= common_from]


def learn_boilerplate(
    sets: ShingleSets, texts: npt.NDArray[np.bool_], common_from: int = COMMON_FROM
) -> shingle_sets.Hashes:
    """Learn which shingles of some texts are boilerplate.

    Args:
        sets: of distinct texts, one each.
        texts: which of the texts are asked about; all are counted.
        common_from: texts that make a shingle boilerplate, at most 255.

    Returns:
        A mask for `count_distinctive` and `count_shared_distinctive`: an open table of the boilerplate's hashes, 0 =
        free, so that the hash 0 is never boilerplate.
    """
    shingles_asked = int(_count_shingles(sets.start, sets.stop, texts)) if len(texts) >= common_from else 0
    if not shingles_asked:
        return np.zeros(64, np.uint64)
    bits = _power_of_two(8 * shingles_asked)
    parts = max(1, bits // 8 // COUNTERS)
    shingles_passing = (
        shingles_asked + int((sets.stop - sets.start).sum()) // 8
    )  # what the filter lets by for no reason counts too
    counters = min(COUNTERS, _power_of_two(shingles_passing // parts))
    mask = np.uint64(bits - 1)
    found = []
    for first in range(0, bits, bits // parts):
        filter_bits, rough_counts = np.zeros(bits // parts // 8, np.uint8), np.zeros(counters, np.uint8)
        _fill_filter(*sets, texts, filter_bits, np.uint64(first), mask)
        _count_roughly(*sets, filter_bits, np.uint64(first), mask, rough_counts, common_from)
        found.append(_count_exactly(*sets, filter_bits, np.uint64(first), mask, rough_counts, common_from))
    table: shingle_sets.Hashes = _make_table(np.concatenate(found))
    return table


def _power_of_two(wanted: int) -> int:
    """Return the power of two from _SMALLEST_TABLE on that is no smaller than wanted."""
    size = _SMALLEST_TABLE
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


def count_distinctive(sets: ShingleSets, texts: npt.NDArray[np.bool_], mask: shingle_sets.Hashes) -> Ints:
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
    sets: ShingleSets, left: Ints, right: Ints, *, inside: npt.NDArray[np.bool_], mask: shingle_sets.Hashes
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
