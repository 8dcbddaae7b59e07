"""The layout of a ledger's folder: what stands where, and how its files are read.

origin  VERIFY.md  keys/*.pub.pem                   written once; further keys by entries that add them
entries/00000000.dsse.json                          the signed statement
entries/00000000.co/NAME.dsse.json, NAME.pub.pem    a further signature over the same payload, and its public key
checkpoints/1.note                                  the log's head after it; an entry counts once it stands here
checkpoints/leaves                                  leaf hashes of all entries: one is checked without the others
objects/sha256/ab/ab…                               tables as JSON lines; documents as they were handed in
scans/00000000/*.parquet, report.html, …            tables and documents for people and programs
scans/latest -> 00000000                            the only link
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from provenance.errors import ConfigError, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_LIMIT = 1 << 26
"""Bytes of the largest envelope that is read or written."""

SMALL = 1 << 16
"""Bytes of the largest origin or public key that is read."""

LOCAL = "provenance.local/"
"""How the name of a log begins that a first scan made, and nobody chose."""

_FOLDERS = ("checkpoints", "entries", "keys", "objects", "objects/sha256", "scans")

ORIGIN, RECIPE = "origin", "VERIFY.md"
STATEMENT_KEY, LOG_KEY = "keys/statement.pub.pem", "keys/log.pub.pem"


def entry_path(index: int) -> str:
    """Return where an entry's envelope stands, relative to the ledger."""
    return f"entries/{index:08d}.dsse.json"


def cosignature_path(index: int, name: str) -> str:
    """Return where a co-signature of an entry stands, relative to the ledger.

    Args:
        index: number of the entry, from 0.
        name: one of entry_cosignatures.CHECKS_BY_NAME.
    """
    return f"entries/{index:08d}.co/{name}.dsse.json"


def cosigner_path(index: int, name: str) -> str:
    """Return where the public key of a co-signature stands, relative to the ledger.

    Args:
        index: number of the entry, from 0.
        name: one of entry_cosignatures.CHECKS_BY_NAME.
    """
    return f"entries/{index:08d}.co/{name}.pub.pem"


def note_path(size: int) -> str:
    """Return where the checkpoint over the first `size` entries stands, relative to the ledger."""
    return f"checkpoints/{size}.note"


def scan_path(index: int) -> str:
    """Return the folder of an entry's tables and documents, relative to the ledger."""
    return f"scans/{index:08d}"


def is_ledger(folder: Path) -> bool:
    """Tell whether a folder looks like a ledger: it has an `origin` and `checkpoints`."""
    # What may not be looked at is none to us; `unreadable` says why.
    return os.path.isfile(folder / ORIGIN) and os.path.isdir(folder / "checkpoints")  # noqa: PTH112, PTH113 - none raises


def unreadable(folder: Path) -> str | None:
    """Say why a folder cannot be looked at, so that nobody takes a closed ledger for none.

    Args:
        folder: its path.

    Returns:
        One sentence; None where it can be, or is not there.
    """
    for path in (folder, *(folder / name for name in _FOLDERS)):
        try:
            with os.scandir(path) as names:
                next(names, None)
            (path / "x").stat()  # a folder that may be listed and not entered
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as cause:
            return f"{path} cannot be read: {cause.strerror}; let this user read it, or ask whoever keeps the ledger"
    try:
        (folder / ORIGIN).stat()
    except PermissionError as cause:
        return f"{folder / ORIGIN} cannot be read: {cause.strerror}; let this user read it"
    except OSError:
        return None
    return None


def was_ledger(folder: Path) -> bool:
    """Tell whether a folder is a ledger, or holds entries of one of which other parts are gone."""
    return is_ledger(folder) or has_entries(folder)


def ledger_around(path: Path) -> Path | None:
    """Return the ledger that a path lies in, links resolved; also one of which parts are gone.

    Args:
        path: of a file or folder that need not be there.

    Returns:
        The ledger's folder; None where there is none.

    Raises:
        ConfigError: its links lead in a circle.
    """
    place = resolved(path)
    return next((each for each in (place, *place.parents) if is_ledger(each) or has_parts(each)), None)


def resolved(path: Path) -> Path:
    """Follow the links of a path.

    Args:
        path: of a file or folder that need not be there.

    Raises:
        ConfigError: its links lead in a circle.
    """
    try:
        found = path.resolve()
        found.lstat()
    except RuntimeError as cause:  # before Python 3.13
        raise ConfigError(f"{path} is a link that leads in a circle; name another place") from cause
    except OSError as cause:
        if cause.errno == errno.ELOOP:
            raise ConfigError(f"{path} is a link that leads in a circle; name another place") from cause
    return found


def has_parts(folder: Path) -> bool:
    """Tell whether a folder holds what only a ledger does, damaged or not: entries, checkpoints, objects or scans."""
    return (
        has_entries(folder)
        or os.path.isdir(folder / "objects" / "sha256")  # noqa: PTH112 - none raises
        or _holds(folder / "checkpoints", "*.note")
        or _holds(folder / "scans", "[0-9]" * 8)
    )


def uncounted(index: int) -> str:
    """Return the words for an entry that stands above the newest checkpoint.

    Args:
        index: its number.
    """
    return f"entry {index} is there, and no checkpoint counts it: its append was cut short, or a checkpoint was removed"


def has_entries(folder: Path) -> bool:
    """Tell whether envelopes of entries stand in a folder, finished or not."""
    return _holds(folder / "entries", "*.dsse.json")


def _holds(folder: Path, pattern: str) -> bool:
    try:
        return any(folder.glob(pattern))
    except OSError:
        return False


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a small regular file, never through a link and never more than agreed.

    Args:
        path: the file.
        limit: bytes.

    Returns:
        Its bytes.

    Raises:
        OSError: it cannot be opened.
        VerificationError: it is not a regular file, or larger than the limit.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise VerificationError("it is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise VerificationError(f"it is larger than {limit} bytes")
    return data


def size(folder: Path) -> int:
    """Return how many finished entries a ledger has: the number of its newest checkpoint.

    Args:
        folder: the ledger.

    Returns:
        0 where no scan was ever finished.
    """
    notes = folder / "checkpoints"
    if not notes.is_dir():
        return 0
    names = (path.name.removesuffix(".note") for path in notes.iterdir() if path.suffix == ".note")
    return max((int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 9), default=0)
