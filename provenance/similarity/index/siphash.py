"""SipHash-2-4 of shingle hashes: with the key whoever holds the data can look things up, without it nobody can try.

The hash is that of Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with a 16-byte key and 64 bits of
result, over the 8 little-endian bytes of an XXH64. So a scan keys the shingles that it has: nothing is read twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

KEY_BYTES = 16
"""Bytes of a key."""

Hashes = npt.NDArray[np.uint64]

_INITIAL_V0 = np.uint64(0x736F6D6570736575)
_INITIAL_V1 = np.uint64(0x646F72616E646F6D)
_INITIAL_V2 = np.uint64(0x6C7967656E657261)
_INITIAL_V3 = np.uint64(0x7465646279746573)
_LENGTH_BLOCK = np.uint64(8 << 56)  # the last block of a message of 8 bytes holds its length alone
_BITS = np.uint64(64)  # typed: numba compiles a kernel anew for each constant that it is called with
_BY_13, _BY_16, _BY_17, _BY_21, _BY_32 = np.uint64(13), np.uint64(16), np.uint64(17), np.uint64(21), np.uint64(32)
_MASK = (1 << 64) - 1


@njit(nogil=True, cache=True)
def _rotate(x: Any, by: Any) -> Any:
    return (x << by) | (x >> (_BITS - by))


@njit(nogil=True, cache=True)
def _round(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v0 += v1
    v2 += v3
    v1 = _rotate(v1, _BY_13) ^ v0
    v3 = _rotate(v3, _BY_16) ^ v2
    v0 = _rotate(v0, _BY_32) + v3
    v2 += v1
    v3 = _rotate(v3, _BY_21) ^ v0
    v1 = _rotate(v1, _BY_17) ^ v2
    v2 = _rotate(v2, _BY_32)
    return v0, v1, v2, v3


@njit(nogil=True, cache=True)
def _siphash(values: Any, k0: Any, k1: Any) -> Any:
    result = np.empty(values.shape[0], np.uint64)
    for k in range(values.shape[0]):
        v0, v1, v2, v3 = k0 ^ _INITIAL_V0, k1 ^ _INITIAL_V1, k0 ^ _INITIAL_V2, k1 ^ _INITIAL_V3
        for word in (values[k], _LENGTH_BLOCK):
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
        v2 ^= np.uint64(0xFF)
        for _ in range(4):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        result[k] = v0 ^ v1 ^ v2 ^ v3
    return result


def siphash(values: Hashes, key: bytes) -> Hashes:
    """Key hashes.

    Args:
        values: uint64, in any order.
        key: KEY_BYTES bytes.

    Returns:
        SipHash-2-4 of the 8 little-endian bytes of each, in the order given.
    """
    k0, k1 = (np.uint64(int.from_bytes(key[at : at + 8], "little")) for at in (0, 8))
    result: Hashes = _siphash(np.ascontiguousarray(values, np.uint64), k0, k1)
    return result


def siphash_reference(key: bytes, message: bytes) -> int:
    """Return SipHash-2-4 of any message, in plain Python: the definition, for tests and other implementations.

    Args:
        key: KEY_BYTES bytes.
        message: what is hashed; of a shingle, the 8 little-endian bytes of its XXH64.
    """
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v = [k0 ^ int(_INITIAL_V0), k1 ^ int(_INITIAL_V1), k0 ^ int(_INITIAL_V2), k1 ^ int(_INITIAL_V3)]

    def rotated(x: int, by: int) -> int:
        return (x << by | x >> 64 - by) & _MASK

    def rounds(count: int) -> None:
        for _ in range(count):
            v[0], v[2] = v[0] + v[1] & _MASK, v[2] + v[3] & _MASK
            v[1], v[3] = rotated(v[1], 13) ^ v[0], rotated(v[3], 16) ^ v[2]
            v[0] = rotated(v[0], 32) + v[3] & _MASK
            v[2] = v[2] + v[1] & _MASK
            v[3], v[1] = rotated(v[3], 21) ^ v[0], rotated(v[1], 17) ^ v[2]
            v[2] = rotated(v[2], 32)

    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
