"""The filter of hashes before they are keyed: nothing that an index has is lost, and most of the rest is dropped."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import package_data
from provenance.pipeline.matching import reference_matches
from provenance.similarity.index import hash_filter

HASHES = st.lists(st.integers(0, (1 << 64) - 1), max_size=20)


@given(HASHES, st.lists(HASHES, max_size=6))
def test_what_is_in_an_index_is_kept_in_its_record(indexed, corpus):
    chosen = hash_filter.make_filter(np.array(indexed, np.uint64), ["ab"])
    corpus = [[*record, *indexed[k : k + 2]] for k, record in enumerate(corpus)]
    values = np.array([value for record in corpus for value in record], np.uint64)
    offsets = np.cumsum([0, *map(len, corpus)])
    kept, ends = hash_filter.select_hashes(values, offsets, chosen)
    low = {value % hash_filter.BITS for value in indexed}
    expected = [[value for value in record if value % hash_filter.BITS in low] for record in corpus]
    assert [kept[a:b].tolist() for a, b in pairwise(ends)] == expected


def test_most_of_what_no_index_has_is_dropped():
    chance = np.random.default_rng(7)
    chosen = hash_filter.make_filter(chance.integers(0, 1 << 63, 70_000).astype(np.uint64), [])
    values = chance.integers(0, 1 << 63, 100_000).astype(np.uint64)
    kept, _ = hash_filter.select_hashes(values, np.array([0, len(values)]), chosen)
    assert 0.05 < len(kept) / len(values) < 0.08


def test_it_is_read_as_it_was_written_and_one_that_is_not_there_is_none(tmp_path):
    made = hash_filter.make_filter(np.arange(100, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), ["ab", "cd"])
    hash_filter.write_filter(tmp_path / "items.npz", made)
    found = hash_filter.read_filter(tmp_path / "items.npz")
    assert (found.bits == made.bits).all()
    assert found.covers(["ab"])
    assert not found.covers(["ab", "ef"])
    (tmp_path / "items.npz").write_bytes(b"PK")
    assert hash_filter.read_filter(tmp_path / "items.npz") is None
    assert hash_filter.read_filter(tmp_path / "none.npz") is None


def test_the_one_that_ships_is_of_the_benchmarks_that_ship():
    chosen = hash_filter.read_filter(package_data.data_folder("known") / "items.npz")
    indexes = [index for index in reference_matches.load_indexes([]).indexes() if index.kind == "benchmark"]
    assert chosen.digests == {index.digest for index in indexes}
    assert np.unpackbits(chosen.bits).mean() == pytest.approx(0.065, abs=0.005)
