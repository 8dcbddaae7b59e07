"""Workers that somebody kills while records are compared: their parts are done again, and no table shows it."""

import contextlib
import os
import signal
import threading
from random import Random

import pytest

import provenance as pv
from provenance.core import engines
from provenance.core.engines.local import LocalEngine
from provenance.pipeline.warm_up import compile_kernels

from .conftest import CARD, digests, lay, lines

STEPS = {"look_up", "compare_view", "match_exactly", "write_matches", "count_texts", "describe_texts", "locate_spans"}


class Killing(LocalEngine):
    """Kills every worker that is at work some time after a step began, once a step, unless the next has begun."""

    def __init__(self, chance):
        super().__init__(2, ready=compile_kernels)
        self.chance, self.waiting, self.killed, self.step = chance, set(STEPS), set(), ""

    def map(self, function, parts):
        self.step = name = function.__name__
        if name not in self.waiting or not parts:
            return super().map(function, parts)
        self.waiting.discard(name)
        threading.Timer(self.chance.uniform(0, 0.15), self.kill, [name]).start()
        return super().map(function, parts)

    def kill(self, name):
        for process in list(self._busy) if self.step == name else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                self.killed.add(name)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    chance = Random(5)  # noqa: S311 - for a repeatable corpus
    words = [f"w{number}" for number in range(300)]
    texts = [" ".join(chance.choices(words, k=60)) for _ in range(2000)]
    near = [f"{text} and some more" for text in texts[:500]]
    longer = [
        f"{' '.join(chance.choices(words, k=200))} {text}" for text in texts[:200]
    ]  # of which a finding quotes one
    return lay(
        tmp_path_factory.mktemp("corpus"),
        {
            "a/README.md": CARD,
            "a/x.jsonl": lines(*texts),
            "b/README.md": CARD.replace("mit", "cc-by-nc-4.0"),
            "b/y.jsonl": lines(*texts[:100], *near),
            "b/z.jsonl": lines(*longer),
        },
    )


@pytest.fixture(scope="module")
def reference(corpus):
    return digests(pv.scan(corpus, workers=2))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 20))])
def test_tables_are_the_same_whatever_was_killed_while_records_were_compared(corpus, reference, monkeypatch, seed):
    made = []

    def start(*_):
        made.append(Killing(Random(seed)))  # noqa: S311 - for repeatable instants
        return made[-1]

    monkeypatch.setattr(engines, "start", start)
    assert digests(pv.scan(corpus)) == reference
    print(f"\nkilled in: {sorted(made[0].killed)}")
    assert made[0].waiting <= {"look_up"}
