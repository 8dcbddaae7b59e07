"""MATCHES some at a time, by number: records are asked about piece by piece, in memory that does not grow."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import METHODS
from provenance.core.scratch import scratch_folders
from provenance.similarity.evidence import match_counts
from provenance.similarity.evidence.evidence_tables import make_evidence_tables
from provenance.similarity.evidence.match_counts import MatchRows
from provenance.similarity.evidence.match_kinds import AROUND, INSIDE, number_views
from provenance.similarity.evidence.split_leaks import find_covering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provenance.similarity.evidence.evidence_rules import EvidenceRules

ROWS_PER_BATCH = 1 << 16
"""Rows of a piece, about."""


def count_matches(matches: pa.Table, rules: EvidenceRules, overlaps: pa.Table) -> dict[str, pa.Table]:
    """Count matches as evidence.

    Args:
        matches: MATCHES; what is larger than a piece must be sorted by row, as it is sealed.
        rules: what decides; all files of MATCHES have a number.
        overlaps: OVERLAPS.

    Returns:
        The tables of evidence_schemas.COUNTED by name.
    """
    counter = match_counts.MatchCounter(rules)
    with scratch_folders.temporary_folder() as folder:
        texts = match_counts.count_texts(map(counter.add, iterate_by_record(matches, rules.paths)), folder)
    return make_evidence_tables(counter.total(), texts, rules, overlaps)


def iterate_by_record(matches: pa.Table, paths: pa.Array) -> Iterator[MatchRows]:
    """Cut MATCHES so that all views' matches of a record come together.

    Args:
        matches: MATCHES; what is larger than a piece must be sorted by row, as it is sealed.
        paths: of files by number, sorted.

    Yields:
        Rows by number, sorted by record; together all there are.
    """
    waiting: list[pa.Table] = []
    runs = _find_runs(matches.select(["view", "view_b", "path_a"]))
    needed = matches.select(_COLUMNS)
    for places in runs.values():
        for views in _split_by_row([needed.slice(start, stop - start) for start, stop in places]):
            if waiting and sum(map(len, waiting)) + sum(map(len, views)) > ROWS_PER_BATCH:
                yield _number_rows(pa.concat_tables(waiting), paths)
                waiting = []
            waiting += views
    if waiting:
        yield _number_rows(pa.concat_tables(waiting), paths)


_NUMBERS = ("row_a", "row_b", "distinct_a", "distinct_b", "distinctive", "shared")
_COLUMNS = ["view", "view_b", "path_a", "path_b", "method", *_NUMBERS]


def _find_runs(matches: pa.Table) -> dict[str, list[tuple[int, int]]]:
    """Find where the rows of each file stand."""
    runs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    at = 0
    for batch in matches.to_batches():
        if not len(batch):
            continue
        columns = (pa.array(number_views(batch)), batch["path_a"])
        ends = [pc.run_end_encode(column).run_ends.to_numpy() for column in columns]
        stops = np.unique(np.concatenate(ends))
        firsts = np.r_[0, stops[:-1]]
        paths = batch["path_a"].take(pa.array(firsts)).to_pylist()
        for path, start, stop in zip(paths, (at + firsts).tolist(), (at + stops).tolist(), strict=True):
            runs[path].append((start, stop))
        at += len(batch)
    return runs


def _split_by_row(views: Sequence[pa.Table]) -> Iterator[list[pa.Table]]:
    """Cut the matches of one file into pieces by the number of the record."""
    total = sum(map(len, views))
    if total <= ROWS_PER_BATCH:
        yield list(views)
        return
    last = max(pc.max(view["row_a"]).as_py() for view in views) + 1
    bounds = np.linspace(0, last, -(-total // ROWS_PER_BATCH) + 1).astype(np.int64).tolist()
    rows = [view["row_a"].to_numpy() for view in views]
    places = [np.searchsorted(row, bounds).tolist() for row in rows]
    for number in range(len(bounds) - 1):
        ends = [(place[number], place[number + 1]) for place in places]
        parts = [view.slice(a, b - a) for view, (a, b) in zip(views, ends, strict=True) if a < b]
        if parts:
            yield parts


def _number_rows(matches: pa.Table, paths: pa.Array) -> MatchRows:
    """Give numbers to what has names, and bring views together by record."""

    def number(name: str, values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.asarray(pc.index_in(matches[name], value_set=values)).astype(np.int64)

    file_a, file_b = number("path_a", paths), number("path_b", paths)
    view, method = number_views(matches), number("method", pa.array(METHODS))
    row_a, row_b, distinct_a, distinct_b, distinctive, shared = (matches[name].to_numpy() for name in _NUMBERS)
    method = np.where(method == INSIDE, np.where(distinct_a < distinct_b, INSIDE, AROUND), method)
    covers = find_covering(distinct_a, distinct_b)
    order = np.lexsort((file_b, view, row_a, file_a))
    columns = (view, method, file_a, row_a, file_b, row_b, distinctive, shared, covers)
    return MatchRows(*(each[order] for each in columns))
