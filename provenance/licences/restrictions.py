"""Restrictions that a text states in its own words, without naming a licence: `data/licence-phrases.yaml`."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from provenance.core import package_data

LONGEST_PROSE = 20_000
"""Characters of prose that are searched for names and restrictions."""

_EITHER_WAY = re.compile(
    r"\bcommercial(?:ly)? (?:and|or|and/or|as well as) non-?commercial|\bnon-?commercial (?:and|or|and/or) commercial"
)


_UNRESTRICTED = re.compile(r"\b(?:not|isn't|aren't) (?:restricted|limited|confined) to [^.;,]{0,60}")


def find_restrictions(text: str) -> list[str]:
    """Name the restrictions that a text states without naming a licence.

    Args:
        text: prose; the first 20,000 characters are read.

    Returns:
        `LicenseRef-provenance-*` ids of `data/licence-phrases.yaml`, strictest first, at most one on commerce.
    """
    plain = _plain(text)
    found = [name for name, patterns in _load_patterns() if any(pattern.search(plain) for pattern in patterns)]
    use = [name for name in found if not name.endswith("-no-training")]
    return [name for name in found if name not in use] + use[:1]


def remove_restrictions(text: str) -> str:
    """Return a text, in lower case, without the words in which it states a restriction that is known."""
    plain = _plain(text)
    for _, patterns in _load_patterns():
        for pattern in patterns:
            plain = pattern.sub(" ", plain)
    return plain


def find_riders(text: str) -> list[str]:
    """Find the words that limit, except from or add to a licence that a sentence names.

    Args:
        text: prose; the first 20,000 characters are read.

    Returns:
        The words as they stand, in lower case, each once.
    """
    plain = _plain(text)
    for pattern in _load_phrases()["harmless"]:
        plain = re.sub(pattern, " ", plain)
    found = (match[0].strip() for pattern in _load_riders() for match in pattern.finditer(plain))
    return list(dict.fromkeys(found))


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text[:LONGEST_PROSE]).lower().replace("\u2010", "-").replace("\u2011", "-")
    plain = re.sub(r"(?<=[\u3040-\u9fff])\s+(?=[\u3040-\u9fff])", "", plain)  # no blank stands within Han
    plain = _EITHER_WAY.sub("any", re.sub(r"\s+", " ", plain.replace("\u2019", "'")))
    return _UNRESTRICTED.sub(" ", plain)


@cache
def _load_phrases() -> dict[str, Any]:
    return dict(package_data.load_table("licence-phrases"))


@cache
def _load_patterns() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    entries = _load_phrases()["restrictions"]
    return tuple((entry["id"], tuple(map(re.compile, entry["patterns"]))) for entry in entries)


@cache
def _load_riders() -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _load_phrases()["riders"]))
