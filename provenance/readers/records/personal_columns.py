"""Which columns are called as personal data is: a name such as `customer_email` is evidence of what it holds.

The table `data/personal-columns.yaml` has the names by class. A value counts where it looks as its class does: an
e-mail address holds an @, a phone number seven digits, a name letters and no more than a hundred bytes. Weak classes
count beside another class alone. What comes of it is a class and the column's name a record, never a value.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.core import package_data
from provenance.readers.records import string_kernels
from provenance.readers.records.characters import (
    AT,
    BACKSLASH,
    CLOSE_PARENTHESIS,
    DOT,
    LOWER_A,
    LOWER_U,
    LOWER_Z,
    MINUS,
    NINE,
    OPEN_PARENTHESIS,
    QUOTE,
    SLASH,
    SPACE,
    UNDERSCORE,
    UPPER_A,
    UPPER_Z,
    ZERO,
)
from provenance.readers.records.value_tape import DEAD, END, FLAGS, NAME, REC, START

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

SLOTS = 2048  # a power of two
KNOWN_KEYS = 256  # a power of two
CLASSES = ("email", "phone", "id-number", "name", "address", "birth-date")
"""Classes of the table, in the order of their codes from 1."""

LONGEST_NAME = 64
"""Bytes of a column's name beyond which it is no name but text, such as the first row of a table without header."""

_EMAIL, _PHONE, _ID_NUMBER, _NAME, _ADDRESS, _BIRTH_DATE = range(1, 7)
_LEAST_DIGITS, _MOST_DIGITS, _MOST_LETTERS = 7, 16, 8  # of a phone number; letters are those of "ext", "Tel."
_LEAST_ID_DIGITS, _LEAST_ID_NUMBER = 5, 8  # digits, and digits with letters, of a passport, an id card, a tax number
_LOOKED_AT = 1000  # bytes of a value, with escapes
_LONGEST_VALUE = 100  # bytes of a name or number; a street address may have twice as many


@dataclass(frozen=True)
class PersonalNames:
    """The names of `data/personal-columns.yaml`, for kernels.

    Args:
        hashes: hash of a name by slot, 0 where empty (open addressing).
        codes: of its class, from 1; negative where it counts as a whole name alone.
        strong: codes of classes that count by themselves.
    """

    hashes: Any
    codes: Any
    strong: tuple[int, ...]

    def find_class(self, name: str) -> int:
        """Return the code of the class that a column's name speaks for; 0 for none."""
        raw = np.frombuffer(name.encode("utf-8", "surrogatepass"), np.uint8)
        return int(find_class(self.hashes, self.codes, raw, 0, len(raw)))


@cache
def load_names() -> PersonalNames:
    """Read the table, once a process."""
    table = package_data.load_table("personal-columns")
    hashes, codes = np.zeros(SLOTS, np.uint64), np.zeros(SLOTS, np.int32)
    for code, class_ in enumerate(CLASSES, 1):
        for sign, names in (
            (1, table["classes"][class_].get("ending", ())),
            (-1, table["classes"][class_].get("whole", ())),
        ):
            # hashing folds ASCII alone: TÉLÉPHONE is télÉphone to it
            capital = ("".join(c if c.isascii() else c.upper() for c in each) for each in names)
            forms = {*names, *capital}
            for name in {*forms, *(each.replace("_", "") for each in forms)}:
                raw = np.frombuffer(name.encode(), np.uint8)
                value = np.uint64(string_kernels.hash_folded_name(raw, 0, len(raw)))
                at = int(value) % SLOTS
                while hashes[at] and hashes[at] != value:
                    at = (at + 1) % SLOTS
                hashes[at], codes[at] = value, sign * code
    strong = tuple(code for code, class_ in enumerate(CLASSES, 1) if class_ not in table["weak"])
    return PersonalNames(hashes, codes, strong)


@njit(nogil=True, cache=True)
def _find_code(hashes: Any, codes: Any, value: np.uint64) -> Any:
    at = np.int64(value & np.uint64(SLOTS - 1))
    while hashes[at] != 0:
        if hashes[at] == value:
            return np.int64(codes[at])
        at = (at + 1) & (SLOTS - 1)
    return np.int64(0)


@njit(nogil=True, cache=True)
def _is_separator(c: int) -> bool:
    return c == UNDERSCORE or c == MINUS or c == SPACE or c == DOT


@njit(nogil=True, cache=True)
def find_class(hashes: Any, codes: Any, buf: Any, start: int, end: int) -> Any:
    """Say for which class a name speaks.

    Args:
        hashes: of PersonalNames.
        codes: of PersonalNames.
        buf: bytes.
        start: where the name begins.
        end: where it ends.

    Returns:
        The code of its class, 0 for none. The longest ending that is known decides.
    """
    if end - start > LONGEST_NAME:
        return np.int64(0)
    stop: Any = np.int64(end)
    if stop > start and buf[stop - 1] == CLOSE_PARENTHESIS:  # phone (home)
        while stop > start and buf[stop - 1] != OPEN_PARENTHESIS:
            stop -= 1
        stop -= stop > start
    while stop > start and (ZERO <= buf[stop - 1] <= NINE or _is_separator(buf[stop - 1])):
        stop -= 1
    at: Any = np.int64(start)
    while at < stop and _is_separator(buf[at]):
        at += 1
    first = at
    while at < stop:
        code = _find_code(hashes, codes, string_kernels.hash_folded_name(buf, at, stop))
        if code > 0 or (code < 0 and at == first):
            return abs(code)
        at += 1
        while at < stop:
            before = buf[at - 1]
            if _is_separator(before) or (UPPER_A <= buf[at] <= UPPER_Z and LOWER_A <= before <= LOWER_Z):
                break
            at += 1
    return np.int64(0)


@njit(nogil=True, cache=True)
def is_personal_key(buf: Any, start: int, end: int, flags: int, sum_: np.uint64, work: Any) -> Any:
    """Say whether a key of JSON is called as personal data is; what was seen before is remembered.

    Args:
        buf: bytes.
        start: where the key begins.
        end: where it ends.
        flags: of a string.
        sum_: its hash.
        work: of json_kernel; holds the key unescaped where it holds escapes.
    """
    slot: Any = np.int64(sum_ & np.uint64(KNOWN_KEYS - 1))
    if work.known_keys[slot] != sum_:
        hashes, codes = work.personal_hashes, work.personal_codes
        first: Any = np.int64(0)
        if flags & string_kernels.ESCAPED:
            last, _ = string_kernels.unescape_string(buf, start, end, work.key, first, True)
            code = find_class(hashes, codes, work.key, first, last)
        else:
            code = find_class(hashes, codes, buf, start, end)
        work.known_keys[slot], work.known[slot] = sum_, code > 0
    return work.known[slot]


@njit(nogil=True, cache=True)
def _mark_fitting(buf: Any, tape: Any, rows: Any, codes: Any, fits: Any) -> None:
    """Mark values that look as the class of their column does."""
    for j in range(rows.shape[0]):
        k, code = rows[j], codes[j]
        start, end = tape[k, START], tape[k, END]
        letters, lower, digits, dots, wide, at, slash = 0, 0, 0, 0, 0, False, False
        p: Any = np.int64(start)
        while p < min(end, start + _LOOKED_AT):
            c = buf[p]
            p += 1
            if c == BACKSLASH and tape[k, FLAGS] & string_kernels.ESCAPED and p < end:
                wide += buf[p] == LOWER_U
                p += 5 if buf[p] == LOWER_U else 1
                continue
            letters += LOWER_A <= (c | 32) <= LOWER_Z
            lower += LOWER_A <= c <= LOWER_Z
            dots += c == DOT
            digits += ZERO <= c <= NINE
            wide += c >= 128
            at = at or c == AT
            slash = slash or c == SLASH
        size = (
            min(end, start + _LOOKED_AT) - start
            if not tape[k, FLAGS] & string_kernels.ESCAPED
            else letters + digits + 3 * wide
        )
        # a measure: 1234567.25, -12.5
        is_decimal = dots == 1 and digits + dots + (buf[start] == MINUS) == size
        if code == _EMAIL:
            fits[j] = at and letters > 1
        elif code == _PHONE:
            few = _LEAST_DIGITS <= digits <= _MOST_DIGITS and letters <= _MOST_LETTERS
            fits[j] = few and not is_decimal and size <= _LONGEST_VALUE
        elif code == _ID_NUMBER:
            # letters of such a number are capitals, but for one that people write small: 12345678z
            long = digits >= _LEAST_ID_DIGITS and digits + letters >= _LEAST_ID_NUMBER and lower <= 1
            fits[j] = long and not is_decimal and size <= _LONGEST_VALUE // 2
        elif code == _NAME:
            fits[j] = letters + wide > 1 and digits == 0 and not at and not slash and size <= _LONGEST_VALUE
        elif code == _ADDRESS:
            fits[j] = letters + wide > 3 and not at and size <= 2 * _LONGEST_VALUE
        else:
            fits[j] = 4 <= digits <= 14 and size <= _LONGEST_VALUE // 2


@njit(nogil=True, cache=True)
def _hash_keys(buf: Any, tape: Any, rows: Any, ends: Any, hashes: Any) -> None:
    """Hash the keys of JSON under which values stand, and say where each ends."""
    for j in range(rows.shape[0]):
        start: Any = np.int64(tape[rows[j], NAME])
        end: Any = np.int64(start)
        while buf[end] != QUOTE:
            end += 2 if buf[end] == BACKSLASH else 1
        ends[j], hashes[j] = end, string_kernels.hash_folded_name(buf, start, end)


def _name_keys(buf: Any, tape: Any, rows: Any) -> tuple[list[str], Any]:
    """Return the different keys of some rows, and of each row the place of its key."""
    ends, hashes = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint64)
    _hash_keys(buf, tape, rows, ends, hashes)
    _, first, places = np.unique(hashes, return_index=True, return_inverse=True)
    keys = [buf[tape[rows[k], NAME] : ends[k]].tobytes() for k in first.tolist()]
    return [json.loads(b'"' + key + b'"') for key in keys], places


def name_columns(buf: Any, tape: Any, count: int, names: Sequence[str] | None) -> pa.Array:
    """Say of each record which of its columns are called as personal data is and hold what looks like it.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value.
        count: number of records.
        names: of columns, by their number from 1 in the tape; None = the tape says where in `buf` a key of JSON begins.

    Returns:
        list<string>, one value a record: 'class:name' of each such column, once; null where there is none.
    """
    type_ = pa.list_(pa.string())
    rows = np.flatnonzero((tape[:, NAME] > 0) & (tape[:, FLAGS] & DEAD == 0)).astype(np.int64)
    if not len(rows):
        return pa.nulls(count, type_)
    if names is None:
        labels, places = _name_keys(buf, tape, rows)
    else:
        labels, places = list(names), tape[rows, NAME].astype(np.int64) - 1
    table = load_names()
    code_of_label = np.array([table.find_class(label) for label in labels], np.int64)
    codes, fits = code_of_label[places], np.zeros(len(rows), np.bool_)
    _mark_fitting(buf, tape, rows, codes, fits)
    records = tape[rows, REC].astype(np.int64)
    keep = fits & _is_supported(records, codes, fits, count, table.strong)
    pairs = np.unique(records[keep] * len(labels) + places[keep])
    shown = pa.array(
        [f"{CLASSES[max(code, 1) - 1]}:{_clean(label)}" for code, label in zip(code_of_label, labels, strict=True)]
    )
    return _gather(pairs // len(labels), shown.take(pa.array(pairs % len(labels))), count)


def _is_supported(records: Any, codes: Any, fits: Any, count: int, classes: tuple[int, ...]) -> Any:
    """Tell which values count: those of strong classes, and weak ones beside them; a name and a birth date, too."""
    shown = np.zeros((len(CLASSES) + 1, count), np.bool_)
    shown[codes[fits], records[fits]] = True
    strong = shown[list(classes)].any(axis=0)
    strong |= shown[_NAME] & shown[_BIRTH_DATE]
    return strong[records]


def _clean(label: str) -> str:
    """Return a column's name as a table shows it: without control characters and surrogates."""
    return "".join(c if c.isprintable() else "\ufffd" for c in label)


def _gather(records: npt.NDArray[np.int64], values: pa.Array, count: int) -> pa.Array:
    """Return lists of values by record, null where there is none; `records` ascend."""
    counts = np.bincount(records, minlength=count)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))
