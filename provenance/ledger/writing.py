"""Writing into a ledger: one writer at a time, and every file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGING = ".append"
"""In a ledger that somebody writes to: what is not yet part of it."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one writer at a time into a folder; a killed one's lock goes with it, and no lock file stays to be bound.

    Args:
        folder: it is there.

    Raises:
        ConfigError: it cannot be locked.
    """
    if sys.platform == "win32":
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY
        held = _held(folder, lambda: os.open(folder / ".lock", flags))
    else:
        import fcntl

        held = _held(folder, lambda: os.open(folder, os.O_RDONLY))
        _held(folder, lambda: fcntl.flock(held, fcntl.LOCK_EX))
    try:
        yield
    finally:
        os.close(held)


def _held(folder: Path, take: Any) -> Any:
    try:
        return take()
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be locked: {cause.strerror}") from cause


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file of the ledger so that it is there whole or not at all.

    Args:
        folder: the ledger, with a folder STAGING in it.
        name: path relative to it.
        data: the file's bytes.
    """
    made, path = folder / STAGING / "file", folder / name
    made.write_bytes(data)
    sync(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.replace(path)
    sync(path.parent)


def aside(target: Path) -> Path:
    """Make an empty file beside another, which it is to replace once it is whole.

    Args:
        target: the other file.

    Returns:
        Its path; nothing was there before.

    Raises:
        OSError: it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    with os.fdopen(handle, "wb"):
        made = Path(name)
        made.chmod(0o666 & ~_umask())
    return made


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync(path: Path) -> None:
    """See to it that a file or folder is on the disk.

    Args:
        path: its path.
    """
    if sys.platform == "win32":
        return  # it opens no folders, and syncs no file that is open for reading
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
