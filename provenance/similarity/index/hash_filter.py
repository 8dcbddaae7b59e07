"""A filter of the hashes of indexes that ship, before they are keyed: nearly all shingles of a corpus stand in none.

To key a hash takes longer than to see that no index has it. A bit of a small table tells: where it is not set, no index
that the filter was made of has the shingle; where it is, one in a dozen times none has it all the same, and it is keyed
and looked for. The key of indexes that ship is published, so that unkeyed hashes tell nobody more than keyed ones.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from provenance.similarity.index.siphash import Hashes

Ints = npt.NDArray[np.int64]

BITS = 1 << 20
"""Bits of a filter, a power of two: 128 KiB, which stays in a cache of the processor."""


@dataclass(frozen=True, slots=True, eq=False)
class HashFilter:
    """Which hashes may stand in some indexes.

    Args:
        bits: BITS of them, eight a byte.
        digests: SHA-256 of the indexes.
    """

    bits: npt.NDArray[np.uint8]
    digests: frozenset[str]

    def covers(self, digests: Collection[str]) -> bool:
        """Tell whether it was made of indexes.

        Args:
            digests: theirs.
        """
        return self.digests.issuperset(digests)


def make_filter(hashes: Hashes, digests: Collection[str]) -> HashFilter:
    """Make a filter.

    Args:
        hashes: of shingles, not keyed.
        digests: SHA-256 of the indexes that have them.
    """
    bits = np.zeros(BITS // 8, np.uint8)
    place = (hashes & np.uint64(BITS - 1)).astype(np.int64)
    np.bitwise_or.at(bits, place >> 3, (1 << (place & 7)).astype(np.uint8))
    return HashFilter(bits, frozenset(digests))


def write_filter(path: Path, made: HashFilter) -> None:
    """Write a filter.

    Args:
        path: the file.
        made: the filter.
    """
    np.savez_compressed(path, bits=made.bits, digests=np.array(sorted(made.digests)))


def read_filter(path: Path) -> HashFilter | None:
    """Read a filter that ships; None where there is none, so that all is looked for.

    Args:
        path: the file.
    """
    try:
        with np.load(path) as arrays:
            bits, digests = arrays["bits"], arrays["digests"].tolist()
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return HashFilter(bits, frozenset(digests)) if bits.shape == (BITS // 8,) and bits.dtype == np.uint8 else None


@njit(nogil=True, cache=True)
def _select(values: Any, offsets: Any, bits: Any) -> Any:
    mask, ends = np.uint64(bits.shape[0] * 8 - 1), np.zeros(offsets.shape[0], np.int64)
    kept = np.empty(values.shape[0], np.uint64)
    used = np.int64(0)
    for node in range(offsets.shape[0] - 1):
        for k in range(offsets[node], offsets[node + 1]):
            place = values[k] & mask
            kept[used] = values[k]
            used += np.int64(bits[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7)) & np.uint8(1))
        ends[node + 1] = used
    return kept[:used].copy(), ends


def select_hashes(values: Hashes, offsets: Ints, chosen: HashFilter) -> tuple[Hashes, Ints]:
    """Keep the hashes of records that may stand in the indexes of a filter.

    Args:
        values: hashes, record after record, not keyed.
        offsets: n + 1 offsets into them.
        chosen: the filter.

    Returns:
        What is kept, and where each record's begin.
    """
    kept: tuple[Hashes, Ints] = _select(values, offsets, chosen.bits)
    return kept
