"""Steps of verification about what others say of the checkpoints, and who else signed the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.ledger.log import entry_cosignatures
from provenance.ledger.verification.results import some
from provenance.ledger.witness import external_evidence

if TYPE_CHECKING:
    from provenance.ledger.verification.state import VerificationState


def check_witnesses(state: VerificationState) -> None:
    """Gather what stands beside the checkpoints, and check that witnesses saw them.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    if state.anchor is None:
        _gather_evidence(state)
    _add_outcomes(state, "witnesses")


def check_timestamps(state: VerificationState) -> None:
    """Check that authorities timestamped the checkpoints.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    _add_outcomes(state, "timestamps")


def check_claimed_times(state: VerificationState) -> None:
    """Check that no entry claims to be later than the time that is proven.

    Args:
        state: what is asked and known so far; the step is added to it where a time is proven.
    """
    _add_outcomes(state, "claimed times")


def check_renewals(state: VerificationState) -> None:
    """Check that renewals list the earlier checkpoints, and what stands beside them, as they are.

    Args:
        state: what is asked and known so far; the step is added to it where there are renewals.
    """
    _add_outcomes(state, "renewals")


def check_cosignatures(state: VerificationState) -> None:
    """Check further signatures over an entry's payload; what they are worth, the entry's kind says.

    Args:
        state: what is asked and known so far; the step is added to it where there are any.
    """
    leaves = dict(enumerate(state.leaves))
    state.cosignatures, files, faults = entry_cosignatures.check_cosignatures(
        state.path, state.files, leaves, state.known_keys
    )
    state.self_signed |= files
    count = len(state.cosignatures)
    unchecked = [each for each in state.cosignatures if not each.checked]
    if faults:
        state.fail("co-signatures", some(faults))
    elif unchecked:
        names = some([f"{each.name} of entry {each.index}" for each in unchecked])
        missing = "; ".join(dict.fromkeys(each.missing for each in unchecked))
        state.skip("co-signatures", f"{names}: {missing}")
    elif count == 1:
        state.ok("co-signatures", "1 is a signature over the entry it stands beside")
    elif count:
        state.ok("co-signatures", f"{count:,} are signatures over the entries they stand beside")


def _gather_evidence(state: VerificationState) -> None:
    operators = {
        key.public_bytes_raw()
        for name, role in state.signers
        if role == "log" and isinstance(key := state.known_keys[name], Ed25519PublicKey)
    }
    gathered = external_evidence.gather_evidence(
        state.path, state.files, state.checkpoints, state.statements, pinned=state.trust, operators=operators
    )
    state.self_signed |= gathered.files
    state.proven_times = {size: each.time for size, each in gathered.proven.items()}
    state.outcomes = list(gathered.outcomes)


def _add_outcomes(state: VerificationState, name: str) -> None:
    for each in state.outcomes:
        if each.name == name:
            state.add_outcome(each)
