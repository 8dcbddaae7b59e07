"""Values dealt out to partitions, a file each: what is too large to be handled at once is handled a part at a time.

Whoever deals groups values by partition, some at a time, and each group goes to the end of its file. No file stays
open: there may be more partitions than a process may have files.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from provenance.core.scratch.scratch_arrays import open_array

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


class PartitionFiles:
    """Values of one type by partition: add them all, then take each partition, once.

    Args:
        folder: where files may be made.
        name: what their names begin with; no two of a folder that are in use at a time share it.
        dtype: of a value.
    """

    def __init__(self, folder: Path, name: str, dtype: npt.DTypeLike) -> None:
        self._folder, self._name, self._dtype = folder, name, np.dtype(dtype)
        self.bytes_written = 0

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}.{number}"

    def add(self, values: npt.NDArray[Any], ends: npt.NDArray[np.int64]) -> None:
        """Write some values.

        Args:
            values: of the files' dtype, those of a partition together.
            ends: n + 1 offsets: where those of each partition begin.
        """
        for number in np.flatnonzero(np.diff(ends)).tolist():
            with self._path(number).open("ab", 0) as file:
                file.write(values[ends[number] : ends[number + 1]].data)
        self.bytes_written += values.nbytes

    def take(self, number: int, most: int) -> npt.NDArray[Any]:
        """Return the values of a partition, which cannot be written to, and remove its file.

        Args:
            number: of the partition.
            most: bytes that may be read into memory; what is larger is mapped.
        """
        path = self._path(number)
        path.touch()
        large = path.stat().st_size > most
        values = open_array(path, self._dtype) if large else np.fromfile(path, self._dtype)
        values.setflags(write=False)  # of one type, mapped or not: one kernel is compiled for both
        with contextlib.suppress(PermissionError):  # a system that keeps what is mapped
            path.unlink()
        return values
