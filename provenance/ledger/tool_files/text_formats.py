"""Small texts of tools: lists of patterns, settings, pointers, scripts. Each is held to its form, line by line.

Such a file may hold comments and a few words, and no more of them than people write there: records, tables and prose
are no such file, whatever they are called.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 1 << 16
"""Bytes of the largest text in no fixed form."""

MOST_LIST_BYTES = 1 << 22
"""Bytes of the largest list whose lines have a fixed form."""

_MOST_COMMENT_BYTES = 1 << 13  # bytes of comments in a text
_MOST_NOTE_BYTES = 1 << 13  # of a message, which is prose
_MOST_WORDS = 4  # of a pattern or of most settings
_MOST_SENTENCES = 12  # lines of a script that may read like prose
_MOST_FREE = 16  # settings that may be longer
_SENTENCE = re.compile(r"[^{}()$=<>|&;`\\\[\]\"/]{24,}")
_WIDE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PATTERN = re.compile(r"(?:[^\t\",;|<>]|\*,|\\,){1,160}")
_STOP = re.compile(r"[。！？，；、]|[.!?:] ")
_ATTRIBUTES = (
    "text|binary|crlf|eol|diff|merge|filter|delta|ident|whitespace|encoding|working-tree-encoding|export-ignore"
    "|export-subst|conflict-marker-size|lockable|(?:linguist|gitlab|github)-[a-z-]+"
)
_ATTRIBUTE_LINE = re.compile(
    rf"(?:\"[^\"]{{1,255}}\"|[^\s\",;|{{}}]{{1,255}})"
    rf"(?:[ \t]+[-!]?(?:{_ATTRIBUTES})(?:=[\w.:/+-]{{1,64}})?)*"
    r"|\[attr\][\w.-]{1,64}(?:[ \t]+[-!]?[\w.-]{1,32}(?:=[\w.:/+-]{1,64})?){0,8}"
)
_SECTION = re.compile(r'\[[\w.-]{1,64}(?: "[^"\n]{0,255}")?\]')
_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,63})(?:\s*=\s*(.{0,512}))?")


def is_record(line: bytes) -> bool:
    """Tell whether a line is a JSON object or array that is not empty.

    Args:
        line: its bytes.
    """
    line = line.strip().rstrip(b",")
    if line[:1] not in (b"{", b"["):
        return False
    try:
        return bool(json.loads(line))
    except (ValueError, RecursionError):
        return False


def make_lines_test(pattern: bytes) -> Callable[[bytes], bool]:
    """Return what tells whether a text has lines of one form, and nothing else.

    Args:
        pattern: of a line.
    """
    line = re.compile(pattern)
    return lambda data: all(line.fullmatch(each) for each in re.split(rb"\r?\n", data.removesuffix(b"\n")))


def make_line_test(pattern: bytes) -> Callable[[bytes], bool]:
    """Return what tells whether a text is one line of a form.

    Args:
        pattern: of the line.
    """
    line = re.compile(rb"(?:" + pattern + rb")\r?\n?")
    return lambda data: line.fullmatch(data) is not None


def is_empty_json(data: bytes) -> bool:
    """Tell whether a text is an empty list or object."""
    return re.fullmatch(rb"\s*(?:\{\s*\}|\[\s*\])\s*", data) is not None


def is_short_note(data: bytes) -> bool:
    """Tell whether a text is a few words on one line."""
    return len(data) <= 256 and len(data.split(b"\n")) <= 2 and data.count(b",") < 2 and _read_text(data) is not None


def is_message(data: bytes) -> bool:
    """Tell whether a text is a message of a few kilobytes without a record or table in it."""
    return len(data) <= _MOST_NOTE_BYTES and (text := _read_text(data)) is not None and not _is_table(text.splitlines())


def is_script(data: bytes) -> bool:
    """Tell whether a text is a script that holds hardly any prose, and no records."""
    if not data.startswith(b"#!") or len(data) > MOST_BYTES >> 2 or (text := _read_text(data)) is None:
        return False
    found, comments = _split_comments(text, "#")
    prose = sum(len(each.split()) > _MOST_WORDS and _SENTENCE.fullmatch(each.strip()) is not None for each in found)
    return (
        comments <= _MOST_COMMENT_BYTES
        and prose <= max(_MOST_SENTENCES, len(found) // 3)
        and not _is_table(found, ",\t")
    )


def is_pattern_list(data: bytes) -> bool:
    """Tell whether a text is a list of patterns of file names, as `.gitignore` is."""
    if len(data) > MOST_BYTES or (text := _read_text(data)) is None:
        return False
    found, comments = _split_comments(text, "#")
    return comments <= _MOST_COMMENT_BYTES and all(map(_is_pattern, found))


def _is_pattern(line: str) -> bool:
    line = line.strip()
    words = len(line.split()) + len(_WIDE.findall(line)) // 4
    return _PATTERN.fullmatch(line) is not None and words <= _MOST_WORDS and _STOP.search(line) is None


def is_attribute_list(data: bytes) -> bool:
    """Tell whether a text says of patterns of file names what git shall do with them, as `.gitattributes` does."""
    if len(data) > MOST_BYTES or (text := _read_text(data)) is None:
        return False
    found, comments = _split_comments(text, "#")
    return comments <= _MOST_COMMENT_BYTES and all(_ATTRIBUTE_LINE.fullmatch(each.strip()) for each in found)


def is_configuration(data: bytes) -> bool:
    """Tell whether a text is a configuration of git: sections and settings, most of them a few words long."""
    if len(data) > MOST_BYTES or (text := _read_text(data)) is None:
        return False
    found, comments = _split_comments(text, "#;")
    free, in_section = 0, False
    for each in map(str.strip, found):
        if _SECTION.fullmatch(each):
            in_section = True
            continue
        setting = _SETTING.fullmatch(each)
        if setting is None or not in_section or is_record((setting[2] or "").encode()):
            return False
        value = setting[2] or ""
        free += len(value.split()) + len(_WIDE.findall(value)) // 4 > _MOST_WORDS - 1
    return comments <= _MOST_COMMENT_BYTES and free <= _MOST_FREE


def is_tag(data: bytes) -> bool:
    """Tell whether a text is a CACHEDIR.TAG, bford.info/cachedir."""
    first, _, rest = data.partition(b"\n")
    is_signed = first.rstrip(b"\r") == b"Signature: 8a477f597d28d172789f06886806bc55"
    return is_signed and len(data) <= 1024 and all(each[:1] in (b"", b"#", b"\r") for each in rest.split(b"\n"))


def _read_text(data: bytes) -> str | None:
    """Return a text without control characters and records; None of another."""
    from provenance.sources import file_roles  # a verifier without such files needs no readers

    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if any(each < " " and each not in "\t\n\r" for each in set(text)):
        return None
    if file_roles.holds_records("", data) or is_record(data) or any(map(is_record, data.splitlines())):
        return None
    return text


def _split_comments(text: str, marks: str) -> tuple[list[str], int]:
    """Return the lines of a text that are no comments, and the bytes of the others."""
    found, comments = [], 0
    for line in text.splitlines():
        if line.lstrip()[:1] and line.lstrip()[0] in marks:
            comments += len(line.encode())
        elif line.strip():
            found.append(line)
    return found, comments


def _is_table(found: list[str], separators: str = ",\t;|") -> bool:
    """Tell whether most of several lines have the same number of one separator."""
    found = [each for each in found if each.strip()]
    for mark in separators if len(found) > 2 else ():
        counts = [each.strip().count(mark) for each in found]
        most = max(set(counts), key=counts.count)
        if most and counts.count(most) > len(counts) // 2:
            return True
    return False
