"""Open bytes: block digests, compression, archives, limits, and a second look that notices change.

Bytes are read once: what is parsed has been digested in the same read (`Tap`). Formats that need a second, random read
(the footer of Parquet, the directory of zip) get it through `Checked`, which holds every block to its first digest.
A fault of the data never raises while it streams: a `Stream` ends early and says so in `fault`.
"""

from __future__ import annotations

import bz2
import codecs
import errno
import hashlib
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

from provenance.core.path_names import shown_name
from provenance.errors import FileChanged, LimitExceeded
from provenance.readers.storage.zip_members import Unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
"""Bytes of a digested block."""

CODECS = ("gzip", "bz2", "xz", "zstd")
ARCHIVES = ("zip", "tar")
_SPOOL = 8 << 20  # bytes of a copy that stay in memory
_STEP = 1 << 18  # compressed bytes fed to a decoder at a time


@dataclass(frozen=True, slots=True)
class Limits:
    """How much memory and time one file may cost.

    Args:
        batch: bytes of input that become one batch.
        record: bytes of the largest record; a larger one is one unreadable record.
        depth: nesting of a JSON value.
        ratio: decompressed bytes for one compressed byte; beyond it (and beyond `floor`) the rest is skipped.
        floor: decompressed bytes that are always allowed.
        members: members of an archive; the rest is skipped.
        held: bytes of an archive member that must be set aside because its format needs random access.
        memory: bytes that decoding a columnar file may take, in a process of its own.
        window: bytes that a compressed stream may look back.
    """

    batch: int = 8 << 20
    record: int = 64 << 20
    depth: int = 512
    ratio: int = 200
    floor: int = 64 << 20
    members: int = 1_000_000
    held: int = 256 << 20
    memory: int = 352 << 20
    window: int = 128 << 20


LIMITS = Limits()


class Readable(Protocol):
    """Whatever yields bytes in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        ...


class Digest:
    """SHA-256 of a run of bytes and of each of its 1 MiB blocks (FIPS 180-4)."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._block = hashlib.sha256()
        self._room = BLOCK
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
            self._block, self._room = hashlib.sha256(), BLOCK
        self._block.update(view)
        self._room -= len(view)

    def sha256(self) -> str:
        """Return the digest of all bytes so far, hexadecimal."""
        return self._whole.hexdigest()

    def blocks(self) -> tuple[bytes, ...]:
        """Return the digests of the blocks so far, the last of which may be short."""
        return (*self._blocks, self._block.digest()) if self._room < BLOCK else tuple(self._blocks)


class Tap:
    """Read a file once from start to end and digest what goes by.

    Args:
        file: opened for reading bytes.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.digest = Digest()

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes."""
        data = self._file.read(size)
        self.digest.update(data)
        return data

    def drain(self) -> None:
        """Read and digest what is left."""
        while self.read(BLOCK):
            pass


def refuse(location: str | bytes) -> str | None:
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
    handle = os.open(location, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(handle, "rb")


class Checked(io.RawIOBase):
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
            self._file.seek(number * BLOCK)
            data = self._file.read(min(BLOCK, self._size - number * BLOCK))
            if hashlib.sha256(data).digest() != self._blocks[number]:
                raise FileChanged(f"block {number} differs from the first read of this scan; scan again")
            self._number, self._held = number, data
        return self._held

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes from the position on, all of them checked."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        parts = []
        while self._at < end:
            number, skip = divmod(self._at, BLOCK)
            part = self._load(number)[skip : skip + end - self._at]
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # a buffer, whatever its name
        """Fill `buffer` and return how many bytes that took."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(slots=True)
class Budget:
    """How many bytes decompression may still yield, shared by the members of one archive.

    Args:
        limits: ratio and floor.
        size: compressed bytes on disk.
        what: what takes so many bytes, for messages.
    """

    limits: Limits
    size: int
    spent: int = 0
    what: str = "it decompresses to"

    def spend(self, amount: int) -> None:
        """Take `amount` bytes.

        Raises:
            LimitExceeded: there are not so many left.
        """
        self.spent += amount
        allowed = max(self.limits.floor, self.limits.ratio * self.size)
        if self.spent > allowed:
            raise LimitExceeded(
                f"{self.what} more than the limits allow: {allowed:,} bytes of {self.size:,} compressed ones"
            )


@dataclass(slots=True)
class Stream:
    """A run of bytes that never raises: it ends early and says why in `fault`.

    Args:
        source: where the bytes come from.
        faults: what a broken source raises.
        budget: what decompression may yield, if it is decompression.
        count: bytes so far.
        fault: why they ended early.
    """

    source: Readable
    faults: tuple[type[Exception], ...] = (OSError,)
    budget: Budget | None = None
    count: int = 0
    fault: str | None = None
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
        while self._pull(BLOCK):
            pass
        return self.count - before + left

    def _pull(self, size: int) -> bytes:
        parts = []
        while size > 0 and not self._ended:
            part = self._part(min(size, BLOCK))
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
            self.fault = str(error) or type(error).__name__
            self._ended = True
            return b""
        return part


def _gzip() -> zlib._Decompress:
    return zlib.decompressobj(31)  # 31 = 15 bits of window, gzip header and trailer (RFC 1952)


class Inflated:
    """Decompress a run of members (RFC 1952 section 2.2: a gzip file is a series of them).

    Args:
        source: compressed bytes.
        codec: gzip | bz2 | xz.
    """

    def __init__(self, source: Readable, codec: str) -> None:
        self._source, self._codec = source, codec
        self._pending = b""
        self._decoder = self._fresh()
        self._begun = False

    def _fresh(self) -> zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor:
        makers: dict[str, Callable[[], zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor]] = {
            "gzip": _gzip,
            "bz2": bz2.BZ2Decompressor,
            # A dictionary may claim 4 GiB; xz -9e asks for 64 MiB.
            "xz": lambda: lzma.LZMADecompressor(memlimit=LIMITS.window + (1 << 20)),
        }
        return makers[self._codec]()

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
                self._pending = self._source.read(_STEP)
                if not self._pending:
                    if not self._begun:
                        return b""
                    raise EOFError(f"truncated {self._codec} stream")
            self._begun = True
            data = self._decompressed(max(1, size))
            self._pending = getattr(self._decoder, "unconsumed_tail", b"")
            if data:
                return data

    def _decompressed(self, size: int) -> bytes:
        try:
            return self._decoder.decompress(self._pending, size)
        except lzma.LZMAError as error:
            raise _too_far(error) from error

    def _needs_input(self) -> bool:
        return bool(getattr(self._decoder, "needs_input", True))

    def _next_member(self) -> bool:
        rest = self._decoder.unused_data or self._source.read(_STEP)
        while rest and not rest.strip(b"\0"):  # padding, as tape drives and xz leave it
            rest = self._source.read(_STEP)
        rest = rest.lstrip(b"\0")
        self._decoder, self._pending, self._begun = self._fresh(), rest, bool(rest)
        return bool(rest)


class _Unzstd:
    """Decompress zstd frames (RFC 8878) through Arrow, which takes a series of them."""

    def __init__(self, source: Readable) -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(_Plain(source), mode="r"), "zstd")

    def read(self, size: int = -1, /) -> bytes:
        try:
            data: bytes = self._stream.read(min(size, 1 << 14))  # small, for a fault loses what its read had so far
        except OSError as error:
            raise _too_far(error) from error
        return data


def _too_far(error: Exception) -> Exception:
    """Return what to raise of a decoder's error: that it needs much memory is said in plain words."""
    if "emory" not in str(error):
        return error
    return LimitExceeded(f"it looks back further than the {LIMITS.window:,} bytes that a decoder may hold")


class _Plain(io.RawIOBase):
    """A source as the file object that pyarrow asks for."""

    def __init__(self, source: Readable) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(size)


FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)
"""What a broken compressed stream raises; Arrow's errors are OSError or ValueError."""


def inflate(source: Readable, codec: str, budget: Budget) -> Stream:
    """Decompress a stream; concatenated members and frames are one.

    Args:
        source: compressed bytes.
        codec: gzip | bz2 | xz | zstd.
        budget: how many bytes it may yield.

    Returns:
        The decompressed bytes; a cut, a wrong checksum or a bomb ends them early, with `fault` set.
    """
    return Stream(_Unzstd(source) if codec == "zstd" else Inflated(source, codec), FAULTS, budget)


def set_aside(stream: Stream, most: int) -> Checked | None:
    """Copy a stream to a file that has no name, for random access: memory is for what is read of it.

    Args:
        stream: from where it stands.
        most: bytes; of a larger one all but the rest is taken.

    Returns:
        The copy, each block held to the digest of what was copied; None where there is more, or no room for it.
    """
    held, digest = tempfile.SpooledTemporaryFile(_SPOOL), Digest()  # noqa: SIM115 - it lives as long as what reads it
    try:
        while part := stream.read(min(BLOCK, most + 1 - digest.size)):
            digest.update(part)
            if digest.size > most:
                held.close()
                return None
            held.write(part)
    except OSError as error:
        held.close()
        stream.fault = f"no room for a copy of {digest.size:,} bytes ({error.strerror}); set TMPDIR"
        return None
    return Checked(held, digest.size, digest.blocks(), owned=True)  # type: ignore[arg-type]  # it reads and seeks as files do


class _Transcoded:
    """UTF-16 (RFC 2781) as UTF-8; what is not UTF-16 becomes the byte FF, which no UTF-8 holds."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="surrogatepass")
        self._pending = b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._pending:
            data = self._source.read(_STEP)
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
    return Stream(_Transcoded(source), (*FAULTS, UnicodeError))


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

    def unzip(self, file: Checked) -> Iterator[Member]:
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
        member = Member(self._name(info.filename), info.file_size, info.compress_size)
        if info.flag_bits & 0x1:  # APPNOTE 4.4.4, bit 0
            member.reason = "encrypted"
            return member
        try:
            bounded = info.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            source = Unpacked(archive, info, LIMITS.window) if bounded else archive.open(info)
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
        try:
            forward = _Forward(stream)
            with tarfile.open(fileobj=forward, mode="r:") as archive:
                for number, info in enumerate(archive):
                    archive.members.clear()  # type: ignore[attr-defined]  # else a million members stay in memory
                    self._admit(number)
                    if not info.isdir():
                        yield self._tar_member(forward, info)
        except (*_TAR_FAULTS, LimitExceeded) as error:
            self.fault = f"tar: {str(error) or type(error).__name__}"

    def _tar_member(self, forward: _Forward, info: tarfile.TarInfo) -> Member:
        member = Member(self._name(info.name), info.size, info.size)
        if not info.isreg():
            member.size, member.reason = 0, "link, device or other special member"
        elif info.issparse():
            member.reason = "sparse member"
        else:
            forward.seek(info.offset_data)
            member.stream = Stream(_Span(forward, info.size), _TAR_FAULTS)
        return member

    def _admit(self, number: int) -> None:
        if number >= self.budget.limits.members:
            raise LimitExceeded(f"more than {self.budget.limits.members} members")

    def _name(self, name: str) -> str:
        shown = shown_name(name)
        unique, count = shown, self._names.get(shown, 1)
        while unique in self._names:  # a member may be called `a#2` of its own
            count += 1
            unique = f"{shown}#{count}"
        self._names[shown] = count
        self._names.setdefault(unique, 1)
        return unique


_ZIP_FAULTS = (*FAULTS, zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error, OverflowError)
_TAR_FAULTS = (*FAULTS, tarfile.TarError, OverflowError, RecursionError)


def _hold_directory(file: Checked, limits: Limits) -> None:
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
    if directory > min(size, 128 * limits.members, limits.held):
        raise LimitExceeded("its directory is larger than the limits allow")


class _Span:
    """So many bytes of a file, from where it stands."""

    def __init__(self, file: Readable, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(min(size, self._left))
        if self._left and not data:
            raise EOFError("truncated member")
        self._left -= len(data)
        return data


class _Forward(io.RawIOBase):
    """A stream as the file that tarfile reads: it seeks forward only, and no header may ask for much memory."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream, self._at = stream, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence or offset < self._at:
            raise tarfile.ReadError("members are out of order")
        while self._at < offset and self.read(min(BLOCK, offset - self._at)):
            pass
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= 16 << 20:
            raise tarfile.ReadError("a header asks for more memory than the limits allow")
        data = self._stream.read(size)
        self._at += len(data)
        return data
