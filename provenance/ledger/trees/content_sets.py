"""Content sets, `provenance-set/v1`: the digests of everything a scan read, as a set that proves what is not in it.

    offset        bytes        what
    0             32           "provenance-set/v1" 0x0A, filled up with 0x00
    32            8            n, the number of keys
    40            8            D, max(0, bits of n - 8): buckets of some 128 to 256 keys
    48            16           salt
    64            32 n         keys, strictly ascending
    64 + 32 n     32 (2^(D+1) - 1)   hashes of the sparse tree's depths 0, 1, ... D, each in the order of its bits

A key is SHA-256("provenance-content/v1" 0x00 || salt || SHA-256 of the content). Numbers are unsigned 64-bit
little-endian; the tree is `csmt-sha256/v1` (sparse_merkle.py). Whoever learns the salt can ask whether a content they
have is in the set; whoever lacks it learns nothing. The entry signs a digest of the salt, or a proof of absence could
be made with another salt, under which no content is in the set.
"""

from __future__ import annotations

import shutil
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from provenance.errors import VerificationError
from provenance.ledger.trees import sparse_merkle
from provenance.ledger.trees.hash_files import StoredFile
from provenance.ledger.trees.stored_trees import LEAST_COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ALGORITHM = "csmt-sha256/v1"
KEY_DOMAIN = b"provenance-content/v1\0"
MAGIC = b"provenance-set/v1\n".ljust(32, b"\0")
SALT_BYTES = 16
"""Bytes of a set's salt."""

_HEAD_BYTES = len(MAGIC) + 8 + 8 + SALT_BYTES
_KEY_BYTES = 32  # bytes
_KEYS_HELD = 1 << 18  # keys that are held in memory before they go to their parts on disk
_PART_COUNT = 256  # parts of the set on disk, by the first byte of a key
_DEEPEST_LEVEL = 40  # depth of buckets; more keys than a disk holds


def derive_key(salt: bytes, digest: bytes) -> bytes:
    """Return the key of a content: SHA-256(domain || salt || digest).

    Args:
        salt: of the set, 16 bytes.
        digest: SHA-256 of the content, 32 bytes.
    """
    return sha256(KEY_DOMAIN + salt + digest).digest()


def digest_salt(salt: bytes) -> str:
    """Return what an entry signs of a set's salt: SHA-256("provenance-salt/v1" 0x00 || salt), hexadecimal.

    Args:
        salt: 16 bytes that nobody can guess, so that the digest tells nothing of them.
    """
    return sha256(b"provenance-salt/v1\0" + salt).hexdigest()


def derive_keys(salt: bytes, digests: Iterable[bytes]) -> Iterator[bytes]:
    """Return the keys of many contents, as `derive_key` does.

    Args:
        salt: of the set, 16 bytes.
        digests: SHA-256 of each content, 32 bytes.
    """
    for batch in _batches(digests):
        if len(batch) < LEAST_COMPILED:
            yield from (derive_key(salt, digest) for digest in batch)
        else:
            from provenance.ledger.trees import batch_hashing

            yield from _cut_keys(batch_hashing.hash_keys(KEY_DOMAIN + salt, b"".join(batch)))


def bucket_depth(count: int) -> int:
    """Return the depth of the buckets of a set.

    Args:
        count: number of keys.
    """
    return max(0, count.bit_length() - 8)


def write_set(digests: Iterable[bytes], salt: bytes, path: Path) -> tuple[int, bytes]:
    """Write a content set; memory does not grow with it.

    Args:
        digests: SHA-256 of each content, 32 bytes, in any order; what comes twice is one key.
        salt: 16 bytes.
        path: the file to make; a folder `<name>.parts` beside it is used meanwhile.

    Returns:
        The number of keys, and the root.

    Raises:
        OSError: it cannot be written.
    """
    parts = path.with_name(f"{path.name}.parts")
    parts.mkdir()
    try:
        _divide_keys(derive_keys(salt, digests), parts)
        with path.open("wb+") as file:
            file.write(bytes(_HEAD_BYTES))
            count = sum(_write_part(file, parts / f"{first:02x}") for first in range(_PART_COUNT))
            deep = bucket_depth(count)
            file.seek(0)
            file.write(MAGIC + count.to_bytes(8, "little") + deep.to_bytes(8, "little") + salt)
            levels = _hash_levels(_hash_buckets(file, count, deep), deep)
            file.seek(0, 2)
            for level in levels:
                file.write(b"".join(level))
    finally:
        shutil.rmtree(parts, ignore_errors=True)
    return count, levels[0][0]


class StoredContentSet(StoredFile):
    """A content set, open for reading; only what is asked for is read.

    Args:
        path: the file.

    Raises:
        OSError: it cannot be opened.
        VerificationError: it is not such a file.
    """

    def _head(self, name: str) -> None:
        self.count, self.depth, self.salt = _read_head(self._file, name)

    def root(self) -> bytes:
        """Return the root of the set's tree, as it is stored."""
        return self.read(self._read_hash(0, 0), _KEY_BYTES)

    def prove(self, key: bytes) -> sparse_merkle.SparseProof:
        """Return the proof that a key is, or is not, in the set.

        Args:
            key: the key.

        Returns:
            The proof; sparse.found says what it shows.
        """
        low, high, at, siblings = 0, self.count, 0, []
        while high - low > 1 and at < self.depth:
            middle = self._first_not_below(sparse_merkle.lowest_right_key(key, at), low, high)
            at += 1
            way = int.from_bytes(key) >> (sparse_merkle.KEY_BITS - at)
            siblings.append(self.read(self._read_hash(at, way ^ 1), _KEY_BYTES))
            low, high = (middle, high) if way & 1 else (low, middle)
        if high - low <= 1:
            return sparse_merkle.SparseProof(tuple(siblings), self._read_keys(low, high)[0] if low < high else None)
        below = sparse_merkle.prove(self._read_keys(low, high), key, at)
        return sparse_merkle.SparseProof((*siblings, *below.siblings), below.end)

    def check(self, digests: Iterable[bytes]) -> None:
        """Hold the set to the contents it is said to be of: every key and every hash is made again and compared.

        Args:
            digests: SHA-256 of each content, 32 bytes, in any order.

        Raises:
            VerificationError: it is the set of other contents, or its hashes are not those of its keys.
        """
        self.rehash()
        check = ContentCheck(self)
        check.add(digests)
        check.finish()

    def rehash(self) -> None:
        """Make every hash of the tree again from the keys, and compare.

        Raises:
            VerificationError: the hashes are not those of the keys, or the keys are not in order.
        """
        for at, level in enumerate(_hash_levels(_hash_buckets(self._file, self.count, self.depth), self.depth)):
            stored = b"".join(level)
            if self.read(self._read_hash(at, 0), len(stored)) != stored:
                raise VerificationError("the hashes of the content set are not those of its keys")

    def map_keys(self) -> NDArray[np.bytes_]:
        """Return the keys where they stand in the file, without reading them."""
        if not self.count:
            return np.zeros(0, "S32")
        return np.memmap(self._file, "S32", "r", _HEAD_BYTES, self.count)

    def _first_not_below(self, bound: bytes, low: int, high: int) -> int:
        while low < high:
            middle = (low + high) // 2
            if self._read_keys(middle, middle + 1)[0] < bound:
                low = middle + 1
            else:
                high = middle
        return low

    def _read_keys(self, low: int, high: int) -> list[bytes]:
        return _cut_keys(self.read(_HEAD_BYTES + _KEY_BYTES * low, _KEY_BYTES * (high - low)))

    def _read_hash(self, level: int, index: int) -> int:
        return _hash_offset(self.count, level, index)


class ContentCheck:
    """Holds a set to contents that come bit by bit: each must be in it, and nothing else may be.

    Args:
        stored: the set.
    """

    def __init__(self, stored: StoredContentSet) -> None:
        self._stored, self._keys = stored, stored.map_keys()
        self._seen = np.zeros(stored.count, np.bool_)

    def add(self, digests: Iterable[bytes]) -> None:
        """Look some contents up.

        Args:
            digests: SHA-256 of each, 32 bytes.

        Raises:
            VerificationError: one is not in the set.
        """
        for batch in _batches(derive_keys(self._stored.salt, digests)):
            batch_digests = np.array(batch, "S32")
            at = np.minimum(np.searchsorted(self._keys, batch_digests), max(len(self._keys) - 1, 0))
            if not len(self._keys) or not (self._keys[at] == batch_digests).all():
                raise VerificationError("the content set lacks a content that the files name")
            self._seen[at] = True

    def finish(self) -> None:
        """See that every key of the set was looked up.

        Raises:
            VerificationError: the set holds more than the contents.
        """
        if not self._seen.all():
            raise VerificationError("the content set holds a content that the files do not name")


def _read_head(file: BinaryIO, name: str) -> tuple[int, int, bytes]:
    """Number of keys, depth of the buckets, salt: of a file that is exactly as long as they say."""
    head = file.read(_HEAD_BYTES)
    at = len(MAGIC)
    count, deep = (int.from_bytes(head[first : first + 8], "little") for first in (at, at + 8))
    known = head[:at] == MAGIC and deep == bucket_depth(count) <= _DEEPEST_LEVEL
    if not known or file.seek(0, 2) != _hash_offset(count, deep + 1, 0):
        raise VerificationError(f"{name} is not a content set (provenance-set/v1)")
    return count, deep, head[-SALT_BYTES:]


def _hash_offset(count: int, level: int, index: int) -> int:
    """Where a hash of the tree's upper depths stands in the file."""
    return _HEAD_BYTES + _KEY_BYTES * (count + (1 << level) - 1 + index)


def _divide_keys(found: Iterable[bytes], parts: Path) -> None:
    """Put keys into parts by their first byte, so that each can be sorted in memory."""
    buffers: list[list[bytes]] = [[] for _ in range(_PART_COUNT)]
    for count, item in enumerate(found, start=1):
        buffers[item[0]].append(item)
        if count % _KEYS_HELD == 0:
            _flush_parts(buffers, parts)
    _flush_parts(buffers, parts)


def _flush_parts(buffers: list[list[bytes]], parts: Path) -> None:
    for first, items in enumerate(buffers):
        if items:
            with (parts / f"{first:02x}").open("ab") as file:
                file.write(b"".join(items))
            items.clear()


def _write_part(file: BinaryIO, part: Path) -> int:
    """Append a part, sorted, each key once; return how many there are."""
    if not part.exists():
        return 0
    once = sorted(set(_cut_keys(part.read_bytes())))
    file.write(b"".join(once))
    return len(once)


def _cut_keys(data: bytes) -> list[bytes]:
    return [data[at : at + _KEY_BYTES] for at in range(0, len(data), _KEY_BYTES)]


def _hash_buckets(file: BinaryIO, count: int, deep: int) -> Iterator[tuple[bytes, int]]:
    """Hash each bucket in turn: the keys that share their first bits. Tells how many there are in it, too."""
    shift, bucket, before = sparse_merkle.KEY_BITS - deep, 0, b""
    keys: list[bytes] = []
    ends: list[int] = []
    for item in _stream_keys(file, count):
        if item <= before:
            raise VerificationError("the keys of the content set are not in order")
        of, before = int.from_bytes(item) >> shift, item
        while bucket < of:
            bucket += 1
            ends.append(len(keys))
            if len(keys) >= LEAST_COMPILED:
                yield from _hash_bucket_runs(keys, ends, deep)
                keys, ends = [], []
        keys.append(item)
    ends += [len(keys)] * ((1 << deep) - bucket)
    yield from _hash_bucket_runs(keys, ends, deep)


def _hash_bucket_runs(keys: list[bytes], ends: list[int], deep: int) -> Iterator[tuple[bytes, int]]:
    """Hash buckets, of which each ends at a place among the keys."""
    starts = [0, *ends]
    if len(keys) < LEAST_COMPILED:
        made = [sparse_merkle.hash_subtree(keys[first:last], deep) for first, last in pairwise(starts)]
    else:
        from provenance.ledger.trees import batch_hashing

        made = _cut_keys(batch_hashing.hash_subtrees(b"".join(keys), ends, deep))
    yield from zip(made, (last - first for first, last in pairwise(starts)), strict=True)


def _stream_keys(file: BinaryIO, count: int) -> Iterator[bytes]:
    step = 1 << 15
    for first in range(0, count, step):
        file.seek(_HEAD_BYTES + _KEY_BYTES * first)
        yield from _cut_keys(file.read(_KEY_BYTES * min(step, count - first)))


def _hash_levels(buckets: Iterable[tuple[bytes, int]], deep: int) -> list[list[bytes]]:
    """Hash the tree above its buckets; return the hashes of depths 0 to D."""
    level, counts = [], []
    for made, count in buckets:
        level.append(made)
        counts.append(count)
    levels = [level]
    for _ in range(deep):
        sides = list(zip(level, counts, strict=True))
        pairs = list(zip(sides[::2], sides[1::2], strict=True))
        level = [sparse_merkle.hash_children(*left, *right) for left, right in pairs]
        counts = [left[1] + right[1] for left, right in pairs]
        levels.append(level)
    return levels[::-1]


def _batches(made: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    batch: list[bytes] = []
    for item in made:
        batch.append(item)
        if len(batch) == _KEYS_HELD:
            yield batch
            batch = []
    if batch:
        yield batch
