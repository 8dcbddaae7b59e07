"""Data that was crawled, or a list of links, comes without a record of its collection.

Why:          without the log nobody can show what was fetched when, by whom, and that the site allowed it.
Source:       TC260-003, 5.1 (self-collected corpus; its note counts lists of links as self-collected).
Reads:        SOURCES(source, kind, records), CLAIMS(source, field, pointer), OBSERVATIONS(record-origin: link).
Yields:       at most one finding per source of the kind crawl; of field `links`, per source of another kind, or of
              none, of which records are an address and no text.
Units:        share of records concerned, [0, 1]; of a crawl 1.
Silent when:  a collection record has a file or digest, whatever it says; the kind is not stated and there is text
              (COVERAGE); an address stands beside a caption, for that is text; the source is undeclared.
Flagged:      `{ id: forum, kind: crawl, collection: { method: crawl } }`.
Clean:        `{ id: forum, kind: crawl, collection: { file: logs/forum.csv, method: crawl, started: 2026-01-05 } }`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove that the collection was forbidden, or went unrecorded; the record may be kept elsewhere."
LINKS = "It does not prove that what the links lead to was fetched, or is used."


def find(sources: pa.Table, claims: pa.Table, observations: pa.Table) -> Iterator[Finding]:
    """Yield sources that were collected and give no record of it.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
        observations: OBSERVATIONS.
    """
    records = {row["source"]: row["records"] for row in sources.to_pylist()}
    origins = declared_facts.count_origins(observations)
    for one in declared_facts.facts_by_source(sources, claims):
        links = origins.get(one.source, declared_facts.NO_ORIGINS)
        if one.documented("collection") or one.source.startswith("undeclared:"):
            continue
        if one.kind == "crawl":
            fields = sorted(one.records.get("collection", [{}])[0])
            beside = f", though it states {' and '.join(fields).replace('_', ' ')}" if fields else ""
            yield Finding(
                check="collection-record-missing",
                source=one.source,
                message=f"It is declared a crawl, and no manifest gives the record of its collection{beside}: "
                "neither a file nor a digest.",
                limits=LIMITS,
                path=one.manifest,
                value=1.0,
                unit="share of records",
                records=records[one.source],
            )
        elif links.counts["link"]:
            yield Finding(
                check="collection-record-missing",
                source=one.source,
                message=f"{links.counts['link']:,} of its {links.total:,} records are an address without text; a list "
                "of links counts as collected by whoever follows them, and no record says how that was done.",
                limits=LINKS,
                field="links",
                path=links.paths["link"],
                row=links.rows["link"],
                value=links.share("link"),
                unit="share of records",
                records=links.counts["link"],
            )


CHECK = CheckSpec("collection-record-missing", find, unseen=declared_facts.describe_unasked)
