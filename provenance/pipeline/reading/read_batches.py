"""Batches on their way through threads, many small files in one.

What a batch costs by itself (a call of every kernel and detector, a few tables) is a thousand times what one short
record costs. So the batches of files that follow each other are put together until they are worth that, looked at
together, and counted by file, in columns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance import detectors
from provenance.core.model import STATED, VIEWS, Claim
from provenance.readers.records import record_trees
from provenance.similarity.candidates import near_pairs, view_signatures
from provenance.similarity.index import source_sketches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from provenance.pipeline.reading.file_bundles import FileBundle
    from provenance.pipeline.reading.record_identities import ScratchFiles
    from provenance.readers.records import Account
    from provenance.similarity.text.shingle_sets import Hashes
    from provenance.sources.read_results import Ints, Register

GROUP_BYTES = 1 << 20
"""Bytes of batches that are looked at together; a larger batch is looked at by itself."""

LARGE = 16 << 20
"""Bytes of batches that are looked at before anything else is read: a long record stands in memory several times."""

GROUP_FILES = 4096
"""Batches that are looked at together, and files that are closed after them, at most."""

_MOST_STATEMENTS = 1000  # different values of a licence or of an origin column that are kept of one file


@dataclass(slots=True)
class OpenFile:
    """A file or member of which batches may still come.

    Args:
        number: in its bundle.
        path: as in FILES.
        file: what detectors may ask of it.
        role: of a member.
        claims: what it states as a licence or document.
        reason: why it was not read as one.
        by_column: whether its batches are not all looked at together.
        refused: its records that would take too much memory to compare.
        refused_bytes: bytes of their text.
    """

    number: int
    path: str
    file: Mapping[str, Any]
    role: str | None = None
    claims: tuple[Claim, ...] = ()
    reason: str | None = None
    by_column: bool = False
    refused: int = 0
    refused_bytes: int = 0
    tree: record_trees.RecordTreeBuilder | None = None
    sketched: dict[str, source_sketches.SketchBuilder] = field(default_factory=dict)
    statements: dict[str, dict[str, None]] = field(default_factory=dict)

    def sketch(self, view: str, hashes: Hashes) -> None:
        """Add to the sketch of a view."""
        if view not in self.sketched:
            self.sketched[view] = source_sketches.SketchBuilder()
        self.sketched[view].add(hashes)

    def close(self, account: Account, register: Register, scratch: ScratchFiles) -> None:
        """Enter what was counted of it, all of its batches being counted."""
        for view, grown in self.sketched.items():
            scratch.sketch(view, source_sketches.to_row(self.number, grown.close()))
        if account.unread:
            register.observe(detectors.name_unread(self.number, account.records, account.unread))
        stated = [(name, value) for name in ("licence", "origin") for value in self.statements.get(name, ())]
        root = None if self.tree is None else self.tree.compute_root()
        register.close(self.number, account, role=self.role, root=root, stated=stated, claims=self.claims)


_ROW_OVERHEAD = 64  # bytes that a record costs beside its text, about


def _estimate_bytes(batch: pa.RecordBatch) -> int:
    """Return the bytes of a batch, about: to add up all of its buffers takes longer than to read a short record."""
    sizes = [text.size for name in ("whole", "aside") if (text := batch[name].buffers()[2]) is not None]
    return _ROW_OVERHEAD * len(batch) + int(sum(sizes))


@dataclass(slots=True)
class _Group:
    """Batches that are looked at together, and the files that are closed once they are counted."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    states: list[OpenFile] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    closed: list[tuple[OpenFile, Account]] = field(default_factory=list)
    bytes: int = 0

    def add(self, batch: pa.RecordBatch, state: OpenFile) -> None:
        """Add a batch of the last file, or of one that follows it."""
        if not self.states or self.states[-1] is not state:
            self.states.append(state)
            self.sizes.append(0)
        self.sizes[-1] += len(batch)
        self.batches.append(batch)
        self.bytes += _estimate_bytes(batch)


@dataclass(frozen=True, slots=True)
class _DescribedView:
    """One view of some records: whose texts, described; and what sketches may keep of them, by place of their file."""

    nodes: pa.Table
    places: Ints
    described: near_pairs.DescribedTexts
    hashes: Hashes
    files: Ints


@dataclass(frozen=True, slots=True)
class _BatchResult:
    """What a thread made of some batches.

    Args:
        batch: the records.
        files: of each record the place of its file in the group.
        views: by name; of long records each is made when it is asked for, the one before it being counted.
        observed: what detectors saw, detectors.BY_FILE.
        leaves: of record trees; None where none are made.
    """

    batch: pa.RecordBatch
    files: Ints
    views: Iterable[tuple[str, _DescribedView]]
    observed: pa.Table
    leaves: Any | None


def _describe_views(
    batch: pa.RecordBatch, files: Ints, recent: Mapping[str, near_pairs.RecentTexts], fold_chinese: bool
) -> Iterable[tuple[str, _DescribedView]]:
    """Describe the views of some records, one after the other where they are long."""
    places = pa.array(np.arange(len(batch)))  # in place of row numbers, which many files share
    columns = (*(batch[name] for name in VIEWS), places)
    cut = view_signatures.cut_and_sign(*columns, fold_chinese=fold_chinese)
    for view in VIEWS:  # zip would hold what it gave last while the next is made
        each, signed = next(cut)
        described = near_pairs.describe_texts(each, signed, recent[view].select_new(each.nodes))
        hashes, counts = source_sketches.sample_hashes(each)
        at = np.asarray(each.nodes["row"])
        yield view, _DescribedView(each.nodes, at, described, hashes, np.repeat(files[at], counts))
        del each, signed, described, hashes


def _describe_group(
    group: _Group, recent: Mapping[str, near_pairs.RecentTexts], fold_chinese: bool, secret: bytes | None
) -> _BatchResult:
    batch = group.batches[0] if len(group.batches) == 1 else pa.concat_batches(group.batches)
    files = np.repeat(np.arange(len(group.sizes)), group.sizes)
    views = _describe_views(batch, files, recent, fold_chinese)
    if group.bytes <= LARGE:
        views = list(views)
    leaves = None
    if secret is not None:
        leaves = record_trees.hash_leaves(
            secret, [state.path for state in group.states], np.cumsum([0, *group.sizes]), batch
        )
    return _BatchResult(batch, files, views, detectors.observe(batch, group.states[0].file, files), leaves)


class BatchWork:
    """Batches on their way through threads: no more groups than those that are worked on, and one that waits for each.

    What follows of them is done in the order of the files, the next ones being read meanwhile.

    Args:
        threads: that work.
        bundle: what is read.
        register: gains what is counted.
        scratch: gains the identities of records.
    """

    def __init__(
        self, threads: ThreadPoolExecutor, bundle: FileBundle, register: Register, scratch: ScratchFiles
    ) -> None:
        self._threads, self._most = threads, 2 * bundle.threads
        self._fold_chinese, self._secret = bundle.fold_chinese, bundle.secret
        self._register, self._scratch = register, scratch
        self._recent = {view: near_pairs.RecentTexts() for view in VIEWS}
        self._group = _Group()
        self._looking = 0
        self._then: deque[Callable[[], None]] = deque()

    def begin(self, batch: pa.RecordBatch, state: OpenFile) -> None:
        """Take a batch of a file."""
        group = self._group
        if group.states and (
            group.states[0].file is not state.file or group.bytes + _estimate_bytes(batch) > GROUP_BYTES
        ):
            self._submit()
        self._group.add(batch, state)
        self._keep_small()

    def end(self, state: OpenFile, account: Account) -> None:
        """Close a file or member once all its batches are counted."""
        self._group.closed.append((state, account))
        self._keep_small()

    def finish(self) -> None:
        """Wait for everything."""
        self._submit()
        while self._then:
            self._then.popleft()()

    def _keep_small(self) -> None:
        group = self._group
        if group.bytes > GROUP_BYTES or len(group.batches) >= GROUP_FILES or len(group.closed) >= GROUP_FILES:
            self._submit()

    def _submit(self) -> None:
        """Give the group that was gathered to a thread."""
        group, self._group = self._group, _Group()
        if group.states:
            closed = {id(state) for state, _ in group.closed}
            for state in group.states:
                state.by_column = state.by_column or id(state) not in closed
            while self._looking >= self._most:
                self._then.popleft()()
            looked = self._threads.submit(_describe_group, group, self._recent, self._fold_chinese, self._secret)
            self._looking += 1
            self._then.append(partial(self._count_result, looked, group))
        self._then.append(partial(self._close_files, group))
        while self._then and (not self._looking or group.bytes > LARGE):
            self._then.popleft()()

    def _count_result(self, looked: Future[_BatchResult], group: _Group) -> None:
        self._looking -= 1
        _count_by_file(looked.result(), group.states, self._register, self._scratch)

    def _close_files(self, group: _Group) -> None:
        for state, account in group.closed:
            state.close(account, self._register, self._scratch)


def _count_by_file(result: _BatchResult, states: list[OpenFile], register: Register, scratch: ScratchFiles) -> None:
    """Count by file what was seen in a group."""
    batch, files = result.batch, result.files
    numbers = np.array([state.number for state in states], np.int64)
    ends = np.searchsorted(files, np.arange(len(states) + 1))
    if result.leaves is not None:
        for place, state in enumerate(states):
            state.tree = state.tree or record_trees.RecordTreeBuilder()
            state.tree.add_leaves(result.leaves[ends[place] : ends[place + 1]])
    for view, each in result.views:
        _count_view(view, each, result, states, numbers, register, scratch)
        del each
    if result.observed.num_rows:
        whose = pa.array(numbers[np.asarray(result.observed["file"])])
        register.observe(result.observed.set_column(0, detectors.BY_FILE.field(0), whose))
    register.add("rows", numbers, np.diff(ends))
    # a record with an error states nothing, and is counted elsewhere
    without_words = _count_nulls(batch["error"]).astype(np.int64) - ~_count_nulls(batch["licence"])
    register.add("unlicensed", numbers, np.add.reduceat(without_words, ends[:-1]))
    for name in ("licence", "origin"):
        _collect_values(name, batch[name], files, states)


def _count_view(
    view: str,
    described: _DescribedView,
    result: _BatchResult,
    states: list[OpenFile],
    numbers: Ints,
    register: Register,
    scratch: ScratchFiles,
) -> None:
    if not described.nodes.num_rows:
        return
    files = result.files[described.places]
    register.add(view, numbers, np.bincount(files, minlength=len(states)))
    if view == "whole":
        words = np.zeros(len(states), np.int64)
        np.add.at(words, files, np.asarray(described.nodes["words"]))
        register.add("tokens", numbers, words)
    scratch.share(view, numbers[files], np.asarray(result.batch["row"])[described.places], described.nodes)
    scratch.describe(view, described.described)
    divided = np.array([state.by_column for state in states])
    for place in np.flatnonzero(divided):  # the first and the last of a group at most
        states[place].sketch(view, described.hashes[described.files == place])
    whole = ~divided[described.files]
    scratch.sketch(view, source_sketches.to_rows(numbers[described.files[whole]], described.hashes[whole]))


def _count_nulls(column: pa.Array) -> Any:
    return column.is_null().to_numpy(zero_copy_only=False)


def _collect_values(name: str, column: pa.Array, files: Ints, states: list[OpenFile]) -> None:
    """Keep the different values of a column, file by file, in the order in which they come."""
    present = np.flatnonzero(~_count_nulls(column)) if column.null_count < len(column) else ()
    if not len(present):
        return
    values = column.take(pa.array(present)).dictionary_encode()
    pairs = files[present] * len(values.dictionary) + np.asarray(values.indices)
    _, first = np.unique(pairs, return_index=True)
    for file, pair in zip(files[present][np.sort(first)].tolist(), pairs[np.sort(first)].tolist(), strict=True):
        values_of_file = states[file].statements.setdefault(name, {})
        if len(values_of_file) <= _MOST_STATEMENTS:
            value = values.dictionary[pair % len(values.dictionary)].as_py()
            # the last place is for saying that there are more
            values_of_file[
                value[:STATED]
                if len(values_of_file) < _MOST_STATEMENTS
                else f"more than {_MOST_STATEMENTS:,} different values"
            ] = None
