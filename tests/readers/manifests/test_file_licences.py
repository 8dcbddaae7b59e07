"""Manifests that state the licence of single files: REUSE.toml, licences beside files, Debian's copyright files."""

from __future__ import annotations

import pytest

from provenance.errors import ManifestError
from provenance.readers import manifests

HEADER = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


def _annotate(*pairs: tuple[str, str]) -> bytes:
    tables = [f"[[annotations]]\npath = {path}\nSPDX-License-Identifier = {licence}\n" for path, licence in pairs]
    return "\n".join(["version = 1", *tables]).encode()


def _licences(path: str, data: bytes) -> list[tuple[str, str]]:
    kind = manifests.recognise(path, data)
    assert kind is not None
    claims = manifests.read(path, data, kind)
    return [(claim.scope, claim.value) for claim in claims if claim.field == "licence"]


@pytest.mark.parametrize(
    ("path", "data", "stated"),
    [
        ("REUSE.toml", _annotate(('"songs/**"', '"CC0-1.0"')), [("songs/", "CC0-1.0")]),
        ("REUSE.toml", _annotate(('"**"', '"MIT"')), [("./", "MIT")]),
        ("set/REUSE.toml", _annotate(('"**"', '"MIT"')), [("set/", "MIT")]),
        ("set/REUSE.toml", _annotate(('"*.csv"', '"MIT"')), [("set/*.csv", "MIT")]),
        ("REUSE.toml", _annotate(('["a.csv", "b.csv"]', '"MIT"')), [("a.csv", "MIT"), ("b.csv", "MIT")]),
        ("REUSE.toml", _annotate(('"a.csv"', '["MIT", "CC0-1.0"]')), [("a.csv", "MIT AND CC0-1.0")]),
        ("REUSE.toml", _annotate(('"a.csv"', '"MIT"'), ('"**"', '"CC0-1.0"')), [("./", "CC0-1.0")]),
        # a later folder decides about a file before it, so that no scope may be nearer than the last statement
        (
            "REUSE.toml",
            _annotate(('"b/a.csv"', '"MIT"'), ('"b/**"', '"CC0-1.0"')),
            [("b/a.csv", "MIT"), ("b/**", "CC0-1.0")],
        ),
        ("REUSE.toml", b"version = 1\n", []),
        ("songs.csv.license", b"SPDX-FileCopyrightText: 2021 Ann\nSPDX-License-Identifier: CC0-1.0\n", [("songs.csv", "CC0-1.0")]),
        ("songs.csv.license", b"Ask the choir.\n", [("songs.csv", "Ask the choir.")]),
        (".reuse/dep5", HEADER + b"Files: *\nCopyright: Ann\nLicense: MIT\n", [("./", "MIT")]),
        ("debian/copyright", HEADER + b"Files: s/*\n t.csv\nLicense: MIT\n text\n", [("s/", "MIT"), ("t.csv", "MIT")]),
    ],
)  # fmt: skip
def test_files_have_the_licence_that_is_stated_of_them(path: str, data: bytes, stated: list[tuple[str, str]]) -> None:
    assert _licences(path, data) == stated


@pytest.mark.parametrize("data", [b"[[annotations]\n", b"annotations = 3\n", b"[[annotations]]\nx = 1\n"])
def test_a_broken_reuse_file_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestError):
        manifests.read("REUSE.toml", data, "reuse")
