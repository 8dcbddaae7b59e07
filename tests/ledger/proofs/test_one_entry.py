"""One entry of many: verified without the others, and what it rests on."""

import pytest

from provenance import ledger
from provenance.ledger.verification.results import EQUIVOCATION, INVALID, OK, USAGE


def test_one_entry_of_many_is_verified_without_the_others(proven):
    root, _ = proven
    folder = root / "ledger"
    for name in ("entries/00000000.dsse.json", "checkpoints/1.note", "checkpoints/2.note"):
        (folder / name).write_bytes(b"gone")
    for path in (folder / "scans" / "00000001").iterdir():
        path.write_bytes(b"gone")
    found = ledger.verify(folder, entry=2)
    assert found.exit_code == OK, found.lines()
    assert "other entries" in found.as_json()["not_checked"]
    assert ledger.verify(folder, entry=1).exit_code == INVALID
    assert ledger.verify(folder, entry=0).exit_code == INVALID
    assert ledger.verify(folder, entry=3).exit_code == USAGE
    assert ledger.verify(folder).exit_code == INVALID


def test_one_entry_stands_on_a_note_that_was_held(proven, tmp_path):
    from provenance.ledger.format import checkpoint

    folder = proven[0] / "ledger"
    held = folder / "checkpoints" / "1.note"
    found = ledger.verify(folder, entry=2, since=held)
    assert (found.exit_code, "earlier checkpoint" in found.as_json()["not_checked"]) == (OK, False)
    note = checkpoint.read_checkpoint(held.read_bytes())
    (tmp_path / "held.note").write_bytes(checkpoint.sign_head(note.origin, 1, bytes(32), ledger.user_keys().log).note)
    found = ledger.verify(folder, entry=2, since=tmp_path / "held.note", evidence=tmp_path)
    assert found.exit_code == EQUIVOCATION
    assert found.evidence.exists()


@pytest.mark.parametrize("name", ["entries/00000002.dsse.json", "checkpoints/3.note", "checkpoints/leaves"])
def test_what_one_entry_rests_on_is_checked(proven, name):
    path = proven[0] / "ledger" / name
    good = path.read_bytes()
    for at_ in range(0, len(good), 1 + len(good) // 60):
        path.write_bytes(good[:at_] + bytes([good[at_] ^ 1]) + good[at_ + 1 :])
        assert ledger.verify(proven[0] / "ledger", entry=2).exit_code == INVALID
    path.unlink()
    assert ledger.verify(proven[0] / "ledger", entry=2).exit_code in (INVALID, USAGE)
