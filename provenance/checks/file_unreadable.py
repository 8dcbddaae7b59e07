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

from provenance.core.model import UNSAMPLED, CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = "It says nothing of what the unread bytes hold."
_COLUMNS = ["path", "source", "role", "bytes_skipped", "skip_reason", "records", "records_unreadable"]
NO_READER = "no reader"
"""How the reason of a format without a reader begins: said in COVERAGE, not a fault of the data."""
MEMBERS = "members skipped"
"""How the reason of an archive begins of which only members were skipped."""
BROKEN = "unreadable records"
"""How the reason of a file begins of which all but some records were read; the cause may stand behind it."""


def find(files: pa.Table) -> Iterator[Finding]:
    """Yield sources of which something could not be read.

    Args:
        files: FILES.
    """
    broken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in iterate_rows(files.select(_COLUMNS)):
        reason = row["skip_reason"] or ""
        unread = row["role"] != "ignored" and reason and not reason.startswith((NO_READER, UNSAMPLED))
        if (unread or row["records_unreadable"]) and row["source"] is not None:
            broken[row["source"]].append(row)
    for source, rows in sorted(broken.items()):
        members = {row["path"].split("!/", 1)[0] for row in rows if "!/" in row["path"]}
        # an archive repeats what its members say; only their formats may have no reader
        listed_rows = [
            row for row in rows if row["path"] in members or not (row["skip_reason"] or "").startswith(MEMBERS)
        ]
        if not listed_rows:
            continue
        listed_rows.sort(key=lambda row: (row["path"] in members, -row["bytes_skipped"], row["path"]))
        first, records = listed_rows[0], sum(row["records_unreadable"] for row in listed_rows)
        others = len({row["path"] for row in listed_rows} - members) - (first["path"] not in members)
        more = f"; {others:,} more file{'s' * (others > 1)} of the source too" if others else ""
        yield Finding(
            check="file-unreadable",
            source=source,
            message=f"{first['path']}: {_why(first)}{more}. What was not read was not audited.",
            limits=LIMITS,
            path=first["path"],
            value=float(sum(row["bytes_skipped"] for row in listed_rows if "!/" not in row["path"])),
            unit="bytes",
            records=records,
        )


def _why(row: Mapping[str, Any]) -> str:
    reason = str(row["skip_reason"] or BROKEN)
    if not reason.startswith(BROKEN):
        return reason
    cause = reason.removeprefix(BROKEN)  # ": NaN is no JSON"
    return f"{row['records_unreadable']:,} of its {row['records']:,} records cannot be read{cause}"


CHECK = CheckSpec("file-unreadable", find)
