from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ManifestError
from provenance.licences.expressions import normalise
from provenance.readers import manifests

EXAMPLE = Path(__file__).parents[3] / "manifests/examples/croissant/metadata.json"
SHA = "5a1d3f0c52b8a9ae7b7a24a1f8b6b1a7d3f87a0b6ce4f0f1c5f2f7d9c3b8e6a4"


def read(document, path="h/metadata.json"):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return manifests.read(path, data, "croissant")


def facts(claims, *fields):
    return [(c.scope, c.field, c.value) for c in claims if c.field in fields]


def croissant(*distribution, **more):
    about = {"@context": {"@vocab": "https://schema.org/"}, "@type": "Dataset", "name": "n"}
    return about | {"distribution": list(distribution)} | more


def file(url, **more):
    return {"@type": "FileObject", "@id": url, "contentUrl": url, "encodingFormat": "text/csv"} | more


def files(includes, **more):
    return {"@type": "FileSet", "@id": "set", "includes": includes, "encodingFormat": "text/csv"} | more


def test_the_example():
    claims = read(EXAMPLE.read_bytes())
    assert {(c.scope, c.field, c.value) for c in claims} == {
        ("h/", "source", "h"),
        ("h/", "members", "h/data/logs.csv"),
        ("h/data/logs.csv", "sha256", SHA),
        ("h/data/logs.csv", "bytes", "18"),
        ("h/", "members", "h/data/notes/*.txt"),
        ("h/", "name", "Harbour Logs"),
        ("h/", "description", "Notes of a harbour master, one a line."),
        ("h/", "licence", "https://creativecommons.org/licenses/by/4.0/"),
        ("h/", "metadata-licence", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("h/", "url", "https://example.org/harbour-logs"),
        ("h/", "creator", "Ada Quay"),
        ("h/", "published", "2025-05-01"),
        ("h/", "revision", "1.2.0"),
        ("h/", "citation", "Quay, A. (2025). Harbour Logs."),
        ("h/", "upstream", "https://example.org/harbour-archive"),
        ("h/", "usage", "DUO_0000042"),
        ("h/", "personal_data.note", "Names of ships, none of people."),
        ("h/", "collection.method", "Typed from paper."),
        ("h/", "language", "en"),
    }
    assert {c.pointer for c in claims if c.field == "sha256"} == {"/distribution/0/sha256"}


def test_a_licence_of_one_file():
    nc = "https://creativecommons.org/licenses/by-nc/4.0/"
    claims = read(
        croissant(file("a.csv"), file("b.csv", license=nc), license="https://creativecommons.org/licenses/by/4.0/")
    )
    assert {(c.scope, c.value) for c in claims if c.field == "licence"} == {
        ("h/", "https://creativecommons.org/licenses/by/4.0/"),
        ("h/b.csv", nc),
    }


@pytest.mark.parametrize(
    ("keys", "licences"),
    [
        ({"license": "mit"}, ["mit"]),
        ({"sc:license": "mit"}, ["mit"]),
        ({"https://schema.org/license": {"@id": "https://spdx.org/licenses/MIT"}}, ["https://spdx.org/licenses/MIT"]),
        ({"license": ["mit", "cc-by-4.0"]}, ["mit", "cc-by-4.0"]),
        ({"license": "mit", "sc:license": "cc-by-nc-4.0"}, ["mit", "cc-by-nc-4.0"]),
        ({"license": {"@type": "sc:CreativeWork", "name": "ODbL", "url": "https://x.org/l"}}, ["ODbL"]),
        ({"license": {"name": "x", "url": "https://x.org/l"}}, ["https://x.org/l"]),
        (
            {"license": {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by-nc/4.0/"}},
            ["https://creativecommons.org/licenses/by-nc/4.0/", "CC BY 4.0"],
        ),
        ({"license": {"@value": "mit"}}, ["mit"]),
        ({"sdLicense": "mit"}, []),
        ({"license": ""}, []),
        ({}, []),
    ],
)
def test_licences_in_every_spelling(keys, licences):
    assert [value for _, _, value in facts(read(croissant(**keys)), "licence")] == licences


def test_an_alias_of_the_context_is_what_it_stands_for():
    document = croissant(rights="mit")
    document["@context"] = {"@vocab": "https://example.org/", "rights": "https://schema.org/license"}
    assert facts(read(document), "licence") == [("h/", "licence", "mit")]


@pytest.mark.parametrize(
    ("path", "distribution", "expected"),
    [
        ("h/metadata.json", [file("a.csv")], [("h/", "source", "h"), ("h/", "members", "h/a.csv")]),
        ("metadata.json", [file("./a.csv")], [("./", "source", "."), ("./", "members", "a.csv")]),
        # one of several in its folder
        ("h/x.json", [file("a.csv")], [("h/", "source", "h/x"), ("h/", "members", "h/a.csv")]),
        ("h/x.json", [file("https://x.org/a.csv")], [("h/x.json", "remote", "https://x.org/a.csv")]),
        ("h/x.json", [], []),
        # the folder's only one, of which files are elsewhere: it speaks of the folder
        ("h/metadata.json", [], [("h/", "source", "h")]),
        (
            "h/metadata.json",
            [file("https://x.org/a.zip"), file("b.csv")],
            [("h/", "source", "h"), ("h/", "remote", "https://x.org/a.zip"), ("h/", "file", "h/b.csv")],
        ),
        # what is inside a file that is listed itself
        (
            "h/metadata.json",
            [file("a.zip"), file("in.csv", containedIn={"@id": "a.zip"}), files("*.csv", containedIn={"@id": "a.zip"})],
            [("h/", "source", "h"), ("h/", "members", "h/a.zip")],
        ),
        (
            "h/metadata.json",
            [file("https://x.org/a.zip"), file("in.csv", containedIn={"@id": "https://x.org/a.zip"})],
            [
                ("h/", "source", "h"),
                ("h/", "remote", "https://x.org/a.zip"),
                ("h/", "remote", "https://x.org/a.zip#in.csv"),
            ],
        ),
        (
            "h/metadata.json",
            [files(["a/*.csv", "b/*.csv"])],
            [("h/", "source", "h"), ("h/", "members", "h/a/*.csv"), ("h/", "members", "h/b/*.csv")],
        ),
    ],
)
def test_what_it_covers(path, distribution, expected):
    claims = read(croissant(*distribution), path)
    assert facts(claims, "source", "members", "file", "remote") == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (file("a.csv", sha256=SHA.upper()), [("h/a.csv", "sha256", SHA)]),
        (file("a.csv", sha256="d" * 32), [("h/a.csv", "sha256-malformed", "d" * 32)]),
        (file("a.csv", sha256="https://x.org/issues/80"), [("h/a.csv", "sha256-malformed", "https://x.org/issues/80")]),
        (file("a.csv", md5="D" * 32), [("h/a.csv", "md5", "d" * 32)]),
        (file("https://x.org/a", sha256=SHA), [("h/", "upstream-sha256", f"{SHA} https://x.org/a")]),
        (file("https://x.org/a", sha256="sha256"), [("h/", "sha256-malformed", "sha256 https://x.org/a")]),
    ],
)
def test_digests(node, expected):
    fields = ("sha256", "sha256-malformed", "md5", "upstream-sha256")
    assert facts(read(croissant(node)), *fields) == expected


def test_a_graph_of_nodes_holds_the_data_set():
    document = {"@context": {}, "@graph": [{"@type": "sc:Person", "name": "x"}, croissant(license="mit")]}
    claims = read(document)
    assert [(c.value, c.pointer) for c in claims if c.field == "licence"] == [("mit", "/@graph/1/license")]


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b'{"name": "a", "name": "b"}', "'name' stands twice"),
        (b'{"@type": "Dataset", "version": NaN}', "NaN is no number"),
        (b'{"@type": "Dataset", "version": ' + b"9" * 5000 + b"}", "a number is too long"),
        (b'{"a": ' * 50 + b"1" + b"}" * 50, "nests deeper"),
        (b"[" * 100_000, "nests deeper"),
        ({"@type": "sc:Thing", "name": "x"}, "there is no schema.org/Dataset"),
        ({"@type": "sc:Dataset"}, "the data set has no name"),
        (croissant({"@type": "FileObject", "@id": "a", "encodingFormat": "x"}), "the FileObject has no contentUrl"),
        (croissant(file("../a.csv")), "must stay below the manifest's folder"),
        (croissant(file("/etc/passwd")), "must stay below the manifest's folder"),
        (croissant(file("a.csv", containedIn={"@id": "b"})), "containedIn names 'b', which does not exist"),
        (croissant("a.csv"), "there is no FileObject or FileSet"),
    ],
)
def test_what_is_broken_is_refused_in_one_sentence(document, sentence):
    with pytest.raises(ManifestError, match=r"^h/metadata\.json") as caught:
        read(document)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_contain_each_other_end():
    nodes = [file("a.zip", containedIn={"@id": "b.zip"}), file("b.zip", containedIn={"@id": "a.zip"})]
    assert facts(read(croissant(*nodes)), "members") == []


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["cr:FileObject", "a.csv", "_:b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@id", "name", "contentUrl", "includes", "field", "source", "sha256", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
KEYS = ["@context", "name", "license", "distribution", "recordSet", "creator", "inLanguage", "rai:dataCollection"]


@given(st.dictionaries(st.sampled_from(KEYS), VALUES))
def test_anything_is_read_or_refused(document):
    try:
        claims = read({"@type": "sc:Dataset", "name": "n"} | document)
    except ManifestError:
        return
    assert all(c.value and isinstance(c.value, str) and c.scope.startswith("h/") for c in claims)


@pytest.mark.realdata
def test_every_invalid_croissant_is_refused_and_every_valid_one_read(realdata):
    """The rule that is broken is the one that the validator of the format names, by its key words."""
    invalid = sorted((realdata / "manifests/croissant_invalid").rglob("metadata.json"))
    words = {
        "distribution_bad_contained_in": "THISDOESNOTEXIST", "distribution_bad_type": "WRONG_TYPE_HERE",
        "distribution_bad_id": "white space", "distribution_missing_encoding_format": "encodingFormat",
        "distribution_missing_name": "no name", "distribution_missing_property_content_url": "contentUrl",
        "metadata_bad_type": "Dataset", "metadata_missing_property_name": "no name",
        "mlfield_bad_source": "THISDOESNOTEXIST", "mlfield_bad_type": "WRONG_TYPE",
        "mlfield_missing_property_name": "no name", "mlfield_missing_source": "neither its source nor its value",
        "mlfield_bad_array_definition": "isArray", "mlfield_bad_array_shape": "a,b,c",
        "multilingual_fields": "description", "recordset_bad_type": "WRONG_TYPE",
        "recordset_missing_context_for_datatype": "dataType", "recordset_missing_property_name": "no name",
        "recordset_wrong_join": "join",
    }  # fmt: skip
    for path in invalid:
        with pytest.raises(ManifestError) as caught:
            read(path.read_bytes())
        assert words[path.parent.name] in str(caught.value), path
    assert len(invalid) == 30
    refused = []
    for path in sorted((realdata / "data/croissant_1.0").rglob("*.json")):
        data = path.read_bytes()
        if manifests.recognise(path.name, data[:65536]) == "croissant":
            try:
                assert read(data)
            except ManifestError as error:
                refused.append((path.parent.name, str(error).split("at ")[1]))
    assert refused == [("huggingface-squad", "/name, the data set has no name")]


@pytest.mark.realdata
def test_real_licences_are_what_they_are(realdata):
    stated = {}
    for path in sorted((realdata / "data/croissant_1.0").glob("*/metadata.json")):
        if path.parent.name != "huggingface-squad":
            for claim in read(path.read_bytes()):
                if claim.field == "licence":
                    stated[path.parent.name] = claim.value
    known = {name: normalise(value).expression for name, value in stated.items()}
    assert {value for name, value in stated.items() if known[name] is None} == {"other", "Public", "unknown", "None"}
    assert known["titanic"] == "AFL-3.0"
    assert known["huggingface-c4"] == "ODC-By-1.0"
    assert known["huggingface-pollen-robotics-apple-storage"] == "Apache-2.0"
