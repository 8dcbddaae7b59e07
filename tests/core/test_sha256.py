"""The kernel of SHA-256 against hashlib, with the processor's instructions and without."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import sha256

WAYS = [sha256.compress_portable] + [sha256.compress_hardware] * sha256.HARDWARE
EDGES = [0, 1, 3, 4, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129, 1000]


def through_blocks(blocks, message):
    padded = message + b"\x80" + bytes(-(len(message) + 9) % 64) + (8 * len(message)).to_bytes(8, "big")
    state = sha256.INITIAL_STATE.copy()
    blocks(state, np.frombuffer(padded, np.uint8), 0, len(padded) // 64)
    return state.astype(">u4").tobytes()


def through_digest(message, before=b""):
    out = np.full(40, 7, np.uint8)
    data = np.frombuffer(before + message + b"behind", np.uint8)
    state, buf = np.empty(8, np.uint32), np.empty(128, np.uint8)
    sha256.write_digest(data, len(before), len(before) + len(message), state, buf, out, 3)
    assert (out[:3] == 7).all()
    assert (out[35:] == 7).all()
    return out[3:35].tobytes()


@pytest.mark.parametrize("blocks", WAYS)
@pytest.mark.parametrize("length", EDGES)
def test_blocks_are_those_of_hashlib_around_every_edge(blocks, length):
    for filled in (b"\0", b"\xff", b"a"):
        assert through_blocks(blocks, filled * length) == hashlib.sha256(filled * length).digest()


@given(st.binary(max_size=300))
def test_blocks_are_those_of_hashlib(message):
    assert {through_blocks(blocks, message) for blocks in WAYS} == {hashlib.sha256(message).digest()}


RUNS = st.one_of(st.binary(max_size=300), st.sampled_from(EDGES).map(b"m".__mul__))


@given(RUNS, st.binary(max_size=70))
def test_a_run_of_bytes_has_the_digest_of_hashlib_wherever_it_stands(message, before):
    assert through_digest(message, before) == hashlib.sha256(message).digest()


def test_a_state_goes_on_where_it_was_left():
    message = bytes(range(256)) * 3
    state, data = sha256.INITIAL_STATE.copy(), np.frombuffer(message, np.uint8)
    for at, count in ((0, 1), (64, 0), (64, 5), (384, 6)):
        sha256.compress_blocks(state, data, at, count)
    buf = np.zeros(128, np.uint8)
    sha256.finish_state(state, buf, 0, len(message))
    out = np.empty(32, np.uint8)
    sha256.write_state(state, out, 0)
    assert out.tobytes() == hashlib.sha256(message).digest()


@pytest.mark.full
def test_more_than_four_gigabits_are_counted():
    size = (1 << 29) + 5
    data = np.zeros(size, np.uint8)
    out = np.empty(32, np.uint8)
    sha256.write_digest(data, 0, size, np.empty(8, np.uint32), np.empty(128, np.uint8), out, 0)
    assert out.tobytes() == hashlib.sha256(data).digest()


def test_instructions_are_not_used_where_numba_compiles_for_another_machine(monkeypatch):
    monkeypatch.setattr(sha256.config, "CPU_NAME", "generic")
    assert not sha256._instructions()
    monkeypatch.setattr(sha256.config, "CPU_NAME", None)
    monkeypatch.setattr(sha256.config, "CPU_FEATURES", "+sse2")
    assert not sha256._instructions()


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"sha": True, "ssse3": True, "sse4.1": True}, True),
        ({"sha": False, "ssse3": True, "sse4.1": True}, False),
        ({}, False),
    ],
)
def test_instructions_are_used_where_the_processor_has_them(monkeypatch, features, expected):
    monkeypatch.setattr(sha256.config, "CPU_NAME", None)
    monkeypatch.setattr(sha256.config, "CPU_FEATURES", None)
    monkeypatch.setattr(sha256.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(sha256.binding, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    assert sha256._instructions() is expected
    monkeypatch.setattr(sha256.binding, "get_process_triple", lambda: "aarch64-apple-darwin")
    assert not sha256._instructions()
