"""From the values of records to their views: which of them belong to a view, in which order.

The rule, for every record by itself, whatever batch or file it stands in:

- A key has a *role* by its name alone, which holds for what stands below it (`column_roles`).
- `whole` joins the values of text roles by newline: system, history, chat, instruction, input, text, answer; within a
  role by the table's order of names, within a name as they stand. Blank values are left out, and so is a value
  that repeats the one before it in its role (the same answer under two names is one answer). Behind them stand the
  record's other strings of six words or more, as they stand: a text is no label, whatever its column is called.
- In a chat the turns of the assistant are answers, all others prompt, in their order. In a list of turns under an
  answer (`chosen`), turns of others are prompt too.
- `prompt` is the same without answers, where a record has an answer and something beside it; null otherwise.
- `answer` is the answers alone, where there is a prompt; null otherwise.
- A record without any value in a text role has as `whole` its other strings that contain a letter, as they stand; below
  keys that are ids or metadata none is taken but, where there is nothing else, sentences (`value_tape.is_sentence`).
- `fields` are the texts of its columns, one by one, where they are none of these views (`field_views`).
- `aside` joins what `whole` does not hold, for detectors alone: shorter strings beside text roles, addresses, licences,
  origins, ids and metadata. A value without a letter stands there if it may be a phone number or an IP address, or if
  its column is called as personal data is; a mere number is nothing.
- `named` lists columns that are called as personal data is (`personal_columns`).

Readers put down values on a tape (`value_tape`). No Python touches a record.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.core import schemas
from provenance.core.tables.schema_fields import FIELDS
from provenance.readers.records import field_views, personal_columns, string_kernels
from provenance.readers.records.column_roles import (
    ANSWER,
    CHAT,
    CONTENT,
    LICENCE,
    META,
    ORIGIN,
    OTHER,
    RECORD,
    SAID,
    SPEAKER,
    URL,
    is_text_role,
)
from provenance.readers.records.value_tape import (
    ANSWERS,
    BLANK,
    DEAD,
    FLAGS,
    GROUP,
    KIND,
    RANK,
    REC,
    join_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@njit(nogil=True, cache=True)
def _settle_speakers(tape: Any, order: Any, keys: Any, aside: Any) -> Any:
    """Settle who speaks; mark answers, and them alone, by ANSWERS, and make all that is said in a chat CHAT.

    Args:
        tape: one row a value; settled in place.
        order: gains the rows that count: without speakers, blanks and what was overwritten.
        keys: gains what they are ordered by.
        aside: gains the rows that detectors alone look at.

    Returns:
        How many rows count; whether they stand in order already; how many rows are aside.
    """
    most = 0
    for k in range(tape.shape[0]):
        most = max(most, tape[k, GROUP] + 1)
    speakers = np.zeros(most, np.int8)
    for k in range(tape.shape[0]):
        if tape[k, KIND] == SPEAKER and tape[k, FLAGS] & DEAD == 0 and tape[k, GROUP] >= 0:
            speakers[tape[k, GROUP]] = 1 if tape[k, FLAGS] & ANSWERS else 2
    used, last, sorted_, beside = 0, np.int64(-1), True, 0
    for k in range(tape.shape[0]):
        kind, group, flags = tape[k, KIND], tape[k, GROUP], tape[k, FLAGS]
        if kind == SPEAKER or flags & (DEAD | BLANK):
            continue
        if kind == META:
            aside[beside] = k
            beside += 1
            continue
        speaker = speakers[group] if group >= 0 else 0
        answer = kind == SAID or (kind == CONTENT and speaker == 1) or (kind == ANSWER and speaker != 2)
        tape[k, FLAGS] = flags & ~ANSWERS | (ANSWERS if answer else 0)
        if kind == CONTENT or kind == SAID:
            tape[k, KIND] = CHAT
        elif kind == RECORD:
            tape[k, KIND] = OTHER
        order[used], keys[used] = k, np.int64(tape[k, REC]) << 20 | tape[k, RANK]
        sorted_ = sorted_ and keys[used] >= last
        last = keys[used]
        used += 1
    return used, sorted_, beside


_VIEWS = 7
_WHOLE, _PROMPT, _ANSWER, _URL, _LICENCE, _ORIGIN, _ASIDE = range(_VIEWS)


@njit(nogil=True, cache=True)
def _pick_rows(buf: Any, tape: Any, order: Any, aside: Any, picks: Any, counts: Any) -> None:
    """Pick the rows of each view by this module's rule.

    Args:
        buf: bytes.
        tape: settled.
        order: its rows that count, by record and rank.
        aside: its rows that detectors alone look at, by record.
        picks: int32[7, n]: gains rows for whole, prompt, answer, url, licence, origin and aside.
        counts: int64[7]: gains how many.
    """
    first, n, beside = 0, order.shape[0], 0
    while first < n:
        record, text, answered, prompted, end = tape[order[first], REC], False, False, False, first
        while end < n and tape[order[end], REC] == record:
            k: Any = np.int64(order[end])
            kind: Any = np.int64(tape[k, KIND])
            if is_text_role(kind):
                text = True
                if tape[k, FLAGS] & ANSWERS:
                    answered = True
                else:
                    prompted = True
            end += 1
        while beside < aside.shape[0] and tape[aside[beside], REC] <= record:
            picks[_ASIDE, counts[_ASIDE]] = aside[beside]
            counts[_ASIDE] += 1
            beside += 1
        before: Any = np.int64(-1)
        before_asked: Any = np.int64(-1)
        before_answer: Any = np.int64(-1)
        url, licence, origin = False, -1, False
        for j in range(first, end):
            k = np.int64(order[j])
            kind = np.int64(tape[k, KIND])
            if (URL <= kind <= ORIGIN) or (kind == OTHER and text and not field_views.is_long(buf, tape, k)):
                picks[_ASIDE, counts[_ASIDE]] = k
                counts[_ASIDE] += 1
            if kind == URL and not url:
                url = True
                picks[_URL, counts[_URL]] = k
                counts[_URL] += 1
            elif kind == LICENCE and (licence < 0 or tape[k, RANK] == licence):
                licence = tape[k, RANK]
                picks[_LICENCE, counts[_LICENCE]] = k
                counts[_LICENCE] += 1
            elif kind == ORIGIN and not origin:
                origin = True
                picks[_ORIGIN, counts[_ORIGIN]] = k
                counts[_ORIGIN] += 1
            elif is_text_role(kind) or (kind == OTHER and not text):
                once = kind != OTHER and kind != CHAT  # a value that repeats the one before it; turns may
                if not (
                    once
                    and before >= 0
                    and tape[before, KIND] == kind
                    and field_views.is_same_value(buf, tape, before, k)
                ):
                    picks[_WHOLE, counts[_WHOLE]] = k
                    counts[_WHOLE] += 1
                before = k
                if not (answered and prompted):
                    continue
                side = 2 if tape[k, FLAGS] & ANSWERS else 1
                last = before_answer if side == 2 else before_asked
                if not (
                    once and last >= 0 and tape[last, KIND] == kind and field_views.is_same_value(buf, tape, last, k)
                ):
                    picks[side, counts[side]] = k
                    counts[side] += 1
                if side == 2:
                    before_answer = k
                else:
                    before_asked = k
        for j in range(first, end):  # a text beside text roles, whatever its column is called
            k = np.int64(order[j])
            if text and tape[k, KIND] == OTHER and field_views.is_long(buf, tape, k):
                picks[_WHOLE, counts[_WHOLE]] = k
                counts[_WHOLE] += 1
        first = end
    while beside < aside.shape[0]:
        picks[_ASIDE, counts[_ASIDE]] = aside[beside]
        counts[_ASIDE] += 1
        beside += 1


@dataclass(frozen=True)
class Views:
    """The views of a run of records.

    Args:
        whole, prompt, answer, url, licence, origin: one value a record, null where it has none.
        surrogates: values with a lone surrogate, which is U+FFFD now.
        aside: for detectors alone; None = no record has any.
        named: columns that are called as personal data is; None = no record has any.
        fields: FIELDS; None = no record has any.
        short_fields: fields of each record that are too short to be compared by themselves; None = none.
    """

    whole: pa.Array
    prompt: pa.Array
    answer: pa.Array
    url: pa.Array
    licence: pa.Array
    origin: pa.Array
    surrogates: int
    aside: pa.Array | None = None
    named: pa.Array | None = None
    fields: pa.Array | None = None
    short_fields: pa.Array | None = None


def build_views(
    buf: Any, tape: Any, count: int, names: Sequence[str] | None = None, *, columns: Sequence[str] = ("",)
) -> Views:
    """Make the views of records from the tape of their values, by this module's rule.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value, in order of appearance; it is settled in place.
        count: number of records.
        names: of columns that the tape numbers as called as personal data is; None = it says where keys of JSON begin.
        columns: names of all columns, by number, the first one empty.

    Returns:
        Views of `count` records.
    """
    order, keys = np.empty(len(tape), np.int32), np.empty(len(tape), np.int64)
    aside = np.empty(len(tape), np.int32)
    used, sorted_, beside = _settle_speakers(tape, order, keys, aside)
    aside = _order_by_record(tape, aside[:beside])
    order = order[:used] if sorted_ else order[:used][np.argsort(keys[:used], kind="stable")]
    del keys
    picks, counts = np.empty((_VIEWS, used + beside), np.int32), np.zeros(_VIEWS, np.int64)
    _pick_rows(buf, tape, order, aside, picks, counts)
    order, compared = field_views.add_sentences(buf, tape, order, aside)
    whole = _fill_wholes(tape, picks[_WHOLE, : counts[_WHOLE]], order[compared], count)
    picked = [whole, *(picks[k, : counts[k]] for k in range(1, _VIEWS))]
    joined, odd = zip(*(join_values(buf, tape, some, count) for some in picked), strict=True)
    # a cast costs as much as all else of a record, and most records have none of these
    url, licence, origin = (
        texts.cast(pa.string()) if counts[3 + k] else pa.nulls(count, pa.string())
        for k, texts in enumerate(joined[3:_ASIDE])
    )
    named = personal_columns.name_columns(buf, tape, count, names)
    rows = [whole, *(picks[k, : counts[k]] for k in (_PROMPT, _ANSWER))]
    fields, short = field_views.build_fields(buf, tape, order, rows, compared=compared, count=count, columns=columns)
    return Views(joined[0], joined[1], joined[2], url, licence, origin, odd[0], joined[_ASIDE], named, fields, short)


def _fill_wholes(tape: Any, whole: Any, compared: Any, count: int) -> Any:
    """Give records without any other text the sentences among their metadata as `whole`."""
    filled = np.zeros(count, np.bool_)
    filled[tape[whole, REC]] = True
    bare = compared[~filled[tape[compared, REC]]]
    return _order_by_record(tape, np.concatenate([whole, bare])) if len(bare) else whole


def _order_by_record(tape: Any, rows: Any) -> Any:
    """Order rows by their record: where columns were read one after the other they are not."""
    records = tape[rows, REC]
    return rows if (records[1:] >= records[:-1]).all() else rows[np.argsort(records, kind="stable")]


_REASONS = pa.array(string_kernels.REASONS, pa.string())


def make_batch(views: Views, errors: Any, row: int, offsets: Any = None) -> pa.RecordBatch:
    """Put records together.

    Args:
        views: their views.
        errors: their error codes; a record with an error has no views.
        row: number of the first.
        offsets: their byte offsets in the file, for text.

    Returns:
        One row of RECORDS a record.
    """
    codes = np.asarray(errors, np.int32)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(np.arange(row, row + len(errors), dtype=np.int64)),
            pa.nulls(len(errors), pa.int64()) if offsets is None else pa.array(offsets, pa.int64()),
            *(views.whole, views.prompt, views.answer, views.url, views.licence, views.origin),
            pa.nulls(len(errors), pa.large_string()) if views.aside is None else views.aside,
            pa.nulls(len(errors), pa.list_(pa.string())) if views.named is None else views.named,
            pa.nulls(len(errors), FIELDS) if views.fields is None else views.fields,
            _zeros(len(errors)) if views.short_fields is None else views.short_fields,
            _REASONS.take(pa.array(codes)) if codes.any() else pa.nulls(len(codes), pa.string()),
        ],
        schema=schemas.RECORDS,
    )


def _zeros(count: int) -> pa.Array:
    return pa.array(np.zeros(count, np.int32))


def make_text_views(whole: pa.Array) -> Views:
    """Return the views of records that are nothing but text."""
    none, name = pa.nulls(len(whole), pa.large_string()), pa.nulls(len(whole), pa.string())
    return Views(whole, none, none, name, name, name, 0)
