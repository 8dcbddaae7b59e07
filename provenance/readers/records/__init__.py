"""From a file to its records: `read` yields batches of RECORDS and one account a file and archive member.

One file a format, each with one verb, `read`, and its declaration, `RECORD_FORMAT`. To add a format: its file, a line
in `formats.FORMATS`, a case table. What is wrong with a file is a row with an error or an account with a reason:
nothing here raises because of what a file holds.

Bytes are accounted for on disk. Of a compressed or transcoded file a reader knows only the bytes that came out; what
it skipped of those counts on disk in proportion, rounded up: a file with an unreadable record has a skipped byte.
An archive's own account skips what its skipped members take on disk. A member's bytes are its uncompressed ones.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from provenance.core.model import CHANGED, UNSAMPLED
from provenance.readers import storage
from provenance.readers.records import column_roles, format_detection
from provenance.readers.records.accounts import Account, Batch, Document, close_account
from provenance.readers.records.column_roles import Roles, override_roles
from provenance.readers.records.file_reading import WIDE, File, IsDocument, Item, is_bounded, is_no_document
from provenance.readers.records.format_detection import detect_format
from provenance.readers.records.formats import FORMATS
from provenance.readers.records.small_files import FileRun, LoneFile, SmallFileReader
from provenance.readers.records.tally import Tally
from provenance.readers.storage import regular_files

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FORMATS",
    "Account",
    "Batch",
    "Document",
    "FileRun",
    "Item",
    "LoneFile",
    "Roles",
    "SmallFileReader",
    "detect_format",
    "is_bounded",
    "make_account",
    "override_roles",
    "read",
    "read_together",
]

_TAIL_BYTES = 1 << 20  # bytes before the end of a head in which a line break is looked for


def read(
    location: str | bytes,
    path: str,
    *,
    limits: storage.Limits = storage.LIMITS,
    roles: Roles | None = None,
    head: int | None = None,
    is_document: IsDocument = is_no_document,
    bounded: bool = False,
) -> Iterator[Item]:
    """Read a data file, whatever it is.

    Args:
        location: where it is on disk.
        path: its name in tables, '/' between parts.
        limits: memory and time it may cost.
        roles: which column means what; the published table if None.
        head: bytes to read of a larger file of lines or passages that is not compressed; None, or another format: all.
        is_document: tells members of an archive that hold no records from those that do.
        bounded: the file was seen to be of a bounded format, and no other reader is to be used.

    Yields:
        Batches of RECORDS and, after the last of a file or member, its Account; the members of an archive
        (`a.zip!/dir/m.txt`) before the archive; of those that hold no records one Document before their Account. The
        last thing is the account of `path` itself.

    Raises:
        ConfigError: the table of column roles is broken. Nothing that a file holds raises.
    """
    for item in read_together(
        location,
        path,
        limits=limits,
        roles=roles,
        head=head,
        is_document=is_document,
        bounded=bounded,
        together=False,
    ):
        if not isinstance(item, FileRun):
            yield item
        del item


def read_together(
    location: str | bytes,
    path: str,
    *,
    limits: storage.Limits = storage.LIMITS,
    roles: Roles | None = None,
    head: int | None = None,
    is_document: IsDocument = is_no_document,
    bounded: bool = False,
    together: bool = True,
) -> Iterator[Item | FileRun]:
    """Read a data file as `read` does, but small members of an archive together.

    Args:
        location: as of `read`.
        path: as of `read`.
        limits: as of `read`.
        roles: as of `read`.
        head: as of `read`.
        is_document: as of `read`.
        bounded: as of `read`.
        together: whether members come together at all.

    Yields:
        What `read` does, and a FileRun for many small members with their accounts.
    """
    roles = roles or column_roles.load_roles()
    size = 0
    try:
        reason = storage.explain_refusal(location)
        size = os.stat(location).st_size
        if reason is None:
            with storage.open_regular(location) as file:
                reason, size = regular_files.explain_doubt(file, limits), os.fstat(file.fileno()).st_size
                end = _find_cut(file, path, size, head) if head is not None and reason is None else None
                if end is not None:
                    part = File(
                        path, storage.Stream(regular_files.BoundedFile(file, end)), end, limits, roles, bounded=bounded
                    )
                    yield from _account_for_heads(part.read(), path, size, end)
                elif reason is None:
                    whole = File(
                        path,
                        file,
                        size,
                        limits,
                        roles,
                        is_document=is_document,
                        together=together,
                        bounded=bounded,
                    )
                    for item in whole.read():
                        if isinstance(item, Account) and item.path == path:
                            yield _compare_size(item, size, file)
                        else:
                            yield item
                        del item  # it is let go before the next is read
        if reason is None:
            return
    except OSError as error:
        reason = f"cannot be read: {error.strerror or type(error).__name__}"
    yield Account(path, None, size, 0, size, reason, 0, 0, None, ())


def _compare_size(account: Account, size: int, file: BinaryIO) -> Account:
    """Say of a file that it changed while it was read: it was cut, or has grown beyond what is read of it."""
    there = account.bytes if account.sha256 is not None else size
    if there < size:
        reason = (
            f"it yields {there:,} bytes where its size is {size:,}: it was cut while it was read, or is no real file"
        )
        return replace(account, bytes=size, bytes_skipped=account.bytes_skipped + size - there, skip_reason=reason)
    if account.sha256 is not None and os.fstat(file.fileno()).st_size > size:
        reason = f"{CHANGED}: it grew beyond the {size:,} bytes that it had when it was opened"
        return replace(account, skip_reason=account.skip_reason or reason)
    return account


def _find_cut(file: BinaryIO, path: str, size: int, head: int) -> int | None:
    """Return where the last whole line or passage within the head ends; None where the file is to be read in full."""
    start = file.read(format_detection.HEAD_BYTES)
    file.seek(0)
    form = FORMATS.get(detect_format(start, path))
    if size <= head or form is None or not form.by_lines or start[:2] in WIDE:
        return None
    at = max(0, head - _TAIL_BYTES)
    file.seek(at)
    tail = file.read(head - at)
    file.seek(0)
    cut = tail.rfind(b"\n") + 1
    return at + cut if cut else None


def _account_for_heads(items: Iterator[Item | FileRun], path: str, size: int, end: int) -> Iterator[Item | FileRun]:
    """Account for the whole file of which only the head was read."""
    for item in items:
        if isinstance(item, Account) and item.path == path:
            reason = item.skip_reason or f"{UNSAMPLED} beyond its first {end:,} bytes"
            skipped = item.bytes_skipped + size - end
            yield replace(item, bytes=size, bytes_skipped=skipped, skip_reason=reason, sha256=None, blocks=())
        else:
            yield item


def make_account(
    location: str | bytes,
    path: str,
    format: str | None,  # noqa: A002 - names the column
    reason: str | None = None,
) -> Account:
    """Digest a file that is not data: a manifest, a licence, documentation, or ignored.

    Args:
        location: where it is on disk.
        path: its name in tables.
        format: what it is; sniffed if None.
        reason: why its content counts as skipped; None where it is understood elsewhere.

    Returns:
        Its account, without records.
    """
    size = 0
    try:
        refused = storage.explain_refusal(location)
        size = os.stat(location).st_size
        if refused is None:
            with storage.open_regular(location) as file:
                refused, size = regular_files.explain_doubt(file, storage.LIMITS), os.fstat(file.fileno()).st_size
                if refused is None:
                    tap = storage.DigestingReader(regular_files.BoundedFile(file, size))
                    stream = storage.Stream(tap)
                    name = format or detect_format(stream.peek(format_detection.HEAD_BYTES), path)
                    stream.drain()
                    tally = Tally()
                    if reason is not None:
                        tally.skip_bytes(stream.count, reason)
                    return _compare_size(
                        close_account(path, name, stream.count, stream, tally=tally, digest=tap.digest), size, file
                    )
    except OSError as error:
        refused = f"cannot be read: {error.strerror or type(error).__name__}"
    return Account(path, format, size, 0, size, refused, 0, 0, None, ())
