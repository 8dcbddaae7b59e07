"""Fields: each column of a record by itself; nothing that a record says is in no view."""

from __future__ import annotations

import io
import json as oracle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.core.tables.schema_fields import FIELDS
from provenance.readers.records import column_roles, csv, field_views, json, parquet
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, Stream

ROLES = column_roles.load_roles()
ASK, MORE, SAY = "what is the colour of the sky", "it is seen by day and by night", "it is blue as the sea below is"


def from_json(records):
    data = "".join(oracle.dumps(record) + "\n" for record in records).encode()
    return rows(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_columns(records):
    """One document that holds its records by column, where they all have the same."""
    names = list(records[0])
    data = oracle.dumps({name: [record[name] for record in records] for name in names}).encode()
    return rows(json.read(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_parquet(records):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), file)
    return rows(parquet.read(file, file.tell(), Tally(), LIMITS, roles=ROLES))


def from_csv(text):
    return rows(csv.read(Stream(io.BytesIO(text.encode())), Tally(), LIMITS, ROLES))


def rows(batches):
    return [row for batch in batches for row in batch.to_pylist()]


def fields(row):
    return {each["name"]: each["text"] for each in row["fields"] or ()}


CASES = {
    "one column of text": ({"text": ASK, "id": "a-b-c-d-e-f-g-h"}, {}),
    "a sentence in a column of metadata": ({"source": MORE, "target": ASK, "tags": "a b c"}, {"source": MORE}),
    "a sentence within metadata": ({"text": ASK, "meta": {"abstract": MORE}}, {"meta.abstract": MORE}),
    "a sentence under an id": ({"text": ASK, "id": MORE, "label": SAY}, {"id": MORE, "label": SAY}),
    "a sentence in Chinese": ({"text": ASK, "category": "海边的灯塔每天晚上都亮着"}, {"category": "海边的灯塔每天晚上都亮着"}),
    "codes": ({"text": ASK, "url": "https://example.org/a/b/c/d/e/f/g?h=i", "path": "a/b/c/d/e/f/g/h.txt", "key": "QUJD " * 3}, {}),
    "few characters in Chinese": ({"text": ASK, "category": "海边的灯塔"}, {}),
    "codes in lines": ({"text": ASK, "images": "\n".join(["QUJDREVG" * 9] * 8)}, {}),
    "prompt and answer are the columns": ({"question": ASK, "answer": SAY}, {}),
    "two columns of a prompt": ({"question": ASK, "context": MORE, "answer": SAY}, {"question": ASK, "context": MORE}),
    "no answer": ({"question": ASK, "context": MORE}, {"question": ASK, "context": MORE}),
    "a column that no role knows": ({"question": ASK, "remark": MORE}, {"question": ASK, "remark": MORE}),
    "no role at all": ({"one": ASK, "two": MORE}, {"one": ASK, "two": MORE}),
    "a label": ({"question": ASK, "genre": "sea tale"}, {}),
    "nested": ({"text": ASK, "qas": {"ask": [MORE, SAY]}}, {"text": ASK, "qas.ask": f"{MORE}\n{SAY}"}),
    "a list of turns is no column": ({"messages": [{"role": "user", "content": ASK}, {"role": "bot", "content": SAY}]}, {}),
    "two answers": ({"question": ASK, "chosen": SAY, "rejected": MORE}, {"chosen": SAY, "rejected": MORE}),
    "the same answer twice": ({"question": ASK, "output": SAY, "response": SAY}, {}),
    "escapes": ({"question": ASK, "remark": MORE.replace(" ", "\n")}, {"question": ASK, "remark": MORE.replace(" ", "\n")}),
    "Chinese": ({"text": ASK, "remark": "春眠不觉晓"}, {}),
    "more Chinese": ({"text": ASK, "remark": "春眠不觉晓处"}, {"text": ASK, "remark": "春眠不觉晓处"}),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("read", [from_json, from_parquet])
def test_each_column_is_a_field_unless_it_is_a_view(case, read):
    record, expected = CASES[case]
    found = read([record])
    if case == "the same answer twice":  # as bytes it is one; as columns there are two, and both are said
        assert set(fields(found[0]).values()) <= {SAY}
        return
    if case == "a column that no role knows":
        assert found[0]["whole"] == f"{ASK}\n{MORE}"
        assert found[0]["prompt"] is None
    assert fields(found[0]) == expected


def test_columns_of_a_document_by_column_have_their_names():
    records = [{"question": f"{ASK} {k}", "context": f"{MORE} {k}", "id": f"x{k}"} for k in range(3)]
    assert [fields(row) for row in from_columns(records)] == [
        {"question": f"{ASK} {k}", "context": f"{MORE} {k}"} for k in range(3)
    ]


def test_a_table_without_header_has_columns_by_number():
    found = from_csv("".join(f"{k}\t{ASK} {k}, so they say it\t{SAY} {k}\n" for k in range(4)))
    assert [fields(row) for row in found] == [
        {"column 2": f"{ASK} {k}, so they say it", "column 3": f"{SAY} {k}"} for k in range(4)
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("question", "question"),
        ("qas.ask", "qas.ask"),
        ("home town", "home town"),
        ("问题", "问题"),
        ("anna@example.org", "column 7"),
        ("tel 0201234567", "column 7"),
        ("a cell of a table without a header", "column 7"),
        ("x" * 60, "column 7"),
        ("", "column 7"),
        ("7", "column 7"),
    ],
)
def test_what_is_no_name_is_not_repeated(name, shown):
    assert field_views.clean_name(name, 7) == shown


def test_columns_beyond_the_most_are_one():
    most = field_views.MOST_COLUMNS
    record = {f"c{k}": f"{MORE} {k}" for k in range(most + 3)}
    for read in (from_json, from_parquet):
        found = fields(read([record])[0])
        assert len(found) == most + 1
        assert found[field_views.OTHERS] == "\n".join(f"{MORE} {k}" for k in range(most, most + 3))


def test_a_record_of_metadata_alone_is_its_sentences():
    records = [{"source": ASK, "id": "a-1"}, {"source": "none", "text": SAY}, {"label": MORE, "tags": ["x", SAY]}]
    assert [row["whole"] for row in from_json(records)] == [ASK, SAY, MORE + "\n" + SAY]
    assert [row["whole"] for row in from_csv(f"source,license\n{ASK},mit\n{MORE},mit\n")] == [ASK, MORE]


def test_cells_of_a_notebook_are_compared():
    (row,) = from_json([{"cells": [{"cell_type": "markdown", "source": [ASK]}, {"source": [MORE]}]}])
    assert row["whole"].split("\n") == ["markdown"]
    assert fields(row) == {"cells.source": ASK + "\n" + MORE}


def test_short_fields_are_counted():
    found = from_json([{"question": ASK, "context": "a b c", "remark": "five words and no more", "answer": SAY}])
    assert found[0]["short_fields"] == 2
    assert fields(found[0]) == {"question": ASK}
    assert from_json([{"question": ASK, "answer": SAY}])[0]["short_fields"] == 0


NAMES = st.sampled_from(
    ["question", "context", "answer", "text", "remark", "notes", "url", "license", "id", "label", "system", "source",
     "messages", "meta", "output", "response", "title"]
)  # fmt: skip
VALUES = st.lists(st.sampled_from(["keel", "mast", "rope", "tide", "海", "gull", "été"]), min_size=1, max_size=9).map(
    " ".join
)
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)


def strings(value, key=""):
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, list):
        for each in value:
            yield from strings(each, key)
    else:
        for name, each in value.items():
            yield from strings(each, name)


@given(st.dictionaries(NAMES, TREES, min_size=1, max_size=6))
def test_every_string_of_a_record_is_in_a_view_or_beside_them(record):
    (row,) = from_json([record])
    places = [row[name] for name in ("whole", "aside", "url", "licence", "origin") if row[name]]
    seen = set("\n".join(places).split("\n"))
    speakers = {"role", "from"}
    for key, value in strings(record):
        if key not in speakers:
            assert value in seen
    whole = (row["whole"] or "").split("\n")
    for each in row["fields"] or ():
        assert set(each["text"].split("\n")) <= {*whole, *(row["aside"] or "").split("\n")}
    assert schemas.RECORDS.field("fields").type == FIELDS
