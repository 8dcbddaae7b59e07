"""From ROWS to MATCHES: numbers get names, and rows their order, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance.core import schemas
from provenance.core.scratch.external_sort import Ordering, combine_keys
from provenance.similarity.candidates import distinct_texts, set_overlap

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_PER_CHUNK = 1 << 16  # rows of MATCHES made at a time

_NUMBER_COLUMNS = ("file_a", "row_a", "file_b", "row_b", "shared", "distinct_a", "distinct_b", "distinctive")
_SORT_ROW = np.dtype([("key", "u8"), *((name, "i8") for name in (*_NUMBER_COLUMNS, "exact"))])


@dataclass(frozen=True, slots=True)
class MatchTask:
    """The matches of one view.

    Args:
        view: one of model.VIEWS.
        exact: files of ROWS whose words are the same.
        near: the file of the other ROWS.
        paths: files by number, sorted.
        names: sources by number, sorted.
        owner: the number of each file's source.
        scratch: a folder for what is put in order.
        target: the file to write MATCHES to.
    """

    view: str
    exact: tuple[str, ...]
    near: str
    paths: tuple[str, ...]
    names: tuple[str, ...]
    owner: np.ndarray[Any, Any]
    scratch: str
    target: str


def write_matches(task: MatchTask) -> str:
    """Put names on the matches of a view.

    Args:
        task: what to read, and where to write.

    Returns:
        The file that holds them, in the order in which MATCHES is sealed.
    """
    rank = np.empty(len(task.paths), np.int64)
    rank[np.lexsort((np.arange(len(rank)), task.owner))] = np.arange(len(rank))
    paths, names = pa.array(task.paths, pa.string()), pa.array(task.names, pa.string())
    with pa.OSFile(task.target, "wb") as sink, pa.ipc.new_file(sink, schemas.MATCHES) as writer:
        for rows in _rechunk(_order_rows(task, rank)):
            writer.write_table(_make_matches(task, rows, paths, names))
    return task.target


def _order_rows(task: MatchTask, rank: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Bring ROWS together in the order of source, file, row and other file."""
    ordered = Ordering(Path(task.scratch), "named", _SORT_ROW)
    for path in task.exact:
        for batch in distinct_texts.read_batches(path):
            ordered.add(_to_sort_rows(batch, rank, exact=1))
    for batch in distinct_texts.read_batches(task.near):
        ordered.add(_to_sort_rows(batch, rank, exact=0))
    for rows in ordered:
        yield rows[np.lexsort((rows["file_b"], rows["key"]))]


def _to_sort_rows(batch: pa.RecordBatch, rank: np.ndarray[Any, Any], exact: int) -> np.ndarray[Any, Any]:
    rows = np.empty(len(batch), _SORT_ROW)
    for column in _NUMBER_COLUMNS:
        rows[column] = batch[column].to_numpy()
    rows["key"] = combine_keys(rank[rows["file_a"]], rows["row_a"], len(rank))
    rows["exact"] = exact
    return rows


def _rechunk(parts: Iterator[np.ndarray[Any, Any]]) -> Iterator[np.ndarray[Any, Any]]:
    """Cut rows into chunks of one size, whatever the parts: the same rows are the same file."""
    waiting = np.zeros(0, _SORT_ROW)
    for part in parts:
        taken = _ROWS_PER_CHUNK - len(waiting)
        if len(part) < taken:
            waiting = np.concatenate([waiting, part])
            continue
        yield np.concatenate([waiting, part[:taken]])
        while len(part) - taken >= _ROWS_PER_CHUNK:
            yield part[taken : taken + _ROWS_PER_CHUNK]
            taken += _ROWS_PER_CHUNK
        waiting = part[taken:].copy()
    if len(waiting):
        yield waiting


def _make_matches(task: MatchTask, rows: np.ndarray[Any, Any], paths: pa.Array, names: pa.Array) -> pa.Table:
    """Make MATCHES of some rows."""
    a, b = rows["file_a"], rows["file_b"]
    shared, distinct_a, distinct_b = (rows[name].copy() for name in ("shared", "distinct_a", "distinct_b"))
    method = np.where(rows["exact"] > 0, 0, np.where(set_overlap.is_near(shared, distinct_a, distinct_b), 1, 2))
    columns: dict[str, Any] = {
        "view": pa.repeat(task.view, len(a)),
        "source_a": names.take(pa.array(task.owner[a])),
        "path_a": paths.take(pa.array(a)),
        "row_a": rows["row_a"],
        "source_b": names.take(pa.array(task.owner[b])),
        "path_b": paths.take(pa.array(b)),
        "row_b": rows["row_b"],
        "jaccard": shared / (distinct_a + distinct_b - shared),
        "shared": shared,
        "distinct_a": distinct_a,
        "distinct_b": distinct_b,
        "method": pa.array(["exact", "near", "contained"]).take(pa.array(method)),
        "distinctive": rows["distinctive"],
        # where it stands is found later, of what findings quote, see `quoted_spans`
        "start_b": pa.nulls(len(a), pa.int64()),
        "stop_b": pa.nulls(len(a), pa.int64()),
    }
    return schemas.conform(pa.table(columns), schemas.MATCHES)
