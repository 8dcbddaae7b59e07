"""Profiles: what a legal instrument, or plain practice, makes of findings. The only place where thresholds live.

A profile is one YAML file here, held to `data/schemas/profile.schema.json`: requirements made of elements, each
answered by the machine, by a declaration or by a document. To add one: the file, whose key `order` says where it
stands among the others. What they make of findings and declarations is decided in `judgement`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from provenance.core.digests import sha256
from provenance.core.package_data import DATA_FOLDER, parse_yaml
from provenance.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDERS: tuple[Path, ...] = (Path(__file__).parent,)
"""Where profiles stand, each in a file of its name."""

LAST = 1 << 30
"""The order of a profile that states none, as those did that old ledgers hold."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, read and checked.

    Args:
        name: as on the command line.
        version: of its rules.
        title: for reports.
        digest: SHA-256 of its file, hexadecimal.
        minimum_shingles: distinctive shingles that a match must rest on to count as evidence.
        requirements: as the schema has them.
        title_zh: for reports in Chinese.
        scope: the declaration that decides whether it applies at all, as the schema has it.
        references: where to look the instrument up.
        order: where it stands among the others in lists.
        source: the bytes of its file, which a ledger keeps: a result is read with the thresholds of its day.
    """

    name: str
    version: int
    title: str
    digest: str
    minimum_shingles: int
    requirements: tuple[dict[str, Any], ...]
    title_zh: str | None = None
    scope: Mapping[str, str] | None = None
    references: tuple[str, ...] = ()
    order: int = LAST
    source: bytes = b""

    @property
    def name_of_file(self) -> str:
        """Return what its file is called in a ledger."""
        return f"profile-{self.name}.yaml"


def load(name: str) -> Profile:
    """Read one profile.

    Args:
        name: one of `names`.

    Raises:
        ProfileError: there is no such profile, or its file breaks the schema.
    """
    path = _files().get(name)
    if path is None:
        raise ProfileError(f"there is no profile {name!r}; there are: {', '.join(names())}")
    return _read(name, path)


@cache
def _read(name: str, path: Path) -> Profile:
    return parse(name, path.read_bytes())


def _files() -> dict[str, Path]:
    """Return the file of each profile, by its name."""
    return {path.stem.replace("_", "-"): path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))}


def names() -> tuple[str, ...]:
    """Return the names of the profiles there are, in their order.

    Raises:
        ProfileError: a file breaks the schema.
    """
    return tuple(sorted(_files(), key=lambda name: (load(name).order, name)))


def parse(name: str, data: bytes) -> Profile:
    """Read a profile's bytes.

    Args:
        name: the name that it must give itself.
        data: YAML.

    Raises:
        ProfileError: it is no YAML, breaks the schema, or has another name; the message says where.
    """
    import jsonschema

    try:
        document = parse_yaml(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {name} is not YAML: {' '.join(str(error).split())}") from error
    schema = json.loads((DATA_FOLDER / "schemas" / "profile.schema.json").read_text(encoding="utf-8"))
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(document))
    if fault is not None:
        raise ProfileError(f"profile {name}: at {fault.json_path}: {fault.message}")
    if document["profile"] != name:
        raise ProfileError(f"profile {name}: at $.profile: it calls itself {document['profile']!r}")
    _check_ids(name, document)
    return Profile(
        name=name,
        version=document["version"],
        title=document["title"],
        digest=sha256(data),
        minimum_shingles=document.get("minimum", {}).get("shingles", 1),
        requirements=tuple(document["requirements"]),
        title_zh=document.get("title_zh"),
        scope=document.get("scope"),
        references=tuple(document.get("references", ())),
        order=document.get("order", LAST),
        source=data,
    )


def _check_ids(name: str, document: Mapping[str, Any]) -> None:
    """A declaration names an element by two ids: they must lead to one place."""
    ids = [(each["id"], element.get("id")) for each in document["requirements"] for element in each["elements"]]
    named = [each for each in ids if each[1] is not None]
    if len({each["id"] for each in document["requirements"]}) < len(document["requirements"]) or len(set(named)) < len(
        named
    ):
        raise ProfileError(f"profile {name}: at $.requirements: an id stands twice")
    scope = document.get("scope")
    if scope is not None and (scope["requirement"], scope["element"]) not in named:
        raise ProfileError(f"profile {name}: at $.scope: it names no element of a requirement")


def questions(profile: Profile) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield what a responsible person is asked: requirement and element."""
    for requirement in profile.requirements:
        for element in requirement["elements"]:
            if element["by"] != "machine":
                yield requirement, element


def checks(profile: Profile) -> Iterable[tuple[dict[str, Any], int, str, dict[str, Any]]]:
    """Yield every rule of a profile: requirement, number of its element, check, rule."""
    for requirement in profile.requirements:
        for number, element in enumerate(requirement["elements"], 1):
            for check, rule in element.get("checks", {}).items():
                yield requirement, number, check, rule


def list_profiles() -> dict[str, str]:
    """Return every profile's name with its title."""
    return {name: load(name).title for name in names()}
