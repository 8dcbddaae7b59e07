"""Normalisation v2, and v1, in plain Python: what the kernel is held to, and what others can implement."""

from __future__ import annotations

import unicodedata
from functools import cache

from provenance.similarity.text.unicode_tables import VERSIONS, load_chinese_folding, load_left_out

_ALONE_SCRIPTS = (
    "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR",
    "HENTAIGANA", "HANGZHOU NUMERAL", "IDEOGRAPHIC ITERATION MARK", "IDEOGRAPHIC NUMBER ZERO",
    "VERTICAL IDEOGRAPHIC ITERATION MARK", "OLD CHINESE", "VIETNAMESE ALTERNATE READING",
)  # fmt: skip


@cache
def _map_left_out() -> dict[int, None]:
    return dict.fromkeys(load_left_out())


def normalise_reference(text: str, *, fold_chinese: bool = False, version: int = VERSIONS[-1]) -> str:
    """Normalise one text in plain Python: the definition, for tests and for whoever implements it elsewhere.

    Args:
        text: any text.
        fold_chinese: whether traditional characters count as their simplified ones.
        version: 1, or 2: that of the NFKC text without what nobody sees.

    Returns:
        The same as the kernel wherever the running Python's Unicode tables agree with 14.0.0.
    """
    out = ""
    if version > 1:
        text = unicodedata.normalize("NFKC", text).translate(_map_left_out())
    folded = unicodedata.normalize("NFKC", text).casefold()
    for char in folded.translate(load_chinese_folding()) if fold_chinese else folded:
        word = unicodedata.category(char)[0] in "LMN"
        name = unicodedata.name(char, "")
        alone = (
            word and name.startswith(_ALONE_SCRIPTS) and not name.startswith("KATAKANA-HIRAGANA")
        )  # those are Common
        out += f" {char} " if alone else char if word else " "
    return " ".join(out.split())
