"""The tape on which readers put down values: one row a value, which views are made of.

A row says record, kind, rank, group (the turn it belongs to, or -1), start, end, flags, name (0, or by what the column
is found whose name is that of personal data), and field (the number of its column from 1; 0 = none of its own). Start
and end point into one buffer of bytes. Values of kind META stand in no view: detectors alone look at them. No Python
touches a record.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.readers.records import string_kernels
from provenance.readers.records.characters import (
    BACKSLASH,
    DOT,
    LOWER_A,
    LOWER_U,
    LOWER_Z,
    MINUS,
    NEWLINE,
    NINE,
    OPEN_PARENTHESIS,
    PLUS,
    QUOTE,
    SLASH,
    SPACE,
    ZERO,
)
from provenance.readers.records.column_roles import META, OTHER, RECORD, SIDE, SPEAKER
from provenance.readers.records.string_kernels import ESCAPED

REC, KIND, RANK, GROUP, START, END, FLAGS, NAME, FIELD = range(9)
"""Columns of a tape."""

WIDTH = 9
"""How many there are."""

BLANK, ANSWERS, QUOTED, DEAD = 2, 4, 8, 16
"""Flags of a tape's row beside ESCAPED: nothing visible; the assistant speaks; CSV quotes are doubled; overwritten."""


@njit(nogil=True, cache=True)
def is_blank(buf: Any, i: int, end: int, escaped: bool) -> bool:
    """Say whether a value holds nothing but white space and control characters (ASCII)."""
    while i < end:
        c = buf[i]
        if escaped and c == BACKSLASH:
            c = buf[i + 1]
            if c == QUOTE or c == BACKSLASH or c == SLASH:
                return False
            if c == LOWER_U:
                if string_kernels.read_hexadecimal(buf, i + 2) > 32:
                    return False
                i += 4
            i += 2
        elif c > SPACE:
            return False
        else:
            i += 1
    return True


_LATIN = 0xC0
"""Below it letters are those of ASCII and three signs: the ordinals (feminine, masculine) and micro."""
_ORDINAL_A, _MICRO, _ORDINAL_O = 0xAA, 0xB5, 0xBA

# Blocks without letters, first code point and the one behind the last, from Blocks.txt of Unicode.
_SYMBOLS, _AFTER_SYMBOLS = 0x2000, 0x2C00  # general punctuation to arrows and miscellaneous symbols
_CJK_MARKS, _AFTER_CJK_MARKS = 0x3000, 0x3005  # CJK punctuation up to the iteration mark, which is a letter
_CJK_BRACKETS, _AFTER_CJK_BRACKETS = 0x3008, 0x3021  # CJK brackets and signs up to the Hangzhou numerals
_SURROGATES, _AFTER_PRIVATE_USE = 0xD800, 0xF900  # surrogates, then private use
_VERTICAL_FORMS, _AFTER_SMALL_FORMS = 0xFE10, 0xFE70  # vertical, combining half, compatibility and small forms
_FULLWIDTH, _FULLWIDTH_A = 0xFF00, 0xFF21  # fullwidth punctuation and digits, up to the letter A
_PICTOGRAPHS, _IDEOGRAPHS = 0x1F000, 0x20000  # game pieces and emoji, up to the next plane


@njit(nogil=True, cache=True)
def _is_letter(code: int) -> bool:
    if code < _LATIN:
        return LOWER_A <= (code | 32) <= LOWER_Z or code == _ORDINAL_A or code == _MICRO or code == _ORDINAL_O
    if _SYMBOLS <= code < _AFTER_SYMBOLS or _CJK_MARKS <= code < _AFTER_CJK_MARKS:
        return False
    if _CJK_BRACKETS <= code < _AFTER_CJK_BRACKETS:
        return False
    return not (
        _SURROGATES <= code < _AFTER_PRIVATE_USE
        or _VERTICAL_FORMS <= code < _AFTER_SMALL_FORMS
        or _FULLWIDTH <= code < _FULLWIDTH_A
        or (code >= _PICTOGRAPHS and code < _IDEOGRAPHS)
    )


@njit(nogil=True, cache=True)
def holds_letter(buf: Any, i: int, end: int, escaped: bool) -> bool:
    """Say whether a value holds a letter (by Unicode block; punctuation, symbols, private use and emoji are none)."""
    while i < end:
        c = int(buf[i])
        if escaped and c == BACKSLASH:
            if buf[i + 1] == LOWER_U:
                if _is_letter(string_kernels.read_hexadecimal(buf, i + 2)):
                    return True
                i += 6
            else:
                i += 2
            continue
        length = 1
        if c >= 0xF0:
            length = 4
            c = (c & 7) << 18 | (int(buf[i + 1]) & 63) << 12 | (int(buf[i + 2]) & 63) << 6 | int(buf[i + 3]) & 63
        elif c >= 0xE0:
            length = 3
            c = (c & 15) << 12 | (int(buf[i + 1]) & 63) << 6 | int(buf[i + 2]) & 63
        elif c >= 0xC0:
            length = 2
            c = (c & 31) << 6 | int(buf[i + 1]) & 63
        if _is_letter(c):
            return True
        i += length
    return False


_AROUND_LATIN = 0x2E80
"""From this code point on scripts begin of which a character is counted as a word, surrogates and emoji left out."""
_THAI, _AFTER_LAO, _MYANMAR, _AFTER_MYANMAR, _KHMER, _AFTER_KHMER = 0xE00, 0xF00, 0x1000, 0x10A0, 0x1780, 0x1800


@njit(nogil=True, cache=True)
def _is_word_alone(code: Any) -> Any:
    """Say whether a character is counted as a word by itself."""
    if code < _THAI:
        return False
    if code >= _AROUND_LATIN:
        return code < _SURROGATES and _is_letter(code)
    return code < _AFTER_LAO or _MYANMAR <= code < _AFTER_MYANMAR or _KHMER <= code < _AFTER_KHMER


@njit(nogil=True, cache=True)
def _read_character(buf: Any, i: Any, escaped: Any) -> Any:
    """Return the code point at `i`, about, and where the next begins: escapes of controls are blanks."""
    c = int(buf[i])
    if escaped and c == BACKSLASH:
        after = buf[i + 1]
        if after == LOWER_U:
            return int(string_kernels.read_hexadecimal(buf, i + 2)), i + 6
        return (int(after) if after == QUOTE or after == SLASH or after == BACKSLASH else int(SPACE)), i + 2
    if c >= 0xF0:
        return int(_SURROGATES), i + 4
    if c >= 0xE0:
        return (c & 15) << 12 | (int(buf[i + 1]) & 63) << 6 | int(buf[i + 2]) & 63, i + 3
    if c >= 0xC0:
        return (c & 31) << 6 | int(buf[i + 1]) & 63, i + 2
    return c, i + 1


@njit(nogil=True, cache=True)
def count_words(buf: Any, i: Any, end: Any, escaped: Any, most: int) -> Any:
    """Count the words of a value, about as the shingles do: the same whatever escapes it is written with.

    Args:
        buf: bytes.
        i: where it begins.
        end: where it ends.
        escaped: it holds escapes of JSON.
        most: where to stop.

    Returns:
        Runs of letters and digits, and characters that are words by themselves; `most` at most, about.
    """
    words, inside = 0, False
    while i < end and words < most:
        c, i = _read_character(buf, i, escaped)
        if _is_word_alone(c):
            words += 1
            inside = False
        elif LOWER_A <= (c | 32) <= LOWER_Z or ZERO <= c <= NINE or (_LATIN <= c < _AROUND_LATIN and _is_letter(c)):
            words += not inside
            inside = True
        elif c < _SURROGATES or c >= _AFTER_PRIVATE_USE:
            inside = False
    return words


_WORDS, _CHARACTERS, _LONGEST_WORD = 6, 12, 40  # of the shortest sentence; its longest word: a code has longer ones


@njit(nogil=True, cache=True)
def is_sentence(buf: Any, i: Any, end: Any, escaped: Any) -> Any:
    """Say whether a value is a sentence, whatever its column is called: addresses, paths, and codes are none.

    Args:
        buf: bytes.
        i: where it begins.
        end: where it ends.
        escaped: it holds escapes of JSON.

    Returns:
        Whether blanks set apart six words or more, or it is mostly a script without blanks, of twelve characters.
    """
    words, alone, characters, length, letter = 0, 0, 0, 0, False
    while i < end:
        c, i = _read_character(buf, i, escaped)
        if c <= SPACE:
            words += letter and length <= _LONGEST_WORD
            length, letter = 0, False
        else:
            characters += 1
            length += 1
            letter = letter or _is_letter(c)
            alone += _is_word_alone(c)
        if words >= _WORDS:
            return True
    words += letter and length <= _LONGEST_WORD
    return words >= _WORDS or (alone >= _CHARACTERS and 2 * alone > characters)


@njit(nogil=True, cache=True)
def _measure_joined(tape: Any, rows: Any) -> Any:
    """Return how many bytes the values of some rows take at most, joined."""
    room = np.int64(rows.shape[0])
    for k in rows:
        room += tape[k, END] - tape[k, START]
    return room


@njit(nogil=True, cache=True)
def _join_rows(buf: Any, tape: Any, rows: Any, count: int, out: Any, offsets: Any, filled: Any) -> int:
    """Write each record's values, joined by newline; return how many hold a lone surrogate."""
    at, record, odd = 0, -1, 0
    for k in rows:
        if tape[k, REC] != record:
            while record < tape[k, REC]:
                record += 1
                offsets[record] = at
            filled[record] = True
        else:
            out[at] = NEWLINE
            at += 1
        i: Any = np.int64(tape[k, START])
        end: Any = np.int64(tape[k, END])
        flags = tape[k, FLAGS]
        if flags & ESCAPED:
            at, lone = string_kernels.unescape_string(buf, i, end, out, at, string_kernels.NO)
            odd += lone != 0
        elif flags & QUOTED:
            while i < end:
                out[at] = buf[i]
                at += 1
                i += 2 if buf[i] == QUOTE else 1
        else:
            at = string_kernels.copy_bytes(buf, i, end, out, at)
    while record < count:
        record += 1
        offsets[record] = at
    return odd


def join_values(buf: Any, tape: Any, rows: Any, count: int) -> tuple[pa.Array, int]:
    """Join the values of each record by newline.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value.
        rows: int32: which of its rows, ordered by record.
        count: number of records.

    Returns:
        large_string, one value a record, null where it has no row; how many values hold a lone surrogate.
    """
    if not len(rows):
        return pa.nulls(count, pa.large_string()), 0
    out = np.empty(_measure_joined(tape, rows), np.uint8)
    offsets, filled = np.empty(count + 1, np.int64), np.zeros(count, np.bool_)
    odd = _join_rows(buf, tape, rows, count, out, offsets, filled)
    valid = pa.py_buffer(np.packbits(filled, bitorder="little"))
    text = pa.py_buffer(out[: offsets[count]])
    return pa.Array.from_buffers(pa.large_string(), count, [valid, pa.py_buffer(offsets), text]), int(odd)


@njit(nogil=True, cache=True)
def is_contact(buf: Any, start: int, end: int) -> bool:
    """Say whether a value without letters may be a phone number or an IP address, not just a number.

    Args:
        buf: bytes.
        start: where it begins.
        end: where it ends.
    """
    digits, dots, signs = 0, 0, 0
    for k in range(start, end):
        c = buf[k]
        if ZERO <= c <= NINE:
            digits += 1
        elif c == DOT:
            dots += 1
        elif c == PLUS or c == OPEN_PARENTHESIS or (k > start and (c == SPACE or c == MINUS)):
            signs += 1
    return (digits >= _LEAST_DIGITS and signs > 0 and dots != 1) or (dots == _IP_DOTS and digits > dots)


_LEAST_DIGITS, _IP_DOTS = 7, 3  # of a phone number, of an IP address


@njit(nogil=True, cache=True)
def find_kind(buf: Any, start: int, end: int, kind: int, escaped: bool, named: bool) -> int:
    """Say as what a value is put down that is no speaker.

    Args:
        buf: bytes.
        start: where it begins.
        end: where it ends.
        kind: what it is by where it stands.
        escaped: it holds escapes of JSON.
        named: its column is called as personal data is.

    Returns:
        Its kind: META where detectors alone look at it; -1 where it is of no use.
    """
    if kind == OTHER or kind == RECORD or kind == META or kind == SIDE:
        if holds_letter(buf, start, end, escaped):
            return META if kind == SIDE else kind
        return META if is_contact(buf, start, end) or (named and not is_blank(buf, start, end, escaped)) else -1
    return -1 if is_blank(buf, start, end, escaped) else kind


@njit(nogil=True, cache=True)
def _mark_useful(buf: Any, tape: Any, answers: Any, keep: Any) -> None:
    for k in range(tape.shape[0]):
        row = tape[k]
        kind = row[KIND]
        start: Any = np.int64(row[START])
        end: Any = np.int64(row[END])
        if kind == SPEAKER:
            value = string_kernels.hash_folded_name(buf, start, end)
            for j in range(answers.shape[0]):
                if answers[j] == value:
                    row[FLAGS] |= ANSWERS
            keep[k] = True
        else:
            kind = find_kind(buf, start, end, kind, string_kernels.NO, row[NAME] > 0)
            keep[k] = kind >= 0
            if kind >= 0:
                row[KIND] = kind


def drop_useless(buf: Any, tape: Any, answers: Any) -> Any:
    """Leave out values that are of no use to views or detectors, and mark speakers that are assistants.

    Args:
        buf: bytes that the tape points into, without JSON escapes.
        tape: one row a value.
        answers: of Roles.

    Returns:
        The tape without them.
    """
    keep = np.zeros(len(tape), np.bool_)
    _mark_useful(buf, tape, answers, keep)
    return tape[keep]
