"""UTF-16 as UTF-8."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from provenance.readers.storage.decompression import DECOMPRESSION_ERRORS, STEP_BYTES
from provenance.readers.storage.streams import Stream

if TYPE_CHECKING:
    from provenance.readers.storage.block_digests import Readable


class _Utf8Reader:
    """UTF-16 (RFC 2781) as UTF-8; what is not UTF-16 becomes the byte FF, which no UTF-8 holds."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="surrogatepass")
        self._pending = b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._pending:
            data = self._source.read(STEP_BYTES)
            text = self._decoder.decode(data, final=False)
            tail = b"" if data or not self._decoder.getstate()[0] else b"\xff"
            self._decoder = self._decoder if data else codecs.getincrementaldecoder("utf-16")()
            self._pending = text.encode("utf-8", "surrogatepass") + tail
            if not data:
                break
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


def transcode(source: Readable) -> Stream:
    """Read UTF-16 with a byte order mark as UTF-8.

    Args:
        source: bytes that begin with FF FE or FE FF.

    Returns:
        UTF-8; a lone surrogate is left as its three bytes, which a reader finds invalid.
    """
    return Stream(_Utf8Reader(source), (*DECOMPRESSION_ERRORS, UnicodeError))
