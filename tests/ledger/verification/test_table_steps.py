"""What programs read of a scan is what was signed line by line: rows, lines and their form, and what decoding may take."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from provenance import ledger
from provenance.cli import run
from provenance.core.digests import sha256
from provenance.core.schemas import SEALED, rows
from provenance.errors import DigestMismatch, InputError, VerificationError
from provenance.ledger.format import bounded_tables, table_decoder, table_files
from provenance.ledger.log import table_trees
from provenance.ledger.verification.verified_reader import open_reader

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD = range(6)


@pytest.fixture
def tables(sealed, file_row):
    """Tables that have what is hard to write down: long numbers, nulls, quotes, several rows."""
    listed = [file_row(name, sha256(name.encode()), source="a") for name in ("a.jsonl", "b.jsonl", "c.jsonl")]
    sealed["files"] = rows(listed, SEALED["files"])
    source = {"source": "a", "evidence": "none", "records": 3, "bytes": 9, "tokens": 3}
    counts = {"records_text": 3, "records_distinct": 3}
    sealed["sources"] = rows([source | counts | {"languages": ["en", None]}], SEALED["sources"])
    return sealed


def append(folder, tables):
    return ledger.append(folder, tables, {}, tables.facts(), keys=ledger.user_keys())


def lied(monkeypatch, folder, tables, name, other):
    """The owner seals one table as Parquet, and signs lines of another."""
    real = table_trees.write_tables

    def seal(given, staging, **more):
        trees, bound = real(given, staging, **more)
        path = staging / "scan" / f"{name}.parquet"
        other(given[name], path)
        bound[trees["tables"][name]["parquet"]] = table_files.digest_file(path)
        return trees, bound

    monkeypatch.setattr(table_trees, "write_tables", seal)
    append(folder, tables)
    return ledger.verify(folder)


def failed(found):
    return {step.name for step in found.steps if step.status == "failed"}


def detail(found, name="tables"):
    return " ".join(step.detail for step in found.steps if step.name == name)


def with_column(column, change):
    """Change a column's values or type."""

    def other(table, path):
        at = table.schema.get_field_index(column)
        made = change(table[column])
        pq.write_table(table.set_column(at, column, made), path)

    return other


def with_values(column, values):
    return with_column(column, lambda old: pa.array(values, old.type))


def written(change):
    return lambda table, path: pq.write_table(change(table), path)


def raw(change):
    def other(table, path):
        path.write_bytes(change(path.read_bytes()))

    return other


def not_utf8(old):
    made = pa.array([b"\xff\xfe"] * len(old), pa.binary())
    return pa.Array.from_buffers(pa.string(), len(old), made.buffers())


LIES = {
    "no findings": ("findings", written(lambda table: table.slice(0, 0))),
    "a finding is milder": ("findings", with_values("severity", ["note"])),
    "a message says something else": ("findings", with_values("message", ["all is well"])),
    "a number that a float cannot tell from it": ("findings", with_values("records", [2**60 + 1])),
    "the next float": ("findings", with_values("value", [np.nextafter(0.5, 1)])),
    "no value": ("findings", with_values("value", [None])),
    "a word for nothing": ("findings", with_values("other", ["null"])),
    "an empty word for nothing": ("findings", with_values("other", [""])),
    "an empty list for nothing in it": ("sources", with_values("languages", [["en"]])),
    "no list": ("sources", with_values("languages", [None])),
    "a list with a word for nothing": ("sources", with_values("languages", [["en", "null"]])),
    "rows in another order": ("files", written(lambda table: table.take([1, 0, 2]))),
    "a row twice, and one left out": ("files", written(lambda table: table.take([0, 0, 2]))),
    "a row more": ("files", written(lambda table: table.take([0, 1, 2, 2]))),
    "a row less": ("files", written(lambda table: table.slice(0, 2))),
    "a column more": ("findings", written(lambda table: table.append_column("note", pa.array(["waived"])))),
    "a column less": ("findings", written(lambda table: table.drop_columns(["waived"]))),
    "a column twice": ("findings", written(lambda table: table.append_column("severity", pa.array(["note"])))),
    "columns in another order": ("findings", written(lambda table: table.select(table.column_names[::-1]))),
    "a column of the lines alone": ("findings", written(lambda table: table.append_column("salt", pa.array(["00"])))),
    "numbers of another type": ("files", with_column("bytes", lambda old: old.cast(pa.int32()))),
    "numbers as words": ("files", with_column("bytes", lambda old: old.cast(pa.string()))),
    "numbers that were rounded": ("files", with_column("bytes", lambda old: old.cast(pa.float64()))),
    "words as a dictionary": ("files", with_column("path", pc.dictionary_encode)),
    "words as bytes": ("files", with_column("path", lambda old: old.cast(pa.binary()))),
    "bytes that are no words": ("findings", with_column("message", not_utf8)),
    "no Parquet": ("findings", raw(lambda _: b"no Parquet")),
    "nothing": ("findings", raw(lambda _: b"")),
    "the end alone": ("findings", raw(lambda data: data[-8:])),
    "cut": ("findings", raw(lambda data: data[:-20])),
    "a page that was changed": ("findings", raw(lambda data: data[:40] + bytes(20) + data[60:])),
    "no Parquet where there are no lines": ("claims", raw(lambda _: b"no Parquet")),
    "another table where there are no lines": ("claims", written(lambda _: pa.table({"a": []}))),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_table_that_is_not_its_lines_is_refused(monkeypatch, home, tables, tmp_path, third_party, lie):
    name, other = LIES[lie]
    found = lied(monkeypatch, tmp_path / "ledger", tables, name, other)
    assert found.exit_code == INVALID, found.lines()
    assert failed(found) == {"tables"}
    assert f"the table {name}: " in detail(found)
    assert len(detail(found)) < 400
    assert third_party(tmp_path / "ledger") == (name in table_trees.SALTED_COLUMNS)


@pytest.mark.parametrize("lie", ["no findings", "a finding is milder", "a row more", "rows in another order"])
def test_what_is_not_its_lines_is_not_shown(monkeypatch, home, tables, tmp_path, lie):
    """Whoever reads a ledger sees what `prove` proves: rows are compared before anybody gets one."""
    name, other = LIES[lie]
    if count := {"a row more": 4, "no findings": 0}.get(lie, -1) + 1:
        grown(monkeypatch, count - 1, name)
    lied(monkeypatch, tmp_path / "ledger", tables, name, other)
    with pytest.raises(VerificationError, match=f"{name}.parquet is not what its signed lines say: "):
        open_reader(tmp_path / "ledger").tables(None, [name])
    with pytest.raises(VerificationError, match="its signed lines"):
        ledger.read_tables(tmp_path / "ledger", 0, [name])
    warned = []
    held = open_reader(tmp_path / "ledger", verified=False, warn=warned.append)
    assert (
        held.tables(None, [name])[name].num_rows
        == pq.read_table(tmp_path / f"ledger/scans/00000000/{name}.parquet").num_rows
    )
    assert len(warned) == len(held.faults) == 1
    assert "is not what its signed lines say" in warned[0]


COMMANDS = {
    "show": ("show", "L"), "report": ("report", "L", "--format", "sarif", "-o", "OUT"), "diff": ("diff", "L", "L"),
    "explain": ("explain", "00000000", "--ledger", "L"),
    "export": ("export", "L", "--format", "removal-list", "-o", "OUT"),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_what_is_not_its_lines(monkeypatch, home, tables, tmp_path, capsys, command):
    name, other = LIES["no findings"]
    grown(monkeypatch, 0)
    lied(monkeypatch, tmp_path / "ledger", tables, name, other)
    capsys.readouterr()
    names = {"L": str(tmp_path / "ledger"), "OUT": str(tmp_path / "out")}
    assert run([names.get(each, each) for each in COMMANDS[command]]) in {1, 4}
    out, error = capsys.readouterr()
    assert out == ""
    assert ("does not verify" if command == "diff" else "is not what its signed lines say") in error
    assert error.count("\n") == 1


def test_rows_whose_lines_are_withheld_are_read_and_that_is_said(home, tables, tmp_path):
    folder = tmp_path / "ledger"
    said = append(folder, tables).statement["predicate"]["tables"]
    for name in ("findings", "coverage"):
        (folder / said[name]["lines"]).unlink()
    warned = []
    held = open_reader(folder, warn=warned.append)
    assert held.tables()["findings"].num_rows == 1
    assert [each for each in warned if "lines" in each] == [
        f"{folder}: entry 0: the lines of findings, coverage are withheld, so its rows were not compared with them"
    ]
    assert held.notices == [each.removeprefix(f"{folder}: ") for each in warned]


WORDS = {("findings", "severity"), ("coverage", "status"), ("files", "role"), ("sources", "evidence")}


@pytest.mark.parametrize(("name", "column"), sorted(WORDS))
def test_a_word_that_its_column_has_not_is_refused(home, tables, tmp_path, name, column):
    """Rows and lines agree: the owner signed a word of which nobody knows what it means."""
    at = tables[name].schema.get_field_index(column)
    field = tables[name].schema.field(column)
    tables[name] = tables[name].set_column(at, field, pa.array(["critical"] * tables[name].num_rows, pa.string()))
    append(tmp_path / "ledger", tables)
    found = ledger.verify(tmp_path / "ledger")
    told = f'it is not the table of this version: its {column} is "critical", none of '
    assert found.exit_code == INVALID
    assert f"the table {name}: {told}" in detail(found)
    with pytest.raises(InputError, match=re.escape(f"{name}.parquet cannot be read: {told}")):
        open_reader(tmp_path / "ledger").tables()


def test_what_has_no_lines_is_held_to_its_words_too(home, tables, tmp_path):
    one = {"source": "a", "view": "x", "shingle": "s", "scale": 1, "records": 1, "shingles": 1, "hashes": [1]}
    tables["sketches"] = rows([one], SEALED["sketches"])
    append(tmp_path / "ledger", tables)
    found = ledger.verify(tmp_path / "ledger")
    assert (found.exit_code, "its view is" in detail(found)) == (INVALID, True)


def test_a_column_of_a_later_version_asks_for_that_version(monkeypatch, home, tables, tmp_path):
    more = pa.array([["x"]] * tables["matches"].num_rows)
    lied(monkeypatch, tmp_path / "ledger", tables, "matches", written(lambda table: table.append_column("later", more)))
    assert ledger.verify(tmp_path / "ledger").exit_code == OK
    with pytest.raises(InputError, match="a newer version: it has the column later; install a newer provenance"):
        open_reader(tmp_path / "ledger").tables()


def test_tables_that_are_their_lines_verify(home, tables, tmp_path, third_party):
    append(tmp_path / "ledger", tables)
    found = ledger.verify(tmp_path / "ledger")
    assert (found.exit_code, found.uncompared, found.gaps) == (OK, (), ())
    assert "5 tables have the rows that their lines say; 6 have no lines" in detail(found)
    assert third_party(tmp_path / "ledger") == 0


def edited(monkeypatch, folder, tables, name, edit):
    """The owner signs lines of another form: tree and stored tree are those of these lines."""
    real = table_files.to_lines

    def lines(table):
        for chunk in real(table):
            yield edit(chunk) if set(SEALED[name].names) <= set(table.column_names) else chunk

    monkeypatch.setattr(table_files, "to_lines", lines)
    append(folder, tables)
    monkeypatch.setattr(table_files, "to_lines", real)


FORMS = {
    "a key twice": lambda line: line.replace(b'"check":', b'"check":"x","check":', 1),
    "a key twice at the end": lambda line: line.replace(b"}\n", b',"waived":null}\n', 1),
    "another order": lambda line: re.sub(rb'^\{("check":"[^"]*"),(.*)\}$', rb"{\2,\1}", line, flags=re.MULTILINE),
    "a blank": lambda line: line.replace(b'"check":', b'"check": ', 1),
    "a blank at the end": lambda line: line.replace(b"}\n", b"} \n", 1),
    "a return at the end": lambda line: line.replace(b"}\n", b"}\r\n", 1),
    "another escape": lambda line: line.replace(b'"check":"l', b'"check":"\\u006c', 1),
    "a number in another form": lambda line: line.replace(b'"value":0.5', b'"value":5e-1', 1),
    "a member more": lambda line: line.replace(b"}\n", b',"zzz":1}\n', 1),
    "a salt in capitals": lambda line: re.sub(rb'"salt":"([0-9a-f]*)"', lambda m: m[0].upper().replace(b"SALT", b"salt"), line),
}  # fmt: skip


@pytest.mark.parametrize("withheld", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_a_line_of_another_form_is_refused(monkeypatch, home, tables, tmp_path, third_party, form, withheld):
    """Also where its Parquet is withheld: but then what it says may be another thing, and only its form is checked."""
    folder = tmp_path / "ledger"
    edited(monkeypatch, folder, tables, "findings", FORMS[form])
    if withheld:
        (folder / "scans" / "00000000" / "findings.parquet").unlink()
    found = ledger.verify(folder)
    said_else = form in {"a member more", "a salt in capitals"}
    assert found.exit_code == (WITHHELD if withheld and said_else else INVALID), found.lines()
    assert third_party(folder) == (found.exit_code == INVALID)


BLANK = {"a blank line": lambda lines: lines + b"\n", "a blank line before": lambda lines: b"\n" + lines}


@pytest.mark.parametrize("form", BLANK)
def test_a_blank_line_is_refused(monkeypatch, home, tables, tmp_path, form):
    with pytest.raises(ValueError, match="more lines"):
        edited(monkeypatch, tmp_path / "ledger", tables, "findings", BLANK[form])


@pytest.mark.parametrize("what", ["parquet", "lines"])
def test_what_cannot_be_compared_is_named(home, tables, tmp_path, what):
    folder = tmp_path / "ledger"
    said = append(folder, tables).statement["predicate"]["tables"]["findings"]
    (folder / said[what]).unlink()
    found = ledger.verify(folder)
    assert (found.exit_code, found.uncompared) == (WITHHELD, ((0, "findings"),))
    assert "tables" in found.as_json()["not_checked"]
    assert "findings (entry 0)" in detail(found)


def test_a_table_of_a_later_version_is_named(monkeypatch, home, tables, tmp_path):
    real = table_trees.write_tables

    def seal(given, staging, **more):
        trees, bound = real(given, staging, **more)
        later = "scans/00000000/contacts-2.parquet"
        pq.write_table(pa.table({"name": ["A"]}), staging / "scan" / "contacts-2.parquet")
        bound[later] = table_files.digest_file(staging / "scan" / "contacts-2.parquet")
        trees["tables"]["contacts-2"] = {"rows": 1, "parquet": later}
        return trees, bound

    monkeypatch.setattr(table_trees, "write_tables", seal)
    append(tmp_path / "ledger", tables)
    found = ledger.verify(tmp_path / "ledger")
    assert found.exit_code == OK
    assert "not checked: tables that a later version knows (contacts-2 (entry 0))" in found.lines()[0]


def test_another_file_of_that_name_is_not_read(home, tables, tmp_path):
    folder = tmp_path / "ledger"
    append(folder, tables)
    path = folder / "scans" / "00000000" / "findings.parquet"
    pq.write_table(tables["findings"].slice(0, 0), path)
    with pytest.raises(DigestMismatch, match="is not what entry 0 binds"):
        ledger.read_tables(folder)
    path.unlink()
    path.symlink_to(tmp_path / "outside.parquet")
    pq.write_table(tables["findings"], tmp_path / "outside.parquet")
    with pytest.raises(InputError, match="cannot be read"):
        ledger.read_tables(folder)


def bomb(count, **values):
    """A table of findings that is small on disk: one word or number again and again."""

    def other(table, path):
        index = pa.array(np.zeros(count, np.int8))
        columns = []
        for field in table.schema:
            if field.nullable and field.name not in values:
                columns.append(pa.nulls(count, field.type))
            else:
                columns.append(
                    pa.DictionaryArray.from_arrays(index, pa.array([values.get(field.name, "x")], field.type))
                )
        made = pa.table(columns, table.schema.names)
        pq.write_table(made, path, compression="zstd", store_schema=False, row_group_size=count)

    return other


BOMBS = {
    "many rows": (10_000_000, {}),
    "long words": (100_000, {"message": "x" * 1_000_000}),
    "a few very long words": (3, {"message": "x" * 400_000_000}),
}  # fmt: skip


def grown(monkeypatch, count, name="findings"):
    """Whoever makes a bomb says how many rows it has, too."""
    real = table_trees.write_tables

    def seal(given, staging, **more):
        trees, bound = real(given, staging, **more)
        trees["tables"][name]["rows"] = count
        return trees, bound

    monkeypatch.setattr(table_trees, "write_tables", seal)


@pytest.mark.full
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(monkeypatch, measure, home, tables, tmp_path, name):
    count, values = BOMBS[name]
    grown(monkeypatch, count)
    found = lied(monkeypatch, tmp_path / "ledger", tables, "findings", bomb(count, **values))
    assert found.exit_code == INVALID
    path = tmp_path / "ledger" / "scans" / "00000000" / "findings.parquet"
    assert path.stat().st_size < 1_000_000
    for command, code in (("verify", INVALID), ("show", 4)):
        done = measure([sys.executable, "-m", "provenance", command, tmp_path / "ledger"])
        assert done.returncode == code, done.stderr
        assert done.peak < 1000
        assert done.busy < 60
        assert len(done.stderr.splitlines()) == (command == "show")
    assert re.search(r"findings\.parquet (cannot be read|is not what its signed lines say): ", done.stderr)


@pytest.mark.parametrize("suffices", [1 << 13, 1 << 8, 1 << 3, 0])
def test_where_memory_does_not_suffice_fewer_rows_are_decoded_at_once(monkeypatch, suffices):
    asked, ended = [], []
    decoder = bounded_tables._Decoder()

    def exchange(request, _keep):
        asked.append(json.loads(request)["at_once"])
        full = asked[-1] > suffices
        return ({"fault": "memory", table_decoder.FULL: True}, [b"half"]) if full else ({"rows": 1}, [b"whole"])

    monkeypatch.setattr(decoder, "_exchange", exchange)
    monkeypatch.setattr(decoder, "end_process", lambda: ended.append(asked[-1]))
    reply, parts = decoder.send_request("load", bounded_tables.StoredTable(Path("x.parquet"), "findings", 1, None))
    expected = [rows for rows in (1 << 13, 1 << 8, 1 << 3) if rows >= suffices]
    assert asked == expected
    assert ended == [
        rows for rows in expected if rows > suffices
    ]  # a process that ran out of memory is not asked again
    assert (reply, parts) == (({"rows": 1}, [b"whole"]) if suffices else ({"fault": "memory", "full": True}, []))


@pytest.mark.parametrize(
    ("size", "read", "loaded"),
    [(1000, 64 << 20, 64 << 20), (1 << 20, 200 << 20, 200 << 20), (10 << 20, 2000 << 20, 768 << 20), (1 << 30, 200 << 30, 768 << 20)],
)  # fmt: skip
def test_what_is_loaded_grows_neither_with_its_file_nor_with_what_that_says(size, read, loaded):
    assert table_decoder._compute_allowed_bytes(size, None) == read
    assert table_decoder._compute_allowed_bytes(size, bounded_tables.LOADED_BYTES) == loaded


def test_the_process_that_decodes_is_replaced_when_it_died(home, tables, tmp_path):
    append(tmp_path / "ledger", tables)
    for _ in range(2):
        assert ledger.read_tables(tmp_path / "ledger")["files"].num_rows == 3
        os.kill(bounded_tables._decoder._child.process.pid, signal.SIGKILL)
        bounded_tables._decoder._child.process.wait()


SCRIPT = """
import sys, time
from pathlib import Path
from provenance import ledger
from provenance.ledger.format import bounded_tables as decoding
ledger.read_tables(Path(sys.argv[1]))
print(decoding._decoder._child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_the_process_that_decodes_ends_with_whoever_asks(home, tables, tmp_path):
    append(tmp_path / "ledger", tables)
    asking = subprocess.Popen([sys.executable, "-c", SCRIPT, tmp_path / "ledger"], stdout=subprocess.PIPE, text=True)
    process = int(asking.stdout.readline())
    assert Path(f"/proc/{process}").exists()
    asking.kill()
    asking.wait()
    asking.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process}").exists() and _state(process) != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _state(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def test_lines_are_made_as_json_has_them():
    """Quotes, controls, floats and long numbers: the fast way and the plain one are the same bytes."""
    words = [None, "", "null", 'a"b', "a\\b", 'a\\"b', "é\u2028😀\x7f", "a\nb", "\x00"]
    floats = [None, 0.0, 1.0, 0.5, 1e21, 1e-7, 2.0**60, float("inf"), float("nan")]
    table = pa.table(
        {
            "w": words,
            "f": pa.array(floats, pa.float64()),
            "i": pa.array([2**53 - 1, 2**53, -(2**63), 0, 1, 2, 3, 4, None]),
        }
    )
    from provenance.core.digests import canonical

    for part in (
        table,
        table.slice(3, 3),
        table.filter(pc.invert(pc.match_substring_regex(table["w"], "[\\x00-\\x1f]"))),
    ):
        made = b"".join(canonical(table_files.to_portable(row)) + b"\n" for row in part.to_pylist())
        assert b"".join(table_files.to_lines(part)) == made
    assert json.loads(next(iter(table_files.to_lines(table.slice(1, 1)))))["i"] == str(2**53)
