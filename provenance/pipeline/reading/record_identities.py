"""Where a bundle writes as it reads: the identities of its records, view by view.

One bundle, one scratch file a view. They hold MEMBERS whose `file` is the number of the path in this bundle;
`match_plan` maps it to the number in the whole scan. A second file a view holds SETS of the nodes, from which
`resemble` finds near matches: 208 bytes a record; the hashes that they speak of, about 8 bytes a word, all bundles add
to one file a view. A third holds the sketch of every file, at most 128 KiB each.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from provenance.core.scratch.scratch_arrays import SharedArray
from provenance.similarity.evidence import exact_matches

if TYPE_CHECKING:
    from provenance.pipeline.reading.file_bundles import FileBundle
    from provenance.similarity.candidates import near_pairs

_MEMBERS, _SETS, _SKETCHES = "members", "sets", "sketches"  # what a scratch file holds


class ScratchFiles:
    """Where a bundle writes as it reads: MEMBERS, SETS and SKETCHED, one file each a view."""

    def __init__(self, bundle: FileBundle) -> None:
        self._bundle = bundle
        self._open: dict[tuple[str, str], tuple[str, pa.OSFile, pa.RecordBatchFileWriter]] = {}
        self._hashes: dict[str, SharedArray] = {}

    @property
    def files(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return what was written, by field of `observed.Observed`: views and paths."""
        return {
            "parts": self._paths_by_view(_MEMBERS),
            "sets": self._paths_by_view(_SETS),
            "sketches": self._paths_by_view(_SKETCHES),
        }

    def _paths_by_view(self, kind: str) -> tuple[tuple[str, str], ...]:
        return tuple((view, path) for (view, own), (path, _, _) in sorted(self._open.items()) if own == kind)

    def share(self, view: str, numbers: Any, rows: Any, nodes: pa.Table) -> None:
        """Write which texts the records of some files have.

        Args:
            view: one of model.VIEWS.
            numbers: of each of NODES the number of its file.
            rows: and that of its record in the file.
            nodes: NODES.
        """
        columns = [pa.array(numbers), pa.array(rows), *(nodes[name] for name in ("low", "high", "distinct"))]
        self._write(view, _MEMBERS, pa.table(columns, schema=exact_matches.MEMBERS))

    def describe(self, view: str, described: near_pairs.DescribedTexts) -> None:
        """Write the shingles of texts."""
        if len(described.keys):
            if view not in self._hashes:
                self._hashes[view] = SharedArray(hashes_file(Path(self._bundle.scratch), view), np.uint64)
            place = self._hashes[view].add(described.hashes)
            self._write(view, _SETS, described.to_sets(place))

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
        for shared in self._hashes.values():
            shared.close()


def hashes_file(scratch: Path, view: str) -> Path:
    """Return the file of the hashes of all sets of a view.

    Args:
        scratch: folder for scratch files.
        view: one of model.VIEWS.
    """
    return scratch / f"{view}-hashes"
