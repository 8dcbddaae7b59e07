"""Cosignatures: a witness signs that it saw a log's head extend the one it saw before, and when.

    — <name> <base64 of key id, seconds since 1970, Ed25519 signature>

Source: https://c2sp.org/tlog-cosignature (cosignature/v1) and https://c2sp.org/signed-note.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from provenance.errors import BadSignature, ConfigError, VerificationError
from provenance.ledger.keys.verifier_keys import Witness

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from provenance.ledger.keys.signers import NoteSigner

MOST_BYTES = 1 << 20
"""Bytes of the largest file of cosignatures that is read."""

_LATEST_SECOND = 253402300799  # the last second of the year 9999
_LINE = re.compile(r"— (?P<name>[^\s+]{1,255}) (?P<blob>[A-Za-z0-9+/]{8,8000}={0,2})\n")
_NAME = re.compile(r"[^\s+]{1,255}")


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One line of a witness.

    Args:
        name: how the witness calls its key.
        key: C2SP key id, 4 bytes; tells which key and which kind of signature it is.
        signature: what follows it: of cosignature/v1, 8 bytes of time and 64 of Ed25519.
    """

    name: str
    key: bytes
    signature: bytes

    @property
    def line(self) -> bytes:
        """The line as it stands in a note, its newline included."""
        return f"— {self.name} {base64.b64encode(self.key + self.signature).decode()}\n".encode()


def make_witness(name: str, key: Ed25519PublicKey) -> Witness:
    """Give a witness's key its name.

    Args:
        name: without spaces or '+'; the address of whoever keeps it, as `regulator.example/w1`.
        key: its public half.

    Returns:
        The witness.

    Raises:
        ConfigError: it cannot be called so.
    """
    if not name:
        raise ConfigError("the name of the witness is empty: write one such as regulator.example/w1")
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise ConfigError(f"a witness cannot be called {name!r}: its name has no spaces and no '+'")
    return Witness(name, key)


def sign_body(name: str, key: NoteSigner, body: bytes, when: int) -> Cosignature:
    """Cosign a checkpoint. The caller knows that it extends what the witness saw before: see `cosign_requests`.

    Args:
        name: how the witness calls its key.
        key: what signs.
        body: the checkpoint's signed text.
        when: seconds since 1970, UTC.

    Returns:
        The line.
    """
    signature = key.sign(_make_message(body, when))
    return Cosignature(name, make_witness(name, key.public_key()).id, when.to_bytes(8, "big") + signature)


def read_cosignatures(data: bytes) -> list[Cosignature]:
    """Read lines of witnesses, strictly.

    Args:
        data: one line or more, each closed by a newline.

    Returns:
        The lines in order, each once; no signature is checked yet.

    Raises:
        VerificationError: they are not such lines, not in canonical form, or one stands there twice.
    """
    try:
        text = data.decode("utf-8") if len(data) <= MOST_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    found = []
    for line in text.splitlines(keepends=True):
        parts = _LINE.fullmatch(line)
        blob = _decode_blob(parts["blob"]) if parts else b""
        if parts is None or len(blob) < 5:
            raise VerificationError("it does not hold lines of witnesses alone")
        found.append(Cosignature(parts["name"], blob[:4], blob[4:]))
    if not found or b"".join(item.line for item in found) != data:
        raise VerificationError("it does not hold lines of witnesses in canonical form")
    if len(set(found)) != len(found):
        raise VerificationError("it holds a line of a witness twice")
    return found


def check_cosignature(cosignature: Cosignature, by: Witness, body: bytes) -> datetime:
    """Check a witness's line.

    Args:
        cosignature: what `read_cosignatures` returned.
        by: whose it says it is.
        body: the checkpoint's signed text.

    Returns:
        When the witness says it saw the checkpoint; UTC.

    Raises:
        BadSignature: it is not by this key over this text.
    """
    when = int.from_bytes(cosignature.signature[:8], "big")
    if not is_by_key(cosignature, by) or len(cosignature.signature) != 72 or when > _LATEST_SECOND:
        raise BadSignature(f"the line of {by.name} is no cosignature/v1 by the key that is pinned")
    try:
        by.key.verify(cosignature.signature[8:], _make_message(body, when))
    except InvalidSignature as cause:
        raise BadSignature(f"the cosignature of {by.name} does not match the checkpoint") from cause
    return datetime.fromtimestamp(when, UTC)


def is_by_key(cosignature: Cosignature, by: Witness) -> bool:
    """Tell whether a line says it is by this key: C2SP lets name and key id decide.

    Args:
        cosignature: what `read_cosignatures` returned.
        by: the key.
    """
    return (cosignature.name, cosignature.key) == (by.name, by.id)


def _make_message(body: bytes, when: int) -> bytes:
    return b"cosignature/v1\ntime %d\n" % when + body


def _decode_blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
