"""CMS signatures, read by openssl, and compared with those that openssl makes itself."""

import base64
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from provenance.errors import ConfigError
from provenance.ledger.exports import ExportRequest, cms, write
from provenance.ledger.keys import der

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
WHEN = "2026-03-01T10:00:00Z"


def openssl(*words, folder, check=True):
    return subprocess.run(["openssl", *words], cwd=folder, check=check, capture_output=True, text=True)


@pytest.fixture(scope="session")
def seals(tmp_path_factory):
    """A small authority, and seals of it with an RSA and two EC keys."""
    folder = tmp_path_factory.mktemp("seals")

    def make(*words):
        openssl(*words, folder=folder)

    new = ("req", "-nodes", "-utf8", "-subj")
    make(*new, "/C=DE/O=Örtliche CA/CN=Root", "-x509", "-days", "9", "-newkey", "rsa:2048", "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    for name, *kind in (("rsa", "rsa:2048"), ("p256", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("p384", "ec", "-pkeyopt", "ec_paramgen_curve:P-384")):  # fmt: skip
        make(*new, f"/O=Seal {name}", "-newkey", *kind, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        make("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "9", "-out", f"{name}.pem")  # fmt: skip
        (folder / f"{name}.chain.pem").write_bytes(
            (folder / f"{name}.pem").read_bytes() + (folder / "ca.pem").read_bytes()
        )
    return folder


def verified(seals, signature, content, *more):
    words = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", signature, "-content", content, "-out", "/dev/null"]  # fmt: skip
    return openssl(*words, "-purpose", "any", *(more or ("-CAfile", "ca.pem")), folder=seals, check=False)


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_openssl_verifies_a_seal_and_refuses_another_text(world, seals, tmp_path, kind):
    signature = tmp_path / "out.p7s"
    asked = ExportRequest(key=str(seals / f"{kind}.key"), certificate=seals / f"{kind}.chain.pem")
    assert write(world / "ledger", signature, "cms", asked)[0] == "Signed: checkpoints/2.note"
    notes = [world / "ledger" / "checkpoints" / name for name in ("2.note", "1.note")]
    good, other = (verified(seals, signature, note) for note in notes)
    assert (good.returncode, "CAdES Verification successful" in good.stderr) == (0, True), good.stderr
    assert other.returncode != 0
    assert "Verification failure" in other.stderr
    stranger = verified(seals, signature, notes[0], "-CAfile", seals / f"{kind}.pem")
    assert stranger.returncode != 0


def test_a_folder_of_keys_seals_with_its_statement_key(world, seals, tmp_path):
    (tmp_path / "keys").mkdir()
    shutil.copy(seals / "p256.key", tmp_path / "keys" / "statement.pem")
    asked = ExportRequest(key=str(tmp_path / "keys"), certificate=seals / "p256.chain.pem")
    write(world / "ledger", tmp_path / "out.p7s", "cms", asked)
    assert verified(seals, tmp_path / "out.p7s", world / "ledger" / "checkpoints" / "2.note").returncode == 0


def attributes(data):
    """The signed attributes of the only signer, by the bytes of their names."""
    signed = der.read_element(data).parts(der.SEQUENCE)[1].parts(0xA0)[0].parts(der.SEQUENCE)
    signer = signed[-1].parts(der.SET)[0].parts(der.SEQUENCE)
    found = next(each for each in signer if each.tag == 0xA0).parts(0xA0)
    return {each.parts(der.SEQUENCE)[0].content: each.parts(der.SEQUENCE)[1].to_bytes for each in found}, found


def test_attributes_are_those_of_openssl(seals, tmp_path):
    (tmp_path / "note").write_bytes(b"a note\n")
    openssl("cms", "-sign", "-cades", "-binary", "-in", tmp_path / "note", "-signer", "rsa.pem", "-inkey", "rsa.key", "-outform", "DER", "-out", tmp_path / "theirs", folder=seals)  # fmt: skip
    theirs, _ = attributes((tmp_path / "theirs").read_bytes())
    ours, in_order = attributes(signed(seals, "rsa", b"a note\n"))
    signing_time = bytes.fromhex("2a864886f70d010905")
    assert set(ours) == set(theirs) - {bytes.fromhex("2a864886f70d01090f")}  # S/MIME capabilities are of no use here
    assert {name: value for name, value in ours.items() if name != signing_time}.items() <= theirs.items()
    assert [each.to_bytes for each in in_order] == sorted(each.to_bytes for each in in_order)


def signed(seals, kind, content, when=WHEN):
    certificates = load_pem_x509_certificates((seals / f"{kind}.pem").read_bytes())
    key = load_pem_private_key((seals / f"{kind}.key").read_bytes(), None)
    return cms.render(content, certificates, key, when)


@pytest.mark.parametrize(
    ("when", "told"),
    [(WHEN, "UTCTIME:Mar  1 10:00:00 2026 GMT"), ("2050-01-01T00:00:00Z", "GENERALIZEDTIME:Jan  1 00:00:00 2050 GMT")],
)
def test_signing_time_is_read_by_openssl(seals, tmp_path, when, told):
    (tmp_path / "out").write_bytes(signed(seals, "p256", b"x", when))
    shown = openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", tmp_path / "out", folder=seals).stdout
    assert told in shown


def test_a_key_that_stays_elsewhere_signs_too(seals):
    class Elsewhere:
        def __init__(self, key):
            self.key = key

        def sign(self, data):
            from cryptography.hazmat.primitives.asymmetric import ec
            from cryptography.hazmat.primitives.hashes import SHA256

            return self.key.sign(data, ec.ECDSA(SHA256()))

        def public_key(self):
            return self.key.public_key()

    key = Elsewhere(load_pem_private_key((seals / "p256.key").read_bytes(), None))
    made = cms.render(b"x", load_pem_x509_certificates((seals / "p256.pem").read_bytes()), key, WHEN)
    (seals / "elsewhere.p7s").write_bytes(made)
    (seals / "x").write_bytes(b"x")
    assert verified(seals, "elsewhere.p7s", "x").returncode == 0


def test_the_users_own_key_signs_if_the_certificate_is_of_it(world, seals, tmp_path):
    asked = ExportRequest(certificate=tmp_path / "own.pem")
    openssl("req", "-x509", "-key", world / "home/keys/statement.pem", "-subj", "/O=Me", "-out", asked.certificate, folder=tmp_path)  # fmt: skip
    write(world / "ledger", tmp_path / "out", "cms", asked)
    told = verified(seals, tmp_path / "out", world / "ledger/checkpoints/2.note", "-CAfile", asked.certificate)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("key", "certificate", "told"),
    [
        ("rsa.key", "p256.pem", "none of the certificates is of this key"),
        ("rsa.key", "rsa.key", "holds no certificate in PEM form"),
        ("rsa.key", "none.pem", "cannot be read: No such file"),
        ("rsa.pem", "rsa.pem", "holds no private key that can be read"),
        (None, "rsa.pem", "none of the certificates is of this key"),
        ("ed25519.key", "rsa.pem", "neither an ECDSA nor an RSA key"),
        (
            "encrypted.key",
            "rsa.pem",
            "is encrypted, and there is no terminal to ask for the password: use --password-file",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(world, seals, tmp_path, key, certificate, told):
    openssl("genpkey", "-algorithm", "ed25519", "-out", "ed25519.key", folder=seals)
    openssl("pkey", "-in", "rsa.key", "-aes256", "-passout", "pass:geheim", "-out", "encrypted.key", folder=seals)
    with pytest.raises(ConfigError, match=told):
        write(world / "ledger", tmp_path / "out", "cms", ExportRequest(key=str(seals / key) if key else None, certificate=seals / certificate))  # fmt: skip


@pytest.mark.parametrize(("given", "fine"), [("geheim", True), ("falsch", False)])
@pytest.mark.parametrize("how", ["variable", "prompt"])
def test_an_encrypted_key_asks_for_its_password(world, seals, tmp_path, monkeypatch, how, given, fine):
    openssl("pkey", "-in", "rsa.key", "-aes256", "-passout", "pass:geheim", "-out", tmp_path / "locked.key", folder=seals)  # fmt: skip
    if how == "variable":
        monkeypatch.setenv("PROVENANCE_KEY_PASSWORD", given)
    asked = ExportRequest(key=str(tmp_path / "locked.key"), certificate=seals / "rsa.pem", prompt=lambda _: given)
    if fine:
        write(world / "ledger", tmp_path / "out", "cms", asked)
    else:
        with pytest.raises(ConfigError, match="or its password is wrong"):
            write(world / "ledger", tmp_path / "out", "cms", asked)


def test_a_signature_holds_no_content(seals):
    assert base64.b64encode(b"a note that is long enough") not in base64.b64encode(signed(seals, "rsa", b"a note that"))
    assert b"a note that is" not in signed(seals, "rsa", b"a note that is long enough")
