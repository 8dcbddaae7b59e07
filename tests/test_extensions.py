"""What CONTRIBUTING says of adding one: a file that declares itself and one line in a registry, and it works."""

from __future__ import annotations

import contextlib
import importlib
import re
import zipfile
from pathlib import Path

import pytest

import provenance
from provenance import checks, detectors, profiles
from provenance.cli import COMMANDS, run
from provenance.core.processes import child_processes
from provenance.ledger import exports as ledger_exports
from provenance.readers import manifests
from provenance.readers.records import FORMATS
from provenance.reports import REPORTS
from provenance.reports import exports as findings_exports

HERE = Path(__file__).with_name("extensions")


@pytest.fixture
def offered():
    """A command offers what is registered when its module is imported: `with offered("export"): ...`."""

    @contextlib.contextmanager
    def again(*commands):
        modules = [importlib.import_module(f"provenance.cli.{name}") for name in commands]
        for module in modules:
            importlib.reload(module)
        yield
        left.extend(modules)

    left = []
    yield again
    for module in left:  # the extensions are gone by now
        importlib.reload(module)


@pytest.fixture
def all_registered(offered, registered, monkeypatch):
    """One of each family; `offered` comes first, so that it ends last."""
    families = (
        (checks.CHECKS, "source_unlucky"),
        (FORMATS, "key_values"),
        (manifests.FORMATS, "facts"),
        (detectors.DETECTORS, "first_words"),
        (ledger_exports.EXPORTS, "entry_number"),
        (findings_exports.EXPORTS, "finding_count"),
        (REPORTS, "record_count"),
    )
    monkeypatch.setattr(profiles, "FOLDERS", (*profiles.FOLDERS, HERE))
    monkeypatch.setitem(COMMANDS, "greet", ("extensions.greet", "Say hello."))
    with contextlib.ExitStack() as stack:
        for registry, module in families:
            stack.enter_context(registered(registry, f"extensions.{module}"))
        yield


@pytest.mark.usefixtures("all_registered")
@pytest.mark.parametrize(
    "forked", [True, pytest.param(False, marks=pytest.mark.full)], ids=lambda forked: "forked" if forked else "spawned"
)
def test_one_of_each_family_works_from_a_folder_to_a_document(forked, tmp_path, monkeypatch, offered, capsys):
    if forked and not child_processes._FORKS:
        pytest.skip("nothing is forked here")
    monkeypatch.setattr(child_processes, "_FORKS", forked)
    monkeypatch.chdir(tmp_path)  # else it would have the workers of the tests before, which cannot know the extensions
    folder, ledger = tmp_path / "data", str(tmp_path / "ledger")
    folder.mkdir()
    lines = [f"{number}={'the ' if number < 3 else 'a '}record of number {number}" for number in range(12)]
    (folder / "a.pairs").write_text("\n".join(["%pairs", *lines]))
    (folder / "facts.txt").write_text("name: Twelve and one\nlicence: MIT\n")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("inner/facts.txt", "licence: Apache-2.0\n")
        archive.writestr("inner/x.pairs", "%pairs\na=the thirteenth record\n")
    with offered("export", "report"):
        asked = ["--ledger", ledger, "--profile", "lucky-numbers", "--workers", "2", "--fail-on", "never"]
        assert run(["scan", str(folder), *asked]) == 0
        audit = provenance.open_ledger(ledger)
        assert run(["export", ledger, "--format", "number", "-o", "number"]) == 0
        assert run(["export", ledger, "--format", "findings", "-o", "findings"]) == 0
        assert run(["report", ledger, "--format", "count", "-o", "count"]) == 0
        capsys.readouterr()
        assert [run(words) for words in (["list", "profiles"], ["list", "formats"], ["--help"], ["greet"])] == [0] * 4
        out = capsys.readouterr().out
        assert run(["verify", ledger]) == 0

    found = {row["path"]: (row["format"], row["role"], row["source"], row["records"]) for row in rows(audit.files)}
    assert found["a.pairs"] == ("pairs", "data", "of-facts", 12)
    assert found["b.zip!/inner/x.pairs"] == ("pairs", "data", "of-facts", 1)
    assert found["facts.txt"][:2] == ("facts", "manifest")
    stated = {(row["manifest"], row["field"], row["value"], row["witness"]) for row in rows(audit.claims)}
    assert ("facts.txt", "licence", "MIT", "facts") in stated
    assert ("b.zip!/inner/facts.txt", "licence", "Apache-2.0", "facts") in stated  # read by a worker
    seen = {(row["path"], row["kind"], row["records"]) for row in rows(audit.observations) if row["state"] == "seen"}
    assert seen >= {("a.pairs", "the", 3), ("b.zip!/inner/x.pairs", "the", 1)}
    said = dict(zip(audit.coverage["check"], audit.coverage["reason"], strict=True))
    assert said["first-words"] == "only the word `the` is looked for"
    (finding,) = rows(audit.findings[audit.findings["check"] == "source-unlucky"])
    assert (finding["source"], finding["severity"]) == ("of-facts", "warning")
    assert set(audit.verdicts["profile"]) == {"lucky-numbers"}
    written = {name: (tmp_path / name).read_text() for name in ("number", "findings", "count")}
    assert written == {"number": "0\n", "findings": f"{len(audit.findings)}\n", "count": "13\n"}
    assert re.search(r"\nlucky-numbers +Lucky numbers\n", out)
    assert re.search(r"\nfacts +manifest\n", out)
    assert re.search(r"\n +greet +Say hello\.\n", out)
    assert out.endswith("hello\n")


def rows(frame):
    return frame.to_dict("records")


@pytest.mark.usefixtures("in_process")
def test_a_record_format_is_read_and_listed(tmp_path, registered, capsys):
    (tmp_path / "a.pairs").write_bytes(b"%pairs\na=the first text\nb=the second text\n")
    with registered(FORMATS, "extensions.key_values"):
        (file,) = provenance.scan(tmp_path, ledger=None).files.to_dict("records")
        assert run(["list", "formats"]) == 0
    assert (file["format"], file["records"], file["records_unreadable"]) == ("pairs", 2, 0)
    assert "\npairs " in capsys.readouterr().out
    (file,) = provenance.scan(tmp_path, ledger=None).files.to_dict("records")
    assert file["format"] == "text"


def test_two_of_one_name_are_refused(registered):
    with (
        registered(FORMATS, "extensions.key_values", "extensions.key_values"),
        pytest.raises(ValueError, match="pairs"),
    ):
        list(FORMATS)


@pytest.mark.usefixtures("in_process")
def test_a_check_is_run_listed_and_judged(tmp_path, registered, capsys, monkeypatch):
    (tmp_path / "a.txt").write_text("\n\n".join(f"passage {number}" for number in range(13)))
    baseline = Path(profiles.__file__).with_name("baseline.yaml").read_text("utf-8")
    rated = baseline.replace(
        "source-undeclared:", "source-unlucky: { severity: note }\n          source-undeclared:", 1
    )
    with registered(checks.CHECKS, "extensions.source_unlucky"):
        with monkeypatch.context() as patch:
            patch.setattr(profiles, "load", lambda name: profiles.parse(name, rated.encode()))
            audit = provenance.scan(tmp_path, ledger=None)
        assert run(["list", "checks"]) == 0
        assert run(["explain", "source-unlucky"]) == 0
    (found,) = audit.findings[audit.findings["check"] == "source-unlucky"].to_dict("records")
    assert (found["severity"], found["message"]) == ("note", "It has 13 records.")
    assert "ran" in set(audit.coverage[audit.coverage["check"] == "source-unlucky"]["status"])
    assert capsys.readouterr().out.count("A source has thirteen records.") == 2


@pytest.mark.usefixtures("in_process")
def test_an_export_and_a_report_are_offered_and_written(tmp_path, registered, offered, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("one\n\ntwo")
    ledger = str(tmp_path / "ledger")
    provenance.scan(tmp_path / "data", ledger=ledger)
    with contextlib.ExitStack() as stack:
        stack.enter_context(registered(ledger_exports.EXPORTS, "extensions.entry_number"))
        stack.enter_context(registered(REPORTS, "extensions.record_count"))
        stack.enter_context(offered("export", "report"))
        assert run(["export", "--help"]) == 0
        assert run(["export", ledger, "--format", "number", "-o", str(tmp_path / "number")]) == 0
        assert run(["export", ledger, "--format", "number", "--withhold", "x", "-o", str(tmp_path / "n")]) == 2
        assert run(["report", ledger, "--format", "count", "-o", str(tmp_path / "count")]) == 0
    assert ((tmp_path / "number").read_bytes(), (tmp_path / "count").read_bytes()) == (b"0\n", b"2\n")
    out = capsys.readouterr()
    assert "number" in out.out
    assert "The number of an entry." in out.out
    assert "A number." in out.out
    assert "--withhold goes with --format tar alone" in out.err
