"""ML-DSA co-signature: the same payload as the entry's, signed to outlast ECDSA, in an envelope of its own.

It may be put into `entries/<8 digits>.co/mldsa.dsse.json`, and changes no history. It says who signed only to whoever
holds the key by another way, since before ECDSA fell. Source: FIPS 204, with an empty context; RFC 9881 for the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.digests import sha256
from provenance.errors import BadSignature, ConfigError
from provenance.ledger import envelope

if TYPE_CHECKING:
    from provenance.ledger.envelope import Envelope


def render(sealed: Envelope, key: Any) -> bytes:
    """Render the co-signature of an entry.

    Args:
        sealed: the entry's envelope; its payload is signed.
        key: an ML-DSA private key of `cryptography`, of any of the three strengths.

    Returns:
        The envelope's file: canonical JSON, one signature; the keyid is SHA-256 of the SubjectPublicKeyInfo.

    Raises:
        ConfigError: it is another kind of key.
    """
    if not type(key).__name__.startswith("MLDSA"):
        raise ConfigError("the key is no ML-DSA key; `openssl genpkey -algorithm ML-DSA-65` (3.5 or later) makes one")
    return envelope.Envelope(sealed.payload, keyid(key.public_key()), key.sign(envelope.pae(sealed.payload))).file


def check(signed: Envelope, key: Any) -> None:
    """Check an ML-DSA signature over an envelope's pre-authentication encoding.

    Args:
        signed: the co-signature's envelope.
        key: an ML-DSA public key of `cryptography`.

    Raises:
        BadSignature: it names another key, or is not by this key over these bytes.
    """
    try:
        key.verify(signed.signature, envelope.pae(signed.payload))
    except InvalidSignature as cause:
        raise BadSignature(f"the ML-DSA signature is not by {keyid(key)} over these bytes") from cause
    if signed.keyid != keyid(key):
        raise BadSignature(f"the ML-DSA signature names the key {signed.keyid}, and is by {keyid(key)}")


def keyid(key: Any) -> str:
    """Return SHA-256, hexadecimal, of a public key's SubjectPublicKeyInfo: an ML-DSA key has no OpenSSH form."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
