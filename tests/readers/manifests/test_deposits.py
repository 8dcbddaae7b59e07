"""Manifests of deposits and citations: CITATION.cff, CodeMeta, Zenodo, RO-Crate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provenance.errors import ManifestError
from provenance.readers import manifests

NC = "https://creativecommons.org/licenses/by-nc/4.0/"


def _crate(*nodes: dict[str, Any], **root: Any) -> bytes:
    about = {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}}
    graph = [about, {"@id": "./", "@type": "Dataset", **root}, *nodes]
    return json.dumps({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}).encode()


def _codemeta(kind: str) -> bytes:
    stated = {"@context": "https://w3id.org/codemeta/3.0", "@type": kind, "license": "https://spdx.org/licenses/MIT"}
    return json.dumps(stated).encode()


@pytest.mark.parametrize(
    ("path", "data", "stated"),
    [
        ("CITATION.cff", b"title: Tides\nlicense: MIT\n", [("./", "MIT", "any")]),
        ("CITATION.cff", b"type: dataset\nlicense: MIT\n", [("./", "MIT", "data")]),
        ("CITATION.cff", b"type: software\nlicense: MIT\n", [("./", "MIT", "code")]),
        ("x/CITATION.cff", b"license:\n- MIT\n- CC0-1.0\n", [("x/", "MIT OR CC0-1.0", "any")]),
        ("CITATION.cff", f"license-url: {NC}\n".encode(), [("./", NC, "any")]),
        ("CITATION.cff", f"license: MIT\nlicense-url: {NC}\n".encode(), [("./", "MIT", "any"), ("./", NC, "any")]),
        ("CITATION.cff", b"title: Tides\npreferred-citation:\n  license: MIT\n", []),
        ("codemeta.json", _codemeta("Dataset"), [("./", "https://spdx.org/licenses/MIT", "data")]),
        ("codemeta.json", _codemeta("SoftwareSourceCode"), [("./", "https://spdx.org/licenses/MIT", "code")]),
        (".zenodo.json", b'{"upload_type": "dataset", "license": "cc-by-nc-4.0"}', [("./", "cc-by-nc-4.0", "data")]),
        (".zenodo.json", b'{"license": {"id": "cc-by-nc-4.0"}}', [("./", "cc-by-nc-4.0", "any")]),
        (
            "record.json",
            b'{"conceptrecid": "1", "links": "https://zenodo.org", "metadata": {"license": {"id": "cc-by-4.0"}}}',
            [("./", "cc-by-4.0", "any")],
        ),
        (
            "deposits/1139.json",
            b'{"conceptrecid": "1", "links": "https://zenodo.org", "metadata": {"license": {"id": "cc-by-4.0"}}}',
            [("deposits/1139.json", "cc-by-4.0", "any")],
        ),
        ("ro-crate-metadata.json", _crate(license={"@id": NC}), [("./", NC, "data")]),
        ("ro-crate-metadata.json", _crate(license="CC BY-NC 4.0"), [("./", "CC BY-NC 4.0", "data")]),
        (
            "a/ro-crate-metadata.json",
            _crate({"@id": "#terms", "@type": "CreativeWork", "name": "CC BY-NC 4.0"}, license={"@id": "#terms"}),
            [("a/", "CC BY-NC 4.0", "data")],
        ),
        (
            "ro-crate-metadata.json",
            _crate({"@id": "sea%20log.csv", "@type": "File", "license": {"@id": NC}}, license="MIT"),
            [("./", "MIT", "data"), ("sea log.csv", NC, "data")],
        ),
        (
            "ro-crate-metadata.json",
            _crate({"@id": "logs/", "@type": "Dataset", "license": NC}, {"@id": "https://a.example/b", "@type": "File"}),
            [("logs/", NC, "data")],
        ),
    ],
)  # fmt: skip
def test_a_deposit_states_its_licence(path: str, data: bytes, stated: list[tuple[str, str, str]]) -> None:
    kind = manifests.recognise(path, data)
    assert kind is not None
    claims = manifests.read(path, data, kind)
    assert [(claim.scope, claim.value, claim.subject) for claim in claims if claim.field == "licence"] == stated


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("CITATION.cff", b"license: [MIT\n"),
        ("CITATION.cff", b"- MIT\n"),
        ("codemeta.json", b"[]"),
        (".zenodo.json", b"{"),
        ("ro-crate-metadata.json", b'{"@graph": [{"@id": "a"}]}'),
    ],
)
def test_a_broken_deposit_is_refused(path: str, data: bytes) -> None:
    kind = manifests.recognise(path, data)
    assert kind is not None
    with pytest.raises(ManifestError):
        manifests.read(path, data, kind)
