"""What a worker does with a bundle of files: read them once, identify every record, keep counts, never text.

One thread reads; others work on its batches in compiled code, which holds no lock, so that one large file has every
core. What they make is taken in the order of the file: threads change no result.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from provenance import detectors
from provenance.core.model import Claim, Died
from provenance.core.processes import memory_limit
from provenance.errors import LimitExceeded, ManifestError, ProvenanceError
from provenance.origins import signals
from provenance.pipeline.reading import long_records
from provenance.pipeline.reading.file_bundles import FileBundle, FileToRead
from provenance.pipeline.reading.read_batches import BatchWork, OpenFile
from provenance.pipeline.reading.record_identities import ScratchFiles
from provenance.readers import manifests, records
from provenance.readers.records import small_files
from provenance.readers.storage import regular_files
from provenance.sources import file_roles
from provenance.sources.read_results import BundleResult, Register, enter_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


__all__ = ["FileBundle", "FileToRead", "items", "lost", "observe", "role"]


_Found = TypeVar("_Found")


def observe(bundle: FileBundle) -> BundleResult:
    """Read the files of a bundle.

    Args:
        bundle: what to read and where to write.

    Returns:
        Accounts and counts; the records' identities are in the scratch files.

    Raises:
        LimitExceeded: the scratch files cannot be written.
    """
    register = Register()
    with ScratchFiles(bundle) as scratch, ThreadPoolExecutor(bundle.threads) as threads:
        work = BatchWork(threads, bundle, register, scratch)
        small = _SmallFiles()
        for file in bundle.files:
            if file.role != "data" or file.reason is not None:
                account = records.make_account(file.location, file.path, file.format, file.reason)
                register.close(register.enter(), account)
            elif small.take(file):
                small.read(register, work, scratch)
            else:
                _read(file, register, work, scratch)
        small.read(register, work, scratch, rest=True)
        work.finish()
    return register.result(bundle.number, scratch.files)


class _SmallFiles:
    """Small files of a bundle that are read together, by what a manifest says of their columns."""

    def __init__(self) -> None:
        self._readers: dict[tuple[tuple[str, str], ...], records.SmallFileReader] = {}
        self._files: dict[str, FileToRead] = {}

    def take(self, file: FileToRead) -> bool:
        """Take a file that is small and of which nothing is known; return False where it is to be read by itself."""
        if file.policy is not None or file.head is not None or not 0 < file.bytes <= small_files.SMALL_BYTES:
            return False
        content = regular_files.read_small(file.location, small_files.SMALL_BYTES)
        if content is None:
            return False
        if file.views not in self._readers:
            self._readers[file.views] = records.SmallFileReader(records.override_roles(file.views))
        if not self._readers[file.views].take(file.path, content):
            return False
        self._files[file.path] = file
        return True

    def read(self, register: Register, work: BatchWork, scratch: ScratchFiles, *, rest: bool = False) -> None:
        """Read what was gathered, if it is enough or all that there is."""
        for reader in self._readers.values():
            for found in reader.read(rest=rest):
                if isinstance(found, records.FileRun):
                    work.take(found, detectors.NOTHING_KNOWN, None)
                else:
                    _read(self._files[found.path], register, work, scratch)
        if not any(reader.waiting for reader in self._readers.values()):
            self._files.clear()


def _read(file: FileToRead, register: Register, work: BatchWork, scratch: ScratchFiles) -> None:
    open_: dict[str, OpenFile] = {}
    # files of which nothing is known share what is known, and so may be looked at together
    about = (
        detectors.NOTHING_KNOWN | {"signals": signals.load_policy(*file.policy)}
        if file.policy
        else detectors.NOTHING_KNOWN
    )
    for item in _items_together(file):
        if isinstance(item, Died):
            work.finish()
            _give_up(file, item.reason, open_, register, scratch)
            return
        if isinstance(item, records.FileRun):  # members of an archive, none of them a document
            work.take(item, about, "data")
            continue
        if item.path not in open_:
            open_[item.path] = OpenFile(register.enter(), item.path, about)
        state = open_[item.path]
        if isinstance(item, records.Batch):
            table, size = long_records.refuse(item.table)
            state.refused += item.table["error"].null_count - table["error"].null_count
            state.refused_bytes += size
            work.begin(table, state)
            del item, table  # else a long record would stand in memory while the next one is read
        elif isinstance(item, records.Document):
            state.claims, state.reason = _state(item)
        else:
            state.role = _inside(item)
            account = long_records.unread(_unread(item, state.reason), state.refused, state.refused_bytes)
            work.end(open_.pop(item.path), account)


def role(account: records.Account, outer: str) -> str:
    """Return the role of a file or member: a licence or document inside an archive yields no records either.

    Args:
        account: its account; members are called 'a.zip!/member'.
        outer: the role of the file on disk.
    """
    return file_roles.decide_role(account.path.split("!/", 1)[1], b"", 0).role if account.is_document else outer


def _inside(account: records.Account) -> str | None:
    """Return the role of a member of an archive; None of a file on disk."""
    return role(account, "data") if "!/" in account.path else None


def _apart(path: str, head: bytes, size: int, more: Callable[[int], bytes]) -> bool:
    return file_roles.decide_role(path.split("!/", 1)[1], head, size, more).role != "data"


_QUOTED = re.compile(r"b?\"[^\"]*(?:\"|\Z)|b?(?<!\w)'.*?(?:'(?!\w)|\Z)|`[^`]*(?:`|\Z)", re.DOTALL)
_HEAD = 1 << 16  # bytes by which a manifest is recognised


def _state(document: records.Document) -> tuple[tuple[Claim, ...], str | None]:
    """Return what a licence or document inside an archive states, and why it was not read.

    It opens no source and names no members: an archive belongs to one source.
    """
    name = document.path.split("!/", 1)[1]
    kind = manifests.recognise(name, document.data[:_HEAD])  # as `_apart` did
    if kind is None or not manifests.FORMATS[kind].inside_archives:
        return (), f"no reader for {kind} files inside archives yet"
    try:
        stated = manifests.read(document.path, document.data, kind)
    except ManifestError as error:
        message = str(error).removeprefix(document.path).lstrip(": ")
        return (), f"no valid {kind}: {message}"
    return tuple(claim for claim in stated if claim.field in _STATED_INSIDE), None


_STATED_INSIDE = {"licence", "url", "citation", "upstream-sha256"}


def _unread(account: records.Account, reason: str | None) -> records.Account:
    """Count a licence or document inside an archive as not read where nobody makes claims of it."""
    if not account.is_document or account.skip_reason is not None or reason is None:
        return account
    return replace(account, skip_reason=reason, bytes_consumed=0, bytes_skipped=account.bytes)


def items(file: FileToRead) -> Iterator[records.Item | Died]:
    """Read a file; a fault of a reader, which nobody foresaw, is said of the file and does not end the scan.

    Args:
        file: what to read.

    Yields:
        What `records.read` does; `Died` as the last thing where the reader failed.
    """
    roles = records.override_roles(file.views)
    yield from _guard(
        records.read(file.location, file.path, roles=roles, head=file.head, is_document=_apart, bounded=file.bounded)
    )


def _items_together(file: FileToRead) -> Iterator[records.Item | records.FileRun | Died]:
    """Read a file as `items` does, but small members of an archive together."""
    roles = records.override_roles(file.views)
    yield from _guard(
        records.read_together(
            file.location, file.path, roles=roles, head=file.head, is_document=_apart, bounded=file.bounded
        )
    )


def _guard(found: Iterator[_Found]) -> Iterator[_Found | Died]:
    try:
        yield from found
    except ProvenanceError:
        raise
    except Exception as error:
        if memory_limit.is_limited() and memory_limit.is_caused_by_memory(error):  # of this process, not of the file
            raise LimitExceeded(memory_limit.explain_too_little(str(error))) from error
        # what an exception quotes may be text of a record
        yield Died(f"{type(error).__name__}: {_QUOTED.sub('…', str(error))}"[:300])


def _give_up(
    file: FileToRead, reason: str, open_: Mapping[str, OpenFile], register: Register, scratch: ScratchFiles
) -> None:
    """Account for a file, and for the member that was being read, when its reader failed."""
    whole = records.make_account(file.location, file.path, file.format, _failed(reason))
    for path, state in open_.items():
        account = whole if path == file.path else records.Account(path, None, 0, 0, 0, _failed(reason), 0, 0, None, ())
        state.role = _inside(account)
        state.close(replace(account, records=register.rows(state.number)), register, scratch)
    if file.path not in open_:
        register.close(register.enter(), whole)


def lost(file: FileToRead, reason: str, bundle: int) -> BundleResult:
    """Return the account of a file that took its process down.

    Args:
        file: the file.
        reason: in a few words.
        bundle: the number of the bundle that it was.
    """
    return enter_accounts([records.make_account(file.location, file.path, file.format, _failed(reason))], bundle)


def _failed(reason: str) -> str:
    return f"its reader failed: {reason}"
