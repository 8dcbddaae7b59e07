"""From which registrable domains records come, and what their sites said when they were crawled.

Reads: RECORDS(url, whole, row); the policy of the file's source. Records without an address yield nothing. Kinds are
registrable domains, states those of `origins.signals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from provenance import schemas
from provenance.origins import signals as origins
from provenance.origins import urls

if TYPE_CHECKING:
    from provenance.origins.signals import Policy

UNPARSABLE = "(unparsable)"
"""In place of the domain of what stands in a column of addresses and is none of the web."""


def observe(batch: pa.RecordBatch, signals: Policy) -> pa.Table:
    """Count records by the site they come from and what it said.

    Args:
        batch: rows of RECORDS of one file.
        signals: what is known of the sites of the file's source.

    Returns:
        OBSERVED; `values` are the records' addresses, one each.
    """
    has = pc.greater(pc.fill_null(pc.binary_length(batch["url"]), 0), 0)
    rows = pc.indices_nonzero(has)
    if not len(rows):
        return schemas.OBSERVED.empty_table()
    split = urls.split(batch["url"].take(rows))
    size = pc.fill_null(pc.binary_length(batch["whole"].take(rows)), 0)
    seen = pa.table(
        {
            "kind": pc.fill_null(urls.domains(split.field(0)), UNPARSABLE),
            "state": origins.states(signals, split),
            "bytes": size.cast(pa.int64()),
            "row": batch["row"].take(rows),
        }
    )
    counted = seen.group_by(["kind", "state"]).aggregate([("row", "count"), ("bytes", "sum"), ("row", "min")])
    counted = counted.rename_columns(["kind", "state", "records", "bytes", "row"])
    name = pa.array(["web"] * counted.num_rows, pa.string())
    counted = counted.append_column("detector", name).append_column("values", counted["records"])
    return schemas.conform(counted, schemas.OBSERVED)
