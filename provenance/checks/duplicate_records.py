"""Records of a source repeat others of the same source.

Why:          repeats are weighted twice in training, inflate every count in a filing and leak between splits.
Source:       Lee et al., arXiv 2107.06499; Interim Measures, Article 7(4) (quality, diversity).
Reads:        SOURCES(source, records_text, records_distinct), one row per source.
Yields:       at most one finding per source.
Units:        share of records with text that repeat an earlier one, [0, 1].
Silent when:  two records differ in a word (near-duplicates); texts are equal only across sources.
Flagged:      the same line twice in a file of two lines.
Clean:        every line different after normalisation v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove a fault: versions of one set that are kept side by side repeat each other on purpose."


def find(sources: pa.Table) -> Iterator[Finding]:
    """Yield sources that repeat themselves.

    Args:
        sources: SOURCES.
    """
    for row in sources.select(["source", "records_text", "records_distinct"]).to_pylist():
        repeats = row["records_text"] - row["records_distinct"]
        if repeats > 0:
            yield Finding(
                check="duplicate-records",
                source=row["source"],
                message=f"{repeats:,} of its {row['records_text']:,} records repeat another record of the source, "
                "word for word.",
                limits=LIMITS,
                value=repeats / row["records_text"],
                unit="share of records",
                records=repeats,
            )
