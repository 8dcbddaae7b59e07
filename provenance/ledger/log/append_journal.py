"""The journal of an append: what it will write and move into a ledger, written down before it does.

`.append/journal` has one canonical JSON line a file that is moved into the ledger: its path, its digest, and whether it
was there before; and one a file that is put together in `.append` first: its name there. The append that comes after a
killed one removes by it, and only by it: in the ledger a file that the killed append itself put there, that still has
these bytes, and that no entry binds; in `.append` what was written down, and what is named by a digest. Keys of the
ledger are never removed, and nothing is where there is no journal.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import envelope
from provenance.ledger.format.row_keys import KEY_COLUMNS
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
    r"file|journal|\.lock|scan|objects|files|files/keys|files/entries|files/entries/[0-9]{8}\.co"
    rf"|objects/([0-9a-f]{{64}}|({'|'.join(KEY_COLUMNS)})(\.tree)?|content-set(\.parts(/[0-9a-f]{{2}})?)?)"
)
"""What every append puts together under the same names."""


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


def begin(folder: Path) -> None:
    """Begin the folder of an append, with a journal that says nothing yet: whatever is there from now on is its own.

    Args:
        folder: the ledger; the folder was cleared.

    Raises:
        OSError: it cannot be written.
    """
    (folder / STAGING).mkdir(exist_ok=True)
    (folder / STAGING / FILE_NAME).unlink(missing_ok=True)
    _write(folder, [])


def announce(folder: Path, names: Iterable[str]) -> None:
    """Write down what will be put together beside a ledger, and see it to the disk.

    Args:
        folder: the ledger, in which an append is staged.
        names: of the files, relative to the folder of the append.

    Raises:
        OSError: it cannot be written.
    """
    _write(folder, [{"staged": name} for name in names])


def add_items(folder: Path, items: Iterable[JournalItem]) -> None:
    """Write down what will be moved in, and see it to the disk.

    Args:
        folder: the ledger, in which an append is staged.
        items: the files.

    Raises:
        OSError: it cannot be written.
    """
    _write(folder, [{"existed": each.existed, "path": each.path, "sha256": each.sha256} for each in items])


def _write(folder: Path, lines: Iterable[dict[str, str | bool]]) -> None:
    path = folder / STAGING / FILE_NAME
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        for each in lines:
            file.write(canonical(each) + b"\n")
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
    return [
        JournalItem(str(line.get("path")), str(line.get("sha256")), bool(line.get("existed", True)))
        for line in _read_lines(folder)
        if [*map(type, line.values())] == [bool, str, str]
    ]


def _read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        data = layout.read_bytes(folder / STAGING / FILE_NAME, _MOST_BYTES)
    except (OSError, VerificationError):
        return
    for line in data.split(b"\n"):
        with suppress(VerificationError):
            item = envelope.parse_json(line)
            if isinstance(item, dict):
                yield item


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
        ConfigError: it holds a link, what no append wrote down, or anything where there is no journal.
    """
    if os.path.lexists(folder / STAGING) and not os.path.isdir(folder / STAGING):  # noqa: PTH112 - it never raises
        raise ConfigError(
            f"{folder / STAGING} is no folder, and an append needs that name; move it out of the ledger {folder}"
        )
    announced = {line.get("staged") for line in _read_lines(folder)}
    is_begun = _is_file(folder / STAGING / FILE_NAME)
    for name, kind in _walk_folder(folder / STAGING):
        is_own = is_begun and (name in announced or _STAGED.fullmatch(name) is not None)
        if kind == "other" or not is_own:
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
