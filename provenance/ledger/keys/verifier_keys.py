"""Verifier keys: how a log's or a witness's Ed25519 key is named and written (C2SP signed-note, "Verifier keys")."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import ConfigError

LOG_TYPE, WITNESS_TYPE = b"\x01", b"\x04"
"""What a key is for, within its id and its verifier key: a log's notes, a witness's cosignatures (C2SP signed-note)."""


def compute_key_id(origin: str, key: Ed25519PublicKey, kind: bytes = LOG_TYPE) -> bytes:
    """Return a key's C2SP id: the first 4 bytes of SHA-256(name || 0x0A || type || key).

    Args:
        origin: name of the log or witness, which is the name of its key.
        key: the key.
        kind: LOG_TYPE or WITNESS_TYPE.

    Returns:
        4 bytes (C2SP signed-note, "Signatures").
    """
    return hashlib.sha256(origin.encode() + b"\n" + kind + key.public_bytes_raw()).digest()[:4]


def format_vkey(origin: str, key: Ed25519PublicKey, kind: bytes = LOG_TYPE) -> str:
    """Return the text by which C2SP tools pin a log or witness: `<name>+<key id>+<base64 of type and key>`.

    Args:
        origin: its name.
        key: its key.
        kind: LOG_TYPE or WITNESS_TYPE.

    Returns:
        A verifier key (C2SP signed-note, "Verifier keys").
    """
    encoded = base64.b64encode(kind + key.public_bytes_raw()).decode()
    return f"{origin}+{compute_key_id(origin, key, kind).hex()}+{encoded}"


_VKEY = re.compile(r"(?P<name>[^\s+]{1,255})\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]{44})")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's public key.

    Args:
        name: how the witness calls it.
        key: Ed25519.
    """

    name: str
    key: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """C2SP key id, 4 bytes: of SHA-256(name || 0x0A || 0x04 || key)."""
        return compute_key_id(self.name, self.key, WITNESS_TYPE)

    @property
    def vkey(self) -> str:
        """The text by which verifiers pin it: `<name>+<key id>+<base64 of type and key>`."""
        return format_vkey(self.name, self.key, WITNESS_TYPE)


def read_witness(vkey: str) -> Witness:
    """Read a witness's verifier key.

    Args:
        vkey: `<name>+<key id>+<base64 of 0x04 and the key>` (C2SP signed-note, "Verifier keys").

    Returns:
        The key.

    Raises:
        ConfigError: it is none of a cosignature/v1 witness, or its key id is not its own.
    """
    found = _VKEY.fullmatch(vkey)
    data = base64.b64decode(found["key"]) if found else b""
    if found is None or data[:1] != WITNESS_TYPE or len(data) != 33:
        raise ConfigError(
            f"{vkey[:80]!r} is no verifier key of a witness: <name>+<8 hex digits>+<base64 of 0x04 and key>"
        )
    made = Witness(found["name"], Ed25519PublicKey.from_public_bytes(data[1:]))
    if made.vkey != vkey:
        raise ConfigError(f"the verifier key of {made.name} does not fit its own key id; copy it again")
    return made
