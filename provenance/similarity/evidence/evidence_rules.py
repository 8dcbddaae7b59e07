"""What decides which matches are evidence, as numbers: files, their sources, licences, contents and splits.

Matches are counted by kernels, which compare numbers. What the numbers are of is known before anything is counted: who
covers a file, what its licence keeps, which files are known originals, and the profiles' minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from provenance.licences import terms
from provenance.licences.compatibility import find_losses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Ints = npt.NDArray[np.int64]


class FileCode(IntEnum):
    """What is known of a file, as rows of `EvidenceRules.codes`."""

    SOURCE = 0
    """Number of its source."""
    GROUP = 1
    """Number of its source and licence together."""
    LICENCE = 2
    """Number of its licence; 0 = none whose terms are known."""
    ORIGINAL = 3
    """Whether it is the original file of a known data set."""
    CONTENT = 4
    """Number of its bytes: of two files the same where their bytes are the same; below 0 = not known."""
    HELD_OUT = 5
    """Whether it is held out for a test or validation."""
    TRAINING = 6
    """Whether it is trained on."""
    BEFORE = 7
    """Number of what it is a split of."""
    BEHIND = 8
    """Number of the cut; 0 = it names none."""
    UNIQUE = 9
    """Whether no two of its records have the same text."""
    UNNAMED = 10
    """Whether nothing says which split it is, so that it is trained on as far as anybody knows."""
    FOLD = 11
    """Number of the fold of a cross-validation; 0 = it names none."""
    RECORDS = 12
    """Its records that could be read."""


class FileSplit(Protocol):
    """Which split a file is, and of what."""

    @property
    def held_out(self) -> bool:
        """Whether it is held out, or else trained on."""

    @property
    def before(self) -> tuple[str, ...]:
        """What it is a split of: a file is held out from one of the same."""

    @property
    def behind(self) -> tuple[str, ...]:
        """The cut: a file is held out from one of the same, or of none."""

    @property
    def folds(self) -> tuple[tuple[str, str], ...]:
        """The folds of a cross-validation that it names: what one holds out another trains on."""


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """What decides which matches are evidence.

    Args:
        minimum: distinctive shingles that a match must rest on.
        paths: files by number, sorted.
        sources: sources by number, sorted.
        licences: SPDX by number; the first is "": none whose terms are known.
        codes: int64[FileCode, files].
        groups: int64[2, groups]: source and licence of each pair of them.
        keeps: bool[licences, licences]: whether the first keeps all terms of the second, which a known original has.
    """

    minimum: int
    paths: pa.Array
    sources: pa.Array
    licences: pa.Array
    codes: Ints
    groups: Ints
    keeps: npt.NDArray[np.bool_]

    def find_leaks(self, a: Ints, b: Ints) -> npt.NDArray[np.bool_]:
        """Tell which files are held out from which.

        Within a source a file is held out from the training files of the same set. It is held out from what another
        source trains on, whatever that calls its parts, and from files there of which nothing says what they are.

        Args:
            a: numbers of files.
            b: numbers of others.
        """
        trained = self.codes[FileCode.TRAINING] | self.codes[FileCode.UNNAMED]
        leaks = np.flatnonzero(self.codes[FileCode.HELD_OUT][a] & trained[b])
        found = np.zeros(len(a), np.bool_)
        a, b = a[leaks], b[leaks]
        own = self.codes[FileCode.SOURCE, a] == self.codes[FileCode.SOURCE, b]
        of_one_set = self.codes[FileCode.BEFORE, a] == self.codes[FileCode.BEFORE, b]
        within = (self.codes[FileCode.TRAINING, b] > 0) & of_one_set & self._is_one_cut(FileCode.BEHIND, a, b)
        found[leaks[np.where(own, within, self._is_one_cut(FileCode.FOLD, a, b))]] = True
        return found

    def _is_one_cut(self, code: FileCode, a: Ints, b: Ints) -> npt.NDArray[np.bool_]:
        """Tell of which files neither names another cut than the other does."""
        cut_a, cut_b = self.codes[code, a], self.codes[code, b]
        one: npt.NDArray[np.bool_] = (cut_a == 0) | (cut_b == 0) | (cut_a == cut_b)
        return one

    def save(self, folder: Path) -> str:
        """Write them where workers read them; return the folder."""
        folder.mkdir(exist_ok=True)
        names = {"paths": self.paths, "sources": self.sources, "licences": self.licences}
        for name, values in names.items():
            table = pa.table({name: values})
            with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        np.savez(folder / "codes.npz", minimum=self.minimum, codes=self.codes, groups=self.groups, keeps=self.keeps)
        return str(folder)


def load_rules(folder: Path) -> EvidenceRules:
    """Read what `EvidenceRules.save` wrote.

    Args:
        folder: where they are.
    """
    with np.load(folder / "codes.npz") as arrays:
        minimum, codes, groups, keeps = (arrays[name] for name in ("minimum", "codes", "groups", "keeps"))
    paths, sources, licences = (_read_names(folder / name) for name in ("paths", "sources", "licences"))
    return EvidenceRules(int(minimum), paths, sources, licences, codes, groups, keeps)


def _read_names(path: Path) -> pa.Array:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all().column(0).combine_chunks()


def make_rules(
    paths: Iterable[str],
    files: pa.Table,
    *,
    minimum: int,
    originals: Mapping[str, str],
    splits: Mapping[str, FileSplit],
    unnamed: Iterable[str] = (),
) -> EvidenceRules:
    """Number what is known of files.

    Args:
        paths: of files by number, sorted; all of them have a source in FILES.
        files: FILES.
        minimum: distinctive shingles that a match must rest on.
        originals: path -> id of the known data set whose original file it is.
        splits: which split files are, by path.
        unnamed: data files of which nothing says which split they are.
    """
    names = pa.array(paths, pa.string())
    row = pc.index_in(names, value_set=files["path"].combine_chunks())
    source, licence, digest = (files[name].combine_chunks().take(row) for name in ("source", "licence", "sha256"))
    sources = pc.unique(source).sort()
    licences, licence_number = _number_licences(licence)
    codes = np.zeros((len(FileCode), len(names)), np.int64)
    codes[FileCode.SOURCE] = pc.index_in(source, value_set=sources).to_numpy()
    codes[FileCode.LICENCE] = licence_number
    together = codes[FileCode.SOURCE] * len(licences) + licence_number
    pairs, codes[FileCode.GROUP] = np.unique(together, return_inverse=True)
    codes[FileCode.ORIGINAL] = _find_names(names, originals)
    codes[FileCode.UNNAMED] = _find_names(names, set(unnamed) - set(originals))
    codes[FileCode.CONTENT] = pc.fill_null(digest.dictionary_encode().indices, -1).to_numpy()
    for code, column in _count_records(files).items():
        codes[code] = column.take(row).to_numpy(zero_copy_only=False)
    _number_splits(codes, names, splits)
    original = np.unique(licence_number[codes[FileCode.ORIGINAL] > 0])
    return EvidenceRules(
        minimum, names, sources, licences, codes, np.array(np.divmod(pairs, len(licences))),
        _find_kept(licences.to_pylist(), original.tolist()),
    )  # fmt: skip


def _number_licences(licence: pa.Array) -> tuple[pa.Array, Ints]:
    """Number licences whose terms are known; one of which nothing is known is as good as none."""
    stated = [each for each in pc.unique(licence).to_pylist() if each is not None]
    known = pa.array(["", *sorted(each for each in stated if each and terms.is_known(each))], pa.string())
    return known, pc.fill_null(pc.index_in(licence, value_set=known), 0).to_numpy().astype(np.int64)


def _find_names(names: pa.Array, chosen: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Tell which names are among some."""
    found: npt.NDArray[np.bool_] = pc.is_in(names, value_set=pa.array(sorted(chosen), pa.string())).to_numpy(
        zero_copy_only=False
    )
    return found


def _count_records(files: pa.Table) -> dict[FileCode, pa.Array]:
    """Count the records of files, and tell in which no text stands twice."""
    if "records_distinct" not in files.column_names:
        return {}  # nobody asks how many records or texts there are
    readable = pc.subtract(files["records"], files["records_unreadable"]).combine_chunks()
    unique = pc.and_(pc.equal(files["records_distinct"], readable), pc.greater(readable, 0))
    return {FileCode.RECORDS: readable, FileCode.UNIQUE: unique.combine_chunks()}


def _number_splits(codes: Ints, names: pa.Array, splits: Mapping[str, FileSplit]) -> None:
    """Write which files are held out from which; equal words have one number."""
    words: dict[tuple[object, ...], int] = {(): 0}
    stated = list(splits)
    place = pc.index_in(pa.array(stated, pa.string()), value_set=names)
    for file, path in zip(place.to_pylist(), stated, strict=True):
        if file is None:
            continue
        split = splits[path]
        codes[FileCode.HELD_OUT if split.held_out else FileCode.TRAINING, file] = 1
        codes[FileCode.BEFORE, file] = words.setdefault(split.before, len(words))
        codes[FileCode.BEHIND, file] = words.setdefault(split.behind, len(words))
        codes[FileCode.FOLD, file] = words.setdefault(split.folds, len(words))


def _find_kept(licences: list[str], original: list[int]) -> npt.NDArray[np.bool_]:
    """Compare every licence with those of known originals; who states none has dropped none but the original's."""
    keeps = np.zeros((len(licences), len(licences)), np.bool_)
    for other in original:
        keeps[0, other] = other > 0
        for mine in range(1, len(licences) if other else 0):
            keeps[mine, other] = not find_losses(licences[mine], licences[other])
    return keeps
