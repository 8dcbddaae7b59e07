"""MATCHES some at a time: what is counted of records is added up piece by piece, in memory that does not grow."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.scratch import scratch_folders
from provenance.core.scratch.external_sort import Ordering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS_PER_BATCH = 1 << 18
"""Rows of a piece, about."""

_MEMORY_SHARE = 0.25  # of the budget, for texts that are put in order

_TEXT = np.dtype([("text", "u8"), ("group", "i8")])

Key = tuple[Any, ...]


def iterate_by_record(matches: pa.Table) -> Iterator[pa.Table]:
    """Cut MATCHES so that all views' matches of a record come together.

    Args:
        matches: MATCHES; what is larger than a piece must be sorted by row, as it is sealed.

    Yields:
        Rows of MATCHES, names as dictionaries; together they hold every row once.
    """
    waiting: list[pa.Table] = []
    for runs in _find_runs(matches).values():
        for views in _split_by_row([matches.slice(start, stop - start) for start, stop in runs]):
            if waiting and sum(map(len, waiting)) + sum(map(len, views)) > ROWS_PER_BATCH:
                yield _encode_names(waiting)
                waiting = []
            waiting += views
    if waiting:
        yield _encode_names(waiting)


def _find_runs(matches: pa.Table) -> dict[str, list[tuple[int, int]]]:
    """Find where the rows of each file stand."""
    runs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    at = 0
    for batch in matches.select(["view", "path_a"]).to_batches():
        if not len(batch):
            continue
        ends = [pc.run_end_encode(column).run_ends.to_numpy() for column in batch.columns]
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


def _encode_names(parts: Sequence[pa.Table]) -> pa.Table:
    """Keep each name once: a row takes a fifth of the memory, and is compared and grouped by number."""
    matches = pa.concat_tables(parts)
    for place, field in enumerate(matches.schema):
        if field.type == pa.string():
            column = pc.dictionary_encode(matches[field.name]).unify_dictionaries()
            matches = matches.set_column(place, field.name, column)
    return matches


class RecordCounts:
    """Records counted by key, and the first of each."""

    def __init__(self) -> None:
        self.counts: dict[Key, int] = defaultdict(int)
        self.first: dict[Key, int] = {}

    def add(self, matches: pa.Table, keys: Sequence[str]) -> None:
        """Count the records of a piece.

        Args:
            matches: rows of MATCHES, with columns named by `keys`; a record may have several.
            keys: what they are counted by.
        """
        counted = matches.group_by(list(keys)).aggregate([("row_a", "count_distinct"), ("row_a", "min")])
        columns = [counted[name].to_pylist() for name in (*keys, "row_a_count_distinct", "row_a_min")]
        for *names, count, first in zip(*columns, strict=True):
            key = tuple(names)
            self.counts[key] += count
            self.first[key] = min(first, self.first.get(key, first))


class DistinctTexts:
    """Distinct texts counted by key, as a context: what is known of them lies on disk."""

    def __init__(self) -> None:
        self._folder = scratch_folders.make_folder()
        self._texts = Ordering(self._folder, "texts", _TEXT, share=_MEMORY_SHARE)
        self._groups: dict[Key, int] = {}

    def add(self, matches: pa.Table, keys: Sequence[str], record: Sequence[str]) -> None:
        """Add the texts of a piece: of each record and key the lowest number of a text.

        Args:
            matches: rows with columns named by keys and record, and `text`.
            keys: what is counted by.
            record: what tells records apart.
        """
        records = matches.group_by([*keys, *record]).aggregate([("text", "min")])
        if not records.num_rows:
            return
        names = records.select(list(keys)).group_by(list(keys)).aggregate([])
        groups = [self._groups.setdefault(tuple(row.values()), len(self._groups)) for row in names.to_pylist()]
        numbered = records.select([*keys, "text_min"]).join(names.append_column("group", pa.array(groups)), list(keys))
        rows = np.empty(records.num_rows, _TEXT)
        rows["text"], rows["group"] = numbered["text_min"].to_numpy(), numbered["group"].to_numpy()
        self._texts.add(rows)

    def counts(self) -> dict[Key, int]:
        """Return the number of distinct texts by key."""
        total = np.zeros(len(self._groups), np.int64)
        for part in self._texts:
            text, group = part["text"], part["group"]
            order = np.lexsort((group, text))
            text, group = text[order], group[order]
            new = np.r_[True, (text[1:] != text[:-1]) | (group[1:] != group[:-1])]
            total += np.bincount(group[new], minlength=len(total))
        return dict(zip(self._groups, total.tolist(), strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        scratch_folders.remove_folder(self._folder)
