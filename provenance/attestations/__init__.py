"""Acts: what people do about a scan, each an entry of its ledger: waive, draw, review, decide, filter, derive.

One file a kind, one verb: `compose(folder, ...) -> Act` makes of what was given what an entry says; `actions` signs it.
What a verifier makes of them stands in `ledger.relations`. To add one: its file here, its schema in
`data/schemas/ledger/`, one line in `ledger.statement.KINDS`; and, where people fill in a form, one line in FORMS.

Here stands what they have in common: what an act is before it is signed, and what is asked of a ledger and of a form.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.attestations import forms
from provenance.errors import ConfigError
from provenance.ledger.format import statement
from provenance.ledger.log import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMS = {
    "decision": "What somebody decided about a source or a finding, and why.",
    "filter-run": "A filter was applied to data.",
    "derivation": "Data was made into other data, such as training shards.",
}
"""Kinds that people write in a form, with a line on each."""


@dataclass(frozen=True, slots=True)
class ComposedAct:
    """An act that was composed.

    Args:
        kind: one of ledger.statement.KINDS.
        document: its subject, which the ledger keeps.
        facts: what its entry says, beside what every entry does.
        objects: what else the ledger keeps for it.
        after: how many entries it rests on, so that it holds only as the next one; None = any.
    """

    kind: str
    document: bytes
    facts: Mapping[str, Any]
    objects: Sequence[bytes] = ()
    after: int | None = None


def current_time() -> str:
    """Return the time, UTC, as entries have it: claimed, not proven."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_ledger(folder: Path) -> None:
    """Refuse a folder that is no ledger.

    Args:
        folder: what should be one.

    Raises:
        ConfigError: it is none.
    """
    if not signed_ledger.is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")


def statement_of(folder: Path, entry: int, *kinds: str) -> statement.Statement:
    """Read an entry that must be of some kind.

    Args:
        folder: the ledger.
        entry: its number.
        kinds: of statement.KINDS.

    Returns:
        Its statement.

    Raises:
        ConfigError: there is no such entry, or it is of another kind.
        VerificationError: it is not a canonical envelope of a statement.
    """
    check_ledger(folder)
    count = signed_ledger.size(folder)
    if not 0 <= entry < count:
        raise ConfigError(f"{folder} has no entry {entry}; its entries are 0 to {count - 1}")
    found = reading.read_statement(folder, entry)
    if found.kind not in kinds:
        raise ConfigError(f"entry {entry} of {folder} is a {found.kind}, no {' or '.join(kinds)}")
    return found


def newest_scan(folder: Path, entry: int | None = None) -> int:
    """Return the number of a scan.

    Args:
        folder: the ledger.
        entry: the number that was asked for; None = the newest scan.

    Raises:
        ConfigError: there is no such scan.
    """
    check_ledger(folder)
    at = signed_ledger.read_entry(folder)["predicate"]["log"]["index"] if entry is None else entry
    statement_of(folder, at, statement.SCAN)
    return int(at)


def digest_documents(form: forms.Form) -> list[dict[str, Any]]:
    """Digest the documents of a form.

    Args:
        form: with a list `digest_documents`, or none.

    Raises:
        ConfigError: one is not there, empty, or another one.
    """
    named = form.value.get("documents") or ()
    return [forms.digest_document(each, form.at("documents", at), form.path.parent) for at, each in enumerate(named)]


def describe_tool(form: forms.Form) -> dict[str, Any]:
    """Return what an entry says of the tool that a form names.

    Args:
        form: with a `describe_tool`.
    """
    named = form.value["tool"]
    digest = {"digest": {"sha256": named["sha256"]}} if "sha256" in named else {}
    return {"name": named["name"], "version": named["version"], **digest}


def describe_inputs(folder: Path, form: forms.Form) -> list[dict[str, Any]]:
    """Return what an entry says of the inputs that a form names.

    Args:
        folder: the ledger.
        form: with a list `describe_inputs`.

    Raises:
        ConfigError: an entry that it names is not there, or no data came of it.
    """
    found: list[dict[str, Any]] = []
    for each in form.value["inputs"]:
        if "entry" in each:
            statement_of(folder, each["entry"], *statement.KINDS_WITH_DATA)
            found.append({"entry": each["entry"]})
        else:
            found.append({"name": each["name"], "digest": {"sha256": each["sha256"]}})
    return found
