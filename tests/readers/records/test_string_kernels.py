"""Kernels on bytes: Python's codec, its own string hash and plain loops are the oracles."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.readers.records import string_kernels

BYTES = st.lists(
    st.sampled_from(
        [b"a", b"z", b'"', b"\\", b"\0", b"\x1f", b" ", b"\x7f", "é".encode(), "中文".encode(), "한".encode()]
    )
    | st.sampled_from(
        ["😀".encode(), b"\xed\xa0\x80", b"\xe0\x80\x80", b"\xe4\xb8", b"\xff", b"abcdefgh", b"\xef\xbf\xbd"]
    ),
    max_size=30,
).map(b"".join)


def array(data: bytes):
    return np.frombuffer(data, np.uint8)


@settings(deadline=None, max_examples=300)
@given(BYTES, st.integers(0, 9))
def test_the_first_odd_byte_is_found(data, start):
    odd = (k for k in range(start, len(data)) if not 32 <= data[k] < 128 or data[k] in b'"\\')
    assert string_kernels.skip_ascii(array(data), min(start, len(data)), len(data)) == min(
        next(odd, len(data)), len(data)
    )


@settings(deadline=None, max_examples=300)
@given(BYTES)
def test_text_is_valid_exactly_if_python_decodes_it(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        nul = b"\0" in data
        assert string_kernels.check_text(array(data), 0, len(data)) in (
            (string_kernels.ENCODING, string_kernels.NUL) if nul else (string_kernels.ENCODING,)
        )
    else:
        assert string_kernels.check_text(array(data), 0, len(data)) == (
            string_kernels.NUL if b"\0" in data else string_kernels.OK
        )


@settings(deadline=None, max_examples=300)
@given(BYTES)
def test_a_string_ends_at_its_quote(data):
    body = data.replace(b'"', b"").replace(b"\\", b"\\\\")
    end, error, flags = string_kernels.find_string_end(array(body + b'"x'), 0, len(body) + 2)
    try:
        clean = all(c >= " " for c in body.decode())
    except UnicodeDecodeError:
        clean = False
    assert (error == string_kernels.OK) == clean
    if clean:
        assert (end, flags) == (len(body), string_kernels.ESCAPED if b"\\" in body else 0)


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 7))
def test_a_copy_is_what_was_copied(data, at):
    out = np.zeros(at + len(data) + 1, np.uint8)
    assert string_kernels.copy_bytes(array(data), 0, len(data), out, at) == at + len(data)
    assert out.tobytes() == bytes(at) + data + b"\0"


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="this Python hashes strings by another function")
def test_names_are_hashed_by_siphash_as_python_hashes_its_own():
    texts = [bytes(range(k)) for k in range(1, 40)]
    code = f"print([hash(text) for text in {texts!r}])"
    environment = os.environ | {"PYTHONHASHSEED": "0"}  # key 0
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    zero = np.uint64(0)
    ours = [int(string_kernels.hash_bytes(array(text), 0, len(text), zero, zero)) for text in texts]
    assert [value - (1 << 64) if value >> 63 else value for value in ours] == eval(out.stdout)  # noqa: S307 - our own output
