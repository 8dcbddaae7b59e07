"""MB/s of signatures on one core beside datasketch and SHA-256: `pytest tests/bench/test_minhash.py -s -m full`.

Prints ratios; asserts no time.
"""

import hashlib
import time

import pyarrow as pa
import pytest
import xxhash
from datasketch import MinHash

from provenance.similarity.candidates import minhash
from provenance.similarity.text import normalisation, shingles

pytestmark = pytest.mark.full


def best(function, size, runs=4):
    times = []
    for _ in range(runs):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return size / 1e6 / min(times)


def sketch(texts, language, **options):
    """Signatures as people make them: shingles by slicing lists, one MinHash a record."""
    for each in texts:
        parts = list(each) if language == "chinese" else each.split()
        signature = MinHash(128, scheme="affine32", **options)
        signature.update_batch([" ".join(parts[k : k + 5]).encode() for k in range(max(len(parts) - 4, 1))])


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_signatures(prose, language):
    texts = prose(language).texts(22_000).to_pylist()
    size = sum(len(each.encode()) for each in texts)
    column = pa.array(texts, pa.large_string())
    rows = pa.array(range(len(column)))
    data, offsets = normalisation.normalise(column)
    values, ends = minhash.hash_shingles(data, offsets)
    few = texts[:2000]
    small = sum(len(each.encode()) for each in few)
    whole = "".join(texts).encode()
    low = {"hashfunc": lambda shingle: xxhash.xxh64_intdigest(shingle) & 0xFFFFFFFF}
    runs = {
        "SHA-256": (lambda: hashlib.sha256(whole).digest(), size),
        "datasketch, sha1": (lambda: sketch(few, language), small),
        "datasketch, XXH64": (lambda: sketch(few, language, **low), small),
        "signatures of normalised text": (lambda: minhash.sign_records(data, offsets, 128), size),
        "normalised and signed": (lambda: minhash.sign_records(*normalisation.normalise(column), 128), size),
        "shingle hashes alone": (lambda: minhash.hash_shingles(data, offsets), size),
        "signing alone": (lambda: minhash.sign_sets(values, ends, 128), size),
        "identified, cut and sorted": (lambda: shingles.shingle_texts(column, rows), size),
    }
    speed = {name: best(function, of) for name, (function, of) in runs.items()}
    print(f"\n{language}, 128 permutations")
    for name, rate in speed.items():
        ratios = (f"{rate / speed[other]:8.2f}" for other in ("SHA-256", "datasketch, sha1", "datasketch, XXH64"))
        print(f"  {name:32} {rate:8.1f} MB/s; times SHA-256, datasketch sha1, datasketch XXH64:{''.join(ratios)}")
