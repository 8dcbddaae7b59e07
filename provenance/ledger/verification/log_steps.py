"""What verification says of the log: entries signed in a row, under checkpoints that count them, on what was held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.digests import canonical
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, ProvenanceError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import file_writing, key_history, leaf_hashes
from provenance.ledger.trees import merkle
from provenance.ledger.verification.results import EQUIVOCATION

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.keys import trusted_keys
    from provenance.ledger.verification.inquiry import Inquiry


def known_keys(inquiry: Inquiry, pinned: trusted_keys.Trust) -> dict[str, signing_keys.PublicKey]:
    """Collect keys by fingerprint: to check signatures with, which is not yet to trust them.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        pinned: whose keys are trusted.
    """
    known = {pin.fingerprint: pin.key for pin in pinned.pins if pin.key is not None}
    for name in sorted(inquiry.files):
        if name.startswith("keys/"):
            try:
                key = signing_keys.read_public(inquiry.read(name, 1 << 16))
            except (ConfigError, VerificationError):
                continue  # its digest will tell
            known.setdefault(signing_keys.fingerprint(key), key)
    return known


def check_entries(inquiry: Inquiry, known: dict[str, signing_keys.PublicKey], pinned: trusted_keys.Trust) -> None:
    """Signature over PAE, payload type, strict parse, predicate type, schema: entry by entry.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        known: public keys by fingerprint.
        pinned: whose keys are trusted.
    """
    for index in range(inquiry.size):
        name = layout.entry_path(index)
        sealed, said = entry(inquiry, index, known)
        try:
            inquiry.held.check_signer(index, sealed.keyid)
            if said.kind == key_history.KIND:
                for heir in _follow(inquiry, index, sealed.payload, said, known):
                    inquiry.sign(heir, "statement", pinned, said.place.origin)
        except ProvenanceError as cause:
            raise inquiry.stop("signatures", f"{name}: {cause}") from cause
        inquiry.leaves.append(sealed.leaf)
        inquiry.statements.append(said)
        inquiry.signed.setdefault(sealed.keyid, []).append(index)
        inquiry.keyids.append(sealed.keyid)
        inquiry.sign(sealed.keyid, "statement", pinned, said.place.origin)
    every, one = f"{inquiry.size} of {count_noun(inquiry.size, 'entry')}", inquiry.size == 1
    signed = "is signed as it says" if one else "are signed as they say"
    inquiry.ok("signatures", f"{every} {signed} (ECDSA P-256 over DSSE)")
    types = " or ".join(sorted({said.type for said in inquiry.statements}))
    inquiry.ok("statements", f"{every} {'holds' if one else 'hold'} to {types}")


def entry(
    inquiry: Inquiry, index: int, known: dict[str, signing_keys.PublicKey]
) -> tuple[envelope.Envelope, statement.Statement]:
    """Read an entry that is signed as it says, by a key that may be anybody's.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        index: number of the entry.
        known: public keys by fingerprint.
    """
    name = layout.entry_path(index)
    try:
        sealed = envelope.read(inquiry.read(name, layout.ENTRY_LIMIT))
        envelope.check(sealed, envelope.signer(sealed, known))
        return sealed, statement.read(sealed.payload)
    except FileNotFoundError as cause:
        raise inquiry.stop("log", f"{name} is missing") from cause
    except ProvenanceError as cause:
        raise inquiry.stop("signatures", f"{name}: {cause}") from cause


def _follow(
    inquiry: Inquiry, index: int, payload: bytes, said: statement.Statement, known: dict[str, signing_keys.PublicKey]
) -> list[str]:
    """Take in an entry about keys; return who takes over the statement key with it, and has signed too."""
    inquiry.held.follow(index, said.predicate)
    change = inquiry.held.change("statement", index)
    heirs = [change.after] if change is not None else []
    for heir in heirs:
        name = layout.cosignature_path(index, key_history.NEW_KEY)
        if name not in inquiry.files:
            raise VerificationError(f"{name} is missing, by which the new key says that it takes over")
        key_history.check_cosignature(inquiry.read(name, layout.ENTRY_LIMIT), payload, heir, known)
        inquiry.beside.add(name)
    return heirs


def check_log(inquiry: Inquiry) -> None:
    """Each entry says where it stands, and on what: the log before it."""
    inquiry.origin = inquiry.statements[0].place.origin
    roots = merkle.roots(inquiry.leaves)
    for index, said in enumerate(inquiry.statements):
        if said.place != statement.Place(inquiry.origin, index, roots[index].hex()):
            raise inquiry.stop("log", f"{layout.entry_path(index)} says it stands elsewhere, or on another history")
    follow = " follow one another" if inquiry.size > 1 else ""
    entries = f"{count_noun(inquiry.size, 'entry')} of {inquiry.origin}{follow}"
    inquiry.ok("log", f"{entries}; root {roots[-1].hex()}")


def check_notes(inquiry: Inquiry, known: dict[str, signing_keys.PublicKey], pinned: trusted_keys.Trust) -> None:
    """Every checkpoint is signed and is the root of the entries it counts.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        known: public keys by fingerprint.
        pinned: whose keys are trusted.
    """
    roots = merkle.roots(inquiry.leaves)
    for size in range(1, inquiry.size + 1):
        name = layout.note_path(size)
        try:
            data = inquiry.read(name, checkpoint.LIMIT)
            if size == 1:
                first = checkpoint.read(data, cosigned=True)
                inquiry.held.first.setdefault("log", signing_keys.fingerprint(checkpoint.signer(first, known.values())))
            note = key_history.check_note(data, size - 1, inquiry.held, known)
        except FileNotFoundError as cause:
            raise inquiry.stop("checkpoints", f"{name} is missing") from cause
        except VerificationError as cause:
            raise inquiry.stop("checkpoints", f"{name}: {cause}") from cause
        if (note.origin, note.size, note.root) != (inquiry.origin, size, roots[size]):
            raise inquiry.stop("checkpoints", f"{name} does not match the entries")
        inquiry.notes[size] = note
        for signer in (inquiry.held.holder("log", size - 1), inquiry.held.handover(size - 1)):
            if signer is not None:
                inquiry.signed.setdefault(signer, []).append(size - 1)
                inquiry.sign(signer, "log", pinned, note.origin)
    are, match = ("is", "matches") if inquiry.size == 1 else ("are", "match")
    inquiry.ok("checkpoints", f"{inquiry.size} of {inquiry.size} {are} signed (Ed25519) and {match} the entries")


def check_leaves(inquiry: Inquiry) -> None:
    """The list of leaf hashes is nothing but that: whoever checks one entry by it is not deceived."""
    if leaf_hashes.PATH not in inquiry.files:
        inquiry.skip("leaves", f"there is no {leaf_hashes.PATH}: to check one entry, all are read")
        return
    try:
        kept = leaf_hashes.split(
            inquiry.read(leaf_hashes.PATH, leaf_hashes.limit(inquiry.size)), inquiry.notes[inquiry.size]
        )
    except VerificationError as cause:
        inquiry.fail("leaves", f"{leaf_hashes.PATH}: {cause}")
        return
    said = "1 leaf hash is kept as it is" if len(kept) == 1 else f"{len(kept):,} leaf hashes are kept as they are"
    inquiry.ok("leaves", said)


def check_held(
    inquiry: Inquiry, held: checkpoint.Checkpoint | None, known: dict[str, signing_keys.PublicKey], folder: Path
) -> None:
    """The log must extend what the verifier held; as all leaves are here, prefix roots are compared.

    Args:
        inquiry: what is asked and known so far; the step is added to it.
        held: a checkpoint that the verifier held before; None = none.
        known: public keys by fingerprint.
        folder: where evidence is written.
    """
    if held is None:
        inquiry.skip(
            "held note", "no earlier checkpoint was given (--since): its owner could have rewritten the history"
        )
        return
    holders = inquiry.held.held("log")
    try:
        key = checkpoint.signer(held, [known[name] for name in holders & set(known)])
        checkpoint.check(held, key)
    except VerificationError:
        inquiry.fail("held note", "the checkpoint you hold is not signed by this ledger's log key")
        return
    over = next(
        (each.index + 1 for each in inquiry.held.changes if each.before == signing_keys.fingerprint(key)), held.size
    )
    if held.origin != inquiry.origin:
        inquiry.fail("held note", f"the checkpoint you hold is of another log, {held.origin}")
    elif held.size > over:  # whoever has an old key can sign anything with it: that accuses nobody who holds the log
        inquiry.fail(
            "held note", f"the checkpoint you hold is by a key that handed the log over at {count_noun(over, 'entry')}"
        )
    elif held.size > inquiry.size:
        gone = f"entries {inquiry.size} to {held.size - 1} are missing"
        inquiry.fail("held note", f"the checkpoint you hold counts {count_noun(held.size, 'entry')}: {gone}")
    elif merkle.root(inquiry.leaves[: held.size]) == held.root:
        inquiry.ok("held note", f"the log extends the checkpoint you hold, of {count_noun(held.size, 'entry')}")
    else:
        _accuse(inquiry, held, folder)


def _accuse(inquiry: Inquiry, held: checkpoint.Checkpoint, folder: Path) -> None:
    """Write what convinces anyone: both signed checkpoints, and the leaves under the second."""
    shown = inquiry.notes[inquiry.size]
    proof = {
        "held": held.note.decode(),
        "shown": shown.note.decode(),
        "shown_leaves": [leaf.hex() for leaf in inquiry.leaves],
        "says": "Both notes are signed by keys of one log. The first `size` leaves under `shown` do not have the "
        "root that `held` states for that size (RFC 9162), so one of them denies entries that the other counted.",
    }
    path = folder / f"equivocation-{held.root.hex()[:8]}-{shown.root.hex()[:8]}.json"
    said = f"two signed views of {inquiry.origin} contradict each other at {count_noun(held.size, 'entry')}"
    try:
        path = file_writing.fresh(path, canonical(proof))
    except OSError as cause:
        inquiry.fail("held note", f"{said}; the evidence cannot be written to {path}: {cause.strerror}", EQUIVOCATION)
        return
    inquiry.evidence = path
    inquiry.fail("held note", f"{said}; the evidence is in {path}", EQUIVOCATION)
