"""Catalogues in the Data Catalog Vocabulary, JSON-LD, XML or Turtle. They are recognised; nobody reads them yet.

Source: W3C, Data Catalog Vocabulary (DCAT), version 3.
"""

from __future__ import annotations

import re

from provenance.readers.manifests.manifest_format import ManifestFormat, file_name

_JSON = ("json", "jsonld")
_NAMES = re.compile(rb"\"dcat:|w3\.org/ns/dcat|\"@type\"\s*:\s*\"(?:dcat:)?Catalog\"")


def _is_catalogue(path: str, head: bytes) -> bool:
    if file_name(path).endswith(_JSON):
        return _NAMES.search(head) is not None
    return b"w3.org/ns/dcat" in head


MANIFEST_FORMAT = ManifestFormat(
    "dcat", suffixes=(*_JSON, "xml", "rdf", "ttl"), sniff=_is_catalogue, list_of_nodes=True
)
