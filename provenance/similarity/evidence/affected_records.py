"""Taint by content: records whose text also stands under a licence that withholds what theirs grants.

One hop over verified matches, never further: that a copy of a near copy carries the licence cannot be proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import shared_text

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
    matches = shared_text.select_licence_evidence(tables["matches"], licences, minimum, originals)
    columns = ["path", "source"]
    owner: dict[str, str] = dict(zip(*(files[name].to_pylist() for name in columns), strict=True))
    names = pa.array(list(owner), pa.string())
    a, b = (pc.index_in(matches[name], value_set=names).to_numpy().astype(np.int64) for name in ("path_a", "path_b"))
    keys = a * len(names) + b
    parents = _parents_of_sources(tables["sources"])
    numbers: list[int] = []
    pairs: list[AffectedPair] = []
    for key in np.unique(keys).tolist():
        path, other = (names[place].as_py() for place in divmod(key, len(names)))
        pair = _compare_licences(path, other, owner, licences, purpose, parents, originals)
        if pair is not None:
            numbers.append(key)
            pairs.append(pair)
    pair_keys = np.array(numbers, np.int64)
    is_affected = np.isin(keys, pair_keys)
    affected = matches.filter(pa.array(is_affected))
    columns_of_pair = {
        "path": affected["path_a"], "row": affected["row_a"],
        "other_path": affected["path_b"], "other_row": affected["row_b"],
        "pair": pa.array(np.searchsorted(pair_keys, keys[is_affected])),
    }  # fmt: skip
    # a record stands there by its whole words and by its prompt: once is enough
    unique = pa.table(columns_of_pair).group_by(["path", "row", "other_path", "pair"]).aggregate([("other_row", "min")])
    table = schemas.conform(unique.rename_columns({"other_row_min": "other_row"}), schemas.TAINTS)
    return schemas.ordered(table, "path", "row", "pair"), pairs


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
