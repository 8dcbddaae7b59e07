import json
import subprocess
import sys
from dataclasses import replace

import pytest

from provenance import cli
from provenance.cli import COMMANDS, run

CARD = "---\nlicense: {}\n---\n# Card\n\nWritten by us for this test.\n"


@pytest.fixture
def data(tmp_path):
    """A folder whose worst finding is set by its licence: mit = none, cc-by-nc-4.0 = error, other = warning."""

    def make(licence):
        folder = tmp_path / "data" / "set"
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(CARD.format(licence))
        (folder / "x.jsonl").write_text('{"text": "some text of one record"}\n')
        return tmp_path / "data"

    return make


@pytest.mark.parametrize(
    ("licence", "options", "code"),
    [
        ("mit", [], 0),
        ("cc-by-nc-4.0", [], 1),
        ("mit", ["--fold-chinese"], 0),
        ("cc-by-nc-4.0", ["--fail-on", "never"], 0),
        ("cc-by-nc-4.0", ["--purpose", "research"], 0),
        ("other", [], 0),
        ("other", ["--fail-on", "warning"], 1),
        ("mit", ["--purpose", "world-peace"], 2),
        ("mit", ["--profile", "no-such"], 2),
        ("mit", ["--engine", "spark"], 2),
        ("mit", ["--key", "/no/such/key"], 2),
        ("mit", ["--no-such-flag"], 2),
        ("mit", ["--exclude", "set"], 3),
    ],
)
def test_exit_codes_of_scan(data, tmp_path, capfd, licence, options, code):
    assert run(["scan", str(data(licence)), "--ledger", str(tmp_path / "ledger"), *options]) == code
    said = capfd.readouterr()
    assert "Traceback" not in said.err + said.out
    assert (code < 2) == bool(said.out)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["scan", "/no/such/folder"], 2, "does not exist"),
        (["scan", __file__], 2, "is a file"),
        (["verify", "/no/such/ledger"], 2, ""),
        (["show", "/no/such/ledger"], 2, "is no ledger"),
        (["report", "/no/such/ledger", "--format", "json", "-o", "-"], 2, "is no ledger"),
        (["explain", "no-such-check"], 2, "there is no check"),
        (["no-such-command"], 2, "no command 'no-such-command'; `provenance --help` names them all"),
        (["scna"], 2, "there is no command 'scna'; did you mean 'scan'?"),
    ],
)
def test_a_wrong_call_gets_one_sentence_and_a_way_out(tmp_path, monkeypatch, capfd, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    said = capfd.readouterr()
    assert sentence in said.err + said.out
    assert "Traceback" not in said.err


def test_an_empty_folder_is_nothing_to_audit(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    assert run(["scan", str(tmp_path / "empty"), "--ledger", str(tmp_path / "ledger")]) == 3
    assert "holds no data to audit" in capfd.readouterr().err
    assert not (tmp_path / "ledger").exists()


def test_a_fault_of_ours_is_said_without_a_traceback(data, tmp_path, monkeypatch, capfd):
    from provenance.pipeline import examine

    monkeypatch.setattr(examine, "list_paths", lambda *_, **__: 1 / 0)
    assert run(["scan", str(data("mit")), "--ledger", str(tmp_path / "ledger")]) == 4
    assert "a fault in this program (ZeroDivisionError" in capfd.readouterr().err


def test_a_check_that_fails_to_run_is_not_a_clean_audit(data, tmp_path, monkeypatch):
    from provenance.checks import CHECKS

    broken = replace(CHECKS["licence-missing"], find=lambda files: 1 / 0)  # noqa: ARG005 - checks read the parameter's name
    monkeypatch.setitem(CHECKS._members(), "licence-missing", broken)
    assert run(["scan", str(data("mit")), "--ledger", str(tmp_path / "ledger")]) == 4


def test_scan_show_report_verify_explain(data, tmp_path, capfd):
    ledger = str(tmp_path / "ledger")
    assert run(["scan", str(data("cc-by-nc-4.0")), "--ledger", ledger, "--format", "json"]) == 1
    printed = json.loads(capfd.readouterr().out)
    assert [finding["check"] for finding in printed["findings"]] == ["licence-forbids-purpose"]
    assert run(["show", ledger, "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["findings"] == printed["findings"]
    assert run(["report", ledger, "--format", "json", "-o", str(tmp_path / "r.json")]) == 0
    written = (tmp_path / "r.json").read_bytes()
    assert written == (tmp_path / "ledger" / "scans" / "latest" / "report.json").read_bytes()
    assert run(["verify", ledger, "--data", str(tmp_path / "data"), "--format", "json"]) == 0
    assert "witnesses" in json.loads(capfd.readouterr().out)["not_checked"]
    assert run(["explain", printed["findings"][0]["fingerprint"][:8], "--ledger", ledger]) == 0
    said = capfd.readouterr().out
    assert "CC-BY-NC-4.0 does not allow" in said
    assert "Why:" in said


def test_a_second_scan_appends_and_verifies(data, tmp_path, capfd):
    ledger = tmp_path / "ledger"
    for _ in range(2):
        assert (
            run(["scan", str(data("mit") if not ledger.exists() else tmp_path / "data"), "--ledger", str(ledger)]) == 0
        )
    assert sorted(path.name for path in (ledger / "scans").iterdir()) == ["00000000", "00000001", "latest"]
    assert run(["verify", str(ledger)]) == 0
    assert "2 of 2 entries" in capfd.readouterr().out


def test_a_flipped_byte_is_found(data, tmp_path):
    ledger = tmp_path / "ledger"
    assert run(["scan", str(data("mit")), "--ledger", str(ledger)]) == 0
    table = ledger / "scans" / "00000000" / "findings.parquet"
    held = bytearray(table.read_bytes())
    held[len(held) // 2] ^= 1
    table.write_bytes(held)
    assert run(["verify", str(ledger)]) == 1


def test_changed_data_is_named(data, tmp_path, capfd):
    folder, ledger = data("mit"), str(tmp_path / "ledger")
    assert run(["scan", str(folder), "--ledger", ledger]) == 0
    (folder / "set" / "new.jsonl").write_text("{}\n")
    capfd.readouterr()
    assert run(["verify", ledger, "--data", str(folder)]) == 4
    assert "set/new.jsonl" in capfd.readouterr().out


def test_demo_exits_with_0_and_never_touches_other_data(tmp_path, capfd):
    target = tmp_path / "demo"
    assert run(["demo", str(target)]) == 0
    assert "Findings:" in capfd.readouterr().out
    assert run(["demo", str(target)]) == 0  # the same again
    own = tmp_path / "mine"
    (own / "data").mkdir(parents=True)
    (own / "data" / "precious.txt").write_text("mine")
    assert run(["demo", str(own)]) == 2
    assert (own / "data" / "precious.txt").read_text() == "mine"
    assert "exists and is not the demo" in capfd.readouterr().err


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_and_is_documented(command, capfd, request):
    assert run([command, "--help"]) == 0
    assert capfd.readouterr().out.startswith(f"Usage: provenance {command}")
    assert f"provenance {command}" in (request.config.rootpath / "docs" / "commands.md").read_text()


def test_every_command_module_is_listed():
    from pathlib import Path

    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {
        "__init__",
        "output",
        "path_arguments",
        "proof_output",
        "reading",
        "engine_options",
        "key_options",
        "terminal",
    }
    assert {f"provenance.cli.{name}" for name in files} == {module for module, _ in COMMANDS.values()}


@pytest.mark.parametrize("kind", ["checks", "profiles", "purposes", "formats"])
def test_lists(kind, capfd):
    assert run(["list", kind]) == 0
    assert len(capfd.readouterr().out.splitlines()) >= 1


@pytest.mark.full
def test_a_closed_pipe_is_no_traceback(data, tmp_path):
    command = [sys.executable, "-m", "provenance", "scan", data("mit"), "--ledger", tmp_path / "ledger"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as scan:
        scan.stdout.close()  # as `| true` does
        said = scan.stderr.read()
    assert (
        said
        == f"provenance: entry 0 of {tmp_path / 'ledger'} was appended; the output could not be printed: Broken pipe\n"
    )
    assert scan.returncode == 0


def test_help_imports_nothing_heavy():
    code = "import sys; from provenance.cli import run; run(['--help']); print(sorted({'numba', 'pyarrow', 'pandas', 'rich', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_report_in_a_file_shows_what_cannot_be_seen_as_escapes(data, tmp_path):
    folder = data("mit").rename(tmp_path / "a\u202eb\u200bc\u009bd")
    ledger, file = tmp_path / "ledger", tmp_path / "report.json"
    run(["scan", str(folder), "--ledger", str(ledger)])
    for form in ("json", "sarif"):
        assert run(["report", str(ledger), "--format", form, "-o", str(file)]) == 0
        assert not {"\u202e", "\u200b", "\u009b"} & set(file.read_text())
        assert json.loads(file.read_text())


def test_data_that_may_not_be_entered_is_said_with_the_next_step(data, tmp_path, capfd, monkeypatch):
    folder = data("mit")
    monkeypatch.setattr("provenance.cli.path_arguments.os.access", lambda *_: False)
    assert run(["scan", str(folder), "--ledger", str(tmp_path / "ledger")]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"provenance: {folder} cannot be read: Permission denied; let this user")
    assert said.count("\n") == 1


def test_a_move_that_fails_names_the_place_it_was_moved_to(data, tmp_path, capfd, monkeypatch):
    def fail(*_args, **_options):
        raise PermissionError(13, "Permission denied", "l/.append/scan", None, "l/scans/00000001")

    monkeypatch.setattr("provenance.pipeline.scan.scan", fail)
    assert run(["scan", str(data("mit")), "--ledger", str(tmp_path / "ledger")]) == 2
    assert capfd.readouterr().err == "provenance: Permission denied: l/scans/00000001\n"
