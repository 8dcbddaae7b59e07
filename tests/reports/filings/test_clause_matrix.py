"""The clause matrix: every clause with its mark, what was found, what was said, and what was not looked at first."""

from __future__ import annotations

import re

import pytest
import yaml

import provenance as pv
from provenance import profiles
from provenance.attestations import actions
from provenance.cli import run
from provenance.errors import ConfigError, VerificationError
from provenance.pipeline import audit
from provenance.reports.filings import clause_matrix

CN = "cn-interim-measures"
EVIL = "evil <img src=x>|`$x$`"


def declare(folder, *answers):
    by = {"name": "李华", "role": "责任人"}
    path = folder / "declarations.yaml"
    held = [{"profile": CN, "requirement": name, "element": element, **rest} for name, element, rest in answers]
    form = {"declarations": 1, "by": by, "date": "2026-01-31", "answers": held}
    path.write_text(re.sub(r"'(yes|no)'", r"\1", yaml.safe_dump(form, allow_unicode=True)), encoding="utf-8")
    actions.declare(folder / "ledger", path)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two sources, one forbidden and one with a hostile name; entries: scan, declaration, assessment, declaration."""
    folder = tmp_path_factory.mktemp("matrix")
    for name, licence in (("plain", "cc-by-nc-4.0"), (EVIL, "cc0-1.0")):
        (folder / "data" / name).mkdir(parents=True)
        (folder / "data" / name / "README.md").write_text(f"---\nlicense: {licence}\n---\n# A\n")
        (folder / "data" / name / "x.jsonl").write_text(f'{{"text": "one two three four five six {licence}"}}\n')
    (folder / "data" / "plain" / "broken.jsonl").write_text('{"text": \n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(folder / "home"))
        scan(folder)
        declare(folder, ("art-7-2", "rights-reviewed", {"says": "yes", "statement": "Reviewed <b>well</b>."}))
        scan(folder, assess=True)
        declare(folder, ("art-7-5", "other-rules", {"says": "no", "statement": "尚未完成审查"}))
        folder.joinpath("m.html").write_bytes(audit.write_filing(folder / "ledger", "clause-matrix-html"))
        folder.joinpath("m.md").write_bytes(audit.write_filing(folder / "ledger", "clause-matrix-md"))
    return folder


def scan(folder, **options):
    return pv.scan(folder / "data", folder / "ledger", profiles=["baseline", CN], workers=1, **options)


@pytest.fixture(params=["m.html", "m.md"])
def text(request, world):
    """What a reader sees of either document."""
    import html

    raw = (world / request.param).read_text(encoding="utf-8")
    seen = html.unescape(re.sub(r"<[^>]*>", "\n", raw))
    return re.sub(r"\\(.)", r"\1", seen)


def test_what_was_not_looked_at_comes_first(text):
    places = [
        text.index(each)
        for each in ("Not legal advice", "What was not looked at", "What this is about", "Clause by clause")
    ]
    assert places == sorted(places)
    assert "could not be read" in text[places[1] : places[2]]


@pytest.mark.parametrize("requirement", profiles.load(CN).requirements, ids=lambda each: each["id"])
def test_every_clause_stands_there_in_both_languages_with_its_mark(text, requirement):
    at = text.index(requirement["title"])
    clause = text[text.rindex(requirement["clause"], 0, at) : at]
    assert requirement["clause_zh"] in clause
    assert f"text: {requirement['text']}" in clause
    assert requirement["title_zh"] in text
    for element in requirement["elements"]:
        assert element["asks"] in text
        assert element["asks_zh"] in text


def test_what_the_tool_found_is_named_by_fingerprint(text, world):
    found = pv.open_ledger(world / "ledger").findings
    mark = found[found["check"] == "licence-forbids-purpose"]["fingerprint"].iloc[0]
    at = text.index("The intellectual property of others is not infringed.")
    row = text[at : text.index("Article 7(3)")]
    assert mark in row
    assert "open point" in row
    assert "待核实" in row
    assert "statement and observation differ" in row
    assert "does not conform" not in row
    assert "looked: licence-forbids-purpose" in row
    assert "declared yes in entry 1" in row


def test_what_the_person_says_stands_beside_it(text):
    row = text[text.index("Article 7(2)") : text.index("Article 7(3)")]
    assert "☒ yes 是" in row
    assert "Reviewed <b>well</b>." in row
    assert "李华" in row
    late = text[text.index("Article 7(5)") : text.rindex("Article 8")]
    assert "尚未完成审查" in late
    assert "Given after this scan" in late
    assert text.count("☐ yes 是") == len(list(profiles.questions(profiles.load(CN)))) - 2


def test_the_entry_can_be_found_again(text, world):
    said = pv.open_ledger(world / "ledger").facts
    for each in (
        said["dataDigest"]["sha256"], said["log"]["origin"], said["profiles"][1]["digest"]["sha256"], "SHA256:",
        "2 of ", "assessment", "version 1", "identifies nobody",
    ):  # fmt: skip
        assert each in text
    kept = (world / "ledger" / "scans" / "00000002" / f"profile-{CN}.yaml").read_bytes()
    assert profiles.parse(CN, kept).digest == said["profiles"][1]["digest"]["sha256"]


def test_every_source_is_there_with_its_scale_and_type(text, world):
    table = text[text.index("Training data: source, scale, type") :]
    for row in pv.open_ledger(world / "ledger").tables["sources"].to_pylist():
        assert row["source"] in table
        assert f"{row['bytes']:,}" in table
    assert "All\n" in table or "All" in table
    assert "not declared" in table


def test_the_annex_has_every_finding_with_what_it_does_not_prove(text, world):
    annex = text[text.index("Annex: findings") :]
    held = pv.open_ledger(world / "ledger").tables
    counted = {mark for row in held["verdicts"].to_pylist() if row["profile"] == CN for mark in row["fingerprints"]}
    assert counted
    for row in held["findings"].to_pylist():
        assert (row["fingerprint"] in annex) == (row["fingerprint"] in counted)
        assert row["fingerprint"] not in counted or row["limits"] in annex


def test_a_long_annex_is_counted(world, monkeypatch):
    monkeypatch.setattr(clause_matrix, "MOST_LISTED", 1)
    monkeypatch.setattr(clause_matrix, "MOST_SHOWN", 0)
    said = audit.write_filing(world / "ledger", "clause-matrix-md").decode()
    assert re.search(r"and \d+ more, in findings.parquet", said)
    assert re.search(r"and \d+ more, in the annex", said)


def test_plain_practice_is_no_filing(text):
    assert "Every source states a licence that is known, and its statements agree." not in text


def test_the_same_entries_give_the_same_bytes(world):
    assert audit.write_filing(world / "ledger", "clause-matrix-html") == (world / "m.html").read_bytes()


def test_a_draft_says_so(world, monkeypatch):
    first = audit.write_filing(world / "ledger", "clause-matrix-md", index=0).decode()
    assert "DRAFT: it claims nothing" in first
    assert "DRAFT" not in (world / "m.md").read_text(encoding="utf-8")


def test_a_sample_says_so(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    pv.scan(world / "data", tmp_path / "ledger", profiles=[CN], workers=1, sample=0.01)
    said = audit.write_filing(tmp_path / "ledger", "clause-matrix-md").decode()
    assert said.index("SAMPLED: not all of the data was looked at") < said.index("What was not looked at")
    assert "SAMPLED" not in (world / "m.md").read_text(encoding="utf-8")


def test_a_filing_is_for_profiles_of_the_scan(world):
    assert b"Baseline" in audit.write_filing(world / "ledger", "clause-matrix-md", profiles=["baseline"])
    with pytest.raises(ConfigError, match="was not judged by tc260; it was by baseline, cn-interim-measures"):
        audit.write_filing(world / "ledger", "clause-matrix-md", profiles=["tc260"])


def test_nothing_is_filed_of_a_ledger_that_does_not_verify(world, tmp_path):
    import shutil

    harmed = tmp_path / "ledger"
    shutil.copytree(world / "ledger", harmed, symlinks=True)
    table = harmed / "scans" / "00000000" / "claims.parquet"
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(VerificationError, match="no filing is made"):
        audit.write_filing(harmed, "clause-matrix-html")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "profiles"], 0, "cn-interim-measures  China, Interim Measures"),
        (["declare", "--template", CN], 0, "declarations: 1"),
        (["declare", "--template", "gdpr"], 2, "no profile 'gdpr'"),
        (["declare", "--template", CN, "ledger"], 2, "leave out LEDGER"),
        (["declare"], 2, "give LEDGER and FILE"),
        (["declare", "nowhere", "nothing.yaml"], 2, "cannot be read"),
        (["report", "nowhere", "--format", "clause-matrix-md", "-o", "-"], 2, "is no ledger"),
    ],
)
def test_the_command_line(tmp_path, monkeypatch, capfd, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == code
    shown = capfd.readouterr()
    assert said in shown.out + shown.err


def test_from_the_command_line(world, tmp_path, capfd):
    target = tmp_path / "m.html"
    assert run(["report", str(world / "ledger"), "--format", "clause-matrix-html", "-o", str(target)]) == 0
    assert target.read_bytes() == (world / "m.html").read_bytes()
