"""Exact matches: records whose normalised text is the same are one node with many members.

Nodes are gone through some at a time; what is counted of different ones adds up. A *cell* is one node in one file (or
in one source), see `distinct_texts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.similarity.candidates.distinct_texts import Cells, Nodes

Ints = npt.NDArray[np.int64]

LARGEST_NODE = 1 << 16
"""A node of which members times files exceed this is compared with its first file alone, and COVERAGE says so."""

_ROWS_AT_A_TIME = 1 << 17  # match rows made at a time, about
_NODES_AT_A_TIME = 1 << 16  # nodes gone through at a time

MEMBERS = pa.schema(
    [
        pa.field("file", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
    ],
    metadata={"table": "MEMBERS", "grain": "one record of one view; files by number, in path order"},
)

ROWS = pa.schema(
    [
        pa.field(name, pa.int64(), nullable=False)
        for name in ("file_a", "row_a", "file_b", "row_b", "shared", "distinct_a", "distinct_b", "distinctive")
    ],
    metadata={"table": "ROWS", "grain": "one record and one other file: MATCHES with files by number"},
)

PAIRS = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("a", "b", "count")],
    metadata={"table": "PAIRS", "grain": "one ordered pair of files, or of sources; count = records of a found in b"},
)


MOST_SHINGLES = 16
"""Distinct shingles by which repeats are told apart; those of longer texts are counted together."""

REPEATED = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("file", "shingles", "records", "row")],
    metadata={
        "table": "REPEATED",
        "grain": "one file and number of distinct shingles, at most MOST_SHINGLES; records = those of which the text "
        "stands earlier in the file, or in an earlier file of its source, row = the first of them",
    },
)


@dataclass(frozen=True, slots=True)
class ExactMatches:
    """What some nodes say.

    Args:
        rows: ROWS.
        files: PAIRS of files.
        sources: PAIRS of sources.
        files_distinctive: PAIRS of files: records that are more than boilerplate.
        sources_distinctive: the same of sources.
        distinct_files: nodes by file number.
        distinct_sources: nodes by source number.
        pivoted: members of nodes that were compared with their first file alone.
        repeats: REPEATED.
    """

    rows: pa.Table
    files: pa.Table
    sources: pa.Table
    files_distinctive: pa.Table
    sources_distinctive: pa.Table
    distinct_files: Ints
    distinct_sources: Ints
    pivoted: int
    repeats: pa.Table


@dataclass(frozen=True, slots=True)
class NodeCells:
    """Cells of some nodes, as columns.

    Args:
        node: of each cell.
        owner: its file, or its source.
        start: the first of its members, among all members.
        count: its members.
    """

    node: Ints
    owner: Ints
    start: Ints
    count: Ints


def select_cells(cells: Cells, nodes: Ints) -> NodeCells:
    """Take the cells of some nodes.

    Args:
        cells: of all nodes.
        nodes: their numbers.

    Returns:
        Their cells, node after node.
    """
    width = cells.first[nodes + 1] - cells.first[nodes]
    place = concatenate_ranges(cells.first[nodes], width)
    return NodeCells(
        np.repeat(nodes, width), cells.owner[place].astype(np.int64), cells.start[place], cells.members[place]
    )


PAIR_FIELDS = ("files", "sources", "files_distinctive", "sources_distinctive")
"""The fields of Exact that are PAIRS."""


def concatenate_ranges(starts: Ints, counts: Ints) -> Ints:
    """Concatenate `arange(start, start + count)` for all.

    Args:
        starts: where each begins.
        counts: how long it is.
    """
    if not len(counts):
        return np.zeros(0, np.int64)
    ends = np.cumsum(counts)
    placed: Ints = np.arange(ends[-1]) + np.repeat(starts - np.r_[0, ends[:-1]], counts)
    return placed


def _pair_cells(cells: NodeCells) -> tuple[Ints, Ints, int]:
    """Pair every cell with every other cell of its node; a node beyond LARGEST_NODE with its first cell alone."""
    nodes, first, width = np.unique(cells.node, return_index=True, return_counts=True)
    members = np.add.reduceat(cells.count, first) if len(first) else first
    large = members * width > LARGEST_NODE
    node_place = np.repeat(np.arange(len(nodes)), width)
    usual = np.flatnonzero(~large[node_place] & (width[node_place] > 1))
    left = np.repeat(usual, width[node_place[usual]])
    right = concatenate_ranges(first[node_place[usual]], width[node_place[usual]])
    kept = left != right
    others = np.flatnonzero(large[node_place] & (np.arange(len(node_place)) != first[node_place]))
    pivots = first[node_place[others]]
    lefts = np.concatenate([left[kept], others, pivots])
    rights = np.concatenate([right[kept], pivots, others])
    return lefts, rights, int(members[large].sum())


def count_pairs(cells: NodeCells, left: Ints, right: Ints) -> pa.Table:
    """Count by pair of owners the members of the left of two cells.

    Args:
        cells: those of some nodes.
        left: the places of cells in it.
        right: likewise, of what each is paired with.

    Returns:
        PAIRS.
    """
    if not len(left):
        return PAIRS.empty_table()
    table = pa.table({"a": cells.owner[left], "b": cells.owner[right], "count": cells.count[left]})
    return add_pairs([table])


def add_pairs(tables: list[pa.Table]) -> pa.Table:
    """Add up PAIRS of several partitions.

    Args:
        tables: PAIRS, with any repetition of (a, b).

    Returns:
        PAIRS, one row an ordered pair, sorted by (a, b).
    """
    if not tables:
        return PAIRS.empty_table()
    grouped = pa.concat_tables(tables).group_by(["a", "b"]).aggregate([("count", "sum")])
    grouped = grouped.rename_columns({"count_sum": "count"}).select(PAIRS.names).cast(PAIRS)
    return grouped.sort_by([("a", "ascending"), ("b", "ascending")])


def _expand_to_records(nodes: Nodes, node_distinctive: Ints, cells: NodeCells, left: Ints, right: Ints) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    times = cells.count[left]
    members = concatenate_ranges(cells.start[left], times)
    shared, distinctive = (
        np.repeat(each[left], times) for each in (nodes.sets.sizes(cells.node), node_distinctive[cells.node])
    )
    columns = [
        np.repeat(cells.owner[left], times), nodes.row[members],
        np.repeat(cells.owner[right], times), np.repeat(nodes.row[cells.start[right]], times),
        shared, shared, shared, distinctive,
    ]  # fmt: skip
    return pa.table(columns, schema=ROWS)


def match_exact(
    nodes: Nodes, node_distinctive: Ints, first: int = 0, last: int | None = None
) -> Iterator[ExactMatches]:
    """Find every record that stands in another file, word for word after normalisation.

    Args:
        nodes: the nodes.
        node_distinctive: of every node, its shingles that are no boilerplate, see `boilerplate.count_distinctive`.
        first: the first node to go through.
        last: the one before which to stop; None = all.

    Yields:
        Matches by record, and counts by pair of files and of sources, both directions; together all there are.
    """
    last = len(nodes) if last is None else last
    for at in range(first, last, _NODES_AT_A_TIME):
        end = min(at + _NODES_AT_A_TIME, last)
        cost = np.cumsum(np.diff(nodes.first[at : end + 1]) * np.diff(nodes.cells.first[at : end + 1]))
        begin = 0
        while begin < len(cost):
            before = cost[begin - 1] if begin else 0
            stop = max(begin + 1, int(np.searchsorted(cost, before + _ROWS_AT_A_TIME, "right")))
            yield _match_nodes(nodes, node_distinctive, np.arange(at + begin, at + stop))
            begin = stop


def _match_nodes(nodes: Nodes, node_distinctive: Ints, numbers: Ints) -> ExactMatches:
    """Match the members of some nodes."""
    cells, groups = select_cells(nodes.cells, numbers), select_cells(nodes.groups, numbers)
    left, right, pivoted = _pair_cells(cells)
    source_left, source_right, _ = _pair_cells(groups)
    is_distinctive, source_is_distinctive = (
        node_distinctive[cells.node[left]] > 0,
        node_distinctive[groups.node[source_left]] > 0,
    )
    return ExactMatches(
        rows=_expand_to_records(nodes, node_distinctive, cells, left, right),
        files=count_pairs(cells, left, right),
        sources=count_pairs(groups, source_left, source_right),
        files_distinctive=count_pairs(cells, left[is_distinctive], right[is_distinctive]),
        sources_distinctive=count_pairs(
            groups, source_left[source_is_distinctive], source_right[source_is_distinctive]
        ),
        distinct_files=np.bincount(cells.owner).astype(np.int64),
        distinct_sources=np.bincount(groups.owner).astype(np.int64),
        pivoted=pivoted,
        repeats=_find_repeats(nodes, cells, groups),
    )


def _find_repeats(nodes: Nodes, cells: NodeCells, groups: NodeCells) -> pa.Table:
    """Count the records of some nodes that are not the first of their source, by the length of their text."""
    again = cells.count - np.isin(cells.start, groups.start)
    some = np.flatnonzero(again)
    columns = [
        cells.owner[some],
        np.minimum(nodes.sets.sizes(cells.node[some]), MOST_SHINGLES),
        again[some],
        nodes.row[cells.start[some] + cells.count[some] - again[some]],
    ]
    return add_repeats([pa.table([pa.array(column, pa.int64()) for column in columns], schema=REPEATED)])


def add_repeats(tables: Sequence[pa.Table]) -> pa.Table:
    """Add up REPEATED of several parts.

    Args:
        tables: REPEATED, with any repetition of file and shingles.

    Returns:
        REPEATED, sorted by both.
    """
    keys = ["file", "shingles"]
    grouped = pa.concat_tables([REPEATED.empty_table(), *tables]).group_by(keys)
    added = grouped.aggregate([("records", "sum"), ("row", "min")])
    named = added.rename_columns({"records_sum": "records", "row_min": "row"}).select(REPEATED.names).cast(REPEATED)
    return named.sort_by([(key, "ascending") for key in keys])
