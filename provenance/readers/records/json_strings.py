"""Columns whose strings hold JSON: where a whole column parses, its values are read as what they write.

Which columns those are is decided on a sample of the records. A string is written anew in its own place, padded with
spaces: what it writes is never longer than the string, so that no offset changes. Columns of a text role are left as
they are, for they are text whatever they write.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109, SIM110 - a kernel is one automaton in one piece

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.readers.records import column_roles, string_kernels
from provenance.readers.records.characters import (
    CLOSE_BRACE,
    CLOSE_BRACKET,
    COLON,
    OPEN_BRACE,
    OPEN_BRACKET,
    QUOTE,
    SPACE,
)
from provenance.readers.records.json_kernel import CHECKED, ERROR, ONE, prepare_work, scan_records, skip_space
from provenance.readers.records.string_kernels import NO, OK, YES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.column_roles import Roles

_SAMPLE_RECORDS = 64
_SAMPLE_BYTES = 1 << 20
_LIKELY = re.compile(rb':\s*"(?:\s|\\[nrt])*[\[{]')
_KEY: Any = np.uint64(0)


def may_hold_json(head: bytes) -> bool:
    """Tell whether some string may hold JSON.

    Args:
        head: first bytes of JSON.
    """
    return _LIKELY.search(head) is not None


def find_wrapped(head: bytes, roles: Roles, *, by_lines: bool) -> Any:
    """Find the columns whose strings hold JSON.

    Args:
        head: first bytes of JSON Lines, or of an array behind its bracket.
        roles: which key means what.
        by_lines: it is JSON Lines.

    Returns:
        uint64: hashes of their names; None where there are none.
    """
    head = head[:_SAMPLE_BYTES]
    if not may_hold_json(head):
        return None
    fits: dict[str, bool] = {}
    for record in _sample_lines(head) if by_lines else _sample_elements(head):
        for name, value in record.items() if isinstance(record, dict) else ():
            if value is not None and value != "":
                fits[name] = fits.get(name, True) and isinstance(value, str) and _holds_container(value)
    names = [name for name, fit in fits.items() if fit and not _is_text(name, roles)]
    return np.array([_hash(name) for name in names], np.uint64) if names else None


def find_wrapped_array(values: list[str]) -> bool:
    """Tell whether every one of some strings writes an object or array of JSON.

    Args:
        values: a sample of a column, without blank ones.
    """
    return bool(values) and all(map(_holds_container, values))


def _is_text(name: str, roles: Roles) -> bool:
    kind, _ = column_roles.decide_role(column_roles.RECORD, 0, *roles.find_role(name))
    return kind != column_roles.CHAT and kind != column_roles.HISTORY and bool(column_roles.is_text_role(int(kind)))


def _holds_container(value: str) -> bool:
    if value.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        return isinstance(json.loads(value), dict | list)
    except (ValueError, RecursionError):
        return False


def _sample_lines(head: bytes) -> Iterator[Any]:
    lines = head.split(b"\n", _SAMPLE_RECORDS)
    for line in lines[:_SAMPLE_RECORDS]:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            continue


def _sample_elements(head: bytes) -> Iterator[Any]:
    text, decoder = head.decode("utf-8", "replace"), json.JSONDecoder()
    at = 0
    for _ in range(_SAMPLE_RECORDS):
        at += len(text[at : at + 4096]) - len(text[at : at + 4096].lstrip(" \t\r\n,"))
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value


def _hash(name: str) -> int:
    raw = np.frombuffer(json.dumps(name, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"), np.uint8)
    return int(string_kernels.hash_bytes(raw, 0, len(raw), _KEY, _KEY))


def unwrap(store: Any, end: int, *, wrapped: Any, depth: int, roles: Roles) -> None:
    """Write the strings of some columns as the JSON that they hold.

    Args:
        store: bytes from the beginning of a record, changed in place.
        end: where they end.
        wrapped: hashes of the columns' names.
        depth: levels of nesting that a value may have.
        roles: which key means what.
    """
    view = store[:end].view()
    view.flags.writeable = False
    _unwrap(view, store, wrapped, prepare_work(end, depth, roles))


@njit(nogil=True, cache=True)
def _unwrap(buf: Any, out: Any, wrapped: Any, work: Any) -> None:
    i, n, depth = skip_space(buf, string_kernels.FIRST, buf.shape[0], NO), buf.shape[0], 0
    if i < n and buf[i] == OPEN_BRACKET:  # of the array whose elements are the records
        i += 1
    while i < n:
        c = buf[i]
        if c == QUOTE:
            end, error, _ = string_kernels.find_string_end(buf, i + 1, n)
            if end >= n:
                return
            colon = skip_space(buf, end + 1, n, NO)
            if error != OK or depth != 1 or colon >= n or buf[colon] != COLON:
                i = end + 1
                continue
            value = skip_space(buf, colon + 1, n, NO)
            if value < n and buf[value] == QUOTE and _is_wrapped(buf, i + 1, end, wrapped):
                last, error, _ = string_kernels.find_string_end(buf, value + 1, n)
                if last >= n:
                    return
                if error == OK:
                    _write_value(buf, value, last, out, work)
                value = last + 1
            i = value
            continue
        if c == OPEN_BRACE or c == OPEN_BRACKET:
            depth += 1
        elif c == CLOSE_BRACE or c == CLOSE_BRACKET:
            depth = max(0, depth - 1)
        i += 1


@njit(nogil=True, cache=True)
def _is_wrapped(buf: Any, start: int, end: int, wrapped: Any) -> bool:
    value = string_kernels.hash_bytes(buf, start, end, np.uint64(0), np.uint64(0))
    for k in range(wrapped.shape[0]):
        if wrapped[k] == value:
            return True
    return False


@njit(nogil=True, cache=True)
def _write_value(buf: Any, start: int, last: int, out: Any, work: Any) -> None:
    """Write a string, whose quotes stand at `start` and `last`, as the JSON that it holds, if it holds any."""
    none: Any = np.int64(0)
    checked: Any = np.int64(CHECKED)
    size, _ = string_kernels.unescape_string(buf, start + 1, last, work.key, none, YES)
    first = skip_space(work.name, 0, size, NO)
    if first >= size or (work.name[first] != OPEN_BRACE and work.name[first] != OPEN_BRACKET):
        return
    end = scan_records(work.name, none, size, True, ONE, size, 1, 1, checked, none, none, work)
    if work.counts[ERROR] != OK or skip_space(work.name, end, size, NO) < size:
        return
    for k in range(size):  # what is below a space stands between values, where any white space does
        out[start + k] = max(work.name[k], SPACE)
    for k in range(start + size, last + 1):
        out[k] = SPACE
