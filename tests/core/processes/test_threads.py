"""Threads answer every part once, and raise what a function raises."""

import pytest

from provenance.core.processes.threads import Threads


@pytest.mark.parametrize("workers", [1, 3])
def test_every_part_is_answered_once(workers):
    assert sorted(Threads(workers).map(hex, range(50))) == [(k, hex(k)) for k in range(50)]
    assert list(Threads(workers).map(hex, [])) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_what_a_function_raises_is_raised_as_it_was(workers):
    with pytest.raises(ValueError, match="invalid literal"):
        list(Threads(workers).map(int, ["1", "x", "2"]))
