"""CycloneDX bills of materials, JSON or XML. They are recognised; nobody reads them yet.

Source: ECMA-424, CycloneDX Bill of Materials Specification.
"""

from __future__ import annotations

from provenance.readers.manifests.manifest_format import ManifestFormat, file_name

_JSON = ("json", "jsonld")


def _is_json(path: str, head: bytes) -> bool:
    return file_name(path).endswith(_JSON) and b'"bomFormat"' in head and b"CycloneDX" in head


def _is_markup(path: str, head: bytes) -> bool:
    return not file_name(path).endswith(_JSON) and b"cyclonedx.org/schema/bom" in head


MANIFEST_FORMAT = ManifestFormat("cyclonedx", suffixes=(*_JSON, "xml", "rdf", "ttl"), sniff=_is_json, guess=_is_markup)
