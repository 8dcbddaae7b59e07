"""The process that decodes columnar files of the data (Parquet, Arrow, ORC, Feather): `bounded_parquet` asks it.

What a Parquet file expands to is known only once it is decoded: a run of a million values takes three bytes. So it is
decoded here, on one thread, under a limit on memory, and what goes back is cut into batches of so many bytes. The bytes
of the file come from whoever asks, who checks them; this process opens nothing, and ends with whoever asks.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

from provenance.core.processes import confined_decoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    Opened = tuple[pa.Schema, int, Callable[[int], Iterator[pa.RecordBatch]]]

READ, BATCH, SKIPPED, ANSWER = b"r", b"b", b"s", b"j"
"""Kinds of messages: bytes are asked for, a batch, a row that is too large, the answer to a request."""

FOOTER = 16 << 20
"""Bytes of the largest footer that is read; in memory it takes many times as much."""

VALUES = 1 << 20
"""Values of the largest row."""

_COST = 8  # bytes that a value counts for beside its own: whoever asks keeps account of each
_NESTS = "too deeply nested"  # what pyarrow says of a schema of more than 100 levels; a list takes two
_DEPTH = 60  # levels of nested columns; Arrow passes on no more than 64
_BUFFER = 1 << 14  # of each column
_KNOWN = 200_000  # column chunks whose sizes are added up


def main() -> None:
    """Answer requests until whoever asks is gone."""
    session = _Session(confined_decoding.connect_requester())
    while (request := session.receive()) is not None:
        answer = session.answer(json.loads(request))
        session.send(ANSWER, json.dumps(answer).encode())
        if answer.get("full"):
            return  # nobody knows what a failed allocation left behind


class _Session:
    """One asker, and the file that it has opened."""

    def __init__(self, asker: confined_decoding.Requester) -> None:
        self.receive, self.send = asker.receive, asker.send
        self._source: Any = None
        self._groups: Callable[[int], Iterator[pa.RecordBatch]] | None = None
        self._limited = False

    def fetch(self, offset: int, size: int) -> bytes:
        """Ask for bytes of the file."""
        self.send(
            READ,
            offset.to_bytes(confined_decoding.LENGTH_BYTES, "little")
            + size.to_bytes(confined_decoding.LENGTH_BYTES, "little"),
        )
        data = self.receive()
        if data is None:
            os._exit(0)
        return data

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; what goes wrong with the file is an answer too."""
        import pyarrow as pa

        try:
            return self._open(request) if request["do"] == "open" else self._decode(request)
        except (MemoryError, pa.ArrowMemoryError):
            return {"full": True}
        except _Fault as fault:
            return {"fault": str(fault)}
        except Exception as cause:  # noqa: BLE001 - whoever wrote the file must not choose the answer
            return {"broken": type(cause).__name__}

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        import pyarrow.parquet as pq

        if not self._limited:
            confined_decoding.limit_memory(request["memory"])
            self._limited = True
        self._source = self._groups = None
        size = request["size"]
        if request.get("kind", PARQUET) != PARQUET:
            return self._open_batches(request["kind"], size)
        tail = self.fetch(max(0, size - 8), 8)
        footer = int.from_bytes(tail[:4], "little")
        if tail[4:] == b"PARE":
            raise _Fault("its footer is encrypted")
        if tail[4:] == b"PAR1" and FOOTER < footer < size:
            raise _Fault(f"its footer takes {footer:,} bytes, and at most {FOOTER:,} are read")
        if tail[4:] != b"PAR1" or footer > size - 8:
            raise _Fault("no whole footer, the file is cut off or broken")
        try:
            self._source = pq.ParquetFile(_Remote(self, size), buffer_size=_BUFFER, pre_buffer=False)
        except OSError as cause:
            if _NESTS in str(cause):
                raise _Fault("its columns nest deeper than can be read") from cause
            raise
        if any(_depth(kind) > _DEPTH for kind in self._source.schema_arrow.types):
            raise _Fault(f"its columns nest deeper than {_DEPTH} levels")
        found = self._source.metadata
        groups = [found.row_group(number) for number in range(found.num_row_groups)]
        rows = [max(0, group.num_rows) for group in groups]
        if len(groups) * found.num_columns <= _KNOWN:
            stored = [
                sum(max(0, group.column(k).total_compressed_size) for k in range(group.num_columns)) for group in groups
            ]
        else:
            stored = [size * each // max(1, sum(rows)) for each in rows]
        answer = {"rows": rows, "stored": stored, "sizes": [max(0, group.total_byte_size) for group in groups]}
        return answer | _about(self._source.schema_arrow, groups) if request.get("about") else answer

    def _open_batches(self, kind: str, size: int) -> dict[str, Any]:
        """Open a file of record batches; how many rows they have is known once they are decoded."""
        file = _Remote(self, size)
        schema, count, self._groups = _OPENERS[kind](file)
        if any(_depth(each) > _DEPTH for each in schema.types):
            raise _Fault(f"its columns nest deeper than {_DEPTH} levels")
        share = [size // max(1, count)] * count
        return {"rows": [0] * count, "stored": share, "sizes": share}

    def _decode(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send the batches of a row group, from a row on."""
        skip = request["skip"]
        if self._groups is not None:
            batches = self._groups(request["group"])
        else:
            batches = self._source.iter_batches(request["rows"], row_groups=[request["group"]], use_threads=False)
        for whole in batches:
            if skip >= whole.num_rows:
                skip -= whole.num_rows
                continue
            if self._groups is not None:
                whole.validate(full=True)  # else a wrong offset ends whoever looks there
            for part in _parts(_dense(whole.slice(skip)), request["bytes"]):
                self._send_batch(part, request["record"], request["values"])
            skip = 0
        return {}

    def _send_batch(self, part: pa.RecordBatch, record: int, values: int) -> None:
        import pyarrow as pa

        if part.num_rows == 1 and (part.nbytes > record or _values(part) > values):
            self.send(SKIPPED, b"values" if _values(part) > values else b"bytes")
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, part.schema) as stream:
            stream.write_batch(part)
        self.send(BATCH, memoryview(sink.getvalue()))


def _open_arrow_file(file: _Remote) -> Opened:
    import pyarrow as pa

    source = pa.ipc.open_file(file)
    return source.schema, source.num_record_batches, lambda number: iter([source.get_batch(number)])


def _open_arrow_stream(file: _Remote) -> Opened:
    import pyarrow as pa

    first = pa.ipc.open_stream(file)

    def read(_number: int) -> Iterator[pa.RecordBatch]:
        file.seek(0)
        while file.tell() < file.size:  # streams may be put together, one behind the other
            yield from pa.ipc.open_stream(file)

    return first.schema, 1, read


def _open_orc(file: _Remote) -> Opened:
    from pyarrow import orc

    source = orc.ORCFile(file)
    return source.schema, source.nstripes, lambda number: iter([source.read_stripe(number)])


def _open_feather(file: _Remote) -> Opened:
    from pyarrow import feather

    table = feather.read_table(file, memory_map=False, use_threads=False)
    return table.schema, 1, lambda _number: iter(table.to_batches())


PARQUET = "parquet"
_OPENERS: dict[str, Callable[[_Remote], Opened]] = {
    "arrow": _open_arrow_file,
    "arrow-stream": _open_arrow_stream,
    "orc": _open_orc,
    "feather": _open_feather,
}
"""How files are opened that hold record batches: their schema, how many groups there are, and how one is read."""


def _about(schema: pa.Schema, groups: list[Any]) -> dict[str, Any]:
    """Return what a file says of itself, and how many values and bytes its footer speaks of."""
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    return {
        "metadata": {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()},
        "values": sum(max(0, chunk.num_values) for chunk in chunks),
        "bytes": sum(max(0, chunk.total_uncompressed_size) for chunk in chunks),
    }


class _Fault(Exception):  # noqa: N818 - an answer, not an error
    """Why a file is not read, in a few words."""


class _Remote(io.RawIOBase):
    """The file as whoever asks has it."""

    def __init__(self, session: _Session, size: int) -> None:
        super().__init__()
        self._session, self.size, self._at = session, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # a buffer, whatever its name
        wanted = min(len(buffer), max(0, self.size - self._at))
        data = self._session.fetch(self._at, wanted) if wanted else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _dense(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Write the values of dictionaries out: whoever asks would have to, without a limit."""
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        wanted = _type(column.type)
        columns.append(column if wanted == column.type else column.cast(wanted))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _type(kind: pa.DataType) -> pa.DataType:
    """Return a type without dictionaries and extensions."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _type(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_type(kind.key_type), _type(kind.item_type))
    return _list(kind) if _is_list(kind) else _type_of_view(kind)


def _type_of_view(kind: pa.DataType) -> pa.DataType:
    """Return the type of the same values that is no view of them."""
    import pyarrow as pa

    if kind in (pa.string_view(), pa.binary_view()):
        return pa.large_string() if kind == pa.string_view() else pa.large_binary()
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return pa.large_list(kind.value_field.with_type(_type(kind.value_type)))
    return kind


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _list(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    values = kind.value_field.with_type(_type(kind.value_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(values)
    return pa.list_(values, kind.list_size if pa.types.is_fixed_size_list(kind) else -1)


def _depth(kind: pa.DataType) -> int:
    """Count the levels of a type."""
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _depth(kind.storage_type)
    return 1 + max((_depth(kind.field(number).type) for number in range(kind.num_fields)), default=0)


def _parts(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts of at most so many bytes, or of one row."""
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        if part.num_rows > 1 and part.nbytes + _COST * _values(part) > most:
            middle = part.num_rows // 2
            waiting += [part.slice(middle), part.slice(0, middle)]
        elif part.num_rows:
            yield part


def _values(batch: pa.RecordBatch) -> int:
    return sum(_count(column) for column in batch.columns)


def _count(array: pa.Array) -> int:
    """Count the values of a column, those of nested ones too."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_struct(kind):
        return len(array) + sum(_count(array.field(number)) for number in range(kind.num_fields))
    if pa.types.is_map(kind):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return len(array) + sum(_count(each.slice(first, last - first)) for each in (array.keys, array.items))
    if _is_list(kind):
        return len(array) + _count(array.flatten())
    return len(array)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
    os._exit(0)  # no library's farewell is worth waiting for
