"""XML, XHTML and HTML: the text of elements, cut into records at the elements that hold one.

A kernel takes the tags out: it is total, so that broken mark-up loses nothing, and takes memory for a batch alone. No
entity is expanded but the characters that XML and HTML name; nothing that a document points to is fetched. In XML an
attribute of several words is text too, as in the dumps of Stack Exchange. Scripts and styles are no text.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().
# ruff: noqa: PLR1714, SIM109, SIM110 - a kernel is one automaton

from __future__ import annotations

import re
from collections import Counter
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from provenance.readers.records import column_roles, text, unreadable_records, views
from provenance.readers.records.characters import (
    CLOSE_BRACKET,
    LOWER_A,
    LOWER_Z,
    MINUS,
    NEWLINE,
    NINE,
    OPEN_BRACKET,
    QUOTE,
    SLASH,
    SPACE,
    UPPER_A,
    UPPER_Z,
    ZERO,
)
from provenance.readers.records.record_format import RecordFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

_LESS, _GREATER, _AMPERSAND, _EXCLAMATION, _QUESTION, _APOSTROPHE, _SEMICOLON, _HASH, _EQUALS, _COLON = map(
    ord, "<>&!?';#=:"
)
_LONGEST_TAG = 1 << 20  # bytes: what does not end by then is no tag
_WORDS = 2  # spaces in an attribute that is text
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES, _LAST_CHARACTER = 0x80, 0x800, 0x10000, 0x10FFFF
_FIRST_SURROGATE, _AFTER_SURROGATES, _REPLACEMENT = 0xD800, 0xE000, 0xFFFD
_LEAD_OF_TWO, _LEAD_OF_THREE, _LEAD_OF_FOUR, _FOLLOWING, _SIX_BITS = 0xC0, 0xE0, 0xF0, 0x80, 0x3F
_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a

_PARAGRAPHS = (
    "p h1 h2 h3 h4 h5 h6 li dt dd blockquote pre table div section article header footer main aside nav ul ol dl form"
    " figure figcaption body title tr hr"
)
_BREAKS = "br td th option"
_HIDDEN = "script style template noscript"
_ONE_RECORD = (
    "s", "sentence", "sent", "p", "para", "seg", "speech", "sp", "u", "utterance", "turn", "post", "page", "row",
    "doc", "document", "record", "item", "entry", "article", "review", "line", "l", "text",
)  # fmt: skip
"""Elements that hold one record, the narrowest first, as TEI, NLTK, dumps of wikis and forums, and feeds call them."""


@njit(nogil=True, cache=True)
def hash_name(buf: Any, i: int, end: int) -> Any:
    """Hash the name of an element without its prefix, in lower case.

    Args:
        buf: bytes.
        i: where it begins.
        end: where it ends.
    """
    value = _SEED
    for k in range(i, end):
        c = buf[k]
        if c == _COLON:
            value = _SEED
            continue
        if UPPER_A <= c <= UPPER_Z:
            c |= 32
        value = (value ^ np.uint64(c)) * _PRIME
    return value


@njit(nogil=True, cache=True)
def _is_one(value: Any, names: Any) -> bool:
    for k in range(names.shape[0]):
        if names[k] == value:
            return True
    return False


@njit(nogil=True, cache=True)
def _put_character(code: int, out: Any, at: int) -> Any:
    """Write a character as UTF-8 (RFC 3629, section 3); of what is none, U+FFFD."""
    if code <= 0 or code > _LAST_CHARACTER or _FIRST_SURROGATE <= code < _AFTER_SURROGATES:
        code = _REPLACEMENT
    if code < _TWO_BYTES:
        out[at] = code
        return at + 1
    if code < _THREE_BYTES:
        out[at], out[at + 1] = _LEAD_OF_TWO | code >> 6, _FOLLOWING | code & _SIX_BITS
        return at + 2
    if code < _FOUR_BYTES:
        out[at], out[at + 1] = _LEAD_OF_THREE | code >> 12, _FOLLOWING | code >> 6 & _SIX_BITS
        out[at + 2] = _FOLLOWING | code & _SIX_BITS
        return at + 3
    out[at], out[at + 1] = _LEAD_OF_FOUR | code >> 18, _FOLLOWING | code >> 12 & _SIX_BITS
    out[at + 2], out[at + 3] = _FOLLOWING | code >> 6 & _SIX_BITS, _FOLLOWING | code & _SIX_BITS
    return at + 4


@njit(nogil=True, cache=True)
def _read_entity(buf: Any, i: int, n: int, names: Any, codes: Any) -> Any:
    """Return the character that the entity at `i` names, and where it ends; -1 where it names none."""
    end = i + 1
    while end < n and end - i < _LONGEST_ENTITY and buf[end] != _SEMICOLON and buf[end] > SPACE and buf[end] != _LESS:
        end += 1
    if end >= n or buf[end] != _SEMICOLON or end == i + 1:
        return -1, i
    if buf[i + 1] == _HASH:
        base, k, code = _DECIMAL, i + 2, 0
        if k < end and (buf[k] | 32) == _X:
            base, k = _HEXADECIMAL, k + 1
        if k == end:
            return -1, i
        while k < end:
            c = int(buf[k])
            digit = _HEXADECIMAL
            if ZERO <= c <= NINE:
                digit = c - ZERO
            elif LOWER_A <= (c | 32) <= LOWER_Z:
                digit = (c | 32) - LOWER_A + _DECIMAL
            if digit >= base:
                return -1, i
            code = min(code * base + digit, _LAST_CHARACTER + 1)
            k += 1
        return code, end + 1
    value = _SEED
    for k in range(i + 1, end):
        value = (value ^ np.uint64(buf[k])) * _PRIME
    for k in range(names.shape[0]):
        if names[k] == value:
            return codes[k], end + 1
    return -1, i


_X = ord("x")
_LONGEST_ENTITY, _DECIMAL, _HEXADECIMAL = 12, 10, 16


@njit(nogil=True, cache=True)
def _copy_text(buf: Any, i: int, end: int, raw: bool, names: Any, codes: Any, out: Any, at: int) -> Any:
    """Copy text, its entities written out, its white space as one space or newline."""
    while i < end:
        c = buf[i]
        if c <= SPACE:
            if c == NEWLINE and at > 0 and out[at - 1] == SPACE:
                out[at - 1] = NEWLINE
            elif at > 0 and out[at - 1] > SPACE:
                out[at] = NEWLINE if c == NEWLINE else SPACE
                at += 1
            i += 1
            continue
        if c == _AMPERSAND and not raw:
            code, after = _read_entity(buf, i, end, names, codes)
            if code >= 0:
                at = _put_character(code, out, at)
                i = after
                continue
        out[at] = c
        at += 1
        i += 1
    return at


@njit(nogil=True, cache=True)
def _copy_attributes(buf: Any, i: int, end: int, names: Any, codes: Any, out: Any, at: int) -> Any:
    """Copy the values of attributes that have several words."""
    while i < end:
        if buf[i] != QUOTE and buf[i] != _APOSTROPHE:
            i += 1
            continue
        mark, first, spaces = buf[i], i + 1, 0
        i += 1
        while i < end and buf[i] != mark:
            spaces += buf[i] == SPACE
            i += 1
        if spaces >= _WORDS and i < end:
            at = _break_line(out, at, False)
            at = _copy_text(buf, first, i, False, names, codes, out, at)
        i += 1
    return at


@njit(nogil=True, cache=True)
def _break_line(out: Any, at: int, blank: bool) -> Any:
    """End the line, and with `blank` the record."""
    while at > 0 and out[at - 1] == SPACE:
        at -= 1
    lines = 0
    while at - lines > 0 and lines < 2 and out[at - lines - 1] == NEWLINE:
        lines += 1
    while at > 0 and lines < (2 if blank else 1):
        out[at] = NEWLINE
        at += 1
        lines += 1
    return at


@njit(nogil=True, cache=True)
def _find_end(buf: Any, i: int, n: int, mark: Any) -> int:
    """Return where some bytes stand next; -1 where they do not."""
    last = n - mark.shape[0]
    while i <= last:
        k = 0
        while k < mark.shape[0] and buf[i + k] == mark[k]:
            k += 1
        if k == mark.shape[0]:
            return i
        i += 1
    return -1


@njit(nogil=True, cache=True)
def _find_tag_end(buf: Any, i: int, n: int) -> int:
    """Return where a tag ends: at `>` outside quotes and, of a declaration, outside brackets; -1 = later."""
    declares = i + 1 < n and buf[i + 1] == _EXCLAMATION
    quote, depth = 0, 0
    i += 1
    while i < n:
        c = buf[i]
        if quote:
            if c == quote:
                quote = 0
        elif c == QUOTE or c == _APOSTROPHE:
            quote = c
        elif declares and c == OPEN_BRACKET:
            depth += 1
        elif declares and c == CLOSE_BRACKET:
            depth -= 1
        elif c == _GREATER and depth <= 0:
            return i
        i += 1
    return -1


@njit(nogil=True, cache=True)
def strip_tags(
    buf: Any, n: int, final: bool, html: bool, records: Any, breaks: Any, hidden: Any, names: Any, codes: Any,
    marks: Any, out: Any, at: int,
) -> Any:  # fmt: skip
    """Take the tags out of mark-up.

    Args:
        buf: bytes, from outside a tag.
        n: where they end.
        final: nothing follows them.
        html: elements that are none of these are inline; in XML they set words apart.
        records: hashes of the names of elements with which a record begins and ends.
        breaks: of those with which a line ends.
        hidden: of those that hold no text.
        names: hashes of entities.
        codes: the characters that they name.
        marks: bytes of `-->`, `]]>`, `?>`.
        out: uint8[2 * n + 64 + at]: gains the text.
        at: where: behind the text of what came before.

    Returns:
        Bytes of the text; where the first tag or word begins that is not whole yet.
    """
    comment, data, instruction = marks
    i = 0
    # A search that failed is not made again from every byte behind it: time stays linear.
    failed, greater, no_comment, no_data, no_instruction = 0, -1, False, False, False
    while i < n:
        first = i
        while i < n and buf[i] != _LESS:
            i += 1
        if i >= n and not final:  # an entity may be cut
            i = n
            while i > first and n - i < 12 and buf[i - 1] != _AMPERSAND and buf[i - 1] > SPACE:
                i -= 1
            i = i - 1 if i > first and buf[i - 1] == _AMPERSAND else n
            return _copy_text(buf, first, i, False, names, codes, out, at), i
        at = _copy_text(buf, first, i, False, names, codes, out, at)
        if i >= n:
            return at, n
        if i + 9 > n and not final:
            return at, i
        c = buf[i + 1] if i + 1 < n else SPACE
        letter = LOWER_A <= (c | 32) <= LOWER_Z or c > 0x7F or c == 0x5F
        if not letter and c != SLASH and c != _EXCLAMATION and c != _QUESTION:
            out[at] = _LESS
            at, i = at + 1, i + 1
            continue
        if c == _EXCLAMATION and i + 3 < n and buf[i + 2] == MINUS and buf[i + 3] == MINUS:
            end = -1 if no_comment else _find_end(buf, i + 4, n, comment)
            no_comment = end < 0
            after = end + 3
        elif c == _EXCLAMATION and i + 8 < n and buf[i + 2] == OPEN_BRACKET and buf[i + 8] == OPEN_BRACKET:
            end = -1 if no_data else _find_end(buf, i + 9, n, data)
            no_data = end < 0
            after = end + 3
            if end >= 0:
                at = _copy_text(buf, i + 9, end, True, names, codes, out, at)
        elif c == _QUESTION:
            end = -1 if no_instruction else _find_end(buf, i + 2, n, instruction)
            no_instruction = end < 0
            after = end + 2
        else:
            end = _find_tag_end(buf, i, min(n, i + _LONGEST_TAG)) if i >= failed else -1
            if end < 0 and (final or n - i >= _LONGEST_TAG):
                failed = max(failed, min(n, i + _LONGEST_TAG))
                while greater < n and (greater < i or buf[greater] != _GREATER):
                    greater = max(greater + 1, i)
                end = greater if greater < n else -1
            after = end + 1
        if end < 0:
            if not final and n - i < _LONGEST_TAG:
                return at, i
            out[at] = _LESS  # what never ends is no tag
            at, i = at + 1, i + 1
            continue
        if letter or c == SLASH:
            start = i + 2 if c == SLASH else i + 1
            stop = start
            while stop < end and buf[stop] > SPACE and buf[stop] != SLASH:
                stop += 1
            name = hash_name(buf, start, stop)
            if _is_one(name, records):
                at = _break_line(out, at, True)
            elif _is_one(name, breaks):
                at = _break_line(out, at, False)
            elif not html and at > 0 and out[at - 1] > SPACE:
                out[at] = SPACE
                at += 1
            if not html and letter:
                at = _copy_attributes(buf, stop, end, names, codes, out, at)
            if html and letter and buf[end - 1] != SLASH and _is_one(name, hidden):
                close = _find_close(buf, after, n, name)
                if close < 0 and not final and n - i < _LONGEST_HIDDEN:
                    return at, i
                after = close if close >= 0 else n
        i = after
    return at, n


_LONGEST_HIDDEN = 8 << 20


@njit(nogil=True, cache=True)
def _find_close(buf: Any, i: int, n: int, name: Any) -> int:
    """Return where the end tag of a hidden element begins; -1 where there is none."""
    while i + 2 < n:
        if buf[i] == _LESS and buf[i + 1] == SLASH:
            stop = i + 2
            while stop < n and (LOWER_A <= (buf[stop] | 32) <= LOWER_Z):
                stop += 1
            if hash_name(buf, i + 2, stop) == name:
                return i
        i += 1
    return -1


class _Elements(NamedTuple):
    """How a document is cut.

    Args:
        html: it is HTML.
        records: hashes of elements that hold a record.
    """

    html: bool
    records: Any


_TAG = re.compile(rb"<(/?)([A-Za-z_][\w.:-]*)[^<>]{0,4096}?(/?)>")
_SAMPLE_BYTES = 1 << 18
_HTML = re.compile(rb"<html\b|<!doctype\s+html|\A(?!\s*<\?xml)[^\0]*?<(?:body|head|div|p)\b", re.IGNORECASE)


def _find_elements(head: bytes) -> _Elements:
    """Find out which elements hold a record."""
    head = head[:_SAMPLE_BYTES]
    if _HTML.search(head[:4096]):
        return _Elements(html=True, records=_PARAGRAPH_HASHES)
    counts: Counter[str] = Counter()
    children: Counter[str] = Counter()
    depth = 0
    for closes, name, empty in _TAG.findall(head):
        plain = name.rsplit(b":", 1)[-1].lower().decode("ascii", "replace")
        if closes:
            depth -= 1
            continue
        counts[plain] += 1
        children[plain] += depth == 1
        depth += not empty
    named = [name for name in _ONE_RECORD if counts[name] > 1]
    common = [name for name, count in children.most_common(1) if count > 1]
    return _Elements(html=False, records=_hash_all((named or common)[:1]))


_CODES = dict(name2codepoint) | {"apos": 39}
_ENTITY_NAMES = sorted(_CODES)
_ENTITIES = np.array([0] * len(_ENTITY_NAMES), np.uint64)
_ENTITY_CODES = np.array([_CODES[name] for name in _ENTITY_NAMES], np.int64)
_MARKS = tuple(np.frombuffer(mark, np.uint8) for mark in (b"-->", b"]]>", b"?>"))


def _hash_exact(name: str) -> int:
    value = int(_SEED)
    for byte in name.encode():
        value = (value ^ byte) * int(_PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


def _hash_all(names: list[str]) -> Any:
    return np.array(sorted(map(_hash_exact, names)), np.uint64)


_ENTITIES[:] = [_hash_exact(name) for name in _ENTITY_NAMES]
_PARAGRAPH_HASHES, _BREAK_HASHES, _HIDDEN_HASHES = (
    _hash_all(names.split()) for names in (_PARAGRAPHS, _BREAKS, _HIDDEN)
)


def read(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read a document in XML or HTML.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts.
        limits: batch_bytes.
        roles: not needed: elements are text.

    Yields:
        RECORDS batches, one row the text of an element that holds a record, or a passage of 64 KiB of it.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    elements = _find_elements(stream.peek(_SAMPLE_BYTES))
    tail, words, final = b"", b"", False
    while not final:
        more = stream.read(limits.batch_bytes)
        final = len(more) < limits.batch_bytes
        data = np.frombuffer(tail + more, np.uint8)
        found, done = _strip(data, elements, final=final, before=words)
        tail = data[done:].tobytes()
        joined = np.frombuffer(found, np.uint8)
        out = np.empty((len(joined) // 2 + 1, 3), np.int32)
        count, cut = text.cut_passages(joined, len(joined), final, False, out)
        words = joined[cut:].tobytes()
        if count:
            yield _make_batch(joined, out[:count], tally)


def strip(data: bytes) -> bytes:
    """Return the text of a page in HTML or XML, UTF-8, its lines set apart."""
    found, _ = _strip(np.frombuffer(data, np.uint8), _find_elements(data), final=True)
    return found


def _strip(data: Any, elements: _Elements, *, final: bool, before: bytes = b"") -> tuple[bytes, int]:
    out = np.empty(2 * len(data) + 64 + len(before), np.uint8)
    out[: len(before)] = np.frombuffer(before, np.uint8)
    size, done = strip_tags(
        data, len(data), final, elements.html, elements.records, _BREAK_HASHES, _HIDDEN_HASHES, _ENTITIES,
        _ENTITY_CODES, _MARKS, out, len(before),
    )  # fmt: skip
    return out[:size].tobytes(), int(done)


def _make_batch(data: Any, found: Any, tally: Tally) -> pa.RecordBatch:
    made = views.make_batch(text.make_views(data, found), found[:, 2], tally.records)
    tally.count_records(found[:, 2], found[:, 1] - found[:, 0])
    unreadable_records.explain_first(data, found, tally)
    return made


RECORD_FORMAT = (
    RecordFormat("html", read, only_records=False, bounded=True),
    RecordFormat("xml", read, only_records=False, bounded=True),
)
