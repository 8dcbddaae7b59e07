"""What verification says of an anchor: of one entry in its log, in a piece that was taken out or in the ledger itself.

Whoever reads one entry and not the others still follows the changes of keys that the anchor carries, and asks of its
checkpoint what the trust file asks of witnesses and authorities.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import ConfigError
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import key_history
from provenance.ledger.verification import entry_relations, key_steps
from provenance.ledger.verification.results import UNPINNED, SigningKey, Steps
from provenance.ledger.witness import checkpoint_evidence, proven_times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.proofs.anchors import Anchor


def known_keys(anchor: Anchor, pinned: Trust) -> dict[str, signing_keys.PublicKey]:
    """Collect keys by fingerprint: to check signatures with, which is not yet to trust them.

    Args:
        anchor: the anchor, which carries some.
        pinned: whose keys are trusted.
    """
    known = {pin.fingerprint: pin.key for pin in pinned.pins if pin.key is not None}
    for pem in anchor.keys:
        try:
            key = signing_keys.read_public(pem.encode("ascii", "replace"))
        except ConfigError:
            continue  # whose key is missing will be told
        known.setdefault(signing_keys.fingerprint(key), key)
    return known


def log_keys(held: key_history.Succession, known: Mapping[str, signing_keys.PublicKey]) -> list[Ed25519PublicKey]:
    """Return every key that ever held the log, as far as is known.

    Args:
        held: who held the keys when.
        known: keys by fingerprint.
    """
    return [key for name, key in known.items() if isinstance(key, Ed25519PublicKey) and name in held.held("log")]


def followed(anchor: Anchor, known: Mapping[str, signing_keys.PublicKey]) -> key_history.Succession:
    """Check every signature of an anchor, and follow its changes of keys: each is signed by both hands.

    Args:
        anchor: the anchor.
        known: keys by fingerprint.

    Returns:
        Who held the keys when.

    Raises:
        VerificationError: something is not signed by who must have signed it.
    """
    envelope.check(anchor.sealed, envelope.signer(anchor.sealed, known))
    for each in anchor.cosigned:
        envelope.check(each, envelope.signer(each, known))
    held = key_history.Succession(
        _first(anchor, signing_keys.fingerprint(checkpoint.signer(anchor.note, known.values())))
    )
    for entry in anchor.key_entries:
        index = entry.said.place.index
        held.check_signer(index, entry.sealed.keyid)
        envelope.check(entry.sealed, envelope.signer(entry.sealed, known))
        held.follow(index, entry.said.predicate)
        if change := held.change("statement", index):
            key_history.check_cosignature(entry.new_key or b"", entry.sealed.payload, change.after, known)
        key_history.check_note(entry.note.note, index, held, known)
    held.check_signer(anchor.said.place.index, anchor.sealed.keyid)
    key_history.check_note(anchor.note.note, anchor.note.size - 1, held, known)
    return held


def judge(
    steps: Steps,
    anchor: Anchor,
    held: key_history.Succession,
    known: Mapping[str, signing_keys.PublicKey],
    pinned: Trust,
    lists: Mapping[str, bytes] | None = None,
) -> list[SigningKey]:
    """Say whose the two keys are, who else stands by the entry, and what others say of the checkpoint.

    Args:
        steps: to which is added.
        anchor: the anchor; its signatures were checked.
        held: who held the keys when.
        known: keys by fingerprint.
        pinned: whose keys and signatures count, and what is asked for.
        lists: of revoked certificates, by where they stand; a piece carries none.

    Returns:
        Who signed the entry, and its checkpoint: pinned, or led to from a pinned key by rotations in the anchor.
    """
    at = proven_times.build_evidence(anchor.note.size, _beside(anchor, held, known, pinned, lists or {}), pinned, None)
    proven = {size: time.time for size, time in proven_times.proven_times(at).items()}
    signers = _signers(anchor, held, pinned, proven)
    steps.check_pins(signers)
    index, origin = anchor.said.place.index, anchor.note.origin
    if anchor.said.predicate["kind"] == entry_relations.ASSESSMENT:
        hands = {index: [each.keyid for each in anchor.cosigned]}
        steps.relate(entry_relations.assessments(hands, {index: anchor.sealed.keyid}, pinned, origin, held))
    if anchor.said.kind == statement.SCAN:
        given = {index: entry_relations.said_of_files(anchor.said.predicate, None)}
        steps.relate(entry_relations.approvals({}, {}, (), pinned, origin, held, given))
    said = {each.said.place.index: each.said.predicate for each in anchor.key_entries} | {index: anchor.said.predicate}
    for outcome in proven_times.steps(
        at, {number: said[number] for number in sorted(said) if number < anchor.note.size}
    ):
        steps.attest(outcome)
    signed = {anchor.sealed.keyid: [index], str(held.holder("log", anchor.note.size - 1)): [anchor.note.size - 1]}
    for step in key_steps.steps(Path(), held, signed, proven, pinned):
        steps.add(step, UNPINNED)
    return signers


def _signers(
    anchor: Anchor, held: key_history.Succession, pinned: Trust, proven: Mapping[int, datetime]
) -> list[SigningKey]:
    mine: list[tuple[str, key_history.Role]] = [
        (anchor.sealed.keyid, "statement"),
        (str(held.holder("log", anchor.note.size - 1)), "log"),
    ]
    others = {(key, each.role) for each in held.changes for key in (each.before, each.after)} - set(mine)
    every = [
        SigningKey(key, role, pinned.whose(key, role, anchor.note.origin)) for key, role in (*mine, *sorted(others))
    ]
    return key_steps.led(every, held, proven)[: len(mine)]


def _beside(
    anchor: Anchor,
    held: key_history.Succession,
    known: Mapping[str, signing_keys.PublicKey],
    pinned: Trust,
    lists: Mapping[str, bytes],
) -> checkpoint_evidence.CheckpointEvidence:
    """What witnesses and authorities signed of the checkpoint."""
    found, size = checkpoint_evidence.CheckpointEvidence(), anchor.note.size
    operators = {key.public_bytes_raw() for key in log_keys(held, known)}
    carried = [(checkpoint_evidence.cosignatures_path(size), anchor.cosignatures)] if anchor.cosignatures else []
    carried += [*zip(checkpoint_evidence.timestamp_paths(size), anchor.timestamps, strict=False), *lists.items()]
    for name, data in carried:
        checkpoint_evidence.check_file(found, name, data, anchor.note, pinned=pinned, operators=operators)
    checkpoint_evidence.apply_revocations(found)
    return found


def _first(anchor: Anchor, noter: str) -> dict[key_history.Role, str]:
    """Who held the keys before the first change that an anchor carries."""
    found: dict[key_history.Role, str] = {}
    for each in anchor.key_entries:
        changes = each.said.predicate["changes"] if each.said.predicate["action"] == "rotate" else ()
        for change in changes:
            found.setdefault(change["role"], change["before"])
    found.setdefault("statement", anchor.sealed.keyid)
    found.setdefault("log", noter)
    return found
