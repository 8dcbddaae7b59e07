"""From pairs of nodes of several views to records: where a prompt or a column of a record stands in another view.

A node is a distinct text, and has as members the records that hold it, each in one or more views. Of every member and
other file the best match is kept: word for word, near, inside a longer text, around a shorter one; among those by
Jaccard index; of equal ones that of the first view and row.
One side is a prompt or a column. Pairs of one view that a record has once (prompt with prompt) are those of that view's
own comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.model import VIEWS
from provenance.similarity.candidates import set_overlap, view_pairs
from provenance.similarity.candidates.distinct_texts import ROW_BITS
from provenance.similarity.evidence import near_matches
from provenance.similarity.evidence.match_kinds import PROMPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Nodes
    from provenance.similarity.candidates.near_pairs import SimilarPairs

Ints = npt.NDArray[np.int64]

LARGEST_NODE = 1 << 16
"""A text of which members times files of its matches exceed this is matched in the first two files alone."""

_ROWS_AT_A_TIME = 1 << 17  # matches made at a time, about
_NODES_AT_A_TIME = 1 << 16  # nodes gone through at a time


class ViewMatches(NamedTuple):
    """Matches between views, a column each.

    Args:
        file_a: file of the record.
        row_a: its number there.
        view_a: number of the view that was found.
        file_b: the other file.
        row_b: the record there.
        view_b: number of the view in which it was found.
        shared: shingles in both.
        distinct_a: of a.
        distinct_b: of b.
        distinctive: as in MATCHES.
        exact: whether the words are the same.
    """

    file_a: Ints
    row_a: Ints
    view_a: Ints
    file_b: Ints
    row_b: Ints
    view_b: Ints
    shared: Ints
    distinct_a: Ints
    distinct_b: Ints
    distinctive: Ints
    exact: npt.NDArray[np.bool_]


class _Directed(NamedTuple):
    """Pairs of nodes in the order of the node that they start from."""

    starting: Ints  # nodes
    begins: Ints  # where the pairs of each begin, and the last one's end
    right: Ints
    shared: Ints
    distinctive: Ints


def match_views(similar: SimilarPairs, scratch: Path, files: int) -> Iterator[ViewMatches]:
    """Spread nodes and pairs of nodes over their members.

    Args:
        similar: from `near_pairs.find_similar`, of nodes of several views.
        scratch: a folder in which pairs are put in order.
        files: how many there are.

    Yields:
        Matches that are more than boilerplate, both directions; together all there are.
    """
    nodes, told_apart = similar.nodes, view_pairs.ViewPairs.load(scratch)
    for at in range(0, len(nodes), _NODES_AT_A_TIME):
        numbers = np.arange(at, min(at + _NODES_AT_A_TIME, len(nodes)))
        shared = view_pairs.are_shared(told_apart, slice(at, at + len(numbers)))
        some = numbers[shared & (similar.node_distinctive[numbers] > 0)]
        pairs = _Directed(some, np.arange(len(some) + 1), some, nodes.sets.sizes(some), similar.node_distinctive[some])
        yield from _spread_pairs(nodes, pairs, files, exact=True)
    for part in near_matches.order_directions(similar, scratch):
        telling = part[part["distinctive"] > 0]  # what is more than boilerplate
        left = telling["left"].astype(np.int64)
        if len(left):
            starting, begins = np.unique(left, return_index=True)
            columns = (telling[name].astype(np.int64) for name in ("right", "shared", "distinctive"))
            yield from _spread_pairs(nodes, _Directed(starting, np.r_[begins, len(left)], *columns), files, exact=False)


def _spread_pairs(nodes: Nodes, pairs: _Directed, files: int, *, exact: bool) -> Iterator[ViewMatches]:
    """Match the members of the nodes that some pairs start from."""
    size_a = np.repeat(nodes.sets.sizes(pairs.starting), np.diff(pairs.begins))
    size_b = nodes.sets.sizes(pairs.right)
    value = pairs.shared / (size_a + size_b - pairs.shared)
    value += np.where(set_overlap.is_near(pairs.shared, size_a, size_b), 2, size_a < size_b)
    cells = nodes.cells
    width = cells.first[pairs.right + 1] - cells.first[pairs.right]
    widest = np.add.reduceat(width, pairs.begins[:-1]) if len(pairs.right) else width
    room = max(_ROWS_AT_A_TIME, int(widest.max(initial=0)))
    at, member = np.int64(0), np.int64(-1)
    while at < len(pairs.starting):
        out = np.empty((3, room), np.int64)
        used, at, member = _spread(
            (nodes.first, nodes.file, nodes.row), cells[:3], cells.members, pairs[:3], value, widest, exact, files,
            np.int64(ROW_BITS), len(VIEWS), at, member, out,
        )  # fmt: skip
        a, b, pair = out[:, :used]
        row_a, row_b = nodes.row[a], nodes.row[b]
        low = (1 << ROW_BITS) - 1
        yield ViewMatches(
            nodes.file[a].astype(np.int64), row_a & low, row_a >> ROW_BITS,
            nodes.file[b].astype(np.int64), row_b & low, row_b >> ROW_BITS,
            pairs.shared[pair], size_a[pair], size_b[pair], pairs.distinctive[pair], np.full(used, exact),
        )  # fmt: skip


@njit(nogil=True, cache=True)
def _find_other_view(row: Any, first: Any, last: Any, view: Any, shift: Any, single: Any) -> Any:
    """Return the first of the members of a cell whose view is to be compared with one; -1 where there is none.

    A column's with any; a prompt's with all but prompts; a whole's and an answer's with prompts and columns.
    """
    if view >= single or (view == PROMPT and row[first] >> shift != PROMPT):
        return first
    found = _find_view(row, first, last, np.int64(PROMPT) << shift)
    if view == PROMPT:
        found = _find_view(row, first, last, np.int64(PROMPT + 1) << shift)
    elif found < last and row[found] >> shift != PROMPT:
        found = _find_view(row, found, last, np.int64(single) << shift)
    return found if found < last else np.int64(-1)


@njit(nogil=True, cache=True)
def _find_view(row: Any, low: Any, high: Any, wanted: Any) -> Any:
    while low < high:
        middle = (low + high) // 2
        if row[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _spread(
    members: Any, cells: Any, counts: Any, pairs: Any, value: Any, widest: Any, exact: Any, files: Any, shift: Any,
    single: Any, at: Any, member: Any, out: Any,
) -> Any:  # fmt: skip
    """Choose for each member and other file the best match; return how many, and where to go on."""
    first, file, row = members
    cell_first, owner, start = cells
    starting, begins, right = pairs
    chosen = np.zeros(files, np.int64)  # 1 + the place of what was chosen; -1 where the node's own words stand
    used = np.int64(0)
    while at < starting.shape[0]:
        node = starting[at]
        begin, end = begins[at], begins[at + 1]
        if member < 0:
            member = first[node]
        large = (first[node + 1] - first[node]) * widest[at] > LARGEST_NODE
        one, other = np.int64(files), np.int64(files)
        if large:  # the first two files: a record of the one is matched in the other
            for pair in range(begin, end):
                for cell in range(cell_first[right[pair]], cell_first[right[pair] + 1]):
                    b = np.int64(owner[cell])
                    if b < one:
                        one, other = b, one
                    elif one < b < other:
                        other = b
        if not exact:
            chosen[owner[cell_first[node] : cell_first[node + 1]]] = -1
        while member < first[node + 1]:
            if used + widest[at] > out.shape[1]:
                return used, at, member
            a, view, before = file[member], row[member] >> shift, used
            for pair in range(begin, end):
                for cell in range(cell_first[right[pair]], cell_first[right[pair] + 1]):
                    b = np.int64(owner[cell])
                    if b == a or chosen[b] < 0 or (large and b > other):
                        continue
                    found = _find_other_view(row, start[cell], start[cell] + counts[cell], view, shift, single)
                    if found < 0:
                        continue
                    place = chosen[b] - 1
                    if place < 0:
                        place = used
                        used += 1
                        chosen[b] = used
                    elif value[pair] < value[out[2, place]] or (
                        value[pair] == value[out[2, place]] and row[found] >= row[out[1, place]]
                    ):
                        continue
                    out[0, place], out[1, place], out[2, place] = member, found, pair
            for place in range(before, used):
                chosen[file[out[1, place]]] = 0
            member += 1
        if not exact:
            chosen[owner[cell_first[node] : cell_first[node + 1]]] = 0
        at, member = at + 1, np.int64(-1)
    return used, at, member
