"""HTML that cannot be broken by what it shows: a `str` is always text, only `Markup` is markup.

Every name in a report is whatever somebody chose. So text is escaped where it meets markup, and characters that would
steer what a reader sees (controls, directions, invisible ones, halves of surrogate pairs) stand as `[U+202E]`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from provenance.core.escaping import escape
from provenance.core.wording import count_noun

MOST_CHARACTERS = 4000
"""Characters of one text or attribute at most: what a report shows cannot make it too large to open."""

VOID_ELEMENTS = frozenset({"col", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already: made here, never of what a report shows."""

    __slots__ = ()


Child = str | int | Iterable["Child"] | None
"""What an element holds: text, numbers, Markup, any nesting of these, or nothing."""


def make_visible(text: str, limit: int = 0) -> str:
    """Show what cannot be seen, and cut what is too long.

    Args:
        text: anything.
        limit: characters to keep; 0 = all.

    Returns:
        Text of printable characters, spaces, tabs and newlines; what was cut is counted.
    """
    more = len(text) - limit
    kept = text[:limit] if limit and more > 0 else text
    kept = escape(kept, lambda char: f"[U+{ord(char):04X}]", "\n\t")
    return f"{kept}… ({count_noun(more, 'more character')})" if limit and more > 0 else kept


def text(child: Child) -> Markup:
    """Turn what an element holds into markup: text is escaped, Markup is not.

    Args:
        child: text, a number, Markup, any nesting of these, or None.
    """
    if child is None:
        return Markup()
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return Markup(html.escape(make_visible(child, MOST_CHARACTERS)))
    if isinstance(child, int):
        return Markup(f"{child:,}")
    return Markup("".join(text(each) for each in child))


def tag(element: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Make an element.

    Args:
        element: its name.
        children: what it holds.
        attributes: by name; a closing underscore falls away and others are dashes (`class_`, `aria_label`). None and
            False leave an attribute out, True gives it no value.

    Returns:
        The element.
    """
    given = ((key, value) for key, value in attributes.items() if value is not None and value is not False)
    opening = "".join(f" {_attribute(key, value)}" for key, value in given)
    if element in VOID_ELEMENTS:
        return Markup(f"<{element}{opening}>")
    return Markup(f"<{element}{opening}>{text(children)}</{element}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    name = key.removesuffix("_").replace("_", "-")
    if value is True:
        return name
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f'{name}="{html.escape(make_visible(text, MOST_CHARACTERS))}"'


def isolate_name(value: object, limit: int = 200) -> Markup:
    """Show a name that somebody chose: on its own in its direction, and no longer than can be read.

    Args:
        value: the name.
        limit: characters to show.
    """
    return tag("bdi", make_visible(str(value), limit))


def shorten_name(value: object, limit: int = 44) -> Markup:
    """Show a name in little room: its beginning and, as that is where paths differ, more of its end.

    Args:
        value: the name.
        limit: characters to show.
    """
    text = make_visible(str(value))
    cut = limit // 3
    return tag("bdi", text if len(text) <= limit else f"{text[:cut]}…{text[cut + 1 - limit :]}")


def table(head: Iterable[Child], rows: Iterable[Iterable[Child]], *, numbers: Iterable[int] = (), label: str) -> Markup:
    """Make a table that scrolls in itself where the window is narrow.

    Args:
        head: titles of the columns.
        rows: cells by row.
        numbers: columns that hold numbers, from 0.
        label: what it is, for those who do not see it.
    """
    right = frozenset(numbers)

    def cell(kind: str, place: int, child: Child) -> Markup:
        return tag(kind, child, class_="n" if place in right else None, scope="col" if kind == "th" else None)

    titles = tag("tr", [cell("th", place, child) for place, child in enumerate(head)])
    body = [tag("tr", [cell("td", place, child) for place, child in enumerate(row)]) for row in rows]
    made = tag("table", tag("thead", titles), tag("tbody", body))
    return tag("div", made, class_="scroll", role="region", aria_label=label, tabindex="0")


def keep_fitting(made: Iterable[Markup], most: int, budget: int) -> tuple[list[Markup], int]:
    """Keep the first pieces that fit.

    Args:
        made: pieces of markup, made as they are asked for.
        most: pieces to keep.
        budget: bytes of UTF-8 they may take.

    Returns:
        Those that fit and the bytes they take.
    """
    kept: list[Markup] = []
    taken = 0
    for piece in made:
        taken += len(piece.encode())
        if len(kept) == most or taken > budget:
            break
        kept.append(piece)
    return kept, taken
