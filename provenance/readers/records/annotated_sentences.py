"""Corpora with one token a line (CoNLL-U, CoNLL-2000 to 2009, tab tables of tokens): a record is a sentence.

Sentences are set apart by blank lines. The text of one is what its comment `# text = ` says (CoNLL-U), else its tokens
joined by spaces; the other columns are annotation. Source: universaldependencies.org/format.html; the shared tasks of
CoNLL-2000, 2002, 2003, 2007.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: SIM110 - a kernel is one automaton in one piece

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.readers.records import column_roles, string_kernels, unreadable_records, views
from provenance.readers.records.characters import CARRIAGE_RETURN, NEWLINE, NINE, SPACE, TAB, ZERO
from provenance.readers.records.record_format import FileHead, RecordFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

_HASH = ord("#")
_TEXT = np.frombuffer(b"# text = ", np.uint8)
_HEAD_BYTES = 1 << 16
_SAMPLE_LINES = 400
_FEWEST_ROWS = 6
_LONGEST_TOKEN = 64
_TAG_SHARE = 0.7  # distinct annotations that rows of tokens have at most, by row
_LARGEST_SENTENCE = 1 << 20


@njit(nogil=True, cache=True)
def _is_text_comment(buf: Any, i: int, end: int, mark: Any) -> bool:
    if end - i <= mark.shape[0]:
        return False
    for k in range(mark.shape[0]):
        if buf[i + k] != mark[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _find_cell(buf: Any, i: int, end: int, column: int, separator: int) -> Any:
    """Return where a cell of a line begins and ends; two times its end where there is none."""
    while column > 0 and i < end:
        if buf[i] == separator:
            column -= 1
        i += 1
    if column > 0:
        return end, end
    last = i
    while last < end and buf[last] != separator:
        last += 1
    return i, last


@njit(nogil=True, cache=True)
def join_sentences(
    buf: Any,
    n: int,
    final: bool,
    column: int,
    numbered: bool,
    separator: int,
    mark: Any,
    out: Any,
    ends: Any,
    spans: Any,
) -> Any:
    """Join the tokens of sentences.

    Args:
        buf: bytes, from the beginning of a sentence.
        n: where they end.
        final: nothing follows them.
        column: number of the column that holds the token.
        numbered: the first column holds its number: what is no whole number there is no token of its own.
        separator: what stands between columns.
        mark: what a comment with the text of a sentence begins with.
        out: uint8[n]: gains the text.
        ends: int64: gains where the text of each sentence begins, and where the last ends.
        spans: int32[:, 3]: gains start, end and error of each.

    Returns:
        Number of sentences; where the first begins that is not whole yet.
    """
    count, at, start, i, text = 0, 0, 0, 0, False
    ends[0] = 0
    while i < n:
        last = i
        while last < n and buf[last] != NEWLINE:
            last += 1
        if last >= n and not final and i - start < _LARGEST_SENTENCE:
            return count, start
        end = last
        while end > i and (buf[end - 1] == CARRIAGE_RETURN or buf[end - 1] == SPACE or buf[end - 1] == TAB):
            end -= 1
        blank = end == i
        if not blank and buf[i] == _HASH and (end - i == 1 or buf[i + 1] == SPACE):
            if _is_text_comment(buf, i, end, mark):
                at = ends[count]
                for k in range(i + mark.shape[0], end):
                    out[at] = buf[k]
                    at += 1
                text = True
        elif not blank and not text:
            first, stop = _find_cell(buf, i, end, column, separator)
            whole = True
            if numbered:
                for k in range(*_find_cell(buf, i, end, 0, separator)):
                    whole = whole and ZERO <= buf[k] <= NINE
            if whole and stop > first:
                if at > ends[count]:
                    out[at] = SPACE
                    at += 1
                for k in range(first, stop):
                    out[at] = buf[k]
                    at += 1
        i = min(last + 1, n)
        if blank or i >= n or i - start >= _LARGEST_SENTENCE:
            if at > ends[count]:
                spans[count, 0], spans[count, 1] = start, end
                spans[count, 2] = string_kernels.check_text(buf, start, end)
                count += 1
                ends[count] = at
            start, text = i, False
    return count, n


def read(
    stream: Stream,
    tally: Tally,
    limits: Limits,
    roles: column_roles.Roles,  # noqa: ARG001 - the verb's signature
) -> Iterator[pa.RecordBatch]:
    """Read a corpus with one token a line.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts.
        limits: batch_bytes.
        roles: not needed: one column is text.

    Yields:
        RECORDS batches, one row a sentence.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    layout = _find_layout(stream.peek(_HEAD_BYTES)) or (0, False, TAB)
    tail, final = b"", False
    while not final:
        more = stream.read(limits.batch_bytes)
        final = len(more) < limits.batch_bytes
        data = np.frombuffer(tail + more, np.uint8)
        out, ends = np.empty(len(data) + 1, np.uint8), np.empty(len(data) // 2 + 2, np.int64)
        spans = np.empty((len(data) // 2 + 1, 3), np.int32)
        count, done = join_sentences(data, len(data), final, *layout, _TEXT, out, ends, spans)
        if count:
            yield _make_batch(data, spans[:count], out, ends[: count + 1], tally)
        tail = data[done:].tobytes()


def _make_batch(data: Any, spans: Any, out: Any, ends: Any, tally: Tally) -> pa.RecordBatch:
    good = spans[:, 2] == string_kernels.OK
    valid = pa.py_buffer(np.packbits(good, bitorder="little"))
    text = pa.py_buffer(out[: ends[-1]])
    whole = pa.Array.from_buffers(pa.large_string(), len(spans), [valid, pa.py_buffer(ends.copy()), text])
    made = views.make_batch(views.make_text_views(whole), spans[:, 2], tally.records)
    tally.count_records(spans[:, 2], spans[:, 1] - spans[:, 0])
    unreadable_records.explain_first(data, spans, tally)
    return made


def _find_layout(head: bytes) -> tuple[int, bool, int] | None:
    """Find the column of tokens, whether the first numbers them, and what parts columns; None = no such text."""
    lines = head.split(b"\n", _SAMPLE_LINES)
    lines = lines[:-1] if len(lines) > _SAMPLE_LINES or len(head) >= _HEAD_BYTES else lines
    lines = [line.rstrip(b"\r \t") for line in lines]
    rows = [line for line in lines if line and not (line[:1] == b"#" and (len(line) == 1 or line[1:2] == b" "))]
    groups = sum(bool(line) and not before for before, line in zip([b"", *lines], lines, strict=False))
    if len(rows) < _FEWEST_ROWS or len(rows) < 2 * groups:
        return None
    separator = b"\t" if b"\t" in rows[0] else b" "
    cells = [row.split(separator) for row in rows]
    width = len(cells[0])
    if width < 2 or any(len(each) != width for each in cells if each[0] != b"-DOCSTART-"):
        return None
    numbered = all(each[0][:1].isdigit() for each in cells) and cells[0][0] in (b"1", b"0", b"1-2")
    if groups < 2 and not (numbered and width >= _CONLL_U):
        return None
    column = 1 if numbered else 0
    tokens = [each[column] for each in cells if len(each) == width]
    if any(len(token) > _LONGEST_TOKEN or b" " in token for token in tokens):
        return None
    if separator == b" " and not numbered and not _are_tags([each[-1] for each in cells]):
        return None
    if not numbered and _ARE_KEYS * sum(token.endswith(b":") and token != b":" for token in tokens) > len(tokens):
        return None  # "User-agent: *": what stands first are keys
    tags = {each[-1] for each in cells}
    if not numbered and len(rows) >= 3 * _FEWEST_ROWS and len(tags) > _TAG_SHARE * len(rows):
        return None
    return column, numbered, separator[0]


_CONLL_U = 10  # columns
_ARE_KEYS = 4  # one of so many first words ends in a colon
_COMMON_TAGS = 12  # of a tag set: they mark most tokens of a text; the last words of verses are all different


def _are_tags(cells: list[bytes]) -> bool:
    """Say whether cells are tags of a small set: a few of them mark half of the tokens or more."""
    common = Counter(cells).most_common(max(1, min(_COMMON_TAGS, len(cells) // 4)))
    return 2 * sum(count for _, count in common) >= len(cells)


def _is_annotated(opening: FileHead) -> bool:
    """Say whether a text is tokens, one a line, in sentences that blank lines set apart."""
    first = opening.body[:512].split(b"\n", 1)[0]
    if first[:2] not in (b"# ", b"#\n") and b"\t" not in first and not 1 <= first.count(b" ") <= _MOST_COLUMNS:
        return False
    if b"\n\n" not in opening.head and b"\n\r\n" not in opening.head and b"\n1\t" not in opening.head:
        return False
    return _find_layout(opening.head.removeprefix(b"\xef\xbb\xbf")) is not None


_MOST_COLUMNS = 15

RECORD_FORMAT = RecordFormat("conll", read, suffixes=("conllu", "conllx", "conll"), sniff=_is_annotated, bounded=True)
