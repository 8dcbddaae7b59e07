"""Proofs: what is taken out of a ledger convinces somebody who has nothing else, and nothing that was changed does."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from provenance import ledger
from provenance.cli import run
from provenance.core.digests import canonical, sha256
from provenance.errors import InputError
from provenance.ledger.format import envelope
from provenance.ledger.proofs import anchors, check_proof, disclosure, proof_format, proof_members
from provenance.ledger.trees import salts
from provenance.ledger.verification.results import EQUIVOCATION, INVALID, OK, UNPINNED

from .conftest import PIECES

SCRIPT = Path(check_proof.__file__)


def verified(path, data, **given):
    path.write_bytes(data)
    return ledger.verify(path, **given)


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_a_proof_convinces(proven, tmp_path, kind):
    _, made = proven
    found = verified(tmp_path / "proof", made[kind])
    assert found.exit_code == OK, found.lines()
    assert "entry 2 of" in found.proven[0]
    assert set(proof_members.NEVER_PROVEN) < set(found.unproven)
    assert found.as_json()["what"] == "proof"
    assert found.lines()[0] == "The proof verifies."


def test_what_is_proven_is_said(proven):
    root, made = proven
    said = {kind: proof_format.read(data) for kind, data in made.items()}
    assert '"b/\\u00fc.jsonl"' in said["path"].says
    assert [row["element"] for row in said["verdict"].rows] == [1, 2]
    assert hashlib.sha256(b"drei").hexdigest() in said["record"].says
    assert "record 2 of" in said["record"].says
    assert hashlib.sha256((root / "unseen").read_bytes()).hexdigest() in said["absent"].says
    assert any("exact bytes only" in each for each in said["absent"].limits)
    assert any('1 in all: "b/broken"' in each for each in said["absent"].limits)


def test_a_record_without_text(proven, record_proof, tmp_path):
    root, _ = proven
    found = proof_format.read(record_proof(root / "ledger", salts.find_secret(None), 1))
    assert "no text" in found.says


@pytest.mark.parametrize("kind", proof_format.KINDS)
def test_keys_that_come_with_a_proof_are_never_trusted(proven, tmp_path, monkeypatch, kind):
    _, made = proven
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "nobody"))
    found = verified(tmp_path / "proof", made[kind])
    assert found.exit_code == UNPINNED
    assert not any(each.whose for each in found.signers)
    value = json.loads(made[kind])
    assert verified(tmp_path / "proof", canonical(value | {"keys": []})).exit_code == INVALID
    assert verified(tmp_path / "proof", canonical(value | {"keys": ["no key", "ключ"]})).exit_code == INVALID


def test_of_other_rows_nothing_but_hashes_is_shown(proven):
    _, made = proven
    for kind in ("path", "finding", "record", "source"):
        assert b"a.jsonl" not in made[kind]
        assert sha256(b"a").encode() not in made[kind]
    assert b"drei" not in made["record"]


def row(**changes):
    def edit(value):
        item = value["lines"][0]
        item["line"] = canonical(json.loads(item["line"]) | changes).decode()

    return edit


def test_a_proof_stands_under_a_note_that_was_held(proven, tmp_path):
    root, made = proven
    held = root / "ledger" / "checkpoints" / "3.note"
    found = verified(tmp_path / "proof", made["path"], since=held)
    assert (found.exit_code, "earlier checkpoint" in found.as_json()["not_checked"]) == (OK, False)
    found = verified(tmp_path / "proof", made["path"], since=root / "ledger" / "checkpoints" / "1.note")
    assert (found.exit_code, "earlier checkpoint" in found.as_json()["not_checked"]) == (OK, True)


def test_two_views_of_one_size_are_told(proven, tmp_path):
    """A note of the same size that the log's key signed, over other entries."""
    from provenance.ledger.format import checkpoint

    _, made = proven
    keys = ledger.user_keys()
    note = proof_format.read(made["path"]).anchor.note
    (tmp_path / "held.note").write_bytes(checkpoint.sign_head(note.origin, note.size, bytes(32), keys.log).note)
    assert verified(tmp_path / "proof", made["path"], since=tmp_path / "held.note").exit_code == EQUIVOCATION
    forged = (tmp_path / "held.note").read_text().replace(note.origin, "other.example/log")
    (tmp_path / "held.note").write_text(forged)
    assert verified(tmp_path / "proof", made["path"], since=tmp_path / "held.note").exit_code == INVALID


@pytest.mark.parametrize("kind", PIECES)
def test_what_is_not_there_is_not_proven(proven, kind):
    root, _ = proven
    name, said = (
        ("f" * 8, "no finding of entry [0-9]+ begins with ffffffff")
        if kind == "finding"
        else ("nothing", "says nothing")
    )
    with pytest.raises(InputError, match=said):
        disclosure.row(root / "ledger", kind, name)


def test_a_withheld_table_cannot_be_proven_from(proven):
    root, _ = proven
    said = ledger.read_entry(root / "ledger")["predicate"]
    (root / "ledger" / said["tables"]["files"]["lines"]).unlink()
    with pytest.raises(InputError, match="withheld"):
        disclosure.row(root / "ledger", "path", "a.jsonl")


def test_a_content_that_is_there_has_no_proof_of_absence(proven):
    root, _ = proven
    for content in (b"a", b"u"):
        found = disclosure.absent(root / "ledger", hashlib.sha256(content).digest())
        assert found.proof is None
        assert found.paths == (("a.jsonl",) if content == b"a" else ("b/ü.jsonl",))


def test_an_older_entry_and_an_older_checkpoint(proven, tmp_path):
    root, _ = proven
    data = disclosure.row(root / "ledger", "path", "a.jsonl", 0)
    assert proof_format.read(data).anchor.entry_statement.place.index == 0
    assert verified(tmp_path / "proof", data).exit_code == OK
    assert anchors.take(root / "ledger", 0, 1).note.size == 1
    for entry, count in ((7, None), (0, 9), (2, 2)):
        with pytest.raises(InputError):
            anchors.take(root / "ledger", entry, count)


def test_without_the_list_of_leaves_entries_are_read(proven):
    root, made = proven
    (root / "ledger" / "checkpoints" / "leaves").unlink()
    assert disclosure.row(root / "ledger", *PIECES["path"]) == made["path"]


def test_the_command_line(proven, tmp_path, capsys):
    root, made = proven
    folder, proof = str(root / "ledger"), str(tmp_path / "proof")
    for kind, (_, name) in PIECES.items():
        assert run(["prove", folder, f"--{kind}", name, "-o", proof, "--force"]) == 0
        assert Path(proof).read_bytes() == made[kind]
        assert run(["verify", proof]) == 0
    capsys.readouterr()
    assert run(["prove", folder, "--absent", str(root / "unseen"), "-o", proof, "--force"]) == 0
    told = capsys.readouterr().out
    assert Path(proof).read_bytes() == made["absent"]
    assert "exact bytes only" in told
    assert "b/broken" in told
    (tmp_path / "file").write_bytes(b"z")
    assert run(["prove", folder, "--absent", str(tmp_path / "file"), "-o", str(tmp_path / "none")]) == 1
    assert "b/z.jsonl" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
    for wrong in (
        [],
        ["--path", "a", "--source", "b"],
        ["--record", "a"],
        ["--record", "a#b", "--data", "."],
        ["--record", "a#1"],
    ):
        assert run(["prove", folder, *wrong, "-o", proof, "--force"]) == 2


def test_nothing_is_handed_out_that_would_not_convince(proven, tmp_path, capsys):
    """A co-signature that somebody put there is false: the ledger does not verify, and no proof from it would."""
    folder, other = proven[0] / "ledger", ec.generate_private_key(ec.SECP256R1())
    sealed = envelope.seal_payload(
        envelope.read_envelope((folder / "entries" / "00000002.dsse.json").read_bytes()).payload, other
    )
    at_ = folder / "entries" / "00000002.co"
    at_.mkdir()
    (at_ / "signer-2.dsse.json").write_bytes(sealed)
    assert run(["prove", str(folder), "--path", "b/ü.jsonl", "-o", str(tmp_path / "proof")]) == 4
    assert "nothing can be proven from" in capsys.readouterr().err
    assert not (tmp_path / "proof").exists()


def test_the_specification_has_the_words():
    """Others write proofs that are compared with ours, word by word."""
    text = " ".join((SCRIPT.parents[1] / "SPECIFICATION.md").read_text("utf-8").split())
    said = [*proof_members.NEVER_PROVEN, *(each for limits in proof_format._LIMITS.values() for each in limits)]
    assert [each for each in said if f"`{each}`" not in text] == []
