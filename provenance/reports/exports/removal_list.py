"""The removal list: which records the findings of a scan taint, for whatever builds the training data.

Two kinds of records stand in it: all of the files that a finding is about (its licence forbids the purpose, none is
stated, ...), and records whose text also stands under a licence that withholds what theirs grants. The latter also
where an earlier scan of the same ledger saw it and the stricter twin has left since: a file with the same bytes holds
the same copies. Findings that name no records are told, never dropped silently.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import ledger, profiles
from provenance.checks import CHECKS, licence_conflict_by_content, licence_forbids_purpose
from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import SEVERITIES
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, InputError
from provenance.ledger import layout
from provenance.ledger.exports.export_format import ExportFormat, ExportRequest
from provenance.ledger.format import statement
from provenance.ledger.log import file_writing
from provenance.similarity.evidence import affected_records
from provenance.similarity.evidence.original_files import find_known_originals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

ROWS_PER_GROUP = 1 << 17
"""Rows of a row group: what is held in memory at a time."""

_NEEDED = ("files", "matches", "references", "findings", "sources")
Row = dict[str, Any]

_CONTENT = licence_conflict_by_content.CHECK.name
_FORBIDS = licence_forbids_purpose.CHECK.name


@dataclass(frozen=True, slots=True)
class RemovalOptions:
    """Which findings count.

    Args:
        severity: this one and worse.
        checks: names of checks; () = all.
        sources: ids of the sources whose records are listed; () = all.
    """

    severity: str = "error"
    checks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def takes(self, finding: Mapping[str, Any]) -> bool:
        """Tell whether a finding counts; one that is waived does not."""
        grave = SEVERITIES.index(finding["severity"]) <= SEVERITIES.index(self.severity)
        return grave and finding["waived"] is None and (not self.checks or finding["check"] in self.checks)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why records are listed; the first in order counts where several do.

    Args:
        text: one sentence.
        finding: the finding, as FINDINGS has it.
        entry: number of the ledger entry that holds it.
        inherited: whether it comes from a twin, and not from the record's own file.
    """

    text: str
    finding: Row = field(hash=False)
    entry: int
    inherited: bool

    @property
    def order(self) -> tuple[int, bool, int, int, str]:
        """The worst first, what a file itself states before what its twins do, the newest evidence before older."""
        check = self.finding["check"]
        place = list(CHECKS).index(check) if check in CHECKS else len(CHECKS)
        return SEVERITIES.index(self.finding["severity"]), self.inherited, place, -self.entry, self.text


@dataclass(frozen=True, slots=True)
class RemovalResult:
    """What a removal list holds, and what it does not.

    Args:
        records: how many it lists.
        files: of how many files.
        sources: of how many sources.
        inherited: how many of the records are listed for what their twins state.
        unlisted: findings that count but name no records, by check.
        waived: findings that are waived, and left out.
        gaps: what could not be considered, one sentence each.
    """

    records: int
    files: int
    sources: int
    inherited: int
    unlisted: Mapping[str, int]
    waived: int
    gaps: tuple[str, ...]


def write_removal_list(
    folder: Path,
    target: Path,
    options: RemovalOptions,
    index: int | None = None,
    *,
    verified: bool = True,
    warn: Callable[[str], None] = lambda _: None,
) -> RemovalResult:
    """Write the removal list of a scan.

    Args:
        folder: the ledger.
        target: the Parquet file to make: REMOVALS, one row a record, sorted by path and row.
        options: which findings count.
        index: number of the entry; None = the newest.
        verified: whether what does not verify is an error; False reads it all the same.
        warn: is told what is read over, and whose keys nobody vouches for, one sentence each.

    Returns:
        What it holds.

    Raises:
        ConfigError: there is no ledger, check or source of that name, or the file would lie in the ledger.
        VerificationError: what the ledger holds is not what was signed.
    """
    if not ledger.is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
    if around := layout.ledger_around(target):
        raise ConfigError(f"{target} would lie in the ledger {around}, whose files are all bound; write it elsewhere")
    reader = ledger.open_reader(folder, index, verified=verified, warn=warn)
    facts, tables = reader.statement().predicate, reader.tables(names=_NEEDED)
    _check(options, tables)
    files = [row for row in tables["files"].to_pylist() if row["role"] == "data" and row["records"]]
    findings = tables["findings"].to_pylist()
    whole = _reasons_of_files(findings, files, options, facts["log"]["index"])
    traced, gaps = _find_affected(reader, facts, tables, files, options)
    reasons = sorted({each for named in (*whole.values(), *(of for of, _ in traced)) for each in named}, key=_order)
    rank = {reason: place for place, reason in enumerate(reasons)}
    listed = _merge_affected(traced, rank)
    wanted = [row for row in files if not options.sources or row["source"] in options.sources]
    batches = _batches(wanted, {path: min(rank[each] for each in of) for path, of in whole.items()}, listed)
    counted = _save(target, batches, reasons, {row["path"]: row["source"] for row in files}, _about(facts, options))
    reason_marks = {reason.finding["fingerprint"] for reason in reasons}
    counts = [row for row in findings if options.takes(row) and row["fingerprint"] not in reason_marks]
    waived = sum(row["waived"] is not None for row in findings)
    return RemovalResult(*counted, Counter(row["check"] for row in counts), waived, tuple(gaps))


def _order(reason: Reason) -> tuple[Any, ...]:
    return reason.order


def _check(options: RemovalOptions, tables: Mapping[str, pa.Table]) -> None:
    for name in options.checks:
        if name not in CHECKS:
            raise ConfigError(f"there is no check {name!r}; see `provenance list checks`")
    known = set(tables["sources"]["source"].to_pylist())
    for name in options.sources:
        if name not in known:
            raise ConfigError(f"there is no source {name!r} in this scan")


def _reasons_of_files(
    findings: Iterable[Row], files: Sequence[Row], options: RemovalOptions, entry: int
) -> dict[str, list[Reason]]:
    """Return why all records of a file are listed, by path."""
    found: dict[str, list[Reason]] = {}
    for finding in findings:
        check = CHECKS.get(finding["check"])
        if check is None or check.taints is None or not options.takes(finding):
            continue
        for file in files:
            if file["source"] == finding["source"] and check.taints(finding, file):
                reason = Reason(finding["message"], _finding_marks(finding), entry, inherited=False)
                found.setdefault(file["path"], []).append(reason)
    return found


def _finding_marks(finding: Row) -> Row:
    return {name: finding[name] for name in ("fingerprint", "check", "severity")}


AffectedByReason = list[tuple[list[Reason], pa.Table]]
"""Of each scan: reasons, and TAINTS whose `pair` is the number of a reason, with paths of the scan that is exported."""


def _find_affected(
    reader: ledger.Reader,
    facts: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    files: Sequence[Row],
    options: RemovalOptions,
) -> tuple[AffectedByReason, list[str]]:
    """Trace taints in the scan and, for files whose bytes are the same, in all before it."""
    newest = facts["log"]["index"]
    here: dict[str, list[str]] = {}
    for row in files:
        if row["sha256"] is not None:
            here.setdefault(row["sha256"], []).append(row["path"])
    found, gaps = [_find_affected_in_scan(tables, facts, facts, options, newest, None)], []
    for index in range(newest - 1, -1, -1):
        try:
            entry_statement = reader.statement(index)
            if entry_statement.kind != statement.SCAN:
                continue  # no scan
            then = entry_statement.predicate
            past = reader.tables(index, _NEEDED)
        except InputError as error:
            gaps.append(f"entry {index} could not be considered: {error}")
            continue
        reasons, table = _find_affected_in_scan(past, then, facts, options, index, set(here))
        found.append((reasons, _move_to_new_paths(table, past["files"], here)))
        changed = _list_changed(table, past["files"], here, {row["path"] for row in files})
        if changed:
            gaps.append(f"{changed} changed since entry {index} found copies in it: only this scan judges it now")
    return found, gaps


def _list_changed(table: pa.Table, past: pa.Table, here: Mapping[str, Any], paths: set[str]) -> str:
    """Name files of which an earlier scan saw that they hold copies, and whose bytes are others now."""
    columns = (past[name].to_pylist() for name in ("path", "sha256"))
    other = {path for path, digest in zip(*columns, strict=True) if digest not in here} & paths
    named = sorted(other & set(pc.unique(table["path"]).to_pylist()))
    more = f" and {count_noun(len(named) - 5, 'more file')}" if len(named) > 5 else ""
    return ", ".join(named[:5]) + more


def _find_affected_in_scan(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    now: Mapping[str, Any],
    options: RemovalOptions,
    entry: int,
    here: set[str] | None,
) -> tuple[list[Reason], pa.Table]:
    """Trace one scan; of an earlier one only what depends on files that are no longer in the data.

    A file that is still there is judged by what is known of it now.
    """
    chosen = [profiles.load(each["name"]) for each in facts["profiles"] if each["name"] in profiles.names()]
    minimum = min((profile.minimum_shingles for profile in chosen), default=1)
    table, pairs = affected_records.find_affected(
        tables, now["purpose"], minimum, find_known_originals(tables["files"], tables["references"])
    )
    digests = dict(zip(*(tables["files"][name].to_pylist() for name in ("path", "sha256")), strict=True))
    findings = {row["fingerprint"]: row for row in tables["findings"].to_pylist()}
    reasons: list[Reason] = []
    number = np.full(len(pairs), -1, np.int64)
    for place, pair in enumerate(pairs):
        if here is not None and digests[pair.other_path] in here:
            continue
        finding = _finding(pair, findings, _accepted_findings(now))
        if finding is None or not options.takes(finding):
            continue
        gone = f" It was seen in entry {entry} of the ledger; that file has left the data since." if here else ""
        number[place] = len(reasons)
        reasons.append(
            Reason(affected_records.explain_pair(pair) + gone, _finding_marks(finding), entry, inherited=True)
        )
    pair_ = number[table["pair"].to_numpy()]
    table = table.set_column(table.schema.get_field_index("pair"), schemas.TAINTS.field("pair"), pa.array(pair_))
    return reasons, table.filter(pa.array(pair_ >= 0))


def _accepted_findings(facts: Mapping[str, Any]) -> list[Row]:
    return [each for each in facts.get("waivers", ()) if each["state"] != "expired"]


def _finding(pair: affected_records.AffectedPair, findings: Mapping[str, Row], accepted: Iterable[Row]) -> Row | None:
    """Return the finding that a pair of files belongs to: on the two sources, else on the stricter one alone."""
    both = findings.get(fingerprint(_CONTENT, pair.source, pair.other_source))
    alone = findings.get(fingerprint(_FORBIDS, pair.other_source, None, pair.other_licence))
    finding = both or (alone if pair.forbidden else None)
    if finding is None:
        return None
    for waiver in accepted:
        named = all(waiver.get(name) == finding[name] for name in ("check", "source", "other"))
        if waiver.get("fingerprint") == finding["fingerprint"] or named:
            return None
    return finding


def _move_to_new_paths(table: pa.Table, past: pa.Table, here: Mapping[str, Sequence[str]]) -> pa.Table:
    """Give taints of an earlier scan the paths that the same bytes have now."""
    columns = (past[name].to_pylist() for name in ("path", "sha256"))
    now = [(path, each) for path, digest in zip(*columns, strict=True) for each in here.get(digest, ())]
    text = pa.string()
    paths = pa.table(
        {"path": pa.array([path for path, _ in now], text), "now": pa.array([each for _, each in now], text)}
    )
    joined = table.join(paths, "path", join_type="inner")
    joined = joined.drop_columns(["path"]).rename_columns({"now": "path"})
    return joined.select(schemas.TAINTS.names)


def _merge_affected(traced: AffectedByReason, rank: Mapping[Reason, int]) -> pa.Table:
    """Put the taints of all scans together: the first reason of each record, sorted by path and row."""
    parts = []
    for reasons, table in traced:
        places = np.array([rank[reason] for reason in reasons], np.int64)
        ranked = pa.array(places[table["pair"].to_numpy()] if len(places) else np.empty(0, np.int64))
        parts.append(table.drop_columns(["pair"]).append_column("rank", ranked))
    together = pa.concat_tables(parts, promote_options="permissive")
    order = [(name, "ascending") for name in ("path", "row", "rank", "other_path", "other_row")]
    together = together.take(pc.sort_indices(together, sort_keys=order)).combine_chunks()
    codes = pc.rank(together["path"], tiebreaker="dense").to_numpy()
    rows = together["row"].to_numpy()
    first = np.ones(len(rows), bool)
    first[1:] = (codes[1:] != codes[:-1]) | (rows[1:] != rows[:-1])
    return together.filter(pa.array(first))


def _batches(files: Iterable[Row], whole: Mapping[str, int], listed: pa.Table) -> Iterator[pa.Table]:
    """Yield what is listed, file by file: path, row, rank, other_path, other_row."""
    bounds = _runs(listed["path"])
    for file in sorted(files, key=lambda row: str(row["path"])):
        path = file["path"]
        start, end = bounds.get(path, (0, 0))
        listed_rows = listed.slice(start, end - start)
        listed_rows = listed_rows.filter(pc.less(listed_rows["row"], file["records"]))
        if path not in whole:
            for offset in range(0, listed_rows.num_rows, ROWS_PER_GROUP):
                yield listed_rows.slice(offset, ROWS_PER_GROUP)
            continue
        listed_rows = listed_rows.filter(pc.less(listed_rows["rank"], whole[path]))
        for offset in range(0, file["records"], ROWS_PER_GROUP):
            yield _rows_of_file(path, offset, min(file["records"], offset + ROWS_PER_GROUP), whole[path], listed_rows)


def _runs(paths: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """Return where each path begins and ends in a sorted column."""
    encoded = paths.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    bounds = np.searchsorted(codes, np.arange(len(encoded.dictionary) + 1)).tolist()
    return dict(zip(encoded.dictionary.to_pylist(), itertools.pairwise(bounds), strict=True))


def _rows_of_file(path: str, start: int, end: int, rank: int, listed_rows: pa.Table) -> pa.Table:
    """Make rows of a file that is listed whole; what weighs more for a record stands in place of the file's reason."""
    rows = listed_rows["row"].to_numpy()
    some = listed_rows.slice(*_between(rows, start, end))
    at = some["row"].to_numpy() - start
    ranks = np.full(end - start, rank, np.int64)
    ranks[at] = some["rank"].to_numpy()
    place = np.full(end - start, -1, np.int64)
    place[at] = np.arange(len(at))
    index = pa.array(place, mask=place < 0)
    return pa.table(
        {
            "path": pa.repeat(path, end - start),
            "row": np.arange(start, end),
            "rank": ranks,
            "other_path": some["other_path"].combine_chunks().take(index),
            "other_row": some["other_row"].combine_chunks().take(index),
        }
    )


def _between(rows: Any, start: int, end: int) -> tuple[int, int]:
    low, high = np.searchsorted(rows, [start, end]).tolist()
    return low, high - low


def _about(facts: Mapping[str, Any], options: RemovalOptions) -> dict[bytes, bytes]:
    metadata = {
        "ledger": facts["log"]["origin"], "entry": facts["log"]["index"], "data": facts["data"],
        "purpose": facts["purpose"], "severity": options.severity, "checks": options.checks, "sources": options.sources,
    }  # fmt: skip
    return {b"provenance": json.dumps(metadata, sort_keys=True).encode()}


def _save(
    target: Path,
    batches: Iterable[pa.Table],
    reasons: Sequence[Reason],
    owner: Mapping[str, str],
    about: Mapping[bytes, bytes],
) -> tuple[int, int, int, int]:
    """Write batches as row groups; the file stands under its name once it is whole."""
    schema = schemas.REMOVALS.with_metadata({**schemas.REMOVALS.metadata, **about})
    values = {name: pa.array([reason.finding[name] for reason in reasons], pa.string()) for name in _MARKS}
    values["reason"] = pa.array([reason.text for reason in reasons], pa.string())
    values["entry"] = pa.array([reason.entry for reason in reasons], pa.int64())
    inherited = np.array([reason.inherited for reason in reasons], bool)
    count = copies = 0
    seen: set[str] = set()
    with (
        file_writing.write_whole(target) as made,
        pq.ParquetWriter(made, schema, compression="zstd") as writer,
    ):
        for batch in _gather_batches(batches):
            rank = batch["rank"].combine_chunks()
            paths = pc.unique(batch["path"]).to_pylist()
            sources = pa.array([owner[path] for path in paths], pa.string())
            columns = {name: column.take(rank) for name, column in values.items()}
            columns |= {name: batch[name] for name in ("path", "row", "other_path", "other_row")}
            columns["source"] = sources.take(pc.index_in(batch["path"], value_set=pa.array(paths, pa.string())))
            table = schemas.conform(pa.table(columns), schemas.REMOVALS)
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            count += batch.num_rows
            copies += int(inherited[rank.to_numpy()].sum())
            seen.update(paths)
    return count, len(seen), len({owner[path] for path in seen}), copies


_MARKS = ("check", "severity", "fingerprint")


def _gather_batches(batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put small files together to row groups."""
    waiting: list[pa.Table] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_PER_GROUP:
            yield pa.concat_tables(waiting, promote_options="permissive").combine_chunks()
            waiting, rows = [], 0
    if rows:
        yield pa.concat_tables(waiting, promote_options="permissive").combine_chunks()


def _export(ledger_folder: Path, target: Path, request: ExportRequest) -> tuple[str, ...]:
    choice = RemovalOptions(request.severity, request.checks, request.sources)
    made = write_removal_list(
        ledger_folder, target, choice, request.index, verified=request.verified, warn=request.warn
    )
    sentences = [
        (
            f"{count_noun(made.records, 'record')} of {count_noun(made.files, 'file')} in "
            f"{count_noun(made.sources, 'source')}, {made.inherited:,} of them for what their twins state: {target}"
        )
    ]
    if made.unlisted:
        named = ", ".join(f"{check} ({count})" for check, count in sorted(made.unlisted.items()))
        sentences.append(f"Not in the list, for they name no records: {named}")
    if made.waived:
        sentences.append(f"Left out, for they are waived: {count_noun(made.waived, 'finding')}")
    return (*sentences, *made.gaps)


FINDINGS_EXPORT = ExportFormat(
    "removal-list",
    "Records to leave out, as Parquet (path, row, reason).",
    ("index", "severity", "checks", "sources"),
    write=_export,
)
