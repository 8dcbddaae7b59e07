"""Taint by content: records whose text also stands under a licence that withholds what theirs grants.

One hop over verified matches, never further: that a copy of a near copy carries the licence cannot be proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from provenance.core.scratch.external_sort import Ordering, combine_keys
from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import match_batches, match_counts, match_kinds, shared_text
from provenance.similarity.evidence.evidence_rules import make_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

Ints = npt.NDArray[np.int64]


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


class AffectedRows(NamedTuple):
    """Some records that matches taint, each with another file once whatever the view.

    Args:
        pair: number of the pair of files, among those found so far.
        row: the record.
        other_row: the lowest matching row of the other file.
    """

    pair: Ints
    row: Ints
    other_row: Ints


class AffectedRecords:
    """The records of a scan that matches taint, a piece of MATCHES after the other: iterate, once.

    Args:
        tables: FILES, MATCHES and SOURCES by name.
        purpose: one of model.PURPOSES.
        minimum: distinctive shingles that a match must rest on.
        originals: path -> id of the known data set whose original file it is.
    """

    def __init__(
        self, tables: Mapping[str, pa.Table], purpose: str, minimum: int, originals: Mapping[str, str]
    ) -> None:
        self.pairs: list[AffectedPair] = []
        """The pairs of files of what was yielded so far, by number."""
        self._matches, self._purpose, self._originals = tables["matches"], purpose, originals
        files = tables["files"].select(["path", "source", "licence", "sha256"])
        self._licences = shared_text.licences_by_path(files)
        self._sources = dict(zip(*(files[name].to_pylist() for name in ("path", "source")), strict=True))
        self._parents = _parents_of_sources(tables["sources"])
        self._paths = [path for path, source in self._sources.items() if source is not None]
        self._rules = make_rules(self._paths, files, minimum=minimum, originals=originals, splits={})
        self._numbers: dict[int, int] = {}

    def __iter__(self) -> Iterator[AffectedRows]:
        width = max(1, len(self._paths))
        for rows in match_batches.iterate_by_record(self._matches, self._rules.paths):
            licensed = np.flatnonzero(match_counts.find_evidence(rows, self._rules) & match_kinds.LICENSED)
            keys, place = np.unique(rows.file_a[licensed] * width + rows.file_b[licensed], return_inverse=True)
            pair = np.array([self._number_pair(*divmod(key, width)) for key in keys.tolist()], np.int64)[place]
            row, other_row = rows.row_a[licensed], rows.row_b[licensed]
            order = np.lexsort((other_row, row, pair))
            order = order[pair[order] >= 0]
            pair, row, other_row = pair[order], row[order], other_row[order]
            # a record stands there by its whole words and by its prompt: once is enough
            once = np.flatnonzero((np.diff(pair, prepend=-1) != 0) | (np.diff(row, prepend=-1) != 0))
            yield AffectedRows(pair[once], row[once], other_row[once])

    def _number_pair(self, file: int, other: int) -> int:
        """Return the number of a pair of files; -1 where the other one withholds nothing."""
        key = file * len(self._paths) + other
        if key not in self._numbers:
            names = self._paths[file], self._paths[other]
            pair = _compare_licences(
                *names, self._sources, self._licences, self._purpose, self._parents, self._originals
            )
            self._numbers[key] = -1 if pair is None else len(self.pairs)
            self.pairs += [] if pair is None else [pair]
        return self._numbers[key]


_REASON = np.dtype([("key", "u8"), ("reason", "i8"), ("other", "i8"), ("other_row", "i8")])


class RankedRows(NamedTuple):
    """Some records, sorted, each with what weighs most of what is known of it.

    Args:
        file: number of the file.
        row: the record.
        rank: of the reason; the least weighs most.
        other: number of the other file.
        other_row: the record there.
    """

    file: Ints
    row: Ints
    rank: Ints
    other: Ints
    other_row: Ints


class RecordReasons:
    """Why records are listed: add it all, then iterate over records in order, in memory that does not grow with them.

    Args:
        folder: where they are put in order.
        files: how many files there are.
    """

    def __init__(self, folder: Path, files: int) -> None:
        self._files = files
        self._ordered = Ordering(folder, "reasons", _REASON)

    def add(self, file: Ints, row: Ints, *, reason: Ints, other: Ints, other_row: Ints) -> None:
        """Say of some records why they are listed.

        Args:
            file: number of each record's file.
            row: its number there.
            reason: number of the reason.
            other: number of the other file.
            other_row: the record there.
        """
        rows = np.empty(len(row), _REASON)
        rows["key"] = combine_keys(file, row, self._files)
        rows["reason"], rows["other"], rows["other_row"] = reason, other, other_row
        self._ordered.add(rows)

    def rank(self, reasons: Ints, others: Ints) -> Iterator[RankedRows]:
        """Yield every record once, with its first reason, then other file, then row there.

        Args:
            reasons: rank of each reason.
            others: rank of each other file.
        """
        shift = np.uint64(64 - max(1, self._files.bit_length()))
        for part in self._ordered:
            rank = reasons[part["reason"]]
            order = np.lexsort((part["other_row"], others[part["other"]], rank, part["key"]))
            key = part["key"][order]
            first = np.flatnonzero(np.r_[len(key) > 0, key[1:] != key[:-1]][: len(key)])
            order, key = order[first], key[first]
            row = (key & ((np.uint64(1) << shift) - np.uint64(1))).astype(np.int64)
            file = (key >> shift).astype(np.int64)
            yield RankedRows(file, row, rank[order], part["other"][order], part["other_row"][order])


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
