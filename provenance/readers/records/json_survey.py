"""The members of a JSON object that is known to be valid: where they stand, and what kind of containers they are."""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from typing import Any

from numba import njit

from provenance.readers.records import string_kernels
from provenance.readers.records.characters import (
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COLON,
    COMMA,
    DOT,
    LOWER_Z,
    MINUS,
    NEWLINE,
    OPEN_BRACE,
    OPEN_BRACKET,
    PLUS,
    QUOTE,
    SPACE,
    ZERO,
)
from provenance.readers.records.json_kernel import skip_space
from provenance.readers.records.string_kernels import FIRST, NO


@njit(nogil=True, cache=True)
def _skip_value(buf: Any, i: int, n: int) -> int:
    """Return where a valid value ends that begins at `i`."""
    depth = 0
    while True:
        c = buf[i]
        if c == QUOTE:
            i, _, _ = string_kernels.find_string_end(buf, i + 1, n)
        elif c == OPEN_BRACE or c == OPEN_BRACKET:
            depth += 1
        elif c == CLOSE_BRACE or c == CLOSE_BRACKET:
            depth -= 1
        elif c != COMMA and c != COLON and c > SPACE:
            while i + 1 < n and (
                buf[i + 1] == PLUS or buf[i + 1] == MINUS or buf[i + 1] == DOT or ZERO <= buf[i + 1] | 32 <= LOWER_Z
            ):
                i += 1
        i += 1
        if depth == 0:
            return i


@njit(nogil=True, cache=True)
def _is_number(buf: Any, i: int, end: int, number: int) -> bool:
    """Say whether bytes are a number's decimal digits."""
    while end > i and buf[end - 1] == ZERO + number % 10:
        number //= 10
        end -= 1
        if number == 0:
            return i == end
    return False


@njit(nogil=True, cache=True)
def _count_elements(buf: Any, i: int, n: int) -> Any:
    """Count the elements of a valid array, or members of an object.

    Returns where it ends, their number, whether all are objects, and whether the names are 0, 1, 2, ... in this order.
    """
    named = buf[i] == OPEN_BRACE
    count, objects, numbered = 0, True, named
    i = skip_space(buf, i + 1, n, NO)
    while buf[i] != CLOSE_BRACE and buf[i] != CLOSE_BRACKET:
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        if named:
            end, _, _ = string_kernels.find_string_end(buf, i + 1, n)
            numbered = numbered and _is_number(buf, i + 1, end, count)
            i = skip_space(buf, skip_space(buf, end + 1, n, NO) + 1, n, NO)
        objects = objects and buf[i] == OPEN_BRACE
        i = skip_space(buf, _skip_value(buf, i, n), n, NO)
        count += 1
    return i + 1, count, objects, numbered


@njit(nogil=True, cache=True)
def survey_members(buf: Any, n: int, out: Any) -> int:
    """List the members of a valid object.

    Args:
        buf: bytes.
        n: where they end.
        out: int32[:, 7]: gains start and end of the name, of the value, and of a container: number of elements, whether
            all are objects, whether all are named by their number.

    Returns:
        Number of members; -1 where there are more than rows.
    """
    count = 0
    i = skip_space(buf, skip_space(buf, FIRST, n, NO) + 1, n, NO)
    while buf[i] != CLOSE_BRACE:
        if count == out.shape[0]:
            return -1
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        end, _, _ = string_kernels.find_string_end(buf, i + 1, n)
        out[count, 0], out[count, 1] = i + 1, end
        i = skip_space(buf, skip_space(buf, end + 1, n, NO) + 1, n, NO)
        out[count, 2] = i
        if buf[i] == OPEN_BRACE or buf[i] == OPEN_BRACKET:
            i, out[count, 4], out[count, 5], out[count, 6] = _count_elements(buf, i, n)
        else:
            i = _skip_value(buf, i, n)
        out[count, 3] = i
        i = skip_space(buf, i, n, NO)
        count += 1
    return count


@njit(nogil=True, cache=True)
def list_elements(buf: Any, n: int, out: Any) -> int:
    """List the first elements of a valid array, or values of an object.

    Args:
        buf: bytes, from where it begins.
        n: where they end.
        out: int32[:, 2]: gains start and end of each, as far as there is room.

    Returns:
        How many.
    """
    named = buf[0] == OPEN_BRACE
    count = 0
    i = skip_space(buf, FIRST + 1, n, NO)
    while buf[i] != CLOSE_BRACE and buf[i] != CLOSE_BRACKET and count < out.shape[0]:
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        if named:
            i = _skip_name(buf, i, n)
        end = _skip_value(buf, i, n)
        out[count, 0], out[count, 1] = i, end
        i = skip_space(buf, end, n, NO)
        count += 1
    return count


@njit(nogil=True, cache=True)
def _skip_name(buf: Any, i: int, n: int) -> Any:
    """Return where the value begins whose name begins at `i`."""
    end, _, _ = string_kernels.find_string_end(buf, i + 1, n)
    return skip_space(buf, skip_space(buf, end + 1, n, NO) + 1, n, NO)


@njit(nogil=True, cache=True)
def name_cells(buf: Any, n: int, names: Any, ends: Any, out: Any) -> int:
    """Write rows of cells as objects, one a line.

    Args:
        buf: bytes of a valid array of arrays, from where it begins.
        n: where they end.
        names: the bytes of what is written before each cell (`{"a":`, `,"b":`), one after the other.
        ends: int64: where each of them begins, and where the last ends.
        out: uint8: gains the lines.

    Returns:
        Bytes written; -1 where there is no room, or a row has more cells than names.
    """
    at = 0
    i = skip_space(buf, FIRST + 1, n, NO)
    while buf[i] != CLOSE_BRACKET:
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        if buf[i] != OPEN_BRACKET:
            return -1
        cell = 0
        i = skip_space(buf, i + 1, n, NO)
        while buf[i] != CLOSE_BRACKET:
            if buf[i] == COMMA:
                i = skip_space(buf, i + 1, n, NO)
            end = _skip_value(buf, i, n)
            if cell + 1 >= ends.shape[0] or at + ends[cell + 1] - ends[cell] + end - i + 2 > out.shape[0]:
                return -1
            for k in range(ends[cell], ends[cell + 1]):
                out[at] = names[k]
                at += 1
            at = _copy_line(buf, i, end, out, at)
            cell += 1
            i = skip_space(buf, end, n, NO)
        if cell:
            out[at], out[at + 1] = CLOSE_BRACE, NEWLINE
            at += 2
        i = skip_space(buf, i + 1, n, NO)
    return at


@njit(nogil=True, cache=True)
def _copy_line(buf: Any, i: int, end: int, out: Any, at: int) -> Any:
    """Copy a valid value into one line: what breaks lines in it is white space between values."""
    for k in range(i, end):
        c = buf[k]
        out[at] = max(c, SPACE)
        at += 1
    return at


@njit(nogil=True, cache=True)
def _find_member(buf: Any, i: int, n: int, name: Any) -> Any:
    """Return where the value of a member of the valid object at `i` begins and ends; -1, -1 where there is none."""
    i = skip_space(buf, i + 1, n, NO)
    while buf[i] != CLOSE_BRACE:
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        end, _, _ = string_kernels.find_string_end(buf, i + 1, n)
        same = end - i - 1 == name.shape[0]
        k = 0
        while same and k < name.shape[0]:
            same = buf[i + 1 + k] == name[k]
            k += 1
        i = _skip_name(buf, i, n)
        end = _skip_value(buf, i, n)
        if same:
            return i, end
        i = skip_space(buf, end, n, NO)
    return -1, -1


@njit(nogil=True, cache=True)
def spread_questions(buf: Any, n: int, keys: Any, out: Any) -> int:
    """Write the questions of articles (SQuAD) as objects, one a line, each with its title and passage.

    Args:
        buf: bytes of a valid array of objects, from where it begins.
        n: where they end.
        keys: the bytes of `paragraphs`, `context`, `qas`, `title`.
        out: uint8: gains the lines.

    Returns:
        Bytes written; -1 where there is no room, or an article is of another form.
    """
    paragraphs, context, qas, title = keys
    at = 0
    i = skip_space(buf, FIRST + 1, n, NO)
    while buf[i] != CLOSE_BRACKET:
        if buf[i] == COMMA:
            i = skip_space(buf, i + 1, n, NO)
        if buf[i] != OPEN_BRACE:
            return -1
        first, _ = _find_member(buf, i, n, paragraphs)
        heading, heading_end = _find_member(buf, i, n, title)
        if first < 0 or buf[first] != OPEN_BRACKET:
            return -1
        p = skip_space(buf, first + 1, n, NO)
        while buf[p] != CLOSE_BRACKET:
            if buf[p] == COMMA:
                p = skip_space(buf, p + 1, n, NO)
            if buf[p] != OPEN_BRACE:
                return -1
            passage, passage_end = _find_member(buf, p, n, context)
            listed, _ = _find_member(buf, p, n, qas)
            if passage < 0:
                return -1
            each = max(0, heading_end - heading) + passage_end - passage + 64
            if at + each > out.shape[0]:
                return -1
            q = skip_space(buf, listed + 1, n, NO) if listed >= 0 and buf[listed] == OPEN_BRACKET else -1
            if q < 0 or buf[q] == CLOSE_BRACKET:  # a passage without a question
                at = _open_question(buf, heading, heading_end, passage, passage_end, context, title, out, at)
                out[at], out[at + 1] = CLOSE_BRACE, NEWLINE
                at += 2
            while q >= 0 and buf[q] != CLOSE_BRACKET:
                if buf[q] == COMMA:
                    q = skip_space(buf, q + 1, n, NO)
                end = _skip_value(buf, q, n)
                if buf[q] != OPEN_BRACE or at + each + end - q > out.shape[0]:
                    return -1
                at = _open_question(buf, heading, heading_end, passage, passage_end, context, title, out, at)
                k = skip_space(buf, q + 1, n, NO)
                if buf[k] != CLOSE_BRACE:
                    out[at] = COMMA
                    at += 1
                at = _copy_line(buf, k, end, out, at)
                out[at] = NEWLINE
                at += 1
                q = skip_space(buf, end, n, NO)
            p = skip_space(buf, _skip_value(buf, p, n), n, NO)
        i = skip_space(buf, _skip_value(buf, i, n), n, NO)
    return at


@njit(nogil=True, cache=True)
def _open_question(
    buf: Any,
    heading: int,
    heading_end: int,
    passage: int,
    passage_end: int,
    context: Any,
    title: Any,
    out: Any,
    at: int,
) -> Any:
    """Write the beginning of a question's object: `{"title":...,"context":...`."""
    out[at] = OPEN_BRACE
    at += 1
    if heading >= 0:
        at = _write_name(title, out, at)
        at = _copy_line(buf, heading, heading_end, out, at)
        out[at] = COMMA
        at += 1
    at = _write_name(context, out, at)
    return _copy_line(buf, passage, passage_end, out, at)


@njit(nogil=True, cache=True)
def _write_name(name: Any, out: Any, at: int) -> Any:
    out[at] = QUOTE
    at += 1
    for k in range(name.shape[0]):
        out[at] = name[k]
        at += 1
    out[at], out[at + 1] = QUOTE, COLON
    return at + 2
