"""Copyright files of Debian, which REUSE also took up to version 3.2: the licence of each file, in paragraphs.

Source: Debian, machine-readable debian/copyright file, version 1.0; the last paragraph that matches a file holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provenance.readers.manifests import file_patterns
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import decode, folder

if TYPE_CHECKING:
    from provenance.core.model import Claim

_HEADER = re.compile(rb"\A\s*Format:\s*\S*copyright-format", re.IGNORECASE)
_FIELD = re.compile(r"([A-Za-z-]+):[ \t]*(.*)")
_HOMES = {".reuse", "debian"}


def is_copyright(data: bytes) -> bool:
    """Tell whether a text is in the format.

    Args:
        data: its first bytes.
    """
    return _HEADER.match(data) is not None


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a copyright file.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "debian-copyright".

    Returns:
        Claims `licence`; their scope is a folder, or a pattern of files (`file_patterns`). Files are named from the
        folder in which `debian/` or `.reuse/` stands.

    Raises:
        ManifestError: it is not a text.
    """
    stated = []
    line = 1
    for paragraph in re.split(r"(\n[ \t]*\n)", decode(path, data).replace("\r\n", "\n")):
        fields = _fields(paragraph)
        licence = fields.get("license", "").split("\n", 1)[0].strip()
        patterns = tuple(each.replace("*", "**").removeprefix("./") for each in fields.get("files", "").split())
        if patterns and licence:
            stated.append(file_patterns.FileLicence(licence, patterns, f"L{line}"))
        line += paragraph.count("\n")
    home = folder(path)
    if home.rstrip("/").rsplit("/", 1)[-1].lower() in _HOMES:
        home = folder(home.rstrip("/"))
    return file_patterns.make_claims(stated, home, format)


def _fields(paragraph: str) -> dict[str, str]:
    """Return the fields of one paragraph, by their name in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        match = _FIELD.match(line)
        if match:
            name = match[1].lower()
            fields[name] = match[2]
        elif name:
            fields[name] += "\n" + line
    return fields


MANIFEST_FORMAT = ManifestFormat(
    "debian-copyright",
    read,
    names=re.compile(r"dep5", re.IGNORECASE),
    sniff=lambda _, head: is_copyright(head),
    contradicts=lambda head, _: not is_copyright(head),
    patterns=True,
)
