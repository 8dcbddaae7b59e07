"""A worker that is killed again and again while records are compared ends the scan in one sentence, and takes nothing with it."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from provenance.core.engines.local import LocalEngine
from provenance.errors import InputError
from provenance.pipeline.matching import match_plan


def killed(_part):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_while_comparing_is_one_sentence():
    with (
        contextlib.closing(LocalEngine(1)) as running,
        pytest.raises(InputError, match=r"the records could not be compared: its process was killed by signal 9"),
    ):
        match_plan.require_results(result for _, result in running.map(killed, [1]))
