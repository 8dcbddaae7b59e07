"""RO-Crate: a folder of research data described in JSON-LD, with the licences of the whole and of single files.

Source: RO-Crate Metadata Specification 1.1, root data entity, data entities and licensing.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.json_ld import as_list, texts, types, with_plain_names
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.unread_licences import read_unread
from provenance.readers.manifests.yaml_documents import folder, inside, load_json, remote

_DESCRIPTORS = ("ro-crate-metadata.json", "ro-crate-metadata.jsonld")
_LICENCES = ("license", "usageInfo", "conditionsOfAccess")


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the description of a crate.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "ro-crate".

    Returns:
        Claims `source` and `name`, and `licence` of the root data set; `licence` of each file and folder that has its
        own, scoped to it. What is at an address is not of this folder and states nothing.

    Raises:
        ManifestError: not JSON, or it has no root data set.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    nodes = [each for each in as_list(with_plain_names(document).get("@graph")) if isinstance(each, dict)]
    known = {each["@id"]: (f"/@graph/{i}", each) for i, each in enumerate(nodes) if isinstance(each.get("@id"), str)}
    root = _find_root(path, known)
    home = folder(path)
    claims = [Claim("source", home.removesuffix("/"), home, format, known[root][0])]
    claims += [
        Claim("name", value, home, format, at, "data")
        for value, at in texts(known[root][1].get("name"), f"{known[root][0]}/name")
    ]
    for name, (pointer, node) in known.items():
        if name != root and (not {"File", "MediaObject", "Dataset"} & {*types(node)} or remote(name)):
            continue
        scope = home if name == root else _locate(path, home, name, pointer)
        subject = "code" if "SoftwareSourceCode" in types(node) else "data"
        claims += [
            Claim("licence", value, scope, format, at, subject) for value, at in _list_licences(node, pointer, known)
        ]
    return claims


def _find_root(path: str, known: dict[str, tuple[str, dict[str, Any]]]) -> str:
    """Return the id of the root data set: what the descriptor is about, else `./`."""
    about = [known[name][1].get("about") for name in _DESCRIPTORS if name in known]
    named = [each["@id"] for value in about for each in as_list(value) if isinstance(each, dict) and "@id" in each]
    for name in (*named, "./", "."):
        if isinstance(name, str) and name in known:
            return name
    raise ManifestError(f"{path} describes no root data set")


def _locate(path: str, home: str, name: str, pointer: str) -> str:
    """Return the scope of a file or folder that a crate names."""
    below = inside(path, unquote(name), pointer)
    return (home.removeprefix("./") + below + ("/" if name.endswith("/") else "")) if below else home


def _list_licences(
    node: dict[str, Any], pointer: str, known: dict[str, tuple[str, dict[str, Any]]]
) -> list[tuple[str, str]]:
    """List the licences of an entity; one that the crate describes is stated by its address and its name."""
    found = []
    for key in _LICENCES:
        for i, value in enumerate(as_list(node.get(key))):
            at = f"{pointer}/{key}" + (f"/{i}" if isinstance(node.get(key), list) else "")
            name = value.get("@id") if isinstance(value, dict) else None
            written = texts(value, at)
            if isinstance(name, str) and name in known:
                place, entity = known[name]
                keys = ("url", "identifier", "name", "description")
                described = [each for part in keys for each in texts(entity.get(part), f"{place}/{part}")]
                written = [*(written if remote(name) else []), *described]
            found += choose_names(written)
    return found


MANIFEST_FORMAT = ManifestFormat(
    "ro-crate",
    read,
    names=re.compile(r"(?:[\w.-]*-)?ro-crate-metadata\.json(?:ld)?", re.IGNORECASE),
    opens_unread=True,
    read_unread=read_unread,
)
