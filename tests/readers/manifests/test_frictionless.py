from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenance.errors import ManifestError
from provenance.readers import manifests

EXAMPLE = Path(__file__).parents[3] / "manifests/examples/frictionless/datapackage.json"
SHA = "5a1d3f0c52b8a9ae7b7a24a1f8b6b1a7d3f87a0b6ce4f0f1c5f2f7d9c3b8e6a4"


def read(document, path="h/datapackage.json"):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return manifests.read(path, data, "frictionless")


def facts(claims, *fields):
    return [(c.scope, c.field, c.value) for c in claims if c.field in fields]


def test_the_example():
    assert {(c.scope, c.field, c.value) for c in read(EXAMPLE.read_bytes())} == {
        ("h/", "source", "h"),
        ("h/", "members", "h/tides.csv"),
        ("h/", "members", "h/pictures-1.csv"),
        ("h/", "members", "h/pictures-2.csv"),
        ("h/", "members", "h/wind.csv"),
        ("h/tides.csv", "sha256", SHA),
        ("h/tides.csv", "bytes", "18"),
        ("h/tides.csv", "encoding", "utf-8"),
        ("h/wind.csv", "md5", "0123456789abcdef0123456789abcdef"),
        # a resource's own licence is narrower than the package's, which then covers the others
        ("h/pictures-1.csv", "licence", "CC-BY-NC-4.0"),
        ("h/pictures-2.csv", "licence", "CC-BY-NC-4.0"),
        ("h/tides.csv", "licence", "ODC-By-1.0"),
        ("h/wind.csv", "licence", "ODC-By-1.0"),
        ("h/", "name", "Harbour Tides"),
        ("h/", "name", "harbour-tides"),
        ("h/", "url", "https://example.org/tides"),
        ("h/", "revision", "2024.1"),
        ("h/", "published", "2024-02-01T09:00:00Z"),
        ("h/", "upstream", "https://example.org/gauge"),
        ("h/", "creator", "Ada Quay"),
    }


@pytest.mark.parametrize(
    ("package", "licences"),
    [
        (
            {"licenses": [{"name": "house-rules", "path": "http://opendatacommons.org/licenses/pddl/"}]},
            ["/licenses/0/path"],
        ),
        ({"licenses": [{"name": "CC-BY-4.0", "title": "x"}]}, ["/licenses/0/name"]),
        ({"licenses": [{"name": "CC-BY-4.0", "title": "MIT"}]}, ["/licenses/0/name", "/licenses/0/title"]),
        (
            {"licenses": [{"name": "cc-by-4.0", "path": "https://creativecommons.org/licenses/by-nc/4.0/"}]},
            ["/licenses/0/name", "/licenses/0/path"],
        ),
        (
            {"licenses": [{"name": "cc-by", "path": "https://creativecommons.org/licenses/by/4.0/"}]},
            ["/licenses/0/path"],
        ),
        ({"license": {"name": "MIT", "url": "https://opensource.org/licenses/MIT"}}, ["/license/name"]),
        ({"licenses": [{"title": "Creative Commons Attribution 4.0"}]}, ["/licenses/0/title"]),
        ({"licenses": [{"title": "House rules", "path": "RULES.txt"}]}, ["/licenses/0/path"]),
        ({"licenses": [{"name": "MIT"}, {"name": "CC0-1.0"}]}, ["/licenses/0/name", "/licenses/1/name"]),
        ({"licenses": ["MIT"]}, ["/licenses/0"]),
        ({"license": "MIT"}, ["/license"]),
        ({"licenses": []}, []),
    ],
)
def test_licences_are_what_is_known_of_them(package, licences):
    claims = read({"resources": [{"path": "a.csv"}]} | package)
    assert [c.pointer for c in claims if c.field == "licence"] == licences


@pytest.mark.parametrize(
    ("path", "resources", "expected"),
    [
        ("h/datapackage.json", [{"path": "a.csv"}], [("h/", "source", "h"), ("h/", "members", "h/a.csv")]),
        ("h/x.package.json", [{"path": "a.csv"}], [("h/", "source", "h/x.package"), ("h/", "members", "h/a.csv")]),
        ("h/x.package.json", [{"path": "https://x.org/a"}], [("h/x.package.json", "remote", "https://x.org/a")]),
        ("h/x.package.json", [{"data": [1]}], []),
        ("h/datapackage.json", [{"path": "s/a", "scheme": "s3"}], [("h/", "source", "h"), ("h/", "remote", "s/a")]),
        (
            "h/datapackage.json",
            [{"path": "https://x.org/a"}, {"path": "b.csv"}],
            [("h/", "source", "h"), ("h/", "remote", "https://x.org/a"), ("h/", "file", "h/b.csv")],
        ),
    ],
)
def test_what_it_covers(path, resources, expected):
    assert facts(read({"resources": resources}, path), "source", "members", "file", "remote") == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"path": "a", "hash": f"sha256:{SHA}"}, [("h/a", "sha256", SHA)]),
        ({"path": "a", "hash": "sha256:12"}, [("h/a", "sha256-malformed", "sha256:12")]),
        ({"path": "a", "hash": "d" * 32}, [("h/a", "md5", "d" * 32)]),
        ({"path": "a", "hash": "sha1:" + "d" * 40}, [("h/a", "digest", "sha1:" + "d" * 40)]),
        ({"path": "a", "hash": ""}, []),
        ({"path": ["a", "b"], "hash": f"sha256:{SHA}"}, [("h/", "whole-digest", SHA)]),
    ],
)
def test_digests(resource, expected):
    fields = ("sha256", "sha256-malformed", "md5", "digest", "whole-digest")
    assert facts(read({"resources": [resource]}), *fields) == expected


def test_yaml_is_read_as_json_is():
    text = b"name: x\nversion: 1.0\nlicenses:\n- name: MIT\nresources:\n- path: a.csv\n  bytes: 12\n"
    claims = read(text, "h/datapackage.yaml")
    assert {("h/", "revision", "1.0"), ("h/a.csv", "bytes", "12"), ("h/", "licence", "MIT")} <= {
        (c.scope, c.field, c.value) for c in claims
    }


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"resources": {}},
        {"resources": [3]},
        {"resources": [{"path": "../a"}]},
        {"resources": [{"path": "/a"}]},
        b"{",
    ],
)
def test_what_is_broken_is_refused(document):
    with pytest.raises(ManifestError, match=r"^h/datapackage\.json"):
        read(document)
