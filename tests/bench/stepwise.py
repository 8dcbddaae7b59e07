"""A scan that says how long each of its steps took: `python stepwise.py DATA RESULT.json [LEDGER]`.

RESULT.json has seconds of `wall` and of `busy`, the processor's time of this process and all below it, by step; and how
many `matches` there are. The matches themselves stand beside it as Parquet.
"""

import json
import os
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

import provenance as pv


def family(process):
    """A process and all below it: whichever thread started a child is its parent in /proc."""
    found = [process]
    for each in found:
        try:
            for children in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except OSError:  # it ended meanwhile
            continue
    return found


def processor():
    """Seconds of processor time of this process, of what it has waited for, and of what runs below it."""
    ticks = 0
    for process in family(os.getpid()):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime (proc_pid_stat(5))
    return ticks / os.sysconf("SC_CLK_TCK")


class Steps:
    """The progress of a scan: what each step took."""

    def __init__(self):
        self.wall, self.busy = {}, {}
        self._step, self._at = "start", (time.perf_counter(), 0.0)

    def __call__(self, step, _done, _total):
        if step == self._step:
            return
        now = (time.perf_counter(), processor())
        for took, end, begin in zip((self.wall, self.busy), now, self._at, strict=True):
            took[self._step] = took.get(self._step, 0) + end - begin
        self._step, self._at = step, now


if __name__ == "__main__":
    data, result, *ledger = sys.argv[1:]
    steps = Steps()
    audit = pv.scan(data, *ledger, workers=2, progress=steps)
    steps("end", 0, 0)
    pq.write_table(audit.tables["matches"], Path(result).with_suffix(".parquet"))
    said = {"wall": steps.wall, "busy": steps.busy, "matches": audit.tables["matches"].num_rows}
    Path(result).write_text(json.dumps(said), encoding="utf-8")
