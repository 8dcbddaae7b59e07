"""MinHash signatures of shingle sets, and the band keys that bring similar records together.

A signature is bit for bit what `datasketch.MinHash(num_perm, seed, scheme="affine32")` (datasketch 2.0) holds when its
`hashfunc` is the low 32 bits of the shingle's XXH64; `LeanMinHash(seed=..., hashvalues=..., scheme="affine32")` loads
it. datasketch is needed by the tests alone.

Banding (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4): a signature is cut into b bands of r values; two
records become candidates if all values of one band agree, which happens with probability P(j) = 1 - (1 - j^r)^b at
Jaccard j. With r = 6 and b = 21 (126 permutations) P(0.8) = 0.998, P(0.9) = 1 - 6e-8, P(0.5) = 0.28, P(0.3) = 0.015.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.similarity.text.shingles import WORDS_PER_SHINGLE, hash_record, xxh64

if TYPE_CHECKING:
    from provenance.similarity.text.shingle_sets import Hashes, Offsets

ROWS_PER_BAND = 6
BANDS = 21
PERMUTATIONS = ROWS_PER_BAND * BANDS
SEED = 1  # datasketch's default

_FMIX_FIRST, _FMIX_SECOND = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)  # multipliers of fmix32 (MurmurHash3)
_HIGHEST = np.uint32(0xFFFFFFFF)  # above every hash that a permutation yields; a set without shingles keeps it
_MIXED = 1 << 16  # hashes of a record that are mixed at a time

Signatures = npt.NDArray[np.uint32]


@cache
def draw_permutations(count: int, seed: int) -> tuple[Signatures, Signatures]:
    """Draw the permutations h -> a * h + b modulo 2**32, a odd, as datasketch 2.0 does.

    Args:
        count: how many.
        seed: of numpy's legacy generator (MT19937), whose stream is frozen (NEP 19).

    Returns:
        `a` and `b`, uint32[count] each; the same arrays every time.
    """
    draw = np.random.RandomState(seed)  # the generator that datasketch draws from
    a = draw.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, count, dtype=np.uint32)
    return a, b


@njit(nogil=True, cache=True)
def _hash_shingles(data: Any, offsets: Any) -> Any:
    """Return the shingle hashes of every record in order, repetitions included, and n + 1 offsets into them."""
    count = offsets.shape[0] - 1
    words = np.zeros(count, np.int64)
    ends = np.zeros(count + 1, np.int64)
    for record in range(count):
        spaces = np.int64(0)
        for at in range(offsets[record], offsets[record + 1]):
            spaces += np.int64(data[at] == 32)
        if offsets[record + 1] > offsets[record]:
            words[record] = spaces + 1
            ends[record + 1] = max(words[record] - WORDS_PER_SHINGLE + 1, 1)
        ends[record + 1] += ends[record]
    hashes = np.empty(ends[count], np.uint64)
    for record in range(count):
        hash_record(data, offsets[record], offsets[record + 1], words[record], hashes[ends[record] : ends[record + 1]])
    return hashes, ends


def hash_shingles(data: npt.NDArray[np.uint8], offsets: Offsets) -> tuple[Hashes, Offsets]:
    """Hash every shingle of normalised records, in order, repetitions included.

    Args:
        data: normalised bytes, as `normalisation.normalise` gives them.
        offsets: n + 1 offsets into them.

    Returns:
        Hashes (uint64) of all records in one buffer, and n + 1 offsets into it; a record without words has none.
    """
    result: tuple[Hashes, Offsets] = _hash_shingles(data, offsets)
    return result


@njit(nogil=True, cache=True)
def _fmix32(value: Any) -> Any:
    """Return fmix32 of the low half, the finaliser of MurmurHash3."""
    h = np.uint32(value)
    h = np.uint32((h ^ (h >> np.uint32(16))) * _FMIX_FIRST)
    h = np.uint32((h ^ (h >> np.uint32(13))) * _FMIX_SECOND)
    return h ^ (h >> np.uint32(16))


@njit(nogil=True, cache=True)
def _sign_sets(values: Any, offsets: Any, a: Any, b: Any) -> Any:
    count = offsets.shape[0] - 1
    signatures = np.empty((count, a.shape[0]), np.uint32)
    mixed = np.empty(_MIXED, np.uint32)
    for record in range(count):
        signatures[record] = _HIGHEST
        for start in range(offsets[record], offsets[record + 1], _MIXED):
            used = min(offsets[record + 1] - start, _MIXED)
            for k in range(used):
                mixed[k] = _fmix32(values[start + k])
            # one pass a permutation: the minimum stays in a register and the loop vectorises
            for p in range(a.shape[0]):
                factor, term = a[p], b[p]
                least = signatures[record, p]
                for k in range(used):
                    least = min(least, np.uint32(factor * mixed[k] + term))
                signatures[record, p] = least
    return signatures


def sign_sets(values: Hashes, offsets: Offsets, num_perm: int = PERMUTATIONS, seed: int = SEED) -> Signatures:
    """Sign sets of shingle hashes; order and repetitions make no difference.

    Args:
        values: shingle hashes of all records in one buffer.
        offsets: n + 1 offsets into it.
        num_perm: permutations.
        seed: they are drawn from.

    Returns:
        uint32[n, num_perm]; a record without shingles has 2**32 - 1 throughout, as in datasketch.
    """
    result: Signatures = _sign_sets(values, offsets, *draw_permutations(num_perm, seed))
    return result


@njit(nogil=True, cache=True)
def _sign_unions(
    signed: Any, left_signed: Any, right_signed: Any, first: Any, second: Any, extra: Any, a: Any, b: Any
) -> None:
    for record in range(signed.shape[0]):
        if first[record] < 0:
            continue
        row, left, right = signed[record], left_signed[first[record]], right_signed[second[record]]
        for p in range(a.shape[0]):
            row[p] = min(left[p], right[p])
        for k in range(extra.shape[1]):
            h = _fmix32(extra[record, k])
            for p in range(a.shape[0]):
                row[p] = min(row[p], np.uint32(a[p] * h + b[p]))


def sign_unions(
    signed: Signatures,
    left_signed: Signatures,
    right_signed: Signatures,
    *,
    first: Offsets,
    second: Offsets,
    extra: Hashes,
) -> None:
    """Sign unions of sets that `sign_sets` has signed: every value is the least of those of the parts.

    Args:
        signed: uint32[n, PERMUTATIONS], into which is written.
        left_signed: signatures of some sets.
        right_signed: of others.
        first: of every union the place of a set in `left_signed`; -1 where nothing is to be written.
        second: of another in `right_signed`.
        extra: uint64[n, m], hashes of the union beside these.
    """
    _sign_unions(signed, left_signed, right_signed, first, second, extra, *draw_permutations(PERMUTATIONS, SEED))


def sign_records(
    data: npt.NDArray[np.uint8], offsets: Offsets, num_perm: int = PERMUTATIONS, seed: int = SEED
) -> Signatures:
    """Sign normalised records.

    Args:
        data: normalised bytes, as `normalisation.normalise` gives them.
        offsets: n + 1 offsets into them.
        num_perm: permutations.
        seed: they are drawn from.

    Returns:
        uint32[n, num_perm], as `sign_sets`; each row depends on its own record alone.
    """
    return sign_sets(*hash_shingles(data, offsets), num_perm, seed)


@njit(nogil=True, cache=True)
def _hash_bands(data: Any, width: Any, bands: Any) -> Any:
    keys = np.empty((data.shape[0], bands), np.uint64)
    for record in range(data.shape[0]):
        for band in range(bands):
            keys[record, band] = xxh64(data[record], band * width, (band + 1) * width, np.uint64(band))
    return keys


def band_keys(signed: Signatures, rows: int = ROWS_PER_BAND) -> Hashes:
    """Hash every band of signatures to one key.

    Args:
        signed: uint32[n, p], as `sign_sets` gives them.
        rows: values of a band; p // rows bands are made, values beyond the last are not used.

    Returns:
        uint64[n, p // rows]: XXH64 of the band's values (little-endian), its number as seed.
    """
    data = np.ascontiguousarray(signed, "<u4").view(np.uint8)
    result: Hashes = _hash_bands(data, 4 * rows, signed.shape[1] // rows)
    return result


def candidate_probability(jaccard: float, rows: int = ROWS_PER_BAND, bands: int = BANDS) -> float:
    """Return the probability 1 - (1 - j**r)**b that two records at Jaccard j become candidates.

    Args:
        jaccard: of their shingle sets, [0, 1].
        rows: r, values of a band.
        bands: b.
    """
    return float(1 - (1 - jaccard**rows) ** bands)
