"""JSON (RFC 8259): one value a line, an array of records, columns, a wrapper around an array, or one record.

pyarrow.json is not used: it infers types from values and gives up on mixed types and duplicate keys. A kernel reads the
bytes once: it splits records, checks each in full and puts down the values that have a role (`views`). A record that
is no JSON is one unreadable record, and reading goes on after it.

| first byte | what the document is |
|---|---|
| `[` | an array: its elements are the records |
| `{`, a value a line | JSON Lines |
| `{`, every value an array of one length, or an object with the keys "0", "1", ... | columns |
| `{`, exactly one array of objects, else scalars | a wrapper: the array's elements are the records |
| `{` | one record |
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714 - a kernel is one automaton in one piece

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from provenance.readers.records import string_kernels, views
from provenance.readers.records.record_format import Opening, RecordFormat
from provenance.readers.records.string_kernels import DEPTH, INCOMPLETE, LARGE, LOST, MANY, NUL, OK, SYNTAX
from provenance.readers.storage import BLOCK, LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

_TAPE, _GROUPS, _RECORDS, _REPEATED, _PHASE, _BASE, _ERROR = range(7)  # what `counts` counts
_OPEN, _NEXT, _AFTER, _DONE, _BROKEN = range(5)  # where in an array: after '[', after ',', after an element, after ']'
_OBJECT, _ARRAY = 1, 2
LINES, ARRAY, OBJECT, ONE = range(4)
"""What a kernel reads: a value a line, elements of an array, members of a valid object, or one value."""

_CHECKED = -1  # kind of a value that is checked and no more
_MOST = 1 << 21  # keys, or values that are kept, of one record: what bounds memory whatever a line holds
_FULL = 1 << 18  # records, or values that are kept, after which a batch is full
_NAMES = 1 << 16  # columns of a document
_SEEDS = np.frombuffer(os.urandom(16), np.uint64)
_TRUE, _FALSE, _NULL = (np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))


class Work(NamedTuple):
    """Memory of the kernel; large arrays are touched, and so paid for, only as far as they are used."""

    tape: Any  # int32[:, 7], see views
    records: Any  # int32[:, 3]: start, end, error
    counts: Any  # int64[7]
    stack: Any  # int32[depth, 6]: of the container around: what, kind, rank, group, number, entry of the last key
    sums: Any  # uint64[:]: hash of each key of the record being read, and of its object
    rows: Any  # int32[:, 2]: first and last row of the key's value
    slots: Any  # int32[:]: keys by hash; what is below counts[_BASE] is empty
    key: Any  # uint8[:]: a key, unescaped
    hashes: Any  # of Roles
    names: Any
    answers: Any
    seeds: Any


def prepare(size: int, depth: int, roles: views.Roles) -> Work:
    """Set memory aside for a buffer of `size` bytes."""
    few = size // 4 + 16  # no value that is kept is shorter than three bytes and a separator
    keys = min(few, _MOST)
    return Work(
        np.empty((min(few, _MOST + _FULL), 7), np.int32),
        np.empty((min(size, _FULL) + 16, 3), np.int32),
        np.array([0, 0, 0, 0, 0, 1, 0], np.int64),
        np.empty((depth, 6), np.int32),
        np.empty(keys, np.uint64),
        np.empty((keys, 2), np.int32),
        np.zeros(1 << max(9, (2 * keys).bit_length()), np.int32),
        np.empty(size + 16, np.uint8),
        roles.hashes,
        roles.names,
        roles.answers,
        _SEEDS,
    )


@njit(nogil=True, cache=True)
def _space(buf: Any, i: int, n: int, lines: bool) -> int:
    while i < n:
        c = buf[np.uint64(i)]
        if c > 32 or not (c == 32 or c == 9 or c == 13 or (c == 10 and not lines)):
            return i
        i += 1
    return i


@njit(nogil=True, cache=True)
def _put(
    buf: Any, start: int, end: int, kind: int, rank: int, group: int, flags: int, first: int, answers: Any,
    tape: Any, counts: Any,
) -> bool:  # fmt: skip
    """Put a string down on the tape, if it is of any use; return False where the record has too many."""
    if kind == views.SIDE or kind == views.META or kind == _CHECKED:
        return True
    escaped = (flags & string_kernels.ESCAPED) != 0
    if kind == views.SPEAKER:
        value = string_kernels.folded(buf, start, end)
        for answer in answers:
            if answer == value:
                flags |= views.ANSWERS
    elif kind == views.OTHER or kind == views.RECORD:
        if not views.lettered(buf, start, end, escaped):
            return True
    elif views.blank(buf, start, end, escaped):
        return True
    k = counts[_TAPE]
    if k - first >= _MOST or k >= tape.shape[0]:
        return False
    counts[_TAPE] = k + 1
    tape[k, views.REC], tape[k, views.KIND], tape[k, views.RANK] = counts[_RECORDS], kind, rank
    tape[k, views.GROUP], tape[k, views.START], tape[k, views.END], tape[k, views.FLAGS] = group, start, end, flags
    return True


@njit(nogil=True, cache=True)
def _remember(entry: int, base: int, mask: int, sums: Any, rows: Any, slots: Any, tape: Any) -> int:
    """Enter a key; where its object has it already, kill that value's rows, for the last one wins, and return 1."""
    at = np.int64(sums[entry] & np.uint64(mask))
    while slots[at] >= base:
        other = slots[at] - base
        if sums[other] == sums[entry]:
            for k in range(rows[other, 0], rows[other, 1]):
                tape[k, views.FLAGS] |= views.DEAD
            slots[at] = base + entry
            return 1
        at = (at + 1) & mask
    slots[at] = base + entry
    return 0


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # spreads an object's number over 64 bits


@njit(nogil=True, cache=True)
def _value(buf: Any, i: int, n: int, lines: bool, kind: int, rank: int, work: Any) -> Any:
    """Read one JSON value, check it in full and put down what has a role.

    Args:
        buf: bytes.
        i: where it begins, white space before it allowed.
        n: where the bytes end.
        lines: a newline ends the value, as in JSON Lines.
        kind: what the value is, see views.
        rank: its rank.
        work: memory; rows are added to its tape.

    Returns:
        Where it ends, or where its fault stands; error code.
    """
    tape, counts, stack, sums, rows, slots = work.tape, work.counts, work.stack, work.sums, work.rows, work.slots
    # Typed, for numba compiles a kernel anew for each constant that it is called with.
    none: Any = np.int64(0)
    group: Any = np.int64(-1)
    depth, entries, objects, mask, limit = none, none, none, 255, stack.shape[0]
    first, base = counts[_TAPE], counts[_BASE]
    if base > 1 << 30:
        slots[:] = 0
        base = 1
    # The container that the value stands in.
    box, box_kind, box_rank, box_group, box_number, box_entry = none, none, none, group, none, -1
    while True:
        i = _space(buf, i, n, lines)
        if i >= n:
            return n, INCOMPLETE
        c = buf[i]
        fresh = False
        if c == 34:
            end, error, flags = string_kernels.string(buf, i + 1, n)
            if error != OK:
                return end, error
            if not _put(buf, i + 1, end, kind, rank, group, flags, first, work.answers, tape, counts):
                return i, MANY
            i = end + 1
        elif c == 123 or c == 91:
            if depth == limit:
                return i, DEPTH
            fresh = True
            objects += 1
            if c == 123 and group < 0 and views.is_text(kind):
                group = counts[_GROUPS]
                counts[_GROUPS] += 1
            if c == 91 and depth == 0 and kind == views.RECORD:
                kind = views.CHAT
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = box, box_kind, box_rank
            stack[depth, 3], stack[depth, 4], stack[depth, 5] = box_group, box_number, box_entry
            box, box_kind, box_rank, box_group = (_OBJECT if c == 123 else _ARRAY), kind, rank, group
            box_number, box_entry = objects, -1
            depth += 1
            i += 1
        elif c == 45 or 48 <= c <= 57:
            end, error = string_kernels.number(buf, i, n)
            if error != OK:
                return end, error
            numeric = views.is_text(kind) and (depth == 0 or box == _OBJECT)
            if numeric and not _put(buf, i, end, kind, rank, group, none, first, work.answers, tape, counts):
                return i, MANY
            i = end
        else:
            word = 4 if c == 116 or c == 110 else 5 if c == 102 else 0
            if word == 0:
                return i, (NUL if c == 0 else SYNTAX)
            for k in range(word):
                if i + k >= n:
                    return n, INCOMPLETE
                wanted = _TRUE[k] if c == 116 else _NULL[k] if c == 110 else _FALSE[k]
                if buf[i + k] != wanted:
                    return i + k, SYNTAX
            i += word
        while True:  # after a value, or just inside a container
            if depth == 0:
                return i, OK
            i = _space(buf, i, n, lines)
            if i >= n:
                return n, INCOMPLETE
            c = buf[i]
            if box_entry >= 0:
                rows[box_entry, 1] = counts[_TAPE]
            if c == (125 if box == _OBJECT else 93):
                depth -= 1
                box, box_kind, box_rank = int(stack[depth, 0]), int(stack[depth, 1]), int(stack[depth, 2])
                box_group, box_number, box_entry = int(stack[depth, 3]), int(stack[depth, 4]), int(stack[depth, 5])
                i += 1
                fresh = False
                continue
            if not fresh:
                if c != 44:
                    return i, (NUL if c == 0 else SYNTAX)
                i = _space(buf, i + 1, n, lines)
                if i >= n:
                    return n, INCOMPLETE
            kind, rank, group = box_kind, box_rank, box_group
            if box == _ARRAY:
                break
            if buf[i] != 34:
                return i, (NUL if buf[i] == 0 else SYNTAX)
            end, error, flags = string_kernels.string(buf, i + 1, n)
            if error != OK:
                return end, error
            if kind != _CHECKED:
                if entries >= sums.shape[0]:
                    return i, MANY
                if flags & string_kernels.ESCAPED:
                    last, _ = string_kernels.unescape(buf, i + 1, end, work.key, none, True)
                    sum_ = string_kernels.hashed(work.key, none, last, work.seeds[0], work.seeds[1])
                    role = string_kernels.folded(work.key, none, last)
                else:
                    sum_ = string_kernels.hashed(buf, i + 1, end, work.seeds[0], work.seeds[1])
                    role = string_kernels.folded(buf, i + 1, end)
                sums[entries] = sum_ + np.uint64(box_number) * _GOLDEN
                rows[entries, 0] = rows[entries, 1] = counts[_TAPE]
                if 2 * entries > mask:
                    mask = 2 * mask + 1
                    base += entries
                    for k in range(entries):
                        _remember(k, base, mask, sums, rows, slots, tape)
                counts[_REPEATED] += _remember(entries, base, mask, sums, rows, slots, tape)
                name, name_rank, turn = views.look_up(work.hashes, work.names, role)
                kind, rank = views.enter(kind, rank, name, name_rank, turn)
                box_entry = entries
                entries += 1
                counts[_BASE] = base + entries
            i = _space(buf, end + 1, n, lines)
            if i >= n:
                return n, INCOMPLETE
            if buf[i] != 58:
                return i, (NUL if buf[i] == 0 else SYNTAX)
            i += 1
            break


@njit(nogil=True, cache=True)
def _record(start: int, end: int, error: int, tape: int, work: Any) -> None:
    """Close a record; with an error, its values leave the tape."""
    k = work.counts[_RECORDS]
    work.counts[_RECORDS] = k + 1
    work.records[k, 0], work.records[k, 1], work.records[k, 2] = start, end, error
    if error != OK:
        work.counts[_TAPE] = tape


@njit(nogil=True, cache=True)
def _is_full(counts: Any, most: int, values: int) -> Any:
    return counts[_RECORDS] >= most or counts[_TAPE] >= values


@njit(nogil=True, cache=True)
def _lines_of(
    buf: Any, i: int, n: int, final: bool, lines: bool, largest: int, most: int, values: int, kind: int, rank: int,
    work: Any,
) -> int:  # fmt: skip
    """Read one value a line, blank lines allowed; return where the first begins that is not whole or not wanted."""
    while True:
        i = _space(buf, i, n, False)
        if i >= n or _is_full(work.counts, most, values):
            return i
        tape, repeated = work.counts[_TAPE], work.counts[_REPEATED]
        end, error = _value(buf, i, n, lines, kind, rank, work)
        if error == OK:
            end = _space(buf, end, n, True)
            if end < n and buf[end] != 10:
                error = NUL if buf[end] == 0 else SYNTAX
        while end < n and buf[end] != 10:
            end += 1
        if end >= n and not final:
            work.counts[_TAPE], work.counts[_REPEATED] = tape, repeated
            return i
        if error == INCOMPLETE and end < n:
            error = SYNTAX
        _record(i, end, LARGE if end - i > largest else error, tape, work)
        i = end


@njit(nogil=True, cache=True)
def _close(buf: Any, i: int, n: int) -> int:
    """Find where a broken element ends by its brackets and quotes alone: -1 never, -2 not within these bytes."""
    depth = 0
    while i < n:
        c = buf[i]
        if c == 34:
            i += 1
            while i < n and buf[i] != 34:
                i += 2 if buf[i] == 92 else 1
        elif c == 123 or c == 91:
            depth += 1
        elif c == 125 or c == 93:
            if depth == 0:
                return i
            depth -= 1
        elif c == 44 and depth == 0:
            return i
        i += 1
    return -2


@njit(nogil=True, cache=True)
def _elements_of(
    buf: Any, i: int, n: int, final: bool, lines: bool, named: bool, largest: int, most: int, values: int, kind: int,
    rank: int, work: Any,
) -> int:  # fmt: skip
    """Read elements of an array, or members of a valid object; `work.counts[_PHASE]` says where in it they begin.

    Returns where the first element begins that is not whole or not wanted, or where the array ends or its structure is
    lost.
    """
    close_ = 125 if named else 93
    while True:
        i = _space(buf, i, n, False)
        phase = work.counts[_PHASE]
        if i >= n or phase >= _DONE or _is_full(work.counts, most, values):
            return i
        if phase == _AFTER:
            if buf[i] == 44:
                work.counts[_PHASE] = _NEXT
            elif buf[i] == close_:
                work.counts[_PHASE] = _DONE
            else:
                _record(i, i, LOST, work.counts[_TAPE], work)
                work.counts[_PHASE] = _BROKEN
                return i
            i += 1
            continue
        if phase == _OPEN and buf[i] == close_:
            work.counts[_PHASE] = _DONE
            return i + 1
        tape, repeated = work.counts[_TAPE], work.counts[_REPEATED]
        if named:
            end, _, _ = string_kernels.string(buf, i + 1, n)
            i = _space(buf, end + 1, n, False) + 1
        end, error = _value(buf, i, n, lines, kind, rank, work)
        after = _AFTER
        if error != OK and (final or end < n):
            close = n if error == INCOMPLETE else _close(buf, i, n)
            after = _AFTER if 0 <= close < n else _BROKEN
            end = close if close >= 0 else n
        if end >= n and not final:
            work.counts[_TAPE], work.counts[_REPEATED] = tape, repeated
            return i
        _record(i, end, LARGE if end - i > largest else error, tape, work)
        i = end
        work.counts[_PHASE] = after


@njit(nogil=True, cache=True)
def scan(
    buf: Any, i: int, n: int, final: bool, shape: int, largest: int, most: int, values: int, kind: int, rank: int,
    work: Any,
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
        kind: what a record is, see views.
        rank: its rank.
        work: memory; gains records and their values (of ONE: its values, and an error code).

    Returns:
        Where the first record begins that is not whole or not wanted, or where the array ends or its structure is lost.
    """
    lines, named = shape == LINES, shape == OBJECT
    if lines:
        return _lines_of(buf, i, n, final, lines, largest, most, values, kind, rank, work)
    if shape == ONE:
        i, work.counts[_ERROR] = _value(buf, i, n, lines, kind, rank, work)
        return i
    return _elements_of(buf, i, n, final, lines, named, largest, most, values, kind, rank, work)


@njit(nogil=True, cache=True)
def _skip(buf: Any, i: int, n: int) -> int:
    """Return where a valid value ends that begins at `i`."""
    depth = 0
    while True:
        c = buf[i]
        if c == 34:
            i, _, _ = string_kernels.string(buf, i + 1, n)
        elif c == 123 or c == 91:
            depth += 1
        elif c == 125 or c == 93:
            depth -= 1
        elif c != 44 and c != 58 and c > 32:
            while i + 1 < n and (
                buf[i + 1] == 43 or buf[i + 1] == 45 or buf[i + 1] == 46 or 48 <= buf[i + 1] | 32 <= 122
            ):
                i += 1
        i += 1
        if depth == 0:
            return i


@njit(nogil=True, cache=True)
def _writes(buf: Any, i: int, end: int, number: int) -> bool:
    """Say whether bytes are a number's decimal digits."""
    while end > i and buf[end - 1] == 48 + number % 10:
        number //= 10
        end -= 1
        if number == 0:
            return i == end
    return False


@njit(nogil=True, cache=True)
def _count(buf: Any, i: int, n: int) -> Any:
    """Count the elements of a valid array, or members of an object.

    Returns where it ends, their number, whether all are objects, and whether the names are 0, 1, 2, ... in this order.
    """
    named = buf[i] == 123
    count, objects, numbered = 0, True, named
    i = _space(buf, i + 1, n, False)
    while buf[i] != 125 and buf[i] != 93:
        if buf[i] == 44:
            i = _space(buf, i + 1, n, False)
        if named:
            end, _, _ = string_kernels.string(buf, i + 1, n)
            numbered = numbered and _writes(buf, i + 1, end, count)
            i = _space(buf, _space(buf, end + 1, n, False) + 1, n, False)
        objects = objects and buf[i] == 123
        i = _space(buf, _skip(buf, i, n), n, False)
        count += 1
    return i + 1, count, objects, numbered


@njit(nogil=True, cache=True)
def survey(buf: Any, n: int, out: Any) -> int:
    """List the members of a valid object.

    Args:
        buf: bytes.
        n: where they end.
        out: int32[:, 7]: gains start and end of the name, of the value, and of a container: number of elements, whether
            all are objects, whether all are named by their number.

    Returns:
        Number of members; -1 where there are more than rows.
    """
    count = 0
    i = _space(buf, _space(buf, 0, n, False) + 1, n, False)
    while buf[i] != 125:
        if count == out.shape[0]:
            return -1
        if buf[i] == 44:
            i = _space(buf, i + 1, n, False)
        end, _, _ = string_kernels.string(buf, i + 1, n)
        out[count, 0], out[count, 1] = i + 1, end
        i = _space(buf, _space(buf, end + 1, n, False) + 1, n, False)
        out[count, 2] = i
        if buf[i] == 123 or buf[i] == 91:
            i, out[count, 4], out[count, 5], out[count, 6] = _count(buf, i, n)
        else:
            i = _skip(buf, i, n)
        out[count, 3] = i
        i = _space(buf, i, n, False)
        count += 1
    return count


class _Buffer:
    """The bytes at hand: what the kernel has not finished with, and what follows it."""

    def __init__(self, stream: Stream, limits: Limits, roles: views.Roles) -> None:
        self.stream, self.limits, self.roles = stream, limits, roles
        self._store = np.empty(0, np.uint8)
        self.data = np.frombuffer(b"", np.uint8)
        self.final = False
        self.work: Work | None = None

    def fill(self, kept: int) -> None:
        """Drop all but the last `kept` bytes and read on: a batch, or as much as was kept: time stays linear."""
        wanted = max(self.limits.batch, min(kept, self.limits.record + 1 - kept))
        size = kept + wanted
        store = self._store if len(self._store) >= size else np.empty(size, np.uint8)
        store[:kept] = self.data[len(self.data) - kept :]
        end, part = kept, b""
        while end < size and (part := self.stream.read(min(BLOCK, size - end))):
            store[end : end + len(part)] = np.frombuffer(part, np.uint8)
            end += len(part)
        self.final = end < size
        self._store, self.data = store, store[:end]
        self.data.flags.writeable = False  # as bytes are: kernels are compiled once, for one kind of array

    def memory(self) -> Work:
        """Return memory for the bytes at hand, emptied of records."""
        if self.work is None or len(self.work.key) < len(self.data) + 16:
            phase = self.work.counts[_PHASE] if self.work else 0
            self.work = prepare(len(self.data), self.limits.depth, self.roles)
            self.work.counts[_PHASE] = phase
        self.work.counts[: _REPEATED + 1] = 0
        return self.work

    def scan(self, i: int, shape: int, *, n: int | None = None) -> tuple[int, Work]:
        """Read records of the bytes at hand, from `i` on; return where it stopped, and what was found."""
        work, largest = self.memory(), self.limits.record
        n, final = (len(self.data), self.final) if n is None else (n, True)
        return int(scan(self.data, i, n, final, shape, largest, _FULL, _FULL, views.RECORD, 0, work)), work


def _full(work: Work) -> bool:
    """Say whether a kernel stopped because its batch is full."""
    return bool(work.counts[_RECORDS] >= _FULL or work.counts[_TAPE] >= _FULL)


def _batch(data: Any, work: Work, tally: Tally) -> pa.RecordBatch:
    """Make a batch of the records that the kernel has found."""
    count = int(work.counts[_RECORDS])
    records = work.records[:count]
    found = views.build_views(data, work.tape[: work.counts[_TAPE]], count)
    tally.note("duplicate keys", int(work.counts[_REPEATED]))
    tally.note("lone surrogates", found.surrogates)
    out = views.batch(found, records[:, 2], tally.records)
    tally.count(records[:, 2], records[:, 1] - records[:, 0])
    return out


def _large(tally: Tally, size: int) -> pa.RecordBatch:
    """Make the one row of a record that is larger than the limit."""
    found = views.build_views(np.empty(0, np.uint8), np.empty((0, 7), np.int32), 1)
    out = views.batch(found, np.array([LARGE]), tally.records)
    tally.count([LARGE], [size])
    return out


def read(stream: Stream, tally: Tally, limits: Limits, roles: views.Roles) -> Iterator[pa.RecordBatch]:
    """Read a JSON document of any of this module's shapes.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts.
        limits: batch, record and depth.
        roles: which key means what.

    Yields:
        RECORDS batches, rows ascending; memory is bounded by a batch or the largest record.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    head = stream.peek(_LOOK).lstrip(_WHITE)
    buffer = _Buffer(stream, limits, roles)
    if head[:1] not in (b"{", b"[") or by_lines(head):
        yield from _lines(buffer, tally)
    elif head[:1] == b"[":
        yield from _array(buffer, tally)
    else:
        yield from _document(buffer, tally)


def read_lines(stream: Stream, tally: Tally, limits: Limits, roles: views.Roles) -> Iterator[pa.RecordBatch]:
    """Read JSON Lines: as `read`, but a single line is one record, whatever it holds."""
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    yield from _lines(_Buffer(stream, limits, roles), tally)


_WHITE = b" \t\r\n"
_LOOK = 1 << 20  # bytes that decide on a document's shape, whatever a batch is
_SAMPLE = 8  # lines that are tried where the first is broken


def _try(part: bytes) -> tuple[int, int]:
    """Return where the first value of some bytes ends, and its error code."""
    data = np.frombuffer(part, np.uint8)
    return _check(data, prepare(0, LIMITS.depth, views.load()))


def _check(data: Any, work: Work) -> tuple[int, int]:
    """Check one value and no more; return where it ends, and its error code."""
    end = scan(data, 0, len(data), True, ONE, len(data), 1, 1, _CHECKED, 0, work)
    return int(end), int(work.counts[_ERROR])


def by_lines(head: bytes) -> bool:
    """Say whether a document that begins so is JSON Lines: one value a line, and more than one line.

    Args:
        head: its first bytes, without white space before them.

    Returns:
        True where the first line is a whole value and something follows; or, where all is no JSON, a later line is one.
    """
    first, _, rest = head.partition(b"\n")
    end, error = _try(first)
    if error == OK and not first[end:].strip(_WHITE):
        return bool(rest.strip(_WHITE))
    if not rest.strip(_WHITE) or _try(head)[1] in (OK, INCOMPLETE):
        return False
    return any(line[:1] == b"{" and _try(line)[1] == OK for line in rest.split(b"\n", _SAMPLE)[:_SAMPLE])


def begins(head: bytes) -> bool:
    """Say whether a document that begins so, with a bracket, is JSON and not prose.

    Args:
        head: its first bytes, without white space before them.

    Returns:
        True where they are JSON as far as they go, or where some line is.
    """
    end, error = _try(head)
    if error == INCOMPLETE or (error == OK and head[end:].lstrip(_WHITE)[:1] in (b"", b"{", b"[")):
        return len(head) > 1
    return head[:1] == b"{" and by_lines(head)


def _lines(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    kept = len(buffer.data)
    while not buffer.final:
        buffer.fill(kept)
        done, full = 0, True
        while full:
            done, work = buffer.scan(done, LINES)
            full = _full(work)
            if work.counts[_RECORDS]:
                yield _batch(buffer.data, work, tally)
        kept = len(buffer.data) - done
        if kept > buffer.limits.record:
            size = kept + _skip_line(buffer)
            kept = len(buffer.data)
            yield _large(tally, size)


def _skip_line(buffer: _Buffer) -> int:
    """Drop bytes up to the next newline, which begins what is left; return how many beyond those at hand."""
    skipped = 0
    while True:
        more = buffer.stream.read(buffer.limits.batch)
        at = more.find(b"\n")
        if at >= 0 or not more:
            buffer.data = np.frombuffer(more[max(at, 0) :], np.uint8)
            return skipped + max(at, 0)
        skipped += len(more)


def _array(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read an array from the stream."""
    kept, phase, started = 0, _OPEN, False
    while not buffer.final and phase < _DONE:
        buffer.fill(kept)
        data = buffer.data
        done, full = 0 if started else int(_space(data, 0, len(data), False)) + 1, True
        started = True
        while full:
            done, work = buffer.scan(done, ARRAY)
            phase, full = int(work.counts[_PHASE]), _full(work)
            if buffer.final and phase < _DONE and not full:
                _record(done, done, INCOMPLETE, work.counts[_TAPE], work)
            if work.counts[_RECORDS]:
                yield _batch(data, work, tally)
        kept = len(data) - done
        if kept > buffer.limits.record and phase < _DONE:
            yield _large(tally, kept)
            kept, phase = 0, _BROKEN
    if phase < _DONE:
        tally.skip(0, "the array is not closed: the file is cut off")
        return
    rest = buffer.data[len(buffer.data) - kept :].tobytes().strip(_WHITE)
    left = len(rest) + len(buffer.stream.peek(1 << 16).strip(_WHITE)) and len(rest) + buffer.stream.drain()
    if phase == _BROKEN:
        tally.skip(left, "the array's structure is lost after an unreadable record")
    elif left:
        tally.skip(left, "data after the end of the array")


def _document(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read a document that is one object."""
    buffer.fill(0)
    while not buffer.final and len(buffer.data) <= buffer.limits.record:
        buffer.fill(len(buffer.data))
    data = buffer.data
    end, error = _check(data, prepare(0, buffer.limits.depth, buffer.roles))
    rest = len(data) - int(_space(data, end, len(data), False))
    large = not buffer.final or len(data) > buffer.limits.record
    if (error == OK and rest) or (
        large and not (data == _NEWLINE).any()
    ):  # a first line so long that it hid the second
        yield from _lines_from(buffer, tally)
    elif large:
        yield _large(tally, len(data) + buffer.stream.drain())
    elif error == OK:
        yield from _columns(buffer, tally) or _one(end, OK, buffer, tally)
    else:
        yield from _one(len(data), error, buffer, tally)


def _lines_from(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    buffer.final = False
    yield from _lines(buffer, tally)


def _one(end: int, error: int, buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    work = buffer.memory()
    if error == OK:
        _, work = buffer.scan(0, ONE)
        error = int(work.counts[_ERROR])
    _record(0, end, error, 0, work)
    yield _batch(buffer.data, work, tally)


_BRACKET, _BRACE, _NEWLINE = ord("["), ord("{"), ord("\n")


def _columns(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch] | None:
    """Read a document that holds its records by column or in a wrapper; None where it is one record."""
    data, out = buffer.data, np.empty((min(_NAMES, len(buffer.data) // 4 + 1), 7), np.int32)
    count = int(survey(data, len(data), out))
    if count < 0:
        return None
    found = {data[row[0] : row[1]].tobytes(): row for row in out[:count].tolist()}  # of repeated names the last
    nested = {name: row for name, row in found.items() if data[row[2]] in (_BRACKET, _BRACE)}
    arrays = [row for row in nested.values() if data[row[2]] == _BRACKET]
    if len(nested) == len(arrays) == 1 and arrays[0][4] and arrays[0][5]:
        return _wrapped(arrays[0][2] + 1, arrays[0][3], buffer, tally)
    if not nested or len(nested) < len(found) or 0 < len(arrays) < len(nested):
        return None
    lengths = {row[4] if data[row[2]] == _BRACKET or row[6] else -1 for row in nested.values()}
    if len(lengths) > 1 or min(lengths) < 1:
        return None
    columns = [(*_role(name, buffer.roles), row[2], row[3]) for name, row in nested.items()]
    return _transpose(columns, lengths.pop(), buffer, tally)


def _wrapped(start: int, end: int, buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read the array of a wrapper."""
    buffer.memory().counts[_PHASE] = _OPEN
    phase = _OPEN
    while phase < _DONE:
        start, work = buffer.scan(start, ARRAY, n=end)
        phase = int(work.counts[_PHASE])
        if work.counts[_RECORDS]:
            yield _batch(buffer.data, work, tally)


def _role(name: bytes, roles: views.Roles) -> tuple[int, int]:
    kind, rank = views.enter(views.RECORD, 0, *roles.find(name.decode("utf-8", "replace")))
    return int(kind), int(rank)


def _transpose(
    columns: list[tuple[int, int, int, int]], count: int, buffer: _Buffer, tally: Tally
) -> Iterator[pa.RecordBatch]:
    """Read columns, each with kind, rank, start and end, whose elements are values of the same records."""
    places, phases = [start + 1 for _, _, start, _ in columns], _OPEN
    most, row = max(1, _FULL // len(columns)), 0
    while row < count:
        most = min(most, count - row)
        found, errors, work = _across(columns, places, phases, most, buffer)
        if most > 1 and MANY in errors:
            most = max(1, most // 16)  # cells of many values: fewer rows at a time
            continue
        places, phases, row = found, _AFTER, row + most
        work.records[:most] = 0
        work.records[:most, 2] = errors
        work.counts[_RECORDS] = most
        yield _batch(buffer.data, work, tally)


def _across(
    columns: list[tuple[int, int, int, int]], places: list[int], phase: int, most: int, buffer: _Buffer
) -> tuple[list[int], Any, Work]:
    """Read `most` elements of each column; return where each stopped, the records' error codes, and what was found."""
    work, data, found, errors = buffer.memory(), buffer.data, [], np.zeros(most, np.int32)
    for (kind, rank, start, end), place in zip(columns, places, strict=True):
        work.counts[_RECORDS], work.counts[_PHASE] = 0, phase
        shape = ARRAY if data[start] == _BRACKET else OBJECT
        found.append(int(scan(data, place, end, True, shape, len(data), most, _MOST, kind, rank, work)))
        errors = np.maximum(errors, work.records[:most, 2] if work.counts[_RECORDS] == most else MANY)
    return found, errors, work


_LINES = ("jsonl", "ndjson", "jsonlines")
_DOCUMENTS = ("json", "geojson", "ipynb")


def _is_json(opening: Opening) -> bool:
    return opening.body[:1] in (b"{", b"[") and (opening.suffix in (*_LINES, *_DOCUMENTS) or begins(opening.body))


def _is_json_lines(opening: Opening) -> bool:
    if not _is_json(opening):
        return opening.suffix in _LINES
    return by_lines(opening.body) or (opening.suffix in _LINES and opening.body[:1] == b"{")


RECORD_FORMAT = (
    RecordFormat("jsonl", read_lines, suffixes=_LINES, sniff=_is_json_lines, by_lines=True),
    RecordFormat("json", read, suffixes=_DOCUMENTS, sniff=_is_json, only_records=False),
)
