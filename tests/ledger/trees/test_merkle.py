"""RFC 9162 trees against the recursive definition of the RFC, and its own test vectors."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.ledger.trees import merkle

# Certificate Transparency's published vectors: leaves and the roots of their prefixes (RFC 6962's reference tests).
CT_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                              "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

trees = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def definition(leaves):
    """MTH of RFC 9162, section 2.1.1, word by word, over hashed leaves."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + definition(leaves[:k]) + definition(leaves[k:])).digest()


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_published_vectors(size, root):
    assert merkle.hash_root([merkle.hash_leaf(data) for data in CT_LEAVES[:size]]).hex() == root


def test_no_leaves():
    assert merkle.hash_root([]) == merkle.EMPTY_ROOT == definition([])


@given(trees)
def test_root_is_the_definition(leaves):
    assert merkle.hash_root(leaves) == definition(leaves)
    assert merkle.hash_prefixes(leaves) == [definition(leaves[:size]) for size in range(len(leaves) + 1)]


@given(trees, st.data())
def test_inclusion(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.prove_inclusion(leaves, index), definition(leaves)
    assert merkle.is_included(leaves[index], index, len(leaves), path, root_hash=root)
    assert not merkle.is_included(merkle.hash_leaf(b"other"), index, len(leaves), path, root_hash=root)
    assert not merkle.is_included(leaves[index], index, len(leaves), [*path, root], root_hash=root)
    if path:
        assert not merkle.is_included(leaves[index], index, len(leaves), path[:-1], root_hash=root)
    other = data.draw(st.integers(-1, len(leaves)))
    if other != index and (not 0 <= other < len(leaves) or leaves[other] != leaves[index]):
        assert not merkle.is_included(leaves[index], other, len(leaves), path, root_hash=root)


@given(trees, st.data())
def test_consistency(leaves, data):
    old = data.draw(st.integers(1, len(leaves)))
    proof, before, after = merkle.prove_consistency(leaves, old), definition(leaves[:old]), definition(leaves)
    assert merkle.is_consistent(old, before, len(leaves), after, proof=proof)
    assert not merkle.is_consistent(old, merkle.EMPTY_ROOT, len(leaves), after, proof=proof)
    assert not merkle.is_consistent(old, before, len(leaves), merkle.EMPTY_ROOT, proof=proof)
    assert not merkle.is_consistent(old, before, len(leaves), after, proof=[*proof, after])
    if proof:
        assert not merkle.is_consistent(old, before, len(leaves), after, proof=proof[:-1])
        assert not merkle.is_consistent(old, before, len(leaves), after, proof=[merkle.EMPTY_ROOT, *proof[1:]])


@given(trees, st.data())
def test_rewritten_history_has_no_proof(leaves, data):
    """The honest proof for a tree whose past was changed never connects it to the root that was held."""
    old = data.draw(st.integers(1, len(leaves)))
    at = data.draw(st.integers(0, old - 1))
    rewritten = [*leaves[:at], merkle.hash_leaf(leaves[at]), *leaves[at + 1 :]]
    proof = merkle.prove_consistency(rewritten, old)
    assert not merkle.is_consistent(old, definition(leaves[:old]), len(leaves), definition(rewritten), proof=proof)


@given(st.integers(-2, 9), st.integers(-2, 9), st.lists(st.binary(min_size=32, max_size=32), max_size=6))
def test_any_proof_is_answered(old, new, proof):
    assert merkle.is_consistent(old, merkle.EMPTY_ROOT, new, bytes(32), proof=proof) is False
    assert merkle.is_included(merkle.EMPTY_ROOT, old, new, proof, root_hash=bytes(32)) is False


@pytest.mark.parametrize("index", [-1, 3])
def test_no_such_leaf(index):
    with pytest.raises(IndexError):
        merkle.prove_inclusion([bytes(32)] * 3, index)


@pytest.mark.parametrize("old", [0, 4])
def test_no_such_tree(old):
    with pytest.raises(IndexError):
        merkle.prove_consistency([bytes(32)] * 3, old)


@given(leaves=trees, data=st.data())
def test_a_path_holds_the_root_of_what_stands_before(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.prove_inclusion(leaves, index)
    assert merkle.root_before(index, len(leaves), path) == definition(leaves[:index])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 21])
def test_a_tree_that_is_kept_gives_the_same_proofs(count):
    leaves = [merkle.hash_leaf(b"%d" % each) for each in range(count)]
    tree = merkle.MerkleTree(leaves)
    for size in range(1, count + 1):
        for index in range(size):
            assert tree.prove_inclusion(index, size) == merkle.prove_inclusion(leaves[:size], index)
            assert tree.prove_consistency(index + 1, size) == merkle.prove_consistency(leaves[:size], index + 1)
