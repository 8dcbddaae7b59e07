"""Every path with its role, every byte in one row: links, pointers, folders that are left out, names of any bytes."""

from __future__ import annotations

import os

import pytest

from provenance.errors import ConfigError, InputError
from provenance.ledger import layout
from provenance.sources.inventory import list_paths

from .conftest import lay

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 1234567\n"
HUB = {
    "d/blobs/aa": "text\n",
    "d/blobs/bb": "loose\n",
    "d/refs/main": "0123",
    "d/snapshots/01/x.txt": ("->", "../../blobs/aa"),
    "d/snapshots/02/x.txt": ("->", "../../blobs/aa"),
}


def on_disk(root):
    """Bytes of all regular files below a folder, links left out: an oracle that shares nothing with the room."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())


# layout, options, {path: (role, bytes, part of the reason)}; every path stands in it
CASES = {
    "roles": (
        {"x.jsonl": "1", "LICENSE": "MIT", "README.md": "# A", "provenance.yaml": "a", "NOTICE": "n", "x.dvc": "d", "a.py": "1"},
        {},
        {
            "x.jsonl": ("data", 1, None), "LICENSE": ("licence", 3, None), "README.md": ("documentation", 3, None),
            "provenance.yaml": ("manifest", 1, None), "NOTICE": ("licence", 1, None), "x.dvc": ("manifest", 1, None),
            "a.py": ("data", 1, None),
        },
    ),
    "a card is a manifest by what it holds": (
        {"README.md": "---\nlicense: mit\n---\n", "notes.md": "---\nlicense: mit\n---\n"},
        {},
        {"README.md": ("manifest", 21, None), "notes.md": ("data", 21, None)},
    ),
    "an empty folder has no row": ({"a/": None, "x": "1"}, {}, {"x": ("data", 1, None)}),
    "left out whole": (
        {".git/a/b": "12", "CVS/c": "1", ".cache/x": "123", "__pycache__/y.pyc": "1", ".hidden": "1", "z.txt": "1"},
        {},
        {
            ".git/": ("ignored", 2, "version control (git)"), "CVS/": ("ignored", 1, "version control (cvs)"),
            ".cache/": ("ignored", 3, "hidden"), "__pycache__/": ("ignored", 1, "derived by a tool"),
            ".hidden": ("ignored", 1, "hidden"), "z.txt": ("data", 1, None),
        },
    ),
    "a hidden manifest is a manifest": ({".zenodo.json": "{}", "x": "1"}, {}, {".zenodo.json": ("manifest", 2, None), "x": ("data", 1, None)}),
    "excluded": (
        {"a/b/x.txt": "1", "a/y.txt": "12", "z.csv": "123", "w.txt": "1"},
        {"exclude": ["a/b", "*.csv"]},
        {
            "a/b/": ("ignored", 1, "excluded by 'a/b'"), "a/y.txt": ("data", 2, None),
            "z.csv": ("ignored", 3, "excluded by '*.csv'"), "w.txt": ("data", 1, None),
        },
    ),
    "a folder of the caller's": (
        {"ledger/entry": "123", "x": "1"},
        {"leave_out": lambda folder: "a ledger" if folder.name == "ledger" else None},
        {"ledger/": ("ignored", 3, "a ledger"), "x": ("data", 1, None)},
    ),
    "a Git LFS pointer": ({"x.parquet": LFS}, {}, {"x.parquet": ("data", len(LFS), "a Git LFS pointer to 1234567 bytes")}),
    "a git-annex pointer": ({"x": "/annex/objects/SHA256E-s1\n"}, {}, {"x": ("data", 26, "run `git annex get`")}),
    "a git-annex link that dangles": (
        {"x.txt": ("->", ".git/annex/objects/aa/bb/k/k"), "y": "1"},
        {},
        {"x.txt": ("data", 0, "run `git annex get`"), "y": ("data", 1, None)},
    ),
    "a git-annex link whose object is there is counted once": (
        {"x.txt": ("->", ".git/annex/objects/aa/k/k"), ".git/annex/objects/aa/k/k": "12345", ".git/config": "1"},
        {},
        {"x.txt": ("data", 5, None), ".git/": ("ignored", 1, "version control (git)")},
    ),
    "a link inside the data": (
        {"a.txt": "1", "b.txt": ("->", "a.txt")},
        {},
        {"a.txt": ("data", 1, None), "b.txt": ("ignored", 0, "a link to a.txt, which is read itself")},
    ),
    "a link to a hidden file": (
        {".a": "123", "b.txt": ("->", ".a"), "c.txt": ("->", ".a")},
        {},
        {".a": ("ignored", 0, "read as b.txt"), "b.txt": ("data", 3, None), "c.txt": ("ignored", 0, "what is read as b.txt")},
    ),
    "a link into a hidden folder": (
        {".s/a": "123", ".s/b": "1", "x.txt": ("->", ".s/a")},
        {},
        {".s/": ("ignored", 1, "hidden"), "x.txt": ("data", 3, None)},
    ),
    "no way around an exclusion": (
        {"s/a.txt": "123", "t.txt": "12", "x.txt": ("->", "s/a.txt"), "y.txt": ("->", "t.txt")},
        {"exclude": ["s", "t.txt"]},
        {
            "s/": ("ignored", 3, "excluded"), "t.txt": ("ignored", 2, "excluded"),
            "x.txt": ("ignored", 0, "into what is left out (excluded by 's')"),
            "y.txt": ("ignored", 0, "into what is left out (excluded by 't.txt')"),
        },
    ),
    "no way into version control": (
        {".git/config": "123", "x.txt": ("->", ".git/config"), "y": "1"},
        {},
        {".git/": ("ignored", 3, "version"), "x.txt": ("ignored", 0, "into what is left out"), "y": ("data", 1, None)},
    ),
    "links that dangle or loop": (
        {"a": ("->", "nothing"), "b": ("->", "b"), "c": ("->", "d"), "d": ("->", "c"), "x": "1"},
        {},
        dict.fromkeys("abcd", ("ignored", 0, "a link that leads nowhere")) | {"x": ("data", 1, None)},
    ),
    "a link to a folder": (
        {"a/x": "1", "b": ("->", "a"), "a/up": ("->", "..")},
        {},
        {"a/x": ("data", 1, None), "b": ("ignored", 0, "a link to a folder"), "a/up": ("ignored", 0, "a link to a folder")},
    ),
    "a Hugging Face cache": (
        HUB,
        {},
        {
            "d/blobs/aa": ("ignored", 0, "read as d/snapshots/01/x.txt"), "d/blobs/bb": ("data", 6, None),
            "d/refs/main": ("ignored", 4, "a reference of a Hugging Face cache"),
            "d/snapshots/01/x.txt": ("data", 5, None),
            "d/snapshots/02/x.txt": ("ignored", 0, "a link to what is read as d/snapshots/01/x.txt"),
        },
    ),
    "refs/ of anybody else": ({"refs/main": "1"}, {}, {"refs/main": ("data", 1, None)}),
    "names of any bytes": (
        {b"caf\xe9": "1", "bang!/x": "1", "a!b/x": "1", r"lit\xe9": "1", "new\nline": "1", r"\d": "1"},
        {},
        {
            r"caf\xe9": ("data", 1, None), r"bang\x21/x": ("data", 1, None), "a!b/x": ("data", 1, None),
            r"lit\x5cxe9": ("data", 1, None), r"new\x0aline": ("data", 1, None), r"\d": ("data", 1, None),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layout", "options", "expected"), CASES.values(), ids=CASES)
def test_cases(layout, options, expected, tmp_path):
    rows = list_paths(lay(tmp_path, layout), **options).to_pylist()
    assert {row["path"]: (row["role"], row["bytes"]) for row in rows} == {
        p: (r, b) for p, (r, b, _) in expected.items()
    }
    for row in rows:
        reason = expected[row["path"]][2]
        assert (row["reason"] is None) == (reason is None), row
        assert reason is None or reason in row["reason"]
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert sum(row["bytes"] for row in rows) == on_disk(tmp_path)


def test_a_link_out_of_the_data(tmp_path):
    lay(tmp_path, {"out/x.txt": "123", "data/a": "1", "data/x.txt": ("->", "../out/x.txt")})
    refused, followed = (
        {row["path"]: row for row in list_paths(tmp_path / "data", follow_links=follow).to_pylist()}
        for follow in (False, True)
    )
    assert (refused["x.txt"]["role"], refused["x.txt"]["bytes"]) == ("ignored", 0)
    assert "--follow-links" in refused["x.txt"]["reason"]
    assert (followed["x.txt"]["role"], followed["x.txt"]["bytes"], followed["x.txt"]["target"]) == (
        "data",
        3,
        "../out/x.txt",
    )


def test_blobs_of_a_cache_beside_the_data(tmp_path):
    lay(tmp_path, HUB)
    rows = {row["path"]: row for row in list_paths(tmp_path / "d" / "snapshots").to_pylist()}
    assert [(row["role"], row["bytes"]) for row in rows.values()] == [("data", 5), ("ignored", 0)]


def test_the_root_may_be_a_link(tmp_path):
    lay(tmp_path, {"real/a.txt": "1", "real/b.txt": ("->", "a.txt"), "link": ("->", "real")})
    rows = {row["path"]: row["reason"] for row in list_paths(tmp_path / "link").to_pylist()}
    assert rows == {"a.txt": None, "b.txt": "a link to a.txt, which is read itself"}


@pytest.mark.parametrize(("name", "sentence"), [("missing", "does not exist"), ("file", "is a file")])
def test_no_folder(name, sentence, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=sentence):
        list_paths(tmp_path / name)


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    rows = list_paths(tmp_path).to_pylist()
    assert [(row["path"], row["role"]) for row in rows] == [
        ("link", "unreadable"),
        ("pipe", "unreadable"),
        ("zero", "unreadable"),
    ]


def test_what_is_excluded_is_no_fault_whatever_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    rows = list_paths(tmp_path, exclude=["pipe", "link"]).to_pylist()
    assert [(row["path"], row["role"], row["bytes"], row["reason"]) for row in rows] == [
        ("link", "ignored", 0, "excluded by 'link'"),
        ("pipe", "ignored", 0, "excluded by 'pipe'"),
    ]


def test_links_to_folders_are_never_followed_as_help_says(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/x.txt").write_text("a text")
    (tmp_path / "data/file").symlink_to(tmp_path / "other/x.txt")
    (tmp_path / "data/folder").symlink_to(tmp_path / "other")
    (tmp_path / "data/circle").symlink_to(tmp_path / "data")
    rows = {row["path"]: row["reason"] for row in list_paths(tmp_path / "data", follow_links=True).to_pylist()}
    assert rows == {
        "circle": "a link to a folder is not followed",
        "file": None,
        "folder": "a link to a folder is not followed",
    }


# layout, {path that is closed: mode}, {path: (role, part of the reason)} of the rows that are not as usual
CLOSED = {
    "a folder": ({"a/x": "1"}, {"a": 0}, {"a/": ("unreadable", "cannot be read: Permission denied")}),
    "a folder that may be listed and not entered": (
        {"a/x": "1", "a/b/y": "1", "a/.h/y": "1", "a/l": ("->", "x")},
        {"a": 0o444},
        {
            "a/x": ("unreadable", "cannot be read: Permission denied"),
            "a/b/": ("unreadable", "cannot be read: Permission denied"),
            "a/.h/": ("unreadable", "hidden, of which 1 cannot be read and its bytes are not counted: Permission denied"),
            "a/l": ("unreadable", "a link whose target cannot be read: Permission denied"),
        },
    ),
    "a folder that may be entered and not listed": ({"a/x": "1"}, {"a": 0o111}, {"a/": ("unreadable", "Permission denied")}),
    "version control": (
        {".git/config": "1"}, {".git": 0},
        {".git/": ("unreadable", "version control (git), of which 1 cannot be read and its bytes are not counted: Permission denied")},
    ),
    "a cache": ({"__pycache__/x": "1"}, {"__pycache__": 0}, {"__pycache__/": ("unreadable", "derived by a tool, of which 1 cannot")}),
    "a part of what is left out": (
        {".h/a/x": "1", ".h/y": "12"}, {".h/a": 0}, {".h/": ("ignored", "hidden, of which 1 cannot be read")},
    ),
    "what is excluded is nobody's business": (
        {"e/x": "1", "f/x": "1"}, {"e": 0, "f/x": 0},
        {"e/": ("ignored", "excluded by 'e', of which 1 cannot be read"), "f/x": ("unreadable", "cannot be read: Permission denied")},
    ),
    "a link into a closed folder": (
        {"a/x": "1", "l": ("->", "a/x")}, {"a": 0},
        {"a/": ("unreadable", "Permission denied"), "l": ("unreadable", "a link whose target cannot be read: Permission denied")},
    ),
    "a document": ({"README.md": "# A"}, {"README.md": 0}, {"README.md": ("unreadable", "cannot be read: Permission denied")}),
}  # fmt: skip


@pytest.mark.parametrize(("layout", "closed", "expected"), CLOSED.values(), ids=CLOSED)
def test_what_may_not_be_looked_at_is_a_row_with_its_reason(layout, closed, expected, tmp_path, close):
    lay(tmp_path, layout | {"z.txt": "1"})
    for name, mode in closed.items():
        close(tmp_path / name, mode)
    rows = {row["path"]: row for row in list_paths(tmp_path, exclude=["e"], leave_out=_left_out).to_pylist()}
    assert rows.pop("z.txt")["role"] == "data"
    assert {path: row["role"] for path, row in rows.items()} == {path: role for path, (role, _) in expected.items()}
    for path, (_, reason) in expected.items():
        assert reason is None or reason in rows[path]["reason"]


def _left_out(folder):
    return "a ledger" if layout.is_ledger(folder) else None


def test_a_closed_root_is_one_sentence(tmp_path, close):
    lay(tmp_path, {"d/a": "1", "in/d/a": "1"})
    close(tmp_path / "d", 0)
    close(tmp_path / "in", 0)
    for name in ("d", "in/d"):
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            list_paths(tmp_path / name)


def test_a_deep_folder_is_no_reason_to_fail(tmp_path):
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(900):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    assert list_paths(tmp_path)["path"].to_pylist() == ["d/" * 900 + "x"]


def test_a_path_that_the_system_does_not_open_is_named(tmp_path, deep):
    deep(tmp_path, 20)
    (tmp_path / "x").write_text("1")
    rows = list_paths(tmp_path).to_pylist()
    assert [row["role"] for row in rows] == ["unreadable", "data"]
    assert rows[0]["reason"] == "cannot be read: File name too long"
    assert rows[0]["path"].startswith("n" * 250 + "/")
