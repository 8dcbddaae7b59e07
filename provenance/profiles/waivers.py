"""Waivers: findings that somebody accepts until a day, and why.

A waiver changes the exit code of a scan and nothing else: the finding stays in every table and report, marked, and
every result counts it. One that has expired does not hold, one that matches nothing is said. They stand in the ledger,
or in a file that never lives in the data: who hands over data must not excuse what is wrong with it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.checks import CHECKS
from provenance.core import schemas
from provenance.core.digests import sha256
from provenance.core.package_data import DATA_FOLDER
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, ManifestError
from provenance.readers.manifests import yaml_documents
from provenance.readers.storage.regular_files import read_head
from provenance.sources.privacy import masking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from provenance.sources.privacy.identity import IdentityKey

DOCUMENT = "waivers.yaml"
"""The name under which a scan's folder keeps the file."""

LARGEST = 1 << 20
"""Bytes of the largest file that is read."""

STEP = "waivers"
"""Name of their row in COVERAGE."""


_NAMES = {"approved_by": "approvedBy"}  # of what an entry says of a waiver


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted finding, or those of one check and source.

    Args:
        reason: why it is accepted.
        approver: who accepts it.
        expires: the last day on which it holds, ISO 8601, UTC.
        fingerprint: of the finding; else check and source name it.
        check: the check's name.
        source: the source that carries the finding.
        other: the other source; None = findings that have none.
        evidence: where the paper stands that it rests on.
        entry: number of its entry in the ledger; None = it stands in a file.
        approved_by: fingerprint of the approver's key that signed it in the ledger; None = nobody but the operator did.
    """

    reason: str
    approver: str
    expires: str
    fingerprint: str | None = None
    check: str | None = None
    source: str | None = None
    other: str | None = None
    evidence: str | None = None
    entry: int | None = None
    approved_by: str | None = None

    def covers(self, finding: Mapping[str, Any]) -> bool:
        """Tell whether it names a finding, whatever the day."""
        if self.fingerprint is not None:
            return bool(finding["fingerprint"] == self.fingerprint)
        return all(finding[name] == getattr(self, name) for name in ("check", "source", "other"))

    @property
    def subject(self) -> str:
        """What it names, in words."""
        if self.fingerprint is not None:
            return self.fingerprint
        return f"{self.check} of {self.source}" + (f" ~ {self.other}" if self.other else "")

    @property
    def sentence(self) -> str:
        """What stands beside a finding that it covers."""
        evidence = f" (evidence: {self.evidence})" if self.evidence else ""
        signed = "" if self.approved_by else ", signed by nobody but the operator"
        entry = f" (entry {self.entry}{signed})" if self.entry is not None else f" (in a file{signed})"
        return f"waived by {self.approver} until {self.expires}: {self.reason}{evidence}{entry}"


@dataclass(frozen=True, slots=True)
class Waivers:
    """Waivers that a scan applies.

    Args:
        waivers: those of a file, in its order, then those of the ledger.
        source: the file's bytes, which the ledger keeps; None where there was none.
    """

    waivers: tuple[Waiver, ...]
    source: bytes | None


def load(path: Path, data: Path) -> Waivers:
    """Read a file of waivers.

    Args:
        path: the file.
        data: the folder that is audited.

    Raises:
        ConfigError: it lies in the data, cannot be read, or breaks its schema; the message says where.
    """
    # realpath: of a link that leads to itself `Path.resolve` raises what no system says
    if any(Path(form(path)).is_relative_to(form(data)) for form in (Path.absolute, os.path.realpath)):
        raise ConfigError(f"{path} lies in the data: waivers never live in the data; keep the file elsewhere")
    try:
        source = read_head(path, LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"the waivers {path} cannot be read: {error.strerror}") from error
    if len(source) > LARGEST:
        raise ConfigError(f"the waivers {path} are larger than {LARGEST:,} bytes")
    return Waivers(parse(path.name, source), source)


def parse(name: str, source: bytes) -> tuple[Waiver, ...]:
    """Read waivers.

    Args:
        name: the file's name, for messages.
        source: YAML, held to `data/schemas/waivers.schema.json`.

    Raises:
        ConfigError: it breaks the schema, or names a check or day that does not exist.
    """
    import jsonschema

    try:
        document, lines = yaml_documents.load(name, yaml_documents.decode(name, source))
    except ManifestError as error:
        raise ConfigError(str(error)) from error
    schema = json.loads((DATA_FOLDER / "schemas" / "waivers.schema.json").read_text(encoding="utf-8"))
    faults = list(jsonschema.Draft202012Validator(schema).iter_errors(document))
    if faults:
        fault = min(faults, key=lambda each: each.validator == "oneOf")  # a wrong value before a wrong way to name
        pointer = "".join(f"/{part}" for part in fault.absolute_path)
        raise ConfigError(f"{name}: at {pointer or '/'}, line {lines.get(pointer, 1)}: {_said(fault)}")
    waivers = tuple(Waiver(**each) for each in document["waivers"])
    for number, waiver in enumerate(waivers):
        line = lines[f"/waivers/{number}"]
        if waiver.check is not None and waiver.check not in CHECKS:
            raise ConfigError(f"{name}: line {line}: there is no check {waiver.check!r}; see `provenance list checks`")
        try:
            date.fromisoformat(waiver.expires)
        except ValueError as error:
            raise ConfigError(f"{name}: line {line}: there is no day {waiver.expires}") from error
    return waivers


def _said(fault: Any) -> str:
    if fault.validator == "oneOf":
        return "a waiver names a finding by its fingerprint, or by check and source (and other)"
    if fault.validator == "additionalProperties":
        return f"{fault.message}; allowed are {', '.join(fault.schema['properties'])}"
    expected = fault.schema.get("description")
    return f"expected {expected}" if expected else str(fault.message)[:200]


def apply(
    tables: Mapping[str, pa.Table], given: Waivers, today: str, people: IdentityKey
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Mark the findings that waivers cover, and say which of them hold.

    Args:
        tables: the tables of schemas.SEALED by name.
        given: the waivers.
        today: the day of the scan, ISO 8601, UTC.
        people: what the ids of approvers are made with: names stay in what they handed in.

    Returns:
        The tables, with FINDINGS.waived set and a row `waivers` in COVERAGE; and what the entry says of the waivers.
    """
    given = Waivers(tuple(_unnamed(each, people) for each in given.waivers), given.source)
    findings = tables["findings"].to_pylist()
    results = [_told(waiver, findings, today) for waiver in given.waivers]
    for waiver, each in zip(given.waivers, results, strict=True):
        for finding in findings:
            if each["state"] == "holds" and finding["fingerprint"] in each["findings"]:
                finding["waived"] = finding["waived"] or waiver.sentence
    coverage = tables["coverage"].to_pylist()
    seen = {name: coverage[0][name] for name in ("records_seen", "records_unreadable")}
    waived = sum(finding["waived"] is not None for finding in findings)
    coverage.insert(0, {"check": STEP, "status": "ran", "reason": _reason(given.waivers, results, waived)} | seen)
    marked = {
        "findings": schemas.rows(findings, schemas.FINDINGS),
        "coverage": schemas.rows(coverage, schemas.COVERAGE),
    }
    facts: dict[str, Any] = {"waivers": results}
    if given.source is not None:
        facts["waiversFile"] = {"name": DOCUMENT, "digest": {"sha256": sha256(given.source)}}
    return {**tables, **marked}, facts


def _unnamed(waiver: Waiver, people: IdentityKey) -> Waiver:
    """Put role and id in place of whoever accepts a finding, and kinds in place of personal data in the reason."""
    evidence = None if waiver.evidence is None else masking.clean(waiver.evidence)
    approver = people.person("approver", waiver.approver)
    return replace(waiver, approver=approver, reason=masking.clean(waiver.reason), evidence=evidence)


def pinned(results: Sequence[Mapping[str, Any]]) -> Waivers:
    """Return the waivers that an entry says a scan was given, those of its file and those of the ledger.

    Args:
        results: `waivers` of what the entry says, see `apply`.

    Returns:
        As `apply` takes them, in the same order; which held on another day is decided anew.
    """
    names = [(field.name, _NAMES.get(field.name, field.name)) for field in fields(Waiver)]
    return Waivers(tuple(Waiver(**{name: each[key] for name, key in names if key in each}) for each in results), None)


def _told(waiver: Waiver, findings: Sequence[Mapping[str, Any]], today: str) -> dict[str, Any]:
    covered = [finding["fingerprint"] for finding in findings if waiver.covers(finding)]
    state = "expired" if waiver.expires < today else "holds" if covered else "matches nothing"
    record = {_NAMES.get(name, name): value for name, value in asdict(waiver).items() if value is not None}
    return record | {"state": state, "findings": covered}


def _reason(waivers: Iterable[Waiver], results: Sequence[Mapping[str, Any]], waived: int) -> str:
    holding = sum(each["state"] == "holds" for each in results)
    sentences = [f"{count_noun(holding, 'waiver')} held, for {count_noun(waived, 'finding')}"]
    for waiver, each in zip(waivers, results, strict=True):
        if each["state"] == "expired":
            sentences.append(
                f"that of {waiver.approver} for {waiver.subject} expired on {waiver.expires} and does not hold"
            )
        elif each["state"] == "matches nothing":
            sentences.append(f"that of {waiver.approver} for {waiver.subject} matches no finding")
    return "; ".join(sentences)
