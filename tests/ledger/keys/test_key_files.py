"""Key files: what others read, what is refused before it costs anything, and what is never overwritten."""

import base64
import os
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.errors import ConfigError
from provenance.ledger.keys import key_files
from provenance.ledger.keys.signing_keys import public_pem

KEYS = {"p256": ec.generate_private_key(ec.SECP256R1()), "ed25519": Ed25519PrivateKey.generate()}
PASSWORD = "correct hörse"  # noqa: S105 - made up
SEALED = {name: key_files.private_pem(key, PASSWORD) for name, key in KEYS.items()}


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], capture_output=True, check=False, **more)


@pytest.mark.parametrize("name", KEYS)
def test_others_read_it(tmp_path, name):
    (tmp_path / "key.pem").write_bytes(SEALED[name])
    read = openssl("pkey", "-in", tmp_path / "key.pem", "-passin", f"pass:{PASSWORD}", "-pubout")
    assert read.stdout == public_pem(KEYS[name].public_key())
    assert openssl("pkey", "-in", tmp_path / "key.pem", "-passin", "pass:wrong", "-pubout").returncode
    loaded = serialization.load_pem_private_key(SEALED[name], PASSWORD.encode())
    assert public_pem(loaded.public_key()) == public_pem(KEYS[name].public_key())
    ours = key_files.read_private(SEALED[name], "key.pem", PASSWORD)
    assert public_pem(ours.public_key()) == public_pem(KEYS[name].public_key())


def test_it_is_as_dear_as_it_says():
    shown = openssl("asn1parse", input=SEALED["p256"]).stdout.decode()
    numbers = [int(line.rsplit(":", 1)[1], 16) for line in shown.splitlines() if "INTEGER" in line]
    assert "PBES2" in shown
    assert "scrypt" in shown
    assert "aes-256-cbc" in shown
    assert numbers == [1 << 14, 8, 5]


def test_no_two_files_are_alike():
    again = key_files.private_pem(KEYS["p256"], PASSWORD)
    assert again != SEALED["p256"]
    assert KEYS["p256"].private_numbers().private_value.to_bytes(32, "big") not in base64.b64decode(
        b"".join(again.split(b"\n")[1:-2])
    )


def test_an_empty_password_is_none():
    with pytest.raises(ConfigError, match="empty"):
        key_files.private_pem(KEYS["p256"], "")


@pytest.mark.parametrize(
    "how",
    [
        ["-scrypt"],
        ["-scrypt", "-scrypt_N", "32768", "-scrypt_r", "4", "-scrypt_p", "2"],
        ["-v2", "aes-256-cbc", "-iter", "600000"],
        ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA256"],
    ],
)
def test_what_openssl_writes_is_read(how):
    plain = key_files.private_pem(KEYS["ed25519"], None)
    made = openssl("pkcs8", "-topk8", *how, "-passout", f"pass:{PASSWORD}", input=plain)
    found = key_files.read_private(made.stdout, "key.pem", PASSWORD)
    assert public_pem(found.public_key()) == public_pem(KEYS["ed25519"].public_key())


def hostile(tmp_path, scheme, derivation):
    """A key file that openssl builds of a description: what its password is does not matter."""
    (tmp_path / "asn1").write_text(
        f"""asn1 = SEQUENCE:whole
[whole]
scheme = SEQUENCE:scheme
data = FORMAT:HEX,OCTETSTRING:{"00" * 48}
[scheme]
name = OID:{scheme}
parameters = SEQUENCE:parameters
[parameters]
derivation = SEQUENCE:derivation
cipher = SEQUENCE:cipher
[cipher]
name = OID:aes-256-cbc
start = FORMAT:HEX,OCTETSTRING:{"00" * 16}
[derivation]
name = OID:{derivation[0]}
numbers = SEQUENCE:numbers
[numbers]
salt = FORMAT:HEX,OCTETSTRING:{"00" * 8}
"""
        + "".join(f"n{at} = INTEGER:{value}\n" for at, value in enumerate(derivation[1:]))
    )
    openssl("asn1parse", "-genconf", tmp_path / "asn1", "-noout", "-out", tmp_path / "der")
    body = base64.encodebytes((tmp_path / "der").read_bytes()).decode()
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}-----END ENCRYPTED PRIVATE KEY-----\n".encode()


SCRYPT, PBKDF2 = "1.3.6.1.4.1.11591.4.11", "PBKDF2"


@pytest.mark.parametrize(
    ("scheme", "derivation", "said"),
    [
        ("PBES2", (SCRYPT, 1 << 14, 8, 5), None),
        ("PBES2", (SCRYPT, 1 << 16, 8, 1), None),
        ("PBES2", (SCRYPT, 1 << 17, 8, 1), "memory or time"),
        ("PBES2", (SCRYPT, 1 << 62, 8, 1), "memory or time"),
        ("PBES2", (SCRYPT, 1 << 14, 8, 1 << 20), "memory or time"),
        ("PBES2", (SCRYPT, 2, 1 << 29, 1), "memory or time"),
        ("PBES2", (PBKDF2, 600_000), None),
        ("PBES2", (PBKDF2, 1 << 31), "memory or time"),
        ("PBES2", ("SHA256", 1), "cannot be read"),
        ("PBES2", (SCRYPT, 1), "cannot be read"),
        ("pbeWithMD5AndDES-CBC", (PBKDF2, 1), "openssl pkcs8"),
    ],
)
def test_what_would_cost_too_much_is_refused_before_it_does(tmp_path, monkeypatch, scheme, derivation, said):
    loaded = []
    monkeypatch.setattr(
        key_files.serialization, "load_pem_private_key", lambda *given: loaded.append(given) or KEYS["p256"]
    )
    pem = hostile(tmp_path, scheme, derivation)
    if said is None:
        key_files.read_private(pem, "key.pem", PASSWORD)
        assert loaded
        return
    with pytest.raises(ConfigError, match=said):
        key_files.read_private(pem, "key.pem", PASSWORD)
    assert not loaded


def test_any_bytes_whatever_are_a_sentence(monkeypatch):
    monkeypatch.setattr(key_files.Scrypt, "derive", None)  # ours alone derives with it
    body = SEALED["ed25519"].split(b"-----")[2]
    der = base64.b64decode(body)
    changed = [der[:at] for at in range(len(der))]
    changed += [der[:at] + bytes([der[at] ^ bit]) + der[at + 1 :] for at in range(16) for bit in (1, 0x80)]
    changed += [b"\x30\x80" + der[3:] + b"\0\0", b"\x30\xff" + der[2:], b"\x30\x84\xff\xff\xff\xff" + der[3:]]
    for each in changed:
        pem = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n%s-----END ENCRYPTED PRIVATE KEY-----\n" % base64.encodebytes(
            each
        )
        with pytest.raises(ConfigError):
            key_files.read_private(pem, "key.pem", "wrong")


@pytest.mark.parametrize("inner", [b"-----BEGIN PUBLIC KEY-----\n", b"Proc-Type: 4,ENCRYPTED\n\n", b"!"])
def test_what_could_be_read_in_two_ways_is_not_read(inner):
    _, begin, body, end, _ = SEALED["ed25519"].split(b"-----")
    with pytest.raises(ConfigError, match="cannot be read"):
        key_files.read_private(b"-----%s-----\n%s%s-----%s-----\n" % (begin, inner, body, end), "key.pem", PASSWORD)


def test_files_are_for_their_owner_and_written_once(tmp_path):
    key_files.write_private(tmp_path / "key", b"one")
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        key_files.write_private(tmp_path / "key", b"two")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        key_files.write_private(tmp_path / "link", b"two")
    assert (tmp_path / "key").read_bytes() == b"one"
    assert not (tmp_path / "elsewhere").exists()
