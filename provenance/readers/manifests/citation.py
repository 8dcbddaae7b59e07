"""CITATION.cff: how software or a data set is cited, and under which licence it is.

Source: Citation File Format 1.2.0, `license` (several are a choice), `license-url`, `type` and `title`.
"""

from __future__ import annotations

import re

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.licences.expressions import normalise
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.unread_licences import read_unread
from provenance.readers.manifests.yaml_documents import decode, folder, load, strings

_SUBJECTS = {"dataset": "data", "software": "code"}


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a citation file.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "citation-cff".

    Returns:
        Claims `source-weak`, `name` and `licence`, of its folder. Licences are of the data where `type` is `dataset`,
        of the code where it is `software`, and of anything where it is not stated.

    Raises:
        ManifestError: it is not YAML, or no mapping.
    """
    document, _ = load(path, decode(path, data))
    if not isinstance(document, dict):
        raise ManifestError(f"{path} could not be read: it is not a YAML mapping")
    scope = folder(path)
    subject = _SUBJECTS.get(str(document.get("type") or "").strip().lower(), "any")
    stated = [("name", value, pointer) for value, pointer in strings(document.get("title"), "/title")]
    stated += [("licence", value, pointer) for value, pointer in _licences(document)]
    opening = Claim("source-weak", scope.removesuffix("/"), scope, format, "L1")
    return [opening, *(Claim(field, value, scope, format, pointer, subject) for field, value, pointer in stated)]


def _licences(document: dict[str, object]) -> list[tuple[str, str]]:
    """List what is stated: several names are a choice, an address may name another licence."""
    named = [each for key in ("license", "licence") for each in strings(document.get(key), f"/{key}")]
    if len(named) > 1 and all(normalise(value).expression for value, _ in named):
        named = [(" OR ".join(value for value, _ in named), "/license")]
    linked = strings(document.get("license-url"), "/license-url")
    return choose_names([*named, *linked]) if len(named) < 2 else named


MANIFEST_FORMAT = ManifestFormat(
    "citation-cff", read, names=re.compile(r"citation\.cff", re.IGNORECASE), read_unread=read_unread
)
