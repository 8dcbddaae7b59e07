"""Croissant: data sets described in JSON-LD, versions 0.8 to 1.1, with the vocabulary for responsible AI.

Source: MLCommons, Croissant Format Specification 1.0 and 1.1; Croissant RAI Specification 1.0.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.licences.expressions import find_restrictions
from provenance.readers.manifests import croissant_rules
from provenance.readers.manifests.json_ld import as_list, texts, types, with_plain_names
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import (
    describes_folder,
    folder,
    identity,
    inside,
    load_json,
    remote,
    sha256,
)

_LINKED = ("@value", "url", "@id", "name")
_CALLED = ("@value", "name", "url", "@id")
_FIELDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("name", "name", _CALLED), ("description", "description", _CALLED), ("licence", "license", _LINKED),
    ("metadata-licence", "sdLicense", _LINKED), ("metadata-licence", "sdLicence", _LINKED), ("url", "url", _LINKED),
    ("same-as", "sameAs", _LINKED), ("creator", "creator", _CALLED), ("publisher", "publisher", _CALLED),
    ("published", "datePublished", _CALLED), ("revision", "version", _CALLED), ("citation", "citeAs", _CALLED),
    ("citation", "citation", _CALLED), ("upstream", "wasDerivedFrom", ("@id", "url", "name")),
    ("usage", "usageInfo", ("termCode", "@id", "url", "name")),
    ("personal_data.note", "personalSensitiveInformation", _CALLED), ("collection.method", "dataCollection", _CALLED),
    ("collection.type", "dataCollectionType", _CALLED), ("collection.period", "dataCollectionTimeframe", _CALLED),
)  # fmt: skip
_CONDITIONS = ("usageInfo", "conditionsOfAccess", "dataLimitations", "dataUseCases", "personalSensitiveInformation")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,3}")
_PARTIES = {"Person": "person"} | dict.fromkeys(
    (
        "Organization", "Corporation", "EducationalOrganization", "CollegeOrUniversity", "GovernmentOrganization",
        "ResearchOrganization", "NGO", "Consortium", "Library", "NewsMediaOrganization", "Project", "ResearchProject",
        "FundingAgency",
    ), "organisation",
)  # fmt: skip
_DIGESTS = ("sha256", "md5", "sha1")

Stated = list[tuple[str, str, str, str]]


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a Croissant description.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "croissant".

    Returns:
        Claims `source`; `members`, the files and patterns of its distribution that are paths, unless it is the folder's
        only one (`metadata.json`, `croissant.json`) and others of its files are addresses: then it covers its folder,
        and its paths are `file`; `remote`, its addresses; `sha256`, `sha256-malformed`, `md5`, `bytes` of a path,
        `upstream-sha256` of an address; and the fields above. Another that names no path covers itself alone. A licence
        of the metadata (sdLicense) is not one of the data. Pointers name keys without prefixes: /license is that of
        `sc:license` as well.

    Raises:
        ManifestError: not JSON, no data set, or a rule of the format is broken (`croissant_rules.check`).
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    dataset, root = _dataset(path, document)
    croissant_rules.check(path, dataset)
    scope = folder(path)
    nodes = {key: node for node in as_list(dataset.get("distribution")) for key in croissant_rules.names(node)}
    stated: Stated = []
    for i, node in enumerate(as_list(dataset.get("distribution"))):
        stated += _distributed(path, node, f"{root}/distribution/{i}", nodes)
    named = {field for field, *_ in stated} & {"file", "remote"}
    whole = describes_folder(path) and named != {"file"}
    claims = [Claim("source", identity(path), scope, format, root or "/")]
    if not (whole or "file" in named):  # one of several in its folder, which names nothing there
        scope, claims = path, []
    claims += [
        Claim("members" if field == "file" and not whole else field, value, place or scope, format, at, "data")
        for field, value, place, at in stated
    ]
    return claims + [
        Claim(field, value, scope, format, at, "data", party=_party(dataset, at.removeprefix(root)))
        for field, value, at in _about(dataset, root)
    ]


def _party(dataset: dict[str, Any], pointer: str) -> str:
    """Say whether a value names a person or an organisation, by the type of the node that it stands in."""
    node: Any = dataset
    party = ""
    for part in pointer.split("/")[1:]:
        if isinstance(node, list):
            node = node[int(part)] if part.isdigit() and int(part) < len(node) else None
        elif isinstance(node, dict):
            node = node.get(part.replace("~1", "/").replace("~0", "~"))
        party = next((_PARTIES[each] for each in types(node) if each in _PARTIES), party)
    return party


def _dataset(path: str, document: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the node that is the data set, and its pointer."""
    for i, node in enumerate(as_list(document.get("@graph"))):
        if isinstance(node, dict) and "Dataset" in types(node):
            return with_plain_names({"@context": document.get("@context")} | node), f"/@graph/{i}"
    if "Dataset" not in types(document):
        raise ManifestError(f"{path}: at /@type, there is no schema.org/Dataset")
    return with_plain_names(document), ""


def _about(dataset: dict[str, Any], root: str) -> list[tuple[str, str, str]]:
    """List field, value and pointer of what is said of the data set as a whole."""
    found = [
        (field, value, at)
        for field, key, keys in _FIELDS
        for value, at in texts(dataset.get(key), f"{root}/{key}", keys)
        if field != "licence"
    ]
    found += [("licence", *each) for each in _licences(dataset.get("license"), f"{root}/license")]
    found += [
        ("licence", part.strip()[:390], at)
        for key in _CONDITIONS
        for value, at in texts(dataset.get(key), f"{root}/{key}", _CALLED)
        for part in re.split(r"(?<=[.!?。])\s+|\n", value)
        if find_restrictions(part)
    ]
    found += [
        ("language", value, at)
        for value, at in texts(dataset.get("inLanguage"), f"{root}/inLanguage", ("@value", "alternateName", "name"))
        if _LANGUAGE.fullmatch(value)
    ]
    known = {key for _, key, _ in _FIELDS}
    found += [
        (f"rai.{key}", value, at)
        for key in croissant_rules.RESPONSIBLE
        if key not in known
        for value, at in texts(dataset.get(key), f"{root}/{key}", _CALLED)
    ]
    return found


def _licences(value: Any, pointer: str) -> list[tuple[str, str]]:
    """List licences: of one written as an object its address, and its name where that is another licence."""
    if isinstance(value, list):
        return [each for i, item in enumerate(value[:1000]) for each in _licences(item, f"{pointer}/{i}")]
    written = [each for key in _LINKED for each in texts(value, pointer, (key,))]
    return choose_names(list(dict.fromkeys(written)))


def _distributed(path: str, node: dict[str, Any], pointer: str, nodes: dict[str, Any]) -> Stated:
    """List field, value, scope (None = the whole) and pointer of one file or set of files."""
    home = folder(path).removeprefix("./")
    chain = _list_containers(node, nodes)
    outer = chain[-1] if chain else None
    if "FileSet" in types(node):
        if outer is not None:  # a part of an archive or repository, which is listed itself
            return []
        return [
            ("file", home + inside(path, glob, at), "", at)
            for glob, at in texts(node.get("includes"), f"{pointer}/includes")
        ]
    places = texts(node.get("contentUrl"), f"{pointer}/contentUrl")
    if not places:
        return []
    place, at = places[0]
    around = next((url for each in chain for url, _ in texts(each.get("contentUrl"), "") if remote(url)), "")
    if remote(place) or around:
        address = place if remote(place) else f"{around}#{place}"
        return [("remote", address, "", at), *_upstream(node, address, pointer)]
    if outer is not None or croissant_rules.references(node.get("containedIn")):  # what it does not describe, too
        return []
    member = home + inside(path, unquote(place), at)
    licences = [
        ("licence", value, member, where) for value, where in _licences(node.get("license"), f"{pointer}/license")
    ]
    return [("file", member, "", at), *_digests(node, member, pointer), *licences]


def _list_containers(node: dict[str, Any], nodes: dict[str, Any]) -> list[dict[str, Any]]:
    """List what a file or set of files is contained in, the outermost last."""
    chain: list[dict[str, Any]] = []
    seen: set[str] = set()
    for _ in range(20):
        here = [name for name in croissant_rules.references(node.get("containedIn")) if name in nodes]
        if not here or here[0] in seen:
            break
        seen.add(here[0])
        node = nodes[here[0]]
        chain.append(node)
    return chain


def _digests(node: dict[str, Any], member: str, pointer: str) -> Stated:
    found: Stated = []
    for key in _DIGESTS:
        for value, at in texts(node.get(key), f"{pointer}/{key}"):
            digest = sha256(value) if key == "sha256" else value.lower()
            found.append((key if digest else "sha256-malformed", (digest or value)[:200], member, at))
    for value, at in texts(node.get("contentSize"), f"{pointer}/contentSize"):
        size = re.fullmatch(r"(\d{1,18})(?: ?B)?", value)
        found += [("bytes", size[1], member, at)] if size else []
    return found


def _upstream(node: dict[str, Any], address: str, pointer: str) -> Stated:
    """State the digest of what is at an address: whichever file here has it is that file."""
    found: Stated = []
    for value, at in texts(node.get("sha256"), f"{pointer}/sha256"):
        digest = sha256(value)
        field = "upstream-sha256" if digest else "sha256-malformed"
        found.append((field, f"{digest or value[:100]} {address}", "", at))
    return found


_OWN_NAMES = re.compile(rb"mlcommons\.org/croissant|\"(?:sc:)?recordSet\"|\"cr:")
_DATASET = re.compile(rb"\"@type\"\s*:\s*\"(?:sc:)?Dataset\"")


def _names_croissant(_path: str, head: bytes) -> bool:
    return b'"@context"' in head and _OWN_NAMES.search(head) is not None


def _describes_dataset(_path: str, head: bytes) -> bool:
    """JSON-LD of a data set by schema.org alone is read as well, unless it is another vocabulary's."""
    return b'"@context"' in head and _DATASET.search(head) is not None


MANIFEST_FORMAT = ManifestFormat(
    "croissant",
    read,
    suffixes=("json", "jsonld"),
    sniff=_names_croissant,
    guess=_describes_dataset,
    list_of_nodes=True,
    inline=("rows",),
    names_members=True,
)
