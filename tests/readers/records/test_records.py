"""Reading any file: one account each, every byte accounted for, nothing raises."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import random
import tarfile
import time
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.readers import records, storage
from provenance.readers.records import Account, Batch
from provenance.readers.storage import BLOCK_BYTES, Limits

NOISE = random.Random(1).randbytes(9000)  # noqa: S311 - a seed, not a secret
LINES = b"".join(b'{"text": "words number %d"}\n' % k for k in range(100))


def write(folder, name, data):
    place = folder / name
    place.write_bytes(data)
    return str(place)


def read(location, path="f", **options):
    rows, accounts, last = {}, {}, None
    for item in records.read(location, path, **options):
        last = item
        if isinstance(item, Batch):
            assert item.table.schema.equals(schemas.RECORDS, check_metadata=True)
            item.table.validate(full=True)
            schemas.conform(item.table, schemas.RECORDS)
            assert item.path not in accounts
            rows.setdefault(item.path, []).extend(item.table.to_pylist())
        else:
            assert item.path not in accounts
            accounts[item.path] = item
            check(item, rows.get(item.path, []))
    assert isinstance(last, Account)
    assert last.path == path
    return rows, accounts


def check(account, rows):
    assert account.bytes == account.bytes_consumed + account.bytes_skipped
    assert 0 <= account.bytes_skipped <= account.bytes
    assert (account.skip_reason is None) or account.bytes_skipped or not account.bytes
    assert account.skip_reason or not account.bytes_skipped
    numbers = [row["row"] for row in rows]
    assert numbers == sorted(set(numbers))
    assert sum(row["error"] is not None for row in rows) <= account.records_unreadable <= account.records


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return file.getvalue()


def tarred(**members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def parquet(rows=1000, **options):
    file = io.BytesIO()
    pq.write_table(pa.table({"question": [f"q{k}" for k in range(rows)], "answer": ["yes"] * rows}), file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "format_", "count"),
    [
        ("a.jsonl", LINES, "jsonl", 100),
        ("a.txt", LINES, "jsonl", 100),  # a suffix that lies
        ("a.parquet", LINES, "jsonl", 100),
        ("a.json", b"[" + LINES.strip().replace(b"\n", b",") + b"]", "json", 100),
        ("a.csv", b"question,answer\n" + b"q,a\n" * 7, "csv", 7),
        ("a.jsonl", parquet(), "parquet", 1000),
        ("a.txt", b"one\n\ntwo\n", "text", 2),
        ("a.txt", "one\n\ntwo\n".encode("utf-16"), "text.utf-16", 2),
        ("a.jsonl", LINES.decode().encode("utf-16"), "jsonl.utf-16", 100),
        ("a", b"", "empty", 0),
        ("a.jsonl.gz", gzip.compress(LINES), "jsonl.gz", 100),
        ("a.jsonl.gz", gzip.compress(LINES) + gzip.compress(LINES), "jsonl.gz", 200),
        ("a", bz2.compress(LINES), "jsonl.bz2", 100),
        ("a", lzma.compress(LINES), "jsonl.xz", 100),
        ("a", pa.compress(LINES, "zstd", asbytes=True) * 2, "jsonl.zst", 200),
        ("a.parquet.gz", gzip.compress(parquet()), "parquet.gz", 1000),
    ],
)
def test_whole_files_are_consumed(tmp_path, name, data, format_, count):
    location = write(tmp_path, name, data)
    rows, accounts = read(location, name)
    account = accounts[name]
    assert (account.format, account.records, account.records_unreadable) == (format_, count, 0)
    assert (account.bytes, account.bytes_skipped, account.skip_reason) == (len(data), 0, None)
    assert account.sha256 == hashlib.sha256(data).hexdigest()
    assert account.blocks == tuple(
        hashlib.sha256(data[at : at + BLOCK_BYTES]).digest() for at in range(0, len(data), BLOCK_BYTES)
    )
    assert len(rows.get(name, [])) == count
    assert os.fsencode(location)
    assert read(os.fsencode(location), name)[1] == accounts


@pytest.mark.parametrize(
    ("name", "data", "reason", "unreadable"),
    [
        ("a.jsonl", LINES + b'{"text": "\xff"}\n', "unreadable records", 1),
        ("a.jsonl", LINES + b'{"text": "\0"}\n', "unreadable records", 1),
        ("a.jsonl.gz", gzip.compress(LINES + b"{bad}\n"), "unreadable records", 1),
        (
            "a.jsonl.gz",
            gzip.compress(NOISE.hex().encode().join([b'{"text":"', b'"}\n']) * 3)[:-9000],
            "truncated",
            1,
        ),
        ("a.parquet", parquet()[: len(parquet()) // 2], "no whole footer", 0),
        ("a.parquet", b"PAR1" + b"x" * 100 + b"PAR1", "no whole footer", 0),
        ("a.gz", gzip.compress(gzip.compress(LINES)), "more than once", 0),
        ("a.zip.gz", gzip.compress(zipped(a_txt="x")), "archive", 0),
        ("a.pdf", b"%PDF-1.7 ...", "no reader for pdf", 0),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", "no reader for png", 0),
        ("a.yaml", b"text: a\n", "no reader for YAML that is no list of records", 0),
        ("a.jsonl", pickle.dumps({"a": 1}), "no reader for pickle", 0),
        ("a.txt", pickle.dumps(["x"] * 5, protocol=2), "no reader for pickle", 0),
        ("a.bin", bytes(range(256)) * 4, "no reader for files of an unknown format", 0),
        ("a.warc", b"WARC/1.0\r\n", "a damaged record", 0),
        ("a.json", b'[{"text": "a"}, {"text": "b"', "structure", 1),
        ("a.json", b'[{"text": "a"}, {"text": "b"}', "not closed", 1),
        ("a.csv", b"question,answer\nq,a\nq\n", "unreadable records", 1),
        ("a.zip", zipped(a_txt="x")[:-30], "zip", 0),
        ("a.tar", tarred(a_txt=b"x" * 5000)[:3000], "tar", 0),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, data, reason, unreadable):
    _, accounts = read(write(tmp_path, name, data), name)
    account = accounts[name]
    assert reason in account.skip_reason
    assert account.bytes_skipped > 0
    assert account.records_unreadable == unreadable
    assert account.sha256 == hashlib.sha256(data).hexdigest()


def test_members_come_before_their_archive(tmp_path):
    data = zipped(
        a_jsonl=LINES,
        dir__b_txt="one\n\ntwo",
        c_zip=zipped(x="y"),
        d_csv="question,answer\nq,a\n",
        e_gz=gzip.compress(LINES),
        f_parquet=parquet(),
    )
    rows, accounts = read(write(tmp_path, "a.zip", data), "a.zip")
    assert list(accounts) == [
        "a.zip!/a.jsonl",
        "a.zip!/dir/b.txt",
        "a.zip!/c.zip",
        "a.zip!/d.csv",
        "a.zip!/e.gz",
        "a.zip!/f.parquet",
        "a.zip",
    ]
    assert {path: len(found) for path, found in rows.items()} == {
        "a.zip!/a.jsonl": 100,
        "a.zip!/dir/b.txt": 2,
        "a.zip!/d.csv": 1,
        "a.zip!/e.gz": 100,
        "a.zip!/f.parquet": 1000,
    }
    assert "inside an archive" in accounts["a.zip!/c.zip"].skip_reason
    assert "inside an archive" in accounts["a.zip"].skip_reason
    assert 0 < accounts["a.zip"].bytes_skipped < len(data)
    assert accounts["a.zip!/a.jsonl"].sha256 == hashlib.sha256(LINES).hexdigest()
    assert accounts["a.zip!/a.jsonl"].blocks == ()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)])
def test_tar_in_any_codec(tmp_path, pack):
    data = pack(tarred(a_jsonl=LINES, b_txt=b"one\n\ntwo", c_tar=tarred(x=b"y")))
    rows, accounts = read(write(tmp_path, "a.tar", data), "a.tar")
    assert {path: len(found) for path, found in rows.items()} == {"a.tar!/a.jsonl": 100, "a.tar!/b.txt": 2}
    assert list(accounts) == ["a.tar!/a.jsonl", "a.tar!/b.txt", "a.tar!/c.tar", "a.tar"]
    assert "inside an archive" in accounts["a.tar"].skip_reason
    assert accounts["a.tar"].sha256 == hashlib.sha256(data).hexdigest()


def test_deep_nesting_is_never_unpacked(tmp_path):
    data = b"x"
    for _ in range(20):
        data = zipped(a_zip=data)
    rows, accounts = read(write(tmp_path, "a.zip", data), "a.zip")
    assert (rows, len(accounts)) == ({}, 2)


def test_a_bomb_costs_little(tmp_path):
    limits = Limits(expansion_ratio=2, floor_bytes=1 << 20)
    for name, data in {"b.gz": gzip.compress(b" " * (64 << 20)), "b.zip": zipped(a_txt=b"a" * (64 << 20))}.items():
        _, accounts = read(write(tmp_path, name, data), name, limits=limits)
        assert any("limits" in (account.skip_reason or "") for account in accounts.values())
        assert accounts[name].bytes_skipped > 0


def test_parquet_that_unfolds_stops_at_its_budget(tmp_path):
    file = io.BytesIO()
    pq.write_table(pa.table({"text": pa.array(["x" * 100_000] * 5000)}), file)
    _, accounts = read(
        write(tmp_path, "a.parquet", file.getvalue()),
        "a.parquet",
        limits=Limits(expansion_ratio=2, floor_bytes=1 << 24),
    )
    assert "limits" in accounts["a.parquet"].skip_reason


def test_special_files_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    before = time.monotonic()
    for location in (str(tmp_path / "fifo"), "/dev/zero", str(tmp_path), str(tmp_path / "missing")):
        _, accounts = read(location)
        assert accounts["f"].skip_reason
        assert accounts["f"].sha256 is None
    assert time.monotonic() - before < 60


def test_no_permission(tmp_path, monkeypatch):
    location = write(tmp_path, "a", LINES)

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(storage, "open_regular", refuse)
    _, accounts = read(location)
    assert (accounts["f"].bytes, accounts["f"].bytes_skipped) == (len(LINES), len(LINES))
    assert accounts["f"].skip_reason == "cannot be read: Permission denied"


def test_a_disk_error_in_the_middle(tmp_path, monkeypatch):
    class Broken(io.FileIO):
        def read(self, size=-1):
            if self.tell() >= 500:
                raise OSError(5, "Input/output error")
            return super().read(min(size, 100))

    location = write(tmp_path, "a.jsonl", LINES)
    monkeypatch.setattr(storage, "open_regular", lambda _: Broken(location))
    _, accounts = read(location)
    assert "Input/output" in accounts["f"].skip_reason
    assert accounts["f"].sha256 is None
    assert accounts["f"].bytes == len(LINES)


@pytest.mark.parametrize("data", [zipped(a_jsonl=LINES), parquet()])
def test_a_file_that_changes_is_noticed(tmp_path, monkeypatch, data):
    location = write(tmp_path, "a", data)
    drain = storage.Stream.drain

    def change(stream):
        done = drain(stream)
        with Path(location).open("r+b") as file:
            file.write(b"X")
        return done

    monkeypatch.setattr(storage.Stream, "drain", change)
    _, accounts = read(location)
    assert "changed" in accounts["f"].skip_reason


@pytest.mark.parametrize("reason", [None, "ignored"])
def test_an_account_of_what_is_no_data(tmp_path, reason):
    account = records.make_account(write(tmp_path, "LICENSE", b"MIT License\n"), "LICENSE", None, reason)
    check(account, [])
    assert (account.format, account.bytes_skipped, account.skip_reason) == ("text", 12 if reason else 0, reason)
    assert account.sha256 == hashlib.sha256(b"MIT License\n").hexdigest()


@given(
    st.binary(max_size=400),
    st.sampled_from(["a", "a.json", "a.jsonl", "a.csv", "a.txt", "a.gz"]),
    st.sampled_from(
        [b"", b"\x1f\x8b\x08\0", b"PK\3\4", b"PAR1", b"BZh9", b"\xff\xfe", b"[", b"{", b"\x28\xb5\x2f\xfd"]
    ),
)
def test_no_file_raises(tmp_path_factory, data, name, head):
    read(
        write(tmp_path_factory.mktemp("any"), name, head + data), name, limits=Limits(batch_bytes=64, record_bytes=256)
    )


@pytest.mark.full
@pytest.mark.realdata
def test_real_data_is_read(realdata):
    totals, unreadable = {}, {}
    for place in sorted((realdata / "data").rglob("*")):
        if place.is_file():
            path = place.relative_to(realdata / "data").as_posix()
            rows, accounts = read(str(place), path)
            totals[path], unreadable[path] = accounts[path].records, accounts[path].records_unreadable
            if accounts[path].format == "json" and rows and not unreadable[path]:
                value = json.loads(place.read_bytes())
                assert not isinstance(value, list) or len(value) == totals[path]
    assert totals["instruct/stanford_alpaca/alpaca_data.json"] == 52002
    assert totals["benchmarks/gsm8k/grade_school_math/data/train.jsonl"] == 7473
    assert totals["instruct/codealpaca/data/new_codealpaca.json"] == 4535
    assert [
        path for path, count in unreadable.items() if count and path.startswith("instruct/") and path.endswith(".json")
    ] == ["instruct/hikariming_chat_dataset_baseline/history/翻译后的中文数据/alpaca_data-9407-12345-中文-未完成.json"]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("a", "b", "view"),
    [
        (
            "instruct/codealpaca/data/new_codealpaca.json",
            "instruct/gpteacher/Codegen/codegen-instruct.json",
            "whole",
        ),  # D06
        (
            "instruct/alpaca_data_cleaned/dataset_extensions/GPTeacher/Toolformer/toolformer-dedupe-only-dataset.json",
            "instruct/gpteacher/Toolformer/toolformer-dedupe-only-dataset.json",
            "whole",
        ),  # D07
        (
            "instruct/llama_factory_demo/data/alpaca_en_demo.json",
            "instruct/stanford_alpaca/alpaca_data.json",
            "prompt",
        ),  # D05
    ],
)
def test_copies_have_the_same_views(realdata, a, b, view):
    found = [{row[view] for row in read(str(realdata / "data" / path))[0]["f"]} for path in (a, b)]
    assert len(found[0] - found[1]) / len(found[0]) < 0.001


def test_reasons_of_an_archive_do_not_grow_with_its_members(tmp_path):
    """Every name leads to the header of the first member, and each says so in words of its own."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number:05}.txt", "words")
    data = file.getvalue()
    for number in range(1, 3000):
        data = data.replace(f"{number:05}.txt".encode(), b"zzzzz.txt", 1)  # the local header alone
    (tmp_path / "x.zip").write_bytes(data)
    found = list(records.read(str(tmp_path / "x.zip"), "x.zip"))
    reason = found[-1].skip_reason
    assert len(reason) < 2000
    assert "another reason, which stands beside its member (2994)" in reason
    members = [item for item in found if isinstance(item, records.Account) and "!/" in item.path]
    assert sum(member.skip_reason is not None for member in members) == 2999
