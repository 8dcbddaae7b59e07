"""Appending: layout, what may not be appended to, and a kill at every step."""

import json
import os
import threading

import pytest

from provenance import ledger
from provenance.core.schemas import SEALED
from provenance.errors import BrokenChain, ConfigError, DigestMismatch, InputError
from provenance.ledger import layout
from provenance.ledger.keys.signing_keys import Ed25519PrivateKey, KeyPair, ec, fingerprint
from provenance.ledger.log import opening
from provenance.ledger.trees import merkle


def grow(folder, sealed, documents=None, **facts):
    return ledger.append(folder, sealed, documents or {}, sealed.facts(**facts), keys=ledger.user_keys())


def test_layout(home, sealed, tmp_path):
    folder = tmp_path / "ledger"
    first = grow(folder, sealed, {"report.html": b"<p>"})
    second = grow(folder, sealed, kind="assessment")
    assert (first.index, second.index, second.size) == (0, 1, 2)
    assert second.folder == folder / "scans" / "00000001"
    assert sorted(path.name for path in folder.iterdir()) == [
        "VERIFY.md", "checkpoints", "entries", "keys", "objects", "origin", "scans",
    ]  # fmt: skip
    assert (folder / "scans" / "latest").readlink().name == "00000001"
    assert {path.stem for path in first.folder.glob("*.parquet")} == set(SEALED)
    said = second.statement["predicate"]
    assert said["log"] == {"origin": first.origin, "index": 1, "prev": {"size": 1, "rootHash": first.root}}
    assert (said["kind"], said["keys"]) == ("assessment", "local")
    assert first.statement["predicate"]["log"]["prev"] == {"size": 0, "rootHash": merkle.EMPTY_ROOT.hex()}
    assert first.keyid.startswith("SHA256:")


def test_entries_and_tables_are_read_back(home, sealed, tmp_path):
    folder = tmp_path / "ledger"
    entry = grow(folder, sealed)
    grow(folder, sealed, purpose="research")
    assert ledger.read_entry(folder, 0) == entry.statement
    assert ledger.read_entry(folder)["predicate"]["purpose"] == "research"
    for index in (None, 0, 1):
        found = ledger.read_tables(folder, index)
        assert all(found[name].equals(sealed[name]) for name in SEALED)


def test_lines_say_what_parquet_says(home, sealed, tmp_path):
    folder = tmp_path / "ledger"
    said = grow(folder, sealed).statement["predicate"]["tables"]
    assert {name for name, table in said.items() if "lines" in table} == {
        "sources", "findings", "coverage", "verdicts", "files",
    }  # fmt: skip
    rows = [json.loads(line) for line in (folder / said["files"]["lines"]).read_bytes().splitlines()]
    assert [{name: row[name] for name in row if name != "salt"} for row in rows] == sealed["files"].to_pylist()


def test_same_tables_have_the_same_digests(home, sealed, tmp_path):
    first, second = (grow(tmp_path / name, sealed).statement["predicate"]["tables"] for name in "ab")
    assert first == second


def test_given_keys_are_called_given(home, sealed, tmp_path):
    mine = ledger.user_keys()
    given = KeyPair(mine.statement, mine.log)
    entry = ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=given)
    assert entry.statement["predicate"]["keys"] == "given"


@pytest.mark.parametrize("which", ["statement", "log"])
def test_another_hand_is_refused(home, sealed, tmp_path, which):
    grow(tmp_path / "ledger", sealed)
    mine = ledger.user_keys()
    fresh = {"statement": ec.generate_private_key(ec.SECP256R1()), "log": Ed25519PrivateKey.generate()}
    other = KeyPair(**{"statement": mine.statement, "log": mine.log} | {which: fresh[which]})
    with pytest.raises(ConfigError, match="--key") as told:
        ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=other)
    assert fingerprint(getattr(mine, which).public_key()) in str(told.value)
    assert ledger.verify(tmp_path / "ledger", strict=True).exit_code == 0


@pytest.mark.parametrize("name", ["thesis.txt", ".git"])
def test_folder_of_other_things_is_left_alone(home, sealed, tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("x")
    with pytest.raises(ConfigError, match="--ledger"):
        grow(tmp_path / "mine", sealed)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [name]


def test_file_is_no_ledger(home, sealed, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError):
        grow(tmp_path / "file", sealed)


@pytest.mark.parametrize("name", ["entries/00000000.dsse.json", "checkpoints/2.note", "origin"])
def test_broken_log_is_not_continued(world, sealed, name):
    path = world / "ledger" / name
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    with pytest.raises(BrokenChain):
        grow(world / "ledger", sealed)


@pytest.mark.parametrize("name", ["files.parquet", "../x", "a/b", "", ".hidden", "latest\n"])
def test_documents_have_plain_names(home, sealed, tmp_path, name):
    with pytest.raises(ConfigError):
        grow(tmp_path / "ledger", sealed, {name: b""})


def test_refused_facts_leave_nothing_behind(home, sealed, tmp_path):
    grow(tmp_path / "ledger", sealed)
    with pytest.raises(ConfigError):
        grow(tmp_path / "ledger", sealed, kind="final")
    assert ledger.verify(tmp_path / "ledger", strict=True).exit_code == 0


def test_all_tables_are_asked_for(home, sealed, tmp_path):
    del sealed["matches"]
    with pytest.raises(ValueError, match="matches"):
        grow(tmp_path / "ledger", sealed)


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_no_such_entry(world, index):
    with pytest.raises(InputError):
        ledger.read_entry(world / "ledger", index)


def test_no_ledger(tmp_path):
    with pytest.raises(InputError):
        ledger.read_tables(tmp_path)


def test_changed_table_is_not_parsed(world):
    path = world / "ledger" / "scans" / "00000001" / "files.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DigestMismatch):
        ledger.read_tables(world / "ledger")


def test_withheld_table_is_told(world):
    (world / "ledger" / "scans" / "00000001" / "files.parquet").unlink()
    with pytest.raises(InputError):
        ledger.read_tables(world / "ledger")


def test_scans_that_meet_take_turns(home, sealed, tmp_path):
    mine, found = ledger.user_keys(), []

    def run():
        found.append(ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=mine).index)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0, 1, 2, 3]
    assert ledger.verify(tmp_path / "ledger", strict=True).exit_code == 0


class Killed(BaseException):
    """The process ends here: nothing after it touches the disk."""


def deadly(patch, steps):
    """Let `steps` changes of the disk happen, and none after; tell how many were tried."""
    tried = []

    def wrap(real):
        def change(*args, **kwargs):
            tried.append(real.__name__)
            if len(tried) > steps:
                raise Killed
            return real(*args, **kwargs)

        return change

    for name in ("replace", "rename", "mkdir", "symlink", "unlink", "rmdir", "fsync"):
        patch.setattr(os, name, wrap(getattr(os, name)))
    return tried


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.full)])
def test_killed_at_any_step(home, sealed, tmp_path, before, stride):
    """Whatever the disk holds then verifies, and the next scan continues without signing an index twice."""
    ledger.user_keys()
    steps = 0
    while True:
        folder = tmp_path / str(steps)
        for _ in range(before):
            grow(folder, sealed)
        try:
            with pytest.MonkeyPatch.context() as patch:
                tried = deadly(patch, steps)
                grow(folder, sealed, {"report.html": b"1"}, counts={"killed": 1})
        except Killed:
            pass
        found = ledger.verify(folder)
        assert found.exit_code == 0 or (before == 0 and found.exit_code == 2), (steps, found.lines())
        assert found.entries in (before, before + 1)
        path = folder / layout.entry_path(before)
        signed = path.read_bytes() if path.exists() else None
        entry = grow(folder, sealed, {"report.html": b"2"})
        assert entry.index == before + (signed is not None)
        assert signed is None or path.read_bytes() == signed
        after = ledger.verify(folder, strict=True)
        assert after.exit_code == 0, (steps, after.lines())
        if len(tried) <= steps:
            break
        steps += stride
    assert steps > 40


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, OSError])
def test_a_first_append_that_is_interrupted_leaves_no_folder_of_an_append(home, sealed, tmp_path, monkeypatch, signal):
    real = opening.start_ledger

    def interrupted(*given):
        real(*given)
        raise signal

    monkeypatch.setattr(opening, "start_ledger", interrupted)
    with pytest.raises(signal):
        ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert not (tmp_path / "ledger" / ".append").exists()
    assert {path.name for path in (tmp_path / "ledger").iterdir()} <= {"keys"}
    monkeypatch.setattr(opening, "start_ledger", real)
    ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert ledger.verify(tmp_path / "ledger").exit_code == 0
