"""`provenance keygen` on the command line."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from provenance import ledger
from provenance.cli import key_options, run
from provenance.core.schemas import SEALED, empty
from provenance.errors import ConfigError
from provenance.ledger.keys import passwords, signing_keys


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.delenv(passwords.PASSWORD_VARIABLE, raising=False)


def keygen(folder, *options):
    return run(["keygen", "--origin", "acme.example/corpus", "--out", str(folder), *options])


def answers(monkeypatch, *given):
    asked = []

    def prompt(text, **how):
        asked.append((text, how["hide_input"]))
        return given[len(asked) - 1]

    monkeypatch.setattr(key_options.click, "prompt", prompt)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    return asked


def test_a_password_is_asked_for_twice_and_hidden(tmp_path, monkeypatch, capfd):
    asked = answers(monkeypatch, "secret", "secret")
    assert keygen(tmp_path / "keys") == 0
    assert [hidden for _, hidden in asked] == [True, True]
    said = capfd.readouterr().out
    assert "secret" not in said
    found = signing_keys.load_pair(str(tmp_path / "keys"), prompt=lambda _: "secret")
    assert f"statement: {found.fingerprint}" in said
    assert f"log: {signing_keys.fingerprint(found.log.public_key())}" in said
    assert f"provenance scan DATA --key {tmp_path / 'keys'}" in said


@pytest.mark.parametrize(("given", "said"), [(("one", "two"), "differ"), (("", ""), "--no-password")])
def test_without_a_password_there_are_no_keys(tmp_path, monkeypatch, capfd, given, said):
    answers(monkeypatch, *given)
    assert keygen(tmp_path / "keys") == 2
    assert said in capfd.readouterr().err
    assert not (tmp_path / "keys").exists()


def test_an_empty_password_is_asked_for_again(tmp_path, monkeypatch):
    asked = answers(monkeypatch, "", "secret", "secret")
    assert keygen(tmp_path / "keys") == 0
    assert asked[1][0].startswith("An empty password protects nothing.")


def test_where_there_is_no_terminal_nobody_is_asked(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert keygen(tmp_path / "keys") == 2
    assert "there is no terminal to ask for the password" in (said := capfd.readouterr().err)
    assert "Warning" not in said
    monkeypatch.setenv(passwords.PASSWORD_VARIABLE, "secret")
    assert keygen(tmp_path / "keys") == 0
    monkeypatch.delenv(passwords.PASSWORD_VARIABLE)
    assert run(["key", "rotate", str(tmp_path), "--new", str(tmp_path / "keys")]) == 2
    capfd.readouterr()
    with pytest.raises(ConfigError, match="no terminal to ask for the password: use --password-file or PROVENANCE_KEY"):
        signing_keys.load_pair(str(tmp_path / "keys"), prompt=key_options.make_secrets())


def test_a_password_file_makes_and_opens(tmp_path, capfd):
    (tmp_path / "password").write_text("secret\n")
    assert keygen(tmp_path / "keys", "--password-file", str(tmp_path / "password")) == 0
    secrets = key_options.make_secrets(tmp_path / "password")
    assert signing_keys.load_pair(str(tmp_path / "keys"), prompt=secrets).origin == "acme.example/corpus"
    for content, said in ((b"", "empty"), (b"\n", "empty"), (b"\xff", "cannot be read"), (None, "cannot be read")):
        (tmp_path / "password").unlink(missing_ok=True)
        if content is not None:
            (tmp_path / "password").write_bytes(content)
        assert keygen(tmp_path / "more", "--password-file", str(tmp_path / "password")) == 2
        assert said in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no-password", "--password-file", "x"], "contradict"),
        (["--no-password", "--role", "waiver", "--statement", "hsm:2"], "--role waiver"),
        (["--no-password", "--role", "king"], "king"),
        (["--no-password", "--origin", "a b"], "name of a log"),
        (["--no-password", "--statement", "./key.pem"], "hsm"),
    ],
)
def test_what_cannot_be_is_a_sentence(tmp_path, capfd, options, said):
    assert keygen(tmp_path / "keys", *options) == 2
    assert said in capfd.readouterr().err
    assert not (tmp_path / "keys").exists()


def test_a_second_time_nothing_is_overwritten(tmp_path, capfd):
    assert keygen(tmp_path / "keys", "--no-password") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()}
    assert keygen(tmp_path / "keys", "--no-password") == 2
    assert "never overwritten" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before


def test_a_scan_with_the_keys_has_their_origin(tmp_path, in_process, monkeypatch, capfd):
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "x.txt").write_text("a text of our own\n")
    (tmp_path / "password").write_text("secret\n")
    given = ["--password-file", str(tmp_path / "password")]
    assert keygen(tmp_path / "keys", *given) == 0
    asked = ["scan", str(tmp_path / "data"), "--ledger", str(tmp_path / "ledger"), "--key", str(tmp_path / "keys")]
    assert run([*asked, *given, "--fail-on", "never"]) == 0
    assert (tmp_path / "ledger" / "origin").read_text() == "acme.example/corpus\n"
    monkeypatch.setenv(passwords.PASSWORD_VARIABLE, "wrong")
    assert run([*asked, "--fail-on", "never"]) == 2
    assert "its password is wrong" in capfd.readouterr().err


@pytest.mark.parametrize("place", ["ledger", "ledger/keys", "ledger/keys/new", "ledger/scans/00000000", "link/deep"])
@pytest.mark.parametrize("gone", [(), ("origin",), ("checkpoints",), ("entries", "checkpoints", "origin")])
def test_no_keys_are_made_in_a_ledger(tmp_path, monkeypatch, capfd, place, gone):
    """A ledger is handed to others; one of which parts are gone is no less one."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    tables = {name: empty(schema) for name, schema in SEALED.items()}
    facts = {
        "kind": "draft", "scanner": {"name": "p", "version": "1", "digest": {"sha256": "ab" * 32}}, "data": "corpus",
        "purpose": "internal", "profiles": [{"name": "baseline", "digest": {"sha256": "cd" * 32}}],
        "startedOn": "2025-01-01T00:00:00Z", "finishedOn": "2025-01-01T00:00:01Z",
    }  # fmt: skip
    ledger.append(tmp_path / "ledger", tables, {}, facts, keys=ledger.user_keys())
    for name in gone:
        path = tmp_path / "ledger" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (tmp_path / "link").symlink_to(tmp_path / "ledger" / "keys")
    before = sorted(tmp_path.rglob("*"))
    assert keygen(tmp_path / place, "--no-password") == 2
    assert "lies in the ledger" in capfd.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_keys_of_another_name_take_a_ledger_over_and_the_advice_holds(append, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    append("ledger")
    assert keygen("keys", "--no-password") == 0
    assert "a ledger that is there, which keeps its name: provenance key rotate LEDGER --new keys" in (
        capfd.readouterr().out
    )
    assert run(["key", "rotate", "ledger", "--new", "keys"]) == 0
    origin = (tmp_path / "ledger/origin").read_text().strip()
    assert f"write origin: {origin} in the copy of keys/trust.yaml" in capfd.readouterr().out
    for words in (["verify", "ledger"], ["verify", "ledger", "--entry", "0"]):
        assert run([*words, "--trust", "keys/trust.yaml"]) == 3
        said = capfd.readouterr().out
        assert "the trust file is pinned for another log: it says origin acme.example/corpus" in said
        assert f"this log is {origin}" in said
        assert "pin them with" not in said
    own = (tmp_path / "keys/trust.yaml").read_text().replace("acme.example/corpus", origin, 1)
    (tmp_path / "trust.yaml").write_text(own)
    assert run(["verify", "ledger", "--trust", "trust.yaml"]) == 0
