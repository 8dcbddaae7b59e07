"""From pairs of nodes to records: for every record and other file its best near match there.

A node is a distinct text, and has the records that hold it as members; a *cell* is one node in one file (or in one
source), as in `exact_matches`. Pairs are spread over cells some nodes at a time: nothing looks from one node's matches
to another's, so that memory does not grow with the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core.external_sort import Ordering
from provenance.similarity.evidence import exact_matches, spans
from provenance.similarity.evidence.exact_matches import Ints, NodeCells, counted, part, ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Cells, Nodes
    from provenance.similarity.candidates.near_pairs import Alike

PIVOT = 1 << 16
"""A node of which members times files with a near match exceed this keeps the first such file; COVERAGE says so."""

_CHUNK = 1 << 17  # pairs of cells made at a time
_SHARE = 0.25  # of the budget, for pairs that are put in order

_PAIR = np.dtype([("left", "u8"), ("right", "i8"), ("shared", "i4"), ("distinctive", "i4"), ("near", "i8")])


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
        inside: spans.ASKED: the rows of which it is asked where they stand; `place` counts from the first of `rows`.
        pivoted: members of nodes of which only the first file with a near match is listed.
    """

    rows: pa.Table
    files: pa.Table
    sources: pa.Table
    files_distinctive: pa.Table
    sources_distinctive: pa.Table
    files_inside: pa.Table
    sources_inside: pa.Table
    inside: npt.NDArray[Any]
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


def match(alike: Alike, scratch: Path) -> Iterator[Near]:
    """Spread pairs of nodes over their members.

    A file that holds the record's own words has an exact match, and no near one.

    Args:
        alike: from `near_pairs.resemble`.
        scratch: a folder in which pairs are put in order.

    Yields:
        Matches by record, and counts by pair of files and of sources, both directions; together all there are.
    """
    cells = alike.nodes.cells
    for pairs in _directed(alike, scratch):
        cost = np.cumsum(cells.first[pairs["right"] + 1] - cells.first[pairs["right"]])
        ends = np.r_[0, np.flatnonzero(np.diff(pairs["left"])) + 1, len(pairs)]  # of what starts from one node
        first = 0
        while first < len(pairs):
            fitting = np.searchsorted(cost, (cost[first - 1] if first else 0) + _CHUNK, "right")
            one = ends[np.searchsorted(ends, first, "right")]
            last = int(max(one, ends[np.searchsorted(ends, fitting, "right") - 1]))
            yield _match(alike.nodes, _some(alike.nodes, pairs[first:last]))
            first = last


def _directed(alike: Alike, scratch: Path) -> Ordering:
    """Put both directions of every pair in the order of the node they start from."""
    pairs = Ordering(scratch, "directed", _PAIR, share=_SHARE, bits=max(1, len(alike.nodes).bit_length()))
    for at in range(0, len(alike.left), _CHUNK):
        left, right, shared, own = (
            each[at : at + _CHUNK] for each in (alike.left, alike.right, alike.shared, alike.distinctive)
        )
        near = np.arange(at, at + len(left)) < alike.near
        for one, other in ((left, right), (right, left)):
            rows = np.empty(len(left), _PAIR)
            for name, column in zip(_PAIR.names or (), (one, other, shared, own, near), strict=True):
                rows[name] = column
            pairs.add(rows)
    return pairs


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


def _some(nodes: Nodes, pairs: npt.NDArray[Any]) -> _Some:
    left, right, shared, distinctive = (
        pairs[name].astype(np.int64) for name in ("left", "right", "shared", "distinctive")
    )
    near = pairs["near"] > 0
    sizes = nodes.sets.sizes(left), nodes.sets.sizes(right)
    return _Some(left, right, shared, *sizes, distinctive, near, ~near & (sizes[0] < sizes[1]))


def _match(nodes: Nodes, some: _Some) -> Near:
    """Match the members of the nodes that some pairs start from, all pairs of each."""
    cells, left, right, by, pivoted = _spread(nodes, nodes.cells, some)
    groups, source_left, source_right, source_by, _ = _spread(nodes, nodes.groups, some)
    rows = _rows(nodes, cells, left, right, some, by)
    asks, asking = np.repeat(some.inside[by], cells.count[left]), np.repeat(cells.node[left], cells.count[left])
    telling = some.near & (some.distinctive > 0)
    return Near(
        rows=rows,
        files=counted(cells, left[some.near[by]], right[some.near[by]]),
        sources=counted(groups, source_left[some.near[source_by]], source_right[some.near[source_by]]),
        files_distinctive=counted(cells, left[telling[by]], right[telling[by]]),
        sources_distinctive=counted(groups, source_left[telling[source_by]], source_right[telling[source_by]]),
        files_inside=counted(cells, left[some.inside[by]], right[some.inside[by]]),
        sources_inside=counted(groups, source_left[some.inside[source_by]], source_right[some.inside[source_by]]),
        inside=_asked(rows, asks, asking, nodes),
        pivoted=pivoted,
    )


def _spread(nodes: Nodes, every: Cells, some: _Some) -> tuple[NodeCells, Ints, Ints, Ints, int]:
    """Pair cells of near nodes: a node's cells with the best cell of each other owner; and by which directed pair.

    Of equally good cells the one of the first file and row is the best: nodes may have any numbers. Places of cells are
    those in the part of them that comes first.
    """
    jaccard = some.shared / (some.distinct_a + some.distinct_b - some.shared)
    begin = np.flatnonzero(_firsts(some.left))
    starting = some.left[begin]
    own = part(every, starting)
    ends = np.r_[begin, len(some.left)]
    last = every.first[some.right + 1]
    owners = 1 + max(int(each.max(initial=0)) for each in (own.owner, every.owner[last - 1]))  # a node's are sorted
    room = int((last - every.first[some.right]).sum())
    member = nodes.file, nodes.row
    cell, pair, node = _best(every[:3], member, starting, some.right, jaccard, ends, owners, room)
    width = every.first[starting + 1] - every.first[starting]
    members = np.bincount(np.repeat(np.arange(len(starting)), width), own.count, len(starting)).astype(np.int64)
    large = members * np.bincount(node, minlength=len(starting)) > PIVOT
    kept = ~large[node] | _firsts(node)
    cell, pair, node = cell[kept], pair[kept], node[kept]
    other = NodeCells(some.right[pair], every.owner[cell].astype(np.int64), every.start[cell], every.held[cell])
    wide = width[node]
    left = ranges((np.cumsum(width) - width)[node], wide)
    right = len(own.node) + np.repeat(np.arange(len(cell)), wide)
    both = NodeCells(*(np.concatenate([getattr(one, name) for one in (own, other)]) for name in NodeCells.__slots__))
    return both, left, right, np.repeat(pair, wide), int(members[large].sum())


@njit(nogil=True, cache=True, inline="always")
def _precedes(cells: Any, member: Any, cell: Any, pair: Any, other: Any, its: Any, jaccard: Any) -> Any:
    """Tell whether a cell by one pair is better than another by its own."""
    file, row = member
    a, b = cells[2][cell], cells[2][other]
    equal = jaccard[pair] == jaccard[its]
    return jaccard[pair] > jaccard[its] or (equal and (file[a], row[a]) < (file[b], row[b]))


@njit(nogil=True, cache=True)
def _best(cells: Any, member: Any, starting: Any, right: Any, jaccard: Any, ends: Any, owners: Any, room: Any) -> Any:
    """Choose, for each node that pairs start from and each owner that has not its own words, the best cell.

    Returns the cells, by which pair and from which node each, in the order of nodes and owners.
    """
    first, owner, _ = cells
    best, by, of = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    chosen = np.zeros(owners, np.int64)  # 1 + the place of what was chosen; -1 where the node's own words stand
    used = 0
    for number, node in enumerate(starting):
        begin = used
        chosen[owner[first[node] : first[node + 1]]] = -1
        for pair in range(ends[number], ends[number + 1]):
            for cell in range(first[right[pair]], first[right[pair] + 1]):
                at = chosen[owner[cell]] - 1
                if at == -1:
                    best[used], by[used], of[used] = cell, pair, number
                    used += 1
                    chosen[owner[cell]] = used
                elif at >= 0 and _precedes(cells, member, cell, pair, best[at], by[at], jaccard):
                    best[at], by[at] = cell, pair
        chosen[owner[first[node] : first[node + 1]]] = 0
        chosen[owner[best[begin:used]]] = 0
        order = begin + np.argsort(owner[best[begin:used]])
        best[begin:used], by[begin:used] = best[order], by[order]
    return best[:used].copy(), by[:used].copy(), of[:used].copy()


def _firsts(values: Ints) -> npt.NDArray[np.bool_]:
    """Tell which of sorted values are the first of their kind."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.zeros(0, np.bool_)


def _rows(nodes: Nodes, cells: NodeCells, left: Ints, right: Ints, some: _Some, by: Ints) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    times = cells.count[left]
    counts: Sequence[Ints] = (some.shared, some.distinct_a, some.distinct_b, some.distinctive)
    columns = [
        np.repeat(cells.owner[left], times), nodes.row[ranges(cells.start[left], times)],
        np.repeat(cells.owner[right], times), np.repeat(nodes.row[cells.start[right]], times),
        *(np.repeat(each[by], times) for each in counts),
    ]  # fmt: skip
    return pa.table(columns, schema=exact_matches.ROWS)


def _asked(rows: pa.Table, inside: npt.NDArray[np.bool_], node: Ints, nodes: Nodes) -> npt.NDArray[Any]:
    """List the rows whose record stands inside its match."""
    place = np.flatnonzero(inside)
    file, row = (rows[name].to_numpy()[place] for name in ("file_b", "row_b"))
    node = node[place]
    about = (nodes.low[node], nodes.words[node], nodes.sets.start[node], nodes.sets.stop[node])
    return spans.asked(file, row, place, *about)
