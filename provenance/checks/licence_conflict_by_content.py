"""The same text stands in two sources under licences of which one grants what the other withholds.

Why:          copies change licence as they travel; who relies on the milder trains on what the stricter forbids.
Source:       the clause of the stricter licence, quoted in the finding; Interim Measures, Article 7(2).
Reads:        SHARED, one row per view, file, and other source under one licence, counted of MATCHES by a profile's
              minimum of distinctive shingles; FILES(source, role, records), SOURCES(source, name, acquired, parent),
              CLAIMS(source, field, value); which files are known originals; which known sets were looked for; how much
              text each file, folder and source holds.
              UNCOUNTED, the same of matches that are no evidence.
Yields:       at most one finding per pair of sources, on the one whose licence is milder; where no match is long and
              distinctive enough, one of no records, which COVERAGE counts and no profile lists.
Units:        share of records, or of text where that is higher, in the file, folder or source of either side where it
              is highest and large enough for the profile, [0, 1].
Silent when:  a licence is unknown (twin-unlicensed); the milder side says that the text is in the public domain, and
              the other asks for no more than attribution; records are short, or common to many sources; it also stands
              in a known original under a licence that its own keeps; the text was translated, or changed beyond
              Jaccard 0.8 and not whole inside the other; the milder file is a known original and the other is not, or
              stands beside one that accounts for what both share; both are the same known file of a third; the
              stricter source names the milder one as its upstream, or gives its address.
Flagged:      a set under MIT whose records are those of a CC BY-NC 4.0 set.
Clean:        the copy states CC BY-NC 4.0 too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.evidence_schemas import BETWEEN_VIEWS
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import evidence_shares, shared_text
from provenance.similarity.evidence.shared_text import SharedRecords
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.similarity.evidence.evidence_shares import TextSizes

LIMITS = (
    "The words are the same, or nearly so; that does not prove who copied from whom. Short records, "
    "boilerplate and what a known original in the data explains do not count. Common ancestor not excluded, and the "
    "milder licence may be the right one."
)


def find(
    shared: pa.Table,
    files: pa.Table,
    sources: pa.Table,
    claims: pa.Table,
    originals: Mapping[str, str],
    indexes: Sequence[Mapping[str, Any]],
    sizes: TextSizes,
    uncounted: pa.Table,
    overlaps: pa.Table,
) -> Iterator[Finding]:
    """Yield pairs of sources that share text under conflicting licences.

    Args:
        shared: SHARED.
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
        originals: path -> id of the known data set whose original file it is.
        indexes: what was looked for.
        sizes: of the text there is.
        uncounted: UNCOUNTED.
        overlaps: OVERLAPS.
    """
    listed: set[tuple[str, str]] = set()
    about = {row["source"]: row for row in sources.select(["source", "acquired"]).to_pylist()}
    lineage, file_counts = declared_facts.Lineage(sources, claims), shared_text.count_data_files(files)
    pairs = shared_text.group_by_sources(shared, SharedRecords)
    for (source, other), items in sorted(pairs.items()):
        milder = [item for item in shared_text.drop_derived(items, originals) if _conflict(item, originals)]
        if not milder or lineage.is_upstream(source, other):
            continue
        worst = max(milder, key=lambda item: (item.share, item.records, item.path_a))
        stated = (worst.licence_a, worst.licence_b)
        forth = [item for item in milder if (item.licence_a, item.licence_b) == stated]
        back = [item for item in pairs.get((other, source), ()) if (item.licence_b, item.licence_a) == stated]
        more = len({(item.licence_a, item.licence_b) for item in milder}) - 1
        loss = find_losses(worst.licence_a, worst.licence_b)[0]
        listed |= {(source, other), (other, source)}
        against = [item for item in pairs.get((other, source), ()) if _is_against(item, originals)]
        parts = evidence_shares.measure_shared([*milder, *against], sizes)
        yield Finding(
            check="licence-conflict-by-content",
            source=source,
            other=other,
            message=f"{shared_text.phrase_shared(forth, file_counts[source])} of {source} "
            f"({worst.licence_a}{_dated(about[source])}) "
            f"{shared_text.phrase_relation(forth, other)} ({worst.licence_b}{_dated(about[other])}), whose licence "
            f"{shared_text.phrase_loss(loss.right)}{shared_text.phrase_back(forth, back, file_counts[other])}. "
            f"{lineage.sentence(source, other)}{shared_text.name_views(overlaps, source, other)}{_others(more)}",
            limits=LIMITS + shared_text.describe_known_sets(indexes),
            path=worst.path_a,
            row=worst.row,
            value=parts[0].value,
            unit=parts[0].unit,
            texts=max(item.texts for item in milder),
            records=max(matched for matched, _ in shared_text.count_by_view(forth).values()),
            text=evidence_shares.count_bytes(forth, sizes),
            parts=parts,
            clause=f"{loss.licence or worst.licence_b}: {loss.clause}",
        )
    for (other, source), items in sorted(pairs.items()):
        # what of the stricter was found in whole records of the milder has no row of the milder's own
        crossing = [item for item in items if item.view == BETWEEN_VIEWS and _is_against(item, originals)]
        if not crossing or (source, other) in listed or lineage.is_upstream(source, other):
            continue
        listed |= {(source, other), (other, source)}
        worst = max(crossing, key=lambda item: (item.share, item.records, item.path_a))
        stated = (worst.licence_a, worst.licence_b)
        forth = [item for item in crossing if (item.licence_a, item.licence_b) == stated]
        loss, parts = find_losses(worst.licence_b, worst.licence_a)[0], evidence_shares.measure_shared(crossing, sizes)
        yield Finding(
            check="licence-conflict-by-content",
            source=source,
            other=other,
            message=f"{shared_text.phrase_shared(forth, file_counts[other])} of {other} "
            f"({worst.licence_a}{_dated(about[other])}) {shared_text.phrase_relation(forth, source)} "
            f"({worst.licence_b}{_dated(about[source])}); the licence of {other} "
            f"{shared_text.phrase_loss(loss.right)}. "
            f"{lineage.sentence(source, other)}{shared_text.name_views(overlaps, other, source)}",
            limits=LIMITS + shared_text.describe_known_sets(indexes),
            path=worst.path_b,
            value=parts[0].value,
            unit=parts[0].unit,
            texts=max(item.texts for item in crossing),
            records=sum(item.records for item in forth),
            text=evidence_shares.count_bytes(forth, sizes),
            parts=parts,
            clause=f"{loss.licence or worst.licence_a}: {loss.clause}",
        )
    for row, part in evidence_shares.measure_uncounted(uncounted, sizes):
        pair = row["source_a"], row["source_b"]
        if (
            pair in listed
            or lineage.is_upstream(*pair)
            or not shared_text.is_milder(row["licence_a"], row["licence_b"])
        ):
            continue
        listed.add(pair)
        yield evidence_shares.make_uncounted("licence-conflict-by-content", row, part)


def _conflict(item: SharedRecords, originals: Mapping[str, str]) -> bool:
    """Tell whether the first side is the milder one, and not the known original of what the other holds."""
    original, other = originals.get(item.path_a), originals.get(item.path_b)
    return shared_text.is_milder(item.licence_a, item.licence_b, original=original, other=other)


def _is_against(item: SharedRecords, originals: Mapping[str, str]) -> bool:
    """Tell whether the second side is the milder one, and not the known original of what the first holds."""
    original, other = originals.get(item.path_b), originals.get(item.path_a)
    return shared_text.is_milder(item.licence_b, item.licence_a, original=original, other=other)


def _dated(about: Mapping[str, Any]) -> str:
    return f", acquired {about['acquired']}" if about["acquired"] else ""


def _others(more: int) -> str:
    return f" {more} other pair{'s' * (more > 1)} of their licences conflict{'s' * (more == 1)} too." if more else ""


CHECK = CheckSpec("licence-conflict-by-content", find, survives_removal=True)
