"""Plain text: a record is a passage, cut at blank lines, at most 64 KiB; its byte offset is kept.

Where each line is a sentence or a paragraph by itself, a record is a line: that is measured on the first lines of the
file (`_is_by_lines`), which are not what lines of a column of print are. A passage that is no UTF-8 is one unreadable
record. White space around a passage belongs to none. A passage that would be longer is cut before the character that
would not fit.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.readers.records import (
    column_roles,
    small_records,
    string_kernels,
    unreadable_records,
    value_tape,
    views,
)
from provenance.readers.records.characters import CARRIAGE_RETURN, NEWLINE, SPACE, TAB
from provenance.readers.records.record_format import FileHead, RecordFormat, SmallFiles, SmallRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

PASSAGE_BYTES = 64 << 10
"""Bytes of the longest passage."""

_LONGEST_CHARACTER = 4  # bytes in UTF-8
_MOST_PASSAGES = 1 << 18  # passages of a batch: one of a single letter costs twenty times its bytes


@njit(nogil=True, cache=True)
def cut_passages(buf: Any, n: int, final: bool, by_lines: bool, out: Any) -> Any:
    """Cut text into passages.

    Args:
        buf: bytes.
        n: where they end.
        final: nothing follows them.
        by_lines: a passage ends with its line.
        out: int32[:, 3]: start, end and error of each passage.

    Returns:
        Number of passages; where the first begins that is not whole yet.
    """
    count, i = 0, 0
    while True:
        while i < n and (buf[i] == SPACE or TAB <= buf[i] <= CARRIAGE_RETURN):
            i += 1
        if i >= n:
            return count, n
        start, last, p, empty = i, i, i, False
        while True:
            if p - start >= PASSAGE_BYTES:
                while p > start + PASSAGE_BYTES - 4 and (buf[p] & 0xC0) == 0x80:
                    p -= 1
                last = min(last, p)
                break
            if p >= n:
                if not final:
                    return count, start
                break
            c = buf[p]
            if c == NEWLINE:
                if empty or by_lines:
                    break
                empty = True
            elif not (c == SPACE or TAB <= c <= CARRIAGE_RETURN):
                last, empty = p + 1, False
            p += 1
            if p - start >= PASSAGE_BYTES and p >= n and not final:
                return count, start
        out[count, 0], out[count, 1], out[count, 2] = start, last, string_kernels.check_text(buf, start, last)
        count += 1
        i = p


def read(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read plain text.

    Args:
        stream: its bytes, UTF-8, with or without byte order mark.
        tally: gains counts.
        limits: batch_bytes.
        roles: not needed: all of it is text.

    Yields:
        RECORDS batches, one row a passage, `offset` in bytes of the (decompressed, transcoded) stream.
    """
    return _read(stream, tally, limits, by_lines=False)


def read_lines(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read plain text as `read` does, one row a line."""
    return _read(stream, tally, limits, by_lines=True)


def _read(stream: Stream, tally: Tally, limits: Limits, *, by_lines: bool) -> Iterator[pa.RecordBatch]:
    offset = 3 if stream.peek(3) == b"\xef\xbb\xbf" else 0
    stream.read(offset)
    tail, final = b"", False
    while not final:
        more = stream.read(limits.batch_bytes)
        final = len(more) < limits.batch_bytes
        data = np.frombuffer(tail + more, np.uint8)
        out = np.empty((len(data) // 2 + 1, 3), np.int32)
        count, done = cut_passages(data, len(data), final, by_lines, out)
        if final and count:
            out = _part_cut_characters(data, out[:count], np.array([count - 1]))
            count = len(out)
        for first in range(0, count, _MOST_PASSAGES):
            yield _make_batch(data, out[first : min(count, first + _MOST_PASSAGES)], offset, tally)
        tail = data[done:].tobytes()
        offset += done


def _make_batch(data: Any, found: Any, offset: int, tally: Tally) -> pa.RecordBatch:
    out = views.make_batch(make_views(data, found), found[:, 2], tally.records, found[:, 0].astype(np.int64) + offset)
    tally.count_records(found[:, 2], found[:, 1] - found[:, 0])
    unreadable_records.explain_first(data, found, tally)
    return out


def make_views(data: Any, found: Any) -> views.Views:
    """Make the views of passages.

    Args:
        data: bytes.
        found: int32[:, 3]: start, end and error of each passage.
    """
    good = found[:, 2] == string_kernels.OK
    tape = np.zeros((int(good.sum()), value_tape.WIDTH), np.int32)
    tape[:, value_tape.REC] = np.flatnonzero(good)
    tape[:, value_tape.START : value_tape.END + 1] = found[good, :2]
    whole, _ = value_tape.join_values(data, tape, np.arange(len(tape), dtype=np.int32), len(found))
    return views.make_text_views(whole)


def _part_cut_characters(data: Any, found: Any, lasts: Any) -> Any:
    """Part a last passage from the cut character at its end, so that only that is unreadable.

    Args:
        data: bytes.
        found: int32[:, 3]: start, end and error of each passage.
        lasts: numbers of the passages that are the last of their file.

    Returns:
        Passages likewise, some of them parted in two.
    """
    broken = lasts[found[lasts, 2] == string_kernels.ENCODING]
    sizes = [_measure_cut(data[found[last, 0] : found[last, 1]]) for last in broken]
    out = found
    for last, size in reversed([*zip(broken.tolist(), sizes, strict=True)]):
        if size:
            start, end, error = out[last].tolist()
            halves = np.array([[start, end - size, string_kernels.OK], [end - size, end, error]], found.dtype)
            out = np.concatenate([out[:last], halves, out[last + 1 :]])
    return out


def _measure_cut(passage: Any) -> int:
    """Return the bytes of a character that is cut at the end of a passage that is UTF-8 before it; else 0."""
    for size in range(1, min(_LONGEST_CHARACTER, len(passage))):
        lead = int(passage[len(passage) - size])
        if lead >= _LEAD:
            wanted = 2 + (lead >= _LEAD_OF_THREE) + (lead >= _LEAD_OF_FOUR)
            sound = string_kernels.check_text(passage, 0, len(passage) - size) == string_kernels.OK
            return size if size < wanted and sound else 0
    return 0


_LEAD, _LEAD_OF_THREE, _LEAD_OF_FOUR = 0xC0, 0xE0, 0xF0  # first bytes of characters of two bytes or more


@njit(nogil=True, cache=True)
def _cut_files(buf: Any, starts: Any, ends: Any, by_lines: bool, out: Any, counts: Any) -> int:
    """Cut many texts into passages: `out` as of `cut_passages`, `counts` gains those of each; return how many."""
    count = 0
    for file in range(starts.shape[0]):
        last = ends[file]
        first = string_kernels.skip_byte_order_mark(buf, starts[file], last)
        found, _ = cut_passages(buf[first:last], last - first, True, by_lines, out[count:])
        for k in range(count, count + found):
            out[k, 0] += first
            out[k, 1] += first
        counts[file] = found
        count += found
    return count


def read_small(files: SmallFiles, roles: column_roles.Roles) -> SmallRecords:  # noqa: ARG001 - the verb's signature
    """Read small texts together, as `read` reads each.

    Args:
        files: their bytes.
        roles: not needed: all of it is text.

    Returns:
        RECORDS of all of them, one row a passage.
    """
    return _read_small(files, by_lines=False)


def read_small_lines(files: SmallFiles, roles: column_roles.Roles) -> SmallRecords:  # noqa: ARG001 - the verb's signature
    """Read small texts together, as `read_lines` reads each.

    Args:
        files: their bytes.
        roles: not needed: all of it is text.

    Returns:
        RECORDS of all of them, one row a line.
    """
    return _read_small(files, by_lines=True)


def _read_small(files: SmallFiles, *, by_lines: bool) -> SmallRecords:
    out = np.empty((len(files.data) // 2 + len(files.starts) + 1, 3), np.int32)
    counts = np.zeros(len(files.starts), np.int64)
    found = out[: _cut_files(files.data, files.starts, files.ends, by_lines, out, counts)]
    lasts = (np.cumsum(counts) - 1)[counts > 0]
    parted = _part_cut_characters(files.data, found, lasts)
    if len(parted) > len(found):
        counts += np.bincount(np.searchsorted(files.starts, parted[:, 0], "right") - 1, minlength=len(counts)) - counts
        found = parted
    offsets = found[:, 0] - np.repeat(files.starts, counts)
    batch = views.make_batch(make_views(files.data, found), found[:, 2], 0, offsets)
    return small_records.number_records(batch, counts, found)


_FEWEST_LINES = 8
_BLANK_SHARE, _SENTENCE_SHARE, _CAPITAL_SHARE = 0.02, 0.6, 0.9
_LONGER_THAN_PRINT = 160  # characters of a line: a column of print has fewer
_SENTENCE_LENGTH = 40  # characters of most lines that begin as sentences do and have no mark at their end
_NAMES = re.compile(r"|txt|text|raw|sent|sents|sentences|lines|src|tgt|tok|[a-z]{2,3}", re.ASCII)
_NO_TEXT = frozenset(
    {"md", "rst", "tex", "py", "js", "ts", "c", "h", "cc", "cpp", "go", "rs", "java", "sh", "r", "rb", "log"}
)
_ENDS = re.compile(r"[.!?。！？…][\"'”’»)\]]*\s*$")
_CAPITAL = re.compile(r"[^\w]*[A-ZÀ-ÖØ-ÞА-ЯЁΑ-Ω]")


def _is_by_lines(opening: FileHead) -> bool:
    """Say whether each line is a sentence or paragraph by itself, as its first lines are.

    No line is blank; most lines end as sentences do, or are longer than any column of print, or are long and begin as
    sentences do, or are long and of different lengths.
    """
    if opening.suffix in _NO_TEXT or not _NAMES.fullmatch(opening.suffix):
        return False
    lines = opening.head.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
    lines = lines[:-1] if len(opening.head) >= _HEAD_BYTES else lines
    filled = [line for line in lines if line.strip()]
    if len(filled) < _FEWEST_LINES or len(lines) - len(filled) > _BLANK_SHARE * len(lines):
        return False
    if sum(_ENDS.search(line) is not None for line in filled) >= _SENTENCE_SHARE * len(filled):
        return True
    lengths = sorted(map(len, filled))
    middle = lengths[len(lengths) // 2]
    if lengths[-1] > _LONGER_THAN_PRINT and middle >= _SENTENCE_LENGTH // 2:
        return True
    capitals = sum(_CAPITAL.match(line) is not None for line in filled)
    if middle >= _SENTENCE_LENGTH and capitals >= _CAPITAL_SHARE * len(filled):
        return True
    return middle >= _SENTENCE_LENGTH and len(filled) >= _FEWEST_BARE_LINES and _are_bare_sentences(filled)


_FEWEST_BARE_LINES = 24  # lines without marks or capitals that are taken for sentences
_BARE_WORDS, _BARE_SHARE, _WRAPPED_SHARE = 4, 0.9, 0.5


def _are_bare_sentences(lines: list[str]) -> bool:
    """Say whether lines without marks or capitals are sentences: nearly all have some words, and they are not wrapped.

    A line is wrapped where the first word of the next one would not have fitted into the width of most lines.
    """
    words = [line.split() for line in lines]
    if sum(len(each) >= _BARE_WORDS for each in words) < _BARE_SHARE * len(lines):
        return False
    width = sorted(map(len, lines))[int(_BARE_SHARE * (len(lines) - 1))]
    pairs = zip(lines, words[1:], strict=False)
    wrapped = sum(len(line.rstrip()) + 1 + len(after[0]) > width for line, after in pairs)
    return wrapped < _WRAPPED_SHARE * len(lines)


_HEAD_BYTES = 1 << 16  # of an opening whose last line may be cut

RECORD_FORMAT = (
    RecordFormat(
        "lines",
        read_lines,
        guess=_is_by_lines,
        by_lines=True,
        read_small=read_small_lines,
        only_records=False,
        bounded=True,
    ),
    RecordFormat("text", read, by_lines=True, read_small=read_small, only_records=False, bounded=True),
)
