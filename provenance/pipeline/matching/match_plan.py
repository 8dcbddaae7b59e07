"""From what workers saw to OVERLAPS and counts of texts: files get numbers, work is cut, and parts are added up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.model import CHANGED, VIEWS, Died
from provenance.core.scratch.partitions import gather_partitions
from provenance.errors import InputError, LimitExceeded
from provenance.pipeline.matching import across_tasks, view_counts
from provenance.pipeline.matching.match_rows import RecordOrder, order_records
from provenance.pipeline.matching.match_tasks import (
    ComparedView,
    ExactResult,
    ExactTask,
    ViewTask,
)
from provenance.similarity.candidates import distinct_texts
from provenance.similarity.evidence import exact_matches
from provenance.similarity.index import source_sketches
from provenance.similarity.text import normalisation, shingles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from provenance.core.scratch.partitions import Partition
    from provenance.similarity.evidence.exact_matches import Ints
    from provenance.sources.read_results import BundleResult, FileResult

WorkerResult = TypeVar("WorkerResult")


@dataclass(frozen=True, slots=True)
class MatchPlan:
    """What is to be joined, and what the numbers mean.

    Args:
        view_tasks: one a view that holds anything.
        across: all views together; None where no record has a prompt or several columns of text.
        views: all views by number.
        paths: files and members by number, sorted.
        names: sources by number, sorted.
        owner: the number of each file's source.
        counts: records that have a view, by view and file.
        order: of records, and their partitions.
        sketches: scratch files of SKETCHED as (view, path, number in the scan of each of its bundle's files).
        fold_chinese: whether traditional characters count as their simplified ones.
    """

    view_tasks: tuple[ViewTask, ...]
    paths: tuple[str, ...]
    names: tuple[str, ...]
    owner: Ints
    counts: Mapping[str, Ints]
    order: RecordOrder
    sketches: tuple[tuple[str, str, Ints], ...] = ()
    fold_chinese: bool = False
    across: across_tasks.AcrossTask | None = None
    views: across_tasks.ViewNames = across_tasks.NO_COLUMNS

    def members(self, view: str) -> tuple[distinct_texts.MembersFile, ...]:
        """Return the scratch files of MEMBERS of a view."""
        return next((each.members for each in self.view_tasks if each.view == view), ())


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """What the comparison says.

    Args:
        overlaps: OVERLAPS.
        distinct_files: distinct normalised texts by file.
        distinct_sources: distinct normalised texts by source.
        texts: records with text by source.
        pivoted: records that were compared with one file alone.
        pivoted_near: distinct texts that were compared for near matches with pivots alone.
        first_file_only: records of which only the first file with a near match is listed.
        not_anchored: distinct texts that were not looked for inside longer ones.
        thinned: distinct texts that stand in more longer ones than are kept.
        boilerplate_count: shingles that are boilerplate, by view.
        repeats: exact_matches.REPEATED of whole records, files by number.
        short: distinct texts that are too short to be looked for inside longer ones.
        short_fields: texts of columns that are too short to be compared by themselves.
        across: what `compare_across` said, if it was asked.
        unplaced: parts of the data that could not be read again.
    """

    overlaps: pa.Table
    distinct_files: dict[str, int]
    distinct_sources: dict[str, int]
    texts: dict[str, int]
    pivoted: int
    pivoted_near: int
    first_file_only: int
    not_anchored: int
    thinned: int
    boilerplate_count: Mapping[str, int]
    repeats: pa.Table
    short: int = 0
    short_fields: int = 0
    across: across_tasks.AcrossResult | None = None
    unplaced: int = 0


def make_plan(
    bundles: Sequence[BundleResult],
    observed_files: FileResult,
    *,
    covering: Callable[[str], str],
    scratch: Path,
    workers: int,
    fold_chinese: bool = False,
) -> MatchPlan:
    """Number files and sources, and bring together the scratch files of each view.

    Args:
        bundles: the bundles.
        observed_files: what they saw.
        covering: path -> source.
        scratch: folder for matches.
        workers: processes that share the work.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        The plan; its tasks are for `match_tasks.compare_view`, whole records first, whose sets are the largest, so that
        they are not waited for at the end.
    """
    paths = tuple(observed_files.files["path"].to_pylist())
    owners = [covering(path) for path in paths]
    names = tuple(sorted(set(owners)))
    place = {name: k for k, name in enumerate(names)}
    owner = np.array([place[name] for name in owners], np.int64)
    members = [
        (view, distinct_texts.MembersFile(path, observed_files.places[part.bundle]), part.bundle)
        for part in bundles
        for view, path in part.parts
    ]
    sets: dict[str, list[tuple[str, str]]] = {}
    for part in bundles:
        for each in part.sets:
            sets.setdefault(each[0], []).append(each)
    paths_by_view = {view: tuple(path for _, path in group) for view, group in sets.items()}
    across = sets.keys() - {"whole"} and np.count_nonzero(np.asarray(observed_files.files["whole"])) > 1
    threads = max(1, workers // max(1, len(sets.keys() & {*VIEWS})))
    counts = {view: np.asarray(observed_files.files[view]) for view in VIEWS}
    order = order_records(owner, counts["whole"])
    likenesses = tuple(
        ViewTask(
            view,
            paths_by_view[view],
            tuple(each for of, each, _ in members if of == view),
            owner,
            str(scratch / f"near-{view}"),
            str(scratch / f"rows-{view}-near"),
            order,
            workers,
            threads,
            keep=bool(across),
        )
        for view in VIEWS
        if view in sets
    )
    views, numbers = across_tasks.name_views(bundles)
    across_task = across_tasks.make_task(
        paths_by_view, members, numbers, sources=owner, scratch=str(scratch / "near-across"),
        target=str(scratch / "rows-across"), order=order, threads=workers,
    ) if across else None  # fmt: skip
    sketched = tuple(
        (view, path, observed_files.places[part.bundle]) for part in bundles for view, path in part.sketches
    )
    return MatchPlan(likenesses, paths, names, owner, counts, order, sketched, fold_chinese, across_task, views)


def exact_tasks(plan: MatchPlan, compared: Sequence[ComparedView]) -> list[ExactTask]:
    """Say which nodes are to be matched word for word, part by part.

    Args:
        plan: the plan.
        compared: what `resemble` said of its likenesses.

    Returns:
        Parts for `match_tasks.match_exactly`.
    """
    return [
        ExactTask(each.view, each.scratch, first, last, f"{each.scratch}-exact-{number}", plan.order)
        for each in compared
        for number, (first, last) in enumerate(pairwise(each.cuts))
    ]


def gather_matches(
    exact: Sequence[ExactResult], compared: Sequence[ComparedView], across: across_tasks.AcrossResult | None = None
) -> list[Partition]:
    """Bring together the matches of the same records.

    Args:
        exact: what `match_exactly` found in its tasks, in any order.
        compared: what `compare_view` said of its tasks.
        across: what `compare_across` said, if it was asked.

    Returns:
        Partitions of `match_rows.MATCH_ROWS`.
    """
    more = () if across is None else (across.rows,)
    return gather_partitions([*(part.rows for part in exact), *(part.rows for part in compared), *more])


def unite_sketches(plan: MatchPlan) -> pa.Table:
    """Unite the sketches of files to those of sources, file after file: a source's part never needs a coarser scale.

    Args:
        plan: the plan.

    Returns:
        SKETCHES, one row a source and view that has records; the same whatever the bundles.
    """
    rows: list[dict[str, Any]] = []
    shingle = normalisation.name_with_folding(shingles.SHINGLE, fold_chinese=plan.fold_chinese)
    for view in VIEWS:
        parts: dict[int, list[tuple[pa.Table, int]]] = {}
        for _, path, numbers in (each for each in plan.sketches if each[0] == view):
            table = _read_arrow(path)
            for row, owner in enumerate(plan.owner[numbers[table["file"].to_numpy()]].tolist()):
                parts.setdefault(owner, []).append((table, row))
        records = np.bincount(plan.owner, plan.counts[view], len(plan.names)).astype(int).tolist()
        for number, (name, count) in enumerate(zip(plan.names, records, strict=True)):
            if count:
                scale, hashes = source_sketches.unite_sketches(
                    source_sketches.read_sketch(*part) for part in parts.get(number, ())
                )
                rows.append(
                    {
                        "source": name, "view": view, "shingle": shingle, "scale": scale, "records": count,
                        "shingles": scale * len(hashes), "hashes": hashes,
                    }
                )  # fmt: skip
    return schemas.ordered(schemas.rows(rows, schemas.SKETCHES), "source", "view")


def mark_changed(observed_files: FileResult, changed: Collection[str]) -> FileResult:
    """Say of files that were read again that they were not what they had been.

    Args:
        observed_files: what was seen at first.
        changed: their paths.

    Returns:
        The same, with a reason on the account of a file that changed.
    """
    column = observed_files.files.schema.get_field_index("skip_reason")
    hit = pc.is_in(observed_files.files["path"], value_set=pa.array(sorted(changed), pa.string()))
    reasons = pc.if_else(hit, CHANGED, observed_files.files["skip_reason"])
    return replace(
        observed_files,
        files=observed_files.files.set_column(column, observed_files.files.schema.field(column), reasons),
    )


def assemble_result(
    plan: MatchPlan,
    exact: Sequence[ExactResult],
    compared: Sequence[ComparedView],
    *,
    across: across_tasks.AcrossResult | None = None,
    short_fields: int = 0,
) -> ComparisonResult:
    """Add up what the parts say.

    Args:
        plan: the plan.
        exact: what `match_exactly` found in its tasks, in any order.
        compared: what `resemble` said of its likenesses, in any order.
        across: what `compare_across` said, if it was asked.
        short_fields: texts of columns that are too short to be compared by themselves.

    Returns:
        OVERLAPS and counts.
    """
    whole = [each.exact for each in exact if each.view == "whole"]
    texts = np.bincount(plan.owner, plan.counts["whole"], len(plan.names)).astype(int).tolist()
    return ComparisonResult(
        overlaps=_make_overlaps(plan, exact, compared),
        distinct_files=_add_pairs([each.distinct_files for each in whole], plan.paths),
        distinct_sources=_add_pairs([each.distinct_sources for each in whole], plan.names),
        texts=dict(zip(plan.names, texts, strict=True)),
        pivoted=sum(each.exact.pivoted for each in exact),
        pivoted_near=sum(each.pivoted for each in compared),
        first_file_only=sum(each.first_file_only for each in compared),
        not_anchored=sum(each.not_anchored for each in compared),
        thinned=sum(each.thinned for each in compared),
        boilerplate_count={each.view: each.boilerplate_count for each in compared},
        short=sum(each.short for each in compared),
        short_fields=short_fields,
        across=across,
        repeats=exact_matches.add_repeats([each.repeats for each in whole]),
    )


def require_results(parts: Iterable[WorkerResult | Died]) -> list[WorkerResult]:
    """Return what workers made.

    Args:
        parts: of one step.

    Raises:
        InputError: one of them died; LimitExceeded: for taking more memory than the scan may have.
    """
    done: list[WorkerResult] = []
    for part in parts:
        if isinstance(part, Died):
            if part.capped:
                raise LimitExceeded(f"the records could not be compared: {part.reason}; give it more --memory")
            raise InputError(f"the records could not be compared: {part.reason}; there may be too little memory")
        done.append(part)
    return done


def _add_pairs(parts: Iterable[Ints], names: Sequence[str]) -> dict[str, int]:
    total = np.zeros(len(names), np.int64)
    for part in parts:
        total[: len(part)] += part
    return dict(zip(names, total.tolist(), strict=True))


def _read_arrow(path: str) -> pa.Table:
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def _make_overlaps(plan: MatchPlan, exact: Sequence[ExactResult], compared: Sequence[ComparedView]) -> pa.Table:
    """Make OVERLAPS: for each view pairs of whole sources, then pairs of files."""
    rows: list[dict[str, Any]] = []
    for view in VIEWS:
        parts = [each.exact for each in exact if each.view == view]
        others = [each.counts for each in compared if each.view == view]
        sizes = plan.counts[view]
        totals = np.bincount(plan.owner, sizes, len(plan.names)).astype(int)
        of_sources = [
            [part.sources for part in parts],
            [part["sources"] for part in others],
            [*(part.sources_distinctive for part in parts), *(part["sources_distinctive"] for part in others)],
            [part["sources_inside"] for part in others],
        ]
        for a, b, *counts in _merge_pair_kinds(of_sources):
            ends = {"source_a": plan.names[a], "path_a": None, "source_b": plan.names[b], "path_b": None}
            rows.append(_overlap_row(view, ends, totals[a], totals[b], counts))
        of_files = [
            [part.files for part in parts],
            [part["files"] for part in others],
            [*(part.files_distinctive for part in parts), *(part["files_distinctive"] for part in others)],
            [part["files_inside"] for part in others],
        ]
        for a, b, *counts in _merge_pair_kinds(of_files):
            ends = {
                "source_a": plan.names[plan.owner[a]], "path_a": plan.paths[a],
                "source_b": plan.names[plan.owner[b]], "path_b": plan.paths[b],
            }  # fmt: skip
            rows.append(_overlap_row(view, ends, sizes[a], sizes[b], counts))
    return schemas.rows(rows, schemas.OVERLAPS)


def make_across_overlaps(
    plan: MatchPlan, counted: view_counts.AcrossCounts, across: across_tasks.AcrossResult
) -> pa.Table:
    """Make the rows of OVERLAPS between views: pairs of whole sources, then pairs of files.

    Args:
        plan: the plan.
        counted: from `match_table.make_match_tables`.
        across: what `compare_across` said.

    Returns:
        OVERLAPS, for the end of the table.
    """
    names = plan.views.names
    sizes: dict[tuple[str, int], int] = {}
    for (view, file), count in across.counts.items():
        sizes[names[view], file] = sizes.get((names[view], file), 0) + count
    totals: dict[tuple[str, int], int] = {}
    for (name, file), count in sizes.items():
        totals[name, int(plan.owner[file])] = totals.get((name, int(plan.owner[file])), 0) + count
    for name in VIEWS:
        found = np.bincount(plan.owner, plan.counts[name], len(plan.names)).astype(int).tolist()
        totals |= {(name, owner): count for owner, count in enumerate(found)}

    def size_of_file(name: str, file: int) -> int:
        return int(plan.counts[name][file]) if name in VIEWS else sizes.get((name, file), 0)

    rows: list[dict[str, Any]] = []
    for (view, view_b, a, b), counts in view_counts.list_pairs(counted.sources):
        ends = {"source_a": plan.names[a], "path_a": None, "source_b": plan.names[b], "path_b": None}
        of_a, of_b = totals.get((names[view], a), 0), totals.get((names[view_b], b), 0)
        rows.append(_overlap_row(names[view], ends, of_a, of_b, counts) | {"view_b": names[view_b]})
    for (view, view_b, a, b), counts in view_counts.list_pairs(counted.files):
        ends = {
            "source_a": plan.names[plan.owner[a]], "path_a": plan.paths[a],
            "source_b": plan.names[plan.owner[b]], "path_b": plan.paths[b],
        }  # fmt: skip
        of_a, of_b = size_of_file(names[view], a), size_of_file(names[view_b], b)
        rows.append(_overlap_row(names[view], ends, of_a, of_b, counts) | {"view_b": names[view_b]})
    return schemas.rows(rows, schemas.OVERLAPS)


def _merge_pair_kinds(kinds: Sequence[list[pa.Table]]) -> Iterable[tuple[int, ...]]:
    """Add up PAIRS that are exact, near, distinctive, inside.

    Yields:
        a, b, exact, near with exact included, distinctive, of a inside b, of b inside a; sorted.
    """
    both: dict[tuple[int, int], list[int]] = {}
    for kind, tables in enumerate(kinds):
        for a, b, count in zip(
            *(exact_matches.add_pairs(tables)[name].to_pylist() for name in exact_matches.PAIRS.names), strict=True
        ):
            both.setdefault((a, b), [0, 0, 0, 0])[kind] = count
            both.setdefault((b, a), [0, 0, 0, 0])
    return (
        (a, b, same, same + near, telling, within, both[b, a][3])
        for (a, b), (same, near, telling, within) in sorted(both.items())
    )


def _overlap_row(
    view: str, ends: Mapping[str, str | None], size_a: int, size_b: int, counts: Sequence[int]
) -> dict[str, Any]:
    same, near, telling, ab, ba = counts
    return {
        "view": view, "view_b": view, **ends, "records_a": int(size_a), "records_b": int(size_b), "exact": same,
        "near": near, "near_distinctive": telling, "contained_ab": ab, "contained_ba": ba,
    }  # fmt: skip
