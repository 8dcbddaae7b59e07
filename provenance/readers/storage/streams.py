"""A run of bytes that ends early instead of raising, and a copy of one that can be read at random."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.errors import LimitExceeded
from provenance.readers.storage.block_digests import BLOCK_BYTES, BlockDigest, CheckedFile

if TYPE_CHECKING:
    from provenance.readers.storage.block_digests import Readable
    from provenance.readers.storage.limits import Budget

_SPOOL_BYTES = 8 << 20  # bytes of a copy that stay in memory


@dataclass(slots=True)
class Stream:
    """A run of bytes that never raises: it ends early and says why in `fault`.

    Args:
        source: where the bytes come from.
        faults: what a broken source raises.
        budget: what decompression may yield, if it is decompression.
        count: bytes so far.
        fault: why they ended early.
        sound: of compressed bytes, how many yielded those so far; none where their checksum is wrong.
    """

    source: Readable
    faults: tuple[type[Exception], ...] = (OSError,)
    budget: Budget | None = None
    count: int = 0
    fault: str | None = None
    sound: int = 0
    _head: bytes = b""
    _ended: bool = False

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, or as many as there are, without moving."""
        if len(self._head) < size:
            self._head += self._pull(size - len(self._head))
        return self._head[:size]

    def read(self, size: int = -1, /) -> bytes:
        """Return exactly `size` bytes, or fewer at the end."""
        wanted = size if size >= 0 else 1 << 62
        taken, self._head = self._head[:wanted], self._head[wanted:]
        return taken if len(taken) == wanted else taken + self._pull(wanted - len(taken))

    def drain(self) -> int:
        """Read to the end and return how many bytes that was."""
        before = self.count
        left = len(self._head)
        self._head = b""
        while self._pull(BLOCK_BYTES):
            pass
        return self.count - before + left

    def _pull(self, size: int) -> bytes:
        parts = []
        while size > 0 and not self._ended:
            part = self._part(min(size, BLOCK_BYTES))
            if not part:
                self._ended = True
            self.count += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _part(self, size: int) -> bytes:
        try:
            part = self.source.read(size)
            if self.budget is not None:
                self.budget.spend(len(part))
        except LimitExceeded as error:
            self.fault, self._ended = str(error), True
            return b""
        except self.faults as error:
            self.fault = _explain_fault(error)
            self.sound = 0 if self.fault == WRONG_CHECKSUM else self.sound
            self._ended = True
            return b""
        self.sound = getattr(self.source, "taken", 0)
        return part


WRONG_CHECKSUM = "its checksum is wrong: the bytes are not those that were packed"
"""What is said where a checksum that was packed with the bytes is another than theirs."""

_CHECKSUMS = ("incorrect data check", "incorrect length check", "Bad CRC-32", "checksum", "CRC error")


def _explain_fault(error: Exception) -> str:
    words = str(error) or type(error).__name__
    if any(name in words for name in _CHECKSUMS):
        return WRONG_CHECKSUM
    found = _ZLIB.match(words)
    return f"damaged gzip or zip data: {found[1]}" if found else words


_ZLIB = re.compile(r"Error -\d+ while decompressing data: (.+)")


def copy_to_file(stream: Stream, most: int) -> CheckedFile | None:
    """Copy a stream to a file that has no name, for random access: memory is for what is read of it.

    Args:
        stream: from where it stands.
        most: bytes; of a larger one all but the rest is taken.

    Returns:
        The copy, each block held to the digest of what was copied; None where there is more, or no room for it.
    """
    spool, digest = tempfile.SpooledTemporaryFile(_SPOOL_BYTES), BlockDigest()  # noqa: SIM115 - it lives as long as what reads it
    try:
        while part := stream.read(min(BLOCK_BYTES, most + 1 - digest.size)):
            digest.update(part)
            if digest.size > most:
                spool.close()
                return None
            spool.write(part)
    except OSError as error:
        spool.close()
        stream.fault = f"no room for a copy of {digest.size:,} bytes ({error.strerror}); set TMPDIR"
        return None
    return CheckedFile(spool, digest.size, digest.blocks(), owned=True)  # type: ignore[arg-type]  # it reads and seeks as files do
