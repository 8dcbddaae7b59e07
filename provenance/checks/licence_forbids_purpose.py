"""The licence of some data forbids the purpose of the scan, or makes it a question for counsel.

Why:          a commercial service trained on non-commercial data breaks the licence of every such record.
Source:       the clause of the licence, quoted in the finding; Interim Measures, Article 7(2).
Reads:        FILES(path, source, role, licence, records, bytes), one row per file; OBSERVATIONS(record-licence):
              records by the licence that they state themselves; the purpose of the scan.
Yields:       at most one finding per source and licence.
Units:        1 = forbidden; 0.5 = the licence leaves it open and somebody has to decide.
Silent when:  no licence is known (licence-missing, licence-unrecognised); the terms are conditions that can be met.
              What records state does not make milder what is concluded of their file from a stricter card.
Flagged:      `--purpose commercial-service` over data under CC BY-NC 4.0.
Clean:        the same under CC BY 4.0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import count_noun
from provenance.licences import terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It rests on the licence as stated and on terms not reviewed by counsel; a separate permission may exist."


def find(files: pa.Table, observations: pa.Table, purpose: str) -> Iterator[Finding]:
    """Yield data whose licence does not allow the purpose.

    Args:
        files: FILES.
        observations: OBSERVATIONS.
        purpose: one of model.PURPOSES.
    """
    stated = _count_by_licence(observations)
    by_licence: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in iterate_rows(files.select(["path", "source", "role", "licence", "records", "bytes"])):
        if row["role"] == "data":
            for licence, counted in _split(row, stated.get(row["path"], {}), purpose):
                by_licence[row["source"], licence].append(counted)
    several = Counter(source for source, _ in by_licence)
    for (source, licence), rows in sorted(by_licence.items()):
        right = terms.find_right(licence or None, purpose)
        if not licence or right.value not in _AGAINST:
            continue
        records, of = (sum(row[name] for row in rows) for name in ("records", "of"))
        part = _part(rows) if several[source] > 1 else ""
        more = len({each for row in rows for each in row["licences"]} - {licence})
        if records < of:
            others = f" and {count_noun(more, 'other licence')}" if more else ""
            part = f"{others}, which {records:,} of {of:,} records state,"
        verb = "does not allow" if right.value == "no" else "leaves open, for counsel to decide,"
        verb = verb if not more else verb.replace("does", "do").replace("leaves", "leave")
        yield Finding(
            check="licence-forbids-purpose",
            source=source,
            field=licence,
            message=f"{licence}{part} {verb} the purpose {purpose}: {right.clause}",
            limits=LIMITS,
            path=min(row["path"] for row in rows),
            value=1.0 if right.value == "no" else 0.5,
            unit="forbidden",
            records=records,
            clause=f"{right.licence}: {right.clause}",
        )


_AGAINST = {"no", "review"}
_OTHERS = "(others)"
"""Kind of the licences that few records state, and that are not named."""

_OWN_WORDS = {"stated", "notice"}
"""States of `record-licence`: what a column says, and what stands in the text."""


def _split(row: dict[str, Any], stated: dict[str, int], purpose: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the licences of a file, with the records under each; those that forbid the same are one."""
    licence, of = row["licence"] or "", row["records"]
    named = _OTHERS not in stated
    stated = {name: count for name, count in stated.items() if name != _OTHERS}
    # which no record states is stated of the whole, and concluded because it is the stricter
    whole = named and licence not in stated and terms.find_right(licence or None, purpose).value in _AGAINST
    if whole or not stated:
        yield licence, row | {"of": of, "licences": [licence]}
        return
    counts = dict(stated)
    if licence not in counts:  # it is that of records which state none
        counts[licence] = max(of - sum(stated.values()), 0)
    groups: dict[str, list[str]] = defaultdict(list)
    for each in sorted(counts, key=lambda name: (name != licence, name)):
        value = terms.find_right(each or None, purpose).value
        if counts[each]:
            groups[value if value in _AGAINST else each].append(each)
    for names in groups.values():
        yield names[0], row | {"records": sum(counts[name] for name in names), "of": of, "licences": names}


def _count_by_licence(observations: pa.Table) -> dict[str, dict[str, int]]:
    """Return by file the records that state a licence of their own that is known, by it; many that are rare as one."""
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    for row in observations.filter(pc.equal(observations["detector"], "record-licence")).to_pylist():
        if row["state"] in _OWN_WORDS and row["kind"] != "unrecognised":
            counts = counted[row["path"]]
            counts[row["kind"]] = max(counts.get(row["kind"], 0), row["records"])
    return counted


def _part(rows: list[dict[str, Any]]) -> str:
    """Say which files of a source are under this licence, where others are not."""
    first = min(row["path"] for row in rows)
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    return f", the licence of {first}{more} but not of all its data,"


CHECK = CheckSpec("licence-forbids-purpose", find, taints=lambda finding, file: file["licence"] == finding["field"])
