import io
import os
import shutil
import tarfile

import pytest

from provenance import ledger
from provenance.errors import ConfigError, DigestMismatch
from provenance.ledger.exports import ExportRequest, write


def made(world, tmp_path, *withhold):
    write(world / "ledger", tmp_path / "out.tar", "tar", ExportRequest(withhold=withhold))
    return (tmp_path / "out.tar").read_bytes()


def unpacked(data, folder):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_whoever_makes_it_and_whenever_its_bytes_are_the_same(world, tmp_path):
    first = made(world, tmp_path)
    shutil.copytree(world / "ledger", tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o700)
    write(tmp_path / "copy", tmp_path / "again.tar", "tar", ExportRequest())
    assert (tmp_path / "again.tar").read_bytes() == first
    assert len(first) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    assert names == sorted(names)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.isreg()) for m in members} == {(0, 0, 0, "", "", 0o644, True)}  # fmt: skip


def test_what_is_unpacked_verifies_and_holds_no_stranger(world, tmp_path):
    for stray in ("notes.txt", "entries/x", "objects/sha256/aa/bb", "checkpoints/secret.pem", "keys/statement.pem"):
        (world / "ledger" / stray).parent.mkdir(parents=True, exist_ok=True)
        (world / "ledger" / stray).write_bytes(b"not for others")
    (world / "ledger" / "entries" / "00000002.dsse.json").symlink_to("/etc/passwd")
    data = made(world, tmp_path)
    assert b"not for others" not in data
    assert b"root:" not in data
    found = ledger.verify(unpacked(data, tmp_path / "un"), strict=True)
    assert found.exit_code == 0, found.lines()


def test_withheld_files_are_told_and_all_else_is_well(world, tmp_path):
    names = ("scans/00000000/report.html", "scans/00000001/report.html")
    found = ledger.verify(unpacked(made(world, tmp_path, *names), tmp_path / "un"), strict=True)
    assert (found.exit_code, found.withheld) == (5, names)
    assert [step.name for step in found.steps if step.status == "failed"] == ["objects"]
    # and who got it may hand it on
    write(tmp_path / "un", tmp_path / "on.tar", "tar", ExportRequest())
    assert (tmp_path / "on.tar").read_bytes() == (tmp_path / "out.tar").read_bytes()


def test_only_what_is_bound_can_be_withheld(world, tmp_path):
    with pytest.raises(ConfigError, match=r"no entry binds entries/00000000.dsse.json, so"):
        made(world, tmp_path, "entries/00000000.dsse.json")


def test_a_changed_file_is_not_handed_on(world, tmp_path):
    (world / "ledger/scans/00000001/report.html").write_bytes(b"<p>other</p>\n")
    with pytest.raises(DigestMismatch, match=r"report\.html is not what its entry binds"):
        made(world, tmp_path)
    assert not (tmp_path / "out.tar").exists()
