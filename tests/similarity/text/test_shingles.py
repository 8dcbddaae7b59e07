import itertools
import json
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.package_data import DATA_FOLDER
from provenance.similarity.text import normalisation, shingles, unicode_tables

VECTORS = {
    version: json.loads((DATA_FOLDER / f"shingle-v{version}-vectors.json").read_text())
    for version in unicode_tables.VERSIONS
}
EVERY_VECTOR = pytest.mark.parametrize(
    ("version", "vector"),
    [(version, vector) for version, table in VECTORS.items() for vector in table["vectors"]],
    ids=lambda each: each if isinstance(each, int) else ascii(each["text"])[:24],
)


def hashes(words, version=2):
    data, offsets = normalisation.normalise(pa.array([words], pa.large_string()), version=version)
    count = words and shingles._count_words(data, 0, offsets[1])
    out = np.empty(max(count or 1, 1), np.uint64)
    used = shingles.hash_record(data, 0, offsets[1], count or 0, out)
    return [f"{value:016x}" for value in out[:used].tolist()]


@given(st.binary(max_size=300), st.sampled_from([0, 1, 2**64 - 1, 0x9E3779B97F4A7C15]))
def test_xxh64_equals_the_reference_library(data, seed):
    array = np.frombuffer(b"<" + data + b">", np.uint8)
    assert int(shingles.xxh64(array, 1, 1 + len(data), np.uint64(seed))) == xxhash.xxh64_intdigest(data, seed)


@EVERY_VECTOR
def test_the_kernel_agrees_with_every_published_vector(version, vector):
    data, _ = normalisation.normalise(pa.array([vector["text"]], pa.large_string()), version=version)
    assert data.tobytes().decode() == vector["normalised"]
    assert hashes(vector["text"], version) == vector["shingles"]


@pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="the definition in Python follows its Unicode tables"
)
@EVERY_VECTOR
def test_the_definition_agrees_with_every_published_vector(version, vector):
    texts = shingles.shingles_reference(vector["text"], version=version)
    assert [f"{xxhash.xxh64_intdigest(s.encode()):016x}" for s in texts] == vector["shingles"]


def test_the_vectors_name_what_they_define():
    names = {version: (table["normalisation"], table["shingle"]) for version, table in VECTORS.items()}
    assert names == {
        1: (normalisation.NORMALISATION_V1, shingles.SHINGLE_V1),
        2: (normalisation.NORMALISATION, shingles.SHINGLE),
    }
    assert all(len(table["vectors"]) >= 200 for table in VECTORS.values())


def test_the_vectors_show_what_tells_the_versions_apart():
    old, new = ({vector["text"]: vector["normalised"] for vector in table["vectors"]} for table in VECTORS.values())
    assert sum(new[text] != old[text] for text in old) >= 3
    assert len(new) - len(old) >= 15


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=40).map(" ".join), max_size=12))
def test_nodes_count_words_and_distinct_shingles(texts):
    table = shingles.identify_texts(pa.array(texts, pa.large_string()), pa.array(range(10, 10 + len(texts))))
    expected = [
        (10 + k, xxhash.xxh64_intdigest(t.encode()), len(t.split()), len(set(shingles.shingles_reference(t))))
        for k, t in enumerate(texts)
        if t
    ]
    assert list(zip(*(table[c].to_pylist() for c in ("row", "low", "words", "distinct")), strict=True)) == expected


def test_a_record_larger_than_every_buffer():
    words = " ".join(f"w{k % 5000}" for k in range(50_000))
    table = shingles.identify_texts(pa.array([words], pa.large_string()), pa.array([0]))
    assert (table["words"][0].as_py(), table["distinct"][0].as_py()) == (50_000, 5000)


@given(st.lists(st.text(max_size=30), max_size=20), st.integers(1, 5))
def test_results_do_not_depend_on_the_batch(texts, size):
    column, rows = pa.array(texts, pa.large_string()), pa.array(range(len(texts)))
    parts = [shingles.identify_texts(column.slice(k, size), rows.slice(k, size)) for k in range(0, len(texts), size)]
    whole = shingles.identify_texts(column, rows)
    assert pa.concat_tables(parts).equals(whole) if parts else whole.num_rows == 0


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=40).map(" ".join), max_size=12))
def test_sets_are_those_of_the_definition(texts):
    nodes, values, ends = shingles.shingle_texts(pa.array(texts, pa.large_string()), pa.array(range(len(texts))))
    plain = [set(shingles.shingles_reference(each)) for each in texts]
    expected = [sorted(xxhash.xxh64_intdigest(shingle.encode()) for shingle in each) for each in plain if each]
    assert [values[a:b].tolist() for a, b in itertools.pairwise(ends)] == expected
    assert nodes["row"].to_pylist() == [row for row, each in enumerate(plain) if each]


@pytest.mark.parametrize("count", [0, 1, 2, 130, 2047, 2048, 2049, 5000])
@pytest.mark.parametrize("spread", [1, 3, 1 << 20, (1 << 64) - 1])
def test_hashes_are_sorted_as_numpy_does(count, spread):
    values = np.random.default_rng(count).integers(0, spread, count, np.uint64, endpoint=True)
    for shifted in (values, values << np.uint64(50)):
        expected = np.sort(shifted)
        shingles._sort(shifted, np.empty(shingles._RADIX_SORT_FROM, np.uint64), np.empty(256, np.int64))
        assert (shifted == expected).all()


@pytest.mark.parametrize("count", [70_000, (1 << 16) + 1, (1 << 16) + 6])
def test_a_long_record_is_hashed_piece_by_piece(count):
    """Where its words are noted a part at a time, no shingle is lost, doubled or cut."""
    words = [f"w{k % 50_021}" for k in range(count)]
    texts = [" ".join(words[k : k + shingles.WORDS_PER_SHINGLE]) for k in range(count - shingles.WORDS_PER_SHINGLE + 1)]
    assert hashes(" ".join(words)) == [xxhash.xxh64_hexdigest(text.encode()) for text in texts]


def test_a_long_record_of_few_shingles_has_each_once():
    """Hashes are made distinct while they are made, so that memory is that of the distinct ones."""
    texts = pa.array(["a b c d e " * 300_000 + "the end of it all"], pa.large_string())
    found = shingles.shingle_texts(texts, pa.array([0], pa.int64()))
    data, offsets = normalisation.normalise(texts)
    out = np.empty(int(found.nodes["words"][0].as_py()), np.uint64)
    used = shingles.hash_record(data, 0, offsets[1], len(out), out)
    assert found.values.tolist() == np.unique(out[:used]).tolist()
    assert len(found.values) == 10  # five of the circle, five with words of the end
