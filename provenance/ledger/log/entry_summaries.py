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


def summarise(index: int, said: Mapping[str, Any]) -> str:
    """Say what an act says.

    Args:
        index: number of its entry.
        said: its predicate, of one of KINDS.

    Returns:
        One sentence; what people and data chose stands in it as it is.
    """
    return f"entry {index}: {cut(_SUMMARIES[said['kind']](said), _LONGEST_SENTENCE)}"


def describe_draws(acts: Iterable[tuple[int, Mapping[str, Any]]]) -> list[str]:
    """Say what a ledger holds of draws: a sample that is drawn until it passes is seen.

    Args:
        acts: number and predicate of its entries, in order; others than draws and reviews are passed over.

    Returns:
        One sentence a purpose.
    """
    purposes: dict[str, list[int]] = {}
    reviews = Counter[int]()
    for index, said in acts:
        if said["kind"] == "draw":
            purposes.setdefault(said["purpose"], []).append(index)
        elif said["kind"] == "review":
            reviews[said["draw"]["entry"]] += 1
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


def _summarise_waiver(said: Mapping[str, Any]) -> str:
    finding = said["finding"]
    return f"{said['approver']} accepts {finding['check']} of {finding['source']} until {said['expires']}"


def _summarise_draw(said: Mapping[str, Any]) -> str:
    return (
        f"{said['drawn']:,} of {count_noun(said['frame']['records'], 'record')} of entry {said['scan']['entry']} "
        f"{choose_verb(said['drawn'], 'was', 'were')} drawn for {said['purpose']!r} (draw {said['number'] + 1} for it)"
    )


def _summarise_review(said: Mapping[str, Any]) -> str:
    counts, share = said["counts"], said["share"]
    return (
        f"{_name_author(said)} on draw {said['draw']['entry']}: {counts['passed']:,} of {counts['drawn']:,} passed "
        f"({share['passed']:.2%}; of the whole between {share['low']:.2%} and {share['high']:.2%}, at 95 %), "
        f"{counts['failed']:,} failed, {counts['unreadable']:,} unreadable, {counts['unanswered']:,} without an answer"
    )


def _summarise_decision(said: Mapping[str, Any]) -> str:
    about = said["about"]
    what = about.get("source") if "fingerprint" not in about else f"finding {about['fingerprint']}"
    return f"{_name_author(said)} decided to {said['decision']} {what}, {said['date']}"


def _summarise_filter_run(said: Mapping[str, Any]) -> str:
    counts = said["counts"]
    went_in = count_noun(counts["in"], "record")
    return f"{_name_tool(said)} filtered {_name_inputs(said)}: {went_in}, {counts['out']:,} left"


def _summarise_derivation(said: Mapping[str, Any]) -> str:
    return f"{_name_tool(said)} made {count_noun(said['outputs']['files'], 'file')} of {_name_inputs(said)}"


def _name_author(said: Mapping[str, Any]) -> str:
    return f"{said['by']['name']} ({said['by']['role']})"


def _name_tool(said: Mapping[str, Any]) -> str:
    return f"{said['tool']['name']} {said['tool']['version']}"


def _name_inputs(said: Mapping[str, Any]) -> str:
    named = [f"entry {each['entry']}" if "entry" in each else str(each["name"]) for each in said["inputs"]]
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")


_SUMMARIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "waiver": _summarise_waiver,
    "draw": _summarise_draw,
    "review": _summarise_review,
    "decision": _summarise_decision,
    "filter-run": _summarise_filter_run,
    "derivation": _summarise_derivation,
}
