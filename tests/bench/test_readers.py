"""How fast readers are, beside pyarrow and hashlib, on one core: `pytest tests/bench/test_readers.py -s -m full`."""

import hashlib
import io
import json as oracle
import random
import statistics
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from provenance.readers.records import column_roles, csv, json, parquet, text
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, Stream

pytestmark = pytest.mark.full

SENTENCE = "The quick brown fox jumps over the lazy dog, and then some more words follow here. "
PAIRS = [(f"Question {k}: {SENTENCE}", f"{SENTENCE * 4}\nIt is {k}.") for k in range(60_000)]


def lines():
    return "".join(
        oracle.dumps({"id": k, "question": q, "answer": a}) + "\n" for k, (q, a) in enumerate(PAIRS)
    ).encode()


def instructions(words, space):
    """Records of 300-900 bytes, as instruction data has them."""
    chance = random.Random(1)  # noqa: S311 - the same data every time

    def say(low, high):
        return space.join(chance.choices(words, k=chance.randint(low, high)))

    for _ in range(40_000):
        yield {"instruction": say(10, 30), "input": say(0, 10), "output": f'{say(40, 90)}.\n"{say(5, 20)}"'}


def chats(records):
    for record in records:
        turns = ("user", record["instruction"]), ("assistant", record["output"])
        yield {"messages": [{"role": role, "content": text} for role, text in turns]}


def dumped(records):
    return "".join(oracle.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def seconds(*functions):
    """Median of five runs of each after its first, by this process's own time; in turns, for other work slows all."""
    times = [[] for _ in functions]
    for _ in range(6):
        for function, taken in zip(functions, times, strict=True):
            start = time.process_time()
            function()
            taken.append(time.process_time() - start)
    return [statistics.median(taken[1:]) for taken in times]


def ours(reader, data):
    return lambda: [None for _ in reader(Stream(io.BytesIO(data)), Tally(), LIMITS, column_roles.load_roles())]


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
            lambda: list(
                parquet.read(io.BytesIO(columns), len(columns), Tally(), LIMITS, roles=column_roles.load_roles())
            ),
            prose,
        ),
    }
    for name, (function, measured) in runs.items():
        print(f"{name:28} {len(measured) / 1e6 / seconds(function)[0]:7.0f} MB/s")


def test_instruction_data_beside_pyarrow():
    pa.set_cpu_count(1)
    options = pa.json.ReadOptions(use_threads=False)
    english, chinese = (
        SENTENCE.split(),
        "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可",
    )
    for name, records in {
        "English": instructions(english, " "),
        "Chinese": instructions(chinese, ""),
        "English chats": chats(instructions(english, " ")),
        "Chinese chats": chats(instructions(chinese, "")),
    }.items():
        data = dumped(records)
        theirs = lambda data=data: pa.json.read_json(io.BytesIO(data), read_options=options)  # noqa: E731 - a row
        mine, other = seconds(ours(json.read_lines, data), theirs)
        size = len(data) / 1e6
        print(f"{name:28} {size / mine:7.0f} MB/s, {other / mine:.2f} of pyarrow.json's {size / other:.0f}")
