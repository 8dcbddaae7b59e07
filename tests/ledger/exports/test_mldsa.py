import hashlib
import json

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.errors import BadSignature, ConfigError
from provenance.ledger import envelope
from provenance.ledger.exports import Asked, mldsa, write

algorithms = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.mldsa")


@pytest.fixture(scope="session", params=["MLDSA44PrivateKey", "MLDSA65PrivateKey", "MLDSA87PrivateKey"])
def key(request):
    try:
        return getattr(algorithms, request.param).generate()
    except UnsupportedAlgorithm:
        pytest.skip("this build of OpenSSL has no ML-DSA")


def pem(key):
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def test_a_cosignature_is_over_the_entrys_payload(world, tmp_path, monkeypatch, key):
    monkeypatch.setenv("PQ", pem(key).decode())
    write(world / "ledger", tmp_path / "out", "mldsa", Asked(0, key="env:PQ"))
    value = json.loads((tmp_path / "out").read_bytes())
    entry = json.loads((world / "ledger/entries/00000000.dsse.json").read_bytes())
    assert value["payload"] == entry["payload"]
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert value["signatures"][0]["keyid"] == hashlib.sha256(spki).hexdigest()
    made = envelope.read((tmp_path / "out").read_bytes())
    mldsa.check(made, key.public_key())
    for other in (
        envelope.Envelope(made.payload + b" ", made.keyid, made.signature),
        envelope.Envelope(made.payload, made.keyid, made.signature[:-1] + bytes([made.signature[-1] ^ 1])),
        envelope.Envelope(made.payload, "0" * 64, made.signature),
        envelope.Envelope(made.payload, made.keyid, b""),
    ):
        with pytest.raises(BadSignature):
            mldsa.check(other, key.public_key())


def test_another_kind_of_key_is_refused(world, tmp_path):
    with pytest.raises(ConfigError, match="no ML-DSA key"):
        write(world / "ledger", tmp_path / "out", "mldsa", Asked(key=str(world / "home/keys/log.pem")))
