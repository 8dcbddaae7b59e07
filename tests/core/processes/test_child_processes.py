"""Processes end with one another, are told no secrets, and signals leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from random import Random

import pytest

from provenance.core.engines import Died
from provenance.core.engines.local import LocalEngine
from provenance.core.processes import child_processes, environment, interruption

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(processes, seconds=20):
    end = time.monotonic() + seconds
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, processes))


def children(process):
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def test_killing_what_workers_come_from_ends_them_and_hangs_nobody():
    with contextlib.closing(LocalEngine(2)) as local:
        list(local.map(hex, [1, 2]))
        workers = local.processes()
        threading.Timer(0.5, local._nursery._process.kill).start()
        answers = dict(local.map(time.sleep, [60, 60]))
        assert all(isinstance(answer, Died) and answer.outside for answer in answers.values())
        assert gone(workers)
        assert dict(local.map(hex, [3])) == {0: "0x3"}


def test_an_interrupted_map_does_not_wait_for_its_workers():
    with contextlib.closing(LocalEngine(2)) as local:
        answers = local.map(time.sleep, [0, 600])
        next(answers)
        begun = time.monotonic()
        answers.close()
        assert time.monotonic() - begun < 30


def test_killing_the_caller_ends_all_of_its_processes():
    code = "import sys, time; from provenance.core.engines.local import LocalEngine; l = LocalEngine(2); list(l.map(hex, [1, 2])); print(l._nursery._process.pid, *l.processes(), flush=True); list(l.map(time.sleep, [600, 600]))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as caller:
        started = list(map(int, caller.stdout.readline().split()))
        time.sleep(0.3)
        caller.kill()
    assert len(started) == 3
    assert gone(started)


def test_what_was_prepared_serves_the_first_who_asks_for_the_same():
    child_processes.prepare("json:loads")
    child_processes.prepare("json:loads")  # once is enough
    process, _ = child_processes._prepared["json:loads"]
    with contextlib.closing(LocalEngine(1)) as other, contextlib.closing(LocalEngine(1, json.loads)) as local:
        assert dict(other.map(hex, [2])) == {0: "0x2"}
        assert process.pid != other._nursery._process.pid
        assert dict(local.map(hex, [3])) == {0: "0x3"}
        assert process is local._nursery._process
        process.kill()
        assert dict(local.map(hex, [4])) == {0: "0x4"}


def test_what_was_prepared_for_nothing_ends_with_its_caller():
    code = "from provenance.core.processes import child_processes as c; c.prepare('time:time'); print(c._prepared['time:time'][0].pid, flush=True)"
    made = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert gone([int(made.stdout)])


def test_no_process_is_given_a_secret(monkeypatch):
    monkeypatch.setenv("PROVENANCE_KEY_PASSWORD", "geheim-1")
    monkeypatch.setenv("PROVENANCE_HSM_PIN", "geheim-2")
    monkeypatch.setenv("MY_SIGNING", "geheim-3")
    monkeypatch.setenv("PEM", "-----BEGIN EC PRIVATE KEY-----geheim-4")
    assert environment.read_secret("MY_SIGNING") == "geheim-3"
    with contextlib.closing(LocalEngine(1)) as local:
        list(local.map(hex, [1]))
        for process in (local._nursery._process.pid, *local.processes()):
            held = Path(f"/proc/{process}/environ").read_bytes()
            assert b"PATH=" in held
            assert b"geheim" not in held


def test_one_place_starts_processes():
    home = Path(environment.__file__).parent
    found = [
        path.name for path in home.rglob("*.py") if "subprocess." in path.read_text() or "os.fork" in path.read_text()
    ]
    assert found == ["child_processes.py"]


def _do_all(done):
    with interruption.defer_signals():
        signal.raise_signal(signal.SIGINT)
        done.append("all")


@pytest.fixture
def _heeded():
    """Heed signals that whoever started the tests ignores, such as `nohup` and the background of a shell."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGQUIT)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_heeded")
def test_a_signal_finds_all_of_it_done_or_nothing():
    done = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _do_all(done)
    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is before


LAST = """
import atexit, os, sys
from provenance import __main__, cli
cli.run = lambda: 1
class Late:
    def __del__(self):
        os.kill(os.getpid(), 15)
sys.late = Late()  # goes after all handlers of Python have
atexit.register(lambda: os.kill(os.getpid(), 15))
__main__.main()
"""


def test_a_signal_after_the_last_output_changes_no_exit_code():
    ended = subprocess.run([sys.executable, "-c", LAST], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")


@pytest.fixture
def corpus(tmp_path):
    chance = Random(3)  # noqa: S311 - for a repeatable corpus
    data = tmp_path / "data"
    data.mkdir()
    for number in range(4):
        lines = ['{"text": "%s"}' % " ".join(chance.choices("abcdefgh", k=60)) for _ in range(4000)]  # noqa: UP031 - braces
        (data / f"{number}.jsonl").write_text("\n".join(lines))
    return data


def scanning(data, tmp_path, *wrapped):
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    command = [
        *wrapped,
        sys.executable,
        "-m",
        "provenance",
        "scan",
        data,
        "--ledger",
        tmp_path / "ledger",
        "--workers",
        "2",
    ]
    return subprocess.Popen(
        command, env=os.environ | {"TMPDIR": str(scratch)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("_heeded")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_a_signal_ends_a_scan_with_one_sentence_and_leaves_nothing(corpus, tmp_path, name):
    with scanning(corpus, tmp_path) as scan:
        while not (started := children(scan.pid)):
            time.sleep(0.01)
        started += children(started[0])
        scan.send_signal(getattr(signal, name))
        out, said = scan.communicate(timeout=60)
    assert (scan.returncode, out) == (4, "")
    assert said == "provenance: interrupted; nothing was appended to the ledger\n"
    assert gone(started)
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.full
def test_what_was_ignored_from_the_beginning_stays_ignored(corpus, tmp_path):
    with scanning(corpus, tmp_path, "nohup") as scan:
        while not children(scan.pid):
            time.sleep(0.01)
        scan.send_signal(signal.SIGHUP)
        scan.communicate(timeout=300)
    assert scan.returncode in {0, 1}


@pytest.mark.full
@pytest.mark.parametrize("whom", ["nursery", "worker", "main"])
def test_kills_at_random_instants(corpus, tmp_path, whom):
    chance = Random(whom)  # noqa: S311 - for repeatable instants
    for _ in range(40):
        with scanning(corpus, tmp_path) as scan:
            time.sleep(chance.uniform(0.2, 12))
            nurseries = children(scan.pid)
            workers = [worker for nursery in nurseries for worker in children(nursery)]
            targets = {"nursery": nurseries, "worker": workers, "main": [scan.pid]}[whom]
            if targets:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(targets), signal.SIGKILL)
            _, said = scan.communicate(timeout=300)
        assert scan.returncode in {0, 1, 4, -9}
        assert "Traceback" not in said
        assert "a fault" not in said
        assert gone([*nurseries, *workers])
    with scanning(corpus, tmp_path) as scan:
        scan.communicate(timeout=300)
    assert list((tmp_path / "scratch").iterdir()) == []
