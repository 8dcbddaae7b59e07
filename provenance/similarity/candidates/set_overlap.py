"""Exact verification: of two sets of shingles, how many they share, counted and not estimated.

Two sets are near if their Jaccard index, shared / union, is at least 0.8, decided in integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from provenance.similarity.text.shingle_sets import MaskedSets

Ints = npt.NDArray[np.int64]

NEAR_NUMERATOR, NEAR_DENOMINATOR = 4, 5
"""Two sets are near where shared / union >= 4 / 5."""


class VerifiedPairs(NamedTuple):
    """Near pairs, a column each.

    Args:
        left: number of the first set.
        right: number of the second.
        shared: shingles in both.
        distinct_a: distinct shingles of the first.
        distinct_b: distinct shingles of the second.
    """

    left: Ints
    right: Ints
    shared: Ints
    distinct_a: Ints
    distinct_b: Ints


def is_near(shared: Ints, distinct_a: Ints, distinct_b: Ints) -> npt.NDArray[np.bool_]:
    """Tell which pairs of sets are near.

    Args:
        shared: shingles in both.
        distinct_a: distinct shingles of the first.
        distinct_b: distinct shingles of the second.
    """
    near: npt.NDArray[np.bool_] = shared * NEAR_DENOMINATOR >= (distinct_a + distinct_b - shared) * NEAR_NUMERATOR
    return near


@njit(nogil=True, cache=True)
def lower_bound(value: Any, values: Any, low: Any, high: Any) -> Any:
    """Return the first place in the sorted `values[low:high]` that holds no less than `value` (a kernel)."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _count_shared(values: Any, start: Any, stop: Any, left: Any, right: Any) -> Any:
    """Count what every pair shares by merging; -1 where it cannot be near."""
    counts = np.empty(left.shape[0], np.int64)
    for pair in range(left.shape[0]):
        i, j = start[left[pair]], start[right[pair]]
        end_i, end_j = stop[left[pair]], stop[right[pair]]
        size_i, size_j = end_i - i, end_j - j
        # shared is at most the smaller set, union at least the larger
        if min(size_i, size_j) * NEAR_DENOMINATOR < max(size_i, size_j) * NEAR_NUMERATOR:
            counts[pair] = -1
            continue
        shared = np.int64(0)
        while i < end_i and j < end_j:
            x, y = values[i], values[j]
            shared += np.int64(x == y)
            i += np.int64(x <= y)
            j += np.int64(y <= x)
        near = shared * NEAR_DENOMINATOR >= (size_i + size_j - shared) * NEAR_NUMERATOR
        counts[pair] = shared if near and shared > 0 else -1
    return counts


def verify_pairs(sets: MaskedSets, left: Ints, right: Ints) -> VerifiedPairs:
    """Keep the pairs whose Jaccard index is at least 0.8.

    Args:
        sets: the sets.
        left: number of the first set of each pair.
        right: number of the second.

    Returns:
        The near pairs in the order given, with the integers that prove it.
    """
    size_a, size_b = sets.sizes(left), sets.sizes(right)
    # shared is at most the smaller set, union at least the larger
    possible = np.minimum(size_a, size_b) * NEAR_DENOMINATOR >= np.maximum(size_a, size_b) * NEAR_NUMERATOR
    left, right = left[possible], right[possible]
    shared = np.full(len(left), -1)
    for some, selected, first, second in sets.select_pairs(left, right):
        shared[some] = _count_shared(*selected, first, second)
    kept = shared >= 0
    left, right = left[kept], right[kept]
    return VerifiedPairs(left, right, shared[kept], sets.sizes(left), sets.sizes(right))
