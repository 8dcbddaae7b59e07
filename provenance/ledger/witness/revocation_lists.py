"""Revocations: what authorities' own lists (CRL) say of the certificates behind a timestamp.

A list is kept beside the checkpoints, so that in ten years somebody can still see what its authority said. It speaks of
the time up to which it was made: one that is older than a timestamp says nothing of it. OCSP is not read.

Sources: RFC 5280, section 5; what a revoked authority's timestamps are still worth: RFC 3161, section 4.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provenance.errors import VerificationError
from provenance.ledger.keys import der, key_certificates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

LIMIT = 1 << 24
"""Bytes of the largest list that is read; a timestamp authority's has a few thousand."""

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
_HARMLESS = frozenset(
    {
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)
"""Reasons after which what was stamped before the revocation still counts (RFC 3161, section 4, 1.)."""


@dataclass(frozen=True, slots=True)
class Status:
    """What lists say of the certificates on a timestamp's path.

    Args:
        state: good (no list revokes one, and of each there is a list that is newer than the timestamp) | revoked |
            unknown.
        detail: of what is revoked, a phrase that says since when and why.
    """

    state: Literal["good", "revoked", "unknown"]
    detail: str = ""


UNKNOWN = Status("unknown")
"""No list says anything."""


def stored_form(data: bytes) -> bytes:
    """Return a list as it is stored.

    Args:
        data: DER, or PEM.

    Returns:
        DER.

    Raises:
        VerificationError: it is no list.
    """
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    try:
        return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
    except key_certificates.UNREADABLE as cause:
        raise VerificationError("it is no list of revoked certificates (CRL)") from cause


def read(data: bytes) -> x509.CertificateRevocationList:
    """Read a stored list, strictly.

    Args:
        data: DER.

    Returns:
        The list; whether its authority signed it is not checked yet.

    Raises:
        VerificationError: it is none, is a part of one, or holds what no signature covers.
    """
    if len(data) > LIMIT:
        raise VerificationError(f"it is larger than {LIMIT} bytes")
    try:
        with warnings.catch_warnings(action="ignore"):  # of what a later version of the library will not read
            found = x509.load_der_x509_crl(data)
            if not found.issuer.rfc4514_string() or found.last_update_utc is None:  # parsed when asked for
                raise VerificationError("it is a list of nobody")
            partial = any(each.critical for each in found.extensions)
            whole = found.public_bytes(Encoding.DER) == data
            *_, signature = der.read_element(data).parts(der.SEQUENCE)
    except key_certificates.UNREADABLE as cause:
        raise VerificationError("it is no list of revoked certificates (CRL)") from cause
    if not whole or signature.content[:1] != b"\0":
        raise VerificationError("it is no list of revoked certificates (CRL), in its one form")
    if partial:
        raise VerificationError("it is a part of a list, or changes another: the whole list is needed")
    return found


def is_attributed(listed: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Tell whether a list says that it is by an authority, and by this key of it, if it names one.

    Args:
        listed: what `read` returned.
        issuer: the authority's certificate.
    """
    try:
        named = _extension(listed, x509.AuthorityKeyIdentifier)
        key = _extension(issuer, x509.SubjectKeyIdentifier)
        same = listed.issuer == issuer.subject
    except key_certificates.UNREADABLE:
        return False
    return same and (named is None or key is None or named.key_identifier in (None, key.digest))


def is_by(listed: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Tell whether an authority signed a list, and may (RFC 5280, section 6.3.3).

    Args:
        listed: what `read` returned.
        issuer: the authority's certificate.
    """
    try:
        usage = _extension(issuer, x509.KeyUsage)
        key = cast("CertificateIssuerPublicKeyTypes", issuer.public_key())  # another kind is a TypeError
        return (usage is None or usage.crl_sign) and is_attributed(listed, issuer) and listed.is_signature_valid(key)
    except key_certificates.UNREADABLE:
        return False


def status(
    path: Sequence[x509.Certificate],
    time: datetime,
    lists: Mapping[x509.Certificate, Sequence[x509.CertificateRevocationList]],
) -> Status:
    """Find out what lists say of the certificates from a timestamp's signer up to its root.

    Args:
        path: what `certificate_chains.find_path` returned; the root is its owner's, and stands on no list.
        time: when the timestamp says that it was made; UTC.
        lists: by the certificate of the authority whose they are, see `is_by`.

    Returns:
        The status; a revocation that came later, for a reason that leaves older timestamps sound, leaves it as it was.
    """
    known = True
    for item, issuer in pairwise(path):
        for each in lists.get(issuer, ()):
            try:
                detail = _find_doubt(each.get_revoked_certificate_by_serial_number(item.serial_number), time)
            except key_certificates.UNREADABLE:
                known, detail = False, None  # an entry that its authority signed and nobody can read
            if detail is not None:
                return Status("revoked", detail)
        known = known and any(each.last_update_utc >= time for each in lists.get(issuer, ()))
    return Status("good") if known else UNKNOWN


def _extension(item: x509.Certificate | x509.CertificateRevocationList, kind: type[_Kind]) -> _Kind | None:
    with warnings.catch_warnings(action="ignore"):  # of what a later version of the library will not read
        return next((each.value for each in item.extensions if isinstance(each.value, kind)), None)


def _find_doubt(entry: x509.RevokedCertificate | None, time: datetime) -> str | None:
    """Say why a timestamp does not count any more by an entry of a list; None where it does."""
    if entry is None:
        return None
    reason = next((each.value.reason for each in entry.extensions if isinstance(each.value, x509.CRLReason)), None)
    if reason in _HARMLESS and entry.revocation_date_utc > time:
        return None
    why = reason.value if reason is not None else "no reason is given"
    return f"revoked on {entry.revocation_date_utc:%Y-%m-%d} ({why})"
