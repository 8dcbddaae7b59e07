"""What a licence is called, turned into an SPDX expression: tags, names, addresses, lists, statements, and prose.

The law of this room: no conclusion is milder than any part of its input. A name is read whole, or word by word with
nothing left out (`statements`); a long text is searched, and what limits beside a name makes it unknown.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from provenance.licences import names
from provenance.licences.addresses import URL, is_address, is_pointer, read_address
from provenance.licences.creative_commons import read_commons, read_gnu
from provenance.licences.licence import UNKNOWN, How, Licence, Part, is_vaguer, join_by_and, keep_distinct, split_and
from provenance.licences.names import fold_name, fold_words, load_aliases, load_spdx
from provenance.licences.restrictions import LONGEST_PROSE, find_restrictions, find_riders, remove_restrictions
from provenance.licences.statements import read_statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "CUT",
    "LONGEST_NAME",
    "LONGEST_PROSE",
    "UNKNOWN",
    "How",
    "Licence",
    "Part",
    "find_licences",
    "find_restrictions",
    "find_riders",
    "fold_name",
    "is_placeholder",
    "is_vaguer",
    "join_by_and",
    "keep_distinct",
    "load_aliases",
    "load_spdx",
    "normalise",
    "split_statement",
]

CUT = " ... (more)"
"""Stands at the end of a statement of which not all was kept: it is never understood whole."""

LONGEST_NAME = 400
"""Characters: what is longer is a text, not a name, and is searched for the names that stand in it."""

_POINTER = re.compile(
    r"[\s,;:.(\[—–-]{0,8}\b(?:see|refer to|as in)\s+(?:the\s+)?\[?[`*]*(?:file\s+)?"
    r"(?:LICEN[SC]E|COPYING)(?:\.\w{1,8})?[`*]*\]?"
    r"(?:\([^)]{0,200}\))?(?:\s+file)?(?:\s+for (?:more )?details)?[\s.)\]]{0,8}$",
    re.IGNORECASE,
)  # "MIT, see LICENSE": where the text stands is no second licence
_ALTERED = re.compile(
    r"^modified\s+(?!bsd)|\bwith additions: |^partial text of |\bcalls itself |^unrecognised text:", re.IGNORECASE
)
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\(([^)\s]{0,500})[^)\n]{0,200}\)")
_ANCHOR = re.compile(
    r"<a\s[^>]{0,300}?href\s*=\s*[\"']?([^\"'>\s]{1,500})[^>]{0,300}>(.{0,300}?)</a>", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_PLACEHOLDER = re.compile(
    r"[\[(<{]?\s*(?:more|needs more|add|insert)\s+(?:information|details|licen[cs]e)[^\])>}]{0,40}[\])>}]?"
    r"|\{\{.{0,100}\}\}|todo\W*",
    re.IGNORECASE,
)


def normalise(raw: str | Sequence[str]) -> Licence:
    """Turn what somebody wrote as a licence into an SPDX expression.

    Args:
        raw: a name, tag, address, SPDX expression or sentence. A list means that it is not known which applies: all
            of them are joined by AND, never by OR.

    Returns:
        The licence, of all that is spoken of; `expression` is None for families ("bsd"), markers ("other", "unknown")
        and unknown names. It is never milder than a part of what is written: what was not understood is UNKNOWN in it.
    """
    if not isinstance(raw, str):
        return _join_licences([normalise(each) for each in raw], ", ".join(raw))
    parts = split_statement(raw)
    return parts[0].licence if len(parts) == 1 else _join_licences([part.licence for part in parts], raw)


def split_statement(raw: str) -> list[Part]:
    """Split what somebody wrote as a licence by what it speaks of: "Apache 2.0 for code, CC BY-NC for data".

    Args:
        raw: a name, tag, address, SPDX expression or sentence.

    Returns:
        At least one part; its subject is `any` where the statement does not say of what it speaks.
    """
    text = unicodedata.normalize("NFKC", raw)
    text = re.sub(r"\band\s*/\s*or\b", "and", _strip_markup(_POINTER.sub("", text) or text), flags=re.IGNORECASE)
    whole = _read_whole(text, raw)
    if whole is not None:
        part = Part("any", whole)
        return [_add_unknown(part) if whole.expression and _DOUBT.search(text) else part]
    parts = read_statement(text, raw)
    if parts and _OTHER_TERMS.search(text):
        parts = [_add_unknown(part) for part in parts]
    if parts and not _is_restriction(parts):
        return _add_restrictions(parts, text, raw)
    prose = _read_prose(text, raw)
    if not parts and prose.how == "notice" and _NAMED.search(prose.expression or ""):
        return [Part("any", Licence(join_by_and([str(prose.expression), UNKNOWN]), "part", raw, prose.note))]
    return parts if parts and prose.expression is None else [Part("any", prose)]


_DOUBT = re.compile(r"\(\?\)|\?\s*$")
_OTHER_TERMS = re.compile(
    r"(?:\b(?:plus|with|and|avec|mit|und|con|com)|[+&,]|及|和|与)\s*(?:the |some |other |our |its )?"
    r"(?:(?:terms(?: of (?:use|service)| and conditions)?|conditions|agreement|policy|bedingungen|condiciones"
    r"|condições)(?! of (?:the|this) licen[cs]e)\b|使用条款|条件)|\bsous conditions\b|\(\?\)|\?\s*$",
    re.IGNORECASE,
)
"""Terms that stand beside a licence without a word on what they are, and doubt."""


def _add_unknown(part: Part) -> Part:
    stated = split_and(part.licence.expression or UNKNOWN)
    if UNKNOWN in stated:
        return part
    licence = Licence(
        join_by_and(sorted([*stated, UNKNOWN])), "part", part.licence.raw, "other terms or doubt beside it"
    )
    return Part(part.subject, licence)


def _read_whole(text: str, raw: str) -> Licence | None:
    """Read a text that is one name, address or expression, or too long to be read word by word."""
    if not text:
        return Licence(None, "none", raw, "empty")
    if _ALTERED.search(text):
        return Licence(None, "none", raw, "a known licence with changes")
    if len(text) > LONGEST_NAME:
        return _read_prose(text, raw)
    return _read_address(text, raw) or _read_name(text, raw) or _read_expression(text, raw) or _read_marked(text, raw)


def _add_restrictions(parts: list[Part], text: str, raw: str) -> list[Part]:
    """Add what a statement restricts in words that stand in no part of it yet."""
    stated = [each for part in parts for each in split_and(part.licence.expression or UNKNOWN)]
    covered = any("-NC" in each or _LIMIT.fullmatch(each) for each in stated)
    more = [
        each
        for each in find_restrictions(text)
        if each not in stated and not (covered and each.endswith("-noncommercial"))
    ]
    return [*parts, *(Part("any", Licence(each, "notice", raw, "a restriction in words")) for each in more)]


_LIMIT = re.compile(r"LicenseRef-provenance-(?:noncommercial|research-only|no-training|all-rights-reserved)")
_NAMED = re.compile(rf"(?:^| |\()(?!{_LIMIT.pattern}|{UNKNOWN})[\w.]")


def _is_restriction(parts: list[Part]) -> bool:
    """Tell whether a restriction on all that is there, or on the data, is stated and no licence is named."""
    if any(part.subject in {"code", "model"} and part.licence.expression for part in parts):
        return False
    stated = [each for part in parts for each in split_and(part.licence.expression or UNKNOWN) if each != UNKNOWN]
    return bool(stated) and all(map(_LIMIT.fullmatch, stated))


def is_placeholder(text: str) -> bool:
    """Tell whether a text only says that somebody is to write a statement: "[More Information Needed]".

    Args:
        text: a statement.
    """
    return _PLACEHOLDER.fullmatch(text.strip(" *_`.")) is not None


def find_licences(text: str) -> Iterator[tuple[int, int, Licence]]:
    """Find the licences that a text names.

    Args:
        text: prose; the first 20,000 characters are read.

    Yields:
        Start and end of the mention in characters of `text` as NFKC, and the licence. Names that are also common words
        or institutions (MIT, ISC) count only beside the word licence.
    """
    text = unicodedata.normalize("NFKC", text[:LONGEST_PROSE])
    found = []
    for match in URL.finditer(text):
        address = match[0].rstrip(".,;:")
        id_ = read_address(address)
        if id_ is not None:
            found.append((match.start(), match.start() + len(address), Licence(id_, "url", address)))
    unlinked = URL.sub(lambda match: "|" * len(match[0]), text)
    yield from sorted([*found, *_find_names(unlinked)], key=lambda mention: mention[0])


def _strip_markup(text: str) -> str:
    """Return a statement without mark-up; the address of a link stands behind its text."""
    text = re.sub(r"[\u00ad\u200b-\u200f\u2060\ufeff]", "", text)
    text = _ANCHOR.sub(lambda match: f"{match[2]} ({match[1]})", text)
    text = _TAG.sub(" ", text)
    text = _LINK.sub(lambda match: f"{match[1]} ({match[2]})" if match[2] != match[1] else match[1], text)
    text = text.replace("&amp;", "&").replace("&nbsp;", " ").replace("©", " copyright ")
    return text.strip().strip("`*_\"' ").strip()


def _join_licences(licences: list[Licence], raw: str) -> Licence:
    if len(licences) == 1:
        return licences[0]
    expressions = sorted({part for each in licences for part in split_and(each.expression or UNKNOWN)})
    if not expressions or expressions == [UNKNOWN]:
        return Licence(None, "none", raw, "a list without a known licence" if licences else "empty")
    exact = [each for each in expressions if not is_vaguer(each, expressions)]
    how: How = "alias" if all(each.expression for each in licences) else "family"
    how = "part" if any(each.how == "part" for each in licences) else how
    notes = [each.note for each in licences if each.note]
    return Licence(
        join_by_and(exact), how, raw, notes[0] if notes else "several licences; which one applies is not stated"
    )


def _read_address(text: str, raw: str) -> Licence | None:
    if not is_address(text):
        return None
    found = read_address(text)
    if found is not None:
        return Licence(found, "url", raw)
    where = "an address that says where a text stands" if is_pointer(text) else "an address that names no known licence"
    return Licence(None, "none", raw, where)


_ASSUMED = {
    "odc-by": "version assumed",
    "odbl": "version assumed",
    "gpl-3.0": "'only' assumed",
    "gpl-2.0": "'only' assumed",
}


def _read_name(text: str, raw: str) -> Licence | None:
    """Read a text that is one name and nothing else."""
    words = fold_name(text)
    exact = names.load_names().get(words)
    if exact is not None:
        how: How = "spdx" if exact.lower() == text.lower() else "alias"
        return Licence(exact, how, raw, _ASSUMED.get(text.lower()))
    if words in names.folded("families"):
        return Licence(None, "family", raw, "a family of licences, not one of them")
    if words in names.folded("markers") or not words or is_placeholder(text):
        return Licence(None, "none", raw, "says that no licence is known")
    return None if re.search(r"[;；。\n]|\.\s", text) else _read_grammar(words, text, raw)


def _read_grammar(words: Sequence[str], text: str, raw: str) -> Licence | None:
    """Read a text that is one name of Creative Commons or GNU."""
    for used, id_ in (read_commons(words), read_gnu(words)):
        if used == len(words):
            if id_ is None:
                return Licence(None, "family", raw, "a family of licences, or a version that does not exist")
            versioned = any(word[0].isdigit() for word in words)
            how: How = "spdx" if id_.lower() == text.lower() else "alias" if versioned else "family"
            return Licence(id_, how, raw, None if versioned else "version not stated")
    return None


def _read_expression(text: str, raw: str) -> Licence | None:
    """Read an SPDX expression; every id must be known."""
    if not re.fullmatch(r"[\w.+\-() :]+", text) or text.count("(") > 20:
        return None
    import license_expression

    try:
        parsed = load_spdx().parse(text)
    except (license_expression.ExpressionError, license_expression.ParseError, ValueError):
        return None
    unknown = load_spdx().unknown_license_keys(parsed) if parsed is not None else [text]
    # a LicenseRef may name anything, and its terms are then unknown
    if any(not key.startswith("LicenseRef-") and key not in load_aliases()["aliases"] for key in unknown):
        return None
    return Licence(str(parsed), "spdx", raw)


def _read_marked(text: str, raw: str) -> Licence | None:
    """Read "other-non-commercial": the words behind "other" or "custom", if they restrict."""
    match = re.match(r"(?:other|custom|bespoke|special)\b[\s:_(\[-]{1,4}(.{3,})", text, re.IGNORECASE)
    if match is None:
        return None
    rest = match[1].strip(" )]")
    licence = _read_name(rest, raw)
    found = [part.licence for part in read_statement(rest, raw)] if licence is None else [licence]
    limited = [each.expression for each in found if each.expression]
    if found and len(limited) == len(found) and all(_LIMIT.fullmatch(each) for each in limited):
        return Licence(join_by_and(limited), "alias", raw, "no licence is named, but a restriction")
    return None


def _read_prose(text: str, raw: str) -> Licence:
    """Read a text: all the licences it names, and the restrictions it states, joined by AND."""
    found = [licence.expression for _, _, licence in find_licences(text) if licence.expression]
    limits = find_restrictions(text)
    if not found and not limits:
        return Licence(None, "none", raw, "not recognised")
    exact = [each for each in dict.fromkeys(found) if not is_vaguer(each, found)]
    covered = any("-NC" in each for each in exact)
    extra = [limit for limit in limits if not (covered and limit.endswith("-noncommercial"))]
    riders = find_riders(text) if exact else find_riders(remove_restrictions(text))
    cut = len(text) > LONGEST_PROSE or text.endswith(CUT.strip())
    if cut or [rider for rider in riders if not (limits and "commercial" in rider)]:
        note = "longer than what is read of it" if cut else f"limited beside it: {', '.join(riders)[:120]}"
        return Licence(join_by_and([*exact, *extra, UNKNOWN]), "part", raw, note)
    return Licence(join_by_and(exact + extra), "notice", raw, "read from a sentence")


# --- names in prose ------------------------------------------------------------------------------------------------


def _find_names(text: str) -> Iterator[tuple[int, int, Licence]]:
    folded = list(fold_words(text))
    words = [word.text for word in folded]
    index = 0
    while index < len(words):
        used, id_ = _longest_name(words, index)
        if id_ and id_ not in _STATED:
            begin, end = folded[index].start, folded[index + used - 1].end
            if (_is_plain(id_, used) or _is_beside_licence(text, begin, end)) and not _is_denied(text, begin):
                yield begin, end, Licence(id_, "notice", text[begin:end])
        index += max(used, 1)


def _is_plain(id_: str, used: int) -> bool:
    """Tell names that mean a licence wherever they stand from those of institutions, products and models."""
    product = id_.startswith("LicenseRef-") and not id_.startswith(
        ("LicenseRef-provenance-CC-", "LicenseRef-provenance-public")
    )
    return used > 1 and not product


def _longest_name(words: list[str], index: int) -> tuple[int, str | None]:
    used, id_ = names.find_longest(words, index)
    window = words[index : index + 32]
    for more, other in (read_commons(window, ported=False), read_gnu(window)):
        if more > used:
            used, id_ = more, other
    return used, id_


_BEFORE = re.compile(
    r"(?:(?:licen[cçs]\w{0,4}|lizenz\w{0,4})[\s:*_`\[(\"'-]*(?:\w+[\s:*_`\[(\"'-]+){0,3}"
    r"|under (?:the |an? )?[\[(*`\"']*|依照[\s\[]*)$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^[\s\]\)*_`\"'-]*(?:style |public )?(?:licen[cçs][ei]|lizenz|terms|\[?tos\b|许可|协议|开源)", re.IGNORECASE
)


_STATED = frozenset(
    f"LicenseRef-provenance-{name}" for name in ("noncommercial", "research-only", "all-rights-reserved")
)
"""Restrictions, which prose states rather than names: `find_restrictions` finds them."""

_DENIAL = re.compile(r"\b(?:not|never|neither|nor|isn't|aren't|without|unlike)\b[^.;:,]{0,40}$", re.IGNORECASE)


def _is_denied(text: str, begin: int) -> bool:
    return bool(_DENIAL.search(text[max(0, begin - 60) : begin]))


def _is_beside_licence(text: str, begin: int, end: int) -> bool:
    if re.search(r"licen[cs]e|terms|agreement", text[begin:end], re.IGNORECASE):
        return True
    return bool(_BEFORE.search(text[max(0, begin - 60) : begin]) or _AFTER.search(text[end : end + 24]))
