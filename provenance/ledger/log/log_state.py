"""The state of a log that is ours to append to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.log.key_history import Succession


@dataclass(frozen=True, slots=True)
class Log:
    """A ledger that is ours to append to.

    Args:
        folder: the ledger.
        origin: name of the log.
        leaves: leaf hashes of its entries, in order.
        succession: who holds its keys when.
    """

    folder: Path
    origin: str
    leaves: tuple[bytes, ...]
    succession: Succession
