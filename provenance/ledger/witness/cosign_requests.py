"""Witnessing: what somebody outside does who remembers how far a log was, and signs only what extends that.

All of it is an exchange of files. The log's owner writes a request (the body of C2SP tlog-witness' `add-checkpoint`:
where the witness was, the proof, the note); the witness answers with a line of its own. The witness's memory is one
file, written before the signature leaves: a copy that was put back in its place would let it sign two histories.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.core.digests import canonical
from provenance.core.wording import count_noun
from provenance.errors import BadSignature, BrokenChain, ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, witness_cosignature
from provenance.ledger.keys import verifier_keys
from provenance.ledger.keys.signing_keys import read_public
from provenance.ledger.log import file_writing, reading
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from provenance.ledger.keys.signers import NoteSigner

STATE = "provenance-witness/v1"
_HASHES = 63  # lines of a consistency proof (tlog-witness, "add-checkpoint")
_REQUEST = re.compile(r"old (?P<old>0|[1-9][0-9]{0,17})\n(?P<proof>(?:[A-Za-z0-9+/]{43}=\n)*)\n(?P<note>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """What a log's owner asks a witness: to sign a checkpoint that extends the one it saw.

    Args:
        old: how many entries the witness saw, 0 if none.
        proof: that the first `old` entries are still the first (RFC 9162, section 2.1.4).
        note: the checkpoint's file.
    """

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    @property
    def body(self) -> bytes:
        """The request as C2SP has it."""
        lines = [f"old {self.old}\n", *(base64.b64encode(item).decode() + "\n" for item in self.proof), "\n"]
        return "".join(lines).encode() + self.note

    def is_for(self, note: bytes) -> bool:
        """Tell whether this asks for the checkpoint of a note's file; raise VerificationError if that is none."""
        return checkpoint.read_checkpoint(note, cosigned=True) == checkpoint.read_checkpoint(self.note, cosigned=True)

    def cosigned(self, line: witness_cosignature.Cosignature) -> bytes:
        """Return the checkpoint with a witness's line under it, which is what is handed back and filed."""
        return checkpoint.read_checkpoint(self.note, cosigned=True).note + line.line


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How far a witness saw a log.

    Args:
        log: the log's key, base64 of 32 bytes.
        note: the newest checkpoint it cosigned.
    """

    log: str
    note: checkpoint.Checkpoint


def ask(folder: Path, since: int = 0, size: int | None = None) -> Request:
    """Write what to hand to a witness.

    Args:
        folder: the ledger.
        since: how many entries the witness saw last; 0 if it never saw this log.
        size: which checkpoint it is to sign; the newest if None.

    Returns:
        The request.

    Raises:
        ConfigError: there is no such checkpoint.
        VerificationError: an entry is no envelope.
    """
    newest = layout.size(folder)
    size = newest if size is None else size
    if not 0 < size <= newest or not 0 <= since <= size:
        raise ConfigError(f"{folder} has {count_noun(newest, 'entry')}: it cannot prove that {size} extend {since}")
    note = layout.read_bytes(folder / layout.note_path(size), checkpoint.MOST_BYTES)
    leaves = [reading.read_envelope(folder, index).leaf_hash for index in range(size)]
    return Request(since, tuple(merkle.prove_consistency(leaves, since)) if since else (), note)


def read(data: bytes) -> Request:
    """Read a request, or a bare note, which asks without a proof.

    Args:
        data: the file's bytes.

    Returns:
        The request.

    Raises:
        VerificationError: it is neither.
    """
    try:
        text = data.decode("utf-8") if len(data) <= checkpoint.MOST_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    if not text.startswith("old "):
        checkpoint.read_checkpoint(data, cosigned=True)
        return Request(0, (), data)
    found = _REQUEST.fullmatch(text)
    if found is None:
        raise VerificationError("it is not the request that `provenance witness request` writes")
    proof = tuple(base64.b64decode(line) for line in found["proof"].splitlines())
    made = Request(int(found["old"]), proof, found["note"].encode())
    if made.body != data or len(proof) > _HASHES:
        raise VerificationError("it is not in canonical form")
    checkpoint.read_checkpoint(made.note, cosigned=True)
    return made


def cosign(
    request: Request,
    *,
    name: str,
    key: NoteSigner,
    state: Path,
    when: int,
    log_key: Ed25519PublicKey | None = None,
    evidence: Path,
) -> witness_cosignature.Cosignature:
    """Cosign a checkpoint if it extends what this witness saw, and remember it.

    Args:
        request: what `read` returned.
        name: how the witness calls its key.
        key: what signs.
        state: the witness's memory; made where there is none.
        when: seconds since 1970, UTC.
        log_key: the log's key, needed when the witness meets a log.
        evidence: folder for what shows that a log went two ways.

    Returns:
        The line.

    Raises:
        ConfigError: the log is unknown, or the state cannot be read or is another witness's.
        BadSignature: the log did not sign the checkpoint.
        VerificationError: no proof was given, or one from elsewhere than where this witness was.
        BrokenChain: the checkpoint does not extend what this witness saw; both are written down as evidence.
        OSError: the state cannot be written.
    """
    note = checkpoint.read_checkpoint(request.note, cosigned=True)
    me = witness_cosignature.make_witness(name, key.public_key())
    state.parent.mkdir(parents=True, exist_ok=True)
    with file_writing.lock_folder(state.parent):
        seen = _remembered(state, me)
        last = seen.get(note.origin)
        known = _key_of(note, last, log_key)
        if not note.size:
            raise VerificationError("the checkpoint counts no entries: there is nothing to witness")
        if last is not None:
            _check_extends(last.note, note, request, evidence)
        seen[note.origin] = WitnessState(_raw(known), note)
        _remember(state, me, seen)
        return witness_cosignature.sign_body(name, key, note.body, when)


def last_seen(state: Path) -> dict[str, int]:
    """Return how many entries of each log a witness saw, by the log's name.

    Args:
        state: the witness's memory; nothing where there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    return {origin: item.note.size for origin, item in _remembered(state, None).items()}


def read_name(uri: str) -> str | None:
    """Return how a witness calls its key, where its folder says so.

    Args:
        uri: of the key; `provenance keygen --role witness` writes `witness.vkey` into its folder.

    Raises:
        ConfigError: what stands there is no verifier key of a witness.
    """
    path = Path(uri) / "witness.vkey"
    if not path.is_file():
        return None
    try:
        text = layout.read_bytes(path, layout.SMALL).decode("utf-8")
    except (ValueError, VerificationError) as cause:
        raise ConfigError(f"{path} is no verifier key of a witness") from cause
    return verifier_keys.read_witness(text.removesuffix("\n")).name


def find_state(uri: str) -> Path:
    """Return where a witness keeps its memory: beside its key.

    Args:
        uri: of the key.

    Raises:
        ConfigError: the key has no place on this disk.
    """
    path = Path(uri)
    if not path.exists():
        raise ConfigError(f"name the file of your memory with --state: the key {uri} has no place beside it")
    return path / "witness.state.json" if path.is_dir() else path.with_name(f"{path.name}.state.json")


def log_key(path: Path) -> Ed25519PublicKey:
    """Read the public key of a log that a witness is to meet.

    Args:
        path: PEM, as in `keys/log.pub.pem` of a ledger; compare its fingerprint with its owner by another way.

    Returns:
        The key.

    Raises:
        ConfigError: it is no such key.
    """
    try:
        key = read_public(layout.read_bytes(path, layout.SMALL))
    except (OSError, VerificationError) as cause:
        raise ConfigError(f"the log's key {path} cannot be read") from cause
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{path} is not the key of a log, which is Ed25519")
    return key


def _check_extends(last: checkpoint.Checkpoint, note: checkpoint.Checkpoint, request: Request, folder: Path) -> None:
    if note.size < last.size:
        counted = f"it counts {count_noun(note.size, 'entry')}, but this witness saw {last.size}"
        reason = f"{counted}: it is stale, or entries were removed"
        raise _accuse(last, note, request, folder, reason=reason)
    if note.size == last.size:
        if note.root != last.root:
            other = f"this witness saw another checkpoint over {count_noun(last.size, 'entry')}"
            reason = f"{other}: the log's operator signed two views"
            raise _accuse(last, note, request, folder, reason=reason)
        return
    if request.old != last.size:
        raise VerificationError(
            f"the proof starts at {count_noun(request.old, 'entry')}, but this witness saw {last.size} last: "
            f"ask its owner for `provenance witness request LEDGER --since {last.size}`"
        )
    if not merkle.is_consistent(last.size, last.root, note.size, note.root, proof=request.proof):
        reason = f"the proof does not show that it extends the {last.size} entries this witness saw"
        raise _accuse(last, note, request, folder, reason=reason)


def _accuse(
    last: checkpoint.Checkpoint, note: checkpoint.Checkpoint, request: Request, folder: Path, *, reason: str
) -> BrokenChain:
    """Write down what convinces anyone that the log signed both, and what was offered as proof."""
    shown = {
        "held": last.note.decode(),
        "shown": note.note.decode(),
        "proof_from": request.old,
        "proof": [item.hex() for item in request.proof],
        "says": f"Both notes are signed by one log key. Refused: {reason}. Two notes of one size with two roots "
        "convict their signer; of two sizes they show only that no proof was given, which the owner may still give.",
    }
    path = folder / f"refused-{last.root.hex()[:8]}-{note.root.hex()[:8]}.json"
    try:
        path = file_writing.write_new(path, canonical(shown))
    except OSError as cause:
        return BrokenChain(f"not cosigned: {reason}; the evidence cannot be written to {path}: {cause.strerror}")
    return BrokenChain(f"not cosigned: {reason}; the evidence is in {path}")


def _key_of(note: checkpoint.Checkpoint, last: WitnessState | None, given: Ed25519PublicKey | None) -> Ed25519PublicKey:
    """Return the key by which a witness knows the log from now on, and see that it signed the checkpoint."""
    if last is None:
        if given is None:
            raise ConfigError(
                f"this witness has not met the log {note.origin}: name its key with --log once you know whose it is"
            )
        _check_signed(note, given)
        return given
    known = Ed25519PublicKey.from_public_bytes(base64.b64decode(last.log))
    _check_signed(note, known)
    if given is None or _raw(given) == last.log:
        return known
    if note.by_heir is None:
        raise ConfigError(
            f"this witness knows the log {note.origin} by another key than --log names; where a log changes hands, "
            "both keys sign one checkpoint: ask its owner for a request of that one"
        )
    checkpoint.check_signature(note.by_heir, given)
    return given


def _check_signed(note: checkpoint.Checkpoint, key: Ed25519PublicKey) -> None:
    """See that a key signed a checkpoint, as who holds the log there or as who takes it over."""
    name = verifier_keys.compute_key_id(note.origin, key)
    found = next((each for each in (note, note.by_heir) if each is not None and each.key == name), None)
    if found is None:
        raise BadSignature(
            f"it is not signed by the key by which this witness knows the log {note.origin}; if the log changed hands, "
            "ask its owner for a request of the checkpoint that both keys signed, and name the new key with --log"
        )
    checkpoint.check_signature(found, key)


def _raw(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _remembered(state: Path, me: verifier_keys.Witness | None) -> dict[str, WitnessState]:
    try:
        data = layout.read_bytes(state, layout.ENTRY_LIMIT)
    except FileNotFoundError:
        return {}
    try:
        value = envelope.parse_json(data)
        found = {origin: _seen(origin, item) for origin, item in value["logs"].items()}
        theirs, kind = value["witness"], value["kind"]
    except (VerificationError, KeyError, TypeError, ValueError, AttributeError) as cause:
        raise ConfigError(
            f"{state} is not the memory of a witness; never start it anew while its key is in use"
        ) from cause
    if kind != STATE or (me is not None and theirs != me.vkey):
        raise ConfigError(f"{state} is the memory of another witness, {theirs}")
    return found


def _seen(origin: str, item: dict[str, Any]) -> WitnessState:
    note = checkpoint.read_checkpoint(item["note"].encode())
    if note.origin != origin or len(base64.b64decode(item["log"], validate=True)) != 32:
        raise VerificationError("a log's name does not fit its note")
    return WitnessState(item["log"], note)


def _remember(state: Path, me: verifier_keys.Witness, seen: dict[str, WitnessState]) -> None:
    """Replace the memory at once, on disk before anything is signed."""
    logs = {origin: {"log": item.log, "note": item.note.note.decode()} for origin, item in sorted(seen.items())}
    made = state.with_name(f".{state.name}.{secrets.token_hex(4)}")
    with made.open("xb") as file:
        file.write(json.dumps({"kind": STATE, "witness": me.vkey, "logs": logs}, indent=1, ensure_ascii=False).encode())
        file.flush()
        os.fsync(file.fileno())
    made.replace(state)
    file_writing.sync_to_disk(state.parent)
