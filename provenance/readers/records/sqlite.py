"""SQLite databases: a record is a row of a table. The file is opened read-only, and nothing that it holds is run.

Views and triggers are not looked at, nor the shadow tables of virtual ones: they say again what tables hold. Source:
sqlite.org, Database File Format; Defense Against The Dark Arts.
"""

from __future__ import annotations

import sqlite3
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance.readers.records import arrow_columns, column_roles, views
from provenance.readers.records.record_format import RecordFormat
from provenance.readers.storage import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import CheckedFile, Limits

_ROWS = 4096  # of a batch at most
_STEPS, _MOST_STEPS = 1_000_000, 20_000  # instructions between two looks, and looks that a table may cost
_MOST_TABLES = 10_000
_TABLES = "select name, sql from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'"


def read(
    file: CheckedFile, size: int, tally: Tally, limits: Limits, *, roles: column_roles.Roles
) -> Iterator[pa.RecordBatch]:
    """Read a database.

    Args:
        file: seekable; every block that it reads is checked.
        size: its bytes.
        tally: gains counts; binary values count as skipped, in proportion.
        limits: batch_bytes and record_bytes.
        roles: which column means what.

    Yields:
        RECORDS batches, one row a row, table after table.

    Raises:
        FileChanged: the bytes are not those that were read first.
    """
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
        file.seek(0)
        while part := file.read(BLOCK_BYTES):
            copy.write(part)
        copy.flush()
        looked = [0]
        try:
            yield from _read_tables(copy.name, tally, limits, roles, looked)
        except (sqlite3.Error, OverflowError, UnicodeDecodeError, pa.ArrowException, ValueError) as error:
            tally.skip_bytes(size, f"sqlite: {error}")
            return
    unread = sum(tally.unread.values())
    if unread:
        what = ", ".join(sorted(tally.unread)[:10])
        tally.skip_bytes(min(size, max(1, size * unread // max(1, looked[0]))), f"no reader for binary columns: {what}")


def _read_tables(
    place: str, tally: Tally, limits: Limits, roles: column_roles.Roles, looked: list[int]
) -> Iterator[pa.RecordBatch]:
    database = sqlite3.connect(f"file:{place}?mode=ro&immutable=1", uri=True)
    try:
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.record_bytes)
        database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for rule in ("trusted_schema = off", "query_only = on", "cell_size_check = on", "mmap_size = 0"):
            database.execute(f"pragma {rule}")
        tables = database.execute(_TABLES).fetchmany(_MOST_TABLES)
        virtual = [name for name, sql in tables if str(sql).lower().startswith("create virtual")]
        for name, _ in tables:
            shadow = any(name.startswith(f"{each}_") for each in virtual)
            if name not in virtual and not shadow:
                yield from _read_table(database, name, tally, limits, roles, looked)
    finally:
        database.close()


def _read_table(
    database: sqlite3.Connection, name: str, tally: Tally, limits: Limits, roles: column_roles.Roles, looked: list[int]
) -> Iterator[pa.RecordBatch]:
    steps = [0]

    def count_steps() -> int:
        steps[0] += 1
        return int(steps[0] > _MOST_STEPS)

    database.set_progress_handler(count_steps, _STEPS)
    quoted = name.replace('"', '""')
    cursor = database.execute(f'select * from "{quoted}"')  # noqa: S608 - the name is quoted
    names = [each[0] for each in cursor.description]
    rows = 16
    while found := cursor.fetchmany(rows):
        columns = [_make_column(values) for values in zip(*found, strict=True)]
        part = pa.RecordBatch.from_arrays(columns, names=names)
        looked[0] += part.nbytes
        rows = max(1, min(_ROWS, rows * limits.batch_bytes // max(1, 2 * part.nbytes)))
        flat = arrow_columns.flatten_batch(part, roles)
        made = views.build_views(flat.buf, flat.tape, part.num_rows, flat.names, columns=flat.columns)
        out = views.make_batch(made, flat.errors, tally.records)
        tally.count_records(flat.errors, np.zeros(len(flat.errors), np.int64))
        for column, size in flat.unread.items():
            tally.leave_unread(column, size)
        yield out


def _make_column(values: tuple[Any, ...]) -> pa.Array:
    """Make a column of values of any type: text, or binary where one of them is."""
    if any(isinstance(value, bytes) for value in values):
        return pa.array(
            [value if isinstance(value, bytes) else None if value is None else str(value).encode() for value in values],
            pa.large_binary(),
        )
    if all(value is None or isinstance(value, int) for value in values):
        return (
            pa.array([None if value is None else str(value) for value in values], pa.large_string())
            if any(value is not None and not -(1 << 63) <= value < 1 << 63 for value in values)
            else pa.array(values, pa.int64())
        )
    if all(value is None or isinstance(value, float) for value in values):
        return pa.array(values, pa.float64())
    return pa.array([None if value is None else str(value) for value in values], pa.large_string())


RECORD_FORMAT = RecordFormat("sqlite", read, magic=(b"SQLite format 3\0",), seekable=True)
