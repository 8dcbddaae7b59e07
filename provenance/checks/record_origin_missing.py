"""Records of the web do not say from which page, or from which source, they are.

Why:          a record without its address cannot be shown to its owner, held to a site's wishes, or withdrawn.
Source:       GB/T 45652 (draft of 2024-03-28), 6.1 c and 6.2 a: every sample carries the address or name of its source.
Reads:        SOURCES(source, kind), OBSERVATIONS(record-origin).
Yields:       at most one finding per source of the kind crawl; of field `partly`, per source of another kind, or of
              none, in which a file gives addresses for some of its records.
Units:        share of records, [0, 1]: of the crawl, or of the files that give some addresses.
Silent when:  every record has an address or names its source; no kind is stated and no record has an address; a
              value is there and wrong. Unreadable records are not asked (file-unreadable says so).
Flagged:      a crawl of `{"text": "..."}`; a file of two records of which one has a `url`.
Clean:        `{"text": "...", "url": "https://example.org/page"}` throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove that the origin is unknown: it may be kept beside the records, under the same number."


def find(sources: pa.Table, observations: pa.Table) -> Iterator[Finding]:
    """Yield sources of which records give no origin of their own.

    Args:
        sources: SOURCES.
        observations: OBSERVATIONS.
    """
    kinds = {row["source"]: row["kind"] for row in sources.to_pylist()}
    whole, partly = (
        declared_facts.count_origins(observations),
        declared_facts.count_origins(observations, addressed=True),
    )
    for source, kind in sorted(kinds.items()):
        crawl = kind == "crawl"
        seen = (whole if crawl else partly).get(source)
        if seen is None or not seen.counts["missing"]:
            continue
        where = "records of this crawl give" if crawl else "records, in files where others give an address, give"
        count = seen.counts["missing"]
        yield Finding(
            check="record-origin-missing",
            source=source,
            message=f"{count:,} of {seen.total:,} {where} neither an address nor the name of a source.",
            limits=LIMITS,
            field=None if crawl else "partly",
            path=seen.paths["missing"],
            row=seen.rows["missing"],
            value=seen.share("missing"),
            unit="share of records",
            records=count,
        )


CHECK = CheckSpec("record-origin-missing", find)
