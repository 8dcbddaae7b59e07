"""Detectors: what stands in records, as counts by kind and state; never the text itself, nor a digest of it.

A detector is one file with one verb, `observe`: a batch of RECORDS in, OBSERVED out. To add one: the file, one line in
DETECTORS, one case table. What a count means for anybody is for a check to say.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pyarrow as pa

from provenance import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

DETECTORS: tuple[str, ...] = ()
"""Every detector by name."""

_KEY = ["detector", "kind", "state"]


def observe(batch: pa.RecordBatch) -> pa.Table:
    """Let every detector look at some records.

    Args:
        batch: rows of RECORDS of one file.

    Returns:
        OBSERVED; a kind and state stands once a detector.
    """
    names = (name.replace("-", "_") for name in DETECTORS)
    return add([import_module(f"provenance.detectors.{name}").observe(batch) for name in names])


def add(seen: Sequence[pa.Table]) -> pa.Table:
    """Add up what was seen in several batches of one file.

    Args:
        seen: OBSERVED, any number of them.

    Returns:
        OBSERVED, one row a detector, kind and state, sorted by them.
    """
    held = [table for table in seen if table.num_rows]
    if not held:
        return schemas.OBSERVED.empty_table()
    counted = [("records", "sum"), ("values", "sum"), ("bytes", "sum"), ("row", "min")]
    added = pa.concat_tables(held).group_by(_KEY).aggregate(counted)
    added = added.rename_columns([*_KEY, "records", "values", "bytes", "row"])
    return schemas.ordered(schemas.conform(added, schemas.OBSERVED), *_KEY)
