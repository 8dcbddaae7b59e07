"""Kernels that all text formats share: find the end of a string, check its UTF-8, take its escapes out, hash a name.

Offsets are bytes into one buffer. Everything here is total: no input raises.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from provenance.readers.records.characters import (
    BACKSLASH,
    BACKSPACE,
    CARRIAGE_RETURN,
    DOT,
    FORM_FEED,
    LOWER_B,
    LOWER_E,
    LOWER_F,
    LOWER_N,
    LOWER_R,
    LOWER_T,
    LOWER_U,
    MINUS,
    NEWLINE,
    NINE,
    ONE,
    PLUS,
    QUOTE,
    SLASH,
    SPACE,
    TAB,
    UNDERSCORE,
    UPPER_A,
    UPPER_E,
    UPPER_Z,
    ZERO,
)

OK, INCOMPLETE, SYNTAX, ENCODING, NUL, DEPTH, LARGE, RAGGED, LOST, QUOTING, MANY = range(11)
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
    "too many values",
)
"""What each error code says in RECORDS.error."""

ESCAPED = 1
"""Flag of a string that holds escapes."""
SURROGATE = 2
"""Flag of a string that holds a lone surrogate."""

# Typed, as all that a kernel gives a kernel: numba compiles one anew for each constant that it is called with.
YES: Any = np.bool_(True)
NO: Any = np.bool_(False)
FIRST: Any = np.int64(0)
"""What a kernel gives a kernel for a truth value, and for a beginning."""

_NO_DIGIT = 255
_HEX = np.full(256, _NO_DIGIT, np.uint8)
for _digit, _byte in enumerate(b"0123456789abcdef"):
    _HEX[_byte] = _HEX[ord(chr(_byte).upper())] = _digit


@njit(nogil=True, cache=True)
def measure_character(buf: Any, i: int, n: int) -> int:
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
def skip_byte_order_mark(buf: Any, i: int, n: int) -> int:
    """Return where a text begins, behind the byte order mark of UTF-8 if there is one at `i`."""
    return i + 3 if n - i >= 3 and buf[i] == 0xEF and buf[i + 1] == 0xBB and buf[i + 2] == 0xBF else i


@njit(nogil=True, cache=True)
def read_hexadecimal(buf: Any, i: int) -> Any:
    """Return the number that four hexadecimal digits at `i` write, or -1."""
    a, b, c, d = _HEX[buf[i]], _HEX[buf[i + 1]], _HEX[buf[i + 2]], _HEX[buf[i + 3]]
    if a | b | c | d == _NO_DIGIT:
        return -1
    return np.int64(a) << 12 | np.int64(b) << 8 | np.int64(c) << 4 | np.int64(d)


_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_SPACES, _QUOTES, _BACKSLASHES = (_ONES * np.uint64(code) for code in (0x20, 0x22, 0x5C))
_PAIR, _IS_PAIR = np.uint64(0xC0C0F0C0C0F0), np.uint64(0x8080E08080E0)  # two characters of three bytes
_LEADS = np.uint64(0xDFFE)  # of such a lead's low bits: all but E0 and ED, whose second bytes are limited


@njit(nogil=True, cache=True)
def read_eight_bytes(buf: Any, i: int) -> np.uint64:
    """Read eight bytes at `i`, the first one lowest: an index without sign is what lets LLVM make one load of it."""
    j = np.uint64(i)
    low = np.uint64(buf[j]) | np.uint64(buf[j + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(buf[j + np.uint64(2)]) << np.uint64(16) | np.uint64(buf[j + np.uint64(3)]) << np.uint64(24)
    high = np.uint64(buf[j + np.uint64(4)]) | np.uint64(buf[j + np.uint64(5)]) << np.uint64(8)
    high |= np.uint64(buf[j + np.uint64(6)]) << np.uint64(16) | np.uint64(buf[j + np.uint64(7)]) << np.uint64(24)
    return low | high << np.uint64(32)


@njit(nogil=True, cache=True)
def copy_bytes(buf: Any, i: int, end: int, out: Any, at: int) -> int:
    """Copy `buf[i:end]` to `out` from `at` on and return where it ends (a slice would be counted and checked)."""
    for k in range(end - i):
        out[np.uint64(at + k)] = buf[np.uint64(i + k)]
    return at + end - i


@njit(nogil=True, cache=True)
def _mark_zero_byte(word: np.uint64) -> np.uint64:
    """Mark the lowest zero byte of eight by its highest bit (Mycroft); bits above it mean nothing."""
    return (word - _ONES) & ~word & _HIGHS


@njit(nogil=True, cache=True)
def _find_marked_byte(marks: np.uint64) -> Any:
    """Return which byte holds the lowest mark."""
    low = marks >> np.uint64(7)
    return np.int64(((low - np.uint64(1)) & ~low & _ONES) * _ONES >> np.uint64(56))


@njit(nogil=True, cache=True)
def skip_ascii(buf: Any, i: int, n: int) -> Any:
    """Return where the first byte from `i` on stands that is no ASCII text of a JSON string, or `n`."""
    while i + 8 <= n:
        word = read_eight_bytes(buf, i)
        odd = (word - _SPACES) & ~word | _mark_zero_byte(word ^ _QUOTES) | _mark_zero_byte(word ^ _BACKSLASHES) | word
        if odd & _HIGHS:
            return i + _find_marked_byte(odd & _HIGHS)
        i += 8
    while i < n and SPACE <= buf[i] < 128 and buf[i] != QUOTE and buf[i] != BACKSLASH:
        i += 1
    return i


@njit(nogil=True, cache=True)
def _skip_wide(buf: Any, i: int, n: int) -> int:
    """Skip characters of three bytes, which nearly all of Chinese, Japanese and Korean are, two at a time."""
    while i + 8 <= n:
        word = read_eight_bytes(buf, i)
        leads = _LEADS >> (word & np.uint64(15)) & _LEADS >> (word >> np.uint64(24) & np.uint64(15))
        if word & _PAIR != _IS_PAIR or leads & np.uint64(1) == 0:
            break
        i += 6
    return i


@njit(nogil=True, cache=True)
def find_string_end(buf: Any, i: int, n: int) -> Any:
    """Find the end of a JSON string (RFC 8259 section 7) and check it.

    Args:
        buf: bytes.
        i: just after the opening quote.
        n: where the bytes end.

    Returns:
        Position of the closing quote or of the fault; error code; flags.
    """
    flags = 0
    while True:
        i = skip_ascii(buf, i, n)
        if i >= n:
            return n, INCOMPLETE, flags
        c = buf[i]
        if c == QUOTE:
            return i, OK, flags
        if c >= 128:
            while i < n and buf[i] >= 128:
                i = _skip_wide(buf, i, n)
                if i < n and buf[i] >= 128:
                    length = measure_character(buf, i, n)
                    if length <= 0:
                        return i, (INCOMPLETE if length < 0 else ENCODING), flags
                    i += length
        elif c == BACKSLASH:
            flags |= ESCAPED
            if i + 1 >= n:
                return i, INCOMPLETE, flags
            c = buf[i + 1]
            if c == LOWER_U:
                for k in range(i + 2, min(i + 6, n)):
                    if _HEX[buf[k]] == _NO_DIGIT:
                        return i, SYNTAX, flags
                if i + 6 > n:
                    return i, INCOMPLETE, flags
                i += 6
            elif (
                c == QUOTE
                or c == BACKSLASH
                or c == SLASH
                or c == LOWER_B
                or c == LOWER_F
                or c == LOWER_N
                or c == LOWER_R
                or c == LOWER_T
            ):
                i += 2
            else:
                return i, SYNTAX, flags
        else:
            return i, (NUL if c == 0 else SYNTAX), flags


@njit(nogil=True, cache=True)
def write_code_point(out: Any, at: int, code: int) -> int:
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
def _find_backslash(buf: Any, i: int, end: int) -> Any:
    """Return where the first backslash from `i` on stands, or `end`."""
    while i + 8 <= end:
        marks = _mark_zero_byte(read_eight_bytes(buf, i) ^ _BACKSLASHES)
        if marks:
            return i + _find_marked_byte(marks)
        i += 8
    while i < end and buf[i] != BACKSLASH:
        i += 1
    return i


_HIGH_SURROGATE, _LOW_SURROGATE, _AFTER_SURROGATES = 0xD800, 0xDC00, 0xE000
"""Where the first and the second halves of UTF-16 pairs begin, and what follows them (RFC 3629 section 3)."""
_REPLACEMENT = 0xFFFD
"""The replacement character, which stands for a lone surrogate."""


@njit(nogil=True, cache=True)
def unescape_string(buf: Any, i: int, end: int, out: Any, at: int, exact: bool) -> Any:
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
        if buf[i] != BACKSLASH:
            first = i
            i = _find_backslash(buf, i, end)
            at = copy_bytes(buf, first, i, out, at)
            continue
        c = buf[i + 1]
        if c != LOWER_U:
            i += 2
            code = int(c)
            if c == LOWER_B:
                code = BACKSPACE
            elif c == LOWER_F:
                code = FORM_FEED
            elif c == LOWER_N:
                code = NEWLINE
            elif c == LOWER_R:
                code = CARRIAGE_RETURN
            elif c == LOWER_T:
                code = TAB
            out[at] = code
            at += 1
            continue
        code = read_hexadecimal(buf, i + 2)
        i += 6
        if _HIGH_SURROGATE <= code < _LOW_SURROGATE and i + 6 <= end and buf[i] == BACKSLASH and buf[i + 1] == LOWER_U:
            low = read_hexadecimal(buf, i + 2)
            if _LOW_SURROGATE <= low < _AFTER_SURROGATES:
                code = 0x10000 + ((code - _HIGH_SURROGATE) << 10) + (low - _LOW_SURROGATE)
                i += 6
        if _HIGH_SURROGATE <= code < _AFTER_SURROGATES:
            flags = SURROGATE
            if not exact:
                code = _REPLACEMENT
        at = write_code_point(out, at, code)
    return at, flags


@njit(nogil=True, cache=True)
def find_number_end(buf: Any, i: int, n: int) -> Any:
    """Find the end of a JSON number (RFC 8259 section 6).

    Args:
        buf: bytes.
        i: where it begins.
        n: where the bytes end.

    Returns:
        Where it ends or breaks; error code, INCOMPLETE where more bytes could mend it.
    """
    if i < n and buf[i] == MINUS:
        i += 1
    if i >= n:
        return i, INCOMPLETE
    if buf[i] == ZERO:
        i += 1
    elif ONE <= buf[i] <= NINE:
        while i < n and ZERO <= buf[i] <= NINE:
            i += 1
    else:
        return i, SYNTAX
    if i < n and buf[i] == DOT:
        i += 1
        first = i
        while i < n and ZERO <= buf[i] <= NINE:
            i += 1
        if i == first:
            return i, (INCOMPLETE if i >= n else SYNTAX)
    if i < n and (buf[i] == LOWER_E or buf[i] == UPPER_E):
        i += 1
        if i < n and (buf[i] == PLUS or buf[i] == MINUS):
            i += 1
        first = i
        while i < n and ZERO <= buf[i] <= NINE:
            i += 1
        if i == first:
            return i, (INCOMPLETE if i >= n else SYNTAX)
    return i, OK


@njit(nogil=True, cache=True)
def check_text(buf: Any, i: int, n: int) -> int:
    """Return the error code of a run of text: OK, NUL or ENCODING."""
    while i < n:
        while i + 8 <= n:
            word = read_eight_bytes(buf, i)
            if (_mark_zero_byte(word) | word & _HIGHS) != 0:
                break
            i += 8
        if i >= n:
            break
        c = buf[i]
        if c == 0:
            return NUL
        if c < 128:
            i += 1
            continue
        i = _skip_wide(buf, i, n)
        if i >= n or buf[i] < 128:
            continue
        length = measure_character(buf, i, n)
        if length <= 0:
            return ENCODING
        i += length
    return OK


_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)


@njit(nogil=True, cache=True)
def hash_folded_name(buf: Any, i: int, end: int) -> np.uint64:
    """Hash a name as column-roles.yaml compares it: FNV-1a, 64 bits, of what follows the last '/', folded."""
    h = _OFFSET
    for k in range(i, end):
        c = np.uint64(buf[k])
        if c == SLASH:
            h = _OFFSET
            continue
        if UPPER_A <= c <= UPPER_Z:
            c += np.uint64(32)
        elif c == MINUS or c == SPACE:
            c = np.uint64(UNDERSCORE)
        h = (h ^ c) * _PRIME
    return h


@njit(nogil=True, cache=True)
def _mix_words(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64) -> Any:
    """Mix the four words of SipHash once."""
    a += b
    b = (b << np.uint64(13) | b >> np.uint64(51)) ^ a
    a = a << np.uint64(32) | a >> np.uint64(32)
    c += d
    d = (d << np.uint64(16) | d >> np.uint64(48)) ^ c
    a += d
    d = (d << np.uint64(21) | d >> np.uint64(43)) ^ a
    c += b
    b = (b << np.uint64(17) | b >> np.uint64(47)) ^ c
    return a, b, c << np.uint64(32) | c >> np.uint64(32), d


_SIPHASH = tuple(
    np.uint64(word) for word in (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
)
"""What the four words of SipHash begin with: "somepseudorandomlygeneratedbytes"."""


@njit(nogil=True, cache=True)
def hash_bytes(buf: Any, i: int, end: int, key: np.uint64, other: np.uint64) -> Any:
    """Hash bytes under a secret key, so that nobody can choose names that collide.

    SipHash-1-3 (Aumasson, Bernstein 2012), which Python hashes its own strings with.

    Args:
        buf: bytes.
        i: the first.
        end: after the last.
        key: first half of the key.
        other: second half.

    Returns:
        64 bits; two names of one process are taken for the same if these are.
    """
    a, b = key ^ _SIPHASH[0], other ^ _SIPHASH[1]
    c, d = key ^ _SIPHASH[2], other ^ _SIPHASH[3]
    last = np.uint64(end - i) << np.uint64(56)
    while i + 8 <= end:
        word = read_eight_bytes(buf, i)
        a, b, c, d = _mix_words(a, b, c, d ^ word)
        a ^= word
        i += 8
    for k in range(end - i):
        last |= np.uint64(buf[i + k]) << np.uint64(8 * k)
    a, b, c, d = _mix_words(a, b, c, d ^ last)
    a, c = a ^ last, c ^ np.uint64(255)
    for _ in range(3):
        a, b, c, d = _mix_words(a, b, c, d)
    return a ^ b ^ c ^ d
