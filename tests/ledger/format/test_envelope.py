"""DSSE: the published encoding, openssl as a second opinion, and one byte string for one signature."""

import base64
import json
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import BadSignature, VerificationError
from provenance.ledger.format import envelope
from provenance.ledger.keys.signing_keys import fingerprint, public_pem

KEY = ec.generate_private_key(ec.SECP256R1())
ORDER = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
PAYLOAD = b'{"a":1}'
SEALED = envelope.seal_payload(PAYLOAD, KEY)


def test_encoding_is_that_of_dsse():
    assert envelope.encode_pae(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_sealed_is_read_and_checked():
    found = envelope.read_envelope(SEALED)
    assert (found.payload, found.keyid) == (PAYLOAD, fingerprint(KEY.public_key()))
    envelope.check_signature(found, KEY.public_key())


def test_openssl_agrees(tmp_path):
    found = envelope.read_envelope(SEALED)
    (tmp_path / "key").write_bytes(public_pem(KEY.public_key()))
    (tmp_path / "sig").write_bytes(found.signature)
    (tmp_path / "pae").write_bytes(envelope.encode_pae(PAYLOAD))
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", "pae"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"


def test_every_change_of_every_byte_fails():
    for at in range(len(SEALED)):
        for flip in (0x01, 0x02, 0x04, 0x20, 0x80):
            changed = SEALED[:at] + bytes([SEALED[at] ^ flip]) + SEALED[at + 1 :]
            with pytest.raises(VerificationError):  # noqa: PT012 - either of the two may refuse it
                envelope.check_signature(envelope.read_envelope(changed), KEY.public_key())
                # A keyid is a hint: nobody signs it, so whoever looks up the key by it refuses.
                if envelope.read_envelope(changed).keyid != fingerprint(KEY.public_key()):
                    raise VerificationError


def forms():
    """Other files that say the same."""
    value = json.loads(SEALED)
    signature = value["signatures"][0]
    der = base64.b64decode(signature["sig"])
    r, s = decode_dss_signature(der)

    def put(sig, **changes):
        return envelope.canonical(
            {**value, "signatures": [{**signature, "sig": base64.b64encode(sig).decode()}], **changes}
        )

    yield "indented", json.dumps(value, indent=1).encode()
    yield "newline", SEALED + b"\n"
    yield "order", json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()
    yield "no padding", SEALED.replace(b"=", b"")
    yield "url-safe", SEALED.replace(b"+", b"-").replace(b"/", b"_") + b" "
    yield "line in base64", SEALED.replace(b'"payload":"', b'"payload":"\\n')
    yield "spare bits", SEALED.replace(b"fQ==", b"fR==")
    yield "high s", put(encode_dss_signature(r, ORDER - s))
    yield "long DER", put(b"\x30\x81" + der[1:])
    yield "trailing DER", put(der + b"\0")
    yield "two signatures", put(der, signatures=[signature, signature])
    yield "no signature", put(der, signatures=[])
    yield "other type", put(der, payloadType="text/plain")
    yield "extra key", put(der, extra=1)
    yield "other case", put(der, Payload="")
    yield "duplicate key", SEALED.replace(b'{"payload":', b'{"payload":"","payload":', 1)


@pytest.mark.parametrize(("name", "data"), list(forms()))
def test_no_second_form(name, data):
    assert data != SEALED
    with pytest.raises(VerificationError):
        envelope.check_signature(envelope.read_envelope(data), KEY.public_key())


def test_another_key_is_refused():
    with pytest.raises(BadSignature):
        envelope.check_signature(envelope.read_envelope(SEALED), ec.generate_private_key(ec.SECP256R1()).public_key())


def test_signatures_are_low_s():
    for _ in range(20):
        _, s = decode_dss_signature(envelope.read_envelope(envelope.seal_payload(PAYLOAD, KEY)).signature)
        assert s <= ORDER // 2


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_no_bytes_raise_anything_else(data):
    with pytest.raises(VerificationError):
        envelope.read_envelope(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["payload", "payloadType", "signatures"]), json_values))
def test_no_json_raises_anything_else(value):
    with pytest.raises(VerificationError):
        envelope.read_envelope(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '{"a":1,"A":1}', '{"b":{"ſ":1,"S":1}}', "NaN", "[-Infinity]", "", "[" * 10**6]
)
def test_strict_json(text):
    with pytest.raises(VerificationError):
        envelope.parse_json(text.encode())
