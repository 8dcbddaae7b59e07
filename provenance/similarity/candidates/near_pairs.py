"""Near pairs: distinct texts whose shingle sets are near (Jaccard >= 0.8), or of which one stands inside the other.

Nodes are paired by bands, and every pair is verified exactly. Which records that concerns is said by `near_matches`.
Scratch costs about 50 bytes a node and 16 a pair; what is found is kept in files and mapped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core.processes.threads import Threads
from provenance.core.scratch.scratch_arrays import ColumnFiles, create_array, map_columns
from provenance.similarity.candidates import banding, boilerplate, containment, distinct_texts, minhash, set_overlap
from provenance.similarity.text import shingle_sets, shingles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Nodes
    from provenance.similarity.text.shingles import ShingledRecords

Ints = npt.NDArray[np.int64]

DISTINCTIVE_FILE_NAME = "own"
"""The file in a view's scratch folder that says of every node how much of it is no boilerplate, int64."""

_RECENT_SLOTS = 1 << 16  # nodes that a worker remembers to have written
_CHUNK = 1 << 16  # nodes or pairs looked at at a time

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


def find_similar(nodes: Nodes, scratch: Path, threads: int = 1) -> SimilarPairs:
    """Find the pairs of nodes of different files that are near, or of which one stands inside the other.

    A pair at Jaccard j >= 0.8 is found with the probability `minhash.candidate_probability(j)`.

    Args:
        nodes: the nodes.
        scratch: a folder for the arrays of the answer.
        threads: that work side by side, at most two.

    Returns:
        The pairs; the same however nodes are numbered, but for their numbers.
    """
    pairs = ColumnFiles(scratch, "pair", _PAIR)
    near_count, pivoted, inside = _find_pairs(nodes, pairs, scratch, threads)
    pairs.close()
    left_nodes, right_nodes, shared = map_columns(scratch, "pair", _PAIR)
    node_distinctive, distinctive, boilerplate_count = _count_distinctive(
        nodes, left_nodes, right_nodes, near_count, scratch
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
    )


def _find_pairs(
    nodes: Nodes, pairs: ColumnFiles, scratch: Path, threads: int
) -> tuple[int, int, containment.ContainedPairs]:
    """Write the near pairs and then the contained ones; return how many are near, and what was left aside."""
    only_file = create_array(scratch / distinct_texts.ONLY_FILE_NAME, np.int32, len(nodes))
    for part in _slices(len(nodes)):
        only_file[part] = nodes.only_file(part)
    if not len(nodes) or (only_file[0] >= 0 and (only_file == only_file[0]).all()):
        none = np.zeros(0, np.int64)
        return 0, 0, containment.ContainedPairs(none, none, 0, 0)
    candidates = banding.CandidatePairs(nodes.keys, nodes.low, nodes.high, only_file, scratch=scratch)

    def find_contained() -> containment.ContainedPairs:
        return containment.find_contained(scratch, Threads(threads))

    with ThreadPoolExecutor(min(threads, 2)) as pool:
        pending = pool.submit(find_contained) if threads > 1 else None
        for left, right in candidates:
            verified = set_overlap.verify_pairs(nodes.sets, left, right)
            candidates.count_near(verified.left, verified.right)
            pairs.add(*verified[:3])
        inside = pending.result() if pending is not None else find_contained()
    near_count = pairs.count
    for part in _slices(len(inside.left)):
        shorter = inside.left[part]
        pairs.add(shorter, inside.right[part], nodes.sets.sizes(shorter))
    return near_count, candidates.pivoted, inside


def _count_distinctive(nodes: Nodes, left: Ints, right: Ints, near_count: int, scratch: Path) -> tuple[Ints, Ints, int]:
    """Count what nodes and pairs are beyond boilerplate, and how many shingles are that."""
    matched = create_array(scratch / "shown", np.bool_, len(nodes))
    for part in _slices(len(nodes)):
        matched[part] = nodes.in_several_files(part)
    for part in _slices(len(left)):
        matched[left[part]] = matched[right[part]] = True
    mask = boilerplate.learn_boilerplate(nodes.sets, matched, scratch)
    node_distinctive = create_array(scratch / DISTINCTIVE_FILE_NAME, np.int64, len(nodes))
    for part in nodes.sets.pieces():
        if matched[part].any():
            node_distinctive[part] = boilerplate.count_distinctive(nodes.sets.select(part), matched[part], mask)
    distinctive = create_array(scratch / "distinctive", np.int64, len(left))
    for part in _slices(len(left)):
        inside = np.arange(part.start, part.start + len(left[part])) >= near_count
        one, other = left[part], np.where(inside, left[part], right[part])  # of what is inside the longer is not read
        for some, sets, first, second in nodes.sets.select_pairs(one, other):
            distinctive[part.start + some.start : part.start + some.stop] = boilerplate.count_shared_distinctive(
                sets, first, second, inside=inside[some], mask=mask
            )
    return node_distinctive, distinctive, int(np.count_nonzero(mask))


def _slices(count: int) -> Iterator[slice]:
    for at in range(0, count, _CHUNK):
        yield slice(at, at + _CHUNK)
