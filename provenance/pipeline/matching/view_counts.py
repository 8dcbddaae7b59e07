"""Matches between views: which say more than the matches within views, and how many records of a file they are.

A match between views is not kept where the same record is known to stand in the same file more fully: its whole there
nearly or word for word; of a prompt or a column of it the prompt, of an answer the answer; of what stands inside
longer texts the whole of it inside another; of what holds shorter ones where another match already says that it holds,
or has, a text of that file.

What is found is a prompt or a column: that a whole or an answer has what is a column elsewhere is counted as the other
direction of that match, and is no row, so that rows of these views are of matches within them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core.model import VIEWS
from provenance.readers.records.field_views import ANSWER_SIDE, PROMPT_SIDE
from provenance.similarity.evidence.match_kinds import ANSWER, AROUND, EXACT, INSIDE, NEAR, PROMPT, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provenance.pipeline.matching.across_tasks import ViewNames
    from provenance.similarity.evidence.match_counts import MatchRows

Ints = npt.NDArray[np.int64]

_ROWS_HELD = 1 << 18  # of counts that wait before they are added up
_KINDS = ("exact", "near", "distinctive", "inside")
_COUNTS = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in ("view", "view_b", "a", "b", *_KINDS)])


class AcrossCounts(NamedTuple):
    """Records that match between views.

    Args:
        files: view, view of b, file a, file b, and how many records of a: word for word, at least nearly, of those more
            than boilerplate, and inside a longer text.
        sources: the same of sources.
    """

    files: pa.Table
    sources: pa.Table


@njit(nogil=True, cache=True)
def _keep_fuller(record: Any, rows: Any, view_b: Any, jaccard: Any, sides: Any, single: Any, files: Any) -> Any:
    """Tell which matches between views say more than others of the record; rows are sorted by record and view."""
    view, method, file_b = rows
    kept = np.zeros(view.shape[0], np.bool_)
    known, widest = np.zeros(files, np.uint8), np.full(files, -1, np.int64)
    whole, prompt, answer, holds, inside = np.uint8(1), np.uint8(2), np.uint8(4), np.uint8(8), np.uint8(16)
    begin = 0
    while begin < view.shape[0]:
        end = begin
        while end < view.shape[0] and record[end] == record[begin]:
            b = file_b[end]
            if view[end] == view_b[end] and view[end] < single:
                if method[end] == AROUND:
                    known[b] |= holds
                elif view[end] == WHOLE:
                    known[b] |= inside if method[end] == INSIDE else whole
                else:
                    known[b] |= prompt if view[end] == PROMPT else answer
                    known[b] |= holds if method[end] <= NEAR else np.uint8(0)
            elif method[end] <= NEAR and (view[end] == PROMPT or view[end] >= single):
                known[b] |= holds
            end += 1
        for at in range(begin, end):
            if view[at] == view_b[at] and view[at] < single:
                continue
            is_row = view[at] == PROMPT or view[at] >= single
            b, marks = file_b[at], known[file_b[at]]
            covered = marks & whole
            if method[at] == AROUND:
                covered |= marks & holds
            elif method[at] == INSIDE:
                covered |= marks & inside
            if view[at] == PROMPT or (view[at] >= single and sides[view[at]] == PROMPT_SIDE):
                covered |= marks & prompt
            elif view[at] == ANSWER or (view[at] >= single and sides[view[at]] == ANSWER_SIDE):
                covered |= marks & answer
            if covered or (method[at] == AROUND and not is_row):
                continue
            if method[at] == AROUND:
                other = widest[b]
                if other >= 0 and jaccard[other] >= jaccard[at]:
                    continue
                if other >= 0:
                    kept[other] = False
                widest[b] = at
            elif view[at] == PROMPT:
                known[b] |= prompt
            kept[at] = True
        for at in range(begin, end):
            known[file_b[at]], widest[file_b[at]] = 0, -1
        begin = end
    return kept


class AcrossCounter:
    """Counts of matches between views, added up some rows at a time.

    Args:
        sources: number of each file's source.
        views: all views by number.
    """

    def __init__(self, sources: Ints, views: ViewNames) -> None:
        self._sources, self._sides = sources, np.array(views.sides, np.int64)
        names = {name: views.names.index(name) for name in views.names}
        self._named = np.array([names[name] for name in views.names], np.int64)  # the first view of each name
        self._files: list[pa.Table] = []
        self._of_sources: list[pa.Table] = []

    def add(self, rows: MatchRows, view_b: Ints, jaccard: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Count the matches between views.

        Args:
            rows: sorted by record and view; all of a record's must be among them.
            view_b: of each, the view of b.
            jaccard: of each.

        Returns:
            Which are matches between views that are kept, and rows.
        """
        if bool((view_b == rows.view).all()) and bool((view_b < len(VIEWS)).all()):
            return np.zeros(len(view_b), np.bool_)
        new = (rows.file_a[1:] != rows.file_a[:-1]) | (rows.row_a[1:] != rows.row_a[:-1])
        record = np.cumsum(np.r_[0, new]) if len(view_b) else view_b
        kept: npt.NDArray[np.bool_] = _keep_fuller(
            record, (rows.view, rows.method, rows.file_b), view_b, jaccard, self._sides, len(VIEWS), len(self._sources)
        )
        some = np.flatnonzero(kept)
        views = self._named[rows.view[some]], self._named[view_b[some]]
        method, distinctive = rows.method[some], rows.distinctive[some] > 0
        kinds = np.stack([method == EXACT, method <= NEAR, (method <= NEAR) & distinctive, method == INSIDE], axis=1)
        for counts, a, b in (
            (self._files, rows.file_a[some], rows.file_b[some]),
            (self._of_sources, self._sources[rows.file_a[some]], self._sources[rows.file_b[some]]),
        ):
            counts.append(_count_records(record[some], *views, a, b, kinds))
            counts[:] = [_add(counts)] if sum(map(len, counts)) > _ROWS_HELD else counts
        listed: npt.NDArray[np.bool_] = kept & _is_listed(rows.view)
        return listed

    def total(self) -> AcrossCounts:
        """Return what was counted."""
        return AcrossCounts(_add(self._files), _add(self._of_sources))


def _is_listed(view: Ints) -> npt.NDArray[np.bool_]:
    """Tell which views are found in others: prompts and columns."""
    listed: npt.NDArray[np.bool_] = (view == PROMPT) | (view >= len(VIEWS))
    return listed


def _count_records(record: Ints, view: Ints, view_b: Ints, a: Ints, b: Ints, kinds: npt.NDArray[np.bool_]) -> pa.Table:
    """Count records, each once, by views and pair; a whole source is no match of itself."""
    shown = {name: kinds[:, place].astype(np.int64) for place, name in enumerate(_KINDS)}
    grouped = pa.table({"record": record, "view": view, "view_b": view_b, "a": a, "b": b} | shown)
    once = grouped.group_by(["record", "view", "view_b", "a", "b"]).aggregate([(name, "max") for name in _KINDS])
    return _add([once.rename_columns({f"{name}_max": name for name in _KINDS}).drop_columns(["record"])])


def _add(tables: Sequence[pa.Table]) -> pa.Table:
    keys = ["view", "view_b", "a", "b"]
    every = pa.concat_tables([_COUNTS.empty_table(), *(table.select(_COUNTS.names).cast(_COUNTS) for table in tables)])
    added = every.group_by(keys).aggregate([(name, "sum") for name in _KINDS])
    named = added.rename_columns({f"{name}_sum": name for name in _KINDS}).select(_COUNTS.names).cast(_COUNTS)
    return named.sort_by([(key, "ascending") for key in keys])


def add_counts(parts: Iterable[AcrossCounts]) -> AcrossCounts:
    """Add up counts of several parts.

    Args:
        parts: the counts.
    """
    every = list(parts)
    return AcrossCounts(_add([part.files for part in every]), _add([part.sources for part in every]))


def list_pairs(counted: pa.Table) -> Iterator[tuple[tuple[int, int, int, int], tuple[int, int, int, int, int]]]:
    """List pairs in both directions.

    Args:
        counted: `files` or `sources` of AcrossCounts.

    Yields:
        View, view of b, a and b; records of a word for word, at least nearly, more than boilerplate, inside b, and
        records of b inside a. Sorted.
    """
    found: Mapping[tuple[int, ...], tuple[int, ...]] = {
        tuple(row[:4]): tuple(row[4:]) for row in zip(*(column.to_pylist() for column in counted.columns), strict=True)
    }
    both = sorted({*found, *((view_b, view, b, a) for view, view_b, a, b in found)})
    for view, view_b, a, b in both:
        if a != b and (view == PROMPT or view >= len(VIEWS)):
            exact, near, distinctive, inside = found.get((view, view_b, a, b), (0, 0, 0, 0))
            yield (view, view_b, a, b), (exact, near, distinctive, inside, found.get((view_b, view, b, a), (0,) * 4)[3])
