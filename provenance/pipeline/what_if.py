"""An audit without some of its sources: which findings go with them, which stay, and which stay because text stays.

Nothing is read again: the tables are cut, the checks run on what is left. What one source's text said of another's
stays said: a copy is not cleaned by dropping the twin that gave it away.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance import checks, profiles
from provenance.core import schemas
from provenance.core.model import Finding
from provenance.core.scratch import mapped_tables
from provenance.errors import ConfigError
from provenance.pipeline import evaluate
from provenance.pipeline.coverage import MINIMUMS
from provenance.similarity.evidence import original_files
from provenance.sources import scopes as source_scopes
from provenance.sources.scope_paths import is_within

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_FINDING_COLUMNS = tuple(field.name for field in fields(Finding))


def leave_out_sources(
    tables: Mapping[str, pa.Table], facts: Mapping[str, Any], dropped: Collection[str]
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Leave sources out of an audit.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.
        dropped: ids of sources.

    Returns:
        The same tables and facts, of `kind` what-if: without the sources' data, the statements that speak of nothing
        else, and their findings. COVERAGE says so; its other rows of steps are those of the scan.

    Raises:
        ConfigError: there is no such source, nothing would be left, or sources were left out before.
    """
    left_out = set(dropped)
    _check_names(tables["sources"]["source"].to_pylist(), left_out, facts)
    paths = _paths_of_files(tables["files"])
    scopes = source_scopes.decide_scopes(paths, tables["claims"], facts["purpose"])
    claims = _claims_that_stay(tables, scopes, left_out)
    files = _files_that_stay(tables["files"], claims, left_out)
    cut = {
        "paths": paths,  # in full: what is left out here is not lost
        "claims": claims,
        "files": files,
        "sources": _rows_outside(tables["sources"], left_out, "source"),
        "observations": _rows_outside(tables["observations"], left_out, "source"),
        "references": _rows_outside(tables["references"], left_out, "source"),
        "matches": _matches_outside(tables["matches"], left_out),
        "overlaps": _rows_outside(tables["overlaps"], left_out, "source_a", "source_b"),
        "sketches": _rows_outside(tables["sketches"], left_out, "source"),
    }
    chosen = [profiles.load(profile["name"]) for profile in facts["profiles"]]
    originals = original_files.find_known_originals(tables["files"], tables["references"])
    kept = _keep_affected(tables["findings"], left_out)
    cut |= evaluate.count_evidence(cut, chosen, originals)
    indexes = facts.get("config", {}).get("references", ())
    steps = _step_rows(tables["coverage"])
    cut |= evaluate.run_checks(cut, scopes, chosen, originals=originals, kept=kept, steps=steps, indexes=indexes)
    cut["findings"] = _keep_waivers(cut["findings"], tables["findings"])
    cut["verdicts"] = _keep_answers(cut["verdicts"], tables["verdicts"])
    cut["coverage"] = pa.concat_tables([_describe_removal(left_out, cut["coverage"]), steps, cut["coverage"]])
    cut_facts = dict(facts) | {"kind": "what-if", "without": sorted(left_out)} | evaluate.summarise_tables(cut)
    return {name: schemas.conform(cut[name], schema) for name, schema in schemas.SEALED.items()}, cut_facts


def _check_names(there: Sequence[str], dropped: Collection[str], facts: Mapping[str, Any]) -> None:
    for name in sorted(set(dropped) - set(there)):
        close = get_close_matches(name, there, 3)
        meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ConfigError(f"there is no source {name!r} in this audit{meant}")
    if facts.get("without"):
        raise ConfigError(
            "sources were left out of this audit before: name all of them at once, of the audit as scanned"
        )
    if len(set(dropped)) == len(there):
        raise ConfigError("without all of its sources nothing is left of an audit")


def _paths_of_files(files: pa.Table) -> pa.Table:
    """PATHS, as far as FILES remembers it: what is on disk, and its role."""
    on_disk = files.filter(pc.invert(pc.match_substring(files["path"], "!/")))
    target = pa.nulls(on_disk.num_rows, schemas.PATHS.field("target").type)
    columns = [on_disk[name] for name in ("path", "role", "format", "bytes", "skip_reason")]
    return pa.table([*columns, target], schema=schemas.PATHS)


def _rows_outside(table: pa.Table, dropped: Collection[str], *names: str) -> pa.Table:
    values = pa.array(sorted(dropped), pa.string())
    for name in names:
        table = table.filter(pc.invert(pc.is_in(table[name], value_set=values)))
    return table


def _matches_outside(matches: pa.Table, dropped: Collection[str]) -> pa.Table:
    """Leave rows of MATCHES out, in a file: there may be more of them than memory holds."""
    parts = (
        part
        for batch in matches.to_batches()
        for part in _rows_outside(pa.Table.from_batches([batch]), dropped, "source_a", "source_b").to_batches()
    )
    return mapped_tables.spill_table(parts, schemas.MATCHES)


def _claims_that_stay(
    tables: Mapping[str, pa.Table], scopes: source_scopes.Scopes, dropped: Collection[str]
) -> pa.Table:
    """Leave out what speaks of nothing that stays: an entry of a dropped source, or a file beside it."""
    files = tables["files"].select(["path", "role", "source"]).to_pylist()
    holders = scopes.list_holders
    of = {row["path"]: row["source"] for row in files}
    staying = sorted(row["path"] for row in files if row["role"] == "data" and row["source"] not in dropped)
    kept = []
    for claim in tables["claims"].to_pylist():
        entry = holders.get(f"{claim['manifest']} {'/'.join(claim['pointer'].split('/')[:3])}")
        holder = entry or of.get(claim["manifest"])
        kept.append(holder not in dropped or (entry is None and _covers_any(claim["scope"], staying)))
    return tables["claims"].filter(pa.array(kept, pa.bool_()))


def _covers_any(scope: str, paths: Sequence[str]) -> bool:
    """Tell whether a scope covers one of `paths`, which are sorted."""
    if scope == "./":
        return bool(paths)
    at = bisect_left(paths, scope)
    return at < len(paths) and is_within(paths[at], scope)


def _files_that_stay(files: pa.Table, claims: pa.Table, dropped: Collection[str]) -> pa.Table:
    """Leave out the dropped sources' files, but for those whose statements stay."""
    speaking = pa.array(sorted(set(claims["manifest"].to_pylist())), pa.string())
    gone = pc.is_in(files["source"], value_set=pa.array(sorted(dropped), pa.string()))
    silent = pc.or_(pc.equal(files["role"], "data"), pc.invert(pc.is_in(files["path"], value_set=speaking)))
    return files.filter(pc.invert(pc.and_(gone, silent)))


def _keep_affected(found: pa.Table, dropped: Collection[str]) -> list[Finding]:
    """Keep what the text of a dropped source said of one that stays."""
    staying = {check.name for check in checks.CHECKS.values() if check.survives_removal}
    return [
        Finding(
            **{name: row[name] for name in _FINDING_COLUMNS if name in row and name != "message"},
            message=f"{row['message']} {row['other']} is left out here; its text still stands in {row['source']}.",
        )
        for row in found.to_pylist()
        if row["check"] in staying and row["other"] in dropped and row["source"] not in dropped
    ]


def _keep_waivers(found: pa.Table, before: pa.Table) -> pa.Table:
    waivers = dict(zip(*(before[name].to_pylist() for name in ("fingerprint", "waived")), strict=True))
    return schemas.rows(
        [row | {"waived": waivers.get(row["fingerprint"])} for row in found.to_pylist()], schemas.FINDINGS
    )


def _keep_answers(found: pa.Table, before: pa.Table) -> pa.Table:
    """Keep what was declared of a service; what was declared of the data was of other data."""
    declared = {_element_of(row): row for row in before.to_pylist() if row["declared"] is not None}
    rows = []
    for row in found.to_pylist():
        answer = declared.get(_element_of(row))
        if answer is None:
            rows.append(row)
        elif answer["about"] == "service":
            rows.append(answer)
        else:
            given = f"declared {answer['declared']} in entry {answer['declared_in']}, which does not count"
            stale = {"reason": f"{given}: it was given for all of the data"}
            rows.append(row | {name: answer[name] for name in ("declared", "declared_in")} | stale)
    return schemas.rows(rows, schemas.VERDICTS)


def _element_of(row: Mapping[str, Any]) -> tuple[str, str, int]:
    return row["profile"], row["requirement"], row["element"]


def _describe_removal(dropped: Collection[str], coverage: pa.Table) -> pa.Table:
    reason = f"what-if: nothing was read again; left out: {', '.join(sorted(dropped))}"
    seen = coverage.select(["records_seen", "records_unreadable"]).slice(0, 1).to_pylist()[0]
    return schemas.rows([{"check": "omission", "status": "ran", "reason": reason} | seen], schemas.COVERAGE)


def _step_rows(coverage: pa.Table) -> pa.Table:
    made = pa.array([*checks.CHECKS, MINIMUMS])
    return coverage.filter(pc.invert(pc.is_in(coverage["check"], value_set=made)))
