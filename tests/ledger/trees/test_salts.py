"""Salts: HMAC as the standard library has it, and a secret that is made once and kept to oneself."""

import hmac
import stat
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import ConfigError
from provenance.ledger.keys import signing_keys
from provenance.ledger.trees import salts


@given(
    st.binary(min_size=32, max_size=32), st.sampled_from(["files", "content-set"]), st.lists(st.binary(max_size=200))
)
def test_a_salt_is_the_beginning_of_an_hmac(secret, kind, names):
    made = [hmac.new(secret, kind.encode() + b"\0" + name, "sha256").hexdigest()[:32] for name in names]
    assert list(salts.derive_salts(secret, kind, names)) == made
    assert [salts.derive_salt(secret, kind, name) for name in names] == made


def test_the_secret_is_made_once(home, tmp_path):
    (tmp_path / "keys").mkdir()
    first = salts.load_secret(tmp_path / "keys")
    assert len(first) == 32
    assert salts.load_secret(tmp_path / "keys") == first == (tmp_path / "keys" / "salts.key").read_bytes()
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["salts.key"]
    assert not (home / "salts.key").exists()
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "keys" / "salts.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("folder", [None, "file.pem", "missing"])
def test_keys_without_a_folder_share_the_users_own_secret(home, tmp_path, folder):
    (tmp_path / "file.pem").write_text("x")
    found = salts.load_secret(folder and tmp_path / folder)
    assert found == (home / "salts.key").read_bytes() == salts.load_secret()


@pytest.mark.parametrize("uri", [None, "folder", "file.pem", "env:KEYS"])
def test_the_secret_goes_with_the_keys(home, tmp_path, monkeypatch, uri):
    """Whoever proves a record names the keys, and need not be able to sign with them."""
    pair = signing_keys.user_keys()
    (tmp_path / "folder").mkdir()
    pem = b"".join(path.read_bytes() for path in sorted((home / "keys").glob("*.pem")) if ".pub." not in path.name)
    for path in (tmp_path / "folder" / "both.pem", tmp_path / "file.pem"):
        path.write_bytes(pem)
    monkeypatch.setenv("KEYS", pem.decode())
    named = str(tmp_path / uri) if uri in {"folder", "file.pem"} else uri
    loaded = signing_keys.load_pair(named) if named else pair
    assert loaded.fingerprint == pair.fingerprint
    assert salts.load_secret(loaded.folder) == salts.find_secret(named)


def test_a_folder_that_may_not_be_written_to(home, tmp_path, monkeypatch):
    (tmp_path / "keys").mkdir()
    real = salts._make_secret

    def refuse(folder):
        if folder == tmp_path / "keys":
            raise PermissionError
        return real(folder)

    monkeypatch.setattr(salts, "_make_secret", refuse)
    assert salts.load_secret(tmp_path / "keys") == (home / "salts.key").read_bytes()
    (tmp_path / "keys" / "salts.key").write_bytes(b"k" * 32)
    assert salts.load_secret(tmp_path / "keys") == b"k" * 32


@pytest.mark.parametrize("content", [b"", b"k" * 31, b"k" * 33])
def test_a_secret_of_another_length_is_refused(home, content):
    home.mkdir()
    (home / "salts.key").write_bytes(content)
    with pytest.raises(ConfigError, match="32 bytes"):
        salts.load_secret()


def test_nowhere_to_write(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "file" / "home"))
    with pytest.raises(ConfigError, match="PROVENANCE_CONFIG"):
        salts.load_secret()


def test_first_scans_that_meet_have_one_secret(home):
    found = []
    threads = [threading.Thread(target=lambda: found.append(salts.load_secret())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
