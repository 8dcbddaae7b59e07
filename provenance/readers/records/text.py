"""Plain text: a record is a passage, cut at blank lines, at most 64 KiB; its byte offset is kept.

Guesses at Latin-1 or GB 18030 are not made: a passage that is no UTF-8 is one unreadable record. White space around a
passage belongs to none. A passage that would be longer is cut before the character that would not fit.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.readers.records import column_roles, small_records, string_kernels, value_tape, views
from provenance.readers.records.characters import CARRIAGE_RETURN, NEWLINE, SPACE, TAB
from provenance.readers.records.record_format import RecordFormat, SmallFiles, SmallRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

PASSAGE_BYTES = 64 << 10
"""Bytes of the longest passage."""

_MOST_PASSAGES = 1 << 18  # passages of a batch: one of a single letter costs twenty times its bytes


@njit(nogil=True, cache=True)
def cut_passages(buf: Any, n: int, final: bool, out: Any) -> Any:
    """Cut text into passages.

    Args:
        buf: bytes.
        n: where they end.
        final: nothing follows them.
        out: int32[:, 3]: start, end and error of each passage.

    Returns:
        Number of passages; where the first begins that is not whole yet.
    """
    count, i = 0, 0
    while True:
        while i < n and (buf[i] == SPACE or TAB <= buf[i] <= CARRIAGE_RETURN):
            i += 1
        if i >= n:
            return count, n
        start, last, p, empty = i, i, i, False
        while True:
            if p - start >= PASSAGE_BYTES:
                while p > start + PASSAGE_BYTES - 4 and (buf[p] & 0xC0) == 0x80:
                    p -= 1
                last = min(last, p)
                break
            if p >= n:
                if not final:
                    return count, start
                break
            c = buf[p]
            if c == NEWLINE:
                if empty:
                    break
                empty = True
            elif not (c == SPACE or TAB <= c <= CARRIAGE_RETURN):
                last, empty = p + 1, False
            p += 1
            if p - start >= PASSAGE_BYTES and p >= n and not final:
                return count, start
        out[count, 0], out[count, 1], out[count, 2] = start, last, string_kernels.check_text(buf, start, last)
        count += 1
        i = p


def read(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read plain text.

    Args:
        stream: its bytes, UTF-8, with or without byte order mark.
        tally: gains counts.
        limits: batch_bytes.
        roles: not needed: all of it is text.

    Yields:
        RECORDS batches, one row a passage, `offset` in bytes of the (decompressed, transcoded) stream.
    """
    offset = 3 if stream.peek(3) == b"\xef\xbb\xbf" else 0
    stream.read(offset)
    tail, final = b"", False
    while not final:
        more = stream.read(limits.batch_bytes)
        final = len(more) < limits.batch_bytes
        data = np.frombuffer(tail + more, np.uint8)
        out = np.empty((len(data) // 2 + 1, 3), np.int32)
        count, done = cut_passages(data, len(data), final, out)
        for first in range(0, count, _MOST_PASSAGES):
            yield _make_batch(data, out[first : min(count, first + _MOST_PASSAGES)], offset, tally)
        tail = data[done:].tobytes()
        offset += done


def _make_batch(data: Any, found: Any, offset: int, tally: Tally) -> pa.RecordBatch:
    out = views.make_batch(_make_views(data, found), found[:, 2], tally.records, found[:, 0].astype(np.int64) + offset)
    tally.count_records(found[:, 2], found[:, 1] - found[:, 0])
    return out


def _make_views(data: Any, found: Any) -> views.Views:
    good = found[:, 2] == string_kernels.OK
    tape = np.zeros((int(good.sum()), 7), np.int32)
    tape[:, value_tape.REC] = np.flatnonzero(good)
    tape[:, value_tape.START : value_tape.END + 1] = found[good, :2]
    whole, _ = value_tape.join_values(data, tape, np.arange(len(tape), dtype=np.int32), len(found))
    return views.make_text_views(whole)


@njit(nogil=True, cache=True)
def _cut_files(buf: Any, starts: Any, ends: Any, out: Any, counts: Any) -> int:
    """Cut many texts into passages: `out` as of `cut_passages`, `counts` gains those of each; return how many."""
    count = 0
    for file in range(starts.shape[0]):
        last = ends[file]
        first = string_kernels.skip_byte_order_mark(buf, starts[file], last)
        found, _ = cut_passages(buf[first:last], last - first, True, out[count:])
        for k in range(count, count + found):
            out[k, 0] += first
            out[k, 1] += first
        counts[file] = found
        count += found
    return count


def read_small(files: SmallFiles, roles: column_roles.Roles) -> SmallRecords:  # noqa: ARG001 - the verb's signature
    """Read small texts together, as `read` reads each.

    Args:
        files: their bytes.
        roles: not needed: all of it is text.

    Returns:
        RECORDS of all of them, one row a passage.
    """
    out = np.empty((len(files.data) // 2 + len(files.starts) + 1, 3), np.int32)
    counts = np.zeros(len(files.starts), np.int64)
    found = out[: _cut_files(files.data, files.starts, files.ends, out, counts)]
    offsets = found[:, 0] - np.repeat(files.starts, counts)
    batch = views.make_batch(_make_views(files.data, found), found[:, 2], 0, offsets)
    return small_records.number_records(batch, counts, found)


RECORD_FORMAT = RecordFormat("text", read, by_lines=True, read_small=read_small, only_records=False, bounded=True)
