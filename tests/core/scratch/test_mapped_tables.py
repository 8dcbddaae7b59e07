"""Tables in files that nobody can name: as they were, and gone with whoever looks at them."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.core.scratch import mapped_tables, scratch_folders
from provenance.errors import LimitExceeded

SCHEMA = pa.schema([pa.field("text", pa.string(), nullable=False), pa.field("number", pa.int64())], metadata={"a": "b"})


def parts(count):
    for number in range(count):
        yield pa.record_batch([[f"line {number}", "x"], [number, None]], schema=SCHEMA)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_is_what_was_written(count):
    table = mapped_tables.spill_table(parts(count), SCHEMA)
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table.to_pylist() == [row for part in parts(count) for row in part.to_pylist()]


def test_no_file_has_a_name_and_no_row_takes_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch_folders.tempfile, "tempdir", str(tmp_path))
    before = pa.total_allocated_bytes()
    wide = (pa.record_batch([["x" * 1000] * 1000, range(1000)], schema=SCHEMA) for _ in range(10))
    table = mapped_tables.spill_table(wide, SCHEMA)
    assert list(tmp_path.iterdir()) == []
    assert table.nbytes > 10_000_000
    assert pa.total_allocated_bytes() - before < 100_000
    assert table["number"][9999].as_py() == 999


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_file_is_gone_with_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch_folders.tempfile, "tempdir", str(tmp_path))

    def mapped():
        gc.collect()
        return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line]

    table = mapped_tables.spill_table(parts(3), SCHEMA)
    assert mapped()
    del table
    assert mapped() == []


def test_no_room_is_one_sentence(monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))
        yield

    with pytest.raises(LimitExceeded, match="there is no room for scratch files"):
        mapped_tables.spill_table(full(), SCHEMA)
