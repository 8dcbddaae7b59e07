"""DER: one encoding of each element, against what openssl reads and writes."""

import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import VerificationError
from provenance.ledger.keys import der

LENGTHS = [
    (0, "0400"),
    (0x7F, "047f"),
    (0x80, "048180"),
    (0xFF, "0481ff"),
    (0x100, "04820100"),
    (0xFFFF, "0482ffff"),
    (0x10000, "0483010000"),
]


@pytest.mark.parametrize(("size", "head"), LENGTHS)
def test_lengths_are_written_in_their_shortest_form(size, head):
    encoded = der.encode_element(der.OCTETS, bytes(size))
    assert encoded.startswith(bytes.fromhex(head))
    assert der.read_element(encoded) == der.Element(der.OCTETS, bytes(size))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "020100"), (1, "020101"), (127, "02017f"), (128, "02020080"), (255, "020200ff"), (256, "02020100"),
     (1 << 63, "0209008000000000000000")],
)  # fmt: skip
def test_numbers(value, encoded):
    assert der.encode_integer(value).hex() == encoded
    assert der.read_integer(der.read_element(bytes.fromhex(encoded))) == value


@pytest.mark.parametrize("encoded", ["0200", "0201ff", "02020001", "0202007f", "0203000080", "040100"])
def test_a_number_in_another_form_is_none(encoded):
    with pytest.raises(VerificationError):
        der.read_integer(der.read_element(bytes.fromhex(encoded)))


@pytest.mark.parametrize(
    "encoded",
    ["", "04", "0401", "040200", "048100", "04817f" + "00" * 127, "0482007f" + "00" * 127, "0480" + "0000", "0485",
     "04ff" + "00" * 200, "1f0100", "3f8100", "04000400", "0400ff"],
)  # fmt: skip
def test_what_is_not_one_element_in_its_one_form_is_refused(encoded):
    with pytest.raises(VerificationError):
        der.read_element(bytes.fromhex(encoded))


def test_elements_within_elements():
    inner = (der.encode_integer(5), der.encode_element(der.OCTETS, b"abc"))
    element = der.read_element(der.encode_element(der.SEQUENCE, *inner))
    assert [each.to_bytes for each in element.parts(der.SEQUENCE)] == list(inner)
    assert der.read_element(b"\x30\x00").parts(der.SEQUENCE) == []
    for wrong in (lambda: element.parts(der.SET), lambda: element.expect(der.OCTETS)):
        with pytest.raises(VerificationError, match="DER"):
            wrong()


@given(st.binary(max_size=300))
def test_reading_is_total_and_what_is_read_is_written_alike(data):
    try:
        found = der.read_all(data)
    except VerificationError:
        return
    assert b"".join(each.to_bytes for each in found) == data


@given(st.recursive(st.binary(max_size=40), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_whatever_is_written_is_read(tree):
    def write(node):
        return (
            der.encode_element(der.OCTETS, node)
            if isinstance(node, bytes)
            else der.encode_element(der.SEQUENCE, *map(write, node))
        )

    def read(element):
        return element.content if element.tag == der.OCTETS else list(map(read, element.parts(der.SEQUENCE)))

    assert read(der.read_element(write(tree))) == tree


def test_openssl_reads_what_is_written_here(tmp_path):
    (tmp_path / "x").write_bytes(
        der.encode_element(der.SEQUENCE, der.encode_integer(1 << 40), der.encode_element(der.OCTETS, b"x" * 300))
    )
    words = ["openssl", "asn1parse", "-inform", "DER", "-in", tmp_path / "x"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "hl=4 l= 312 cons: SEQUENCE" in shown
    assert "INTEGER           :010000000000" in shown


def test_a_key_of_the_library_is_read():
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    algorithm, bits = der.read_element(encoded).parts(der.SEQUENCE)
    assert [each.tag for each in algorithm.parts(der.SEQUENCE)] == [der.OID, der.OID]
    assert bits.content[1:2] == b"\x04"
