"""The prompts of one source stand in another, while most of their answers do not.

Why:          questions of a set under a strict licence, answered anew, are the commonest way in which it travels
              without its name; who compares whole records alone sees nothing.
Source:       Longpre et al., arXiv 2310.16787; Interim Measures for Generative AI Services, Article 7(1).
Reads:        REANSWERED, one row per file and other source, counted of MATCHES by a profile's minimum of distinctive
              shingles; FILES(path, source, role, records, licence), SOURCES(source, name, acquired, parent),
              CLAIMS(source, field, value); which files are known originals; how much text each file, folder and
              source holds.
Yields:       at most one finding per pair of sources; of field `named` where one names the other, `prose` where a
              document describes it in prose, which may name it. It is carried by the one that names the other, else
              that was acquired later, else of which more stands in the other; never by the file that its authors
              published, nor by one that the other names as its upstream.
Units:        share of the prompts, or of the text, of a file, folder or source that stand there under another answer,
              where it is highest and large enough for the profile, [0, 1].
Silent when:  at least half of the shared prompts of a file have the same answer, or nearly
              (licence-conflict-by-content and lineage-undeclared look at whole records); a prompt is short, or common
              to many sources; it also stands in a known original of a third source; it was translated.
Flagged:      999 questions of one set stand in another, and 936 of them have another answer there.
Clean:        the second names the first as its upstream, and keeps its licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.similarity.evidence import shared_text
from provenance.similarity.evidence.evidence_shares import SharedPart
from provenance.similarity.evidence.shared_text import ReansweredPrompts
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.similarity.evidence.evidence_shares import TextSizes

LIMITS = (
    "Prompts that are short, common, or also in a known original do not count. It does not prove who has the prompts "
    "from whom: both may have them from a common ancestor. Whether an answer was written anew or edited is not known."
)


def find(
    reanswered: pa.Table,
    files: pa.Table,
    sources: pa.Table,
    claims: pa.Table,
    originals: Mapping[str, str],
    sizes: TextSizes,
) -> Iterator[Finding]:
    """Yield pairs of sources that share prompts and not their answers.

    Args:
        reanswered: REANSWERED.
        files: FILES.
        sources: SOURCES.
        claims: CLAIMS.
        originals: path -> id of the known data set whose original file it is.
        sizes: of the text there is.
    """
    licences = shared_text.licences_by_path(files)
    lineage = declared_facts.Lineage(sources, claims)
    file_counts = shared_text.count_data_files(files)
    there = shared_text.group_by_sources(reanswered, ReansweredPrompts)
    renewed = {
        pair: [item for item in items if _renewed(item, originals)]
        for pair, items in there.items()
        if not lineage.is_upstream(*pair) and not _is_published(items, there.get(pair[::-1], []), originals)
    }
    for pair in sorted({(min(pair), max(pair)) for pair, items in renewed.items() if items}):
        sides = [side for side in (pair, pair[::-1]) if renewed.get(side)]
        source, other = min(
            sides,
            key=lambda side: (lineage.rank(*side), -max(map(_share, renewed[side])), -_count(renewed[side]), side),
        )
        items, back = renewed[source, other], there.get((other, source), [])
        worst = max(items, key=lambda item: (_share(item), item.reanswered, item.path_a))
        parts = sizes.measure(
            [SharedPart(item.path_a, item.reanswered, item.texts, item.words, item.prompts_a) for item in items],
            unit="share of prompts",
        )
        naming = lineage.names(source, other) or lineage.names(other, source)
        yield Finding(
            check="prompt-copied",
            source=source,
            other=other,
            field="named" if naming else "prose" if lineage.prose(source, other) else None,
            message=f"{_count_phrase(items, file_counts[source])} of {lineage.called(source)}{_under(items, licences)} "
            f"{_place(items, lineage.called(other))}{_under(back, licences)}, but {_whole(items)} "
            f"{lineage.sentence(source, other)}{shared_text.name_published_original(back, originals)}",
            limits=LIMITS,
            path=worst.path_a,
            row=worst.row,
            value=parts[0].value,
            unit=parts[0].unit,
            records=_count(items),
            texts=max(item.texts for item in items),
            text=sizes.add_bytes((item.path_a, item.words) for item in items),
            parts=parts,
        )


def _renewed(item: ReansweredPrompts, originals: Mapping[str, str]) -> bool:
    """Tell whether most of a file's shared prompts have another answer there; an original cannot have copied."""
    return item.path_a not in originals and item.reanswered > item.prompts - item.reanswered


def _is_published(
    items: Sequence[ReansweredPrompts], back: Sequence[ReansweredPrompts], originals: Mapping[str, str]
) -> bool:
    """Tell whether a source holds the known original of half of the shared prompts, and the other one holds none."""
    if any(item.path_a in originals for item in back):
        return False
    published = sum(item.prompts for item in items if item.path_a in originals)
    return published > 0 and 2 * published >= max(item.texts for item in items)


def _share(item: ReansweredPrompts) -> float:
    return item.reanswered / item.prompts_a if item.prompts_a else 0.0


def _count(items: Sequence[ReansweredPrompts]) -> int:
    return sum(item.reanswered for item in items)


def _count_phrase(items: Sequence[ReansweredPrompts], files: int) -> str:
    matched, of, inside, around = (
        sum(getattr(item, name) for item in items)
        for name in ("prompts_matched", "prompts_a", "prompts_ab", "prompts_ba")
    )
    where = shared_text.phrase_files(len({item.path_a for item in items}), files)
    details = [*([where] if where else []), *shared_text.phrase_kinds(matched, inside, around)]
    note = f" ({'; '.join(details)})" if details else ""
    return f"{matched:,} of {of:,} prompts{note}"


def _place(items: Sequence[ReansweredPrompts], other: str) -> str:
    matched, around = sum(item.prompts_matched for item in items), sum(item.prompts_ba for item in items)
    return shared_text.phrase_place(matched, around, other)


def _whole(items: Sequence[ReansweredPrompts]) -> str:
    """Say how many whole records stand there, and how many of the prompts are evidence."""
    matched, of, prompts, every = (
        sum(getattr(item, name) for item in items) for name in ("matched", "records_a", "prompts", "prompts_matched")
    )
    kept = f"only {matched:,} of their {of:,} whole records do" if matched else "none of their whole records does"
    enough = f" of the {prompts:,} that count" if prompts < every else ""
    return f"{kept}: the answers to {_count(items):,}{enough} differ, or were edited."


def _under(items: Sequence[ReansweredPrompts], licences: Mapping[str, str | None]) -> str:
    known = sorted({str(licences[item.path_a]) for item in items if licences.get(item.path_a)})
    return f" under {', '.join(known)}" if known else ""


CHECK = CheckSpec("prompt-copied", find)
