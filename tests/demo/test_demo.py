"""The demo says exactly what `manifests/demo/expected.yaml` says it must, and accounts for every byte."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

import pytest
import yaml

import provenance as pv

DEMO = Path(__file__).parents[2] / "manifests/demo"
EXPECTED = yaml.safe_load((DEMO / "expected.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def audit():
    return pv.scan(DEMO / "data")


def rows(frame):
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def test_findings_are_those_expected_and_no_others(audit):
    found = rows(audit.findings)
    named = ("check", "severity", "source", "other")
    assert sorted(map(str, ([each[n] for n in named] for each in found))) == sorted(
        map(str, ([each.get(n) for n in named] for each in EXPECTED["findings"]))
    )


@pytest.mark.parametrize("expected", EXPECTED["findings"], ids=lambda each: f"{each['check']}-{each['source']}")
def test_a_finding_has_the_counts_expected(audit, expected):
    one = [
        each for each in rows(audit.findings) if all(each[n] == expected.get(n) for n in ("check", "source", "other"))
    ]
    assert len(one) == 1
    for name in expected.keys() - {"value"}:
        assert one[0][name] == expected[name]
    if "value" in expected:
        assert one[0]["value"] == pytest.approx(expected["value"], abs=1e-4)


def test_messages_are_sentences_that_name_what_they_are_about(audit):
    for each in rows(audit.findings):
        assert each["message"].endswith((".", '"'))  # a clause that is quoted ends the sentence
        assert each["limits"].endswith(".")
        assert "None" not in each["message"]
        if each["other"]:
            assert each["other"] in each["message"]


def test_licences_are_concluded(audit):
    assert {each["source"]: each["licence_concluded"] for each in rows(audit.sources)} == EXPECTED["licences"]


@pytest.mark.parametrize("shared", EXPECTED["shared"], ids=lambda each: f"{each['view']}-{each['source']}")
def test_what_is_shared_is_counted_in_both_directions(audit, shared):
    table = audit.overlaps
    table = table[table["path_a"].isna() & (table["view"] == shared["view"])]
    for a, b in ((shared["source"], shared["other"]), (shared["other"], shared["source"])):
        assert table[(table["source_a"] == a) & (table["source_b"] == b)]["exact"].tolist() == [shared["exact"]]


def test_nothing_else_is_shared(audit):
    table = audit.overlaps
    pairs = {(a, b) for a, b in zip(table["source_a"], table["source_b"], strict=True) if a != b}
    known = {(each["source"], each["other"]) for each in EXPECTED["shared"]}
    assert pairs == known | {(b, a) for a, b in known}


@pytest.mark.parametrize("pair", EXPECTED["silent"], ids=lambda each: each["why"])
def test_look_alikes_stay_silent(audit, pair):
    sources = {pair["source"], pair["other"]}
    assert sources <= set(audit.sources["source"])
    assert not [each for each in rows(audit.findings) if {each["source"], each["other"]} == sources]


def test_every_byte_is_accounted_for(audit):
    on_disk = {
        path.relative_to(DEMO / "data").as_posix(): path.stat().st_size
        for path in (DEMO / "data").rglob("*")
        if path.is_file()
    }
    files = audit.files
    assert dict(zip(files["path"], files["bytes"], strict=True)) == on_disk
    assert (files["bytes_consumed"] + files["bytes_skipped"] == files["bytes"]).all()
    assert files[files["bytes_skipped"] > 0]["path"].tolist() == EXPECTED["unread"]


def test_the_same_data_gives_the_same_tables(audit):
    again = pv.scan(os.fspath(DEMO / "data"), workers=1)
    assert all(again.tables[name].equals(table) for name, table in audit.tables.items())


@pytest.mark.parametrize("planted", EXPECTED["planted"], ids=lambda each: each["source"])
def test_planted_personal_data_is_seen_and_nobodys(audit, planted):
    """RFC 9476: names below .alt are never in the DNS."""
    text = (DEMO / "data" / planted["path"]).read_text(encoding="utf-8")
    assert text.count("@") == text.count("@mail.alt") > 0
    assert text.count("+1-555") == text.count("+1-555-01") > 0
    seen = audit.observations
    seen = seen[(seen["detector"] == "personal-data") & (seen["path"] == planted["path"]) & (seen["kind"] != "any")]
    assert {f"{row.kind}/{row.state}": row.records for row in seen.itertuples()} == planted["seen"]


def test_the_demo_is_small():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 300_000


def test_the_report_for_people_is_the_golden_one(audit):
    build = runpy.run_path(str(DEMO.parents[1] / "tools" / "build_report_golden.py"))
    assert build["produce"](audit) == build["GOLDEN"].read_text("utf-8"), "run: python tools/build_report_golden.py"
