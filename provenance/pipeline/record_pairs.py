"""The records that two sources share, pair by pair: what MATCHES says once a record, expanded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import VIEWS
from provenance.errors import ConfigError
from provenance.similarity.evidence import spans
from provenance.similarity.text import normalisation
from provenance.sources import excerpts

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pandas as pd


_COLUMNS = ["view", "view_b", "source_a", "path_a", "row_a", "source_b", "path_b", "row_b", "jaccard", "method"]


class HasTables(Protocol):
    """What has the tables of a scan: an `Audit`."""

    @property
    def tables(self) -> Mapping[str, pa.Table]:
        """Tables of `schemas.SEALED` by name."""


def pairs(
    audit: HasTables,
    a: str,
    b: str,
    view: str = "whole",
    *,
    view_b: str | None = None,
    data: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Expand the matches between two sources, or two files, to all pairs of records.

    Args:
        audit: from `scan` or `open_ledger`.
        a: id of a source, or path of a file.
        b: the other.
        view: of the records of a: one of model.VIEWS, or `field:NAME`, as OVERLAPS names it.
        view_b: of those of b; None = the same.
        data: the folder that was scanned, where it is to be said at which bytes a record stands inside a longer one;
            within single columns it is not said.

    Returns:
        One row a pair: path_a, row_a, path_b, row_b, jaccard, method; sorted. Of exact matches every pair, but of texts
        so common that they were compared with one file alone (COVERAGE, exact-matches) those with that file; of near
        matches each record's best in the other file. With `data` also start_b and stop_b: of a record that stands
        whole inside a longer one, the bytes of the longer record's view; null of all others.

    Raises:
        ConfigError: the audit has no such source, file or view.
        InputError: a file is not in `data` any more; DigestMismatch: it is not the one that was scanned.
    """
    from pandas import concat

    sources_known = {*audit.tables["sources"]["source"].to_pylist(), *audit.tables["files"]["path"].to_pylist()}
    for name in (a, b):
        if name not in sources_known:
            raise ConfigError(f"there is no source or file {name!r} in this audit")
    views = view, view if view_b is None else view_b
    columns = {each for each in audit.tables["overlaps"]["view"].unique().to_pylist() if each not in VIEWS}
    for each in views:
        if each not in {*VIEWS, *columns}:
            raise ConfigError(f"there is no view {each!r}; there are: {', '.join([*VIEWS, *sorted(columns)])}")
    forward = _select_matches(audit.tables["matches"], views, a, b)
    backward = _select_matches(audit.tables["matches"], views[::-1], b, a)
    # both sides of a node name its first row in the other file: joined on that, every member meets every member
    same_text = forward[forward["method"] == "exact"]
    first = same_text[["path_a", "row_a", "path_b", "row_b"]]
    members = _swap_sides(backward[backward["method"] == "exact"]).rename(columns={"row_b": "member"})
    node = members[["path_a", "row_a", "path_b", "member"]].merge(first, on=["path_a", "row_a", "path_b"])
    joined = same_text.merge(node[["path_a", "path_b", "row_b", "member"]], on=["path_a", "path_b", "row_b"])
    joined = joined.assign(row_b=joined["member"])
    near = [forward[forward["method"] != "exact"], _swap_sides(backward[backward["method"] != "exact"])]
    shown = ["path_a", "row_a", "path_b", "row_b", "jaccard", "method"]
    listed = concat([each[shown] for each in (joined, *near)])
    listed = listed.drop_duplicates().sort_values(shown[:4], ignore_index=True)
    return listed if data is None else _add_spans(audit.tables, listed, views, data)


def _add_spans(
    tables: Mapping[str, pa.Table], listed: pd.DataFrame, views: tuple[str, str], data: str | os.PathLike[str]
) -> pd.DataFrame:
    """Read contained records and those that hold them back, and say where they stand."""
    import pandas as pd

    inside = listed[listed["method"] == "contained"] if {*views} <= {*VIEWS} else listed[:0]
    places = [list(zip(inside[f"path_{side}"], inside[f"row_{side}"], strict=True)) for side in "ab"]
    read = list(dict.fromkeys([*places[0], *places[1]]))
    # of each record one view, then the other
    number = [{place: len(read) * side + k for k, place in enumerate(read)} for side in range(2)]
    records = excerpts.read(tables, data, read, masked=False)
    texts = pa.concat_arrays([records[view].combine_chunks() for view in views])
    fold_chinese = any(normalisation.CHINESE in name for name in pc.unique(tables["sketches"]["shingle"]).to_pylist())
    shorter = spans.ShorterTexts.from_texts(texts, fold_chinese=fold_chinese)
    a, b = (np.array([number[k][place] for place in side], np.int64) for k, side in enumerate(places))
    is_shorter = np.flatnonzero(shorter.words[a] < shorter.words[b])
    order = is_shorter[np.argsort(b[is_shorter], kind="stable")]
    found = spans.find_texts(texts, b[order], shorter.select(a[order]), fold_chinese=fold_chinese)
    for name, values in zip(("start_b", "stop_b"), found, strict=True):
        column = np.full(len(listed), -1)
        column[inside.index.to_numpy()[order]] = values
        listed[name] = pd.Series(column, dtype="Int64").mask(column < 0)
    return listed


def _swap_sides(found: pd.DataFrame) -> pd.DataFrame:
    """MATCHES seen from the other side."""
    return found.rename(columns={"path_a": "path_b", "row_a": "row_b", "path_b": "path_a", "row_b": "row_a"})


def _select_matches(matches: pa.Table, views: tuple[str, str], a: str, b: str) -> pd.DataFrame:
    """Take the matches of two views from a to b, a batch of MATCHES after the other: names are made of no others."""
    found = []
    for batch in matches.select(_COLUMNS).to_batches():
        wanted = pc.and_(pc.equal(batch["view"], views[0]), pc.equal(batch["view_b"], views[1]))
        for side, name in (("a", a), ("b", b)):
            is_side = pc.or_(pc.equal(batch[f"source_{side}"], name), pc.equal(batch[f"path_{side}"], name))
            wanted = pc.and_(wanted, is_side)
        found.append(batch.filter(wanted))
    selected: pd.DataFrame = pa.Table.from_batches(found, matches.select(_COLUMNS).schema).to_pandas()
    return selected
