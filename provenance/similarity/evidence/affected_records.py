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
from provenance.licences.compatibility import loses
from provenance.similarity.evidence import shared_text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Pair:
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


def trace(
    tables: Mapping[str, pa.Table], purpose: str, minimum: int, originals: Mapping[str, str]
) -> tuple[pa.Table, list[Pair]]:
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
    licences = shared_text.known_licences(files)
    matches = shared_text.speaking(tables["matches"], licences, minimum, originals)
    columns = ["path", "source"]
    owner: dict[str, str] = dict(zip(*(files[name].to_pylist() for name in columns), strict=True))
    names = pa.array(list(owner), pa.string())
    a, b = (pc.index_in(matches[name], value_set=names).to_numpy().astype(np.int64) for name in ("path_a", "path_b"))
    keys = a * len(names) + b
    parents = _parents(tables["sources"])
    numbers: list[int] = []
    pairs: list[Pair] = []
    for key in np.unique(keys).tolist():
        path, other = (names[place].as_py() for place in divmod(key, len(names)))
        pair = _pair(path, other, owner, licences, purpose, parents, originals)
        if pair is not None:
            numbers.append(key)
            pairs.append(pair)
    known = np.array(numbers, np.int64)
    chosen = np.isin(keys, known)
    held = matches.filter(pa.array(chosen))
    made = {
        "path": held["path_a"], "row": held["row_a"], "other_path": held["path_b"], "other_row": held["row_b"],
        "pair": pa.array(np.searchsorted(known, keys[chosen])),
    }  # fmt: skip
    # a record stands there by its whole words and by its prompt: once is enough
    unique = pa.table(made).group_by(["path", "row", "other_path", "pair"]).aggregate([("other_row", "min")])
    table = schemas.conform(unique.rename_columns({"other_row_min": "other_row"}), schemas.TAINTS)
    return schemas.ordered(table, "path", "row", "pair"), pairs


def _parents(sources: pa.Table) -> dict[str, list[str]]:
    columns = (sources[name].to_pylist() for name in ("source", "parent"))
    return {source: str(parent or "").split("; ") for source, parent in zip(*columns, strict=True)}


def _pair(
    path: str,
    other: str,
    owner: Mapping[str, str],
    licences: Mapping[str, str | None],
    purpose: str,
    parents: Mapping[str, list[str]],
    originals: Mapping[str, str],
) -> Pair | None:
    """Say what the second file's licence withholds of the first one's text; None where nothing says that it does."""
    mild, strict = licences[path], licences[other]
    if strict is None or owner[path] in parents.get(owner[other], ()):
        return None
    ancestor = {"original": originals.get(path), "other": originals.get(other)}
    if ancestor["original"] is not None and ancestor["other"] in {None, ancestor["original"]}:
        return None
    forbidden = terms.right(strict, purpose).value == "no"
    allowed = terms.right(mild, purpose).value != "no"
    if not (forbidden and allowed) and not shared_text.milder(mild, strict, **ancestor):
        return None
    right = purpose if forbidden else loses(mild, strict)[0].right
    return Pair(path, owner[path], mild, other, owner[other], strict, right, forbidden)


def sentence(pair: Pair) -> str:
    """Say why records of a pair's first file are tainted."""
    says = f"does not allow {pair.right}" if pair.forbidden else f"withholds or asks for {pair.right}"
    return (
        f"Its text, its prompt or its answer stands, word for word or nearly so, in {pair.other_path} of "
        f"{pair.other_source} under {pair.other_licence}, which {says}."
    )
