"""What an append leaves and what the next one removes: only what the killed one itself wrote down, and nothing through a link."""

import os
import shutil

import pytest

from provenance import ledger
from provenance.core.digests import sha256
from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.log import append, append_journal, folder_comparison
from provenance.ledger.log.file_writing import STAGING


def tree(folder):
    """Every file below a folder with its bytes; what links lead to is looked at as well."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for at, _, names in os.walk(folder, followlinks=True)
        for path in (type(folder)(at) / name for name in names)
    }


def grow(folder, sealed, documents=None, **changes):
    return ledger.append(folder, sealed, documents or {}, sealed.facts(**changes), keys=ledger.user_keys())


STRAYS = (
    "keys/statement.pem",
    "keys/mine.pub.pem",
    "objects/notes.txt",
    f"objects/sha256/ab/{'ab' * 32}",
    "redacted/x",
)


@pytest.mark.parametrize("left", [None, [], ["lies"]])
def test_nothing_is_removed_that_no_append_wrote_down(world, sealed, left):
    """A leftover folder, empty, with a journal or without: what stands in the ledger is somebody's."""
    folder = world / "ledger"
    for name in STRAYS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"mine")
    (folder / STAGING).mkdir()
    if left is not None:
        listed = [append_journal.JournalItem(name, "00" * 32, existed=False) for name in STRAYS] if left else []
        listed += (
            [append_journal.JournalItem("../data/a.jsonl", ledger.read_signer(folder, 0), existed=False)]
            if left
            else []
        )
        append_journal.add_items(folder, listed)
    before = tree(world)
    grow(folder, sealed)
    changed = {name for name, data in before.items() if tree(world).get(name) != data}
    assert {name for name in changed if STAGING not in name and "latest" not in name} == {"ledger/checkpoints/leaves"}


@pytest.mark.parametrize(
    ("name", "existed", "gone"),
    [
        (f"objects/sha256/ab/{'ab' * 32}", False, True),
        (f"objects/sha256/ab/{'ab' * 32}", True, False),  # it was there before the append began
        ("scans/00000002/report.html", False, True),
        ("entries/00000002.co/new-key.dsse.json", False, True),
        ("keys/statement-2.pub.pem", False, False),  # keys are never removed
        ("checkpoints/3.note.txt", False, False),
        ("scans/00000001/report.html", False, False),  # an entry binds it
    ],
)
def test_the_next_append_removes_what_the_killed_one_put_there(world, sealed, name, existed, gone):
    folder, path = world / "ledger", world / "ledger" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(b"half an append")
    (folder / STAGING).mkdir()
    append_journal.add_items(folder, [append_journal.JournalItem(name, folder_comparison.digest_file(path), existed)])
    before = path.read_bytes()
    attach(folder, b"x")
    assert path.exists() is not gone
    assert gone or path.read_bytes() == before
    assert not (folder / STAGING).exists()


def attach(folder, document, files=None):
    """Append the smallest entry that is no scan."""
    facts = {
        "kind": "renewal", "scanner": {"name": "p", "version": "1", "digest": {"sha256": "ab" * 32}},
        "renewedOn": "2025-01-01T00:00:00Z",
        "covers": {"checkpoints": 0, "cosignatures": 0, "timestamps": 0, "files": 0},
    }  # fmt: skip
    return append.attach(folder, "renewal", document, facts, keys=ledger.user_keys(), files=files)


def test_a_file_that_was_changed_since_stays(world, sealed):
    folder, name = world / "ledger", f"objects/sha256/ab/{'ab' * 32}"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"another's")
    (folder / STAGING).mkdir()
    append_journal.add_items(folder, [append_journal.JournalItem(name, "cd" * 32, existed=False)])
    grow(folder, sealed)
    assert (folder / name).read_bytes() == b"another's"


PLACES = (
    STAGING, "keys", "objects", "objects/sha256", "entries", "checkpoints", "scans", "redacted", "entries/00000000.co",
    "checkpoints/leaves", "origin", "VERIFY.md", "keys/statement.pub.pem", "scans/00000000", "scans/00000002",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_written_or_removed_through_a_link(world, sealed, place, killed):
    folder, away, at = world / "ledger", world / "away", world / "ledger" / place
    away.mkdir()
    if killed and place != STAGING:
        (folder / STAGING).mkdir()
    if at.exists():
        at.rename(away / "it")
    else:
        (away / "it").mkdir()
    if (away / "it").is_dir():
        (away / "it" / "precious.txt").write_bytes(b"mine")
        (away / "it" / "statement.pem").write_bytes(b"mine")
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(away / "it")
    before = tree(world)
    with pytest.raises(ConfigError, match="is a link"):
        grow(folder, sealed)
    with pytest.raises(ConfigError, match="is a link"):
        append.amend(folder, {"checkpoints/2.cosigs": lambda _: b"x"})
    assert tree(world) == before
    assert at.is_symlink()


def test_the_ledger_itself_may_be_a_link(world, sealed):
    (world / "here").symlink_to(world / "ledger")
    assert grow(world / "here", sealed).index == 2
    assert ledger.verify(world / "here", strict=True).exit_code == 0


MINE = (
    "mine.txt", "objects/mine.txt", "objects/abc", "scan/sub/x", "scan/notes.txt", "scan/thesis.parquet", "scan/report.html",
    "files/mine", "files/keys/x.pem", "files/entries/00000002.co/x", "deep/er",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "killed"), [*((name, killed) for name in MINE for killed in (False, True)), ("file", False)]
)
def test_what_somebody_keeps_in_the_folder_of_an_append_is_not_removed(world, sealed, name, killed):
    """Names say nothing: what an append put there it wrote down before."""
    path = world / "ledger" / STAGING / name
    path.parent.mkdir(parents=True)
    if killed:
        append_journal.begin(world / "ledger")
        append_journal.announce(world / "ledger", ["scan/findings.parquet"])
    path.write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"not put there by an append"):
        grow(world / "ledger", sealed)
    with pytest.raises(ConfigError, match=r"not put there by an append"):
        ledger.check_appendable(world / "ledger", ledger.user_keys())  # before the work, not after it
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["scans/00000002/mine.txt", f"objects/sha256/{'0' * 2}/x"])
def test_another_file_where_one_is_to_stand_is_never_written_over(world, sealed, name):
    folder = world / "ledger"
    if name.startswith("objects"):  # the object of a document that is yet to come
        digest = sha256(b"document")
        name = f"objects/sha256/{digest[:2]}/{digest}"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    again = (lambda: grow(folder, sealed)) if name.startswith("scans") else (lambda: attach(folder, b"document"))
    with pytest.raises(ConfigError, match="is there already"):
        again()
    assert path.read_bytes() == b"mine"
    assert ledger.verify(folder).exit_code == 0
    assert not (folder / STAGING).exists()
    path.unlink()
    again()
    assert ledger.verify(folder).exit_code in {0, 1}  # of a list that lists nothing a verifier says so


@pytest.mark.parametrize("name", ["keys/statement.pub.pem", "keys/log.pub.pem", "origin", "VERIFY.md"])
def test_a_new_ledger_is_written_over_nothing(home, sealed, tmp_path, name):
    path = tmp_path / "ledger" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(ConfigError):
        grow(tmp_path / "ledger", sealed)
    assert path.read_bytes() == b"mine"


def test_a_folder_of_private_keys_becomes_no_ledger(home, sealed, tmp_path):
    (tmp_path / "ledger" / "keys").mkdir(parents=True)
    (tmp_path / "ledger" / "keys" / "statement.pem").write_bytes(b"secret")
    with pytest.raises(ConfigError, match="keep keys elsewhere"):
        grow(tmp_path / "ledger", sealed)


def test_keys_of_a_half_done_change_serve_the_next_try(world):
    """A killed rotation leaves its public key: the same key may come again, another may not take its name."""
    folder = world / "ledger"
    (folder / "keys" / "more.pub.pem").write_bytes(b"a key")
    files = {"keys/more.pub.pem": b"a key"}
    with pytest.raises(ConfigError, match="has another file keys/more"):
        attach(folder, b"x", {"keys/more.pub.pem": b"other"})
    assert (folder / "keys" / "more.pub.pem").read_bytes() == b"a key"
    attach(folder, b"x", files)
    assert "keys/more.pub.pem" not in ledger.verify(folder).unbound


def test_latest_that_is_no_link_is_left_and_named(world, sealed):
    latest = world / "ledger" / "scans" / "latest"
    latest.unlink()
    latest.mkdir()
    (latest / "mine.txt").write_bytes(b"mine")
    grow(world / "ledger", sealed)
    assert (latest / "mine.txt").read_bytes() == b"mine"
    assert "scans/latest/mine.txt" in ledger.verify(world / "ledger").unbound


def test_latest_that_leads_to_an_older_scan_is_named(world):
    latest = world / "ledger" / "scans" / "latest"
    latest.unlink()
    latest.symlink_to("00000000")
    found = ledger.verify(world / "ledger")
    assert found.exit_code == 0
    assert [step for step in found.steps if step.name == "latest" and "scan 1 is the newest" in step.detail]
    assert ledger.verify(world / "ledger", strict=True).exit_code == 1


def test_a_layout_tells_a_ledger_of_which_parts_are_gone(world):
    folder = world / "ledger"
    shutil.rmtree(folder / "checkpoints")
    shutil.rmtree(folder / "entries")
    assert layout.ledger_around(folder / "keys" / "new") == folder
    assert layout.ledger_around(world / "home" / "keys") is None
