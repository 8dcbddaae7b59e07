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
from provenance import guarding
from provenance.cli import run
from provenance.errors import ConfigError, Refused
from provenance.ledger import contents

TEXT = '{"text": "one two three four five six seven eight nine"}\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two folders that were scanned once: a clean one, and one that has no licence."""
    root = tmp_path_factory.mktemp("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        for name, card in (("clean", "---\nlicense: cc0-1.0\n---\n# A\nhttps://example.org/a\n"), ("bare", "# A\n")):
            folder = root / name / "data" / "a"
            folder.mkdir(parents=True)
            (folder / "README.md").write_text(card)
            (folder / "x.jsonl").write_text(TEXT)
            (folder / "y.jsonl").write_text(TEXT.replace("one", "ten"))
            pv.scan(root / name / "data", root / name / "ledger", workers=1)
    return root


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "w", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "w" / "home"))
    return tmp_path / "w"


def looked(world, name="clean", **policy):
    return guarding.inspect(world / name / "data", world / name / "ledger", guarding.Policy(**policy))


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
        ({"verdicts": ("does not conform",)}, None),
        ({"verdicts": ("not evidenced",)}, "elements judged not evidenced: baseline "),
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

    monkeypatch.setattr(guarding, "datetime", Later)
    assert looked(world, max_age_days=40).ok
    assert "31 days old" in looked(world, max_age_days=30).reasons[0]


def test_a_waiver_counts_only_until_its_day(world, tmp_path, monkeypatch):
    day = datetime.now(UTC).date() + timedelta(days=5)
    mark = guarding.ledger_.tables(world / "bare" / "ledger")["findings"]["fingerprint"]
    waivers = [{"fingerprint": each, "reason": "r", "approver": "A", "expires": str(day)} for each in mark.to_pylist()]
    (tmp_path / "waivers.yaml").write_text(json.dumps({"waivers": waivers}))
    pv.scan(world / "bare" / "data", world / "bare" / "ledger", waivers=tmp_path / "waivers.yaml", workers=1)
    assert looked(world, "bare").ok
    held = guarding.ledger_.read_entry(world / "bare" / "ledger")["predicate"]
    assert guarding._waived(held, (), str(day)) == set(mark.to_pylist())
    assert guarding._waived(held, (), str(day + timedelta(days=1))) == set()


def test_a_waiver_of_the_ledger_counts_without_another_scan(world, monkeypatch):
    day, ledger = datetime.now(UTC).date() + timedelta(days=5), world / "bare" / "ledger"
    [bad] = [
        row for row in guarding.ledger_.tables(ledger)["findings"].to_pylist() if row["severity"] in {"fatal", "error"}
    ]
    assert not looked(world, "bare").ok
    pv.waive(ledger, bad["fingerprint"], reason="r", approver="A", expires=str(day))
    assert looked(world, "bare").ok

    class Later:
        @staticmethod
        def now(tz):
            return datetime.now(tz) + timedelta(days=6)

    monkeypatch.setattr(guarding, "datetime", Later)
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
        ("z.jsonl", f'{TEXT}{{"text":\n'.encode(), 8, "unreadable records"),
        (".gitattributes", b"*.bin filter=lfs\n", 0, None),
        (".x.jsonl", TEXT.encode(), len(TEXT), "hidden"),
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


def test_a_policy_is_read(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("policy: 1\nkind: assessment\nprofiles: [cn-interim-measures]\nmax-age-days: 90\nmissing: allow\n")
    assert guarding.read_policy(path) == guarding.Policy(
        kind="assessment", profiles=("cn-interim-measures",), max_age_days=90, missing="allow"
    )
    path.write_text("policy: 1\n")
    assert guarding.read_policy(path) == guarding.Policy() == guarding.read_policy(None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policy: 2\n", r"at /policy, line 1"),
        ("policy: 1\nfindngs: error\n", "findngs"),
        ("policy: 1\nprofiles: [x]\n", "there is no profile 'x'; there are: baseline, "),
        ("policy: 1\nmax-age-days: soon\n", r"at /max-age-days, line 2"),
        ("[]\n", "at /"),
        ("policy: 1\npolicy: 1\n", "policy.yaml"),
        ("\x00", "policy.yaml"),
    ],
)
def test_a_wrong_policy_is_one_sentence(tmp_path, text, said):
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        guarding.read_policy(tmp_path / "policy.yaml")


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


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_one_answer(tmp_path, threads):
    names = [f"d{number % 7}/{number}" for number in range(3000)]
    for name in names:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(name.encode())
    told = [
        (name, hashlib.sha256(name.encode()).hexdigest() if index % 10 else "0" * 64)
        for index, name in enumerate(names)
    ]
    told += [("gone", "0" * 64), ("d0/0!/member", "0" * 64), ("covered/", None), ("d1/unread", None)]
    for name in ("covered/x", "d1/unread", "more"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"")
    found = contents.compare(iter(told), tmp_path / "data", tmp_path / "ledger", threads=threads)
    assert found.changes.changed == tuple(sorted(names[::10]))
    assert found.changes.added == ("more",)
    assert found.changes.removed == ("gone",)
    assert found.unread == ("d1/unread",)
    assert found.bytes == sum(map(len, names))
    assert len(found.same) == 2700


def test_a_name_that_is_no_utf_8_is_compared(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"a\xff")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes no such name")
    digest = hashlib.sha256(b"x").hexdigest()
    found = contents.compare([("a\\xff", digest)], tmp_path, tmp_path / "ledger")
    assert found.same == ("a\\xff",)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_cannot_be_listed_does_not_pass_for_empty(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(PermissionError):
        contents.compare([], tmp_path, tmp_path / "ledger")


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
    asked = tmp_path / "shards", world / name / "ledger", guarding.Policy()
    found = guarding.inspect(*asked, entry=entry.index)
    assert found.entry == 1
    assert found.ok is (said is None), found.reasons
    assert said is None or any(said in reason for reason in found.reasons)
    (tmp_path / "shards" / "0.bin").write_bytes(b"\1\2\4")
    changed = guarding.inspect(*asked, entry=entry.index)
    assert any("0.bin) changed" in reason for reason in changed.reasons)
    assert not guarding.inspect(*asked).ok  # of the scan itself they are not


def test_the_readme_shows_a_policy_and_a_loader_that_work(world, tmp_path, monkeypatch, request):
    text = (request.config.rootpath / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- example: policy -->\n```yaml\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "policy.yaml").write_text(shown)
    assert guarding.read_policy(tmp_path / "policy.yaml").max_age_days == 90
    code = re.search(r"<!-- example: guard -->\n```python\n(.*?)```", text, re.DOTALL)[1]
    (world / "clean" / "ledger").rename(world / "clean" / "provenance-ledger")
    monkeypatch.chdir(world / "clean")
    loaded = []
    loader = SimpleNamespace(load_dataset=lambda kind, data_files: loaded.extend([kind, *data_files]))
    exec(code, {"datasets": loader})  # noqa: S102 - our own README
    assert loaded == ["json", "data/a/x.jsonl", "data/a/y.jsonl"]
