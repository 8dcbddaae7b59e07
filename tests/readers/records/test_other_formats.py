"""Arrow, ORC, SQLite, mark-up, WebDataset and bookkeeping: records, words, and every byte accounted for."""

import io
import json
import os
import random
import sqlite3
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from provenance.readers import records
from provenance.readers.records import Account, bookkeeping, markup, webdataset

NOISE = random.Random(7)  # noqa: S311 - a seed, not a secret
TABLE = pa.table(
    {
        "messages": [json.dumps([{"role": "user", "content": f"ask {k}"}, {"role": "assistant", "content": "say"}]) for k in range(30)],
        "image": [NOISE.randbytes(90) for _ in range(30)],
    }
)  # fmt: skip


def read(folder, name, data):
    (folder / name).write_bytes(data)
    rows, accounts = {}, {}
    for item in records.read(str(folder / name), name):
        if isinstance(item, Account):
            accounts[item.path] = item
            assert item.bytes_consumed + item.bytes_skipped == item.bytes
            assert (item.skip_reason is None) == (item.bytes_skipped == 0)
        else:
            rows.setdefault(item.path, []).extend(item.table.to_pylist())
    assert accounts[name].bytes == len(data)
    return rows.get(name, []), accounts


def written(write):
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def as_stream(out):
    with pa.ipc.new_stream(out, TABLE.schema) as stream:
        stream.write_table(TABLE, 12)


def as_file(out):
    with pa.ipc.new_file(out, TABLE.schema) as file:
        file.write_table(TABLE, 12)


def as_database(folder):
    place = folder / "made.db"
    with sqlite3.connect(place) as database:
        database.execute("create table chats (messages text, image blob)")
        database.executemany("insert into chats values (?, ?)", [tuple(row.values()) for row in TABLE.to_pylist()])
    database.close()
    return place.read_bytes()


COLUMNAR = {
    "arrow": as_file,
    "arrow-stream": as_stream,
    "feather": lambda out: feather.write_feather(TABLE, out, compression="uncompressed"),
    "orc": lambda out: orc.write_table(TABLE, out),
    "parquet": lambda out: pq.write_table(TABLE, out),
}
ALL = [*COLUMNAR, "sqlite"]


def make(name, folder):
    return as_database(folder) if name == "sqlite" else written(COLUMNAR[name])


@pytest.mark.parametrize("name", ALL)
def test_rows_of_columns_are_records_and_images_are_said_to_be_skipped(tmp_path, name):
    data = make(name, tmp_path)
    rows, accounts = read(tmp_path, "x", data)
    assert [(row["prompt"], row["answer"]) for row in rows] == [(f"ask {k}", "say") for k in range(30)]
    account = accounts["x"]
    assert account.format == {"feather": "arrow"}.get(name, name)
    assert (account.records, account.records_unreadable) == (30, 0)
    assert account.skip_reason == "no reader for binary columns: image"
    assert 0 < account.bytes_skipped < account.bytes


def test_streams_that_follow_each_other_are_all_read(tmp_path):
    rows, _ = read(tmp_path, "x.arrow", written(as_stream) * 2)
    assert len(rows) == 60


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(4))
def test_broken_columns_cost_no_more_than_themselves(tmp_path, name, seed):
    chance, data = random.Random(seed), bytearray(make(name, tmp_path))  # noqa: S311 - a seed, not a secret
    if seed % 2:
        del data[chance.randrange(8, len(data)) :]
    else:
        for _ in range(20):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
    rows, accounts = read(tmp_path, "x", bytes(data))
    assert accounts["x"].records >= len(rows) or accounts["x"].skip_reason


@pytest.mark.parametrize("columns", [["image"], ["n"]])
def test_records_without_text_are_counted_and_said(tmp_path, columns):
    table = TABLE.append_column("n", pa.array(range(30))).select(columns)
    _, accounts = read(tmp_path, "x.parquet", written(lambda out: pq.write_table(table, out)))
    account = accounts["x.parquet"]
    assert account.skip_reason == f"no reader for its columns: 30 records without text ({columns[0]})"
    assert (account.records, account.bytes_consumed) == (30, 0)


@pytest.mark.parametrize(
    ("name", "data", "wholes"),
    [
        ("a.html", b"<!doctype html><html><head><title>T &amp; U</title><style>p{}</style></head><body><p>Hello <b>wo</b>rld &eacute;</p><script>var a='</p>'</script><ul><li>one<li>two</ul></body></html>", ["T & U", "Hello world é", "one", "two"]),
        ("a.xml", b"<?xml version='1.0' encoding='ISO-8859-1'?><TEI><body><p><s><w>Le</w> <w>caf\xe9</w></s><s>D\xe9j\xe0 vu l\xe0</s></p></body></TEI>", ["Le café", "Déjà vu là"]),
        ("a.xml", b'<?xml version="1.0"?><posts><row Id="1" Body="&lt;p&gt;How is it done?&lt;/p&gt;"/><row Id="2" Body="It is so"/></posts>', ["<p>How is it done?</p>", "It is so"]),
        ("a.xml", b"<?xml version='1.0'?><mediawiki><page><title>A</title><text>One.\n\nTwo.</text></page><page><title>B</title><text><![CDATA[x < y]]></text></page></mediawiki>", ["A One.\nTwo.", "B x < y"]),
        ("a.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>hi &b; there</x>', ["hi &b; there"]),
        ("a.xml", b"<?xml version='1.0'?><a><b>words <c attr='x>more</b>", ["words more"]),
    ],
)  # fmt: skip
def test_mark_up_is_its_text(tmp_path, name, data, wholes):
    rows, accounts = read(tmp_path, name, data)
    assert [row["whole"] for row in rows] == wholes
    assert accounts[name].bytes_skipped == 0


def test_a_list_of_mappings_in_yaml_is_records(tmp_path):
    rows, accounts = read(
        tmp_path, "a.yaml", b"- instruction: ask\n  output: |\n    say\n    more\n- {text: words, n: 2}\n"
    )
    assert [row["whole"] for row in rows] == ["ask\nsay\nmore\n", "words"]
    assert accounts["a.yaml"].bytes_skipped == 0


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"- &a {text: words}\n- *a\n", "aliases"),
        (b"- [one, two]\n", "no list of records"),
        (b"- text: [1\n", "yaml: "),
        (b"text: words\n", "no list of records"),
    ],
)
def test_other_yaml_is_skipped_with_its_reason(tmp_path, data, reason):
    rows, accounts = read(tmp_path, "a.yaml", data)
    assert (rows, accounts["a.yaml"].bytes_consumed) == ([], 0)
    assert reason in accounts["a.yaml"].skip_reason


@pytest.mark.parametrize("piece", [b"<a", b"<!--", b"<![CDATA[", b"<?x ", b"&#x", b"<a '", b'<script><a "'])
def test_mark_up_that_never_ends_loses_nothing_but_tags(piece):
    assert b"last words" in markup.strip(b"<?xml?>first words " + piece * 20_000 + b"> last words") or piece in (
        b"<!--",
        b"<![CDATA[",
        b"<?x ",
        b"<a '",
        b'<script><a "',
    )
    assert markup.strip(b"<?xml?><p>first words " + piece * 20_000).startswith(b"first words")


@pytest.mark.parametrize("batch", [16, 100, 4096])
def test_batches_of_mark_up_change_nothing(tmp_path, batch):
    data = (
        b"<?xml version='1.0'?><d>"
        + b"".join(b"<page><text>Words &amp; more <i>of</i> page %d</text></page>\n" % k for k in range(50))
        + b"</d>"
    )
    path = tmp_path / "a.xml"
    path.write_bytes(data)
    limits = records.storage.Limits(batch_bytes=batch)
    *batches, _ = records.read(str(path), "a.xml", limits=limits)
    rows = [row["whole"] for each in batches for row in each.table.to_pylist()]
    assert rows == [f"Words & more of page {k}" for k in range(50)]


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def samples(count):
    return [
        part
        for k in range(count)
        for part in (
            (f"{k:05}.jpg", b"\xff\xd8\xff" + bytes(100)),
            (f"{k:05}.txt", f"a ship numbered {k}".encode()),
            (f"{k:05}.json", json.dumps({"url": f"https://acme.example/{k}", "license": "cc-by-4.0"}, indent=1).encode()),
        )
    ]  # fmt: skip


def test_a_sample_of_several_files_is_one_record(tmp_path):
    rows, accounts = read(tmp_path, "x.tar", tar_of(*samples(4)))
    assert [(row["whole"], row["url"], row["licence"]) for row in rows] == [
        (f"a ship numbered {k}", f"https://acme.example/{k}", "cc-by-4.0") for k in range(4)
    ]
    assert list(accounts) == ["x.tar"]
    assert accounts["x.tar"].format == "webdataset"
    assert "no reader for jpeg yet (4)" in accounts["x.tar"].skip_reason


@pytest.mark.parametrize(
    "members",
    [
        [("a.txt", b"x"), ("b.txt", b"y")],
        [("a.en", b"x"), ("a.de", b"y"), ("b.en", b"x"), ("b.de", b"y")],
        [("a.jsonl", b"{}"), ("README.md", b"x"), ("b.jsonl", b"{}")],
        [("a.txt", b"x"), ("b.json", b"{}"), ("a.json", b"{}"), ("b.txt", b"y")],
    ],
)
def test_another_tar_is_none_of_samples(members):
    assert not webdataset.holds_samples(tar_of(*members))


def test_both_halves_of_a_tar_are_read(tmp_path):
    first, second = (tar_of((f"{name}.jsonl", b'{"text": "words"}\n')) for name in "ab")
    _, accounts = read(tmp_path, "x.tar", first + second)
    assert {path: account.records for path, account in accounts.items()} == {
        "x.tar!/a.jsonl": 1,
        "x.tar!/b.jsonl": 1,
        "x.tar": 0,
    }
    _, accounts = read(tmp_path, "x.tar", first + b"no member of it" * 100)
    assert accounts["x.tar"].bytes_skipped == 1500
    assert "what follows the end" in accounts["x.tar"].skip_reason


def test_a_zip_without_a_directory_is_skipped_whole(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.jsonl", b'{"text": "words"}\n' * 20)
    data = out.getvalue()[: out.getvalue().index(b"PK\1\2")]
    _, accounts = read(tmp_path, "x.zip", data)
    assert accounts["x.zip"].bytes_consumed == 0


def test_a_wrong_checksum_leaves_no_byte_consumed(tmp_path):
    import gzip

    data = bytearray(gzip.compress(b'{"text": "words"}\n' * 20))
    data[-8] ^= 1
    _, accounts = read(tmp_path, "x.jsonl.gz", bytes(data))
    assert accounts["x.jsonl.gz"].bytes_consumed == 0
    assert "checksum is wrong" in accounts["x.jsonl.gz"].skip_reason


@pytest.mark.parametrize("name", ["lz4", "zstd"])
def test_frames_of_arrow_codecs(tmp_path, name):
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, name) as packed:
        packed.write(b'{"text": "words"}\n' * 9)
    rows, _ = read(tmp_path, "x", out.getvalue().to_pybytes())
    assert len(rows) == 9


@pytest.mark.parametrize(
    ("path", "content", "known"),
    [
        ("d/state.json", b'{"_fingerprint": "a", "_format_type": null, "_data_files": [{"filename": "x"}]}', True),
        ("d/state.json", b'{"text": "a record of its own"}', False),
        ("d/state.json", b'{"_fingerprint": "a", "_format_type": null, "rows": [{"text": "words"}]}', False),
        ("dataset_dict.json", b'{"splits": ["train"]}', True),
        ("requirements.txt", b"# tools\nnumpy>=2.0\ntorch[cuda]==2.1 ; python_version > '3.8'\n-e .\n", True),
        ("requirements.txt", b"The first requirement is that the ship be ready.\nThe second is bread.\n", False),
        ("p/py.typed", b"", True),
        ("p/py.typed", b"words to train on", False),
        ("mimetype", b"application/epub+zip", True),
        ("META-INF/container.xml", b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"/>', True),
        ("container.xml", b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"/>', False),
        ("_rels/.rels", b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>', True),
        ("[Content_Types].xml", b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>', True),
        ("SHA256SUMS", b"0" * 64 + b"  a.bin\n", True),
        ("other.json", b'{"splits": ["train"]}', False),
    ],
)
def test_bookkeeping_is_known_by_name_and_form(path, content, known):
    assert (bookkeeping.recognise(path, content, len(content)) is not None) == known


def test_the_insides_of_a_book_are_no_records(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml", '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"/>'
        )
        archive.writestr(
            "c1.xhtml", '<?xml version="1.0"?><html xmlns="x"><body><p>Call me.</p><p>Some years ago.</p></body></html>'
        )
    _, accounts = read(tmp_path, "b.epub", out.getvalue())
    assert {path.partition("!/")[2]: account.records for path, account in accounts.items()} == {
        "mimetype": 0, "META-INF/container.xml": 0, "c1.xhtml": 2, "": 0,
    }  # fmt: skip
    assert os.fspath(tmp_path)
