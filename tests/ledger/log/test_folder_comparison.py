"""Data beside a scan: every file in exactly one group, whatever its name, and nothing that cannot be read is "changed"."""

from __future__ import annotations

import hashlib
import os

import pytest

from provenance.core import path_names
from provenance.errors import InputError, VerificationError
from provenance.ledger.log import folder_comparison
from provenance.ledger.log.folder_comparison import FolderChanges


def digest(content):
    return hashlib.sha256(content).hexdigest()


def lay(root, *names):
    for name in names:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name)


def told(*names, version=path_names.CURRENT_VERSION):
    return [(path_names.path_to_text(name, version), digest(name), len(name)) for name in names]


def compared(data, scanned, **options):
    return folder_comparison.compare_folder(scanned, data, data.parent / "ledger", **options)


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_one_answer(data, threads):
    names = [f"d{number % 7}/{number}".encode() for number in range(3000)]
    lay(data, *names, b"covered/x", b"d1/unread", b"more")
    scanned = told(*names)
    scanned = [each if index % 10 else (each[0], "0" * 64, 1) for index, each in enumerate(scanned)]
    scanned += [("gone", "0" * 64, 1), ("d0/0!/member", "0" * 64, 1), ("covered/", None, 9), ("d1/unread", None, 9)]
    found = compared(data, iter(scanned), threads=threads)
    assert found.changes.changed == tuple(sorted(name.decode() for name in names[::10]))
    assert found.changes.added == ("more",)
    assert found.changes.removed == ("gone",)
    assert found.unread == ("d1/unread",)
    assert found.left_out == (folder_comparison.LeftOut("covered/", 9, ("covered/x",)),)
    assert found.bytes == sum(map(len, names))
    assert len(found.same) == 2700


ODD = [
    b"b\xff", rb"b\xff", rb"b\\xff", b"foo!/x", b"a.zip!/x", b"new\nline", b"tab\t", b"bell\x07", "\u202eright".encode(),
    "é".encode(), "e\u0301".encode(), b"trailing ", b"dot.", b"n" * 255, b"-rf", b"*", b"a b/c d",
]  # fmt: skip


@pytest.mark.parametrize("version", [path_names.FIRST_VERSION, path_names.CURRENT_VERSION])
def test_names_of_any_bytes_side_by_side(data, version):
    lay(data, *ODD)
    scanned = [*told(*ODD, version=version), ("a.zip!/x", "0" * 64, 1)]
    found = compared(data, scanned, naming=version)
    assert len(found.same) == len(ODD)
    assert not found.changes
    for name in ODD:
        lay(data, name)
        (data / os.fsdecode(name)).write_bytes(b"changed")
        assert compared(data, scanned, naming=version).changes == FolderChanges(
            changed=(path_names.path_to_text(name, version),)
        )
        (data / os.fsdecode(name)).rename(data / "elsewhere")
        assert compared(data, scanned, naming=version).changes.removed == (path_names.path_to_text(name, version),)
        (data / "elsewhere").unlink()
        lay(data, name)


@pytest.mark.parametrize(("there", "added"), [(b"b\xff", rb"b\xff"), (rb"b\xff", b"b\xff"), (b"a", b"\xff")])
def test_a_name_that_collides_is_added(data, there, added):
    lay(data, there, added)
    assert compared(data, told(there)).changes == FolderChanges(added=(path_names.path_to_text(added),))


def test_a_list_of_old_says_which_names_it_cannot_tell_apart(data):
    """Before there was one naming, a byte and the letters that stand for it looked alike in what a derivation made."""
    names = (b"b\xff", rb"b\xff", b"foo!/x", b"new\nline")
    lay(data, *names)
    found = compared(data, told(*names, version=path_names.LOSSY_VERSION), naming=path_names.LOSSY_VERSION)
    assert found.ambiguous == (r"b\xff", r"b\xff")
    assert found.same == ("foo!/x", "new\nline")
    assert not found.changes


def test_a_path_longer_than_the_system_opens_is_compared(data, deep):
    path = deep(data, 20, b"deep")
    scanned = [(path, digest(b"deep"), 4)]
    assert compared(data, scanned).same == (path,)
    assert compared(data, [(path, digest(b"other"), 4)]).changes.changed == (path,)
    assert compared(data, []).changes.added == (path,)


def test_what_cannot_be_read_is_no_change(data, close):
    lay(data, b"a", b"b", b"c/x", b"d/x", b"h/s/x")
    (data / "link").symlink_to("a")
    scanned = [*told(b"a", b"b", b"c/x"), ("link", digest(b"a"), 1), ("d/", None, 0), ("h/", None, 5)]
    for name in ("a", "c", "d", "h/s"):
        close(data / name)
    found = compared(data, scanned)
    assert found.unreadable == (("a", "Permission denied"), ("c/", "Permission denied"), ("link", "Permission denied"))
    assert found.unread == ("d/",)  # nor could the scan
    assert found.changes == FolderChanges(removed=("c/x",))
    assert found.same == ("b",)
    assert {each.path: each.files for each in found.left_out} == {"d/": (), "h/": ("h/s/",)}


def test_a_folder_that_cannot_be_listed_does_not_pass_for_empty(data, close):
    close(data)
    with pytest.raises(InputError, match="data cannot be read: Permission denied"):
        compared(data, [])


def test_what_vanishes_meanwhile_could_not_be_read(data, monkeypatch):
    lay(data, b"a", b"b")
    opened = folder_comparison.folder_walk.open_file

    def late(root, path):
        (data / "a").unlink(missing_ok=True)
        return opened(root, path)

    monkeypatch.setattr(folder_comparison.folder_walk, "open_file", late)
    found = compared(data, told(b"a", b"b"), threads=1)
    assert found.unreadable == (("a", "No such file or directory"),)
    assert found.same == ("b",)


def test_a_file_that_became_something_else_changed(data):
    lay(data, b"a", b"b/x")
    scanned = told(b"a", b"b/x")
    (data / "a").unlink()
    os.mkfifo(data / "a")
    (data / "b" / "x").unlink()
    (data / "b" / "x").symlink_to("..")
    assert compared(data, scanned).changes == FolderChanges(changed=("a", "b/x"))


def test_only_the_ledgers_own_files_are_left_out(data):
    lay(data, b"a", b"l/entries/1", b"l/loader.jsonl", b"l/x/y", b"m/entries/1")
    found = folder_comparison.compare_folder(told(b"a"), data, data / "l", own=frozenset({"entries/1"}))
    assert found.changes.added == ("l/loader.jsonl", "l/x/y", "m/entries/1")
    assert found.own == 1
    scanned = [*told(b"a"), ("l/", None, 0)]  # the scan left it out as a ledger, which excuses nothing in it
    found = folder_comparison.compare_folder(scanned, data, data / "l", own=frozenset({"entries/1"}))
    assert found.left_out == (folder_comparison.LeftOut("l/", 0, ("l/loader.jsonl", "l/x/y"), steady=False),)
    assert folder_comparison.compare_folder(told(b"a"), data, data / "l").own == 3  # nobody looked at them


def test_a_table_that_is_exchanged_while_it_is_read_is_noticed(tmp_path):
    (tmp_path / "files.jsonl").write_text('{"bytes":1,"path":"a","sha256":null}\n')
    bound = folder_comparison.digest_file(tmp_path / "files.jsonl")
    assert list(folder_comparison.read_scanned(tmp_path / "files.jsonl", bound)) == [("a", None, 1)]
    (tmp_path / "files.jsonl").write_text('{"bytes":1,"path":"b","sha256":null}\n')
    with pytest.raises(VerificationError, match="changed while it was verified"):
        list(folder_comparison.read_scanned(tmp_path / "files.jsonl", bound))


def test_another_name_of_what_was_compared_was_compared(data):
    lay(data, b"a", b".s/blob", b".h")
    for name, aim in {"again": "a", "read": ".s/blob", "twice": ".s/blob", "hidden": ".h", "folder": ".s"}.items():
        (data / name).symlink_to(aim)
    scanned = [*told(b"a"), ("read", digest(b".s/blob"), 7), (".s/", None, 0)]
    scanned += [(name, None, 0) for name in ("again", "twice", "hidden", "folder", ".h")]
    found = compared(data, scanned)
    assert found.same == ("a", "read")
    assert found.unread == (".h", "folder", "hidden")


def test_a_folder_that_was_left_out_and_grew_is_named(data):
    lay(data, b"h/x", b".git/x", b"s/blob", b"s/y")
    (data / "read").symlink_to("s/blob")
    scanned = [("h/", None, 3), (".git/", None, 6), ("s/", None, 3), ("gone/", None, 5), ("read", digest(b"s/blob"), 6)]
    found = compared(data, scanned)
    assert folder_comparison.resized(data, found) == []
    lay(data, b"h/new", b"s/z", b".git/new")
    assert folder_comparison.resized(data, compared(data, scanned)) == [".git/", "h/", "s/"]
    passed = {".git/x", ".git/new", "h/new"}  # every file of one folder, and some of another
    assert folder_comparison.resized(data, compared(data, scanned), passed) == ["h/", "s/"]


def test_no_folder_is_looked_into_because_a_ledger_names_it(data, monkeypatch):
    lay(data, b"a")
    monkeypatch.setattr(folder_comparison.folder_walk, "count_bytes", lambda place: pytest.fail(f"{place} was opened"))
    scanned = [*told(b"a"), ("../", None, 7), ("/etc/", None, 7), ("a\0/", None, 7), ("/", None, 7)]
    found = compared(data, scanned)
    assert found.same == ("a",)
    assert folder_comparison.resized(data, found) == []


@pytest.mark.parametrize(
    ("value", "size"), [(7, 7), ("9007199254740993", 9007199254740993), (None, 0), ({}, 0), ("x", 0)]
)
def test_a_size_as_a_table_writes_it(value, size):
    assert folder_comparison.read_size(value) == size
