"""Walk a folder by descriptors: whatever lies in it is named, however deep, and what cannot be listed says why.

A path may be longer than the system opens at once (PATH_MAX): it is opened piece by piece. No link is followed but one
that ends a path, and only where its caller asks.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATH_PIECE_BYTES = (
    2048  # bytes of a path that are opened at once; PATH_MAX is 4096 on Linux, 1024 on macOS takes what is short
)
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

Identity = tuple[int, int]
"""Device and number of a file, of which the system has one each."""


@dataclass(frozen=True, slots=True)
class FoundPath:
    """Something in a folder.

    Args:
        path: relative to the folder, '/' between parts; of a folder that cannot be listed with a closing '/'.
        kind: file | link | special | closed (a folder that cannot be listed).
        own: of what lies in the folder that was set apart, the path relative to that; else None.
        cause: why a folder cannot be listed.
    """

    path: bytes
    kind: str
    own: bytes | None = None
    cause: str = ""


def folder_identity(folder: Path) -> Identity | None:
    """Return what tells a folder from every other, whatever path leads to it; None where it cannot be looked at.

    Args:
        folder: its path; links are followed.
    """
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def walk_folder(root: bytes, apart: Identity | None = None) -> Iterator[FoundPath]:
    """Name everything below a folder that is no folder, and every folder that cannot be listed.

    Args:
        root: the folder.
        apart: a folder whose files are marked, where it lies in this one.

    Yields:
        Files, links, special files and closed folders, in no order.
    """
    waiting: list[tuple[bytes, int | None]] = [(b"", None)]
    while waiting:
        here, start = waiting.pop()
        try:
            listed, found = _listed(root, here)
        except OSError as cause:
            own = None if start is None else here[start:] + b"/"
            yield FoundPath(here + b"/" if here else b"", "closed", own, cause.strerror or type(cause).__name__)
            continue
        if start is None and found == apart:
            start = len(here) + 1 if here else 0
        for name, kind in listed:
            path = here + b"/" + name if here else name
            if kind == "folder":
                waiting.append((path, start))
            else:
                yield FoundPath(path, kind, None if start is None else path[start:])


def open_file(root: bytes, path: bytes) -> int:
    """Open a file for reading, however long its path is.

    Args:
        root: the folder.
        path: relative to it; a link is followed.

    Returns:
        A descriptor, which its caller closes.

    Raises:
        OSError: it cannot be opened.
    """
    whole = root + b"/" + path
    if len(whole) < _PATH_PIECE_BYTES:
        return os.open(whole, _FILE_FLAGS)
    folder, _, name = path.rpartition(b"/")
    handle = _open_folder(root, folder)
    try:
        return os.open(name, _FILE_FLAGS, dir_fd=handle)
    finally:
        os.close(handle)


def _listed(root: bytes, path: bytes) -> tuple[list[tuple[bytes, str]], Identity]:
    handle = _open_folder(root, path)
    try:
        status = os.fstat(handle)
        with os.scandir(handle) as entries:
            found = [(os.fsencode(entry.name), _kind(entry)) for entry in entries]
    finally:
        os.close(handle)
    return found, (status.st_dev, status.st_ino)


def _kind(entry: os.DirEntry[str]) -> str:
    """What the listing itself says of an entry; a folder that may be listed and not entered says no more."""
    try:
        if entry.is_symlink():
            return "link"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "special"
    except OSError:
        return "special"


def _open_folder(root: bytes, path: bytes) -> int:
    whole = root + b"/" + path if path else root
    if len(whole) < _PATH_PIECE_BYTES:
        return os.open(whole, _FOLDER_FLAGS)
    handle = os.open(root, _FOLDER_FLAGS)
    for piece in _pieces(path):
        try:
            inner = os.open(piece, _FOLDER_FLAGS, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    return handle


def _pieces(path: bytes) -> Iterator[bytes]:
    """Cut a path where one of its parts ends, into pieces that the system opens at once."""
    while len(path) > _PATH_PIECE_BYTES:
        cut = path.rindex(b"/", 0, _PATH_PIECE_BYTES)  # a part has at most 255 bytes
        yield path[:cut]
        path = path[cut + 1 :]
    if path:
        yield path


def count_bytes(root: bytes) -> tuple[int, list[tuple[bytes, str]]]:
    """Add up the bytes of all regular files below a folder.

    Args:
        root: the folder.

    Returns:
        Their bytes, and what of it cannot be looked at, relative to the folder, with the cause.
    """
    size, closed = 0, []
    for found in walk_folder(root):
        if found.kind == "closed":
            closed.append((found.path, found.cause))
        elif found.kind != "link":
            try:
                status = os.lstat(root + b"/" + found.path)
            except OSError as cause:
                closed.append((found.path, cause.strerror or type(cause).__name__))
                continue
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return size, closed
