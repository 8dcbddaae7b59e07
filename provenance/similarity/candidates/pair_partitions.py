"""Candidate pairs on their way to the sets that decide: dealt out by where the set of their first node is.

Few pairs are verified as they come. More of them are dealt out to ranges of nodes, and those of a range are verified in
the order of the range of their second node: at any time two ranges of sets are read, each in its order, and what is
read is the sets of the pairs and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provenance.core.scratch import partitions
from provenance.core.scratch.partitions import Partition, PartitionWriter
from provenance.similarity.candidates import distinct_texts, set_overlap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provenance.core.engines import Mapper
    from provenance.core.scratch.partitions import DealtFiles

Ints = npt.NDArray[np.int64]

PAIRS_HELD = 1 << 17
"""Pairs that are verified as they come."""

RANGE_BYTES = 1 << 28
"""Bytes of the sets of a range of nodes, about."""

_PAIRS = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("left", "right")],
    metadata={"table": "PAIRS", "grain": "one candidate pair of nodes"},
)
_VERIFIED = pa.schema(
    [pa.field(name, pa.int64(), nullable=False) for name in ("left", "right", "shared")],
    metadata={"table": "VERIFIED", "grain": "one near pair of nodes"},
)


class _Part(NamedTuple):
    """The pairs of a range.

    Args:
        folder: that holds the nodes.
        rows: the pairs.
        texts_per_range: how many nodes a range has.
    """

    folder: str
    rows: Partition
    texts_per_range: int


def verify_candidates(
    folder: Path, engine: Mapper, pairs: Iterable[tuple[Ints, Ints]]
) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Keep the pairs whose Jaccard index is at least 0.8.

    Args:
        folder: that holds the nodes; files are made there.
        engine: what the ranges run on.
        pairs: numbers of nodes, left and right, some at a time.

    Yields:
        Left and right of near pairs, and the shingles that both have, some at a time in any order.
    """
    sets = distinct_texts.load_sets(folder)
    wanted = max(engine.workers, -(-int(sets.distinct.sum()) * 8 // RANGE_BYTES))
    ranges = min(wanted, 1 << 14)
    per_range = -(-sets.set_count // ranges)
    writer = PartitionWriter(folder, "pairs", _PAIRS, ranges)
    waiting: list[tuple[Ints, Ints]] = []
    for left, right in pairs:
        waiting.append((left, right))
        if writer.rows or sum(len(each) for each, _ in waiting) > PAIRS_HELD:
            for columns in waiting:
                writer.add(columns, (columns[0] // per_range).astype(np.uint16))
            waiting.clear()
    if waiting:
        left, right = (np.concatenate(column) for column in zip(*waiting, strict=True))
        yield set_overlap.verify_pairs(sets, left, right)[:3]
    dealt = partitions.gather_partitions([writer.close()])
    for _, verified in engine.map(_verify_range, [_Part(str(folder), each, per_range) for each in dealt]):
        found = partitions.gather_partitions([verified])
        for piece in (batch for each in found for batch in partitions.read_pieces(each)):
            left, right, shared = (column.to_numpy() for column in piece.columns)
            yield left, right, shared
        partitions.remove_files(found)
    partitions.remove_files(dealt)


def _verify_range(part: _Part) -> DealtFiles:
    """Verify the pairs of a range; return the file of the near ones."""
    folder = Path(part.folder)
    sets = distinct_texts.load_sets(folder)
    writer = PartitionWriter(folder, f"verified-{part.rows.number}", _VERIFIED, 1)
    for piece in partitions.read_pieces(part.rows):
        left, right = (column.to_numpy() for column in piece.columns)
        order = np.lexsort((left, right // part.texts_per_range))
        near = set_overlap.verify_pairs(sets, left[order], right[order])
        writer.add(near[:3], np.zeros(len(near.left), np.uint16))
    return writer.close()
