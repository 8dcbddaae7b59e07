"""Records of many small files in one batch: which of them are whose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from provenance.core import schemas
from provenance.readers.records.record_format import SmallRecords
from provenance.readers.records.string_kernels import OK

if TYPE_CHECKING:
    import numpy.typing as npt


def number_records(batch: pa.RecordBatch, counts: npt.NDArray[np.int64], found: Any) -> SmallRecords:
    """Number the records of each file from 0 on, and count those that are unreadable.

    Args:
        batch: rows of RECORDS of files that follow each other.
        counts: records of each file; -1 = none of them, for it is to be read by itself.
        found: int32[:, 3]: start, end and error code of each record.

    Returns:
        The records, numbered; an unreadable one without a byte costs the one where it should begin (`Tally`).
    """
    sizes = np.maximum(counts, 0)
    rows = np.arange(len(batch)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    files = np.repeat(np.arange(len(counts)), sizes)
    bad = found[:, 2] != OK
    lost = np.maximum(found[bad, 1] - found[bad, 0], 1)
    return SmallRecords(
        batch.set_column(0, schemas.RECORDS.field(0), pa.array(rows)),
        counts,
        np.bincount(files[bad], minlength=len(counts)),
        np.bincount(files[bad], weights=lost, minlength=len(counts)).astype(np.int64),
    )
