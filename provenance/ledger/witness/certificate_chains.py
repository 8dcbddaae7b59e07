"""Chains: from the certificate of whoever timestamped up to a root that the verifier trusts, at the time it names.

RFC 5280, section 6, as far as timestamps need it: every link is a signature, every certificate was valid at that time
and is allowed to do what it does. Whether one was revoked is not looked up.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from provenance.ledger.keys import der, key_certificates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from provenance.ledger.witness.timestamp_token import Token

_DEPTH = 8  # certificates from a TSA to its root


def find_path(token: Token, roots: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...] | None:
    """Find the path from a timestamp's signer to a trusted root, valid at the time the timestamp names.

    Args:
        token: what `read` returned.
        roots: the certificates that the verifier trusts.

    Returns:
        The certificates from the signer up to the root, or None where there is no such path (RFC 5280, section 6, as
        far as timestamps need it; revocation is not looked up).
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what a later version of the library will not read
            return _path((token.signer,), token, roots) if _may_timestamp(token.signer, leaf=True) else None
    except key_certificates.UNREADABLE:
        return None


def is_attributed(token: Token, roots: Sequence[x509.Certificate]) -> bool:
    """Tell whether a timestamp says that it is by a trusted authority, whether or not it is.

    Args:
        token: what `read` returned.
        roots: the authority's certificates.
    """
    subjects = {root.subject for root in roots}
    return any(item in roots or item.issuer in subjects for item in token.certificates)


def find_expiry(path: Sequence[x509.Certificate]) -> datetime:
    """Return when the first certificate of a path expires; the root counts only if it signed by itself.

    Args:
        path: what `find_path` returned.
    """
    return min(item.not_valid_after_utc for item in (path[:-1] or path))


def is_issued_by(item: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether a certificate is signed by another.

    Args:
        item: the certificate.
        issuer: the other.
    """
    try:
        item.verify_directly_issued_by(issuer)
    except key_certificates.UNREADABLE:
        return False
    return True


def issuer_and_serial(item: x509.Certificate) -> tuple[bytes, bytes]:
    """Return the issuer and the serial number of a certificate, in DER.

    Args:
        item: the certificate.

    Returns:
        As they are in the certificate: an issuer encoded anew may have other bytes (RFC 5280, section 4.1).
    """
    fields = der.read_element(item.tbs_certificate_bytes).parts(der.SEQUENCE)
    versioned = fields[0].tag == 0xA0  # version 1 leaves its version out
    serial, _, issuer = fields[versioned : versioned + 3]
    return issuer.to_bytes, serial.to_bytes


def _path(
    so_far: tuple[x509.Certificate, ...], token: Token, roots: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...] | None:
    last = so_far[-1]
    if not last.not_valid_before_utc <= token.time <= last.not_valid_after_utc:
        return None
    if last in roots:
        return so_far
    if len(so_far) == _DEPTH:
        return None
    for issuer in (*roots, *token.certificates):
        below = len(so_far) - 1
        if issuer not in so_far and is_issued_by(last, issuer) and _may_issue(issuer, below):
            found = _path((*so_far, issuer), token, roots)
            if found is not None:
                return found
    return None


def _may_issue(item: x509.Certificate, below: int) -> bool:
    """Tell whether a certificate is an authority's for timestamps, with so many authorities below it."""
    limits = _extension(item, x509.BasicConstraints)
    usage = _extension(item, x509.KeyUsage)
    if limits is None or not limits.value.ca or (usage is not None and not usage.value.key_cert_sign):
        return False
    length = limits.value.path_length
    return (length is None or below <= length) and _may_timestamp(item, leaf=False)


def _may_timestamp(item: x509.Certificate, *, leaf: bool) -> bool:
    """A TSA's certificate is for timestamps alone, and says so critically (RFC 3161, section 2.3)."""
    known = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)
    if any(found.critical and not isinstance(found.value, known) for found in item.extensions):
        return False
    purpose = _extension(item, x509.ExtendedKeyUsage)
    stamping = ExtendedKeyUsageOID.TIME_STAMPING
    if leaf:
        usage = _extension(item, x509.KeyUsage)
        alone = purpose is not None and purpose.critical and list(purpose.value) == [stamping]
        return alone and (usage is None or _only_signs(usage.value))
    return purpose is None or stamping in purpose.value or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in purpose.value


def _only_signs(usage: x509.KeyUsage) -> bool:
    """Tell whether a key is for signatures and nothing else (RFC 5280, section 4.2.1.12), as OpenSSL asks, too."""
    others = (usage.key_encipherment, usage.data_encipherment, usage.key_agreement, usage.key_cert_sign, usage.crl_sign)
    return (usage.digital_signature or usage.content_commitment) and not any(others)


def _extension(item: x509.Certificate, kind: type[Any]) -> Any:
    return next((found for found in item.extensions if isinstance(found.value, kind)), None)
