"""The report for programs: one JSON document, its schema published as `data/schemas/report.schema.json`.

It holds what people look at (sources, findings, coverage, verdicts and the overlaps of whole sources); the large tables
stand beside it as Parquet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.digests import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

VERSION = 1


def render(tables: Mapping[str, pa.Table], facts: Mapping[str, Any]) -> bytes:
    """Render the report.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.

    Returns:
        Canonical JSON (RFC 8785) and a closing newline; counts and bytes as numbers, shares in [0, 1].
    """
    overlaps = tables["overlaps"]
    whole = overlaps.filter(pc.and_(pc.is_null(overlaps["path_a"]), pc.is_null(overlaps["path_b"])))
    files = tables["files"]
    on_disk = files.filter(pc.invert(pc.match_substring(files["path"], "!/")))
    report = {
        "report": VERSION,
        "scan": {
            key: value for key, value in facts.items() if key not in {"sources", "log", "tables", "folder", "keys"}
        },
        "coverage": tables["coverage"].to_pylist(),
        "bytes": {name: sum(on_disk[name].to_pylist()) for name in ("bytes", "bytes_consumed", "bytes_skipped")},
        "verdicts": tables["verdicts"].to_pylist(),
        "findings": tables["findings"].to_pylist(),
        "sources": tables["sources"].to_pylist(),
        "overlaps": [_without(row, "path_a", "path_b") for row in whole.to_pylist()],
        "identities": [_identity(row) for row in tables["claims"].to_pylist() if row["field"] == "identical-upstream"],
        "unread": [_unread(row) for row in on_disk.to_pylist() if row["bytes_skipped"]],
    }
    return canonical(report) + b"\n"


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _identity(claim: Mapping[str, Any]) -> dict[str, Any]:
    address, digest = claim["value"].rsplit(" sha256:", 1)
    named = {name: claim[name] for name in ("manifest", "pointer")}
    return {"path": claim["scope"], "url": address, "sha256": digest} | named


def _unread(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("path", "role", "format", "bytes_skipped", "skip_reason")}
