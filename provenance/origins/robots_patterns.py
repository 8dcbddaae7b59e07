"""Path patterns of robots.txt, compared in bounded time: `*` is any run of bytes, a closing `$` is the end.

Source: RFC 9309, sections 2.2.2 and 2.2.3. Both sides are brought to one form first: percent-encoded unreserved
characters are decoded, all that is not printable ASCII is encoded. The longest pattern decides.
"""

# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().
# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

NOTHING, ALLOWED, DISALLOWED, UNDECIDED = range(4)
"""What patterns say of a path: none matches, the longest allows, it disallows, or the COMPARISON_BUDGET ran out."""

COMPARISON_BUDGET = 1 << 24
"""Bytes compared in one call, beside BUDGET_PER_PATH: what is hostile costs seconds, and is then not decided."""
BUDGET_PER_PATH = 1 << 16
"""Bytes compared for each path of a call."""

_UNRESERVED = np.zeros(256, np.bool_)
_UNRESERVED[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")] = True
_SPACE, _DOLLAR, _PERCENT, _STAR, _DELETE = b" $%*\x7f"
_NO_DIGIT = 255
_HEX = np.full(256, _NO_DIGIT, np.uint8)
for _digit, _byte in enumerate(b"0123456789abcdef"):
    _HEX[_byte] = _HEX[ord(chr(_byte).upper())] = _digit
_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Patterns made ready for `decide_paths`, the one that counts most first.

    Args:
        data: their literal parts, one after the other.
        fallback: for each byte of `data`, where a search goes on after a mismatch (Knuth, Morris, Pratt).
        parts: int32[:, 2]: begin and end of each literal part.
        first: of each pattern its first part, and a last number.
        anchored: whether a pattern closes with `$`.
        allows: whether it allows.
    """

    data: np.ndarray[Any, Any]
    fallback: np.ndarray[Any, Any]
    parts: np.ndarray[Any, Any]
    first: np.ndarray[Any, Any]
    anchored: np.ndarray[Any, Any]
    allows: np.ndarray[Any, Any]


def prepare_patterns(
    rules: Iterable[tuple[bytes, bool]], *, allows_ties: bool = True, in_order: bool = False
) -> Patterns:
    """Make patterns ready.

    Args:
        rules: (pattern as written, whether it allows).
        allows_ties: of equally long ones, whether the one that allows counts (RFC 9309) or the one that does not.
        in_order: the first that matches counts, not the longest.

    Returns:
        The patterns.
    """
    ranked = [
        (normalise_path(pattern.removesuffix(b"$"), is_pattern=True), pattern.endswith(b"$"), allows)
        for pattern, allows in rules
    ]
    if not in_order:
        ranked = sorted(set(ranked), key=lambda rule: (-len(rule[0]) - rule[1], rule[2] != allows_ties, rule))
    literal: list[bytes] = []
    first = [0]
    for pattern, _, _ in ranked:
        parts = pattern.split(b"*")
        # of several stars one is enough: only the first and the last part may be empty
        literal += [parts[0], *(part for part in parts[1:-1] if part), *parts[1:][-1:]]
        first.append(len(literal))
    ends = np.cumsum([len(part) for part in literal], dtype=np.int64).astype(np.int32)
    begins = ends - np.array([len(part) for part in literal], np.int32)
    data = np.frombuffer(b"".join(literal), np.uint8)
    parts_ = np.stack([begins, ends], axis=1) if literal else np.zeros((0, 2), np.int32)
    anchored, allowing = (np.array([rule[k] for rule in ranked], np.bool_) for k in (1, 2))
    return Patterns(data, _fall_back(data, parts_), parts_, np.array(first, np.int32), anchored, allowing)


def normalise_path(path: bytes, *, is_pattern: bool) -> bytes:
    """Bring a path or pattern to the form in which they are compared.

    Args:
        path: as written.
        is_pattern: whether `*` is a sign, which a pattern that means the character writes %2A.

    Returns:
        ASCII.
    """
    out, ends = _normalise(np.frombuffer(path, np.uint8), np.array([0, len(path)], np.int64), is_pattern)
    return bytes(out[: ends[-1]])


def decide_paths(patterns: Patterns, paths: pa.Array, budget: int | None = None) -> np.ndarray[Any, Any]:
    """Say of every path what the patterns say.

    Args:
        patterns: from `prepare_patterns`.
        paths: large_string without nulls: path and query as written, each beginning with '/'.
        budget: bytes to compare at most; by default as COMPARISON_BUDGET says.

    Returns:
        uint8, one of NOTHING, ALLOWED, DISALLOWED, UNDECIDED for each path.
    """
    _, offsets, data_buffer = paths.buffers()
    at = np.frombuffer(offsets, np.int64)[paths.offset : paths.offset + len(paths) + 1]
    data, ends = _normalise(np.frombuffer(data_buffer or b"", np.uint8), at, False)
    of = patterns
    most = COMPARISON_BUDGET + BUDGET_PER_PATH * len(paths) if budget is None else budget
    return _decide(of.data, of.fallback, of.parts, of.first, of.anchored, of.allows, data, ends, most)  # type: ignore[no-any-return]


@njit(nogil=True, cache=True)
def _fall_back(data: Any, parts: Any) -> Any:
    out = np.zeros(len(data), np.int32)
    for part in range(len(parts)):
        begin, end = parts[part, 0], parts[part, 1]
        k = 0
        for i in range(begin + 1, end):
            while k and data[i] != data[begin + k]:
                k = out[begin + k - 1]
            if data[i] == data[begin + k]:
                k += 1
            out[i] = k
    return out


@njit(nogil=True, cache=True)
def _normalise(data: Any, offsets: Any, is_pattern: bool) -> Any:
    out = np.empty(3 * (offsets[-1] - offsets[0]), np.uint8)
    ends = np.zeros(len(offsets), np.int64)
    at = 0
    for path in range(len(offsets) - 1):
        i, end = offsets[path], offsets[path + 1]
        while i < end:
            c = data[i]
            if c == _PERCENT and i + 2 < end and _HEX[data[i + 1]] != _NO_DIGIT and _HEX[data[i + 2]] != _NO_DIGIT:
                c = np.uint8(_HEX[data[i + 1]] * 16 + _HEX[data[i + 2]])
                encoded = not _UNRESERVED[c]
                i += 3
            else:
                is_reserved = c == _DOLLAR or c == _PERCENT or (c == _STAR and not is_pattern)
                encoded = is_reserved or c <= _SPACE or c >= _DELETE
                i += 1
            if encoded:
                out[at], out[at + 1], out[at + 2] = _PERCENT, _DIGITS[c >> 4], _DIGITS[c & 15]
                at += 3
            else:
                out[at] = c
                at += 1
        ends[path + 1] = at
    return out, ends


@njit(nogil=True, cache=True)
def _decide(
    data: Any,
    fallback: Any,
    parts: Any,
    first: Any,
    anchored: Any,
    allows: Any,
    paths: Any,
    ends: Any,
    budget: int,
) -> Any:
    out = np.zeros(len(ends) - 1, np.uint8)
    spent = 0
    for path in range(len(ends) - 1):
        begin, end = ends[path], ends[path + 1]
        for rule in range(len(first) - 1):
            if spent > budget:
                out[path] = UNDECIDED
                break
            last = first[rule + 1] - 1
            at, holds = begin, True
            for part in range(first[rule], last + 1):
                low, high = parts[part, 0], parts[part, 1]
                size = high - low
                if part == first[rule] or (part == last and anchored[rule]):
                    # what stands first begins the path; what stands last before `$` ends it
                    where = at if part == first[rule] else end - size
                    holds = where >= at and where + size <= end
                    k = 0
                    while holds and k < size:
                        holds = data[low + k] == paths[where + k]
                        k += 1
                    spent += k + 1
                    at = where + size
                    if part == last and anchored[rule] and at != end:
                        holds = False
                else:
                    k, i = 0, at
                    while i < end and k < size:
                        while k and data[low + k] != paths[i]:
                            k = fallback[low + k - 1]
                        if data[low + k] == paths[i]:
                            k += 1
                        i += 1
                    spent += i - at + 1
                    holds = k == size
                    at = i
                if not holds:
                    break
            if holds:
                out[path] = ALLOWED if allows[rule] else DISALLOWED
                break
    return out
