"""From works to an index: books and records, views and parts, keys; and no word of them in the file."""

from __future__ import annotations

import json
import zipfile
import zlib

import pytest
import xxhash

from provenance.core.digests import sha256
from provenance.errors import ConfigError, InputError
from provenance.pipeline import build_index
from provenance.similarity.index import reference_index, siphash
from provenance.similarity.text import shingles

BOOK = "\n\n".join(
    f"chapter {k} in which the keeper of lighthouse {k} lights {k + 3} lamps and goes to bed" for k in range(9)
)
QUESTIONS = [
    {
        "question": f"how many lamps does keeper {k} light before he goes to bed at night",
        "answer": f"keeper {k} lights {k}",
    }
    for k in range(3)
]


@pytest.fixture
def files(tmp_path):
    (tmp_path / "novel.txt").write_text(BOOK)
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return tmp_path


def build(folder, *names, kind="benchmark", **choice):
    paths = [folder / name for name in names]
    return build_index.build_index(paths, folder / "made.index", build_index.IndexOptions(kind, **choice), "a test")


def rows(built):
    return {(row["item"], row["view"]): row for row in built.index.table.to_pylist()}


def keyed(text, key=reference_index.OPEN_KEY):
    """By the published definitions alone."""
    held = {xxhash.xxh64_digest(each.encode())[::-1] for each in shingles.shingles_reference(text)}
    return sorted(siphash.siphash_reference(key, each) for each in held)


def test_records_are_items_with_their_views(files):
    made = rows(build(files, "test.jsonl"))
    assert set(made) == {(f"test.jsonl#{k}", view) for k in range(3) for view in ("whole", "prompt")}
    asked = made["test.jsonl#2", "prompt"]
    assert asked["hashes"] == keyed(QUESTIONS[2]["question"])
    assert asked["distinct"] == len(asked["hashes"])
    assert asked["part"] == "test"
    assert made["test.jsonl#2", "whole"]["hashes"] == keyed("\n".join(QUESTIONS[2].values()))


def test_a_text_is_one_item_unless_it_is_asked_for_passages(files):
    made = rows(build(files, "novel.txt"))
    assert set(made) == {("novel.txt", "whole")}
    passages = {each for passage in BOOK.split("\n\n") for each in keyed(passage)}
    assert made["novel.txt", "whole"]["hashes"] == sorted(passages)
    assert len(rows(build(files, "novel.txt", per_record=True))) == 9


def test_members_of_an_archive_are_books(files):
    with zipfile.ZipFile(files / "works.zip", "w") as archive:
        archive.write(files / "novel.txt", "a/novel.txt")
        archive.writestr("b/poem.txt", "shall I compare thee to a lamp that nobody lights at noon")
    assert {item for item, _ in rows(build(files, "works.zip"))} == {"works.zip!/a/novel.txt", "works.zip!/b/poem.txt"}


def test_columns_may_be_told(files):
    (files / "mbpp.jsonl").write_text(json.dumps({"text": "write the lamp", "code": "lamp = 1"}) + "\n")
    assert set(rows(build(files, "mbpp.jsonl"))) == {("mbpp.jsonl#0", "whole")}
    told = rows(build(files, "mbpp.jsonl", columns=(("text", "instruction"), ("code", "answer"))))
    assert told["mbpp.jsonl#0", "prompt"]["hashes"] == keyed("write the lamp")


def test_a_known_set_has_a_hash_a_text(files):
    built = build(files, "test.jsonl", kind="known")
    made = rows(built)
    assert set(made) == {("test.jsonl", "whole"), ("test.jsonl", "prompt")}
    texts = [xxhash.xxh64_digest(each["question"].encode())[::-1] for each in QUESTIONS]
    assert made["test.jsonl", "prompt"]["hashes"] == sorted(
        siphash.siphash_reference(reference_index.OPEN_KEY, each) for each in texts
    )
    assert (built.index.unit, made["test.jsonl", "prompt"]["distinct"]) == ("texts", 3)


def test_a_scaled_set_says_how_many_texts_there_were(files):
    (files / "many.jsonl").write_text("".join(json.dumps({"text": f"text number {k}"}) + "\n" for k in range(500)))
    row = rows(build(files, "many.jsonl", kind="known", scale=5))["many.jsonl", "whole"]
    assert row["distinct"] == 500
    assert 60 < len(row["hashes"]) < 140
    assert max(row["hashes"]) <= reference_index.hash_limit(5)


def test_a_protected_index_has_a_key_of_its_own_which_is_kept(files):
    first = build(files, "novel.txt", kind="protected")
    assert (first.entries, first.key) == (True, files / "made.key")
    assert first.index.files == ()
    key = reference_index.read_key(first.key)
    assert (
        rows(first)["novel.txt", "whole"]["hashes"] != rows(build(files, "novel.txt"))["novel.txt", "whole"]["hashes"]
    )
    again = build(files, "novel.txt", kind="protected")
    assert (again.entries, reference_index.read_key(again.key)) == (False, key)
    (files / "other.key").write_text("ab" * 16)
    assert build(files, "novel.txt", key=files / "other.key").index.key == reference_index.key_id(b"\xab" * 16)


def test_a_public_index_has_the_published_key_and_names_its_files(files):
    built = build(files, "test.jsonl", "novel.txt")
    assert built.key is None
    assert built.index.key == sha256(bytes(16))[:16] == "374708fff7719dd5"
    assert set(built.index.files) == {sha256((files / name).read_bytes()) for name in ("test.jsonl", "novel.txt")}
    assert not (files / "made.key").exists()


def test_no_word_is_in_an_index(files):
    built = build(files, "novel.txt", "test.jsonl", kind="protected", title="what a report says")
    held = (files / "made.index").read_bytes()
    assert b"lighthouse" not in held
    assert zlib.crc32(held)
    assert "lighthouse" not in str(built.index.table.to_pylist())


def test_what_was_not_read_is_said(files):
    (files / "bad.jsonl").write_text('{"text": "a lamp that is lit"}\n{"text": \n')
    assert build(files, "bad.jsonl").unread == (
        ("bad.jsonl", "unreadable records: no JSON at its character 10: expecting value"),
    )


def test_an_index_that_was_not_made_leaves_no_key(files):
    (files / "empty.txt").write_text("...\n")
    with pytest.raises(ConfigError):
        build(files, "empty.txt", kind="protected")
    assert not (files / "made.key").exists()
    with pytest.raises(ConfigError, match=r"is the name of a key file"):
        build_index.build_index([files / "novel.txt"], files / "x.key", build_index.IndexOptions("protected"), "a test")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("novel.txt", "novel.txt is one of the files to be read"),
        ("link.txt", "link.txt is one of the files to be read"),
        ("test.jsonl", "test.jsonl is there and is no index"),
        (".", "is there and is no index"),
        ("none/x.index", "there is no folder .*none to write x.index to"),
    ],
)
def test_nothing_but_an_index_is_written_over(files, output, sentence):
    (files / "link.txt").symlink_to(files / "novel.txt")
    with pytest.raises(ConfigError, match=sentence):
        build_index.build_index([files / "novel.txt"], files / output, build_index.IndexOptions("protected"), "a test")
    assert (files / "novel.txt").read_text() == BOOK
    assert json.loads((files / "test.jsonl").read_text().splitlines()[0]) == QUESTIONS[0]
    assert not list(files.glob("*.key"))


@pytest.mark.parametrize(
    ("names", "choice", "error", "sentence"),
    [
        ([], {}, ConfigError, "at least one file"),
        (["none.txt"], {}, InputError, "none.txt is no file"),
        (["empty.txt"], {}, ConfigError, "no word in empty.txt"),
        (["novel.txt", "empty.txt"], {}, ConfigError, "no word in empty.txt"),
        (["novel.epub"], {}, InputError, r"nothing of novel.epub was read \(.*no reader for pdf yet \(1\)"),
        (["novel.txt", "novel.epub"], {"kind": "known"}, InputError, "nothing of novel.epub was read"),
        (["novel.txt", "novel.txt"], {}, ConfigError, "novel.txt is named twice"),
        (["novel.txt"], {"scale": 2}, ConfigError, "shingles are kept in full"),
        (["novel.txt"], {"key": None, "columns": (("a", "no-role"),)}, ConfigError, "no-role"),
    ],
)
def test_what_makes_no_index_is_said(files, names, choice, error, sentence):
    (files / "empty.txt").write_text("...\n")
    with zipfile.ZipFile(files / "novel.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("OEBPS/1.pdf", b"%PDF-1.7 a book in another form")
    with pytest.raises(error, match=sentence):
        build(files, *names, **choice)


def test_files_of_one_name_are_told_apart_by_their_folders(files):
    for name in ("a", "b"):
        (files / name).mkdir()
        (files / name / "x.txt").write_text(f"a text of {name} that has some words of its own")
    assert {item for item, _ in rows(build(files, "a/x.txt", "b/x.txt"))} == {"a/x.txt", "b/x.txt"}
