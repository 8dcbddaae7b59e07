"""The guard: what is trained on is what was audited, and its audit says what is wanted."""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

import provenance as pv
from provenance import ledger as ledger_
from provenance.cli import run
from provenance.errors import Refused
from provenance.pipeline import guard, guard_policy, signed_waivers

TEXT = '{"text": "one two three four five six seven eight nine"}\n'


def looked(world, name="clean", **policy):
    return guard.inspect_data(world / name / "data", world / name / "ledger", guard.GuardPolicy(**policy))


def test_what_was_audited_is_cleared(world):
    found = pv.guard(world / "clean" / "data", world / "clean" / "ledger")
    assert found.ok
    assert found.reasons == ()
    assert found.files("*.jsonl") == [str(world / "clean" / "data" / "a" / name) for name in ("x.jsonl", "y.jsonl")]
    note = (world / "clean" / "ledger" / "checkpoints" / "1.note").read_text().splitlines()
    assert found.root == base64.b64decode(note[2]).hex()
    assert found.bytes == sum(len(path.read_bytes()) for path in (world / "clean" / "data" / "a").iterdir())


def test_an_error_that_nobody_waived_refuses(world):
    with pytest.raises(Refused, match=r"1 finding at error or worse.*licence-missing of a") as raised:
        pv.guard(world / "bare" / "data", world / "bare" / "ledger")
    assert raised.value.clearance.same
    assert looked(world, "bare", findings="never").ok


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: (data / "a" / "x.jsonl").write_text(TEXT + "\n"), "1 file (a/x.jsonl) changed since the scan"),
        (lambda data: (data / "a" / "z.jsonl").write_text("{}\n"), "1 file (a/z.jsonl) not audited"),
        (lambda data: (data / "a" / "x.jsonl").unlink(), "1 file (a/x.jsonl) audited, but not there"),
        (lambda data: (data / "link").symlink_to(data / "a"), "1 file (link) not audited"),
        (lambda data: (data / "a" / "x.jsonl").rename(data / "a" / "X.jsonl"), "1 file (a/X.jsonl) not audited"),
    ],
)
def test_data_that_is_other_is_refused(world, harm, said):
    harm(world / "clean" / "data")
    found = looked(world)
    assert not found.ok
    assert any(reason.startswith(said) for reason in found.reasons), found.reasons


def test_files_may_be_missing_where_the_policy_lets_them(world):
    (world / "clean" / "data" / "a" / "x.jsonl").unlink()
    found = looked(world, missing="allow")
    assert found.ok
    assert found.files("*.jsonl") == [str(world / "clean" / "data" / "a" / "y.jsonl")]
    (world / "clean" / "data" / "a" / "README.md").unlink()
    assert re.match(
        r"Cleared: 1 file \(\d+ bytes\) is as entry 0 of \S+ audited it, and", looked(world, missing="allow").lines()[0]
    )


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"kind": "assessment"}, "the scan is a draft"),
        ({"profiles": ("baseline", "eu-ai-act")}, "the scan was not judged by eu-ai-act"),
        ({"purposes": ("research",)}, "the scan was for commercial-service; the policy wants research"),
        ({"observed": ("evidence missing",)}, None),
        ({"observed": ("not examined",)}, "elements observed: not examined: baseline "),
        ({"max_age_days": 0}, None),
    ],
)
def test_a_policy_that_does_not_hold_refuses(world, policy, said):
    found = looked(world, **policy)
    assert found.ok is (said is None), found.reasons
    assert said is None or any(said in reason for reason in found.reasons)


def test_an_old_scan_is_refused(world, monkeypatch):
    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=31)

    monkeypatch.setattr(guard, "datetime", Later)
    assert looked(world, max_age_days=40).ok
    assert "31 days old" in looked(world, max_age_days=30).reasons[0]


def test_a_waiver_counts_only_until_its_day(world, tmp_path, monkeypatch):
    day = datetime.now(UTC).date() + timedelta(days=5)
    mark = ledger_.read_tables(world / "bare" / "ledger")["findings"]["fingerprint"]
    waivers = [{"fingerprint": each, "reason": "r", "approver": "A", "expires": str(day)} for each in mark.to_pylist()]
    (tmp_path / "waivers.yaml").write_text(json.dumps({"waivers": waivers}))
    pv.scan(world / "bare" / "data", world / "bare" / "ledger", waivers=tmp_path / "waivers.yaml", workers=1)
    assert looked(world, "bare").ok
    held = ledger_.read_entry(world / "bare" / "ledger")["predicate"]
    assert signed_waivers.find_waived(held, (), str(day)) == set(mark.to_pylist())
    assert signed_waivers.find_waived(held, (), str(day + timedelta(days=1))) == set()


def test_a_waiver_of_the_ledger_counts_without_another_scan(world, monkeypatch):
    day, ledger = datetime.now(UTC).date() + timedelta(days=5), world / "bare" / "ledger"
    [bad] = [
        row for row in ledger_.read_tables(ledger)["findings"].to_pylist() if row["severity"] in {"fatal", "error"}
    ]
    assert not looked(world, "bare").ok
    pv.waive(ledger, bad["fingerprint"], reason="r", approver="A", expires=str(day))
    assert looked(world, "bare").ok

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=6)

    monkeypatch.setattr(guard, "datetime", Later)
    assert "licence-missing of a" in looked(world, "bare").reasons[0]


def test_a_changed_ledger_clears_nothing(world):
    path = next((world / "clean" / "ledger" / "scans").rglob("findings.parquet"))
    path.write_bytes(path.read_bytes() + b"\0")
    found = looked(world)
    assert not found.ok
    assert "the ledger does not verify" in found.reasons[0]
    assert found.bytes == 0


def test_keys_that_nobody_pinned_clear_nothing_unless_asked(world, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(world / "elsewhere"))
    assert "you have not pinned its keys" in looked(world).reasons[0]
    assert looked(world, keys="any").ok


@pytest.mark.parametrize(
    ("name", "content", "size", "why"),
    [
        ("model.bin", b"\0\xff" * 9, 18, "no reader for files of an unknown format yet"),
        ("x.pdf", b"%PDF-1.4\n\0\xff", 11, "no reader for pdf yet"),
        ("x.jsonl.gz", gzip.compress(TEXT.encode())[:-4], None, "truncated gzip stream"),
        (
            "z.jsonl",
            f'{TEXT}{{"text":\n'.encode(),
            8,
            "unreadable records: no JSON at its character 9: expecting value",
        ),
        (".gitattributes", b"*.bin filter=lfs\n", 0, None),
        (".x.txt", TEXT.encode(), len(TEXT), "hidden"),
        (".x.jsonl", TEXT.replace("one", "d").encode(), 0, None),
        ("LICENSE", b"MIT\n", 0, None),
    ],
)
def test_what_the_scan_did_not_read_is_cleared_only_where_the_policy_lets_it(world, name, content, size, why):
    (world / "clean" / "data" / "a" / name).write_bytes(content)
    pv.scan(world / "clean" / "data", world / "clean" / "ledger", workers=1)
    found = looked(world)
    assert [reason for reason in found.reasons if "read whole" in reason] == [
        f"1 file not read whole by the scan, so not audited (a/{name}: {why}; `unread: allow` lets that pass)"
    ] * (why is not None)
    allowed = looked(world, unread="allow")
    assert allowed.ok, allowed.reasons
    assert size in {None, allowed.bytes_unread}
    told = f"; {allowed.bytes_unread:,} bytes in 1 file were not read."
    assert allowed.lines()[0].endswith(told if why else "the policy holds.")
    (world / "clean" / "data" / "a" / name).unlink()
    assert looked(world, missing="allow").ok  # what is gone is not trained on


def test_a_member_that_was_not_read_counts_as_its_archive(world):
    with zipfile.ZipFile(world / "clean" / "data" / "a" / "z.zip", "w") as archive:
        archive.writestr("m.jsonl", f'{TEXT}{{"text":\n')
        archive.writestr("README.md", "# A")
    pv.scan(world / "clean" / "data", world / "clean" / "ledger", workers=1)
    assert (looked(world).unread, looked(world).bytes_unread) == (("a/z.zip",), 8)


def test_the_command_line(world, capsys, monkeypatch):
    monkeypatch.chdir(world)
    assert run(["guard", "clean/data", "--ledger", "clean/ledger"]) == 0
    assert "Cleared: 3 files" in capsys.readouterr().out
    assert run(["guard", "bare/data", "--ledger", "bare/ledger", "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["ledger"]["exit_code"] == 0
    assert run(["guard", "nowhere", "--ledger", "clean/ledger"]) == 2
    assert run(["guard", "clean/data", "--ledger", "clean/data"]) == 2
    capsys.readouterr()
    for option, value, said in (
        ("--policy", "nowhere.yaml", "the policy nowhere.yaml cannot be read"),
        ("--trust", "nowhere.yaml", "the trust file nowhere.yaml does not exist"),
        ("--since", "nowhere.note", "nowhere.note cannot be read as a checkpoint: No such file or directory"),
        ("--entry", "99", "clean/ledger has no entry 99; its entries are 0 to 0"),
    ):
        assert run(["guard", "clean/data", "--ledger", "clean/ledger", option, value]) == 2
        assert said in capsys.readouterr().err


def rescanned(world, **options):
    pv.scan(world / "clean" / "data", world / "clean" / "ledger", workers=1, **options)


# where a file that a loader could read is put after the scan
HIDING = {
    "a hidden folder that was there": (".h/x.jsonl", ["a/.h/x.jsonl"]),
    "a folder that was excluded": ("kept/x.jsonl", ["a/kept/x.jsonl"]),
    "a hidden folder": (".new/x.jsonl", ["a/.new/x.jsonl"]),
    "a hidden file": (".x.jsonl", ["a/.x.jsonl"]),
    "a folder that looks like a ledger": ("fake/checkpoints/x.jsonl", ["a/fake/checkpoints/x.jsonl"]),
}


@pytest.mark.parametrize(("name", "named"), HIDING.values(), ids=HIDING)
def test_what_a_loader_could_read_and_no_scan_did_refuses(world, name, named):
    data = world / "clean" / "data" / "a"
    for path in (".h/y.txt", "kept/y.txt", "fake/origin", "fake/checkpoints/1"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text("1")
    rescanned(world, exclude=["a/kept"])
    rest = ("a/.h/y.txt", "a/kept/y.txt", "a/fake/**")
    assert looked(world, allow=rest).ok
    (data / name).parent.mkdir(exist_ok=True)
    (data / name).write_text(TEXT)
    found = looked(world, allow=() if "fake" in name else rest)
    assert not found.ok
    [reason] = [each for each in found.reasons if named[0].rsplit("/", 1)[-1] in each]
    assert "not audited" in reason
    assert named[0] in reason
    allowed = looked(world, allow=(*rest, *named))
    assert allowed.ok, allowed.reasons
    assert str(data / name) not in allowed.files()
    assert dict(allowed.allowed)[named[0]]


def test_a_link_called_as_version_control_is_refused(world):
    (world / "clean" / "data" / ".git").symlink_to(world / "bare" / "data")
    assert any(".git) not audited" in reason for reason in looked(world).reasons)


def test_a_file_in_the_ledgers_folder_that_is_none_of_its_own(world):
    data = world / "clean" / "data"
    pv.scan(data, data / "ledger", workers=1)
    pv.scan(data, data / "ledger", workers=1)
    asked = data, data / "ledger", guard.GuardPolicy()
    assert guard.inspect_data(*asked).ok
    (data / "ledger" / "x.jsonl").write_text(TEXT)
    (data / "ledger" / "scans" / "a" / "b" / "c" / "d").mkdir(parents=True)
    (data / "ledger" / "scans" / "a" / "b" / "c" / "d" / "y.jsonl").write_text(TEXT)
    found = guard.inspect_data(*asked)
    assert any("(ledger/scans/a/b/c/d/y.jsonl, ledger/x.jsonl) not audited" in each for each in found.reasons)


@pytest.mark.parametrize(
    "name", [b"b\xff", rb"b\xff", b"foo!/x.jsonl", b"new\nline", "\u202eright".encode(), "e\u0301".encode()]
)
def test_a_name_of_any_bytes_clears_and_its_double_refuses(world, name):
    place = world / "clean" / "data" / "a" / os.fsdecode(name)
    place.parent.mkdir(exist_ok=True)
    place.write_text(TEXT.replace("one", "six"))
    rescanned(world)
    found = looked(world)
    assert found.ok, found.reasons
    assert str(place) in found.files()
    double = {b"b\xff": rb"b\xff", rb"b\xff": b"b\xff", "e\u0301".encode(): "é".encode()}.get(name, name + b"2")
    (world / "clean" / "data" / "a" / os.fsdecode(double)).write_text(TEXT)
    assert any("not audited" in reason for reason in looked(world).reasons)


def test_a_path_longer_than_the_system_opens_is_named_and_does_not_blame_the_ledger(world, deep, capsys):
    data, ledger = world / "clean" / "data", world / "clean" / "ledger"
    path = deep(data, 20)
    found = looked(world)
    assert any(f"({path}) not audited" in reason for reason in found.reasons)
    assert found.verification.exit_code == 0
    assert run(["verify", str(ledger), "--data", str(data)]) == 4
    assert f"added: {path[:3000]}" in capsys.readouterr().out  # a line is cut, and says so
    rescanned(world)
    assert any("not audited" in reason or "not read whole" in reason for reason in looked(world).reasons)


def test_what_cannot_be_read_is_said_with_its_cause(world, close, capsys):
    data, ledger = world / "clean" / "data", world / "clean" / "ledger"
    close(data / "a" / "x.jsonl")
    found = looked(world)
    assert found.reasons == ("1 file could not be read (a/x.jsonl: Permission denied)",)
    assert found.changes.changed == ()
    assert found.as_json()["unreadable"] == [{"path": "a/x.jsonl", "cause": "Permission denied"}]
    assert run(["verify", str(ledger), "--data", str(data)]) == 2
    said = capsys.readouterr().out
    assert said.startswith("The ledger verifies, but the data could not be read.")
    assert "1 file could not be read (a/x.jsonl: Permission denied)" in said


def test_a_folder_that_the_scan_could_not_read_either(world, close):
    place = world / "clean" / "data" / "a" / "closed"
    place.mkdir()
    (place / "x.jsonl").write_text(TEXT)
    close(place)
    rescanned(world)
    assert any("not read whole by the scan, so not audited (a/closed/" in each for each in looked(world).reasons)
    assert looked(world, allow=("a/closed/",), findings="never").ok
    place.chmod(0o755)
    assert any("a/closed/x.jsonl) not audited" in reason for reason in looked(world, findings="never").reasons)


def test_only_what_was_read_as_records_is_handed_out(world):
    data = world / "clean" / "data" / "a"
    files = {
        "empty.jsonl": b"", "x.jsonl.gz": gzip.compress(TEXT.replace("one", "b").encode()), "LICENSE": b"MIT\n", "n.bin": b"\0\xff" * 9,
        "half.jsonl": f'{TEXT.replace("one", "c")}{{"text":\n'.encode(), "broken.json": b'{"text": "a', ".h.jsonl": TEXT.encode(),
    }  # fmt: skip
    for name, content in files.items():
        (data / name).write_bytes(content)
    (data / "link.jsonl").symlink_to("x.jsonl")
    rescanned(world)
    found = looked(world, unread="allow", findings="never")
    assert found.ok, found.reasons
    names = {path.removeprefix(f"{data}/") for path in found.files()}
    assert names == {".h.jsonl", "empty.jsonl", "half.jsonl", "x.jsonl", "x.jsonl.gz", "y.jsonl"}
    assert {"a/README.md", "a/LICENSE", "a/n.bin"} <= set(found.same)
    assert found.digests["a/x.jsonl"] == hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.mark.parametrize("moment", ["opened", "verified"])
def test_a_ledger_that_is_exchanged_meanwhile_clears_nothing(world, monkeypatch, moment):
    """The bare folder has an error: whoever puts the ledger of a clean scan in its place must not clear it."""
    shutil.rmtree(world / "bare" / "data" / "a")
    shutil.copytree(world / "clean" / "data" / "a", world / "bare" / "data" / "a")
    (world / "bare" / "data" / "a" / "README.md").write_text("# A\n")
    pv.scan(world / "bare" / "data", world / "bare" / "ledger", workers=1)
    assert not looked(world, "bare").ok

    def exchange():
        for one, other in (("bare", "kept"), ("clean", "bare")):
            shutil.move(world / one / "ledger", (world / other) / "ledger")

    (world / "kept").mkdir()
    verify, verified = guard.report_check.verify, []

    def verify_and_exchange(*arguments, **options):
        if moment == "opened":
            exchange()
        verified.append(verify(*arguments, **options))
        if moment == "verified":
            exchange()
        return verified[0]

    monkeypatch.setattr(guard.report_check, "verify", verify_and_exchange)
    found = looked(world, "bare")
    assert verified[0].exit_code == 0
    assert not found.ok
    assert found.files() == []


@pytest.mark.parametrize(
    ("ahead", "policy", "ok"),
    [
        (timedelta(minutes=2), {"max_age_days": 1}, True),  # two clocks
        (timedelta(hours=2), {"max_age_days": 1}, False),
        (timedelta(hours=2), {}, True),
        (timedelta(days=2), {}, False),
        (timedelta(days=3650), {"max_age_days": 99999}, False),
    ],
)
def test_a_scan_of_the_future_has_no_age(world, monkeypatch, ahead, policy, ok):
    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - ahead

    monkeypatch.setattr(guard, "datetime", Earlier)
    found = looked(world, **policy)
    assert found.ok is ok
    assert ok or "which is yet to come" in found.reasons[0]


@pytest.mark.parametrize("name", ["data", "ledger", "ledger/checkpoints", "policy.yaml", "trust.yaml"])
def test_what_the_guard_may_not_read_is_one_sentence(world, close, capsys, name):
    place = world / "clean"
    for file in ("policy.yaml", "trust.yaml"):
        (place / file).write_text("policy: 1\n")
    options = {"policy.yaml": ["--policy", str(place / name)], "trust.yaml": ["--trust", str(place / name)]}.get(
        name, []
    )
    close(place / name)
    code = run(["guard", str(place / "data"), "--ledger", str(place / "ledger"), *options])
    assert code == 2 or (name == "data" and code == 4)
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.search(r"cannot be read: Permission denied($|; let this user read it)|is not readable\.$", said), said


FORM = """\
attestation: derivation
by: {{ name: Li Hua, role: head of data }}
date: 2026-01-31
tool: {{ name: shard, version: "1" }}
inputs: {inputs}
"""


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("clean", "[{ entry: 0 }]", None),
        ("bare", "[{ entry: 0 }]", "entry 0: 1 finding at error"),
        (
            "clean",
            f"[{{ entry: 0 }}, {{ name: web crawl, sha256: {'ab' * 32} }}]",
            "made of web crawl too, which no scan",
        ),
    ],
)
def test_what_was_made_of_audited_data_is_as_good_as_its_scans(world, tmp_path, name, inputs, said):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "0.bin").write_bytes(b"\1\2\3")
    (tmp_path / "form.yaml").write_text(FORM.format(inputs=inputs))
    entry = pv.attest(world / name / "ledger", tmp_path / "form.yaml", data=tmp_path / "shards")
    asked = tmp_path / "shards", world / name / "ledger", guard.GuardPolicy()
    found = guard.inspect_data(*asked, entry=entry.index)
    assert found.entry == 1
    assert found.ok is (said is None), found.reasons
    assert said is None or any(said in reason for reason in found.reasons)
    (tmp_path / "shards" / "0.bin").write_bytes(b"\1\2\4")
    changed = guard.inspect_data(*asked, entry=entry.index)
    assert any("0.bin) changed" in reason for reason in changed.reasons)
    assert not guard.inspect_data(*asked).ok  # of the scan itself they are not


def test_the_documentation_shows_a_policy_and_a_loader_that_work(world, tmp_path, monkeypatch, request):
    text = (request.config.rootpath / "docs" / "check-before-training.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- example: policy -->\n```yaml\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "policy.yaml").write_text(shown)
    assert guard_policy.read_policy(tmp_path / "policy.yaml").max_age_days == 90
    code = re.search(r"<!-- example: guard -->\n```python\n(.*?)```", text, re.DOTALL)[1]
    (world / "clean" / "ledger").rename(world / "clean" / "provenance-ledger")
    monkeypatch.chdir(world / "clean")
    loaded = []
    loader = SimpleNamespace(load_dataset=lambda kind, data_files: loaded.extend([kind, *data_files]))
    exec(code, {"datasets": loader})  # noqa: S102 - our own README
    assert loaded == ["json", "data/a/x.jsonl", "data/a/y.jsonl"]
