"""The statement of an entry: an in-toto Statement v1 whose predicate is of one of KINDS.

The published schemas say what must stand in it: `data/schemas/ledger/statement-v1.schema.json` for every entry,
`<kind>-v1.schema.json` for a kind. What an audit adds beside that (waivers, counts) is signed as it is. Facts that name
things of the data (files) are lists of objects, never objects keyed by those names: keys that differ in case only are
refused. To add a kind: its schema, and one line in KINDS.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from provenance.core.digests import canonical
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError, VerificationError, cut
from provenance.ledger.format.envelope import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPE = "https://in-toto.io/Statement/v1"
VERSION = "v1"
"""Of the predicates that are written; those of older versions are read for ever."""

KINDS = {
    "dataset-scan": "files.jsonl",
    "declaration": "declarations.yaml",
    "waiver": "waivers.yaml",
    "draw": "draw.jsonl",
    "review": "review.jsonl",
    "decision": "decision.yaml",
    "filter-run": "filter-run.yaml",
    "derivation": "derivation.yaml",
    "key": "key.pem",
    "renewal": "renewal.json",
}
"""What an entry can be, and the name of its subject: of a scan its table of files, else the document handed in."""

KINDS_WITH_DATA = ("dataset-scan", "filter-run", "derivation")
"""Kinds whose entries say what data is, so that other data can be made of it."""

SCAN = "dataset-scan"
TABLE_PATH = "scans/{index:08d}/{name}.parquet"
DECLARATION = "declaration"
LEDGER_KEYS = frozenset({"contentSet", "folder", "keys", "log", "tables"})
"""Keys of the predicate that the ledger fills in; facts must not hold them."""

_ATTESTATION = "https://provenance-auditor.dev/attestation/"
_MOST_VALUES = 1 << 19  # values of the largest statement that is read
_MOST_ERRORS = 50  # faults of a statement that are looked at
_OLD_TYPES = frozenset({f"{_ATTESTATION}{SCAN}/v0", f"{_ATTESTATION}{DECLARATION}/v0"})


class ResourceDescriptor(TypedDict):
    """A thing and its digest, as in-toto's ResourceDescriptor has it: `{"name": ..., "digest": {"sha256": ...}}`."""

    name: str
    digest: dict[str, str]


class Scanner(ResourceDescriptor):
    """The program: `digest` is over its own files."""

    version: str


class Facts(TypedDict):
    """What an audit says of itself, beside its tables; further keys are signed as they are.

    Times are UTC, ISO 8601 with a closing Z; claimed, not proven. `data` is the scan root's name, never its path.
    """

    kind: Literal["draft", "assessment"]
    scanner: Scanner
    data: str
    purpose: str
    profiles: Sequence[ResourceDescriptor]
    startedOn: str
    finishedOn: str
    config: NotRequired[Mapping[str, Any]]
    counts: NotRequired[Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's place in its log.

    Args:
        origin: name of the log.
        index: number of the entry, from 0; also how many stand before it.
        root: root over those, hexadecimal.
    """

    origin: str
    index: int
    root: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What is known of an entry before it is signed: what a document that it binds may say of it.

    Args:
        index: number of the entry, from 0.
        origin: name of the log.
        keyid: OpenSSH SHA256 fingerprint of the statement key.
    """

    index: int
    origin: str
    keyid: str


Document = bytes | Callable[[Seal], bytes]
"""A document of an entry: its bytes, or what makes them of the entry's seal."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was parsed strictly and holds to its schema.

    Args:
        value: the whole statement, as JSON has it.
        place: where it says it stands in the log.
        folder: SHA-256, hexadecimal, of every file it binds, by path relative to the ledger.
    """

    value: dict[str, Any]
    place: Place
    folder: dict[str, str]

    @property
    def predicate(self) -> dict[str, Any]:
        """What the entry says."""
        predicate: dict[str, Any] = self.value["predicate"]
        return predicate

    @property
    def type(self) -> str:
        """Its predicate type, version included."""
        return str(self.value["predicateType"])

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return kind_of_type(self.type)

    @property
    def is_old(self) -> bool:
        """Whether it is of a version that is not written any more."""
        return self.type in _OLD_TYPES


def predicate_type(name: str) -> str:
    """Return the predicate type of a kind of entry, in the version that is written."""
    return f"{_ATTESTATION}{name}/{VERSION}"


def kind_of_type(type_: str) -> str:
    """Return the kind of entry of a predicate type, whatever its version."""
    return type_.removeprefix(_ATTESTATION).rpartition("/")[0]


def build_statement(
    name: str,
    facts: Mapping[str, Any],
    *,
    place: Place,
    keys: Literal["local", "given"],
    trees: Mapping[str, object] | None = None,
    folder: Mapping[str, str],
    subject: str,
) -> bytes:
    """Build the statement of one entry.

    Args:
        name: one of KINDS.
        facts: of a scan see `Facts`, of others the schema of the kind; numbers must be portable (objects.portable).
        place: where the entry will stand.
        keys: whether a first scan made them, or the user named them.
        trees: of a scan, its `tables` and `contentSet`, see table_trees.write_tables.
        folder: SHA-256 of every file to bind, by path relative to the ledger.
        subject: SHA-256 of the table of files as JSON lines, or of the document as it was handed in.

    Returns:
        Canonical JSON: the payload to sign.

    Raises:
        ConfigError: the facts do not hold to the schema.
    """
    if taken := LEDGER_KEYS & set(facts):
        raise ConfigError(f"the facts of an entry must leave these to the ledger: {', '.join(sorted(taken))}")
    log = {"index": place.index, "origin": place.origin, "prev": {"rootHash": place.root, "size": place.index}}
    bound = [{"path": path, "sha256": digest} for path, digest in sorted(folder.items())]
    value = {
        "_type": TYPE,
        "predicateType": predicate_type(name),
        "subject": [{"name": KINDS[name], "digest": {"sha256": subject}}],
        "predicate": {**facts, "folder": bound, "keys": keys, "log": log, **(trees or {})},
    }
    try:
        payload = canonical(value)
        read_statement(payload)
    except (ValueError, TypeError, RecursionError, VerificationError) as cause:
        raise ConfigError(f"the entry cannot be written: {cause}") from cause
    return payload


def read_statement(payload: bytes) -> Statement:
    """Read a statement, strictly.

    Args:
        payload: the signed bytes.

    Returns:
        The statement.

    Raises:
        VerificationError: it is not strict JSON, not canonical, of another predicate type, or breaks its schema.
    """
    value = parse_json(payload, _MOST_VALUES)
    stated_type = value.get("predicateType") if isinstance(value, dict) else None
    if stated_type not in _OLD_TYPES and stated_type not in {predicate_type(name) for name in KINDS}:
        raise VerificationError("its predicate type is none that this version knows")
    _check_schema(value, stated_type)
    if _to_canonical(value) != payload:
        raise VerificationError("it is not in canonical form")
    log = value["predicate"]["log"]
    if log["prev"]["size"] != log["index"]:
        raise VerificationError("its index is not the size of the log before it")
    place = Place(log["origin"], log["index"], log["prev"]["rootHash"])
    folder = _list_folder(value["predicate"]["folder"], place.index)
    if kind_of_type(stated_type) == SCAN:
        _check_tables(value["predicate"]["tables"], place.index, folder)
    return Statement(value, place, folder)


def _check_schema(value: dict[str, Any], stated_type: str) -> None:
    """Hold a statement to its schema; from v1 on, to that of every entry and to that of its kind."""
    name, version = kind_of_type(stated_type), stated_type.rpartition("/")[2]
    if version == VERSION:
        _check_against("statement", version, value, "$")
        if value["subject"][0]["name"] != KINDS[name]:
            raise VerificationError(f"its subject is not called {KINDS[name]}")
        _check_against(name, version, value["predicate"], "$.predicate")
    else:
        _check_against(name, version, value, "$")


def _check_against(name: str, version: str, value: Any, where: str) -> None:
    try:
        # The first few: a hostile statement breaks its schema as often as it likes.
        error = best_match(islice(_make_validator(name, version).iter_errors(value), _MOST_ERRORS))
    except RecursionError as cause:
        raise VerificationError("it is nested too deeply") from cause
    if error is not None:
        at = where + error.json_path.removeprefix("$")
        raise VerificationError(f"it breaks its schema at {cut(at)}: {cut(error.message, 200)}")


def _to_canonical(value: Any) -> bytes:
    try:
        return canonical(value)
    except (ValueError, RecursionError) as cause:
        raise VerificationError(f"it has no canonical form: {cause}") from cause


def _list_folder(bound: list[dict[str, str]], index: int) -> dict[str, str]:
    """What an entry binds: each path once, objects under their own digest, scans under the entry's own index."""
    folder = {item["path"]: item["sha256"] for item in bound}
    if list(folder) != sorted(folder) or len(folder) != len(bound):
        raise VerificationError("the files it binds are not sorted, or one is named twice")
    for path, digest in folder.items():
        if path.startswith("objects/") and path != object_path(digest):
            raise VerificationError(f"{path} is not named after its digest")
        if path.startswith("scans/") and not path.startswith(f"scans/{index:08d}/"):
            raise VerificationError(f"{path} belongs to another entry")
    return folder


def _check_tables(tables: dict[str, dict[str, Any]], index: int, folder: dict[str, str]) -> None:
    """A table stands where its name says, and is bound: no reader may be led to another file than a verifier."""
    for name, table in tables.items():
        if table["parquet"] != TABLE_PATH.format(index=index, name=name):
            raise VerificationError(f"its table {name[:64]} does not stand under its own name")
        if table["parquet"] not in folder:
            raise VerificationError(f"it names {table['parquet']}, which it does not bind")


def object_path(digest: str) -> str:
    """Return where an object stands, relative to the ledger, by its SHA-256."""
    return f"objects/sha256/{digest[:2]}/{digest}"


_CALENDAR = FormatChecker(formats=())


@_CALENDAR.checks("date", raises=ValueError)
@_CALENDAR.checks("date-time", raises=ValueError)
def _is_in_calendar(value: object) -> bool:
    """Hold a date, or a time, to the calendar: whoever reads it counts days; its pattern has been looked at."""
    if isinstance(value, str) and (parts := re.match(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d))?", value)):
        year, month, day, hour, minute, second = (int(each) for each in parts.groups(default="0"))
        datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return True


@functools.cache
def _make_validator(name: str, version: str) -> Draft202012Validator:
    return Draft202012Validator(_load_schema(f"{name}-{version}"), registry=_load_registry(), format_checker=_CALENDAR)


@functools.cache
def _load_registry() -> Registry[Any]:
    shared = _load_schema("statement-v1")
    made: Registry[Any] = Registry().with_resource(shared["$id"], DRAFT202012.create_resource(shared))
    return made


def _load_schema(name: str) -> Any:
    return json.loads((DATA_FOLDER / "schemas" / "ledger" / f"{name}.schema.json").read_bytes())
