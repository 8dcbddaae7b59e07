"""This process does what it may; the rest is left to an engine that is started for it, and not before."""

import contextlib
import ctypes

import pytest

from provenance.core import engines
from provenance.core.engines import Died, LightEngine
from provenance.core.engines.local import LocalEngine


@pytest.fixture
def started():
    return []


@pytest.fixture
def engine(started):
    def start():
        started.append(LocalEngine(1))
        return started[-1]

    with contextlib.closing(LightEngine(lambda part: part != 0, start)) as light:
        yield light


def test_what_runs_here_starts_no_process(engine, started):
    assert dict(engine.map(hex, [1, 2, 3])) == {0: "0x1", 1: "0x2", 2: "0x3"}
    assert engine.processes() == []
    assert started == []


def test_what_does_not_run_here_may_die_and_keeps_its_number(engine, started):
    answers = dict(engines.map_again(engine, ctypes.string_at, [b"abc", 0, b"def"]))
    assert answers[0] == b"abc"
    assert answers[2] == b"def"
    assert isinstance(answers[1], Died)
    assert len(started) == 1


def test_one_engine_is_started_for_all_that_does_not_run_here(engine, started):
    for _ in range(2):
        assert dict(engine.map(hex, [0, 1, 0])) == {0: "0x0", 1: "0x1", 2: "0x0"}
    assert len(started) == 1
    assert len(engine.processes()) == 1
    engine.rest()
    assert engine.processes() == []


def test_what_a_function_raises_is_raised(engine):
    with pytest.raises(ValueError, match="invalid literal"):
        list(engine.map(int, ["x"]))
