"""Texts that stand whole inside longer ones: a verse in an anthology, a question after a system prompt.

Every shingle of a text that stands word for word inside a longer one is a shingle of the longer one. So each text is
filed under one of its shingles, its *anchor*, and every shingle of every text is looked up among the anchors: one look
a shingle, whatever the number of texts. A text is filed under its lowest hash that few texts are filed under; one whose
ANCHORS_TRIED hashes all stand in crowds (the words of a template) is left aside, and COVERAGE says how many are.

A filter of fixed size says of nearly every shingle that it is no anchor. What it lets by is put in order together with
the anchors, by hash, on disk: whoever shares a hash meets there, and is a candidate. Candidates are put in order by the
longer text and counted exactly as its set comes by; a second shingle of the shorter text, which came along, spares a
look at its set where the two share little else. So the sets are gone through in order, twice; only of what stands
inside are sets read where they lie.

Of a text that stands in more than HOLDERS_KEPT longer ones a share of those is kept, chosen by their hashes: it is
boilerplate then, and what is found must not grow with the square of what there is. What stands in one file alone is not
looked for in texts of that file. Where one file has most of the texts, these are looked up among the anchors of the
others, which are few.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.scratch.external_sort import Ordering
from provenance.core.scratch.scratch_arrays import ColumnFiles, create_array, map_columns
from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR, lower_bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from provenance.core.scratch.external_sort import Rows
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
_LOOK = np.dtype([
    ("key", "u8"),  # a shingle
    ("text", "i8"),  # whose it is
    ("probe", "u8"),  # of an anchor: the text's highest shingle
    ("size", "i4"),  # shingles of the text; negative = it is filed here, and looked for
    ("file", "i4"),  # the one file in which the text stands
])  # fmt: skip
_CANDIDATE = np.dtype([("longer", "u8"), ("shorter", "i8"), ("probe", "u8")])
_ANCHOR = {"key": "u8", "file": "i4"}
_WAITING = {"text": "i8"}
_PAIR = {"left": "i4", "right": "i4"}

_HISTOGRAM_BITS = 16  # top bits of an anchor by which it is seen where anchors thin out
_MOST_FILTER_BITS = 1 << 30  # bits of a filter: beyond 67 million texts it lets more by, never more than there is
_LOW_FILTER_BITS, _HIGH_FILTER_BITS = 16, 64  # bits of a filter an anchor


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
    looked = Ordering(scratch, "looked", _LOOK)
    anchors = ColumnFiles(scratch, "anchor", _ANCHOR)
    unfiled = _file_under_anchors(sets, only_file, looked, anchors, scratch)
    if looked.count:
        _look_up_all(sets, only_file, home, looked, _Filters(scratch, home), threads)
    candidates = Ordering(scratch, "candidates", _CANDIDATE, bits=max(1, sets.set_count.bit_length()))
    for part in looked:
        _pair_texts(part, candidates)
    pair_files = [ColumnFiles(scratch, "found-0", _PAIR)]
    for part in candidates:
        longer, shorter, probe = (np.ascontiguousarray(part[name]) for name in _CANDIDATE.names or ())
        holds = _hold(*sets, longer, shorter, probe)
        pair_files[0].add(shorter[holds], longer[holds])
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


class _Filters:
    """Filters of the anchors: low ones are many, but few shingles are as low; the rest have a filter of their own.

    Args:
        scratch: the folder in which anchors were written.
        home: the file that alone has most of the texts; negative = none.
    """

    def __init__(self, scratch: Path, home: int) -> None:
        keys, files = map_columns(scratch, "anchor", _ANCHOR)
        histogram = np.zeros(1 << _HISTOGRAM_BITS, np.int64)
        shift = np.uint64(64 - _HISTOGRAM_BITS)
        for part in _slices(keys):
            histogram += np.bincount((part >> shift).astype(np.int64), minlength=len(histogram))
        at = int(np.searchsorted(np.cumsum(histogram), len(keys) - len(keys) // _HIGH_ANCHOR_SHARE))
        self.cut = np.uint64((at + 1 << 64 - _HISTOGRAM_BITS) - 1)
        self.highest = np.uint64(max(int(part.max()) for part in _slices(keys)))
        sizes = len(keys) * _LOW_FILTER_BITS, len(keys) // _HIGH_ANCHOR_SHARE * _HIGH_FILTER_BITS
        self.every, self.away = (tuple(_make_filter(size) for size in sizes) for _ in range(2))
        for at in range(0, len(keys), _CHUNK):
            part, of = keys[at : at + _CHUNK], files[at : at + _CHUNK]
            _fill_filters(part, self.cut, *self.every)
            if home >= 0:
                _fill_filters(part[of != home], self.cut, *self.away)


def _make_filter(bits: int) -> npt.NDArray[np.uint8]:
    return np.zeros(1 << max(6, min(bits, _MOST_FILTER_BITS).bit_length() - 3), np.uint8)


@njit(nogil=True, cache=True, inline="always")
def _spread_hash(value: Any) -> Any:
    """Spread hashes over a filter: anchors are low by choice, so that their high bits say little."""
    return (value * _GOLDEN_RATIO) >> np.uint64(20)


@njit(nogil=True, cache=True, inline="always")
def _bit_places(value: Any, bits: Any) -> Any:
    """Return the two bits of a shingle in a filter."""
    mask = np.uint64(8 * bits.shape[0] - 1)
    return _spread_hash(value) & mask, _spread_hash(value ^ _GOLDEN_RATIO) & mask


@njit(nogil=True, cache=True)
def _fill_filters(anchors: Any, cut: Any, low: Any, high: Any) -> None:
    for k in range(anchors.shape[0]):
        bits = low if anchors[k] <= cut else high
        for place in _bit_places(anchors[k], bits):
            bits[place >> np.uint64(3)] |= np.uint8(1) << np.uint8(place & np.uint64(7))


@njit(nogil=True, cache=True, inline="always")
def _may_be_anchor(value: Any, bits: Any) -> Any:
    one, other = _bit_places(value, bits)
    if not bits[one >> np.uint64(3)] >> np.uint8(one & np.uint64(7)) & np.uint8(1):
        return False
    return (bits[other >> np.uint64(3)] >> np.uint8(other & np.uint64(7)) & np.uint8(1)) != 0


def _look_up_all(
    sets: ShingleSets,
    only_file: npt.NDArray[np.int32],
    home: int,
    looked: Ordering,
    filters: _Filters,
    threads: int,
) -> None:
    """Add the shingles that may be anchors to those."""
    one_at_a_time = Lock()

    def look_up(bounds: tuple[int, int]) -> None:
        for at_home, (low, high) in ((True, filters.away), (False, filters.every)):
            keys, texts = np.empty(_CHUNK, np.uint64), np.empty(_CHUNK, np.int64)
            text, place = bounds[0], 0
            while text < bounds[1] and (home >= 0 or not at_home):
                count, text, place = _look_up_shingles(
                    *sets, only_file, home, at_home, low, high, filters.cut, filters.highest, text, bounds[1], place,
                    keys, texts,
                )  # fmt: skip
                rows = _make_looks(sets, only_file, keys[:count], texts[:count])
                with one_at_a_time:
                    looked.add(rows)

    # more parts than threads: a part may have all the long texts
    bounds = list(pairwise(np.linspace(0, sets.set_count, _PARTS_PER_THREAD * threads + 1).astype(int).tolist()))
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(look_up, bounds):
            pass


def _make_looks(
    sets: ShingleSets, only_file: npt.NDArray[np.int32], keys: shingle_sets.Hashes, texts: Ints
) -> npt.NDArray[Any]:
    """Make _LOOK of shingles and whose they are."""
    rows = np.zeros(len(keys), _LOOK)
    rows["key"], rows["text"], rows["size"], rows["file"] = keys, texts, sets.sizes(texts), only_file[texts]
    return rows


def _pair_texts(looks: Rows, candidates: Ordering) -> None:
    """Pair, shingle by shingle, the texts that are filed under it with the longer ones that have it."""
    key, text, probes, size, file = (np.ascontiguousarray(looks[name]) for name in _LOOK.names or ())
    room = max(_CHUNK, TEXTS_PER_ANCHOR * ANCHORS_TRIED)  # for all that are filed under one shingle
    longer, shorter, probe = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.uint64)
    at = 0
    while at < len(looks):
        count, at = _pair_looks(key, text, probes, size, file, at, longer, shorter, probe)
        rows = np.empty(count, _CANDIDATE)
        for name, column in zip(_CANDIDATE.names or (), (longer, shorter, probe), strict=True):
            rows[name] = column[:count]
        candidates.add(rows)


@njit(nogil=True, cache=True, inline="always")
def _may_hold(size: Any, other_size: Any, file: Any, other_file: Any) -> Any:
    """Tell whether a text of another file is so much longer than one that it is not near."""
    near = size * NEAR_DENOMINATOR >= other_size * NEAR_NUMERATOR
    return size < other_size and not near and (file != other_file or file < 0)


@njit(nogil=True, cache=True)
def _pair_looks(
    key: Any, text: Any, probes: Any, size: Any, file: Any, at: Any, longer: Any, shorter: Any, probe: Any
) -> Any:
    """Pair texts from a row on; return how many pairs were made, and where to go on."""
    made = np.int64(0)
    filed = np.empty(TEXTS_PER_ANCHOR * ANCHORS_TRIED, np.int64)
    while at < key.shape[0]:
        first, last, count = at, at, 0
        while first > 0 and key[first - 1] == key[at]:
            first -= 1
        while last < key.shape[0] and key[last] == key[at]:
            last += 1
        for k in range(first, last):
            if size[k] < 0:
                filed[count] = k
                count += 1
        while at < last:
            if made + count > longer.shape[0]:
                return made, at
            for k in filed[:count]:
                if _may_hold(np.int64(-size[k]), np.int64(size[at]), file[k], file[at]):
                    longer[made], shorter[made], probe[made] = text[at], text[k], probes[k]
                    made += 1
            at += 1
    return made, at


def _slices(texts: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    for at in range(0, len(texts), _CHUNK):
        yield texts[at : at + _CHUNK]


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


def _file_under_anchors(
    sets: ShingleSets, only_file: npt.NDArray[np.int32], looked: Ordering, anchors: ColumnFiles, scratch: Path
) -> int:
    """File each text under its lowest hash that at most TEXTS_PER_ANCHOR of those still to be filed have there.

    Returns how many could not be filed.
    """
    waiting: Iterable[Ints] = _long_enough(sets)
    for rank in range(ANCHORS_TRIED):
        texts = Ordering(scratch, "rank", _LOOK)
        for numbers in waiting:
            numbers = numbers[sets.sizes(numbers) > rank]  # noqa: PLW2901 - shorter ones are left aside
            rows = _make_looks(sets, only_file, sets.values[sets.start[numbers] + rank], numbers)
            rows["size"] *= -1
            rows["probe"] = sets.values[sets.stop[numbers] - 1]
            texts.add(rows)
        remaining = ColumnFiles(scratch, f"waiting-{rank}", _WAITING)
        for part in texts:
            first = np.flatnonzero(np.r_[True, part["key"][1:] != part["key"][:-1]])
            count = np.diff(np.r_[first, len(part)])
            fits = np.repeat(count <= TEXTS_PER_ANCHOR, count)
            looked.add(part[fits])
            anchors.add(part["key"][fits], part["file"][fits])
            remaining.add(part["text"][~fits])
        remaining.close()
        waiting = _slices(map_columns(scratch, f"waiting-{rank}", _WAITING)[0])
    anchors.close()
    return sum(len(numbers) for numbers in _long_enough(sets)) - anchors.count


def _long_enough(sets: ShingleSets) -> Iterator[Ints]:
    for at in range(0, sets.set_count, _CHUNK):
        yield at + np.flatnonzero(sets.sizes(slice(at, at + _CHUNK)) >= LEAST_SHINGLES)


@njit(nogil=True, cache=True)
def _contains_all(values: Any, start: Any, stop: Any, low: Any, high: Any) -> Any:
    """Tell whether the sorted values[low:high] hold every one of the sorted values[start:stop]."""
    for k in range(start, stop):
        low = lower_bound(values[k], values, low, high)
        if low >= high or values[low] != values[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _hold(values: Any, begin: Any, end: Any, longer: Any, shorter: Any, probe: Any) -> Any:
    """Tell which texts hold the shorter ones whole; those of one text stand side by side."""
    holds = np.zeros(longer.shape[0], np.bool_)
    for k in range(longer.shape[0]):
        low, high, other = begin[longer[k]], end[longer[k]], shorter[k]
        at = lower_bound(probe[k], values, low, high)
        if at < high and values[at] == probe[k]:
            holds[k] = _contains_all(values, begin[other], end[other], low, high)
    return holds


@njit(nogil=True, cache=True)
def _look_up_shingles(
    values: Any, begin: Any, end: Any, only_file: Any, home: Any, at_home: Any, low: Any, high: Any, cut: Any,
    highest: Any, text: Any, last: Any, place: Any, keys: Any, texts: Any,
) -> Any:  # fmt: skip
    """List shingles that may be anchors, from a text's place on; return how many, and where to go on."""
    found = np.int64(0)
    while text < last:
        start, stop = begin[text], end[text]
        if (only_file[text] == home and home >= 0) == at_home:
            while start + place < stop and values[start + place] <= highest:
                if found == keys.shape[0]:
                    return found, text, place
                value = values[start + place]
                place += 1
                if _may_be_anchor(value, low if value <= cut else high):
                    keys[found], texts[found] = value, text
                    found += 1
        text, place = text + 1, np.int64(0)
    return found, text, place
