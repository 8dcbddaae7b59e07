"""Values dealt out to files come back by partition, each once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.scratch.partition_files import PartitionFiles


@given(st.lists(st.lists(st.integers(0, 6), max_size=20), max_size=6), st.sampled_from([0, 64, 1 << 20]))
def test_every_value_comes_back_from_its_partition(tmp_path_factory, parts, most):
    folder = tmp_path_factory.mktemp("dealt")
    files = PartitionFiles(folder, "x", np.int64)
    for part in parts:
        values = np.sort(np.array(part, np.int64))
        files.add(values, np.searchsorted(values, np.arange(8)))
    every = [value for part in parts for value in part]
    taken = [files.take(number, most) for number in range(7)]
    assert [each.tolist() for each in taken] == [[number] * every.count(number) for number in range(7)]
    assert files.bytes_written == 8 * len(every)
    assert list(folder.iterdir()) == []


def test_what_was_taken_cannot_be_written_to(tmp_path):
    files = PartitionFiles(tmp_path, "x", np.uint64)
    files.add(np.arange(3, dtype=np.uint64), np.array([0, 3]))
    with pytest.raises(ValueError, match="read-only"):
        files.take(0, 1 << 20)[0] = 7
