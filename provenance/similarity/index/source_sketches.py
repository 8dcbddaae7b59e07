"""Source sketches (FracMinHash): a sample of a source's shingle hashes by which two ledgers are compared without data.

A sketch at scale s keeps the distinct shingle hashes (shingle v1) below 2**64 / s, a fair share of one in s, because a
hash falls anywhere with equal chance (Irber et al. 2022, doi:10.1101/2022.01.11.475838). The scale is the smallest
power of two, from FINEST_SCALE, at which no more than MOST_HASHES hashes are kept. Two sketches are compared at the
coarser of their scales, to which the finer is cut: hashes are sorted, so that cutting is taking the first of them.

The share of a's shingles that stand in b is estimated by x / k: k hashes of a's sketch, x of them in b's. Given k, they
are k shingles of a drawn without replacement, so that the estimate has no bias; the correction of Hera, Pierce-Ward and
Koslicki 2023 (doi:10.1101/gr.277651.123) makes up for sketches that are empty, of which nothing is said here instead.
The interval is that of Clopper and Pearson 1934, which holds its level for any k; drawing without replacement makes it
a little wider than need be.

What a sketch gives away: who guesses a passage can test it, each run of five words with probability 1 in s. Hence no
sketch is finer than FINEST_SCALE, however small its source: with every hash a text could be rebuilt from any foothold,
word by word, each next run tested with every word of a dictionary. And a record of fewer than five words, which is a
shingle by itself, is left out: a name or a number that stands alone could be found by trying all. A number that stands
in a phrase everybody uses can still be found so, with probability 1 in s: a sketch is no place to hide secrets.

Memory: MOST_HASHES hashes a view and open file while reading, and as many a view and source when they are united.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity.text.shingles import WORDS_PER_SHINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.similarity.text.shingle_sets import Hashes
    from provenance.similarity.text.shingles import ShingledRecords

FINEST_SCALE = 16
"""The finest scale: of a text that nobody has, the runs between two kept ones cannot be guessed."""

MOST_HASHES = 1 << 14
"""Hashes of a sketch: 128 KiB; half as many tell a share of 50 % to 1 point, and find 1/200 of a source in the rest."""

CONFIDENCE = 0.95
"""Of the intervals, two-sided."""

_BUFFERED_HASHES = 4 * MOST_HASHES  # hashes that are held before they are united

SKETCHES = pa.schema(
    [
        pa.field("file", pa.int64(), nullable=False),
        pa.field("scale", pa.int64(), nullable=False),
        pa.field("hashes", pa.large_list(pa.field("hash", pa.uint64(), nullable=False)), nullable=False),
    ],
    metadata={"table": "SKETCHED", "grain": "one file and view: its sketch"},
)


class Sketch(NamedTuple):
    """A sample of the distinct shingles of some text.

    Args:
        scale: a power of two; one shingle in so many is kept.
        hashes: those kept, sorted.
    """

    scale: int
    hashes: Hashes


def _hash_limit(scale: int) -> np.uint64:
    return np.uint64((1 << 64) // scale)


def coarsen(sketch: Sketch, scale: int) -> Hashes:
    """Return the hashes that a sketch would hold at a coarser scale.

    Args:
        sketch: the sketch.
        scale: a power of two, no smaller than the sketch's.
    """
    return sketch.hashes[: np.searchsorted(sketch.hashes, _hash_limit(scale))]


def _fit(scale: int, hashes: Hashes) -> Sketch:
    while len(hashes) > MOST_HASHES:
        scale *= 2
        hashes = hashes[: np.searchsorted(hashes, _hash_limit(scale))]
    return Sketch(scale, hashes)


def unite_sketches(sketches: Iterable[Sketch]) -> Sketch:
    """Return the sketch of all the text that some sketches are of.

    A part never needs a coarser scale than the whole, so that the result is the sketch of the whole text, whatever the
    parts and their order.

    Args:
        sketches: any, also none.

    Returns:
        Their union.
    """
    whole, buffered, count = Sketch(FINEST_SCALE, np.zeros(0, np.uint64)), [], 0
    for each in sketches:
        buffered.append(each)
        count += len(each.hashes)
        if count > _BUFFERED_HASHES:
            whole, buffered, count = _unite([whole, *buffered]), [], 0
    return _unite([whole, *buffered])


def _unite(sketches: Sequence[Sketch]) -> Sketch:
    scale = max(each.scale for each in sketches)
    return _fit(scale, _unite_hashes([coarsen(each, scale) for each in sketches]))


def _unite_hashes(parts: Sequence[Hashes]) -> Hashes:
    """Unite hashes, sorted: by sorting, which costs a fifth of what `np.unique` does with its table."""
    hashes = np.sort(np.concatenate(parts))
    return hashes[np.append(True, hashes[1:] != hashes[:-1])] if len(hashes) else hashes


def to_row(file: int, sketch: Sketch) -> pa.Table:
    """Return the sketch of a file as one row of SKETCHES.

    Args:
        file: its number.
        sketch: of one view.
    """
    offsets = pa.array([0, len(sketch.hashes)], pa.int64())
    hashes = pa.LargeListArray.from_arrays(offsets, pa.array(sketch.hashes), type=SKETCHES.field("hashes").type)
    return pa.table([pa.array([file]), pa.array([sketch.scale]), hashes], schema=SKETCHES)


def to_rows(files: npt.NDArray[np.int64], hashes: Hashes) -> pa.Table:
    """Return the sketches of many files, of each of which all hashes are at hand.

    Args:
        files: of each hash the number of its file.
        hashes: what `sample_hashes` gives of them, in any order.

    Returns:
        SKETCHES, one row a file that has a hash, sorted by file.
    """
    order = np.lexsort((hashes, files))
    files, hashes = files[order], hashes[order]
    fresh = np.append(True, (files[1:] != files[:-1]) | (hashes[1:] != hashes[:-1]))[: len(files)]
    files, hashes = files[fresh], hashes[fresh]
    first = np.flatnonzero(np.append(True, files[1:] != files[:-1])[: len(files)])
    ends = np.append(first, len(files))
    if len(first) and np.diff(ends).max() > MOST_HASHES:
        parts = (_fit(FINEST_SCALE, hashes[ends[k] : ends[k + 1]]) for k in range(len(first)))
        return pa.concat_tables([to_row(int(files[k]), part) for k, part in zip(first, parts, strict=True)])
    kept = pa.LargeListArray.from_arrays(pa.array(ends), pa.array(hashes), type=SKETCHES.field("hashes").type)
    return pa.table([pa.array(files[first]), pa.array(np.full(len(first), FINEST_SCALE)), kept], schema=SKETCHES)


def read_sketch(table: pa.Table, row: int) -> Sketch:
    """Read a sketch back.

    Args:
        table: SKETCHES, or another table with its columns `scale` and `hashes`.
        row: which.
    """
    return Sketch(table["scale"][row].as_py(), table["hashes"][row].values.to_numpy())


def find_fault(table: pa.Table) -> str | None:
    """Say why some sketches cannot be compared; None if they can: a ledger may be a stranger's.

    Args:
        table: a table with the columns `scale` and `hashes`.
    """
    for row in range(table.num_rows):
        scale, hashes = read_sketch(table, row)
        if not FINEST_SCALE <= scale <= 1 << 63 or scale & (scale - 1):
            return f"{scale:,} is no scale"
        if len(hashes) > MOST_HASHES or (hashes[1:] <= hashes[:-1]).any() or (hashes[-1:] >= _hash_limit(scale)).any():
            return f"its hashes are not those of a sketch of the scale {scale:,}"
    return None


@njit(nogil=True, cache=True)
def _sample(values: Any, offsets: Any, words: Any, least: Any, limit: Any) -> Any:
    counts = np.zeros(words.shape[0], np.int64)
    for record in range(words.shape[0]):
        if words[record] >= least:
            at = offsets[record]
            while at < offsets[record + 1] and values[at] < limit:
                at += 1
            counts[record] = at - offsets[record]
    hashes = np.empty(counts.sum(), np.uint64)
    used = np.int64(0)
    for record in range(words.shape[0]):
        for at in range(offsets[record], offsets[record] + counts[record]):
            hashes[used] = values[at]
            used += 1
    return hashes, counts


def sample_hashes(shingled: ShingledRecords) -> tuple[Hashes, npt.NDArray[np.int64]]:
    """Return the hashes of a batch that a sketch may keep.

    They are those below 2**64 / FINEST_SCALE, of records of five words or more.

    Args:
        shingled: records that have words; each one's hashes are sorted, so that only the kept ones are looked at.

    Returns:
        uint64, neither sorted nor distinct; and of each record how many of them are its own, one after the other.
    """
    found: tuple[Hashes, npt.NDArray[np.int64]] = _sample(
        shingled.values,
        shingled.offsets,
        shingled.nodes["words"].to_numpy(),
        np.int64(WORDS_PER_SHINGLE),
        _hash_limit(FINEST_SCALE),
    )
    return found


class SketchBuilder:
    """The sketch of text that is still being read."""

    def __init__(self) -> None:
        self._sketch = Sketch(FINEST_SCALE, np.zeros(0, np.uint64))
        self._held: list[Hashes] = []
        self._count = 0

    def add(self, hashes: Hashes) -> None:
        """Take what `sample_hashes` gives of a batch, in any order."""
        self._held.append(hashes)
        self._count += len(hashes)
        if self._count > _BUFFERED_HASHES:
            self.close()

    def close(self) -> Sketch:
        """Return the sketch of what was added so far."""
        scale, kept = self._sketch
        parts = [each[each < _hash_limit(scale)] for each in self._held]  # what it let go before is not sorted again
        self._sketch = _fit(scale, _unite_hashes([kept, *parts]))
        self._held, self._count = [], 0
        return self._sketch


class OverlapEstimate(NamedTuple):
    """The share of the distinct shingles of one source that stand in another.

    Args:
        share: the estimate, in [0, 1]; None where no hash is left to tell by.
        low: the lower end of its interval of CONFIDENCE.
        high: the upper end.
    """

    share: float | None
    low: float
    high: float


def estimate(shared: int, total: int) -> OverlapEstimate:
    """Estimate a share from a sample.

    Args:
        shared: hashes of a sketch that stand in another too, at one scale.
        total: hashes of that sketch, at that scale.

    Returns:
        The share with its interval (Clopper and Pearson 1934); [0, 1] where there is nothing to tell by.
    """
    if not total:
        return OverlapEstimate(None, 0.0, 1.0)
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if shared == 0 else _bisect(lambda p: _at_least(shared, total, p) < tail)
    high = 1.0 if shared == total else _bisect(lambda p: _at_least(shared + 1, total, p) < 1 - tail)
    return OverlapEstimate(shared / total, low, high)


def compare_share(shared: int, total: int, share: float) -> int:
    """Tell on which side of a share an interval lies, quicker than by working it out.

    Args:
        shared: as for `estimate`.
        total: as for `estimate`.
        share: in (0, 1).

    Returns:
        1 if all of it is at or above, -1 if all of it is below, 0 if it cannot be told.
    """
    tail = (1 - CONFIDENCE) / 2
    if shared and shared >= share * total and _at_least(shared, total, share) <= tail:
        return 1
    if shared < share * total and _at_least(shared + 1, total, share) > 1 - tail:
        return -1
    return 0


def _bisect(below: Any) -> float:
    """Return where a condition that holds from 0 on ceases to, by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low


def _at_least(count: int, trials: int, chance: float) -> float:
    """Return the probability of `count` or more successes in `trials` trials: the regularised incomplete beta function.

    By its continued fraction (Abramowitz and Stegun, 26.5.8), which converges quickly left of the mean.
    """
    a, b = float(count), float(trials - count + 1)
    if chance > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - chance)
    return _beta(a, b, chance)


def _beta(a: float, b: float, x: float) -> float:
    if x <= 0:
        return 0.0
    front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 10_000):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + factor * d) or tiny)
            c = (1 + factor / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return math.exp(front) * value / a
