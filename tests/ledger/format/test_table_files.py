"""JSON lines against rfc8785 row by row; Parquet against itself."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.digests import canonical
from provenance.core.schemas import SEALED, empty
from provenance.ledger.format import table_files
from provenance.ledger.log import table_trees

KINDS = {
    "text": st.text(),
    "count": st.integers(-(2**63), 2**63 - 1),
    "share": st.floats(),
    "list": st.lists(st.text(), max_size=3),
    "whether": st.booleans(),
}
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("count", pa.int64()),
        ("share", pa.float64()),
        ("list", pa.list_(pa.string())),
        ("whether", pa.bool_()),
        ("also", pa.string()),
    ]
)
row = st.fixed_dictionaries({name: st.none() | values for name, values in (KINDS | {"also": st.text()}).items()})


def portable(value):
    """What the page says: numbers beyond 2**53, and those that are not finite, are strings."""
    small = not isinstance(value, int | float) or -(2**53) < value < 2**53
    return value if small else str(value)


@given(st.lists(row, max_size=12))
def test_lines_are_rfc8785(items):
    table = pa.Table.from_pylist(items, schema=SCHEMA)
    expected = [rfc8785.dumps({name: portable(value) for name, value in item.items()}) + b"\n" for item in items]
    assert b"".join(table_files.to_lines(table)) == b"".join(expected)


@given(st.lists(row, min_size=4, max_size=12), st.integers(1, 3))
def test_slices_and_chunks_make_no_difference(items, cut):
    table = pa.Table.from_pylist(items, schema=SCHEMA)
    pieces = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    assert b"".join(table_files.to_lines(pieces)) == b"".join(table_files.to_lines(table))
    assert (
        b"".join(table_files.to_lines(table.slice(cut))) == b"".join(table_files.to_lines(table)).split(b"\n", cut)[cut]
    )


@pytest.mark.parametrize("name", table_trees.SALTED_COLUMNS)
def test_every_lined_table_can_be_empty(tmp_path, name):
    assert table_files.write_lines([empty(SEALED[name])], tmp_path / "lines", print) == hashlib.sha256(b"").hexdigest()
    assert (tmp_path / "lines").read_bytes() == b""


@pytest.mark.parametrize("name", table_trees.SALTED_COLUMNS)
def test_columns_are_of_types_that_are_tested_here(name):
    assert set(SEALED[name].types) <= set(SCHEMA.types)
    assert all(column.isascii() for column in SEALED[name].names)


def test_batches_are_joined(tmp_path):
    count = (1 << 16) + 5
    table = pa.table({"n": pa.array(range(count)), "s": pa.array(["a"] * count)})
    shown = []
    digest = table_files.write_lines([table.slice(0, 9), table.slice(9)], tmp_path / "lines", shown.append)
    data = (tmp_path / "lines").read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest == table_files.digest_file(tmp_path / "lines")
    assert b"".join(shown) == data
    assert [json.loads(line)["n"] for line in data.splitlines()] == list(range(count))


def test_parquet_keeps_everything(tmp_path):
    table = pa.Table.from_pylist([{"text": "a", "list": ["b"]}], schema=SCHEMA)
    digest = table_files.write_parquet(table, tmp_path / "table")
    assert digest == hashlib.sha256((tmp_path / "table").read_bytes()).hexdigest()
    assert pq.read_table(tmp_path / "table").equals(table)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_portable_values_have_a_canonical_form(value):
    made = canonical(table_files.to_portable(value))
    assert canonical(json.loads(made)) == made
