"""Files that a tool wrote for itself, so that nobody trains on them: version control, caches, notes of a file browser.

A name is not enough, as whoever adds a file chooses its name. A file is recognised where the folder is what the tool
makes, its path is one that the tool writes, and its bytes have the form that the tool gives them. A link is never one,
nor is a file of records, nor one whose suffix a loader would look for.

    .git            HEAD, objects/ and refs/ are there; objects, packs and lists by their own form, small texts,
                    and copies that Git LFS keeps of files that were audited
    .hg .svn .bzr   the file that says their format is there; what has a form that can be told, no copies of files
    CVS             Entries, Root and Repository are there, each in its form
    __pycache__     compiled modules
    *_cache         of mypy, pytest and ruff, with their CACHEDIR.TAG; small texts
    .gitignore ...  small texts that hold no records; .DS_Store by its form
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zlib
from typing import TYPE_CHECKING

from provenance.core import folder_walk, path_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

_HEAD = 1 << 16  # bytes of a file that are looked at, and of the largest text in no fixed form
_LISTS = 1 << 22  # bytes of the largest list in a fixed form
_PROSE = frozenset({"txt", "text", "md", "markdown", "rst", "html", "htm"})
_LOADED = _PROSE | frozenset({
    "jsonl", "ndjson", "jsonlines", "json", "geojson", "ipynb", "csv", "tsv", "tab", "psv", "xml", "yaml", "yml",
    "parquet", "arrow", "feather", "ipc", "avro", "orc", "warc", "tfrecord", "safetensors", "bin", "h5", "hdf5",
    "npy", "npz", "pkl", "pickle", "pt", "pth", "zip", "tar", "tgz", "gz", "bz2", "xz", "zst", "zstd", "7z", "rar",
})  # fmt: skip
"""Suffixes by which a loader chooses what it reads."""

_CODED = re.compile(rb"(?:blob|tree|commit|tag) \d{1,20}\0")
_ID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_COPY = re.compile(rb"lfs/objects/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{64})")
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"  # of a CACHEDIR.TAG, bford.info/cachedir


def _begins(*magics: bytes) -> Callable[[bytes, bool], bool]:
    return lambda head, _: head.startswith(magics)


def _lines(pattern: bytes) -> Callable[[bytes, bool], bool]:
    """Lines of one form, and nothing else."""
    line = re.compile(pattern)
    return lambda head, whole: whole and all(line.fullmatch(each) for each in head.splitlines())


def _is_any(_: bytes, __: bool) -> bool:
    return True


def _is_object(head: bytes, _: bool) -> bool:
    try:
        return _CODED.match(zlib.decompressobj().decompress(head, 64)) is not None
    except zlib.error:
        return False


def _is_compiled(head: bytes, _: bool) -> bool:
    return head[2:4] == b"\r\n" and head[16:17] in (b"\xe3", b"c")  # the magic of a version, then a code object


def _is_text(head: bytes, whole: bool) -> bool:
    """Tell whether bytes are a small text without a record in it."""
    from provenance.sources import file_roles  # a verifier without such files needs no readers

    if not whole or len(head) > _HEAD or b"\0" in head:
        return False
    return not file_roles.holds_records("", head) and not any(map(_is_record, (head, *head.splitlines())))


def _is_record(line: bytes) -> bool:
    line = line.strip().rstrip(b",")
    if line[:1] not in (b"{", b"["):
        return False
    try:
        return bool(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _is_script(head: bytes, whole: bool) -> bool:
    return head.startswith(b"#!") and _is_text(head, whole)


_Forms = tuple[tuple[re.Pattern[bytes], "Callable[[bytes, bool], bool]"], ...]


def _forms(*pairs: tuple[bytes, Callable[[bytes, bool], bool]]) -> _Forms:
    return tuple((re.compile(pattern), form) for pattern, form in pairs)


_HOOKS = (
    rb"(?:pre|post)-(?:applypatch|commit|merge|merge-commit|rebase|checkout|push|receive|update|rewrite|auto-gc)"
    rb"|applypatch-msg|commit-msg|prepare-commit-msg|sendemail-validate|update|push-to-checkout|fsmonitor-watchman"
    rb"|proc-receive|reference-transaction|post-index-change"
)
_REFERENCE = _lines(rb"ref: refs/\S+|" + _ID)
_GIT = _forms(
    (rb"objects/[0-9a-f]{2}/[0-9a-f]{38}(?:[0-9a-f]{24})?", _is_object),
    (rb"objects/pack/pack-[0-9a-f]+\.pack", _begins(b"PACK\0\0\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.idx", _begins(b"\xfftOc\0\0\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.rev", _begins(b"RIDX\0\0\0")),
    (rb"objects/pack/(?:pack|multi-pack-index)-[0-9a-f]+\.bitmap", _begins(b"BITM\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.mtimes", _begins(b"MTME\0\0\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.(?:keep|promisor)", _is_text),
    (rb"objects/pack/multi-pack-index", _begins(b"MIDX\1")),
    (rb"objects/info/(?:commit-graph|commit-graphs/graph-[0-9a-f]+\.graph)", _begins(b"CGPH\1")),
    (rb"objects/info/commit-graphs/commit-graph-chain", _lines(_ID)),
    (rb"objects/info/packs", _lines(rb"(?:P pack-[0-9a-f]+\.pack)?")),
    (rb"index|sharedindex\.[0-9a-f]+", _begins(b"DIRC\0\0\0")),
    (rb"HEAD|(?:ORIG|MERGE|CHERRY_PICK|REVERT|REBASE|BISECT|AUTO_MERGE)_HEAD|refs/.+", _REFERENCE),
    (rb"FETCH_HEAD", _lines(_ID + rb"\t(?:not-for-merge)?\t.*")),
    (rb"packed-refs", _lines(rb"# .*|" + _ID + rb" refs/\S+|\^" + _ID)),
    (rb"info/refs", _lines(_ID + rb"\trefs/\S+")),
    (rb"shallow", _lines(_ID)),
    (rb"logs/(?:HEAD|refs/.+)", _lines(_ID + rb" " + _ID + rb" [^<>]*<[^<>]*> \d+ [+-]\d{4}(?:\t[^{\[].*)?")),
    (rb"hooks/(?:" + _HOOKS + rb")(?:\.sample)?", _is_script),
    (rb"config|config\.worktree|description|(?:COMMIT|TAG)_EDITMSG|(?:MERGE|SQUASH)_MSG", _is_text),
    (rb"info/(?:exclude|attributes|sparse-checkout)", _is_text),
)  # fmt: skip
_CVS = _forms(
    (rb"Entries(?:\.Log)?", _lines(rb"(?:[AR] )?D?(?:/[^/]*){5}|D")),
    (rb"Root", _lines(rb"(?::\w+:|/|[\w.@-]+:/).*")),
    (rb"Repository", _lines(rb"[^\s{\[][^{\[]*")),
)
_CACHE = _forms(
    (rb"CACHEDIR\.TAG", _begins(_TAG)),
    (rb"\.gitignore", _is_text),
    (rb"v/cache/(?:lastfailed|nodeids|stepwise)", _is_text),
)
_REVLOG = _begins(*(bytes((0, flags, 0, version)) for flags in range(4) for version in (1, 2)))

_FOLDERS: dict[bytes, tuple[str, dict[bytes, bool], _Forms]] = {
    b".git": ("version control (git)", {b"HEAD": False, b"objects": True, b"refs": True}, _GIT),
    b".hg": (
        "version control (mercurial)",
        {b"requires": False, b"store": True},
        _forms((rb"(?:store/)?requires", _lines(rb"[\w.-]*")), (rb"(?:store/.+|00changelog)\.i", _REVLOG)),
    ),
    b".svn": (
        "version control (subversion)",
        {b"wc.db": False},
        _forms((rb"wc\.db", _begins(b"SQLite format 3\0")), (rb"entries|format", _lines(rb"\d*"))),
    ),
    b".bzr": (
        "version control (bazaar)",
        {b"branch-format": False},
        _forms((rb"(?:README|branch-format|(?:branch|checkout|repository)/format)", _is_text)),
    ),
    b"CVS": ("version control (cvs)", {b"Entries": False, b"Root": False, b"Repository": False}, _CVS),
    b"__pycache__": ("a cache (python)", {}, _forms((rb"[^/]+\.cpython-\d+(?:\.opt-\d)?\.pyc", _is_compiled))),
    b".mypy_cache": ("a cache (mypy)", {b"CACHEDIR.TAG": False}, _CACHE),
    b".pytest_cache": ("a cache (pytest)", {b"CACHEDIR.TAG": False}, _CACHE),
    b".ruff_cache": ("a cache (ruff)", {b"CACHEDIR.TAG": False}, _CACHE),
}
"""By the name of a folder: what it is, what must lie in it and whether that is a folder, and the forms of its files."""

_NOTES: dict[bytes, tuple[str, Callable[[bytes, bool], bool]]] = {
    b".git": ("version control (git)", _lines(rb"gitdir: .+")),  # of a submodule or work tree
    b".gitattributes": ("version control (git)", _is_text),
    b".gitignore": ("version control (git)", _is_text),
    b".gitkeep": ("version control (git)", _is_text),
    b".gitmodules": ("version control (git)", _is_text),
    b".DS_Store": ("a note of a file browser", _begins(b"\0\0\0\1Bud1\0")),
}


def is_loaded(path: str) -> bool:
    """Tell whether a loader would choose a file by its suffix, to read records from it; prose is none.

    Args:
        path: as it stands in tables.
    """
    return _suffix(path_names.text_to_path(path)) in _LOADED - _PROSE


class ToolFiles:
    """Recognises the files that tools wrote for themselves.

    Args:
        data: the folder in which they lie.
        audited: returns the SHA-256 of audited files, of which Git LFS keeps copies.
    """

    def __init__(self, data: Path, audited: Callable[[], Collection[str]] = tuple) -> None:
        """Look at nothing yet."""
        self._audited = audited
        self._digests: Collection[str] | None = None
        self._root = os.fsencode(data)
        self._made: dict[bytes, bool] = {}

    def recognise(self, path: str) -> str | None:
        """Say which tool a file is of.

        Args:
            path: of a file that lies in the data and was reached through no link, as it stands in tables.

        Returns:
            Its kind and tool; None where it is of none, is a link or a folder, or cannot be read.
        """
        parts = path_names.text_to_path(path).split(b"/")
        if path_names.INTO_ARCHIVE in path or not parts[-1] or _suffix(parts[-1]) in _LOADED:
            return None
        at = next((at for at, part in enumerate(parts[:-1]) if part in _FOLDERS), None)
        if at is None:
            label, form = _NOTES.get(parts[-1], (None, None))
        else:
            label, markers, forms = _FOLDERS[parts[at]]
            inner = b"/".join(parts[at + 1 :])
            form = next((form for pattern, form in forms if pattern.fullmatch(inner)), None)
            if copy := _COPY.fullmatch(inner):
                form = None if parts[at] != b".git" or not self._is_copy(b"/".join(parts), copy) else _is_any
            if form is not None and not self._is_made(b"/".join(parts[: at + 1]), markers, forms):
                return None
        return label if form is not None and self._has_form(b"/".join(parts), form) else None

    def _is_made(self, folder: bytes, markers: dict[bytes, bool], forms: _Forms) -> bool:
        """Tell whether a folder holds what its tool puts there before anything else."""
        if folder not in self._made:
            self._made[folder] = all(
                self._is_folder(folder + b"/" + name)
                if is_folder
                else any(
                    pattern.fullmatch(name) and self._has_form(folder + b"/" + name, form, empty=False)
                    for pattern, form in forms
                )
                for name, is_folder in markers.items()
            )
        return self._made[folder]

    def _is_copy(self, path: bytes, named: re.Match[bytes]) -> bool:
        """Tell whether a file that Git LFS keeps is, byte for byte, one that was audited."""
        if self._digests is None:
            self._digests = self._audited()
        try:
            if named[3].decode() not in self._digests or not named[3].startswith(named[1] + named[2]):
                return False
            with os.fdopen(folder_walk.open_file(self._root, path), "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == named[3].decode()
        except OSError:
            return False

    def _is_folder(self, path: bytes) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self._root + b"/" + path).st_mode)
        except (OSError, ValueError):
            return False

    def _has_form(self, path: bytes, form: Callable[[bytes, bool], bool], *, empty: bool = True) -> bool:
        try:
            status = os.lstat(self._root + b"/" + path)
            if not stat.S_ISREG(status.st_mode):
                return False
            with os.fdopen(folder_walk.open_file(self._root, path), "rb") as file:
                head = file.read(_LISTS if status.st_size > _HEAD else _HEAD + 1)
        except (OSError, ValueError):  # a NUL in a name that only a table has
            return False
        return form(head, len(head) < _LISTS) if head else empty


def _suffix(name: bytes) -> str:
    """Return what stands behind the last dot of a name, also of one that begins with it."""
    name = name.rpartition(b"/")[2]
    return name.rpartition(b".")[2].decode("utf-8", "replace").lower() if b"." in name else ""
