import gzip
import json
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.readers import records
from provenance.similarity.candidates import minhash, set_overlap
from provenance.similarity.candidates.banding import CandidatePairs
from provenance.similarity.text import normalisation, shingles
from provenance.similarity.text.shingle_sets import MaskedSets

SCRATCH = TemporaryDirectory()


def stored(values, offsets):
    """Sets of records that have one view."""
    none = np.zeros(len(offsets) - 1, np.int16)
    return MaskedSets(values, offsets[:-1], offsets[1:], none.astype(np.uint8), none, np.diff(offsets))


def sets_of(texts):
    return stored(*shingles._cut_records(*normalisation.normalise(pa.array(texts, pa.large_string())))[3:])


def all_pairs(count):
    pairs = np.array(list(combinations(range(count), 2)), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def brute(texts):
    """Every pair by Python sets of the definition's shingles."""
    plain = [set(shingles.shingles_reference(each)) for each in texts]
    for a, b in combinations(range(len(texts)), 2):
        shared, union = len(plain[a] & plain[b]), len(plain[a] | plain[b])
        if shared and Fraction(shared, union) >= Fraction(8, 10):
            yield a, b, shared, len(plain[a]), len(plain[b])


def listed(found):
    return list(zip(*(column.tolist() for column in found), strict=True))


@given(st.lists(st.lists(st.sampled_from("ab"), max_size=30).map(" ".join), max_size=14))
def test_verified_pairs_equal_brute_force(texts):
    assert listed(set_overlap.verify_pairs(sets_of(texts), *all_pairs(len(texts)))) == list(brute(texts))


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4, 5], True),  # 4 / 5 exactly
        ([1, 2, 3, 4, 6], [1, 2, 3, 4, 5], False),  # 4 / 6
        (range(1000), range(1, 1000), True),
        (range(999), range(112, 1111), False),  # 887 / 1111 = 0.798
        (range(999), range(111, 1110), True),  # 888 / 1110 = 0.8 exactly
        ([2**64 - 1], [2**64 - 1], True),
        ([], [], False),
        ([], [1], False),
    ],
)
def test_the_threshold_is_decided_in_integers(a, b, near):
    values, offsets = np.array([*a, *b], np.uint64), np.array([0, len(a), len(a) + len(b)])
    found = set_overlap.verify_pairs(stored(values, offsets), np.array([0]), np.array([1]))
    assert len(found.left) == near


def candidates_of(sets):
    keys = minhash.band_keys(minhash.sign_sets(sets.values, np.r_[sets.start, sets.stop[-1:]]))
    number = np.arange(len(keys), dtype=np.uint64)
    return CandidatePairs(
        np.ascontiguousarray(keys.T), number, number, number.astype(np.int32), scratch=Path(mkdtemp(dir=SCRATCH.name))
    )


def similar(texts):
    """The whole way: sign, band, pair, verify."""
    sets = sets_of(texts)
    found = []
    for left, right in candidates_of(sets):
        found += listed(set_overlap.verify_pairs(sets, left, right))
    return sorted(found)


def test_precision_is_one_and_recall_as_claimed():
    chance = np.random.default_rng(3)
    words = np.array([f"w{k}" for k in range(3000)])
    texts = []
    for _ in range(300):
        base = chance.choice(words, 120)
        texts.append(" ".join(base))
        for changes in (0, 1, 2, 3, 5):
            copy = base.copy()
            copy[chance.integers(0, 120, changes)] = "changed"
            texts.append(" ".join(copy))
    found, truth = set(similar(texts)), set(brute_of_families(texts, 6))
    assert found <= truth
    assert len(truth) > 1500
    assert len(found) >= 0.998 * len(truth)


def brute_of_families(texts, size):
    for start in range(0, len(texts), size):
        for a, b, *counts in brute(texts[start : start + size]):
            yield start + a, start + b, *counts


ALPACA = ["instruct/stanford_alpaca/alpaca_data.json"]
UNPARSABLE = "alpaca_data-9407-12345-中文"  # the truth leaves it out: it is no valid JSON
TRANSLATED = "instruct/hikariming_chat_dataset_baseline/history/翻译后的中文数据/"
GPTEACHER = "instruct/alpaca_data_cleaned/dataset_extensions/GPTeacher/"
GSM8K = "benchmarks/gsm8k/grade_school_math/data/"
TRUTH = {
    "dev01_lf_en_demo__alpaca__full": (["instruct/llama_factory_demo/data/alpaca_en_demo.json"], ALPACA),
    "dev01_lf_en_demo__alpaca__prompt": (["instruct/llama_factory_demo/data/alpaca_en_demo.json"], ALPACA),
    "dev02_hikariming_zh__carbonz0_zh__full": (TRANSLATED, "instruct/carbonz0_alpaca_chinese/"),
    "dev03_hikariming_zh__alpaca_en__full": (TRANSLATED, ALPACA),
    "dev04_new_codealpaca__gpteacher_codegen__full": (
        ["instruct/codealpaca/data/new_codealpaca.json"],
        ["instruct/gpteacher/Codegen/codegen-instruct.json"],
    ),
    "dev05_gpteacher_roleplay__adc_roleplay__full": (
        ["instruct/gpteacher/Roleplay/roleplay-simple-deduped-roleplay-instruct.json"],
        [f"{GPTEACHER}Roleplay/roleplay-similarity_0.6-instruct-dataset.json"],
    ),
    "dev06_gpteacher_toolformer__adc_toolformer__full": (
        ["instruct/gpteacher/Toolformer/toolformer-dedupe-only-dataset.json"],
        [f"{GPTEACHER}Toolformer/toolformer-dedupe-only-dataset.json"],
    ),
    "dev07_adc_gsm8k__gsm8k_train__question": (
        ["instruct/alpaca_data_cleaned/dataset_extensions/gsm_8k/gsm_8k_train.json"],
        [f"{GSM8K}train.jsonl"],
    ),
    "dev08_gsm8k_test__gsm8k_train__question": ([f"{GSM8K}test.jsonl"], [f"{GSM8K}train.jsonl"]),
    "dev09_code_alpaca_2k__alpaca__full": (["instruct/codealpaca/data/code_alpaca_2k.json"], ALPACA),
}


def texts_of(data, files, view):
    """The texts of a view over files concatenated by name, the unparsable one left out; null where there is none."""
    if isinstance(files, str):
        found = sorted(path for path in (data / files).rglob("*.json") if UNPARSABLE not in path.name)
        files = [str(path.relative_to(data)) for path in found]
    columns = []
    for file in files:
        items = records.read(bytes(data / file), file)
        columns += [item.table[view] for item in items if isinstance(item, records.Batch)]
    return pa.chunked_array(columns).combine_chunks()


@pytest.mark.realdata
@pytest.mark.parametrize("name", TRUTH)
def test_recall_against_the_truth_of_real_data(realdata, name):
    with gzip.open(realdata / "truth" / f"{name}.jsonl.gz", "rt") as file:
        truth = {(row["a"], row["b"]) for row in map(json.loads, file) if row["j"] >= 0.8}
    view = "whole" if name.endswith("full") else "prompt"
    sides = [texts_of(realdata / "data", files, view) for files in TRUTH[name]]
    column = pa.concat_arrays(sides)
    # nodes: identical texts are one, and are never compared
    nodes = shingles.identify_texts(column, pa.array(range(len(column))))
    identity = nodes["low"].to_numpy() ^ np.left_shift(nodes["high"].to_numpy(), np.uint64(1))
    _, first, of = np.unique(identity, return_index=True, return_inverse=True)
    row = nodes["row"].to_numpy()
    texts = column.take(pa.array(row[first]))
    sets = stored(*shingles.shingle_texts(texts, pa.array(range(len(texts))))[1:])
    near = {(node, node) for node in range(len(texts))}
    joined = candidates_of(sets)
    for left, right in joined:
        found = set_overlap.verify_pairs(sets, left, right)
        near |= set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    node = dict(zip(row.tolist(), of.tolist(), strict=True))
    pairs = [(node[a], node[len(sides[0]) + b]) for a, b in truth if a in node and len(sides[0]) + b in node]
    recalled = sum((min(pair), max(pair)) in near for pair in pairs)
    print(f"{name}: {recalled} of {len(truth)}; {len(texts)} nodes, {joined.pivoted} pivoted")
    assert recalled >= 0.99 * len(truth)
