"""Documents that hold a split under each key: each array is a member, against what Python's json reads."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.readers import records, storage
from provenance.readers.records import json_splits
from provenance.readers.records.json_splits import is_split_document, split_members


def read(tmp_path, data):
    """Accounts by path, and the texts of each member."""
    (tmp_path / "data.json").write_bytes(data)
    accounts, texts = {}, {}
    for item in records.read(str(tmp_path / "data.json"), "data.json"):
        if isinstance(item, records.Batch):
            texts.setdefault(item.path, []).extend(item.table["whole"].to_pylist())
        else:
            accounts[item.path] = item
    return accounts, texts


ROWS = [{"id": k, "text": f'the keeper says "{k}" ]}}, and \\ no more'} for k in range(5)]


@pytest.mark.parametrize(
    "held",
    [
        {"train": ROWS[:3], "test": ROWS[3:]},
        {"train": ROWS[:2], "test": ROWS[2:4]},  # of one length, like columns
        {"version": "1.0", "count": 5, "Validation": ROWS[:1], "note": {"a": [1]}, "other": ROWS[1:]},
        {"test": [], "train": ROWS},
        {"训练集": ROWS[:3], "测试集": ROWS[3:]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_each_array_is_a_file_of_its_own(tmp_path, held, indent):
    data = json.dumps(held, indent=indent, ensure_ascii=False).encode()
    accounts, texts = read(tmp_path, data)
    arrays = {f"data.json!/{name}": rows for name, rows in held.items() if isinstance(rows, list)}
    assert {path: account.records for path, account in accounts.items()} == {
        path: len(rows) for path, rows in arrays.items()
    } | {"data.json": 0}
    assert texts == {path: [row["text"] for row in rows] for path, rows in arrays.items() if rows}
    assert {account.bytes_skipped for account in accounts.values()} == {0}
    assert accounts["data.json"].bytes == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"train": [{"text": "a"}]}\n{"train": [{"text": "b"}]}\n',  # a value a line
        b'{"data": [{"text": "a"}], "test": [{"text": "b"}]}',  # a wrapper
        b'{"train": ["a", "b"], "test": ["c", "d"]}',  # columns
        b'{"train": {"0": "a"}, "test": {"0": "b"}}',
        b'[{"train": [{"text": "a"}]}]',
        b'{"train": "all of it", "text": "a"}',
        b'"train": [{}]',
        b"",
    ],
)
def test_another_shape_is_none(data):
    assert not is_split_document(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"train": [{"text": "a"}], "test": [{"text": "b"}, {"te', "no whole object"),
        (b'{"train": [{"text": "a"}], "test" [{"text": "b"}]}', "no whole object"),
        (b'{"train": [{"text": "a"}] "test": [{"text": "b"}]}', "no whole object"),
        (b'{"train": [{"text": "a"}]} and {"more": 1}', "something follows"),
        (b'{"train": [{"text": "a"}], ', "no whole object"),
    ],
)
def test_what_is_broken_is_said_and_what_was_whole_is_read(tmp_path, data, reason):
    accounts, texts = read(tmp_path, data)
    assert texts["data.json!/train"][:1] == ["a"]
    assert reason in accounts["data.json"].skip_reason
    assert accounts["data.json"].bytes_skipped > 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#/\\\"'"), min_size=1, max_size=6
)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_members_are_what_json_reads_whatever_the_pieces(document, piece, indent, ascii_only):
    data = json.dumps({"train": [], **document}, indent=indent, ensure_ascii=ascii_only).encode()
    archive = storage.Archive(storage.Budget(storage.LIMITS, len(data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_splits, "BLOCK_BYTES", piece)
        members = split_members(archive, storage.Stream(io.BytesIO(data)))
        found = [(member.name, json.loads(member.stream.read())) for member in members]
    arrays = {"train": [], **document}
    assert found == [(name, value) for name, value in arrays.items() if isinstance(value, list)]
    assert archive.fault is None
