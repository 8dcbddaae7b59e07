"""What two sources share, in counts and in words: matches as evidence about licences.

Counts are of records, from verified matches alone. A match of fewer distinctive shingles than a profile's minimum is no
evidence: "Yes." stands everywhere, and so does what many sources have in common.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.model import PURPOSES
from provenance.core.tables.evidence_schemas import BETWEEN_VIEWS
from provenance.licences import terms
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence.match_kinds import BETWEEN, number_views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_NOUNS = {
    "whole": "records",
    "prompt": "prompts",
    "answer": "answers",
    BETWEEN_VIEWS: "records by a prompt or column",
}
_MOST_NAMED = 2  # pairs of views that a sentence names


@dataclass(frozen=True, slots=True)
class SharedRecords:
    """Records of one file that stand in files of another source under one licence: a row of SHARED.

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
        matched: how many there are in all, with those that hold a record of the other source whole.
        exact: how many of these stand there word for word.
        explained: how many would be evidence, but also stand in a known original under a licence that theirs keeps.
        texts: distinct texts that the two sources share in this view and under these licences, over all files.
        records_a: records of path_a that have the view.
        share: of either file, where it is higher, [0, 1].
        contained_ab: of `matched`, those that stand there inside longer ones alone.
        contained_ba: of `matched`, those that do no more than hold one of the other source.
        words: of `records` that stand in both, about.
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
    contained_ab: int = 0
    contained_ba: int = 0
    words: int = 0


@dataclass(frozen=True, slots=True)
class CopiedRecords:
    """What of one file stands in another source, whatever the licences: a row of COPIED.

    Args:
        source_a: source of the file.
        path_a: the file.
        source_b: the other source.
        records: its records that stand there, and are evidence.
        prompts: its records whose prompt stands there, and is evidence.
        matched: its records that stand there, or hold one of the other source whole, evidence or not.
        row: one record that shows it.
        texts: distinct texts among what is counted, of all files of the source.
        contained_ab: of `matched`, those that stand there inside longer ones alone.
        contained_ba: of `matched`, those that do no more than hold one of the other source.
        words: of `records` that stand in both, about.
        crossed: of `matched`, those that were found in another view or column alone.
    """

    source_a: str
    path_a: str
    source_b: str
    records: int
    prompts: int
    matched: int
    row: int
    texts: int
    contained_ab: int = 0
    contained_ba: int = 0
    words: int = 0
    crossed: int = 0


@dataclass(frozen=True, slots=True)
class ReansweredPrompts(CopiedRecords):
    """Prompts of one file that stand in another source, and whether their answers do: a row of REANSWERED.

    Args:
        records_a: its records.
        prompts_a: its records that have a prompt.
        prompts_matched: its records whose prompt stands there or holds one of the other source, evidence or not.
        prompts_ab: of these, those that stand there inside longer ones alone.
        prompts_ba: of these, those that do no more than hold one of the other source.
        reanswered: of `prompts`, those of which neither the whole record nor the answer stands there, or is contained
            in what does; `texts` and `words` are theirs.
    """

    records_a: int = 0
    prompts_a: int = 0
    prompts_matched: int = 0
    prompts_ab: int = 0
    prompts_ba: int = 0
    reanswered: int = 0


Row = TypeVar("Row", SharedRecords, CopiedRecords, ReansweredPrompts)


def phrase_loss(right: str) -> str:
    """Say what a licence withholds or asks for: "does not allow redistribution", "asks for attribution".

    Args:
        right: a purpose, or an obligation.
    """
    return f"does not allow {right}" if right in PURPOSES else f"asks for {right}"


def group_by_sources(table: pa.Table, kind: type[Row]) -> dict[tuple[str, str], list[Row]]:
    """Bring together what two sources share.

    Args:
        table: SHARED, COPIED or REANSWERED.
        kind: of its rows.

    Returns:
        Rows by both sources, sorted by view, path and licence.
    """
    pairs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    names = [field.name for field in fields(kind) if field.name in table.column_names]
    order = [name for name in ("view", "path_a", "licence_b") if name in names]
    for row in schemas.ordered(table, *order).select(names).to_pylist():
        pairs[row["source_a"], row["source_b"]].append(kind(**row))
    return pairs


def name_published_original(items: Sequence[CopiedRecords], originals: Mapping[str, str]) -> str:
    """Say which known data set's own file is among some files of one source; "" where none is.

    Args:
        items: of one source.
        originals: path -> id of the known data set whose original file it is.
    """
    known = [item for item in items if item.path_a in originals]
    if not known:
        return ""
    most = max(known, key=lambda item: (item.records + item.prompts, item.path_a))
    return f" {most.source_a} holds the file that the authors of {originals[most.path_a]} published."


def drop_derived(items: Sequence[SharedRecords], originals: Mapping[str, str]) -> list[SharedRecords]:
    """Leave out what another source has from a known original, or may, and files made of that original have too.

    A source that holds a known original has more made of it: the same questions with other answers, a cleaned version.
    Where the original itself accounts for half of what both share, another source that has more of it has copied it;
    not where the other one's is a known original too.

    Args:
        items: of one source, all that it shares with another.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        The others, in the same order.
    """
    published: Counter[str] = Counter()
    texts: Counter[str] = Counter()
    for item in items:
        known = originals.get(item.path_a)
        if known is not None and originals.get(item.path_b) in {None, known}:
            published[item.view] += item.records
        texts[item.view] = max(texts[item.view], item.texts)
    covered = {view for view, count in published.items() if count and 2 * count >= texts[view]}
    prompts = {item.path_a: item.records for item in items if item.view == "prompt" and item.view in covered}
    return [item for item in items if item.view not in covered and prompts.get(item.path_a, 0) < max(item.records, 1)]


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
        matched, records, exact, explained, total, inside, around = (
            sum(getattr(item, name) for item in group)
            for name in ("matched", "records", "exact", "explained", "records_a", "contained_ab", "contained_ba")
        )
        place, before = phrase_files(len(group), data_files), place
        details = [place] if place and place != before else []
        details += phrase_kinds(matched, inside, around, exact)
        if records + explained < matched:
            details.append(f"{records + explained:,} of them long and distinctive enough to count")
        if explained:
            details.append(f"{explained:,} also in a known original and left out")
        note = f" ({'; '.join(details)})" if details else ""
        parts.append(f"{matched:,} of {total:,} {_NOUNS[view]}{note}")
    return " and ".join(parts) or "no records"


def phrase_back(forth: Sequence[SharedRecords], back: Sequence[SharedRecords], data_files: int) -> str:
    """Say what is shared in the other direction; "" where whole records hold what was found, and are not counted.

    Args:
        forth: as for `count_by_view`.
        back: the same of the other direction.
        data_files: data files of the other source.
    """
    if not back and any(item.view == BETWEEN_VIEWS for item in forth):
        return ""
    return f"; in the other direction {phrase_shared(back, data_files)}"


def phrase_kinds(matched: int, inside: int, around: int, exact: int | None = None) -> Iterator[str]:
    """Yield how many records stand elsewhere in which way, unless all of them do so word for word or nearly.

    Args:
        matched: records.
        inside: of these, those that stand inside longer ones alone.
        around: of these, those that do no more than hold another one.
        exact: of these, those that stand there word for word; None = not known.
    """
    copies = matched - inside - around
    if exact is not None and copies and exact < matched:
        yield f"{f'{exact:,}' if exact else 'none'} word for word"
    if inside:
        yield f"{f'{inside:,}' if inside < matched else 'all'} inside longer ones"
    if 0 < around < matched:
        yield f"{around:,} of them hold one"


def phrase_relation(items: Sequence[SharedRecords], other: str) -> str:
    """Say how what `phrase_shared` counts stands elsewhere: "stand word for word in b", "stand in b", "hold one of b".

    Args:
        items: as for `count_by_view`.
        other: what the other source is called.
    """
    counted = _drop_repeated_prompts(items)
    if all(item.exact == item.matched for item in counted):
        return f"stand word for word in {other}"
    return phrase_place(sum(item.matched for item in counted), sum(item.contained_ba for item in counted), other)


def name_views(overlaps: pa.Table, source: str, other: str) -> str:
    """Say which prompts and columns of one source were found where in another; "" where none was found between views.

    Args:
        overlaps: OVERLAPS.
        source: id of the source that carries a finding.
        other: id of the other.
    """
    of_pair = pc.and_(pc.equal(overlaps["source_a"], source), pc.equal(overlaps["source_b"], other))
    rows = overlaps.filter(pc.and_(of_pair, pc.is_null(overlaps["path_a"])))
    rows = rows.filter(pa.array(number_views(rows) == BETWEEN)).to_pylist()
    named = sorted(rows, key=lambda row: (-_count_all(row), row["view"], row["view_b"]))[:_MOST_NAMED]
    return "".join(
        f" Of {source}, {_count_all(row):,} of {row['records_a']:,} {_name_view(row['view'])} "
        f"{_verb(row)} {_name_view(row['view_b'])} of {other}."
        for row in named
        if _count_all(row)
    )


def _count_all(row: Mapping[str, Any]) -> int:
    """Count the records of a that stand in b, or, where none does, those of b that stand in a."""
    return int(row["near"] + row["contained_ab"] or row["contained_ba"])


def _verb(row: Mapping[str, Any]) -> str:
    return "stand in" if row["near"] + row["contained_ab"] else "hold"


def _name_view(view: str) -> str:
    kind, _, name = view.partition(":")
    return f"texts of the column {name}" if name else {"whole": "whole records"}.get(kind, f"{kind}s")


def phrase_place(matched: int, around: int, other: str) -> str:
    """Say that records stand in another source, or hold one of it, or either.

    Args:
        matched: records.
        around: of these, those that do no more than hold another one.
        other: what the other source is called.
    """
    if not around:
        return f"stand in {other}"
    return f"hold one of {other}" if around == matched else f"stand in, or hold one of, {other}"


def _group_by_view(items: Sequence[SharedRecords]) -> list[tuple[str, list[SharedRecords]]]:
    """Group items by view, the larger share first, without prompts that add nothing to their file's whole records."""
    views = [(view, [item for item in _drop_repeated_prompts(items) if item.view == view]) for view in _NOUNS]
    views = [(view, group) for view, group in views if group]
    return sorted(views, key=lambda each: -sum(i.records for i in each[1]) / sum(i.records_a for i in each[1]))


def _drop_repeated_prompts(items: Sequence[SharedRecords]) -> list[SharedRecords]:
    whole = {item.path_a: item.records for item in items if item.view == "whole"}
    return [item for item in items if item.view == "whole" or item.records > whole.get(item.path_a, 0)]
