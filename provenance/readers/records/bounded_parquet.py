"""Decoding Parquet in a process of its own (`decoder`), which dies of a bomb in the place of whoever reads the file.

Such a process is started when it is needed, kept for the next file, and replaced where it died or ran out of memory.
"""

from __future__ import annotations

import atexit
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from provenance.core import parquet_decoder
from provenance.core.processes.child_processes import MOST_KILLS
from provenance.core.processes.confined_decoding import LENGTH_BYTES, ConfinedProcess
from provenance.errors import ProcessKilled

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.storage import CheckedFile, Limits

_MOST_ROWS = 4096  # of a batch at most
_LESS = 16  # times fewer rows are decoded at once where memory did not suffice
_MOST_DEATHS = 12  # of processes, after which the rest of a file is given up


class BrokenParquet(Exception):  # noqa: N818 - a fault of the data, which its reader turns into a reason
    """Why a file, or a row group of it, is not decoded."""


_idle: list[ConfinedProcess] = []


@atexit.register
def _end_all() -> None:
    while _idle:
        _idle.pop().end()


@dataclass(slots=True)
class ParquetFile:
    """A Parquet file, or another of record batches, that is decoded elsewhere.

    Args:
        source: its bytes, each block held to its digest.
        size: how many there are.
        limits: batch_bytes, record_bytes and memory_bytes.
        values: of the largest row.
        kind: parquet | arrow | arrow-stream | orc | feather.
        rows: of each row group, as its footer says.
        stored: bytes of each row group in the file.
    """

    source: CheckedFile
    size: int
    limits: Limits
    values: int = parquet_decoder.VALUES
    kind: str = parquet_decoder.PARQUET
    rows: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)
    _process: ConfinedProcess | None = None
    _deaths: int = 0
    _kills: int = 0
    _done: int = 0

    def read_footer(self, *, about: bool = False) -> dict[str, Any]:
        """Read the footer.

        Args:
            about: whether to return what the file says of itself.

        Returns:
            `metadata` of its schema, and the `values` and `bytes` of all columns that its footer speaks of.

        Raises:
            Broken: it cannot be read.
            FileChanged: the bytes are not those that were read first.
            ProcessKilled: somebody else ended process after process.
        """
        answer, anew = None, False
        while answer is None:
            try:
                answer = self._start_process(about=about, anew=anew)
            except _Killed:
                self._count_kill()
            except _OutOfMemory:
                if anew:
                    room = self.limits.memory_bytes >> 20
                    raise BrokenParquet(f"its footer takes more than {room} MiB of memory") from None
            anew = True  # an idle one may have had less memory left, or have been killed long ago
        self.rows, self.stored, self._sizes = answer["rows"], answer["stored"], answer["sizes"]
        return answer

    def _count_kill(self) -> None:
        """Give up where the file is read for the last time; it is not to blame."""
        self._kills += 1
        if self._kills > MOST_KILLS:
            raise ProcessKilled("decode a Parquet file")

    def read_batches(self, group: int) -> Iterator[pa.RecordBatch | str]:
        """Decode a row group.

        Args:
            group: its number.

        Yields:
            Batches of at most `limits.batch_bytes` bytes, or of one row; in the place of a row that is too large,
            whether that is its `bytes` or its `values`.

        Raises:
            Broken: what follows cannot be decoded.
            FileChanged: the bytes are not those that were read first.
            ProcessKilled: somebody else ended process after process.
        """
        each = max(1, self._sizes[group] // max(1, self.rows[group]))
        rows, whole = max(1, min(_MOST_ROWS, self.limits.batch_bytes // each)), False
        self._done = 0
        while not whole:
            try:
                if self._process is None:
                    self._start_process()
                yield from self._decode_rows(group, rows)
                whole = True
            except _Killed:
                self._count_kill()
            except _OutOfMemory:
                self._deaths += 1
                if rows == 1 or self.is_given_up:
                    room = self.limits.memory_bytes >> 20
                    raise BrokenParquet(f"row group {group} takes more than {room} MiB of memory to decode") from None
                rows = max(1, rows // _LESS)

    @property
    def is_given_up(self) -> bool:
        """Whether so many processes died of it that the rest is not tried."""
        return self._deaths > _MOST_DEATHS

    def _decode_rows(self, group: int, rows: int) -> Iterator[pa.RecordBatch | str]:
        request = {"do": "decode", "group": group, "rows": rows, "skip": self._done, "bytes": self.limits.batch_bytes}
        for kind, chunks in self._send_request(request | {"record": self.limits.record_bytes, "values": self.values}):
            if kind == parquet_decoder.SKIPPED:
                self._done += 1
                yield chunks.pop().decode()
            elif kind == parquet_decoder.BATCH:
                yield self._read_batch(chunks.pop())
            elif "broken" in json.loads(chunks.pop()):
                raise BrokenParquet(f"row group {group} is broken")

    def _read_batch(self, data: bytes) -> pa.RecordBatch:
        import pyarrow as pa

        batch = pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()
        self._done += batch.num_rows
        return batch

    def _start_process(self, *, about: bool = False, anew: bool = False) -> dict[str, Any]:
        """Open the file in a process: one that is idle, or a new one."""
        self._process = _idle.pop() if _idle and not anew else ConfinedProcess(parquet_decoder.__name__)
        if self._process.owner != os.getpid():
            self._process.end()
            self._process = ConfinedProcess(parquet_decoder.__name__)
        answer: dict[str, Any] = {}
        for _, chunks in self._send_request(
            {"do": "open", "size": self.size, "memory": self.limits.memory_bytes, "about": about, "kind": self.kind}
        ):
            answer = json.loads(chunks.pop())
        if "fault" in answer:
            raise BrokenParquet(answer["fault"])
        if "broken" in answer:
            what = "footer is" if self.kind == parquet_decoder.PARQUET else "schema or footer is"
            raise BrokenParquet(f"its {what} broken, or of a kind that cannot be read")
        return answer

    def _send_request(self, request: dict[str, Any]) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield what is answered; in between, give what is asked for of the file.

        The bytes stand in a list, from which they are taken: a long record would else be held here too.
        """
        process, whole = cast("ConfinedProcess", self._process), False
        try:
            process.send(json.dumps(request).encode())
            while not whole:
                kind, data = process.receive()
                if kind == parquet_decoder.READ:
                    process.send(
                        self._read_bytes(
                            *(int.from_bytes(data[at : at + LENGTH_BYTES], "little") for at in (0, LENGTH_BYTES))
                        )
                    )
                    continue
                whole = kind == parquet_decoder.ANSWER and not json.loads(data).get("full")
                if kind == parquet_decoder.ANSWER and not whole:
                    raise _OutOfMemory
                chunks = [data]
                del data
                yield kind, chunks
        except OSError:  # of what it did it may have died: with fewer rows at once it may live
            raise (_Killed if process.was_killed() else _OutOfMemory) from None
        finally:
            if not whole:  # what comes next through the pipe would be the answer to this
                process.end()
                self._process = None

    def _read_bytes(self, offset: int, size: int) -> bytes:
        try:
            self.source.seek(offset)
            return self.source.read(size)
        except OSError as error:
            raise BrokenParquet(f"it cannot be read: {error.strerror or type(error).__name__}") from error

    def close(self) -> None:
        """Leave the process to the next file."""
        if self._process is not None:
            _idle.append(self._process)
            self._process = None


class _OutOfMemory(Exception):  # noqa: N818 - asks for another try
    """The process had too little memory, or died."""


class _Killed(_OutOfMemory):
    """Somebody else ended the process."""
