"""The native manifest, `provenance.yaml`: what its author knows of each source, in a closed vocabulary.

Source: `data/schemas/native-manifest.schema.json` (JSON Schema 2020-12), which editors can check against as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema

from provenance.core import package_data as tables
from provenance.core.model import DOCUMENTS, Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import decode, folder, inside, load

_PLAIN = (
    "name",
    "kind",
    "url",
    "owner",
    "creator",
    "acquired",
    "first_used",
    "revision",
    "country",
    "modality",
    "crawler",
)
_MAPPINGS = ("generator", "contract", "collection", "consent", "collected", "tokens", "personal_data")

Stated = tuple[str, str, str, str, str | None]  # field, value, pointer below the source's, subject, date


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002, ARG001 - the family's signature
    """Read a native manifest.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "native".

    Returns:
        For each source the claim `source` (value: its id) and one claim for each statement; pointers are JSON pointers.
        A source's scope is its `path` below the manifest's folder; `members` claims say which files of it are meant.
        Of a mapping such as `contract`, each key is a claim `contract.<key>`; a document's `file` is relative to the
        manifest's folder, and its digest is claimed of that path as well.

    Raises:
        ManifestError: it breaks the schema, a source id stands twice, or a path leads out of the folder.
    """
    manifest, lines = load(path, decode(path, data), typed=True)
    _validate(path, manifest, lines)
    home = folder(path).removeprefix("./")
    claims: list[Claim] = []
    seen: set[str] = set()
    for i, source in enumerate(manifest["sources"]):
        pointer = f"/sources/{i}"
        if source["id"] in seen:
            raise ManifestError(f"{path}: at {pointer}/id, the source id {source['id']!r} stands twice")
        seen.add(source["id"])
        claims += _source(path, home, source, pointer)
    return claims


@cache
def _validator() -> Any:
    schema = json.loads((tables.DATA_FOLDER / "schemas/native-manifest.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _validate(path: str, manifest: Any, lines: dict[str, int]) -> None:
    error = jsonschema.exceptions.best_match(_validator().iter_errors(manifest))
    if error is None:
        return
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    where = f"{pointer or '/'}, line {lines.get(pointer, 1)}"
    raise ManifestError(f"{path}: at {where}: {_sentence(error)}")


def _sentence(error: Any) -> str:
    """Say what is wrong; a value is never quoted, for it may be anybody's name or secret."""
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed))
        return f"{', '.join(map(repr, unknown))} is not a key here; allowed are {', '.join(allowed)}"
    if error.validator == "enum":
        return f"its value is not allowed; allowed are {', '.join(map(str, error.validator_value))}"
    expected = error.schema.get("description")
    sentence = _FAULTS.get(error.validator, "it is not as it must be")
    if error.validator == "type":
        sentence = f"it is not of type {error.validator_value}"
    elif error.validator == "required":  # its message names keys of the schema alone
        sentence = str(error.message)[:200]
    return f"{sentence}{f'; expected: {expected}' if expected else ''}"


_FAULTS = {
    "pattern": "it is not written as it must be",
    "const": "it is another value",
    "minLength": "it is empty",
    "maxLength": "it is too long",
    "minItems": "it is an empty list",
    "maxItems": "the list is too long",
    "maxProperties": "it has too many keys",
    "minProperties": "it has no key",
    "minimum": "the number is too small",
    "maximum": "the number is too large",
    "uniqueItems": "a value stands in it twice",
    "oneOf": "it is none of the forms that are allowed here",
    "anyOf": "it is none of the forms that are allowed here",
}
"""What is wrong with a value, by the keyword of JSON Schema that it breaks."""


def _source(path: str, home: str, source: dict[str, Any], pointer: str) -> list[Claim]:
    below = inside(path, source.get("path", "."), f"{pointer}/path")
    scope = f"{home}{below}/" if below else (home or "./")
    stated: list[Stated] = [("source", source["id"], "/id", "any", None)]
    stated += [(field, str(source[field]), f"/{field}", "data", None) for field in _PLAIN if field in source]
    for field, key in (("language", "languages"), ("upstream", "upstream"), ("members", "files")):
        stated += [(field, value, f"/{key}/{i}", "data", None) for i, value in enumerate(source.get(key, []))]
    stated += _licences(source.get("licence"))
    stated += [
        (f"signal.{key}", str(value), f"/signals/{i}/{key}", "data", None)
        for i, signal in enumerate(source.get("signals", []))
        for key, value in signal.items()
    ]
    stated += [
        ("view", f"{column}={role}", f"/views/{column}", "data", None)
        for column, role in source.get("views", {}).items()
    ]
    for field in _MAPPINGS:
        stated += _mapping(field, source.get(field), f"/{field}")
    stated += _mapping("filter", source.get("filters"), "/filters")
    claims = [
        Claim(field, value, scope, "native", pointer + at, subject, date) for field, value, at, subject, date in stated
    ]
    claims = [_member(path, claim, scope) if claim.field == "members" else claim for claim in claims]
    claims = [_document(path, claim) if claim.field in DOCUMENTS else claim for claim in claims]
    claims += _digests(home, claims)
    for name, digest in source.get("sha256", {}).items():
        at = f"{pointer}/sha256/{name.replace('~', '~0').replace('/', '~1')}"
        member = inside(path, name, at)
        claims.append(Claim("sha256", digest.lower(), scope.removeprefix("./") + member, "native", at, "data"))
    return claims


def _mapping(field: str, value: Any, at: str) -> list[Stated]:
    """State each key of a mapping, of each of a list of them, and each item of a list below a key."""
    if isinstance(value, list):
        return [each for i, item in enumerate(value) for each in _mapping(field, item, f"{at}/{i}")]
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in _mapping(f"{field}.{key}", item, f"{at}/{key}")]
    return [] if value is None else [(field, str(value), at, "data", None)]


def _licences(value: Any) -> list[Stated]:
    if value is None:
        return []
    found: list[Stated] = []
    for i, each in enumerate(value if isinstance(value, list) else [value]):
        at = f"/licence/{i}" if isinstance(value, list) else "/licence"
        if isinstance(each, str):
            found.append(("licence", each, at, "data", None))
            continue
        key = next(key for key in ("expression", "text", "url", "file") if key in each)
        field = "licence-file" if key == "file" else "licence"
        since = None if each.get("since") is None else str(each["since"])
        found += [(field, each[key], f"{at}/{key}", subject, since) for subject in each.get("covers", ["data"])]
    return found


def _member(path: str, claim: Claim, scope: str) -> Claim:
    member = inside(path, claim.value, claim.pointer)
    return Claim(claim.field, scope.removeprefix("./") + member, scope, claim.witness, claim.pointer, claim.subject)


def _document(path: str, claim: Claim) -> Claim:
    return replace(claim, value=inside(path, claim.value, claim.pointer))


def _digests(home: str, claims: list[Claim]) -> list[Claim]:
    """Claim the digests of documents of the paths where they are said to be."""
    files = {claim.pointer.removesuffix("/file"): claim.value for claim in claims if claim.field in DOCUMENTS}
    return [
        replace(claim, field="sha256", value=claim.value.lower(), scope=home + files[place])
        for claim in claims
        if claim.field.endswith(".sha256") and (place := claim.pointer.removesuffix("/sha256")) in files
    ]


MANIFEST_FORMAT = ManifestFormat(
    "native",
    read,
    names=re.compile(r"provenance\.ya?ml", re.IGNORECASE),
    suffixes=("yaml", "yml"),
    own=True,
    entry_depth=3,  # /sources/0
)
