"""What is said of a source and does not count: documents that could not be read, licences stated of something else."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.tables.table_rows import iterate_rows

if TYPE_CHECKING:
    import pyarrow as pa

_MOST = 3  # that are named
_LICENCE_FIELDS = {"licence", "licence-elsewhere", "licence-note"}
_CALLED_LICENCE = re.compile(r"(?i)(?:^|[/!_.-])(?:licen[sc]es?|copying|readme|eula|terms(?:[ _-]\w+)*)\.[a-z]{2,4}$")
"""Names of files that state terms in a format of which there is no reader: LICENSE.pdf."""


def list_unread_documents(files: pa.Table) -> dict[str, list[str]]:
    """List the documents that may speak of a source and were not read.

    Args:
        files: FILES.

    Returns:
        By source, `path (reason)` of manifests, licences and documents, sorted.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for row in iterate_rows(files.select(["path", "source", "role", "bytes_skipped", "skip_reason"])):
        speaks = row["role"] in {"manifest", "licence", "documentation"} or _CALLED_LICENCE.search(row["path"])
        if speaks and row["bytes_skipped"] and row["skip_reason"] and row["source"] is not None:
            found[row["source"]].append(f"{row['path']} ({row['skip_reason']})")
    return {source: sorted(rows) for source, rows in found.items()}


def list_licences_elsewhere(claims: pa.Table) -> dict[str, list[str]]:
    """List the licence statements that stand in a source, whatever they cover.

    Args:
        claims: CLAIMS.

    Returns:
        By source, `value (manifest:pointer)`, sorted by place, each once.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    names = ["source", "field", "value", "manifest", "pointer"]
    rows: list[dict[str, Any]] = claims.select(names).to_pylist()
    for row in sorted(rows, key=lambda row: (row["manifest"], row["pointer"])):
        if row["field"] in _LICENCE_FIELDS and row["source"] is not None:
            found[row["source"]][f"{row['value'][:100]!r} ({row['manifest']}:{row['pointer']})"] = None
    return {source: list(values) for source, values in found.items()}


def join_few(values: list[str]) -> str:
    """Join the first of some values, and count the rest.

    Args:
        values: at least one.
    """
    more = len(values) - _MOST
    return "; ".join(values[:_MOST]) + (f"; {more:,} more" if more > 0 else "")
