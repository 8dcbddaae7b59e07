"""The kernel that reads JSON (RFC 8259): it splits records, checks each in full and puts down values that have a role.

It reads the bytes once. A record that is no JSON is one unreadable record, and reading goes on after it.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from provenance.readers.records import column_roles, json_columns, personal_columns, string_kernels, value_tape
from provenance.readers.records.characters import (
    BACKSLASH,
    CARRIAGE_RETURN,
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COLON,
    COMMA,
    LOWER_F,
    LOWER_N,
    LOWER_T,
    MINUS,
    NEWLINE,
    NINE,
    OPEN_BRACE,
    OPEN_BRACKET,
    QUOTE,
    SPACE,
    TAB,
    ZERO,
)
from provenance.readers.records.column_roles import CHAT, META, RECORD, SPEAKER
from provenance.readers.records.string_kernels import DEPTH, INCOMPLETE, LARGE, LOST, MANY, NO, NUL, OK, SYNTAX, YES
from provenance.readers.records.value_tape import (
    ANSWERS,
    END,
    FIELD,
    FLAGS,
    GROUP,
    KIND,
    NAME,
    RANK,
    REC,
    START,
    WIDTH,
)

TAPE, GROUPS, RECORDS, REPEATED, PHASE, BASE, ERROR, ASIDE, UNSEEN = range(9)
"""What `counts` counts."""

OPEN, NEXT, AFTER, DONE, BROKEN = range(5)
"""Where in an array: after '[', after ',', after an element, after ']', or where its structure is lost."""

_IN_OBJECT, _IN_ARRAY = 1, 2
LINES, ARRAY, OBJECT, ONE = range(4)
"""What a kernel reads: a value a line, elements of an array, members of a valid object, or one value."""

CHECKED = -1
"""Kind of a value that is checked and no more."""

MOST_VALUES = 1 << 21
"""Keys, or values that are kept, of one record: what bounds memory whatever a line holds."""

MOST_ASIDE = 1 << 16
"""Values of one record that detectors alone look at; what is beyond them is counted in bytes."""

BATCH_VALUES = 1 << 18
"""Records, or values that are kept, after which a batch is full."""

_LOST: Any = np.int64(LOST)  # typed, as `string_kernels.NO` is
_SEEDS = np.frombuffer(os.urandom(16), np.uint64)
_TRUE, _FALSE, _NULL = (np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))


class Work(NamedTuple):
    """Memory of the kernel; large arrays are touched, and so paid for, only as far as they are used."""

    tape: Any  # int32[:, WIDTH], see value_tape
    records: Any  # int32[:, 3]: start, end, error
    counts: Any  # int64[9]
    stack: (
        Any  # int32[depth, 8]: of the container around: what, kind, rank, group, number, last key's entry, name, column
    )
    sums: Any  # uint64[:]: hash of each key of the record being read, and of its object
    rows: Any  # int32[:, 2]: first and last row of the key's value
    slots: Any  # int32[:]: keys by hash; what is below counts[BASE] is empty
    key: Any  # uint8[:]: a key, unescaped
    name: Any  # the same memory, to be read: as what is read from a file, so that kernels are compiled for one of them
    hashes: Any  # of Roles
    names: Any
    answers: Any
    seeds: Any
    personal_hashes: Any  # of PersonalNames
    personal_codes: Any
    known_keys: Any  # uint64[:]: hash of a key by its low bits, of which it is known whether it is one of those names
    known: Any  # bool[:]
    columns: Any  # of json_columns


def prepare_work(size: int, depth: int, roles: column_roles.Roles) -> Work:
    """Set memory aside for the kernel.

    Args:
        size: bytes of the buffer that it reads.
        depth: levels of nesting that a value may have.
        roles: column roles.

    Returns:
        Memory without records.
    """
    key = np.empty(size + 16, np.uint8)
    name = key.view()
    name.flags.writeable = False
    few = size // 4 + 16  # no value that is kept is shorter than three bytes and a separator
    keys = min(few, MOST_VALUES)
    personal = personal_columns.load_names()
    return Work(
        np.empty((min(few, MOST_VALUES + MOST_ASIDE + BATCH_VALUES), WIDTH), np.int32),
        np.empty((min(size, BATCH_VALUES) + 16, 3), np.int32),
        np.array([0, 0, 0, 0, 0, 1, 0, 0, 0], np.int64),
        np.empty((depth, 8), np.int32),
        np.empty(keys, np.uint64),
        np.empty((keys, 2), np.int32),
        np.zeros(1 << max(9, (2 * keys).bit_length()), np.int32),
        key,
        name,
        roles.hashes,
        roles.names,
        roles.answers,
        _SEEDS,
        personal.hashes,
        personal.codes,
        np.zeros(personal_columns.KNOWN_KEYS, np.uint64),
        np.zeros(personal_columns.KNOWN_KEYS, np.bool_),
        json_columns.prepare_columns(),
    )


@njit(nogil=True, cache=True)
def skip_space(buf: Any, i: int, n: int, lines: bool) -> int:
    """Return where the next byte stands that is no white space; with `lines`, a newline is none."""
    while i < n:
        c = buf[np.uint64(i)]
        if c > SPACE or not (c == SPACE or c == TAB or c == CARRIAGE_RETURN or (c == NEWLINE and not lines)):
            return i
        i += 1
    return i


@njit(nogil=True, cache=True)
def _put_string(
    buf: Any, start: int, end: int, kind: int, rank: int, group: int, flags: int, name: int, column: int, first: int,
    answers: Any, tape: Any, counts: Any,
) -> bool:  # fmt: skip
    """Put a string down on the tape, if it is of any use; return False where the record has too many."""
    if kind == CHECKED:
        return True
    escaped = (flags & string_kernels.ESCAPED) != 0
    if kind == SPEAKER:
        value = string_kernels.hash_folded_name(buf, start, end)
        for answer in answers:
            if answer == value:
                flags |= ANSWERS
    else:
        kind = value_tape.find_kind(buf, start, end, kind, escaped, name > 0)
        if kind < 0:
            return True
    k = counts[TAPE]
    if kind == META:
        if counts[ASIDE] >= MOST_ASIDE or k >= tape.shape[0]:
            counts[UNSEEN] += end - start
            return True
        counts[ASIDE] += 1
    elif k - first - counts[ASIDE] >= MOST_VALUES or k >= tape.shape[0]:
        return False
    counts[TAPE] = k + 1
    tape[k, REC], tape[k, KIND], tape[k, RANK] = counts[RECORDS], kind, rank
    tape[k, GROUP], tape[k, START], tape[k, END], tape[k, FLAGS], tape[k, NAME] = group, start, end, flags, name
    tape[k, FIELD] = column
    return True


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # spreads an object's number over 64 bits


@njit(nogil=True, cache=True)
def _read_value(buf: Any, i: int, n: int, lines: bool, kind: int, rank: int, name: int, work: Any) -> Any:
    """Read one JSON value, check it in full and put down what has a role.

    Args:
        buf: bytes.
        i: where it begins, white space before it allowed.
        n: where the bytes end.
        lines: a newline ends the value, as in JSON Lines.
        kind: what the value is, see column_roles.
        rank: its rank.
        name: where the key begins under which it stands, if that is called as personal data is; else 0.
        work: memory; rows are added to its tape.

    Returns:
        Where it ends, or where its fault stands; error code.
    """
    tape, counts, stack, sums, rows, slots = work.tape, work.counts, work.stack, work.sums, work.rows, work.slots
    # Typed, for numba compiles a kernel anew for each constant that it is called with.
    none: Any = np.int64(0)
    group: Any = np.int64(-1)
    depth, entries, objects, mask, limit = none, none, none, 255, stack.shape[0]
    first, base = counts[TAPE], counts[BASE]
    counts[ASIDE] = 0
    if base > 1 << 30:
        slots[:] = 0
        base = 1
    # The container that the value stands in.
    box, box_kind, box_rank, box_group, box_number, box_entry, box_name = none, none, none, group, none, -1, none
    column = work.columns.counts[json_columns.AROUND]
    box_column = column
    while True:
        i = skip_space(buf, i, n, lines)
        if i >= n:
            return n, INCOMPLETE
        c = buf[i]
        fresh = False
        if c == QUOTE:
            end, error, flags = string_kernels.find_string_end(buf, i + 1, n)
            if error != OK:
                return end, error
            if not _put_string(
                buf, i + 1, end, kind, rank, group, flags, name, column, first, work.answers, tape, counts
            ):
                return i, MANY
            i = end + 1
        elif c == OPEN_BRACE or c == OPEN_BRACKET:
            if depth == limit:
                return i, DEPTH
            fresh = True
            objects += 1
            if c == OPEN_BRACE and group < 0 and column_roles.is_text_role(kind):
                group = counts[GROUPS]
                counts[GROUPS] += 1
            if c == OPEN_BRACKET and depth == 0 and kind == RECORD:
                kind = CHAT
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = box, box_kind, box_rank
            stack[depth, 3], stack[depth, 4], stack[depth, 5], stack[depth, 6] = (
                box_group,
                box_number,
                box_entry,
                box_name,
            )
            box, box_kind, box_rank, box_group = (_IN_OBJECT if c == OPEN_BRACE else _IN_ARRAY), kind, rank, group
            stack[depth, 7] = box_column
            box_number, box_entry, box_name, box_column = objects, -1, name, column
            depth += 1
            i += 1
        elif c == MINUS or ZERO <= c <= NINE:
            end, error = string_kernels.find_number_end(buf, i, n)
            if error != OK:
                return end, error
            text = column_roles.is_text_role(kind)
            numeric = (text and (depth == 0 or box == _IN_OBJECT)) or (name > 0 and not text and kind != SPEAKER)
            if numeric and not _put_string(
                buf, i, end, kind, rank, group, none, name, column, first, work.answers, tape, counts
            ):
                return i, MANY
            i = end
        else:
            word = 4 if c == LOWER_T or c == LOWER_N else 5 if c == LOWER_F else 0
            if word == 0:
                return i, (NUL if c == 0 else SYNTAX)
            for k in range(word):
                if i + k >= n:
                    return n, INCOMPLETE
                wanted = _TRUE[k] if c == LOWER_T else _NULL[k] if c == LOWER_N else _FALSE[k]
                if buf[i + k] != wanted:
                    return i + k, SYNTAX
            i += word
        while True:  # after a value, or just inside a container
            if depth == 0:
                return i, OK
            i = skip_space(buf, i, n, lines)
            if i >= n:
                return n, INCOMPLETE
            c = buf[i]
            if box_entry >= 0:
                rows[box_entry, 1] = counts[TAPE]
            if c == (CLOSE_BRACE if box == _IN_OBJECT else CLOSE_BRACKET):
                depth -= 1
                box, box_kind, box_rank = int(stack[depth, 0]), int(stack[depth, 1]), int(stack[depth, 2])
                box_group, box_number, box_entry = int(stack[depth, 3]), int(stack[depth, 4]), int(stack[depth, 5])
                box_name, box_column = int(stack[depth, 6]), int(stack[depth, 7])
                i += 1
                fresh = False
                continue
            if not fresh:
                if c != COMMA:
                    return i, (NUL if c == 0 else SYNTAX)
                i = skip_space(buf, i + 1, n, lines)
                if i >= n:
                    return n, INCOMPLETE
            kind, rank, group, name, column = box_kind, box_rank, box_group, box_name, box_column
            if box == _IN_ARRAY:
                break
            if buf[i] != QUOTE:
                return i, (NUL if buf[i] == 0 else SYNTAX)
            end, error, flags = string_kernels.find_string_end(buf, i + 1, n)
            if error != OK:
                return end, error
            if kind != CHECKED:
                if entries >= sums.shape[0]:
                    return i, MANY
                if flags & string_kernels.ESCAPED:
                    last, _ = string_kernels.unescape_string(buf, i + 1, end, work.key, none, YES)
                    sum_ = string_kernels.hash_bytes(work.name, none, last, work.seeds[0], work.seeds[1])
                    role = string_kernels.hash_folded_name(work.name, none, last)
                else:
                    sum_ = string_kernels.hash_bytes(buf, i + 1, end, work.seeds[0], work.seeds[1])
                    role = string_kernels.hash_folded_name(buf, i + 1, end)
                sums[entries] = sum_ + np.uint64(box_number) * _GOLDEN
                rows[entries, 0] = rows[entries, 1] = counts[TAPE]
                if 2 * entries > mask:
                    mask = 2 * mask + 1
                    base += entries
                    for k in range(entries):
                        json_columns.enter_key(k, base, mask, sums, rows, slots, tape)
                counts[REPEATED] += json_columns.enter_key(entries, base, mask, sums, rows, slots, tape)
                role_kind, role_rank, turn = column_roles.find_role(work.hashes, work.names, role)
                kind, rank = column_roles.decide_role(kind, rank, role_kind, role_rank, turn)
                if personal_columns.is_personal_key(buf, i + 1, end, flags, sum_, work):
                    name = i + 1
                if kind == RECORD or column_roles.is_column(kind) or column_roles.is_metadata(kind):
                    if flags & string_kernels.ESCAPED:
                        column = json_columns.number_column(work.name, none, last, sum_, column, work.columns)
                    else:
                        column = json_columns.number_column(buf, i + 1, end, sum_, column, work.columns)
                box_entry = entries
                entries += 1
                counts[BASE] = base + entries
            i = skip_space(buf, end + 1, n, lines)
            if i >= n:
                return n, INCOMPLETE
            if buf[i] != COLON:
                return i, (NUL if buf[i] == 0 else SYNTAX)
            i += 1
            break


@njit(nogil=True, cache=True)
def close_record(start: int, end: int, error: int, tape: int, work: Any) -> None:
    """Close a record; with an error, its values leave the tape."""
    k = work.counts[RECORDS]
    work.counts[RECORDS] = k + 1
    work.records[k, 0], work.records[k, 1], work.records[k, 2] = start, end, error
    if error != OK:
        work.counts[TAPE] = tape


@njit(nogil=True, cache=True)
def _is_full(counts: Any, most: int, values: int) -> Any:
    return counts[RECORDS] >= most or counts[TAPE] >= values


@njit(nogil=True, cache=True)
def _scan_lines(
    buf: Any, i: int, n: int, final: bool, lines: bool, largest: int, most: int, values: int, kind: int, rank: int,
    name: int, work: Any,
) -> int:  # fmt: skip
    """Read one value a line, blank lines allowed; return where the first begins that is not whole or not wanted."""
    while True:
        i = skip_space(buf, i, n, NO)
        if i >= n or _is_full(work.counts, most, values):
            return i
        tape, repeated = work.counts[TAPE], work.counts[REPEATED]
        end, error = _read_value(buf, i, n, lines, kind, rank, name, work)
        if error == OK:
            end = skip_space(buf, end, n, YES)
            if end < n and buf[end] != NEWLINE:
                error = NUL if buf[end] == 0 else SYNTAX
        while end < n and buf[end] != NEWLINE:
            end += 1
        if end >= n and not final:
            work.counts[TAPE], work.counts[REPEATED] = tape, repeated
            return i
        if error == INCOMPLETE and end < n:
            error = SYNTAX
        close_record(i, end, LARGE if end - i > largest else error, tape, work)
        i = end


@njit(nogil=True, cache=True)
def _find_element_end(buf: Any, i: int, n: int) -> int:
    """Find where a broken element ends by its brackets and quotes alone: -1 never, -2 not within these bytes."""
    depth = 0
    while i < n:
        c = buf[i]
        if c == QUOTE:
            i += 1
            while i < n and buf[i] != QUOTE:
                i += 2 if buf[i] == BACKSLASH else 1
        elif c == OPEN_BRACE or c == OPEN_BRACKET:
            depth += 1
        elif c == CLOSE_BRACE or c == CLOSE_BRACKET:
            if depth == 0:
                return i
            depth -= 1
        elif c == COMMA and depth == 0:
            return i
        i += 1
    return -2


@njit(nogil=True, cache=True)
def _scan_elements(
    buf: Any, i: int, n: int, final: bool, lines: bool, named: bool, largest: int, most: int, values: int, kind: int,
    rank: int, name: int, work: Any,
) -> int:  # fmt: skip
    """Read elements of an array, or members of a valid object; `work.counts[PHASE]` says where in it they begin.

    Returns where the first element begins that is not whole or not wanted, or where the array ends or its structure is
    lost.
    """
    close_ = CLOSE_BRACE if named else CLOSE_BRACKET
    while True:
        i = skip_space(buf, i, n, NO)
        phase = work.counts[PHASE]
        if i >= n or phase >= DONE or _is_full(work.counts, most, values):
            return i
        if phase == AFTER:
            if buf[i] == COMMA:
                work.counts[PHASE] = NEXT
            elif buf[i] == close_:
                work.counts[PHASE] = DONE
            else:
                close_record(i, i, _LOST, work.counts[TAPE], work)
                work.counts[PHASE] = BROKEN
                return i
            i += 1
            continue
        if phase == OPEN and buf[i] == close_:
            work.counts[PHASE] = DONE
            return i + 1
        tape, repeated = work.counts[TAPE], work.counts[REPEATED]
        if named:
            end, _, _ = string_kernels.find_string_end(buf, i + 1, n)
            i = skip_space(buf, end + 1, n, NO) + 1
        end, error = _read_value(buf, i, n, lines, kind, rank, name, work)
        after = AFTER
        if error != OK and (final or end < n):
            close = n if error == INCOMPLETE else _find_element_end(buf, i, n)
            after = AFTER if 0 <= close < n else BROKEN
            end = close if close >= 0 else n
        if end >= n and not final:
            work.counts[TAPE], work.counts[REPEATED] = tape, repeated
            return i
        close_record(i, end, LARGE if end - i > largest else error, tape, work)
        i = end
        work.counts[PHASE] = after


@njit(nogil=True, cache=True)
def scan_records(
    buf: Any, i: int, n: int, final: bool, shape: int, largest: int, most: int, values: int, kind: int, rank: int,
    name: int, work: Any,
) -> int:  # fmt: skip
    """Read records: one kernel, for each costs a new user seconds to compile.

    Args:
        buf: bytes.
        i: where to begin.
        n: where the bytes end.
        final: nothing follows them.
        shape: LINES, ARRAY, OBJECT or ONE.
        largest: bytes of the largest record.
        most: records after which to stop.
        values: values that are kept, after which to stop.
        kind: what a record is, see column_roles.
        rank: its rank.
        name: as for a value.
        work: memory; gains records and their values (of ONE: its values, and an error code).

    Returns:
        Where the first record begins that is not whole or not wanted, or where the array ends or its structure is lost.
    """
    lines, named = shape == LINES, shape == OBJECT
    if lines:
        return _scan_lines(buf, i, n, final, lines, largest, most, values, kind, rank, name, work)
    if shape == ONE:
        i, work.counts[ERROR] = _read_value(buf, i, n, lines, kind, rank, name, work)
        return i
    return _scan_elements(buf, i, n, final, lines, named, largest, most, values, kind, rank, name, work)
