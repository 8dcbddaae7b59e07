"""Words of reports for what was observed, assessed and concluded: English, Chinese, and how they are set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from provenance.core.model import (
    CONFORMS,
    DOES_NOT_CONFORM,
    EVIDENCE_MISSING,
    NOT_APPLICABLE,
    NOT_EXAMINED,
    NOTHING_FOUND,
    OPEN_POINT,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

ResultStyle = Literal["open", "aside", "bad", "good"]

RESULT_WORDS: dict[str, tuple[str, ResultStyle]] = {
    OPEN_POINT: ("待核实", "open"),
    EVIDENCE_MISSING: ("证明材料不足", "open"),
    NOT_EXAMINED: ("未核查", "aside"),
    NOTHING_FOUND: ("核查范围内未发现", "aside"),
    DOES_NOT_CONFORM: ("不符合", "bad"),
    CONFORMS: ("符合", "good"),
    NOT_APPLICABLE: ("不适用", "aside"),
}
"""Of each word of OBSERVED and ASSESSED the Chinese one, and how it is set."""

RESULT_MEANINGS = {
    OPEN_POINT: "the tool found something that a person must decide",
    EVIDENCE_MISSING: "something that is asked for was not handed in",
    NOT_EXAMINED: "the tool did not look, or not at all of it; it says nothing",
    NOTHING_FOUND: "that is no proof, and says nothing of what was left out",
    DOES_NOT_CONFORM: "a named person says so, for the reason given",
    CONFORMS: "a named person says so, for the reason given; the tool rates no clause",
    NOT_APPLICABLE: "a named person says that it does not concern this use",
}
"""What each word says, and what it does not."""

NOT_ASSESSED = ("not assessed", "尚未评估")
"""What is said where nobody assessed, in English and Chinese."""


def list_words(row: Mapping[str, Any]) -> list[str]:
    """Return the words of an element: what was observed, unless a person alone answers it, and what was assessed.

    Args:
        row: of VERDICTS.
    """
    words = [row["assessed"]] if row["assessed"] else []
    answered = words and row["answered_by"] != "machine" and row["observed"] == NOT_EXAMINED
    return words if answered else [row["observed"], *words]


def choose_style(word: str | None, observed: str) -> ResultStyle:
    """Return how a word is set; nothing is green beside what is open.

    Args:
        word: of OBSERVED or ASSESSED; None where nobody assessed.
        observed: what was observed beside it.
    """
    if word == CONFORMS and observed in {OPEN_POINT, EVIDENCE_MISSING}:
        return "aside"
    return RESULT_WORDS[word][1] if word in RESULT_WORDS else "open"


def name_licence(row: Mapping[str, Any], unread: Collection[str]) -> str:
    """Name the licence of a source; where none is concluded, say whether none is stated, known or read.

    Args:
        row: of SOURCES.
        unread: sources of which a document was not read, as `unheard_statements.list_unread_documents` has them.
    """
    if row["licence_concluded"]:
        return str(row["licence_concluded"])
    if row["licence_declared"]:
        return "unknown"
    return "not read" if row["source"] in unread else "none stated"
