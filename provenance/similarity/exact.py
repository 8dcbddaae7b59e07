"""Exact matches: records whose normalised text is the same are one node with many members.

A partition holds every node whose hash falls into it, so that counts of different partitions add up. Within one, all is
sorting and counting of columns. A *cell* is one node in one file (or in one source).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]

PIVOT = 1 << 16
"""A node of which members times files exceed this is compared with its first file alone, and COVERAGE says so."""

_CHUNK = 1 << 22  # match rows made at a time

MEMBERS = pa.schema(
    [
        pa.field("file", pa.int64(), nullable=False),
        pa.field("source", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("distinct", pa.int64(), nullable=False),
    ],
    metadata={"table": "MEMBERS", "grain": "one record of one view; files and sources by number, in path order"},
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


@dataclass(frozen=True, slots=True)
class Exact:
    """What one partition says.

    Args:
        rows: ROWS.
        files: PAIRS of files.
        sources: PAIRS of sources.
        files_distinctive: PAIRS of files: records that are more than boilerplate.
        sources_distinctive: the same of sources.
        distinct_files: nodes by file number.
        distinct_sources: nodes by source number.
        pivoted: members of nodes that were compared with their first file alone.
    """

    rows: pa.Table
    files: pa.Table
    sources: pa.Table
    files_distinctive: pa.Table
    sources_distinctive: pa.Table
    distinct_files: Ints
    distinct_sources: Ints
    pivoted: int


@dataclass(frozen=True, slots=True)
class _Cells:
    node: Ints
    owner: Ints
    start: Ints
    count: Ints


def _cells(node: Ints, owner: Ints) -> _Cells:
    """Group sorted members by (node, owner)."""
    changed = np.flatnonzero(np.r_[True, (node[1:] != node[:-1]) | (owner[1:] != owner[:-1])]) if len(node) else node
    return _Cells(node[changed], owner[changed], changed, np.diff(np.r_[changed, len(node)]))


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """Concatenate `arange(start, start + count)` for all."""
    if not len(counts):
        return np.zeros(0, np.int64)
    ends = np.cumsum(counts)
    ranges: Ints = np.arange(ends[-1]) + np.repeat(starts - np.r_[0, ends[:-1]], counts)
    return ranges


def _pairs(cells: _Cells) -> tuple[Ints, Ints, int]:
    """Pair every cell with every other cell of its node; a node beyond PIVOT with its first cell alone."""
    nodes, first, width = np.unique(cells.node, return_index=True, return_counts=True)
    members = np.add.reduceat(cells.count, first) if len(first) else first
    large = members * width > PIVOT
    of = np.repeat(np.arange(len(nodes)), width)
    usual = np.flatnonzero(~large[of] & (width[of] > 1))
    left = np.repeat(usual, width[of[usual]])
    right = _ranges(first[of[usual]], width[of[usual]])
    kept = left != right
    others = np.flatnonzero(large[of] & (np.arange(len(of)) != first[of]))
    pivots = first[of[others]]
    lefts = np.concatenate([left[kept], others, pivots])
    rights = np.concatenate([right[kept], pivots, others])
    return lefts, rights, int(members[large].sum())


def _count(cells: _Cells, left: Ints, right: Ints) -> pa.Table:
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


def _rows(cells: _Cells, left: Ints, right: Ints, row: Ints, distinct: Ints, own: Ints) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    made = []
    ends = np.cumsum(cells.count[left]) if len(left) else left
    at = 0
    while at < len(left):
        stop = max(at + 1, int(np.searchsorted(ends, (ends[at - 1] if at else 0) + _CHUNK, side="right")))
        a, b = left[at:stop], right[at:stop]
        members = _ranges(cells.start[a], cells.count[a])
        other = np.repeat(b, cells.count[a])
        shared = distinct[members]
        columns = [
            np.repeat(cells.owner[a], cells.count[a]), row[members],
            cells.owner[other], row[cells.start[other]],
            shared, shared, shared, own[members],
        ]  # fmt: skip
        made.append(pa.table(columns, schema=ROWS))
        at = stop
    return pa.concat_tables(made) if made else ROWS.empty_table()


def match(members: pa.Table, own: Ints) -> Exact:
    """Find every record that stands in another file, word for word after normalisation v1.

    Args:
        members: MEMBERS of one view and partition, in any order.
        own: shingles of each member that are no boilerplate, see `boilerplate.without`.

    Returns:
        Matches by record, and counts by pair of files and of sources, both directions.
    """
    file, source, row, low, high, distinct = (members[name].to_numpy() for name in MEMBERS.names)
    order = np.lexsort((row, file, high, low))
    file, source, row, low, high, distinct, own = (x[order] for x in (file, source, row, low, high, distinct, own))
    if len(row):
        node = np.cumsum(np.r_[False, (low[1:] != low[:-1]) | (high[1:] != high[:-1])]).astype(np.int64)
    else:
        node = np.zeros(0, np.int64)
    cells = _cells(node, file)
    left, right, pivoted = _pairs(cells)
    by_source = np.lexsort((source, node))
    groups = _cells(node[by_source], source[by_source])
    source_left, source_right, _ = _pairs(groups)
    telling, source_telling = own[cells.start[left]] > 0, own[by_source][groups.start[source_left]] > 0
    return Exact(
        rows=_rows(cells, left, right, row, distinct, own),
        files=_count(cells, left, right),
        sources=_count(groups, source_left, source_right),
        files_distinctive=_count(cells, left[telling], right[telling]),
        sources_distinctive=_count(groups, source_left[source_telling], source_right[source_telling]),
        distinct_files=np.bincount(cells.owner).astype(np.int64),
        distinct_sources=np.bincount(groups.owner).astype(np.int64),
        pivoted=pivoted,
    )
