"""OBSERVATIONS of the web, by source: registrable domains with what their sites said, and how to name the largest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.origins import signals

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

MOST_SHOWN = 5
"""Domains that a sentence names."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Records of one source that come from one domain, and of which its site said one thing.

    Args:
        name: the registrable domain, or what stands in its place.
        state: one of signals.STATES.
        time: one of signals.TIMES.
        records: how many.
        bytes: of their text.
        path: the first file that has some.
    """

    name: str
    state: str
    time: str
    records: int
    bytes: int
    path: str

    @property
    def at_crawl(self) -> bool:
        """Tell whether a snapshot of the time of the crawl says it."""
        return not self.time and self.state not in {signals.UNKNOWN, signals.UNPARSABLE}


def count_by_source(observations: pa.Table) -> dict[str, list[Domain]]:
    """Add up what the detector `web` saw.

    Args:
        observations: OBSERVATIONS.

    Returns:
        Domains by source, those with most records first.
    """
    web = observations.filter(pc.equal(observations["detector"], "web"))
    summed = web.group_by(["source", "kind", "state"]).aggregate(
        [("records", "sum"), ("bytes", "sum"), ("path", "min")]
    )
    found: dict[str, list[Domain]] = defaultdict(list)
    for row in summed.to_pylist():
        state, _, time = row["state"].rstrip(")").partition(" (")
        counts = row["records_sum"], row["bytes_sum"], row["path_min"]
        found[row["source"] or ""].append(Domain(row["kind"], state, time, *counts))
    for domains in found.values():
        domains.sort(key=lambda each: (-each.records, each.name, each.state, each.time))
    return dict(sorted(found.items()))


def name_largest(domains: Iterable[Domain]) -> str:
    """Name the domains with most records: 'a.org (7), b.org (2) and 3 more'.

    Args:
        domains: at least one; a domain may stand more than once.
    """
    records: dict[str, int] = defaultdict(int)
    for each in domains:
        records[each.name] += each.records
    ranked = sorted(records.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{name} ({count:,})" for name, count in ranked[:MOST_SHOWN])
    return shown + (f" and {len(ranked) - MOST_SHOWN:,} more" if len(ranked) > MOST_SHOWN else "")
