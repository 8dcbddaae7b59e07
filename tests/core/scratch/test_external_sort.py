from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.scratch import external_sort

ROW = np.dtype([("key", "u8"), ("value", "i8")])
TOP = (1 << 64) - 1
KEYS = st.one_of(
    st.lists(st.integers(0, 40), max_size=300),
    st.lists(st.integers(0, TOP), max_size=300),
    st.lists(st.sampled_from([0, 1, 63, 64, TOP - 1, TOP]), max_size=300),
)


def rows_of(keys):
    rows = np.empty(len(keys), ROW)
    rows["key"], rows["value"] = np.array(keys, np.uint64), np.arange(len(keys))
    return rows


@given(KEYS, st.integers(1, 50), st.sampled_from([16, 160, 1600, 1 << 20]), st.booleans())
def test_rows_come_in_order_and_those_of_a_key_together(tmp_path_factory, keys, step, budget, share):
    folder = tmp_path_factory.mktemp("ordered")
    rows = rows_of(keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "MEMORY_BUDGET", 2 * budget if share else budget)
        ordered = external_sort.Ordering(folder, "rows", ROW, share=0.5 if share else 1.0)
        for at in range(0, len(rows), step):
            ordered.add(rows[at : at + step].copy())
        assert ordered.count == len(rows)
        parts = []
        for part in ordered:
            assert part.nbytes <= budget or len(set(part["key"].tolist())) == 1  # no more is in memory at a time
            parts.append(part.copy())
    found = [tuple(row) for part in parts for row in part.tolist()]
    assert [key for key, _ in found] == sorted(keys)
    assert sorted(found) == sorted(rows.tolist())
    assert all(a["key"][-1] < b["key"][0] for a, b in pairwise(parts))
    assert not list(folder.iterdir())


def test_a_key_of_many_bits_is_said_in_few(tmp_path):
    ordered = external_sort.Ordering(tmp_path, "rows", ROW, bits=7)
    ordered.add(rows_of([127, 3, 64, 3]))
    assert [key for part in ordered for key in part["key"].tolist()] == [3, 3, 64, 127]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1 << 50)), min_size=1))
def test_a_key_of_two_numbers_has_their_order(pairs):
    made = external_sort.combine_keys(*(np.array(column) for column in zip(*pairs, strict=True)), 10).tolist()
    assert [pair for _, pair in sorted(zip(made, pairs, strict=True))] == sorted(pairs)
    assert [len(list(group)) for _, group in groupby(sorted(made))] == [
        len(list(group)) for _, group in groupby(sorted(pairs))
    ]
