"""How fast readers are, beside pyarrow and hashlib, on one core: `pytest tests/bench/test_readers.py -s -m full`."""

import hashlib
import io
import json as oracle
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from provenance.records import csv, json, parquet, text, views
from provenance.records.tally import Tally
from provenance.storage import LIMITS, Stream

pytestmark = pytest.mark.full

SENTENCE = "The quick brown fox jumps over the lazy dog, and then some more words follow here. "
PAIRS = [(f"Question {k}: {SENTENCE}", f"{SENTENCE * 4}\nIt is {k}.") for k in range(60_000)]


def lines():
    return "".join(
        oracle.dumps({"id": k, "question": q, "answer": a}) + "\n" for k, (q, a) in enumerate(PAIRS)
    ).encode()


def best(function, size):
    times = []
    for _ in range(4):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return size / 1e6 / min(times)


def ours(reader, data):
    return lambda: [None for _ in reader(Stream(io.BytesIO(data)), Tally(), LIMITS, views.load())]


def test_readers():
    pa.set_cpu_count(1)
    data = lines()
    table = ("question\tanswer\n" + "".join(f"{q}\t{a}\n".replace("\nIt", " It") for q, a in PAIRS)).encode()
    prose = "\n\n".join(a for _, a in PAIRS).encode()
    array = oracle.dumps([{"question": q, "answer": a} for q, a in PAIRS], indent=4).encode()
    file = io.BytesIO()
    pq.write_table(pa.table({"question": [q for q, _ in PAIRS], "answer": [a for _, a in PAIRS]}), file)
    columns = file.getvalue()
    options = pa.json.ReadOptions(use_threads=False)
    tabs = pa.csv.ParseOptions(delimiter="\t")
    runs = {
        "SHA-256": (lambda: hashlib.sha256(data), data),
        "JSON Lines, pyarrow.json": (lambda: pa.json.read_json(io.BytesIO(data), read_options=options), data),
        "JSON Lines": (ours(json.read_lines, data), data),
        "JSON array, indented": (ours(json.read, array), array),
        "TSV, pyarrow.csv": (
            lambda: pa.csv.read_csv(io.BytesIO(table), pa.csv.ReadOptions(use_threads=False), tabs),
            table,
        ),
        "TSV": (ours(csv.read, table), table),
        "text": (ours(text.read, prose), prose),
        "Parquet (bytes of text)": (
            lambda: list(parquet.read(io.BytesIO(columns), len(columns), Tally(), LIMITS, views.load())),
            prose,
        ),
    }
    for name, (function, measured) in runs.items():
        function()
        print(f"{name:28} {best(function, len(measured)):7.0f} MB/s")
