"""Tables as bytes: Parquet for reading, canonical JSON lines for digests that outlive any version of Parquet.

A line is one row in RFC 8785 form; numbers beyond 2**53, and those that are not finite, are strings.
"""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.core import digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_SAFE = (1 << 53) - 1  # the largest integer that every JSON reader keeps (RFC 8785, section 3.2.2.3)
_BATCH = 1 << 16  # rows
_CONTROL = r"[\x00-\x1f]"  # what a JSON string must escape, beside quotes and backslashes (RFC 8785, section 3.2.2.2)


def lines(table: pa.Table) -> Iterator[bytes]:
    """Turn a table into canonical JSON lines, column by column.

    Args:
        table: any of schemas.SEALED, sorted.

    Returns:
        Chunks of UTF-8; together one line a row, each closed by a newline.
    """
    for batch in table.to_batches(max_chunksize=_BATCH):
        if batch.num_rows:
            yield _text(_rows(batch))


def write_lines(parts: Iterable[pa.Table], path: Path, look: Callable[[bytes], object]) -> str:
    """Write a table as canonical JSON lines.

    Args:
        parts: of the table, any of schemas.SEALED, sorted; its columns may be more.
        path: the file to make.
        look: is shown each chunk of lines.

    Returns:
        SHA-256 of its bytes, hexadecimal.
    """
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in chain.from_iterable(map(lines, parts)):
            digest.update(chunk)
            file.write(chunk)
            look(chunk)
    return digest.hexdigest()


def write_parquet(table: pa.Table, path: Path) -> str:
    """Write a table as Parquet.

    Args:
        table: any of schemas.SEALED, sorted.
        path: the file to make.

    Returns:
        SHA-256 of its bytes, hexadecimal. It may change with the version of pyarrow.
    """
    pq.write_table(table, path, compression="zstd")
    return digest(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def portable(value: Any) -> Any:
    """Return a JSON value in which every number survives every reader.

    Args:
        value: what JSON can hold; tuples are lists.

    Returns:
        The same with numbers beyond 2**53, and those that are not finite, as strings.
    """
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [portable(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and not abs(value) <= _SAFE:
        return str(value)  # NaN is not below anything either
    return value


def _rows(batch: pa.RecordBatch) -> pa.Array:
    """One JSON object a row, keys in order (column names are ASCII, where every order is the same)."""
    pieces: list[Any] = []
    for name in sorted(batch.schema.names):
        pieces += [f'{"," if pieces else "{"}"{name}":', pc.fill_null(_values(batch[name]), "null")]
    return _joined(*pieces, "}\n")


def _values(column: pa.Array) -> pa.Array:
    """One JSON text a value; nulls stay null."""
    if pa.types.is_int64(column.type):
        text = column.cast(pa.large_string())
        unsafe = pc.or_(pc.greater(column, _SAFE), pc.less(column, -_SAFE))
        return pc.if_else(unsafe, _quoted(text), text)
    if pa.types.is_string(column.type):
        text = column.cast(pa.large_string())
        if pc.any(pc.match_substring_regex(text, _CONTROL)).as_py():
            # A message of several lines is rare: a batch that holds one is escaped value by value.
            return _each(text, lambda value: json.dumps(value, ensure_ascii=False))
        return _quoted(pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"'))
    if pa.types.is_floating(column.type):
        known = column.dictionary_encode()  # shares and counts come again and again
        return _written(known.dictionary).take(known.indices)
    return _written(column)


def _written(column: pa.Array) -> pa.Array:
    return _each(column, lambda value: digests.canonical(portable(value)).decode())


def _quoted(text: pa.Array) -> pa.Array:
    return _joined('"', text, '"')


def _joined(*pieces: Any) -> pa.Array:
    """Join texts row by row; 64-bit offsets, so that a batch of long paths cannot overflow."""
    wide = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*wide, pa.scalar("", pa.large_string()))


def _each(column: pa.Array, encode: Any) -> pa.Array:
    texts = [None if value is None else encode(value) for value in column.to_pylist()]
    return pa.array(texts, pa.large_string())


def _text(column: pa.Array) -> bytes:
    """The column's strings end to end: they already are, in Arrow."""
    size = pc.sum(pc.binary_length(column)).as_py()
    return memoryview(column.buffers()[2])[:size].tobytes()
