import json
import shutil
import subprocess

import pytest

from provenance.errors import ConfigError, DigestMismatch
from provenance.ledger.exports import ExportRequest, sm3, write
from provenance.ledger.format import envelope, sm2_signature

gmalg = pytest.importorskip("gmalg")


@pytest.fixture(scope="session")
def key():
    private, public = gmalg.SM2().generate_keypair()
    return sm2_signature.SM2Key(public, private)


@pytest.fixture
def made(world, tmp_path, monkeypatch, key):
    monkeypatch.setattr(sm3, "read_key", lambda _: key)

    def make():
        write(world / "ledger", tmp_path / "out", "sm3", ExportRequest(key=str(world / "ledger" / "origin")))
        signed = envelope.read_envelope((tmp_path / "out").read_bytes())
        sm2_signature.check_signature(signed, key)
        return json.loads(signed.payload)

    return make


def test_standard_vector():
    assert sm3.digest_of(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905 A.1


def test_every_bound_file_has_both_digests(world, made):
    value, entry = made(), envelope.read_envelope((world / "ledger/entries/00000001.dsse.json").read_bytes())
    bound = {item["path"]: item["sha256"] for item in json.loads(entry.payload)["predicate"]["folder"]}
    folder = value["predicate"]["folder"]
    assert {item["name"]: item["digest"]["sha256"] for item in folder} == bound
    for item in folder:
        assert item["digest"]["sm3"] == sm3.digest_of((world / "ledger" / item["name"]).read_bytes())
    assert value["subject"][0]["digest"]["sm3"] == sm3.digest_of(entry.payload)
    assert value["predicate"]["leaf"] == entry.leaf_hash.hex()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_counts_the_same(world, made):
    item = made()["predicate"]["folder"][0]
    words = ["openssl", "dgst", "-sm3", "-r", world / "ledger" / item["name"]]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("this openssl has no SM3")
    assert told.stdout.split()[0] == item["digest"]["sm3"]


def test_a_withheld_file_stands_under_one_digest_alone(world, made):
    (world / "ledger/scans/00000001/report.html").unlink()
    digests = {item["name"]: set(item["digest"]) for item in made()["predicate"]["folder"]}
    assert digests.pop("scans/00000001/report.html") == {"sha256"}
    assert all(found == {"sha256", "sm3"} for found in digests.values())


def test_a_changed_file_is_not_vouched_for(world, made):
    (world / "ledger/scans/00000001/report.html").write_bytes(b"<p>other</p>\n")
    with pytest.raises(DigestMismatch, match=r"report\.html is not what its entry binds"):
        made()


def test_a_public_key_signs_nothing(world, tmp_path, monkeypatch, key):
    monkeypatch.setattr(sm3, "read_key", lambda _: sm2_signature.SM2Key(key.public))
    with pytest.raises(ConfigError, match="signs nothing"):
        write(world / "ledger", tmp_path / "out", "sm3", ExportRequest(key=str(world / "ledger" / "origin")))
