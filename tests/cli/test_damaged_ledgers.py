"""Ledgers that cannot be read, are damaged or were checked in part: which it is is said, and how it ends."""

import json

import pytest

import provenance as pv
from provenance import ledger as signed_ledger
from provenance.cli import run

READERS = {
    "show": ["show", "ledger"],
    "explain": ["explain", "0123", "--ledger", "ledger"],
    "report": ["report", "ledger", "--format", "json", "-o", "-"],
}


@pytest.fixture
def world(append, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    append("ledger")
    (tmp_path / "data/a").mkdir(parents=True)
    (tmp_path / "data/a/x.jsonl").write_text('{"text": "one two three four five six seven"}\n')
    return tmp_path


@pytest.mark.parametrize("place", ["objects", "objects/sha256", "scans", "keys", "scans/00000000"])
@pytest.mark.parametrize("name", [*READERS, "verify", "scan"])
def test_a_closed_folder_is_not_called_withheld(world, close, capfd, name, place):
    close(world / "ledger" / place)
    words = READERS.get(name) or {"verify": ["verify", "ledger"], "scan": ["scan", "data", "--ledger", "ledger"]}[name]
    if (name, place) == ("scan", "scans/00000000"):
        return  # of an earlier scan's folder nothing is needed
    assert run(words) == 2
    said = capfd.readouterr()
    assert "cannot be read: Permission denied" in said.out + said.err
    assert "withheld" not in said.out + said.err
    assert "this program" not in said.err


@pytest.mark.parametrize("name", READERS)
def test_a_closed_table_is_not_called_withheld(world, close, capfd, name):
    close(world / "ledger/scans/00000000/findings.parquet")
    assert run(READERS[name]) == 2
    said = capfd.readouterr().err
    assert "findings.parquet cannot be read: Permission denied" in said
    assert "withheld" not in said


@pytest.mark.parametrize("name", READERS)
def test_every_file_of_the_entry_is_checked_before_it_is_shown(world, capfd, name):
    """Also those of which no row is shown."""
    said = json.loads((world / "ledger/entries/00000000.dsse.json").read_bytes())
    assert said
    entry = signed_ledger.read_entry(world / "ledger", 0)["predicate"]
    path = world / "ledger" / entry["tables"]["matches"]["parquet"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert run(READERS[name]) == 4
    out, err = capfd.readouterr()
    assert out == ""
    assert "matches.parquet is not what entry 0 binds" in err


@pytest.mark.parametrize("name", ["show", "report"])
def test_that_other_entries_were_not_checked_is_said(world, append, capfd, name):
    append("ledger")
    append("ledger")
    lost = next(path for path in (world / "ledger/scans/00000001").iterdir())
    changed = world / "ledger/scans/00000000/findings.parquet"
    changed.write_bytes(b"another")
    assert run(READERS[name]) == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert line == (
        "provenance: warning: ledger: the files of 2 other entries were not checked; run provenance verify ledger"
    )
    lost.unlink()
    assert run(READERS[name]) == 0
    assert ", 1 file of them is missing; run" in capfd.readouterr().err
    assert "1 file of them is missing" in pv.open_ledger("ledger").notices[0]


def test_a_scan_says_that_it_did_not_check_older_entries(world, in_process):
    found = pv.scan("data", "ledger")
    assert found.notices[-1] == ("The files of 1 other entry were not checked; run provenance verify ledger.")


def test_a_ledger_in_the_data_is_left_out_with_a_warning(world, in_process):
    found = pv.scan("data", "data/ledger")
    assert found.notices[0] == (
        "Warning: the ledger data/ledger lies in the scanned data and is left out of the scan; "
        "name a folder outside of the data with --ledger."
    )
    assert not any("Warning" in each for each in pv.scan("data", "beside").notices)


DAMAGED = {
    "show": READERS["show"],
    "scan": ["scan", "data", "--ledger", "ledger"],
    "prove": ["prove", "ledger", "--coverage", "licence-missing", "-o", "out"],
    "waive": [
        "waive", "ledger", "0123abcd", "--reason", "it is fine", "--approver", "A B", "--expires", "2030-01-01",
    ],
    "witness": ["witness", "request", "ledger", "-o", "out"],
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_entry_is_named_with_what_to_do(world, capfd, name):
    (world / "ledger/entries/00000000.dsse.json").write_bytes(b"xx\n")
    assert run(DAMAGED[name]) == 4
    (line,) = capfd.readouterr().err.splitlines()
    assert "entries/00000000.dsse.json is damaged: it is not strict JSON" in line
    assert "provenance verify" in line


def test_no_folder_to_write_to_is_said_by_its_name(world, close, capfd):
    (world / "closed").mkdir()
    close(world / "closed")
    for words in (
        ["keygen", "--origin", "a.example/b", "--out", "closed/keys", "--no-password"],
        ["demo", "closed/demo"],
        ["export", "ledger", "--format", "pae", "-o", "closed/out"],
        ["report", "ledger", "--format", "html", "-o", "closed/out"],
    ):
        assert run(words) == 2
        said = capfd.readouterr().err
        assert words[-1] in said or words[4] in said or words[1] in said
        assert "objects/sha256" not in said
        assert "cannot be written" in said


@pytest.mark.parametrize(
    "words",
    [
        ["witness", "cosign", "bad", "--name", "a.example/w", "--key", "keys", "-o", "out"],
        ["witness", "add", "ledger", "bad"],
        ["timestamp", "attach", "ledger", "bad"],
        ["timestamp", "revocations", "ledger", "bad"],
        ["key", "add", "ledger", "bad", "--role", "waiver"],
        ["verify", "bad"],
        ["verify", "ledger", "--trust", "bad"],
        ["verify", "ledger", "--since", "bad"],
        ["index", "show", "bad"],
        ["scan", "data", "--waivers", "bad"],
        ["scan", "data", "--reference", "bad"],
    ],
)
def test_a_file_that_is_not_what_is_needed_is_named_and_a_wrong_call(world, capfd, words):
    (world / "bad").write_text("hello\n")
    assert run(words) == 2
    said = capfd.readouterr()
    assert "bad" in said.out + said.err


def test_too_many_open_files_has_a_subject(world, capfd, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("provenance.cli.reading.open_reader", fail)
    assert run(READERS["show"]) == 4
    assert "this process may open no more files (Too many open files); allow more: ulimit -n" in capfd.readouterr().err
