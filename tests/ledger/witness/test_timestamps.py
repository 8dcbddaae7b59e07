"""RFC 3161: what we make, openssl answers; what we accept, openssl and rfc3161-client accept; and no byte is free."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.errors import DigestMismatch, VerificationError
from provenance.ledger.keys import der
from provenance.ledger.witness import certificate_chains, second_opinion, timestamp_client, timestamps

NOTE = b"log\n1\nroot\n\nsignature\n"
LEAF = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature"
MIDDLE = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign"


@pytest.fixture(scope="module")
def tsa(make_authority):
    return make_authority()


@pytest.fixture(scope="module")
def response(tsa):
    return timestamps.stored_form(tsa.answer(timestamp_client.make_request(NOTE)))


def ours(authority, response, note=NOTE):
    """Whether we accept it, for the authority's roots."""
    try:
        token = timestamps.read(response)
        timestamps.check(token, note)
    except VerificationError:
        return False
    return certificate_chains.find_path(token, authority.roots) is not None


@pytest.mark.parametrize("digest", timestamp_client.DIGESTS)
def test_openssl_reads_the_request(tsa, digest):
    query = timestamp_client.make_request(NOTE, digest)
    (tsa.folder / "shown.tsq").write_bytes(query)
    shown = tsa.openssl("ts", "-query", "-in", "shown.tsq", "-text").stdout
    assert f"Hash Algorithm: {digest}" in shown
    assert timestamps.read_nonce(query) == int(re.search("Nonce: 0x([0-9A-F]+)", shown)[1], 16)
    assert "Certificate required: yes" in shown


@pytest.mark.parametrize("digest", timestamps.HASHES)
@pytest.mark.parametrize("more", [[], ["-cert"], ["-cert", "-tspolicy", "1.2.3.4.1"]], ids=str)
def test_a_request_of_openssl_is_as_good(tsa, digest, more):
    """SHA-384 is read as well, though rfc3161-client makes no request with it."""
    (tsa.folder / "note").write_bytes(NOTE)
    tsa.openssl("ts", "-query", "-data", "note", f"-{digest}", "-out", "asked.tsq", *more)
    query = (tsa.folder / "asked.tsq").read_bytes()
    shown = tsa.openssl("ts", "-query", "-in", "asked.tsq", "-text").stdout
    assert timestamps.read_nonce(query) == int(re.search("Nonce: 0x([0-9A-F]+)", shown)[1], 16)
    if more:
        response = timestamps.stored_form(tsa.answer(query))
        assert timestamps.read(response).digest == digest
        assert ours(tsa, response)
        assert theirs(tsa, response) == second_opinion.AGREES


def test_a_request_without_a_nonce_is_none(tsa):
    (tsa.folder / "note").write_bytes(NOTE)
    tsa.openssl("ts", "-query", "-data", "note", "-no_nonce", "-cert", "-out", "asked.tsq")
    with pytest.raises(VerificationError, match="nonce"):
        timestamps.read_nonce((tsa.folder / "asked.tsq").read_bytes())


def test_nonces_are_random():
    assert len({timestamp_client.make_request(NOTE) for _ in range(20)}) == 20


def theirs(authority, response, note=NOTE):
    """What rfc3161-client makes of what we accept."""
    token = timestamps.read(response)
    return second_opinion.take(response, note, token, certificate_chains.find_path(token, authority.roots))


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"kind": "rsa"},
        {"kind": "p384", "digest": "sha384"},
        {"kind": "rsa", "digest": "sha512", "ess": "sha512"},
        {"ess": "sha1"},
        {"middle": MIDDLE},
        {"leaf": LEAF.replace("digitalSignature", "nonRepudiation")},
    ],
    ids=str,
)
def test_sound_authorities_are_accepted_by_us_by_openssl_and_by_the_library(make_authority, made):
    authority = make_authority(**made)
    response = timestamps.stored_form(authority.answer(timestamp_client.make_request(NOTE), chain="middle" in made))
    token = timestamps.read(response)
    timestamps.check(token, NOTE)
    path = certificate_chains.find_path(token, authority.roots)
    assert [item.subject for item in path[-1:]] == [authority.roots[0].subject]
    assert len(path) == (3 if "middle" in made else 2)
    assert abs(token.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert authority.accepts(response, NOTE, token.time)
    assert theirs(authority, response) == second_opinion.AGREES


@pytest.mark.parametrize(
    "made",
    [
        {"leaf": LEAF.replace("digitalSignature", "digitalSignature,keyEncipherment")},
        {"leaf": LEAF.replace("digitalSignature", "nonRepudiation,keyCertSign")},
        {"leaf": "extendedKeyUsage=timeStamping\nkeyUsage=critical,digitalSignature"},
        {"leaf": "extendedKeyUsage=critical,timeStamping,codeSigning"},
        {"leaf": "extendedKeyUsage=critical,codeSigning"},
        {"leaf": "keyUsage=critical,digitalSignature"},
        {"leaf": LEAF.replace("digitalSignature", "keyEncipherment")},
        {"leaf": LEAF + "\n1.2.3.4=critical,DER:0500"},
        {"days": -1},
        {"middle": "basicConstraints=critical,CA:FALSE"},
        {"middle": "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature"},
        {"middle": MIDDLE, "root": "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign"},
    ],
    ids=str,
)
def test_unsound_authorities_are_refused_by_us_and_by_openssl(make_authority, made):
    """openssl will not sign with some of these, so their answers are put together by hand."""
    authority = make_authority(**made)
    response = authority.forge(timestamp_client.make_request(NOTE), chain="middle" in made)
    token = timestamps.read(response)
    timestamps.check(token, NOTE)
    assert certificate_chains.find_path(token, authority.roots) is None
    assert not authority.accepts(response, NOTE, token.time)


def test_an_authority_for_other_purposes_issues_none(make_authority):
    """Stricter than openssl, which looks at the purposes of the signer alone."""
    authority = make_authority(middle=MIDDLE + "\nextendedKeyUsage=codeSigning")
    assert not ours(authority, authority.forge(timestamp_client.make_request(NOTE), chain=True))


def test_a_forged_answer_differs_in_its_certificates_alone(tsa):
    """Were the authority sound, both would accept what `forge` makes: what is refused above is the certificate."""
    response = tsa.forge(timestamp_client.make_request(NOTE))
    assert ours(tsa, response)
    assert tsa.accepts(response, NOTE)


def test_another_authority_is_not_ours(make_authority, tsa, response):
    other = make_authority(name="other")
    assert ours(tsa, response)
    assert not ours(other, response)
    assert not other.accepts(response, NOTE)


def test_it_is_of_this_note_alone(response):
    with pytest.raises(DigestMismatch):
        timestamps.check(timestamps.read(response), NOTE + b" ")


def test_no_bit_is_free(tsa, response):
    """The peer lets ten flips of such a response pass: versions, and the name of the signature's algorithm."""
    free = []
    for at in range(len(response)):
        changed = bytearray(response)
        changed[at] ^= 1 << at % 8
        if ours(tsa, bytes(changed)):
            free.append(at)
    assert free == []


def test_the_signature_of_a_certificate_ends_with_a_byte(make_authority):
    """Its last bit is 0 in every other certificate: then the count of unused bits could be 1 as well."""
    for _ in range(32):
        authority = make_authority(middle=MIDDLE)
        response = timestamps.stored_form(authority.answer(timestamp_client.make_request(NOTE), chain=True))
        ends = [item.signature for item in timestamps.read(response).certificates if not item.signature[-1] & 1]
        for signature in ends:
            at = response.index(signature) - 1
            changed = bytearray(response)
            changed[at] = 1
            assert response[at] == 0
            assert not ours(authority, bytes(changed))
        if len(ends) == 2:
            return
    pytest.fail("no certificate of 32 ends with a bit of 0")


@pytest.mark.full
@pytest.mark.parametrize("made", [{"kind": "rsa"}, {"middle": MIDDLE}], ids=str)
def test_no_bit_is_free_anywhere(make_authority, made):
    authority = make_authority(**made)
    response = timestamps.stored_form(authority.answer(timestamp_client.make_request(NOTE), chain="middle" in made))
    for at in range(len(response)):
        for bit in range(8):
            changed = bytearray(response)
            changed[at] ^= 1 << bit
            assert not ours(authority, bytes(changed)), (at, bit)


@pytest.mark.parametrize("cut", [0, 1, 5, 100, -1])
def test_truncated_and_extended(tsa, response, cut):
    assert not ours(tsa, response[:cut])
    assert not ours(tsa, response + b"\0")


def test_prose_that_nobody_signed_is_not_stored(tsa, response):
    status = der.encode_element(
        der.SEQUENCE,
        der.encode_integer(0),
        der.encode_element(der.SEQUENCE, der.encode_element(0x0C, b"Operation Okay")),
    )
    token = der.read_element(response).parts(der.SEQUENCE)[1].to_bytes
    sent = der.encode_element(der.SEQUENCE, status, token)
    assert tsa.accepts(sent, NOTE)
    assert not ours(tsa, sent)
    assert timestamps.stored_form(sent) == response


@pytest.mark.parametrize("status", [1, 2, 5])
def test_what_was_not_granted_is_refused(response, status):
    token = der.read_element(response).parts(der.SEQUENCE)[1].to_bytes
    refused = der.encode_element(der.SEQUENCE, der.encode_element(der.SEQUENCE, der.encode_integer(status)), token)
    with pytest.raises(VerificationError, match="grant"):
        timestamps.stored_form(refused)
    with pytest.raises(VerificationError, match="grant"):
        timestamps.stored_form(
            der.encode_element(der.SEQUENCE, der.encode_element(der.SEQUENCE, der.encode_integer(2)))
        )


def test_unsorted_certificates_are_read(make_authority):
    """OpenSSL 3.0 writes the SET unsorted, which rfc3161-client refuses: it is asked with them sorted."""
    authority = make_authority(middle=MIDDLE)
    response = timestamps.stored_form(authority.answer(timestamp_client.make_request(NOTE), chain=True))
    token = timestamps.read(response)
    first, second = (item.public_bytes(Encoding.DER) for item in token.certificates)
    assert first + second in response
    swapped = response.replace(first + second, second + first)
    assert ours(authority, response)
    assert ours(authority, swapped)
    assert authority.accepts(swapped, NOTE)
    assert theirs(authority, response) == theirs(authority, swapped) == second_opinion.AGREES


def test_a_certificate_that_nothing_needs_is_refused(make_authority, tsa):
    """Nothing would notice a change of it."""
    stranger = make_authority(name="stranger")
    (tsa.folder / "middle.pem").write_text(stranger.pem)
    with pytest.raises(VerificationError, match="nothing to do with it"):
        timestamps.read(timestamps.stored_form(tsa.answer(timestamp_client.make_request(NOTE), chain=True)))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_reading_is_total(data):
    for function in (timestamps.read, timestamps.stored_form, timestamps.read_nonce):
        with pytest.raises(VerificationError):
            function(data)


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 1 << 80), content=st.binary(max_size=70_000))
def test_der_has_one_form(number, content):
    assert der.read_integer(der.read_element(der.encode_integer(number))) == number
    element = der.read_element(der.encode_element(der.OCTETS, content))
    assert element.content == content
    with pytest.raises(VerificationError):
        der.read_element(b"\x04\x84" + len(content).to_bytes(4, "big") + content)


def test_the_imprint_is_of_the_whole_note(response):
    assert timestamps.read(response).imprint == hashlib.sha256(NOTE).digest()
