"""What an export declares of itself, what it is asked for, and the keys and files that it is given."""

from __future__ import annotations

import base64
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provenance.core.processes import environment
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.keys import passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provenance.ledger.format import envelope, statement
    from provenance.ledger.verification import verified_reader

LARGEST_FILE = 1 << 20
"""Bytes of a key, certificate or signature."""


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
        severity: of a list of records: findings of this severity and worse count.
        checks: of a list of records: of these checks alone; () = all.
        sources: of a list of records: of these sources alone; () = all.
        warn: is told what is read over, and whose keys nobody vouches for, one sentence each.
    """

    index: int | None = None
    _: KW_ONLY
    key: str | None = None
    certificate: Path | None = None
    signature: Path | None = None
    withhold: tuple[str, ...] = ()
    when: str | None = None
    prompt: Callable[[str], str] | None = field(default=None, repr=False)
    verified: bool = True
    severity: str = "error"
    checks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    warn: Callable[[str], None] = field(default=lambda _: None, repr=False)


@dataclass(frozen=True, slots=True)
class ExportedEntry:
    """The entry an export is of.

    Args:
        folder: the ledger.
        index: the entry's number.
        sealed: its bytes.
        envelope: the same, parsed.
        statement: what it states.
        reader: of the ledger, open at this entry.
    """

    folder: Path
    index: int
    sealed: bytes
    envelope: envelope.Envelope
    statement: statement.Statement
    reader: verified_reader.Reader


Exported = tuple["Iterable[bytes]", tuple[str, ...]]
"""The bytes of an export in parts, and sentences for people."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A form in which what a ledger holds is written for other tools.

    Args:
        name: the word for `--format`.
        about: what it is, one sentence.
        options: the parameters of the command that go with it, of those that not every format takes.
        export: makes it of an entry; None where `write` does.
        write: writes it to a file by itself and returns sentences for people: `write(ledger, target, request)`.
        public: PEM of the key that goes with a co-signature in the ledger; None where it may not be put there.
    """

    name: str
    about: str
    options: tuple[str, ...] = ()
    export: Callable[[ExportedEntry, ExportRequest], Exported] | None = None
    write: Callable[[Path, Path, ExportRequest], tuple[str, ...]] | None = None
    public: Callable[[ExportRequest], bytes] | None = None


def private_key(request: ExportRequest) -> Any:
    """Load the private key that signs an export; its password is asked for where it has one."""
    pem = key_pem(request)
    password = passwords.make_secrets(request.prompt).password(str(request.key)) if b"ENCRYPTED" in pem else None
    try:
        return load_pem_private_key(pem, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise ConfigError(f"{request.key} holds no private key that can be read, or its password is wrong") from cause


def key_pem(request: ExportRequest) -> bytes:
    """Read the PEM of the key that signs an export, of a file or of the environment."""
    if request.key is None:
        raise ConfigError("name the key that signs with --key: a PEM file or env:NAME")
    if request.key.startswith("env:"):
        text = environment.read_secret(request.key[4:])
        if text is None:
            raise ConfigError(f"the environment variable {request.key[4:]} is not set")
        return text.encode()
    if Path(request.key).is_dir():
        raise ConfigError(
            f"{request.key} cannot be read: it is a folder, and `provenance keygen` makes no such key; name the PEM "
            "file of the SM2 or ML-DSA-65 key itself with --key"
        )
    return read_file(Path(request.key))


def read_signature(path: Path) -> bytes:
    """Modules hand out DER, or text of it."""
    data = read_file(path)
    if data[:1] == b"\x30" and not data.isascii():
        return data
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except ValueError:
        return data


def read_file(path: Path) -> bytes:
    """Read a key, certificate or signature that a user names."""
    try:
        return layout.read_bytes(path, LARGEST_FILE)
    except (OSError, VerificationError) as cause:
        raise ConfigError(f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause
