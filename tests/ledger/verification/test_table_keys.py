"""One row a key: two statements about one thing, both signed, are refused wherever a ledger or a proof is read."""

import json

import pyarrow as pa
import pytest

from provenance import ledger
from provenance.core.digests import sha256
from provenance.core.schemas import SEALED, rows
from provenance.errors import InputError, VerificationError
from provenance.ledger.format import row_keys
from provenance.ledger.log import output_files, staging
from provenance.ledger.proofs import disclosure, proof_format, redaction
from provenance.ledger.verification.verified_reader import open_reader

INVALID = 1
NAMES = ("a/x.jsonl", "a/y.jsonl", "b/ü.jsonl")


@pytest.fixture
def tables(sealed, file_row):
    sealed["files"] = rows([file_row(name, sha256(name.encode())) for name in NAMES], SEALED["files"])
    source = {"source": "a", "evidence": "none", "records": 3, "bytes": 9, "tokens": 3}
    sealed["sources"] = rows([source | {"records_text": 3, "records_distinct": 3}], SEALED["sources"])
    verdict = {
        "profile": "p", "requirement": "r", "element": 1, "title": "t", "modality": "shall", "text": "primary", "clause": "c",
        "answered_by": "machine", "observed": "not examined", "reason": "", "findings": 0, "fingerprints": [], "checks": [], "references": [],
    }  # fmt: skip
    sealed["verdicts"] = rows([verdict, verdict | {"element": 2}], SEALED["verdicts"])
    return sealed


def changed(table, at, **values):
    """A row of a table with other values."""
    row = table.slice(at, 1)
    for column, value in values.items():
        place = row.schema.get_field_index(column)
        row = row.set_column(place, row.schema.field(column), pa.array([value], row.schema.field(column).type))
    return row


def put(table, at, row):
    return pa.concat_tables([table.slice(0, at), row, table.slice(at)])


TWICE = {
    "a path with two digests": ("files", lambda t: put(t, 1, changed(t, 0, sha256="ab" * 32))),
    "a path twice, the same": ("files", lambda t: put(t, 1, t.slice(0, 1))),
    "all paths twice": ("files", lambda t: pa.concat_tables([t, t])),
    "paths in another order": ("files", lambda t: t.take([1, 0, 2])),
    "paths in the order of words": ("files", lambda t: put(t, 0, changed(t, 0, path="a0"))),
    "a source twice": ("sources", lambda t: pa.concat_tables([t, changed(t, 0, evidence="card")])),
    "a finding twice": ("findings", lambda t: pa.concat_tables([t, changed(t, 0, severity="note")])),
    "a check twice": ("coverage", lambda t: pa.concat_tables([t, changed(t, 0, status="skipped")])),
    "a verdict twice": ("verdicts", lambda t: pa.concat_tables([t, changed(t, 0, observed="open point")])),
}


@pytest.fixture
def forged(monkeypatch, home, tables, tmp_path):
    """The owner signs what no honest program does."""

    def make(case):
        name, change = TWICE[case]
        tables[name] = change(tables[name])
        with pytest.raises(ValueError, match=f"the table {name} cannot be signed: "):
            ledger.append(tmp_path / "ledger", tables, {}, tables.facts(), keys=ledger.user_keys())
        monkeypatch.setattr(staging.row_keys, "check_keys", lambda *_: None)
        ledger.append(tmp_path / "ledger", tables, {}, tables.facts(), keys=ledger.user_keys())
        return tmp_path / "ledger", name

    return make


@pytest.mark.parametrize("case", TWICE)
def test_a_table_with_two_rows_of_one_key_is_refused(forged, third_party, case):
    folder, name = forged(case)
    found = ledger.verify(folder)
    told = " ".join(step.detail for step in found.steps if step.status == "failed")
    assert found.exit_code == INVALID, found.lines()
    assert f"the table {name}: " in told
    assert ("same" in told) or ("not sorted by path" in told)
    assert third_party(folder) == 1
    with pytest.raises(VerificationError, match=r"says two things of one, or is not sorted: .*(same|not sorted)"):
        open_reader(folder).tables(None, [name])
    warned = []
    read = open_reader(folder, verified=False, warn=warned.append)
    assert read.tables(None, [name])[name].num_rows
    assert len(read.faults) == len(warned) == 1


@pytest.mark.parametrize("gone", ["parquet", "lines"])
@pytest.mark.parametrize("case", TWICE)
def test_it_is_refused_where_a_part_is_withheld(forged, case, gone):
    folder, name = forged(case)
    (folder / ledger.read_entry(folder)["predicate"]["tables"][name][gone]).unlink()
    assert ledger.verify(folder).exit_code == INVALID


def test_a_table_that_is_shown_in_part_is_refused(forged):
    folder, name = forged("a finding twice")
    said = ledger.open_reader(folder).statement()
    made = folder / redaction.path(0, name)
    made.parent.mkdir(parents=True)
    made.write_bytes((folder / said.predicate["tables"][name]["lines"]).read_bytes())
    found = redaction.check(folder, [said], [redaction.path(0, name)])
    assert found.faults == [f"redacted/00000000/{name}.jsonl: rows 0 and 1 have the same key (fingerprint)"]


ASKED = {
    "a path with two digests": ("path", "a/x.jsonl"),
    "paths in another order": ("path", "a/x.jsonl"),
    "a source twice": ("source", "a"),
    "a finding twice": ("finding", "0" * 32),
    "a check twice": ("coverage", "licence-missing"),
    "a verdict twice": ("verdict", "r"),
}


@pytest.mark.parametrize("case", ASKED)
def test_neither_row_is_proven(forged, case):
    folder, name = forged(case)
    with pytest.raises(VerificationError, match=f"the table {name}.*; run provenance verify|is not sorted by path"):
        disclosure.row(folder, *ASKED[case])


@pytest.mark.parametrize("case", ["a path with two digests", "a finding twice", "a verdict twice"])
def test_a_proof_of_both_is_none(monkeypatch, forged, case):
    folder, _ = forged(case)
    monkeypatch.setattr(disclosure.ProvableTable, "_hold_keys", lambda *_: None)
    if case.startswith("a path"):
        monkeypatch.setattr(disclosure.ProvableTable, "named", lambda self, *_: [self.line(0), self.line(1)])
    with monkeypatch.context() as patch:
        patch.setattr(proof_format.row_keys.RowKeys, "add_rows", lambda *_: None)
        made = disclosure.row(folder, *ASKED[case])
    assert len(json.loads(made)["lines"]) > 1
    with pytest.raises(VerificationError, match="have the same"):
        proof_format.read(made)


def test_a_table_of_distinct_keys_is_proven_and_read(home, tables, tmp_path, third_party):
    ledger.append(tmp_path / "ledger", tables, {}, tables.facts(), keys=ledger.user_keys())
    assert ledger.verify(tmp_path / "ledger").exit_code == 0
    assert third_party(tmp_path / "ledger") == 0
    for kind, name in {*ASKED.values()}:
        assert len(json.loads(disclosure.row(tmp_path / "ledger", kind, name))["lines"]) == (2 if name == "r" else 1)
    with pytest.raises(InputError, match="says nothing of the path"):
        disclosure.row(tmp_path / "ledger", "path", "c")


def test_keys_are_told_apart_by_their_parts():
    keys = row_keys.RowKeys("verdicts")
    keys.add_rows(
        [{"profile": "a", "requirement": "b", "element": 12}, {"profile": "a", "requirement": "b1", "element": 2}]
    )
    keys.finish()
    with pytest.raises(VerificationError, match="a row has no element"):
        keys.add_rows([{"profile": "a", "requirement": "b"}])


def test_a_list_of_what_came_out_names_a_path_once(tmp_path):
    listed = [{"bytes": 1, "path": path, "sha256": "ab" * 32} for path in ("a", "b", "b")]
    lines = [json.dumps(each, separators=(",", ":")).encode() for each in listed]
    (tmp_path / "l").write_bytes(b"\n".join(lines) + b"\n")
    said = {"lines": "l", "files": 3, "tree": {"size": 3, "root": output_files._hash_root(lines)}}
    with pytest.raises(VerificationError, match="the list of what it made: two rows have the same path"):
        output_files.read_output(tmp_path, said)
    (tmp_path / "l").write_bytes(b"\n".join(lines[:2]) + b"\n")
    said = {"lines": "l", "files": 2, "tree": {"size": 2, "root": output_files._hash_root(lines[:2])}}
    assert len(output_files.read_output(tmp_path, said)) == 2
