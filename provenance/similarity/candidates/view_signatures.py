"""The views of a batch, cut together: where prompt and answer make up the whole, no word is normalised or hashed twice.

Most records with an answer are their prompt, a newline, their answer. Nothing composes over a newline, so that the
whole's normalised words are those of its parts in turn; its shingles are the parts' and the four that reach over from
one into the other; its signature is the least of theirs, value by value. The result is that of `shingles.shingled` and
`minhash.sign` on each view by itself, which the tests hold it to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.similarity.candidates import minhash
from provenance.similarity.text import shingles
from provenance.similarity.text.normalisation import buffers, normalise
from provenance.similarity.text.shingles import WORDS, Shingled, hash_record, xxh64

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_OVER = WORDS - 1  # shingles that reach from one part into the other, and words of either that they need

_LONG = 1 << 20  # bytes of records, on average, above which their views are cut one after the other


class Parts(NamedTuple):
    """The three views of a batch, cut together.

    Args:
        views: whole, prompt and answer, each as `shingles.shingled` gives it.
        first: of every whole the place of its prompt among the prompts, -1 where it is not the union of its parts.
        second: of its answer among the answers, likewise.
        over: the hashes of the shingles that reach from one into the other.
    """

    views: tuple[Shingled, Shingled, Shingled]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    over: npt.NDArray[np.uint64]


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
def _made_up(whole: Any, wo: Any, prompt: Any, po: Any, answer: Any, ao: Any) -> Any:
    """Tell which records are a prompt, a newline and an answer."""
    made = np.zeros(wo.shape[0] - 1, np.bool_)
    for k in range(made.shape[0]):
        first, second = po[k + 1] - po[k], ao[k + 1] - ao[k]
        if first and second and wo[k + 1] - wo[k] == first + 1 + second:
            made[k] = (
                whole[wo[k] + first] == 10
                and _are_equal(whole, wo[k], prompt, po[k], first)
                and _are_equal(whole, wo[k] + first + 1, answer, ao[k], second)
            )
    return made


@njit(nogil=True, cache=True)
def _place(data: Any, at: Any, step: Any, spaces: Any) -> Any:
    """Go from `at` by `step` until so many spaces were met; return where the last of them is."""
    while True:
        if data[at] == 32:
            spaces -= 1
            if spaces == 0:
                return at
        at += step


@njit(nogil=True, cache=True)
def _merge(first: Any, second: Any, over: Any, out: Any) -> Any:
    """Unite two sorted arrays and a few values more in `out`, sorted, each value once; return how many there are."""
    i = j = k = used = np.uint64(0)
    ends = np.uint64(first.shape[0]), np.uint64(second.shape[0]), np.uint64(over.shape[0])
    while i < ends[0] and j < ends[1]:  # hashes come as they like: both are looked at, and no branch has to be guessed
        a, b = first[i], second[j]
        least = min(a, b)
        while k < ends[2] and over[k] <= least:
            if over[k] < least and (used == 0 or out[used - np.uint64(1)] != over[k]):
                out[used] = over[k]
                used += np.uint64(1)
            k += np.uint64(1)
        out[used] = least
        used += np.uint64(1)
        i += np.uint64(a == least)
        j += np.uint64(b == least)
    rest, at = (first, i) if i < ends[0] else (second, j)
    end = np.uint64(rest.shape[0])
    while at < end or k < ends[2]:
        if at >= end or (k < ends[2] and over[k] < rest[at]):
            least = over[k]
            k += np.uint64(1)
        else:
            least = rest[at]
            at += np.uint64(1)
        if used == 0 or out[used - np.uint64(1)] != least:
            out[used] = least
            used += np.uint64(1)
    return used


@njit(nogil=True, cache=True)
def _united(made: Any, prompt: Any, po: Any, of_prompt: Any, answer: Any, ao: Any, of_answer: Any, alone: Any) -> Any:
    """Cut the wholes that are made up of parts, and put them among those that were cut by themselves."""
    _, _, pw, pv, pe = of_prompt
    _, _, aw, av, ae = of_answer
    low, high, words, values, ends = alone
    low, high, words = low.copy(), high.copy(), words.copy()
    room, longest = values.shape[0], np.int64(0)
    for k in range(made.shape[0]):
        if made[k]:
            room += pw[k] + aw[k]
            longest = max(longest, po[k + 1] - po[k] + 1 + ao[k + 1] - ao[k])
    united, offsets = np.empty(room, np.uint64), np.zeros(made.shape[0] + 1, np.int64)
    text = np.empty(longest, np.uint8)
    hashes = np.empty(2 * WORDS + 2, np.uint64)
    overs, summed = np.empty((made.shape[0], _OVER), np.uint64), np.zeros(made.shape[0], np.bool_)
    used = np.int64(0)
    for k in range(made.shape[0]):
        if not made[k]:
            size = ends[k + 1] - ends[k]
            united[used : used + size] = values[ends[k] : ends[k + 1]]
            used += size
        elif pw[k] + aw[k]:
            first, second = po[k + 1] - po[k], ao[k + 1] - ao[k]
            text[:first] = prompt[po[k] : po[k + 1]]
            begin = first + 1 if pw[k] and aw[k] else first
            text[first:begin] = 32
            stop = begin + second
            text[begin:stop] = answer[ao[k] : ao[k + 1]]
            low[k] = xxh64(text, 0, stop, np.uint64(0))
            high[k] = xxh64(text, 0, stop, shingles.SECOND_SEED)
            words[k] = pw[k] + aw[k]
            one, other = pv[pe[k] : pe[k + 1]], av[ae[k] : ae[k + 1]]
            if pw[k] >= WORDS and aw[k] >= WORDS:
                left = _place(text, first - 1, -1, _OVER) + 1 if pw[k] > _OVER else 0
                right = _place(text, begin, 1, _OVER) if aw[k] > _OVER else stop
                over = overs[k]
                hash_record(text, left, right, 2 * _OVER, over)
                over.sort()
                summed[k] = True
                used += np.int64(_merge(one, other, over, united[used:]))
            else:
                # a part of fewer words has a shingle that is none of the whole's
                if hashes.shape[0] < words[k] + 1:
                    hashes = np.empty(2 * words[k], np.uint64)
                found = hash_record(text, 0, stop, words[k], hashes)
                hashes[:found].sort()
                used += np.int64(_merge(hashes[:found], hashes[:0], hashes[:0], united[used:]))
        offsets[k + 1] = used
    return (low, high, words, united[:used], offsets), overs, summed


def shingled(
    whole: pa.LargeStringArray,
    prompt: pa.LargeStringArray,
    answer: pa.LargeStringArray,
    rows: pa.Int64Array,
    *,
    fold_chinese: bool = False,
) -> Parts:
    """Identify the three views of a batch and cut them into shingles.

    Args:
        whole: the whole records.
        prompt: their prompts; null where a record has none.
        answer: their answers, likewise.
        rows: each record's number in its file.
        fold_chinese: whether traditional characters count as their simplified ones.

    Returns:
        For each of them what `shingles.shingled` gives, and what `sign` needs beside.
    """
    if prompt.null_count == len(prompt) and answer.null_count == len(answer):
        none = shingles.shingled(prompt, rows, fold_chinese=fold_chinese)
        every = shingles.shingled(whole, rows, fold_chinese=fold_chinese)
        unmade = np.full(every.nodes.num_rows, -1)
        return Parts((every, none, none), unmade, unmade, np.empty((len(unmade), _OVER), np.uint64))
    of_prompt, po = normalise(prompt, fold_chinese=fold_chinese)
    of_answer, ao = normalise(answer, fold_chinese=fold_chinese)
    first, second = shingles.cut(of_prompt, po), shingles.cut(of_answer, ao)
    made: npt.NDArray[np.bool_] = _made_up(*buffers(whole), *buffers(prompt), *buffers(answer))
    by_itself = shingles.cut(*normalise(whole.filter(pa.array(~made)), fold_chinese=fold_chinese))
    united, over, summed = _united(made, of_prompt, po, first, of_answer, ao, second, _spread(by_itself, made))
    views: Any = tuple(shingles.identified(each, rows, fold_chinese=fold_chinese) for each in (united, first, second))
    worded = united[2] > 0
    one, other = (np.where(summed, np.cumsum(each[2] > 0) - 1, -1)[worded] for each in (first, second))
    return Parts(views, one, other, over[worded])


def signed_views(
    whole: pa.LargeStringArray,
    prompt: pa.LargeStringArray,
    answer: pa.LargeStringArray,
    rows: pa.Int64Array,
    *,
    fold_chinese: bool = False,
) -> Iterator[tuple[Shingled, minhash.Signatures]]:
    """Cut and sign the three views; of long records each by itself, when it is asked for.

    What the union of long records needs would stand in memory at once.

    Args:
        whole: as for `shingled`.
        prompt: likewise.
        answer: likewise.
        rows: likewise.
        fold_chinese: likewise.

    Yields:
        Of each view its shingles and signatures.
    """
    if whole.nbytes <= _LONG * len(whole):
        parts = shingled(whole, prompt, answer, rows, fold_chinese=fold_chinese)
        yield from zip(parts.views, sign(parts), strict=True)
        return
    for texts in (whole, prompt, answer):
        yield _signed(shingles.shingled(texts, rows, fold_chinese=fold_chinese))


def _signed(cut: Shingled) -> tuple[Shingled, minhash.Signatures]:
    return cut, minhash.sign(cut.values, cut.offsets)


def sign(parts: Parts) -> tuple[minhash.Signatures, minhash.Signatures, minhash.Signatures]:
    """Sign the three views.

    Args:
        parts: from `shingled`.

    Returns:
        For each of them what `minhash.sign` gives.
    """
    whole, prompt, answer = parts.views
    one, other = (minhash.sign(each.values, each.offsets) for each in (prompt, answer))
    alone = np.flatnonzero(parts.first < 0)
    signed = np.empty((len(parts.first), minhash.PERMUTATIONS), np.uint32)
    every = len(alone) == len(parts.first)  # then nothing is copied
    signed[alone] = minhash.sign(*((whole.values, whole.offsets) if every else shingles.picked(whole, alone)))
    minhash.unite(signed, one, other, parts.first, parts.second, parts.over)
    return signed, one, other


def _spread(cut: Any, made: npt.NDArray[np.bool_]) -> Any:
    """Give the records that were cut by themselves their places among all."""
    low, high, words, values, ends = cut
    spread = []
    for column in (low, high, words):
        every = np.zeros(len(made), column.dtype)
        every[~made] = column
        spread.append(every)
    sizes = np.zeros(len(made) + 1, np.int64)
    sizes[1:][~made] = np.diff(ends)
    return (*spread, values, np.cumsum(sizes))
