"""Boilerplate, against Python's own counters and sets."""

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.processes.threads import Threads
from provenance.similarity.candidates import boilerplate
from provenance.similarity.text import shingle_sets, shingles
from provenance.similarity.text.normalisation import normalise
from provenance.similarity.text.shingle_sets import ShingleSets

SCRATCH = TemporaryDirectory()
WORDS = [f"w{k}" for k in range(60)]
TEMPLATE = " ".join(WORDS[:20])


def sets_of(texts):
    return ShingleSets.from_offsets(*shingles._cut_records(*normalise(pa.array(texts, pa.large_string())))[3:])


def brute(sets, common):
    counted = Counter(value for each in sets for value in each)
    return {value for value, count in counted.items() if count >= common}


def learnt(sets, texts=None, threads=1):
    texts = np.ones(sets.set_count, bool) if texts is None else texts
    return set(mask_of(sets, texts, threads).tolist()) - {0}


def mask_of(sets, texts, threads=1):
    return boilerplate.learn_boilerplate(sets, texts, Path(mkdtemp(dir=SCRATCH.name)), Threads(threads))


SETS = st.lists(st.sets(st.integers(1, 40), max_size=12), max_size=80)


def flat(sets):
    offsets = np.cumsum([0, *map(len, sets)])
    return ShingleSets.from_offsets(np.array([value for each in sets for value in sorted(each)], np.uint64), offsets)


@given(SETS)
def test_what_stands_in_many_texts_is_boilerplate(sets):
    assert learnt(flat(sets)) == brute(sets, boilerplate.COMMON_FROM)


@given(SETS, st.lists(st.booleans(), min_size=80, max_size=80))
def test_only_shingles_of_texts_that_are_asked_about_are_learnt(sets, asked):
    texts = np.array(asked[: len(sets)], bool)
    of_them = {value for each, wanted in zip(sets, texts, strict=True) if wanted for value in each}
    found = learnt(flat(sets), texts)
    assert found & of_them == brute(sets, boilerplate.COMMON_FROM) & of_them
    assert found <= brute(sets, boilerplate.COMMON_FROM)  # the filter may let more pass


@given(
    SETS,
    st.lists(st.booleans(), min_size=80, max_size=80),
    st.sampled_from([8, 64, 1000]),
    st.sampled_from([1, 3]),
    st.sampled_from([4, 27]),
    st.sampled_from([1, 2]),
)
def test_what_is_dealt_out_to_partitions_is_what_memory_would_say(sets, asked, most, fan_out, coarse, threads):
    """Partitions that are dealt out again and again, and shingles of one slot that cannot be parted."""
    texts, held = np.array(asked[: len(sets)], bool), flat(sets)
    found = learnt(held, texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boilerplate, "PARTITION_BYTES", most)
        patch.setattr(boilerplate, "_FAN_OUT_BITS", fan_out)
        patch.setattr(boilerplate, "_COARSE_FILTER_BITS", coarse)
        patch.setattr(boilerplate, "_SHINGLES_AT_A_TIME", 50)
        patch.setattr(shingle_sets, "SHINGLES_AT_A_TIME", 50)
        patch.setattr(boilerplate, "_USUAL_BYTES", 8)
        assert learnt(held, texts, threads) == found


def test_bytes_moved_a_shingle_do_not_grow_with_the_texts(monkeypatch):
    """A ten-thousandth of 1, 10 and 100 million texts, and of partitions and filter: each shingle is moved once."""
    monkeypatch.setattr(boilerplate, "PARTITION_BYTES", boilerplate.PARTITION_BYTES // 10_000)
    monkeypatch.setattr(boilerplate, "_USUAL_BYTES", boilerplate._USUAL_BYTES // 10_000)
    monkeypatch.setattr(boilerplate, "_COARSE_FILTER_BITS", 10)
    dealt, moved, probed = boilerplate._deal_shingles, [], [0]
    files = boilerplate.PartitionFiles

    def count_probes(values, start, stop, *more):
        probed[0] += int((stop - start).sum())
        return dealt(values, start, stop, *more)

    def keep(*arguments):
        moved.append(files(*arguments))
        return moved[-1]

    monkeypatch.setattr(boilerplate, "_deal_shingles", count_probes)
    monkeypatch.setattr(boilerplate, "PartitionFiles", keep)
    costs = []
    for count in (100, 1_000, 10_000):
        moved.clear()
        probed[0] = 0
        values = np.random.default_rng(count).integers(0, 1 << 63, 144 * count, np.uint64)
        sets = ShingleSets.from_offsets(values, np.arange(0, 144 * count + 1, 144))
        mask_of(sets, np.arange(count) % 2 == 0)
        costs.append((sum(each.bytes_written for each in moved) / len(values), probed[0] / len(values)))
    for one, other in pairwise(costs):
        assert one == pytest.approx(other, rel=0.1)


def test_the_hash_of_nothing_is_no_boilerplate():
    assert learnt(flat([{0, 5}] * 40)) == {5}
    mask = mask_of(flat([{0, 5}] * 40), np.ones(40, bool))
    texts = np.array([True, False])
    assert boilerplate.count_distinctive(flat([{0, 5, 7}, {7}]), texts, mask).tolist() == [2, 0]


@given(SETS, st.sets(st.integers(1, 40), max_size=20))
def test_counts_beyond_boilerplate_equal_those_of_sets(sets, common):
    mask = boilerplate._make_table(np.array(sorted(common), np.uint64))
    held = flat(sets)
    assert boilerplate.count_distinctive(held, np.ones(len(sets), bool), mask).tolist() == [
        len(each - common) for each in sets
    ]
    count = len(sets)
    left, right = (np.array(each, np.int64) for each in (np.repeat(range(count), count), list(range(count)) * count))
    near = boilerplate.count_shared_distinctive(held, left, right, inside=np.zeros(len(left), bool), mask=mask)
    inside = boilerplate.count_shared_distinctive(held, left, right, inside=np.ones(len(left), bool), mask=mask)
    for a, b, n, within in zip(left, right, near, inside, strict=True):
        one, other = sets[a] - common, sets[b] - common
        assert within == len(one) or not sets[a] <= sets[b]
        assert n == (len(one & other) if 5 * len(one & other) >= 4 * len(one | other) else 0)


def test_many_texts_inside_a_long_one_cost_what_they_are_long():
    """Every sentence of a book: to go through the book for each took minutes."""
    held = flat([set(range(1, 300_001)), *({k, k + 1, k + 2, k + 3} for k in range(1, 30_001))])
    left, right = np.arange(1, 30_001), np.zeros(30_000, np.int64)
    mask, before = boilerplate._make_table(np.array([1], np.uint64)), time.process_time()
    counts = boilerplate.count_shared_distinctive(held, left, right, inside=np.ones(30_000, bool), mask=mask)
    assert time.process_time() - before < 20
    assert counts.tolist() == [3, *[4] * 29_999]


@pytest.mark.parametrize(
    ("a", "b", "distinctive"),
    [
        (f"{TEMPLATE} one two", f"{TEMPLATE} three four", 0),  # the template alone is near: 16 of 20
        (f"{TEMPLATE} one two", f"{TEMPLATE} one two", 2),
        (TEMPLATE, TEMPLATE, 0),
        (" ".join(WORDS[30:50]), " ".join(WORDS[30:49]), 15),
    ],
    ids=["template", "payload", "nothing else", "no template"],
)
def test_two_texts_of_one_template(a, b, distinctive):
    texts = [a, b, *(f"{TEMPLATE} v{k} u{k}" for k in range(boilerplate.COMMON_FROM))]
    held = sets_of(texts)
    mask = mask_of(held, np.ones(len(texts), bool))
    left, right, inside = np.array([0]), np.array([1]), np.zeros(1, bool)
    counts = boilerplate.count_shared_distinctive(held, left, right, inside=inside, mask=mask)
    assert counts.tolist() == [distinctive]
