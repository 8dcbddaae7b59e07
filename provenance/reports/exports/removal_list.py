"""The removal list: which records the findings of a scan taint, for whatever builds the training data.

Two kinds of records stand in it: all of the files that a finding is about (its licence forbids the purpose, none is
stated, ...), and records whose text also stands under a licence that withholds what theirs grants. The latter also
where an earlier scan of the same ledger saw it and the stricter twin has left since: a file with the same bytes holds
the same copies. Findings that name no records are told, never dropped silently.
"""

from __future__ import annotations

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
from provenance.core.scratch import scratch_folders
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
    wanted = sorted(
        (row for row in files if not options.sources or row["source"] in options.sources),
        key=lambda row: str(row["path"]),
    )
    with scratch_folders.temporary_folder() as scratch, scratch_folders.explain_no_room(scratch):
        affected = _Affected(wanted, scratch)
        gaps = _find_affected(reader, facts, tables, files, options, affected)
        reasons = sorted({each for named in (*whole.values(), affected.reasons) for each in named}, key=_order)
        rank = {reason: place for place, reason in enumerate(reasons)}
        batches = _batches(wanted, {path: min(rank[each] for each in of) for path, of in whole.items()}, affected, rank)
        owner = {row["path"]: row["source"] for row in files}
        counted = _save(target, batches, reasons, owner, _about(facts, options))
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


class _Affected:
    """Records that inherit a stricter licence: why, and in which file of the scan that is exported."""

    def __init__(self, wanted: Sequence[Row], scratch: Path) -> None:
        self.reasons: list[Reason] = []
        self.others: dict[str, int] = {}
        self.rows = affected_records.RecordReasons(scratch, len(wanted))
        self._records = np.array([row["records"] for row in wanted], np.int64)
        self._number = {row["path"]: number for number, row in enumerate(wanted)}

    def add(
        self, rows: affected_records.AffectedRows, pair: int, reason: int, other: str, paths: Sequence[str]
    ) -> None:
        """Add the records of one pair of files, in each file that has its first one's bytes now."""
        some = slice(*np.searchsorted(rows.pair, (pair, pair + 1)))  # they are sorted
        number = self.others.setdefault(other, len(self.others))
        for file in (self._number[path] for path in paths if path in self._number):
            row, other_row = rows.row[some], rows.other_row[some]
            kept = row < self._records[file]
            same = [np.full(int(kept.sum()), value) for value in (file, reason, number)]
            self.rows.add(same[0], row[kept], reason=same[1], other=same[2], other_row=other_row[kept])

    def rank(self, rank: Mapping[Reason, int]) -> Iterator[pa.Table]:
        """Yield records in order, each once: file by number, row, rank, other_path, other_row."""
        names = pa.array(self.others, pa.string())
        places = np.empty(len(names), np.int64)
        places[np.array(sorted(range(len(names)), key=names.to_pylist().__getitem__), np.int64)] = np.arange(len(names))
        ranks = np.array([rank[reason] for reason in self.reasons], np.int64)
        for part in self.rows.rank(ranks, places):
            columns = part._asdict() | {"other_path": names.take(pa.array(part.other))}
            yield pa.table(columns).drop_columns(["other"])


def _find_affected(
    reader: ledger.Reader,
    facts: Mapping[str, Any],
    tables: Mapping[str, pa.Table],
    files: Sequence[Row],
    options: RemovalOptions,
    affected: _Affected,
) -> list[str]:
    """Trace taints in the scan and, for files whose bytes are the same, in all before it; return what was not."""
    newest = facts["log"]["index"]
    here: dict[str, list[str]] = {}
    for row in files:
        if row["sha256"] is not None:
            here.setdefault(row["sha256"], []).append(row["path"])
    _find_affected_in_scan(tables, facts, facts, options, affected, newest, None)
    gaps = []
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
        found = _find_affected_in_scan(past, then, facts, options, affected, index, here)
        changed = _list_changed(found, past["files"], here, {row["path"] for row in files})
        if changed:
            gaps.append(f"{changed} changed since entry {index} found copies in it: only this scan judges it now")
    return gaps


def _list_changed(found: set[str], past: pa.Table, here: Mapping[str, Any], paths: set[str]) -> str:
    """Name files of which an earlier scan saw that they hold copies, and whose bytes are others now."""
    columns = (past[name].to_pylist() for name in ("path", "sha256"))
    other = {path for path, digest in zip(*columns, strict=True) if digest not in here} & paths
    named = sorted(other & found)
    more = f" and {count_noun(len(named) - 5, 'more file')}" if len(named) > 5 else ""
    return ", ".join(named[:5]) + more


def _find_affected_in_scan(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    now: Mapping[str, Any],
    options: RemovalOptions,
    affected: _Affected,
    entry: int,
    here: Mapping[str, Sequence[str]] | None,
) -> set[str]:
    """Trace one scan; of an earlier one only what depends on files that are no longer in the data.

    A file that is still there is judged by what is known of it now. Returns the files that were found to hold copies.
    """
    chosen = [profiles.load(each["name"]) for each in facts["profiles"] if each["name"] in profiles.names()]
    minimum = min((profile.minimum_shingles for profile in chosen), default=1)
    originals = find_known_originals(tables["files"], tables["references"])
    found = affected_records.AffectedRecords(tables, now["purpose"], minimum, originals)
    digests = dict(zip(*(tables["files"][name].to_pylist() for name in ("path", "sha256")), strict=True))
    findings = {row["fingerprint"]: row for row in tables["findings"].to_pylist()}
    accepted = _accepted_findings(now)
    numbers: list[int] = []
    for rows in found:
        for pair in found.pairs[len(numbers) :]:
            left = here is None or digests[pair.other_path] not in here
            finding = _finding(pair, findings, accepted) if left else None
            numbers.append(len(affected.reasons) if finding is not None and options.takes(finding) else -1)
            if finding is not None and numbers[-1] >= 0:
                gone = (
                    f" It was seen in entry {entry} of the ledger; that file has left the data since." if here else ""
                )
                text = affected_records.explain_pair(pair) + gone
                affected.reasons.append(Reason(text, _finding_marks(finding), entry, inherited=True))
        for place in np.unique(rows.pair).tolist():
            if numbers[place] >= 0:
                pair = found.pairs[place]
                paths = [pair.path] if here is None else here.get(digests[pair.path], ())
                affected.add(rows, place, numbers[place], pair.other_path, paths)
    return {pair.path for pair, number in zip(found.pairs, numbers, strict=True) if number >= 0}


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


def _batches(
    files: Sequence[Row], whole: Mapping[str, int], affected: _Affected, rank: Mapping[Reason, int]
) -> Iterator[pa.Table]:
    """Yield what is listed, file by file, sorted: path, row, rank, other_path, other_row."""
    cursor = _Cursor(affected.rank(rank))
    for number, file in enumerate(files):
        path = file["path"]
        for start in range(0, file["records"], ROWS_PER_GROUP):
            end = min(file["records"], start + ROWS_PER_GROUP)
            listed_rows = cursor.take(number, end)
            if path in whole:
                listed_rows = listed_rows.filter(pc.less(listed_rows["rank"], whole[path]))
                yield _rows_of_file(path, start, end, whole[path], listed_rows)
            elif listed_rows.num_rows:
                named = listed_rows.append_column("path", pa.repeat(path, listed_rows.num_rows))
                yield named.select(["path", "row", "rank", "other_path", "other_row"])


class _Cursor:
    """A place in a sorted stream of records."""

    def __init__(self, parts: Iterator[pa.Table]) -> None:
        self._parts = parts
        self._part = next(parts, None)

    def take(self, file: int, end: int) -> pa.Table:
        """Return the records of a file, by number, before one of its rows; what came before them was taken."""
        taken = [_NOTHING]
        while self._part is not None:
            files = self._part["file"].to_numpy()
            first, last = np.searchsorted(files, (file, file + 1))
            stop = int(first + np.searchsorted(self._part["row"].to_numpy()[first:last], end))
            taken.append(self._part.slice(0, stop).drop_columns(["file"]))
            if stop < len(files):
                self._part = self._part.slice(stop)
                break
            self._part = next(self._parts, None)
        return pa.concat_tables(taken)


_NOTHING = pa.schema(
    [("row", pa.int64()), ("rank", pa.int64()), ("other_row", pa.int64()), ("other_path", pa.string())]
).empty_table()


def _rows_of_file(path: str, start: int, end: int, rank: int, listed_rows: pa.Table) -> pa.Table:
    """Make rows of a file that is listed whole; what weighs more for a record stands in place of the file's reason."""
    some = listed_rows
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
