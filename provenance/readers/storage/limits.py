"""How much memory and time one file may cost, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

from provenance.errors import LimitExceeded


@dataclass(frozen=True, slots=True)
class Limits:
    """How much memory and time one file may cost.

    Args:
        batch_bytes: bytes of input that become one batch.
        record_bytes: bytes of the largest record; a larger one is one unreadable record.
        nesting_levels: nesting of a JSON value.
        expansion_ratio: decompressed bytes for one compressed byte; beyond it (and beyond `floor_bytes`) the rest is
            skipped.
        floor_bytes: decompressed bytes that are always allowed.
        most_members: members of an archive; the rest is skipped.
        member_bytes: bytes of an archive member that must be set aside because its format needs random access.
        memory_bytes: bytes that decoding a columnar file may take, in a process of its own.
        window_bytes: bytes that a compressed stream may look back.
    """

    batch_bytes: int = 8 << 20
    record_bytes: int = 64 << 20
    nesting_levels: int = 512
    expansion_ratio: int = 200
    floor_bytes: int = 64 << 20
    most_members: int = 1_000_000
    member_bytes: int = 256 << 20
    memory_bytes: int = 352 << 20
    window_bytes: int = 128 << 20


LIMITS = Limits()


@dataclass(slots=True)
class Budget:
    """How many bytes decompression may still yield, shared by the members of one archive.

    Args:
        limits: expansion_ratio and floor_bytes.
        size: compressed bytes on disk.
        what: what takes so many bytes, for messages.
    """

    limits: Limits
    size: int
    spent: int = 0
    what: str = "it decompresses to"

    def spend(self, amount: int) -> None:
        """Take `amount` bytes.

        Raises:
            LimitExceeded: there are not so many left.
        """
        self.spent += amount
        allowed = max(self.limits.floor_bytes, self.limits.expansion_ratio * self.size)
        if self.spent > allowed:
            raise LimitExceeded(
                f"{self.what} more than the limits allow: {allowed:,} bytes of {self.size:,} compressed ones"
            )
