"""Under which licence each record states that it is: records by licence, where a column says so."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.model import STATED
from provenance.detectors.counting import BY_FILE, count_values
from provenance.detectors.detector import Detector
from provenance.licences.expressions import normalise

if TYPE_CHECKING:
    from provenance.detectors.counting import Ints

UNRECOGNISED = "unrecognised"
"""Kind of records of which the statement names no licence that is known."""

_MOST_REMEMBERED = 1 << 16  # statements


def observe(batch: pa.RecordBatch, files: Ints | None = None) -> pa.Table:
    """Count records by the licence that they state.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.

    Returns:
        OBSERVED, by file where there are several: the kind is an SPDX expression or UNRECOGNISED, the state `stated`.
        Records that state nothing are not counted. Values are records.
    """
    if batch["licence"].null_count == len(batch):
        return (schemas.OBSERVED if files is None else BY_FILE).empty_table()
    column = pc.if_else(pc.is_null(batch["error"]), batch["licence"], None).dictionary_encode()
    named = [_name(value) for value in column.dictionary.to_pylist()]
    kinds = sorted({kind for kind in named if kind is not None})
    code_of: dict[str | None, int] = {kind: code for code, kind in enumerate(kinds)}
    codes_of_values = np.array([*(code_of.get(kind, -1) for kind in named), -1], np.int64)
    codes = codes_of_values[np.asarray(pc.fill_null(column.indices, len(named)))]
    places = np.flatnonzero(codes >= 0)
    order = places[np.argsort(codes[places], kind="stable")]
    keys = [(kind, "stated") for kind in kinds]
    return count_values("record-licence", batch, files, keys=keys, codes=codes[order], places=order)


@lru_cache(_MOST_REMEMBERED)
def _name(statement: str) -> str | None:
    if not statement.strip():
        return None
    # what was cut was not read whole; a long list of licences is the legend of a data set, not what a record is under
    expression = normalise(statement).expression if len(statement) < STATED else None
    return UNRECOGNISED if expression is None else expression


DETECTOR = Detector("record-licence", observe)
