"""Zenodo's description of a deposit: `.zenodo.json`, and a record as the REST API returns it.

Source: developers.zenodo.org, `.zenodo.json`, metadata of deposits (`license`, `access_conditions`) and records.
"""

from __future__ import annotations

import re

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.json_ld import as_list
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat, file_name
from provenance.readers.manifests.unread_licences import read_unread
from provenance.readers.manifests.yaml_documents import folder, load_json, strings

_OF_FOLDER = re.compile(r"\.?(?:zenodo|record|metadata)\.json")
"""Names of which a folder has one; a record by another name, one of several, speaks of nothing that is here."""

_SUBJECTS = {"dataset": "data", "software": "code"}


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read the description of a deposit.

    Args:
        path: the manifest's path.
        data: its bytes.
        format: "zenodo".

    Returns:
        Claims `source-weak`, `name` and `licence`, of its folder, or of itself alone where its name is not one that a
        folder has once: of the data where the upload is a data set, of the
        code where it is software. Conditions of access are stated as a licence.

    Raises:
        ManifestError: it is not JSON, or no object.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    nested = document.get("metadata")
    stated, root = (nested, "/metadata") if isinstance(nested, dict) else (document, "")
    kind = stated.get("upload_type") or stated.get("resource_type")
    kind = next((value for value, _ in strings(kind, "", ("type", "id"))), "")
    subject = _SUBJECTS.get(kind.lower(), "any")
    whole = _OF_FOLDER.fullmatch(file_name(path)) is not None
    scope = folder(path) if whole else path
    claims = [Claim("source-weak", scope.removesuffix("/"), scope, format, root or "/")] if whole else []
    claims += [
        Claim("name", value, scope, format, at, subject) for value, at in strings(stated.get("title"), f"{root}/title")
    ]
    for key in ("license", "rights", "access_conditions"):
        for i, value in enumerate(as_list(stated.get(key))):
            at = f"{root}/{key}/{i}" if isinstance(stated.get(key), list) else f"{root}/{key}"
            names = [each for part in ("id", "url", "link", "title") for each in strings(value, at, (part,))]
            claims += [
                Claim("licence", name, scope, format, place, subject)
                for name, place in choose_names(list(dict.fromkeys(names)))
            ]
    return claims


def _is_record(_path: str, head: bytes) -> bool:
    return b'"conceptrecid"' in head and b"zenodo" in head.lower()


MANIFEST_FORMAT = ManifestFormat(
    "zenodo",
    read,
    names=re.compile(r"\.zenodo\.json", re.IGNORECASE),
    suffixes=("json", "jsonld"),
    guess=_is_record,
    read_unread=read_unread,
)
