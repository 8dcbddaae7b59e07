"""Data of users, or personal data, is declared without consent or another legal ground.

Why:          what people wrote is theirs; without their consent, or a ground that the law gives, it may not be used.
Source:       Interim Measures for Generative AI Services, Article 7(3) and 11; TC260-003, 5.1 (users' input) and 5.2.
Reads:        SOURCES(source, kind, records), CLAIMS(source, field, value, pointer).
Yields:       at most one finding per source of the kind user, or that is declared to hold personal data.
Units:        records.
Silent when:  a consent record has a file or digest, whatever it says; another ground than consent is stated; the kind
              is not stated (COVERAGE) and nobody declares personal data. What stands in the records is not asked here.
Flagged:      `{ id: chats, kind: user }`; `{ id: letters, personal_data: { contains: personal } }`.
Clean:        `{ id: chats, kind: user, consent: { file: terms-2026.pdf, version: "3", basis: terms } }`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.sources import declared_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.sources.declared_facts import DeclaredFacts

LIMITS = "It does not prove that nobody consented, only that the manifest gives neither a record nor another ground."


def find(sources: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources that need a ground and give none.

    Args:
        sources: SOURCES.
        claims: CLAIMS.
    """
    records = {row["source"]: row["records"] for row in sources.to_pylist()}
    for one in declared_facts.facts_by_source(sources, claims):
        contents = _personal(one)
        if not contents and one.kind != "user":
            continue
        grounds = one.stated.get("personal_data.ground", [])
        recorded = one.documented("consent") or "personal_data.record" in one.stated
        if recorded or any(ground != "consent" for ground in grounds):
            continue
        about = "to come from users" if one.kind == "user" else f"to hold {contents} data"
        fault = (
            "names consent as its ground, and gives no record of it" if grounds else "gives no consent or other ground"
        )
        yield Finding(
            check="consent-missing",
            source=one.source,
            message=f"It is declared {about}, and its manifest {fault}.",
            limits=LIMITS,
            path=one.manifest,
            value=float(records[one.source]),
            unit="records",
            records=records[one.source],
        )


def _personal(one: DeclaredFacts) -> str | None:
    """Return what a source is declared to hold: personal or sensitive data."""
    contents = one.stated.get("personal_data.contains", [])
    if "sensitive" in contents or "personal_data.sensitive" in one.stated:
        return "sensitive"
    return "personal" if "personal" in contents else None


CHECK = CheckSpec("consent-missing", find, unseen=declared_facts.describe_unasked)
