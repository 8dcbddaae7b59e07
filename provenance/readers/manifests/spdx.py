"""SPDX documents in JSON: bills of materials. They are recognised; nobody reads them yet.

Source: SPDX Specification 2.3 and 3.0, serialisation in JSON and JSON-LD.
"""

from __future__ import annotations

import re

from provenance.readers.manifests.manifest_format import ManifestFormat

_NAMES = re.compile(rb"spdx\.org/rdf/3|\"spdxVersion\"|\"spdxId\"")

MANIFEST_FORMAT = ManifestFormat(
    "spdx",
    suffixes=("json", "jsonld"),
    sniff=lambda _, head: _NAMES.search(head) is not None,
    list_of_nodes=True,
)
