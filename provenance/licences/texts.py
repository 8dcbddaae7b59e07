"""Which licences a text is, found offline from hashes of its word sequences.

The index (`data/licence-texts.npz`) holds, of every licence of SPDX's list, the CRC-32 of each run of five words: no
text. A match is only as good as what stands beside it: words that are added and limit, or that are left out, make it
another licence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from provenance.core import package_data
from provenance.licences.additions import find_additions, is_copyright, read_lines
from provenance.licences.expressions import (
    UNKNOWN,
    Licence,
    find_licences,
    find_restrictions,
    join_by_and,
    normalise,
)
from provenance.licences.licence import is_vaguer, split_and
from provenance.licences.names import load_official
from provenance.licences.notices import find_notices
from provenance.licences.terms import find_right
from provenance.licences.text_runs import WORDS_PER_RUN, hash_runs, split_words

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LONGEST_TEXT", "find_notices", "hash_runs", "identify", "split_words"]

LONGEST_TEXT = 400_000
"""Characters of a licence text that are read: the longest in SPDX's list has 80,000."""

SHORT_WORDS = 60
"""Words: a licence file no longer than this names its licence; a longer one is a text."""

MOST_LEFT_OUT = 3
"""Required runs that may be missing and that no changed word explains: a word that is left out breaks more."""

COMPLETE_SHARE = 0.75
"""Share of a licence's required runs that its text must hold."""


@dataclass(frozen=True, slots=True)
class _Index:
    """The shipped hashes: sorted runs, whose they are, and whether that licence requires them."""

    names: list[str]
    run: np.ndarray[Any, Any]
    owner: np.ndarray[Any, Any]
    required: np.ndarray[Any, Any]
    sizes: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class _Match:
    """A licence that a text holds; several names are those of licences that differ in no more than their title."""

    name: str
    missing: int  # required runs
    certain: bool


@cache
def _load_index() -> _Index:
    import numpy as np

    with (package_data.DATA_FOLDER / "licence-texts.npz").open("rb") as file, np.load(file) as stored:
        run = np.cumsum(stored["step"], dtype=np.int64)  # steps between sorted hashes: they compress
        owner = stored["owner"]
        required = np.unpackbits(stored["required"], count=len(owner)).astype(bool)
        names = [str(name) for name in stored["names"]]
    return _Index(names, run, owner, required, np.bincount(owner[required], minlength=len(names)))


def identify(text: str) -> tuple[Licence, ...]:
    """Identify the licences whose text a file holds.

    Args:
        text: a licence file.

    Returns:
        Every licence found, the one that covers most first; all of them apply. `expression` is None and `note` says why
        if words were added that limit ("MIT with additions: commercial") or left out, if only a part of a text is
        there, or nothing but its title. () if nothing was recognised.
    """
    text = text[:LONGEST_TEXT]
    lines = read_lines(text)
    all_words = [word for line in lines for word in line.words]
    found, covered = _peel_matches(all_words)
    if not found:
        return _find_partial(text, all_words) or _read_named(text)
    raw = " AND ".join(match.name for match in found)
    added = find_additions(lines, covered, [match.name for match in found])
    if added:
        return (Licence(None, "text", raw, f"{raw} with additions: {', '.join(added)}"),)
    if sum(match.missing for match in found) > MOST_LEFT_OUT + _count_changed(all_words, covered):
        return (Licence(None, "text", raw, f"partial text of {raw}: words are left out"),)
    return tuple(
        Licence(match.name, "text", match.name)
        if match.certain
        else Licence(None, "text", match.name, f"the text of {match.name}, without its title")
        for match in found
    )


def _peel_matches(all_words: list[str]) -> tuple[list[_Match], list[bool]]:
    """Take the best match away, again and again, until nothing is left that matches."""
    import numpy as np

    index = _load_index()
    hashes = np.array(hash_runs(all_words), dtype=np.int64)
    left = np.ones(len(hashes), dtype=bool)
    covered = np.zeros(len(all_words), dtype=bool)
    found: list[_Match] = []
    for _ in range(8):
        best = _best_match(np.unique(hashes[left]))
        if best is None:
            break
        own = np.isin(hashes, index.run[np.isin(index.owner, best[0])])
        for shift in range(WORDS_PER_RUN):
            covered[shift : shift + len(own)] |= own
        left &= ~own
        found.append(_Match(" or ".join(index.names[place] for place in best[0]), best[1], len(best[0]) == 1))
    return found, covered.tolist()


def _find_entries(present: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the places of the index that hold one of some sorted hashes."""
    import numpy as np

    index = _load_index()
    first, last = np.searchsorted(index.run, present, "left"), np.searchsorted(index.run, present, "right")
    counts = last - first
    starts = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) if len(counts) else first
    return starts + np.arange(counts.sum())


def _best_match(present: np.ndarray[Any, Any]) -> tuple[list[int], int] | None:
    """Choose, among the complete licences, the one that explains most and misses least (or those that do equally).

    With how many of its required runs it misses.
    """
    import numpy as np

    index = _load_index()
    here = _find_entries(present)
    explained = np.bincount(index.owner[here], minlength=len(index.names))
    required = np.bincount(index.owner[here[index.required[here]]], minlength=len(index.names))
    score = np.where(
        required >= np.maximum(COMPLETE_SHARE * index.sizes, 1), explained - 2 * (index.sizes - required), -1
    )
    best = int(score.argmax())
    alike = np.flatnonzero(score == score[best]).tolist()
    return (alike, int(index.sizes[best] - required[best])) if score[best] > 0 else None


def _count_changed(all_words: list[str], covered: list[bool]) -> int:
    """Return how many runs are explained by changed words that change nothing: each stretch its words and four more."""
    inner = "".join("x" if each else "." for each in covered)
    return sum(
        2 * (len(stretch[0]) + WORDS_PER_RUN - 1)
        for stretch in re.finditer(r"(?<=x)\.{1,3}(?=x)", inner)
        if set(all_words[slice(*stretch.span())]) <= _SAME_THING
    )


_SAME_THING = frozenset(
    {"http", "https", "www", "owner", "owners", "holder", "holders", "contributor", "contributors", "author", "authors"}
)
"""Words of an address and of who holds the rights: one stands for the other."""


def _find_partial(text: str, all_words: list[str]) -> tuple[Licence, ...]:
    """Recognise a long piece of one licence: its name only as a note, for what is missing may be what matters."""
    import numpy as np

    present = np.unique(np.array(hash_runs(all_words), dtype=np.int64))
    index = _load_index()
    hits = np.bincount(index.owner[_find_entries(present)], minlength=len(index.names))
    best = int(hits.argmax())
    if hits[best] < max(40, 0.5 * len(present)):
        return ()
    name = index.names[best]
    named = {licence.expression for _, _, licence in find_licences(text[:400]) if licence.expression}
    limited = named == {name} and find_right(name, "commercial-service").value == "no"
    return (Licence(name if limited else None, "text", name, f"partial text of {name}"),)


def _read_named(text: str) -> tuple[Licence, ...]:
    """Read a file that names its licence instead of holding it, or that states a restriction in words of its own."""
    body = [line.strip(" #*=-") for line in text.strip().splitlines() if line.strip() and not is_copyright(line)]
    if len(split_words("\n".join(body))) <= SHORT_WORDS:
        licence = normalise(" ".join(body))
        stated = _read_stated(text) if licence.how == "part" else None
        if stated is not None:
            return (stated,)
        if licence.how == "part" or _is_title(body, licence):
            named = join_by_and(
                [each for each in split_and(licence.expression or UNKNOWN) if each != UNKNOWN] or ["a licence"]
            )
            return (Licence(None, "text", body[0][:200], f"calls itself {named}, but its text is not there"),)
        return (licence,) if licence.expression is not None else ()
    limits = find_restrictions(text)
    if limits:
        return (Licence(limits[0], "notice", body[0][:200], "a restriction in a text that is not known"),)
    title = normalise(body[0][:200]) if body else None
    if title is None or title.expression is None:
        return ()
    return (Licence(None, "text", body[0][:200], f"calls itself {title.expression}, but its text is another"),)


def _read_stated(text: str) -> Licence | None:
    """Read sentences that state a licence, as Creative Commons' own notice; any other sentence is unknown in it."""
    stated: set[str] = set()
    for sentence in _SENTENCE_END.split(text):
        plain = " ".join(sentence.split()).strip(" #*_`")
        if not split_words(plain) or is_copyright(plain):
            continue
        named = {str(licence.expression) for _, _, licence in find_licences(plain)}
        found = {str(licence.expression or UNKNOWN) for _, _, licence in find_notices(f"# License\n\n{plain}")}
        stated |= {part for each in named | found for part in split_and(each)}
        if not found and not _WHERE.match(plain):
            stated.add(UNKNOWN)
    sure = re.search(r"licen[cs]ed under|released under|dedicated to", text, re.IGNORECASE)
    if not sure or not stated - {UNKNOWN}:
        return None
    exact = [each for each in sorted(stated) if not is_vaguer(each, sorted(stated))]
    return Licence(join_by_and(exact), "part" if UNKNOWN in exact else "notice", text.strip()[:200])


_SENTENCE_END = re.compile(r"(?<=[^\s.]{2}[.!?])\s+|[。；]|\n\s*\n")
_WHERE = re.compile(
    r"to (?:view|see|read) (?:a|the) (?:copy|text|terms) of (?:this|the) licen[cs]e, (?:visit|see|go to) \S+"
    r"(?:(?: or|,)* send a letter to creative commons, [\w ,.]{1,90})?$"
    r"|(?:please )?see (?:the )?(?:file )?`?licen[cs]e(?:\.\w+)?`?(?: file)?(?: for (?:more )?details)?\W*$"
    r"|you may obtain a copy of the licen[cs]e at\W+\S+$",
    re.IGNORECASE,
)
"""Where the text of a licence stands, which says nothing more."""


def _is_title(body: list[str], licence: Licence) -> bool:
    """Tell the title of a text, "MIT License", from a tag, a sentence, and a name that withholds."""
    text = " ".join(body).strip(" .:")
    official = load_official().get(licence.expression or "", "")
    if not official or re.search(r"https?:|identifier|licen[cs]ed|under|released|许可|授权", text, re.IGNORECASE):
        return False
    titled = re.search(r"licen[cs]e", text, re.IGNORECASE) is not None or text.casefold() == official.casefold()
    return titled and text.casefold() != str(licence.expression).casefold() and _permits(str(licence.expression))


def _permits(expression: str) -> bool:
    return find_right(expression, "commercial-service").value != "no"
