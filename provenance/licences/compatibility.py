"""What a copy's declared licence grants, or drops, that its original's withholds, or asks: a comparison of two records.

Nothing here says who copied from whom; the caller does, or says that a common ancestor is not excluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provenance.core.model import PURPOSES
from provenance.licences.terms import find_obligations, find_right

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRANTED = ("yes", "conditional")


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that gets lost between original and copy.

    Args:
        right: a purpose that the copy's licence allows and the original's does not, or an obligation
            (share-alike, no-derivatives, use-restrictions, attribution) that the copy's licence no longer asks for.
        clause: the original's clause.
        licence: the id in the original's expression that holds the clause.
    """

    right: str
    clause: str
    licence: str | None = None


def find_losses(copy: str | None, original: str | None) -> tuple[Loss, ...]:
    """Compare a copy's declared licence with its original's.

    Args:
        copy: SPDX expression of the copy.
        original: SPDX expression of the original.

    Returns:
        Purposes first, in the order of `model.PURPOSES`, then obligations; () if the copy is as strict, or if either
        is unknown: an unlicensed twin is another matter.
    """
    if copy is None or original is None:
        return ()
    return (*_lost_rights(copy, original), *_lost_obligations(copy, original))


def _lost_rights(copy: str, original: str) -> list[Loss]:
    losses = []
    for purpose in PURPOSES:
        withheld = find_right(original, purpose)
        if withheld.value == "no" and find_right(copy, purpose).value in _GRANTED:
            losses.append(Loss(purpose, withheld.clause, withheld.licence))
    return losses


def _lost_obligations(copy: str, original: str) -> list[Loss]:
    obligations, kept = find_obligations(original), find_obligations(copy)
    if any(find_right(copy, purpose).value == "unknown" for purpose in PURPOSES):
        return []  # nobody knows what the copy's licence asks
    if copy in _NOBODYS:  # nobody holds rights in the text: who asks for attribution speaks of an edition
        kept = {**kept, "attribution": ""}
    order = ("share-alike", "no-derivatives", "use-restrictions", "attribution")
    return [Loss(name, obligations[name]) for name in order if name in obligations and not _is_kept(name, kept)]


_NOBODYS = frozenset({"LicenseRef-provenance-public-domain", "CC-PDM-1.0"})
"""What says that nobody holds rights in a text, which is no grant of a holder as CC0 is."""


def _is_kept(name: str, kept: Mapping[str, str]) -> bool:
    # Who forbids adaptations altogether has not dropped the duty to share them alike.
    alike = name == "share-alike" and "no-derivatives" in kept
    return alike or name in kept
