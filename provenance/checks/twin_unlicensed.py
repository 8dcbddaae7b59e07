"""Text that a source licenses also stands in a source that states no licence.

Why:          an unlicensed copy of text whose licence withholds a use withholds it too, and nobody sees it; and whoever
              licensed text freely may not have been the one who could, if it also stands where no licence is.
Source:       Interim Measures for Generative AI Services, Article 7(2); arXiv 2503.02784 (21 % survive tracing).
Reads:        SHARED, one row per view, file, and other source under one licence, counted of MATCHES by a profile's
              minimum of distinctive shingles; FILES(source, role, records), SOURCES(source, name, acquired, parent),
              CLAIMS(source, field, value); which files are known originals; how much text each file, folder and source
              holds; UNCOUNTED, as SHARED, of matches that are no evidence.
Yields:       at most two findings per pair of sources: of field `restricted`, on the one that states no licence, where
              the other's withholds a purpose or asks for more than attribution; else on the one that states a licence.
              Of restricted text of which no match is long and distinctive enough, one of no records, which COVERAGE
              counts and no profile lists.
Units:        share of records, or of text where that is higher, in the file, folder or source of either side where it
              is highest and large enough for the profile, [0, 1].
Silent when:  both or neither state a known licence; the text also stands in a known original under terms that the
              licence keeps; the source that would carry it is a known original, or the other names it as its upstream
              or gives its address.
Flagged:      a folder without any licence whose records also stand in a set under CC BY-NC 4.0.
Clean:        the folder states where it took them from, and that licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.evidence_schemas import BETWEEN_VIEWS
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import evidence_shares, shared_text
from provenance.similarity.evidence.shared_text import SharedRecords
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.licences.compatibility import Loss
    from provenance.similarity.evidence.evidence_shares import TextSizes

LIMITS = "It does not prove that the licence is wrong: the twin may be the copy, or both may have a common ancestor."
_LIMITS_OF_COPY = (
    "It does not prove who has the text from whom: common ancestor not excluded, and the licence may be wrong. Short "
    "records, boilerplate and what a known original in the data explains do not count."
)
_FREE = "CC0-1.0"  # what no licence says is asked of nobody, as if all were granted


def find(
    shared: pa.Table,
    files: pa.Table,
    sources: pa.Table,
    claims: pa.Table,
    originals: Mapping[str, str],
    sizes: TextSizes,
    uncounted: pa.Table,
    overlaps: pa.Table,
) -> Iterator[Finding]:
    """Yield sources of which one licenses text, and the other holds it without a licence.

    Args:
        shared: SHARED.
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
        originals: path -> id of the known data set whose original file it is.
        sizes: of the text there is.
        uncounted: UNCOUNTED.
        overlaps: OVERLAPS.
    """
    listed: set[tuple[str, str]] = set()
    lineage, file_counts = declared_facts.Lineage(sources, claims), shared_text.count_data_files(files)
    pairs = shared_text.group_by_sources(shared, SharedRecords)
    for (source, other), every in sorted(pairs.items()):
        items = [item for item in every if item.licence_a and item.licence_b is None]
        strict = [item for item in items if _find_losses(item.licence_a)]
        back = [item for item in pairs.get((other, source), ()) if item.licence_a is None]
        copies = [
            item
            for item in shared_text.drop_derived(back, originals)
            if item.path_a not in originals and item.licence_b in {each.licence_a for each in strict}
        ]
        # what was found in whole records of the copy has no row of the copy's own
        crossing = [item for item in strict if item.view == BETWEEN_VIEWS and item.path_b not in originals]
        if crossing and not back and not lineage.is_upstream(other, source):
            named = lineage.sentence(other, source) + shared_text.name_views(overlaps, source, other)
            yield _found_inside(crossing, named, file_counts, sizes)
            listed.add((other, source))
        if strict and copies and not lineage.is_upstream(other, source):
            named = lineage.sentence(other, source) + shared_text.name_views(overlaps, other, source)
            yield _restricted(copies, strict, named, file_counts, sizes)
            listed.add((other, source))
        free = [item for item in items if item not in strict and item.path_a not in originals]
        if free and not lineage.is_upstream(source, other):
            granted = {item.licence_a for item in free}
            yield _freely_licensed(
                free, [item for item in back if item.licence_b in granted], file_counts[source], sizes
            )

    for row, part in evidence_shares.measure_uncounted(uncounted, sizes):
        pair = row["source_a"], row["source_b"]
        restricted = row["licence_a"] is None and _find_losses(row["licence_b"])
        if restricted and pair not in listed and not lineage.is_upstream(*pair):
            listed.add(pair)
            yield evidence_shares.make_uncounted("twin-unlicensed", row, part, "restricted")


def _find_losses(licence: str | None) -> list[Loss]:
    """List what a licence withholds, or asks for beyond attribution, and a copy without a licence does not say."""
    return [loss for loss in find_losses(_FREE, licence) if loss.right != "attribution"]


def _restricted(
    copies: Sequence[SharedRecords],
    strict: Sequence[SharedRecords],
    named: str,
    file_counts: Mapping[str, int],
    sizes: TextSizes,
) -> Finding:
    """Say that the copy states no licence while its text stands under one that restricts it."""
    worst = max(copies, key=lambda item: (item.records / max(item.records_a, 1), item.records, item.path_a))
    source, other, loss = worst.source_a, worst.source_b, _find_losses(worst.licence_b)[0]
    forth = [item for item in copies if item.licence_b == worst.licence_b]
    back = [item for item in strict if item.licence_a == worst.licence_b]
    parts = evidence_shares.measure_shared([*copies, *strict], sizes)
    return Finding(
        check="twin-unlicensed",
        source=source,
        other=other,
        field="restricted",
        message=f"{shared_text.phrase_shared(forth, file_counts[source])} of {source}, for which no known licence is "
        f"stated, {shared_text.phrase_relation(forth, other)} ({worst.licence_b}), whose licence "
        f"{shared_text.phrase_loss(loss.right)}"
        f"{shared_text.phrase_back(forth, back, file_counts[other])}. {named}",
        limits=_LIMITS_OF_COPY,
        path=worst.path_a,
        row=worst.row,
        value=parts[0].value,
        unit=parts[0].unit,
        texts=max(item.texts for item in copies),
        records=max(matched for matched, _ in shared_text.count_by_view(forth).values()),
        text=evidence_shares.count_bytes(forth, sizes),
        parts=parts,
        clause=f"{loss.licence or worst.licence_b}: {loss.clause}",
    )


def _found_inside(
    crossing: Sequence[SharedRecords], named: str, file_counts: Mapping[str, int], sizes: TextSizes
) -> Finding:
    """Say that whole records without a licence hold prompts or columns that are under one that restricts them."""
    worst = max(crossing, key=lambda item: (item.share, item.records, item.path_a))
    source, other, loss = worst.source_b, worst.source_a, _find_losses(worst.licence_a)[0]
    forth = [item for item in crossing if item.licence_a == worst.licence_a]
    parts = evidence_shares.measure_shared(crossing, sizes)
    return Finding(
        check="twin-unlicensed",
        source=source,
        other=other,
        field="restricted",
        message=f"{shared_text.phrase_shared(forth, file_counts[other])} of {other} ({worst.licence_a}), whose licence "
        f"{shared_text.phrase_loss(loss.right)}, "
        f"{shared_text.phrase_relation(forth, source)}, for which no known licence is stated. {named}",
        limits=_LIMITS_OF_COPY,
        path=worst.path_b,
        value=parts[0].value,
        unit=parts[0].unit,
        texts=max(item.texts for item in crossing),
        records=sum(item.records for item in forth),
        text=evidence_shares.count_bytes(forth, sizes),
        parts=parts,
        clause=f"{loss.licence or worst.licence_a}: {loss.clause}",
    )


def _freely_licensed(
    items: Sequence[SharedRecords], back: Sequence[SharedRecords], file_count: int, sizes: TextSizes
) -> Finding:
    """Say of a licensed source that its text also stands where no licence is."""
    worst = max(items, key=lambda item: (item.share, item.records, item.path_a))
    source, other = worst.source_a, worst.source_b
    licences = ", ".join(sorted({str(item.licence_a) for item in items}))
    parts = evidence_shares.measure_shared([*items, *back], sizes)
    return Finding(
        check="twin-unlicensed",
        source=source,
        other=other,
        message=f"{shared_text.phrase_shared(items, file_count)} of {source} ({licences}) "
        f"{shared_text.phrase_relation(items, other)}, for which no known licence is stated.",
        limits=LIMITS,
        path=worst.path_a,
        row=worst.row,
        value=parts[0].value,
        unit=parts[0].unit,
        texts=max(item.texts for item in items),
        records=max(matched for matched, _ in shared_text.count_by_view(items).values()),
        text=evidence_shares.count_bytes(items, sizes),
        parts=parts,
    )


CHECK = CheckSpec("twin-unlicensed", find, survives_removal=True)
