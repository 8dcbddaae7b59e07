"""Tables of somebody else's ledger: they are decoded elsewhere, and what happens there is not always their fault."""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance import ledger
from provenance.cli import run
from provenance.core.scratch import scratch_folders
from provenance.errors import InputError, ProcessKilled
from provenance.ledger.format import bounded_tables, table_files
from provenance.ledger.log import reading, table_trees


@pytest.fixture
def killing(monkeypatch):
    """Kill the process that decodes before it is asked, so many times: `killing(count)`."""
    exchange, left = bounded_tables._Decoder._exchange, []

    def kill(decoder, request, keep):
        if left and decoder._child is not None:
            left.pop()
            decoder._child.process.kill()
        return exchange(decoder, request, keep)

    monkeypatch.setattr(bounded_tables._Decoder, "_exchange", kill)

    def begin(count):
        bounded_tables._decoder.end_process()
        start = bounded_tables.ConfinedProcess
        monkeypatch.setattr(bounded_tables, "ConfinedProcess", lambda module: _killed(start(module), left))
        left.extend([None] * count)

    return begin


def _killed(process, left):
    if left:
        left.pop()
        process.process.kill()
        process.process.wait()
    return process


@pytest.mark.parametrize("killed", [1, 2])
def test_a_process_that_somebody_killed_is_replaced(world, killing, killed):
    killing(killed)
    assert ledger.read_tables(world / "ledger")["files"].num_rows == 2


def test_no_table_is_to_blame_for_processes_that_somebody_killed(world, killing, capsys):
    killing(1000)
    with pytest.raises(ProcessKilled):
        ledger.read_tables(world / "ledger")
    for command, code in (("show", 4), ("verify", 2)):  # 2 of verify: it ended before it had an answer
        assert run([command, str(world / "ledger")]) == code
        out, said = capsys.readouterr()
        assert "was killed again and again" in (out if command == "verify" else said)
        assert ("FAILED: tables" in out, "is invalid" in out) == (False, False)
        assert len(said.splitlines()) == (2 if command == "show" else 0)  # it says first that entry 0 was not checked


def test_the_tables_of_an_entry_share_what_they_may_take(world, monkeypatch):
    load, given = bounded_tables.load_table, []
    monkeypatch.setattr(
        bounded_tables, "load_table", lambda stored, **limits: given.append(limits["most"]) or load(stored, **limits)
    )
    whole = ledger.read_tables(world / "ledger")
    sizes = [table.nbytes for table in whole.values()]
    assert given == [bounded_tables.LOADED_BYTES - sum(sizes[:before]) for before in range(len(sizes))]
    monkeypatch.setattr(bounded_tables, "LOADED_BYTES", 10)
    with pytest.raises(InputError, match=r"all that is left for the tables of one entry; PROVENANCE_TABLE_MEMORY=4GB"):
        ledger.read_tables(world / "ledger")
    monkeypatch.setenv("PROVENANCE_TABLE_MEMORY", "1GB")
    assert ledger.read_tables(world / "ledger") == whole


def test_the_size_that_tables_may_have_is_one(world, monkeypatch, capsys):
    monkeypatch.setenv("PROVENANCE_TABLE_MEMORY", "lots")
    assert run(["show", str(world / "ledger")]) == 2
    assert "PROVENANCE_TABLE_MEMORY=lots is no size for tables; set it to 4GB" in capsys.readouterr().err


def test_a_large_table_of_matches_is_mapped_and_leaves_no_file(world, monkeypatch):
    whole = ledger.read_tables(world / "ledger")
    before = set(scratch_folders._ours)
    monkeypatch.setattr(reading, "_MAPPED_ROWS", -1)
    assert ledger.read_tables(world / "ledger") == whole
    assert set(scratch_folders._ours) == before


def hostile(table, path):
    """CLAIMS of 10 MB that are 1.2 GB: one long word again and again, beside what cannot be made smaller."""
    count = 120_000
    fixed = {"witness": "native", "value": "x" * 10_000}
    columns = [
        pa.array([os.urandom(40).hex() for _ in range(count)])
        if field.name in {"pointer", "subject"}
        else pa.DictionaryArray.from_arrays(
            np.zeros(count, np.int8),
            pa.array([fixed.get(field.name, "x" if pa.types.is_string(field.type) else 1)], field.type),
        )
        for field in table.schema
    ]
    pq.write_table(pa.table(columns, table.schema.names), path, compression="zstd", store_schema=False)
    return count


@pytest.mark.full
@pytest.mark.usefixtures("home")
def test_a_table_that_would_take_a_hundred_times_its_file_is_refused(sealed, tmp_path, monkeypatch, measure):
    real = table_trees.write_tables

    def seal(given, staging, **more):
        trees, bound = real(given, staging, **more)
        path = staging / "scan" / "claims.parquet"
        trees["tables"]["claims"]["rows"] = hostile(given["claims"], path)
        bound[trees["tables"]["claims"]["parquet"]] = table_files.digest_file(path)
        return trees, bound

    monkeypatch.setattr(table_trees, "write_tables", seal)
    folder = tmp_path / "ledger"
    ledger.append(folder, sealed, {"report.json": b"{}"}, sealed.facts(), keys=ledger.user_keys())
    assert (folder / "scans/00000000/claims.parquet").stat().st_size < 13_000_000
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_bytes(b"{}\n")
    calls = {"show": [folder], "verify": [folder], "guard": [tmp_path / "data", "--ledger", folder]}
    for command, arguments in calls.items():
        done = measure([sys.executable, "-m", "provenance", command, *arguments])
        print(f"\n{command}: {done.peak:.0f} MiB, exit {done.returncode}")
        assert done.peak < 1000
        assert done.returncode == {"show": 4, "verify": 0, "guard": 1}[command], done.stderr
        assert ("PROVENANCE_TABLE_MEMORY" in done.stderr) == (command == "show")
