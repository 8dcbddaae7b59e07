"""Texts that stand whole inside longer ones: a verse in an anthology, a question after a system prompt.

Every shingle of a text that stands word for word inside a longer one is a shingle of the longer one. So each text is
filed under one of its shingles, its *anchor*, and every shingle of every text is looked up among the anchors: one look
a shingle, whatever the number of texts. What is found is counted exactly. A text is filed under its lowest hash that
few texts are filed under; one whose LOWEST hashes all stand in crowds (the words of a template) is left aside, and
COVERAGE says how many are. Of a text that stands in more than HOLDERS longer ones a share of those is kept, chosen by
their hashes: it is boilerplate then, and what is found must not grow with the square of what there is.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.similarity.verify import DENOMINATOR, NUMERATOR, Verified, lower_bound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.similarity import minhash

Ints = npt.NDArray[np.int64]

LEAST = 4
"""Distinct shingles (eight words) that a text must have to be looked for inside others."""

CROWD = 64
"""Texts that may be filed under one shingle."""

LOWEST = 8
"""Hashes of a text, lowest first, that are tried as its anchor."""

HOLDERS = 64
"""Longer texts, about, that are kept of one text inside them."""

_CHUNK = 1 << 20  # pairs made at a time


class Contained(NamedTuple):
    """Texts inside longer ones.

    Args:
        pairs: `left` stands whole inside `right`, at a Jaccard index below 0.8.
        aside: texts that could be filed under no shingle.
        thinned: texts that stand in more longer ones than are kept.
    """

    pairs: Verified
    aside: int
    thinned: int


def contained(values: minhash.Hashes, offsets: minhash.Offsets, hashes: minhash.Hashes, threads: int = 1) -> Contained:
    """Find every set that a larger one holds whole, near ones left out.

    Args:
        values: sets of shingle hashes, as `shingles.shingled` gives them; may be memory-mapped.
        offsets: n + 1 offsets into them.
        hashes: of the texts, which decide what is kept of what stands in very many.
        threads: that look shingles up side by side.

    Returns:
        The pairs by number of the set, sorted, and how many sets were left aside or have more holders than are kept.
    """
    anchor, filed, aside = _anchors(values, offsets)
    if not len(filed):
        return Contained(Verified(*[np.zeros(0, np.int64)] * 5), aside, 0)
    order = np.argsort(anchor, kind="stable")
    anchor, filed = anchor[order], filed[order]
    first = np.flatnonzero(np.r_[True, anchor[1:] != anchor[:-1]])
    held = (anchor, *_index(anchor, first), np.r_[first, len(anchor)], filed)
    cuts = np.searchsorted(offsets, np.linspace(offsets[0], offsets[-1], threads + 1)[1:-1])
    bounds = [0, *cuts.tolist(), len(offsets) - 1]
    with ExitStack() as stack, ThreadPoolExecutor(threads) as pool:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(threads)]
        spans = zip(files, pairwise(bounds), strict=True)
        list(pool.map(lambda each: _looked_up(values, offsets, held, each[0], *each[1]), spans))
        counts = np.zeros(len(offsets) - 1, np.int64)
        for left, _ in _written(files):
            np.add.at(counts, left, 1)
        kept = [
            (left[few], right[few])
            for left, right in _written(files)
            if (few := _few(left, right, counts, hashes)).any()
        ]
    a, b = (np.concatenate([np.zeros(0, np.int64), *(part[side] for part in kept)]) for side in (0, 1))
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    sizes = np.diff(offsets)
    return Contained(Verified(a, b, sizes[a], sizes[a], sizes[b]), aside, int(np.count_nonzero(counts > HOLDERS)))


def _few(left: Ints, right: Ints, counts: Ints, hashes: minhash.Hashes) -> npt.NDArray[np.bool_]:
    """Tell which pairs are kept: of a text with many holders those whose hashes are low enough."""
    share = HOLDERS / np.maximum(counts[left], 1)
    few: npt.NDArray[np.bool_] = (share >= 1) | (hashes[right].astype(np.float64) < share * 2.0**64)
    return few


def _written(files: Sequence[IO[bytes]]) -> Iterator[tuple[Ints, Ints]]:
    """Read pairs back, some at a time."""
    for file in files:
        file.seek(0)
        while data := file.read(16 * _CHUNK):
            pairs = np.frombuffer(data, np.int64).reshape(-1, 2)
            yield pairs[:, 0], pairs[:, 1]


def _looked_up(
    values: minhash.Hashes,
    offsets: minhash.Offsets,
    held: tuple[Any, Any, Any, Any, Any],
    file: IO[bytes],
    text: int,
    last: int,
) -> None:
    """Look the shingles of the texts from `text` on, before `last`, up among the anchors; write what was found."""
    anchor, index, bits, ends, filed = held
    inside, outside = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int64)
    place = 0
    while text < last:
        count, text, place = _look_up(
            values, offsets, anchor, index, bits, ends, filed, text, last, place, inside, outside
        )
        file.write(np.column_stack([inside[:count], outside[:count]]).tobytes())


def _anchors(values: minhash.Hashes, offsets: minhash.Offsets) -> tuple[minhash.Hashes, Ints, int]:
    """File texts under their lowest hash that at most CROWD of those still to be filed have in that place."""
    waiting = np.flatnonzero(np.diff(offsets) >= LEAST)
    anchors, filed = [], []
    for rank in range(LOWEST):
        waiting = waiting[np.diff(offsets)[waiting] > rank] if rank >= LEAST else waiting
        key = np.asarray(values[offsets[waiting] + rank])
        _, group, count = np.unique(key, return_inverse=True, return_counts=True)
        few = count[group] <= CROWD
        anchors.append(key[few])
        filed.append(waiting[few])
        waiting = waiting[~few]
    found = np.concatenate(filed)
    texts = int(np.count_nonzero(np.diff(offsets) >= LEAST))
    return np.concatenate(anchors), found, texts - len(found)


@njit(nogil=True, cache=True)
def _index(anchor: Any, first: Any) -> Any:
    """Make an open table: the number of the group of each anchor, -1 = free; and a filter that fits into a cache.

    Nearly every shingle is no anchor, and the filter says so without a look at the table.
    """
    size = 64
    while size < 2 * first.shape[0]:
        size *= 2
    mask, bit = np.uint64(size - 1), np.uint64(4 * size - 1)
    table, bits = np.full(size, -1, np.int64), np.zeros(size // 2, np.uint8)
    for group in range(first.shape[0]):
        spread = _mix(anchor[first[group]])
        bits[(spread & bit) >> np.uint64(3)] |= np.uint8(1) << np.uint8(spread & np.uint64(7))
        slot = spread & mask
        while table[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table[slot] = group
    return table, bits


@njit(nogil=True, cache=True, inline="always")
def _mix(value: Any) -> Any:
    """Spread hashes over the table: anchors are low by choice, so that their high bits say little."""
    return (value * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)


@njit(nogil=True, cache=True)
def _holds(values: Any, start: Any, stop: Any, low: Any, high: Any) -> Any:
    """Tell whether the sorted values[low:high] hold every one of the sorted values[start:stop]."""
    for k in range(start, stop):
        low = lower_bound(values[k], values, low, high)
        if low >= high or values[low] != values[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _look_up(
    values: Any,
    offsets: Any,
    anchor: Any,
    index: Any,
    bits: Any,
    ends: Any,
    filed: Any,
    text: Any,
    last: Any,
    place: Any,
    inside: Any,
    outside: Any,
) -> Any:
    """Look shingles up from a text's place on; return how many pairs were found, and where to go on."""
    mask, bit = np.uint64(index.shape[0] - 1), np.uint64(8 * bits.shape[0] - 1)
    found = np.int64(0)
    while text < last:
        start, stop = offsets[text], offsets[text + 1]
        size = stop - start
        while start + place < stop:
            if found + CROWD * LOWEST > inside.shape[0]:
                return found, text, place
            value = values[start + place]
            place += 1
            spread = _mix(value)
            if not bits[(spread & bit) >> np.uint64(3)] >> np.uint8(spread & np.uint64(7)) & np.uint8(1):
                continue
            slot = spread & mask
            while index[slot] >= 0 and anchor[ends[index[slot]]] != value:
                slot = (slot + np.uint64(1)) & mask
            if index[slot] < 0:
                continue
            for k in range(ends[index[slot]], ends[index[slot] + 1]):
                other = filed[k]
                held = offsets[other + 1] - offsets[other]
                near = held * DENOMINATOR >= size * NUMERATOR
                if held < size and not near and _holds(values, offsets[other], offsets[other + 1], start, stop):
                    inside[found], outside[found] = other, text
                    found += 1
        text, place = text + 1, 0
    return found, text, place
