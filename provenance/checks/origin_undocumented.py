"""A declared source says nothing of where it is from.

Why:          who cannot name an origin cannot show that it was lawful, nor ask its owner anything.
Source:       Interim Measures for Generative AI Services, Article 7(1); GB/T 45652 (draft of 2024-03-28), 6.1 a.
Reads:        SOURCES(source, kind, records), CLAIMS(source, field, value, witness), OBSERVATIONS(record-origin), FILES:
              documents that were not read.
Yields:       at most one finding per source that something declares; of field `kind` where a native manifest says
              where the source is from, but not of what kind it is.
Units:        share of records that do not say it themselves, [0, 1].
Silent when:  an address, owner, creator, publisher, upstream, kind, contract, collection record or generator is
              stated, whatever it is worth; every record names its own origin; a document describes the source in prose,
              or, where it has no native manifest, the folder around it: prose may say it and is not judged (COVERAGE);
              the source is undeclared (source-undeclared says so).
Flagged:      provenance.yaml: `{ id: news, licence: CC-BY-4.0 }`.
Clean:        the same with `url: https://example.org/news, kind: open-licence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.core.wording import choose_verb, count_noun
from provenance.sources import declared_facts, unheard_statements
from provenance.sources.scope_paths import folder_of, folders_above

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.sources.declared_facts import DeclaredFacts

LIMITS = "It does not prove an unlawful origin, only that none is documented here."

_SAYS = {
    "url",
    "homepage",
    "owner",
    "creator",
    "publisher",
    "contributor",
    "upstream",
    "upstream-sha256",
    "citation",
    "remote",
}
_RECORDS = {"contract", "collection", "consent", "generator"}
_PROSE = {"prose", "description"}
_OTHER_FACTS = {"name", "licence", "language", "revision"}
"""What else a manifest states that is no origin, and is quoted."""


def find(sources: pa.Table, claims: pa.Table, observations: pa.Table, files: pa.Table) -> Iterator[Finding]:
    """Yield sources of which the origin, or the kind, is not documented.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
        observations: OBSERVATIONS.
        files: FILES.
    """
    unread = unheard_statements.list_unread_documents(files)
    record_counts = {row["source"]: row["records"] for row in sources.to_pylist()}
    origins = declared_facts.count_origins(observations)
    folders = _folders(claims)
    for one in declared_facts.facts_by_source(sources, claims):
        if one.source.startswith("undeclared:"):
            continue
        own = origins.get(one.source, declared_facts.NO_ORIGINS).share("any")
        if not _documented(one) and not _described(one, folders) and own < 1:
            yield Finding(
                check="origin-undocumented",
                source=one.source,
                message=_describe_silence(one, unread.get(one.source, [])),
                limits=LIMITS,
                path=one.manifest,
                value=1 - own,
                unit="share of records",
                records=record_counts[one.source],
            )
        elif one.native and one.kind is None:
            yield Finding(
                check="origin-undocumented",
                source=one.source,
                message=f"{one.manifest} does not say of what kind it is (crawl, user, commercial, synthetic, ...); "
                "what a kind needs was not asked of it.",
                limits="It does not prove that anything is missing.",
                field="kind",
                path=one.manifest,
                value=1.0,
                unit="share of records",
                records=record_counts[one.source],
            )


def _describe_silence(one: DeclaredFacts, unread: list[str]) -> str:
    """Say what was looked for, what was seen instead, and what could not be read."""
    links = one.stated.get("link", [])
    if unread:
        given = f" {one.manifest} gives {unheard_statements.join_few(links)}, not as a fact." if links else ""
        return f"Where it is from is not known: {unheard_statements.join_few(unread)} could not be read.{given}"
    if links:
        counted = "an address" if len(links) == 1 else f"{len(links):,} addresses"
        return (
            f"{one.manifest} gives {counted} ({unheard_statements.join_few(links)}), and does not state as a fact that "
            "the data is from there; it names no owner, creator, upstream or kind."
        )
    stated = sorted(set(one.stated) & _OTHER_FACTS)
    seen = f"; it states its {' and '.join(stated)}" if stated else ""
    if one.manifest is None:
        return "No document that could be read states an address, owner, creator, upstream or kind of it."
    return (
        f"{one.manifest} states no address, owner, creator, upstream or kind, so that "
        f"where it is from is not documented{seen}."
    )


def unseen(sources: pa.Table, claims: pa.Table) -> str | None:
    """Say how many sources are described in prose alone.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
    """
    facts = declared_facts.facts_by_source(sources, claims)
    folders = _folders(claims)
    prose = sum(_described(one, folders) and not _documented(one) for one in facts)
    is_are = choose_verb(prose)
    return (
        f"{prose:,} of {count_noun(len(facts), 'source')} {is_are} described in prose, which is not judged"
        if prose
        else None
    )


def _documented(one: DeclaredFacts) -> bool:
    return bool(one.kind not in {None, "other"} or _SAYS & one.stated.keys() or _RECORDS & one.records.keys())


def _folders(claims: pa.Table) -> set[str]:
    """Return the folders that a document describes in prose; a description in a manifest is of its own data alone."""
    fields, scopes = (claims[name].to_pylist() for name in ("field", "scope"))
    return {scope for name, scope in zip(fields, scopes, strict=True) if name == "prose"}


def _described(one: DeclaredFacts, folders: set[str]) -> bool:
    """Tell whether prose speaks of a source or, where it has no native manifest, of the folder around its own."""
    if _PROSE & one.stated.keys():
        return True
    around = folders_above(folder_of(one.manifest)) if one.manifest and not one.native else ()
    return any(place in folders for place in around)


CHECK = CheckSpec("origin-undocumented", find, unseen=unseen)
