"""Many small hashes at once, in compiled code: leaves of lines, subtrees of leaves, keys and buckets of content sets.

What is hashed is defined in merkle.py, content_sets.py and sparse_merkle.py; here it is only done faster, for those who
have thousands. Loading it takes half a second, so a small ledger is verified without.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from provenance.core import sha256

_STACK = 258  # subtrees: one of each depth from 0 to 256 may wait for its right side, while one is made
_EMPTY_SUBTREE = np.zeros(32, np.uint8)
_KEY_BITS = 256
_BUFFER_BYTES = 2 * sha256.BLOCK_BYTES  # what is hashed here, with its padding, fills two blocks at most
_PAIR, _SPARSE_KEY, _SPARSE_PAIR = (
    1,
    2,
    3,
)  # the byte before what is hashed says what it is: merkle.py, sparse_merkle.py
_KEY_BYTES, _PAIR_BYTES = 1 + 32, 1 + 32 + 32  # with that byte


def hash_leaves(chunk: bytes, ends: Any) -> bytes:
    """Hash whole lines: SHA-256(0x00 || line without its newline).

    Args:
        chunk: the lines, each closed by a newline.
        ends: uint64[n], where each line's newline ends.

    Returns:
        The hashes, end to end.
    """
    # Every newline becomes the zero byte that the line after it is hashed with.
    data = np.frombuffer(b"\0" + chunk.replace(b"\n", b"\0"), np.uint8)
    out = np.empty(32 * len(ends), np.uint8)
    _hash_runs(data, ends.astype(np.int64), out)
    return out.tobytes()


def hash_roots(hashes: bytes, fan: int) -> bytes:
    """Hash complete subtrees (RFC 9162, section 2.1.1).

    Args:
        hashes: of leaves, end to end.
        fan: leaves of a subtree, a power of two that divides their number.

    Returns:
        The roots, end to end.
    """
    level = np.frombuffer(hashes, np.uint8)
    while fan > 1:
        level, fan = _hash_pairs(level), fan // 2
    return level.tobytes()


def hash_keys(prefix: bytes, digests: bytes) -> bytes:
    """Hash digests behind a prefix: SHA-256(prefix || digest).

    Args:
        prefix: less than 64 bytes.
        digests: 32 bytes each, end to end.

    Returns:
        The hashes, end to end.
    """
    out = np.empty(len(digests), np.uint8)
    _hash_prefixed(np.frombuffer(prefix, np.uint8), np.frombuffer(digests, np.uint8), out)
    return out.tobytes()


def hash_subtrees(keys: bytes, ends: list[int], depth: int) -> bytes:
    """Hash runs of keys of a sparse tree: T(depth, keys) of each.

    Args:
        keys: the keys, 32 bytes each, end to end, strictly ascending.
        ends: where each run ends, counted in keys; those of a run are equal in their first `depth` bits.
        depth: bits above the runs.

    Returns:
        The hashes, end to end.
    """
    out = np.empty(32 * len(ends), np.uint8)
    _hash_subtrees(np.frombuffer(keys, np.uint8), np.array(ends, np.int64), depth, out)
    return out.tobytes()


@njit(nogil=True, cache=True)
def _hash_runs(data: Any, ends: Any, out: Any) -> None:
    state, buf = np.empty(8, np.uint32), np.empty(_BUFFER_BYTES, np.uint8)
    start = 0
    for k in range(ends.shape[0]):
        sha256.write_digest(data, start, ends[k], state, buf, out, 32 * k)
        start = ends[k]


@njit(nogil=True, cache=True)
def _hash_node(mark: Any, left: Any, at: Any, right: Any, beside: Any, state: Any, buf: Any, out: Any, to: Any) -> None:
    """Write SHA-256(mark || 32 bytes || 32 bytes)."""
    buf[0] = mark
    for k in range(32):
        buf[1 + k] = left[at + k]
        buf[_KEY_BYTES + k] = right[beside + k]
    state[:] = sha256.INITIAL_STATE
    sha256.finish_state(state, buf, _PAIR_BYTES, _PAIR_BYTES)
    sha256.write_state(state, out, to)


@njit(nogil=True, cache=True)
def _hash_pairs(level: Any) -> Any:
    state, buf = np.empty(8, np.uint32), np.empty(_BUFFER_BYTES, np.uint8)
    out = np.empty(level.shape[0] // 2, np.uint8)
    for k in range(out.shape[0] // 32):
        _hash_node(_PAIR, level, 64 * k, level, 64 * k + 32, state, buf, out, 32 * k)
    return out


@njit(nogil=True, cache=True)
def _hash_prefixed(prefix: Any, digests: Any, out: Any) -> None:
    state, buf, size = np.empty(8, np.uint32), np.empty(_BUFFER_BYTES, np.uint8), prefix.shape[0]
    for k in range(digests.shape[0] // 32):
        for j in range(size):
            buf[j] = prefix[j]
        for j in range(32):
            buf[size + j] = digests[32 * k + j]
        state[:] = sha256.INITIAL_STATE
        sha256.finish_state(state, buf, size + 32, size + 32)
        sha256.write_state(state, out, 32 * k)


@njit(nogil=True, cache=True)
def _count_shared_bits(keys: Any, one: Any, other: Any) -> Any:
    """Bits that two keys have in common at their beginning."""
    for k in range(32):
        if keys[32 * one + k] != keys[32 * other + k]:
            differs, found = np.int64(keys[32 * one + k]) ^ np.int64(keys[32 * other + k]), 8 * k
            while not differs & 128:
                found, differs = found + 1, differs << 1
            return found
    return _KEY_BITS


@njit(nogil=True, cache=True)
def _lift_subtree(made: Any, at: Any, keys: Any, key: Any, top: Any, depth: Any, state: Any, buf: Any) -> None:
    """Take a subtree up to a depth: above a branch every bit is hashed in; one key goes up as it is."""
    if top == _KEY_BITS:
        return
    for d in range(top - 1, depth - 1, -1):
        if keys[32 * key + (d >> 3)] >> (7 - (d & 7)) & 1:
            _hash_node(_SPARSE_PAIR, _EMPTY_SUBTREE, 0, made, at, state, buf, made, at)
        else:
            _hash_node(_SPARSE_PAIR, made, at, _EMPTY_SUBTREE, 0, state, buf, made, at)


@njit(nogil=True, cache=True)
def _hash_subtrees(keys: Any, ends: Any, depth: Any, out: Any) -> None:
    """As `sparse_merkle.hash_subtree`, run by run; what waits for its right side stands on a stack of at most 257."""
    state, buf = np.empty(8, np.uint32), np.empty(_BUFFER_BYTES, np.uint8)
    waiting = np.empty(32 * _STACK, np.uint8)
    tops, named, branches = np.empty(_STACK, np.int64), np.empty(_STACK, np.int64), np.empty(_STACK, np.int64)
    made = np.empty(32, np.uint8)
    first = 0
    for run in range(ends.shape[0]):
        last, height = ends[run], 0
        if first == last:
            out[32 * run : 32 * run + 32] = _EMPTY_SUBTREE
        for key in range(first, last):
            buf[0] = _SPARSE_KEY
            for k in range(32):
                buf[1 + k] = keys[32 * key + k]
            state[:] = sha256.INITIAL_STATE
            sha256.finish_state(state, buf, _KEY_BYTES, _KEY_BYTES)
            sha256.write_state(state, made, 0)
            top = _KEY_BITS
            after = _count_shared_bits(keys, key, key + 1) if key + 1 < last else depth - 1
            while height and branches[height - 1] > after:
                height -= 1
                branch = branches[height]
                _lift_subtree(waiting, 32 * height, keys, named[height], tops[height], branch + 1, state, buf)
                _lift_subtree(made, 0, keys, key, top, branch + 1, state, buf)
                _hash_node(_SPARSE_PAIR, waiting, 32 * height, made, 0, state, buf, made, 0)
                top = branch
            if key + 1 == last:
                _lift_subtree(made, 0, keys, key, top, depth, state, buf)
                out[32 * run : 32 * run + 32] = made
            else:
                waiting[32 * height : 32 * height + 32] = made
                tops[height], named[height], branches[height] = top, key, after
                height += 1
        first = last
