from __future__ import annotations

from pathlib import Path

import pytest

from provenance.errors import ManifestError
from provenance.licences.expressions import normalise
from provenance.readers import manifests

EXAMPLE = Path(__file__).parents[3] / "manifests/examples/nltk/harbour.xml"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><package id="&b;"/>"""


def read(data, path="h/harbour.xml"):
    return manifests.read(path, data, "nltk-xml")


def test_the_example():
    assert {(c.scope, c.field, c.value) for c in read(EXAMPLE.read_bytes())} == {
        ("h/", "source", "h/harbour"),
        ("h/", "members", "h/harbour.zip"),
        ("h/", "licence", "This data is for non-commercial use only."),
        ("h/", "name", "Harbour Corpus"),
        ("h/", "creator", "Ada Quay"),
        ("h/", "copyright", "Copyright (C) 2001 Ada Quay"),
        ("h/", "owner", "Ada Quay"),
        ("h/", "url", "https://example.org/harbour-corpus"),
        ("h/harbour.zip", "md5", "0123456789abcdef0123456789abcdef"),
        ("h/harbour.zip", "bytes", "2048"),
    }


@pytest.mark.parametrize(
    ("notice", "owner"),
    [
        ("Copyright (C) 1995 University of Pennsylvania", ["University of Pennsylvania"]),
        ("(c) 1999-2001, 2003 by Ada Quay", ["Ada Quay"]),
        ("© Ada Quay", ["Ada Quay"]),
        ("public domain", []),
        ("Copyright 2001", []),
    ],
)
def test_a_copyright_notice_names_an_owner(notice, owner):
    data = f'<package id="x" copyright="{notice}"/>'.encode()
    assert [c.value for c in read(data) if c.field == "owner"] == owner


def test_without_the_attribute_no_licence_is_stated():
    assert [c for c in read(b'<package id="x" name="X"/>') if c.field == "licence"] == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (LAUGHS, "declares a document type"),
        (b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><package id="x"/>', "declares a document type"),
        (b"<package", "is not XML"),
        (b'<package id="x">', "is not XML"),
        (b"", "is not XML"),
        (b'<?xml version="1.0" encoding="nothing"?><package id="x"/>', "is not XML"),
        (b'<package id="x" id="y"/>', "is not XML"),
        (b'<package name="x"/>', "there is no id"),
        (b'<package id="../x"/>', "must stay below"),
        (b'<package id="x">' + b"<a>" * 1000 + b"</a>" * 1000 + b"</package>", "nests deeper"),
    ],
)
def test_what_is_broken_or_hostile_is_refused(data, sentence):
    with pytest.raises(ManifestError, match=r"^h/harbour\.xml") as caught:
        read(data)
    assert sentence in str(caught.value)


@pytest.mark.realdata
def test_every_real_corpus_says_what_it_says(realdata):
    """Looked at one by one; the names corpus grants rights in words of its own, which nobody here interprets."""
    stated = {}
    for path in sorted((realdata / "data/text/nltk").glob("*.xml")):
        licences = [c.value for c in read(path.read_bytes()) if c.field == "licence"]
        stated[path.stem] = normalise(licences).expression if licences else "none"
    prefix = "LicenseRef-provenance-"
    by = {expression: sorted(name for name in stated if stated[name] == expression) for expression in stated.values()}
    assert by == {
        "none": ["abc", "conll2000", "stopwords", "webtext"],
        f"{prefix}noncommercial": ["brown", "dependency_treebank", "treebank"],
        f"{prefix}research-only": ["nps_chat"],
        f"{prefix}public-domain": [
            "genesis", "inaugural", "shakespeare", "state_union", "udhr", "udhr2", "words",
        ],
        "CC-BY-4.0": ["movie_reviews"],
        f"{prefix}x-developer-terms": ["twitter_samples"],
        None: ["names"],
    }  # fmt: skip
