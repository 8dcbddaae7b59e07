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

# ruff: noqa: PLR1714, SIM110 - a kernel is one automaton in one piece

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from provenance.records import strings, views
from provenance.records.strings import DEPTH, INCOMPLETE, LARGE, LOST, NUL, OK, SYNTAX
from provenance.storage import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.records.tally import Tally
    from provenance.storage import Limits, Stream

_TAPE, _GROUPS, _RECORDS, _REPEATED, _PHASE, _STAMP = range(6)  # what `counts` counts
_OPEN, _NEXT, _AFTER, _DONE, _BROKEN = range(5)  # where in an array: after '[', after ',', after an element, after ']'
_OBJECT, _ARRAY = 1, 2
_SEED = np.uint64(int.from_bytes(os.urandom(8), "little"))
_TRUE, _FALSE, _NULL = (np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))


class Work(NamedTuple):
    """Memory of the kernel; large arrays are touched, and so paid for, only as far as they are used."""

    tape: Any  # int32[:, 7], see views
    records: Any  # int32[:, 3]: start, end, error
    counts: Any  # int64[6]
    stack: Any  # int32[depth, 6]: container, kind, rank, group, object, entry of the key being read
    entries: Any  # int32[:, 5]: start and end of the key in `keys`, object, first and last row of its value
    sums: Any  # uint64[:]: hash of the entry
    slots: Any  # int32[:, 2]: record in whose time the slot was filled, entry
    keys: Any  # uint8[:]: keys of the record being read, unescaped
    hashes: Any  # of Roles
    names: Any
    answers: Any
    seed: Any


def prepare(size: int, depth: int, roles: views.Roles) -> Work:
    """Set memory aside for a buffer of `size` bytes."""
    few = size // 4 + 16  # no value that is kept is shorter than three bytes and a separator
    slots = 1 << max(9, (size // 2).bit_length())
    return Work(
        np.empty((few, 7), np.int32),
        np.empty((size + 16, 3), np.int32),
        np.zeros(6, np.int64),
        np.empty((depth, 6), np.int32),
        np.empty((few, 5), np.int32),
        np.empty(few, np.uint64),
        np.zeros((slots, 2), np.int32),
        np.empty(size + 16, np.uint8),
        roles.hashes,
        roles.names,
        roles.answers,
        np.array([_SEED], np.uint64),
    )


@njit(nogil=True, cache=True)
def _space(buf: Any, i: int, n: int, lines: bool) -> int:
    while i < n and (buf[i] == 32 or buf[i] == 9 or buf[i] == 13 or (buf[i] == 10 and not lines)):
        i += 1
    return i


@njit(nogil=True, cache=True)
def _put(buf: Any, start: int, end: int, kind: int, rank: int, group: int, flags: int, work: Any) -> None:
    """Put a string down on the tape, if it is of any use."""
    if kind == views.SIDE or kind == views.META:
        return
    escaped = (flags & strings.ESCAPED) != 0
    if kind == views.SPEAKER:
        value = strings.folded(buf, start, end)
        for k in range(work.answers.shape[0]):
            if work.answers[k] == value:
                flags |= views.ANSWERS
    elif kind == views.OTHER or kind == views.RECORD:
        if not views.lettered(buf, start, end, escaped):
            return
    elif views.blank(buf, start, end, escaped):
        return
    k = work.counts[_TAPE]
    work.counts[_TAPE] = k + 1
    row = work.tape[k]
    row[views.REC], row[views.KIND], row[views.RANK], row[views.GROUP] = work.counts[_RECORDS], kind, rank, group
    row[views.START], row[views.END], row[views.FLAGS] = start, end, flags


@njit(nogil=True, cache=True)
def _same(work: Any, a: int, b: int) -> bool:
    size = work.entries[a, 1] - work.entries[a, 0]
    if work.entries[a, 2] != work.entries[b, 2] or work.entries[b, 1] - work.entries[b, 0] != size:
        return False
    for k in range(size):
        if work.keys[work.entries[a, 0] + k] != work.keys[work.entries[b, 0] + k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _remember(work: Any, entry: int, mask: int) -> int:
    """Enter a key; where its object has it already, kill that value's rows, for the last one wins, and return 1."""
    at, stamp = np.int64(work.sums[entry] & np.uint64(mask)), work.counts[_STAMP]
    while work.slots[at, 0] == stamp:
        other = work.slots[at, 1]
        if work.sums[other] == work.sums[entry] and _same(work, other, entry):
            for k in range(work.entries[other, 3], work.entries[other, 4]):
                work.tape[k, views.FLAGS] |= views.DEAD
            work.slots[at, 1] = entry
            return 1
        at = (at + 1) & mask
    work.slots[at, 0], work.slots[at, 1] = stamp, entry
    return 0


@njit(nogil=True, cache=True)
def value(buf: Any, i: int, n: int, lines: bool, kind: int, rank: int, work: Any) -> Any:
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
    depth, entries, keyed, objects, mask = 0, 0, 0, 0, 255
    work.counts[_STAMP] += 1
    group, limit, eights = -1, work.stack.shape[0], strings.words(buf)
    while True:
        i = _space(buf, i, n, lines)
        if i >= n:
            return n, INCOMPLETE
        c = buf[i]
        fresh = False
        if c == 34:
            end, error, flags = strings.string(buf, eights, i + 1, n)
            if error != OK:
                return end, error
            _put(buf, i + 1, end, kind, rank, group, flags, work)
            i = end + 1
        elif c == 123 or c == 91:
            if depth == limit:
                return i, DEPTH
            fresh = True
            objects += 1
            if c == 123 and group < 0 and views.is_text(kind):
                group = work.counts[_GROUPS]
                work.counts[_GROUPS] += 1
            if c == 91 and depth == 0 and kind == views.RECORD:
                kind = views.CHAT
            top = work.stack[depth]
            top[0], top[1], top[2], top[3] = (_OBJECT if c == 123 else _ARRAY), kind, rank, group
            top[4], top[5] = objects, -1
            depth += 1
            i += 1
        elif c == 45 or 48 <= c <= 57:
            end, error = strings.number(buf, i, n)
            if error != OK:
                return end, error
            if views.is_text(kind) and (depth == 0 or work.stack[depth - 1, 0] == _OBJECT):
                _put(buf, i, end, kind, rank, group, 0, work)
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
            top = work.stack[depth - 1]
            container = top[0]
            if container == _OBJECT and top[5] >= 0:
                work.entries[top[5], 4] = work.counts[_TAPE]
            if c == (125 if container == _OBJECT else 93):
                depth -= 1
                i += 1
                fresh = False
                continue
            if not fresh:
                if c != 44:
                    return i, (NUL if c == 0 else SYNTAX)
                i = _space(buf, i + 1, n, lines)
                if i >= n:
                    return n, INCOMPLETE
            kind, rank, group = int(top[1]), int(top[2]), int(top[3])
            if container == _ARRAY:
                break
            if buf[i] != 34:
                return i, (NUL if buf[i] == 0 else SYNTAX)
            end, error, flags = strings.string(buf, eights, i + 1, n)
            if error != OK:
                return end, error
            last, _ = strings.unescape(buf, i + 1, end, work.keys, keyed, True)
            row = work.entries[entries]
            row[0], row[1], row[2], row[3] = keyed, last, top[4], work.counts[_TAPE]
            row[4] = work.counts[_TAPE]
            work.sums[entries] = strings.hashed(work.keys, keyed, last, work.seed[0] + np.uint64(top[4]))
            if 2 * entries > mask:
                mask = 2 * mask + 1
                work.counts[_STAMP] += 1
                for k in range(entries):
                    _remember(work, k, mask)
            work.counts[_REPEATED] += _remember(work, entries, mask)
            name, name_rank, turn = views.look_up(work.hashes, work.names, strings.folded(work.keys, keyed, last))
            kind, rank = views.enter(kind, rank, name, name_rank, turn)
            top[5] = entries
            entries += 1
            keyed = last
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
def lines(buf: Any, i: int, n: int, final: bool, largest: int, work: Any) -> int:
    """Read JSON Lines: one value a line, blank lines allowed.

    Args:
        buf: bytes.
        i: where a line begins.
        n: where the bytes end.
        final: nothing follows them.
        largest: bytes of the largest record.
        work: memory; gains records and their values.

    Returns:
        Where the first line begins that is not whole yet.
    """
    while True:
        i = _space(buf, i, n, False)
        if i >= n:
            return n
        tape, repeated = work.counts[_TAPE], work.counts[_REPEATED]
        end, error = value(buf, i, n, True, views.RECORD, 0, work)
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
def elements(buf: Any, i: int, n: int, final: bool, largest: int, kind: int, rank: int, work: Any) -> int:
    """Read the elements of an array; `work.counts[_PHASE]` says where in it the bytes begin.

    Args:
        buf: bytes.
        i: where to begin.
        n: where the bytes end.
        final: nothing follows them.
        largest: bytes of the largest record.
        kind: what an element is, see views.
        rank: its rank.
        work: memory; gains records and their values.

    Returns:
        Where the first element begins that is not whole yet, or where the array ends or its structure is lost.
    """
    while True:
        i = _space(buf, i, n, False)
        phase = work.counts[_PHASE]
        if i >= n or phase >= _DONE:
            return i
        if phase == _AFTER:
            if buf[i] == 44:
                work.counts[_PHASE] = _NEXT
            elif buf[i] == 93:
                work.counts[_PHASE] = _DONE
            else:
                _record(i, i, LOST, work.counts[_TAPE], work)
                work.counts[_PHASE] = _BROKEN
                return i
            i += 1
            continue
        if phase == _OPEN and buf[i] == 93:
            work.counts[_PHASE] = _DONE
            return i + 1
        tape, repeated = work.counts[_TAPE], work.counts[_REPEATED]
        end, error = value(buf, i, n, False, kind, rank, work)
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
def members(buf: Any, i: int, n: int, kind: int, rank: int, names: Any, work: Any) -> int:
    """Read the members of an object that is known to be valid, each as a record of its own.

    Args:
        buf: bytes.
        i: where the object begins.
        n: where the bytes end.
        kind: what a member is, see views.
        rank: its rank.
        names: int32[:, 2]: gains start and end of each name, without its quotes.
        work: memory; gains a record a member.

    Returns:
        Number of members.
    """
    count, eights = 0, strings.words(buf)
    i = _space(buf, i, n, False) + 1
    while True:
        i = _space(buf, i, n, False)
        if i >= n or buf[i] == 125:
            return count
        if buf[i] == 44:
            i = _space(buf, i + 1, n, False)
        end, _, _ = strings.string(buf, eights, i + 1, n)
        names[count, 0], names[count, 1] = i + 1, end
        start = _space(buf, _space(buf, end + 1, n, False) + 1, n, False)
        i, _ = value(buf, start, n, False, kind, rank, work)
        _record(start, i, OK, 0, work)
        count += 1


class _Buffer:
    """The bytes at hand: what the kernel has not finished with, and what follows it."""

    def __init__(self, stream: Stream, limits: Limits, roles: views.Roles) -> None:
        self.stream, self.limits, self.roles = stream, limits, roles
        self.data = np.empty(0, np.uint8)
        self.final = False
        self.work: Work | None = None

    def fill(self, kept: int) -> None:
        """Drop all but the last `kept` bytes and read on: a batch, or as much as was kept: time stays linear."""
        tail = self.data[len(self.data) - kept :].tobytes()
        wanted = max(self.limits.batch, min(kept, self.limits.record + 1 - kept))
        more = self.stream.read(wanted)
        self.final = len(more) < wanted
        self.data = np.frombuffer(tail + more, np.uint8)

    def memory(self) -> Work:
        """Return memory for the bytes at hand, emptied of records."""
        if self.work is None or len(self.work.keys) < len(self.data) + 16:
            phase = self.work.counts[_PHASE] if self.work else 0
            self.work = prepare(len(self.data), self.limits.depth, self.roles)
            self.work.counts[_PHASE] = phase
        self.work.counts[: _REPEATED + 1] = 0
        return self.work


def _batch(data: Any, work: Work, tally: Tally) -> pa.RecordBatch:
    """Make a batch of the records that the kernel has found."""
    count = int(work.counts[_RECORDS])
    records = work.records[:count]
    found = views.look(data, work.tape[: work.counts[_TAPE]], count)
    tally.note("duplicate keys", int(work.counts[_REPEATED]))
    tally.note("lone surrogates", found.surrogates)
    out = views.batch(found, records[:, 2], tally.records)
    tally.count(records[:, 2], records[:, 1] - records[:, 0])
    return out


def _large(tally: Tally, size: int) -> pa.RecordBatch:
    """Make the one row of a record that is larger than the limit."""
    found = views.look(np.empty(0, np.uint8), np.empty((0, 7), np.int32), 1)
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
    work = prepare(len(data), LIMITS.depth, views.load())
    end, error = value(data, 0, len(data), False, views.META, 0, work)
    return int(end), int(error)


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
        work = buffer.memory()
        done = lines(buffer.data, 0, len(buffer.data), buffer.final, buffer.limits.record, work)
        kept = len(buffer.data) - done
        if work.counts[_RECORDS]:
            yield _batch(buffer.data, work, tally)
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
        work, data = buffer.memory(), buffer.data
        start = 0 if started else int(_space(data, 0, len(data), False)) + 1
        done = elements(data, start, len(data), buffer.final, buffer.limits.record, views.RECORD, 0, work)
        started, phase, kept = True, int(work.counts[_PHASE]), len(data) - done
        if buffer.final and phase < _DONE:
            _record(done, done, INCOMPLETE, work.counts[_TAPE], work)
        if work.counts[_RECORDS]:
            yield _batch(data, work, tally)
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
    data, work = buffer.data, buffer.memory()
    end, error = value(data, 0, len(data), False, views.RECORD, 0, work)
    rest = len(data) - int(_space(data, end, len(data), False))
    large = not buffer.final or len(data) > buffer.limits.record
    if (error == OK and rest) or (
        large and not (data == _NEWLINE).any()
    ):  # a first line so long that it hid the second
        yield from _lines_from(buffer, tally)
    elif large:
        yield _large(tally, len(data) + buffer.stream.drain())
    elif error == OK:
        yield _columns(data, buffer, tally) or _one(data, end, OK, buffer, tally)
    else:
        yield _one(data, len(data), error, buffer, tally)


def _lines_from(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    buffer.final = False
    yield from _lines(buffer, tally)


def _one(data: Any, end: int, error: int, buffer: _Buffer, tally: Tally) -> pa.RecordBatch:
    work = buffer.memory()
    if error == OK:
        value(data, 0, len(data), False, views.RECORD, 0, work)
    _record(0, end, error, 0, work)
    return _batch(data, work, tally)


def _members(data: Any, start: int, end: int, buffer: _Buffer) -> list[tuple[bytes, int, int]]:
    """List the members of an object by name; of repeated names the last."""
    work, names = buffer.memory(), np.empty(((end - start) // 4 + 1, 2), np.int32)
    count = members(data, start, end, views.META, 0, names, work)
    spans = zip(names[:count].tolist(), work.records[:count, :2].tolist(), strict=True)
    found = {data[a:b].tobytes(): (c, d) for (a, b), (c, d) in spans}
    return [(name, *span) for name, span in found.items()]


def _starts(data: Any, start: int, end: int, buffer: _Buffer) -> Any:
    """Return the first byte of each element of an array, or member of an object with the names 0, 1, ...; else None."""
    work = buffer.memory()
    if data[start] == _BRACKET:
        work.counts[_PHASE] = _OPEN
        elements(data, start + 1, end, True, end - start, views.META, 0, work)
        return data[work.records[: work.counts[_RECORDS], 0]]
    names = np.empty(((end - start) // 4 + 1, 2), np.int32)
    count = members(data, start, end, views.META, 0, names, work)
    numbered = all(data[a:b].tobytes() == str(k).encode() for k, (a, b) in enumerate(names[:count].tolist()))
    return data[work.records[:count, 0]] if numbered else None


_BRACKET, _BRACE, _NEWLINE = ord("["), ord("{"), ord("\n")


def _columns(data: Any, buffer: _Buffer, tally: Tally) -> pa.RecordBatch | None:
    """Make the batch of a document that holds its records by column or in a wrapper; None where it is one record."""
    found = _members(data, 0, len(data), buffer)
    nested = [(name, start, end) for name, start, end in found if data[start] in (_BRACKET, _BRACE)]
    arrays = [span for span in nested if data[span[1]] == _BRACKET]
    if len(nested) == len(arrays) == 1:
        firsts = _starts(data, *arrays[0][1:], buffer)
        if len(firsts) and (firsts == _BRACE).all():
            return _transpose(data, [(views.RECORD, 0, *arrays[0][1:])], len(firsts), buffer, tally)
    if not nested or len(nested) < len(found) or len({data[span[1]] for span in nested}) > 1:
        return None
    lengths = set()
    for _, start, end in nested:
        firsts = _starts(data, start, end, buffer)
        lengths.add(-1 if firsts is None else len(firsts))
        if len(lengths) > 1:
            return None
    count = lengths.pop()
    if count < 1:
        return None
    spans = [(*_role(name, buffer.roles), start, end) for name, start, end in nested]
    return _transpose(data, spans, count, buffer, tally)


def _role(name: bytes, roles: views.Roles) -> tuple[int, int]:
    kind, rank = views.enter(views.RECORD, 0, *roles.find(name.decode("utf-8", "replace")))
    return int(kind), int(rank)


def _transpose(
    data: Any, columns: list[tuple[int, int, int, int]], count: int, buffer: _Buffer, tally: Tally
) -> pa.RecordBatch:
    """Make one batch of columns, each with kind, rank, start and end, whose elements are values of the same records."""
    work = buffer.memory()
    names = np.empty((len(data) // 4 + 1, 2), np.int32)
    for kind, rank, start, end in columns:
        work.counts[_RECORDS], work.counts[_PHASE] = 0, _OPEN
        if data[start] == _BRACKET:
            elements(data, start + 1, end, True, len(data), kind, rank, work)
        else:
            members(data, start, end, kind, rank, names, work)
    work.records[:count, 0] = work.records[:count, 1] = work.records[:count, 2] = 0
    work.counts[_RECORDS] = count
    return _batch(data, work, tally)
