"""Creative Commons names and GNU names, which follow a grammar: elements, version, port; kind, version, "or later"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from provenance.licences.names import Phrases, load_spdx, load_words

if TYPE_CHECKING:
    from collections.abc import Sequence

Found = tuple[int, str | None]
"""Words used, and the id; used and None = it is such a name, but of no licence that exists."""

_VERSIONS = frozenset({"1", "2", "2.1", "2.5", "3", "4"})
_PORTED = frozenset({"1", "2", "2.1", "2.5", "3"})
_LONGEST = 32  # words
_COMPOUND = re.compile(r"(?:cc)?(?:by|nc|sa|nd){1,4}")
_CC_ZERO = frozenset(
    {"universal", "public", "domain", "dedication", "1", "通用", "universel", "universell", "universelle"}
)
_COMMONS = frozenset({"cc", "creative", "creativecommons", "知识共享", "知識共享", "创作共用", "クリエイティブ"})


@dataclass(slots=True)
class _Name:
    """As much of a Creative Commons name as was read."""

    parts: set[str] = field(default_factory=set)
    version: str | None = None
    port: str | None = None
    marked: bool = False  # by "CC" or "Creative Commons"
    spelt: bool = False  # begins with "Attribution", in any language
    used: int = 0

    @property
    def is_sure(self) -> bool:
        """Return whether it can be no other words: "by" alone is none."""
        bare = self.version is not None and "by" in self.parts and self.spelt
        return bool(self.parts) and (self.marked or len(self.parts) > 1 or bare)

    @property
    def id(self) -> str | None:
        """Return the SPDX id, or one of ours; None where there is no such licence."""
        return None if {"sa", "nd"} <= self.parts else _make_id(self.parts, self.version, self.port)


def read_commons(words: Sequence[str], *, ported: bool = True) -> Found:
    """Read as much of a Creative Commons name as stands at the beginning: BY, NC, SA, ND in any order and language.

    Args:
        words: folded words.
        ported: read the country of a port; in prose "3.0 Unported, at" is not Austria's.

    Returns:
        Words used and the id; (0, None) where no such name begins here.
    """
    zero = _read_zero(words)
    if zero[0]:
        return zero
    name = _Name(spelt=_elements().find(words, 0)[1] == "by" and words[0] != "by")
    while name.used < min(len(words), _LONGEST):
        size = _read_again(words, name, ported=ported) or _read_element(words, name, ported=ported)
        if not size:
            break
        name.used += size
    return (name.used, name.id) if name.is_sure else (0, None)


def _read_again(words: Sequence[str], name: _Name, *, ported: bool) -> int:
    """Read the same name once more, "CC BY 4.0 (CC BY 4.0)"; of another one nothing: those are two licences."""
    if not (name.parts and name.version and words[name.used].startswith(("cc", "creative"))):
        return 0
    size, id_ = read_commons(words[name.used :], ported=ported)
    return size if id_ is not None and id_ in {name.id, _make_id(name.parts, None, None)} else 0


def _read_element(words: Sequence[str], name: _Name, *, ported: bool) -> int:
    """Read one element, version, port or word that says nothing; return how many words it has."""
    word = words[name.used]
    if name.parts and name.version and word.startswith(("cc", "creative")):
        return 0
    size, part = _elements().find(words, name.used)
    if part is None and (name.marked or name.parts or word.startswith(("cc", "by"))) and _COMPOUND.fullmatch(word):
        size, part = 1, "-".join(re.findall("by|nc|sa|nd", word)) or None
        name.marked |= word.startswith("cc")
    if part == "silent":
        name.marked |= word in _COMMONS
    elif part is not None:
        name.parts |= set(part.split("-"))
    elif word in _VERSIONS and name.version in {None, word}:
        name.version, size = word, 1
    elif name.version in _PORTED and not name.port and ported:
        size, name.port = _ports().find(words, name.used)
    return size


def _read_zero(words: Sequence[str]) -> Found:
    """Read CC0: "CC0 1.0 Universal", "Creative Commons Zero"; a version or word beside it is left."""
    index = 0
    while index < len(words) and _elements().find(words, index)[1] == "silent":
        index += 1
    if not index or not any(word in _COMMONS for word in words[:index]):
        return 0, None
    if index >= len(words) or words[index] not in {"0", "zero"}:
        return 0, None
    index += 1
    while index < len(words) and words[index] in _CC_ZERO:
        index += 1
    return index, "CC0-1.0"


def _make_id(parts: set[str], version: str | None, port: str | None) -> str:
    if parts == {"sa"} and version == "1":
        return "CC-SA-1.0"
    name = "-".join(["CC", *[part.upper() for part in ("by", "nc", "nd", "sa") if part in parts | {"by"}]])
    if version is None:
        return f"LicenseRef-provenance-{name}"
    name = f"{name}-{version if '.' in version else version + '.0'}"
    if port is None:
        return name
    ported = f"{name}-{port}"
    return ported if ported in load_spdx().known_symbols else f"LicenseRef-provenance-{ported}"


@cache
def _elements() -> Phrases:
    return Phrases(load_words()["commons"])


@cache
def _ports() -> Phrases:
    return Phrases({code: [code.lower(), *names] for code, names in load_words()["ports"].items()})


# --- GNU -----------------------------------------------------------------------------------------------------------

_KINDS = (
    (("affero", "general", "public"), "AGPL"),
    (("affero", "gpl"), "AGPL"),
    (("agpl",), "AGPL"),
    (("agplv",), "AGPL"),
    (("lesser", "general", "public"), "LGPL"),
    (("library", "general", "public"), "LGPL"),
    (("lesser", "gpl"), "LGPL"),
    (("lgpl",), "LGPL"),
    (("lgplv",), "LGPL"),
    (("general", "public"), "GPL"),
    (("general", "publicv"), "GPL"),
    (("gpl",), "GPL"),
    (("gplv",), "GPL"),
    (("free", "documentation"), "GFDL"),
    (("gfdl",), "GFDL"),
    (("fdl",), "GFDL"),
)
_GNU_VERSIONS = {"GPL": {"1", "2", "3"}, "LGPL": {"2", "2.1", "3"}, "AGPL": {"1", "3"}, "GFDL": {"1.1", "1.2", "1.3"}}
_LATER = (
    ("of", "or", "at", "your", "option", "any", "later"),
    ("or", "at", "your", "option", "any", "later"),
    ("at", "your", "option", "any", "later"),
    ("or", "any", "later"),
    ("and", "any", "later"),
    ("or", "later"),
    ("and", "later"),
    ("or", "newer"),
    ("or", "above"),
    ("or", "higher"),
    ("或", "更高"),
    ("oder", "spater"),
    ("ou", "ulterieure"),
    ("o", "posterior"),
    ("ou", "posterior"),
)


def read_gnu(words: Sequence[str]) -> Found:
    """Read as much of a name of the GNU licences as stands at the beginning: "GNU GPL v2 or later".

    Args:
        words: folded words.

    Returns:
        Words used and the id; a family without version has none; (0, None) where no such name begins here.
    """
    index, kind = _read_kinds(words, int(words[0] == "gnu"))
    if kind is None or (kind in {"GPL", "GFDL"} and words[0] in {"general", "free"}):
        return 0, None
    if index >= len(words) or not words[index][0].isdigit():
        return index, None
    version = words[index].removesuffix("+")
    later = words[index].endswith("+")
    index = _read_kinds(words, index + 1, kind)[0]
    for phrase in _LATER:
        if tuple(words[index : index + len(phrase)]) == phrase:
            later, index = True, index + len(phrase)
            break
    else:
        if words[index : index + 1] == ["only"] and not later:
            index += 1
    if version not in _GNU_VERSIONS[kind]:
        return index, None
    number = version if "." in version else f"{version}.0"
    return index, f"{kind}-{number}-{'or-later' if later else 'only'}"


def _read_kinds(words: Sequence[str], index: int, kind: str | None = None) -> tuple[int, str | None]:
    """Skip names of one kind, however often it is said: "GNU General Public License (GPL)"."""
    while index < len(words):
        found = next(((len(name), k) for name, k in _KINDS if tuple(words[index : index + len(name)]) == name), None)
        if found is None and words[index] == "gnu" and kind is not None:
            found = (1, kind)
        if found is None or (kind is not None and found[1] != kind):
            break
        index, kind = index + found[0], found[1]
    return index, kind
