"""Candidate pairs: nodes that share the key of a band.

A *node* is a distinct normalised text. Band by band the nodes are grouped by key; every node is paired with the others
of its group, in a group of more than LARGEST_GROUP nodes with its first PIVOTS_PER_GROUP alone, in the order of the
nodes' hashes; and a node that has found ENOUGH_NEAR near ones in earlier bands is in such a group paired with no more.
So a hundred thousand variants of one template cost a few pairs each. A pair comes once, in the first band that makes
it: whether an earlier band did is read off the keys, so that no pair is ever remembered.

Memory grows neither with pairs nor with nodes: what is known of every node, 34 bytes, is a file. The keys of a band are
dealt out to ranges of about NODES_PER_RANGE, and a range is put in order at a time: so the work is linear, and done
within the processor's caches. But a group of one key is held whole, at 16 bytes a node.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.scratch.scratch_arrays import create_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.similarity.text.shingle_sets import Hashes

Ints = npt.NDArray[np.int64]

LARGEST_GROUP = 64
"""Nodes of one band and key, at most, of which all pairs are candidates."""

PIVOTS_PER_GROUP = 8
"""Nodes of a larger group, in the order of their hashes, that all others of the group are paired with."""

ENOUGH_NEAR = 8
"""Near nodes found in earlier bands after which a node of a larger group is paired with no more of them."""

NODES_PER_RANGE = 1 << 15
"""Nodes, about, that are grouped at a time: a range of keys of as many."""

_MOST_RANGE_BITS = 12  # bits of a key, at most, that tell ranges apart

_CHUNK = 1 << 14  # nodes paired at a time, with at most LARGEST_GROUP others each
_KEY_BITS = 64  # of a key
_INSERTION_SORT_UP_TO = 64  # keys that are sorted by insertion


@njit(nogil=True, cache=True)
def _count_ranges(keys: Any, shift: Any, ranges: Any) -> Any:
    """Count keys by as many ranges of their bits beyond `shift`; return where each range begins, and the end."""
    within = np.uint64(ranges - 1)
    begins = np.zeros(ranges + 1, np.int64)
    for k in range(keys.shape[0]):
        begins[(keys[k] >> shift & within) + np.uint64(1)] += 1
    for k in range(1, begins.shape[0]):
        begins[k] += begins[k - 1]
    return begins


@njit(nogil=True, cache=True)
def _partition_keys(keys: Any, shift: Any, ranges: Any, keys_by_range: Any, nodes_by_range: Any) -> Any:
    """Deal keys and numbers of nodes out to ranges by the bits of a key beyond `shift`; return where each begins."""
    ends = _count_ranges(keys, shift, ranges)
    free = ends[:-1].copy()
    for k in range(keys.shape[0]):
        place = free[keys[k] >> shift]
        keys_by_range[place], nodes_by_range[place] = keys[k], k
        free[keys[k] >> shift] += 1
    return ends


@njit(nogil=True, cache=True, inline="always")
def _are_apart(a: Any, b: Any, only_file: Any) -> Any:
    return only_file[a] != only_file[b] or only_file[a] < 0


@njit(nogil=True, cache=True)
def _group_by_key(keys: Any, numbers: Any, shift: Any, buckets: Any, only_file: Any) -> Any:
    """Group nodes of one range by key, bucket by bucket; return groups of which two are of different files."""
    within = np.uint64(buckets - 1)
    ends = _count_ranges(keys, shift, buckets)
    count = ends[-1]
    placed = np.empty(count, np.int64)
    free = ends[:-1].copy()
    for k in range(keys.shape[0]):
        bucket = keys[k] >> shift & within
        placed[free[bucket]] = k
        free[bucket] += 1
    nodes, starts = np.empty(count, np.int64), np.empty(count // 2 + 1, np.int64)
    used = groups = np.int64(0)
    for bucket in range(ends.shape[0] - 1):
        first, last = ends[bucket], ends[bucket + 1]
        if last - first < 2:
            continue
        part = placed[first:last]
        if last - first <= _INSERTION_SORT_UP_TO:
            for k in range(1, part.shape[0]):
                node, at = part[k], k
                while at > 0 and keys[part[at - 1]] > keys[node]:
                    part[at] = part[at - 1]
                    at -= 1
                part[at] = node
        else:
            ordered = part[np.argsort(keys[part], kind="mergesort")]
            for k in range(part.shape[0]):
                part[k] = ordered[k]
        k = 0
        while k < part.shape[0]:
            end = k + 1
            while end < part.shape[0] and keys[part[end]] == keys[part[k]]:
                end += 1
            several = False
            for other in range(k + 1, end):
                if _are_apart(numbers[part[k]], numbers[part[other]], only_file):
                    several = True
                    break
            if several:
                starts[groups] = used
                groups += 1
                for other in range(k, end):
                    nodes[used] = numbers[part[other]]
                    used += 1
            k = end
    starts[groups] = used
    return nodes[:used].copy(), starts[: groups + 1].copy()


@njit(nogil=True, cache=True)
def _is_candidate(left: Any, right: Any, keys: Any, not_pivot: Any, skipped: Any, band: Any, only_file: Any) -> Any:
    """Tell which pairs are of different files, and made by no band before `band`."""
    new = np.ones(left.shape[0], np.bool_)
    for k in range(left.shape[0]):
        a, b = left[k], right[k]
        if not _are_apart(a, b, only_file):
            new[k] = False
            continue
        bands_without_pair = (not_pivot[a] & not_pivot[b]) | skipped[a] | skipped[b]
        for earlier in range(band):
            if keys[earlier, a] == keys[earlier, b] and not bands_without_pair >> np.uint64(earlier) & np.uint64(1):
                new[k] = False
                break
    return new


class CandidatePairs:
    """The candidate pairs of some nodes, made as they are asked for.

    Iterating yields pairs (left, right) of int64 arrays of node numbers, left < right, some at a time; together they
    hold every pair of different files once. Whoever verifies them tells which are near by `count_near`, at the latest
    before the next band.

    Args:
        keys: uint64[bands, n], as `minhash.band_keys` gives them, transposed; at most 64 bands.
        low: hashes of the nodes, which decide who is a pivot.
        high: where those are equal.
        only_file: of every node the one file in which it stands, negative where it stands in several.
        scratch: a folder for what is known of every node.
    """

    def __init__(
        self, keys: Hashes, low: Hashes, high: Hashes, only_file: npt.NDArray[np.int32], *, scratch: Path
    ) -> None:
        self._keys, self._low, self._high, self._only_file = keys, low, high, only_file
        count = keys.shape[1]
        # bit k: in band k the node stands in a group beyond LARGEST_GROUP and is none of its pivots
        self._not_pivot = create_array(scratch / "aside", np.uint64, count)
        # bit k: and it was paired with none of them, for it had found enough in earlier bands
        self._skipped = create_array(scratch / "skipped", np.uint64, count)
        self._near, self._enough = (create_array(scratch / name, np.uint8, count) for name in ("near", "enough"))
        # the keys of the band at hand and whose they are, a range after the other
        self._keys_by_range = create_array(scratch / "dealt", np.uint64, count)
        self._nodes_by_range = create_array(scratch / "number", np.int64, count)

    @property
    def pivoted(self) -> int:
        """Nodes that in some band were compared with pivots alone; complete after the last pair."""
        return int(np.count_nonzero(self._not_pivot))

    def count_near(self, left: Ints, right: Ints) -> None:
        """Count near pairs for their nodes.

        Args:
            left: of pairs that were yielded and are near.
            right: of the same.
        """
        _count_near(left, right, self._near)

    def __iter__(self) -> Iterator[tuple[Ints, Ints]]:
        for band in self.bands():
            yield from band

    def bands(self) -> Iterator[Iterator[tuple[Ints, Ints]]]:
        """Make the pairs band by band.

        Yields:
            The pairs of a band, as iterating yields them; which are near is to be told before the next band.
        """
        for state in (self._not_pivot, self._skipped, self._near):
            state[:] = 0
        for band in range(self._keys.shape[0]):
            np.greater_equal(self._near, ENOUGH_NEAR, out=self._enough, casting="unsafe")
            yield self._pairs_of_band(band)

    def _pairs_of_band(self, band: int) -> Iterator[tuple[Ints, Ints]]:
        for nodes, starts in self._groups_of_band(band):
            yield from self._pair_within_groups(band, nodes, starts)

    def _groups_of_band(self, band: int) -> Iterator[tuple[Ints, Ints]]:
        """Group nodes by key, a range of keys after the other."""
        count = self._keys.shape[1]
        ranges = min(
            max(1, (count // NODES_PER_RANGE).bit_length()), _MOST_RANGE_BITS
        )  # bits of a key that tell them apart
        bits = max(1, (count >> ranges).bit_length() - 2)
        shift = np.uint64(_KEY_BITS - ranges)
        ends = _partition_keys(
            np.asarray(self._keys[band]), shift, 1 << ranges, self._keys_by_range, self._nodes_by_range
        )
        for first, last in itertools.pairwise(ends.tolist()):
            yield _group_by_key(
                self._keys_by_range[first:last], self._nodes_by_range[first:last], shift - np.uint64(bits), 1 << bits,
                self._only_file,
            )  # fmt: skip

    def _pair_within_groups(self, band: int, nodes: Ints, starts: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Pair nodes within groups, given where those begin."""
        starts, sizes = starts[:-1], np.diff(starts)
        for large in np.flatnonzero(sizes > LARGEST_GROUP).tolist():
            self._bring_pivots(nodes[starts[large] : starts[large] + sizes[large]])
        ends = np.cumsum(sizes)
        bit = np.uint64(1) << np.uint64(band)
        for at in range(0, int(ends[-1]) if len(ends) else 0, _CHUNK):
            number = np.arange(at, min(at + _CHUNK, int(ends[-1])))
            group = np.searchsorted(ends, number, "right")
            start, size = starts[group], sizes[group]
            place = number - (ends[group] - size)
            members = nodes[start + place]
            not_pivot = (size > LARGEST_GROUP) & (place >= PIVOTS_PER_GROUP)
            skipped = not_pivot & (self._enough[members] > 0)
            self._not_pivot[members[not_pivot]] |= bit
            self._skipped[members[skipped]] |= bit
            partners = np.where(skipped, 0, np.where(not_pivot, PIVOTS_PER_GROUP, place))
            one = np.repeat(members, partners)
            before = np.cumsum(partners) - partners
            within = np.arange(len(one)) - np.repeat(before, partners)
            other = nodes[np.repeat(start, partners) + within]
            new = _is_candidate(one, other, self._keys, self._not_pivot, self._skipped, band, self._only_file)
            if new.any():
                yield np.minimum(one, other)[new], np.maximum(one, other)[new]

    def _bring_pivots(self, group: Ints) -> None:
        """Put the pivots of a group, the nodes of its lowest hashes, at its beginning."""
        places = np.zeros(0, np.int64)
        for at in range(0, len(group), _CHUNK):
            places = np.append(places, np.arange(at, min(at + _CHUNK, len(group))))
            nodes = group[places]
            places = places[np.lexsort((self._high[nodes], self._low[nodes]))[:PIVOTS_PER_GROUP]]
        pivots = group[places]
        others = np.setdiff1d(np.arange(len(pivots)), places)
        group[places[places >= len(pivots)]] = group[others]
        group[: len(pivots)] = pivots


@njit(nogil=True, cache=True)
def _count_near(left: Any, right: Any, near: Any) -> None:
    for k in range(left.shape[0]):
        for node in (left[k], right[k]):
            if near[node] < 255:
                near[node] += np.uint8(1)
