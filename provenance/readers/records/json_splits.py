"""JSON documents that hold a split under each key, `{"train": [...], "test": [...]}`: each array is a member.

What is held out stands beside what is trained on, so that both must be told apart: `data.json!/test` is a file of its
own, and an array like any other JSON. A scan over brackets and strings finds where arrays end; nothing is decoded here,
so that such a document may be of any size. One that says more before its first array, or has other shapes below its
splits, is read by `json_documents`, which heeds what stands around the records.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.core.package_data import load_table
from provenance.readers.records.json import is_by_lines
from provenance.readers.storage import BLOCK_BYTES, Member, Stream
from provenance.readers.storage.formats import ContainerFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.storage import Archive

_WHITE = b" \t\r\n"
_KEY_BYTES = 1 << 12  # bytes of a key, at most
_STRING = rb'"(?:[^"\\]|\\.)*"'
_BEGINNING = re.compile(
    rb"\s*\{(?:\s*(?:" + _STRING + rb"\s*:\s*[-+.\w]+|" + rb'"version"\s*:\s*' + _STRING + rb")\s*,)*"
    rb'\s*"([^"\\]*)"\s*:\s*\[\s*[\{\]]',
    re.DOTALL,
)
"""An object whose first value beside numbers and its version is an array of objects, or empty, under the group."""

OPEN, IN_STRING, ESCAPED = range(3)
"""What a scan knows: brackets that are open, whether it is in a string, whether a backslash was the last byte."""


@njit(nogil=True, cache=True)
def _find_end(data: Any, state: Any) -> Any:
    """Return where the value ends that `state` is in the midst of, -1 where the bytes end before."""
    for at in range(data.shape[0]):
        byte = data[at]
        if state[ESCAPED]:
            state[ESCAPED] = 0
        elif state[IN_STRING]:
            if byte == 0x5C:
                state[ESCAPED] = 1
            elif byte == 0x22:
                state[IN_STRING] = 0
                if state[OPEN] == 0:
                    return at + 1
        elif byte == 0x22:
            state[IN_STRING] = 1
        elif byte == 0x5B or byte == 0x7B:  # noqa: PLR1714 - numba knows no sets
            state[OPEN] += 1
        elif byte == 0x5D or byte == 0x7D:  # noqa: PLR1714 - the same
            state[OPEN] -= 1
            if state[OPEN] <= 0:
                return at + 1 if state[OPEN] == 0 else at
        elif state[OPEN] == 0 and byte == 0x2C:
            return at
    return -1


class _Value:
    """The bytes of one value of a document, as its reader asks for them.

    Args:
        stream: the document, which stands where the value begins.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream, self._state, self._ended = stream, np.zeros(3, np.int64), False

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, none at the end."""
        if self._ended:
            return b""
        data = self._stream.peek(BLOCK_BYTES if size < 0 else min(size, BLOCK_BYTES))
        end = int(_find_end(np.frombuffer(data, np.uint8), self._state))
        self._ended = end >= 0 or not data
        return self._stream.read(end if end >= 0 else len(data))


def split_members(archive: Archive, stream: Stream) -> Iterator[Member]:
    """Yield the arrays of a document as members; other values stand beside them and are passed over.

    Args:
        archive: what they are named in, and where it is said what broke.
        stream: the document.

    Yields:
        One member an array, of the name of its key.
    """
    _skip_white(stream)
    stream.read(1)
    while (mark := _skip_white(stream)) == b'"':
        name = _read_key(stream)
        if name is None:
            break
        value = Stream(_Value(stream))
        if _skip_white(stream) == b"[":
            yield Member(archive.name_member(name), 0, 0, value)
        value.drain()
        mark = _skip_white(stream)
        if mark != b",":
            break
        stream.read(1)
    if mark != b"}":
        archive.fault = "json: no whole object of arrays"
        return
    stream.read(1)
    if stream.peek(_KEY_BYTES).strip(_WHITE):
        archive.fault = "json: something follows the object"


def _skip_white(stream: Stream) -> bytes:
    """Pass over white space; return the byte that follows."""
    while (head := stream.peek(_KEY_BYTES)) and not (left := head.lstrip(_WHITE)):
        stream.read(len(head))
    stream.read(len(head) - len(left) if head else 0)
    return stream.peek(1)


def _read_key(stream: Stream) -> str | None:
    """Read a key and its colon; None where there is none."""
    found = re.match(_STRING, stream.peek(_KEY_BYTES), re.DOTALL)
    if found is None:
        return None
    try:
        name = json.loads(stream.read(found.end()))
    except ValueError:
        return None
    if _skip_white(stream) != b":":
        return None
    stream.read(1)
    return str(name)


@cache
def _split_names() -> frozenset[str]:
    return frozenset(name for names in load_table("split-names")["splits"].values() for name in names)


def is_split_document(head: bytes) -> bool:
    """Tell by its first bytes whether a document is an object of arrays of objects, the first named after a split.

    Args:
        head: its first bytes.
    """
    body = head.removeprefix(b"\xef\xbb\xbf")
    if not body.lstrip(_WHITE).startswith(b"{"):
        return False
    found = _BEGINNING.match(body)
    if found is None or found[1].decode("utf-8", "replace").casefold() not in _split_names():
        return False
    return not is_by_lines(body.lstrip(_WHITE))


CONTAINER_FORMAT = ContainerFormat("json-splits", split_members, sniff=is_split_document, bounded=True)
