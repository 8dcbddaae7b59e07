"""Data lies in a folder that no manifest, card or README covers.

Why:          what nobody describes has no known origin, and nobody can say that it came from a lawful source.
Source:       Interim Measures for Generative AI Services, Article 7(1); TC260-003, 5.1.
Reads:        SOURCES(source, records, bytes, licence_concluded), one row per source; FILES and CLAIMS: documents that
              were not read, licences that are stated of something else.
Yields:       one finding per undeclared source.
Units:        bytes.
Silent when:  any README stands in the folder or above it, even one that says nothing of the origin. Not silent when a
              manifest stands there that could not be read: what it says is not known; nor when its records name their
              origin one by one (origin-blocked and record-origin-missing read those).
Flagged:      extra/scraped.jsonl without any other file.
Clean:        a provenance.yaml at the root that names `extra/` as a source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.sources import unheard_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove an unlawful origin, only that none is documented in this folder; what records say of themselves "
    "is not counted."
)


def find(sources: pa.Table, files: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources that nothing declares.

    Args:
        sources: SOURCES.
        files: FILES.
        claims: CLAIMS.
    """
    unread = unheard_statements.list_unread_documents(files)
    elsewhere = unheard_statements.list_licences_elsewhere(claims)
    for row in sources.to_pylist():
        if not row["source"].startswith("undeclared:"):
            continue
        folder = row["source"].removeprefix("undeclared:")
        place = "in the scanned folder itself" if folder == "." else f"in {folder}"
        stated = elsewhere.get(row["source"], [])
        licence = "" if stated or row["licence_concluded"] else " or states its licence"
        seen = ""
        if row["source"] in unread:
            seen = f" Not read: {unheard_statements.join_few(unread[row['source']])}."
        elif stated and not row["licence_concluded"]:
            seen = f" A licence is stated, but not of the data: {unheard_statements.join_few(stated)}."
        yield Finding(
            check="source-undeclared",
            source=row["source"],
            message=f"No manifest, card or README that could be read covers the data {place}{licence}; "
            f"describe it in a provenance.yaml.{seen}",
            limits=LIMITS,
            path=folder,
            value=float(row["bytes"]),
            unit="bytes",
            records=row["records"],
        )


CHECK = CheckSpec("source-undeclared", find, taints=lambda _finding, _file: True)
