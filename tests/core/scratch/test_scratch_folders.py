"""Scratch folders: what a killed process left is removed, and nothing else."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile

import pytest

from provenance.core.scratch import scratch_folders
from provenance.errors import LimitExceeded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="owners are told apart by /proc")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_over(place):
    """Make a folder as a process does that is then killed."""
    code = "from provenance.core.scratch import scratch_folders as scratch; import os; f = scratch.make_folder(); (f / 'a').mkdir(); (f / 'a' / 'b').touch(); print(f, flush=True); os.kill(os.getpid(), 9)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    return place / done.stdout.strip()


def change(folder, **said):
    owner = folder / scratch_folders.OWNER
    owner.write_text(json.dumps(json.loads(owner.read_text()) | said))


def test_what_a_killed_process_left_is_removed(place):
    folder = left_over(place)
    assert (folder / "a" / "b").exists()
    assert scratch_folders.remove_abandoned() == 1
    assert not folder.exists()


def test_a_number_that_was_given_out_anew_is_not_the_owner(place):
    folder = left_over(place)
    change(folder, pid=os.getpid())
    assert scratch_folders.remove_abandoned() == 1


def test_a_living_owner_keeps_its_folder(place):
    folder = left_over(place)
    change(folder, pid=os.getpid(), start=scratch_folders._start(os.getpid()))
    assert scratch_folders.remove_abandoned() == 0
    with scratch_folders.temporary_folder() as own:
        moved = own.rename(place / f"{scratch_folders.PREFIX}moved")  # not known by its name: the lock alone tells
        change(moved, namespace="another")
        assert scratch_folders.remove_abandoned() == 0
        moved.rename(own)


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ({"boot": "another"}, True),
        ({"boot": "another", "machine": "another"}, False),
        ({"boot": ""}, False),
        ({"namespace": "another"}, True),
    ],
)
def test_another_boot_and_another_machine(place, said, gone):
    folder = left_over(place)
    change(folder, **said)
    assert scratch_folders.remove_abandoned() == gone
    assert folder.exists() == (not gone)


@pytest.mark.parametrize("owner", [None, b"", b"[]", b'{"pid": 1}', b"{" * 5000])
def test_what_names_no_owner_stays(place, owner):
    folder = place / f"{scratch_folders.PREFIX}x"
    folder.mkdir()
    if owner is not None:
        (folder / scratch_folders.OWNER).write_bytes(owner)
    assert scratch_folders.remove_abandoned() == 0
    assert folder.exists()


def test_no_link_is_followed(place):
    precious = place / "precious"
    precious.mkdir()
    (precious / "file").touch()
    folder = left_over(place)
    (folder / "link").symlink_to(precious)
    (place / f"{scratch_folders.PREFIX}link").symlink_to(precious)
    owner = (folder / scratch_folders.OWNER).read_text()
    linked = place / f"{scratch_folders.PREFIX}linked"
    linked.mkdir()
    (precious / "owner").write_text(owner)
    (linked / scratch_folders.OWNER).symlink_to(precious / "owner")
    assert scratch_folders.remove_abandoned() == 1
    assert (precious / "file").exists()
    assert linked.exists()


def test_another_users_folder_stays(place, monkeypatch):
    folder = left_over(place)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert scratch_folders.remove_abandoned() == 0
    assert folder.exists()


@pytest.mark.parametrize("number", sorted(scratch_folders.NO_SPACE_ERRORS))
def test_no_room_is_called_so(number):
    with scratch_folders.temporary_folder() as folder:
        (folder / "file").write_bytes(b"12345")
        with (
            pytest.raises(LimitExceeded, match=r"no room for scratch files in .* take [\d,]+ bytes .* TMPDIR=FOLDER"),
            scratch_folders.explain_no_room(folder),
        ):
            raise OSError(number, "whatever a library says")


def test_another_fault_stays_what_it_is(place):
    with pytest.raises(PermissionError), scratch_folders.explain_no_room(place):
        raise PermissionError(errno.EACCES, "no")
