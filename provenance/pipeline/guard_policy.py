"""Policies: what must be true of data, and of its audit, before it is trained on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema

from provenance import profiles
from provenance.core.model import DOES_NOT_CONFORM, EVIDENCE_MISSING, NOT_EXAMINED, OPEN_POINT
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError, ManifestError
from provenance.readers.manifests import yaml_documents
from provenance.readers.storage import open_regular

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1 << 20  # bytes of a policy


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What must be true of data, and of its audit, before it is trained on.

    Args:
        kind: draft | assessment: whether a draft is enough.
        profiles: names of profiles that the scan must have been judged by.
        purposes: one of which the scan must have been for; any, if empty.
        findings: error | warning | note | never: no finding that bad may be left that nobody waived.
        observed: what may have been observed of no element.
        assessed: what a person may have concluded of no element.
        max_age_days: of the scan, by the time it claims; None = any.
        missing: refuse | allow: files that were audited and are not there.
        unread: refuse | allow: files that the scan did not read, or not whole.
        sampled: refuse | allow: a scan that looked at a sample.
        keys: pinned | any: whose signatures are enough.
        allow: globs of paths that may be there without an audit, see `path_names.find_matching_glob`; None = what
            `ToolFiles` recognises as version control, a cache or a note of a file browser, and no more.
    """

    kind: str = "draft"
    profiles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    findings: str = "error"
    observed: tuple[str, ...] = ()
    assessed: tuple[str, ...] = (DOES_NOT_CONFORM,)
    max_age_days: int | None = None
    missing: str = "refuse"
    unread: str = "refuse"
    sampled: str = "refuse"
    keys: str = "pinned"
    allow: tuple[str, ...] | None = None


def read_policy(path: Path | None) -> GuardPolicy:
    """Read a policy.

    Args:
        path: YAML, held to `data/schemas/policy.schema.json`; None = the default policy.

    Returns:
        The policy.

    Raises:
        ConfigError: it cannot be read, breaks its schema, or names a profile that there is not; the message says where.
    """
    if path is None:
        return GuardPolicy()
    try:
        with open_regular(path) as file:
            source = file.read(_MOST_BYTES)
        document, lines = yaml_documents.load(str(path), yaml_documents.decode(str(path), source), typed=True)
    except OSError as cause:
        raise ConfigError(f"the policy {path} cannot be read: {cause.strerror}") from cause
    except ManifestError as cause:
        raise ConfigError(str(cause)) from cause
    schema = json.loads((DATA_FOLDER / "schemas" / "policy.schema.json").read_text(encoding="utf-8"))
    if fault := jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(document)):
        pointer = "".join(f"/{part}" for part in fault.absolute_path)
        raise ConfigError(f"{path}: at {pointer or '/'}, line {lines.get(pointer, 1)}: {fault.message[:200]}")
    for name in document.get("profiles", ()):
        profiles.load(name)
    settings: dict[str, Any] = {
        name.replace("-", "_"): tuple(value) if isinstance(value, list) else value
        for name, value in document.items()
        if name != "policy"
    }
    for word in settings.pop("verdicts", ()):
        settings["observed"] = tuple(dict.fromkeys((*settings.get("observed", ()), *_FIRST_OBSERVED[word])))
        settings.setdefault("assessed", (DOES_NOT_CONFORM,))
    return GuardPolicy(**settings)


_FIRST_OBSERVED = {
    "does not conform": (OPEN_POINT,),
    "not evidenced": (OPEN_POINT, EVIDENCE_MISSING, NOT_EXAMINED),
}
"""What the words of the first version of VERDICTS refuse in those of the second: as much, or more."""
