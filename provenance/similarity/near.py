"""Near pairs: distinct texts whose shingle sets are near (Jaccard >= 0.8), or of which one stands inside the other.

A node is a distinct normalised text, numbered as it comes: what is found does not depend on the numbers. Nodes are
paired by bands, and every pair is verified exactly. Which records that concerns is said by `best`.

Scratch costs about 8 bytes a distinct shingle and 192 bytes a node, twice, and 16 bytes a pair; memory about 120 bytes
a node while they are sorted, and little afterwards, for what is found is kept in files and mapped.
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

from provenance.similarity import boilerplate, candidates, containment, minhash, shingles, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from provenance.similarity.shingles import Shingled

Ints = npt.NDArray[np.int64]

SETS_FILE = "sets"
"""The file in a view's scratch folder that holds the sets of all nodes."""

_REMEMBERED = 1 << 16  # nodes that a worker remembers to have written
_CHUNK = 1 << 20  # pairs looked at at a time

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
        self._one_at_a_time = Lock()

    def fresh(self, nodes: pa.Table) -> Ints:
        """Find those of NODES that are new, and remember them; any thread may ask."""
        low, high = (nodes[name].to_numpy() for name in ("low", "high"))
        with self._one_at_a_time:
            return np.flatnonzero(_fresh(low, high, self._low, self._high))


def describe(shingled: Shingled, signed: minhash.Signatures | None = None, places: Ints | None = None) -> pa.Table:
    """Describe texts so that similar ones can be found without them.

    Args:
        shingled: records that have words.
        signed: their signatures, by `minhash.sign`; None = not known yet.
        places: which of them to describe; None = all.

    Returns:
        SETS, one row a record.
    """
    nodes, values, offsets = shingled
    signed = minhash.sign(values, offsets) if signed is None else signed
    if places is not None and len(places) < len(signed):
        nodes, signed = nodes.take(pa.array(places)), signed[places]
        values, offsets = shingles.picked(shingled, places)
    keys = minhash.band_keys(signed)
    columns = [
        *(nodes[name].combine_chunks() for name in ("low", "high", "words")),
        pa.FixedSizeListArray.from_arrays(pa.array(keys.ravel()), type=SETS.field("keys").type),
        pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values), type=SETS.field("shingles").type),
    ]
    return pa.table(columns, schema=SETS)


@dataclass(frozen=True, slots=True)
class Alike:
    """The nodes of one view, and the pairs of them that are near or one inside the other.

    Arrays of nodes and pairs are files in a scratch folder, mapped: they cost no memory that cannot be given back.

    Args:
        low: of the nodes, in the order of (low, high).
        high: of the same.
        number: the number of each, in that order; what follows is by number.
        hashes: low once more.
        own: shingles that are no boilerplate; 0 where the node neither stands in two files nor is one of a pair.
        words: words.
        offsets: n + 1 offsets into `sets`.
        sets: sorted distinct shingle hashes, set after set.
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

    low: minhash.Hashes
    high: minhash.Hashes
    number: Ints
    hashes: minhash.Hashes
    own: Ints
    words: Ints
    offsets: Ints
    sets: minhash.Hashes
    left: Ints
    right: Ints
    shared: Ints
    distinctive: Ints
    near: int
    common: int
    pivoted: int
    aside: int
    thinned: int

    def find(self, low: minhash.Hashes, high: minhash.Hashes) -> Ints:
        """Return the number of each text's node, -1 where it is none of them."""
        place = find(low, high, self.low, self.high)
        return np.where(place >= 0, self.number[place], -1) if len(self.number) else place


def resemble(tables: Sequence[pa.Table], members: Iterable[pa.Table], scratch: Path, threads: int = 1) -> Alike:
    """Find all pairs of nodes of different files at Jaccard >= 0.8, with the recall of `minhash.recall`, or one inside.

    Args:
        tables: SETS, memory-mapped; a node may stand in several.
        members: exact.MEMBERS of every partition: who holds a text decides what can be a match.
        scratch: a folder for what is put together: the arrays of the answer.
        threads: that work side by side, at most two.

    Returns:
        The pairs; the same whatever the order of tables, but for the numbers of nodes.
    """
    batches = [batch for table in tables for batch in table.to_batches() if len(batch)]
    del tables
    low, high, number, kept = _nodes(batches, scratch)
    if not len(low):
        none = np.zeros(0, np.int64)
        offsets = np.zeros(1, np.int64)
        return Alike(low, high, none, low, none, none, offsets, low, none, none, none, none, 0, 0, 0, 0, 0)
    keys, values, offsets, words = _bring_together(batches, kept, len(low), scratch)
    del batches, kept
    hashes, others = (_by_number(scratch / name, each, number) for name, each in (("hashes", low), ("others", high)))
    held = _held(members, low, high, number)
    joined = candidates.Candidates(keys, hashes, others)
    pairs = _Pairs(scratch)
    with ThreadPoolExecutor(min(threads, 2)) as pool:
        waiting = pool.submit(containment.contained, values, offsets, hashes, threads) if threads > 1 else None
        for left, right in joined:
            apart = held.apart(left, right)
            verified = verify.verify(values, offsets, left[apart], right[apart])
            joined.found(verified.left, verified.right)
            pairs.add(verified)
        inside = waiting.result() if waiting is not None else containment.contained(values, offsets, hashes)
    near = pairs.count
    apart = held.apart(inside.pairs.left, inside.pairs.right)
    pairs.add(verify.Verified(*(column[apart] for column in inside.pairs)))
    left, right, shared = pairs.mapped()
    shown = held.elsewhere
    for at in range(0, len(left), _CHUNK):
        shown[left[at : at + _CHUNK]] = shown[right[at : at + _CHUNK]] = True
    mask = boilerplate.learn(values, offsets, shown)
    own = _mapped(scratch / "own", np.int64, len(low))
    own[:] = boilerplate.without(values, offsets, shown, mask)
    distinctive = _mapped(scratch / "distinctive", np.int32, len(left))
    for at in range(0, len(left), _CHUNK):
        of = slice(at, at + _CHUNK)
        within = np.arange(at, at + len(left[of])) >= near
        distinctive[of] = boilerplate.distinctive(values, offsets, left[of], right[of], within, mask)
    return Alike(
        low, high, number, hashes, own, words, offsets, values, left, right, shared, distinctive, near,
        int(np.count_nonzero(mask)), joined.pivoted, inside.aside, inside.thinned,
    )  # fmt: skip


def _nodes(
    batches: Sequence[pa.RecordBatch], scratch: Path
) -> tuple[minhash.Hashes, minhash.Hashes, Ints, npt.NDArray[np.bool_]]:
    """Find the distinct texts among rows: (low, high) in order, their numbers, and which rows stand for them."""
    if not batches:
        none = np.zeros(0, np.uint64)
        return none, none, np.zeros(0, np.int64), np.zeros(0, np.bool_)
    low, high = (np.concatenate([batch[name].to_numpy() for batch in batches]) for name in ("low", "high"))
    order = np.lexsort((high, low))
    fresh = np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)]
    chosen = order[fresh]
    del order, fresh
    kept = np.zeros(len(low), np.bool_)
    kept[chosen] = True
    sorted_low, sorted_high = (_mapped(scratch / name, np.uint64, len(chosen)) for name in ("low", "high"))
    number = _mapped(scratch / "number", np.int64, len(chosen))
    sorted_low[:], sorted_high[:] = low[chosen], high[chosen]
    number[:] = (np.cumsum(kept) - 1)[chosen]  # rows that stand for a node are numbered as they come
    return sorted_low, sorted_high, number, kept


class _Held(NamedTuple):
    """Where nodes stand: matches are of different files, and a pair within one file is none.

    Args:
        file: number of a file that holds the node.
        elsewhere: whether another does too.
    """

    file: Ints
    elsewhere: npt.NDArray[np.bool_]

    def apart(self, left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
        """Tell which pairs of nodes stand in different files."""
        apart: npt.NDArray[np.bool_] = (self.file[left] != self.file[right]) | self.elsewhere[left]
        return apart | self.elsewhere[right]


def _held(members: Iterable[pa.Table], low: minhash.Hashes, high: minhash.Hashes, number: Ints) -> _Held:
    """Find the files of every node."""
    held = _Held(np.full(len(low), -1, np.int64), np.zeros(len(low), np.bool_))
    for table in members:
        node = number[find(table["low"].to_numpy(), table["high"].to_numpy(), low, high)]
        _tick(node, table["file"].to_numpy(), *held)
    return held


@njit(nogil=True, cache=True)
def _tick(nodes: Any, files: Any, file: Any, elsewhere: Any) -> None:
    for k in range(nodes.shape[0]):
        if file[nodes[k]] < 0:
            file[nodes[k]] = files[k]
        elif file[nodes[k]] != files[k]:
            elsewhere[nodes[k]] = True


def _by_number(path: Path, values: minhash.Hashes, number: Ints) -> minhash.Hashes:
    held: minhash.Hashes = _mapped(path, np.uint64, len(values))
    held[number] = values
    return held


def _bring_together(
    batches: Sequence[pa.RecordBatch], kept: npt.NDArray[np.bool_], count: int, scratch: Path
) -> tuple[minhash.Hashes, minhash.Hashes, Ints, Ints]:
    """Copy the kept rows' keys (band by band), sets and words to files, and map those."""
    keys = _mapped(scratch / "keys", np.uint64, (minhash.BANDS, count))
    words, offsets = _mapped(scratch / "words", np.int64, count), _mapped(scratch / "offsets", np.int64, count + 1)
    at, node, end = 0, 0, 0
    with (scratch / SETS_FILE).open("wb") as file:
        for batch in batches:
            chosen = kept[at : at + len(batch)]
            at += len(batch)
            stop = node + int(np.count_nonzero(chosen))
            keys[:, node:stop] = batch["keys"].flatten().to_numpy().reshape(-1, minhash.BANDS)[chosen].T
            words[node:stop] = batch["words"].to_numpy()[chosen]
            sets = batch["shingles"] if stop - node == len(batch) else batch["shingles"].filter(pa.array(chosen))
            offsets[node + 1 : stop + 1] = end + np.cumsum(np.diff(sets.offsets.to_numpy()))
            file.write(sets.flatten().to_numpy())
            node, end = stop, int(offsets[stop])
    return keys, np.asarray(np.memmap(scratch / SETS_FILE, np.uint64, "r")), offsets, words


def _mapped(path: Path, dtype: npt.DTypeLike, shape: int | tuple[int, int]) -> npt.NDArray[Any]:
    """Make an array that is a file."""
    if not np.prod(shape):
        return np.zeros(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "w+", shape=shape))


class _Pairs:
    """Pairs as they are found, kept in files: a corpus may have more of them than memory holds."""

    def __init__(self, scratch: Path) -> None:
        self._paths = [scratch / name for name in ("left", "right", "shared")]
        self._files = [path.open("wb") for path in self._paths]
        self.count = 0

    def add(self, verified: verify.Verified) -> None:
        for file, column in zip(self._files, verified[:3], strict=True):
            column.astype(np.int32).tofile(file)
        self.count += len(verified.left)

    def mapped(self) -> tuple[Ints, Ints, Ints]:
        for file in self._files:
            file.close()
        held: list[Any] = [
            np.asarray(np.memmap(path, np.int32, "r")) if self.count else np.zeros(0, np.int32) for path in self._paths
        ]
        return held[0], held[1], held[2]


@njit(nogil=True, cache=True)
def _starts(lows: Any, bits: Any) -> Any:
    """Say where the hashes with each top `bits` begin."""
    starts = np.zeros((1 << bits) + 1, np.int64)
    shift = np.uint64(64 - bits)
    for k in range(lows.shape[0]):
        starts[(lows[k] >> shift) + np.uint64(1)] += 1
    for k in range(1, starts.shape[0]):
        starts[k] += starts[k - 1]
    return starts


@njit(nogil=True, cache=True)
def _find(low: Any, high: Any, lows: Any, highs: Any, bits: Any) -> Any:
    """Return the place of each (low, high) among sorted ones, or -1."""
    places = np.empty(low.shape[0], np.int64)
    starts, shift = _starts(lows, bits), np.uint64(64 - bits)
    for k in range(low.shape[0]):
        top = low[k] >> shift
        at, end = starts[top], starts[top + np.uint64(1)]
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
    """Find texts among sorted ones.

    Args:
        low: of each text.
        high: of the same.
        lows: of the others, sorted by (low, high).
        highs: of the same.

    Returns:
        The place of each, -1 where it is none of them.
    """
    bits = max(1, len(lows).bit_length() - 2)  # hashes fall anywhere with equal chance: a few to each start
    place: Ints = _find(low, high, lows, highs, bits)
    return place
