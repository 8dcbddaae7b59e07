"""From the values of records to their views: which column is what, and how texts are joined.

The rule, for every record by itself, whatever batch or file it stands in:

- A key has a *role* by its name alone (`data/column-roles.yaml`). A role holds for every string and number below it
  (numbers not in lists), except below keys that are ids or other metadata. Below a key without a role no key has one.
- `whole` joins the values of text roles by newline: system, history, chat, instruction, input, text, answer; within a
  role by the table's order of names, within a name as they stand. Blank values are left out, and so is a value
  that repeats the one before it in its role (the same answer under two names is one answer).
- In a chat the turns of the assistant are answers, all others prompt, in their order. In a list of turns under an
  answer (`chosen`), turns of others are prompt too.
- `prompt` is the same without answers, where a record has an answer and something beside it; null otherwise.
- `answer` is the answers alone, where there is a prompt; null otherwise.
- A record without any value in a text role has as `whole` its other strings that contain a letter, as they stand; below
  keys that are ids or metadata none is taken.

Readers put down values on a *tape*, one row a value: record, kind, rank, group (the turn it belongs to, or -1), start,
end, flags. Start and end point into one buffer of bytes. No Python touches a record.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109, SIM110 - a kernel is one automaton in one piece

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.core import package_data, schemas
from provenance.errors import ConfigError
from provenance.readers.records import string_kernels
from provenance.readers.records.string_kernels import ESCAPED

if TYPE_CHECKING:
    from pathlib import Path

REC, KIND, RANK, GROUP, START, END, FLAGS = range(7)
"""Columns of a tape."""

BLANK, ANSWERS, QUOTED, DEAD = 2, 4, 8, 16
"""Flags of a tape's row beside ESCAPED: nothing visible; the assistant speaks; CSV quotes are doubled; overwritten."""

(
    RECORD,
    SYSTEM,
    HISTORY,
    CHAT,
    INSTRUCTION,
    INPUT,
    TEXT,
    ANSWER,
    URL,
    LICENCE,
    ORIGIN,
    OTHER,
    SIDE,
    META,
    INSIDE,
    SPEAKER,
) = range(16)
CONTENT, SAID = 16, 17
"""What a value is, by where it stands: CONTENT is what a turn says, SAID what the assistant says."""

SLOTS = 4096  # a power of two


@dataclass(frozen=True)
class Roles:
    """The table of column roles, compiled for kernels.

    Args:
        hashes: hash of a name by slot, 0 where empty (open addressing).
        names: kind, rank, and kind within a turn, by slot.
        answers: hashes of the speakers whose turns are answers.
    """

    hashes: Any
    names: Any
    answers: Any

    def find(self, name: str) -> tuple[int, int, int]:
        """Return kind, rank and kind within a turn of a name; kind -1 where it has none."""
        raw = np.frombuffer(name.encode("utf-8", "surrogatepass"), np.uint8)
        kind, rank, turn = look_up(self.hashes, self.names, np.uint64(string_kernels.folded(raw, 0, len(raw))))
        return int(kind), int(rank), int(turn)


def _hash(name: str) -> int:
    raw = np.frombuffer(name.encode(), np.uint8)
    return int(string_kernels.folded(raw, 0, len(raw)))


@cache
def load(path: Path | None = None) -> Roles:
    """Read a table of column roles.

    Args:
        path: a YAML file like `data/column-roles.yaml`; that one if None.

    Returns:
        The table, compiled.

    Raises:
        ConfigError: it is not such a table.
    """
    import yaml

    place = path or package_data.HERE / "column-roles.yaml"
    try:
        table = package_data.parse(place.read_bytes())
        return _compile(table)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ConfigError(f"{place} is no table of column roles: {error}") from error


@cache
def overridden(overrides: tuple[tuple[str, str], ...]) -> Roles:
    """Compile the published table with other roles for some columns.

    Args:
        overrides: column and role, the role as the table names it; they stand first in their role, in this order.

    Returns:
        The table, compiled.

    Raises:
        ConfigError: there is no such role.
    """
    table = deepcopy(package_data.table("column-roles"))
    lists = table["text"] | {name: names for name, names in table.items() if isinstance(names, list)}
    columns = {_hash(column): (column, role) for column, role in overrides}
    for names in lists.values():
        names[:] = [name for name in names if _hash(name) not in columns]
    for column, role in reversed(columns.values()):
        if role not in lists:
            raise ConfigError(f"there is no column role {role!r}; there are: {', '.join(sorted(lists))}")
        lists[role].insert(0, column)
    return _compile(table)


def _compile(table: dict[str, Any]) -> Roles:
    text = table["text"]
    kinds = [(SYSTEM, text["system"]), (HISTORY, text["history"]), (CHAT, table["chat"])]
    kinds += [
        (INSTRUCTION, text["instruction"]),
        (INPUT, text["input"]),
        (TEXT, text["text"]),
        (ANSWER, text["answer"]),
    ]
    kinds += [(URL, table["url"]), (LICENCE, table["licence"]), (ORIGIN, table["origin"])]
    kinds += [(SIDE, table["side"]), (INSIDE, table["inside"]), (META, table["meta"])]
    found: dict[int, list[int]] = {}
    rank = 0
    for kind, names in kinds:
        for name in names:
            rank += 1
            if _hash(name) in found:
                raise ConfigError(f"the table of column roles names {name!r} twice")
            found[_hash(name)] = [kind, rank, -1]
    for turn, names in ((SPEAKER, table["turn"]["speaker"]), (CONTENT, table["turn"]["content"])):
        for name in names:
            found.setdefault(_hash(name), [-1, 0, -1])[2] = turn
    if len(found) * 2 > SLOTS:
        raise ConfigError(f"the table of column roles names more than {SLOTS // 2} columns")
    hashes, slots = np.zeros(SLOTS, np.uint64), np.full((SLOTS, 3), -1, np.int32)
    for value, row in found.items():
        at = value % SLOTS
        while hashes[at]:
            at = (at + 1) % SLOTS
        hashes[at], slots[at] = value, row
    answers = np.array(sorted(_hash(name) for name in table["turn"]["answers"]), np.uint64)
    return Roles(hashes, slots, answers)


@njit(nogil=True, cache=True)
def look_up(hashes: Any, names: Any, value: np.uint64) -> Any:
    """Return kind, rank and kind within a turn of the name that hashes to `value`; -1, 0, -1 where there is none."""
    at = np.int64(value & np.uint64(SLOTS - 1))
    while hashes[at] != 0:
        if hashes[at] == value:
            return np.int64(names[at, 0]), np.int64(names[at, 1]), np.int64(names[at, 2])
        at = (at + 1) & (SLOTS - 1)
    return -1, 0, -1


@njit(nogil=True, cache=True)
def enter(kind: int, rank: int, name: int, name_rank: int, turn: int) -> Any:
    """Say what a value is that stands below a key.

    Args:
        kind: what the object is in which the key stands.
        rank: that object's rank.
        name: kind of the key's name, or -1.
        name_rank: its rank.
        turn: its kind within a turn, or -1.

    Returns:
        Kind and rank of the value.
    """
    aside = name == META or name == URL or name == LICENCE or name == ORIGIN or name == SIDE
    if kind == RECORD:
        if name == INSIDE:
            return RECORD, 0
        if name == -1:
            return (META if turn == SPEAKER else OTHER), 0
        return name, name_rank
    if kind == CHAT:
        if turn >= 0:
            return turn, rank
        if name == ANSWER:
            return SAID, rank
        if SYSTEM <= name <= TEXT:
            return CONTENT, rank
        return (META if aside else OTHER), 0
    if kind == SIDE:
        if URL <= name <= ORIGIN:
            return name, name_rank + SLOTS  # what the record says itself comes first
        return SIDE, 0
    if SYSTEM <= kind <= ANSWER or kind == CONTENT or kind == SAID:
        if turn == SPEAKER:
            return SPEAKER, rank
        return (META if aside else kind), rank
    if kind == OTHER:
        return (META if aside or turn == SPEAKER else OTHER), 0
    return kind, rank


@njit(nogil=True, cache=True)
def is_text(kind: int) -> bool:
    """Say whether a kind belongs to `whole`."""
    return SYSTEM <= kind <= ANSWER or kind == CONTENT or kind == SAID


@njit(nogil=True, cache=True)
def blank(buf: Any, i: int, end: int, escaped: bool) -> bool:
    """Say whether a value holds nothing but white space and control characters (ASCII)."""
    while i < end:
        c = buf[i]
        if escaped and c == 92:
            c = buf[i + 1]
            if c == 34 or c == 92 or c == 47:
                return False
            if c == 117:
                if string_kernels.hexadecimal(buf, i + 2) > 32:
                    return False
                i += 4
            i += 2
        elif c > 32:
            return False
        else:
            i += 1
    return True


@njit(nogil=True, cache=True)
def _is_letter(code: int) -> bool:
    if code < 0xC0:
        return 97 <= (code | 32) <= 122 or code == 0xAA or code == 0xB5 or code == 0xBA
    if 0x2000 <= code < 0x2C00 or 0x3000 <= code < 0x3005 or 0x3008 <= code < 0x3021:
        return False
    return not (
        0xD800 <= code < 0xF900
        or 0xFE10 <= code < 0xFE70
        or 0xFF00 <= code < 0xFF21
        or (code >= 0x1F000 and code < 0x20000)
    )


@njit(nogil=True, cache=True)
def lettered(buf: Any, i: int, end: int, escaped: bool) -> bool:
    """Say whether a value holds a letter (by Unicode block; punctuation, symbols, private use and emoji are none)."""
    while i < end:
        c = int(buf[i])
        if escaped and c == 92:
            if buf[i + 1] == 117:
                if _is_letter(string_kernels.hexadecimal(buf, i + 2)):
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


@njit(nogil=True, cache=True)
def _same(buf: Any, tape: Any, a: int, b: int) -> bool:
    """Say whether two rows hold the same bytes."""
    start, other, size = tape[a, START], tape[b, START], tape[b, END] - tape[b, START]
    if tape[a, END] - start != size:
        return False
    for k in range(size):
        if buf[start + k] != buf[other + k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _settle(tape: Any, order: Any, keys: Any) -> Any:
    """Settle who speaks; mark answers, and them alone, by ANSWERS, and make all that is said in a chat CHAT.

    Args:
        tape: one row a value; settled in place.
        order: gains the rows that count: without speakers, blanks and what was overwritten.
        keys: gains what they are ordered by.

    Returns:
        How many rows count; whether they stand in order already.
    """
    most = 0
    for k in range(tape.shape[0]):
        most = max(most, tape[k, GROUP] + 1)
    speakers = np.zeros(most, np.int8)
    for k in range(tape.shape[0]):
        if tape[k, KIND] == SPEAKER and tape[k, FLAGS] & DEAD == 0 and tape[k, GROUP] >= 0:
            speakers[tape[k, GROUP]] = 1 if tape[k, FLAGS] & ANSWERS else 2
    used, last, sorted_ = 0, np.int64(-1), True
    for k in range(tape.shape[0]):
        kind, group, flags = tape[k, KIND], tape[k, GROUP], tape[k, FLAGS]
        if kind == SPEAKER or flags & (DEAD | BLANK):
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
    return used, sorted_


_PICKS = 6  # whole, prompt, answer, url, licence, origin


@njit(nogil=True, cache=True)
def _pick(buf: Any, tape: Any, order: Any, picks: Any, counts: Any) -> None:
    """Pick the rows of each view by this module's rule.

    Args:
        buf: bytes.
        tape: settled.
        order: its rows that count, by record and rank.
        picks: int32[6, n]: gains rows for whole, prompt, answer, url, licence and origin.
        counts: int64[6]: gains how many.
    """
    first, n = 0, order.shape[0]
    while first < n:
        record, text, answered, asked, end = tape[order[first], REC], False, False, False, first
        while end < n and tape[order[end], REC] == record:
            k = order[end]
            if is_text(tape[k, KIND]):
                text = True
                if tape[k, FLAGS] & ANSWERS:
                    answered = True
                else:
                    asked = True
            end += 1
        before, before_asked, before_answer, url, licence, origin = -1, -1, -1, False, -1, False
        for j in range(first, end):
            k = order[j]
            kind = tape[k, KIND]
            if kind == URL and not url:
                url = True
                picks[3, counts[3]] = k
                counts[3] += 1
            elif kind == LICENCE and (licence < 0 or tape[k, RANK] == licence):
                licence = tape[k, RANK]
                picks[4, counts[4]] = k
                counts[4] += 1
            elif kind == ORIGIN and not origin:
                origin = True
                picks[5, counts[5]] = k
                counts[5] += 1
            elif is_text(kind) or (kind == OTHER and not text):
                once = kind != OTHER and kind != CHAT  # a value that repeats the one before it; turns may
                if not (once and before >= 0 and tape[before, KIND] == kind and _same(buf, tape, before, k)):
                    picks[0, counts[0]] = k
                    counts[0] += 1
                before = k
                if not (answered and asked):
                    continue
                side = 2 if tape[k, FLAGS] & ANSWERS else 1
                last = before_answer if side == 2 else before_asked
                if not (once and last >= 0 and tape[last, KIND] == kind and _same(buf, tape, last, k)):
                    picks[side, counts[side]] = k
                    counts[side] += 1
                if side == 2:
                    before_answer = k
                else:
                    before_asked = k
        first = end


@njit(nogil=True, cache=True)
def _room(tape: Any, rows: Any) -> Any:
    """Return how many bytes the values of some rows take at most, joined."""
    room = np.int64(rows.shape[0])
    for k in rows:
        room += tape[k, END] - tape[k, START]
    return room


@njit(nogil=True, cache=True)
def _join(buf: Any, tape: Any, rows: Any, count: int, out: Any, offsets: Any, held: Any) -> int:
    """Write each record's values, joined by newline; return how many hold a lone surrogate."""
    at, record, odd = 0, -1, 0
    for k in rows:
        if tape[k, REC] != record:
            while record < tape[k, REC]:
                record += 1
                offsets[record] = at
            held[record] = True
        else:
            out[at] = 10
            at += 1
        i: Any = np.int64(tape[k, START])
        end: Any = np.int64(tape[k, END])
        flags = tape[k, FLAGS]
        if flags & ESCAPED:
            at, lone = string_kernels.unescape(buf, i, end, out, at, False)
            odd += lone != 0
        elif flags & QUOTED:
            while i < end:
                out[at] = buf[i]
                at += 1
                i += 2 if buf[i] == 34 else 1
        else:
            at = string_kernels.copy(buf, i, end, out, at)
    while record < count:
        record += 1
        offsets[record] = at
    return odd


def join(buf: Any, tape: Any, rows: Any, count: int) -> tuple[pa.Array, int]:
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
    out = np.empty(_room(tape, rows), np.uint8)
    offsets, held = np.empty(count + 1, np.int64), np.zeros(count, np.bool_)
    odd = _join(buf, tape, rows, count, out, offsets, held)
    valid = pa.py_buffer(np.packbits(held, bitorder="little"))
    text = pa.py_buffer(out[: offsets[count]])
    return pa.Array.from_buffers(pa.large_string(), count, [valid, pa.py_buffer(offsets), text]), int(odd)


@dataclass(frozen=True)
class Views:
    """The views of a run of records.

    Args:
        whole, prompt, answer, url, licence, origin: one value a record, null where it has none.
        surrogates: values with a lone surrogate, which is U+FFFD now.
    """

    whole: pa.Array
    prompt: pa.Array
    answer: pa.Array
    url: pa.Array
    licence: pa.Array
    origin: pa.Array
    surrogates: int


def build_views(buf: Any, tape: Any, count: int) -> Views:
    """Make the views of records from the tape of their values, by this module's rule.

    Args:
        buf: bytes that the tape points into.
        tape: one row a value, in order of appearance; it is settled in place.
        count: number of records.

    Returns:
        Views of `count` records.
    """
    order, keys = np.empty(len(tape), np.int32), np.empty(len(tape), np.int64)
    used, sorted_ = _settle(tape, order, keys)
    order = order[:used] if sorted_ else order[:used][np.argsort(keys[:used], kind="stable")]
    del keys
    picks, counts = np.empty((_PICKS, used), np.int32), np.zeros(_PICKS, np.int64)
    _pick(buf, tape, order, picks, counts)
    joined, odd = zip(*(join(buf, tape, picks[k, : counts[k]], count) for k in range(_PICKS)), strict=True)
    # a cast costs as much as all else of a record, and most records have none of these
    url, licence, origin = (
        texts.cast(pa.string()) if counts[3 + k] else pa.nulls(count, pa.string()) for k, texts in enumerate(joined[3:])
    )
    return Views(joined[0], joined[1], joined[2], url, licence, origin, odd[0])


_REASONS = pa.array(string_kernels.REASONS, pa.string())


def batch(views: Views, errors: Any, row: int, offsets: Any = None) -> pa.RecordBatch:
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
            _REASONS.take(pa.array(codes)) if codes.any() else pa.nulls(len(codes), pa.string()),
        ],
        schema=schemas.RECORDS,
    )


def text_views(whole: pa.Array) -> Views:
    """Return the views of records that are nothing but text."""
    none, name = pa.nulls(len(whole), pa.large_string()), pa.nulls(len(whole), pa.string())
    return Views(whole, none, none, name, name, name, 0)


@njit(nogil=True, cache=True)
def _sift(buf: Any, tape: Any, answers: Any, keep: Any) -> None:
    for k in range(tape.shape[0]):
        row = tape[k]
        kind, start, end = row[KIND], row[START], row[END]
        if kind == SPEAKER:
            value = string_kernels.folded(buf, start, end)
            for j in range(answers.shape[0]):
                if answers[j] == value:
                    row[FLAGS] |= ANSWERS
            keep[k] = True
        elif kind == OTHER or kind == RECORD:
            keep[k] = lettered(buf, start, end, False)
        else:
            keep[k] = kind != META and kind != SIDE and not blank(buf, start, end, False)


def sift(buf: Any, tape: Any, answers: Any) -> Any:
    """Leave out values that are of no use to any view, and mark speakers that are assistants.

    Args:
        buf: bytes that the tape points into, without JSON escapes.
        tape: one row a value.
        answers: of Roles.

    Returns:
        The tape without them.
    """
    keep = np.zeros(len(tape), np.bool_)
    _sift(buf, tape, answers, keep)
    return tape[keep]


@njit(nogil=True, cache=True)
def _check(buf: Any, tape: Any, errors: Any) -> None:
    for k in range(tape.shape[0]):
        error = string_kernels.valid(buf, tape[k, START], tape[k, END])
        if error != string_kernels.OK:
            errors[tape[k, REC]] = error


@dataclass(slots=True)
class _Leaves:
    """Leaves of nested columns on their way to a tape."""

    roles: Roles
    parts: list[Any]
    tapes: list[Any]
    orders: list[Any]
    bytes: int = 0
    groups: int = 0

    def walk(self, array: Any, kind: int, rank: int, where: Any) -> None:
        """Descend into a column; `where` is int64[:, 4]: record, group, place in the outermost list, in one or not."""
        if kind == META:
            return
        type_ = array.type
        if isinstance(array, pa.ExtensionArray):
            self.walk(array.storage, kind, rank, where)
        elif pa.types.is_dictionary(type_):
            self.walk(array.dictionary_decode(), kind, rank, where)
        elif pa.types.is_struct(type_):
            self._struct(array, kind, rank, where)
        elif pa.types.is_map(type_):
            self._list(
                array.cast(pa.list_(pa.struct([("key", type_.key_type), ("value", type_.item_type)]))),
                kind,
                rank,
                where,
            )
        elif pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_):
            self._list(array, kind, rank, where)
        else:
            self._leaf(array, kind, rank, where)

    def _struct(self, array: Any, kind: int, rank: int, where: Any) -> None:
        held = np.asarray(array.is_valid())
        where, array = where[held], array.filter(pa.array(held))
        if is_text(kind) and len(where) and where[0, 1] < 0:
            where[:, 1] = np.arange(self.groups, self.groups + len(where))
            self.groups += len(where)
        for number, field in enumerate(array.type):
            inner, inner_rank = enter(kind, rank, *self.roles.find(field.name))
            self.walk(array.field(number), int(inner), int(inner_rank), where)

    def _list(self, array: Any, kind: int, rank: int, where: Any) -> None:
        import pyarrow.compute as pc

        lengths = np.asarray(pc.fill_null(pc.list_value_length(array), 0)).astype(np.int64)
        inner = np.repeat(where, lengths, axis=0)
        if len(where) and not where[0, 3]:
            inner[:, 2] = np.arange(len(inner))
        inner[:, 3] = 1
        self.walk(pc.list_flatten(array), kind, rank, inner)

    def _leaf(self, array: Any, kind: int, rank: int, where: Any) -> None:
        text = _strings(array, numbers=is_text(kind) and not (len(where) and where[0, 3]))
        if text is None:
            return
        held = np.asarray(text.is_valid())
        offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
        tape = np.zeros((int(held.sum()), 7), np.int64)
        tape[:, REC], tape[:, KIND], tape[:, RANK], tape[:, GROUP] = where[held, 0], kind, rank, where[held, 1]
        tape[:, START], tape[:, END] = (
            offsets[:-1][held] - offsets[0] + self.bytes,
            offsets[1:][held] - offsets[0] + self.bytes,
        )
        data_ = text.buffers()[2]
        part = np.frombuffer(data_ or b"", np.uint8)[offsets[0] : offsets[-1]]
        self.bytes += len(part)
        self.parts.append(part)
        self.tapes.append(tape)
        self.orders.append(where[held, 2])


def _strings(array: Any, *, numbers: bool) -> Any:
    """Return a column as bytes behind 64-bit offsets; None where it holds no text."""
    type_ = array.type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or type_ == pa.string_view():
        return array.cast(pa.large_string())
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return array.cast(pa.large_binary())
    if numbers and (pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)):
        return array.cast(pa.string()).cast(pa.large_string())
    return None


def flatten(part: pa.RecordBatch, roles: Roles) -> tuple[Any, Any, Any]:
    """Put the columns of an Arrow batch on a tape, nested ones by the same keys as JSON.

    Args:
        part: any columns; those that hold no text are left out.
        roles: which column means what.

    Returns:
        Bytes, tape, and an error code a row (invalid UTF-8 or NUL in a value that a view would hold).
    """
    leaves = _Leaves(roles, [], [], [])
    columns = []
    for number, name in enumerate(part.schema.names):
        kind, rank = enter(RECORD, 0, *roles.find(name))
        where = np.zeros((part.num_rows, 4), np.int64)
        where[:, 0], where[:, 1] = np.arange(part.num_rows), -1
        before = len(leaves.tapes)
        leaves.walk(part.column(number), int(kind), int(rank), where)
        columns += [number] * (len(leaves.tapes) - before)
    errors = np.zeros(part.num_rows, np.int32)
    if not leaves.tapes:
        return np.empty(0, np.uint8), np.empty((0, 7), np.int32), errors
    if leaves.bytes >= 1 << 31:
        raise pa.ArrowInvalid("a batch holds more than 2 GiB of text")
    buf, tape = np.concatenate(leaves.parts), np.concatenate(leaves.tapes).astype(np.int32)
    sizes = [len(each) for each in leaves.tapes]
    order = np.lexsort((np.concatenate(leaves.orders), np.repeat(columns, sizes), tape[:, REC]))
    tape = tape[order]
    _check(buf, tape, errors)
    tape = sift(buf, tape[errors[tape[:, REC]] == 0], roles.answers)
    return buf, tape, errors
