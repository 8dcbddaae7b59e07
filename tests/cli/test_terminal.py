"""One way to print: foreign text is made visible, and output that is lost changes no answer."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provenance import cli
from provenance.cli import run, terminal
from provenance.core import path_names

HOSTILE = "a\x1b[31m\u202e\u2066\u200f\u061c\u200b\n\x9b"
UNSEEN = set("\x1b\x9b\u202e\u2066\u200f\u061c\u200b")
HOME = Path(cli.__file__).parent
WRITERS = {"echo", "secho", "echo_via_pager", "print", "style", "progressbar"}


@pytest.mark.parametrize("path", sorted(HOME.glob("*.py")), ids=lambda path: path.name)
def test_no_other_module_of_the_command_line_prints(path):
    if path.name == "terminal.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func
            owner = getattr(getattr(called, "value", None), "id", "")
            name = getattr(called, "attr", getattr(called, "id", ""))
            assert not (name in WRITERS and owner in {"", "click", "rich", "console"}), f"line {node.lineno}"
            assert name not in {"show", "write"} or owner not in {"error", "stdout", "stderr"}, f"line {node.lineno}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"stdout", "stderr"}, f"line {node.lineno}"


CALLS = [
    [HOSTILE],
    ["scan", HOSTILE],
    ["scan", ".", f"--{HOSTILE}"],
    ["scan", ".", "--memory", HOSTILE],
    ["scan", ".", "--profile", HOSTILE],
    ["scan", ".", "--fail-on", HOSTILE],
    ["verify", HOSTILE],
    ["show", HOSTILE],
    ["explain", HOSTILE],
    ["list", HOSTILE],
    ["export", HOSTILE, HOSTILE],
    ["guard", HOSTILE],
    ["declare", HOSTILE, HOSTILE],
    ["waive", HOSTILE, HOSTILE],
    ["prove", HOSTILE, "-o", HOSTILE],
    ["keygen", HOSTILE, "--out", HOSTILE],
    ["index", "show", HOSTILE],
    ["diff", HOSTILE, HOSTILE],
]


@pytest.mark.parametrize("arguments", CALLS, ids=lambda call: "-".join(map(ascii, call[:2]))[:40])
def test_what_was_typed_is_quoted_visibly(arguments, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    run(arguments)
    out, said = capfd.readouterr()
    assert not UNSEEN & set(out + said)
    assert "Traceback" not in said


def test_a_hostile_folder_is_scanned_and_shown_visibly(tmp_path, capfd):
    name = HOSTILE.replace("\x9b", "")
    data = tmp_path / "data" / name
    data.mkdir(parents=True)
    (data / f"{name}.jsonl").write_text('{"text": "some words that stand here for the test"}\n')
    ledger = str(tmp_path / name)
    printed = []
    for arguments in (
        ["scan", str(tmp_path / "data"), "--ledger", ledger],
        ["show", ledger],
        ["show", ledger, "--format", "json"],
        ["verify", ledger],
        ["verify", ledger, "--format", "json"],
        ["report", ledger, "--format", "json", "-o", "-"],
        ["report", ledger, "--format", "sarif", "-o", "-"],
        ["report", ledger, "--format", "html", "-o", "-"],
        ["report", ledger, "--format", "text", "-o", "-"],
        ["diff", ledger, ledger],
        ["guard", str(tmp_path / "data"), "--ledger", ledger],
        ["key", "list", ledger],
    ):
        run(arguments)
        out, said = capfd.readouterr()
        assert not UNSEEN & set(out + said), arguments
        printed.append(out)
        if "json" in arguments or "sarif" in arguments:
            json.loads(out)
    assert r"\u202e" in printed[0]
    assert path_names.path_to_text(name.encode()) in json.loads(printed[2])["findings"][0]["source"]


def test_lines_are_cut_and_newlines_of_others_are_escaped(capfd):
    terminal.print_lines("a\nb", "x" * 219_032)
    first, second = capfd.readouterr().out.splitlines()
    assert first == r"a\nb"
    assert len(second) < 4100
    assert second.endswith("(215,032 more characters)")


def test_an_encoding_that_lacks_a_letter_is_no_fault(monkeypatch):
    code = "from provenance.cli import terminal; terminal.print_lines('中')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert done.stdout == b"\\u4e2d\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "some words that stand here for the test"}\n')
    (folder / "LICENSE").write_text("MIT License\n")
    return folder


def called(shell, *arguments, **changed):
    command = [sys.executable, "-m", "provenance", *map(str, arguments)]
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {shell}', "x", *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | changed,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize(
    "where", ["| true", *(pytest.param(each, marks=pytest.mark.full) for each in (">/dev/full", ">&-"))]
)
def test_a_scan_keeps_its_code_where_nobody_reads_it(small, tmp_path, where):
    done = called(where, "scan", small, "--ledger", tmp_path / "ledger", "--fail-on", "never")
    assert done.returncode == 0
    assert done.stderr.startswith(
        f"provenance: entry 0 of {tmp_path / 'ledger'} was appended; the output could not be "
    )
    assert done.stderr.count("\n") == 1
    assert called("", "verify", tmp_path / "ledger").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize(
    ("where", "code", "said"), [("| true", 0, ""), (">/dev/full", 4, "could not be printed"), (">&-", 4, "descriptor")]
)
def test_what_only_prints_says_that_it_could_not(where, code, said):
    done = called(where, "list", "checks")
    assert done.returncode == code
    assert (said in done.stderr) if said else not done.stderr


@pytest.mark.full
@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(small, tmp_path, closed):
    done = called(closed, "scan", small, "--ledger", tmp_path / "ledger", "--fail-on", "never")
    assert (done.returncode, done.stderr) == (0, "")
    assert called("", "verify", tmp_path / "ledger").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
@pytest.mark.parametrize("limit", [30_000, 200_000, 700_000])
def test_too_little_address_space_is_one_sentence(small, tmp_path, limit):
    command = [sys.executable, "-m", "provenance", "scan", str(small), "--ledger", str(tmp_path / "ledger")]
    done = subprocess.run(
        ["bash", "-c", f'ulimit -v {limit}; exec "$@"', "x", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert done.stderr.startswith("provenance: not enough memory: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.full
def test_a_limit_of_a_files_size_is_called_no_room(small, tmp_path):
    command = [sys.executable, "-m", "provenance", "scan", str(small), "--ledger", str(tmp_path / "ledger")]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "x", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "no room" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.full  # every process compiles its kernels anew
def test_without_home_and_cache_a_scan_works(small, tmp_path):
    (tmp_path / "file").touch()
    done = called(
        "", "scan", small, "--ledger", tmp_path / "ledger", "--fail-on", "never",
        HOME="/nonexistent", NUMBA_CACHE_DIR=str(tmp_path / "file"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
