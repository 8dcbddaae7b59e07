"""Record trees: one root a file, under which any one of its records can be proven later, with the data at hand.

Leaf k of a file's tree stands for its k-th record, unreadable ones included. It is one line of canonical JSON,

    {"row":7,"salt":"<32 hex digits>","sha256":"<64 hex digits>"}

where `row` is the number of the record in the file (as in RECORDS), `sha256` is that of the UTF-8 of its view `whole`
before normalisation (null where it has none), and `derive_salt` is the first 16 bytes of HMAC-SHA256(secret, "records"
0x00 path 0x00 row in decimal): without the secret nobody can guess a record and try it. k equals `row` but behind a
broken row group of a Parquet file, whose rows keep their numbers and have no leaves: what its footer claims may be any
number.

Trees are those of RFC 9162, section 2.1; HMAC is RFC 2104. Hashes are made where texts lie in Arrow buffers.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.core import sha256
from provenance.core.digests import canonical
from provenance.readers.records.characters import CLOSE_BRACE, QUOTE, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

FORM = "rfc9162-sha256/v1"
"""The name of this definition in a scan's configuration."""

SECRET_BYTES = 32
"""Bytes of a secret."""

_SALT_BYTES = 16  # bytes
_DOMAIN = b"records\0"
_LINE_BYTES = 256  # bytes that hold any line and its padding


def derive_salt(secret: bytes, path: str, row: int) -> str:
    """Return the salt of a record, hexadecimal.

    Args:
        secret: SECRET_BYTES bytes.
        path: of its file, as in FILES.
        row: its number.
    """
    message = _DOMAIN + path.encode() + b"\0" + str(row).encode()
    return hmac.digest(secret, message, "sha256")[:_SALT_BYTES].hex()


def make_line(secret: bytes, path: str, row: int, text: str | None) -> bytes:
    """Return the line of a record: the definition, which the kernel is held to.

    Args:
        secret: SECRET_BYTES bytes.
        path: of its file, as in FILES.
        row: its number.
        text: its view `whole`; None where it has none.

    Returns:
        Canonical JSON without a closing newline; the leaf's hash is SHA-256(0x00 || line).
    """
    digest = None if text is None else hashlib.sha256(text.encode()).hexdigest()
    return canonical({"row": row, "salt": derive_salt(secret, path, row), "sha256": digest})


def hash_leaves(secret: bytes, paths: Sequence[str], ends: Any, batch: pa.RecordBatch) -> Any:
    """Hash the leaves of some records of one or many files.

    Args:
        secret: SECRET_BYTES bytes.
        paths: of the files, as in FILES.
        ends: int64, where the records of each begin in the batch, and where the last one's end.
        batch: rows of RECORDS, file after file.

    Returns:
        uint8[n, 32], one hash a record, in order. Whoever calls this from a thread holds no lock meanwhile.
    """
    whole = batch["whole"]
    out = np.empty((len(whole), sha256.DIGEST_BYTES), np.uint8)
    if len(whole):
        key = secret if len(secret) <= sha256.BLOCK_BYTES else hashlib.sha256(secret).digest()
        inner, outer = _compress_whole(_pad_key(key, 0x36)), _compress_whole(_pad_key(key, 0x5C))
        messages = [_DOMAIN + path.encode() + b"\0" for path in paths]
        borders = np.cumsum([0, *map(len, messages)])
        _, offsets, data = whole.buffers()
        texts = np.frombuffer(data, np.uint8) if data is not None and data.size else np.frombuffer(b"", np.uint8)
        places = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
        there = whole.is_valid().to_numpy(zero_copy_only=False)
        shared = np.frombuffer(b"".join(messages), np.uint8)
        rows = batch["row"].to_numpy()
        _hash_lines_of_files(texts, places, there, rows, inner, shared, borders, np.asarray(ends), outer, out)
    return out


class FileSalts:
    """The salts of one file.

    Args:
        secret: SECRET_BYTES bytes.
        path: of the file, as in FILES.
    """

    def __init__(self, secret: bytes, path: str) -> None:
        self._secret, self._path = secret, path

    def hash_leaves(self, batch: pa.RecordBatch) -> Any:
        """Hash the leaves of some records of the file, as `hash_leaves` does."""
        return hash_leaves(self._secret, [self._path], np.array([0, len(batch)]), batch)


def _pad_key(key: bytes, byte: int) -> bytes:
    return bytes(each ^ byte for each in key.ljust(sha256.BLOCK_BYTES, b"\0"))


def _compress_whole(message: bytes) -> Any:
    """Return the state after some whole blocks."""
    state = sha256.INITIAL_STATE.copy()
    sha256.compress_blocks(state, np.frombuffer(message, np.uint8), 0, len(message) // sha256.BLOCK_BYTES)
    return state


class RecordTreeBuilder:
    """The tree of a file as its leaves come: no more than one hash a level is kept."""

    def __init__(self) -> None:
        self._peaks = np.empty((64, sha256.DIGEST_BYTES), np.uint8)
        self._count = 0

    def add_leaves(self, leaves: Any) -> None:
        """Append leaves.

        Args:
            leaves: uint8[n, 32], their hashes, in order.
        """
        _add_to_peaks(self._peaks, self._count, leaves)
        self._count += len(leaves)

    def compute_root(self) -> str | None:
        """Return the root, hexadecimal; None of no leaves."""
        found: bytes | None = None
        for level in range(self._count.bit_length()):
            if self._count >> level & 1:
                peak = self._peaks[level].tobytes()
                found = peak if found is None else hashlib.sha256(b"\1" + peak + found).digest()
        return None if found is None else found.hex()


_OPEN, _SALTED, _DIGESTED, _NONE = (
    np.frombuffer(each, np.uint8) for each in (b'\0{"row":', b',"salt":"', b'","sha256":"', b'","sha256":null}')
)
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


@njit(nogil=True, cache=True)
def _write(out: Any, at: Any, what: Any) -> Any:
    for k in range(what.shape[0]):  # an index without sign is not checked, so that bytes are copied many at a time
        out[np.uint64(at + k)] = what[np.uint64(k)]
    return at + what.shape[0]


@njit(nogil=True, cache=True)
def _write_hex(out: Any, at: Any, what: Any, count: Any) -> Any:
    for k in range(count):
        byte = what[np.uint64(k)]
        out[np.uint64(at + 2 * k)] = _DIGITS[np.uint64(byte >> 4)]
        out[np.uint64(at + 2 * k + 1)] = _DIGITS[np.uint64(byte & 15)]
    return at + 2 * count


@njit(nogil=True, cache=True)
def _write_number(out: Any, at: Any, number: Any) -> Any:
    size, left = 1, number // 10
    while left:
        size, left = size + 1, left // 10
    for k in range(size):
        out[at + size - 1 - k] = ZERO + number % 10
        number //= 10
    return at + size


@njit(nogil=True, cache=True)
def _hash_lines(
    data: Any, ends: Any, there: Any, rows: Any, inner: Any, rest: Any, before: Any, outer: Any, out: Any
) -> None:
    """Hash lines.

    Args:
        data: the bytes of the texts.
        ends: where they begin, and where the last ends.
        there: whether a record has a text at all.
        rows: their numbers, not negative.
        inner: HMAC's inner state, after the key and what whole blocks the shared message has.
        rest: what of the shared message is left, less than a block.
        before: bytes that `inner` has seen.
        outer: HMAC's outer state, after the key.
        out: uint8[n, 32].
    """
    state, buf, made = np.empty(8, np.uint32), np.empty(_LINE_BYTES, np.uint8), np.empty(sha256.DIGEST_BYTES, np.uint8)
    text = np.empty(2 * sha256.BLOCK_BYTES, np.uint8)
    for k in range(rows.shape[0]):
        state[:] = inner
        used = _write_number(buf, _write(buf, 0, rest), rows[k])
        sha256.finish_state(state, buf, used, before + used)
        sha256.write_state(state, buf, 0)
        state[:] = outer
        sha256.finish_state(state, buf, sha256.DIGEST_BYTES, sha256.BLOCK_BYTES + sha256.DIGEST_BYTES)
        sha256.write_state(state, made, 0)
        used = _write_number(buf, _write(buf, 0, _OPEN), rows[k])
        used = _write_hex(buf, _write(buf, used, _SALTED), made, _SALT_BYTES)
        if there[k]:
            sha256.write_digest(data, ends[k], ends[k + 1], state, text, made, 0)
            used = _write_hex(buf, _write(buf, used, _DIGESTED), made, sha256.DIGEST_BYTES)
            buf[used], buf[used + 1] = QUOTE, CLOSE_BRACE
            used += 2
        else:
            used = _write(buf, used, _NONE)
        state[:] = sha256.INITIAL_STATE
        sha256.finish_state(state, buf, used, used)
        sha256.write_state(state, out[k], 0)


@njit(nogil=True, cache=True)
def _hash_lines_of_files(
    data: Any, ends: Any, there: Any, rows: Any, inner: Any, shared: Any, borders: Any, files: Any, outer: Any, out: Any
) -> None:
    """Hash the lines of many files: `shared[borders[k] : borders[k + 1]]` is what the messages of file k begin with."""
    state = np.empty(8, np.uint32)
    for k in range(files.shape[0] - 1):
        first, last = files[k], files[k + 1]
        whole = (borders[k + 1] - borders[k]) // sha256.BLOCK_BYTES
        state[:] = inner
        sha256.compress_blocks(state, shared, borders[k], whole)
        rest = shared[borders[k] + whole * sha256.BLOCK_BYTES : borders[k + 1]]
        _hash_lines(
            data, ends[first : last + 1], there[first:last], rows[first:last], state, rest,
            sha256.BLOCK_BYTES * (1 + whole), outer, out[first:last],
        )  # fmt: skip


@njit(nogil=True, cache=True)
def _add_to_peaks(peaks: Any, count: Any, leaves: Any) -> None:
    """Append leaves to perfect subtrees: peak n is one of 2**n leaves, and is there where bit n of the count is set."""
    state, buf, made = (
        np.empty(8, np.uint32),
        np.empty(2 * sha256.BLOCK_BYTES, np.uint8),
        np.empty(sha256.DIGEST_BYTES, np.uint8),
    )
    for k in range(leaves.shape[0]):
        made[:] = leaves[k]
        level, left = 0, count + k
        while left & 1:
            buf[0] = 1
            _write(buf, _write(buf, 1, peaks[level]), made)
            state[:] = sha256.INITIAL_STATE
            sha256.finish_state(state, buf, 1 + 2 * sha256.DIGEST_BYTES, 1 + 2 * sha256.DIGEST_BYTES)
            sha256.write_state(state, made, 0)
            level, left = level + 1, left >> 1
        peaks[level] = made
