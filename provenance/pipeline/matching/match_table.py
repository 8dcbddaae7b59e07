"""From rows of matches to MATCHES and to what checks read of it, a partition of records at a time.

`write_matches` puts a partition in order, counts it as evidence and names it; `count_texts` counts the distinct texts
of all partitions, a part of them at a time. The parent adds up counts, and maps the files.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core import schemas
from provenance.core.model import METHODS, VIEWS
from provenance.core.scratch.external_sort import Ordering
from provenance.core.scratch.mapped_tables import map_table
from provenance.core.scratch.partitions import (
    PartitionWriter,
    gather_partitions,
    partition_of_hashes,
    read_pieces,
    remove_files,
)
from provenance.pipeline.matching import view_counts
from provenance.pipeline.matching.match_plan import require_results
from provenance.pipeline.matching.match_rows import MATCH_ROWS, unpack_kinds
from provenance.similarity.candidates import set_overlap
from provenance.similarity.evidence import match_counts
from provenance.similarity.evidence.evidence_rules import EvidenceRules, FileCode, load_rules
from provenance.similarity.evidence.evidence_tables import make_evidence_tables
from provenance.similarity.evidence.match_counts import TEXTS, MatchRows
from provenance.similarity.evidence.match_kinds import AROUND, BETWEEN, EXACT, INSIDE, NEAR
from provenance.similarity.evidence.split_leaks import find_covering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provenance.core.scratch.partitions import DealtFiles, Partition
    from provenance.pipeline.matching.across_tasks import ViewNames
    from provenance.pipeline.matching.match_rows import RecordOrder

Ints = npt.NDArray[np.int64]

_MEMORY_SHARE = 0.25  # of the budget, for rows that are put in order
_MOST_TEXT_PARTITIONS = 64  # of which every partition of matches writes one file each
_ROWS_PER_CHUNK = 1 << 16  # rows of MATCHES that are written at a time
ACROSS = "across"
"""What the files of matches between views are called."""

_GROUPS = (*VIEWS, ACROSS)
_ROW = np.dtype([(field.name, field.type.to_pandas_dtype()) for field in MATCH_ROWS])
_TEXTS = pa.schema([pa.field("text", pa.uint64(), nullable=False), pa.field("group", pa.int64(), nullable=False)])


@dataclass(frozen=True, slots=True)
class MatchTask:
    """One partition of the matches.

    Args:
        partition: its files of MATCH_ROWS.
        folder: where MATCHES is written.
        order: of records.
        rules: the folder of the rules by which matches are counted.
        views: all views by number.
    """

    partition: Partition
    folder: str
    order: RecordOrder
    rules: str
    views: ViewNames


@dataclass(frozen=True, slots=True)
class WrittenMatches:
    """What a partition says.

    Args:
        number: of the partition.
        files: MATCHES of each view that it holds, in the order in which it is sealed; by ACROSS those between views.
        counts: COUNTS.
        texts: the files that its texts were dealt to.
        across: how many records matched between views.
    """

    number: int
    files: dict[str, str]
    counts: pa.Table
    texts: DealtFiles
    across: view_counts.AcrossCounts


def write_matches(task: MatchTask) -> WrittenMatches:
    """Put a partition in order, count it as evidence, and put names on it.

    Args:
        task: what to read, and where to write.

    Returns:
        Files and counts; its texts are for `count_texts`.
    """
    folder, rules, number = Path(task.folder), load_rules(Path(task.rules)), task.partition.number
    counter, writers = match_counts.MatchCounter(rules), _ViewWriters(folder, number, rules, task.views)
    across = view_counts.AcrossCounter(rules.codes[FileCode.SOURCE], task.views)
    count = min(_MOST_TEXT_PARTITIONS, 1 << (task.order.count - 1).bit_length())
    texts = PartitionWriter(folder, f"texts-{number}", _TEXTS, count)
    for rows in _order_rows(task):
        kept = rows.select(np.flatnonzero(rows.is_within | across.add(rows.by_record, rows.view_b, rows.jaccard)))
        view = np.where(kept.is_within, kept.by_record.view, BETWEEN)
        found = counter.add(kept.by_record._replace(view=view))
        texts.add([found["text"], found["group"]], partition_of_hashes(found["text"], count))
        writers.add(kept)
    return WrittenMatches(number, writers.close(), counter.total(), texts.close(), across.total())


@dataclass(frozen=True, slots=True)
class _Rows:
    """Matches in order, and what of them is not counted."""

    by_record: MatchRows
    view_b: Ints
    distinct_a: Ints
    distinct_b: Ints

    @property
    def jaccard(self) -> npt.NDArray[np.float64]:
        """Of the two sets of each."""
        shared = self.by_record.shared
        value: npt.NDArray[np.float64] = shared / (self.distinct_a + self.distinct_b - shared)
        return value

    @property
    def is_within(self) -> npt.NDArray[np.bool_]:
        """Which are of one of model.VIEWS and the same one of b."""
        within: npt.NDArray[np.bool_] = (self.view_b == self.by_record.view) & (self.view_b < len(VIEWS))
        return within

    def select(self, some: Ints) -> _Rows:
        """Return some of them."""
        others = (self.view_b, self.distinct_a, self.distinct_b)
        return _Rows(MatchRows(*(column[some] for column in self.by_record)), *(each[some] for each in others))


def _order_rows(task: MatchTask) -> Iterator[_Rows]:
    """Bring matches together in the order of record, view, other file and view there."""
    number = task.partition.number
    bits = task.order.count_bits(number)
    ordered = Ordering(Path(task.folder), f"ordered-{number}", _ROW, share=_MEMORY_SHARE, bits=bits)
    for batch in read_pieces(task.partition):
        ordered.add(_make_rows(batch, _ROW))
    for part in ordered:
        if not len(part):
            continue
        keys, file_b = part["key"], part["file_b"].astype(np.int64)
        view, view_b, exact = unpack_kinds(part["kind"].astype(np.int64))
        order = _order_within_records(keys.copy(), view << 47 | file_b << 15 | view_b)
        file_a, row_a = task.order.read_keys(keys)
        shared, distinct_a, distinct_b, distinctive = (
            part[name].astype(np.int64)[order] for name in ("shared", "distinct_a", "distinct_b", "distinctive")
        )
        is_near = set_overlap.is_near(shared, distinct_a, distinct_b)
        method = np.where(is_near, NEAR, np.where(distinct_a < distinct_b, INSIDE, AROUND))
        method[exact[order]] = EXACT
        covers = find_covering(distinct_a, distinct_b)
        by_record = MatchRows(
            view[order],
            method,
            file_a[order],
            row_a[order],
            file_b[order],
            part["row_b"][order],
            distinctive,
            shared,
            covers,
        )
        yield _Rows(by_record, view_b[order], distinct_a, distinct_b)


def _make_rows(batch: pa.RecordBatch, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Make rows of columns."""
    rows = np.empty(len(batch), dtype)
    for name in batch.schema.names:
        rows[name] = batch[name].to_numpy()
    return rows


@njit(nogil=True, cache=True)
def _order_within_records(key: Any, minor: Any) -> Any:
    """Order rows of equal keys, which stand together, by another number (Shell's sort: most keys have a few rows)."""
    order = np.arange(key.shape[0])
    begin = 0
    while begin < key.shape[0]:
        end = begin + 1
        while end < key.shape[0] and key[end] == key[begin]:
            end += 1
        gap = 1
        while gap < (end - begin) // 3:
            gap = 3 * gap + 1
        while gap > 0:
            for place in range(begin + gap, end):
                row, at = order[place], place
                while at - gap >= begin and minor[order[at - gap]] > minor[row]:
                    order[at] = order[at - gap]
                    at -= gap
                order[at] = row
            gap //= 3
        begin = end
    return order


class _ViewWriters:
    """Files of MATCHES of one partition, a view each; rows are written in chunks of one size, whatever the parts.

    The same rows are the same file.
    """

    def __init__(self, folder: Path, number: int, rules: EvidenceRules, views: ViewNames) -> None:
        self._folder, self._number, self._rules = folder, number, rules
        self._names = pa.array(views.names)
        self._waiting: dict[int, list[Ints]] = defaultdict(list)
        self._writers: dict[int, Any] = {}

    def add(self, rows: _Rows) -> None:
        """Write some rows."""
        columns = np.stack([*rows.by_record, rows.view_b, rows.distinct_a, rows.distinct_b])
        group = np.where(rows.is_within, rows.view_b, len(VIEWS))
        for view in np.unique(group).tolist():
            self._waiting[view].append(columns[:, group == view])
            if sum(part.shape[1] for part in self._waiting[view]) >= _ROWS_PER_CHUNK:
                self._write(view, last=False)

    def _write(self, view: int, *, last: bool) -> None:
        columns = np.concatenate(self._waiting[view], axis=1)
        end = columns.shape[1] if last else columns.shape[1] // _ROWS_PER_CHUNK * _ROWS_PER_CHUNK
        if view not in self._writers:
            self._writers[view] = pa.ipc.new_file(self._path(view), schemas.MATCHES)
        for at in range(0, end, _ROWS_PER_CHUNK):
            some = columns[:, at : min(at + _ROWS_PER_CHUNK, end)]
            self._writers[view].write_table(_make_matches(some, self._rules, self._names))
        self._waiting[view] = [columns[:, end:].copy()]

    def _path(self, view: int) -> str:
        return str(self._folder / f"matches-{_GROUPS[view]}-{self._number}")

    def close(self) -> dict[str, str]:
        """Write what waits; return the files by view."""
        for view in list(self._waiting):
            self._write(view, last=True)
            self._writers[view].close()
        return {_GROUPS[view]: self._path(view) for view in self._writers}


def _make_matches(columns: Ints, rules: EvidenceRules, names: pa.Array) -> pa.Table:
    """Make MATCHES of some rows."""
    view, method, a, row_a, b, row_b, distinctive, shared, _, view_b, distinct_a, distinct_b = columns
    source = rules.codes[0]
    made: dict[str, Any] = {
        "view": names.take(pa.array(view)),
        "view_b": names.take(pa.array(view_b)),
        "source_a": rules.sources.take(pa.array(source[a])),
        "path_a": rules.paths.take(pa.array(a)),
        "row_a": row_a,
        "source_b": rules.sources.take(pa.array(source[b])),
        "path_b": rules.paths.take(pa.array(b)),
        "row_b": row_b,
        "jaccard": shared / (distinct_a + distinct_b - shared),
        "shared": shared,
        "distinct_a": distinct_a,
        "distinct_b": distinct_b,
        "method": pa.array(METHODS).take(pa.array(np.minimum(method, INSIDE))),
        "distinctive": distinctive,
        # where it stands is found later, of what findings quote, see `quoted_spans`
        "start_b": pa.nulls(len(a), pa.int64()),
        "stop_b": pa.nulls(len(a), pa.int64()),
    }
    return schemas.conform(pa.table(made), schemas.MATCHES)


@dataclass(frozen=True, slots=True)
class TextTask:
    """Some of the texts of all matches.

    Args:
        partition: their files.
        folder: where they are put in order.
    """

    partition: Partition
    folder: str


def count_texts(task: TextTask) -> Ints:
    """Count distinct texts by what they are counted for.

    Args:
        task: which of them.

    Returns:
        int64[2, n]: groups, see `match_kinds.pack_group`, and how many texts each has.
    """
    folder = Path(task.folder) / f"texts-of-{task.partition.number}"
    folder.mkdir(exist_ok=True)
    texts = (_make_rows(batch, TEXTS) for batch in read_pieces(task.partition))
    return np.stack(match_counts.count_texts(texts, folder))


def make_match_tables(
    partitions: Sequence[Partition],
    order: RecordOrder,
    rules: EvidenceRules,
    overlaps: pa.Table,
    *,
    views: ViewNames,
    scratch: Path,
    run: Callable[..., Iterator[tuple[int, Any]]],
) -> tuple[pa.Table, view_counts.AcrossCounts, dict[str, pa.Table]]:
    """Make MATCHES, and what checks read of it.

    Args:
        partitions: of MATCH_ROWS.
        order: of records.
        rules: by which matches are evidence; files have the numbers of the order.
        overlaps: OVERLAPS of views with themselves.
        views: all views by number.
        scratch: where matches are.
        run: `map` of an engine.

    Returns:
        MATCHES in the order in which it is sealed, as files that are mapped: view by view, and behind them the matches
        between views; how many records those are; the tables of evidence_schemas.COUNTED.
    """
    where = rules.save(scratch / "rules")
    tasks = [MatchTask(partition, str(scratch), order, where, views) for partition in partitions]
    written = sorted(require_results(result for _, result in run(write_matches, tasks)), key=lambda part: part.number)
    remove_files(partitions)
    text_tasks = [TextTask(part, str(scratch)) for part in gather_partitions(part.texts for part in written)]
    counted = require_results(result for _, result in run(count_texts, text_tasks))
    texts = match_counts.add_texts(np.concatenate([np.zeros((2, 0), np.int64), *counted], axis=1))
    counts = match_counts.add_counts(part.counts for part in written)
    files = [Path(part.files[view]) for view in _GROUPS for part in written if view in part.files]
    matches = pa.concat_tables([schemas.empty(schemas.MATCHES), *map(map_table, files)])
    across = view_counts.add_counts(part.across for part in written)
    return matches, across, make_evidence_tables(counts, texts, rules, overlaps)
