"""Verification of a ledger: total, so that no bytes whatever raise, and frank about what was not checked.

This is the order of its steps. Exit codes never change. What a scan found never affects them. This process needs no
pyarrow: Parquet is decoded in another one (decoding), and not before its digest was checked.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.core.wording import counted
from provenance.errors import ConfigError, ProvenanceError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, statement
from provenance.ledger.keys import signing_keys, trusted_keys
from provenance.ledger.log import entry_cosignatures, leaf_hashes
from provenance.ledger.proofs import anchors
from provenance.ledger.trees import merkle
from provenance.ledger.verification import (
    anchor_steps,
    entry_relations,
    entry_versions,
    file_steps,
    key_steps,
    log_steps,
    proof_steps,
    table_steps,
)
from provenance.ledger.verification.inquiry import Inquiry, Stop, VerificationRequest
from provenance.ledger.verification.results import INVALID, UNPINNED, USAGE, Verification, some
from provenance.ledger.witness import external_evidence, revocation_lists


def verify(
    path: Path,
    *,
    trust: Path | None = None,
    since: Path | None = None,
    data: Path | None = None,
    strict: bool = False,
    evidence: Path | None = None,
    entry: int | None = None,
) -> Verification:
    """Verify a ledger, or a piece that was taken from one. Never raises, whatever the bytes.

    Args:
        path: the ledger, a folder; or the file of a proof.
        trust: a trust file; it replaces the user's own keys, which are pinned otherwise.
        since: a checkpoint that the verifier held: the log must extend it.
        data: the data: its files must be those of the newest scan.
        strict: whether a file that no entry binds is a fault.
        evidence: folder for the proof of equivocation; the working folder if None.
        entry: the only entry to verify, by number: of the others no more than the leaf hashes are read, or their
            envelopes where keys changed hands.

    Returns:
        The exit code and everything that led to it.
    """
    inquiry = Inquiry(folder=Path(path))
    asked = VerificationRequest(trust, since, data, strict, evidence or Path())
    try:
        if inquiry.folder.is_file():
            _refuse_of_a_piece(inquiry, asked, entry)
            return proof_steps.verify(inquiry.folder, pinned=_pinned(inquiry, asked), held=_held(inquiry, asked))
        if entry is None:
            _inquire(inquiry, asked)
        else:
            _inquire_one(inquiry, asked, entry)
    except Stop:
        pass
    except OSError as cause:
        name = cause.filename if isinstance(cause.filename, str | bytes) else inquiry.folder
        inquiry.fail("ledger", f"{os.fsdecode(name)} cannot be read: {cause.strerror or type(cause).__name__}", USAGE)
    except MemoryError:
        inquiry.fail("ledger", "it takes more memory than there is", USAGE)
    except Exception as cause:  # noqa: BLE001 - whoever wrote the bytes must not choose the answer
        inquiry.fail("ledger", f"it holds what cannot be read: {type(cause).__name__}")
    return inquiry.conclude()


def _refuse_of_a_piece(inquiry: Inquiry, asked: VerificationRequest, entry: int | None) -> None:
    """What only a whole ledger can answer is not passed over where a piece is handed in."""
    given = {"--data": asked.data is not None, "--entry": entry is not None, "--strict": asked.strict}
    if names := [name for name, is_given in given.items() if is_given]:
        goes = "goes" if len(names) == 1 else "go"
        told = f"a proof is checked by itself: {' and '.join(names)} {goes} with a ledger"
        raise inquiry.stop("proof", told, USAGE)


def _inquire(inquiry: Inquiry, asked: VerificationRequest) -> None:
    pinned = _pinned(inquiry, asked)
    held = _held(inquiry, asked)
    file_steps.list_files(inquiry, asked)
    known = log_steps.known_keys(inquiry, pinned)
    log_steps.check_entries(inquiry, known, pinned)
    log_steps.check_log(inquiry)
    entry_versions.check(inquiry)
    log_steps.check_notes(inquiry, known, pinned)
    log_steps.check_leaves(inquiry)
    _check_pins(inquiry)
    log_steps.check_held(inquiry, held, known, asked.evidence)
    _check_attested(inquiry, known, pinned)
    _check_cosignatures(inquiry, known)
    file_steps.check_files(inquiry)
    file_steps.check_trees(inquiry)
    table_steps.check_tables(inquiry)
    file_steps.check_redacted(inquiry)
    _check_keys(inquiry, pinned)
    _check_relations(inquiry, pinned)
    file_steps.check_latest(inquiry, asked.strict)
    file_steps.check_unbound(inquiry, asked.strict)
    file_steps.check_data(inquiry, asked.data)


def _inquire_one(inquiry: Inquiry, asked: VerificationRequest, index: int) -> None:
    """Verify one entry: it is a leaf that the newest checkpoint counts; their list vouches for itself."""
    pinned, held = _pinned(inquiry, asked), _held(inquiry, asked)
    file_steps.check_readable(inquiry, asked)
    if asked.strict:
        raise inquiry.stop("unbound", "--strict asks for the whole ledger: leave out --entry", USAGE)
    file_steps.check_whole(inquiry)
    inquiry.size = layout.size(inquiry.folder) if layout.is_ledger(inquiry.folder) else 0
    if not 0 <= index < inquiry.size:
        raise inquiry.stop("ledger", f"{inquiry.folder} is not a ledger with an entry {index}", USAGE)
    inquiry.files = {f"keys/{path.name}" for path in _plain(inquiry.folder / "keys", "*")}
    known = log_steps.known_keys(inquiry, pinned)
    _check_newest(inquiry, known)
    anchor = _anchor(inquiry, index, known)
    inquiry.statements.append(anchor.said)
    entry_versions.check(inquiry)
    inquiry.ok("log", f"entry {index} of {inquiry.size} is signed as it says and in the log")
    signers = anchor_steps.judge(inquiry, anchor, inquiry.held, known, pinned, _lists(inquiry))
    inquiry.signers = {(each.fingerprint, each.role): each for each in signers}
    log_steps.check_held(inquiry, held, known, asked.evidence)
    _check_hands(inquiry, anchor, known, pinned)
    inquiry.files |= {name for name in anchor.said.folder if (inquiry.folder / name).is_file()}
    file_steps.check_files(inquiry)
    file_steps.check_trees(inquiry)
    table_steps.check_tables(inquiry)
    newer = "whether a newer version stands before it, " if anchor.said.is_old else ""
    inquiry.skip(
        "other entries",
        f"only entry {index} was asked for, and changes of keys that lead to its own were followed; whether a key was "
        f"revoked, what it says of other entries, {newer}waivers, and files that no entry binds were not looked at",
    )
    file_steps.check_data(inquiry, asked.data)


def _check_newest(inquiry: Inquiry, known: dict[str, signing_keys.PublicKey]) -> None:
    """The newest checkpoint is signed, and is that of the leaf hashes."""
    try:
        note = checkpoint.read(inquiry.read(layout.note_path(inquiry.size), checkpoint.LIMIT))
        checkpoint.check(note, checkpoint.signer(note, known.values()))
        inquiry.leaves = leaf_hashes.split(inquiry.read(leaf_hashes.PATH, leaf_hashes.limit(inquiry.size)), note)
    except FileNotFoundError as cause:
        raise inquiry.stop(
            "leaves", f"there is no {leaf_hashes.PATH}; leave out --entry to read every entry"
        ) from cause
    except VerificationError as cause:
        raise inquiry.stop("checkpoints", f"{layout.note_path(inquiry.size)}: {cause}") from cause
    inquiry.origin, inquiry.notes[inquiry.size] = note.origin, note
    newest = f"the newest, of {counted(inquiry.size, 'entry')}"
    inquiry.ok("checkpoints", f"{newest}, is signed (Ed25519) and matches the leaf hashes")


def _lists(inquiry: Inquiry) -> dict[str, bytes]:
    """Lists of revoked certificates by name: a later one speaks of earlier timestamps too."""
    names = [f"checkpoints/{path.name}" for path in _plain(inquiry.folder / "checkpoints", "*.crl")]
    try:
        return {name: inquiry.read(name, revocation_lists.LIMIT) for name in names}
    except VerificationError as cause:
        raise inquiry.stop("timestamps", f"a list of revoked certificates: {cause}") from cause


def _plain(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder; no links, and nothing that one waits for."""
    return [path for path in sorted(folder.glob(pattern)) if path.is_file() and not path.is_symlink()]


def _check_hands(
    inquiry: Inquiry, anchor: anchors.Anchor, known: dict[str, signing_keys.PublicKey], pinned: trusted_keys.Trust
) -> None:
    """Who else signed one entry, and whether it is approved, where it is a waiver."""
    index = anchor.said.place.index
    beside = (inquiry.folder / layout.cosignature_path(index, "")).parent
    inquiry.files |= {f"entries/{beside.name}/{path.name}" for path in _plain(beside, "*")}
    _check_cosignatures(inquiry, known)
    if anchor.said.kind == "waiver":
        waivers, operators = {index: anchor.said.predicate}, {index: anchor.sealed.keyid}
        inquiry.relate(
            entry_relations.approvals(
                waivers, operators, inquiry.cosignatures, pinned, anchor.note.origin, inquiry.held
            )
        )


def _anchor(inquiry: Inquiry, index: int, known: dict[str, signing_keys.PublicKey]) -> anchors.Anchor:
    """Read one entry with what it stands on, all of it signed as it says, and note who held the keys when."""
    try:
        anchor = anchors.read(anchors.build_anchor(inquiry.folder, index, inquiry.size), *statement.KINDS)
        known |= {
            name: key
            for name, key in anchor_steps.known_keys(anchor, trusted_keys.Trust()).items()
            if name not in known
        }
        inquiry.held = anchor_steps.followed(anchor, known)
    except (ProvenanceError, OSError, ValueError) as cause:
        raise inquiry.stop("log", f"{layout.entry_path(index)}: {cause}") from cause
    if anchor.said.place.root != merkle.root(inquiry.leaves[:index]).hex():
        raise inquiry.stop("log", f"{layout.entry_path(index)} says it stands on another history")
    return anchor


def _pinned(inquiry: Inquiry, asked: VerificationRequest) -> trusted_keys.Trust:
    try:
        return trusted_keys.read(asked.trust) if asked.trust else trusted_keys.own()
    except ConfigError as cause:
        raise inquiry.stop("trust", str(cause), USAGE) from cause


def _held(inquiry: Inquiry, asked: VerificationRequest) -> checkpoint.Checkpoint | None:
    if asked.since is None:
        return None
    try:
        return checkpoint.read(layout.read_bytes(asked.since, checkpoint.LIMIT), cosigned=True)
    except (OSError, VerificationError) as cause:
        why = getattr(cause, "strerror", None) or cause
        raise inquiry.stop("held note", f"{asked.since} cannot be read as a checkpoint: {why}", USAGE) from cause


def _check_pins(inquiry: Inquiry) -> None:
    """Keys that a ledger carries itself check its signatures; nobody trusts them, unless a pinned one leads there."""
    signers = key_steps.led(inquiry.signers.values(), inquiry.held)
    inquiry.signers = {(each.fingerprint, each.role): each for each in signers}
    inquiry.check_pins(signers)


def _check_attested(inquiry: Inquiry, known: dict[str, signing_keys.PublicKey], pinned: trusted_keys.Trust) -> None:
    """What others say of the checkpoints: witnesses that saw them, authorities that timestamped them."""
    operators = {
        key.public_bytes_raw()
        for name, role in inquiry.signers
        if role == "log" and isinstance(key := known[name], Ed25519PublicKey)
    }
    found = external_evidence.gather_evidence(
        inquiry.folder, inquiry.files, inquiry.notes, inquiry.statements, pinned=pinned, operators=operators
    )
    inquiry.beside |= found.files
    inquiry.proven = {size: item.time for size, item in found.proven.items()}
    for item in found.outcomes:
        inquiry.attest(item)


def _check_cosignatures(inquiry: Inquiry, known: dict[str, signing_keys.PublicKey]) -> None:
    """Further signatures over an entry's payload: what they are worth says the entry's kind."""
    leaves = dict(enumerate(inquiry.leaves))
    inquiry.cosignatures, held, faults = entry_cosignatures.check_cosignatures(
        inquiry.folder, inquiry.files, leaves, known
    )
    inquiry.beside |= held
    unchecked = [item for item in inquiry.cosignatures if not item.checked]
    if faults:
        inquiry.fail("co-signatures", some(faults))
    elif unchecked:
        missing = "; ".join(dict.fromkeys(item.missing for item in unchecked))
        inquiry.skip(
            "co-signatures", f"{some([f'{item.name} of entry {item.index}' for item in unchecked])}: {missing}"
        )
    elif inquiry.cosignatures:
        one = len(inquiry.cosignatures) == 1
        told = (
            "1 is a signature over the entry it stands beside"
            if one
            else "signatures over the entries they stand beside"
        )
        inquiry.ok("co-signatures", told if one else f"{len(inquiry.cosignatures):,} are {told}")


def _check_keys(inquiry: Inquiry, pinned: trusted_keys.Trust) -> None:
    """What entries say of keys: who took over, what was revoked, whose they are."""
    for step in key_steps.steps(inquiry.folder, inquiry.held, inquiry.signed, inquiry.proven, pinned):
        inquiry.add(step, UNPINNED)


def _check_relations(inquiry: Inquiry, pinned: trusted_keys.Trust) -> None:
    """What entries say of one another: of files that are not what was signed, nothing follows."""
    if INVALID in inquiry.codes:
        return
    scene = entry_relations.VerifiedLedger(
        inquiry.folder, inquiry.statements, inquiry.keyids, merkle.roots(inquiry.leaves), inquiry.cosignatures, pinned,
        str(inquiry.origin), inquiry.held,
    )  # fmt: skip
    inquiry.relate(entry_relations.steps(scene))
