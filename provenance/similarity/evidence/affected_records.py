"""Taint by content: records whose text also stands under a licence that withholds what theirs grants.

One hop over verified matches, never further: that a copy of a near copy carries the licence cannot be proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from provenance.core import schemas
from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import match_batches, match_counts, match_kinds, shared_text
from provenance.similarity.evidence.evidence_rules import make_rules

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class AffectedPair:
    """Two files of which the first holds text of the second.

    Args:
        path: the file whose records are tainted.
        source: its source.
        licence: its licence; None = unknown.
        other_path: the file under the stricter licence.
        other_source: its source.
        other_licence: its licence.
        right: what that licence withholds: a purpose, or an obligation that it asks for.
        forbidden: whether it forbids the purpose of the scan.
    """

    path: str
    source: str
    licence: str | None
    other_path: str
    other_source: str
    other_licence: str
    right: str
    forbidden: bool


def find_affected(
    tables: Mapping[str, pa.Table], purpose: str, minimum: int, originals: Mapping[str, str]
) -> tuple[pa.Table, list[AffectedPair]]:
    """Find the records that matches taint.

    Args:
        tables: FILES, MATCHES and SOURCES by name.
        purpose: one of model.PURPOSES.
        minimum: distinct shingles a record must have to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        TAINTS, each record and other file once whatever the view; and the pairs of files by number.
    """
    files = tables["files"]
    licences = shared_text.licences_by_path(files)
    columns = ["path", "source"]
    owner: dict[str, str] = dict(zip(*(files[name].to_pylist() for name in columns), strict=True))
    parents = _parents_of_sources(tables["sources"])
    paths = [path for path, source in owner.items() if source is not None]
    rules = make_rules(paths, files, minimum=minimum, originals=originals, splits={})
    pairs: dict[int, AffectedPair | None] = {}
    found: list[pa.Table] = []
    for rows in match_batches.iterate_by_record(tables["matches"], rules.paths):
        licensed = np.flatnonzero(match_counts.find_evidence(rows, rules) & match_kinds.LICENSED)
        keys = rows.file_a[licensed] * len(paths) + rows.file_b[licensed]
        for key in np.setdiff1d(keys, np.fromiter(pairs, np.int64, len(pairs))).tolist():
            path, other = (paths[place] for place in divmod(key, len(paths)))
            pairs[key] = _compare_licences(path, other, owner, licences, purpose, parents, originals)
        affecting = np.array([key for key, pair in pairs.items() if pair is not None], np.int64)
        some = np.isin(keys, affecting)
        named = {"pair": keys[some], "row": rows.row_a[licensed][some], "other_row": rows.row_b[licensed][some]}
        # a record stands there by its whole words and by its prompt: once is enough
        found.append(pa.table(named).group_by(["pair", "row"]).aggregate([("other_row", "min")]))
    return _name_affected(pa.concat_tables(found) if found else _NO_ROWS, rules.paths), [
        pair for _, pair in sorted(pairs.items()) if pair is not None
    ]


_NO_ROWS = pa.table({name: pa.array([], pa.int64()) for name in ("pair", "row", "other_row_min")})


def _name_affected(found: pa.Table, paths: pa.Array) -> pa.Table:
    """Make TAINTS of rows of which a pair is two numbers of files."""
    keys, number = np.unique(found["pair"].to_numpy(), return_inverse=True)
    a, b = np.divmod(keys, max(1, len(paths)))
    columns = {
        "path": paths.take(pa.array(a)).take(pa.array(number)), "row": found["row"],
        "other_path": paths.take(pa.array(b)).take(pa.array(number)), "other_row": found["other_row_min"],
        "pair": pa.array(number),
    }  # fmt: skip
    return schemas.ordered(schemas.conform(pa.table(columns), schemas.TAINTS), "path", "row", "pair")


def _parents_of_sources(sources: pa.Table) -> dict[str, list[str]]:
    columns = (sources[name].to_pylist() for name in ("source", "parent"))
    return {source: str(parent or "").split("; ") for source, parent in zip(*columns, strict=True)}


def _compare_licences(
    path: str,
    other: str,
    sources: Mapping[str, str],
    licences: Mapping[str, str | None],
    purpose: str,
    parents: Mapping[str, list[str]],
    originals: Mapping[str, str],
) -> AffectedPair | None:
    """Say what the second file's licence withholds of the first one's text; None where nothing says that it does."""
    mild, strict = licences[path], licences[other]
    if strict is None or sources[path] in parents.get(sources[other], ()):
        return None
    ancestor = {"original": originals.get(path), "other": originals.get(other)}
    if ancestor["original"] is not None and ancestor["other"] in {None, ancestor["original"]}:
        return None
    forbidden = terms.find_right(strict, purpose).value == "no"
    allowed = terms.find_right(mild, purpose).value != "no"
    if not (forbidden and allowed) and not shared_text.is_milder(mild, strict, **ancestor):
        return None
    right = purpose if forbidden else find_losses(mild, strict)[0].right
    return AffectedPair(path, sources[path], mild, other, sources[other], strict, right, forbidden)


def explain_pair(pair: AffectedPair) -> str:
    """Say why records of a pair's first file are tainted."""
    says = f"does not allow {pair.right}" if pair.forbidden else f"withholds or asks for {pair.right}"
    return (
        f"Its text, its prompt or its answer stands, word for word or nearly so, in {pair.other_path} of "
        f"{pair.other_source} under {pair.other_licence}, which {says}."
    )
