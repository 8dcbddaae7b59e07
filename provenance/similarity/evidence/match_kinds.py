"""Kinds of match as bits, and places where records stand as numbers: what `match_counts` counts by.

A record shows in another file, source, or source and licence a set of kinds, one number. Whatever is asked of the
records of a file is asked of how many of them show which sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import VIEWS

if TYPE_CHECKING:
    from provenance.similarity.evidence.evidence_rules import EvidenceRules

Ints = npt.NDArray[np.int64]

WHOLE, PROMPT, ANSWER, BETWEEN = range(4)
"""Views by number, as in model.VIEWS; and a view of a record that was found in another view, or in a column."""

EXACT, NEAR, INSIDE, AROUND = range(4)
"""Methods by number: word for word, nearly, the record stands inside the other one, the other one inside the record."""

COPY, SAME_WORDS, ENOUGH, LICENSED, UNEXPLAINED, WITHIN, HOLDS, EVIDENT = (1 << bit for bit in range(8))
"""Kinds of match in a view: exact or near; exact; exact or near and of enough distinctive shingles; of enough of them,
contained or not, where no known original explains it whose terms the record's licence keeps; the same, where none at
all does; the record stands inside the other one; the other one inside the record; of enough distinctive shingles, be it
exact, near or contained."""

PART = LICENSED
"""The same bit where records stand in what they are held out from: enough, and either stands inside the other."""

BITS_PER_VIEW = 8
"""How far the bits of a view are shifted beyond those of the one before."""

DIFFERENT = 4 * BITS_PER_VIEW
"""How far the bits are shifted again that come from files of which the bytes differ; of whole sources alone, and not of
what was found between views."""

WITHIN_VIEWS = (1 << BITS_PER_VIEW * BETWEEN) - 1
"""The bits of matches within a view."""

COUNTS = pa.schema(
    [
        pa.field(name, pa.int64(), nullable=False)
        for name in ("file", "other", "kinds", "records", "row", "words", "prompt_words", "between_words")
    ],
    metadata={
        "table": "COUNTS",
        "grain": "one file, one place where its records stand, and one set of kinds; row = the first such record; "
        "words = what they share there as evidence, by whole records, by prompts and between views",
    },
)

FROM_OTHERS = (COPY | WITHIN | HOLDS) << (BITS_PER_VIEW * WHOLE) | (COPY | WITHIN | HOLDS) << (BITS_PER_VIEW * ANSWER)
"""What a record shows where it, or its answer, stands elsewhere, or is contained in what does."""


def number_views(table: pa.Table | pa.RecordBatch) -> Ints:
    """Number the views of rows; what was found in another view, or is of a column, is BETWEEN.

    Args:
        table: MATCHES or OVERLAPS.
    """
    view = pc.fill_null(pc.index_in(table["view"], value_set=pa.array(VIEWS)), BETWEEN)
    same = pc.fill_null(pc.equal(table["view"], table["view_b"]), True)  # entries before it was added lack it
    return np.asarray(pc.if_else(same, view, BETWEEN)).astype(np.int64)


class Places(NamedTuple):
    """Numbers of places where records stand: files, then pairs of source and licence, then sources, then sources again.

    Args:
        files: how many files there are.
        groups: how many pairs of source and licence.
        sources: how many sources.
    """

    files: int
    groups: int
    sources: int

    @property
    def first_source(self) -> int:
        """The number of the first source."""
        return self.files + self.groups

    @property
    def training(self) -> int:
        """The number of the first source again: of records that one side holds out and the other is trained on."""
        return self.files + self.groups + self.sources

    @property
    def end(self) -> int:
        """How many places there are."""
        return self.training + self.sources


def number_places(rules: EvidenceRules) -> Places:
    """Number the places where records may stand.

    Args:
        rules: what decides.
    """
    return Places(len(rules.paths), rules.groups.shape[1], len(rules.sources))


LICENSED_WHOLE, LICENSED_PROMPT, COPIED, REANSWERED, LICENSED_BETWEEN, COPIED_BETWEEN = range(6)
"""What distinct texts are counted for: whole records and prompts that are evidence, by source and licence of both
sides; by source, whole records that are evidence whatever the licences, between files that differ; and prompts that
are, where the answer stands nowhere in the source; and as the first and third, what was found between views."""


def pack_group(kind: Ints | int, a: Ints, b: Ints, places: Places) -> Ints:
    """Make one number of what texts are counted for.

    Args:
        kind: LICENSED_WHOLE, ...
        a: number of the group, or source, of the record.
        b: of the other one.
        places: that there are.
    """
    width = max(places.groups, places.sources)
    packed: Ints = (kind * width + a) * width + b
    return packed
