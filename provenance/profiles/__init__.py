"""Profiles: what a legal instrument, or plain practice, makes of findings. The only place where thresholds live.

A profile is one YAML file here, held to `data/schemas/profile.schema.json`: requirements made of elements, each
answered by the machine, by a declaration or by a document. To add one: the file and one line in PROFILES.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import yaml

from provenance import schemas
from provenance.data import HERE
from provenance.digests import fingerprint, sha256
from provenance.errors import ProfileError
from provenance.model import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from provenance.model import Finding

PROFILES = ("baseline",)
"""The profiles there are, by the name of their file."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, read and checked.

    Args:
        name: as on the command line.
        version: of its rules.
        title: for reports.
        digest: SHA-256 of its file, hexadecimal.
        minimum_shingles: distinct shingles a matched record must have to count as evidence.
        requirements: as the schema has them.
    """

    name: str
    version: int
    title: str
    digest: str
    minimum_shingles: int
    requirements: tuple[dict[str, Any], ...]


@cache
def load(name: str) -> Profile:
    """Read one profile.

    Args:
        name: one of PROFILES.

    Raises:
        ProfileError: there is no such profile, or its file breaks the schema.
    """
    if name not in PROFILES:
        raise ProfileError(f"there is no profile {name!r}; there are: {', '.join(PROFILES)}")
    return parse(name, Path(__file__).with_name(f"{name.replace('-', '_')}.yaml").read_bytes())


def parse(name: str, data: bytes) -> Profile:
    """Read a profile's bytes.

    Args:
        name: the name that it must give itself.
        data: YAML.

    Raises:
        ProfileError: it is no YAML, breaks the schema, or has another name; the message says where.
    """
    import jsonschema

    try:
        held = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {name} is not YAML: {' '.join(str(error).split())}") from error
    schema = json.loads((HERE / "schemas" / "profile.schema.json").read_text(encoding="utf-8"))
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(held))
    if fault is not None:
        raise ProfileError(f"profile {name}: at {fault.json_path}: {fault.message}")
    if held["profile"] != name:
        raise ProfileError(f"profile {name}: at $.profile: it calls itself {held['profile']!r}")
    minimum = held.get("minimum", {}).get("shingles", 1)
    return Profile(name, held["version"], held["title"], sha256(data), minimum, tuple(held["requirements"]))


def checks(profile: Profile) -> Iterable[tuple[dict[str, Any], int, str, dict[str, Any]]]:
    """Yield every rule of a profile: requirement, number of its element, check, rule."""
    for requirement in profile.requirements:
        for number, element in enumerate(requirement["elements"], 1):
            for check, rule in element.get("checks", {}).items():
                yield requirement, number, check, rule


def severity(rule: Mapping[str, Any], finding: Finding) -> str | None:
    """Map a finding's value to a severity.

    Args:
        rule: of one check in one element.
        finding: one finding of that check.

    Returns:
        error | warning | note; None below the rule's minimum.
    """
    for name, least in rule.get("minimum", {}).items():
        count = {"records": finding.records, "texts": finding.texts}[name]
        if count is not None and count < least:
            return None
    steps = rule["severity"]
    if isinstance(steps, str):
        return steps
    value = finding.value if finding.value is not None else float("inf")
    reached = [step for step in steps if value >= step["from"]]
    return max(reached, key=lambda step: step["from"])["is"] if reached else None


def judge(
    findings: Sequence[Finding], coverage: pa.Table, chosen: Sequence[Profile], files: pa.Table
) -> tuple[dict[str, tuple[str, str | None]], pa.Table]:
    """Say what profiles make of findings.

    Args:
        findings: from the checks.
        coverage: COVERAGE: a check that did not run leaves its element without evidence.
        chosen: the profiles.
        files: FILES: bytes that were not read leave a clean element without evidence.

    Returns:
        Fingerprint -> the worst severity and its clause (findings that no profile minds are left out); and VERDICTS.
    """
    by_check: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_check[finding.check].append(finding)
    severities: dict[str, tuple[str, str | None]] = {}
    against: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for profile in chosen:
        for requirement, number, check, rule in checks(profile):
            for finding in by_check[check]:
                level = severity(rule, finding)
                if level is None:
                    continue
                mark = fingerprint(finding.check, finding.source, finding.other, finding.field)
                against[profile.name, requirement["id"], number].append(level)
                known = severities.get(mark)
                if known is None or SEVERITIES.index(level) < SEVERITIES.index(known[0]):
                    severities[mark] = (level, f"{profile.name}: {requirement['clause']}")
    ran = {row["check"]: row["status"] == "ran" for row in coverage.to_pylist()}
    unread = _unread(files)
    rows = [
        _verdict(profile, requirement, number, element, against[profile.name, requirement["id"], number], ran, unread)
        for profile in chosen
        for requirement in profile.requirements
        for number, element in enumerate(requirement["elements"], 1)
    ]
    return severities, schemas.rows(rows, schemas.VERDICTS)


def _unread(files: pa.Table) -> tuple[int, bool]:
    """Return the bytes on disk that were to be read and were not, and whether that is all there was of data."""
    columns = ("path", "role", "bytes_consumed", "bytes_skipped")
    rows = [row for row in files.select(columns).to_pylist() if row["role"] != "ignored" and "!/" not in row["path"]]
    read = any(row["bytes_consumed"] for row in rows if row["role"] == "data")
    return sum(row["bytes_skipped"] for row in rows), not read


def _verdict(
    profile: Profile,
    requirement: Mapping[str, Any],
    number: int,
    element: Mapping[str, Any],
    levels: Sequence[str],
    ran: Mapping[str, bool],
    unread: tuple[int, bool],
) -> dict[str, object]:
    verdict, reason = _answer(requirement, element, levels, ran, unread)
    return {
        "profile": profile.name, "requirement": requirement["id"], "element": number, "title": requirement["title"],
        "modality": requirement["modality"], "text": requirement["text"], "clause": requirement["clause"],
        "answered_by": element["by"], "verdict": verdict, "reason": reason, "findings": len(levels),
    }  # fmt: skip


def _answer(
    requirement: Mapping[str, Any],
    element: Mapping[str, Any],
    levels: Sequence[str],
    ran: Mapping[str, bool],
    unread: tuple[int, bool],
) -> tuple[str, str]:
    """Answer one element: contrary evidence first, then what was not looked at, then silence."""
    if element["by"] != "machine":
        return "not evidenced", f"answered by a {element['by']}, which is not there"
    counted = f"{len(levels)} finding{'s' * (len(levels) != 1)}"
    grave = sum(level != "note" for level in levels)
    if grave and requirement["modality"] == "shall":
        return "does not conform", counted
    if grave:
        return "not evidenced", f"{counted} against it"
    missing = [check for check in element["checks"] if not ran.get(check, False)]
    if missing:
        return "not evidenced", f"did not run: {', '.join(missing)}"
    skipped, nothing = unread
    if nothing:
        return "not evidenced", f"no data could be read; {skipped:,} bytes were not"
    seen = f"in what was read; {skipped:,} bytes were not" if skipped else "everything that was not left out was read"
    return "no contrary evidence", seen + (f"; {counted}, of no weight" if levels else "")


def listed() -> dict[str, str]:
    """Return every profile's name with its title."""
    return {name: load(name).title for name in PROFILES}


class _Room(ModuleType):
    """This module, which can be called: `pv.profiles()` is part of the public API, and the room has the same name."""

    def __call__(self) -> dict[str, str]:
        """Return what `listed` does."""
        return listed()


sys.modules[__name__].__class__ = _Room
