"""Keys that are made: what stands in the folder, who may read it, and that nothing is overwritten."""

import os
import stat
import subprocess
from dataclasses import replace

import pytest

from provenance import ledger
from provenance.errors import ConfigError
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import key_generation, passwords, signing_keys

NO_SECRETS = passwords.Secrets()
NAME = "acme.example/corpus"


def make(folder, roles=key_generation.PAIR_ROLES, name=NAME, password=None, **more):
    return key_generation.make_keys(folder, roles, name, password=password, secrets=NO_SECRETS, **more)


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_pair_is_a_folder_that_signs(tmp_path, sealed, monkeypatch):
    made = make(tmp_path / "keys", password="secret")  # noqa: S106 - made up
    assert listed(tmp_path / "keys") == [
        "fingerprints.txt", "log.pem", "log.pub.pem", "log.vkey", "origin", "salts.key", "statement.pem", "statement.pub.pem", "trust.yaml",
    ]  # fmt: skip
    assert len((tmp_path / "keys" / "salts.key").read_bytes()) == 32
    if os.name != "nt":
        assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    monkeypatch.setenv(passwords.PASSWORD_VARIABLE, "secret")
    pair = signing_keys.load_pair(str(tmp_path / "keys"))
    assert pair.fingerprint == made["statement"]
    entry = ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=pair)
    assert entry.origin == NAME
    assert (tmp_path / "ledger" / "origin").read_text() == f"{NAME}\n"
    note = checkpoint.read_checkpoint((tmp_path / "ledger" / "checkpoints" / "1.note").read_bytes())
    _, key_id, _ = (tmp_path / "keys" / "log.vkey").read_text().split("+", 2)
    assert (note.origin, note.key.hex()) == (NAME, key_id)
    assert ledger.verify(tmp_path / "ledger").exit_code == 3
    assert ledger.verify(tmp_path / "ledger", trust=tmp_path / "keys" / "trust.yaml").exit_code == 0
    ledger.append(tmp_path / "local", sealed, {}, sealed.facts(), keys=replace(pair, origin=None))
    assert ledger.verify(tmp_path / "local", trust=tmp_path / "keys" / "trust.yaml").exit_code == 3


def test_fingerprints_are_those_of_ssh_keygen(tmp_path):
    make(tmp_path / "keys")
    for line in (tmp_path / "keys" / "fingerprints.txt").read_text().splitlines():
        fingerprint, role, name = line.split(" ")
        public = (tmp_path / "keys" / f"{role}.pub.pem").read_bytes()
        assert (signing_keys.fingerprint(signing_keys.read_public(public)), name) == (fingerprint, NAME)


@pytest.mark.parametrize(
    ("role", "files"),
    [
        ("waiver", ["fingerprints.txt", "waiver.pem", "waiver.pub.pem"]),
        ("witness", ["fingerprints.txt", "witness.pem", "witness.pub.pem", "witness.vkey"]),
        ("statement", ["fingerprints.txt", "statement.pem", "statement.pub.pem"]),
        ("log", ["fingerprints.txt", "log.pem", "log.pub.pem", "log.vkey", "origin"]),
    ],
)
def test_a_role_has_just_its_own_key(tmp_path, role, files):
    made = make(tmp_path / "keys", (role,))
    assert listed(tmp_path / "keys") == files
    load = signing_keys.load_log if role in signing_keys.NOTE_ROLES else signing_keys.load_statement
    for uri in (tmp_path / "keys", tmp_path / "keys" / f"{role}.pem"):
        assert signing_keys.fingerprint(load(str(uri), role).public_key()) == made[role]
    with pytest.raises(ConfigError):
        signing_keys.load_pair(str(tmp_path / "keys"))
    kind = {"witness": b"\4", "log": b"\1"}.get(role)
    if kind is not None:
        name, key_id, encoded = (tmp_path / "keys" / f"{role}.vkey").read_text().rstrip("\n").split("+", 2)
        import base64
        import hashlib

        held = base64.b64decode(encoded)
        assert held[:1] == kind
        assert hashlib.sha256(name.encode() + b"\n" + held).hexdigest()[:8] == key_id


def test_encrypted_keys_hold_no_plain_one(tmp_path):
    make(tmp_path / "keys", password="secret")  # noqa: S106 - made up
    for name in ("statement", "log"):
        assert (tmp_path / "keys" / f"{name}.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")


@pytest.mark.parametrize("there", ["statement.pem", "salts.key", "origin", "log.vkey"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / there).write_bytes(b"mine")
    with pytest.raises(ConfigError, match=there):
        make(tmp_path)
    assert listed(tmp_path) == [there]
    assert (tmp_path / there).read_bytes() == b"mine"


def test_half_a_folder_is_not_left(tmp_path, monkeypatch):
    write, written = key_generation.key_files.write_private, []

    def full(path, data):
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(path)
        write(path, data)

    monkeypatch.setattr(key_generation.key_files, "write_private", full)
    with pytest.raises(ConfigError, match="No space"):
        make(tmp_path / "keys")
    assert listed(tmp_path / "keys") == []


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "é" * 256, "\x1b[31m"])
def test_a_name_that_no_log_can_have(tmp_path, name):
    with pytest.raises(ConfigError, match="name of a log"):
        make(tmp_path / "keys", name=name)
    assert not (tmp_path / "keys").exists()


def test_unknown_roles_and_keys_that_are_not_elsewhere(tmp_path):
    with pytest.raises(ConfigError, match="no role king"):
        make(tmp_path / "keys", ("king",))
    with pytest.raises(ConfigError, match="no key elsewhere"):
        make(tmp_path / "keys", elsewhere={"statement": "somewhere"})
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "statement.uri").write_text("hsm:2"), "both"),
        (lambda folder: (folder / "statement.pem").rename(folder / "other.pem") and (folder / "statement.uri").write_text("x"), "must hold one URI"),
        (lambda folder: (folder / "origin").write_text("a b\n"), "name of a log"),
        (lambda folder: (folder / "origin").write_bytes(b"\xff"), "name of a log"),
        (lambda folder: (folder / "log.pem").unlink(), "Ed25519"),
        (lambda folder: (folder / "statement.pem").write_bytes((folder / "log.pem").read_bytes()), "P-256"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_what_it_should_be_is_a_sentence(tmp_path, change, said):
    make(tmp_path)
    change(tmp_path)
    with pytest.raises(ConfigError, match=said):
        signing_keys.load_pair(str(tmp_path))


def test_other_roles_in_the_folder_do_not_get_in_the_way(tmp_path):
    made = make(tmp_path) | make(tmp_path / "more", ("waiver",))
    (tmp_path / "more" / "waiver.pem").rename(tmp_path / "waiver.pem")
    assert signing_keys.load_pair(str(tmp_path)).fingerprint == made["statement"]
    assert signing_keys.fingerprint(signing_keys.load_statement(str(tmp_path), "waiver").public_key()) == made["waiver"]


def test_openssl_reads_what_is_made(tmp_path):
    make(tmp_path, password="secret")  # noqa: S106 - made up
    for name in ("statement", "log"):
        command = ["openssl", "pkey", "-in", tmp_path / f"{name}.pem", "-passin", "pass:secret", "-pubout"]
        told = subprocess.run(command, check=True, capture_output=True).stdout
        assert told == (tmp_path / f"{name}.pub.pem").read_bytes()


def test_two_ledgers_under_one_name_are_refused(tmp_path, sealed):
    """They would pass for two views of one log, and their owner for a forger."""
    make(tmp_path / "keys")
    pair = signing_keys.load_pair(str(tmp_path / "keys"))
    ledger.append(tmp_path / "a", sealed, {}, sealed.facts(), keys=pair)
    ledger.append(tmp_path / "a", sealed, {}, sealed.facts(), keys=pair)
    for begin in (
        lambda: ledger.check_appendable(tmp_path / "b", pair),
        lambda: ledger.append(tmp_path / "b", sealed, {}, sealed.facts(), keys=pair),
    ):
        with pytest.raises(ConfigError, match="would pass for a forgery"):
            begin()
