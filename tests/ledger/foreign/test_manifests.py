"""OMS manifests of scans, verified by the command line of model-signing, and compared with those it makes itself."""

import base64
import json
import shutil
import zipfile

import pytest

import provenance as pv
from provenance import ledger
from provenance.ledger.exports import ExportRequest, oms, write

from .conftest import run

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("in_process")]


@pytest.fixture
def scanned(tmp_path, monkeypatch):
    """A folder with what is awkward in it, its ledger, and its manifest."""
    data = tmp_path / "data"
    for name, text in {
        "a/b.jsonl": '{"text": "one"}\n',
        "a-b.jsonl": '{"text": "two"}\n',
        "a.jsonl": '{"text": "three"}\n',
        "ü 字/odd!/back\\slash.txt": "four\n",
        "empty.txt": "",
        "README.md": "# A set\n",
        ".gitignore": "x\n",
        ".hidden/secret.txt": "not read\n",
        ".git/config": "[core]\n",
        "with\nnewline.txt": "five\n",
    }.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(text)
    with zipfile.ZipFile(data / "z.zip", "w") as archive:
        archive.writestr("member.jsonl", '{"text": "six"}\n')
    (data / "link.jsonl").symlink_to("a.jsonl")
    pv.scan(data, tmp_path / "ledger", workers=1)
    write(tmp_path / "ledger", tmp_path / "signature", "oms", ExportRequest())
    return tmp_path


def verified(environment, folder):
    tool = environment / "bin" / "model_signing"
    public = folder / "ledger" / "keys" / "statement.pub.pem"
    if not tool.exists():
        pytest.skip(f"model-signing is not installed in {environment}")
    return run(tool, "verify", "key", folder / "data", "--signature", folder / "signature", "--public_key", public, "--allow_symlinks")  # fmt: skip


def test_what_was_scanned_verifies(environment, scanned):
    told = verified(environment, scanned)
    assert (told.returncode, told.stdout) == (0, "Verification succeeded\n"), told.stderr


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda data: (data / "a/b.jsonl").write_text("other\n"), "Hash mismatch for 'a/b.jsonl'"),
        (lambda data: (data / "ü 字/more.txt").write_text(""), "Extra files found in model 'data': ü 字/more.txt"),
        (lambda data: (data / "empty.txt").unlink(), "Missing files in model 'data': empty.txt"),
        (lambda data: (data / "a-b.jsonl").rename(data / "c.jsonl"), "Missing files in model 'data': a-b.jsonl"),
        (lambda data: (data / "a/b.jsonl").rename(data / "a/c"), "Extra files found in model 'data': a/c"),
    ],
)
def test_other_data_is_refused(environment, scanned, harm, told):
    harm(scanned / "data")
    found = verified(environment, scanned)
    assert found.returncode != 0
    assert told in found.stdout + found.stderr


def test_what_the_scan_left_out_is_passed_over_and_named(environment, scanned):
    (scanned / "data/.hidden/secret.txt").write_text("may change\n")
    assert verified(environment, scanned).returncode == 0
    payload = json.loads(base64.b64decode(json.loads((scanned / "signature").read_bytes())["dsseEnvelope"]["payload"]))
    assert ".hidden" in payload["predicate"]["serialization"]["ignore_paths"]


def flipped(text, at):
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "harm",
    [
        lambda bundle: bundle["dsseEnvelope"].update(payload=flipped(bundle["dsseEnvelope"]["payload"], 200)),
        lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(sig=flipped(bundle["dsseEnvelope"]["signatures"][0]["sig"], 12)),
        lambda bundle: bundle["verificationMaterial"]["publicKey"].update(hint="0" * 64),
    ],
)  # fmt: skip
def test_a_harmed_signature_is_refused(environment, scanned, harm):
    bundle = json.loads((scanned / "signature").read_bytes())
    harm(bundle)
    (scanned / "signature").write_text(json.dumps(bundle))
    assert verified(environment, scanned).returncode != 0


def test_the_manifest_is_the_one_model_signing_makes(peer, scanned):
    files = ledger.read_tables(scanned / "ledger", None, ("files",))["files"].to_pylist()
    ours = oms.statement(files, "data", {})
    passed_over = ours["predicate"]["serialization"]["ignore_paths"]
    told = peer("model_manifest.py", "model_signing", scanned / "data", *passed_over)
    theirs = json.loads(told.stdout)
    assert theirs["predicate"]["resources"] == ours["predicate"]["resources"]
    assert theirs["subject"] == ours["subject"]
    assert set(theirs["predicate"]["serialization"]["ignore_paths"]) == set(passed_over)
    assert {**theirs, "predicate": None, "subject": None} == {**ours, "predicate": None, "subject": None}


def test_an_entry_is_no_manifest(environment, scanned):
    write(scanned / "ledger", scanned / "signature", "sigstore", ExportRequest())
    found = verified(environment, scanned)
    assert found.returncode != 0
    assert "Predicate type mismatch" in found.stdout + found.stderr


def test_names_that_are_not_utf8_cannot_be_in_it(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text('{"text": "one"}\n')
    shutil.copy(tmp_path / "data" / "a.jsonl", bytes(tmp_path / "data") + b"/caf\xe9.jsonl")
    pv.scan(tmp_path / "data", tmp_path / "ledger", workers=1)
    with pytest.raises(pv.errors.ConfigError, match=r"caf\\xe9\.jsonl"):
        write(tmp_path / "ledger", tmp_path / "signature", "oms", ExportRequest())
    assert not (tmp_path / "signature").exists()
