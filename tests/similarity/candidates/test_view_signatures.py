"""Views that are cut together, against each of them cut by itself."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.candidates import minhash, view_signatures
from provenance.similarity.text import shingles

TEXT = st.text(st.sampled_from("ab \u0301\u0323中é,\n\u1161ﬁ.漢"), max_size=40)
RECORD = st.one_of(
    st.tuples(TEXT, TEXT).map(lambda each: ("\n".join(each), *each)),
    st.tuples(TEXT, TEXT, TEXT),
    TEXT.map(lambda each: (each, None, None)),
    st.just((None, None, None)),
    st.tuples(st.integers(0, 12), st.integers(0, 12)).map(
        lambda counts: ("\n".join(words := [" ".join(f"w{k}" for k in range(n)) for n in counts]), *words)
    ),
)


def columns(records):
    return [pa.array([record[k] for record in records], pa.large_string()) for k in range(3)]


def same(found, expected):
    assert found.nodes.equals(expected.nodes)
    assert found.values.tolist() == expected.values.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()


@given(st.lists(RECORD, max_size=12), st.booleans())
def test_together_is_as_one_by_one(records, folded):
    views, rows = columns(records), pa.array(range(7, 7 + len(records)), pa.int64())
    cut = view_signatures.shingle_views(*views, rows, fold_chinese=folded)
    for found, signed, view in zip(cut.views, view_signatures.sign_views(cut), views, strict=True):
        expected = shingles.shingle_texts(view, rows, fold_chinese=folded)
        same(found, expected)
        assert signed.tolist() == minhash.sign_sets(expected.values, expected.offsets).tolist()


@pytest.mark.parametrize("counts", [(5, 5), (4, 5), (5, 4), (6, 5), (1, 1), (30, 2), (2, 30), (400, 300)])
def test_parts_of_so_many_words(counts):
    prompt, answer = (" ".join(f"{side}{k}" for k in range(count)) for side, count in zip("pa", counts, strict=True))
    views = columns([(f"{prompt}\n{answer}", prompt, answer)] * 3)
    rows = pa.array(range(3), pa.int64())
    cut = view_signatures.shingle_views(*views, rows)
    for found, signed, view in zip(cut.views, view_signatures.sign_views(cut), views, strict=True):
        same(found, shingles.shingle_texts(view, rows))
        assert signed.tolist() == minhash.sign_sets(found.values, found.offsets).tolist()
    assert (cut.prompt_place >= 0).all() == (
        min(counts) >= shingles.WORDS_PER_SHINGLE
    )  # a part of fewer words has a shingle of its own
    assert view_signatures._is_prompt_and_answer(
        *(each for view in views for each in view_signatures.buffers(view))
    ).all()


def test_long_records_are_cut_one_view_after_the_other(monkeypatch):
    views = columns([("one two three four five\nsix seven", "one two three four five", "six seven"), ("a", None, None)])
    rows = pa.array(range(2), pa.int64())
    together = list(view_signatures.cut_and_sign(*views, rows))
    monkeypatch.setattr(view_signatures, "_LONG", 1)
    monkeypatch.setattr(view_signatures, "shingle_views", None)  # the union, which holds all of them at once
    apart = view_signatures.cut_and_sign(*views, rows)
    for (one, signed), (other, expected) in zip(apart, together, strict=True):
        same(one, other)
        assert signed.tolist() == expected.tolist()


def test_slices_are_read_where_they_begin():
    views = columns([("x\ny", "x", "y"), ("one two\nthree", "one two", "three"), ("z", None, None)])
    rows = pa.array(range(3), pa.int64())
    whole = view_signatures.shingle_views(*(view.slice(1) for view in views), rows.slice(1))
    for found, view in zip(whole.views, views, strict=True):
        same(found, shingles.shingle_texts(view.slice(1), rows.slice(1)))
