"""Where the texts stand that findings quote: bytes of the longer record, found by reading its file again.

That a record stands inside a longer one is known without its words, of every record. Where it stands there is looked
for once the checks have spoken, and for the rows of MATCHES alone whose record a finding shows: `select_quoted` names
them, `describe_texts` says what is looked for, `locate_spans` reads files again, `set_spans` writes it into MATCHES.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import VIEWS, Died
from provenance.pipeline.reading.file_bundles import cut_by_size
from provenance.pipeline.reading.read_pass import items
from provenance.readers import records
from provenance.similarity.candidates import distinct_texts
from provenance.similarity.evidence import spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from provenance.pipeline.matching.across_tasks import AcrossResult
    from provenance.pipeline.matching.match_plan import MatchPlan
    from provenance.pipeline.matching.match_tasks import ComparedView
    from provenance.pipeline.reading.file_bundles import FileToRead
    from provenance.sources.read_results import FileResult

Ints = np.ndarray[Any, np.dtype[np.int64]]

_MEMBERS_AT_A_TIME = 1 << 20  # members gone through at a time
_COLUMNS = ("view", "view_b", "path_a", "row_a", "path_b", "row_b")


class LocatedSpans(NamedTuple):
    """What was found of the quoted rows.

    Args:
        matches: MATCHES with the bytes at which quoted texts stand.
        changed: files that are not what they were; nothing was located in them.
        unplaced: files, or parts of the data, that could not be read again as they were at first.
    """

    matches: pa.Table
    changed: frozenset[str]
    unplaced: int


def locate_quoted(
    matches: pa.Table,
    findings: pa.Table,
    plan: MatchPlan,
    compared: Sequence[ComparedView],
    *,
    across: AcrossResult | None = None,
    files: Sequence[FileToRead],
    observed_files: FileResult,
    run: Callable[..., Iterator[tuple[int, Any]]],
) -> LocatedSpans:
    """Find where the texts stand that findings quote.

    Args:
        matches: MATCHES.
        findings: FINDINGS.
        plan: the plan.
        compared: what `compare_view` said of its tasks.
        across: what `compare_across` said, if it was asked.
        files: what was read.
        observed_files: what was seen of them.
        run: `map` of an engine.

    Returns:
        MATCHES with begin and end of these texts, and what could not be read again.
    """
    quoted = select_quoted(matches, findings)
    if not quoted.num_rows:
        return LocatedSpans(matches, frozenset(), 0)
    tasks = _describe_tasks(quoted, plan, compared, across)
    described = {tasks[number].views: result for number, result in run(describe_texts, tasks)}
    results = [result for _, result in run(locate_spans, _reread_tasks(quoted, described, plan, files, observed_files))]
    read = [each for each in results if isinstance(each, RereadResult)]
    found = np.concatenate([np.zeros((0, 3), np.int64), *(each.spans for each in read)])
    unplaced = sum(len(each.unread) for each in read) + len(results) - len(read)
    unplaced += sum(isinstance(each, Died) for each in described.values())
    return LocatedSpans(set_spans(matches, found), frozenset(path for each in read for path in each.changed), unplaced)


def select_quoted(matches: pa.Table, findings: pa.Table) -> pa.Table:
    """List the rows of MATCHES whose record stands inside a longer one and is shown by a finding.

    Args:
        matches: MATCHES.
        findings: FINDINGS; one that names another source quotes matches there alone.

    Returns:
        `place`, the number of the row, and view, view_b, path_a, row_a, path_b, row_b; in the order of MATCHES.
    """
    others: dict[tuple[str, int], set[str | None]] = {}
    for row in findings.select(["path", "row", "other"]).to_pylist():
        if row["row"] is not None:
            others.setdefault((row["path"], row["row"]), set()).add(row["other"])
    paths, numbers = (
        pa.array(sorted({key[place] for key in others}), kind) for place, kind in ((0, pa.string()), (1, pa.int64()))
    )
    found: list[dict[str, Any]] = []
    at = 0
    for batch in matches.to_batches() if others else ():
        shorter = pc.and_(pc.equal(batch["method"], "contained"), pc.less(batch["distinct_a"], batch["distinct_b"]))
        shown = pc.and_(pc.is_in(batch["path_a"], value_set=paths), pc.is_in(batch["row_a"], value_set=numbers))
        shown = pc.and_(shown, pc.is_in(batch["view_b"], value_set=pa.array(VIEWS)))  # not within one column
        places = np.flatnonzero(pc.and_(shorter, shown))
        for place, row in zip(places.tolist(), batch.take(pa.array(places)).to_pylist(), strict=True):
            if others.get((row["path_a"], row["row_a"]), set()) & {None, row["source_b"]}:
                found.append({"place": at + place} | {name: row[name] for name in _COLUMNS})
        at += len(batch)
    schema = pa.schema([pa.field("place", pa.int64()), *(matches.schema.field(name) for name in _COLUMNS)])
    return pa.Table.from_pylist(found, schema=schema)


def set_spans(matches: pa.Table, found: Ints) -> pa.Table:
    """Write where texts stand into MATCHES; only the pieces that hold such a row are made anew.

    Args:
        matches: MATCHES.
        found: int64[n, 3]: number of the row, begin and end.
    """
    found = found[np.argsort(found[:, 0])]
    for column, name in ((1, "start_b"), (2, "stop_b")):
        chunks, at = [], 0
        for chunk in matches[name].chunks:
            some = found[slice(*np.searchsorted(found[:, 0], (at, at + len(chunk))))]
            at += len(chunk)
            if len(some):
                values = pc.fill_null(chunk, -1).to_numpy(zero_copy_only=False).copy()
                values[some[:, 0] - (at - len(chunk))] = some[:, column]
                chunk = pa.array(values, mask=values < 0)  # noqa: PLW2901 - the same piece, filled in
            chunks.append(chunk)
        field = matches.schema.field(name)
        place = matches.schema.get_field_index(name)
        matches = matches.set_column(place, field, pa.chunked_array(chunks, field.type))
    return matches


@dataclass(frozen=True, slots=True)
class DescribeTask:
    """Records of one view that are looked for in others.

    Args:
        views: the view of the records, and the one of model.VIEWS in which they are looked for.
        scratch: the folder in which `compare_view` or `compare_across` left the nodes.
        file: the number of each record's file.
        row: its number there; of nodes of several views with that of its view.
    """

    views: tuple[str, str]
    scratch: str
    file: Ints
    row: Ints


def describe_texts(task: DescribeTask) -> spans.ShorterTexts:
    """Say what is looked for: hash, words and shingles of some records.

    Args:
        task: which.

    Returns:
        One text a record, in the order given.
    """
    nodes = distinct_texts.load_nodes(Path(task.scratch))
    node = nodes_of_records(nodes, task.file, task.row)
    sets = nodes.sets.select(node)
    ends = np.r_[0, np.cumsum(sets.sizes(slice(None)))]
    values = [sets.values[first:last] for first, last in zip(sets.start.tolist(), sets.stop.tolist(), strict=True)]
    return spans.ShorterTexts(
        nodes.low[node], nodes.words[node], ends[:-1], ends[1:], np.concatenate([np.zeros(0, np.uint64), *values])
    )


def nodes_of_records(nodes: distinct_texts.Nodes, file: Ints, row: Ints) -> Ints:
    """Find the nodes of a few records: one look through the members.

    Args:
        nodes: the nodes.
        file: the number of each record's file.
        row: its number there.
    """
    wanted: dict[tuple[int, int], list[int]] = {}
    for number, key in enumerate(zip(file.tolist(), row.tolist(), strict=True)):
        wanted.setdefault(key, []).append(number)
    found = np.zeros(len(file), np.int64)
    for at in range(0, len(nodes.row), _MEMBERS_AT_A_TIME):
        files, rows = (each[at : at + _MEMBERS_AT_A_TIME] for each in (nodes.file, nodes.row))
        near = np.flatnonzero(np.isin(rows, row))
        near = near[np.isin(files[near], file)]
        keys = files[near].tolist(), rows[near].tolist()
        for member, key in zip(near.tolist(), zip(*keys, strict=True), strict=True):
            found[wanted.get(key, [])] = int(np.searchsorted(nodes.first, at + member, "right")) - 1
    return found


class AskedTexts(NamedTuple):
    """Texts that are looked for in records of one view of one file, in the order of the records.

    Args:
        view: one of model.VIEWS.
        place: of each the row of MATCHES that asks.
        row: the record in which it stands.
        shorter: the texts.
    """

    view: str
    place: Ints
    row: Ints
    shorter: spans.ShorterTexts


@dataclass(frozen=True, slots=True)
class RereadTask:
    """Files of which it is asked where shorter texts stand in them.

    Args:
        files: what to read again.
        digests: SHA-256 of each file when it was read first; None where it was not read to its end.
        sought: what is looked for, by path of a file or member.
        fold_chinese: whether traditional characters count as their simplified ones.
    """

    files: tuple[FileToRead, ...]
    digests: tuple[str | None, ...]
    sought: Mapping[str, tuple[AskedTexts, ...]]
    fold_chinese: bool = False


@dataclass(frozen=True, slots=True)
class RereadResult:
    """What was read again.

    Args:
        spans: int64[n, 3]: row of MATCHES, begin and end in bytes of the longer record's view.
        changed: files that are not what they were; nothing was located in them.
        unread: files that could not be read again as they were at first; nothing was located in them either.
    """

    spans: Ints
    changed: tuple[str, ...]
    unread: tuple[str, ...] = ()


def locate_spans(task: RereadTask) -> RereadResult:
    """Read files again and find where shorter texts stand in them.

    Args:
        task: what to read, and what is asked.

    Returns:
        Where they stand, which files were not what they had been, and which could not be read again.
    """
    found: list[Ints] = [np.zeros((0, 3), np.int64)]
    changed: list[str] = []
    unread: list[str] = []
    for file, digest in zip(task.files, task.digests, strict=True):
        of_file: list[Ints] = []
        for item in items(file):
            if isinstance(item, records.Batch):
                of_file += [
                    _look_in_batch(item.table, each, task.fold_chinese) for each in task.sought.get(item.path, ())
                ]
            elif isinstance(item, Died) or _is_changed(item, file, digest):
                # only two digests that differ are of two files
                (unread if isinstance(item, Died) or None in (item.sha256, digest) else changed).append(file.path)
                of_file.clear()
        found += of_file
    return RereadResult(np.concatenate(found), tuple(changed), tuple(unread))


def _look_in_batch(batch: pa.RecordBatch, sought: AskedTexts, fold_chinese: bool) -> Ints:
    """Look for texts in the records of a batch that are asked about."""
    rows = batch["row"].to_numpy()  # they ascend
    some = slice(int(np.searchsorted(sought.row, rows[0])), int(np.searchsorted(sought.row, rows[-1], "right")))
    wanted, record = np.unique(sought.row[some], return_inverse=True)
    if not len(wanted):
        return np.zeros((0, 3), np.int64)
    longer = batch[sought.view].take(pa.array(np.searchsorted(rows, wanted)))
    shorter = sought.shorter.select(some)
    found = np.column_stack([sought.place[some], *spans.find_texts(longer, record, shorter, fold_chinese=fold_chinese)])
    located: Ints = found[found[:, 1] >= 0]
    return located


def _is_changed(item: records.Item, file: FileToRead, digest: str | None) -> TypeGuard[records.Account]:
    return isinstance(item, records.Account) and item.path == file.path and item.sha256 != digest


def _describe_tasks(
    quoted: pa.Table, plan: MatchPlan, compared: Sequence[ComparedView], across: AcrossResult | None
) -> list[DescribeTask]:
    """Say which records are to be described, view by view."""
    folders = {each.view: each.scratch for each in compared}
    tasks = []
    for views in dict.fromkeys(zip(*(quoted[name].to_pylist() for name in ("view", "view_b")), strict=True)):
        rows = _select_views(quoted, views)
        file = pc.index_in(rows["path_a"], value_set=pa.array(plan.paths)).to_numpy().astype(np.int64)
        row = rows["row_a"].to_numpy()
        if views[0] == views[1]:
            tasks.append(DescribeTask(views, folders[views[0]], file, row))
        elif across is not None:  # of two columns of one name the one that the record has
            own = distinct_texts.load_nodes(Path(across.scratch))
            numbers = [number for number, name in enumerate(plan.views.names) if name == views[0]]
            rows_of_views = [row | number << distinct_texts.ROW_BITS for number in numbers]
            packed = rows_of_views[0].copy()
            for each in rows_of_views[1:]:
                packed = np.where(_are_members(own, file, packed), packed, each)
            tasks.append(DescribeTask(views, across.scratch, file, packed))
    return tasks


def _are_members(nodes: distinct_texts.Nodes, file: Ints, row: Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which records are members of any node."""
    wanted = set(zip(file.tolist(), row.tolist(), strict=True))
    there: set[tuple[int, int]] = set()
    for at in range(0, len(nodes.row), _MEMBERS_AT_A_TIME):
        files, rows = (each[at : at + _MEMBERS_AT_A_TIME] for each in (nodes.file, nodes.row))
        near = np.flatnonzero(np.isin(rows, row) & np.isin(files, file))
        there |= wanted & set(zip(files[near].tolist(), rows[near].tolist(), strict=True))
    return np.array([each in there for each in zip(file.tolist(), row.tolist(), strict=True)], np.bool_)


def _select_views(quoted: pa.Table, views: tuple[str, str]) -> pa.Table:
    return quoted.filter(pc.and_(pc.equal(quoted["view"], views[0]), pc.equal(quoted["view_b"], views[1])))


def _reread_tasks(
    quoted: pa.Table,
    described: Mapping[tuple[str, str], spans.ShorterTexts | Died],
    plan: MatchPlan,
    files: Iterable[FileToRead],
    observed_files: FileResult,
) -> list[RereadTask]:
    """Say which files are to be read again; what could not be described is not looked for."""
    sought: dict[str, dict[str, tuple[AskedTexts, ...]]] = {}
    for views, shorter in described.items():
        rows = _select_views(quoted, views)
        if isinstance(shorter, Died):
            continue
        path, row = np.array(rows["path_b"].to_pylist(), object), rows["row_b"].to_numpy()
        for longer in dict.fromkeys(path.tolist()):
            some = np.flatnonzero(path == longer)
            some = some[np.argsort(row[some], kind="stable")]
            about = AskedTexts(views[1], rows["place"].to_numpy()[some], row[some], shorter.select(some))
            members = sought.setdefault(longer.split("!/", 1)[0], {})
            members[longer] = (*members.get(longer, ()), about)
    of_files = observed_files.files
    known = pc.is_in(of_files["path"], value_set=pa.array(sorted(sought), pa.string()))
    columns = (of_files[name].filter(known).to_pylist() for name in ("path", "sha256"))
    digests = dict(zip(*columns, strict=True))
    return [
        RereadTask(
            part,
            tuple(digests[file.path] for file in part),
            {path: texts for file in part for path, texts in sought[file.path].items()},
            plan.fold_chinese,
        )
        for part in cut_by_size(file for file in files if file.path in sought)
    ]
