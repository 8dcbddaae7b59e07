"""Words and sentences behind a licence that take back a part of it."""

from __future__ import annotations

import re
import unicodedata

from provenance.licences.expressions import UNKNOWN, Licence, find_riders, join_by_and, normalise
from provenance.licences.text_runs import split_words


def fold(sentence: str) -> str:
    """Return a sentence as NFKC with single blanks.

    Args:
        sentence: of prose.
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", sentence)).strip()


def limit(licence: Licence, begin: int, plain: str) -> Licence:
    """Return a licence with the words that limit it: as much of the sentence as a statement may have.

    Args:
        licence: that is named.
        begin: its place in the sentence.
        plain: the sentence.

    Returns:
        The licence AND unknown, or stricter.
    """
    start = max(0, min(begin - 60, len(plain) - 390)) if len(plain) > 390 else 0
    raw = plain[start : start + 390].strip()
    whole = normalise(raw)
    if whole.expression == licence.expression:  # what limits it must stand in what is kept
        raw = f"{licence.raw} with additions: {plain[begin + len(licence.raw) :].strip()[:200]}"
        whole = normalise(raw)
    limited = whole.expression or join_by_and([licence.expression or UNKNOWN, UNKNOWN])
    return Licence(limited, "part", raw, "limited in the same sentence")


def limit_by(licence: Licence, stated: str, sentence: str) -> Licence:
    """Return a licence with the sentence behind it that limits it.

    Args:
        licence: that is stated.
        stated: the words that state it.
        sentence: behind them.

    Returns:
        The licence AND unknown, or stricter.
    """
    raw = f"{fold(stated)[-250:]}. {fold(sentence)[:130]}"
    whole = normalise(raw)
    if whole.expression == licence.expression:
        raw = f"{licence.raw[:200]} with additions: {fold(sentence)[:130]}"
        whole = normalise(raw)
    limited = whole.expression or join_by_and([licence.expression or UNKNOWN, UNKNOWN])
    return Licence(limited, "part", raw, "limited by the next sentence")


def is_rider(sentence: str, stated: str = "") -> bool:
    """Tell whether a sentence limits what the one before it states.

    Args:
        sentence: of prose.
        stated: the words that state the licence.
    """
    plain = fold(sentence)
    if _DEED.search(plain) or (re.search(r"copyright|©", stated, re.IGNORECASE) and _RESERVED.fullmatch(plain)):
        return False
    if re.search(r"\bcit(?:e|ation)\b|bibtex|\bwarrant|\bliab|as is", plain, re.IGNORECASE):
        return False
    forbids = len(split_words(plain)) <= SHORT_RULE and _FORBIDS.search(plain)
    return bool(forbids or (_ANAPHOR.match(plain) and find_riders(plain)))


_DEED = re.compile(
    r"\bendorses you\b|legal terms or technological measures|\bterms of the gnu\b|\btrademarks?\b", re.IGNORECASE
)
"""Words of a licence's own summary, which stands beside its name."""

_RESERVED = re.compile(r"\W*all rights (?:are )?reserved\W*", re.IGNORECASE)
SHORT_RULE = 16
"""Words of a sentence that is no more than a rule."""

_FORBIDS = re.compile(
    r"^\W*(?:please )?(?:do not|don.t|never|not for|no) \w+"
    r"|\b(?:forbidden|prohibited|not (?:allowed|permitted|covered|ours))\b"
    r"|\b(?:must|may|shall|can) ?not\b|\b(?:remains?|stays?|are|is) (?:copyrighted|proprietary)|\bremains? the property"
    r"|\bbelongs? to\b|\bcopyright of\b|\ball rights reserved\b|\bfor (?:academic|research|non-?commercial)\b.*\bonly\b"
    r"|\b(?:untersagt|verboten|nicht gestattet|vorbehalten)\b|\binterdit\w*|\bprohibid\w+|\bproibid\w+|\bvietat\w+"
    r"|禁止|不得|不可|禁じ|できません|仅供|仅限|запрещ|금지|\bterms of the \w+",
    re.IGNORECASE,
)
"""A short sentence behind a licence that takes back a part of it."""


_ANAPHOR = re.compile(
    r"^\W*(?:however|but|note|it |they |this |these |use\b|usage|commercial|redistribution|you |users? |any "
    r"|all |no |the (?:data|images|audio|text|files|"
    r"corpus|code|annotations|dataset|recordings|photos)|images|only|except|exceptions?|additional|furthermore"
    r"|moreover|in addition|aber|allerdings|mais|"
    r"toutefois|pero|sin embargo|mas |但|不得|仅|除|另|禁止|ただし)",
    re.IGNORECASE,
)
