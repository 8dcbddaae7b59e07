import sys
import unicodedata
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.text import buffers, normalise, normalise_reference

same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="the oracle is the standard library's Unicode 14.0.0 (Python 3.11)"
)


def normalised(texts):
    data, offsets = normalise(pa.array(texts, pa.large_string()))
    joined = data.tobytes()
    return [joined[offsets[k] : offsets[k + 1]].decode() for k in range(len(texts))]


@same_unicode
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("a", "\u0301"),
        # each is all of Unicode again: the fast gate knows two contexts, the full one all five
        *(pytest.param(*each, marks=pytest.mark.full) for each in [("a", "b"), ("가", "\u0323\u0301"), ("が ", "ᆨ")]),
    ],
)
def test_every_code_point_in_context_equals_the_definition(before, after):
    texts = [before + chr(code) + after for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    wrong = [ascii(t) for t, got in zip(texts, normalised(texts), strict=True) if got != normalise_reference(t)]
    assert wrong == []


marks = st.characters(min_codepoint=0x300, max_codepoint=0x345)
awkward = st.sampled_from("aeiouAEIOUß가나\u1100\u1161\u11a8が\u3099\u309a ﬁ中文ก\u0e34ẛİıΐﷺ，_\n")


@same_unicode
@given(st.lists(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), marks, awkward), max_size=60), max_size=8))
def test_any_text_equals_the_definition(texts):
    assert normalised(texts) == [normalise_reference(text) for text in texts]


@pytest.mark.parametrize("count", [1, 2, 50, 200_000])
def test_a_long_run_of_marks_is_ordered_in_linear_time(count):
    # sorting 600,000 marks by insertion, as CPython's unicodedata does, takes minutes
    expected = "ạ" + "\u0334" * count + "\u0323" * (count - 1) + "\u0301" * count
    if count < 100:
        assert unicodedata.normalize("NFKC", "a" + "\u0323\u0301\u0334" * count) == expected
    assert normalised(["a" + "\u0323\u0301\u0334" * count]) == [expected]


def test_a_text_that_grows_eighteenfold_finds_room():
    assert normalised(["ﷺ" * 5000]) == ["صلى الله عليه وسلمصلى" + " الله عليه وسلمصلى" * 4998 + " الله عليه وسلم"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", None, "Y z"], pa.large_string()),
        pa.array(["skip", "x", None, "Y z", "skip"], pa.large_string()).slice(1, 3),
    ],
)
def test_nulls_are_empty_and_slices_are_read_in_place(column):
    data, offsets = normalise(column)
    assert [data.tobytes()[a:b] for a, b in pairwise(offsets)] == [b"x", b"", b"y z"]


@pytest.mark.parametrize("texts", [[], [""], [None], ["", ""]])
def test_nothing_is_nothing(texts):
    data, offsets = normalise(pa.array(texts, pa.large_string()))
    assert data.size == 0
    assert offsets.tolist() == [0] * (len(texts) + 1)


def test_buffers_copies_nothing():
    column = pa.array(["abc", "de"], pa.large_string())
    data, _ = buffers(column)
    assert data.ctypes.data == column.buffers()[2].address
