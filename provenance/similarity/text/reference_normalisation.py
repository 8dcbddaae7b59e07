"""Normalisation v1 in plain Python: the definition that the kernel is held to, and that others can implement."""

from __future__ import annotations

import unicodedata

from provenance.similarity.text.normalisation import load_chinese_folding

_ALONE_SCRIPTS = (
    "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR",
    "HENTAIGANA", "HANGZHOU NUMERAL", "IDEOGRAPHIC ITERATION MARK", "IDEOGRAPHIC NUMBER ZERO",
    "VERTICAL IDEOGRAPHIC ITERATION MARK", "OLD CHINESE", "VIETNAMESE ALTERNATE READING",
)  # fmt: skip


def normalise_reference(text: str, *, fold_chinese: bool = False) -> str:
    """Normalise one text in plain Python: the definition, for tests and for whoever implements it elsewhere.

    Args:
        text: any text.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        The same as the kernel wherever the running Python's Unicode tables agree with 14.0.0.
    """
    out = ""
    folded = unicodedata.normalize("NFKC", text).casefold()
    for char in folded.translate(load_chinese_folding()) if fold_chinese else folded:
        word = unicodedata.category(char)[0] in "LMN"
        name = unicodedata.name(char, "")
        alone = (
            word and name.startswith(_ALONE_SCRIPTS) and not name.startswith("KATAKANA-HIRAGANA")
        )  # those are Common
        out += f" {char} " if alone else char if word else " "
    return " ".join(out.split())
