"""Exports of a ledger for tools that are not ours: one file a format, each with the verb `render`.

Their functions turn what was signed into bytes; this file reads the ledger and the keys for them. To add one: its file,
a line in FORMATS and in _MAKERS, a case table.
"""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from provenance.core.processes import environment
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.exports import cms, mldsa65, oms, pae, sigstore, sm2, sm3, tar
from provenance.ledger.format import envelope, statement
from provenance.ledger.format.sm2_signature import read_key
from provenance.ledger.keys import passwords, signing_keys
from provenance.ledger.log import entry_cosignatures, file_writing
from provenance.ledger.proofs import redaction
from provenance.ledger.verification import verified_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FORMATS = {
    "sigstore": "An entry as a Sigstore bundle v0.3: the same signature, for cosign and its kin.",
    "oms": "The scanned files and digests as an OpenSSF model-signing 1.0 manifest, signed.",
    "cms": "A detached CMS/CAdES signature over the newest checkpoint, by a seal's certificate.",
    "sm2": "An SM2/SM3 co-signature of an entry.",
    "sm3": "The SM3 digests of what an entry binds, signed with SM2.",
    "mldsa65": "An ML-DSA-65 co-signature of an entry.",
    "pae": "The bytes that an entry's signatures cover, to be signed or verified elsewhere.",
    "tar": "The ledger as one file, without what is withheld.",
}
"""Every format by name with what it is."""

_LIMIT = 1 << 20  # bytes of a key, certificate or signature


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported, and with what.

    Args:
        index: number of the entry, from 0; the newest scan if None.
        key: PEM file or `env:NAME` of the private key that signs, of oms and cms also a folder of keys; the user's own
            if None.
        certificate: PEM file of the seal's certificate, its chain may follow.
        signature: a signature that was made elsewhere over the PAE: DER, or base64 of it.
        withhold: what is left out, see redaction.plan.
        when: UTC, ISO 8601 to the second with a closing Z: what a CMS signature says of its time; now if None.
        prompt: asks the user for a password.
        verified: whether what does not verify is an error; False reads it all the same.
        warn: is told what is read over, and whose keys nobody vouches for, one sentence each.
    """

    index: int | None = None
    key: str | None = None
    certificate: Path | None = None
    signature: Path | None = None
    withhold: tuple[str, ...] = ()
    when: str | None = None
    prompt: Callable[[str], str] | None = field(default=None, repr=False)
    verified: bool = True
    warn: Callable[[str], None] = field(default=lambda _: None, repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    """The entry an export is of."""

    folder: Path
    index: int
    sealed: bytes
    envelope: envelope.Envelope
    said: statement.Statement
    reader: verified_reader.Reader


_Made = tuple["Iterable[bytes]", tuple[str, ...]]


def write(folder: Path, target: Path | None, format_: str, asked: ExportRequest) -> tuple[str, ...]:
    """Write one export of a ledger.

    Args:
        folder: the ledger.
        target: the file to make, which appears whole or not at all; None to put a co-signature beside its entry.
        format_: one of FORMATS.
        asked: what is to be exported.

    Returns:
        Sentences for people: what is in it that was to be expected otherwise, and how it is verified.

    Raises:
        ConfigError: there is no ledger, a key or certificate cannot be used, or the file would lie in the ledger.
        InputError: the ledger has no such entry.
        VerificationError: what the ledger holds is not what was signed.
        MissingExtra: a library is not installed.
    """
    entry = _entry(folder, asked)
    if target is None and format_ not in _PUBLIC:
        raise ConfigError("name the file to write with -o; only a co-signature may stand in the ledger")
    if target is not None and (around := layout.ledger_around(target)):
        raise ConfigError(f"{target} would lie in the ledger {around}, whose files are all bound; write it elsewhere")
    chunks, said = _MAKERS[format_](entry, asked)
    if target is None:
        entry_cosignatures.put(folder, entry.index, format_, b"".join(chunks), _PUBLIC[format_](asked))
        return (*said, f"Written: {folder / layout.cosignature_path(entry.index, format_)}")
    _save(target, chunks)
    return (*said, f"Written: {target}, {target.stat().st_size:,} bytes")


def _save(target: Path, chunks: Iterable[bytes]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = file_writing.aside(target)
        try:
            with made.open("wb") as file:
                file.writelines(chunks)
            made.replace(target)
        finally:
            with contextlib.suppress(OSError):
                made.unlink()
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}") from error


def _entry(folder: Path, asked: ExportRequest) -> _Entry:
    """Read an entry that is signed and in the log: what is exported is at least what the ledger's own keys say."""
    opened = verified_reader.open_reader(folder, asked.index, verified=asked.verified, warn=asked.warn)
    found = opened.envelope()
    return _Entry(folder, opened.index, found.file, found, opened.statement(), opened)


def _public(folder: Path, keyid: str) -> ec.EllipticCurvePublicKey:
    """Find the key of a fingerprint in the ledger: it serves to tell a damaged entry, not to trust one."""
    for path in sorted((folder / "keys").glob("*.pub.pem")):
        key = signing_keys.read_public(layout.read_bytes(path, _LIMIT))
        if isinstance(key, ec.EllipticCurvePublicKey) and signing_keys.fingerprint(key) == keyid:
            return key
    raise VerificationError(f"the ledger {folder} holds no key {keyid}; run provenance verify")


def _sigstore(entry: _Entry, _: ExportRequest) -> _Made:
    key = _public(entry.folder, entry.envelope.keyid)
    subject = entry.said.value["subject"][0]["digest"]["sha256"]
    how = (
        "Verify: cosign verify-blob-attestation --key statement.pub.pem --bundle FILE --type "
        f"{entry.said.value['predicateType']} --insecure-ignore-tlog {statement.object_path(subject)}"
    )
    return [sigstore.render(entry.sealed, key)], (how,)


def _oms(entry: _Entry, asked: ExportRequest) -> _Made:
    tables = entry.reader.tables(names=("files",))
    pair = signing_keys.load(asked.key, prompt=asked.prompt) if asked.key else signing_keys.user_keys(create=False)
    if pair.fingerprint != entry.envelope.keyid:
        raise ConfigError(
            f"entry {entry.index} is signed with another key ({entry.envelope.keyid}); name that key with --key"
        )
    manifest = oms.statement(
        tables["files"].select(["path", "sha256"]).to_pylist(),
        str(entry.said.predicate["data"]),
        {"origin": entry.said.place.origin, "index": entry.index, "leaf": entry.envelope.leaf.hex()},
    )
    unread = manifest["predicate"]["serialization"]["ignore_paths"]
    passed = sorted(set(unread) - set(oms.GIT))
    said = [f"Files without a digest, which a verifier passes over: {', '.join(passed[:5])}"] if passed else []
    if len(passed) > 5:
        said.append(f"and {len(passed) - 5} more, all named in it")
    said.append(
        "Verify: model_signing verify key DATA --signature FILE --public_key statement.pub.pem --allow_symlinks"
    )
    return [oms.render(manifest, pair.statement)], tuple(said)


def _cms(entry: _Entry, asked: ExportRequest) -> _Made:
    if asked.certificate is None:
        raise ConfigError("a CMS signature is by a certificate: name its PEM file with --certificate")
    try:
        certificates = load_pem_x509_certificates(_bytes(asked.certificate))
    except ValueError as cause:
        raise ConfigError(f"{asked.certificate} holds no certificate in PEM form") from cause
    note = layout.read_bytes(entry.folder / layout.note_path(layout.size(entry.folder)), _LIMIT)
    key = _seal(asked)
    when = asked.when or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = layout.note_path(layout.size(entry.folder))
    how = f"Verify: openssl cms -verify -cades -binary -inform DER -in FILE -content {name} -CAfile CA.pem -purpose any"
    return [cms.render(note, certificates, key, when)], (f"Signed: {name}", how)


def _seal(asked: ExportRequest) -> Any:
    """Load the key of a seal: of a folder as keygen makes it, the statement key; else of a file, ECDSA or RSA."""
    if asked.key is None:
        return signing_keys.user_keys(create=False, prompt=asked.prompt).statement
    if Path(asked.key).is_dir():
        return signing_keys.load_statement(asked.key, prompt=asked.prompt)
    key = _private(asked)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigError(f"{asked.key} is neither an ECDSA nor an RSA key")
    return key


def _sm2(entry: _Entry, asked: ExportRequest) -> _Made:
    signature = _signature(asked.signature) if asked.signature else None
    made = sm2.render(entry.envelope, read_key(_pem(asked)), signature)
    how = "Verify: openssl dgst -sm3 -verify sm2.pub.pem -sigopt distid:1234567812345678 -signature SIG PAE"
    return [made], (how,)


def _sm3(entry: _Entry, asked: ExportRequest) -> _Made:
    return [sm3.render(entry.folder, entry.envelope, entry.said.folder, read_key(_pem(asked)))], ()


def _mldsa65(entry: _Entry, asked: ExportRequest) -> _Made:
    return [mldsa65.render(entry.envelope, _private(asked))], ()


def _pae(entry: _Entry, _: ExportRequest) -> _Made:
    how = "Verify: openssl dgst -sha256 -verify keys/statement.pub.pem -signature SIG FILE"
    return [pae.render(entry.envelope)], (how,)


def _tar(entry: _Entry, asked: ExportRequest) -> _Made:
    said = [entry.reader.statement(index) for index in range(entry.reader.size)]
    bound = {path: digest for each in said for path, digest in each.folder.items()}
    left = redaction.plan(entry.folder, said, asked.withhold)
    told = (
        [f"Withheld: {len(left.withheld)} files, and what names it in {len(left.tables)} tables"] if left.tables else []
    )
    return tar.render(entry.folder, bound, left), tuple(told)


_MAKERS: dict[str, Callable[[_Entry, ExportRequest], _Made]] = {
    "sigstore": _sigstore,
    "oms": _oms,
    "cms": _cms,
    "sm2": _sm2,
    "sm3": _sm3,
    "mldsa65": _mldsa65,
    "pae": _pae,
    "tar": _tar,
}


_PUBLIC: dict[str, Callable[[ExportRequest], bytes]] = {
    "sm2": lambda asked: read_key(_pem(asked)).pem,
    "mldsa65": lambda asked: signing_keys.public_pem(_private(asked).public_key()),
}
"""Formats that may stand in the ledger itself, beside their entry, and the PEM of the key that stands beside them."""


def _private(asked: ExportRequest) -> Any:
    pem = _pem(asked)
    password = passwords.secrets_from(asked.prompt).password(str(asked.key)) if b"ENCRYPTED" in pem else None
    try:
        return load_pem_private_key(pem, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise ConfigError(f"{asked.key} holds no private key that can be read, or its password is wrong") from cause


def _pem(asked: ExportRequest) -> bytes:
    if asked.key is None:
        raise ConfigError("name the key that signs with --key: a PEM file or env:NAME")
    if asked.key.startswith("env:"):
        text = environment.secret(asked.key[4:])
        if text is None:
            raise ConfigError(f"the environment variable {asked.key[4:]} is not set")
        return text.encode()
    if Path(asked.key).is_dir():
        raise ConfigError(
            f"{asked.key} cannot be read: it is a folder, and `provenance keygen` makes no such key; name the PEM file "
            "of the SM2 or ML-DSA-65 key itself with --key"
        )
    return _bytes(Path(asked.key))


def _signature(path: Path) -> bytes:
    """Modules hand out DER, or text of it."""
    data = _bytes(path)
    if data[:1] == b"\x30" and not data.isascii():
        return data
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except ValueError:
        return data


def _bytes(path: Path) -> bytes:
    try:
        return layout.read_bytes(path, _LIMIT)
    except (OSError, VerificationError) as cause:
        raise ConfigError(f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause
