"""What acts say, in one sentence each, for people who read a ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from provenance.core.wording import choose_verb, count_noun
from provenance.errors import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

KINDS = ("waiver", "draw", "review", "decision", "filter-run", "derivation")
"""The kinds that are told."""

_LONGEST_SENTENCE = 1000  # characters


def summarise(index: int, predicate: Mapping[str, Any]) -> str:
    """Say what an act says.

    Args:
        index: number of its entry.
        predicate: its predicate, of one of KINDS.

    Returns:
        One sentence; what people and data chose stands in it as it is.
    """
    return f"entry {index}: {cut(_SUMMARIES[predicate['kind']](predicate), _LONGEST_SENTENCE)}"


def describe_draws(acts: Iterable[tuple[int, Mapping[str, Any]]]) -> list[str]:
    """Say what a ledger holds of draws: a sample that is drawn until it passes is seen.

    Args:
        acts: number and predicate of its entries, in order; others than draws and reviews are passed over.

    Returns:
        One sentence a purpose.
    """
    purposes: dict[str, list[int]] = {}
    reviews = Counter[int]()
    for index, predicate in acts:
        if predicate["kind"] == "draw":
            purposes.setdefault(predicate["purpose"], []).append(index)
        elif predicate["kind"] == "review":
            reviews[predicate["draw"]["entry"]] += 1
    found = []
    for purpose, entries in purposes.items():
        open_ = [entry for entry in entries if not reviews[entry]]
        again = [entry for entry in entries if reviews[entry] > 1]
        sentence = f"{cut(repr(purpose))} was drawn {'once' if len(entries) == 1 else f'{len(entries)} times'}"
        if open_:
            words = "has no review (entry" if len(open_) == 1 else "have no review (entries"
            sentence += f"; {len(open_)} {words} {', '.join(map(str, open_))})"
        sentence += f"; reviewed more than once: {', '.join(f'entry {entry}' for entry in again)}" if again else ""
        found.append(sentence)
    return found


def _summarise_waiver(predicate: Mapping[str, Any]) -> str:
    finding = predicate["finding"]
    return f"{predicate['approver']} accepts {finding['check']} of {finding['source']} until {predicate['expires']}"


def _summarise_draw(predicate: Mapping[str, Any]) -> str:
    drawn, records = predicate["drawn"], count_noun(predicate["frame"]["records"], "record")
    return (
        f"{drawn:,} of {records} of entry {predicate['scan']['entry']} {choose_verb(drawn, 'was', 'were')} drawn "
        f"for {predicate['purpose']!r} (draw {predicate['number'] + 1} for it)"
    )


def _summarise_review(predicate: Mapping[str, Any]) -> str:
    counts, share = predicate["counts"], predicate["share"]
    return (
        f"{_name_author(predicate)} on draw {predicate['draw']['entry']}: "
        f"{counts['passed']:,} of {counts['drawn']:,} passed "
        f"({share['passed']:.2%}; of the whole between {share['low']:.2%} and {share['high']:.2%}, at 95 %), "
        f"{counts['failed']:,} failed, {counts['unreadable']:,} unreadable, {counts['unanswered']:,} without an answer"
    )


def _summarise_decision(predicate: Mapping[str, Any]) -> str:
    about = predicate["about"]
    what = about.get("source") if "fingerprint" not in about else f"finding {about['fingerprint']}"
    return f"{_name_author(predicate)} decided to {predicate['decision']} {what}, {predicate['date']}"


def _summarise_filter_run(predicate: Mapping[str, Any]) -> str:
    counts = predicate["counts"]
    went_in = count_noun(counts["in"], "record")
    return f"{_name_tool(predicate)} filtered {_name_inputs(predicate)}: {went_in}, {counts['out']:,} left"


def _summarise_derivation(predicate: Mapping[str, Any]) -> str:
    return (
        f"{_name_tool(predicate)} made {count_noun(predicate['outputs']['files'], 'file')} of {_name_inputs(predicate)}"
    )


def _name_author(predicate: Mapping[str, Any]) -> str:
    return f"{predicate['by']['name']} ({predicate['by']['role']})"


def _name_tool(predicate: Mapping[str, Any]) -> str:
    return f"{predicate['tool']['name']} {predicate['tool']['version']}"


def _name_inputs(predicate: Mapping[str, Any]) -> str:
    named = [f"entry {each['entry']}" if "entry" in each else str(each["name"]) for each in predicate["inputs"]]
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")


_SUMMARIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "waiver": _summarise_waiver,
    "draw": _summarise_draw,
    "review": _summarise_review,
    "decision": _summarise_decision,
    "filter-run": _summarise_filter_run,
    "derivation": _summarise_derivation,
}
