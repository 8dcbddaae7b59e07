"""A cap on memory: sizes as people write them, and a scan that goes beyond one ends with a sentence, never a traceback."""

import json
import random
import signal
import time

import pytest

import provenance as pv
from provenance.cli import run
from provenance.core.processes import memory_limit
from provenance.errors import ConfigError, LimitExceeded


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("2GB", 2_000_000_000), ("1.5 GiB", 3 << 29), ("800M", 800_000_000), (" 3 gb ", 3_000_000_000), ("1Ti", 1 << 40)],
)
def test_sizes(text, bytes_):
    assert memory_limit.parse_size(text) == bytes_


@pytest.mark.parametrize("text", ["", "GB", "-2GB", "2 GB of it", "12", "100MB", "1e9"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(ConfigError, match="no memory that a scan could do with"):
        memory_limit.parse_size(text)


class Engine:
    """Workers that are made up."""

    def __init__(self, *workers):
        self.workers, self.ended = list(workers), []

    def processes(self):
        return self.workers

    def end(self, process, reason):
        self.workers.remove(process)
        self.ended.append((process, reason))


def test_the_worker_that_takes_most_is_ended_first(monkeypatch):
    taken = {"self": 100 << 20, 1: 300 << 20, 2: 500 << 20, 3: 400 << 20}
    monkeypatch.setattr(memory_limit, "resident_bytes", lambda process="self": taken[process])
    engine = Engine(1, 2, 3)
    with memory_limit.MemoryCap(850 << 20, engine):
        while len(engine.workers) > 2:
            time.sleep(0.01)
        time.sleep(3 * memory_limit._WATCH_INTERVAL)
    assert engine.ended == [(2, "it took the scan beyond the 891 MB that it may have")]


def test_without_workers_the_scan_itself_is_ended(monkeypatch):
    monkeypatch.setattr(memory_limit, "resident_bytes", lambda *_: 1 << 40)
    with (
        pytest.raises(LimitExceeded, match="needs more than 268 MB; give it more --memory"),
        memory_limit.MemoryCap(1 << 28, Engine()),
    ):
        time.sleep(30)


def test_where_interrupts_are_ignored_the_cap_still_holds(monkeypatch):
    """So a shell starts what it puts in the background; a person's interrupt stays ignored there."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with memory_limit.MemoryCap(1 << 40, Engine()):
            signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(memory_limit, "resident_bytes", lambda *_: 1 << 40)
        with pytest.raises(LimitExceeded), memory_limit.MemoryCap(1 << 28, Engine()):
            time.sleep(30)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_by_a_person_stays_one():
    with pytest.raises(KeyboardInterrupt), memory_limit.MemoryCap(1 << 40, Engine()):
        raise KeyboardInterrupt


def test_this_process_takes_memory_and_one_that_is_gone_takes_none():
    assert memory_limit.resident_bytes() > 1 << 20
    assert memory_limit.resident_bytes(2**22 + 1) == 0


def lay(folder, records):
    chance = random.Random(5)  # noqa: S311 - a seed, not a secret
    words = [f"word{k}" for k in range(3000)]
    folder.mkdir(parents=True)
    with (folder / "x.jsonl").open("w") as file:
        for _ in range(records):
            file.write(json.dumps({"text": " ".join(chance.choices(words, k=60))}) + "\n")


def test_a_scan_within_its_cap_is_as_without(tmp_path):
    lay(tmp_path / "data", 200)
    capped, free = (pv.scan(tmp_path / "data", workers=1, memory=limit) for limit in (8 << 30, None))
    assert capped.tables["files"].equals(free.tables["files"])


def test_a_scan_that_needs_more_ends_with_a_sentence(tmp_path, monkeypatch, capsys):
    """A worker counts as taking a terabyte: nothing can be compared."""
    lay(tmp_path / "data", 200)
    true = memory_limit.resident_bytes
    monkeypatch.setattr(
        memory_limit, "resident_bytes", lambda process="self": true(process) if process == "self" else 1 << 40
    )
    monkeypatch.chdir(tmp_path)
    assert (
        run(["scan", str(tmp_path / "data"), "--memory", "16GB", "--workers", "1"]) == 4
    )  # more than this process itself takes
    said = capsys.readouterr().err
    assert "beyond the 16 GB" in said
    assert "Traceback" not in said
    assert not (tmp_path / "provenance-ledger" / "log").exists()
