"""The guard before training: the data is the audited data, and its audit says what a policy wants.

Nothing is scanned. The ledger is verified, every file is hashed and compared with what the scan saw, and the scan's
tables are held against the policy. What could not be established counts against the data. What is read of the ledger is
held to the checkpoint that was verified: a ledger that is exchanged meanwhile clears nothing.

What is left: the data may change after it was hashed. Read it from where nobody else writes, or hold what you load to
`Clearance.digests`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.attestations import waiver
from provenance.core import path_names
from provenance.core.model import ASSESSED, OBSERVED, SEVERITIES, STATUSES
from provenance.core.progress import ignore_progress
from provenance.core.wording import MOST_LISTED, count_noun, list_files, list_first
from provenance.errors import ConfigError, InputError, ProvenanceError, Refused, UnknownEntry, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import statement
from provenance.ledger.keys import trusted_keys
from provenance.ledger.log import folder_comparison, output_files
from provenance.ledger.log.folder_comparison import FolderChanges
from provenance.ledger.tool_files.recognition import ToolFiles
from provenance.ledger.verification.results import DATA_DIFFERS, MEANINGS, OK, UNPINNED, USAGE, WITHHELD, Verification
from provenance.ledger.verification.verified_reader import Reader, open_reader
from provenance.pipeline import loadable_files, report_check, signed_waivers
from provenance.pipeline.clearance import Clearance
from provenance.pipeline.guard_policy import GuardPolicy, read_policy
from provenance.pipeline.loadable_files import LoadableFiles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.core.progress import Progress
    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.profiles.waivers import Waiver

_NEEDED_TABLES = ("coverage", "files", "findings", "verdicts")  # tables that a policy is held against
_CLOCK_SKEW = timedelta(minutes=5)  # by which the clocks of two machines may differ
_DATE_AHEAD = timedelta(days=1)  # a scan that claims to be of a later time is no scan, whatever the policy


def guard(
    data: str | os.PathLike[str],
    ledger: str | os.PathLike[str],
    policy: str | os.PathLike[str] | None = None,
    *,
    entry: int | None = None,
    trust: str | os.PathLike[str] | None = None,
    since: str | os.PathLike[str] | None = None,
    workers: int | None = None,
) -> Clearance:
    """Make sure, before training, that data is what was audited and that its audit says what a policy wants.

    Args:
        data: the folder that is to be trained on.
        ledger: the ledger.
        policy: see `policies.Policy`; None = no finding at `error` that nobody waived, every file read and there,
            nothing there that nobody audited but what is recognised as version control or a cache, pinned keys.
        entry: number of the entry that says what the data is: a scan, or of data that was made of audited data a
            derivation or filter-run, whose scans must all hold; None = the newest scan.
        trust: a trust file; it replaces the user's own keys.
        since: a checkpoint that you held: the log must extend it.
        workers: threads that hash; None = one a core.

    Returns:
        The clearance: `files()` for a loader, `root` for the record of the training run.

    Raises:
        Refused: the data may not be trained on; `clearance` says why.
        ConfigError: the policy, the data, the entry or a file that was named is not what it should be.
    """
    found = inspect_data(
        Path(data),
        Path(ledger),
        read_policy(Path(policy) if policy is not None else None),
        entry=entry,
        trust=Path(trust) if trust is not None else None,
        since=Path(since) if since is not None else None,
        workers=workers,
    )
    if not found.ok:
        raise Refused(f"{data} is not to be trained on: {'; '.join(found.reasons)}", found)
    return found


def inspect_data(
    data: Path,
    ledger: Path,
    policy: GuardPolicy,
    *,
    entry: int | None = None,
    trust: Path | None = None,
    since: Path | None = None,
    workers: int | None = None,
    progress: Progress = ignore_progress,
) -> Clearance:
    """Find out whether data may be trained on; what speaks against it is an answer, not an error.

    Args:
        data: the folder.
        ledger: the ledger.
        policy: the policy.
        entry: number of a scan, derivation or filter-run; None = the newest scan.
        trust: a trust file; None = the user's own keys.
        since: a checkpoint that was held before.
        workers: threads that hash; None = one a core.
        progress: told the step, the bytes done and the bytes there are.

    Returns:
        The clearance.

    Raises:
        ConfigError: the data is no folder, the ledger none, or a file or entry that was named is not there.
        InputError: the data cannot be listed.
    """
    _check_folders(data, ledger)
    progress("verifying", 0, 0)
    trust_file = trusted_keys.read_trust(trust) if trust is not None else None
    reader, fault = _open_unverified(ledger, entry, trust_file)
    verification = report_check.verify(ledger, trust=trust, since=since)
    if verification.exit_code == USAGE:
        raise ConfigError("; ".join(step.detail for step in verification.steps if step.status == "failed"))
    reasons = list(_explain_ledger(verification, policy))
    if verification.exit_code not in {OK, UNPINNED, WITHHELD}:
        return Clearance(data, None, verification.origin, None, tuple(reasons), (), FolderChanges(), 0, verification)
    if entry is not None and not 0 <= entry < verification.entries:
        raise ConfigError(f"{ledger} has no entry {entry}; its entries are 0 to {verification.entries - 1}")
    # Where approvers are asked for, a waiver of a file is nobody's, and one of an entry its approver's.
    approver_trust = trust_file if trust_file is not None and trust_file.approvers else None
    try:
        reader_of_data = _require_verified(reader, fault, verification)
        audit, standing = _read_audited_data(reader_of_data), waiver.read_waivers(reader_of_data, approver_trust)
    except (InputError, VerificationError, ValueError) as error:
        reasons.append(str(error))
        return Clearance(data, None, verification.origin, None, tuple(reasons), (), FolderChanges(), 0, verification)
    comparison = folder_comparison.compare_folder(
        audit.expected, data, ledger, naming=audit.naming, own=verification.own, threads=workers,
        progress=lambda done: progress("hashing", done, audit.bytes),
    )  # fmt: skip
    unaudited_left, allowed, unaudited = _sort_unaudited(data, comparison, audit.files, policy)
    reasons += [
        *audit.gaps,
        *_explain_data(comparison, unaudited, policy),
        *_explain_unchecked(verification, audit.scans),
    ]
    loadable = _select_record_files(comparison.same, audit, policy)
    unread: list[_UnreadFile] = []
    notes = list(_describe_refused(loadable))
    for scan_statement, tables in audit.scans:
        index = scan_statement["log"]["index"]
        name = f"entry {index}: " if len(audit.scans) > 1 or index != audit.index else ""
        found = _find_unread(tables["files"], comparison if index == audit.index else None, unaudited_left)
        unread += found
        scan_reasons = (
            *_explain_scan(scan_statement, policy),
            *_explain_unread(found, policy),
            *_explain_tables(tables, scan_statement, policy, standing, approver_trust is not None),
        )
        reasons += [name + reason for reason in scan_reasons]
        notes += [f"Entry {index}: {note}" for note in _describe_unreadable(scan_statement, tables, policy)]
        notes += [f"Entry {index}: {note}" for note in _describe_results(tables["verdicts"])]
    return Clearance(
        data, audit.index, verification.origin, reader_of_data.root, tuple(reasons),
        comparison.same, comparison.changes, comparison.bytes, verification,
        tuple(sorted(each.path for each in unread)), sum(each.bytes for each in unread), comparison.unreadable,
        tuple(sorted(allowed)), loadable.digests, tuple(notes),
    )  # fmt: skip


def _check_folders(data: Path, ledger: Path) -> None:
    if not os.path.isdir(data):  # noqa: PTH112 - it never raises
        raise ConfigError(layout.unreadable(data) or f"{data} is no folder")
    if reason := layout.unreadable(ledger):
        raise ConfigError(reason)
    if not layout.was_ledger(ledger):
        raise ConfigError(f"{ledger} is no ledger; `provenance scan {data} --ledger {ledger}` makes one")


def _open_unverified(
    ledger: Path, entry: int | None, pinned: Trust | None
) -> tuple[Reader | None, ProvenanceError | None]:
    """Open the ledger before it is verified whole, and keep why that failed: verification says it better."""
    try:
        return open_reader(ledger, entry, pinned=pinned), None
    except (UnknownEntry, InputError, VerificationError) as error:
        return None, error


def _require_verified(reader: Reader | None, fault: ProvenanceError | None, checked: Verification) -> Reader:
    """Return the reader, if what it holds is what was verified."""
    if reader is None:
        raise fault or VerificationError("the ledger does not verify")
    if reader.root is None or reader.root != checked.root:
        raise VerificationError("the ledger was changed while it was verified; run the guard again")
    return reader


@dataclass(frozen=True, slots=True)
class _AuditedData:
    """What a ledger says of data.

    Args:
        index: number of the entry that says what the data is.
        scans: predicate and tables of each scan that it rests on.
        gaps: what of its inputs nobody audited.
        expected: path, digest and bytes of every file that the data should have.
        bytes: of those files on disk.
        naming: how their paths are written.
        files: FILES of the entry; None where the data was made of what was scanned.
    """

    index: int
    scans: Sequence[tuple[Mapping[str, Any], Mapping[str, pa.Table]]]
    gaps: Sequence[str]
    expected: Sequence[folder_comparison.ScannedFile] | Iterable[folder_comparison.ScannedFile]
    bytes: int
    naming: str
    files: pa.Table | None


def _read_audited_data(reader: Reader) -> _AuditedData:
    """Read the entry that says what the data is, the scans it rests on, and what it says the data should have."""
    at = reader.index
    scans, gaps = _read_input_scans(reader)
    entries = [(predicate, reader.tables(predicate["log"]["index"], _NEEDED_TABLES)) for predicate in scans]
    predicate = reader.statement().predicate
    files = next((tables["files"] for predicate, tables in entries if predicate["log"]["index"] == at), None)
    naming = predicate.get("pathNaming", path_names.LOSSY_VERSION if files is None else path_names.FIRST_VERSION)
    if naming not in path_names.VERSIONS:
        raise InputError(
            f"entry {at} names paths by a version ({naming}) that this program does not know; install a newer"
        )
    if files is None:
        rows = output_files.read_output(reader.folder, predicate["outputs"]) if "outputs" in predicate else []
        listed = [(row["path"], row["sha256"], folder_comparison.read_size(row.get("bytes"))) for row in rows]
        return _AuditedData(at, entries, gaps, listed, sum(size for *_, size in listed), naming, None)
    members = path_names.INTO_ARCHIVE
    size = sum(size or 0 for path, size in _read_columns(files, "path", "bytes") if members not in path)
    return _AuditedData(at, entries, gaps, _read_columns(files, "path", "sha256", "bytes"), size, naming, files)


def _read_input_scans(reader: Reader) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the scans that an entry rests on, the oldest first, and which of its inputs nobody audited."""
    scans: dict[int, dict[str, Any]] = {}
    gaps, todo, seen = [], [reader.index], {reader.index}
    while todo:
        index = todo.pop()
        entry_statement = reader.statement(index)
        if entry_statement.kind == statement.SCAN:
            scans[index] = entry_statement.predicate
        elif entry_statement.kind not in statement.KINDS_WITH_DATA:
            raise InputError(f"entry {index} is a {entry_statement.kind}, which says of no data what it is")
        else:
            for item in entry_statement.predicate["inputs"]:
                if "entry" not in item:
                    gaps.append(f"entry {index} was made of {item['name']} too, which no scan of this ledger audited")
                elif item["entry"] not in seen:
                    seen.add(item["entry"])
                    todo.append(item["entry"])
    return [scans[index] for index in sorted(scans)], gaps


def _select_record_files(same: Collection[str], audit: _AuditedData, wanted: GuardPolicy) -> LoadableFiles:
    """Choose the unchanged files that were read as records, or that were made of audited data."""
    if audit.files is not None:
        return loadable_files.select_loadable(audit.files, same, wanted.allow or ())
    unchanged = set(same)
    return LoadableFiles({path: digest for path, digest, _ in audit.expected if path in unchanged and digest})


def _describe_refused(found: LoadableFiles) -> Iterator[str]:
    if found.refused:
        named = list_first([f"{path}: {why}" for path, why in found.refused])
        yield f"Not handed out: {count_noun(len(found.refused), 'archive')} ({named}; `allow` lets that pass, by glob)"
    if found.documents:
        named = list_first(found.documents)
        yield f"Documents in archives that are handed out: {count_noun(len(found.documents), 'file')} ({named})"


def _read_columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    for batch in table.select(list(names)).to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _explain_ledger(checked: Verification, wanted: GuardPolicy) -> Iterator[str]:
    """Say what speaks against the ledger itself; tables that are withheld are missed where they are needed."""
    if checked.exit_code in {OK, WITHHELD, DATA_DIFFERS} or (checked.exit_code == UNPINNED and wanted.keys == "any"):
        return
    failed = [f"{step.name}: {step.detail}" for step in checked.steps if step.status == "failed"]
    yield "; ".join([MEANINGS[checked.exit_code], *failed[:MOST_LISTED]])


def _explain_unchecked(checked: Verification, entries: Iterable[tuple[Mapping[str, Any], Any]]) -> Iterator[str]:
    """Say which scans rest on what nobody could check: rows that no signed line vouches for, old forms of entries."""
    for predicate, _ in entries:
        index = predicate["log"]["index"]
        if unsure := [name for at, name in checked.uncompared if at == index and name in _NEEDED_TABLES]:
            yield f"entry {index}: {', '.join(unsure)} cannot be compared with the lines that were signed"
        if any(each.is_old for each in checked.statements if each.place.index == index):
            yield f"entry {index} is of version 0, which has no trees and no content set; scan again"


def _sort_unaudited(
    data: Path, compared: folder_comparison.FolderComparison, files: pa.Table | None, wanted: GuardPolicy
) -> tuple[set[str], list[tuple[str, str]], list[str]]:
    """Sort what nobody audited by what the policy allows.

    Args:
        data: the folder.
        compared: the data beside what was scanned.
        files: FILES of the scan; None where the data was made of what was scanned.
        wanted: the policy.

    Returns:
        What the scan listed and did not read; what is allowed, with the glob or tool; what was added or
        left out as a folder.
    """
    allowed, unaudited, tools = (
        [],
        [],
        ToolFiles(data, lambda: loadable_files.find_unchanged_digests(files, compared.same)),
    )
    inside = [path for each in compared.left_out for path in each.files]
    for path in (*compared.unread, *compared.changes.added, *inside):
        why = tools.recognise_tool(path) if wanted.allow is None else path_names.find_matching_glob(path, wanted.allow)
        if why is not None:
            allowed.append((path, why))
    passed = {path for path, _ in allowed}
    left = {path for path in compared.unread if path not in passed}
    added = [path for path in compared.changes.added if path not in passed]
    if added:
        unaudited.append(f"{list_files(added)} not audited")
    reasons = {} if files is None else dict(_read_columns(files, "path", "skip_reason"))
    for each in compared.left_out:
        if rest := [path for path in each.files if path not in passed]:
            why = (
                f"the scan left {each.path} out ({reasons.get(each.path) or 'unread'}; `allow` lets that pass, by glob)"
            )
            unaudited.append(f"{list_files(rest)} not audited: {why}")
    return left, allowed, unaudited


def _explain_data(
    compared: folder_comparison.FolderComparison, unaudited: Iterable[str], wanted: GuardPolicy
) -> Iterator[str]:
    changes = compared.changes
    if changes.changed:
        yield f"{list_files(changes.changed)} changed since the scan"
    yield from unaudited
    if compared.unreadable:
        named = list_first([f"{path}: {cause}" for path, cause in compared.unreadable])
        yield f"{count_noun(len(compared.unreadable), 'file')} could not be read ({named})"
    if compared.ambiguous:
        reason = "could not be compared: in this old list a name may be that of more than one file; derive again"
        yield f"{list_files(compared.ambiguous)} {reason}"
    if changes.removed and wanted.missing == "refuse":
        yield f"{list_files(changes.removed)} audited, but not there (`missing: allow` lets that pass)"


@dataclass(frozen=True, slots=True)
class _UnreadFile:
    path: str
    bytes: int
    reason: str


def _find_unread(
    files: pa.Table, compared: folder_comparison.FolderComparison | None, left: Collection[str]
) -> list[_UnreadFile]:
    """Name the files that a scan did not read, or not whole, with the bytes that it left.

    Args:
        files: FILES of the scan.
        compared: the data beside it, where the data is what was scanned: what is gone is not trained on, and what was
            left out is, if it is there; None = the data was made of it.
        left: what the scan listed and did not read, that is there and that no policy allows.
    """
    gone = set(compared.changes.removed) if compared else set()
    found: dict[str, _UnreadFile] = {}
    columns = ("path", "role", "bytes_skipped", "skip_reason", "records_unreadable")
    for path, role, size, reason, broken in _read_columns(files, *columns):
        on_disk = path_names.on_disk(path)  # of a member, the archive
        whole = path == on_disk
        if compared is not None and (role == "unreadable" or path.endswith("/")):
            wanting = path in left  # it may be gone, or allowed; what lies in a folder is named by itself
        else:
            wanting = role in {"data", "unreadable"} and bool(broken or (whole and (size or role == "unreadable")))
        if on_disk in gone or not (wanting or (compared is not None and path in left)):
            continue
        if whole or on_disk not in found:  # the archive itself counts the bytes of its members
            found[on_disk] = _UnreadFile(on_disk, size if whole else 0, reason or "unreadable records")
    return list(found.values())


def _explain_unread(unread: Sequence[_UnreadFile], wanted: GuardPolicy) -> Iterator[str]:
    if unread and wanted.unread == "refuse":
        named = list_first([f"{each.path}: {each.reason}" for each in unread])
        reason = f"not read whole by the scan, so not audited ({named}; `unread: allow` lets that pass)"
        yield f"{count_noun(len(unread), 'file')} {reason}"


def _explain_scan(predicate: Mapping[str, Any], wanted: GuardPolicy) -> Iterator[str]:
    if wanted.kind == "assessment" and predicate["kind"] != "assessment":
        yield "the scan is a draft; the policy wants an assessment (`provenance scan --assess`)"
    missing = sorted(set(wanted.profiles) - {each["name"] for each in predicate["profiles"]})
    if missing:
        yield f"the scan was not judged by {', '.join(missing)}"
    if wanted.purposes and predicate["purpose"] not in wanted.purposes:
        yield f"the scan was for {predicate['purpose']}; the policy wants {' or '.join(wanted.purposes)}"
    if wanted.sampled == "refuse" and "sample" in predicate.get("config", {}):
        yield "the scan looked at a sample of the data only"
    yield from _explain_age(predicate["finishedOn"], wanted.max_age_days)


def _explain_age(claimed: str, most: int | None) -> Iterator[str]:
    """Hold the time that a scan claims to the policy; what is yet to come is no age."""
    now = datetime.now(UTC)
    ahead = datetime.fromisoformat(claimed) - now
    age = (now.date() - date.fromisoformat(claimed[:10])).days
    if ahead > _DATE_AHEAD or (most is not None and ahead > _CLOCK_SKEW):
        yield f"the scan claims to have ended on {claimed}, which is yet to come"
    elif most is not None and age > most:
        yield f"the scan is {count_noun(age, 'day')} old, by the time it claims; the policy allows {most}"


def _explain_tables(
    tables: Mapping[str, pa.Table],
    predicate: Mapping[str, Any],
    wanted: GuardPolicy,
    standing: Iterable[Waiver],
    by_approvers: bool,
) -> Iterator[str]:
    """Hold a scan's tables to the policy; a word that is in no vocabulary counts as the worst one."""
    columns = _read_columns(tables["coverage"], "check", "status")
    errored = [name for name, status in columns if status == "errored" or status not in STATUSES]
    if errored:
        yield f"checks failed to run: {', '.join(errored)}"
    if wanted.findings != "never":
        good = SEVERITIES[SEVERITIES.index(wanted.findings) + 1 :]
        waived = signed_waivers.find_waived(
            {} if by_approvers else predicate, standing, datetime.now(UTC).date().isoformat()
        )
        columns = _read_columns(tables["findings"], "severity", "fingerprint", "check", "source")
        left = [
            f"{check} of {source}" for severity, mark, check, source in columns
            if severity not in good and mark not in waived
        ]  # fmt: skip
        if left:
            by = "no approver" if by_approvers else "nobody"
            amount = count_noun(len(left), "finding")
            yield f"{amount} at {wanted.findings} or worse that {by} waived: {list_first(left)}"
    for column, refused, known in (("observed", wanted.observed, OBSERVED), ("assessed", wanted.assessed, ASSESSED)):
        rows = _read_columns(tables["verdicts"], "profile", "requirement", "element", column)
        named = [
            f"{profile} {name}.{number}" for profile, name, number, word in rows
            if refused and word is not None and (word in refused or word not in known)
        ]  # fmt: skip
        if named:
            yield f"{count_noun(len(named), 'element')} {column}: {' or '.join(refused)}: {list_first(named)}"


def _describe_results(verdicts: pa.Table) -> Iterator[str]:
    """Say how many elements are open, so that a clearance is not read as more than what the policy asks."""
    words = [word for (word,) in _read_columns(verdicts, "observed")]
    counts = [f"{words.count(word):,} {word}" for word in OBSERVED if word in words]
    if counts:
        of = f"of {count_noun(len(words), 'element')} of its profiles"
        yield f"{of}: {', '.join(counts)}; only what the policy names refuses"


def _describe_unreadable(
    predicate: Mapping[str, Any], tables: Mapping[str, pa.Table], wanted: GuardPolicy
) -> Iterator[str]:
    """Name what of an entry nobody can read: a waiver of no known form, a word that stands in no vocabulary."""
    if broken := sum(signed_waivers.read_waiver(each) is None for each in signed_waivers.list_waivers(predicate)):
        yield f"{count_noun(broken, 'waiver')} cannot be read, so {'it does' if broken == 1 else 'they do'} not count"
    for table, column, known, is_held in (
        ("findings", "severity", SEVERITIES, True),
        ("verdicts", "observed", OBSERVED, wanted.observed),
        ("verdicts", "assessed", ASSESSED, wanted.assessed),
    ):
        strange = sum(word is not None and word not in known for (word,) in _read_columns(tables[table], column))
        counts = "counts as the worst" if is_held else "is none of ours"
        if strange:
            yield f"a {column} in {count_noun(strange, 'row')} of {table} {counts}: it stands in no vocabulary"
