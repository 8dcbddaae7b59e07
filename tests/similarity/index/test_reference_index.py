"""Index files: what is written is read, and whatever cannot be compared is refused by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.core.model import VIEWS
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError
from provenance.pipeline import build_index
from provenance.similarity.index import reference_index
from provenance.similarity.text import shingles
from provenance.similarity.text.normalisation import NORMALISATION, NORMALISATION_V1

ABOUT = {
    "kind": "benchmark",
    "title": "a test",
    "of": "shingles",
    "scale": "1",
    "key": reference_index.key_id(reference_index.OPEN_KEY),
    "created-by": "a test",
}
ROWS = [
    {"item": "t#0", "part": "test", "view": "whole", "distinct": 3, "hashes": [1, 5, 2**64 - 1]},
    {"item": "t#0", "part": "test", "view": "prompt", "distinct": 1, "hashes": [5]},
    {"item": "t#1", "part": None, "view": "whole", "distinct": 0, "hashes": []},
]


def table(rows=ROWS):
    return pa.Table.from_pylist(rows, schema=reference_index.ITEMS)


def written(folder, rows=ROWS, **about):
    path = folder / "x.index"
    reference_index.write_index(path, table(rows), {**ABOUT, **about})
    return path


def changed(folder, rows=None, schema=None, drop=(), **about):
    """An index as a stranger might write it."""
    path = written(folder)
    held = pq.read_table(path)
    metadata = {k.decode(): v.decode() for k, v in held.schema.metadata.items() if k.decode() != "ARROW:schema"}
    metadata = {name: value for name, value in {**metadata, **about}.items() if name not in drop}
    held = held if rows is None else pa.Table.from_pylist(rows, schema=schema or reference_index.ITEMS)
    pq.write_table(held.replace_schema_metadata(metadata), path)
    return path


@given(
    st.lists(
        st.tuples(st.sampled_from(VIEWS[:2]), st.none() | st.text(), st.sets(st.integers(0, 2**64 - 1), max_size=8)),
        min_size=1,
        max_size=6,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_is_written_is_read(tmp_path, items):
    rows = [
        {"item": str(n), "part": part, "view": view, "distinct": len(held), "hashes": sorted(held)}
        for n, (view, part, held) in enumerate(items)
    ]
    index = reference_index.read_index(written(tmp_path, rows, files=f'["{"ab" * 32}"]'))
    assert index.table.to_pylist() == rows
    assert (index.kind, index.title, index.unit, index.scale) == ("benchmark", "a test", "shingles", 1)
    assert index.items == len(rows)
    assert index.files == ("ab" * 32,)
    assert index.count_hashes == sum(len(row["hashes"]) for row in rows)


def test_the_file_says_what_it_is(tmp_path):
    """Whoever finds one can read its metadata with any Parquet library."""
    about = {k.decode(): v.decode() for k, v in pq.read_schema(written(tmp_path)).metadata.items()}
    assert {name: about[name] for name in reference_index.METADATA if name != "files"} == {
        **ABOUT, "format": "provenance-index/v1", "shingle": shingles.SHINGLE, "normalisation": NORMALISATION, "items": "2",
    }  # fmt: skip


def test_an_index_of_the_older_normalisation_is_read_and_says_so(tmp_path):
    older = {"shingle": shingles.SHINGLE_V1, "normalisation": NORMALISATION_V1}
    assert reference_index.read_index(written(tmp_path)).version == 2
    assert reference_index.read_index(written(tmp_path, **older)).version == 1


ANY = {"item": "a", "part": None, "view": "whole", "distinct": 2, "hashes": [1, 2]}
NAMELESS = pa.schema([pa.field(field.name, field.type) for field in reference_index.ITEMS])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "provenance-index/v2"}, "no index that this version reads: its format is 'provenance-index/v2'"),
        ({"drop": ("format",)}, "its metadata names no format"),
        ({"shingle": "shingle/v3 (7 words)"}, "made with 'shingle/v3 (7 words)', and this version has 'shingle/v2"),
        ({"shingle": shingles.SHINGLE_V1}, "made with 'shingle/v1 (5 words, XXH64 seed 0)'"),
        ({"normalisation": "normalisation/v1 (Unicode 9)"}, "make it anew"),
        ({"kind": "secret"}, "has the kind 'secret'; there are: protected, benchmark, known"),
        ({"of": "words"}, "has the of 'words'"),
        ({"title": "  "}, "no title, or maker, that can be printed"),
        ({"title": "a\x1b[2Jb"}, "no title, or maker, that can be printed"),
        ({"created-by": "a\x1b]0;b\x07"}, "no title, or maker, that can be printed"),
        ({"key": "\x1b[2J"}, "'\\x1b[2J' is no id of a key"),
        ({"kind": "known"}, "is of shingles, by which nothing known is looked for"),
        ({"of": "texts"}, "is of texts, by which nothing benchmark is looked for"),
        ({"scale": "0"}, "'0' is no scale"),
        ({"scale": "many"}, "'many' is no scale"),
        ({"items": "-1"}, "'-1' is no number of items"),
        ({"items": "9" * 5000}, "its items has 5,000 characters"),
        ({"scale": "1" * 5000}, "its scale has 5,000 characters"),
        ({"scale": "2"}, "only texts can be counted from a part"),
        ({"files": "{"}, "its files are no list of digests"),
        ({"files": "[1]"}, "its files are no list of digests"),
        ({"files": '["a file"]'}, "its files are no list of digests"),
        ({"files": "[" * 200_000}, "its files are no list of digests"),
        ({"drop": ("key", "title")}, "says nothing of title, key"),
        ({"items": "3"}, "other than the 3 items that it names"),
        ({"rows": [], "items": "0"}, "has no item"),
        ({"rows": [{**ANY, "hashes": [2, 1]}], "items": "1"}, "not in order, each once"),
        ({"rows": [{**ANY, "hashes": [1, 1]}], "items": "1"}, "not in order, each once"),
        ({"rows": [{**ANY, "distinct": 3}], "items": "1"}, "other than the hashes that it names"),
        ({"rows": [{**ANY, "view": "half"}], "items": "1"}, "a view that there is not"),
        ({"rows": [ANY, ANY], "items": "1"}, "stands in it twice"),
        ({"rows": [ANY, {**ANY, "part": "b"}], "items": "1"}, "stands in it twice"),
        ({"rows": [{**ANY, "item": None}], "schema": NAMELESS, "items": "1"}, "damaged"),
        ({"rows": [{"item": "a"}], "schema": pa.schema([("item", pa.string())]), "items": "1"}, "rows are not those"),
        (
            {"rows": [{**ANY, "hashes": [1, 2**63]}], "items": "1", "scale": "4", "of": "texts", "kind": "known"},
            "hashes that a scale of 4 leaves out",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(tmp_path, change, sentence):
    path = changed(tmp_path, **change)
    with pytest.raises(ConfigError) as refused:
        reference_index.read_index(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "rows",
    [
        [{**ANY, "distinct": 1 << 16, "hashes": [7] * (1 << 16)}],
        [{**ANY, "item": "a" * (1 << 12)}] * (1 << 8),
        [{**ANY, "part": "a" * (1 << 20)}],
    ],
    ids=["equal hashes", "equal items", "a long part"],
)
def test_a_few_bytes_that_would_fill_the_memory_are_refused(tmp_path, monkeypatch, rows):
    path = changed(tmp_path, rows=rows)
    monkeypatch.setattr(reference_index, "LARGEST_BYTES", 1 << 18)
    assert path.stat().st_size < 1 << 16
    with pytest.raises(ConfigError, match=r"would take [0-9,]+ bytes of memory; an index may take 262,144"):
        reference_index.read_index(path)


def test_a_list_that_begins_where_another_ends_is_in_order(tmp_path):
    rows = [
        ANY | {"item": "a", "hashes": [8, 9]},
        ANY | {"item": "b", "hashes": [], "distinct": 0},
        ANY | {"item": "c"},
    ]
    assert reference_index.read_index(written(tmp_path, rows)).items == 3


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a text of words", b"\x1f\x8b\x08"])
def test_another_file_is_no_index(tmp_path, content):
    (tmp_path / "x.index").write_bytes(content)
    with pytest.raises(ConfigError, match="it is no whole Parquet file"):
        reference_index.read_index(tmp_path / "x.index")


def test_a_folder_and_nothing_are_no_index(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError, match="cannot be read"):
            reference_index.read_index(path)


def test_a_truncated_or_changed_file_is_refused_or_the_same(tmp_path):
    """Every tenth length, and a byte flipped in many places: never anything but an index or a sentence."""
    whole = written(tmp_path).read_bytes()
    right = reference_index.read_index(tmp_path / "x.index")
    path = tmp_path / "y.index"
    for length in range(0, len(whole), 10):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError):
            reference_index.read_index(path)
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            held = reference_index.read_index(path)
        except ConfigError:
            continue
        assert held.table.schema.equals(right.table.schema)


def test_keys(tmp_path, monkeypatch):
    monkeypatch.delenv(reference_index.KEY_FILE, raising=False)
    key, other = reference_index.make_key(), reference_index.make_key()
    reference_index.write_key(tmp_path / "x.key", key)
    assert (tmp_path / "x.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "x.key").read_text() == key.hex() + "\n"
    with pytest.raises(FileExistsError):
        reference_index.write_key(tmp_path / "x.key", other)
    index = reference_index.read_index(written(tmp_path, key=reference_index.key_id(key)))
    assert reference_index.find_key(index) == key
    (tmp_path / "x.key").rename(tmp_path / "elsewhere")
    with pytest.raises(
        ConfigError, match=rf"a key that is not here \({reference_index.key_id(key)}\).*as x.key, or name"
    ):
        reference_index.find_key(index)
    reference_index.write_key(tmp_path / "x.key", other)
    with pytest.raises(
        ConfigError, match=f"{reference_index.key_id(key)}; .*x.key has {reference_index.key_id(other)}"
    ):
        reference_index.find_key(index)
    monkeypatch.setenv(reference_index.KEY_FILE, str(tmp_path / "elsewhere"))
    assert reference_index.find_key(index) == key
    monkeypatch.setenv(reference_index.KEY_FILE, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="nowhere cannot be read"):
        reference_index.find_key(index)


@pytest.mark.parametrize("content", ["", "ab", "xy" * 16, "ab" * 17])
def test_a_key_file_holds_a_key(tmp_path, content):
    (tmp_path / "x.key").write_text(content)
    with pytest.raises(ConfigError, match="holds no key: 32 hexadecimal digits"):
        reference_index.read_key(tmp_path / "x.key")


def test_what_a_ledger_keeps_of_an_index(tmp_path):
    kept = reference_index.describe_index(reference_index.read_index(written(tmp_path)), 1)
    assert {name: kept[name] for name in ("title", "kind", "items", "short")} == {
        "title": "a test", "kind": "benchmark", "items": 2, "short": 1,
    }  # fmt: skip
    assert np.uint64(reference_index.hash_limit(1)) == np.uint64(2**64 - 1)


VECTORS = json.loads((DATA_FOLDER / "index-v1-vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS["vectors"])
def test_published_vectors(tmp_path, vector):
    """What `index build` writes of a text is what the vectors tell whoever makes an index without it."""
    (tmp_path / "x.txt").write_text(vector["text"], encoding="utf-8")
    (tmp_path / "x.key").write_text(vector["key"])
    for unit in reference_index.INDEX_UNITS:
        choice = build_index.IndexOptions({"texts": "known"}.get(unit, "benchmark"), key=tmp_path / "x.key")
        index = build_index.build_index([tmp_path / "x.txt"], tmp_path / "x.index", choice, "a test").index
        assert [f"{value:016x}" for value in index.table["hashes"].to_pylist()[0]] == vector[unit]
        assert index.key == vector["key-id"]


def test_the_vectors_are_of_this_version():
    assert {name: VECTORS[name] for name in ("format", "normalisation", "shingle")} == {
        "format": reference_index.FORMAT, "normalisation": NORMALISATION, "shingle": shingles.SHINGLE,
    }  # fmt: skip


@pytest.mark.parametrize("place", ["/dev/zero", "pipe"])
def test_what_is_no_regular_file_is_not_read(tmp_path, place):
    path = Path(place) if place.startswith("/") else tmp_path / place
    if place == "pipe":
        os.mkfifo(path)
    with pytest.raises(ConfigError, match="not a regular file"):
        reference_index.read_index(path)


def test_an_index_that_grows_as_no_hashes_do_is_not_decoded(tmp_path):
    """A hundred kilobytes that say they are hundreds of megabytes: the memory that an index may take is no licence."""
    path = changed(tmp_path, rows=[{**ANY, "distinct": 1, "hashes": [7] * 20_000_000}])
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ConfigError, match=r"would grow from [0-9,]+ to [0-9,]+ bytes"):
        reference_index.read_index(path)
