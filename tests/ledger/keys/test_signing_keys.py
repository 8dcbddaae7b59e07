"""Keys: made once, kept private, named as OpenSSH names them."""

import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.errors import ConfigError
from provenance.ledger.keys import passwords, signing_keys

P256, ED25519 = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()


def pem(key, password=None):
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


BOTH = pem(P256) + pem(ED25519)


def test_made_at_first_use_and_kept(home):
    first, second = signing_keys.user_keys(), signing_keys.user_keys()
    assert (first.created, second.created) == (True, False)
    assert first.local
    assert second.local
    assert first.fingerprint == second.fingerprint
    assert sorted(path.name for path in home.iterdir()) == ["keys"]
    assert {signing_keys.fingerprint(key) for key in signing_keys.own_public()} == {
        first.fingerprint,
        signing_keys.fingerprint(first.log.public_key()),
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_nobody_else_reads_them(home):
    signing_keys.user_keys()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home / "keys").iterdir()} == {0o600}
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700


def test_first_scans_that_meet_agree(home):
    found, gate = [], threading.Barrier(6)

    def make():
        gate.wait()
        found.append(signing_keys.user_keys())

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({pair.fingerprint for pair in found}) == 1
    assert sum(pair.created for pair in found) == 1
    assert sorted(path.name for path in home.iterdir()) == ["keys"]


def test_none_are_made_when_none_may_be(home):
    with pytest.raises(ConfigError, match="first scan"):
        signing_keys.user_keys(create=False)
    assert not home.exists()
    assert signing_keys.own_public() == []


def test_unwritable_folder_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="PROVENANCE_CONFIG"):
        signing_keys.user_keys()


@pytest.mark.skipif(os.name == "nt", reason="Windows has APPDATA")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PROVENANCE_CONFIG": "/a", "XDG_CONFIG_HOME": "/b"}, "/a"),
        ({"XDG_CONFIG_HOME": "/b"}, "/b/provenance"),
        ({"HOME": "/c"}, "/c/.config/provenance"),
    ],
)
def test_configuration_folder(monkeypatch, variables, expected):
    for name in ("PROVENANCE_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert signing_keys.configuration_folder() == Path(expected)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
@pytest.mark.parametrize("key", [P256, ED25519])
def test_fingerprint_is_that_of_ssh_keygen(tmp_path, key):
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (tmp_path / "key").write_bytes(line + b"\n")
    told = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "key"], check=True, capture_output=True, text=True
    ).stdout
    assert told.split()[1] == signing_keys.fingerprint(key.public_key())


@pytest.mark.parametrize(
    "lay",
    [
        lambda folder: (folder / "pair.pem").write_bytes(BOTH),
        lambda folder: (folder / "pair.pem").write_bytes(b"comment\n" + pem(ED25519) + b"\r\n" + pem(P256)),
        lambda folder: [(folder / f"{n}.pem").write_bytes(pem(key)) for n, key in enumerate((P256, ED25519))],
    ],
)
def test_pairs_are_found_in_files_and_folders(tmp_path, lay):
    lay(tmp_path)
    (tmp_path / "notes.txt").write_text("not a key")
    for uri in (tmp_path, *([tmp_path / "pair.pem"] if (tmp_path / "pair.pem").exists() else [])):
        found = signing_keys.load_pair(str(uri))
        assert found.fingerprint == signing_keys.fingerprint(P256.public_key())
        assert not found.local


def test_environment_variable(monkeypatch):
    monkeypatch.setenv("MY_KEYS", BOTH.decode())
    assert signing_keys.load_pair("env:MY_KEYS").fingerprint == signing_keys.fingerprint(P256.public_key())
    with pytest.raises(ConfigError, match="NOT_SET"):
        signing_keys.load_pair("env:NOT_SET")


def test_password_from_environment_or_prompt(tmp_path, monkeypatch):
    file = tmp_path / "pair.pem"
    file.write_bytes(pem(P256, b"secret") + pem(ED25519, b"secret"))
    monkeypatch.delenv(passwords.PASSWORD_VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=passwords.PASSWORD_VARIABLE):
        signing_keys.load_pair(str(file))
    assert signing_keys.load_pair(str(file), prompt=lambda _: "secret").fingerprint == signing_keys.fingerprint(
        P256.public_key()
    )
    with pytest.raises(ConfigError, match="password"):
        signing_keys.load_pair(str(file), prompt=lambda _: "wrong")
    monkeypatch.setenv(passwords.PASSWORD_VARIABLE, "secret")
    assert signing_keys.load_pair(str(file)).fingerprint == signing_keys.fingerprint(P256.public_key())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pem(P256),
        pem(ED25519),
        BOTH + pem(P256),
        pem(ec.generate_private_key(ec.SECP384R1())) + pem(ED25519),
        pem(rsa.generate_private_key(65537, 2048)) + BOTH,
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_pair_is_a_sentence(tmp_path, data):
    (tmp_path / "pair.pem").write_bytes(data)
    with pytest.raises(ConfigError):
        signing_keys.load_pair(str(tmp_path / "pair.pem"))


def test_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        signing_keys.load_pair(str(tmp_path / "none"))


def test_no_secret_is_printed(home):
    assert "PRIVATE" not in repr(signing_keys.user_keys())
    assert "object" not in repr(signing_keys.user_keys())
