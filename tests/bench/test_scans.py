"""Whole scans of every kind of data, start and ledger included, beside pyarrow's JSON parse in the same run. Prints.

PROVENANCE_BENCH_MB=300 python -m pytest -m full -s tests/bench/test_scans.py

Of each kind: MB a second by the clock and a processor second, on two workers; how many times as long as pyarrow takes to
parse the same records as JSON on one core; how many times as fast as with all processes on one core; memory of all
processes together; and the longest stretch in which no more than one core was busy, as a share of the scan. MB are those of
the records as JSON Lines, but of the real data those of the files. What a scan compiles is compiled before.
"""

import gzip
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.full

SIZE = int(os.environ.get("PROVENANCE_BENCH_MB", "64")) * 1_000_000
EVERY = 0.1  # seconds between two looks at the processes
ONE_CORE = 1.2  # cores that are busy at most while one stage runs alone

_SPEC = importlib.util.spec_from_file_location("stepwise", Path(__file__).with_name("stepwise.py"))
stepwise = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stepwise)
TICKS = os.sysconf("SC_CLK_TCK")


def write_lines(made, files, *, instruction):
    """Records as JSON Lines, dealt out to files; one in ten stands in another file too."""
    written, number, kept = 0, 0, []
    sinks = [io.BytesIO() for _ in range(files)]
    while written < SIZE:
        for fresh in made.texts(10_000).to_pylist():
            number += 1
            text = fresh if number % 10 or not kept else kept[number % len(kept)]
            if not number % 97:
                kept.append(fresh)
            record = {"instruction": text[:200], "input": "", "output": text[200:]} if instruction else {"text": text}
            written += sinks[number % files].write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    return [sink.getvalue() for sink in sinks]


def lay_lines(folder, contents):
    for number, content in enumerate(contents):
        place = folder / f"source-{number % 4}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.jsonl").write_bytes(content)


def lay_parquet(folder, contents):
    for number, content in enumerate(contents):
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pyarrow.json.read_json(io.BytesIO(content)), folder / f"{number}.parquet", compression="zstd")


def lay_gzip(folder, contents):
    for number, content in enumerate(contents):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress(content, 3))


KINDS = {
    "English, 1 file": ("english", 1, False, lay_lines),
    "English, 8 files": ("english", 8, False, lay_lines),
    "English, Parquet": ("english", 1, False, lay_parquet),
    "English, gzip": ("english", 1, False, lay_gzip),
    "instruction": ("english", 1, True, lay_lines),
    "Chinese": ("chinese", 1, True, lay_lines),
}


def look(process, held):
    """Add to what the processes of a scan took so far; return their private bytes together."""
    private = 0
    for each in stepwise.family(process):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        held[each] = sum(map(int, fields[11:13])) / TICKS  # utime, stime (proc_pid_stat(5))
        private += int(dict(line.split(":", 1) for line in lines)["Pss_Anon"].split()[0]) << 10
    return private


def scan(data, folder, workers=2):
    """Scan in a process of its own, one core a worker: seconds, processor seconds, peak of memory, longest on one core."""
    env = os.environ | {"PROVENANCE_CONFIG": str(folder / "config"), "TMPDIR": str(folder)}
    shutil.rmtree(folder / "ledger", ignore_errors=True)
    command = [sys.executable, "-m", "provenance", "scan", data, "--ledger", folder / "ledger"]
    command += ["--workers", workers, "--fail-on", "never"]
    before, started = os.times(), time.perf_counter()
    cores = sorted(os.sched_getaffinity(0))[:workers]
    process = subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)], env=env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    peak, held, busy, at, alone, longest = 0, {}, 0.0, started, 0.0, 0.0
    while process.poll() is None:
        time.sleep(EVERY)
        peak = max(peak, look(process.pid, held))
        now, total = time.perf_counter(), sum(held.values())
        alone = alone + now - at if total - busy <= ONE_CORE * (now - at) else 0.0
        longest, at, busy = max(longest, alone), now, total
    assert process.returncode == 0
    seconds, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, peak, longest


def parse(contents):
    """Processor seconds of pyarrow's parse on one core."""
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 23)
    started = time.process_time()
    for content in contents:
        pyarrow.json.read_json(pa.BufferReader(content), read_options=options)
    return time.process_time() - started


def count_records(ledger):
    """Records that a scan read, by its own account."""
    return pc.sum(pq.read_table(ledger / "scans" / "latest" / "files.parquet")["records"]).as_py()


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def report(name, size, parsed, data, folder):
    scan(data, folder)  # compiles what it needs
    one = scan(data, folder, 1)
    seconds, used, peak, alone = scan(data, folder)
    row(
        *(name, f"{size / 1e6:.0f}", f"{size / 1e6 / seconds:.0f}", f"{size / 1e6 / used:.1f}"),
        *(f"{seconds / parsed:.1f}" if parsed else "", f"{one[0] / seconds:.2f}", f"{peak / 2**20:,.0f}"),
        *(f"{alone:.1f} s, {alone / seconds:.0%}",),
    )


@pytest.fixture(scope="module")
def head():
    print(f"\n\n{SIZE / 1e6:.0f} MB of generated JSON Lines; whole scans, start and ledger included\n")
    row(
        *("what", "MB", "MB/s, two workers", "MB a processor s", "times pyarrow's parse", "times one core"),
        *("private MiB, all", "longest on one core"),
    )
    row(*["---"] * 8)


@pytest.mark.parametrize("kind", KINDS)
def test_scans(tmp_path, prose, kind, head):
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("memory is read from /proc/*/smaps_rollup, which this system has not")
    language, files, instruction, lay = KINDS[kind]
    contents = write_lines(prose(language), files, instruction=instruction)
    lay(tmp_path / "data", contents)
    report(kind, sum(map(len, contents)), parse(contents), tmp_path / "data", tmp_path)
    assert count_records(tmp_path / "ledger") == sum(content.count(b"\n") for content in contents)
    shutil.rmtree(tmp_path / "data")


def test_real_data(tmp_path, realdata, head):
    data = realdata / "data"
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    report("real data", size, None, data, tmp_path)
    assert count_records(tmp_path / "ledger") > 100_000
