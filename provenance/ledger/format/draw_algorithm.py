"""Draws: which records are looked at, by a seed that nobody chose; anybody who has the ledger can draw them again.

The seed is a digest of the log up to the scan, which was signed before, of the purpose, of a verifier's nonce if there
is one, and of how many draws for that purpose came before: whoever draws again gets another draw, and one that is seen.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical
from provenance.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

ALGORITHM = "draw/v1"
_LONGEST_LINE = 1 << 24  # bytes of the longest line of a table
_MOST_RECORDS = 1 << 53  # records of the largest frame: numbers below it survive every reader
_DIGEST_SPACE = 1 << 256  # SHA-256 gives a number below it


@dataclass(frozen=True, slots=True)
class DrawFrame:
    """What is drawn from: the data files of a scan that hold records, sorted by path (bytes of UTF-8).

    Args:
        files: path, and how many records it holds; they are numbered from 0.
    """

    files: tuple[tuple[str, int], ...]

    @property
    def records(self) -> int:
        """How many records there are."""
        return sum(count for _, count in self.files)


def derive_seed(root: str, purpose: str, nonce: str | None, number: int) -> str:
    """Return the seed of a draw.

    Args:
        root: root over the log up to the scan, hexadecimal.
        purpose: what it is for.
        nonce: what a verifier gave to it, hexadecimal; None = nothing.
        number: how many draws for this purpose stand before it in the log.

    Returns:
        SHA-256, hexadecimal, of `draw/v1`, a line break, and the canonical JSON array of the four.
    """
    return sha256(f"{ALGORITHM}\n".encode() + canonical([root, purpose, nonce, number])).hexdigest()


def read_frame(lines: Iterable[bytes], sources: Collection[str] | None = None) -> DrawFrame:
    """Read what can be drawn from.

    Args:
        lines: FILES as canonical JSON lines.
        sources: ids of the only sources to draw from; None = all.

    Returns:
        The frame.

    Raises:
        VerificationError: the lines are not FILES.
    """
    found = []
    try:
        for line in lines:
            row = json.loads(line)
            if row["role"] == "data" and (sources is None or row["source"] in sources) and int(row["records"]) > 0:
                found.append((str(row["path"]), int(row["records"])))
    except (ValueError, KeyError, TypeError, RecursionError) as cause:
        raise VerificationError("its scan's table of files is none") from cause
    if sum(count for _, count in found) > _MOST_RECORDS:
        raise VerificationError("its scan's table of files counts more records than there can be")
    return DrawFrame(tuple(sorted(found, key=lambda each: each[0].encode("utf-8", "surrogatepass"))))


def draw_records(seed: str, size: int, drawn_from: DrawFrame) -> list[tuple[str, int]]:
    """Draw records: each with the same chance, none twice.

    Args:
        seed: 64 hexadecimal digits.
        size: how many.
        drawn_from: the frame.

    Returns:
        Path and row of each, in the order of the frame; all, where there are no more.
    """
    records = drawn_from.records
    if size >= records:
        chosen: Iterable[int] = range(records)
    elif 2 * size <= records:
        chosen = sorted(_draw_numbers(bytes.fromhex(seed), size, records))
    else:  # those that are left out are drawn: no draw takes more than a few tries for each
        left = _draw_numbers(bytes.fromhex(seed), records - size, records)
        chosen = (number for number in range(records) if number not in left)
    ends = list(accumulate(count for _, count in drawn_from.files))
    found = []
    for number in chosen:
        at = bisect_right(ends, number)
        path, count = drawn_from.files[at]
        found.append((path, number - ends[at] + count))
    return found


def write_document(places: Iterable[tuple[str, int]]) -> bytes:
    """Return a draw's document: one canonical JSON line {path, row} a record.

    Args:
        places: path and row of each.
    """
    return b"".join(canonical({"path": path, "row": row}) + b"\n" for path, row in places)


def read_lines(path: Path) -> Iterator[bytes]:
    """Read lines within bounds.

    Args:
        path: a file of the ledger.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            yield line


def read_document(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Read a draw's document, or a review's.

    Args:
        lines: its lines.

    Returns:
        One mapping a record, with at least path and row.

    Raises:
        VerificationError: it is none.
    """
    try:
        found = [json.loads(line) for line in lines]
    except (ValueError, RecursionError) as cause:
        raise VerificationError("its list of records is none") from cause
    if not all(
        isinstance(row, dict) and isinstance(row.get("path"), str) and isinstance(row.get("row"), int) for row in found
    ):
        raise VerificationError("its list of records is none")
    return found


def _draw_numbers(seed: bytes, size: int, below: int) -> set[int]:
    """Draw different numbers below a bound: SHA-256 of the seed and a counter, without the bias of a remainder."""
    limit, found, counter = _DIGEST_SPACE - _DIGEST_SPACE % below, set[int](), 0
    while len(found) < size:
        value = int.from_bytes(sha256(seed + counter.to_bytes(8, "big")).digest(), "big")
        if value < limit:
            found.add(value % below)
        counter += 1
    return found
