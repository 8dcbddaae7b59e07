"""Data lies in a folder that no manifest, card or README covers.

Why:          what nobody describes has no known origin, and nobody can say that it came from a lawful source.
Source:       Interim Measures for Generative AI Services, Article 7(1); TC260-003, 5.1.
Reads:        SOURCES(source, records, bytes, licence_concluded), one row per source.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove an unlawful origin, only that none is documented in this folder; what records say of themselves "
    "is not counted."
)


def find(sources: pa.Table) -> Iterator[Finding]:
    """Yield sources that nothing declares.

    Args:
        sources: SOURCES.
    """
    for row in sources.to_pylist():
        if not row["source"].startswith("undeclared:"):
            continue
        folder = row["source"].removeprefix("undeclared:")
        place = "in the scanned folder itself" if folder == "." else f"in {folder}"
        licence = "" if row["licence_concluded"] else " or states its licence"
        yield Finding(
            check="source-undeclared",
            source=row["source"],
            message=f"No manifest, card or README that could be read covers the data {place}{licence}; "
            "describe it in a provenance.yaml.",
            limits=LIMITS,
            path=folder,
            value=float(row["bytes"]),
            unit="bytes",
            records=row["records"],
        )


CHECK = CheckSpec("source-undeclared", find, taints=lambda _finding, _file: True)
