"""Candidate pairs: nodes that share the key of a band.

A *node* is a distinct normalised text. Band by band the nodes are grouped by key; every node is paired with the others
of its group, in a group of more than GROUP nodes with its first PIVOTS alone, in the order of the nodes' hashes; and a
node that has found ENOUGH near ones in earlier bands is in such a group paired with no more. So a hundred thousand
variants of one template cost a few pairs each. A pair comes once, in the first band that makes it: whether an earlier
band did is read off the keys, so that no pair is ever remembered. Memory is about 60 bytes a node, whatever the number
of pairs; the keys themselves may be memory-mapped.
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
"""Nodes of a larger group, in the order of their hashes, that all others of the group are paired with."""

ENOUGH = 8
"""Near nodes found in earlier bands after which a node of a larger group is paired with no more of them."""

_CHUNK = 1 << 20  # pairs made at a time
_BUCKET = 64  # keys that are sorted by insertion


@njit(nogil=True, cache=True)
def _groups(keys: Any, bits: Any) -> Any:
    """Group nodes by key: by its top bits, then by sorting; return nodes of groups of two or more, and starts."""
    count = keys.shape[0]
    shift = np.uint64(64 - bits)
    ends = np.zeros((1 << bits) + 1, np.int64)
    for k in range(count):
        ends[(keys[k] >> shift) + np.uint64(1)] += 1
    for k in range(1, ends.shape[0]):
        ends[k] += ends[k - 1]
    placed = np.empty(count, np.int64)
    free = ends[:-1].copy()
    for k in range(count):
        bucket = keys[k] >> shift
        placed[free[bucket]] = k
        free[bucket] += 1
    nodes, starts = np.empty(count, np.int64), np.empty(count // 2 + 1, np.int64)
    used = groups = np.int64(0)
    for bucket in range(ends.shape[0] - 1):
        first, last = ends[bucket], ends[bucket + 1]
        if last - first < 2:
            continue
        part = placed[first:last]
        if last - first <= _BUCKET:
            for k in range(1, part.shape[0]):
                node, at = part[k], k
                while at > 0 and keys[part[at - 1]] > keys[node]:
                    part[at] = part[at - 1]
                    at -= 1
                part[at] = node
        else:
            part[:] = part[np.argsort(keys[part], kind="mergesort")]
        k = 0
        while k < part.shape[0]:
            end = k + 1
            while end < part.shape[0] and keys[part[end]] == keys[part[k]]:
                end += 1
            if end - k > 1:
                starts[groups] = used
                groups += 1
                nodes[used : used + end - k] = part[k:end]
                used += end - k
            k = end
    starts[groups] = used
    return nodes[:used].copy(), starts[: groups + 1].copy()


@njit(nogil=True, cache=True)
def _is_new(left: Any, right: Any, keys: Any, aside: Any, skipped: Any, band: Any) -> Any:
    """Tell which pairs no band before `band` has made."""
    new = np.ones(left.shape[0], np.bool_)
    for k in range(left.shape[0]):
        a, b = left[k], right[k]
        unmade = (aside[a] & aside[b]) | skipped[a] | skipped[b]
        for earlier in range(band):
            if keys[earlier, a] == keys[earlier, b] and not unmade >> np.uint64(earlier) & np.uint64(1):
                new[k] = False
                break
    return new


class Candidates:
    """The candidate pairs of some nodes, made as they are asked for.

    Iterating yields pairs (left, right) of int64 arrays of node numbers, left < right, about a million pairs at a time;
    together they hold every pair once. Whoever verifies them tells which are near by `found`.

    Args:
        keys: uint64[bands, n], as `minhash.band_keys` gives them, transposed; at most 64 bands.
        low: hashes of the nodes, which decide who is a pivot.
        high: where those are equal.
    """

    def __init__(self, keys: Hashes, low: Hashes, high: Hashes) -> None:
        self._keys, self._low, self._high = keys, low, high
        # bit k: in band k the node stands in a group beyond GROUP and is none of its pivots
        self._aside = np.zeros(keys.shape[1], np.uint64)
        # bit k: and it was paired with none of them, for it has found enough
        self._skipped = np.zeros(keys.shape[1], np.uint64)
        self._near = np.zeros(keys.shape[1], np.uint8)

    @property
    def pivoted(self) -> int:
        """Nodes that in some band were compared with pivots alone; complete after the last pair."""
        return int(np.count_nonzero(self._aside))

    def found(self, left: Ints, right: Ints) -> None:
        """Count near pairs for their nodes.

        Args:
            left: of pairs that were yielded and are near.
            right: of the same.
        """
        _add(left, right, self._near)

    def __iter__(self) -> Iterator[tuple[Ints, Ints]]:
        for held in (self._aside, self._skipped, self._near):
            held[:] = 0
        for band in range(self._keys.shape[0]):
            yield from self._pairs(band)

    def _pairs(self, band: int) -> Iterator[tuple[Ints, Ints]]:
        nodes, starts = _groups(np.asarray(self._keys[band]), max(1, int(self._keys.shape[1]).bit_length() - 2))
        size = np.diff(starts)
        for group in np.flatnonzero(size > GROUP).tolist():
            part = nodes[starts[group] : starts[group + 1]]
            part[:] = part[np.lexsort((self._high[part], self._low[part]))]
        start = np.repeat(starts[:-1], size)
        place = np.arange(len(nodes)) - start
        aside = np.repeat(size > GROUP, size) & (place >= PIVOTS)
        skipped = aside & (self._near[nodes] >= ENOUGH)  # of earlier bands alone, however pairs are chunked
        self._aside[nodes[aside]] |= np.uint64(1) << np.uint64(band)
        self._skipped[nodes[skipped]] |= np.uint64(1) << np.uint64(band)
        partners = np.where(skipped, 0, np.where(aside, PIVOTS, place))
        ends = np.cumsum(partners)
        at = 0
        while at < len(nodes):
            before = int(ends[at - 1]) if at else 0
            stop = max(at + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
            count = partners[at:stop]
            one = np.repeat(nodes[at:stop], count)
            within = np.arange(len(one)) - np.repeat(ends[at:stop] - count - before, count)
            other = nodes[np.repeat(start[at:stop], count) + within]
            new = _is_new(one, other, self._keys, self._aside, self._skipped, band)
            if new.any():
                yield np.minimum(one, other)[new], np.maximum(one, other)[new]
            at = stop


@njit(nogil=True, cache=True)
def _add(left: Any, right: Any, near: Any) -> None:
    for k in range(left.shape[0]):
        for node in (left[k], right[k]):
            if near[node] < 255:
                near[node] += np.uint8(1)
