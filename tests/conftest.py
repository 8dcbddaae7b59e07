"""What every test may ask for."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

settings.register_profile("provenance", deadline=None)  # the first call of a kernel compiles it
settings.load_profile("provenance")

ROOT = Path(__file__).resolve().parents[1]
SCANNER = {"name": "provenance", "version": "0.1.0", "digest": {"sha256": "ab" * 32}}
SCAN_FACTS = {
    "kind": "draft",
    "scanner": SCANNER,
    "data": "corpus",
    "purpose": "commercial-service",
    "profiles": [{"name": "baseline", "digest": {"sha256": "cd" * 32}}],
    "startedOn": "2025-01-01T00:00:00Z",
    "finishedOn": "2025-01-01T00:00:01.5Z",
}
"""What an entry of a scan says of it, where no scan was made."""


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path_factory, monkeypatch):
    """Keys made by a test stay in the test."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path_factory.mktemp("config")))


@pytest.fixture(scope="session", autouse=True)
def _workers_are_kept():
    """Hand one scan's workers to the next: to start them takes longer than to scan what most tests scan.

    tests/engines, and whatever calls the command line as a process of its own, start and end theirs.
    """
    from provenance.core import engines
    from provenance.core.engines.local import LocalEngine
    from provenance.pipeline.warm_up import compile_kernels

    begin, started_in, unclosed = engines.start, Path.cwd(), set()

    def start(*asked):
        engine = begin(*asked)
        if Path.cwd() == started_in:  # where a relative path leads is settled when a worker starts
            unclosed.add(engine)
            engine._idle, engine._nursery = kept._idle, kept._nursery
            engine.rest, engine.close = lambda: None, lambda: unclosed.discard(engine)
        return engine

    with contextlib.closing(LocalEngine(ready=compile_kernels)) as kept, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "start", start)
        patch.setattr(engines, "prepare", lambda *_: None)
        yield
    assert not unclosed, "a scan did not close its engine"


class _InProcess:
    """An engine of one process."""

    workers = 1

    def map(self, function, parts):
        return enumerate(map(function, parts))

    def rest(self):
        pass

    def close(self):
        pass


@pytest.fixture
def in_process(monkeypatch):
    """Scans run in this process: a test may look inside, and need not wait for workers to start; the engine's class."""
    from provenance.core import engines

    monkeypatch.setattr(engines, "start", lambda *_: _InProcess())
    return _InProcess


@pytest.fixture
def registered(monkeypatch):
    """Add modules to a family's registry: `with registered(registry, "extensions.key_values"): ...`.

    Workers that are kept from before do not find these modules: such a test scans `in_process`, or starts its own.
    """
    monkeypatch.syspath_prepend(ROOT / "tests")
    return lambda registry, *modules: registry.extended(*modules)


def pytest_make_parametrize_id(config, val, argname):
    """Name a case of bytes by its argument: bytes may hold a time, and two workers must give a case one name."""
    return argname if isinstance(val, bytes) and len(val) > 40 else None


_OVERRIDING = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root pass over mode bits


@contextlib.contextmanager
def _without_power():
    """Take from this thread what lets root pass over mode bits; threads that it starts inherit that."""
    libc, header = (
        ctypes.CDLL(None, use_errno=True),
        (ctypes.c_uint32 * 2)(0x20080522, 0),
    )  # _LINUX_CAPABILITY_VERSION_3
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then their upper halves
    assert libc.capget(header, held) == 0
    effective = held[0]
    held[0] = effective & ~_OVERRIDING
    assert libc.capset(header, held) == 0
    try:
        yield
    finally:
        held[0] = effective
        assert libc.capset(header, held) == 0


@pytest.fixture
def close():
    """Take permissions from a path, which hold in this process whoever runs the test: `close(path, mode=0)`."""
    closed = []

    def take(path, mode=0):
        closed.append((path, path.stat().st_mode))
        path.chmod(mode)

    if sys.platform != "linux" and os.geteuid() == 0:
        pytest.skip("root passes over mode bits here")
    with _without_power() if sys.platform == "linux" else contextlib.nullcontext():
        yield take
        for path, mode in reversed(closed):
            path.chmod(mode)


@pytest.fixture
def deep():
    """Make a file whose path is longer than the system opens at once: `deep(folder, levels)`; each has 250 letters."""
    made = []

    def make(folder, levels, content=b"1"):
        made.append(folder)
        here = os.open(folder, os.O_RDONLY)
        for _ in range(levels):
            os.mkdir("n" * 250, dir_fd=here)
            inner = os.open("n" * 250, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
        file = os.open("x.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here)
        os.write(file, content)
        os.close(file)
        os.close(here)
        return "/".join(["n" * 250] * levels + ["x.txt"])

    yield make
    for folder in made:  # it must not stay for whoever removes folders by their paths
        shutil.rmtree(folder / ("n" * 250), ignore_errors=True)
        subprocess.run(["rm", "-rf", folder / ("n" * 250)], check=True)


_MEASURED = """
import ctypes, json, os, resource, subprocess, sys, time
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: who outlives its parent is waited for here
started = time.monotonic()
done = subprocess.run(json.loads(sys.argv[1]), capture_output=True, text=True)
seconds = time.monotonic() - started
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)
print(json.dumps([done.returncode, done.stdout, done.stderr, peak, used.ru_utime + used.ru_stime, seconds]))
"""


class Measured(NamedTuple):
    """What a command answered and took; MiB of its largest process, seconds of all of them together and on the clock."""

    returncode: int
    stdout: str
    stderr: str
    peak: float
    busy: float
    seconds: float


@pytest.fixture(scope="session")
def measure():
    """Run a command and measure it and all it starts: `measure([sys.executable, ...])`.

    A small process of its own runs it. Whoever asks for RUSAGE_CHILDREN in the process of the tests gets the largest
    child that any test of it ever had, and the peak of the tests themselves: Linux counts what a child was before exec.
    """

    def run(command, **asked):
        asking = [sys.executable, "-c", _MEASURED, json.dumps([str(each) for each in command])]
        return Measured(*json.loads(subprocess.run(asking, capture_output=True, text=True, check=True, **asked).stdout))

    return run


@pytest.fixture(scope="session")
def realdata():
    """The unpacked folder of real data, or a skip: other people's data is not in this repository."""
    folder = Path(os.environ.get("PROVENANCE_REALDATA", ROOT.parent / "shared" / "realdata"))
    if (folder / "data").is_dir():
        return folder
    unpack = folder / "unpack"
    if not unpack.is_file():
        pytest.skip("no real data here (PROVENANCE_REALDATA)")
    done = subprocess.run([unpack], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the real data could not be unpacked: {done.stderr.strip()[-200:]}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def make_authority(tmp_path_factory):
    """Make a timestamp authority with openssl: see authorities.py."""
    spec = importlib.util.spec_from_file_location("authorities", Path(__file__).with_name("authorities.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["authorities"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return lambda **made: module.authority(tmp_path_factory.mktemp("authority") / "a", **made)
