"""What -o and --ledger may name: never what a command reads, and that is asked before the work."""

import os
import shutil

import pytest

import provenance as pv
from provenance.cli import run
from provenance.ledger import layout
from provenance.pipeline import scan as pipeline_scan

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD = range(6)
TEXT = '{"text": "one two three four five six seven eight nine"}\n'
NONCE = "00" * 16


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    root = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        (root / "data/a").mkdir(parents=True)
        (root / "data/a/README.md").write_text("---\nlicense: mit\n---\n# A\n")
        (root / "data/a/x.jsonl").write_text(TEXT)
        for _ in range(2):
            pv.scan(root / "data", root / "ledger", workers=1, records=True)
    return root


@pytest.fixture
def world(scanned, tmp_path, monkeypatch):
    shutil.copytree(scanned, tmp_path / "w", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "w/home"))
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


ASKED = {
    "an answer over a file of the data": ("challenge", "ledger", "--nonce", NONCE, "--count", "1", "--data", "data"),
    "a proof of a record over a file of the data": ("prove", "ledger", "--record", "a/x.jsonl:0", "--data", "data"),
    "a report with data over a file of the data": ("report", "ledger", "--format", "html", "--data", "data"),
    "a proof of absence over what is absent": ("prove", "ledger", "--absent", "data/a/x.jsonl"),
}


@pytest.mark.parametrize("place", ["data/a/x.jsonl", "link"])
@pytest.mark.parametrize("case", ASKED)
def test_nothing_is_written_over_what_is_read(world, capsys, case, place):
    (world / "link").symlink_to("data/a/x.jsonl")
    assert run([*ASKED[case], "-o", place]) == USAGE
    assert (world / "data/a/x.jsonl").read_text() == TEXT
    assert "write " in capsys.readouterr().err
    assert (world / "link").is_symlink()


def test_an_answer_beside_the_data_is_written(world):
    assert run([*ASKED["an answer over a file of the data"], "-o", "answer.json"]) == OK
    assert run([*ASKED["an answer over a file of the data"], "-o", "data/new.json"]) == USAGE
    assert not (world / "data/new.json").exists()


def test_a_policy_that_never_ends_is_none(world, capsys):
    os.mkfifo("pipe")
    assert run(["guard", "data", "--ledger", "ledger", "--policy", "pipe"]) == USAGE
    assert "the policy pipe cannot be read: it is not a regular file" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["mine", "data", "home/keys"])
def test_a_ledger_among_other_files_is_refused_before_the_work(world, monkeypatch, capsys, place):
    (world / "mine").mkdir()
    (world / "mine/notes.txt").write_text("mine\n")
    monkeypatch.setattr(pipeline_scan, "examine", lambda *_, **__: pytest.fail("the data was read"))
    assert run(["scan", "data", "--ledger", place]) == USAGE
    assert "holds other files and is not a ledger" in capsys.readouterr().err


def test_data_that_differs_is_said_where_files_are_withheld(world, capsys):
    (world / "ledger/scans/00000001/matches.parquet").unlink()
    assert run(["verify", "ledger", "--data", "data"]) == WITHHELD
    (world / "data/a/x.jsonl").write_text(TEXT * 2)
    capsys.readouterr()
    assert run(["verify", "ledger", "--data", "data"]) == DATA_DIFFERS
    said = capsys.readouterr().out
    assert said.startswith("The ledger verifies, but the data is not what was scanned")
    assert "withheld: scans/00000001/matches.parquet" in said


@pytest.mark.parametrize("command", [("show", "ledger"), ("report", "ledger", "--format", "json", "-o", "out")])
def test_an_entry_that_no_checkpoint_counts_is_named(world, capsys, command):
    (world / "ledger" / layout.note_path(2)).unlink()
    assert run(["verify", "ledger"]) == INVALID
    said = capsys.readouterr().out
    assert "not checked: log: entry 1 is there, and no checkpoint counts it" in said
    assert "scans/latest leads to what no checkpoint counts" in said
    run(list(command))
    assert "entry 1 is there, and no checkpoint counts it" in capsys.readouterr().err


WRITTEN = {
    "report": ("report", "ledger", "--format", "json"),
    "proof": ("prove", "ledger", "--path", "a/x.jsonl"),
    "export": ("export", "ledger", "--format", "removal-list"),
    "entry": ("export", "ledger", "--format", "pae"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_no_file_that_was_audited_is_written_over(world, capsys, case):
    (world / "link").symlink_to("data/a/x.jsonl")
    for place in ("data/a/x.jsonl", "link"):
        assert run([*WRITTEN[case], "-o", place]) == USAGE
        assert (world / "data/a/x.jsonl").read_text() == TEXT
        assert f"{place} is a file of the data that ledger is about; write elsewhere" in capsys.readouterr().err
    (world / "out").write_bytes(b"")
    for _ in range(2):  # what it wrote itself may be replaced
        assert run([*WRITTEN[case], "-o", "out"]) == OK


def test_a_demo_beside_other_files_writes_nothing(world, capsys):
    (world / "demo/ledger").mkdir(parents=True)
    (world / "demo/ledger/notes.txt").write_text("mine\n")
    assert run(["demo", "demo"]) == USAGE
    assert "holds other files and is not a ledger" in capsys.readouterr().err
    assert [path.name for path in (world / "demo").rglob("*")] == ["ledger", "notes.txt"]
