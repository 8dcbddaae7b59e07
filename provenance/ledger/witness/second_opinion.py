"""A second opinion on timestamps: what rfc3161-client makes of one that this program accepts (extra `timestamp`).

The library reads the response with another parser and verifies it with an OpenSSL of its own, at the time that the
timestamp names. It only ever makes the answer stricter: what it refuses does not count, whatever this program thinks.
Where it cannot be asked, the answer stands alone and says so.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from provenance.errors import BadSignature, MissingExtra, cut
from provenance.ledger.keys import der

if TYPE_CHECKING:
    from cryptography import x509

    from provenance.ledger.witness.timestamp_token import Token

EXTRA = "timestamp"
"""The extra that brings rfc3161-client."""

_REASON = re.compile(r'(?:Verify error: |reason: ")([^"]+)')  # within what OpenSSL says, as the library quotes it
_LONGEST = 200  # characters of the library's words in a sentence


@dataclass(frozen=True, slots=True)
class Opinion:
    """What came of asking for a second opinion; a refusal is an error and no opinion.

    Args:
        state: agrees | not taken.
        reason: why it was not taken, one phrase.
    """

    state: Literal["agrees", "not taken"]
    reason: str = ""


AGREES = Opinion("agrees")
"""The library accepts it, too."""

NOT_ASKED = Opinion("not taken", "rfc3161-client was not asked")
"""Nobody asked the library."""


def library(purpose: str) -> Any:
    """Import rfc3161-client.

    Args:
        purpose: what it is needed for, as the end of "to ...".

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import rfc3161_client
    except ImportError as cause:
        raise MissingExtra(EXTRA, purpose) from cause
    return rfc3161_client


def take(response: bytes, note: bytes, token: Token, path: tuple[x509.Certificate, ...]) -> Opinion:
    """Ask rfc3161-client for its opinion on a timestamp that this program accepts.

    Args:
        response: TimeStampResp in DER, as it is stored.
        note: the bytes that it is of.
        token: what `timestamps.read` made of the response.
        path: certificates from its signer to the pinned one, see `certificate_chains.find_path`.

    Returns:
        That the library agrees, or why it was not asked.

    Raises:
        BadSignature: it refuses the timestamp, or reads another time.
    """
    try:
        peer = library("take a second opinion on timestamps")
    except MissingExtra as missing:
        return Opinion("not taken", str(missing))
    root = path[-1]
    if root.issuer != root.subject:  # the library builds every path to a certificate that signed itself
        return Opinion("not taken", "rfc3161-client asks for a root, and the pinned certificate is none")
    try:
        with warnings.catch_warnings(action="ignore"):  # of what a later version of the library will not read
            read = peer.decode_timestamp_response(_sorted(response))
            time = read.tst_info.gen_time
            peer.VerifierBuilder().add_root_certificate(root).build().verify_message(read, note)
    except peer.VerificationError as cause:
        raise BadSignature(f"this program accepts it and rfc3161-client refuses it: {_reason(cause)}") from cause
    except BaseException as cause:  # a panic in Rust is no Exception
        if isinstance(cause, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        return Opinion("not taken", f"rfc3161-client cannot read its form ({cut(type(cause).__name__, _LONGEST)})")
    if time != token.time.replace(microsecond=0):  # the library reads whole seconds
        raise BadSignature(f"this program reads the time {token.time}, rfc3161-client another, {time}")
    return AGREES


def _sorted(response: bytes) -> bytes:
    """Sort the certificates of a response as DER does (X.690, section 11.6): no signature covers their order.

    OpenSSL 3.0 writes them as they come, which the library does not read; it would have no opinion on any timestamp
    with more than one certificate.
    """
    status, content = der.read_element(response).parts(der.SEQUENCE)
    kind, wrapped = content.parts(der.SEQUENCE)
    [signed_data] = wrapped.parts(0xA0)
    version, digests, info, certificates, signers = signed_data.parts(der.SEQUENCE)
    in_order = der.encode_element(0xA0, *sorted(item.to_bytes for item in certificates.parts(0xA0)))
    fields = (version.to_bytes, digests.to_bytes, info.to_bytes, in_order, signers.to_bytes)
    token = der.encode_element(
        der.SEQUENCE, kind.to_bytes, der.encode_element(0xA0, der.encode_element(der.SEQUENCE, *fields))
    )
    return der.encode_element(der.SEQUENCE, status.to_bytes, token)


def _reason(cause: Exception) -> str:
    found = _REASON.findall(str(cause))
    return cut(found[-1] if found else cause, _LONGEST)
