"""Records come from addresses that their site had reserved when they were crawled.

Why:          what was reserved is not open to text and data mining; it needs the permission of its holder.
Source:       Directive (EU) 2019/790, Article 4(3); RFC 9309, section 2.2; drafts of AIPREF; TDM Reservation Protocol.
Reads:        OBSERVATIONS(detector, source, kind, state, records), one row per file, domain and state.
Yields:       at most one finding per source.
Units:        share of the records that name an address, [0, 1].
Silent when:  no snapshot was kept (signals-not-evaluated), or one of another time alone (reservation-possible); the
              reservation stands in a header, a page, a contract or in words.
Flagged:      `crawler: CCBot`, and the robots.txt of that day says `User-agent: CCBot` and `Disallow: /`.
Clean:        the same address, and `Allow: /`; or the records left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.origins import domains, signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It rests on snapshots that the manifest names. It does not prove an infringement: the holder may have agreed, "
    "another exception may apply, and a rule on crawling need not be a reservation of the use for training."
)


def find(observations: pa.Table) -> Iterator[Finding]:
    """Yield sources with records from addresses that were reserved at the time of the crawl, or before it.

    Args:
        observations: OBSERVATIONS.
    """
    for source, seen in domains.count_by_source(observations).items():
        reserved = [each for each in seen if each.state == signals.RESERVED and each.time in {"", "earlier"}]
        if not reserved:
            continue
        count, of = sum(each.records for each in reserved), sum(each.records for each in seen)
        yield Finding(
            check="reservation-ignored",
            source=source,
            message=f"{count:,} of {of:,} records that name their address come from where the site had reserved it "
            f"when it was crawled: {domains.name_largest(reserved)}.",
            limits=LIMITS,
            path=min(each.path for each in reserved),
            value=count / of,
            unit="share of records with an address",
            records=count,
        )


CHECK = CheckSpec("reservation-ignored", find)
