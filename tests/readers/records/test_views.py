"""Views: one rule for every record, whatever the format, the order of its columns or the batch it came in."""

import io
import itertools
import json as oracle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance import errors
from provenance.readers.records import column_roles, csv, json, parquet
from provenance.readers.records.tally import Tally
from provenance.readers.storage import LIMITS, Stream

ROLES = column_roles.load_roles()
QUESTION, MORE, REPLY = "Name a colour.", "Not red.", "Blue, as the sky is."


def from_json(records):
    data = "".join(oracle.dumps(record) + "\n" for record in records).encode()
    return _rows(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))


def from_array(records):
    return _rows(json.read(Stream(io.BytesIO(oracle.dumps(records, indent=1).encode())), Tally(), LIMITS, ROLES))


def from_parquet(records):
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), file)
    return _rows(parquet.read(file, file.tell(), Tally(), LIMITS, roles=ROLES))


def _rows(batches):
    return [row for batch in batches for row in batch.to_pylist()]


FORMATS = pytest.mark.parametrize("read", [from_json, from_array, from_parquet])

CASES = [
    # record, whole, prompt
    ({"instruction": QUESTION, "input": MORE, "output": REPLY}, f"{QUESTION}\n{MORE}\n{REPLY}", f"{QUESTION}\n{MORE}"),
    ({"output": REPLY, "input": MORE, "instruction": QUESTION}, f"{QUESTION}\n{MORE}\n{REPLY}", f"{QUESTION}\n{MORE}"),
    (
        {"instruction": QUESTION, "input": MORE, "response": REPLY},
        f"{QUESTION}\n{MORE}\n{REPLY}",
        f"{QUESTION}\n{MORE}",
    ),
    ({"instruction": QUESTION, "input": "", "output": REPLY}, f"{QUESTION}\n{REPLY}", QUESTION),
    ({"question": QUESTION, "answer": REPLY}, f"{QUESTION}\n{REPLY}", QUESTION),
    ({"Question": QUESTION, "Answer": REPLY}, f"{QUESTION}\n{REPLY}", QUESTION),
    ({"set/question": QUESTION, "set/answer": REPLY}, f"{QUESTION}\n{REPLY}", QUESTION),
    ({"问题": QUESTION, "回答": REPLY}, f"{QUESTION}\n{REPLY}", QUESTION),
    (
        {"instruction": QUESTION, "response": REPLY, "output": REPLY},
        f"{QUESTION}\n{REPLY}",
        QUESTION,
    ),  # one answer, two names
    ({"question": QUESTION, "answer": 42}, f"{QUESTION}\n42", QUESTION),
    ({"question": QUESTION, "answers": [REPLY, MORE]}, f"{QUESTION}\n{REPLY}\n{MORE}", QUESTION),
    ({"id": "abc", "text": MORE, "score": "high"}, MORE, None),
    ({"answer": REPLY}, REPLY, None),
    ({"question": QUESTION}, QUESTION, None),
    ({"question": " \n", "answer": REPLY}, REPLY, None),
    (
        {"messages": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": REPLY}]},
        f"{QUESTION}\n{REPLY}",
        QUESTION,
    ),
    (
        {"conversations": [{"value": QUESTION, "from": "human"}, {"value": REPLY, "from": "gpt"}]},
        f"{QUESTION}\n{REPLY}",
        QUESTION,
    ),
    (
        {
            "messages": [
                {"role": "system", "content": "S."},
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": REPLY},
                {"role": "user", "content": MORE},
            ]
        },
        f"S.\n{QUESTION}\n{REPLY}\n{MORE}",
        f"S.\n{QUESTION}\n{MORE}",
    ),
    (
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "value": QUESTION}]},
                {"role": "assistant", "content": [{"type": "text", "value": REPLY}]},
            ]
        },
        f"{QUESTION}\n{REPLY}",
        QUESTION,
    ),
    ({"conversation": [{"human": QUESTION, "assistant": REPLY}]}, f"{QUESTION}\n{REPLY}", QUESTION),
    ({"prompt": QUESTION, "chosen": REPLY, "rejected": MORE}, f"{QUESTION}\n{REPLY}\n{MORE}", QUESTION),
    (
        {
            "conversations": [{"from": "human", "value": QUESTION}],
            "chosen": {"from": "gpt", "value": REPLY},
            "rejected": {"from": "gpt", "value": MORE},
        },
        f"{QUESTION}\n{REPLY}\n{MORE}",
        QUESTION,
    ),
    (
        {"chosen": [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": REPLY}]},
        f"{QUESTION}\n{REPLY}",
        QUESTION,
    ),
    (
        {"history": [["q", "a"]], "instruction": QUESTION, "output": REPLY},
        f"q\na\n{QUESTION}\n{REPLY}",
        f"q\na\n{QUESTION}",
    ),
    (
        {"instruction": QUESTION, "instances": [{"input": MORE, "output": REPLY}]},
        f"{QUESTION}\n{MORE}\n{REPLY}",
        f"{QUESTION}\n{MORE}",
    ),
    ({"name": "Ada", "age": 36, "home": "12", "id": "x"}, "Ada", None),  # no role: strings with a letter
    ({"translation": {"en": "Good day", "de": "Guten Tag"}}, "Good day\nGuten Tag", None),
    ({"text": "", "title": "A title"}, "A title", None),
    ({"id": "abc", "hash": "def"}, None, None),
    ({"text": MORE, "author": {"text": "not this"}}, MORE, None),
]


@FORMATS
@pytest.mark.parametrize(("record", "whole", "prompt"), CASES)
def test_views(read, record, whole, prompt):
    row = read([record])[0]
    assert (row["whole"], row["prompt"], row["error"]) == (whole, prompt, None)


@FORMATS
@pytest.mark.parametrize(
    ("record", "url", "licence", "origin"),
    [
        ({"text": "a", "url": "https://a.example/"}, "https://a.example/", None, None),
        (
            {"text": "a", "meta": {"url": "https://a.example/", "license": "MIT", "source": "x"}},
            "https://a.example/",
            "MIT",
            "x",
        ),
        ({"text": "a", "meta": {"pile_set_name": "USPTO"}}, None, None, "USPTO"),
        (
            {"meta": {"source": "x"}, "text": "a", "source": "y"},
            None,
            None,
            "y",
        ),  # what the record says itself comes first
        ({"text": "a", "source": "y", "meta": {"source": "x"}}, None, None, "y"),
        ({"text": "a", "max_stars_repo_licenses": ["MIT", "Apache-2.0"]}, None, "MIT\nApache-2.0", None),
        ({"text": "a", "license": "", "rights": "CC0"}, None, "CC0", None),
        ({"zz": "words", "link": "https://a.example/"}, "https://a.example/", None, None),
    ],
)
def test_what_a_record_says_of_itself(read, record, url, licence, origin):
    row = read([record])[0]
    assert (row["url"], row["licence"], row["origin"]) == (url, licence, origin)
    assert row["whole"] in ("a", "words")


@FORMATS
@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ({"instruction": QUESTION, "input": MORE, "output": REPLY}, REPLY),
        ({"question": QUESTION, "answers": [REPLY, MORE]}, f"{REPLY}\n{MORE}"),
        ({"instruction": QUESTION, "response": REPLY, "output": REPLY}, REPLY),  # one answer, two names
        ({"answer": REPLY}, None),  # an answer to nothing is the whole record
        ({"question": QUESTION}, None),
        ({"text": MORE}, None),
        (
            {
                "messages": [
                    {"role": "user", "content": QUESTION},
                    {"role": "assistant", "content": REPLY},
                    {"role": "user", "content": MORE},
                    {"role": "assistant", "content": REPLY},
                ]
            },
            f"{REPLY}\n{REPLY}",  # turns may repeat
        ),
        ({"prompt": QUESTION, "chosen": REPLY, "rejected": MORE}, f"{REPLY}\n{MORE}"),
    ],
)
def test_answers(read, record, answer):
    row = read([record])[0]
    assert row["answer"] == answer
    assert (row["answer"] is None) == (row["prompt"] is None)


def test_the_order_of_columns_does_not_matter():
    record = {"system": "s", "history": "h", "instruction": "i", "input": "n", "text": "t", "output": "o"}
    for order in itertools.islice(itertools.permutations(record), 0, 720, 37):
        row = from_json([{key: record[key] for key in order}])[0]
        assert (row["whole"], row["prompt"]) == ("s\nh\ni\nn\nt\no", "s\nh\ni\nn\nt")


def test_records_do_not_depend_on_their_neighbours():
    records = [record for record, *_ in CASES]
    alone = [from_json([record])[0] | {"row": None} for record in records]
    assert [row | {"row": None} for row in from_json(records)] == alone
    assert [row | {"row": None} for row in from_array(records)] == alone


@pytest.mark.parametrize(
    ("record", "whole", "prompt"), [case for case in CASES if all(isinstance(v, str) for v in case[0].values())]
)
def test_a_table_has_the_same_views(record, whole, prompt):
    line = "\t".join('"' + value.replace('"', '""') + '"' for value in record.values())
    data = ("\t".join(record) + "\n" + line + "\n").encode()
    row = _rows(csv.read(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))[0]
    assert (row["whole"], row["prompt"]) == (whole, prompt)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("a", True),
        ("é", True),
        ("中", True),
        ("б", True),
        ("한", True),
        ("か", True),
        ("ß", True),
        ("—…“”", False),
        ("😀", False),
        ("123 ,.", False),
        ("×÷", True),
        ("，。！", False),
        ("ａ", True),
        ("\u00a0", False),
    ],
)
@pytest.mark.parametrize("ascii_", [True, False])
def test_letters(text, letter, ascii_):
    data = (oracle.dumps({"zz": text}, ensure_ascii=ascii_) + "\n").encode()
    row = _rows(json.read_lines(Stream(io.BytesIO(data)), Tally(), LIMITS, ROLES))[0]
    assert (row["whole"] == text) == letter


@pytest.mark.parametrize("content", ["{", "a: 1", "text: 3", "[]"])
def test_a_broken_table_of_roles_is_said(tmp_path, content):
    place = tmp_path / "roles.yaml"
    place.write_text(content)
    with pytest.raises(errors.ConfigError):
        column_roles.load_roles(place)


def test_the_published_table_names_nothing_twice():
    assert ROLES.find_role("Pile-Set Name")[0] == column_roles.ORIGIN
    assert ROLES.find_role("nothing of the kind")[0] == -1
