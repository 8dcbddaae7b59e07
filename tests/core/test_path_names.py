"""One naming of paths: injective, reversible, never like a member of an archive, and safe to print."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.core import path_names
from provenance.core.path_names import (
    CURRENT_VERSION,
    FIRST_VERSION,
    LOSSY_VERSION,
    disk_location,
    find_matching_glob,
    member_name_to_text,
    on_disk,
    path_to_text,
    text_to_path,
)

PARTS = st.binary(min_size=1, max_size=12).filter(lambda part: not set(part) & {0, 47} and part not in {b".", b".."})
AWKWARD = st.text("!\\xX25cfF/é\u0301\u202e\n\t ", min_size=1, max_size=10).map(str.encode)
PATHS = st.one_of(st.lists(PARTS, min_size=1, max_size=3).map(b"/".join), AWKWARD)

# bytes of a path, and its text
NAMES = {
    "ordinary": (b"a/b c.txt", "a/b c.txt"),
    "a byte that is no UTF-8": (b"b\xff", r"b\xff"),
    "the letters that stand for one": (rb"b\xff", r"b\x5cxff"),
    "two backslashes": (rb"b\\xff", r"b\\x5cxff"),
    "a backslash": (rb"b\d\x2", r"b\d\x2"),
    "capital letters stand for nothing": (rb"\xFF", r"\xFF"),
    "a folder that ends as an archive does": (b"foo!/x", r"foo\x21/x"),
    "a file that ends so": (b"foo!", "foo!"),
    "a folder called as an archive with its mark": (b"a.zip!/x", r"a.zip\x21/x"),
    "line break, tab, bell": (b"a\nb\tc\x07", r"a\x0ab\x09c\x07"),
    "right to left": ("a\u202etxt.exe".encode(), r"a\xe2\x80\xaetxt.exe"),
    "line separator, isolate": ("a\u2028b\u2066".encode(), r"a\xe2\x80\xa8b\xe2\x81\xa6"),
    "composed": ("é".encode(), "é"),
    "decomposed": (unicodedata.normalize("NFD", "é").encode(), "e\u0301"),
    "half a surrogate pair": (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    "trailing space and dot": (b"a /b.", "a /b."),
    "the longest name": (b"n" * 255, "n" * 255),
    "joiners of Persian": ("می\u200cخواهم".encode(), "می\u200cخواهم"),
}


@pytest.mark.parametrize(("path", "text"), NAMES.values(), ids=NAMES)
def test_a_name(path, text):
    assert path_to_text(path) == text
    assert text_to_path(text) == path


def test_no_two_of_them_look_alike():
    assert len({path_to_text(path) for path, _ in NAMES.values()}) == len(NAMES)


@pytest.mark.parametrize("version", [FIRST_VERSION, CURRENT_VERSION])
@given(st.lists(PATHS, min_size=2, max_size=2, unique=True))
@settings(max_examples=400)
def test_any_bytes_come_back_and_no_two_paths_look_alike(version, paths):
    texts = [path_to_text(path, version) for path in paths]
    assert texts[0] != texts[1]
    for path, text in zip(paths, texts, strict=True):
        assert text_to_path(text) == path
        assert "!/" not in text
        text.encode()


@given(PATHS)
def test_what_is_written_cannot_steer_a_terminal(path):
    assert not [char for char in path_to_text(path) if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]


@given(PATHS, PATHS)
def test_a_folder_is_written_as_the_head_of_what_lies_in_it(folder, name):
    """A row `x/` covers what begins with it: that must be what lies in the folder, and nothing else."""
    whole = path_to_text(folder + b"/" + name)
    assert whole.startswith(path_to_text(folder + b"/"))
    assert whole == path_to_text(folder + b"/") + path_to_text(name)


def test_the_first_naming_writes_controls_as_they_are():
    assert [path_to_text(b"a\nb", version) for version in (LOSSY_VERSION, FIRST_VERSION, CURRENT_VERSION)] == [
        "a\nb",
        "a\nb",
        r"a\x0ab",
    ]
    assert path_to_text(rb"b\xff", LOSSY_VERSION) == path_to_text(b"b\xff", LOSSY_VERSION) == r"b\xff"
    assert path_names.is_ambiguous(r"b\xff")
    assert not path_names.is_ambiguous("b!/é")


def test_a_member_is_written_by_the_same_rules():
    assert path_names.member_path(r"a.zip", "x!/\udcff\x00\\xff") == r"a.zip!/x\x21/\xff\x00\x5cxff"
    assert member_name_to_text("dir/a#2") == "dir/a#2"
    assert on_disk("a.zip!/b!/c") == "a.zip"
    assert on_disk(r"foo\x21/x") == r"foo\x21/x"


def test_where_a_file_is():
    assert disk_location(Path("/data"), r"a\xff") == b"/data/a\xff"


@pytest.mark.parametrize(
    ("path", "globs", "expected"),
    [
        (".git/config", ["**/.git/**"], "**/.git/**"),
        ("a/b/.git/hooks/x", ["**/.git/**"], "**/.git/**"),
        (".git/", ["**/.git/**"], "**/.git/**"),
        ("a/.git", ["**/.git/**"], None),  # a link of that name may lead anywhere
        ("a/my.git/x", ["**/.git/**"], None),
        (".gitx/y", ["**/.git/**"], None),
        ("a/.DS_Store", ["**/.DS_Store"], "**/.DS_Store"),
        (".DS_Store", ["**/.DS_Store"], "**/.DS_Store"),
        ("a/.DS_Store/e.jsonl", ["**/.DS_Store"], None),  # a glob that means a file covers no folder of its name
        (".gitkeep/e.jsonl", ["**/.gitkeep", ".gitkeep"], None),
        ("x/y/z", ["x"], None),
        ("x/y/z", ["x/"], "x/"),
        ("x/y/z", ["x/**"], "x/**"),
        ("a/x/y", ["**/x/"], "**/x/"),
        ("x/", ["x/**"], "x/**"),
        ("x/", ["x/"], "x/"),
        ("x", ["x/", "x/**"], None),
        ("xy", ["x"], None),
        ("a/b.txt", ["*.csv", "*.txt"], "*.txt"),
        ("a", [], None),
    ],
)
def test_a_glob(path, globs, expected):
    assert find_matching_glob(path, globs) == expected
