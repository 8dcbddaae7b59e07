"""Files of tools: the folder, the path and the bytes must be the tool's, whatever a name says."""

import hashlib
import importlib.util
import py_compile
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from provenance.ledger.tool_files import binary_formats
from provenance.ledger.tool_files.recognition import ToolFiles

ID = "0123456789abcdef0123456789abcdef01234567"
LINES = b'{"text": "one two three"}\n{"text": "four five six"}\n'
RECORDS = LINES * 30
PROSE = "".join(f"This is the sentence number {at} of a book about whales.\n" for at in range(300)).encode()
CJK = "这是一本关于鲸鱼的书里的一句话，有人写了它。\n".encode() * 200
TABLE = b"question,answer\n" + b"".join(b"what is %d,it is %d\n" % (at, at) for at in range(300))
OTHER_TABLE = TABLE.replace(b",", b"\t")


def summed(data):
    """What git closes its files with."""
    return data + hashlib.sha1(data, usedforsecurity=False).digest()


def coded(content, kind=b"blob", level=-1):
    """An object of git, and where it stands."""
    data = b"%s %d\0%s" % (kind, len(content), content)
    name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return f"g/.git/objects/{name[:2]}/{name[2:]}", zlib.compress(data, level)


def packed(*contents, level=-1):
    """A pack of whole objects."""
    made = b"PACK\0\0\0\2" + len(contents).to_bytes(4)
    for content in contents:
        size = len(content)
        made += bytes([0x30 | size & 15 | (0x80 if size > 15 else 0)])
        rest = size >> 4
        while rest:
            made += bytes([rest & 127 | (0x80 if rest > 127 else 0)])
            rest >>= 7
        made += zlib.compress(content, level)
    return summed(made)


PLACE, BLOB = coded(b"abc")
IDX = summed(b"\xfftOc\0\0\0\2" + bytes(3) * 85 + b"\0" * (1024 - 255 - 4) + b"\0\0\0\1" + bytes(20 + 8 + 20))
NOTE = b"\0\0\0\1Bud1" + struct.pack(">III", 64, 32, 64) + bytes(80)
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
    lay(tmp_path, {PLACE: BLOB, "c/CVS/Root": b":ext:a@example.org:/cvs\n"})
    lay(tmp_path, {"c/CVS/Entries": b"/x.c/1.2/Mon Jan  1 00:00:00 2001//\nD/sub////\n", "c/CVS/Repository": b"m/c\n"})
    lay(tmp_path, {"m/.mypy_cache/CACHEDIR.TAG": TAG, "p/.pytest_cache/README.md": b"# a cache\n"})
    return tmp_path


def recognised(root, name, content):
    lay(root, {name: content})
    return ToolFiles(root).recognise_tool(name)


TOOLS = {
    "g/.git/HEAD": (b"ref: refs/heads/main\n", GIT),
    "g/.git/ORIG_HEAD": (ID.encode(), GIT),
    "g/.git/index": (summed(b"DIRC\0\0\0\2\0\0\0\0"), GIT),
    "g/.git/packed-refs": (f"# pack-refs with: peeled\n{ID} refs/tags/v1\n^{ID}\n".encode(), GIT),
    f"g/.git/objects/pack/pack-{ID}.pack": (packed(b"abc", LINES * 999, b""), GIT),
    f"g/.git/objects/pack/pack-{ID}.idx": (IDX, GIT),
    "g/.git/logs/HEAD": (f"{ID} {ID} A <a@example.org> 1700000000 +0100\tcommit: x\n".encode(), GIT),
    "g/.git/hooks/pre-commit.sample": (b"#!/bin/sh\nif test 1\nthen {\n  echo 1\n}\nfi\n", GIT),
    "g/.git/config": (b"[core]\n\tbare = false\n", GIT),
    "g/.git/description": (b"Unnamed repository\n", GIT),
    "g/.git/info/exclude": (b"", GIT),
    "a/.gitignore": (b"*.bin\n[abc]*\n[]\n{x}\n", GIT),
    "a/.gitkeep": (b"", GIT),
    "sub/.git": (b"gitdir: ../g/.git/modules/sub\n", GIT),
    ".gitattributes": (b"*.bin filter=lfs diff=lfs merge=lfs -text\n" * 40, GIT),
    ".DS_Store": (NOTE, "a note of a file browser"),
    "c/CVS/Entries": (b"/x.c/1.2/Mon Jan  1 00:00:00 2001//\nD/sub////\n", CVS),
    coded(LINES * 999)[0]: (coded(LINES * 999)[1], GIT),
    "g/.git/FETCH_HEAD": (f"{ID}\tnot-for-merge\tbranch 'a/b' of https://example.org/a\n".encode(), GIT),
    "g/.git/COMMIT_EDITMSG": (b"Add the first part\n\nIt is a good part, as everybody says.\n", GIT),
    "a/.gitmodules": (b'[submodule "x"]\n\tpath = x y\n\turl = https://example.org/x\n\tshallow\n', GIT),
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
    "prose as patterns": ("a/.gitignore", PROSE),
    "prose without a space": ("a/.gitignore", CJK),
    "prose as comments": ("a/.gitignore", b"".join(b"# " + each + b"\n" for each in PROSE.splitlines())),
    "prose as attributes": ("a/.gitattributes", PROSE),
    "prose of words that git knows": ("a/.gitattributes", b"the text of the diff\n" * 99),
    "prose as settings": (
        "a/.gitmodules",
        b"[a]\n" + b"".join(b"text = " + each + b"\n" for each in PROSE.splitlines()),
    ),
    "prose in a file that keeps a folder": ("a/.gitkeep", PROSE),
    "prose as a file of a submodule": ("sub/.git", b"gitdir: " + PROSE),
    "prose as what was fetched": (
        "g/.git/FETCH_HEAD",
        b"".join(ID.encode() + b"\t\t" + each + b"\n" for each in PROSE.splitlines()),
    ),
    "prose as references": ("g/.git/packed-refs", b"".join(b"# " + each + b"\n" for each in PROSE.splitlines())),
    "prose in a log": (
        "g/.git/logs/HEAD",
        b"".join(b"%s %s A <a> 1 +0100\t%s\n" % (ID.encode(), ID.encode(), each) for each in PROSE.splitlines()),
    ),
    "prose as a script": ("g/.git/hooks/pre-commit", b"#!/bin/sh\n" + PROSE),
    "prose as a script, shorter": ("g/.git/hooks/pre-commit", b"#!/bin/sh\n" + PROSE[:3000]),
    "prose as a message": ("g/.git/COMMIT_EDITMSG", PROSE),
    "prose as a description": ("g/.git/description", PROSE),
    "prose as patterns of git": ("g/.git/info/exclude", PROSE),
    "prose as a tag": ("m/.mypy_cache/CACHEDIR.TAG", TAG + PROSE),
    "prose as entries": (
        "c/CVS/Entries",
        b"".join(b"/%s/1.1///\n" % each * 1 for each in PROSE.splitlines())[:-1] + b"/ . /a b c d/x y z/zz/\n",
    ),
    "a table in a file that keeps a folder": ("a/.gitkeep", TABLE),
    "a table as patterns": ("a/.gitignore", TABLE),
    "another table as patterns": ("a/.gitignore", OTHER_TABLE),
    "a table of numbers as patterns": ("a/.gitignore", b"1,2\n3,4\n5,6\n"),
    "a table as a message": ("g/.git/MERGE_MSG", TABLE[:2000]),
    "a table as a script": ("g/.git/hooks/pre-commit", b"#!/bin/sh\n" + TABLE),
    "a table as settings": ("g/.git/config", TABLE),
    "records as a submodule": ("sub/.git", b'gitdir: {"text": "one two"}\n'),
    "records as many submodules": ("sub/.git", b'gitdir: {"text": "one two"}\n' * 50),
    "records behind an object": (PLACE, BLOB + RECORDS),
    "an object of another name": (f"g/.git/objects/ab/{ID[2:]}", BLOB),
    "an object that is cut": (PLACE, BLOB[:-2]),
    "an object that is longer than it says": (PLACE, zlib.compress(b"blob 2\0abc")),
    "an object that nobody compressed": coded(RECORDS, level=0),
    "an object of no kind": coded(LINES, kind=b"text"),
    "records behind a pack": (f"g/.git/objects/pack/pack-{ID}.pack", packed(b"abc") + RECORDS),
    "records in a pack": (f"g/.git/objects/pack/pack-{ID}.pack", summed(packed(b"abc")[:-20] + RECORDS)),
    "bytes in a pack": (f"g/.git/objects/pack/pack-{ID}.pack", summed(packed(b"abc")[:-20] + b"\1")),
    "a pack of fewer objects": (
        f"g/.git/objects/pack/pack-{ID}.pack",
        summed(b"PACK\0\0\0\2\0\0\0\2" + packed(b"abc")[12:-20]),
    ),
    "a pack that nobody compressed": (f"g/.git/objects/pack/pack-{ID}.pack", packed(RECORDS, level=0)),
    "a pack that is cut": (f"g/.git/objects/pack/pack-{ID}.pack", packed(b"abc")[:-1]),
    "an index of a pack with more": (f"g/.git/objects/pack/pack-{ID}.idx", summed(IDX[:-20] + b"\0")),
    "records as an index of a pack": (f"g/.git/objects/pack/pack-{ID}.idx", summed(b"\xfftOc\0\0\0\2" + RECORDS)),
    "records as a graph": ("g/.git/objects/info/commit-graph", summed(b"CGPH\1" + RECORDS)),
    "records as an index": ("g/.git/index", summed(b"DIRC\0\0\0\2\0\0\0\0" + RECORDS)),
    "records as a part of an index": (
        "g/.git/index",
        summed(b"DIRC\0\0\0\2\0\0\0\0TEXT" + len(RECORDS).to_bytes(4) + RECORDS),
    ),
    "records behind a note": (".DS_Store", NOTE + RECORDS),
    "records behind the head of a note": (".DS_Store", b"\0\0\0\1Bud1\0\n" + RECORDS),
    "a module without its source": (
        "a/__pycache__/m.cpython-312.pyc",
        b"\xcb\x0d\r\n" + b"\0" * 12 + b"\xe3" + b"\0" * 9,
    ),
    "a member of an archive": ("a.zip!/.gitkeep", b""),
    "a folder": ("g/.git/", None),
    "a NUL in a name": (r"g/.git/refs/\x00", None),
    "nothing": ("g/.git/FETCH_HEAD", None),
}


@pytest.mark.parametrize(("name", "content"), OTHERS.values(), ids=OTHERS)
def test_what_a_name_does_not_make_a_tools(data, name, content):
    if content is not None:
        lay(data, {name: content})
    assert ToolFiles(data).recognise_tool(name) is None


def test_a_copy_of_git_lfs_is_one_of_an_audited_file(data):
    digest = hashlib.sha256(LINES).hexdigest()
    name = f"g/.git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}"
    assert recognised(data, name, LINES) is None  # nobody audited it
    assert ToolFiles(data, lambda: {digest}).recognise_tool(name) == GIT
    lay(data, {name: LINES * 2, f"c/CVS/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}": LINES})
    assert ToolFiles(data, lambda: {digest}).recognise_tool(name) is None
    assert ToolFiles(data, lambda: {digest}).recognise_tool(name.replace("g/.git", "c/CVS")) is None


def test_a_link_is_of_no_tool(data):
    for place, aim in {"g/.git/shallow": "HEAD", ".gitkeep": "g/.git/HEAD", "l": "g", ".git": "g/.git"}.items():
        (data / place).symlink_to(aim)
    assert [ToolFiles(data).recognise_tool(name) for name in ("g/.git/shallow", ".gitkeep", ".git")] == [None] * 3


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
    git("update-index", "--index-version", "4")
    git("repack", "-a", "-d", "-b")
    git("multi-pack-index", "write")
    git("clone", "-q", ".", "copy")
    git("-C", "copy", "fetch", "-q", "origin", "HEAD:refs/heads/other")
    (tmp_path / "x.jsonl").write_text("".join(f'{{"text": "{at}"}}\n' for at in range(999)))
    git("commit", "-q", "-a", "-m", "three")
    git("fetch", "-q", "copy")
    tools = ToolFiles(tmp_path)
    for folder in (tmp_path / ".git", tmp_path / "copy/.git"):
        names = [path.relative_to(tmp_path).as_posix() for path in folder.rglob("*") if path.is_file()]
        assert len(names) > 20
        assert [name for name in names if tools.recognise_tool(name) != GIT] == []


def test_a_module_that_python_compiled_is_recognised(tmp_path):
    text = tmp_path / "m.py"
    text.write_text(
        '"""A module, {1: 2}."""\nX = {"a": (1.5, 2**70, b"b", None), "b": [1, 2]}\n\n\ndef f(a, *, b=...):\n    return a\n'
    )
    made = Path(importlib.util.cache_from_source(str(text)))
    py_compile.compile(str(text), cfile=str(made))
    name, data = made.relative_to(tmp_path).as_posix(), made.read_bytes()
    assert ToolFiles(tmp_path).recognise_tool(name) == "a cache (python)"
    for other in (
        data + b"\n" + RECORDS,
        data[:-1],
        data[:17],
        data[:16] + RECORDS,
        data + b"N",
        b"\0" * 16 + data[16:],
    ):
        made.write_bytes(other)
        assert ToolFiles(tmp_path).recognise_tool(name) is None
    made.write_bytes(data)
    text.write_text("x = 1\n")  # it was compiled from another
    assert ToolFiles(tmp_path).recognise_tool(name) is None
    text.unlink()
    assert ToolFiles(tmp_path).recognise_tool(name) is None
    text.write_text(f"X = {RECORDS.decode()!r}\n")  # its texts are records
    py_compile.compile(str(text), cfile=str(made))
    assert ToolFiles(tmp_path).recognise_tool(name) is None


def test_text_in_a_binary_file_is_seen_wherever_it_stands(tmp_path):
    noise = b"".join(hashlib.sha256(bytes([at % 256, at // 256])).digest() for at in range(1 << 16))
    for data, holds in ((noise, False), (b"\0" * 9 + noise + PROSE[:600], True), (noise[: (1 << 20) - 300] + PROSE[:600], True),
                        (noise + b"\n" + b"\n\0\n".join(LINES.splitlines() * 3) + b"\n", True), (b"\n" + LINES, False)):  # fmt: skip
        (tmp_path / "x").write_bytes(data)
        with (tmp_path / "x").open("rb") as file:
            assert binary_formats.holds_text(file, len(data)) is holds
