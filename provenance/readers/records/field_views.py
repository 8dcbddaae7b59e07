"""Fields: the text of each column of a record by itself, where a record has several columns of text.

A column is a key by its full path (`answers.text`); what it holds in a list is joined as in a view. A field is made of
every column of a text role and of every other string that holds a letter; of ids and metadata only of strings that are
sentences: a name alone does not make a text something else. Left out are a field
that is the whole, the prompt or the answer anyhow; what is said in a chat, which prompt and answer hold turn by turn;
and a field of fewer than WORDS words, which has one shingle alone: it is counted.

Of one file MOST_COLUMNS columns have a name of their own; what stands in others is one field, OTHERS.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: SIM110 - a kernel is one automaton in one piece

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.core.tables.schema_fields import FIELDS
from provenance.readers.records import column_roles, string_kernels, value_tape
from provenance.readers.records.value_tape import ANSWERS, END, FIELD, FLAGS, KIND, REC, START

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COLUMNS = 256
"""Columns of one file that are compared by themselves."""

OTHERS = "(others)"
"""The name of all columns beyond them."""

WORDS = 6
"""Words of the shortest field: as many make two shingles."""

PROMPT_SIDE, ANSWER_SIDE, BESIDE = range(3)
"""What a field is a part of: of the prompt, of the answer, of neither."""


@njit(nogil=True, cache=True)
def is_same_value(buf: Any, tape: Any, a: Any, b: Any) -> Any:
    """Say whether two rows hold the same bytes.

    Args:
        buf: bytes.
        tape: one row a value.
        a: number of a row.
        b: of another.
    """
    start, other, size = tape[a, START], tape[b, START], tape[b, END] - tape[b, START]
    if tape[a, END] - start != size:
        return False
    for k in range(size):
        if buf[start + k] != buf[other + k]:
            return False
    return True


@njit(nogil=True, cache=True)
def is_long(buf: Any, tape: Any, row: Any) -> Any:
    """Say whether a value has as many words as make two shingles.

    Args:
        buf: bytes.
        tape: one row a value.
        row: number of the value.
    """
    escaped = (tape[row, FLAGS] & string_kernels.ESCAPED) != 0
    return value_tape.count_words(buf, np.int64(tape[row, START]), np.int64(tape[row, END]), escaped, WORDS) >= WORDS


@njit(nogil=True, cache=True)
def _is_compared(buf: Any, tape: Any, row: Any) -> Any:
    """Say whether a value belongs to a field: in a column that is metadata by its name only a sentence does."""
    if column_roles.is_column(tape[row, KIND]):
        return True
    if not column_roles.is_metadata(tape[row, KIND]):
        return False
    escaped = (tape[row, FLAGS] & string_kernels.ESCAPED) != 0
    return value_tape.is_sentence(buf, np.int64(tape[row, START]), np.int64(tape[row, END]), escaped)


@njit(nogil=True, cache=True)
def _mark_compared(buf: Any, tape: Any, rows: Any, compared: Any) -> None:
    for k in range(rows.shape[0]):
        compared[k] = _is_compared(buf, tape, rows[k])


@njit(nogil=True, cache=True)
def _skip_to(tape: Any, rows: Any, at: Any, record: Any) -> Any:
    """Return the place of the first of some rows, from `at` on, that is of this record or a later one."""
    while at < rows.shape[0] and tape[rows[at], REC] < record:
        at += 1
    return at


@njit(nogil=True, cache=True)
def _are_rows(some: Any, rows: Any, first: Any, last: Any) -> Any:
    if some.shape[0] != last - first:
        return False
    for k in range(some.shape[0]):
        if some[k] != rows[first + k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _count_field_words(buf: Any, tape: Any, rows: Any) -> Any:
    words: Any = np.int64(0)
    for k in rows:
        escaped = (tape[k, FLAGS] & string_kernels.ESCAPED) != 0
        words += value_tape.count_words(buf, np.int64(tape[k, START]), np.int64(tape[k, END]), escaped, WORDS)
        if words >= WORDS:
            break
    return words


@njit(nogil=True, cache=True)
def _pick_fields(
    buf: Any, tape: Any, order: Any, compared: Any, whole: Any, prompt: Any, answer: Any, picked: Any, texts: Any,
    short: Any,
) -> Any:  # fmt: skip
    """Pick the rows of each field.

    Args:
        buf: bytes.
        tape: settled.
        order: its rows that count, by record and rank.
        compared: whether each of them belongs to a field.
        whole: rows of that view, by record; prompt and answer likewise.
        prompt: see there.
        answer: see there.
        picked: int32[n]: gains rows, field after field.
        texts: int32[n, 4]: gains record, column, side and where its rows end, a field each.
        short: int32[records]: gains how many are left out for being short.

    Returns:
        How many rows, and how many fields.
    """
    place, columns = np.full(MOST_COLUMNS + 1, -1, np.int64), np.empty(MOST_COLUMNS + 1, np.int64)
    starts, ends = np.empty(MOST_COLUMNS + 2, np.int64), np.empty(MOST_COLUMNS + 1, np.int64)
    used: Any = np.int64(0)
    fields: Any = np.int64(0)
    first: Any = np.int64(0)
    w: Any = np.int64(0)
    p: Any = np.int64(0)
    a: Any = np.int64(0)
    while first < order.shape[0]:
        record, end, count, rows = tape[order[first], REC], first, 0, 0
        while end < order.shape[0] and tape[order[end], REC] == record:
            k = order[end]
            if compared[end]:
                column = tape[k, FIELD]
                if place[column] < 0:
                    place[column], columns[count], ends[count] = count, column, 0
                    count += 1
                ends[place[column]] += 1
                rows += 1
            end += 1
        w, p, a = _skip_to(tape, whole, w, record), _skip_to(tape, prompt, p, record), _skip_to(tape, answer, a, record)
        last_w = _skip_to(tape, whole, w, record + 1)
        if count > 1 or (count == 1 and rows != last_w - w):
            last_p, last_a = _skip_to(tape, prompt, p, record + 1), _skip_to(tape, answer, a, record + 1)
            starts[0] = used
            for field in range(count):
                starts[field + 1] = starts[field] + ends[field]
                ends[field] = starts[field]
            for at in range(first, end):
                k = order[at]
                if not compared[at]:
                    continue
                field = place[tape[k, FIELD]]
                repeats = ends[field] > starts[field] and column_roles.is_text_role(tape[k, KIND])
                if not (repeats and is_same_value(buf, tape, picked[ends[field] - 1], k)):
                    picked[ends[field]] = k
                    ends[field] += 1
            for field in range(count):
                some = picked[starts[field] : ends[field]]
                if (
                    _are_rows(some, whole, w, last_w)
                    or _are_rows(some, prompt, p, last_p)
                    or _are_rows(some, answer, a, last_a)
                ):
                    continue
                if _count_field_words(buf, tape, some) < WORDS:
                    short[record] += 1
                    continue
                side = PROMPT_SIDE
                if not column_roles.is_text_role(tape[some[0], KIND]):
                    side = BESIDE
                elif tape[some[0], FLAGS] & ANSWERS:
                    side = ANSWER_SIDE
                for k in some:  # to the left, or where they stand
                    picked[used] = k
                    used += 1
                texts[fields, 0], texts[fields, 1], texts[fields, 2], texts[fields, 3] = (
                    record,
                    columns[field],
                    side,
                    used,
                )
                fields += 1
        for field in range(count):
            place[columns[field]] = -1
        first, w = end, last_w
    return used, fields


def build_fields(
    buf: Any, tape: Any, order: Any, views: Sequence[Any], *, compared: Any, count: int, columns: Sequence[str]
) -> tuple[pa.Array | None, pa.Array | None]:
    """Make the fields of records.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value, settled.
        order: rows that count, by record and rank.
        views: rows of whole, prompt and answer, by record.
        compared: whether each row that counts belongs to a field (`add_sentences`).
        count: number of records.
        columns: names of columns by number, the first one empty.

    Returns:
        FIELDS, one value a record, null where it has none; int32: how many of each are too short. None = no
        record has any.
    """
    picked, texts = np.empty(len(order), np.int32), np.empty((len(order), 4), np.int32)
    short = np.zeros(count, np.int32)
    used, fields = _pick_fields(buf, tape, order, compared, views[0], views[1], views[2], picked, texts, short)
    brief = pa.array(short) if short.any() else None
    if not fields:
        return None, brief
    record, column, side, ends = texts[:fields].T
    some = tape[picked[:used]]
    some[:, REC] = np.repeat(np.arange(fields), np.diff(ends, prepend=0))
    joined, _ = value_tape.join_values(buf, some, np.arange(used, dtype=np.int32), int(fields))
    names = pa.array([clean_name(name, number) for number, name in enumerate(columns)])
    values = pa.StructArray.from_arrays(
        [names.take(pa.array(column)), pa.array(side.astype(np.int8)), joined], fields=list(FIELDS.value_type)
    )
    counts = np.bincount(record, minlength=count)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=FIELDS, mask=pa.array(counts == 0)), brief


def add_sentences(buf: Any, tape: Any, order: Any, aside: Any) -> tuple[Any, Any]:
    """Put sentences among metadata behind the other rows of their record.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value, settled.
        order: rows that count, by record and rank.
        aside: rows of metadata, by record.

    Returns:
        The rows that count and those sentences, by record; whether each belongs to a field.
    """
    compared, sentences = np.empty(len(order), np.bool_), np.empty(len(aside), np.bool_)
    _mark_compared(buf, tape, order, compared)
    _mark_compared(buf, tape, aside, sentences)
    if not sentences.any():
        return order, compared
    rows = np.concatenate([order, aside[sentences]])
    by_record = np.argsort(tape[rows, REC], kind="stable")
    compared = np.concatenate([compared, np.ones(len(rows) - len(order), np.bool_)])
    return rows[by_record], compared[by_record]


_NAME = re.compile(r"[^\W\d][\w.:/-]*(?: [\w.:/-]+){0,2}")
_DIGITS = re.compile(r"\d(?:\W?\d){6,}")
_LONGEST = 48  # characters


def clean_name(name: str, number: int) -> str:
    """Return a column's name as tables show it: what is no name (a cell of a table without header) is not repeated.

    Args:
        name: as the data has it.
        number: of the column, from 1; 0 = all that have none of their own.
    """
    if not number:
        return OTHERS
    fits = len(name) <= _LONGEST and _NAME.fullmatch(name) and not _DIGITS.search(name)
    return name if fits else f"column {number}"
