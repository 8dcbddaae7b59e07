"""SM2 with SM3: keys, signatures and their check, over the same bytes as every other signature of an entry.

The distinguishing identifier is the default of GM/T 0009, given outright, as OpenSSL's own default is an empty one:

    openssl dgst -sm3 -verify sm2.pub.pem -sigopt distid:1234567812345678 -signature sig pae

Sources: GB/T 32918.2-2016 (also ISO/IEC 14888-3), GB/T 32905-2016 (SM3), GM/T 0009-2012. `cryptography` knows SM3 and
no SM2. Of the libraries that do, gmalg (extra `sm2`) is maintained, has no dependencies and takes the identifier; gmssl
and tongsuopy (which brings an OpenSSL of its own) ended in 2023. It is pure Python and takes no care to sign in
constant time: a key of worth signs in a licensed module. It reads no key files, so that their form is read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from provenance.core.digests import sha256
from provenance.errors import BadSignature, ConfigError, MissingExtra
from provenance.ledger.format import envelope
from provenance.ledger.keys import pem as pem_text

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope

DISTINGUISHING_ID = b"1234567812345678"
"""The signer's distinguishing identifier (GM/T 0009-2012, section 10)."""

# SubjectPublicKeyInfo, PKCS #8 and SEC 1 forms of a key on curve sm2p256v1: each has one encoding, but for the numbers.
_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_SPKI = bytes.fromhex("3059") + _ALGORITHM + bytes.fromhex("034200")
_PUBLIC = re.compile(re.escape(_SPKI) + rb"(?P<public>\x04.{64})", re.DOTALL)
_PRIVATE = re.compile(
    rb"(?:\x30\x81\x87\x02\x01\x00" + re.escape(_ALGORITHM) + rb"\x04\x6d\x30\x6b\x02\x01\x01\x04\x20(?P<pkcs8>.{32})"
    rb"|\x30\x77\x02\x01\x01\x04\x20(?P<sec1>.{32})\xa0\x0a" + re.escape(_ALGORITHM[11:]) + rb")"
    rb"\xa1\x44\x03\x42\x00(?P<public>\x04.{64})",
    re.DOTALL,
)
_PEM = re.compile(rb"-----BEGIN (?:(?:EC |SM2 )?PRIVATE|PUBLIC) KEY-----\s(?P<body>[A-Za-z0-9+/=\s]*)-----END ")


@dataclass(frozen=True, slots=True)
class SM2Key:
    """An SM2 key.

    Args:
        public: the point: 04 and 64 bytes.
        private: 32 bytes; None of a public key.
    """

    public: bytes
    private: bytes | None = field(default=None, repr=False)

    @property
    def keyid(self) -> str:
        """SHA-256, hexadecimal, of its SubjectPublicKeyInfo: an SM2 key has no OpenSSH form."""
        return sha256(_SPKI + self.public)

    @property
    def pem(self) -> bytes:
        """Its public half as PEM of the SubjectPublicKeyInfo (RFC 7468, section 13)."""
        return pem_text.encode("PUBLIC KEY", _SPKI + self.public)


def read_key(pem: bytes) -> SM2Key:
    """Read an SM2 key.

    Args:
        pem: one PEM: a public key, or a private one that is not encrypted (PKCS #8 or SEC 1, with its public key).

    Returns:
        The key.

    Raises:
        ConfigError: it is no such key, or its halves do not belong together.
        MissingExtra: gmalg is not installed.
    """
    if b"ENCRYPTED" in pem:
        raise ConfigError(
            "the SM2 key is encrypted; decrypt it with `openssl pkey`, or have the bytes of --format pae signed "
            "elsewhere and hand in the public key with --signature"
        )
    # An EC key of OpenSSL may begin with a block of its parameters.
    found = _PEM.search(pem)
    data = pem_text.decode(found["body"]) if found else b""
    if public := _PUBLIC.fullmatch(data):
        key = SM2Key(public["public"])
    elif private := _PRIVATE.fullmatch(data):
        key = SM2Key(private["public"], private["pkcs8"] or private["sec1"])
    else:
        raise ConfigError("the key is no SM2 key in PEM form; `openssl genpkey -algorithm SM2` makes one")
    if not _is_sound(key):
        raise ConfigError("the SM2 key is damaged: it is no point of the curve, or its halves do not belong together")
    return key


def sign_data(data: bytes, key: SM2Key) -> bytes:
    """Sign bytes.

    Args:
        data: what is signed.
        key: a private key.

    Returns:
        DER of (r, s).

    Raises:
        ConfigError: the key is a public one.
        MissingExtra: gmalg is not installed.
    """
    if key.private is None:
        raise ConfigError("a public SM2 key signs nothing; name a private key, or bring a signature with --signature")
    r, s = _gmalg().SM2(key.private, DISTINGUISHING_ID, key.public).sign(data)
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def check_signature(signed: Envelope, key: SM2Key) -> None:
    """Check an SM2 signature over an envelope's pre-authentication encoding.

    Args:
        signed: the co-signature's envelope.
        key: the signer's key.

    Raises:
        BadSignature: it names another key, is not strict DER, or is not by this key over these bytes.
        MissingExtra: gmalg is not installed.
    """
    try:
        r, s = decode_dss_signature(signed.signature)
        strict = encode_dss_signature(r, s) == signed.signature
        parts = [number.to_bytes(32, "big") for number in (r, s)]
    except (ValueError, OverflowError) as cause:
        raise BadSignature("the SM2 signature is not DER of two numbers") from cause
    verifier = _gmalg().SM2(uid=DISTINGUISHING_ID, pk=key.public)
    if not strict or signed.keyid != key.keyid or not verifier.verify(envelope.encode_pae(signed.payload), *parts):
        raise BadSignature(f"the SM2 signature is not by {key.keyid} over these bytes")


def _is_sound(key: SM2Key) -> bool:
    gmalg = _gmalg()
    if not gmalg.SM2().verify_pk(key.public):
        return False
    return key.private is None or gmalg.SM2().generate_pk(key.private) == key.public


def _gmalg() -> Any:
    try:
        import gmalg
    except ImportError as cause:
        raise MissingExtra("sm2", "sign or check with SM2") from cause
    return gmalg
