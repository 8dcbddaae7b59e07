"""Shapes of JSON documents: how many records each holds, and which words; Python's own values are the oracle."""

import io
import json as oracle

import pytest

from provenance.readers import records
from provenance.readers.records import column_roles, json
from provenance.readers.records.record_format import Section
from provenance.readers.records.tally import Tally
from provenance.readers.storage import Limits, Stream

ROLES = column_roles.load_roles()


def read(document, reader=json.read, **limits):
    """Rows of the document, those of a section under its name."""
    data = document if isinstance(document, bytes) else oracle.dumps(document, indent=1).encode()
    tally, out = Tally(), []
    for found in reader(Stream(io.BytesIO(data)), tally, Limits(**limits), ROLES):
        if isinstance(found, Section):
            out += [(found.name, row["whole"]) for batch in found.batches for row in batch.to_pylist()]
        else:
            out += [row["whole"] for row in found.to_pylist()]
    assert tally.skipped == 0
    return out


def texts(count, word="t"):
    return [{"text": f"{word} number {k}"} for k in range(count)]


WORDS = ["t number 0", "t number 1", "t number 2"]
TURNS = [{"role": "user", "content": "hello you"}, {"role": "assistant", "content": "and hello"}]


@pytest.mark.parametrize(
    ("document", "wholes"),
    [
        # splits
        ({"train": texts(2), "test": texts(2)}, [("train", word) for word in WORDS[:2]] + [("test", word) for word in WORDS[:2]]),
        ({"train": ["a b", "c d"], "dev": ["e f", "g h"]}, [("train", "a b"), ("train", "c d"), ("dev", "e f"), ("dev", "g h")]),
        ({"train": {"text": ["a b", "c d"], "n": [1, 2]}, "test": {"text": ["e f"], "n": [3]}}, [("train", "a b"), ("train", "c d"), ("test", "e f")]),
        ({"test": {"q1": {"text": "a b"}, "q2": {"text": "c d"}}}, [("test", "a b"), ("test", "c d")]),
        # records under their ids
        ({f"q{k}": each for k, each in enumerate(texts(3))}, WORDS),
        ({"0": {"text": "a b", "n": 1}, "1": {"text": "c d", "n": 2}}, ["a b", "c d"]),
        ({"version": 1, "data": {f"id{k}": each for k, each in enumerate(texts(3))}}, WORDS),
        ({f"d{k}": f"some text {k}" for k in range(5)}, [f"some text {k}" for k in range(5)]),
        ({f"c{k}": TURNS for k in range(2)}, ["hello you\nand hello"] * 2),
        # as pandas writes tables
        ({"columns": ["text", "answer"], "index": [0, 1], "data": [["a b", "x"], ["c d", "y"]]}, ["a b\nx", "c d\ny"]),
        ({"schema": {"fields": [{"name": "text", "type": "string"}]}, "data": texts(2)}, WORDS[:2]),
        ({"text": {"0": "a b", "1": "c d"}, "n": {"0": 1, "1": 2}}, ["a b", "c d"]),
        ({"text": {"x": "a b", "y": "c d"}, "n": {"x": 1, "y": 2}}, ["a b", "c d"]),
        # as others do
        ({"features": [{"name": "text"}], "rows": [{"row_idx": k, "row": each} for k, each in enumerate(texts(3))]}, WORDS),
        ({"info": {"year": 1}, "images": [{"id": 1}], "annotations": [{"id": k, "caption": f"a cat {k}"} for k in range(2)]}, ["a cat 0", "a cat 1"]),
        ({"easy": texts(1, "e"), "hard": texts(2, "h")}, ["e number 0", "h number 0", "h number 1"]),
        # one record
        ({"messages": TURNS}, ["hello you\nand hello"]),
        ({"id": 1, "question": "what is it?", "answers": [{"text": "a cat"}, {"text": "a dog"}]}, ["what is it?\na cat\na dog"]),
        ({"text": "a b", "tags": ["x", "y"]}, ["a b"]),
        ({"a": "one text", "b": "two texts"}, ["one text\ntwo texts"]),
    ],
)  # fmt: skip
def test_records_of_a_document(document, wholes):
    assert read(document) == wholes


def test_questions_stand_with_their_passage():
    squad = {
        "version": "1.1",
        "data": [
            {
                "title": "T",
                "paragraphs": [
                    {"context": "The cat\nsat.", "qas": [{"question": "Who?", "id": "1"}, {"question": "Did it?", "id": "2"}]},
                    {"context": "Nobody asks.", "qas": []},
                ],
            },
            {"title": "U", "paragraphs": [{"context": "A dog.", "qas": [{"question": "What?", "answers": [{"text": "a dog"}]}]}]},
        ],
    }  # fmt: skip
    assert read(squad) == ["Who?\nThe cat\nsat.", "Did it?\nThe cat\nsat.", "Nobody asks.", "What?\nA dog.\na dog"]


def test_a_licence_beside_the_records_is_that_of_each():
    data = oracle.dumps(
        {"license": "cc-by-nc-4.0", "note": "who made it", "data": [{"text": "a"}, {"text": "b", "license": "mit"}]}
    )
    [batch] = json.read(Stream(io.BytesIO(data.encode())), Tally(), Limits(), ROLES)
    assert batch["licence"].to_pylist() == ["cc-by-nc-4.0", "mit"]
    assert "who made it" in batch["aside"][0].as_py()


WRAPPED = [
    {
        "messages": oracle.dumps([{"role": "user", "content": f'say "{k}" é\n'}, {"role": "assistant", "content": "yes"}]),
        "meta": oracle.dumps({"license": "cc-by-nc-4.0"}),
    }
    for k in range(5)
]  # fmt: skip


@pytest.mark.parametrize("batch", [64, 1 << 20])
@pytest.mark.parametrize("form", ["lines", "array", "wrapper"])
def test_strings_that_hold_json_are_read_as_what_they_write(form, batch):
    lines = b"".join(oracle.dumps(each).encode() + b"\n" for each in WRAPPED)
    data = {
        "lines": lines,
        "array": oracle.dumps(WRAPPED).encode(),
        "wrapper": oracle.dumps({"v": 1, "data": WRAPPED}).encode(),
    }
    reader = json.read_lines if form == "lines" else json.read
    rows = [
        row
        for each in reader(Stream(io.BytesIO(data[form])), Tally(), Limits(batch_bytes=batch), ROLES)
        for row in each.to_pylist()
    ]
    assert [row["whole"] for row in rows] == [f'say "{k}" é\n\nyes' for k in range(5)]
    assert {row["licence"] for row in rows} == {"cc-by-nc-4.0"}


@pytest.mark.parametrize(
    "value", ['{"a": 1} and more', "[unclear] he said", '{"a": tru}', "{} words}"]
)  # fmt: skip
def test_a_column_that_does_not_parse_whole_stays_text(value):
    rows = [{"note": value}, {"note": '{"a": "b c"}'}]
    data = b"".join(oracle.dumps(each).encode() + b"\n" for each in rows)
    assert read(data, json.read_lines) == [each["note"] for each in rows]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b'{"text": NaN}', "NaN is no JSON"),
        (b'{"text": "a", "n": -Infinity}', "-Infinity is no JSON"),
        (b"{'text': 'a'}", "single quotes"),
        (b'{"text": "a",}', "no JSON at its character"),
        ('{"text": "le café déjà là"}'.encode("latin-1"), "not UTF-8; reads as Windows-1252"),
        (b'{"text": "\xff\xfe\xfa"}', "not UTF-8"),
    ],
)
def test_why_a_record_is_unreadable_is_said_in_words(tmp_path, line, cause):
    path = tmp_path / "a.jsonl"
    good = '{"text": "é è ö ü ñ and more of the same in UTF-8"}\n'.encode()  # so that the file as a whole is UTF-8
    path.write_bytes(good * 9 + line + b"\n" + good)
    *_, account = records.read(str(path), "a.jsonl")
    assert account.records_unreadable == 1
    assert account.skip_reason.startswith("unreadable records: ")
    assert cause in account.skip_reason
