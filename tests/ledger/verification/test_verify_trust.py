"""Verification by strangers: which keys are trusted, and what an earlier checkpoint shows."""

import json
import shutil

import pytest

from provenance import ledger
from provenance.ledger import layout
from provenance.ledger.format import checkpoint
from provenance.ledger.keys import signing_keys
from provenance.ledger.trees import merkle

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD, EQUIVOCATION = range(7)


def statuses(found):
    return {step.name: step.status for step in found.steps}


def fork(world, name, count, tables, **facts):
    """A second ledger folder of the same log, which went another way after `count` entries."""
    other = world / name
    shutil.copytree(world / "ledger", other, symlinks=True)
    for index in range(count, 2):
        (other / layout.entry_path(index)).unlink()
        (other / layout.note_path(index + 1)).unlink()
        shutil.rmtree(other / layout.scan_path(index))
    return other


def pins(world, **changes):
    folder = world / "ledger" / "keys"
    made = []
    for role in ("statement", "log"):
        key = signing_keys.read_public((folder / f"{role}.pub.pem").read_bytes())
        made.append({"fingerprint": signing_keys.fingerprint(key), "roles": [role]})
    return {"keys": made} | changes


def test_stranger_must_be_pinned(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    found = ledger.verify(world / "ledger")
    assert found.exit_code == UNPINNED
    assert statuses(found)["signatures"] == "ok"
    assert "not pinned" in "\n".join(found.lines())
    ledger.user_keys()
    assert ledger.verify(world / "ledger").exit_code == UNPINNED
    file = tmp_path / "trust.yaml"
    file.write_text(json.dumps(pins(world)))
    assert ledger.verify(world / "ledger", trust=file).exit_code == OK


def test_pin_is_for_a_role(world, tmp_path):
    swapped = pins(world)
    for item in swapped["keys"]:
        item["roles"] = ["log" if item["roles"] == ["statement"] else "statement"]
    file = tmp_path / "trust.yaml"
    file.write_text(json.dumps(swapped))
    assert ledger.verify(world / "ledger", trust=file).exit_code == UNPINNED


def test_pin_is_for_an_origin(world, tmp_path):
    origin = (world / "ledger" / "origin").read_text().strip()
    file = tmp_path / "trust.yaml"
    for named, code in ((origin, OK), ("acme.example/corpus", UNPINNED)):
        file.write_text(json.dumps(pins(world, origin=named)))
        assert ledger.verify(world / "ledger", trust=file).exit_code == code


def test_trust_file_replaces_own_keys(world, tmp_path):
    stranger = signing_keys.fingerprint(signing_keys.Ed25519PrivateKey.generate().public_key())
    file = tmp_path / "trust.yaml"
    file.write_text(json.dumps({"keys": [{"fingerprint": stranger, "roles": ["log"]}]}))
    assert ledger.verify(world / "ledger", trust=file).exit_code == UNPINNED


def test_pinned_pem_serves_where_the_ledger_withholds_its_keys(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    made = [
        {"pem": (world / "ledger" / "keys" / f"{role}.pub.pem").read_text(), "roles": [role]}
        for role in ("statement", "log")
    ]
    file = tmp_path / "trust.yaml"
    file.write_text(json.dumps({"keys": made}))
    shutil.rmtree(world / "ledger" / "keys")
    assert ledger.verify(world / "ledger", trust=file).exit_code == WITHHELD
    assert ledger.verify(world / "ledger").exit_code == INVALID


@pytest.mark.parametrize(
    "text", ["", "keys: []", "keys: [{roles: [log]}]", "a: [", "\x00", "keys: [{pem: x, roles: [log]}]"]
)
def test_wrong_trust_file_is_usage(world, tmp_path, text):
    file = tmp_path / "trust.yaml"
    file.write_text(text)
    assert ledger.verify(world / "ledger", trust=file).exit_code == USAGE


# Held notes


@pytest.mark.parametrize("size", [1, 2])
def test_held_note_is_extended(world, size):
    found = ledger.verify(world / "ledger", since=world / "ledger" / "checkpoints" / f"{size}.note")
    assert found.exit_code == OK
    assert statuses(found)["earlier checkpoint"] == "ok"


def test_witnessed_note_can_be_held(world):
    held = world / "held.note"
    note = (world / "ledger" / "checkpoints" / "1.note").read_bytes()
    held.write_bytes(note + "— witness.example AAAAAAAAAAAA\n".encode())
    assert ledger.verify(world / "ledger", since=held).exit_code == OK


@pytest.mark.parametrize("garbage", [b"", b"\n\n", b"\xff", b"a\n1\n"])
def test_garbled_note_is_usage(world, garbage):
    held = world / "held.note"
    held.write_bytes(garbage)
    assert ledger.verify(world / "ledger", since=held).exit_code == USAGE


def test_two_views_are_equivocation_with_evidence(world, sealed, tmp_path):
    """The owner restores an old copy, appends something else, and shows that."""
    other = fork(world, "other", 1, sealed)
    pair = ledger.user_keys()
    ledger.append(other, sealed, {}, sealed.facts(counts={"error": 0}), keys=pair)
    assert ledger.verify(other).exit_code == OK
    held = world / "ledger" / "checkpoints" / "2.note"
    found = ledger.verify(other, since=held, evidence=tmp_path)
    assert found.exit_code == EQUIVOCATION
    proof = json.loads(found.evidence.read_bytes())
    key = pair.log.public_key()
    first, second = (checkpoint.read_checkpoint(proof[name].encode()) for name in ("held", "shown"))
    checkpoint.check_signature(first, key)
    checkpoint.check_signature(second, key)
    leaves = [bytes.fromhex(leaf) for leaf in proof["shown_leaves"]]
    assert merkle.hash_root(leaves) == second.root
    assert merkle.hash_root(leaves[: first.size]) != first.root
    # The longer view contradicts the held one just as well.
    ledger.append(other, sealed, {}, sealed.facts(), keys=pair)
    assert ledger.verify(other, since=held, evidence=tmp_path).exit_code == EQUIVOCATION


def test_evidence_that_cannot_be_written_is_still_equivocation(world, sealed, tmp_path):
    other = fork(world, "other", 1, sealed)
    ledger.append(other, sealed, {}, sealed.facts(counts={"error": 0}), keys=ledger.user_keys())
    held = world / "ledger" / "checkpoints" / "2.note"
    found = ledger.verify(other, since=held, evidence=tmp_path / "missing")
    assert (found.exit_code, found.evidence) == (EQUIVOCATION, None)


def test_two_ledgers_of_one_user_do_not_contradict(world, sealed):
    """Same keys, another folder: another log, not a second view of the first."""
    ledger.append(world / "second", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    found = ledger.verify(world / "second", since=world / "ledger" / "checkpoints" / "1.note")
    assert found.exit_code == INVALID
    assert found.evidence is None


def test_note_of_another_key_is_no_accusation(world, sealed, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "somebody"))
    ledger.append(world / "second", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    found = ledger.verify(world / "second", since=world / "ledger" / "checkpoints" / "1.note")
    assert found.exit_code == INVALID
    assert found.evidence is None


def test_key_planted_in_the_ledger_is_not_trusted(world, tmp_path, monkeypatch, sealed):
    """A forger signs everything anew with keys of his own and puts them in keys/: consistent, never trusted."""
    mine = world / "home"
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "forger"))
    shutil.rmtree(world / "ledger")
    ledger.append(world / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    monkeypatch.setenv("PROVENANCE_CONFIG", str(mine))
    assert ledger.verify(world / "ledger").exit_code == UNPINNED
