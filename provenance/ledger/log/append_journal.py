"""The journal of an append: what it will move into a ledger, written down before it moves anything.

`.append/journal` has one canonical JSON line a file: its path, its digest, and whether it was there before. The append
that comes after a killed one removes by it, and only by it: a file that the killed append itself put there, that still
has these bytes, and that no entry binds. Keys are never removed, and nothing is where there is no journal.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.core.digests import canonical
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import envelope
from provenance.ledger.log import file_writing, folder_comparison
from provenance.ledger.log.file_writing import STAGING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

FILE_NAME = "journal"
"""Its name in the folder of an append."""

_MOST_BYTES = 1 << 24  # bytes of a journal: an append moves some forty files
_REMOVABLE = re.compile(
    r"objects/sha256/([0-9a-f]{2})/\1[0-9a-f]{62}|origin|VERIFY\.md"
    r"|(entries/(?=[0-9]{8}\.co/[a-z0-9-]{1,64}\.(dsse\.json|pub\.pem)$)|scans/(?=[0-9]{8}/[\w][\w .-]{0,199}$))"
    r"(?P<index>[0-9]{8})[./].*",
    re.ASCII,
)
_STAGED = re.compile(
    r"file|journal|\.lock|scan|scan/[A-Za-z0-9][A-Za-z0-9._-]*\.[a-z]+|objects"
    r"|objects/([0-9a-f]{64}|[a-z_]+(\.tree)?|content-set(\.parts(/[0-9a-f]{2})?)?)"
    r"|files|files/keys|files/keys/[^/]+\.pem|files/entries|files/entries/[0-9]{8}\.co|files/entries/[0-9]{8}\.co/[^/]+"
)


@dataclass(frozen=True, slots=True)
class JournalItem:
    """A file that an append moves into a ledger.

    Args:
        path: relative to the ledger.
        sha256: of its bytes, hexadecimal.
        existed: whether such a file was there before, so that it is not the append's.
    """

    path: str
    sha256: str
    existed: bool


def add_items(folder: Path, items: Iterable[JournalItem]) -> None:
    """Write down what will be moved in, and see it to the disk.

    Args:
        folder: the ledger, in which an append is staged.
        items: the files.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / STAGING / FILE_NAME
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        for each in items:
            file.write(canonical({"existed": each.existed, "path": each.path, "sha256": each.sha256}) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    file_writing.sync_to_disk(path.parent)


def read_journal(folder: Path) -> list[JournalItem]:
    """Read what a killed append wrote down.

    Args:
        folder: the ledger.

    Returns:
        The files; none where it wrote nothing down. A line that was not written to its end is passed over, as nothing
        was moved before it was.
    """
    try:
        data = layout.read_bytes(folder / STAGING / FILE_NAME, _MOST_BYTES)
    except (OSError, VerificationError):
        return []
    found = []
    for line in data.split(b"\n"):
        with suppress(VerificationError):
            item = envelope.parse_json(line)
            if isinstance(item, dict) and [*map(type, item.values())] == [bool, str, str]:
                found.append(
                    JournalItem(str(item.get("path")), str(item.get("sha256")), bool(item.get("existed", True)))
                )
    return found


def remove_unsigned(folder: Path, items: Iterable[JournalItem], bound: Collection[str], index: int) -> None:
    """Remove what a killed append put into a ledger and nobody signed: its own files alone.

    Args:
        folder: the ledger; links were looked for.
        items: what the killed append wrote down.
        bound: paths that an entry binds, or that are signed themselves.
        index: number of the entry that was to be appended: what stands below another one is not the append's.

    Raises:
        OSError: a file cannot be removed.
    """
    own = f"{index:08d}"
    places = set()
    for each in items:
        named = _REMOVABLE.fullmatch(each.path)
        if each.existed or each.path in bound or named is None or named["index"] not in {None, own}:
            continue
        path = folder / each.path
        if _is_file(path) and folder_comparison.digest_file(path) == each.sha256:
            path.unlink()
            places.add(path.parent)
    for place in places - {folder}:
        with suppress(OSError):  # what is not empty stays
            place.rmdir()


def check_staged(folder: Path) -> None:
    """Refuse a folder of an append in which somebody else keeps something: it is emptied with every append.

    Args:
        folder: the ledger.

    Raises:
        ConfigError: it holds a link, or what no append puts there.
    """
    if os.path.lexists(folder / STAGING) and not os.path.isdir(folder / STAGING):  # noqa: PTH112 - it never raises
        raise ConfigError(
            f"{folder / STAGING} is no folder, and an append needs that name; move it out of the ledger {folder}"
        )
    for name, kind in _walk_folder(folder / STAGING):
        if kind == "other" or not _STAGED.fullmatch(name):
            raise ConfigError(
                f"{folder / STAGING / name} was not put there by an append, and is not removed; move it out of "
                f"{folder / STAGING}, which is emptied with every append"
            )


def clear_staging(folder: Path, *, keep: bool = False) -> None:
    """Empty the folder of an append, and remove it: the journal last, so that whoever is killed meanwhile is followed.

    Args:
        folder: the ledger.
        keep: whether the folder and its journal stay.

    Raises:
        ConfigError: it holds what no append puts there.
        OSError: a file cannot be removed.
    """
    beside = folder / STAGING
    if not os.path.lexists(beside) or beside.is_symlink():
        return
    check_staged(folder)
    for name, kind in reversed(list(_walk_folder(beside))):  # what a folder holds comes after it
        if name == FILE_NAME:
            continue
        if kind == "folder":
            (beside / name).rmdir()
        else:
            (beside / name).unlink()
    if not keep:
        (beside / FILE_NAME).unlink(missing_ok=True)
        beside.rmdir()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):  # a name that no file can have
        return False


def _walk_folder(root: Path) -> Iterator[tuple[str, str]]:
    """Name everything below a folder, a folder before what it holds: file | folder | other; no link is followed."""
    todo = [""] if root.is_dir() and not root.is_symlink() else []
    while todo:
        prefix = todo.pop()
        with os.scandir(root / prefix) as found:
            items = sorted(found, key=lambda item: item.name)
        for item in items:
            name = prefix + item.name
            if item.is_dir(follow_symlinks=False) and not file_writing.is_link(item):
                yield name, "folder"
                todo.append(f"{name}/")
            else:
                yield name, "file" if item.is_file(follow_symlinks=False) else "other"
