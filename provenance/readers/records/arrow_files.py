"""Arrow IPC files and streams (`datasets.save_to_disk`), Feather, and ORC: decoded as Parquet is, in another process.

Source: Arrow columnar format 1.5, serialization and interprocess communication; ORC specification v1. Feather version 2
is an Arrow file; version 1 has a form of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provenance.readers.records.bounded_parquet import ParquetFile
from provenance.readers.records.parquet import read_columns
from provenance.readers.records.record_format import RecordFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records import column_roles
    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import CheckedFile, Limits


def read(
    file: CheckedFile, size: int, tally: Tally, limits: Limits, *, roles: column_roles.Roles, kind: str
) -> Iterator[pa.RecordBatch]:
    """Read a file of record batches.

    Args:
        file: seekable; every block that it reads is checked.
        size: its bytes.
        tally: gains counts; a batch that cannot be read is skipped with its share of the bytes.
        limits: batch_bytes, record_bytes, memory_bytes, expansion_ratio and floor_bytes.
        roles: which column means what.
        kind: arrow | arrow-stream | orc | feather.

    Yields:
        RECORDS batches, one row a row.

    Raises:
        FileChanged: the bytes are not those that were read first.
    """
    return read_columns(ParquetFile(file, size, limits, kind=kind), tally, roles)


RECORD_FORMAT = tuple(
    RecordFormat(kind, partial(read, kind=kind), magic=magic, seekable=True)
    for kind, magic in (
        ("arrow", (b"ARROW1\0\0",)),
        ("arrow-stream", (b"\xff\xff\xff\xff",)),  # the mark of a message, since Arrow 0.15
        ("orc", (b"ORC\n", b"ORC\x0a", b"ORC\x08", b"ORC\0")),
        ("feather", (b"FEA1",)),
    )
)
