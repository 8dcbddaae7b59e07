"""`provenance key` on the command line."""

from __future__ import annotations

import json
import re

import pytest

from provenance.cli import run
from provenance.ledger.keys import passwords, signing_keys

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.delenv(passwords.PASSWORD_VARIABLE, raising=False)


@pytest.fixture
def place(tmp_path, in_process, capfd):
    """A ledger of one scan by the user's own keys, and other keys under a password."""
    (tmp_path / "data" / "set").mkdir(parents=True)
    (tmp_path / "data" / "set" / "x.txt").write_text("a text of our own\n")
    (tmp_path / "password").write_text("secret\n")
    assert run(["scan", str(tmp_path / "data"), "--ledger", str(tmp_path / "ledger"), "--fail-on", "never"]) == 0
    made = ["keygen", "--origin", "acme.example/corpus", "--out", str(tmp_path / "new")]
    assert run([*made, "--password-file", str(tmp_path / "password")]) == 0
    capfd.readouterr()
    return tmp_path


def key(place, verb, *options):
    return run(["key", verb, str(place / "ledger"), *map(str, options)])


def new_keys(place):
    return ["--key", place / "new", "--password-file", place / "password"]


def test_hand_over_then_revoke_then_list(place, capfd):
    old = signing_keys.user_keys().fingerprint
    assert key(place, "rotate", "--new", place / "new", "--new-password-file", place / "password") == 0
    assert "Entry 1 of" in capfd.readouterr().out
    assert key(place, "revoke", old, "--reason", "the laptop is gone", *new_keys(place)) == 0
    capfd.readouterr()
    assert key(place, "list") == 0
    shown = capfd.readouterr().out
    assert f"{old}  statement, from the beginning; revoked by entry 2: the laptop is gone" in shown
    assert "statement, after entry 1" in shown
    assert run(["verify", str(place / "ledger"), "--format", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["entries"] == 3
    assert {"rotation", "revocation"} <= {step["name"] for step in found["steps"]}
    again = ["scan", str(place / "data"), "--ledger", str(place / "ledger"), "--fail-on", "never"]
    assert run(again) == 2
    assert f"provenance key rotate {place / 'ledger'}" in capfd.readouterr().err
    assert run([*again, *map(str, new_keys(place))]) == 0
    assert (place / "ledger" / "origin").read_text() != "acme.example/corpus\n"


def test_doubted_since(place, capfd):
    old = signing_keys.user_keys().fingerprint
    assert key(place, "rotate", "--new", place / "new", "--new-password-file", place / "password") == 0
    since = ["--reason", "stolen", "--since", "2025-01-01"]
    assert key(place, "revoke", old, *since, *new_keys(place)) == 0
    capfd.readouterr()
    assert run(["verify", str(place / "ledger")]) == 3
    assert "doubted since 2025-01-01T00:00:00Z" in capfd.readouterr().out


def test_add(place, capfd):
    assert (
        run(["keygen", "--role", "waiver", "--origin", "acme.example", "--out", str(place / "w"), "--no-password"]) == 0
    )
    capfd.readouterr()
    assert key(place, "add", place / "w" / "waiver.pub.pem", "--role", "waiver", "--name", "A. Approver") == 0
    added = FINGERPRINT.search(capfd.readouterr().out)[0]
    assert key(place, "list") == 0
    assert f"{added}  waiver, A. Approver" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rotate", "{ledger}", "--new", "{ledger}/none"], 2, "cannot be read"),
        (["rotate", "{none}", "--new", "{pair}"], 2, "no ledger"),
        (["revoke", "{ledger}", "SHA256:x", "--reason", "why"], 2, "no key of"),
        (["revoke", "{ledger}", "SHA256:x", "--reason", "why", "--since", "yesterday"], 2, "yesterday"),
        (["add", "{ledger}", "{none}", "--role", "witness"], 2, "cannot be read: No such file"),
        (["add", "{ledger}", "{ledger}/origin", "--role", "witness"], 2, "PEM"),
        (["certificate", "{ledger}", "{ledger}/origin"], 2, "not a certificate"),
        (["certificate", "{ledger}", "{none}"], 2, "none cannot be read: No such file"),
        (["certificate", "{none}", "{ledger}/origin"], 2, "none is no ledger"),
        (["add", "{none}", "{ledger}/origin", "--role", "witness"], 2, "none is no ledger"),
        (["list", "{none}"], 2, "none is no ledger"),
    ],
)
def test_what_cannot_be_is_a_sentence(place, capfd, arguments, code, said):
    pair = place / "pair"
    assert run(["keygen", "--origin", "x", "--out", str(pair), "--no-password"]) == 0
    names = {"ledger": place / "ledger", "none": place / "none", "pair": pair}
    assert run(["key", *(each.format(**names) for each in arguments)]) == code
    assert said in capfd.readouterr().err


def test_a_certificate_is_attached(place, capfd):
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.hashes import SHA256

    folder = signing_keys.user_keys().folder
    private = serialization.load_pem_private_key((folder / "statement.pem").read_bytes(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME\u202e Ltd")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, private.public_key(), 7, now, now + timedelta(days=9)).sign(
        private, SHA256()
    )
    (place / "seal.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    assert key(place, "certificate", place / "seal.pem") == 0
    said = capfd.readouterr().out
    assert "says CN=ACME" in said
    assert "\u202e" not in said
    assert run(["verify", str(place / "ledger")]) == 0
    said = capfd.readouterr().out
    assert "NOT validated" in said
    assert "\u202e" not in said
