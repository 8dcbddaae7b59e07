"""How the files of a scan are cut into parts that workers read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

BUNDLE = 32 << 20
"""Bytes of files that make a bundle."""

MOST = 2048
"""Files of a bundle, at most."""


@dataclass(frozen=True, slots=True)
class File:
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


@dataclass(frozen=True, slots=True)
class Bundle:
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
    files: tuple[File, ...]
    scratch: str
    threads: int = 1
    fold_chinese: bool = False
    secret: bytes | None = field(default=None, repr=False)


def cut(files: Iterable[File]) -> list[tuple[File, ...]]:
    """Cut files into parts of about BUNDLE bytes and at most MOST files, largest first.

    Args:
        files: any.

    Returns:
        Parts that hold something; together they hold every file once.
    """
    made: list[list[File]] = [[]]
    size = 0
    for file in sorted(files, key=lambda each: (-each.bytes, each.path)):
        if made[-1] and (size + file.bytes > BUNDLE or len(made[-1]) >= MOST):
            made.append([])
            size = 0
        made[-1].append(file)
        size += file.bytes
    return [tuple(part) for part in made if part]


def bundles(
    files: Sequence[File],
    scratch: Path,
    workers: int = 1,
    *,
    fold_chinese: bool = False,
    secret: bytes | None = None,
) -> list[Bundle]:
    """Cut files into bundles of about BUNDLE bytes, largest first so that no worker is left with the longest.

    Args:
        files: what to read.
        scratch: folder for scratch files.
        workers: processes that share the work; those that find no bundle lend their core to the others as a thread.
        fold_chinese: whether traditional characters count as their simplified ones.
        secret: what record trees are salted with; None = none are made.

    Returns:
        Bundles; together they hold every file once.
    """
    parts = cut(files)
    threads = max(1, workers // max(1, len(parts)))
    return [Bundle(number, part, str(scratch), threads, fold_chinese, secret) for number, part in enumerate(parts)]


def alone(bundle: Bundle) -> Iterable[Bundle]:
    """Cut a bundle that took its process down into one bundle a file, to find the file that does it."""
    for place, file in enumerate(bundle.files):
        number = (bundle.number + 1) * 1_000_000 + place
        yield replace(bundle, number=number, files=(file,))
