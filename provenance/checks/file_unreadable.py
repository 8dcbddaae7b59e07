"""A file, or some of its records, could not be read.

Why:          what was not read was not audited; a clean report must not seem to speak for it.
Source:       TC260-003, 9.1 (every clause is assessed with proof); the rule here: silence must be provable.
Reads:        FILES(path, source, role, bytes_skipped, skip_reason, records_unreadable), one row per file.
Yields:       at most one finding per source.
Units:        bytes that were not read.
Silent when:  the file is of a format that no reader knows: COVERAGE lists those.
Flagged:      a gzip file that ends in the middle; a JSON Lines file with a broken line; a Git LFS pointer.
Clean:        the whole file, with its records well-formed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It says nothing of what the unread bytes hold."
_COLUMNS = ["path", "source", "role", "bytes_skipped", "skip_reason", "records", "records_unreadable"]
NO_READER = "no reader"
"""How the reason of a format without a reader begins: said in COVERAGE, not a fault of the data."""


def find(files: pa.Table) -> Iterator[Finding]:
    """Yield sources of which something could not be read.

    Args:
        files: FILES.
    """
    broken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in files.select(_COLUMNS).to_pylist():
        reason = row["skip_reason"] or ""
        unread = row["role"] != "ignored" and reason and not reason.startswith(NO_READER)
        if (unread or row["records_unreadable"]) and row["source"] is not None:
            broken[row["source"]].append(row)
    for source, rows in sorted(broken.items()):
        rows.sort(key=lambda row: (-row["bytes_skipped"], row["path"]))
        first, records = rows[0], sum(row["records_unreadable"] for row in rows)
        why = first["skip_reason"] or f"{first['records_unreadable']} of its {first['records']} records cannot be read"
        more = f"; {len(rows) - 1} more files of the source too" if len(rows) > 1 else ""
        yield Finding(
            check="file-unreadable",
            source=source,
            message=f"{first['path']}: {why}{more}. What was not read was not audited.",
            limits=LIMITS,
            path=first["path"],
            value=float(sum(row["bytes_skipped"] for row in rows if "!/" not in row["path"])),
            unit="bytes",
            records=records,
        )
