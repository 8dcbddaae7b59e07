"""Indexes that somebody made to harm whoever asks them: each is one sentence that names it, in bounded memory."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.cli import run
from provenance.errors import ConfigError
from provenance.similarity.index import reference_index

ABOUT = {
    "format": reference_index.FORMAT,
    "kind": "benchmark",
    "title": "hostile",
    "of": "shingles",
    "scale": "1",
    "shingle": reference_index.METADATA["shingle"],
    "normalisation": reference_index.METADATA["normalisation"],
    "key": reference_index.key_id(reference_index.OPEN_KEY),
    "created-by": "a stranger",
    "items": "1",
}
HASHES = pa.large_list(pa.uint64())


def columns(count=1, **changes):
    made = {
        "item": pa.array([f"i{number}" for number in range(count)]),
        "part": pa.nulls(count, pa.string()),
        "view": pa.array(["whole"] * count),
        "distinct": pa.array([1] * count),
        "hashes": pa.array([[number + 1] for number in range(count)], HASHES),
    }
    return pa.table({name: each for name, each in (made | changes).items() if each is not None})


def write(path, table, *, about=None, **options):
    metadata = ABOUT | {"items": str(table.num_rows)} | (about or {})
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, path, **{"compression": "zstd"} | options)


def repeated(value, count, kind=None):
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int8), pa.array([value], kind))


def nested(levels):
    value, kind = 1, pa.uint64()
    for _ in range(levels):
        value, kind = [value], pa.large_list(kind)
    return pa.array([value], kind)


def told(path, change):
    """Write an index and change its bytes: the footer can say what no library would write."""
    write(path, columns(3), compression="none")
    path.write_bytes(change(path.read_bytes()))


def with_rows(data, count):
    """Say another number of rows: field 3 of FileMetaData, a varint in zigzag after the schema (parquet.thrift)."""
    footer = int.from_bytes(data[-8:-4], "little")
    head, tail = data[: -8 - footer], data[-8 - footer : -8]
    at = tail.index(b"\x16\x06\x19")  # i64 3, then the list of row groups
    number, value = b"", 2 * count
    while value > 127:
        number, value = number + bytes([value & 127 | 128]), value >> 7
    tail = tail[: at + 1] + number + bytes([value]) + tail[at + 2 :]
    return head + tail + len(tail).to_bytes(4, "little") + b"PAR1"


def arrow_file(path, **options):
    table = columns(3).replace_schema_metadata(ABOUT)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, **options) as writer:
        writer.write_table(table)


def swapped(table):
    """Hashes as a machine of the other byte order has them."""
    values = table["hashes"].combine_chunks()
    turned = pa.array(values.flatten().to_numpy().byteswap()[::-1].copy(), pa.uint64())
    return table.set_column(4, "hashes", pa.LargeListArray.from_arrays(values.offsets, turned))


CASES = {
    "a dictionary of one name": (
        lambda path: write(path, columns(200_000, item=repeated("x" * 100_000, 200_000))), "would grow from"),
    "a dictionary of one part": (
        lambda path: write(path, columns(200_000, part=repeated("x" * 100_000, 200_000))), "would grow from"),
    "a dictionary of one view": (
        lambda path: write(path, columns(200_000, view=repeated("w" * 100_000, 200_000))), "would grow from"),
    "a dictionary of hashes": (
        lambda path: write(path, columns(hashes=pa.array([np.zeros(4_000_000, np.uint64)], HASHES))), "would grow from"),
    "rows of nothing": (
        lambda path: write(path, pa.table({"part": pa.nulls(30_000_000, pa.string())})), "would grow from"),
    "a giant name": (lambda path: write(path, columns(item=pa.array(["x" * 100_000_000]))), "would grow from"),
    "a giant title": (lambda path: write(path, columns(), about={"title": "x" * 30_000_000}), "no whole Parquet file"),
    "a long title": (
        lambda path: write(path, columns(), about={"title": "x" * 3_000_000}),
        "its title has 3,000,000 characters",
    ),
    "a giant maker": (lambda path: write(path, columns(), about={"created-by": "x" * 3_000_000}), "its created-by has 3,000,000 characters"),
    "a giant format": (lambda path: write(path, columns(), about={"format": "x" * 3_000_000}), "(2,999,700 characters more)"),
    "a giant kind": (lambda path: write(path, columns(), about={"kind": "x" * 3_000_000}), "its kind has 3,000,000"),
    "a title of control characters": (lambda path: write(path, columns(), about={"title": "\x1b[31mred"}), "no title"),
    "a title of marks from right to left": (lambda path: write(path, columns(), about={"title": "a\u202eb"}), "no title"),
    "metadata that is no UTF-8": (lambda path: write(path, columns(), about={b"title": b"\xff\xfe"}), ""),
    "deep JSON": (lambda path: write(path, columns(), about={"files": "[" * 2_000_000}), "no list of digests"),
    "many digests": (lambda path: write(path, columns(), about={"files": json.dumps(["x"] * 999_999)}), "no list of"),
    "more items than it says": (lambda path: write(path, columns(3), about={"items": "2"}), "has other than the 2"),
    "a number of items beyond all": (lambda path: write(path, columns(), about={"items": "9" * 18}), "has other than"),
    "more rows than there are": (lambda path: told(path, lambda data: with_rows(data, 4_000_000_000)), ""),
    "fewer rows than there are": (lambda path: told(path, lambda data: with_rows(data, 1)), ""),
    "rows below nothing": (lambda path: told(path, lambda data: data.replace(b"\x16\x06\x19", b"\x16\x05\x19")), ""),
    "cut off in the middle": (lambda path: told(path, lambda data: data[: len(data) // 2]), "no whole Parquet file"),
    "cut off at its end": (lambda path: told(path, lambda data: data[:-3]), "no whole Parquet file"),
    "without its beginning": (lambda path: told(path, lambda data: data[100:]), ""),
    "a footer larger than the file": (
        lambda path: told(path, lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1"), "no whole Parquet file"),
    "an encrypted footer": (lambda path: told(path, lambda data: data[:-4] + b"PARE"), "no whole Parquet file"),
    "no column of hashes": (lambda path: write(path, columns(hashes=None)), "its rows are not those"),
    "hashes that are words": (lambda path: write(path, columns(hashes=pa.array([["x"]]))), "its rows are not those"),
    "hashes that are bytes": (
        lambda path: write(path, columns(hashes=pa.array([b"\0" * 8], pa.binary(8)))), "its rows are not those"),
    "hashes in lists of lists": (lambda path: write(path, columns(hashes=nested(3))), "its rows are not those"),
    "hashes fifty levels deep": (lambda path: write(path, columns(hashes=nested(50))), "is no index|not those"),
    "a name inside a structure": (
        lambda path: write(path, columns(item=pa.array([{"item": {"item": "x"}}]))), "its rows are not those"),
    "names that are numbers": (lambda path: write(path, columns(distinct=pa.array(["one"]))), "its rows are not those"),
    "a column twice": (
        lambda path: write(path, columns().append_column("item", pa.array(["y"]))), "its rows are not those"),
    "ten thousand columns": (
        lambda path: write(path, pa.table({f"c{number}": [1] for number in range(10_000)})), "its rows are not those"),
    "a hash that is missing": (lambda path: write(path, columns(hashes=pa.array([[None]], HASHES))), "a value is missing"),
    "the other byte order": (
        lambda path: write(path, swapped(columns(hashes=pa.array([[1, 2, 300]], HASHES), distinct=pa.array([3])))), "order"),
    "Arrow instead of Parquet": (arrow_file, "no whole Parquet file"),
    "five thousand row groups": (
        lambda path: write(path, columns(5_000), row_group_size=1, compression="none"), ""),
}  # fmt: skip
"""Index, and what the sentence says; what says nothing may be read, or refused in whatever words."""


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_index_is_one_sentence(tmp_path, case):
    make, words = CASES[case]
    path = tmp_path / "x.index"
    make(path)
    try:
        found = reference_index.read_index(path)
    except ConfigError as error:
        said = str(error)
        assert said.startswith(str(path))
        assert len(said) < 600 + len(str(path))
        assert said.isprintable()
        assert any(each in said for each in words.split("|")), said
    else:
        assert not words
        assert found.table.num_rows == found.items


def test_a_scan_that_is_given_one_is_a_wrong_call(tmp_path, capsys):
    CASES["cut off in the middle"][0](tmp_path / "x.index")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("one two three four five six\n")
    call = ["scan", tmp_path / "data", "--ledger", tmp_path / "ledger", "--reference", tmp_path / "x.index"]
    assert run(list(map(str, call))) == 2
    out, said = capsys.readouterr()
    assert (out, said.count("\n")) == ("", 1)
    assert not (tmp_path / "ledger").exists()


READ = """
import sys
from pathlib import Path
from provenance.errors import ConfigError
from provenance.similarity.index import reference_index
try:
    reference_index.read_index(Path(sys.argv[1]))
except ConfigError as error:
    print(error)
"""


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_a_hostile_index_takes_little_memory(tmp_path, measure, case):
    CASES[case][0](tmp_path / "x.index")
    done = measure([sys.executable, "-c", READ, tmp_path / "x.index"])
    assert done.returncode == 0, done.stderr
    print(f"\n{done.peak:.0f} MiB, {done.busy:.1f} s: {done.stdout.strip()[:200]}")
    assert done.peak < 1000
    assert done.busy < 60
