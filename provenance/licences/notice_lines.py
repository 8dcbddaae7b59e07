"""What a document says of licences outside its sentences: headings, tables, badges and reservations of all rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from provenance.licences.expressions import Licence, find_restrictions, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*)$|^\s*\*\*([^*]{2,60})\*\*:?\s*$")
LICENCE_WORD = (
    r"licen[cs]|lizenz|licenza|licença|nutzungsbedingungen|terms of use"
    r"|协议|許諾|许可|授权|授權|版权|ライセンス|利用規約"
)
LICENCE_HEADING = re.compile(rf"{LICENCE_WORD}|copyright|usage terms|conditions of use", re.IGNORECASE)
OTHERS_HEADING = re.compile(
    r"related|prior work|previous work|comparison|compared|other (?:data|corpora|resources)|similar|see also"
    r"|alternatives"
    r"|acknowledg|thanks|references|bibliograph|citation|changelog|contribut|相关工作|致谢|引用|関連研究|謝辞|verwandte",
    re.IGNORECASE,
)
"""Sections that speak of other works than the document's own."""

LABEL_WORD = (
    r"(?:licen[cs]es?|licen[cs]ing|licencia|licença|lizenz|terms of use|additional restriction\(s\)"
    r"|许可证?|许可协议|授权协议|协议|ライセンス)"
)
RESERVED = "LicenseRef-provenance-all-rights-reserved"
"""Stands in copyright lines of licences that do grant rights: by itself it says nothing here."""


def says_unknown(licence: Licence) -> bool:
    """Tell whether a statement is that no licence is known.

    Args:
        licence: what was read.
    """
    return bool(licence.note and "no licence is known" in licence.note)


def match_heading(line: str, following: str) -> re.Match[str] | None:
    """Read a heading of Markdown or reStructuredText.

    Args:
        line: a line.
        following: the line behind it.

    Returns:
        Its match, with the number signs as group 1 and the heading as group 2 or 3; None where it is none.
    """
    marked = HEADING.match(line)
    under = following.strip()
    if marked or len(under) < 3 or len(set(under)) > 1 or under[0] not in "=-~^*#" or len(line) > 100:
        return marked
    return re.match(r"()(?=\S)(.{1,100})()$", line)


_RESERVATION = re.compile(
    r"all rights\b.{0,40}\breserved\b|alle rechte\b.{0,20}\bvorbehalten"
    r"|tous (?:les )?droits\b.{0,20}\br[ée]serv[ée]s|todos los derechos\b.{0,20}\breservados"
    r"|todos os direitos\b.{0,20}\breservados|版权所有|保留(?:所有|一切)权利|無断転載(?:を)?禁",
    re.IGNORECASE,
)


def find_reservations(text: str) -> Iterator[tuple[int, Licence]]:
    """Find the first line that reserves all rights, outside code.

    Args:
        text: a document that states no licence.

    Yields:
        Its number from 1, and the reservation.
    """
    fenced = False
    for number, line in enumerate(text.splitlines()[:_MOST_ROWS], 1):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        if (
            not fenced
            and len(line) < 500
            and _RESERVATION.search(line)
            and not line.lstrip().startswith(("'", '"', ">"))
            and not re.search(r"\b(?:logos?|website|paper)\b", line, re.IGNORECASE)
        ):
            yield number, Licence(RESERVED, "notice", "All rights reserved", line.strip()[:300])
            return


_CELL_LABEL = re.compile(rf"\W*(?:data ?(?:set)? )?{LABEL_WORD}\W*", re.IGNORECASE)
_USE_CELL = re.compile(
    r"\W*(?:usage |use )?(?:restrictions?|limitations?|purpose|(?:permitted |allowed )?us(?:e|age))\W*", re.IGNORECASE
)
_PART_HEAD = re.compile(
    r"\W*(?:sub ?sets?|config\w*|splits?|parts?|portions?|components?|files?|folders?|languages?|domains?)\W*",
    re.IGNORECASE,
)
_SOURCE_HEAD = re.compile(r"\W*(?:sources?|data ?sets?|data|corpus|corpora|name|collection)\W*", re.IGNORECASE)
_MOST_ROWS = 2000


def read_tables(text: str) -> Iterator[tuple[int, str, Licence]]:
    """Read rows "| License | X |", and the column of licences of a table of the document's own parts.

    Args:
        text: a document.

    Yields:
        Line from 1, subject and licence.
    """
    heading = ""
    columns: list[int | str] = []
    for number, line in enumerate(text.splitlines()[:_MOST_ROWS], 1):
        match = HEADING.match(line)
        heading = (match[2] or match[3] or "") if match else heading
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.count("|") >= 1 else []
        if len(cells) < 2 or not line.lstrip().startswith("|"):
            columns = []
        elif not set(line) <= set("|-: \t"):
            if _CELL_LABEL.fullmatch(cells[0]):
                yield from _read_cell(number, cells[1])
            elif _USE_CELL.fullmatch(cells[0]) and find_restrictions(cells[1]):
                limit = find_restrictions(cells[1])[0]
                yield number, "data", Licence(limit, "notice", cells[1][:300], "a restriction, no licence")
            if not columns:
                columns = _find_columns(cells, heading)
            for place in columns:
                if isinstance(place, int) and place < len(cells) and not _CELL_LABEL.fullmatch(cells[place]):
                    yield from _read_cell(number, cells[place])


def _find_columns(head: list[str], heading: str) -> list[int | str]:
    """Return the columns of licences of a table, if it is one of the parts of this work."""
    own = _PART_HEAD.fullmatch(head[0]) or (LICENCE_HEADING.search(heading) and _SOURCE_HEAD.fullmatch(head[0]))
    if not own or OTHERS_HEADING.search(heading):
        return ["none"]
    return [place for place, cell in enumerate(head) if place and _CELL_LABEL.fullmatch(cell)] or ["none"]


def _read_cell(number: int, cell: str) -> Iterator[tuple[int, str, Licence]]:
    licence = normalise(cell.strip(" *_`")[:390])
    if licence.how != "none" or says_unknown(licence):
        yield number, "data", licence


_PICTURE = re.compile(r"!\[([^\]\n]{3,120})\](?:\[([^\]\n]{0,80})\]|\(([^)\s]{0,300})\))?")


def find_badges(line: str) -> Iterator[tuple[str, Licence]]:
    """Find the badges that name a licence.

    Args:
        line: of Markdown.

    Yields:
        The badge's label, and the licence.
    """
    for picture in _PICTURE.finditer(line) if "img.shields.io" not in line else ():
        licence = normalise(re.sub(rf"^\W*{LABEL_WORD}\W+", "", picture[1], flags=re.IGNORECASE))
        if licence.expression is not None and licence.how in {"spdx", "alias", "family"}:
            yield "", licence
    for match in BADGE.finditer(line):
        # shields.io: label-message-colour; "--" is a dash, "_" a space
        parts = unquote(match[1]).replace("--", "\0").replace("_", " ").rsplit("-", 1)[0].split("-", 1)
        if len(parts) == 2 and re.search(r"licen[cs]e", parts[0], re.IGNORECASE):
            licence = normalise(parts[1].replace("\0", "-"))
            if licence.how != "none":
                yield parts[0], licence


BADGE = re.compile(r"img\.shields\.io/badge/([^)\s\"'?]+)", re.IGNORECASE)
