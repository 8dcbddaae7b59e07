"""Licences of manifests that break their format: the lines that state one, or that one is stated and is not known."""

from __future__ import annotations

import re

from provenance.core.model import NOT_WHOLE, Claim
from provenance.readers.manifests.yaml_documents import decode, folder

_LINE = re.compile(r"[ \t]*[\"']?licen[sc]es?(?:_name|_link|_details)?[\"']?[ \t]*[:=][ \t]*(.*)", re.IGNORECASE)
_MENTION = re.compile(r"licen[sc]e", re.IGNORECASE)


def read_unread(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """State that a manifest which speaks of a licence, and is not readable, is not known.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: of the manifest.

    Returns:
        One claim `licence` of its folder, which names no licence; none where the manifest does not speak of one.

    Raises:
        ManifestError: it is not a text.
    """
    lines = decode(path, data).splitlines()
    found = next((number for number, line in enumerate(lines, 1) if _MENTION.search(line)), None)
    if found is None:
        return []
    name = path.rsplit("/", 1)[-1]
    return [Claim("licence", f"not known: {name} could not be read", folder(path), format, f"L{found}")]


def read_lines(path: str, text: str, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the lines of metadata, which are no YAML, that state a licence.

    Args:
        path: the manifest's path.
        text: its metadata, from its first line.
        format: of the manifest.

    Returns:
        Claims `licence` of its folder, of data, each saying that the rest was not read, so that none grants what the
        rest may withhold; one that names no licence for a line that mentions one in another way.
    """
    claims = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        value = match[1].strip().strip("\"'").strip() if match else ""
        if not value and _MENTION.search(line):
            value = f"not known: {line.strip()[:100]} could not be read"
        elif value:
            value = f"{value[:400]} {NOT_WHOLE}"
        if value:
            claims.append(Claim("licence", value[:500], folder(path), format, f"L{number}", "data"))
    return claims
