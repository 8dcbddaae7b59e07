"""How time and memory of a whole scan grow with the number of records. Prints; asserts no time.

PROVENANCE_BENCH_RECORDS=1000000 python -m pytest -m full -s tests/bench/test_growth.py

Records are short (about 150 bytes), in eight files of four sources, and made to hurt: of ten records one is a copy of one
in another file, one is a variant of one template (so 100,000 of a million), of twenty one differs from another in its last
words, and one of a hundred is always the same. Every share stays as the data doubles.

Memory is that of the scan and all its workers together, sampled: *private* is what the machine must hold (Pss_Anon of
smaps_rollup), *resident* counts mapped scratch files too, which the machine may drop; *largest* is one process alone.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

pytestmark = pytest.mark.full

RECORDS = int(os.environ.get("PROVENANCE_BENCH_RECORDS", "1000000"))
LEAST = 62_500
FILES, SOURCES = 8, 4
CHUNK = LEAST // 10  # records generated at a time; what is copied stands in the chunk before, in another file
EVERY = 0.2  # seconds between two looks at memory

SCAN = Path(__file__).with_name("stepwise.py")
_SPEC = importlib.util.spec_from_file_location("stepwise", SCAN)
stepwise = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stepwise)
STEPS = ("reading", "comparing", "checking", "signing")


def generate(folder, prose, records):
    """Write the records; return their bytes."""
    english = prose("english", 11)
    template, always = (" ".join(english.pick(24).to_pylist()) for _ in range(2))
    sinks = []
    for file in range(FILES):
        path = folder / f"source-{file % SOURCES}" / f"{file}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        sinks.append(path.open("wb"))
    before = english.texts(CHUNK, 24)
    share = CHUNK // 100
    for chunk in range(records // CHUNK):
        fresh = english.texts(74 * share + CHUNK % 100, 24)
        some = before.take(pa.array(np.random.default_rng(chunk).permutation(len(before))[: 15 * share]))
        near = pc.binary_join_element_wise(some[10 * share :], english.pick(5 * share), " ")
        filled = pc.binary_join_element_wise(
            pa.repeat(template, 10 * share), english.pick(10 * share), english.pick(10 * share), " "
        )
        texts = pa.concat_arrays([fresh, some[: 10 * share], near, filled, pa.repeat(always, share)])
        texts = texts.take(pa.array(np.random.default_rng(chunk).permutation(len(texts))))
        lines = pc.binary_join_element_wise('{"text": "', texts, '"}\n', "")
        start, stop = np.frombuffer(lines.buffers()[1], np.int32)[[0, len(lines)]]
        sinks[chunk % FILES].write(memoryview(lines.buffers()[2])[start:stop])
        before = fresh
    for sink in sinks:
        sink.close()
    return sum(path.stat().st_size for path in folder.rglob("*.jsonl"))


def memory(process):
    """Bytes of one process: private and resident; nothing once it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        held = dict(line.split(":", 1) for line in lines)
        return tuple(int(held[name].split()[0]) << 10 for name in ("Pss_Anon", "Rss"))
    except (OSError, KeyError):
        return 0, 0


def watch(process, peaks):
    """Keep the highest of private and resident memory of a family, and of its largest member, until it ends."""
    while process.poll() is None:
        held = [memory(each) for each in stepwise.family(process.pid)]
        peaks["private"] = max(peaks["private"], sum(private for private, _ in held))
        peaks["resident"] = max(peaks["resident"], sum(resident for _, resident in held))
        peaks["largest"] = max(peaks["largest"], *(private for private, _ in held))
        time.sleep(EVERY)


def scan(data, folder):
    """Scan in a process of its own; return what it took."""
    env = os.environ | {"PROVENANCE_CONFIG": str(folder / "config"), "TMPDIR": str(folder)}
    peaks = dict.fromkeys(("private", "resident", "largest"), 0)
    started, before = time.perf_counter(), os.times()
    command = [sys.executable, SCAN, data, folder / "took.json", folder / "ledger"]
    process = subprocess.Popen(list(map(str, command)), env=env)
    watch(process, peaks)
    assert process.wait() == 0
    wall, after = time.perf_counter() - started, os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    took = json.loads((folder / "took.json").read_text())
    return {"wall": wall, "busy": busy, "matches": took["matches"], "steps": took["busy"]} | peaks


def sizes():
    """From the smallest to RECORDS, each twice the one before."""
    found = [RECORDS]
    while found[0] >= 2 * LEAST and found[0] // 2 % CHUNK == 0:
        found.insert(0, found[0] // 2)
    return found


def test_growth(tmp_path, prose):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("memory is read from /proc/*/smaps_rollup, which this system has not")
    warm = tmp_path / "warm"
    generate(warm / "data", prose, CHUNK)
    scan(warm / "data", warm)  # kernels are compiled once
    print("\nWhole scans, ledger included; steps in seconds of processor time; memory of all processes in MiB\n")
    row(
        *("records", "MB", "wall s", "times", "processor s", "times", *STEPS),
        *("private", "of the largest", "resident", "matches"),
    )
    row(*["---"] * 14)
    last = None
    for records in sizes():
        folder = tmp_path / str(records)
        size = generate(folder / "data", prose, records)
        took = scan(folder / "data", folder)
        cells = [f"{records:,}", f"{size / 1e6:.0f}"]
        for clock in ("wall", "busy"):
            cells += [f"{took[clock]:.1f}", f"{took[clock] / last[clock]:.2f}" if last else ""]
        cells += [f"{took['steps'].get(step, 0):.1f}" for step in STEPS]
        cells += [f"{took[name] / 2**20:,.0f}" for name in ("private", "largest", "resident")]
        row(*cells, f"{took['matches']:,}")
        assert took["matches"] > records / 10  # what was copied was found
        last = took
        shutil.rmtree(folder)


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)
