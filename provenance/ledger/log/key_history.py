"""Who holds a ledger's keys, from entry to entry: what its entries of kind key make of the keys it began with.

The statement key that signs entry 0 and the log key that signs note 1 hold the ledger until an entry hands it over.
That entry is signed by the old statement key and co-signed by the new one; the note over it is signed by the old log
key and the new one. So whoever trusts either can follow: the old one names its successor, the new one its origin.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import BrokenChain, ConfigError, VerificationError
from provenance.ledger.format import checkpoint, envelope
from provenance.ledger.keys.signing_keys import fingerprint, read_public
from provenance.ledger.layout import LOG_KEY, SMALL, STATEMENT_KEY, read_bytes
from provenance.ledger.log.reading import read_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from provenance.ledger.keys.signing_keys import PublicKey

KEY_KIND = "key"
"""The kind of the entries that are about keys."""

NEW_KEY = "new-key"
"""The name of the co-signature by which a new statement key says that it takes over."""

HOLDER_ACTIONS = ("rotate", "revoke")
"""What such an entry does that changes who may sign; the others only name further keys."""

Role = Literal["statement", "log"]


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key that took over from another.

    Args:
        role: statement | log.
        before: fingerprint of the one that held the ledger.
        after: fingerprint of the one that holds it from the next entry on.
        index: number of the entry that says so.
    """

    role: Role
    before: str
    after: str
    index: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key that signs no more.

    Args:
        index: number of the entry that says so.
        since: from when on it may have been in other hands, as the entry says; None where it says nothing.
        reason: why.
    """

    index: int
    since: datetime | None
    reason: str


@dataclass(slots=True)
class Succession:
    """What is known of a ledger's keys after some of its entries.

    Args:
        first: fingerprint of the key that held each role at the beginning.
        changes: in the order of the entries.
        revoked: by fingerprint.
        added: role and, if said, owner of each further key, by fingerprint.
        certified: path of the certificate and number of the entry, of each certificate.
    """

    first: dict[Role, str] = field(default_factory=dict)
    changes: list[KeyChange] = field(default_factory=list)
    revoked: dict[str, Revocation] = field(default_factory=dict)
    added: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    certified: list[tuple[str, str, int]] = field(default_factory=list)
    _of_role: dict[str, list[KeyChange]] = field(default_factory=dict, repr=False)
    _held: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def find_change(self, role: Role, index: int) -> KeyChange | None:
        """Return how a role changes hands with an entry; None where it does not.

        Args:
            role: statement | log.
            index: number of the entry.
        """
        listed = self._of_role.get(role, [])
        at = bisect_left(listed, index, key=_change_index)
        return listed[at] if at < len(listed) and listed[at].index == index else None

    def find_holder(self, role: Role, index: int) -> str | None:
        """Return the fingerprint of the key that signs an entry, or the note over it; None where nothing is known.

        Args:
            role: statement | log.
            index: number of the entry; of the note over n entries it is n - 1.
        """
        listed = self._of_role.get(role, [])
        at = bisect_left(listed, index, key=_change_index)
        return listed[at - 1].after if at else self.first.get(role)

    def find_handover(self, index: int) -> str | None:
        """Return the log key that takes over with an entry, and so signs the note over it too; else None.

        Args:
            index: number of the entry.
        """
        found = self.find_change("log", index)
        return None if found is None else found.after

    def list_holders(self, role: Role) -> set[str]:
        """Return every key that ever held a role.

        Args:
            role: statement | log.
        """
        return self._held.get(role, set()) | ({self.first[role]} if role in self.first else set())

    def has_held(self, role: Role, key: str) -> bool:
        """Tell whether a key ever held a role.

        Args:
            role: statement | log.
            key: its fingerprint.
        """
        return key in self._held.get(role, ()) or self.first.get(role) == key

    def check_signer(self, index: int, keyid: str) -> None:
        """Check that an entry is signed by who holds the ledger there.

        Args:
            index: number of the entry.
            keyid: who signed it.

        Raises:
            VerificationError: another key holds the ledger, or this one was revoked.
        """
        holder = self.first.setdefault("statement", keyid) if index == 0 else self.find_holder("statement", index)
        if keyid != holder:
            raise VerificationError(f"it is signed by {keyid}, but {holder} holds the ledger there")
        if keyid in self.revoked and self.revoked[keyid].index < index:
            raise VerificationError(f"it is signed by {keyid}, which entry {self.revoked[keyid].index} revoked")

    def check_noter(self, index: int) -> None:
        """Check that who holds the log at an entry may sign the note over it.

        Args:
            index: number of the entry.

        Raises:
            VerificationError: the key was revoked.
        """
        holder = self.find_holder("log", index)
        if holder in self.revoked and self.revoked[holder].index < index:
            raise VerificationError(f"its log key {holder} was revoked by entry {self.revoked[holder].index}")

    def follow(self, index: int, predicate: Mapping[str, Any]) -> None:
        """Take in an entry of kind key, whose signature and schema are checked.

        Args:
            index: number of the entry.
            predicate: what it says.

        Raises:
            VerificationError: it does not fit to what stands before it.
        """
        action, bound = predicate["action"], {item["path"] for item in predicate["folder"]}
        named = [*predicate.get("changes", ()), predicate.get("key", {})]
        if loose := {each["path"] for each in named if "path" in each} - bound:
            raise VerificationError(f"it names {min(loose)}, which it does not bind")
        if action == "rotate":
            self._rotate(index, predicate["changes"])
            return
        key = predicate["key"]["fingerprint"]
        if action == "add":
            if key in self.added or self.has_held("statement", key) or self.has_held("log", key):
                raise VerificationError(f"it adds {key}, which the ledger has already")
            self.added[key] = (predicate["key"]["role"], predicate["key"].get("name"))
        elif action == "certificate":
            if key != self.find_holder("statement", index):
                raise VerificationError(f"it certifies {key}, which does not hold the ledger there")
            self.certified.append((key, predicate["key"]["path"], index))
        else:
            if key in self.revoked:
                raise VerificationError(f"it revokes {key}, which entry {self.revoked[key].index} revoked")
            since = predicate.get("since")
            self.revoked[key] = Revocation(index, parse_time(since) if since else None, predicate["reason"])

    def _rotate(self, index: int, changes: list[Mapping[str, Any]]) -> None:
        if len({change["role"] for change in changes}) != len(changes):
            raise VerificationError("it hands one role over twice")
        for change in changes:
            role, before, after = change["role"], change["before"], change["after"]
            holder = self.find_holder(role, index) or self.first.setdefault(role, before)
            if before != holder:
                raise VerificationError(f"it hands the {role} key {before} over, but {holder} holds the ledger there")
            if self.has_held(role, after) or after in self.added or after in self.revoked:
                raise VerificationError(f"it hands over to {after}, which the ledger has had already")
            made = KeyChange(role, before, after, index)
            self.changes.append(made)
            self._of_role.setdefault(role, []).append(made)
            self._held.setdefault(role, set()).update((before, after))

    def link_keys(
        self, whose: Mapping[tuple[str, Role], str], is_doubted: Callable[[KeyChange], bool] = lambda _: False
    ) -> dict[tuple[str, Role], str]:
        """Follow from pinned keys to those that took over from them, and to those that they took over from.

        Args:
            whose: how to name the owner of each pinned key, by fingerprint and role.
            is_doubted: whether the old key may have been in other hands when it named its successor. Where a key came
                from, the new one says itself.

        Returns:
            The same for keys that are not pinned but lead to one that is.
        """
        known, found = dict(whose), {}
        for each in (*self.changes, *reversed(self.changes)):
            forwards, backwards = (each.after, each.before), (each.before, each.after)
            for at, other in (backwards,) if is_doubted(each) else (forwards, backwards):
                if (at, each.role) not in known and (other, each.role) in known:
                    link = f"by the rotation of entry {each.index}, {known[other, each.role]}"
                    known[at, each.role] = found[at, each.role] = link
        return found

    def is_cosigner_valid(self, keyid: str, index: int) -> bool:
        """Tell whether a co-signature counts, of which nobody can prove when it was made.

        Args:
            keyid: fingerprint of who co-signed.
            index: number of the entry that was co-signed.

        Returns:
            False of a revoked key: of one that may have been in other hands, or of an entry that came afterwards.
        """
        revocation = self.revoked.get(keyid)
        return revocation is None or (revocation.since is None and index < revocation.index)

    def doubted_entries(self, keyid: str, signed: Iterable[int], proven: Callable[[int], datetime | None]) -> list[int]:
        """Return what a revoked key signed that is not proven to be older than the time from which it is doubted.

        Args:
            keyid: fingerprint.
            signed: numbers of the entries that it signed.
            proven: the time by which an entry is proven to have existed, or None.

        Returns:
            Numbers of entries; none of a key that is not revoked, or only from its revocation on.
        """
        revocation = self.revoked.get(keyid)
        if revocation is None or revocation.since is None:
            return []
        return [index for index in signed if (time := proven(index)) is None or time >= revocation.since]


def _change_index(change: KeyChange) -> int:
    return change.index


def read_history(folder: Path) -> Succession:
    """Read who holds the keys of a ledger, without verifying who signed it.

    Args:
        folder: the ledger.

    Returns:
        The succession after all of its finished entries.

    Raises:
        ConfigError: it does not say whose it was at the beginning.
        BrokenChain: an entry is missing, is not a canonical envelope of a statement, or does not fit.
    """
    found = Succession({"statement": _first_key(folder, STATEMENT_KEY), "log": _first_key(folder, LOG_KEY)})
    for index, _, predicate in read_entries(folder, KEY_KIND):
        try:
            found.follow(index, predicate)
        except VerificationError as cause:
            raise BrokenChain(f"the ledger {folder} does not verify: entry {index}: {cause}") from cause
    return found


def _first_key(folder: Path, name: str) -> str:
    try:
        return fingerprint(read_public(read_bytes(folder / name, SMALL)))
    except (OSError, ConfigError, VerificationError) as cause:
        raise ConfigError(f"the ledger {folder} does not say whose it is: {name} cannot be read") from cause


def public_keys(folder: Path) -> dict[str, PublicKey]:
    """Read the public keys that a ledger carries, by fingerprint: to check signatures with, which is not to trust them.

    Args:
        folder: the ledger.
    """
    found: dict[str, PublicKey] = {}
    for path in sorted((folder / "keys").glob("*.pub.pem")):
        try:
            key = read_public(read_bytes(path, SMALL))
        except (OSError, ConfigError, VerificationError):
            continue  # its digest will tell
        found.setdefault(fingerprint(key), key)
    return found


def parse_time(text: str) -> datetime:
    """Return a time of a statement, UTC.

    Args:
        text: ISO 8601 with a closing Z, as its schema has it.

    Raises:
        VerificationError: there is no such time.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError as cause:
        raise VerificationError(f"{text} is no time") from cause


def check_cosignature(data: bytes, payload: bytes, after: str, known: Mapping[str, PublicKey]) -> None:
    """Check that a new statement key co-signed the entry by which it takes over.

    Args:
        data: the co-signature's file.
        payload: what the entry signs.
        after: fingerprint of the new key.
        known: keys by fingerprint.

    Raises:
        VerificationError: it is not this key's signature over these bytes.
    """
    found, key = envelope.read_envelope(data), known.get(after)
    if found.payload != payload or found.keyid != after:
        raise VerificationError(f"its co-signature is not by {after} over the same payload")
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise VerificationError(f"the new key {after} is not in keys/")
    envelope.check_signature(found, key)


def check_note(
    data: bytes, index: int, succession: Succession, known: Mapping[str, PublicKey]
) -> checkpoint.Checkpoint:
    """Read and check the note over an entry; where the log key is handed over, both keys' signatures.

    Args:
        data: the note's file.
        index: number of the newest entry under it.
        succession: from the entries up to it.
        known: keys by fingerprint.

    Returns:
        The checkpoint, signed by who holds the log.

    Raises:
        VerificationError: it is not such a note, or not signed by who must sign it.
    """
    after = succession.find_handover(index)
    succession.check_noter(index)
    note = checkpoint.read_checkpoint(data)
    second = note.by_heir
    if (second is None) != (after is None):
        raise VerificationError("it is not signed by one key, or by two where the log changes hands")
    for each, name in ((note, succession.find_holder("log", index)), (second, after)):
        if each is None:
            continue
        key = known.get(name or "")
        if not isinstance(key, Ed25519PublicKey):
            raise VerificationError(f"its key {name} is neither pinned nor in keys/")
        checkpoint.check_signature(each, key)
    return note
