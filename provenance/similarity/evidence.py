"""What two sources share, in counts and in words: matches as evidence about licences.

Counts are of records, from verified matches alone. A record of fewer shingles than a profile's minimum is no evidence:
"Yes." stands everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.licences import terms
from provenance.licences.compatibility import loses
from provenance.model import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NOUNS = {"whole": "records", "prompt": "prompts", "answer": "answers"}


@dataclass(frozen=True, slots=True)
class Shared:
    """Records of one file that stand in files of another source under one licence.

    Args:
        view: one of model.VIEWS.
        source_a: source of the records.
        path_a: their file.
        licence_a: its licence; None = unknown.
        source_b: the other source.
        path_b: its file that holds most of them.
        licence_b: the licence of its files; None = unknown.
        row: the first of the records.
        records: how many there are.
        exact: how many of them stand there word for word.
        texts: distinct texts that the two sources share in this view and under these licences, over all files.
        records_a: records of path_a that have the view.
        share: of either file, where it is higher, [0, 1].
    """

    view: str
    source_a: str
    path_a: str
    licence_a: str | None
    source_b: str
    path_b: str
    licence_b: str | None
    row: int
    records: int
    exact: int
    texts: int
    records_a: int
    share: float


def shared(
    matches: pa.Table, overlaps: pa.Table, files: pa.Table, minimum: int, originals: Mapping[str, str]
) -> list[Shared]:
    """Count what the files of different sources share, and no known ancestor in the data explains.

    Args:
        matches: MATCHES.
        overlaps: OVERLAPS.
        files: FILES.
        minimum: distinct shingles a record must have to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        One item per view, file, other source and licence there; both directions; sorted.
    """
    licences = known_licences(files)
    matches = speaking(matches, licences, minimum, originals)
    matches = matches.filter(pc.not_equal(matches["source_a"], matches["source_b"]))
    if not matches.num_rows:
        return []
    names, stated = pa.array(licences, pa.string()), pa.array([licence or "" for licence in licences.values()])
    place_b = pc.index_in(matches["path_b"], value_set=names)
    matches = matches.append_column("licence_b", pc.take(stated, place_b))
    matches = matches.append_column("licence_a", pc.take(stated, pc.index_in(matches["path_a"], value_set=names)))
    texts = _texts(matches, place_b)
    sizes = _sizes(overlaps)
    best = _best(matches, sizes)
    keys = ["view", "source_a", "path_a", "source_b", "licence_b"]
    counted = matches.group_by(keys).aggregate([("row_a", "count_distinct"), ("row_a", "min")])
    exact = _exact(matches, keys)
    found = []
    for row in counted.to_pylist():
        path_b, share = best[tuple(row[key] for key in keys)]
        found.append(
            Shared(
                row["view"], row["source_a"], row["path_a"], licences[row["path_a"]], row["source_b"], path_b,
                row["licence_b"] or None, row["row_a_min"], row["row_a_count_distinct"],
                exact.get(tuple(row[key] for key in keys), 0),
                texts[row["view"], row["source_a"], licences[row["path_a"]] or "", row["source_b"], row["licence_b"]],
                sizes[row["view"], row["path_a"]], share,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.source_a, each.source_b, each.view, each.path_a, each.licence_b or ""))


def speaking(
    matches: pa.Table, licences: Mapping[str, str | None], minimum: int, originals: Mapping[str, str]
) -> pa.Table:
    """Leave out matches that say nothing of a licence: of short records, and those that a known ancestor explains.

    A passage inside a longer record is another kind of evidence than a copy, and left out as well.

    Args:
        matches: MATCHES.
        licences: by path, see `known_licences`.
        minimum: distinct shingles a record must have to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        The other rows of MATCHES.
    """
    copies = pc.not_equal(matches["method"], "contained")
    long = matches.filter(pc.and_(copies, pc.greater_equal(matches["distinct_a"], minimum)))
    return _unexplained(long, licences, originals)


def known_licences(files: pa.Table) -> dict[str, str | None]:
    """Return the licence of every file, None where none is stated or its terms are not known."""
    return {path: _known(licence) for path, licence in zip(*_columns(files, "path", "licence"), strict=True)}


def milder(mild: str | None, strict: str | None, *, original: str | None = None, other: str | None = None) -> bool:
    """Tell whether the first of two licences of one text grants or drops what the second withholds or asks.

    Args:
        mild: the licence of one file.
        strict: that of the other.
        original: id of the known data set whose original file the first is, if any.
        other: the same of the second.

    Returns:
        False where the first file is the ancestor itself, or both are the same known file of a third.
    """
    if mild is None or strict is None or not loses(mild, strict):
        return False
    if original is not None and other in {None, original}:
        return False

    def breadth(licence: str) -> tuple[int, str]:
        return sum(terms.right(licence, purpose).rank for purpose in PURPOSES), licence

    return not loses(strict, mild) or breadth(mild) > breadth(strict)


def ancestors(indexes: Sequence[Mapping[str, Any]]) -> str:
    """Say which common ancestors were looked for: files that are one of these whole, under its terms, accuse nobody.

    Args:
        indexes: what was looked for.
    """
    known = sorted(index["title"] for index in indexes if index["kind"] == "known")
    return f" Looked for as one, no others: {', '.join(known)}." if known else ""


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _known(licence: str | None) -> str | None:
    """Return a licence whose terms are known; one of which nothing is known is as good as none."""
    return licence if licence is not None and terms.known(licence) else None


def _texts(matches: pa.Table, place_b: pa.ChunkedArray) -> dict[tuple[Any, ...], int]:
    """Count distinct texts by view, sources and licences: a text is the first record of the other side that has it."""
    first = pc.add(pc.multiply(pc.cast(place_b, pa.int64()), 1 << 39), matches["row_b"])
    keys = ["view", "source_a", "licence_a", "source_b", "licence_b"]
    records = matches.append_column("text", first).group_by([*keys, "path_a", "row_a"]).aggregate([("text", "min")])
    counted = records.group_by(keys).aggregate([("text_min", "count_distinct")])
    return {tuple(row[key] for key in keys): row["text_min_count_distinct"] for row in counted.to_pylist()}


def _exact(matches: pa.Table, keys: list[str]) -> dict[tuple[Any, ...], int]:
    """Return how many records of each key have an exact match."""
    word_for_word = matches.filter(pc.equal(matches["method"], "exact"))
    rows = word_for_word.group_by(keys).aggregate([("row_a", "count_distinct")]).to_pylist()
    return {tuple(row[key] for key in keys): row["row_a_count_distinct"] for row in rows}


def _unexplained(matches: pa.Table, licences: Mapping[str, str | None], originals: Mapping[str, str]) -> pa.Table:
    """Leave out records that also stand in a known original under a licence that their own keeps.

    Such a record may well come from there; that a third source holds it under a stricter licence says nothing of it.
    Its matches with the originals themselves stay.
    """
    known = pc.is_in(matches["path_b"], value_set=pa.array(sorted(originals), pa.string()))
    found = matches.filter(known)
    pairs = found.group_by(["path_a", "path_b"]).aggregate([]).to_pylist()
    kept = [
        f"{pair['path_a']}\0{pair['path_b']}"
        for pair in pairs
        if licences[pair["path_a"]]
        and not loses(licences[pair["path_a"]], licences[pair["path_b"]])
        and licences[pair["path_b"]]
    ]
    if not kept:
        return matches
    both = pc.binary_join_element_wise(found["path_a"], found["path_b"], "\0")
    found = found.filter(pc.is_in(both, value_set=pa.array(kept)))
    rows = found.select(["view", "path_a", "row_a"]).group_by(["view", "path_a", "row_a"]).aggregate([])
    keys = ["view", "path_a", "row_a"]
    left = matches.append_column("known", known)
    explained = left.filter(pc.invert(left["known"])).join(rows, keys, join_type="left anti")
    explained = explained.select(left.column_names).cast(left.schema)  # a join forgets that nothing is null
    return pa.concat_tables([explained, left.filter(left["known"])]).drop_columns(["known"])


def _sizes(overlaps: pa.Table) -> dict[tuple[str, str], int]:
    """Return how many records of a file have a view."""
    of_files = overlaps.filter(pc.is_valid(overlaps["path_a"]))
    columns = (of_files[name].to_pylist() for name in ("view", "path_a", "records_a"))
    return {(view, path): count for view, path, count in zip(*columns, strict=True)}


def _best(matches: pa.Table, sizes: dict[tuple[str, str], int]) -> dict[tuple[Any, ...], tuple[str, float]]:
    """Return for each key of `shared` the other file that holds most, and the highest share of any pair of files."""
    keys = ["view", "source_a", "path_a", "source_b", "licence_b", "path_b"]
    rows = matches.group_by(keys).aggregate([("row_a", "count")]).to_pylist()
    both = {(row["view"], row["path_a"], row["path_b"]): row["row_a_count"] for row in rows}
    best: dict[tuple[Any, ...], tuple[int, str, float]] = {}
    for row in sorted(rows, key=lambda each: each["path_b"]):
        view, path_a, path_b = row["view"], row["path_a"], row["path_b"]
        back = both.get((view, path_b, path_a), 0) / sizes[view, path_b]
        share = max(row["row_a_count"] / sizes[view, path_a], back)
        key = tuple(row[name] for name in keys[:-1])
        most, where, highest = best.get(key, (0, path_b, 0.0))
        most, where = max((most, where), (row["row_a_count"], path_b), key=lambda each: each[0])
        best[key] = (most, where, max(highest, share))
    return {key: (where, share) for key, (_, where, share) in best.items()}


def counts(items: Sequence[Shared]) -> dict[str, tuple[int, int]]:
    """Add up by view: matched records, and records of the files concerned.

    Args:
        items: of one pair of sources, one direction and one licence there, so that no record is in two of them.

    Returns:
        View -> (matched, of how many), the view with the larger share first; the prompts of files whose whole records
        say as much are left out.
    """
    return {view: (sum(i.records for i in of), sum(i.records_a for i in of)) for view, of in _telling(items)}


def sentence(items: Sequence[Shared]) -> str:
    """Say how much is shared: "999 of 999 prompts and 63 of 999 records (48 word for word)"; "no records" if nothing.

    Args:
        items: as for `counts`.
    """
    added = counts(items)
    parts = []
    for view, of in _telling(items):
        exact = sum(item.exact for item in of)
        details = [f"in {len(of):,} files"] if len(of) > 1 else []
        if exact < added[view][0]:
            details.append(f"{f'{exact:,}' if exact else 'none'} word for word")
        said = f" ({'; '.join(details)})" if details else ""
        parts.append(f"{added[view][0]:,} of {added[view][1]:,} {_NOUNS[view]}{said}")
    return " and ".join(parts) or "no records"


def verb(items: Sequence[Shared]) -> str:
    """Say how what `sentence` counts stands elsewhere: "stand word for word" if all of it does, else "stand".

    Args:
        items: as for `counts`.
    """
    return "stand word for word" if all(item.exact == item.records for item in _told(items)) else "stand"


def _telling(items: Sequence[Shared]) -> list[tuple[str, list[Shared]]]:
    """Group items by view, the larger share first, without prompts that add nothing to their file's whole records."""
    views = [(view, [item for item in _told(items) if item.view == view]) for view in _NOUNS]
    views = [(view, of) for view, of in views if of]
    return sorted(views, key=lambda each: -sum(i.records for i in each[1]) / sum(i.records_a for i in each[1]))


def _told(items: Sequence[Shared]) -> list[Shared]:
    whole = {item.path_a: item.records for item in items if item.view == "whole"}
    return [item for item in items if item.view == "whole" or item.records > whole.get(item.path_a, 0)]
