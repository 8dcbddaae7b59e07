"""Members of zip files in the codecs that `zipfile` unpacks without a bound."""

from __future__ import annotations

import bz2
import lzma
import zipfile
import zlib
from copy import copy

from provenance.errors import LimitExceeded

_STEP_BYTES = 1 << 18  # compressed bytes fed to a decoder at a time


class UnpackedMember:
    """A member of a zip in bzip2 or LZMA (APPNOTE 4.4.5), of which `zipfile` unpacks all that a step yields at once.

    Args:
        archive: the zip.
        info: the member.
        window: bytes that its decoder may hold to look back.

    Raises:
        LimitExceeded: on reading, the decoder would hold more.
        zipfile.BadZipFile: on reading, the member is broken.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, window: int) -> None:
        self._window = window
        stored = copy(info)  # its bytes as they are
        stored.compress_type, stored.file_size, stored.CRC = zipfile.ZIP_STORED, info.compress_size, None  # type: ignore[assignment]  # None = not checked
        self._raw, self._left, self._crc, self._wanted = archive.open(stored), info.file_size, 0, info.CRC
        self._decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor | None = None
        self._is_lzma = info.compress_type == zipfile.ZIP_LZMA

    def _start(self) -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        if not self._is_lzma:
            return bz2.BZ2Decompressor()
        head = self._raw.read(9)  # APPNOTE 5.8.8: version, size of the properties, properties
        if len(head) < 9 or head[2:4] != b"\5\0" or head[4] >= 9 * 5 * 5:
            raise zipfile.BadZipFile("no LZMA properties")
        rest, literal = divmod(head[4], 9)
        power, low = divmod(rest, 5)
        window = int.from_bytes(head[5:9], "little")
        if window > self._window:
            raise LimitExceeded(f"it looks back further than the {self._window:,} bytes that a decoder may hold")
        one = {"id": lzma.FILTER_LZMA1, "dict_size": max(4096, window), "lc": literal, "lp": low, "pb": power}
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[one])

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        if self._decoder is None:
            self._decoder = self._start()
        data = b""
        while self._left and not data:
            part = self._raw.read(_STEP_BYTES) if self._decoder.needs_input else b""
            data = self._decoder.decompress(part, min(max(1, size), self._left))
            if not (data or part) and self._decoder.needs_input:
                raise EOFError("truncated member")
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if data and not self._left and self._crc != self._wanted:
            raise zipfile.BadZipFile("a member's checksum is wrong")
        return data
