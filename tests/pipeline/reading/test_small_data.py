"""Small data starts no pool: what a reader may die of is read by one worker, all else by the command's own process."""

import gzip
import io
import json
import subprocess
import sys
import textwrap
import zipfile

import pytest

import provenance as pv
from provenance.core.model import CHANGED
from provenance.core.processes import blocked_imports
from provenance.pipeline.reading import small_data
from provenance.pipeline.reading.file_bundles import FileToRead, make_bundles
from provenance.readers import records

LINES = "".join(
    json.dumps({"text": f"the harbour office opens at {hour} and closes at noon"}) + "\n" for hour in range(9)
)


def zipped(text):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.jsonl", text)
    return made.getvalue()


def to_read(path, role="data"):
    return FileToRead(path.name, str(path).encode(), role, None, None, path.stat().st_size)


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text(LINES)
    (data / "b.csv").write_text("text\nthe harbour office opens at nine\n")
    (data / "c.txt").write_text("The harbour office opens at nine.\n")
    (data / "README.md").write_text("---\nlicense: mit\n---\n# Harbour\n")
    return data


def test_a_folder_is_small_by_bytes_and_by_files(folder, monkeypatch):
    assert small_data.survey_folder(folder) == (True, False)
    monkeypatch.setattr(small_data, "SMALL_FILES", 3)
    assert small_data.survey_folder(folder) == (False, False)
    monkeypatch.setattr(small_data, "SMALL_FILES", 4)
    monkeypatch.setattr(small_data, "SMALL_BYTES", 500)
    assert small_data.survey_folder(folder)[0] is False
    assert small_data.survey_folder(folder / "absent") == (True, False)


def test_a_worker_is_foreseen_by_names(folder):
    (folder / "below").mkdir()
    (folder / "below" / "d.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    assert small_data.survey_folder(folder) == (True, True)


@pytest.mark.parametrize(
    ("own", "workers", "memory", "size", "small"),
    [
        (True, None, None, 100, True),
        (False, None, None, 100, False),
        (True, 2, None, 100, False),
        (True, None, 1 << 30, 100, False),
        (True, None, None, small_data.SMALL_BYTES + 1, False),
    ],
)
def test_only_a_process_of_our_own_does_without_workers(monkeypatch, own, workers, memory, size, small):
    monkeypatch.setattr(blocked_imports, "is_own_process", lambda: own)
    file = FileToRead("a.jsonl", b"a.jsonl", "data", None, None, size)
    assert small_data.is_small([file], workers, memory) is small


def test_bytes_decide_what_this_process_reads(folder):
    (folder / "d.jsonl").write_bytes(zipped(LINES))
    (folder / "e.jsonl").write_bytes(gzip.compress(LINES.encode()))
    (folder / "f.csv").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    (folder / "g.warc").write_bytes(b"WARC/1.0\r\n")
    (folder / "h.bin").write_bytes(b"\x7fELF" + bytes(20))
    marked = small_data.mark_bounded([to_read(path) for path in sorted(folder.iterdir())])
    assert [file.path for file in marked if not file.bounded] == ["d.jsonl", "e.jsonl", "f.csv", "g.warc"]
    parts = make_bundles(marked, folder)
    assert [{file.bounded for file in part.files} for part in parts] == [{False}, {True}]
    assert [part.number for part in parts] == [0, 1]


@pytest.mark.parametrize("data", [zipped(LINES), gzip.compress(LINES.encode()), b"PAR1" + bytes(20) + b"PAR1"])
def test_what_became_another_format_meanwhile_is_read_by_nobody(tmp_path, data):
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    assert any(isinstance(item, records.Batch) for item in records.read(str(path), "a.jsonl")) or data[:4] == b"PAR1"
    (account,) = records.read(str(path), "a.jsonl", bounded=True)
    assert account.skip_reason.startswith(CHANGED)
    assert (account.records, account.bytes_skipped) == (0, len(data))


def run_command(tmp_path, *arguments):
    """Run the command line in a process of its own; return the processes that it started and the modules it has."""
    script = textwrap.dedent("""
        import json, os, subprocess, sys
        started, begin, fork = [], subprocess.Popen.__init__, os.fork
        def count(self, *args, **named):
            started.append(args[0] if args else named["args"])
            begin(self, *args, **named)
        subprocess.Popen.__init__ = count
        os.fork = lambda: started.append("fork") or fork()
        from provenance.__main__ import main
        from provenance.core import kernel_cache
        kernel_cache.is_prepared = lambda: True  # that of the first scan of all is another test's
        try:
            main()
        finally:
            print(json.dumps([started, sorted(sys.modules)]), file=sys.stderr)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    started, modules = json.loads(done.stderr.splitlines()[-1])
    return started, set(modules), done.stdout


RARE = {
    "pandas", "scipy", "cffi", "cryptography.x509", "provenance.ledger.verification.verify",
    "provenance.ledger.verification.verified_reader", "provenance.ledger.proofs.redaction",
    "provenance.ledger.witness.timestamps", "provenance.pipeline.report_check", "provenance.attestations.review",
    "provenance.reports.filings", "provenance.cli.demo",
}  # fmt: skip
"""What a scan that appends to a new ledger has no use for."""


def test_a_scan_of_small_data_starts_no_process_and_imports_nothing_rare(folder, tmp_path):
    started, modules, _ = run_command(tmp_path, "scan", str(folder), "--fail-on", "never")
    assert started == []
    assert modules & RARE == set()
    _, modules, printed = run_command(tmp_path, "--help")
    assert {"numpy", "numba", "pyarrow", "rich", "cryptography", "jsonschema", "yaml"} & modules == set()
    assert "scan" in printed


def test_a_scan_of_small_data_with_a_compressed_file_starts_one_worker(folder, tmp_path):
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    started, _, _ = run_command(tmp_path, "scan", str(folder), "--fail-on", "never")
    assert [each[-1] for each in started] == ["provenance.pipeline.warm_up:load_modules"]


def test_tables_do_not_depend_on_who_reads(folder, monkeypatch):
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    pool = pv.scan(folder).tables
    monkeypatch.setattr(small_data, "is_small", lambda *_: True)
    light = pv.scan(folder).tables
    assert light["matches"].num_rows > 0
    for name, table in pool.items():
        assert light[name].equals(table), name
