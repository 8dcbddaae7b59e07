"""What two sources share, in counts and in words: matches as evidence about licences.

Counts are of records, from verified matches alone. A match of fewer distinctive shingles than a profile's minimum is no
evidence: "Yes." stands everywhere, and so does what many sources have in common.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.licences import terms
from provenance.licences.compatibility import loses
from provenance.model import PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ASKED = ("whole", "prompt")
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
        records: how many of them are evidence: of enough distinctive shingles, and not explained by a known original.
        matched: how many there are in all.
        exact: how many of these stand there word for word.
        explained: how many would be evidence, but also stand in a known original under a licence that theirs keeps.
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
    matched: int
    exact: int
    explained: int
    texts: int
    records_a: int
    share: float


def _coded(matches: pa.Table) -> pa.Table:
    """Keep each name once: a row of MATCHES takes a fifth of the memory, and is compared and grouped by number.

    Args:
        matches: MATCHES.

    Returns:
        The same rows, names as dictionaries; never for a ledger.
    """
    for place, field in enumerate(matches.schema):
        if field.type == pa.string():
            column = pc.dictionary_encode(matches[field.name]).unify_dictionaries()
            matches = matches.set_column(place, field.name, column)
    return matches


def shared(
    matches: pa.Table, overlaps: pa.Table, files: pa.Table, minimum: int, originals: Mapping[str, str]
) -> list[Shared]:
    """Count what the files of different sources share, and no known ancestor in the data explains.

    Args:
        matches: MATCHES.
        overlaps: OVERLAPS.
        files: FILES.
        minimum: distinctive shingles that a record must share to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        One item per view, file, other source and licence there; both directions; sorted.
    """
    licences = known_licences(files)
    keys = ["view", "source_a", "path_a", "source_b", "licence_b"]
    sizes = _sizes(overlaps)
    counted: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    every: dict[tuple[Any, ...], int] = {}
    exact: dict[tuple[Any, ...], int] = {}
    enough: dict[tuple[Any, ...], int] = {}
    texts: dict[tuple[Any, ...], int] = {}
    for part in _by_source(matches):
        apart, told = _licensed(part, minimum, originals, licences)
        copies = apart.filter(pc.not_equal(apart["method"], "contained"))
        counted += told.group_by(keys).aggregate([("row_a", "count_distinct"), ("row_a", "min")]).to_pylist()
        pairs += told.group_by([*keys, "path_b"]).aggregate([("row_a", "count")]).to_pylist()
        every |= _counts(copies, keys)
        exact |= _counts(copies.filter(pc.equal(copies["method"], "exact")), keys)
        enough |= _counts(telling(apart, minimum), keys)
        texts |= _texts(told)
    best = _best(pairs, keys, sizes)
    found = []
    for row in counted:
        key = tuple(row[name] for name in keys)
        path_b, share = best[key]
        count = row["row_a_count_distinct"]
        found.append(
            Shared(
                row["view"], row["source_a"], row["path_a"], licences[row["path_a"]], row["source_b"], path_b,
                row["licence_b"] or None, row["row_a_min"], count, every[key], exact.get(key, 0), enough[key] - count,
                texts[row["view"], row["source_a"], licences[row["path_a"]] or "", row["source_b"], row["licence_b"]],
                sizes[row["view"], row["path_a"]], share,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.source_a, each.source_b, each.view, each.path_a, each.licence_b or ""))


def _by_source(matches: pa.Table) -> Iterator[pa.Table]:
    """Cut MATCHES by the source of the record: all that is counted of one is counted there, in little memory.

    As they are sealed, matches of a source stand together in each view, and a cut copies nothing.
    """
    if not matches.num_rows:
        return
    code = pc.dictionary_encode(matches["source_a"]).unify_dictionaries().combine_chunks()
    number = code.indices.to_numpy()
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    ends = np.append(starts[1:], len(number))
    for source in np.unique(number).tolist():
        runs = np.flatnonzero(number[starts] == source)
        yield _coded(pa.concat_tables([matches.slice(starts[k], ends[k] - starts[k]) for k in runs.tolist()]))


def _licensed(
    matches: pa.Table, minimum: int, originals: Mapping[str, str], licences: Mapping[str, str | None]
) -> tuple[pa.Table, pa.Table]:
    """Return matches of different sources, and those of them that are evidence; with both licences."""
    names, stated = pa.array(licences, pa.string()), pa.array([licence or "" for licence in licences.values()])
    matches = _between(matches, originals)
    for side in "ab":
        licence = pc.take(stated, pc.index_in(matches[f"path_{side}"], value_set=names))
        matches = matches.append_column(f"licence_{side}", licence)
    place = pc.cast(pc.index_in(matches["path_b"], value_set=names), pa.int64())
    # a text is the first record of the other side that has it
    matches = matches.append_column("text", pc.add(pc.multiply(place, 1 << 39), matches["row_b"]))
    return _apart(matches), _apart(_unexplained(telling(matches, minimum), originals, licences))


def speaking(
    matches: pa.Table, licences: Mapping[str, str | None], minimum: int, originals: Mapping[str, str]
) -> pa.Table:
    """Leave out matches that say nothing of a licence: short ones, boilerplate, and what a known ancestor explains.

    A passage inside a longer record is another kind of evidence than a copy, and left out as well.

    Args:
        matches: MATCHES.
        licences: by path, see `known_licences`.
        minimum: distinctive shingles that a record must share to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        The other rows of MATCHES.
    """
    return _unexplained(telling(matches, minimum), originals, licences)


def telling(matches: pa.Table, minimum: int) -> pa.Table:
    """Leave out passages inside longer records, and matches that rest on short records, boilerplate or answers alone.

    Args:
        matches: MATCHES.
        minimum: distinctive shingles that a record must share to count.

    Returns:
        The other rows of MATCHES.
    """
    # the same answer to another question says little: `No, it is not.` is right of many
    asked = pc.is_in(matches["view"], value_set=pa.array(_ASKED))
    copies = pc.and_(asked, pc.not_equal(matches["method"], "contained"))
    return matches.filter(pc.and_(copies, pc.greater_equal(matches["distinctive"], minimum)))


_NEEDED = ["view", "source_a", "path_a", "row_a", "source_b", "path_b", "row_b", "method", "distinctive"]


def _between(matches: pa.Table, originals: Mapping[str, str]) -> pa.Table:
    """Leave matches of different sources, and those with a known original, which may explain others."""
    known = pc.is_in(matches["path_b"], value_set=pa.array(sorted(originals), pa.string()))
    return matches.select(_NEEDED).filter(pc.or_(pc.not_equal(matches["source_a"], matches["source_b"]), known))


def _apart(matches: pa.Table) -> pa.Table:
    return matches.filter(pc.not_equal(matches["source_a"], matches["source_b"]))


@dataclass(frozen=True, slots=True)
class Standing:
    """What of one file stands in another source, whatever the licences.

    Args:
        source: source of the file.
        path: the file.
        other: the other source.
        records: its records that stand there, and are evidence.
        prompts: its records whose prompt stands there, and is evidence.
        renewed: those of the latter of which neither the whole record nor the answer stands there, or is contained in
            what does.
        row: the first of `renewed`, else of `records`, else of `prompts`.
        records_of: its records.
        prompts_of: its records that have a prompt.
        matched: its records that stand there, evidence or not.
        prompts_matched: its records whose prompt stands there, evidence or not.
        texts: distinct texts among the records of the source that stand there, over all its files.
        texts_renewed: distinct prompts among `renewed` of the source, over all its files.
    """

    source: str
    path: str
    other: str
    records: int
    prompts: int
    renewed: int
    row: int
    records_of: int
    prompts_of: int
    matched: int
    prompts_matched: int
    texts: int
    texts_renewed: int


def standing(
    matches: pa.Table,
    overlaps: pa.Table,
    minimum: int,
    originals: Mapping[str, str],
    files: pa.Table | None = None,
) -> list[Standing]:
    """Count by file what stands in each other source, and no known original in the data explains.

    Args:
        matches: MATCHES.
        overlaps: OVERLAPS.
        minimum: distinctive shingles that a record must share to count.
        originals: path -> id of the known data set whose original file it is.
        files: FILES, where what files share that are byte for byte the same is to be left out: that is said elsewhere.

    Returns:
        One item per file and other source; both directions; sorted.
    """
    sizes = _sizes(overlaps)
    found = [item for part in _by_source(matches) for item in _standing_of_one(part, sizes, minimum, originals, files)]
    return sorted(found, key=lambda each: (each.source, each.other, each.path))


def _standing_of_one(
    matches: pa.Table,
    sizes: Mapping[tuple[str, str], int],
    minimum: int,
    originals: Mapping[str, str],
    files: pa.Table | None,
) -> Iterator[Standing]:
    """Count what `standing` does of the files of one source."""
    matches = _between(matches, originals)
    told = _apart(_unexplained(telling(matches, minimum), originals))
    apart = _apart(matches)
    if files is not None:
        apart, told = _different(apart, files), _different(told, files)
    copies = apart.filter(pc.not_equal(apart["method"], "contained"))
    if not told.num_rows:
        return
    place_b = pc.index_in(told["path_b"], value_set=pc.unique(told["path_b"]).cast(pa.string()).sort())
    told = told.append_column("text", pc.add(pc.multiply(pc.cast(place_b, pa.int64()), 1 << 39), told["row_b"]))
    pair = ["source_a", "source_b", "path_a"]
    keys = [*pair, "row_a"]
    whole, prompt = (
        told.filter(pc.equal(told["view"], view)).group_by(keys).aggregate([("text", "min")]) for view in _ASKED
    )
    kept = apart.filter(pc.not_equal(apart["view"], "prompt")).select(keys).group_by(keys).aggregate([])
    renewed = prompt.join(kept, keys, join_type="left anti")
    parts = {}
    for name, table in (("records", whole), ("prompts", prompt), ("renewed", renewed)):
        counted = table.group_by(pair).aggregate([("row_a", "count"), ("row_a", "min")]).to_pylist()
        parts[name] = {tuple(row[key] for key in pair): (row["row_a_count"], row["row_a_min"]) for row in counted}
    texts, fresh = (_distinct(table) for table in (whole, renewed))
    every = _counts(copies, ["view", *pair])
    for key in parts["records"].keys() | parts["prompts"].keys():
        source, other, path = key
        counts = [parts[name].get(key, (0, 0)) for name in ("records", "prompts", "renewed")]
        row = next(first for count, first in (counts[2], counts[0], counts[1]) if count)
        yield Standing(
            source, path, other, counts[0][0], counts[1][0], counts[2][0], row,
            sizes.get(("whole", path), 0), sizes.get(("prompt", path), 0),
            every.get(("whole", *key), 0), every.get(("prompt", *key), 0),
            texts.get((source, other), 0), fresh.get((source, other), 0),
        )  # fmt: skip


def _different(matches: pa.Table, files: pa.Table) -> pa.Table:
    """Leave out matches between files that are the same, byte for byte."""
    places = [
        pc.index_in(matches[name], value_set=pa.array(files["path"].to_pylist())) for name in ("path_a", "path_b")
    ]
    a, b = (pc.take(files["sha256"], place) for place in places)
    return matches.filter(pc.fill_null(pc.not_equal(a, b), fill_value=True))


def published(items: Sequence[Standing], originals: Mapping[str, str]) -> str:
    """Say which known data set's own file is among some files of one source; "" where none is.

    Args:
        items: of one source.
        originals: path -> id of the known data set whose original file it is.
    """
    known = [item for item in items if item.path in originals]
    if not known:
        return ""
    most = max(known, key=lambda item: (item.records + item.prompts, item.path))
    return f" {most.source} holds the file that the authors of {originals[most.path]} published."


def _distinct(records: pa.Table) -> dict[tuple[str, str], int]:
    """Count distinct texts by pair of sources."""
    counted = records.group_by(["source_a", "source_b"]).aggregate([("text_min", "count_distinct")]).to_pylist()
    return {(row["source_a"], row["source_b"]): row["text_min_count_distinct"] for row in counted}


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
    return f" These known sets, and no others, were looked for as an ancestor: {', '.join(known)}." if known else ""


def _columns(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() for name in names]


def _known(licence: str | None) -> str | None:
    """Return a licence whose terms are known; one of which nothing is known is as good as none."""
    return licence if licence is not None and terms.known(licence) else None


def _texts(matches: pa.Table) -> dict[tuple[Any, ...], int]:
    """Count distinct texts by view, sources and licences."""
    keys = ["view", "source_a", "licence_a", "source_b", "licence_b"]
    records = matches.group_by([*keys, "path_a", "row_a"]).aggregate([("text", "min")])
    counted = records.group_by(keys).aggregate([("text_min", "count_distinct")])
    return {tuple(row[key] for key in keys): row["text_min_count_distinct"] for row in counted.to_pylist()}


def _counts(matches: pa.Table, keys: list[str]) -> dict[tuple[Any, ...], int]:
    """Return how many records of each key have a match."""
    rows = matches.group_by(keys).aggregate([("row_a", "count_distinct")]).to_pylist()
    return {tuple(row[key] for key in keys): row["row_a_count_distinct"] for row in rows}


def _unexplained(
    matches: pa.Table, originals: Mapping[str, str], licences: Mapping[str, str | None] | None = None
) -> pa.Table:
    """Leave out records that also stand in a known original; with licences, under one that their own keeps.

    Such a record may well come from there; that a third source holds it too, or holds it under a stricter licence, says
    nothing of it. Its matches with the originals themselves stay.
    """
    known = pc.is_in(matches["path_b"], value_set=pa.array(sorted(originals), pa.string()))
    found = matches.filter(known)
    pairs = found.group_by(["path_a", "path_b"]).aggregate([]).to_pylist()
    kept = [
        f"{pair['path_a']}\0{pair['path_b']}"
        for pair in pairs
        if licences is None or _keeps(licences[pair["path_a"]], licences[pair["path_b"]])
    ]
    if not kept:
        return matches
    both = pc.binary_join_element_wise(*(found[name].cast(pa.string()) for name in ("path_a", "path_b")), "\0")
    found = found.filter(pc.is_in(both, value_set=pa.array(kept)))
    rows = found.select(["view", "path_a", "row_a"]).group_by(["view", "path_a", "row_a"]).aggregate([])
    keys = ["view", "path_a", "row_a"]
    left = matches.append_column("known", known)
    explained = left.filter(pc.invert(left["known"])).join(rows, keys, join_type="left anti")
    explained = explained.select(left.column_names).cast(left.schema)  # a join forgets that nothing is null
    return pa.concat_tables([explained, left.filter(left["known"])]).drop_columns(["known"])


def _keeps(licence: str | None, original: str | None) -> bool:
    return licence is not None and original is not None and not loses(licence, original)


def _sizes(overlaps: pa.Table) -> dict[tuple[str, str], int]:
    """Return how many records of a file have a view."""
    of_files = overlaps.filter(pc.is_valid(overlaps["path_a"]))
    columns = (of_files[name].to_pylist() for name in ("view", "path_a", "records_a"))
    return {(view, path): count for view, path, count in zip(*columns, strict=True)}


def _best(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], sizes: Mapping[tuple[str, str], int]
) -> dict[tuple[Any, ...], tuple[str, float]]:
    """Return for each key of `shared` the other file that holds most, and the highest share of any pair of files."""
    both = {(row["view"], row["path_a"], row["path_b"]): row["row_a_count"] for row in rows}
    best: dict[tuple[Any, ...], tuple[int, str, float]] = {}
    for row in sorted(rows, key=lambda each: each["path_b"]):
        view, path_a, path_b = row["view"], row["path_a"], row["path_b"]
        back = both.get((view, path_b, path_a), 0) / sizes[view, path_b]
        share = max(row["row_a_count"] / sizes[view, path_a], back)
        key = tuple(row[name] for name in keys)
        most, where, highest = best.get(key, (0, path_b, 0.0))
        most, where = max((most, where), (row["row_a_count"], path_b), key=lambda each: each[0])
        best[key] = (most, where, max(highest, share))
    return {key: (where, share) for key, (_, where, share) in best.items()}


def counts(items: Sequence[Shared]) -> dict[str, tuple[int, int]]:
    """Add up by view: matched records, and records of the files concerned.

    Args:
        items: of one pair of sources, one direction and one licence there, so that no record is in two of them.

    Returns:
        View -> (records that are evidence, of how many), the view with the larger share first; the prompts of files
        whose whole records say as much are left out.
    """
    return {view: (sum(i.records for i in of), sum(i.records_a for i in of)) for view, of in _telling(items)}


def data_files(files: pa.Table) -> Counter[str]:
    """Count the data files with records of each source: a sentence about some of them says of how many.

    Args:
        files: FILES.
    """
    rows = files.select(["source", "role", "records"]).to_pylist()
    return Counter(row["source"] for row in rows if row["role"] == "data" and row["records"])


def where(count: int, held: int) -> str:
    """Say in how many files something stands, unless that is the only one of its source: "in 2 files", or nothing.

    Args:
        count: files in which it stands.
        held: data files of the source.
    """
    return f"in {count:,} file{'s' * (count > 1)}" if count > 1 or held > 1 else ""


def sentence(items: Sequence[Shared], held: int = 1) -> str:
    """Say how much is shared: "999 of 999 prompts and 63 of 999 records (48 word for word)"; "no records" if nothing.

    What stands there and is no evidence is counted too, and the sentence says how much is.

    Args:
        items: as for `counts`.
        held: data files of the source; of one of several, it is said that the count is of one file.
    """
    parts, place = [], ""
    for view, of in _telling(items):
        matched, records, exact, explained, total = (
            sum(getattr(item, name) for item in of)
            for name in ("matched", "records", "exact", "explained", "records_a")
        )
        place, before = where(len(of), held), place
        details = [place] if place and place != before else []
        if exact < matched:
            details.append(f"{f'{exact:,}' if exact else 'none'} word for word")
        if records + explained < matched:
            details.append(f"{records + explained:,} of them long and distinctive enough to count")
        if explained:
            details.append(f"{explained:,} also in a known original and left out")
        said = f" ({'; '.join(details)})" if details else ""
        parts.append(f"{matched:,} of {total:,} {_NOUNS[view]}{said}")
    return " and ".join(parts) or "no records"


def verb(items: Sequence[Shared]) -> str:
    """Say how what `sentence` counts stands elsewhere: "stand word for word" if all of it does, else "stand".

    Args:
        items: as for `counts`.
    """
    return "stand word for word" if all(item.exact == item.matched for item in _told(items)) else "stand"


def _telling(items: Sequence[Shared]) -> list[tuple[str, list[Shared]]]:
    """Group items by view, the larger share first, without prompts that add nothing to their file's whole records."""
    views = [(view, [item for item in _told(items) if item.view == view]) for view in _NOUNS]
    views = [(view, of) for view, of in views if of]
    return sorted(views, key=lambda each: -sum(i.records for i in each[1]) / sum(i.records_a for i in each[1]))


def _told(items: Sequence[Shared]) -> list[Shared]:
    whole = {item.path_a: item.records for item in items if item.view == "whole"}
    return [item for item in items if item.view == "whole" or item.records > whole.get(item.path_a, 0)]
