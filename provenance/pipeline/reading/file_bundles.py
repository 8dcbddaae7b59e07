"""How the files of a scan are cut into parts that workers read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

BUNDLE_BYTES = 32 << 20
"""Bytes of files that make a bundle."""

BUNDLE_FILES = 2048
"""Files of a bundle, at most."""


@dataclass(frozen=True, slots=True)
class FileToRead:
    """One file to look at.

    Args:
        path: as in PATHS.
        location: where it is on disk.
        role: as in PATHS; only `data` yields records.
        format: of a file that is not data: what it is.
        reason: why its content counts as skipped.
        bytes: on disk.
        views: column and role, where a manifest overrides the published table.
        policy: the file of policies and the source in it, where a manifest names what sites said.
        head: bytes of a large file of lines to read, the rest being out of the sample; None = all.
        bounded: whether only a bounded reader may read it (`RecordFormat.bounded`), for this process is not to be lost.
    """

    path: str
    location: bytes
    role: str
    format: str | None
    reason: str | None
    bytes: int
    views: tuple[tuple[str, str], ...] = ()
    policy: tuple[str, str] | None = None
    head: int | None = None
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class FileBundle:
    """Some files, and where to write.

    Args:
        number: of the bundle.
        files: what to read, in this order.
        scratch: folder for scratch files.
        threads: that work on batches.
        fold_chinese: whether traditional characters count as their simplified ones.
        secret: what record trees are salted with, which is never written anywhere; None = none are made.
    """

    number: int
    files: tuple[FileToRead, ...]
    scratch: str
    threads: int = 1
    fold_chinese: bool = False
    secret: bytes | None = field(default=None, repr=False)


def cut_by_size(files: Iterable[FileToRead]) -> list[tuple[FileToRead, ...]]:
    """Cut files into parts of about BUNDLE_BYTES bytes and at most BUNDLE_FILES files, largest first.

    Args:
        files: any.

    Returns:
        Parts that hold something; together they hold every file once.
    """
    bundles_made: list[list[FileToRead]] = [[]]
    size = 0
    for file in sorted(files, key=lambda each: (-each.bytes, each.path)):
        if bundles_made[-1] and (size + file.bytes > BUNDLE_BYTES or len(bundles_made[-1]) >= BUNDLE_FILES):
            bundles_made.append([])
            size = 0
        bundles_made[-1].append(file)
        size += file.bytes
    return [tuple(part) for part in bundles_made if part]


def make_bundles(
    files: Sequence[FileToRead],
    scratch: Path,
    workers: int = 1,
    *,
    fold_chinese: bool = False,
    secret: bytes | None = None,
) -> list[FileBundle]:
    """Cut files into bundles of about BUNDLE_BYTES bytes, largest first so that no worker is left with the longest.

    Args:
        files: what to read.
        scratch: folder for scratch files.
        workers: processes that share the work; those that find no bundle lend their core to the others as a thread.
        fold_chinese: whether traditional characters count as their simplified ones.
        secret: what record trees are salted with; None = none are made.

    Returns:
        Bundles; together they hold every file once, and none both files that are `bounded` and others.
    """
    parts = [
        part for bounded in (False, True) for part in cut_by_size(file for file in files if file.bounded is bounded)
    ]
    threads = max(1, workers // max(1, len(parts)))
    return [FileBundle(number, part, str(scratch), threads, fold_chinese, secret) for number, part in enumerate(parts)]


def split_bundle(bundle: FileBundle) -> Iterable[FileBundle]:
    """Cut a bundle that took its process down into one bundle a file, to find the file that does it."""
    for place, file in enumerate(bundle.files):
        number = (bundle.number + 1) * 1_000_000 + place
        yield replace(bundle, number=number, files=(file,))
