"""No contract stands behind data that was bought, or got from somebody in private.

Why:          such data is lawful by its contract alone; without one, or after its term, nothing allows its use.
Source:       TC260-003, 5.1 (commercial corpus); GB/T 45652 (draft of 2024-03-28), 6.1 a 2 and 6.1 d.
Reads:        SOURCES(source, kind, acquired, records), CLAIMS(source, field, value, pointer).
Yields:       at most one finding per source of the kind commercial or private-third-party.
Units:        records.
Silent when:  the kind is not stated (COVERAGE); one contract has a file or digest and no term, or one that had not
              ended; nobody says when the data was acquired; the file named is absent (file-declared-absent says so).
Flagged:      `{ id: feed, kind: commercial, acquired: 2026-03-01, contract: { file: feed.pdf, until: 2025-12-31 } }`.
Clean:        the same with the contract of 2026, its file below the manifest's folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.sources.declared_facts import DeclaredFacts

LIMITS = "It does not prove that there is no contract, only that the manifest gives neither its file nor its digest."
ENDED = "It does not prove that the data was used without right: the contract may have been prolonged."


def find(sources: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources that need a contract and give none that holds.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
    """
    row_by_source = {row["source"]: row for row in sources.to_pylist()}
    for one in declared_facts.facts_by_source(sources, claims):
        if one.kind not in {"commercial", "private-third-party"}:
            continue
        acquired = row_by_source[one.source]["acquired"]
        ended = _ended(one, acquired)
        if one.documented("contract") and ended is None:
            continue
        fault = "no manifest gives a contract for it, neither its file nor its digest"
        if ended is not None:
            fault = f"its contract had ended on {ended} when it was acquired on {acquired}"
        yield Finding(
            check="contract-missing",
            source=one.source,
            message=f"It is declared {one.kind}, and {fault}.",
            limits=LIMITS if ended is None else ENDED,
            path=one.manifest,
            value=float(row_by_source[one.source]["records"]),
            unit="records",
            records=row_by_source[one.source]["records"],
        )


def _ended(one: DeclaredFacts, acquired: str | None) -> str | None:
    """Return the end of the latest contract that is documented, if all of them had ended when data was acquired."""
    documented = [each for each in one.records.get("contract", []) if each.get("file") or each.get("sha256")]
    terms = [each.get("until") for each in documented]
    if acquired is None or not terms:
        return None
    ends = [term for term in terms if term is not None and declared_facts.is_after(acquired, term)]
    return max(ends) if len(ends) == len(terms) else None


CHECK = CheckSpec("contract-missing", find, unseen=declared_facts.describe_unasked)
