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

_LARGEST_SAFE_INTEGER = (1 << 53) - 1  # the largest integer that every JSON reader keeps (RFC 8785, section 3.2.2.3)
_BATCH_ROWS = 1 << 14  # rows
_CONTROL_CHARACTERS = (
    r"[\x00-\x1f]"  # what a JSON string must escape, beside quotes and backslashes (RFC 8785, section 3.2.2.2)
)


def to_lines(table: pa.Table) -> Iterator[bytes]:
    """Turn a table into canonical JSON lines, column by column.

    Args:
        table: any of schemas.SEALED, sorted.

    Returns:
        Chunks of UTF-8; together one line a row, each closed by a newline.
    """
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        if batch.num_rows:
            yield _join_column(_encode_rows(batch))


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
        for chunk in chain.from_iterable(map(to_lines, parts)):
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
    return digest_file(path)


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def to_portable(value: Any) -> Any:
    """Return a JSON value in which every number survives every reader.

    Args:
        value: what JSON can hold; tuples are lists.

    Returns:
        The same with numbers beyond 2**53, and those that are not finite, as strings.
    """
    if isinstance(value, dict):
        return {key: to_portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_portable(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and not abs(value) <= _LARGEST_SAFE_INTEGER:
        return str(value)  # NaN is not below anything either
    return value


def _encode_rows(batch: pa.RecordBatch) -> pa.Array:
    """One JSON object a row, keys in order (column names are ASCII, where every order is the same)."""
    pieces: list[Any] = []
    for name in sorted(batch.schema.names):
        pieces += [f'{"," if pieces else "{"}"{name}":', pc.fill_null(_encode_values(batch[name]), "null")]
    return _join_texts(*pieces, "}\n")


def _encode_values(column: pa.Array) -> pa.Array:
    """One JSON text a value; nulls stay null."""
    if pa.types.is_int64(column.type):
        text = column.cast(pa.large_string())
        unsafe = pc.or_(pc.greater(column, _LARGEST_SAFE_INTEGER), pc.less(column, -_LARGEST_SAFE_INTEGER))
        return pc.if_else(unsafe, _quote_texts(text), text)
    if pa.types.is_string(column.type):
        text = column.cast(pa.large_string())
        if pc.any(pc.match_substring_regex(text, _CONTROL_CHARACTERS)).as_py():
            # A message of several lines is rare: a batch that holds one is escaped value by value.
            return _encode_each(text, lambda value: json.dumps(value, ensure_ascii=False))
        return _quote_texts(pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"'))
    if pa.types.is_floating(column.type):
        known = column.dictionary_encode()  # shares and counts come again and again
        return _encode_column(known.dictionary).take(known.indices)
    return _encode_column(column)


def _encode_column(column: pa.Array) -> pa.Array:
    return _encode_each(column, lambda value: digests.canonical(to_portable(value)).decode())


def _quote_texts(text: pa.Array) -> pa.Array:
    return _join_texts('"', text, '"')


def _join_texts(*pieces: Any) -> pa.Array:
    """Join texts row by row; 64-bit offsets, so that a batch of long paths cannot overflow."""
    wide = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*wide, pa.scalar("", pa.large_string()))


def _encode_each(column: pa.Array, encode: Any) -> pa.Array:
    texts = [None if value is None else encode(value) for value in column.to_pylist()]
    return pa.array(texts, pa.large_string())


def _join_column(column: pa.Array) -> bytes:
    """The column's strings end to end: they already are, in Arrow."""
    size = pc.sum(pc.binary_length(column)).as_py()
    return memoryview(column.buffers()[2])[:size].tobytes()
