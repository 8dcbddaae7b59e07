"""Normalisation v2, and v1: what it means here that two texts are the same.

Version 1: Unicode NFKC, then full case folding; word characters are those of categories L, M, N; everything else
separates; a code point of Han, Hiragana, Katakana, Thai, Lao, Khmer or Myanmar is a word by itself; words are joined by
one space. All by the tables of Unicode 14.0.0, which ship with the package (UAX #15, UAX #44, CaseFolding C+F), so that
the answer does not depend on the Python that runs. `reference_normalisation` says the same in plain Python; published
vectors in `data/shingle-v1-vectors.json` and `data/shingle-v2-vectors.json` let anybody check an implementation of
their own.

Version 2 is version 1 of the NFKC text without what nobody sees: the code points with the property
Default_Ignorable_Code_Point (zero-width spaces and joiners, soft hyphens, variation selectors, Hangul fillers, ...) and
U+0640, the Arabic tatweel. Where a text holds none of them, both say the same. Scans use version 2; version 1 is for
indexes that were made with it.

The kernel reads Arrow buffers in place. A code point whose decomposition begins with a mark, or with the second half of
a composite, may join what stands before it; all others are normalisation boundaries. A segment between two boundaries
is nearly always one code point, whose folded NFKC form stands in a table; only longer ones are decomposed, reordered
and composed. For version 2 what is left out joins what stands before it, too, and goes when its segment is decomposed:
none of it composes with anything, so that this equals taking it from the NFKC text.

With Chinese folded, which is another normalisation of another name, a traditional character then becomes its simplified
one: by OpenCC's table of characters, the first of several, character by character and never by words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.similarity.text.unicode_tables import (
    HAS_SEVERAL_FOLDINGS,
    JOINS_PREVIOUS,
    LEFT_OUT,
    VERSIONS,
    WORD,
    WORD_ALONE,
    load_tables,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from provenance.similarity.text.unicode_tables import Bytes, Offsets

NORMALISATION = "normalisation/v2 (Unicode 14.0.0)"
NORMALISATION_V1 = "normalisation/v1 (Unicode 14.0.0)"
"""Its name before invisible characters were left out."""

CHINESE = "chinese/v1 (OpenCC TSCharacters, the first of several)"
"""Name of the folding of traditional characters, where it is asked for."""

_INSIDE_WORD, _SPACE_DUE, _NOTHING_WRITTEN = (
    0,
    1,
    2,
)  # the writer: within a word; a space is due before the next; nothing written yet
_HANGUL_SYLLABLES, _HANGUL_LEADING, _HANGUL_VOWELS, _HANGUL_TRAILING = (
    0xAC00,
    0x1100,
    0x1161,
    0x11A7,
)  # Hangul (The Unicode Standard, 3.12)

_LEADING_COUNT, _VOWEL_COUNT, _TRAILING_COUNT = 19, 21, 28  # jamo; "no trailing consonant" is counted as one (3.12)
_PER_LEADING = _VOWEL_COUNT * _TRAILING_COUNT  # syllables that begin with one consonant
_SYLLABLE_COUNT = _LEADING_COUNT * _PER_LEADING
_CLASSES = 256  # canonical combining classes, a byte (Unicode, 3.11)
_LONGEST_DECOMPOSITION = np.int64(24)  # code points, and some to spare: U+FDFA has 18
_LAST_CODE_POINT, _REPLACEMENT = 0x10FFFF, 0xFFFD  # the highest there is; what stands for bytes that are cut off


def name_with_folding(name: str, *, fold_chinese: bool) -> str:
    """Return the name of a normalisation or shingle: what was folded is never compared with what was not.

    Args:
        name: NORMALISATION, or that of the shingle.
        fold_chinese: whether traditional characters count as their simplified ones.
    """
    return f"{name} + {CHINESE}" if fold_chinese else name


@njit(nogil=True, cache=True)
def _decode_utf8(data: Any, at: Any, end: Any) -> Any:
    """Return the code point at `at` and its length; the reader has checked that the bytes are UTF-8."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0 and at + 1 < end:
        return (first & 0x1F) << 6 | np.int64(data[at + 1] & 0x3F), 2
    if first < 0xF0 and at + 2 < end:
        return (first & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | np.int64(data[at + 2] & 0x3F), 3
    if at + 3 < end:
        code = (first & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12
        code = code | np.int64(data[at + 2] & 0x3F) << 6 | np.int64(data[at + 3] & 0x3F)
        return min(code, _LAST_CODE_POINT), 4
    return _REPLACEMENT, 1


@njit(nogil=True, cache=True)
def _encode_utf8(code: Any, out: Any, at: Any) -> Any:
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 0x3F
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | (code >> 6) & 0x3F
        out[at + 2] = 0x80 | code & 0x3F
        return at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | (code >> 12) & 0x3F
    out[at + 2] = 0x80 | (code >> 6) & 0x3F
    out[at + 3] = 0x80 | code & 0x3F
    return at + 4


@njit(nogil=True, cache=True)
def _write_code_point(code: Any, kind: Any, out: Any, at: Any, state: Any) -> Any:
    """Write one folded code point of class `kind`, with the space that is due."""
    if kind & WORD:
        if state == _SPACE_DUE:
            out[at] = 32
            at += 1
        return _encode_utf8(code, out, at), _INSIDE_WORD
    if kind & WORD_ALONE:
        if state != _NOTHING_WRITTEN:
            out[at] = 32
            at += 1
        return _encode_utf8(code, out, at), _SPACE_DUE
    return at, _SPACE_DUE if state == _INSIDE_WORD else state


@njit(nogil=True, cache=True)
def _write_foldings(index: Any, flags: Any, pool: Any, out: Any, at: Any, state: Any) -> Any:
    """Write the folding of a code point that has several."""
    for k in range(index + 1, index + 1 + pool[index]):
        folded = np.int64(pool[k])
        at, state = _write_code_point(folded, flags[folded], out, at, state)
    return at, state


@njit(nogil=True, cache=True)
def _with_room(buffer: Any, used: Any, wanted: Any) -> Any:
    """Return `buffer`, or a larger copy with room for `wanted` more items."""
    if used + wanted <= buffer.shape[0]:
        return buffer
    larger = np.empty(max(2 * buffer.shape[0], used + wanted), buffer.dtype)
    for k in range(used):  # a slice would bring a sentence about its length, which takes seconds to compile
        larger[k] = buffer[k]
    return larger


@njit(nogil=True, cache=True)
def _decompose(data: Any, at: Any, end: Any, codes: Any, tables: Any) -> Any:
    """Decompose `data[at:end]` fully (NFKD, before reordering) into `codes`, without what is left out."""
    used = np.int64(0)
    while at < end:
        code, size = _decode_utf8(data, at, end)
        at += size
        codes = _with_room(codes, used, _LONGEST_DECOMPOSITION)
        index = tables.decomposition[code]
        if _HANGUL_SYLLABLES <= code < _HANGUL_SYLLABLES + _SYLLABLE_COUNT:
            s = code - _HANGUL_SYLLABLES
            codes[used] = _HANGUL_LEADING + s // _PER_LEADING
            codes[used + 1] = _HANGUL_VOWELS + s % _PER_LEADING // _TRAILING_COUNT
            used += 2
            if s % _TRAILING_COUNT:
                codes[used] = _HANGUL_TRAILING + s % _TRAILING_COUNT
                used += 1
        elif index:
            for k in range(1, tables.pool[index] + 1):
                codes[used] = tables.pool[index + k]
                used += (tables.flags[codes[used]] & LEFT_OUT) == 0
        else:
            codes[used] = code
            used += (tables.flags[code] & LEFT_OUT) == 0
    return codes, used


@njit(nogil=True, cache=True)
def _reorder_marks(codes: Any, used: Any, tables: Any) -> Any:
    """Sort every run of marks by combining class, stably; by counting, so that a megabyte of marks is linear."""
    at = 0
    while at < used:
        if tables.marks[codes[at]] == 0:
            at += 1
            continue
        stop, unsorted, last = at, False, 0
        while stop < used:
            mark = tables.marks[codes[stop]]
            if mark == 0:
                break
            unsorted = unsorted or mark < last
            last = mark
            stop += 1
        if unsorted:
            starts = np.zeros(_CLASSES + 1, np.int64)
            run = codes[at:stop].copy()
            for k in range(run.shape[0]):
                starts[np.int64(tables.marks[run[k]]) + 1] += 1
            for k in range(1, _CLASSES + 1):
                starts[k] += starts[k - 1]
            for k in range(run.shape[0]):
                mark = np.int64(tables.marks[run[k]])
                codes[at + starts[mark]] = run[k]
                starts[mark] += 1
        at = stop


@njit(nogil=True, cache=True)
def _composite(first: Any, second: Any, tables: Any) -> Any:
    """Return the primary composite of a pair, or -1."""
    is_leading = _HANGUL_LEADING <= first < _HANGUL_LEADING + _LEADING_COUNT
    if is_leading and _HANGUL_VOWELS <= second < _HANGUL_VOWELS + _VOWEL_COUNT:
        pair = (first - _HANGUL_LEADING) * _VOWEL_COUNT + second - _HANGUL_VOWELS
        return _HANGUL_SYLLABLES + pair * _TRAILING_COUNT
    if (
        _HANGUL_SYLLABLES <= first < _HANGUL_SYLLABLES + _SYLLABLE_COUNT
        and (first - _HANGUL_SYLLABLES) % _TRAILING_COUNT == 0
        and _HANGUL_TRAILING < second < _HANGUL_TRAILING + _TRAILING_COUNT
    ):
        return first + second - _HANGUL_TRAILING
    key = first << 21 | second
    at = np.searchsorted(tables.pair_keys, key)
    if at < tables.pair_keys.shape[0] and tables.pair_keys[at] == key:
        return np.int64(tables.pair_codes[at])
    return np.int64(-1)


@njit(nogil=True, cache=True)
def _compose(codes: Any, used: Any, tables: Any) -> Any:
    """Compose in place (UAX #15); return how many code points remain."""
    if used == 0:
        return 0
    starter = 0
    last = np.int64(tables.marks[codes[0]])
    if last:
        last = np.int64(256)  # nothing composes with a mark that has no starter
    kept = 1
    for k in range(1, used):
        code = codes[k]
        mark = np.int64(tables.marks[code])
        composite = _composite(codes[starter], code, tables) if last < mark or last == 0 else np.int64(-1)
        if composite >= 0:
            codes[starter] = composite
            continue
        if mark == 0:
            starter = kept
        last = mark
        codes[kept] = code
        kept += 1
    return kept


@njit(nogil=True, cache=True)
def _write_segment(data: Any, at: Any, stop: Any, out: Any, pos: Any, state: Any, tables: Any) -> Any:
    """Write several code points that may compose; pos is -1 where `out` has no room."""
    codes, used = _decompose(data, at, stop, np.empty(64, np.int64), tables)
    _reorder_marks(codes, used, tables)
    used = _compose(codes, used, tables)
    if out.shape[0] - pos < 15 * used + 64:  # three folded code points each, of four bytes and a space
        return np.int64(-1), state
    for k in range(used):
        code = codes[k]
        if tables.flags[code] & HAS_SEVERAL_FOLDINGS:
            pos, state = _write_foldings(tables.fold[code], tables.flags, tables.pool, out, pos, state)
        else:
            pos, state = _write_code_point(np.int64(tables.fold[code]), tables.flags[code], out, pos, state)
    return pos, state


@njit(nogil=True, cache=True)
def _normalise_record(
    data: Any, at: Any, end: Any, out: Any, pos: Any, flags: Any, fold: Any, leads: Any, tables: Any
) -> Any:
    """Normalise one record into `out` from `pos` on; return where it ends, or -1 where `out` has no room."""
    state: Any = np.int64(_NOTHING_WRITTEN)
    limit = out.shape[0] - 160  # the longest folding (U+FDFA) and its spaces
    while at < end:
        if pos > limit:
            return np.int64(-1)
        byte = data[np.uint64(at)]  # an index without sign needs no check for a negative one
        if byte < 0x80 and (at + 1 >= end or data[np.uint64(at + 1)] < 0x80):
            # without a branch: both are written, and what does not count is written over
            word = np.int64((flags[byte] & WORD) != 0)
            out[np.uint64(pos)] = 32
            pos += word & np.int64(state == _SPACE_DUE)
            out[np.uint64(pos)] = fold[byte]
            pos += word
            state = (word - 1) & max(state, _SPACE_DUE)
            at += 1
            continue
        code, size = _decode_utf8(data, at, end)
        stop = at + size
        while stop < end and leads[data[np.uint64(stop)]]:
            following, width = _decode_utf8(data, stop, end)
            if not flags[following] & JOINS_PREVIOUS:
                break
            stop += width
        if stop > at + size:
            pos, state = _write_segment(data, at, stop, out, pos, state, tables)
            if pos < 0:
                return pos
        elif flags[code] & HAS_SEVERAL_FOLDINGS:
            pos, state = _write_foldings(fold[code], flags, tables.pool, out, pos, state)
        else:
            pos, state = _write_code_point(np.int64(fold[code]), flags[code], out, pos, state)
        at = stop
    return pos


@njit(nogil=True, cache=True)
def _normalise(data: Any, offsets: Any, tables: Any) -> Any:
    count = offsets.shape[0] - 1
    ends = np.zeros(count + 1, np.int64)
    out = np.empty(2 * (offsets[count] - offsets[0]) + 1024, np.uint8)
    pos = np.int64(0)
    flags, fold, leads = tables.flags, tables.fold, tables.joining_leads
    for record in range(count):
        begin, end = offsets[record], offsets[record + 1]
        after = _normalise_record(data, begin, end, out, pos, flags, fold, leads, tables)
        while after < 0:
            out = _with_room(out, pos, 2 * out.shape[0] - pos)
            after = _normalise_record(data, begin, end, out, pos, flags, fold, leads, tables)
        pos = after
        ends[record + 1] = pos
    return out[:pos], ends


@njit(nogil=True, cache=True)
def _growth(data: Any, at: Any, end: Any, t: Any) -> Any:
    """Return at most how many bytes a record has once it is normalised, and its longest run of joining code points."""
    size, run, longest = np.int64(0), np.int64(0), np.int64(0)
    while at < end:
        code, width = _decode_utf8(data, at, end)
        at += width
        flags = t.flags[code]
        run = run + 1 if flags & JOINS_PREVIOUS else np.int64(0)
        longest = max(longest, run)
        size += (
            5 * np.int64(t.pool[t.fold[code]]) if flags & HAS_SEVERAL_FOLDINGS else width + (flags & WORD_ALONE != 0)
        )
    return size, longest


def growth(text: Bytes) -> tuple[int, int]:
    """Tell what normalising one long text would take, without doing it.

    Args:
        text: its UTF-8.

    Returns:
        Bytes of the normalised text, at most, and the code points of its longest segment.
    """
    size, longest = _growth(text, 0, len(text), load_tables())
    return int(size), int(longest)


@njit(nogil=True, cache=True)
def _locate_words(data: Any, at: Any, end: Any, out: Any, starts: Any, stops: Any, tables: Any) -> Any:
    """Normalise one record as `_normalise_record` does, and note where each of its words begins and ends in `data`."""
    pos, state, word = np.int64(0), np.int64(_NOTHING_WRITTEN), np.int64(-1)
    while at < end:
        if pos > out.shape[0] - 160:
            return word
        code, size = _decode_utf8(data, at, end)
        stop = at + size
        while stop < end and data[stop] >= 0x80:
            following, width = _decode_utf8(data, stop, end)
            if not tables.flags[following] & JOINS_PREVIOUS:
                break
            stop += width
        before = pos
        if stop > at + size:
            pos, state = _write_segment(data, at, stop, out, pos, state, tables)
            if pos < 0:
                return word
        elif tables.flags[code] & HAS_SEVERAL_FOLDINGS:
            pos, state = _write_foldings(tables.fold[code], tables.flags, tables.pool, out, pos, state)
        else:
            pos, state = _write_code_point(np.int64(tables.fold[code]), tables.flags[code], out, pos, state)
        for k in range(before, pos):
            if out[k] == 32 or word < 0:
                word += 1
                starts[word] = at
            if out[k] != 32:
                stops[word] = stop
        at = stop
    return word + 1


@njit(nogil=True, cache=True)
def locate_words(data: Any, begin: Any, end: Any, words: Any, tables: Any) -> Any:
    """Find the words of a normalised text in the bytes that they were made of (a kernel).

    Args:
        data: UTF-8.
        begin: where one text begins in it.
        end: where it ends.
        words: how many words it has, see `normalise`.
        tables: from `load_tables`.

    Returns:
        Where each word begins and ends, in bytes; `data[starts[i]:stops[j]]` normalises to the words i to j.
    """
    starts, stops = np.zeros(words, np.int64), np.zeros(words, np.int64)
    room = 4 * (end - begin) + 1024
    while words and _locate_words(data, begin, end, np.empty(room, np.uint8), starts, stops, tables) < words:
        room *= 2  # a segment of many marks asks for the most that it could take
    return starts, stops


def normalise(
    texts: pa.LargeStringArray, *, fold_chinese: bool = False, version: int = VERSIONS[-1]
) -> tuple[Bytes, Offsets]:
    """Normalise a column of texts.

    Args:
        texts: valid UTF-8; a null counts as an empty text.
        fold_chinese: whether traditional characters count as their simplified ones.
        version: of the normalisation, 1 or 2.

    Returns:
        The normalised bytes of all texts in one buffer, and n + 1 offsets into it.
    """
    data, offsets = buffers(texts)
    result: tuple[Bytes, Offsets] = _normalise(data, offsets, load_tables(fold_chinese=fold_chinese, version=version))
    return result


def buffers(texts: pa.LargeStringArray) -> tuple[Bytes, Offsets]:
    """Return a large_string column's bytes and its n + 1 offsets, in place; a null becomes an empty slice.

    Args:
        texts: any large_string array, sliced or not.

    Returns:
        `data` (uint8) and `offsets` (int64), record i being `data[offsets[i]:offsets[i + 1]]`.
    """
    if texts.null_count:
        texts = texts.fill_null("")
    _, offsets, data = texts.buffers()
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    view = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8), view
