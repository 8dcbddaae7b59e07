"""Walking a folder: everything in it once, whatever its name and depth, and what cannot be listed with its cause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provenance.core import folder_walk
from provenance.core.folder_walk import FoundPath


def _open():
    return len(list(Path("/proc/self/fd").iterdir()))


def walked(root, apart=None):
    return sorted(folder_walk.walk_folder(os.fsencode(root), apart), key=lambda each: each.path)


def test_files_links_and_special_files_are_named(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("1")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / os.fsdecode(b"\xff")).write_text("1")
    os.mkfifo(tmp_path / "pipe")
    assert walked(tmp_path) == [
        FoundPath(b"a/b/x", "file"), FoundPath(b"link", "link"), FoundPath(b"pipe", "special"), FoundPath(b"\xff", "file"),
    ]  # fmt: skip


def test_what_cannot_be_listed_says_why(tmp_path, close):
    (tmp_path / "a").mkdir()
    close(tmp_path / "a")
    assert walked(tmp_path) == [FoundPath(b"a/", "closed", None, "Permission denied")]
    assert walked(tmp_path / "gone") == [FoundPath(b"", "closed", None, "No such file or directory")]


def test_a_folder_that_is_set_apart_is_known_whatever_its_name(tmp_path):
    (tmp_path / "d" / "l" / "in").mkdir(parents=True)
    (tmp_path / "d" / "l" / "in" / "x").write_text("1")
    (tmp_path / "d" / "y").write_text("1")
    (tmp_path / "other").symlink_to("d/l")
    apart = folder_walk.folder_identity(tmp_path / "other")
    assert walked(tmp_path / "d", apart) == [FoundPath(b"l/in/x", "file", b"in/x"), FoundPath(b"y", "file")]
    assert walked(tmp_path / "d" / "l", apart) == [FoundPath(b"in/x", "file", b"in/x")]
    assert folder_walk.folder_identity(tmp_path / "gone") is None


@pytest.mark.parametrize("levels", [7, 8, 9, 20, 40])
def test_a_path_longer_than_the_system_opens_is_walked_and_opened(tmp_path, deep, levels):
    path = deep(tmp_path, levels, b"deep").encode()
    assert walked(tmp_path) == [FoundPath(path, "file")]
    handle = folder_walk.open_file(os.fsencode(tmp_path), path)
    assert os.read(handle, 9) == b"deep"
    os.close(handle)


def test_no_descriptor_stays_open(tmp_path, deep, close):
    deep(tmp_path, 20)
    (tmp_path / "a").mkdir()
    close(tmp_path / "a")
    before = _open()
    walked(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        folder_walk.open_file(os.fsencode(tmp_path), (b"n" * 250 + b"/") * 20 + b"gone")
    assert _open() == before


def test_bytes_below_a_folder(tmp_path, close):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("123")
    (tmp_path / "l").symlink_to("a/x")
    assert folder_walk.count_bytes(os.fsencode(tmp_path)) == (3, [])
    close(tmp_path / "a")
    assert folder_walk.count_bytes(os.fsencode(tmp_path)) == (0, [(b"a/", "Permission denied")])
