"""JSON (RFC 8259): one value a line, an array of records, columns, a wrapper around an array, or one record.

pyarrow.json is not used: it infers types from values and gives up on mixed types and duplicate keys. A kernel reads the
bytes once (`json_kernel`). A record that is no JSON is one unreadable record, and reading goes on after it.

| first byte | what the document is |
|---|---|
| `[` | an array: its elements are the records |
| `{`, a value a line | JSON Lines |
| `{`, every value an array of one length, or an object with the keys "0", "1", ... | columns |
| `{`, exactly one array of objects, else scalars | a wrapper: the array's elements are the records |
| `{` | one record |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.readers.records import column_roles, json_columns, json_small_files, personal_columns, views
from provenance.readers.records.column_roles import RECORD
from provenance.readers.records.json_kernel import (
    AFTER,
    ARRAY,
    BATCH_VALUES,
    BROKEN,
    CHECKED,
    DONE,
    ERROR,
    LINES,
    MOST_ASIDE,
    MOST_VALUES,
    OBJECT,
    ONE,
    OPEN,
    PHASE,
    RECORDS,
    REPEATED,
    TAPE,
    UNSEEN,
    Work,
    close_record,
    prepare_work,
    scan_records,
    skip_space,
)
from provenance.readers.records.json_survey import survey_members
from provenance.readers.records.record_format import FileHead, RecordFormat
from provenance.readers.records.string_kernels import INCOMPLETE, LARGE, MANY, OK
from provenance.readers.records.value_tape import WIDTH
from provenance.readers.storage import BLOCK_BYTES, LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

_NAME_BYTES = 1 << 16  # columns of a document

_Column = tuple[int, int, int, tuple[int, int], int, int]
"""A column of a document: kind, rank, name, where its key begins and ends, start and end."""


class _Buffer:
    """The bytes at hand: what the kernel has not finished with, and what follows it."""

    def __init__(self, stream: Stream, limits: Limits, roles: column_roles.Roles) -> None:
        self.stream, self.limits, self.roles = stream, limits, roles
        self._store = np.empty(0, np.uint8)
        self.data = np.frombuffer(b"", np.uint8)
        self.final = False
        self.work: Work | None = None

    def read_on(self, kept: int) -> None:
        """Drop all but the last `kept` bytes and read on: a batch, or as much as was kept: time stays linear."""
        wanted = max(self.limits.batch_bytes, min(kept, self.limits.record_bytes + 1 - kept))
        size = kept + wanted
        store = self._store if len(self._store) >= size else np.empty(size, np.uint8)
        store[:kept] = self.data[len(self.data) - kept :]
        end, part = kept, b""
        while end < size and (part := self.stream.read(min(BLOCK_BYTES, size - end))):
            store[end : end + len(part)] = np.frombuffer(part, np.uint8)
            end += len(part)
        self.final = end < size
        self._store, self.data = store, store[:end]
        self.data.flags.writeable = False  # as bytes are: kernels are compiled once, for one kind of array

    def release_record(self, done: int) -> int:
        """Let go of a long record once its batch is made, so that nobody holds it twice; return where more begins."""
        if len(self._store) <= 4 * self.limits.batch_bytes:
            return done
        self.data = self.data[done:].copy()
        self.data.flags.writeable = False
        self._store = np.empty(0, np.uint8)
        return 0

    def prepare_work(self) -> Work:
        """Return memory for the bytes at hand, emptied of records."""
        if self.work is None or len(self.work.key) < len(self.data) + 16:
            phase = self.work.counts[PHASE] if self.work else 0
            self.work = prepare_work(len(self.data), self.limits.nesting_levels, self.roles)
            self.work.counts[PHASE] = phase
        self.work.counts[: REPEATED + 1] = self.work.counts[UNSEEN] = 0
        return self.work

    def scan_records(self, i: int, shape: int, *, n: int | None = None) -> tuple[int, Work]:
        """Read records of the bytes at hand, from `i` on; return where it stopped, and what was found."""
        work, largest = self.prepare_work(), self.limits.record_bytes
        n, final = (len(self.data), self.final) if n is None else (n, True)
        return int(
            scan_records(self.data, i, n, final, shape, largest, BATCH_VALUES, BATCH_VALUES, RECORD, 0, 0, work)
        ), work


def _is_full(work: Work) -> bool:
    """Say whether a kernel stopped because its batch is full."""
    return bool(work.counts[RECORDS] >= BATCH_VALUES or work.counts[TAPE] >= BATCH_VALUES)


def _make_batch(data: Any, work: Work, tally: Tally) -> pa.RecordBatch:
    """Make a batch of the records that the kernel has found."""
    count = int(work.counts[RECORDS])
    records = work.records[:count]
    found = views.build_views(
        data, work.tape[: work.counts[TAPE]], count, columns=json_columns.name_columns(work.columns)
    )
    tally.count_oddities("duplicate keys", int(work.counts[REPEATED]))
    tally.count_oddities("lone surrogates", found.surrogates)
    tally.leave_unread(f"values of a record beyond its first {MOST_ASIDE:,}", int(work.counts[UNSEEN]))
    out = views.make_batch(found, records[:, 2], tally.records)
    tally.count_records(records[:, 2], records[:, 1] - records[:, 0])
    return out


def _make_large_record(tally: Tally, size: int) -> pa.RecordBatch:
    """Make the one row of a record that is larger than the limit."""
    found = views.build_views(np.empty(0, np.uint8), np.empty((0, WIDTH), np.int32), 1)
    out = views.make_batch(found, np.array([LARGE]), tally.records)
    tally.count_records([LARGE], [size])
    return out


def read(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read a JSON document of any of this module's shapes.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts.
        limits: batch_bytes, record_bytes and nesting_levels.
        roles: which key means what.

    Yields:
        RECORDS batches, rows ascending; memory is bounded by a batch or the largest record.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    head = stream.peek(_LOOK_BYTES).lstrip(_WHITE)
    buffer = _Buffer(stream, limits, roles)
    if head[:1] not in (b"{", b"[") or is_by_lines(head):
        yield from _read_lines(buffer, tally)
    elif head[:1] == b"[":
        yield from _read_array(buffer, tally)
    else:
        yield from _read_document(buffer, tally)


def read_lines(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read JSON Lines: as `read`, but a single line is one record, whatever it holds."""
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    yield from _read_lines(_Buffer(stream, limits, roles), tally)


_WHITE = b" \t\r\n"
_LOOK_BYTES = 1 << 20  # bytes that decide on a document's shape, whatever a batch is
_SAMPLE_LINES = 8  # lines that are tried where the first is broken


def _try_value(part: bytes) -> tuple[int, int]:
    """Return where the first value of some bytes ends, and its error code."""
    data = np.frombuffer(part, np.uint8)
    return _check_value(data, prepare_work(0, LIMITS.nesting_levels, column_roles.load_roles()))


def _check_value(data: Any, work: Work) -> tuple[int, int]:
    """Check one value and no more; return where it ends, and its error code."""
    end = scan_records(data, 0, len(data), True, ONE, len(data), 1, 1, CHECKED, 0, 0, work)
    return int(end), int(work.counts[ERROR])


def is_by_lines(head: bytes) -> bool:
    """Say whether a document that begins so is JSON Lines: one value a line, and more than one line.

    Args:
        head: its first bytes, without white space before them.

    Returns:
        True where the first line is a whole value and something follows; or, where all is no JSON, a later line is one.
    """
    first, _, rest = head.partition(b"\n")
    end, error = _try_value(first)
    if error == OK and not first[end:].strip(_WHITE):
        return bool(rest.strip(_WHITE))
    if not rest.strip(_WHITE) or _try_value(head)[1] in (OK, INCOMPLETE):
        return False
    return any(
        line[:1] == b"{" and _try_value(line)[1] == OK for line in rest.split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    )


def is_json_beginning(head: bytes) -> bool:
    """Say whether a document that begins so, with a bracket, is JSON and not prose.

    Args:
        head: its first bytes, without white space before them.

    Returns:
        True where they are JSON as far as they go, or where some line is.
    """
    end, error = _try_value(head)
    if error == INCOMPLETE or (error == OK and head[end:].lstrip(_WHITE)[:1] in (b"", b"{", b"[")):
        return len(head) > 1
    return head[:1] == b"{" and is_by_lines(head)


def _read_lines(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    kept = len(buffer.data)
    while not buffer.final:
        buffer.read_on(kept)
        done, full = 0, True
        while full:
            done, work = buffer.scan_records(done, LINES)
            full = _is_full(work)
            if work.counts[RECORDS]:
                made = _make_batch(buffer.data, work, tally)
                done = done if full else buffer.release_record(done)
                yield made
                del made
        kept = len(buffer.data) - done
        if kept > buffer.limits.record_bytes:
            size = kept + _skip_line(buffer)
            kept = len(buffer.data)
            yield _make_large_record(tally, size)


def _skip_line(buffer: _Buffer) -> int:
    """Drop bytes up to the next newline, which begins what is left; return how many beyond those at hand."""
    skipped = 0
    while True:
        more = buffer.stream.read(buffer.limits.batch_bytes)
        at = more.find(b"\n")
        if at >= 0 or not more:
            buffer.data = np.frombuffer(more[max(at, 0) :], np.uint8)
            return skipped + max(at, 0)
        skipped += len(more)


def _read_array(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read an array from the stream."""
    kept, phase, started = 0, OPEN, False
    while not buffer.final and phase < DONE:
        buffer.read_on(kept)
        data = buffer.data
        done, full = 0 if started else int(skip_space(data, 0, len(data), False)) + 1, True
        started = True
        while full:
            done, work = buffer.scan_records(done, ARRAY)
            phase, full = int(work.counts[PHASE]), _is_full(work)
            if buffer.final and phase < DONE and not full:
                close_record(done, done, INCOMPLETE, work.counts[TAPE], work)
            if work.counts[RECORDS]:
                yield _make_batch(data, work, tally)
        kept = len(data) - done
        if kept > buffer.limits.record_bytes and phase < DONE:
            yield _make_large_record(tally, kept)
            kept, phase = 0, BROKEN
    if phase < DONE:
        tally.skip_bytes(0, "the array is not closed: the file is cut off")
        return
    rest = buffer.data[len(buffer.data) - kept :].tobytes().strip(_WHITE)
    left = len(rest) + len(buffer.stream.peek(1 << 16).strip(_WHITE)) and len(rest) + buffer.stream.drain()
    if phase == BROKEN:
        tally.skip_bytes(left, "the array's structure is lost after an unreadable record")
    elif left:
        tally.skip_bytes(left, "data after the end of the array")


def _read_document(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read a document that is one object."""
    buffer.read_on(0)
    while not buffer.final and len(buffer.data) <= buffer.limits.record_bytes:
        buffer.read_on(len(buffer.data))
    data = buffer.data
    end, error = _check_value(data, prepare_work(0, buffer.limits.nesting_levels, buffer.roles))
    rest = len(data) - int(skip_space(data, end, len(data), False))
    large = not buffer.final or len(data) > buffer.limits.record_bytes
    if (error == OK and rest) or (
        large and not (data == _NEWLINE).any()
    ):  # a first line so long that it hid the second
        yield from _read_lines_from_start(buffer, tally)
    elif large:
        yield _make_large_record(tally, len(data) + buffer.stream.drain())
    elif error == OK:
        yield from _read_columns(buffer, tally) or _read_one_value(end, OK, buffer, tally)
    else:
        yield from _read_one_value(len(data), error, buffer, tally)


def _read_lines_from_start(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    buffer.final = False
    yield from _read_lines(buffer, tally)


def _read_one_value(end: int, error: int, buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    work = buffer.prepare_work()
    if error == OK:
        _, work = buffer.scan_records(0, ONE)
        error = int(work.counts[ERROR])
    close_record(0, end, error, 0, work)
    yield _make_batch(buffer.data, work, tally)


_BRACKET, _BRACE, _NEWLINE = ord("["), ord("{"), ord("\n")


def _read_columns(buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch] | None:
    """Read a document that holds its records by column or in a wrapper; None where it is one record."""
    data, out = buffer.data, np.empty((min(_NAME_BYTES, len(buffer.data) // 4 + 1), 7), np.int32)
    count = int(survey_members(data, len(data), out))
    if count < 0:
        return None
    found = {data[row[0] : row[1]].tobytes(): row for row in out[:count].tolist()}  # of repeated names the last
    nested = {name: row for name, row in found.items() if data[row[2]] in (_BRACKET, _BRACE)}
    arrays = [row for row in nested.values() if data[row[2]] == _BRACKET]
    if len(nested) == len(arrays) == 1 and arrays[0][4] and arrays[0][5]:
        return _read_wrapped(arrays[0][2] + 1, arrays[0][3], buffer, tally)
    if not nested or len(nested) < len(found) or 0 < len(arrays) < len(nested):
        return None
    lengths = {row[4] if data[row[2]] == _BRACKET or row[6] else -1 for row in nested.values()}
    if len(lengths) > 1 or min(lengths) < 1:
        return None
    personal = personal_columns.load_names()
    columns = [
        (
            *_find_role(name, buffer.roles),
            row[0] if personal.find_class(name.decode("utf-8", "replace")) else 0,
            (row[0], row[1]),
            row[2],
            row[3],
        )
        for name, row in nested.items()
    ]
    return _transpose_columns(columns, lengths.pop(), buffer, tally)


def _read_wrapped(start: int, end: int, buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read the array of a wrapper."""
    buffer.prepare_work().counts[PHASE] = OPEN
    phase = OPEN
    while phase < DONE:
        start, work = buffer.scan_records(start, ARRAY, n=end)
        phase = int(work.counts[PHASE])
        if work.counts[RECORDS]:
            yield _make_batch(buffer.data, work, tally)


def _find_role(name: bytes, roles: column_roles.Roles) -> tuple[int, int]:
    kind, rank = column_roles.decide_role(RECORD, 0, *roles.find_role(name.decode("utf-8", "replace")))
    return int(kind), int(rank)


def _transpose_columns(columns: list[_Column], count: int, buffer: _Buffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read columns whose elements are values of the same records."""
    places, phases = [start + 1 for *_, start, _ in columns], OPEN
    most, row = max(1, BATCH_VALUES // len(columns)), 0
    while row < count:
        most = min(most, count - row)
        found, errors, work = _scan_across(columns, places, phases, most, buffer)
        if most > 1 and MANY in errors:
            most = max(1, most // 16)  # cells of many values: fewer rows at a time
            continue
        places, phases, row = found, AFTER, row + most
        work.records[:most] = 0
        work.records[:most, 2] = errors
        work.counts[RECORDS] = most
        yield _make_batch(buffer.data, work, tally)


def _scan_across(
    columns: list[_Column], places: list[int], phase: int, most: int, buffer: _Buffer
) -> tuple[list[int], Any, Work]:
    """Read `most` elements of each column; return where each stopped, the records' error codes, and what was found."""
    work, data, found, errors = buffer.prepare_work(), buffer.data, [], np.zeros(most, np.int32)
    for number, ((kind, rank, name, key, start, end), place) in enumerate(zip(columns, places, strict=True), 1):
        work.counts[RECORDS], work.counts[PHASE] = 0, phase
        own = column_roles.is_column(kind)  # a number that no hash of a key is likely to be, always the same
        work.columns.counts[json_columns.AROUND] = (
            json_columns.number_column(data, *key, np.uint64(number), 0, work.columns) if own else 0
        )
        shape = ARRAY if data[start] == _BRACKET else OBJECT
        stop = scan_records(data, place, end, True, shape, len(data), most, MOST_VALUES, kind, rank, name, work)
        found.append(int(stop))
        errors = np.maximum(errors, work.records[:most, 2] if work.counts[RECORDS] == most else MANY)
    work.columns.counts[json_columns.AROUND] = 0
    return found, errors, work


_LINES = ("jsonl", "ndjson", "jsonlines")
_DOCUMENTS = ("json", "geojson", "ipynb")


def _is_json(opening: FileHead) -> bool:
    return opening.body[:1] in (b"{", b"[") and (
        opening.suffix in (*_LINES, *_DOCUMENTS) or is_json_beginning(opening.body)
    )


def _is_json_lines(opening: FileHead) -> bool:
    if not _is_json(opening):
        return opening.suffix in _LINES
    return is_by_lines(opening.body) or (opening.suffix in _LINES and opening.body[:1] == b"{")


RECORD_FORMAT = (
    RecordFormat(
        "jsonl",
        read_lines,
        suffixes=_LINES,
        sniff=_is_json_lines,
        by_lines=True,
        bounded=True,
        read_small=json_small_files.read_lines,
    ),
    RecordFormat(
        "json",
        read,
        suffixes=_DOCUMENTS,
        sniff=_is_json,
        bounded=True,
        read_small=json_small_files.read_documents,
        only_records=False,
    ),
)
