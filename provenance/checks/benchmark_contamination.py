"""Items of a benchmark stand in the data.

Why:          a model that was trained on the questions cannot be measured with them.
Source:       Brown et al., arXiv 2005.14165, appendix C, who looked for 13 words of an item; here for nearly all of
              it, and for a third of a long one.
Reads:        REFERENCES(kind, title, item, source, path, shared, distinct, records, records_view, records_index), one
              row per view of an item and file; FILES(path, source, role, sha256); CLAIMS(source, field, value) of names
              and splits; the indexes that ship and those that were given.
Yields:       at most one finding per source and benchmark; one of field `... held out` where items stand in files that
              the source holds out for a test; one of field `... itself` where files are the benchmark: those have its
              bytes, or most of their records are its items and their source has its name. A name alone excuses nothing,
              nor does a name of what is for training. What is held out, or the benchmark itself, is no contamination
              unless it is trained on, and its value is 0.
Units:        share of the benchmark's items that stand in records nearly whole (four fifths of their shingles), [0, 1].
Silent when:  an item was translated or put in other words; it has fewer than eight words that few other items have.
Flagged:      three questions of GSM8K's test among sixty training records.
Clean:        the same records without them; questions of the benchmark's training part.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import choose_verb, count_noun, list_first
from provenance.origins import known_datasets
from provenance.sources.file_splits import find_splits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LIMITS = (
    "An item may stand in the data by chance or by a source that both used; it does not prove that a score is wrong."
)

_NAMES = {"source", "name", "url"}
_ITSELF, _HELD_OUT = " itself", " held out"
"""How the field of a finding ends that is of the benchmark's own files, and of files that are held out."""

Rows = dict[str, list[dict[str, Any]]]
"""Rows of REFERENCES by item."""


class _Home(NamedTuple):
    """What is known of the files in which a benchmark may stand.

    Args:
        original: paths of files that have its bytes.
        named: sources that have its name.
        splits: which split files are, by path.
    """

    original: set[str]
    named: set[str]
    splits: Mapping[str, Any]

    def sort_file(self, row: Mapping[str, Any]) -> str:
        """Return what a file is to the benchmark: _ITSELF, _HELD_OUT, or "" for data."""
        split = self.splits.get(row["path"])
        if row["path"] in self.original:
            return _ITSELF
        if split is not None and not split.held_out:
            return ""
        if row["source"] in self.named and 2 * row["records_index"] >= row["records_view"]:
            return _ITSELF
        return "" if split is None else _HELD_OUT


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
    if not rows:
        return
    splits = find_splits(files, claims)
    for index in _benchmarks(indexes):
        home = _find_home(index, files, claims, splits)
        found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            if row["title"] == index["title"]:
                found[row["source"], home.sort_file(row)].append(row)
        for (source, kind), of_source in sorted(found.items()):
            yield _make_finding(index, home, source, kind, of_source)


def unseen(references: pa.Table, files: pa.Table, claims: pa.Table, indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that files are a benchmark themselves, which may or may not be trained on, and what could not be told.

    Args:
        references: REFERENCES.
        files: FILES.
        claims: CLAIMS.
        indexes: what was looked for.
    """
    benchmarks, splits = _benchmarks(indexes), find_splits(files, claims)
    rows = [row for row in references.to_pylist() if row["kind"] == "benchmark" and row["path"] is not None]
    sentences = []
    for index in benchmarks:
        home = _find_home(index, files, claims, splits)
        own = home.original | {
            row["path"] for row in rows if row["title"] == index["title"] and home.sort_file(row) == _ITSELF
        }
        if own:
            sentences.append(f"{len(own):,} of the files are those of {index['title']} itself")
        if index["short"]:
            items = f"{index['short']:,} of {count_noun(index['items'], 'item')} of {index['title']}"
            short = f"{items} {choose_verb(index['short'])} too short"
            sentences.append(f"{short}, or too much like others, to be looked for")
    titles = [index["title"] for index in benchmarks]
    if set(titles) <= set(known_datasets.SHIPPED_BENCHMARKS):
        sentences.append(f"no benchmark but {', '.join(titles)} was looked for; give others with --reference")
    return "; ".join(sentences) or None


def idle(indexes: Sequence[Mapping[str, Any]]) -> str | None:
    """Say that there is nothing to look for.

    Args:
        indexes: what was looked for.
    """
    return None if _benchmarks(indexes) else "no index of a benchmark was given"


def _benchmarks(indexes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [index for index in indexes if index["kind"] == "benchmark"]


def _find_home(index: Mapping[str, Any], files: pa.Table, claims: pa.Table, splits: Mapping[str, Any]) -> _Home:
    """Find the data files that have the benchmark's bytes, and the sources that have its name."""
    digests = known_datasets.known_by_digest()
    shipped = known_datasets.SHIPPED_BENCHMARKS.get(index["title"], index["title"])
    entries = [known_datasets.find_known(shipped), *(digests.get(digest) for digest in index["files"])]
    ids = {entry.id for entry in entries if entry is not None}

    def is_named(value: str) -> bool:
        entry = known_datasets.find_known(value)
        return value.lower() == index["title"].lower() or (entry is not None and entry.id in ids)

    named = {row["source"] for row in claims.to_pylist() if row["field"] in _NAMES and is_named(row["value"])}
    original = set()
    for row in iterate_rows(files.select(["path", "source", "role", "sha256"])):
        if row["role"] != "data":
            continue
        if row["source"] is not None and is_named(row["source"]):
            named.add(row["source"])
        entry = digests.get(row["sha256"])
        if row["sha256"] in index["files"] or (entry is not None and entry.id in ids):
            original.add(row["path"])
    return _Home(original, {each for each in named if each and not each.startswith("undeclared:")}, splits)


def _share(row: Mapping[str, Any]) -> float:
    return float(row["best_shared"] / row["distinct"])


def _make_finding(
    index: Mapping[str, Any], home: _Home, source: str, kind: str, rows: Sequence[Mapping[str, Any]]
) -> Finding:
    best: dict[str, Mapping[str, Any]] = {}
    places: dict[tuple[str, str], int] = {}
    for row in sorted(rows, key=lambda row: (_share(row), row["best_shared"], row["path"])):
        best[row["item"]] = row
        key = (row["item"], row["path"])
        places[key] = max(places.get(key, 0), row["records"])
    nearly = {item for item, row in best.items() if 5 * row["best_shared"] >= 4 * row["distinct"]}
    worst = max(best.values(), key=lambda row: (_share(row), row["best_shared"], row["path"], row["item"]))
    times = sum(places.values())
    return Finding(
        check="benchmark-contamination",
        source=source,
        field=f"{index['title']}{kind}",
        message=f"{_count_items(index, best, nearly)} in its {_PLACES[kind]}, {count_noun(times, 'time')} in all. "
        f"The one that shows most is {worst['item']}: {worst['best_shared']:,} of its {worst['distinct']:,} shingles "
        f"stand in {worst['path']}, record {worst['row']:,}.{_explain_home(home, source, kind, rows)}",
        limits=LIMITS,
        path=worst["path"],
        row=worst["row"],
        value=0.0 if kind else len(nearly) / index["items"],
        unit="share of the benchmark's items",
        records=times,
        texts=None if kind == _ITSELF else len(best),
    )


_PLACES = {
    "": "records",
    _ITSELF: "files, which are the benchmark itself",
    _HELD_OUT: "files that are held out for a test",
}


def _count_items(index: Mapping[str, Any], best: Mapping[str, Mapping[str, Any]], nearly: set[str]) -> str:
    """Say how many items stand there nearly whole, and how many in part."""
    whole = sum(row["best_shared"] == row["distinct"] for row in best.values())
    count, part = len(nearly), len(best) - len(nearly)
    of = f"of the {index['items']:,} items of {index['title']}"
    if not count:
        return f"{part:,} {of} {choose_verb(part, 'stands', 'stand')} in part"
    more = f", {part:,} more in part" if part else ""
    return f"{count:,} {of} {choose_verb(count, 'stands', 'stand')} nearly whole ({whole:,} word for word){more}"


def _explain_home(home: _Home, source: str, kind: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Say why files are taken for the benchmark itself, or are not though their source has its name."""
    paths = sorted({row["path"] for row in rows})
    if kind == _ITSELF:
        bytes_of = [path for path in paths if path in home.original]
        by_name = [path for path in paths if path not in home.original]
        sentences = (
            [f"{list_first(bytes_of)} {choose_verb(len(bytes_of), 'has', 'have')} its bytes"] if bytes_of else []
        )
        if by_name:
            sentences.append(f"of {list_first(by_name)} most records are its items, and the source has its name")
        return f" That is known because {' and '.join(sentences)}; it is contamination if it is trained on."
    if kind == _HELD_OUT:
        return " It is contamination if they are trained on all the same."
    if source in home.named:
        trained = [path for path in paths if path in home.splits]
        why = (
            f"{list_first(trained)} {choose_verb(len(trained))} for training"
            if trained
            else "most records are none of its items"
        )
        return f" The source has the name of the benchmark, and that excuses nothing: {why}."
    if whole := sorted({row["path"] for row in rows if 10 * row["records_index"] >= 9 * row["records_view"]}):
        return (
            f" Nearly all records of {list_first(whole)} are such items; if they are kept to measure by, and are not "
            "trained on, name their split in a card."
        )
    return ""


CHECK = CheckSpec("benchmark-contamination", find, unseen=unseen, idle=idle)
