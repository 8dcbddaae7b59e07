"""The keys of JSON: which repeat in an object; which make a column, that has a number and a name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from provenance.readers.records.field_views import MOST_COLUMNS
from provenance.readers.records.personal_columns import LONGEST_NAME
from provenance.readers.records.value_tape import DEAD, FLAGS

COUNT, BYTES, AROUND = range(3)
"""What `counts` counts: columns; bytes of their names; and the column in which all values of a reading are."""

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio


@njit(nogil=True, cache=True)
def enter_key(entry: int, base: int, mask: int, sums: Any, rows: Any, slots: Any, tape: Any) -> int:
    """Enter a key; where its object has it already, kill that value's rows, for the last one wins, and return 1.

    Args:
        entry: number of the key in its record.
        base: what is below it in `slots` is of records before.
        mask: how many slots are used, less one.
        sums: hash of each key, and of its object.
        rows: first and last row of each key's value.
        slots: keys by hash.
        tape: of values.
    """
    at = np.int64(sums[entry] & np.uint64(mask))
    while slots[at] >= base:
        other = slots[at] - base
        if sums[other] == sums[entry]:
            for k in range(rows[other, 0], rows[other, 1]):
                tape[k, FLAGS] |= DEAD
            slots[at] = base + entry
            return 1
        at = (at + 1) & mask
    slots[at] = base + entry
    return 0


class Columns(NamedTuple):
    """The columns that were seen, for kernels."""

    counts: Any  # int64[3]
    slots: Any  # int32[:]: numbers of columns by hash of their path, 0 where there is none
    sums: Any  # uint64[:]: that hash, by number
    parts: Any  # int32[:, 3]: by number: the column around it, 0 = none; where its key begins and ends in `names`
    names: Any  # uint8[:]


def prepare_columns() -> Columns:
    """Set memory aside for columns."""
    return Columns(
        np.zeros(3, np.int64),
        np.zeros(4 * MOST_COLUMNS, np.int32),
        np.empty(MOST_COLUMNS + 1, np.uint64),
        np.empty((MOST_COLUMNS + 1, 3), np.int32),
        np.empty(MOST_COLUMNS * LONGEST_NAME, np.uint8),
    )


@njit(nogil=True, cache=True)
def number_column(buf: Any, start: int, end: int, sum_: np.uint64, around: int, columns: Any) -> Any:
    """Return the number of a column: of its key and the column around it.

    Args:
        buf: bytes.
        start: where its key begins.
        end: where it ends.
        sum_: hash of the key.
        around: number of the column around it; 0 = it stands at the top.
        columns: that were seen; gains one that was not.

    Returns:
        Its number from 1; where there are too many, that of the column around it.
    """
    counts, slots, sums = columns.counts, columns.slots, columns.sums
    path = (sum_ + np.uint64(around)) * _SPREAD
    mask = np.uint64(slots.shape[0] - 1)
    at = path >> np.uint64(32) & mask
    while slots[at] != 0:
        if sums[slots[at]] == path:
            return np.int64(slots[at])
        at = (at + np.uint64(1)) & mask
    number, used, size = counts[COUNT] + 1, counts[BYTES], end - start
    if number >= sums.shape[0] or used + size > columns.names.shape[0]:
        return np.int64(around)
    for k in range(size):
        columns.names[used + k] = buf[start + k]
    columns.parts[number, 0], columns.parts[number, 1], columns.parts[number, 2] = around, used, used + size
    slots[at], sums[number] = number, path
    counts[COUNT], counts[BYTES] = number, used + size
    return np.int64(number)


def name_columns(columns: Columns) -> list[str]:
    """Return the names of columns by number, the first one empty: `outer.inner` where they are nested.

    Args:
        columns: that were seen.
    """
    names = [""]
    for around, start, end in columns.parts[1 : columns.counts[COUNT] + 1].tolist():
        own = columns.names[start:end].tobytes().decode("utf-8", "replace")
        names.append(f"{names[around]}.{own}" if around else own)
    return names
