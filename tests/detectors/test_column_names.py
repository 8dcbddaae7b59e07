"""What names of columns add to what is found by its shape: they count, unless the shapes tell otherwise."""

import numpy as np
import pyarrow as pa
import pytest

from provenance import detectors
from provenance.core import schemas
from provenance.detectors.personal_data import observe

CASES = {
    "a row of customers": (
        "anna.berg@uni-ulm.de\nAnna Berg",
        "0731 123409",
        ["email:customer_email", "phone:phone", "name:name"],
        {"any", "email", "phone", "name", "column:customer_email", "column:phone", "column:name"},
    ),
    "an office and an example": (
        "info@stadt-ulm.de",
        "(415) 555-0142",
        ["email:email", "phone:phone", "name:name"],
        set(),
    ),
    "a number of no known shape": ("Anna Berg", "731123409", ["phone:tel"], {"any", "phone", "column:tel"}),
    "a column of addresses without one": ("write to us", None, ["email:email"], set()),
    "a name beside a personal value in the text": (
        "call +49 731 1234098",
        "Anna Berg",
        ["name:name", "phone:tel"],
        {"any", "phone", "name", "column:name", "column:tel"},
    ),
    "a name and a birth date": (
        "Anna Berg",
        "1980-02-03",
        ["name:name", "birth-date:dob"],
        {"any", "name", "birth-date", "column:name", "column:dob"},
    ),
    "no such column": ("anna.berg@uni-ulm.de", None, None, {"any", "email"}),
}


def make_batch(*rows):
    listed = [
        {"row": number, "whole": whole, "aside": aside, "named": named}
        for number, (whole, aside, named) in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(listed, schema=schemas.RECORDS)


@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    whole, aside, named, expected = CASES[name]
    table = observe(make_batch((whole, aside, named))).to_pylist()
    found = [(row["kind"], row["records"]) for row in table if row["state"] == "personal"]
    assert sorted(found) == sorted((kind, 1) for kind in expected)


def test_records_are_counted_once_and_by_file():
    rows = [CASES["a row of customers"][:3]] * 3
    table = observe(make_batch(*rows), np.array([0, 0, 1])).to_pylist()
    any_ = {row["file"]: (row["records"], row["row"]) for row in table if row["kind"] == "any"}
    assert any_ == {0: (2, 0), 1: (1, 2)}
    assert {row["records"] for row in table if row["file"] == 0} == {2}


def test_no_value_of_a_column_is_kept():
    table = observe(make_batch(CASES["a row of customers"][:3]))
    assert not any(word in str(table.to_pylist()) for word in ("Anna", "ulm", "0731"))


def test_columns_that_nobody_looked_at_are_named_with_their_bytes():
    seen = [
        detectors.name_unread(0, 4, [("image", 1000), ("audio", 30)]),
        detectors.name_unread(1, 4, [("image", 500)]),
    ]
    assert detectors.describe_unread(pa.concat_tables(seen)) == (
        "no detector looked at these columns, which hold no text: image (1,500 bytes in 2 files), audio (30 bytes in 1 file)"
    )
    assert detectors.describe_unread(seen[0].slice(0, 0)) is None
