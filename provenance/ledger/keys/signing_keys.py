"""Keys: a P-256 key signs statements, an Ed25519 key signs the log's head.

The first scan makes a pair in the user's configuration folder. Such a pair identifies nobody; it only shows that two
entries come from the same hands.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.core.processes import environment
from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.keys import key_files, passwords, signers
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PublicKey = ec.EllipticCurvePublicKey | Ed25519PublicKey

ROLES = ("statement", "log", "waiver", "witness")
"""What a key can be for: entries; the log's head; the approval of waivers; the cosigning of others' heads."""

NOTE_ROLES = frozenset({"log", "witness"})
"""The roles that sign notes, with Ed25519; all others sign statements, with P-256."""

LOG_KEY_VARIABLE = "PROVENANCE_LOG_KEY"
"""The variable that names the log key beside a statement key elsewhere."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The two private keys of one hand.

    Args:
        statement: signs envelopes, ECDSA P-256.
        log: signs checkpoints, Ed25519.
        local: whether it was made by a first scan in the user's configuration folder.
        created: whether it was made just now.
        folder: where it was found, if in a folder or file.
        origin: name of the log that is begun with them; a new one each time if None.
    """

    statement: signers.StatementSigner | ec.EllipticCurvePrivateKey = field(repr=False)
    log: signers.NoteSigner = field(repr=False)
    local: bool = False
    created: bool = False
    folder: Path | None = None
    origin: str | None = None

    def public(self) -> dict[Literal["statement", "log"], PublicKey]:
        """Return the public halves by role."""
        return {"statement": self.statement.public_key(), "log": self.log.public_key()}

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


def configuration_folder() -> Path:
    r"""Return the user's configuration folder, which need not exist.

    Returns:
        `$PROVENANCE_CONFIG`, else `%APPDATA%\provenance` on Windows, else `$XDG_CONFIG_HOME/provenance`, else
        `~/.config/provenance` (XDG Base Directory Specification 0.8).
    """
    if own := os.environ.get("PROVENANCE_CONFIG"):
        return Path(own)
    shared = os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME")
    return (Path(shared) if shared else Path.home() / ".config") / "provenance"


def user_keys(create: bool = True, *, prompt: Callable[[str], str] | None = None) -> KeyPair:
    """Return the user's own keys, made at first use.

    Args:
        create: whether to make them where there are none.
        prompt: as of `load_pair`, for who has encrypted them since.

    Returns:
        The pair; `created` says whether it is new, so that the command line can say so.

    Raises:
        ConfigError: there are none and none may be made, or they cannot be read or written.
    """
    folder = configuration_folder() / "keys"
    with _explain_unreadable(folder):
        there = folder.is_dir()
    if there:
        return replace(load_pair(str(folder), prompt=prompt), local=True)
    if not create:
        raise ConfigError(f"there are no keys in {folder}; a first scan makes them")
    if around := layout.ledger_around(folder):
        raise ConfigError(
            f"{folder} lies in the ledger {around}, which is handed to others, and its keys with it; name a folder "
            "outside of it in PROVENANCE_CONFIG"
        )
    try:
        made = _make_pair(folder)
    except OSError as cause:
        raise ConfigError(f"keys cannot be written to {folder}; name a folder in PROVENANCE_CONFIG") from cause
    return replace(load_pair(str(folder), prompt=prompt), local=True, created=made)


def own_public() -> list[PublicKey]:
    """Return the public halves of the user's own keys, without touching the private ones.

    Returns:
        None, or the statement key and the log key.
    """
    folder = configuration_folder() / "keys"
    found = []
    for name in ("statement.pub.pem", "log.pub.pem"):
        try:
            found.append(read_public((folder / name).read_bytes()))
        except (FileNotFoundError, NotADirectoryError, ConfigError):
            continue
        except OSError as cause:
            raise ConfigError(f"your own key {folder / name} cannot be read: {cause.strerror}") from cause
    return found


@contextlib.contextmanager
def _explain_unreadable(what: str | Path) -> Iterator[None]:
    """What may not be looked at is one sentence, and is not taken for what is not there."""
    try:
        yield
    except OSError as cause:
        raise ConfigError(f"the key {cause.filename or what} cannot be read: {cause.strerror}") from cause


def load_pair(uri: str, *, prompt: Callable[[str], str] | None = None) -> KeyPair:
    """Load a pair of keys.

    Args:
        uri: a folder as `provenance keygen` makes it; a folder of PEM files, one PEM file with both keys, or `env:NAME`
            of a variable that holds such PEM text; or the URI of a statement key elsewhere (see ledger.signers): then
            PROVENANCE_LOG_KEY names the log key, else the user's own log key signs the log.
        prompt: asks the user for a password, or `passwords.Secrets`; without it only variables are tried. Never an
            argument of the command line, which other users of the machine can read.

    Returns:
        The pair.

    Raises:
        ConfigError: it cannot be read, the password is missing or wrong, or it is not one P-256 and one Ed25519 key.
        MissingExtra: the key is elsewhere, and the library that reaches it is not installed.
    """
    if signers.is_remote(uri):
        statement, log = load_statement(uri, prompt=prompt), environment.read_secret(LOG_KEY_VARIABLE)
        return (
            KeyPair(statement, load_log(log, prompt=prompt))
            if log
            else replace(user_keys(prompt=prompt), statement=statement, local=False)
        )
    folder = find_folder(uri)
    secrets = passwords.make_secrets(prompt)  # one password for both
    return KeyPair(
        load_statement(uri, prompt=secrets),
        load_log(uri, prompt=secrets),
        folder=folder,
        origin=_read_origin(folder) if folder is not None and folder.is_dir() else None,
    )


def find_folder(uri: str | None) -> Path | None:
    """Return where a pair of keys is kept, and the secret of salts with it, without touching the keys.

    Args:
        uri: as of `load_pair`; the user's own if None.

    Returns:
        The folder, or the file that they are in; None where they are in neither.
    """
    if uri is None or (signers.is_remote(uri) and not environment.read_secret(LOG_KEY_VARIABLE)):
        return configuration_folder() / "keys"  # with a key elsewhere the user's own log key signs
    return None if uri.startswith("env:") or signers.is_remote(uri) else Path(uri)


def load_statement(
    uri: str, role: str = "statement", *, prompt: Callable[[str], str] | None = None
) -> signers.StatementSigner:
    """Load the one key of a role that signs statements: an author's, or an approver's of waivers.

    Args:
        uri: a folder with `<role>.pem` or `<role>.uri`; a folder of PEM files, a PEM file or `env:NAME` with one such
            key; or the URI of a key elsewhere.
        role: one of ROLES, not of NOTE_ROLES.
        prompt: as of `load_pair`.

    Returns:
        What signs.

    Raises:
        ConfigError: it cannot be read, the password is missing or wrong, or it is not one P-256 key.
        MissingExtra: the key is elsewhere, and the library that reaches it is not installed.
    """
    found = _load_one(uri, role, ec.EllipticCurvePrivateKey, passwords.make_secrets(prompt))
    if isinstance(found, ec.EllipticCurvePrivateKey):
        return signers.statement_signer(found)
    if isinstance(found.public_key(), ec.EllipticCurvePublicKey):
        return cast("signers.StatementSigner", found)
    raise ConfigError(f"{uri} names an Ed25519 key where an ECDSA P-256 key is needed, to sign statements")


def load_log(uri: str, role: str = "log", *, prompt: Callable[[str], str] | None = None) -> signers.NoteSigner:
    """Load the one key of a role that signs notes: a log's, or a witness's.

    Args:
        uri: as of `load_statement`.
        role: one of NOTE_ROLES.
        prompt: as of `load_pair`.

    Returns:
        What signs.

    Raises:
        ConfigError: it cannot be read, the password is missing or wrong, or it is not one Ed25519 key.
        MissingExtra: the key is elsewhere, and the library that reaches it is not installed.
    """
    found = _load_one(uri, role, Ed25519PrivateKey, passwords.make_secrets(prompt))
    if isinstance(found.public_key(), Ed25519PublicKey):
        return cast("signers.NoteSigner", found)
    raise ConfigError(f"{uri} names an ECDSA key where an Ed25519 key is needed, to sign notes")


def _load_one(
    uri: str, role: str, kind: type[key_files.PrivateKey], secrets: passwords.Secrets
) -> key_files.PrivateKey | signers.RemoteSigner:
    """Load the key of a role, by the name that `keygen` gives it, or by being the only one of its kind."""
    if signers.is_remote(uri):
        return signers.open_remote(uri, None, secrets).try_signing()
    with _explain_unreadable(uri):
        folder = None if uri.startswith("env:") or not Path(uri).is_dir() else Path(uri)
        if folder is not None and (folder / f"{role}.uri").is_file():
            return _reach_key(folder, role, secrets)
        named = folder / f"{role}.pem" if folder is not None else None
        pems = key_files.split_keys(_read_pem(str(named) if named is not None and named.is_file() else uri))
    found = [key_files.read_private(pem, uri, _ask_password(pem, uri, secrets)) for pem in pems]
    fitting = [key for key in found if isinstance(key, kind)]
    if len(fitting) == 1:
        return fitting[0]
    wanted = "Ed25519 key to sign notes" if role in NOTE_ROLES else "ECDSA P-256 key to sign statements"
    raise ConfigError(f"{uri} must hold one {wanted} ({role}); it holds {len(fitting)}")


def _reach_key(folder: Path, role: str, secrets: passwords.Secrets) -> signers.RemoteSigner:
    private, elsewhere, public = (folder / f"{role}{ending}" for ending in (".pem", ".uri", ".pub.pem"))
    if private.is_file():
        raise ConfigError(f"{folder} holds both {private.name} and {elsewhere.name}; remove the one that is not meant")
    uri = _read_first_bytes(elsewhere).decode("utf-8", "replace").strip()
    if not signers.is_remote(uri):
        raise ConfigError(f"{elsewhere} must hold one URI of a key elsewhere: {', '.join(signers.EXTRAS)}, and a colon")
    return signers.open_remote(
        uri, read_public(_read_first_bytes(public)) if public.is_file() else None, secrets
    ).try_signing()


def _read_origin(folder: Path) -> str | None:
    try:
        text = _read_first_bytes(folder / "origin").decode("utf-8")
    except FileNotFoundError:
        return None
    except ValueError as cause:
        raise ConfigError(f"{folder / 'origin'} is not the name of a log") from cause
    return check_origin(text.removesuffix("\n"))


def check_origin(name: str) -> str:
    """Return the name of a log, where it can be one.

    Args:
        name: such as `acme.example/provenance/corpus`.

    Raises:
        ConfigError: it is empty, longer than 255 characters, or holds white space or '+' (C2SP signed-note, "Format").
    """
    if re.fullmatch(r"[^\s+]{1,255}", name) and name.isprintable():
        return name
    if not name:
        raise ConfigError("the name of a log is empty: write one such as acme.example/corpus")
    raise ConfigError(f"{name[:80]!r} cannot be the name of a log: 1 to 255 characters, no white space and no '+'")


def _ask_password(pem: bytes, where: str, secrets: passwords.Secrets) -> str | None:
    return secrets.password(where) if key_files.is_encrypted(pem) else None


def _read_pem(uri: str) -> bytes:
    if uri.startswith("env:"):
        text = environment.read_secret(uri[4:])
        if text is None:
            raise ConfigError(f"the environment variable {uri[4:]} is not set")
        return text.encode()
    path = Path(uri)
    try:
        parts = sorted(path.glob("*.pem")) if path.is_dir() else [path]
        return b"\n".join(_read_first_bytes(part) for part in parts)
    except OSError as cause:
        raise ConfigError(f"the key {uri} cannot be read: {cause.strerror}") from cause


def _read_first_bytes(path: Path) -> bytes:
    return read_head(path, key_files.MOST_BYTES)


def _make_pair(folder: Path) -> bool:
    """Write a new pair; tell whether it was ours that became the user's (two first scans may meet)."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A folder appears at once by renaming, and renaming onto a filled one fails: nobody sees half a pair.
    staging = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))
    try:
        for name, key in (
            ("statement", ec.generate_private_key(ec.SECP256R1())),
            ("log", Ed25519PrivateKey.generate()),
        ):
            key_files.write_private(staging / f"{name}.pem", key_files.private_pem(key, None))
            key_files.write_private(staging / f"{name}.pub.pem", public_pem(key.public_key()))
        staging.rename(folder)
    except OSError:
        if folder.is_dir():
            return False
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True
