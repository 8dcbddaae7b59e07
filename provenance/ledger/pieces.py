"""Verification of a piece of a ledger: who signed a proof or an answer, and whether it shows what it says.

A piece tells itself from a ledger by being a file. Its keys come with it and are never trusted for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import ConfigError, VerificationError
from provenance.ledger import (
    beside,
    challenges,
    checkpoint,
    envelope,
    keys,
    keysteps,
    proofs,
    relations,
    succession,
    times,
)
from provenance.ledger.layout import read_bytes
from provenance.ledger.verification import EQUIVOCATION, INVALID, UNPINNED, USAGE, Signer, Steps, Verification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.ledger.anchors import Anchor
    from provenance.ledger.trust import Trust


def verify(path: Path, *, pinned: Trust, held: checkpoint.Checkpoint | None = None) -> Verification:
    """Verify a proof, or the answer to a challenge. Never raises, whatever the bytes.

    Args:
        path: its file.
        pinned: whose keys are trusted.
        held: a checkpoint of the log that the verifier held before.

    Returns:
        The exit code and everything that led to it; `proven` and `unproven` say in words what that means.
    """
    piece = _Piece()
    try:
        data = read_bytes(path, proofs.LIMIT)
    except (OSError, VerificationError) as cause:
        piece.fail("proof", f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}", USAGE)
        return piece.conclude("proof")
    kinds = {proofs.TYPE: "proof", challenges.TYPE: "answer"}
    what = next((kinds[each] for each in kinds if f'"{each}"'.encode() in data[:_HEAD]), None)
    if what is None:
        piece.fail("proof", f"{path} is neither a ledger nor a proof", USAGE)
        return piece.conclude("proof")
    try:
        found = challenges.read(data) if what == "answer" else proofs.read(data)
    except VerificationError as cause:
        piece.fail(what, str(cause))
        return piece.conclude(what)
    piece.ok(what, "every path in it leads to the root that is signed")
    piece.signed(found.anchor, pinned)
    piece.compare(found.anchor, pinned, held)
    if piece.signers:
        piece.attested(found.anchor, pinned)
    piece.local = found.anchor.said.predicate["keys"] == "local"
    return piece.conclude(what, found)


_HEAD = 100  # bytes in which a piece says what it is


@dataclass(slots=True)
class _Piece(Steps):
    """What is known of a piece so far."""

    signers: list[Signer] = field(default_factory=list)
    held: succession.Succession = field(default_factory=succession.Succession)
    local: bool = False

    def signed(self, anchor: Anchor, pinned: Trust) -> None:
        """Check the signatures of the entry and of the checkpoint, and whose they are."""
        known = _known(anchor, pinned)
        try:
            envelope.check(anchor.sealed, envelope.signer(anchor.sealed, known))
            log_key = checkpoint.signer(anchor.note, known.values())
            self.held = _followed(anchor, keys.fingerprint(log_key), known)
            for each in anchor.cosigned:
                envelope.check(each, envelope.signer(each, known))
        except VerificationError as cause:
            self.fail("signatures", str(cause))
            return
        self.ok("signatures", "entry (ECDSA P-256 over DSSE) and checkpoint (Ed25519) are signed as they say")
        self._check_pins(anchor, pinned)

    def _check_pins(self, anchor: Anchor, pinned: Trust) -> None:
        """Whose the two keys are: pinned, or led to from a pinned one by rotations that the piece carries."""
        mine: list[tuple[str, succession.Role]] = [
            (anchor.sealed.keyid, "statement"),
            (str(self.held.holder("log", anchor.note.size - 1)), "log"),
        ]
        others = {(key, each.role) for each in self.held.changes for key in (each.before, each.after)} - set(mine)
        origin = anchor.note.origin
        every = [Signer(key, role, pinned.whose(key, role, origin)) for key, role in (*mine, *sorted(others))]
        self.signers = keysteps.led(every, self.held)[: len(mine)]
        self.check_pins(self.signers)
        if anchor.said.predicate["kind"] == relations.ASSESSMENT:
            index, hands = anchor.said.place.index, [each.keyid for each in anchor.cosigned]
            self.relate(relations.assessments({index: hands}, {index: anchor.sealed.keyid}, pinned, origin))

    def attested(self, anchor: Anchor, pinned: Trust) -> None:
        """What witnesses and timestamps say of the checkpoint, and so of the keys."""
        found, size, index = beside.Beside(), anchor.note.size, anchor.said.place.index
        operators = {key.public_bytes_raw() for key in _log_keys(anchor, pinned, self.held)}
        carried = [(beside.cosignatures_path(size), anchor.cosignatures)] if anchor.cosignatures else []
        carried += zip(beside.timestamp_paths(size), anchor.timestamps, strict=False)
        for name, data in carried:
            beside.look_at(found, name, data, anchor.note, pinned, operators)
        at = times.scene(size, found, pinned, {})
        for outcome in times.steps(at, {index: anchor.said.predicate}):
            self.attest(outcome)
        signed = {anchor.sealed.keyid: [index], str(self.held.holder("log", size - 1)): [size - 1]}
        proven = {at_size: each.time for at_size, each in times.proven_times(at).items()}
        for step in keysteps.steps(Path(), self.held, signed, proven, pinned):
            self.add(step, UNPINNED)

    def compare(self, anchor: Anchor, pinned: Trust, held: checkpoint.Checkpoint | None) -> None:
        """Compare the checkpoint with one that was held; only the whole ledger shows that one extends another."""
        note = anchor.note
        if held is None or not self.signers:
            self.skip("held note", "no earlier checkpoint was given (--since), or it could not be compared")
            return
        try:
            checkpoint.check(held, checkpoint.signer(held, _log_keys(anchor, pinned, self.held)))
        except VerificationError:
            self.fail("held note", "the checkpoint you hold is not signed by the log key of this proof")
            return
        if held.size != note.size:
            self.skip("held note", f"you hold a checkpoint of {held.size} entries, this is one of {note.size}")
        elif held.root != note.root:
            self.fail(
                "held note", f"the checkpoint you hold counts other entries than this of {note.size}", EQUIVOCATION
            )
        else:
            self.ok("held note", f"it stands under the checkpoint you hold, of {held.size} entries")

    def conclude(self, what: str, found: proofs.Proof | challenges.Answer | None = None) -> Verification:
        good = found is not None and INVALID not in self.codes
        self.skip("ledger", f"only this {what} was looked at, neither the ledger it was taken from nor any data")
        code, steps = self.answer
        return Verification(
            exit_code=code,
            steps=steps,
            signers=tuple(self.signers),
            origin=found.anchor.note.origin if found else None,
            entries=found.anchor.note.size if found else 0,
            local=self.local,
            what=what,
            proven=(found.says,) if found and good else (),
            unproven=found.limits if found and good else (),
        )


def _known(anchor: Anchor, pinned: Trust) -> dict[str, keys.PublicKey]:
    """Keys by fingerprint: to check signatures with, which is not yet to trust them."""
    known = {pin.fingerprint: pin.key for pin in pinned.pins if pin.key is not None}
    for pem in anchor.keys:
        try:
            key = keys.read_public(pem.encode("ascii", "replace"))
        except ConfigError:
            continue  # whose key is missing will be told
        known.setdefault(keys.fingerprint(key), key)
    return known


def _log_keys(anchor: Anchor, pinned: Trust, held: succession.Succession) -> list[Ed25519PublicKey]:
    """Every key that ever held the log, as far as the piece says."""
    known = _known(anchor, pinned).items()
    return [key for name, key in known if isinstance(key, Ed25519PublicKey) and name in held.held("log")]


def _followed(anchor: Anchor, noter: str, known: Mapping[str, keys.PublicKey]) -> succession.Succession:
    """Follow the changes of keys that a piece carries: each is signed by who held the ledger, and by who takes over."""
    held = succession.Succession(_first(anchor, noter))
    for each in anchor.key_entries:
        index = each.said.place.index
        held.check_signer(index, each.sealed.keyid)
        envelope.check(each.sealed, envelope.signer(each.sealed, known))
        held.follow(index, each.said.predicate)
        for change in held.changes:
            if (change.index, change.role) == (index, "statement"):
                succession.check_cosignature(each.new_key or b"", each.sealed.payload, change.after, known)
        succession.check_note(each.note.note, index, held, known)
    held.check_signer(anchor.said.place.index, anchor.sealed.keyid)
    succession.check_note(anchor.note.note, anchor.note.size - 1, held, known)
    return held


def _first(anchor: Anchor, noter: str) -> dict[succession.Role, str]:
    """Who held the keys before the first change that a piece carries."""
    found: dict[succession.Role, str] = {}
    for each in anchor.key_entries:
        for change in each.said.predicate.get("changes", ()):
            found.setdefault(change["role"], change["before"])
    found.setdefault("statement", anchor.sealed.keyid)
    found.setdefault("log", noter)
    return found
