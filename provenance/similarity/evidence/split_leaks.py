"""Leaks: records that are held out for a test, and stand in what is trained on, counted with all other matches.

What is held out leaks where it stands in a record that is trained on, word for word, nearly, or inside a longer one. It
leaks too where it holds such a record that is at least half of it: one sentence of a document is not the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from provenance.core import schemas
from provenance.core.tables import evidence_schemas
from provenance.similarity.evidence.evidence_rules import FileCode
from provenance.similarity.evidence.match_kinds import (
    BITS_PER_VIEW,
    COPY,
    ENOUGH,
    EVIDENT,
    HOLDS,
    INSIDE,
    NEAR,
    PART,
    PROMPT,
    SAME_WORDS,
    WHOLE,
    WITHIN,
)

if TYPE_CHECKING:
    from provenance.similarity.evidence.evidence_rules import EvidenceRules

Ints = npt.NDArray[np.int64]

_KINDS_OF_METHODS = np.array([COPY | SAME_WORDS, COPY, WITHIN, HOLDS])


def show_leaks(rows: Any, rules: EvidenceRules) -> Ints:
    """Say of every row what it shows of a record that is held out from what the other one stands in, or the reverse.

    Args:
        rows: match_counts.MatchRows.
        rules: what decides.

    Returns:
        Kinds of match, shifted by view; 0 where neither is held out from the other. ENOUGH and PART are evidence.
    """
    shown = np.zeros(len(rows.view), np.int64)
    if not rules.codes[FileCode.HELD_OUT].any():
        return shown
    compared = np.flatnonzero(rows.view <= PROMPT)
    file_a, file_b, method = (column[compared] for column in (rows.file_a, rows.file_b, rows.method))
    held_out, trained_on = rules.find_leaks(file_a, file_b), rules.find_leaks(file_b, file_a)
    enough, contained = rows.distinctive[compared] >= rules.minimum, method > NEAR
    # whether the record that is trained on is the shorter one
    shorter = np.where(held_out, method != INSIDE, method == INSIDE)
    part = contained & enough & (~shorter | (rows.covers[compared] > 0))
    kinds = _KINDS_OF_METHODS[method] | (enough & ~contained) * ENOUGH | part * PART
    shown[compared] = np.where(held_out | trained_on, kinds << BITS_PER_VIEW * rows.view[compared], 0)
    return shown


def find_covering(distinct_a: Ints, distinct_b: Ints) -> Ints:
    """Tell of contained records which are no less than half of what they stand in.

    Args:
        distinct_a: shingles of records.
        distinct_b: shingles of others, each of which stands inside its record, or holds it.
    """
    return (2 * np.minimum(distinct_a, distinct_b) >= np.maximum(distinct_a, distinct_b)).astype(np.int64)


class LeakSets(NamedTuple):
    """What counts of matches say of files that are held out, and of those that are trained on.

    Args:
        leaks: sets of kinds of records by file and source, where one is held out from the other.
        pairs: the same by file and other file, of all files.
        first_source: the number of the first source among the places of `leaks`.
    """

    leaks: Any
    pairs: Any
    first_source: int


def make_leaks(sets: LeakSets, rules: EvidenceRules) -> pa.Table:
    """Make LEAKS.

    Args:
        sets: counts of matches.
        rules: by which they were counted.

    Returns:
        LEAKS, one row a file that is held out and source that is trained on.
    """
    leaks, codes = sets.leaks, rules.codes
    source = leaks.other - sets.first_source
    whole, part = (_shows(leaks, kind, WHOLE) for kind in (ENOUGH, PART))
    prompt, prompt_part = (_shows(leaks, kind, PROMPT) for kind in (ENOUGH, PART))
    every = whole | part | prompt | prompt_part
    first = leaks.first(every)
    held_out = codes[FileCode.HELD_OUT, leaks.file] > 0
    chosen = np.flatnonzero(held_out)
    other_file, most = _find_most(sets, rules, leaks.file[chosen], source[chosen])
    records = leaks.count(every)[chosen]
    other_row, is_known = _find_first(leaks, source, first, other_file, codes[FileCode.SOURCE, leaks.file[chosen]])
    columns = {
        "source": rules.sources.take(pa.array(codes[FileCode.SOURCE, leaks.file[chosen]])),
        "path": rules.paths.take(pa.array(leaks.file[chosen])),
        "other": rules.sources.take(pa.array(source[chosen])),
        "other_path": rules.paths.take(pa.array(other_file)),
        "trained": pa.array(codes[FileCode.TRAINING, other_file] > 0),
        "records": records,
        "held": np.minimum(most, records),
        "whole": leaks.count(whole)[chosen],
        "prompts": leaks.count(prompt & ~whole)[chosen],
        "matched": leaks.count(np.ones(len(every), np.bool_))[chosen],
        "row": _or_none(first[chosen], records > 0),
        "other_row": _or_none(other_row, is_known),
    }
    return schemas.conform(pa.table(columns), evidence_schemas.LEAKS)


def _shows(sets: Any, kind: int, view: int) -> npt.NDArray[np.bool_]:
    shows: npt.NDArray[np.bool_] = sets.shows(kind, view)
    return shows


def _or_none(values: Ints, known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(np.where(known, values, 0), mask=~known)


def _find_most(sets: LeakSets, rules: EvidenceRules, file: Ints, source: Ints) -> tuple[Ints, Ints]:
    """Find the file of each source that holds most of what is held out, rather one named for training, and how much."""
    pairs, codes = sets.pairs, rules.codes
    shown = pairs.count(_shows(pairs, EVIDENT, WHOLE) | _shows(pairs, EVIDENT, PROMPT))
    matched = pairs.count(_shows(pairs, COPY | WITHIN | HOLDS, WHOLE) | _shows(pairs, COPY | WITHIN | HOLDS, PROMPT))
    leaking = np.flatnonzero(rules.find_leaks(pairs.file, pairs.other) & (matched > 0))
    a, b = pairs.file[leaking], pairs.other[leaking]
    order = np.lexsort((-b, -shown[leaking], codes[FileCode.TRAINING, b] == 0, codes[FileCode.SOURCE, b], a))
    a, b, shown = a[order], b[order], shown[leaking][order]  # of equal ones the last
    key = a * len(rules.sources) + codes[FileCode.SOURCE, b]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    chosen = first[np.searchsorted(key[first], file * len(rules.sources) + source)]
    return b[chosen], shown[chosen]


def _find_first(
    leaks: Any, source: Ints, first: Ints, other_file: Ints, own: Ints
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Find the first record of each training file that stands in what a source holds out, and whether one does."""
    width = int(source.max(initial=0)) + 1
    key = leaks.file * width + source  # ascending, as sets are
    place = np.searchsorted(key, other_file * width + np.minimum(own, width - 1))
    place = np.minimum(place, max(len(key) - 1, 0))
    known = (own < width) & (key[place] == other_file * width + own) if len(key) else np.zeros(len(own), np.bool_)
    row = first[place] if len(first) else np.zeros(len(own), np.int64)
    return row, known & (row < np.iinfo(np.int64).max)
