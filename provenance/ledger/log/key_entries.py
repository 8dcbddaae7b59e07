"""Entries about keys: another hand takes over, a key signs no more, a key of another role or a certificate is added."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from provenance.core.digests import sha256
from provenance.errors import ConfigError
from provenance.ledger.keys import key_certificates
from provenance.ledger.keys.signing_keys import NOTE_ROLES, KeyPair, PublicKey, fingerprint, public_pem
from provenance.ledger.layout import LOCAL, ORIGIN, SMALL, is_ledger, read_bytes, size
from provenance.ledger.log import append, key_history, opening

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.ledger.log.append import Entry

ADDED = ("waiver", "witness")
"""The roles of keys that a ledger names beside its own."""


def rotate(
    folder: Path, heir: KeyPair, scanner: Mapping[str, Any], *, keys: KeyPair, reason: str | None = None
) -> Entry:
    """Hand a ledger over to other keys: the statement key, the log key, or both, whichever is another.

    Args:
        folder: the ledger.
        heir: who holds it from the next entry on; signs too.
        scanner: the program: name, version, digest.
        keys: who holds it.
        reason: why, for people.

    Returns:
        The entry; where the same change was killed half-way, the one that is now finished.

    Raises:
        ConfigError: the folder is no ledger, belongs to other keys, or has had the new ones already.
        BrokenChain: the ledger does not verify.
        OSError: the folder cannot be written.
    """
    _check_chain(folder)
    named = read_bytes(folder / ORIGIN, SMALL).decode("utf-8", "replace").strip()
    # A ledger of a first scan has a name that nobody chose: keys with a name may take it over.
    if heir.origin not in (None, named) and not named.startswith(LOCAL):
        raise ConfigError(
            f"the new keys were made for the log {heir.origin}, and this is {named}: what is pinned for one says "
            f"nothing of the other; make keys for it with: provenance keygen --origin {named} --out DIR"
        )
    succession = key_history.read_history(folder)
    if opening.is_held(succession, size(folder), heir):
        raise ConfigError(
            f"the new keys hold {folder} already ({heir.fingerprint}): nothing is left to hand over; sign with them "
            "from now on (--key URI)"
        )
    had = succession.list_holders("statement") | succession.list_holders("log") | set(succession.added)
    changes, files = [], {}
    for role, key in heir.public().items():
        before = fingerprint(keys.public()[role])
        if before != fingerprint(key):
            if fingerprint(key) in had:
                raise ConfigError(
                    f"{fingerprint(key)} is a key that the ledger has had; make others with: provenance keygen"
                )
            path, pem = _key_path(role, key), public_pem(key)
            files[path] = pem
            changes.append({"role": role, "before": before, "after": fingerprint(key), "path": path})
    if not changes:
        raise ConfigError("the new keys are the old ones; make others with: provenance keygen")
    facts = {"action": "rotate", "changes": changes} | ({"reason": reason} if reason else {})
    document = files[changes[0]["path"]]
    return _attach(folder, document, facts, scanner, keys=keys, files=files, heir=heir)


def revoke(
    folder: Path,
    key: str,
    reason: str,
    scanner: Mapping[str, Any],
    *,
    keys: KeyPair,
    since: datetime | None = None,
) -> Entry:
    """Say that a key signs no more: one that held the ledger before, or one that was added.

    Args:
        folder: the ledger.
        key: its fingerprint.
        reason: why.
        scanner: the program: name, version, digest.
        keys: who holds the ledger.
        since: from when on it may have been in other hands, UTC: what no timestamp proves to be older is not accepted.

    Returns:
        The entry.

    Raises:
        ConfigError: the folder is no ledger, belongs to other keys, or the key is none of its own, or holds it now.
        BrokenChain: the ledger does not verify.
        OSError: the folder cannot be written.
    """
    _check_chain(folder)
    succession = key_history.read_history(folder)
    if key in {succession.find_holder("statement", size(folder)), succession.find_holder("log", size(folder))}:
        raise ConfigError(f"{key} holds the ledger; hand it over first with: provenance key rotate {folder} --new URI")
    if since is not None and since > datetime.now(UTC):
        raise ConfigError(
            f"{_format_time(since)} is still to come: nothing that was signed can be proven older for ever"
        )
    public = key_history.public_keys(folder).get(key)
    if public is None:
        raise ConfigError(f"{key} is no key of {folder}; `provenance key list {folder}` names them all")
    facts: dict[str, Any] = {"action": "revoke", "key": {"fingerprint": key}, "reason": reason}
    if since is not None:
        facts["since"] = _format_time(since)
    return _attach(folder, public_pem(public), facts, scanner, keys=keys)


def add_key(
    folder: Path, key: PublicKey, role: str, scanner: Mapping[str, Any], *, keys: KeyPair, name: str | None = None
) -> Entry:
    """Name a key of another role: who approves waivers, or who witnesses the log. It makes nobody trust the key.

    Args:
        folder: the ledger.
        key: its public half.
        role: one of ADDED.
        scanner: the program: name, version, digest.
        keys: who holds the ledger.
        name: whose key it is.

    Returns:
        The entry.

    Raises:
        ConfigError: the folder is no ledger, belongs to other keys or has the key already, or the key does not fit the
            role.
        BrokenChain: the ledger does not verify.
        OSError: the folder cannot be written.
    """
    if role not in ADDED:
        raise ConfigError(f"a key is added as one of {', '.join(ADDED)}, not as {role}")
    if isinstance(key, ec.EllipticCurvePublicKey) == (role in NOTE_ROLES):
        raise ConfigError(f"the key for the role {role} must be {'Ed25519' if role in NOTE_ROLES else 'ECDSA P-256'}")
    path, pem = _key_path(role, key), public_pem(key)
    named = {"fingerprint": fingerprint(key), "path": path, "role": role} | ({"name": name} if name else {})
    return _attach(folder, pem, {"action": "add", "key": named}, scanner, keys=keys, files={path: pem})


def certify(folder: Path, pem: bytes, scanner: Mapping[str, Any], *, keys: KeyPair) -> Entry:
    """Attach an X.509 certificate over the statement key: whose it is, as an authority says.

    Args:
        folder: the ledger.
        pem: the certificate, and the intermediate ones after it.
        scanner: the program: name, version, digest.
        keys: who holds the ledger.

    Returns:
        The entry.

    Raises:
        ConfigError: the folder is no ledger or belongs to other keys, or the certificate is not over the statement key.
        BrokenChain: the ledger does not verify.
        OSError: the folder cannot be written.
    """
    found = key_certificates.read_certificate(pem)
    key = fingerprint(keys.public()["statement"])
    if found.fingerprint != key:
        raise ConfigError(f"the certificate is over {found.fingerprint or 'another kind of key'}, not over {key}")
    path = f"keys/statement-{sha256(pem)[:16]}.crt.pem"
    facts = {"action": "certificate", "key": {"fingerprint": key, "path": path}}
    return _attach(folder, pem, facts, scanner, keys=keys, files={path: pem})


def _attach(
    folder: Path,
    document: bytes,
    facts: Mapping[str, Any],
    scanner: Mapping[str, Any],
    *,
    keys: KeyPair,
    files: Mapping[str, bytes] | None = None,
    heir: KeyPair | None = None,
) -> Entry:
    _check_chain(folder)
    predicate = {
        "kind": key_history.KEY_KIND,
        "scanner": scanner,
        "declaredOn": _format_time(datetime.now(UTC)),
        **facts,
    }
    return append.attach(folder, key_history.KEY_KIND, document, predicate, keys=keys, files=files, heir=heir)


def _check_chain(folder: Path) -> None:
    if not is_ledger(folder) or not size(folder):
        raise ConfigError(f"{folder} is no ledger with a scan; `provenance scan DATA --ledger {folder}` makes one")


def _key_path(role: str, key: PublicKey) -> str:
    return f"keys/{role}-{sha256(public_pem(key))[:16]}.pub.pem"


def _format_time(time: datetime) -> str:
    # %Y would have fewer than four digits before the year 1000.
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
