"""Documents: hostile names are text on paper and on screen, read back by parsers that are not ours."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from provenance.reports.filings import document
from provenance.reports.filings.document import Heading, Line, Paragraph, Table, bilingual
from provenance.reports.text import make_printable

HOSTILE = [
    "<script>alert(1)</script>", "</style><b>", "a|b", "`code`", "**bold**", "[x](http://e.example)", "![i](x)", "<!-- c",
    "&lt;", "&amp;", "\\|", "a\\", "| --- |", "# h", "- item", "> quote", "1. one", "http://e.example/a", "www.e.example", "a@e.example",
    "$x$", "~~gone~~", "line\nbreak", "tab\tx", "\x1b[31m", "\u202eevil", "\x00", "'\"", "名<称>", "---", "===", "<br>", "]]>", "_x_",
]  # fmt: skip


class Page(HTMLParser):
    """What a browser would make of a page: its tags, and the text of each block that is a line."""

    def __init__(self, data):
        super().__init__()
        self.tags, self.languages, self.lines, self.open = [], [], [], None
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "div":
            self.open = ""
            self.languages.append(dict(attrs).get("lang"))

    def handle_endtag(self, tag):
        if tag == "div" and self.open is not None:
            self.lines.append(self.open)
            self.open = None

    def handle_data(self, data):
        if self.open is not None:
            self.open += data


def blocks(text):
    return [
        Heading(1, (Line(text),)),
        Paragraph((Line(text), Line(text, chinese=True)), notice=True),
        Table((bilingual("A", "甲"), ()), [((Line(text), Line(text, style="code")), (Line("", style="box"),))]),
    ]


def spoken(data):
    """The text and tags that a Markdown reader makes of a document; line breaks within cells are ours."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    inline = [each for token in reader.parse(data.decode()) if token.type == "inline" for each in token.children]
    return "".join(each.content for each in inline if each.type == "text"), {each.type for each in inline}, [
        each.content for each in inline if each.type == "html_inline"
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_in_html(text):
    page = Page(document.render_html(blocks(text)))
    innocent = Page(document.render_html(blocks("innocent")))
    assert page.tags == innocent.tags
    assert page.lines.count(make_printable(text)) == 4


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_in_markdown(text):
    said, kinds, markup = spoken(document.render_markdown(blocks(text)))
    _, innocent, breaks = spoken(document.render_markdown(blocks("innocent")))
    assert said.count(make_printable(text).strip()) >= 5
    assert kinds <= innocent | {"text_special"}
    assert markup == breaks


@given(st.text(max_size=60))
def test_no_text_whatever_makes_markup(text):
    innocent = Page(document.render_html(blocks("innocent")))
    assert Page(document.render_html(blocks(text))).tags == innocent.tags
    _, kinds, markup = spoken(document.render_markdown(blocks(text)))
    assert kinds <= {"text", "softbreak", "hardbreak", "html_inline", "strong_open", "strong_close", "text_special"}
    assert set(markup) <= {"<br>"}


def test_a_page_fetches_nothing_and_runs_nothing():
    data = document.render_html(blocks("x")).decode()
    assert "default-src 'none'" in data
    assert not {"script", "link", "img", "iframe"} & set(Page(data.encode()).tags)
    assert "http" not in data.replace("http-equiv", "")
    assert "A4 landscape" in data


def test_chinese_is_marked_as_such():
    assert Page(document.render_html([Paragraph(bilingual("yes", "是"))])).languages == [None, None, "zh-Hans"]


def test_rows_are_as_long_as_the_head():
    reader = MarkdownIt("commonmark").enable("table")
    tokens = [token.type for token in reader.parse(document.render_markdown(blocks("a|b")).decode())]
    assert (tokens.count("th_open"), tokens.count("td_open")) == (2, 2)
