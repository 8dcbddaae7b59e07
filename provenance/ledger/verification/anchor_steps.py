"""Steps of verification about one entry and what it rests on, in a proof that was taken out or in the ledger itself.

Whoever reads one entry and not the others still follows the changes of keys that the anchor carries, and asks of its
checkpoint what the trust file asks of witnesses and authorities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import ConfigError, ProvenanceError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import signing_keys, trusted_keys
from provenance.ledger.log import key_history
from provenance.ledger.proofs import anchors
from provenance.ledger.trees import merkle
from provenance.ledger.verification import evidence_steps, key_steps, log_steps, relation_steps
from provenance.ledger.verification.file_steps import regular_files
from provenance.ledger.verification.results import SigningKey
from provenance.ledger.witness import checkpoint_evidence, proven_times, revocation_lists

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.proofs.anchors import Anchor
    from provenance.ledger.verification.state import VerificationState


def known_keys(anchor: Anchor, trust: Trust) -> dict[str, signing_keys.PublicKey]:
    """Collect keys by fingerprint: to check signatures with, which is not yet to trust them.

    Args:
        anchor: the anchor, which carries some.
        trust: whose keys are trusted.
    """
    known = {pin.fingerprint: pin.key for pin in trust.pins if pin.key is not None}
    for pem in anchor.keys:
        try:
            key = signing_keys.read_public(pem.encode("ascii", "replace"))
        except ConfigError:
            continue  # the signature that misses its key will tell
        known.setdefault(signing_keys.fingerprint(key), key)
    return known


def follow_keys(anchor: Anchor, known: Mapping[str, signing_keys.PublicKey]) -> key_history.Succession:
    """Check every signature of an anchor, and follow its changes of keys: each is signed by both hands.

    Args:
        anchor: the anchor.
        known: keys by fingerprint.

    Returns:
        Who held the keys when.

    Raises:
        VerificationError: something is not signed by who must have signed it.
    """
    envelope.check_signature(anchor.sealed, envelope.find_signer(anchor.sealed, known))
    for each in anchor.cosigned:
        envelope.check_signature(each, envelope.find_signer(each, known))
    log_key = signing_keys.fingerprint(checkpoint.find_signer(anchor.note, known.values()))
    succession = key_history.Succession(_first_keys(anchor, log_key))
    for entry in anchor.key_entries:
        index = entry.entry_statement.place.index
        succession.check_signer(index, entry.sealed.keyid)
        envelope.check_signature(entry.sealed, envelope.find_signer(entry.sealed, known))
        succession.follow(index, entry.entry_statement.predicate)
        if change := succession.find_change("statement", index):
            key_history.check_cosignature(entry.new_key or b"", entry.sealed.payload, change.after, known)
        key_history.check_note(entry.note.note, index, succession, known)
    succession.check_signer(anchor.entry_statement.place.index, anchor.sealed.keyid)
    key_history.check_note(anchor.note.note, anchor.note.size - 1, succession, known)
    return succession


def check_entry(state: VerificationState) -> None:
    """Read one entry with what it rests on; all of it must be signed as it says.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    index = state.request.entry or 0
    log_steps.collect_keys(state)
    try:
        anchor = anchors.read(anchors.build_anchor(state.path, index, state.size), *statement.KINDS)
        state.known_keys = known_keys(anchor, trusted_keys.Trust()) | state.known_keys
        state.succession = follow_keys(anchor, state.known_keys)
    except (ProvenanceError, OSError, ValueError) as cause:
        raise state.stop("signatures", f"{layout.entry_path(index)}: {cause}") from cause
    set_anchor(state, anchor)
    state.files |= {name for name in anchor.entry_statement.folder if (state.path / name).is_file()}
    state.ok("signatures", f"entry {index} (ECDSA P-256 over DSSE), and what it rests on, are signed as they say")


def check_proof_signatures(state: VerificationState) -> None:
    """Check the signatures of a proof: of its entry, of the checkpoint, and of the changes of keys that it carries.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    anchor = state.read_anchor()
    state.known_keys = known_keys(anchor, state.trust)
    try:
        state.succession = follow_keys(anchor, state.known_keys)
    except VerificationError as cause:
        raise state.stop("signatures", str(cause)) from cause
    state.ok("signatures", "entry (ECDSA P-256 over DSSE) and checkpoint (Ed25519) are signed as they say")


def set_anchor(state: VerificationState, anchor: Anchor) -> None:
    """Take in what one entry and its checkpoint are.

    Args:
        state: what is asked and known so far.
        anchor: the entry with what it rests on.
    """
    index, newest = anchor.entry_statement.place.index, anchor.note.size
    state.anchor = anchor
    state.statements = [anchor.entry_statement]
    state.entry_keys = {index: anchor.sealed.keyid}
    state.origin, state.size, state.checkpoints[newest] = anchor.note.origin, newest, anchor.note


def check_place(state: VerificationState) -> None:
    """Check that one entry stands on the log that its leaf hashes make.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    anchor = state.read_anchor()
    index = anchor.entry_statement.place.index
    if anchor.entry_statement.place.root != merkle.hash_root(state.leaves[:index]).hex():
        raise state.stop("log", f"{layout.entry_path(index)} says it stands on another history")
    state.ok("log", f"entry {index} of {state.size} is in the log")


def check_keys(state: VerificationState) -> None:
    """Check whose the keys of one entry and its checkpoint are: pinned, or led to by rotations in the anchor.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    anchor = state.read_anchor()
    log_key = str(state.succession.find_holder("log", anchor.note.size - 1))
    state.signed_entries = {anchor.sealed.keyid: [anchor.entry_statement.place.index], log_key: [anchor.note.size - 1]}
    _gather_evidence(state, anchor)
    signers = _signers(state, anchor, log_key)
    state.signers = {(each.fingerprint, each.role): each for each in signers}
    state.check_pins(signers, state.explain_other_log(anchor.note.origin))


def check_anchor(state: VerificationState) -> None:
    """Take every step about what one entry rests on, whose signatures were checked, and about its own approval.

    Args:
        state: what is asked and known so far; the steps are added to it.
    """
    check_keys(state)
    evidence_steps.check_witnesses(state)
    evidence_steps.check_timestamps(state)
    evidence_steps.check_claimed_times(state)
    key_steps.check_rotations(state)
    key_steps.check_revocations(state)
    if state.read_anchor().entry_statement.kind == statement.SCAN:
        relation_steps.check_waivers(state)
    relation_steps.check_assessments(state)


def log_keys(state: VerificationState) -> list[Ed25519PublicKey]:
    """Return every key that ever held the log, as far as is known.

    Args:
        state: what is asked and known so far.
    """
    names = state.succession.list_holders("log")
    return [key for name, key in state.known_keys.items() if isinstance(key, Ed25519PublicKey) and name in names]


def _signers(state: VerificationState, anchor: Anchor, log_key: str) -> list[SigningKey]:
    own: list[tuple[str, key_history.Role]] = [(anchor.sealed.keyid, "statement"), (log_key, "log")]
    changes = state.succession.changes
    others = {(key, each.role) for each in changes for key in (each.before, each.after)} - set(own)
    every = [
        SigningKey(key, role, state.trust.find_owner(key, role, anchor.note.origin))
        for key, role in (*own, *sorted(others))
    ]
    return key_steps.link_keys(every, state.succession, state.proven_times)[: len(own)]


def _gather_evidence(state: VerificationState, anchor: Anchor) -> None:
    """Find out what witnesses and authorities signed of the checkpoint, and by when it existed."""
    found, size = checkpoint_evidence.CheckpointEvidence(), anchor.note.size
    operators = {key.public_bytes_raw() for key in log_keys(state)}
    carried = [(checkpoint_evidence.cosignatures_path(size), anchor.cosignatures)] if anchor.cosignatures else []
    carried += zip(checkpoint_evidence.timestamp_paths(size), anchor.timestamps, strict=False)
    carried += _revocation_lists(state)
    for name, data in carried:
        checkpoint_evidence.check_file(found, name, data, anchor.note, pinned=state.trust, operators=operators)
    checkpoint_evidence.apply_revocations(found)
    evidence = proven_times.build_evidence(size, found, state.trust, None)
    state.proven_times = {size: each.time for size, each in proven_times.proven_times(evidence).items()}
    predicates = {each.entry_statement.place.index: each.entry_statement.predicate for each in anchor.key_entries}
    predicates[anchor.entry_statement.place.index] = anchor.entry_statement.predicate
    state.outcomes = proven_times.steps(
        evidence, {index: predicates[index] for index in sorted(predicates) if index < size}
    )


def _revocation_lists(state: VerificationState) -> list[tuple[str, bytes]]:
    """Lists of revoked certificates by name: a later one speaks of earlier timestamps too. A proof carries none."""
    if state.request.entry is None:
        return []
    names = [f"checkpoints/{path.name}" for path in regular_files(state.path / "checkpoints", "*.crl")]
    try:
        return [(name, state.read(name, revocation_lists.LIMIT)) for name in names]
    except VerificationError as cause:
        raise state.stop("timestamps", f"a list of revoked certificates: {cause}") from cause


def _first_keys(anchor: Anchor, log_key: str) -> dict[key_history.Role, str]:
    """Who held the keys before the first change that an anchor carries."""
    found: dict[key_history.Role, str] = {}
    for each in anchor.key_entries:
        changes = (
            each.entry_statement.predicate["changes"] if each.entry_statement.predicate["action"] == "rotate" else ()
        )
        for change in changes:
            found.setdefault(change["role"], change["before"])
    found.setdefault("statement", anchor.sealed.keyid)
    found.setdefault("log", log_key)
    return found
