"""Profiles: what a legal instrument, or plain practice, makes of findings. The only place where thresholds live.

A profile is one YAML file here, held to `data/schemas/profile.schema.json`: requirements made of elements, each
answered by the machine, by a declaration or by a document. To add one: the file and one line in PROFILES. What they
make of findings and declarations is decided in `judgement`.
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

PROFILES = ("baseline", "cn-interim-measures")
"""The profiles there are, by the name of their file."""


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
        source: the bytes of its file, which a ledger keeps: a verdict is read with the thresholds of its day.
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
    source: bytes = b""

    @property
    def name_of_file(self) -> str:
        """Return what its file is called in a ledger."""
        return f"profile-{self.name}.yaml"


@cache
def load(name: str) -> Profile:
    """Read one profile.

    Args:
        name: one of PROFILES.

    Raises:
        ProfileError: there is no such profile, or its file breaks the schema.
    """
    if name not in PROFILES:
        raise ProfileError(f"there is no profile {name!r}; there are: {', '.join(PROFILES)}")
    return parse(name, Path(__file__).with_name(f"{name.replace('-', '_')}.yaml").read_bytes())


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
        held = parse_yaml(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProfileError(f"profile {name} is not YAML: {' '.join(str(error).split())}") from error
    schema = json.loads((DATA_FOLDER / "schemas" / "profile.schema.json").read_text(encoding="utf-8"))
    fault = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(held))
    if fault is not None:
        raise ProfileError(f"profile {name}: at {fault.json_path}: {fault.message}")
    if held["profile"] != name:
        raise ProfileError(f"profile {name}: at $.profile: it calls itself {held['profile']!r}")
    _check_ids(name, held)
    return Profile(
        name=name,
        version=held["version"],
        title=held["title"],
        digest=sha256(data),
        minimum_shingles=held.get("minimum", {}).get("shingles", 1),
        requirements=tuple(held["requirements"]),
        title_zh=held.get("title_zh"),
        scope=held.get("scope"),
        references=tuple(held.get("references", ())),
        source=data,
    )


def _check_ids(name: str, held: Mapping[str, Any]) -> None:
    """A declaration names an element by two ids: they must lead to one place."""
    ids = [(each["id"], element.get("id")) for each in held["requirements"] for element in each["elements"]]
    named = [each for each in ids if each[1] is not None]
    if len({each["id"] for each in held["requirements"]}) < len(held["requirements"]) or len(set(named)) < len(named):
        raise ProfileError(f"profile {name}: at $.requirements: an id stands twice")
    scope = held.get("scope")
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
    return {name: load(name).title for name in PROFILES}
