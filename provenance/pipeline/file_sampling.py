"""A look in minutes: some files of every source, chosen by digest, and the heads of very large ones.

What is not in the sample counts as skipped, with that reason; every row of COVERAGE says that it saw a sample, and no
result on a sample is better than `not examined`. The same data and share give the same sample anywhere, and whoever
names files cannot choose it without trying. Manifests, licences and documents are always read in full.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.digests import sha256
from provenance.core.model import CONFORMS, NOT_EXAMINED, NOTHING_FOUND, UNSAMPLED
from provenance.errors import ConfigError
from provenance.readers import records
from provenance.sources.read_results import BundleResult, enter_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa

    from provenance.pipeline.reading.file_bundles import FileToRead

SEED = "sample/v1"
"""What is digested with each path: recorded, so that a sample can be drawn again."""

LARGE_FILE = 64 << 20
"""Bytes from which on only the head of a file of lines is read: the share of it, and at least HEAD_BYTES."""

HEAD_BYTES = 16 << 20
"""Bytes of a large file that are read at least."""

STEP = "sample"
"""Name of its row in COVERAGE."""

_SHARE = re.compile(r"\s*(\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})\s*(%?)\s*")


@dataclass(frozen=True, slots=True)
class FileSample:
    """What is read of a scan, and what is not.

    Args:
        share: of the bytes of each source, in (0, 1).
        files: what is read, heads marked; all that is no data too.
        left: data files that are not opened.
        frame: data files there are, and their bytes.
        drawn: data files that are read, and the bytes that are asked of them.
    """

    share: float
    files: tuple[FileToRead, ...]
    left: tuple[FileToRead, ...]
    frame: tuple[int, int]
    drawn: tuple[int, int]

    @property
    def facts(self) -> dict[str, Any]:
        """What the entry says of it."""
        named = (("frame", self.frame), ("drawn", self.drawn))
        return {"share": self.share, "seed": SEED} | {
            name: {"files": files, "bytes": size} for name, (files, size) in named
        }

    @property
    def sentence(self) -> str:
        """What the first lines of a report say."""
        (there, of), (read, size) = self.frame, self.drawn
        heads = sum(file.head is not None for file in self.files)
        large = f", of {heads:,} of them no more than the head" if heads else ""
        return (
            f"SAMPLED at {self.share * 100:g} % of the bytes of each source: {read:,} of {there:,} data files{large}, "
            f"{size:,} of {of:,} bytes. Shares and counts are of the sample; copies whose other side is not in it are "
            "not found; no result rests on it"
        )


def parse_share(text: str) -> float:
    """Read a share: `1%`, `0.5 %` or `0.01`.

    Args:
        text: as given on the command line.

    Returns:
        In (0, 1).

    Raises:
        ConfigError: it is no share, nothing, or everything.
    """
    found = _SHARE.fullmatch(text)
    value = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < value < 1:
        raise ConfigError(f"{text!r} is no share of the data: give 1% or 0.01; for all of it, leave --sample out")
    return value


def draw_sample(files: Sequence[FileToRead], covering: Callable[[str], str], part: float) -> FileSample:
    """Choose what is read: of each source at least one file, and on until the share of its bytes is reached.

    Args:
        files: all there is to read.
        covering: path -> source.
        part: the share, in (0, 1).

    Returns:
        The sample; the same for the same paths and sizes.
    """
    groups: dict[str, list[FileToRead]] = defaultdict(list)
    chosen = []
    for file in files:
        if file.role == "data" and file.reason is None:
            groups[covering(file.path)].append(file)
        else:
            chosen.append(file)
    left_out: list[FileToRead] = []
    wanted_files = count = 0
    for group in groups.values():
        wanted, taken = part * sum(file.bytes for file in group), 0
        for place, file in enumerate(sorted(group, key=_draw_number)):
            if place and taken >= wanted:
                left_out.append(file)
                continue
            head = max(HEAD_BYTES, int(part * file.bytes)) if file.bytes > LARGE_FILE else None
            chosen.append(replace(file, head=head))
            taken += head or file.bytes
            count += 1
        wanted_files += taken
    everything = [file for group in groups.values() for file in group]
    frame = (len(everything), sum(file.bytes for file in everything))
    return FileSample(part, tuple(chosen), tuple(left_out), frame, (count, wanted_files))


def _draw_number(file: FileToRead) -> str:
    return sha256(f"{SEED}\0{file.path}".encode())


def account_for_unread(files: Iterable[FileToRead]) -> BundleResult:
    """Account for files that are not opened.

    Args:
        files: what is left out.
    """
    return enter_accounts(
        [records.Account(file.path, None, file.bytes, 0, file.bytes, UNSAMPLED, 0, 0, None, ()) for file in files], -1
    )


def note_sample(coverage: pa.Table, sample: FileSample) -> pa.Table:
    """Say in every row of COVERAGE that it saw a sample, and first how large that was.

    Args:
        coverage: COVERAGE.
        sample: what was read.
    """
    rows = coverage.to_pylist()
    for row in rows:
        row["reason"] = "sampled" + (f"; {row['reason']}" if row["reason"] else "")
    sample_row = {name: rows[0][name] for name in ("records_seen", "records_unreadable")}
    first = {"check": STEP, "status": "ran", "reason": sample.sentence} | sample_row
    return schemas.rows([first, *rows], schemas.COVERAGE)


def drop_unopened(files: pa.Table) -> tuple[pa.Table, bool]:
    """Leave out what the checks must not judge: data of which not a byte was looked at.

    Args:
        files: FILES.

    Returns:
        The others, and whether the scan was a sample.
    """
    sampled = pc.fill_null(pc.starts_with(files["skip_reason"], UNSAMPLED), fill_value=False)
    closed = pc.and_(sampled, pc.equal(files["bytes_consumed"], 0))
    return files.filter(pc.invert(closed)), bool(pc.any(sampled).as_py())


def withdraw_unsupported(verdicts: pa.Table) -> pa.Table:
    """Take back every observation and assessment that only all of the data can support; what is open stays.

    Args:
        verdicts: VERDICTS.
    """
    rows = verdicts.to_pylist()
    for row in rows:
        about_data = row["answered_by"] == "machine" or row["about"] == "data"
        if row["observed"] == NOTHING_FOUND or (about_data and row["assessed"] == CONFORMS):
            row["observed"], row["assessed"], row["assessor"] = NOT_EXAMINED, None, None
            row["reason"] = "sampled: a sample shows faults, never that there are none"
    return schemas.rows(rows, schemas.VERDICTS)
