"""What was not seen before: data beside the views, names of columns, copies behind invisible characters."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as pv

WORDS = [
    "winter",
    "stove",
    "harbour",
    "quarry",
    "market",
    "cliff",
    "ferry",
    "velvet",
    "chisel",
    "ribbon",
    "marble",
    "mast",
    "meadow",
    "tunnel",
    "ledger",
    "orchard",
]


def sentence(number):
    return " ".join(WORDS[(number * 7 + place * place) % len(WORDS)] + str((number * place) % 5) for place in range(30))


def write(folder, name, rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    texts = [sentence(number) for number in range(24)]
    for name, licence, rows in (
        ("a", "cc-by-nc-4.0", texts),
        ("b", "mit", [text.replace("ar", "a\u200br").replace("et", "e\u00adt") for text in texts]),
    ):
        write(data / name, "train.jsonl", [{"text": text} for text in rows])
        (data / name / "README.md").write_text(f"---\nlicense: {licence}\n---\n# {name}\n")
    (data / "customers").mkdir()
    (data / "customers/customers.csv").write_text(
        "customer_email,phone,name\nanna.berg@uni-ulm.de,0731 123409,Anna Berg\nbert.holz@web.de,0171 2398765,Bert Holz\n"
    )
    (data / "images").mkdir()
    pixels = pa.table({"text": ["a picture of a lighthouse"], "image": pa.array([b"\xff\xd8" * 500], pa.binary())})
    pq.write_table(pixels, data / "images/images.parquet")
    numbers = ["+2.998792458", "+273.15 20 30 40", "+6.62607015", "-33.8688197, 151.2092955", "v13.910.935.528"]
    write(data / "tables", "train.jsonl", [{"text": f"the value {number} stands in a table"} for number in numbers])
    return pv.scan(data, ledger=None)


def test_a_table_of_customers_is_a_finding_that_names_its_columns(audit):
    found = audit.findings[audit.findings["check"] == "personal-data-without-ground"]
    assert found["source"].tolist() == ["undeclared:customers"]
    assert "columns customer_email, name, phone" in found["message"].iloc[0]
    assert "2 of its 2 records" in found["message"].iloc[0]


def test_what_was_seen_is_counts_and_no_text(audit):
    seen = str(audit.tables["observations"].to_pylist())
    assert "column:customer_email" in seen
    assert not any(word in seen for word in ("anna", "Berg", "0731"))


def test_a_column_that_nobody_looked_at_is_in_coverage(audit):
    coverage = audit.coverage.set_index("check")["reason"]
    assert coverage["columns"].startswith("no detector looked at these columns, which hold no text: image (")


def test_invisible_characters_hide_no_copy(audit):
    overlaps = audit.overlaps[(audit.overlaps["view"] == "whole") & audit.overlaps["path_a"].isna()]
    counts = {(row.source_a, row.source_b): row.exact for row in overlaps.itertuples()}
    assert counts == {("a", "b"): 24, ("b", "a"): 24}
    assert set(audit.tables["sketches"]["shingle"].to_pylist()) == {"shingle/v2 (5 words, XXH64 seed 0)"}
