"""WARC: a record is a page that was taken, with its address; the text of extracted ones (WET) is its text.

Source: ISO 28500:2017 (WARC 1.1), sections 5 and 6. Of a response the page itself is not read: its bytes are skipped,
and that is said. Requests, notes on the crawl, revisits, redirects, errors, answers of name servers and robots.txt are
no records of anything. Whatever else a WARC record holds is skipped, and that is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from provenance.readers.records import column_roles, string_kernels, views
from provenance.readers.records.record_format import RecordFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

MOST_HEADER_BYTES = 1 << 16
"""Bytes of the longest header."""
UNREAD = "the text of pages in WARC files is not read yet"
OTHER = "WARC records that are no pages with a web address are not read"

_STEP_BYTES = 1 << 20
_MOST_ROWS = 8192
_HEADER = re.compile(rb"WARC/\d.*?\r?\n\r?\n", re.DOTALL)
_FIELD = re.compile(rb"^([\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_ANSWER = re.compile(rb"HTTP/\S+ \d\d\d")
_TAKEN = re.compile(rb"HTTP/\S+ 2\d\d")
_NOTES = (b"warcinfo", b"request", b"metadata", b"revisit")
_NO_PAGE = re.compile(r"dns:|https?://[^/]+/robots\.txt$", re.IGNORECASE)
_PAGE = re.compile(r"(?!https?://[^/]+/robots\.txt$)https?://", re.IGNORECASE)


class _PeekableStream:
    """A stream that is looked at before it is taken."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._held = b""

    def peek_bytes(self, size: int) -> bytes:
        if len(self._held) < size:
            self._held += self._stream.read(max(size - len(self._held), _STEP_BYTES))
        return self._held[:size]

    def take_bytes(self, size: int) -> bytes:
        taken, self._held = self.peek_bytes(size), self._held[size:]
        return taken

    def skip_bytes(self, size: int) -> int:
        """Take bytes without holding them; return how many there were."""
        left = size
        while left:
            taken = len(self.take_bytes(min(left, _STEP_BYTES)))
            if not taken:
                break
            left -= taken
        return size - left

    def skip_line_ends(self) -> None:
        """Take the ends of lines that are held, all at once: a file may hold nothing else."""
        self._held = self._held.lstrip(b"\r\n")

    def drain_rest(self) -> int:
        peeked, self._held = len(self._held), b""
        return peeked + self._stream.drain()


class _PageRows:
    """Records of the batch that is being made."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.urls: list[str] = []
        self.errors: list[int] = []
        self.sizes: list[int] = []
        self.held = 0

    def add_page(self, url: str, text: str | None, error: int, size: int) -> None:
        self.texts.append(text)
        self.urls.append(url)
        self.errors.append(error)
        self.sizes.append(size)
        self.held += len(url) + (len(text) if text else 0)

    def make_batch(self, tally: Tally) -> pa.RecordBatch:
        whole = pa.array(self.texts, pa.large_string())
        none, name = pa.nulls(len(whole), pa.large_string()), pa.nulls(len(whole), pa.string())
        made = views.Views(whole, none, none, pa.array(self.urls, pa.string()), name, name, 0)
        out = views.make_batch(made, np.array(self.errors), tally.records)
        tally.count_records(np.array(self.errors), np.array(self.sizes))
        return out


def read(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read a WARC file.

    Args:
        stream: its bytes, decompressed.
        tally: gains counts; bytes of pages count as skipped.
        limits: batch_bytes and record_bytes.
        roles: not needed: the format says what is an address.

    Yields:
        RECORDS batches, one row a page or extracted text.
    """
    data, rows = _PeekableStream(stream), _PageRows()
    # one turn a page: pages are tens of KiB, so that decompressing them costs more than the turn
    while data.peek_bytes(1):
        if data.peek_bytes(1) in b"\r\n":
            data.skip_line_ends()
            continue
        header = _HEADER.match(data.peek_bytes(MOST_HEADER_BYTES))
        fields = {} if header is None else {name.lower(): value for name, value in _FIELD.findall(header[0])}
        size = fields.get(b"content-length", b"")
        if header is None or not size.isdigit() or len(size) > 18:
            tally.skip_bytes(data.drain_rest(), "a damaged record: what follows is not read")
            break
        data.take_bytes(header.end())
        _read_record(data, fields, int(size), rows, tally, limits)
        if rows.held >= limits.batch_bytes or len(rows.urls) >= _MOST_ROWS:
            yield rows.make_batch(tally)
            rows = _PageRows()
    if rows.urls:
        yield rows.make_batch(tally)


def _read_record(
    data: _PeekableStream, fields: dict[bytes, bytes], size: int, rows: _PageRows, tally: Tally, limits: Limits
) -> None:
    url = fields.get(b"warc-target-uri", b"").strip(b"<>").decode("utf-8", "replace")
    kind = fields.get(b"warc-type", b"").lower()
    is_page = _PAGE.match(url) is not None
    if is_page and kind in (b"conversion", b"resource") and fields.get(b"content-type", b"").startswith(b"text/plain"):
        _add_text(data, url, size, rows, limits)
        return
    status = data.peek_bytes(min(size, 64)) if kind == b"response" else b""
    taken = kind in (b"conversion", b"resource") or _TAKEN.match(status) is not None
    there = data.skip_bytes(size)
    if is_page and taken:
        rows.add_page(url, None, string_kernels.OK if there == size else string_kernels.INCOMPLETE, there)
        if there == size:
            tally.skip_bytes(there, UNREAD)
    elif there < size:
        tally.skip_bytes(there, "a truncated record")
    elif there and not _is_nothing(kind, url, status):
        tally.skip_bytes(there, UNREAD if taken and kind == b"response" else OTHER)


def _add_text(data: _PeekableStream, url: str, size: int, rows: _PageRows, limits: Limits) -> None:
    """Add a text that was extracted of a page."""
    if size > limits.record_bytes:
        rows.add_page(url, None, string_kernels.LARGE, data.skip_bytes(size))
        return
    text = data.take_bytes(size)
    error = (
        string_kernels.INCOMPLETE if len(text) < size else string_kernels.NUL if b"\0" in text else string_kernels.OK
    )
    try:
        rows.add_page(url, text.decode() if error == string_kernels.OK else None, error, len(text))
    except UnicodeDecodeError:
        rows.add_page(url, None, string_kernels.ENCODING, len(text))


def _is_nothing(kind: bytes, url: str, status: bytes) -> bool:
    """Tell whether a WARC record holds nothing that anybody could train on."""
    if kind in _NOTES or _NO_PAGE.match(url):
        return True
    return kind == b"response" and _ANSWER.match(status) is not None and _TAKEN.match(status) is None


RECORD_FORMAT = RecordFormat("warc", read, magic=(b"WARC/",))
