"""Trust: which keys a verifier pins, and for what. A key that a ledger carries itself is never among them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from provenance.data import HERE
from provenance.errors import ConfigError
from provenance.ledger import keys

if TYPE_CHECKING:
    from pathlib import Path

Role = Literal["statement", "log", "waiver"]
OWN = "your own local key"
"""Whose a key is that a first scan made in this user's configuration folder."""

_LIMIT = 1 << 20  # bytes of a trust file


@dataclass(frozen=True, slots=True)
class Pin:
    """One trusted key.

    Args:
        fingerprint: OpenSSH SHA256 fingerprint.
        roles: what it may sign.
        whose: how to name its owner to people.
        key: the key itself, where it is at hand; else the ledger's copy with this fingerprint serves.
    """

    fingerprint: str
    roles: frozenset[str]
    whose: str
    key: keys.PublicKey | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier pins.

    Args:
        pins: the keys.
        origin: the only log they are pinned for, if one is named.
        certifiers: certificates of the authorities that say whose a key is.
        approvers: how many hands must approve a waiver, beside the operator's: 0 or 1.
    """

    pins: tuple[Pin, ...] = ()
    origin: str | None = None
    certifiers: tuple[x509.Certificate, ...] = ()
    approvers: int = 0

    def whose(self, fingerprint: str, role: Role, origin: str) -> str | None:
        """Return whose key signs in a role of a log, or None where nobody pinned it for that.

        Args:
            fingerprint: OpenSSH SHA256 fingerprint of the key.
            role: what it signed.
            origin: name of the log.
        """
        if self.origin not in (None, origin):
            return None
        found = (pin.whose for pin in self.pins if pin.fingerprint == fingerprint and role in pin.roles)
        return next(found, None)


def own() -> Trust:
    """Return what needs no file: the user's own keys, as the first scan made them."""
    roles = {True: "statement", False: "log"}
    return Trust(
        tuple(
            Pin(keys.fingerprint(key), frozenset({roles[isinstance(key, ec.EllipticCurvePublicKey)]}), OWN, key)
            for key in keys.own_public()
        )
    )


def read(path: Path) -> Trust:
    """Read a trust file. It replaces the user's own keys: who names keys means those alone.

    Args:
        path: YAML, see `data/schemas/ledger/trust.schema.json`.

    Returns:
        What it pins.

    Raises:
        ConfigError: it cannot be read, or does not hold to its schema.
    """
    try:
        with path.open("rb") as file:
            value = yaml.safe_load(file.read(_LIMIT).decode("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as cause:
        raise ConfigError(f"the trust file {path} cannot be read as YAML") from cause
    if error := best_match(_validator().iter_errors(value)):
        raise ConfigError(f"the trust file {path} is wrong at {error.json_path}: {error.message[:200]}")
    pins = tuple(_pin(item, path) for item in value["keys"])
    pinned = any("waiver" in pin.roles for pin in pins)  # who names approvers wants to be asked
    approvers = value.get("waivers", {}).get("approvers", int(pinned))
    if approvers and not pinned:
        raise ConfigError(f"the trust file {path} asks for approvers of waivers and pins no key in the role waiver")
    certifiers = tuple(each for item in value.get("certifiers", ()) for each in _certifier(item, path))
    return Trust(pins, value.get("origin"), certifiers=certifiers, approvers=approvers)


def _certifier(item: dict[str, str], path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(item["pem"].encode())
    except ValueError as cause:
        raise ConfigError(f"the trust file {path} names a certifier whose pem is no certificate") from cause


def _pin(item: dict[str, Any], path: Path) -> Pin:
    key = keys.read_public(item["pem"].encode()) if "pem" in item else None
    fingerprint = keys.fingerprint(key) if key else item["fingerprint"]
    return Pin(fingerprint, frozenset(item["roles"]), item.get("name") or f"pinned in {path.name}", key)


@functools.cache
def _validator() -> Draft202012Validator:
    schema = HERE / "schemas" / "ledger" / "trust.schema.json"
    return Draft202012Validator(json.loads(schema.read_bytes()))
