"""The members of zip and tar archives, in memory, within limits."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.core.path_names import member_name_to_text
from provenance.errors import FileChanged, LimitExceeded
from provenance.readers.storage.block_digests import BLOCK_BYTES
from provenance.readers.storage.decompression import DECOMPRESSION_ERRORS
from provenance.readers.storage.formats import ContainerFormat
from provenance.readers.storage.limits import LIMITS
from provenance.readers.storage.streams import Stream
from provenance.readers.storage.zip_members import UnpackedMember

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.storage.block_digests import CheckedFile
    from provenance.readers.storage.limits import Budget, Limits


HEADERS = 4 << 20
"""Bytes of the headers before one member of a tar file, at most: each of their fields costs ten times its bytes."""


@dataclass(slots=True)
class Member:
    """One member of an archive, as its reader sees it.

    Args:
        name: as the archive has it, printable.
        size: its bytes uncompressed, as the archive claims.
        stored: bytes that it takes on disk; of a tar, its size.
        stream: its bytes; None where `reason` says why they are not read.
        reason: why it is skipped.
    """

    name: str
    size: int
    stored: int
    stream: Stream | None = None
    reason: str | None = None


@dataclass(slots=True)
class Archive:
    """The members of an archive, in the order they are stored, and what broke.

    Args:
        budget: what all members together may yield.
        fault: why reading the archive ended early, once it has.
    """

    budget: Budget
    fault: str | None = None
    _names: dict[str, int] = field(default_factory=dict)

    def unzip(self, file: CheckedFile) -> Iterator[Member]:
        """Yield the members of a zip file (APPNOTE 6.3.10); nothing is written to disk, whatever their names.

        Args:
            file: the archive.

        Yields:
            One member a file in it; folders are left out. A member's stream is read before the next is asked for.
        """
        try:
            _hold_directory(file, self.budget.limits)
            with zipfile.ZipFile(io.BufferedReader(file, 1 << 16)) as archive:
                for number, info in enumerate(archive.infolist()):
                    self._admit(number)
                    if not info.is_dir():
                        yield self._zip_member(archive, info)
        except FileChanged:
            raise
        except (*_ZIP_FAULTS, LimitExceeded) as error:
            self.fault = f"zip: {str(error) or type(error).__name__}"

    def _zip_member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
        member = Member(self.name_member(info.filename), info.file_size, info.compress_size)
        if info.flag_bits & 0x1:  # APPNOTE 4.4.4, bit 0
            member.reason = "encrypted"
            return member
        try:
            bounded = info.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            source = UnpackedMember(archive, info, LIMITS.window_bytes) if bounded else archive.open(info)
            member.stream = Stream(source, _ZIP_FAULTS, self.budget)
        except _ZIP_FAULTS as error:
            member.reason = f"zip: {error}"
        return member

    def untar(self, stream: Stream) -> Iterator[Member]:
        """Yield the members of a tar file (POSIX.1-1988 ustar, pax, GNU) as they go by.

        Args:
            stream: the archive's bytes, decompressed.

        Yields:
            One member a file, link or device in it; links and devices have a reason instead of a stream.
        """
        number = 0
        try:
            while number == 0 or _find_next_tar(stream):
                forward = _Forward(stream)
                with tarfile.open(fileobj=forward, mode="r:") as archive:
                    for info in archive:
                        archive.members.clear()  # type: ignore[attr-defined]  # else a million members stay in memory
                        forward.headers = 0
                        _forget_unknown(archive)
                        self._admit(number)
                        number += 1
                        if not info.isdir():
                            yield self._tar_member(forward, info)
                number = max(1, number)
            if stream.peek(1):
                self.fault = "tar: what follows the end of the archive is no member of it"
        except (*_TAR_FAULTS, LimitExceeded) as error:
            self.fault = f"tar: {str(error) or type(error).__name__}"

    def _tar_member(self, forward: _Forward, info: tarfile.TarInfo) -> Member:
        member = Member(self.name_member(info.name), info.size, info.size)
        if not info.isreg():
            member.size, member.reason = 0, "link, device or other special member"
        elif info.issparse():
            member.reason = "sparse member"
        else:
            forward.seek(info.offset_data)
            member.stream = Stream(_Span(forward, info.size), _TAR_FAULTS)
        return member

    def _admit(self, number: int) -> None:
        if number >= self.budget.limits.most_members:
            raise LimitExceeded(f"more than {self.budget.limits.most_members} members")

    def name_member(self, name: str) -> str:
        """Return a name for a member that no other has, printable.

        Args:
            name: as the archive has it.
        """
        shown = member_name_to_text(name)
        unique, count = shown, self._names.get(shown, 1)
        while unique in self._names:  # a member may be called `a#2` of its own
            count += 1
            unique = f"{shown}#{count}"
        self._names[shown] = count
        self._names.setdefault(unique, 1)
        return unique


_ZIP_FAULTS = (
    *DECOMPRESSION_ERRORS,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    struct.error,
    OverflowError,
)
_TAR_FAULTS = (*DECOMPRESSION_ERRORS, tarfile.TarError, OverflowError, RecursionError)
_FIELDS = set(tarfile.PAX_FIELDS)


def _hold_directory(file: CheckedFile, limits: Limits) -> None:
    """Refuse a zip whose central directory would not fit in memory (APPNOTE 4.3.16, 4.3.14)."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - 22))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise zipfile.BadZipFile("no central directory: the file is cut off or no zip")
    directory = struct.unpack_from("<L", tail, at + 12)[0] if len(tail) >= at + 16 else 0
    wide = tail.rfind(b"PK\6\6")
    if directory == 0xFFFFFFFF and wide >= 0 and len(tail) >= wide + 48:
        directory = struct.unpack_from("<Q", tail, wide + 40)[0]
    file.seek(0)
    if directory > min(size, 128 * limits.most_members, limits.member_bytes):
        raise LimitExceeded("its directory is larger than the limits allow")


def _forget_unknown(archive: tarfile.TarFile) -> None:
    """Drop fields of global headers that say nothing of a member: tarfile copies them all for each that follows."""
    headers = archive.pax_headers
    if not headers.keys() <= _FIELDS:
        archive.pax_headers = {name: value for name, value in headers.items() if name in _FIELDS}


_BLOCK = 512  # bytes of a header of tar


def _find_next_tar(stream: Stream) -> bool:
    """Skip the zeros behind an archive, and tell whether another follows: tar files are put together so."""
    while (block := stream.peek(_BLOCK)) and not block.strip(b"\0"):
        stream.read(_BLOCK)
    return _is_tar(block)


class _Span:
    """So many bytes of a tar file, from where it stands."""

    def __init__(self, file: _Forward, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.take(min(size, self._left))
        if self._left and not data:
            raise EOFError("truncated member")
        self._left -= len(data)
        return data


class _Forward(io.RawIOBase):
    """A stream as the file that tarfile reads: it seeks forward only, and no headers may ask for much memory.

    Args:
        stream: its bytes.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream, self._at = stream, 0
        self.headers = 0  # bytes that tarfile has read since the last member

    def take(self, size: int) -> bytes:
        """Read the bytes of a member."""
        data = self._stream.read(size)
        self._at += len(data)
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence or offset < self._at:
            raise tarfile.ReadError("members are out of order")
        while self._at < offset and self.take(min(BLOCK_BYTES, offset - self._at)):
            pass
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= HEADERS - self.headers:
            raise tarfile.ReadError(f"the headers of one member take more than {HEADERS:,} bytes")
        self.headers += size
        return self.take(size)


def _is_tar(head: bytes) -> bool:
    """Look for the mark of ustar; of a header from before it check the sum of all bytes, its own field as spaces."""
    if head[257:262] == b"ustar":
        return True
    if len(head) < 512 or not head[0]:
        return False
    field = head[148:156].strip(b" \0")
    if not field or not all(48 <= digit < 56 for digit in field):
        return False
    return int(field, 8) == sum(head[:148]) + 256 + sum(head[156:512])


CONTAINER_FORMAT = (
    ContainerFormat("zip", Archive.unzip, magic=(b"PK\3\4", b"PK\5\6"), seekable=True),
    ContainerFormat("tar", Archive.untar, sniff=_is_tar),
)
