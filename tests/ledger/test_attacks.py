"""Every attack that a ledger must survive, by name: here, or in the test that the table at the end refers to."""

import ast
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from provenance import ledger
from provenance.core.digests import canonical
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import leaf_hashes
from provenance.ledger.trees import merkle
from provenance.ledger.witness import proven_times

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD, EQUIVOCATION = range(7)
MADE = datetime(2026, 11, 26, 3, tzinfo=UTC)  # the golden ledger, by this clock
TESTS = Path(__file__).parents[1]


def payload(folder, index):
    return envelope.read_envelope((folder / layout.entry_path(index)).read_bytes()).payload


def put(folder, index, data, key=None):
    """The owner, or who holds another key, signs other bytes in the place of an entry."""
    sealed = envelope.seal_payload(data, key or ledger.user_keys().statement)
    (folder / layout.entry_path(index)).write_bytes(sealed)


def note(folder, count):
    """The owner signs the checkpoint over so many entries, as they are now."""
    ours = [merkle.hash_leaf(envelope.encode_pae(payload(folder, index))) for index in range(count)]
    origin = (folder / layout.ORIGIN).read_text().strip()
    made = checkpoint.sign_head(origin, count, merkle.hash_root(ours), ledger.user_keys().log).note
    (folder / layout.note_path(count)).write_bytes(made)
    (folder / leaf_hashes.PATH).write_bytes(b"".join(ours))


def rewrite(folder, change):
    """The owner changes entry 0 and signs all that follows anew: what comes out contradicts nothing in itself."""
    value = json.loads(payload(folder, 0))
    change(value)
    put(folder, 0, statement.canonical(value))
    note(folder, 1)
    root = checkpoint.read_checkpoint((folder / layout.note_path(1)).read_bytes()).root.hex()
    value = json.loads(payload(folder, 1))
    value["predicate"]["log"]["prev"]["rootHash"] = root
    put(folder, 1, statement.canonical(value))
    note(folder, 2)


def edit(path, *changes):
    data = path.read_bytes()
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    path.write_bytes(data)


def drop_first(folder):
    (folder / layout.entry_path(0)).unlink()


def drop_and_count_on(folder):
    """Entry 0 is taken out, and entry 1 stands in its place, under a note that the owner signs."""
    shutil.move(folder / layout.entry_path(1), folder / layout.entry_path(0))
    (folder / layout.note_path(2)).unlink()
    note(folder, 1)


def duplicate(folder):
    shutil.copy(folder / layout.entry_path(1), folder / layout.entry_path(2))
    note(folder, 3)


def lines_of(folder, table):
    return folder / ledger.read_entry(folder, 1)["predicate"]["tables"][table]["lines"]


def remove_finding(folder):
    path = lines_of(folder, "findings")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def swap_objects(folder):
    one, two = lines_of(folder, "findings"), lines_of(folder, "coverage")
    first, second = one.read_bytes(), two.read_bytes()
    assert first != second
    one.write_bytes(second)
    two.write_bytes(first)


def point_elsewhere(folder):
    """The owner lets the table of files be another object that the entry binds, too."""
    value = json.loads(payload(folder, 1))
    tables = value["predicate"]["tables"]
    tables["files"]["lines"] = tables["coverage"]["lines"]
    put(folder, 1, statement.canonical(value))
    note(folder, 2)


def up(folder):
    value = json.loads(payload(folder, 1))
    value["predicate"]["tables"]["files"]["lines"] = "objects/../../outside"
    put(folder, 1, statement.canonical(value))
    note(folder, 2)


def twice_in_payload(name):
    def harm(folder):
        put(folder, 1, payload(folder, 1).replace(b'{"_type":', b'{"%s":"x","_type":' % name, 1))
        note(folder, 2)

    return harm


def keyid(text):
    def harm(folder):
        path = folder / layout.entry_path(1)
        value = json.loads(path.read_bytes())
        value["signatures"][0]["keyid"] = text
        path.write_bytes(canonical(value))

    return harm


def foreign(folder):
    """Somebody signs an entry with a key of his own and puts it into keys/ under a name of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    put(folder, 1, payload(folder, 1), key)
    (folder / "keys" / "statement-2.pub.pem").write_bytes(signing_keys.public_pem(key.public_key()))


def replaced(folder):
    """The same, in the place of the key that the ledger has."""
    key = ec.generate_private_key(ec.SECP256R1())
    for index in (0, 1):
        put(folder, index, payload(folder, index), key)
    (folder / layout.STATEMENT_KEY).write_bytes(signing_keys.public_pem(key.public_key()))


def other_leaf(folder):
    path = folder / leaf_hashes.PATH
    data = path.read_bytes()
    path.write_bytes(data[32:] + data[:32])


def linked_object(folder):
    path = lines_of(folder, "files")
    shutil.move(path, folder.parent / "outside")
    path.symlink_to(folder.parent / "outside")


def linked_folder(folder):
    shutil.move(folder / "objects", folder.parent / "outside")
    (folder / "objects").symlink_to(folder.parent / "outside")


# name: (what is done to a ledger of two scans, the step that fails)
ATTACKS = {
    "the first entry is dropped": (drop_first, "log"),
    "an entry is dropped and the rest moves up": (drop_and_count_on, "log"),
    "an entry is duplicated": (duplicate, "log"),
    "a finding is removed from the lines": (remove_finding, "objects"),
    "two objects are swapped": (swap_objects, "objects"),
    "a table is said to be another object": (point_elsewhere, "trees"),
    "a key twice in an envelope": (lambda f: edit(f / layout.entry_path(1), (b'{"payload":', b'{"payload":"e30=","payload":')), "signatures"),
    "a key in another case in an envelope": (lambda f: edit(f / layout.entry_path(1), (b'{"payload":', b'{"Payload":"e30=","payload":')), "signatures"),
    "a key twice in a payload": (twice_in_payload(b"_type"), "signatures"),
    "a key in another case in a payload": (twice_in_payload(b"_TYPE"), "signatures"),
    "a blank keyid": (keyid(""), "signatures"),
    "a foreign keyid": (keyid("SHA256:" + "A" * 43), "signatures"),
    "the log's keyid": (keyid("log"), "signatures"),
    "a foreign key beside the ledger's": (foreign, "signatures"),
    "a foreign key in place of the ledger's": (replaced, "objects"),
    "leaf hashes in another order": (other_leaf, "leaves"),
    "a checkpoint of another size": (lambda f: shutil.copy(f / layout.note_path(1), f / layout.note_path(2)), "checkpoints"),
    "a bound file behind a link": (linked_object, "folder"),
    "a folder behind a link": (linked_folder, "folder"),
    "a way up in a statement": (up, "signatures"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(world, name):
    harm, step = ATTACKS[name]
    harm(world / "ledger")
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID, found.lines()
    assert step in {each.name for each in found.steps if each.status == "failed"}, found.lines()


REWRITTEN = {
    "what a scan counted": lambda value: value["predicate"].update(counts={"error": 0}),
    "when it was": lambda value: value["predicate"].update(finishedOn="2025-01-01T00:00:02Z"),
    "what it is for": lambda value: value["predicate"].update(purpose="research"),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_a_history_that_is_rewritten_contradicts_a_note_that_was_held(world, tmp_path, name):
    """The owner signs all of it anew. To who holds nothing it is a sound ledger; to who holds a note, it is evidence."""
    folder = world / "ledger"
    shutil.copytree(folder, world / "before", symlinks=True)
    rewrite(folder, REWRITTEN[name])
    assert ledger.verify(folder, strict=True).exit_code == OK
    for size in (1, 2):
        found = ledger.verify(folder, since=world / "before" / layout.note_path(size), evidence=tmp_path)
        assert found.exit_code == EQUIVOCATION
        assert json.loads(found.evidence.read_bytes())["held"].encode() == (world / "before" / layout.note_path(size)).read_bytes()  # fmt: skip


def test_a_table_of_findings_made_again_contradicts_a_note_that_was_held(world, sealed, tmp_path):
    """The owner makes the last scan's tables again without the finding, trees and all, and signs them."""
    folder, held = world / "ledger", tmp_path / "held.note"
    shutil.copy(folder / layout.note_path(2), held)
    (folder / layout.entry_path(1)).unlink()
    (folder / layout.note_path(2)).unlink()
    shutil.rmtree(folder / layout.scan_path(1))
    sealed["findings"] = sealed["findings"].slice(0, 0)
    ledger.append(folder, sealed, {}, sealed.facts(counts={"error": 0}), keys=ledger.user_keys())
    assert ledger.verify(folder).exit_code == OK
    found = ledger.verify(folder, since=held, evidence=tmp_path)
    assert (found.exit_code, found.evidence.parent) == (EQUIVOCATION, tmp_path)


def test_a_key_that_is_planted_is_bound_by_nothing_and_trusted_by_nobody(world, tmp_path, monkeypatch):
    planted = ec.generate_private_key(ec.SECP256R1()).public_key()
    (world / "ledger" / "keys" / "waiver.pub.pem").write_bytes(signing_keys.public_pem(planted))
    found = ledger.verify(world / "ledger")
    assert (found.exit_code, found.unbound) == (OK, ("keys/waiver.pub.pem",))
    assert signing_keys.fingerprint(planted) not in {each.fingerprint for each in found.signers}
    pins = [{"fingerprint": signing_keys.fingerprint(planted), "roles": ["statement", "log"]}]
    (tmp_path / "trust.yaml").write_text(yaml.safe_dump({"keys": pins}))
    assert ledger.verify(world / "ledger", trust=tmp_path / "trust.yaml").exit_code == UNPINNED


def copied(name, other):
    return lambda root: shutil.copy(root / "ledger" / name, root / "ledger" / other)


def moved_cosignature(root):
    """The approval of waiver 1 stands beside entry 4."""
    shutil.copytree(root / "ledger/entries/00000001.co", root / "ledger/entries/00000004.co")


# name: (what is done to the golden ledger, whose owner's keys nobody has, and the step that fails)
PASTED = {
    "a witness's line of another note": (copied("checkpoints/10.cosigs", "checkpoints/13.cosigs"), "witnesses"),
    "a timestamp of another note": (copied("checkpoints/10.tsr", "checkpoints/13.tsr"), "timestamps"),
    "an approval of another entry": (moved_cosignature, "co-signatures"),
    "a co-signature of another algorithm": (copied("entries/00000006.co/mldsa65.dsse.json", "entries/00000006.co/sm2.dsse.json"), "co-signatures"),
    "the old key's note in place of both": (copied("checkpoints/11.note", "checkpoints/12.note"), "checkpoints"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASTED)
def test_what_is_pasted_from_elsewhere_is_refused(golden, name):
    harm, step = PASTED[name]
    harm(golden)
    found = ledger.verify(golden / "ledger", trust=golden / "trust.yaml")
    assert found.exit_code == INVALID, found.lines()
    assert step in {each.name for each in found.steps if each.status == "failed"}, found.lines()


def test_a_ledger_that_is_shown_without_its_end(golden, monkeypatch):
    """Cut where it was cosigned and timestamped, all verifies: a held note tells, and what a witness saw grows old."""
    folder = golden / "ledger"
    shutil.copy(folder / "checkpoints" / "13.note", golden / "held.note")
    for size in (11, 12, 13):
        for path in [*folder.glob(f"checkpoints/{size}.*"), *folder.glob(f"entries/{size - 1:08d}.*")]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / leaf_hashes.PATH).write_bytes((folder / leaf_hashes.PATH).read_bytes()[: 10 * 32])
    assert ledger.verify(folder, trust=golden / "trust.yaml").exit_code == OK  # as it stood when 10 were cosigned
    found = ledger.verify(folder, trust=golden / "trust.yaml", since=golden / "held.note")
    assert found.exit_code == INVALID
    asked = yaml.safe_load((golden / "trust.yaml").read_text())
    asked["witnesses"]["withinDays"] = 30
    (golden / "trust.yaml").write_text(yaml.safe_dump(asked))
    for days, code in ((29, OK), (31, UNPINNED)):
        monkeypatch.setattr(proven_times, "_now", (MADE + timedelta(days=days)).replace)
        assert ledger.verify(folder, trust=golden / "trust.yaml").exit_code == code


PIECES = ["path.proof", "record.proof", "absent.proof", "answer"]
CHANGED = {
    "a key twice": lambda data: data.replace(b'{"_type":', b'{"_type":"x","_type":', 1),
    "a key in another case": lambda data: data.replace(b'{"_type":', b'{"_TYPE":"x","_type":', 1),
    "a key in another case within": lambda data: data.replace(b'"line":"', b'"Line":"","line":"', 1),
    "another form": lambda data: data + b"\n",
    "a way up for a table": lambda data: data.replace(b'"table":"files"', b'"table":"../files"', 1),
}


OF_LINES = {"a key in another case within", "a way up for a table"}  # that of an absence shows none


@pytest.mark.parametrize(
    ("piece", "name"),
    [(piece, name) for piece in PIECES for name in CHANGED if piece != "absent.proof" or name not in OF_LINES],
)
def test_a_piece_has_one_form(golden, piece, name):
    path = golden / f"{piece}.json"
    data = path.read_bytes()
    assert ledger.verify(path, trust=golden / "pieces.yaml").exit_code == OK
    path.write_bytes(CHANGED[name](data))
    assert path.read_bytes() != data
    assert ledger.verify(path, trust=golden / "pieces.yaml").exit_code == INVALID


# name: the test of another file that carries the attack out
ELSEWHERE = {
    "entries are swapped": "ledger/verification/test_verify.py::test_entries_swapped",
    "an owner changes an entry": "ledger/verification/test_verify.py::test_entry_changed_by_its_owner",
    "the owner shows two views": "ledger/verification/test_verify_trust.py::test_two_views_are_equivocation_with_evidence",
    "the last entries are dropped": "ledger/verification/test_verify.py::test_cut_tail_is_named_and_fails_against_a_held_note",
    "all is signed anew with planted keys": "ledger/verification/test_verify_trust.py::test_key_planted_in_the_ledger_is_not_trusted",
    "a key comes with a proof": "ledger/proofs/test_proof_format.py::test_keys_that_come_with_a_proof_are_never_trusted",
    "a stale checkpoint": "ledger/witness/test_proven_times.py::test_a_stale_checkpoint_is_found_out",
    "the clock is moved": "ledger/witness/test_proven_times.py::test_a_clock_that_was_moved_is_found_out",
    "links": "ledger/verification/test_verify.py::test_links_are_refused",
    "a pipe": "ledger/verification/test_verify.py::test_pipe_is_refused_and_not_opened",
    "a sample is drawn until it passes": "attestations/test_draw_and_review.py::test_a_sample_that_is_drawn_until_it_passes_is_seen",
    "a co-signature of another entry": "ledger/log/test_entry_cosignatures.py::test_what_is_no_signature_over_its_entry_is_refused",
    "the operator approves a waiver": "attestations/test_waiver.py::test_the_operator_is_no_approver_even_if_pinned_so",
    "a table's lies are signed": "ledger/log/test_table_trees.py::test_a_signed_lie_is_found",
    "leaf hashes are changed": "ledger/log/test_table_trees.py::test_leaf_hashes_that_were_changed_are_a_fault",
    "a redacted table is changed": "ledger/proofs/test_redaction.py::test_what_is_shown_cannot_be_changed",
    "a proof is changed": "ledger/proofs/test_check_proof.py::test_a_tampered_proof_shows_nothing",
    "an answer is changed": "ledger/proofs/test_challenges.py::test_a_false_answer_is_found_out",
    "every byte, every cut": "ledger/test_flips.py::test_every_flipped_byte_fails",
    "any bytes whatever": "ledger/test_fuzz.py::test_any_file_of_a_ledger_is_answered",
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_attack_is_carried_out_elsewhere(name):
    file, _, function = ELSEWHERE[name].partition("::")
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    assert function in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
