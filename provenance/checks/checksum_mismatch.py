"""A file's bytes are not those that a manifest declares.

Why:          the file was changed, damaged or swapped after it was described; what the manifest says need not hold.
Source:       Croissant 1.0, FileObject.sha256; in-toto attestation framework, DigestSet.
Reads:        FILES(path, source, sha256, sha256_claimed), one row per file.
Yields:       at most one finding per source.
Units:        files.
Silent when:  no digest is declared, or the file could not be read (file-unreadable).
Flagged:      provenance.yaml declares the digest of an earlier version.
Clean:        the digest is that of the file, as `sha256sum` prints it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove tampering; the manifest may describe another version."


def find(files: pa.Table) -> Iterator[Finding]:
    """Yield sources of which files differ from their declared digest.

    Args:
        files: FILES.
    """
    wrong: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in iterate_rows(files.select(["path", "source", "sha256", "sha256_claimed", "records"])):
        claimed = row["sha256_claimed"]
        if claimed is not None and row["sha256"] is not None and claimed.lower() != row["sha256"]:
            wrong[row["source"]].append(row)
    for source, rows in sorted(wrong.items()):
        first = min(rows, key=lambda row: str(row["path"]))
        others = len(rows) - 1
        more = f" (and {others} more file{'s' * (others > 1)})" if others else ""
        yield Finding(
            check="checksum-mismatch",
            source=source,
            message=f"{first['path']} has the SHA-256 {first['sha256'][:16]}…, a manifest declares "
            f"{first['sha256_claimed'][:16]}…{more}.",
            limits=LIMITS,
            path=first["path"],
            value=float(len(rows)),
            unit="files",
            records=sum(row["records"] for row in rows),
        )


CHECK = CheckSpec(
    "checksum-mismatch",
    find,
    taints=lambda _, file: str(file["sha256_claimed"] or file["sha256"]).lower() != file["sha256"],
)
