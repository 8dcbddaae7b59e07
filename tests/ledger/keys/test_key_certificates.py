"""Certificates: what openssl believes is believed, and what is not asked for is said to be unvalidated."""

import contextlib
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from provenance import ledger
from provenance.errors import ConfigError
from provenance.ledger.keys import key_certificates, signing_keys, trusted_keys
from provenance.ledger.log import key_entries
from tests.conftest import SCANNER

NOW = datetime.now(UTC)
OURS, ROOT, MIDDLE, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(key, subject, issuer, by, *, ca=None, path=None, days=(-1, 30), usage=None, critical=None):
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    if ca is not None:
        made = made.add_extension(x509.BasicConstraints(ca, path), critical=True)
    if usage is not None:
        flags = dict.fromkeys(
            ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"], False,
        )  # fmt: skip
        made = made.add_extension(x509.KeyUsage(**flags | dict.fromkeys(usage, True)), critical=True)
    if critical is not None:
        made = made.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), critical=True)
    return made.sign(by, SHA256())


def pem(*chain):
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)


ROOTED = certificate(ROOT, "root", "root", ROOT, ca=True)
BETWEEN = certificate(MIDDLE, "middle", "root", ROOT, ca=True)
DIRECT = certificate(OURS, "ACME", "root", ROOT)

CHAINS = {
    "direct": ([DIRECT], ROOTED, True),
    "a certificate between": ([certificate(OURS, "ACME", "middle", MIDDLE), BETWEEN], ROOTED, True),
    "the one between is missing": ([certificate(OURS, "ACME", "middle", MIDDLE)], ROOTED, False),
    "self-made": ([certificate(OURS, "ACME", "ACME", OURS)], ROOTED, False),
    "signed by another with the root's name": ([certificate(OURS, "ACME", "root", OTHER)], ROOTED, False),
    "expired": ([certificate(OURS, "ACME", "root", ROOT, days=(-20, -10))], ROOTED, False),
    "not yet valid": ([certificate(OURS, "ACME", "root", ROOT, days=(10, 20))], ROOTED, False),
    "issued by who may not issue": (
        [certificate(OURS, "ACME", "middle", MIDDLE), certificate(MIDDLE, "middle", "root", ROOT, ca=False)],
        ROOTED,
        False,
    ),
    "issued by who does not say that they may": (
        [certificate(OURS, "ACME", "middle", MIDDLE), certificate(MIDDLE, "middle", "root", ROOT)],
        ROOTED,
        False,
    ),
    "issued by a key that signs no certificates": (
        [
            certificate(OURS, "ACME", "middle", MIDDLE),
            certificate(MIDDLE, "middle", "root", ROOT, ca=True, usage=["digital_signature"]),
        ],
        ROOTED,
        False,
    ),
    "issued by an expired one": (
        [
            certificate(OURS, "ACME", "middle", MIDDLE),
            certificate(MIDDLE, "middle", "root", ROOT, ca=True, days=(-20, -10)),
        ],
        ROOTED,
        False,
    ),
    "longer than the root allows": (
        [certificate(OURS, "ACME", "middle", MIDDLE), BETWEEN],
        certificate(ROOT, "root", "root", ROOT, ca=True, path=0),
        False,
    ),
    "as long as the root allows": (
        [certificate(OURS, "ACME", "middle", MIDDLE), BETWEEN],
        certificate(ROOT, "root", "root", ROOT, ca=True, path=1),
        True,
    ),
    "with an extension nobody knows": ([certificate(OURS, "ACME", "root", ROOT, critical=True)], ROOTED, False),
    "for signatures": ([certificate(OURS, "ACME", "root", ROOT, usage=["content_commitment"])], ROOTED, True),
}


@pytest.mark.parametrize("case", CHAINS)
def test_openssl_believes_the_same(tmp_path, case):
    chain, root, expected = CHAINS[case]
    for file, content in (("root", pem(root)), ("leaf", pem(chain[0])), ("rest", pem(*chain[1:]))):
        (tmp_path / file).write_bytes(content)
    rest = ["-untrusted", "rest"] if len(chain) > 1 else []
    command = ["openssl", "verify", "-CAfile", "root", *rest, "leaf"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode == 0) is expected, told.stderr
    assert (key_certificates.find_doubt(key_certificates.read_certificate(pem(*chain)), [root]) is None) is expected


def test_a_key_that_is_not_for_signatures():
    made = certificate(OURS, "ACME", "root", ROOT, usage=["key_agreement"])
    assert "not for signatures" in key_certificates.find_doubt(key_certificates.read_certificate(pem(made)), [ROOTED])


def test_a_circle_of_certificates_ends():
    one = certificate(MIDDLE, "middle", "other", OTHER, ca=True)
    two = certificate(OTHER, "other", "middle", MIDDLE, ca=True)
    leaf = certificate(OURS, "ACME", "middle", MIDDLE)
    assert key_certificates.find_doubt(key_certificates.read_certificate(pem(leaf, one, two, one, two)), [ROOTED])


@given(st.binary(max_size=200), st.integers(0, len(pem(DIRECT)) - 1))
def test_any_bytes_whatever_are_a_sentence(noise, at):
    for data in (noise, pem(DIRECT)[:at], pem(DIRECT)[:at] + noise[:1] + pem(DIRECT)[at + 1 :]):
        try:
            doubt = key_certificates.find_doubt(key_certificates.read_certificate(data), [ROOTED])
        except ConfigError as cause:
            doubt = str(cause)
        assert doubt is None or doubt.isprintable()


def test_a_changed_byte_is_a_sentence_wherever_certificates_are_read():
    whole = pem(DIRECT)  # its length differs from run to run, so a place is no parameter
    for at in range(0, len(whole), 3):
        for letter in b"FAz":
            with contextlib.suppress(ConfigError):
                assert key_certificates.read_chain(whole[:at] + bytes([letter]) + whole[at + 1 :])


def test_a_certificate_of_an_unknown_version_is_a_sentence(tmp_path):
    odd = pem(DIRECT)[:42] + b"F" + pem(DIRECT)[43:]  # version 66
    with pytest.raises(ConfigError, match="not a certificate"):
        key_certificates.read_chain(odd)
    key = {"fingerprint": signing_keys.fingerprint(OURS.public_key()), "roles": ["statement"]}
    for extra, sentence in (
        ({"certifiers": [{"pem": odd.decode()}]}, "names a certifier whose pem is no certificate"),
        (
            {"timestamps": {"minimum": 1, "authorities": [{"pem": odd.decode()}]}},
            "authority whose pem is no certificate",
        ),
    ):
        path = tmp_path / "trust.yaml"
        path.write_text(yaml.safe_dump({"keys": [key], **extra}))
        with pytest.raises(ConfigError, match=sentence):
            trusted_keys.read_trust(path)


@pytest.fixture
def sealed_by(world):
    """The statement key of the world's ledger, and how a certificate is attached to it."""
    pair = ledger.user_keys()
    private = serialization.load_pem_private_key((world / "home" / "keys" / "statement.pem").read_bytes(), None)
    return world / "ledger", pair, private


def trusting(path, pair, *roots):
    held = [{"fingerprint": signing_keys.fingerprint(key), "roles": [role]} for role, key in pair.public().items()]
    path.write_text(yaml.safe_dump({"keys": held, "certifiers": [{"pem": pem(each).decode()} for each in roots]}))
    return path


def step(found):
    return next(each for each in found.steps if each.name == "certificate")


def test_a_certificate_is_read_out_and_validated_only_if_asked(sealed_by, tmp_path):
    folder, pair, private = sealed_by
    made = pem(certificate(private, "ACME Ltd", "root", ROOT))
    entry = key_entries.certify(folder, made, SCANNER, keys=pair)
    found = ledger.verify(folder)
    assert (found.exit_code, found.unbound) == (0, ())
    assert step(found).status == "not checked"
    assert (
        f"{pair.fingerprint} is the key of CN=ACME Ltd, says CN=root, from {NOW - timedelta(days=1):%Y-%m-%d}"
        in step(found).detail
    )
    assert "NOT validated" in step(found).detail
    assert "certificate" in found.as_json()["not_checked"]
    asked = ledger.verify(folder, trust=trusting(tmp_path / "trust.yaml", pair, ROOTED))
    assert (asked.exit_code, step(asked).status) == (0, "ok")
    other = certificate(OTHER, "other", "other", OTHER, ca=True)
    refused = ledger.verify(folder, trust=trusting(tmp_path / "trust.yaml", pair, other))
    assert (refused.exit_code, step(refused).status) == (3, "failed")
    path = entry.statement["predicate"]["key"]["path"]
    (folder / path).write_bytes(pem(certificate(private, "ACME Evil", "root", ROOT)))
    assert ledger.verify(folder).exit_code == 1
    (folder / path).unlink()
    assert ledger.verify(folder).exit_code == 5


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (pem(DIRECT), "not over SHA256"),
        (pem(certificate(rsa.generate_private_key(65537, 2048), "ACME", "root", ROOT)), "another kind of key"),
        (pem(certificate(ec.generate_private_key(ec.SECP384R1()), "ACME", "root", ROOT)), "another kind of key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate"),
        (b"", "not a certificate"),
    ],
    ids=["another", "rsa", "p384", "garbage", "empty"],
)
def test_what_is_not_over_the_key_is_not_attached(sealed_by, made, said):
    folder, pair, _ = sealed_by
    with pytest.raises(ConfigError, match=said):
        key_entries.certify(folder, made, SCANNER, keys=pair)
    assert ledger.verify(folder).entries == 2


def test_a_trust_file_whose_certifier_is_none(sealed_by, tmp_path):
    folder, pair, _ = sealed_by
    path = trusting(tmp_path / "trust.yaml", pair, ROOTED)
    path.write_text(path.read_text().replace("BEGIN CERTIFICATE", "BEGIN NOTHING"))
    found = ledger.verify(folder, trust=path)
    assert found.exit_code == 2
    assert "certifier" in found.steps[0].detail
