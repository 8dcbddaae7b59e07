"""Corpus XML of the Natural Language Toolkit: one `package` element, whose attributes say everything, beside its zip.

Source: nltk/nltk_data, packages/*/*.xml; nltk/downloader.py, class Package.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import folder, inside

DEEPEST = 40
"""Levels of elements; a package needs one."""

_PLAIN = {
    "name": "name", "author": "creator", "contact": "contact", "copyright": "copyright", "version": "revision",
    "languages": "language-name", "note": "description",
}  # fmt: skip


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the description of a corpus.

    Args:
        path: the file's path.
        data: its bytes.
        format: "nltk-xml".

    Returns:
        Claims `source`, `members` (the zip of its id beside it), and what its attributes state; pointers are
        /package/@attribute. A licence is free text; without the attribute none is stated.

    Raises:
        ManifestError: not XML, a document type is declared, or there is no id.
    """
    kind, stated = _root(path, data)
    id_ = stated.get("id", "")
    if not id_:
        raise ManifestError(f"{path}: at /{kind}, there is no id")
    scope = folder(path)
    home = scope.removeprefix("./")
    archive = home + inside(path, f"{id_}.zip", f"/{kind}/@id")

    def claim(field: str, value: str, attribute: str, where: str = scope) -> Claim:
        return Claim(field, value[:2000], where, format, f"/{kind}/@{attribute}", "data")

    claims = [claim("source", f"{home}{id_}", "id"), claim("members", archive, "id")]
    claims += [claim("licence", stated[each], each) for each in ("license", "licenseurl") if stated.get(each)]
    claims += [claim(field, stated[each], each) for each, field in _PLAIN.items() if stated.get(each)]
    owner = _owner(stated.get("copyright", ""))
    claims += [claim("owner", owner, "copyright")] if owner else []
    claims += [claim("url", stated[each], each) for each in ("webpage", "url") if stated.get(each)]
    if re.fullmatch(r"[0-9a-fA-F]{32}", stated.get("checksum", "")):
        claims.append(claim("md5", stated["checksum"].lower(), "checksum", archive))
    if re.fullmatch(r"\d{1,18}", stated.get("size", "")):
        claims.append(claim("bytes", stated["size"], "size", archive))
    return claims


def _owner(notice: str) -> str:
    """Return whom a copyright notice names, without "Copyright (C) 1995"; nobody where it says public domain."""
    name = re.sub(r"^(?:copyright\b|\(c\)|©|\d{4}\b|by\b|[\s,;:-]+)+", "", notice, flags=re.IGNORECASE).strip()
    return "" if re.search(r"public domain", name, re.IGNORECASE) else name


def _root(path: str, data: bytes) -> tuple[str, dict[str, str]]:
    """Return the root element's name and attributes; the rest is read only to know that it is XML.

    Nothing is expanded and nothing is fetched: a document type, which alone declares entities, is refused as it begins.
    """
    found: list[tuple[str, dict[str, str]]] = []
    depth = [0]

    def begin(name: str, attributes: dict[str, str]) -> None:
        depth[0] += 1
        if depth[0] > DEEPEST:
            raise ManifestError(f"{path} nests deeper than a manifest needs")
        if not found:
            found.append((name, {key: " ".join(value.split()) for key, value in attributes.items()}))

    def end(_name: str) -> None:
        depth[0] -= 1

    def refuse(*_declared: Any) -> None:
        raise ManifestError(f"{path} declares a document type; a manifest needs none, and it is not read")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ManifestError(f"{path} is not XML: {expat.ErrorString(error.code)}, line {error.lineno}") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know
        raise ManifestError(f"{path} is not XML that can be decoded") from error
    return found[0]


_ROOT = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,4000}?-->\s*)?<(\w+)", re.DOTALL)


def _is_package(_path: str, head: bytes) -> bool:
    root = _ROOT.match(head)
    attributes = b'id="' in head[:8192] or b'name="' in head[:8192]
    return root is not None and root[1] in {b"package", b"corpus"} and attributes


MANIFEST_FORMAT = ManifestFormat(
    "nltk-xml",
    read,
    suffixes=("xml",),
    guess=_is_package,
    contradicts=lambda head, size: size > len(head),  # it is one element
    names_members=True,
)
