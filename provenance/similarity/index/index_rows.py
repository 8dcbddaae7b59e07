"""The rows of an index that a stranger made: decoded in a process of its own, and held to what hashes can be.

Keyed hashes look like chance: no file of them is much smaller than they are. What grows more is refused before it is
decoded where the footer says so, and while it is decoded where the footer says something else.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self, cast

import pyarrow as pa
import pyarrow.compute as pc

from provenance.errors import ConfigError, FileChanged
from provenance.readers.records.bounded_parquet import BrokenParquet, ParquetFile
from provenance.readers.storage import BLOCK_BYTES, BlockDigest, CheckedFile, Limits, open_regular
from provenance.readers.storage.regular_files import bound_to_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

_LIMITS = Limits(record_bytes=256 << 20)
_VALUES = 1 << 25  # hashes of the largest item

NAMES = 64, 1 << 26
"""How many times as large as the file its names and footer may be, and bytes that they may have in any case."""

HASHES = 8, 1 << 23
"""The same of its hashes: put together, each takes 140 bytes."""

_ROW = 32  # bytes that a row counts for beside its names


class IndexFile:
    """An index as its file has it; a context.

    Args:
        path: its file.
        largest: bytes that it, or its rows, may have.

    Raises:
        ConfigError: on entry, where it cannot be read or is no Parquet file.
    """

    def __init__(self, path: Path, largest: int) -> None:
        self.path, self._largest = path, largest
        self.metadata: dict[str, str] = {}
        self.digest, self.size = "", 0
        self._about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            try:
                file = opened.enter_context(open_regular(self.path))
                self._source = self._checked(file)
            except OSError as error:
                raise ConfigError(f"{self.path} cannot be read: {error.strerror or error}") from error
            opened.callback(self._source.close)
            try:
                self._about = self._source.read_footer(about=True)
            except (BrokenParquet, FileChanged) as error:
                raise ConfigError(f"{self.path} is no index of works: it is no whole Parquet file") from error
            self.metadata = self._about["metadata"]
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _checked(self, file: BufferedReader) -> ParquetFile:
        digest, source = BlockDigest(), bound_to_size(file)
        while data := source.read(BLOCK_BYTES):
            digest.update(data)
            if digest.size > self._largest:
                raise ConfigError(f"{self.path} is larger than {self._largest:,} bytes")
        self.digest, self.size = digest.sha256(), digest.size
        return ParquetFile(CheckedFile(file, self.size, digest.blocks()), self.size, _LIMITS, _VALUES)

    def table(self, schema: pa.Schema) -> pa.Table:
        """Decode the rows.

        Args:
            schema: theirs; other columns are left out.

        Raises:
            ConfigError: they would take more memory than hashes of such a file can, or are others.
        """
        self._hold(self._about["bytes"], NAMES)
        self._hold(8 * self._about["values"], NAMES)
        names = hashes = 0
        parts = [schema.empty_table()]
        try:
            for batch in self._batches():
                part = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
                part.validate(full=True)
                names += _ROW * part.num_rows + sum(_length(column) for column in part.columns)
                hashes += sum(map(_hashes, part.columns))
                self._hold(names, NAMES)
                self._hold(hashes, HASHES)
                parts.append(part)
        except (pa.ArrowException, ValueError, KeyError, FileChanged) as error:
            raise ConfigError(f"{self.path} is damaged: its rows are not those of its format") from error
        return pa.concat_tables(parts).combine_chunks()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for group in range(len(self._source.rows)):
            try:
                for batch in self._source.read_batches(group):
                    if isinstance(batch, str):
                        raise ConfigError(f"{self.path} has an item of more than {_VALUES:,} hashes or too long a name")
                    yield batch
            except BrokenParquet as error:
                raise ConfigError(f"{self.path} is damaged: {error}") from error

    def _hold(self, size: int, growth: tuple[int, int]) -> None:
        """Refuse what grows more than it can, and what would not fit."""
        if size > self._largest:
            raise ConfigError(f"{self.path} would take {size:,} bytes of memory; an index may take {self._largest:,}")
        times, always = growth
        if size > times * self.size + always:
            raise ConfigError(
                f"{self.path} would grow from {self.size:,} to {size:,} bytes or more, as no index of hashes does"
            )


def _hashes(column: pa.ChunkedArray) -> int:
    """Return how many bytes hashes take."""
    return 8 * len(pc.list_flatten(column)) if pa.types.is_large_list(column.type) else 0


def _length(column: pa.ChunkedArray) -> int:
    """Return how many bytes names take."""
    return cast("int", pc.sum(pc.binary_length(column)).as_py() or 0) if pa.types.is_string(column.type) else 0
