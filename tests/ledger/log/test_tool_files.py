"""Files of tools: the folder, the path and the bytes must be the tool's, whatever a name says."""

import hashlib
import importlib.util
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from provenance.ledger.log.tool_files import ToolFiles

ID = "0123456789abcdef0123456789abcdef01234567"
LINES = b'{"text": "one two three"}\n{"text": "four five six"}\n'
BLOB = zlib.compress(b"blob 3\0abc")
GIT = "version control (git)"
CVS = "version control (cvs)"
TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n"


def lay(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def data(tmp_path):
    lay(tmp_path, {"g/.git/HEAD": b"ref: refs/heads/main\n", "g/.git/refs/heads/main": f"{ID}\n".encode()})
    lay(tmp_path, {"g/.git/objects/01/" + ID[2:]: BLOB, "c/CVS/Root": b":ext:a@example.org:/cvs\n"})
    lay(tmp_path, {"c/CVS/Entries": b"/x.c/1.2/Mon Jan  1 00:00:00 2001//\nD/sub////\n", "c/CVS/Repository": b"m/c\n"})
    lay(tmp_path, {"m/.mypy_cache/CACHEDIR.TAG": TAG, "p/.pytest_cache/README.md": b"# a cache\n"})
    return tmp_path


def recognised(root, name, content):
    lay(root, {name: content})
    return ToolFiles(root).recognise(name)


PYC = b"\xcb\x0d\r\n" + b"\0" * 12 + b"\xe3" + b"\0" * 9
TOOLS = {
    "g/.git/HEAD": (b"ref: refs/heads/main\n", GIT),
    "g/.git/ORIG_HEAD": (ID.encode(), GIT),
    "g/.git/index": (b"DIRC\0\0\0\2\0\0\0\1", GIT),
    "g/.git/packed-refs": (f"# pack-refs with: peeled\n{ID} refs/tags/v1\n^{ID}\n".encode(), GIT),
    f"g/.git/objects/pack/pack-{ID}.pack": (b"PACK\0\0\0\2\0\0\0\1", GIT),
    f"g/.git/objects/pack/pack-{ID}.idx": (b"\xfftOc\0\0\0\2", GIT),
    "g/.git/logs/HEAD": (f"{ID} {ID} A <a@example.org> 1700000000 +0100\tcommit: x\n".encode(), GIT),
    "g/.git/hooks/pre-commit.sample": (b"#!/bin/sh\nif test 1\nthen {\n  echo 1\n}\nfi\n", GIT),
    "g/.git/config": (b"[core]\n\tbare = false\n", GIT),
    "g/.git/description": (b"Unnamed repository\n", GIT),
    "g/.git/info/exclude": (b"", GIT),
    "a/.gitignore": (b"*.bin\n[abc]*\n[]\n{x}\n", GIT),
    "a/.gitkeep": (b"", GIT),
    "sub/.git": (b"gitdir: ../g/.git/modules/sub\n", GIT),
    ".gitattributes": (b"*.bin filter=lfs diff=lfs merge=lfs -text\n" * 40, GIT),
    ".DS_Store": (b"\0\0\0\1Bud1\0\0\x10\0", "a note of a file browser"),
    "c/CVS/Entries": (b"/x.c/1.2/Mon Jan  1 00:00:00 2001//\nD/sub////\n", CVS),
    "a/__pycache__/m.cpython-312.pyc": (PYC, "a cache (python)"),
    "m/.mypy_cache/CACHEDIR.TAG": (TAG, "a cache (mypy)"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_what_a_tool_wrote_for_itself(data, name):
    content, tool = TOOLS[name]
    assert recognised(data, name, content) == tool


OTHERS = {
    "records in a folder of git": ("g/.git/x.jsonl", LINES),
    "records by a name that git has": ("g/.git/config", b"[core]\n" + LINES),
    "records after a first line": ("g/.git/hooks/pre-commit", b"#!/bin/sh\n" + LINES),
    "records as a description": ("g/.git/description", LINES),
    "a record over several lines": ("g/.git/description", b'{\n  "text":\n "one two three"\n}\n'),
    "a hook that git does not call": ("g/.git/hooks/page-1", b"#!/bin/sh\nwords and more words\n"),
    "a message that git does not write": ("g/.git/A_MSG", b"words and more words\n"),
    "records as an object": (f"g/.git/objects/ab/{ID[2:]}", LINES),
    "records that are compressed": (f"g/.git/objects/ab/{ID[2:]}", zlib.compress(LINES)),
    "records as a pack": (f"g/.git/objects/pack/pack-{ID}.pack", LINES),
    "records as a reference": ("g/.git/refs/heads/x", LINES),
    "records in a log": ("g/.git/logs/HEAD", f"{ID} {ID} A <a> 1 +0100\tx\n".encode() + LINES),
    "a suffix of records": ("g/.git/refs/heads/x.jsonl", ID.encode()),
    "a suffix of a table": (f"g/.git/objects/pack/pack-{ID}.parquet", b"PACK\0\0\0\2"),
    "a text of git that is large": ("g/.git/description", b"words and more words\n" * 9000),
    "a file that git does not know": ("g/.git/notes", b"x\n"),
    "a copy that Git LFS keeps": (f"g/.git/lfs/objects/01/23/{ID}", b"x\n"),
    "records as a file of a submodule": ("sub/.git", b"gitdir: x\n" + LINES),
    "a folder that is only called so": ("b/.git/config", b"[core]\n"),
    "a name in another case": ("g/.GIT/config", b"[core]\n"),
    "a folder that begins so": ("g/.git\n/HEAD", b"ref: refs/heads/main\n"),
    "a file's name as a folder": ("a/.gitkeep/e.jsonl", LINES),
    "a file's name as a folder, and a text": ("a/.DS_Store/e", b"x\n"),
    "records as attributes": (".gitattributes", LINES),
    "records below a line": ("a/.gitmodules", b'[submodule "x"]\n' + LINES),
    "an array of records": ("a/.gitignore", b'[{"text": "one"}, {"text": "two"}]'),
    "a table": (".gitignore", b"a,b,c,d,e\n" + b"1,2,3,4,5\n" * 20),
    "no note of a file browser": (".DS_Store", LINES),
    "a pharmacy": ("x/CVS/e.jsonl", LINES),
    "a pharmacy's list": ("x/CVS/Entries", b"/aspirin/1//\n"),
    "records in CVS": ("c/CVS/e.jsonl", LINES),
    "records as entries": ("c/CVS/Entries", LINES),
    "a cache of records": ("a/__pycache__/e.jsonl", LINES),
    "a module that is none": ("a/__pycache__/m.cpython-312.pyc", LINES),
    "a cache without its tag": ("p/.pytest_cache/v/cache/x", b"x\n"),
    "json in a cache": ("m/.mypy_cache/3.12/x.data.json", b"{}"),
    "another cache": ("a/.ipynb_checkpoints/e-checkpoint.jsonl", LINES),
    "a member of an archive": ("a.zip!/.gitkeep", b""),
    "a folder": ("g/.git/", None),
    "a NUL in a name": (r"g/.git/refs/\x00", None),
    "nothing": ("g/.git/FETCH_HEAD", None),
}


@pytest.mark.parametrize(("name", "content"), OTHERS.values(), ids=OTHERS)
def test_what_a_name_does_not_make_a_tools(data, name, content):
    if content is not None:
        lay(data, {name: content})
    assert ToolFiles(data).recognise(name) is None


def test_a_copy_of_git_lfs_is_one_of_an_audited_file(data):
    digest = hashlib.sha256(LINES).hexdigest()
    name = f"g/.git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}"
    assert recognised(data, name, LINES) is None  # nobody audited it
    assert ToolFiles(data, lambda: {digest}).recognise(name) == GIT
    lay(data, {name: LINES * 2, f"c/CVS/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}": LINES})
    assert ToolFiles(data, lambda: {digest}).recognise(name) is None
    assert ToolFiles(data, lambda: {digest}).recognise(name.replace("g/.git", "c/CVS")) is None


def test_a_link_is_of_no_tool(data):
    for place, aim in {"g/.git/shallow": "HEAD", ".gitkeep": "g/.git/HEAD", "l": "g", ".git": "g/.git"}.items():
        (data / place).symlink_to(aim)
    assert [ToolFiles(data).recognise(name) for name in ("g/.git/shallow", ".gitkeep", ".git")] == [None] * 3


def test_a_marker_must_be_what_it_is_called(data):
    (data / "g/.git/HEAD").write_bytes(b"")
    assert recognised(data, "g/.git/config", b"[core]\n") is None
    (data / "g/.git/HEAD").write_bytes(LINES)
    assert recognised(data, "g/.git/config", b"[core]\n") is None


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_all_that_git_itself_writes_is_recognised(tmp_path):
    def git(*words):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    for text in ("one", "two"):
        (tmp_path / "x.jsonl").write_text(f'{{"text": "{text}"}}\n')
        git("add", ".")
        git("commit", "-q", "-m", text)
        git("gc", "-q") if text == "one" else None
    git("tag", "-a", "v1", "-m", "a tag")
    names = [path.relative_to(tmp_path).as_posix() for path in (tmp_path / ".git").rglob("*") if path.is_file()]
    tools = ToolFiles(tmp_path)
    assert [name for name in names if tools.recognise(name) != GIT] == []


def test_a_module_that_python_compiled_is_recognised(tmp_path):
    made = Path(importlib.util.cache_from_source(str(tmp_path / "m.py")))
    (tmp_path / "m.py").write_text("x = 1\n")
    import py_compile

    py_compile.compile(str(tmp_path / "m.py"), cfile=str(made))
    assert ToolFiles(tmp_path).recognise(made.relative_to(tmp_path).as_posix()) == "a cache (python)"
