"""Why a record cannot be read, in words: looked into once a file, at its first unreadable record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.readers import storage
from provenance.readers.records import string_kernels

if TYPE_CHECKING:
    from provenance.readers.records.tally import Tally

_MOST_BYTES = 1 << 20  # of a record that are looked at


def explain_first(data: Any, records: Any, tally: Tally) -> None:
    """Say why the first unreadable record of a file is unreadable.

    Args:
        data: bytes.
        records: int32[:, 3]: start, end and error code of each record.
        tally: gains the cause, if it has none yet.
    """
    if tally.cause is not None:
        return
    bad = np.flatnonzero(records[:, 2] != string_kernels.OK)
    if len(bad):
        start, end, code = (int(value) for value in records[bad[0]])
        tally.explain_record(explain(code, data[start : min(end, start + _MOST_BYTES)].tobytes()))


def explain(code: int, record: bytes) -> str | None:
    """Say in words why a record is unreadable.

    Args:
        code: its error code.
        record: its bytes.
    """
    if code == string_kernels.ENCODING:
        name = storage.guess_encoding(record, cut=False)
        return f"not UTF-8; reads as {name.title()}" if name else "not UTF-8, and of no encoding that all of it fits"
    if code == string_kernels.SYNTAX:
        return _explain_syntax(record.decode("utf-8", "replace"))
    return string_kernels.REASONS[code]


def _explain_syntax(text: str) -> str:
    found: list[str] = []

    def note(name: str) -> None:
        found.append(name)

    try:
        json.loads(text, parse_constant=note)
    except json.JSONDecodeError as error:
        if found:
            return f"{found[0]} is no JSON"
        if text[error.pos : error.pos + 1] == "'":
            return "strings in single quotes are no JSON"
        what = error.msg[:1].lower() + error.msg[1:]
        return f"no JSON at its character {error.pos + 1:,}: {what}"
    except (ValueError, RecursionError):
        return str(string_kernels.REASONS[string_kernels.SYNTAX])
    return f"{found[0]} is no JSON" if found else str(string_kernels.REASONS[string_kernels.SYNTAX])
