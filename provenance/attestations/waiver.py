"""Waivers in the ledger: a finding is accepted until a day, and who accepted it signs for it with a key of their own.

The operator's key signs the entry; the approver's signs the same payload, then or later, without any key of the ledger.
A later scan applies those that have not expired beside a file of waivers; nothing else of a finding changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.attestations import ComposedAct, check_ledger, current_time, forms, statement_of
from provenance.core.digests import canonical
from provenance.errors import ConfigError, InputError
from provenance.ledger.format import finding_fingerprints, statement
from provenance.ledger.log import entry_cosignatures, key_history, reading
from provenance.profiles.waivers import Waiver

if TYPE_CHECKING:
    from provenance.ledger.keys.trusted_keys import Trust

KIND = "waiver"
APPROVER = "approver"
"""Name of the approver's co-signature."""


def compose(
    folder: Path,
    fingerprint: str,
    *,
    reason: str,
    approver: str,
    expires: str,
    evidence: str | None = None,
    approver_key: str | None = None,
) -> ComposedAct:
    """Compose a waiver.

    Args:
        folder: the ledger.
        fingerprint: of a finding of one of its scans, or its first digits, see finding_fingerprints.SHORT_DIGITS.
        reason: why it is accepted.
        approver: who accepts it, by name.
        expires: the last day on which it holds, ISO 8601, UTC.
        evidence: where the paper stands that it rests on.
        approver_key: fingerprint of the key that is to co-sign; None = any.

    Returns:
        The act; its document is a file that `scan --waivers` reads too.

    Raises:
        ConfigError: no scan has such a finding, several have, the day is none or past, or a text holds an address or
            number of a person.
    """
    check_ledger(folder)
    if forms.parse_day(expires, "--expires") < datetime.now(UTC).date():
        raise ConfigError(f"{expires} is past: name the last day on which the waiver is to hold")
    finding = _finding(folder, fingerprint)
    terms = {"reason": reason, "approver": approver, "expires": expires}
    terms |= {"evidence": evidence} if evidence is not None else {}
    for name, text in terms.items():
        if not text.strip():
            raise ConfigError(f"the {name} is empty: say it in words, as the ledger keeps it")
        if len(text) > (200 if name == "approver" else 2000):
            raise ConfigError(
                f"the {name} must be a text of at most {200 if name == 'approver' else 2000:,} characters"
            )
    document = canonical({"waivers": [{**terms, "fingerprint": finding["fingerprint"]}]}) + b"\n"
    forms.refuse_personal_data("the waiver", document)
    facts = {**terms, "finding": finding, "waivedOn": current_time()}
    return ComposedAct(KIND, document, facts | ({"approverKey": approver_key} if approver_key is not None else {}))


def check_approver(folder: Path, entry: int, fingerprint: str) -> None:
    """Refuse a key that is not to co-sign a waiver.

    Args:
        folder: the ledger.
        entry: number of the waiver.
        fingerprint: of the key.

    Raises:
        ConfigError: there is no such waiver, or it names another key.
    """
    named = statement_of(folder, entry, KIND).predicate.get("approverKey", fingerprint)
    if named != fingerprint:
        raise ConfigError(f"waiver {entry} names {named} as its approver's key; this one is {fingerprint}")


def read_waivers(folder: Path | signed_ledger.Reader, pinned: Trust | None = None) -> tuple[Waiver, ...]:
    """Read the waivers of a ledger, expired ones too.

    Args:
        folder: the ledger, or one that is open for reading; nothing where there is none.
        pinned: whose approval counts; None = also waivers that nobody approved.

    Returns:
        As a scan applies them, the oldest first; each with its entry, and its approver's key where that has co-signed.

    Raises:
        BrokenChain: the ledger does not verify.
    """
    place = folder if isinstance(folder, Path) else folder.folder
    found = []
    for index, predicate, operator in _list_waivers(folder):
        from provenance.ledger.verification import entry_relations  # most ledgers have no waiver

        made = Waiver(
            predicate["reason"],
            predicate["approver"],
            predicate["expires"],
            fingerprint=predicate["finding"]["fingerprint"],
            evidence=predicate.get("evidence"),
            entry=index,
            approved_by=entry_relations.approved_by(
                predicate, operator, entry_cosignatures.read_cosignatures(place, index)
            ),
        )
        if pinned is None or _is_approved(place, made, predicate["log"]["origin"], pinned):
            found.append(made)
    return tuple(found)


def _list_waivers(folder: Path | signed_ledger.Reader) -> list[tuple[int, dict[str, Any], str]]:
    """Every waiver: number of its entry, what it says, and who signed it."""
    if not isinstance(folder, Path):
        return [(index, predicate, folder.envelope(index).keyid) for index, _, predicate in folder.entries(KIND)]
    return [
        (index, predicate, signed_ledger.read_signer(folder, index))
        for index, _, predicate in signed_ledger.read_entries(folder, KIND)
    ]


def _is_approved(folder: Path, made: Waiver, origin: str, pinned: Trust) -> bool:
    """Tell whether who approved is pinned for it, keeps no keys of the ledger and was not revoked."""
    key, index = made.approved_by, made.entry
    if key is None or index is None or pinned.find_owner(key, "waiver", origin) is None:
        return False
    succession = key_history.read_history(folder)
    return key not in succession.list_holders("statement") and succession.is_cosigner_valid(key, index)


def _finding(folder: Path, fingerprint: str) -> dict[str, Any]:
    """Find what is waived in the newest scan that has it."""
    finding_fingerprints.check_beginning(fingerprint)
    withheld = []
    for index in reversed(range(signed_ledger.size(folder))):
        if reading.read_statement(folder, index).kind != statement.SCAN:
            continue
        try:
            rows = signed_ledger.read_tables(folder, index, {"findings"})["findings"].to_pylist()
        except InputError as cause:
            withheld.append(str(cause))  # another scan may have it
            continue
        row = finding_fingerprints.find_one(rows, fingerprint, index)
        if row is not None:
            found = {name: row[name] for name in ("fingerprint", "check", "source")} | {"entry": index}
            return found | ({"other": row["other"]} if row["other"] is not None else {})
    if withheld:
        raise ConfigError(f"no table of findings that is here has {fingerprint}: {withheld[0]}")
    raise ConfigError(f"no scan of {folder} has a finding {fingerprint}; `provenance show {folder}` names them")
