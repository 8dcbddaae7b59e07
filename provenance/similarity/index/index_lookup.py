"""Where texts meet items of indexes: every shingle is looked up once, whatever the number of items.

An *entry* is one view of one item; a *place* is one hash of one entry. Memory is that of the index (140 bytes a hash
while it is put together, 45 then) and of what was found, never that of the corpus.

What tells of an item is decided record by record, by shingles that few items have: one that stands in more than
ITEMS_PER_SHINGLE items is a template ("write a python function to") and no evidence. A record tells of an item if it
holds nearly all of it: LEAST_SHARED or more such shingles, four fifths of those of the item, and four fifths of all of
the item's. Less of a question is another question, as real ones taught: "the length of the longest word" is not "the
length of the longest common string", nor the area of a polygon that of a triangle. Of a long item of a benchmark a
part tells too: LEAST_PART or more such shingles that are a third of the item's. Of a protected work a passage tells:
LEAST_PASSAGE or more shingles that are half of the record's, or LEAST_LONG_PASSAGE or more that are a twentieth of it:
long texts of one kind share a hundredth by chance. What is then counted as shared is every shingle of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity.candidates.set_overlap import NEAR_DENOMINATOR, NEAR_NUMERATOR
from provenance.similarity.index import siphash
from provenance.similarity.index.hash_filter import select_hashes
from provenance.similarity.index.sorted_texts import find_sorted
from provenance.similarity.text import shingle_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provenance.similarity.index.hash_filter import HashFilter
    from provenance.similarity.index.reference_index import ReferenceIndex
    from provenance.similarity.index.siphash import Hashes

Ints = npt.NDArray[np.int64]

ITEMS_PER_SHINGLE = 64
"""Items of an index that may have a shingle which tells of any of them."""

LEAST_SHARED = 4
"""Shingles (eight words) that a record must share with an item."""

LEAST_PASSAGE = 8
"""Shingles (twelve words) that it must share where they are half of the record."""

LEAST_LONG_PASSAGE = 20
"""Shingles (24 words) of a protected work that it must share where they are one in LONG_PASSAGE_SHARE of the record."""

LONG_PASSAGE_SHARE = 20
"""Of how many shingles of a record one must be of a protected work."""

LEAST_PART = 20
"""Shingles (24 words) of a benchmark's item that a record must share where it has less than nearly all of it."""

PART_SHARE = 3
"""Of how many shingles of such an item one must stand in the record."""

UNREACHABLE = 1 << 62
"""PASSAGE and LEAST_LONG_PASSAGE where items are no works to quote from, LEAST_PART where they are of no benchmark."""

_GOLDEN_RATIO = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4)
_PAIRS_AT_A_TIME = 1 << 16  # pairs of a record and an entry made at a time

HITS = pa.schema(
    [
        pa.field("low", pa.uint64(), nullable=False),
        pa.field("high", pa.uint64(), nullable=False),
        pa.field("entry", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("places", pa.large_list(pa.field("place", pa.int64(), nullable=False)), nullable=False),
    ],
    metadata={"table": "HITS", "grain": "one distinct text and one entry that it tells of, with what they share"},
)


class Catalogue(NamedTuple):
    """An index of shingles, or all indexes of texts that have one key, to look hashes up in.

    Args:
        hashes: every hash once, sorted.
        first: n + 1 offsets into `entry`.
        entry: of every place, the entries of one hash sorted.
        slots: an open table: the number of a hash, or -1.
        common: of every hash, whether it tells of no item.
        distinctive: of every entry, how many of its hashes tell.
        total: of every entry, how many hashes it has.
        index_number: of every entry, the number of its index.
        row: of every entry, its row in the index.
        least_shared: as LEAST_SHARED; LEAST_PASSAGE and LEAST_LONG_PASSAGE follow.
        least_passage: as LEAST_PASSAGE.
        least_long_passage: as LEAST_LONG_PASSAGE.
        least_part: as LEAST_PART.
    """

    hashes: Hashes
    first: Ints
    entry: npt.NDArray[np.int32]
    slots: npt.NDArray[np.int32]
    common: npt.NDArray[np.bool_]
    distinctive: Ints
    total: Ints
    index_number: Ints
    row: Ints
    least_shared: int
    least_passage: int
    least_long_passage: int
    least_part: int


@njit(nogil=True, cache=True, inline="always")
def _spread_hash(value: Any) -> Any:
    """Spread hashes over the table; those of a scaled index are low by choice."""
    return (value * _GOLDEN_RATIO) >> np.uint64(20)


@njit(nogil=True, cache=True)
def _make_slots(hashes: Any) -> Any:
    size = 64
    while size < 2 * hashes.shape[0]:
        size *= 2
    mask = np.uint64(size - 1)
    slots = np.full(size, -1, np.int32)
    for number in range(hashes.shape[0]):
        slot = _spread_hash(hashes[number]) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number
    return slots


@njit(nogil=True, cache=True, inline="always")
def _find_hash(value: Any, hashes: Any, slots: Any) -> Any:
    mask = np.uint64(slots.shape[0] - 1)
    slot = _spread_hash(value) & mask
    while slots[slot] >= 0 and hashes[slots[slot]] != value:
        slot = (slot + np.uint64(1)) & mask
    return slots[slot]


def build_catalogue(indexes: Sequence[ReferenceIndex]) -> Catalogue:
    """Put indexes together.

    Args:
        indexes: one of shingles (what is common in it is no matter of others), or some of texts.

    Returns:
        The catalogue; the same for the same indexes in the same order.
    """
    whole_texts = indexes[0].unit == "texts"
    index, row, item, sizes, values = [], [], [], [], []
    items = 0
    for place, each in enumerate(indexes):
        items_of_index = each.table["item"].combine_chunks().dictionary_encode()
        lists = each.table["hashes"].combine_chunks()
        order = np.argsort(items_of_index.indices.to_numpy(), kind="stable")
        ordered = lists.take(pa.array(order))
        index.append(np.full(len(order), place, np.int64))
        row.append(order)
        item.append(items + items_of_index.indices.to_numpy()[order].astype(np.int64))
        sizes.append(np.diff(ordered.offsets.to_numpy()))
        values.append(ordered.flatten().to_numpy())
        items += len(items_of_index.dictionary)
    counts = np.concatenate(sizes)
    entry = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    hashes = np.concatenate(values)
    order = np.argsort(hashes, kind="stable")  # stable: entries of one hash stay in order
    entry, hashes = entry[order], hashes[order]
    start = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.zeros(0, np.int64)
    first = np.r_[start, len(hashes)]
    number = np.repeat(np.arange(len(start)), np.diff(first))
    # different items of a hash: those of an item stand together
    owner = np.concatenate(item)[entry]
    other = np.ones(len(owner), np.bool_)
    other[1:] = (owner[1:] != owner[:-1]) | (number[1:] != number[:-1])
    common = np.bincount(number, other, len(start)) > (len(counts) if whole_texts else ITEMS_PER_SHINGLE)
    distinctive = np.bincount(entry, ~common[number], len(counts)).astype(np.int64)
    least_shared, least_passage, least_long_passage = (
        (LEAST_SHARED, LEAST_PASSAGE, LEAST_LONG_PASSAGE)
        if indexes[0].kind == "protected"
        else (LEAST_SHARED, UNREACHABLE, UNREACHABLE)
    )
    least_shared, least_passage, least_long_passage = (
        (1, 1, 1) if whole_texts else (least_shared, least_passage, least_long_passage)
    )
    least_part = LEAST_PART if indexes[0].kind == "benchmark" else UNREACHABLE
    distinct = np.ascontiguousarray(hashes[start])
    return Catalogue(
        distinct, first, entry, _make_slots(distinct), common, distinctive, counts.astype(np.int64),
        np.concatenate(index), np.concatenate(row), least_shared, least_passage, least_long_passage, least_part,
    )  # fmt: skip


@njit(nogil=True, cache=True)
def _find_hits(
    values: Any, offsets: Any, sizes: Any, start: Any, catalogue: Any, count: Any, touched: Any, out: Any
) -> Any:
    """Find what records from `start` on may tell of; return how many pairs were found, and where to go on."""
    nodes, entries, by_passage = out
    found = np.int64(0)
    for node in range(start, offsets.shape[0] - 1):
        used = np.int64(0)
        for k in range(offsets[node], offsets[node + 1]):
            number = _find_hash(values[k], catalogue.hashes, catalogue.slots)
            if number < 0 or catalogue.common[number]:
                continue
            for place in range(catalogue.first[number], catalogue.first[number + 1]):
                entry = catalogue.entry[place]
                if count[entry] == 0:
                    touched[used] = entry
                    used += 1
                count[entry] += 1
        full = found + used > nodes.shape[0]
        size = sizes[node]
        for k in range(used):
            entry = touched[k]
            shared = count[entry]
            count[entry] = 0
            if full or shared < catalogue.least_shared:
                continue
            all_of_it = shared * NEAR_DENOMINATOR >= catalogue.distinctive[entry] * NEAR_NUMERATOR
            passage = shared >= catalogue.least_passage and 2 * shared >= size
            part = passage or (shared >= catalogue.least_long_passage and LONG_PASSAGE_SHARE * shared >= size)
            part = part or (shared >= catalogue.least_part and PART_SHARE * shared >= catalogue.distinctive[entry])
            if all_of_it or part:
                nodes[found], entries[found], by_passage[found] = node, entry, part
                found += 1
        if full:
            return found, node
    return found, offsets.shape[0] - 1


@njit(nogil=True, cache=True)
def _find_place(entry: Any, number: Any, catalogue: Any) -> Any:
    """Return the place of a hash in an entry, or -1."""
    low, high = catalogue.first[number], catalogue.first[number + 1]
    while low < high:
        middle = (low + high) // 2
        if catalogue.entry[middle] < entry:
            low = middle + 1
        else:
            high = middle
    return low if low < catalogue.first[number + 1] and catalogue.entry[low] == entry else np.int64(-1)


@njit(nogil=True, cache=True)
def _list_places(values: Any, offsets: Any, nodes: Any, entries: Any, catalogue: Any) -> Any:
    """List for every pair the places of its entry that the record has."""
    ends = np.zeros(nodes.shape[0] + 1, np.int64)
    for pair in range(nodes.shape[0]):
        count = np.int64(0)
        for k in range(offsets[nodes[pair]], offsets[nodes[pair] + 1]):
            number = _find_hash(values[k], catalogue.hashes, catalogue.slots)
            count += number >= 0 and _find_place(entries[pair], number, catalogue) >= 0
        ends[pair + 1] = ends[pair] + count
    places = np.empty(ends[nodes.shape[0]], np.int64)
    used = np.int64(0)
    for pair in range(nodes.shape[0]):
        for k in range(offsets[nodes[pair]], offsets[nodes[pair] + 1]):
            number = _find_hash(values[k], catalogue.hashes, catalogue.slots)
            place = _find_place(entries[pair], number, catalogue) if number >= 0 else np.int64(-1)
            if place >= 0:
                places[used] = place
                used += 1
    return ends, places


def find_hits(
    batches: Iterable[pa.RecordBatch],
    hashes: Hashes,
    key: bytes,
    catalogues: Sequence[Catalogue],
    *,
    whole_texts: bool,
    chosen: HashFilter | None = None,
) -> list[pa.Table]:
    """Find which texts tell of which entries.

    Args:
        batches: SETS of `near_pairs`; a text may stand in several.
        hashes: the sets that they speak of.
        key: of the catalogues.
        catalogues: the catalogues.
        whole_texts: whether they have hashes of whole texts, not of shingles.
        chosen: a filter of the indexes, if there is one.

    Returns:
        HITS of every catalogue, in the order given.
    """
    most = max(len(each.distinctive) for each in catalogues)
    count, touched = np.zeros(most, np.int64), np.empty(most, np.int64)
    left, right = (np.empty(max(_PAIRS_AT_A_TIME, most), np.int64) for _ in range(2))
    by_passage = np.empty(len(left), np.bool_)
    hits_by_catalogue: list[list[pa.Table]] = [[HITS.empty_table()] for _ in catalogues]
    for batch in batches:
        if whole_texts:
            values, offsets = siphash.siphash(batch["low"].to_numpy(), key), np.arange(len(batch) + 1)
            sizes = np.diff(offsets)
        else:
            names = ("start", "stop", "width", "bit", "distinct")
            stored = shingle_sets.MaskedSets(hashes, *(batch[name].to_numpy() for name in names))
            values, offsets = stored.copy(slice(None))
            sizes = np.diff(offsets)
            if chosen is not None:
                values, offsets = select_hashes(values, offsets, chosen)
            values = siphash.siphash(values, key)
        for each, hits in zip(catalogues, hits_by_catalogue, strict=True):
            at = 0
            while at < len(batch):
                found, at = _find_hits(values, offsets, sizes, at, each, count, touched, (left, right, by_passage))
                if found:
                    hits.append(
                        _make_hits(batch, values, offsets, sizes, left[:found], right[:found], by_passage[:found], each)
                    )
    return [pa.concat_tables(each) for each in hits_by_catalogue]


def _make_hits(
    batch: pa.RecordBatch,
    values: Hashes,
    offsets: Ints,
    sizes: Ints,
    nodes: Ints,
    entries: Ints,
    by_passage: Any,
    catalogue: Catalogue,
) -> pa.Table:
    """Make HITS of pairs; what rests on the whole of an item must have nearly all of it, common shingles or not."""
    ends, places = _list_places(values, offsets, nodes, entries, catalogue)
    counts = np.diff(ends)
    total = catalogue.total[entries]
    by_passage = by_passage & ((catalogue.least_part == UNREACHABLE) | (counts * PART_SHARE >= total))
    kept = np.flatnonzero(by_passage | (counts * NEAR_DENOMINATOR >= total * NEAR_NUMERATOR))
    lists = pa.LargeListArray.from_arrays(pa.array(ends), pa.array(places), type=HITS.field("places").type)
    taken = pa.array(nodes[kept])
    columns = [
        batch["low"].take(taken), batch["high"].take(taken), pa.array(entries[kept]),
        pa.array(sizes[nodes[kept]]), lists.take(pa.array(kept)),
    ]  # fmt: skip
    return pa.table(columns, schema=HITS)


class EntryCounts(NamedTuple):
    """Entries that records of one file tell of, a column each.

    Args:
        entry: the entry.
        shared: its different hashes that the records have, taken together.
        records: records that tell of it.
        row: the first of those that share most with it.
        best: how many hashes that one shares.
        size: how many shingles that one has.
    """

    entry: Ints
    shared: Ints
    records: Ints
    row: Ints
    best: Ints
    size: Ints


@njit(nogil=True, cache=True)
def _add_up(
    nodes: Any, counts: Any, rows: Any, first: Any, entry: Any, size: Any, ends: Any, places: Any, state: Any
) -> Any:
    mark, stamp, shared, records, row, best, best_size, touched = state
    used = np.int64(0)
    for cell in range(nodes.shape[0]):
        for pair in range(first[nodes[cell]], first[nodes[cell] + 1]):
            owner = entry[pair]
            if records[owner] == 0:
                touched[used] = owner
                used += 1
                shared[owner] = best[owner] = 0
            records[owner] += counts[cell]
            for at in range(ends[pair], ends[pair + 1]):
                if mark[places[at]] != stamp:
                    mark[places[at]] = stamp
                    shared[owner] += 1
            here = ends[pair + 1] - ends[pair]
            if here > best[owner] or (here == best[owner] and rows[cell] < row[owner]):
                best[owner], row[owner], best_size[owner] = here, rows[cell], size[pair]
    return used


class CatalogueHits:
    """Hits of one catalogue, ready to be added up file by file.

    Args:
        hits: HITS; a text may stand in several of them.
        within: the catalogue.
    """

    def __init__(self, hits: pa.Table, within: Catalogue) -> None:
        low, high, entry, size = (hits[name].to_numpy() for name in HITS.names[:4])
        order = np.lexsort((entry, high, low))
        low, high, entry = low[order], high[order], entry[order]
        new = np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])] if len(low) else np.zeros(0, np.bool_)
        kept = np.r_[True, new[1:] | (entry[1:] != entry[:-1])] if len(low) else new
        self._lists = hits["places"].combine_chunks().take(pa.array(order[kept]))
        self._entry, self._size = entry[kept], size[order[kept]]
        start = np.flatnonzero(new[kept])
        self.low, self.high = low[kept][start], high[kept][start]
        self._first = np.r_[start, len(self._entry)].astype(np.int64)
        entries = len(within.distinctive)
        self._mark, self._stamp = np.zeros(len(within.entry), np.int32), 0
        self._state = [np.zeros(entries, np.int64) for _ in range(6)]

    def find_texts(self, members: pa.Table) -> Ints:
        """Find which records have a text that tells of an item.

        Args:
            members: exact.MEMBERS.

        Returns:
            The place of the text in `low`, or -1.
        """
        return find_sorted(members["low"].to_numpy(), members["high"].to_numpy(), self.low, self.high)

    def texts_with_entries(self, entries: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which texts tell of any of some entries.

        Args:
            entries: of every entry, whether it is one of them.

        Returns:
            One value a text, in the order of `low`.
        """
        has_entry: npt.NDArray[np.bool_] = np.maximum.reduceat(entries[self._entry], self._first[:-1])
        return has_entry

    def count_entries(self, node: Ints, row: Ints) -> EntryCounts:
        """Add up what the records of one file tell of.

        Args:
            node: of every record that tells, the place of its text in `low`.
            row: its number in the file.

        Returns:
            One row an entry, sorted by entry.
        """
        order = np.lexsort((row, node))
        node, row = node[order], row[order]
        start = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
        counts = np.diff(np.r_[start, len(node)])
        self._stamp += 1
        shared, records, of_row, best, of_size, touched = self._state
        ends, places = self._lists.offsets.to_numpy(), self._lists.flatten().to_numpy()
        kept = (self._mark, self._stamp, shared, records, of_row, best, of_size, touched)
        used = _add_up(
            node[start], counts, row[start], self._first, self._entry, self._size, ends - ends[0], places, kept
        )
        entry = np.sort(touched[:used])
        found = EntryCounts(entry, *(column[entry] for column in (shared, records, of_row, best, of_size)))
        records[entry] = 0
        return found
