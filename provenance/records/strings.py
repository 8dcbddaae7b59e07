"""Kernels that all text formats share: find the end of a string, check its UTF-8, take its escapes out, hash a name.

Offsets are bytes into one buffer. Everything here is total: no input raises.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714 - a kernel is one automaton in one piece

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

OK, INCOMPLETE, SYNTAX, ENCODING, NUL, DEPTH, LARGE, RAGGED, LOST, QUOTING = range(10)
REASONS = (
    None,
    "truncated record",
    "not valid JSON",
    "invalid UTF-8",
    "NUL byte",
    "nested too deeply",
    "larger than the record limit",
    "number of fields differs from the header",
    "array structure lost",
    "text after a closing quote",
)
"""What each error code says in RECORDS.error."""

ESCAPED = 1
"""Flag of a string that holds escapes."""
SURROGATE = 2
"""Flag of a string that holds a lone surrogate."""

_PLAIN, _QUOTE, _BACKSLASH, _CONTROL, _WIDE = range(5)
CLASS = np.zeros(256, np.uint8)
CLASS[:32] = _CONTROL
CLASS[34] = _QUOTE
CLASS[92] = _BACKSLASH
CLASS[128:] = _WIDE


@njit(nogil=True, cache=True, inline="never")
def character(buf: Any, i: int, n: int) -> int:
    """Measure the UTF-8 character at `i`.

    Args:
        buf: bytes.
        i: where a byte >= 80 stands.
        n: where the bytes end.

    Returns:
        Its length in bytes (RFC 3629 section 4); 0 where there is none; -1 where the bytes end too early to say.
    """
    c = buf[i]
    low, high = 0x80, 0xBF
    if 0xC2 <= c <= 0xDF:
        length = 2
    elif 0xE0 <= c <= 0xEF:
        length = 3
        if c == 0xE0:
            low = 0xA0
        elif c == 0xED:
            high = 0x9F
    elif 0xF0 <= c <= 0xF4:
        length = 4
        if c == 0xF0:
            low = 0x90
        elif c == 0xF4:
            high = 0x8F
    else:
        return 0
    for k in range(1, length):
        if i + k >= n:
            return -1
        c = buf[i + k]
        if c < low or c > high:
            return 0
        low, high = 0x80, 0xBF
    return length


@njit(nogil=True, cache=True)
def hexadecimal(buf: Any, i: int) -> int:
    """Return the number that four hexadecimal digits at `i` write, or -1."""
    number = 0
    for k in range(i, i + 4):
        c = int(buf[k])
        if 48 <= c <= 57:
            digit = c - 48
        elif 65 <= c <= 70:
            digit = c - 55
        elif 97 <= c <= 102:
            digit = c - 87
        else:
            return -1
        number = number * 16 + digit
    return number


_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_SPACES, _QUOTES, _BACKSLASHES = (_ONES * np.uint64(code) for code in (0x20, 0x22, 0x5C))


@njit(nogil=True, cache=True)
def words(buf: Any) -> Any:
    """View bytes eight at a time; what is left over at the end is left out."""
    return buf[: buf.shape[0] // 8 * 8].view(np.uint64)


@njit(nogil=True, cache=True)
def _is_plain(word: np.uint64) -> bool:
    """Say whether eight bytes are ASCII without controls, quotes and backslashes (Mycroft's test for a zero byte)."""
    quote, backslash = word ^ _QUOTES, word ^ _BACKSLASHES
    odd = (word - _SPACES) & ~word | (quote - _ONES) & ~quote | (backslash - _ONES) & ~backslash | word
    return bool(odd & _HIGHS == 0)


@njit(nogil=True, cache=True)
def string(buf: Any, eights: Any, i: int, n: int) -> Any:
    """Find the end of a JSON string (RFC 8259 section 7) and check it.

    Args:
        buf: bytes.
        eights: the same as `words`.
        i: just after the opening quote.
        n: where the bytes end.

    Returns:
        Position of the closing quote or of the fault; error code; flags.
    """
    flags = 0
    while i < n:
        if i & 7 == 0:
            k, last = i >> 3, n >> 3
            while k < last and _is_plain(eights[k]):
                k += 1
            i = k << 3
            if i >= n:
                break
        kind = CLASS[buf[i]]
        if kind == _PLAIN:
            i += 1
        elif kind == _QUOTE:
            return i, OK, flags
        elif kind == _WIDE:
            length = character(buf, i, n)
            if length <= 0:
                return i, (INCOMPLETE if length < 0 else ENCODING), flags
            i += length
        elif kind == _BACKSLASH:
            flags |= ESCAPED
            if i + 1 >= n:
                return i, INCOMPLETE, flags
            c = buf[i + 1]
            if c == 117:  # \u
                for k in range(i + 2, min(i + 6, n)):
                    if not (48 <= buf[k] <= 57 or 97 <= (buf[k] | 32) <= 102):
                        return i, SYNTAX, flags
                if i + 6 > n:
                    return i, INCOMPLETE, flags
                i += 6
            elif c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:
                i += 2
            else:
                return i, SYNTAX, flags
        else:
            return i, (NUL if buf[i] == 0 else SYNTAX), flags
    return n, INCOMPLETE, flags


@njit(nogil=True, cache=True)
def encode(out: Any, at: int, code: int) -> int:
    """Write a code point as UTF-8 (a surrogate as three bytes) and return where it ends."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | code >> 6
        out[at + 1] = 0x80 | code & 63
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | code >> 12
        out[at + 1] = 0x80 | code >> 6 & 63
        out[at + 2] = 0x80 | code & 63
        return at + 3
    out[at] = 0xF0 | code >> 18
    out[at + 1] = 0x80 | code >> 12 & 63
    out[at + 2] = 0x80 | code >> 6 & 63
    out[at + 3] = 0x80 | code & 63
    return at + 4


@njit(nogil=True, cache=True)
def unescape(buf: Any, i: int, end: int, out: Any, at: int, exact: bool) -> Any:
    """Take the escapes out of a checked JSON string.

    Args:
        buf: bytes.
        i: where the string begins, after its quote.
        end: where its closing quote stands.
        out: where to write; `end - i` bytes are always enough.
        at: first byte to write.
        exact: keep a lone surrogate as its three bytes (to tell keys apart) instead of as U+FFFD.

    Returns:
        Where the written bytes end; flags.
    """
    flags = 0
    while i < end:
        if buf[i] != 92:
            size = 1
            while i + size < end and buf[i + size] != 92:
                size += 1
            out[at : at + size] = buf[i : i + size]
            i += size
            at += size
            continue
        c = buf[i + 1]
        if c != 117:
            i += 2
            code = int(c)
            if c == 98:
                code = 8
            elif c == 102:
                code = 12
            elif c == 110:
                code = 10
            elif c == 114:
                code = 13
            elif c == 116:
                code = 9
            out[at] = code
            at += 1
            continue
        code = hexadecimal(buf, i + 2)
        i += 6
        if 0xD800 <= code < 0xDC00 and i + 6 <= end and buf[i] == 92 and buf[i + 1] == 117:
            low = hexadecimal(buf, i + 2)
            if 0xDC00 <= low < 0xE000:
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                i += 6
        if 0xD800 <= code < 0xE000:
            flags = SURROGATE
            if not exact:
                code = 0xFFFD
        at = encode(out, at, code)
    return at, flags


@njit(nogil=True, cache=True)
def number(buf: Any, i: int, n: int) -> Any:
    """Find the end of a JSON number (RFC 8259 section 6).

    Args:
        buf: bytes.
        i: where it begins.
        n: where the bytes end.

    Returns:
        Where it ends or breaks; error code, INCOMPLETE where more bytes could mend it.
    """
    if i < n and buf[i] == 45:
        i += 1
    if i >= n:
        return i, INCOMPLETE
    if buf[i] == 48:
        i += 1
    elif 49 <= buf[i] <= 57:
        while i < n and 48 <= buf[i] <= 57:
            i += 1
    else:
        return i, SYNTAX
    if i < n and buf[i] == 46:
        i += 1
        first = i
        while i < n and 48 <= buf[i] <= 57:
            i += 1
        if i == first:
            return i, (INCOMPLETE if i >= n else SYNTAX)
    if i < n and (buf[i] == 101 or buf[i] == 69):
        i += 1
        if i < n and (buf[i] == 43 or buf[i] == 45):
            i += 1
        first = i
        while i < n and 48 <= buf[i] <= 57:
            i += 1
        if i == first:
            return i, (INCOMPLETE if i >= n else SYNTAX)
    return i, OK


@njit(nogil=True, cache=True)
def valid(buf: Any, i: int, n: int) -> int:
    """Return the error code of a run of text: OK, NUL or ENCODING."""
    while i < n:
        c = buf[i]
        if c == 0:
            return NUL
        if c < 128:
            i += 1
            continue
        length = character(buf, i, n)
        if length <= 0:
            return ENCODING
        i += length
    return OK


_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


@njit(nogil=True, cache=True)
def folded(buf: Any, i: int, end: int) -> np.uint64:
    """Hash a name as column-roles.yaml compares it: FNV-1a, 64 bits, of what follows the last '/', folded."""
    h = _OFFSET
    for k in range(i, end):
        c = np.uint64(buf[k])
        if c == 47:
            h = _OFFSET
            continue
        if 65 <= c <= 90:
            c += np.uint64(32)
        elif c == 45 or c == 32:
            c = np.uint64(95)
        h = (h ^ c) * _PRIME
    return h


@njit(nogil=True, cache=True)
def hashed(buf: Any, i: int, end: int, seed: np.uint64) -> np.uint64:
    """Hash bytes exactly (FNV-1a from a seed, then a finaliser, so that nobody can choose keys that collide)."""
    h = _OFFSET ^ seed
    for k in range(i, end):
        h = (h ^ np.uint64(buf[k])) * _PRIME
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    return h
