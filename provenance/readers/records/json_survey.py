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
