"""Writing into a ledger: one writer at a time, and every file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.core.scratch import scratch_folders
from provenance.errors import ConfigError, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGING = ".append"
"""In a ledger that somebody writes to: what is not yet part of it."""

LATEST_LINK = "scans/latest"
"""The only link of a ledger: to its newest scan."""

_CLOSED_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_DEEPEST_FOLDER = 3  # folders: objects/sha256/ab is the deepest that files are put into
_MOST_NAMES = 1000  # files of one name that are tried


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Let one writer at a time into a folder; a killed one's lock goes with it, and no lock file stays to be bound.

    Args:
        folder: it is there.

    Raises:
        ConfigError: it cannot be locked.
    """
    if sys.platform == "win32":
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY
        descriptor = _hold_lock(folder, lambda: os.open(folder / ".lock", flags))
    else:
        import fcntl

        descriptor = _hold_lock(folder, lambda: os.open(folder, os.O_RDONLY))
        _hold_lock(folder, lambda: fcntl.flock(descriptor, fcntl.LOCK_EX))
    try:
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def explain_closed(folder: Path) -> Iterator[None]:
    """Say in one sentence that this user may not write into a ledger: of its files, nobody has ever named one.

    Args:
        folder: the ledger.

    Raises:
        ConfigError: a part of it is closed to this user.
    """
    try:
        yield
    except OSError as cause:
        if cause.errno not in _CLOSED_ERRORS:
            raise
        place = next((each for each in (cause.filename2, cause.filename) if isinstance(each, str | bytes)), str(folder))
        raise ConfigError(
            f"the ledger {folder} cannot be written: {os.strerror(cause.errno)}: {os.fsdecode(place)}; let this user "
            f"read and write all of it (chmod -R u+rwX {folder}, by its owner)"
        ) from cause


def _hold_lock(folder: Path, take: Any) -> Any:
    try:
        return take()
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be locked: {cause.strerror}") from cause


def write_file(folder: Path, name: str, data: bytes) -> None:
    """Write a file of the ledger so that it is there whole or not at all.

    Args:
        folder: the ledger, with a folder STAGING in it.
        name: path relative to it.
        data: the file's bytes.

    Raises:
        ConfigError: a link stands where it goes through.
        OSError: it cannot be written.
    """
    made, path = folder / STAGING / "file", folder / name
    check_no_link(folder, name)
    check_no_link(folder, f"{STAGING}/file")
    made.write_bytes(data)
    sync_to_disk(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.replace(path)
    sync_to_disk(path.parent)


def check_no_link(folder: Path, name: str) -> None:
    """Refuse to write or remove through a link: what it leads to is none of the ledger's.

    Args:
        folder: the ledger, which may be a link itself.
        name: path of a file or folder relative to it.

    Raises:
        ConfigError: a part of the path is a link.
    """
    at = folder
    for part in Path(name).parts:
        at /= part
        if is_link(at):
            raise _is_behind_link(at)


def check_links(folder: Path) -> None:
    """Refuse a ledger to which nothing may be added, as a link stands in it; `scans/latest` may.

    Args:
        folder: the ledger.

    Raises:
        ConfigError: it holds a link.
        OSError: it cannot be listed.
    """
    todo = [""]
    while todo:
        prefix = todo.pop()
        with os.scandir(folder / prefix) as found:
            for item in found:
                name = prefix + item.name
                if name == LATEST_LINK:
                    continue
                if is_link(item):
                    raise _is_behind_link(folder / name)
                # Of a scan's folder only the name matters: nothing is ever added to one that is there.
                if item.is_dir(follow_symlinks=False) and name.count("/") < _DEEPEST_FOLDER and prefix != "scans/":
                    todo.append(f"{name}/")


def is_link(place: Path | os.DirEntry[str]) -> bool:
    """Tell whether a path is a link, or on Windows a junction.

    Args:
        place: the path, which need not be there.
    """
    junction = getattr(place, "is_junction", None)  # from Python 3.12 on
    return place.is_symlink() or bool(junction is not None and junction())


def _is_behind_link(path: Path) -> ConfigError:
    return ConfigError(f"{path} is a link, and nothing is written through one; put what it leads to in its place")


def write_new(path: Path, data: bytes) -> Path:
    """Write a file over nothing: where another one is already, under the next free name.

    Args:
        path: the file.
        data: its bytes.

    Returns:
        Where it is; a file that holds these bytes already is it.

    Raises:
        OSError: it cannot be written.
    """
    for number in range(1, _MOST_NAMES):
        place = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            with place.open("xb") as file:
                file.write(data)
        except FileExistsError:
            if place.is_file() and place.stat().st_size == len(data) and place.read_bytes() == data:
                return place
        else:
            return place
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


@contextlib.contextmanager
def explain_unwritable(target: Path) -> Iterator[None]:
    """Say in one sentence that a file cannot be written: a full disk is not the fault of whoever named it.

    Args:
        target: the file, as it was named.

    Raises:
        LimitExceeded: there is no room. ConfigError: it cannot be written for another reason.
    """
    try:
        yield
    except OSError as cause:
        if cause.errno in scratch_folders.NO_SPACE_ERRORS:
            raise LimitExceeded(scratch_folders.no_room_error(target.parent, target.name, cause)) from cause
        reason = os.strerror(cause.errno) if cause.errno else cause
        raise ConfigError(f"{target} cannot be written: {reason}") from cause


@contextlib.contextmanager
def write_whole(target: Path) -> Iterator[Path]:
    """Yield an empty file to write to, whose bytes stand under a name once all of them are there.

    Args:
        target: the name; what it leads to is replaced, but a pipe or device, which gets the bytes.

    Yields:
        The file to write to.

    Raises:
        LimitExceeded: there is no room. ConfigError: it cannot be written for another reason.
    """
    with explain_unwritable(target):
        place = target.resolve()
        is_stream = place.exists() and not place.is_file()
        with scratch_folders.temporary_folder() if is_stream else contextlib.nullcontext(place.parent) as folder:
            made = make_beside(folder / place.name)
            try:
                yield made
                if is_stream:
                    with made.open("rb") as source, place.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
                    return
                if place.exists():
                    made.chmod(place.stat().st_mode & 0o777)
                made.replace(place)
            finally:
                with contextlib.suppress(OSError):
                    made.unlink()


def make_beside(target: Path) -> Path:
    """Make an empty file beside another, which it is to replace once it is whole.

    Args:
        target: the other file.

    Returns:
        Its path; nothing was there before.

    Raises:
        OSError: it cannot be made.
    """
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    with os.fdopen(handle, "wb"):
        made = Path(name)
        made.chmod(0o666 & ~_umask())
    return made


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_to_disk(path: Path) -> None:
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
