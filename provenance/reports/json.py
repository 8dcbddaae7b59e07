"""The report for programs: one JSON document, its schema published as `data/schemas/report.schema.json`.

It holds what people look at (sources, findings, coverage, verdicts and the overlaps of whole sources); the large tables
stand beside it as Parquet.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.digests import canonical
from provenance.origins import domains
from provenance.reports.report_format import ReportFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

VERSION = 1
DOMAINS_PER_SOURCE = 20
"""Registrable domains that are named of a source."""


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
            key: value for key, value in facts.items() if key not in {"contentSet", "folder", "keys", "log", "tables"}
        },
        "coverage": tables["coverage"].to_pylist(),
        "bytes": {name: sum(on_disk[name].to_pylist()) for name in ("bytes", "bytes_consumed", "bytes_skipped")},
        "verdicts": tables["verdicts"].to_pylist(),
        "findings": tables["findings"].to_pylist(),
        "sources": tables["sources"].to_pylist(),
        "overlaps": [_drop_columns(row, "path_a", "path_b") for row in whole.to_pylist()],
        "domains": _domains(tables["observations"]),
        "identities": [_identity(row) for row in tables["claims"].to_pylist() if row["field"] == "identical-upstream"],
        "unread": [_unread(row) for row in on_disk.to_pylist() if row["bytes_skipped"]],
    }
    return canonical(report) + b"\n"


def _domains(observations: pa.Table) -> list[dict[str, Any]]:
    """List of each source the registrable domains with most bytes of text; OBSERVATIONS has them all."""
    listed = []
    for source, seen in domains.count_by_source(observations).items():
        states: dict[str, list[domains.Domain]] = defaultdict(list)
        for each in seen:
            states[each.name].append(each)
        ranked = sorted((_domain(name, domain_states) for name, domain_states in states.items()), key=_by_bytes)
        totals = {name: sum(each[name] for each in ranked) for name in ("records", "bytes")}
        listed.append({"source": source, "domains": len(ranked), **totals, "largest": ranked[:DOMAINS_PER_SOURCE]})
    return listed


def _domain(name: str, domain_states: Sequence[domains.Domain]) -> dict[str, Any]:
    return {
        "domain": name,
        "records": sum(each.records for each in domain_states),
        "bytes": sum(each.bytes for each in domain_states),
        "states": {f"{each.state} ({each.time})" if each.time else each.state: each.records for each in domain_states},
    }


def _by_bytes(domain: Mapping[str, Any]) -> tuple[int, str]:
    return -domain["bytes"], domain["domain"]


def _drop_columns(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _identity(claim: Mapping[str, Any]) -> dict[str, Any]:
    address, digest = claim["value"].rsplit(" sha256:", 1)
    named = {name: claim[name] for name in ("manifest", "pointer")}
    return {"path": claim["scope"], "url": address, "sha256": digest} | named


def _unread(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("path", "role", "format", "bytes_skipped", "skip_reason")}


REPORT = ReportFormat("json", lambda scan: render(scan.tables, scan.facts), is_json=True)
