import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provenance.ledger.keys import pem


def test_it_is_the_form_of_the_library():
    key = Ed25519PrivateKey.generate().public_key()
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert pem.encode("PUBLIC KEY", encoded) == key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 96, 97])
def test_lines_have_64_characters_and_are_read_back(size):
    head, *body, foot = pem.encode("X", bytes(size)).split(b"\n")[:-1]
    assert (head, foot) == (b"-----BEGIN X-----", b"-----END X-----")
    assert all(len(line) == 64 for line in body[:-1])
    assert pem.decode(b"\n".join(body)) == bytes(size)


@pytest.mark.parametrize("body", [b"*", b"AAA", b"AA==A", "é".encode()])
def test_what_is_no_base64_is_nothing(body):
    assert pem.decode(body) == b""
