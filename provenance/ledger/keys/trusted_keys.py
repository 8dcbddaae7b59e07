"""Trust: which keys a verifier pins, and for what. A key that a ledger carries itself is never among them.

A trust file may also ask for more than signatures: a quorum of witnesses, and timestamps of so many authorities.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from provenance.core.package_data import DATA_FOLDER
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, cut
from provenance.ledger.keys import key_certificates, signing_keys, verifier_keys
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

Role = Literal["statement", "log", "waiver"]
OWN_KEY = "your own local key"
"""Whose a key is that a first scan made in this user's configuration folder."""
_MOST_BYTES = 1 << 20  # bytes of a trust file
_DEEPEST_LEVEL = 20  # levels
_MOST_ERRORS = 50  # faults that are looked at
_LONGEST_NUMBER = 20  # characters: no count that a trust file asks for is longer
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    key: signing_keys.PublicKey | None = None


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Whose cosignatures count, and how many it takes.

    Args:
        keys: the witnesses' keys by how to name their owners to people; no key is there twice.
        quorum: how many of them must have cosigned the newest checkpoint; 0 asks for none.
        within: how long ago at most, so that an old checkpoint does not pass for the newest; None asks for nothing.
    """

    keys: tuple[tuple[str, verifier_keys.Witness], ...] = ()
    quorum: int = 0
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose timestamps count (TSA).

    Args:
        name: how to name it to people.
        roots: its certificates; a timestamp must lead to one of them.
    """

    name: str
    roots: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class Timestamps:
    """Whose timestamps count, and how many it takes.

    Args:
        authorities: no certificate is there twice.
        minimum: how many of them must have timestamped the newest checkpoint; 0 asks for none.
        accept_expired: whether a timestamp counts whose certificate has expired and that no renewal covers.
    """

    authorities: tuple[Authority, ...] = ()
    minimum: int = 0
    accept_expired: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier pins.

    Args:
        pins: the keys.
        origin: the only log they are pinned for, if one is named.
        witnesses: whose cosignatures count.
        timestamps: whose timestamps count.
        certifiers: certificates of the authorities that say whose a key is.
        approvers: how many hands must approve a waiver, beside the operator's: 0 or 1.
        signers: how many distinct keys must have signed each assessment, the entry's own among them.
    """

    pins: tuple[Pin, ...] = ()
    origin: str | None = None
    witnesses: Witnesses = field(default_factory=Witnesses)
    timestamps: Timestamps = field(default_factory=Timestamps)
    certifiers: tuple[x509.Certificate, ...] = ()
    approvers: int = 0
    signers: int = 1

    def find_owner(self, fingerprint: str, role: Role, origin: str) -> str | None:
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


def trust_own_keys() -> Trust:
    """Return what needs no file: the user's own keys, as the first scan made them."""
    roles = {True: "statement", False: "log"}
    return Trust(
        tuple(
            Pin(
                signing_keys.fingerprint(key),
                frozenset({roles[isinstance(key, ec.EllipticCurvePublicKey)]}),
                OWN_KEY,
                key,
            )
            for key in signing_keys.own_public()
        )
    )


def read_trust(path: Path) -> Trust:
    """Read a trust file. It replaces the user's own keys: who names keys means those alone.

    Args:
        path: YAML, see `data/schemas/ledger/trust.schema.json`.

    Returns:
        What it pins.

    Raises:
        ConfigError: it cannot be read, or does not hold to its schema.
    """
    try:
        value = _parse_yaml(read_head(path, _MOST_BYTES).decode("utf-8"))
    except FileNotFoundError as cause:
        raise ConfigError(f"the trust file {path} does not exist") from cause
    except OSError as cause:
        raise ConfigError(f"the trust file {path} cannot be read: {cause.strerror or cause}") from cause
    except (ValueError, RecursionError, yaml.YAMLError) as cause:
        raise ConfigError(f"the trust file {path} cannot be read as YAML") from cause
    if error := best_match(islice(_make_validator().iter_errors(value), _MOST_ERRORS)):
        raise ConfigError(f"the trust file {path} is wrong at {cut(error.json_path)}: {cut(error.message, 200)}")
    pins = tuple(_read_pin(item, path) for item in value["keys"])
    pinned = any("waiver" in pin.roles for pin in pins)  # who names approvers wants to be asked
    approvers = value.get("waivers", {}).get("approvers", int(pinned))
    if approvers and not pinned:
        raise ConfigError(f"the trust file {path} asks for approvers of waivers and pins no key in the role waiver")
    certifiers = tuple(each for item in value.get("certifiers", ()) for each in _read_certifier(item, path))
    return Trust(
        pins,
        value.get("origin"),
        certifiers=certifiers,
        approvers=approvers,
        signers=_read_signers(value, pins, path),
        witnesses=_read_witnesses(value.get("witnesses"), path),
        timestamps=_read_timestamps(value.get("timestamps"), path),
    )


def _parse_yaml(text: str) -> Any:
    """Parse YAML without references: a few lines of them can stand for more values than there is memory."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it refers to itself")  # noqa: TRY004 - what it is, not of which type
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST_LEVEL:
            raise ValueError("it is nested too deeply")
    _refuse_odd_values(yaml.compose(text, Loader=_Loader))
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader


def _refuse_odd_values(node: Any) -> None:
    """Refuse a key that stands twice, of which only the last would count, and numbers too long to be printed."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            raise ValueError("a key stands twice")
    for each in node.value if isinstance(node, yaml.CollectionNode) else ():
        for child in each if isinstance(each, tuple) else (each,):
            _refuse_odd_values(child)
    if (
        isinstance(node, yaml.ScalarNode)
        and node.tag.endswith((":int", ":float"))
        and len(node.value) > _LONGEST_NUMBER
    ):
        raise ValueError("a number is too long")


def _read_signers(value: dict[str, Any], pins: tuple[Pin, ...], path: Path) -> int:
    wanted: int = value.get("assessments", {}).get("signers", 1)
    there = len({pin.fingerprint for pin in pins if "statement" in pin.roles}) or 1
    _check_reachable(wanted, there, path, what="signer", pinned="statement key")
    return wanted


def _read_certifier(item: dict[str, str], path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return key_certificates.read_chain(item["pem"].encode())
    except ConfigError as cause:
        raise ConfigError(f"the trust file {path} names a certifier whose pem is no certificate") from cause


def _read_pin(item: dict[str, Any], path: Path) -> Pin:
    key = signing_keys.read_public(item["pem"].encode()) if "pem" in item else None
    fingerprint = signing_keys.fingerprint(key) if key else item["fingerprint"]
    return Pin(fingerprint, frozenset(item["roles"]), item.get("name") or f"pinned in {path.name}", key)


def _read_witnesses(value: dict[str, Any] | None, path: Path) -> Witnesses:
    if value is None:
        return Witnesses()
    found = [(item.get("name"), verifier_keys.read_witness(item["vkey"])) for item in value["keys"]]
    # Two names over one key are one witness (C2SP tlog-policy, "Public key representation").
    if len({witness.key.public_bytes_raw() for _, witness in found}) != len(found):
        raise ConfigError(f"the trust file {path} pins one key of a witness twice; a quorum counts keys")
    _check_reachable(value["quorum"], len(found), path, what="witness")
    within = timedelta(days=value["withinDays"]) if "withinDays" in value else None
    return Witnesses(tuple((name or witness.name, witness) for name, witness in found), value["quorum"], within)


def _read_timestamps(value: dict[str, Any] | None, path: Path) -> Timestamps:
    if value is None:
        return Timestamps()
    found = tuple(_read_authority(item, path) for item in value["authorities"])
    roots = [root for item in found for root in item.roots]
    if len(set(roots)) != len(roots):
        raise ConfigError(f"the trust file {path} pins one timestamp certificate twice; authorities are counted")
    _check_reachable(value["minimum"], len(found), path, what="authority")
    return Timestamps(found, value["minimum"], value.get("acceptExpired", False))


def _read_authority(item: dict[str, Any], path: Path) -> Authority:
    try:
        roots = key_certificates.read_chain(item["pem"].encode())
    except ConfigError as cause:
        raise ConfigError(f"the trust file {path} names a timestamp authority whose pem is no certificate") from cause
    return Authority(item.get("name") or roots[0].subject.rfc4514_string(), roots)


def _check_reachable(wanted: int, there: int, path: Path, *, what: str, pinned: str = "") -> None:
    if wanted > there:
        pinned_keys = count_noun(there, pinned) if pinned else there
        raise ConfigError(
            f"the trust file {path} asks for {count_noun(wanted, what)} and pins {pinned_keys}: that can never be met"
        )


@functools.cache
def _make_validator() -> Draft202012Validator:
    schema = DATA_FOLDER / "schemas" / "ledger" / "trust.schema.json"
    return Draft202012Validator(json.loads(schema.read_bytes()))
