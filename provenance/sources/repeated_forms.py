"""Whether a text consists of records: lines of one form again and again, wherever in the text they stand.

| form | lines | and |
|---|---|---|
| objects of JSON | 20, or 200 | half of the bytes; of 200 whatever stands beside them |
| rows between tabs | 200 | half of the bytes |
| rows between commas or semicolons | 200 | four fifths of the lines |
| rows of a table in mark-up | 200 of 80 bytes, or 2,000 | half of the bytes |
| the same few labels, as "Q:" and "A:" | 200 | half of the bytes or lines |
| quotes | 200 | half of the bytes |
| items of a list, none of them a link | 200 of 80 bytes, or 2,000 | half of the bytes |
| lines of 100 bytes, or that end a sentence, below one another | 200 | half of the bytes |
| lines of any form without an empty one | 2,000 | |

The bounds lie beyond real documents. Of 770 cards of data sets and 819 licence texts none has more than 71 lines of
JSON (0.31 of its bytes), 153 lines between tabs (0.42), 34 quotes, 98 long lines below one another, or 1,181 lines
without an empty one; the largest table has 1,005 rows of 29 bytes, the longest list 386 items of 8 bytes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FEW = 20
_MANY = 200
_MOST = 2000
_ROW = 80  # mean bytes of a row or item that says something by itself
_LONG = 100  # bytes of a line that nobody wrapped
_ITEM = re.compile(r"(?:[-*+•]|\d{1,7}[.)])\s+\S")
_LINK = re.compile(r"\]\(|://")
_SENTENCE = re.compile(r"[.!?。！？…][\"'”’»)]?$")
_MARKS = re.compile(r"(?:[\s>|]|[-*+•]\s|\d{1,7}[.)]\s|#{1,6}\s)*")
_LABEL = re.compile(r"[\"'*#_`\[]{0,4}([^\W\d_][\w ]{0,20}?)[\"'*_`\]]{0,4}\s*[:：]\s*\S")
_DIGITS = re.compile(r"\d+")


_STRUCTURE = frozenset({  # what lists of manifests are called: Croissant, Frictionless, dataset_infos.json
    "@graph", "citation", "configs", "containedIn", "contributors", "creator", "distribution", "enum", "features",
    "field", "fields", "foreignKeys", "includes", "keywords", "language", "languages", "licenses", "names", "recordSet",
    "references", "resources", "source", "sources", "splits", "subField",
})  # fmt: skip


class _Line(NamedTuple):
    text: str
    size: int
    follows: bool  # the line above is not empty


def is_repetitive(text: str) -> bool:
    """Tell whether most of a text, or very much of it, is lines of one form.

    Args:
        text: all of it.
    """
    lines, above = [], False
    for line in text.splitlines():
        bare = line.strip()
        if bare:
            lines.append(_Line(bare, len(bare.encode("utf-8", "replace")), above))
        above = bool(bare)
    if len(lines) < _FEW:
        return False
    whole = _Size(len(lines), sum(line.size for line in lines))
    return _has_objects(lines, whole) or (len(lines) >= _MANY and any(test(lines, whole) for test in _TESTS))


def lists_sentences(text: str) -> bool:
    """Tell whether a text, such as the metadata of a card, holds a long list of sentences.

    Args:
        text: all of it.
    """
    stripped = [line.strip() for line in text.splitlines()]
    found = _measure_lines(
        _Line(line, len(line.encode("utf-8", "replace")), follows=False) for line in stripped if _is_item(line)
    )
    return found.lines >= _MANY and found.bytes >= _ROW * found.lines


def holds_rows(document: bytes) -> bool:
    """Tell whether most of a manifest in JSON is a list of records, as the data of a resource written into it.

    Args:
        document: all of it.

    Returns:
        Whether half of it is a list of 20 or more under a name that is none of a manifest's; False where it is no JSON.
    """
    try:
        whole = json.loads(document)
        return any(2 * len(_write(rows)) > len(_write(whole)) for rows in _lists(whole))
    except (ValueError, RecursionError):  # whoever reads it says so
        return False


def _write(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lists(value: Any) -> Iterator[list[Any]]:
    """Yield every long list that stands under a name of no manifest's."""
    waiting = [("", value)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.items()
        elif isinstance(each, list):
            if len(each) >= _FEW and name not in _STRUCTURE:
                yield each
            waiting += [(name, inner) for inner in each if isinstance(inner, dict | list)]


class _Size(NamedTuple):
    lines: int
    bytes: int


def _measure_lines(lines: Iterable[_Line]) -> _Size:
    count = size = 0
    for line in lines:
        count, size = count + 1, size + line.size
    return _Size(count, size)


def _is_most(found: _Size, whole: _Size, least: int = _MANY) -> bool:
    return found.lines >= least and 2 * found.bytes > whole.bytes


def _is_item(line: str) -> bool:
    return bool(_ITEM.match(line)) and not _LINK.search(line)


def _has_objects(lines: list[_Line], whole: _Size) -> bool:
    found = _measure_lines(
        line for line in lines if line.text[0] in "{[" and line.text.rstrip(",")[-1:] in ("}", "]") and ":" in line.text
    )
    return found.lines >= _MANY or _is_most(found, whole, _FEW)


def _has_cells(lines: list[_Line], whole: _Size) -> bool:
    tabs = _find_cells(lines, "\t")
    if _is_most(tabs, whole):
        return True
    rows = [line for line in lines if line.follows and not _ITEM.match(line.text)]  # prose has commas too
    return any(5 * _find_cells(rows, mark).lines > 4 * whole.lines for mark in ",;")


def _find_cells(lines: list[_Line], mark: str) -> _Size:
    """Measure the lines that have the mark as often as most of those that have it."""
    counts = [line.text.count(mark) for line in lines]
    usual = Counter(count for count in counts if count).most_common(1)
    return _measure_lines(line for line, count in zip(lines, counts, strict=True) if usual and count == usual[0][0])


def _has_rows(lines: list[_Line], whole: _Size) -> bool:
    return _is_large(_measure_lines(line for line in lines if line.text[0] == "|" and line.text.count("|") > 1), whole)


def _has_items(lines: list[_Line], whole: _Size) -> bool:
    return _is_large(_measure_lines(line for line in lines if _is_item(line.text)), whole)


def _is_large(found: _Size, whole: _Size) -> bool:
    return _is_most(found, whole, _MANY if found.bytes >= _ROW * found.lines else _MOST)


def _has_labels(lines: list[_Line], whole: _Size) -> bool:
    labels = [
        match and _DIGITS.sub("", match[1]) for match in (_LABEL.match(_strip_marks(line.text)) for line in lines)
    ]
    common = {label for label, _ in Counter(label for label in labels if label).most_common(4)}
    found = _measure_lines(line for line, label in zip(lines, labels, strict=True) if label in common)
    return found.lines >= _MANY and (2 * found.bytes > whole.bytes or 2 * found.lines > whole.lines)


def _strip_marks(line: str) -> str:
    marks = _MARKS.match(line)
    return line[marks.end() :] if marks else line


def _has_quotes(lines: list[_Line], whole: _Size) -> bool:
    return _is_most(_measure_lines(line for line in lines if line.text[0] == ">"), whole)


def _has_passages(lines: list[_Line], whole: _Size) -> bool:
    found = _measure_lines(
        line
        for line in lines
        if line.follows
        and line.text[0] not in "|>"
        and (line.size >= _LONG or _SENTENCE.search(line.text))
        and not _ITEM.match(line.text)
    )
    return _is_most(found, whole)


def _has_run(lines: list[_Line], _whole: _Size) -> bool:
    length = longest = 0
    for line in lines:
        length = length + 1 if line.follows else 1
        longest = max(longest, length)
    return longest >= _MOST


_TESTS = (_has_cells, _has_rows, _has_items, _has_labels, _has_quotes, _has_passages, _has_run)
