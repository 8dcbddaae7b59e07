"""Most records of one source stand in another, and no manifest or address of either says so.

Why:          who does not know that two sources are one pays, counts and licenses them twice, and cannot follow a
              withdrawal of either; a filing that names both as origins names one too many.
Source:       Longpre et al., arXiv 2310.16787; GB/T 45652 (draft of 2024-03-28), 6.1 a; Interim Measures, Article
              7(1).
Reads:        COPIED, one row per file and other source, counted of MATCHES by a profile's minimum of distinctive
              shingles; FILES(path, licence), SOURCES(source, name, acquired, parent, records_text), CLAIMS(source,
              field, value); which files are known originals; how much text each file, folder and source holds;
              UNCOUNTED, matches that are no evidence.
Yields:       at most one finding per pair of sources; of field `prose` where a document describes it in prose, which
              may say so. It is carried by the one that was acquired later, else of which more stands in the other;
              never by the one that holds most of it in the file that its authors published. Where no match is long and
              distinctive enough, one of no records, which COVERAGE counts and no profile lists.
Units:        share of records, or of text where that is higher, in the file, folder or source of either side where it
              is highest and large enough for the profile, [0, 1].
Silent when:  one names the other, or a namesake of it, as its upstream, or gives its address; what they share also
              stands in a known original of a third source; one holds a known original and the other keeps its
              licence; the files that hold it are byte for byte the same (identical-files); records are short, or
              common to many sources.
Flagged:      95 of 100 records of one folder stand in another folder, and provenance.yaml names neither for the
              other.
Clean:        the same with `upstream: [other-folder]`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.core.wording import count_noun
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import evidence_shares, shared_text
from provenance.similarity.evidence.shared_text import CopiedRecords
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.similarity.evidence.evidence_shares import TextSizes

LIMITS = (
    "Records that are short, common, or also in a known original do not count. It does not prove who has the records "
    "from whom: a common ancestor is not excluded, and words that say so may stand where nobody looked."
)


def find(
    copied: pa.Table,
    files: pa.Table,
    sources: pa.Table,
    claims: pa.Table,
    originals: Mapping[str, str],
    sizes: TextSizes,
    uncounted: pa.Table,
    overlaps: pa.Table,
) -> Iterator[Finding]:
    """Yield pairs of sources of which one holds much of the other, and neither names the other.

    Args:
        copied: COPIED.
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
        originals: path -> id of the known data set whose original file it is.
        sizes: of the text there is.
        uncounted: UNCOUNTED.
        overlaps: OVERLAPS.
    """
    licences, file_counts = shared_text.licences_by_path(files), shared_text.count_data_files(files)
    lineage = declared_facts.Lineage(sources, claims)
    counts: dict[str, int] = dict(zip(*(sources[name].to_pylist() for name in ("source", "records_text")), strict=True))
    there = shared_text.group_by_sources(copied, CopiedRecords)
    for pair in sorted({(min(pair), max(pair)) for pair in there}):
        if lineage.names(*pair) or lineage.names(*pair[::-1]):
            continue
        shares = {side: _count(there.get(side, [])) / max(counts[side[0]], 1) for side in (pair, pair[::-1])}
        published = {side: [item for item in there.get(side, []) if item.path_a in originals] for side in shares}
        if not any(shares.values()) or any(_kept(published[side], there[side[::-1]], licences) for side in shares):
            continue
        source, other = min(
            (side for side in shares if there.get(side)),
            key=lambda side: (2 * _count(published[side]) > _count(there.get(side, [])), lineage.rank(*side),
                              -shares[side], side),
        )  # fmt: skip
        items = there[source, other]
        worst = max(items, key=lambda item: (item.records * _share(item, sizes), item.records, item.path_a))
        original = shared_text.name_published_original(published[other, source], originals)
        parts = evidence_shares.select_parts(
            part for side in shares for part in evidence_shares.measure_copied(there.get(side, []), sizes)
        )
        yield Finding(
            check="lineage-undeclared",
            source=source,
            other=other,
            field="prose" if lineage.prose(source, other) else None,
            message=f"{_phrase(items, counts[source])} of {lineage.called(source)} "
            f"{_place(items, lineage.called(other))}"
            f"{_back(items, there.get((other, source), []), counts[other])}. "
            f"{_in_one_file(worst, file_counts[source], sizes)}{lineage.sentence(source, other)}"
            f"{_views(items, overlaps)}{original}",
            limits=LIMITS,
            path=worst.path_a,
            row=worst.row,
            value=parts[0].value,
            unit=parts[0].unit,
            records=max(_count(there.get(side, [])) for side in shares),
            texts=max(item.texts for item in items),
            text=sizes.add_bytes((item.path_a, item.words) for item in items),
            parts=parts,
        )
    listed = {side for pair in there for side in (pair, pair[::-1])}
    for row, part in evidence_shares.measure_uncounted(uncounted, sizes):
        pair = row["source_a"], row["source_b"]
        if (
            row["view"] == "whole"
            and pair not in listed
            and not lineage.names(*pair)
            and not lineage.names(*pair[::-1])
        ):
            listed |= {pair, pair[::-1]}
            yield evidence_shares.make_uncounted("lineage-undeclared", row, part)


def unseen(files: pa.Table, sources: pa.Table, claims: pa.Table) -> str | None:
    """Say how many sources share whole files with another, and neither names the other: that is not judged here.

    Args:
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
    """
    repeated = files.filter(pc.and_(pc.equal(files["role"], "data"), pc.greater(files["bytes"], 0)))
    owners = repeated.group_by(["sha256", "source"]).aggregate([]).drop_null()
    holders: dict[str, list[str]] = defaultdict(list)
    for digest, source in zip(owners["sha256"].to_pylist(), owners["source"].to_pylist(), strict=True):
        holders[digest].append(source)
    lineage = declared_facts.Lineage(sources, claims)
    pairs = {(min(group), other) for group in holders.values() for other in group if other != min(group)}
    count = sum(not lineage.names(*pair) and not lineage.names(*pair[::-1]) for pair in pairs)
    pairs_of = count_noun(count, "pair")
    return (
        f"files that are byte for byte the same stand in {pairs_of} of sources that do not name each other: see "
        "identical-files"
        if count
        else None
    )


def _count(items: Sequence[CopiedRecords]) -> int:
    return sum(item.records for item in items)


def _kept(
    published: Sequence[CopiedRecords], copies: Sequence[CopiedRecords], licences: Mapping[str, str | None]
) -> bool:
    """Tell whether what is shared is a known original of which every copy keeps the licence: that is lineage enough."""
    return bool(published) and all(
        licences[copy.path_a] is not None and licences[original.path_a] is not None
        and not find_losses(licences[copy.path_a], licences[original.path_a])
        for copy in copies
        for original in published
    )  # fmt: skip


def _phrase(items: Sequence[CopiedRecords], of: int) -> str:
    """Say how many records stand there, in which way, and how many of them are evidence."""
    matched, inside, around = (
        sum(getattr(item, name) for item in items) for name in ("matched", "contained_ab", "contained_ba")
    )
    details = list(shared_text.phrase_kinds(matched, inside, around))
    crossed = sum(item.crossed for item in items)
    details += [f"{crossed:,} by a prompt or column"] if crossed else []
    details += [f"of which {_count(items):,} count"] if _count(items) < matched else []
    note = f" ({'; '.join(details)})" if details else ""
    return f"{matched:,} of {of:,} records{note}"


def _share(item: CopiedRecords, sizes: TextSizes) -> float:
    return item.records / max(sizes.of_file(item.path_a).records, 1)


def _in_one_file(item: CopiedRecords, file_count: int, sizes: TextSizes) -> str:
    """Say how much of one file stands there, where its source has more of them."""
    if file_count < 2:
        return ""
    return f"In {item.path_a} alone they are {item.matched:,} of {sizes.of_file(item.path_a).records:,}. "


def _back(items: Sequence[CopiedRecords], back: Sequence[CopiedRecords], of: int) -> str:
    """Say what stands there in the other direction; "" where whole records hold what was found, and are not counted."""
    if not back and any(item.crossed for item in items):
        return ""
    return f"; in the other direction {_phrase(back, of)}"


def _views(items: Sequence[CopiedRecords], overlaps: pa.Table) -> str:
    crossed = any(item.crossed for item in items)
    return shared_text.name_views(overlaps, items[0].source_a, items[0].source_b) if crossed else ""


def _place(items: Sequence[CopiedRecords], other: str) -> str:
    matched, around = sum(item.matched for item in items), sum(item.contained_ba for item in items)
    return shared_text.phrase_place(matched, around, other)


CHECK = CheckSpec("lineage-undeclared", find, unseen=unseen)
