"""What a worker does with scratch files: compare a view, match a part of it word for word, find where texts stand.

`read_pass` leaves MEMBERS and SETS of each view. `compare_view` brings a view's distinct texts together, and finds near
and contained ones; `match_exactly` matches some of its texts word for word; `locate_spans` reads the files again that
hold contained texts. Matches stay on disk: `match_table` puts names on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import pyarrow as pa

from provenance.core.external_sort import Ordering, combine_keys
from provenance.core.model import Died
from provenance.core.scratch_arrays import ColumnFiles, create_array, map_columns, open_array
from provenance.pipeline.reading.read_pass import items
from provenance.readers import records
from provenance.similarity.candidates import distinct_texts, near_pairs
from provenance.similarity.evidence import exact_matches, near_matches, spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.pipeline.reading.file_bundles import FileToRead

_TABLES_BEFORE_ADDING = 64  # counts that are held before they are added up
_QUERIES_AT_A_TIME = 1 << 16  # answers taken back at a time
_QUERY_COLUMNS = {name: spans.SPAN_QUERIES[name] for name in (spans.SPAN_QUERIES.names or ())[1:]}
SPANS_FILE_NAME = "spans"
"""The file in a view's scratch folder that says where each row stands: begin and end, int64, 1 added; 0 = unknown."""


@dataclass(frozen=True, slots=True)
class ViewTask:
    """One view of the whole scan.

    Args:
        view: one of model.VIEWS.
        sets: scratch files of SETS.
        hashes: the file that they speak of.
        members: scratch files of MEMBERS.
        sources: the number of each file's source, by the file's number.
        scratch: a folder of its own for what is put together from them.
        target: the file to write matches to.
        parts: how many parts the nodes are to be cut into for `match_exactly`.
        threads: that work on it.
    """

    view: str
    sets: tuple[str, ...]
    hashes: str
    members: tuple[distinct_texts.MembersFile, ...]
    sources: np.ndarray[Any, Any]
    scratch: str
    target: str
    parts: int = 1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class ComparedView:
    """What is near in a view, its matches left on disk.

    Args:
        view: one of model.VIEWS.
        counts: the PAIRS of near_matches.PAIR_FIELDS.
        rows: the file that holds ROWS.
        scratch: the folder that holds nodes, and what is asked of where they stand.
        cuts: the nodes at which parts of them begin, and how many there are.
        files: numbers of the files of which it is asked what stands where.
        boilerplate_count: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone.
        not_anchored: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
        first_file_only: records of which only the first file with a near match is listed.
    """

    view: str
    counts: Mapping[str, pa.Table]
    rows: str
    scratch: str
    cuts: tuple[int, ...]
    files: tuple[int, ...]
    boilerplate_count: int
    pivoted: int
    not_anchored: int
    thinned: int
    first_file_only: int


def compare_view(task: ViewTask) -> ComparedView:
    """Compare one view of the whole scan: who stands where else, nearly.

    Args:
        task: what to read, and where to write.

    Returns:
        Its near matches, without those where the same words stand in the same file.
    """
    folder = Path(task.scratch)
    folder.mkdir(exist_ok=True)
    nodes = distinct_texts.build_nodes(task.sets, task.hashes, task.members, file_sources=task.sources, scratch=folder)
    similar = near_pairs.find_similar(nodes, folder, task.threads)
    counts = _PairCounts(near_matches.PAIR_FIELDS)
    queries = Ordering(folder, "asks", spans.SPAN_QUERIES)
    first_file_only = rows = 0
    with pa.OSFile(task.target, "wb") as sink, pa.ipc.new_file(sink, exact_matches.ROWS) as writer:
        for part in near_matches.match_near(similar, folder):
            writer.write_table(part.rows)
            part.span_queries["place"] += rows
            part.span_queries["key"] = combine_keys(
                part.span_queries["file"], part.span_queries["row"], len(task.sources)
            )
            queries.add(part.span_queries)
            counts.add(part)
            first_file_only, rows = first_file_only + part.pivoted, rows + part.rows.num_rows
    create_array(folder / SPANS_FILE_NAME, np.int64, (rows, 2))
    files = _write_queries(queries, folder)
    ends = np.linspace(0, len(nodes.file), task.parts + 1).astype(np.int64)
    cuts = np.searchsorted(nodes.first, ends).tolist()
    return ComparedView(
        task.view, counts.total(), task.target, str(folder), tuple(cuts), files,
        similar.boilerplate_count, similar.pivoted, similar.not_anchored, similar.thinned, first_file_only,
    )  # fmt: skip


def _write_queries(asked: Ordering, folder: Path) -> tuple[int, ...]:
    """Write ASKED in its order; return the files that are asked about."""
    written = ColumnFiles(folder, "asked", _QUERY_COLUMNS)
    files: dict[int, None] = {}
    for rows in asked:
        written.add(*(rows[name] for name in _QUERY_COLUMNS))
        files |= dict.fromkeys(np.unique(rows["file"]).tolist())
    written.close()
    return tuple(files)


class _PairCounts:
    """PAIRS that are added up, some at a time."""

    def __init__(self, names: Sequence[str]) -> None:
        self._held: dict[str, list[pa.Table]] = {name: [] for name in names}

    def add(self, part: Any) -> None:
        for name, tables in self._held.items():
            tables.append(getattr(part, name))
            tables[:] = [exact_matches.add_pairs(tables)] if len(tables) >= _TABLES_BEFORE_ADDING else tables

    def total(self) -> dict[str, pa.Table]:
        return {name: exact_matches.add_pairs(tables) for name, tables in self._held.items()}


@dataclass(frozen=True, slots=True)
class ExactTask:
    """Some nodes of one view.

    Args:
        view: one of model.VIEWS.
        scratch: the folder in which `compare_view` left the nodes.
        first: the first of them.
        last: the node before which they end.
        target: the file to write matches to.
    """

    view: str
    scratch: str
    first: int
    last: int
    target: str


@dataclass(frozen=True, slots=True)
class ExactResult:
    """What some nodes say, their matches left on disk.

    Args:
        view: one of model.VIEWS.
        exact: counts; its `rows` are empty.
        rows: the file that holds ROWS.
    """

    view: str
    exact: exact_matches.ExactMatches
    rows: str


def match_exactly(task: ExactTask) -> ExactResult:
    """Match some nodes: who stands where else, word for word.

    Args:
        task: what to read, and where to write.

    Returns:
        Their exact matches.
    """
    nodes = distinct_texts.load_nodes(Path(task.scratch))
    node_distinctive = open_array(Path(task.scratch) / near_pairs.DISTINCTIVE_FILE_NAME, np.int64)
    counts = _PairCounts(exact_matches.PAIR_FIELDS)
    distinct = [np.zeros(0, np.int64), np.zeros(0, np.int64)]
    pivoted = 0
    with pa.OSFile(task.target, "wb") as sink, pa.ipc.new_file(sink, exact_matches.ROWS) as writer:
        for part in exact_matches.match_exact(nodes, node_distinctive, task.first, task.last):
            writer.write_table(part.rows)
            counts.add(part)
            distinct = [
                _add_arrays(*each) for each in zip(distinct, (part.distinct_files, part.distinct_sources), strict=True)
            ]
            pivoted += part.pivoted
    total = exact_matches.ExactMatches(exact_matches.ROWS.empty_table(), **counts.total(), distinct_files=distinct[0],
                        distinct_sources=distinct[1], pivoted=pivoted)  # fmt: skip
    return ExactResult(task.view, total, task.target)


def _add_arrays(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    longer, shorter = (a.copy(), b) if len(a) >= len(b) else (b.copy(), a)
    longer[: len(shorter)] += shorter
    return longer


@dataclass(frozen=True, slots=True)
class RereadTask:
    """Files of which it is asked where shorter texts stand in them.

    Args:
        files: what to read again.
        digests: SHA-256 of each file when it was read first; None where it was not read to its end.
        numbers: the number in the scan of each file and member that may be asked for.
        folders: by view, the folder of what is asked, and of the sets it speaks of.
        fold_chinese: whether traditional characters count as their simplified ones.
    """

    files: tuple[FileToRead, ...]
    digests: tuple[str | None, ...]
    numbers: Mapping[str, int]
    folders: Mapping[str, str]
    fold_chinese: bool = False


@dataclass(frozen=True, slots=True)
class RereadResult:
    """What was read again.

    Args:
        changed: files that are not what they were; nothing was located in them.
        unread: files that could not be read again as they were at first; nothing was located in them either.
    """

    changed: tuple[str, ...]
    unread: tuple[str, ...] = ()


def locate_spans(task: RereadTask) -> RereadResult:
    """Read files again, find where shorter texts stand in them, and write that beside what was asked.

    Args:
        task: what to read, and what is asked.

    Returns:
        Which files were not what they had been, and which could not be read again.
    """
    span_files = {view: _SpanFile(Path(folder), task.fold_chinese) for view, folder in task.folders.items()}
    changed: list[str] = []
    unread: list[str] = []
    for file, digest in zip(task.files, task.digests, strict=True):
        for item in items(file):
            if isinstance(item, records.Batch) and item.path in task.numbers:
                for view, questions in span_files.items():
                    questions.answer(task.numbers[item.path], item.table["row"], item.table[view])
            elif isinstance(item, Died) or _is_changed(item, file, digest):
                # only two digests that differ are of two files
                (unread if isinstance(item, Died) or None in (item.sha256, digest) else changed).append(file.path)
                forget_spans(
                    replace(task, numbers={k: v for k, v in task.numbers.items() if _member_path(k, file.path)})
                )
    return RereadResult(tuple(changed), tuple(unread))


def _is_changed(item: records.Item, file: FileToRead, digest: str | None) -> TypeGuard[records.Account]:
    return isinstance(item, records.Account) and item.path == file.path and item.sha256 != digest


def forget_spans(task: RereadTask) -> None:
    """Take back where texts stand in files: they are not what they were, or whoever read them died over it.

    Args:
        task: what was to be read.
    """
    for folder in task.folders.values():
        questions = _SpanFile(Path(folder), task.fold_chinese)
        for number in task.numbers.values():
            questions.forget(number)


def _member_path(path: str, file: str) -> bool:
    return path.split("!/", 1)[0] == file


class _SpanFile:
    """The questions of one view, and the answers so far: bytes of the longer record's view, -1 in pieces."""

    def __init__(self, folder: Path, fold_chinese: bool) -> None:
        self._fold_chinese = fold_chinese
        self._file, self._row, self._place, self._low, self._words, self._first, self._last = map_columns(
            folder, "asked", _QUERY_COLUMNS
        )
        self._sets = open_array(folder / distinct_texts.SETS_FILE_NAME, np.uint64)
        self._spans = open_array(folder / SPANS_FILE_NAME, np.int64, "r+").reshape(-1, 2)

    def _rows_of_file(self, number: int) -> tuple[int, int]:
        begin, end = (int(np.searchsorted(self._file, number, side)) for side in ("left", "right"))
        return begin, end

    def forget(self, number: int) -> None:
        begin, end = self._rows_of_file(number)
        for at in range(begin, end, _QUERIES_AT_A_TIME):
            self._spans[self._place[at : min(at + _QUERIES_AT_A_TIME, end)]] = 0

    def answer(self, number: int, rows: pa.Int64Array, texts: pa.LargeStringArray) -> None:
        begin, end = self._rows_of_file(number)
        wanted = self._row[begin:end]
        first, last = rows[0].as_py(), rows[-1].as_py()  # rows ascend
        low, high = np.searchsorted(wanted, first), np.searchsorted(wanted, last, "right")
        for row in np.unique(wanted[low:high]).tolist():
            of = slice(begin + np.searchsorted(wanted, row), begin + np.searchsorted(wanted, row, "right"))
            longer = texts[int(np.searchsorted(rows.to_numpy(), row))].as_py()
            if longer is not None:
                found = spans.find_texts(
                    longer,
                    self._low[of],
                    words=self._words[of],
                    first=self._first[of],
                    last=self._last[of],
                    sets=self._sets,
                    fold_chinese=self._fold_chinese,
                )
                self._spans[self._place[of]] = np.column_stack(found) + 1
