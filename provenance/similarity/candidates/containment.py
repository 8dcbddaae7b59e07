"""Texts that stand whole inside longer ones: a verse in an anthology, a question after a system prompt.

Every shingle of a text that stands word for word inside a longer one is a shingle of the longer one. So each text is
filed under one of its shingles, its *anchor*, and every shingle of every text is looked up among the anchors: one look
a shingle, whatever the number of texts. What is found is counted exactly. A text is filed under its lowest hash that
few texts are filed under; one whose ANCHORS_TRIED hashes all stand in crowds (the words of a template) is left aside,
and COVERAGE says how many are. Anchors are put in order on disk and looked up part after part; the values of a set
ascend, so that each part looks at its own range of them. Of a text that stands in more than HOLDERS_KEPT longer ones a
share of those is kept, chosen by their hashes: it is boilerplate then, and what is found must not grow with the square
of what there is.

What stands in one file alone is not looked for in texts of that file. Where one file has most of the texts, these are
looked up among the anchors of the others, which are few.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.external_sort import Ordering, Rows
from provenance.core.scratch_arrays import ColumnFiles, create_array, map_columns
from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR, lower_bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from provenance.similarity.text import shingle_sets
    from provenance.similarity.text.shingle_sets import ShingleSets

Ints = npt.NDArray[np.int64]

LEAST_SHINGLES = 4
"""Distinct shingles (eight words) that a text must have to be looked for inside others."""

TEXTS_PER_ANCHOR = 64
"""Texts that may be filed under one shingle."""

ANCHORS_TRIED = 8
"""Hashes of a text, lowest first, that are tried as its anchor."""

HOLDERS_KEPT = 64
"""Longer texts, about, that are kept of one text inside them."""

_CHUNK = 1 << 18  # texts, or pairs, gone through at a time
_PARTS_PER_THREAD = 4  # of the texts, a thread
_HIGH_ANCHOR_SHARE = 64  # of so many anchors the highest one stands in the second table

_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4)
_ANCHOR = np.dtype([("key", "u8"), ("text", "i8")])
_WAITING = {"text": "i8"}
_PAIR = {"left": "i4", "right": "i4"}


class ContainedPairs(NamedTuple):
    """Texts inside longer ones, as pairs without order.

    Args:
        left: numbers of sets that stand whole inside those of `right`, at a Jaccard index below 0.8; a file.
        right: of the same.
        unfiled: texts that could be filed under no shingle.
        thinned: texts that stand in more longer ones than are kept.
    """

    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    unfiled: int
    thinned: int


def find_contained(
    sets: ShingleSets,
    hashes: shingle_sets.Hashes,
    only_file: npt.NDArray[np.int32],
    *,
    scratch: Path,
    threads: int = 1,
) -> ContainedPairs:
    """Find every set that a larger one of another file holds whole, near ones left out.

    Args:
        sets: the sets.
        hashes: of the texts, which decide what is kept of what stands in very many.
        only_file: of every text the one file in which it stands, negative where it stands in several.
        scratch: a folder for anchors and pairs.
        threads: that look shingles up side by side.

    Returns:
        The pairs, and how many sets were left aside or have more holders than are kept.
    """
    home = _find_largest_file(only_file)
    anchors, unfiled = _file_under_anchors(sets, scratch)
    # more parts than threads: a part may have all the long texts
    bounds = list(pairwise(np.linspace(0, sets.set_count, _PARTS_PER_THREAD * threads + 1).astype(int).tolist()))
    pair_files = [ColumnFiles(scratch, f"found-{number}", _PAIR) for number in range(len(bounds))]
    with ThreadPoolExecutor(threads) as pool:
        for part in _split_at_thinning(anchors):
            lookups = [
                pool.submit(_look_up_texts, sets, texts, _make_anchor_table(filed), target, *ends)
                for filed, texts in _pair_with_texts(part, only_file, home)
                for target, ends in zip(pair_files, bounds, strict=True)
            ]
            for each in lookups:
                each.result()
    counts = create_array(scratch / "holders", np.int32, sets.set_count)
    for left, _ in _read_pairs(pair_files, scratch):
        np.add.at(counts, left, 1)
    written = ColumnFiles(scratch, "inside", _PAIR)
    for left, right in _read_pairs(pair_files, scratch):
        is_kept = _is_kept(counts[left], hashes[right])
        written.add(left[is_kept], right[is_kept])
    written.close()
    inside, outside = map_columns(scratch, "inside", _PAIR)
    return ContainedPairs(inside, outside, unfiled, int(np.count_nonzero(counts > HOLDERS_KEPT)))


class _Texts(NamedTuple):
    """Which texts are looked through: those of one file alone, or the others.

    Args:
        only_file: of every text the one file in which it stands.
        home: the file; negative = none.
        at_home: whether it is its texts.
    """

    only_file: npt.NDArray[np.int32]
    home: int
    at_home: bool


def _find_largest_file(only_file: npt.NDArray[np.int32]) -> int:
    """Return the file that alone has more than half of all texts; -1 where there is none (Boyer and Moore 1981)."""
    candidate: int = _vote(only_file)
    return candidate if 2 * int(np.count_nonzero(only_file == candidate)) > len(only_file) else -1


@njit(nogil=True, cache=True)
def _vote(only_file: Any) -> Any:
    candidate, lead = np.int64(-1), np.int64(0)
    for k in range(only_file.shape[0]):
        if lead == 0:
            candidate = np.int64(only_file[k])
        lead += 1 if only_file[k] == candidate else -1
    return candidate


def _pair_with_texts(anchors: Rows, only_file: npt.NDArray[np.int32], home: int) -> Iterator[tuple[Rows, _Texts]]:
    """Say among which anchors which texts are to be looked up."""
    away = anchors if home < 0 else anchors[only_file[anchors["text"]] != home]
    if len(away) and home >= 0:
        yield away, _Texts(only_file, home, at_home=True)
    yield anchors, _Texts(only_file, home, at_home=False)


def _make_anchor_table(anchors: Rows) -> tuple[Any, Any, Any, Any, Any]:
    anchor, filed = (np.ascontiguousarray(anchors[name]) for name in ("key", "text"))
    first = np.flatnonzero(np.r_[True, anchor[1:] != anchor[:-1]])
    return anchor, *_index_anchors(anchor, first), np.r_[first, len(anchor)], filed


def _split_at_thinning(parts: Iterable[Rows]) -> Iterator[Rows]:
    """Cut anchors where they thin out: low ones are many, but few shingles are as low; the rest have a small table."""
    for part in filter(len, parts):
        cut = int(np.searchsorted(part["key"], part["key"][-1 - len(part) // _HIGH_ANCHOR_SHARE], "right"))
        yield from (each for each in (part[:cut], part[cut:]) if len(each))


def _is_kept(counts: Ints, hashes: shingle_sets.Hashes) -> npt.NDArray[np.bool_]:
    """Tell which pairs are kept: of a text with many holders those whose hashes are low enough."""
    share = HOLDERS_KEPT / np.maximum(counts, 1)
    kept: npt.NDArray[np.bool_] = (share >= 1) | (hashes.astype(np.float64) < share * 2.0**64)
    return kept


def _read_pairs(pair_files: Sequence[ColumnFiles], scratch: Path) -> Iterator[tuple[Ints, Ints]]:
    """Read pairs back, some at a time."""
    for number, each in enumerate(pair_files):
        each.close()
        left, right = map_columns(scratch, f"found-{number}", _PAIR)
        for at in range(0, len(left), _CHUNK):
            yield left[at : at + _CHUNK], right[at : at + _CHUNK]


def _look_up_texts(
    sets: ShingleSets,
    texts: _Texts,
    anchor_table: tuple[Any, Any, Any, Any, Any],
    target: ColumnFiles,
    text: int,
    last: int,
) -> None:
    """Look the shingles of the texts from `text` on, before `last`, up among the anchors; write what was found."""
    anchor, index, bits, ends, filed = anchor_table
    inside, outside = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int64)
    place = np.int64(-1)
    while text < last:
        count, text, place = _look_up_shingles(
            *sets, *texts, anchor, index, bits, ends, filed, text, last, place, inside, outside
        )
        target.add(inside[:count], outside[:count])


def _file_under_anchors(sets: ShingleSets, scratch: Path) -> tuple[Ordering, int]:
    """File each text under its lowest hash that at most TEXTS_PER_ANCHOR of those still to be filed have there."""
    filed = Ordering(scratch, "filed", _ANCHOR)
    waiting: Iterable[Ints] = _long_enough(sets)
    for rank in range(ANCHORS_TRIED):
        texts = Ordering(scratch, "rank", _ANCHOR)
        for numbers in waiting:
            numbers = numbers[sets.sizes(numbers) > rank]  # noqa: PLW2901 - shorter ones are left aside
            rows = np.empty(len(numbers), _ANCHOR)
            rows["key"], rows["text"] = sets.values[sets.start[numbers] + rank], numbers
            texts.add(rows)
        remaining = ColumnFiles(scratch, f"waiting-{rank}", _WAITING)
        for part in texts:
            first = np.flatnonzero(np.r_[True, part["key"][1:] != part["key"][:-1]])
            count = np.diff(np.r_[first, len(part)])
            fits = np.repeat(count <= TEXTS_PER_ANCHOR, count)
            filed.add(part[fits])
            remaining.add(part["text"][~fits])
        remaining.close()
        waiting = _slices(map_columns(scratch, f"waiting-{rank}", _WAITING)[0])
    long_enough = sum(len(numbers) for numbers in _long_enough(sets))
    return filed, long_enough - filed.count


def _long_enough(sets: ShingleSets) -> Iterator[Ints]:
    for at in range(0, sets.set_count, _CHUNK):
        yield at + np.flatnonzero(sets.sizes(slice(at, at + _CHUNK)) >= LEAST_SHINGLES)


def _slices(texts: Ints) -> Iterator[Ints]:
    for at in range(0, len(texts), _CHUNK):
        yield texts[at : at + _CHUNK]


@njit(nogil=True, cache=True)
def _index_anchors(anchor: Any, first: Any) -> Any:
    """Make an open table: the number of the group of each anchor, -1 = free; and a filter that fits into a cache.

    Nearly every shingle is no anchor, and the filter says so without a look at the table.
    """
    size = 64
    while size < 2 * first.shape[0]:
        size *= 2
    mask, filter_mask = np.uint64(size - 1), np.uint64(4 * size - 1)
    table, filter_bits = np.full(size, -1, np.int32), np.zeros(size // 2, np.uint8)
    for group in range(first.shape[0]):
        spread = _spread_hash(anchor[first[group]])
        filter_bits[(spread & filter_mask) >> np.uint64(3)] |= np.uint8(1) << np.uint8(spread & np.uint64(7))
        slot = spread & mask
        while table[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = group
    return table, filter_bits


@njit(nogil=True, cache=True, inline="always")
def _spread_hash(value: Any) -> Any:
    """Spread hashes over the table: anchors are low by choice, so that their high bits say little."""
    return (value * _GOLDEN_RATIO) >> np.uint64(20)


@njit(nogil=True, cache=True, inline="always")
def _find_anchor(value: Any, anchor: Any, index: Any, filter_bits: Any, ends: Any) -> Any:
    """Return the number of the group of an anchor; -1 where the value is none."""
    mask, filter_mask = np.uint64(index.shape[0] - 1), np.uint64(8 * filter_bits.shape[0] - 1)
    spread = _spread_hash(value)
    if not filter_bits[(spread & filter_mask) >> np.uint64(3)] >> np.uint8(spread & np.uint64(7)) & np.uint8(1):
        return -1
    slot = spread & mask
    while index[slot] >= 0 and anchor[ends[index[slot]]] != value:
        slot = (slot + np.uint64(1)) & mask
    return index[slot]


@njit(nogil=True, cache=True)
def _contains_all(values: Any, start: Any, stop: Any, low: Any, high: Any) -> Any:
    """Tell whether the sorted values[low:high] hold every one of the sorted values[start:stop]."""
    for k in range(start, stop):
        low = lower_bound(values[k], values, low, high)
        if low >= high or values[low] != values[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _holds(values: Any, start: Any, stop: Any, low: Any, high: Any) -> Any:
    """Tell whether a set holds a smaller one whole that is not near to it."""
    near = (stop - start) * NEAR_DENOMINATOR >= (high - low) * NEAR_NUMERATOR
    return stop - start < high - low and not near and _contains_all(values, start, stop, low, high)


@njit(nogil=True, cache=True)
def _look_up_shingles(
    values: Any,
    begin: Any,
    end: Any,
    only_file: Any,
    home: Any,
    at_home: Any,
    anchor: Any,
    index: Any,
    filter_bits: Any,
    ends: Any,
    filed: Any,
    text: Any,
    last: Any,
    place: Any,
    inside: Any,
    outside: Any,
) -> Any:
    """Look shingles up from a text's place on; return how many pairs were found, and where to go on.

    The place -1 is that of the lowest anchor.
    """
    lowest, highest = anchor[0], anchor[-1]
    found = np.int64(0)
    while text < last:
        own_file = only_file[text]
        if (own_file == home and home >= 0) != at_home:
            text += 1
            continue
        start, stop = begin[text], end[text]
        if place < 0:
            place = lower_bound(lowest, values, start, stop) - start
        while start + place < stop and values[start + place] <= highest:
            if found + TEXTS_PER_ANCHOR * ANCHORS_TRIED > inside.shape[0]:
                return found, text, place
            value = values[start + place]
            place += 1
            group = _find_anchor(value, anchor, index, filter_bits, ends)
            if group < 0:
                continue
            for k in range(ends[group], ends[group + 1]):
                other = filed[k]
                if (only_file[other] != own_file or own_file < 0) and _holds(
                    values, begin[other], end[other], start, stop
                ):
                    inside[found], outside[found] = other, text
                    found += 1
        text, place = text + 1, np.int64(-1)
    return found, text, place
