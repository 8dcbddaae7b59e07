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
from provenance.licences.expressions import (
    UNKNOWN,
    Licence,
    find_licences,
    find_restrictions,
    find_riders,
    join_by_and,
    normalise,
)
from provenance.licences.licence import split_and
from provenance.licences.names import load_official
from provenance.licences.notices import find_notices
from provenance.licences.terms import find_right
from provenance.licences.text_runs import WORDS_PER_RUN, hash_runs, split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

__all__ = ["LONGEST_TEXT", "find_notices", "hash_runs", "identify", "split_words"]

LONGEST_TEXT = 400_000
"""Characters of a licence text that are read: the longest in SPDX's list has 80,000."""

SHORT_WORDS = 60
"""Words: a licence file no longer than this names its licence; a longer one is a text."""

LEAST_ADDED_WORDS = 5
"""Added words from which on a stretch may be a clause of its own."""

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
    all_words, in_copyright = _mark_copyright(text)
    found, covered = _peel_matches(all_words)
    if not found:
        return _find_partial(text, all_words) or _read_named(text)
    raw = " AND ".join(match.name for match in found)
    added = _find_additions(all_words, in_copyright, covered)
    if added:
        return (Licence(None, "text", raw, f"{raw} with additions: {', '.join(added)}"),)
    if sum(match.missing for match in found) > MOST_LEFT_OUT + _count_changed(covered):
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


def _count_changed(covered: list[bool]) -> int:
    """Return how many runs the changed words within a text explain: each stretch its words and four more, twice."""
    inner = "".join("x" if each else "." for each in covered).strip(".")
    return sum(2 * (len(stretch) + WORDS_PER_RUN - 1) for stretch in re.findall(r"\.+", inner) if len(stretch) <= 3)


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
    body = [line.strip(" #*=-") for line in text.strip().splitlines() if line.strip() and not _is_copyright(line)]
    if len(split_words("\n".join(body))) <= SHORT_WORDS:
        licence = normalise(" ".join(body))
        if licence.how == "part":
            licence = _read_stated(text) or licence
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
    """Read sentences that state a licence, as Creative Commons' own notice does, if nothing beside them limits it."""
    stated = {licence.expression for _, _, licence in find_notices(f"# License\n\n{text}")}
    sure = re.search(r"licen[cs]ed under|released under|dedicated to", text, re.IGNORECASE) and not _limits(text)
    if not sure or not stated or None in stated or any(UNKNOWN in str(each) for each in stated):
        return None
    return Licence(join_by_and(sorted(map(str, stated))), "notice", text.strip()[:200])


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


def _is_copyright(line: str) -> bool:
    return bool(re.match(r"\W{0,8}(?:copyright|\(c\)|©|all rights reserved)", line.strip(), re.IGNORECASE))


def _find_additions(all_words: list[str], in_copyright: list[bool], covered: list[bool]) -> list[str]:
    """Name the kinds of added words that touch use, stretch by stretch."""
    kinds, strong = _load_additions()
    limits = frozenset(_load_phrases()["limiting"])
    found: set[str] = set()
    for stretch in _cut_stretches(all_words, in_copyright, covered):
        here = {kinds[word] for word in stretch if word in kinds} | _han_kinds("".join(stretch))
        if here & strong or ("terms" in here and len(stretch) >= LEAST_ADDED_WORDS) or limits & set(stretch):
            found |= here or {"terms"}
    return sorted(found)


def _cut_stretches(all_words: list[str], in_copyright: list[bool], covered: list[bool]) -> Iterator[list[str]]:
    """Yield the words that no licence explains, cut where more than three explained ones stand between."""
    stretch: list[str] = []
    gap = 0
    for word, credited, explained in zip(all_words, in_copyright, covered, strict=True):
        gap = gap + 1 if explained else 0
        if gap > 3:
            if stretch:
                yield stretch
            stretch = []
        elif not explained and (not credited or word in _strong_words()):
            stretch.append(word)
    yield stretch


def _mark_copyright(text: str) -> tuple[list[str], list[bool]]:
    """Return a text's words, and for each whether it stands in a copyright line, which says who, not what."""
    all_words: list[str] = []
    in_copyright: list[bool] = []
    for line in text.splitlines():
        line_words = split_words(line)
        all_words += line_words
        in_copyright += [_is_copyright(line) and not _limits(line)] * len(line_words)
    return all_words, in_copyright


def _limits(line: str) -> bool:
    """Tell whether a copyright line says more than who holds the rights."""
    more = re.sub(r"all rights (?:are )?reserved", " ", line, flags=re.IGNORECASE)
    return bool(find_restrictions(more) or find_riders(more) or re.search(r"\bfor \w+ (?:purposes?|use)\b", more))


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
