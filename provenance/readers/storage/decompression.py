"""Decompression of gzip, bzip2, xz, zstd and LZ4 frames, within limits."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import TYPE_CHECKING

from provenance.errors import LimitExceeded
from provenance.readers.storage.formats import CODECS, Codec
from provenance.readers.storage.limits import LIMITS
from provenance.readers.storage.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from provenance.readers.storage.block_digests import Readable
    from provenance.readers.storage.limits import Budget

STEP_BYTES = 1 << 18
"""Bytes fed to a decoder at a time."""


def _gzip() -> zlib._Decompress:
    return zlib.decompressobj(31)  # 31 = 15 bits of window, gzip header and trailer (RFC 1952)


def _xz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(
        memlimit=LIMITS.window_bytes + (1 << 20)
    )  # a dictionary may claim 4 GiB; -9e asks for 64 MiB


class Decompressor:
    """Decompress a run of members (RFC 1952 section 2.2: a gzip file is a series of them).

    Args:
        source: compressed bytes.
        codec: its name, for messages.
        decoder: makes what decodes one member.
    """

    def __init__(
        self,
        source: Readable,
        codec: str,
        decoder: Callable[[], zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor],
    ) -> None:
        self._source, self._codec, self._fresh = source, codec, decoder
        self._pending = b""
        self._decoder = self._fresh()
        self._begun = False
        self._fed = 0
        self.taken = 0
        """Compressed bytes that yielded what was returned so far."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` decompressed bytes, none at the end.

        Raises:
            EOFError: the last member is cut off.
            OSError: what follows a member is neither a member nor padding.
        """
        while True:
            if self._decoder.eof and not self._next_member():
                return b""
            if not self._pending and self._needs_input():
                self._pending = self._source.read(STEP_BYTES)
                self._fed += len(self._pending)
                if not self._pending:
                    if not self._begun:
                        return b""
                    raise EOFError(f"truncated {self._codec} stream")
            self._begun = True
            data = self._decompressed(max(1, size))
            self._pending = getattr(self._decoder, "unconsumed_tail", b"")
            self.taken = self._fed - len(self._pending) - len(self._decoder.unused_data)
            if data:
                return data

    def _decompressed(self, size: int) -> bytes:
        try:
            return self._decoder.decompress(self._pending, size)
        except lzma.LZMAError as error:
            raise _memory_fault(error) from error

    def _needs_input(self) -> bool:
        return bool(getattr(self._decoder, "needs_input", True))

    def _read_more(self) -> bytes:
        data = self._source.read(STEP_BYTES)
        self._fed += len(data)
        return data

    def _next_member(self) -> bool:
        rest = self._decoder.unused_data or self._read_more()
        while rest and not rest.strip(b"\0"):  # padding, as tape drives and xz leave it
            rest = self._read_more()
        rest = rest.lstrip(b"\0")
        self._decoder, self._pending, self._begun = self._fresh(), rest, bool(rest)
        return bool(rest)


class _ArrowDecompressor:
    """Decompress a series of frames of zstd (RFC 8878) or LZ4 through Arrow."""

    def __init__(self, source: Readable, codec: str) -> None:
        import pyarrow as pa

        self._file = _FileObject(source)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._file, mode="r"), codec)
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._stream.read(min(size, 1 << 14))  # small, for a fault loses what its read had so far
        except OSError as error:
            raise _memory_fault(error) from error
        self.taken = self._file.given
        return data


def _memory_fault(error: Exception) -> Exception:
    """Return what to raise of a decoder's error: that it needs much memory is said in plain words."""
    if "emory" not in str(error):
        return error
    return LimitExceeded(f"it looks back further than the {LIMITS.window_bytes:,} bytes that a decoder may hold")


class _FileObject(io.RawIOBase):
    """A source as the file object that pyarrow asks for."""

    def __init__(self, source: Readable) -> None:
        super().__init__()
        self._source = source
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self.given += len(data)
        return data


DECOMPRESSION_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
"""What a broken compressed stream raises; Arrow's errors are OSError or ValueError."""


def decompress(source: Readable, codec: str, budget: Budget) -> Stream:
    """Decompress a stream; concatenated members and frames are one.

    Args:
        source: compressed bytes.
        codec: one of CODECS.
        budget: how many bytes it may yield.

    Returns:
        The decompressed bytes; a cut, a wrong checksum or a bomb ends them early, with `fault` set.
    """
    return Stream(CODECS[codec].decompress(source), DECOMPRESSION_ERRORS, budget)


CODEC = (
    Codec("gzip", "gz", (b"\x1f\x8b",), lambda source: Decompressor(source, "gzip", _gzip)),
    Codec("bz2", "bz2", (b"BZh",), lambda source: Decompressor(source, "bz2", bz2.BZ2Decompressor), printable=True),
    Codec("xz", "xz", (b"\xfd7zXZ\0",), lambda source: Decompressor(source, "xz", _xz)),
    Codec("zstd", "zst", (b"\x28\xb5\x2f\xfd",), lambda source: _ArrowDecompressor(source, "zstd")),
    Codec("lz4", "lz4", (b"\x04\x22\x4d\x18",), lambda source: _ArrowDecompressor(source, "lz4")),
)
