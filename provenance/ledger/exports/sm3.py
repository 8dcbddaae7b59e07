"""SM3 digests: what an entry binds by SHA-256, once more by SM3, as a side document that is signed with SM2.

For whoever accepts no other algorithm: with it and an SM2 key the files of an entry can be checked by SM3 alone. It is
an in-toto statement whose subject is the entry's payload, and no part of the ledger. Source: in-toto DigestSet, which
names `sm3`; GB/T 32905-2016.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from provenance.core.digests import canonical, sha256
from provenance.errors import ConfigError, DigestMismatch
from provenance.ledger.exports import sm2
from provenance.ledger.exports.export_format import Exported, ExportedEntry, ExportFormat, ExportRequest, key_pem
from provenance.ledger.format import envelope
from provenance.ledger.format.sm2_signature import read_key
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.ledger.format.envelope import Envelope
    from provenance.ledger.format.sm2_signature import SM2Key

PREDICATE_TYPE = "https://provenance-auditor.dev/attestation/digests/v1"
_CHUNK = 1 << 20  # bytes


def render(folder: Path, sealed: Envelope, bound: Mapping[str, str], key: SM2Key) -> bytes:
    """Render the signed side document of an entry.

    Args:
        folder: the ledger.
        sealed: the entry's envelope.
        bound: SHA-256, hexadecimal, of every file the entry binds, by path relative to the ledger.
        key: the SM2 key that signs.

    Returns:
        An envelope's file. A file that is withheld stands in it under its SHA-256 alone.

    Raises:
        ConfigError: this build of OpenSSL has no SM3, or the key is a public one.
        DigestMismatch: a file is not what the entry binds.
        MissingExtra: gmalg is not installed.
    """
    listed = [{"name": path, "digest": _digests(folder, path, digest)} for path, digest in sorted(bound.items())]
    # The leaf is what the log holds of an entry: whoever knows it finds the entry from here.
    predicate: dict[str, Any] = {"leaf": merkle.hash_leaf(envelope.encode_pae(sealed.payload)).hex(), "folder": listed}
    subject = {"name": "payload.json", "digest": {"sha256": sha256(sealed.payload), "sm3": digest_of(sealed.payload)}}
    value = {"_type": "https://in-toto.io/Statement/v1", "predicateType": PREDICATE_TYPE}
    payload = canonical({**value, "subject": [subject], "predicate": predicate})
    return sm2.render(envelope.Envelope(payload, "", b""), key)


def digest_of(data: bytes) -> str:
    """Return the SM3 of bytes, hexadecimal."""
    made = _sm3()
    made.update(data)
    return made.finalize().hex()


def _digests(folder: Path, path: str, bound: str) -> dict[str, str]:
    """Return both digests of a file, of one and the same read."""
    sha, sm = hashlib.sha256(), _sm3()
    try:
        with (folder / path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha.update(chunk)
                sm.update(chunk)
    except FileNotFoundError:
        return {"sha256": bound}
    if sha.hexdigest() != bound:
        raise DigestMismatch(f"{path} is not what its entry binds; run provenance verify")
    return {"sha256": bound, "sm3": sm.finalize().hex()}


def _sm3() -> hashes.Hash:
    try:
        return hashes.Hash(hashes.SM3())
    except UnsupportedAlgorithm as cause:
        raise ConfigError("the OpenSSL that `cryptography` was built with has no SM3; install its wheel") from cause


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    return [render(entry.folder, entry.envelope, entry.statement.folder, read_key(key_pem(request)))], ()


EXPORT = ExportFormat("sm3", "The SM3 digests of what an entry binds, signed with SM2.", ("index", "key"), _export)
