"""CMS: a detached CAdES signature over a checkpoint, for whoever asks for a seal with a (qualified) certificate.

Written out in DER here: `cryptography`'s PKCS#7 builder cannot add the signing-certificate-v2 attribute, without which
there is no CAdES; `openssl cms -cades` can, but wants the private key in a file and OpenSSL on the path, and takes no
key that stays in its hardware; asn1crypto could, and its last release is of 2022. Sources: RFC 5652; RFC 5035,
section 3; ETSI EN 319 122-1, level B-B (once CAdES-BES).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.exports.export_format import (
    LARGEST_FILE,
    Exported,
    ExportedEntry,
    ExportFormat,
    ExportRequest,
    private_key,
    read_file,
)
from provenance.ledger.keys import der, key_certificates, signing_keys
from provenance.ledger.keys.der import OCTETS, OID, SEQUENCE, SET, encode_element, encode_integer
from provenance.ledger.witness.certificate_chains import issuer_and_serial

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.x509 import Certificate

_PKCS = "2a864886f70d01"  # 1.2.840.113549.1
_DATA, _SIGNED_DATA = (encode_element(OID, bytes.fromhex(_PKCS + end)) for end in ("0701", "0702"))
_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_TIME = (
    encode_element(OID, bytes.fromhex(_PKCS + end)) for end in ("0903", "0904", "0905")
)
_SIGNING_CERTIFICATE_V2 = encode_element(OID, bytes.fromhex(_PKCS + "0910022f"))
_SHA256 = encode_element(SEQUENCE, encode_element(OID, bytes.fromhex("608648016503040201")))
_ECDSA = encode_element(
    SEQUENCE, encode_element(OID, bytes.fromhex("2a8648ce3d040302"))
)  # with SHA-256 (RFC 5758, section 3.2)
_RSA = encode_element(
    SEQUENCE, encode_element(OID, bytes.fromhex(_PKCS + "010b")), encode_element(der.NULL)
)  # with SHA-256, PKCS #1 v1.5
_UTC_TIME = 0x17
_TAGGED_0, _TAGGED_4 = 0xA0, 0xA4  # [0] and [4], constructed


class CmsSigner(Protocol):
    """What signs with ECDSA and SHA-256, wherever its key is."""

    def sign(self, data: bytes, /) -> bytes:
        """Sign bytes: DER of (r, s)."""

    def public_key(self) -> object:
        """Return the public half."""


def render(
    content: bytes,
    certificates: Sequence[Certificate],
    key: CmsSigner | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    when: str,
) -> bytes:
    """Render a detached signature.

    Args:
        content: what is signed: a checkpoint's note.
        certificates: the signer's among them; the others (its chain) travel along.
        key: the private key of one of them; RSA signs with PKCS #1 v1.5.
        when: UTC, ISO 8601 to the second with a closing Z: when the signer says it signs.

    Returns:
        DER of a ContentInfo (`.p7s`).

    Raises:
        ConfigError: no certificate is of this key.
    """
    own = next((each for each in certificates if each.public_key() == key.public_key()), None)
    if own is None:
        raise ConfigError("none of the certificates is of this key; name the private key of the certificate with --key")
    attributes = _set_of(
        [
            _attribute(_CONTENT_TYPE, _DATA),
            _attribute(_MESSAGE_DIGEST, encode_element(OCTETS, hashlib.sha256(content).digest())),
            _attribute(_SIGNING_TIME, _time(when)),
            _attribute(_SIGNING_CERTIFICATE_V2, _signing_certificate(own)),
        ]
    )
    # Signed as a SET, sent under the tag [0] in its place (RFC 5652, section 5.4).
    algorithm, signature = _sign(encode_element(SET, attributes), key)
    signer = encode_element(
        SEQUENCE,
        encode_integer(1),  # the signer is named by issuer and serial number
        encode_element(SEQUENCE, *issuer_and_serial(own)),
        _SHA256,
        encode_element(_TAGGED_0, attributes),
        algorithm,
        encode_element(OCTETS, signature),
    )
    signed = encode_element(
        SEQUENCE,
        encode_integer(1),
        encode_element(SET, _SHA256),
        encode_element(SEQUENCE, _DATA),  # detached: no content
        encode_element(_TAGGED_0, _set_of(each.public_bytes(Encoding.DER) for each in certificates)),
        encode_element(SET, signer),
    )
    return encode_element(SEQUENCE, _SIGNED_DATA, encode_element(_TAGGED_0, signed))


def _set_of(items: Iterable[bytes]) -> bytes:
    """The contents of a SET OF: sorted by their encodings (X.690, section 11.6)."""
    return b"".join(sorted(items))


def _attribute(name: bytes, value: bytes) -> bytes:
    return encode_element(SEQUENCE, name, encode_element(SET, value))


def _time(when: str) -> bytes:
    """UTCTime before 2050, GeneralizedTime from then on (RFC 5652, section 11.3)."""
    digits = "".join(each for each in when if each not in "-:T")
    return (
        encode_element(_UTC_TIME, digits[2:].encode()) if digits < "2050" else encode_element(der.TIME, digits.encode())
    )


def _signing_certificate(certificate: Certificate) -> bytes:
    """SigningCertificateV2 with one ESSCertIDv2; its hash algorithm is the default, SHA-256 (RFC 5035, section 4)."""
    issuer, serial = issuer_and_serial(certificate)
    digest = encode_element(OCTETS, hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())
    named = encode_element(
        SEQUENCE, encode_element(SEQUENCE, encode_element(_TAGGED_4, issuer)), serial
    )  # [4] directoryName of GeneralName
    return encode_element(SEQUENCE, encode_element(SEQUENCE, encode_element(SEQUENCE, digest, named)))


def _sign(data: bytes, key: CmsSigner | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[bytes, bytes]:
    if isinstance(key, rsa.RSAPrivateKey):
        return _RSA, key.sign(data, padding.PKCS1v15(), SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _ECDSA, key.sign(data, ec.ECDSA(SHA256()))
    return _ECDSA, key.sign(data)


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    if request.certificate is None:
        raise ConfigError("a CMS signature is by a certificate: name its PEM file with --certificate")
    pem = read_file(request.certificate)
    try:
        certificates = key_certificates.read_chain(pem)
    except ConfigError as cause:
        raise ConfigError(f"{request.certificate} holds no certificate in PEM form") from cause
    note = layout.read_bytes(entry.folder / layout.note_path(layout.size(entry.folder)), LARGEST_FILE)
    key = _seal(request)
    when = request.when or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = layout.note_path(layout.size(entry.folder))
    how = f"Verify: openssl cms -verify -cades -binary -inform DER -in FILE -content {name} -CAfile CA.pem -purpose any"
    return [render(note, certificates, key, when)], (f"Signed: {name}", how)


def _seal(request: ExportRequest) -> Any:
    """Load the key of a seal: of a folder as keygen makes it, the statement key; else of a file, ECDSA or RSA."""
    if request.key is None:
        return signing_keys.user_keys(create=False, prompt=request.prompt).statement
    if Path(request.key).is_dir():
        return signing_keys.load_statement(request.key, prompt=request.prompt)
    key = private_key(request)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigError(f"{request.key} is neither an ECDSA nor an RSA key")
    return key


EXPORT = ExportFormat(
    "cms",
    "A detached CMS/CAdES signature over the newest checkpoint, by a seal's certificate.",
    ("key", "password_file", "certificate"),
    _export,
)
