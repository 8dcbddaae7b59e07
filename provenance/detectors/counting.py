"""From values found in records to counts by file, kind and state: columns, whatever number of files a batch is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = npt.NDArray[np.int64]

BY_FILE = pa.schema(
    [pa.field("file", pa.int64(), nullable=False), *schemas.OBSERVED],
    metadata={"table": "BY_FILE", "grain": "what one detector saw in some records of one file, by its number"},
)


def count_values(
    detector: str,
    batch: pa.RecordBatch,
    files: Ints | None,
    *,
    keys: Sequence[tuple[str, str]],
    codes: Ints,
    places: Ints,
) -> pa.Table:
    """Count values by file, kind and state.

    Args:
        detector: its name.
        batch: rows of RECORDS.
        files: of each record its file, ascending; None = all are of one.
        keys: kinds and states.
        codes: of each value the place of its kind and state in `keys`.
        places: of each value the place of its record in the batch.

    Returns:
        BY_FILE, or OBSERVED where all are of one file; `bytes` are of the text of the records counted.
    """
    schema = schemas.OBSERVED if files is None else BY_FILE
    if not len(codes):
        return schema.empty_table()
    pairs, values = np.unique(codes * len(batch) + places, return_counts=True)
    code, place = np.divmod(pairs, len(batch))
    file = np.zeros(len(place), np.int64) if files is None else files[place]
    first = np.flatnonzero(np.append(True, (code[1:] != code[:-1]) | (file[1:] != file[:-1])))
    sizes = np.asarray(pc.fill_null(pc.binary_length(batch["whole"]), 0)).astype(np.int64)
    rows = np.asarray(batch["row"])
    columns = [
        pa.array([detector] * len(first), pa.string()),
        *(pa.array([key[part] for key in keys], pa.string()).take(pa.array(code[first])) for part in (0, 1)),
        pa.array(np.diff(np.append(first, len(place)))),
        pa.array(np.add.reduceat(values.astype(np.int64), first)),
        pa.array(np.add.reduceat(sizes[place], first)),
        pa.array(np.minimum.reduceat(rows[place], first)),
    ]
    return pa.table([*([] if files is None else [pa.array(file[first])]), *columns], schema=schema)
