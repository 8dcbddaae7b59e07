"""Decoding tables of somebody else's ledger, in a process of its own with little memory and time (`table_decoder`).

One such process serves a program: it is started at the first request, ends with the program, and is replaced whenever
it died, ran out of memory or was interrupted.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.core.processes import memory_limit
from provenance.core.processes.child_processes import MOST_KILLS
from provenance.core.processes.confined_decoding import ConfinedProcess
from provenance.core.scratch import scratch_folders
from provenance.errors import ConfigError, DigestMismatch, ProcessKilled, VerificationError, cut
from provenance.ledger.format import table_decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    import pyarrow as pa

LOADED_BYTES = 3 << 28
"""Bytes that the tables of one entry may take in memory, whatever their files have and say."""

MAPPED_BYTES = 1 << 34
"""Bytes of a table that is mapped: it lies on disk, and takes memory only while it is looked at."""

_BATCH_REPLY = b"a"  # the kind of a message that holds rows
_ALIGNMENT = 64  # bytes to which Arrow aligns its buffers
_ROWS_AT_ONCE = (1 << 13, 1 << 8, 1 << 3)  # rows that are decoded at once; fewer where memory does not suffice


@dataclass(frozen=True, slots=True)
class SignedTableLines:
    """The signed lines of a table, which its rows must be.

    Args:
        path: the file.
        sha256: its digest, hexadecimal.
        extra: members that a line has and its row has not: `salt`, `tree`.
    """

    path: Path
    sha256: str
    extra: Sequence[str]


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's file, and what its entry says of it.

    Args:
        path: the Parquet file.
        table: its name.
        rows: how many its entry says it has.
        sha256: its digest, hexadecimal: what is decoded are the bytes that were hashed, from the same open file;
            None = whatever they are.
        lines: what its rows are compared with; None = it has no lines, or they are withheld.
        keys: whether two rows of one key are a fault.
    """

    path: Path
    table: str
    rows: int
    sha256: str | None
    lines: SignedTableLines | None = None
    keys: bool = True


class RepeatedKeys(VerificationError):  # noqa: N818 - names what was found
    """Two rows have the same key, or rows that must be sorted are not."""


class RowsDiffer(VerificationError):  # noqa: N818 - names what was found
    """A row is not what its signed line says, or the lines are not those that the entry binds."""


def allowed_memory() -> int:
    """Return how many bytes the tables of one entry may take in memory: as the user says, else LOADED_BYTES.

    Raises:
        ConfigError: what the user says is no size.
    """
    size = os.environ.get(table_decoder.TABLE_MEMORY)
    try:
        return memory_limit.parse_size(size) if size else LOADED_BYTES
    except ConfigError as cause:
        least = memory_limit.format_size(memory_limit.LEAST_BYTES)
        setting = f"{table_decoder.TABLE_MEMORY}={cut(size)}"
        raise ConfigError(f"{setting} is no size for tables; set it to 4GB, say, or to {least} at least") from cause


def load_table(stored: StoredTable, most: int = LOADED_BYTES, *, mapped: bool = False) -> pa.Table:
    """Decode a table that an entry binds; where it has lines, no row is returned that is not what its line says.

    Args:
        stored: the table.
        most: bytes that it may have, decoded.
        mapped: whether it lies in a scratch file, of which nobody knows the name, and not in memory.

    Returns:
        Its rows and columns as they are stored; types, nulls and UTF-8 are those of the schema.

    Raises:
        FileNotFoundError: it is not there.
        DigestMismatch: its bytes are others.
        RowsDiffer: a row is not what its line says; RepeatedKeys: two rows have the same key.
        VerificationError: it cannot be decoded within the limits, or is not the table that its entry says.
    """
    import pyarrow as pa

    if not mapped:
        reply, parts = _decoder.send_request("load", stored, most)
        _raise_fault(reply, stored)
        return _join_parts(parts)
    with scratch_folders.temporary_folder() as folder, scratch_folders.explain_no_room(folder):
        with (folder / "rows").open("wb") as file:
            reply, places = _decoder.send_request("load", stored, most, lambda part: _write_part(file, part))
        _raise_fault(reply, stored)
        with pa.memory_map(str(folder / "rows")) as mapped_file:
            rows = mapped_file.read_buffer()
        return _join_parts(rows.slice(*place) for place in places)


def _write_part(file: BinaryIO, part: bytes) -> tuple[int, int]:
    """Write a message of Arrow where its buffers are aligned; return its place and length."""
    file.write(bytes(-file.tell() % _ALIGNMENT))
    place = file.tell()
    file.write(part)
    return place, len(part)


def _join_parts(parts: Iterable[Any]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(pa.ipc.open_stream(pa.BufferReader(part)).read_all() for part in parts)


def compare_lines(stored: StoredTable) -> bool:
    """Make each line of a table again from its row, and compare the bytes.

    Args:
        stored: the table, with its lines.

    Returns:
        Whether memory was limited while it was decoded.

    Raises:
        FileNotFoundError: one of the files is not there.
        DigestMismatch: the bytes of the table are others.
        RowsDiffer: a row is not what its line says; RepeatedKeys: two rows have the same key.
        VerificationError: the table cannot be decoded within the limits.
    """
    reply, _ = _decoder.send_request("compare", stored)
    _raise_fault(reply, stored)
    return bool(reply["limited"])


def check_table(stored: StoredTable) -> bool:
    """Hold a table to what its entry and its schema say, as whoever reads it would.

    Args:
        stored: the table.

    Returns:
        Whether this version knows a table of that name; of another, only names and numbers are held to anything.

    Raises:
        FileNotFoundError: it is not there.
        DigestMismatch: its bytes are others.
        VerificationError: it is not the table that its entry says.
    """
    reply, _ = _decoder.send_request("check", stored)
    _raise_fault(reply, stored)
    return bool(reply["known"])


def _raise_fault(reply: dict[str, Any], stored: StoredTable) -> None:
    if reply.get("missing"):
        raise FileNotFoundError(stored.path)
    if reply.get("differs"):
        raise RowsDiffer(str(reply["fault"]))
    if reply.get("repeated"):
        raise RepeatedKeys(str(reply["fault"]))
    if reply.get("fault") == table_decoder.CHANGED:
        raise DigestMismatch(table_decoder.CHANGED)
    if "fault" in reply:
        raise VerificationError(str(reply["fault"]))


class _Killed(Exception):  # noqa: N818 - asks for another try
    """Somebody else ended the process that decodes."""


class _Decoder:
    """What decodes for this program, one request at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: ConfinedProcess | None = None

    def send_request(
        self, action: str, stored: StoredTable, most: int | None = None, keep: Callable[[bytes], Any] = bytes
    ) -> tuple[dict[str, Any], list[Any]]:
        """Send a request; return the answer, and what was kept of the batches that came before it."""
        path = os.fspath(stored.path.absolute())  # that process was started where this one stood then
        request: dict[str, Any] = {"do": action, "path": path, "table": stored.table, "rows": stored.rows}
        request |= {"sha256": stored.sha256, "keys": stored.keys, "most": most}
        if stored.lines and action != "check":
            lines = os.fspath(stored.lines.path.absolute())
            request |= {"lines": lines, "digest": stored.lines.sha256, "extra": list(stored.lines.extra)}
        with self._lock:
            for rows in _ROWS_AT_ONCE:
                try:
                    reply, parts = self._exchange_again(json.dumps(request | {"at_once": rows}).encode(), keep)
                except BaseException:  # what comes next through the pipe would be the answer to this
                    self.end_process()
                    raise
                if not reply.get(table_decoder.FULL):
                    break
                parts.clear()
                self.end_process()
        return reply, parts

    def _exchange_again(self, request: bytes, keep: Callable[[bytes], Any]) -> tuple[dict[str, Any], list[Any]]:
        """Ask anew where somebody else ended the process: the table is not to blame for that."""
        for _ in range(1 + MOST_KILLS):
            with contextlib.suppress(_Killed):
                return self._exchange(request, keep)
        raise ProcessKilled("decode a table of the ledger")

    def _exchange(self, request: bytes, keep: Callable[[bytes], Any]) -> tuple[dict[str, Any], list[Any]]:
        if self._child is None or not self._child.runs:
            self.end_process()
            self._child = ConfinedProcess(table_decoder.__name__)
        parts: list[Any] = []
        try:
            self._child.send(request)
            while (found := self._child.receive())[0] == _BATCH_REPLY:
                parts.append(keep(found[1]))
            return json.loads(found[1]), parts
        except OSError:
            killed = self._child.was_killed()
            self.end_process()
            if killed:
                raise _Killed from None
        return {"fault": "the process that decodes it ended: it took too much memory or time"}, []

    def end_process(self) -> None:
        """End the process; the next request starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.end()


_decoder = _Decoder()
atexit.register(_decoder.end_process)
