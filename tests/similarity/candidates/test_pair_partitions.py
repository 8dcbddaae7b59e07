"""Pairs that are dealt out are verified as those that are not, and what they move does not grow with the sets."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pytest

from provenance.core.processes.threads import Threads
from provenance.core.scratch import partitions
from provenance.similarity.candidates import distinct_texts, pair_partitions
from provenance.similarity.text.shingle_sets import MaskedSets

SCRATCH = TemporaryDirectory()
SIZE = 30


def store(count):
    """Random sets of which every second one nearly equals one far away: left, right and the folder that holds them."""
    chance = np.random.default_rng(count)
    values = np.sort(chance.integers(0, 1 << 63, (count, SIZE), np.uint64), axis=1)
    left, right = np.split(chance.permutation(count), 2)
    values[right] = values[left]
    values[right[::2], -1] += np.uint64(1)  # a Jaccard index of 29 / 31
    values[right[1::2], SIZE // 2 :] += np.uint64(1)  # and of a third
    folder = Path(mkdtemp(dir=SCRATCH.name)) / "view"
    folder.mkdir()
    values.tofile(folder.parent / distinct_texts.SETS_FILE_NAME)
    start = SIZE * np.arange(count)
    none = np.zeros(count, np.int16)
    columns = {"start": start, "stop": start + SIZE, "width": none.astype(np.uint8), "bit": none}
    for name, column in (columns | {"distinct": np.full(count, SIZE)}).items():
        column.tofile(folder / f"node-{name}")
    return folder, left, right


def verified(folder, left, right, threads=1, at_a_time=500):
    pieces = [(left[at : at + at_a_time], right[at : at + at_a_time]) for at in range(0, len(left), at_a_time)]
    found = pair_partitions.verify_candidates(folder, Threads(threads), pieces)
    return sorted(row for part in found for row in zip(*(column.tolist() for column in part), strict=True))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("held", [0, 700, 1 << 20])
def test_pairs_are_verified_wherever_they_wait(monkeypatch, threads, held):
    folder, left, right = store(4_000)
    monkeypatch.setattr(pair_partitions, "PAIRS_HELD", held)
    monkeypatch.setattr(pair_partitions, "RANGE_BYTES", 8 * SIZE * 300)
    expected = sorted((a, b, SIZE - 1) for a, b in zip(left[::2].tolist(), right[::2].tolist(), strict=True))
    assert verified(folder, left, right, threads) == expected
    assert {path.name.split("-")[0] for path in folder.iterdir()} == {"node"}  # nothing is left behind


def test_without_pairs_nothing_is_found():
    folder, _, _ = store(10)
    assert list(pair_partitions.verify_candidates(folder, Threads(1), [])) == []


def test_rows_and_shingles_moved_a_pair_do_not_grow_with_the_pairs(monkeypatch):
    monkeypatch.setattr(pair_partitions, "PAIRS_HELD", 100)
    monkeypatch.setattr(pair_partitions, "RANGE_BYTES", 8 * SIZE * 1000)
    writers, selected, costs = [], [0], []
    select = MaskedSets.select

    class Counted(partitions.PartitionWriter):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            writers.append(self)

    def count_selected(sets, numbers):
        selected[0] += int(sets.sizes(numbers).sum())
        return select(sets, numbers)

    monkeypatch.setattr(pair_partitions, "PartitionWriter", Counted)
    monkeypatch.setattr(MaskedSets, "select", count_selected)
    for count in (2_000, 8_000, 32_000):
        writers.clear()
        selected[0] = 0
        assert len(verified(*store(count))) == count // 4
        costs.append((sum(each.rows for each in writers) / count, selected[0] / count))
    for one, other in pairwise(costs):
        assert one == pytest.approx(other, rel=0.1)
