import hashlib
import json
import sys

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance import ledger
from provenance.errors import BadSignature, ConfigError, MissingExtra
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
    made = envelope.read_envelope((tmp_path / "out").read_bytes())
    mldsa_signature.check_signature(made, key.public_key())
    for other in (
        envelope.Envelope(made.payload + b" ", made.keyid, made.signature),
        envelope.Envelope(made.payload, made.keyid, made.signature[:-1] + bytes([made.signature[-1] ^ 1])),
        envelope.Envelope(made.payload, "0" * 64, made.signature),
        envelope.Envelope(made.payload, made.keyid, b""),
    ):
        with pytest.raises(BadSignature):
            mldsa_signature.check_signature(other, key.public_key())


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


class Absent:
    """Stands for a `cryptography` that is older than ML-DSA: 44 to 46 have no such module, 47 an OpenSSL without it."""

    class MLDSA65PublicKey:
        @staticmethod
        def from_public_bytes(_):
            raise UnsupportedAlgorithm("Unknown key type: 2.16.840.1.101.3.4.3.18")


@pytest.fixture(params=[None, Absent], ids=["no module", "no algorithm"])
def older(request, monkeypatch):
    from cryptography.hazmat.primitives import asymmetric

    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", request.param)
    monkeypatch.delattr(asymmetric, "mldsa")
    if request.param:
        monkeypatch.setattr(asymmetric, "mldsa", request.param, raising=False)


@pytest.fixture
def cosigned(world, monkeypatch, key):
    monkeypatch.setenv("PQ", pem(key).decode())
    write(world / "ledger", None, "mldsa65", ExportRequest(0, key="env:PQ"))
    return world / "ledger"


def test_an_older_library_does_not_accuse(cosigned, older):
    """It used to be said that the key is not in PEM form, and the ledger failed."""
    found = ledger.verify(cosigned, strict=True)
    assert found.exit_code == 0
    [step] = [each for each in found.steps if each.name == "co-signatures"]
    assert step.status == "not checked"
    assert step.detail.startswith("mldsa65 of entry 0: to check an ML-DSA signature, install the extra: pip install ")
    assert "provenance-auditor[mldsa]" in step.detail


@pytest.mark.parametrize("harm", [lambda good: good[:-1], lambda _: b"", lambda good: good[:99] + b"*" + good[100:], lambda good: good.replace(b"PUBLIC", b"SECRET")])  # fmt: skip
def test_a_key_that_is_none_is_told_by_an_older_library_too(cosigned, older, harm):
    public = cosigned / "entries/00000000.co/mldsa65.pub.pem"
    public.write_bytes(harm(public.read_bytes()))
    found = ledger.verify(cosigned)
    assert found.exit_code == 1
    assert any("not the PEM of an ML-DSA-65 key" in step.detail for step in found.steps)


def test_an_older_library_names_the_extra(world, tmp_path, monkeypatch, key, older):
    monkeypatch.setenv("PQ", pem(key).decode())
    with pytest.raises(MissingExtra, match=r"to sign with ML-DSA-65, install .*provenance-auditor\[mldsa\]"):
        write(world / "ledger", tmp_path / "out", "mldsa65", ExportRequest(0, key="env:PQ"))
    assert not (tmp_path / "out").exists()
