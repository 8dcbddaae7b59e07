"""MB/s of every stage and the memory of a whole scan, on generated English and Chinese. Prints; asserts no time.

python -m pytest -m full -s tests/bench/test_stages.py
"""

import hashlib
import json
import os
import random
import sys
import time

import pyarrow as pa
import pyarrow.json
import pytest

from provenance.readers import records
from provenance.similarity.text import normalisation, shingles

pytestmark = pytest.mark.full

SIZE = int(os.environ.get("PROVENANCE_BENCH_MB", "64")) * 1_000_000


def generate(path, texts):
    """Write instruction records; one in ten stands twice."""
    chance = random.Random(7)  # noqa: S311 - a seed, not a secret
    kept = []
    with path.open("w", encoding="utf-8") as file:
        for number, whole in enumerate(texts):
            if kept and chance.random() < 0.1:
                file.write(chance.choice(kept))
                continue
            record = {"id": number, "instruction": whole[:200], "input": "", "output": whole[200:]}
            line = json.dumps(record, ensure_ascii=False) + "\n"
            file.write(line)
            if len(kept) < 1000:
                kept.append(line)
    return path.stat().st_size


def timed(function, *, runs=3):
    """Median processor seconds of this process."""
    took = []
    for _ in range(runs):
        start = time.process_time()
        function()
        took.append(time.process_time() - start)
    return sorted(took)[runs // 2]


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_stages(tmp_path, measure, prose, language):
    path = tmp_path / "data" / "x.jsonl"
    path.parent.mkdir()
    made = prose(language)
    size = generate(path, (text for _ in range(SIZE // 8_750_000 + 1) for text in made.texts(10_000).to_pylist()))
    held = path.read_bytes()
    batches = [item.table for item in records.read(str(path), "x.jsonl") if isinstance(item, records.Batch)]
    column = pa.concat_arrays([batch["whole"] for batch in batches])
    rows = pa.array(range(len(column)))
    one_core = pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 23)
    stages = {
        "SHA-256 (hashlib)": lambda: hashlib.sha256(held).digest(),
        "pyarrow.json, one core": lambda: pyarrow.json.read_json(pa.BufferReader(held), read_options=one_core),
        "read: bytes to RECORDS": lambda: [None for _ in records.read(str(path), "x.jsonl")],
        "normalise": lambda: normalisation.normalise(column),
        "nodes: normalise, hash, count": lambda: shingles.identify_texts(column, rows),
    }
    print(f"\n{language}: {size / 1e6:.0f} MB, {len(column):,} records, processor time of one core")
    for name, function in stages.items():
        seconds = timed(function)
        print(f"  {name:<32} {size / 1e6 / seconds:8.0f} MB/s")
    print(whole_scan(measure, tmp_path, path, size))


def whole_scan(measure, folder, path, size):
    """Wall time of `provenance scan` against SHA-256 of the same file, and the largest resident set of its processes."""
    env = os.environ | {"PROVENANCE_CONFIG": str(folder / "config")}
    command = [sys.executable, "-m", "provenance", "scan", str(path.parent), "--ledger", str(folder / "ledger")]
    start = time.perf_counter()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    digested = time.perf_counter() - start
    done = measure([*command, "--fail-on", "never"], env=env)
    assert done.returncode == 0, done.stderr
    return (
        f"  {'whole scan, ledger included':<32} {size / 1e6 / done.seconds:8.0f} MB/s wall, {digested / done.seconds:.4f} of SHA-256, "
        f"{done.seconds:.1f} s, peak {done.peak:.0f} MiB a process"
    )
