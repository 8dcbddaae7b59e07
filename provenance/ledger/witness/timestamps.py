"""Timestamps: an authority (TSA) signs that it saw a checkpoint's note, by RFC 3161.

A stored response is read strictly and checked here, with `cryptography` for what is cryptography. What is accepted is
also accepted by `openssl ts -verify -attime`, and `second_opinion` asks rfc3161-client where that is installed. The
library does not replace this file, for three reasons that tests hold:

- It lets bits of a response change unseen (versions, the name of the signature's algorithm). What no signature covers
  is refused here, so that no byte of a stored response is free.
- It refuses certificates in another order than DER's, which OpenSSL 3.0 writes.
- A ledger is verified without it: it is an extra.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import BadSignature, DigestMismatch, VerificationError
from provenance.ledger.keys import der, key_certificates
from provenance.ledger.witness import certificate_chains
from provenance.ledger.witness.timestamp_token import Token

LIMIT = 1 << 16
"""Bytes of the largest response that is read; a usual one has two to eight thousand."""


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    encoded = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        encoded += bytes(reversed(septets))
    return der.encode_element(der.OID, bytes(encoded))


_NULL = der.encode_element(der.NULL)
_SIGNED_DATA = _oid("1.2.840.113549.1.7.2")  # RFC 5652, section 5.1
_TST_INFO = _oid("1.2.840.113549.1.9.16.1.4")  # RFC 3161, section 2.4.2
_CONTENT_TYPE, _MESSAGE_DIGEST = _oid("1.2.840.113549.1.9.3"), _oid("1.2.840.113549.1.9.4")  # RFC 5652, section 11
_SIGNING_CERTIFICATE = _oid("1.2.840.113549.1.9.16.2.12")  # RFC 2634, section 5.4: SHA-1 of the certificate
_SIGNING_CERTIFICATE_V2 = _oid("1.2.840.113549.1.9.16.2.47")  # RFC 5035, section 3
_RSA = _oid("1.2.840.113549.1.1.1")
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""Digests of a note that may be timestamped, by name."""
_HASH_OIDS = {_oid(f"2.16.840.1.101.3.4.2.{number}"): name for number, name in enumerate(HASHES, start=1)}
_RSA_OIDS = {_oid(f"1.2.840.113549.1.1.{number}"): name for number, name in enumerate(HASHES, start=11)}
_ECDSA_OIDS = {_oid(f"1.2.840.10045.4.3.{number}"): name for number, name in enumerate(HASHES, start=2)}
_GRANTED = der.encode_element(
    der.SEQUENCE, der.encode_integer(0)
)  # PKIStatusInfo without prose (RFC 3161, section 2.4.2)
_GEN_TIME = re.compile(rb"([0-9]{14})(?:\.([0-9]{1,6}))?Z")


def read_nonce(query: bytes) -> int:
    """Read the nonce of a request; rfc3161-client has no public reader of requests.

    Args:
        query: TimeStampReq in DER (RFC 3161, section 2.4.1).

    Returns:
        The number that the answer must repeat.

    Raises:
        VerificationError: it is no request, or has no nonce.
    """
    parts = der.read_element(query).parts(der.SEQUENCE)
    nonces = [item for item in parts[2:] if item.tag == der.INTEGER]  # the first two are the version and the imprint
    if len(nonces) != 1 or der.read_integer(parts[0]) != 1:
        raise VerificationError("it is not a timestamp request with a nonce")
    return der.read_integer(nonces[0])


def stored_form(response: bytes) -> bytes:
    """Return a response as it is stored: the signed token as it came, without the prose that nobody signed.

    Args:
        response: TimeStampResp in DER, as an authority sent it.

    Returns:
        A TimeStampResp that `read` accepts if the token is sound.

    Raises:
        VerificationError: it is none, or the authority refused.
    """
    if len(response) > LIMIT:
        raise VerificationError(f"it is larger than {LIMIT} bytes")
    parts = der.read_element(response).parts(der.SEQUENCE)
    answer, token = parts[0].parts(der.SEQUENCE) if parts else [], parts[1:]
    if not answer or der.read_integer(answer[0]) != 0 or len(token) != 1:
        raise VerificationError("the authority did not grant it as it was asked")
    return der.encode_element(der.SEQUENCE, _GRANTED, token[0].to_bytes)


def read(response: bytes) -> Token:
    """Read a stored response, strictly.

    Args:
        response: TimeStampResp in DER, as `plain` returns it.

    Returns:
        The timestamp; nothing of it is checked yet.

    Raises:
        VerificationError: it is none, or holds something that no signature covers.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what a later version of the library will not read
            return _read(response)
    except key_certificates.UNREADABLE as cause:
        raise VerificationError("it is not a timestamp response of the form that is read here") from cause


def check(token: Token, note: bytes) -> None:
    """Check that a timestamp is of this note and signed with the certificate it carries.

    Whose certificate that is, is another question: see `certificate_chains.find_path`.

    Args:
        token: what `read` returned.
        note: the bytes that should have been timestamped.

    Raises:
        DigestMismatch: it is of something else.
        BadSignature: it is not signed so.
    """
    if hashlib.new(token.digest, note).digest() != token.imprint:
        raise DigestMismatch("it is of something else than this checkpoint's note")
    key = token.signer.public_key()
    algorithm = HASHES[token.signature_digest]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(token.signature, token.signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if encode_dss_signature(*decode_dss_signature(token.signature)) != token.signature:
                raise BadSignature("its signature is not in its one form (DER)")
            key.verify(token.signature, token.signed, ec.ECDSA(algorithm))
        else:
            raise BadSignature("it is signed with a kind of key that is not known here")
    except key_certificates.UNREADABLE as cause:
        raise BadSignature(f"it is not signed by {token.name}") from cause


def _read(response: bytes) -> Token:
    if len(response) > LIMIT:
        raise VerificationError(f"it is larger than {LIMIT} bytes")
    status, wrapped_token = der.read_element(response).parts(der.SEQUENCE)
    kind, wrapped = wrapped_token.parts(der.SEQUENCE)
    if status.to_bytes != _GRANTED or kind.to_bytes != _SIGNED_DATA:
        raise VerificationError("it is not a granted timestamp response")
    [signed_data] = wrapped.parts(0xA0)
    version, digests, info, carried, signers = signed_data.parts(der.SEQUENCE)
    [signer] = signers.parts(der.SET)
    content_type, wrapped_content = info.parts(der.SEQUENCE)
    [content] = wrapped_content.parts(0xA0)
    certificates = tuple(x509.load_der_x509_certificate(item.to_bytes) for item in carried.parts(0xA0))
    number, issued, hashed, attributes, algorithm, signature = signer.parts(der.SEQUENCE)
    name = _HASH_OIDS[_algorithm_oid(hashed)]
    if (
        der.read_integer(version) != 3  # RFC 5652, section 5.1: the content is not of type id-data
        or der.read_integer(number) != 1  # section 5.3: the signer is named by issuer and serial number
        or [item.to_bytes for item in digests.parts(der.SET)] != [hashed.to_bytes]
        or content_type.to_bytes != _TST_INFO
    ):
        raise VerificationError("it is not built as RFC 3161 says")
    leaf = next(item for item in (*certificates, None) if item is None or _issuer_and_serial(item) == issued.to_bytes)
    if leaf is None or len({item.fingerprint(hashes.SHA256()) for item in certificates}) != len(certificates):
        raise VerificationError("the certificate of its signer is missing, or one is there twice")
    content_bytes = content.expect(der.OCTETS).content
    _check_attributes(attributes, hashlib.new(name, content_bytes).digest(), leaf)
    _check_carried(certificates, leaf)
    return Token(
        **_info(content_bytes),
        signer=leaf,
        certificates=certificates,
        signed=der.encode_element(der.SET, attributes.content),  # RFC 5652, section 5.4: under the tag of a SET OF
        signature=signature.expect(der.OCTETS).content,
        signature_digest=_signature_digest(algorithm, name, leaf),
    )


def _info(content: bytes) -> dict[str, Any]:
    """TSTInfo (RFC 3161, section 2.4.2)."""
    version, _policy, imprint, _serial, when, *rest = der.read_element(content).parts(der.SEQUENCE)
    hashed, digest = imprint.parts(der.SEQUENCE)
    found = _GEN_TIME.fullmatch(when.expect(der.TIME).content)
    if der.read_integer(version) != 1 or found is None:
        raise VerificationError("it is not built as RFC 3161 says")
    time = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return {
        "time": time + timedelta(microseconds=int((found[2] or b"").ljust(6, b"0"))),
        "digest": _HASH_OIDS[_algorithm_oid(hashed)],
        "imprint": digest.expect(der.OCTETS).content,
        "nonce": next((der.read_integer(item) for item in rest if item.tag == der.INTEGER), None),
    }


def _check_attributes(attributes: der.Element, digest: bytes, leaf: x509.Certificate) -> None:
    """The signed attributes name the content's type, its digest and the signer's certificate (RFC 3161, 2.4.2)."""
    found: dict[bytes, der.Element] = {}
    for item in attributes.parts(0xA0):
        kind, values = item.parts(der.SEQUENCE)
        if kind.to_bytes in found:
            raise VerificationError("a signed attribute is there twice")
        found[kind.to_bytes] = values
    [content_type] = found[_CONTENT_TYPE].parts(der.SET) if _CONTENT_TYPE in found else [None]
    [message_digest] = found[_MESSAGE_DIGEST].parts(der.SET) if _MESSAGE_DIGEST in found else [None]
    if content_type is None or content_type.to_bytes != _TST_INFO:
        raise VerificationError("its signature does not say that it is of a timestamp")
    if message_digest is None or message_digest.expect(der.OCTETS).content != digest:
        raise BadSignature("its signature is of another timestamp")
    if not _is_named(found, leaf):
        raise VerificationError("its signature does not name the certificate of its signer")


def _is_named(attributes: dict[bytes, der.Element], leaf: x509.Certificate) -> bool:
    """Tell whether signed attributes bind the certificate, so that no other with the same key can take its place."""
    encoded = leaf.public_bytes(Encoding.DER)
    if _SIGNING_CERTIFICATE_V2 in attributes:
        first, *rest = _first_certificate(attributes[_SIGNING_CERTIFICATE_V2])
        if first.tag == der.OCTETS:  # the default algorithm, SHA-256, is left out
            return first.content == hashlib.sha256(encoded).digest()
        name = _HASH_OIDS[_algorithm_oid(first)]
        return rest[0].expect(der.OCTETS).content == hashlib.new(name, encoded).digest()
    if _SIGNING_CERTIFICATE in attributes:
        first, *_ = _first_certificate(attributes[_SIGNING_CERTIFICATE])
        # SHA-1 only names the certificate here; that it is trusted is found out by its path.
        return first.expect(der.OCTETS).content == hashlib.sha1(encoded, usedforsecurity=False).digest()
    return False


def _first_certificate(values: der.Element) -> list[der.Element]:
    [value] = values.parts(der.SET)
    return value.parts(der.SEQUENCE)[0].parts(der.SEQUENCE)[0].parts(der.SEQUENCE)


def _check_carried(certificates: tuple[x509.Certificate, ...], leaf: x509.Certificate) -> None:
    """Every certificate but the signer's must have issued one beside it: one that nothing needs is not covered.

    Nor is the number of bits that the last byte of a certificate's signature leaves unused, which is none.
    """
    for item in certificates:
        for name in (item.subject, item.issuer):
            name.rfc4514_string()  # parsed when asked for: what is no name ends here
        *_, signature = der.read_element(item.public_bytes(Encoding.DER)).parts(der.SEQUENCE)
        if signature.content[:1] != b"\0":
            raise VerificationError("the signature of a certificate in it ends within a byte")
        if item != leaf and not any(
            other != item and certificate_chains.is_issued_by(other, item) for other in certificates
        ):
            raise VerificationError("it carries a certificate that has nothing to do with it")


def _issuer_and_serial(item: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber (RFC 5652, section 10.2.4)."""
    return der.encode_element(der.SEQUENCE, *certificate_chains.issuer_and_serial(item))


def _algorithm_oid(element: der.Element) -> bytes:
    """The object identifier of an algorithm without parameters: they are absent, or NULL (RFC 5754, section 2)."""
    oid, *parameters = element.parts(der.SEQUENCE)
    if [item.to_bytes for item in parameters] not in ([], [_NULL]) or oid.tag != der.OID:
        raise VerificationError("it uses an algorithm that is not read here")
    return oid.to_bytes


def _signature_digest(algorithm: der.Element, name: str, leaf: x509.Certificate) -> str:
    """The digest of the signature, which must be that of the attributes: the field itself is not signed."""
    oid = _algorithm_oid(algorithm)
    if isinstance(leaf.public_key(), rsa.RSAPublicKey):
        found = name if oid == _RSA else _RSA_OIDS.get(oid)
    else:
        found = _ECDSA_OIDS.get(oid)
    if found != name:
        raise VerificationError("it is signed with an algorithm that is not read here")
    return name
