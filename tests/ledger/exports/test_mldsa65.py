import hashlib
import json

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance import ledger
from provenance.errors import BadSignature, ConfigError
from provenance.ledger.exports import ExportRequest, write
from provenance.ledger.format import envelope, mldsa_signature

algorithms = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")


@pytest.fixture(scope="session")
def key():
    try:
        return algorithms.MLDSA65PrivateKey.generate()
    except UnsupportedAlgorithm:
        pytest.skip("this build of OpenSSL has no ML-DSA")


def pem(key):
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def test_a_cosignature_is_over_the_entrys_payload(world, tmp_path, monkeypatch, key):
    monkeypatch.setenv("PQ", pem(key).decode())
    write(world / "ledger", tmp_path / "out", "mldsa65", ExportRequest(0, key="env:PQ"))
    value = json.loads((tmp_path / "out").read_bytes())
    entry = json.loads((world / "ledger/entries/00000000.dsse.json").read_bytes())
    assert value["payload"] == entry["payload"]
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert value["signatures"][0]["keyid"] == hashlib.sha256(spki).hexdigest()
    made = envelope.read((tmp_path / "out").read_bytes())
    mldsa_signature.check(made, key.public_key())
    for other in (
        envelope.Envelope(made.payload + b" ", made.keyid, made.signature),
        envelope.Envelope(made.payload, made.keyid, made.signature[:-1] + bytes([made.signature[-1] ^ 1])),
        envelope.Envelope(made.payload, "0" * 64, made.signature),
        envelope.Envelope(made.payload, made.keyid, b""),
    ):
        with pytest.raises(BadSignature):
            mldsa_signature.check(other, key.public_key())


@pytest.mark.parametrize("kind", ["MLDSA44PrivateKey", "MLDSA87PrivateKey"])
def test_another_strength_is_refused(world, tmp_path, monkeypatch, key, kind):
    monkeypatch.setenv("PQ", pem(getattr(algorithms, kind).generate()).decode())
    with pytest.raises(ConfigError, match="no ML-DSA-65 key"):
        write(world / "ledger", tmp_path / "out", "mldsa65", ExportRequest(0, key="env:PQ"))


def test_beside_its_entry_it_is_verified_with_the_ledger(world, monkeypatch, key):
    monkeypatch.setenv("PQ", pem(key).decode())
    write(world / "ledger", None, "mldsa65", ExportRequest(0, key="env:PQ"))
    assert ledger.verify(world / "ledger", strict=True).exit_code == 0
    public = world / "ledger/entries/00000000.co/mldsa65.pub.pem"
    good = public.read_bytes()
    other = algorithms.MLDSA65PrivateKey.generate().public_key()
    for harmed in (
        other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        good[:-1],
        b"",
        good[:99] + b"*" + good[100:],
    ):
        public.write_bytes(harmed)
        assert ledger.verify(world / "ledger").exit_code == 1
    public.write_bytes(good)
    assert ledger.verify(world / "ledger").exit_code == 0


def test_another_kind_of_key_is_refused(world, tmp_path):
    with pytest.raises(ConfigError, match="no ML-DSA-65 key"):
        write(world / "ledger", tmp_path / "out", "mldsa65", ExportRequest(key=str(world / "home/keys/log.pem")))
