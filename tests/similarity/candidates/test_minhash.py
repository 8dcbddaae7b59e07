import numpy as np
import pyarrow as pa
import pytest
import xxhash
from datasketch import LeanMinHash, MinHash
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.candidates import minhash
from provenance.similarity.text import normalisation, shingles

TEXTS = [
    "The quick brown fox jumps over the lazy dog and runs on",
    "one two three",
    "",
    "  ... ",
    "把下面的句子翻译成英文：今天天气很好，我们去公园散步吧。",
    "Größe und Maß, Straße 12 – ÅNGSTRÖM, ﬁne Ⅻ ligatures",
    "ภาษาไทย ไม่มีช่องว่าง 日本語のテキスト 한국어 텍스트도 있습니다",
    "again and again and again and again and again",
]


def normalised(texts):
    return normalisation.normalise(pa.array(texts, pa.large_string()))


def low(data):
    return xxhash.xxh64_intdigest(data) & 0xFFFFFFFF


def oracle(texts, num_perm, seed):
    for each in texts:
        sketch = MinHash(num_perm, seed, scheme="affine32", hashfunc=low)
        sketch.update_batch([shingle.encode() for shingle in shingles.shingles_reference(each)])
        yield sketch


@pytest.mark.parametrize("num_perm", [1, 6, 126, 128, 256])
@pytest.mark.parametrize("seed", [1, 42, 2**32 - 1])
def test_signatures_are_datasketchs_bit_for_bit(num_perm, seed):
    signed = minhash.sign_records(*normalised(TEXTS), num_perm, seed)
    assert signed.dtype == np.uint32
    assert signed.tolist() == [sketch.hashvalues.tolist() for sketch in oracle(TEXTS, num_perm, seed)]


@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc", "中", "é"]), max_size=40).map(" ".join), max_size=8))
def test_signatures_are_datasketchs_on_random_texts(texts):
    signed = minhash.sign_records(*normalised(texts), 16)
    assert signed.tolist() == [sketch.hashvalues.tolist() for sketch in oracle(texts, 16, 1)]


def test_a_signature_loads_into_datasketch():
    near = "The quick brown fox jumps over the lazy dog and walks on"
    signed = minhash.sign_records(*normalised([TEXTS[0], near]))
    ours = [LeanMinHash(seed=minhash.SEED, hashvalues=row, scheme="affine32") for row in signed]
    theirs = [LeanMinHash(sketch) for sketch in oracle([TEXTS[0], near], minhash.PERMUTATIONS, minhash.SEED)]
    assert ours == theirs
    assert 0 < ours[0].jaccard(ours[1]) == theirs[0].jaccard(theirs[1]) < 1


@given(st.lists(st.text(max_size=60), max_size=12), st.integers(1, 5))
def test_results_do_not_depend_on_the_batch(texts, size):
    parts = [minhash.sign_records(*normalised(texts[k : k + size]), 12) for k in range(0, len(texts), size)]
    assert minhash.sign_records(*normalised(texts), 12).tolist() == [row for part in parts for row in part.tolist()]


@given(st.lists(st.text(max_size=80), max_size=12))
def test_hashes_are_those_of_the_definition_in_order(texts):
    data, offsets = normalised(texts)
    values, ends = minhash.hash_shingles(data, offsets)
    plain = [data[offsets[k] : offsets[k + 1]].tobytes().decode() for k in range(len(texts))]
    expected = [[xxhash.xxh64_intdigest(s.encode()) for s in shingles.shingles_reference(each)] for each in plain]
    assert [values[ends[k] : ends[k + 1]].tolist() for k in range(len(texts))] == expected


@pytest.mark.parametrize(("num_perm", "rows"), [(126, 6), (128, 6), (12, 3), (5, 5)])
def test_a_band_key_is_xxh64_of_its_values_with_its_number_as_seed(num_perm, rows):
    signed = minhash.sign_records(*normalised(TEXTS), num_perm)
    expected = [
        [
            xxhash.xxh64_intdigest(row[band * rows : (band + 1) * rows].astype("<u4").tobytes(), band)
            for band in range(num_perm // rows)
        ]
        for row in signed
    ]
    assert minhash.band_keys(signed, rows).tolist() == expected


@pytest.mark.parametrize(("jaccard", "probability"), [(0.8, 0.99829), (0.9, 1.0), (0.5, 0.2816), (0.3, 0.0152)])
def test_recall_is_what_the_docstring_says(jaccard, probability):
    assert minhash.candidate_probability(jaccard) == pytest.approx(probability, abs=1e-4)
    assert minhash.candidate_probability(0.8) >= 0.995
