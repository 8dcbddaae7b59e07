"""Records of a source repeat others of the same source.

Why:          repeats are weighted twice in training, inflate every count in a filing and leak between splits.
Source:       Lee et al., arXiv 2107.06499; Interim Measures, Article 7(4) (quality, diversity).
Reads:        SOURCES(source, records_text, records_distinct, tokens), one row per source; REPEATS, one row per file
              with near matches in others of its source, counted of MATCHES by a profile's minimum of distinctive
              shingles.
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

from provenance.core.model import CheckSpec, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove a fault: versions of one set that are kept side by side repeat each other on purpose, and "
    "rows of a table that hold a word or a label each do so by nature."
)

_WORDS = 5  # of a record on average, at least: as many as a shingle has, which to import would load kernels


def find(sources: pa.Table, repeats: pa.Table) -> Iterator[Finding]:
    """Yield sources that repeat themselves.

    Args:
        sources: SOURCES.
        repeats: REPEATS.
    """
    near = _add_files(repeats)
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


def _add_files(repeats: pa.Table) -> dict[str, tuple[int, str, int]]:
    """Return by source its records that nearly repeat another file's, and the first file with its first of them."""
    found: dict[str, tuple[int, str, int]] = {}
    for row in sorted(repeats.to_pylist(), key=lambda each: str(each["path"])):
        so_far, path, first = found.get(row["source"], (0, row["path"], row["row"]))
        found[row["source"]] = (so_far + row["records"], path, first)
    return found


CHECK = CheckSpec("duplicate-records", find)
