"""Signers: keys elsewhere sign as keys at hand do, are tried before the work, and fail with a sentence."""

import hashlib
import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from provenance.errors import ConfigError, MissingExtra
from provenance.ledger import verify
from provenance.ledger.format import checkpoint, envelope
from provenance.ledger.keys import key_files, key_generation, passwords, signers, signing_keys
from provenance.ledger.proofs import disclosure
from provenance.ledger.trees import salts

KEY, NOTE = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
ORDER = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
MODULES = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
]
MODULE = next((path for path in MODULES if Path(path).exists()), None)
NO_SECRETS = passwords.Secrets()


class Elsewhere:
    """What securesystemslib's signers are, with a key at hand and a high s."""

    def __init__(self, key, *, high=True):
        self.key, self.high = key, high

    def sign(self, data):
        if not self.high:
            return SimpleNamespace(signature=self.key.sign(data).hex())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(SHA256())))
        return SimpleNamespace(signature=encode_dss_signature(r, max(s, ORDER - s)).hex())


def elsewhere(key=KEY, public=None):
    high = isinstance(key, ec.EllipticCurvePrivateKey)
    return signers.RemoteSigner("hsm:2", public or key.public_key(), lambda: Elsewhere(key, high=high))


def test_a_high_s_is_never_written():
    found = envelope.read_envelope(envelope.seal_payload(b"{}", elsewhere()))
    envelope.check_signature(found, KEY.public_key())
    assert decode_dss_signature(found.signature)[1] <= ORDER // 2
    made = checkpoint.sign_head("log.example", 1, bytes(32), elsewhere(NOTE))
    checkpoint.check_signature(made, NOTE.public_key())


def test_another_key_than_was_asked_for_signs_nothing():
    other, note = ec.generate_private_key(ec.SECP256R1()).public_key(), Ed25519PrivateKey.generate().public_key()
    with pytest.raises(ConfigError, match="did not sign with that key"):
        envelope.seal_payload(b"{}", elsewhere(public=other))
    with pytest.raises(ConfigError, match="did not sign with"):
        checkpoint.sign_head("log.example", 1, bytes(32), elsewhere(NOTE, note))
    for found in (elsewhere(public=other), elsewhere(NOTE, note)):
        with pytest.raises(ConfigError, match="another key"):
            found.try_signing()
    assert elsewhere().try_signing().sign(b"x")
    assert elsewhere(NOTE).try_signing().sign(b"x")


@pytest.mark.parametrize("fault", [RuntimeError("token is gone"), ValueError()])
def test_what_does_not_sign_is_a_sentence(fault):
    def begin():
        raise fault

    with pytest.raises(ConfigError, match=str(fault) or "ValueError") as said:
        envelope.seal_payload(b"{}", signers.RemoteSigner("awskms:x", KEY.public_key(), begin))
    assert "awskms:x" in str(said.value)


@pytest.mark.parametrize(
    ("uri", "extra", "module"),
    [
        ("hsm:2?label=a", "hsm", "pkcs11"),
        ("awskms:alias/a", "awskms", "boto3"),
        ("gcpkms:projects/p", "gcpkms", "google.cloud.kms"),
        ("azurekms://v.vault.azure.net/keys/k", "azurekms", "azure.keyvault.keys"),
        ("hv:k/1", "vault", "hvac"),
    ],
)
def test_without_its_library_the_extra_is_named(monkeypatch, uri, extra, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"provenance-auditor\[{extra}\]") as said:
        signing_keys.load_statement(uri)
    assert said.value.extra == extra


def test_nothing_elsewhere_is_imported_for_keys_at_hand(tmp_path):
    (tmp_path / "pair.pem").write_bytes(key_files.private_pem(KEY, None) + key_files.private_pem(NOTE, None))
    told = "import sys; from provenance.ledger import load_pair; load_pair(sys.argv[1]); print('securesystemslib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told, tmp_path / "pair.pem"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("uri", "name", "expected"),
    [
        ("awskms:arn:aws:kms:eu-west-1:1:key/a-b", "AWSSigner", {"aws_key_id": "arn:aws:kms:eu-west-1:1:key/a-b"}),
        ("awskms:alias/a", "AWSSigner", {"aws_key_id": "alias/a"}),
        ("gcpkms:projects/p/locations/l", "GCPSigner", {"gcp_keyid": "projects/p/locations/l"}),
        ("azurekms://v.vault.azure.net/keys/k", "AzureSigner", {"az_vault_name": "v", "az_key_name": "k"}),
        ("azurekms://v.vault.azure.net/keys/k/9f", "AzureSigner", {"az_vault_name": "v", "az_key_name": "k"}),
        ("hv:k/3", "VaultSigner", {"hv_key_name": "k"}),
        ("hv:k", "VaultSigner", {"hv_key_name": "k"}),
        ("hsm:", "HSMSigner", {"hsm_keyid": None, "token_label": None}),
        ("hsm:7?label=a+b", "HSMSigner", {"hsm_keyid": 7, "token_label": "a b"}),
    ],
)
def test_each_library_is_asked_for_its_key_in_its_own_words(uri, name, expected):
    library = pytest.importorskip("securesystemslib.signer")
    asked = []

    def import_(*given):
        bound = inspect.signature(getattr(library, name).import_).bind(*given).arguments
        asked.append({key: value for key, value in bound.items() if key != "secrets_handler"})
        return uri, "key"

    scheme = uri.partition(":")[0]
    assert library.SIGNER_FOR_URI_SCHEME[scheme] is getattr(library, name)
    own = SimpleNamespace(SIGNER_FOR_URI_SCHEME={scheme: SimpleNamespace(import_=import_)})
    assert signers._import_key(own, uri, None) == (uri, "key")
    assert asked == [expected]


@pytest.mark.parametrize("uri", ["azurekms://v.vault.azure.net/keys/k/9f", "hv:k/1"])
def test_an_older_version_is_not_replaced_by_the_newest_unseen(uri):
    newest = SimpleNamespace(import_=lambda *_: (uri + "0", "key"))
    library = SimpleNamespace(SIGNER_FOR_URI_SCHEME={uri.partition(":")[0]: newest})
    with pytest.raises(ConfigError, match="newest version"):
        signers._import_key(library, uri, None)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [("hsm:", True), ("awskms:x", True), ("hsm", False), ("C:\\keys", False), ("env:A", False), ("./hsm:2", False)],
)
def test_what_is_elsewhere(uri, expected):
    assert signers.is_remote(uri) is expected


@pytest.fixture
def token(tmp_path, monkeypatch):
    """A token of SoftHSM with a P-256 key of id 2."""
    pkcs11 = pytest.importorskip("pkcs11")
    pytest.importorskip("securesystemslib.signer")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm.conf"))
    monkeypatch.setenv("PYKCS11LIB", MODULE)
    for name in (passwords.PIN_VARIABLE, passwords.PIN_FILE_VARIABLE, signing_keys.LOG_KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    make = ["softhsm2-util", "--init-token", "--free", "--label", "led ger", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(make, check=True, capture_output=True)
    library = pkcs11.lib(MODULE)
    library.reinitialize()  # a library reads its settings once
    with next(library.get_tokens()).open(user_pin="1234", rw=True) as session:
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC,
            {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp256r1")},
            local=True,
        )
        parameters.generate_keypair(id=b"\2", store=True, label="statement")
    return "hsm:2?label=led+ger"


needs_softhsm = pytest.mark.skipif(MODULE is None, reason="needs softhsm2")


@needs_softhsm
def test_a_token_signs_statements(token, tmp_path, monkeypatch):
    asked = []
    pair = signing_keys.load_pair(token, prompt=lambda text: asked.append(text) or "1234")
    assert asked == [f"PIN of {token}"]
    found = envelope.read_envelope(envelope.seal_payload(b"{}", pair.statement))
    envelope.check_signature(found, pair.statement.public_key())
    assert found.keyid == pair.fingerprint
    assert signing_keys.fingerprint(pair.log.public_key()) == signing_keys.fingerprint(
        signing_keys.user_keys().log.public_key()
    )
    assert (pair.local, pair.created, pair.folder) == (False, True, signing_keys.configuration_folder() / "keys")
    assert not signing_keys.load_pair(token, prompt=lambda _: "1234").created
    assert len(asked) == 1
    assert "1234" not in repr(pair)
    (tmp_path / "pae").write_bytes(envelope.encode_pae(b"{}"))
    (tmp_path / "signature").write_bytes(found.signature)
    (tmp_path / "key").write_bytes(signing_keys.public_pem(pair.statement.public_key()))
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "pae"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"


@needs_softhsm
def test_a_folder_names_the_token(token, tmp_path, monkeypatch):
    monkeypatch.setenv(passwords.PIN_VARIABLE, "1234")
    made = key_generation.make_keys(
        tmp_path / "keys",
        key_generation.PAIR_ROLES,
        "log.example",
        password=None,
        elsewhere={"statement": token},
        secrets=NO_SECRETS,
    )
    assert (tmp_path / "keys" / "statement.uri").read_text() == f"{token}\n"
    assert not (tmp_path / "keys" / "statement.pem").exists()
    pair = signing_keys.load_pair(str(tmp_path / "keys"))
    assert (pair.fingerprint, pair.origin) == (made["statement"], "log.example")
    envelope.seal_payload(b"{}", pair.statement)
    (tmp_path / "keys" / "statement.pub.pem").write_bytes(signing_keys.public_pem(KEY.public_key()))
    with pytest.raises(ConfigError, match="another key"):
        signing_keys.load_pair(str(tmp_path / "keys"))


@needs_softhsm
def test_the_log_key_beside_a_token(token, tmp_path, monkeypatch):
    monkeypatch.setenv(passwords.PIN_FILE_VARIABLE, str(tmp_path / "pin"))
    (tmp_path / "pin").write_text("1234\n")
    (tmp_path / "log.pem").write_bytes(key_files.private_pem(NOTE, None))
    monkeypatch.setenv(signing_keys.LOG_KEY_VARIABLE, str(tmp_path / "log.pem"))
    assert signing_keys.fingerprint(signing_keys.load_pair(token).log.public_key()) == signing_keys.fingerprint(
        NOTE.public_key()
    )


@needs_softhsm
@pytest.mark.parametrize("beside", [True, False])
def test_what_a_token_signs_is_salted_with_a_secret_that_is_found_again(token, tmp_path, monkeypatch, beside):
    """A scan asks the pair of keys where its secret is, and whoever proves a record later asks the URI alone."""
    monkeypatch.setenv(passwords.PIN_VARIABLE, "1234")
    (tmp_path / "log.pem").write_bytes(key_files.private_pem(NOTE, None))
    if beside:
        monkeypatch.setenv(signing_keys.LOG_KEY_VARIABLE, str(tmp_path / "log.pem"))
    made = salts.load_secret(signing_keys.load_pair(token).folder)
    assert salts.find_secret(token) == made
    assert not list(tmp_path.glob("hsm*"))


@needs_softhsm
def test_a_ledger_of_a_token_proves_its_records(token, tmp_path, monkeypatch):
    import provenance as pv

    monkeypatch.setenv(passwords.PIN_VARIABLE, "1234")
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "x.jsonl").write_text('{"text": "one two three"}\n{"text": "four five six"}\n')
    pv.scan(tmp_path / "data", tmp_path / "ledger", key=token, records=True, workers=1)
    proof = disclosure.prove_record(
        tmp_path / "ledger", "a/x.jsonl", 1, data=tmp_path / "data", secret=salts.find_secret(token)
    )
    (tmp_path / "proof").write_bytes(proof)
    assert hashlib.sha256(b"four five six").hexdigest() in verify(tmp_path / "proof").proven[0]


@needs_softhsm
@pytest.mark.parametrize(
    ("uri", "pin", "said"),
    [
        ("hsm:2?label=led+ger", "", "PROVENANCE_HSM_PIN"),
        ("hsm:2?label=led+ger", "4321", "cannot be used"),
        ("hsm:3?label=led+ger", "1234", "could not find"),
        ("hsm:2?label=other", "1234", "No PKCS"),
        ("hsm:two", "1234", "cannot be used"),
    ],
)
def test_what_is_wrong_with_a_token_shows_before_the_work(token, uri, pin, said):
    with pytest.raises(ConfigError, match=said):
        signing_keys.load_statement(uri, prompt=lambda _: pin)


@needs_softhsm
def test_a_token_that_was_not_named(token, monkeypatch):
    monkeypatch.delenv("PYKCS11LIB")
    with pytest.raises(ConfigError, match="PYKCS11LIB"):
        signing_keys.load_statement(token, prompt=lambda _: "1234")


def test_a_password_file_is_no_pin(tmp_path, monkeypatch):
    for name in (passwords.PIN_VARIABLE, passwords.PIN_FILE_VARIABLE, passwords.PASSWORD_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "password").write_text("secret\nmore\n")
    secrets = passwords.Secrets(file=tmp_path / "password")
    assert secrets.password("key.pem") == "secret"
    with pytest.raises(ConfigError, match="PIN"):
        secrets.pin("hsm:2")
    assert "secret" not in repr(secrets)
    assert os.environ.get(passwords.PASSWORD_VARIABLE) is None
