"""The data beside a ledger: how a folder differs from what a scan saw.

What was scanned is only ever looked up in the folder's listing, never opened by the name that a ledger gives. Files are
hashed on every core: SHA-256 holds no lock.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import VerificationError
from provenance.ledger.verification import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LINE = 1 << 24  # bytes of the longest line of a table
_WAITING = 1024  # files that are handed to threads at once

Told = tuple[str, str | None]
"""Path as in FILES, and its SHA-256; None where the scan had not read it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a folder is, beside what was scanned.

    Args:
        changes: what differs.
        same: files whose bytes are those that were scanned.
        unread: files that could not be compared, as the scan had not read them.
        bytes: that were hashed.
    """

    changes: Changes
    same: tuple[str, ...]
    unread: tuple[str, ...]
    bytes: int


@dataclass(slots=True)
class _Found:
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    bytes: int = 0


def compare(
    scanned: Iterable[Told],
    data: Path,
    ledger: Path,
    *,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005 - the name is the contract
) -> Compared:
    """Compare the files on disk with a scan's.

    Args:
        scanned: what the scan saw: members of archives are passed over, a path with a closing slash covers a folder.
        data: the folder.
        ledger: left out of the comparison, where it lies in the data.
        threads: that hash; None = one a core.
        progress: told the bytes hashed so far.

    Returns:
        What differs; the same for any number of threads.

    Raises:
        OSError: the folder cannot be listed.
    """
    left, odd = _listing(data, ledger.resolve())
    covered: list[str] = []
    found = _Found()
    wanted = _wanted(scanned, left, covered, found)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for waiting in _some_at_once(wanted):
            places = [data / odd.get(path, path) for path, _ in waiting]
            for (path, digest), (read, size) in zip(waiting, pool.map(_on_disk, places), strict=True):
                (found.same if read == digest else found.changed).append(path)
                found.bytes += size
            progress(found.bytes)
    added = [path for path in left if not path.startswith(tuple(covered))]
    changes = Changes(tuple(sorted(added)), tuple(sorted(found.removed)), tuple(sorted(found.changed)))
    return Compared(changes, tuple(sorted(found.same)), tuple(sorted(found.unread)), found.bytes)


def _wanted(scanned: Iterable[Told], left: set[str], covered: list[str], found: _Found) -> Iterator[tuple[str, str]]:
    """Sort what was scanned; yield what must be hashed, and leave in `left` what no scan saw."""
    for path, digest in scanned:
        if path.endswith("/"):
            covered.append(path)
        elif path in left:
            left.discard(path)
            if digest is None:
                found.unread.append(path)
            else:
                yield path, digest
        elif "!/" not in path:
            found.removed.append(path)


def _some_at_once(wanted: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    waiting: list[tuple[str, str]] = []
    for each in wanted:
        waiting.append(each)
        if len(waiting) == _WAITING:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _listing(data: Path, ledger: Path) -> tuple[set[str], dict[str, str]]:
    """Every file and link below the data, named as the scan names it; and where those are whose name is no UTF-8.

    The ledger itself is left out.
    """
    there: set[str] = set()
    odd: dict[str, str] = {}
    for folder, folders, files in os.walk(data, onerror=_refuse):
        here = Path(folder)
        folders[:] = [name for name in folders if (here / name).resolve() != ledger]
        below = here.relative_to(data).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in (*files, *(name for name in folders if (here / name).is_symlink())):
            path = named(prefix + name)
            there.add(path)
            if path != prefix + name:
                odd[path] = prefix + name
    return there, odd


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed may hold anything: it must not pass for empty."""
    raise error


def scanned(table: Path) -> Iterator[Told]:
    """Read FILES as a ledger keeps them.

    Args:
        table: canonical JSON lines.

    Yields:
        Path and digest of each.

    Raises:
        ValueError: the table is not JSON lines; VerificationError: not FILES.
    """
    with table.open("rb") as file:
        while line := file.readline(_LINE):
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                raise VerificationError("not a row of FILES")
            yield row["path"], row.get("sha256")


def _on_disk(path: Path) -> tuple[str | None, int]:
    """Digest a regular file, and say how many bytes that were; a link to one is followed, as the scan did."""
    try:
        if not path.is_file():
            return None, 0
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError:
        return None, 0


def named(path: str) -> str:
    r"""Return a path as PATHS names it: bytes that are not UTF-8 as \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
