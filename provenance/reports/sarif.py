"""The report for code scanning: SARIF 2.1.0 (OASIS), one run a scan, one result a finding.

Rules are the checks with their documentation; `partialFingerprints` carry fingerprint/v1, so that a result stays the
same one from scan to scan; what a waiver covers is suppressed with its reason; COVERAGE stands as notifications.
A record is no line of a file (lines may be blank, and fields may hold line breaks): its number is a property, the
region is the whole file. Only the statement of a manifest that decides a licence is pointed at by its line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from provenance import checks
from provenance.core.digests import canonical
from provenance.core.escaping import escape
from provenance.reports.report_format import ReportFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
URI_BASE = "SCANROOT"
"""What locations are relative to; its own address is never told."""

_LINE = re.compile(r"^(?P<path>.+):L(?P<line>[1-9][0-9]{0,8})$", re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]*)\]\(")
_HEADING = re.compile(r"^([A-Z][a-z ]*):", re.MULTILINE)
_LEVELS = {"ran": "note", "skipped": "warning", "errored": "error"}
_PROPERTIES = ("source", "other", "field", "row", "value", "unit", "records", "clause", "limits")


def render(tables: Mapping[str, pa.Table], facts: Mapping[str, Any]) -> bytes:
    """Render findings as SARIF.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.

    Returns:
        Canonical JSON (RFC 8785) and a closing newline.
    """
    coverage = tables["coverage"].to_pylist()
    findings = tables["findings"].to_pylist()
    files = {row["path"]: row for row in tables["files"].to_pylist()}
    manifests = dict(zip(*(tables["sources"][name].to_pylist() for name in ("source", "manifest")), strict=True))
    rules = _rules({row["check"] for row in coverage}, {row["check"] for row in findings})
    number = {rule["id"]: place for place, rule in enumerate(rules)}
    results = [
        _result(row, number[row["check"]], files, row["path"] or manifests.get(row["source"])) for row in findings
    ]
    run = {
        "tool": {"driver": _driver(facts, rules)},
        "automationDetails": {"id": f"provenance/{_encode_uri(facts['data'])}/{facts['purpose']}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {URI_BASE: {"description": {"text": "The folder that was scanned."}}},
        "invocations": [_invocation(facts, coverage)],
        "artifacts": _artifacts(results, files),
        "results": results,
        "properties": {
            name: facts[name] for name in ("kind", "purpose", "profiles", "config", "counts") if name in facts
        },
    }
    return canonical({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}) + b"\n"


def _rules(ran: set[str], found: set[str]) -> list[dict[str, Any]]:
    """Describe every check that ran or found something; steps of the scan are no rules."""
    unknown = {"text": "A check that this version of the program does not have."}
    return [
        *(_rule(name) for name in checks.CHECKS if name in ran | found),
        *({"id": name, "shortDescription": unknown} for name in sorted(found - set(checks.CHECKS))),
    ]


def _rule(name: str) -> dict[str, Any]:
    documentation = checks.explain(name)
    first, _, rest = documentation.partition("\n\n")
    marked = _HEADING.sub(r"\n**\1:**", rest)
    why = rest.partition("\n")[0].partition(":")[2].strip()
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": " ".join(first.split())},
        "fullDescription": {"text": why},
        "help": {"text": documentation, "markdown": f"{first}\n{marked}"},
    }


def _driver(facts: Mapping[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "provenance",
        "fullName": "provenance: an audit of training data",
        "version": facts["scanner"]["version"],
        "properties": {"package": facts["scanner"]["name"], "digest": facts["scanner"]["digest"]},
        "rules": rules,
    }


def _invocation(facts: Mapping[str, Any], coverage: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "executionSuccessful": all(row["status"] != "errored" for row in coverage),
        "startTimeUtc": facts["startedOn"],
        "endTimeUtc": facts["finishedOn"],
        "toolExecutionNotifications": [_notification(row) for row in coverage],
    }


def _notification(row: Mapping[str, Any]) -> dict[str, Any]:
    because = f": {row['reason']}" if row["reason"] else ""
    return {
        "descriptor": {"id": f"coverage/{row['check']}"},
        "level": _LEVELS[row["status"]],
        "message": {"text": _message(f"{row['check']} {row['status']}{because}")},
        "properties": {name: row[name] for name in ("records_seen", "records_unreadable")},
    }


def _result(
    row: Mapping[str, Any], rule: int, files: Mapping[str, Mapping[str, Any]], path: str | None
) -> dict[str, Any]:
    file = files.get(path or "")
    record = [] if row["row"] is None else [{"name": f"record {row['row']}", "kind": "element"}]
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": row["source"], "kind": "module"}, *record]}
    if path is not None:
        location["physicalLocation"] = {"artifactLocation": _artifact(path), **_whole_region(file)}
    result: dict[str, Any] = {
        "ruleId": row["check"],
        "ruleIndex": rule,
        "level": row["severity"],
        "message": {"text": _message(row["message"])},
        "locations": [location],
        "partialFingerprints": {"provenanceFingerprint/v1": row["fingerprint"]},
        "properties": {name: row[name] for name in _PROPERTIES if row[name] is not None},
        "suppressions": _suppressions(row["waived"]),
    }
    decides = _LINE.match((file or {}).get("licence_from") or "")
    if decides:
        statement = {
            "artifactLocation": _artifact(decides["path"]),
            "region": {"startLine": int(decides["line"])},
        }
        text = "The statement that decides the licence of this file."
        result["relatedLocations"] = [{"id": 1, "physicalLocation": statement, "message": {"text": text}}]
    return result


def _message(text: str) -> str:
    """Escape what a name in a message might pass off as a placeholder (3.11.5) or link (3.11.6), and what is unseen."""
    text = escape(text, keep="\n\t")
    return _LINK.sub(r"\\[\1\\](", text.replace("{", "{{").replace("}", "}}"))


def _whole_region(file: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the region that is a file as a whole, for readers that insist on one."""
    return {"region": {"byteLength": file["bytes"], "byteOffset": 0}} if file and file["bytes"] else {}


def _suppressions(waived: str | None) -> list[dict[str, str]]:
    return [{"kind": "external", "status": "accepted", "justification": waived}] if waived else []


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": _encode_uri(path), "uriBaseId": URI_BASE}


def _encode_uri(path: str) -> str:
    """Return a relative reference (RFC 3986): a colon in the first part would read as a scheme, so none is left."""
    return quote(path, safe="/!~")


def _artifacts(results: list[dict[str, Any]], files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Describe the files that results are about, and number them in their locations."""
    named = [
        place["physicalLocation"]["artifactLocation"]
        for result in results
        for place in (*result["locations"], *result.get("relatedLocations", ()))
        if "physicalLocation" in place
    ]
    of = {_encode_uri(path): row for path, row in files.items()}
    uris = sorted({location["uri"] for location in named})
    for location in named:
        location["index"] = uris.index(location["uri"])
    return [_describe_artifact(uri, of.get(uri)) for uri in uris]


def _describe_artifact(uri: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
    made: dict[str, Any] = {"location": {"uri": uri, "uriBaseId": URI_BASE}}
    if row is None:
        return made
    made |= {"length": row["bytes"], "roles": ["analysisTarget"]}
    return made | ({"hashes": {"sha-256": row["sha256"]}} if row["sha256"] else {})


REPORT = ReportFormat("sarif", lambda scan: render(scan.tables, scan.facts), is_json=True)
