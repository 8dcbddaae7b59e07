"""Roles of columns that a manifest states: they hold at the root of the data alone, and are said first."""

import hashlib

import pytest

import provenance as pv
from provenance.errors import ConfigError, NothingToAudit
from provenance.readers import records

MANIFEST = """\
provenance: 1
sources:
  - id: q
    path: {path}
    licence: MIT
    views: {{frage: instruction, antwort: answer}}
"""
RECORD = '{"frage": "how many legs has a spider", "antwort": "eight of them"}\n'


def views(**overrides):
    return {"roles": records.override_roles(tuple(overrides.items()))}


def read(folder, **options):
    (folder / "x.jsonl").write_text(RECORD)
    return next(
        item.table for item in records.read(str(folder / "x.jsonl"), "x", **options) if isinstance(item, records.Batch)
    )


@pytest.mark.parametrize(
    ("overrides", "whole", "prompt"),
    [
        ({}, "how many legs has a spider\neight of them", None),
        (
            {"frage": "instruction", "antwort": "answer"},
            "how many legs has a spider\neight of them",
            "how many legs has a spider",
        ),
        ({"antwort": "instruction", "frage": "answer"}, "eight of them\nhow many legs has a spider", "eight of them"),
        ({"Antwort": "meta", "frage": "text"}, "how many legs has a spider", None),
    ],
)
def test_an_override_changes_what_a_column_is(tmp_path, overrides, whole, prompt):
    table = read(tmp_path, **views(**overrides))
    assert (table["whole"][0].as_py(), table["prompt"][0].as_py()) == (whole, prompt)


def test_a_column_of_the_table_can_be_moved(tmp_path):
    (tmp_path / "y.jsonl").write_text('{"instruction": "a b c", "output": "d e f"}\n')
    batches = records.read(str(tmp_path / "y.jsonl"), "y", **views(output="meta"))
    assert next(batches).table["whole"].to_pylist() == ["a b c"]


def test_an_unknown_role_is_named():
    with pytest.raises(ConfigError, match="no column role 'poem'"):
        records.override_roles((("x", "poem"),))


@pytest.mark.parametrize(("place", "path", "prompts"), [(".", "q", 1), ("q", ".", 0)])
def test_only_a_manifest_at_the_root_overrides_and_coverage_says_so(tmp_path, place, path, prompts):
    (tmp_path / "q").mkdir()
    (tmp_path / place / "provenance.yaml").write_text(MANIFEST.format(path=path))
    for name in "ab":  # two files with one record, so that a shared prompt shows
        (tmp_path / "q" / f"{name}.jsonl").write_text(RECORD)
    audit = pv.scan(tmp_path, workers=1)
    shared = audit.overlaps[(audit.overlaps["view"] == "prompt") & audit.overlaps["path_a"].notna()]
    assert len(shared) == 2 * prompts
    said = audit.coverage.set_index("check").loc["overrides", "reason"]
    assert ("is not read" in said) == (not prompts)
    assert "'frage'" in said


LOG = "https://example.org/a 2026-01-02 200\n\nhttps://example.org/b 2026-01-02 200\n"
CRAWL = """\
provenance: 1
sources:
  - {{ id: q, path: {path}, licence: MIT, kind: crawl, collection: {{ file: crawl.txt, sha256: {digest} }} }}
"""


@pytest.mark.parametrize(("place", "path", "records"), [(".", "q", 0), ("q", ".", 2)])
@pytest.mark.parametrize("right", [True, False])
def test_a_document_is_no_data_where_a_manifest_at_the_root_says_so(tmp_path, place, path, records, right):
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "x.jsonl").write_text(RECORD)
    (tmp_path / place / "crawl.txt").write_text(LOG)
    digest = hashlib.sha256((LOG if right else "another").encode()).hexdigest()
    (tmp_path / place / "provenance.yaml").write_text(CRAWL.format(path=path, digest=digest))
    audit = pv.scan(tmp_path, workers=1)
    named = f"{place}/crawl.txt".removeprefix("./")
    log = audit.files.set_index("path").loc[named]
    assert (log["role"], log["records"], log["source"]) == ("data" if records else "documentation", records, "q")
    assert log["bytes_consumed"] == len(LOG)
    wrong = audit.findings[audit.findings["check"] == "checksum-mismatch"]
    assert wrong["source"].tolist() == ([] if right else ["q"])
    assert named in audit.coverage.set_index("check").loc["overrides", "reason"]


def test_a_document_that_is_not_there_is_said(tmp_path):
    (tmp_path / "x.jsonl").write_text(RECORD)
    (tmp_path / "provenance.yaml").write_text(CRAWL.format(path=".", digest="0" * 64))
    absent = pv.scan(tmp_path, workers=1).findings
    assert "crawl.txt" in absent[absent["check"] == "file-declared-absent"]["message"].item()


def test_data_that_is_all_documents_is_nothing_to_audit(tmp_path):
    (tmp_path / "crawl.txt").write_text(LOG)
    (tmp_path / "provenance.yaml").write_text(CRAWL.format(path=".", digest="0" * 64))
    with pytest.raises(NothingToAudit):
        pv.scan(tmp_path, workers=1)
