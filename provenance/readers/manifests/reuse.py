"""REUSE: the licence of each file, in REUSE.toml and in `X.license` beside a file X.

Source: REUSE Specification 3.3, REUSE.toml and "Commenting files"; what stands last in REUSE.toml holds.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.licences.expressions import join_by_and
from provenance.readers.manifests import file_patterns
from provenance.readers.manifests.licence_files import summarise
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.unread_licences import read_unread
from provenance.readers.manifests.yaml_documents import decode, folder

_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([^\r\n]+)")


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read REUSE.toml.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "reuse".

    Returns:
        Claims `licence`; their scope is a folder, or a pattern of files (`file_patterns`).

    Raises:
        ManifestError: it is not TOML, or an annotation names no path.
    """
    try:
        document = tomllib.loads(decode(path, data))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ManifestError(f"{path} is not TOML: {error}") from error
    annotations = document.get("annotations", [])
    if not isinstance(annotations, list) or not all(isinstance(each, dict) for each in annotations):
        raise ManifestError(f"{path}: annotations is not a list of tables")
    stated = []
    for i, each in enumerate(annotations):
        patterns = [*map(_plain, _texts(each.get("path")))]
        if not patterns:
            raise ManifestError(f"{path}: at /annotations/{i}, no path is named")
        licences = _texts(each.get("SPDX-License-Identifier"))
        if licences:
            at = f"/annotations/{i}/SPDX-License-Identifier"
            stated.append(file_patterns.FileLicence(join_by_and(licences), tuple(patterns), at))
    return file_patterns.make_claims(stated, folder(path), format)


def _plain(pattern: str) -> str:
    """Write a pattern as `file_patterns` does: REUSE knows no `?`."""
    return pattern.replace("?", "\\?").removeprefix("./")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each.strip() for each in values if isinstance(each, str) and each.strip()]


def read_beside(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the licence that stands beside a file.

    Args:
        path: of the licence, `X.license`.
        data: its bytes.
        format: "reuse-file".

    Returns:
        One claim `licence` of the file X: its SPDX tags, of which all hold, else what its text is or begins with.

    Raises:
        ManifestError: it is not a text.
    """
    text = decode(path, data)
    tags = [match[1].strip() for match in _TAG.finditer(text)]
    value = join_by_and(tags) if tags else summarise(text)
    return [Claim("licence", value, path.removesuffix(".license"), format, "L1", "any")] if value else []


MANIFEST_FORMAT = (
    ManifestFormat(
        "reuse",
        read,
        names=re.compile(r"REUSE\.toml", re.IGNORECASE),
        patterns=True,
        opaque=True,
        read_unread=read_unread,
    ),
    ManifestFormat(
        "reuse-file",
        read_beside,
        names=re.compile(r".+\.license"),
        role="licence",
        prose=True,
        inside_archives=True,
    ),
)
