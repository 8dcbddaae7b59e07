"""OpenSSF model signing (OMS) 1.0: the scanned files and their digests, signed, for `model_signing verify`.

One signed in-toto statement holds the whole list. Its subject is the SHA-256 of all digests in order, which says
nothing of names; the list does. Files that the scan could not or would not read stand in `ignore_paths`, for
all to see: a verifier passes over them. Sources: `model_signing/_signing/signing.py` and `manifest.py` of 1.1.1.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from provenance.core import path_names
from provenance.core.digests import canonical
from provenance.errors import ConfigError
from provenance.ledger.exports import sigstore
from provenance.ledger.exports.export_format import Exported, ExportedEntry, ExportFormat, ExportRequest
from provenance.ledger.format import envelope
from provenance.ledger.keys import signing_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

    from provenance.ledger.keys.signers import StatementSigner

PREDICATE_TYPE = "https://model_signing/signature/v1.0"
GIT = (".git", ".gitattributes", ".github", ".gitignore")
"""What `model_signing verify` passes over at the top of the folder unless told otherwise: it must not be listed."""

_LIMIT = 1 << 27  # bytes of a payload; its verifier holds all of it in memory, several times
_SHOWN = 3  # names in a refusal


def render(manifest: Mapping[str, Any], key: ec.EllipticCurvePrivateKey | StatementSigner) -> bytes:
    """Render a manifest as a signature file.

    Args:
        manifest: what `statement` returned.
        key: the statement key.

    Returns:
        A Sigstore bundle over the manifest.

    Raises:
        ConfigError: the manifest would be too large.
    """
    payload = canonical(manifest)
    if len(payload) > _LIMIT:
        raise ConfigError(
            f"an OMS manifest of so many files has {len(payload):,} bytes, too many for its verifiers; "
            "the ledger proves any one of them (`provenance prove`)"
        )
    return sigstore.render(envelope.seal_payload(payload, key), key.public_key())


def statement(files: Iterable[Mapping[str, Any]], name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Build the manifest of a scan's files: an in-toto statement.

    Args:
        files: rows of FILES; `path` and `sha256` are read.
        name: of the data; a hint.
        entry: which entry of which log the files are of; verifiers of OMS 1.0 pass over it.

    Returns:
        The statement, as JSON has it.

    Raises:
        ConfigError: a name is not UTF-8, or no file has a digest.
    """
    listed, ignored = _split(files)
    if not listed:
        raise ConfigError("no file of this scan has a digest, so there is nothing for an OMS manifest to list")
    # In the order of the parts of the paths, as model-signing has it, so that its root digest is ours.
    resources = [
        {"algorithm": "sha256", "digest": listed[path], "name": path}
        for path in sorted(listed, key=lambda path: path.split("/"))
    ]
    root = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources)).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": PREDICATE_TYPE,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": True,  # a link counts as what it leads to, as in the scan
                "ignore_paths": ignored,
            },
            "resources": resources,
            "ledger": dict(entry),
        },
    }


def _split(files: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], list[str]]:
    """Return digests by name, and the names of what has none; members of archives are in their archives."""
    listed: dict[str, str] = {}
    ignored = set(GIT)
    refused = []
    for row in files:
        if path_names.INTO_ARCHIVE in row["path"]:
            continue
        path = _name(row["path"])
        if path is None:
            refused.append(row["path"])
        elif row["sha256"] is None:
            ignored.add(path.rstrip("/"))
        elif path.split("/")[0] not in GIT:
            listed[path] = row["sha256"]
    if refused:
        more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        named = ", ".join(sorted(refused)[:_SHOWN])
        raise ConfigError(f"OMS takes no names that are not UTF-8: {named}{more}; rename them, and scan again")
    return listed, sorted(ignored)


def _name(path: str) -> str | None:
    """Return a path of FILES as the file system has it; None if not UTF-8."""
    try:
        return path_names.text_to_path(path).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    tables = entry.reader.tables(names=("files",))
    pair = (
        signing_keys.load_pair(request.key, prompt=request.prompt)
        if request.key
        else signing_keys.user_keys(create=False)
    )
    if pair.fingerprint != entry.envelope.keyid:
        raise ConfigError(
            f"entry {entry.index} is signed with another key ({entry.envelope.keyid}); name that key with --key"
        )
    manifest = statement(
        tables["files"].select(["path", "sha256"]).to_pylist(),
        str(entry.statement.predicate["data"]),
        {"origin": entry.statement.place.origin, "index": entry.index, "leaf": entry.envelope.leaf_hash.hex()},
    )
    unread = manifest["predicate"]["serialization"]["ignore_paths"]
    passed = sorted(set(unread) - set(GIT))
    sentences = [f"Files without a digest, which a verifier passes over: {', '.join(passed[:5])}"] if passed else []
    if len(passed) > 5:
        sentences.append(f"and {len(passed) - 5} more, all named in it")
    sentences.append(
        "Verify: model_signing verify key DATA --signature FILE --public_key statement.pub.pem --allow_symlinks"
    )
    return [render(manifest, pair.statement)], tuple(sentences)


EXPORT = ExportFormat(
    "oms",
    "The scanned files and digests as an OpenSSF model-signing 1.0 manifest, signed.",
    ("index", "key", "password_file"),
    _export,
)
