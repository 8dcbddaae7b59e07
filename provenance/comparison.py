"""From what workers saw to MATCHES and OVERLAPS: files get numbers, partitions are joined, numbers get names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import schemas
from provenance.errors import InputError, LimitExceeded
from provenance.joining import Join, Joined, Likened, Likeness, Located, Rereading
from provenance.model import VIEWS, Died
from provenance.observation import cut
from provenance.similarity import exact, shingles, sketches, text, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from provenance.observation import File, Observed, Seen
    from provenance.similarity.exact import Ints

Part = TypeVar("Part")

_CHUNK = 1 << 18  # rows of MATCHES made at a time


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be joined, and what the numbers mean.

    Args:
        joins: one a view and partition that holds anything.
        likenesses: one a view that holds anything.
        paths: files and members by number, sorted.
        names: sources by number, sorted.
        owner: the number of each file's source.
        counts: records that have a view, by view and file.
        sketches: scratch files of SKETCHED as (view, path, number in the scan of each of its bundle's files).
        fold_chinese: whether traditional characters count as their simplified ones.
    """

    joins: tuple[Join, ...]
    likenesses: tuple[Likeness, ...]
    paths: tuple[str, ...]
    names: tuple[str, ...]
    owner: Ints
    counts: Mapping[str, Ints]
    sketches: tuple[tuple[str, str, Ints], ...] = ()
    fold_chinese: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison says.

    Args:
        matches: MATCHES.
        overlaps: OVERLAPS.
        distinct_files: distinct normalised texts by file.
        distinct_sources: distinct normalised texts by source.
        texts: records with text by source.
        pivoted: records that were compared with one file alone.
        aside: distinct texts that were compared for near matches with pivots alone.
        shortened: records of which only the first file with a near match is listed.
        crowded: distinct texts that were not looked for inside longer ones.
        thinned: distinct texts that stand in more longer ones than are kept.
        common: shingles that are boilerplate, by view.
        unplaced: parts of the data that could not be read again.
    """

    matches: pa.Table
    overlaps: pa.Table
    distinct_files: dict[str, int]
    distinct_sources: dict[str, int]
    texts: dict[str, int]
    pivoted: int
    aside: int
    shortened: int
    crowded: int
    thinned: int
    common: Mapping[str, int]
    unplaced: int


def plan(
    observed: Sequence[Observed],
    seen: Sequence[Seen],
    covering: Callable[[str], str],
    exchange: Callable[..., dict[Any, list[Any]]],
    scratch: Path,
    workers: int,
    *,
    fold_chinese: bool = False,
) -> Plan:
    """Number files and sources, and bring together the scratch files of each view and partition.

    Args:
        observed: the bundles.
        seen: what they saw, sorted by path.
        covering: path -> source.
        exchange: of an engine.
        scratch: folder for matches.
        workers: processes that share the work.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        The plan; its joins are for `joining.gather`, its likenesses for `joining.resemble`.
    """
    paths = tuple(each.account.path for each in seen)
    number = {path: k for k, path in enumerate(paths)}
    names = tuple(sorted({covering(path) for path in paths}))
    place = {name: k for k, name in enumerate(names)}
    owner = np.array([place[covering(path)] for path in paths], np.int64)
    local = {part.bundle: np.array([number[each.account.path] for each in part.seen], np.int64) for part in observed}
    written = [(view, of, path, local[part.bundle]) for part in observed for view, of, path in part.parts]
    joins = tuple(
        Join(
            view,
            tuple((path, numbers) for _, _, path, numbers in group),
            owner,
            str(scratch / f"near-{view}"),
            str(scratch / f"rows-{view}-{of}"),
        )
        for (view, of), group in sorted(exchange(written, lambda item: item[:2]).items())
    )
    sets = exchange((each for part in observed for each in part.sets), lambda item: item[0])
    threads = max(1, workers // max(1, len(sets)))
    likenesses = tuple(
        Likeness(
            view,
            tuple(path for _, path in group),
            tuple(join for join in joins if join.view == view),
            str(scratch / f"near-{view}"),
            str(scratch / f"rows-{view}-near"),
            threads,
        )
        for view, group in sorted(sets.items())
    )
    counts = {view: np.array([each.views[view] for each in seen], np.int64) for view in VIEWS}
    sketched = tuple((view, path, local[part.bundle]) for part in observed for view, path in part.sketches)
    return Plan(joins, likenesses, paths, names, owner, counts, sketched, fold_chinese)


def sketch(plan: Plan) -> pa.Table:
    """Unite the sketches of files to those of sources, file after file: a source's part never needs a coarser scale.

    Args:
        plan: the plan.

    Returns:
        SKETCHES, one row a source and view that has records; the same whatever the bundles.
    """
    rows: list[dict[str, Any]] = []
    shingle = text.named(shingles.SHINGLE, fold_chinese=plan.fold_chinese)
    for view in VIEWS:
        parts: dict[int, list[tuple[pa.Table, int]]] = {}
        for _, path, numbers in (each for each in plan.sketches if each[0] == view):
            table = _read(path)
            for row, owner in enumerate(plan.owner[numbers[table["file"].to_numpy()]].tolist()):
                parts.setdefault(owner, []).append((table, row))
        records = np.bincount(plan.owner, plan.counts[view], len(plan.names)).astype(int).tolist()
        for number, (name, count) in enumerate(zip(plan.names, records, strict=True)):
            if count:
                scale, hashes = sketches.unite(sketches.read(*part) for part in parts.get(number, ()))
                rows.append(
                    {
                        "source": name, "view": view, "shingle": shingle, "scale": scale, "records": count,
                        "shingles": scale * len(hashes), "hashes": hashes,
                    }
                )  # fmt: skip
    return schemas.ordered(schemas.rows(rows, schemas.SKETCHES), "source", "view")


def reread(plan: Plan, likened: Sequence[Likened], files: Sequence[File], seen: Sequence[Seen]) -> list[Rereading]:
    """Say which files are to be read again, to find where shorter texts stand in them.

    Args:
        plan: the plan.
        likened: what `resemble` said of its likenesses.
        files: what was read.
        seen: what was seen of them.

    Returns:
        Parts for `joining.locate`.
    """
    asked = {each.view: (each.inside, each.sets) for each in likened}
    numbers = {number for each in likened for number in pc.unique(_read(each.inside)["file_b"]).to_pylist()}
    wanted: dict[str, dict[str, int]] = {}
    for number in sorted(numbers):
        path = plan.paths[number]
        wanted.setdefault(path.split("!/", 1)[0], {})[path] = number
    digests = {each.account.path: each.account.sha256 for each in seen}
    return [
        Rereading(
            part,
            tuple(digests[file.path] for file in part),
            {k: v for file in part for k, v in wanted[file.path].items()},
            asked,
            plan.fold_chinese,
        )
        for part in cut(file for file in files if file.path in wanted)
    ]


def unchanged(seen: Sequence[Seen], located: Sequence[Located | Died]) -> list[Seen]:
    """Say of files that were read again whether they were still what they had been.

    Args:
        seen: what was seen at first.
        located: what `locate` said.

    Returns:
        The same, with a reason on the account of a file that changed.
    """
    changed = {path for each in located if isinstance(each, Located) for path in each.changed}
    return [
        replace(each, account=replace(each.account, skip_reason="file-changed-during-scan"))
        if each.account.path in changed
        else each
        for each in seen
    ]


def tabulate(
    plan: Plan, joined: Sequence[Joined], likened: Sequence[Likened], located: Sequence[Located | Died]
) -> Compared:
    """Add up the partitions and put names on numbers.

    Args:
        plan: the plan.
        joined: what `gather` said of its joins, in any order.
        likened: what `resemble` said of its likenesses, in any order.
        located: what `locate` said, in any order; what died leaves its texts without a place.

    Returns:
        Tables and counts.
    """
    whole = [each.exact for each in joined if each.view == "whole"]
    texts = np.bincount(plan.owner, plan.counts["whole"], len(plan.names)).astype(int).tolist()
    return Compared(
        matches=_matches(plan, joined, likened, [each for each in located if not isinstance(each, Died)]),
        overlaps=_overlaps(plan, joined, likened),
        distinct_files=_added([each.distinct_files for each in whole], plan.paths),
        distinct_sources=_added([each.distinct_sources for each in whole], plan.names),
        texts=dict(zip(plan.names, texts, strict=True)),
        pivoted=sum(each.exact.pivoted for each in joined),
        aside=sum(each.pivoted for each in likened),
        shortened=sum(each.shortened for each in likened),
        crowded=sum(each.aside for each in likened),
        thinned=sum(each.thinned for each in likened),
        common={each.view: each.common for each in likened},
        unplaced=sum(isinstance(each, Died) for each in located),
    )


def alive(parts: Iterable[Part | Died]) -> list[Part]:
    """Return what workers made.

    Args:
        parts: of one step.

    Raises:
        InputError: one of them died; LimitExceeded: for taking more memory than the scan may have.
    """
    done: list[Part] = []
    for part in parts:
        if isinstance(part, Died):
            if part.capped:
                raise LimitExceeded(f"the records could not be compared: {part.reason}; give it more --memory")
            raise InputError(f"the records could not be compared: {part.reason}; there may be too little memory")
        done.append(part)
    return done


def _added(parts: Iterable[Ints], names: Sequence[str]) -> dict[str, int]:
    total = np.zeros(len(names), np.int64)
    for part in parts:
        total[: len(part)] += part
    return dict(zip(names, total.tolist(), strict=True))


def _matches(plan: Plan, joined: Sequence[Joined], likened: Sequence[Likened], located: Sequence[Located]) -> pa.Table:
    """Put names on ROWS, sorted as MATCHES is sealed."""
    made = []
    for view in VIEWS:
        tables = [_read(each.rows) for each in joined if each.view == view]
        near = [_read(each.rows) for each in likened if each.view == view]
        exactly, total = (sum(table.num_rows for table in some) for some in (tables, tables + near))
        if not total:
            continue
        rows = pa.concat_tables(tables + near)
        start, stop = _spans(total, exactly, [each.spans[view] for each in located if view in each.spans])
        a = rows["file_a"].to_numpy()
        order = np.lexsort((rows["file_b"].to_numpy(), rows["row_a"].to_numpy(), a, plan.owner[a]))
        held = {name: rows[name].to_numpy() for name in exact.ROWS.names} | {"start": start, "stop": stop}
        made += [
            _named(plan, view, {name: column[of] for name, column in held.items()}, of < exactly)
            for of in np.array_split(order, -(-total // _CHUNK))
        ]
    return pa.concat_tables(made) if made else schemas.empty(schemas.MATCHES)


def _named(plan: Plan, view: str, rows: Mapping[str, Ints], exactly: Any) -> pa.Table:
    """Make MATCHES of some rows."""
    path_names, source_names = pa.array(plan.paths, pa.string()), pa.array(plan.names, pa.string())
    a, b = rows["file_a"], rows["file_b"]
    shared, distinct_a, distinct_b = (rows[name] for name in ("shared", "distinct_a", "distinct_b"))
    method = np.where(exactly, 0, np.where(verify.is_near(shared, distinct_a, distinct_b), 1, 2))
    columns: dict[str, Any] = {
        "view": pa.repeat(view, len(a)),
        "source_a": source_names.take(pa.array(plan.owner[a])),
        "path_a": path_names.take(pa.array(a)),
        "row_a": rows["row_a"],
        "source_b": source_names.take(pa.array(plan.owner[b])),
        "path_b": path_names.take(pa.array(b)),
        "row_b": rows["row_b"],
        "jaccard": shared / (distinct_a + distinct_b - shared),
        "shared": shared,
        "distinct_a": distinct_a,
        "distinct_b": distinct_b,
        "method": pa.array(["exact", "near", "contained"]).take(pa.array(method)),
        "distinctive": rows["distinctive"],
        "start_b": pa.array(rows["start"], mask=rows["start"] < 0),
        "stop_b": pa.array(rows["stop"], mask=rows["stop"] < 0),
    }
    return schemas.conform(pa.table(columns), schemas.MATCHES)


def _spans(total: int, exactly: int, located: Sequence[tuple[Ints, Ints, Ints]]) -> tuple[Ints, Ints]:
    """Return where the record of each row begins and ends in its match, -1 where that is not known."""
    start, stop = np.full(total, -1), np.full(total, -1)
    for place, begins, ends in located:
        start[exactly + place], stop[exactly + place] = begins, ends
    return start, stop


def _read(path: str) -> pa.Table:
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def _overlaps(plan: Plan, joined: Sequence[Joined], likened: Sequence[Likened]) -> pa.Table:
    """Make OVERLAPS: for each view pairs of whole sources, then pairs of files."""
    rows: list[dict[str, Any]] = []
    for view in VIEWS:
        parts = [each.exact for each in joined if each.view == view]
        others = [each.counts for each in likened if each.view == view]
        sizes = plan.counts[view]
        totals = np.bincount(plan.owner, sizes, len(plan.names)).astype(int)
        of_sources = [
            [part.sources for part in parts],
            [part["sources"] for part in others],
            [*(part.sources_distinctive for part in parts), *(part["sources_distinctive"] for part in others)],
            [part["sources_inside"] for part in others],
        ]
        for a, b, *counts in _pairs(of_sources):
            ends = {"source_a": plan.names[a], "path_a": None, "source_b": plan.names[b], "path_b": None}
            rows.append(_overlap(view, ends, totals[a], totals[b], counts))
        of_files = [
            [part.files for part in parts],
            [part["files"] for part in others],
            [*(part.files_distinctive for part in parts), *(part["files_distinctive"] for part in others)],
            [part["files_inside"] for part in others],
        ]
        for a, b, *counts in _pairs(of_files):
            ends = {
                "source_a": plan.names[plan.owner[a]], "path_a": plan.paths[a],
                "source_b": plan.names[plan.owner[b]], "path_b": plan.paths[b],
            }  # fmt: skip
            rows.append(_overlap(view, ends, sizes[a], sizes[b], counts))
    return schemas.rows(rows, schemas.OVERLAPS)


def _pairs(kinds: Sequence[list[pa.Table]]) -> Iterable[tuple[int, ...]]:
    """Add up PAIRS that are exact, near, distinctive, inside.

    Yields:
        a, b, exact, near with exact included, distinctive, of a inside b, of b inside a; sorted.
    """
    both: dict[tuple[int, int], list[int]] = {}
    for kind, tables in enumerate(kinds):
        for a, b, count in zip(*(exact.add_pairs(tables)[name].to_pylist() for name in exact.PAIRS.names), strict=True):
            both.setdefault((a, b), [0, 0, 0, 0])[kind] = count
            both.setdefault((b, a), [0, 0, 0, 0])
    return (
        (a, b, same, same + near, telling, within, both[b, a][3])
        for (a, b), (same, near, telling, within) in sorted(both.items())
    )


def _overlap(
    view: str, ends: Mapping[str, str | None], size_a: int, size_b: int, counts: Sequence[int]
) -> dict[str, Any]:
    same, near, telling, ab, ba = counts
    return {
        "view": view, **ends, "records_a": int(size_a), "records_b": int(size_b), "exact": same, "near": near,
        "near_distinctive": telling, "contained_ab": ab, "contained_ba": ba,
    }  # fmt: skip
