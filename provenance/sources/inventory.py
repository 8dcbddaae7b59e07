"""What lies in a folder: every path with its role. Nothing is opened but the heads of files whose names leave a doubt.

A folder that is left out (hidden, version control, a ledger) is one row with the bytes below it; so is a link to a
folder. A link to a file inside the data, or into the blobs of a recognised cache, is read once, under the name that
says more. Every byte on disk is counted in exactly one row.

Paths are written so that no two look alike, and none like a member of an archive: see `pathnames`. Whatever cannot be
looked at is a row with its reason; it ends no scan.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from provenance.core import folder_walk, schemas
from provenance.core.path_names import path_to_text, text_to_path
from provenance.errors import ConfigError, InputError
from provenance.readers import manifests
from provenance.readers.records import bookkeeping
from provenance.readers.storage import regular_files
from provenance.sources import file_roles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

HEAD_BYTES = 1 << 16
"""Bytes read to recognise a manifest."""

_CONTROL = {".git": "git", ".hg": "mercurial", ".svn": "subversion", ".bzr": "bazaar", "CVS": "cvs"}
_DERIVED = {"__pycache__", "__MACOSX", ".ipynb_checkpoints"}
_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?size (\d+)\n")
_ANNEX = re.compile(rb"^(?:/annex/objects/|\.\./.*/annex/objects/)")
_REFERENCE = re.compile(rb"^(.*/)?refs/")
_PASSABLE = {"hidden", "derived by a tool"}  # reasons that keep no link from being read
_POINTER_BYTES = 1024  # bytes; the largest pointer of Git LFS (docs/spec.md)


@dataclass(slots=True)
class _Row:
    path: str
    role: str
    bytes: int
    kind: str | None = None
    reason: str | None = None
    target: str | None = None


@dataclass(slots=True)
class _Walk:
    root: bytes
    real: bytes
    exclude: tuple[str, ...]
    leave_out: Callable[[Path], str | None]
    follow_links: bool
    rows: list[_Row] = field(default_factory=list)
    links: list[tuple[_Row, bytes]] = field(default_factory=list)


def list_paths(
    data: Path,
    *,
    exclude: Sequence[str] = (),
    leave_out: Callable[[Path], str | None] = lambda _: None,
    follow_links: bool = False,
) -> pa.Table:
    """List every path below a folder with its role.

    Args:
        data: the folder.
        exclude: globs over relative paths; `*` crosses '/'; a folder's own name excludes all below it.
        leave_out: given a folder, why all of it is left out, or None.
        follow_links: whether links that lead out of the data are followed.

    Returns:
        PATHS, one row per file, link, special file or folder left out; sorted by path.

    Raises:
        ConfigError: the folder is missing, or is a file.
        InputError: it cannot be read.
    """
    try:
        mode = os.stat(data).st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"{data} does not exist; give the folder that holds the data") from error
    except OSError as error:
        raise InputError(f"{data} cannot be read: {error.strerror}") from error
    if not stat.S_ISDIR(mode):
        raise ConfigError(f"{data} is a file; give the folder that holds it")
    root = os.fsencode(data)
    walk = _Walk(root, os.path.realpath(root), tuple(exclude), leave_out, follow_links)
    try:
        os.scandir(root).close()
    except OSError as error:
        raise InputError(f"{data} cannot be read: {error.strerror}") from error
    _walk_folder(walk, b"")
    if walk.links:
        _settle_links(walk)
    columns = [[getattr(row, name) for row in walk.rows] for name in schemas.PATHS.names]
    return schemas.ordered(schemas.conform(pa.table(columns, schema=schemas.PATHS), schemas.PATHS), "path")


def _walk_folder(walk: _Walk, relative: bytes) -> None:
    """Walk without recursion of calls: a folder a thousand levels deep is no reason to fail."""
    waiting = [relative]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(os.path.join(walk.root, here) if here else walk.root) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            walk.rows.append(_role_by_name(here + b"/", "unreadable", 0, reason=_explain_cause(error)))
            continue
        for entry in found:
            path = here + b"/" + entry.name if here else entry.name
            below = _take_entry(walk, entry, path)
            if below is not None:
                waiting.append(below)


def _role_by_name(path: bytes, role: str, size: int, **known: str | None) -> _Row:
    return _Row(path_to_text(path), role, size, **known)


def _explain_cause(error: OSError) -> str:
    return f"cannot be read: {error.strerror or type(error).__name__}"


def _take_entry(walk: _Walk, entry: os.DirEntry[bytes], path: bytes) -> bytes | None:
    """Take one directory entry; return it if it is a folder to walk."""
    name = os.fsdecode(entry.name)
    excluded = _explain_exclusion(path_to_text(path), walk.exclude) if walk.exclude else None
    try:
        if entry.is_symlink():
            _take_link(walk, entry, path, excluded)
            return None
        if entry.is_dir(follow_symlinks=False):
            return _enter_folder(walk, entry, path, excluded)
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        walk.rows.append(
            _role_by_name(path, "ignored" if excluded else "unreadable", 0, reason=excluded or _explain_cause(error))
        )
        return None
    if excluded:
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        walk.rows.append(_role_by_name(path, "ignored", size, reason=excluded))
    elif not stat.S_ISREG(status.st_mode):
        walk.rows.append(_role_by_name(path, "unreadable", 0, reason="a device, pipe or socket is not read"))
    elif _is_hidden(name, path) and manifests.recognise(name, b"") is None and not _holds_records(entry.path, name):
        walk.rows.append(_role_by_name(path, "ignored", status.st_size, reason="hidden"))
    else:
        walk.rows.append(_take_regular(walk, path, status.st_size))
    return None


def _is_hidden(name: str, path: bytes) -> bool:
    return name.startswith(".") or b"/.reuse/" in b"/" + path


def _holds_records(place: bytes, name: str) -> bool:
    """Tell whether a hidden file is data all the same; one that cannot be read stays hidden, and is counted."""
    try:
        head = regular_files.read_head(place, HEAD_BYTES)
    except OSError:
        return False
    return bool(head) and file_roles.holds_records(name, head)


def _enter_folder(walk: _Walk, entry: os.DirEntry[bytes], path: bytes, excluded: str | None) -> bytes | None:
    name = os.fsdecode(entry.name)
    reason = excluded or walk.leave_out(Path(os.fsdecode(entry.path)))
    if name in _CONTROL:
        reason = f"version control ({_CONTROL[name]})"
    elif name in _DERIVED:
        reason = reason or "derived by a tool"
    elif name.startswith(".") and name != ".reuse":  # which may hold licences
        reason = reason or "hidden"
    if reason is None:
        return path
    size, closed = folder_walk.count_bytes(entry.path)
    role = "unreadable" if not excluded and any(not below for below, _ in closed) else "ignored"
    if closed:  # whoever excluded a folder did not ask what it holds
        reason += f", of which {len(closed):,} cannot be read and its bytes are not counted: {closed[0][1]}"
    walk.rows.append(_role_by_name(path + b"/", role, size, reason=reason))
    return None


def _explain_exclusion(path: str, globs: Iterable[str]) -> str | None:
    for glob in globs:
        plain = glob.rstrip("/")
        if fnmatch.fnmatchcase(path, plain) or fnmatch.fnmatchcase(path, plain + "/*"):
            return f"excluded by {glob!r}"
    return None


def _take_regular(walk: _Walk, path: bytes, size: int, *, at: bytes | None = None) -> _Row:
    row = _role_by_name(path, "data", size)
    reference = _REFERENCE.match(path)
    if reference and os.path.isdir(os.path.join(walk.root, reference[1] or b"", b"snapshots")):
        row.role, row.reason = "ignored", "a reference of a Hugging Face cache"
        return row
    place = at or os.path.join(walk.root, path)
    head = b""
    called = bookkeeping.is_called_so(row.path)
    if size and (size <= _POINTER_BYTES or called or manifests.is_doubtful(row.path)):
        try:
            head = regular_files.read_head(place, HEAD_BYTES)
        except OSError as error:
            row.role, row.reason = "unreadable", _explain_cause(error)
            return row
    pointer = _LFS.match(head) if size <= _POINTER_BYTES else None
    if pointer:
        row.kind = "git-lfs-pointer"
        row.reason = f"data not fetched: a Git LFS pointer to {int(pointer[1][:18])} bytes; run `git lfs pull`"
        return row
    if size <= _POINTER_BYTES and _ANNEX.match(head):
        row.kind, row.reason = "git-annex-pointer", "data not fetched: a git-annex pointer; run `git annex get`"
        return row
    row.role, row.kind = file_roles.decide_role(row.path, head, size, partial(_read_more, place))
    if called and row.role == "data" and (reason := bookkeeping.recognise(row.path, head, size)) is not None:
        row.role, row.kind, row.reason = "ignored", None, reason
    return row


def _read_more(place: bytes, size: int) -> bytes:
    try:
        return regular_files.read_head(place, size)
    except OSError:  # it was read a moment ago; whoever reads it next says what is wrong
        return b""


def _take_link(walk: _Walk, entry: os.DirEntry[bytes], path: bytes, excluded: str | None) -> None:
    row = _role_by_name(path, "ignored", 0, reason=excluded)
    walk.rows.append(row)
    if excluded:
        return
    aim = os.path.realpath(entry.path)
    try:
        status = os.stat(aim)
    except OSError as error:
        row.reason = "a link that leads nowhere"
        if isinstance(error, PermissionError):
            row.role, row.reason = "unreadable", f"a link whose target {_explain_cause(error)}"
        elif b"/annex/objects/" in _link_target(entry.path):
            row.role, row.kind, row.reason = "data", "git-annex-pointer", "data not fetched: run `git annex get`"
        return
    if stat.S_ISDIR(status.st_mode):
        row.reason = "a link to a folder is not followed"
    elif not stat.S_ISREG(status.st_mode):
        row.role, row.reason = "unreadable", "a link to a device, pipe or socket is not read"
    else:
        row.bytes = status.st_size
        walk.links.append((row, aim))


def _link_target(link: bytes) -> bytes:
    try:
        return os.readlink(link)
    except OSError:
        return b""


def _settle_links(walk: _Walk) -> None:
    """Decide for every link to a file under which name its target is read: once, and never outside by accident."""
    own = {os.path.join(walk.real, text_to_path(row.path)).rstrip(b"/"): row for row in walk.rows}
    read: dict[bytes, str] = {}
    for row, aim in sorted(walk.links, key=lambda link: link[0].path):
        inside = aim.startswith(walk.real.rstrip(b"/") + b"/")
        row.target = path_to_text(os.path.relpath(aim, walk.real))
        holder = _find_holder(aim, walk.real, own) if inside else None
        cached = _is_cache(aim)
        size, row.bytes = row.bytes, 0
        if aim in read:
            row.reason = f"a link to what is read as {read[aim]}"
        elif holder is not None and holder.role != "ignored" and not cached:
            row.reason = f"a link to {holder.path}, which is read itself"
        elif holder is not None and holder.reason not in _PASSABLE and not cached:
            row.reason = f"a link into what is left out ({holder.reason})"
        elif inside or cached or walk.follow_links:
            row.bytes = size
            _read_linked(walk, row, aim)
            read[aim] = row.path
            if holder is not None:
                _hand_over(holder, row)
        else:
            row.reason = "a link that leads out of the data is not followed (--follow-links)"


def _find_holder(aim: bytes, root: bytes, own: Mapping[bytes, _Row]) -> _Row | None:
    """Return the row that counts a file's bytes: its own, or that of the folder with which it is left out."""
    while aim not in own and len(aim) > len(root):
        aim = os.path.dirname(aim)
    return own.get(aim)


def _hand_over(holder: _Row, row: _Row) -> None:
    """Count a file's bytes under the link that it is read through, and there alone."""
    if holder.path.endswith("/"):
        holder.bytes -= row.bytes
    else:
        holder.role, holder.kind, holder.bytes, holder.reason = "ignored", None, 0, f"read as {row.path}"


def _is_cache(aim: bytes) -> bool:
    """Tell whether a path lies among the blobs of a Hugging Face cache, or the objects of git-annex."""
    folder = os.path.dirname(aim)
    hub = os.path.basename(folder) == b"blobs" and os.path.isdir(os.path.join(os.path.dirname(folder), b"snapshots"))
    return hub or b"/annex/objects/" in aim


def _read_linked(walk: _Walk, row: _Row, aim: bytes) -> None:
    found = _take_regular(walk, text_to_path(row.path), row.bytes, at=aim)
    row.role, row.kind, row.reason = found.role, found.kind, found.reason
