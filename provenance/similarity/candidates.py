"""Candidate pairs: nodes that share the key of a band.

A *node* is a distinct normalised text. Band by band the keys are sorted; every node is paired with the earlier nodes of
its group, in a group of more than GROUP nodes with its first PIVOTS alone. A pair comes once, in the first band that
pairs it: whether an earlier band did is read off the keys, so that no pair is ever remembered. Memory is about 50 bytes
a node while a band is sorted, whatever the number of pairs; the keys themselves may be memory-mapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.similarity.minhash import Hashes

Ints = npt.NDArray[np.int64]

GROUP = 64
"""Nodes of one band and key, at most, of which all pairs are candidates."""

PIVOTS = 8
"""Nodes of a larger group, in node order, that all others of the group are paired with."""

_CHUNK = 1 << 20  # pairs made at a time


@njit(nogil=True, cache=True)
def _is_new(left: Any, right: Any, keys: Any, aside: Any, band: Any) -> Any:
    """Tell which pairs no band before `band` has made."""
    new = np.ones(left.shape[0], np.bool_)
    for k in range(left.shape[0]):
        a, b = left[k], right[k]
        both_aside = aside[a] & aside[b]
        for earlier in range(band):
            if keys[a, earlier] == keys[b, earlier] and not both_aside >> np.uint64(earlier) & np.uint64(1):
                new[k] = False
                break
    return new


class Candidates:
    """The candidate pairs of some nodes, made as they are asked for.

    Iterating yields pairs (left, right) of int64 arrays of node numbers, left < right, about a million pairs at a time;
    together they hold every pair once.

    Args:
        keys: uint64[n, bands], as `minhash.band_keys` gives them, in node order; at most 64 bands.
    """

    def __init__(self, keys: Hashes) -> None:
        self._keys = keys
        # bit k: in band k the node stands in a group beyond GROUP and is none of its pivots
        self._aside = np.zeros(len(keys), np.uint64)

    @property
    def pivoted(self) -> int:
        """Nodes that in some band were compared with pivots alone; complete after the last pair."""
        return int(np.count_nonzero(self._aside))

    def __iter__(self) -> Iterator[tuple[Ints, Ints]]:
        self._aside[:] = 0
        for band in range(self._keys.shape[1]):
            yield from self._pairs(band)

    def _pairs(self, band: int) -> Iterator[tuple[Ints, Ints]]:
        key = np.ascontiguousarray(self._keys[:, band])
        order = np.argsort(key, kind="stable")  # stable: a group is in node order
        order = order[_repeated(key[order])]
        key = key[order]
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
        size = np.diff(np.r_[first, len(key)])
        start = np.repeat(first, size)
        place = np.arange(len(key)) - start
        large = np.repeat(size > GROUP, size)
        self._aside[order[large & (place >= PIVOTS)]] |= np.uint64(1) << np.uint64(band)
        partners = np.where(large, np.minimum(place, PIVOTS), place)
        ends = np.cumsum(partners)
        at = 0
        while at < len(order):
            before = int(ends[at - 1]) if at else 0
            stop = max(at + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
            count = partners[at:stop]
            right = np.repeat(order[at:stop], count)
            within = np.arange(len(right)) - np.repeat(ends[at:stop] - count - before, count)
            left = order[np.repeat(start[at:stop], count) + within]
            new = _is_new(left, right, self._keys, self._aside, band)
            if new.any():
                yield left[new], right[new]
            at = stop


def _repeated(key: Hashes) -> npt.NDArray[np.bool_]:
    """Tell which of sorted keys stand more than once: nearly all stand alone."""
    same = key[1:] == key[:-1]
    return np.r_[False, same] | np.r_[same, False] if len(key) else np.zeros(0, np.bool_)
