from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ManifestError
from provenance.readers.manifests.yaml_documents import decode, folder, load

SCALARS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4), max_leaves=20
)


def test_scalars_stay_as_written_and_lines_are_kept():
    value, lines = load("x", "a: no\nb:\n- 2024-01-01\n- ~\n- 'null'\nc/d: 1.0\n")
    assert value == {"a": "no", "b": ["2024-01-01", None, "null"], "c/d": "1.0"}
    assert lines["/b/0"] == 3
    assert lines["/c~1d"] == 6


def test_typed_scalars():
    assert load("x", "a: 1\nb: true\nc: no\nd: '1'\ne: 1.0", typed=True)[0] == {
        "a": 1,
        "b": True,
        "c": "no",
        "d": "1",
        "e": "1.0",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "[" * 100_000,
        "- " * 5000 + "x",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(9)),
        "a: &a\n- *a",
        "? [a]\n: b",
        "a: b: c",
        "\t- x",
        "!!python/object/apply:os.system [x]\n- :",
        "a: *nobody",
        "- x\n" * 300_000,
    ],
)
def test_what_is_not_a_manifest_is_refused(text):
    with pytest.raises(ManifestError):
        load("x", text)


@given(TREES)
def test_what_pyyaml_writes_is_read_back(tree):
    text = yaml.dump(tree, Dumper=yaml.BaseLoader and yaml.SafeDumper, default_style='"', allow_unicode=True)
    assert load("x", text)[0] == tree


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"a", "a"), (b"\xef\xbb\xbfa", "a"), ("a".encode("utf-16"), "a"), (b"\xff", "\ufffd"), (b"", "")],
)
def test_bytes_are_decoded(data, text):
    assert decode("x", data) == text


def test_a_binary_is_not_a_text():
    with pytest.raises(ManifestError):
        decode("x", b"a\0b")


@pytest.mark.parametrize(("path", "scope"), [("a", "./"), ("a/b", "a/"), ("a/b/c", "a/b/")])
def test_a_manifest_covers_its_folder(path, scope):
    assert folder(path) == scope
