"""What an audit must find, from what was written and nothing else."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from generated_sources import DOCUMENTS, LEVELS, RECORDS, SHARE, WORDS, Expectation, Record, Source

if TYPE_CHECKING:
    from collections.abc import Iterator


def foresee(sources: list[Source], expected: Expectation) -> None:
    """Say what must be found, from what was written and nothing else."""
    for source in sources:
        expected.licences[source.id] = source.licence
        if source.problem not in {"truncated", "broken"}:
            expected.records[source.id] = len(source.records)
        for check, severity in _faults(source):
            expected.findings.add((check, severity, source.id, None))
    twins = sorted((next(iter(source.parts)), source.id) for source in sources if source.problem == "identical")
    if twins:
        expected.findings.add(("identical-files", "note", twins[0][1], twins[1][1]))
    for one, two in itertools.combinations(sources, 2):
        expected.findings |= set(_lineage(one, two))
    for one, two in itertools.permutations(sources, 2):
        counts = {view: _shared(one, two, view) for view in ("whole", "prompt")}
        for view, count in (*counts.items(), ("answer", _shared(one, two, "answer"))):
            if count:
                expected.overlaps[view, one.id, two.id] = count
        declared = two.layout.startswith("native") and two.upstream == one.id
        if declared or one.problem == "original" or max(_shared(one, two, view, WORDS) for view in counts) < RECORDS:
            continue
        share = max(_share(a, b) for view in counts for a, b in _files_of(one, two, view))
        assert share >= SHARE, "what is planted is never near a threshold"
        if one.licence and two.licence and LEVELS[one.licence] < LEVELS[two.licence]:
            expected.findings.add(("licence-conflict-by-content", "error", one.id, two.id))
        elif one.licence and not two.licence:
            expected.findings.add(("twin-unlicensed", "note", one.id, two.id))


def _lineage(one: Source, two: Source) -> Iterator[tuple[str, str, str, str | None]]:
    """Yield what must be said of two sources that share text, whatever their licences: who has it from whom is not known."""
    sides = ((one, two), (two, one))
    named = {(a, b): a.layout.startswith("native") and a.upstream == b.id for a, b in sides}
    rank = {(a, b): 2 if named[a, b] == named[b, a] else 0 if named[a, b] else 3 for a, b in sides}
    renewed = {(a, b): list(_renewed(a, b)) for a, b in sides}
    asked = [(rank[side], -max(renewed[side])[0], -sum(count for _, count in renewed[side]), side[0].id, side[1].id)
             for side in sides if renewed[side]]  # fmt: skip
    if asked:
        _, share, count, source, other = min(asked)
        told = any(named.values()) or (one if one.id == source else two).layout not in {
            "native",
            "native-above",
            "none",
        }
        if -count >= RECORDS and -share >= SHARE:
            yield "prompt-copied", "note" if told or -share < 0.5 else "warning", source, other
    counts = {(a, b): _shared(a, b, "whole", WORDS) for a, b in sides}
    shares = {side: count / len(side[0].records) for side, count in counts.items()}
    kept = any(a.problem == "original" and _level(b) >= _level(a) for a, b in sides)
    twins = one.problem == two.problem == "identical"  # said of their files
    if max(counts.values()) < RECORDS or max(shares.values()) < 0.5 or any(named.values()) or kept or twins:
        return
    a, b = min(shares, key=lambda side: (side[0].problem == "original", -shares[side], side[0].id))
    yield "lineage-undeclared", "note", a.id, b.id


def _level(source: Source) -> int:
    return LEVELS[source.licence] if source.licence else -1


def _renewed(one: Source, two: Source) -> Iterator[tuple[float, int]]:
    """Yield share and number of the prompts of each file that stand elsewhere, if most have another answer there."""
    if one.problem == "original" or "txt" in {one.format, two.format} or not _shared(one, two, "prompt", WORDS):
        return
    there = [set(_numbers(two, two.records, view)) for view in ("prompt", "whole")]
    for part in one.parts.values():
        asked = [record for record in part if record.words[0] >= WORDS and record.prompt in there[0]]
        fresh = sum(record.whole not in there[1] for record in asked)
        if fresh > len(asked) - fresh:
            yield fresh / len(part), fresh


def _faults(source: Source) -> Iterator[tuple[str, str]]:
    if source.licence == "CC-BY-NC-4.0":
        yield "licence-forbids-purpose", "error"
    by_layout = {
        "bare": ("licence-missing", "error"),
        "none": ("source-undeclared", "error"),
        "disagreeing": ("licence-conflict-between-witnesses", "warning"),
        "unrecognised": ("licence-unrecognised", "warning"),
    }
    by_problem = {
        "truncated": ("file-unreadable", "warning"),
        "broken": ("file-unreadable", "warning"),
        "pointer": ("file-unreadable", "warning"),
        "mismatch": ("checksum-mismatch", "error"),
        "absent": ("file-declared-absent", "error"),
        "repeated": ("duplicate-records", "warning"),
    }
    by_problem |= DOCUMENTS | {
        "no-origin": ("origin-undocumented", "warning"),
        "no-kind": ("origin-undocumented", "note"),
    }
    if source.problem == "crawl":
        yield "record-origin-missing", "warning"
        yield "signals-not-evaluated", "note"
    found = (by_layout.get(source.layout), by_problem.get(source.problem))
    yield from (each for each in found if each)


def _numbers(source: Source, records: list[Record], view: str, least: int = 0) -> Counter[str]:
    """Count the texts of some records that have a view and enough words."""
    if view != "whole":
        asked = [] if source.format == "txt" else records
        return Counter(getattr(record, view) for record in asked if record.words[0] >= least)
    return Counter(record.whole for record in records if record.words[1] >= least)


def _shared(one: Source, two: Source, view: str, least: int = 0) -> int:
    if {one.problem, two.problem} & {"truncated", "broken"}:
        return 0  # nobody copies from them, and they hold no boilerplate
    there = _numbers(two, two.records, view)
    return sum(count for number, count in _numbers(one, one.records, view, least).items() if number in there)


def _files_of(one: Source, two: Source, view: str) -> Iterator[tuple[Counter[str], Counter[str]]]:
    for a, b in itertools.product(one.parts.values(), two.parts.values()):
        yield _numbers(one, a, view), _numbers(two, b, view)


def _share(one: Counter[str], two: Counter[str]) -> float:
    """Return the share of either file that stands in the other, boilerplate aside, where it is higher."""
    common = {number for number in one.keys() & two.keys() if not number.startswith("s")}
    shares = [sum(each[n] for n in common) / max(1, each.total()) for each in (one, two)]
    return max(shares)
