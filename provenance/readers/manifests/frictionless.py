"""Frictionless data packages: `datapackage.json` and its kin, JSON or YAML; Kaggle's `dataset-metadata.json`.

Source: Data Package 1.0 and 2.0 (datapackage.org), Data Package and Data Resource; Kaggle API, Dataset Metadata, which
is a data package whose resources may be left out.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name
from provenance.readers.manifests.yaml_documents import (
    decode,
    describes_folder,
    escape,
    folder,
    identity,
    inside,
    load,
    load_json,
    remote,
    sha256,
    strings,
)

_NAMED = ("title", "name", "path")
_PLAIN = (
    ("name", "title"), ("name", "name"), ("url", "homepage"), ("revision", "version"), ("published", "created"),
    ("description", "description"), ("creator", "organization"),
)  # fmt: skip

Stated = list[tuple[str, str, str]]
Places = list[tuple[str, str]]


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a data package.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "frictionless".

    Returns:
        Claims `source`; `members`, its resources' paths, unless it is the folder's only package and some of them are
        addresses: then it covers its folder, and its paths are `file`; `remote`, its addresses; `licence` (of a
        resource its own, else the package's), `upstream` (sources), `creator` (contributors), `sha256`, `md5`, `bytes`,
        `encoding`, and what it calls itself. Another that names no path covers itself alone.

    Raises:
        ManifestError: not JSON or YAML, no list of resources, or a path that leads out of the package's folder.
    """
    yaml = path.lower().endswith((".yaml", ".yml"))
    package = load(path, decode(path, data))[0] if yaml else load_json(path, data)
    if not isinstance(package, dict):
        raise ManifestError(f"{path} is not an object")
    kaggle = file_name(path) == _KAGGLE
    resources = package.get("resources", [] if kaggle else None)
    if not isinstance(resources, list) or any(not isinstance(each, dict | str) for each in resources):
        raise ManifestError(f"{path}: at /resources, there is no list of resources")
    scope = folder(path)
    listed = [_resource(path, each, i) for i, each in enumerate(resources) if isinstance(each, dict)]
    here = any(files for files, _, _ in listed)
    whole = describes_folder(path) and (not here or any(addresses for _, addresses, _ in listed))
    claims = [Claim("source", identity(path), scope, format, "/")]
    if not (here or whole):  # one of several in its folder, which names nothing there
        scope, claims = path, []
    for files, addresses, stated in listed:
        claims += [Claim("file" if whole else "members", file, scope, format, at, "data") for file, at in files]
        claims += [Claim("remote", address, scope, format, at, "data") for address, at in addresses]
        claims += [
            Claim(field, value, file if field in _OF_FILES else scope, format, at, "data")
            for field, value, at in ([_of_parts(*each) for each in stated] if len(files) > 1 else stated)
            for file, _ in (files if field in _OF_FILES else [("", "")])
        ]
    own = _of_package(package) + (_of_kaggle(package) if kaggle else [])
    narrower = [files for files, _, stated in listed if any(field == "licence" for field, _, _ in stated)]
    licensed = {file for files in narrower for file, _ in files}
    rest = [file for files, _, _ in listed for file, _ in files if file not in licensed]
    for field, value, at in own:
        narrow = field == "licence" and licensed
        party = "organisation" if at.startswith("/organization") else ""
        claims += [
            Claim(field, value, place, format, at, "data", party=party) for place in (rest if narrow else [scope])
        ]
    return claims


_OF_FILES = {"licence", "sha256", "sha256-malformed", "md5", "digest", "bytes", "encoding"}


def _of_parts(field: str, value: str, at: str) -> tuple[str, str, str]:
    """What is stated of a resource in several parts holds for each, but for digest and size, which are the whole's."""
    return (
        ("whole-bytes" if field == "bytes" else "whole-digest", value, at) if field in _OF_WHOLE else (field, value, at)
    )


_OF_WHOLE = {"sha256", "sha256-malformed", "md5", "digest", "bytes"}


def _resource(path: str, resource: dict[str, Any], number: int) -> tuple[Places, Places, Stated]:
    """Return files here, addresses elsewhere, and what is stated of them."""
    pointer = f"/resources/{number}"
    home = folder(path).removeprefix("./")
    places = strings(resource.get("path"), f"{pointer}/path")
    # "scheme" is Frictionless' own: s3, http, ... say that the path is none of this folder
    elsewhere = resource.get("scheme") not in {None, "", "file", "multipart"}
    addresses = [(place, at) for place, at in places if remote(place) or elsewhere]
    files = [(home + inside(path, place, at), at) for place, at in places if not (remote(place) or elsewhere)]
    stated = [("licence", value, at) for value, at in _licences(resource, pointer)]
    stated += _sources(resource, pointer)
    stated += [_digest(value, at) for value, at in strings(resource.get("hash"), f"{pointer}/hash")]
    stated += [("encoding", *each) for each in strings(resource.get("encoding"), f"{pointer}/encoding")]
    if str(resource.get("bytes", "")).isdigit():
        stated.append(("bytes", str(resource["bytes"]), f"{pointer}/bytes"))
    return files, addresses, stated


def _digest(value: str, at: str) -> tuple[str, str, str]:
    """Name a digest: of 32 hexadecimal digits without an algorithm the specification says that it is MD5."""
    algorithm, _, digits = value.rpartition(":")
    if algorithm.lower() in {"", "md5"} and len(digits) == 32:
        return "md5", digits.lower(), at
    if algorithm.lower() == "sha256":
        return ("sha256", sha256(value) or "", at) if sha256(value) else ("sha256-malformed", value[:100], at)
    return "digest", value[:200], at


def _of_package(package: dict[str, Any]) -> Stated:
    found = [("licence", value, at) for value, at in _licences(package, "")]
    found += _sources(package, "")
    found += [(field, *each) for field, key in _PLAIN for each in strings(package.get(key), f"/{key}")]
    found += [("creator", *each) for each in strings(package.get("contributors"), "/contributors", _NAMED)]
    return found


_KAGGLE = "dataset-metadata.json"


def _of_kaggle(package: dict[str, Any]) -> Stated:
    """State the address that Kaggle's identifier, `owner/name`, stands for."""
    return [
        ("url", f"https://www.kaggle.com/datasets/{value}", at)
        for value, at in strings(package.get("id"), "/id")
        if re.fullmatch(r"[\w.-]+/[\w.-]+", value)
    ]


def _sources(holder: dict[str, Any], pointer: str) -> Stated:
    keys = ("path", "title", "name", "web")
    return [("upstream", *each) for each in strings(holder.get("sources"), f"{pointer}/sources", keys)]


def _licences(holder: dict[str, Any], pointer: str) -> Places:
    """List licences: of one written as an object its name, and its address or title where they name another."""
    one, several = holder.get("license"), holder.get("licenses")
    listed = [(each, f"{pointer}/license/{i}") for i, each in enumerate(one)] if isinstance(one, list) else []
    listed += [] if isinstance(one, list) else [(one, f"{pointer}/license")]
    listed += [
        (each, f"{pointer}/licenses/{i}") for i, each in enumerate(several if isinstance(several, list) else [several])
    ]
    return [name for each, at in listed for name in _names(each, at)]


def _names(licence: Any, at: str) -> Places:
    """Return what states one licence: its name and address, and its title where that names another."""
    written = [name for key in ("name", "path", "url") for name in _one(licence, key, at)]
    title = [name for key in ("title", "type") for name in _one(licence, key, at)]
    return choose_names([*written, *title]) or strings(licence, at)


def _one(value: Any, key: str, pointer: str) -> Places:
    return strings(value.get(key), f"{pointer}/{escape(key)}") if isinstance(value, dict) else []


_RESOURCES = re.compile(rb"^resources\s*:", re.MULTILINE)


def _is_package(path: str, head: bytes) -> bool:
    name = file_name(path)
    if name == _KAGGLE:
        return b'"licenses"' in head or b'"resources"' in head or b'"title"' in head
    listed = _RESOURCES.search(head) is not None if name.endswith(("yaml", "yml")) else b'"resources"' in head
    return "package" in name and listed


MANIFEST_FORMAT = ManifestFormat(
    "frictionless",
    read,
    suffixes=("json", "jsonld", "yaml", "yml"),
    guess=_is_package,
    inline=("rows", "items", "text"),
    names_members=True,
)
