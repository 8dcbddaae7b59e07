"""What a piece stands on: keys that changed hands, witnesses and timestamps, all of it taken from the golden ledger."""

import base64
import json
import os
import subprocess
import sys

import pytest

from provenance import ledger
from provenance.core.digests import canonical
from provenance.errors import InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope
from provenance.ledger.proofs import anchors, check_proof, disclosure, proof_format
from provenance.ledger.trees import merkle
from provenance.ledger.verification.results import INVALID, OK, UNPINNED
from provenance.ledger.witness import checkpoint_evidence

PATH = "nc/more.tar!/inner.txt"
ROTATION, REVOCATION, LAST = 11, 12, 13


@pytest.fixture(scope="module")
def piece(packed):
    return disclosure.row(packed / "ledger", "path", PATH)


def verified(tmp_path, data, trust=None):
    (tmp_path / "piece").write_bytes(data)
    return ledger.verify(tmp_path / "piece", trust=trust)


def steps(found):
    return {each.name: each.status for each in found.steps}


def test_a_piece_carries_what_it_takes(piece, packed, home, tmp_path):
    """The old key is pinned, a witness and an authority are asked for: nothing else is needed to be sure."""
    found = verified(tmp_path, piece, packed / "trust.yaml")
    assert found.exit_code == OK, found.lines()
    carried = ("keys", "witnesses", "timestamps", "rotation", "revocation")
    assert {name: steps(found)[name] for name in carried} == dict.fromkeys(carried, "ok")
    assert [each.is_linked for each in found.signers] == [False, True]
    assert "by the rotation of entry 11" in found.signers[1].whose
    assert any("no other key was revoked" in each for each in found.unproven)
    assert verified(tmp_path, piece).exit_code == UNPINNED


def test_it_is_what_it_was_when_it_was_first_written(piece, packed):
    assert piece == (packed / "carried.proof.json").read_bytes()


def test_an_answer_stands_under_an_older_checkpoint(packed):
    """The change of keys came after it: its log extends the piece's, and not the other way round."""
    start = anchors.take(packed / "ledger", 0, 1)
    found = anchors.read(start.value)
    assert (found.note.size, [each.entry_statement.place.index for each in found.key_entries]) == (
        1,
        [ROTATION, REVOCATION],
    )
    assert (found.cosignatures, found.timestamps) == (b"", ())


@pytest.mark.parametrize("size", [ROTATION + 1, LAST])
def test_the_checkpoint_of_a_change_is_signed_twice_and_witnessed_by_nobody_else(packed, size):
    found = anchors.read(anchors.take(packed / "ledger", 0, size).value)
    assert (found.note.size, found.cosignatures == b"") == (size, size != LAST)


@pytest.mark.parametrize(
    ("gone", "size"),
    [((), 13), (("13.cosigs",), 10), (("13.cosigs", "10.tsr"), 13), (("13.cosigs", "13.tsr"), 10),
     (("13.cosigs", "13.tsr", "10.tsr"), 10), (("13.cosigs", "13.tsr", "10.tsr", "10.cosigs"), 13)],
)  # fmt: skip
def test_the_checkpoint_that_proves_most_is_taken(golden, gone, size):
    for name in gone:
        (golden / "ledger" / "checkpoints" / name).unlink()
    assert anchors.take(golden / "ledger", 0).note.size == size


def test_one_that_does_not_count_the_entry_is_not(golden, monkeypatch):
    """Of scan 6 a checkpoint over six entries says nothing, however many signed it."""
    notes = golden / "ledger" / "checkpoints"
    for name in ("13.cosigs", "13.tsr", "10.tsr", "10.cosigs"):
        (notes / name).rename(notes / f"{6 if name.startswith('13') else 99}.{name.split('.')[1]}")
    assert anchors.take(golden / "ledger", 6).note.size == LAST
    assert anchors.take(golden / "ledger", 0).note.size == 6


def test_what_is_not_there_is_not_taken(golden):
    for given in ((0, 14), (12, None), (6, 6), (99, None)):
        with pytest.raises(InputError):
            anchors.take(golden / "ledger", *given)
    name = golden / "ledger" / layout.note_path(2)
    name.write_bytes((golden / "ledger" / layout.note_path(3)).read_bytes())
    with pytest.raises(VerificationError, match="run provenance verify"):
        anchors.take(golden / "ledger", 0, 2)


def change(value, at=0):
    return value["keyEntries"][at]


def swapped(value):
    value["keyEntries"].reverse()


def resealed(text, key):
    return envelope.seal_payload(envelope.read_envelope(text.encode()).payload, key).decode()


def stranger():
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def other_entry(value, packed, index):
    folder = packed / "ledger"
    hashes = merkle.MerkleTree(anchors.leaf_hashes(folder))
    value["keyEntries"] = [anchors._taken(folder, index, LAST, hashes)]


TAMPERED = {
    "a change left out": lambda value, _: value["keyEntries"].pop(0),
    "all changes left out": lambda value, _: value.pop("keyEntries"),
    "another order": lambda value, _: swapped(value),
    "a change twice": lambda value, _: value["keyEntries"].insert(0, change(value)),
    "no sign of who takes over": lambda value, _: change(value).pop("newKey"),
    "a stranger takes over": lambda value, _: change(value).update(newKey=resealed(change(value)["newKey"], stranger())),
    "a stranger hands over": lambda value, _: change(value).update(envelope=resealed(change(value)["envelope"], stranger())),
    "a stranger revokes": lambda value, _: change(value, 1).update(envelope=resealed(change(value, 1)["envelope"], stranger())),
    "one key signs the change": lambda value, _: change(value).update(log="".join(change(value)["log"].splitlines(keepends=True)[:-1])),
    "no way to the other log": lambda value, _: change(value).update(extends=change(value)["extends"][1:]),
    "a way where none is": lambda value, _: change(value, 1).update(extends=["00" * 32]),
    "another way": lambda value, _: change(value).update(extends=["00" * 32, *change(value)["extends"][1:]]),
    "a co-signature where nobody takes over": lambda value, _: change(value, 1).update(newKey=change(value)["newKey"]),
    "the entry co-signs itself": lambda value, _: value.update(coSignatures=[value["envelope"]]),
    "a timestamp twice": lambda value, _: value.update(timestamps=value["timestamps"] * 2),
    "no entry about keys": lambda value, packed: other_entry(value, packed, 3),
    "a later checkpoint": lambda value, packed: change(value).update(log=later(packed)),
    "a timestamp of another": lambda value, packed: value.update(timestamps=[encoded(packed / "ledger/checkpoints/10.tsr")]),
    "a flip in a timestamp": lambda value, packed: value.update(timestamps=[encoded(packed / "ledger/checkpoints/13.tsr", flip=-9)]),
    "no timestamp": lambda value, _: value.update(timestamps=["AAAA"]),
    "no base64": lambda value, _: value.update(timestamps=["AA*A"]),
    "other base64": lambda value, _: value.update(timestamps=["AAB="]),
    "a witness's line": lambda value, _: value.update(log=value["log"].replace("w.example ", "w.example /")),
    "a witness's line twice": lambda value, _: value.update(log=value["log"] + value["log"].splitlines(keepends=True)[-1]),
}  # fmt: skip


def later(packed):
    folder = packed / "ledger"
    hashes = anchors.leaf_hashes(folder)
    note = (folder / layout.note_path(LAST)).read_bytes()
    return anchors.tlog_proof(ROTATION, anchors.merkle.prove_inclusion(hashes, ROTATION), note)


def encoded(path, flip=None):
    data = bytearray(path.read_bytes())
    if flip is not None:
        data[flip] ^= 1
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("case", TAMPERED)
def test_a_false_anchor_is_found_out(case, piece, packed, home, tmp_path):
    value = json.loads(piece)
    TAMPERED[case](value, packed)
    assert value != json.loads(piece)
    try:
        data = proof_format.write(
            {name: value[name] for name in value if name not in ("_type", "says", "doesNotProve")}
        )
    except VerificationError:
        data = canonical(value)
    found = verified(tmp_path, data, packed / "trust.yaml")
    # Whoever leaves changes out shows less, and is believed less: the key that signs leads nowhere any more.
    assert found.exit_code == (UNPINNED if case == "all changes left out" else INVALID), found.lines()


def test_the_entry_stands_on_the_log_before_it(world):
    """An operator whose entry denies what came before it signs everything else as it must be."""
    hand, folder = ledger.user_keys(), world / "ledger"
    value = anchors.build_anchor(folder, 1, 2)
    assert anchors.read(value).entry_statement.place.index == 1
    said = json.loads(envelope.read_envelope(value["envelope"].encode()).payload)
    said["predicate"]["log"]["prev"]["rootHash"] = "00" * 32
    sealed = envelope.seal_payload(canonical(said), hand.statement)
    hashes = [anchors.read_envelope(folder, 0).leaf_hash, envelope.read_envelope(sealed).leaf_hash]
    note = checkpoint.sign_head(said["predicate"]["log"]["origin"], 2, merkle.hash_root(hashes), hand.log).note
    value |= {"envelope": sealed.decode(), "log": anchors.tlog_proof(1, merkle.prove_inclusion(hashes, 1), note)}
    with pytest.raises(VerificationError, match="not on the log before it"):
        anchors.read(value)


@pytest.mark.parametrize("make", ["fifo", "link", "folder", "huge", "text"])
def test_no_file_that_only_stands_among_the_keys_is_shown_or_waited_for(world, tmp_path, make):
    secret, path = tmp_path / "secret", world / "ledger" / "keys" / "zz.pub.pem"
    secret.write_text("nobody is to read this")
    match make:
        case "fifo":
            os.mkfifo(path)
        case "link":
            path.symlink_to(secret)
        case "folder":
            path.mkdir()
        case "huge":
            path.write_bytes(bytes(1 << 20))
        case "text":
            path.write_text(secret.read_text())
    keys = json.loads(disclosure.row(world / "ledger", "path", "a.jsonl"))["keys"]
    assert len(keys) == 2
    assert all(key.startswith("-----BEGIN PUBLIC KEY") for key in keys)
    assert ledger.verify(world / "ledger", entry=0).exit_code == OK


def test_what_is_asked_for_must_be_there(golden, home, tmp_path):
    for pattern in ("*.cosigs", "*.tsr"):
        for path in (golden / "ledger" / "checkpoints").glob(pattern):
            path.unlink()
    found = verified(tmp_path, disclosure.row(golden / "ledger", "path", PATH), golden / "trust.yaml")
    assert found.exit_code == UNPINNED
    assert (steps(found)["witnesses"], steps(found)["timestamps"]) == ("failed", "failed")


def test_any_flip_is_told(piece, packed, home, tmp_path):
    """But in `keys`, which nobody trusts: a flip there makes a key that is not used, or one that is missing."""
    keys = canonical(json.loads(piece)["keys"])
    begin = piece.index(keys)
    for at in (*range(0, begin, 37), *range(begin + len(keys), len(piece), 37)):
        found = verified(tmp_path, piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :], packed / "trust.yaml")
        assert found.exit_code != OK, at


def test_it_carries_what_stands_beside_its_checkpoint(piece, packed):
    held = proof_format.read(piece).anchor
    names = [checkpoint_evidence.cosignatures_path(LAST), *checkpoint_evidence.timestamp_paths(LAST)[:1]]
    assert [held.cosignatures, *held.timestamps] == [(packed / "ledger" / name).read_bytes() for name in names]


def test_the_script_needs_both_keys(piece, packed, tmp_path):
    (tmp_path / "piece").write_bytes(piece)
    keys = sorted((packed / "ledger" / "keys").glob("*.pub.pem"))
    first = [each for each in keys if "-" not in each.stem]
    for pinned, code in ((keys, 0), (first, 1)):
        command = [sys.executable, "-I", check_proof.__file__, tmp_path / "piece", *pinned]
        assert subprocess.run(command, capture_output=True, check=False).returncode == code
