"""Texts looked up by both of their hashes among sorted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from provenance.similarity.index.siphash import Hashes

Ints = npt.NDArray[np.int64]


@njit(nogil=True, cache=True)
def _bucket_starts(lows: Any, bits: Any) -> Any:
    """Say where the hashes with each top `bits` begin."""
    starts = np.zeros((1 << bits) + 1, np.int64)
    shift = np.uint64(64 - bits)
    for k in range(lows.shape[0]):
        starts[(lows[k] >> shift) + np.uint64(1)] += 1
    for k in range(1, starts.shape[0]):
        starts[k] += starts[k - 1]
    return starts


@njit(nogil=True, cache=True)
def _find_sorted(low: Any, high: Any, lows: Any, highs: Any, bits: Any) -> Any:
    """Return the place of each (low, high) among sorted ones, or -1."""
    places = np.empty(low.shape[0], np.int64)
    starts, shift = _bucket_starts(lows, bits), np.uint64(64 - bits)
    for k in range(low.shape[0]):
        top = low[k] >> shift
        at, end = starts[top], starts[top + np.uint64(1)]
        while at < end:
            middle = (at + end) // 2
            if lows[middle] < low[k] or (lows[middle] == low[k] and highs[middle] < high[k]):
                at = middle + 1
            else:
                end = middle
        found = at < lows.shape[0] and lows[at] == low[k] and highs[at] == high[k]
        places[k] = at if found else -1
    return places


def find_sorted(low: Hashes, high: Hashes, lows: Hashes, highs: Hashes) -> Ints:
    """Find texts among sorted ones.

    Args:
        low: of each text.
        high: of the same.
        lows: of the others, sorted by (low, high).
        highs: of the same.

    Returns:
        The place of each, -1 where it is none of them.
    """
    bits = max(1, len(lows).bit_length() - 2)  # hashes fall anywhere with equal chance: a few to each start
    place: Ints = _find_sorted(low, high, lows, highs, bits)
    return place
