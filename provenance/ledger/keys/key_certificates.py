"""Certificates over a statement key: whose it is, as an authority says.

Without an authority that the verifier names, they are read out and no more: anybody can make one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.errors import ConfigError
from provenance.ledger.keys.signing_keys import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_BYTES = 1 << 16
"""Bytes of the largest file of certificates that is read."""

UNREADABLE: tuple[type[Exception], ...] = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading hostile DER and certificates ends in: unpacking, look-ups, and the certificate library's own."""

_LONGEST_CHAIN = 4  # certificates between ours and the authority's; nobody's are longer


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, and those that lead from it to its authority.

    Args:
        chain: it, and the intermediate ones.
        fingerprint: of the key that it is over; None where that is neither P-256 nor Ed25519.
        subject: whose the key is, RFC 4514.
        issuer: who says so, RFC 4514.
        begins: from when on it is valid, UTC.
        ends: until when it is valid, UTC.
    """

    chain: tuple[x509.Certificate, ...]
    fingerprint: str | None
    subject: str
    issuer: str
    begins: datetime
    ends: datetime

    @property
    def describe(self) -> str:
        """What it says, as one phrase."""
        return f"{self.subject}, says {self.issuer}, from {self.begins:%Y-%m-%d} to {self.ends:%Y-%m-%d}"


def read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read certificates, each so far that its subject and issuer can be said.

    Args:
        pem: one or more, one after the other.

    Returns:
        At least one; nothing is validated.

    Raises:
        ConfigError: it is no such file, or longer than `MOST_BYTES`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of an odd serial number or time: it is read out, not trusted
            chain = tuple(x509.load_pem_x509_certificates(pem)) if len(pem) <= MOST_BYTES else ()
            if chain and all(
                name.rfc4514_string() is not None for each in chain for name in (each.subject, each.issuer)
            ):
                return chain
    except UNREADABLE as cause:
        raise ConfigError("it is not a certificate in PEM form") from cause
    raise ConfigError("it is not a certificate in PEM form")


def read_certificate(pem: bytes) -> Certificate:
    """Read a certificate.

    Args:
        pem: it, and the intermediate ones after it.

    Returns:
        What it says; nothing is validated.

    Raises:
        ConfigError: it is no such file.
    """
    chain = read_chain(pem)
    try:
        with warnings.catch_warnings(action="ignore"):  # of an odd serial number or time: it is read out, not trusted
            first = chain[0]
            key = first.public_key()
            return Certificate(
                chain,
                fingerprint(key)
                if isinstance(key, Ed25519PublicKey)
                or (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1))
                else None,
                first.subject.rfc4514_string(),
                first.issuer.rfc4514_string(),
                first.not_valid_before_utc,
                first.not_valid_after_utc,
            )
    except UNREADABLE as cause:
        raise ConfigError("it is not a certificate in PEM form") from cause


def find_doubt(found: Certificate, authorities: Sequence[x509.Certificate], at: datetime | None = None) -> str | None:
    """Return why a certificate is not to be believed, or None where an authority that is trusted stands behind it.

    Args:
        found: the certificate.
        authorities: certificates of authorities that the verifier trusts.
        at: the time at which it must be valid; now if None. Revocation lists are not looked at.

    Returns:
        A phrase, or None.
    """
    time = at or datetime.now(UTC)
    if not found.begins <= time <= found.ends:
        return f"it is not valid on {time:%Y-%m-%d}"
    extensions = _read_extensions(found.chain[0])
    if not extensions.known:
        return "it says what is not understood here, and asks not to be believed then"
    usage = extensions.usage
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return "its key is not for signatures"
    current, left = found.chain[0], list(found.chain[1:])
    for depth in range(_LONGEST_CHAIN + 1):
        if current in authorities:
            return None
        issuer = next((each for each in (*authorities, *left) if _is_issued_by(current, each, time, depth)), None)
        if issuer is None:
            break
        left = [each for each in left if each != issuer]
        current = issuer
    return "no authority that you trust stands behind it"


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate, time: datetime, below: int) -> bool:
    """Tell whether a certificate was issued by another, which may issue (RFC 5280, section 6.1.4)."""
    found = _read_extensions(issuer)
    may, usage = found.basic, found.usage
    if may is None or not may.ca or (may.path_length is not None and may.path_length < below):
        return False
    if not found.known or (usage is not None and not usage.key_cert_sign):
        return False
    if not issuer.not_valid_before_utc <= time <= issuer.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except UNREADABLE:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Extensions:
    """What a certificate may be used for; `known` unless it has a critical extension that is not understood here."""

    basic: x509.BasicConstraints | None
    usage: x509.KeyUsage | None
    known: bool


_UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage)


def _read_extensions(certificate: x509.Certificate) -> _Extensions:
    try:
        listed = list(certificate.extensions)
    except UNREADABLE:
        return _Extensions(None, None, known=False)
    return _Extensions(
        next((each.value for each in listed if isinstance(each.value, x509.BasicConstraints)), None),
        next((each.value for each in listed if isinstance(each.value, x509.KeyUsage)), None),
        known=all(isinstance(each.value, _UNDERSTOOD) for each in listed if each.critical),
    )
