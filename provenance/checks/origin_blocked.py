"""Data comes from a collection that is known to hold works without the permission of their holders.

Why:          the licence on its label is worth nothing: origin overrides licence.
Source:       the reference that the finding names for each collection (data/blocked-origins.yaml).
Reads:        OBSERVATIONS(detector, source, kind, records), one row per file, domain and state; CLAIMS(field, value) of
              names, origins and upstreams; FILES(path, source); SOURCES(source, records).
Yields:       at most one finding per source and collection.
Units:        share of the records of the source, [0, 1]; 1 where it is not known which.
Silent when:  neither a name, nor a column, nor an address says so: text is not compared with the works themselves.
Flagged:      records with `pile_set_name: Books3`; a column `url` with https://libgen.is/.
Clean:        a news article about LibGen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.origins import blocklists, domains

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = "It rests on a name or an address; it does not prove which works are in the data, nor that the name is right."

_FIELDS = {"source", "name", "upstream", "url", "origin"}


def find(
    observations: pa.Table, claims: pa.Table, files: pa.Table, sources: pa.Table, holders: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield sources that come from collections on the list.

    Args:
        observations: OBSERVATIONS.
        claims: CLAIMS.
        files: FILES.
        sources: SOURCES.
        holders: `manifest` and `manifest pointer-prefix` -> source.
    """
    totals = dict(zip(*(sources[name].to_pylist() for name in ("source", "records")), strict=True))
    signs_by_entry: dict[tuple[str, str], set[str]] = defaultdict(set)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for source, seen in domains.count_by_source(observations).items():
        for each in seen:
            entry = blocklists.find_by_domain(each.name)
            if entry is not None:
                signs_by_entry[source, entry.id].add(f"addresses at {each.name}")
                counts[source, entry.id] += each.records
    for source, value in _names(claims, files, sources, holders):
        entry = blocklists.find_by_name(value)
        if entry is not None:
            signs_by_entry[source, entry.id].add(f"the name {value!r}")
            counts[source, entry.id] = totals.get(source, 0)
    for (source, id_), signs in sorted(signs_by_entry.items()):
        entry, count = blocklists.load_blocklist()[id_], counts[source, id_]
        yield Finding(
            check="origin-blocked",
            source=source,
            field=id_,
            message=f"{entry.title} is named as an origin, by {', '.join(sorted(signs))}: {entry.reason} "
            f"({entry.reference}).",
            limits=LIMITS,
            value=count / totals[source] if totals.get(source) else 1.0,
            unit="share of records",
            records=count,
        )


def _names(
    claims: pa.Table, files: pa.Table, sources: pa.Table, holders: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what sources are called and what they say they come from."""
    of = dict(zip(*(files[name].to_pylist() for name in ("path", "source")), strict=True))
    for source in sources["source"].to_pylist():
        yield source, source
    for row in claims.select(["manifest", "pointer", "field", "value"]).to_pylist():
        if row["field"] not in _FIELDS:
            continue
        entry = f"{row['manifest']} {'/'.join(row['pointer'].split('/')[:3])}"
        source = holders.get(entry) or holders.get(row["manifest"]) or of.get(row["manifest"])
        if source is not None:
            yield source, row["value"]


CHECK = CheckSpec(
    "origin-blocked",
    find,
    taints=lambda finding, _: finding["value"] == 1.0,  # of a part it is not known which records
)
