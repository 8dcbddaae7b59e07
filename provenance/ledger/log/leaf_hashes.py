"""The log's leaf hashes, kept in one file: what lets one entry of a thousand be checked without reading the others.

`checkpoints/leaves` holds 32 bytes an entry, in order. Nobody signs it and nobody needs to: its first n hashes have the
root that the checkpoint over n entries states, or they are not believed. It is written before the checkpoint, so that
whoever is killed in between leaves a hash too many, of the entry that the next append finishes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import DigestMismatch
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provenance.ledger.format.checkpoint import Checkpoint

PATH = "checkpoints/leaves"
"""Where it stands, relative to the ledger."""

_HASH_BYTES = 32  # bytes


def most_bytes(size: int) -> int:
    """Return how many bytes the file may have.

    Args:
        size: entries under the newest checkpoint; one more may have been signed.
    """
    return (size + 1) * _HASH_BYTES


def join_hashes(hashes: Sequence[bytes]) -> bytes:
    """Return the file's bytes.

    Args:
        hashes: leaf hashes of all entries, in order.
    """
    return b"".join(hashes)


def split_hashes(data: bytes, note: Checkpoint) -> list[bytes]:
    """Return the leaf hashes under a checkpoint, held to the root that it states.

    Args:
        data: the file's bytes.
        note: the checkpoint, whose signature somebody else checks.

    Returns:
        One hash an entry.

    Raises:
        DigestMismatch: the file is not what was hashed into the checkpoint.
    """
    found = [data[at : at + _HASH_BYTES] for at in range(0, note.size * _HASH_BYTES, _HASH_BYTES)]
    # One hash more may stand there: of an entry that was signed, and whose checkpoint is not written yet.
    if (
        len(data) not in (note.size * _HASH_BYTES, (note.size + 1) * _HASH_BYTES)
        or merkle.hash_root(found) != note.root
    ):
        raise DigestMismatch(f"{PATH} does not have the root that checkpoint {note.size} states")
    return found
