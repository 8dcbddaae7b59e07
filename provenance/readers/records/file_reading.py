"""One file or member on its way through codecs, archives and readers."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import pyarrow.compute as pc

from provenance.core.model import CHANGED
from provenance.errors import FileChanged
from provenance.readers import storage
from provenance.readers.records import bookkeeping, format_detection, small_files, webdataset
from provenance.readers.records.accounts import Account, Batch, Document, MemberTally, close_account
from provenance.readers.records.format_detection import detect_format
from provenance.readers.records.formats import FORMATS
from provenance.readers.records.record_format import Section
from provenance.readers.records.small_files import FileRun, LoneFile, SmallFileReader
from provenance.readers.records.tally import BROKEN, Tally
from provenance.readers.storage import regular_files

if TYPE_CHECKING:
    from provenance.readers.records.column_roles import Roles
    from provenance.readers.records.record_format import RecordFormat
    from provenance.readers.storage.formats import ContainerFormat

WIDE = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16 begins."""

WIDEST = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
"""How UTF-32 begins: looked for before UTF-16, with which the first begins too."""

_MOST_BYTES = (1 << 62) - 1  # a size that an archive claims may be any number

LARGEST_DOCUMENT_BYTES = 1 << 20
"""Bytes of a licence or document inside an archive; of a larger one nothing is read."""

MOST_DOCUMENTS = 200
"""Licences and documents that are read of one archive."""

IsDocument = Callable[[str, bytes, int, Callable[[int], bytes]], bool]
"""Told the path of a member, its first bytes, its size and how to get more: whether it is a licence or document."""


def is_no_document(_path: str, _head: bytes, _size: int, _more: Callable[[int], bytes]) -> bool:
    """Tell that no member is a licence or document.

    Args:
        _path: of the member.
        _head: its first bytes.
        _size: its bytes.
        _more: returns so many of its first bytes.
    """
    return False


Item = Batch | Document | Account


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


class File:
    """One file or member on its way through codecs and readers.

    Args:
        path: its name in tables.
        file: its bytes.
        size: how many there are, as far as is known.
        limits: memory and time it may cost.
        roles: which column means what.
        member: it is a member of an archive.
        is_document: tells members that hold no records from those that do.
        together: whether small members are read together.
        bounded: it is read by kernels of ours alone, or not at all.
    """

    def __init__(
        self,
        path: str,
        file: BinaryIO | storage.Stream,
        size: int,
        limits: storage.Limits,
        roles: Roles,
        *,
        member: bool = False,
        is_document: IsDocument = is_no_document,
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
        self.encoding: str | None = None
        self.name: str | None = None

    def read(self) -> Iterator[Item | FileRun]:
        """Yield its records in batches, those of its members with their accounts, and its account as the last."""
        name = detect_format(self.raw.peek(format_detection.HEAD_BYTES), self.path)
        if self.bounded and not is_bounded(name):
            self.tally.skip_bytes(max(1, self.raw.drain()), f"{CHANGED}: it has become {name}")
        elif name in storage.CODECS:
            name = yield from self._read_compressed(name)
        else:
            yield from self._read_content(name, self.raw)
            name = self._name_encoding(name)
        yield self._close_file(name)

    def _name_encoding(self, name: str) -> str:
        """Return a format with the encoding behind it that its text was decoded from, if that is not UTF-8."""
        name = self.name or name
        return f"{name}.{self.encoding}" if self.encoding else name

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

    def read_bookkeeping(self) -> Iterator[Account]:
        """Yield the account of a member that is known to hold no records."""
        yield self._close_file("bookkeeping")

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
        return f"{self._name_encoding(inner)}.{storage.CODECS[codec].suffix}"

    def _apportion_skipped(self, stream: storage.Stream) -> None:
        """Turn bytes skipped of what came out into bytes on disk."""
        tally = self.tally
        stream.drain()
        if tally.skipped:
            tally.skipped = max(1, -(-tally.skipped * self.size // max(1, stream.count)))
        if stream.fault:
            self.raw.drain()
            tally.skip_bytes(max(1, self.size - stream.sound), stream.fault)
        tally.skipped = min(tally.skipped, self.size)

    def _read_content(self, name: str, stream: storage.Stream) -> Iterator[Item | FileRun]:
        if name in storage.CONTAINERS:
            yield from self._read_archive(storage.CONTAINERS[name], stream)
        elif name in FORMATS and FORMATS[name].seekable:
            yield from self._read_by_random_access(FORMATS[name], stream)
        elif name in FORMATS:
            yield from self._read_text(FORMATS[name], stream)
        elif name != "empty":
            named = "files of an unknown format" if name == "unknown" else name
            self.tally.skip_bytes(stream.drain(), f"no reader for {named} yet")

    def _read_text(self, form: RecordFormat, stream: storage.Stream) -> Iterator[Item]:
        inner = stream
        if stream.peek(4) in WIDEST:
            inner, self.encoding = storage.transcode(stream, "utf-32"), "utf-32"
        elif stream.peek(2) in WIDE:
            inner, self.encoding = storage.transcode(stream), "utf-16"
        elif not form.magic:
            inner = self._decode(stream)
        for found in form.read(inner, self.tally, self.limits, self.roles):
            if isinstance(found, Section):
                yield from self._read_section(found)
            else:
                yield Batch(self.path, found)
            del found  # nobody holds one batch while the next is read
        if inner is not stream:
            self._note_transcoded(inner, stream)

    def _decode(self, stream: storage.Stream) -> storage.Stream:
        """Return text as UTF-8 in lines that end with a newline: of its encoding there is one decision a file."""
        sample = stream.peek(format_detection.HEAD_BYTES)
        if sample.isascii():
            sample = stream.peek(storage.SAMPLE_BYTES)
        inner = stream
        if not sample.isascii():
            cut = len(sample) >= format_detection.HEAD_BYTES
            guessed = storage.guess_encoding(sample, cut=cut)
            self.encoding = (guessed and storage.find_declared_encoding(sample)) or guessed
            if self.encoding is not None:
                inner = storage.transcode(stream, self.encoding)
        return storage.unify_line_ends(inner) if storage.has_old_line_ends(sample) else inner

    def _read_section(self, section: Section) -> Iterator[Item]:
        path, tally = f"{self.path}!/{section.name}", section.tally
        for batch in section.batches:
            yield Batch(path, batch)
            del batch
        skipped = min(section.size, tally.skipped)
        if skipped:
            self.tally.skip_bytes(skipped, tally.reason or BROKEN)
        yield Account(
            path, "json", section.size, section.size - skipped, skipped, tally.explain(), tally.records,
            tally.unreadable, section.sha256, (), None, unread=tuple(sorted(tally.unread.items())),
        )  # fmt: skip

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
        if (self.member and not form.bounded) or (form.seekable and stream is not self.raw):
            self.tally.skip_bytes(stream.drain(), "an archive inside an archive")
            return
        archive = storage.Archive(storage.Budget(self.limits, self.size))
        file = self._make_seekable(stream) if form.seekable else None
        source = file if form.seekable else stream
        members: Iterator[storage.Member | Batch] = form.members(archive, source) if source is not None else iter(())
        tally = MemberTally(self.size, self.tally.skipped)
        samples = not form.seekable and webdataset.holds_samples(stream.peek(webdataset.HEAD_BYTES))
        if samples:
            self.name = "webdataset"
            members = self._read_samples(members, tally)
        try:
            for member in members:
                if isinstance(member, Batch):
                    yield member
                    continue
                tally.stored += min(max(0, member.stored), self.size)
                yield from self._read_member(member, tally)
            yield from self._read_gathered(tally, rest=True)
        except FileChanged as error:
            yield from self._read_gathered(tally, rest=True)
            archive.fault = f"{CHANGED}: {error}"
        except Exception:  # what was gathered before an archive broke was read: it is handed on, then the fault
            yield from self._read_gathered(tally, rest=True)
            raise
        finally:
            if file is not None:
                file.close()
        self.tally.skipped = tally.skipped
        if tally.reasons:
            self.tally.reason = f"members skipped in whole or part: {tally.explain()}"
        if archive.fault:
            left = max(0, self.size - tally.stored) if form.seekable else stream.drain()
            self.tally.skip_bytes(max(1, left), archive.fault)
            self.tally.reason = archive.fault

    def _read_samples(
        self, members: Iterator[storage.Member | Batch], tally: MemberTally
    ) -> Iterator[storage.Member | Batch]:
        """Yield the samples of a tar as records of its own, and what is no part of one as a member."""
        samples = webdataset.SampleLines()
        for member in members:
            if isinstance(member, Batch):
                continue
            name = webdataset.parse_name(member.name)
            if member.stream is None or not webdataset.is_part(name.ending):
                yield member
                continue
            samples.begin(name.key)
            self._take_part(name.ending, member, samples, tally)
            if samples.size >= self.limits.batch_bytes:
                yield from self._read_lines(samples.take())
        samples.end()
        yield from self._read_lines(samples.take())

    def _take_part(
        self, ending: str, member: storage.Member, samples: webdataset.SampleLines, tally: MemberTally
    ) -> None:
        stream, most = member.stream, self.limits.record_bytes
        if stream is None:
            return
        if webdataset.is_text(ending):
            content = stream.read(most + 1)
            stream.drain()
            if len(content) <= most and stream.fault is None:
                samples.add(ending, content)
            else:
                tally.count(
                    stream.fault or "a part larger than a record may be", member.size, member.size, member.stored
                )
            return
        name = detect_format(stream.peek(format_detection.HEAD_BYTES), member.name)
        stream.drain()
        named = "files of an unknown format" if name in ("unknown", "text", "empty") else name
        if member.size:
            tally.count(f"no reader for {named} yet", member.size, member.size, member.stored)

    def _read_lines(self, data: bytes) -> Iterator[Batch]:
        if data:
            lines = storage.Stream(io.BytesIO(data))
            yield from map(partial(Batch, self.path), FORMATS["jsonl"].read(lines, self.tally, self.limits, self.roles))

    def _read_member(self, member: storage.Member, tally: MemberTally) -> Iterator[Item | FileRun]:
        path, size = f"{self.path}!/{member.name}", min(member.size, _MOST_BYTES)
        if member.stream is None:
            account = Account(path, None, size, 0, size, member.reason, 0, 0, None, ())
            yield from _count_members(iter([account]), member.stored, tally)
            return
        head = member.stream.peek(format_detection.HEAD_BYTES)
        if bookkeeping.recognise(member.name, head, size) is not None:
            file = File(path, member.stream, size, self.limits, self.roles, member=True)
            yield from _count_members(file.read_bookkeeping(), member.stored, tally)
            return
        if self.is_document(path, head, size, member.stream.peek):
            file = File(path, member.stream, size, self.limits, self.roles, member=True)
            items = file.read_document(read=self.documents < MOST_DOCUMENTS)
            self.documents += 1
            for each in items:
                yield from _count_members(
                    iter([replace(each, is_document=True) if isinstance(each, Account) else each]), member.stored, tally
                )
        elif self._gather(path, size, member):
            yield from self._read_gathered(tally)
        else:
            file = File(path, member.stream, size, self.limits, self.roles, member=True)
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
                file = File(found.path, stream, len(found.content), self.limits, self.roles, member=True)
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
