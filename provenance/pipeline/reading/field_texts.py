"""The texts of columns on their way to scratch files: a fourth view, of which a record may have many.

Each is shingled by itself, and stored by itself. MEMBERS of this view have in `row` the number of the record, and above
its ROW_BITS bits the number of the column in the bundle (`distinct_texts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.similarity.candidates import containment, minhash, near_pairs
from provenance.similarity.text import shingles

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FieldTexts:
    """The texts of columns of some records, those of one shingle left out.

    Args:
        nodes: NODES; `row` is the place of the record.
        described: texts that were not seen lately; `row` of their nodes is a number below `count`.
        count: how many texts there are.
        columns: of each text the place of its column in `names`.
        names: names and sides of columns.
        short: places of the records of the texts left out.
    """

    nodes: pa.Table
    described: near_pairs.DescribedTexts
    count: int
    columns: Ints
    names: list[tuple[str, int]]
    short: Ints


def describe_fields(
    batch: pa.RecordBatch, recent: near_pairs.RecentTexts, *, fold_chinese: bool = False
) -> FieldTexts | None:
    """Describe the texts of columns of some records.

    Args:
        batch: rows of RECORDS.
        recent: what was described lately.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        The texts; None where no record has any.
    """
    column = batch["fields"]
    if column.null_count == len(column):
        return None
    record, values = np.asarray(pc.list_parent_indices(column)).astype(np.int64), column.flatten()
    name, side, text = (values.field(place) for place in range(3))
    cut = shingles.shingle_texts(text, pa.array(np.arange(len(text))), fold_chinese=fold_chinese)
    distinct, places = cut.nodes["distinct"].to_numpy(), cut.nodes["row"].to_numpy()
    kept = np.flatnonzero(distinct >= containment.LEAST_SHINGLES)
    nodes, of_text = cut.nodes.take(pa.array(kept)), places[kept]
    new = kept[recent.select_new(nodes)]
    sets = shingles.ShingledRecords(cut.nodes.take(pa.array(new)), *shingles.select_sets(cut, new))
    described = near_pairs.describe_texts(sets, minhash.sign_sets(sets.values, sets.offsets))
    coded = name.dictionary_encode()
    pairs = np.asarray(coded.indices).astype(np.int64) * _SIDES + np.asarray(side)
    used, columns = np.unique(pairs[of_text], return_inverse=True)
    labels = coded.dictionary.to_pylist()
    return FieldTexts(
        nodes.set_column(0, shingles.NODES.field(0), pa.array(record[of_text])),
        described,
        len(text),
        columns.astype(np.int64),
        [(labels[pair // _SIDES], pair % _SIDES) for pair in used.tolist()],
        record[np.setdiff1d(np.arange(len(text)), of_text)],
    )


_SIDES = 4  # more than there are sides


class ColumnNumbers:
    """Numbers of the columns of a bundle, by name and side, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int], int] = {}

    def number(self, names: list[tuple[str, int]]) -> Ints:
        """Return the numbers of some columns."""
        return np.array([self._numbers.setdefault(each, len(self._numbers)) for each in names], np.int64)

    @property
    def names(self) -> tuple[tuple[str, int], ...]:
        """All columns by number."""
        return tuple(self._numbers)
