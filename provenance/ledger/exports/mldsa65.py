"""ML-DSA-65 co-signature: the same payload as the entry's, signed to outlast ECDSA, in an envelope of its own.

It may be put next to the entry and changes no history. It says who signed only to whoever holds the key by another way,
since before ECDSA fell. Needs the extra `mldsa`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.errors import ConfigError
from provenance.ledger.exports.export_format import Exported, ExportedEntry, ExportFormat, ExportRequest, private_key
from provenance.ledger.format import envelope, mldsa_signature
from provenance.ledger.keys import signing_keys

if TYPE_CHECKING:
    from provenance.ledger.format.envelope import Envelope


def render(sealed: Envelope, key: Any) -> bytes:
    """Render the co-signature of an entry.

    Args:
        sealed: the entry's envelope; its payload is signed.
        key: an ML-DSA-65 private key of `cryptography`.

    Returns:
        The envelope's file: canonical JSON, one signature; the keyid is SHA-256 of the SubjectPublicKeyInfo.
    """
    signature = key.sign(envelope.encode_pae(sealed.payload))
    return envelope.Envelope(sealed.payload, mldsa_signature.compute_keyid(key.public_key()), signature).to_bytes


def _key(request: ExportRequest) -> Any:
    """Load the private key that signs: what is missing is named before a key that nobody can read is blamed."""
    algorithms = mldsa_signature.import_library("sign with ML-DSA-65")
    key = private_key(request)
    if not isinstance(key, algorithms.MLDSA65PrivateKey):
        raise ConfigError(
            "the key is no ML-DSA-65 key; `openssl genpkey -algorithm ML-DSA-65` (3.5 or later) makes one"
        )
    return key


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    return [render(entry.envelope, _key(request))], ()


EXPORT = ExportFormat(
    "mldsa65",
    "An ML-DSA-65 co-signature of an entry.",
    ("index", "key", "password_file"),
    _export,
    public=lambda request: signing_keys.public_pem(_key(request).public_key()),
)
