"""Where records say that they come from: what counts as a statement, and what as none."""

import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.detectors import record_origin


def batch(*records):
    names = ("url", "origin", "licence", "whole", "error")
    rows = [{"row": 10 + n} | {name: record.get(name) for name in names} for n, record in enumerate(records)]
    return pa.RecordBatch.from_pylist(
        [row | {"offset": None, "prompt": None, "answer": None} for row in rows], schema=schemas.RECORDS
    )


def seen(*records):
    table = record_origin.observe(batch(*records))
    assert table.schema.equals(schemas.OBSERVED, check_metadata=True)
    assert set(table["detector"].to_pylist()) <= {"record-origin"}
    assert table["values"].equals(table["records"])
    return {(row["kind"], row["state"]): (row["records"], row["bytes"], row["row"]) for row in table.to_pylist()}


TEXT = {"whole": "héllo"}  # six bytes


def test_an_empty_batch_says_nothing():
    assert seen() == {}


def test_records_are_counted_by_what_they_say():
    found = seen(
        TEXT,
        TEXT | {"url": "https://example.org/a"},
        {"url": "https://example.org/b"},
        TEXT | {"origin": "Forum", "licence": "MIT"},
        {"error": "broken"},
    )
    assert found == {
        ("any", "missing"): (1, 6, 10),
        ("any", "stated"): (3, 12, 11),
        ("url", "stated"): (2, 6, 11),
        ("link", "stated"): (1, 0, 12),
        ("origin", "stated"): (1, 6, 13),
        ("licence", "stated"): (1, 6, 13),
    }


@pytest.mark.parametrize(
    "url", ["https://x", "example.org/page", "s3://bucket/key", "doi:10.1/2", "www.example.org", "例え.jp"]
)
def test_addresses(url):
    assert ("url", "stated") in seen(TEXT | {"url": url})


@pytest.mark.parametrize("word", ["", " ", "none", "N/A", "nan", "NULL", "unknown", "-", "?", "...", "未知", None])
def test_words_for_nothing(word):
    assert set(seen(TEXT | {"url": word, "origin": word, "licence": word})) == {("any", "missing")}


@pytest.mark.parametrize("url", ["see above", "1234", "yes", "a. b"])
def test_what_is_no_address(url):
    assert set(seen(TEXT | {"url": url})) == {("any", "missing")}


@pytest.mark.parametrize("name", ["12", "论坛", "форум", "none of these"])
def test_a_name_needs_no_shape(name):
    assert ("origin", "stated") in seen(TEXT | {"origin": name})
