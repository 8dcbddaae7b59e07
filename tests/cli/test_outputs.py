"""What -o and --ledger may name: never what a command reads, and that is asked before the work."""

import os
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import provenance as pv
from provenance.cli import run
from provenance.ledger import layout
from provenance.pipeline import scan as pipeline_scan

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD = range(6)
INCOMPLETE = 4
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
    assert run([*WRITTEN[case], "-o", "link", "--force"]) == USAGE  # the data, whatever is forced


EVERY = WRITTEN | {
    "report": ("report", "ledger", "--format", "clause-matrix-html"),
    "answer": ASKED["an answer over a file of the data"],
    "timestamp": ("timestamp", "request", "ledger"),
    "witness": ("witness", "request", "ledger"),
    "index": ("index", "build", "data/a/x.jsonl", "--kind", "benchmark"),
}
"""Every command that has -o, but `sample`, whose forms hold people's answers, and `witness cosign`, see test_witness."""


@pytest.mark.parametrize("case", EVERY)
def test_what_exists_is_replaced_with_force_alone(world, capsys, monkeypatch, case):
    out = world / "out"
    out.write_bytes(b"")  # as mktemp leaves it: nothing is lost
    assert run([*EVERY[case], "-o", "out"]) == OK
    made = out.read_bytes()
    assert made
    if case != "index":  # which replaces nothing but an index
        out.write_text("mine\n")
        made = out.read_bytes()
    capsys.readouterr()
    assert run([*EVERY[case], "-o", "out"]) == USAGE
    assert capsys.readouterr().err.splitlines()[-1] == (
        "provenance: out exists already; name a new file with -o, or replace it with --force"
    )
    assert out.read_bytes() == made
    assert run([*EVERY[case], "-o", "out", "--force"]) == OK
    assert [path.name for path in world.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["html", "json", "sarif", "text"])
def test_a_report_replaces_an_older_one(world, form):
    """The ledger makes it again at any time; a filing is completed by hand."""
    (world / "out").write_text("of last week\n")
    assert run(["report", "ledger", "--format", form, "-o", "out"]) == OK
    assert "of last week" not in (world / "out").read_text()


@pytest.mark.parametrize("case", sorted(set(EVERY) - {"index"}))
def test_a_full_disk_is_no_wrong_call_and_no_device_is_replaced(world, capsys, case):
    """Whoever runs as root could otherwise lose /dev/null to a report."""
    assert run([*EVERY[case], "-o", "/dev/full"]) == INCOMPLETE
    assert "there is no room for" in capsys.readouterr().err
    assert Path("/dev/full").is_char_device()


def test_an_option_says_its_rule():
    from provenance.cli import COMMANDS

    def commands(command):
        inner = getattr(command, "commands", {})
        return [command] if not inner else [each for sub in inner.values() for each in commands(sub)]

    found = [each for module, _ in COMMANDS.values() for each in commands(import_module(module).command)]
    options = [(each, option) for each in found for option in each.params if "-o" in option.opts]
    assert len(options) >= 8
    for command, option in options:
        assert "exists" in option.help or command.name == "sample"
        assert command.name == "sample" or "--force" in [name for each in command.params for name in each.opts]


def test_a_demo_beside_other_files_writes_nothing(world, capsys):
    (world / "demo/ledger").mkdir(parents=True)
    (world / "demo/ledger/notes.txt").write_text("mine\n")
    assert run(["demo", "demo"]) == USAGE
    assert "holds other files and is not a ledger" in capsys.readouterr().err
    assert [path.name for path in (world / "demo").rglob("*")] == ["ledger", "notes.txt"]
