"""Sigstore bundle v0.3: an entry's own envelope, with its own signature, in the form that Sigstore's tools read.

Nothing is signed anew. The bundle names the key by a hint alone; whoever verifies brings the key (`cosign --key`).
Source: https://docs.sigstore.dev/about/bundle/ and `sigstore_bundle.proto` of protobuf-specs 0.5.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from provenance.core.digests import canonical, sha256
from provenance.errors import VerificationError
from provenance.ledger import layout
from provenance.ledger.exports.export_format import LARGEST_FILE, Exported, ExportedEntry, ExportFormat, ExportRequest
from provenance.ledger.format import statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.keys.signing_keys import public_pem

if TYPE_CHECKING:
    from pathlib import Path

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def render(sealed: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Render a signed envelope as a bundle.

    Args:
        sealed: the envelope's file; it must be signed by `key`, which is not checked here.
        key: the signer's public key. It does not travel: a key in what it is to verify proves nothing.

    Returns:
        The bundle's file: JSON.
    """
    # The hint means nothing to cosign; model-signing compares it with SHA-256 of the PEM that it is given.
    material: dict[str, Any] = {"publicKey": {"hint": sha256(public_pem(key))}}
    return canonical({"mediaType": MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": json.loads(sealed)})


def _public(folder: Path, keyid: str) -> ec.EllipticCurvePublicKey:
    """Find the key of a fingerprint in the ledger: it serves to tell a damaged entry, not to trust one."""
    for path in sorted((folder / "keys").glob("*.pub.pem")):
        key = signing_keys.read_public(layout.read_bytes(path, LARGEST_FILE))
        if isinstance(key, ec.EllipticCurvePublicKey) and signing_keys.fingerprint(key) == keyid:
            return key
    raise VerificationError(f"the ledger {folder} holds no key {keyid}; run provenance verify")


def _export(entry: ExportedEntry, _: ExportRequest) -> Exported:
    key = _public(entry.folder, entry.envelope.keyid)
    subject = entry.statement.value["subject"][0]["digest"]["sha256"]
    how = (
        "Verify: cosign verify-blob-attestation --key statement.pub.pem --bundle FILE --type "
        f"{entry.statement.value['predicateType']} --insecure-ignore-tlog {statement.object_path(subject)}"
    )
    return [render(entry.sealed, key)], (how,)


EXPORT = ExportFormat(
    "sigstore", "An entry as a Sigstore bundle v0.3: the same signature, for cosign and its kin.", ("index",), _export
)
