"""Keys that change hands: who may sign what, who is led to whom, and what happens half-way."""

import base64
import contextlib
import json
import subprocess
from datetime import UTC, datetime

import pytest
import yaml

from provenance import ledger
from provenance.errors import ConfigError
from provenance.ledger.format import checkpoint, envelope
from provenance.ledger.keys import trusted_keys, verifier_keys
from provenance.ledger.keys.signing_keys import KeyPair, fingerprint, public_pem
from provenance.ledger.log import append, file_writing, key_entries, key_history
from provenance.ledger.proofs import anchors, disclosure, proof_format

from .conftest import HEIR, SCANNER, STRANGER, pair, rotate

THIRD = pair()


def pins(path, *pairs, roles=("statement", "log"), **more):
    held = [
        {"pem": public_pem(key).decode(), "roles": [role], "name": f"hand {at}"}
        for at, each in enumerate(pairs)
        for role, key in each.public().items()
        if role in roles
    ]
    path.write_text(yaml.safe_dump({"keys": held} | more))
    return path


def step(found, name):
    return next(each for each in found.steps if each.name == name)


def test_afterwards_the_new_keys_append_and_the_old_do_not(rotated, sealed):
    found = ledger.verify(rotated)
    assert (found.exit_code, found.entries, found.unbound) == (0, 4, ())
    with pytest.raises(ConfigError, match=f"provenance key rotate {rotated}"):
        ledger.append(rotated, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    with pytest.raises(ConfigError, match="provenance key rotate"):
        ledger.check_appendable(rotated, ledger.user_keys())
    ledger.check_appendable(rotated, HEIR)
    assert ledger.append(rotated, sealed, {}, sealed.facts(), keys=HEIR).index == 4
    assert ledger.verify(rotated).exit_code == 0
    with pytest.raises(ConfigError, match=r"hold .* already"):
        rotate(rotated, HEIR, HEIR)


def test_who_pinned_either_is_led_to_the_other(rotated, tmp_path):
    for held, led in ((ledger.user_keys(), HEIR), (HEIR, ledger.user_keys())):
        found = ledger.verify(rotated, trust=pins(tmp_path / "trust.yaml", held))
        assert found.exit_code == 0
        whose = {each.fingerprint: each.whose for each in found.signers}
        assert whose[held.fingerprint] == "hand 0"
        assert whose[led.fingerprint] == "by the rotation of entry 2, hand 0"
        assert "by rotation (2)" in step(found, "keys").detail
        assert step(found, "rotation").status == "ok"
    assert ledger.verify(rotated, trust=pins(tmp_path / "trust.yaml", STRANGER)).exit_code == 3
    half = ledger.verify(rotated, trust=pins(tmp_path / "trust.yaml", HEIR, roles=("statement",)))
    assert half.exit_code == 3
    other = pins(tmp_path / "trust.yaml", HEIR, origin="another.example/log")
    assert ledger.verify(rotated, trust=other).exit_code == 3


@pytest.mark.parametrize("pinned", [0, 1, 2])
def test_a_chain_is_followed_both_ways(rotated, tmp_path, pinned):
    rotate(rotated, THIRD, HEIR)
    hands = (ledger.user_keys(), HEIR, THIRD)
    assert ledger.verify(rotated, trust=pins(tmp_path / "trust.yaml", hands[pinned])).exit_code == 0
    with pytest.raises(ConfigError, match="has had"):
        rotate(rotated, HEIR, THIRD)
    assert ledger.verify(rotated).exit_code == 0


@pytest.mark.parametrize("what", ["piece", "old piece", "entry"])
@pytest.mark.parametrize("pinned", [0, 1, 2, 3])
def test_whoever_reads_one_entry_is_led_both_ways_too(rotated, tmp_path, pinned, what):
    """Of entry 0, from before both changes of keys, under a checkpoint from after them or from before."""
    rotate(rotated, THIRD, HEIR)
    hands = (ledger.user_keys(), HEIR, THIRD, STRANGER)
    size = 1 if what == "old piece" else None
    path, entry = (rotated, 0) if what == "entry" else (taken(rotated, tmp_path, size=size), None)
    found = ledger.verify(path, trust=pins(tmp_path / "trust.yaml", hands[pinned]), entry=entry)
    assert found.exit_code == (0 if pinned < 3 else 3)
    whose = {each.fingerprint for each in found.signers}
    assert whose == {*public(hands[0])} if size else {public(hands[0])[0], public(hands[2])[1]}
    for role in ("statement", "log"):
        half = ledger.verify(path, trust=pins(tmp_path / "trust.yaml", hands[pinned], roles=(role,)), entry=entry)
        assert half.exit_code == 3


def test_one_entry_rests_on_the_changes_of_keys(rotated, tmp_path):
    trusted = pins(tmp_path / "trust.yaml", ledger.user_keys())
    for name in (CO, "entries/00000002.dsse.json", "checkpoints/3.note"):
        kept = (rotated / name).read_bytes()
        (rotated / name).write_bytes(kept[:-9] + bytes([kept[-9] ^ 1]) + kept[-8:])
        assert ledger.verify(rotated, trust=trusted, entry=0).exit_code == 1
        (rotated / name).write_bytes(kept)
    assert ledger.verify(rotated, trust=trusted, entry=0).exit_code == 0


def public(hand):
    return [fingerprint(key) for key in hand.public().values()]


def taken(folder, tmp_path, entry=0, size=None):
    start = anchors.take(folder, entry, size)
    with disclosure.ProvableTable(start, "files") as table:
        data = proof_format.write({**start.value, "kind": "path", "lines": table.named("path", "a.jsonl")})
    path = tmp_path / f"{entry}-{size}.proof.json"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("role", ["statement", "log"])
@pytest.mark.parametrize("entry", [0, 3])
def test_a_piece_follows_one_key_alone(folder, sealed, tmp_path, role, entry):
    mine = ledger.user_keys()
    heir = KeyPair(**{"statement": mine.statement, "log": mine.log} | {role: getattr(HEIR, role)})
    rotate(folder, heir)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=heir)
    for hand in (mine, heir):
        assert ledger.verify(taken(folder, tmp_path, entry), trust=pins(tmp_path / "t.yaml", hand)).exit_code == 0


def test_a_doubted_key_hands_nothing_on(rotated, tmp_path):
    """Whoever had stolen it could have named any heir: only who pinned the heir, or what is proven older, is believed."""
    old = ledger.user_keys()
    trusting_old, trusting_heir = pins(tmp_path / "old.yaml", old), pins(tmp_path / "heir.yaml", HEIR)
    assert ledger.verify(taken(rotated, tmp_path, 3), trust=trusting_old).exit_code == 0
    key_entries.revoke(rotated, old.fingerprint, "stolen", SCANNER, keys=HEIR, since=datetime(2025, 6, 1, tzinfo=UTC))
    piece = taken(rotated, tmp_path, 3)
    for what, entry in ((piece, None), (rotated, 3)):
        assert ledger.verify(what, trust=trusting_old, entry=entry).exit_code == 3
        assert ledger.verify(what, trust=trusting_heir, entry=entry).exit_code == 0
    assert ledger.verify(rotated, trust=trusting_old).exit_code == 3


def test_what_an_old_log_key_signs_later_accuses_nobody(rotated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    note = checkpoint.read_checkpoint((rotated / "checkpoints" / "4.note").read_bytes())
    held = tmp_path / "held.note"
    held.write_bytes(checkpoint.sign_head(note.origin, 4, bytes(32), ledger.user_keys().log).note)
    for entry in (None, 3):
        found = ledger.verify(rotated, since=held, entry=entry)
        assert (found.exit_code, found.evidence) == (1, None)
        assert "handed the log over at 3 entries" in step(found, "earlier checkpoint").detail


def test_a_checkpoint_of_another_log_accuses_nobody(rotated, tmp_path):
    held = tmp_path / "held.note"
    held.write_bytes(checkpoint.sign_head("another.example/log", 4, bytes(32), HEIR.log).note)
    found = ledger.verify(taken(rotated, tmp_path, 3), since=held)
    assert (found.exit_code, "another log" in step(found, "earlier checkpoint").detail) == (1, True)


def test_a_newer_checkpoint_than_an_old_piece_knows(folder, sealed, tmp_path):
    """It is by a key that took over later, and is pinned: nothing speaks against the piece."""
    piece = taken(folder, tmp_path)
    rotate(folder, HEIR)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=HEIR)
    trusted = pins(tmp_path / "trust.yaml", ledger.user_keys(), HEIR)
    found = ledger.verify(piece, trust=trusted, since=folder / "checkpoints" / "4.note")
    assert (found.exit_code, step(found, "earlier checkpoint").status) == (0, "not checked")


def test_keys_of_another_log_take_nothing_over(folder):
    from dataclasses import replace

    (folder / "origin").write_text("acme.example/x\n")
    with pytest.raises(ConfigError, match=r"were made for the log other\.example/x"):
        rotate(folder, replace(HEIR, origin="other.example/x"))


@pytest.mark.parametrize("origin", [None, "acme.example/x"])
def test_a_ledger_without_a_chosen_name_may_be_taken_over_by_any_keys(folder, origin):
    from dataclasses import replace

    assert rotate(folder, replace(HEIR, origin=origin)).index == 2


def test_nobody_is_doubted_from_tomorrow_on(rotated):
    with pytest.raises(ConfigError, match="still to come"):
        key_entries.revoke(
            rotated, ledger.user_keys().fingerprint, "x", SCANNER, keys=HEIR, since=datetime(2999, 1, 1, tzinfo=UTC)
        )
    with pytest.raises(ConfigError, match=f"{HEIR.fingerprint} holds the ledger".replace("+", r"\+")):
        key_entries.revoke(rotated, HEIR.fingerprint, "x", SCANNER, keys=ledger.user_keys())


def test_a_piece_tells_that_its_key_is_doubted(rotated, tmp_path):
    old, trusted = ledger.user_keys(), pins(tmp_path / "trust.yaml", HEIR)
    key_entries.revoke(rotated, old.fingerprint, "stolen", SCANNER, keys=HEIR, since=datetime(2025, 6, 1, tzinfo=UTC))
    found = ledger.verify(taken(rotated, tmp_path), trust=trusted)
    assert found.exit_code == 3
    assert step(found, "revocation").detail.endswith("what it signed is older: entries 0")
    assert ledger.verify(taken(rotated, tmp_path, 3), trust=trusted).exit_code == 0


@pytest.mark.parametrize("role", ["statement", "log"])
def test_one_key_alone_changes_hands(folder, sealed, role):
    mine = ledger.user_keys()
    heir = KeyPair(**{"statement": mine.statement, "log": mine.log} | {role: getattr(HEIR, role)})
    entry = rotate(folder, heir)
    assert [each["role"] for each in entry.statement["predicate"]["changes"]] == [role]
    assert (folder / "entries" / "00000002.co").exists() == (role == "statement")
    ledger.append(folder, sealed, {}, sealed.facts(), keys=heir)
    with pytest.raises(ConfigError, match="key rotate"):
        ledger.append(folder, sealed, {}, sealed.facts(), keys=mine)
    found = ledger.verify(folder)
    assert (found.exit_code, found.unbound) == (0, ())


def test_the_note_of_the_change_is_signed_by_both_as_c2sp_has_it(rotated):
    text = (rotated / "checkpoints" / "3.note").read_bytes()
    body, _, lines = text.partition(b"\n\n")
    origin = body.split(b"\n")[0].decode()
    assert len(lines.splitlines()) == 2
    for line, hand in zip(lines.splitlines(), (ledger.user_keys(), HEIR), strict=True):
        dash, name, encoded = line.decode().split(" ")
        held = base64.b64decode(encoded)
        assert (dash, name) == ("—", origin)
        _, key_id, _ = verifier_keys.format_vkey(origin, hand.log.public_key()).split("+", 2)
        assert held[:4].hex() == key_id
        hand.log.public_key().verify(held[4:], body + b"\n")
    assert len((rotated / "checkpoints" / "4.note").read_bytes().partition(b"\n\n")[2].splitlines()) == 1


def test_openssl_checks_the_co_signature(rotated, tmp_path):
    found = envelope.read_envelope((rotated / "entries" / "00000002.co" / "new-key.dsse.json").read_bytes())
    (tmp_path / "key").write_bytes(public_pem(HEIR.statement.public_key()))
    (tmp_path / "sig").write_bytes(found.signature)
    (tmp_path / "pae").write_bytes(
        envelope.encode_pae(envelope.read_envelope((rotated / "entries" / "00000002.dsse.json").read_bytes()).payload)
    )
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", "pae"]
    assert subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout == b"Verified OK\n"


def resigned(folder, index, key):
    """Sign an entry's payload with another key: leaf and checkpoints stay right."""
    path = folder / "entries" / f"{index:08d}.dsse.json"
    path.write_bytes(envelope.seal_payload(envelope.read_envelope(path.read_bytes()).payload, key))


def renoted(folder, size, *signers):
    """Sign a checkpoint with other keys."""
    path = folder / "checkpoints" / f"{size}.note"
    note = checkpoint.read_checkpoint(path.read_bytes(), cosigned=True)
    made = checkpoint.sign_head(note.origin, note.size, note.root, signers[0].log)
    path.write_bytes((checkpoint.sign_handover(made, signers[1].log) if len(signers) > 1 else made).note)


CO = "entries/00000002.co/new-key.dsse.json"


def cosigned_by(folder, hand, index=2):
    payload = envelope.read_envelope((folder / "entries" / f"{index:08d}.dsse.json").read_bytes()).payload
    (folder / CO).write_bytes(envelope.seal_payload(payload, hand.statement))


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder, mine: resigned(folder, 3, mine.statement),
        lambda folder, _: resigned(folder, 2, HEIR.statement),
        lambda folder, _: resigned(folder, 1, HEIR.statement),
        lambda folder, mine: renoted(folder, 4, mine),
        lambda folder, mine: renoted(folder, 4, HEIR, mine),
        lambda folder, mine: renoted(folder, 3, mine),
        lambda folder, _: renoted(folder, 3, HEIR),
        lambda folder, mine: renoted(folder, 3, HEIR, mine),
        lambda folder, mine: renoted(folder, 3, mine, STRANGER),
        lambda folder, _: renoted(folder, 2, HEIR),
        lambda folder, mine: renoted(folder, 2, mine, HEIR),
        lambda folder, _: (folder / CO).unlink(),
        cosigned_by,
        lambda folder, _: cosigned_by(folder, STRANGER),
        lambda folder, _: cosigned_by(folder, HEIR, 1),
        lambda folder, _: (folder / CO).write_bytes(b"{}"),
    ],
)
def test_what_another_hand_signs_is_refused(rotated, harm):
    harm(rotated, ledger.user_keys())
    found = ledger.verify(rotated)
    assert found.exit_code == 1
    assert {each.name for each in found.steps if each.status == "failed"} <= {"signatures", "checkpoints"}


def test_every_change_of_what_was_signed_by_both_is_found(rotated):
    for name in (CO, "checkpoints/3.note"):
        path = rotated / name
        data = path.read_bytes()
        for at in range(0, len(data), 43):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert ledger.verify(rotated).exit_code == 1, (name, at)
        for cut in range(0, len(data), 211):
            path.write_bytes(data[:cut])
            assert ledger.verify(rotated).exit_code == 1, (name, cut)
        path.write_bytes(data)
    assert ledger.verify(rotated).exit_code == 0


def test_a_held_note_of_the_old_key_still_holds(rotated, tmp_path):
    (tmp_path / "held").write_bytes((rotated / "checkpoints" / "2.note").read_bytes())
    assert ledger.verify(rotated, since=tmp_path / "held").exit_code == 0
    (tmp_path / "held").write_bytes((rotated / "checkpoints" / "3.note").read_bytes())
    assert ledger.verify(rotated, since=tmp_path / "held").exit_code == 0
    origin = (rotated / "origin").read_text().strip()
    for hand, code in ((ledger.user_keys(), 6), (HEIR, 6), (STRANGER, 1)):
        (tmp_path / "held").write_bytes(checkpoint.sign_head(origin, 2, bytes(32), hand.log).note)
        assert ledger.verify(rotated, since=tmp_path / "held").exit_code == code


class Killed(BaseException):
    """What a kill is to code that cleans up."""


@pytest.mark.parametrize("role", ["both", "statement", "log"])
@pytest.mark.parametrize("moment", range(7))
def test_killed_at_any_moment_the_ledger_verifies_and_the_change_is_finished(folder, monkeypatch, sealed, moment, role):
    mine, left = ledger.user_keys(), [moment]
    chosen = {"statement": mine.statement, "log": mine.log}
    chosen |= {name: getattr(HEIR, name) for name in ("statement", "log") if role in (name, "both")}
    heir = KeyPair(**chosen)
    original = file_writing.sync_to_disk

    def sync(path):
        if not left[0]:
            raise Killed
        left[0] -= 1
        original(path)

    with monkeypatch.context() as patch:
        patch.setattr(file_writing, "sync_to_disk", sync)
        with contextlib.suppress(Killed):
            rotate(folder, heir)
    found = ledger.verify(folder)
    assert found.exit_code == 0
    if found.entries == 2:
        if role != "statement" and (folder / "entries" / "00000002.dsse.json").exists():
            with pytest.raises(ConfigError, match="interrupted"):
                ledger.append(folder, sealed, {}, sealed.facts(), keys=mine)
        assert rotate(folder, heir).index == 2
    else:
        assert moment >= 5
    ledger.append(folder, sealed, {}, sealed.facts(), keys=heir)
    found = ledger.verify(folder)
    assert (found.exit_code, found.entries, found.unbound) == (0, 4, ())


def test_an_added_key_is_named_and_trusted_by_nobody(folder, sealed):
    mine = ledger.user_keys()
    key_entries.add_key(folder, STRANGER.statement.public_key(), "waiver", SCANNER, keys=mine, name="A. Approver")
    key_entries.add_key(folder, STRANGER.log.public_key(), "witness", SCANNER, keys=mine)
    assert ledger.verify(folder).exit_code == 0
    held = key_history.read_history(folder)
    assert held.added == {
        STRANGER.fingerprint: ("waiver", "A. Approver"),
        fingerprint(STRANGER.log.public_key()): ("witness", None),
    }
    with pytest.raises(ConfigError, match="already"):
        key_entries.add_key(folder, STRANGER.log.public_key(), "witness", SCANNER, keys=mine)
    with pytest.raises(ConfigError, match="has had"):
        rotate(folder, STRANGER)
    resigned(folder, 1, STRANGER.statement)
    found = ledger.verify(folder)
    assert found.exit_code == 1
    assert "holds the ledger there" in step(found, "signatures").detail


@pytest.mark.parametrize(("key", "role"), [("statement", "witness"), ("log", "waiver"), ("statement", "log")])
def test_a_key_must_fit_its_role(folder, key, role):
    with pytest.raises(ConfigError):
        key_entries.add_key(folder, STRANGER.public()[key], role, SCANNER, keys=ledger.user_keys())


def test_no_ledger_is_a_sentence(tmp_path, home):
    with pytest.raises(ConfigError, match="no ledger"):
        key_entries.rotate(tmp_path, HEIR, SCANNER, keys=ledger.user_keys())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"action": "revoke", "reason": "x"}, "cannot be written"),
        ({"action": "burn"}, "cannot be written"),
        ({"action": "revoke", "key": {"fingerprint": "SHA256:" + "A" * 43}, "reason": "x", "since": "2025-02-30T00:00:00Z"}, "is not a 'date-time'"),
        ({"action": "add", "key": {"fingerprint": "SHA256:" + "A" * 43, "role": "waiver", "path": "keys/x.pub.pem"}}, "does not bind"),
        ({"action": "certificate", "key": {"fingerprint": "SHA256:" + "A" * 43, "path": "keys/x.crt.pem"}}, "does not bind"),
        ({"action": "rotate", "changes": [{"role": "statement", "before": "SHA256:" + "A" * 43, "after": "SHA256:" + "B" * 43, "path": "keys/log.pub.pem"}]}, "does not bind"),
    ],
)  # fmt: skip
def test_an_entry_that_does_not_fit_is_not_written(folder, changes, said):
    facts = {"kind": "key", "scanner": SCANNER, "declaredOn": "2025-01-01T00:00:00Z"} | changes
    with pytest.raises(ConfigError, match=said):
        append.attach(folder, "key", b"x", facts, keys=ledger.user_keys())
    found = ledger.verify(folder)
    assert (found.exit_code, found.entries, found.unbound) == (0, 2, ())


def test_json_says_it_too(rotated):
    found = json.loads(json.dumps(ledger.verify(rotated).as_json()))
    assert {each["whose"] for each in found["keys"]} == {
        trusted_keys.OWN_KEY,
        f"by the rotation of entry 2, {trusted_keys.OWN_KEY}",
    }
    assert any("by the rotation of entry 2" in line for line in ledger.verify(rotated).lines())


@pytest.mark.parametrize("year", [1, 999, 1970])
def test_a_key_may_be_doubted_from_any_year_on(rotated, year):
    since = datetime(year, 1, 1, tzinfo=UTC)
    made = key_entries.revoke(rotated, ledger.user_keys().fingerprint, "stolen", SCANNER, keys=HEIR, since=since)
    assert made.statement["predicate"]["since"] == f"{year:04d}-01-01T00:00:00Z"
    assert ledger.verify(rotated).exit_code == 3


def test_handing_over_again_says_that_it_is_done(folder, sealed):
    """Whoever was killed after the last step calls again: nobody is told to make keys that nobody needs."""
    rotate(folder, HEIR)
    with pytest.raises(ConfigError, match=r"new keys hold .* already") as found:
        rotate(folder, HEIR)
    assert "keygen" not in str(found.value)
    with pytest.raises(ConfigError, match="are the old ones"):
        rotate(folder, ledger.user_keys())


@pytest.mark.parametrize("part", [".", "entries", "checkpoints", "objects/sha256"])
def test_a_ledger_that_is_closed_to_this_user_is_named(folder, close, part):
    held = ledger.size(folder)
    close(folder / part, 0o555)
    with pytest.raises(ConfigError, match=rf"the ledger {folder} cannot be written: .*chmod"):
        rotate(folder, HEIR)
    (folder / part).chmod(0o755)
    assert ledger.verify(folder).exit_code == 0
    assert rotate(folder, HEIR).index == held
