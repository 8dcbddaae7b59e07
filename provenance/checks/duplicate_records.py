"""Records of a source repeat others of the same source.

Why:          repeats are weighted twice in training, inflate every count in a filing and leak between splits.
Source:       Lee et al., arXiv 2107.06499; Interim Measures, Article 7(4) (quality, diversity).
Reads:        SOURCES(source, records_text, records_distinct, tokens), one row per source; MATCHES(view, source_a,
              path_a, row_a, source_b, method, distinctive); a profile's minimum of distinctive shingles for a near
              match to count.
Yields:       at most one finding per source; a second, of field `near`, where records are nearly, and not quite,
              those of another of its files.
Units:        share of records with text that repeat an earlier one, [0, 1]; of field `near`, that have such a match.
Silent when:  two records of one file are nearly the same: only files are compared with each other; texts are equal
              only across sources; near ones are short, or common to many sources; the records of a source have fewer
              than five words on average: rows of a word or a label each repeat by nature.
Flagged:      the same line twice in a file of two lines.
Clean:        every line different after normalisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.similarity.evidence import shared_text
from provenance.similarity.evidence.match_batches import RecordCounts, iterate_by_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove a fault: versions of one set that are kept side by side repeat each other on purpose, and "
    "rows of a table that hold a word or a label each do so by nature."
)

_WORDS = 5  # of a record on average, at least: as many as a shingle has, which to import would load kernels

_KEYS = ["source_a", "path_a", "row_a"]


def find(sources: pa.Table, matches: pa.Table, minimum: int) -> Iterator[Finding]:
    """Yield sources that repeat themselves.

    Args:
        sources: SOURCES.
        matches: MATCHES.
        minimum: distinctive shingles that a near match must rest on.
    """
    near = _near(matches, minimum)
    for row in sources.select(["source", "records_text", "records_distinct", "tokens"]).to_pylist():
        source, of = row["source"], row["records_text"]
        repeats = of - row["records_distinct"]
        if repeats > 0 and row["tokens"] >= _WORDS * of:
            verb = "repeat" if repeats > 1 else "repeats"
            yield Finding(
                check="duplicate-records",
                source=source,
                message=f"{repeats:,} of its {of:,} records {verb} the text of another of its records, word for word.",
                limits=LIMITS,
                value=repeats / of,
                unit="share of records",
                records=repeats,
            )
        if source in near:
            count, path, first = near[source]
            yield Finding(
                check="duplicate-records",
                source=source,
                field="near",
                message=f"{count:,} of its {of:,} records are nearly the same as a record of another of its files, at "
                "Jaccard 0.8 or more, and word for word that of none.",
                limits=LIMITS,
                path=path,
                row=first,
                value=count / of,
                unit="share of records",
                records=count,
            )


def _near(matches: pa.Table, minimum: int) -> dict[str, tuple[int, str, int]]:
    """Return by source how many records are near one of another of its files and equal to none, and the first."""
    counted = RecordCounts()
    for part in iterate_by_record(matches):
        inside = part.filter(pc.and_(pc.equal(part["source_a"], part["source_b"]), pc.equal(part["view"], "whole")))
        alike = shared_text.select_evidence(inside, minimum)
        near = alike.filter(pc.equal(alike["method"], "near")).select(_KEYS).group_by(_KEYS).aggregate([])
        same = inside.filter(pc.equal(inside["method"], "exact")).select(_KEYS).group_by(_KEYS).aggregate([])
        counted.add(near.join(same, _KEYS, join_type="left anti"), ["source_a", "path_a"])
    found: dict[str, tuple[int, str, int]] = {}
    for (source, path), count in sorted(counted.counts.items(), key=lambda each: str(each[0][1])):
        so_far, first_path, first = found.get(source, (0, path, counted.first[source, path]))
        found[source] = (so_far + count, first_path, first)
    return found


CHECK = CheckSpec("duplicate-records", find)
