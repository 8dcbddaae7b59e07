"""Folders for scratch files, in TMPDIR: whose they are stands in them, so that the next scan removes what is left over.

A killed process cannot tidy up. So each folder holds a file OWNER that names its process (number, start time, boot and
namespace of process numbers, machine) and that the process keeps locked. A later scan of the same user removes folders
whose owner is gone: its number is free or was given out anew; in another namespace the lock must be free; from another
boot, it must be the same machine. Whatever is in doubt stays. No scan can go on where another one was killed, so
nothing of such a folder is of use to anybody.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "provenance-"
OWNER = ".provenance-owner"
"""The name of the file that says whose a folder is."""

NO_SPACE_ERRORS = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What the system says where there is no room: disk, limit of a file's size, quota."""

_PATIENCE = 5.0  # seconds that tidying up may take; what is left then, a later scan removes
_LIMIT = 4096  # bytes of an OWNER
_ONLY_HERE = ("pid", "start", "boot", "namespace", "machine")

_ours: dict[Path, Any] = {}  # every folder of this process, with its locked OWNER


def make_folder(kind: str = "") -> Path:
    """Make a folder that only this user can read.

    Args:
        kind: what its name says beside whose it is.

    Returns:
        The folder; give it to `remove_folder` when done.

    Raises:
        LimitExceeded: there is no room for one.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX + kind))
        _ours[folder] = _mark(folder)
    except OSError as cause:
        raise LimitExceeded(
            f"no scratch folder can be made: {_reason(cause)}; name one that has room with TMPDIR"
        ) from (cause)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder that `make_folder` made."""
    shutil.rmtree(folder, ignore_errors=True)
    lock = _ours.pop(folder, None)
    if lock is not None:
        lock.close()


def remove_all_folders() -> None:
    """Remove every folder of this process, which is about to end."""
    for folder in list(_ours):
        remove_folder(folder)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for the time of a context.

    Yields:
        The folder.

    Raises:
        LimitExceeded: there is no room for one.
    """
    made = make_folder()
    try:
        yield made
    finally:
        remove_folder(made)


@contextlib.contextmanager
def explain_no_room(of: Path, what: str = "scratch files") -> Iterator[None]:
    """Say in one sentence where there is no room left, and what to do.

    Args:
        of: the folder that is written to.
        what: what is written there.

    Raises:
        LimitExceeded: there is no room.
    """
    try:
        yield
    except OSError as cause:
        if cause.errno not in NO_SPACE_ERRORS:
            raise
        raise LimitExceeded(no_room_error(of, what, cause)) from cause


def no_room_error(of: Path, what: str, cause: OSError) -> str:
    """Say that there is no room.

    Args:
        of: the folder that is written to.
        what: what is written there.
        cause: one of NO_SPACE_ERRORS.
    """
    written, free = 0, "an unknown number of"
    with contextlib.suppress(OSError):
        written = sum(path.lstat().st_size for path in of.rglob("*")) if of in _ours else 0
    with contextlib.suppress(OSError):
        free = f"{shutil.disk_usage(of).free:,}"
    place = of.parent if of in _ours else of
    taken = f", which already take {written:,} bytes" if written else ""
    way = "free some, or name a folder with more room: TMPDIR=FOLDER" if of in _ours else "free some"
    return f"there is no room for {what} in {place}{taken} ({_reason(cause)}; {free} bytes are free); {way}"


def remove_abandoned() -> int:
    """Remove folders that killed processes of this user left in TMPDIR.

    Returns:
        How many were removed.
    """
    if sys.platform == "win32":
        return 0
    end, removed = time.monotonic() + _PATIENCE, 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(tempfile.gettempdir()):
            if time.monotonic() > end:
                break
            if entry.name.startswith(PREFIX) and Path(entry.path) not in _ours:
                with contextlib.suppress(OSError):
                    removed += _remove_if_abandoned(entry.path, end)
    return removed


def _remove_if_abandoned(path: str, end: float) -> bool:
    """Remove a folder if it is one of ours, and its owner is gone; no link is followed on the way."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            return False
        owner = _owner(handle)
        return owner is not None and _has_ended(owner, handle) and _removed(path, handle, end)
    finally:
        os.close(handle)


def _removed(path: str, folder: int, end: float) -> bool:
    """Remove what a folder holds, its OWNER last, and the folder."""
    for _, folders, files, at in os.fwalk(".", topdown=False, follow_symlinks=False, dir_fd=folder):
        top = os.path.samestat(os.fstat(at), os.fstat(folder))
        for name in files:
            if time.monotonic() > end:
                return False
            if not (top and name == OWNER):
                os.unlink(name, dir_fd=at)
        for name in folders:
            if stat.S_ISDIR(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=at)
            else:
                os.unlink(name, dir_fd=at)
    os.unlink(OWNER, dir_fd=folder)
    Path(path).rmdir()
    return True


def _owner(folder: int) -> dict[str, Any] | None:
    """Read whose a folder is; None where it does not say so, or not in our way."""
    try:
        handle = os.open(OWNER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid():
            return None
        try:
            owner = json.loads(file.read(_LIMIT))
        except ValueError:
            return None
    return (
        owner if isinstance(owner, dict) and set(_ONLY_HERE) <= set(owner) and isinstance(owner["pid"], int) else None
    )


def _has_ended(owner: dict[str, Any], folder: int) -> bool:
    """Tell whether the process that a folder is of has ended; in doubt, it has not."""
    here = _here()
    if owner["boot"] != here["boot"]:
        return bool(owner["machine"] and owner["machine"] == here["machine"] and owner["boot"] and here["boot"])
    if owner["namespace"] == here["namespace"] and owner["start"] and _start(owner["pid"]) == owner["start"]:
        return False
    return _is_unlocked(folder)


def _is_unlocked(folder: int) -> bool:
    """Tell whether nobody holds the lock of a folder."""
    import fcntl

    with os.fdopen(os.open(OWNER, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _mark(folder: Path) -> Any:
    """Write OWNER so that it is locked as soon as it is there; return it, open."""
    beside = folder / f"{OWNER}.new"
    file = beside.open("xb")
    try:
        file.write(json.dumps(_here()).encode())
        file.flush()
        if sys.platform != "win32":
            import fcntl

            with contextlib.suppress(OSError):  # a file system without locks: then number and start time alone count
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            beside.rename(folder / OWNER)
    except BaseException:
        file.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return file


def _here() -> dict[str, Any]:
    """Say which process this is, among all of all machines."""
    return {
        "pid": os.getpid(),
        "start": _start(os.getpid()),
        "boot": _line("/proc/sys/kernel/random/boot_id"),
        "namespace": _link("/proc/self/ns/pid"),
        "machine": f"{_line('/etc/machine-id')} {platform.node()}",
    }


def _start(process: int) -> str:
    """Return when a process started, in clock ticks after boot (proc_pid_stat(5), field 22); "" where there is none."""
    fields = _line(f"/proc/{process}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _reason(cause: OSError) -> str:
    return os.strerror(cause.errno) if cause.errno else str(cause)
