import json
import os
import threading
from datetime import UTC, datetime

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance import ledger
from provenance.errors import ConfigError, MissingExtra, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import envelope
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import entry_cosignatures, file_writing, key_entries
from provenance.ledger.proofs import disclosure
from tests.conftest import SCANNER

ENVELOPE, KEY = "entries/00000001.co/approver.dsse.json", "entries/00000001.co/approver.pub.pem"


@pytest.fixture
def hand():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def signed(world, hand):
    entry_cosignatures.cosign(world / "ledger", 1, "approver", hand)
    return world / "ledger"


def step(folder, name="co-signatures", **options):
    found = ledger.verify(folder, **options)
    return found.exit_code, next((item for item in found.steps if item.name == name), None)


def test_another_hand_signs_the_same_leaf_and_no_history_changes(signed, hand):
    theirs = envelope.read_envelope((signed / ENVELOPE).read_bytes())
    entry = envelope.read_envelope((signed / layout.entry_path(1)).read_bytes())
    assert (theirs.payload, theirs.leaf_hash) == (entry.payload, entry.leaf_hash)
    assert theirs.keyid == signing_keys.fingerprint(hand.public_key()) != entry.keyid
    code, said = step(signed)
    assert (code, said.status) == (0, "ok")
    assert said.detail == "1 is a signature over the entry it stands beside"
    assert ledger.verify(signed, strict=True).exit_code == 0  # both files vouch for themselves
    assert entry_cosignatures.read_cosignatures(signed, 1) == [
        entry_cosignatures.EntryCosignature(1, "approver", theirs.keyid, checked=True)
    ]
    assert entry_cosignatures.read_cosignatures(signed, 0) == []


def test_a_ledger_without_co_signatures_says_nothing_of_them(world):
    assert step(world / "ledger") == (0, None)


def test_the_next_entry_goes_on(signed, sealed):
    ledger.append(signed, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert step(signed)[0] == 0


def test_it_may_be_pinned_or_bound_instead_of_beside(signed, hand, tmp_path):
    (signed / KEY).unlink()
    code, said = step(signed)
    assert (code, said.status) == (1, "failed")
    assert "neither pinned, nor in keys/, nor beside it" in said.detail
    mine = [signing_keys.public_pem(key).decode() for key in signing_keys.own_public()]
    pem = signing_keys.public_pem(hand.public_key()).decode()
    pins = [{"pem": each, "roles": ["statement", "log"]} for each in (*mine, pem)]
    (tmp_path / "trust.yaml").write_text(yaml.safe_dump({"keys": pins}))
    assert step(signed, trust=tmp_path / "trust.yaml")[1].status == "ok"


@pytest.mark.parametrize("name", [ENVELOPE, KEY])
def test_every_flip_and_truncation_is_caught(signed, name):
    whole = (signed / name).read_bytes()
    leaf = envelope.read_envelope((signed / layout.entry_path(1)).read_bytes()).leaf_hash

    def faults(data):
        (signed / name).write_bytes(data)
        return entry_cosignatures.check_cosignatures(signed, {ENVELOPE, KEY}, {1: leaf}, {})[2]

    assert faults(whole) == []
    for place in range(0, len(whole), 1 if name == KEY else 11):
        assert faults(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]), place
    for data in (b"", whole[:1], whole[: len(whole) // 2], whole[:-1], whole + b" "):
        assert faults(data)
    assert step(signed)[0] == 1  # the last of them


# what stands in the place of the co-signature, part of the sentence
HOSTILE = {
    "of another entry": "something else than its entry",
    "of other bytes": "something else than its entry",
    "by another key": "is not SHA256:",
    "the entry itself": "is not SHA256:",
    "no JSON": "not strict JSON",
    "too large": "larger than",
}


@pytest.mark.parametrize(("what", "sentence"), HOSTILE.items(), ids=HOSTILE)
def test_what_is_no_signature_over_its_entry_is_refused(signed, hand, what, sentence):
    other, entry = (envelope.read_envelope((signed / layout.entry_path(index)).read_bytes()) for index in (0, 1))
    put = {
        "of another entry": envelope.seal_payload(other.payload, hand),
        "of other bytes": envelope.seal_payload(b"{}", hand),
        "by another key": envelope.seal_payload(entry.payload, ec.generate_private_key(ec.SECP256R1())),
        "the entry itself": (signed / layout.entry_path(1)).read_bytes(),
        "no JSON": b"\xff",
        "too large": b"[" * (layout.ENTRY_LIMIT + 1),
    }
    (signed / ENVELOPE).write_bytes(put[what])
    code, said = step(signed)
    assert (code, said.status) == (1, "failed")
    assert sentence in said.detail
    assert entry_cosignatures.read_cosignatures(signed, 1) == []


@pytest.mark.parametrize("make", [Ed25519PrivateKey.generate, lambda: ec.generate_private_key(ec.SECP384R1())])
def test_a_key_of_another_kind_is_refused(signed, make):
    (signed / KEY).write_bytes(signing_keys.public_pem(make().public_key()))
    assert step(signed)[0] == 1


@pytest.mark.parametrize("name", ["entries/00000001.co/someone.dsse.json", "entries/00000001.co/approver.txt", "entries/00000009.co/approver.dsse.json"])  # fmt: skip
def test_names_are_closed_and_of_entries_that_are(signed, name):
    (signed / name).parent.mkdir(exist_ok=True)
    (signed / name).write_bytes((signed / ENVELOPE).read_bytes())
    found = ledger.verify(signed)
    assert (found.exit_code, found.unbound) == (0, (name,))
    assert ledger.verify(signed, strict=True).exit_code == 1


def test_an_algorithm_that_is_not_at_hand_is_said_to_be_unchecked(signed, monkeypatch):
    def missing(*_):
        raise MissingExtra("sm2", "check with SM2")

    monkeypatch.setitem(entry_cosignatures.CHECKS_BY_NAME, "sm2", missing)
    put = signed / "entries/00000000.co/sm2.dsse.json"
    put.parent.mkdir()
    put.write_bytes((signed / layout.entry_path(0)).read_bytes())
    (put.parent / "sm2.pub.pem").write_bytes(b"")
    code, said = step(signed)
    assert (code, said.status) == (0, "not checked")
    assert "sm2 of entry 0" in said.detail
    assert entry_cosignatures.read_cosignatures(signed, 0) == []  # nobody counts what nobody checked


def test_a_link_is_refused(signed, tmp_path):
    (tmp_path / "elsewhere").write_bytes((signed / ENVELOPE).read_bytes())
    (signed / ENVELOPE).unlink()
    (signed / ENVELOPE).symlink_to(tmp_path / "elsewhere")
    assert step(signed, "folder")[0] == 1
    assert entry_cosignatures.read_cosignatures(signed, 1) == []


def test_it_is_never_overwritten_and_may_be_repeated(signed, hand):
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ConfigError, match="which nobody overwrites"):
        entry_cosignatures.cosign(signed, 1, "approver", other)
    sealed, pem = (signed / ENVELOPE).read_bytes(), (signed / KEY).read_bytes()
    entry_cosignatures.write_cosignature(signed, 1, "approver", sealed=sealed, pem=pem)
    assert (signed / KEY).read_bytes() == pem
    assert step(signed)[0] == 0


def test_the_operator_does_not_cosign_as_another_hand(world):
    with pytest.raises(ConfigError, match="signed with this key already"):
        entry_cosignatures.cosign(world / "ledger", 0, "approver", ledger.user_keys().statement)


@pytest.mark.parametrize(("index", "name", "sentence"), [(2, "approver", "entries are 0 to 1"), (-1, "approver", "has no entry"), (0, "friend", "there are approver, ")])  # fmt: skip
def test_what_is_not_there_cannot_be_signed(world, hand, index, name, sentence):
    with pytest.raises(ConfigError, match=sentence):
        entry_cosignatures.cosign(world / "ledger", index, name, hand)
    assert not list((world / "ledger" / "entries").glob("*.co"))


def test_what_was_made_elsewhere_is_checked_before_it_is_put(world, hand):
    with pytest.raises(VerificationError, match="something else"):
        entry_cosignatures.write_cosignature(
            world / "ledger",
            0,
            "approver",
            sealed=envelope.seal_payload(b"{}", hand),
            pem=signing_keys.public_pem(hand.public_key()),
        )
    assert not list((world / "ledger" / "entries").glob("*.co"))


def test_a_folder_that_is_no_ledger(tmp_path, hand):
    with pytest.raises(ConfigError, match="is no ledger"):
        entry_cosignatures.cosign(tmp_path, 0, "approver", hand)


def test_a_key_left_by_a_kill_is_written_anew(world, hand):
    left = world / "ledger" / KEY
    left.parent.mkdir()
    left.write_bytes(b"half")
    assert ledger.verify(world / "ledger").unbound == (KEY,)
    entry_cosignatures.cosign(world / "ledger", 1, "approver", hand)
    assert step(world / "ledger")[0] == 0


def test_writers_wait_for_each_other(world, hand):
    folder = world / "ledger"
    with file_writing.lock_folder(folder):
        writer = threading.Thread(target=entry_cosignatures.cosign, args=(folder, 1, "approver", hand))
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        assert not (folder / ENVELOPE).exists()
    writer.join()
    assert step(folder)[0] == 0
    assert not os.path.lexists(folder / file_writing.STAGING)


HANDS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("law", "risk", "stranger")}


@pytest.fixture
def asking(tmp_path):
    """A trust file that pins the operator's keys and some hands, and asks for so many signers."""

    def write(*names, signers=None):
        pins = [
            {"pem": signing_keys.public_pem(key).decode(), "roles": ["statement", "log"]}
            for key in signing_keys.own_public()
        ]
        pins += [
            {"pem": signing_keys.public_pem(HANDS[name].public_key()).decode(), "roles": ["statement"], "name": name}
            for name in names
        ]
        asked = {"assessments": {"signers": signers}} if signers else {}
        path = tmp_path / "trust.yaml"
        path.write_text(yaml.safe_dump({"keys": pins, **asked}))
        return path

    return write


@pytest.fixture
def assessed(world, sealed):
    ledger.append(world / "ledger", sealed, {}, sealed.facts(kind="assessment"), keys=ledger.user_keys())
    return world / "ledger"


@pytest.mark.parametrize(
    ("hands", "pinned", "asked", "code", "status"),
    [
        ((), (), None, 0, None),
        ((), ("law",), 2, 3, "failed"),
        (("law",), ("law",), 2, 0, "ok"),
        (("law",), ("law", "risk"), 3, 3, "failed"),
        (("law", "risk"), ("law", "risk"), 3, 0, "ok"),
        (("law", "risk"), ("law", "risk"), 2, 0, "ok"),
        (("stranger",), ("law",), 2, 3, "failed"),
        (("stranger",), (), None, 0, "not checked"),
        (("law", "stranger"), ("law",), 2, 0, "not checked"),
        (("law",), ("law",), None, 0, "ok"),
    ],
)
@pytest.mark.parametrize("what", ["ledger", "entry", "piece"])
def test_signers_are_counted_by_distinct_pinned_keys(
    assessed, asking, tmp_path, what, hands, pinned, asked, code, status
):
    for number, name in enumerate(hands, start=2):
        assert entry_cosignatures.countersign(assessed, 2, HANDS[name])[0] == f"signer-{number}"
    trust, path = asking(*pinned, signers=asked), assessed
    if what == "piece":
        path = tmp_path / "piece"
        path.write_bytes(disclosure.row(assessed, "path", "a.jsonl"))
    entry = 2 if what == "entry" else None
    found = ledger.verify(path, trust=trust, strict=what == "ledger", entry=entry)
    told = {each.name: each for each in found.steps}
    assert (found.exit_code, told["assessments"].status if "assessments" in told else None) == (code, status)
    if status == "failed":
        pinned_hands = len(set(hands) & set(pinned))
        assert f"assessment 2: signed by {1 + pinned_hands} of {asked} pinned keys" in told["assessments"].detail


def rotated(folder):
    heir = signing_keys.KeyPair(ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate())
    key_entries.rotate(folder, heir, SCANNER, keys=signing_keys.user_keys())
    return heir


@pytest.mark.parametrize("since", [None, datetime(2025, 1, 1, tzinfo=UTC)])
def test_whoever_kept_the_ledger_is_no_second_hand(world, sealed, asking, tmp_path, since):
    """An operator with two keys, the older one revoked or not, signs with both: that is one hand."""
    old, folder = signing_keys.user_keys(), world / "ledger"
    heir = rotated(folder)
    entry = ledger.append(folder, sealed, {}, sealed.facts(kind="assessment"), keys=heir).index
    payload = envelope.read_envelope((folder / layout.entry_path(entry)).read_bytes()).payload
    entry_cosignatures.write_cosignature(
        folder,
        entry,
        "signer-2",
        sealed=envelope.seal_payload(payload, old.statement),
        pem=signing_keys.public_pem(old.statement.public_key()),
    )
    if since:
        key_entries.revoke(folder, old.fingerprint, "stolen", SCANNER, keys=heir, since=since)
    with pytest.raises(ConfigError, match="holds or held this ledger"):
        entry_cosignatures.countersign(folder, entry, old.statement)
    (tmp_path / "piece").write_bytes(disclosure.row(folder, "path", "a.jsonl", entry))
    for path, number in ((folder, None), (folder, entry), (tmp_path / "piece", None)):
        found = ledger.verify(path, trust=asking("law", signers=2), entry=number)
        told = next(each for each in found.steps if each.name == "assessments")
        assert (found.exit_code, told.status) == (3, "failed")


def test_a_revoked_key_co_signs_nothing(assessed, asking):
    """What it co-signed has no time, so nobody can say that it was before; of one that merely retired, older entries stand."""
    law, mine = HANDS["law"], signing_keys.user_keys()
    key_entries.add_key(assessed, law.public_key(), "waiver", SCANNER, keys=mine)
    entry_cosignatures.countersign(assessed, 2, law)
    assert ledger.verify(assessed, trust=asking("law", signers=2)).exit_code == 0
    key_entries.revoke(assessed, signing_keys.fingerprint(law.public_key()), "retired", SCANNER, keys=mine)
    assert ledger.verify(assessed, trust=asking("law", signers=2)).exit_code == 0
    with pytest.raises(ConfigError, match="was revoked"):
        entry_cosignatures.countersign(assessed, 2, law)


def test_a_doubted_key_co_signs_nothing(assessed, asking):
    law, mine = HANDS["law"], signing_keys.user_keys()
    key_entries.add_key(assessed, law.public_key(), "waiver", SCANNER, keys=mine)
    entry_cosignatures.countersign(assessed, 2, law)
    since = datetime(2025, 1, 1, tzinfo=UTC)
    key_entries.revoke(assessed, signing_keys.fingerprint(law.public_key()), "stolen", SCANNER, keys=mine, since=since)
    found = ledger.verify(assessed, trust=asking("law", signers=2))
    assert (found.exit_code, "which was revoked" in next(e for e in found.steps if e.name == "assessments").detail) == (
        3,
        True,
    )


def test_nobody_stands_by_a_change_of_keys(world):
    """Its co-signature would say that they take over."""
    rotated(world / "ledger")
    with pytest.raises(ConfigError, match="is about keys"):
        entry_cosignatures.countersign(world / "ledger", 2, HANDS["law"])


def test_two_who_sign_at_once_take_names_of_their_own(assessed, monkeypatch):
    """The slower one finds the name taken, and neither public key is written over the other."""
    add, met = entry_cosignatures.cosign, []

    def slow(folder, index, name, key):
        if not met:
            met.append(name)
            entry_cosignatures.countersign(assessed, 2, HANDS["risk"])
        return add(folder, index, name, key)

    monkeypatch.setattr(entry_cosignatures, "cosign", slow)
    assert entry_cosignatures.countersign(assessed, 2, HANDS["law"])[0] == "signer-3"
    assert [each.name for each in entry_cosignatures.read_cosignatures(assessed, 2)] == ["signer-2", "signer-3"]
    assert ledger.verify(assessed, strict=True).exit_code == 0


def test_of_a_draft_nobody_asks_for_more_hands(world, asking):
    assert ledger.verify(world / "ledger", trust=asking("law", signers=2)).exit_code == 0


def test_a_hand_signs_once_and_nine_are_enough(assessed):
    entry_cosignatures.countersign(assessed, 2, HANDS["law"])
    with pytest.raises(ConfigError, match="each hand signs once"):
        entry_cosignatures.countersign(assessed, 2, HANDS["law"])
    with pytest.raises(ConfigError, match="holds or held this ledger"):
        entry_cosignatures.countersign(assessed, 2, signing_keys.user_keys().statement)
    for _ in range(7):
        entry_cosignatures.countersign(assessed, 2, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ConfigError, match="8 further signatures already"):
        entry_cosignatures.countersign(assessed, 2, HANDS["risk"])
    assert ledger.verify(assessed, strict=True).exit_code == 0


def test_one_key_under_two_names_counts_once(assessed, asking):
    """An operator who copies a co-signature to another name has not found another hand."""
    entry_cosignatures.countersign(assessed, 2, HANDS["law"])
    at = assessed / "entries" / "00000002.co"
    for ending in ("dsse.json", "pub.pem"):
        (at / f"signer-3.{ending}").write_bytes((at / f"signer-2.{ending}").read_bytes())
    assert ledger.verify(assessed, trust=asking("law", "risk", signers=3)).exit_code == 3
    assert len(json.loads(disclosure.row(assessed, "path", "a.jsonl"))["coSignatures"]) == 1


def test_a_trust_file_asks_for_no_more_than_it_pins(assessed, asking):
    found = ledger.verify(assessed, trust=asking("law", signers=4))
    assert (found.exit_code, "asks for 4 signers and pins 3 statement keys" in found.steps[-1].detail) == (2, True)


def test_the_command_line_countersigns_the_newest_scan(assessed, asking, tmp_path, capsys):
    from provenance.cli import run

    assert (
        run(
            [
                "keygen",
                "--origin",
                "law.example",
                "--out",
                str(tmp_path / "law"),
                "--role",
                "statement",
                "--no-password",
            ]
        )
        == 0
    )
    assert run(["countersign", str(assessed), "--key", str(tmp_path / "law")]) == 0
    assert "Entry 2 of" in capsys.readouterr().out
    assert [each.name for each in entry_cosignatures.read_cosignatures(assessed, 2)] == ["signer-2"]
    assert run(["countersign", str(assessed), "--key", str(tmp_path / "law")]) == 2
    assert run(["countersign", str(tmp_path), "--key", str(tmp_path / "law")]) == 2
    assert run(["countersign", str(assessed), "--entry", "9", "--key", str(tmp_path / "law")]) == 2
