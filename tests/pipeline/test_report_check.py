"""Reports that an entry binds are those of its tables, where this program can tell; else the verdict says so."""

import copy
import json
import shutil
import tarfile
from pathlib import Path

import pytest

import provenance as pv
from provenance import ledger
from provenance.cli import run
from provenance.core import scanner_identity
from provenance.errors import Refused
from provenance.ledger.format import statement
from provenance.pipeline import guard, report_check, scan

OK, INVALID, _, UNPINNED, _, WITHHELD = range(6)
TEXT = '{"text": "one two three four five six seven eight nine"}\n'


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    folder = tmp_path / "data" / "a"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# A\nhttps://example.org/a\n")
    (folder / "x.jsonl").write_text(TEXT)
    return tmp_path / "data"


def steps(found, status):
    return {step.name for step in found.steps if step.status == status}


OPTIONS = {
    "plain": {},
    "an assessment by two profiles": {"assess": True, "profiles": ["baseline", "cn-interim-measures"]},
    "of a sample": {"sample": 0.5, "exclude": ["*.bin"], "purpose": "research"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_report_is_rendered_again(data, tmp_path, name):
    pv.scan(data, tmp_path / "ledger", workers=1, **OPTIONS[name])
    found = pv.verify(tmp_path / "ledger")
    assert (found.exit_code, found.gaps) == (OK, ()), found.lines()
    assert found.lines()[0] == "The ledger verifies."
    assert "ok: reports: 2 reports are what their tables say" in found.lines()


LIES = {
    "report.html": ("html", lambda made: made.replace(b"<main>", b"<main><h1>Nothing was found</h1>")),
    "report.json": ("json", lambda made: made.replace(b'"findings":[', b'"findings":[],"hidden":[', 1)),
}


@pytest.mark.parametrize("name", LIES)
def test_a_report_that_says_something_else_is_refused(data, tmp_path, monkeypatch, capsys, name):
    module, change = LIES[name]
    renderer = getattr(scan, f"report_{module}")
    real = renderer.render
    monkeypatch.setattr(renderer, "render", lambda *given, **more: change(real(*given, **more)))
    pv.scan(data, tmp_path / "ledger", workers=1)
    monkeypatch.undo()
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    found = pv.verify(tmp_path / "ledger")
    assert (found.exit_code, steps(found, "failed")) == (INVALID, {"reports"}), found.lines()
    capsys.readouterr()
    assert run(["verify", str(tmp_path / "ledger")]) == INVALID
    assert f"scans/00000000/{name} is not what the tables of entry 0 say" in capsys.readouterr().out
    with pytest.raises(Refused, match="does not verify; reports"):
        pv.guard(data, tmp_path / "ledger")


def test_counts_that_the_tables_do_not_hold_are_refused(data, tmp_path, monkeypatch):
    real = scan.evaluate.summarise_tables
    monkeypatch.setattr(
        scan.evaluate, "summarise_tables", lambda tables: {"counts": real(tables)["counts"] | {"error": 7}}
    )
    pv.scan(data, tmp_path / "ledger", workers=1)
    monkeypatch.setattr(scan.evaluate, "summarise_tables", real)
    found = pv.verify(tmp_path / "ledger")
    assert (found.exit_code, steps(found, "failed")) == (INVALID, {"reports"})


def test_a_report_of_another_program_is_named_in_the_verdict(data, tmp_path, monkeypatch, capsys):
    pv.scan(data, tmp_path / "ledger", workers=1)
    later = scanner_identity.describe_scanner() | {"version": "99"}
    monkeypatch.setattr(report_check.scanner_identity, "describe_scanner", lambda: later)
    found = pv.verify(tmp_path / "ledger")
    unread = "the reports of entry 0 (written by another build of this program)"
    assert (found.exit_code, found.meaning) == (OK, f"the ledger verifies; not checked: {unread}")
    capsys.readouterr()
    assert run(["verify", str(tmp_path / "ledger"), "--format", "json"]) == OK
    said = json.loads(capsys.readouterr().out)
    assert "reports" in said["not_checked"]
    assert unread in said["meaning"]
    assert pv.guard(data, tmp_path / "ledger").ok  # it rests on tables, not on reports


@pytest.mark.parametrize("name", ["report.html", "report.json", "matches.parquet"])
def test_what_is_withheld_is_not_rendered(data, tmp_path, name):
    pv.scan(data, tmp_path / "ledger", workers=1)
    (tmp_path / "ledger" / "scans" / "00000000" / name).unlink()
    found = pv.verify(tmp_path / "ledger")
    assert found.exit_code == WITHHELD
    assert "reports" in steps(found, "not checked")


@pytest.mark.parametrize("name", ["findings", "coverage", "files", "verdicts"])
def test_guard_refuses_tables_that_nobody_can_compare(data, tmp_path, name):
    said = pv.scan(data, tmp_path / "ledger", workers=1).entry.statement["predicate"]["tables"][name]
    shutil.copytree(tmp_path / "ledger", tmp_path / "whole", symlinks=True)
    assert guard.inspect_data(data, tmp_path / "whole", guard.GuardPolicy()).ok
    (tmp_path / "ledger" / said["lines"]).unlink()
    found = guard.inspect_data(data, tmp_path / "ledger", guard.GuardPolicy())
    assert any(f"entry 0: {name} cannot be compared with the lines" in reason for reason in found.reasons)


def test_one_entry_is_verified_with_its_reports(data, tmp_path):
    for _ in range(2):
        pv.scan(data, tmp_path / "ledger", workers=1)
    found = pv.verify(tmp_path / "ledger", entry=1)
    assert found.exit_code == OK
    assert "ok: reports: 2 reports are what their tables say" in found.lines()


def test_guard_refuses_what_rests_on_an_old_form(data, tmp_path):
    with tarfile.open(Path(__file__).parents[1] / "ledger" / "golden" / "v0.tar.gz") as tar:
        tar.extractall(tmp_path / "old", filter="data")
    found = guard.inspect_data(data, tmp_path / "old" / "ledger", guard.GuardPolicy(keys="any"))
    assert "entry 0 is of version 0, which has no trees and no content set; scan again" in found.reasons


SUMS = {
    "fewer findings": lambda facts: facts["counts"].update(findings=0),
    "milder findings": lambda facts: facts["counts"].update(error=0, warning=0, note=9),
    "more files": lambda facts: facts["counts"].update(files=7),
    "no counts": lambda facts: facts.pop("counts"),
    "other data": lambda facts: facts.update(dataDigest={"sha256": "ab" * 32}),
    "no digest": lambda facts: facts.pop("dataDigest"),
    "another digest": lambda facts: facts.update(dataDigest="ab"),
}


@pytest.fixture
def resealed(data, tmp_path):
    """Append what a scan found once more, with other facts, and documents or none."""
    pv.scan(data, tmp_path / "ledger", workers=1)
    held = ledger.open_reader(tmp_path / "ledger")
    said = held.statement().predicate
    facts = {key: value for key, value in said.items() if key not in statement.LEDGER_KEYS}
    report = (tmp_path / "ledger/scans/00000000/report.html").read_bytes()

    def make(change, *, bound=False, ours=True):
        made = copy.deepcopy(facts)
        if not ours:
            made["scanner"]["digest"]["sha256"] = "ab" * 32
        change(made)
        documents = {"report.html": report} if bound else {}
        ledger.append(tmp_path / "other", held.tables(), documents, made, keys=ledger.user_keys())
        return tmp_path / "other"

    return make


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_held_to_the_tables_where_no_report_is_bound(resealed, name):
    found = pv.verify(resealed(SUMS[name]))
    assert (found.exit_code, steps(found, "failed")) == (INVALID, {"reports"}), found.lines()


@pytest.mark.parametrize("name", SUMS)
def test_sums_of_another_build_are_held_to_the_tables_where_they_stand(resealed, name):
    found = pv.verify(resealed(SUMS[name], ours=False))
    assert found.exit_code == (OK if name.startswith("no ") else INVALID), found.lines()


def test_what_another_build_counts_besides_is_signed_as_it_is(resealed):
    def change(facts):
        facts["counts"] = {"error": facts["counts"]["error"], "tables": 11}

    assert pv.verify(resealed(change, ours=False)).exit_code == OK


def test_sums_of_tables_that_are_withheld_are_named(resealed):
    folder = resealed(SUMS["fewer findings"])
    (folder / "scans/00000000/findings.parquet").unlink()
    found = pv.verify(folder)
    assert found.exit_code == WITHHELD
    assert "withheld: scans/00000000/findings.parquet" in " ".join(step.detail for step in found.steps)
