"""From a file to its records: `read` yields batches of RECORDS and one account a file and archive member.

One file a format, each with one verb, `read`, and its declaration, `RECORD_FORMAT`. To add a format: its file, a line
in `formats.FORMATS`, a case table. What is wrong with a file is a row with an error or an account with a reason:
nothing here raises because of what a file holds.

Bytes are accounted for on disk. Of a compressed or transcoded file a reader knows only the bytes that came out; what
it skipped of those counts on disk in proportion, rounded up: a file with an unreadable record has a skipped byte.
An archive's own account skips what its skipped members take on disk. A member's bytes are its uncompressed ones.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import pyarrow.compute as pc

from provenance.core.model import CHANGED, UNSAMPLED
from provenance.errors import FileChanged
from provenance.readers import storage
from provenance.readers.records import column_roles, format_detection, small_files
from provenance.readers.records.accounts import Account, Batch, Document, MemberTally, close_account
from provenance.readers.records.column_roles import Roles, override_roles
from provenance.readers.records.format_detection import detect_format
from provenance.readers.records.formats import FORMATS
from provenance.readers.records.small_files import FileRun, LoneFile, SmallFileReader
from provenance.readers.records.tally import Tally
from provenance.readers.storage import regular_files

if TYPE_CHECKING:
    from provenance.readers.records.record_format import RecordFormat
    from provenance.readers.storage.formats import ContainerFormat

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
_MOST_BYTES = (1 << 62) - 1  # a size that an archive claims may be any number

LARGEST_DOCUMENT_BYTES = 1 << 20
"""Bytes of a licence or document inside an archive; of a larger one nothing is read."""

MOST_DOCUMENTS = 200
"""Licences and documents that are read of one archive."""

IsDocument = Callable[[str, bytes, int, Callable[[int], bytes]], bool]
"""Told the path of a member, its first bytes, its size and how to get more: whether it is a licence or document."""


def _is_no_document(_path: str, _head: bytes, _size: int, _more: Callable[[int], bytes]) -> bool:
    return False


Item = Batch | Document | Account


def read(
    location: str | bytes,
    path: str,
    *,
    limits: storage.Limits = storage.LIMITS,
    roles: Roles | None = None,
    head: int | None = None,
    is_document: IsDocument = _is_no_document,
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
    is_document: IsDocument = _is_no_document,
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
                    part = _File(
                        path, storage.Stream(regular_files.BoundedFile(file, end)), end, limits, roles, bounded=bounded
                    )
                    yield from _account_for_heads(part.read(), path, size, end)
                elif reason is None:
                    whole = _File(
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


def is_bounded(name: str) -> bool:
    """Tell whether files of a format are read by a kernel of ours alone, or not at all.

    Args:
        name: of the format, as `detect_format` gives it.
    """
    if name in FORMATS:
        return FORMATS[name].bounded
    if name in storage.CONTAINERS:
        return storage.CONTAINERS[name].bounded
    return name not in storage.CODECS


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
    if size <= head or form is None or not form.by_lines or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
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


class _File:
    """One file or member on its way through codecs and readers."""

    def __init__(
        self,
        path: str,
        file: BinaryIO | storage.Stream,
        size: int,
        limits: storage.Limits,
        roles: Roles,
        *,
        member: bool = False,
        is_document: IsDocument = _is_no_document,
        together: bool = False,
        bounded: bool = False,
    ) -> None:
        self.path, self.file, self.size, self.limits, self.roles, self.member = path, file, size, limits, roles, member
        self.is_document, self.documents, self.together, self.bounded = is_document, 0, together, bounded
        self.small, self.stored = SmallFileReader(roles), dict[str, int]()
        self.tap = storage.DigestingReader(
            file if isinstance(file, storage.Stream) else regular_files.BoundedFile(file, size)
        )
        self.raw = storage.Stream(self.tap)
        self.tally = Tally()

    def read(self) -> Iterator[Item | FileRun]:
        name = detect_format(self.raw.peek(format_detection.HEAD_BYTES), self.path)
        if self.bounded and not is_bounded(name):
            self.tally.skip_bytes(max(1, self.raw.drain()), f"{CHANGED}: it has become {name}")
        elif name in storage.CODECS:
            name = yield from self._read_compressed(name)
        else:
            yield from self._read_content(name, self.raw)
        yield self._close_file(name)

    def read_document(self, *, read: bool) -> Iterator[Document | Account]:
        """Yield a member whole, if it is to be read and small enough, and its account."""
        name = detect_format(self.raw.peek(format_detection.HEAD_BYTES), self.path)
        data = self.raw.read(LARGEST_DOCUMENT_BYTES + 1) if read else b""
        if not read:
            self.tally.skip_bytes(self.raw.drain(), "more licences and documents than are read of one archive")
        elif len(data) > LARGEST_DOCUMENT_BYTES:
            self.tally.skip_bytes(len(data) + self.raw.drain(), "larger than a document inside an archive may be")
        else:
            yield Document(self.path, data)
        yield self._close_file(name)

    def _close_file(self, name: str) -> Account:
        self.raw.drain()
        if isinstance(self.file, storage.Stream) and self.file.fault:
            self.raw.fault = self.file.fault
        size = max(self.size, self.raw.count)
        return close_account(
            self.path, name, size, self.raw, tally=self.tally, digest=self.tap.digest, member=self.member
        )

    def _read_compressed(self, codec: str) -> Generator[Item | FileRun, None, str]:
        stream = storage.decompress(self.raw, codec, storage.Budget(self.limits, self.size))
        inner_path = self.path.removesuffix("." + format_detection.find_suffix(self.path))
        inner = detect_format(stream.peek(format_detection.HEAD_BYTES), inner_path)
        if inner in storage.CODECS:
            self.tally.skip_bytes(1, "compressed more than once")
        else:
            yield from self._read_content(inner, stream)
        self._apportion_skipped(stream)
        return f"{inner}.{storage.CODECS[codec].suffix}"

    def _apportion_skipped(self, stream: storage.Stream) -> None:
        """Turn bytes skipped of what came out into bytes on disk."""
        tally = self.tally
        stream.drain()
        if tally.skipped:
            tally.skipped = max(1, -(-tally.skipped * self.size // max(1, stream.count)))
        if stream.fault:
            tally.skip_bytes(max(1, self.raw.drain()), stream.fault)
        tally.skipped = min(tally.skipped, self.size)

    def _read_content(self, name: str, stream: storage.Stream) -> Iterator[Item | FileRun]:
        if name in storage.CONTAINERS:
            yield from self._read_archive(storage.CONTAINERS[name], stream)
        elif name in FORMATS and FORMATS[name].seekable:
            yield from self._read_by_random_access(FORMATS[name], stream)
        elif name in FORMATS:
            inner = stream
            if stream.peek(2) in (b"\xff\xfe", b"\xfe\xff"):
                inner = storage.transcode(stream)
            # without a variable that would hold one batch while the next is read
            yield from map(partial(Batch, self.path), FORMATS[name].read(inner, self.tally, self.limits, self.roles))
            if inner is not stream:
                self._note_transcoded(inner, stream)
        elif name != "empty":
            named = "files of an unknown format" if name == "unknown" else name
            self.tally.skip_bytes(stream.drain(), f"no reader for {named} yet")

    def _note_transcoded(self, inner: storage.Stream, stream: storage.Stream) -> None:
        inner.drain()
        stream.drain()
        if self.tally.skipped:
            self.tally.skipped = max(1, -(-self.tally.skipped * stream.count // max(1, inner.count)))

    def _make_seekable(self, stream: storage.Stream) -> storage.CheckedFile | None:
        """Return random access to the file or, of a member or compressed file, to a copy of its bytes."""
        if stream is self.raw and not isinstance(self.file, storage.Stream):
            self.raw.drain()
            return storage.CheckedFile(self.file, self.raw.count, self.tap.digest.blocks())
        before = stream.count
        copy = storage.copy_to_file(stream, self.limits.member_bytes)
        if copy is None:
            most = self.limits.member_bytes
            reason = f"needs random access and is larger than the {most:,} bytes that are set aside for it"
            self.tally.skip_bytes(stream.count - before + stream.drain(), reason)
        return copy

    def _read_by_random_access(self, form: RecordFormat, stream: storage.Stream) -> Iterator[Batch]:
        file = self._make_seekable(stream)
        if file is None:
            return
        try:
            tables = form.read(file, stream.count, self.tally, self.limits, roles=self.roles)
            yield from map(partial(Batch, self.path), tables)
        except FileChanged as error:
            self.tally.skip_bytes(stream.count, f"{CHANGED}: {error}")
        finally:
            file.close()

    def _read_archive(self, form: ContainerFormat, stream: storage.Stream) -> Iterator[Item | FileRun]:
        if self.member or (form.seekable and stream is not self.raw):
            self.tally.skip_bytes(stream.drain(), "an archive inside an archive")
            return
        archive = storage.Archive(storage.Budget(self.limits, self.size))
        file = self._make_seekable(stream) if form.seekable else None
        source = file if form.seekable else stream
        members: Iterator[storage.Member] = form.members(archive, source) if source is not None else iter(())
        tally = MemberTally(self.size, self.tally.skipped)
        try:
            for member in members:
                yield from self._read_member(member, tally)
            yield from self._read_gathered(tally, rest=True)
        except FileChanged as error:
            yield from self._read_gathered(tally, rest=True)
            archive.fault = f"{CHANGED}: {error}"
        except Exception:
            yield from self._read_gathered(tally, rest=True)
            raise
        finally:
            if file is not None:
                file.close()
        self.tally.skipped = tally.skipped
        if tally.reasons:
            self.tally.reason = f"members skipped in whole or part: {tally.explain()}"
        if archive.fault:
            self.tally.skip_bytes(max(1, stream.drain()), archive.fault)
            self.tally.reason = archive.fault

    def _read_member(self, member: storage.Member, tally: MemberTally) -> Iterator[Item | FileRun]:
        path, size = f"{self.path}!/{member.name}", min(member.size, _MOST_BYTES)
        if member.stream is None:
            account = Account(path, None, size, 0, size, member.reason, 0, 0, None, ())
            yield from _count_members(iter([account]), member.stored, tally)
            return
        head = member.stream.peek(format_detection.HEAD_BYTES)
        if self.is_document(path, head, size, member.stream.peek):
            file = _File(path, member.stream, size, self.limits, self.roles, member=True)
            items = file.read_document(read=self.documents < MOST_DOCUMENTS)
            self.documents += 1
            for each in items:
                yield from _count_members(
                    iter([replace(each, is_document=True) if isinstance(each, Account) else each]), member.stored, tally
                )
        elif self._gather(path, size, member):
            yield from self._read_gathered(tally)
        else:
            file = _File(path, member.stream, size, self.limits, self.roles, member=True)
            yield from _count_members(file.read(), member.stored, tally)

    def _gather(self, path: str, size: int, member: storage.Member) -> bool:
        """Set a small member aside, to be read with others; return False where it is to be read by itself."""
        if not self.together or not 0 < size <= small_files.SMALL_BYTES or member.stream is None:
            return False
        content = member.stream.peek(small_files.SMALL_BYTES + 1)
        if member.stream.fault is not None or not 0 < len(content) <= small_files.SMALL_BYTES:
            return False
        if not self.small.take(path, content):
            return False
        self.stored[path] = member.stored
        return True

    def _read_gathered(self, tally: MemberTally, *, rest: bool = False) -> Iterator[Item | FileRun]:
        """Read small members together, if there are enough of them."""
        for found in self.small.read(rest=rest):
            if isinstance(found, LoneFile):
                stream = storage.Stream(io.BytesIO(found.content))
                file = _File(found.path, stream, len(found.content), self.limits, self.roles, member=True)
                yield from _count_members(file.read(), self.stored[found.path], tally)
                continue
            for row in found.accounts.filter(pc.is_valid(found.accounts["skip_reason"])).to_pylist():
                tally.count(row["skip_reason"], row["bytes_skipped"], row["bytes"], self.stored[row["path"]])
            yield found
        if not self.small.waiting:
            self.stored.clear()


def _count_members(items: Iterator[Item | FileRun], stored: int, tally: MemberTally) -> Iterator[Item | FileRun]:
    """Count what was skipped of a member, as it goes by."""
    for item in items:
        yield item
        if isinstance(item, Account) and item.skip_reason is not None:
            tally.count(item.skip_reason, item.bytes_skipped, item.bytes, stored)
        del item  # it is let go before the next is read
