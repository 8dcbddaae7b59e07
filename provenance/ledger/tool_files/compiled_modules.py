"""Compiled modules of Python, read without running or loading them: one code object from the header to the end.

A module is recognised by its structure, as `marshal` writes it; nothing may stand behind it, and its texts may not be
records. The header says how large the source is that it was compiled from, which must lie beside it.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from provenance.ledger.tool_files import text_formats

MOST_BYTES = 1 << 22
"""Bytes of the largest module that is looked at."""

_HEADER_BYTES = 16
_OLDEST, _LATER = 3400, 3450  # magic numbers: of 3.8, and from which code objects have the members of 3.11
_MOST_RECORDS = 8  # lines of texts that may be records: examples in a docstring
_FIXED = {b"0": 0, b"N": 0, b"F": 0, b"T": 0, b"S": 0, b".": 0, b"i": 4, b"I": 8, b"g": 8, b"y": 16, b"r": 4}
_SIZED = {b"s": 4, b"t": 4, b"u": 4, b"a": 4, b"A": 4, b"z": 1, b"Z": 1}
_TEXTS = frozenset(_SIZED) - {b"s"}
_LISTS = {b"(": 4, b")": 1, b">": 4, b"<": 4}
_OBJECT = -1  # a step: an object follows; else so many bytes
_MEMBERS = {
    False: (24, *[_OBJECT] * 8, 4, _OBJECT),
    True: (20, *[_OBJECT] * 8, 4, _OBJECT, _OBJECT),
}  # of a code object, before and from 3.11


def read_source_size(file: BinaryIO, size: int) -> int | None:
    """Return how large the source of a compiled module is, from its header.

    Args:
        file: the file.
        size: its bytes.

    Returns:
        Bytes; None where the file is no such module, or says no size.
    """
    if not _HEADER_BYTES < size <= MOST_BYTES:
        return None
    file.seek(0)
    data = file.read(size)
    magic, flags = int.from_bytes(data[:2], "little"), data[4:8]
    if data[2:4] != b"\r\n" or magic < _OLDEST or flags != bytes(4) or data[_HEADER_BYTES] & 127 != ord("c"):
        return None
    if not _is_one_object(data, later=magic >= _LATER):
        return None
    return int.from_bytes(data[12:16], "little")


def _is_one_object(data: bytes, *, later: bool) -> bool:
    at, steps, records = _HEADER_BYTES, [_OBJECT], 0
    while steps and at <= len(data) and records <= _MOST_RECORDS:
        if (step := steps.pop()) != _OBJECT:
            at += step
            continue
        kind, start = bytes(data[at : at + 1]), at + 1
        kind = bytes([kind[0] & 127]) if kind else b""  # the highest bit says that it is referred to later
        if kind == b"c":
            at, more = start, _MEMBERS[later][::-1]
        else:
            at, more = _measure_object(kind, data, start)
        steps += more
        if kind in _TEXTS:
            records += sum(map(text_formats.is_record, re.split(rb"[\r\n]", data[start + _SIZED[kind] : at])))
    return not steps and at == len(data) and records <= _MOST_RECORDS


def _measure_object(kind: bytes, data: bytes, at: int) -> tuple[int, tuple[int, ...]]:
    """Return where an object's own bytes end, and the steps to what is in it; the end of a file of no known kind."""
    if kind in _FIXED:
        return at + _FIXED[kind], ()
    if kind == b"l":  # digits of 15 bits
        return at + 4 + 2 * abs(int.from_bytes(data[at : at + 4], "little", signed=True)), ()
    if kind in _SIZED:
        start = at + _SIZED[kind]
        return start + int.from_bytes(data[at:start], "little"), ()
    if kind in _LISTS:
        start = at + _LISTS[kind]
        count = int.from_bytes(data[at:start], "little")
        return (start, (_OBJECT,) * count) if count <= len(data) - start else (len(data) + 1, ())
    if kind == b":":  # a slice
        return at, (_OBJECT,) * 3
    return len(data) + 1, ()
