"""README and other documents in prose: their title, their addresses, and the licences they state."""

from __future__ import annotations

import bisect
import re
from dataclasses import replace

from provenance.core.model import Claim
from provenance.licences.texts import find_notices
from provenance.readers.manifests.manifest_format import ManifestFormat
from provenance.readers.manifests.yaml_documents import decode, folder

_TITLE = re.compile(r"^\s{0,3}#\s+(.+?)\s*#*\s*$|^(?P<plain>\S.{0,118}\S)\n={3,}\s*$", re.MULTILINE)
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_ADDRESS = re.compile(
    r"^[\W_]{0,6}(?:homepage|repository|project page|website|主页)[\W_]{0,6}?:[\s*_\[(<]*(https?://[^\s)\]>*]+)",
    re.IGNORECASE,
)
_SHELF = re.compile(
    r"https?://(?:www\.)?(?:(?:github\.com|gitlab\.com|gitee\.com)/[\w.-]{1,100}/[\w.-]{1,100}"
    r"|(?:huggingface\.co|hf\.co|modelscope\.cn|kaggle\.com)/datasets/[\w.-]{1,100}(?:/[\w.-]{1,100})?)",
    re.IGNORECASE,
)
"""Where data sets stand: an address of one names it."""

_MARKUP = re.compile(r"\s*(?:#|\||<|!?\[!?\[|!\[|```|[=-]{3}|\{)|\s{4,}\S")
_LINK = re.compile(r"https?://\S+")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_FILE = re.compile(r"`([\w./-]+\.(?:jsonl?|csv|tsv|parquet|txt|arrow|zip|gz|zst))`")


LINKS = 100
"""Addresses of repositories and data sets that are kept of one document."""

SENTENCE = 5
"""Words of a line that count as prose; a Chinese character is a word."""


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a document.

    Args:
        path: the document's path.
        data: its bytes.
        format: "readme".

    Returns:
        Claims `source-weak` (of a README only), `name`, `prose`, `url`, `link` and `licence`, pointers L<line>. Where
        it states licences under several headings, each covers the folder or file that its heading names.

    Raises:
        ManifestError: it is not a text.
    """
    text = decode(path, data)
    scope = folder(path)
    claims = []
    if path.rsplit("/", 1)[-1].lower().startswith("readme"):
        claims.append(Claim("source-weak", scope.removesuffix("/"), scope, format, "L1"))
    return claims + prose(path, text, format)


def prose(path: str, text: str, witness: str, first_line: int = 1) -> list[Claim]:
    """Read what a document's prose states.

    Args:
        path: the document's path.
        text: its text.
        witness: kind of the witness.
        first_line: the number of the text's first line in the document.

    Returns:
        Claims `name`, `prose` (how many words it has; what they say is for a person to read), `url`, `link` (a
        repository or data set whose address it gives) and `licence`.
    """
    scope = folder(path)
    claims = []
    title = _TITLE.search(text[:20_000])
    if title:
        name = re.sub(r"<[^>]{0,500}>|!?\[([^\]]{0,300})\]\([^)]{0,500}\)", r"\1", title[1] or title["plain"])
        name = name.strip(" *_`")
        line = text.count("\n", 0, title.start(1 if title[1] else "plain")) + first_line
        if name:
            claims.append(Claim("name", name[:200], scope, witness, f"L{line}"))
    for number, line_text in enumerate(text.splitlines()[:2000], first_line):
        match = _ADDRESS.match(line_text[:1000])
        if match:
            claims.append(Claim("url", match[1].rstrip(".,;"), scope, witness, f"L{number}"))
    claims += [Claim("link", address, scope, witness, f"L{number}") for address, number in _links(text, first_line)]
    licences = _licences(text, scope, witness, first_line)
    return claims + _words(text, scope, witness, first_line, {claim.pointer for claim in licences}) + licences


def _links(text: str, first_line: int) -> list[tuple[str, int]]:
    """List the repositories and data sets whose address a document gives, each once, with its line."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines()[:2000], first_line):
        for match in _SHELF.finditer(line[:2000]) if "://" in line else ():
            found.setdefault(match[0].rstrip(".").removesuffix(".git"), number)
    return list(found.items())[:LINKS]


def _words(text: str, scope: str, witness: str, first_line: int, stated_lines: set[str]) -> list[Claim]:
    """Count the words of sentences: lines that are no heading, mark-up, table or code, and state no licence."""
    words_by_line: dict[int, int] = {}
    fenced = False
    for number, line in enumerate(text.splitlines()[:2000], first_line):
        fenced ^= line.lstrip().startswith("```")
        words = len(_WORD.findall(_LINK.sub(" ", line[:2000])))
        if not fenced and words >= SENTENCE and f"L{number}" not in stated_lines and not _MARKUP.match(line):
            words_by_line[number] = words
    return (
        [Claim("prose", f"{sum(words_by_line.values())} words", scope, witness, f"L{min(words_by_line)}")]
        if words_by_line
        else []
    )


def _licences(text: str, scope: str, witness: str, first_line: int) -> list[Claim]:
    claims = [
        Claim("licence", licence.raw[:300], scope, witness, f"L{line + first_line - 1}", subject)
        for line, subject, licence in find_notices(text)
    ]
    sections = _sections(text, first_line)
    over = {claim.pointer: _section(sections, claim) for claim in claims}
    topics = {
        section[1]
        for section in over.values()
        if section and not re.search(r"licen[cs]|协议|许可", section[1], re.IGNORECASE)
    }
    if len(topics) < 2:  # one heading's licence speaks for the document
        return claims
    return [_narrowed(claim, over[claim.pointer], topics, scope) for claim in claims]


def _sections(text: str, first_line: int) -> list[tuple[int, str, str]]:
    """List sections: first line, heading, text."""
    found: list[tuple[int, str, str]] = []
    fenced = False
    for number, line in enumerate(text.splitlines(), first_line):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading:
            found.append((number, heading[2], ""))
        elif found and len(found[-1][2]) < 20_000:
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + line[:1000] + "\n")
    return found


def _section(sections: list[tuple[int, str, str]], claim: Claim) -> tuple[int, str, str] | None:
    place = bisect.bisect_right(sections, int(claim.pointer[1:]), key=lambda section: section[0]) - 1
    if place < 0 or not re.search(r"^\W{0,12}licen[cs]e", sections[place][2], re.MULTILINE | re.IGNORECASE):
        return None
    return sections[place]


def _narrowed(claim: Claim, section: tuple[int, str, str] | None, topics: set[str], scope: str) -> Claim:
    if section is None or section[1] not in topics:
        return claim
    named = set(_FILE.findall(section[2]))
    member = named.pop() if len(named) == 1 else re.sub(r"[/\\]", "-", section[1])[:100] + "/"
    return replace(claim, scope=scope.removeprefix("./") + member)


_NAME = re.compile(
    r"(?!.*\.(?:jsonl?|ndjson|jsonlines|csv|tsv|tab|psv|parquet|arrow|feather|warc|zip|gz|zst|xz|bz2|tar|tgz)$)"
    r"(?:readme(?:[._-][\w.-]{1,30})?|(?:data[_-]?)?(?:sheet|card)|dataset[_-]?card|model[_-]?card|datasheet[\w-]{0,30})"
    r"(?:\.(?:md|markdown|rst|txt))?",
    re.IGNORECASE,
)


def _is_document(path: str, _head: bytes) -> bool:
    """A markdown file of any other name may be a text of a corpus."""
    return _NAME.fullmatch(path.rsplit("/", 1)[-1]) is not None


MANIFEST_FORMAT = ManifestFormat(
    "readme",
    read,
    sniff=_is_document,  # a name, but asked after cards, which are called the same
    role="documentation",
    prose=True,
    headings=True,
    inside_archives=True,
)
