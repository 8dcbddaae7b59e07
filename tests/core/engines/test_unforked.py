"""A scan where nothing can be forked, as on macOS and Windows: the same tables, from workers that are started anew.

Tried on Linux by taking away what other systems lack, from every process of the scan: `os.fork`, /proc, the module
`resource`, `os.sched_getaffinity`, `os.posix_fallocate`. It says nothing of file names, locks or mapped files there.
"""

import gzip
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

LACKING = """
import builtins, io, os, sys

sys.modules["resource"] = None  # so that importing it fails
for name in ("fork", "forkpty", "sched_getaffinity", "posix_fallocate", "memfd_create", "pidfd_open"):
    if hasattr(os, name):
        delattr(os, name)


def without_proc(call):
    def called(path, *rest, **options):
        if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", os.fsdecode(path))
        return call(path, *rest, **options)

    return called


os.stat, os.open, os.scandir, os.listdir = map(without_proc, (os.stat, os.open, os.scandir, os.listdir))
io.open = builtins.open = without_proc(io.open)
"""

SCAN = """
import os, sys
import provenance as pv
from provenance.core.processes import child_processes

if forked := sys.argv[2] == "forked":
    assert hasattr(os, "fork")
else:
    assert not hasattr(os, "fork") and not os.path.exists("/proc/self/status")
child_processes._FORKS = forked
tables = pv.scan(sys.argv[1], workers=2).tables
started = {name: str(table.to_pylist()) for name, table in tables.items()}
import json
print(json.dumps(started, sort_keys=True))
"""


def lay(folder):
    folder.mkdir()
    texts = [f"record {k} of this folder says what no other says, in words of its own: {'x' * k}" for k in range(30)]
    lines = [json.dumps({"text": text}) for text in texts]
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Some texts\n")
    (folder / "a.jsonl").write_text("\n".join(lines))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress("\n".join(lines[:9]).encode(), mtime=0))
    pq.write_table(pa.table({"text": texts[5:15]}), folder / "c.parquet")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("inner/e.txt", texts[3])
        archive.writestr("LICENSE", "SPDX-License-Identifier: CC-BY-NC-4.0\n")


def scan(folder, how, **variables):
    command = [sys.executable, "-c", SCAN, str(folder), how]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | variables, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_where_nothing_can_be_forked_the_tables_are_the_same(tmp_path):
    lay(tmp_path / "data")
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking/sitecustomize.py").write_text(LACKING)
    found = scan(tmp_path / "data", "unforked", PYTHONPATH=str(tmp_path / "lacking"))
    assert "exact" in found["matches"]
    assert "c.parquet" in found["matches"]
    if sys.platform == "linux":
        assert found == scan(tmp_path / "data", "forked")


def test_the_classifiers_name_the_system_and_the_python_that_tests_run_on_and_no_other():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))["project"]
    versions = [each for each in project["classifiers"] if each.startswith("Programming Language :: Python :: 3.")]
    systems = [each for each in project["classifiers"] if each.startswith("Operating System")]
    assert versions == ["Programming Language :: Python :: 3.11"]  # .ci/run runs the tests with one Python
    assert systems == ["Operating System :: POSIX :: Linux"]
