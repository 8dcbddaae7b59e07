"""What a worker does with scratch files: compare a view, match a part of it word for word.

`read_pass` leaves MEMBERS and SETS of each view. `compare_view` brings a view's distinct texts together, and finds near
and contained ones; `match_exactly` matches some of its texts word for word. Matches stay on disk, dealt
to partitions of records: `match_table` puts names on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.core.model import VIEWS
from provenance.core.scratch.scratch_arrays import open_array
from provenance.pipeline.matching.match_rows import RowDealer, pack_kinds
from provenance.similarity.candidates import distinct_texts, near_pairs
from provenance.similarity.evidence import exact_matches, near_matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.core.scratch.partitions import DealtFiles
    from provenance.pipeline.matching.match_rows import RecordOrder

_TABLES_BEFORE_ADDING = 64  # counts that are held before they are added up


@dataclass(frozen=True, slots=True)
class ViewTask:
    """One view of the whole scan.

    Args:
        view: one of model.VIEWS.
        sets: scratch files of SETS.
        members: scratch files of MEMBERS.
        sources: the number of each file's source, by the file's number.
        scratch: a folder of its own for what is put together from them.
        target: what the names of the files begin with to which matches are dealt.
        order: of records.
        parts: how many parts the nodes are to be cut into for `match_exactly`.
        threads: that work on it.
        keep: whether the scratch files of SETS stay, for `compare_across`.
    """

    view: str
    sets: tuple[str, ...]
    members: tuple[distinct_texts.MembersFile, ...]
    sources: np.ndarray[Any, Any]
    scratch: str
    target: str
    order: RecordOrder
    parts: int = 1
    threads: int = 1
    keep: bool = False


@dataclass(frozen=True, slots=True)
class ComparedView:
    """What is near in a view, its matches left on disk.

    Args:
        view: one of model.VIEWS.
        counts: the PAIRS of near_matches.PAIR_FIELDS.
        rows: the files that its matches were dealt to.
        scratch: the folder that holds nodes.
        cuts: the nodes at which parts of them begin, and how many there are.
        boilerplate_count: shingles that are boilerplate.
        pivoted: nodes that were compared with pivots alone.
        not_anchored: nodes that were not looked for inside longer ones.
        thinned: nodes that stand in more longer ones than are kept.
        first_file_only: records of which only the first file with a near match is listed.
        short: nodes that are too short to be looked for inside longer ones.
    """

    view: str
    counts: Mapping[str, pa.Table]
    rows: DealtFiles
    scratch: str
    cuts: tuple[int, ...]
    boilerplate_count: int
    pivoted: int
    not_anchored: int
    thinned: int
    first_file_only: int
    short: int


def compare_view(task: ViewTask) -> ComparedView:
    """Compare one view of the whole scan: who stands where else, nearly.

    Args:
        task: what to read, and where to write.

    Returns:
        Its near matches, without those where the same words stand in the same file.
    """
    folder = Path(task.scratch)
    folder.mkdir(exist_ok=True)
    nodes = distinct_texts.build_nodes(
        task.sets, task.members, file_sources=task.sources, scratch=folder, keep=task.keep
    )
    similar = near_pairs.find_similar(nodes, folder, task.threads)
    counts = _PairCounts(near_matches.PAIR_FIELDS)
    first_file_only = 0
    dealer, kind = RowDealer(Path(task.target), task.order), _number_kind(task.view, exact=False)
    for part in near_matches.match_near(similar, folder):
        dealer.add(part.rows, np.full(part.rows.num_rows, kind, np.int32))
        counts.add(part)
        first_file_only += part.pivoted
    ends = np.linspace(0, len(nodes.file), task.parts + 1).astype(np.int64)
    cuts = np.searchsorted(nodes.first, ends).tolist()
    return ComparedView(
        task.view, counts.total(), dealer.close(), str(folder), tuple(cuts),
        similar.boilerplate_count, similar.pivoted, similar.not_anchored, similar.thinned, first_file_only,
        similar.short,
    )  # fmt: skip


def _number_kind(view: str, *, exact: bool) -> int:
    """Return the kind of all matches within a view."""
    return int(pack_kinds(VIEWS.index(view), VIEWS.index(view), exact))


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
        target: what the names of the files begin with to which matches are dealt.
        order: of records.
    """

    view: str
    scratch: str
    first: int
    last: int
    target: str
    order: RecordOrder


@dataclass(frozen=True, slots=True)
class ExactResult:
    """What some nodes say, their matches left on disk.

    Args:
        view: one of model.VIEWS.
        exact: counts; its `rows` are empty.
        rows: the files that its matches were dealt to.
    """

    view: str
    exact: exact_matches.ExactMatches
    rows: DealtFiles


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
    pivoted, repeats = 0, exact_matches.REPEATED.empty_table()
    dealer, kind = RowDealer(Path(task.target), task.order), _number_kind(task.view, exact=True)
    for part in exact_matches.match_exact(nodes, node_distinctive, task.first, task.last):
        dealer.add(part.rows, np.full(part.rows.num_rows, kind, np.int32))
        counts.add(part)
        distinct = [
            _add_arrays(*each) for each in zip(distinct, (part.distinct_files, part.distinct_sources), strict=True)
        ]
        pivoted += part.pivoted
        repeats = exact_matches.add_repeats([repeats, part.repeats]) if part.repeats.num_rows else repeats
    total = exact_matches.ExactMatches(exact_matches.ROWS.empty_table(), **counts.total(), distinct_files=distinct[0],
                        distinct_sources=distinct[1], pivoted=pivoted, repeats=repeats)  # fmt: skip
    return ExactResult(task.view, total, dealer.close())


def _add_arrays(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    longer, shorter = (a.copy(), b) if len(a) >= len(b) else (b.copy(), a)
    longer[: len(shorter)] += shorter
    return longer
