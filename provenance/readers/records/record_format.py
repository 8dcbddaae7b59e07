"""What a format of records declares of itself, and what it is asked when a file is to be recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from provenance.readers.records.tally import Tally


@dataclass(frozen=True, slots=True)
class FileHead:
    """How a text begins.

    Args:
        head: its first bytes, 64 KiB or all, as UTF-8.
        body: the same without byte order mark and white space before them; never empty.
        suffix: the last suffix of its path, in lower case and without its dot.
    """

    head: bytes
    body: bytes
    suffix: str


@dataclass(slots=True)
class Section:
    """A part of a file that is a file of its own in tables, as a member of an archive is: `data.json!/train`.

    Args:
        name: of the part.
        size: its bytes.
        sha256: of them, hexadecimal.
        tally: of its records.
        batches: RECORDS batches, rows from 0.
    """

    name: str
    size: int
    sha256: str
    tally: Tally
    batches: Iterator[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """The bytes of small files of one format, one file after the other, a newline behind each.

    Args:
        data: uint8, read-only.
        starts: int64: where each file begins.
        ends: int64: where it ends, its newline left out.
    """

    data: Any
    starts: Any
    ends: Any


@dataclass(frozen=True, slots=True)
class SmallRecords:
    """The records of small files, in the order of the files.

    Args:
        batch: rows of RECORDS; `row` and `offset` are as in each file.
        counts: int64: records of each file; -1 of a file that must be read by itself, of which nothing is in `batch`.
        unreadable: int64: how many of them have an error.
        skipped: int64: bytes of each file that those take.
    """

    batch: pa.RecordBatch
    counts: Any
    unreadable: Any
    skipped: Any


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """A format of records: how it is recognised, and who reads it.

    A file is recognised by the first of these that says so, over all formats in the order of the registry: `magic`,
    `sniff`, `suffixes`, `guess`. What nothing recognises is text.

    Args:
        name: as FILES.format names it.
        read: yields RECORDS batches: of a stream, its tally, limits and column roles, `read(stream, tally, limits,
            roles)`; with `seekable` of a file and its bytes, `read(file, size, tally, limits, roles=roles)`.
        suffixes: endings of paths that decide where the content leaves a choice; a format with `sniff` weighs its own.
        magic: bytes with which a file of this format begins; a format that has any is binary.
        sniff: tells whether a text is of this format beyond doubt, whatever it is called.
        guess: tells whether a text without a telling suffix is of this format.
        seekable: it is read by random access.
        by_lines: a file may be cut after any line, and what is before the cut is whole.
        read_small: reads many small files in one call, `read_small(files, roles)`, as `read` would read each; None = it
            reads them one at a time.
        is_lone: tells by its bytes that a small file is to be read by itself all the same; None = none is.
        only_records: such a file holds records whatever it is called; False where manifests and documents have the
            same form.
        bounded: its reader is a kernel of ours that is total and takes bounded memory: no file can make it die.
    """

    name: str
    read: Callable[..., Iterator[pa.RecordBatch]]
    suffixes: tuple[str, ...] = ()
    magic: tuple[bytes, ...] = ()
    sniff: Callable[[FileHead], bool] | None = None
    guess: Callable[[FileHead], bool] | None = None
    seekable: bool = False
    by_lines: bool = False
    read_small: Callable[[SmallFiles, Any], SmallRecords] | None = None
    is_lone: Callable[[bytes], bool] | None = None
    only_records: bool = True
    bounded: bool = False
