"""Rows that are dealt out come back by partition, each once, and none is moved twice."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import engines
from provenance.core.model import Died
from provenance.core.processes.threads import Threads
from provenance.core.scratch import partitions
from provenance.errors import InputError

ROWS = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("value", pa.int64(), nullable=False)])


def deal(part):
    folder, number, keys, count = part
    writer = partitions.PartitionWriter(folder, f"x{number}", ROWS, count)
    for at in range(0, len(keys), 3):
        some = np.array(keys[at : at + 3], np.uint64)
        writer.add([some, np.arange(at, at + len(some))], partitions.partition_of_hashes(some, count))
    return writer.close()


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=4),
    st.sampled_from([1, 64, 1 << 20]),
    st.sampled_from([1, 2, 16]),
    st.sampled_from([1, 2]),
)
def test_every_row_comes_to_the_partition_of_its_key(tmp_path_factory, parts, waiting, count, threads):
    folder = tmp_path_factory.mktemp("dealt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "_HELD_BYTES", waiting)
        work = [(folder, number, keys, count) for number, keys in enumerate(parts)]
        made = engines.exchange(Threads(threads), deal, work)
        again = engines.exchange(Threads(threads), deal, work)  # whoever was killed begins again
    assert again == made
    rows, of_key = [], {}
    for each in made:
        keys, values = partitions.read_columns(each, ROWS)
        rows += zip(keys.tolist(), values.tolist(), strict=True)
        for key in keys.tolist():
            assert of_key.setdefault(key, each.number) == each.number
    assert sorted(rows) == sorted((key, place) for keys in parts for place, key in enumerate(keys))
    partitions.remove_files(made)
    assert list(folder.iterdir()) == []


def test_a_partition_without_rows_has_columns(tmp_path):
    assert [len(column) for column in partitions.read_columns(partitions.Partition(0, ()), ROWS)] == [0, 0]


@pytest.mark.parametrize(
    ("size", "parallel", "count"),
    [(0, 8, 1), (1 << 10, 8, 1), (1 << 23, 2, 2), (1 << 25, 1, 1), (1 << 30, 1, 32), (1 << 50, 2, 1 << 14)],
)
def test_partitions_are_as_many_as_rows_ask_for(size, parallel, count):
    assert partitions.count_partitions(size, parallel) == count


def test_low_hashes_are_spread_as_well_as_others():
    """Anchors are the least of a hundred hashes each."""
    lowest = np.random.default_rng(1).integers(0, 1 << 63, (20_000, 100), np.uint64).min(axis=1)
    counts = np.bincount(partitions.partition_of_hashes(lowest, 16), minlength=16)
    assert counts.min() > 1000
    assert counts.max() < 1500


def test_a_part_that_dies_is_said():
    class Dying:
        workers = 1

        def map(self, _function, parts):
            return enumerate([Died("it was killed")] * len(parts))

    with pytest.raises(InputError, match="could not be compared: it was killed"):
        engines.exchange(Dying(), deal, [None])
