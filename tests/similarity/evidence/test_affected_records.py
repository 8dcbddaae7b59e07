"""Why records are listed: each once, with what weighs most, in order, against a sort of everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.core.scratch import external_sort
from provenance.similarity.evidence.affected_records import RecordReasons

FILES, REASONS, OTHERS = 3, 4, 3
ROWS = st.tuples(*(st.integers(0, most - 1) for most in (FILES, 50, REASONS, OTHERS, 4)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(ROWS, max_size=30), max_size=4),
    st.permutations(range(REASONS)),
    st.permutations(range(OTHERS)),
    st.sampled_from([external_sort.MEMORY_BUDGET, 64]),
)
def test_a_record_is_listed_once_for_what_weighs_most(tmp_path_factory, parts, reasons, others, budget):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "MEMORY_BUDGET", budget)
        listed = RecordReasons(tmp_path_factory.mktemp("reasons"), FILES)
        for part in parts:
            file, row, reason, other, other_row = np.array(part, np.int64).reshape(-1, 5).T
            listed.add(file, row, reason=reason, other=other, other_row=other_row)
        found = [
            tuple(line)
            for rows in listed.rank(np.array(reasons), np.array(others))
            for line in np.array(rows).T.tolist()
        ]
    weights = {}
    for file, row, reason, other, other_row in (line for part in parts for line in part):
        weight = (reasons[reason], others[other], other_row, other)
        weights[file, row] = min(weight, weights.get((file, row), weight))
    assert found == [(*key, rank, other, row) for key, (rank, _, row, other) in sorted(weights.items())]
