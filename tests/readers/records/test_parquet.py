"""Parquet: row groups, nesting, and columns of every type."""

import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.readers.records import column_roles, parquet
from provenance.readers.records.tally import Tally
from provenance.readers.storage import Limits


def rows(data, **limits):
    tally = Tally()
    batches = parquet.read(io.BytesIO(data), len(data), tally, Limits(**limits), roles=column_roles.load_roles())
    return [row for batch in batches for row in batch.to_pylist()], tally


def write(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("batch", [1, 1000, 1 << 20])
@pytest.mark.parametrize("group", [7, 1000])
def test_row_groups_and_batches_change_nothing(batch, group):
    data = write(
        pa.table({"question": [f"q{k}" for k in range(100)], "answer": [f"a{k}" for k in range(100)]}),
        row_group_size=group,
    )
    out, tally = rows(data, batch_bytes=batch)
    assert [(row["row"], row["whole"], row["prompt"]) for row in out] == [
        (k, f"q{k}\na{k}", f"q{k}") for k in range(100)
    ]
    assert (tally.records, tally.skipped) == (100, 0)


@pytest.mark.parametrize(
    ("column", "whole"),
    [
        (pa.array(["words"]), "words"),
        (pa.array(["words"], pa.large_string()), "words"),
        (pa.array([b"words"]), "words"),
        (pa.array(["words"]).dictionary_encode(), "words"),
        (pa.array([7]), "7"),
        (pa.array([1.5]), "1.5"),
        (pa.array([True]), None),
        (pa.array([None], pa.string()), None),
        (pa.nulls(1), None),
        (pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us")), None),
        (pa.array([[1, 2]]), None),
        (pa.array([["a", None, "b"]]), "a\nb"),
        (pa.array([[["a"], ["b", "c"]]]), "a\nb\nc"),
        (pa.array([None], pa.list_(pa.string())), None),
        (pa.array([{"a": "x", "id": "no"}]), "x"),
        (pa.array([[("k", "x")]], pa.map_(pa.string(), pa.string())), "x"),
        (pa.array([b"\0\1"]), None),
    ],
)
def test_columns(column, whole):
    out, _ = rows(write(pa.table({"text": column})))
    assert out[0]["whole"] == whole


def test_strings_that_are_no_utf_8_are_errors():
    text = pa.array([b"good", b"\xff", b"a\0b", b"fine"]).view(pa.string())
    out, tally = rows(write(pa.table({"text": text})))
    assert [row["error"] for row in out] == [None, "invalid UTF-8", "NUL byte", None]
    assert [row["whole"] for row in out] == ["good", None, None, "fine"]
    assert tally.unreadable == 2


def test_a_broken_row_group_costs_its_rows_only():
    table = pa.table({"text": [np.random.default_rng(k).bytes(200).hex() for k in range(100)]})
    data = bytearray(write(table, row_group_size=50, compression="zstd", use_dictionary=False))
    meta = pq.ParquetFile(io.BytesIO(bytes(data))).metadata
    start = meta.row_group(0).column(0).data_page_offset
    data[start : start + 400] = b"\xff" * 400
    out, tally = rows(bytes(data))
    assert [row["row"] for row in out] == list(range(50, 100))
    assert (tally.records, tally.unreadable) == (100, 50)
    assert "row group 0" in tally.reason
    assert 0 < tally.skipped < len(data)


def test_no_columns_and_no_rows():
    assert rows(write(pa.table({"text": pa.array([], pa.string())})))[0] == []
    assert [row["whole"] for row in rows(write(pa.table({"n": [1, 2]})))[0]] == [None, None]


@pytest.mark.parametrize("at", range(0, 400, 23))
def test_a_flipped_byte_never_raises(at):
    data = bytearray(write(pa.table({"text": ["some words"] * 50})))
    data[at % len(data)] ^= 0x55
    records, tally = rows(bytes(data))
    assert len(records) == 50 or tally.reason
