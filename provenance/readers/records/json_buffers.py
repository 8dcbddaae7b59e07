"""The bytes of JSON at hand while records are read, and the batches that are made of what the kernel finds in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.readers.records import column_roles, json_columns, json_strings, unreadable_records, views
from provenance.readers.records.column_roles import RECORD
from provenance.readers.records.json_kernel import (
    BATCH_VALUES,
    MOST_ASIDE,
    PHASE,
    RECORDS,
    REPEATED,
    TAPE,
    UNSEEN,
    Work,
    prepare_work,
    scan_records,
)
from provenance.readers.records.string_kernels import LARGE
from provenance.readers.records.value_tape import WIDTH
from provenance.readers.storage import BLOCK_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream


class RecordBuffer:
    """The bytes at hand: what the kernel has not finished with, and what follows it."""

    def __init__(self, stream: Stream, limits: Limits, roles: column_roles.Roles, wrapped: Any = None) -> None:
        self.stream, self.limits, self.roles = stream, limits, roles
        self.wrapped = wrapped  # hashes of the columns whose strings hold JSON
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
        if self.wrapped is not None:
            json_strings.unwrap(store, end, wrapped=self.wrapped, depth=self.limits.nesting_levels, roles=self.roles)
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


def is_full(work: Work) -> bool:
    """Say whether a kernel stopped because its batch is full."""
    return bool(work.counts[RECORDS] >= BATCH_VALUES or work.counts[TAPE] >= BATCH_VALUES)


def make_batch(data: Any, work: Work, tally: Tally) -> pa.RecordBatch:
    """Make a batch of the records that the kernel has found.

    Args:
        data: bytes.
        work: what the kernel found in them.
        tally: gains counts.
    """
    count = int(work.counts[RECORDS])
    records = work.records[:count]
    names = json_columns.name_columns(work.columns)
    found = views.build_views(data, work.tape[: work.counts[TAPE]], count, columns=names)
    tally.count_oddities("duplicate keys", int(work.counts[REPEATED]))
    tally.count_oddities("lone surrogates", found.surrogates)
    tally.leave_unread(f"values of a record beyond its first {MOST_ASIDE:,}", int(work.counts[UNSEEN]))
    out = views.make_batch(found, records[:, 2], tally.records)
    tally.count_records(records[:, 2], records[:, 1] - records[:, 0])
    unreadable_records.explain_first(data, records, tally)
    return out


def make_large_record(tally: Tally, size: int) -> pa.RecordBatch:
    """Make the one row of a record that is larger than the limit.

    Args:
        tally: gains counts.
        size: bytes of the record.
    """
    found = views.build_views(np.empty(0, np.uint8), np.empty((0, WIDTH), np.int32), 1)
    out = views.make_batch(found, np.array([LARGE]), tally.records)
    tally.count_records([LARGE], [size])
    return out
