"""Stored trees against trees in memory, at every size where the shape changes; and every byte of one counts."""

import io
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import VerificationError
from provenance.ledger.trees import merkle, stored_trees

SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1000]
LARGE = [65_535, 65_537, 131_333]


def row(number):
    return b'{"key":"%08d","pad":"%s"}' % (number, b"x" * (number % 7))


def key(line):
    return line[8:16]


def write(path, count, step=100):
    rows = [row(number) for number in range(count)]
    with stored_trees.TreeWriter(path / "tree", count) as writer:
        for first in range(0, count, step):
            writer.add(b"".join(line + b"\n" for line in rows[first : first + step]))
        root = writer.finish()
    (path / "lines").write_bytes(b"".join(line + b"\n" for line in rows))
    return [merkle.hash_leaf(line) for line in rows], root


def check(path):
    with (path / "lines").open("rb") as lines:
        return stored_trees.check_tree(stored_trees.read_chunks(lines), path / "tree").root()


@pytest.mark.parametrize("count", SIZES)
def test_a_stored_tree_is_the_tree(tmp_path, count):
    leaves, root = write(tmp_path, count)
    assert root == merkle.hash_root(leaves) == check(tmp_path)
    with stored_trees.StoredTree(tmp_path / "tree") as tree, (tmp_path / "lines").open("rb") as lines:
        assert (tree.size, tree.root()) == (count, root)
        for index in range(count):
            assert tree.read_leaf(index) == leaves[index]
            assert stored_trees.read_line(lines, tree, index) == row(index)
            assert tree.path(index) == merkle.prove_inclusion(leaves, index)
            assert stored_trees.find_line(lines, tree, b"%08d" % index, key) == index
        assert stored_trees.find_line(lines, tree, b"%08d" % count, key) is None
        assert stored_trees.find_line(lines, tree, b"", key) is None
        for index in (-1, count):
            for asked in (tree.line_span, tree.read_leaf, tree.path):
                with pytest.raises(IndexError):
                    asked(index)


@pytest.mark.parametrize("count", LARGE)
def test_a_tree_of_three_levels(tmp_path, count):
    leaves, root = write(tmp_path, count, step=10_000)
    assert root == merkle.hash_root(leaves)
    with stored_trees.StoredTree(tmp_path / "tree") as tree:
        assert tree.root() == root
        for index in {0, 1, 255, 256, 65_534, count // 2, count - 2, count - 1}:
            assert tree.path(index) == merkle.prove_inclusion(leaves, index)
            assert merkle.is_included(leaves[index], index, count, tree.path(index), root_hash=root)


@settings(deadline=None)
@given(st.integers(0, 300), st.lists(st.integers(0, 300), max_size=4))
def test_chunks_of_any_size_make_one_tree(count, cuts):
    leaves = [merkle.hash_leaf(row(number)) for number in range(count)]
    tree, edges = stored_trees.TreeBuilder(), sorted({0, count, *(cut for cut in cuts if cut < count)})
    for first, last in pairwise(edges):
        tree.add(leaves[first:last])
        assert tree.root() == merkle.hash_root(leaves[:last])


@pytest.mark.parametrize("count", [1, 3, 300])
def test_every_byte_of_a_stored_tree_counts(tmp_path, count):
    write(tmp_path, count)
    good = (tmp_path / "tree").read_bytes()
    step = 1 if count < 300 else 37
    for at in range(0, len(good), step):
        (tmp_path / "tree").write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(VerificationError):
            check(tmp_path)
        (tmp_path / "tree").write_bytes(good[:at])
        with pytest.raises(VerificationError):
            check(tmp_path)
    (tmp_path / "tree").write_bytes(good + b"\0")
    with pytest.raises(VerificationError):
        check(tmp_path)


@pytest.mark.parametrize("lines", [b"", row(0) + b"\n", row(0) + b"\n" + row(1), row(0) + b"\n\n" + row(1) + b"\n",
                                   row(1) + b"\n" + row(0) + b"\n", b"".join(row(n) + b"\n" for n in range(3))])  # fmt: skip
def test_other_lines_are_not_those_of_the_tree(tmp_path, lines):
    write(tmp_path, 2)
    (tmp_path / "lines").write_bytes(lines)
    with pytest.raises(VerificationError):
        check(tmp_path)


def test_a_line_is_held_to_its_leaf(tmp_path):
    write(tmp_path, 5)
    with stored_trees.StoredTree(tmp_path / "tree") as tree:
        lines = io.BytesIO((tmp_path / "lines").read_bytes().replace(b"00000003", b"00000009"))
        assert stored_trees.read_line(lines, tree, 2) == row(2)
        with pytest.raises(VerificationError, match="line 3"):
            stored_trees.read_line(lines, tree, 3)


@pytest.mark.parametrize("span", [(0, 0), (9, 3), (0, 1 << 40), (1 << 63, 1 << 63)])
def test_a_span_that_lies_is_told(tmp_path, span):
    write(tmp_path, 1)
    data = (tmp_path / "tree").read_bytes()
    told = b"".join(number.to_bytes(8, "little") for number in span)
    (tmp_path / "tree").write_bytes(data[:32] + told + data[48:])
    lines = io.BytesIO((tmp_path / "lines").read_bytes())
    with stored_trees.StoredTree(tmp_path / "tree") as tree, pytest.raises(VerificationError):
        stored_trees.read_line(lines, tree, 0)


def test_as_many_lines_as_were_promised(tmp_path):
    with stored_trees.TreeWriter(tmp_path / "tree", 2) as writer:
        writer.add(row(0) + b"\n")
        with pytest.raises(ValueError, match="promised"):
            writer.finish()
        with pytest.raises(ValueError, match="promised"):
            writer.add(row(1) + b"\n" + row(2) + b"\n")


def test_lines_are_closed():
    with pytest.raises(ValueError, match="newline"):
        stored_trees.hash_lines(b"{}")


def test_long_lines_are_refused(monkeypatch):
    monkeypatch.setattr(stored_trees, "LONGEST_LINE", 10)
    with pytest.raises(VerificationError, match="longer"):
        list(stored_trees.read_chunks(io.BytesIO(b"x" * 11)))


def test_chunks_keep_lines_whole(monkeypatch):
    monkeypatch.setattr(stored_trees, "_CHUNK_BYTES", 5)
    data = b"a\nbb\nccccccccccccc\n\nd\n"
    cut = list(stored_trees.read_chunks(io.BytesIO(data)))
    assert b"".join(cut) == data
    assert len(cut) > 1
    assert all(chunk.endswith(b"\n") for chunk in cut)


@pytest.mark.full
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 700])
def test_pymerkle_agrees(tmp_path, count):
    pymerkle = pytest.importorskip("pymerkle")
    other = pymerkle.InmemoryTree(algorithm="sha256")
    other.append_entries([row(number) for number in range(count)])
    _, root = write(tmp_path, count)
    assert other.get_root() == root
    with stored_trees.StoredTree(tmp_path / "tree") as tree:
        for index in range(0, count, 17):
            theirs = other.prove_inclusion(index + 1).serialize()["path"]  # it counts from 1, and starts with the leaf
            assert [tree.read_leaf(index).hex(), *(item.hex() for item in tree.path(index))] == theirs
