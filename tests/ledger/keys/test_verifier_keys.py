"""Verifier keys: the example of the specification, and every way in which one is none (C2SP signed-note)."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from provenance.errors import ConfigError
from provenance.ledger.keys import verifier_keys
from provenance.ledger.keys.verifier_keys import LOG_TYPE, WITNESS_TYPE

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key()

# Of Go's golang.org/x/mod/sumdb/note and its checksum database, which C2SP signed-note took over.
PUBLISHED = [
    ("PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    ("sum.golang.org", "033de0ae", "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
]


@pytest.mark.parametrize(("name", "identifier", "encoded"), PUBLISHED)
def test_keys_that_others_published(name, identifier, encoded):
    data = base64.b64decode(encoded)
    key = Ed25519PublicKey.from_public_bytes(data[1:])
    assert verifier_keys.compute_key_id(name, key).hex() == identifier
    assert verifier_keys.format_vkey(name, key) == f"{name}+{identifier}+{encoded}"


@pytest.mark.parametrize("kind", [LOG_TYPE, WITNESS_TYPE])
def test_the_id_is_of_name_kind_and_key(kind):
    expected = hashlib.sha256(b"w.example\n" + kind + KEY.public_bytes_raw()).digest()[:4]
    assert verifier_keys.compute_key_id("w.example", KEY, kind) == expected
    assert verifier_keys.format_vkey("w.example", KEY, kind).split("+")[1] == expected.hex()


def test_a_log_and_a_witness_of_one_key_have_different_ids():
    assert verifier_keys.compute_key_id("x", KEY, LOG_TYPE) != verifier_keys.compute_key_id("x", KEY, WITNESS_TYPE)


@pytest.mark.parametrize("name", ["w.example", "example.com/witness", "x" * 255, "见证.example"])
def test_a_witness_is_read_as_it_was_written(name):
    written = verifier_keys.Witness(name, KEY)
    read = verifier_keys.read_witness(written.vkey)
    assert (read.name, read.key.public_bytes_raw(), read.id) == (name, KEY.public_bytes_raw(), written.id)


GOOD = verifier_keys.Witness("w.example", KEY).vkey
NAME, ID, DATA = GOOD.split("+", 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w.example",
        f"{NAME}+{ID}",
        f"+{ID}+{DATA}",
        f"w example+{ID}+{DATA}",
        f"{'x' * 256}+{ID}+{DATA}",
        f"{NAME}+{ID.upper()}x+{DATA}",
        f"{NAME}+{ID[:-1]}+{DATA}",
        f"{NAME}+{ID}+{DATA[:-4]}",
        f"{NAME}+{ID}+{DATA}AAAA",
        f"{NAME}+{ID}+{DATA[:-1]}=",
        f"{GOOD}\n",
        f" {GOOD}",
        verifier_keys.format_vkey("w.example", KEY, LOG_TYPE),
    ],
)
def test_what_is_no_witness_is_refused_in_a_sentence(text):
    with pytest.raises(ConfigError, match="is no verifier key of a witness"):
        verifier_keys.read_witness(text)


@pytest.mark.parametrize(
    "text",
    [
        f"other.example+{ID}+{DATA}",
        f"{NAME}+00000000+{DATA}",
        f"{NAME}+{ID}+{verifier_keys.Witness('w.example', Ed25519PrivateKey.generate().public_key()).vkey.split('+', 2)[2]}",
    ],
    ids=["name", "id", "key"],
)
def test_what_does_not_fit_together_is_refused(text):
    with pytest.raises(ConfigError, match="does not fit its own key id"):
        verifier_keys.read_witness(text)
