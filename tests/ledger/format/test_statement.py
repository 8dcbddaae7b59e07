"""Statements: what may stand in one, and that what was built is read back."""

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.digests import canonical
from provenance.core.model import PURPOSES
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError, VerificationError
from provenance.ledger.format import statement

PLACE = statement.Place("example.org/log", 1, "ab" * 32)
LINES = statement.object_path("cd" * 32)
LINED = ("coverage", "files", "findings", "sources", "verdicts")
UNLINED = ("claims", "matches", "observations", "overlaps", "references", "sketches")
FOLDER = {LINES: "cd" * 32} | {f"scans/00000001/{name}.parquet": "ef" * 32 for name in sorted(LINED + UNLINED)}
TREE = {"alg": "rfc9162-sha256", "root": "ab" * 32, "size": 1}
TREES = {
    "tables": {name: {"rows": 1, "parquet": f"scans/00000001/{name}.parquet"} for name in LINED + UNLINED}
    | {
        name: {"rows": 1, "lines": LINES, "nodes": LINES, "tree": TREE, "parquet": f"scans/00000001/{name}.parquet"}
        for name in LINED
    },
    "contentSet": {
        "alg": "csmt-sha256/v1",
        "count": 1,
        "object": LINES,
        "root": "ab" * 32,
        "saltDigest": "ab" * 32,
        "undigested": 0,
    },
}


def build(facts, **changes):
    made = {"place": PLACE, "keys": "local", "trees": TREES, "folder": FOLDER, "subject": "cd" * 32}
    return statement.build_statement(statement.SCAN, facts, **made | changes)


def test_built_is_read(sealed):
    found = statement.read_statement(build(sealed.facts(more=[{"any": "thing"}])))
    assert (found.place, found.folder) == (PLACE, FOLDER)
    assert found.predicate["more"] == [{"any": "thing"}]
    assert found.value["subject"] == [{"name": "files.jsonl", "digest": {"sha256": "cd" * 32}}]
    assert found.value["predicateType"].endswith("/dataset-scan/v1")


@pytest.mark.parametrize("name", LINED + UNLINED)
def test_an_entry_binds_every_table_that_a_scan_has(sealed, name):
    trees = copy.deepcopy(TREES)
    del trees["tables"][name]
    with pytest.raises(ConfigError, match=f"'{name}' is a required property"):
        build(sealed.facts(), trees=trees)


@pytest.mark.parametrize("name", LINED)
@pytest.mark.parametrize("what", ["lines", "nodes", "tree", ("lines", "nodes", "tree")])
def test_a_lined_table_has_lines_nodes_and_tree(sealed, name, what):
    trees = copy.deepcopy(TREES)
    for each in [what] if isinstance(what, str) else what:
        del trees["tables"][name][each]
    with pytest.raises(ConfigError, match=r"is a required property|is a dependency"):
        build(sealed.facts(), trees=trees)


def test_the_tables_that_are_required_are_those_that_version_1_began_with():
    """For ever: a table that comes later is optional."""
    said = json.loads((DATA_FOLDER / "schemas" / "ledger" / "dataset-scan-v1.schema.json").read_bytes())["properties"][
        "tables"
    ]
    assert set(said["required"]) == {*LINED, *UNLINED}
    assert set(said["properties"]) == {*LINED}


def test_a_later_table_may_stand_in_it(sealed):
    trees = copy.deepcopy(TREES)
    trees["tables"]["contacts"] = {"rows": 1, "parquet": "scans/00000001/contacts.parquet"}
    folder = dict(sorted({**FOLDER, "scans/00000001/contacts.parquet": "ef" * 32}.items()))
    assert "contacts" in statement.read_statement(build(sealed.facts(), trees=trees, folder=folder)).predicate["tables"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("findings", "scans/00000001/coverage.parquet"),
        ("findings", "scans/00000001/findings-2.parquet"),
        ("findings", "scans/00000001/findings"),
        ("coverage", LINES),
    ],
)
def test_a_table_stands_under_its_own_name(sealed, name, path):
    trees = copy.deepcopy(TREES)
    trees["tables"][name]["parquet"] = path
    folder = dict(sorted({**FOLDER, path: "ef" * 32 if path != LINES else "cd" * 32}.items()))
    with pytest.raises(ConfigError, match="does not stand under its own name"):
        build(sealed.facts(), trees=trees, folder=folder)


def test_a_table_is_bound(sealed):
    folder = {path: digest for path, digest in FOLDER.items() if "findings" not in path}
    with pytest.raises(ConfigError, match="which it does not bind"):
        build(sealed.facts(), folder=folder)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_may_stand_in_it(sealed, purpose):
    assert statement.read_statement(build(sealed.facts(purpose=purpose))).predicate["purpose"] == purpose


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "final"},
        {"purpose": "fun"},
        {"data": "/home/somebody/data"},
        {"startedOn": "yesterday"},
        {"startedOn": "2025-01-01T00:00:00+08:00"},
        {"scanner": {"name": "x"}},
        {"profiles": [{"name": "baseline", "digest": {"sha256": "AB"}}]},
        {"log": {}},
        {"tables": {}},
        {"counts": {"a": float("nan")}},
        {"counts": {"a": 2**60}},
        {"sources": [{"A": 1, "a": 2}]},
        {"more": {1, 2}},
        {"Kind": "draft"},
    ],
)
def test_wrong_facts_are_a_sentence(sealed, changes):
    with pytest.raises(ConfigError):
        build(sealed.facts(**changes))


@pytest.mark.parametrize("missing", ["kind", "scanner", "data", "purpose", "profiles", "startedOn", "finishedOn"])
def test_missing_facts_are_named(sealed, missing):
    facts = sealed.facts()
    del facts[missing]
    with pytest.raises(ConfigError, match=missing):
        build(facts)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "scans/00000001/../../x", "scans/00000001/.hidden", "scans/00000000/a", "entries/x", "a", "",
     "objects/sha256/ab/" + "ab" * 32, "scans/00000001/a/b", "scans/00000001/a\\b", "keys/../origin"],
)  # fmt: skip
def test_only_places_of_this_entry_are_bound(sealed, path):
    with pytest.raises(ConfigError):
        build(sealed.facts(), folder=FOLDER | {path: "cd" * 32})


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b" ",
        lambda text: json.dumps(json.loads(text)).encode(),
        lambda text: text.replace(b'"index":1', b'"index":1.0'),
        lambda text: text.replace(b'"size":1', b'"size":2'),
        lambda text: text.replace(b'"kind":"draft"', b'"kind":"draft","kind":"draft"'),
        lambda text: text.replace(b"dataset-scan/v1", b"dataset-scan/v2"),
        lambda text: text.replace(b"in-toto.io/Statement/v1", b"in-toto.io/Statement/v0"),
        lambda text: text.replace(b'"corpus"', b'"\\u0063orpus"'),
        lambda text: text.replace(b'"corpus"', b'"\\ud800"'),
        lambda text: text.replace(b'"corpus"', b'"corpus","more":' + b"[" * 700 + b"]" * 700),
        lambda _: b"[]",
        lambda _: b"null",
    ],
)
def test_no_second_form(sealed, change):
    payload = build(sealed.facts())
    assert change(payload) != payload
    with pytest.raises(VerificationError):
        statement.read_statement(change(payload))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", list(statement.KINDS))
@given(
    value=json_values, where=st.sampled_from(["subject", "predicate", "_type", "log", "folder", "tables", "scanner"])
)
def test_no_json_raises_anything_else(kind, value, where):
    made = {"_type": statement.TYPE, "predicateType": statement.predicate_type(kind), "subject": [], "predicate": {}}
    (made if where in made else made["predicate"])[where] = value
    with pytest.raises(VerificationError):
        statement.read_statement(canonical(made))


TIMES = {
    "a day that no month has": "2026-02-30T00:00:00Z",
    "a month that no year has": "2026-13-01T00:00:00Z",
    "no day": "2026-01-00T00:00:00Z",
    "the hour after the last": "2026-01-01T24:00:00Z",
    "a leap second": "2026-12-31T23:59:60Z",
    "no year": "0000-01-01T00:00:00Z",
    "a leap day of another year": "2025-02-29T00:00:00.5Z",
}


@pytest.mark.parametrize("member", ["startedOn", "finishedOn"])
@pytest.mark.parametrize("name", TIMES)
def test_a_time_is_one_of_the_calendar(sealed, name, member):
    with pytest.raises(ConfigError, match=f"it breaks its schema at {re.escape('$.predicate.' + member)}"):
        build(sealed.facts(**{member: TIMES[name]}))


def test_times_of_the_calendar_stand_in_it(sealed):
    for time in ("2024-02-29T23:59:59.123456789Z", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"):
        assert statement.read_statement(build(sealed.facts(finishedOn=time))).predicate["finishedOn"] == time


def test_every_date_and_time_of_the_schemas_is_held_to_the_calendar():
    """A pattern of a date without its format would let a day pass that there is not."""
    found = 0
    for path in (DATA_FOLDER / "schemas" / "ledger").glob("*.json"):
        todo = [json.loads(path.read_bytes())]
        while todo:
            each = todo.pop()
            if isinstance(each, dict):
                if str(each.get("pattern", "")).startswith("^[0-9]{4}-[0-9]{2}"):
                    assert each["format"] == ("date-time" if "T" in each["pattern"] else "date"), path
                    found += 1
                todo += each.values()
            elif isinstance(each, list):
                todo += each
    assert found == 8
