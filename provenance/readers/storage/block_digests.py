"""Block digests: bytes are digested in the read that parses them, and every later read is held to those digests."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO, Protocol

from provenance.errors import FileChanged

BLOCK_BYTES = 1 << 20
"""Bytes of a digested block."""


class Readable(Protocol):
    """Whatever yields bytes in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


class BlockDigest:
    """SHA-256 of a run of bytes and of each of its 1 MiB blocks (FIPS 180-4)."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self._room = BLOCK_BYTES
        self._blocks: list[bytes] = []
        self.size = 0

    def update(self, data: bytes) -> None:
        """Add `data` to both."""
        self._whole.update(data)
        self.size += len(data)
        view = memoryview(data)
        while len(view) >= self._room:
            self._block.update(view[: self._room])
            self._blocks.append(self._block.digest())
            view = view[self._room :]
            self._block, self._room = hashlib.sha256(), BLOCK_BYTES
        self._block.update(view)
        self._room -= len(view)

    def sha256(self) -> str:
        """Return the digest of all bytes so far, hexadecimal."""
        return self._whole.hexdigest()

    def blocks(self) -> tuple[bytes, ...]:
        """Return the digests of the blocks so far, the last of which may be short."""
        return (*self._blocks, self._block.digest()) if self._room < BLOCK_BYTES else tuple(self._blocks)


class DigestingReader:
    """Read a file once from start to end and digest what goes by.

    Args:
        file: opened for reading bytes.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.digest = BlockDigest()

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        return data

    def drain(self) -> None:
        """Read and digest what is left."""
        while self.read(BLOCK_BYTES):
            pass


class CheckedFile(io.RawIOBase):
    """Random access that holds every block to the digest of the first read.

    Args:
        file: opened for reading bytes, seekable.
        size: bytes of the first read.
        blocks: digests of its blocks, as of `Digest.blocks`.
        owned: whether closing this closes the file.

    Raises:
        FileChanged: on reading a block that differs.
    """

    def __init__(self, file: BinaryIO, size: int, blocks: tuple[bytes, ...], *, owned: bool = False) -> None:
        super().__init__()
        self._file, self._size, self._blocks, self._owned = file, size, blocks, owned
        self._at, self._number, self._held = 0, -1, b""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to `offset` bytes from the start, the position or the end."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def close(self) -> None:
        """Close it, and the file if it is a copy that nobody else has."""
        if self._owned:
            self._file.close()
        super().close()

    def _load(self, number: int) -> bytes:
        if number != self._number:
            self._file.seek(number * BLOCK_BYTES)
            data = self._file.read(min(BLOCK_BYTES, self._size - number * BLOCK_BYTES))
            if hashlib.sha256(data).digest() != self._blocks[number]:
                raise FileChanged(f"block {number} differs from the first read of this scan; scan again")
            self._number, self._held = number, data
        return self._held

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes from the position on, all of them checked."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        parts = []
        while self._at < end:
            number, skip = divmod(self._at, BLOCK_BYTES)
            part = self._load(number)[skip : skip + end - self._at]
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # a buffer, whatever its name
        """Fill `buffer` and return how many bytes that took."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
