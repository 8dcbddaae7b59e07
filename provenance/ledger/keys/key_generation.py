"""The making of keys: a folder of files that was not there before, and that nobody else may read.

    origin                              name of the log, of the pair's folder
    statement.pem  statement.pub.pem    ECDSA P-256; statement.uri in place of the first where the key is elsewhere
    log.pem  log.pub.pem  log.vkey      Ed25519, and the text by which C2SP tools pin the log
    trust.yaml                          what pins them, for `provenance verify --trust`; the one file to give away
    salts.key                           32 random bytes, of which the salts of the ledger's lines are derived
    fingerprints.txt                    what to print on a stamped page

A key of another role is `<role>.pem`, `<role>.pub.pem`, and `<role>.vkey` where it signs notes.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.keys import key_files, signers, verifier_keys
from provenance.ledger.keys.signing_keys import NOTE_ROLES, ROLES, check_origin, fingerprint, public_pem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.ledger.keys.passwords import Secrets

PAIR_ROLES = ("statement", "log")
"""The roles of who keeps a ledger."""

_SECRET_BYTES = 32  # bytes of salts.key


def make_keys(
    folder: Path,
    roles: tuple[str, ...],
    name: str,
    *,
    password: str | None,
    elsewhere: Mapping[str, str] | None = None,
    secrets: Secrets,
) -> dict[str, str]:
    """Make keys.

    Args:
        folder: where; none of the files may be there yet.
        roles: some of signing_keys.ROLES; with PAIR_ROLES go the log's name and the secret of salts.
        name: of the log, or of the witness.
        password: what private keys are encrypted with; None leaves them open to who gets the files.
        elsewhere: by role, the URI of a key that exists already and stays where it is (see ledger.signers).
        secrets: gets at the PIN of such a key.

    Returns:
        The fingerprint of each, by role.

    Raises:
        ConfigError: the folder lies in a ledger, a file is there already or cannot be written, the name cannot be a
            log's, or a key elsewhere cannot be reached or is of the wrong kind.
        MissingExtra: a key is elsewhere, and the library that reaches it is not installed.
    """
    if unknown := set(roles) - set(ROLES):
        raise ConfigError(f"there is no role {', '.join(sorted(unknown))}; the roles are {', '.join(ROLES)}")
    check_origin(name)
    if around := layout.ledger_around(folder):
        raise ConfigError(
            f"{folder} lies in the ledger {around}, which is handed to others, and its keys with it; name a folder "
            f"outside of it with --out, such as {around.resolve().parent / 'keys'}"
        )
    files: dict[str, bytes] = {}
    found: dict[str, str] = {}
    for role in roles:
        uri = (elsewhere or {}).get(role)
        made, public = _reach_remote(uri, role, secrets) if uri else _generate_key(role, password)
        found[role] = fingerprint(public)
        files |= made | {f"{role}.pub.pem": public_pem(public)}
        if isinstance(public, Ed25519PublicKey):
            kind = verifier_keys.WITNESS_TYPE if role == "witness" else verifier_keys.LOG_TYPE
            files[f"{role}.vkey"] = f"{verifier_keys.format_vkey(name, public, kind)}\n".encode()
    if "log" in roles:
        files["origin"] = f"{name}\n".encode()
    if set(PAIR_ROLES) <= set(roles):
        files["salts.key"] = os.urandom(_SECRET_BYTES)
        files["trust.yaml"] = _make_trust_file(name, {role: files[f"{role}.pub.pem"] for role in PAIR_ROLES})
    files["fingerprints.txt"] = "".join(f"{each} {role} {name}\n" for role, each in found.items()).encode()
    _write_files(folder, files)
    return found


def _make_trust_file(name: str, pems: Mapping[str, bytes]) -> bytes:
    pins = [{"name": name, "roles": [role], "pem": pem.decode()} for role, pem in pems.items()]
    return yaml.safe_dump({"origin": name, "keys": pins}, allow_unicode=True, sort_keys=False).encode()


def _generate_key(role: str, password: str | None) -> tuple[dict[str, bytes], signers.PublicKey]:
    key: key_files.PrivateKey = (
        Ed25519PrivateKey.generate() if role in NOTE_ROLES else ec.generate_private_key(ec.SECP256R1())
    )
    return {f"{role}.pem": key_files.private_pem(key, password)}, key.public_key()


def _reach_remote(uri: str, role: str, secrets: Secrets) -> tuple[dict[str, bytes], signers.PublicKey]:
    if not signers.is_remote(uri):
        raise ConfigError(f"{uri} is no key elsewhere; its URI begins with {', '.join(signers.EXTRAS)} and a colon")
    found = signers.open_remote(uri, None, secrets)
    public = found.public_key()
    if isinstance(public, Ed25519PublicKey) != (role in NOTE_ROLES):
        needed = "Ed25519" if role in NOTE_ROLES else "ECDSA P-256"
        raise ConfigError(f"{uri} is not the {needed} key that the role {role} needs")
    return {f"{role}.uri": f"{found.uri}\n".encode()}, public


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all of it or none, and over nothing."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if there := sorted(name for name in files if (folder / name).exists()):
            raise ConfigError(
                f"{folder} holds {', '.join(there)} already; keys are never overwritten: name another --out"
            )
        for name, data in files.items():
            key_files.write_private(folder / name, data)
            written.append(folder / name)
    except OSError as cause:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise ConfigError(f"keys cannot be written to {folder}: {cause.strerror}") from cause
