"""The state of a verification: what is asked, what is known so far, and every line that was printed on the way."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenance.core import path_names
from provenance.errors import cut
from provenance.ledger import layout
from provenance.ledger.keys import trusted_keys
from provenance.ledger.log import key_history
from provenance.ledger.verification.results import INVALID, Results, SigningKey, Verification

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from provenance.ledger.format import checkpoint, statement
    from provenance.ledger.keys.signing_keys import PublicKey
    from provenance.ledger.log import entry_cosignatures
    from provenance.ledger.log.folder_comparison import FolderChanges
    from provenance.ledger.proofs.anchors import Anchor
    from provenance.ledger.proofs.challenges import ChallengeAnswer
    from provenance.ledger.proofs.proof_format import Proof
    from provenance.ledger.witness.proven_times import StepOutcome


class Scope(enum.Flag):
    """What is verified: a whole ledger, one entry of it, or a proof (or an answer) that was taken from one."""

    WHOLE = enum.auto()
    ENTRY = enum.auto()
    PROOF = enum.auto()


class Stop(Exception):  # noqa: N818 - not an error: what follows cannot be checked
    """Ends a verification whose last step failed in such a way that no later step can be asked."""


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What a verifier asks, see verify.verify."""

    trust: Path | None = None
    since: Path | None = None
    data: Path | None = None
    strict: bool = False
    evidence: Path | None = None
    entry: int | None = None


@dataclass(slots=True)
class VerificationState(Results):
    """What is known so far, and every step that led to it.

    Args:
        path: the ledger, a folder; or the file of a proof.
        request: what the verifier asks.
        scope: what is verified.
        trust: whose keys and signatures count, and what is asked for.
        earlier_checkpoint: a checkpoint that the verifier held before; None = none.
        known_keys: public keys by fingerprint: signatures are checked with them, which is not to trust them.
        files: names of all files in the folder, relative to it; of one entry, of those that it needs.
        deep_folders: folders that are too deep to be ours.
        bound: SHA-256 by name of each file that an entry binds.
        self_signed: names of files that are signatures themselves, so that no entry need bind them.
        withheld: names of files that are bound and missing.
        unbound: names of files that nobody vouches for.
        own_files: names of the files in the folder that entries bind, or that are signatures; None = not known.
        origin: name of the log.
        size: number of entries.
        statements: of the entries that are verified, in order.
        leaves: leaf hashes of the entries.
        checkpoints: by size.
        succession: who held the keys when.
        entry_keys: fingerprint of the key that signed each entry, by its number.
        signed_entries: numbers of the entries that each key signed, or of the newest under each checkpoint.
        signers: whose keys they are, by fingerprint and role.
        cosignatures: further signatures over entries.
        proven_times: by size of the log, the time by which it existed.
        outcomes: what witnesses, timestamps and renewals come to.
        changes: how the data differs from the newest scan.
        evidence: where proof of equivocation was written.
        gaps: what cannot be checked by this version, or of this ledger: the verdict itself says so.
        uncompared: entry and name of tables that could not be compared with the lines that were signed.
        anchor: the one entry with everything that it rests on; None = the whole ledger is verified.
        proof: what was read from the file of a proof.
        what: is verified: ledger | proof | answer.
    """

    path: Path = field(kw_only=True)
    request: VerificationRequest = field(default_factory=VerificationRequest)
    scope: Scope = Scope.WHOLE
    trust: trusted_keys.Trust = field(default_factory=trusted_keys.Trust)
    earlier_checkpoint: checkpoint.Checkpoint | None = None
    known_keys: dict[str, PublicKey] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    deep_folders: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    self_signed: set[str] = field(default_factory=set)
    withheld: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    own_files: frozenset[str] | None = None
    origin: str | None = None
    size: int = 0
    statements: list[statement.Statement] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    checkpoints: dict[int, checkpoint.Checkpoint] = field(default_factory=dict)
    succession: key_history.Succession = field(default_factory=key_history.Succession)
    entry_keys: dict[int, str] = field(default_factory=dict)
    signed_entries: dict[str, list[int]] = field(default_factory=dict)
    signers: dict[tuple[str, str], SigningKey] = field(default_factory=dict)
    cosignatures: list[entry_cosignatures.EntryCosignature] = field(default_factory=list)
    proven_times: dict[int, datetime] = field(default_factory=dict)
    outcomes: list[StepOutcome] = field(default_factory=list)
    changes: FolderChanges | None = None
    evidence: Path | None = None
    gaps: list[str] = field(default_factory=list)
    uncompared: list[tuple[int, str]] = field(default_factory=list)
    anchor: Anchor | None = None
    proof: Proof | ChallengeAnswer | None = None
    what: str = "ledger"

    def stop(self, name: str, detail: str, code: int = INVALID) -> Stop:
        """Fail a step after which nothing can be checked; raise what this returns."""
        self.fail(name, detail, code)
        return Stop()

    def read(self, name: str, limit: int) -> bytes:
        """Read a file of the ledger, of at most so many bytes."""
        return layout.read_bytes(self.path / name, limit)

    def add_signer(self, fingerprint: str, role: trusted_keys.Role, origin: str) -> None:
        """Note that a key signed, and whose it is."""
        signer = SigningKey(fingerprint, role, self.trust.find_owner(fingerprint, role, origin))
        self.signers.setdefault((fingerprint, role), signer)

    def explain_other_log(self, origin: str | None) -> str:
        """Say that the trust file pins keys for another log than this one; empty where it does not.

        Args:
            origin: name of the log that is verified.
        """
        if origin is None or self.trust.origin in (None, origin):
            return ""
        return (
            f"the trust file is pinned for another log: it says origin {cut(self.trust.origin)}, and this log is "
            f"{cut(origin)}, whatever keys sign it now; ask whoever keeps this log for a trust file that names it"
        )

    def read_anchor(self) -> Anchor:
        """Return the one entry that is verified, with what it rests on; an earlier step has read it."""
        if self.anchor is None:
            raise LookupError("no step has read the entry")
        return self.anchor

    def conclude(self) -> Verification:
        """Return the answer."""
        code, steps = self.answer
        of_proof = self.scope is Scope.PROOF
        is_proven = self.proof is not None and INVALID not in self.codes
        newest = self.checkpoints.get(self.size)
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
            what=self.what,
            proven=(self.proof.says,) if self.proof is not None and is_proven else (),
            unproven=self.proof.limits if self.proof is not None and is_proven else (),
            gaps=tuple(self.gaps),
            uncompared=tuple(self.uncompared),
            statements=() if of_proof else tuple(self.statements),
            own=self.own_files or frozenset(),
            root=newest.root.hex() if newest is not None else None,
        )
