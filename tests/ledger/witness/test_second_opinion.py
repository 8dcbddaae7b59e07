"""What rfc3161-client makes of timestamps that we accept: never milder, and named where it was not asked."""

import sys
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from provenance import ledger
from provenance.errors import BadSignature, MissingExtra
from provenance.ledger import layout
from provenance.ledger.witness import (
    certificate_chains,
    checkpoint_evidence,
    second_opinion,
    timestamp_client,
    timestamps,
)

NOTE = b"log\n1\nroot\n\nsignature\n"
LEAF = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature"
MIDDLE = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign"


@pytest.fixture(scope="module")
def tsa(make_authority):
    return make_authority()


def stamped(authority, *, chain=False):
    """A response that we accept, and all that a second opinion is asked with."""
    response = timestamps.stored_form(authority.forge(timestamp_client.make_request(NOTE), chain=chain))
    token = timestamps.read(response)
    timestamps.check(token, NOTE)
    return response, NOTE, token, certificate_chains.find_path(token, authority.roots)


@pytest.fixture
def verified(world, tsa, tmp_path):
    """Verify a ledger with a timestamp of a pinned authority: the exit code, and the step on timestamps."""

    def verify(authority=tsa):
        query, _ = timestamp_client.request_for(world / "ledger")
        checkpoint_evidence.add_timestamp(world / "ledger", authority.forge(query))
        pins = [
            {"pem": (world / "ledger" / name).read_text(), "roles": [role]}
            for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
        ]
        asked = {"minimum": 1, "authorities": [{"name": "Clock Ltd", "pem": authority.pem}]}
        (tmp_path / "trust.yaml").write_text(yaml.safe_dump({"keys": pins, "timestamps": asked}))
        return lambda: answer(world / "ledger", tmp_path / "trust.yaml")

    def answer(folder, trust):
        found = ledger.verify(folder, trust=trust)
        return found.exit_code, next(step for step in found.steps if step.name == "timestamps")

    return verify


def test_it_agrees(verified):
    code, step = verified()()
    assert (code, step.status) == (0, "ok")
    assert "; rfc3161-client agrees" in step.detail


def test_without_the_extra_a_ledger_verifies_and_the_line_names_the_extra(verified, monkeypatch):
    answer = verified()
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    code, step = answer()
    assert (code, step.status) == (0, "ok")
    assert "no second opinion was taken on 1 of 1: to take a second opinion on timestamps, install" in step.detail
    assert "pip install 'provenance-auditor[timestamp]'" in step.detail


def test_what_it_refuses_fails_whatever_we_think(make_authority, verified, monkeypatch):
    """Were we to forget what a key may be used for, the library would not."""
    answer = verified(make_authority(leaf=LEAF.replace("digitalSignature", "digitalSignature,keyEncipherment")))
    monkeypatch.setattr(certificate_chains, "_only_signs", lambda _: True)
    code, step = answer()
    assert (code, step.status) == (1, "failed")
    assert "this program accepts it and rfc3161-client refuses it: unsuitable certificate purpose" in step.detail


def test_another_time_is_a_refusal(tsa):
    response, note, token, path = stamped(tsa)
    with pytest.raises(BadSignature, match="rfc3161-client another, "):
        second_opinion.take(response, note, replace(token, time=token.time + timedelta(seconds=1)), path)


def test_a_fraction_of_a_second_is_none(tsa):
    response, note, token, path = stamped(tsa)
    later = replace(token, time=token.time + timedelta(microseconds=1))
    assert second_opinion.take(response, note, later, path) == second_opinion.AGREES


@pytest.mark.parametrize("change", [lambda note: note + b" ", lambda _: b"other"], ids=["longer", "other"])
def test_another_note_is_a_refusal(tsa, change):
    response, note, token, path = stamped(tsa)
    with pytest.raises(BadSignature, match="refuses it: Mismatch between messages"):
        second_opinion.take(response, change(note), token, path)


def test_a_pinned_certificate_that_is_no_root_is_not_asked_about(make_authority):
    authority = make_authority(middle=MIDDLE)
    response, note, token, _ = stamped(authority, chain=True)
    path = certificate_chains.find_path(token, [item for item in token.certificates if item != token.signer])
    opinion = second_opinion.take(response, note, token, path)
    assert opinion.state == "not taken"
    assert "is none" in opinion.reason


def test_a_form_that_it_cannot_read_is_said(make_authority, monkeypatch):
    response, note, token, path = stamped(make_authority(middle=MIDDLE), chain=True)
    assert second_opinion.take(response, note, token, path) == second_opinion.AGREES
    first, second = sorted((item.to_bytes for item in carried(response)), reverse=True)
    monkeypatch.setattr(second_opinion, "_sorted", lambda data: data.replace(second + first, first + second))
    opinion = second_opinion.take(response.replace(first + second, second + first), note, token, path)
    assert opinion.state == "not taken"
    assert "cannot read its form (ValueError)" in opinion.reason


def carried(response):
    from provenance.ledger.keys import der

    token = der.read_element(response).parts(der.SEQUENCE)[1]
    [signed] = token.parts(der.SEQUENCE)[1].parts(0xA0)
    return signed.parts(der.SEQUENCE)[3].parts(0xA0)


class Panic(BaseException):
    """What a panic in Rust is to Python."""


@pytest.mark.parametrize("fault", [Panic, TypeError, OverflowError])
def test_a_fault_of_the_library_is_no_fault_of_ours(tsa, monkeypatch, fault):
    response, note, token, path = stamped(tsa)

    def fail(_):
        raise fault

    monkeypatch.setattr(second_opinion.library("test"), "decode_timestamp_response", fail)
    opinion = second_opinion.take(response, note, token, path)
    assert (opinion.state, fault.__name__ in opinion.reason) == ("not taken", True)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, MemoryError])
def test_what_ends_the_program_ends_it(tsa, monkeypatch, fault):
    response, note, token, path = stamped(tsa)

    def fail(_):
        raise fault

    monkeypatch.setattr(second_opinion.library("test"), "decode_timestamp_response", fail)
    with pytest.raises(fault):
        second_opinion.take(response, note, token, path)


def test_a_request_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(MissingExtra, match=r"to ask for timestamps, install .*provenance-auditor\[timestamp\]"):
        timestamp_client.make_request(NOTE)
