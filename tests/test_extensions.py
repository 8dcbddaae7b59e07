"""What CONTRIBUTING says of adding one: a file that declares itself and one line in a registry, and it works."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import provenance
from provenance import checks, profiles
from provenance.cli import run
from provenance.ledger import exports as ledger_exports
from provenance.readers.records import FORMATS
from provenance.reports import REPORTS

pytestmark = pytest.mark.usefixtures("in_process")


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


def test_an_export_and_a_report_are_offered_and_written(tmp_path, registered, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("one\n\ntwo")
    ledger = str(tmp_path / "ledger")
    provenance.scan(tmp_path / "data", ledger=ledger)
    with registered(ledger_exports.EXPORTS, "extensions.entry_number"), registered(REPORTS, "extensions.record_count"):
        for module in ("export", "report"):  # a command offers what is registered when its module is imported
            importlib.reload(importlib.import_module(f"provenance.cli.{module}"))
        assert run(["export", "--help"]) == 0
        assert run(["export", ledger, "--format", "number", "-o", str(tmp_path / "number")]) == 0
        assert run(["export", ledger, "--format", "number", "--withhold", "x", "-o", str(tmp_path / "n")]) == 2
        assert run(["report", ledger, "--format", "count", "-o", str(tmp_path / "count")]) == 0
    for module in ("export", "report"):
        importlib.reload(importlib.import_module(f"provenance.cli.{module}"))
    assert ((tmp_path / "number").read_bytes(), (tmp_path / "count").read_bytes()) == (b"0\n", b"2\n")
    out = capsys.readouterr()
    assert "number" in out.out
    assert "The number of an entry." in out.out
    assert "A number." in out.out
    assert "--withhold goes with --format tar alone" in out.err
