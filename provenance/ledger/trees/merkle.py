"""Merkle trees of RFC 9162, section 2.1: roots, inclusion and consistency.

Leaves are hashed with a leading 0x00 and nodes with a leading 0x01, so that no leaf can pass for a node. A hash here is
32 bytes; a tree is the list of its leaf hashes, in order.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 9162, section 2.1.1)."""


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || data).

    Args:
        data: what the leaf stands for.

    Returns:
        32 bytes (RFC 9162, section 2.1.1).
    """
    return hashlib.sha256(b"\0" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right).

    Args:
        left: hash of the left subtree.
        right: hash of the right subtree.

    Returns:
        32 bytes (RFC 9162, section 2.1.1).
    """
    return hashlib.sha256(b"\1" + left + right).digest()


def hash_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a tree (RFC 9162, section 2.1.1).

    Args:
        leaves: leaf hashes, in order.

    Returns:
        32 bytes; `EMPTY_ROOT` for no leaves.
    """
    level = list(leaves)
    while len(level) > 1:
        level = _hash_parents(level)
    return level[0] if level else EMPTY_ROOT


def hash_prefixes(leaves: Sequence[bytes]) -> list[bytes]:
    """Return the roots of all prefixes of a tree, the empty one and the whole one included.

    Args:
        leaves: leaf hashes, in order.

    Returns:
        `len(leaves) + 1` roots: item n is the root of the first n leaves. Time is O(n log n).
    """
    found, peaks = [EMPTY_ROOT], []
    for count, item in enumerate(leaves, start=1):
        peaks.append(item)
        # Each trailing zero bit of the count closes one perfect subtree.
        for _ in range((count & -count).bit_length() - 1):
            right = peaks.pop()
            peaks.append(hash_node(peaks.pop(), right))
        found.append(_fold_peaks(peaks))
    return found


def prove_inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf (RFC 9162, section 2.1.3.1).

    Args:
        leaves: leaf hashes of the whole tree, in order.
        index: number of the leaf, from 0.

    Returns:
        Hashes from the leaf's sibling upwards.

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    level, path = list(leaves), []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _hash_parents(level), index >> 1
    return path


def is_included(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], *, root_hash: bytes) -> bool:
    """Tell whether an audit path proves that a leaf is in a tree (RFC 9162, section 2.1.3.2).

    Args:
        leaf_hash: hash of the leaf.
        index: its number, from 0.
        size: number of leaves of the tree.
        path: the audit path.
        root_hash: root of the tree.

    Returns:
        True only if the path leads from the leaf to the root.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for item in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = hash_node(item, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = hash_node(found, item)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root_hash


def root_before(index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root over the leaves before one, which its audit path holds: they are what stands to its left.

    Args:
        index: number of the leaf, from 0.
        size: number of leaves of the tree.
        path: its audit path, which was checked.

    Returns:
        The root of the first `index` leaves (RFC 9162, section 2.1.1).
    """
    at, last, found = index, size - 1, b""
    for item in path:
        if at & 1 or at == last:
            found = hash_node(item, found) if found else item
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return found or hash_root([])


def prove_consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Return the proof that a tree extends its own first `old` leaves (RFC 9162, section 2.1.4.1).

    Args:
        leaves: leaf hashes of the newer tree, in order.
        old: number of leaves of the older tree, at least 1.

    Returns:
        The hashes; none where both trees are the same.

    Raises:
        IndexError: the older tree is empty or larger than the newer.
    """
    if not 0 < old <= len(leaves):
        raise IndexError(f"no tree of {old} leaves to extend in a tree of {len(leaves)}")
    proof, part, whole = [], list(leaves), True
    while old < len(part):
        split = 1 << ((len(part) - 1).bit_length() - 1)
        if old <= split:
            proof.append(hash_root(part[split:]))
            part = part[:split]
        else:
            proof.append(hash_root(part[:split]))
            part, old, whole = part[split:], old - split, False
    if not whole:
        proof.append(hash_root(part))
    return proof[::-1]


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, *, proof: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that one tree extends another (RFC 9162, section 2.1.4.2).

    Args:
        old: number of leaves of the older tree, at least 1.
        old_root: its root.
        new: number of leaves of the newer tree.
        new_root: its root.
        proof: what `prove_consistency` returns.

    Returns:
        True only if the first `old` leaves of the newer tree are the older tree.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    # A perfect older tree is itself the first node; RFC 9162 leaves it out of the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    older = newer = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = hash_node(item, older), hash_node(item, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = hash_node(newer, item)
        at, last = at >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


class MerkleTree:
    """A tree of which many proofs are asked: its nodes are hashed once.

    Args:
        leaves: leaf hashes, in order.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]  # of perfect subtrees; level k has those of 2^k leaves
        while len(level := self._levels[-1]) > 1:
            self._levels.append([hash_node(*each) for each in zip(level[::2], level[1::2], strict=False)])

    def prove_inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the audit path of a leaf in the tree of the first `size` leaves, see inclusion.

        Args:
            index: number of the leaf, from 0.
            size: number of leaves.
        """
        start, path = 0, []
        while size > 1:
            split = 1 << ((size - 1).bit_length() - 1)
            if index - start < split:
                path.append(self._hash_root(start + split, size - split))
                size = split
            else:
                path.append(self._hash_root(start, split))
                start, size = start + split, size - split
        return path[::-1]

    def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of the first `new` leaves extends that of the first `old`, see consistency.

        Args:
            old: number of leaves of the older tree, at least 1.
            new: of the newer tree.
        """
        start, proof = 0, []
        while old < new:
            split = 1 << ((new - 1).bit_length() - 1)
            if old <= split:
                proof.append(self._hash_root(start + split, new - split))
                new = split
            else:
                proof.append(self._hash_root(start, split))
                start, old, new = start + split, old - split, new - split
        if start:
            proof.append(self._hash_root(start, new))
        return proof[::-1]

    def _hash_root(self, start: int, size: int) -> bytes:
        if size & (size - 1) == 0:
            deep = size.bit_length() - 1
            return self._levels[deep][start >> deep]
        split = 1 << ((size - 1).bit_length() - 1)
        return hash_node(self._hash_root(start, split), self._hash_root(start + split, size - split))


def _hash_parents(level: list[bytes]) -> list[bytes]:
    """Hash pairs; a last one without a partner goes up as it is, which yields the tree of RFC 9162."""
    paired = [hash_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return paired + level[len(paired) * 2 :]


def _fold_peaks(peaks: list[bytes]) -> bytes:
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = hash_node(peak, found)
    return found
