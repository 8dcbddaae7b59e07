"""Text: passages, their offsets, and what is no UTF-8."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.readers.records import column_roles, text
from provenance.readers.records.tally import Tally
from provenance.readers.storage import Limits, Stream


def rows(data, batch=1 << 20):
    tally = Tally()
    out = [
        row
        for each in text.read(Stream(io.BytesIO(data)), tally, Limits(batch_bytes=batch), column_roles.load_roles())
        for row in each.to_pylist()
    ]
    assert [row["row"] for row in out] == list(range(tally.records))
    return out, tally


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"one\ntwo\n\nthree\n", [(0, "one\ntwo"), (9, "three")]),
        (b"\n\n  one\n \t\ntwo", [(4, "one"), (11, "two")]),
        (b"one\r\n\r\ntwo\r\n", [(0, "one"), (7, "two")]),
        (b"\xef\xbb\xbfone", [(3, "one")]),
        (b"", []),
        (b" \n \n", []),
        (b"one\n\n\xff\xfe\n\ntwo", [(0, "one"), (5, None), (9, "two")]),
        ("eins zwei dr\u00e4".encode()[:-1], [(0, "eins zwei dr"), (12, None)]),
        ("one\n\n\u4e2d\u6587".encode()[:-1], [(0, "one"), (5, "\u4e2d"), (8, None)]),
        (b"one\n\ntwo\xe4 three\xe4", [(0, "one"), (5, None)]),
        (b"one\n\na\0b\n\ntwo", [(0, "one"), (5, None), (10, "two")]),
    ],
)
@pytest.mark.parametrize("batch", [1, 3, 1 << 20])
def test_passages(data, found, batch):
    out, tally = rows(data, batch)
    assert [(row["offset"], row["whole"]) for row in out] == found
    assert [row["error"] is not None for row in out] == [whole is None for _, whole in found]
    assert all(row["prompt"] is None for row in out)
    assert (tally.skipped > 0) == any(whole is None for _, whole in found)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab \n\t中é"), max_size=200), st.integers(1, 50))
def test_nothing_but_white_space_is_lost(content, batch):
    data = content.encode()
    out, _ = rows(data, batch)
    assert "".join("".join(row["whole"] for row in out).split()) == "".join(content.split())
    for row in out:
        assert data[row["offset"] :].startswith(row["whole"].encode())
    assert out == rows(data)[0]


@pytest.mark.parametrize("character", ["a", "é", "中", "😀"])
@pytest.mark.parametrize("batch", [1000, 1 << 20])
def test_long_passages_are_cut_between_characters(character, batch):
    content = character * 200_000
    out, tally = rows(content.encode(), batch)
    assert "".join(row["whole"] for row in out) == content
    assert all(text.PASSAGE_BYTES - 4 < len(row["whole"].encode()) <= text.PASSAGE_BYTES for row in out[:-1])
    assert tally.unreadable == 0


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_raise(data, batch):
    _, tally = rows(data, batch)
    assert 0 <= tally.skipped <= len(data)
