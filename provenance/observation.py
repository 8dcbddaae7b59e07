"""What a worker does with a bundle of files: read them once, identify every record, keep counts, never text.

One thread reads; others work on its batches in compiled code, which holds no lock, so that one large file has every
core. What they make is taken in the order of the file: threads change no result.

One bundle, one scratch file a view. The scratch files hold MEMBERS whose `file` is the number of the path in this
bundle; `comparison` maps it to the number in the whole scan. A second file a view holds SETS of the nodes, from which
`resemble` finds near matches: 208 bytes a record; the hashes that they speak of, about 8 bytes a word, all bundles add
to one file a view. A third holds the sketch of every file, at most 128 KiB each.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import detectors, manifests, memory, records, schemas
from provenance.errors import LimitExceeded, ManifestError, ProvenanceError
from provenance.model import STATED, VIEWS, Claim, Died
from provenance.origins import signals
from provenance.records import trees
from provenance.similarity import exact, near, parts, sketches
from provenance.similarity.arrays import Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

BUNDLE = 32 << 20
"""Bytes of files that make a bundle."""

MOST = 256
"""Files of a bundle, at most."""

_LICENCES = {"licence", "data-licence", "weights-licence", "notice"}
_MEMBERS, _SETS, _SKETCHES = "members", "sets", "sketches"  # what a scratch file holds

_HELD = 64  # batches whose observations are held before they are added up
_STATED = 1000  # different values of a licence or of an origin column that are kept of one file


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
        views: column and role, where a manifest overrides the published table.
        policy: the file of policies and the source in it, where a manifest names what sites said.
        head: bytes of a large file of lines to read, the rest being out of the sample; None = all.
    """

    path: str
    location: bytes
    role: str
    format: str | None
    reason: str | None
    bytes: int
    views: tuple[tuple[str, str], ...] = ()
    policy: tuple[str, str] | None = None
    head: int | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some files, and where to write.

    Args:
        number: of the bundle.
        files: what to read, in this order.
        scratch: folder for scratch files.
        threads: that work on batches.
        fold_chinese: whether traditional characters count as their simplified ones.
        secret: what record trees are salted with, which is never written anywhere; None = none are made.
    """

    number: int
    files: tuple[File, ...]
    scratch: str
    threads: int = 1
    fold_chinese: bool = False
    secret: bytes | None = field(default=None, repr=False)


@dataclass(slots=True)
class Seen:
    """What one file or member held.

    Args:
        account: bytes and digests.
        tokens: words of normalisation v1.
        views: records that have a view, by view.
        stated: values of the licence and origin columns: (field, value).
        unlicensed: records that state no licence, where others do.
        observed: what detectors saw, OBSERVED.
        claims: what it states, where it is a licence or document inside an archive.
        root: of its record tree, hexadecimal; None where none was made, or it has no records.
    """

    account: records.Account
    tokens: int = 0
    views: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VIEWS, 0))
    stated: list[tuple[str, str]] = field(default_factory=list)
    unlicensed: int = 0
    observed: pa.Table = field(default_factory=schemas.OBSERVED.empty_table)
    claims: tuple[Claim, ...] = ()
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What a bundle held.

    Args:
        bundle: its number.
        seen: every file and member, members before their archive; MEMBERS.file is a place in this list.
        parts: scratch files of MEMBERS as (view, path).
        sets: scratch files of SETS as (view, path); what they speak of stands in `hashes`.
        sketches: scratch files of SKETCHED as (view, path); its `file` is as that of MEMBERS.
    """

    bundle: int
    seen: tuple[Seen, ...]
    parts: tuple[tuple[str, str], ...]
    sets: tuple[tuple[str, str], ...] = ()
    sketches: tuple[tuple[str, str], ...] = ()


def cut(files: Iterable[File]) -> list[tuple[File, ...]]:
    """Cut files into parts of about BUNDLE bytes and at most MOST files, largest first.

    Args:
        files: any.

    Returns:
        Parts that hold something; together they hold every file once.
    """
    made: list[list[File]] = [[]]
    size = 0
    for file in sorted(files, key=lambda each: (-each.bytes, each.path)):
        if made[-1] and (size + file.bytes > BUNDLE or len(made[-1]) >= MOST):
            made.append([])
            size = 0
        made[-1].append(file)
        size += file.bytes
    return [tuple(part) for part in made if part]


def bundles(
    files: Sequence[File],
    scratch: Path,
    workers: int = 1,
    *,
    fold_chinese: bool = False,
    secret: bytes | None = None,
) -> list[Bundle]:
    """Cut files into bundles of about BUNDLE bytes, largest first so that no worker is left with the longest.

    Args:
        files: what to read.
        scratch: folder for scratch files.
        workers: processes that share the work; those that find no bundle lend their core to the others as a thread.
        fold_chinese: whether traditional characters count as their simplified ones.
        secret: what record trees are salted with; None = none are made.

    Returns:
        Bundles; together they hold every file once.
    """
    parts = cut(files)
    threads = max(1, workers // max(1, len(parts)))
    return [Bundle(number, part, str(scratch), threads, fold_chinese, secret) for number, part in enumerate(parts)]


def observe(bundle: Bundle) -> Observed:
    """Read the files of a bundle.

    Args:
        bundle: what to read and where to write.

    Returns:
        Accounts and counts; the records' identities are in the scratch files.

    Raises:
        LimitExceeded: the scratch files cannot be written.
    """
    seen: list[Seen] = []
    with _Scratch(bundle) as scratch, ThreadPoolExecutor(bundle.threads) as threads:
        work = _Work(threads, bundle, scratch)
        for file in bundle.files:
            if file.role != "data" or file.reason is not None:
                seen.append(Seen(records.account(file.location, file.path, file.format, file.reason)))
            else:
                _read(file, seen, work)
        work.finish()
    return Observed(bundle.number, tuple(seen), scratch.parts, scratch.sets, scratch.sketched)


@dataclass(slots=True)
class _Open:
    """A file or member of which batches may still come."""

    number: int
    about: Mapping[str, Any]
    salting: trees.Salting | None = None
    tree: trees.Growing = field(default_factory=trees.Growing)
    rows: int = 0
    unlicensed: int = 0
    tokens: int = 0
    views: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VIEWS, 0))
    sketched: dict[str, sketches.Growing] = field(default_factory=lambda: {view: sketches.Growing() for view in VIEWS})
    stated: dict[str, dict[str, None]] = field(default_factory=lambda: {"licence": {}, "origin": {}})
    observed: list[pa.Table] = field(default_factory=list)
    claims: tuple[Claim, ...] = ()
    reason: str | None = None

    def close(self, account: records.Account, scratch: _Scratch) -> Seen:
        for view, grown in self.sketched.items():
            scratch.sketch(view, self.number, grown.close())
        stated = [(name, value) for name, values in self.stated.items() for value in values]
        unlicensed = self.unlicensed if self.stated["licence"] else 0
        observed = detectors.add(self.observed)
        return Seen(account, self.tokens, self.views, stated, unlicensed, observed, self.claims, self.tree.root())


def _read(file: File, seen: list[Seen], work: _Work) -> None:
    open_: dict[str, _Open] = {}
    about = detectors.ABOUT | ({"signals": signals.load(*file.policy)} if file.policy else {})
    for item in items(file):
        if isinstance(item, Died):
            work.finish()
            _give_up(file, item.reason, open_, seen, work.scratch)
            return
        if item.path not in open_:
            open_[item.path] = _Open(len(seen), about, work.salting(item.path))
            seen.append(Seen(_account(item.path, "its account is still to come")))
        state = open_[item.path]
        if isinstance(item, records.Batch):
            if _of_data(item.path):
                work.begin(item.table, state)
        elif isinstance(item, records.Document):
            state.claims, state.reason = _state(item)
        else:
            work.end(open_.pop(item.path), _unread(item, state.reason), seen)


def role(path: str, outer: str) -> str:
    """Return the role of a file or member: a licence or document inside an archive yields no records either.

    Args:
        path: its name, members as 'a.zip!/member'.
        outer: the role of the file on disk.
    """
    if "!/" not in path or outer != "data":
        return outer
    kind = manifests.recognise(path.split("!/", 1)[1], b"")
    if kind is None:
        return outer
    return "documentation" if kind == "readme" else "licence" if kind in _LICENCES else "manifest"


def _of_data(path: str) -> bool:
    return role(path, "data") == "data"


def _apart(path: str) -> bool:
    return not _of_data(path)


_HEAD = 1 << 16  # bytes by which a manifest is recognised
_INSIDE = _LICENCES | {"readme", "hf-card", "hf-dataset-infos"}
"""Formats that are read inside archives: those that speak of what stands beside them, and override nothing."""


def _state(document: records.Document) -> tuple[tuple[Claim, ...], str | None]:
    """Return what a licence or document inside an archive states, and why it was not read.

    It opens no source and names no members: an archive belongs to one source.
    """
    name = document.path.split("!/", 1)[1]
    kind = manifests.recognise(name, document.data[:_HEAD]) or "readme"
    if kind not in _INSIDE:
        return (), f"no reader for {kind} files inside archives yet"
    try:
        stated = manifests.read(document.path, document.data, kind)
    except ManifestError as error:
        said = str(error).removeprefix(document.path).lstrip(": ")
        return (), f"no valid {kind}: {said}"
    return tuple(claim for claim in stated if claim.field in _STATED_INSIDE), None


_STATED_INSIDE = {"licence", "url", "citation", "upstream-sha256"}


def _unread(account: records.Account, reason: str | None) -> records.Account:
    """Count a licence or document inside an archive as not read where nobody makes claims of it."""
    if _of_data(account.path) or account.skip_reason is not None:
        return account
    if reason is None and not account.records:
        return account
    return replace(
        account,
        skip_reason=reason or "more licences and documents than are read of one archive",
        bytes_consumed=0,
        bytes_skipped=account.bytes,
        records=0,
        records_unreadable=0,
    )


def _account(path: str, reason: str) -> records.Account:
    return records.Account(path, None, 0, 0, 0, reason, 0, 0, None, ())


def items(file: File) -> Iterator[records.Item | Died]:
    """Read a file; a fault of a reader, which nobody foresaw, is said of the file and does not end the scan.

    Args:
        file: what to read.

    Yields:
        What `records.read` does; `Died` as the last thing where the reader failed.
    """
    try:
        yield from records.read(
            file.location, file.path, roles=records.overridden(file.views), head=file.head, apart=_apart
        )
    except ProvenanceError:
        raise
    except Exception as error:
        if memory.limited() and memory.caused(error):  # of this process, not of the file
            raise LimitExceeded(memory.too_little(str(error))) from error
        yield Died(f"{type(error).__name__}: {error}"[:300])


def _give_up(file: File, reason: str, open_: Mapping[str, _Open], seen: list[Seen], scratch: _Scratch) -> None:
    """Account for a file, and for the member that was being read, when its reader failed."""
    closed = {}
    for path, state in open_.items():
        account = replace(_account(path, f"its reader failed: {reason}"), records=state.rows)
        closed[path] = seen[state.number] = state.close(account, scratch)
    whole = lost(file, reason)
    if file.path in open_:
        state = open_[file.path]
        seen[state.number] = replace(closed[file.path], account=replace(whole.account, records=state.rows))
    else:
        seen.append(whole)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a thread made of a batch.

    Args:
        batch: the records.
        views: of each view NODES, the texts described that the bundle has not shown lately, and what a sketch may keep.
        observed: what detectors saw.
        leaves: of the record tree; None where none is made.
    """

    batch: pa.RecordBatch
    views: dict[str, tuple[pa.Table, near.Described, np.ndarray[Any, Any]]]
    observed: pa.Table
    leaves: np.ndarray[Any, Any] | None


def _look(
    batch: pa.RecordBatch,
    about: Mapping[str, Any],
    recent: Mapping[str, near.Recent],
    fold_chinese: bool,
    salting: trees.Salting | None,
) -> _Looked:
    columns = (batch[name] for name in (*VIEWS, "row"))
    cut = parts.shingled(*columns, fold_chinese=fold_chinese)
    views = {
        view: (each.nodes, near.describe(each, signed, recent[view].fresh(each.nodes)), sketches.sampled(each))
        for view, each, signed in zip(VIEWS, cut.views, parts.sign(cut), strict=True)
    }
    leaves = None if salting is None else salting.leaves(batch)
    return _Looked(batch, views, detectors.observe(batch, about), leaves)


class _Work:
    """Batches on their way through threads: no more than those that are worked on, and one that waits for each.

    What follows of them is done in the order of the files, the next ones being read meanwhile: a bundle may hold
    thousands of small ones.
    """

    def __init__(self, threads: ThreadPoolExecutor, bundle: Bundle, scratch: _Scratch) -> None:
        self._threads, self._most, self.scratch = threads, 2 * bundle.threads, scratch
        self._fold_chinese, self._secret = bundle.fold_chinese, bundle.secret
        self._recent = {view: near.Recent() for view in VIEWS}
        self._looking = 0
        self._then: deque[Callable[[], None]] = deque()

    def salting(self, path: str) -> trees.Salting | None:
        """Return what salts the record tree of a file, if one is made."""
        return None if self._secret is None else trees.Salting(self._secret, path)

    def begin(self, batch: pa.RecordBatch, state: _Open) -> None:
        """Hand a batch to a thread."""
        while self._looking >= self._most:
            self._then.popleft()()
        looked = self._threads.submit(_look, batch, state.about, self._recent, self._fold_chinese, state.salting)
        self._looking += 1
        self._then.append(partial(self._count, looked, state))

    def end(self, state: _Open, account: records.Account, seen: list[Seen]) -> None:
        """Close a file or member once all its batches are counted."""
        self._then.append(partial(self._close, state, account, seen))
        if not self._looking:
            self.finish()

    def finish(self) -> None:
        """Wait for everything."""
        while self._then:
            self._then.popleft()()

    def _count(self, looked: Future[_Looked], state: _Open) -> None:
        self._looking -= 1
        _count(looked.result(), state, self.scratch)

    def _close(self, state: _Open, account: records.Account, seen: list[Seen]) -> None:
        seen[state.number] = state.close(account, self.scratch)


def _count(looked: _Looked, state: _Open, scratch: _Scratch) -> None:
    batch = looked.batch
    if looked.leaves is not None:
        state.tree.add(looked.leaves)
    for view, (nodes, described, sampled) in looked.views.items():
        state.views[view] += nodes.num_rows
        if view == "whole":
            state.tokens += pc.sum(nodes["words"]).as_py() or 0
        if nodes.num_rows:
            scratch.share(view, state.number, nodes)
            scratch.describe(view, described)
            state.sketched[view].add(sampled)
    state.observed.append(looked.observed)
    if len(state.observed) >= _HELD:
        state.observed = [detectors.add(state.observed)]
    state.rows += len(batch)
    # a record with an error states nothing, and is counted elsewhere
    state.unlicensed += batch["error"].null_count - (len(batch) - batch["licence"].null_count)
    for name, held in state.stated.items():
        if batch[name].null_count < len(batch) and len(held) <= _STATED:
            for value in pc.unique(batch[name]).to_pylist():
                if value is not None and len(held) <= _STATED:
                    # the last place is for saying that there are more
                    held[value[:STATED] if len(held) < _STATED else f"more than {_STATED:,} different values"] = None


class _Scratch:
    """Where a bundle writes as it reads: MEMBERS, SETS and SKETCHED, one file each a view."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._open: dict[tuple[str, str], tuple[str, pa.OSFile, pa.RecordBatchFileWriter]] = {}
        self._hashes: dict[str, Shared] = {}

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        return self._of(_MEMBERS)

    @property
    def sets(self) -> tuple[tuple[str, str], ...]:
        return self._of(_SETS)

    @property
    def sketched(self) -> tuple[tuple[str, str], ...]:
        return self._of(_SKETCHES)

    def _of(self, kind: str) -> tuple[tuple[str, str], ...]:
        return tuple((view, path) for (view, held), (path, _, _) in sorted(self._open.items()) if held == kind)

    def share(self, view: str, number: int, nodes: pa.Table) -> None:
        """Write which texts a file's records have."""
        file = np.full(nodes.num_rows, number, np.int64)
        columns = [file, *(nodes[name] for name in ("row", "low", "high", "distinct"))]
        self._write(view, _MEMBERS, pa.table(columns, schema=exact.MEMBERS))

    def describe(self, view: str, described: near.Described) -> None:
        """Write the shingles of texts."""
        if len(described.keys):
            if view not in self._hashes:
                self._hashes[view] = Shared(hashes(Path(self._bundle.scratch), view), np.uint64)
            place = self._hashes[view].add(described.hashes)
            self._write(view, _SETS, described.at(place))

    def sketch(self, view: str, number: int, sketch: sketches.Sketch) -> None:
        """Write the sketch of a file, if there is anything in it."""
        if len(sketch.hashes):
            self._write(view, _SKETCHES, sketches.tabled(number, sketch))

    def _write(self, view: str, kind: str, table: pa.Table) -> None:
        self._writer(view, kind, table.schema).write_table(table)

    def _writer(self, view: str, kind: str, schema: pa.Schema) -> pa.RecordBatchFileWriter:
        if (view, kind) not in self._open:
            path = str(Path(self._bundle.scratch) / f"{view}-{kind}-{self._bundle.number:012d}.arrow")
            sink = pa.OSFile(path, "wb")
            self._open[view, kind] = (path, sink, pa.ipc.new_file(sink, schema))
        return self._open[view, kind][2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _path, sink, writer in self._open.values():
            writer.close()
            sink.close()
        for shared in self._hashes.values():
            shared.close()


def hashes(scratch: Path, view: str) -> Path:
    """Return the file of the hashes of all sets of a view.

    Args:
        scratch: folder for scratch files.
        view: one of model.VIEWS.
    """
    return scratch / f"{view}-hashes"


def alone(bundle: Bundle) -> Iterable[Bundle]:
    """Cut a bundle that took its process down into one bundle a file, to find the file that does it."""
    for place, file in enumerate(bundle.files):
        number = (bundle.number + 1) * 1_000_000 + place
        yield replace(bundle, number=number, files=(file,))


def lost(file: File, reason: str) -> Seen:
    """Return the account of a file whose reader failed, or took its process down.

    Args:
        file: the file.
        reason: in a few words.
    """
    account = records.account(file.location, file.path, file.format, f"its reader failed: {reason}")
    return Seen(account)
