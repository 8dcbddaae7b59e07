"""Sparse trees against their definition, word by word; and an attack that neighbours in a sorted list do not survive."""

import hashlib
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.ledger.trees import merkle, sparse_merkle

# Few bytes that differ, so that keys share long beginnings as random ones never do.
near = st.builds(
    lambda head, middle, tail: bytes([head]) + bytes(14) + bytes([middle]) + bytes(15) + bytes([tail]),
    st.integers(0, 255), st.integers(0, 3), st.integers(0, 255),
)  # fmt: skip
keys = st.one_of(near, st.binary(min_size=32, max_size=32))
sets = st.lists(keys, max_size=24, unique=True).map(sorted)


def definition(depth, members):
    """T of the docstring."""
    if not members:
        return bytes(32)
    if len(members) == 1:
        return hashlib.sha256(b"\x02" + members[0]).digest()
    bits = [int(f"{int.from_bytes(member):0256b}"[depth]) for member in members]
    sides = [[member for member, bit in zip(members, bits, strict=True) if bit == side] for side in (0, 1)]
    return hashlib.sha256(b"\x03" + definition(depth + 1, sides[0]) + definition(depth + 1, sides[1])).digest()


@given(sets)
def test_root_is_the_definition(members):
    assert sparse_merkle.hash_subtree(members) == definition(0, members)


@given(sets, keys)
def test_what_is_in_and_what_is_not(members, asked):
    root = definition(0, members)
    for key in [*members, asked]:
        proof = sparse_merkle.prove(members, key)
        assert sparse_merkle.has_key(key, proof, root) is (key in members)
        assert sparse_merkle.has_key(key, proof, hashlib.sha256(root).digest()) is None


@given(sets, keys, keys, st.data())
def test_a_proof_that_was_changed_shows_nothing(members, asked, other, data):
    root, proof = definition(0, members), sparse_merkle.prove(members, asked)
    changed = [
        sparse_merkle.SparseProof((*proof.siblings, other), proof.end),
        sparse_merkle.SparseProof((*proof.siblings, bytes(32)), proof.end),
        sparse_merkle.SparseProof((other, *proof.siblings), proof.end),
    ]
    if other != proof.end:
        changed.append(sparse_merkle.SparseProof(proof.siblings, other))
    if proof.end is not None:
        changed.append(sparse_merkle.SparseProof(proof.siblings, None))
    if proof.siblings:
        at = data.draw(st.integers(0, len(proof.siblings) - 1))
        changed.append(sparse_merkle.SparseProof(proof.siblings[:at] + proof.siblings[at + 1 :], proof.end))
        if proof.siblings[at] != other:
            changed.append(
                sparse_merkle.SparseProof((*proof.siblings[:at], other, *proof.siblings[at + 1 :]), proof.end)
            )
    assert all(sparse_merkle.has_key(asked, item, root) is None for item in changed)


@given(sets, keys, keys)
def test_a_proof_speaks_of_its_own_key(members, asked, other):
    """A proof for one key may serve another that ends in the same place; it then says the truth of it too."""
    root, proof = definition(0, members), sparse_merkle.prove(members, asked)
    assert sparse_merkle.has_key(other, proof, root) in (None, other in members)


@given(
    st.binary(max_size=40), st.lists(st.binary(max_size=40), max_size=4), st.one_of(st.none(), st.binary(max_size=40))
)
def test_any_proof_is_answered(key, siblings, end):
    root = definition(0, [bytes(32)])
    if (key, end) != (bytes(32), bytes(32)) or siblings:
        assert sparse_merkle.has_key(key, sparse_merkle.SparseProof(tuple(siblings), end), root) in (None, False)
    assert sparse_merkle.has_key(bytes(32), sparse_merkle.SparseProof((root,) * 257, end), root) is None


def test_the_longest_way():
    low, high = bytes(32), bytes(31) + b"\1"
    root = definition(0, [low, high])
    assert sparse_merkle.hash_subtree([low, high]) == root
    proof = sparse_merkle.prove([low, high], low)
    assert len(proof.siblings) == 256
    assert sparse_merkle.has_key(low, proof, root) is True


@pytest.mark.parametrize(("key", "depth", "bound"), [(b"\xff" * 32, 0, b"\x80" + bytes(31)), (bytes(32), 7, b"\1" + bytes(31)),
                                                     (b"\xff" * 32, 255, b"\xff" * 32), (bytes(32), 255, bytes(31) + b"\1")])  # fmt: skip
def test_pivot(key, depth, bound):
    assert sparse_merkle.lowest_right_key(key, depth) == bound


@pytest.mark.parametrize("place", range(8))
def test_a_key_hidden_out_of_order_is_not_absent(place):
    """The attack: a sorted list under a Merkle tree whose owner hides a key elsewhere, where no search looks.

    Neighbours in the list then "prove" that the key is absent, while it can be shown to be included. Of the sparse
    tree the same owner can show one or the other, whatever they build: here the key put on a wrong way.
    """
    listed = sorted(hashlib.sha256(bytes([number])).digest() for number in range(8))
    hidden = hashlib.sha256(b"hidden").digest()
    at = bisect_left(listed, hidden)
    place = place if place != at else 8
    disordered = [*listed[:place], hidden, *listed[place:]]
    leaves = [merkle.hash_leaf(key) for key in disordered]
    root = merkle.hash_root(leaves)
    # Adjacency: two leaves side by side, one below and one above the key. Both verify, and so does the key's own leaf.
    pairs = [n for n in range(8) if disordered[n] < hidden < disordered[n + 1]] or [0 if hidden < disordered[0] else 8]
    for number in (pairs[0], min(pairs[0] + 1, 8), place):
        assert merkle.is_included(leaves[number], number, 9, merkle.prove_inclusion(leaves, number), root_hash=root)
    # The sparse tree over the same keys: the honest one says "in"; no other proof says "out" under its root.
    members = sorted(disordered)
    honest = sparse_merkle.hash_subtree(members)
    assert sparse_merkle.has_key(hidden, sparse_merkle.prove(members, hidden), honest) is True
    for lie in (
        sparse_merkle.prove(listed, hidden),
        sparse_merkle.SparseProof((), None),
        sparse_merkle.prove(members, listed[0]),
    ):
        assert sparse_merkle.has_key(hidden, lie, honest) is None
    # A tree with the key on a wrong way: beside every hash of the honest tree without it. Neither can then be shown "in".
    crooked = sparse_merkle.hash_node(sparse_merkle.hash_leaf(hidden), sparse_merkle.hash_subtree(listed))
    shown = [
        sparse_merkle.has_key(hidden, sparse_merkle.SparseProof(way, end), crooked)
        for way in [(), (sparse_merkle.hash_leaf(hidden),), (sparse_merkle.hash_subtree(listed),)]
        for end in [None, hidden, *listed]
    ]
    assert not (True in shown and False in shown)
