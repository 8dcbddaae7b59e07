"""Arrays that are files: what grows with the corpus lies in scratch, and costs no memory that cannot be given back."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path


def create_array(path: Path, dtype: npt.DTypeLike, shape: int | tuple[int, int]) -> npt.NDArray[Any]:
    """Make an array of zeros that is a file.

    Args:
        path: the file to make.
        dtype: of its values.
        shape: of the array.
    """
    if not np.prod(shape):  # what is empty cannot be mapped
        path.touch()
        return np.zeros(shape, dtype)
    with path.open("wb") as file:  # a page that has no room would end the process when it is written
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
    return np.asarray(np.memmap(path, dtype, "r+", shape=shape))


def open_array(path: Path, dtype: npt.DTypeLike, mode: str = "r") -> npt.NDArray[Any]:
    """Map a file that holds the values of one array.

    Args:
        path: the file.
        dtype: of its values.
        mode: r | r+, as of `numpy.memmap`.
    """
    if not path.stat().st_size:
        return np.zeros(0, dtype)
    # numpy types `mode` by its four literals
    values: npt.NDArray[Any] = np.asarray(np.memmap(path, dtype, mode))  # type: ignore[call-overload]
    return values


class ColumnFiles:
    """Columns of one length that grow at their end, a file each.

    Args:
        folder: where the files are.
        name: what the files' names begin with.
        types: the type of each column's values, by name.
    """

    def __init__(self, folder: Path, name: str, types: Mapping[str, npt.DTypeLike]) -> None:
        self._columns = [(folder / f"{name}-{column}", np.dtype(types[column])) for column in types]
        self._files = [path.open("wb") for path, _ in self._columns]
        self.count = 0

    def add(self, *columns: npt.NDArray[Any]) -> None:
        """Write some rows.

        Args:
            columns: values of every column, in their order.
        """
        for file, (_, dtype), values in zip(self._files, self._columns, columns, strict=True):
            file.write(np.ascontiguousarray(values, dtype).data)
        self.count += len(columns[0])

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


@contextlib.contextmanager
def _alone(file: FileIO) -> Iterator[None]:
    """Keep other processes from writing to a file; a killed one's lock goes with it."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(sys.maxsize - 1)  # a byte that is never written
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if sys.platform == "win32":
            file.seek(sys.maxsize - 1)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)


class SharedArray:
    """An array that is a file and that several processes write to, each at its end in turn.

    Args:
        path: the file; made where it is not there yet.
        dtype: of its values.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        path.touch()
        self._file = path.open("r+b", buffering=0)

    def add(self, values: npt.NDArray[Any]) -> int:
        """Write some values.

        Args:
            values: all of them stand side by side.

        Returns:
            The place of the first among all that were written.
        """
        data = np.ascontiguousarray(values, self._dtype).view(np.uint8).data
        with _alone(self._file):
            end = self._file.seek(0, os.SEEK_END)
            place = -(-end // self._dtype.itemsize)  # whoever wrote before may have been killed within a value
            self._file.seek(place * self._dtype.itemsize)
            while data:
                data = data[self._file.write(data) :]
        return place

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def map_columns(folder: Path, name: str, types: Mapping[str, npt.DTypeLike]) -> list[npt.NDArray[Any]]:
    """Map what `ColumnFiles` wrote.

    Args:
        folder: as it was given there; name and types likewise.
        name: see there.
        types: see there.
    """
    return [open_array(folder / f"{name}-{column}", dtype) for column, dtype in types.items()]
