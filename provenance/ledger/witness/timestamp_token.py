"""What a timestamp token says, once it was read (RFC 3161)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509


@dataclass(frozen=True, slots=True)
class Token:
    """A timestamp that was read, not yet checked.

    Args:
        time: when the authority says it saw the digest; UTC.
        digest: name of the digest, see HASHES.
        imprint: digest of what was timestamped.
        nonce: the number of the request, if any.
        signer: the authority's own certificate.
        certificates: all that came with it, the signer's among them.
        signed: the bytes under the signature: the signed attributes.
        signature: over them.
        signature_digest: name of the digest that the signature uses.
    """

    time: datetime
    digest: str
    imprint: bytes
    nonce: int | None
    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    signed: bytes
    signature: bytes
    signature_digest: str

    @property
    def name(self) -> str:
        """How the authority names itself in its certificate (RFC 4514)."""
        return self.signer.subject.rfc4514_string()
