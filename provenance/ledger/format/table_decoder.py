"""The process that decodes Parquet of somebody else's ledger: `python -m provenance.ledger.format.table_decoder`.

A parser is handed bytes that anybody may have written, so it runs here and not in the program that asks: with a limit
on memory and on processor time where the system has such limits, on one thread, batch by batch. The footer is checked
before anything is decoded. It reads requests from standard input and ends with whoever asks; `bounded_tables` asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from provenance.core.processes import confined_decoding
from provenance.core.wording import count_noun
from provenance.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

    import pyarrow as pa
    import pyarrow.parquet as pq

MEMORY_BYTES = 1 << 29
"""Bytes that decoding may take beyond what the process takes by itself: with whoever asks, less than a gigabyte."""

TABLE_MEMORY = "PROVENANCE_TABLE_MEMORY"
"""The variable that says how much memory the tables of one entry may take."""

FULL = "full"
"""The member of an answer that says that memory did not suffice: with fewer rows at once it may."""

LEAST_ALLOWED_BYTES = 1 << 26
"""Bytes that a table may always have once it is decoded, however small its file is."""

EXPANSION_RATIO = 200
"""How many times as large as its file a table may be once it is decoded; honest tables stay below 100."""

LENGTH_BYTES = 8
"""Bytes of the number before each message: how long it is."""

_DENSE = 1 << 16, 8  # rows that any table may have, and for each byte of its file; honest tables stay below one a byte
_LINE_BYTES = 1 << 24  # bytes of the longest line
_PART_BYTES = 1 << 23  # bytes of rows that are compared at once
_BLOCK_BYTES = 1 << 26  # bytes of lines that are
_MOST_COLUMNS = 256
_SECONDS, _PACE = 60, 1 << 20  # of processor time: for any table, and bytes for which there is one more
_SALT = re.compile(rb'"salt":"([0-9a-f]{32})"')
_TREE = re.compile(rb'"tree":(\{"alg":"[a-z0-9-]{1,40}","root":"[0-9a-f]{64}","size":[0-9]{1,15}\})')


class _TableFault(Exception):  # noqa: N818 - an answer, not an error
    """What is wrong with a table, in a few words."""


class _RowsDiffer(_TableFault):
    """Rows and lines are not the same."""


def main() -> None:
    """Answer requests until whoever asks is gone."""
    asker = confined_decoding.connect_requester()
    requests = _RequestQueue(asker)
    limited = _limit_memory()
    while (request := requests.take_next()) is not None:
        reply = {"limited": limited} | _answer_request(request, asker)
        asker.send(b"j", json.dumps(reply).encode())
        if reply.get(FULL):
            return  # what a failed allocation left behind is nobody's business: the next request gets a new process


class _RequestQueue:
    """Requests as they come in; a thread waits for them, so that this process never outlives whoever asks."""

    def __init__(self, asker: confined_decoding.Requester) -> None:
        self._asker = asker
        self._have = threading.Semaphore(0)
        self._waiting: list[dict[str, Any]] = []
        threading.Thread(target=self._read_requests, daemon=True).start()

    def _read_requests(self) -> None:
        while (request := self._asker.receive()) is not None:
            self._waiting.append(json.loads(request))
            self._have.release()
        os._exit(0)

    def take_next(self) -> dict[str, Any] | None:
        """Return the next request."""
        self._have.acquire()
        return self._waiting.pop(0)


def _limit_memory() -> bool:
    """Limit the memory of this process; tell whether the system does that."""
    import pyarrow.parquet  # noqa: F401 - what it takes by itself is not what a table takes

    from provenance.ledger.format import table_files  # noqa: F401 - the same

    return confined_decoding.limit_memory(MEMORY_BYTES)


def _limit_time(size: int) -> None:
    """Give a table so much processor time, and no more: no bytes may keep anybody waiting for ever."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = int(used.ru_utime + used.ru_stime) + _SECONDS + size // _PACE
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer_request(request: dict[str, Any], asker: confined_decoding.Requester) -> dict[str, Any]:
    import pyarrow as pa

    try:
        return _ACTIONS[request["do"]](request, asker)
    except (_TableFault, VerificationError) as fault:
        flags = {"differs": isinstance(fault, _RowsDiffer), "repeated": isinstance(fault, VerificationError)}
        return {"fault": str(fault)} | flags
    except FileNotFoundError:
        return {"missing": True}
    except (MemoryError, pa.ArrowMemoryError):
        return {"fault": f"it takes more than {MEMORY_BYTES >> 20} MiB to decode", FULL: True}
    except OSError as cause:  # Arrow's own errors of reading are such
        return {"fault": _shorten_cause(cause) if cause.filename else f"it cannot be decoded: {_shorten_cause(cause)}"}
    except Exception as cause:  # noqa: BLE001 - whoever wrote the bytes must not choose the answer
        return {"fault": f"it cannot be decoded: {type(cause).__name__}: {_shorten_cause(cause)}"}


def _shorten_cause(cause: BaseException) -> str:
    """The first line of what a library says, cut: it may quote the bytes at length."""
    return str(getattr(cause, "strerror", None) or cause).partition("\n")[0][:120]


def _load_table(request: dict[str, Any], asker: confined_decoding.Requester) -> dict[str, Any]:
    """Send a table's batches; where lines are named, only those whose rows are what their lines say."""
    return _decode_table(request, asker)


def _send_batches(asker: confined_decoding.Requester, schema: pa.Schema, batches: list[pa.RecordBatch]) -> None:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema.remove_metadata()) as stream:
        for batch in batches:
            stream.write_batch(batch.replace_schema_metadata(None))
    asker.send(b"a", memoryview(sink.getvalue()))


def _check_table(request: dict[str, Any], _asker: confined_decoding.Requester) -> dict[str, Any]:
    """Check a table as whoever reads it would; of one that this version does not know, the footer alone."""
    from provenance.core.schemas import OPTIONAL, SEALED

    if request["table"] in SEALED or request["table"] in OPTIONAL:
        return {"known": True} | _decode_table(request, None)
    with _open_regular(request["path"]) as handle:
        _limit_time(0)
        return {"known": False, "rows": _open_parquet(handle, request).metadata.num_rows}


def _compare_lines(request: dict[str, Any], _asker: confined_decoding.Requester) -> dict[str, Any]:
    """Make each line again from its row and compare it with the one that was signed."""
    return _decode_table(request, None)


def _decode_table(request: dict[str, Any], asker: confined_decoding.Requester | None) -> dict[str, Any]:
    """Decode a table within its limits, compare it with its lines where they are named, and send it if asked to."""
    from provenance.ledger.format.row_keys import RowKeys

    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(_open_regular(request["path"]))
        lines = stack.enter_context(_open_regular(request["lines"])) if request.get("lines") else None
        size = os.fstat(handle.fileno()).st_size
        _limit_time(size + (os.fstat(lines.fileno()).st_size if lines else 0))
        file = _open_parquet(handle, request)
        left = allowed = _compute_allowed_bytes(size, request.get("most"))
        _check_size(file, size, allowed, request.get("most"))
        if asker is not None:
            _send_batches(asker, file.schema_arrow, [])  # a table of no rows has columns too
        keys = RowKeys(request["table"] if request["keys"] else "")
        for batch in _decode_batches(file, request) if lines is None else _decode_compared(file, request, lines):
            keys.add(batch)
            left -= batch.get_total_buffer_size()
            if left < 0:
                raise _TableFault(f"it decodes to more than {_describe_limit(allowed, request.get('most'))}")
            if asker is not None:
                _send_batches(asker, batch.schema, [batch])
        keys.finish()
    return {"rows": file.metadata.num_rows}


def _compute_allowed_bytes(size: int, most: int | None) -> int:
    """Return the bytes that a table of a file of some size may have; whoever keeps them says how many it takes."""
    allowed = max(LEAST_ALLOWED_BYTES, EXPANSION_RATIO * size)
    return allowed if most is None else min(allowed, most)


def _describe_limit(allowed: int, most: int | None) -> str:
    """Say how many bytes are allowed, and what to do where that is for want of room, and not for its file's size."""
    if allowed != most:
        return f"{allowed:,} bytes"
    return f"{allowed:,} bytes, all that is left for the tables of one entry; {TABLE_MEMORY}=4GB would allow more"


def _decode_compared(file: pq.ParquetFile, request: dict[str, Any], lines: BinaryIO) -> Iterator[pa.RecordBatch]:
    """Decode, and hold each batch to its lines before anybody gets it."""
    size = os.fstat(lines.fileno()).st_size
    if file.metadata.num_rows > size:
        raise _RowsDiffer(f"{count_noun(file.metadata.num_rows, 'row')} cannot be {size:,} bytes of lines")
    row, seen = 0, hashlib.sha256()
    for batch in _decode_batches(file, request):
        for part in _cut_batch(batch):
            seen.update(_compare_batch(part, lines, row, request["extra"]))
            row += part.num_rows
        yield batch
    if lines.read(1):
        raise _RowsDiffer(f"it has {count_noun(row, 'row')}, and there are more lines")
    if seen.hexdigest() != request["digest"]:
        raise _RowsDiffer(LINES_CHANGED)


_ACTIONS: dict[str, Callable[[dict[str, Any], confined_decoding.Requester], dict[str, Any]]] = {
    "check": _check_table,
    "compare": _compare_lines,
    "load": _load_table,
}


def _cut_batch(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts of at most so many bytes, or of one row: its lines take several times as many."""
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        if part.num_rows > 1 and part.nbytes > _PART_BYTES:
            middle = part.num_rows // 2
            waiting += [part.slice(middle), part.slice(0, middle)]
        else:
            yield part


def _compare_batch(batch: pa.RecordBatch, lines: BinaryIO, first: int, extra: list[str]) -> bytes:
    """Compare rows with the next lines; return the bytes of those."""
    import pyarrow as pa

    from provenance.ledger.format import table_files

    there, size = [], 0
    for line in islice(iter(lambda: lines.readline(_LINE_BYTES), b""), batch.num_rows):
        there.append(line)
        size += len(line)
        if size > _BLOCK_BYTES:
            raise _RowsDiffer(f"{len(there):,} of its lines are longer than {_BLOCK_BYTES:,} bytes")
    if len(there) < batch.num_rows:
        raise _RowsDiffer(f"it has more rows than the {first + len(there):,} lines")
    signed = b"".join(there)
    table = pa.Table.from_batches([batch])
    for name in extra:
        pattern, made = _EXTRA[name]
        found = pattern.findall(signed)
        if len(found) != batch.num_rows:
            raise _RowsDiffer(f"not every line from {first + 1:,} on has one member `{name}`")
        table = table.append_column(name, made(found))
    made_again = b"".join(table_files.to_lines(table))
    if made_again != signed:
        rows = zip(made_again.splitlines(keepends=True), there, strict=True)
        at = next(number for number, (one, other) in enumerate(rows) if one != other)
        raise _RowsDiffer(f"row {first + at} is not what line {first + at + 1} says")
    return signed


def _read_salts(found: list[bytes]) -> pa.Array:
    import pyarrow as pa

    return pa.array(found, pa.binary()).cast(pa.string())


def _read_trees(found: list[bytes]) -> pa.Array:
    import pyarrow as pa

    kind = pa.struct([("alg", pa.string()), ("root", pa.string()), ("size", pa.int64())])
    return pa.array([json.loads(each) for each in found], kind)


# Members that a line has and its row has not: what finds them, and what makes a column of them.
_EXTRA: dict[str, tuple[re.Pattern[bytes], Callable[[list[bytes]], pa.Array]]] = {
    "salt": (_SALT, _read_salts),
    "tree": (_TREE, _read_trees),
}


def _open_regular(path: str) -> BufferedReader:
    """Open a regular file, never through a link."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.fdopen(os.open(os.fsencode(path), flags), "rb")
    if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
        handle.close()
        raise _TableFault("it is not a regular file")
    return handle


def _check_digest(handle: BufferedReader, digest: str | None) -> None:
    """What is decoded is what was hashed: the same open file. None = whoever asks reads over other bytes."""
    if digest is not None and hashlib.file_digest(handle, "sha256").hexdigest() != digest:
        raise _TableFault(CHANGED)
    handle.seek(0)


CHANGED = "it is not what its entry binds"
"""What is said of a table whose file has another digest."""

LINES_CHANGED = "its lines are not what its entry binds"
"""What is said of a table of whose lines the file has another digest."""


def _open_parquet(handle: BufferedReader, request: dict[str, Any]) -> pq.ParquetFile:
    """Open a Parquet file, and hold its footer to what the entry and the schema say."""
    import pyarrow.parquet as pq

    _check_digest(handle, request["sha256"])
    size = os.fstat(handle.fileno()).st_size
    file = pq.ParquetFile(handle, memory_map=False, pre_buffer=False, buffer_size=1 << 20)
    found = file.metadata
    if found.num_rows != request["rows"]:
        raise _TableFault(f"it has {count_noun(found.num_rows, 'row')}, and its entry says {request['rows']:,}")
    if found.num_columns > _MOST_COLUMNS or found.num_row_groups > found.num_rows + 1:
        raise _TableFault(
            f"its footer lists {count_noun(found.num_columns, 'column')} and "
            f"{count_noun(found.num_row_groups, 'row group')}"
        )
    counted = 0
    for number in range(found.num_row_groups):
        group = found.row_group(number)
        counted += group.num_rows
        for column in range(found.num_columns):
            chunk = group.column(column)
            if not (0 <= chunk.total_compressed_size <= size and chunk.total_uncompressed_size >= 0):
                raise _TableFault("its footer says that a column is larger than the file")
    if counted != found.num_rows:
        raise _TableFault("its row groups do not have the rows that its footer says")
    _check_columns(file.schema_arrow, request["table"], request.get("extra") or [])
    return file


def _check_columns(found: pa.Schema, table: str, extra: list[str]) -> None:
    """Hold columns to the schema of their table: names once, in order, of these types; a later version may add some."""
    from provenance.core.verdict_versions import choose_schema

    names = found.names
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _TableFault(f"it has the column {_quote_name(twice[0])} more than once")
    if taken := sorted(set(names) & set(extra)):
        raise _TableFault(f"it has a column {_quote_name(taken[0])}, which is of the lines alone")
    if (wanted := choose_schema(table, names)) is None:
        return
    known = [name for name in names if name in wanted.names]
    if known != [name for name in wanted.names if name in names]:
        raise _TableFault("its columns are not in the order of its table")
    for field in wanted:
        if field.name not in names:
            if not field.nullable:
                raise _TableFault(f"it has no column {field.name}")
        elif not _is_same_type(found.field(field.name).type, field.type):
            raise _TableFault(f"its column {field.name} is {str(found.field(field.name).type)[:40]}, not {field.type}")


def _is_same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Tell whether two types are the same; what Parquet calls the elements of a list does not matter."""
    import pyarrow as pa

    if pa.types.is_list(one) and pa.types.is_list(other):
        return _is_same_type(one.value_type, other.value_type)
    return bool(one == other)


def _quote_name(name: str) -> str:
    return json.dumps(name[:40])


def _check_size(file: pq.ParquetFile, file_size: int, allowed: int, most: int | None) -> None:
    """Refuse, before decoding, what its footer already says is too large."""
    found = file.metadata
    least = found.num_rows * sum(_count_least_bytes(field.type) for field in file.schema_arrow)
    groups = (found.row_group(number) for number in range(found.num_row_groups))
    stated_size = sum(group.column(at).total_uncompressed_size for group in groups for at in range(found.num_columns))
    always, per_byte = _DENSE
    if found.num_rows > always + per_byte * file_size:
        raise _TableFault(f"{count_noun(found.num_rows, 'row')} cannot be {file_size:,} bytes of Parquet")
    if max(least, stated_size) > allowed:
        limit = _describe_limit(allowed, most)
        raise _TableFault(f"it decodes to {max(least, stated_size):,} bytes or more, and its limit is {limit}")


def _count_least_bytes(kind: pa.DataType) -> int:
    """Bytes that a value takes at least once it is decoded; a bit counts as none."""
    try:
        return int(kind.bit_width) // 8
    except ValueError:
        return 4  # where the value begins


def _decode_batches(file: pq.ParquetFile, request: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Decode, and hold values to their schema: valid UTF-8, no null where none may be, and its words."""
    from provenance.core.column_vocabularies import find_foreign_value
    from provenance.core.verdict_versions import choose_schema

    wanted = choose_schema(request["table"], file.schema_arrow.names)
    needed = [field.name for field in wanted or () if not field.nullable]
    count = 0
    for batch in file.iter_batches(batch_size=request["at_once"], use_threads=False):
        batch.validate(full=True)
        for name in needed:
            if batch.column(name).null_count:
                raise _TableFault(f"its column {name} holds nulls")
        if other := find_foreign_value(batch, request["table"]):
            raise _TableFault(f"it is not the table of this version: {other}")
        count += batch.num_rows
        if batch.num_rows:
            yield batch
    if count != file.metadata.num_rows:
        raise _TableFault(f"it holds {count_noun(count, 'row')}, and its footer says {file.metadata.num_rows:,}")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
    os._exit(0)  # no library's farewell is worth waiting for
