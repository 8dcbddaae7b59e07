"""What a licence is called, turned into an SPDX expression: tags, names, addresses, lists, and prose that names one.

The table of names is data (`data/licence-aliases.yaml`); Creative Commons names follow a grammar; what remains is
read by license-expression (SPDX). Nothing unknown becomes a licence, and a family of licences is not one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from provenance.core import package_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

How = Literal["spdx", "alias", "url", "text", "notice", "family", "none"]

LONGEST_NAME = 400
"""Characters: what is longer is a text, not a name, and is read for the names that stand in it."""

LONGEST_PROSE = 20_000
"""Characters of prose that are searched for names."""

UNKNOWN = "LicenseRef-provenance-unknown"
"""Stands in an AND for a part that nobody recognised, so that the whole never passes."""

_WORD = re.compile(r"[a-zA-Z]+\+*|\d+(?:\.\d+)*\+?|[^\W\d_a-zA-Z]+")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'\])}|*`]+", re.IGNORECASE)
_DROPPED = frozenset({"the", "license", "licenses", "licence", "licences", "version", "ver", "v", "a", "an"})
_SYNONYMS = {"noncommercial": "nc", "sharealike": "sa", "noderivatives": "nd", "noderivs": "nd", "noderivative": "nd"}
_CC_PARTS = {"by": "by", "attribution": "by", "nc": "nc", "sa": "sa", "nd": "nd"} | _SYNONYMS
_CC_PAIRS = {("non", "commercial"): "nc", ("share", "alike"): "sa", ("no", "derivatives"): "nd", ("no", "derivs"): "nd"}
_CC_SILENT = frozenset(
    {
        "cc",
        "creative",
        "commons",
        "common",
        "international",
        "intl",
        "unported",
        "generic",
        "public",
        "legal",
        "code",
        "deed",
        "inter",
        "attr",
        "legalcode",
        "zero",
    }
)
_CC_VERSIONS = frozenset({"1", "2", "2.1", "2.5", "3", "4"})
_CC_PORTS = frozenset({"at", "au", "cl", "de", "es", "fr", "igo", "it", "jp", "kr", "nl", "sg", "uk", "us", "za"})
_SHORT_NAMES = frozenset({("mit",), ("isc",), ("zlib",), ("boost",), ("expat",), ("public",), ("gemma",), ("qwen",)})


_POINTER = re.compile(
    r"[\s,;:.(\[—–-]{0,8}\b(?:see|refer to|as in)\s+(?:the\s+)?\[?[`*]*(?:file\s+)?"
    r"(?:LICEN[SC]E|COPYING)(?:\.\w{1,8})?[`*]*\]?"
    r"(?:\([^)]{0,200}\))?(?:\s+file)?(?:\s+for (?:more )?details)?[\s.)\]]{0,8}$",
    re.IGNORECASE,
)  # "MIT, see LICENSE": where the text stands is no second licence
_ALTERED = re.compile(r"^modified\s+(?!bsd)|\bwith additions: |^partial text of |\bcalls itself ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as somebody wrote it, and what it is.

    Args:
        expression: SPDX expression (Annex D of SPDX 2.3); ids outside SPDX's list are `LicenseRef-scancode-*` or
            `LicenseRef-provenance-*`; None = not recognised, or no licence at all.
        how: how it was recognised.
        raw: as written.
        note: what a reader should know, one clause.
    """

    expression: str | None
    how: How
    raw: str
    note: str | None = None


def normalise(raw: str | Sequence[str]) -> Licence:
    """Turn what somebody wrote as a licence into an SPDX expression.

    Args:
        raw: a name, tag, address, SPDX expression or sentence. A list means that it is not known which applies: all
            of them are joined by AND, never by OR.

    Returns:
        The licence; its `expression` is None for families ("bsd"), markers ("other", "unknown") and unknown names.
    """
    if not isinstance(raw, str):
        return _join_parts([normalise(part) for part in raw], ", ".join(raw))
    text = unicodedata.normalize("NFKC", raw).strip().strip("`*_ ")
    if not text:
        return Licence(None, "none", raw, "empty")
    if _ALTERED.search(text):
        return Licence(None, "none", raw, "a known licence with changes")
    if len(text) > LONGEST_NAME:
        return _read_prose(text, raw)
    text = _POINTER.sub("", text) or text
    return (
        _read_address(text, raw)
        or _read_name(text, raw)
        or _read_expression(text, raw)
        or _read_several(text, raw)
        or _read_prose(text, raw)
    )


def fold_name(text: str) -> tuple[str, ...]:
    """Reduce a name to what distinguishes it.

    Args:
        text: a name, or a text.

    Returns:
        Words in lower case and numbers without closing ".0"; articles and the words licence and version are left out.
    """
    return tuple(word for word, _, _ in _fold_words(text))


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
    for match in _URL.finditer(text):
        licence = _read_address(match[0].rstrip(".,;:"), match[0])
        if licence is not None and licence.expression is not None:
            found.append((match.start(), match.end(), licence))
    unlinked = _URL.sub(lambda match: "|" * len(match[0]), text)
    yield from sorted([*found, *_find_names(unlinked)], key=lambda mention: mention[0])


@cache
def load_aliases() -> dict[str, Any]:
    """Return `data/licence-aliases.yaml`."""
    return dict(package_data.load_table("licence-aliases"))


@cache
def load_spdx() -> Any:
    """Return license-expression's table of SPDX ids, loaded once."""
    import license_expression

    return license_expression.get_spdx_licensing()


def _join_parts(parts: list[Licence], raw: str) -> Licence:
    if len(parts) == 1:
        return parts[0]
    expressions = sorted({part.expression or UNKNOWN for part in parts})
    if not expressions or expressions == [UNKNOWN]:
        return Licence(None, "none", raw, "a list without a known licence" if parts else "empty")
    how: How = "alias" if all(part.expression for part in parts) else "family"
    note = "several licences; which one applies is not stated"
    return Licence(join_by_and(expressions), how, raw, note)


def join_by_and(expressions: Sequence[str]) -> str:
    """Join SPDX expressions by AND, each once, in the given order; one that contains OR in brackets."""
    unique = list(dict.fromkeys(expressions))
    if len(unique) == 1:
        return unique[0]
    return " AND ".join(f"({each})" if " OR " in each else each for each in unique)


def _read_address(text: str, raw: str) -> Licence | None:
    if not _URL.fullmatch(text) and not re.fullmatch(r"[\w.-]+\.(?:org|com|dev|io|gov|de|fr|uk)/\S*", text):
        return None
    where = re.sub(r"^(?:https?://)?(?:www\.)?", "", text.lower()).split("#")[0].split("?")[0].rstrip("/.")
    for rule in (_read_cc_address, _read_listed_address, _read_spdx_address):
        found = rule(where)
        if found is not None:
            return Licence(found, "url", raw)
    return Licence(None, "none", raw, "an address that names no known licence")


def _read_cc_address(where: str) -> str | None:
    match = re.match(
        r"(?:i\.)?creativecommons\.org/(?:licenses|l)/([a-z-]+)(?:/(\d\.\d))?(?:/([a-z]{2,3})(?=/|$))?", where
    )
    if match:
        return _read_cc("-".join(part for part in match.groups() if part).replace(".0", "").split("-"))
    if (
        "creativecommons.org/publicdomain/zero" in where
        or "creativecommons.org/share-your-work/public-domain/cc0" in where
    ):
        return "CC0-1.0"
    return "CC-PDM-1.0" if "creativecommons.org/publicdomain/mark" in where else None


def _read_listed_address(where: str) -> str | None:
    urls: dict[str, str] = load_aliases()["urls"]
    known = [url for url in urls if where == url or (where.startswith(url) and where[len(url)] in "/.-")]
    return urls[max(known, key=len)] if known else None


def _read_spdx_address(where: str) -> str | None:
    match = re.match(
        r"(?:choosealicense\.com/licenses|spdx\.org/licenses|opensource\.org/licenses?)/([\w.+-]+)$", where
    )
    if not match:
        return None
    tag = re.sub(r"\.(?:html?|json|txt|php)$|-license(?:\.php)?$", "", match[1])
    found = _read_name(tag, tag) or _read_expression(tag, tag)
    return found.expression if found else None


def _read_name(text: str, raw: str) -> Licence | None:
    words = fold_name(text)
    exact = _load_names().get(words)
    if exact is not None:
        how: How = "spdx" if exact.lower() == text.lower() else "alias"
        return Licence(exact, how, raw, _ASSUMED.get(text.lower()))
    commons = _read_cc(words)
    if commons is not None:
        if commons.startswith("LicenseRef"):
            ported = any(word in _CC_VERSIONS for word in words)
            return Licence(commons, "alias" if ported else "family", raw, None if ported else "version not stated")
        return Licence(commons, "spdx" if commons.lower() == text.lower() else "alias", raw)
    if words in _folded_names("families"):
        return Licence(None, "family", raw, "a family of licences, not one of them")
    if words in _folded_names("markers") or not words:
        return Licence(None, "none", raw, "says that no licence is known")
    return None


_ASSUMED = {
    "odc-by": "version assumed",
    "odbl": "version assumed",
    "gpl-3.0": "'only' assumed",
    "gpl-2.0": "'only' assumed",
}


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
    # license-expression's list is of July 2025; a LicenseRef may name anything, and its terms are then unknown.
    if any(not key.startswith("LicenseRef-") and key not in load_aliases()["aliases"] for key in unknown):
        return None
    return Licence(str(parsed), "spdx", raw)


def _read_several(text: str, raw: str) -> Licence | None:
    """Read names separated by commas, slashes, "and" or "or", if every one of them is known."""
    for separator, choice in ((r"\s+or\s+", True), (r"\s*[,;/&|]\s*(?:and\s+)?|\s+and\s+(?:the\s+)?", False)):
        parts = [_read_name(part, part) for part in re.split(separator, text, flags=re.IGNORECASE) if part]
        if len(parts) < 2 or any(part is None for part in parts):
            continue
        known = [part for part in parts if part is not None]
        if not choice:
            return _join_parts(known, raw)
        if all(part.expression for part in known):
            return Licence(" OR ".join(dict.fromkeys(str(part.expression) for part in known)), "alias", raw)
    return None


def _read_prose(text: str, raw: str) -> Licence:
    """Read a sentence: all the licences it names, and the restrictions it states, joined by AND."""
    found = [licence.expression for _, _, licence in find_licences(text) if licence.expression]
    limits = find_restrictions(text)
    if not found and not limits:
        return Licence(None, "none", raw, "not recognised")
    exact = [each for each in dict.fromkeys(found) if not is_vaguer(each, found)]
    covered = any("-NC" in each for each in exact)
    extra = [limit for limit in limits if not (covered and limit.endswith("-noncommercial"))]
    return Licence(join_by_and(exact + extra), "notice", raw, "read from a sentence")


def is_vaguer(expression: str, among: Sequence[str]) -> bool:
    """Tell a name without version or port from one with: "CC BY-SA (CC BY-SA 4.0)" is one licence.

    Args:
        expression: the id that may lack a version or port.
        among: ids that stand beside it.
    """
    prefix = re.escape(expression.removeprefix("LicenseRef-provenance-"))
    versioned = r"-\d.*" if expression.startswith("LicenseRef-provenance-CC-") else r"(?!)"
    ported = r"-[A-Z]{2,3}" if expression.startswith("CC-") else r"(?!)"
    more = re.compile(rf"(?:LicenseRef-provenance-)?{prefix}(?:{versioned}|{ported})")
    return any(more.fullmatch(other) for other in among)


def find_restrictions(text: str) -> list[str]:
    """Name the restrictions that a text states without naming a licence.

    Args:
        text: prose; the first 20,000 characters are read.

    Returns:
        `LicenseRef-provenance-*` ids of `data/licence-phrases.yaml`, strictest first, at most one on commerce.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST_PROSE]).lower().replace("\u2010", "-").replace("\u2011", "-")
    plain = _EITHER_WAY.sub("any", re.sub(r"\s+", " ", plain))
    found = [name for name, patterns in _load_phrases() if any(pattern.search(plain) for pattern in patterns)]
    use = [name for name in found if not name.endswith("-no-training")]
    return [name for name in found if name not in use] + use[:1]


_EITHER_WAY = re.compile(
    r"\bcommercial(?:ly)? (?:and|or|and/or|as well as) non-?commercial|\bnon-?commercial (?:and|or|and/or) commercial"
)


@cache
def _load_phrases() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    restrictions = package_data.load_table("licence-phrases")["restrictions"]
    return tuple((entry["id"], tuple(map(re.compile, entry["patterns"]))) for entry in restrictions)


def _fold_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield folded words with the place where each stands in the text as NFKC."""
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text)):
        word = match[0].casefold()
        if word not in _DROPPED:
            yield (re.sub(r"(?:\.0)+(?=\+?$)", "", word) if word[0].isdigit() else word), match.start(), match.end()


@cache
def _load_names() -> dict[tuple[str, ...], str]:
    """Every folded name -> its id: our own aliases before SPDX's ids."""
    names = {fold_name(symbol): symbol for symbol in load_spdx().known_symbols if not symbol.startswith("LicenseRef-")}
    for id_, aliases in load_aliases()["aliases"].items():
        names |= {fold_name(alias): id_ for alias in (id_, *aliases)}
    for word in ("families", "markers"):
        for name in _folded_names(word):
            names.pop(name, None)
    return names


@cache
def _folded_names(key: str) -> frozenset[tuple[str, ...]]:
    return frozenset(fold_name(str(name)) for name in load_aliases()[key])


def _read_cc(words: Sequence[str]) -> str | None:
    """Read a whole Creative Commons name: BY, NC, SA, ND in any order and spelling, version, port."""
    if not words or not ({"by", "attribution", "nc", "sa", "nd", *_SYNONYMS} & set(words) or ("share" in words)):
        return None
    used, id_ = _read_cc_prefix(words)
    return id_ if used == len(words) else None


def _read_cc_prefix(words: Sequence[str], *, ported: bool = True) -> tuple[int, str | None]:
    """Read as much of a Creative Commons name as stands at the beginning: words used, and the id.

    In prose no port is read: "4.0 International License, at" is not Austria's.
    """
    parts: set[str] = set()
    version = port = None
    index = used = 0
    while index < min(len(words), 24):
        pair, word = tuple(words[index : index + 2]), words[index]
        if pair in _CC_PAIRS:
            parts.add(_CC_PAIRS[pair])
            index += 1
        elif word in _CC_PARTS:
            parts.add(_CC_PARTS[word])
        elif word in _CC_VERSIONS and version in {None, word}:
            version = word
        elif ported and word in _CC_PORTS and version and not port:
            port = word
        elif word not in _CC_SILENT:
            break
        index += 1
        used = index
    if not parts or ("sa" in parts and "nd" in parts):
        return 0, None
    if parts == {"sa"} and words[0] not in {"cc", "creative"}:
        return 0, None
    return used, _make_cc_id(parts | {"by"}, version, port)


def _make_cc_id(parts: set[str], version: str | None, port: str | None) -> str:
    name = "-".join(["CC", *[part.upper() for part in ("by", "nc", "nd", "sa") if part in parts]])
    if version is None:
        return f"LicenseRef-provenance-{name}"
    name = f"{name}-{version if '.' in version else version + '.0'}"
    if port is None:
        return name
    ported = f"{name}-{port.upper()}"
    return ported if ported in load_spdx().known_symbols else f"LicenseRef-provenance-{ported}"


@cache
def _names_by_first_word() -> dict[str, tuple[tuple[str, ...], ...]]:
    """First word of a name -> the names that prose may be searched for, longest first."""
    names: dict[str, list[tuple[str, ...]]] = {}
    for name, id_ in _load_names().items():
        # One-word ids of SPDX ("Glide", "HP", "eGenix") are words of every text.
        if len(name) > 1 or name in _SHORT_NAMES or id_ in load_aliases()["aliases"]:
            names.setdefault(name[0], []).append(name)
    return {first: tuple(sorted(those, key=len, reverse=True)) for first, those in names.items()}


def _find_names(text: str) -> Iterator[tuple[int, int, Licence]]:
    folded = list(_fold_words(text))
    words = [word for word, _, _ in folded]
    index = 0
    while index < len(words):
        used, id_ = _longest_name(words, index)
        if id_ and id_ not in _STATED:
            begin, end = folded[index][1], folded[index + used - 1][2]
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
    used, id_ = 0, None
    for name in _names_by_first_word().get(words[index], ()):
        if tuple(words[index : index + len(name)]) == name:
            used, id_ = len(name), _load_names()[name]
            break
    if words[index] in {"cc", "creative", "attribution"}:
        cc_used, cc_id = _read_cc_prefix(words[index : index + 24], ported=False)
        if cc_id and cc_used > used and (cc_used > 1 or words[index] != "attribution"):
            return cc_used, cc_id
    return used, id_


_BEFORE = re.compile(
    r"(?:licen[cs]ed?[\s:*_`\[(\"'-]*(?:\w+[\s:*_`\[(\"'-]+){0,3}|under (?:the |an? )?[\[(*`\"']*|依照[\s\[]*)$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"^[\s\]\)*_`\"'-]*(?:style |public )?(?:licen[cs]e|terms|\[?tos\b|许可|协议|开源)", re.IGNORECASE)


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
