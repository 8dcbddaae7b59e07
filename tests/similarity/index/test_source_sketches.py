"""Sketches against sets: what is kept is what the definition says, and the error bar holds what it promises."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.similarity.index import source_sketches
from provenance.similarity.index.source_sketches import (
    FINEST_SCALE,
    MOST_HASHES,
    Sketch,
    SketchBuilder,
    coarsen,
    estimate,
    unite_sketches,
)
from provenance.similarity.text import shingles

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=60)


def defined(hashes, most=None):
    """The definition in plain Python: the smallest power of two at which no more than `most` hashes are kept."""
    scale = FINEST_SCALE
    while len(kept := sorted({each for each in hashes if each < 2**64 // scale})) > (
        most or source_sketches.MOST_HASHES
    ):
        scale *= 2
    return scale, kept


def plain(sketch):
    return sketch.scale, sketch.hashes.tolist()


def grown(parts):
    growing = SketchBuilder()
    for part in parts:
        growing.add(np.array([each for each in part if each < 2**64 // FINEST_SCALE], np.uint64))
    return growing.close()


@pytest.fixture
def small(monkeypatch):
    """Sketches of eight hashes, held by sixteen: every path is taken by little data."""
    monkeypatch.setattr(source_sketches, "MOST_HASHES", 8)
    monkeypatch.setattr(source_sketches, "_BUFFERED_HASHES", 16)


@pytest.mark.usefixtures("small")
def test_a_sketch_is_that_of_the_whole_whatever_its_parts():
    @given(st.lists(HASHES.map(lambda held: [each >> 3 for each in held]), max_size=8), st.permutations(range(8)))
    def check(parts, order):
        whole = [each for part in parts for each in part]
        expected = defined(whole)
        assert plain(grown(parts)) == expected
        assert plain(grown([whole])) == expected
        of_parts = [grown([part]) for part in parts]
        assert plain(unite_sketches(of_parts)) == expected
        assert plain(unite_sketches(of_parts[k] for k in order if k < len(of_parts))) == expected
        assert plain(unite_sketches([unite_sketches(of_parts[:3]), unite_sketches(of_parts[3:])])) == expected

    check()


@given(HASHES.map(lambda held: [each >> 4 for each in held]), st.integers(0, 12))
def test_a_sketch_can_be_cut_to_any_coarser_scale(held, power):
    scale = FINEST_SCALE << power
    assert coarsen(grown([held]), scale).tolist() == sorted({each for each in held if each < 2**64 // scale})


def test_no_sketch_holds_more_than_it_may():
    chance = np.random.default_rng(1)
    for count in (1, 20 * FINEST_SCALE * MOST_HASHES):
        sketch = grown([chance.integers(0, 2**64, count, np.uint64).tolist()])
        assert MOST_HASHES / 2 * 0.95 < len(sketch.hashes) <= MOST_HASHES or count == 1
        assert sketch.scale == (FINEST_SCALE if count == 1 else 32 * FINEST_SCALE)


def oracle(texts):
    """Hashes a sketch may keep, by the reference definition of shingles."""
    import xxhash

    kept = set()
    for text in texts:
        found = shingles.shingles_reference(text)
        if found and len(found[0].split()) == shingles.WORDS_PER_SHINGLE:
            kept |= {xxhash.xxh64_intdigest(each.encode()) for each in found}
    return sorted(each for each in kept if each < 2**64 // FINEST_SCALE)


TEXTS = st.lists(
    st.lists(st.sampled_from(["one", "two", "three", "four", "five", "六", "七", "八", "۩", "☎"]), max_size=30).map(
        " ".join
    )
)


@given(TEXTS, st.integers(1, 5))
def test_what_is_kept_are_runs_of_five_words_never_a_shorter_record(texts, size):
    growing = SketchBuilder()
    for at in range(0, len(texts), size):
        part = pa.array(texts[at : at + size], pa.large_string())
        growing.add(
            source_sketches.sample_hashes(shingles.shingle_texts(part, pa.array(range(len(part)), pa.int64())))[0]
        )
    assert growing.close().hashes.tolist() == oracle(texts)


def test_a_number_that_stands_alone_cannot_be_found_by_trying_all():
    alone = pa.array([f"+86 138 {k:08d}" for k in range(4000)], pa.large_string())
    assert not len(
        source_sketches.sample_hashes(shingles.shingle_texts(alone, pa.array(range(len(alone)), pa.int64())))[0]
    )


def test_a_sketch_can_be_written_and_read():
    sketch = Sketch(32, np.array([0, 5, 2**58], np.uint64))
    table = pa.concat_tables(
        [source_sketches.to_row(3, sketch), source_sketches.to_row(4, Sketch(16, np.zeros(0, np.uint64)))]
    )
    assert table["file"].to_pylist() == [3, 4]
    assert plain(source_sketches.read_sketch(table, 0)) == plain(sketch)
    assert plain(source_sketches.read_sketch(table, 1)) == (16, [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60))
def test_sketches_of_many_files_at_once_are_those_of_each(pairs):
    files, hashes = np.array([file for file, _ in pairs], np.int64), np.array([value for _, value in pairs], np.uint64)
    together = source_sketches.to_rows(files, hashes)
    grown = {}
    for file, value in zip(files.tolist(), hashes, strict=True):
        grown.setdefault(file, SketchBuilder()).add(np.array([value]))
    assert together["file"].to_pylist() == sorted(grown)
    for row, file in enumerate(sorted(grown)):
        assert plain(source_sketches.read_sketch(together, row)) == plain(grown[file].close())


def test_of_many_files_one_that_has_too_much_is_sketched_more_coarsely():
    chance = np.random.default_rng(3)
    hashes = chance.integers(0, 2**64 // FINEST_SCALE, 3 * source_sketches.MOST_HASHES, np.uint64)
    files = np.repeat([4, 7, 9], [10, len(hashes) - 20, 10])
    together = source_sketches.to_rows(files, hashes)
    for row, file in enumerate([4, 7, 9]):
        grown = SketchBuilder()
        grown.add(hashes[files == file])
        assert together["file"][row].as_py() == file
        assert plain(source_sketches.read_sketch(together, row)) == plain(grown.close())
    assert together["scale"].to_pylist() == [FINEST_SCALE, 4 * FINEST_SCALE, FINEST_SCALE]


def at_least(count, of, chance):
    return sum(math.comb(of, k) * chance**k * (1 - chance) ** (of - k) for k in range(count, of + 1))


@pytest.mark.parametrize(("shared", "of"), [(0, 1), (1, 1), (0, 40), (1, 40), (20, 40), (39, 40), (40, 40), (70, 300)])
def test_the_interval_is_clopper_and_pearsons(shared, of):
    found = estimate(shared, of)
    assert found.share == shared / of
    assert found.low <= found.share <= found.high
    if shared:
        assert at_least(shared, of, found.low) == pytest.approx(0.025, abs=1e-9)
    else:
        assert found.low == 0
    if shared < of:
        assert 1 - at_least(shared + 1, of, found.high) == pytest.approx(0.025, abs=1e-9)
    else:
        assert found.high == 1


def test_of_nothing_nothing_is_said():
    assert estimate(0, 0) == (None, 0, 1)


@pytest.mark.parametrize(
    ("size", "other", "shared"),
    [
        (30_000, 20_000, 10_000),  # both at the finest scale
        (700, 5_000, 70),  # some forty hashes
        pytest.param(100_000, 4_000_000, 90_000, marks=pytest.mark.full),  # one at a coarser scale
        (20_000, 20_000, 20_000),
        (20_000, 20_000, 20),
        (20_000, 20_000, 0),
    ],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(size, other, shared):
    """The oracle: sets of which the overlap is known. Hashes are drawn evenly, as those of XXH64 fall."""
    chance = np.random.default_rng(20_230_117)
    held, runs, errors = 0, 200, []
    for _ in range(runs):
        # only what falls below 2**64 / LEAST can be kept: draw how many do, then where they fall
        counts = [chance.binomial(count, 1 / FINEST_SCALE) for count in (shared, size - shared, other - shared)]
        both, only_a, only_b = (chance.integers(0, 2**64 // FINEST_SCALE, count, np.uint64) for count in counts)
        a, b = grown_from(both, only_a), grown_from(both, only_b)
        scale = max(a.scale, b.scale)
        of_a = coarsen(a, scale)
        found = estimate(len(np.intersect1d(of_a, coarsen(b, scale))), len(of_a))
        truth = shared / size
        held += found.low <= truth <= found.high
        errors.append((found.share - truth) if found.share is not None else 0)
    assert held >= 0.92 * runs  # 95 % or more is promised; 92 % of 200 would be missed once in thirty, were it 95 %
    spread = np.std(errors) / math.sqrt(runs)
    assert abs(np.mean(errors)) <= 4 * spread + 1e-12, "no bias"


def grown_from(*parts):
    growing = SketchBuilder()
    for part in parts:
        growing.add(part)
    return growing.close()


@pytest.mark.parametrize(
    ("scale", "hashes", "fault"),
    [
        (16, [], None),
        (16, [0, 5, 2**60 - 1], None),
        (1 << 62, [0, 1], None),
        (0, [], "0 is no scale"),
        (1, [1], "1 is no scale"),
        (-16, [], "-16 is no scale"),
        (24, [], "24 is no scale"),
        (16, [5, 5], "its hashes are not"),
        (16, [5, 4], "its hashes are not"),
        (16, [2**60], "its hashes are not"),
        (16, list(range(source_sketches.MOST_HASHES + 1)), "its hashes are not"),
    ],
)
def test_what_is_no_sketch_is_told(scale, hashes, fault):
    table = schemas.rows([row(16, [1, 2]), row(scale, hashes)], schemas.SKETCHES)
    found = source_sketches.find_fault(table)
    assert found is fault is None or fault in found


def row(scale, hashes):
    whole = {"source": "a", "view": "whole", "shingle": "shingle/v1", "records": 1, "shingles": 1}
    return whole | {"scale": scale, "hashes": hashes}
