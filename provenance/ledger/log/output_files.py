"""What an act made: a folder of files, digested at the speed of the disk, as lines and the tree that they make.

    {"bytes":3,"path":"shard-00000.jsonl","sha256":"…"}

One canonical JSON line a file, sorted by path; without its line break each is a leaf of an RFC 9162 tree.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.core import path_names
from provenance.core.digests import canonical, sha256
from provenance.errors import ConfigError, InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import envelope, statement
from provenance.ledger.format.row_keys import RowKeys
from provenance.ledger.log import folder_comparison
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_BYTES = 1 << 30
"""Bytes of the longest list of files that is read."""

_LARGEST_SAFE_INTEGER = (1 << 53) - 1  # the largest integer that every JSON reader keeps (RFC 8785, section 3.2.2.3)


def digest_folder(folder: Path, threads: int | None = None) -> tuple[dict[str, Any], bytes]:
    """Digest every file of a folder.

    Args:
        folder: what was made; ledgers in it are left out.
        threads: that hash; None = one a core.

    Returns:
        What the entry says of it, and the lines, to be kept as an object.

    Raises:
        ConfigError: there is no such folder, or no file in it.
        InputError: it cannot be read, or holds a link or special file: what that leads to may change.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - a folder in which one may not look is none to us, and no traceback
        raise ConfigError(f"{folder} is no folder")
    places = sorted(_list_files(folder), key=lambda each: each[0].encode())
    if not places:
        raise ConfigError(f"{folder} holds no file")
    try:
        with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
            digests = list(pool.map(folder_comparison.digest_file, (path for _, path in places)))
        sizes = [path.stat().st_size for _, path in places]
    except OSError as cause:
        raise InputError(f"{cause.filename} cannot be read: {cause.strerror}") from cause
    rows = [
        canonical({"bytes": _to_portable_number(size), "path": name, "sha256": found})
        for (name, _), size, found in zip(places, sizes, digests, strict=True)
    ]
    lines = b"".join(row + b"\n" for row in rows)
    tree = {"alg": "rfc9162-sha256", "size": len(rows), "root": _hash_root(rows)}
    outputs = {
        "files": len(rows),
        "bytes": _to_portable_number(sum(sizes)),
        "lines": statement.object_path(sha256(lines)),
        "tree": tree,
    }
    return outputs, lines


def read_output(folder: Path, output: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Read what an act made, held to the tree that its entry signs.

    Args:
        folder: the ledger.
        output: `outputs` of the entry's predicate.

    Returns:
        One mapping a file: path, sha256, bytes; sorted by path.

    Raises:
        InputError: the list is withheld; VerificationError: it is not what was signed.
    """
    try:
        data = layout.read_bytes(folder / output["lines"], MOST_BYTES)
    except OSError as cause:
        raise InputError(f"the list {output['lines']} is withheld") from cause
    lines = data.removesuffix(b"\n").split(b"\n")
    if (len(lines), len(lines), _hash_root(lines)) != (output["files"], output["tree"]["size"], output["tree"]["root"]):
        raise VerificationError("the list of what it made does not have the root that it says")
    rows = [envelope.parse_json(line) for line in lines]
    for row in rows:
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("path", "sha256")):
            raise VerificationError("the list of what it made is none")
    _check_paths(rows)
    return rows


def _check_paths(rows: list[dict[str, Any]]) -> None:
    """Each path once, in order: of two rows of one path, nobody could say which is the file."""
    try:
        RowKeys("files").add_rows(rows)
    except VerificationError as cause:
        raise VerificationError(f"the list of what it made: {cause}") from cause


def _hash_root(lines: list[bytes]) -> str:
    return merkle.hash_root([merkle.hash_leaf(line) for line in lines]).hex()


def _list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for at, inner, files in os.walk(folder, onerror=_refuse_folder):
        here = Path(at)
        inner[:] = [name for name in inner if not layout.is_ledger(here / name)]
        for name in (*files, *(name for name in inner if os.path.islink(here / name))):  # noqa: PTH114 - it never raises
            path = here / name
            if not stat.S_ISREG(_read_mode(path)):
                raise InputError(f"{path} is no regular file: what it leads to may change; leave it out")
            yield path_names.path_to_text(os.fsencode(path.relative_to(folder).as_posix())), path


def _read_mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}") from cause


def _refuse_folder(cause: OSError) -> None:
    """A folder that cannot be listed may hold anything: it must not pass for empty."""
    raise InputError(f"{cause.filename} cannot be read: {cause.strerror}") from cause


def _to_portable_number(count: int) -> int | str:
    return count if count <= _LARGEST_SAFE_INTEGER else str(count)
