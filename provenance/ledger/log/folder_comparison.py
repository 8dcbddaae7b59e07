"""The data beside a ledger: how a folder differs from what a scan saw.

What was scanned is only ever looked up in the folder's listing, never opened by the name that a ledger gives. Files are
hashed on every core: SHA-256 holds no lock. Whatever lies in the folder is in exactly one group of `Compared`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.core import folder_walk, path_names
from provenance.errors import InputError, VerificationError
from provenance.readers.storage import open_regular, regular_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

_LONGEST_LINE = 1 << 24  # bytes of the longest line of a table
_FILES_WAITING = 1024  # files that are handed to threads at once

DiskPath = bytes
"""Where a file is on disk, whatever its name."""

ScannedFile = tuple[str, str | None, int]
"""Path as in FILES, its SHA-256, None where the scan had not read it, and its bytes."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A folder that a scan left out as a whole, or could not list, and what lies in it now.

    Args:
        path: as in FILES, with a closing '/'.
        bytes: that the scan counted in it.
        files: what lies in it, sorted.
        steady: whether its bytes can be compared: not where the ledger itself grows in it.
    """

    path: str
    bytes: int
    files: tuple[str, ...]
    steady: bool = True


@dataclass(frozen=True, slots=True)
class FolderComparison:
    """What a folder is, beside what was scanned.

    Args:
        changes: what differs.
        same: files whose bytes are those that were scanned.
        unread: files that could not be compared, as the scan had not read them.
        bytes: that were hashed.
        unreadable: files and folders that cannot be read now, with the cause.
        left_out: folders that the scan left out.
        ambiguous: files whose names in an old list may be those of others, so that they were not compared.
        through: where the links lead whose targets are in `same`.
        own: files of the ledger in the folder; None in `compare_folder` where they were not looked at.
    """

    changes: FolderChanges
    same: tuple[str, ...]
    unread: tuple[str, ...]
    bytes: int
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    ambiguous: tuple[str, ...] = ()
    through: frozenset[DiskPath] = frozenset()
    own: int = 0


@dataclass(slots=True)
class _Found:
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    covered: dict[str, int] = field(default_factory=dict)
    bytes: int = 0


@dataclass(slots=True)
class _Listing:
    """What lies in the data: names of files and links, those that are links, and folders that cannot be listed."""

    there: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    own: int = 0
    home: str | None = None


def compare_folder(
    scanned: Iterable[ScannedFile],
    data: Path,
    ledger: Path,
    *,
    naming: str = path_names.CURRENT_VERSION,
    own: Collection[str] | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005 - the name is the contract
) -> FolderComparison:
    """Compare the files on disk with a scan's.

    Args:
        scanned: what the scan saw: members of archives are passed over, a path with a closing slash is a folder that
            was left out.
        data: the folder.
        ledger: its own files are left out of the comparison, where it lies in the data.
        naming: one of pathnames.VERSIONS: how the scan wrote paths.
        own: names of the ledger's own files, relative to it; whatever else lies in it was added. None = they are not
            known, and all files in it are passed over.
        threads: that hash; None = one a core.
        progress: told the bytes hashed so far.

    Returns:
        What differs; the same for any number of threads.

    Raises:
        InputError: the folder cannot be listed.
    """
    listing = _list_data(data, folder_walk.folder_identity(ledger), naming, own)
    left, found = set(listing.there), _Found()
    root = os.fsencode(data)
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for waiting in _cut_in_groups(_sort_scanned(scanned, left, listing, found, naming)):
            places = [(root, path_names.text_to_path(path)) for path, _ in waiting]
            for (path, digest), (read, size, cause) in zip(waiting, pool.map(_digest_on_disk, places), strict=True):
                found.bytes += size
                if cause is not None:
                    found.unreadable.append((path, cause))
                else:
                    (found.same if read == digest else found.changed).append(path)
            progress(found.bytes)
    added = _sort_out(left, listing, found)
    through = frozenset(_link_target(data, path) for path in listing.links.intersection(found.same))
    unread = _drop_other_names(found.unread, found.same, listing.links, through, data, naming)
    return FolderComparison(
        changes=FolderChanges(tuple(sorted(added)), tuple(sorted(found.removed)), tuple(sorted(found.changed))),
        same=tuple(sorted(found.same)),
        unread=tuple(sorted(unread)),
        bytes=found.bytes,
        unreadable=tuple(sorted(found.unreadable)),
        left_out=_list_left_out(left, found.covered, listing.home),
        ambiguous=tuple(sorted(found.ambiguous)),
        through=through,
        own=listing.own,
    )


def resized(data: Path, compared: FolderComparison, allowed: Collection[str] = ()) -> list[str]:
    """Name the folders that were left out and hold more or fewer bytes than the scan counted in them.

    Args:
        data: the folder that was compared.
        compared: what came of it.
        allowed: paths of files that may come and go; a folder of nothing else may change.

    Returns:
        Paths with a closing '/', sorted; none of a folder that cannot be counted.
    """
    found = []
    for each in compared.left_out:
        # one in which nothing was found may be anywhere: the ledger gave its name
        if not each.files or not each.steady or all(path in allowed for path in each.files):
            continue
        place = path_names.disk_location(data, each.path.rstrip("/"))
        size, closed = folder_walk.count_bytes(place)
        inside = os.path.realpath(place) + b"/"
        size -= sum(
            _measure_folder(aim) for aim in compared.through if aim.startswith(inside)
        )  # they are counted at their links
        if size != each.bytes and not closed:
            found.append(each.path)
    return sorted(found)


def _measure_folder(place: bytes) -> int:
    try:
        return os.stat(place).st_size  # noqa: PTH116 - paths may be bytes that are no UTF-8
    except OSError:
        return 0


def _sort_scanned(
    scanned: Iterable[ScannedFile], left: set[str], listing: _Listing, found: _Found, naming: str
) -> Iterator[tuple[str, str]]:
    """Sort what was scanned; yield what must be hashed, and leave in `left` what no scan saw."""
    for path, digest, size in scanned:
        if path.endswith("/"):
            found.covered[path] = size
            if listing.closed.pop(path, None) is not None:
                found.unread.append(path)
        elif naming == path_names.LOSSY_VERSION and path_names.is_ambiguous(path):
            left.discard(path)
            found.ambiguous.append(path)
        elif path in left:
            left.discard(path)
            if digest is None:
                found.unread.append(path)
            else:
                yield path, digest
        elif naming == path_names.LOSSY_VERSION or path_names.INTO_ARCHIVE not in path:
            found.removed.append(path)


def _sort_out(left: set[str], listing: _Listing, found: _Found) -> set[str]:
    """Return what no scan saw and no folder covers; what is closed is named where it is below a folder left out."""
    for path, cause in listing.closed.items():
        if _outermost_covering(path, found.covered) is None:
            found.unreadable.append((path, cause))
        else:
            left.add(path)
    return {path for path in left if _outermost_covering(path, found.covered) is None} if found.covered else set(left)


def _outermost_covering(path: str, covered: Mapping[str, int]) -> str | None:
    """Return the outermost folder above a path that was left out."""
    at = path.find("/")
    while at >= 0:
        if path[: at + 1] in covered:
            return path[: at + 1]
        at = path.find("/", at + 1)
    return None


def _list_left_out(left: set[str], covered: Mapping[str, int], home: str | None) -> tuple[LeftOut, ...]:
    below: dict[str, list[str]] = {path: [] for path in covered}
    for path in left if covered else ():
        folder = _outermost_covering(path, covered)
        if folder is not None:
            below[folder].append(path)
    return tuple(
        LeftOut(path, covered[path], tuple(sorted(below[path])), home is None or not home.startswith(path))
        for path in sorted(covered)
    )


def _drop_other_names(
    unread: Iterable[str], same: Iterable[str], links: set[str], through: frozenset[bytes], data: Path, naming: str
) -> list[str]:
    """Leave out other names of a file that was compared: a link to it, or what was read through a link."""
    audited, real = set(same), os.path.realpath(os.fsencode(data))
    found = []
    for path in unread:
        aim = _link_target(data, path) if path in links else real + b"/" + path_names.text_to_path(path)
        inside = aim.startswith(real + b"/")
        if aim in through or (
            path in links and inside and path_names.path_to_text(aim[len(real) + 1 :], naming) in audited
        ):
            continue
        found.append(path)
    return found


def _link_target(data: Path, path: str) -> bytes:
    return os.path.realpath(path_names.disk_location(data, path))


def _cut_in_groups(wanted: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    waiting: list[tuple[str, str]] = []
    for each in wanted:
        waiting.append(each)
        if len(waiting) == _FILES_WAITING:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _list_data(data: Path, ledger: folder_walk.Identity | None, naming: str, own: Collection[str] | None) -> _Listing:
    """List what lies in the data, named as the scan names it, without the ledger's own files."""
    made = _Listing()
    for found in folder_walk.walk_folder(os.fsencode(data), ledger):
        path = path_names.path_to_text(found.path, naming)
        if found.own is not None:
            made.home = made.home or path.removesuffix(path_names.path_to_text(found.own, naming))
            if own is None or os.fsdecode(found.own) in own:
                made.own += 1
                continue
        if found.kind == "closed":
            if not path:
                raise InputError(f"{data} cannot be read: {found.cause}")
            made.closed[path] = found.cause
            continue
        made.there.add(path)
        if found.kind == "link":
            made.links.add(path)
    return made


def read_scanned(table: Path, sha256: str) -> Iterator[ScannedFile]:
    """Read FILES as a ledger keeps them, and hold what was read to its digest.

    Args:
        table: canonical JSON lines.
        sha256: that the entry binds, hexadecimal.

    Yields:
        Path, digest and bytes of each.

    Raises:
        ValueError: the table is not JSON lines; VerificationError: not FILES, or at its end not those that were bound.
    """
    digest = hashlib.sha256()
    with table.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            digest.update(line)
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                raise VerificationError("not a row of FILES")
            yield row["path"], row.get("sha256"), read_size(row.get("bytes"))
    if digest.hexdigest() != sha256:
        raise VerificationError("it was changed while it was verified")


def read_size(value: object) -> int:
    """Return a number of bytes as a table writes it, a string beyond 2**53; 0 where it is none.

    Args:
        value: as JSON has it.
    """
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else 0


def _digest_on_disk(place: tuple[bytes, bytes]) -> tuple[str | None, int, str | None]:
    """Digest a regular file, say how many bytes that were, or why it cannot be read.

    A link to a file is followed, as the scan did; what is no regular file any more has no digest.
    """
    try:
        handle = folder_walk.open_file(*place)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return None, 0, None
        with os.fdopen(handle, "rb") as file:
            return *regular_files.digest_file(file), None
    except OSError as cause:
        return None, 0, cause.strerror or type(cause).__name__


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a regular file, hexadecimal, in bounded memory."""
    with open_regular(path) as file:
        return regular_files.digest_file(file)[0]


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """How data differs from what was scanned: paths relative to the data, sorted."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)
