"""Personal data against its table of cases, against python-stdnum, and against what must hold of any text."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.cn import ric

from provenance import detectors
from provenance.core import schemas
from provenance.core.package_data import DATA_FOLDER
from provenance.detectors import personal_data
from provenance.detectors.personal_data import KINDS, STATES, find_values, mask_values, observe

TABLE = yaml.safe_load(Path(__file__).with_name("personal-data.yaml").read_text("utf-8"))
CASES = [(text, expected) for cases in TABLE.values() for text, *expected in cases]
KNOWN = yaml.safe_load((DATA_FOLDER / "personal-data.yaml").read_text("utf-8"))
MARK = re.compile("⟦([^⟧]*)⟧")

# pieces of which texts are made that come as near to values as possible
PIECES = st.sampled_from(
    [MARK.sub(r"\1", text) for text, _ in CASES]
    + [value for text, _ in CASES for value in MARK.findall(text)]
    + [*"0123456789@.+-:/()[] \n,=", "号", "电话", "a", "DE", "info", ".com", "+86 ", "2001:"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def batch(*texts, row=0):
    rows = [{"row": row + place, "whole": text} for place, text in enumerate(texts)]
    return pa.RecordBatch.from_pylist(rows, schema=schemas.RECORDS)


def seen(*texts, row=0):
    table = observe(batch(*texts, row=row))
    return {(each["kind"], each["state"]): each for each in table.to_pylist()}


def found(text):
    held = text.encode()
    return [(held[value.start : value.end].decode(), f"{value.kind}/{value.state}") for value in find_values(held)]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text[:60] for text, _ in CASES])
def test_cases(text, expected):
    assert found(MARK.sub(r"\1", text)) == list(zip(MARK.findall(text), expected, strict=True))


def test_every_kind_and_state_has_cases_and_every_kind_a_clean_one():
    named = {expected for _, states in CASES for expected in states}
    assert {name.split("/")[0] for name in named} == set(KINDS) == set(TABLE)
    assert {name.split("/")[1] for name in named} == set(STATES)
    assert all(any(len(case) == 1 for case in cases) for cases in TABLE.values())


def test_counts_are_of_records_values_and_bytes():
    texts = [
        None,
        "anna.berg@uni-ulm.de, bert.berg@uni-ulm.de",
        "",
        "x@example.org",
        "+49 731 1234098 ernst@uni-ulm.de",
    ]
    table = seen(*texts, row=70)
    counted = {key: (row["records"], row["values"], row["bytes"], row["row"]) for key, row in table.items()}
    one, two, nobody = (len(texts[place]) for place in (1, 4, 3))
    assert counted == {
        ("email", "personal"): (2, 3, one + two, 71),
        ("email", "example"): (1, 1, nobody, 73),
        ("phone", "personal"): (1, 1, two, 74),
        ("any", "personal"): (2, 4, one + two, 71),
    }


def test_nothing_is_seen_across_two_records():
    assert seen("anna.berg@uni-ulm", ".de", "+49 731", " 1234098", "+", "4917612340981") == {}
    assert seen("x", "anna.berg@uni-ulm.de", "17")["email", "personal"]["row"] == 1


def test_a_slice_of_a_batch_is_counted_by_its_own_rows():
    whole = batch("anna.berg@uni-ulm.de", "nothing", "+49 731 1234098 and anna.berg@uni-ulm.de", "x")
    table = observe(whole.slice(1, 2)).to_pylist()
    assert {(row["kind"], row["row"], row["records"]) for row in table} == {
        ("phone", 2, 1),
        ("email", 2, 1),
        ("any", 2, 1),
    }


@given(st.lists(TEXTS | st.none(), max_size=6), st.integers(0, 6))
def test_batches_may_be_cut_anywhere(texts, cut):
    whole = batch(*texts)
    parts = detectors.add_batches([observe(whole.slice(0, cut)), observe(whole.slice(cut))])
    assert parts.equals(detectors.add_batches([observe(whole)]))


@given(TEXTS)
def test_values_stand_in_order_on_characters_and_do_not_overlap(text):
    held = text.encode()
    values = list(find_values(held))
    assert all(a.end <= b.start for a, b in pairwise(values))
    for value in values:
        assert held[value.start : value.end].decode("ascii").strip() == held[value.start : value.end].decode()


@given(TEXTS)
def test_nothing_is_left_after_masking(text):
    masked = mask_values(text)
    assert found(masked) == []
    assert bool(found(text)) == (masked != text)


def test_masking_names_the_kind_and_leaves_the_rest():
    said = "Ring +49 731 1234098 or write to info@stadt-ulm.de, x@example.org; 身份证110105194903072832号"
    assert mask_values(said) == "Ring [phone] or write to [email], [email]; 身份证[cn-resident-id]号"
    assert mask_values("\ud800 a@uni-ulm.de") == "\ud800 [email]"


def test_a_mention_keeps_no_text():
    table = observe(batch("anna.berg@uni-ulm.de called +49 731 1234098"))
    assert "ulm" not in str(table.to_pylist())
    assert {name for name in table.schema.names if table[name].type == pa.string()} == {"detector", "kind", "state"}


@pytest.mark.parametrize("country", KNOWN["iban"]["structures"])
def test_iban_structures_are_those_of_the_registry(country):
    """Oracle: python-stdnum's copy of the registry takes and refuses the same numbers."""
    shape = KNOWN["iban"]["structures"][country]
    account = "".join(
        {"n": "7", "a": "Q", "c": "X"}[kind] * int(count) for kind, count in re.findall("([nac])([0-9]+)", shape)
    )
    for body in (account, account + "7", account[:-1]):
        number = country + iban.calc_check_digits(country + "00" + body) + body
        assert [kind for _, kind in found(f"x {number}.")] == (
            ["iban/personal"] if iban.is_valid(number, check_country=False) else []
        )


@pytest.mark.parametrize("number", KNOWN["iban"]["examples"])
def test_iban_examples_are_valid_and_known_in_both_writings(number):
    paper = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    assert iban.is_valid(number, check_country=False)
    assert found(f"{number}; {paper}.") == [(number, "iban/example"), (paper, "iban/example")]


@given(st.sampled_from(["DE", "FR", "NO", "GB", "MT", "AT"]), st.text("0123456789ABCD", min_size=10, max_size=31))
def test_iban_agrees_with_python_stdnum(country, rest):
    number = country + rest
    assert bool(found(number)) == iban.is_valid(number, check_country=False)


@pytest.mark.parametrize("number", KNOWN["payment-card"]["examples"])
def test_card_examples_are_valid_and_known(number):
    assert luhn.is_valid(number)
    assert found(f"({number})") == [(number, "payment-card/example")]


@given(st.text("0123456789", min_size=15, max_size=15).map(lambda rest: "4" + rest))
def test_cards_agree_with_luhn(number):
    assert [kind.split("/")[0] for _, kind in found(number)] == ["payment-card"] * luhn.is_valid(number)


@given(
    st.dates(date(1000, 1, 1)),
    st.sampled_from(KNOWN["cn-resident-id"]["provinces"]),
    st.integers(0, 999),
    st.sampled_from("0123456789X"),
)
def test_resident_ids_agree_with_python_stdnum(born, province, sequence, check):
    number = f"{province}0101{born:%Y%m%d}{sequence:03d}{check}"
    expected = ric.calc_check_digit(number) == check and 1880 <= born.year < 2040
    assert bool(found(number)) == (expected and number[0] != "0")


def test_a_resident_id_of_the_future_is_nobodys():
    number = next(f"11010120990307283{c}" for c in "0123456789X" if ric.calc_check_digit(f"11010120990307283{c}") == c)
    assert found(number) == []


@pytest.mark.parametrize(
    "text", ["a@" * 50_000, "1" * 200_000, "+1 " * 50_000, "a" * 500_000 + "@", "4111 " * 40_000, "2001:" * 40_000]
)
def test_hostile_text_takes_no_longer_than_its_length(text):
    """A shape is bounded or ends in one pass: what the words of the text cost together is counted, not timed."""
    calls = 0
    pattern = personal_data._compile_shapes()

    class Counting:
        def search(self, held, at):
            nonlocal calls
            calls += 1
            return pattern.search(held, at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(personal_data, "_compile_shapes", Counting)
        list(find_values(text.encode()))
    assert calls <= len(text) / 3 + 2


@pytest.mark.parametrize("together", [1, 40, 200])
def test_texts_are_searched_a_part_at_a_time(monkeypatch, together):
    """A long text is searched where it stands, and what is found is counted at its record all the same."""
    texts = batch(*(MARK.sub(r"\1", text) for text, _ in CASES[:60]), "", *(["nobody@nowhere.org"] * 5), row=7)
    expected = observe(texts)
    monkeypatch.setattr(personal_data, "_BYTES_TOGETHER", together)
    monkeypatch.setattr(personal_data, "_PLACES_HELD", 2)
    assert expected.num_rows > 5
    assert observe(texts).equals(expected)
    assert observe(texts.slice(3)).equals(observe(pa.RecordBatch.from_pylist(texts.slice(3).to_pylist(), texts.schema)))
