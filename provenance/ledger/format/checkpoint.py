r"""Checkpoints: the log's head as a C2SP signed note, signed with Ed25519.

    <origin>\n<size>\n<base64 of the root>\n\n— <origin> <base64 of key id and signature>\n

Where the log changes hands, a second line follows, by the key that takes over.

Sources: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import BadSignature, ConfigError, VerificationError
from provenance.ledger.keys.verifier_keys import compute_key_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provenance.ledger.keys.signers import NoteSigner

MOST_BYTES = 1 << 20
"""Bytes of the largest note that is read (the limit of other C2SP implementations)."""


_NOTE = re.compile(
    r"(?P<origin>[^\s+]{1,255})\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"\n— (?P=origin) (?P<signature>[A-Za-z0-9+/]{91}=)\n(?:— (?P=origin) (?P<heir>[A-Za-z0-9+/]{91}=)\n)?"
    r"(?P<others>(?:— [^\s+]{1,255} [A-Za-z0-9+/=]+\n)*)"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's operator signed: so many entries, with this root.

    Args:
        origin: name of the log.
        size: number of entries.
        root: root over their leaf hashes, 32 bytes.
        key: C2SP key id, 4 bytes.
        signature: Ed25519 over `body`, 64 bytes.
        heir: key id and signature of the key that takes over the log, 68 bytes; empty where none does.
    """

    origin: str
    size: int
    root: bytes
    key: bytes
    signature: bytes
    heir: bytes = b""

    @property
    def body(self) -> bytes:
        """The signed text, its closing newline included."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @property
    def note(self) -> bytes:
        """The note's file: body, blank line, the operator's signature, and that of who takes over, if anybody does."""
        lines = [base64.b64encode(each).decode() for each in (self.key + self.signature, self.heir) if each]
        return self.body + b"\n" + "".join(f"— {self.origin} {line}\n" for line in lines).encode()

    @property
    def by_heir(self) -> Checkpoint | None:
        """The same as the key signed it that takes over the log; None where none does."""
        return replace(self, key=self.heir[:4], signature=self.heir[4:], heir=b"") if self.heir else None


def sign_head(origin: str, size: int, root: bytes, key: NoteSigner) -> Checkpoint:
    """Sign a log's head.

    Args:
        origin: name of the log, without spaces or '+'.
        size: number of entries.
        root: root over their leaf hashes, 32 bytes.
        key: the log key.

    Returns:
        The checkpoint; its `note` is what goes into the file.

    Raises:
        ConfigError: what was to sign did not sign with that key.
    """
    public = key.public_key()
    unsigned = Checkpoint(origin, size, root, compute_key_id(origin, public), b"")
    made = Checkpoint(origin, size, root, unsigned.key, key.sign(unsigned.body))
    try:
        check_signature(made, public)
    except BadSignature as cause:
        raise ConfigError("what signs the log did not sign with the log's key") from cause
    return made


def read_checkpoint(data: bytes, *, cosigned: bool = False) -> Checkpoint:
    """Read a note, strictly.

    Args:
        data: the file's bytes.
        cosigned: whether further signature lines (of witnesses) may follow the operator's; they are not checked.

    Returns:
        The checkpoint; no signature is checked yet, nor whether the log changes hands there.

    Raises:
        VerificationError: it is not such a note, or not in canonical form.
    """
    try:
        found = _NOTE.fullmatch(data.decode("utf-8")) if len(data) <= MOST_BYTES else None
    except UnicodeDecodeError:
        found = None
    if found is None or (found["others"] and not cosigned):
        raise VerificationError("it is not a signed checkpoint with one signature")
    signature = base64.b64decode(found["signature"])
    made = Checkpoint(
        found["origin"],
        int(found["size"]),
        base64.b64decode(found["root"]),
        signature[:4],
        signature[4:],
        base64.b64decode(found["heir"] or ""),
    )
    if made.heir[:4] == made.key:
        raise VerificationError("one key signed it twice")
    if made.note + found["others"].encode() != data:
        raise VerificationError("it is not in canonical form: base64 has unused bits set")
    return made


def sign_handover(checkpoint: Checkpoint, key: NoteSigner) -> Checkpoint:
    """Sign a checkpoint as the key that takes over the log: the old key's signature, then the new one's.

    Args:
        checkpoint: signed by the old key.
        key: the new one.

    Returns:
        The checkpoint; C2SP readers who know either key accept its note (C2SP signed-note, "Verifying").

    Raises:
        ConfigError: what was to sign did not sign with that key.
    """
    new = sign_head(checkpoint.origin, checkpoint.size, checkpoint.root, key)
    return replace(checkpoint, heir=new.key + new.signature)


def check_signature(checkpoint: Checkpoint, key: Ed25519PublicKey) -> None:
    """Check the operator's signature.

    Args:
        checkpoint: what `read_checkpoint` returned.
        key: the log key.

    Raises:
        BadSignature: the key id or the signature is not this key's.
    """
    if checkpoint.key != compute_key_id(checkpoint.origin, key):
        raise BadSignature("the checkpoint names another key")
    try:
        key.verify(checkpoint.signature, checkpoint.body)
    except InvalidSignature as cause:
        raise BadSignature("the checkpoint's signature does not match its text") from cause


def find_signer(checkpoint: Checkpoint, known: Iterable[object]) -> Ed25519PublicKey:
    """Find the key that a checkpoint names; its signature is not checked.

    Args:
        checkpoint: what `read_checkpoint` returned.
        known: keys at hand, of any kind.

    Returns:
        The key.

    Raises:
        VerificationError: it is not among them.
    """
    for key in known:
        if isinstance(key, Ed25519PublicKey) and compute_key_id(checkpoint.origin, key) == checkpoint.key:
            return key
    raise VerificationError("the checkpoint's key is neither pinned nor beside it")
