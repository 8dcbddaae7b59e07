"""Names of columns that tell of personal data: by a table of cases, in every format, and against a definition in Python."""

import io
import json as oracle
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.package_data import load_table
from provenance.readers.records import column_roles, csv, json, parquet, personal_columns
from provenance.readers.records.tally import MOST_UNREAD, OTHER_COLUMNS, Tally
from provenance.readers.storage import LIMITS, Stream

ROLES = column_roles.load_roles()
NAMES = personal_columns.load_names()
TABLE = load_table("personal-columns")
WORDS = [name for class_ in TABLE["classes"].values() for names in class_.values() for name in names]

CASES = [
    ("email", "email"),
    ("customer_email", "email"),
    ("customerEmail", "email"),
    ("E-Mail", "email"),
    ("e-mail address 2", "email"),
    ("ds/email", "email"),
    (" phone ", "phone"),
    ("mobilePhone", "phone"),
    ("Telefonnummer", "phone"),
    ("联系电话", "phone"),
    ("手机", "phone"),
    ("身份证", "id-number"),
    ("passport_no", "id-number"),
    ("姓名", "name"),
    ("name", "name"),
    ("first_name", "name"),
    ("Vorname", "name"),
    ("prénom", "name"),
    ("TÉLÉPHONE", "phone"),
    ("Phone (home)", "phone"),
    ("(phone)", None),
    ("sobrenome", "name"),
    ("home_address", "address"),
    ("dirección", "address"),
    ("Geburtsdatum", "birth-date"),
    ("file_name", None),
    ("dataset name", None),
    ("ip_address", None),
    ("telephony", None),
    ("mailbox", None),
    ("text", None),
    ("", None),
    ("_1", None),
    ("x" * 60 + "_email", None),
]


@pytest.mark.parametrize(("name", "expected"), CASES)
def test_a_name_speaks_for_its_class(name, expected):
    code = NAMES.find_class(name)
    assert (personal_columns.CLASSES[code - 1] if code else None) == expected


def find_plainly(name):
    """Say for which class a name speaks: the definition at the head of the table, in plain Python."""
    raw = name.encode()
    if len(raw) > personal_columns.LONGEST_NAME:
        return None
    name = re.sub(r"\(?[^(]*\)$", "", name)  # phone (home)
    name = re.sub(r"[0-9_\-. ]+$", "", name).lstrip("_-. ")
    starts = [0, *(hit.end() for hit in re.finditer(r"[_\-. ]|(?<=[a-z])(?=[A-Z])", name))]
    for start in starts:
        ending = name[start:].rpartition("/")[2]
        folded = (
            "".join(char.lower() if char.isascii() else char for char in ending).replace("-", "_").replace(" ", "_")
        )
        for class_, known in TABLE["classes"].items():
            names = [*known.get("ending", ()), *(known.get("whole", ()) if start == 0 else ())]
            names += ["".join(c if c.isascii() else c.upper() for c in each) for each in names]
            if folded in {*names, *(each.replace("_", "") for each in names)}:
                return class_
    return None


@given(st.lists(st.sampled_from([*WORDS, *"_- ./1aZé()", "customer", "name", "Email"]), max_size=4).map("".join))
def test_the_kernel_is_the_definition(name):
    code = NAMES.find_class(name)
    assert (personal_columns.CLASSES[code - 1] if code else None) == find_plainly(name)


def rows_of(batches):
    return [row for batch in batches for row in batch.to_pylist()]


def from_json(records):
    data = "".join(oracle.dumps(record) + "\n" for record in records).encode()
    return rows_of(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_json_columns(records):
    names = list(dict.fromkeys(name for record in records for name in record))
    data = oracle.dumps({name: [record.get(name) for record in records] for name in names}).encode()
    return rows_of(json.read(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_csv(records):
    names = list(dict.fromkeys(name for record in records for name in record))
    lines = [names, *([str(record.get(name) or "") for name in names] for record in records)]
    data = "\n".join(",".join(line) for line in lines).encode()
    return rows_of(csv.read(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_parquet(records):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), file)
    return rows_of(parquet.read(file, file.tell(), Tally(), LIMITS, roles=ROLES))


FORMATS = pytest.mark.parametrize("read", [from_json, from_json_columns, from_csv, from_parquet])


@FORMATS
def test_a_table_of_customers(read):
    records = [
        {"customer_email": "anna.berg@uni-ulm.de", "phone": "0731 123409", "name": "Anna Berg"},
        {"customer_email": "none", "phone": "n/a", "name": "Anna Berg"},
        {"customer_email": None, "phone": "0731 123409", "name": "x/y"},
    ]
    rows = read(records)
    named = [set(row["named"] or ()) for row in rows]
    assert named == [{"email:customer_email", "phone:phone", "name:name"}, set(), {"phone:phone"}]
    assert "0731 123409" in (rows[0]["aside"] or "").split("\n")


@FORMATS
def test_every_string_is_in_a_view_or_aside(read):
    record = {
        "text": "the keeper of the lighthouse",
        "note": "beside a text",
        "id": "row-anna.berg@uni-ulm.de",
        "url": "https://acme.io/x",
        "handy": "0171 2398765",
        "width": "640",
        "price": "3.50",
        "host": "141.59.84.127",
    }
    row = read([record, record])[0]
    assert row["whole"] == record["text"]
    assert sorted(row["aside"].split("\n")) == sorted(record[name] for name in ("note", "id", "url", "handy", "host"))
    assert row["named"] == ["phone:handy"]


def test_numbers_count_where_their_column_is_called_so():
    record = {"text": "x y", "mobile": 13910935528, "views": 13910935528, "contact": {"tel": [491711234567]}}
    for row in (*from_json([record]), *from_parquet([record])):
        assert sorted(row["aside"].split("\n")) == ["13910935528", "491711234567"]
        assert sorted(row["named"]) == ["phone:mobile", "phone:tel"]


def test_a_weak_class_needs_another():
    rows = from_json(
        [
            {"name": "Anna Berg", "text": "a"},
            {"name": "Anna Berg", "address": "Hafenweg 1", "text": "a"},
            {"name": "Anna Berg", "dob": "1980-02-03", "text": "a"},
            {"name": "Anna Berg", "passport": "C01X00T47112233", "text": "a"},
        ]
    )
    assert [sorted(row["named"] or ()) for row in rows] == [
        [],
        [],
        ["birth-date:dob", "name:name"],
        ["id-number:passport", "name:name"],
    ]


def test_a_key_with_escapes_is_its_characters():
    data = b'{"\\u59d3\\u540d": "\\u738b\\u4f1f", "\\u0065mail": "wang.wei@sina.cn", "text": "a"}\n'
    row = rows_of(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))[0]
    assert sorted(row["named"]) == ["email:email", "name:姓名"]


def test_of_repeated_keys_the_last_counts():
    data = b'{"text": "a", "email": "anna@uni-ulm.de", "email": "none"}\n'
    row = rows_of(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))[0]
    assert (row["named"], row["aside"]) == (None, "none")


def test_columns_of_bytes_are_named_with_their_bytes():
    file, tally = io.BytesIO(), Tally()
    pq.write_table(pa.table({"text": ["a", "b"], "image": pa.array([b"\xff\xd8" * 50, b""], pa.binary())}), file)
    rows = rows_of(parquet.read(file, file.tell(), tally, LIMITS, roles=ROLES))
    assert [row["error"] for row in rows] == [None, None]
    assert set(tally.unread) == {"image"}
    assert tally.unread["image"] >= 100


def test_few_columns_are_named():
    tally = Tally()
    for number in range(MOST_UNREAD + 5):
        tally.leave_unread(f"c{number}", 2)
    assert tally.unread[OTHER_COLUMNS] == 10
    assert len(tally.unread) == MOST_UNREAD + 1


def test_a_record_of_many_values_keeps_its_text_and_says_what_was_not_looked_at():
    tags = [f"tag number {number}" for number in range((1 << 16) + 3)]
    tally = Tally()
    data = oracle.dumps({"tags": tags, "text": "the keeper"}).encode() + b"\n"
    row = rows_of(json.read_lines(Stream(io.BytesIO(data)), tally, LIMITS, ROLES))[0]
    assert (row["whole"], row["error"]) == ("the keeper", None)
    assert row["aside"].count("\n") == (1 << 16) - 1
    assert tally.unread == {"values of a record beyond its first 65,536": sum(map(len, tags[1 << 16 :]))}
