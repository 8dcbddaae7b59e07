"""Forms: what a person writes to have it signed, in YAML with a closed vocabulary.

A form is held to its published schema and may hold no address or number of a person: it goes into a ledger, which
forgets nothing. Documents that it names stay with their owner; only their digests go in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.core.package_data import DATA_FOLDER
from provenance.detectors import personal_data
from provenance.errors import ConfigError, ManifestError
from provenance.readers.manifests.yaml_documents import load
from provenance.readers.storage import open_regular, regular_files
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    import jsonschema
    from referencing import Registry

MOST_BYTES = 1 << 20
"""Bytes of the largest form that is read."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was read and holds to its schema.

    Args:
        path: where it was read from.
        value: what stands in it.
        lines: JSON pointer (RFC 6901) -> line.
        source: its bytes.
    """

    path: Path
    value: Any
    lines: Mapping[str, int]
    source: bytes

    def at(self, *parts: str | int) -> str:
        """Say where a value stands, for a message: file, JSON pointer and line."""
        return f"{self.path}: at {_where(parts, self.lines)}"


def read_form(path: Path, schema: str) -> Form:
    """Read a form.

    Args:
        path: the file.
        schema: name of its schema in `data/schemas/`, without the ending.

    Returns:
        The form.

    Raises:
        ConfigError: it cannot be read, breaks its schema, or holds an address or number of a person; the sentence says
            where.
    """
    return validate(load_form(path), schema)


def validate(form: Form, schema: str) -> Form:
    """Hold a form to its schema.

    Args:
        form: as it was read.
        schema: name of its schema in `data/schemas/`, without the ending.

    Returns:
        The form.

    Raises:
        ConfigError: it breaks its schema; the sentence says where.
    """
    import jsonschema

    fault = jsonschema.exceptions.best_match(_validator(schema).iter_errors(form.value))
    if fault is not None:
        raise ConfigError(f"{form.at(*fault.absolute_path)}: {_sentence(fault)}")
    return form


def load_form(path: Path) -> Form:
    """Read a form that is not held to a schema yet.

    Args:
        path: the file.

    Returns:
        The form; its value is whatever stands in it.

    Raises:
        ConfigError: it cannot be read, or holds an address or number of a person.
    """
    data = _bytes(path)
    refuse_personal_data(path, data)
    try:
        value, lines = load(path.name, data.decode("utf-8-sig"), typed=True)
    except (ManifestError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return Form(path, value, lines, data)


def refuse_personal_data(name: Path | str, data: bytes) -> None:
    """Refuse what goes into the ledger, which forgets nothing, and holds an address or number of a person.

    Args:
        name: of the form, for messages.
        data: its bytes.

    Raises:
        ConfigError: it does; the sentence says in which line.
    """
    for value in personal_data.find_values(data):
        if value.state == "personal":
            line = data.count(b"\n", 0, value.start) + 1
            raise ConfigError(
                f"{name}: line {line} holds what looks like personal data ({value.kind}); a ledger forgets nothing: "
                "leave it out, or put it into a document, of which only the digest is kept"
            )


def parse_day(text: str, where: object) -> date:
    """Read a day.

    Args:
        text: ISO 8601, as 2026-01-31.
        where: where it stands, for messages.

    Raises:
        ConfigError: there is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {text} is no date: write it as 2030-01-31") from error


def check_date(form: Form, noun: str) -> None:
    """Hold a form to a date that does not lie ahead.

    Args:
        form: with a `date`.
        noun: what it is, with its article.

    Raises:
        ConfigError: there is no such day, or it lies ahead.
    """
    text = form.value["date"]
    if parse_day(text, form.path) > datetime.now(UTC).date() + timedelta(days=1):  # it is tomorrow somewhere
        raise ConfigError(f"{form.path}: at /date: {text} lies ahead; {noun} is not given in advance")


def digest_document(named: Mapping[str, str], where: str, folder: Path) -> dict[str, Any]:
    """Digest a document that a form names.

    Args:
        named: `file`, relative to the form, and `sha256` if it is to be compared.
        where: where it stands, for messages.
        folder: of the form.

    Returns:
        Name, bytes and digest: all that goes into the ledger.

    Raises:
        ConfigError: it is not there, empty, or another one.
    """
    name = named["file"]
    path = folder / name
    if Path(name).is_absolute():
        raise ConfigError(f"{where}: name the document {name} relative to the form")
    try:
        if not path.is_file():
            raise ConfigError(f"{where}: the document {name} is not there")
        size = path.stat().st_size
        with open_regular(path) as file:
            digest, _ = regular_files.digest_file(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: the document {name} cannot be read") from error
    if not size:
        raise ConfigError(f"{where}: the document {name} is empty")
    if named.get("sha256", digest) != digest:
        raise ConfigError(f"{where}: the document {name} has the SHA-256 {digest}, not the one that is written there")
    return {"name": name, "bytes": size, "digest": {"sha256": digest}}


def _bytes(path: Path) -> bytes:
    try:
        data = read_head(path, MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{path} is larger than {MOST_BYTES:,} bytes, which no form is")
    return data


def _where(path: Any, lines: Mapping[str, int]) -> str:
    pointer = "".join(f"/{part}" for part in path)
    return f"{pointer or '/'}, line {lines.get(pointer, 1)}"


def _sentence(fault: Any) -> str:
    if fault.validator in ("additionalProperties", "required"):
        return _keys(fault)
    expected = fault.schema.get("description")
    if fault.instance is None:
        sentence = "it is not filled in"
    elif fault.validator == "pattern":
        sentence = f"{str(fault.instance)[:80]!r} is not written as it must be"
    else:
        sentence = str(fault.message)[:200]
    return f"{sentence}{f'; expected: {expected}' if expected else ''}"


def _keys(fault: Any) -> str:
    """Say which keys are strange and which are missing: of a misspelt one, both."""
    allowed = sorted(fault.schema.get("properties", {}))
    unknown = sorted(set(fault.instance) - set(allowed)) if allowed else []
    missing = [name for name in fault.schema.get("required", ()) if name not in fault.instance]
    sentences = (
        [f"{', '.join(map(repr, unknown))} is not a key here; allowed are {', '.join(allowed)}"] if unknown else []
    )
    return "; ".join([*sentences, *(f"{name!r} is missing" for name in missing)])


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    import jsonschema

    return jsonschema.Draft202012Validator(_schema(name), registry=_registry())


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    shared = _schema("forms/form")
    made: Registry[Any] = Registry().with_resource(shared["$id"], DRAFT202012.create_resource(shared))
    return made


def _schema(name: str) -> Any:
    return json.loads((DATA_FOLDER / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
