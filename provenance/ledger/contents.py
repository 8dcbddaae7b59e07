"""The data beside a ledger: how a folder differs from what a scan saw.

What was scanned is only ever looked up in the folder's listing, never opened by the name that a ledger gives.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import VerificationError
from provenance.ledger.verification import Changes

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE = 1 << 24  # bytes of the longest line of a table


def compare(table: Path, data: Path, ledger: Path) -> tuple[Changes, int]:
    """Compare the files on disk with a scan's.

    Args:
        table: FILES as JSON lines.
        data: the folder.
        ledger: left out of the comparison, where it lies in the data.

    Returns:
        What differs; and how many files could not be compared, as the scan had not read them.

    Raises:
        ValueError: the table is not JSON lines; VerificationError: not FILES.
        OSError: the folder cannot be listed.
    """
    there = dict(_listing(data, ledger.resolve()))
    seen: set[str] = set()
    covered: list[str] = []
    removed, changed, unread = [], [], 0
    for path, digest in _scanned(table):
        if path.endswith("/"):
            covered.append(path)
        elif path in there:
            seen.add(path)
            if digest is None:
                unread += 1
            elif _on_disk(there[path]) != digest:
                changed.append(path)
        elif "!/" not in path:
            removed.append(path)
    added = [path for path in there if path not in seen and not path.startswith(tuple(covered))]
    return Changes(tuple(sorted(added)), tuple(sorted(removed)), tuple(sorted(changed))), unread


def _listing(data: Path, ledger: Path) -> Iterator[tuple[str, Path]]:
    """Every file and link below the data, named as the scan names it; the ledger itself is left out."""
    for folder, folders, files in os.walk(data):
        here = Path(folder)
        folders[:] = [name for name in folders if (here / name).resolve() != ledger]
        linked = [name for name in folders if (here / name).is_symlink()]
        for name in (*files, *linked):
            path = here / name
            yield named(path.relative_to(data).as_posix()), path


def _scanned(table: Path) -> Iterator[tuple[str, str | None]]:
    with table.open("rb") as file:
        while line := file.readline(_LINE):
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                raise VerificationError("not a row of FILES")
            yield row["path"], row.get("sha256")


def _on_disk(path: Path) -> str | None:
    try:
        return digest(path) if path.is_file() else None
    except OSError:
        return None


def named(path: str) -> str:
    r"""Return a path as PATHS names it: bytes that are not UTF-8 as \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
