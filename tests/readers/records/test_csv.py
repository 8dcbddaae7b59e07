"""Tables: Python's csv is the oracle for well-formed ones; malformed rows are errors, and none is lost."""

import csv as oracle
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.readers.records import column_roles, csv
from provenance.readers.records.tally import Tally
from provenance.readers.storage import Limits, Stream

ROLES = column_roles.load_roles()


def rows(data, **limits):
    tally = Tally()
    out = [
        row for batch in csv.read(Stream(io.BytesIO(data)), tally, Limits(**limits), ROLES) for row in batch.to_pylist()
    ]
    assert [row["row"] for row in out] == list(range(tally.records))
    return out, tally


CELL = st.text(st.sampled_from('ab,;"\n\t| é中'), max_size=8).map(lambda cell: "x" + cell)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=10),
    st.sampled_from(",;\t|"),
    st.integers(1, 64),
    st.sampled_from(["\n", "\r\n"]),
)
def test_cells_are_what_python_reads(table, delimiter, batch, newline):
    file = io.StringIO(newline="")
    writer = oracle.writer(file, delimiter=delimiter, lineterminator=newline, quoting=oracle.QUOTE_ALL)
    writer.writerow(["question", "answer"])
    writer.writerows(table)
    out, tally = rows(file.getvalue().encode(), batch_bytes=batch)
    assert [(row["whole"], row["prompt"]) for row in out] == [(f"{a}\n{b}", a) for a, b in table]
    assert tally.skipped == 0


@pytest.mark.parametrize(
    ("data", "wholes", "errors"),
    [
        (b"question,answer\nq,a\nq\nq,a,b\nq,a\n", ["q\na", None, None, "q\na"], [None, "fields", "fields", None]),
        (b"question,answer\nq,\xff\nq,a\n", [None, "q\na"], ["UTF-8", None]),
        (b"question,answer\nq,a\0b\nq,a\n", [None, "q\na"], ["NUL", None]),
        (b'question,answer\n"q\nr",a\n', ["q\nr\na"], [None]),
        (b'question,answer\n"q","a"\n"q","b"\n"q,a\nq,a\n', ["q\na", "q\nb", None], [None, None, "truncated"]),
        (b'question,answer\n"q,a\nq,a\n', ['"q\na', "q\na"], [None, None]),  # a quote that quotes nothing
        (b'question,answer\n"q","a"\n"q"x,a\nq,a\n', ["q\na", None, "q\na"], [None, "quote", None]),
        (b"question,answer\r\n\r\nq,a\r\n", ["q\na"], [None]),
        (
            b'"question","answer"\n"x,","x,"";,"\n"x,","x,"\n',
            ['x,\nx,";,', "x,\nx,"],
            [None, None],
        ),  # cells end in commas
        (b"question,answer\nq,", ["q"], [None]),
        (b"question,answer\n", [], []),
        (b"\xef\xbb\xbfquestion;answer\nq;a", ["q\na"], [None]),
        (b"1,one\n2,two\n", ["one", "two"], [None, None]),  # no header: its first row is a record
        (b"text\nhello\nworld\n", ["hello", "world"], [None, None]),
        (b"meta.url,text\nhttps://a.example,b\n", ["b"], [None]),
        (b'sentence\tlabel\nsome "quoted text\t1\nother\t0\n', ['some "quoted text', "other"], [None, None]),
    ],
)
@pytest.mark.parametrize("batch", [5, 1 << 20])
def test_rows(data, wholes, errors, batch):
    out, tally = rows(data, batch_bytes=batch)
    assert [row["whole"] for row in out] == wholes
    assert all(
        (row["error"] is None) if error is None else error in row["error"]
        for row, error in zip(out, errors, strict=True)
    )
    assert (tally.skipped > 0) == any(errors)


def test_a_row_without_end_is_given_up_at_the_limit():
    out, tally = rows(b'question,answer\n"q","a"\n"' + b"x\n" * 4000, batch_bytes=512, record_bytes=1024)
    assert out[-1]["error"] == "larger than the record limit"
    assert tally.skipped >= 7000


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(1, 64))
def test_no_bytes_raise(data, batch):
    _, tally = rows(data, batch_bytes=batch, record_bytes=128)
    assert 0 <= tally.skipped <= len(data)


@pytest.mark.parametrize(
    ("head", "delimiter", "quoted"),
    [
        (b"a,b\n1,2\n", ",", True),
        (b"a\tb\n1\t2\n", "\t", True),
        (b"a;b\n1,5;2\n", ";", True),
        (b"a|b\nx|y\n", "|", True),
        (b'a\tb\n1\t"2\n3\t"4\n5\t6\n', "\t", False),
    ],
)
def test_dialects(head, delimiter, quoted):
    guess = csv.guess_dialect(head)
    assert (guess.delimiter, guess.quoted) == (delimiter, quoted)
