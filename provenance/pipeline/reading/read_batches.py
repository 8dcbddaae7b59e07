"""Batches on their way through threads, many small files in one.

What a batch costs by itself (a call of every kernel and detector, a few tables) is a thousand times what one short
record costs. So the batches of files that follow each other are put together until they are worth that, looked at
together, and counted by file, in columns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance import detectors
from provenance.core.model import FIELD, STATED, VIEWS, Claim
from provenance.licences.text_notices import find_text_notices
from provenance.pipeline.reading import field_texts
from provenance.readers.records import record_trees
from provenance.similarity.candidates import distinct_texts, near_pairs, view_signatures
from provenance.similarity.index import source_sketches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from provenance.pipeline.reading.file_bundles import FileBundle
    from provenance.pipeline.reading.record_identities import ScratchFiles
    from provenance.readers.records import Account, FileRun
    from provenance.similarity.text.shingle_sets import Hashes
    from provenance.sources.read_results import Ints, Register

GROUP_BYTES = 1 << 20
"""Bytes of batches that are looked at together; a larger batch is looked at by itself."""

LARGE = 16 << 20
"""Bytes of batches that are looked at before anything else is read: a long record stands in memory several times."""

GROUP_FILES = 4096
"""Batches that are looked at together, and files that are closed after them, at most."""

_STATED = ("licence", "origin")  # columns of which different values are kept
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
        stated = [(name, value) for name in _STATED for value in self.statements.get(name, ())]
        root = None if self.tree is None else self.tree.compute_root()
        register.close(self.number, account, role=self.role, root=root, stated=stated, claims=self.claims)


_ROW_OVERHEAD = 64  # bytes that a record costs beside its text, about


def _estimate_bytes(batch: pa.RecordBatch) -> int:
    """Return the bytes of a batch, about: to add up all of its buffers takes longer than to read a short record."""
    sizes = [text.size for name in ("whole", "aside") if (text := batch[name].buffers()[2]) is not None]
    return _ROW_OVERHEAD * len(batch) + int(sum(sizes))


@dataclass(frozen=True, slots=True)
class _WholeFiles:
    """Files of a group that were read together.

    Args:
        numbers: in their bundle.
        accounts: ACCOUNTS of them.
        role: of members.
        first: place in the group of the first of them that holds records.
        end: place behind the last.
    """

    numbers: Ints
    accounts: pa.Table
    role: str | None
    first: int
    end: int


@dataclass(slots=True)
class _Group:
    """Batches that are looked at together, and the files that are closed once they are counted.

    Args:
        about: what detectors may ask of all of its files.
        batches: records, file by file.
        numbers: of the files that have records here, in their bundle.
        paths: theirs.
        sizes: how many records they have here.
        open: those of which more batches may come or have come, by place in the group.
        closed: what is closed after them.
        files: how many files that is.
        bytes: of the batches, about.
        roots: of record trees of files that were read whole, by number.
        statements: values of licence and origin columns of such files, by place.
    """

    about: Mapping[str, Any] | None = None
    batches: list[pa.RecordBatch] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    open: dict[int, OpenFile] = field(default_factory=dict)
    closed: list[tuple[OpenFile, Account] | _WholeFiles] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    roots: dict[int, str | None] = field(default_factory=dict)
    statements: dict[int, dict[str, dict[str, None]]] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch, state: OpenFile) -> None:
        """Add a batch of the last file, or of one that follows it."""
        last = len(self.sizes) - 1
        if self.open.get(last) is not state:
            last += 1
            self.open[last] = state
            self.numbers.append(state.number)
            self.paths.append(state.path)
            self.sizes.append(0)
        self.sizes[last] += len(batch)
        self._take(batch, state.file)

    def add_whole(self, run: FileRun, numbers: Ints, role: str | None, about: Mapping[str, Any]) -> None:
        """Add files that were read together."""
        first, filled = len(self.sizes), run.counts > 0
        if filled.any():
            self.numbers += numbers[filled].tolist()
            self.paths += run.accounts["path"].filter(pa.array(filled)).to_pylist()
            self.sizes += run.counts[filled].tolist()
            self._take(run.table, about)
        self.closed.append(_WholeFiles(numbers, run.accounts, role, first, len(self.sizes)))
        self.files += len(numbers)

    def _take(self, batch: pa.RecordBatch, about: Mapping[str, Any]) -> None:
        self.about = about
        self.batches.append(batch)
        self.bytes += _estimate_bytes(batch)

    def statements_of(self, place: int) -> dict[str, dict[str, None]]:
        """Return the values of licence and origin columns of a file, by column, to add to."""
        return self.open[place].statements if place in self.open else self.statements.setdefault(place, {})


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
        fields: texts of columns; None where there are none.
    """

    batch: pa.RecordBatch
    files: Ints
    views: Iterable[tuple[str, _DescribedView]]
    observed: pa.Table
    leaves: Any | None
    fields: field_texts.FieldTexts | None = None


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
        leaves = record_trees.hash_leaves(secret, group.paths, np.cumsum([0, *group.sizes]), batch)
    about = group.about if group.about is not None else detectors.NOTHING_KNOWN
    fields = field_texts.describe_fields(batch, recent[FIELD], fold_chinese=fold_chinese)
    return _BatchResult(batch, files, views, detectors.observe(batch, about, files), leaves, fields)


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
        self._recent = {view: near_pairs.RecentTexts() for view in (*VIEWS, FIELD)}
        self._group = _Group()
        self._looking = 0
        self._then: deque[Callable[[], None]] = deque()

    def begin(self, batch: pa.RecordBatch, state: OpenFile) -> None:
        """Take a batch of a file."""
        self._make_room(_estimate_bytes(batch), state.file)
        self._group.add(batch, state)
        self._keep_small()

    def take(self, run: FileRun, about: Mapping[str, Any], role: str | None) -> None:
        """Take files that were read together, and close them.

        Args:
            run: what was read.
            about: what detectors may ask of them.
            role: of all of them, where they are members of an archive.
        """
        self._make_room(_estimate_bytes(run.table), about)
        self._group.add_whole(run, self._register.enter_many(len(run.counts)), role, about)
        self._keep_small()

    def end(self, state: OpenFile, account: Account) -> None:
        """Close a file or member once all its batches are counted."""
        self._group.closed.append((state, account))
        self._group.files += 1
        self._keep_small()

    def finish(self) -> None:
        """Wait for everything."""
        self._submit()
        while self._then:
            self._then.popleft()()

    def _make_room(self, size: int, about: Mapping[str, Any]) -> None:
        """Begin another group where so many bytes more would be too many, or something else is known of their file."""
        group = self._group
        if group.batches and (group.about is not about or group.bytes + size > GROUP_BYTES):
            self._submit()

    def _keep_small(self) -> None:
        group = self._group
        if group.bytes > GROUP_BYTES or len(group.batches) >= GROUP_FILES or group.files >= GROUP_FILES:
            self._submit()

    def _submit(self) -> None:
        """Give the group that was gathered to a thread."""
        group, self._group = self._group, _Group()
        if group.batches:
            closed = {id(each[0]) for each in group.closed if not isinstance(each, _WholeFiles)}
            for state in group.open.values():
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
        _count_by_file(looked.result(), group, self._register, self._scratch)

    def _close_files(self, group: _Group) -> None:
        for each in group.closed:
            if isinstance(each, _WholeFiles):
                _close_whole(each, group, self._register)
            else:
                each[0].close(each[1], self._register, self._scratch)


def _close_whole(whole: _WholeFiles, group: _Group, register: Register) -> None:
    places = [place for place in range(whole.first, whole.end) if place in group.statements] if group.statements else []
    stated = [
        (group.numbers[place], name, value)
        for place in places
        for name in _STATED
        for value in group.statements[place].get(name, ())
    ]
    register.close_many(whole.numbers, whole.accounts, role=whole.role, roots=group.roots, stated=stated)


def _count_by_file(result: _BatchResult, group: _Group, register: Register, scratch: ScratchFiles) -> None:
    """Count by file what was seen in a group."""
    batch, files = result.batch, result.files
    numbers = np.array(group.numbers, np.int64)
    ends = np.searchsorted(files, np.arange(len(numbers) + 1))
    if result.leaves is not None:
        for place in range(len(numbers)):
            _add_leaves(group, place, result.leaves[ends[place] : ends[place + 1]])
    if isinstance(result.views, list):
        scratch.describe({view: each.described for view, each in result.views}, len(batch))
    for view, each in result.views:
        if not isinstance(result.views, list):  # of long records each view is stored by itself
            scratch.describe({view: each.described}, len(batch))
        _count_view(view, each, result, group, numbers, register, scratch)
        del each
    _count_fields(result, numbers, register, scratch)
    if result.observed.num_rows:
        whose = pa.array(numbers[np.asarray(result.observed["file"])])
        register.observe(result.observed.set_column(0, detectors.BY_FILE.field(0), whose))
    register.add("rows", numbers, np.diff(ends))
    # a record with an error states nothing, and is counted elsewhere
    notices = list(find_text_notices(batch))
    stated = reduce(np.logical_or, (~_count_nulls(each) for each in (batch["licence"], *notices)))
    without_words = _count_nulls(batch["error"]) & ~stated
    register.add("unlicensed", numbers, np.add.reduceat(without_words.astype(np.int64), ends[:-1]))
    for name in _STATED:
        _collect_values(name, batch[name], files, group)
    for each in notices:
        _collect_values("licence", each, files, group)


def _add_leaves(group: _Group, place: int, leaves: Any) -> None:
    """Add the leaves of some records to the tree of their file."""
    state = group.open.get(place)
    tree = (state.tree if state is not None else None) or record_trees.RecordTreeBuilder()
    tree.add_leaves(leaves)
    if state is not None:
        state.tree = tree
    else:
        group.roots[group.numbers[place]] = tree.compute_root()


def _count_view(
    view: str,
    described: _DescribedView,
    result: _BatchResult,
    group: _Group,
    numbers: Ints,
    register: Register,
    scratch: ScratchFiles,
) -> None:
    if not described.nodes.num_rows:
        return
    files = result.files[described.places]
    register.add(view, numbers, np.bincount(files, minlength=len(numbers)))
    if view == "whole":
        words = np.zeros(len(numbers), np.int64)
        np.add.at(words, files, np.asarray(described.nodes["words"]))
        register.add("tokens", numbers, words)
    scratch.share(view, numbers[files], np.asarray(result.batch["row"])[described.places], described.nodes)
    divided = np.zeros(len(numbers), np.bool_)
    for place, state in group.open.items():
        if state.by_column:  # the first and the last of a group at most
            divided[place] = True
            state.sketch(view, described.hashes[described.files == place])
    whole = ~divided[described.files]
    scratch.sketch(view, source_sketches.to_rows(numbers[described.files[whole]], described.hashes[whole]))


def _count_fields(result: _BatchResult, numbers: Ints, register: Register, scratch: ScratchFiles) -> None:
    """Write the texts of columns, and count those that are not compared."""
    short = np.bincount(result.files, result.batch["short_fields"].fill_null(0).to_numpy(), len(numbers))
    if (fields := result.fields) is not None:
        short += np.bincount(result.files[fields.short], minlength=len(numbers))
        record = fields.nodes["row"].to_numpy()
        column = scratch.columns.number(fields.names)[fields.columns]
        rows = result.batch["row"].to_numpy()[record] | column << distinct_texts.ROW_BITS
        scratch.share(FIELD, numbers[result.files[record]], rows, fields.nodes)
        scratch.describe({FIELD: fields.described}, fields.count)
    if short.any():
        register.add("short_fields", numbers, short.astype(np.int64))


def _count_nulls(column: pa.Array) -> Any:
    return column.is_null().to_numpy(zero_copy_only=False)


def _collect_values(name: str, column: pa.Array, files: Ints, group: _Group) -> None:
    """Keep the different values of a column, file by file, in the order in which they come."""
    present = np.flatnonzero(~_count_nulls(column)) if column.null_count < len(column) else ()
    if not len(present):
        return
    values = column.take(pa.array(present)).dictionary_encode()
    pairs = files[present] * len(values.dictionary) + np.asarray(values.indices)
    _, first = np.unique(pairs, return_index=True)
    for file, pair in zip(files[present][np.sort(first)].tolist(), pairs[np.sort(first)].tolist(), strict=True):
        values_of_file = group.statements_of(file).setdefault(name, {})
        if len(values_of_file) <= _MOST_STATEMENTS:
            value = values.dictionary[pair % len(values.dictionary)].as_py()
            # the last place is for saying that there are more
            values_of_file[
                value[:STATED]
                if len(values_of_file) < _MOST_STATEMENTS
                else f"more than {_MOST_STATEMENTS:,} different values"
            ] = None
