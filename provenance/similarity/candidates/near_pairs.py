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

from provenance.core.scratch_arrays import Columns, columns, mapped
from provenance.similarity.candidates import banding, boilerplate, containment, minhash, set_overlap
from provenance.similarity.text import shingle_sets, shingles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Nodes
    from provenance.similarity.text.shingles import Shingled

Ints = npt.NDArray[np.int64]

OWN_FILE = "own"
"""The file in a view's scratch folder that says of every node how much of it is no boilerplate, int64."""

_REMEMBERED = 1 << 16  # nodes that a worker remembers to have written
_CHUNK = 1 << 16  # nodes or pairs looked at at a time

_PAIR = {"left": "i4", "right": "i4", "shared": "i4"}

SETS = pa.schema(
    [
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("words", pa.int64(), nullable=False),
        pa.field("keys", pa.list_(pa.field("key", pa.uint64(), nullable=False), minhash.BANDS), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
    ],
    metadata={
        "table": "SETS",
        "grain": "one node of one view: its band keys, and where among all sets its sorted distinct shingle hashes are",
    },
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
        self._one_at_a_time = Lock()

    def fresh(self, nodes: pa.Table) -> Ints:
        """Find those of NODES that are new, and remember them; any thread may ask."""
        low, high = (nodes[name].to_numpy() for name in ("low", "high"))
        with self._one_at_a_time:
            return np.flatnonzero(_fresh(low, high, self._low, self._high))


class Described(NamedTuple):
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

    def at(self, place: int) -> pa.Table:
        """Return SETS, one row a text.

        Args:
            place: where the first hash stands among all sets of the view.
        """
        columns = [
            *(self.nodes[name].combine_chunks() for name in ("low", "high", "words")),
            pa.FixedSizeListArray.from_arrays(pa.array(self.keys.ravel()), type=SETS.field("keys").type),
            *(pa.array(place + ends) for ends in (self.offsets[:-1], self.offsets[1:])),
        ]
        return pa.table(columns, schema=SETS)


def describe(shingled: Shingled, signed: minhash.Signatures | None = None, places: Ints | None = None) -> Described:
    """Describe texts so that similar ones can be found without them.

    Args:
        shingled: records that have words.
        signed: their signatures, by `minhash.sign`; None = not known yet.
        places: which of them to describe; None = all.

    Returns:
        One text a record.
    """
    nodes, values, offsets = shingled
    signed = minhash.sign(values, offsets) if signed is None else signed
    if places is not None and len(places) < len(signed):
        nodes, signed = nodes.take(pa.array(places)), signed[places]
        values, offsets = shingles.picked(shingled, places)
    return Described(nodes, minhash.band_keys(signed), values, offsets)


@dataclass(frozen=True, slots=True)
class Alike:
    """The pairs of a view's nodes that are near or one inside the other; the arrays are files.

    Args:
        nodes: the nodes.
        own: of every node, shingles that are no boilerplate; 0 where it neither stands in two files nor is of a pair.
        left: number of the first node of each pair.
        right: number of the second; of a contained pair the longer one.
        shared: shingles in both.
        distinctive: what the pair shares beyond boilerplate, see `boilerplate.distinctive`.
        near: how many of the pairs are near; those after them are contained.
        common: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone in some band.
        aside: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
    """

    nodes: Nodes
    own: Ints
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    shared: npt.NDArray[np.int32]
    distinctive: npt.NDArray[np.int32]
    near: int
    common: int
    pivoted: int
    aside: int
    thinned: int


def resemble(nodes: Nodes, scratch: Path, threads: int = 1) -> Alike:
    """Find all pairs of nodes of different files at Jaccard >= 0.8, with the recall of `minhash.recall`, or one inside.

    Args:
        nodes: the nodes.
        scratch: a folder for the arrays of the answer.
        threads: that work side by side, at most two.

    Returns:
        The pairs; the same however nodes are numbered, but for their numbers.
    """
    joined = banding.Candidates(nodes.keys, nodes.low, nodes.high, scratch)
    looked = nodes.sets, nodes.low, scratch
    pairs = Columns(scratch, "pair", _PAIR)
    with ThreadPoolExecutor(min(threads, 2)) as pool:
        waiting = pool.submit(containment.contained, *looked, threads) if threads > 1 else None
        for left, right in joined:
            apart = nodes.apart(left, right)
            verified = set_overlap.verify(nodes.sets, left[apart], right[apart])
            joined.found(verified.left, verified.right)
            pairs.add(*verified[:3])
        inside = waiting.result() if waiting is not None else containment.contained(*looked)
    near = pairs.count
    for of in _slices(len(inside.left)):
        shorter, longer = inside.left[of], inside.right[of]
        apart = nodes.apart(shorter, longer)
        pairs.add(shorter[apart], longer[apart], nodes.sets.sizes(shorter[apart]))
    pairs.close()
    one, other, shared = columns(scratch, "pair", _PAIR)
    own, distinctive, common = _beyond_boilerplate(nodes, one, other, near, scratch)
    return Alike(
        nodes, own, one, other, shared, distinctive, near, common, joined.pivoted, inside.aside, inside.thinned
    )


def _beyond_boilerplate(
    nodes: Nodes, left: npt.NDArray[np.int32], right: npt.NDArray[np.int32], near: int, scratch: Path
) -> tuple[Ints, npt.NDArray[np.int32], int]:
    """Count what nodes and pairs are beyond boilerplate, and how many shingles are that."""
    shown = mapped(scratch / "shown", np.bool_, len(nodes))
    for of in _slices(len(nodes)):
        shown[of] = nodes.stand_elsewhere(of)
    for of in _slices(len(left)):
        shown[left[of]] = shown[right[of]] = True
    mask = boilerplate.learn(nodes.sets, shown)
    own = mapped(scratch / OWN_FILE, np.int64, len(nodes))
    for of in _slices(len(nodes)):
        own[of] = boilerplate.without(nodes.sets.part(of), shown[of], mask)
    distinctive = mapped(scratch / "distinctive", np.int32, len(left))
    for of in _slices(len(left)):
        inside = np.arange(of.start, of.start + len(left[of])) >= near
        one, other = left[of].astype(np.int64), right[of].astype(np.int64)
        distinctive[of] = boilerplate.distinctive(nodes.sets, one, other, inside, mask)
    return own, distinctive, int(np.count_nonzero(mask))


def _slices(count: int) -> Iterator[slice]:
    for at in range(0, count, _CHUNK):
        yield slice(at, at + _CHUNK)
