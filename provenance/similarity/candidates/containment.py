"""Texts that stand whole inside longer ones: a verse in an anthology, a question after a system prompt.

Every shingle of a text that stands word for word inside a longer one is a shingle of the longer one. So each text is
filed under one of its shingles, its *anchor*, and every shingle of every text is looked up among the anchors: one look
a shingle, whatever the number of texts. A text is filed under its lowest hash that few texts are filed under; one whose
ANCHORS_TRIED hashes all stand in crowds (the words of a template) is left aside, and COVERAGE says how many are.

A filter of fixed size says of nearly every shingle that it is no anchor. What it lets by is dealt out by hash, as the
anchors are: whoever shares a hash meets there, and is a candidate. Candidates are dealt out by the longer text and
counted exactly as its set comes by; a second shingle of the shorter text, which came along, spares a look at its set
where the two share little else. So the sets are gone through in order, twice; only of what stands inside are sets read
where they lie. Every round is an exchange of rows in partitions: each row is written and read once, and memory holds
the anchors of a partition, whatever looks them up.

Of a text that stands in more than HOLDERS_KEPT longer ones a share of those is kept, chosen by their hashes: it is
boilerplate then, and what is found must not grow with the square of what there is. What stands in one file alone is not
looked for in texts of that file. Where one file has most of the texts, these are looked up among the anchors of the
others, which are few.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core import engines
from provenance.core.scratch import partitions
from provenance.core.scratch.partitions import Partition, PartitionWriter
from provenance.core.scratch.scratch_arrays import ColumnFiles, map_columns, open_array
from provenance.similarity.candidates import anchor_filters, distinct_texts, view_pairs
from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR, lower_bound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from provenance.core.engines import Mapper
    from provenance.core.scratch.partitions import DealtFiles
    from provenance.similarity.text import shingle_sets
    from provenance.similarity.text.shingle_sets import MaskedSets, ShingleSets

Ints = npt.NDArray[np.int64]

LEAST_SHINGLES = 2
"""Distinct shingles (six words) that a text must have to be looked for inside others."""

TEXTS_PER_ANCHOR = 64
"""Texts that may be filed under one shingle."""

ANCHORS_TRIED = 8
"""Hashes of a text, lowest first, that are tried as its anchor."""

HOLDERS_KEPT = 64
"""Longer texts, about, that are kept of one text inside them."""

_CHUNK = 1 << 18  # texts, or pairs, gone through at a time
_RANGES_PER_WORKER = 4  # of the texts


def _schema(table: str, grain: str, **columns: pa.DataType) -> pa.Schema:
    fields = [pa.field(name, type_, nullable=False) for name, type_ in columns.items()]
    return pa.schema(fields, metadata={"table": table, "grain": grain})


_ANCHORS = _schema(
    "ANCHORS", "one text and the shingle that it is, or is to be, filed under; probe = its highest shingle",
    key=pa.uint64(), text=pa.int64(), probe=pa.uint64(), size=pa.int64(), file=pa.int32(),
)  # fmt: skip
_WAITING = _schema("WAITING", "one text that is filed under none of its lowest shingles so far", text=pa.int64())
_LOOKS = _schema(
    "LOOKS", "one shingle of one text that may be an anchor",
    key=pa.uint64(), text=pa.int64(), size=pa.int64(), file=pa.int32(),
)  # fmt: skip
_CANDIDATES = _schema(
    "CANDIDATES", "one text and another one filed under one of its shingles",
    longer=pa.int64(), shorter=pa.int64(), probe=pa.uint64(),
)  # fmt: skip
_FOUND = _schema("FOUND", "one text inside a longer one", shorter=pa.int64(), longer=pa.int64())
_PAIR = {"left": "i8", "right": "i8"}


class ContainedPairs(NamedTuple):
    """Texts inside longer ones, as pairs without order.

    Args:
        left: numbers of sets that stand whole inside those of `right`, at a Jaccard index below 0.8; a file.
        right: of the same.
        unfiled: texts that could be filed under no shingle.
        thinned: texts that stand in more longer ones than are kept.
        short: texts that are too short to be looked for.
    """

    left: Ints
    right: Ints
    unfiled: int
    thinned: int
    short: int = 0


class _Work(NamedTuple):
    """What every part of the work knows.

    Args:
        folder: in which nodes are, and files may be made.
        partitions: of hashes.
        ranges: of texts, as partitions of those.
        texts_per_range: a power of two.
        rank: which of a text's hashes is tried as its anchor.
        home: the file that alone has most of the texts; negative = none.
        bounds: of the anchors.
        across: whether nodes are of several views: then those are looked for that are prompts or columns.
    """

    folder: str
    partitions: int
    ranges: int
    texts_per_range: int
    rank: int = 0
    home: int = -1
    bounds: anchor_filters.FilterBounds = anchor_filters.FilterBounds(0, 0)
    across: bool = False

    def sets(self) -> MaskedSets:
        return distinct_texts.load_sets(Path(self.folder))

    def only_file(self) -> npt.NDArray[np.int32]:
        return open_array(Path(self.folder) / distinct_texts.ONLY_FILE_NAME, np.int32)

    def writer(self, name: str, schema: pa.Schema, count: int) -> PartitionWriter:
        return PartitionWriter(Path(self.folder), name, schema, count)

    def range_of(self, texts: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
        numbers: npt.NDArray[np.uint16] = (texts // self.texts_per_range).astype(np.uint16)
        return numbers


_NOTHING = Partition(0, ())


class _Part(NamedTuple):
    """Some texts, or a partition of rows.

    Args:
        work: what is known.
        number: of the part.
        texts: the first text, and the one before which they end.
        rows: a partition.
        anchors: the anchors of that partition.
    """

    work: _Work
    number: int
    texts: tuple[int, int] = (0, 0)
    rows: Partition = _NOTHING
    anchors: Partition = _NOTHING


class _Filed(NamedTuple):
    """The texts of a partition that were filed, and the others.

    Args:
        texts: texts of the partition.
        filed: of them, those that were filed.
        anchors: files of them.
        waiting: files of the others.
    """

    texts: int
    filed: int
    anchors: DealtFiles
    waiting: DealtFiles


def find_contained(folder: Path, engine: Mapper, *, across: bool = False) -> ContainedPairs:
    """Find every set that a larger one of another file holds whole, near ones left out.

    Args:
        folder: that holds the nodes, and of every one the one file in which it stands; files are made there.
        engine: what the parts run on.
        across: whether the nodes are of several views, of which VIEWS_FILE_NAME speaks.

    Returns:
        The pairs, and how many sets were left aside or have more holders than are kept.
    """
    sets, only_file = distinct_texts.load_sets(folder), open_array(folder / distinct_texts.ONLY_FILE_NAME, np.int32)
    count = sets.set_count
    row = sum(field.type.bit_width // 8 for field in _ANCHORS)
    ranges = partitions.count_partitions(row * count, engine.workers)
    per_range = 1 << max(0, (-(-count // ranges) - 1).bit_length())
    work = _Work(str(folder), ranges, ranges, per_range, home=_find_largest_file(only_file), across=across)
    cuts = np.linspace(0, count, _RANGES_PER_WORKER * engine.workers + 1).astype(int).tolist()
    pieces = [(number, *cut) for number, cut in enumerate(pairwise(cuts))]
    anchors, unfiled = _file_under_anchors(work, engine, pieces)
    candidates: list[Partition] = []
    if anchors:
        bounds = anchor_filters.write_filters(folder, lambda: _read_keys(anchors.values()), work.home)
        work = work._replace(bounds=bounds)
        looks = engines.exchange(engine, _deal_looks, [_Part(work, k, (first, last)) for k, first, last in pieces])
        parts = [
            _Part(work, each.number, rows=each, anchors=anchors[each.number])
            for each in looks
            if each.number in anchors
        ]
        candidates = engines.exchange(engine, _pair_texts, parts)
        partitions.remove_files([*looks, *anchors.values()])
    found = engines.exchange(engine, _check_holders, [_Part(work, each.number, rows=each) for each in candidates])
    partitions.remove_files(candidates)
    written, thinned = ColumnFiles(folder, "inside", _PAIR), 0
    for _, (kept, more) in engine.map(_thin_holders, [_Part(work, each.number, rows=each) for each in found]):
        thinned += more
        for piece in partitions.gather_partitions([kept]):
            for batch in partitions.read_pieces(piece):
                written.add(*(column.to_numpy() for column in batch.columns))
            partitions.remove_files([piece])
    written.close()
    partitions.remove_files(found)
    left, right = map_columns(folder, "inside", _PAIR)
    short = int(np.count_nonzero(sets.distinct < LEAST_SHINGLES))
    return ContainedPairs(left, right, unfiled, thinned, short)


def _find_largest_file(only_file: npt.NDArray[np.int32]) -> int:
    """Return the file that alone has more than half of all texts; -1 where there is none (Boyer and Moore 1981)."""
    candidate: int = _vote(only_file)
    return candidate if 2 * int(np.count_nonzero(only_file == candidate)) > len(only_file) else -1


@njit(nogil=True, cache=True)
def _vote(only_file: Any) -> Any:
    candidate, lead = np.int64(-1), np.int64(0)
    for k in range(only_file.shape[0]):
        if lead == 0:
            candidate = np.int64(only_file[k])
        lead += 1 if only_file[k] == candidate else -1
    return candidate


def _file_under_anchors(
    work: _Work, engine: Mapper, pieces: Sequence[tuple[int, int, int]]
) -> tuple[dict[int, Partition], int]:
    """File each text under its lowest hash that at most TEXTS_PER_ANCHOR of those still to be filed have there.

    Returns the partitions of anchors by number, and how many texts could not be filed.
    """
    filed: list[DealtFiles] = []
    parts, unfiled = [_Part(work, k, (first, last)) for k, first, last in pieces], 0
    for rank in range(ANCHORS_TRIED):
        of_rank = work._replace(rank=rank)
        dealt = engines.exchange(engine, _deal_anchors, [part._replace(work=of_rank) for part in parts])
        partitions.remove_files(part.rows for part in parts)
        waiting = []
        for _, result in engine.map(_file_texts, [_Part(of_rank, each.number, rows=each) for each in dealt]):
            unfiled += (0 if rank else result.texts) - result.filed
            filed.append(result.anchors)
            waiting += partitions.gather_partitions([result.waiting])
        partitions.remove_files(dealt)
        parts = [_Part(work, number, rows=each) for number, each in enumerate(waiting)]
        if not parts:
            break
    partitions.remove_files(part.rows for part in parts)
    return {each.number: each for each in partitions.gather_partitions(filed)}, unfiled


def _deal_anchors(part: _Part) -> DealtFiles:
    """Deal texts out by the hash that is tried as their anchor."""
    work, only_file = part.work, part.work.only_file()
    writer = work.writer(f"anchors-{part.number}", _ANCHORS, work.partitions)
    for numbers, sets in _list_waiting(part, work.sets()):
        sizes = sets.sizes(slice(None))
        key, probe = sets.values[sets.start + work.rank], sets.values[sets.stop - 1]
        columns: list[npt.NDArray[Any]] = [key, numbers, probe, sizes, only_file[numbers]]
        writer.add(columns, partitions.partition_of_hashes(key, work.partitions))
    return writer.close()


def _list_waiting(part: _Part, sets: MaskedSets) -> Iterator[tuple[Ints, ShingleSets]]:
    """List the texts of a part that are to be filed: long enough ones at first, then what had no place before."""
    if part.work.rank:
        for batch in partitions.read_pieces(part.rows):
            numbers = np.sort(batch["text"].to_numpy())
            numbers = numbers[sets.sizes(numbers) > part.work.rank]
            for some in sets.cut(numbers):
                yield numbers[some], sets.select(numbers[some])
        return
    for piece in sets.pieces(*part.texts):
        numbers = piece.start + np.flatnonzero(sets.sizes(piece) >= LEAST_SHINGLES)
        if part.work.across:
            views = view_pairs.open_views(Path(part.work.folder))[numbers]
            numbers = numbers[views & (view_pairs.PROMPT | view_pairs.FIELD) > 0]
        if len(numbers):
            yield numbers, sets.select(numbers)


def _file_texts(part: _Part) -> _Filed:
    """File the texts of a partition under their hashes, where few have the same."""
    work, columns = part.work, partitions.read_columns(part.rows, _ANCHORS)
    order = np.argsort(columns[0])
    key = columns[0][order]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    count = np.diff(np.r_[first, len(key)])
    fits = np.repeat(count <= TEXTS_PER_ANCHOR, count)
    name = f"{work.rank}-{part.number}"
    filed = work.writer(f"filed-{name}", _ANCHORS, work.partitions)
    filed.add([column[order[fits]] for column in columns], np.full(np.count_nonzero(fits), part.number, np.uint16))
    waiting = work.writer(f"waiting-{name}", _WAITING, 1)
    others = columns[1][order[~fits]]
    waiting.add([others], np.zeros(len(others), np.uint16))
    return _Filed(len(key), filed.rows, filed.close(), waiting.close())


def _read_keys(anchors: Collection[Partition]) -> Iterator[tuple[shingle_sets.Hashes, npt.NDArray[np.int32]]]:
    for each in anchors:
        for batch in partitions.read_pieces(each):
            # a copy can be written to, as what is selected from it: one kernel is compiled for both
            yield batch["key"].to_numpy().copy(), batch["file"].to_numpy()


def _deal_looks(part: _Part) -> DealtFiles:
    """Deal the shingles of some texts that may be anchors out by hash."""
    work, sets, only_file = part.work, part.work.sets(), part.work.only_file()
    every_low, every_high, away_low, away_high = anchor_filters.open_filters(Path(work.folder))
    writer = work.writer(f"looks-{part.number}", _LOOKS, work.partitions)
    for piece in sets.pieces(*part.texts):
        some, files = sets.select(piece), only_file[piece]
        for at_home, low, high in ((True, away_low, away_high), (False, every_low, every_high)):
            text, place = 0, 0
            while text < len(files) and (work.home >= 0 or not at_home):
                keys, texts = np.empty(_CHUNK, np.uint64), np.empty(_CHUNK, np.int64)
                count, text, place = _look_up_shingles(
                    *some, files, work.home, at_home, low, high, np.uint64(work.bounds.cut),
                    np.uint64(work.bounds.highest), text, len(files), place, keys, texts,
                )  # fmt: skip
                keys, texts = keys[:count].copy(), texts[:count].copy()
                columns: list[npt.NDArray[Any]] = [keys, piece.start + texts, some.sizes(texts), files[texts]]
                writer.add(columns, partitions.partition_of_hashes(keys, work.partitions))
    return writer.close()


def _pair_texts(part: _Part) -> DealtFiles:
    """Pair the texts that are filed under a shingle with the longer ones that have it; deal pairs out by the longer."""
    work, anchors = part.work, partitions.read_columns(part.anchors, _ANCHORS)
    heads, following = _link_anchors(anchors[0])
    writer = work.writer(f"candidates-{part.number}", _CANDIDATES, work.ranges)
    told_apart = view_pairs.ViewPairs.load(Path(work.folder)) if work.across else None
    for looks in partitions.read_pieces(part.rows):
        columns, at = tuple(column.to_numpy() for column in looks.columns), 0
        while at < len(looks):
            size = _CHUNK + TEXTS_PER_ANCHOR * ANCHORS_TRIED  # all that are filed under one shingle fit behind a chunk
            made = tuple(np.empty(size, type_) for type_ in (np.int64, np.int64, np.uint64))
            count, at = _pair_looks((heads, following), tuple(anchors), columns, at, made)
            pairs = [each[:count].copy() for each in made]
            if told_apart is not None:
                new = told_apart.tell_new(pairs[1], pairs[0], inside=True)
                pairs = [each[new] for each in pairs]
            writer.add(pairs, work.range_of(pairs[0]))
    return writer.close()


@njit(nogil=True, cache=True)
def _link_anchors(keys: Any) -> Any:
    """Chain anchors that share a slot of an open table: 1 + the first of each slot, and 1 + the one after each."""
    size = 64
    while size < 2 * keys.shape[0]:
        size *= 2
    heads, following = np.zeros(size, np.int64), np.zeros(keys.shape[0], np.int64)
    for k in range(keys.shape[0]):
        slot = anchor_filters.spread_hash(keys[k]) & np.uint64(size - 1)
        following[k] = heads[slot]
        heads[slot] = k + 1
    return heads, following


@njit(nogil=True, cache=True, inline="always")
def _may_hold(size: Any, other_size: Any, file: Any, other_file: Any) -> Any:
    """Tell whether a text of another file is so much longer than one that it is not near."""
    near = size * NEAR_DENOMINATOR >= other_size * NEAR_NUMERATOR
    return size < other_size and not near and (file != other_file or file < 0)


@njit(nogil=True, cache=True)
def _pair_looks(chains: Any, anchors: Any, looks: Any, at: Any, out: Any) -> Any:
    """Pair texts from a look on; return how many pairs were made, and where to go on."""
    heads, following = chains
    key, text, probes, size, file = anchors
    looked, other, other_size, other_file = looks
    longer, shorter, probe = out
    made = np.int64(0)
    room = longer.shape[0] - TEXTS_PER_ANCHOR * ANCHORS_TRIED  # for all that are filed under one shingle
    while at < looked.shape[0] and made <= room:
        anchor = heads[anchor_filters.spread_hash(looked[at]) & np.uint64(heads.shape[0] - 1)] - 1
        while anchor >= 0:
            if key[anchor] == looked[at] and _may_hold(size[anchor], other_size[at], file[anchor], other_file[at]):
                longer[made], shorter[made], probe[made] = other[at], text[anchor], probes[anchor]
                made += 1
            anchor = following[anchor] - 1
        at += 1
    return made, at


def _check_holders(part: _Part) -> DealtFiles:
    """Keep the candidates of which the longer text holds the other whole; deal them out by the shorter."""
    work, columns = part.work, partitions.read_columns(part.rows, _CANDIDATES)
    order = np.argsort(columns[0])
    longer, shorter, probe = (column[order] for column in columns)
    holds = np.zeros(len(longer), np.bool_)
    for some, sets, first, second in work.sets().select_pairs(longer, shorter):
        holds[some] = _hold(*sets, first, second, probe[some])
    writer = work.writer(f"found-{part.number}", _FOUND, work.ranges)
    writer.add([shorter[holds], longer[holds]], work.range_of(shorter[holds]))
    return writer.close()


def _thin_holders(part: _Part) -> tuple[DealtFiles, int]:
    """Keep few holders of each text; return the file of the pairs, and how many texts have more than are kept."""
    work = part.work
    shorter, longer = partitions.read_columns(part.rows, _FOUND)
    _, place, counts = np.unique(shorter, return_inverse=True, return_counts=True)
    is_kept = _is_kept(counts[place], distinct_texts.load_hashes(Path(work.folder))[longer])
    writer = work.writer(f"kept-{part.number}", _FOUND, 1)
    writer.add([shorter[is_kept], longer[is_kept]], np.zeros(np.count_nonzero(is_kept), np.uint16))
    return writer.close(), int(np.count_nonzero(counts > HOLDERS_KEPT))


def _is_kept(counts: Ints, hashes: shingle_sets.Hashes) -> npt.NDArray[np.bool_]:
    """Tell which pairs are kept: of a text with many holders those whose hashes are low enough."""
    share = HOLDERS_KEPT / np.maximum(counts, 1)
    kept: npt.NDArray[np.bool_] = (share >= 1) | (hashes.astype(np.float64) < share * 2.0**64)
    return kept


@njit(nogil=True, cache=True)
def _contains_all(values: Any, start: Any, stop: Any, low: Any, high: Any) -> Any:
    """Tell whether the sorted values[low:high] hold every one of the sorted values[start:stop]."""
    for k in range(start, stop):
        low = lower_bound(values[k], values, low, high)
        if low >= high or values[low] != values[k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _hold(values: Any, begin: Any, end: Any, longer: Any, shorter: Any, probe: Any) -> Any:
    """Tell which texts hold the shorter ones whole; those of one text stand side by side."""
    holds = np.zeros(longer.shape[0], np.bool_)
    for k in range(longer.shape[0]):
        low, high, other = begin[longer[k]], end[longer[k]], shorter[k]
        at = lower_bound(probe[k], values, low, high)
        if at < high and values[at] == probe[k]:
            holds[k] = _contains_all(values, begin[other], end[other], low, high)
    return holds


@njit(nogil=True, cache=True)
def _look_up_shingles(
    values: Any, begin: Any, end: Any, only_file: Any, home: Any, at_home: Any, low: Any, high: Any, cut: Any,
    highest: Any, text: Any, last: Any, place: Any, keys: Any, texts: Any,
) -> Any:  # fmt: skip
    """List shingles that may be anchors, from a text's place on; return how many, and where to go on."""
    found = np.int64(0)
    while text < last:
        start, stop = begin[text], end[text]
        if (only_file[text] == home and home >= 0) == at_home:
            while start + place < stop and values[start + place] <= highest:
                if found == keys.shape[0]:
                    return found, text, place
                value = values[start + place]
                place += 1
                if anchor_filters.may_be_anchor(value, low if value <= cut else high):
                    keys[found], texts[found] = value, text
                    found += 1
        text, place = text + 1, np.int64(0)
    return found, text, place
