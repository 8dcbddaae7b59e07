"""An inquiry into a ledger: what is asked, what is known so far, and how a step says what it found."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.core import path_names
from provenance.ledger import layout
from provenance.ledger.log import key_history
from provenance.ledger.verification.results import INVALID, SigningKey, Steps, Verification

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from provenance.ledger.format import checkpoint, statement
    from provenance.ledger.keys import trusted_keys
    from provenance.ledger.log import entry_cosignatures
    from provenance.ledger.log.folder_comparison import Changes


class Stop(Exception):  # noqa: N818 - not an error: what follows cannot be looked at
    """Ends an inquiry that has said why."""


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What a verifier asks, see verify.verify."""

    trust: Path | None
    since: Path | None
    data: Path | None
    strict: bool
    evidence: Path


@dataclass(slots=True)
class Inquiry(Steps):
    """What is known so far, and every step that led to it.

    Args:
        folder: the ledger.
        files: names of all files in the folder, relative to it.
        strange: folders that are too deep to be ours.
        bound: SHA-256 by name of each file that an entry binds.
        beside: names of files that vouch for themselves.
        cosignatures: further signatures over entries.
        withheld: names of files that are bound and missing.
        unbound: names of files that nobody vouches for.
        signers: whose keys they are, by fingerprint and role.
        statements: the entries, in order.
        keyids: who signed each.
        notes: checkpoints by size.
        leaves: leaf hashes of the entries.
        held: who held the keys when.
        signed: numbers of the entries that each key signed, or of the newest under each note, by fingerprint.
        proven: by size of the log, the time by which it existed.
        origin: name of the log.
        size: number of entries.
        changes: how the data differs from the newest scan.
        own: names of the files in the folder that entries bind, or that vouch for themselves; None = not looked at.
        evidence: where proof of equivocation was written.
        gaps: what cannot be checked by this version, or of this ledger: the verdict itself says so.
        uncompared: entry and name of tables of which nobody could see that they are what was signed line by line.
    """

    folder: Path = field(kw_only=True)
    files: set[str] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    cosignatures: list[entry_cosignatures.EntryCosignature] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    signers: dict[tuple[str, str], SigningKey] = field(default_factory=dict)
    statements: list[statement.Statement] = field(default_factory=list)
    keyids: list[str] = field(default_factory=list)
    notes: dict[int, checkpoint.Checkpoint] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    held: key_history.Succession = field(default_factory=key_history.Succession)
    signed: dict[str, list[int]] = field(default_factory=dict)
    proven: dict[int, datetime] = field(default_factory=dict)
    origin: str | None = None
    size: int = 0
    changes: Changes | None = None
    evidence: Path | None = None
    gaps: list[str] = field(default_factory=list)
    uncompared: list[tuple[int, str]] = field(default_factory=list)
    own: frozenset[str] | None = None

    def stop(self, name: str, detail: str, code: int = INVALID) -> Stop:
        """Fail a step after which nothing can be looked at; raise what this returns."""
        self.fail(name, detail, code)
        return Stop()

    def read(self, name: str, limit: int) -> bytes:
        """Read a file of the ledger, of at most so many bytes."""
        return layout.read_bytes(self.folder / name, limit)

    def sign(self, fingerprint: str, role: trusted_keys.Role, pinned: trusted_keys.Trust, origin: str) -> None:
        """Note that a key signed, and whose it is."""
        signer = SigningKey(fingerprint, role, pinned.whose(fingerprint, role, origin))
        self.signers.setdefault((fingerprint, role), signer)

    def conclude(self) -> Verification:
        """Return the answer."""
        code, steps = self.answer
        return Verification(
            exit_code=code,
            steps=steps,
            unbound=tuple(path_names.path_to_text(os.fsencode(name)) for name in self.unbound),
            withheld=tuple(self.withheld),
            signers=tuple(self.signers.values()),
            origin=self.origin,
            entries=self.size,
            local=any(item.predicate["keys"] == "local" for item in self.statements),
            changes=self.changes,
            evidence=self.evidence,
            gaps=tuple(self.gaps),
            uncompared=tuple(self.uncompared),
            statements=tuple(self.statements),
            own=self.own or frozenset(),
            root=self.notes[self.size].root.hex() if self.size in self.notes else None,
        )
