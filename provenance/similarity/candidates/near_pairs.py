"""Near pairs: distinct texts whose shingle sets are near (Jaccard >= 0.8), or of which one stands inside the other.

Nodes are paired by bands, and every pair is verified exactly. Which records that concerns is said by `near_matches`.
Scratch costs about 50 bytes a node and 16 a pair; what is found is kept in files and mapped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core.processes.threads import Threads
from provenance.core.scratch.scratch_arrays import ColumnFiles, create_array, map_columns, open_array
from provenance.similarity.candidates import (
    banding,
    boilerplate,
    containment,
    distinct_texts,
    minhash,
    pair_partitions,
    view_pairs,
)
from provenance.similarity.text import shingle_sets, shingles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.core.engines import Mapper
    from provenance.similarity.candidates.distinct_texts import Nodes
    from provenance.similarity.text.shingles import ShingledRecords

Ints = npt.NDArray[np.int64]

DISTINCTIVE_FILE_NAME = "own"
"""The file in a view's scratch folder that says of every node how much of it is no boilerplate, int64."""

_VIEWS_OF_A_TEXT = 3  # nodes of several views that a shingle of one record is in: its column, its prompt, its whole
_RECENT_SLOTS = 1 << 16  # nodes that a worker remembers to have written
_CHUNK = 1 << 16  # nodes or pairs looked at at a time
_PARTS_PER_WORKER = 4  # of nodes
_MATCHED, _MASK, _PAIR_DISTINCTIVE = "matched", "boilerplate", "distinctive"  # files of a view's scratch folder

_PAIR = {"left": "i8", "right": "i8", "shared": "i8"}

SETS = pa.schema(
    [
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("words", pa.int64(), nullable=False),
        pa.field("keys", pa.list_(pa.field("key", pa.uint64(), nullable=False), minhash.BANDS), nullable=False),
        pa.field("distinct", pa.int64(), nullable=False),
        *(pa.field(name, type_, nullable=False) for name, type_ in distinct_texts.PLACES),
    ],
    metadata={
        "table": "SETS",
        "grain": "one node of one view: its band keys, and where its set is, see shingle_sets.PlacedSets",
    },
)


@njit(nogil=True, cache=True)
def _is_new(low: Any, high: Any, lows: Any, highs: Any) -> Any:
    new = np.empty(low.shape[0], np.bool_)
    mask = np.uint64(lows.shape[0] - 1)
    for k in range(low.shape[0]):
        slot = low[k] & mask
        new[k] = lows[slot] != low[k] or highs[slot] != high[k]
        lows[slot], highs[slot] = low[k], high[k]
    return new


class RecentTexts:
    """What nodes were seen lately: a table of fixed size, which may forget and then calls an old node new."""

    def __init__(self) -> None:
        self._low = np.zeros(_RECENT_SLOTS, np.uint64)
        self._high = np.zeros(_RECENT_SLOTS, np.uint64)
        self._one_at_a_time = Lock()

    def select_new(self, nodes: pa.Table) -> Ints:
        """Find those of NODES that are new, and remember them; any thread may ask."""
        low, high = (nodes[name].to_numpy() for name in ("low", "high"))
        with self._one_at_a_time:
            return np.flatnonzero(_is_new(low, high, self._low, self._high))


class DescribedTexts(NamedTuple):
    """Texts described so that similar ones can be found without them.

    Args:
        nodes: their NODES.
        keys: of their bands, text by text.
        hashes: sorted distinct shingle hashes, text after text.
        offsets: n + 1 offsets into them.
    """

    nodes: pa.Table
    keys: shingle_sets.Hashes
    hashes: shingle_sets.Hashes
    offsets: shingle_sets.Offsets

    def to_sets(self, placed: shingle_sets.PlacedSets, place: int = 0) -> pa.Table:
        """Return SETS, one row a text.

        Args:
            placed: where the sets are in what was stored of them.
            place: where that begins among all that is stored.
        """
        columns = [
            *(self.nodes[name].combine_chunks() for name in ("low", "high", "words")),
            pa.FixedSizeListArray.from_arrays(pa.array(self.keys.ravel()), type=SETS.field("keys").type),
            self.nodes["distinct"].combine_chunks(),
            *(pa.array(place + ends) for ends in (placed.start, placed.stop)),
            pa.array(placed.width),
            pa.array(placed.bit),
        ]
        return pa.table(columns, schema=SETS)


def unite_descriptions(
    described: Sequence[DescribedTexts], records: int
) -> tuple[shingle_sets.Hashes, list[shingle_sets.PlacedSets]]:
    """Unite the sets of the texts of several views, record by record.

    Args:
        described: of each view; `row` of its nodes is the place of the record.
        records: how many there are.

    Returns:
        What is to be stored, and where in it the sets of each view are, for `to_sets`.
    """
    views = [(each.hashes, each.offsets, np.asarray(each.nodes["row"])) for each in described]
    return shingle_sets.unite_sets(views, records)


def describe_texts(
    shingled: ShingledRecords, signatures: minhash.Signatures | None = None, selected: Ints | None = None
) -> DescribedTexts:
    """Describe texts so that similar ones can be found without them.

    Args:
        shingled: records that have words.
        signatures: their signatures, by `minhash.sign_sets`; None = not known yet.
        selected: which of them to describe; None = all.

    Returns:
        One text a record.
    """
    nodes, values, offsets = shingled
    signatures = minhash.sign_sets(values, offsets) if signatures is None else signatures
    if selected is not None and len(selected) < len(signatures):
        nodes, signatures = nodes.take(pa.array(selected)), signatures[selected]
        values, offsets = shingles.select_sets(shingled, selected)
    return DescribedTexts(nodes, minhash.band_keys(signatures), values, offsets)


@dataclass(frozen=True, slots=True)
class SimilarPairs:
    """The pairs of a view's nodes that are near or one inside the other; the arrays are files.

    Args:
        nodes: the nodes.
        node_distinctive: of every node, shingles that are no boilerplate; 0 where it neither stands in two files nor is
            of a pair.
        left: number of the first node of each pair.
        right: number of the second; of a contained pair the longer one.
        shared: shingles in both.
        distinctive: what the pair shares beyond boilerplate, see `boilerplate.count_shared_distinctive`.
        near_count: how many of the pairs are near; those after them are contained.
        boilerplate_count: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone in some band.
        not_anchored: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
        short: nodes that are too short to be looked for inside longer ones.
    """

    nodes: Nodes
    node_distinctive: Ints
    left: Ints
    right: Ints
    shared: Ints
    distinctive: Ints
    near_count: int
    boilerplate_count: int
    pivoted: int
    not_anchored: int
    thinned: int
    short: int


def find_similar(nodes: Nodes, scratch: Path, threads: int = 1, *, across: bool = False) -> SimilarPairs:
    """Find the pairs of nodes of different files that are near, or of which one stands inside the other.

    A pair at Jaccard j >= 0.8 is found with the probability `minhash.candidate_probability(j)`.

    Args:
        nodes: the nodes.
        scratch: a folder for the arrays of the answer.
        threads: that work side by side.
        across: whether the nodes are of several views: then of pairs those alone that `view_pairs` calls new.

    Returns:
        The pairs; the same however nodes are numbered, but for their numbers.
    """
    pairs, engine = ColumnFiles(scratch, "pair", _PAIR), Threads(threads)
    if across:
        view_pairs.write_views(nodes, scratch)
    near_count, pivoted, inside = _find_pairs(nodes, pairs, scratch, engine, across=across)
    pairs.close()
    left_nodes, right_nodes, shared = map_columns(scratch, "pair", _PAIR)
    node_distinctive, distinctive, boilerplate_count = _count_distinctive(
        nodes,
        left_nodes,
        right_nodes,
        near_count=near_count,
        scratch=scratch,
        engine=engine,
        across=across,
    )
    return SimilarPairs(
        nodes,
        node_distinctive,
        left_nodes,
        right_nodes,
        shared,
        distinctive,
        near_count,
        boilerplate_count,
        pivoted,
        inside.unfiled,
        inside.thinned,
        inside.short,
    )


def _find_pairs(
    nodes: Nodes, pairs: ColumnFiles, scratch: Path, engine: Mapper, *, across: bool
) -> tuple[int, int, containment.ContainedPairs]:
    """Write the near pairs and then the contained ones; return how many are near, and what was left aside."""
    only_file = create_array(scratch / distinct_texts.ONLY_FILE_NAME, np.int32, len(nodes))
    for part in _slices(len(nodes)):
        only_file[part] = nodes.only_file(part)
    if not len(nodes) or (only_file[0] >= 0 and (only_file == only_file[0]).all()):
        none = np.zeros(0, np.int64)
        return 0, 0, containment.ContainedPairs(none, none, 0, 0)
    told_apart = view_pairs.ViewPairs.load(scratch) if across else None
    candidates = banding.CandidatePairs(nodes.keys, nodes.low, nodes.high, only_file, scratch=scratch)

    def find_contained() -> containment.ContainedPairs:
        return containment.find_contained(scratch, engine, across=across)

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(find_contained) if engine.workers > 1 else None
        for band in candidates.bands():
            new = band if told_apart is None else _keep_new(band, told_apart)
            for left, right, shared in pair_partitions.verify_candidates(scratch, engine, new):
                candidates.count_near(left, right)
                pairs.add(left, right, shared)
        inside = pending.result() if pending is not None else find_contained()
    near_count = pairs.count
    for part in _slices(len(inside.left)):
        shorter = inside.left[part]
        pairs.add(shorter, inside.right[part], nodes.sets.sizes(shorter))
    return near_count, candidates.pivoted, inside


def _keep_new(band: Iterator[tuple[Ints, Ints]], told_apart: view_pairs.ViewPairs) -> Iterator[tuple[Ints, Ints]]:
    for left, right in band:
        new = told_apart.tell_new(left, right)
        yield left[new], right[new]


class _Part(NamedTuple):
    """Nodes, or pairs, of which is counted what they are beyond boilerplate.

    Args:
        folder: that holds them.
        first: the first one.
        last: the one before which they end.
        near_count: how many of all pairs are near.
    """

    folder: str
    first: int
    last: int
    near_count: int


def _count_distinctive(
    nodes: Nodes, left: Ints, right: Ints, *, near_count: int, scratch: Path, engine: Mapper, across: bool
) -> tuple[Ints, Ints, int]:
    """Count what nodes and pairs are beyond boilerplate, and how many shingles are that."""
    matched = create_array(scratch / _MATCHED, np.bool_, len(nodes))
    told_apart = view_pairs.ViewPairs.load(scratch) if across else None
    common_from = boilerplate.COMMON_FROM * (_VIEWS_OF_A_TEXT if across else 1)
    for part in _slices(len(nodes)):
        shared = nodes.in_several_files(part) if told_apart is None else view_pairs.are_shared(told_apart, part)
        matched[part] = shared
    for part in _slices(len(left)):
        matched[left[part]] = True
        if part.start < near_count or not across:  # of what is inside, the longer is not read
            matched[right[part]] = True
    mask = boilerplate.learn_boilerplate(nodes.sets, matched, scratch, engine, common_from=common_from)
    mask.tofile(scratch / _MASK)
    counts = [
        create_array(scratch / name, np.int64, count)
        for name, count in ((DISTINCTIVE_FILE_NAME, len(nodes)), (_PAIR_DISTINCTIVE, len(left)))
    ]
    bounds = np.linspace(0, len(nodes), _PARTS_PER_WORKER * engine.workers + 1).astype(int).tolist()
    parts = [_Part(str(scratch), *bound, near_count) for bound in pairwise(bounds)]
    for _ in engine.map(_count_nodes, parts if matched.any() else ()):
        pass
    for _ in engine.map(
        _count_pairs, [_Part(str(scratch), some.start, some.stop, near_count) for some in _slices(len(left))]
    ):
        pass
    return counts[0], counts[1], int(np.count_nonzero(mask))


def _count_nodes(part: _Part) -> None:
    """Write of some nodes how many of their shingles are no boilerplate."""
    folder = Path(part.folder)
    sets, mask = distinct_texts.load_sets(folder), open_array(folder / _MASK, np.uint64)
    matched = open_array(folder / _MATCHED, np.bool_)
    counts = open_array(folder / DISTINCTIVE_FILE_NAME, np.int64, "r+")
    for some in sets.pieces(part.first, part.last):
        if matched[some].any():
            counts[some] = boilerplate.count_distinctive(sets.select(some), matched[some], mask)


def _count_pairs(part: _Part) -> None:
    """Write of some pairs what they share beyond boilerplate."""
    folder = Path(part.folder)
    sets, mask = distinct_texts.load_sets(folder), open_array(folder / _MASK, np.uint64)
    left, right, _ = (column[part.first : part.last] for column in map_columns(folder, "pair", _PAIR))
    counts = open_array(folder / _PAIR_DISTINCTIVE, np.int64, "r+")[part.first : part.last]
    inside = np.arange(part.first, part.first + len(left)) >= part.near_count
    right = np.where(inside, left, right)  # of what is inside, the longer is not read
    for some, selected, one, other in sets.select_pairs(left, right):
        counts[some] = boilerplate.count_shared_distinctive(selected, one, other, inside=inside[some], mask=mask)


def _slices(count: int) -> Iterator[slice]:
    for at in range(0, count, _CHUNK):
        yield slice(at, at + _CHUNK)
