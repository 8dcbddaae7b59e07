"""Filters of the anchors of texts: they say of nearly every shingle that no text is filed under it.

Anchors are low hashes by choice: low ones are many, but few shingles are as low, and they have filters of their own.
Of either kind there is one of every anchor, and one of those of texts that stand elsewhere than in the file that has
most of them, in which alone the texts of that file are looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.scratch.scratch_arrays import create_array, open_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from provenance.similarity.text.shingle_sets import Hashes

MOST_FILTER_BITS = 1 << 30
"""Bits of a filter: beyond 67 million texts it lets more by, never more than there is."""

_HIGH_ANCHOR_SHARE = 64  # of so many anchors the highest one stands in the filter of high ones
_HISTOGRAM_BITS = 16  # top bits of an anchor by which it is seen where anchors thin out
_LOW_FILTER_BITS, _HIGH_FILTER_BITS = 16, 64  # bits of a filter an anchor
_NAMES = ("every-low", "every-high", "away-low", "away-high")
_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4)


class FilterBounds(NamedTuple):
    """What is known of the anchors.

    Args:
        cut: the highest one of the filter of low ones.
        highest: the highest one of all.
    """

    cut: int
    highest: int


def write_filters(
    folder: Path, read_keys: Callable[[], Iterator[tuple[Hashes, npt.NDArray[np.int32]]]], home: int
) -> FilterBounds:
    """Make the filters, files in a folder.

    Args:
        folder: where they are made.
        read_keys: reads all anchors and the one file of each text, some at a time, as often as it is called.
        home: the file that alone has most of the texts; negative = none.

    Returns:
        What those who look up must know.
    """
    histogram, highest, total = np.zeros(1 << _HISTOGRAM_BITS, np.int64), 0, 0
    for key, _ in read_keys():
        part = (key >> np.uint64(64 - _HISTOGRAM_BITS)).astype(np.int64)
        histogram += np.bincount(part, minlength=len(histogram))
        highest, total = max(highest, int(key.max())), total + len(key)
    at = int(np.searchsorted(np.cumsum(histogram), total - total // _HIGH_ANCHOR_SHARE))
    cut = (at + 1 << 64 - _HISTOGRAM_BITS) - 1
    sizes = 2 * (total * _LOW_FILTER_BITS, total // _HIGH_ANCHOR_SHARE * _HIGH_FILTER_BITS)
    filters = [
        create_array(folder / name, np.uint8, 1 << max(6, min(bits, MOST_FILTER_BITS).bit_length() - 3))
        for name, bits in zip(_NAMES, sizes, strict=True)
    ]
    for key, file in read_keys():
        _set_bits(key, np.uint64(cut), *filters[:2])
        if home >= 0:
            _set_bits(key[file != home], np.uint64(cut), *filters[2:])
    return FilterBounds(cut, highest)


def open_filters(folder: Path) -> tuple[npt.NDArray[np.uint8], ...]:
    """Map the filters of a folder.

    Args:
        folder: as of `write_filters`.

    Returns:
        Low and high ones of every anchor, and of anchors elsewhere than in the file that has most texts.
    """
    return tuple(open_array(folder / name, np.uint8) for name in _NAMES)


@njit(nogil=True, cache=True, inline="always")
def spread_hash(value: Any) -> Any:
    """Spread hashes over a table: anchors are low by choice, so that their high bits say little (a kernel)."""
    return (value * _GOLDEN_RATIO) >> np.uint64(20)


@njit(nogil=True, cache=True, inline="always")
def _bit_places(value: Any, bits: Any) -> Any:
    """Return the two bits of a shingle in a filter."""
    mask = np.uint64(8 * bits.shape[0] - 1)
    return spread_hash(value) & mask, spread_hash(value ^ _GOLDEN_RATIO) & mask


@njit(nogil=True, cache=True)
def _set_bits(anchors: Any, cut: Any, low: Any, high: Any) -> None:
    for k in range(anchors.shape[0]):
        bits = low if anchors[k] <= cut else high
        for place in _bit_places(anchors[k], bits):
            bits[place >> np.uint64(3)] |= np.uint8(1) << np.uint8(place & np.uint64(7))


@njit(nogil=True, cache=True, inline="always")
def may_be_anchor(value: Any, bits: Any) -> Any:
    """Tell whether a filter lets a shingle by (a kernel)."""
    one, other = _bit_places(value, bits)
    if not bits[one >> np.uint64(3)] >> np.uint8(one & np.uint64(7)) & np.uint8(1):
        return False
    return (bits[other >> np.uint64(3)] >> np.uint8(other & np.uint64(7)) & np.uint8(1)) != 0
