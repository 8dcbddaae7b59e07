"""Long records: what would take too much memory to compare is unreadable and said; the rest stays below a bound."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as pv
from provenance.pipeline.reading import long_records

EXPANDS = "\ufdfa"  # eighteen letters and spaces in place of one
MARKS = "a" + "\u0301" * 40


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(long_records, "LONG", 20)
    monkeypatch.setattr(long_records, "NORMALISED", 200)
    monkeypatch.setattr(long_records, "SEGMENT", 30)


@pytest.mark.parametrize(
    ("text", "refused"),
    [(EXPANDS * 20, 1), (MARKS, 1), ("中" * 30, 0), ("words " * 30, 0), ("a\u0301" * 30, 0), (EXPANDS, 0), ("ß" * 15, 0)],
    ids=["grows", "marks", "chinese", "words", "accents", "short", "folded"],
)  # fmt: skip
def test_a_record_that_grows_is_unreadable_and_said(tmp_path, in_process, small, text, refused):
    lines = ["some words that stand here", text, "some other words that stand here"]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in lines), "utf-8")
    audit = pv.scan(tmp_path)
    file = audit.files.set_index("path").loc["x.jsonl"]
    assert file[["records", "records_unreadable"]].tolist() == [3, refused]
    assert file["bytes_consumed"] + file["bytes_skipped"] == file["bytes"]
    assert (file["bytes_skipped"] > 0) == bool(refused)
    assert ("too much memory to compare" in str(file["skip_reason"])) == bool(refused)


PEAK = """
import os, re, sys, tempfile
from provenance.core.processes import blocked_imports
blocked_imports.block_imports()  # as a worker does
from provenance.pipeline.reading import read_pass
from provenance.pipeline.reading.file_bundles import FileBundle, FileToRead
place = sys.argv[1]
file = FileToRead(os.path.basename(place), os.fsencode(place), "data", None, None, os.path.getsize(place))
with tempfile.TemporaryDirectory() as scratch:
    result = read_pass.observe(FileBundle(0, (file,), scratch, secret=bytes(16)))
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10, result.files["records"][0])
"""

SIZE = 60 << 20
WORDS = [f"w{k}" for k in range(5000)]


def words(size=SIZE):
    return " ".join(random.Random(1).choices(WORDS, k=size // 6))  # noqa: S311 - a seed


def lines(*records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


LONG = {
    "words.jsonl": lambda: lines({"text": words()}),
    "five.jsonl": lambda: lines({"text": words()}) * 5,
    "question-and-answer.jsonl": lambda: lines({"question": words(SIZE // 2), "answer": words(SIZE // 2)}),
    "row.csv": lambda: f'a,text\n1,"{words()}"\n',
    "one-shingle.jsonl": lambda: lines({"text": "a " * (SIZE // 2)}),
    "chinese.jsonl": lambda: lines({"text": "".join(chr(0x4E00 + k * 7919 % 20000) for k in range(SIZE // 3))}),
    "grows.jsonl": lambda: lines({"text": EXPANDS * (SIZE // 3)}),
    "addresses.jsonl": lambda: lines({"text": " ".join(f"john{k}.smith@company{k}.com" for k in range(SIZE // 36))}),
    "row.parquet": words,
}


def write(place, made):
    if place.suffix == ".parquet":
        pq.write_table(pa.table({"text": [made]}), place)
    else:
        place.write_text(made, "utf-8")


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("name", LONG)
def test_records_of_sixty_megabytes_take_less_than_512(tmp_path, name):
    write(tmp_path / name, LONG[name]())
    for _ in range(2):  # the first may compile kernels, which takes memory too
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(tmp_path / name)],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
    mebibytes, records = map(int, done.stdout.split())
    assert records == (5 if name.startswith("five") else 1)
    assert mebibytes < 512
