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

from provenance.core.scratch.external_sort import Ordering
from provenance.similarity.evidence import exact_matches
from provenance.similarity.evidence.exact_matches import Ints, NodeCells, concatenate_ranges, count_pairs, select_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Cells, Nodes
    from provenance.similarity.candidates.near_pairs import SimilarPairs

LARGEST_NODE = 1 << 16
"""A node of which members times files with a near match exceed this keeps the first such file; COVERAGE says so."""

_CELL_PAIRS_AT_A_TIME = 1 << 17  # pairs of cells made at a time
_MEMORY_SHARE = 0.25  # of the budget, for pairs that are put in order

_PAIR = np.dtype([("left", "u8"), ("right", "i8"), ("shared", "i8"), ("distinctive", "i8"), ("near", "i8")])


@dataclass(frozen=True, slots=True)
class NearMatches:
    """What the near and contained matches of some nodes say, exact ones left out.

    Args:
        rows: exact.ROWS.
        files: exact.PAIRS of files: near matches.
        sources: exact.PAIRS of sources: near matches.
        files_distinctive: exact.PAIRS of files: near matches that do not rest on boilerplate.
        sources_distinctive: the same of sources.
        files_inside: exact.PAIRS of files: records of a whose best match in b is a longer one that holds them.
        sources_inside: the same of sources.
        pivoted: members of nodes of which only the first file with a near match is listed.
    """

    rows: pa.Table
    files: pa.Table
    sources: pa.Table
    files_distinctive: pa.Table
    sources_distinctive: pa.Table
    files_inside: pa.Table
    sources_inside: pa.Table
    pivoted: int


PAIR_FIELDS = (
    "files",
    "sources",
    "files_distinctive",
    "sources_distinctive",
    "files_inside",
    "sources_inside",
)
"""The fields of Near that are PAIRS."""


def match_near(similar: SimilarPairs, scratch: Path) -> Iterator[NearMatches]:
    """Spread pairs of nodes over their members.

    A file that holds the record's own words has an exact match, and no near one.

    Args:
        similar: from `near_pairs.find_similar`.
        scratch: a folder in which pairs are put in order.

    Yields:
        Matches by record, and counts by pair of files and of sources, both directions; together all there are.
    """
    cells = similar.nodes.cells
    for pairs in order_directions(similar, scratch):
        cost = np.cumsum(cells.first[pairs["right"] + 1] - cells.first[pairs["right"]])
        ends = np.r_[0, np.flatnonzero(np.diff(pairs["left"])) + 1, len(pairs)]  # of what starts from one node
        first = 0
        while first < len(pairs):
            fitting = np.searchsorted(cost, (cost[first - 1] if first else 0) + _CELL_PAIRS_AT_A_TIME, "right")
            one = ends[np.searchsorted(ends, first, "right")]
            last = int(max(one, ends[np.searchsorted(ends, fitting, "right") - 1]))
            yield _match_pairs(similar.nodes, _read_directed(similar.nodes, pairs[first:last]))
            first = last


def order_directions(similar: SimilarPairs, scratch: Path) -> Ordering:
    """Put both directions of every pair in the order of the node they start from.

    Args:
        similar: from `near_pairs.find_similar`.
        scratch: a folder in which pairs are put in order.

    Returns:
        Parts of _PAIR; all pairs of a node stand in one.
    """
    pairs = Ordering(scratch, "directed", _PAIR, share=_MEMORY_SHARE, bits=max(1, len(similar.nodes).bit_length()))
    for at in range(0, len(similar.left), _CELL_PAIRS_AT_A_TIME):
        left, right, shared, distinctive = (
            each[at : at + _CELL_PAIRS_AT_A_TIME]
            for each in (similar.left, similar.right, similar.shared, similar.distinctive)
        )
        near = np.arange(at, at + len(left)) < similar.near_count
        for one, other in ((left, right), (right, left)):
            rows = np.empty(len(left), _PAIR)
            for name, column in zip(_PAIR.names or (), (one, other, shared, distinctive, near), strict=True):
                rows[name] = column
            pairs.add(rows)
    return pairs


@dataclass(frozen=True, slots=True)
class _DirectedPairs:
    """Directed pairs of some nodes, sorted by the node they start from."""

    left: Ints
    right: Ints
    shared: Ints
    distinct_a: Ints
    distinct_b: Ints
    distinctive: Ints
    near: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]


def _read_directed(nodes: Nodes, pairs: npt.NDArray[Any]) -> _DirectedPairs:
    left, right, shared, distinctive = (
        pairs[name].astype(np.int64) for name in ("left", "right", "shared", "distinctive")
    )
    near = pairs["near"] > 0
    sizes = nodes.sets.sizes(left), nodes.sets.sizes(right)
    return _DirectedPairs(left, right, shared, *sizes, distinctive, near, ~near & (sizes[0] < sizes[1]))


def _match_pairs(nodes: Nodes, directed: _DirectedPairs) -> NearMatches:
    """Match the members of the nodes that some pairs start from, all pairs of each."""
    cells, left, right, pair, pivoted = _best_cells(nodes, nodes.cells, directed)
    groups, source_left, source_right, source_pair, _ = _best_cells(nodes, nodes.groups, directed)
    is_distinctive = directed.near & (directed.distinctive > 0)
    return NearMatches(
        rows=_expand_to_records(nodes, cells, left, right, directed, pair),
        files=count_pairs(cells, left[directed.near[pair]], right[directed.near[pair]]),
        sources=count_pairs(groups, source_left[directed.near[source_pair]], source_right[directed.near[source_pair]]),
        files_distinctive=count_pairs(cells, left[is_distinctive[pair]], right[is_distinctive[pair]]),
        sources_distinctive=count_pairs(
            groups, source_left[is_distinctive[source_pair]], source_right[is_distinctive[source_pair]]
        ),
        files_inside=count_pairs(cells, left[directed.inside[pair]], right[directed.inside[pair]]),
        sources_inside=count_pairs(
            groups, source_left[directed.inside[source_pair]], source_right[directed.inside[source_pair]]
        ),
        pivoted=pivoted,
    )


def _best_cells(nodes: Nodes, all_cells: Cells, directed: _DirectedPairs) -> tuple[NodeCells, Ints, Ints, Ints, int]:
    """Pair cells of near nodes: a node's cells with the best cell of each other owner; and by which directed pair.

    Of equally good cells the one of the first file and row is the best: nodes may have any numbers. Places of cells are
    those in the part of them that comes first.
    """
    jaccard = directed.shared / (directed.distinct_a + directed.distinct_b - directed.shared)
    begin = np.flatnonzero(_is_first(directed.left))
    starting = directed.left[begin]
    own = select_cells(all_cells, starting)
    ends = np.r_[begin, len(directed.left)]
    last = all_cells.first[directed.right + 1]
    owners = 1 + max(int(each.max(initial=0)) for each in (own.owner, all_cells.owner[last - 1]))  # a node's are sorted
    room = int((last - all_cells.first[directed.right]).sum())
    member = nodes.file, nodes.row
    cell, pair, node = _choose_best(all_cells[:3], member, starting, directed.right, jaccard, ends, owners, room)
    width = all_cells.first[starting + 1] - all_cells.first[starting]
    members = np.bincount(np.repeat(np.arange(len(starting)), width), own.count, len(starting)).astype(np.int64)
    large = members * np.bincount(node, minlength=len(starting)) > LARGEST_NODE
    kept = ~large[node] | _is_first(node)
    cell, pair, node = cell[kept], pair[kept], node[kept]
    other = NodeCells(
        directed.right[pair], all_cells.owner[cell].astype(np.int64), all_cells.start[cell], all_cells.members[cell]
    )
    wide = width[node]
    left = concatenate_ranges((np.cumsum(width) - width)[node], wide)
    right = len(own.node) + np.repeat(np.arange(len(cell)), wide)
    both = NodeCells(*(np.concatenate([getattr(one, name) for one in (own, other)]) for name in NodeCells.__slots__))
    return both, left, right, np.repeat(pair, wide), int(members[large].sum())


@njit(nogil=True, cache=True, inline="always")
def _precedes(cells: Any, member: Any, cell: Any, pair: Any, other: Any, other_pair: Any, jaccard: Any) -> Any:
    """Tell whether a cell by one pair is better than another by its own."""
    file, row = member
    a, b = cells[2][cell], cells[2][other]
    equal = jaccard[pair] == jaccard[other_pair]
    return jaccard[pair] > jaccard[other_pair] or (equal and (file[a], row[a]) < (file[b], row[b]))


@njit(nogil=True, cache=True)
def _choose_best(
    cells: Any, member: Any, starting: Any, right: Any, jaccard: Any, ends: Any, owners: Any, room: Any
) -> Any:
    """Choose, for each node that pairs start from and each owner that has not its own words, the best cell.

    Returns the cells, by which pair and from which node each, in the order of nodes and owners.
    """
    first, owner, _ = cells
    best, best_pair, best_start = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    chosen = np.zeros(owners, np.int64)  # 1 + the place of what was chosen; -1 where the node's own words stand
    used = 0
    for number, node in enumerate(starting):
        begin = used
        chosen[owner[first[node] : first[node + 1]]] = -1
        for pair in range(ends[number], ends[number + 1]):
            for cell in range(first[right[pair]], first[right[pair] + 1]):
                at = chosen[owner[cell]] - 1
                if at == -1:
                    best[used], best_pair[used], best_start[used] = cell, pair, number
                    used += 1
                    chosen[owner[cell]] = used
                elif at >= 0 and _precedes(cells, member, cell, pair, best[at], best_pair[at], jaccard):
                    best[at], best_pair[at] = cell, pair
        chosen[owner[first[node] : first[node + 1]]] = 0
        chosen[owner[best[begin:used]]] = 0
        order = begin + np.argsort(owner[best[begin:used]])
        best[begin:used], best_pair[begin:used] = best[order], best_pair[order]
    return best[:used].copy(), best_pair[:used].copy(), best_start[:used].copy()


def _is_first(values: Ints) -> npt.NDArray[np.bool_]:
    """Tell which of sorted values are the first of their kind."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.zeros(0, np.bool_)


def _expand_to_records(
    nodes: Nodes, cells: NodeCells, left: Ints, right: Ints, directed: _DirectedPairs, pair: Ints
) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    times = cells.count[left]
    counts: Sequence[Ints] = (directed.shared, directed.distinct_a, directed.distinct_b, directed.distinctive)
    columns = [
        np.repeat(cells.owner[left], times), nodes.row[concatenate_ranges(cells.start[left], times)],
        np.repeat(cells.owner[right], times), np.repeat(nodes.row[cells.start[right]], times),
        *(np.repeat(each[pair], times) for each in counts),
    ]  # fmt: skip
    return pa.table(columns, schema=exact_matches.ROWS)
