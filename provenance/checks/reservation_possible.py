"""Sites of which records come may have reserved them: by a later snapshot, by terms, or towards other crawlers.

Why:          it is for a person to look at before somebody else does; a reservation made since also counts for the next
              crawl.
Source:       Directive (EU) 2019/790, Article 4(3); RFC 9309, sections 2.2.1 and 2.3.1.4; RSL 1.0.
Reads:        OBSERVATIONS(detector, source, kind, state, records), one row per file, domain and state.
Yields:       at most one finding per source and kind of sign.
Units:        share of the records that name an address, [0, 1].
Silent when:  no snapshot was kept (signals-not-evaluated); the address was reserved at the time (reservation-ignored).
Flagged:      a robots.txt fetched a year after the crawl that says `Disallow: /`; one with a line `License:`; one that
              turns GPTBot away from data that another crawler collected.
Clean:        a robots.txt of the day of the crawl without rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.origins import domains, signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.origins.domains import Domain

LIMITS = "It does not prove that anything was reserved towards whoever crawled it, at the time when it was crawled."

_SIGNS = {
    "later": "which its site reserves in a snapshot that is later than the crawl, or of a crawl without a date",
    signals.LICENCE: "for which its site asks a licence in robots.txt (RSL)",
    signals.BLOCKED: "from which its site turns well-known crawlers for training away, though not this one",
    signals.UNREACHABLE: "whose robots.txt could not be had, which a crawler has to take for a refusal",
}


def find(observations: pa.Table) -> Iterator[Finding]:
    """Yield sources with records from addresses that may have been reserved.

    Args:
        observations: OBSERVATIONS.
    """
    for source, seen in domains.count_by_source(observations).items():
        of = sum(each.records for each in seen)
        for sign, words in _SIGNS.items():
            signed = [each for each in seen if _sign(each) == sign]
            if not signed:
                continue
            count = sum(each.records for each in signed)
            yield Finding(
                check="reservation-possible",
                source=source,
                field=sign,
                message=f"{count:,} of {of:,} records come from an address {words}: {domains.name_largest(signed)}.",
                limits=LIMITS,
                path=min(each.path for each in signed),
                value=count / of,
                unit="share of records with an address",
                records=count,
            )


def _sign(domain: Domain) -> str | None:
    if domain.state == signals.RESERVED:
        return "later" if domain.time in {"later", "undated"} else None
    return domain.state if domain.state in _SIGNS else None


CHECK = CheckSpec("reservation-possible", find)
