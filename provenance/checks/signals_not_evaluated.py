"""Records name addresses of the web, and no snapshot tells what those sites said when they were crawled.

Why:          whether a site had reserved its text cannot be answered later: robots.txt of today says nothing of then.
Source:       Directive (EU) 2019/790, Article 4(3); GB/T 45654-2025, 5.1 c) 2, as secondary sources give it; RFC 9309.
Reads:        OBSERVATIONS(detector, source, kind, state, records), one row per file, domain and state; SOURCES(source,
              kind, records).
Yields:       at most one finding per source.
Units:        share of the records, [0, 1]: of those that name an address; of a declared crawl, of all.
Silent when:  records name no address, and no manifest says that they were crawled.
Flagged:      a column `url`, and no `signals` in provenance.yaml.
Clean:        the same with the robots.txt of each host as it was on the day of the crawl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.origins import domains, signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove that anything was reserved; an address may also be no more than a reference in the record."


def find(observations: pa.Table, sources: pa.Table) -> Iterator[Finding]:
    """Yield sources with records that name an address of which no snapshot of the time of the crawl says anything.

    Args:
        observations: OBSERVATIONS.
        sources: SOURCES.
    """
    found = domains.count_by_source(observations)
    for row in sorted(sources.select(["source", "kind", "records"]).to_pylist(), key=lambda row: str(row["source"])):
        seen = found.get(row["source"], [])
        crawl = row["kind"] == "crawl"
        addressed = sum(each.records for each in seen)
        if not crawl and all(each.state == signals.UNPARSABLE for each in seen):
            continue
        unknown = [each for each in seen if not each.at_crawl]
        silent = row["records"] - addressed if crawl else 0
        count, of = sum(each.records for each in unknown) + silent, addressed + silent
        if not count:
            continue
        yield Finding(
            check="signals-not-evaluated",
            source=row["source"],
            message=_message(unknown, count, of, silent, crawl=crawl),
            limits=LIMITS,
            path=min((each.path for each in unknown), default=None),
            value=count / of,
            unit="share of records with an address" if not crawl else "share of records",
            records=count,
        )


def _message(unknown: list[domains.Domain], count: int, of: int, silent: int, *, crawl: bool) -> str:
    """Say what is not known; that an address is where a record is from is known of a declared crawl alone."""
    records, unless = ("records of the crawl", "") if crawl else ("records that name an address", ", if there was one")
    sentence = (
        f"For {count:,} of {of:,} {records}, no snapshot tells what the site said at the time of the crawl{unless}"
    )
    read = [each for each in unknown if each.state != signals.UNPARSABLE]
    several = len({each.name for each in read})
    odd = sum(each.records for each in unknown) - sum(each.records for each in read)
    parts = []
    if several:
        parts.append(f"{several:,} domain{'s' * (several != 1)}: {domains.name_largest(read)}")
    if odd:
        parts.append(f"the address of {odd:,} cannot be parsed")
    if silent:
        parts.append(f"{silent:,} name no address")
    return f"{sentence}; {'; '.join(parts)}."


CHECK = CheckSpec("signals-not-evaluated", find)
