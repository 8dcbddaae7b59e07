"""What a worker does with scratch files: join a partition, compare a view, find where a contained text stands.

`observation` leaves MEMBERS by view and partition, and SETS by view. `resemble` reads a view's SETS and finds near and
contained texts, and of each text what it is beyond boilerplate; `gather` then joins a partition of MEMBERS, word for
word; `locate` reads the files again that hold contained texts. Matches stay on disk; `comparison` puts names on them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import records
from provenance.observation import items
from provenance.similarity import best, exact, near, spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.observation import File

_NODES = ("low", "high", "number", "own")
"""What `resemble` leaves of every node for `gather`, one file each."""

_HELD = 64  # counts that are held before they are added up


@dataclass(frozen=True, slots=True)
class Join:
    """One view and partition of the whole scan.

    Args:
        view: one of model.VIEWS.
        parts: scratch files, each with the number in the scan of each of its bundle's files.
        sources: the number of each file's source, by the file's number.
        nodes: the folder in which `resemble` says of every text what it is beyond boilerplate.
        target: the file to write matches to.
    """

    view: str
    parts: tuple[tuple[str, np.ndarray[Any, Any]], ...]
    sources: np.ndarray[Any, Any]
    nodes: str
    target: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What a partition says, its matches left on disk.

    Args:
        view: one of model.VIEWS.
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
    members = _members(join)
    low, high, number, own = (np.load(Path(join.nodes) / f"{name}.npy", mmap_mode="r") for name in _NODES)
    place = near.find(members["low"].to_numpy(), members["high"].to_numpy(), low, high)
    found = exact.match(members, own[number[place]])
    with pa.OSFile(join.target, "wb") as sink, pa.ipc.new_file(sink, exact.ROWS) as writer:
        writer.write_table(found.rows)
    return Joined(join.view, replace(found, rows=exact.ROWS.empty_table()), join.target)


@dataclass(frozen=True, slots=True)
class Likeness:
    """One view of the whole scan.

    Args:
        view: one of model.VIEWS.
        sets: scratch files of SETS.
        joins: the view's partitions.
        scratch: a folder of its own for what is put together from them.
        target: the file to write matches to.
        threads: that work on it.
    """

    view: str
    sets: tuple[str, ...]
    joins: tuple[Join, ...]
    scratch: str
    target: str
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Likened:
    """What is near in a view, its matches left on disk.

    Args:
        view: one of model.VIEWS.
        counts: the PAIRS of best.COUNTS.
        rows: the file that holds ROWS.
        inside: the file that holds spans.INSIDE.
        sets: the file that holds the sets of shingles that INSIDE speaks of.
        common: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone.
        aside: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
        shortened: records of which only the first file with a near match is listed.
    """

    view: str
    counts: Mapping[str, pa.Table]
    rows: str
    inside: str
    sets: str
    common: int
    pivoted: int
    aside: int
    thinned: int
    shortened: int


def resemble(likeness: Likeness) -> Likened:
    """Compare one view of the whole scan: who stands where else, nearly.

    Args:
        likeness: what to read, and where to write.

    Returns:
        Its near matches, without those where the same words stand in the same file.
    """
    folder = Path(likeness.scratch)
    folder.mkdir(exist_ok=True)
    members_of = (_members(join) for join in likeness.joins)
    alike = near.resemble([_taken(path) for path in likeness.sets], members_of, folder, likeness.threads)
    for name in _NODES:
        np.save(folder / f"{name}.npy", getattr(alike, name))
    members = pa.concat_tables([best.members_of(_members(join), alike) for join in likeness.joins])
    counts: dict[str, list[pa.Table]] = {name: [] for name in best.COUNTS}
    inside = [spans.INSIDE.empty_table()]
    pivoted = rows = 0
    with pa.OSFile(likeness.target, "wb") as sink, pa.ipc.new_file(sink, exact.ROWS) as writer:
        for part in best.match(members, alike):
            writer.write_table(part.rows)
            place = pc.add(part.inside["place"], rows)
            inside.append(part.inside.set_column(2, spans.INSIDE.field("place"), place))
            for name, held in counts.items():
                held.append(getattr(part, name))
                held[:] = [exact.add_pairs(held)] if len(held) >= _HELD else held
            pivoted, rows = pivoted + part.pivoted, rows + part.rows.num_rows
    asked = str(folder / "inside.arrow")
    with pa.OSFile(asked, "wb") as sink, pa.ipc.new_file(sink, spans.INSIDE) as writer:
        writer.write_table(pa.concat_tables(inside).sort_by([(name, "ascending") for name in spans.ORDER]))
    return Likened(
        likeness.view,
        {name: exact.add_pairs(held) for name, held in counts.items()},
        likeness.target,
        asked,
        str(folder / near.SETS_FILE),
        alike.common,
        alike.pivoted,
        alike.aside,
        alike.thinned,
        pivoted,
    )


@dataclass(frozen=True, slots=True)
class Rereading:
    """Files of which it is asked where shorter texts stand in them.

    Args:
        files: what to read again.
        digests: SHA-256 of each file when it was read first; None where it was not read to its end.
        numbers: the number in the scan of each file and member that may be asked for.
        asked: by view, the files of INSIDE and of the sets it speaks of.
        fold_chinese: whether traditional characters count as their simplified ones.
    """

    files: tuple[File, ...]
    digests: tuple[str | None, ...]
    numbers: Mapping[str, int]
    asked: Mapping[str, tuple[str, str]]
    fold_chinese: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """Where texts stand in the files that were read again.

    Args:
        spans: by view: places in ROWS, and where the texts begin and end; -1 where they stand in pieces.
        changed: files that are not what they were; nothing was located in them.
    """

    spans: Mapping[str, tuple[Any, Any, Any]]
    changed: tuple[str, ...]


def locate(rereading: Rereading) -> Located:
    """Read files again and find where shorter texts stand in them.

    Args:
        rereading: what to read, and what is asked.

    Returns:
        Spans in the bytes of the longer record's view.
    """
    fold = rereading.fold_chinese
    asked = {view: _Asked(_read_table(path), sets, fold) for view, (path, sets) in rereading.asked.items()}
    changed = []
    for file, digest in zip(rereading.files, rereading.digests, strict=True):
        for questions in asked.values():
            questions.begin()
        for item in items(file):
            if isinstance(item, records.Batch) and item.path in rereading.numbers:
                for view, questions in asked.items():
                    questions.answer(rereading.numbers[item.path], item.table["row"], item.table[view])
            elif isinstance(item, records.Account) and item.path == file.path and item.sha256 != digest:
                changed.append(file.path)
                for questions in asked.values():
                    questions.forget()
    return Located({view: each.answers() for view, each in asked.items()}, tuple(changed))


class _Asked:
    """The questions of one view, and the answers so far."""

    def __init__(self, table: pa.Table, sets: str, fold_chinese: bool) -> None:
        self._fold_chinese = fold_chinese
        columns = [table[name].to_numpy() for name in spans.INSIDE.names]
        self._file, self._row, self._place = columns[:3]
        self._low, self._words, self._first, self._last = columns[3:]
        self._sets = np.memmap(sets, np.uint64, "r") if len(self._place) else np.zeros(0, np.uint64)
        self._found: list[tuple[Any, Any, Any]] = []
        self._before = 0

    def begin(self) -> None:
        self._before = len(self._found)

    def forget(self) -> None:
        del self._found[self._before :]

    def answer(self, number: int, rows: pa.Int64Array, texts: pa.LargeStringArray) -> None:
        begin, end = (int(np.searchsorted(self._file, number, side)) for side in ("left", "right"))
        wanted = self._row[begin:end]
        first, last = rows[0].as_py(), rows[-1].as_py()  # rows ascend
        low, high = np.searchsorted(wanted, first), np.searchsorted(wanted, last, "right")
        for row in np.unique(wanted[low:high]).tolist():
            of = slice(begin + np.searchsorted(wanted, row), begin + np.searchsorted(wanted, row, "right"))
            longer = texts[int(np.searchsorted(rows.to_numpy(), row))].as_py()
            if longer is not None:
                about = (self._low[of], self._words[of], self._first[of], self._last[of])
                start, stop = spans.find(longer, *about, self._sets, fold_chinese=self._fold_chinese)
                self._found.append((self._place[of], start, stop))

    def answers(self) -> tuple[Any, Any, Any]:
        none = np.zeros(0, np.int64)
        place, start, stop = zip(*self._found, strict=True) if self._found else ((none,), (none,), (none,))
        return np.concatenate(place), np.concatenate(start), np.concatenate(stop)


def _taken(path: str) -> pa.Table:
    """Read a table whose file goes with it: what is put together elsewhere is not kept twice."""
    table = _read_table(path)
    with contextlib.suppress(PermissionError):  # a system that keeps what is mapped
        Path(path).unlink()
    return table


def _read_table(path: str) -> pa.Table:
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def _members(join: Join) -> pa.Table:
    tables = []
    for path, numbers in join.parts:
        table = _read_table(path)
        file = numbers[table["file"].to_numpy()]
        columns = [file, join.sources[file], *(table[name] for name in ("row", "low", "high", "distinct"))]
        tables.append(pa.table(columns, schema=exact.MEMBERS))
    return pa.concat_tables(tables) if tables else exact.MEMBERS.empty_table()
