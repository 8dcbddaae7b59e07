"""Compact sparse Merkle trees, `csmt-sha256/v1`: a set of 256-bit keys in which *absence* can be proven.

    T(d, {})   = 32 zero bytes
    T(d, {k})  = SHA-256(0x02 || k)
    T(d, S)    = SHA-256(0x03 || T(d + 1, S_0) || T(d + 1, S_1))    where S has two or more keys

S_0 and S_1 are the keys of S whose bit d is 0 or 1; bit 0 is the highest bit of the first byte. The root is T(0, S). A
key has one way down from the root, and each hash on it has one preimage: nothing, one key, or a branch. So of one root
and key either presence or absence can be shown, never both, whoever made the tree. (A proof by two neighbours in a
sorted list has no such property: a key that was put out of order is "absent" between neighbours, and present.)
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_SUBTREE = bytes(32)
"""The hash of no keys."""

KEY_BITS = 256
"""Bits of a key."""


@dataclass(frozen=True, slots=True)
class SparseProof:
    """What lies beside a key's way down from the root, and where the way ends.

    Args:
        siblings: hashes beside the way, from the root's child downwards.
        end: the one key that stands where the way ends; None where nothing does.
    """

    siblings: tuple[bytes, ...]
    end: bytes | None


def hash_leaf(key: bytes) -> bytes:
    """Return the hash of one key: SHA-256(0x02 || key)."""
    return sha256(b"\2" + key).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a branch: SHA-256(0x03 || left || right).

    Args:
        left: hash of the keys whose bit is 0.
        right: hash of the keys whose bit is 1.
    """
    return sha256(b"\3" + left + right).digest()


def hash_subtree(keys: Sequence[bytes], depth: int = 0) -> bytes:
    """Return the hash of some keys at a depth, T(depth, keys).

    Args:
        keys: 32 bytes each, strictly ascending, equal in their first `depth` bits.
        depth: bits that are above the subtree; 0 makes it the root.

    Returns:
        32 bytes. Time is near-linear, unless somebody made keys that share long beginnings.
    """
    if not keys:
        return EMPTY_SUBTREE
    waiting: list[tuple[bytes, int, bytes, int]] = []  # hash of a left side, its depth, a key in it, where it branches
    numbers = [int.from_bytes(key) for key in keys]
    for at, key in enumerate(keys):
        found, top = hash_leaf(key), KEY_BITS
        after = KEY_BITS - (numbers[at] ^ numbers[at + 1]).bit_length() if at + 1 < len(keys) else depth - 1
        while waiting and waiting[-1][3] > after:
            left, left_top, other, branch = waiting.pop()
            found = hash_node(
                _lift_subtree(left, other, left_top, branch + 1), _lift_subtree(found, key, top, branch + 1)
            )
            top = branch
        if at + 1 == len(keys):
            return _lift_subtree(found, key, top, depth)
        waiting.append((found, top, key, after))
    raise AssertionError  # the last key returns


def hash_children(left: bytes, lefts: int, right: bytes, rights: int) -> bytes:
    """Return the hash of two sides whose numbers of keys are known.

    Args:
        left: hash of the keys whose bit is 0.
        lefts: how many they are.
        right: hash of the keys whose bit is 1.
        rights: how many they are.

    Returns:
        T of both: a single key stays as it is.
    """
    if lefts + rights > 1:
        return hash_node(left, right)
    return right if rights else left


def prove(keys: Sequence[bytes], key: bytes, depth: int = 0) -> SparseProof:
    """Return the proof that a key is, or is not, among some.

    Args:
        keys: 32 bytes each, strictly ascending, equal in their first `depth` bits.
        key: the key in question, equal in the same bits.
        depth: bits above; the proof begins below them.

    Returns:
        The proof; `has_key` says what it shows.
    """
    low, high, siblings = 0, len(keys), []
    while high - low > 1:
        middle = bisect_left(keys, lowest_right_key(key, depth), low, high)
        depth += 1
        if key_bit(key, depth - 1):
            siblings.append(hash_subtree(keys[low:middle], depth))
            low = middle
        else:
            siblings.append(hash_subtree(keys[middle:high], depth))
            high = middle
    return SparseProof(tuple(siblings), keys[low] if low < high else None)


def has_key(key: bytes, proof: SparseProof, root: bytes) -> bool | None:
    """Tell what a proof shows of a key.

    Args:
        key: the key in question, 32 bytes.
        proof: any proof whatever.
        root: root of the tree.

    Returns:
        True: it is in the set. False: it is not. None: the proof shows nothing.
    """
    depth = len(proof.siblings)
    if depth > KEY_BITS or any(len(item) != len(EMPTY_SUBTREE) for item in (key, root, *proof.siblings)):
        return None
    if proof.end is not None and (len(proof.end) != len(EMPTY_SUBTREE) or _count_shared_bits(proof.end, key) < depth):
        return None
    # Beside one key or nothing there must be something: else the way would have ended above.
    if proof.siblings and proof.siblings[-1] == EMPTY_SUBTREE:
        return None
    made = EMPTY_SUBTREE if proof.end is None else hash_leaf(proof.end)
    for at in reversed(range(depth)):
        made = hash_node(proof.siblings[at], made) if key_bit(key, at) else hash_node(made, proof.siblings[at])
    return proof.end == key if made == root else None


def key_bit(key: bytes, depth: int) -> int:
    """Return a bit of a key.

    Args:
        key: 32 bytes.
        depth: its number; 0 is the highest bit of the first byte.
    """
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def lowest_right_key(key: bytes, depth: int) -> bytes:
    """Return the lowest key whose first `depth` bits are the key's own and whose next bit is 1.

    Args:
        key: 32 bytes.
        depth: how many bits are the key's own, less than 256.
    """
    below = KEY_BITS - 1 - depth
    return ((int.from_bytes(key) >> (below + 1) << 1 | 1) << below).to_bytes(32)


def _count_shared_bits(one: bytes, other: bytes) -> int:
    return KEY_BITS - (int.from_bytes(one) ^ int.from_bytes(other)).bit_length()


def _lift_subtree(made: bytes, key: bytes, top: int, depth: int) -> bytes:
    """The hash of a subtree as it is higher up: above a branch every bit is hashed in; one key goes up as it is."""
    if top == KEY_BITS:
        return made
    for at in range(top - 1, depth - 1, -1):
        made = hash_node(EMPTY_SUBTREE, made) if key_bit(key, at) else hash_node(made, EMPTY_SUBTREE)
    return made
