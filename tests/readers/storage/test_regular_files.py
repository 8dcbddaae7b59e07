"""Only regular files are read, and no longer than they were."""

import io
import os
import threading
from types import SimpleNamespace

import pytest

import provenance as pv
from provenance.cli import run
from provenance.readers import records, storage
from provenance.readers.records import Account, Batch
from provenance.readers.storage import regular_files


def account(location, **options):
    return [item for item in records.read(location, "f", **options) if isinstance(item, Account)][-1]


def test_a_head_is_of_a_regular_file_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match=r"regular|directory"):
            regular_files.read_head(place, 100)
    (tmp_path / "x").write_bytes(b"abc")
    assert regular_files.read_head(tmp_path / "x", 2) == b"ab"
    assert regular_files.read_head(tmp_path / "x", 9) == b"abc"


@pytest.mark.skipif(not os.path.exists("/proc/self/pagemap"), reason="no such files here")  # noqa: PTH110
@pytest.mark.parametrize("place", ["/proc/self/pagemap", "/proc/self/maps"])
def test_a_file_of_the_system_without_a_size_is_not_called_empty(place):
    """One is read by eights alone, the other has no end that its size tells: the digest of nothing is of neither."""
    found = account(place)
    assert found.skip_reason.startswith("it has no size, and is not read as empty")
    assert found.sha256 is None


def test_what_grows_is_read_to_the_size_that_it_had(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    with storage.open_regular(tmp_path / "x") as file:
        bounded = regular_files.BoundedFile(file, 3)
        with (tmp_path / "x").open("ab") as more:
            more.write(b"def")
        assert bounded.read(2) + bounded.read() + bounded.read(9) == b"abc"


@pytest.mark.parametrize("reads", [records.read, lambda place, path: iter([records.make_account(place, path, None)])])
def test_a_file_that_grows_while_it_is_read_is_said(tmp_path, monkeypatch, reads):
    place = tmp_path / "x.jsonl"
    place.write_bytes(b'{"text": "a record of some words"}\n' * 9)
    before = storage.DigestingReader.read

    def grow(tap, size=-1):
        with place.open("ab") as file:
            file.write(b'{"text": "one more"}\n')
        return before(tap, size)

    monkeypatch.setattr(storage.DigestingReader, "read", grow)
    found = list(reads(str(place), "f"))[-1]
    assert found.skip_reason.startswith("file-changed-during-scan: it grew beyond the 315 bytes")
    assert found.bytes == 315


def test_a_file_that_is_cut_while_it_is_read_is_said(tmp_path, monkeypatch):
    place = tmp_path / "x.txt"
    place.write_bytes(b"words and more words\n\n" * 100_000)
    before = storage.open_regular

    def cut(location):
        file = before(location)
        file.read(0)
        os.truncate(location, 1000)
        return file

    monkeypatch.setattr(storage, "open_regular", cut)
    monkeypatch.setattr(os, "fstat", lambda handle, real=os.fstat: _resized(real(handle), 2_200_000))
    found = account(str(place))
    assert found.skip_reason == (
        "it yields 1,000 bytes where its size is 2,200,000: it was cut while it was read, or is no real file"
    )
    assert (found.bytes, found.bytes_skipped) == (2_200_000, 2_199_000)


def _resized(status, size):
    return SimpleNamespace(st_size=size, st_mode=status.st_mode, st_blocks=size // 512)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc here")  # noqa: PTH110 - no folder
@pytest.mark.parametrize("place", ["/proc/self/status", "/proc/cpuinfo", "/proc/kmsg"])
def test_a_file_without_a_size_that_yields_bytes_is_not_read(place):
    if not os.access(place, os.R_OK):
        pytest.skip(f"{place} may not be read here")
    found = account(place)
    assert found.skip_reason is not None
    assert found.records == 0


def test_a_sparse_file_is_not_read_as_zeros(tmp_path):
    with (tmp_path / "x.txt").open("wb") as file:
        file.write(b"a few words\n")
        file.truncate(1 << 42)
    found = account(str(tmp_path / "x.txt"))
    assert found.skip_reason.startswith("a sparse file: 4,398,046,511,104 bytes, of which ")
    assert found.bytes_skipped == 1 << 42
    assert records.make_account(str(tmp_path / "x.txt"), "f", None).skip_reason.startswith("a sparse file")


def test_a_file_with_a_hole_is_read(tmp_path):
    with (tmp_path / "x.jsonl").open("wb") as file:
        file.write(b'{"text": "a record"}\n' * 4000)
        file.seek(8 << 20)
        file.write(b'\n{"text": "another"}\n')
    rows = [len(item.table) for item in records.read(str(tmp_path / "x.jsonl"), "x.jsonl") if isinstance(item, Batch)]
    assert sum(rows) == 4002


def test_links_to_what_never_ends_are_not_followed(tmp_path, in_process):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x.jsonl").write_text('{"text": "a record of a few words"}\n')
    targets = [each for each in ("/dev/zero", "/proc/kmsg", "/proc/self/status") if os.access(each, os.R_OK)]
    for number, target in enumerate(targets):
        (tmp_path / f"data/link{number}.txt").symlink_to(target)
    done = []

    def scan():
        done.append(pv.scan(tmp_path / "data", follow_links=True))

    thread = threading.Thread(target=scan, daemon=True)
    thread.start()
    thread.join(120)
    assert done, "a link was read for ever"
    files = done[0].files.set_index("path")
    assert files.loc["x.jsonl", "records"] == 1
    for number in range(len(targets)):
        assert files.loc[f"link{number}.txt", "skip_reason"]


@pytest.mark.parametrize("place", ["/dev/zero", "pipe"])
@pytest.mark.parametrize(
    "arguments",
    [
        "scan data --waivers {}",
        "scan data --reference {}",
        "scan data --key {}",
        "scan data --key keys --password-file {}",
        "verify ledger --trust {}",
        "verify ledger --since {}",
        "declare ledger {}",
        "review ledger {}",
        "index build {} -o made.index",
        "key add ledger {} --role waiver",
        "key certificate ledger {}",
        "timestamp attach ledger {}",
    ],
)
def test_a_device_or_pipe_is_no_input(tmp_path, monkeypatch, capfd, arguments, place):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x.jsonl").write_text('{"text": "a record of a few words"}\n')
    for name in ("origin", "checkpoints/x", "entries/x"):
        (tmp_path / "ledger" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ledger" / name).write_text("provenance.example/log\n")
    codes = []
    thread = threading.Thread(
        target=lambda: codes.append(run([each.format(place) for each in arguments.split()])), daemon=True
    )
    thread.start()
    thread.join(60)
    assert codes, "it is read for ever"
    said = "".join(capfd.readouterr())
    assert codes[0] != 0
    assert "Traceback" not in said
    assert said.strip()


def test_a_copy_for_random_access_lies_in_a_file(tmp_path):
    stream = storage.Stream(io.BytesIO(b"x" * (20 << 20)))
    held = storage.copy_to_file(stream, 30 << 20)
    assert held._file._rolled
    held.seek(-3, 2)
    assert held.read() == b"xxx"
    held.close()
    assert storage.copy_to_file(storage.Stream(io.BytesIO(b"x" * 100)), 99) is None


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE", "provenance.yaml", "croissant.json", "terms.jsonl", "x.jsonl"]
)
def test_a_sparse_file_of_any_role_ends_no_scan_and_no_comparison(tmp_path, in_process, name):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text('{"text": "a record of a few words"}\n')
    (data / name).write_text('{"@context": {"cr:": 1}, "@type": "sc:Dataset"}\n')
    if name == "terms.jsonl":
        (data / "provenance.yaml").write_text(
            "provenance: 1\nsources:\n  - {id: a, path: ., kind: commercial, contract: {file: terms.jsonl}}\n"
        )
    os.truncate(data / name, 1 << 40)
    done = []

    def audit():
        done.append(pv.scan(data, tmp_path / "ledger"))
        done.append(pv.verify(tmp_path / "ledger", data=data))

    thread = threading.Thread(target=audit, daemon=True)
    thread.start()
    thread.join(120)
    assert len(done) == 2, "it is read for ever"
    row = done[0].files.set_index("path").loc[name]
    assert "a sparse file" in row["skip_reason"]
    assert row["bytes_skipped"] == 1 << 40
    assert done[0].files.set_index("path").loc["a.jsonl", "records"] == 1


def test_a_file_that_became_sparse_since_the_scan_is_said_by_verify(tmp_path, in_process):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text('{"text": "a record of a few words"}\n')
    (data / "README.md").write_text("# A\n")
    pv.scan(data, tmp_path / "ledger")
    os.truncate(data / "README.md", 1 << 40)
    result = []
    thread = threading.Thread(target=lambda: result.append(pv.verify(tmp_path / "ledger", data=data)), daemon=True)
    thread.start()
    thread.join(120)
    assert result, "it is read for ever"
    assert result[0].exit_code == 2
    assert "README.md: a sparse file" in "\n".join(result[0].lines())
