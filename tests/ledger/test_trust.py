"""Trust files: a closed vocabulary."""

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.errors import ConfigError
from provenance.ledger import cosignature, keys, trust

KEY = Ed25519PrivateKey.generate().public_key()
VKEY = cosignature.named("w.example", KEY).vkey
PRINT = keys.fingerprint(KEY)
PEM = keys.public_pem(KEY).decode()


def written(folder, value):
    path = folder / "trust.yaml"
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return path


@pytest.mark.parametrize("named", [{"fingerprint": PRINT}, {"pem": PEM}])
def test_fingerprint_and_pem_pin_the_same(tmp_path, named):
    found = trust.read(written(tmp_path, {"keys": [{**named, "roles": ["log"], "name": "Acme"}]}))
    assert found.whose(PRINT, "log", "any") == "Acme"
    assert found.whose(PRINT, "statement", "any") is None
    assert found.whose("SHA256:" + "A" * 43, "log", "any") is None


def test_origin_narrows(tmp_path):
    found = trust.read(written(tmp_path, {"origin": "a", "keys": [{"pem": PEM, "roles": ["log"]}]}))
    assert found.whose(PRINT, "log", "a") == "pinned in trust.yaml"
    assert found.whose(PRINT, "log", "b") is None


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
        trust.read(written(tmp_path, value))


def test_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"none does not exist$"):
        trust.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"assessments": {"signers": 2}}, "asks for 2 signers and pins 1 statement key: "),
        ({"witnesses": {"keys": [{"vkey": VKEY}], "quorum": 2}}, "asks for 2 witnesses and pins 1: "),
        ({"timestamps": {"authorities": [{"pem": "any"}], "minimum": 2}}, "asks for 2 authorities and pins 1: "),
    ],
)
def test_what_can_never_be_met_is_named(tmp_path, monkeypatch, asked, said):
    monkeypatch.setattr(trust, "_authority", lambda *_: trust.Authority("a", ()))
    path = written(tmp_path, {"keys": [{"pem": PEM, "roles": ["statement"]}], **asked})
    with pytest.raises(ConfigError, match=said):
        trust.read(path)


def test_own_keys_are_pinned_for_their_role_alone(home):
    assert trust.own().pins == ()
    pair = keys.user_keys()
    log = keys.fingerprint(pair.log.public_key())
    assert trust.own().whose(pair.fingerprint, "statement", "any") == trust.OWN
    assert trust.own().whose(log, "log", "any") == trust.OWN
    assert trust.own().whose(log, "statement", "any") is None
