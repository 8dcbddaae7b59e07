"""Small files of JSON, many in one call: lines, an array, or one record a file.

What takes more than a glance (a broken document, a table in an object, strings that hold JSON) is left to be read by
itself, so that there is one place that says what such a document is.
"""


# numba compiles chained comparisons and loops to jumps, and knows neither sets nor all().

# ruff: noqa: PLR1714, SIM109 - a kernel is one automaton in one piece

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from provenance.readers.records import json_columns, small_records, string_kernels, views
from provenance.readers.records.characters import LOWER_A, LOWER_F, NINE, OPEN_BRACE, OPEN_BRACKET, ZERO
from provenance.readers.records.column_roles import RECORD
from provenance.readers.records.json_kernel import (
    ARRAY,
    BATCH_VALUES,
    CHECKED,
    DONE,
    ERROR,
    LINES,
    ONE,
    OPEN,
    PHASE,
    RECORDS,
    TAPE,
    close_record,
    prepare_work,
    scan_records,
    skip_space,
)
from provenance.readers.records.json_survey import survey_members
from provenance.readers.records.string_kernels import OK
from provenance.readers.storage import LIMITS

if TYPE_CHECKING:
    from provenance.readers.records import column_roles
    from provenance.readers.records.record_format import SmallFiles, SmallRecords


_FEWEST_STRINGS = 4  # strings by id that make a table, as in `json_shapes`


@njit(nogil=True, cache=True)
def _is_one_record(buf: Any, n: int, members: Any) -> Any:
    """Say whether a valid object is one record beyond doubt: nothing in it may be a table (`json_shapes`)."""
    count = survey_members(buf, n, members)
    if count < 0:
        return False
    nested, numbered = 0, 0
    for k in range(count):
        c = buf[members[k, 2]]
        if c == OPEN_BRACE or c == OPEN_BRACKET:
            nested += 1
            if members[k, 4] > 0 and members[k, 5] != 0:
                return False
        last = buf[members[k, 1] - 1]
        numbered += (ZERO <= last <= NINE) or (LOWER_A <= (last | 32) <= LOWER_F)
    return nested < count if nested else (count < _FEWEST_STRINGS or numbered < count)


@njit(nogil=True, cache=True)
def _scan_document(buf: Any, i: int, n: int, largest: int, most: int, kind: int, members: Any, work: Any) -> Any:
    """Read a document that is an array or an object; return False where it is not one of these beyond doubt."""
    rank: Any = np.int64(0)
    tape = work.counts[TAPE]
    i = skip_space(buf, i, n, False)
    if i >= n:
        return False
    if buf[i] == OPEN_BRACKET:
        work.counts[PHASE] = OPEN
        end = scan_records(buf, i + 1, n, True, ARRAY, largest, most, most, kind, rank, rank, work)
        return work.counts[PHASE] == DONE and skip_space(buf, end, n, False) >= n
    if buf[i] != OPEN_BRACE:
        return False
    checked: Any = np.int64(CHECKED)
    end = scan_records(buf, i, n, True, ONE, largest, most, most, checked, rank, rank, work)
    if work.counts[ERROR] != OK or skip_space(buf, end, n, False) < n:
        return False
    if not _is_one_record(buf[i:end], end - i, members):
        return False
    scan_records(buf, i, end, True, ONE, largest, most, most, kind, rank, rank, work)
    close_record(i, end, work.counts[ERROR], tape, work)
    return work.counts[ERROR] == OK


@njit(nogil=True, cache=True)
def _scan_files(
    buf: Any, starts: Any, ends: Any, by_lines: bool, largest: int, most: int, kind: int, members: Any, work: Any,
    counts: Any,
) -> None:  # fmt: skip
    """Read many files; `counts` gains the records of each, -1 where it is to be read by itself."""
    rank: Any = np.int64(0)
    for file in range(starts.shape[0]):
        n, records, tape = ends[file], work.counts[RECORDS], work.counts[TAPE]
        i = string_kernels.skip_byte_order_mark(buf, starts[file], n)
        if by_lines:
            scan_records(buf, i, n, True, LINES, largest, most, most, kind, rank, rank, work)
            whole = True
        else:
            whole = _scan_document(buf, i, n, largest, most, kind, members, work)
        if whole and work.counts[RECORDS] < most and work.counts[TAPE] < most:
            counts[file] = work.counts[RECORDS] - records
        else:
            counts[file] = -1
            work.counts[RECORDS], work.counts[TAPE] = records, tape


def read_lines(files: SmallFiles, roles: column_roles.Roles) -> SmallRecords:
    """Read small files of JSON Lines together, as `json.read_lines` reads each.

    Args:
        files: their bytes.
        roles: which key means what.

    Returns:
        RECORDS of all of them, one row a line.
    """
    return _read(files, roles, by_lines=True)


def read_documents(files: SmallFiles, roles: column_roles.Roles) -> SmallRecords:
    """Read small documents of JSON together, as `json.read` reads each.

    Args:
        files: their bytes.
        roles: which key means what.

    Returns:
        RECORDS of those that are an array or one record.
    """
    return _read(files, roles, by_lines=False)


def _read(files: SmallFiles, roles: column_roles.Roles, *, by_lines: bool) -> SmallRecords:
    work = prepare_work(len(files.data), LIMITS.nesting_levels, roles)
    longest = int((files.ends - files.starts).max())
    members = np.empty((longest // 4 + 1, 7), np.int32)
    counts = np.zeros(len(files.starts), np.int64)
    _scan_files(
        files.data, files.starts, files.ends, by_lines, LIMITS.record_bytes, BATCH_VALUES, RECORD, members, work, counts
    )
    total = int(work.counts[RECORDS])
    found = work.records[:total]
    built = views.build_views(
        files.data, work.tape[: work.counts[TAPE]], total, columns=json_columns.name_columns(work.columns)
    )
    return small_records.number_records(views.make_batch(built, found[:, 2], 0), counts, found)
