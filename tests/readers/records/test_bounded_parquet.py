"""Parquet is decoded in a process of its own: what it expands to is cut, and what kills it costs its file alone."""

import io
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.core import package_data, parquet_decoder
from provenance.errors import ProcessKilled
from provenance.readers import records
from provenance.readers.records import Account, Batch, bounded_parquet, column_roles, parquet
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, BlockDigest, CheckedFile, Limits
from provenance.similarity.index import reference_index

WORDS = "a few words of some text "


def written(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **{"compression": "zstd"} | options)
    return file.getvalue()


def dictionary(values, indices):
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(values))


def checked(data):
    digest = BlockDigest()
    digest.update(data)
    return CheckedFile(io.BytesIO(data), len(data), digest.blocks())


def read(data, **limits):
    tally = Tally()
    limits = Limits(**limits)
    return list(parquet.read(checked(data), len(data), tally, limits, roles=column_roles.load_roles())), tally


def test_batches_are_cut_by_bytes_whatever_the_rows_of_the_file():
    rows = np.r_[np.zeros(3000, np.int64), np.ones(60, np.int64), np.zeros(3000, np.int64)]
    data = written(pa.table({"text": dictionary(["short", WORDS * 4000], rows)}))
    batches, tally = read(data, batch_bytes=1 << 18)
    assert max(batch["whole"].nbytes for batch in batches) < 1 << 20
    found = [len(each) for batch in batches for each in batch["whole"].to_pylist()]
    assert found == [len("short") if not row else len(WORDS * 4000) - 0 for row in rows]
    assert (tally.records, tally.unreadable, tally.reason) == (6060, 0, None)


def test_a_dictionary_that_expands_beyond_memory_is_read_with_fewer_rows_at_once():
    data = written(pa.table({"text": dictionary([WORDS * 40_000], np.zeros(120, np.int64))}))
    batches, tally = read(data, memory_bytes=96 << 20, floor_bytes=1 << 30)
    assert (sum(map(len, batches)), tally.unreadable, tally.reason) == (120, 0, None)


@pytest.fixture(autouse=True)
def _own_limits():
    """A process keeps the limit that it was started with: each test starts its own."""
    bounded_parquet._end_all()
    yield
    bounded_parquet._end_all()


@pytest.mark.parametrize(
    ("table", "limits", "reason"),
    [
        ({"text": dictionary([WORDS * 4000], np.zeros(5000, np.int64))}, {"floor_bytes": 1 << 20}, "values take more than the limits allow: 1,048,576 bytes of"),
        ({"n": pa.array(np.zeros(2_000_000, np.int64))}, {"floor_bytes": 1 << 20}, "values take more than the limits allow"),
        ({"n": pa.nulls(2_000_000)}, {"floor_bytes": 1 << 20}, "values take more than the limits allow"),
        ({"text": [WORDS * 4_000_000]}, {"memory_bytes": 64 << 20}, "row group 0 takes more than 64 MiB of memory to decode"),
        ({f"c{k}": ["a"] for k in range(4000)}, {"memory_bytes": 8 << 20}, "takes more than 8 MiB of memory"),
    ],
)  # fmt: skip
def test_a_bomb_is_cut_and_the_reason_has_its_numbers(table, limits, reason):
    data = written(pa.table(table), use_dictionary=True)
    _, tally = read(data, **limits)
    assert reason in tally.reason
    assert tally.reason.startswith("parquet: ")
    assert tally.skipped > 0
    assert tally.unreadable <= tally.records


def test_one_row_of_many_values_is_one_unreadable_row():
    many = parquet_decoder.VALUES + 5
    values = dictionary(["word"], np.zeros(many + 2, np.int64))
    text = pa.ListArray.from_arrays(pa.array([0, 1, many + 1, many + 2], pa.int32()), values)
    batches, tally = read(written(pa.table({"text": text})))
    assert [row["error"] for batch in batches for row in batch.to_pylist()] == [None, "too many values", None]
    assert (tally.records, tally.unreadable) == (3, 1)


def test_one_value_larger_than_a_record_is_one_unreadable_row():
    batches, tally = read(
        written(pa.table({"text": ["a", WORDS * 100, "b"]}), use_dictionary=False), record_bytes=1000, batch_bytes=10
    )
    assert [row["error"] for batch in batches for row in batch.to_pylist()] == [
        None, "larger than the record limit", None,
    ]  # fmt: skip
    assert tally.unreadable == 1


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"x" * 40 + (30).to_bytes(4, "little") + b"PARE", "its footer is encrypted"),
        (b"x" * 40 + (parquet_decoder.FOOTER + 1).to_bytes(4, "little") + b"PAR1", "no whole footer"),
        (b"\0" * (parquet_decoder.FOOTER + 99) + (parquet_decoder.FOOTER + 1).to_bytes(4, "little") + b"PAR1", "its footer takes 16,777,217 bytes, and at most 16,777,216 are read"),
    ],
)  # fmt: skip
def test_a_footer_that_is_not_read_says_why(tail, reason):
    batches, tally = read(b"PAR1" + tail)
    assert batches == []
    assert reason in tally.reason


def test_columns_that_nest_too_deeply_are_named():
    column = pa.array(["deep"])
    for _ in range(70):
        column = pa.StructArray.from_arrays([column], ["a"])
    assert "nest deeper than 60 levels" in read(written(pa.table({"text": column})))[1].reason


def test_lists_that_pyarrow_itself_refuses_are_named():
    column = pa.array(["deep"])
    for _ in range(50):
        column = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), column)
    assert read(written(pa.table({"text": column})))[1].reason == "parquet: its columns nest deeper than can be read"


def test_a_footer_that_is_there_and_broken_is_not_called_cut_off():
    assert read(b"PAR1" + b"x" * 40 + (30).to_bytes(4, "little") + b"PAR1")[1].reason == (
        "parquet: its footer is broken, or of a kind that cannot be read"
    )


def test_nested_dictionaries_are_written_out():
    inner = dictionary(["x", "y"], [0, 1, 0])
    table = pa.table({"text": pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), inner)})
    batches, _ = read(written(table))
    assert [row for batch in batches for row in batch["whole"].to_pylist()] == ["x\ny", "x"]


def test_a_process_that_dies_costs_its_row_group_and_no_more(monkeypatch):
    data = written(pa.table({"text": [f"{WORDS} {k}" for k in range(100)]}), row_group_size=50)
    fetch = bounded_parquet.ParquetFile._read_bytes
    killed = []

    def kill(file, offset, size):
        if not killed and file.rows:
            killed.append(file._process.process.pid)
            os.kill(killed[0], 9)
        return fetch(file, offset, size)

    monkeypatch.setattr(bounded_parquet.ParquetFile, "_read_bytes", kill)
    batches, tally = read(data)
    assert killed
    assert (sum(map(len, batches)), tally.unreadable) == (100, 0)


def test_a_reader_that_stops_early_leaves_no_answer_for_the_next():
    data = written(pa.table({"text": [f"{WORDS} {k}" for k in range(40_000)]}))
    for _ in range(3):
        tally = Tally()
        next(iter(parquet.read(checked(data), len(data), tally, LIMITS, roles=column_roles.load_roles())))
    assert sum(map(len, read(data)[0])) == 40_000


PEAK = """
import json, os, re, resource, sys
from provenance.errors import ProcessKilled
from provenance.readers import records
last = None
for item in records.read(sys.argv[1], os.path.basename(sys.argv[1])):
    last = item
status = open("/proc/self/status").read()
own = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) << 10
print(json.dumps([own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10, last.skip_reason, last.records]))
"""


def _lines(folder):
    (folder / "x.jsonl").write_bytes(
        b'{"question": "' + b"word " * (6 << 20) + b'", "answer": "' + b"wort " * (6 << 20) + b'"}'
    )


def _lzma(folder):
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", os.urandom(1 << 20) + b"word word\n\n" * (25 << 20))


def _window(folder):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 30}]
    (folder / "x.txt.xz").write_bytes(
        lzma.compress(b"word word\n\n" * (20 << 20), format=lzma.FORMAT_XZ, filters=filters)
    )


def _held(folder):
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.parquet", b"PAR1" + os.urandom(2 << 20) + b"\0" * (240 << 20) + b"PAR1")


BOMBS = {
    "a dictionary": lambda folder: pq.write_table(
        pa.table({"text": dictionary([WORDS * 16_000], np.zeros(100_000, np.int64))}), folder / "x.parquet"
    ),
    "rows": lambda folder: pq.write_table(
        pa.table({"text": dictionary([WORDS], np.zeros(20_000_000, np.int64))}), folder / "x.parquet",
        row_group_size=20_000_000,
    ),
    "a list": lambda folder: pq.write_table(
        pa.table({"text": pa.ListArray.from_arrays(pa.array([0, 1, 30_000_000], pa.int32()), dictionary(["w"], np.zeros(30_000_000, np.int64)))}),
        folder / "x.parquet",
    ),
    "a page": lambda folder: pq.write_table(
        pa.table({"text": ["x " * (1 << 20)] * 300}), folder / "x.parquet", compression="zstd", use_dictionary=False,
        data_page_size=1 << 30,
    ),
    "prefixes": lambda folder: pq.write_table(
        pa.table({"text": ["p" * 1_000_000 + str(k) for k in range(2000)]}), folder / "x.parquet", compression="zstd",
        use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY"},
    ),
    "columns": lambda folder: pq.write_table(pa.table({f"c{k}": ["words"] for k in range(20_000)}), folder / "x.parquet"),
    "commas": lambda folder: (folder / "x.csv").write_bytes(b'a,b\n1,2\n"' + b"q" * (60 << 20) + b'",2\n' + b",\n" * (32 << 20)),
    "an endless line": lambda folder: (folder / "x.csv").write_bytes(b"a,b\n1,2\n" + b"x" * (100 << 20)),
    "passages": lambda folder: (folder / "x.txt").write_bytes(b"x\n\n" * (20 << 20)),
    "a long line": _lines,
    "lzma in a zip": _lzma,
    "a window": _window,
    "a large member": _held,
    "ends of lines": lambda folder: (folder / "x.warc").write_bytes(
        b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 1\r\n\r\nx" + b"\n" * (32 << 20)
    ),
}  # fmt: skip


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("bomb", BOMBS)
def test_no_reader_takes_512_megabytes(tmp_path, bomb):
    BOMBS[bomb](tmp_path)
    (place,) = tmp_path.iterdir()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(place)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    own, decoding_, _, _ = json.loads(done.stdout)
    assert max(own, decoding_) < 512 << 20


@pytest.mark.parametrize(("codec", "name"), [(zipfile.ZIP_LZMA, "lzma"), (zipfile.ZIP_BZIP2, "bzip2")])
def test_members_in_other_codecs_are_read_and_held_to_their_checksum(tmp_path, codec, name):
    text = "".join(f"passage {k} of some words\n\n" for k in range(20_000))
    place = tmp_path / f"{name}.zip"
    with zipfile.ZipFile(place, "w", codec) as archive:
        archive.writestr("a.txt", text)
        archive.writestr("b.txt", "")
    rows = sum(len(item.table) for item in records.read(str(place), "x.zip") if isinstance(item, Batch))
    assert rows == 20_000
    data = bytearray(place.read_bytes())
    at = data.find(b"PK\1\2")
    data[at + 16] ^= 1  # the checksum in the directory
    place.write_bytes(data)
    reasons = [item.skip_reason for item in records.read(str(place), "x.zip") if isinstance(item, Account)]
    assert any("checksum" in str(reason) for reason in reasons)


def test_a_table_of_commas_is_read_in_batches(tmp_path):
    place = tmp_path / "x.csv"
    place.write_bytes(b"a,b\n" + b"some words,some more\n" * 400_000)
    batches = [item.table for item in records.read(str(place), "x.csv") if isinstance(item, Batch)]
    assert max(map(len, batches)) <= 1 << 18
    assert sum(map(len, batches)) == 400_000
    assert batches[-1]["row"][-1].as_py() == 399_999
    assert batches[-1]["whole"][-1].as_py() == "some words\nsome more"


def test_passages_are_read_in_batches(tmp_path):
    place = tmp_path / "x.txt"
    place.write_bytes(b"ab\n\n" * 600_000)
    batches = [item.table for item in records.read(str(place), "x.txt") if isinstance(item, Batch)]
    assert max(map(len, batches)) <= 1 << 18
    assert batches[-1]["offset"][-1].as_py() == 4 * 599_999


@pytest.fixture
def killing(monkeypatch):
    """Kill so many of the processes that are started: `killing(count)`; they end before they are asked."""
    real, started = bounded_parquet.ConfinedProcess, []

    def kill(count):
        def start(module):
            process = real(module)
            started.append(process)
            if len(started) <= count:
                process.process.kill()
                process.process.wait()
            return process

        monkeypatch.setattr(bounded_parquet, "_idle", [])
        monkeypatch.setattr(bounded_parquet, "ConfinedProcess", start)
        return started

    yield kill
    for process in started:
        process.end()


@pytest.mark.parametrize("killed", [1, 2, 3])
def test_a_file_is_not_to_blame_for_a_process_that_somebody_killed(killing, killed):
    data, started = written(pa.table({"text": ["one", "two"]})), killing(killed)
    file = bounded_parquet.ParquetFile(checked(data), len(data), LIMITS)
    if killed < 3:
        assert file.read_footer()["rows"] == [2]
    else:
        with pytest.raises(ProcessKilled, match=r"decode a Parquet file was killed .* free some, and run"):
            file.read_footer()
    assert len(started) == min(3, 1 + killed)
    file.close()


@pytest.mark.parametrize("killed", [1, 2, 3])
def test_a_row_group_is_not_to_blame_for_a_process_that_somebody_killed(monkeypatch, killed):
    """One row at a time is all that there is to decode: there are no fewer that could be tried."""
    data = written(pa.table({"text": ["one"]}))
    file = bounded_parquet.ParquetFile(checked(data), len(data), LIMITS)
    file.read_footer()
    send, left = file._send_request, [killed]

    def kill(request):
        if request["do"] == "decode" and left[0]:
            left[0] -= 1
            file._process.process.kill()
        return send(request)

    monkeypatch.setattr(bounded_parquet.ParquetFile, "_send_request", lambda _, request: kill(request))
    if killed < 3:
        assert [batch.to_pydict() for batch in file.read_batches(0)] == [{"text": ["one"]}]
    else:
        with pytest.raises(ProcessKilled):
            list(file.read_batches(0))
    file.close()


def test_an_index_is_not_to_blame_for_a_process_that_somebody_killed(killing):
    killing(9)
    shipped = next(package_data.data_folder("known").glob("*.index"))
    with pytest.raises(ProcessKilled):
        reference_index.read_index(shipped)
