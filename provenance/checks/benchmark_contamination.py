"""Items of a benchmark stand in the data.

Why:          a model that was trained on the questions cannot be measured with them.
Source:       Brown et al., arXiv 2005.14165, appendix C, who looked for 13 words of an item; here for nearly all.
Reads:        REFERENCES(kind, title, item, source, path, shared, distinct, records), one row per view of an item and
              file; FILES(path, source, sha256); CLAIMS(source, field, value) of names; the indexes that were given.
Yields:       at most one finding per source and benchmark, and one where the source has the benchmark's own files, by
              digest, or has its name: that is no contamination, unless it is trained on, and its value is 0.
Units:        share of the benchmark's items that stand in records nearly whole (four fifths of their shingles), [0, 1].
Silent when:  an item was translated or put in other words; it has fewer than eight words that few other items have.
Flagged:      training records with the questions of a test set, given as `--reference test.index`.
Clean:        the same records without them; questions of the benchmark's training part.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import choose_verb, count_noun
from provenance.origins import known_datasets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LIMITS = (
    "An item may stand in the data by chance or by a source that both used; it does not prove that a score is wrong."
)

_NAMES = {"source", "name", "url"}

Items = dict[str, dict[str, list[dict[str, Any]]]]
"""Rows by item and file."""


def find(
    references: pa.Table, files: pa.Table, claims: pa.Table, indexes: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Yield sources that hold items of benchmarks.

    Args:
        references: REFERENCES.
        files: FILES.
        claims: CLAIMS.
        indexes: what was looked for.
    """
    rows = [row for row in references.to_pylist() if row["kind"] == "benchmark" and row["path"] is not None]
    for index in _benchmarks(indexes):
        own = _own(index, files, claims)
        found: dict[tuple[str, bool], Items] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        for row in rows:
            if row["title"] == index["title"]:
                found[row["source"], row["path"] in own][row["item"]][row["path"]].append(row)
        for (source, itself), items in sorted(found.items()):
            yield _finding(index, source, items, itself=itself)


def unseen(files: pa.Table, claims: pa.Table, indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that files are a benchmark themselves, which may or may not be trained on, and what could not be told.

    Args:
        files: FILES.
        claims: CLAIMS.
        indexes: what was looked for.
    """
    sentences = []
    for index in _benchmarks(indexes):
        own = len(_own(index, files, claims))
        if own:
            sentences.append(f"{own:,} of the files are those of {index['title']} itself")
        if index["short"]:
            items = f"{index['short']:,} of {count_noun(index['items'], 'item')} of {index['title']}"
            short = f"{items} {choose_verb(index['short'])} too short"
            sentences.append(f"{short}, or too much like others, to be looked for")
    return "; ".join(sentences) or None


def idle(indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that there is nothing to look for.

    Args:
        indexes: what was looked for.
    """
    return None if _benchmarks(indexes) else "no index of a benchmark was given"


def _benchmarks(indexes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [index for index in indexes if index["kind"] == "benchmark"]


def _own(index: Mapping[str, Any], files: pa.Table, claims: pa.Table) -> set[str]:
    """Return the data files that are the benchmark: of its own bytes, or of a source that has its name."""
    digests = known_datasets.known_by_digest()
    entries = [known_datasets.find_known(index["title"]), *(digests.get(digest) for digest in index["files"])]
    ids = {entry.id for entry in entries if entry is not None}

    def is_named(value: str) -> bool:
        entry = known_datasets.find_known(value)
        return value.lower() == index["title"].lower() or (entry is not None and entry.id in ids)

    sources = {row["source"] for row in claims.to_pylist() if row["field"] in _NAMES and is_named(row["value"])}
    own = set()
    for row in iterate_rows(files.select(["path", "source", "role", "sha256"])):
        declared = row["source"] is not None and not row["source"].startswith("undeclared:")
        named = declared and (row["source"] in sources or is_named(row["source"]))
        entry = digests.get(row["sha256"])
        original = row["sha256"] in index["files"] or (entry is not None and entry.id in ids)
        if row["role"] == "data" and (named or original):
            own.add(row["path"])
    return own


def _finding(index: Mapping[str, Any], source: str, items: Items, *, itself: bool) -> Finding:
    best = [
        max(rows, key=lambda row: (row["best_shared"] / row["distinct"], row["best_shared"]))
        for places in items.values()
        for rows in places.values()
    ]
    worst = max(
        best, key=lambda row: (row["best_shared"] / row["distinct"], row["best_shared"], row["path"], row["item"])
    )
    whole = len({row["item"] for row in best if row["best_shared"] == row["distinct"]})
    times = sum(max(row["records"] for row in rows) for places in items.values() for rows in places.values())
    count, place = len(items), "files, which are the benchmark itself" if itself else "records"
    return Finding(
        check="benchmark-contamination",
        source=source,
        field=f"{index['title']} itself" if itself else index["title"],
        message=f"{count:,} of the {index['items']:,} items of {index['title']} stand{'s' * (count == 1)} nearly whole "
        f"in its {place}; {whole:,} of them word for word, {times:,} time{'s' * (times != 1)} in all. The one that "
        f"shows most is {worst['item']}: {worst['best_shared']:,} of its {worst['distinct']:,} shingles stand in "
        f"{worst['path']}, record {worst['row']:,}.",
        limits=LIMITS,
        path=worst["path"],
        row=worst["row"],
        value=0.0 if itself else count / index["items"],
        unit="share of the benchmark's items",
        records=times,
        texts=None if itself else count,
    )


CHECK = CheckSpec("benchmark-contamination", find, unseen=unseen, idle=idle)
