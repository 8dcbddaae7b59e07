"""Verification of a ledger: total, so that no bytes whatever raise, and frank about what was not checked.

STEPS lists what is checked, in order, with a number, for a whole ledger, for one entry of it and for a proof that was
taken from it. VERIFY.md lists the same steps for readers. Exit codes never change, and what a scan found never affects
them. This process needs no pyarrow: Parquet is decoded in another one, and not before its digest was checked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.errors import ProcessKilled
from provenance.ledger.verification import (
    anchor_steps,
    entry_versions,
    evidence_steps,
    file_steps,
    key_steps,
    log_steps,
    proof_steps,
    relation_steps,
    request_steps,
    table_steps,
)
from provenance.ledger.verification.results import USAGE, Verification
from provenance.ledger.verification.state import Scope, Stop, VerificationRequest, VerificationState

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE, ENTRY, PROOF = Scope.WHOLE, Scope.ENTRY, Scope.PROOF


@dataclass(frozen=True, slots=True)
class VerificationStep:
    """A step of verification.

    Args:
        number: its place in the order, as VERIFY.md lists it; one number is one question, whatever it is asked of.
        name: what is printed before what it came to.
        scopes: what it is asked of.
        check: the function that asks it, and adds what it came to to the state.
    """

    number: int
    name: str
    scopes: Scope
    check: Callable[[VerificationState], None]


STEPS = (
    VerificationStep(1, "options", WHOLE | ENTRY | PROOF, request_steps.read_request),
    VerificationStep(2, "ledger", WHOLE | ENTRY, file_steps.check_ledger),
    VerificationStep(2, "ledger", PROOF, proof_steps.leave_ledger),
    VerificationStep(3, "proof", PROOF, proof_steps.read_proof),
    VerificationStep(4, "folder", WHOLE, file_steps.list_files),
    VerificationStep(4, "folder", ENTRY, file_steps.list_entry_files),
    VerificationStep(5, "signatures", WHOLE, log_steps.check_signatures),
    VerificationStep(5, "signatures", ENTRY, anchor_steps.check_entry),
    VerificationStep(5, "signatures", PROOF, anchor_steps.check_proof_signatures),
    VerificationStep(6, "statements", WHOLE, log_steps.check_statements),
    VerificationStep(7, "log", WHOLE, log_steps.check_log),
    VerificationStep(7, "log", ENTRY, anchor_steps.check_place),
    VerificationStep(8, "versions", WHOLE | ENTRY, entry_versions.check_versions),
    VerificationStep(9, "checkpoints", WHOLE, log_steps.check_checkpoints),
    VerificationStep(9, "checkpoints", ENTRY, log_steps.check_newest_checkpoint),
    VerificationStep(10, "leaves", WHOLE, log_steps.check_leaves),
    VerificationStep(11, "keys", WHOLE, key_steps.check_keys),
    VerificationStep(11, "keys", ENTRY | PROOF, anchor_steps.check_keys),
    VerificationStep(12, "earlier checkpoint", WHOLE | ENTRY, log_steps.check_earlier_checkpoint),
    VerificationStep(12, "earlier checkpoint", PROOF, proof_steps.compare_earlier_checkpoint),
    VerificationStep(13, "witnesses", WHOLE | ENTRY | PROOF, evidence_steps.check_witnesses),
    VerificationStep(14, "timestamps", WHOLE | ENTRY | PROOF, evidence_steps.check_timestamps),
    VerificationStep(15, "claimed times", WHOLE | ENTRY | PROOF, evidence_steps.check_claimed_times),
    VerificationStep(16, "renewals", WHOLE, evidence_steps.check_renewals),
    VerificationStep(17, "co-signatures", WHOLE | ENTRY, evidence_steps.check_cosignatures),
    VerificationStep(18, "objects", WHOLE | ENTRY, file_steps.check_files),
    VerificationStep(19, "trees", WHOLE | ENTRY, file_steps.check_trees),
    VerificationStep(20, "tables", WHOLE | ENTRY, table_steps.check_tables),
    VerificationStep(21, "redacted", WHOLE, file_steps.check_redacted),
    VerificationStep(22, "rotation", WHOLE | ENTRY | PROOF, key_steps.check_rotations),
    VerificationStep(23, "revocation", WHOLE | ENTRY | PROOF, key_steps.check_revocations),
    VerificationStep(24, "certificate", WHOLE, key_steps.check_certificates),
    VerificationStep(25, "acts", WHOLE, relation_steps.check_acts),
    VerificationStep(26, "draws", WHOLE, relation_steps.check_draws),
    VerificationStep(27, "waivers", WHOLE | ENTRY | PROOF, relation_steps.check_waivers),
    VerificationStep(28, "assessments", WHOLE | ENTRY | PROOF, relation_steps.check_assessments),
    VerificationStep(29, "latest", WHOLE, file_steps.check_latest),
    VerificationStep(30, "other entries", ENTRY, relation_steps.leave_other_entries),
    VerificationStep(31, "unbound", WHOLE, file_steps.check_unbound),
    VerificationStep(32, "data", WHOLE | ENTRY, file_steps.check_data),
)
"""Every step, in the order in which they are asked and printed; a step that fails may end the verification."""


def verify(
    path: Path,
    *,
    trust: Path | None = None,
    since: Path | None = None,
    data: Path | None = None,
    strict: bool = False,
    evidence: Path | None = None,
    entry: int | None = None,
) -> Verification:
    """Verify a ledger, or a proof that was taken from one. Never raises, whatever the bytes.

    Args:
        path: the ledger, a folder; or the file of a proof.
        trust: a trust file; it replaces the user's own keys, which are pinned otherwise.
        since: a checkpoint that the verifier held: the log must extend it.
        data: the data: its files must be those of the newest scan.
        strict: whether a file that no entry binds is a fault.
        evidence: folder for the proof of equivocation; the working folder if None.
        entry: the only entry to verify, by number: of the others no more than the leaf hashes are read, or their
            envelopes where keys changed hands.

    Returns:
        The exit code and everything that led to it.
    """
    request = VerificationRequest(trust, since, data, strict, evidence, entry)
    state = VerificationState(path=Path(path), request=request)
    try:
        state.scope = PROOF if state.path.is_file() else WHOLE if entry is None else ENTRY
        for step in STEPS:
            if state.scope in step.scopes:
                step.check(state)
    except Stop:
        pass
    except OSError as cause:
        name = cause.filename if isinstance(cause.filename, str | bytes) else state.path
        state.fail("ledger", f"{os.fsdecode(name)} cannot be read: {cause.strerror or type(cause).__name__}", USAGE)
    except ProcessKilled as cause:  # which says nothing about the ledger
        state.fail("ledger", str(cause), USAGE)
    except MemoryError:
        state.fail("ledger", "it takes more memory than there is", USAGE)
    except Exception as cause:  # noqa: BLE001 - whoever wrote the bytes must not choose the answer
        state.fail("ledger", f"it holds what cannot be read: {type(cause).__name__}")
    return state.conclude()
