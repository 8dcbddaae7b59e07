"""What stands in a licence file beside the licence texts that were found there.

What is not known is an addition, whatever it says and in whichever language: only who holds the rights, the name of the
licence, where a piece came from and prose under other headings of a README add nothing.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.core import package_data
from provenance.licences.expressions import (
    UNKNOWN,
    find_licences,
    find_restrictions,
    find_riders,
    normalise,
    split_statement,
)
from provenance.licences.licence import is_vaguer, split_and
from provenance.licences.names import load_words
from provenance.licences.notice_lines import LICENCE_HEADING, match_heading
from provenance.licences.text_runs import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEAST_ADDED_WORDS = 5
"""Added words from which on a stretch within a text may be a clause of its own."""

_LONGEST_STATEMENT = 400


class FileLine(NamedTuple):
    """A line of a licence file.

    Args:
        text: as it stands.
        words: of it, as `split_words` returns them.
        credits: whether it says who holds the rights, and no more.
        apart: whether it stands in a section of a README that is not about licences.
    """

    text: str
    words: list[str]
    credits: bool
    apart: bool


def read_lines(text: str) -> list[FileLine]:
    """Read the lines of a licence file.

    Args:
        text: of it.

    Returns:
        Every line, in order.
    """
    lines = text.splitlines()
    apart = _mark_sections(lines)
    return [
        FileLine(line, split_words(line), is_copyright(line) and not limits(line), other)
        for line, other in zip(lines, apart, strict=True)
    ]


def find_additions(lines: list[FileLine], covered: list[bool], found: Sequence[str]) -> list[str]:
    """Name the kinds of words that stand in a licence file beside its texts and may change them.

    Args:
        lines: of the file.
        covered: for each word of it, whether a text that was found explains it.
        found: the names of those texts.

    Returns:
        Kinds of additions (`data/licence-phrases.yaml`), sorted; "terms" where it is not known what they say.
    """
    kinds, strong = _load_additions()
    limiting = frozenset(_load_phrases()["limiting"])
    additions: set[str] = set()
    for stretch in _cut_stretches(lines, covered):
        here = {kinds[word] for word in stretch if word in kinds} | _han_kinds("".join(stretch))
        if here & strong or ("terms" in here and len(stretch) >= LEAST_ADDED_WORDS) or limiting & set(stretch):
            additions |= here or {"terms"}
    for block in _cut_blocks(lines, covered):
        if not _says_nothing_more(block, found):
            additions |= {kinds[word] for word in split_words(block) if word in kinds} or {"terms"}
    return sorted(additions)


def is_copyright(line: str) -> bool:
    """Tell whether a line begins as one that says who holds the rights.

    Args:
        line: of a licence file.
    """
    return bool(re.match(r"\W{0,8}(?:copyright|\(c\)|©|all rights reserved)", line.strip(), re.IGNORECASE))


def limits(line: str) -> bool:
    """Tell whether a copyright line says more than who holds the rights.

    Args:
        line: of a licence file.
    """
    more = re.sub(r"all rights (?:are )?reserved", " ", line, flags=re.IGNORECASE)
    return bool(
        find_restrictions(more)
        or find_riders(more)
        or re.search(r"\bfor \w+ (?:purposes?|use)\b", more)
        or _SECOND_SENTENCE.search(more)
        or re.search(r"[。;；]\s*\S", more)
    )


_SECOND_SENTENCE = re.compile(r"(?:[a-zß-ÿ]{4}|\d)\.\s+(?!https?:|www\.)(?:\w+\W+){2,}\w+")
"""A copyright line that goes on after a full stop says more; initials and "Inc." are no full stops."""


def _mark_sections(lines: Sequence[str]) -> list[bool]:
    """Tell for each line of a README with a section on licences whether it stands in another section."""
    apart, marks = False, []
    headings: list[str] = []
    for line in lines:
        match = match_heading(line, "") if line.startswith("#") else None
        if match:
            heading = match[2] or match[3] or ""
            first = not headings
            headings.append(heading)
            apart = not LICENCE_HEADING.search(heading) and (first or not _is_about_parts(heading))
        marks.append(apart)
    sectioned = len(headings) > 1 and any(LICENCE_HEADING.search(each) for each in headings)
    return [mark and sectioned for mark in marks]


def _is_about_parts(heading: str) -> bool:
    """Tell whether a heading names a part of the work, or terms: what stands under it may limit the use of it."""
    parts = {word for those in load_words()["scopes"].values() for word in those}
    return bool(
        set(split_words(heading)) & parts
        or re.search(r"terms|use|restrict|condition|exception|exempt|permission|rights|third", heading, re.IGNORECASE)
    )


def _cut_stretches(lines: list[FileLine], covered: list[bool]) -> Iterator[list[str]]:
    """Yield the words that no licence explains, cut where more than three explained ones stand between."""
    stretch: list[str] = []
    gap = 0
    words = ((word, line.credits) for line in lines for word in line.words)
    for (word, credited), explained in zip(words, covered, strict=True):
        gap = gap + 1 if explained else 0
        if gap > 3:
            if stretch:
                yield stretch
            stretch = []
        elif not explained and (not credited or word in _strong_words()):
            stretch.append(word)
    yield stretch


def _cut_blocks(lines: list[FileLine], covered: list[bool]) -> Iterator[str]:
    """Yield the lines, joined by line breaks, that no text explains; a blank line ends a block."""
    block: list[str] = []
    place = 0
    for line in lines:
        known = covered[place : place + len(line.words)]
        place += len(line.words)
        # a line of a text, with a name or an address in it, is for the count of what is missing
        own = sum(known) < (2 if len(known) > 2 else 1)  # the first word may be as in the text
        if line.words and own and not line.credits and not line.apart:
            block.append(line.text)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def _says_nothing_more(block: str, found: Sequence[str]) -> bool:
    """Tell whether lines name no more than the licences whose texts were found, or where a piece came from."""
    text = " ".join(re.sub(r"[-=*_#]{3,}", " ", block).split()).strip(" #*_`\"'.:-=")
    credit = re.search(r"\b(?:copyright|\(c\)|©) .{0,200}$", text, re.IGNORECASE)
    if credit and not limits(credit[0]) and split_words(text[: credit.start()]):
        text = text[: credit.start()].strip()
    own = {each for name in found for each in name.split(" or ")}
    aside = re.search(r"\(([^()]{2,60})\)$", text)
    if aside and text[: aside.start()].strip() and _is_own_family(aside[1], own):
        text = text[: aside.start()].strip()
    words = split_words(text)
    if not words or text.isdigit() or _HARMLESS.fullmatch(text):
        return True
    if block.lstrip().startswith("#") and "\n" not in block and _is_title(text):
        return True
    if len(text) > _LONGEST_STATEMENT:
        return False
    parts = split_statement(text)
    named = all(
        part.subject == "any"
        and part.licence.how in {"spdx", "alias", "url", "family"}
        and _is_own(part.licence.expression, own)
        for part in parts
    )
    return named or _is_own_family(text, own)


def _is_own(expression: str | None, own: set[str]) -> bool:
    stated = split_and(expression or UNKNOWN)
    return all(each in own or is_vaguer(each, [*own, each]) or f"{each}-only" in own for each in stated)


def _is_own_family(text: str, own: set[str]) -> bool:
    """Tell whether a title names the family of a licence that was found: "Apache License" above its version."""
    licence = normalise(text)
    first = split_words(text)[0]
    return (
        licence.how == "family" and licence.expression is None and any(each.lower().startswith(first) for each in own)
    )


def _is_title(text: str) -> bool:
    words = split_words(text)
    return len(words) <= 6 and not (
        set(words) & (set(_load_phrases()["limiting"]) | _SMALL_WORDS)
        or find_restrictions(text)
        or find_riders(text)
        or any(licence.expression for _, _, licence in find_licences(text))
    )


_SMALL_WORDS = frozenset({"for", "by", "under", "of", "to", "from", "with", "see", "proprietary", "private", "owned"})
_HARMLESS = re.compile(
    r"(?:(?:some |all )?(?:the )?(?:code|files?|functions?|implementations? of .{1,60}) (?:in|from) .{1,2000}"
    r" (?:is|are|was|were) (?:adapted|derived|taken|copied) from(?: or| https?://\S+| \S{0,60}/\S+){1,6}"
    r"|(?:end|beginning|start) of (?:the )?(?:licen[cs]e|terms and conditions)(?: text)?"
    r"|(?:the )?(?:full |complete )?(?:text of the )?licen[cs]e(?: text)?(?: is| reads| follows| below| as)*"
    r"|all rights reserved|page \d+|(?:version|revision|updated|last updated|date)?\W*[\d./, -]+)",
    re.IGNORECASE,
)
"""Where a piece came from, and what separates texts."""


def _han_kinds(joined: str) -> set[str]:
    return {kind for phrase, kind in _load_additions()[0].items() if not phrase.isascii() and phrase in joined}


@cache
def _load_phrases() -> dict[str, Any]:
    return dict(package_data.load_table("licence-phrases"))


@cache
def _load_additions() -> tuple[dict[str, str], set[str]]:
    """Return word or Han phrase -> kind of addition, and the kinds of which one word is enough."""
    kinds = {word: kind for kind, those in _load_phrases()["additions"].items() for word in those}
    return kinds, set(_load_phrases()["strong"])


@cache
def _strong_words() -> frozenset[str]:
    kinds, strong = _load_additions()
    return frozenset(word for word, kind in kinds.items() if kind in strong)
