"""Binary files of tools, held to their format from the first byte to the last, so that nothing can stand behind it.

A beginning alone says little: whoever adds a file chooses the rest. Each function takes an open file and its size and
tells whether all of it is what the tool writes. None of these files may hold text that a program which reads every file
as lines would take for records.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PIECE_BYTES = 1 << 20  # bytes that are read at once
_RUN_BYTES = 512  # bytes of the longest run of text in a file that is none
_CHARACTERS = frozenset(b"\t\n\r") | frozenset(range(0x20, 0x7F)) | frozenset(range(0x80, 0x100))
_CLASSES = bytes(ord("\n") if each in b"\r\n" else ord("x") if each in _CHARACTERS else 0 for each in range(256))
_BREAKS = bytes.maketrans(b"\n", b"x")
_LINE = re.compile(rb"\nx{24,}(?=\n)")  # over the classes of bytes
_MOST_LINES = 2  # lines of words that may stand in a file by chance
_HEADER = re.compile(rb"(?:blob|tree|commit|tag) (0|[1-9]\d{0,18})\0")
_HASHES = (("sha1", 20), ("sha256", 32))  # of repositories, and their bytes


def read_pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Read the first bytes of a file, piece by piece.

    Args:
        file: the file, from its beginning.
        size: how many.
    """
    file.seek(0)
    while size > 0 and (piece := file.read(min(_PIECE_BYTES, size))):
        size -= len(piece)
        yield piece


def holds_text(file: BinaryIO, size: int) -> bool:
    """Tell whether a binary file holds what a reader of lines would take for text.

    Args:
        file: the file.
        size: its bytes.

    Returns:
        Whether it has a long run of characters, or several lines of nothing else.
    """
    carried, lines = b"\n", 0
    for piece in read_pieces(file, size):
        data = carried + piece
        classes = data.translate(_CLASSES)
        if b"x" * _RUN_BYTES in classes.translate(_BREAKS):
            return True
        found = (each.span() for each in _LINE.finditer(classes) if each.end() >= len(carried))
        lines += sum(_is_words(data[start + 1 : end]) for start, end in found)
        if lines > _MOST_LINES:
            return True
        carried = data[-_RUN_BYTES:]
    return False


def _is_words(line: bytes) -> bool:
    try:
        return line.decode().isprintable()
    except UnicodeDecodeError:
        return False


def is_loose_object(file: BinaryIO, size: int, name: str) -> bool:
    """Tell whether a file is an object of git: one zlib stream, of as many bytes as it says, whose hash is its name.

    Args:
        file: the file.
        size: its bytes.
        name: hash that its path says, hexadecimal.
    """
    stream, digest, count, stated = zlib.decompressobj(), hashlib.new("sha1" if len(name) == 40 else "sha256"), 0, -1
    try:
        for piece in read_pieces(file, size):
            if stream.eof:
                return False
            left = piece
            while True:
                data = stream.decompress(left, _PIECE_BYTES)
                if stated < 0:
                    if (head := _HEADER.match(data)) is None:
                        return False
                    stated = head.end() + int(head[1])
                count += len(data)
                digest.update(data)
                left = stream.unconsumed_tail
                if count > stated or stream.unused_data:
                    return False
                if not left and len(data) < _PIECE_BYTES:
                    break
    except zlib.error:
        return False
    return stream.eof and count == stated and digest.hexdigest() == name and not holds_text(file, size)


def make_checksum_test(*beginnings: bytes) -> Callable[[BinaryIO, int], bool]:
    """Return what tells whether a file of git begins so and ends with the hash of all before it.

    Args:
        beginnings: the bytes of its head.
    """

    def form(file: BinaryIO, size: int) -> bool:
        file.seek(0)
        return (
            file.read(16).startswith(beginnings)
            and _find_trailer(file, size) is not None
            and not holds_text(file, size)
        )

    return form


def _find_trailer(file: BinaryIO, size: int) -> int | None:
    """Return how long the hash is that closes a file; None where it closes with none."""
    for algorithm, length in _HASHES:
        digest = hashlib.new(algorithm, usedforsecurity=False)
        for piece in read_pieces(file, size - length):
            digest.update(piece)
        if size > length and file.read(length + 1) == digest.digest():
            return length
    return None


def is_pack_index(file: BinaryIO, size: int) -> bool:
    """Tell whether a file is the index of a pack: as long as its number of objects says.

    Args:
        file: the file.
        size: its bytes.
    """
    if not make_checksum_test(b"\xfftOc\0\0\0\2")(file, size):
        return False
    length = _find_trailer(file, size) or 0
    file.seek(8 + 255 * 4)
    count = int.from_bytes(file.read(4))
    rest = size - 8 - 1024 - count * (length + 8) - 2 * length
    return rest >= 0 and rest % 8 == 0 and rest // 8 <= count


def is_pack(file: BinaryIO, size: int) -> bool:
    """Tell whether a file is a pack of git: so many objects, each of its size, and the hash of them, nothing else.

    Args:
        file: the file.
        size: its bytes.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"PACK" or head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3") or len(head) < 12:
        return False
    length = _find_trailer(file, size)
    if length is None or holds_text(file, size):
        return False
    file.seek(12)
    objects = _PackObjects(file, size - length - 12)
    try:
        return all(objects.skip_object(length) for _ in range(int.from_bytes(head[8:]))) and objects.is_at_end()
    except (zlib.error, EOFError):
        return False


class _PackObjects:
    """The objects of a pack, one after the other."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self._data, self._at = b"", 0

    def is_at_end(self) -> bool:
        """Tell whether nothing is left."""
        return not self._left and self._at == len(self._data)

    def skip_object(self, length: int) -> bool:
        """Pass over one object; tell whether it is one."""
        first = self._take_byte()
        kind, count, shift, byte = first >> 4 & 7, first & 15, 4, first
        while byte & 128:
            byte = self._take_byte()
            count |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                return False
        if kind == 6:  # a change of an object before it, so many bytes back
            while self._take_byte() & 128:
                pass
        elif kind == 7:  # of an object by its hash
            self._take_bytes(length)
        elif kind not in (1, 2, 3, 4):
            return False
        return self._skip_compressed(count)

    def _skip_compressed(self, count: int) -> bool:
        stream, done = zlib.decompressobj(), 0
        wanted = min(count + 64, _PIECE_BYTES)  # a small object takes no large copy of what follows it
        while not stream.eof:
            if self._at == len(self._data):
                self._read_on(1)
            piece = self._data[self._at : self._at + wanted]
            self._at += len(piece)
            while piece and not stream.eof:
                done += len(stream.decompress(piece, _PIECE_BYTES))
                piece = stream.unconsumed_tail
                if done > count:
                    return False
            wanted = 1 << 16
        self._at -= len(stream.unused_data)
        return done == count

    def _take_byte(self) -> int:
        return self._take_bytes(1)[0]

    def _take_bytes(self, count: int) -> bytes:
        if len(self._data) - self._at < count:
            self._read_on(count)
        self._at += count
        return self._data[self._at - count : self._at]

    def _read_on(self, count: int) -> None:
        piece = self._file.read(min(_PIECE_BYTES, self._left))
        self._left -= len(piece)
        self._data, self._at = self._data[self._at :] + piece, 0
        if len(self._data) < count:
            raise EOFError


def is_staging_index(file: BinaryIO, size: int) -> bool:
    """Tell whether a file is the index of a work tree: so many entries, then extensions, then the hash or zeros.

    Args:
        file: the file.
        size: its bytes.
    """
    if not 12 + 20 <= size <= 1 << 28:
        return False
    file.seek(0)
    data = file.read(size)
    signature, version, count = struct.unpack(">4sII", data[:12])
    if signature != b"DIRC" or version not in (2, 3, 4):
        return False
    length = _find_trailer(file, size) or (20 if not any(data[-20:]) else 0)
    at = 12
    for _ in range(count):
        after = _find_next_entry(data, at, length, version)
        if after is None:
            return False
        at = after
    end = size - length
    while at < end:
        if at + 8 > end or re.fullmatch(rb"[A-Za-z]{4}", data[at : at + 4]) is None:
            return False
        at += 8 + int.from_bytes(data[at + 4 : at + 8])
    return bool(length) and at == end and not holds_text(file, size)


def _find_next_entry(data: bytes, at: int, length: int, version: int) -> int | None:
    """Return where the next entry of an index begins; None where this is none."""
    name = at + 42 + length
    if len(data) < name + 2:
        return None
    if data[name - 2] & 64:  # it has further flags
        name += 2
    while version == 4 and data[name : name + 1] > b"\x7f":  # how much of the last name stays
        name += 1
    name += version == 4
    end = data.find(b"\0", name, name + 4097)
    if end < 0 or b"\n" in data[name:end] or b"\r" in data[name:end]:
        return None
    return end + 1 if version == 4 else at + ((end - at) // 8 + 1) * 8


def is_revision_log(file: BinaryIO, size: int) -> bool:
    """Tell whether a file is a revision log of mercurial: entries of 64 bytes, and their data where it is inline.

    Args:
        file: the file.
        size: its bytes.
    """
    file.seek(0)
    head = file.read(4)
    if head[:1] != b"\0" or head[1:2] > b"\3" or head[2:4] != b"\0\1":
        return False
    if not head[1] & 1:
        return size % 64 == 0 and not holds_text(file, size)
    at = 0
    while at < size:
        file.seek(at + 8)
        length = int.from_bytes(file.read(4))
        at += 64 + length
    return at == size and not holds_text(file, size)


def make_database_test(*tables: bytes) -> Callable[[BinaryIO, int], bool]:
    """Return what tells whether a file is a database of SQLite of so many pages, with these tables.

    Args:
        tables: their names.
    """

    def form(file: BinaryIO, size: int) -> bool:
        file.seek(0)
        head = file.read(1 << 16)
        page = int.from_bytes(head[16:18])
        page = 65536 if page == 1 else page
        count = int.from_bytes(head[28:32])
        whole = page >= 512 and size == page * count and head[24:28] == head[92:96]
        return (
            head.startswith(b"SQLite format 3\0") and whole and all(b"CREATE TABLE " + each in head for each in tables)
        )

    return form


def is_desktop_note(file: BinaryIO, size: int) -> bool:
    """Tell whether a file is a `.DS_Store`: its root block, of which the head says twice where it is, lies in it.

    Args:
        file: the file.
        size: its bytes.
    """
    file.seek(0)
    head = file.read(36)
    if not 36 < size <= _PIECE_BYTES or head[:8] != b"\0\0\0\1Bud1":
        return False
    start, length, again = struct.unpack(">III", head[8:20])
    return start == again and length > 0 and 4 + start + length <= size and not holds_text(file, size)
