"""What became of a file or member: its records in batches, and an account of every byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.readers import storage
from provenance.readers.records.tally import BROKEN

if TYPE_CHECKING:
    import pyarrow as pa

    from provenance.readers.records.tally import Tally

Blocks = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some records of one file or member.

    Args:
        path: its name.
        table: rows of RECORDS, ascending and after those of the batch before.
    """

    path: str
    table: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class Document:
    """A licence or document inside an archive.

    Args:
        path: its name.
        data: its bytes, all of them.
    """

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Account:
    """What became of every byte of one file or member: a row of FILES before it knows its source.

    Args:
        path: its name.
        format: as `detect_format` names it, with the codec after a dot: jsonl.gz; None where it was not opened.
        bytes: its size; of a member, uncompressed.
        bytes_consumed: bytes that were read and understood.
        bytes_skipped: the others.
        skip_reason: why bytes were skipped.
        records: records read, unreadable ones included.
        records_unreadable: those with an error.
        sha256: of its bytes, hexadecimal; None where they could not all be read.
        blocks: SHA-256 of each MiB; () for members.
        notes: what was kept but is odd, as "3 lone surrogates"; None where nothing is.
        is_document: whether it is a licence or document inside an archive, which holds no records.
        unread: columns that nothing looks at, and their bytes.
    """

    path: str
    format: str | None
    bytes: int
    bytes_consumed: int
    bytes_skipped: int
    skip_reason: str | None
    records: int
    records_unreadable: int
    sha256: str | None
    blocks: Blocks
    notes: str | None = None
    is_document: bool = False
    unread: tuple[tuple[str, int], ...] = ()


def close_account(
    path: str,
    name: str,
    size: int,
    stream: storage.Stream,
    *,
    tally: Tally,
    digest: storage.BlockDigest,
    member: bool = False,
) -> Account:
    """Close the account of a file whose stream was drained.

    Args:
        path: its name.
        name: its format.
        size: its bytes, as far as is known before they are read.
        stream: its bytes, all of which were read.
        tally: what its reader counted.
        digest: of its bytes.
        member: whether it is a member of an archive.
    """
    reason = stream.fault or tally.explain()
    whole = stream.fault is None
    size = size if not whole else stream.count
    lost = size if stream.fault == storage.WRONG_CHECKSUM else size - stream.count
    skipped = min(size, tally.skipped + lost)
    if reason is not None and tally.reason != BROKEN:
        skipped = max(min(size, 1), skipped)
    notes = ", ".join(f"{count} {name}" for name, count in sorted(tally.notes.items())) or None
    blocks = () if member else digest.blocks()
    sha256 = digest.sha256() if whole else None
    counts = (tally.records, tally.unreadable)
    unread = tuple(sorted(tally.unread.items()))
    return Account(path, name, size, size - skipped, skipped, reason, *counts, sha256, blocks, notes, unread=unread)


_MOST_REASONS = 100  # distinct reasons that are counted apart; those of a broken archive may name each member
_MOST_LISTED = 5
_OTHER_REASONS = "another reason, which stands beside its member"


@dataclass(slots=True)
class MemberTally:
    """What was skipped of the members of an archive.

    Args:
        size: bytes of the archive.
        skipped: bytes that its skipped members take on disk.
        stored: bytes that all members take on disk that it has shown so far.
        reasons: why, and how many members.
    """

    size: int
    skipped: int = 0
    stored: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count(self, skip_reason: str, skipped: int, size: int, stored: int) -> None:
        """Count a member of which bytes were skipped.

        Args:
            skip_reason: why.
            skipped: how many.
            size: its bytes.
            stored: bytes that it takes on disk.
        """
        reason = _shorten_reason(skip_reason) if len(self.reasons) < _MOST_REASONS else _OTHER_REASONS
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        share = -(-min(stored, self.size) * skipped // max(1, size))
        self.skipped = min(self.skipped + share, self.size)

    def explain(self) -> str:
        """Write the most frequent reasons with their counts, and how many members have another one."""
        first = sorted(self.reasons.items(), key=lambda each: (each[0] == _OTHER_REASONS, -each[1], each[0]))
        shown = sorted(each for each in first[:_MOST_LISTED] if each[0] != _OTHER_REASONS)
        left = sum(self.reasons.values()) - sum(count for _, count in shown)
        return ", ".join(
            [*(f"{reason} ({count})" for reason, count in shown), *([f"{_OTHER_REASONS} ({left})"] if left else [])]
        )


def _shorten_reason(reason: str) -> str:
    return reason if len(reason) <= 200 else f"{reason[:199]}…"
