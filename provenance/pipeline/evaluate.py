"""From tables to FINDINGS, COVERAGE and VERDICTS: the checks compare, the profiles judge.

A scan comes through here, and so does an audit from which sources are left out: both ask the same questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import checks
from provenance.core.model import SEVERITIES
from provenance.pipeline import coverage as coverage_rows
from provenance.pipeline import file_sampling
from provenance.pipeline.matching.scan_rules import find_minimum, make_scan_rules
from provenance.profiles import judgement
from provenance.similarity.evidence import match_batches
from provenance.similarity.evidence.evidence_shares import TextSizes
from provenance.similarity.evidence.original_files import find_known_originals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.core.model import DeclaredAnswer, Finding
    from provenance.profiles import Profile
    from provenance.sources.scopes import Scopes


def count_evidence(
    tables: Mapping[str, pa.Table], chosen: Sequence[Profile], originals: Mapping[str, str]
) -> dict[str, pa.Table]:
    """Count the matches of an audit as evidence, a piece of MATCHES after the other.

    Args:
        tables: FILES, CLAIMS, MATCHES and OVERLAPS by name.
        chosen: the profiles.
        originals: path -> id of the known data set whose original file it is.

    Returns:
        The tables of evidence_schemas.COUNTED by name.
    """
    rules = make_scan_rules(tables["files"], tables["claims"], chosen, originals)
    return match_batches.count_matches(tables["matches"], rules, tables["overlaps"])


def run_checks(
    tables: Mapping[str, pa.Table],
    scopes: Scopes,
    chosen: Sequence[Profile],
    *,
    originals: Mapping[str, str] | None = None,
    kept: Sequence[Finding] = (),
    answers: Mapping[tuple[str, str, str], DeclaredAnswer] | None = None,
    steps: pa.Table | None = None,
    indexes: Sequence[Mapping[str, Any]] = (),
    threads: int = 1,
) -> dict[str, pa.Table]:
    """Run every check and judge what it found.

    Args:
        tables: what checks read, by name: PATHS, CLAIMS, FILES, OVERLAPS, OBSERVATIONS, REFERENCES, SOURCES, and those
            of evidence_schemas.COUNTED, see `count_evidence`.
        scopes: who covers what, and the purpose.
        chosen: the profiles.
        originals: path -> id of the known data set whose original file it is; those of FILES if None.
        kept: findings that hold whatever the tables say, because more was known once.
        answers: what a responsible person declared, by profile, requirement and element.
        steps: COVERAGE of the steps before the checks; None = they left nothing out.
        indexes: what was looked for, as `reference_index.describe_index` has it.
        threads: checks that run side by side.

    Returns:
        `findings`, `coverage` of the checks and of profiles' minimums, and `verdicts`.
    """
    files, sampled = file_sampling.drop_unopened(tables["files"])
    settings: dict[str, Any] = {
        "witnesses": scopes.witnesses(files),
        "holders": scopes.list_holders,
        "originals": find_known_originals(files, tables["references"]) if originals is None else originals,
        "purpose": scopes.purpose,
        "indexes": indexes,
        "minimum": find_minimum(chosen),
        "sizes": TextSizes(files, tables["observations"]),
    }
    found, coverage = checks.find(dict(tables) | {"files": files} | settings, threads)
    findings = [*found, *kept]
    gaps = coverage_rows.find_gaps(steps) if steps is not None else {}
    severities, verdicts = judgement.judge(findings, coverage, chosen, tables["files"], answers=answers, gaps=gaps)
    coverage = coverage_rows.describe_minimums(coverage, judgement.describe_minimums(findings, chosen))
    verdicts = file_sampling.withdraw_unsupported(verdicts) if sampled else verdicts
    findings = judgement.settle_values(findings, chosen)
    return {"findings": checks.make_findings(findings, severities), "coverage": coverage, "verdicts": verdicts}


def summarise_tables(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Sum up for an entry of the ledger what its tables hold.

    Args:
        tables: FINDINGS, SOURCES and FILES, by name.

    Returns:
        `counts` of findings by severity, of those waived, of sources, files and findings. No source is named: what is
        signed once cannot be withheld later, and the table of sources says it.
    """
    return {
        "counts": count(tables["findings"], {name: tables[name].num_rows for name in ("sources", "files", "findings")})
    }


def count(findings: pa.Table, rows: Mapping[str, int]) -> dict[str, int]:
    """Count findings by severity and those that are waived, and the rows of three tables.

    Args:
        findings: FINDINGS.
        rows: how many SOURCES, FILES and FINDINGS have, by name.

    Returns:
        `counts` of an entry.
    """
    levels = findings["severity"].to_pylist()
    counts = {level: levels.count(level) for level in SEVERITIES}
    counts |= {name: rows[name] for name in ("sources", "files", "findings")}
    counts["waived"] = findings.num_rows - findings["waived"].null_count
    return counts
