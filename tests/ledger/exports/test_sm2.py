"""SM2 co-signatures, verified by openssl, and signatures of openssl's own, taken in."""

import base64
import json
import shutil
import subprocess
import sys

import pytest

from provenance import ledger
from provenance.core.digests import sha256
from provenance.errors import BadSignature, ConfigError, MissingExtra
from provenance.ledger.exports import ExportRequest, write
from provenance.ledger.format import envelope, sm2_signature

pytest.importorskip("gmalg")
IDENTIFIER = ("-sigopt", "distid:1234567812345678")


def openssl(*words, folder, check=True):
    return subprocess.run(["openssl", *words], cwd=folder, check=check, capture_output=True, text=True)


def speaks_sm2():
    if shutil.which("openssl") is None:
        return False
    return subprocess.run(["openssl", "genpkey", "-algorithm", "SM2"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not speaks_sm2(), reason="needs an openssl with SM2")


@pytest.fixture(scope="session")
def pems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sm2")
    openssl("genpkey", "-algorithm", "SM2", "-out", "sm2.pem", folder=folder)
    openssl("pkey", "-in", "sm2.pem", "-pubout", "-out", "sm2.pub.pem", folder=folder)
    openssl("ec", "-in", "sm2.pem", "-out", "sec1.pem", folder=folder)
    openssl("pkey", "-in", "sm2.pem", "-aes256", "-passout", "pass:x", "-out", "locked.pem", folder=folder)
    openssl("genpkey", "-algorithm", "SM2", "-out", "other.pem", folder=folder)
    openssl("pkey", "-in", "other.pem", "-pubout", "-out", "other.pub.pem", folder=folder)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "p256.pem", folder=folder)
    return folder


def changed(pem, at):
    """Flip a bit in the DER of a PEM."""
    head, *body, foot = pem.strip().split(b"\n")
    data = bytearray(base64.b64decode(b"".join(body)))
    data[at] ^= 1
    return b"\n".join([head, base64.b64encode(bytes(data)), foot])


@pytest.fixture
def parts(world, tmp_path):
    """PAE and signature of an exported envelope, in files."""

    def split(name):
        value = json.loads((tmp_path / name).read_bytes())
        (tmp_path / "sig").write_bytes(base64.b64decode(value["signatures"][0]["sig"]))
        (tmp_path / "pae").write_bytes(envelope.encode_pae(base64.b64decode(value["payload"])))
        return value

    return split


@pytest.mark.parametrize("form", ["sm2.pem", "sec1.pem"])
def test_openssl_verifies_what_we_sign(world, pems, tmp_path, parts, form):
    write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key=str(pems / form)))
    value = parts("out")
    entry = json.loads((world / "ledger/entries/00000001.dsse.json").read_bytes())
    assert (value["payload"], value["payloadType"]) == (entry["payload"], entry["payloadType"])
    spki = openssl("pkey", "-pubin", "-in", "sm2.pub.pem", "-outform", "DER", "-out", tmp_path / "spki", folder=pems)
    assert spki.returncode == 0
    assert value["signatures"][0]["keyid"] == sha256((tmp_path / "spki").read_bytes())
    verify = ("dgst", "-sm3", "-verify", pems / "sm2.pub.pem", "-signature", "sig")
    assert "Verified OK" in openssl(*verify, *IDENTIFIER, "pae", folder=tmp_path).stdout
    assert openssl(*verify, "pae", folder=tmp_path, check=False).returncode != 0  # openssl's own default is empty
    (tmp_path / "pae").write_bytes((tmp_path / "pae").read_bytes() + b" ")
    assert openssl(*verify, *IDENTIFIER, "pae", folder=tmp_path, check=False).returncode != 0


@pytest.mark.parametrize("text", [False, True])
def test_what_a_module_signed_is_taken_in(world, pems, tmp_path, text):
    write(world / "ledger", tmp_path / "pae", "pae", ExportRequest())
    openssl("dgst", "-sm3", "-sign", pems / "sm2.pem", *IDENTIFIER, "-out", "sig", "pae", folder=tmp_path)
    signature = (tmp_path / "sig").read_bytes()
    if text:
        (tmp_path / "sig").write_bytes(base64.encodebytes(signature))
    request = ExportRequest(key=str(pems / "sm2.pub.pem"), signature=tmp_path / "sig")
    write(world / "ledger", tmp_path / "out", "sm2", request)
    exported = envelope.read_envelope((tmp_path / "out").read_bytes())
    sm2_signature.check_signature(exported, sm2_signature.read_key((pems / "sm2.pub.pem").read_bytes()))
    assert exported.signature == signature


@pytest.mark.parametrize(
    ("key", "index", "identifier", "harm"),
    [
        ("other.pub.pem", 1, IDENTIFIER, bytes),
        ("sm2.pub.pem", 0, IDENTIFIER, bytes),
        ("sm2.pub.pem", 1, (), bytes),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda sig: sig[:-1] + bytes([sig[-1] ^ 1])),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda sig: sig + b"\0"),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda _: b""),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda _: b"\x30\x06\x02\x01\x00\x02\x01\x00"),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda _: b"\x30\x06\x02\x01\xff\x02\x01\x01"),
        ("sm2.pub.pem", 1, IDENTIFIER, lambda _: b"\x30\x26\x02\x21\x01" + bytes(32) + b"\x02\x01\x01"),
    ],
)
def test_a_signature_of_something_else_is_refused(world, pems, tmp_path, key, index, identifier, harm):
    write(world / "ledger", tmp_path / "pae", "pae", ExportRequest(index))
    openssl("dgst", "-sm3", "-sign", pems / "sm2.pem", *identifier, "-out", "sig", "pae", folder=tmp_path)
    (tmp_path / "sig").write_bytes(harm((tmp_path / "sig").read_bytes()))
    with pytest.raises(BadSignature):
        write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key=str(pems / key), signature=tmp_path / "sig"))


def test_an_envelope_under_another_name_is_refused(world, pems, tmp_path):
    write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key=str(pems / "sm2.pem")))
    made, key = (
        envelope.read_envelope((tmp_path / "out").read_bytes()),
        sm2_signature.read_key((pems / "sm2.pem").read_bytes()),
    )
    sm2_signature.check_signature(made, key)
    with pytest.raises(BadSignature):
        sm2_signature.check_signature(envelope.Envelope(made.payload, "0" * 64, made.signature), key)
    with pytest.raises(BadSignature):
        sm2_signature.check_signature(envelope.Envelope(made.payload + b" ", made.keyid, made.signature), key)


@pytest.mark.parametrize(
    ("name", "harm", "told"),
    [
        ("locked.pem", bytes, "is encrypted; decrypt it"),
        ("p256.pem", bytes, "no SM2 key in PEM form"),
        ("sm2.pub.pem", bytes, "a public SM2 key signs nothing"),
        ("sm2.pem", lambda _: b"", "no SM2 key in PEM form"),
        ("sm2.pem", lambda pem: pem.replace(b"M", b"*"), "no SM2 key in PEM form"),
        ("sm2.pem", lambda pem: changed(pem, 50), "damaged"),  # the private number
        ("sm2.pem", lambda pem: changed(pem, -1), "damaged"),  # the point
        ("sm2.pub.pem", lambda pem: changed(pem, -1), "damaged"),
        ("sm2.pub.pem", lambda pem: changed(pem, 3), "no SM2 key in PEM form"),
    ],
)
def test_what_is_no_private_sm2_key_signs_nothing(world, pems, tmp_path, monkeypatch, name, harm, told):
    monkeypatch.setenv("SM2_KEY", harm((pems / name).read_bytes()).decode())
    with pytest.raises(ConfigError, match=told):
        write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key="env:SM2_KEY"))


def test_without_the_library_its_extra_is_named(world, pems, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gmalg", None)
    with pytest.raises(MissingExtra, match=r"provenance-auditor\[sm2\]"):
        write(world / "ledger", tmp_path / "out", "sm2", ExportRequest(key=str(pems / "sm2.pem")))


def test_a_key_does_not_show_its_private_half(pems):
    key = sm2_signature.read_key((pems / "sm2.pem").read_bytes())
    assert key.private.hex() not in repr(key)
    assert repr(key.private) not in repr(key)


def test_beside_its_entry_it_is_verified_with_the_ledger(world, pems):
    (_, where) = write(world / "ledger", None, "sm2", ExportRequest(0, key=str(pems / "sm2.pem")))
    assert where.endswith("entries/00000000.co/sm2.dsse.json")
    beside = world / "ledger/entries/00000000.co"
    assert (beside / "sm2.pub.pem").read_bytes() == (pems / "sm2.pub.pem").read_bytes()
    assert ledger.verify(world / "ledger", strict=True).exit_code == 0
    with pytest.raises(ConfigError, match="nobody overwrites"):
        write(world / "ledger", None, "sm2", ExportRequest(0, key=str(pems / "other.pem")))
    (beside / "sm2.pub.pem").write_bytes((pems / "other.pub.pem").read_bytes())
    assert ledger.verify(world / "ledger").exit_code == 1


@pytest.mark.parametrize("at", range(0, 178, 7))
def test_whatever_stands_beside_it_verification_answers(world, pems, at):
    write(world / "ledger", None, "sm2", ExportRequest(0, key=str(pems / "sm2.pem")))
    path = world / "ledger/entries/00000000.co/sm2.pub.pem"
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert ledger.verify(world / "ledger").exit_code == 1


def test_without_the_library_it_is_named_as_not_checked(world, pems, monkeypatch):
    write(world / "ledger", None, "sm2", ExportRequest(0, key=str(pems / "sm2.pem")))
    monkeypatch.setitem(sys.modules, "gmalg", None)
    found = ledger.verify(world / "ledger", strict=True)
    assert found.exit_code == 0
    [step] = [each for each in found.steps if each.name == "co-signatures"]
    assert step.status == "not checked"
    assert step.detail.startswith("sm2 of entry 0: to sign or check with SM2, install the extra: pip install ")
    assert "provenance-auditor[sm2]" in step.detail
