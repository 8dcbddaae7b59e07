"""ML-DSA-65: keys, and the check of signatures that are to outlast ECDSA.

Source: FIPS 204, with an empty context; RFC 9881 for the key. Needs a `cryptography` whose OpenSSL knows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.core.digests import sha256
from provenance.errors import BadSignature
from provenance.ledger.format import envelope

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope


def check(signed: Envelope, key: Any) -> None:
    """Check an ML-DSA signature over an envelope's pre-authentication encoding.

    Args:
        signed: the co-signature's envelope.
        key: an ML-DSA-65 public key of `cryptography`.

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


def is_private(key: Any) -> bool:
    """Tell whether a key of `cryptography` is a private one of ML-DSA-65; any version of it can be asked."""
    return type(key).__name__ == "MLDSA65PrivateKey"


def is_public(key: Any) -> bool:
    """Tell whether a key of `cryptography` is a public one of ML-DSA-65; any version of it can be asked."""
    return type(key).__name__ == "MLDSA65PublicKey"
