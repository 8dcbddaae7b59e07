"""From pairs of nodes to records: for every record and other file its best near match there.

A node is a distinct text, and has the records that hold it as members; a *cell* is one node in one file (or in one
source), as in `exact`. Pairs are spread over cells some nodes at a time: nothing looks from one node's matches to
another's, so that memory does not grow with the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity import exact, spans
from provenance.similarity.exact import Ints, _Cells, _cells, _count, _ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.similarity.near import Alike

PIVOT = 1 << 16
"""A node of which members times files with a near match exceed this keeps the first such file; COVERAGE says so."""

_CHUNK = 1 << 20  # pairs of cells made at a time


def members_of(members: pa.Table, alike: Alike) -> pa.Table:
    """Keep the records whose node is one of a pair.

    Args:
        members: exact.MEMBERS of one partition.
        alike: from `near.resemble`.

    Returns:
        Columns file, source, row and node, in the order given.
    """
    paired = np.zeros(len(alike.number) + 1, np.bool_)
    paired[alike.left] = paired[alike.right] = True
    node = alike.find(members["low"].to_numpy(), members["high"].to_numpy())
    kept = members.select(["file", "source", "row"]).append_column("node", pa.array(node))
    return kept.filter(pa.array((node >= 0) & paired[node]))


@dataclass(frozen=True, slots=True)
class Near:
    """What the near and contained matches of some nodes say, exact ones left out.

    Args:
        rows: exact.ROWS.
        files: exact.PAIRS of files: near matches.
        sources: exact.PAIRS of sources: near matches.
        files_distinctive: exact.PAIRS of files: near matches that do not rest on boilerplate.
        sources_distinctive: the same of sources.
        files_inside: exact.PAIRS of files: records of a whose best match in b is a longer one that holds them.
        sources_inside: the same of sources.
        inside: spans.INSIDE: the rows of which it is asked where they stand; `place` counts from the first of `rows`.
        pivoted: members of nodes of which only the first file with a near match is listed.
    """

    rows: pa.Table
    files: pa.Table
    sources: pa.Table
    files_distinctive: pa.Table
    sources_distinctive: pa.Table
    files_inside: pa.Table
    sources_inside: pa.Table
    inside: pa.Table
    pivoted: int


COUNTS = (
    "files",
    "sources",
    "files_distinctive",
    "sources_distinctive",
    "files_inside",
    "sources_inside",
)
"""The fields of Near that are PAIRS."""


def match(members: pa.Table, alike: Alike) -> Iterator[Near]:
    """Spread pairs of nodes over their members.

    A file that holds the record's own words has an exact match, and no near one.

    Args:
        members: as `members_of` gives them, of all partitions.
        alike: from `near.resemble`.

    Yields:
        Matches by record, and counts by pair of files and of sources, both directions; together all there are.
    """
    file, source, row, node = (members[name].to_numpy() for name in ("file", "source", "row", "node"))
    order = np.lexsort((row, file, node))
    file, source, row, node = (each[order] for each in (file, source, row, node))
    by_source = np.lexsort((source, node))
    cells, groups = _cells(node, file), _cells(node[by_source], source[by_source])
    of_files, of_sources = _Bounds(cells, len(alike.number)), _Bounds(groups, len(alike.number))
    pairs = _Directed(alike)
    for first, last in pairs.chunks(of_files):
        some = pairs.of(first, last)
        left, right, by, pivoted = _spread(of_files, some, file, row)
        source_left, source_right, source_by, _ = _spread(of_sources, some, file[by_source], row[by_source])
        rows = _rows(cells, left, right, row, some, by)
        asks, asking = np.repeat(some.inside[by], cells.count[left]), np.repeat(cells.node[left], cells.count[left])
        telling = some.near & (some.distinctive > 0)
        yield Near(
            rows=rows,
            files=_count(cells, left[some.near[by]], right[some.near[by]]),
            sources=_count(groups, source_left[some.near[source_by]], source_right[some.near[source_by]]),
            files_distinctive=_count(cells, left[telling[by]], right[telling[by]]),
            sources_distinctive=_count(groups, source_left[telling[source_by]], source_right[telling[source_by]]),
            files_inside=_count(cells, left[some.inside[by]], right[some.inside[by]]),
            sources_inside=_count(groups, source_left[some.inside[source_by]], source_right[some.inside[source_by]]),
            inside=_asked(rows, asks, asking, alike),
            pivoted=pivoted,
        )


class _Bounds:
    """Cells, and where those of each node are."""

    def __init__(self, cells: _Cells, nodes: int) -> None:
        self.cells = cells
        self.first = np.searchsorted(cells.node, np.arange(nodes + 1))
        self.width = np.diff(self.first)
        self.owners = 1 + int(cells.owner.max(initial=0))

    def codes(self, nodes: Ints, cells: Ints) -> Ints:
        """One integer for a node and the owner of a cell, in their order."""
        codes: Ints = nodes * self.owners + self.cells.owner[cells]
        return codes


@dataclass(frozen=True, slots=True)
class _Some:
    """Directed pairs of some nodes, sorted by the node they start from."""

    left: Ints
    right: Ints
    shared: Ints
    distinct_a: Ints
    distinct_b: Ints
    distinctive: Ints
    near: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]


@njit(nogil=True, cache=True)
def _by_node(left: Any, right: Any, starts: Any) -> Any:
    """List the pairs of every node, 2 k + 1 being pair k read backwards; `starts` gains n + 1 offsets."""
    for k in range(left.shape[0]):
        starts[left[k] + 1] += 1
        starts[right[k] + 1] += 1
    for k in range(1, starts.shape[0]):
        starts[k] += starts[k - 1]
    free = starts[:-1].copy()
    listed = np.empty(2 * left.shape[0], np.int64)
    for k in range(left.shape[0]):
        for node, code in ((left[k], 2 * k), (right[k], 2 * k + 1)):
            listed[free[node]] = code
            free[node] += 1
    return listed


class _Directed:
    """Both directions of every pair, by the node they start from."""

    def __init__(self, alike: Alike) -> None:
        self._alike = alike
        self._starts = np.zeros(len(alike.number) + 1, np.int64)
        self._listed = _by_node(alike.left, alike.right, self._starts)

    def chunks(self, bounds: _Bounds) -> Iterator[tuple[int, int]]:
        """Cut the nodes so that about _CHUNK pairs of cells are made of a part."""
        cost = np.zeros(len(self._listed) + 1, np.int64)
        for at in range(0, len(self._listed), _CHUNK):
            listed = self._listed[at : at + _CHUNK]
            ends = np.where(listed % 2 == 0, self._alike.right[listed // 2], self._alike.left[listed // 2])
            cost[at + 1 : at + 1 + len(listed)] = cost[at] + np.cumsum(bounds.width[ends])
        cost = cost[self._starts]
        first = 0
        while first < len(self._starts) - 1:
            last = max(first + 1, int(np.searchsorted(cost, cost[first] + _CHUNK, side="right")) - 1)
            if self._starts[first] < self._starts[last]:
                yield first, last
            first = last

    def of(self, first: int, last: int) -> _Some:
        """Return the pairs of the nodes from `first` on, before `last`."""
        alike = self._alike
        listed = self._listed[self._starts[first] : self._starts[last]]
        pair, back = listed // 2, listed % 2 == 1
        left, right = alike.left[pair].astype(np.int64), alike.right[pair].astype(np.int64)
        left, right = np.where(back, right, left), np.where(back, left, right)
        sizes = (alike.offsets[each + 1] - alike.offsets[each] for each in (left, right))
        distinct_a, distinct_b = sizes
        shared = alike.shared[pair].astype(np.int64)
        near = pair < alike.near
        return _Some(
            left, right, shared, distinct_a, distinct_b, alike.distinctive[pair].astype(np.int64), near,
            ~near & (distinct_a < distinct_b),
        )  # fmt: skip


def _spread(bounds: _Bounds, some: _Some, file: Ints, row: Ints) -> tuple[Ints, Ints, Ints, int]:
    """Pair cells of near nodes: a node's cells with the best cell of each other owner; and by which directed pair.

    Of equally good cells the one of the first file and row is the best: nodes may have any numbers.
    """
    cells = bounds.cells
    jaccard = some.shared / (some.distinct_a + some.distinct_b - some.shared)
    width = bounds.width[some.right]
    cell, pair = _ranges(bounds.first[some.right], width), np.repeat(np.arange(len(some.right)), width)
    code = bounds.codes(some.left[pair], cell)
    own = np.arange(bounds.first[some.left[0]], bounds.first[some.left[-1] + 1])
    held = bounds.codes(cells.node[own], own)  # sorted: cells are
    elsewhere = _absent(code, held)
    cell, pair, code = cell[elsewhere], pair[elsewhere], code[elsewhere]
    place = cells.start[cell]
    best = np.lexsort((row[place], file[place], -jaccard[pair], code))
    best = best[_firsts(code[best])]
    cell, pair = cell[best], pair[best]
    node = some.left[pair]
    first = int(some.left[0])
    count = int(some.left[-1]) - first + 1
    members = np.bincount(cells.node[own] - first, cells.count[own], count).astype(np.int64)
    large = members * np.bincount(node - first, minlength=count) > PIVOT
    kept = ~large[node - first] | _firsts(node)
    cell, pair, node = cell[kept], pair[kept], node[kept]
    wide = bounds.width[node]
    return (
        _ranges(bounds.first[node], wide), np.repeat(cell, wide), np.repeat(pair, wide), int(members[large].sum()),
    )  # fmt: skip


def _absent(values: Ints, held: Ints) -> npt.NDArray[np.bool_]:
    """Tell which values are not among sorted ones."""
    place = np.minimum(np.searchsorted(held, values), max(0, len(held) - 1))
    return held[place] != values if len(held) else np.ones(len(values), np.bool_)


def _firsts(values: Ints) -> npt.NDArray[np.bool_]:
    """Tell which of sorted values are the first of their kind."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.zeros(0, np.bool_)


def _rows(cells: _Cells, left: Ints, right: Ints, row: Ints, some: _Some, by: Ints) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    times = cells.count[left]
    counts: Sequence[Ints] = (some.shared, some.distinct_a, some.distinct_b, some.distinctive)
    columns = [
        np.repeat(cells.owner[left], times), row[_ranges(cells.start[left], times)],
        np.repeat(cells.owner[right], times), np.repeat(row[cells.start[right]], times),
        *(np.repeat(each[by], times) for each in counts),
    ]  # fmt: skip
    return pa.table(columns, schema=exact.ROWS)


def _asked(rows: pa.Table, inside: npt.NDArray[np.bool_], node: Ints, alike: Alike) -> pa.Table:
    """List the rows whose record stands inside its match."""
    place = np.flatnonzero(inside)
    file_b, row_b = (rows[name].to_numpy()[place] for name in ("file_b", "row_b"))
    node = node[place]
    about = (alike.hashes[node], alike.words[node], alike.offsets[node], alike.offsets[node + 1])
    columns = [file_b, row_b, place, *about]
    return pa.table(columns, schema=spans.INSIDE)
