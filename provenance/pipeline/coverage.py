"""What the steps of a scan did not look at, in words: the rows of COVERAGE that no check writes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance import checks, detectors
from provenance.core import schemas
from provenance.pipeline.matching import reference_matches
from provenance.readers import manifests
from provenance.similarity.candidates import banding, boilerplate, containment, minhash
from provenance.similarity.text import normalisation, unicode_tables
from provenance.sources import claims as source_claims
from provenance.sources.privacy import gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from provenance.pipeline.matching import match_plan


DOCUMENTS = "documents"
"""Name of the row of COVERAGE that says how much prose of documents was not read as records; there only if there is."""

MINIMUMS = "minimums"
"""Name of the row of COVERAGE that says what fell below the minimums of profiles; there only if something did."""

_MATCHING = ("exact-matches", "near-matches", "containment", "views", "columns")
_STEPS_BEFORE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("overlaps", "shared", "uncounted", "copied", "reanswered", "leaks", "repeats"), _MATCHING),
    "observations": ("columns", *detectors.DETECTORS),
    "claims": ("manifests",),
    "holders": ("manifests",),
    "witnesses": ("manifests",),
    "files": (),  # what was not read of them is counted by itself
    "sources": (),
    "paths": (),
    "references": (),  # checks say themselves what they could not look for
    "indexes": (),
    "originals": (),
    "purpose": (),
    "minimum": (),
    "sizes": (),
}
"""By table or setting that a check reads, the steps of which a gap is one of the check's as well."""

LONG = 4096
"""Bytes of a document that could hold a number of records; shorter ones are rows of FILES like all others."""


def coverage_of_steps(
    files: pa.Table,
    claims: pa.Table,
    observations: pa.Table,
    *,
    refused: Mapping[str, str],
    comparison: match_plan.ComparisonResult,
    looked_up: str,
) -> pa.Table:
    """Say of every step what it did not look at; first, what the data itself overrides.

    Args:
        files: FILES.
        claims: CLAIMS.
        observations: OBSERVATIONS.
        refused: manifests that were not read, and why.
        comparison: what the comparison says.
        looked_up: what was looked for from indexes.

    Returns:
        COVERAGE, one row a step.
    """
    rows = files.select(
        ["path", "role", "format", "bytes", "bytes_skipped", "skip_reason", "records", "records_unreadable"]
    ).to_pylist()
    on_disk = [row for row in rows if "!/" not in row["path"]]
    seen = {
        "records_seen": sum(row["records"] - row["records_unreadable"] for row in rows),
        "records_unreadable": sum(row["records_unreadable"] for row in rows),
    }
    read = _skipped_by_reason(row for row in rows if row["path"] in refused or _is_document(row))
    reasons: dict[str, str | None] = {
        "overrides": source_claims.describe_overrides(claims, {row["path"] for row in rows if row["role"] == "data"}),
        "inventory": _skipped_by_reason(row for row in rows if row["role"] == "ignored"),
        "manifests": "; ".join(each for each in (read, source_claims.describe_uncompared(claims)) if each) or None,
        "records": _skipped_by_reason(row for row in on_disk if row["role"] in {"data", "unreadable"}),
        "exact-matches": _count_phrase(
            comparison.pivoted, "records of common texts that were compared with one file each"
        ),
        "near-matches": _near_matches(comparison),
        "containment": _contained_matches(comparison),
        BETWEEN_VIEWS: _view_matches(comparison),
        reference_matches.STEP: looked_up,
        "boilerplate": _count_phrase(
            sum(comparison.boilerplate_count.values()),
            f"runs of five words that stand in {boilerplate.COMMON_FROM} texts or more, "
            "so that they count as boilerplate",
        ),
        **detectors.describe_scope(),
    }
    if unread := detectors.describe_unread(observations):
        reasons[detectors.UNREAD] = unread
    if documents := _documents(rows):
        reasons[DOCUMENTS] = documents
    made = [{"check": step, "status": "ran", "reason": reason} | seen for step, reason in reasons.items()]
    return schemas.rows(made, schemas.COVERAGE)


def find_gaps(steps: pa.Table) -> dict[str, list[str]]:
    """Say of every check what the steps that it rests on did not look at in this data.

    Args:
        steps: COVERAGE of the steps.

    Returns:
        One sentence a gap, by check. How far a method sees is none: it is the same for any data.
    """
    scope = {part for reason in detectors.describe_scope().values() for part in reason.split("; ")}
    always = {_RECALL, _LEAST, *scope}
    gaps: dict[str, list[str]] = defaultdict(list)
    for row in steps.select(["check", "status", "reason"]).to_pylist():
        sentences = [each for each in (row["reason"] or "").split("; ") if each and each not in always]
        if row["status"] != "ran":
            sentences.append(f"{row['check']} {row['status']}")
        gaps[row["check"]] += [f"{row['check']}: {each}" for each in sentences]
    return {
        check: [gap for step in dict.fromkeys(_list_steps(check)) for gap in gaps.get(step, ())]
        for check in checks.CHECKS
    }


def _list_steps(check: str) -> Iterator[str]:
    for table in checks.list_inputs(check):
        yield from _STEPS_BEFORE.get(table, _MATCHING)


def describe_minimums(coverage: pa.Table, below: str | None) -> pa.Table:
    """Say what fell below the minimums of profiles.

    Args:
        coverage: COVERAGE of the checks, at least one row.
        below: from `judgement.describe_minimums`.

    Returns:
        The same, with a row for it at the head if there is anything.
    """
    if below is None:
        return coverage
    seen = {name: coverage[name][0].as_py() for name in ("records_seen", "records_unreadable")}
    row = {"check": MINIMUMS, "status": "ran", "reason": below} | seen
    return pa.concat_tables([schemas.rows([row], schemas.COVERAGE), coverage])


def add_personal_data_in_paths(coverage: pa.Table, count: int) -> pa.Table:
    """Say how many paths hold what looks like personal data.

    Args:
        coverage: COVERAGE, at least one row.
        count: such paths.

    Returns:
        The same, with a row for them if there are any.
    """
    if not count:
        return coverage
    hold = "path holds" if count == 1 else "paths hold"
    reason = f"{count:,} {hold} what looks like personal data or a secret; paths are identifiers and are kept"
    seen = {name: coverage[name][0].as_py() for name in ("records_seen", "records_unreadable")}
    row = {"check": gate.STEP, "status": "ran", "reason": reason} | seen
    return pa.concat_tables([coverage, schemas.rows([row], schemas.COVERAGE)])


def add_chinese_folding(coverage: pa.Table) -> pa.Table:
    """Say how traditional and simplified Chinese were made one.

    Args:
        coverage: COVERAGE of a scan that folded them, at least one row.

    Returns:
        The same, with a row for it at the head.
    """
    folded = len(unicode_tables.load_chinese_folding())
    reason = (
        f"{normalisation.CHINESE}: {folded:,} traditional characters count as their simplified ones, by character "
        "and not by word: 乾, 幹 and 干 are one, 軟體 and 软件 are two"
    )
    seen = {name: coverage[name][0].as_py() for name in ("records_seen", "records_unreadable")}
    row = {"check": "chinese-folding", "status": "ran", "reason": reason} | seen
    return pa.concat_tables([schemas.rows([row], schemas.COVERAGE), coverage])


def _documents(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Say how many bytes of documents were read for what they state, and not as records."""
    long = [
        row
        for row in rows
        if row["role"] in {"documentation", "manifest"} and _has_headings(row["format"]) and row["bytes"] > LONG
    ]
    if not long:
        return None
    largest = max(long, key=lambda row: (row["bytes"], row["path"]))
    noun, verb, them, s = ("document", "was", "it", "s") if len(long) == 1 else ("documents", "were", "they", "")
    return (
        f"{len(long):,} {noun} of more than {LONG:,} bytes {verb} read for what {them} state{s} and not as records: "
        f"{sum(row['bytes'] for row in long):,} bytes, the largest {largest['path']}"
    )


def _has_headings(kind: str | None) -> bool:
    """Tell whether a format is that of a card or README, of which prose may be the larger part."""
    form = manifests.FORMATS.get(kind or "")
    return form is not None and form.headings


def _is_document(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is a licence, manifest or document inside an archive."""
    return "!/" in row["path"] and row["role"] != "data"


def _count_phrase(count: int, what: str) -> str | None:
    return f"{what}: {count:,}" if count else None


_RECALL = (
    f"Jaccard >= 0.8 is found with probability 1 - (1 - j^{minhash.ROWS_PER_BAND})^{minhash.BANDS}, "
    f"{minhash.candidate_probability(0.8):.3f} at 0.8"
)
_LEAST = f"texts of fewer than {containment.LEAST_SHINGLES} distinct shingles are not looked for inside longer ones"
BETWEEN_VIEWS = "view-matches"
"""The step in which prompts and single columns are looked for in other views."""


def _near_matches(comparison: match_plan.ComparisonResult) -> str:
    """Say how many near matches are to be expected, and what was compared with less than everything."""
    sentences = [
        _RECALL,
        _count_phrase(
            comparison.pivoted_near,
            f"texts of groups beyond {banding.LARGEST_GROUP} that were compared with {banding.PIVOTS_PER_GROUP} each",
        ),
        _count_phrase(comparison.first_file_only, "records of common texts that name one file each"),
    ]
    return "; ".join(each for each in sentences if each)


def _contained_matches(comparison: match_plan.ComparisonResult) -> str:
    """Say which texts are looked for inside longer ones."""
    sentences = [
        _count_phrase(comparison.short, "texts of one shingle, five words or fewer, that were not looked for"),
        _count_phrase(comparison.not_anchored, "texts left aside, as their words stand in crowds"),
        _count_phrase(
            comparison.thinned,
            f"texts that stand in more than {containment.HOLDERS_KEPT} longer ones, of which a share is kept",
        ),
        _count_phrase(
            comparison.unplaced, "second readings that failed, so that it could not be looked for where texts stand"
        ),
    ]
    return "; ".join(filter(None, [_LEAST, *sentences]))


def _view_matches(comparison: match_plan.ComparisonResult) -> str | None:
    """Say what was not looked for in other views."""
    found = comparison.across
    sentences = [
        _count_phrase(
            comparison.short_fields,
            "texts of single columns, of five words or fewer, that were not looked for by themselves",
        )
    ]
    if found is not None:
        sentences += [
            _count_phrase(found.not_anchored, "texts left aside, as their words stand in crowds"),
            _count_phrase(
                found.thinned,
                f"texts that stand in more than {containment.HOLDERS_KEPT} longer ones, of which a share is kept",
            ),
            _count_phrase(
                found.pivoted,
                f"texts of groups beyond {banding.LARGEST_GROUP}, compared with {banding.PIVOTS_PER_GROUP} each",
            ),
        ]
    return "; ".join(filter(None, sentences)) or None


def _skipped_by_reason(rows: Iterable[Mapping[str, Any]]) -> str | None:
    """Add up what was skipped, by reason, the most bytes first."""
    added: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["skip_reason"] and (row["bytes_skipped"] or row["role"] != "data" or not row["bytes"]):
            added[row["skip_reason"]][0] += 1
            added[row["skip_reason"]][1] += row["bytes_skipped"]
    listed = sorted(added.items(), key=lambda each: (-each[1][1], each[0]))
    shown = [f"{reason}: {files:,} file{'s' * (files != 1)}, {size:,} bytes" for reason, (files, size) in listed[:20]]
    if len(listed) > 20:
        shown.append(f"{len(listed) - 20} more reasons")
    return "; ".join(shown) or None
