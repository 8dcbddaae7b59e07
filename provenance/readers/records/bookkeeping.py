"""Files that tools write about data and that hold none, by name and form: see `data/bookkeeping.yaml`."""

from __future__ import annotations

import fnmatch
import json
import re
from functools import cache
from typing import Any, NamedTuple

from provenance.core.package_data import load_table

LARGEST = 1 << 16
"""Bytes of the largest file that is looked at: a larger one is no bookkeeping."""


class _Entry(NamedTuple):
    keys: frozenset[str] | None
    lines: re.Pattern[str] | None
    holds: tuple[bytes, ...] | None
    contents: tuple[bytes, ...] | None
    about: str


@cache
def _entries() -> tuple[re.Pattern[str], tuple[tuple[re.Pattern[str], _Entry], ...]]:
    found = []
    for row in load_table("bookkeeping")["files"]:
        folder, _, name = row["name"].rpartition("/")
        name = name if "*" in name else name.replace("[", "[[]")
        pattern = fnmatch.translate(name.lower())
        around = rf"(?s:(?:.*/)?{re.escape(folder.lower())}/)" if folder else r"(?s:(?:.*/)?)"
        entry = _Entry(
            frozenset(row["keys"]) if "keys" in row else None,
            re.compile(row["lines"]) if "lines" in row else None,
            tuple(each.encode() for each in row["holds"]) if "holds" in row else None,
            tuple(each.encode() for each in row["is"]) if "is" in row else None,
            row["about"],
        )
        found.append((re.compile(around + pattern), entry))
    return re.compile("|".join(f"(?:{each.pattern})" for each, _ in found)), tuple(found)


def is_called_so(path: str) -> bool:
    """Tell whether a file is called as bookkeeping is; what it is its bytes decide.

    Args:
        path: '/' between its parts.
    """
    return _entries()[0].fullmatch(path.lower()) is not None


def recognise(path: str, content: bytes, size: int) -> str | None:
    """Say what bookkeeping a file is.

    Args:
        path: '/' between its parts.
        content: its bytes, or the first `LARGEST` of them.
        size: how many there are.

    Returns:
        A phrase that says so; None where its name or its bytes are something else.
    """
    if size > LARGEST or not is_called_so(path):
        return None
    folded = path.lower()
    for pattern, entry in _entries()[1]:
        if pattern.fullmatch(folded) and _fits(entry, content):
            return f"bookkeeping ({entry.about}), which holds no records"
    return None


def _fits(entry: _Entry, content: bytes) -> bool:
    if entry.contents is not None:
        return content.strip() in entry.contents
    if entry.holds is not None:
        return all(each in content for each in entry.holds)
    if entry.lines is not None:
        lines = content.decode("utf-8", "replace").splitlines()
        filled = [line.strip() for line in lines if line.strip()]
        return bool(filled) and all(entry.lines.fullmatch(line) for line in filled)
    return _has_keys(content, entry.keys or frozenset())


def _has_keys(content: bytes, keys: frozenset[str]) -> bool:
    """Tell whether content is an object with some keys, and none beside them under which records could stand."""
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict) or not keys <= document.keys():
        return False
    beside = [value for key, value in document.items() if key not in _OWN_LISTS and isinstance(value, list)]
    return not any(isinstance(each, dict) for value in beside for each in value)


_OWN_LISTS = frozenset({"_data_files", "shards", "log_history"})
