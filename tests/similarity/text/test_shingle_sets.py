"""Sets of several views that are stored once, against Python's own sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.text import shingle_sets
from provenance.similarity.text.shingle_sets import MaskedSets

RECORDS = st.lists(st.lists(st.sets(st.integers(0, 30), max_size=12), min_size=1, max_size=18), max_size=8)


def flat(sets):
    values = np.array([value for each in sets for value in sorted(each)], np.uint64)
    return values, np.cumsum([0, *map(len, sets)])


def stored(records):
    """Unite records, each a set a view; where a view has none of a record, its set is empty."""
    count = max(map(len, records), default=1)
    present = [[r for r, views in enumerate(records) if view < len(views) and views[view]] for view in range(count)]
    parts = [(*flat([records[r][view] for r in here]), np.array(here, np.int64)) for view, here in enumerate(present)]
    united, placed = shingle_sets.unite_sets(parts, len(records))
    views = [
        (here, MaskedSets(united, *place, np.diff(offsets)))
        for here, place, (_, offsets, _) in zip(present, placed, parts, strict=True)
    ]
    return united, views


def listed(sets):
    return [sets.values[a:b].tolist() for a, b in zip(sets.start.tolist(), sets.stop.tolist(), strict=True)]


@given(RECORDS, st.sampled_from([1, 7, 1 << 20]))
def test_every_view_selects_its_own_set(records, at_a_time):
    _, views = stored(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shingle_sets, "SHINGLES_AT_A_TIME", at_a_time)
        for view, (here, sets) in enumerate(views):
            own = [sorted(records[r][view]) for r in here]
            assert sets.set_count == len(own)
            assert sets.sizes(slice(None)).tolist() == [len(each) for each in own]
            assert listed(sets.select(slice(None))) == own
            assert [each for piece in sets.pieces() for each in listed(sets.select(piece))] == own
            turned = np.arange(len(own))[::-1]
            assert [each for some in sets.cut(turned) for each in listed(sets.select(turned[some]))] == own[::-1]
            values, offsets = sets.copy(slice(None))
            assert np.split(values, offsets[1:-1])[0].tolist() == (own[0] if own else [])


@given(
    RECORDS, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12), st.sampled_from([1, 9, 1 << 20])
)
def test_pairs_have_their_sets(records, pairs, at_a_time):
    _, views = stored(records)
    for view, (here, sets) in enumerate(views):
        some = [(a % len(here), b % len(here)) for a, b in pairs] if here else []
        left, right = (np.array(column, np.int64) for column in (zip(*some, strict=True) if some else ([], [])))
        found = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shingle_sets, "SHINGLES_AT_A_TIME", at_a_time)
            for which, selected, first, second in sets.select_pairs(left, right):
                assert which.start == len(found)
                plain = listed(selected)
                found += [(plain[a], plain[b]) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
        assert found == [tuple(sorted(records[here[each]][view]) for each in pair) for pair in some]


@given(RECORDS)
def test_a_hash_is_stored_once_and_a_mask_costs_a_bit_a_view(records):
    united, views = stored(records)
    room = 0
    for views_of_record in records:
        sets = [each for each in views_of_record if each]
        every = len(set().union(*sets))
        has_masks = any(each != sets[0] for each in sets)
        room += every + (-(-every * -(-len(views) // 8) // 8) if has_masks else 0)
    assert len(united) == room


def test_a_record_of_one_view_has_no_mask():
    united, ((_, sets),) = stored([[{3, 5}], [{1}]])
    assert united.tolist() == [3, 5, 1]
    assert sets.width.tolist() == [0, 0]
    assert sets.select(slice(0, 2)).values is united
