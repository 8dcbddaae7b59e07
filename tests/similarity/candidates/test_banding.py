from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.candidates import banding
from provenance.similarity.candidates.banding import CandidatePairs

SCRATCH = TemporaryDirectory()


def candidates_of(keys, files=None):
    """Nodes whose hashes stand in the order of their numbers, each of a file of its own where none are given."""
    low = np.arange(len(keys), dtype=np.uint64) // np.uint64(2)
    high = np.arange(len(keys), dtype=np.uint64)
    only_file = np.arange(len(keys), dtype=np.int32) if files is None else np.array(files, np.int32)
    return CandidatePairs(np.ascontiguousarray(keys.T), low, high, only_file, scratch=Path(mkdtemp(dir=SCRATCH.name)))


def keys_of(rows, bands):
    return np.array(rows, np.uint64).reshape(len(rows), bands) << np.uint64(61)  # the top bits are those of buckets


def made(found):
    chunks = [list(zip(left.tolist(), right.tolist(), strict=True)) for left, right in found]
    assert all(chunks)
    return [pair for chunk in chunks for pair in chunk]


def brute(rows, group, pivots):
    """Nested loops over bands and groups, and a set."""
    pairs, aside = set(), set()
    for band in range(len(rows[0]) if rows else 0):
        for key in {row[band] for row in rows}:
            members = [node for node, row in enumerate(rows) if row[band] == key]
            usual = len(members) <= group
            pairs |= {(a, b) for a, b in combinations(members, 2) if usual or a in members[:pivots]}
            aside |= set() if usual else set(members[pivots:])
    return pairs, len(aside)


tables = st.integers(1, 4).flatmap(
    lambda bands: st.tuples(
        st.just(bands), st.lists(st.lists(st.integers(0, 5), min_size=bands, max_size=bands), max_size=40)
    )
)


@given(
    tables,
    st.sampled_from([(64, 8), (4, 2), (2, 1)]),
    st.sampled_from([1, 7, 1 << 20]),
    st.sampled_from([1, 5, 1 << 20]),
)
def test_candidates_equal_brute_force_and_come_once(table, limits, chunk, nodes):
    bands, rows = table
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(banding, "LARGEST_GROUP", limits[0])
        patch.setattr(banding, "PIVOTS_PER_GROUP", limits[1])
        patch.setattr(banding, "_CHUNK", chunk)
        patch.setattr(banding, "NODES_PER_RANGE", nodes)
        found = candidates_of(keys_of(rows, bands))
        pairs = made(found)
        assert len(pairs) == len(set(pairs))
        assert (set(pairs), found.pivoted) == brute(rows, *limits)
        assert made(found) == pairs  # a second time the same


@given(tables, st.lists(st.integers(-1, 2), min_size=40, max_size=40), st.sampled_from([(64, 8), (4, 2)]))
def test_nodes_of_one_file_are_never_paired(table, files, limits):
    bands, rows = table
    files = files[: len(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(banding, "LARGEST_GROUP", limits[0])
        patch.setattr(banding, "PIVOTS_PER_GROUP", limits[1])
        pairs = made(candidates_of(keys_of(rows, bands), files))
        every, _ = brute(rows, *limits)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == {(a, b) for a, b in every if files[a] != files[b] or files[a] < 0}


def test_a_crowd_of_one_file_makes_no_pair_and_is_not_called_compared_with_pivots():
    found = candidates_of(np.zeros((10_000, 3), np.uint64), np.zeros(10_000))
    assert (made(found), found.pivoted) == ([], 0)


def test_a_group_of_any_size_costs_a_constant_per_node():
    found = candidates_of(np.zeros((10_000, 3), np.uint64))
    assert len(made(found)) == 8 * 10_000 - 8 * 9 // 2
    assert found.pivoted == 10_000 - 8


def test_a_pair_that_pivots_leave_out_is_made_by_a_later_band():
    keys = np.zeros((100, 2), np.uint64)
    keys[:, 1] = np.arange(100)
    keys[[98, 99], 1] = 7777
    assert (98, 99) in made(candidates_of(keys))


def test_no_nodes_no_candidates():
    assert made(candidates_of(np.zeros((0, 21), np.uint64))) == []


def crowd(count, bands, seed=3):
    """Nodes that all share each band's key with half of the others, so that every band has other pivots."""
    return np.random.default_rng(seed).integers(0, 2, (count, bands), np.uint64) << np.uint64(40)


@pytest.mark.parametrize("chunk", [50, 1 << 20])
def test_a_node_that_found_enough_is_paired_no_more_in_large_groups(chunk, monkeypatch):
    monkeypatch.setattr(banding, "_CHUNK", chunk)
    found = candidates_of(crowd(2000, 21))
    pairs, partners = [], np.zeros(2000, np.int64)
    for left, right in found:
        found.count_near(left, right)
        pairs += zip(left.tolist(), right.tolist(), strict=True)
        np.add.at(partners, left, 1)
        np.add.at(partners, right, 1)
    assert len(pairs) == len(set(pairs))
    assert len(pairs) <= (banding.ENOUGH_NEAR + banding.PIVOTS_PER_GROUP) * 2000
    assert partners.min() >= banding.ENOUGH_NEAR  # nobody goes short
    assert len(pairs) < len(made(candidates_of(crowd(2000, 21)))) / 2  # whose pairs are never near
