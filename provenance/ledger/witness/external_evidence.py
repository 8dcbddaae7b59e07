"""What others attest of a ledger, brought together: witnesses, timestamps, and the renewals that keep those alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.ledger.witness import checkpoint_evidence, proven_times, renewal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from provenance.ledger.format.checkpoint import Checkpoint
    from provenance.ledger.format.statement import Statement
    from provenance.ledger.keys.trusted_keys import Trust


@dataclass(frozen=True, slots=True)
class Attested:
    """What was found.

    Args:
        files: cosignatures and timestamps by name, relative to the ledger: they vouch for themselves.
        outcomes: steps of verification: witnesses, timestamps, claimed times, renewals.
        proven: by size of the log, the time by which it existed, see proven_times.proven_times.
    """

    files: frozenset[str]
    outcomes: tuple[proven_times.StepOutcome, ...]
    proven: Mapping[int, proven_times.Proven]


def gather_evidence(
    folder: Path,
    files: Collection[str],
    notes: Mapping[int, Checkpoint],
    statements: Sequence[Statement],
    *,
    pinned: Trust,
    operators: Collection[bytes],
) -> Attested:
    """Find out what others attest of a ledger.

    Args:
        folder: the ledger.
        files: the names of all its files, relative to it.
        notes: its checkpoints by size; they were checked.
        statements: its entries, in order; their signatures were checked.
        pinned: whose signatures count, and what is asked for.
        operators: keys of the log, 32 bytes each: who keeps a log is no witness of it.

    Returns:
        What was found; never raises for what a file holds.
    """
    found = checkpoint_evidence.check_evidence(folder, files, notes, pinned=pinned, operators=operators)
    renewals = renewal.check_renewals(folder, statements)
    at = proven_times.build_evidence(len(statements), found, pinned, renewals.covered)
    predicates = {index: each.predicate for index, each in enumerate(statements)}
    outcomes = (*proven_times.steps(at, predicates), *renewals.outcomes())
    return Attested(frozenset(found.files), outcomes, proven_times.proven_times(at))
