"""Parquet (format 2.x) through pyarrow: row group by row group, nested columns on the same key paths as JSON.

Values pass through memory a batch at a time; what a batch may grow to is held to the limits on decompression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance.errors import LimitExceeded
from provenance.records import views
from provenance.storage import Budget, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.records.tally import Tally

_FAULTS = (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError)
_ROWS = 4096  # of a batch at most: a run-length of one long value costs nothing on disk


def read(file: Any, size: int, tally: Tally, limits: Limits, roles: views.Roles) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file.

    Args:
        file: seekable; every block that it reads is checked.
        size: its bytes.
        tally: gains counts; a row group that cannot be read is skipped with its bytes.
        limits: batch, ratio and floor.
        roles: which column means what.

    Yields:
        RECORDS batches, one row a row; rows of a broken row group keep their numbers.
    """
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
    except _FAULTS:
        tally.skip(size, "parquet: no whole footer, the file is cut off or broken")
        return
    budget = Budget(limits, size)
    for number in range(source.num_row_groups):
        before, group = tally.records, source.metadata.row_group(number)
        try:
            yield from _group(source, number, budget, tally, roles, limits)
        except (*_FAULTS, LimitExceeded) as error:
            if type(error) is LimitExceeded:
                tally.skip(_stored(source, number), f"parquet: {error}")
            else:
                tally.skip(min(size, _stored(source, number)), f"parquet: row group {number} is broken")
            lost = group.num_rows - (tally.records - before)
            tally.records += lost
            tally.unreadable += lost


def _stored(source: Any, number: int) -> int:
    group = source.metadata.row_group(number)
    return sum(group.column(k).total_compressed_size for k in range(group.num_columns))


def _group(
    source: Any, number: int, budget: Budget, tally: Tally, roles: views.Roles, limits: Limits
) -> Iterator[pa.RecordBatch]:
    group = source.metadata.row_group(number)
    each = max(1, group.total_byte_size // max(1, group.num_rows))
    count = max(1, min(_ROWS, limits.batch // each))
    for part in source.iter_batches(count, row_groups=[number], use_threads=False):
        budget.spend(part.nbytes)
        buf, tape, errors = views.flatten(part, roles)
        out = views.batch(views.look(buf, tape, part.num_rows), errors, tally.records)
        tally.count(errors, np.zeros(len(errors), np.int64))
        yield out
