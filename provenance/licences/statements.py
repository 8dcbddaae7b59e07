"""A short statement about a licence, read word by word: no word of it is dropped.

A statement is licences, restrictions, words that name what they are for, words that say nothing, and others. A word
that is none of the known ones makes its part unknown: "Apache 2.0 with additional terms" is Apache-2.0 AND unknown, and
a name beside an unknown word ("Orange MIT License") is another name. Each part keeps what it speaks of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from provenance.licences import names
from provenance.licences.addresses import URL, is_pointer, read_address
from provenance.licences.creative_commons import read_commons, read_gnu
from provenance.licences.licence import UNKNOWN, Licence, Part, is_vaguer, join_by_and
from provenance.licences.names import Phrases, Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STRONG = re.compile(r"[;；。|\n!?！？]|\.(?:\s|$)|<br")
_WEAK = re.compile(r"[,，、/&+()（）\[\]:：\x1f]|\s[-–—]\s")
_FAMILY_OF = {
    "cc": "CC", "creative": "CC", "bsd": "BSD", "gpl": "GPL", "gnu": "[AL]?GPL|GFDL", "lgpl": "LGPL", "agpl": "AGPL",
    "gfdl": "GFDL", "apache": "Apache", "llama": "llama", "mpl": "MPL", "mozilla": "MPL", "epl": "EPL", "cdla": "CDLA",
    "community": "CDLA", "openrail": "rail", "open": "OGL|rail|ODbL", "ogl": "OGL",
}  # fmt: skip
_MOST_WORDS = 600


class _Token(NamedTuple):
    """A stretch of a statement that was understood as one thing.

    Args:
        kind: licence | limit | scope | stating | silent | choosing | word.
        value: id of a licence or limit (None = a name of no licence), subject of a scope.
        text: the words as they are folded.
        gap: before it: 2 = another sentence, 1 = punctuation or "and", 0 = nothing.
        opens: whether a bracket opens before it.
    """

    kind: str
    value: str | None
    text: str
    gap: int
    opens: bool = False


@dataclass(slots=True)
class _Clause:
    """What stands between two pauses of a statement."""

    gap: int
    opens: bool = False
    scopes: set[str] = field(default_factory=set)
    licences: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def states(self) -> bool:
        return bool(self.licences or self.limits)


def read_statement(text: str, raw: str) -> list[Part]:
    """Read a statement of a few words or sentences.

    Args:
        text: the statement as NFKC, without mark-up.
        raw: as written.

    Returns:
        A part for each thing that it speaks of, in order; [] where it names neither a licence nor a restriction.
    """
    tokens = _drop_families(_tokenise(text))
    if not any(token.kind in {"licence", "limit"} for token in tokens):
        return []
    choice = _read_choice(tokens)
    if choice is not None:
        return [Part("any", Licence(choice, "alias", raw))]
    parts: dict[str, _Clause] = {}
    for clause in _join_clauses(list(_cut_clauses(tokens))):
        subject = _name_subject(clause.scopes)
        whole = parts.setdefault(subject, _Clause(0))
        whole.licences += clause.licences or ([UNKNOWN] if clause.scopes and not clause.limits else [])
        whole.limits += clause.limits
        whole.words += clause.words
    return [Part(subject, _conclude(clause, raw)) for subject, clause in parts.items()]


def _conclude(clause: _Clause, raw: str) -> Licence:
    """Join what a part states; a word that was not understood stands in it as unknown."""
    exact = [each for each in dict.fromkeys(clause.licences) if not is_vaguer(each, clause.licences)]
    covered = any("-NC" in each for each in exact)
    limits = [each for each in clause.limits if not (covered and each.endswith("-noncommercial"))]
    rest = [UNKNOWN] if clause.words else []
    expressions = [*exact, *limits, *rest]
    note = f"not understood beside it: {' '.join(dict.fromkeys(clause.words))[:120]}" if clause.words else None
    if not [each for each in expressions if each != UNKNOWN]:
        return Licence(None, "none", raw, note or "not recognised")
    return Licence(join_by_and(sorted(expressions)), "part" if UNKNOWN in expressions else "alias", raw, note)


# --- tokens --------------------------------------------------------------------------------------------------------


def _tokenise(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    for match in URL.finditer(text):
        address = match[0].rstrip(".,;:")
        tokens += _tokenise_words(text[place : match.start()])
        found = read_address(address)
        if found is not None:
            tokens.append(_Token("licence", found, address, 1))
        elif not is_pointer(address):
            tokens.append(_Token("word", None, address, 1))
        place = match.start() + len(address)
    return tokens + _tokenise_words("\x1f" + text[place:] if place else text)


def _tokenise_words(text: str) -> list[_Token]:
    words = list(names.fold_words(text))
    gaps, opens = _measure_gaps(text, words)
    plain = [word.text for word in words]
    tokens: list[_Token] = []
    index, gap, opened = 0, 0, False
    while index < len(words):
        gap, opened = max(gap, gaps[index]), opened or opens[index]
        stop = next(
            (n for n in range(index + 1, min(len(words), index + 40)) if gaps[n] == 2), min(len(words), index + 40)
        )
        used, kind, value = _read_token(plain[index:stop])
        if kind in {"joining", "contrasting"}:
            gap = max(gap, 1)
        else:
            tokens.append(_Token(kind, value, " ".join(plain[index : index + used]), gap, opened))
            gap, opened = 0, False
        index += used
    return tokens


def _measure_gaps(text: str, words: Sequence[Word]) -> tuple[list[int], list[bool]]:
    """Return for each word what stands before it (2 = a sentence ends, 1 = a pause, 0 = nothing; a bracket opens)."""
    gaps, opens, end = [], [], 0
    for word in words:
        between = text[end : word.start]
        gaps.append(2 if _STRONG.search(between) else 1 if _WEAK.search(between) else 0)
        opens.append(any(each in between for each in "([（"))
        end = word.end
    return gaps, opens


def _read_token(words: Sequence[str]) -> tuple[int, str, str | None]:
    """Read the longest thing that begins here; of equally long ones a licence first."""
    used, id_ = names.find_longest(words, 0)
    best: tuple[int, str, str | None] = (used, "licence", id_)
    for found in (read_commons(words), read_gnu(words), (_longest_unresolved(words), None)):
        if found[0] > best[0]:
            best = (found[0], "licence", found[1])
    for kind, phrases in _vocabulary():
        size, value = phrases.find(words, 0)
        if size > best[0] and value is not None:
            best = (size, value if kind == "filler" else kind, None if kind == "filler" else value)
    if best[1] == "licence" and best[2] in _limit_ids():
        best = (best[0], "limit", best[2])
    return best if best[0] else (1, "word", None)


def _longest_unresolved(words: Sequence[str]) -> int:
    """Return how many words are a family of licences, or a word that says that none is known."""
    for size in range(min(6, len(words)), 0, -1):
        name = tuple(words[:size])
        if name in names.folded("families") or (name in names.folded("markers") and name not in _WEAK_MARKERS):
            return size
    return 0


_WEAK_MARKERS = frozenset(
    {("open",), ("free",), ("public",), ("permissive",), ("open", "source"), ("open", "access"), ("na",), ("n",)}
)
"""Markers that beside a licence are no more than words."""


@cache
def _vocabulary() -> tuple[tuple[str, Phrases], ...]:
    words = names.load_words()
    return (
        ("limit", Phrases(words["limits"])),
        ("scope", Phrases(words["scopes"])),
        ("filler", Phrases(words["fillers"])),
    )


@cache
def _limit_ids() -> frozenset[str]:
    return frozenset(names.load_words()["limits"])


@cache
def _doubts() -> frozenset[str]:
    return frozenset(names.load_words()["doubts"])


def _drop_families(tokens: list[_Token]) -> list[_Token]:
    """Leave out a family beside one of its members: "Creative Commons (CC BY 4.0)" is one licence."""
    named = [token.value for token in tokens if token.kind == "licence" and token.value]
    kept = []
    for token in tokens:
        pattern = _FAMILY_OF.get(token.text.split(" ")[0]) if token.kind == "licence" and token.value is None else None
        if pattern is None or not any(re.match(rf"(?:LicenseRef-\w+-)?(?:{pattern})", name) for name in named):
            kept.append(token)
        elif token.gap:  # the pause stays
            kept.append(_Token("silent", None, "", token.gap))
    return kept


def _read_choice(tokens: Sequence[_Token]) -> str | None:
    """Return "X OR Y" where a statement is nothing but names that are known, with "or" between each two."""
    telling = [token for token in tokens if token.kind not in {"silent", "stating"}]
    kinds = [token.kind for token in telling]
    if kinds[:1] == ["choosing"]:
        telling, kinds = telling[1:], kinds[1:]
    if len(kinds) < 3 or kinds[::2] != ["licence"] * len(kinds[::2]) or kinds[1::2] != ["choosing"] * len(kinds[1::2]):
        return None
    if (
        len(kinds) % 2 == 0
        or any(token.gap == 2 for token in telling[1:])
        or any(token.value is None for token in telling[::2])
    ):
        return None
    return " OR ".join(
        dict.fromkeys(f"({each})" if " AND " in each else each for each in (str(token.value) for token in telling[::2]))
    )


# --- clauses -------------------------------------------------------------------------------------------------------


def _cut_clauses(tokens: Sequence[_Token]) -> Iterator[_Clause]:
    """Cut a statement at its pauses and read each piece."""
    piece: list[_Token] = []
    for token in tokens:
        if token.gap and piece:
            yield _read_piece(piece)
            piece = []
        piece.append(token)
    if piece:
        yield _read_piece(piece)


def _read_piece(piece: list[_Token]) -> _Clause:
    clause = _Clause(piece[0].gap, piece[0].opens)
    piece = _drop_subject(piece)
    for place, token in enumerate(piece):
        if token.kind == "scope" and token.value:
            clause.scopes.add(token.value)
        elif token.kind == "limit" and token.value:
            clause.limits.append(token.value)
        elif token.kind == "word":
            clause.words.append(token.text)
        elif token.kind == "licence":
            beside = {piece[at].kind for at in (place - 1, place + 1) if 0 <= at < len(piece)}
            if token.value is None or "word" in beside:  # "Orange MIT License" is another name
                limits = [token.value] if token.value and re.search("-N[CD]", token.value) else []
                clause.licences += [*limits, UNKNOWN]
                clause.words.append(token.text)
            else:
                clause.licences.append(token.value)
    return clause


def _drop_subject(piece: list[_Token]) -> list[_Token]:
    """Leave out who is spoken of: "CUAD is licensed under ..."; not where a word there may restrict."""
    verb = next((place for place, token in enumerate(piece) if token.kind == "stating"), None)
    named = any(token.kind in {"licence", "limit"} for token in piece[verb or 0 :])
    before = piece[:verb] if verb else []
    doubtful = any(word in _doubts() for token in before for word in token.text.split(" "))
    if not before or not named or doubtful or any(token.kind in {"licence", "limit"} for token in before):
        return piece
    return [token for token in before if token.kind != "word"] + piece[verb:]


def _join_clauses(clauses: list[_Clause]) -> list[_Clause]:
    """Give each clause its scopes: "code and data: MIT", "MIT for code and data", "Data: (CC BY 4.0)"."""
    joined: list[_Clause] = []
    waiting: list[_Clause] = []
    for clause in clauses:
        if clause.gap == 2:
            joined += waiting
            waiting = []
        if clause.scopes and not clause.states and not clause.words:
            before = joined[-1] if joined and not waiting else None
            if clause.opens and before is not None and before.states and not before.scopes:
                before.scopes |= clause.scopes  # "MIT (code), CC BY 4.0 (data)"
                continue
            waiting.append(clause)
            continue
        if waiting and (clause.states or not clause.scopes):
            clause.scopes |= {scope for each in waiting for scope in each.scopes}
            waiting = []
        elif waiting:
            joined += waiting
            waiting = []
        joined.append(clause)
    if waiting:
        before = joined[-1] if joined else None
        if before is not None and before.states and before.scopes and all(each.gap == 1 for each in waiting):
            before.scopes |= {scope for each in waiting for scope in each.scopes}
        else:
            joined += waiting
    return [clause for clause in joined if clause.scopes or clause.states or clause.words]


def _name_subject(scopes: set[str]) -> str:
    """Name what a part speaks of; of several things the data, if it is one of them."""
    if not scopes:
        return "any"
    if len(scopes) == 1:
        return next(iter(scopes))
    return "data" if scopes & {"data", "database", "content"} else "code"
