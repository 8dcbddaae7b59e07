"""Keys: a P-256 key signs statements, an Ed25519 key signs the log's head.

The first scan makes a pair in the user's configuration folder. Such a pair identifies nobody; it only shows that two
entries come from the same hands.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey
PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey

PASSWORD = "PROVENANCE_KEY_PASSWORD"  # noqa: S105 - the name of the variable, not a password
_LIMIT = 1 << 16  # bytes; a PEM file of two keys has some 500
_PRIVATE = re.compile(rb"-----BEGIN ((?:ENCRYPTED |EC )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The two private keys of one hand.

    Args:
        statement: signs envelopes, ECDSA P-256.
        log: signs checkpoints, Ed25519.
        local: whether it was made by a first scan in the user's configuration folder.
        created: whether it was made just now.
        folder: where it was found, if in a folder.
    """

    statement: ec.EllipticCurvePrivateKey = field(repr=False)
    log: Ed25519PrivateKey = field(repr=False)
    local: bool = False
    created: bool = False
    folder: Path | None = None

    @property
    def fingerprint(self) -> str:
        """OpenSSH SHA256 fingerprint of the statement key: what to print on a stamped page."""
        return fingerprint(self.statement.public_key())


def fingerprint(key: PublicKey) -> str:
    """Return a key's OpenSSH SHA256 fingerprint, which is its `keyid`.

    Args:
        key: P-256 or Ed25519.

    Returns:
        `SHA256:` and 43 characters of base64, as `ssh-keygen -l` prints it (RFC 4253, section 6.6; RFC 5656).
    """
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def public_pem(key: PublicKey) -> bytes:
    """Return a public key as PEM of its SubjectPublicKeyInfo (RFC 7468, section 13)."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_public(pem: bytes) -> PublicKey:
    """Read a public key.

    Args:
        pem: one PEM of a P-256 or Ed25519 key.

    Returns:
        The key.

    Raises:
        ConfigError: it is neither.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise ConfigError("a public key is not in PEM form") from cause
    if isinstance(key, Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    ):
        return key
    raise ConfigError("a public key is neither ECDSA P-256 nor Ed25519")


def configuration() -> Path:
    r"""Return the user's configuration folder, which need not exist.

    Returns:
        `$PROVENANCE_CONFIG`, else `%APPDATA%\provenance` on Windows, else `$XDG_CONFIG_HOME/provenance`, else
        `~/.config/provenance` (XDG Base Directory Specification 0.8).
    """
    if own := os.environ.get("PROVENANCE_CONFIG"):
        return Path(own)
    shared = os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME")
    return (Path(shared) if shared else Path.home() / ".config") / "provenance"


def user_keys(create: bool = True) -> KeyPair:
    """Return the user's own keys, made at first use.

    Args:
        create: whether to make them where there are none.

    Returns:
        The pair; `created` says whether it is new, so that the command line can say so.

    Raises:
        ConfigError: there are none and none may be made, or they cannot be read or written.
    """
    folder = configuration() / "keys"
    if folder.is_dir():
        return replace(load(str(folder)), local=True)
    if not create:
        raise ConfigError(f"there are no keys in {folder}; a first scan makes them")
    try:
        made = _make(folder)
    except OSError as cause:
        raise ConfigError(f"keys cannot be written to {folder}; name a folder in PROVENANCE_CONFIG") from cause
    return replace(load(str(folder)), local=True, created=made)


def own_public() -> list[PublicKey]:
    """Return the public halves of the user's own keys, without touching the private ones.

    Returns:
        None, or the statement key and the log key.
    """
    folder = configuration() / "keys"
    found = []
    for name in ("statement.pub.pem", "log.pub.pem"):
        try:
            found.append(read_public((folder / name).read_bytes()))
        except (OSError, ConfigError):
            continue
    return found


def load(uri: str, *, prompt: Callable[[str], str] | None = None) -> KeyPair:
    """Load a pair of keys.

    Args:
        uri: a folder of PEM files, one PEM file with both keys, or `env:NAME` of a variable that holds such PEM text.
        prompt: asks the user for a password; without it only `PROVENANCE_KEY_PASSWORD` is tried. Never an argument of
            the command line, which other users of the machine can read.

    Returns:
        The pair.

    Raises:
        ConfigError: it cannot be read, the password is missing or wrong, or it is not one P-256 and one Ed25519 key.
    """
    pem = _pem(uri)
    found = [_private(match[0], uri, prompt) for match in _PRIVATE.finditer(pem)]
    statement = [key for key in found if isinstance(key, ec.EllipticCurvePrivateKey)]
    log = [key for key in found if isinstance(key, Ed25519PrivateKey)]
    if len(statement) != 1 or len(log) != 1:
        raise ConfigError(
            f"{uri} must hold one ECDSA P-256 key for statements and one Ed25519 key for the log; "
            f"it holds {len(statement)} and {len(log)}"
        )
    return KeyPair(statement[0], log[0], folder=Path(uri) if not uri.startswith("env:") else None)


def load_statement(
    uri: str, role: str = "statement", *, prompt: Callable[[str], str] | None = None
) -> ec.EllipticCurvePrivateKey:
    """Load the one key of a role that signs statements: an author's, or an approver's of waivers.

    Args:
        uri: a folder with `<role>.pem`; a folder of PEM files, a PEM file or `env:NAME` with one such key.
        role: statement | waiver.
        prompt: as of `load`.

    Returns:
        The key.

    Raises:
        ConfigError: it cannot be read, the password is missing or wrong, or it is not one P-256 key.
    """
    named = Path(uri) / f"{role}.pem"
    pem = _pem(str(named) if not uri.startswith("env:") and named.is_file() else uri)
    found = [_private(match[0], uri, prompt) for match in _PRIVATE.finditer(pem)]
    fitting = [key for key in found if isinstance(key, ec.EllipticCurvePrivateKey)]
    if len(fitting) != 1:
        raise ConfigError(f"{uri} must hold one ECDSA P-256 key to sign statements ({role}); it holds {len(fitting)}")
    return fitting[0]


def _pem(uri: str) -> bytes:
    if uri.startswith("env:"):
        text = os.environ.get(uri[4:])
        if text is None:
            raise ConfigError(f"the environment variable {uri[4:]} is not set")
        return text.encode()
    path = Path(uri)
    try:
        parts = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        return b"\n".join(_head(part) for part in parts)
    except OSError as cause:
        raise ConfigError(f"the key {uri} cannot be read: {cause.strerror}") from cause


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LIMIT)


def _private(pem: bytes, uri: str, prompt: Callable[[str], str] | None) -> PrivateKey:
    password = None
    if b"ENCRYPTED" in pem:
        password = os.environ.get(PASSWORD) or (prompt(f"Password of {uri}") if prompt else None)
        if not password:
            raise ConfigError(f"{uri} is encrypted; set {PASSWORD}")
    try:
        key = serialization.load_pem_private_key(pem, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise ConfigError(f"{uri} holds a key that cannot be read, or its password is wrong") from cause
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ConfigError(f"{uri} holds a key that is neither ECDSA P-256 nor Ed25519")


def _make(folder: Path) -> bool:
    """Write a new pair; tell whether it was ours that became the user's (two first scans may meet)."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A folder appears at once by renaming, and renaming onto a filled one fails: nobody sees half a pair.
    staging = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))
    try:
        for name, key in (
            ("statement", ec.generate_private_key(ec.SECP256R1())),
            ("log", Ed25519PrivateKey.generate()),
        ):
            _write(staging / f"{name}.pem", _private_pem(key))
            _write(staging / f"{name}.pub.pem", public_pem(key.public_key()))
        staging.rename(folder)
    except OSError:
        if folder.is_dir():
            return False
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _private_pem(key: PrivateKey) -> bytes:
    encryption = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
