"""What of a manifest that breaks its format is known all the same, and licences that are no text."""

from __future__ import annotations

import gzip

import pytest

from provenance.errors import ManifestError
from provenance.readers import manifests

REST = "(in metadata that could not be read)"


def _licences(path: str, data: bytes) -> list[tuple[str, str]]:
    form = manifests.FORMATS[str(manifests.recognise(path, data))]
    assert form.read_unread is not None
    with pytest.raises(ManifestError):
        manifests.read(path, data, form.name)
    claims = form.read_unread(path, data, form.name)
    return [(claim.value, claim.pointer) for claim in claims if claim.field == "licence"]


@pytest.mark.parametrize(
    ("path", "data", "stated"),
    [
        ("README.md", b"---\npretty_name: a: b\nlicense: cc-by-nc-4.0\n---\n# Tides\n", [(f"cc-by-nc-4.0 {REST}", "L3")]),
        ("README.md", b"---\nlicense: 'mit'\n\ttags: x\n---\n# Tides\n", [(f"mit {REST}", "L2")]),
        ("README.md", b"---\npretty_name: a: b\n---\n# Tides\n", []),
        ("README.md", b"---\ntags: a: b\nlicense:\n- mit\n---\n", [("not known: license: could not be read", "L3")]),
        ("CITATION.cff", b"a: b: c\nlicense: MIT\n", [("not known: CITATION.cff could not be read", "L2")]),
        ("CITATION.cff", b"a: b: c\n", []),
        ("REUSE.toml", b"[[a]\nSPDX-License-Identifier = 'MIT'\n", [("not known: REUSE.toml could not be read", "L2")]),
        (".zenodo.json", b'{"license": "mit"', [("not known: .zenodo.json could not be read", "L1")]),
    ],
)  # fmt: skip
def test_a_licence_of_an_unread_manifest_is_not_lost(path: str, data: bytes, stated: list[tuple[str, str]]) -> None:
    assert _licences(path, data) == stated


def test_a_compressed_licence_is_read() -> None:
    claims = manifests.read("LICENSE.gz", gzip.compress(b"For research only.\n"), "licence-document")

    assert [(claim.field, claim.value, claim.scope) for claim in claims] == [
        ("licence", "LicenseRef-provenance-research-only", "./")
    ]


@pytest.mark.parametrize(("path", "data"), [("LICENSE.pdf", b"%PDF-1.4\n"), ("LICENSE.gz", b"no gzip")])
def test_a_licence_that_is_no_text_may_restrict(path: str, data: bytes) -> None:
    with pytest.raises(ManifestError, match="a licence that was not read"):
        manifests.read(path, data, "licence-document")
