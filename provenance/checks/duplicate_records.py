"""Records of a source repeat others of the same source.

Why:          repeats are weighted twice in training, inflate every count in a filing and leak between splits.
Source:       Lee et al., arXiv 2107.06499; Interim Measures, Article 7(4) (quality, diversity).
Reads:        OBSERVATIONS of `repeats`, one row per file and number of distinct shingles of the texts; SOURCES(source,
              records_text); REPEATS, one row per file with near matches in others of its source. Both are counted from
              a profile's minimum of shingles on.
Yields:       at most one finding per source; a second, of field `near`, where records are nearly, and not quite,
              those of another of its files.
Units:        share of records with text that repeat an earlier one, [0, 1]; of field `near`, that have such a match.
Silent when:  two records of one file are nearly the same: only files are compared with each other; texts are equal
              only across sources; near ones are common to many sources; texts are shorter than the profile's minimum: a
              word, a label, "yes" and "no" repeat by nature, and COVERAGE says how many were left aside.
Flagged:      the same line of eight words twice in a file of two lines.
Clean:        every line different after normalisation.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.core.wording import choose_verb, count_noun
from provenance.detectors import REPEATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = (
    "It does not prove a fault: versions of one set that are kept side by side repeat each other on purpose, and "
    "rows of a table that hold a word or a label each do so by nature."
)

_WORDS = 5
"""Words of a record on average, at least, in the tables of older versions, which do not say how long repeats are."""


def find(sources: pa.Table, observations: pa.Table, repeats: pa.Table, minimum: int) -> Iterator[Finding]:
    """Yield sources that repeat themselves.

    Args:
        sources: SOURCES.
        observations: OBSERVATIONS.
        repeats: REPEATS.
        minimum: distinct shingles that a text must have.
    """
    near, measured = _add_files(repeats), _read_repeats(observations)
    for row in sources.select(["source", "records_text", "records_distinct", "tokens"]).to_pylist():
        source, of = row["source"], row["records_text"]
        if found := [each for each in _find_repeats(row, measured) if each["shingles"] >= minimum]:
            count, first = sum(each["records"] for each in found), found[0]
            verb = choose_verb(count, "repeats", "repeat")
            yield Finding(
                check="duplicate-records",
                source=source,
                message=f"{count:,} of its {of:,} records {verb} the text of another of its records, word for word.",
                limits=LIMITS,
                path=first["path"],
                row=first["row"],
                value=count / of,
                unit="share of records",
                records=count,
            )
        if source in near:
            count, path, first_row = near[source]
            yield Finding(
                check="duplicate-records",
                source=source,
                field="near",
                message=f"{count:,} of its {of:,} records are nearly the same as a record of another of its files, at "
                "Jaccard 0.8 or more, and word for word that of none.",
                limits=LIMITS,
                path=path,
                row=first_row,
                value=count / of,
                unit="share of records",
                records=count,
            )


def unseen(observations: pa.Table, minimum: int) -> str | None:
    """Say how many repeats are too short to be any.

    Args:
        observations: OBSERVATIONS.
        minimum: distinct shingles that a text must have.
    """
    rows = [row for found in _read_repeats(observations).values() for row in found]
    short = sum(row["records"] for row in rows if row["shingles"] < minimum)
    if not short:
        return None
    amount = f"{count_noun(short, 'record')} {choose_verb(short, 'repeats', 'repeat')} a text"
    return f"{amount} of fewer than {minimum} distinct shingles, a word, a label or a few words, and left aside"


def _read_repeats(observations: pa.Table) -> dict[str, list[dict[str, Any]]]:
    """Return by source its records that repeat an earlier one, by file, the first row first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in observations.filter(pc.equal(observations["detector"], REPEATS)).to_pylist():
        shingles = int(row["state"].removesuffix("+"))
        found[row["source"]].append({name: row[name] for name in ("path", "row", "records")} | {"shingles": shingles})
    for rows in found.values():
        rows.sort(key=lambda row: (row["path"], row["row"], row["shingles"]))
    return found


def _find_repeats(source: Mapping[str, Any], measured: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the repeats of a source; of an older version's tables all of them, where its records are texts."""
    count = source["records_text"] - source["records_distinct"]
    if source["source"] in measured or count <= 0:
        return measured.get(source["source"], [])
    is_text = source["tokens"] >= _WORDS * source["records_text"]
    return [{"path": None, "row": None, "records": count, "shingles": 1 << 30}] if is_text else []


def _add_files(repeats: pa.Table) -> dict[str, tuple[int, str, int]]:
    """Return by source its records that nearly repeat another file's, and the first file with its first of them."""
    found: dict[str, tuple[int, str, int]] = {}
    for row in sorted(repeats.to_pylist(), key=lambda each: str(each["path"])):
        so_far, path, first = found.get(row["source"], (0, row["path"], row["row"]))
        found[row["source"]] = (so_far + row["records"], path, first)
    return found


CHECK = CheckSpec("duplicate-records", find, unseen=unseen)
