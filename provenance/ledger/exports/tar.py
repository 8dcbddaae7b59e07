"""Tar: a ledger as one file, the same bytes whoever makes it and whenever; what is named is withheld.

Members are sorted, belong to nobody and were last changed in 1970 (POSIX.1-2001, pax). Only what an entry binds, the
entries, their co-signatures and the checkpoints go in: a file that nobody vouches for stays at home, as does the link
`scans/latest`. A file that is withheld is missing, and `verify` of the unpacked folder says so with exit code 5.
"""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from typing import TYPE_CHECKING

from provenance.core.wording import count_noun
from provenance.errors import DigestMismatch
from provenance.ledger.exports.export_format import Exported, ExportedEntry, ExportFormat, ExportRequest
from provenance.ledger.log import leaf_hashes
from provenance.ledger.proofs import redaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SIGNED = re.compile(
    r"entries/[0-9]{8}(\.dsse\.json|\.co/[a-z0-9-]+\.(dsse\.json|pub\.pem))"
    r"|checkpoints/([0-9]+\.[a-z0-9.-]+|leaves)|redacted/[0-9]{8}/[a-z]+\.jsonl"
)
_CHUNK = 1 << 20  # bytes
_ROOM = tarfile.RECORDSIZE


def render(folder: Path, bound: Mapping[str, str], left: redaction.RedactionPlan) -> Iterator[bytes]:
    """Render a ledger as a tar, in pieces: it may be larger than memory.

    Args:
        folder: the ledger.
        bound: SHA-256, hexadecimal, of every file that its entries bind, by path relative to the ledger.
        left: what is withheld.

    Yields:
        The tar.

    Raises:
        DigestMismatch: a file is not what its entry binds; nothing of use was made then.
    """
    size = 0
    for name in sorted({*bound, *_signed(folder), *left.tables} - left.withheld):
        if name in left.tables:
            for chunk in _redacted(folder / left.tables[name], name, left.names):
                size += len(chunk)
                yield chunk
            continue
        if name in bound and not (folder / name).exists():
            continue  # withheld already, by whom it came from
        for chunk in _member(folder / name, name, bound.get(name)):
            size += len(chunk)
            yield chunk
    # Two blocks of zeros end it, filled up to a whole record.
    yield bytes(2 * tarfile.BLOCKSIZE + -(size + 2 * tarfile.BLOCKSIZE) % _ROOM)


def _signed(folder: Path) -> Iterator[str]:
    """Name what is signed itself, and so bound by nothing."""
    if (folder / leaf_hashes.PATH).is_file():
        yield leaf_hashes.PATH
    for part in ("entries", "checkpoints", "redacted"):
        for path in (folder / part).rglob("*"):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not path.is_symlink() and _SIGNED.fullmatch(name):
                yield name


def _redacted(lines: Path, name: str, names: redaction.Names) -> Iterator[bytes]:
    """A table of which lines are withheld: made twice, as its size stands before it."""
    info = _about(name, sum(map(len, redaction.lines(lines, names))))
    yield info.tobuf(tarfile.PAX_FORMAT)
    yield from redaction.lines(lines, names)
    yield bytes(-info.size % tarfile.BLOCKSIZE)


def _about(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _member(path: Path, name: str, digest: str | None) -> Iterator[bytes]:
    found = hashlib.sha256()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        info = _about(name, left := os.fstat(file.fileno()).st_size)
        yield info.tobuf(tarfile.PAX_FORMAT)
        while left and (chunk := file.read(min(_CHUNK, left))):
            found.update(chunk)
            left -= len(chunk)
            yield chunk
    if left or (digest is not None and found.hexdigest() != digest):
        raise DigestMismatch(f"{name} is not what its entry binds, or was changed just now; run provenance verify")
    yield bytes(-info.size % tarfile.BLOCKSIZE)


def _export(entry: ExportedEntry, request: ExportRequest) -> Exported:
    statements = [entry.reader.statement(index) for index in range(entry.reader.size)]
    bound = {path: digest for each in statements for path, digest in each.folder.items()}
    left = redaction.plan(entry.folder, statements, request.withhold)
    files, tables = count_noun(len(left.withheld), "file"), count_noun(len(left.tables), "table")
    sentences = (f"Withheld: {files}, and what names it in {tables}",) if left.tables else ()
    return render(entry.folder, bound, left), sentences


EXPORT = ExportFormat("tar", "The ledger as one file, without what is withheld.", ("withhold",), _export)
