"""Kernels are compiled in parallel before a first scan; what is missed is compiled when it is called."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from provenance.core import engines, kernel_cache
from provenance.errors import LimitExceeded
from provenance.pipeline import preparation

MOST_SPECIALISATIONS = 130
"""Kernels that a scan of the demo compiles, each once for its types: what a new user waits for, a third of a second each.

When a change exceeds it: give kernels typed constants, not Python's numbers (see `string_kernels.NO`), and arrays of one
kind."""


class Engine:
    workers = 1

    def __init__(self, answer):
        self.answer, self.parts, self.closed = answer, [], False

    def map(self, function, parts):
        assert function is preparation.compile_part
        self.parts += [parts]
        return [(number, self.answer(part)) for number, part in enumerate(parts)]

    def close(self):
        self.closed = True


@pytest.fixture
def unprepared(tmp_path, monkeypatch):
    monkeypatch.setenv(kernel_cache.CACHE_VARIABLE, str(tmp_path / "kernels"))

    def begin(answer):
        engine = Engine(answer)
        monkeypatch.setattr(engines, "start", lambda *_: engine)
        return engine

    return begin


def test_parts_are_compiled_step_by_step_and_once(unprepared):
    engine, told = unprepared(lambda _: True), []
    preparation.prepare_kernels("local", progress=lambda *step: told.append(step))
    assert engine.parts == list(preparation._STEPS)
    assert {part for step in engine.parts for part in step} == set(preparation._PARTS)
    assert engine.closed
    assert told == [("preparing", 0, 0)]
    assert kernel_cache.is_prepared()
    engine.parts.clear()
    preparation.prepare_kernels("local", progress=lambda *step: told.append(step))
    assert (engine.parts, len(told)) == ([], 1)


def test_what_went_wrong_is_tried_again_and_ends_no_scan(unprepared):
    unprepared(lambda part: part != "texts")
    preparation.prepare_kernels("local")
    assert not kernel_cache.is_prepared()

    def refuse(_part):
        raise LimitExceeded("the process that loads what workers need ended before it was ready")

    unprepared(refuse)
    preparation.prepare_kernels("local")
    assert not kernel_cache.is_prepared()


def test_nothing_is_compiled_ahead_within_a_memory_cap(unprepared):
    engine = unprepared(lambda _: True)
    preparation.prepare_kernels("local", memory=1 << 30)
    assert engine.parts == []


def test_a_part_that_fails_says_so(monkeypatch):
    monkeypatch.setitem(preparation._PARTS, "lines", lambda: 1 / 0)
    assert preparation.compile_part("lines") is False


@pytest.mark.parametrize("part", preparation._PARTS)
def test_every_part_works(part):
    assert preparation.compile_part(part) is True


COUNT = textwrap.dedent("""
    import json, sys
    from pathlib import Path
    from provenance.core.processes import blocked_imports
    blocked_imports.block_imports()
    import numba.core.event as event
    from numba.core.dispatcher import Dispatcher
    compiled = []
    class Compiled(event.Listener):
        def on_start(self, begun):
            compiled.append(str(begun.data["dispatcher"].py_func.__module__))
        def on_end(self, ended):
            pass
    event.register("numba:compile", Compiled())
    from provenance.core.package_data import data_folder
    from provenance.pipeline import preparation, scan
    if sys.argv[1] == "prepare":
        preparation.prepare_kernels("local")
        compiled.clear()
    scan.scan(data_folder("demo") / "data")
    kernels = {
        id(value): value for name, module in list(sys.modules.items()) if name.startswith("provenance.")
        for value in vars(module).values() if isinstance(value, Dispatcher)
    }
    counts = {f"{each.py_func.__module__}.{each.py_func.__name__}": len(each.signatures) for each in kernels.values()}
    print(json.dumps([counts, [name for name in compiled if name.startswith("provenance.")]]))
""")


def count_kernels(what, **environment):
    done = subprocess.run(
        [sys.executable, "-c", COUNT, what], capture_output=True, text=True, env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_scan_needs_few_kernels_each_for_one_kind_of_arrays():
    counts, _ = count_kernels("scan")
    assert sum(counts.values()) > 30
    assert sum(counts.values()) <= MOST_SPECIALISATIONS, {name: count for name, count in counts.items() if count > 1}


@pytest.mark.full
def test_a_first_scan_compiles_nothing_that_was_not_prepared_and_few_in_all(tmp_path):
    _, compiled = count_kernels("prepare", NUMBA_CACHE_DIR=str(tmp_path))
    assert compiled == []
    assert len(list(tmp_path.rglob("*.nbc"))) <= MOST_SPECIALISATIONS
