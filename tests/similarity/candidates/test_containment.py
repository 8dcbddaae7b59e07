"""Texts inside longer ones, against Python's own sets."""

from itertools import pairwise, permutations
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.processes.threads import Threads
from provenance.core.scratch import partitions
from provenance.similarity.candidates import anchor_filters, containment, distinct_texts
from provenance.similarity.text import shingles
from provenance.similarity.text.normalisation import normalise
from provenance.similarity.text.shingle_sets import ShingleSets

SCRATCH = TemporaryDirectory()


def sets_of(texts):
    return ShingleSets.from_offsets(*shingles._cut_records(*normalise(pa.array(texts, pa.large_string())))[3:])


def contained(texts, threads=1, files=None):
    """What is found, each text in a file of its own where none are given."""
    return found_in(sets_of(texts), random_hashes(len(texts)), files, threads)


def random_hashes(count):
    return np.random.default_rng(0).integers(0, 1 << 63, count, np.uint64) << np.uint64(1)


def found_in(sets, hashes, files=None, threads=1):
    """What is found in sets that are left in a folder, each of a file of its own where none are given."""
    folder = Path(mkdtemp(dir=SCRATCH.name)) / "view"
    folder.mkdir()
    sets.values.tofile(folder.parent / distinct_texts.SETS_FILE_NAME)
    only_file = np.arange(sets.set_count) if files is None else np.array(files)
    only_file.astype(np.int32).tofile(folder / distinct_texts.ONLY_FILE_NAME)
    sizes, none = sets.sizes(slice(None)), np.zeros(sets.set_count, np.int16)
    columns = {"start": sets.start, "stop": sets.stop, "distinct": sizes, "low": hashes, "bit": none}
    for name, column in (columns | {"width": none.astype(np.uint8)}).items():
        np.ascontiguousarray(column).tofile(folder / f"node-{name}")
    return containment.find_contained(folder, Threads(threads))


def brute(texts, files=None):
    plain = [set(shingles.shingles_reference(each)) for each in texts]
    for a, b in permutations(range(len(plain)), 2):
        if files is not None and files[a] == files[b] >= 0:
            continue
        if containment.LEAST_SHINGLES <= len(plain[a]) < 0.8 * len(plain[b]) and plain[a] <= plain[b]:
            yield a, b, len(plain[a]), len(plain[a]), len(plain[b])


def listed(found, texts):
    sizes = [len(set(shingles.shingles_reference(text))) for text in texts]
    pairs = sorted(zip(found.left.tolist(), found.right.tolist(), strict=True))
    return [(a, b, sizes[a], sizes[a], sizes[b]) for a, b in pairs]


@given(
    st.lists(st.lists(st.sampled_from("ab"), max_size=40).map(" ".join), max_size=14),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([64, 1 << 20]),
    st.lists(st.sampled_from([-1, 0, 0, 0, 1, 2]), min_size=14, max_size=14),
)
def test_pairs_equal_brute_force(texts, threads, budget, files):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "PARTITION_BYTES", budget)
        patch.setattr(partitions, "_HELD_BYTES", budget)
        found, across = contained(texts, threads), contained(texts, threads, files[: len(texts)])
    assert listed(found, texts) == sorted(brute(texts))
    assert listed(across, texts) == sorted(brute(texts, files))
    assert found.unfiled == 0


WORDS = [f"w{k}" for k in range(200)]
BOOK = " ".join(WORDS)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (" ".join(WORDS[:8]), True),
        (" ".join(WORDS[96:110]), True),
        (" ".join(WORDS[-8:]), True),
        (" ".join(WORDS[:7]), True),  # three shingles
        (" ".join(WORDS[50:56]), True),  # two
        (" ".join([*WORDS[50:55], WORDS[56]]), False),
        (" ".join(WORDS[:5]), False),  # one
        (" ".join([*WORDS[:20], "other"]), False),
        (" ".join(WORDS[10:100:2]), False),
        (" ".join(WORDS[:170]), False),  # near: 166 of 196
        (" ".join(WORDS[:150]), True),  # 146 of 196
    ],
    ids=[
        "begin",
        "middle",
        "end",
        "short",
        "shorter",
        "a word left out",
        "one shingle",
        "one word more",
        "other order",
        "near",
        "not near",
    ],
)
def test_a_passage_of_a_book(text, inside):
    assert listed(contained([BOOK, text]), [BOOK, text])[:1] == (
        [(1, 0, *[len(text.split()) - 4] * 2, 196)] if inside else []
    )


def test_a_crowd_of_one_template_is_left_aside_and_counted():
    """More texts than CROWD of which every low hash is the template's: only their own last word tells them apart."""
    template = " ".join(WORDS[:60])
    count = containment.TEXTS_PER_ANCHOR * 40
    texts = [f"{template} v{k}" for k in range(count)]
    found = contained([*texts, BOOK])
    held = [set(shingles.shingles_reference(text)) for text in texts[:1]]
    assert len(held[0]) == 57
    assert 0 < found.unfiled < count
    assert not len(found.left)


def test_pairs_beyond_a_chunk_all_come(monkeypatch):
    monkeypatch.setattr(containment, "_CHUNK", 1024)
    texts = [" ".join(WORDS[k : k + 20]) for k in range(150)]
    books = [f"{BOOK} {number}" for number in range(20)]
    found = contained(texts + books)
    assert len(found.left) == 150 * 20
    assert len(set(zip(found.left.tolist(), found.right.tolist(), strict=True))) == 150 * 20


def test_of_a_text_in_very_many_a_share_is_kept_whatever_the_order():
    short = " ".join(WORDS[:20])
    books = [f"{short} {' '.join(f'b{k}w{j}' for j in range(40))}" for k in range(40 * containment.HOLDERS_KEPT)]
    found = contained([short, *books])
    assert found.thinned == 1
    assert containment.HOLDERS_KEPT / 2 < len(found.left) < 2 * containment.HOLDERS_KEPT
    assert set(found.left.tolist()) == {0}
    few = contained([short, *books[: containment.HOLDERS_KEPT]])
    assert (few.thinned, len(few.left)) == (0, containment.HOLDERS_KEPT)
    held = sets_of([*books, short])
    hashes = random_hashes(len(books) + 1)
    kept = sorted(found.right.tolist())
    turned = found_in(held, np.roll(hashes, -1))
    assert sorted(k + 1 for k in turned.right.tolist()) == kept


@pytest.mark.parametrize("most_bits", [64, 1 << 30], ids=["filter that is full", "filter that fits"])
def test_looks_and_rows_a_text_do_not_grow_with_the_texts(most_bits, monkeypatch):
    """Random sets: of ten texts one stands in the next. What is counted is what is moved, and no time."""
    monkeypatch.setattr(anchor_filters, "MOST_FILTER_BITS", most_bits)
    monkeypatch.setattr(containment, "_CHUNK", 1 << 14)
    monkeypatch.setattr(partitions, "PARTITION_BYTES", 1 << 16)
    writers, costs = [], []

    class Counted(partitions.PartitionWriter):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            writers.append(self)

    monkeypatch.setattr(containment, "PartitionWriter", Counted)
    for count in (500, 5_000, 50_000):
        values = np.random.default_rng(count).integers(0, 1 << 63, (count, 40), np.uint64)
        values[::10, :20] = values[1::10, :20]
        stop = 40 * np.arange(1, count + 1)
        stop[::10] -= 20
        for number in range(0, count, 10):
            values[number, :20].sort()
        values[np.arange(count) % 10 > 0] = np.sort(values[np.arange(count) % 10 > 0], axis=1)
        sets = ShingleSets(values.ravel(), 40 * np.arange(count), stop)
        writers.clear()
        found = found_in(sets, values[:, 0])
        assert len(found.left) == count // 10
        costs.append(sum(each.rows for each in writers) / count)
    if most_bits == 64:  # then everything may be dealt out, and no more: a row a shingle, and two a text that is filed
        assert max(costs) < 40 + 3
        return
    for one, other in pairwise(costs):
        assert one == pytest.approx(other, rel=0.1)
