"""PAE: the very bytes that an entry's signatures are over, for a signer or verifier that is not ours.

A licensed module signs this file, and `--signature` brings back what it made; `openssl dgst -verify` reads it as it is.
Source: DSSE 1.0.2, protocol.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.ledger.exports.export_format import Exported, ExportedEntry, ExportFormat, ExportRequest
from provenance.ledger.format import envelope

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope


def render(sealed: Envelope) -> bytes:
    """Render what an entry's signatures cover: DSSE's pre-authentication encoding of its payload."""
    return envelope.encode_pae(sealed.payload)


def _export(entry: ExportedEntry, _: ExportRequest) -> Exported:
    how = "Verify: openssl dgst -sha256 -verify keys/statement.pub.pem -signature SIG FILE"
    return [render(entry.envelope)], (how,)


EXPORT = ExportFormat(
    "pae", "The bytes that an entry's signatures cover, to be signed or verified elsewhere.", ("index",), _export
)
