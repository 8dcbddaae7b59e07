"""Names of licences, folded so that spellings of one name are equal: SPDX's official names and ids, aliases, families.

The tables are data: `data/spdx-licences.yaml` (ids and official names), `data/licence-aliases.yaml` (our aliases,
families, markers, addresses) and `data/licence-words.yaml` (words of statements in the languages that occur).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.core import package_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Words = tuple[str, ...]

_WORD = re.compile(r"[a-zA-Zß-ɏ]+\+*|\d+(?:\.\d+)*\+?|[^\W\d_a-zA-Zß-ɏ]+")
_ENDING_ZERO = re.compile(r"(?:\.0)+(?=\+?$)")
_SHORT_NAMES = frozenset({("mit",), ("isc",), ("zlib",), ("boost",), ("expat",), ("gemma",), ("qwen",)})


class Word(NamedTuple):
    """A folded word and where it stands.

    Args:
        text: lower case, without accents; a number without closing ".0"; a Han or Kana run cut at the words we know.
        start: place of its first character in the text as NFKC.
        end: place behind its last.
    """

    text: str
    start: int
    end: int


def strip_accents(text: str) -> str:
    """Return a text of the same length with Latin letters that have no accents.

    Args:
        text: NFKC.
    """
    if text.isascii():
        return text
    return "".join(unicodedata.normalize("NFD", c)[0] if "\u00c0" <= c <= "\u024f" else c for c in text)


def fold_words(text: str, *, dropped: bool = True) -> Iterator[Word]:
    """Yield folded words with the place where each stands.

    Args:
        text: NFKC.
        dropped: leave out words that say no more than "licence".
    """
    for match in _WORD.finditer(strip_accents(text)):
        word = match[0].casefold()
        if word[0].isdigit():
            yield Word(_ENDING_ZERO.sub("", word), match.start(), match.end())
        elif word.isascii() or word[0] < "\u3000":
            if not (dropped and word in _dropped()):
                yield Word(word, match.start(), match.end())
        else:
            yield from _cut_han(word, match.start(), dropped=dropped)


def _cut_han(run: str, start: int, *, dropped: bool) -> Iterator[Word]:
    """Cut a run without spaces at the longest words that are known; what is between is single characters."""
    place = 0
    known = _han_words()
    while place < len(run):
        size = next((n for n in range(min(14, len(run) - place), 1, -1) if run[place : place + n] in known), 1)
        word = run[place : place + size]
        if not (dropped and word in _dropped()):
            yield Word(word, start + place, start + place + size)
        place += size


def fold_name(text: str) -> Words:
    """Reduce a name to what distinguishes it.

    Args:
        text: a name, or a text.

    Returns:
        Words in lower case and numbers without closing ".0"; articles and the words licence and version are left out.
    """
    return tuple(word.text for word in fold_words(unicodedata.normalize("NFKC", text)))


@cache
def load_aliases() -> dict[str, Any]:
    """Return `data/licence-aliases.yaml`."""
    return dict(package_data.load_table("licence-aliases"))


@cache
def load_words() -> dict[str, Any]:
    """Return `data/licence-words.yaml`."""
    return dict(package_data.load_table("licence-words"))


@cache
def load_official() -> Mapping[str, str]:
    """Return SPDX's ids of licences, those that newer ones replace included, with their official names."""
    return dict(package_data.load_table("spdx-licences")["licences"])


@cache
def load_spdx() -> Any:
    """Return license-expression's table of SPDX ids, loaded once, with what SPDX's list has beyond it."""
    import license_expression

    index = license_expression.get_license_index()
    known = {id_ for each in index for id_ in (each.get("spdx_license_key"), *each.get("other_spdx_license_keys", ()))}
    newer = [{"spdx_license_key": id_} for id_ in load_official() if id_ not in known]
    return license_expression.build_spdx_licensing([*index, *newer])


@cache
def load_names() -> Mapping[Words, str]:
    """Return every folded name with its id: our own aliases before SPDX's names and ids."""
    names: dict[Words, str] = {}
    shared: set[Words] = set()
    for id_, name in load_official().items():
        current = _current(id_)
        for words in {fold_name(id_), fold_name(name)}:
            if names.setdefault(words, current) != current:
                shared.add(words)
    for words in shared:  # one name of two licences names neither
        del names[words]
    names |= {fold_name(id_): id_ for id_ in load_spdx().known_symbols if not id_.startswith("LicenseRef-")}
    for id_, aliases in load_aliases()["aliases"].items():
        names |= {fold_name(alias): id_ for alias in (id_, *aliases)}
    for key in ("families", "markers"):
        for words in folded(key):
            names.pop(words, None)
    names.pop((), None)
    return names


def _current(id_: str) -> str:
    """Return the id or expression that replaces a deprecated one."""
    parsed = load_spdx().parse(id_)
    return id_ if parsed is None else str(parsed)


@cache
def folded(key: str) -> frozenset[Words]:
    """Return the folded names of one table.

    Args:
        key: families | markers.
    """
    return frozenset(fold_name(str(name)) for name in load_aliases()[key])


@cache
def names_by_first_word() -> Mapping[str, tuple[Words, ...]]:
    """Return first word of a name -> the names that a text may be searched for, longest first."""
    names: dict[str, list[Words]] = {}
    for name, id_ in load_names().items():
        # One-word ids of SPDX ("Glide", "HP", "eGenix") are words of every text.
        if len(name) > 1 or name in _SHORT_NAMES or id_ in load_aliases()["aliases"]:
            names.setdefault(name[0], []).append(name)
    return {first: tuple(sorted(those, key=len, reverse=True)) for first, those in names.items()}


def find_longest(words: Sequence[str], index: int) -> tuple[int, str | None]:
    """Find the longest name that begins at a place.

    Args:
        words: folded words.
        index: of the first word of the name.

    Returns:
        How many words it has, and the id; 0 and None where no name begins there.
    """
    for name in names_by_first_word().get(words[index], ()):
        if tuple(words[index : index + len(name)]) == name:
            return len(name), load_names()[name]
    return 0, None


class Phrases:
    """Phrases of folded words, looked up at a place of a text.

    Args:
        values: what a phrase stands for -> phrases.
    """

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values: dict[Words, str] = {}
        for value, phrases in values.items():
            for phrase in phrases:
                words = tuple(word.text for word in fold_words(unicodedata.normalize("NFKC", phrase), dropped=False))
                self._values[words] = value
                # a statement's words lack those that only say "licence"
                self._values.setdefault(tuple(word for word in words if word not in _dropped()), value)
        self._values.pop((), None)
        self._longest = max(map(len, self._values))

    def find(self, words: Sequence[str], index: int) -> tuple[int, str | None]:
        """Find the longest phrase that begins at a place.

        Args:
            words: folded words.
            index: of the first word of the phrase.

        Returns:
            How many words it has, and what it stands for; 0 and None where none begins there.
        """
        for size in range(min(self._longest, len(words) - index), 0, -1):
            value = self._values.get(tuple(words[index : index + size]))
            if value is not None:
                return size, value
        return 0, None


@cache
def _dropped() -> frozenset[str]:
    return frozenset(load_words()["dropped"])


@cache
def _han_words() -> frozenset[str]:
    """Return the words of Han and Kana that the tables hold."""
    tables: list[Any] = [load_words(), {key: load_aliases()[key] for key in ("aliases", "families", "markers")}]
    found: set[str] = set()
    while tables:
        each = tables.pop()
        if isinstance(each, dict):
            tables += each.values()
        elif isinstance(each, list):
            tables += each
        elif isinstance(each, str) and not each.isascii():
            found |= {part for part in re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+", each) if len(part) > 1}
    return frozenset(found)
