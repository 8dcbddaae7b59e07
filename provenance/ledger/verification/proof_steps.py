"""Verification of a piece of a ledger: who signed a proof or an answer, and whether it shows what it says.

A piece tells itself from a ledger by being a file. Its keys come with it and are never trusted for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.errors import VerificationError
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import signing_keys, trusted_keys
from provenance.ledger.layout import read_bytes
from provenance.ledger.proofs import challenges, proof_format
from provenance.ledger.verification import anchor_steps
from provenance.ledger.verification.results import EQUIVOCATION, INVALID, USAGE, SigningKey, Steps, Verification

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.proofs.anchors import Anchor


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
        data = read_bytes(path, proof_format.LIMIT)
    except (OSError, VerificationError) as cause:
        piece.fail("proof", f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}", USAGE)
        return piece.conclude("proof")
    kinds = {proof_format.TYPE: "proof", challenges.TYPE: "answer"}
    what = next((kinds[each] for each in kinds if f'"{each}"'.encode() in data[:_HEAD]), None)
    if what is None:
        piece.fail("proof", f"{path} is neither a ledger nor a proof", USAGE)
        return piece.conclude("proof")
    try:
        found = challenges.read(data) if what == "answer" else proof_format.read(data)
    except VerificationError as cause:
        piece.fail(what, str(cause))
        return piece.conclude(what)
    piece.ok(what, "every path in it leads to the root that is signed")
    piece.signed(found.anchor, pinned)
    piece.compare(found.anchor.note, held)
    piece.local = found.anchor.said.predicate["keys"] == "local"
    return piece.conclude(what, found)


_HEAD = 100  # bytes in which a piece says what it is


@dataclass(slots=True)
class _Piece(Steps):
    """What is known of a piece so far."""

    signers: list[SigningKey] = field(default_factory=list)
    log_keys: list[Ed25519PublicKey] = field(default_factory=list)
    pinned: Trust = field(default_factory=trusted_keys.Trust)
    local: bool = False

    def signed(self, anchor: Anchor, pinned: Trust) -> None:
        """Check the signatures of the entry and of the checkpoint, whose they are, and what others say of it."""
        known = anchor_steps.known_keys(anchor, pinned)
        try:
            held = anchor_steps.followed(anchor, known)
        except VerificationError as cause:
            self.fail("signatures", str(cause))
            return
        self.ok("signatures", "entry (ECDSA P-256 over DSSE) and checkpoint (Ed25519) are signed as they say")
        self.signers = anchor_steps.judge(self, anchor, held, known, pinned)
        self.log_keys = anchor_steps.log_keys(held, known)
        self.pinned = pinned

    def compare(self, note: checkpoint.Checkpoint, held: checkpoint.Checkpoint | None) -> None:
        """Compare the checkpoint with one that was held; only the whole ledger shows that one extends another."""
        if held is None or not self.signers:
            self.skip("held note", "no earlier checkpoint was given (--since), or it could not be compared")
            return
        if held.origin != note.origin:
            self.fail("held note", f"the checkpoint you hold is of another log, {held.origin}")
            return
        try:
            checkpoint.check(held, checkpoint.signer(held, self.log_keys))
        except VerificationError:
            if self._is_pinned(held):
                self.skip("held note", "the checkpoint you hold is by a log key that you pinned, not one of this piece")
            else:
                self.fail("held note", "the checkpoint you hold is not signed by a log key of this piece")
            return
        if held.size != note.size:
            self.skip("held note", f"you hold a checkpoint of {held.size} entries, this is one of {note.size}")
        elif held.root != note.root:
            self.fail(
                "held note", f"the checkpoint you hold counts other entries than this of {note.size}", EQUIVOCATION
            )
        else:
            self.ok("held note", f"it stands under the checkpoint you hold, of {held.size} entries")

    def _is_pinned(self, held: checkpoint.Checkpoint) -> bool:
        """Tell whether a checkpoint is signed by a log key that the verifier pinned, such as one that came later."""
        try:
            key = checkpoint.signer(held, [pin.key for pin in self.pinned.pins])
            checkpoint.check(held, key)
        except VerificationError:
            return False
        return self.pinned.whose(signing_keys.fingerprint(key), "log", held.origin) is not None

    def conclude(self, what: str, found: proof_format.Proof | challenges.ChallengeAnswer | None = None) -> Verification:
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
            root=found.anchor.note.root.hex() if found else None,
        )
