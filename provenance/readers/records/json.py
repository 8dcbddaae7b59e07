"""JSON (RFC 8259): one value a line, an array of records, columns, a wrapper around an array, or one record.

pyarrow.json is not used: it infers types from values and gives up on mixed types and duplicate keys. A kernel reads the
bytes once (`json_kernel`). A record that is no JSON is one unreadable record, and reading goes on after it.

| first byte | what the document is |
|---|---|
| `[` | an array: its elements are the records |
| `{`, a value a line | JSON Lines |
| `{` | tables of records, columns, splits, or one record: see `json_shapes` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.readers.records import column_roles, json_documents, json_small_files, json_strings
from provenance.readers.records.json_buffers import RecordBuffer, is_full, make_batch, make_large_record
from provenance.readers.records.json_kernel import (
    ARRAY,
    BROKEN,
    CHECKED,
    DONE,
    ERROR,
    LINES,
    ONE,
    OPEN,
    PHASE,
    RECORDS,
    TAPE,
    Work,
    close_record,
    prepare_work,
    scan_records,
    skip_space,
)
from provenance.readers.records.record_format import FileHead, RecordFormat
from provenance.readers.records.string_kernels import INCOMPLETE, OK
from provenance.readers.storage import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.record_format import Section
    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream


def read(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch | Section]:
    """Read a JSON document of any of this module's shapes.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts.
        limits: batch_bytes, record_bytes and nesting_levels.
        roles: which key means what.

    Yields:
        RECORDS batches, rows ascending, and a `Section` for each split that a document names; memory is bounded by a
        batch or the largest record.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    head = stream.peek(_LOOK_BYTES).lstrip(_WHITE)
    buffer = RecordBuffer(stream, limits, roles)
    by_lines = head[:1] not in (b"{", b"[") or is_by_lines(head)
    if by_lines or head[:1] == b"[":
        buffer.wrapped = json_strings.find_wrapped(head.removeprefix(b"["), roles, by_lines=by_lines)
    if by_lines:
        yield from _read_lines(buffer, tally)
    elif head[:1] == b"[":
        yield from _read_array(buffer, tally)
    else:
        yield from _read_document(buffer, tally)


def read_lines(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read JSON Lines: as `read`, but a single line is one record, whatever it holds."""
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    wrapped = json_strings.find_wrapped(stream.peek(_LOOK_BYTES), roles, by_lines=True)
    yield from _read_lines(RecordBuffer(stream, limits, roles, wrapped), tally)


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


def _read_lines(buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    kept = len(buffer.data)
    while not buffer.final:
        buffer.read_on(kept)
        done, full = 0, True
        while full:
            done, work = buffer.scan_records(done, LINES)
            full = is_full(work)
            if work.counts[RECORDS]:
                made = make_batch(buffer.data, work, tally)
                done = done if full else buffer.release_record(done)
                yield made
                del made
        kept = len(buffer.data) - done
        if kept > buffer.limits.record_bytes:
            size = kept + _skip_line(buffer)
            kept = len(buffer.data)
            yield make_large_record(tally, size)


def _skip_line(buffer: RecordBuffer) -> int:
    """Drop bytes up to the next newline, which begins what is left; return how many beyond those at hand."""
    skipped = 0
    while True:
        more = buffer.stream.read(buffer.limits.batch_bytes)
        at = more.find(b"\n")
        if at >= 0 or not more:
            buffer.data = np.frombuffer(more[max(at, 0) :], np.uint8)
            return skipped + max(at, 0)
        skipped += len(more)


def _read_array(buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    """Read an array from the stream."""
    kept, phase, started = 0, OPEN, False
    while not buffer.final and phase < DONE:
        buffer.read_on(kept)
        data = buffer.data
        done, full = 0 if started else int(skip_space(data, 0, len(data), False)) + 1, True
        started = True
        while full:
            done, work = buffer.scan_records(done, ARRAY)
            phase, full = int(work.counts[PHASE]), is_full(work)
            if buffer.final and phase < DONE and not full:
                close_record(done, done, INCOMPLETE, work.counts[TAPE], work)
            if work.counts[RECORDS]:
                yield make_batch(data, work, tally)
        kept = len(data) - done
        if kept > buffer.limits.record_bytes and phase < DONE:
            yield make_large_record(tally, kept)
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


def _read_document(buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch | Section]:
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
        yield make_large_record(tally, len(data) + buffer.stream.drain())
    elif error == OK:
        yield from json_documents.read_tables(buffer, tally) or _read_one_value(end, OK, buffer, tally)
    else:
        yield from _read_one_value(len(data), error, buffer, tally)


def _read_lines_from_start(buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    buffer.final = False
    yield from _read_lines(buffer, tally)


def _read_one_value(end: int, error: int, buffer: RecordBuffer, tally: Tally) -> Iterator[pa.RecordBatch]:
    work = buffer.prepare_work()
    if error == OK:
        _, work = buffer.scan_records(0, ONE)
        error = int(work.counts[ERROR])
    close_record(0, end, error, 0, work)
    yield make_batch(buffer.data, work, tally)


_NEWLINE = ord("\n")
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
        is_lone=json_strings.may_hold_json,
    ),
    RecordFormat(
        "json",
        read,
        suffixes=_DOCUMENTS,
        sniff=_is_json,
        bounded=True,
        read_small=json_small_files.read_documents,
        is_lone=json_strings.may_hold_json,
        only_records=False,
    ),
)
