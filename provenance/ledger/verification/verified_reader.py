"""Reading a ledger for people: what is handed out is what was verified.

A reader checks one entry with its signature, its place in the log and the checkpoint over it, and keeps all of that in
memory. From then on it believes no file by its name: entries must be leaves under that checkpoint, tables and documents
must have the digests that those entries bind. Whoever exchanges the ledger meanwhile is noticed.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.core.digests import sha256
from provenance.errors import (
    BrokenChain,
    ConfigError,
    InputError,
    ProvenanceError,
    UnknownEntry,
    VerificationError,
    cut,
)
from provenance.ledger import layout
from provenance.ledger.format import envelope, statement
from provenance.ledger.keys import trusted_keys
from provenance.ledger.log import folder_comparison, reading
from provenance.ledger.log.file_writing import STAGING, is_link
from provenance.ledger.proofs import anchors
from provenance.ledger.trees import merkle
from provenance.ledger.verification import anchor_steps, entry_versions
from provenance.ledger.verification.state import Scope, VerificationState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import pyarrow as pa

    from provenance.ledger.format.envelope import Envelope
    from provenance.ledger.format.statement import Statement
    from provenance.ledger.keys.signing_keys import PublicKey
    from provenance.ledger.log.key_history import Succession


@dataclass(slots=True)
class Reader:
    """A ledger that is open for reading, see open_reader.

    Args:
        folder: the ledger.
        index: number of the entry that was asked for.
        size: how many entries stand under the checkpoint that was checked.
        root: root over them, hexadecimal; None where the ledger does not verify.
        origin: name of the log, as the entry says it.
        warn: is told every fault that is read over, and every notice, one sentence each.
        faults: what does not verify; empty, but where it was asked to read all the same.
        notices: whose keys nobody vouches for, what was revoked: reading goes on.
    """

    folder: Path
    index: int
    size: int
    warn: Callable[[str], None]
    root: str | None = None
    origin: str = ""
    faults: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    _strict: bool = True
    _leaves: list[bytes] = field(default_factory=list)
    _held: Succession | None = None
    _known: Mapping[str, PublicKey] = field(default_factory=dict)
    _sealed: dict[int, Envelope] = field(default_factory=dict)
    _statements: dict[int, Statement] = field(default_factory=dict)

    def envelope(self, index: int | None = None) -> Envelope:
        """Return an entry's envelope, whose signature and place in the log were checked.

        Args:
            index: number of the entry; None = the one that was asked for.

        Raises:
            UnknownEntry: there is no such entry.
            VerificationError: it is not what the checkpoint counts, or not signed by who holds the ledger there.
        """
        at = self.index if index is None else index
        if not 0 <= at < self.size:
            raise UnknownEntry(f"{self.folder} has no entry {at}; its entries are 0 to {self.size - 1}")
        if at in self._sealed:
            return self._sealed[at]
        found = reading.read_envelope(self.folder, at)
        try:
            self._check(at, found)
        except VerificationError as cause:
            self._fault(f"{layout.entry_path(at)}: {cut(cause)}", cause)
        self._sealed[at] = found
        return found

    def statement(self, index: int | None = None) -> Statement:
        """Return what an entry says, checked as its envelope is.

        Args:
            index: number of the entry; None = the one that was asked for.

        Raises:
            UnknownEntry: there is no such entry; VerificationError: it does not verify.
        """
        at = self.index if index is None else index
        if at not in self._statements:
            entry_statement = statement.read_statement(self.envelope(at).payload)
            self._check_version(entry_statement)
            self._statements[at] = entry_statement
        return self._statements[at]

    def entries(self, *kinds: str) -> list[tuple[int, str, dict[str, Any]]]:
        """Return every entry of some kinds, checked as its envelope is.

        Args:
            kinds: of statement.KINDS.

        Returns:
            Number of the entry, SHA-256 of its payload, and its predicate; the oldest first.

        Raises:
            BrokenChain: an entry is missing or does not verify.
        """
        found = []
        marks = [f"/attestation/{kind}/v".encode() for kind in kinds]
        for index in range(self.size):
            try:
                sealed = reading.read_envelope(self.folder, index)
                self._check(index, sealed)
                if not any(mark in sealed.payload for mark in marks):
                    continue  # the statement of a large scan is not parsed for nothing
                entry_statement = statement.read_statement(sealed.payload)
                self._check_version(entry_statement)
            except (InputError, VerificationError) as cause:
                fault = f"entry {index}: {cut(cause)}"
                if self._strict:
                    raise BrokenChain(f"the ledger {self.folder} does not verify: {fault}") from cause
                self._fault(fault, cause)
                continue
            if entry_statement.kind in kinds:
                found.append((index, sha256(sealed.payload), entry_statement.predicate))
        return found

    def tables(self, index: int | None = None, names: Collection[str] | None = None) -> dict[str, pa.Table]:
        """Return an entry's tables: the bytes that are held to their digests are the bytes that are decoded.

        Args:
            index: number of the entry; None = the one that was asked for.
            names: which tables; all if None.

        Returns:
            Those of schemas.SEALED by name.

        Raises:
            UnknownEntry: there is no such entry.
            InputError: it is no scan, or a table is withheld or does not hold to its schema.
            VerificationError: the entry does not verify, or a table's bytes were changed.
        """
        at = self.index if index is None else index
        other = None if self._strict else self._add_fault
        return reading.decode_tables(self.folder, at, self.statement(at), names=names, other=other, notice=self._notice)

    def read(self, path: str, limit: int, index: int | None = None) -> bytes:
        """Return the bytes of a file that an entry binds, held to their digest.

        Args:
            path: of the file, relative to the ledger.
            limit: bytes.
            index: number of the entry; None = the one that was asked for.

        Raises:
            UnknownEntry: there is no such entry. InputError: the file is withheld or larger.
            VerificationError: the entry does not bind such a file, or its bytes were changed.
        """
        at = self.index if index is None else index
        digest = self.statement(at).folder.get(path)
        if digest is None:
            raise VerificationError(f"{cut(path)} is bound by no entry; run provenance verify {self.folder}")
        other = None if self._strict else self._add_fault
        return reading.read_bound_file(self.folder, path, digest, limit=limit, by=f"entry {at}", other=other)

    def check(self, pinned: trusted_keys.Trust) -> None:
        """Check the entry that was asked for with everything that it stands on, and keep what was checked.

        Args:
            pinned: whose keys are trusted.

        Raises:
            VerificationError: a signature, the log or the checkpoint is not what it should be.
        """
        for name in ("checkpoints", "entries", "keys", "objects", "scans"):
            if is_link(self.folder / name):
                self._fault(f"{name} is a link, and links are refused", None)
        try:
            anchor = anchors.read(anchors.build_anchor(self.folder, self.index, self.size), *statement.KINDS)
            state = VerificationState(path=self.folder, trust=pinned, scope=Scope.PROOF)
            state.known_keys = anchor_steps.known_keys(anchor, pinned)
            state.succession = anchor_steps.follow_keys(anchor, state.known_keys)
            hashes = anchors.leaf_hashes(self.folder)[: self.size]
            if merkle.hash_root(hashes) != anchor.note.root:
                raise VerificationError("its newest checkpoint does not match its entries")
            if layout.read_bytes(self.folder / layout.ORIGIN, layout.SMALL) != f"{anchor.note.origin}\n".encode():
                raise VerificationError("origin is not the name of this log")
            anchor_steps.set_anchor(state, anchor)
            anchor_steps.check_anchor(state)
            failed = [f"{step.name}: {cut(step.detail)}" for step in state.steps if step.status == "failed"]
            if state.is_invalid:
                raise VerificationError("; ".join(failed))
        except (ProvenanceError, OSError, ValueError, RecursionError) as cause:
            self._fault(cut(cause), cause)
            return
        self.origin, self.root = anchor.note.origin, anchor.note.root.hex()
        self._leaves, self._held, self._known = hashes, state.succession, state.known_keys
        self._sealed[self.index] = anchor.sealed
        for each in failed:
            self._notice(each)
        if os.path.lexists(self.folder / layout.entry_path(self.size)):
            self._notice(f"{layout.uncounted(self.size)}; it is not shown")

    def check_files(self) -> None:
        """Hold every file of the entry that was asked for to its digest, and say that those of others were not.

        What is withheld is left to whoever asks for it.

        Raises:
            InputError: a file is there and cannot be read.
            VerificationError: its bytes were changed.
        """
        for path, digest in self.statement().folder.items():
            if reading.is_withheld(self.folder / path):
                continue
            try:
                found = folder_comparison.digest_file(self.folder / path)
            except OSError as cause:
                raise InputError(f"{self.folder / path} cannot be read: {cause.strerror or cause}") from cause
            if found != digest:
                self._fault(f"{path} is not what entry {self.index} binds", None)
        if unchecked := reading.explain_unchecked(self.folder, self.index, self.size):
            self._notice(unchecked)

    def _check(self, index: int, found: Envelope) -> None:
        if self._held is None or index in self._sealed:
            return  # it does not verify, which was said; or it was checked
        if found.leaf_hash != self._leaves[index]:
            raise VerificationError("it is not what the log counts")
        self._held.check_signer(index, found.keyid)
        envelope.check_signature(found, envelope.find_signer(found, self._known))

    def _check_version(self, entry_statement: Statement) -> None:
        """Refuse an old form where no old program can have written it, as `verify` does."""
        if not entry_statement.is_old:
            return
        before = range(min(entry_statement.place.index, self.size))
        old = (statement.read_statement(reading.read_envelope(self.folder, at).payload) for at in before)
        newer = next((each.place.index for each in old if not each.is_old), None)
        if fault := entry_versions.fault(entry_statement, newer):
            self._fault(fault, None)

    def _notice(self, sentence: str) -> None:
        if sentence not in self.notices:
            self.notices.append(sentence)
            self.warn(f"{self.folder}: {sentence}")

    def _fault(self, fault: str, cause: Exception | None) -> None:
        if self._strict:
            raise VerificationError(_broken(self.folder, fault)) from cause
        self._add_fault(fault)

    def _add_fault(self, fault: str) -> None:
        if fault not in self.faults:
            self.faults.append(fault)
            self.warn(f"{self.folder} does not verify, and is read all the same: {fault}")


def open_reader(
    folder: Path,
    index: int | None = None,
    *,
    pinned: trusted_keys.Trust | None = None,
    verified: bool = True,
    warn: Callable[[str], None] = lambda _: None,
) -> Reader:
    """Open a ledger for reading: one entry, the log and the newest checkpoint are verified, without the other entries.

    Args:
        folder: the ledger.
        index: number of the entry, from 0; the newest scan if None.
        pinned: whose keys are trusted; None = the user's own.
        verified: whether what does not verify is an error; False reads it all the same, and warns.
        warn: is told what is read over, and whose keys nobody vouches for, one sentence each.

    Returns:
        The reader.

    Raises:
        ConfigError: the folder is no ledger.
        InputError: no entry was ever finished in it; UnknownEntry: it has no such entry.
        VerificationError: a signature, the log or the checkpoint is not what it should be.
    """
    _check_whole(folder)
    made = Reader(folder, _index(folder, index, verified=verified), layout.size(folder), warn, _strict=verified)
    made.check(trusted_keys.trust_own_keys() if pinned is None else pinned)
    entry_statement = made.statement()
    made.origin = made.origin or entry_statement.place.origin
    return made


def _check_whole(folder: Path) -> None:
    """Whoever removes the head of a log must not make it pass for no log."""
    if reason := layout.unreadable(folder):
        raise ConfigError(reason)
    if not layout.was_ledger(folder):
        raise ConfigError(f"{folder} is no ledger; `provenance scan DATA --ledger {folder}` makes one")
    if not (folder / layout.ORIGIN).is_file():
        raise VerificationError(_broken(folder, f"{layout.ORIGIN} is missing"))
    if not layout.size(folder):
        if (folder / STAGING).is_dir() or not layout.has_entries(folder):
            raise InputError(f"no scan was ever finished in {folder}; scan again to finish it")
        raise VerificationError(_broken(folder, f"{layout.note_path(1)} is missing"))


def _index(folder: Path, index: int | None, *, verified: bool) -> int:
    """Return the number of an entry; of a broken ledger that is read all the same, what cannot be read is no scan."""
    if index is not None or verified:
        try:
            return reading.find_index(folder, index)
        except VerificationError as cause:
            raise VerificationError(_broken(folder, cut(cause))) from cause
    for at in reversed(range(layout.size(folder))):
        with contextlib.suppress(InputError, VerificationError):
            if reading.read_statement(folder, at).kind == statement.SCAN:
                return at
    return layout.size(folder) - 1


def _broken(folder: Path, fault: str) -> str:
    return f"{folder} does not verify: {fault}; run provenance verify {folder} (--unverified reads it all the same)"
