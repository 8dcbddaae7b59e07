import json
from datetime import UTC, datetime

import pytest

import provenance as pv
from provenance.cli import run
from provenance.core import schemas
from provenance.core.model import UNSAMPLED
from provenance.errors import ConfigError
from provenance.pipeline import file_sampling
from provenance.pipeline.reading.read_pass import FileToRead
from provenance.readers import records
from provenance.reports import json as report
from provenance.reports import sarif, text

pytestmark = pytest.mark.usefixtures("in_process")

CARD = "---\nlicense: {}\n---\n# A set\n"


def lines(name, count=20, **more):
    return "".join(
        json.dumps({"text": f"record {k} of {name} has a few words of its own"} | more) + "\n" for k in range(count)
    )


@pytest.fixture
def data(tmp_path):
    """Two sources of twenty files, one of one file; `columns` states its licence in its records alone."""
    root = tmp_path / "data"
    for source, licence, files in (
        ("nc", "cc-by-nc-4.0", 20),
        ("mit", "mit", 20),
        ("one", "mit", 1),
        ("columns", None, 20),
    ):
        (root / source).mkdir(parents=True)
        (root / source / "README.md").write_text(
            CARD.format(licence) if licence else "---\npretty_name: Columns\n---\n"
        )
        for k in range(files):
            more = {} if licence else {"license": "mit"}
            (root / source / f"{k}.jsonl").write_text(lines(f"{source} {k}", **more))
    return root


@pytest.mark.parametrize(
    ("given", "share"), [("1%", 0.01), ("0.01", 0.01), (" 0.5 % ", 0.005), (".25", 0.25), ("99%", 0.99)]
)
def test_shares(given, share):
    assert file_sampling.parse_share(given) == pytest.approx(share)


@pytest.mark.parametrize("given", ["0", "0%", "1", "100%", "200%", "-1%", "1e-3", "half", "", "1%%", "nan"])
def test_what_is_no_share(given):
    with pytest.raises(ConfigError, match="is no share of the data: give 1%"):
        file_sampling.parse_share(given)


def file(path, size, **more):
    return FileToRead(path, path.encode(), more.pop("role", "data"), None, more.pop("reason", None), size)


def source_of(path):
    return path.split("/")[0]


def test_the_sample_of_each_source_reaches_its_share_and_no_further():
    files = [file(f"{source}/{k}", 10) for source, count in (("a", 1000), ("b", 50), ("c", 1)) for k in range(count)]
    drawn = file_sampling.draw_sample(files, source_of, 0.05)
    read = [each.path for each in drawn.files]
    assert [sum(source_of(path) == source for path in read) for source in "abc"] == [50, 3, 1]
    assert {each.path for each in drawn.left} | set(read) == {each.path for each in files}
    assert (drawn.frame, drawn.drawn) == ((1051, 10510), (54, 540))
    again = file_sampling.draw_sample(files[::-1], source_of, 0.05)
    assert {each.path for each in again.files} == set(read)
    assert {each.path for each in file_sampling.draw_sample(files, source_of, 0.1).files} > set(read)
    assert read[:50] != [f"a/{k}" for k in range(50)]


def test_what_is_no_data_is_always_read():
    files = [
        file("a/README.md", 5, role="manifest"),
        file("a/x", 5),
        file("a/y", 5),
        file("a/z", 0, reason="a pointer"),
    ]
    drawn = file_sampling.draw_sample(files, source_of, 0.01)
    assert {each.path for each in drawn.files} > {"a/README.md", "a/z"}
    assert drawn.frame == (2, 10)
    assert len(drawn.left) == 1


def test_of_large_files_the_head_is_asked_for():
    files = [
        file("a/huge", 10_000 * file_sampling.LARGE_FILE),
        file("b/large", 2 * file_sampling.LARGE_FILE),
        file("c/small", file_sampling.LARGE_FILE),
    ]
    heads = {each.path: each.head for each in file_sampling.draw_sample(files, source_of, 0.01).files}
    assert heads == {"a/huge": 100 * file_sampling.LARGE_FILE, "b/large": file_sampling.HEAD_BYTES, "c/small": None}


@pytest.mark.parametrize(
    ("name", "content", "head", "end", "count"),
    [
        ("x.jsonl", b'{"text": "a b c"}\n' * 100, 50, 36, 2),
        ("x.txt", b"one passage\n\n" * 100, 30, 26, 2),
        ("x.jsonl", b'{"text": "a b c"}\n' * 100, 5000, None, 100),  # all of it is smaller
        ("x.csv", b"text\n" + b"a b c\n" * 100, 50, None, 100),  # a field may hold line breaks
        ("x.txt", "one passage\n\n".encode("utf-16") * 3, 20, None, None),
        ("x.txt", b"one passage without an end" * 100, 50, None, 1),
    ],
)
def test_a_head_ends_with_a_whole_record(tmp_path, name, content, head, end, count):
    path = tmp_path / name
    path.write_bytes(content)
    *batches, account = records.read(str(path), name, head=head)
    assert count is None or sum(len(batch.table) for batch in batches) == account.records == count
    assert account.records_unreadable == 0
    assert account.bytes == len(content)
    if end is None:
        assert account.sha256 is not None
    else:
        assert (account.bytes_consumed, account.bytes_skipped, account.sha256) == (end, len(content) - end, None)
        assert account.skip_reason == f"{UNSAMPLED} beyond its first {end} bytes"


def test_a_sample_is_labelled_everywhere_and_no_verdict_rests_on_it(data):
    full, found = pv.scan(data), pv.scan(data, sample=0.1)
    for name, schema in schemas.SEALED.items():
        assert found.tables[name].schema.equals(schema, check_metadata=True)
    files = found.tables["files"].to_pylist()
    assert [row["path"] for row in files] == full.tables["files"]["path"].to_pylist()
    read = [row for row in files if row["role"] == "data" and row["records"]]
    counts = {source: sum(row["source"] == source for row in read) for source in ("columns", "mit", "nc", "one")}
    assert counts.pop("one") == 1
    assert set(counts.values()) <= {2, 3}  # of twenty files of nearly one size
    left = [row for row in files if row["role"] == "data" and not row["records"]]
    assert {(row["skip_reason"], row["bytes_consumed"], row["sha256"]) for row in left} == {(UNSAMPLED, 0, None)}
    assert all(row["bytes_consumed"] + row["bytes_skipped"] == row["bytes"] for row in files)
    coverage = found.tables["coverage"].to_pylist()
    assert coverage[0]["check"] == "sample"
    assert all("sampled" in row["reason"].lower() for row in coverage)
    assert "nothing found in what was examined" in full.tables["verdicts"]["observed"].to_pylist()
    assert set(found.tables["verdicts"]["observed"].to_pylist()) == {"open point", "not examined"}
    assert found.facts["config"]["sample"] | {"drawn": 0} == {
        "share": 0.1, "seed": "sample/v1", "frame": {"files": 61, "bytes": sum(row["bytes"] for row in files if row["role"] == "data")}, "drawn": 0,
    }  # fmt: skip


def test_a_sample_accuses_nobody_whom_the_full_scan_does_not(data):
    full, found = pv.scan(data), pv.scan(data, sample=0.1)
    accused = {row["fingerprint"] for row in found.tables["findings"].to_pylist()}
    assert accused == {row["fingerprint"] for row in full.tables["findings"].to_pylist()}
    assert {row["check"] for row in found.tables["findings"].to_pylist()} == {
        "licence-forbids-purpose",
        "origin-undocumented",
    }
    licences = {row["source"]: row["licence_concluded"] for row in found.tables["sources"].to_pylist()}
    assert licences["columns"] == "MIT"


def test_what_is_left_out_of_a_sample_is_not_judged_either(data):
    (data / "columns" / "README.md").write_text("---\npretty_name: Columns\n---\n")
    found = pv.scan(data, sample=0.1).without("one")
    assert {row["check"] for row in found.tables["findings"].to_pylist()} == {
        "licence-forbids-purpose",
        "origin-undocumented",
    }
    assert set(found.tables["verdicts"]["observed"].to_pylist()) == {"open point", "not examined"}


def test_files_that_are_not_in_the_sample_are_not_opened(data, monkeypatch):
    opened = []
    before = records.storage.open_regular
    monkeypatch.setattr(records.storage, "open_regular", lambda location: opened.append(location) or before(location))
    found = pv.scan(data, sample=0.1)
    names = {location.decode().removeprefix(f"{data}/") for location in opened}
    assert {row["path"] for row in found.tables["files"].to_pylist() if row["records"]} <= names
    assert not {row["path"] for row in found.tables["files"].to_pylist() if row["skip_reason"]} & names


def test_every_report_begins_with_it(data):
    found = pv.scan(data, sample=0.1)
    shown = text.render(found.tables, found.facts).decode()
    assert shown.startswith("SAMPLED at 10 % of the bytes of each source: ")
    assert ": sampled" not in shown.partition("Findings:")[0]
    assert json.loads(report.render(found.tables, found.facts))["coverage"][0]["reason"].startswith("SAMPLED")
    (run_,) = json.loads(sarif.render(found.tables, found.facts))["runs"]
    assert run_["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("sample ran: SAMPLED")


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--sample", "10%"], 1, "SAMPLED at 10 %"),
        (["--sample", "10%", "--fail-on", "never"], 0, "SAMPLED"),
        (["--sample", "2"], 2, "is no share of the data"),
        (["--sample", "10%", "--assess"], 2, "an assessment rests on all of the data"),
    ],
)
def test_the_flag(data, tmp_path, capfd, options, code, sentence):
    ledger = str(tmp_path / "ledger")
    assert run(["scan", str(data), "--ledger", ledger, *options]) == code
    said = capfd.readouterr()
    assert sentence in said.out + said.err
    if code < 2:
        assert run(["verify", ledger, "--data", str(data)]) == 0
        assert pv.open_ledger(ledger).facts["startedOn"] <= f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
