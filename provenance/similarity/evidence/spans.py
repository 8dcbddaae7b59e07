"""Where a text stands inside a longer one: the bytes that hold it.

That all of a text's shingles are shingles of a longer one is counted without its words (`containment`). Where it
stands is looked for when the longer one is read again: a run of as many words as the text has, around a shingle of the
text that is rare there, whose first and last shingle are among the text's, and whose XXH64 is the text's own. The words
of the shorter text are not needed. A text costs what it is long, and not what the longer one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.similarity.candidates.set_overlap import lower_bound
from provenance.similarity.text import normalisation
from provenance.similarity.text.shingles import WORDS_PER_SHINGLE, hash_record, xxh64

if TYPE_CHECKING:
    from provenance.similarity.text import shingle_sets

Ints = npt.NDArray[np.int64]

MOST_TRIES = 256
"""Runs of words that are hashed for one text, at most, and places of its rarest shingle around which it is looked for:
a text that repeats itself costs no more."""

SHINGLES_COMPARED = 8
"""Shingles of a text of which the rarest in the longer one is taken."""

SPAN_QUERIES = np.dtype([
    ("key", "u8"),  # of file and row: what they are put in order by
    ("file", "i8"),  # file of the longer text, by number
    ("row", "i8"),  # its record
    ("place", "i8"),  # the row of exact_matches.ROWS that asks
    ("low", "u8"),  # XXH64 of the shorter text, normalised
    ("words", "i8"),  # words of the shorter text
    ("first", "i8"),  # where its set begins among all sets
    ("last", "i8"),  # where its set ends
])  # fmt: skip
"""One contained row of ROWS: where does it stand?"""


def make_queries(*columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Make SPAN_QUERIES of its columns, the key left out."""
    rows = np.zeros(len(columns[0]), SPAN_QUERIES)
    for name, column in zip((SPAN_QUERIES.names or ())[1:], columns, strict=True):
        rows[name] = column
    return rows


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
def _hash_text(data: Any, words: Any) -> Any:
    hashes = np.empty(max(words - WORDS_PER_SHINGLE + 1, 1), np.uint64)
    hash_record(data, 0, data.shape[0], words, hashes)
    return hashes


def find_texts(
    longer: str,
    low: shingle_sets.Hashes,
    *,
    words: Ints,
    first: Ints,
    last: Ints,
    sets: shingle_sets.Hashes,
    fold_chinese: bool = False,
) -> tuple[Ints, Ints]:
    """Find texts in a longer one.

    Args:
        longer: the longer text.
        low: XXH64 (seed 0) of each shorter text, normalised; of at least five words each.
        words: words of each.
        first: where each one's sorted shingle hashes begin in `sets`.
        last: where they end.
        sets: shingle hashes; may be memory-mapped.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        Where each begins and ends in the UTF-8 of the longer text; -1 where its words stand there in pieces alone, or
        MOST_TRIES did not do.
    """
    column = pa.array([longer], pa.large_string())
    data, _ = normalisation.normalise(column, fold_chinese=fold_chinese)
    spaces = np.flatnonzero(data == 32)
    begins, ends = np.r_[0, spaces + 1], np.r_[spaces, len(data)]
    hashes = _hash_text(data, len(begins))
    order = np.argsort(hashes, kind="stable")
    found = _find_texts(data, begins, ends, hashes, order, low, words, first, last, sets)
    raw, offsets = normalisation.buffers(column)
    # a character folds to one character: the words stand where they would stand unfolded
    starts, stops = normalisation.locate_words(raw[offsets[0] : offsets[1]], len(begins))
    there = found >= 0
    start, stop = np.full(len(found), -1), np.full(len(found), -1)
    start[there] = starts[found[there]]
    stop[there] = stops[found[there] + words[there] - 1]
    return start, stop
