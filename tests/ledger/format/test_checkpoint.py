"""Checkpoints against C2SP's own words, openssl, and every changed byte."""

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import BadSignature, VerificationError
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import verifier_keys
from provenance.ledger.keys.signing_keys import public_pem

KEY = Ed25519PrivateKey.generate()
MADE = checkpoint.sign_head("example.org/log", 3, bytes(range(32)), KEY)

# The example of golang.org/x/mod/sumdb/note (its package documentation): a note and the key that signed it.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def test_key_id_is_that_of_go():
    name, key_id, key = GO_VKEY.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
    assert verifier_keys.compute_key_id(name, public).hex() == key_id
    assert verifier_keys.format_vkey(name, public) == GO_VKEY
    signature = base64.b64decode(GO_SIGNATURE)
    assert signature[:4] == verifier_keys.compute_key_id(name, public)
    public.verify(signature[4:], GO_TEXT)


def test_text_is_that_of_c2sp():
    lines = MADE.note.decode().split("\n")
    assert lines[:4] == ["example.org/log", "3", base64.b64encode(bytes(range(32))).decode(), ""]
    assert lines[4].startswith("— example.org/log ")
    assert lines[5:] == [""]


def test_signed_is_read_and_checked():
    found = checkpoint.read_checkpoint(MADE.note)
    assert found == MADE
    checkpoint.check_signature(found, KEY.public_key())


def test_openssl_agrees(tmp_path):
    (tmp_path / "key").write_bytes(public_pem(KEY.public_key()))
    (tmp_path / "sig").write_bytes(MADE.signature)
    (tmp_path / "body").write_bytes(MADE.body)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-in", "body", "-sigfile", "sig"]
    assert b"Successfully" in subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout


def test_every_change_of_every_byte_fails():
    for at in range(len(MADE.note)):
        for value in range(256):
            if value == MADE.note[at]:
                continue
            changed = MADE.note[:at] + bytes([value]) + MADE.note[at + 1 :]
            with pytest.raises(VerificationError):
                checkpoint.check_signature(checkpoint.read_checkpoint(changed), KEY.public_key())


def test_every_truncation_fails():
    for cut in range(len(MADE.note)):
        with pytest.raises(VerificationError):
            checkpoint.read_checkpoint(MADE.note[:cut])


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note + note.splitlines(keepends=True)[-1],
        lambda note: note + b"\n",
        lambda note: note.replace(b"\n3\n", b"\n03\n"),
        lambda note: note.replace(b"\n3\n", b"\n+3\n"),
        lambda note: note.replace(b"\n3\n", "\n٣\n".encode()),
        lambda note: note.replace(b"\n3\n", b"\n" + b"9" * 5000 + b"\n"),
        lambda note: note.replace(b"\n", b"\r\n"),
        lambda note: note.replace("—".encode(), b"--"),
        lambda note: note.replace(b"\n\n", b"\nextension\n\n"),
        lambda note: b" " * (1 << 20) + note,
    ],
)
def test_no_second_form(change):
    with pytest.raises(VerificationError):
        checkpoint.read_checkpoint(change(MADE.note))


def test_witnesses_may_follow_a_held_note():
    note = MADE.note + "— witness.example AAAA\n".encode()
    assert checkpoint.read_checkpoint(note, cosigned=True) == MADE
    with pytest.raises(VerificationError):
        checkpoint.read_checkpoint(note)


def test_another_key_is_refused():
    with pytest.raises(BadSignature):
        checkpoint.check_signature(MADE, Ed25519PrivateKey.generate().public_key())


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_no_bytes_raise_anything_else(data):
    with pytest.raises(VerificationError):
        checkpoint.read_checkpoint(data, cosigned=True)
