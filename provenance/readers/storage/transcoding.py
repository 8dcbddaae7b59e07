"""Text in another encoding as UTF-8."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from provenance.readers.storage.decompression import DECOMPRESSION_ERRORS, STEP_BYTES
from provenance.readers.storage.streams import Stream

if TYPE_CHECKING:
    from provenance.readers.storage.block_digests import Readable


class _Utf8Reader:
    """Text as UTF-8; what is not of its encoding becomes a byte or surrogate that no UTF-8 holds."""

    def __init__(self, source: Readable, encoding: str, errors: str) -> None:
        self._source = source
        self._make = codecs.getincrementaldecoder(encoding)
        self._errors = errors
        self._decoder = self._make(errors=errors)
        self._pending = b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._pending:
            data = self._source.read(STEP_BYTES)
            text = self._decoder.decode(data, final=False)
            tail = b"" if data or not self._decoder.getstate()[0] else b"\xff"
            self._decoder = self._decoder if data else self._make(errors=self._errors)
            self._pending = text.encode("utf-8", "surrogatepass") + tail
            if not data:
                break
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


def transcode(source: Readable, encoding: str | None = None) -> Stream:
    """Read text in another encoding as UTF-8.

    Args:
        source: bytes; without an encoding they begin with FF FE or FE FF.
        encoding: its encoding, as Python knows it; None = UTF-16 with a byte order mark.

    Returns:
        UTF-8; a lone surrogate of UTF-16, and a byte that the encoding does not know, become three bytes that a reader
        finds invalid.
    """
    reader = _Utf8Reader(source, encoding or "utf-16", "surrogateescape" if encoding else "surrogatepass")
    return Stream(reader, (*DECOMPRESSION_ERRORS, UnicodeError))


class _LineEndReader:
    """Text whose lines end with a carriage return alone, as with a newline."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(size).replace(b"\r", b"\n")


def has_old_line_ends(head: bytes) -> bool:
    """Tell whether the lines of a text end with a carriage return alone.

    Args:
        head: its first bytes.
    """
    return b"\r" in head and b"\n" not in head


def unify_line_ends(source: Readable) -> Stream:
    """Read lines that end with a carriage return as lines that end with a newline, byte for byte.

    Args:
        source: such a text.
    """
    return Stream(_LineEndReader(source), (*DECOMPRESSION_ERRORS, UnicodeError))
