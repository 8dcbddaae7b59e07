"""Long records that would take much memory to compare: they are unreadable, and are counted and said as such.

The reader bounds a record's bytes. Normalised, it may still have eleven times as many, and marks without letters are
put in order all at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.wording import count_noun
from provenance.readers.storage import LIMITS
from provenance.similarity.text import normalisation

if TYPE_CHECKING:
    from provenance.readers.records import Account

LONG = 4 << 20
"""Bytes of text up to which no record is looked at here: whatever it holds, it takes little memory."""

NORMALISED = LIMITS.record_bytes + LIMITS.record_bytes // 2
"""Bytes that a normalised record may have."""

SEGMENT = 1 << 22
"""Code points that may stand in one segment: a letter and the marks that join it."""

GROWS = f"normalised, larger than {NORMALISED:,} bytes"
JOINS = f"more than {SEGMENT:,} marks on one letter"


def refuse(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Take the views from records that would take too much memory, and give them an error.

    Args:
        batch: rows of RECORDS.

    Returns:
        The batch, and the bytes of text that are not compared.
    """
    sizes = np.asarray(pc.fill_null(pc.binary_length(batch["whole"]), 0))
    errors = {int(row): error for row in np.flatnonzero(sizes > LONG) if (error := _error(batch["whole"], int(row)))}
    if not errors:
        return batch, 0
    lost = pa.array(np.isin(np.arange(len(batch)), list(errors)))
    messages = pa.array([errors.get(row) for row in range(len(batch))], pa.string())
    columns = []
    for field in schemas.RECORDS:
        column = batch[field.name]
        if field.name == "error":
            column = pc.coalesce(messages, column)
        elif field.name not in {"row", "offset"}:
            column = pc.if_else(lost, pa.scalar(None, column.type), column)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schemas.RECORDS), int(sizes[list(errors)].sum())


def _error(texts: pa.LargeStringArray, row: int) -> str | None:
    data, offsets = normalisation.buffers(texts.slice(row, 1))
    size, longest = normalisation.growth(data[offsets[0] : offsets[1]])
    if size > NORMALISED:
        return GROWS
    return JOINS if longest > SEGMENT else None


def unread(account: Account, refused: int, size: int) -> Account:
    """Count records that were refused as unreadable.

    Args:
        account: of their file or member, as its reader gave it.
        refused: how many.
        size: bytes of their text.
    """
    if not refused:
        return account
    skipped = min(account.bytes, account.bytes_skipped + max(1, min(size, account.bytes_consumed)))
    reason = (
        f"{count_noun(refused, 'record')} would take too much memory to compare (they are {GROWS}, or have {JOINS})"
    )
    return replace(
        account,
        bytes_consumed=account.bytes - skipped,
        bytes_skipped=skipped,
        records_unreadable=account.records_unreadable + refused,
        skip_reason=f"{account.skip_reason}; {reason}" if account.skip_reason else reason,
    )
