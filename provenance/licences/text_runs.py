"""Words of a licence text, and the hashes of their runs."""

from __future__ import annotations

import re
import unicodedata
import zlib

WORDS_PER_RUN = 5
"""Words in a run that is hashed."""

_WORD = re.compile(r"[^\W_]+")
_LONE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff])")


def split_words(text: str) -> list[str]:
    """Split a licence text into the words that are compared.

    Args:
        text: any text.

    Returns:
        NFKC, case-folded runs of letters and digits; each Han or Kana character is a word.
    """
    plain = _LONE.sub(r" \1 ", unicodedata.normalize("NFKC", text).casefold().replace("licence", "license"))
    return _WORD.findall(plain)


def hash_runs(text_words: list[str]) -> list[int]:
    """Hash every run of five words, CRC-32 of the words joined by a space; the i-th begins at the i-th word."""
    return [
        zlib.crc32(" ".join(text_words[i : i + WORDS_PER_RUN]).encode())
        for i in range(len(text_words) - WORDS_PER_RUN + 1)
    ]
