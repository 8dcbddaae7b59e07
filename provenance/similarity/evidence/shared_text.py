"""What two sources share, in counts and in words: matches as evidence about licences.

Counts are of records, from verified matches alone. A match of fewer distinctive shingles than a profile's minimum is no
evidence: "Yes." stands everywhere, and so does what many sources have in common.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import PURPOSES
from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence.match_batches import DistinctTexts, RecordCounts, iterate_by_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EVIDENCE_VIEWS = ("whole", "prompt")
_TEXT_KEY_COLUMNS = ["view", "source_a", "licence_a", "source_b", "licence_b"]
_NOUNS = {"whole": "records", "prompt": "prompts", "answer": "answers"}


@dataclass(frozen=True, slots=True)
class SharedRecords:
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


def count_shared(
    matches: pa.Table, overlaps: pa.Table, files: pa.Table, *, minimum: int, originals: Mapping[str, str]
) -> list[SharedRecords]:
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
    licences = licences_by_path(files)
    keys = ["view", "source_a", "path_a", "source_b", "licence_b"]
    sizes = _records_by_view(overlaps)
    evidence_counts, copy_counts, exact_counts, distinctive_counts, pair_counts = (RecordCounts() for _ in range(5))
    with DistinctTexts() as distinct:
        for part in iterate_by_record(matches):
            between_sources, evidence = _add_licences(part, minimum, originals, licences)
            copies = between_sources.filter(pc.not_equal(between_sources["method"], "contained"))
            evidence_counts.add(evidence, keys)
            pair_counts.add(evidence, [*keys, "path_b"])
            copy_counts.add(copies, keys)
            exact_counts.add(copies.filter(pc.equal(copies["method"], "exact")), keys)
            distinctive_counts.add(select_evidence(between_sources, minimum), keys)
            distinct.add(evidence, _TEXT_KEY_COLUMNS, ["path_a", "row_a"])
        texts = distinct.counts()
    best = _best_by_key(pair_counts.counts, sizes)
    found = []
    for key, count in evidence_counts.counts.items():
        view, source_a, path_a, source_b, licence_b = key
        path_b, share = best[key]
        licence_a = licences[path_a]
        found.append(
            SharedRecords(
                view, source_a, path_a, licence_a, source_b, path_b, licence_b or None,
                evidence_counts.first[key], count,
                copy_counts.counts[key], exact_counts.counts.get(key, 0), distinctive_counts.counts[key] - count,
                texts[view, source_a, licence_a or "", source_b, licence_b], sizes[view, path_a], share,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.source_a, each.source_b, each.view, each.path_a, each.licence_b or ""))


def _add_licences(
    matches: pa.Table, minimum: int, originals: Mapping[str, str], licences: Mapping[str, str | None]
) -> tuple[pa.Table, pa.Table]:
    """Return matches of different sources, and those of them that are evidence; with both licences."""
    names, stated = pa.array(licences, pa.string()), pa.array([licence or "" for licence in licences.values()])
    matches = _between_sources_or_original(matches, originals)
    for side in "ab":
        licence = pc.take(stated, pc.index_in(matches[f"path_{side}"], value_set=names))
        matches = matches.append_column(f"licence_{side}", licence)
    place = pc.cast(pc.index_in(matches["path_b"], value_set=names), pa.int64())
    # a text is the first record of the other side that has it
    matches = matches.append_column("text", pc.add(pc.multiply(place, 1 << 39), matches["row_b"]))
    return _between_sources(matches), _between_sources(
        _drop_explained(select_evidence(matches, minimum), originals, licences)
    )


def select_licence_evidence(
    matches: pa.Table, licences: Mapping[str, str | None], minimum: int, originals: Mapping[str, str]
) -> pa.Table:
    """Leave out matches that say nothing of a licence: short ones, boilerplate, and what a known ancestor explains.

    A passage inside a longer record is another kind of evidence than a copy, and left out as well.

    Args:
        matches: MATCHES.
        licences: by path, see `licences_by_path`.
        minimum: distinctive shingles that a record must share to count.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        The other rows of MATCHES.
    """
    return _drop_explained(select_evidence(matches, minimum), originals, licences)


def select_evidence(matches: pa.Table, minimum: int) -> pa.Table:
    """Leave out passages inside longer records, and matches that rest on short records, boilerplate or answers alone.

    Args:
        matches: MATCHES.
        minimum: distinctive shingles that a record must share to count.

    Returns:
        The other rows of MATCHES.
    """
    # the same answer to another question says little: `No, it is not.` is right of many
    in_view = pc.is_in(matches["view"], value_set=pa.array(_EVIDENCE_VIEWS))
    copies = pc.and_(in_view, pc.not_equal(matches["method"], "contained"))
    return matches.filter(pc.and_(copies, pc.greater_equal(matches["distinctive"], minimum)))


_NEEDED_COLUMNS = ["view", "source_a", "path_a", "row_a", "source_b", "path_b", "row_b", "method", "distinctive"]


def _between_sources_or_original(matches: pa.Table, originals: Mapping[str, str]) -> pa.Table:
    """Leave matches of different sources, and those with a known original, which may explain others."""
    known = pc.is_in(matches["path_b"], value_set=pa.array(sorted(originals), pa.string()))
    return matches.select(_NEEDED_COLUMNS).filter(pc.or_(pc.not_equal(matches["source_a"], matches["source_b"]), known))


def _between_sources(matches: pa.Table) -> pa.Table:
    return matches.filter(pc.not_equal(matches["source_a"], matches["source_b"]))


@dataclass(frozen=True, slots=True)
class CopiedRecords:
    """What of one file stands in another source, whatever the licences.

    Args:
        source: source of the file.
        path: the file.
        other: the other source.
        records: its records that stand there, and are evidence.
        prompts: its records whose prompt stands there, and is evidence.
        reanswered: those of the latter of which neither the whole record nor the answer stands there, or is contained
            in what does.
        row: the first of `reanswered`, else of `records`, else of `prompts`.
        records_of: its records.
        prompts_of: its records that have a prompt.
        matched: its records that stand there, evidence or not.
        prompts_matched: its records whose prompt stands there, evidence or not.
        texts: distinct texts among the records of the source that stand there, over all its files.
        texts_reanswered: distinct prompts among `reanswered` of the source, over all its files.
    """

    source: str
    path: str
    other: str
    records: int
    prompts: int
    reanswered: int
    row: int
    records_of: int
    prompts_of: int
    matched: int
    prompts_matched: int
    texts: int
    texts_reanswered: int


def count_copied(
    matches: pa.Table,
    overlaps: pa.Table,
    *,
    minimum: int,
    originals: Mapping[str, str],
    files: pa.Table | None = None,
) -> list[CopiedRecords]:
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
    sizes = _records_by_view(overlaps)
    names = pc.unique(matches["path_b"]).sort()
    pair = ["source_a", "source_b", "path_a"]
    tallies = {name: RecordCounts() for name in ("records", "prompts", "renewed")}
    copy_counts = RecordCounts()
    with DistinctTexts() as distinct_texts, DistinctTexts() as distinct_reanswered:
        for part in iterate_by_record(matches):
            copies, whole, prompt, reanswered = _select_copied(part, names, minimum, originals, files)
            copy_counts.add(copies, ["view", *pair])
            for tally, table in zip(tallies.values(), (whole, prompt, reanswered), strict=True):
                tally.add(table, pair)
            for distinct, table in ((distinct_texts, whole), (distinct_reanswered, reanswered)):
                distinct.add(table, ["source_a", "source_b"], ["path_a", "row_a"])
        texts, texts_reanswered = distinct_texts.counts(), distinct_reanswered.counts()
    counts, found = {name: tally.counts for name, tally in tallies.items()}, []
    for key in counts["records"].keys() | counts["prompts"].keys():
        source, other, path = key
        row = next(tallies[name].first[key] for name in ("renewed", "records", "prompts") if key in counts[name])
        found.append(
            CopiedRecords(
                source, path, other, counts["records"].get(key, 0), counts["prompts"].get(key, 0),
                counts["renewed"].get(key, 0), row,
                sizes.get(("whole", path), 0), sizes.get(("prompt", path), 0),
                copy_counts.counts.get(("whole", *key), 0), copy_counts.counts.get(("prompt", *key), 0),
                texts.get((source, other), 0), texts_reanswered.get((source, other), 0),
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.source, each.other, each.path))


def _select_copied(
    matches: pa.Table, names: pa.Array, minimum: int, originals: Mapping[str, str], files: pa.Table | None
) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
    """Return of a piece what are copies; and whole records, prompts, and renewed ones that are evidence."""
    matches = _between_sources_or_original(matches, originals)
    evidence = _between_sources(_drop_explained(select_evidence(matches, minimum), originals))
    between_sources = _between_sources(matches)
    if files is not None:
        between_sources, evidence = (
            _between_different_files(between_sources, files),
            _between_different_files(evidence, files),
        )
    place_b = pc.cast(pc.index_in(evidence["path_b"], value_set=names), pa.int64())
    evidence = evidence.append_column("text", pc.add(pc.multiply(place_b, 1 << 39), evidence["row_b"]))
    keys = ["source_a", "source_b", "path_a", "row_a"]
    whole, prompt = (
        evidence.filter(pc.equal(evidence["view"], view)).group_by(keys).aggregate([("text", "min")])
        for view in _EVIDENCE_VIEWS
    )
    answered = between_sources.filter(pc.not_equal(between_sources["view"], "prompt"))
    same_answer = answered.select(keys).group_by(keys).aggregate([])
    whole, prompt = (each.rename_columns({"text_min": "text"}) for each in (whole, prompt))
    reanswered = prompt.join(same_answer, keys, join_type="left anti")
    return between_sources.filter(pc.not_equal(between_sources["method"], "contained")), whole, prompt, reanswered


def _between_different_files(matches: pa.Table, files: pa.Table) -> pa.Table:
    """Leave out matches between files that are the same, byte for byte."""
    places = [
        pc.index_in(matches[name], value_set=pa.array(files["path"].to_pylist())) for name in ("path_a", "path_b")
    ]
    a, b = (pc.take(files["sha256"], place) for place in places)
    return matches.filter(pc.fill_null(pc.not_equal(a, b), fill_value=True))


def name_published_original(items: Sequence[CopiedRecords], originals: Mapping[str, str]) -> str:
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


def licences_by_path(files: pa.Table) -> dict[str, str | None]:
    """Return the licence of every file, None where none is stated or its terms are not known."""
    paths, licences = files["path"].to_pylist(), files["licence"].to_pylist()
    return dict(zip(paths, map(_known_or_none, licences), strict=True))


def is_milder(mild: str | None, strict: str | None, *, original: str | None = None, other: str | None = None) -> bool:
    """Tell whether the first of two licences of one text grants or drops what the second withholds or asks.

    Args:
        mild: the licence of one file.
        strict: that of the other.
        original: id of the known data set whose original file the first is, if any.
        other: the same of the second.

    Returns:
        False where the first file is the ancestor itself, or both are the same known file of a third.
    """
    if mild is None or strict is None or not find_losses(mild, strict):
        return False
    if original is not None and other in {None, original}:
        return False

    def breadth(licence: str) -> tuple[int, str]:
        return sum(terms.find_right(licence, purpose).rank for purpose in PURPOSES), licence

    return not find_losses(strict, mild) or breadth(mild) > breadth(strict)


def describe_known_sets(indexes: Sequence[Mapping[str, Any]]) -> str:
    """Say which common ancestors were looked for: files that are one of these whole, under its terms, accuse nobody.

    Args:
        indexes: what was looked for.
    """
    known = sorted(index["title"] for index in indexes if index["kind"] == "known")
    return f" These known sets, and no others, were looked for as an ancestor: {', '.join(known)}." if known else ""


def _known_or_none(licence: str | None) -> str | None:
    """Return a licence whose terms are known; one of which nothing is known is as good as none."""
    return licence if licence is not None and terms.is_known(licence) else None


def _drop_explained(
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
        if licences is None or _keeps_terms(licences[pair["path_a"]], licences[pair["path_b"]])
    ]
    if not kept:
        return matches
    both = pc.binary_join_element_wise(*(found[name].cast(pa.string()) for name in ("path_a", "path_b")), "\0")
    found = found.filter(pc.is_in(both, value_set=pa.array(kept)))
    keys = ["view", "path_a", "row_a"]
    rows = found.select(keys).group_by(keys).aggregate([])
    left = matches.append_column("known", known)
    explained = left.filter(pc.invert(left["known"])).join(rows, keys, join_type="left anti")
    explained = explained.select(left.column_names).cast(left.schema)  # a join forgets that nothing is null
    return pa.concat_tables([explained, left.filter(left["known"])]).drop_columns(["known"])


def _keeps_terms(licence: str | None, original: str | None) -> bool:
    return licence is not None and original is not None and not find_losses(licence, original)


def _records_by_view(overlaps: pa.Table) -> dict[tuple[str, str], int]:
    """Return how many records of a file have a view."""
    of_files = overlaps.filter(pc.is_valid(overlaps["path_a"]))
    columns = (of_files[name].to_pylist() for name in ("view", "path_a", "records_a"))
    return {(view, path): count for view, path, count in zip(*columns, strict=True)}


def _best_by_key(
    pairs: Mapping[tuple[Any, ...], int], sizes: Mapping[tuple[str, str], int]
) -> dict[tuple[Any, ...], tuple[str, float]]:
    """Return for each key of `count_shared` the other file that holds most, and the highest share of any two files."""
    both = {(view, path_a, path_b): count for (view, _, path_a, _, _, path_b), count in pairs.items()}
    best: dict[tuple[Any, ...], tuple[int, str, float]] = {}
    for (*key, path_b), count in sorted(pairs.items(), key=lambda each: each[0][-1]):
        view, path_a = key[0], key[2]
        back = both.get((view, path_b, path_a), 0) / sizes[view, path_b]
        share = max(count / sizes[view, path_a], back)
        most, where, highest = best.get(tuple(key), (0, path_b, 0.0))
        most, where = max((most, where), (count, path_b), key=lambda each: each[0])
        best[tuple(key)] = (most, where, max(highest, share))
    return {key: (where, share) for key, (_, where, share) in best.items()}


def count_by_view(items: Sequence[SharedRecords]) -> dict[str, tuple[int, int]]:
    """Add up by view: matched records, and records of the files concerned.

    Args:
        items: of one pair of sources, one direction and one licence there, so that no record is in two of them.

    Returns:
        View -> (records that are evidence, of how many), the view with the larger share first; the prompts of files
        whose whole records say as much are left out.
    """
    return {
        view: (sum(i.records for i in group), sum(i.records_a for i in group)) for view, group in _group_by_view(items)
    }


def count_data_files(files: pa.Table) -> Counter[str]:
    """Count the data files with records of each source: a sentence about some of them says of how many.

    Args:
        files: FILES.
    """
    rows = files.select(["source", "role", "records"]).to_pylist()
    return Counter(row["source"] for row in rows if row["role"] == "data" and row["records"])


def phrase_files(count: int, total: int) -> str:
    """Say in how many files something stands, unless that is the only one of its source: "in 2 files", or nothing.

    Args:
        count: files in which it stands.
        total: data files of the source.
    """
    return f"in {count:,} file{'s' * (count > 1)}" if count > 1 or total > 1 else ""


def phrase_shared(items: Sequence[SharedRecords], data_files: int = 1) -> str:
    """Say how much is shared: "999 of 999 prompts and 63 of 999 records (48 word for word)"; "no records" if nothing.

    What stands there and is no evidence is counted too, and the sentence says how much is.

    Args:
        items: as for `count_by_view`.
        data_files: data files of the source; of one of several, it is said that the count is of one file.
    """
    parts, place = [], ""
    for view, group in _group_by_view(items):
        matched, records, exact, explained, total = (
            sum(getattr(item, name) for item in group)
            for name in ("matched", "records", "exact", "explained", "records_a")
        )
        place, before = phrase_files(len(group), data_files), place
        details = [place] if place and place != before else []
        if exact < matched:
            details.append(f"{f'{exact:,}' if exact else 'none'} word for word")
        if records + explained < matched:
            details.append(f"{records + explained:,} of them long and distinctive enough to count")
        if explained:
            details.append(f"{explained:,} also in a known original and left out")
        note = f" ({'; '.join(details)})" if details else ""
        parts.append(f"{matched:,} of {total:,} {_NOUNS[view]}{note}")
    return " and ".join(parts) or "no records"


def phrase_verb(items: Sequence[SharedRecords]) -> str:
    """Say how what `phrase_shared` counts stands elsewhere: "stand word for word" if all of it does, else "stand".

    Args:
        items: as for `count_by_view`.
    """
    return (
        "stand word for word" if all(item.exact == item.matched for item in _drop_repeated_prompts(items)) else "stand"
    )


def _group_by_view(items: Sequence[SharedRecords]) -> list[tuple[str, list[SharedRecords]]]:
    """Group items by view, the larger share first, without prompts that add nothing to their file's whole records."""
    views = [(view, [item for item in _drop_repeated_prompts(items) if item.view == view]) for view in _NOUNS]
    views = [(view, group) for view, group in views if group]
    return sorted(views, key=lambda each: -sum(i.records for i in each[1]) / sum(i.records_a for i in each[1]))


def _drop_repeated_prompts(items: Sequence[SharedRecords]) -> list[SharedRecords]:
    whole = {item.path_a: item.records for item in items if item.view == "whole"}
    return [item for item in items if item.view == "whole" or item.records > whole.get(item.path_a, 0)]
