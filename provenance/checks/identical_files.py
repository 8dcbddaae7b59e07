"""Data files are byte for byte the same.

Why:          one of them is redundant, or one source holds another's file: the licence of both must be the same.
Source:       FIPS 180-4 (SHA-256); Lee et al., arXiv 2107.06499.
Reads:        FILES(path, source, role, bytes, records, sha256), one row per file.
Yields:       one finding per group of identical files, carried by the source of the first path.
Units:        redundant files.
Silent when:  the files are empty, or are licences, manifests or documentation, which are shared on purpose.
Flagged:      a/seed.jsonl and b/seed.jsonl with the same bytes.
Clean:        one of them, named by both manifests.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove who copied from whom: all may come from a common ancestor."
_SHOWN = 5


def find(files: pa.Table) -> Iterator[Finding]:
    """Yield groups of identical data files.

    Args:
        files: FILES.
    """
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    counted = files["sha256"].value_counts()
    repeated = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    equal = files.filter(pc.is_in(files["sha256"], value_set=repeated))
    for row in iterate_rows(equal.select(["path", "source", "role", "bytes", "records", "sha256"])):
        if row["role"] == "data" and row["bytes"] and row["sha256"]:
            groups[row["sha256"]].append(row)
    for digest, rows in sorted(groups.items()):
        if len(rows) < 2:
            continue
        rows.sort(key=lambda row: row["path"])
        names = [row["path"] for row in rows]
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        sources = list(dict.fromkeys(row["source"] for row in rows))
        yield Finding(
            check="identical-files",
            source=sources[0],
            other=sources[1] if len(sources) > 1 else None,
            field=digest[:16],
            message=f"{len(rows)} files in {len(sources)} source{'s' * (len(sources) > 1)} are the same, "
            f"byte for byte: {shown}.",
            limits=LIMITS,
            path=names[0],
            value=float(len(rows) - 1),
            unit="redundant files",
            records=sum(row["records"] for row in rows[1:]),
        )


CHECK = CheckSpec("identical-files", find)
