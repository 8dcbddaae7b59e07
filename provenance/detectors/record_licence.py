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

UNRECOGNISED, SILENT = "unrecognised", "none"
"""Kinds of records of which the statement names no licence that is known, and of those that state nothing."""

_MOST_REMEMBERED = 1 << 16  # statements


def observe(batch: pa.RecordBatch, files: Ints | None = None) -> pa.Table:
    """Count records by the licence that they state.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.

    Returns:
        OBSERVED, by file where there are several: the kind is an SPDX expression, UNRECOGNISED or SILENT, the state
        `stated` or `missing`. Nothing of a batch of which no record states a licence. Values are records.
    """
    if batch["licence"].null_count == len(batch):
        return (schemas.OBSERVED if files is None else BY_FILE).empty_table()
    column = pc.if_else(pc.is_null(batch["error"]), batch["licence"], None).dictionary_encode(null_encoding="mask")
    named = [_name(value) for value in column.dictionary.to_pylist()]
    kinds = sorted({*named, SILENT})
    code_of = {kind: code for code, kind in enumerate(kinds)}
    codes_of_values = np.array([*(code_of[kind] for kind in named), code_of[SILENT]], np.int64)
    indices = np.asarray(pc.fill_null(column.indices, len(named)))
    places = np.flatnonzero(np.asarray(pc.is_null(batch["error"])))
    keys = [(kind, "missing" if kind == SILENT else "stated") for kind in kinds]
    codes = codes_of_values[indices[places]]
    order = np.argsort(codes, kind="stable")
    return count_values("record-licence", batch, files, keys=keys, codes=codes[order], places=places[order])


@lru_cache(_MOST_REMEMBERED)
def _name(statement: str) -> str:
    if not statement.strip():
        return SILENT
    expression = normalise(statement).expression
    # a long list of licences is the legend of a data set, not what a record is under
    return UNRECOGNISED if expression is None or (len(statement) >= STATED and " AND " in expression) else expression


DETECTOR = Detector("record-licence", observe)
