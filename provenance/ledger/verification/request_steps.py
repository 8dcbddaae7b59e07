"""The first step of verification: what the verifier hands in can be read, and fits what is verified."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import trusted_keys
from provenance.ledger.verification.results import USAGE
from provenance.ledger.verification.state import Scope

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.verification.state import VerificationState

_STEP = "options"


def read_request(state: VerificationState) -> None:
    """Read the trust file and the earlier checkpoint, and refuse what cannot be answered.

    Args:
        state: what is asked and known so far; the step is added to it where it fails.
    """
    request = state.request
    if state.scope is Scope.PROOF:
        _refuse_of_proof(state)
    try:
        state.trust = trusted_keys.read_trust(request.trust) if request.trust else trusted_keys.trust_own_keys()
    except ConfigError as cause:
        raise state.stop(_STEP, str(cause), USAGE) from cause
    if request.since is not None:
        state.earlier_checkpoint = _read_checkpoint(state, request.since)
    if request.data is not None and not os.path.isdir(request.data):  # noqa: PTH112 - it never raises
        raise state.stop(_STEP, layout.unreadable(request.data) or f"{request.data} is not a folder", USAGE)
    if state.scope is Scope.ENTRY and request.strict:
        raise state.stop(_STEP, "--strict asks for the whole ledger: leave out --entry", USAGE)


def _refuse_of_proof(state: VerificationState) -> None:
    """What only a whole ledger can answer is not passed over where a proof is handed in."""
    request = state.request
    given = {"--data": request.data is not None, "--entry": request.entry is not None, "--strict": request.strict}
    if names := [name for name, is_given in given.items() if is_given]:
        goes = "goes" if len(names) == 1 else "go"
        raise state.stop(_STEP, f"a proof is checked by itself: {' and '.join(names)} {goes} with a ledger", USAGE)


def _read_checkpoint(state: VerificationState, path: Path) -> checkpoint.Checkpoint:
    try:
        return checkpoint.read_checkpoint(layout.read_bytes(path, checkpoint.MOST_BYTES), cosigned=True)
    except (OSError, VerificationError) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise state.stop(_STEP, f"{path} cannot be read as a checkpoint: {reason}", USAGE) from cause
