"""Tables that lie in files of which nobody knows the name: mapped, and gone with whoever looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from provenance.core.scratch import scratch_folders

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def map_table(path: Path) -> pa.Table:
    """Map a table that is an Arrow file; it takes memory only while it is looked at.

    Args:
        path: the file; it may be removed, and lasts as long as the table all the same.
    """
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def spill_table(parts: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Write a table to a file and map it: it does not take the memory that it would need.

    Args:
        parts: its rows, some at a time.
        schema: of the table.

    Raises:
        LimitExceeded: there is no room for the file.
    """
    with scratch_folders.temporary_folder() as folder, scratch_folders.explain_no_room(folder):
        path = folder / "table"
        with pa.ipc.new_file(str(path), schema) as writer:
            for part in parts:
                writer.write_batch(part)
        return map_table(path)
