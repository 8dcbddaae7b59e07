"""Witnesses' lines: a checkpoint that real witnesses cosigned, C2SP's example, and what must not pass."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import BadSignature, ConfigError, VerificationError
from provenance.ledger.format import witness_cosignature
from provenance.ledger.keys import verifier_keys

# A public log's checkpoint, with lines of four witnesses of the public witness network; their keys as they publish them.
REAL = b"arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
LINES = """\
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
""".encode()
VKEYS = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
]
# https://c2sp.org/tlog-cosignature, "Format" and "Ed25519 signed message"; it publishes no key.
EXAMPLE = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n".encode()
KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
BODY = b"log\n5\n" + base64.b64encode(b"r" * 32) + b"\n"


@pytest.mark.parametrize(
    ("line", "vkey"), list(zip(witness_cosignature.read_cosignatures(LINES), VKEYS, strict=True)), ids=VKEYS
)
def test_real_witnesses_verify(line, vkey):
    by = verifier_keys.read_witness(vkey)
    assert witness_cosignature.is_by_key(line, by)
    assert witness_cosignature.check_cosignature(line, by, REAL) == datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)
    with pytest.raises(BadSignature):
        witness_cosignature.check_cosignature(line, by, REAL.replace(b"1432088532", b"1432088533"))


def test_the_specifications_example_is_framed_as_it_says():
    [line] = witness_cosignature.read_cosignatures(EXAMPLE)
    assert line.name == "witness.example.com/w1"
    assert int.from_bytes(line.signature[:8], "big") == 1679315147
    assert line.line == EXAMPLE


def test_what_is_signed_is_what_the_specification_says():
    body = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    line = witness_cosignature.sign_body("w", KEY, body, 1679315147)
    assert line.signature[:8] == (1679315147).to_bytes(8, "big")
    KEY.public_key().verify(line.signature[8:], b"cosignature/v1\ntime 1679315147\n" + body)


@given(when=st.integers(0, 253402300799), size=st.integers(1, 10**9))
def test_roundtrip(when, size):
    body = b"log\n%d\n" % size
    by = witness_cosignature.make_witness("a.example/w", KEY.public_key())
    [line] = witness_cosignature.read_cosignatures(witness_cosignature.sign_body("a.example/w", KEY, body, when).line)
    assert witness_cosignature.check_cosignature(line, verifier_keys.read_witness(by.vkey), body).timestamp() == when


def test_every_flipped_bit_of_a_line_fails():
    by = witness_cosignature.make_witness("w.example", KEY.public_key())
    data = witness_cosignature.sign_body("w.example", KEY, BODY, 1_700_000_000).line
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            try:
                found = witness_cosignature.read_cosignatures(bytes(changed))
            except VerificationError:
                continue
            # Another name or key id is another witness's: named, never counted.
            if [line for line in found if witness_cosignature.is_by_key(line, by)]:
                with pytest.raises(BadSignature):
                    witness_cosignature.check_cosignature(found[0], by, BODY)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        LINES[:-1],
        LINES + b"\n",
        LINES + LINES,
        LINES.replace(b"\n", b"\r\n"),
        LINES.replace(b" ", b"  ", 1),
        EXAMPLE.replace("— ".encode(), b"- "),
        EXAMPLE.replace(b"nA==", b"nB=="),
        EXAMPLE.replace(b"nA==", b"nA"),
        b"\xff" + EXAMPLE,
        REAL + b"\n" + LINES,
        "— a+b AAAAAAAAAAA=\n".encode(),
        "— a AAAA\n".encode(),
        "— a AAAAAAAAAAA=\u2028— b AAAAAAAAAAA=\n".encode(),
    ],
)
def test_what_is_not_lines_is_refused(data):
    with pytest.raises(VerificationError):
        witness_cosignature.read_cosignatures(data)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "w",
        VKEYS[0].replace("+BC", "+AC"),
        VKEYS[0].replace("d8042a87", "d8042a88"),
        VKEYS[0].replace("d8042a87", "D8042A87"),
        VKEYS[0].replace("little", "large"),
        VKEYS[0] + "=",
        VKEYS[0][:-4],
        "monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT",  # of a log, type 0x01
    ],
)
def test_vkeys_must_be_a_witnesss_own(vkey):
    with pytest.raises(ConfigError):
        verifier_keys.read_witness(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a" * 256, "a\u200fb"])
def test_names_have_no_spaces(name):
    with pytest.raises(ConfigError):
        witness_cosignature.make_witness(name, KEY.public_key())


def test_a_time_beyond_all_calendars_is_no_time():
    by = witness_cosignature.make_witness("w", KEY.public_key())
    line = witness_cosignature.sign_body("w", KEY, BODY, 2**63)
    with pytest.raises(BadSignature):
        witness_cosignature.check_cosignature(line, by, BODY)


@given(st.binary(max_size=300))
def test_reading_is_total(data):
    with pytest.raises(VerificationError):
        witness_cosignature.read_cosignatures(data)
