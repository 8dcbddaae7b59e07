"""`conform` holds tables to their schemas, where pyarrow, group_by, join and pandas do not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from provenance.core import schemas

ROWS = [
    {"check": "b", "status": "ran", "reason": None, "records_seen": 1, "records_unreadable": 0},
    {"check": "a", "status": "ran", "reason": "x", "records_seen": 2, "records_unreadable": 0},
]
TABLE = schemas.rows(ROWS, schemas.COVERAGE)


@pytest.mark.parametrize(
    "changed",
    [
        TABLE.select(TABLE.column_names[::-1]),
        TABLE.replace_schema_metadata(None),
        pa.Table.from_pandas(TABLE.to_pandas(), preserve_index=False),
        TABLE.set_column(3, "records_seen", TABLE["records_seen"].cast(pa.int32())),
        TABLE.set_column(0, "check", TABLE["check"].dictionary_encode()),
    ],
    ids=["order", "metadata", "pandas", "narrower", "dictionary"],
)
def test_what_can_be_held_to_the_schema_is(changed):
    held = schemas.conform(changed, schemas.COVERAGE)
    assert held.equals(TABLE)
    assert held.schema.equals(schemas.COVERAGE, check_metadata=True)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (TABLE.drop_columns(["reason"]), r"missing \['reason'\]"),
        (TABLE.append_column("more", TABLE["check"]), r"unexpected \['more'\]"),
        (TABLE.set_column(0, "check", pa.array(["a", None])), "COVERAGE.check holds 1 nulls"),
        (TABLE.set_column(3, "records_seen", pa.array(["one", "two"])), "Failed to parse string"),
    ],
    ids=["missing", "unexpected", "null", "type"],
)
def test_what_cannot_is_refused(changed, fault):
    with pytest.raises(ValueError, match=fault):
        schemas.conform(changed, schemas.COVERAGE)


def test_a_batch_becomes_a_table():
    assert schemas.conform(TABLE.to_batches()[0], schemas.COVERAGE).equals(TABLE)


def test_ordered_keeps_metadata_and_sorts():
    found = schemas.ordered(TABLE, "check")
    assert found["check"].to_pylist() == ["a", "b"]
    assert found.schema.equals(schemas.COVERAGE, check_metadata=True)
    assert schemas.ordered(TABLE.slice(0, 1), "check").num_rows == 1


@pytest.mark.parametrize("name", schemas.SEALED)
def test_empty_tables_conform(name):
    schema = schemas.SEALED[name]
    assert schemas.conform(schemas.empty(schema), schema).num_rows == 0
