"""ML-DSA-65: keys, and the check of signatures that are to outlast ECDSA (extra `mldsa`).

`cryptography` does all of it where its OpenSSL knows the algorithm, from version 48 on; the core takes older ones.
Sources: FIPS 204, with an empty context; RFC 9881 for the form of the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.core.digests import sha256
from provenance.errors import BadSignature, MissingExtra, VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.keys import pem as pem_text

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope

EXTRA = "mldsa"
"""The extra that brings a `cryptography` with ML-DSA."""

_PUBLIC_BYTES = 1952  # bytes of a public key (FIPS 204, table 2)
_SPKI = bytes.fromhex("308207b2300b0609608648016503040312038207a100")  # before them in the one DER of a key (RFC 9881)


def import_library(purpose: str) -> Any:
    """Import the part of `cryptography` that knows ML-DSA.

    Args:
        purpose: what it is needed for, as the end of "to ...".

    Raises:
        MissingExtra: this `cryptography`, or the OpenSSL in it, is older than ML-DSA.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        mldsa.MLDSA65PublicKey.from_public_bytes(
            bytes(_PUBLIC_BYTES)
        )  # the module may be there and its OpenSSL too old
    except (ImportError, AttributeError, UnsupportedAlgorithm) as cause:
        raise MissingExtra(EXTRA, purpose) from cause
    return mldsa


def read_public(pem: bytes) -> Any:
    """Read a public key, strictly: that it is one can be told without the library.

    Args:
        pem: SubjectPublicKeyInfo as PEM, in its one form.

    Returns:
        An ML-DSA-65 public key of `cryptography`.

    Raises:
        VerificationError: it is no such key.
        MissingExtra: `cryptography` is too old to check signatures with it.
    """
    spki = pem_text.decode(b"".join(pem.split(b"\n")[1:-2]))
    if (
        len(spki) != len(_SPKI) + _PUBLIC_BYTES
        or not spki.startswith(_SPKI)
        or pem_text.encode("PUBLIC KEY", spki) != pem
    ):
        raise VerificationError("its public key is not the PEM of an ML-DSA-65 key")
    return import_library("check an ML-DSA signature").MLDSA65PublicKey.from_public_bytes(spki[len(_SPKI) :])


def check_signature(signed: Envelope, key: Any) -> None:
    """Check an ML-DSA signature over an envelope's pre-authentication encoding.

    Args:
        signed: the co-signature's envelope.
        key: an ML-DSA-65 public key of `cryptography`.

    Raises:
        BadSignature: it names another key, or is not by this key over these bytes.
    """
    try:
        key.verify(signed.signature, envelope.encode_pae(signed.payload))
    except InvalidSignature as cause:
        raise BadSignature(f"the ML-DSA signature is not by {compute_keyid(key)} over these bytes") from cause
    if signed.keyid != compute_keyid(key):
        raise BadSignature(f"the ML-DSA signature names the key {signed.keyid}, and is by {compute_keyid(key)}")


def compute_keyid(key: Any) -> str:
    """Return SHA-256, hexadecimal, of a public key's SubjectPublicKeyInfo: an ML-DSA key has no OpenSSH form."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
