import contextlib
import ctypes
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from provenance.cli import engine_options
from provenance.core import engines
from provenance.core.engines import Died
from provenance.core.engines.local import LocalEngine
from provenance.core.processes import child_processes
from provenance.errors import ConfigError
from provenance.pipeline import preparation
from provenance.pipeline.warm_up import compile_kernels, load_modules

# What the workers run must be importable by name: these are modules of the standard library and of the package.


@pytest.fixture
def engine():
    """Workers of this test's own: it may kill them."""
    local = LocalEngine(2)
    yield local
    local.close()


def test_every_part_is_answered_once(engine):
    assert sorted(engine.map(hex, range(100))) == [(k, hex(k)) for k in range(100)]


def test_a_part_that_kills_its_process_is_named_and_the_others_go_on(engine):
    # reading address 0 kills the process as a crashing parser would
    answers = dict(engine.map(ctypes.string_at, [0] * 3))
    assert all(isinstance(answer, Died) and "signal 11" in answer.reason for answer in answers.values())
    assert sorted(engine.map(hex, range(5))) == [(k, hex(k)) for k in range(5)]


def test_what_a_function_raises_is_raised_as_it_was(engine):
    with pytest.raises(ValueError, match="invalid literal"):
        list(engine.map(int, ["x"]))


def test_an_unknown_engine_is_named():
    with pytest.raises(ConfigError, match="no engine 'spark'"):
        engines.start("spark")


def test_a_script_without_a_main_guard_works(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from provenance.core import engines
        local = engines.start("local", 2)
        print(sorted(local.map(hex, [1, 2])))
        local.close()
        """)
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, "[(0, '0x1'), (1, '0x2')]\n"), done.stderr


@pytest.mark.parametrize("name", ["provenance/__init__.py", "numpy.py", "json/__init__.py"])
def test_no_code_is_run_that_lies_where_we_stand(name, tmp_path, monkeypatch):
    """Whoever scans `.` stands in the data: a module there must not take the place of ours."""
    trap = tmp_path / name
    trap.parent.mkdir(exist_ok=True)
    trap.write_text(f"open({str(tmp_path / 'run')!r}, 'w')\nraise SystemExit(1)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path or str(tmp_path.parent) for path in sys.path])
    local = LocalEngine(1)
    try:
        assert list(local.map(hex, [17])) == [(0, "0x11")]
    finally:
        local.close()
    assert not (tmp_path / "run").exists()


def test_a_worker_makes_no_frames_and_arrow_works_without(engine):
    with pytest.raises(ModuleNotFoundError, match="no DataFrames"):
        list(engine.map(__import__, ["pandas"]))
    assert dict(engine.map(len, [b"still"])) == {0: 5}


def test_workers_are_forked_from_where_all_is_ready_and_end_with_it():
    if sys.platform != "linux":
        pytest.skip("workers are started anew where forking is not safe")
    with contextlib.closing(LocalEngine(2, compile_kernels)) as local:
        assert dict(local.map(hex, [1, 2])) == {0: "0x1", 1: "0x2"}
        workers = local.processes()
        parents = {Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1] for worker in workers}
        assert parents == {str(local._nursery._process.pid)}
    assert not any(Path(f"/proc/{process}").exists() for process in (*workers, *parents))


def test_workers_come_back_when_what_they_came_from_was_killed(engine):
    assert dict(engine.map(hex, [1])) == {0: "0x1"}
    engine._nursery._process.kill()
    engine.end(*engine.processes(), "it took too much")
    assert sorted(engine.map(hex, range(3))) == [(k, hex(k)) for k in range(3)]


def test_what_cannot_be_got_ready_is_left():
    with contextlib.closing(LocalEngine(1, json.loads)) as local:  # it asks for an argument
        assert dict(local.map(hex, [1])) == {0: "0x1"}


def test_what_the_command_line_prepares_is_what_a_scan_asks_for():
    """A changed name would start a second process, silently."""
    assert child_processes.function_name(compile_kernels) == engine_options._READY
    assert child_processes.function_name(load_modules) == engine_options._LIGHT
    assert child_processes.function_name(preparation.load_modules) == engine_options._COMPILING


ONCE = "import os, pathlib, signal\nplace = pathlib.Path({!r})\nif not place.exists():\n    place.touch()\n    os.kill(os.getpid(), signal.SIGKILL)"


def test_what_somebody_killed_is_done_again_and_what_kills_itself_is_not(engine, tmp_path):
    once = [ONCE.format(str(tmp_path / name)) for name in "ab"]
    assert sorted(engines.map_again(engine, exec, once)) == [(0, None), (1, None)]
    always = dict(engines.map_again(engine, exec, ["import os\nos.kill(os.getpid(), 9)", "1"]))
    assert isinstance(always[0], Died)
    assert always[0].outside
    assert always[1] is None
    crashed = dict(
        engines.map_again(engine, exec, [f"{once[0]}\nopen({str(tmp_path / 'c')!r}, 'a').write('x')\nos.abort()"])
    )
    assert crashed[0].reason == "its process was killed by signal 6"
    assert (tmp_path / "c").read_text() == "x"
