"""A document for people in two languages, and how it is written: as one HTML file that prints on paper, or as Markdown.

A document is a list of blocks; a block holds lines, a line is text in one language. Names of sources and files are
whatever somebody chose: on paper they are only ever text.
"""

from __future__ import annotations

import html as html_text
import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

from provenance.reports.text import make_printable

if TYPE_CHECKING:
    from collections.abc import Sequence

Style = Literal["", "strong", "small", "code", "box", "seal", "good", "bad", "open", "aside"]


@dataclass(frozen=True, slots=True)
class Line:
    """Text in one language.

    Args:
        text: the text; empty for a box.
        chinese: whether it is Chinese.
        style: strong, small, code; good, bad, open and aside for results; box: a field to fill in by hand, seal: a
            larger one to sign and stamp.
    """

    text: str
    chinese: bool = False
    style: Style = ""


Cell = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2 in both languages."""

    level: Literal[1, 2]
    lines: Cell


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines one below another; a notice is framed."""

    lines: Cell
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        head: one cell a column; an empty head for a table of two columns, name and value.
        rows: each as long as the head.
        widths: shares of the page's width, in percent; none = as the text needs.
        numbers: numbers of the columns, from 0, that are set to the right.
    """

    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[int] = ()
    numbers: frozenset[int] = field(default_factory=frozenset)


Block = Heading | Paragraph | Table


def bilingual(english: str, chinese: str | None, style: Style = "") -> Cell:
    """Make a cell of a text in English and, where there is one, in Chinese.

    Args:
        english: the text.
        chinese: the same in Chinese.
        style: of both lines.
    """
    return (Line(english, style=style), *([Line(chinese, chinese=True, style=style)] if chinese else []))


def render_html(blocks: Sequence[Block]) -> bytes:
    """Write a document as one HTML file: nothing is fetched, nothing runs, A4 on its side when printed.

    Args:
        blocks: the document; its first heading names the window.

    Returns:
        UTF-8, the same bytes for the same blocks.
    """
    title = next((block.lines[0].text for block in blocks if isinstance(block, Heading)), "")
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escape_html(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    body = "\n".join(map(_html_block, blocks))
    return f"{head}{body}\n</main>\n</body>\n</html>\n".encode()


def render_markdown(blocks: Sequence[Block]) -> bytes:
    """Write a document as Markdown with tables (GitHub Flavored Markdown 0.29); lines of a cell are parted by <br>.

    Args:
        blocks: the document.

    Returns:
        UTF-8, the same bytes for the same blocks.
    """
    return ("\n\n".join(map(_markdown_block, blocks)) + "\n").encode()


def _html_block(block: Block) -> str:
    if isinstance(block, Heading):
        return _html_heading(block)
    return _html_table(block) if isinstance(block, Table) else _html_paragraph(block)


def _markdown_block(block: Block) -> str:
    if isinstance(block, Heading):
        return _markdown_heading(block)
    return _markdown_table(block) if isinstance(block, Table) else _markdown_paragraph(block)


def _escape_html(text: str) -> str:
    return html_text.escape(make_printable(text), quote=True)


def _html_line(line: Line) -> str:
    attributes = (' lang="zh-Hans"' if line.chinese else "") + (f' class="{line.style}"' if line.style else "")
    return f"<div{attributes}>{_escape_html(line.text)}</div>"


def _html_cell(cell: Cell) -> str:
    return "".join(map(_html_line, cell))


def _html_heading(block: Heading) -> str:
    first, *rest = block.lines
    more = "".join(f' <span lang="zh-Hans">{_escape_html(line.text)}</span>' for line in rest)
    return f"<h{block.level}>{_escape_html(first.text)}{more}</h{block.level}>"


def _html_paragraph(block: Paragraph) -> str:
    return f'<div class="{"notice" if block.notice else "paragraph"}">{_html_cell(block.lines)}</div>'


def _html_table(block: Table) -> str:
    columns = "".join(f'<col style="width:{width}%">' for width in block.widths)
    head = "".join(f'<th scope="col">{_html_cell(cell)}</th>' for cell in block.head)
    kind = "" if block.head else ' class="facts"'
    rows = "\n".join(_html_row(row, block) for row in block.rows)
    listed = f"<thead><tr>{head}</tr></thead>\n" if block.head else ""
    return f"<table{kind}><colgroup>{columns}</colgroup>\n{listed}<tbody>\n{rows}\n</tbody></table>"


def _html_row(row: Sequence[Cell], block: Table) -> str:
    cells = []
    for number, cell in enumerate(row):
        tag = "th" if number == 0 and not block.head else "td"
        attribute = (' scope="row"' if tag == "th" else "") + (' class="number"' if number in block.numbers else "")
        cells.append(f"<{tag}{attribute}>{_html_cell(cell)}</{tag}>")
    return f"<tr>{''.join(cells)}</tr>"


_MARKS = re.compile(r"([\\`*_{}\[\]|~])")
_LINE_START_MARKS = re.compile(r"^([#=+\-])|^(\d+)([.)])")  # what begins a heading, quotation, list or rule
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "$": "&#36;",
    "@": "&#64;",
    ":": "&#58;",
}  # HTML, formulas, addresses, links


def _escape_markdown(text: str) -> str:
    """Escape everything that Markdown could read as more than text."""
    marked = _MARKS.sub(r"\\\1", make_printable(text).strip()).replace(": ", "\0").replace("www.", "www\\.")
    marked = _LINE_START_MARKS.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", marked)
    return "".join(_ENTITIES.get(char, char) for char in marked).replace("\0", ": ")


def _markdown_line(line: Line) -> str:
    text = _escape_markdown(line.text)
    if line.style in {"box", "seal"}:
        return f"{text} \\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_".strip()
    return f"**{text}**" if line.style in {"strong", "good", "bad", "open", "aside"} and text.strip() else text


def _markdown_cell(cell: Cell) -> str:
    return "<br>".join(map(_markdown_line, cell)) or " "


def _markdown_heading(block: Heading) -> str:
    return f"{'#' * block.level} {' '.join(_escape_markdown(line.text) for line in block.lines)}"


def _markdown_paragraph(block: Paragraph) -> str:
    mark = "> " if block.notice else ""
    return "\n".join(f"{mark}{_markdown_line(line)}  " for line in block.lines)


def _markdown_table(block: Table) -> str:
    head = block.head or ((), ())
    rule = ["---:" if number in block.numbers else "---" for number in range(len(head))]
    rows = chain([map(_markdown_cell, head), rule], (map(_markdown_cell, row) for row in block.rows))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


_STYLE = """\
@page { size: A4 landscape; margin: 12mm 12mm 14mm; }
* { box-sizing: border-box; }
html { font: 13px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif; color: #1a1a1a;
  background: #fff; }
:lang(zh-Hans) { font-family: "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimSun",
  "WenQuanYi Zen Hei", sans-serif; line-height: 1.6; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 1.7em; line-height: 1.25; margin: 0 0 .6em; }
h2 { font-size: 1.25em; margin: 2em 0 .6em; padding-bottom: .2em; border-bottom: 2px solid #1a1a1a;
  break-after: avoid; }
h1 span, h2 span { font-weight: 600; margin-left: .5em; white-space: nowrap; }
h1 span { display: block; margin: .15em 0 0; white-space: normal; }
.notice { border: 1px solid #8a6d00; border-left-width: 6px; background: #fff9e5; padding: .7em 1em; margin: 1em 0; }
.paragraph { margin: .7em 0; max-width: 75em; }
table { width: 100%; border-collapse: collapse; margin: .8em 0 1.4em; table-layout: fixed; }
table.facts { table-layout: auto; }
th, td { border: 1px solid #999; padding: .5em .6em; vertical-align: top; text-align: left; overflow-wrap: anywhere; }
thead { display: table-header-group; }
thead th { background: #eef1f4; font-weight: 600; }
.facts th { width: 24%; font-weight: 600; background: #f6f7f8; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; }
td > div + div, th > div + div { margin-top: .2em; }
.strong { font-weight: 600; }
.small { font-size: .86em; color: #444; }
.code { font: .82em/1.4 ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", monospace; color: #333; }
.good, .bad, .open, .aside { font-weight: 600; padding-left: .55em; border-left: 4px solid; }
.good { border-color: #1b7a3d; }
.bad { border-color: #b3261e; color: #8c1d18; }
.open { border-color: #b58500; }
.aside { border-color: #777; color: #444; }
.box { border: 1px dashed #777; background: #fcfcfc; min-height: 2.9em; padding: .3em .5em; margin-bottom: .5em; }
.seal { min-height: 9em; }
@media screen and (max-width: 760px) { main { padding: 12px; } main > table:not(.facts) { min-width: 720px; }
  body { overflow-x: auto; } }
@media print { html { font-size: 10px; } main { max-width: none; padding: 0; } h2 { margin-top: 1.2em; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
