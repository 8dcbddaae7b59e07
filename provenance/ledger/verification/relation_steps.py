"""Steps of verification about what entries say of one another; the relations themselves are in entry_relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.ledger.format import statement
from provenance.ledger.log.entry_cosignatures import SIGNERS
from provenance.ledger.trees import merkle
from provenance.ledger.verification import entry_relations
from provenance.ledger.verification.results import INVALID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.ledger.verification.state import VerificationState


def check_acts(state: VerificationState) -> None:
    """Check that what people did about a scan refers to what stands before it; of files that are false nothing follows.

    Args:
        state: what is asked and known so far; the step is added to it where there are such entries.
    """
    if _has_sound_entries(state):
        entries = entry_relations.SignedEntries(state.path, state.statements, merkle.hash_prefixes(state.leaves))
        for step in entry_relations.check_acts(entries):
            state.add(step)


def check_draws(state: VerificationState) -> None:
    """Say how often a sample was drawn, and which draw nobody reviewed.

    Args:
        state: what is asked and known so far; the step is added to it where there are draws.
    """
    if _has_sound_entries(state):
        for step in entry_relations.check_draws(state.statements):
            state.add(step)


def check_waivers(state: VerificationState) -> None:
    """Check that waivers are approved by another hand than the operator's.

    Args:
        state: what is asked and known so far; the step is added to it where there are waivers.
    """
    if not _has_sound_entries(state):
        return
    waivers = {each.place.index: each.predicate for each in state.statements if each.kind == "waiver"}
    named = waivers if state.anchor is None else None  # of one entry alone, others are not looked at
    of_files = {
        each.place.index: entry_relations.waivers_of_files(each.predicate, named)
        for each in state.statements
        if each.kind == statement.SCAN
    }
    for step in entry_relations.check_waivers(
        _signatures(state), waivers=waivers, cosignatures=state.cosignatures, of_files=of_files
    ):
        state.add(step)


def check_assessments(state: VerificationState) -> None:
    """Check that assessments are signed by as many keys as the verifier asks for.

    Args:
        state: what is asked and known so far; the step is added to it where somebody co-signed, or is asked for.
    """
    if not _has_sound_entries(state):
        return
    cosigners: dict[int, Sequence[str]] = {}
    for each in state.statements:
        if each.predicate.get("kind") == entry_relations.ASSESSMENT:
            cosigners[each.place.index] = _cosigners(state, each.place.index)
    for step in entry_relations.check_assessments(_signatures(state), cosigners):
        state.add(step)


def leave_other_entries(state: VerificationState) -> None:
    """Say what is not looked at where one entry is verified.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    entry = state.read_anchor().entry_statement
    newer = "whether a newer version stands before it, " if entry.is_old else ""
    state.skip(
        "other entries",
        f"only entry {entry.place.index} was asked for, and changes of keys that lead to its own were followed; "
        f"whether a key was revoked, what it says of other entries, {newer}waivers, and files that no entry binds were "
        "not looked at",
    )


def _has_sound_entries(state: VerificationState) -> bool:
    """Tell whether signatures and files are right; that one act is false says nothing of the others."""
    return not any(step.status == "failed" and step.code == INVALID and step.name != "acts" for step in state.steps)


def _cosigners(state: VerificationState, index: int) -> list[str]:
    """Fingerprints of those who stand by an entry beside the one who signed it."""
    if state.anchor is not None:
        return [each.keyid for each in state.anchor.cosigned]
    return [each.keyid for each in state.cosignatures if each.index == index and each.name in SIGNERS and each.checked]


def _signatures(state: VerificationState) -> entry_relations.SignatureRules:
    return entry_relations.SignatureRules(state.entry_keys, state.trust, state.origin or "", state.succession)
