"""Steps of verification that are about the log: signed entries in a row, and signed checkpoints that count them."""

from __future__ import annotations

from pathlib import Path
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
    from provenance.ledger.verification.state import VerificationState


def collect_keys(state: VerificationState) -> None:
    """Collect keys by fingerprint: to check signatures with, which is not yet to trust them.

    Args:
        state: what is asked and known so far.
    """
    state.known_keys = {pin.fingerprint: pin.key for pin in state.trust.pins if pin.key is not None}
    for name in sorted(state.files):
        if name.startswith("keys/"):
            try:
                key = signing_keys.read_public(state.read(name, 1 << 16))
            except (ConfigError, VerificationError):
                continue  # its digest will tell
            state.known_keys.setdefault(signing_keys.fingerprint(key), key)


def check_signatures(state: VerificationState) -> None:
    """Check every entry: signature over the PAE, payload type, strict parse, predicate type, schema, and who may sign.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    collect_keys(state)
    for index in range(state.size):
        name = layout.entry_path(index)
        sealed, made = _read_entry(state, index)
        try:
            state.succession.check_signer(index, sealed.keyid)
            if made.kind == key_history.KEY_KIND:
                _follow(state, index, sealed.payload, made)
        except ProvenanceError as cause:
            raise state.stop("signatures", f"{name}: {cause}") from cause
        state.leaves.append(sealed.leaf_hash)
        state.statements.append(made)
        state.entry_keys[index] = sealed.keyid
        state.signed_entries.setdefault(sealed.keyid, []).append(index)
        state.add_signer(sealed.keyid, "statement", made.place.origin)
    signed = "is signed as it says" if state.size == 1 else "are signed as they say"
    state.ok("signatures", f"{_every_entry(state)} {signed} (ECDSA P-256 over DSSE)")


def check_statements(state: VerificationState) -> None:
    """Name the types of the statements; each was held to its schema when its signature was checked.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    types = " or ".join(sorted({each.type for each in state.statements}))
    state.ok("statements", f"{_every_entry(state)} {'holds' if state.size == 1 else 'hold'} to {types}")


def _every_entry(state: VerificationState) -> str:
    return f"{state.size} of {count_noun(state.size, 'entry')}"


def _read_entry(state: VerificationState, index: int) -> tuple[envelope.Envelope, statement.Statement]:
    """Read an entry that is signed as it says, by a key that may be anybody's."""
    name = layout.entry_path(index)
    try:
        sealed = envelope.read_envelope(state.read(name, layout.ENTRY_LIMIT))
        envelope.check_signature(sealed, envelope.find_signer(sealed, state.known_keys))
        return sealed, statement.read_statement(sealed.payload)
    except FileNotFoundError as cause:
        raise state.stop("log", f"{name} is missing") from cause
    except ProvenanceError as cause:
        raise state.stop("signatures", f"{name}: {cause}") from cause


def _follow(state: VerificationState, index: int, payload: bytes, made: statement.Statement) -> None:
    """Take in an entry about keys; whoever takes over the statement key with it must have signed it too."""
    state.succession.follow(index, made.predicate)
    change = state.succession.find_change("statement", index)
    if change is None:
        return
    name = layout.cosignature_path(index, key_history.NEW_KEY)
    if name not in state.files:
        raise VerificationError(f"{name} is missing, by which the new key says that it takes over")
    data = state.read(name, layout.ENTRY_LIMIT)
    key_history.check_cosignature(data, payload, change.after, state.known_keys)
    state.self_signed.add(name)
    state.add_signer(change.after, "statement", made.place.origin)


def check_log(state: VerificationState) -> None:
    """Check that each entry says where it stands, and on what: the log before it.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    state.origin = state.statements[0].place.origin
    roots = merkle.hash_prefixes(state.leaves)
    for index, each in enumerate(state.statements):
        if each.place != statement.Place(state.origin, index, roots[index].hex()):
            raise state.stop("log", f"{layout.entry_path(index)} says it stands elsewhere, or on another history")
    follow = " follow one another" if state.size > 1 else ""
    entries = f"{count_noun(state.size, 'entry')} of {state.origin}{follow}"
    state.ok("log", f"{entries}; root {roots[-1].hex()}")


def check_checkpoints(state: VerificationState) -> None:
    """Check that every checkpoint is signed and has the root of the entries it counts.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    roots = merkle.hash_prefixes(state.leaves)
    for size in range(1, state.size + 1):
        name = layout.note_path(size)
        try:
            note = _read_checkpoint(state, size)
        except FileNotFoundError as cause:
            raise state.stop("checkpoints", f"{name} is missing") from cause
        except VerificationError as cause:
            raise state.stop("checkpoints", f"{name}: {cause}") from cause
        if (note.origin, note.size, note.root) != (state.origin, size, roots[size]):
            raise state.stop("checkpoints", f"{name} does not match the entries")
        state.checkpoints[size] = note
        for signer in (state.succession.find_holder("log", size - 1), state.succession.find_handover(size - 1)):
            if signer is not None:
                state.signed_entries.setdefault(signer, []).append(size - 1)
                state.add_signer(signer, "log", note.origin)
    are, match = ("is", "matches") if state.size == 1 else ("are", "match")
    state.ok("checkpoints", f"{state.size} of {state.size} {are} signed (Ed25519) and {match} the entries")


def _read_checkpoint(state: VerificationState, size: int) -> checkpoint.Checkpoint:
    data = state.read(layout.note_path(size), checkpoint.MOST_BYTES)
    if size == 1:  # whoever signed it held the log at the beginning
        first = checkpoint.find_signer(checkpoint.read_checkpoint(data, cosigned=True), state.known_keys.values())
        state.succession.first.setdefault("log", signing_keys.fingerprint(first))
    return key_history.check_note(data, size - 1, state.succession, state.known_keys)


def check_newest_checkpoint(state: VerificationState) -> None:
    """Check that the newest checkpoint is signed; it was read with the leaf hashes that it counts.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    newest = state.checkpoints[state.size]
    try:
        checkpoint.check_signature(newest, checkpoint.find_signer(newest, state.known_keys.values()))
    except VerificationError as cause:
        raise state.stop("checkpoints", f"{layout.note_path(state.size)}: {cause}") from cause
    which = f"the newest, of {count_noun(state.size, 'entry')}"
    state.ok("checkpoints", f"{which}, is signed (Ed25519) and matches the leaf hashes")


def check_leaves(state: VerificationState) -> None:
    """Check that the list of leaf hashes is nothing but that: whoever checks one entry by it is not deceived.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    if leaf_hashes.PATH not in state.files:
        state.skip("leaves", f"there is no {leaf_hashes.PATH}: to check one entry, all are read")
        return
    try:
        data = state.read(leaf_hashes.PATH, leaf_hashes.most_bytes(state.size))
        kept = leaf_hashes.split_hashes(data, state.checkpoints[state.size])
    except VerificationError as cause:
        state.fail("leaves", f"{leaf_hashes.PATH}: {cause}")
        return
    are = "1 leaf hash is kept as it is" if len(kept) == 1 else f"{len(kept):,} leaf hashes are kept as they are"
    state.ok("leaves", are)


def check_earlier_checkpoint(state: VerificationState) -> None:
    """Check that the log extends the checkpoint that the verifier held: all leaves are here, so roots are compared.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    step, earlier = "earlier checkpoint", state.earlier_checkpoint
    if earlier is None:
        state.skip(step, "no earlier checkpoint was given (--since): its owner could have rewritten the history")
        return
    log_keys = state.succession.list_holders("log") & set(state.known_keys)
    try:
        key = checkpoint.find_signer(earlier, [state.known_keys[name] for name in log_keys])
        checkpoint.check_signature(earlier, key)
    except VerificationError:
        state.fail(step, "the checkpoint you hold is not signed by this ledger's log key")
        return
    fingerprint = signing_keys.fingerprint(key)
    last = next((each.index + 1 for each in state.succession.changes if each.before == fingerprint), earlier.size)
    if earlier.origin != state.origin:
        state.fail(step, f"the checkpoint you hold is of another log, {earlier.origin}")
    elif earlier.size > last:  # whoever has an old key can sign anything with it: that accuses nobody who holds the log
        state.fail(step, f"the checkpoint you hold is by a key that handed the log over at {count_noun(last, 'entry')}")
    elif earlier.size > state.size:
        gone = f"entries {state.size} to {earlier.size - 1} are missing"
        state.fail(step, f"the checkpoint you hold counts {count_noun(earlier.size, 'entry')}: {gone}")
    elif merkle.hash_root(state.leaves[: earlier.size]) == earlier.root:
        state.ok(step, f"the log extends the checkpoint you hold, of {count_noun(earlier.size, 'entry')}")
    else:
        _write_contradiction(state, earlier)


def _write_contradiction(state: VerificationState, earlier: checkpoint.Checkpoint) -> None:
    """Write what convinces anyone: both signed checkpoints, and the leaves under the second."""
    newest = state.checkpoints[state.size]
    proof = {
        "held": earlier.note.decode(),
        "shown": newest.note.decode(),
        "shown_leaves": [leaf.hex() for leaf in state.leaves],
        "says": "Both notes are signed by keys of one log. The first `size` leaves under `shown` do not have the "
        "root that `held` states for that size (RFC 9162), so one of them denies entries that the other counted.",
    }
    name = f"equivocation-{earlier.root.hex()[:8]}-{newest.root.hex()[:8]}.json"
    views = f"two signed views of {state.origin} contradict each other at {count_noun(earlier.size, 'entry')}"
    path = (state.request.evidence or Path()) / name
    try:
        path = file_writing.write_new(path, canonical(proof))
    except OSError as cause:
        failed = f"the evidence cannot be written to {path}: {cause.strerror}"
        state.fail("earlier checkpoint", f"{views}; {failed}", EQUIVOCATION)
        return
    state.evidence = path
    state.fail("earlier checkpoint", f"{views}; the evidence is in {path}", EQUIVOCATION)
