"""Nodes: the distinct texts of a view, brought together from what workers saw, on disk.

A node is a distinct normalised text, numbered as it comes: what is found does not depend on the numbers. It has a set
of shingles, and *members*: the records that hold it. Two orderings bring them together, see `external_sort`. By hash,
records meet the row of SETS that stands for their text; by that row, they meet each other. From there on all goes node
by node. A *cell* is one node in one file, a *group* one node in one source.

The sets stay where workers wrote them, one file for all views, and a node says where its own is: copying them in order
would write them once more. Scratch costs about 8 bytes a distinct shingle of a record, and one more where it has
several views; of each view 300 bytes a node and 50 a record, and while they are put together 300 bytes a node and 56 of
each once more; memory does not grow with them.

Texts of several views may be brought together: the number of a member's view stands above the ROW_BITS bits of its row.

Whoever is killed over it may begin again: nothing that it was given goes before all that is made of it is there.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provenance.core.scratch.external_sort import Ordering
from provenance.core.scratch.scratch_arrays import ColumnFiles, create_array, map_columns, open_array
from provenance.similarity.candidates import minhash
from provenance.similarity.text.shingle_sets import MaskedSets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provenance.similarity.text import shingle_sets

Ints = npt.NDArray[np.int64]

SETS_FILE_NAME = "sets"
"""The file beside the views' scratch folders that holds the sets of all records, each once."""

PLACES = (("start", pa.int64()), ("stop", pa.int64()), ("width", pa.uint8()), ("bit", pa.int16()))
"""Columns that say where a set is in that file: `shingle_sets.PlacedSets`."""

ROW_BITS = 44
"""Bits of the number of a record in `row`; above them stands the number of its view, where there are several."""

VIEWS_FILE_NAME = "views"
"""The file in the folder of nodes of several views that says of every node which views its members are, uint8."""

ONLY_FILE_NAME = "alone"
"""The file in a view's scratch folder that says of every node the one file in which it stands, -1 = several; int32."""

_TEXT = np.dtype([("low", "u8"), ("high", "u8"), ("row", "i8"), ("file", "i8")])  # file -1: a row of SETS
_MEMBER = np.dtype([("set", "u8"), ("file", "i8"), ("row", "i8")])
_MEMBERS = {"file": "i4", "row": "i8"}
_CELLS = {"owner": "i4", "start": "i8", "held": "i8"}
_PLACES: dict[str, npt.DTypeLike] = {name: type_.to_pandas_dtype() for name, type_ in PLACES} | {"distinct": "i8"}
_NODES: dict[str, npt.DTypeLike] = {"low": "u8", "high": "u8", "words": "i8"} | _PLACES
_DONE = "nodes-done"  # a file that is there once all others are


class Cells(NamedTuple):
    """Nodes in files, or in sources.

    Args:
        first: n + 1 offsets: where those of each node begin.
        owner: number of the file, or of the source; those of a node sorted.
        start: the first of its members, among all members.
        members: how many members it has.
    """

    first: Ints
    owner: npt.NDArray[np.int32]
    start: Ints
    members: Ints


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of one view; the arrays are files.

    Args:
        low: XXH64 of the texts.
        high: their second hash.
        words: words.
        sets: their sets of shingles.
        keys: of the bands, band by band.
        first: n + 1 offsets into members.
        file: of every member, node by node; those of a node sorted by file and row.
        row: of every member.
        cells: nodes in files.
        groups: nodes in sources.
    """

    low: shingle_sets.Hashes
    high: shingle_sets.Hashes
    words: Ints
    sets: MaskedSets
    keys: shingle_sets.Hashes
    first: Ints
    file: npt.NDArray[np.int32]
    row: Ints
    cells: Cells
    groups: Cells

    def __len__(self) -> int:
        return len(self.low)

    def in_several_files(self, nodes: slice) -> npt.NDArray[np.bool_]:
        """Tell which nodes stand in two files or more.

        Args:
            nodes: which.
        """
        elsewhere: npt.NDArray[np.bool_] = np.diff(self.cells.first[nodes.start : nodes.stop + 1]) > 1
        return elsewhere

    def only_file(self, nodes: slice) -> npt.NDArray[np.int32]:
        """Return of some nodes the one file in which each stands, -1 where it stands in several.

        Args:
            nodes: which.
        """
        first = self.cells.first[:-1][nodes]
        files: npt.NDArray[np.int32] = np.where(self.in_several_files(nodes), np.int32(-1), self.cells.owner[first])
        return files


class MembersFile(NamedTuple):
    """A scratch file of MEMBERS.

    Args:
        path: the file.
        numbers: the number in the scan of each file of its bundle.
        views: the number in the scan of each of its views, by what stands above the bits of a row; None = it has one
            view, and so have all others.
    """

    path: str
    numbers: npt.NDArray[Any]
    views: npt.NDArray[Any] | None = None


def read_batches(path: str) -> Iterator[pa.RecordBatch]:
    """Read a scratch file of Arrow, one batch after the other."""
    with pa.memory_map(path) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            if len(batch):
                yield batch


def build_nodes(
    sets: Sequence[str],
    members: Iterable[MembersFile],
    *,
    file_sources: Ints,
    scratch: Path,
    least: int = 0,
    keep: bool = False,
) -> Nodes:
    """Find the distinct texts among records, and who holds them.

    Args:
        sets: scratch files of SETS; they go once all of them are put together elsewhere.
        members: scratch files of MEMBERS.
        file_sources: the number of each file's source.
        scratch: a folder for what is put together; beside it is the file SETS_FILE_NAME, of which SETS speak.
        least: distinct shingles that a text must have; records of others are left out.
        keep: whether the files of SETS stay, for another view.

    Returns:
        The nodes.
    """
    if not (scratch / _DONE).exists():  # else they are there: whoever made them was killed later
        _put_together(sets, members, file_sources, scratch, least)
        (scratch / _DONE).touch()
    for path in () if keep else sets:
        with contextlib.suppress(PermissionError):  # a system that keeps what is mapped
            Path(path).unlink(missing_ok=True)
    return load_nodes(scratch)


def _put_together(
    sets: Sequence[str], members: Iterable[MembersFile], file_sources: Ints, scratch: Path, least: int
) -> None:
    texts = Ordering(scratch, "texts", _TEXT)
    rows = 0
    for path in sets:
        for batch in read_batches(path):
            long = np.flatnonzero(batch["distinct"].to_numpy() >= least)
            texts.add(_text_rows(batch, rows + np.arange(len(batch)), np.full(len(batch), -1))[long])
            rows += len(batch)
    for path, numbers, views in members:
        for batch in read_batches(path):
            row = batch["row"].to_numpy()
            if views is not None:
                row = row & (1 << ROW_BITS) - 1 | views[row >> ROW_BITS] << ROW_BITS
            texts.add(_text_rows(batch, row, numbers[batch["file"].to_numpy()]))
    members_by_set = Ordering(scratch, "held", _MEMBER, bits=max(1, rows.bit_length()))
    for part in texts:
        members_by_set.add(_match_members_to_sets(part))
    with contextlib.closing(_NodeWriter(scratch, file_sources)) as written:
        for part in members_by_set:
            if len(part):  # all texts of it may be too short
                written.add(part)
    _copy_sets(sets, scratch)


def load_nodes(scratch: Path) -> Nodes:
    """Return the nodes that `build_nodes` left in a folder.

    Args:
        scratch: the folder.
    """
    keys = open_array(scratch / "keys", np.uint64)
    low, high, words = map_columns(scratch, "node", {name: _NODES[name] for name in ("low", "high", "words")})
    (first,) = map_columns(scratch, "member", {"first": "i8"})
    file, row = map_columns(scratch, "member", _MEMBERS)
    return Nodes(
        low, high, words, load_sets(scratch), keys.reshape(minhash.BANDS, -1),
        first, file, row, _cells(scratch, "cell"), _cells(scratch, "group"),
    )  # fmt: skip


def load_sets(scratch: Path) -> MaskedSets:
    """Return the sets of the nodes that `build_nodes` left in a folder.

    Args:
        scratch: the folder.
    """
    return MaskedSets(open_array(scratch.parent / SETS_FILE_NAME, np.uint64), *map_columns(scratch, "node", _PLACES))


def load_hashes(scratch: Path) -> shingle_sets.Hashes:
    """Return the hashes of the texts of those nodes: `Nodes.low`.

    Args:
        scratch: the folder.
    """
    (low,) = map_columns(scratch, "node", {"low": _NODES["low"]})
    return low


def _cells(scratch: Path, name: str) -> Cells:
    return Cells(*map_columns(scratch, name, {"first": "i8"} | _CELLS))


def _text_rows(batch: pa.RecordBatch, row: Ints, file: Ints) -> npt.NDArray[Any]:
    texts = np.empty(len(batch), _TEXT)
    texts["low"], texts["high"] = batch["low"].to_numpy(), batch["high"].to_numpy()
    texts["row"], texts["file"] = row, file
    return texts


def _match_members_to_sets(texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give every record of some texts the first row of SETS that has its text."""
    other = np.diff(texts["high"]) != 0
    if (other & (np.diff(texts["low"]) == 0)).any():  # two texts with one low hash, or equal ones that are mixed up
        texts = texts.take(np.lexsort((texts["high"], texts["low"])))
        other = np.diff(texts["high"]) != 0
    first = np.flatnonzero(np.r_[True, other | (np.diff(texts["low"]) != 0)])
    is_set = texts["file"] < 0
    place = np.where(is_set, texts["row"], np.iinfo(np.int64).max)
    standing = np.repeat(np.minimum.reduceat(place, first), np.diff(np.r_[first, len(texts)]))
    is_member = ~is_set & (standing < np.iinfo(np.int64).max)
    found = np.empty(np.count_nonzero(is_member), _MEMBER)
    found["set"] = standing[is_member]
    for name in ("file", "row"):
        found[name] = texts[name][is_member]
    return found


class _NodeWriter:
    """Members, cells and groups as they are written, node by node."""

    def __init__(self, scratch: Path, owner: Ints) -> None:
        self._owner = owner
        self._standing = ColumnFiles(scratch, "node", {"standing": "i8"})
        self._members = ColumnFiles(scratch, "member", _MEMBERS)
        self._cells, self._groups = (ColumnFiles(scratch, name, _CELLS) for name in ("cell", "group"))
        self._firsts = [ColumnFiles(scratch, name, {"first": "i8"}) for name in ("member", "cell", "group")]
        for first in self._firsts:
            first.add(np.zeros(1, np.int64))

    def add(self, members: npt.NDArray[Any]) -> None:
        """Write the members of some nodes, all of each."""
        members = members.take(np.lexsort((members["row"], members["file"], members["set"])))
        node, file = members["set"], members["file"]
        start = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
        firsts = [self._members.count + np.r_[start[1:], len(node)]]
        place = np.arange(len(node))
        for written, owner in ((self._cells, file), (self._groups, self._owner[file])):
            order = place if owner is file else np.lexsort((owner, node))
            changed = np.r_[True, (np.diff(node[order]) != 0) | (np.diff(owner[order]) != 0)]
            begin = np.flatnonzero(changed)
            firsts.append(written.count + np.searchsorted(begin, np.r_[start[1:], len(node)]))
            count = np.diff(np.r_[begin, len(node)])
            written.add(owner[order][begin], self._members.count + order[begin], count)
        for column, first in zip(self._firsts, firsts, strict=True):
            column.add(first)
        self._standing.add(node[start])
        self._members.add(file, members["row"])

    def close(self) -> None:
        for each in (self._standing, self._members, self._cells, self._groups, *self._firsts):
            each.close()


def _copy_sets(sets: Sequence[str], scratch: Path) -> None:
    """Copy from SETS what belongs to the rows that stand for nodes; keys band by band."""
    (standing,) = map_columns(scratch, "node", {"standing": "i8"})
    keys = create_array(scratch / "keys", np.uint64, (minhash.BANDS, len(standing)))
    written = ColumnFiles(scratch, "node", _NODES)
    before = node = 0
    for path in sets:
        for batch in read_batches(path):
            rows = len(batch)
            stop = node + int(np.searchsorted(standing[node : node + rows], before + rows))
            if stop - node < rows:
                batch = batch.take(pa.array(standing[node:stop] - before))  # noqa: PLW2901 - what is kept of it
            before += rows
            keys[:, node:stop] = batch["keys"].flatten().to_numpy().reshape(-1, minhash.BANDS).T
            written.add(*(batch[name].to_numpy() for name in _NODES))
            node = stop
    written.close()
