"""Records read back: the words that were scanned, or a sentence; never other words."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import provenance as pv
from provenance.errors import ConfigError, DigestMismatch, InputError
from provenance.ledger.trees import merkle
from provenance.readers.records import record_trees
from provenance.sources import excerpts

pytestmark = pytest.mark.usefixtures("in_process")

WORDS = [f"number {k} of the words that stand here and nowhere else" for k in range(50)]
LINES = "".join(json.dumps({"prompt": f"Q {word}?", "answer": word}) + "\n" for word in WORDS).encode()
FIRST = f"Q {WORDS[0]}?\n{WORDS[0]}"


def _zip():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("m/one.jsonl", LINES)
        file.writestr("two.txt", "A passage.\n\nAnother passage, with more words.\n")
    return held.getvalue()


def _parquet():
    held = io.BytesIO()
    pq.write_table(pa.table({"prompt": [f"Q {w}?" for w in WORDS], "answer": WORDS}), held, row_group_size=7)
    return held.getvalue()


@pytest.fixture
def data(tmp_path):
    for name, held in {
        "a.jsonl": LINES,
        "b.jsonl.gz": gzip.compress(LINES),
        "c.zip": _zip(),
        "d.parquet": _parquet(),
        "e.csv": "prompt,answer\n" + "".join(f"Q {w}?,{w}\n" for w in WORDS),
        "README.md": "---\nlicense: mit\n---\n",
    }.items():
        (tmp_path / name).write_bytes(held if isinstance(held, bytes) else held.encode())
    return tmp_path


def test_every_format_gives_back_what_it_held(data):
    audit = pv.scan(data, workers=1)
    names = ["a.jsonl", "b.jsonl.gz", "c.zip!/m/one.jsonl", "d.parquet", "e.csv"]
    places = [(name, row) for row in (49, 0, 7) for name in names]
    found = audit.records(data, places)
    assert list(zip(found["path"], found["row"], strict=True)) == places
    assert found["whole"].tolist() == [f"Q {WORDS[row]}?\n{WORDS[row]}" for _, row in places]
    assert found["prompt"].tolist() == [f"Q {WORDS[row]}?" for _, row in places]
    assert audit.records(data, [("c.zip!/two.txt", 1)])["whole"].tolist() == ["Another passage, with more words."]
    assert audit.records(data, []).empty


def test_an_override_at_the_root_holds_here_too(data):
    turned = "provenance: 1\nsources:\n- {id: all, path: ., views: {answer: instruction, prompt: answer}}\n"
    (data / "provenance.yaml").write_text(turned, encoding="utf-8")
    audit = pv.scan(data, workers=1)
    assert "view" in set(audit.claims["field"])
    assert audit.records(data, [("a.jsonl", 0)])["whole"][0] == f"{WORDS[0]}\nQ {WORDS[0]}?"


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda path: path.write_bytes(LINES.replace(b"stand", b"stood")), DigestMismatch, "a.jsonl is not the file that was scanned"),
        (lambda path: path.write_bytes(LINES + b"\n"), DigestMismatch, "not the file that was scanned"),
        (lambda path: path.unlink(), InputError, "a.jsonl cannot be read back from .*No such file"),
    ],
)  # fmt: skip
def test_no_other_words_are_shown(data, change, error, said):
    audit = pv.scan(data, workers=1)
    change(data / "a.jsonl")
    with pytest.raises(error, match=said):
        audit.records(data, [("a.jsonl", 0)])
    assert audit.records(data, [("e.csv", 0)])["whole"][0] == FIRST


@pytest.mark.parametrize(
    "place", [("a.jsonl", 50), ("a.jsonl", -1), ("README.md", 0), ("c.zip", 0), ("none.jsonl", 0), ("../a.jsonl", 0)]
)
def test_what_is_no_record_of_the_scan_is_a_sentence(place, data):
    audit = pv.scan(data, workers=1)
    with pytest.raises(ConfigError, match=f"there is no record {place[1]} of {place[0]}"):
        audit.records(data, [place])


@pytest.mark.parametrize("path", ["../outside.jsonl", "/etc/passwd"])
def test_a_ledger_cannot_name_a_file_outside_the_data(path, data):
    """Whoever made the ledger chose its paths."""
    audit = pv.scan(data, workers=1)
    files = audit.tables["files"].to_pylist()
    forged = [row | {"path": path} if row["path"] == "a.jsonl" else row for row in files]
    tables = dict(audit.tables) | {"files": pa.Table.from_pylist(forged, schema=audit.tables["files"].schema)}
    with pytest.raises(ConfigError, match="is not inside the data"):
        pv.Audit(tables, audit.facts).records(data, [(path, 0)])


def test_personal_data_is_masked_unless_asked_for(tmp_path):
    wrote = "write to jane.doe@posteo.net about the boat"
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": wrote}) + "\n", encoding="utf-8")
    audit = pv.scan(tmp_path, workers=1)
    assert audit.records(tmp_path, [("a.jsonl", 0)])["whole"][0] == "write to [email] about the boat"
    assert audit.records(tmp_path, [("a.jsonl", 0)], masked=False)["whole"][0] == wrote


SECRET = bytes(range(32))


@pytest.fixture
def salted(monkeypatch):
    monkeypatch.setattr("provenance.pipeline.scan._secret", lambda _keys: SECRET)


def under(leaf, root):
    """Tell whether a leaf is under a root, by the log's own definitions."""
    hashes = [each.tobytes() for each in leaf.leaves]
    path = merkle.prove_inclusion(hashes, leaf.index)
    return merkle.is_included(merkle.hash_leaf(leaf.line), leaf.index, len(hashes), path, root_hash=bytes.fromhex(root))


@pytest.mark.usefixtures("salted")
def test_one_record_of_every_format_is_found_under_the_root_that_was_sealed(data):
    audit = pv.scan(data, workers=1, records=True)
    roots = audit.files.set_index("path")["records_root"].dropna()
    names = ["a.jsonl", "b.jsonl.gz", "c.zip!/m/one.jsonl", "d.parquet", "e.csv"]
    assert set(roots.index) == {*names, "c.zip!/two.txt"}
    assert len(set(roots)) == len(roots)  # equal records of two files have unequal trees
    for name in names:
        for row in (0, 7, 49):
            leaf = excerpts.read_leaf(audit.tables, data, name, row, secret=SECRET)
            assert (leaf.text, leaf.index, len(leaf.leaves)) == (f"Q {WORDS[row]}?\n{WORDS[row]}", row, 50)
            assert leaf.line == record_trees.make_line(SECRET, name, row, leaf.text)
            assert leaf.root == roots[name]
            assert under(leaf, roots[name])
    assert not under(excerpts.read_leaf(audit.tables, data, "a.jsonl", 3, secret=SECRET), roots["e.csv"])


@pytest.mark.usefixtures("salted")
def test_an_unreadable_record_and_one_without_text_have_leaves(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "some words"}\n{"text": broken\n{"id": 7}\n{"text": "more words"}\n')
    audit = pv.scan(tmp_path, workers=1, records=True)
    root = audit.files["records_root"][0]
    found = [excerpts.read_leaf(audit.tables, tmp_path, "a.jsonl", row, secret=SECRET) for row in range(4)]
    assert [leaf.text for leaf in found] == ["some words", None, None, "more words"]
    assert all(under(leaf, root) for leaf in found)


@pytest.mark.usefixtures("salted")
def test_rows_behind_a_broken_row_group_keep_their_numbers(tmp_path):
    whole = _parquet()
    group = pq.ParquetFile(io.BytesIO(whole)).metadata.row_group(1).column(0)
    at = group.dictionary_page_offset or group.data_page_offset
    (tmp_path / "d.parquet").write_bytes(whole[:at] + b"\xff" * 60 + whole[at + 60 :])
    audit = pv.scan(tmp_path, workers=1, records=True)
    file = audit.files.iloc[0]
    assert (file["records"], file["records_unreadable"]) == (50, 7)
    leaf = excerpts.read_leaf(audit.tables, tmp_path, "d.parquet", 30, secret=SECRET)
    assert (leaf.text, leaf.index, len(leaf.leaves)) == (f"Q {WORDS[30]}?\n{WORDS[30]}", 23, 43)
    assert under(leaf, file["records_root"])
    with pytest.raises(ConfigError, match=r"record 8 of d.parquet .* has no leaf"):
        excerpts.read_leaf(audit.tables, tmp_path, "d.parquet", 8, secret=SECRET)


@pytest.mark.usefixtures("salted")
def test_of_two_members_of_one_name_that_is_read_which_was_sealed(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("m.txt", "The first passage.\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("m.txt", "The second passage, which is another.\n")
    (tmp_path / "c.zip").write_bytes(held.getvalue())
    audit = pv.scan(tmp_path, workers=1, records=True)
    sealed = audit.files[audit.files["path"] == "c.zip!/m.txt"]["records_root"]
    assert excerpts.read_leaf(audit.tables, tmp_path, "c.zip!/m.txt", 0, secret=SECRET).root in set(sealed)


@pytest.mark.usefixtures("salted")
def test_a_leaf_that_cannot_be_found_is_said(data):
    audit = pv.scan(data, workers=1, records=True)
    with pytest.raises(ConfigError, match=r"no record 50 of a.jsonl"):
        excerpts.read_leaf(audit.tables, data, "a.jsonl", 50, secret=SECRET)
    with pytest.raises(ConfigError, match=r"no record 0 of README.md"):
        excerpts.read_leaf(audit.tables, data, "README.md", 0, secret=SECRET)
    with pytest.raises(DigestMismatch, match=r"salts.key"):
        excerpts.read_leaf(audit.tables, data, "a.jsonl", 0, secret=bytes(32))
    (data / "a.jsonl").write_bytes(LINES + b"\n")
    with pytest.raises(DigestMismatch, match="is not the file that was scanned"):
        excerpts.read_leaf(audit.tables, data, "a.jsonl", 0, secret=SECRET)
    (data / "a.jsonl").unlink()
    with pytest.raises(InputError, match="cannot be read back"):
        excerpts.read_leaf(audit.tables, data, "a.jsonl", 0, secret=SECRET)
    plain = pv.scan(data, workers=1)
    assert plain.files["records_root"].isna().all()
    with pytest.raises(ConfigError, match=r"no record tree was made of e\.csv"):
        excerpts.read_leaf(plain.tables, data, "e.csv", 0, secret=SECRET)
