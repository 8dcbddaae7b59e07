"""Where a bundle writes as it reads: the identities of its records, view by view.

One bundle, one scratch file a view. They hold MEMBERS whose `file` is the number of the path in this bundle;
`match_plan` maps it to the number in the whole scan. A second file a view holds SETS of the nodes, from which
`compare_view` finds near matches: 219 bytes a record; the hashes that they speak of, about 8 bytes a word, and 9 where
a record has several views, all bundles add to one file. A third holds the sketch of every file, at most 128 KiB each.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from provenance.core.scratch.scratch_arrays import SharedArray
from provenance.pipeline.reading.field_texts import ColumnNumbers
from provenance.similarity.candidates import near_pairs
from provenance.similarity.candidates.distinct_texts import SETS_FILE_NAME
from provenance.similarity.evidence import exact_matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.pipeline.reading.file_bundles import FileBundle

_MEMBERS, _SETS, _SKETCHES = "members", "sets", "sketches"  # what a scratch file holds


class ScratchFiles:
    """Where a bundle writes as it reads: MEMBERS, SETS and SKETCHED, one file each a view."""

    def __init__(self, bundle: FileBundle) -> None:
        self._bundle = bundle
        self._open: dict[tuple[str, str], tuple[str, pa.OSFile, pa.RecordBatchFileWriter]] = {}
        self._stored: SharedArray | None = None
        self.columns = ColumnNumbers()

    @property
    def files(self) -> dict[str, tuple[tuple[Any, ...], ...]]:
        """Return what was written, by field of BundleResult: views and paths; and the columns of fields."""
        return {
            "columns": self.columns.names,
            "parts": self._paths_by_view(_MEMBERS),
            "sets": self._paths_by_view(_SETS),
            "sketches": self._paths_by_view(_SKETCHES),
        }

    def _paths_by_view(self, kind: str) -> tuple[tuple[str, str], ...]:
        return tuple((view, path) for (view, own), (path, _, _) in sorted(self._open.items()) if own == kind)

    def share(self, view: str, numbers: Any, rows: Any, nodes: pa.Table) -> None:
        """Write which texts the records of some files have.

        Args:
            view: one of model.VIEWS, or model.FIELD.
            numbers: of each of NODES the number of its file.
            rows: and that of its record in the file.
            nodes: NODES.
        """
        columns = [pa.array(numbers), pa.array(rows), *(nodes[name] for name in ("low", "high"))]
        self._write(view, _MEMBERS, pa.table(columns, schema=exact_matches.MEMBERS))

    def describe(self, described: Mapping[str, near_pairs.DescribedTexts], records: int) -> None:
        """Write the shingles of some records, those of all views once.

        Args:
            described: texts by view; `row` of their nodes is the place of the record.
            records: how many there are.
        """
        united, placed = near_pairs.unite_descriptions(list(described.values()), records)
        if not len(united):
            return
        if self._stored is None:
            self._stored = SharedArray(sets_file(Path(self._bundle.scratch)), np.uint64)
        place = self._stored.add(united)
        for (view, each), sets in zip(described.items(), placed, strict=True):
            if len(each.keys):
                self._write(view, _SETS, each.to_sets(sets, place))

    def sketch(self, view: str, sketched: pa.Table) -> None:
        """Write the sketches of some files: SKETCHED."""
        if sketched.num_rows:
            self._write(view, _SKETCHES, sketched)

    def _write(self, view: str, kind: str, table: pa.Table) -> None:
        self._writer(view, kind, table.schema).write_table(table)

    def _writer(self, view: str, kind: str, schema: pa.Schema) -> pa.RecordBatchFileWriter:
        if (view, kind) not in self._open:
            path = str(Path(self._bundle.scratch) / f"{view}-{kind}-{self._bundle.number:012d}.arrow")
            sink = pa.OSFile(path, "wb")
            self._open[view, kind] = (path, sink, pa.ipc.new_file(sink, schema))
        return self._open[view, kind][2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _path, sink, writer in self._open.values():
            writer.close()
            sink.close()
        if self._stored is not None:
            self._stored.close()


def sets_file(scratch: Path) -> Path:
    """Return the file of all sets.

    Args:
        scratch: folder for scratch files.
    """
    return scratch / SETS_FILE_NAME
