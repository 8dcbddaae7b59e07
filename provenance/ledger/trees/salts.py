"""Salts: what keeps a withheld line from being guessed, derived from one secret that never enters a ledger.

The secret stands in `salts.key`, beside the signing keys or in the user's configuration folder. A salt is the first 16
bytes of HMAC-SHA256(secret, kind 0x00 key): equal rows of two scans have equal lines, and whoever lacks the secret can
neither guess a line that was withheld nor tell whether two ledgers hold the same one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from provenance.errors import ConfigError
from provenance.ledger.keys.signing_keys import configuration_folder, find_folder
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE_NAME = "salts.key"
SALT_BYTES = 16
"""Bytes of a salt."""

_SECRET_BYTES = 32  # bytes
_BLOCK_BYTES = 64  # bytes of a block of SHA-256 (FIPS 180-4)


def load_secret(folder: Path | None = None) -> bytes:
    """Return the secret that salts are derived from, made at first use.

    Args:
        folder: the folder of the signing keys; None where they are not in one (`env:`, `hsm:`, a single file). The
            user's configuration folder serves then, and where the folder may not be written to.

    Returns:
        32 bytes.

    Raises:
        ConfigError: it cannot be read or written, or is not 32 bytes.
    """
    places = [place for place in (folder, configuration_folder()) if place is not None]
    places = [place for place in places if place is not folder or os.path.isdir(place)]  # noqa: PTH112 - it never raises
    for place in places:
        if os.path.lexists(place / FILE_NAME):
            return _read_secret(place / FILE_NAME)
    for place in places:
        try:
            return _make_secret(place)
        except OSError:
            continue
    raise ConfigError(f"the secret of salts cannot be written to {places[-1]}; name a folder in PROVENANCE_CONFIG")


def find_secret(uri: str | None) -> bytes:
    """Return the secret that goes with signing keys, without touching those.

    Args:
        uri: of the keys, as in signing_keys.load_pair; the user's own if None.

    Returns:
        32 bytes.

    Raises:
        ConfigError: it cannot be read or written, or is not 32 bytes.
    """
    return load_secret(find_folder(uri))


def derive_salt(key: bytes, kind: str, name: bytes) -> str:
    """Derive one salt.

    Args:
        key: the secret.
        kind: what is salted: the name of a table, `records`, `content-set`.
        name: what tells it from others of its kind.

    Returns:
        32 hexadecimal digits: the first 16 bytes of HMAC-SHA256(secret, kind 0x00 name) (RFC 2104, FIPS 180-4).
    """
    return hmac.digest(key, kind.encode() + b"\0" + name, "sha256")[:SALT_BYTES].hex()


def derive_salts(key: bytes, kind: str, names: Iterable[bytes]) -> Iterator[str]:
    """Derive many salts: as `derive_salt`, at half its cost, because the secret is hashed once.

    Args:
        key: the secret.
        kind: what is salted.
        names: what tells them apart.

    Yields:
        32 hexadecimal digits a name.
    """
    padded = key.ljust(_BLOCK_BYTES, b"\0")  # RFC 2104, section 2; the secret is shorter than a block
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + kind.encode() + b"\0").copy
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded)).copy
    for name in names:
        within, without = inner(), outer()
        within.update(name)
        without.update(within.digest())
        yield without.hexdigest()[: 2 * SALT_BYTES]


def _read_secret(path: Path) -> bytes:
    try:
        found = read_head(path, _SECRET_BYTES + 1)
    except OSError as cause:
        raise ConfigError(f"the secret of salts {path} cannot be read: {cause.strerror}") from cause
    if len(found) != _SECRET_BYTES:
        raise ConfigError(f"the secret of salts {path} is not {_SECRET_BYTES} bytes; put its backup there")
    return found


def _make_secret(folder: Path) -> bytes:
    """Write a new secret whole or not at all; of two first scans that meet, both take the one that came first."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    staging = folder / f".{FILE_NAME}-{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(staging, flags, 0o600), "wb") as file:
            file.write(os.urandom(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(staging, folder / FILE_NAME)  # refuses to replace, which a rename does not
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not (folder / FILE_NAME).exists():
                staging.rename(folder / FILE_NAME)
    finally:
        staging.unlink(missing_ok=True)
    return _read_secret(folder / FILE_NAME)
