"""Files that a tool wrote for itself, so that nobody trains on them: version control, caches, notes of a file browser.

A name is not enough, as whoever adds a file chooses its name. A file is recognised where the folder is what the tool
makes, its path is one that the tool writes, and its bytes, to the last, have the form that the tool gives them
(binary_formats, text_formats, compiled_modules). A link is never one, nor is a file of records, nor one whose suffix a
loader would look for.

    .git            HEAD, objects/ and refs/ are there; objects, packs and lists by their own form to their end, small
                    texts, and copies that Git LFS keeps of files that were audited
    .hg .svn .bzr   the file that says their format is there; what has a form that can be told, no copies of files
    CVS             Entries, Root and Repository are there, each in its form
    __pycache__     compiled modules whose source lies beside them
    *_cache         of mypy, pytest and ruff, with their CACHEDIR.TAG; small texts
    .gitignore ...  small texts in their form: no records, no table, no prose; .DS_Store by its form
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, BinaryIO

from provenance.core import folder_walk, path_names
from provenance.ledger.tool_files import binary_formats, compiled_modules, text_formats

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    _Form = Callable[[BinaryIO, int, bytes], bool]
    """Whether a file of so many bytes, at a path below the tool's folder, is what the tool writes there."""

_PROSE = frozenset({"txt", "text", "md", "markdown", "rst", "html", "htm"})
_LOADED = _PROSE | frozenset({
    "jsonl", "ndjson", "jsonlines", "json", "geojson", "ipynb", "csv", "tsv", "tab", "psv", "xml", "yaml", "yml",
    "parquet", "arrow", "feather", "ipc", "avro", "orc", "warc", "tfrecord", "safetensors", "bin", "h5", "hdf5",
    "npy", "npz", "pkl", "pickle", "pt", "pth", "zip", "tar", "tgz", "gz", "bz2", "xz", "zst", "zstd", "7z", "rar",
})  # fmt: skip
"""Suffixes by which a loader chooses what it reads."""

_OBJECT_ID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_LFS_PATH = re.compile(rb"lfs/objects/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{64})")


def _make_text_form(form: Callable[[bytes], bool], limit: int = text_formats.MOST_BYTES) -> _Form:
    return lambda file, size, _: size <= limit and form(file.read(limit + 1))


def _make_binary_form(form: Callable[[BinaryIO, int], bool]) -> _Form:
    return lambda file, size, _: form(file, size)


def _make_lines_form(pattern: bytes) -> _Form:
    return _make_text_form(text_formats.make_lines_test(pattern), text_formats.MOST_LIST_BYTES)


def _make_line_form(pattern: bytes) -> _Form:
    return _make_text_form(text_formats.make_line_test(pattern), 1 << 12)


def _make_checksummed_form(*beginnings: bytes) -> _Form:
    return _make_binary_form(binary_formats.make_checksum_test(*beginnings))


def _is_any(_: BinaryIO, __: int, ___: bytes) -> bool:
    return True


def _is_object(file: BinaryIO, size: int, path: bytes) -> bool:
    return binary_formats.is_loose_object(file, size, path.removeprefix(b"objects/").replace(b"/", b"").decode())


def _is_compiled(file: BinaryIO, size: int, _: bytes) -> bool:
    return compiled_modules.read_source_size(file, size) is not None


_Forms = tuple[tuple[re.Pattern[bytes], "_Form"], ...]


def _compile_forms(*pairs: tuple[bytes, _Form]) -> _Forms:
    return tuple((re.compile(pattern), form) for pattern, form in pairs)


_HOOKS = (
    rb"(?:pre|post)-(?:applypatch|commit|merge|merge-commit|rebase|checkout|push|receive|update|rewrite|auto-gc)"
    rb"|applypatch-msg|commit-msg|prepare-commit-msg|sendemail-validate|update|push-to-checkout|fsmonitor-watchman"
    rb"|proc-receive|reference-transaction|post-index-change"
)
_PATTERN_LIST = _make_text_form(text_formats.is_pattern_list)
_MESSAGE = _make_text_form(text_formats.is_message)
_IDS = _make_lines_form(_OBJECT_ID)
_REFERENCE = _make_line_form(rb"ref: refs/[^\s{\[]{1,512}|" + _OBJECT_ID)
_REFLOG = (
    rb" [^<>{\[\t]{0,128}<[^<>\s]{0,128}> \d{1,12} [+-]\d{4}"
    rb"(?:\t(?:[a-z][a-z-]{0,31}(?: [^{\[\t]{0,255})?:(?: [^{\[].{0,255})?|update by push)?)?"
)
_FETCHED = rb"(?:(?:branch |tag |remote-tracking branch )?'[^'\s{\[]{1,512}' of )?[^\s{\[]{1,2048}"
_GIT = _compile_forms(
    (rb"objects/[0-9a-f]{2}/[0-9a-f]{38}(?:[0-9a-f]{24})?", _is_object),
    (rb"objects/pack/pack-[0-9a-f]+\.pack", _make_binary_form(binary_formats.is_pack)),
    (rb"objects/pack/pack-[0-9a-f]+\.idx", _make_binary_form(binary_formats.is_pack_index)),
    (rb"objects/pack/pack-[0-9a-f]+\.rev", _make_checksummed_form(b"RIDX\0\0\0")),
    (rb"objects/pack/(?:pack|multi-pack-index)-[0-9a-f]+\.bitmap", _make_checksummed_form(b"BITM\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.mtimes", _make_checksummed_form(b"MTME\0\0\0")),
    (rb"objects/pack/pack-[0-9a-f]+\.keep", _make_text_form(text_formats.is_short_note)),
    (rb"objects/pack/pack-[0-9a-f]+\.promisor", _make_lines_form(rb"(?:" + _OBJECT_ID + rb" [^\s{\[]{1,512})?")),
    (rb"objects/pack/multi-pack-index", _make_checksummed_form(b"MIDX\1")),
    (rb"objects/info/(?:commit-graph|commit-graphs/graph-[0-9a-f]+\.graph)", _make_checksummed_form(b"CGPH\1")),
    (rb"objects/info/commit-graphs/commit-graph-chain", _IDS),
    (rb"objects/info/packs", _make_lines_form(rb"(?:P pack-[0-9a-f]{40,64}\.pack)?")),
    (rb"index|sharedindex\.[0-9a-f]+", _make_binary_form(binary_formats.is_staging_index)),
    (rb"HEAD|(?:ORIG|CHERRY_PICK|REVERT|REBASE|BISECT|AUTO_MERGE)_HEAD|refs/.+", _REFERENCE),
    (rb"MERGE_HEAD|shallow", _IDS),
    (rb"FETCH_HEAD", _make_lines_form(_OBJECT_ID + rb"\t(?:not-for-merge)?\t" + _FETCHED)),
    (
        rb"packed-refs",
        _make_lines_form(
            rb"# pack-refs with:[ a-z-]{0,128}|" + _OBJECT_ID + rb" refs/[^\s{\[]{1,512}|\^" + _OBJECT_ID
        ),
    ),
    (rb"info/refs", _make_lines_form(_OBJECT_ID + rb"\trefs/[^\s{\[]{1,512}(?:\^\{\})?")),
    (rb"logs/(?:HEAD|refs/.+)", _make_lines_form(_OBJECT_ID + rb" " + _OBJECT_ID + _REFLOG)),
    (rb"hooks/(?:" + _HOOKS + rb")(?:\.sample)?", _make_text_form(text_formats.is_script)),
    (rb"config|config\.worktree", _make_text_form(text_formats.is_configuration)),
    (rb"description", _make_text_form(text_formats.is_short_note)),
    (rb"(?:COMMIT|TAG)_EDITMSG|(?:MERGE|SQUASH)_MSG", _MESSAGE),
    (rb"info/(?:exclude|sparse-checkout)", _PATTERN_LIST),
    (rb"info/attributes", _make_text_form(text_formats.is_attribute_list)),
)  # fmt: skip
_ENTRY = rb"/[^/{\[\",;|]{1,128}/-?[0-9.]{0,32}/[\w :+.-]{0,64}/(?:-k\w{1,3})?/(?:[TD][\w.-]{1,64})?"
_CVS = _compile_forms(
    (rb"Entries(?:\.Log)?", _make_lines_form(rb"(?:[AR] )?(?:" + _ENTRY + rb"|D/[^/{\[\",;|]{1,128}////)|D")),
    (rb"Root", _make_line_form(rb"(?::\w+:|/|[\w.@-]+:/)[^\s{\[]{0,1024}")),
    (rb"Repository", _make_line_form(rb"[^\s{\[][^\s{\[]{0,1024}")),
)
_CACHE = _compile_forms(
    (rb"CACHEDIR\.TAG", _make_text_form(text_formats.is_tag)),
    (rb"\.gitignore", _PATTERN_LIST),
    (rb"v/cache/(?:lastfailed|nodeids|stepwise)", _make_text_form(text_formats.is_empty_json)),
)
_REVLOG = _make_binary_form(binary_formats.is_revision_log)

_FOLDERS: dict[bytes, tuple[str, dict[bytes, bool], _Forms]] = {
    b".git": ("version control (git)", {b"HEAD": False, b"objects": True, b"refs": True}, _GIT),
    b".hg": (
        "version control (mercurial)",
        {b"requires": False, b"store": True},
        _compile_forms(
            (rb"(?:store/)?requires", _make_text_form(text_formats.make_lines_test(rb"[\w.-]{0,64}"), 1 << 12)),
            (rb"(?:store/.+|00changelog)\.i", _REVLOG),
        ),
    ),
    b".svn": (
        "version control (subversion)",
        {b"wc.db": False},
        _compile_forms(
            (rb"wc\.db", _make_binary_form(binary_formats.make_database_test(b"NODES", b"PRISTINE", b"WCROOT"))),
            (rb"entries|format", _make_line_form(rb"\d{0,8}")),
        ),
    ),
    b".bzr": (
        "version control (bazaar)",
        {b"branch-format": False},
        _compile_forms(
            (rb"README", _make_text_form(text_formats.is_message, 512)),
            (
                rb"(?:branch-format|(?:branch|checkout|repository)/format)",
                _make_line_form(rb"[Bb]azaar[\w ,.()-]{0,128}"),
            ),
        ),
    ),
    b"CVS": ("version control (cvs)", {b"Entries": False, b"Root": False, b"Repository": False}, _CVS),
    b"__pycache__": ("a cache (python)", {}, _compile_forms((rb"[^/]+\.cpython-\d+(?:\.opt-\d)?\.pyc", _is_compiled))),
    b".mypy_cache": ("a cache (mypy)", {b"CACHEDIR.TAG": False}, _CACHE),
    b".pytest_cache": ("a cache (pytest)", {b"CACHEDIR.TAG": False}, _CACHE),
    b".ruff_cache": ("a cache (ruff)", {b"CACHEDIR.TAG": False}, _CACHE),
}
"""By the name of a folder: what it is, what must lie in it and whether that is a folder, and the forms of its files."""

_NOTES: dict[bytes, tuple[str, _Form]] = {
    # of a submodule or work tree
    b".git": ("version control (git)", _make_line_form(rb"gitdir: [^\x00-\x1f{}\"]{1,1024}")),
    b".gitattributes": ("version control (git)", _make_text_form(text_formats.is_attribute_list)),
    b".gitignore": ("version control (git)", _PATTERN_LIST),
    b".gitkeep": ("version control (git)", _make_text_form(text_formats.is_short_note)),
    b".gitmodules": ("version control (git)", _make_text_form(text_formats.is_configuration)),
    b".DS_Store": ("a note of a file browser", _make_binary_form(binary_formats.is_desktop_note)),
}


def is_loaded(path: str) -> bool:
    """Tell whether a loader would choose a file by its suffix, to read records from it; prose is none.

    Args:
        path: as it stands in tables.
    """
    return _find_suffix(path_names.text_to_path(path)) in _LOADED - _PROSE


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

    def recognise_tool(self, path: str) -> str | None:
        """Say which tool a file is of.

        Args:
            path: of a file that lies in the data and was reached through no link, as it stands in tables.

        Returns:
            Its kind and tool; None where it is of none, is a link or a folder, or cannot be read.
        """
        parts = path_names.text_to_path(path).split(b"/")
        if path_names.INTO_ARCHIVE in path or not parts[-1] or _find_suffix(parts[-1]) in _LOADED:
            return None
        at = next((at for at, part in enumerate(parts[:-1]) if part in _FOLDERS), None)
        inner = b""
        if at is None:
            label, form = _NOTES.get(parts[-1], (None, None))
        else:
            label, markers, forms = _FOLDERS[parts[at]]
            inner = b"/".join(parts[at + 1 :])
            form = next((form for pattern, form in forms if pattern.fullmatch(inner)), None)
            if copy := _LFS_PATH.fullmatch(inner):
                form = None if parts[at] != b".git" or not self._is_copy(b"/".join(parts), copy) else _is_any
            if form is not None and not self._is_made(b"/".join(parts[: at + 1]), markers, forms):
                return None
        if form is None or not self._has_form(b"/".join(parts), form, inner):
            return None
        return label if form is not _is_compiled or self._has_source(parts) else None

    def _is_made(self, folder: bytes, markers: dict[bytes, bool], forms: _Forms) -> bool:
        """Tell whether a folder holds what its tool puts there before anything else."""
        if folder not in self._made:
            self._made[folder] = all(
                self._is_folder(folder + b"/" + name)
                if is_folder
                else any(
                    pattern.fullmatch(name) and self._has_form(folder + b"/" + name, form, name, empty=False)
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

    def _has_form(self, path: bytes, form: _Form, inner: bytes, *, empty: bool = True) -> bool:
        try:
            if not stat.S_ISREG(os.lstat(self._root + b"/" + path).st_mode):
                return False
            with os.fdopen(folder_walk.open_file(self._root, path), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                return form(file, size, inner) if size else empty
        except (OSError, ValueError, OverflowError):  # a NUL in a name that only a table has
            return False

    def _has_source(self, parts: list[bytes]) -> bool:
        """Tell whether the source of a compiled module lies beside it, as large as it was when it was compiled."""
        source = b"/".join([*parts[:-2], parts[-1].partition(b".cpython-")[0] + b".py"])
        try:
            status = os.lstat(self._root + b"/" + source)
            with os.fdopen(folder_walk.open_file(self._root, b"/".join(parts)), "rb") as file:
                size = compiled_modules.read_source_size(file, os.fstat(file.fileno()).st_size)
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == size


def _find_suffix(name: bytes) -> str:
    """Return what stands behind the last dot of a name, also of one that begins with it."""
    name = name.rpartition(b"/")[2]
    return name.rpartition(b".")[2].decode("utf-8", "replace").lower() if b"." in name else ""
