"""Small data needs no pool: what our own bounded kernels read is read in the command's process, the rest by one worker.

To start worker processes and to load what they need takes longer than to scan a few megabytes. But a reader that dies
takes its process with it, and a worker is there to be lost: only formats whose readers are kernels of ours, which are
total (`RecordFormat.bounded`), are read where the ledger is written. Archives, compressed files and Parquet are not.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from provenance.core import engines
from provenance.core.processes import blocked_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from provenance.pipeline.reading.file_bundles import FileToRead

SMALL_BYTES = 4 << 20
"""Bytes of all files of small data: what one process reads and compares in less time than others take to start."""

SMALL_FILES = 500
"""Files of small data, at most."""

_DECODED = frozenset({"gz", "bz2", "xz", "zst", "lz4", "zip", "tar", "tgz", "parquet", "warc"})
"""Suffixes of files that a worker reads, as a rule: by them it is started before anybody has looked at the bytes."""


def survey_folder(folder: Path) -> tuple[bool, bool]:
    """Look how much a folder holds, before anything is imported that takes time.

    Args:
        folder: of data; what cannot be listed counts as empty, for whoever reads it says so.

    Returns:
        Whether it is small data as far as sizes tell; whether a worker is needed, as far as names tell.
    """
    size, count, decoded, folders = 0, 0, False, [os.fspath(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                        continue
                    size += entry.stat().st_size
                    count += 1
                    decoded = decoded or entry.name.rpartition(".")[2].lower() in _DECODED
                    if size > SMALL_BYTES or count > SMALL_FILES:
                        return False, decoded
        except OSError:
            continue
    return True, decoded


def is_small(files: Sequence[FileToRead], workers: int | None, memory: int | None) -> bool:
    """Tell whether a scan needs no pool.

    Args:
        files: of the scan.
        workers: that the user asked for; None = as many as are of use.
        memory: bytes that the user allows; None = no limit, by which workers are ended.

    Returns:
        True where the data are small and this process is the command's own: a notebook's is not lent to readers.
    """
    if workers is not None or memory is not None or not blocked_imports.is_own_process():
        return False
    return len(files) <= SMALL_FILES and sum(file.bytes for file in files) <= SMALL_BYTES


def mark_bounded(files: Sequence[FileToRead]) -> list[FileToRead]:
    """Mark the files that this process may read itself.

    Args:
        files: of small data.

    Returns:
        The same; `bounded` of those whose reader is bounded, and of those whose bytes are digested and no more.
    """
    from provenance.readers import records
    from provenance.readers.records.format_detection import HEAD_BYTES
    from provenance.readers.storage.regular_files import read_head

    def is_bounded(file: FileToRead) -> bool:
        if file.role != "data" or file.reason is not None:
            return True
        try:
            return records.is_bounded(records.detect_format(read_head(file.location, HEAD_BYTES), file.path))
        except OSError:
            return True  # nothing can be read of it

    return [replace(file, bounded=is_bounded(file)) for file in files]


def start_engine(name: str, ready: Callable[[], None]) -> engines.Engine:
    """Start what small data are scanned with.

    Args:
        name: one of engines.ENGINES, of which the worker is.
        ready: loads what the worker needs.

    Returns:
        The engine; close it when done.
    """
    return engines.LightEngine(_runs_here, lambda: engines.start(name, 1, ready))


def _runs_here(part: object) -> bool:
    """Tell whether this process may do a part: all but to read what a reader may die of."""
    return all(file.bounded for file in getattr(part, "files", ()))
