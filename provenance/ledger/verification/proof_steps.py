"""Steps of verification about a proof that was taken from a ledger, or the answer to a challenge.

A proof tells itself from a ledger by being a file. Its keys come with it and are never trusted for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import VerificationError
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import signing_keys
from provenance.ledger.layout import read_bytes
from provenance.ledger.proofs import challenges, proof_format
from provenance.ledger.verification import anchor_steps
from provenance.ledger.verification.results import EQUIVOCATION, USAGE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from provenance.ledger.verification.state import VerificationState

_HEAD = 100  # bytes in which a proof says what it is
_WHAT = {f'"{proof_format.TYPE}"'.encode(): "proof", f'"{challenges.TYPE}"'.encode(): "answer"}


def leave_ledger(state: VerificationState) -> None:
    """Say that the ledger is not looked at.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    state.skip("ledger", "only this file is looked at, neither the ledger it was taken from nor any data")


def read_proof(state: VerificationState) -> None:
    """Read a proof or an answer, and check that it holds together, but for signatures.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    state.what = "proof"
    try:
        data = read_bytes(state.path, proof_format.LIMIT)
    except (OSError, VerificationError) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise state.stop("proof", f"{state.path} cannot be read: {reason}", USAGE) from cause
    what = next((each for mark, each in _WHAT.items() if mark in data[:_HEAD]), None)
    if what is None:
        raise state.stop("proof", f"{state.path} is neither a ledger nor a proof", USAGE)
    state.what = what
    try:
        proof = challenges.read(data) if what == "answer" else proof_format.read(data)
    except VerificationError as cause:
        raise state.stop("proof", str(cause)) from cause
    state.proof = proof
    anchor_steps.set_anchor(state, proof.anchor)
    state.ok("proof", f"every path in this {what} leads to the root that is signed")


def compare_earlier_checkpoint(state: VerificationState) -> None:
    """Compare the checkpoint with the verifier's; only the whole ledger shows that one extends another.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    step, earlier, note = "earlier checkpoint", state.earlier_checkpoint, state.read_anchor().note
    if earlier is None:
        state.skip(step, "no earlier checkpoint was given (--since)")
    elif earlier.origin != note.origin:
        state.fail(step, f"the checkpoint you hold is of another log, {earlier.origin}")
    elif not _is_signed_by(earlier, anchor_steps.log_keys(state)):
        if _is_pinned(state, earlier):
            state.skip(step, "the checkpoint you hold is by a log key that you pinned, not one of this file")
        else:
            state.fail(step, "the checkpoint you hold is not signed by a log key of this file")
    elif earlier.size != note.size:
        state.skip(step, f"you hold a checkpoint of {earlier.size} entries, this is one of {note.size}")
    elif earlier.root != note.root:
        state.fail(step, f"the checkpoint you hold counts other entries than this of {note.size}", EQUIVOCATION)
    else:
        state.ok(step, f"the entry stands under the checkpoint you hold, of {earlier.size} entries")


def _is_signed_by(note: checkpoint.Checkpoint, keys: list[Ed25519PublicKey]) -> bool:
    try:
        checkpoint.check_signature(note, checkpoint.find_signer(note, keys))
    except VerificationError:
        return False
    return True


def _is_pinned(state: VerificationState, note: checkpoint.Checkpoint) -> bool:
    """Tell whether a checkpoint is signed by a log key that the verifier pinned, such as one that came later."""
    try:
        key = checkpoint.find_signer(note, [pin.key for pin in state.trust.pins])
        checkpoint.check_signature(note, key)
    except VerificationError:
        return False
    return state.trust.find_owner(signing_keys.fingerprint(key), "log", note.origin) is not None
