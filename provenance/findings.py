"""From tables to FINDINGS, COVERAGE and VERDICTS: the checks compare, the profiles judge.

A scan comes through here, and so does an audit from which sources are left out: both ask the same questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance import checks, sampling
from provenance.licences.compatibility import loses
from provenance.model import SEVERITIES
from provenance.origins import known
from provenance.profiles.judgement import judge
from provenance.similarity import evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.model import Answer, Finding
    from provenance.profiles import Profile
    from provenance.sources import Scopes


def draw(
    tables: Mapping[str, pa.Table],
    scopes: Scopes,
    chosen: Sequence[Profile],
    *,
    originals: Mapping[str, str] | None = None,
    kept: Sequence[Finding] = (),
    answers: Mapping[tuple[str, str, str], Answer] | None = None,
    indexes: Sequence[Mapping[str, Any]] = (),
    threads: int = 1,
) -> dict[str, pa.Table]:
    """Run every check and judge what it found.

    Args:
        tables: what checks read, by name: PATHS, CLAIMS, FILES, MATCHES, OVERLAPS, OBSERVATIONS,
            REFERENCES, SOURCES.
        scopes: who covers what, and the purpose.
        chosen: the profiles.
        originals: path -> id of the known data set whose original file it is; those of FILES if None.
        kept: findings that hold whatever the tables say, because more was known once.
        answers: what a responsible person declared, by profile, requirement and element.
        indexes: what was looked for, as `reference.described` has it.
        threads: checks that run side by side.

    Returns:
        `findings`, `coverage` of the checks, and `verdicts`.
    """
    files, sampled = sampling.evidenced(tables["files"])
    settings: dict[str, Any] = {
        "witnesses": scopes.witnesses(files),
        "holders": scopes.holders,
        "originals": known_originals(files, tables["references"]) if originals is None else originals,
        "purpose": scopes.purpose,
        "indexes": indexes,
        "minimum": min((profile.minimum_shingles for profile in chosen), default=1),
    }
    found, coverage = checks.find(dict(tables) | {"files": files} | settings, threads)
    findings = [*found, *kept]
    severities, verdicts = judge(findings, coverage, chosen, tables["files"], answers)
    verdicts = sampling.temper(verdicts) if sampled else verdicts
    return {"findings": checks.tabled(findings, severities), "coverage": coverage, "verdicts": verdicts}


def known_originals(files: pa.Table, references: pa.Table) -> dict[str, str]:
    """Return which files are the originals of known data sets, by digest or word for word.

    Args:
        files: FILES.
        references: REFERENCES.

    Returns:
        Path -> id of the data set whose published digest the file has; or of which every record of the file is a
        record, where the file's licence keeps that of the set: who copies under the same terms takes nothing away.
    """
    digests = known.by_digest()
    columns = (files[name].to_pylist() for name in ("path", "sha256"))
    found = {path: digests[digest].id for path, digest in zip(*columns, strict=True) if digest in digests}
    licences = evidence.known_licences(files)
    for row in references.to_pylist():
        alike = (
            row["of"] == "texts" and row["view"] == "whole" and row["records"] == row["records_view"] >= row["scale"]
        )
        entry = known.by_name().get(row["title"]) if alike and row["path"] is not None else None
        licence = licences.get(row["path"])
        if entry is not None and entry.licence and licence and not loses(licence, entry.licence):
            found.setdefault(row["path"], entry.id)
    return found


def counted(tables: Mapping[str, pa.Table]) -> dict[str, Any]:
    """Sum up for an entry of the ledger what its tables hold.

    Args:
        tables: FINDINGS, SOURCES and FILES, by name.

    Returns:
        `counts` of findings by severity, of those waived, of sources, files and findings. No source is named: what is
        signed once cannot be withheld later, and the table of sources says it.
    """
    levels = tables["findings"]["severity"].to_pylist()
    counts = {level: levels.count(level) for level in SEVERITIES}
    counts |= {name: tables[name].num_rows for name in ("sources", "files", "findings")}
    counts["waived"] = tables["findings"].num_rows - tables["findings"]["waived"].null_count
    return {"counts": counts}
