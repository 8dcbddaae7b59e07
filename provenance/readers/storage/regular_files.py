"""Regular files and no others, each to the size that it had when it was opened: what never ends is never read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from provenance.readers.storage.block_digests import BLOCK_BYTES
from provenance.readers.storage.limits import LIMITS

if TYPE_CHECKING:
    import io

    from provenance.readers.storage.block_digests import Readable
    from provenance.readers.storage.limits import Limits


_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def explain_refusal(location: str | bytes) -> str | None:
    """Say why a path must not be opened: anything but a regular file may block or never end.

    Args:
        location: where it is on disk; links are followed, for whoever asks has decided on them.

    Returns:
        A reason, or None for a regular file.

    Raises:
        OSError: the path cannot be looked at.
    """
    mode = os.stat(location).st_mode
    kinds = {stat.S_IFIFO: "FIFO", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket"}
    kinds[stat.S_IFDIR] = "folder"
    return None if stat.S_ISREG(mode) else f"not a regular file: {kinds.get(stat.S_IFMT(mode), 'special')}"


def open_regular(location: str | bytes | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file, and nothing that took its place since it was looked at.

    Args:
        location: where it is on disk.

    Returns:
        The file, unbuffered by this package's own means; its caller closes it.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    return os.fdopen(_open_handle(location), "rb")


def _open_handle(location: str | bytes | os.PathLike[str]) -> int:
    handle = os.open(location, _OPEN_FLAGS)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is not a regular file")
    return handle


class BoundedFile:
    """The first bytes of a file, and no more though it grows.

    Args:
        file: opened for reading bytes, where it begins.
        size: how many.
    """

    def __init__(self, file: Readable, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def explain_doubt(file: BinaryIO, limits: Limits) -> str | None:
    """Say why a file that calls itself regular is not read: its size says nothing of what reading it costs.

    Args:
        file: as `open_regular` returns it.
        limits: expansion_ratio and floor_bytes, as for compressed files.

    Returns:
        A reason, or None for a file whose size is that of its bytes.
    """
    status = os.fstat(file.fileno())
    size = status.st_size
    if size == 0:
        return "it has no size, and is not read as empty: no file of a disk" if _is_readable(file) else None
    stored = getattr(status, "st_blocks", size) * 512  # POSIX, sys/stat.h: blocks are of 512 bytes here
    if size <= max(limits.floor_bytes, limits.expansion_ratio * stored):
        return None
    stored = _count_stored(file, size)
    if size <= max(limits.floor_bytes, limits.expansion_ratio * stored):
        return None
    return f"a sparse file: {size:,} bytes, of which {stored:,} are stored; the others would be read as zeros"


def _is_readable(file: BinaryIO) -> bool:
    """Tell whether a file without a size can be read all the same, as those of the system under /proc."""
    try:
        return bool(os.pread(file.fileno(), 1, 0))
    except (AttributeError, ValueError):  # no such call on this system
        return False
    except OSError:  # of an empty file on a disk it is no error; /proc/self/pagemap is read by eights, others may block
        return True


_MOST_RUNS = 10_000  # stored runs of a sparse file that are added up


def _count_stored(file: BinaryIO, size: int) -> int:
    """Add up the bytes of a file that are stored: not every file system says so in its blocks."""
    added = end = 0
    try:
        for _ in range(_MOST_RUNS):
            begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            added += end - begin
    except AttributeError:  # no such call on this system
        return size
    except OSError:  # ENXIO: no more
        pass
    finally:
        file.seek(0)
    return added


def bound_to_size(file: BinaryIO, limits: Limits = LIMITS) -> BoundedFile:
    """Return an open file to the size that it has now, for whoever reads all of it.

    Args:
        file: as `open_regular` returns it.
        limits: expansion_ratio and floor_bytes, as for compressed files.

    Raises:
        OSError: its size says nothing of what reading it costs.
    """
    reason = explain_doubt(file, limits)
    if reason is not None:
        raise OSError(errno.EINVAL, reason)
    return BoundedFile(file, os.fstat(file.fileno()).st_size)


def digest_file(file: BinaryIO) -> tuple[str, int]:
    """Digest an open file, in bounded memory and no further than its size.

    Args:
        file: as `open_regular` returns it.

    Returns:
        Its SHA-256, hexadecimal, and the bytes that were read.

    Raises:
        OSError: it cannot be read, or its size says nothing of what reading it costs.
    """
    whole, size, source = hashlib.sha256(), 0, bound_to_size(file)
    while data := source.read(BLOCK_BYTES):
        whole.update(data)
        size += len(data)
    return whole.hexdigest(), size


def read_head(location: str | bytes | os.PathLike[str], most: int) -> bytes:
    """Read the first bytes of a regular file: of a device, pipe or socket nothing, for it may never end.

    Args:
        location: where it is on disk; links are followed.
        most: bytes.

    Returns:
        At most so many, and no more than the file had when it was opened: what grows is not waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    handle = _open_handle(location)
    try:
        left, parts = min(most, os.fstat(handle).st_size), []
        while left and (part := os.read(handle, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def read_small(location: str | bytes | os.PathLike[str], most: int) -> bytes | None:
    """Read a small regular file in as few calls as can be: there may be a million of them.

    Args:
        location: where it is on disk; links are followed, for whoever asks has decided on them.
        most: bytes of a small file.

    Returns:
        All of it; None where it is larger, empty, no regular file, cannot be read or changes: whoever then reads it by
        itself says why.
    """
    try:
        handle = os.open(location, _OPEN_FLAGS)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= most:
            return None
        data = os.read(handle, status.st_size + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
    return data if len(data) == status.st_size else None
