"""SHA-256 inside other kernels: block by block over arrays of bytes, no call out of compiled code, no copy of a text.

FIPS 180-4, sections 4 to 6. `hashlib` is what Python calls; here stands what a kernel calls that hashes a million short
things. Where the processor has instructions for it (x86 SHA extensions) they are used, else the plain rounds are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

BLOCK_BYTES, DIGEST_BYTES = 64, 32
"""Bytes of a block, and of a digest."""

_MASK = (1 << 32) - 1


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % each for each in found):
            found.append(number)
        number += 1
    return found


def _root(number: int, degree: int) -> int:
    """Return the first 32 bits of the fraction of a root of a small number, in whole numbers (section 4.2.2)."""
    scaled = number << 32 * degree
    low, high = 0, 1 << 40
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= scaled else (low, middle)
    return low & _MASK


INITIAL_STATE = np.array([_root(prime, 2) for prime in _primes(8)], np.uint32)
"""The state before the first block (section 5.3.3)."""

_K = np.array([_root(prime, 3) for prime in _primes(64)], np.uint32)


@njit(nogil=True, cache=True, inline="always")
def _rotate_right(x: Any, by: Any) -> Any:
    return np.uint32(x >> np.uint32(by) | x << np.uint32(32 - by))


@njit(nogil=True, cache=True)
def compress_portable(state: Any, data: Any, at: Any, count: Any) -> None:
    """Take blocks into a state with shifts and additions (section 6.2.2), on any processor."""
    w = np.empty(64, np.uint32)
    for block in range(count):
        first = at + BLOCK_BYTES * block
        for t in range(16):
            i = first + 4 * t
            w[t] = (
                np.uint32(data[i]) << np.uint32(24)
                | np.uint32(data[i + 1]) << np.uint32(16)
                | np.uint32(data[i + 2]) << np.uint32(8)
                | np.uint32(data[i + 3])
            )
        for t in range(16, 64):
            x, y = w[t - 15], w[t - 2]
            small = _rotate_right(x, 7) ^ _rotate_right(x, 18) ^ x >> np.uint32(3)
            other = _rotate_right(y, 17) ^ _rotate_right(y, 19) ^ y >> np.uint32(10)
            w[t] = np.uint32(w[t - 16] + small + w[t - 7] + other)
        a, b, c, d, e, f, g, h = state
        for t in range(64):
            one = np.uint32(
                h
                + (_rotate_right(e, 6) ^ _rotate_right(e, 11) ^ _rotate_right(e, 25))
                + (e & f ^ ~e & g)
                + _K[t]
                + w[t]
            )
            two = np.uint32(
                (_rotate_right(a, 2) ^ _rotate_right(a, 13) ^ _rotate_right(a, 22)) + (a & b ^ a & c ^ b & c)
            )
            h, g, f, e, d, c, b, a = g, f, e, np.uint32(d + one), c, b, a, np.uint32(one + two)
        state[0] += a
        state[1] += b
        state[2] += c
        state[3] += d
        state[4] += e
        state[5] += f
        state[6] += g
        state[7] += h


def _instructions() -> bool:
    """Tell whether what numba compiles for has the SHA extensions, and what they are used with."""
    if getattr(config, "CPU_NAME", None) or getattr(config, "CPU_FEATURES", None) is not None:
        return False  # somebody compiles for another machine
    found = binding.get_host_cpu_features()
    return "x86_64" in binding.get_process_triple() and all(found.get(name) for name in ("sha", "ssse3", "sse4.1"))


HARDWARE = _instructions()
"""Whether `compress_blocks` uses the processor's own instructions."""


def _typed(_typing: Any, state: Any, data: Any, at: Any) -> Any:
    """Take one block into a state with x86's SHA instructions.

    Two registers hold the state, as `sha256rnds2` wants it: f e b a and h g d c, the lowest first.
    """
    array: Any = make_array

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        four = ir.VectorType(ir.IntType(32), 4)

        def call(name: str, *given: Any) -> Any:
            kind = ir.FunctionType(four, [each.type for each in given])
            return builder.call(builder.module.declare_intrinsic(name, (), kind), given)

        def picked(one: Any, other: Any, *lanes: int) -> Any:
            return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes))

        def place(number: int, offset: Any) -> Any:
            pointer = array(signature.args[number])(context, builder, arguments[number]).data
            bytes_ = builder.bitcast(pointer, ir.IntType(8).as_pointer())
            return builder.bitcast(builder.gep(bytes_, [offset]), four.as_pointer())

        def offset(count: int) -> Any:
            return ir.Constant(ir.IntType(64), count)

        places = [place(0, offset(0)), place(0, offset(16))]
        first, second = (builder.load(each, align=4) for each in places)
        low, high = picked(first, second, 5, 4, 1, 0), picked(first, second, 7, 6, 3, 2)
        before = low, high
        words: list[Any] = []
        for step in range(16):
            if step < 4:
                where = builder.add(arguments[2], offset(16 * step))
                words.append(call("llvm.bswap.v4i32", builder.load(place(1, where), align=1)))
            else:
                mixed = call("llvm.x86.sha256msg1", words[step - 4], words[step - 3])
                mixed = builder.add(mixed, picked(words[step - 2], words[step - 1], 1, 2, 3, 4))
                words.append(call("llvm.x86.sha256msg2", mixed, words[step - 1]))
            keyed = builder.add(words[step], ir.Constant(four, [int(k) for k in _K[4 * step : 4 * step + 4]]))
            high = call("llvm.x86.sha256rnds2", high, low, keyed)
            low = call("llvm.x86.sha256rnds2", low, high, picked(keyed, keyed, 2, 3, 0, 0))
        low, high = builder.add(low, before[0]), builder.add(high, before[1])
        builder.store(picked(low, high, 3, 2, 7, 6), places[0], align=4)
        builder.store(picked(low, high, 1, 0, 5, 4), places[1], align=4)
        return context.get_dummy_value()

    return types.void(state, data, at), generate


_block: Any = intrinsic(_typed)


@njit(nogil=True, cache=True)
def compress_hardware(state: Any, data: Any, at: Any, count: Any) -> None:
    """Take blocks into a state with the processor's own instructions; where it has none this must not be called."""
    for block in range(count):
        _block(state, data, np.int64(at + BLOCK_BYTES * block))


compress_blocks = compress_hardware if HARDWARE else compress_portable
"""Take whole blocks of bytes into a state.

    state: uint32[8], from INITIAL_STATE on; changed.
    data: bytes.
    at: where the first block begins.
    count: how many.
"""


@njit(nogil=True, cache=True)
def finish_state(state: Any, buf: Any, used: Any, total: Any) -> None:
    """Take the end of a message into a state (section 5.1.1).

    Args:
        state: as of `compress_blocks`; changed.
        buf: begins with what no whole block was made of; has room for the next two blocks; changed.
        used: bytes of that.
        total: bytes of the whole message.
    """
    count = (used + 9 + BLOCK_BYTES - 1) // BLOCK_BYTES
    buf[used] = 0x80
    for k in range(used + 1, count * BLOCK_BYTES - 8):
        buf[np.uint64(k)] = 0
    bits = np.uint64(total) << np.uint64(3)
    for k in range(8):
        buf[np.uint64(count * BLOCK_BYTES - 1 - k)] = np.uint8(bits >> np.uint64(8 * k) & np.uint64(255))
    compress_blocks(state, buf, 0, count)


@njit(nogil=True, cache=True)
def write_state(state: Any, out: Any, at: Any) -> None:
    """Write a state as the bytes of a digest.

    Args:
        state: uint32[8].
        out: bytes.
        at: where to begin.
    """
    for k in range(DIGEST_BYTES):
        word = state[np.uint64(k >> 2)]
        out[np.uint64(at + k)] = np.uint8(word >> np.uint32(24 - 8 * (k & 3)) & np.uint32(255))


@njit(nogil=True, cache=True)
def write_digest(data: Any, start: Any, stop: Any, state: Any, buf: Any, out: Any, at: Any) -> None:
    """Write the digest of a run of bytes.

    Args:
        data: bytes.
        start: where the run begins.
        stop: where it ends.
        state: uint32[8] to work in.
        buf: two blocks to work in.
        out: where 32 bytes are written.
        at: from where on.
    """
    state[:] = INITIAL_STATE
    whole = (stop - start) // BLOCK_BYTES
    compress_blocks(state, data, start, whole)
    used = stop - start - whole * BLOCK_BYTES
    for k in range(used):
        buf[np.uint64(k)] = data[np.uint64(start + whole * BLOCK_BYTES + k)]
    finish_state(state, buf, used, stop - start)
    write_state(state, out, at)
