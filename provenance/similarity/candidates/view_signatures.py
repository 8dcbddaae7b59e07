"""The views of a batch, cut together: where prompt and answer make up the whole, no word is normalised or hashed twice.

Most records with an answer are their prompt, a newline, their answer. Nothing composes over a newline, so that the
whole's normalised words are those of its parts in turn; its shingles are the parts' and the four that reach over from
one into the other; its signature is the least of theirs, value by value. The result is that of `shingles.shingle_texts`
and `minhash.sign_sets` on each view by itself, which the tests hold it to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.similarity.candidates import minhash
from provenance.similarity.text import shingles
from provenance.similarity.text.normalisation import buffers, normalise
from provenance.similarity.text.shingles import WORDS_PER_SHINGLE, ShingledRecords, hash_record, xxh64

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_CROSSING = (
    WORDS_PER_SHINGLE - 1
)  # shingles that reach from one part into the other, and words of either that they need

_LONG = 1 << 20  # bytes of records, on average, above which their views are cut one after the other


class ShingledViews(NamedTuple):
    """The three views of a batch, cut together.

    Args:
        views: whole, prompt and answer, each as `shingles.shingle_texts` gives it.
        prompt_place: of every whole the place of its prompt among the prompts, -1 where it is not the union of its
            parts.
        answer_place: of its answer among the answers, likewise.
        crossing: the hashes of the shingles that reach from one into the other.
    """

    views: tuple[ShingledRecords, ShingledRecords, ShingledRecords]
    prompt_place: npt.NDArray[np.int64]
    answer_place: npt.NDArray[np.int64]
    crossing: npt.NDArray[np.uint64]


@njit(nogil=True, cache=True)
def _are_equal(data: Any, start: Any, other: Any, begin: Any, size: Any) -> Any:
    k = 0
    while k + 8 <= size:
        if shingles.read8(data, start + k) != shingles.read8(other, begin + k):
            return False
        k += 8
    while k < size:
        if data[start + k] != other[begin + k]:
            return False
        k += 1
    return True


@njit(nogil=True, cache=True)
def _is_prompt_and_answer(
    whole: Any, whole_offsets: Any, prompt: Any, prompt_offsets: Any, answer: Any, answer_offsets: Any
) -> Any:
    """Tell which records are a prompt, a newline and an answer."""
    joined = np.zeros(whole_offsets.shape[0] - 1, np.bool_)
    for k in range(joined.shape[0]):
        first, second = prompt_offsets[k + 1] - prompt_offsets[k], answer_offsets[k + 1] - answer_offsets[k]
        if first and second and whole_offsets[k + 1] - whole_offsets[k] == first + 1 + second:
            joined[k] = (
                whole[whole_offsets[k] + first] == 10
                and _are_equal(whole, whole_offsets[k], prompt, prompt_offsets[k], first)
                and _are_equal(whole, whole_offsets[k] + first + 1, answer, answer_offsets[k], second)
            )
    return joined


@njit(nogil=True, cache=True)
def _find_space(data: Any, at: Any, step: Any, spaces: Any) -> Any:
    """Go from `at` by `step` until so many spaces were met; return where the last of them is."""
    while True:
        if data[at] == 32:
            spaces -= 1
            if spaces == 0:
                return at
        at += step


@njit(nogil=True, cache=True)
def _copy(source: Any, start: Any, stop: Any, target: Any, at: Any) -> None:
    """Copy `source[start:stop]` to `target[at:]`: slices bring a sentence about their lengths, seconds to compile."""
    for k in range(stop - start):
        target[at + k] = source[start + k]


@njit(nogil=True, cache=True)
def _merge_sorted(first: Any, second: Any, extra: Any, out: Any) -> Any:
    """Unite two sorted arrays and a few values more in `out`, sorted, each value once; return how many there are."""
    i = j = k = used = np.uint64(0)
    ends = np.uint64(first.shape[0]), np.uint64(second.shape[0]), np.uint64(extra.shape[0])
    while i < ends[0] and j < ends[1]:  # hashes come as they like: both are looked at, and no branch has to be guessed
        a, b = first[i], second[j]
        least = min(a, b)
        while k < ends[2] and extra[k] <= least:
            if extra[k] < least and (used == 0 or out[used - np.uint64(1)] != extra[k]):
                out[used] = extra[k]
                used += np.uint64(1)
            k += np.uint64(1)
        out[used] = least
        used += np.uint64(1)
        i += np.uint64(a == least)
        j += np.uint64(b == least)
    rest, at = (first, i) if i < ends[0] else (second, j)
    end = np.uint64(rest.shape[0])
    while at < end or k < ends[2]:
        if at >= end or (k < ends[2] and extra[k] < rest[at]):
            least = extra[k]
            k += np.uint64(1)
        else:
            least = rest[at]
            at += np.uint64(1)
        if used == 0 or out[used - np.uint64(1)] != least:
            out[used] = least
            used += np.uint64(1)
    return used


@njit(nogil=True, cache=True)
def _unite_views(
    joined: Any,
    prompt: Any,
    prompt_offsets: Any,
    of_prompt: Any,
    answer: Any,
    answer_offsets: Any,
    of_answer: Any,
    alone: Any,
) -> Any:
    """Cut the wholes that are made up of parts, and put them among those that were cut by themselves."""
    _, _, prompt_words, prompt_hashes, prompt_ends = of_prompt
    _, _, answer_words, answer_hashes, answer_ends = of_answer
    low, high, words, values, ends = alone
    low, high, words = low.copy(), high.copy(), words.copy()
    room, longest = values.shape[0], np.int64(0)
    for k in range(joined.shape[0]):
        if joined[k]:
            room += prompt_words[k] + answer_words[k]
            longest = max(
                longest, prompt_offsets[k + 1] - prompt_offsets[k] + 1 + answer_offsets[k + 1] - answer_offsets[k]
            )
    united, offsets = np.empty(room, np.uint64), np.zeros(joined.shape[0] + 1, np.int64)
    text = np.empty(longest, np.uint8)
    hashes = np.empty(2 * WORDS_PER_SHINGLE + 2, np.uint64)
    all_crossing, is_union = np.empty((joined.shape[0], _CROSSING), np.uint64), np.zeros(joined.shape[0], np.bool_)
    used = zero = np.int64(0)
    back, on, crossed = np.int64(-1), np.int64(1), np.int64(_CROSSING)
    for k in range(joined.shape[0]):
        if not joined[k]:
            size = ends[k + 1] - ends[k]
            _copy(values, ends[k], ends[k + 1], united, used)
            used += size
        elif prompt_words[k] + answer_words[k]:
            first, second = prompt_offsets[k + 1] - prompt_offsets[k], answer_offsets[k + 1] - answer_offsets[k]
            _copy(prompt, prompt_offsets[k], prompt_offsets[k + 1], text, zero)
            begin = first + 1 if prompt_words[k] and answer_words[k] else first
            if begin > first:
                text[first] = 32
            stop = begin + second
            _copy(answer, answer_offsets[k], answer_offsets[k + 1], text, begin)
            low[k] = xxh64(text, zero, stop, np.uint64(0))
            high[k] = xxh64(text, zero, stop, shingles.SECOND_SEED)
            words[k] = prompt_words[k] + answer_words[k]
            one, other = (
                prompt_hashes[prompt_ends[k] : prompt_ends[k + 1]],
                answer_hashes[answer_ends[k] : answer_ends[k + 1]],
            )
            if prompt_words[k] >= WORDS_PER_SHINGLE and answer_words[k] >= WORDS_PER_SHINGLE:
                left = _find_space(text, first - 1, back, crossed) + 1 if prompt_words[k] > _CROSSING else 0
                right = _find_space(text, begin, on, crossed) if answer_words[k] > _CROSSING else stop
                crossing = all_crossing[k]
                hash_record(text, left, right, 2 * _CROSSING, crossing)
                crossing.sort()
                is_union[k] = True
                used += np.int64(_merge_sorted(one, other, crossing, united[used:]))
            else:
                # a part of fewer words has a shingle that is none of the whole's
                if hashes.shape[0] < words[k] + 1:
                    hashes = np.empty(2 * words[k], np.uint64)
                found = hash_record(text, zero, stop, words[k], hashes)
                hashes[:found].sort()
                used += np.int64(_merge_sorted(hashes[:found], hashes[:0], hashes[:0], united[used:]))
        offsets[k + 1] = used
    return (low, high, words, united[:used], offsets), all_crossing, is_union


def shingle_views(
    whole: pa.LargeStringArray,
    prompt: pa.LargeStringArray,
    answer: pa.LargeStringArray,
    rows: pa.Int64Array,
    *,
    fold_chinese: bool = False,
) -> ShingledViews:
    """Identify the three views of a batch and cut them into shingles.

    Args:
        whole: the whole records.
        prompt: their prompts; null where a record has none.
        answer: their answers, likewise.
        rows: each record's number in its file.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        For each of them what `shingles.shingle_texts` gives, and what `sign_views` needs beside.
    """
    if prompt.null_count == len(prompt) and answer.null_count == len(answer):
        none = shingles.shingle_texts(prompt, rows, fold_chinese=fold_chinese)
        every = shingles.shingle_texts(whole, rows, fold_chinese=fold_chinese)
        no_place = np.full(every.nodes.num_rows, -1)
        return ShingledViews((every, none, none), no_place, no_place, np.empty((len(no_place), _CROSSING), np.uint64))
    prompt_bytes, prompt_offsets = normalise(prompt, fold_chinese=fold_chinese)
    answer_bytes, answer_offsets = normalise(answer, fold_chinese=fold_chinese)
    cut_prompts, cut_answers = (
        shingles.cut_records(prompt_bytes, prompt_offsets),
        shingles.cut_records(answer_bytes, answer_offsets),
    )
    joined: npt.NDArray[np.bool_] = _is_prompt_and_answer(*buffers(whole), *buffers(prompt), *buffers(answer))
    cut_alone = shingles.cut_records(*normalise(whole.filter(pa.array(~joined)), fold_chinese=fold_chinese))
    united, crossing, is_union = _unite_views(
        joined,
        prompt_bytes,
        prompt_offsets,
        cut_prompts,
        answer_bytes,
        answer_offsets,
        cut_answers,
        _spread_over_records(cut_alone, joined),
    )
    views: Any = tuple(
        shingles.keep_with_words(each, rows, fold_chinese=fold_chinese) for each in (united, cut_prompts, cut_answers)
    )
    has_words = united[2] > 0
    prompt_place, answer_place = (
        np.where(is_union, np.cumsum(each[2] > 0) - 1, -1)[has_words] for each in (cut_prompts, cut_answers)
    )
    return ShingledViews(views, prompt_place, answer_place, crossing[has_words])


def cut_and_sign(
    whole: pa.LargeStringArray,
    prompt: pa.LargeStringArray,
    answer: pa.LargeStringArray,
    rows: pa.Int64Array,
    *,
    fold_chinese: bool = False,
) -> Iterator[tuple[ShingledRecords, minhash.Signatures]]:
    """Cut and sign the three views; of long records each by itself, when it is asked for.

    What the union of long records needs would stand in memory at once.

    Args:
        whole: as for `shingle_views`.
        prompt: likewise.
        answer: likewise.
        rows: likewise.
        fold_chinese: likewise.

    Yields:
        Of each view its shingles and signatures.
    """
    if whole.nbytes <= _LONG * len(whole):
        parts = shingle_views(whole, prompt, answer, rows, fold_chinese=fold_chinese)
        yield from zip(parts.views, sign_views(parts), strict=True)
        return
    for texts in (whole, prompt, answer):
        yield _sign_cut(shingles.shingle_texts(texts, rows, fold_chinese=fold_chinese))


def _sign_cut(cut: ShingledRecords) -> tuple[ShingledRecords, minhash.Signatures]:
    return cut, minhash.sign_sets(cut.values, cut.offsets)


def sign_views(parts: ShingledViews) -> tuple[minhash.Signatures, minhash.Signatures, minhash.Signatures]:
    """Sign the three views.

    Args:
        parts: from `shingle_views`.

    Returns:
        For each of them what `minhash.sign_sets` gives.
    """
    whole, prompt, answer = parts.views
    one, other = (minhash.sign_sets(each.values, each.offsets) for each in (prompt, answer))
    alone = np.flatnonzero(parts.prompt_place < 0)
    signed = np.empty((len(parts.prompt_place), minhash.PERMUTATIONS), np.uint32)
    every = len(alone) == len(parts.prompt_place)  # then nothing is copied
    signed[alone] = minhash.sign_sets(*((whole.values, whole.offsets) if every else shingles.select_sets(whole, alone)))
    minhash.sign_unions(signed, one, other, first=parts.prompt_place, second=parts.answer_place, extra=parts.crossing)
    return signed, one, other


def _spread_over_records(cut: Any, joined: npt.NDArray[np.bool_]) -> Any:
    """Give the records that were cut by themselves their places among all."""
    low, high, words, values, ends = cut
    spread = []
    for column in (low, high, words):
        every = np.zeros(len(joined), column.dtype)
        every[~joined] = column
        spread.append(every)
    sizes = np.zeros(len(joined) + 1, np.int64)
    sizes[1:][~joined] = np.diff(ends)
    return (*spread, values, np.cumsum(sizes))
