"""Near matches: records of different files whose shingle sets are near (Jaccard >= 0.8), or one inside the other.

A node is a distinct normalised text; nodes are numbered in the order of their hashes, so that no bundle, worker or
order of files changes a number. Nodes are paired by bands, pairs verified exactly, and a pair of nodes is spread over
the records that are its members. A *cell* is one node in one file (or in one source), as in `exact`.

Scratch costs about 8 bytes a distinct shingle and 184 bytes a node, twice; memory about 100 bytes a node and what
MATCHES takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity import boilerplate, candidates, containment, exact, minhash, spans, verify
from provenance.similarity.exact import Ints, _Cells, _cells, _count, _ranges

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from provenance.similarity.shingles import Shingled

PIVOT = 1 << 16
"""A node of which members times files with a near match exceed this keeps the first such file; COVERAGE says so."""

SETS_FILE = "sets"
"""The file in a view's scratch folder that holds the sets of all nodes."""

_REMEMBERED = 1 << 16  # nodes that a worker remembers to have written

SETS = pa.schema(
    [
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("words", pa.int64(), nullable=False),
        pa.field("keys", pa.list_(pa.field("key", pa.uint64(), nullable=False), minhash.BANDS), nullable=False),
        pa.field("shingles", pa.large_list(pa.field("hash", pa.uint64(), nullable=False)), nullable=False),
    ],
    metadata={"table": "SETS", "grain": "one node of one view: its band keys and its sorted distinct shingle hashes"},
)


@njit(nogil=True, cache=True)
def _fresh(low: Any, high: Any, lows: Any, highs: Any) -> Any:
    new = np.empty(low.shape[0], np.bool_)
    mask = np.uint64(lows.shape[0] - 1)
    for k in range(low.shape[0]):
        slot = low[k] & mask
        new[k] = lows[slot] != low[k] or highs[slot] != high[k]
        lows[slot], highs[slot] = low[k], high[k]
    return new


class Recent:
    """What nodes were seen lately: a table of fixed size, which may forget and then calls an old node new."""

    def __init__(self) -> None:
        self._low = np.zeros(_REMEMBERED, np.uint64)
        self._high = np.zeros(_REMEMBERED, np.uint64)

    def fresh(self, nodes: pa.Table) -> npt.NDArray[np.bool_]:
        """Tell which of NODES are new, and remember them."""
        low, high = (nodes[name].to_numpy() for name in ("low", "high"))
        new: npt.NDArray[np.bool_] = _fresh(low, high, self._low, self._high)
        return new


def describe(shingled: Shingled) -> pa.Table:
    """Describe texts so that similar ones can be found without them.

    Args:
        shingled: records that have words.

    Returns:
        SETS, one row a record.
    """
    nodes, values, offsets = shingled
    keys = minhash.band_keys(minhash.sign(values, offsets))
    columns = [
        nodes["low"].combine_chunks(),
        nodes["high"].combine_chunks(),
        nodes["words"].combine_chunks(),
        pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), type=SETS.field("keys").type),
        pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values), type=SETS.field("shingles").type),
    ]
    return pa.table(columns, schema=SETS)


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs of near nodes, and what every node is beyond boilerplate.

    Args:
        low: of every node, sorted by (low, high).
        high: of the same.
        own: its shingles that are no boilerplate.
        words: its words.
        first: where its set begins in `sets`.
        pairs: verified pairs, near ones and contained ones; `left` and `right` are numbers of nodes.
        distinctive: what each pair shares beyond boilerplate, see `boilerplate.distinctive`.
        sets: the sets of all nodes, in no order that matters.
        common: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone in some band.
        aside: nodes that were not looked for inside longer ones.
    """

    low: minhash.Hashes
    high: minhash.Hashes
    own: Ints
    words: Ints
    first: Ints
    pairs: verify.Verified
    distinctive: Ints
    sets: minhash.Hashes
    common: int
    pivoted: int
    aside: int


def resemble(tables: Sequence[pa.Table], scratch: Path) -> Alike:
    """Find all pairs of nodes at Jaccard >= 0.8, with the recall of `minhash.recall`, and those inside others.

    Args:
        tables: SETS, memory-mapped; a node may stand in several.
        scratch: a folder for two files: all keys, and all sets.

    Returns:
        The pairs; the same whatever the order of tables.
    """
    batches = [batch for table in tables for batch in table.to_batches() if len(batch)]
    none = np.zeros(0, np.int64)
    if not batches:
        hashes = np.zeros(0, np.uint64)
        return Alike(hashes, hashes, none, none, none, verify.Verified(*[none] * 5), none, hashes, 0, 0, 0)
    low, high, words = (
        np.concatenate([batch[name].to_numpy() for batch in batches]) for name in ("low", "high", "words")
    )
    order = np.lexsort((high, low))
    fresh = np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]
    chosen = order[fresh]  # of each node, in node order, the row that stands for it
    low, high, words = low[chosen], high[chosen], words[chosen]
    keys, values, offsets = _bring_together(batches, chosen, scratch)
    place = np.argsort(chosen)  # sets stand in the order of rows
    of_node = np.empty_like(place)
    of_node[place] = np.arange(len(place))
    joined = candidates.Candidates(keys)
    found = [verify.verify(values, offsets, of_node[left], of_node[right]) for left, right in joined]
    inside = containment.contained(values, offsets)
    sets = verify.Verified(*(np.concatenate(column) for column in zip(*found, inside.pairs, strict=True)))
    within = np.arange(len(sets.left)) >= len(sets.left) - len(inside.pairs.left)
    mask = boilerplate.learn(values, offsets)
    return Alike(
        low=low,
        high=high,
        own=boilerplate.without(values, offsets, mask)[of_node],
        words=words,
        first=offsets[of_node],
        pairs=sets._replace(left=place[sets.left], right=place[sets.right]),
        distinctive=boilerplate.distinctive(values, offsets, sets, within, mask),
        sets=values,
        common=int(np.count_nonzero(mask)),
        pivoted=joined.pivoted,
        aside=inside.aside,
    )


def _bring_together(
    batches: Sequence[pa.RecordBatch], chosen: Ints, scratch: Path
) -> tuple[minhash.Hashes, minhash.Hashes, Ints]:
    """Copy the chosen rows' keys (in node order) and sets (in the order of rows) to two files, and map those."""
    number = np.full(sum(map(len, batches)), -1)
    number[chosen] = np.arange(len(chosen))
    keys = np.memmap(scratch / "keys", np.uint64, "w+", shape=(len(chosen), minhash.BANDS))
    sizes, at = [], 0
    with (scratch / SETS_FILE).open("wb") as file:
        for batch in batches:
            node = number[at : at + len(batch)]
            at += len(batch)
            kept = node >= 0
            keys[node[kept]] = batch["keys"].flatten().to_numpy().reshape(-1, minhash.BANDS)[kept]
            sets = batch["shingles"].filter(pa.array(kept))
            sizes.append(np.diff(sets.offsets.to_numpy()))
            file.write(sets.flatten().to_numpy())
    offsets = np.cumsum(np.concatenate([np.zeros(1, np.int64), *sizes]))
    return np.asarray(keys), np.asarray(np.memmap(scratch / SETS_FILE, np.uint64, "r")), offsets


@njit(nogil=True, cache=True)
def _find(low: Any, high: Any, lows: Any, highs: Any) -> Any:
    """Return the place of each (low, high) among sorted ones, or -1."""
    places = np.empty(low.shape[0], np.int64)
    for k in range(low.shape[0]):
        at, end = np.int64(0), np.int64(lows.shape[0])
        while at < end:
            middle = (at + end) // 2
            if lows[middle] < low[k] or (lows[middle] == low[k] and highs[middle] < high[k]):
                at = middle + 1
            else:
                end = middle
        found = at < lows.shape[0] and lows[at] == low[k] and highs[at] == high[k]
        places[k] = at if found else -1
    return places


def find(low: minhash.Hashes, high: minhash.Hashes, lows: minhash.Hashes, highs: minhash.Hashes) -> Ints:
    """Find texts among nodes.

    Args:
        low: of each text.
        high: of the same.
        lows: of the nodes, sorted by (low, high).
        highs: of the same.

    Returns:
        The number of each text's node, -1 where it is none of them.
    """
    number: Ints = _find(low, high, lows, highs)
    return number


def members_of(members: pa.Table, alike: Alike) -> pa.Table:
    """Keep the records whose node is one of a pair.

    Args:
        members: exact.MEMBERS of one partition.
        alike: from `resemble`.

    Returns:
        Columns file, source, row and node, in the order given.
    """
    paired = np.zeros(len(alike.low), np.bool_)
    paired[alike.pairs.left] = paired[alike.pairs.right] = True
    node = find(members["low"].to_numpy(), members["high"].to_numpy(), alike.low, alike.high)
    kept = members.select(["file", "source", "row"]).append_column("node", pa.array(node))
    return kept.filter(pa.array((node >= 0) & paired[node] if len(paired) else node >= 0))


@dataclass(frozen=True, slots=True)
class Near:
    """What the near and contained matches of one view say, exact ones left out.

    Args:
        rows: exact.ROWS.
        files: exact.PAIRS of files: near matches.
        sources: exact.PAIRS of sources: near matches.
        files_distinctive: exact.PAIRS of files: near matches that do not rest on boilerplate.
        sources_distinctive: the same of sources.
        files_inside: exact.PAIRS of files: records of a whose best match in b is a longer one that holds them.
        sources_inside: the same of sources.
        inside: spans.INSIDE: the rows of which it is asked where they stand.
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


def match(members: pa.Table, alike: Alike) -> Near:
    """Spread pairs of nodes over their members: for every record and other file its best match there.

    A file that holds the record's own words has an exact match, and no near one.

    Args:
        members: as `members_of` gives them, of all partitions.
        alike: from `resemble`.

    Returns:
        Matches by record, and counts by pair of files and of sources, both directions.
    """
    involved, ends = np.unique(np.concatenate(alike.pairs[:2]), return_inverse=True)
    pairs = alike.pairs._replace(left=ends[: len(ends) // 2], right=ends[len(ends) // 2 :])
    file, source, row, node = (members[name].to_numpy() for name in ("file", "source", "row", "node"))
    node = np.searchsorted(involved, node)
    order = np.lexsort((row, file, node))
    row = row[order]
    cells = _cells(node[order], file[order])
    left, right, by, pivoted = _spread(cells, pairs, row)
    by_source = np.lexsort((source, node))
    groups = _cells(node[by_source], source[by_source])
    source_left, source_right, source_by, _ = _spread(groups, pairs, row)
    near, inside = _kinds(pairs)
    telling = near & (np.tile(alike.distinctive, 2) > 0)
    rows = _rows(cells, left, right, row, [*_directed(pairs)[2:], np.tile(alike.distinctive, 2)], by)
    asks, asking = (np.repeat(each, cells.count[left]) for each in (inside[by], involved[cells.node[left]]))
    return Near(
        rows=rows,
        files=_count(cells, left[near[by]], right[near[by]]),
        sources=_count(groups, source_left[near[source_by]], source_right[near[source_by]]),
        files_distinctive=_count(cells, left[telling[by]], right[telling[by]]),
        sources_distinctive=_count(groups, source_left[telling[source_by]], source_right[telling[source_by]]),
        files_inside=_count(cells, left[inside[by]], right[inside[by]]),
        sources_inside=_count(groups, source_left[inside[source_by]], source_right[inside[source_by]]),
        inside=_asked(rows, asks, asking, alike),
        pivoted=pivoted,
    )


def _asked(rows: pa.Table, inside: npt.NDArray[np.bool_], node: Ints, alike: Alike) -> pa.Table:
    """List the rows whose record stands inside its match, by the file that is to be read again."""
    place = np.flatnonzero(inside)
    file_b, row_b = (rows[name].to_numpy()[place] for name in ("file_b", "row_b"))
    order = np.lexsort((place, row_b, file_b))
    place = place[order]
    node = node[place]
    first = alike.first[node]
    distinct = rows["distinct_a"].to_numpy()[place]
    columns = [file_b[order], row_b[order], place, alike.low[node], alike.words[node], first, first + distinct]
    return pa.table(columns, schema=spans.INSIDE)


def _kinds(pairs: verify.Verified) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell of both directions of every pair whether it is near, and whether its left stands inside its right."""
    _, _, shared, distinct_a, distinct_b = _directed(pairs)
    near = verify.is_near(shared, distinct_a, distinct_b)
    return near, ~near & (distinct_a < distinct_b)


def _directed(pairs: verify.Verified) -> list[Ints]:
    """Both directions of every pair, as columns left, right, shared, distinct_a, distinct_b."""
    left, right, shared, distinct_a, distinct_b = pairs
    forth, back = [left, right, shared, distinct_a, distinct_b], [right, left, shared, distinct_b, distinct_a]
    return [np.concatenate(columns) for columns in zip(forth, back, strict=True)]


def _spread(cells: _Cells, pairs: verify.Verified, row: Ints) -> tuple[Ints, Ints, Ints, int]:
    """Pair cells of near nodes: a node's cells with the best cell of each other owner; and by which directed pair."""
    left, right, shared, distinct_a, distinct_b = _directed(pairs)
    jaccard = shared / (distinct_a + distinct_b - shared)
    nodes = np.arange(1 + max((int(each.max()) for each in (left, right) if len(each)), default=-1))
    first = np.searchsorted(cells.node, nodes)
    width = np.searchsorted(cells.node, nodes, side="right") - first
    cell, pair = _ranges(first[right], width[right]), np.repeat(np.arange(len(right)), width[right])
    code = _code(left[pair], cells.owner[cell], cells)
    elsewhere = ~np.isin(code, _code(cells.node, cells.owner, cells))
    cell, pair, code = cell[elsewhere], pair[elsewhere], code[elsewhere]
    best = np.lexsort((row[cells.start[cell]], -jaccard[pair], code))
    best = best[_firsts(code[best])]
    cell, pair = cell[best], pair[best]
    node = left[pair]
    members = np.bincount(cells.node, cells.count, len(nodes)).astype(np.int64)
    large = members * np.bincount(node, minlength=len(nodes)) > PIVOT
    kept = ~large[node] | _firsts(node)
    cell, pair, node = cell[kept], pair[kept], node[kept]
    wide = width[node]
    return _ranges(first[node], wide), np.repeat(cell, wide), np.repeat(pair, wide), int(members[large].sum())


def _code(node: Ints, owner: Ints, cells: _Cells) -> Ints:
    """One integer for a node and an owner, in their order."""
    return node * (1 + int(cells.owner.max(initial=0))) + owner


def _firsts(values: Ints) -> npt.NDArray[np.bool_]:
    """Tell which of sorted values are the first of their kind."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.zeros(0, np.bool_)


def _rows(cells: _Cells, left: Ints, right: Ints, row: Ints, counts: Sequence[Ints], by: Ints) -> pa.Table:
    """Expand pairs of cells to one row per record of the left cell."""
    times = cells.count[left]
    columns = [
        np.repeat(cells.owner[left], times), row[_ranges(cells.start[left], times)],
        np.repeat(cells.owner[right], times), np.repeat(row[cells.start[right]], times),
        *(np.repeat(each[by], times) for each in counts),
    ]  # fmt: skip
    return pa.table(columns, schema=exact.ROWS)
