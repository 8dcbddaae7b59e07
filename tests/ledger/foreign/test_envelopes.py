"""Entries and bundles, verified by securesystemslib, sigstore-python and @sigstore/verify; and by openssl alone."""

import base64
import json
import shutil
import subprocess

import pytest

from provenance import ledger
from provenance.ledger.exports import ExportRequest, write
from provenance.ledger.keys import signing_keys

from .conftest import PEERS, run

pytestmark = pytest.mark.full


def flipped(text, at=10):
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return base64.b64encode(data).decode()


def with_signature(value, **changes):
    return value | {"signatures": [value["signatures"][0] | changes]}


HARMS = {
    "as written": lambda value, _: value,
    "another byte in the payload": lambda value, _: value | {"payload": flipped(value["payload"])},
    "a byte more": lambda value, _: value | {"payload": base64.b64encode(base64.b64decode(value["payload"]) + b" ").decode()},
    "another payload type": lambda value, _: value | {"payloadType": "application/json"},
    "another byte in the signature": lambda value, _: with_signature(value, sig=flipped(value["signatures"][0]["sig"])),
    "the signature of another entry": lambda value, other: value | {"signatures": other["signatures"]},
    "no signature": lambda value, _: value | {"signatures": []},
}  # fmt: skip


@pytest.fixture(params=HARMS)
def envelope(request, world, tmp_path):
    """An envelope's file, as it was written or harmed; and whether it is to be accepted."""
    value, other = (json.loads((world / f"ledger/entries/0000000{n}.dsse.json").read_bytes()) for n in (0, 1))
    path = tmp_path / "envelope.json"
    path.write_text(json.dumps(HARMS[request.param](value, other)))
    return path, request.param == "as written"


@pytest.fixture
def public(world):
    return world / "ledger" / "keys" / "statement.pub.pem"


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """The public key of somebody else."""
    with monkeypatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(tmp_path / "stranger"))
        ledger.user_keys()
    return tmp_path / "stranger" / "keys" / "statement.pub.pem"


def subject(world):
    digest = ledger.read_entry(world / "ledger", 0)["subject"][0]["digest"]["sha256"]
    return world / "ledger" / "objects" / "sha256" / digest[:2] / digest


def test_securesystemslib(world, peer, public, envelope):
    path, good = envelope
    keyid = signing_keys.fingerprint(signing_keys.read_public(public.read_bytes()))
    told = peer("securesystemslib_dsse.py", "securesystemslib", public, keyid, path)
    assert (told.returncode == 0) == good, told.stderr
    assert told.stdout == (f"verified by {keyid}\n" if good else "")


def test_sigstore_python(world, peer, public, envelope):
    path, good = envelope
    told = peer("sigstore_dsse.py", "sigstore", public, path, subject(world))
    assert (told.returncode == 0) == good, told.stderr


def test_sigstore_python_compares_the_subject(world, peer, public):
    entry = world / "ledger/entries/00000000.dsse.json"
    told = peer("sigstore_dsse.py", "sigstore", public, entry, world / "ledger" / "origin")
    assert (told.returncode, told.stderr) == (1, "the blob is not its subject\n")


def test_sigstore_js(world, node_modules, public, envelope, tmp_path):
    path, good = envelope
    write(world / "ledger", tmp_path / "bundle", "sigstore", ExportRequest(0))
    bundle = json.loads((tmp_path / "bundle").read_bytes())
    bundle["dsseEnvelope"] = json.loads(path.read_bytes())
    (tmp_path / "bundle").write_text(json.dumps(bundle))
    told = run("node", PEERS / "sigstore_bundle.mjs", node_modules, public, tmp_path / "bundle")
    assert (told.returncode == 0) == good, told.stderr
    assert told.stdout == ("verified\n" if good else "")


@pytest.mark.parametrize("which", ["securesystemslib", "sigstore-python", "sigstore-js"])
def test_none_accepts_another_key(world, peer, request, stranger, tmp_path, which):
    entry = world / "ledger/entries/00000000.dsse.json"
    if which == "securesystemslib":
        keyid = json.loads(entry.read_bytes())["signatures"][0]["keyid"]
        told = peer("securesystemslib_dsse.py", "securesystemslib", stranger, keyid, entry)
    elif which == "sigstore-python":
        told = peer("sigstore_dsse.py", "sigstore", stranger, entry, subject(world))
    else:
        write(world / "ledger", tmp_path / "bundle", "sigstore", ExportRequest(0))
        node_modules = request.getfixturevalue("node_modules")
        told = run("node", PEERS / "sigstore_bundle.mjs", node_modules, stranger, tmp_path / "bundle")
    assert told.returncode != 0, told.stdout


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl(world, public, envelope, tmp_path):
    path, good = envelope
    value = json.loads(path.read_bytes())
    kind, payload = value["payloadType"].encode(), base64.b64decode(value["payload"])
    (tmp_path / "pae").write_bytes(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    (tmp_path / "sig").write_bytes(base64.b64decode(value["signatures"][0]["sig"] if value["signatures"] else ""))
    words = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "sig", tmp_path / "pae"]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (told.returncode == 0) == good, told.stderr
    if good:
        write(world / "ledger", tmp_path / "exported", "pae", ExportRequest(0))
        assert (tmp_path / "exported").read_bytes() == (tmp_path / "pae").read_bytes()
