r"""Text that cannot steer a terminal or deceive its reader: what cannot be seen stands as an escape such as `\u202e`.

Names of files and sources are whatever somebody chose, and a ledger may be hostile. So all text that this program
prints passes `escape_to_line`: controls (also ESC and C1), marks of direction, what has no width, line and paragraph
separators, halves of surrogate pairs, private and unassigned characters. Nothing is dropped. Ordinary text of any
script stays as it is, with what its spelling needs: the joiners of emoji, of Persian and of Indic scripts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from provenance.core.wording import count_noun

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_MARKS = 8
"""Combining marks on one letter at most; more of them climb over the lines above."""

_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SEEN = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")  # Cf, yet they have a glyph
_IGNORABLE = re.compile(  # Default_Ignorable_Code_Point that other categories hold: fillers and variation selectors
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Unassigned here, assigned in a newer Unicode: emoji and ideographs.
_NEWER = re.compile("[\U0001f000-\U0001faff\U0002a6d7-\U0002fffd\U00030000-\U0003fffd]")

_PICTURE = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
_PICTURE += "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u1039\u103a\u17d2"
_ARABIC = "\u0620-\u064a\u066e-\u06d3\u06ee-\u06ef\u06fa-\u06ff\u0710-\u074f\u0750-\u077f\u08a0-\u08c9"
_NATIONS = ("\U000e0065\U000e006e\U000e0067", "\U000e0073\U000e0063\U000e0074", "\U000e0077\U000e006c\U000e0073")
_ORDER = "|".join(
    (
        # the flags of England, Scotland and Wales: the only sequences of tags that are recommended
        f"\U0001f3f4\U000e0067\U000e0062(?:{'|'.join(_NATIONS)})\U000e007f",
        f"(?<=[{_PICTURE}\ufe0f])\u200d(?=[{_PICTURE}])",
        f"(?<=[{_PICTURE}])[\ufe0e\ufe0f]",
        "(?<=[0-9#*])\ufe0f(?=\u20e3)",
        f"(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]",
        "(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]",
        f"(?<=[{_VIRAMA}])[\u200c\u200d]",  # RFC 5892, A.1 and A.2
        f"(?<=[{_ARABIC}])\u200c(?=[{_ARABIC}])",
        "(?P<one>[^ -~])",
    )
)

_RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_RUN = f"[{_RIGHT}]+(?:[ '\"\u200c-]+[{_RIGHT}]+)*"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that plain text, of which help is made, does without."""
    return re.compile(pattern)


def escape_to_line(value: object, limit: int = 0) -> str:
    r"""Return text that shows all it holds, on one line.

    Args:
        value: anything; its text is taken.
        limit: characters of it to keep; 0 = all.

    Returns:
        The text with escapes as Python writes them (`\n`, `\x1b`, `\u202e`, `\U000e0001`) in the place of what cannot
        be seen. A backslash stays one. What was cut is counted.
    """
    text = str(value)
    more = len(text) - limit if limit else 0
    if more > 0:
        return f"{escape(text[:limit])}… ({count_noun(more, 'more character')})"
    return escape(text)


def escape(text: str, escape_char: Callable[[str], str] | None = None, keep: str = "") -> str:
    """Replace what cannot be seen.

    Args:
        text: any text.
        escape_char: makes an escape of a character; None = as Python writes it.
        keep: characters that stay though they cannot be seen, such as the newlines of a layout.
    """
    if text.isascii() and all(line.isprintable() for line in (text.split("\n") if "\n" in keep else (text,))):
        return text
    pieces = escape_char or _python
    end = marks = 0

    def one(found: re.Match[str]) -> str:
        nonlocal end, marks
        char = found["one"]
        if char is None:
            return found[0]
        if unicodedata.combining(char):
            marks = marks + 1 if found.start() == end else 1
            end = found.end()
            return char if marks <= _MOST_MARKS and is_ordinary(char) else pieces(char)
        return char if char in keep or is_ordinary(char) else pieces(char)

    return _compiled(_ORDER).sub(one, text)


def json_text(text: str) -> str:
    r"""Escape in JSON what cannot be seen, as `\u202e`: it stays JSON, and of the same value.

    Args:
        text: JSON; the newlines and tabs of its layout stay.
    """
    return escape(text, _json, "\n\r\t")


def isolate_directions(line: str) -> str:
    """Keep text that is read from the right to itself, so that it does not move the numbers and names beside it.

    Args:
        line: of visible text. For a terminal alone: elsewhere the marks (U+2068, U+2069) would be in the way.
    """
    return line if line.isascii() else _compiled(_RUN).sub(lambda found: f"\u2068{found[0]}\u2069", line)


@lru_cache(4096)
def is_ordinary(char: str) -> bool:
    """Tell whether a character can be seen, or is a space, wherever it stands."""
    if _IGNORABLE.match(char):
        return False
    kind = unicodedata.category(char)
    return kind not in _UNSEEN_CATEGORIES or bool(_SEEN.match(char)) or (kind == "Cn" and bool(_NEWER.match(char)))


def _python(char: str) -> str:
    return char.encode("unicode_escape").decode()


def _json(char: str) -> str:
    data = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[place : place + 2].hex()}" for place in range(0, len(data), 2))
