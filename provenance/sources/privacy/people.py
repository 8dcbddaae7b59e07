"""Who is named in a statement: people and organisations told apart, and people put behind role and keyed id.

An organisation stays as written: where the manifest says that it is one (schema.org Organization, Frictionless
`organization`), or where its name holds a word of `data/organisations.yaml`. Anybody else is taken for a person.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from provenance.sources.privacy.credentials import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROLES = {
    "creator": "creator", "owner": "owner", "contact": "contact", "publisher": "publisher", "author": "author",
    "maintainer": "maintainer", "copyright": "owner", "licence-verified-by": "reviewer", "contract.parties": "party",
}  # fmt: skip
"""Fields whose values name somebody, and the role they name them in."""

PERSON, ORGANISATION = "person", "organisation"

_MASK = r"\[(?:removed|[a-z]+|[a-z]+ [0-9a-f]{16})\]"
_BETWEEN = re.compile(
    rf"({_MASK}|\s*(?:(?!{_MASK})[;；|、，,\n()（）\[\]<>{{}}])+\s*|\s+(?:and|und|et(?! al)|at|from|via|c/o)\s+|\s*&\s*"
    r"|\s+[–—\-/]\s+|\s*和\s*|\s*与\s*|\s+@\s*|\s+et al\.?"
    r"|\s*(?:\bcopyright\b|©|\(c\)|(?<!\d)(?:19|20)\d\d(?!\d)\s*[-–]?)\s*)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
_SURNAME_FIRST = re.compile(r"\s*[^\W\d_][\w'’.\-]*,\s*[^\W\d_][\w'’.\-]*(?:\s+[^\W\d_][\w'’.\-]*)?\s*")
_OF = re.compile(r"\s+(?:of|de|der|des|von|van)\s+", re.IGNORECASE)
_JOINS = re.compile(r"\s*(?:and|und|et|&|at)\s*", re.IGNORECASE)
_NO_NAME = re.compile(r"[\W\d_]*|\w|al\.?|others|©|\(c\)|copyright|by|the|all rights reserved\.?", re.IGNORECASE)
_YEAR = r"(?:19|20)\d\d(?:\s*(?:[-–,/]|to|and)\s*(?:(?:19|20)?\d\d|present))*"
_NOTICE = re.compile(
    r"(?P<lead>(?:(?<!\w)copyright\b|©|\(c\)|&copy;|&#169;)(?:[\s,:]*(?:copyright\b|©|\(c\)|&copy;))*)"
    rf"(?P<years>[\s,:]*(?:{_YEAR}[\s,.:]*)?)(?P<by>(?:by\s+)?)(?P<holder>[^\W\d_][^\n;<>\[\]|]{{1,160}}?)"
    r"(?=\s*(?:[.。;\n<\[|]\s|[.。]?\Z|[;\n<>\[|]|all rights|licen[sc]ed|permission|this |the following))",
    re.IGNORECASE,
)
_LETTER = r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЇЄΑ-Ω]"
_WORD = rf"(?:(?:{_LETTER}[\w'’.\-]*|van|von|de|der|den|di|da|del|la|le|bin|al|el|ten|ter)(?=[\s,;&.)<\]:]|\Z))"
_NAME = (
    rf"(?:(?:(?:Dr|Prof|Mr|Mrs|Ms)\.?\s+)?{_LETTER}[\w'’.\-]*(?:\s+{_WORD}){{1,4}}|[\u4e00-\u9fff·]{{2,6}}"
    r"|[\uac00-\ud7af]{2,5})"
)
_NAMES = rf"{_NAME}(?:\s*(?:,\s*(?:and|und|et)?|;|&|、|，|\band\b|\bund\b|和)\s*{_NAME})*"
_TURNED = rf"{_LETTER}[\w'’\-]+,\s+{_LETTER}[\w'’.\-]*(?:\s+{_LETTER}\.?)?(?=\s*(?:\Z|[\n|<(\[]))"
_BEFORE = (  # with a colon
    r"authors?|creators?|contacts?|contact person|contact us|point of contact|maintainers?|owners?|curators?"
    r"|annotators?|licensors?|publishers?|copyright holders?|principal investigator|pi|editors?|translators?"
    r"|contributors?|signed(?:-off-by)?|co-authored-by|reviewed-by|reported-by|sincerely|autor(?:in|en|a|as|es)?|auteure?s?|autore|autori"
    r"|ansprechpartner(?:in)?|kontakt|contacto|contato|contatto|verantwortlich(?:er|e)?|responsables?|urheber|rechteinhaber|титуляр|авторы?|контакт"
    r"|правообладатель|kontaktperson|opprettet av|著者|作成者|저자|担当者"
)
_DONE = (  # by somebody
    r"compiled|created|curated|maintained|written|prepared|collected|annotated|provided|published|released|contributed"
    r"|owned|donated|translated|transcribed|authored|made|developed|produced|licen[sc]ed|recorded|labelled|labeled"
    r"|reviewed|verified|edited"
)
_LABELLED = re.compile(
    rf"(?P<label>(?i:(?<![^\W_])(?:{_BEFORE})(?:\(s\))?[*_]{{0,3}}\s*(?:[:：=][*_]{{0,3}}|,(?=\s*\n))\s*\[?"
    rf"|(?<![^\W_])(?:(?:{_DONE})\s*(?:by)?[*_]{{0,3}}(?:[:：][*_]{{0,3}}|(?<=by)[*_]{{0,3}}|(?<=by:)[*_]{{0,3}})"
    r"|courtesy of|thanks to"
    r"|contact|ask|write to|e-?mail)\s+\[?)|(?:作者|联系人|维护者|负责人|创建者|整理者|联系)\s*[:：]?\s*)"
    rf"(?P<names>{_NAMES}|{_TURNED})"
)
_ROW = re.compile(  # of a table that gives each fact a row; a heading has a rule beneath
    r"(?m)(?P<label>^[ \t]*\|[ \t]*[*_]{0,3}"
    rf"(?i:{_BEFORE}|(?:{_DONE}) by)[*_]{{0,3}}[ \t]*\|[ \t]*)(?P<names>{_NAMES})"
    r"(?=[ \t]*\|?[ \t]*$)(?![^\n]*\n[ \t]*\|?[ \t]*:?-{2})"
)
_TITLED = re.compile(
    rf"(?P<label>(?<!\w)(?:(?:Dr|Prof|Mr|Mrs|Ms|Mx|Dott|Dipl\.-Ing)\.|Professor|Prof|Herrn?|Frau|Monsieur|Madame|Señora?)\s+"
    rf"(?:(?:Dr|Prof|h\.\s?c)\.\s+)*)(?P<names>{_LETTER}[\w'’\-]+(?:\s+{_WORD}){{0,3}})"
)
_CITED = re.compile(
    rf"(?P<names>{_LETTER}[\w'’\-]+(?:,?\s+{_LETTER}[\w'’.\-]*){{0,2}}(?:,\s+{_LETTER}[\w'’\-]+(?:\s+{_LETTER}[\w'’.\-]*){{0,2}}){{0,4}})"
    r"(?=,?\s+et\s+al\b)"
)
_AUTHORS = re.compile(  # of BibTeX within a text
    r"(?<!\w)(?P<label>(?i:author|editor)s?\s*=\s*)(?P<names>\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,80}\}){0,80}\}){1,4000}\}|\"[^\"\n{]{3,400}\")"
)
_MENTIONED = re.compile(  # an account, as the template of cards thanks for a contribution
    r"\[@(?P<name>[\w.\-]{1,39})\]\(https?://(?:www\.)?(?:github\.com|gitlab\.com|huggingface\.co|twitter\.com|x\.com)/@?(?P=name)/?\)"
)
_FORM = re.compile(rf"{_LETTER}[^\W\d_'’.\-]*[\w'’.\-]*(?:\s+{_WORD}){{1,3}}")
_BY = re.compile(rf"(?P<label>(?<!\w)(?i:by|copyright(?:\s+by)?)\s+)(?P<names>{_NAMES})")
"""Behind what a statement of a licence names whoever gives it; in other prose it may stand before anything."""

_WORK_BY = re.compile(
    r"(?P<label>(?:(?m:^)[ \t>*_\-]*(?i:by)|(?<!\w)(?i:(?:data ?)?sets?|corp(?:us|ora)|collections?|papers?|articles?"
    r"|books?|works?|texts?"
    r"|translations?|transcri(?:pt|ption)s?|annotations?|photo(?:graph)?s?|images?|recordings?|novels?|poems?|letters?|code)\s+(?i:by))\s+)"
    rf"(?P<names>{_NAMES})"
)

_ADDRESSED = re.compile(rf"(?P<name>{_NAME})(?=\s*[<(（\[,:]{{0,2}}\s*\[(?:email|phone)\b)")
_NAMED_BEHIND = re.compile(rf"(?P<label>\[email\]>?\s*[(（]\s*)(?P<names>{_NAME})(?=\s*[)）])")
_BIB = re.compile(r"\s*@\w+\s*[{(]")
_BIB_FIELD = re.compile(r"(?<!\w)(?P<name>[A-Za-z_]+)\s*=\s*(?=[{\"\w])")
_BIB_KEPT = (
    "title",
    "journal",
    "booktitle",
    "publisher",
    "year",
    "date",
    "doi",
    "eprint",
    "url",
    "howpublished",
    "version",
)
_WHERE = re.compile(
    r"https?://[^\s\"<>{}]+|(?:doi:\s?)?10\.\d{4,9}/[^\s\"<>{},;]+|arxiv[:./]\s?[\w./]+|(?<!\d)(?:19|20)\d\d(?!\d)",
    re.IGNORECASE,
)


class Party(NamedTuple):
    """One part of a statement about people.

    Args:
        text: as written.
        kind: PERSON | ORGANISATION; "" for what stands between names.
    """

    text: str
    kind: str


@cache
def _words(name: str) -> frozenset[str]:
    content = tables()
    return frozenset(str(each).casefold() for each in content.get(name) or content["organisations"][name])


def parties(text: str, stated: str = "") -> list[Party]:
    """Tell who is named in a value.

    Args:
        text: as written.
        stated: PERSON or ORGANISATION where the manifest says which it is; "" where it does not.

    Returns:
        Parts that make the text again, in order.
    """
    if stated:
        return [Party(text, stated)]
    if _SURNAME_FIRST.fullmatch(text) and not any(map(is_organisation, text.split(","))):
        suffix = text.rpartition(",")[2].strip().casefold()
        return [Party(text, ORGANISATION if suffix in _words("suffixes") else PERSON)]
    found: list[Party] = []
    for part in _cut(text):
        joins = len(found) > 1 and found[-2].kind == ORGANISATION and _JOINS.fullmatch(found[-1].text)
        if joins and part.kind == PERSON and len(part.text.split()) == 1:  # "University of Finance and Economics"
            comma, before = found.pop(), found.pop()
            found.append(Party(before.text + comma.text + part.text, ORGANISATION))
        elif found and part.text.strip().casefold() in _words("suffixes") and found[-1].kind == "":
            # "Acme, Inc.": what stands behind the comma says what stands before it
            comma = found.pop()
            before = found.pop() if found else Party("", "")
            found.append(Party(before.text + comma.text + part.text, ORGANISATION))
        else:
            found.append(part)
    return found


def _cut(text: str) -> Iterator[Party]:
    at = 0
    for found in _ADDRESS.finditer(text):  # somebody's page
        yield from _names(text[at : found.start()])
        yield Party(found[0], PERSON)
        at = found.end()
    yield from _names(text[at:])


def _names(text: str) -> Iterator[Party]:
    for place, piece in enumerate(_BETWEEN.split(text)):
        if place % 2 or not piece or _NO_NAME.fullmatch(piece.strip()):
            if piece:
                yield Party(piece, "")
        elif not is_organisation(piece):
            yield Party(piece, PERSON)
        else:
            first = _OF.split(piece, maxsplit=1)[0]
            if first != piece and not is_organisation(first) and len(first.split()) > 1:  # "Jane Doe of Acme Labs"
                yield Party(first, PERSON)
                yield Party(piece[len(first) :], ORGANISATION)
            else:
                yield Party(piece, ORGANISATION)


def is_organisation(name: str) -> bool:
    """Tell whether a name is that of an organisation.

    Args:
        name: one name.
    """
    words, names = _words("words"), _words("names")
    plain = name.casefold().strip(" .,'\"")
    plain = plain.removeprefix("the ")
    if plain in names or re.fullmatch("[A-Z]{2,8}", name.strip()) or plain.split(" ")[0] in _words("firms"):
        return True
    words_in_name = re.findall(r"[^\W\d_]+", plain)
    return any(word in words for word in words_in_name) or any(word in plain for word in words if not word.isascii())


def replace(text: str, role: str, stated: str, name: Callable[[str, str], str]) -> str:
    """Put something in place of every person that a value names.

    Args:
        text: the value of one of ROLES.
        role: the role.
        stated: see `parties`.
        name: given role and name, what stands in place of it.
    """
    return "".join(
        _around(part.text, name(role, part.text.strip())) if part.kind == PERSON else part.text
        for part in parties(text, stated)
    )


def _around(text: str, name: str) -> str:
    """Keep the white space around a name."""
    bare = text.strip()
    at = text.index(bare)
    return text[:at] + name + text[at + len(bare) :]


def in_prose(text: str, name: Callable[[str, str], str], *, licence: bool = False, works: bool = True) -> str:
    """Put something in place of people that prose names as such: in a notice, behind a label, before an address.

    Args:
        text: prose in which addresses and numbers are masked.
        name: given role and name, what stands in place of it.
        licence: whether it states a licence, which is given "by" somebody.
        works: whether "Doe et al." names people: in an id it names a work.
    """
    if not _MAY_NAME.search(text):
        return text
    low = text.lower()
    mail = "[email" in text
    steps = (
        ("author" in low or "editor" in low, _AUTHORS, _listed),
        ("[@" in text, _MENTIONED, _mentioned),
        (any(each in low for each in _MARKS), _NOTICE, _noticed),
        (mail or "[phone" in text, _ADDRESSED, _addressed),
        (mail, _NAMED_BEHIND, _labelled),
        (works and "al" in low and "et" in low, _CITED, _cited),
        (True, _LABELLED, _labelled),
        ("|" in text, _ROW, _labelled),
        (True, _TITLED, _labelled),
        (True, _BY if licence else _WORK_BY, _labelled),
    )
    for applies, pattern, change in steps:
        text = pattern.sub(partial(change, name=name), text) if applies else text
    return text


def _noticed(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    """Replace who holds a copyright."""

    def capital(role: str, who: str) -> str:
        return who if who[:1].islower() and who.isascii() else name(role, who)  # a sentence goes on

    if not (found["years"].strip(" ,:.") or re.search(r"©|\(c\)|&", found["lead"], re.IGNORECASE)):
        return found[0]
    if not re.match(r"[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЇЄΑ-Ω\u4e00-\u9fff\uac00-\ud7af]", found["holder"]):
        return found[0]
    return found["lead"] + found["years"] + found["by"] + replace(found["holder"], "owner", "", capital)


def _labelled(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    if not _words("no-names").isdisjoint(found["names"].casefold().split()):
        return found[0]
    names = re.sub(r"(?<=[^\W\d_]{3})\.\Z", "", found["names"])  # where a sentence ends, not "Jr."
    return found["label"] + replace(names, "contact", "", name) + found["names"][len(names) :]


def _addressed(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    if not _words("no-names").isdisjoint(found["name"].casefold().split()):
        return found[0]
    return replace(found["name"], "contact", "", name)


def _listed(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    return found["label"] + _authors(found["names"], name)


def _cited(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    return replace(found["names"], "author", "", name)


def _mentioned(found: re.Match[str], name: Callable[[str, str], str]) -> str:
    return found[0] if is_organisation(found["name"]) else f"[{name('contact', found['name'])}]"


def _authors(value: str, name: Callable[[str, str], str]) -> str:
    """Replace the authors that a value of BibTeX lists; what has no capital is a column or a variable."""
    return (
        value[0]
        + " and ".join(
            each
            if _NO_NAME.fullmatch(each.strip()) or each.islower() or is_organisation(each)
            else name("author", each)
            for each in re.split(r"\s+and\s+", " ".join(re.sub(r"[{}\\]", "", value[1:-1]).split()))
        )
        + value[-1]
    )


_MARKS = ("copyright", "©", "(c)", "&copy;", "&#169;")
_MAY_NAME = re.compile(r"\s|[^\x00-\x7f]|[:=©@]|\(c\)")
"""Without one of these a text names nobody: most keys and ids hold none."""


def has_form(name: str) -> bool:
    """Tell whether a name is written as that of one person: two to four words, capitals first, no organisation's.

    Args:
        name: one name.
    """
    return bool(_FORM.fullmatch(name)) and not is_organisation(name)


def in_citation(text: str, name: Callable[[str, str], str]) -> str:
    """Leave of a citation what tells where the work is: title, year, identifiers; its authors are people.

    Args:
        text: BibTeX, or a reference as people write it.
        name: given role and name, what stands in place of it.

    Returns:
        The parts that stay, joined; of a reference in words its addresses, identifiers and year.
    """
    if _BIB.match(text):
        return _bibtex(text, name)
    stays = list(dict.fromkeys(found[0].rstrip(".,;)") for found in _WHERE.finditer(text)))
    bare = _WHERE.sub("", text)
    if not re.search(r"[^\W\d_]{2}", re.sub(r"(?i)\b(?:doi|arxiv|url|https?)\b", "", bare)):
        return text
    return "; ".join([name("author", text), *stays])


def _bibtex(text: str, name: Callable[[str, str], str]) -> str:
    fields = {found["name"].lower(): _bib_value(text, found.end()) for found in _BIB_FIELD.finditer(text)}
    people = [
        name(role, who)
        for role in ("author", "editor")
        for each in re.split(r"\s+and\s+", fields.get(role, ""))
        if (who := " ".join(re.sub(r"[{}\\]", "", each).split())) and not _NO_NAME.fullmatch(who)
    ]
    stays = [f"{key}: {fields[key]}" for key in _BIB_KEPT if fields.get(key)]
    return "; ".join([*stays, *(["author: " + ", ".join(people)] if people else [])]) or name("author", text)


def _bib_value(text: str, at: int) -> str:
    """Return the value that begins at a place: in braces, in quotes, or bare; one that was cut ends with the text."""
    depth = 0
    quoted = text[at] == '"'
    for place in range(at, len(text)):
        char = text[place]
        depth += (char == "{") - (char == "}")
        closed = (quoted and char == '"' and place > at and not depth) or (not quoted and not depth and char in "},\n")
        if closed:
            return " ".join(re.sub(r"[{}]", "", text[at:place].strip('"')).split())
    return " ".join(re.sub(r"[{}]", "", text[at:].strip('"')).split())
