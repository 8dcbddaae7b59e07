"""Sigstore bundle v0.3: an entry's own envelope, with its own signature, in the form that Sigstore's tools read.

Nothing is signed anew. The bundle names the key by a hint alone; whoever verifies brings the key (`cosign --key`).
Source: https://docs.sigstore.dev/about/bundle/ and `sigstore_bundle.proto` of protobuf-specs 0.5.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical, sha256
from provenance.ledger.keys.signing_keys import public_pem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

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
