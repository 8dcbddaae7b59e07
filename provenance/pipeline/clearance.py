"""What the guard answers: whether data may be trained on, why not, and which files a loader may have."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from provenance.core import path_names
from provenance.core.wording import count_noun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provenance.ledger.log.folder_comparison import FolderChanges
    from provenance.ledger.verification.results import Verification


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the guard found.

    Args:
        data: the folder.
        entry: number of the scan's entry; None where none could be judged.
        origin: name of the log.
        root: root over the log at its newest checkpoint, hexadecimal: what a training run should record.
        reasons: why the data may not be trained on; empty where it may.
        same: files whose bytes are those that were audited, sorted.
        changes: how the data differs.
        bytes: that were hashed.
        verification: of the ledger.
        unread: files that the scan did not read, or not whole, sorted.
        bytes_unread: bytes of those that it did not read.
        unreadable: files and folders that could not be read now, with the cause.
        allowed: files that nobody audited and the policy allows, sorted, with the glob or the tool that it is of.
        digests: SHA-256 of each file that is handed out, hexadecimal, by its path relative to the data.
        notes: what a reader should know and what refuses nothing, one sentence each.
    """

    data: Path
    entry: int | None
    origin: str | None
    root: str | None
    reasons: tuple[str, ...]
    same: tuple[str, ...]
    changes: FolderChanges
    bytes: int
    verification: Verification
    unread: tuple[str, ...] = ()
    bytes_unread: int = 0
    unreadable: tuple[tuple[str, str], ...] = ()
    allowed: tuple[tuple[str, str], ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the data may be trained on."""
        return not self.reasons

    def files(self, pattern: str = "*") -> list[str]:
        """Return the audited files, to hand to a loader.

        Args:
            pattern: a glob over paths relative to the data, as in FILES; `*` crosses folders.

        Returns:
            Paths below `data`, sorted; only of files that the scan read as records, or that a derivation or filter run
            made, and that were hashed and are unchanged. No manifest, licence or documentation is among them.
        """
        found = [path for path in self.same if path in self.digests and fnmatchcase(path, pattern)]
        return [os.fsdecode(path_names.disk_location(self.data, path)) for path in found]

    def as_json(self) -> dict[str, Any]:
        """Return what `--format json` prints."""
        return {
            "ok": self.ok,
            "reasons": list(self.reasons),
            "entry": self.entry,
            "origin": self.origin,
            "root": self.root,
            "files": len(self.same),
            "files_of_records": len(self.digests),
            "bytes": self.bytes,
            "added": list(self.changes.added),
            "removed": list(self.changes.removed),
            "changed": list(self.changes.changed),
            "unreadable": [{"path": path, "cause": cause} for path, cause in self.unreadable],
            "unread": list(self.unread),
            "bytes_unread": self.bytes_unread,
            "allowed": dict(sorted(self._count_allowed().items())),
            "notes": list(self.notes),
            "ledger": self.verification.as_json(),
        }

    def lines(self) -> list[str]:
        """Return plain sentences for a terminal, the answer first."""
        passed = ", ".join(f"{glob}: {count:,}" for glob, count in sorted(self._count_allowed().items()))
        allowed = [f"Not audited, and allowed by the policy: {count_noun(len(self.allowed), 'file')} ({passed})."]
        allowed = [*(allowed if self.allowed else []), *(f"{note}." for note in self.notes)]
        if not self.ok:
            reasons = [f"- {reason}" for reason in self.reasons]
            return ["Refused: this data is not to be trained on.", *reasons, *allowed]
        same_files = f"{count_noun(len(self.same), 'file')} ({self.bytes:,} bytes)"
        are, them = ("is", "it") if len(self.same) == 1 else ("are", "them")
        left = (
            f"; {self.bytes_unread:,} bytes in {count_noun(len(self.unread), 'file')} were not read"
            if self.unread
            else ""
        )
        return [
            (
                f"Cleared: {same_files} {are} as entry {self.entry} of {self.origin} audited {them}, "
                f"and the policy holds{left}."
            ),
            *allowed,
            f"Record this root with the training run: {self.root}",
        ]

    def _count_allowed(self) -> Counter[str]:
        return Counter(glob for _, glob in self.allowed)
