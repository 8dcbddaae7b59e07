"""Small files that are read together give what each gives that is read by itself; whatever is odd is given back."""

import json
import zipfile

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.readers import records
from provenance.readers.records import FORMATS, column_roles, format_detection, record_format, small_files, text
from provenance.readers.records.small_files import ACCOUNTS, FileRun, LoneFile, SmallFileReader
from provenance.readers.storage import regular_files


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch):
    monkeypatch.setattr(small_files, "FEWEST", 1)


BOM = b"\xef\xbb\xbf"


def one_by_one(folder, path, content):
    """What the file gives that is read by itself: rows, and its account as ACCOUNTS has it."""
    (folder / "file").write_bytes(content)
    *batches, account = records.read(str(folder / "file"), path)
    rows = [row for batch in batches for row in batch.table.to_pylist()]
    return rows, {name: getattr(account, name) for name in ACCOUNTS.names}


def together(contents):
    """Rows and account of each file by path, and the paths of those that were given back."""
    reader, found, alone = SmallFileReader(column_roles.load_roles()), {}, []
    for path, content in contents.items():
        if not reader.take(path, content):
            alone.append(path)
    for each in reader.read(rest=True):
        if isinstance(each, LoneFile):
            assert each.content == contents[each.path]
            alone.append(each.path)
            continue
        rows, first = each.table.to_pylist(), 0
        for account, count in zip(each.accounts.to_pylist(), each.counts.tolist(), strict=True):
            found[account["path"]] = rows[first : first + count], account
            first += count
        assert first == len(rows)
    assert not reader.waiting
    return found, alone


def compare(folder, contents):
    found, alone = together(contents)
    assert sorted([*found, *alone]) == sorted(contents)
    for path, (rows, account) in found.items():
        assert (rows, account) == one_by_one(folder, path, contents[path]), path
    return alone


SAME = {
    "a.txt": b"one\n\ntwo\n", "b.txt": BOM + b"  marked\n\n\nand cut\n", "e.txt": b" \n \n", "f": "naïve 文字\n\nzwei".encode(),
    "a.jsonl": b'{"text": "one"}\n\n{"text": "two", "license": "mit"}\n', "c.jsonl": BOM + b'{"text": "marked"}', "a.json": b'{"text": "one", "id": 7}', "b.json": b'[{"text": "one"}, {"text": "two", "url": "https://a.example/x"}]',
    "d.json": b'{\n"instruction": "a",\n"output": "b"\n}\n',
    "e.json": b'{"meta": {"a": 1}, "text": "one"}', "f.json": b"[]",
    "h.json": b'{"text": "one"}\n{"text": "two"}\n', "i.json": b'{"a": "one", "a": "two"}', "j.json": b'{"tags": ["x", "y"], "text": "t"}',
    "k.json": b'[[1, 2], "three", {"text": "\\ud800 lone"}]',
}  # fmt: skip
ALONE = {
    "g.json": b'{"messages": [{"role": "user", "content": "hi"}]}',
    "c.json": b'{"version": 1, "data": [{"text": "one"}, {"text": "two"}]}',
    "e.jsonl": b'{"text": "\xff"}\n{}',
    "d.jsonl": b'{bad\n{"text": "good"}\n{"text": 1}',
    "b.jsonl": b'{"text": "cut',
    "d.txt": b"no \0 here\n\n" + 60 * b"last ",
    "c.txt": b"\xff is no text\n\nbut this is",
    "columns.json": b'{"text": ["one", "two"], "id": [1, 2]}', "cut.json": b'[{"text": "one"}', "after.json": b'[{"text": "a"}] x',
    "twice.json": b'{"data": [{"text": "a"}], "data": [{"text": "b"}], "n": 1}', "broken.json": b'{"text": }',
    "lost.json": b'[{"text": "a"} {"text": "b"}]', "a.csv": b"text,label\none,1\n", "wide.txt": "zwei".encode("utf-16"),
    "x.gz": b"\x1f\x8b\x08rest", "empty.txt": b"", "t.yaml": b"a: 1\n",
}  # fmt: skip


def test_small_files_read_together_are_what_each_is_by_itself(tmp_path):
    assert compare(tmp_path, SAME) == []


def test_what_is_out_of_the_ordinary_is_read_by_itself(tmp_path):
    assert sorted(compare(tmp_path, SAME | ALONE)) == sorted(ALONE)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab \n"\\é文', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "a", "0", "messages"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
JSON = VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
LINES = st.lists(JSON | st.just(b"{bad"), max_size=3).map(b"\n".join)
FILES = st.one_of(
    st.tuples(st.sampled_from(["txt", "", "md"]), st.binary(max_size=30) | st.text("a \n\té", max_size=20).map(str.encode)),
    st.tuples(st.sampled_from(["json", "jsonl"]), JSON | LINES),
    st.tuples(st.sampled_from(["json", "jsonl"]), LINES.flatmap(lambda line: st.sampled_from([line[:-1], BOM + line, line + b" "]))),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(FILES, min_size=1, max_size=6))
def test_whatever_small_files_hold(files, tmp_path_factory):
    compare(tmp_path_factory.mktemp("any"), {f"{k}.{ending}": data for k, (ending, data) in enumerate(files)})


def test_a_reader_that_fails_gives_every_file_back(monkeypatch):
    def fail(*_):
        raise ValueError("on purpose")

    broken = record_format.RecordFormat("text", text.read, by_lines=True, read_small=fail, only_records=False)
    monkeypatch.setitem(FORMATS._members(), "text", broken)
    found, alone = together({"a.txt": b"one", "b.txt": b"two"})
    assert (found, alone) == ({}, ["a.txt", "b.txt"])


@pytest.mark.parametrize(("name", "value", "runs"), [("RUN_FILES", 2, [2, 2, 1]), ("RUN_BYTES", 9, [3, 2])])
def test_no_more_files_are_held_than_are_read_together(name, value, runs, monkeypatch):
    monkeypatch.setattr(small_files, name, value)
    reader, found = SmallFileReader(column_roles.load_roles()), []
    for number in range(5):
        assert reader.take(f"{number}.txt", b"abc")
        found += reader.read()
    found += reader.read(rest=True)
    assert [len(each.counts) for each in found] == runs


def test_few_files_are_given_back(monkeypatch):
    monkeypatch.setattr(small_files, "FEWEST", 3)
    assert together({"a.txt": b"one", "b.txt": b"two", "c.json": b"{}"}) == ({}, ["a.txt", "b.txt", "c.json"])
    found, alone = together({"a.txt": b"one", "b.txt": b"two", "c.txt": b"three", "d.json": b"{}"})
    assert (sorted(found), alone) == (["a.txt", "b.txt", "c.txt"], ["d.json"])


def test_small_members_of_an_archive_come_together(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in (SAME | ALONE).items():
            archive.writestr(name, content)
    location = str(tmp_path / "a.zip")
    apart = list(records.read(location, "a.zip"))
    found = list(records.read_together(location, "a.zip"))
    runs = [each for each in found if isinstance(each, FileRun)]
    assert sum(len(each.counts) for each in runs) == len(SAME)
    accounts = [{name: getattr(each, name) for name in ACCOUNTS.names} for each in apart if isinstance(each, records.Account)]  # fmt: skip
    rest = [{name: getattr(each, name) for name in ACCOUNTS.names} for each in found if isinstance(each, records.Account)]  # fmt: skip
    rest += [row for each in runs for row in each.accounts.to_pylist()]
    assert sorted(rest, key=lambda each: each["path"]) == sorted(accounts, key=lambda each: each["path"])
    whole = [each.table for each in apart if isinstance(each, records.Batch)]
    parts = [each.table for each in found if isinstance(each, records.Batch)] + [each.table for each in runs]
    assert sum(map(len, parts)) == sum(map(len, whole))
    texts = [sorted(map(str, pa.Table.from_batches(each)["whole"].to_pylist())) for each in (parts, whole)]
    assert texts[0] == texts[1]


def test_a_small_file_is_read_in_one_call_or_left_to_others(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "none").write_bytes(b"")
    assert regular_files.read_small(tmp_path / "a", 3) == b"abc"
    assert regular_files.read_small(str(tmp_path / "a").encode(), 2) is None  # larger
    assert [regular_files.read_small(tmp_path / name, 9) for name in ("none", "absent", ".")] == [None] * 3
    read = regular_files.os.read
    monkeypatch.setattr(regular_files.os, "read", lambda handle, size: read(handle, size)[:2])  # it was cut
    assert regular_files.read_small(tmp_path / "a", 3) is None


def test_every_format_that_reads_many_reads_one(tmp_path):
    many = [name for name, form in FORMATS.items() if form.read_small is not None]
    assert many == ["jsonl", "json", "lines", "text"]
    for name in many:
        content = {
            "text": b"one",
            "lines": b"One more sentence.\n" * 9,
            "json": b'{"text": "one"}',
            "jsonl": b'{"text": "one"}\n{"text": "two"}',
        }[name]
        path = "x.txt" if name in ("lines", "text") else f"x.{name}"
        assert format_detection.detect_format(content, path) == name
        assert compare(tmp_path, {path: content}) == []
