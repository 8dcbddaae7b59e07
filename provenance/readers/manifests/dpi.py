"""Summaries of the Data Provenance Initiative: what its annotators found of the data sets of a collection.

Source: Data-Provenance-Initiative/Data-Provenance-Collection, data_summaries/_template_spec.yaml.
"""

from __future__ import annotations

import re
from typing import Any

from provenance.core.model import Claim
from provenance.errors import ManifestError
from provenance.readers.manifests.licence_names import choose_names
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import escape, folder, load_json, strings

_FIELDS = (
    ("url", ("Dataset URL", "Hugging Face URL", "GitHub URL")),
    ("upstream", ("Derived from Datasets",)),
    ("text-source", ("Text Sources",)),
    ("generator.name", ("Model Generated",)),
    ("creator", ("Creators",)),
    ("language-name", ("Languages",)),
    ("licence-note", ("License Notes",)),
    ("licence-verified-by", ("License Verified By",)),
    ("citation", ("Bibtex",)),
)
_ELSEWHERE = ("HF Yaml License", "HF Config License", "GitHub License", "PwC License Name")
_NOTHING = {"", "none", "n/a", "nan", "unspecified"}


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a summary.

    Args:
        path: the file's path.
        data: its bytes.
        format: "dpi-summary".

    Returns:
        Claims `source`, `name`, `licence` (the name, or its address where the name says less), and the fields above, of
        every data set of the collection; "Unspecified" is a licence that nobody knows. Each statement once a data set.

    Raises:
        ManifestError: not JSON, or a data set is no object.
    """
    document = load_json(path, data)
    if not isinstance(document, dict):
        raise ManifestError(f"{path} is not a JSON object")
    scope = folder(path)
    claims = [Claim("source", scope.removesuffix("/"), scope, format, "/")]
    for name, entry in document.items():
        if not isinstance(entry, dict):
            raise ManifestError(f"{path}: at /{escape(name)}, a data set is not an object")
        key = "Dataset Name" if len(document) == 1 else "Collection"
        stated = [("name", *each) for each in strings(entry.get(key), f"/{key}")]
        stated += [("licence", *each) for each in _licences(entry.get("Licenses"))]
        stated += [
            (field, value, at)
            for field, keys in _FIELDS
            for key in keys
            for value, at in strings(entry.get(key), f"/{escape(key)}")
            if value.lower() not in _NOTHING
        ]
        stated += _elsewhere(entry.get("Inferred Metadata"))
        unique = {(field, value): at for field, value, at in reversed(stated)}
        claims += [
            Claim(field, value, scope, format, f"/{escape(name)}{at}", "data")
            for (field, value), at in reversed(unique.items())
        ]
    return list({(claim.field, claim.value, claim.pointer): claim for claim in claims}.values())


def _elsewhere(inferred: Any) -> list[tuple[str, str, str]]:
    """List what hosts say of the licence: collected by a program, and set aside by the annotators' own reading."""
    members = inferred if isinstance(inferred, dict) else {}
    return [
        ("licence-elsewhere", f"{key}: {value}", at)
        for key in _ELSEWHERE
        for value, at in strings(members.get(key), f"/Inferred Metadata/{key}")
        if value.lower() not in _NOTHING
    ]


def _licences(value: Any) -> list[tuple[str, str]]:
    found = []
    for i, each in enumerate(value if isinstance(value, list) else [value]):
        named = strings(each, f"/Licenses/{i}", ("License",))
        linked = [(url, at) for url, at in strings(each, f"/Licenses/{i}", ("License URL",)) if url.lower() != "none"]
        found += choose_names([*named, *linked]) if len(named) < 2 else named
    return found


_LICENSES = re.compile(rb'"Licenses"\s*:')


def _is_summary(_path: str, head: bytes) -> bool:
    return b'"Unique Dataset Identifier"' in head and _LICENSES.search(head) is not None


MANIFEST_FORMAT = ManifestFormat("dpi-summary", read, suffixes=("json", "jsonld"), guess=_is_summary)
