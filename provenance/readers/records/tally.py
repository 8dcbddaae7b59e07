"""What a reader counts while it yields batches: nothing a file holds may go missing unsaid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

MOST_UNREAD = 50
"""Columns of one file that are named as not looked at; the others are OTHER_COLUMNS."""

OTHER_COLUMNS = "(others)"


BROKEN = "unreadable records"
"""The reason of a file of which all but some records were read, before its cause."""


@dataclass(slots=True)
class Tally:
    """Counts of one file or member, of its bytes as the reader sees them (decompressed).

    Args:
        records: records so far, unreadable ones included.
        unreadable: those with an error.
        skipped: bytes that were not understood.
        reason: why, the first time.
        cause: why the first unreadable record is unreadable, in words.
        notes: what was kept but is odd, by name.
        unread: bytes of columns that nothing looks at, by their name.
    """

    records: int = 0
    unreadable: int = 0
    skipped: int = 0
    reason: str | None = None
    cause: str | None = None
    notes: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)

    def count_records(self, errors: Any, sizes: Any) -> None:
        """Count a batch of records.

        Args:
            errors: their error codes, 0 for none.
            sizes: their bytes; an unreadable record that holds none costs the byte where one should begin.
        """
        bad = np.asarray(errors) != 0
        self.records += len(bad)
        if bad.any():
            self.unreadable += int(bad.sum())
            self.skip_bytes(int(np.maximum(np.asarray(sizes)[bad], 1).sum()), BROKEN)

    def explain_record(self, cause: str | None) -> None:
        """Say why a record is unreadable, once: what is said of the first stands for those of the file."""
        self.cause = self.cause or cause

    def explain(self) -> str | None:
        """Return why bytes were skipped, with the cause of unreadable records."""
        return f"{BROKEN}: {self.cause}" if self.reason == BROKEN and self.cause else self.reason

    def skip_bytes(self, size: int, reason: str) -> None:
        """Count `size` bytes as skipped; a structural reason outranks unreadable records."""
        self.skipped += size
        if self.reason in (None, BROKEN):
            self.reason = reason

    def count_oddities(self, name: str, count: int) -> None:
        """Count what is odd but harmless."""
        if count:
            self.notes[name] = self.notes.get(name, 0) + count

    def leave_unread(self, name: str, size: int) -> None:
        """Count `size` bytes of a column that nothing looks at: neither views nor detectors."""
        if size:
            name = name if name in self.unread or len(self.unread) < MOST_UNREAD else OTHER_COLUMNS
            self.unread[name] = self.unread.get(name, 0) + size
