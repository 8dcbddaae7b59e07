"""Shingle v2: five words of normalisation v2 joined by one space, hashed by XXH64 (seed 0) over their UTF-8.

A record of fewer than five words has one shingle: itself. A record without words has none, and no view. Because a
normalised record is its words joined by one space, every shingle is a slice of it and nothing is copied. XXH64 is that
of the xxHash specification (doc/xxhash_spec.md); the tests hold it to the reference library.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity.text.normalisation import name_with_folding, normalise
from provenance.similarity.text.reference_normalisation import normalise_reference
from provenance.similarity.text.unicode_tables import VERSIONS

SHINGLE = "shingle/v2 (5 words, XXH64 seed 0)"
SHINGLE_V1 = "shingle/v1 (5 words, XXH64 seed 0)"
"""The same of normalisation v1."""

WORDS_PER_SHINGLE = 5

_FEW = 64  # bytes below which a shingle is hashed with few branches
_RADIX_SORT_FROM = 2048  # hashes of a record that are sorted by their top byte first
_SLICE = 1 << 16  # bytes of a long record whose words are noted at a time
_OFTEN = np.int64(1 << 20)  # hashes of a long record that are made distinct at a time

_PRIME_1 = np.uint64(0x9E3779B185EBCA87)
_PRIME_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_3 = np.uint64(0x165667B19E3779F9)
_PRIME_4 = np.uint64(0x85EBCA77C2B2AE63)
_PRIME_5 = np.uint64(0x27D4EB2F165667C5)
# Typed, as all that a kernel gives a kernel: numba compiles one anew for each constant that it is called with.
_BITS, _HALF, _ZERO = np.uint64(64), np.uint64(32), np.uint64(0)
_BY_1, _BY_7, _BY_11, _BY_12 = np.uint64(1), np.uint64(7), np.uint64(11), np.uint64(12)
_BY_18, _BY_23, _BY_27, _BY_31 = np.uint64(18), np.uint64(23), np.uint64(27), np.uint64(31)
SECOND_SEED = np.uint64(0x9E3779B97F4A7C15)  # any other seed: with seed 0 it makes 128 bits of identity

NODES = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False, metadata={"doc": "number of the record in its file"}),
        pa.field("low", pa.uint64(), nullable=False, metadata={"doc": "XXH64 of the normalised text, seed 0"}),
        pa.field("high", pa.uint64(), nullable=False, metadata={"doc": "XXH64 of the same, second seed"}),
        pa.field("words", pa.int64(), nullable=False, metadata={"doc": "words of the normalised text"}),
        pa.field("distinct", pa.int64(), nullable=False, metadata={"doc": "distinct shingles"}),
    ],
    metadata={"table": "NODES", "grain": "one record that has words", "shingle": SHINGLE},
)


@njit(nogil=True, cache=True)
def _rotate(x: Any, by: Any) -> Any:
    return (x << by) | (x >> (_BITS - by))


@njit(nogil=True, cache=True)
def _read4(data: Any, at: Any) -> Any:
    """Read four bytes, the first one lowest: an index without sign is what lets LLVM make one load of it."""
    k = np.uint64(at)
    low = np.uint64(data[k]) | np.uint64(data[k + np.uint64(1)]) << np.uint64(8)
    high = np.uint64(data[k + np.uint64(2)]) | np.uint64(data[k + np.uint64(3)]) << np.uint64(8)
    return low | high << np.uint64(16)


@njit(nogil=True, cache=True)
def read8(data: Any, at: Any) -> Any:
    """Read eight bytes, the first one lowest (a kernel: uint8 array, int64 -> uint64)."""
    return _read4(data, at) | _read4(data, at + 4) << _HALF


@njit(nogil=True, cache=True)
def _round(lane: Any, word: Any) -> Any:
    return _rotate(lane + word * _PRIME_2, _BY_31) * _PRIME_1


@njit(nogil=True, cache=True)
def _step(h: Any, word: Any) -> Any:
    """Take in eight bytes."""
    return _rotate(h ^ _round(_ZERO, word), _BY_27) * _PRIME_1 + _PRIME_4


@njit(nogil=True, cache=True)
def _stripe(data: Any, at: Any, v1: Any, v2: Any, v3: Any, v4: Any) -> Any:
    """Take in 32 bytes, a lane for every eight."""
    v1 = _round(v1, read8(data, at))
    v2 = _round(v2, read8(data, at + 8))
    v3 = _round(v3, read8(data, at + 16))
    return v1, v2, v3, _round(v4, read8(data, at + 24))


@njit(nogil=True, cache=True)
def _merge_lanes(v1: Any, v2: Any, v3: Any, v4: Any) -> Any:
    h = _rotate(v1, _BY_1) + _rotate(v2, _BY_7) + _rotate(v3, _BY_12) + _rotate(v4, _BY_18)
    h = (h ^ _round(_ZERO, v1)) * _PRIME_1 + _PRIME_4
    h = (h ^ _round(_ZERO, v2)) * _PRIME_1 + _PRIME_4
    h = (h ^ _round(_ZERO, v3)) * _PRIME_1 + _PRIME_4
    return (h ^ _round(_ZERO, v4)) * _PRIME_1 + _PRIME_4


@njit(nogil=True, cache=True)
def _avalanche(h: Any) -> Any:
    h = (h ^ h >> np.uint64(33)) * _PRIME_2
    h = (h ^ h >> np.uint64(29)) * _PRIME_3
    return h ^ h >> np.uint64(32)


@njit(nogil=True, cache=True)
def xxh64(data: Any, start: Any, stop: Any, seed: Any) -> Any:
    """Return XXH64 of `data[start:stop]` (a kernel: uint8 array, int64, int64, uint64 -> uint64)."""
    at = start
    if stop - start >= 32:
        v1, v2, v3, v4 = seed + _PRIME_1 + _PRIME_2, seed + _PRIME_2, seed, seed - _PRIME_1
        while at + 32 <= stop:
            v1, v2, v3, v4 = _stripe(data, at, v1, v2, v3, v4)
            at += 32
        h = _merge_lanes(v1, v2, v3, v4)
    else:
        h = seed + _PRIME_5
    h += np.uint64(stop - start)
    while at + 8 <= stop:
        h = _step(h, read8(data, at))
        at += 8
    if at + 4 <= stop:
        h = _rotate(h ^ _read4(data, at) * _PRIME_1, _BY_23) * _PRIME_2 + _PRIME_3
        at += 4
    while at < stop:
        h = _rotate(h ^ np.uint64(data[np.uint64(at)]) * _PRIME_5, _BY_11) * _PRIME_1
        at += 1
    return _avalanche(h)


@njit(nogil=True, cache=True)
def _select(condition: Any, one: Any, other: Any) -> Any:
    """Choose without a branch: nobody can guess how words end, and a wrong guess costs more than a multiplication."""
    return other ^ ((one ^ other) & (np.uint64(0) - np.uint64(condition)))


@njit(nogil=True, cache=True)
def _xxh64_short(data: Any, at: Any, size: Any) -> Any:
    """Return XXH64 (seed 0) of fewer than _SHORT_BYTES bytes, as nearly all shingles are; as many follow in `data`."""
    h, rest = _PRIME_5, size
    if size >= 32:
        v1, v2, v3, v4 = _stripe(data, at, _PRIME_1 + _PRIME_2, _PRIME_2, np.uint64(0), np.uint64(0) - _PRIME_1)
        h = _merge_lanes(v1, v2, v3, v4)
        at += 32
        rest -= 32
    h += np.uint64(size)
    if rest >= 8:
        h = _step(h, read8(data, at))
        if rest >= 16:
            h = _step(h, read8(data, at + 8))
            if rest >= 24:
                h = _step(h, read8(data, at + 16))
    at += rest & 24
    h = _select((rest & 4) != 0, _rotate(h ^ _read4(data, at) * _PRIME_1, _BY_23) * _PRIME_2 + _PRIME_3, h)
    at += rest & 4
    for k in range(3):
        h = _select((rest & 3) > k, _rotate(h ^ np.uint64(data[np.uint64(at + k)]) * _PRIME_5, _BY_11) * _PRIME_1, h)
    return _avalanche(h)


@njit(nogil=True, cache=True)
def _count_words(data: Any, start: Any, stop: Any) -> Any:
    if start == stop:
        return np.int64(0)
    count = np.int64(1)
    for at in range(start, stop):
        count += data[np.uint64(at)] == 32
    return count


@njit(nogil=True, cache=True)
def _shingle(data: Any, first: Any, size: Any) -> Any:
    """Hash one shingle."""
    if size < _FEW and first + _FEW <= data.shape[0]:
        return _xxh64_short(data, first, size)
    return xxh64(data, first, first + size, np.uint64(0))


@njit(nogil=True, cache=True)
def _distinct(values: Any) -> Any:
    """Sort hashes in place and keep each once, at the front; return how many."""
    values.sort()
    used = np.int64(0)
    for k in range(values.shape[0]):
        if used == 0 or values[k] != values[used - 1]:
            values[used] = values[k]
            used += 1
    return used


@njit(nogil=True, cache=True)
def _hash_long(data: Any, start: Any, stop: Any, hashes: Any, often: Any) -> Any:
    """Write the shingle hashes of a record of many words, of which only some are noted at a time; return how many.

    They come in order where `often` is 0; else so many of them at a time are sorted and written once, so that a long
    record that repeats itself touches little memory.
    """
    kept = np.int64(0)
    begins = np.empty(_SLICE + WORDS_PER_SHINGLE + 2, np.int64)
    begins[0] = start
    known, used, at = np.int64(1), np.int64(0), np.int64(start)
    while at < stop:
        end = min(at + _SLICE, stop)
        word = np.uint64(known)
        for k in range(at, end):
            begins[word] = k + 1
            word += np.uint64(data[np.uint64(k)] == 32)
        known, at = np.int64(word), end
        if at == stop:
            begins[known] = stop + 1
            known += 1
        for k in range(known - WORDS_PER_SHINGLE):
            hashes[used] = _shingle(data, begins[k], begins[k + WORDS_PER_SHINGLE] - 1 - begins[k])
            used += 1
        if known > WORDS_PER_SHINGLE:
            for k in range(WORDS_PER_SHINGLE):
                begins[k] = begins[known - WORDS_PER_SHINGLE + k]
            known = np.int64(WORDS_PER_SHINGLE)
        if often and used - kept >= often:
            kept += _distinct(hashes[kept:used])
            used = kept
    return used


@njit(nogil=True, cache=True)
def hash_record(data: Any, start: Any, stop: Any, words: Any, hashes: Any) -> Any:
    """Write the shingle hashes of one normalised record in order (a kernel); return how many.

    `hashes` must have room for `max(words - 4, 1)`.
    """
    if words == 0:
        return 0
    if words <= WORDS_PER_SHINGLE:
        hashes[0] = xxh64(data, start, stop, np.uint64(0))
        return 1
    if words > _SLICE:
        return _hash_long(data, start, stop, hashes, np.int64(0))
    begins = np.empty(words + 1, np.int64)
    begins[0] = start
    word = np.uint64(1)
    for at in range(start, stop):  # without a branch too: what follows a space is written until another one comes
        begins[word] = at + 1
        word += np.uint64(data[np.uint64(at)] == 32)
    begins[words] = stop + 1
    used = words - WORDS_PER_SHINGLE + 1
    for k in range(used):
        hashes[k] = _shingle(data, begins[k], begins[k + WORDS_PER_SHINGLE] - 1 - begins[k])
    return used


@njit(nogil=True, cache=True)
def _sort(values: Any, spare: Any, ends: Any) -> None:
    """Sort hashes: a pass by their top byte leaves runs of one or two, which are sorted by insertion.

    Many values go to the general sort, so that a record made of few shingles in one run costs no square of its length.
    """
    count = values.shape[0]
    if count > _RADIX_SORT_FROM:
        values.sort()
        return
    ends[:] = 0
    for k in range(count):
        ends[values[k] >> np.uint64(56)] += 1
    at = 0
    for byte in range(256):
        at, ends[byte] = at + ends[byte], at
    for k in range(count):
        byte = values[k] >> np.uint64(56)
        spare[ends[byte]] = values[k]
        ends[byte] += 1
    for k in range(count):
        value, at = spare[k], k
        while at > 0 and values[np.uint64(at - 1)] > value:
            values[np.uint64(at)] = values[np.uint64(at - 1)]
            at -= 1
        values[np.uint64(at)] = value


@njit(nogil=True, cache=True)
def _cut_records(data: Any, offsets: Any) -> Any:
    count = offsets.shape[0] - 1
    low = np.zeros(count, np.uint64)
    high = np.zeros(count, np.uint64)
    words = np.zeros(count, np.int64)
    ends = np.zeros(count + 1, np.int64)
    room = np.int64(0)
    for record in range(count):
        words[record] = _count_words(data, offsets[record], offsets[record + 1])
        room += words[record]
    values = np.empty(room, np.uint64)
    spare, tops = np.empty(_RADIX_SORT_FROM, np.uint64), np.empty(256, np.int64)
    used = np.int64(0)
    for record in range(count):
        start, stop = offsets[record], offsets[record + 1]
        if words[record]:
            low[record] = xxh64(data, start, stop, np.uint64(0))
            high[record] = xxh64(data, start, stop, SECOND_SEED)
            if words[record] > _OFTEN:
                found = _hash_long(data, start, stop, values[used:], _OFTEN)
            else:
                found = hash_record(data, start, stop, words[record], values[used:])
            part = values[used : used + found]
            _sort(part, spare, tops)
            first = used
            for k in range(found):
                if used == first or part[k] != values[used - 1]:
                    values[used] = part[k]
                    used += 1
        ends[record + 1] = used
    return low, high, words, values[:used], ends


class ShingledRecords(NamedTuple):
    """Records that have words, with their shingles.

    Args:
        nodes: NODES.
        values: the sorted distinct shingle hashes of every one of them, set after set.
        offsets: n + 1 offsets into `values`.
    """

    nodes: pa.Table
    values: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]


def shingle_texts(texts: pa.LargeStringArray, rows: pa.Int64Array, *, fold_chinese: bool = False) -> ShingledRecords:
    """Identify every text of a column by its normalised form, and cut it into shingles.

    Args:
        texts: one view of a batch of records; null where a record has no such view.
        rows: each record's number in its file.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        One row and one set per record that has at least one word, in the order given.
    """
    return keep_with_words(cut_records(*normalise(texts, fold_chinese=fold_chinese)), rows, fold_chinese=fold_chinese)


CutRecords = tuple[
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint64],
    npt.NDArray[np.int64],
    npt.NDArray[np.uint64],
    npt.NDArray[np.int64],
]
"""Of every record, one without words too: low, high and words as in NODES; all sets, and n + 1 offsets into them."""


def cut_records(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> CutRecords:
    """Identify normalised records, and cut them into shingles.

    Args:
        data: normalised bytes, as `normalisation.normalise` gives them.
        offsets: n + 1 offsets into them.
    """
    result: CutRecords = _cut_records(data, offsets)
    return result


def keep_with_words(cut: CutRecords, rows: pa.Int64Array, *, fold_chinese: bool = False) -> ShingledRecords:
    """Keep the records that have words.

    Args:
        cut: every record's sets.
        rows: each record's number in its file.
        fold_chinese: whether they were cut from folded text, which their name says.
    """
    low, high, words, values, ends = cut
    kept = words > 0
    offsets = ends[np.append(True, kept)]  # a record without words has no shingles: its end is that of the one before
    columns = [np.asarray(rows)[kept], low[kept], high[kept], words[kept], np.diff(offsets)]
    name = {b"shingle": name_with_folding(SHINGLE, fold_chinese=fold_chinese)}
    schema = NODES.with_metadata((NODES.metadata or {}) | name)
    return ShingledRecords(pa.table([pa.array(column) for column in columns], schema=schema), values, offsets)


@njit(nogil=True, cache=True)
def _select_sets(values: Any, offsets: Any, places: Any) -> Any:
    ends = np.zeros(places.shape[0] + 1, np.int64)
    for k in range(places.shape[0]):
        ends[k + 1] = ends[k] + offsets[places[k] + 1] - offsets[places[k]]
    some = np.empty(ends[-1], np.uint64)
    for k in range(places.shape[0]):
        for j in range(ends[k + 1] - ends[k]):
            some[ends[k] + j] = values[offsets[places[k]] + j]
    return some, ends


def select_sets(
    shingled: ShingledRecords, places: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Pick the sets of some records.

    Args:
        shingled: records that have words.
        places: which of them.

    Returns:
        `values` and `offsets` of those.
    """
    some: tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]] = _select_sets(shingled.values, shingled.offsets, places)
    return some


def identify_texts(texts: pa.LargeStringArray, rows: pa.Int64Array) -> pa.Table:
    """Identify every text of a column by its normalised form.

    Args:
        texts: as for `shingle_texts`.
        rows: each record's number in its file.

    Returns:
        NODES, one row per record that has at least one word, in the order given.
    """
    return shingle_texts(texts, rows).nodes


def shingles_reference(text: str, *, version: int = VERSIONS[-1]) -> list[str]:
    """Return the shingles of one text in order, in plain Python: the definition, for tests and other implementations.

    Args:
        text: any text, not normalised.
        version: of the normalisation, 1 or 2.

    Returns:
        Each shingle's text; its hash is XXH64 (seed 0) of the UTF-8.
    """
    words = normalise_reference(text, version=version).split()
    if len(words) <= WORDS_PER_SHINGLE:
        return [" ".join(words)] if words else []
    return [" ".join(words[k : k + WORDS_PER_SHINGLE]) for k in range(len(words) - WORDS_PER_SHINGLE + 1)]
