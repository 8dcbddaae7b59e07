"""A licence as somebody wrote it and what it is, and how several are joined."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

How = Literal["spdx", "alias", "url", "text", "notice", "part", "family", "none"]

UNKNOWN = "LicenseRef-provenance-unknown"
"""Stands in an AND for a part that nobody recognised, so that the whole never passes."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as somebody wrote it, and what it is.

    Args:
        expression: SPDX expression (Annex D of SPDX 2.3); ids outside SPDX's list are `LicenseRef-scancode-*` or
            `LicenseRef-provenance-*`; None = not recognised, or no licence at all.
        how: how it was recognised; `part` = other words stand beside it, for which the expression holds UNKNOWN.
        raw: as written.
        note: what a reader should know, one clause.
    """

    expression: str | None
    how: How
    raw: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a statement says of one thing.

    Args:
        subject: data | code | database | content | model | any.
        licence: the licence of that thing.
    """

    subject: str
    licence: Licence


def split_and(expression: str) -> list[str]:
    """Return the parts of an SPDX expression that AND joins at its top."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r"[()]| AND ", expression):
        if match[0] == " AND " and depth == 0:
            parts.append(expression[start : match.start()])
            start = match.end()
        else:
            depth += {"(": 1, ")": -1}.get(match[0], 0)
    parts.append(expression[start:])
    return [
        each[1:-1] if each.startswith("(") and " OR " in each and each.find(")") == len(each) - 1 else each
        for each in parts
    ]


def join_by_and(expressions: Sequence[str]) -> str:
    """Join SPDX expressions by AND, each part once, in the given order; one that contains OR in brackets."""
    unique = list(dict.fromkeys(part for each in expressions for part in split_and(each)))
    if len(unique) == 1:
        return unique[0]
    return " AND ".join(f"({each})" if " OR " in each else each for each in unique)


_SAME_AS = {
    "LicenseRef-provenance-public-domain": re.compile(
        r"CC0-1\.0|CC-PDM-1\.0|CC-PDDC|PDDL-1\.0|Unlicense|LicenseRef-provenance-us-.*"
    ),
    "LicenseRef-provenance-us-government-work": re.compile(r"CC0-1\.0|CC-PDM-1\.0|LicenseRef-provenance-public-domain"),
    "LicenseRef-provenance-noncommercial": re.compile(
        r"(?:LicenseRef-provenance-)?CC-BY-NC.*|LicenseRef-provenance-research-only"
    ),
}
"""Statements that say less than a licence, and the licences that say the same and more."""


def keep_distinct(expressions: Sequence[str]) -> list[str]:
    """Leave out what another expression says as well: less of the same licence, or one of the parts of an AND.

    Args:
        expressions: SPDX expressions, each stated of the same thing.

    Returns:
        Those that differ, in their order. "CC-BY" beside CC-BY-4.0, a licence beside its port, "GPL-3.0" beside
        GPL-3.0-or-later, the public domain beside CC0 and MIT beside "MIT AND Apache-2.0" differ in nothing.
    """
    unique = list(dict.fromkeys(expressions))
    parts = {each: set(split_and(each)) - {UNKNOWN} for each in unique}
    return [each for each in unique if not any(_adds_nothing(each, other, parts) for other in unique if other != each)]


def _adds_nothing(one: str, other: str, parts: dict[str, set[str]]) -> bool:
    if parts[one] == parts[other]:  # but for what was not understood
        return UNKNOWN not in split_and(one) or one > other
    return all(part in parts[other] or _is_less(part, parts[other]) for part in parts[one])


def _is_less(part: str, others: set[str]) -> bool:
    """Tell whether a licence is one of others that is stated in less detail."""
    later = part.removesuffix("-only") + "-or-later" if part.endswith("-only") else None
    same = _SAME_AS.get(part)
    return later in others or is_vaguer(part, list(others)) or (same is not None and any(map(same.fullmatch, others)))


def is_vaguer(expression: str, among: Sequence[str]) -> bool:
    """Tell a name without version or port from one with: "CC BY-SA (CC BY-SA 4.0)" is one licence.

    Args:
        expression: the id that may lack a version or port.
        among: ids that stand beside it.
    """
    prefix = re.escape(expression.removeprefix("LicenseRef-provenance-"))
    versioned = r"-\d.*" if expression.startswith("LicenseRef-provenance-CC-") else r"(?!)"
    ported = r"-[A-Z]{2,8}" if expression.startswith("CC-") else r"(?!)"
    more = re.compile(rf"(?:LicenseRef-provenance-)?{prefix}(?:{versioned}|{ported})")
    return any(more.fullmatch(other) for other in among)
