"""What somebody put where an append writes: nothing of theirs is removed, and each is one sentence."""

import hashlib
import shutil

import pytest

from provenance import ledger
from provenance.cli import run
from provenance.core.digests import canonical
from provenance.errors import ConfigError, InputError, VerificationError
from provenance.ledger.log import append_journal

USER = hashlib.sha256(b"user").hexdigest()


def line(path):
    return canonical({"existed": False, "path": path, "sha256": USER}) + b"\n"


def again(world, sealed):
    return ledger.append(world / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())


GARBAGE = {
    "a zero byte": b'{"existed":false,"path":"scans/00000002/\\u0000","sha256":"x"}\n',
    "half a surrogate": b'{"existed":false,"path":"scans/00000002/\\ud800","sha256":"x"}\n',
    "a long name": line("scans/00000002/" + "a" * 5000),
    "a long co-signature": line("entries/00000002.co/" + "a" * 5000 + ".pub.pem"),
    "no JSON": b"\xff[[[[" * 100,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_journal_that_no_append_wrote_stops_nobody(world, sealed, name):
    (world / "ledger/.append").mkdir()
    (world / "ledger/.append/journal").write_bytes(GARBAGE[name])
    again(world, sealed)
    assert ledger.verify(world / "ledger").exit_code == 0


@pytest.mark.parametrize(
    "path", ["scans/00000000/notes.txt", "scans/00000009/x", "entries/00000000.co/approver.pub.pem"]
)
def test_a_journal_removes_nothing_of_another_entry(world, sealed, path):
    place = world / "ledger" / path
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"user")
    (world / "ledger/.append").mkdir()
    (world / "ledger/.append/journal").write_bytes(line(path))
    again(world, sealed)
    assert place.read_bytes() == b"user"


def test_a_journal_removes_what_its_append_wrote(world):
    place = world / "ledger/scans/00000002/findings.parquet"
    place.parent.mkdir()
    place.write_bytes(b"user")
    append_journal.remove_unsigned(
        world / "ledger", [append_journal.JournalItem("scans/00000002/findings.parquet", USER, False)], (), 2
    )
    assert not place.parent.exists()


def test_the_folder_of_an_append_as_a_file_is_named(world, sealed):
    (world / "ledger/.append").write_bytes(b"user")
    with pytest.raises(ConfigError, match="is no folder, and an append needs that name; move it out of the ledger"):
        again(world, sealed)
    assert (world / "ledger/.append").read_bytes() == b"user"


@pytest.mark.parametrize("inside", ["nested", "scans/00000000/n", "objects/x"])
def test_no_ledger_is_made_in_a_ledger(world, sealed, inside):
    with pytest.raises(ConfigError, match=r"lies in the ledger .*; name a folder outside of it"):
        ledger.append(world / "ledger" / inside, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert not (world / "ledger" / inside).exists()


def test_the_demo_is_not_put_into_a_ledger(world, capsys):
    assert run(["demo", str(world / "ledger")]) == 2
    assert "lies in the ledger" in capsys.readouterr().err
    assert not (world / "ledger/data").exists()


def test_a_scan_is_not_put_into_a_ledger(world, capsys):
    assert run(["scan", str(world / "data"), "--ledger", str(world / "ledger/nested")]) == 2
    assert "lies in the ledger" in capsys.readouterr().err
    assert not (world / "ledger/nested").exists()


def test_no_keys_are_made_in_a_ledger(world, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(world / "ledger/sub"))
    with pytest.raises(ConfigError, match="its keys with it; name a folder outside of it in PROVENANCE_CONFIG"):
        ledger.user_keys()
    assert not (world / "ledger/sub").exists()


@pytest.mark.parametrize(
    "command",
    [["scan", "DATA", "--ledger", "LOOP"], ["keygen", "--out", "LOOP", "--origin", "a.example/x", "--no-password"]],
)
def test_a_circle_of_links_is_one_sentence(world, capsys, command):
    (world / "one").symlink_to(world / "two")
    (world / "two").symlink_to(world / "one")
    names = {"DATA": str(world / "data"), "LOOP": str(world / "one")}
    assert run([names.get(each, each) for each in command]) == 2
    assert "leads in a circle" in capsys.readouterr().err


ODD = [
    5,
    None,
    [5],
    {},
    [{"state": "holds"}],
    [{"state": "holds", "expires": 5, "findings": []}],
    [{"state": "holds", "expires": "2030-01-01", "findings": [{}]}],
]


@pytest.mark.parametrize("value", ODD)
def test_waivers_of_another_form_are_not_signed(world, sealed, value):
    facts = sealed.facts() | {"waivers": value}
    with pytest.raises(ConfigError):
        ledger.append(world / "ledger", sealed, {}, facts, keys=ledger.user_keys())


@pytest.mark.parametrize("name", ["checkpoints", "entries", "objects", "scans", "keys"])
def test_a_link_in_the_way_is_named(world, tmp_path, name):
    shutil.move(world / "ledger" / name, tmp_path / "elsewhere")
    (world / "ledger" / name).symlink_to(tmp_path / "elsewhere")
    found = ledger.verify(world / "ledger")
    assert found.exit_code == 1
    assert any(f"links and special files are refused: {name}" in step.detail for step in found.steps)
    with pytest.raises(VerificationError, match=f"{name} is a link, and links are refused"):
        ledger.open_reader(world / "ledger")


@pytest.mark.parametrize("format_", ["json", "sarif"])
def test_a_number_that_a_report_cannot_hold_is_one_sentence(world, capsys, tmp_path, format_):
    code = run(["report", str(world / "ledger"), "--format", format_, "-o", str(tmp_path / "out")])
    assert code == 4
    assert "holds a number beyond 2**53, which " in capsys.readouterr().err


def test_what_may_not_be_read_is_not_said_to_be_absent(world):
    """A circle of links in the place of an entry: it is there, and cannot be read, whoever asks."""
    entry = world / "ledger/entries/00000001.dsse.json"
    entry.unlink()
    entry.symlink_to(entry)
    with pytest.raises((InputError, VerificationError), match="cannot be read"):
        ledger.read_entry(world / "ledger", 1)
