"""Record trees against plain Python: hashlib, hmac, and the ledger's own definition of RFC 9162."""

import hashlib
import hmac
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.ledger.trees import merkle
from provenance.readers.records import record_trees

SECRET = bytes(range(32))
EDGES = [0, 1, 54, 55, 56, 57, 62, 63, 64, 65, 118, 119, 120, 127, 128, 200]


def batch(texts, rows=None):
    rows = list(range(len(texts))) if rows is None else rows
    made = [{"row": row, "whole": text} for row, text in zip(rows, texts, strict=True)]
    table = pa.Table.from_pylist(made, schema=schemas.RECORDS)
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], schema=schemas.RECORDS)


def expected(secret, path, texts, rows):
    """The definition of LEDGER.md once more, in other words than `record_trees.make_line`."""
    for row, text in zip(rows, texts, strict=True):
        salt = hmac.new(secret, b"records\0" + path.encode() + b"\0" + b"%d" % row, hashlib.sha256).digest()[:16].hex()
        digest = "null" if text is None else f'"{hashlib.sha256(text.encode()).hexdigest()}"'
        yield f'{{"row":{row},"salt":"{salt}","sha256":{digest}}}'.encode()


def held(secret, path, texts, rows):
    leaves = record_trees.FileSalts(secret, path).hash_leaves(batch(texts, rows))
    lines = list(expected(secret, path, texts, rows))
    assert lines == [record_trees.make_line(secret, path, row, text) for row, text in zip(rows, texts, strict=True)]
    assert [leaf.tobytes() for leaf in leaves] == [merkle.hash_leaf(each) for each in lines]
    return leaves


TEXTS = st.one_of(
    st.none(),
    st.text(max_size=200),
    st.sampled_from(EDGES).map("x".__mul__),
    st.integers(0, 300).map("é".__mul__),
)


@given(
    st.binary(min_size=32, max_size=32),
    st.text(st.characters(codec="utf-8"), max_size=150),
    st.lists(st.tuples(TEXTS, st.integers(0, 2**53 - 1)), max_size=12),
)
def test_leaves_are_those_of_the_definition(secret, path, records):
    held(secret, path, [text for text, _ in records], [row for _, row in records])


@pytest.mark.parametrize("length", EDGES)
def test_paths_of_every_length_salt_alike(length):
    held(SECRET, "p" * length, ["text", None], [0, 9])


@pytest.mark.parametrize("row", [0, 9, 10, 99, 100, 999_999, 2**31, 2**32, 2**53 - 1])
def test_numbers_of_rows_are_written_out(row):
    held(SECRET, "a.jsonl", ["text"], [row])


def test_a_line_is_canonical_json_that_says_what_it_should():
    said = json.loads(record_trees.make_line(SECRET, "a.jsonl", 7, "text"))
    assert said == {
        "row": 7,
        "salt": record_trees.derive_salt(SECRET, "a.jsonl", 7),
        "sha256": hashlib.sha256(b"text").hexdigest(),
    }
    assert json.loads(record_trees.make_line(SECRET, "a.jsonl", 7, None))["sha256"] is None


def test_salts_tell_paths_rows_and_secrets_apart():
    places = [("a", 1), ("a", 11), ("a1", 1), ("b", 1)]
    salts = {record_trees.derive_salt(secret, *place) for place in places for secret in (SECRET, bytes(32))}
    assert len(salts) == 8


def test_a_slice_of_a_batch_has_the_leaves_of_the_slice():
    texts = ["one", None, "three", "", "five"]
    whole = batch(texts)
    leaves = record_trees.FileSalts(SECRET, "a").hash_leaves(whole)
    assert np.array_equal(record_trees.FileSalts(SECRET, "a").hash_leaves(whole.slice(1, 3)), leaves[1:4])
    assert record_trees.FileSalts(SECRET, "a").hash_leaves(whole.slice(2, 0)).shape == (0, 32)


def test_a_batch_without_any_text_has_leaves():
    held(SECRET, "a", [None, None], [0, 1])
    held(SECRET, "a", ["", ""], [0, 1])


@given(st.integers(0, 200), st.lists(st.integers(0, 200), max_size=6))
def test_a_tree_is_that_of_the_log_however_its_leaves_come(count, cuts):
    leaves = np.frombuffer(b"".join(hashlib.sha256(b"%d" % k).digest() for k in range(count)), np.uint8).reshape(-1, 32)
    growing = record_trees.RecordTreeBuilder()
    for part in np.split(leaves, sorted(min(cut, count) for cut in cuts)):
        growing.add_leaves(part)
    assert growing.compute_root() == (merkle.hash_root([leaf.tobytes() for leaf in leaves]).hex() if count else None)


def test_the_whole_root_of_a_file_in_plain_python():
    texts = [None if k % 7 == 3 else f"record {k} " * (k % 11) for k in range(1000)]
    growing, salting = record_trees.RecordTreeBuilder(), record_trees.FileSalts(SECRET, "d/a.jsonl")
    for first in range(0, 1000, 300):
        growing.add_leaves(
            salting.hash_leaves(batch(texts[first : first + 300], list(range(first, min(first + 300, 1000)))))
        )
    level = [hashlib.sha256(b"\0" + each).digest() for each in expected(SECRET, "d/a.jsonl", texts, range(1000))]
    while len(level) > 1:
        above = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = above + level[len(above) * 2 :]
    assert growing.compute_root() == level[0].hex()


@pytest.mark.full
def test_a_processor_without_instructions_for_it_makes_the_same_leaves(tmp_path):
    """In a process of its own: which way a kernel goes is settled when it is compiled."""
    texts = [None, "", *("x" * length for length in EDGES), "é" * 300]
    said = (
        "import json, sys, pyarrow as pa\n"
        "from provenance.core import sha256\nfrom provenance.readers.records import record_trees as trees\n"
        "texts = json.load(sys.stdin)\n"
        "columns = [pa.array(range(len(texts))), pa.array(texts, pa.large_string())]\n"
        "leaves = trees.FileSalts(bytes(range(32)), 'a').hash_leaves(pa.RecordBatch.from_arrays(columns, ['row', 'whole']))\n"
        "growing = trees.RecordTreeBuilder()\ngrowing.add_leaves(leaves)\n"
        "print(sha256.HARDWARE, growing.compute_root())\n"
    )
    own = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", said], input=json.dumps(texts), capture_output=True, text=True, check=True,
        env=os.environ | own,
    )  # fmt: skip
    root = merkle.hash_root([merkle.hash_leaf(each) for each in expected(SECRET, "a", texts, range(len(texts)))])
    assert done.stdout.split() == ["False", root.hex()]
