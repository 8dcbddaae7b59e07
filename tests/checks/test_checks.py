"""Every check against its table of cases, tests/checks/<check>.yaml: flagged and clean rows, values, units, words.

A case gives rows of the tables that the check reads; what a row leaves out is a default. `copies` makes MATCHES and
OVERLAPS, of which is counted what a check reads: [path, other path, records, view, shingles, method, distinctive, longer],
where the first records of both files are the same; of the method `inside`, those of the first stand inside those of the
second, which have `longer` shingles, thirty more where nothing is said. `expect` lists the
findings in order, each by the fields that matter; `says` are parts of the message, and `silent` parts that must not be in it.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from provenance import checks
from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import CheckSpec
from provenance.errors import UnknownCheck
from provenance.similarity.evidence import match_batches
from provenance.similarity.evidence.evidence_rules import make_rules
from provenance.similarity.evidence.evidence_shares import TextSizes
from provenance.sources.file_splits import find_splits, find_unnamed

TABLES = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.yaml"))}
CASES = [(check, name) for check, cases in TABLES.items() for name in cases]
SCHEMAS = {
    name.lower(): getattr(schemas, name)
    for name in ("CLAIMS", "FILES", "OBSERVATIONS", "PATHS", "REFERENCES", "SOURCES", "WITNESSES")
}
DEFAULTS = {
    "files": {"source": "a", "role": "data", "bytes": 100, "records": 10, "bytes_consumed": 100},
    "observations": {"source": "a", "path": "a/1", "detector": "web", "kind": "a.org", "records": 10, "bytes": 100},
    "sources": {"evidence": "none"},
    "witnesses": {
        "source": "a",
        "scope": "a/",
        "pointer": "L1",
        "subject": "any",
        "speaks": True,
        "files": 1,
        "records": 10,
    },
    "references": {
        "title": "works",
        "kind": "protected",
        "of": "shingles",
        "item": "w.txt",
        "view": "whole",
        "source": "a",
        "scale": 1,
        "records": 1,
        "records_view": 10,
    },
    "paths": {"role": "data"},
    "claims": {"witness": "native", "subject": "data"},
}
SETTINGS = {"purpose": "commercial-service", "minimum": 4, "originals": {}, "holders": {}, "indexes": []}
INDEX = {"kind": "protected", "of": "shingles", "scale": 1, "items": 100, "short": 0, "files": []}


def blank(field):
    if field.nullable:
        return None
    return {"string": "", "int64": 0, "bool": False, "double": 0.0}[str(field.type)]


def table(name, rows):
    schema = SCHEMAS[name]
    full = [{field.name: blank(field) for field in schema} | DEFAULTS.get(name, {}) | row for row in rows]
    for row, given in zip(full, rows, strict=True):
        assert set(given) <= set(schema.names), given
        if name == "files" and "bytes_skipped" in given:
            row["bytes_consumed"] = row["bytes"] - row["bytes_skipped"]
    return schemas.rows(full, schema)


def copied(copies, files):
    """MATCHES and OVERLAPS of files of which the first records are the same, both directions."""
    of = {row["path"]: row for row in files.to_pylist()}
    matches, overlaps = [], []
    for a, b, count, *more in copies:
        view, shingles, method = (more + ["whole", 5, "exact"][len(more) :])[:3]
        distinctive = more[3] if len(more) > 3 else shingles
        longer = more[4] if len(more) > 4 else shingles + 30
        for x, y in ((a, b), (b, a)):
            ends = {"view": view, "source_a": of[x]["source"], "path_a": x, "source_b": of[y]["source"], "path_b": y}
            inside, copied = method == "inside", 0 if method == "inside" else count
            sizes = [longer if inside and end == b else shingles for end in (x, y)]
            same = {
                "jaccard": shingles / max(sizes),
                "shared": shingles,
                "distinct_a": sizes[0],
                "distinct_b": sizes[1],
                "method": "contained" if inside else method,
                "distinctive": distinctive,
            }
            matches += [ends | same | {"row_a": k, "row_b": k} for k in range(count)]
            counts = {"records_a": of[x]["records"], "records_b": of[y]["records"], "exact": copied, "near": copied}
            counts |= {"near_distinctive": copied, "contained_ab": 0, "contained_ba": 0}
            overlaps.append(ends | counts)
    return schemas.rows(matches, schemas.MATCHES), schemas.rows(overlaps, schemas.OVERLAPS)


def counted(matches, overlaps, tables, settings):
    """What a scan counts of MATCHES."""
    files = tables["files"]
    splits = find_splits(files, tables["claims"])
    paths = sorted(row["path"] for row in files.to_pylist() if row["source"])
    rules = make_rules(
        paths,
        files,
        minimum=settings["minimum"],
        originals=settings["originals"],
        splits=splits,
        unnamed=find_unnamed(files, tables["claims"]),
    )
    return match_batches.count_matches(matches, rules, overlaps) | {"overlaps": overlaps}


def inputs(case):
    tables = {name: table(name, case.get(name, [])) for name in SCHEMAS}
    settings = {name: case.get(name, value) for name, value in SETTINGS.items()}
    settings["indexes"] = [INDEX | each for each in settings["indexes"]]
    tables |= counted(*copied(case.get("copies", []), tables["files"]), tables, settings)
    if "sources" not in case:
        names = sorted({row["source"] for row in tables["files"].to_pylist() if row["source"]})
        tables["sources"] = table("sources", [{"source": name} for name in names])
    return tables | settings | {"sizes": TextSizes(tables["files"], tables["observations"])}


def run(check, tables):
    return list(checks.load_check(check).find(**{name: tables[name] for name in checks.list_inputs(check)}))


@pytest.mark.parametrize(("check", "name"), CASES)
def test_cases(check, name):
    case = TABLES[check][name]
    found = run(check, inputs(case))
    assert len(found) == len(case["expect"]), found
    for finding, expected in zip(found, case["expect"], strict=True):
        wanted = {key: value for key, value in expected.items() if key not in {"says", "silent"}}
        assert {key: getattr(finding, key) for key in wanted} == wanted
        assert all(part in finding.message for part in expected.get("says", [])), finding.message
        assert not any(part in finding.message for part in expected.get("silent", [])), finding.message
        assert finding.check == check
        assert finding.limits
        assert finding.message.endswith((".", '"'))  # a sentence, or a clause in quotes
        assert "\n" not in finding.message


@pytest.mark.parametrize(("check", "name"), CASES)
def test_the_order_of_rows_does_not_matter(check, name):
    tables = inputs(TABLES[check][name])
    forth = run(check, tables)
    for turn in (lambda n: range(n)[::-1], lambda n: [*range(n // 2, n), *range(n // 2)]):
        turned = {
            key: value.take(pa.array(list(turn(len(value))), pa.int64())) if isinstance(value, pa.Table) else value
            for key, value in tables.items()
        }
        assert run(check, turned) == forth


@pytest.mark.parametrize(("check", "name"), CASES)
def test_one_finding_a_fingerprint(check, name):
    marks = [
        fingerprint(each.check, each.source, each.other, each.field) for each in run(check, inputs(TABLES[check][name]))
    ]
    assert len(marks) == len(set(marks))


@pytest.mark.parametrize("check", checks.CHECKS)
def test_every_check_has_a_table_with_flagged_and_clean_cases(check):
    expected = [case["expect"] for case in TABLES[check].values()]
    assert any(expected)
    assert not all(expected)


def test_every_table_has_a_check():
    assert set(TABLES) == set(checks.CHECKS)


def test_an_unknown_check_is_named():
    with pytest.raises(UnknownCheck, match="no check 'licence-mising'"):
        checks.explain("licence-mising")


def test_a_check_that_fails_is_a_row_and_the_others_run(monkeypatch):
    def fail(sources):
        raise ZeroDivisionError("oops")
        yield

    monkeypatch.setitem(checks.CHECKS._members(), "source-undeclared", CheckSpec("source-undeclared", fail))
    case = inputs({"files": [{"path": "a/x", "records": 10, "records_unreadable": 3}]})
    found, coverage = checks.find(case | {"paths": table("paths", [])})
    rows = {row["check"]: row for row in coverage.to_pylist()}
    assert list(rows) == list(checks.CHECKS)
    assert rows["source-undeclared"]["status"] == "errored"
    assert "ZeroDivisionError: oops" in rows["source-undeclared"]["reason"]
    idle = {check for check, row in rows.items() if row["status"] == "skipped"}
    assert idle == {"benchmark-contamination", "protected-work-contained", "split-leak"}
    assert {row["status"] for check, row in rows.items() if check not in {"source-undeclared", *idle}} == {"ran"}
    assert {(row["records_seen"], row["records_unreadable"]) for row in rows.values()} == {(7, 3)}
    assert {each.check for each in found} == {"licence-missing", "file-unreadable", "origin-undocumented"}


@pytest.mark.parametrize(
    ("check", "kind", "reason"),
    [
        ("benchmark-contamination", "benchmark", "no index of a benchmark was given"),
        ("protected-work-contained", "protected", "no index of protected works was given"),
    ],
)
def test_what_has_nothing_to_compare_with_is_skipped_and_says_so(check, kind, reason):
    tables = inputs({"files": [{"path": "a/x"}], "indexes": [{"title": "other", "kind": "known"}]})
    row = {row["check"]: row for row in checks.find(tables)[1].to_pylist()}[check]
    assert (row["status"], row["reason"]) == ("skipped", reason)
    tables = inputs({"files": [{"path": "a/x"}], "indexes": [{"title": "given", "kind": kind, "short": 3}]})
    row = {row["check"]: row for row in checks.find(tables)[1].to_pylist()}[check]
    assert row["status"] == "ran"
    assert "3 of 100" in row["reason"]
    assert "of given are too short" in row["reason"]


def test_files_of_a_benchmark_itself_are_said_in_coverage():
    tables = inputs(
        {
            "files": [{"path": "a/x", "sha256": "ab" * 32}],
            "indexes": [{"title": "b", "kind": "benchmark", "files": ["ab" * 32]}],
        }
    )
    said = {row["check"]: row["reason"] for row in checks.find(tables)[1].to_pylist()}
    assert said["benchmark-contamination"] == "1 of the files are those of b itself"
