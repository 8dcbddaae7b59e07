"""Compiled hashes against their definitions in plain Python."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.ledger.trees import batch_hashing, content_sets, merkle, sparse_merkle, stored_trees

near = st.builds(
    lambda a, b, c: bytes([a]) + bytes(14) + bytes([b]) + bytes(15) + bytes([c]),
    *[st.integers(0, 3)] * 2,
    st.integers(0, 255),
)
sets = st.lists(st.one_of(near, st.binary(min_size=32, max_size=32)), max_size=24, unique=True).map(sorted)


def cut(data):
    return [data[at : at + 32] for at in range(0, len(data), 32)]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300).filter(lambda line: b"\n" not in line), max_size=20))
def test_leaves(lines):
    chunk = b"".join(line + b"\n" for line in lines)
    ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10).astype(np.uint64) + np.uint64(1)
    assert cut(batch_hashing.hash_leaves(chunk, ends)) == [merkle.hash_leaf(line) for line in lines]


@pytest.mark.parametrize(("count", "fan"), [(0, 2), (4, 4), (256, 256), (512, 256), (12, 2)])
def test_roots(count, fan):
    hashes = [hashlib.sha256(b"%d" % number).digest() for number in range(count)]
    assert cut(batch_hashing.hash_roots(b"".join(hashes), fan)) == [
        merkle.hash_root(hashes[at : at + fan]) for at in range(0, count, fan)
    ]


@settings(deadline=None)
@given(st.binary(max_size=63), st.lists(st.binary(min_size=32, max_size=32), max_size=5))
def test_keys(prefix, digests):
    assert cut(batch_hashing.hash_keys(prefix, b"".join(digests))) == [
        hashlib.sha256(prefix + each).digest() for each in digests
    ]


@settings(deadline=None)
@given(sets, st.integers(0, 3))
def test_subtrees(keys, depth):
    runs = [[key for key in keys if key[0] >> (8 - depth) == run] for run in range(1 << depth)]
    ends = [sum(map(len, runs[: run + 1])) for run in range(1 << depth)]
    assert cut(batch_hashing.hash_subtrees(b"".join(keys), ends, depth)) == [
        sparse_merkle.hash_subtree(run, depth) for run in runs
    ]


def test_many_are_hashed_as_few(tmp_path, monkeypatch):
    """Both ways through the modules give the same files."""
    count = 6000
    lines = b"".join(b'{"n":%d}\n' % number for number in range(count))
    digests = [hashlib.sha256(b"%d" % number).digest() for number in range(count)]

    def made(name):
        with stored_trees.TreeWriter(tmp_path / f"{name}.tree", count) as writer:
            writer.add(lines)
            root = writer.finish()
        found = content_sets.write_set(digests, bytes(16), tmp_path / f"{name}.set")
        return root, found, (tmp_path / f"{name}.tree").read_bytes(), (tmp_path / f"{name}.set").read_bytes()

    few = made("many")
    monkeypatch.setattr(stored_trees, "LEAST_COMPILED", 1 << 40)
    monkeypatch.setattr(content_sets, "LEAST_COMPILED", 1 << 40)
    assert made("few") == few
