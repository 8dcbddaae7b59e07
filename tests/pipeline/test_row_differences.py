"""Rows that only one of two tables has are counted as a multiset, in memory that does not grow with them."""

import sys
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.core.scratch import external_sort
from provenance.pipeline import row_differences
from provenance.pipeline.row_differences import count_differences

ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", 'c"\n', "ü", "x" * 99]), st.sampled_from([None, 1, 2])), max_size=30
)
SCHEMA = pa.schema([("name", pa.string()), ("n", pa.int64())])


def table(rows):
    return pa.table({"name": [name for name, _ in rows], "n": [number for _, number in rows]}, schema=SCHEMA)


def oracle(theirs, mine):
    left, right = Counter(theirs), Counter(mine)
    return (left - right).total(), (right - left).total()


@given(ROWS, ROWS)
def test_rows_are_counted_as_a_multiset(theirs, mine):
    assert count_differences(table(theirs), table(mine)) == oracle(theirs, mine)


@given(ROWS, ROWS, st.integers(1, 400), st.integers(1, 300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_limit_changes_a_count(monkeypatch, theirs, mine, budget, piece):
    monkeypatch.setattr(external_sort, "MEMORY_BUDGET", budget)
    monkeypatch.setattr(row_differences, "_PIECE_BYTES", piece)
    monkeypatch.setattr(row_differences, "_PIECE_ROWS", 1 + piece % 7)
    assert count_differences(table(theirs), table(mine)) == oracle(theirs, mine)


LARGE = """
import numpy as np, pyarrow as pa
from provenance.pipeline.row_differences import count_differences
words = pa.array(["w" * 1000] * 20_000)
def table(first):
    numbers = np.arange(first, first + 1_200_000)
    return pa.table({"name": pa.chunked_array([words] * 60), "n": numbers})
print(*count_differences(table(0), table(7)))
"""


@pytest.mark.full
def test_lines_of_more_than_two_gigabytes_are_counted_in_bounded_memory(measure):
    done = measure([sys.executable, "-c", LARGE])
    assert (done.returncode, done.stdout) == (0, "7 7\n"), done.stderr
    print(f"\n{done.peak:.0f} MiB for 2 x 1.2 GB of lines")
    assert done.peak < 700
