"""JSON: Python's json is the oracle for what is valid and for what a record says."""

import io
import json as oracle
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.readers.records import column_roles, json, json_buffers, json_documents, json_kernel
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, Limits, Stream

ROLES = column_roles.load_roles()


def rows(data: bytes, limits=LIMITS, *, lines=False):
    tally = Tally()
    reader = json.read_lines if lines else json.read
    batches = list(reader(Stream(io.BytesIO(data)), tally, limits, ROLES))
    out = [row for batch in batches for row in batch.to_pylist()]
    assert [row["row"] for row in out] == list(range(tally.records))
    assert sum(row["error"] is not None for row in out) == tally.unreadable
    return out, tally


def strict(text: bytes):
    def refuse(name):
        raise ValueError(name)

    return oracle.loads(text.decode("utf-8"), parse_constant=refuse)


def said(value, *, meta=frozenset()):
    """The strings of a value without roles that hold a letter, in order of appearance, last of repeated keys."""
    if isinstance(value, str):
        return [value] if any(c.isalpha() for c in value) else []
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in said(child)]


# Letters that this package's table of letters and Python's agree on; keys without a role (zz...) below an object.
TEXT = st.text(st.sampled_from('abcXYZ \n\t\\"/éß中文字한글😀0189{}[],:\u2028\x01\x7f'), max_size=20)
KEYS = st.integers(0, 50).map(lambda number: f"zz{number}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda child: st.lists(child, max_size=5) | st.dictionaries(KEYS, child, max_size=5),
    max_leaves=20,
)
RECORDS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=8), st.booleans(), st.sampled_from([None, 1, "\t"]), st.integers(1, 200))
def test_an_array_says_what_python_reads(records, ascii_, indent, batch):
    data = oracle.dumps(records, ensure_ascii=ascii_, indent=indent).encode()
    out, tally = rows(data, Limits(batch_bytes=batch))
    assert [row["whole"] for row in out] == ["\n".join(said(record)) or None for record in records]
    assert (tally.skipped, tally.unreadable) == (0, 0)


@settings(deadline=None)
@given(
    st.lists(RECORDS, min_size=2, max_size=8),
    st.booleans(),
    st.integers(1, 200),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_lines_say_what_python_reads(records, ascii_, batch, newline):
    data = newline.join(oracle.dumps(record, ensure_ascii=ascii_) for record in records).encode()
    out, _ = rows(data, Limits(batch_bytes=batch))
    assert [row["whole"] for row in out] == ["\n".join(said(record)) or None for record in records]


@settings(deadline=None, max_examples=500)
@given(
    VALUES,
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255), st.sampled_from("rid")), max_size=3),
)
def test_a_line_is_valid_exactly_if_python_says_so(value, ascii_, mutations):
    line = bytearray(oracle.dumps(value, ensure_ascii=ascii_).encode())
    for place, byte, how in mutations:
        at = place % (len(line) + 1)
        line[at : at + (how != "i")] = b"" if how == "d" else bytes([byte])
    line = bytes(line).replace(b"\n", b" ").strip(b" \t\r")
    if not line:
        return
    try:
        expected = strict(line)
    except (ValueError, RecursionError):
        expected = None
        valid = False
    else:
        valid = True
    out, tally = rows(line + b"\n" + b"{}\n", lines=True)
    assert [row["error"] is None for row in out] == [valid, True]
    assert tally.skipped == (0 if valid else len(line))
    if valid and isinstance(expected, dict) and not _odd(expected):
        assert out[0]["whole"] == ("\n".join(said(expected)) or None)


def _odd(value):
    """Mutations may make keys with a role, or lone surrogates."""
    if isinstance(value, dict):
        return any(
            ROLES.find_role(key)[0] >= 0 or ROLES.find_role(key)[2] >= 0 or _odd(each) for key, each in value.items()
        )
    if isinstance(value, list):
        return any(_odd(each) for each in value)
    return isinstance(value, str) and not set(value) <= set('abcXYZ \n\t\\"/éß中文字한글😀0189{}[],:\u2028\x01\x7f')


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "1.5e+3",
        "1E5",
        "-12.0",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "1e+",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "tru",
        "true",
        "nul",
        "null",
        "falsee",
        '"\\x"',
        '"\\u12G4"',
        '"\\u00e9"',
        '"\t"',
        "[1,]",
        "[,]",
        '{"a":1,}',
        '{"a" 1}',
        "{1:2}",
        "[1 2]",
        "[]",
        "{}",
        '{"a":[{}]}',
        "]",
        "}",
        '"',
        "'a'",
    ],
)
def test_grammar(text):
    try:
        strict(text.encode())
        valid = True
    except ValueError:
        valid = False
    out, _ = rows(text.encode() + b"\n{}\n", lines=True)
    assert (out[0]["error"] is None) == valid


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": "\xff"}', "invalid UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "invalid UTF-8"),  # a surrogate as UTF-8
        (b'{"text": "\xc0\xaf"}', "invalid UTF-8"),  # overlong
        (b'{"text": "\xf4\x90\x80\x80"}', "invalid UTF-8"),  # above U+10FFFF
        (b'{"text": "a\0b"}', "NUL byte"),
        (b'\0{"text": "a"}', "NUL byte"),
        (b'{"text": "a"', "not valid JSON"),
        (b"[" * 600 + b"]" * 600, "nested too deeply"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"text": "' + b"x" * 2000 + b'"}', "larger than the record limit"),
    ],
)
@pytest.mark.parametrize("batch", [16, 1 << 20])
def test_a_bad_line_is_one_row_and_reading_goes_on(line, error, batch):
    good = b'{"text": "before"}\n', b'{"text": "after"}\n'
    limits = Limits(batch_bytes=batch, record_bytes=1500 if b"x" * 2000 in line else LIMITS.record_bytes)
    out, tally = rows(good[0] + line + b"\n" + good[1], limits)
    assert [row["error"] for row in out] == [None, error, None]
    assert [row["whole"] for row in out] == ["before", None, "after"]
    assert tally.skipped == len(line)


@pytest.mark.parametrize(
    ("data", "wholes", "reason"),
    [
        (b'[{"text":"a"},{"text":"b"', ["a", None], "structure"),
        (b'[{"text":"a"},{"text":"b"}', ["a", "b", None], "not closed"),
        (b'[{"text":"a"},', ["a", None], "not closed"),
        (b'[{"text":"a"},{"text":nope},{"text":"c"}]', ["a", None, "c"], "unreadable records"),
        (b'[{"text":"a"},{"text":"\xff"},{"text":"c"}]', ["a", None, "c"], "unreadable records"),
        (b'[{"text":"a"},{"te}, {"text":"c"}]', ["a", None], "structure"),
        (b'[{"text":"a"}]\n[3]', ["a"], None),
        (b'[{"text":"a"}] rubbish', ["a"], "data after"),
        (b'[{"text":"a"} {"text":"b"}]', ["a", None], "structure"),
        (b'[{"text":"a"},]', ["a", None], "unreadable records"),
        (b"[]", [], None),
        (b"", [], None),
        (b" \n ", [], None),
        (b'\xef\xbb\xbf[{"text":"a"}]', ["a"], None),
    ],
)
@pytest.mark.parametrize("batch", [4, 1 << 20])
def test_arrays(data, wholes, reason, batch):
    out, tally = rows(data, Limits(batch_bytes=batch))
    assert [row["whole"] for row in out][: len(wholes)] == wholes
    assert (tally.reason is None) == (reason is None)
    assert reason is None or reason in tally.reason
    assert tally.skipped <= len(data)


@pytest.mark.parametrize(
    ("data", "wholes"),
    [
        ({"text": ["a", "b"], "answer": ["c", "d"]}, ["a\nc", "b\nd"]),
        ({"question": {"0": "q", "1": "r"}, "answer": {"0": "a", "1": "b"}}, ["q\na", "r\nb"]),
        ({"version": 1, "data": [{"text": "a"}, {"text": "b"}]}, ["a", "b"]),
        ({"data": [{"text": "a"}]}, ["a"]),
        ({"text": ["a", "b"], "answer": ["c"]}, ["a\nb\nc"]),  # lengths differ: one record
        ({"text": "a", "tags": ["x", "y"]}, ["a"]),
        ({"images": [{"zz": "x"}], "annotations": [{"zz": "y"}, {"zz": "z"}]}, None),
        ({"text": "a"}, ["a"]),
        ({"messages": [[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]]}, ["q\na"]),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_documents(data, wholes, indent):
    out, tally = rows(oracle.dumps(data, indent=indent).encode())
    assert wholes is None or [row["whole"] for row in out] == wholes
    assert tally.skipped == 0


def test_a_broken_document_is_one_row():
    out, tally = rows(b'{\n "text": "a",\n "b": \n}\n')
    assert [row["error"] for row in out] == ["not valid JSON"]
    assert tally.skipped > 0


@pytest.mark.parametrize(
    ("line", "whole", "note"),
    [
        (rb'{"text": "a", "text": "b"}', "b", "duplicate keys"),
        (rb'{"text": "a", "\u0074ext": null, "zz": "other"}', "other", "duplicate keys"),
        (rb'{"text": ["a", "b"], "text": ["c"]}', "c", "duplicate keys"),
        (rb'{"zz": {"y": "a"}, "zz": {"y": "b"}}', "b", "duplicate keys"),
        (rb'{"text": "x\ud800y"}', "x�y", "lone surrogates"),
        (rb'{"\ud800": "a", "\ud801": "b"}', "a\nb", None),
        (rb'{"TEXT": "a", "text": "b"}', "b", None),  # two keys of one name: one after the other
        (rb'{"text": "\ud83d\ude00"}', "😀", None),
    ],
)
def test_odd_keys_are_harmless_and_noted(line, whole, note):
    out, tally = rows(line + b"\n{}\n")
    assert out[0]["error"] is None
    assert whole in out[0]["whole"]
    assert set(tally.notes) == ({note} if note else set())


def test_many_keys_in_one_record_take_linear_time():
    record = {f"zz{k}": "a" for k in range(100_000)}
    out, tally = rows((oracle.dumps(record) + "\n{}\n").encode())
    assert out[0]["whole"].count("a") == len(record)
    assert not tally.notes


def test_one_bad_line_among_many():
    good = b'{"text": "plain words"}\n'
    out, tally = rows(good * 50_000 + b'{"text": }\n' + good * 50_000, Limits(batch_bytes=1 << 16))
    assert [row["row"] for row in out if row["error"]] == [50_000]
    assert (tally.records, tally.skipped) == (100_001, 10)


@pytest.mark.parametrize(("size", "error"), [(100 << 20, "larger than the record limit"), (40 << 20, None)])
@pytest.mark.parametrize("reader", [json.read, json.read_lines])
def test_a_huge_line_is_one_row(reader, size, error):
    data = b'{"text": "' + b"x" * size + b'"}\n{"text": "next"}\n'
    tally = Tally()
    batches = list(reader(Stream(io.BytesIO(data)), tally, LIMITS, ROLES))
    errors = [value.as_py() for batch in batches for value in batch["error"]]
    assert errors == [error, None]
    assert batches[-1]["whole"][-1].as_py() == "next"


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 64))
def test_no_bytes_raise_and_none_go_missing(data, batch):
    for lines in (False, True):
        _, tally = rows(data, Limits(batch_bytes=batch, record_bytes=128), lines=lines)
        assert 0 <= tally.skipped <= len(data)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b"1", b"\n", b"\\", b" "]), max_size=60
    ),
    st.integers(1, 40),
)
def test_batches_change_nothing(parts, batch):
    data = b"".join(parts)
    small, tally = rows(data, Limits(batch_bytes=batch), lines=True)
    large, other = rows(data, lines=True)
    assert (small, tally) == (large, other)


def test_numbers_that_python_rounds_are_kept_as_written():
    out, _ = rows(b'{"question": "q", "answer": 1e400}\n{}\n')
    assert out[0]["whole"] == "q\n1e400"
    assert math.isinf(float("1e400"))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": [' + b'"a",' * 3_000_000 + b'"a"]}', "too many values"),
        (b"{" + b",".join(b'"%x":0' % k for k in range(2_500_000)) + b"}", "too many values"),
        (b'{"zz": [' + b"1," * 3_000_000 + b"1]}", None),  # numbers in lists are not kept
    ],
)
def test_a_record_of_millions_of_values_is_one_row(line, error):
    out, _ = rows(line + b'\n{"text": "next"}\n')
    assert [(row["error"], row["whole"]) for row in out] == [(error, None), (None, "next")]


@pytest.mark.parametrize(
    "data",
    [
        {"text": [f"a{k}" for k in range(100)], "answer": [[f"b{k}", "c"] for k in range(100)]},
        {"question": {str(k): f"q{k}" for k in range(100)}, "answer": {str(k): f"a{k}" for k in range(100)}},
        {"version": 1, "data": [{"text": f"a{k}"} for k in range(100)]},
        [{"text": f"a{k}"} for k in range(100)],
    ],
)
@pytest.mark.parametrize("full", [1, 7, 64])
def test_full_batches_change_nothing(data, full, monkeypatch):
    whole, _ = rows(oracle.dumps(data, indent=1).encode())
    for module in (json_buffers, json_documents, json_kernel):
        monkeypatch.setattr(module, "BATCH_VALUES", full)
    parts, _ = rows(oracle.dumps(data, indent=1).encode())
    assert len(whole) == 100
    assert parts == whole


@pytest.mark.parametrize(
    ("names", "records"),
    [(["0", "1", "2"], 3), (["0", "2", "1"], 3), (["00", "1", "2"], 3), (["a", "b", "x"], 3)],
)
def test_columns_of_objects_have_the_same_keys(names, records):
    column = dict.fromkeys(names, "a")
    out, _ = rows(oracle.dumps({"question": column, "answer": column}).encode())
    assert len(out) == records


def test_a_key_in_an_inner_object_is_no_duplicate():
    out, tally = rows(b'{"zz": {"zz": "a", "yy": "b"}, "yy": {"zz": "c"}}\n{}\n')
    assert out[0]["whole"] == "a\nb\nc"
    assert not tally.notes
