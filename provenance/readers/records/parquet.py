"""Parquet (format 2.x) through pyarrow: row group by row group, nested columns on the same key paths as JSON.

It is decoded in another process (`decoding`), for nothing in a file says what it expands to. What comes back is cut by
bytes, and all of it together is held to the limits on decompression: a row counts for something though it has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from provenance.errors import LimitExceeded
from provenance.readers.records import arrow_columns, column_roles, string_kernels, views
from provenance.readers.records.bounded_parquet import BrokenParquet, ParquetFile
from provenance.readers.records.record_format import RecordFormat
from provenance.readers.storage import Budget, CheckedFile, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.tally import Tally

_FAULTS = (pa.ArrowException, ValueError, MemoryError, OverflowError)
_ROW_BYTES = 16  # bytes that a row counts for beside its values
_MOST_NAMED = 10  # columns that are named
_MOST_ROWS = 1 << 48  # rows that are counted as lost: a footer may claim any number


def read(
    file: CheckedFile, size: int, tally: Tally, limits: Limits, *, roles: column_roles.Roles
) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file.

    Args:
        file: seekable; every block that it reads is checked.
        size: its bytes.
        tally: gains counts; a row group that cannot be read is skipped with its bytes.
        limits: batch_bytes, record_bytes, memory_bytes, expansion_ratio and floor_bytes.
        roles: which column means what.

    Yields:
        RECORDS batches, one row a row; rows of a broken row group keep their numbers.

    Raises:
        FileChanged: the bytes are not those that were read first.
    """
    return read_columns(ParquetFile(file, size, limits), tally, roles)


def read_columns(source: ParquetFile, tally: Tally, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read a file of columns.

    Args:
        source: the file.
        tally: gains counts; bytes of columns that hold no text count as skipped, in proportion.
        roles: which column means what.

    Yields:
        RECORDS batches, one row a row.
    """
    looked = _Looked()
    try:
        source.read_footer()
        yield from _read_groups(source, tally, roles, looked)
        _skip_columns(source, tally, looked)
    except BrokenParquet as error:
        tally.skip_bytes(source.size, f"{source.kind}: {error}")
    finally:
        source.close()


@dataclass(slots=True)
class _Looked:
    """What the columns of a file held.

    Args:
        bytes: of all values, decoded.
        texts: records that have text.
        records: records without an error.
        names: of the columns.
    """

    bytes: int = 0
    texts: int = 0
    records: int = 0
    names: tuple[str, ...] = ()


def _skip_columns(source: ParquetFile, tally: Tally, looked: _Looked) -> None:
    """Say which columns were not read: they take as much of the file as they take of its values."""
    named = ", ".join([*looked.names[:_MOST_NAMED], *(["..."] if len(looked.names) > _MOST_NAMED else [])])
    if looked.records and not looked.texts:
        tally.skip_bytes(source.size, f"no reader for its columns: {looked.records:,} records without text ({named})")
        return
    unread = sum(tally.unread.values())
    if unread:
        what = ", ".join(sorted(tally.unread)[:_MOST_NAMED])
        size = min(source.size, max(1, source.size * unread // max(1, looked.bytes)))
        tally.skip_bytes(size, f"no reader for binary columns: {what}")


def _read_groups(
    source: ParquetFile, tally: Tally, roles: column_roles.Roles, looked: _Looked
) -> Iterator[pa.RecordBatch]:
    budget, over = Budget(source.limits, source.size, what="its values take"), None
    for number, rows in enumerate(source.rows):
        before = tally.records
        try:
            if over is None:
                yield from _read_group(source, number, budget, tally, roles, looked)
        except LimitExceeded as error:
            over = str(error)
        except BrokenParquet as error:
            tally.skip_bytes(min(source.size, source.stored[number]), f"{source.kind}: {error}")
            over = "too much of it cannot be decoded" if source.is_given_up else None
        if over is not None:
            tally.skip_bytes(min(source.size, source.stored[number]), f"{source.kind}: {over}")
        lost = max(0, min(rows - (tally.records - before), _MOST_ROWS - tally.records))
        tally.records += lost
        tally.unreadable += lost


def _read_group(
    source: ParquetFile, number: int, budget: Budget, tally: Tally, roles: column_roles.Roles, looked: _Looked
) -> Iterator[pa.RecordBatch]:
    for part in source.read_batches(number):
        if isinstance(part, str):
            error = string_kernels.MANY if part == "values" else string_kernels.LARGE
            budget.spend(_ROW_BYTES)
            yield views.make_batch(
                views.make_text_views(pa.nulls(1, pa.large_string())), np.array([error]), tally.records
            )
            tally.count_records([error], [1])
            continue
        budget.spend(part.nbytes + _ROW_BYTES * part.num_rows)
        try:
            flat = arrow_columns.flatten_batch(part, roles)
            errors = flat.errors
            found = views.build_views(flat.buf, flat.tape, part.num_rows, flat.names, columns=flat.columns)
            out = views.make_batch(found, errors, tally.records)
        except _FAULTS as error:
            raise BrokenParquet(f"row group {number} is broken") from error
        tally.count_records(errors, np.zeros(len(errors), np.int64))
        for column, size in flat.unread.items():
            tally.leave_unread(column, size)
        looked.bytes += part.nbytes
        looked.records += len(out) - int(np.count_nonzero(errors))
        looked.texts += len(out) - out["whole"].null_count
        looked.names = tuple(part.schema.names)
        del part, flat, found  # nobody holds a long record twice
        yield out
        del out


RECORD_FORMAT = RecordFormat("parquet", read, magic=(b"PAR1",), seekable=True)
