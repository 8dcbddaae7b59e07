"""Matches counted by record as evidence: how many records of a file stand in another file, source or licence, and how.

Rows are gone through once, record after record, all views of a record together. What a record shows in another file,
source, or source and licence is a set of bits, one a kind of match; records of one file that show the same are counted
together. Whatever is asked of such sets afterwards (evidence, word for word, another answer to the same prompt) is
answered from a few counts, and never again from the rows.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.core.scratch.external_sort import Ordering
from provenance.similarity.evidence.evidence_rules import FileCode
from provenance.similarity.evidence.match_kinds import (
    ANSWER,
    BETWEEN,
    BITS_PER_VIEW,
    COPIED,
    COPIED_BETWEEN,
    COPY,
    COUNTS,
    DIFFERENT,
    ENOUGH,
    EVIDENT,
    FROM_OTHERS,
    HOLDS,
    INSIDE,
    LICENSED,
    LICENSED_BETWEEN,
    NEAR,
    PROMPT,
    SAME_WORDS,
    UNEXPLAINED,
    WHOLE,
    WITHIN,
    WITHIN_VIEWS,
    number_places,
    pack_group,
)
from provenance.similarity.evidence.split_leaks import show_leaks
from provenance.similarity.text.shingles import WORDS_PER_SHINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from provenance.similarity.evidence.evidence_rules import EvidenceRules
    from provenance.similarity.evidence.match_kinds import Places

Ints = npt.NDArray[np.int64]

TEXTS = np.dtype([("text", "u8"), ("group", "i8")])
"""A text that stands elsewhere, by the lowest record there, and what it is counted for, see `match_kinds`."""

_FILE_SHIFT = 39  # bits of the number of a record in a text's number
_MEMORY_SHARE = 0.25  # of the budget, for texts that are put in order
_ROWS_AT_A_TIME = 1 << 16  # rows that are counted at a time, about
_ROWS_OF_COUNTS = 1 << 18  # that wait before they are added up
_WORDS_MORE = WORDS_PER_SHINGLE - 1  # words that n shingles in a row have beyond n
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)  # odd numbers of SplitMix64 (Steele et al. 2014)

_LICENCE, _ORIGINAL = int(FileCode.LICENCE), int(FileCode.ORIGINAL)
_LAST = np.iinfo(np.int64).max
_KINDS_OF_METHODS = np.array([COPY | SAME_WORDS, COPY, WITHIN, HOLDS])


class MatchRows(NamedTuple):
    """Rows of MATCHES by number, sorted by record, view and other file.

    Args:
        view: WHOLE, PROMPT, ANSWER or BETWEEN.
        method: EXACT, NEAR, INSIDE or AROUND.
        file_a: file of the record.
        row_a: its number there.
        file_b: the other file.
        row_b: the record there.
        distinctive: shingles in both that are no boilerplate.
        shared: shingles in both.
        covers: of contained records, whether the shorter is at least half of the longer, see `split_leaks`.
    """

    view: Ints
    method: Ints
    file_a: Ints
    row_a: Ints
    file_b: Ints
    row_b: Ints
    distinctive: Ints
    shared: Ints
    covers: Ints


@njit(nogil=True, cache=True)
def _find_evidence(rows: Any, codes: Any, keeps: Any, minimum: Any) -> Any:
    """Say of every row which of ENOUGH, EVIDENT, LICENSED and UNEXPLAINED it is; rows of a record stand together.

    A known original explains a copy of what it is a copy of itself, and any match of which it has four fifths.
    """
    view, method, file_a, row_a, file_b, _, distinctive, _, _ = rows
    count = view.shape[0]
    evidence = np.zeros(count, np.uint8)
    # the most distinctive shingles that an original explains, by view: any original, and one whose licence is kept
    most, copied = np.zeros((2, BETWEEN + 1), np.int64), np.zeros((2, BETWEEN + 1), np.bool_)
    begin = 0
    while begin < count:
        a, row, end = file_a[begin], row_a[begin], begin
        most[:], copied[:] = 0, False
        while end < count and file_a[end] == a and row_a[end] == row:
            b, of = file_b[end], view[end]
            if of != ANSWER and distinctive[end] >= minimum:
                evidence[end] = EVIDENT | ENOUGH if method[end] <= NEAR else EVIDENT
                for kept in range(2 if codes[_ORIGINAL, b] else 0):
                    if kept == 0 or keeps[codes[_LICENCE, a], codes[_LICENCE, b]]:
                        most[kept, of] = max(most[kept, of], distinctive[end])
                        copied[kept, of] |= method[end] <= NEAR
            end += 1
        for at in range(begin, end):
            if evidence[at]:
                of, known = view[at], codes[_ORIGINAL, file_b[at]] > 0
                for kept, kind in ((0, UNEXPLAINED), (1, LICENSED)):
                    known_most = most[kept].max() if of == BETWEEN else most[kept, of]
                    explained = 5 * known_most >= 4 * distinctive[at] or (copied[kept, of] and method[at] <= NEAR)
                    evidence[at] |= kind if known or not explained else 0
        begin = end
    return evidence


@njit(nogil=True, cache=True)
def _show_record(rows: Any, begin: Any, end: Any, kinds: Any, least: Any, words: Any, touched: Any) -> Any:
    """Bring together by place what the rows of a record show; return how many places they touch."""
    view, places, shown, texts, shared = rows
    count = 0
    for at in range(begin, end):
        for grain in range(places.shape[1]):
            place = places[at, grain]
            if shown[at, grain] and not kinds[place]:
                touched[count] = place
                count += 1
            kinds[place] |= shown[at, grain]
            if shown[at, grain] and shared[at]:
                words[view[at], place] = max(words[view[at], place], shared[at])
            if texts[at, grain] < _LAST:
                least[view[at], place] = min(least[view[at], place], texts[at, grain])
    return count


@njit(nogil=True, cache=True)
def _tally(entries: Any, used: Any, head: Any, file: Any, place: Any, kinds: Any, words: Any, row: Any) -> Any:
    """Count a record among those of its file that show the same in the same place; return how many sets there are."""
    at = head[place]
    while at >= 0 and entries[at, 2] != kinds:
        at = entries[at, 8]
    if at < 0:
        at, used = used, used + 1
        entries[at, 0], entries[at, 1], entries[at, 2], entries[at, 3] = file, place, kinds, 0
        entries[at, 4], entries[at, 5], entries[at, 6], entries[at, 7] = row, 0, 0, 0
        entries[at, 8], head[place] = head[place], at
    entries[at, 3] += 1
    entries[at, 4] = min(entries[at, 4], row)
    for number, view in enumerate((WHOLE, PROMPT, BETWEEN)):
        entries[at, 5 + number] += words[view, place]
    return used


@njit(nogil=True, cache=True)
def _count_records(rows: Any, file: Any, row: Any, ends: Any, first_source: Any, room: Any) -> Any:
    """Count the records of some rows as in COUNTS; and texts by view, file and place."""
    count = rows[1].size
    entries, texts = np.empty((count, 9), np.int64), np.empty((count, 4), np.int64)
    head, kinds = np.full(room, -1, np.int64), np.zeros(room, np.int64)
    least, touched = np.full((BETWEEN + 1, room), _LAST, np.int64), np.empty(count, np.int64)
    words = np.zeros((BETWEEN + 1, room), np.int64)
    used, used_texts, begin = 0, 0, 0
    for number in range(ends.shape[0] - 1):
        first = ends[number]
        if number and file[first - 1] != file[first]:
            for entry in range(begin, used):
                head[entries[entry, 1]] = -1
            begin = used
        for at in range(_show_record(rows, first, ends[number + 1], kinds, least, words, touched)):
            place = touched[at]
            used = _tally(entries, used, head, file[first], place, kinds[place], words, row[first])
            answered = place >= first_source and kinds[place] & FROM_OTHERS
            for view in (WHOLE, PROMPT, BETWEEN):
                if least[view, place] < _LAST and not (view == PROMPT and answered):
                    texts[used_texts, 0], texts[used_texts, 1] = least[view, place], view
                    texts[used_texts, 2], texts[used_texts, 3] = file[first], place
                    used_texts += 1
                least[view, place], words[view, place] = _LAST, 0
            kinds[place] = 0
    return entries[:used, :8].copy(), texts[:used_texts].copy()


def find_evidence(rows: MatchRows, rules: EvidenceRules) -> npt.NDArray[np.uint8]:
    """Say of every row whether it is evidence.

    Args:
        rows: sorted by record; all of a record's must be among them.
        rules: what decides.

    Returns:
        Bits of ENOUGH, EVIDENT, LICENSED and UNEXPLAINED.
    """
    evidence: npt.NDArray[np.uint8] = _find_evidence(tuple(rows), rules.codes, rules.keeps, rules.minimum)
    return evidence


def _find_records(rows: MatchRows) -> Ints:
    """Return where the rows of each record begin, and the last one's end."""
    new = (rows.file_a[1:] != rows.file_a[:-1]) | (rows.row_a[1:] != rows.row_a[:-1])
    return np.r_[0, 1 + np.flatnonzero(new), len(rows.file_a)] if len(rows.file_a) else np.zeros(1, np.int64)


def _show_rows(rows: MatchRows, rules: EvidenceRules, places: Places) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Say of every row what it shows of its record in each place, by which text, and how many words as evidence.

    A row stands in four places: the other file, its source under its licence, its source, and its source again where
    one of the files is held out from the other. Where it shows nothing, the kinds are 0, and the text is that of none.
    """
    codes, a, b = rules.codes, rows.file_a, rows.file_b
    evidence = find_evidence(rows, rules).astype(np.int64)
    shown = (evidence | _KINDS_OF_METHODS[rows.method]) << (BITS_PER_VIEW * rows.view)
    source_a, source_b = codes[FileCode.SOURCE][a], codes[FileCode.SOURCE][b]
    between = source_a != source_b
    content = codes[FileCode.CONTENT][a]
    differs = (content < 0) | (content != codes[FileCode.CONTENT][b])
    kinds, texts = np.zeros((2, len(a), 4), np.int64)
    where = np.empty((len(a), 4), np.int64)
    where[:, 0], where[:, 1] = b, places.files + codes[FileCode.GROUP][b]
    where[:, 2], where[:, 3] = places.first_source + source_b, places.training + source_b
    kinds[:, 0], kinds[:, 1] = shown, shown * between
    kinds[:, 2] = shown | (shown * differs & WITHIN_VIEWS) << DIFFERENT
    kinds[:, 3] = show_leaks(rows, rules)
    text = _number_texts(rows)
    counts = between & (evidence & UNEXPLAINED > 0) & (differs | (rows.view == PROMPT) | (rows.view == BETWEEN))
    texts[:] = _LAST
    texts[:, 1] = np.where(between & (evidence & LICENSED > 0), text, _LAST)
    texts[:, 2] = np.where(counts, text, _LAST)
    return rows.view, where, kinds, texts, np.where(evidence > 0, rows.shared + _WORDS_MORE, 0)


def _number_texts(rows: MatchRows) -> Ints:
    """Number the text that each row is about: the lowest record that it stands in.

    Of texts inside one longer record, those that share other counts of shingles with it are different ones.
    """
    text: Ints = rows.file_b << _FILE_SHIFT | rows.row_b
    inside = rows.method == INSIDE
    sizes = (rows.shared << 32 | rows.distinctive)[inside].astype(np.uint64)
    mixed = (text[inside].astype(np.uint64) * _MIX[0] + sizes) * _MIX[1]
    text[inside] = (mixed >> np.uint64(2)).astype(np.int64)
    return text


class MatchCounter:
    """Counts of matches, added up some rows at a time.

    Args:
        rules: what decides.
    """

    def __init__(self, rules: EvidenceRules) -> None:
        self._rules, self._places = rules, number_places(rules)
        self._parts: list[pa.Table] = []

    def add(self, rows: MatchRows) -> npt.NDArray[Any]:
        """Count some rows; all of a record's must be among them.

        Args:
            rows: sorted by record.

        Returns:
            TEXTS, with any repetition.
        """
        ends = _find_records(rows)
        cuts = np.unique(np.searchsorted(ends, np.arange(0, ends[-1] + _ROWS_AT_A_TIME, _ROWS_AT_A_TIME)))
        cuts = np.unique(np.minimum(cuts, len(ends) - 1))
        texts = [self._add(rows, ends[first : last + 1]) for first, last in pairwise(cuts.tolist())]
        return np.concatenate([np.zeros(0, TEXTS), *texts])

    def _add(self, rows: MatchRows, ends: Ints) -> npt.NDArray[Any]:
        """Count the records that begin and end there."""
        some, places = MatchRows(*(column[ends[0] : ends[-1]] for column in rows)), self._places
        entries, texts = _count_records(
            _show_rows(some, self._rules, places), some.file_a, some.row_a, ends - ends[0],
            places.first_source, places.end,
        )  # fmt: skip
        self._parts.append(pa.table(list(entries.T), schema=COUNTS))
        if sum(map(len, self._parts)) > _ROWS_OF_COUNTS:
            self._parts = [self.total()]
        return self._group_texts(*texts.T)

    def _group_texts(self, text: Ints, view: Ints, file: Ints, place: Ints) -> npt.NDArray[Any]:
        """Say what texts are counted for."""
        places, codes = self._places, self._rules.codes
        of_source = place >= places.first_source
        a = np.where(of_source, codes[FileCode.SOURCE, file], codes[FileCode.GROUP, file])
        b = np.where(of_source, place - places.first_source, place - places.files)
        found = np.empty(len(text), TEXTS)
        found["text"] = text
        kind = np.where(
            view == BETWEEN, np.where(of_source, COPIED_BETWEEN, LICENSED_BETWEEN), view + COPIED * of_source
        )
        found["group"] = pack_group(kind, a, b, places)
        return found

    def total(self) -> pa.Table:
        """Return COUNTS."""
        return add_counts(self._parts)


def add_counts(parts: Iterable[pa.Table]) -> pa.Table:
    """Add up counts of several parts.

    Args:
        parts: COUNTS.

    Returns:
        COUNTS, sorted by file, place and kinds.
    """
    keys = ["file", "other", "kinds"]
    added_up = {"records": "sum", "row": "min", "words": "sum", "prompt_words": "sum", "between_words": "sum"}
    grouped = pa.concat_tables([COUNTS.empty_table(), *parts]).group_by(keys)
    added = grouped.aggregate(list(added_up.items()))
    names = {f"{name}_{how}": name for name, how in added_up.items()}
    named = added.rename_columns(names).select(COUNTS.names).cast(COUNTS)
    return named.sort_by([(key, "ascending") for key in keys])


def count_texts(texts: Iterable[npt.NDArray[Any]], folder: Path) -> tuple[Ints, Ints]:
    """Count distinct texts by what they are counted for.

    Args:
        texts: TEXTS, with any repetition.
        folder: where they are put in order.

    Returns:
        Groups, sorted, and how many texts each has.
    """
    ordered = Ordering(folder, "texts", TEXTS, share=_MEMORY_SHARE)
    for part in texts:
        ordered.add(part)
    counted = [np.array(np.unique(part, return_counts=True)) for part in _drop_repeated(ordered)]
    return add_texts(np.concatenate([np.zeros((2, 0), np.int64), *counted], axis=1))


def _drop_repeated(parts: Iterable[npt.NDArray[Any]]) -> Iterator[Ints]:
    """Yield the groups of distinct texts; parts are sorted by text."""
    for part in parts:
        if not len(part):
            continue
        order = np.lexsort((part["group"], part["text"]))
        text, group = part["text"][order], part["group"][order]
        new = np.r_[True, (text[1:] != text[:-1]) | (group[1:] != group[:-1])]
        yield group[new]


def add_texts(counted: Ints) -> tuple[Ints, Ints]:
    """Add up counts of texts.

    Args:
        counted: int64[2, n]: groups with any repetition, and texts.

    Returns:
        Groups, sorted, and how many texts each has.
    """
    groups, place = np.unique(counted[0], return_inverse=True)
    totals = np.zeros(len(groups), np.int64)
    np.add.at(totals, place, counted[1])
    return groups, totals
