"""What a member of an archive, or a small file, costs: processor time and memory of a whole scan, ledger included.

PROVENANCE_BENCH_MEMBERS=100000 python -m pytest -m full -s tests/bench/test_members.py

Asserts growth (twice the members, at most 2.1 times the processor's time), memory (1 GB for 100,000 members, of all
processes together: Pss_Anon of smaps_rollup, sampled) and time (200,000 files in 120 s of two cores).
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.full

MEMBERS = int(os.environ.get("PROVENANCE_BENCH_MEMBERS", "40000"))
MOST = 1_000_000_000  # bytes of all processes together, of 100,000 members
SECONDS = 2 * 120 / 200_000  # of the processor, a member: 200,000 in 120 s on two cores
LEAST_TIMED = 10_000  # members; the start of a scan is a large part of fewer
EVERY = 0.2  # seconds between two looks at memory

SCAN = Path(__file__).with_name("stepwise.py")
_SPEC = importlib.util.spec_from_file_location("stepwise", SCAN)
stepwise = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stepwise)


def texts(prose, count):
    return prose("english", 5).texts(count, 15).to_pylist()


def archive(folder, prose, count):
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as held:
        for number, text in enumerate(texts(prose, count)):
            ending, content = (
                ("txt", text),
                ("jsonl", json.dumps({"text": text}) + "\n"),
                ("json", json.dumps([{"text": text}])),
                ("csv", f"text,label\n{text.replace(',', ' ')},1\n"),
            )[number % 4]
            held.writestr(f"d{number // 1000}/m{number}.{ending}", content)


def small_files(folder, prose, count):
    for number, text in enumerate(texts(prose, count)):
        place = folder / f"d{number // 1000}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"m{number}.txt").write_text(text)


def small_json_files(folder, prose, count):
    for number, text in enumerate(texts(prose, count)):
        place = folder / f"d{number // 1000}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"m{number}.json").write_text(json.dumps({"text": text, "id": number}))


def private(process):
    """Bytes that one process alone holds; nothing once it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        return int(dict(line.split(":", 1) for line in lines)["Pss_Anon"].split()[0]) << 10
    except (OSError, KeyError):
        return 0


def scan(folder):
    """Scan in a process of its own; return seconds of the processor, and the most bytes of all processes."""
    env = os.environ | {"PROVENANCE_CONFIG": str(folder / "config"), "TMPDIR": str(folder)}
    before, peak = os.times(), 0
    command = [sys.executable, SCAN, folder / "data", folder / "took.json", folder / "ledger"]
    process = subprocess.Popen(list(map(str, command)), env=env)
    while process.poll() is None:
        peak = max(peak, sum(map(private, stepwise.family(process.pid))))
        time.sleep(EVERY)
    assert process.returncode == 0
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, peak


@pytest.mark.parametrize("lay", [archive, small_files, small_json_files])
def test_what_members_cost(lay, tmp_path, prose):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("memory is read from /proc/*/smaps_rollup, which this system has not")
    took = {}
    for count in (1000, MEMBERS // 2, MEMBERS):  # the first compiles kernels
        folder = tmp_path / str(count)
        lay(folder / "data", prose, count)
        took[count], peak = scan(folder)
        print(
            f"\n{lay.__name__}: {count:,} members, {took[count]:.1f} s of the processor, {peak / 1e6:,.0f} MB",
            flush=True,
        )
        shutil.rmtree(folder)
    assert took[MEMBERS] <= 2.1 * took[MEMBERS // 2]
    assert peak <= MOST * max(1, MEMBERS / 100_000)
    assert took[MEMBERS] <= max(MEMBERS, LEAST_TIMED) * SECONDS
