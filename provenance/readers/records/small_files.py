"""Many small files read together: one batch for all of one format, and their accounts as columns.

To open, recognise and read one file costs a thousand times what its few bytes do. So small files are gathered until
there are enough of a format, and read in one call. Whatever is out of the ordinary (a broken document, a reader without
such a call, one that fails) is given back, to be read by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.readers import storage
from provenance.readers.records import format_detection
from provenance.readers.records.formats import FORMATS
from provenance.readers.records.record_format import SmallFiles
from provenance.readers.records.tally import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from provenance.readers.records.column_roles import Roles
    from provenance.readers.records.record_format import RecordFormat, SmallRecords

SMALL_BYTES = format_detection.HEAD_BYTES
"""Bytes of a small file: all of it is what a format is recognised by."""

RUN_BYTES = 1 << 20
"""Bytes of files that are read together."""

RUN_FILES = 4096
"""Files that are read together, at most."""

FEWEST = 64
"""Files that are read together, at least: fewer are read in less time than it takes to load the kernels for many."""

ACCOUNTS = pa.schema(
    [
        ("path", pa.string()), ("format", pa.string()), ("bytes", pa.int64()), ("bytes_consumed", pa.int64()),
        ("bytes_skipped", pa.int64()), ("skip_reason", pa.string()), ("records", pa.int64()),
        ("records_unreadable", pa.int64()), ("sha256", pa.string()),
    ],
    metadata={"table": "ACCOUNTS", "grain": "one file or member: its account, as of `records.Account`"},
)  # fmt: skip

_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins, which is transcoded first


@dataclass(frozen=True, slots=True)
class FileRun:
    """Small files that were read together.

    Args:
        accounts: ACCOUNTS, one row a file.
        table: rows of RECORDS, file by file in this order; `row` is as in each file.
        counts: int64: rows of each file.
    """

    accounts: pa.Table
    table: pa.RecordBatch
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LoneFile:
    """A small file that is to be read by itself.

    Args:
        path: its name.
        content: its bytes.
    """

    path: str
    content: bytes


def _is_plain(content: bytes) -> bool:
    """Tell whether bytes are UTF-8 in lines that end as usual: of all else something is decided first."""
    if content[:2] in _WIDE or storage.has_old_line_ends(content):
        return False
    return content.isascii() or storage.guess_encoding(content, cut=False) is None


@dataclass(slots=True)
class _Run:
    paths: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    bytes: int = 0


class SmallFileReader:
    """Gathers small files by format, and reads those of one format together.

    Args:
        roles: which column means what.
    """

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._runs: dict[str, _Run] = {}
        self._full: list[str] = []

    def take(self, path: str, content: bytes) -> bool:
        """Take a file, if its format is one of which many are read together.

        Args:
            path: its name.
            content: all of its bytes, SMALL_BYTES at most.

        Returns:
            Whether it was taken; if not, it is to be read by itself.
        """
        name = format_detection.detect_format(content, path)
        if name not in FORMATS or FORMATS[name].read_small is None or not _is_plain(content):
            return False
        is_lone = FORMATS[name].is_lone
        if is_lone is not None and is_lone(content):
            return False
        run = self._runs.setdefault(name, _Run())
        run.paths.append(path)
        run.contents.append(content)
        run.bytes += len(content)
        if run.bytes >= RUN_BYTES or len(run.paths) >= RUN_FILES:
            self._full.append(name)
        return True

    @property
    def waiting(self) -> bool:
        """Whether files wait to be read."""
        return bool(self._runs)

    def read(self, *, rest: bool = False) -> Iterator[FileRun | LoneFile]:
        """Read what was gathered.

        Args:
            rest: whether also to read what would wait for more files.

        Yields:
            The files of one format, and then each of them that is to be read by itself.
        """
        names = list(self._runs) if rest else self._full
        self._full = []
        for name in names:
            yield from _read_run(FORMATS[name], self._runs.pop(name), self._roles)


def _read_run(form: RecordFormat, run: _Run, roles: Roles) -> Iterator[FileRun | LoneFile]:
    if len(run.paths) < FEWEST:
        yield from map(LoneFile, run.paths, run.contents)
        return
    sizes = np.fromiter(map(len, run.contents), np.int64, len(run.contents))
    ends = np.cumsum(sizes + 1) - 1
    data = np.frombuffer(b"".join(part for content in run.contents for part in (content, b"\n")), np.uint8)
    try:
        found = form.read_small(SmallFiles(data, ends - sizes, ends), roles) if form.read_small is not None else None
    except Exception:  # noqa: BLE001 - whichever file it was, read by itself it says so
        found = None
    # a file with an unreadable record is read by itself, which says why it is
    whole = np.zeros(len(sizes), np.bool_) if found is None else (found.counts >= 0) & (found.unreadable == 0)
    if found is not None and whole.any():
        kept = np.repeat(whole, np.maximum(found.counts, 0))
        batch = found.batch if kept.all() else found.batch.filter(pa.array(kept))
        yield FileRun(_make_accounts(form.name, run, sizes, found, whole), batch, found.counts[whole])
    for place in np.flatnonzero(~whole).tolist():
        yield LoneFile(run.paths[place], run.contents[place])


def _make_accounts(
    name: str, run: _Run, sizes: npt.NDArray[np.int64], found: SmallRecords, whole: npt.NDArray[np.bool_]
) -> pa.Table:
    places = np.flatnonzero(whole).tolist()
    skipped = np.minimum(sizes, found.skipped)[whole]
    reasons = pc.if_else(pa.array(found.unreadable[whole] > 0), BROKEN, pa.scalar(None, pa.string()))
    columns = [
        [run.paths[place] for place in places],
        pa.repeat(name, len(places)),
        sizes[whole],
        sizes[whole] - skipped,
        skipped,
        reasons,
        found.counts[whole],
        found.unreadable[whole],
        [hashlib.sha256(run.contents[place]).hexdigest() for place in places],
    ]
    return pa.table(columns, schema=ACCOUNTS)
