"""Trust files: a closed vocabulary."""

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.errors import ConfigError
from provenance.ledger.format import witness_cosignature
from provenance.ledger.keys import signing_keys, trusted_keys

KEY = Ed25519PrivateKey.generate().public_key()
VKEY = witness_cosignature.make_witness("w.example", KEY).vkey
PRINT = signing_keys.fingerprint(KEY)
PEM = signing_keys.public_pem(KEY).decode()


def written(folder, value):
    path = folder / "trust.yaml"
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return path


@pytest.mark.parametrize("named", [{"fingerprint": PRINT}, {"pem": PEM}])
def test_fingerprint_and_pem_pin_the_same(tmp_path, named):
    found = trusted_keys.read_trust(written(tmp_path, {"keys": [{**named, "roles": ["log"], "name": "Acme"}]}))
    assert found.find_owner(PRINT, "log", "any") == "Acme"
    assert found.find_owner(PRINT, "statement", "any") is None
    assert found.find_owner("SHA256:" + "A" * 43, "log", "any") is None


def test_origin_narrows(tmp_path):
    found = trusted_keys.read_trust(written(tmp_path, {"origin": "a", "keys": [{"pem": PEM, "roles": ["log"]}]}))
    assert found.find_owner(PRINT, "log", "a") == "pinned in trust.yaml"
    assert found.find_owner(PRINT, "log", "b") is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "- a",
        "keys: [",
        "\t",
        "!!python/object/apply:os.system [id]",
        {"keys": []},
        {"keys": [{"fingerprint": PRINT}]},
        {"keys": [{"roles": ["log"]}]},
        {"keys": [{"fingerprint": PRINT, "pem": PEM, "roles": ["log"]}]},
        {"keys": [{"fingerprint": PRINT, "roles": ["witness"]}]},
        {"keys": [{"fingerprint": PRINT.lower(), "roles": ["log"]}]},
        {"keys": [{"fingerprint": PRINT, "roles": ["log"], "expires": "never"}]},
        {"keys": [{"pem": "-----BEGIN PUBLIC KEY-----", "roles": ["log"]}]},
        {"keyz": []},
    ],
)
def test_what_is_no_trust_file_is_a_sentence(tmp_path, value):
    with pytest.raises(ConfigError):
        trusted_keys.read_trust(written(tmp_path, value))


def test_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"none does not exist$"):
        trusted_keys.read_trust(tmp_path / "none")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"assessments": {"signers": 2}}, "asks for 2 signers and pins 1 statement key: "),
        ({"witnesses": {"keys": [{"vkey": VKEY}], "quorum": 2}}, "asks for 2 witnesses and pins 1: "),
        ({"timestamps": {"authorities": [{"pem": "any"}], "minimum": 2}}, "asks for 2 authorities and pins 1: "),
    ],
)
def test_what_can_never_be_met_is_named(tmp_path, monkeypatch, asked, said):
    monkeypatch.setattr(trusted_keys, "_read_authority", lambda *_: trusted_keys.Authority("a", ()))
    path = written(tmp_path, {"keys": [{"pem": PEM, "roles": ["statement"]}], **asked})
    with pytest.raises(ConfigError, match=said):
        trusted_keys.read_trust(path)


def test_own_keys_are_pinned_for_their_role_alone(home):
    assert trusted_keys.trust_own_keys().pins == ()
    pair = signing_keys.user_keys()
    log = signing_keys.fingerprint(pair.log.public_key())
    assert trusted_keys.trust_own_keys().find_owner(pair.fingerprint, "statement", "any") == trusted_keys.OWN_KEY
    assert trusted_keys.trust_own_keys().find_owner(log, "log", "any") == trusted_keys.OWN_KEY
    assert trusted_keys.trust_own_keys().find_owner(log, "statement", "any") is None


@pytest.mark.parametrize(
    "text",
    ["keys: 0x" + "f" * 50_000, "keys: 1:" + "59:" * 4000 + "1", "origin: " + "9" * 4400, "keys: 1" + "0" * 6000],
    ids=["hexadecimal", "sexagesimal", "decimal", "digits"],
)
def test_a_number_that_nobody_can_print_is_no_fault_of_the_ledger(tmp_path, text):
    (tmp_path / "trust.yaml").write_text(text)
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        trusted_keys.read_trust(tmp_path / "trust.yaml")


def test_a_key_that_stands_twice_is_refused(tmp_path):
    """Of two numbers of approvers only the last would count."""
    (tmp_path / "trust.yaml").write_text("keys: []\nwaivers:\n  approvers: 2\n  approvers: 0\n")
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        trusted_keys.read_trust(tmp_path / "trust.yaml")
