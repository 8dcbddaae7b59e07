"""The guard before training: the data is the audited data, and its audit says what a policy wants.

Nothing is scanned. The ledger is verified, every file is hashed and compared with what the scan saw, and the scan's
tables are held against the policy. What could not be established counts against the data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema

from provenance import ledger as ledger_
from provenance import profiles
from provenance.acts import waiver
from provenance.data import HERE
from provenance.errors import ConfigError, InputError, ManifestError, Refused, VerificationError
from provenance.ledger import contents, layout, statement
from provenance.ledger import trust as trust_
from provenance.ledger.verification import (
    DATA_DIFFERS,
    MEANINGS,
    OK,
    UNPINNED,
    USAGE,
    WITHHELD,
    Changes,
    Verification,
    counted,
)
from provenance.manifests import documents
from provenance.model import SEVERITIES
from provenance.progress import unwatched

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.progress import Progress
    from provenance.waivers import Waiver

_READ = ("coverage", "files", "findings", "verdicts")  # tables that a policy is held against
_LIMIT = 1 << 20  # bytes of a policy
_NAMED = 3  # findings, files and elements named in a sentence
_STEERING = {".gitattributes", ".gitignore", ".gitkeep", ".gitmodules", ".DS_Store"}  # tools read them; nothing trains


@dataclass(frozen=True, slots=True)
class Policy:
    """What must be true of data, and of its audit, before it is trained on.

    Args:
        kind: draft | assessment: whether a draft is enough.
        profiles: names of profiles that the scan must have been judged by.
        purposes: one of which the scan must have been for; any, if empty.
        findings: error | warning | note | never: no finding that bad may be left that nobody waived.
        verdicts: what no element may have been judged.
        max_age_days: of the scan, by the time it claims; None = any.
        missing: refuse | allow: files that were audited and are not there.
        unread: refuse | allow: files that the scan did not read, or not whole.
        sampled: refuse | allow: a scan that looked at a sample.
        keys: pinned | any: whose signatures are enough.
    """

    kind: str = "draft"
    profiles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    findings: str = "error"
    verdicts: tuple[str, ...] = ()
    max_age_days: int | None = None
    missing: str = "refuse"
    unread: str = "refuse"
    sampled: str = "refuse"
    keys: str = "pinned"


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the guard found.

    Args:
        data: the folder.
        entry: number of the scan's entry; None where none could be judged.
        origin: name of the log.
        root: root over the log at its newest checkpoint, hexadecimal: what a training run should record.
        reasons: why the data may not be trained on; empty where it may.
        same: files whose bytes are those that were audited, sorted.
        changes: how the data differs.
        bytes: that were hashed.
        verification: of the ledger.
        unread: files that the scan did not read, or not whole, sorted.
        bytes_unread: bytes of those that it did not read.
    """

    data: Path
    entry: int | None
    origin: str | None
    root: str | None
    reasons: tuple[str, ...]
    same: tuple[str, ...]
    changes: Changes
    bytes: int
    verification: Verification
    unread: tuple[str, ...] = ()
    bytes_unread: int = 0

    @property
    def ok(self) -> bool:
        """Whether the data may be trained on."""
        return not self.reasons

    def files(self, pattern: str = "*") -> list[str]:
        """Return the audited files, to hand to a loader.

        Args:
            pattern: a glob over paths relative to the data; `*` crosses folders.

        Returns:
            Paths below `data`, sorted; only of files that were hashed and are as they were audited.
        """
        return [str(self.data / path) for path in self.same if fnmatchcase(path, pattern)]

    def as_json(self) -> dict[str, Any]:
        """Return what `--format json` prints."""
        return {
            "ok": self.ok,
            "reasons": list(self.reasons),
            "entry": self.entry,
            "origin": self.origin,
            "root": self.root,
            "files": len(self.same),
            "bytes": self.bytes,
            "added": list(self.changes.added),
            "removed": list(self.changes.removed),
            "changed": list(self.changes.changed),
            "unread": list(self.unread),
            "bytes_unread": self.bytes_unread,
            "ledger": self.verification.as_json(),
        }

    def lines(self) -> list[str]:
        """Return plain sentences for a terminal, the answer first."""
        if not self.ok:
            return ["Refused: this data is not to be trained on.", *(f"- {reason}" for reason in self.reasons)]
        held = f"{counted(len(self.same), 'file')} ({self.bytes:,} bytes)"
        are, them = ("is", "it") if len(self.same) == 1 else ("are", "them")
        left = (
            f"; {self.bytes_unread:,} bytes in {counted(len(self.unread), 'file')} were not read" if self.unread else ""
        )
        return [
            f"Cleared: {held} {are} as entry {self.entry} of {self.origin} audited {them}, and the policy holds{left}.",
            f"Record this root with the training run: {self.root}",
        ]


def read_policy(path: Path | None) -> Policy:
    """Read a policy.

    Args:
        path: YAML, held to `data/schemas/policy.schema.json`; None = the default policy.

    Returns:
        The policy.

    Raises:
        ConfigError: it cannot be read, breaks its schema, or names a profile that there is not; the message says where.
    """
    if path is None:
        return Policy()
    try:
        with path.open("rb") as file:
            source = file.read(_LIMIT)
        held, lines = documents.load(str(path), documents.decode(str(path), source), typed=True)
    except OSError as cause:
        raise ConfigError(f"the policy {path} cannot be read: {cause.strerror}") from cause
    except ManifestError as cause:
        raise ConfigError(str(cause)) from cause
    schema = json.loads((HERE / "schemas" / "policy.schema.json").read_text(encoding="utf-8"))
    if fault := jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(held)):
        pointer = "".join(f"/{part}" for part in fault.absolute_path)
        raise ConfigError(f"{path}: at {pointer or '/'}, line {lines.get(pointer, 1)}: {fault.message[:200]}")
    for name in held.get("profiles", ()):
        profiles.load(name)
    said: dict[str, Any] = {
        name.replace("-", "_"): tuple(value) if isinstance(value, list) else value
        for name, value in held.items()
        if name != "policy"
    }
    return Policy(**said)


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
        policy: see `Policy`; None = no finding at `error` that nobody waived, every file read and there, pinned keys.
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
    found = inspect(
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


def inspect(
    data: Path,
    ledger: Path,
    wanted: Policy,
    *,
    entry: int | None = None,
    trust: Path | None = None,
    since: Path | None = None,
    workers: int | None = None,
    progress: Progress = unwatched,
) -> Clearance:
    """Find out whether data may be trained on; what speaks against it is an answer, not an error.

    Args:
        data: the folder.
        ledger: the ledger.
        wanted: the policy.
        entry: number of a scan, derivation or filter-run; None = the newest scan.
        trust: a trust file; None = the user's own keys.
        since: a checkpoint that was held before.
        workers: threads that hash; None = one a core.
        progress: told the step, the bytes done and the bytes there are.

    Returns:
        The clearance.

    Raises:
        ConfigError: the data is no folder, the ledger none, or a file or entry that was named is not there.
        OSError: the data cannot be listed.
    """
    if not data.is_dir():
        raise ConfigError(f"{data} is no folder")
    if not layout.was_ledger(ledger):
        raise ConfigError(f"{ledger} is no ledger; `provenance scan {data} --ledger {ledger}` makes one")
    progress("verifying", 0, 0)
    checked = ledger_.verify(ledger, trust=trust, since=since)
    if checked.exit_code == USAGE:
        raise ConfigError("; ".join(step.detail for step in checked.steps if step.status == "failed"))
    reasons = list(_of_ledger(checked, wanted))
    if checked.exit_code not in {OK, UNPINNED, WITHHELD}:
        return Clearance(data, None, checked.origin, None, tuple(reasons), (), Changes(), 0, checked)
    if entry is not None and not 0 <= entry < checked.entries:
        raise ConfigError(f"{ledger} has no entry {entry}; its entries are 0 to {checked.entries - 1}")
    try:
        at, scans, gaps = _audited(ledger, entry)
        told = [(said, ledger_.tables(ledger, said["log"]["index"], _READ)) for said in scans]
        scanned, size = _expected(ledger, at, told)
    except (InputError, VerificationError, ValueError) as error:
        reasons.append(str(error))
        return Clearance(data, None, checked.origin, None, tuple(reasons), (), Changes(), 0, checked)
    compared = contents.compare(
        scanned, data, ledger, threads=workers, progress=lambda done: progress("hashing", done, size)
    )
    reasons += [*gaps, *_of_data(compared, wanted)]
    # Where approvers are asked for, a waiver of a file is nobody's, and one of an entry its approver's.
    asked = trust_.read(trust) if trust is not None else None
    signed = asked if asked is not None and asked.approvers else None
    standing = waiver.standing(ledger, signed)
    unread: list[_Unread] = []
    for said, tables in told:
        index = said["log"]["index"]
        name = f"entry {index}: " if len(told) > 1 or index != at else ""
        left = _unread(tables["files"], compared if index == at else None)
        unread += left
        of_scan = (
            *_of_scan(said, wanted),
            *_of_unread(left, wanted),
            *_of_tables(tables, said if signed is None else {**said, "waivers": ()}, wanted, standing),
        )
        reasons += [name + reason for reason in of_scan]
    root = ledger_.head(ledger).root.hex()
    return Clearance(
        data, at, checked.origin, root, tuple(reasons), compared.same, compared.changes, compared.bytes, checked,
        tuple(sorted(each.path for each in unread)), sum(each.bytes for each in unread),
    )  # fmt: skip


def _audited(ledger: Path, entry: int | None) -> tuple[int, list[dict[str, Any]], list[str]]:
    """Return the entry that says what the data is, the scans it rests on, and which of its inputs nobody audited."""
    said = ledger_.read_entry(ledger, entry)
    at = int(said["predicate"]["log"]["index"])
    scans: dict[int, dict[str, Any]] = {}
    gaps, todo, seen = [], [at], {at}
    while todo:
        index = todo.pop()
        said = ledger_.read_entry(ledger, index)
        kind = statement.kind(said["predicateType"])
        if kind == statement.SCAN:
            scans[index] = said["predicate"]
        elif kind not in statement.WITH_DATA:
            raise InputError(f"entry {index} is a {kind}, which says of no data what it is")
        else:
            for item in said["predicate"]["inputs"]:
                if "entry" not in item:
                    gaps.append(f"entry {index} was made of {item['name']} too, which no scan of this ledger audited")
                elif item["entry"] not in seen:
                    seen.add(item["entry"])
                    todo.append(item["entry"])
    return at, [scans[index] for index in sorted(scans)], gaps


def _expected(
    ledger: Path, at: int, told: Sequence[tuple[Mapping[str, Any], Mapping[str, pa.Table]]]
) -> tuple[Iterable[contents.Told], int]:
    """Return path and digest of every file that the data should have, and how many bytes those are."""
    for said, tables in told:
        if said["log"]["index"] == at:
            files = tables["files"]
            size = sum(size or 0 for path, size in _columns(files, "path", "bytes") if "!/" not in path)
            return ((path, digest) for path, digest in _columns(files, "path", "sha256")), size
    outputs = ledger_.read_entry(ledger, at)["predicate"]["outputs"]
    return contents.scanned(ledger / outputs["lines"]), int(outputs["bytes"])


def _columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    for batch in table.select(list(names)).to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _of_ledger(checked: Verification, wanted: Policy) -> Iterator[str]:
    """Say what speaks against the ledger itself; tables that are withheld are missed where they are needed."""
    if checked.exit_code in {OK, WITHHELD, DATA_DIFFERS} or (checked.exit_code == UNPINNED and wanted.keys == "any"):
        return
    failed = [f"{step.name}: {step.detail}" for step in checked.steps if step.status == "failed"]
    yield "; ".join([MEANINGS[checked.exit_code], *failed[:_NAMED]])


def _of_data(compared: contents.Compared, wanted: Policy) -> Iterator[str]:
    changes = compared.changes
    for names, what in ((changes.changed, "changed since the scan"), (changes.added, "not audited")):
        if names:
            yield f"{_files(names)} {what}"
    if changes.removed and wanted.missing == "refuse":
        yield f"{_files(changes.removed)} audited, but not there (`missing: allow` lets that pass)"


@dataclass(frozen=True, slots=True)
class _Unread:
    path: str
    bytes: int
    reason: str


def _unread(files: pa.Table, compared: contents.Compared | None) -> list[_Unread]:
    """Name the files that a scan did not read, or not whole, with the bytes that it left.

    Args:
        files: FILES of the scan.
        compared: the data beside it, where the data is what was scanned: what is gone is not trained on, and what was
            left out is, if it is there; None = the data was made of it.
    """
    gone = set(compared.changes.removed) if compared else set()
    left = {path for path in compared.unread if path.rsplit("/", 1)[-1] not in _STEERING} if compared else set()
    found: dict[str, _Unread] = {}
    columns = ("path", "role", "bytes_skipped", "skip_reason", "records_unreadable")
    for path, role, size, reason, broken in _columns(files, *columns):
        on_disk = path.split("!/", 1)[0]  # of a member, the archive
        whole = path == on_disk
        data = role in {"data", "unreadable"} and (broken or (whole and (size or role == "unreadable")))
        if on_disk in gone or not (data or path in left):
            continue
        if whole or on_disk not in found:  # the archive itself counts the bytes of its members
            found[on_disk] = _Unread(on_disk, size if whole else 0, reason or "unreadable records")
    return list(found.values())


def _of_unread(unread: Sequence[_Unread], wanted: Policy) -> Iterator[str]:
    if unread and wanted.unread == "refuse":
        named = _first([f"{each.path}: {each.reason}" for each in unread])
        told = f"not read whole by the scan, so not audited ({named}; `unread: allow` lets that pass)"
        yield f"{counted(len(unread), 'file')} {told}"


def _of_scan(said: Mapping[str, Any], wanted: Policy) -> Iterator[str]:
    if wanted.kind == "assessment" and said["kind"] != "assessment":
        yield "the scan is a draft; the policy wants an assessment (`provenance scan --assess`)"
    missing = sorted(set(wanted.profiles) - {each["name"] for each in said["profiles"]})
    if missing:
        yield f"the scan was not judged by {', '.join(missing)}"
    if wanted.purposes and said["purpose"] not in wanted.purposes:
        yield f"the scan was for {said['purpose']}; the policy wants {' or '.join(wanted.purposes)}"
    if wanted.sampled == "refuse" and "sample" in said.get("config", {}):
        yield "the scan looked at a sample of the data only"
    age = (datetime.now(UTC).date() - date.fromisoformat(said["finishedOn"][:10])).days
    if wanted.max_age_days is not None and age > wanted.max_age_days:
        yield f"the scan is {age} days old, by the time it claims; the policy allows {wanted.max_age_days}"


def _of_tables(
    tables: Mapping[str, pa.Table], said: Mapping[str, Any], wanted: Policy, standing: Iterable[Waiver]
) -> Iterator[str]:
    errored = [name for name, status in _columns(tables["coverage"], "check", "status") if status == "errored"]
    if errored:
        yield f"checks failed to run: {', '.join(errored)}"
    if wanted.findings != "never":
        bad = SEVERITIES[: SEVERITIES.index(wanted.findings) + 1]
        held = _waived(said, standing, datetime.now(UTC).date().isoformat())
        columns = _columns(tables["findings"], "severity", "fingerprint", "check", "source")
        left = [
            f"{check} of {source}" for severity, mark, check, source in columns if severity in bad and mark not in held
        ]
        if left:
            yield f"{counted(len(left), 'finding')} at {wanted.findings} or worse that nobody waived: {_first(left)}"
    columns = _columns(tables["verdicts"], "profile", "requirement", "element", "verdict")
    judged = [f"{profile} {name}.{number}" for profile, name, number, verdict in columns if verdict in wanted.verdicts]
    if judged:
        yield f"{counted(len(judged), 'element')} judged {' or '.join(wanted.verdicts)}: {_first(judged)}"


def _waived(said: Mapping[str, Any], standing: Iterable[Waiver], today: str) -> set[str]:
    """Name findings whose waiver holds today: it may have expired since the scan, or been signed after it."""
    scanned = {
        mark
        for each in said.get("waivers", ())
        if each["state"] == "holds" and each["expires"] >= today
        for mark in each["findings"]
    }
    return scanned | {each.fingerprint for each in standing if each.fingerprint and each.expires >= today}


def _files(names: Iterable[str]) -> str:
    listed = list(names)
    return f"{counted(len(listed), 'file')} ({_first(listed)})"


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
