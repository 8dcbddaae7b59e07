"""Comma-separated values and their kin (RFC 4180, with ',', ';', tab or '|'): a record is a row, all cells are strings.

pyarrow.csv is not used: a stray quote costs it the rest of the file, and it does not say which bytes an invalid row
had. A row with more or fewer fields than the header is one unreadable record.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

from __future__ import annotations

import csv as standard
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.readers.records import (
    column_roles,
    field_views,
    personal_columns,
    string_kernels,
    unreadable_records,
    value_tape,
    views,
)
from provenance.readers.records.characters import CARRIAGE_RETURN, NEWLINE, QUOTE
from provenance.readers.records.column_roles import RECORD
from provenance.readers.records.record_format import FileHead, RecordFormat
from provenance.readers.records.string_kernels import INCOMPLETE, LARGE, OK, QUOTING, RAGGED
from provenance.readers.records.value_tape import (
    END,
    FIELD,
    FLAGS,
    GROUP,
    KIND,
    NAME,
    QUOTED,
    RANK,
    REC,
    START,
    WIDTH,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits, Stream

DELIMITERS = ",\t;|"
HEAD_BYTES = 1 << 16
_LONGEST_NAME = 64
_HEADER_ROWS = 100  # rows that tell whether the first of them names the columns
_BATCH_VALUES = 1 << 18  # rows, or values, after which a batch is full: a table of commas has one in every byte


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written.

    Args:
        delimiter: one ASCII character.
        quoted: a field may stand in double quotes.
        share: rows of the head with as many fields as its first.
        width: fields of the first row.
        rows: rows of the head.
    """

    delimiter: str
    quoted: bool
    share: float
    width: int
    rows: int


def guess_dialect(head: bytes) -> Dialect | None:
    """Guess the dialect of a table from its first bytes.

    Args:
        head: its first bytes; the last line is left out where it may be cut.

    Returns:
        The dialect in which most rows are as wide as the first, the wider one of equals; None without two columns.
    """
    text = head.decode("utf-8-sig", "replace").replace("\0", "")
    if len(head) >= HEAD_BYTES and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    if separator := find_separator(head):
        return _choose_quoting(text.partition("\n")[2], separator)
    found = [_choose_quoting(text, delimiter) for delimiter in DELIMITERS if delimiter in text]
    fits = [dialect for dialect in found if dialect is not None and dialect.width > 1]
    return max(fits, key=lambda fit: (fit.share, fit.width), default=None)


_SEPARATOR = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([,;|\t])"?[ \t]*\r?\n', re.IGNORECASE)


def find_separator(head: bytes) -> str | None:
    """Return the delimiter that a first line names as spreadsheets write it (`sep=;`); None where there is none.

    Args:
        head: first bytes of a table.
    """
    found = _SEPARATOR.match(head)
    return found[1].decode() if found else None


def _choose_quoting(text: str, delimiter: str) -> Dialect | None:
    """Take quotes for quotes where they look like it, or where the rows fit better so."""
    quoted, bare = (_measure_dialect(text, delimiter, quoted=quotes) for quotes in (True, False))
    if quoted is None or bare is None:
        return quoted or bare
    return quoted if quoted.share > bare.share or _is_quoted(text, delimiter) else bare


def _is_quoted(text: str, delimiter: str) -> bool:
    """Say whether quotes quote fields: where they do, about as many fields end with one as begin with one.

    A field that is a quote and nothing else is a token of a text.
    """
    cells = [cell for row in _split_sample(text, delimiter, quoted=False) for cell in row if cell != '"']
    begun = sum(cell.startswith('"') for cell in cells)
    return '"' not in text or 0 < begun <= 2 * sum(cell.endswith('"') for cell in cells)


def _split_sample(text: str, delimiter: str, *, quoted: bool) -> list[list[str]]:
    lines = io.StringIO(text, "")
    reader = standard.reader(
        lines, delimiter=delimiter, quoting=standard.QUOTE_MINIMAL if quoted else standard.QUOTE_NONE
    )
    try:
        return [row for row in reader if row]
    except standard.Error:
        return []


def _measure_dialect(text: str, delimiter: str, *, quoted: bool) -> Dialect | None:
    rows = _split_sample(text, delimiter, quoted=quoted)
    if not rows:
        return None
    width = len(rows[0])
    return Dialect(delimiter, quoted, sum(len(row) == width for row in rows) / len(rows), width, len(rows))


@njit(nogil=True, cache=True)
def split_rows(
    buf: Any, n: int, final: bool, delimiter: int, quoted: bool, columns: Any, tape: Any, records: Any
) -> Any:
    """Split rows into fields and put down those that have a role.

    Args:
        buf: bytes, from the beginning of a row.
        n: where they end.
        final: nothing follows them.
        delimiter: a byte.
        quoted: a field may stand in double quotes, doubled within it, and hold newlines.
        columns: int32[:, 4]: kind and rank of each column, see column_roles, its name and its number on the tape.
        tape: int32[:, WIDTH], see value_tape.
        records: int32[:, 3]: start, end and error of each row.

    Returns:
        Number of rows; of values on the tape; where the first row begins that is not whole yet, or for which there is
        no room.
    """
    count, values, i, width = 0, 0, 0, columns.shape[0]
    while True:
        while i < n and (buf[i] == NEWLINE or buf[i] == CARRIAGE_RETURN):
            i += 1
        if i >= n:
            return count, values, n
        if count == records.shape[0] or values + width > tape.shape[0]:
            return count, values, i
        start, kept, column, error = i, values, 0, OK
        while True:  # a field
            flags = 0
            if quoted and i < n and buf[i] == QUOTE:
                i += 1
                first = i
                while i < n:
                    if buf[i] != QUOTE:
                        i += 1
                    elif i + 1 < n and buf[i + 1] == QUOTE:
                        flags = QUOTED
                        i += 2
                    else:
                        break
                end = min(i, n)
                if i >= n:
                    error = INCOMPLETE
                i += 1
                while i < n and buf[i] != delimiter and buf[i] != NEWLINE:
                    if buf[i] != CARRIAGE_RETURN:
                        error = QUOTING
                    i += 1
            else:
                first = i
                while i < n and buf[i] != delimiter and buf[i] != NEWLINE:
                    i += 1
                end = i
                if (i >= n or buf[i] == NEWLINE) and end > first and buf[end - 1] == CARRIAGE_RETURN:
                    end -= 1
            if column < width and error == OK:
                kind = columns[column, 0]
                row = tape[values]
                row[REC], row[KIND], row[RANK], row[GROUP] = count, kind, columns[column, 1], -1
                row[START], row[END], row[FLAGS], row[NAME] = first, end, flags, columns[column, 2]
                row[FIELD] = columns[column, 3]
                values += 1
            column += 1
            if i >= n or buf[i] == NEWLINE:
                break
            i += 1
            if i >= n:  # a delimiter was the last byte: one empty field more
                column += 1
                break
        if i >= n and not final:
            return count, kept, start
        i = min(i, n)
        if error == OK:
            error = string_kernels.check_text(buf, start, i)
        if error == OK and column != width:
            error = RAGGED
        if error != OK:
            values = kept
        records[count, 0], records[count, 1], records[count, 2] = start, i, error
        count += 1


def _read_header(rows: list[list[str]], roles: column_roles.Roles) -> tuple[list[str], bool]:
    """Return the columns' names, and whether the first row is what names them."""
    first, below = rows[0] if rows else [""], rows[1:]
    return (first, True) if _names_columns(first, below, roles) else ([""] * len(first), False)


def _names_columns(first: list[str], below: list[list[str]], roles: column_roles.Roles) -> bool:
    """Say whether a row names the columns of those below it: it differs from them as names differ from values."""
    names = [name.strip() for name in first]
    if any(len(name) > _LONGEST_NAME or _is_number(name) for name in names) or not any(names):
        return any(roles.find_role(name)[0] >= 0 for name in names) and not any(map(_is_number, names))
    columns = [[row[k].strip() for row in below if k < len(row)] for k in range(len(names))]
    if any(name and name in column for name, column in zip(names, columns, strict=True)):
        return False  # a value of its column, as it stands below too
    if any(roles.find_role(name)[0] >= 0 for name in names):
        return True
    if any(column and all(map(_is_number, column)) for column in columns):
        return True
    if any(name[-1:] in _SENTENCE_ENDS or name.count(" ") > _MOST_SPACES for name in names if name):
        return False
    if all(_IDENTIFIER.fullmatch(name) for name in names if name):
        return True
    pairs = zip(names, columns, strict=True)
    return any(name and column and sum(map(len, column)) > 2 * len(column) * len(name) for name, column in pairs)


_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…", ";", ",")
_MOST_SPACES = 3
_IDENTIFIER = re.compile(r"[^\W\d][\w.:/@#%()\[\]-]*")


def _is_number(cell: str) -> bool:
    return cell.strip().lstrip("-+").replace(".", "", 1).replace(",", "").isdigit()


def _find_columns(names: list[str], roles: column_roles.Roles) -> Any:
    out = np.zeros((len(names), 4), np.int32)
    personal = personal_columns.load_names()
    for number, name in enumerate(names):
        whole = roles.find_role(name.strip())
        parts = [whole] if whole[0] >= 0 else [roles.find_role(part) for part in name.strip().split(".")]
        kind, rank = RECORD, 0
        for found in parts:
            kind, rank = column_roles.decide_role(kind, rank, *found)
        compared = column_roles.is_column(kind) or column_roles.is_metadata(kind)
        own = number + 1 if compared and number < field_views.MOST_COLUMNS else 0
        out[number] = kind, rank, number + 1 if personal.find_class(name.strip()) else 0, own
    return out


def read(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read a table of values separated by a character.

    Args:
        stream: its bytes, UTF-8, with or without byte order mark.
        tally: gains counts.
        limits: batch_bytes and record_bytes.
        roles: which column means what.

    Yields:
        RECORDS batches, one row a row of the table, its header left out.
    """
    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    head = stream.peek(HEAD_BYTES)
    dialect = guess_dialect(head) or Dialect(",", True, 1.0, 1, 1)
    if find_separator(head):
        stream.read(head.index(b"\n") + 1)
        head = head[head.index(b"\n") + 1 :]
    text = head.decode("utf-8", "replace").replace("\0", " ")
    text = text[: text.rfind("\n") + 1] if len(head) >= HEAD_BYTES - _LONGEST_NAME and "\n" in text else text
    rows = _split_sample(text, dialect.delimiter, quoted=dialect.quoted)
    names, named = _read_header(rows[:_HEADER_ROWS], roles)
    columns, labels = _find_columns(names, roles), [name.strip() for name in names]
    tail, final = b"", False
    while not final:
        # as much as is held: time stays linear; no more than a row may have: memory stays bounded
        wanted = max(limits.batch_bytes, min(len(tail), limits.record_bytes + 1 - len(tail)))
        more = stream.read(wanted)
        final = len(more) < wanted
        data, full = np.frombuffer(tail + more, np.uint8), True
        tail = more = b""
        most = min(len(data), _BATCH_VALUES) + 2
        room, found = np.empty((most + len(names), WIDTH), np.int32), np.empty((most, 3), np.int32)
        while full:
            count, values, done = split_rows(
                data, len(data), final, ord(dialect.delimiter), dialect.quoted, columns, room, found
            )
            full = done < len(data) and (count == len(found) or values + len(names) > len(room))
            tape, records = room[:values], found[:count]
            if named and count:
                named, tape, records = False, tape[tape[:, REC] > 0], records[1:]
                tape[:, REC] -= 1
            made = None
            if len(records):
                made = _make_batch(data, value_tape.drop_useless(data, tape, roles.answers), records, labels, tally)
            data = data[done:].copy() if done > limits.batch_bytes else data[done:]  # nobody holds a long row twice
            if made is not None:
                yield made
                del made
        tail = data.tobytes()
        if len(tail) > limits.record_bytes:
            yield _skip_rest(stream, tally, len(tail))
            return


def _make_batch(data: Any, tape: Any, records: Any, names: list[str], tally: Tally) -> pa.RecordBatch:
    found = views.build_views(data, tape, len(records), names, columns=["", *names])
    out = views.make_batch(found, records[:, 2], tally.records)
    tally.count_records(records[:, 2], records[:, 1] - records[:, 0])
    unreadable_records.explain_first(data, records, tally)
    return out


def _skip_rest(stream: Stream, tally: Tally, size: int) -> pa.RecordBatch:
    """Give up within a row larger than the limit: what follows an open quote cannot be told apart from it."""
    out = views.make_batch(views.make_text_views(pa.nulls(1, pa.large_string())), np.array([LARGE]), tally.records)
    tally.count_records([LARGE], [size])
    tally.skip_bytes(stream.drain(), "a row larger than the record limit: its end is not known")
    return out


_FEWEST_ROWS = 5  # of a table that has no telling suffix
_SAMPLE_ROWS = 32  # lines: every one of them must be as wide as the first


def _is_table(opening: FileHead) -> bool:
    """Say whether text without a telling suffix is a table beyond doubt: prose has commas too."""
    sample = b"\n".join(opening.head.split(b"\n", _SAMPLE_ROWS)[:_SAMPLE_ROWS])
    if _is_no_table(sample):
        return False
    found = guess_dialect(sample)
    return (
        found is not None
        and found.share == 1.0
        and found.width >= (2 if found.delimiter == "\t" else 4)
        and found.rows >= _FEWEST_ROWS
    )


def _is_no_table(sample: bytes) -> bool:
    """Say whether text is no table beyond doubt, in a hundredth of the time that it takes to try every dialect."""
    if sample.count(b"\n") + sample.count(b"\r") < _FEWEST_ROWS - 1:
        return True
    if b'"' in sample or b"\0" in sample:
        return False
    first, second, *_ = [*filter(None, _LINE_ENDS.split(sample.removeprefix(b"\xef\xbb\xbf"))), b"", b""]
    return all(first.count(mark) == 0 or first.count(mark) != second.count(mark) for mark in _DELIMITER_BYTES)


_LINE_ENDS = re.compile(rb"[\r\n]")
_DELIMITER_BYTES = tuple(mark.encode() for mark in DELIMITERS)

RECORD_FORMAT = RecordFormat("csv", read, suffixes=("csv", "tsv", "tab", "psv"), guess=_is_table, bounded=True)
