"""Sets of shingles: sorted distinct hashes in one buffer, and where each set begins and ends in it."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class ShingleSets(NamedTuple):
    """Sets of shingles; the arrays may be memory-mapped, and what kernels take is these three in this order.

    Args:
        values: the hashes of all sets, and perhaps of others between them.
        start: where each set begins.
        stop: where it ends.
    """

    values: Hashes
    start: Ints
    stop: Ints

    @classmethod
    def from_offsets(cls, values: Hashes, offsets: Offsets) -> Self:
        """Return sets that stand one after the other.

        Args:
            values: their hashes, as `shingles.shingle_texts` gives them.
            offsets: n + 1 offsets into them.
        """
        return cls(values, offsets[:-1], offsets[1:])

    @property
    def set_count(self) -> int:
        """How many sets there are."""
        return len(self.start)

    def sizes(self, numbers: npt.NDArray[Any] | slice) -> Ints:
        """Return how many hashes sets have.

        Args:
            numbers: of the sets.
        """
        sizes: Ints = self.stop[numbers] - self.start[numbers]
        return sizes

    def select(self, numbers: slice) -> Self:
        """Return some of the sets.

        Args:
            numbers: which.
        """
        return self._replace(start=self.start[numbers], stop=self.stop[numbers])


Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]
