"""Where a text stands inside a longer one: the bytes that hold it.

That all of a text's shingles are shingles of a longer one is counted without its words (`containment`). Where it
stands is looked for when the longer one is read again: a run of as many words as the text has, around a shingle of the
text that is rare there, whose first and last shingle are among the text's, and whose XXH64 is the text's own. The words
of the shorter text are not needed. A text costs what it is long, and not what the longer one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity.candidates.set_overlap import lower_bound
from provenance.similarity.text import normalisation, shingles, unicode_tables
from provenance.similarity.text.shingles import WORDS_PER_SHINGLE, hash_record, xxh64

if TYPE_CHECKING:
    from provenance.similarity.text import shingle_sets

Ints = npt.NDArray[np.int64]

MOST_TRIES = 256
"""Runs of words that are hashed for one text, at most, and places of its rarest shingle around which it is looked for:
a text that repeats itself costs no more."""

SHINGLES_COMPARED = 8
"""Shingles of a text of which the rarest in the longer one is taken."""


class ShorterTexts(NamedTuple):
    """Texts that are looked for, a column each.

    Args:
        low: XXH64 (seed 0) of each, normalised; of at least five words each.
        words: words of each.
        first: where each one's sorted shingle hashes begin in `sets`.
        last: where they end.
        sets: shingle hashes.
    """

    low: shingle_sets.Hashes
    words: Ints
    first: Ints
    last: Ints
    sets: shingle_sets.Hashes

    def select(self, numbers: Ints | slice) -> Self:
        """Return some of the texts.

        Args:
            numbers: which.
        """
        return self._replace(
            low=self.low[numbers], words=self.words[numbers], first=self.first[numbers], last=self.last[numbers]
        )

    @classmethod
    def from_texts(cls, texts: pa.LargeStringArray, *, fold_chinese: bool = False) -> Self:
        """Return texts that are at hand.

        Args:
            texts: of at least five words each.
            fold_chinese: whether traditional characters count as their simplified ones.
        """
        cut = shingles.shingle_texts(texts, pa.array(np.arange(len(texts))), fold_chinese=fold_chinese)
        low, words = (cut.nodes[name].to_numpy() for name in ("low", "words"))
        return cls(low, words, cut.offsets[:-1], cut.offsets[1:], cut.values)


@njit(nogil=True, cache=True)
def _contains(value: Any, values: Any, low: Any, high: Any) -> Any:
    at = lower_bound(value, values, low, high)
    return at < high and values[at] == value


@njit(nogil=True, cache=True)
def _equal_range(value: Any, hashes: Any, order: Any) -> Any:
    """Return where in `order` the shingles of one hash begin and end."""
    low, end = np.int64(0), order.shape[0]
    while low < end:
        middle = (low + end) // 2
        if hashes[order[middle]] < value:
            low = middle + 1
        else:
            end = middle
    begin, end = low, order.shape[0]
    while low < end:
        middle = (low + end) // 2
        if hashes[order[middle]] <= value:
            low = middle + 1
        else:
            end = middle
    return begin, low


@njit(nogil=True, cache=True)
def _find_texts(
    data: Any, begins: Any, ends: Any, hashes: Any, order: Any, low: Any, words: Any, first: Any, last: Any, sets: Any
) -> Any:
    """Return for each text the number of the word at which it begins, or -1."""
    found = np.full(low.shape[0], -1, np.int64)
    for k in range(low.shape[0]):
        # the text is around one of the places of any of its shingles: of a few of them, the rarest here
        place, stop = _equal_range(sets[first[k]], hashes, order)
        for other in range(first[k] + 1, min(last[k], first[k] + SHINGLES_COMPARED)):
            begin, end = _equal_range(sets[other], hashes, order)
            if end - begin < stop - place:
                place, stop = begin, end
        tries, looked, at = 0, min(stop, place + MOST_TRIES), np.int64(0)
        while place < looked and tries < MOST_TRIES and found[k] < 0:
            at = max(at, order[place] - (words[k] - WORDS_PER_SHINGLE))
            while at <= min(order[place], begins.shape[0] - words[k]) and tries < MOST_TRIES:
                end = at + words[k] - WORDS_PER_SHINGLE
                if _contains(hashes[at], sets, first[k], last[k]) and _contains(hashes[end], sets, first[k], last[k]):
                    if xxh64(data, begins[at], ends[at + words[k] - 1], np.uint64(0)) == low[k]:
                        found[k] = at
                        break
                    tries += 1
                at += 1
            place += 1
    return found


@njit(nogil=True, cache=True)
def _list_words(data: Any) -> Any:
    """Return where the words of a normalised text begin and end."""
    spaces = np.flatnonzero(data == 32)
    begins, ends = np.zeros(spaces.shape[0] + 1, np.int64), np.empty(spaces.shape[0] + 1, np.int64)
    begins[1:], ends[:-1], ends[-1] = spaces + 1, spaces, data.shape[0]
    return begins, ends


@njit(nogil=True, cache=True)
def _find_in_records(
    normalised: Any, offsets: Any, raw: Any, raw_offsets: Any, tables: Any, record: Any, low: Any, words: Any,
    first: Any, last: Any, sets: Any,
) -> Any:  # fmt: skip
    """Find texts in records, those of one record side by side; return where they begin and end in its own bytes."""
    start, stop = np.full(record.shape[0], -1, np.int64), np.full(record.shape[0], -1, np.int64)
    at = 0
    while at < record.shape[0]:
        number, end = record[at], at
        while end < record.shape[0] and record[end] == number:
            end += 1
        data = normalised[offsets[number] : offsets[number + 1]]
        if data.shape[0]:
            begins, ends = _list_words(data)
            hashes = np.empty(max(begins.shape[0] - WORDS_PER_SHINGLE + 1, 1), np.uint64)
            hash_record(data, 0, data.shape[0], begins.shape[0], hashes)
            order = np.argsort(hashes, kind="mergesort")
            found = _find_texts(
                data, begins, ends, hashes, order, low[at:end], words[at:end], first[at:end], last[at:end], sets
            )
            if found.max() >= 0:
                begin = raw_offsets[number]
                starts, stops = normalisation.locate_words(raw, begin, raw_offsets[number + 1], begins.shape[0], tables)
                for k in range(at, end):
                    if found[k - at] >= 0:
                        start[k] = starts[found[k - at]] - begin
                        stop[k] = stops[found[k - at] + words[k] - 1] - begin
        at = end
    return start, stop


def find_texts(
    longer: pa.LargeStringArray, record: Ints, shorter: ShorterTexts, *, fold_chinese: bool = False
) -> tuple[Ints, Ints]:
    """Find texts in longer ones, all of a batch in one kernel.

    Args:
        longer: the longer texts.
        record: of each shorter text the place of the longer one, in ascending order.
        shorter: the shorter texts.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        Where each begins and ends in the UTF-8 of the longer text; -1 where its words stand there in pieces alone, or
        MOST_TRIES did not do.
    """
    # a character folds to one character: the words stand where they would stand unfolded
    tables = unicode_tables.load_tables()
    found: tuple[Ints, Ints] = _find_in_records(
        *normalisation.normalise(longer, fold_chinese=fold_chinese),
        *normalisation.buffers(longer),
        tables,
        np.asarray(record, np.int64),
        *shorter,
    )
    return found
