"""SipHash-2-4 against the vectors of its authors' reference implementation, and the kernel against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.index.siphash import KEY_BYTES, siphash, siphash_reference

COUNTING = bytes(range(KEY_BYTES))  # the vectors' key; their messages are 00, 00 01, 00 01 02, ...
VECTORS = [
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785", "b7877127e09427cf",
    "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593", "b0e4a90bdf82009e",
]  # fmt: skip


def test_the_definition_is_that_of_the_published_vectors():
    for length, vector in enumerate(VECTORS):
        assert siphash_reference(COUNTING, bytes(range(length))).to_bytes(8, "little").hex() == vector
    assert siphash_reference(COUNTING, bytes(range(15))) == 0xA129CA6149BE45E5  # the paper's own, appendix A


def test_the_kernel_has_the_published_vector_of_eight_bytes():
    message = np.frombuffer(bytes(range(8)), "<u8").astype(np.uint64)
    assert int(siphash(message, COUNTING)[0]).to_bytes(8, "little").hex() == VECTORS[8]


@given(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_the_kernel_is_the_definition(key, values):
    found = siphash(np.array(values, np.uint64), key)
    assert found.tolist() == [siphash_reference(key, value.to_bytes(8, "little")) for value in values]
