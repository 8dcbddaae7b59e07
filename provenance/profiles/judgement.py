"""Judgement: what profiles make of findings, of what was not looked at, and of what a responsible person declared.

The tool observes, a named person assesses, and neither speaks for the other: an element has a word of each. *Nothing
found in what was examined* is never said where one of the element's own checks found anything, did not run, or saw a
part only, nor where something of the data was left unread. Where an observation is against what a person declared, both
stay, and the reason says that they differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from provenance import profiles
from provenance.core import schemas
from provenance.core.digests import fingerprint
from provenance.core.model import (
    ASSESSED,
    CONFORMS,
    DOES_NOT_CONFORM,
    EVIDENCE_MISSING,
    NOT_APPLICABLE,
    NOT_EXAMINED,
    NOTHING_FOUND,
    OBSERVED,
    OPEN_POINT,
    SEVERITIES,
    FindingPart,
)
from provenance.core.wording import choose_verb, count_noun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.core.model import DeclaredAnswer, Finding
    from provenance.profiles import Profile

Answers = dict[tuple[str, str, str], "DeclaredAnswer"]
"""The newest answer by profile, requirement and element."""

_AGAINST, _OPEN, _NOTE, _BELOW = "against", "open", "note", "below"
"""How a finding counts in an element: _BELOW is less than its profile minds, and stands in no table of findings."""

_SAYS = {"yes": CONFORMS, "no": DOES_NOT_CONFORM, "not-applicable": NOT_APPLICABLE}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the machine saw, and how much of what there was."""

    idle: Mapping[str, str | None]
    partly: Mapping[str, Sequence[str]]
    unread: Sequence[str]
    answers: Mapping[tuple[str, str, str], DeclaredAnswer]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A finding, and how it counts in one element."""

    mark: str
    check: str
    weight: str


@dataclass(frozen=True, slots=True)
class _Result:
    """What an element comes to."""

    observed: str
    reason: str
    assessed: str | None = None
    assessor: str | None = None


def severity(rule: Mapping[str, Any], finding: Finding) -> str | None:
    """Map a finding's value to a severity.

    Args:
        rule: of one check in one element.
        finding: one finding of that check.

    Returns:
        error | warning | note: the worst of its parts; None where none reaches the rule's minimum.
    """
    part = find_decisive(rule, finding)
    return None if part is None else _weigh_part(rule, finding.field, part)


def find_decisive(rule: Mapping[str, Any], finding: Finding) -> Finding | FindingPart | None:
    """Return the part of a finding that weighs most, the first of equal ones; None where none reaches the minimum.

    Args:
        rule: of one check in one element.
        finding: one finding of that check.
    """
    levels = [(_weigh_part(rule, finding.field, part), part) for part in finding.parts or (finding,)]
    reached = [(SEVERITIES.index(level), number) for number, (level, _) in enumerate(levels) if level is not None]
    return levels[min(reached)[1]][1] if reached else None


def settle_values(findings: Sequence[Finding], chosen: Sequence[Profile]) -> list[Finding]:
    """Give each finding that has parts the value of the one that decides how grave it is.

    Args:
        findings: from the checks.
        chosen: the profiles.

    Returns:
        The findings in the same order.
    """
    rules: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for profile in chosen:
        for _, _, check, rule in profiles.checks(profile):
            rules[check].append(rule)
    return [_settle_value(finding, rules[finding.check]) if finding.parts else finding for finding in findings]


def _settle_value(finding: Finding, rules: Sequence[Mapping[str, Any]]) -> Finding:
    levels = [(severity(rule, finding), find_decisive(rule, finding)) for rule in rules]
    reached = [(SEVERITIES.index(level), number) for number, (level, _) in enumerate(levels) if level is not None]
    part = levels[min(reached)[1]][1] if reached else None
    return finding if part is None else replace(finding, value=part.value, unit=part.unit)


def _weigh_part(rule: Mapping[str, Any], field: str | None, part: Finding | FindingPart) -> str | None:
    """Map the value of a finding, or of a part of it, to a severity; None below the rule's minimum."""
    if not _reaches(rule.get("minimum", {}), part):
        return None
    if isinstance(part, FindingPart) and not part.whole and not _reaches(rule.get("minimum_of_part", {}), part):
        return None
    steps = rule.get("fields", {}).get(field, rule["severity"])
    if isinstance(steps, str):
        return steps
    value = part.value if part.value is not None else float("inf")
    reached = [step for step in steps if value >= step["from"] and _is_large(step, part)]
    return max(reached, key=lambda step: step["from"])["is"] if reached else None


def _reaches(minimum: Mapping[str, int] | list[Mapping[str, int]], part: Finding | FindingPart) -> bool:
    """Tell whether a minimum is reached, or one of several; of the first, a count that is not known hides nothing."""
    counts = {"records": part.records, "texts": part.texts, "bytes": part.text}
    first, *others = minimum if isinstance(minimum, list) else [minimum]
    known = {name: count for name, count in counts.items() if count is not None}
    if all(known.get(name, least) >= least for name, least in first.items()):
        return True
    return any(all(known.get(name, 0) >= least for name, least in way.items()) for way in others)


def _is_large(step: Mapping[str, Any], part: Finding | FindingPart) -> bool:
    """Tell whether a part has the records that a step asks for, or the bytes of text."""
    if part.records is None or part.records >= step.get("records", 0):
        return True
    return "bytes" in step and part.text is not None and part.text >= step["bytes"]


def judge(
    findings: Sequence[Finding],
    coverage: pa.Table,
    chosen: Sequence[Profile],
    files: pa.Table,
    *,
    answers: Mapping[tuple[str, str, str], DeclaredAnswer] | None = None,
    gaps: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, tuple[str, str | None]], pa.Table]:
    """Say what profiles make of findings and declarations.

    Args:
        findings: from the checks.
        coverage: COVERAGE of the checks: of one that did not run, or saw a part only, silence means nothing.
        chosen: the profiles.
        files: FILES: where something was not read, silence means nothing.
        answers: the newest declared answer by profile, requirement and element.
        gaps: by check, what the steps that it rests on did not look at, one sentence each.

    Returns:
        Fingerprint -> the worst severity and its clause (findings that no profile minds are left out); and VERDICTS.
    """
    severities, weighed = _weigh(findings, chosen)
    seen = _Seen(*_read_coverage(coverage, gaps or {}), list(_unread(files)), answers or {})
    rows: list[dict[str, object]] = []
    for profile in chosen:
        for requirement in profile.requirements:
            rows += _requirement(profile, requirement, weighed, seen)
    return severities, schemas.rows(rows, schemas.VERDICTS)


_Severities = dict[str, tuple[str, str | None]]


def _weigh(
    findings: Sequence[Finding], chosen: Sequence[Profile]
) -> tuple[_Severities, dict[tuple[str, str, int], list[_Weighed]]]:
    """Return the worst severity and clause of each finding, and how each counts in each element."""
    by_check: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_check[finding.check].append(finding)
    severities: _Severities = {}
    weighed: dict[tuple[str, str, int], list[_Weighed]] = defaultdict(list)
    for profile in chosen:
        for requirement, number, check, rule in profiles.checks(profile):
            for finding in by_check[check]:
                level = severity(rule, finding)
                if level is None and not _falls_below(rule, finding):
                    continue
                mark = fingerprint(finding.check, finding.source, finding.other, finding.field)
                weight = _BELOW if level is None else _NOTE if level == "note" else rule.get("evidence", _AGAINST)
                weighed[profile.name, requirement["id"], number].append(_Weighed(mark, check, weight))
                if level is None:
                    continue
                known = severities.get(mark)
                if known is None or SEVERITIES.index(level) < SEVERITIES.index(known[0]):
                    severities[mark] = (level, cited(profile.name, requirement))
    return severities, weighed


def _read_coverage(
    coverage: pa.Table, gaps: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str | None], dict[str, list[str]]]:
    """Return why checks were skipped, and of those that ran what they did not look at."""
    partly: dict[str, list[str]] = defaultdict(list)
    idle: dict[str, str | None] = {}
    for row in coverage.to_pylist():
        if row["status"] == "ran":
            partly[row["check"]] += [*([row["reason"]] if row["reason"] else []), *gaps.get(row["check"], ())]
        elif row["status"] == "skipped":
            idle[row["check"]] = row["reason"]
    return idle, partly


def cited(profile: str, requirement: Mapping[str, Any]) -> str:
    """Name a clause; where its text was not read in primary form, say so beside it.

    Args:
        profile: the profile's name.
        requirement: as the profile or a row of VERDICTS has it: clause, text.
    """
    mark = "" if requirement["text"] == "primary" else f" (text: {requirement['text']})"
    return f"{profile}: {requirement['clause']}{mark}"


def overall(elements: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """Return what a requirement comes to.

    Args:
        elements: its rows of VERDICTS, at least one.

    Returns:
        The gravest of what was observed of its elements, but for those that only a person answers and did; and the
        gravest assessment where a person assessed each of the others, else one that does not conform, else None.
    """
    assessed = [row["assessed"] for row in elements if row["assessed"]]
    waiting = any(row["answered_by"] != "machine" and row["assessed"] is None for row in elements)
    settled = not waiting or DOES_NOT_CONFORM in assessed
    observed = [
        row["observed"] for row in elements if row["answered_by"] == "machine" or row["observed"] != NOT_EXAMINED
    ]
    return (
        min(observed or [NOT_EXAMINED], key=OBSERVED.index),
        min(assessed, key=ASSESSED.index) if assessed and settled else None,
    )


def describe_minimums(findings: Sequence[Finding], chosen: Sequence[Profile]) -> str | None:
    """Say for COVERAGE what fell below the minimums of profiles, and so is no finding of theirs.

    Args:
        findings: from the checks.
        chosen: the profiles.

    Returns:
        One clause a profile and check; None where nothing did.
    """
    below: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for profile in chosen:
        for _, _, check, rule in profiles.checks(profile):
            below[profile.name, check] += [
                each for each in findings if each.check == check and _falls_below(rule, each)
            ]
    return (
        "; ".join(
            f"{name}: below its minimum for a finding of {check}: {_sum_up(found)}"
            for (name, check), found in below.items()
            if found
        )
        or None
    )


def _falls_below(rule: Mapping[str, Any], finding: Finding) -> bool:
    """Tell whether a minimum keeps a finding back, or hides what would be one if short matches counted."""
    if severity(rule, finding) is not None:
        return False
    hidden = finding.uncounted
    return hidden is None or bool(finding.records) or _weigh_part(rule, finding.field, hidden) is not None


def _sum_up(found: Sequence[Finding]) -> str:
    """Say how many sources, or pairs of them, and how much of them: "2 pairs of sources, 13 records, 4,100 bytes"."""
    pairs = {(each.source, each.other) for each in found if each.other is not None}
    alone = {each.source for each in found if each.other is None}
    sizes = [each.uncounted if each.uncounted is not None and not each.records else each for each in found]
    records, text = sum(each.records or 0 for each in sizes), sum(each.text or 0 for each in sizes)
    return ", ".join(
        [
            *([f"{count_noun(len(pairs), 'pair')} of sources"] if pairs else []),
            *([count_noun(len(alone), "source")] if alone else []),
            *([count_noun(records, "record")] if records else []),
            *([count_noun(text, "byte")] if text else []),
        ]
    )


def _unread(files: pa.Table) -> Iterator[str]:
    """Yield what of the data was to be read and was not."""
    columns = ("path", "role", "bytes_consumed", "bytes_skipped", "skip_reason", "records_unreadable")
    rows = [row for row in files.select(columns).to_pylist() if row["role"] != "ignored"]
    on_disk = [row for row in rows if "!/" not in row["path"]]
    if not any(row["bytes_consumed"] for row in on_disk if row["role"] == "data"):
        yield "no data could be read"
    if unread := sum(row["bytes_skipped"] for row in on_disk):
        where = count_noun(sum(bool(row["bytes_skipped"]) for row in on_disk), "file")
        yield f"{count_noun(unread, 'byte')} in {where} {choose_verb(unread, 'was', 'were')} not read"
    # a pipe, a link to nothing or a file that vanished has no bytes to count
    if closed := sum(row["skip_reason"] is not None and not row["bytes_skipped"] for row in on_disk):
        yield f"{count_noun(closed, 'file')} could not be read"
    if broken := sum(row["records_unreadable"] for row in rows):
        yield f"{count_noun(broken, 'record')} could not be read"


def _requirement(
    profile: Profile,
    requirement: Mapping[str, Any],
    weighed: Mapping[tuple[str, str, int], list[_Weighed]],
    seen: _Seen,
) -> list[dict[str, object]]:
    """Answer every element of a requirement; where observation and statement differ, say so on both sides."""
    judged = []
    for number, element in enumerate(requirement["elements"], 1):
        found = weighed.get((profile.name, requirement["id"], number), [])
        answer = seen.answers.get((profile.name, requirement["id"], element.get("id", "")))
        result = _observe(element, found, seen) if element["by"] == "machine" else _declared(element, answer)
        if _opens_scope(profile, requirement, element):
            result = replace(result, assessed=None, assessor=None)  # that it applies is no conformity
        judged.append((number, element, found, answer, result))
    points = sum(result.observed == OPEN_POINT for _, element, *_, result in judged if element["by"] == "machine")
    denied = [answer for *_, answer, result in judged if answer and result.assessed in {CONFORMS, NOT_APPLICABLE}]
    # evidence that is missing is what a person may have; that there is nothing to have it for, what was found denies
    absent = [answer for *_, answer, result in judged if answer and result.assessed == NOT_APPLICABLE]
    open_evidence = sum(
        result.observed == EVIDENCE_MISSING and bool(found)
        for _, element, found, _, result in judged
        if element["by"] == "machine"
    )
    outside = _outside(profile, seen)
    rows: list[dict[str, object]] = []
    for number, element, found, answer, result in judged:
        reason, observed = result.reason, result.observed
        against = denied if observed == OPEN_POINT else absent if observed == EVIDENCE_MISSING and found else []
        if against and element["by"] == "machine":
            reason += "".join(f"; declared {each.says} in entry {each.entry}" for each in against) + _DIFFER
        elif (points and answer in denied) or (open_evidence and answer in absent):
            observed = OPEN_POINT
            reason += f"; {count_noun(points + open_evidence, 'observation')} of the tool left open{_DIFFER}"
        if requirement["text"] == "unconfirmed" and result.assessed == CONFORMS:
            reason += "; the text of the clause is unconfirmed: look it up"
        word, assessor = result.assessed, result.assessor
        if outside is not None:
            word, assessor, reason = NOT_APPLICABLE, outside.assessor, f"{_explain_scope(profile, outside)}; {reason}"
        results = {"observed": observed, "assessed": word, "assessor": assessor, "reason": reason}
        rows.append(_row(profile, requirement, number, element, found, answer) | results)
    return rows


_DIFFER = "; statement and observation differ"


def _row(
    profile: Profile,
    requirement: Mapping[str, Any],
    number: int,
    element: Mapping[str, Any],
    found: Sequence[_Weighed],
    answer: DeclaredAnswer | None,
) -> dict[str, object]:
    marks = sorted(each.mark for each in found if each.weight != _BELOW)
    return {
        "profile": profile.name, "requirement": requirement["id"], "element": number, "title": requirement["title"],
        "modality": requirement["modality"], "text": requirement["text"], "clause": requirement["clause"],
        "answered_by": element["by"], "findings": len(marks), "fingerprints": marks,
        "checks": list(element.get("checks", ())), "asked": element.get("id"), "asks": element.get("asks"),
        "asks_zh": element.get("asks_zh"), "about": element.get("about"), "conditional": element.get("conditional"),
        "declared": answer.says if answer else None, "declared_in": answer.entry if answer else None,
        "title_zh": requirement.get("title_zh"), "clause_zh": requirement.get("clause_zh"),
        "note": requirement.get("note"), "note_zh": requirement.get("note_zh"),
        "references": list(requirement.get("references", profile.references)),
    }  # fmt: skip


def _observe(element: Mapping[str, Any], found: Sequence[_Weighed], seen: _Seen) -> _Result:
    """Say what was found, and always what was not looked at; silence counts only where all was looked at."""
    unseen = "; ".join(dict.fromkeys(_unseen(element, seen)))
    if not found:
        return (
            _Result(NOT_EXAMINED, unseen)
            if unseen
            else _Result(NOTHING_FOUND, "everything that was not left out was read")
        )
    counts = Counter(each.weight for each in found)
    sentences = [
        f"{count_noun(count, 'finding')}{what}"
        for weight, what in _WEIGHTS.items()
        if weight != _BELOW and (count := counts[weight])
    ]
    if counts[_BELOW]:
        checks = ", ".join(sorted({each.check for each in found if each.weight == _BELOW}))
        sentences.append(f"found, and below what this profile counts: {checks}")
    missing = not counts.keys() - {_OPEN, _BELOW} and counts[_OPEN]
    return _Result(
        EVIDENCE_MISSING if missing else OPEN_POINT,
        "; ".join([*sentences, *([f"not examined: {unseen}"] if unseen else [])]),
    )


_WEIGHTS = {_AGAINST: "", _OPEN: " of missing or unsettled evidence", _NOTE: " of the severity note"}


def _unseen(element: Mapping[str, Any], seen: _Seen) -> Iterator[str]:
    """Yield what the checks of an element did not look at, and what nobody could read."""
    for check in element["checks"]:
        if check not in seen.partly:
            reason = seen.idle.get(check)
            yield f"{check} did not run{f': {reason}' if reason else ''}"
        yield from seen.partly.get(check, ())
    yield from seen.unread


def _declared(element: Mapping[str, Any], answer: DeclaredAnswer | None) -> _Result:
    """Say what a person assessed; the tool has not examined what a person knows."""
    if answer is None:
        return _Result(EVIDENCE_MISSING, f"no {element['by']} answers it")
    sentence = f"declared {answer.says} by {answer.assessor} (entry {answer.entry})"
    if answer.stale is not None:
        return _Result(EVIDENCE_MISSING, f"{sentence}, which does not count: {answer.stale}")
    sentence += f": {answer.statement}" if answer.statement else ", without a reason"
    if element["by"] == "document" and answer.says == "yes":
        if not answer.documents:
            return _Result(EVIDENCE_MISSING, f"{sentence}; no document is bound", CONFORMS, answer.assessor)
        sentence += f"; {count_noun(answer.documents, 'document')} presented, not read"
    return _Result(NOT_EXAMINED, sentence, _SAYS[answer.says], answer.assessor)


def _opens_scope(profile: Profile, requirement: Mapping[str, Any], element: Mapping[str, Any]) -> bool:
    """Tell whether an element asks no more than whether the instrument applies."""
    scope = profile.scope or {}
    return (scope.get("requirement"), scope.get("element")) == (requirement["id"], element.get("id"))


def _outside(profile: Profile, seen: _Seen) -> DeclaredAnswer | None:
    """Return the answer by which the whole instrument does not apply, if that is declared."""
    if profile.scope is None:
        return None
    answer = seen.answers.get((profile.name, profile.scope["requirement"], profile.scope["element"]))
    return None if answer is None or answer.stale is not None or answer.says == "yes" else answer


def _explain_scope(profile: Profile, answer: DeclaredAnswer) -> str:
    reason = (profile.scope or {}).get("reason", "")
    return f"{reason}: {answer.says} by {answer.assessor} (entry {answer.entry})"
