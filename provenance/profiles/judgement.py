"""Judgement: what profiles make of findings, of what was not looked at, and of what a responsible person declared.

An element is answered first, then its requirement. Contrary evidence outweighs every answer; an element that nobody
answered leaves its requirement open; `conforms` needs every element, a person's word among them, and a text that
somebody has read. Only a *shall* can fail, and not one whose text is unconfirmed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance import profiles
from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import SEVERITIES, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.core.model import DeclaredAnswer, Finding
    from provenance.profiles import Profile

Answers = dict[tuple[str, str, str], "DeclaredAnswer"]
"""The newest answer by profile, requirement and element."""

_AGAINST, _OPEN, _CLEAN, _OUTSIDE = "against", "open", "clean", "outside"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the machine saw, and how much of what there was."""

    ran: Mapping[str, bool]
    idle: Mapping[str, str]
    partly: Mapping[str, str]
    unread: int
    nothing: bool
    answers: Mapping[tuple[str, str, str], DeclaredAnswer]

    @property
    def whole(self) -> bool:
        return not self.unread and not self.nothing


def severity(rule: Mapping[str, Any], finding: Finding) -> str | None:
    """Map a finding's value to a severity.

    Args:
        rule: of one check in one element.
        finding: one finding of that check.

    Returns:
        error | warning | note; None below the rule's minimum.
    """
    for name, least in rule.get("minimum", {}).items():
        count = {"records": finding.records, "texts": finding.texts}[name]
        if count is not None and count < least:
            return None
    steps = rule.get("fields", {}).get(finding.field, rule["severity"])
    if isinstance(steps, str):
        return steps
    value = finding.value if finding.value is not None else float("inf")
    records = finding.records if finding.records is not None else float("inf")
    reached = [step for step in steps if value >= step["from"] and records >= step.get("records", 0)]
    return max(reached, key=lambda step: step["from"])["is"] if reached else None


def judge(
    findings: Sequence[Finding],
    coverage: pa.Table,
    chosen: Sequence[Profile],
    files: pa.Table,
    *,
    answers: Mapping[tuple[str, str, str], DeclaredAnswer] | None = None,
) -> tuple[dict[str, tuple[str, str | None]], pa.Table]:
    """Say what profiles make of findings and declarations.

    Args:
        findings: from the checks.
        coverage: COVERAGE: a check that did not run, or saw a part only, leaves its element without evidence.
        chosen: the profiles.
        files: FILES: bytes that were not read leave a clean element without evidence.
        answers: the newest declared answer by profile, requirement and element.

    Returns:
        Fingerprint -> the worst severity and its clause (findings that no profile minds are left out); and VERDICTS.
    """
    by_check: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_check[finding.check].append(finding)
    severities: dict[str, tuple[str, str | None]] = {}
    weighed: dict[tuple[str, str, int], list[tuple[str, str, str]]] = defaultdict(list)
    for profile in chosen:
        for requirement, number, check, rule in profiles.checks(profile):
            for finding in by_check[check]:
                level = severity(rule, finding)
                if level is None:
                    continue
                mark = fingerprint(finding.check, finding.source, finding.other, finding.field)
                weight = rule.get("evidence", _AGAINST) if level != "note" else "none"
                weighed[profile.name, requirement["id"], number].append((mark, level, weight))
                known = severities.get(mark)
                if known is None or SEVERITIES.index(level) < SEVERITIES.index(known[0]):
                    severities[mark] = (level, cited(profile.name, requirement))
    rows_ = coverage.to_pylist()
    ran = {row["check"]: row["status"] == "ran" for row in rows_}
    partly = {row["check"]: row["reason"] for row in rows_ if row["status"] == "ran" and row["reason"]}
    idle = {row["check"]: row["reason"] for row in rows_ if row["status"] == "skipped" and row["reason"]}
    seen = _Seen(ran, idle, partly, *_unread(files), answers or {})
    rows: list[dict[str, object]] = []
    for profile in chosen:
        for requirement in profile.requirements:
            rows += _requirement(profile, requirement, weighed, seen)
    return severities, schemas.rows(rows, schemas.VERDICTS)


def cited(profile: str, requirement: Mapping[str, Any]) -> str:
    """Name a clause; where its text was not read in primary form, say so beside it.

    Args:
        profile: the profile's name.
        requirement: as the profile or a row of VERDICTS has it: clause, text.
    """
    mark = "" if requirement["text"] == "primary" else f" (text: {requirement['text']})"
    return f"{profile}: {requirement['clause']}{mark}"


def overall(verdicts: Sequence[str]) -> str:
    """Return the verdict of a requirement from those of its elements: the gravest.

    Args:
        verdicts: of its elements, at least one.
    """
    return min(verdicts, key=VERDICTS.index)


def _unread(files: pa.Table) -> tuple[int, bool]:
    """Return the bytes on disk that were to be read and were not, and whether that is all there was of data."""
    columns = ("path", "role", "bytes_consumed", "bytes_skipped")
    rows = [row for row in files.select(columns).to_pylist() if row["role"] != "ignored" and "!/" not in row["path"]]
    read = any(row["bytes_consumed"] for row in rows if row["role"] == "data")
    return sum(row["bytes_skipped"] for row in rows), not read


def _requirement(
    profile: Profile,
    requirement: Mapping[str, Any],
    weighed: Mapping[tuple[str, str, int], list[tuple[str, str, str]]],
    seen: _Seen,
) -> list[dict[str, object]]:
    """Answer every element of a requirement, then say what follows for each of them."""
    judged = []
    for number, element in enumerate(requirement["elements"], 1):
        found = weighed.get((profile.name, requirement["id"], number), [])
        answer = seen.answers.get((profile.name, requirement["id"], element.get("id", "")))
        state, reason = _machine(element, found, seen) if element["by"] == "machine" else _declared(element, answer)
        judged.append((number, element, found, answer, state, reason))
    outside = _outside(profile, seen)
    closed = _closed(profile, requirement, [(element, state) for _, element, _, _, state, _ in judged], seen)
    refuted = any(element["by"] == "machine" and state == _AGAINST for _, element, _, _, state, _ in judged)
    rows: list[dict[str, object]] = []
    for number, element, found, answer, state, reason in judged:
        verdict = _word(requirement, state, closed)
        sentence = reason + _why(requirement, state, [weight for _, _, weight in found])
        if refuted and answer is not None and state in {_CLEAN, _OUTSIDE}:
            verdict, sentence = "not evidenced", f"{reason}; the machine found evidence against the requirement"
        if refuted and element["by"] == "machine":
            sentence += "".join(f"; declared {each.says} in entry {each.entry}" for *_, each, _, _ in judged if each)
        if outside is not None:
            verdict, sentence = "not applicable", outside
        rows.append(
            _row(profile, requirement, number, element, found, answer) | {"verdict": verdict, "reason": sentence}
        )
    return rows


def _row(
    profile: Profile,
    requirement: Mapping[str, Any],
    number: int,
    element: Mapping[str, Any],
    found: Sequence[tuple[str, str, str]],
    answer: DeclaredAnswer | None,
) -> dict[str, object]:
    return {
        "profile": profile.name, "requirement": requirement["id"], "element": number, "title": requirement["title"],
        "modality": requirement["modality"], "text": requirement["text"], "clause": requirement["clause"],
        "answered_by": element["by"], "findings": len(found), "fingerprints": sorted(mark for mark, _, _ in found),
        "checks": list(element.get("checks", ())), "asked": element.get("id"), "asks": element.get("asks"),
        "asks_zh": element.get("asks_zh"), "about": element.get("about"), "conditional": element.get("conditional"),
        "declared": answer.says if answer else None, "declared_in": answer.entry if answer else None,
        "title_zh": requirement.get("title_zh"), "clause_zh": requirement.get("clause_zh"),
        "note": requirement.get("note"), "note_zh": requirement.get("note_zh"),
        "references": list(requirement.get("references", profile.references)),
    }  # fmt: skip


def _machine(element: Mapping[str, Any], found: Sequence[tuple[str, str, str]], seen: _Seen) -> tuple[str, str]:
    """Answer one element: contrary evidence first, then what was not looked at, then silence."""
    weights = [weight for _, _, weight in found]
    if _AGAINST in weights:
        return _AGAINST, f"{_counted(weights.count(_AGAINST))} against it"
    if _OPEN in weights:
        return _OPEN, f"{_counted(weights.count(_OPEN))}: evidence is missing or unsettled"
    missing = [check for check in element["checks"] if not seen.ran.get(check, False)]
    if missing:
        return _missing(element, missing, seen)
    if seen.nothing:
        return _OPEN, f"no data could be read; {seen.unread:,} bytes were not"
    partly = dict.fromkeys(seen.partly[check] for check in element["checks"] if check in seen.partly)
    if partly:
        return _OPEN, "; ".join(partly)
    sentence = (
        f"in what was read; {seen.unread:,} bytes were not"
        if seen.unread
        else "everything that was not left out was read"
    )
    return _CLEAN, sentence + (f"; {_counted(len(found))}, of no weight" if found else "")


def _missing(element: Mapping[str, Any], missing: Sequence[str], seen: _Seen) -> tuple[str, str]:
    """Say of an element whose checks did not run whether it does not apply: they were given nothing to compare with."""
    if element.get("conditional") and all(check in seen.idle for check in element["checks"]):
        return _OUTSIDE, "; ".join(dict.fromkeys(seen.idle[check] for check in missing))
    return _OPEN, f"did not run: {', '.join(missing)}"


def _counted(count: int) -> str:
    return f"{count} finding{'s' * (count != 1)}"


def _declared(element: Mapping[str, Any], answer: DeclaredAnswer | None) -> tuple[str, str]:
    if answer is None:
        return _OPEN, f"answered by a {element['by']}, which is not there"
    sentence = f"declared {answer.says} by {answer.role} (entry {answer.entry})"
    if answer.stale is not None:
        return _OPEN, f"{sentence}, which does not count: {answer.stale}"
    if answer.says == "no":
        return _AGAINST, sentence
    if answer.says == "not-applicable":
        return _OUTSIDE, sentence
    bound = f", {answer.documents} document{'s' * (answer.documents != 1)}" if answer.documents else ""
    if element["by"] == "document" and not answer.documents:
        return _OPEN, f"{sentence}, but no document is bound"
    return _CLEAN, sentence + bound


def _outside(profile: Profile, seen: _Seen) -> str | None:
    """Return why the whole instrument does not apply, if that is declared."""
    if profile.scope is None:
        return None
    answer = seen.answers.get((profile.name, profile.scope["requirement"], profile.scope["element"]))
    if answer is None or answer.stale is not None or answer.says == "yes":
        return None
    return f"{profile.scope['reason']}: {answer.says} by {answer.role} (entry {answer.entry})"


def _closed(
    profile: Profile, requirement: Mapping[str, Any], judged: Sequence[tuple[Mapping[str, Any], str]], seen: _Seen
) -> bool:
    """Tell whether a requirement conforms: all answered, one by a person's yes, and all of the data read."""
    affirmed = any(element["by"] != "machine" and state == _CLEAN for element, state in judged)
    return (
        affirmed
        and {state for _, state in judged} <= {_CLEAN, _OUTSIDE}
        and (seen.whole or all(element["by"] != "machine" for element, _ in judged))
        and requirement["text"] != "unconfirmed"
        and (profile.scope is None or requirement["id"] != profile.scope["requirement"])
    )


def _word(requirement: Mapping[str, Any], state: str, closed: bool) -> str:
    if state == _AGAINST:
        fails = requirement["modality"] == "shall" and requirement["text"] != "unconfirmed"
        return "does not conform" if fails else "not evidenced"
    if state == _OUTSIDE:
        return "not applicable"
    if state == _OPEN:
        return "not evidenced"
    return "conforms" if closed else "no contrary evidence"


def _why(requirement: Mapping[str, Any], state: str, weights: Sequence[str]) -> str:
    """Say what the clause keeps from following, and what stands beside contrary evidence."""
    unsettled = f"; {weights.count(_OPEN)} more leave it open" if state == _AGAINST and _OPEN in weights else ""
    return _limit(requirement, state) + unsettled


def _limit(requirement: Mapping[str, Any], state: str) -> str:
    if requirement["text"] == "unconfirmed" and state == _AGAINST:
        return "; nothing fails a clause whose text is unconfirmed"
    if requirement["text"] == "unconfirmed" and state == _CLEAN:
        return "; nothing conforms to a clause whose text is unconfirmed"
    return ""
