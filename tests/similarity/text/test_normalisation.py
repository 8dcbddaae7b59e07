import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity.text import normalisation, shingles, unicode_tables
from provenance.similarity.text.normalisation import buffers, normalise
from provenance.similarity.text.reference_normalisation import normalise_reference

same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0", reason="the oracle is the standard library's Unicode 14.0.0 (Python 3.11)"
)


VERSIONS = pytest.mark.parametrize("version", unicode_tables.VERSIONS)
LEFT_OUT = frozenset(map(chr, unicode_tables.load_left_out()))


def normalised(texts, *, fold_chinese=False, version=2):
    data, offsets = normalise(pa.array(texts, pa.large_string()), fold_chinese=fold_chinese, version=version)
    joined = data.tobytes()
    return [joined[offsets[k] : offsets[k + 1]].decode() for k in range(len(texts))]


CONTEXTS = [("", ""), ("a", "\u0301"), ("a", "b"), ("가", "\u0323\u0301"), ("が ", "ᆨ")]


@same_unicode
@pytest.mark.parametrize(
    ("before", "after", "version"),
    [
        # each is all of Unicode again: the fast gate knows two contexts of what new scans use, the full one all
        pytest.param(*context, version, marks=() if version == 2 and number < 2 else pytest.mark.full)
        for version in unicode_tables.VERSIONS
        for number, context in enumerate(CONTEXTS)
    ],
)
def test_every_code_point_in_context_equals_the_definition(before, after, version):
    texts = [before + chr(code) + after for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    got = normalised(texts, version=version)
    wrong = [ascii(t) for t, each in zip(texts, got, strict=True) if each != normalise_reference(t, version=version)]
    assert wrong == []


marks = st.characters(min_codepoint=0x300, max_codepoint=0x345)
awkward = st.sampled_from("aeiouAEIOUß가나\u1100\u1161\u11a8が\u3099\u309a ﬁ中文ก\u0e34ẛİıΐﷺ，_\n")


characters = st.characters(exclude_categories=["Cs"])
displayed = st.sampled_from(
    "\ufe71\ufe77\ufe79\ufe7b\ufe7d\ufe7f\ufcf2\ufcf3\ufcf4\ufe70"
)  # what decomposes to a tatweel, and one that does not
unseen = st.sampled_from(sorted(LEFT_OUT)) | displayed


@same_unicode
@VERSIONS
@given(st.lists(st.text(st.one_of(characters, marks, awkward, unseen), max_size=60), max_size=8))
def test_any_text_equals_the_definition(version, texts):
    assert normalised(texts, version=version) == [normalise_reference(text, version=version) for text in texts]


@same_unicode
@given(st.text(st.one_of(characters, marks, awkward, unseen), max_size=60), st.booleans())
def test_version_2_is_version_1_of_the_nfkc_text_without_what_nobody_sees(text, fold):
    stripped = "".join(char for char in unicodedata.normalize("NFKC", text) if char not in LEFT_OUT)
    assert normalised([text], fold_chinese=fold) == normalised([stripped], fold_chinese=fold, version=1)


@given(st.text(st.one_of(characters, marks, awkward), max_size=60))
def test_both_versions_are_one_where_nothing_is_left_out(text):
    stripped = "".join(char for char in text if not LEFT_OUT & {*unicodedata.normalize("NFKC", char)})
    assert normalised([stripped]) == normalised([stripped], version=1)


def test_what_is_left_out_is_what_unicode_says():
    """Default_Ignorable_Code_Point of Unicode 14.0.0 has 4,174 code points; the tatweel is none of them."""
    assert len(LEFT_OUT) == 4174 + 1
    assert "\u0640" in LEFT_OUT
    assert not LEFT_OUT & set(map(chr, range(0xAD)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ha\u200brbour ma\u00adrket", "harbour market"),
        ("e\u200d\u0301", "é"),
        ("مرسـاة", "مرساة"),
        ("\u1100\u2060\u1161", "가"),
        ("\u200b", ""),
        ("a \u200b b", "a b"),
        ("\u200b\u0640a", "a"),
    ],
)
def test_invisible_characters_separate_nothing(text, expected):
    assert normalised([text]) == [expected]


def test_the_words_of_a_text_with_invisible_characters_are_found_in_it():
    text = "the ha\u200brbour\u00ad at ni\u2060ght".encode()
    data, tables = np.frombuffer(text, np.uint8), unicode_tables.load_tables()
    starts, stops = normalisation.locate_words(data, 0, len(data), 4, tables)
    words = [text[a:b].decode() for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    assert words == ["the", "ha\u200brbour\u00ad", "at", "ni\u2060ght"]


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


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("漢語和萬國碼，資料庫", "汉语和万国码：资料库"),
        ("乾坤", "干坤"),  # by character: 乾 is 乾 in this word
        ("後 皇后 裡 發 髮", "后 皇后 里 发 发"),
        ("\uf98d", "\u8f79"),  # a compatibility ideograph is its unified one first
        ("㍿, 第一章", "株式会社 第一章"),
        ("薴 苧", "苎 苎"),  # followed to its end: folding twice changes nothing
        ("Straße ＡＢＣ が", "strasse abc が"),
    ],
)
def test_traditional_characters_fold_to_simplified_ones(traditional, simplified):
    folded = normalised([traditional, simplified], fold_chinese=True)
    assert folded[0] == folded[1]
    assert folded == [normalise_reference(each, fold_chinese=True) for each in (traditional, simplified)]


def test_characters_that_are_no_chinese_and_texts_that_are_simplified_stay():
    texts = ["汉语 plain ascii 数据", "かな カナ ไทย", "É"]
    assert normalised(texts, fold_chinese=True) == normalised(texts)
    assert normalised(["漢"]) == ["漢"]  # unless it is asked for


@same_unicode
def test_every_chinese_code_point_folded_equals_the_definition():
    texts = [chr(code) for block in ((0x2E80, 0xA000), (0xF900, 0xFB00), (0x1F200, 0x32000)) for code in range(*block)]
    got = normalised(texts, fold_chinese=True)
    wrong = [ascii(t) for t, g in zip(texts, got, strict=True) if g != normalise_reference(t, fold_chinese=True)]
    assert wrong == []


def test_the_chinese_table_is_opencc_s_character_by_character():
    """The oracle is the package that the table was built from; a chain (薴 -> 苧 -> 苎) is followed to its end."""
    converter = pytest.importorskip("opencc").OpenCC("t2s")
    table = unicode_tables.load_chinese_folding()
    assert len(table) > 4000
    one_step = {code: converter.convert(chr(code)) for code in table}
    wrong = {chr(code): to for code, to in one_step.items() if table.get(ord(to), ord(to)) != table[code]}
    assert wrong == {}


def test_what_was_folded_has_another_name():
    column, rows = pa.array(["漢語"], pa.large_string()), pa.array([0])
    plain, folded = (shingles.shingle_texts(column, rows, fold_chinese=each).nodes for each in (False, True))
    assert plain.schema.metadata[b"shingle"].decode() == shingles.SHINGLE
    assert folded.schema.metadata[b"shingle"].decode() == f"{shingles.SHINGLE} + {normalisation.CHINESE}"
    assert plain["low"] != folded["low"]
