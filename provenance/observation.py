"""What a worker does with a bundle of files: read them once, identify every record, keep counts, never text.

One bundle, one scratch file a view and partition. The scratch files hold MEMBERS whose `file` is the number of the path
in this bundle; `gather` maps it to the number in the whole scan when a partition is joined.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import records
from provenance.model import VIEWS
from provenance.similarity import exact, shingles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUNDLE = 32 << 20
"""Bytes of files that make a bundle."""

MOST = 256
"""Files of a bundle, at most."""

_STATED = 1000  # different values of a licence or origin column that are kept of one file


@dataclass(frozen=True, slots=True)
class File:
    """One file to look at.

    Args:
        path: as in PATHS.
        location: where it is on disk.
        role: as in PATHS; only `data` yields records.
        format: of a file that is not data: what it is.
        reason: why its content counts as skipped.
        bytes: on disk.
    """

    path: str
    location: bytes
    role: str
    format: str | None
    reason: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some files, and where to write.

    Args:
        number: of the bundle.
        files: what to read, in this order.
        scratch: folder for scratch files.
        partitions: how many parts the hashes are cut into.
    """

    number: int
    files: tuple[File, ...]
    scratch: str
    partitions: int


@dataclass(slots=True)
class Seen:
    """What one file or member held.

    Args:
        account: bytes and digests.
        tokens: words of normalisation v1.
        views: records that have a view, by view.
        stated: values of the licence and origin columns: (field, value).
    """

    account: records.Account
    tokens: int = 0
    views: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VIEWS, 0))
    stated: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a bundle held.

    Args:
        bundle: its number.
        seen: every file and member, members before their archive; MEMBERS.file is a place in this list.
        parts: scratch files as (view, partition, path).
    """

    bundle: int
    seen: tuple[Seen, ...]
    parts: tuple[tuple[str, int, str], ...]


def bundles(files: Sequence[File], scratch: Path, partitions: int) -> list[Bundle]:
    """Cut files into bundles of about BUNDLE bytes, largest first so that no worker is left with the longest.

    Args:
        files: what to read.
        scratch: folder for scratch files.
        partitions: how many parts the hashes are cut into.

    Returns:
        Bundles; together they hold every file once.
    """
    cut: list[list[File]] = [[]]
    size = 0
    for file in sorted(files, key=lambda each: (-each.bytes, each.path)):
        if cut[-1] and (size + file.bytes > BUNDLE or len(cut[-1]) >= MOST):
            cut.append([])
            size = 0
        cut[-1].append(file)
        size += file.bytes
    return [Bundle(number, tuple(part), str(scratch), partitions) for number, part in enumerate(cut) if part]


def observe(bundle: Bundle) -> Observed:
    """Read the files of a bundle.

    Args:
        bundle: what to read and where to write.

    Returns:
        Accounts and counts; the records' identities are in the scratch files.
    """
    seen: list[Seen | None] = []
    with _Scratch(bundle) as scratch:
        for file in bundle.files:
            if file.role != "data" or file.reason is not None:
                seen.append(Seen(records.account(file.location, file.path, file.format, file.reason)))
            else:
                _read(file, seen, scratch)
    return Observed(bundle.number, tuple(each for each in seen if each is not None), scratch.parts)


@dataclass(slots=True)
class _Open:
    """A file or member of which batches may still come."""

    number: int
    tokens: int = 0
    views: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VIEWS, 0))
    stated: dict[tuple[str, str], None] = field(default_factory=dict)


def _read(file: File, seen: list[Seen | None], scratch: _Scratch) -> None:
    open_: dict[str, _Open] = {}
    for item in records.read(file.location, file.path):
        if item.path not in open_:
            open_[item.path] = _Open(len(seen))
            seen.append(None)
        state = open_[item.path]
        if isinstance(item, records.Batch):
            _batch(item.table, state, scratch)
        else:
            seen[state.number] = Seen(item, state.tokens, state.views, list(state.stated))
            del open_[item.path]


def _batch(batch: pa.RecordBatch, state: _Open, scratch: _Scratch) -> None:
    for view in VIEWS:
        nodes = shingles.nodes(batch[view], batch["row"])
        state.views[view] += nodes.num_rows
        if view == "whole":
            state.tokens += pc.sum(nodes["words"]).as_py() or 0
        if nodes.num_rows:
            scratch.share(view, state.number, nodes)
    for name in ("licence", "origin"):
        if len(state.stated) < _STATED and batch[name].null_count < len(batch):
            for value in pc.unique(batch[name]).to_pylist():
                if value is not None:
                    state.stated[name, value[:300]] = None


class _Scratch:
    """Where a bundle writes its MEMBERS as they come: one file a view and partition."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._open: dict[tuple[str, int], tuple[str, pa.OSFile, pa.RecordBatchFileWriter]] = {}

    @property
    def parts(self) -> tuple[tuple[str, int, str], ...]:
        return tuple((view, partition, path) for (view, partition), (path, _, _) in sorted(self._open.items()))

    def share(self, view: str, number: int, nodes: pa.Table) -> None:
        """Cut nodes by hash, so that equal texts meet in one partition."""
        file = np.full(nodes.num_rows, number, np.int64)
        columns = [file, np.zeros_like(file), *(nodes[name] for name in ("row", "low", "high", "distinct"))]
        table = pa.table(columns, schema=exact.MEMBERS)
        count = self._bundle.partitions
        of = (nodes["high"].to_numpy() >> np.uint64(40)) % np.uint64(count)
        for partition in range(count):
            part = table if count == 1 else table.filter(pa.array(of == partition))
            if part.num_rows:
                self._writer(view, partition).write_table(part)

    def _writer(self, view: str, partition: int) -> pa.RecordBatchFileWriter:
        if (view, partition) not in self._open:
            path = str(Path(self._bundle.scratch) / f"{view}-{partition:04d}-{self._bundle.number:012d}.arrow")
            sink = pa.OSFile(path, "wb")
            self._open[view, partition] = (path, sink, pa.ipc.new_file(sink, exact.MEMBERS))
        return self._open[view, partition][2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _path, sink, writer in self._open.values():
            writer.close()
            sink.close()


@dataclass(frozen=True, slots=True)
class Join:
    """One view and partition of the whole scan.

    Args:
        view: whole | prompt.
        parts: scratch files, each with the number in the scan of each of its bundle's files.
        sources: the number of each file's source, by the file's number.
        target: the file to write matches to.
    """

    view: str
    parts: tuple[tuple[str, np.ndarray[Any, Any]], ...]
    sources: np.ndarray[Any, Any]
    target: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What a partition says, its matches left on disk.

    Args:
        view: whole | prompt.
        exact: counts; its `rows` are empty.
        rows: the file that holds ROWS.
    """

    view: str
    exact: exact.Exact
    rows: str


def gather(join: Join) -> Joined:
    """Join one partition: who stands where else, word for word.

    Args:
        join: what to read, and where to write.

    Returns:
        Its exact matches.
    """
    found = exact.match(_members(join))
    with pa.OSFile(join.target, "wb") as sink, pa.ipc.new_file(sink, exact.ROWS) as writer:
        writer.write_table(found.rows)
    return Joined(join.view, replace(found, rows=exact.ROWS.empty_table()), join.target)


def _members(join: Join) -> pa.Table:
    tables = []
    for path, numbers in join.parts:
        with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
            table = reader.read_all()
        file = numbers[table["file"].to_numpy()]
        columns = [file, join.sources[file], *(table[name] for name in ("row", "low", "high", "distinct"))]
        tables.append(pa.table(columns, schema=exact.MEMBERS))
    return pa.concat_tables(tables) if tables else exact.MEMBERS.empty_table()


def alone(bundle: Bundle) -> Iterable[Bundle]:
    """Cut a bundle that took its process down into one bundle a file, to find the file that does it."""
    for place, file in enumerate(bundle.files):
        number = (bundle.number + 1) * 1_000_000 + place
        yield Bundle(number, (file,), bundle.scratch, bundle.partitions)


def lost(file: File, reason: str) -> Seen:
    """Return the account of a file whose reader took its process down."""
    account = records.account(file.location, file.path, file.format, f"its reader failed: {reason}")
    return Seen(account)
