"""The statement of an entry: an in-toto Statement v1 whose predicate is a `dataset-scan/v0` or a `declaration/v0`.

The published schemas, `data/schemas/ledger-{statement,declaration}.schema.json`, say what must stand in it; what an
audit adds beside that (waivers, counts, per-source rows) is signed as it is. Facts that name things of the data
(sources, files) are lists of objects, never objects keyed by those names: keys that differ in case only are refused.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from provenance.data import HERE
from provenance.digests import canonical
from provenance.errors import ConfigError, VerificationError
from provenance.ledger.envelope import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://provenance-auditor.dev/attestation/dataset-scan/v0"
DECLARATION_TYPE = "https://provenance-auditor.dev/attestation/declaration/v0"
_SCHEMAS = {PREDICATE_TYPE: "ledger-statement.schema.json", DECLARATION_TYPE: "ledger-declaration.schema.json"}
_SUBJECTS = {PREDICATE_TYPE: "files.jsonl", DECLARATION_TYPE: "declarations.yaml"}
OURS = frozenset({"folder", "keys", "log", "tables"})
"""Keys of the predicate that the ledger fills in; facts must not hold them."""


class Named(TypedDict):
    """A thing and its digest, as in-toto's ResourceDescriptor has it: `{"name": ..., "digest": {"sha256": ...}}`."""

    name: str
    digest: dict[str, str]


class Scanner(Named):
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
    profiles: Sequence[Named]
    startedOn: str
    finishedOn: str
    config: NotRequired[Mapping[str, Any]]
    counts: NotRequired[Mapping[str, int]]
    sources: NotRequired[Sequence[Mapping[str, Any]]]


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
        """PREDICATE_TYPE or DECLARATION_TYPE."""
        return str(self.value["predicateType"])


def build(
    facts: Mapping[str, Any],
    *,
    place: Place,
    keys: Literal["local", "given"],
    tables: Mapping[str, Mapping[str, object]] | None,
    folder: Mapping[str, str],
    subject: str,
    predicate_type: str = PREDICATE_TYPE,
) -> bytes:
    """Build the statement of one scan or declaration.

    Args:
        facts: see `Facts`; numbers must be portable (see objects.portable).
        place: where the entry will stand.
        keys: whether a first scan made them, or the user named them.
        tables: by name: `rows`, path of the `parquet`, and of the `lines` where there are some; None of a declaration.
        folder: SHA-256 of every file to bind, by path relative to the ledger.
        subject: SHA-256 of the table of files as JSON lines, or of the declaration as it was handed in.
        predicate_type: PREDICATE_TYPE or DECLARATION_TYPE.

    Returns:
        Canonical JSON: the payload to sign.

    Raises:
        ConfigError: the facts do not hold to the schema.
    """
    if taken := OURS & set(facts):
        raise ConfigError(f"the facts of an entry must leave these to the ledger: {', '.join(sorted(taken))}")
    log = {"index": place.index, "origin": place.origin, "prev": {"rootHash": place.root, "size": place.index}}
    bound = [{"path": path, "sha256": digest} for path, digest in sorted(folder.items())]
    listed = {} if tables is None else {"tables": tables}
    value = {
        "_type": TYPE,
        "predicateType": predicate_type,
        "subject": [{"name": _SUBJECTS[predicate_type], "digest": {"sha256": subject}}],
        "predicate": {**facts, "folder": bound, "keys": keys, "log": log, **listed},
    }
    try:
        payload = canonical(value)
        read(payload)
    except (ValueError, TypeError, RecursionError, VerificationError) as cause:
        raise ConfigError(f"the entry cannot be written: {cause}") from cause
    return payload


def read(payload: bytes) -> Statement:
    """Read a statement, strictly.

    Args:
        payload: the signed bytes.

    Returns:
        The statement.

    Raises:
        VerificationError: it is not strict JSON, not canonical, of another predicate type, or breaks its schema.
    """
    value = parse(payload)
    predicate_type = value.get("predicateType") if isinstance(value, dict) else None
    if not isinstance(predicate_type, str) or predicate_type not in _SCHEMAS:
        raise VerificationError(f"its predicate type is not {PREDICATE_TYPE} or {DECLARATION_TYPE}")
    if error := best_match(_validator(predicate_type).iter_errors(value)):
        raise VerificationError(f"it breaks its schema at {error.json_path}: {error.message[:200]}")
    if _canonical(value) != payload:
        raise VerificationError("it is not in canonical form")
    log = value["predicate"]["log"]
    if log["prev"]["size"] != log["index"]:
        raise VerificationError("its index is not the size of the log before it")
    place = Place(log["origin"], log["index"], log["prev"]["rootHash"])
    return Statement(value, place, _folder(value["predicate"]["folder"], place.index))


def _canonical(value: Any) -> bytes:
    try:
        return canonical(value)
    except (ValueError, RecursionError) as cause:
        raise VerificationError(f"it has no canonical form: {cause}") from cause


def _folder(bound: list[dict[str, str]], index: int) -> dict[str, str]:
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


def object_path(digest: str) -> str:
    """Return where an object stands, relative to the ledger, by its SHA-256."""
    return f"objects/sha256/{digest[:2]}/{digest}"


@functools.cache
def _validator(predicate_type: str) -> Draft202012Validator:
    schema = HERE / "schemas" / _SCHEMAS[predicate_type]
    return Draft202012Validator(json.loads(schema.read_bytes()))
