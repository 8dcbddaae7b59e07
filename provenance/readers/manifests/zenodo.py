"""Zenodo's description of a deposit. It is recognised; nobody reads it yet.

Source: developers.zenodo.org, `.zenodo.json` and the records of the REST API.
"""

from __future__ import annotations

import re

from provenance.readers.manifests.manifest_format import ManifestFormat


def _is_record(_path: str, head: bytes) -> bool:
    return b'"conceptrecid"' in head and b"zenodo" in head.lower()


MANIFEST_FORMAT = ManifestFormat(
    "zenodo",
    names=re.compile(r"\.zenodo\.json", re.IGNORECASE),
    suffixes=("json", "jsonld"),
    guess=_is_record,
)
