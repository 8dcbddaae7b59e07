"""SM2 co-signature: the same payload as the entry's, signed with SM2 and SM3, in an envelope of its own.

It may stand beside the entry and changes no history: the log's leaf is the payload alone. Regulators may ask for a
licensed module: let it sign the PAE (`--format pae`), and hand in its public key and signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.ledger.exports.export_format import (
    Exported,
    ExportedEntry,
    ExportFormat,
    ExportRequest,
    key_pem,
    read_signature,
)
from provenance.ledger.format import envelope, sm2_signature

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope


def render(sealed: Envelope, key: sm2_signature.SM2Key, signature: bytes | None = None) -> bytes:
    """Render the co-signature of an entry, or the signature of any other statement.

    Args:
        sealed: the entry's envelope; its payload is signed.
        key: who signs.
        signature: DER of (r, s) that a module elsewhere made over the PAE; None to sign with the private key.

    Returns:
        The envelope's file: canonical JSON, one signature.

    Raises:
        ConfigError: neither a private key nor a signature was given.
        BadSignature: the signature is not by this key over this entry.
        MissingExtra: gmalg is not installed.
    """
    if signature is None:
        signature = sm2_signature.sign_data(envelope.encode_pae(sealed.payload), key)
    made = envelope.Envelope(sealed.payload, key.keyid, signature)
    sm2_signature.check_signature(made, key)
    return made.to_bytes


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    signature = read_signature(request.signature) if request.signature else None
    made = render(entry.envelope, sm2_signature.read_key(key_pem(request)), signature)
    how = "Verify: openssl dgst -sm3 -verify sm2.pub.pem -sigopt distid:1234567812345678 -signature SIG PAE"
    return [made], (how,)


EXPORT = ExportFormat(
    "sm2",
    "An SM2/SM3 co-signature of an entry.",
    ("index", "key", "signature"),
    _export,
    public=lambda request: sm2_signature.read_key(key_pem(request)).pem,
)
