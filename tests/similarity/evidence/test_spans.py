"""Where texts stand in longer ones: what the bytes found normalise to must be the text."""

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.evidence import spans
from provenance.similarity.text import normalisation, unicode_tables
from provenance.similarity.text.normalisation import normalise
from provenance.similarity.text.reference_normalisation import normalise_reference

TEXTS = st.text(
    st.sampled_from("ab cé\u0301ﬁß\u1100\u1161\u11a8中文，.ﷺ\u0e01\u0e33İ½\n \u200b🙂Å\u0323"), min_size=0, max_size=60
)


def words_of(text):
    data, _ = normalise(pa.array([text], pa.large_string()))
    return bytes(data).decode().split(" ") if len(data) else []


@given(TEXTS)
def test_words_are_where_the_trace_says(text):
    words, raw = words_of(text), np.frombuffer(text.encode(), np.uint8)
    starts, stops = normalisation.locate_words(raw, 0, len(raw), len(words), unicode_tables.load_tables())
    assert len(starts) == len(stops) == len(words)
    assert (starts < stops).all()
    assert (np.diff(starts) >= 0).all()
    for k in range(len(words)):
        for j in range(k, len(words)):
            # what folds to several words at once, as one half, belongs to all of them
            held = words_of(bytes(raw[starts[k] : stops[j]]).decode())
            assert " ".join(words[k : j + 1]) in " ".join(held)
            if (k == 0 or stops[k - 1] <= starts[k]) and (j + 1 == len(words) or stops[j] <= starts[j + 1]):
                assert held == words[k : j + 1]


@pytest.mark.parametrize("unit", ["ﷺ\u0301", "a" + "\u0301" * 4000 + " ", "\u1e9e "])
def test_texts_that_grow_a_lot_are_traced(unit):
    text = unit * 300
    words, raw = words_of(text), np.frombuffer(text.encode(), np.uint8)
    starts, stops = normalisation.locate_words(raw, 0, len(raw), len(words), unicode_tables.load_tables())
    assert (starts < stops).all()
    assert stops[-1] >= len(raw) - 1


def shorter(texts):
    return spans.ShorterTexts.from_texts(pa.array(texts, pa.large_string()))


def find(longer, texts):
    """Where texts stand in one longer text."""
    return spans.find_texts(pa.array([longer], pa.large_string()), np.zeros(len(texts), np.int64), shorter(texts))


LONG = "  One, two — three; four\n(FIVE) six seven eight nine. Ten eleven twelve!  "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two three four five six seven eight nine", "two — three; four\n(FIVE) six seven eight nine"),
        ("one two three four five six seven eight", "One, two — three; four\n(FIVE) six seven eight"),
        ("five six seven eight nine ten eleven twelve", "FIVE) six seven eight nine. Ten eleven twelve"),
        (LONG, LONG.strip(" !")),
        ("two three four five six seven eight ten", None),
        ("nine ten eleven twelve one two three four", None),
    ],
    ids=["middle", "begin", "end", "all", "other words", "in pieces"],
)
def test_the_bytes_of_a_text(text, expected):
    start, stop = find(LONG, [text])
    held = LONG.encode()[start[0] : stop[0]].decode() if start[0] >= 0 else None
    assert held == expected


def test_chinese_is_found_by_bytes():
    longer = "序：春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。（孟浩然）"
    start, stop = find(longer, ["处处闻啼鸟夜来风雨声"])
    assert longer.encode()[start[0] : stop[0]].decode() == "处处闻啼鸟。夜来风雨声"


@given(
    st.lists(st.sampled_from(["a", "b", "C", "é", "中", "x1"]), min_size=5, max_size=60),
    st.data(),
    st.sampled_from([" ", ", ", "\n", " — "]),
)
def test_every_run_of_words_is_found_somewhere(words, data, between):
    first = data.draw(st.integers(0, len(words) - 5))
    last = data.draw(st.integers(first + 5, len(words)))
    longer, text = between.join(words), " ".join(words[first:last])
    start, stop = find(longer, [text])
    found = longer.encode()[start[0] : stop[0]].decode()
    assert normalise_reference(found) == normalise_reference(text)


def test_a_text_that_repeats_itself_costs_no_more_than_its_tries():
    longer = "a b c d e " * 20_000
    text = "a b c d e " * 10_000 + "f"
    start, _ = find(longer, [text])
    assert start.tolist() == [-1]


def test_many_texts_in_a_long_one_cost_what_they_are_long():
    """Every sentence of a book: to go through the book for each took minutes."""
    texts = [" ".join(f"w{k * 7919 % 300_007}" for k in range(at, at + 10)) for at in range(0, 300_000, 10)]
    find("a b c d e f", ["a b c d e"])  # what is compiled once is not what is measured
    longer, before = ". ".join(texts), time.process_time()
    start, stop = find(longer, texts)
    assert time.process_time() - before < 20
    at = np.cumsum([0, *(len(text) + 2 for text in texts[:-1])])
    assert start.tolist() == at.tolist()
    assert (stop - start).tolist() == [len(text) for text in texts]


@given(st.lists(st.sampled_from("abcdef"), min_size=5, max_size=80), st.lists(st.sampled_from("abcdef"), min_size=5))
def test_a_text_is_found_where_it_stands_first_or_not_at_all(longer, text):
    start, stop = find(" ".join(longer), [" ".join(text)])
    first = next((at for at in range(len(longer)) if longer[at : at + len(text)] == text), None)
    assert start[0] == (-1 if first is None else 2 * first)
    assert stop[0] == (-1 if first is None else 2 * (first + len(text)) - 1)


@given(
    st.lists(
        st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "C,", "é", "中", "x1"]), max_size=30).map(" ".join)),
        max_size=6,
    ),
    st.lists(st.lists(st.sampled_from("ab"), min_size=5, max_size=9).map(" ".join), max_size=4),
    st.data(),
)
def test_a_batch_says_what_each_record_says_alone(records, texts, data):
    longer = pa.array(["skipped", *records], pa.large_string())[1:]  # a slice: offsets need not begin at 0
    record = sorted(data.draw(st.integers(0, len(records) - 1)) for _ in texts) if records else []
    texts = texts[: len(record)]
    start, stop = spans.find_texts(longer, np.array(record, np.int64), shorter(texts))
    for number, text, *found in zip(record, texts, start.tolist(), stop.tolist(), strict=True):
        assert found == [int(each[0]) for each in find(records[number] or "", [text])]
