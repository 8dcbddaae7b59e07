"""Verification: each exit code, each kind of harm, and that no bytes raise."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance import ledger
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import trusted_keys as trust_module

OK, INVALID, USAGE, UNPINNED, DATA_DIFFERS, WITHHELD, EQUIVOCATION = range(7)
SMALL = 400  # bytes: notes, origin, public keys, most tables as lines, documents


def statuses(found):
    return {step.name: step.status for step in found.steps}


def regular(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.parent.is_symlink())


def test_own_ledger_is_zero_and_says_whose(world):
    found = ledger.verify(world / "ledger")
    assert found.exit_code == OK
    assert found.entries == 2
    assert {signer.whose for signer in found.signers} == {trust_module.OWN_KEY}
    text = "\n".join(found.lines())
    assert "your own local key SHA256:" in text
    assert "A self-made key identifies nobody" in text
    assert "could have rewritten the history" in text


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (["checkpoints/1.note", "checkpoints/2.note"], "checkpoints/1.note is missing"),
        (["checkpoints"], "checkpoints/1.note is missing"),
        (["origin"], "origin is missing"),
        (["origin", "checkpoints"], "origin is missing"),
        (["origin", "entries"], "is not a ledger"),
    ],
)
@pytest.mark.parametrize("entry", [None, 0])
def test_a_ledger_without_its_head_is_no_less_a_ledger(world, gone, said, entry):
    for name in gone:
        path = world / "ledger" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = ledger.verify(world / "ledger", entry=entry)
    assert found.exit_code == (INVALID if "missing" in said else USAGE)
    assert said in found.steps[-1].detail


def test_one_of_anything_is_told_as_one(world, sealed):
    shutil.rmtree(world / "ledger")
    ledger.append(world / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    told = {step.name: step.detail for step in ledger.verify(world / "ledger").steps}
    assert told["signatures"].startswith("1 of 1 entry is signed as it says (")
    assert told["statements"].startswith("1 of 1 entry holds to ")
    assert re.fullmatch(r"1 entry of \S+; root [0-9a-f]{64}", told["log"])
    assert told["checkpoints"] == "1 of 1 is signed (Ed25519) and matches the entries"
    assert told["leaves"] == "1 leaf hash is kept as it is"


def test_json_names_what_was_not_checked(world):
    found = ledger.verify(world / "ledger").as_json()
    assert set(found["not_checked"]) == {"earlier checkpoint", "witnesses", "timestamps", "data"}
    assert found["exit_code"] == 0
    assert json.loads(json.dumps(found)) == found


def test_every_flipped_byte_fails(world):
    """Every thirteenth position of small files, four of each larger one and its end; test_flips takes the golden ledger."""
    folder = world / "ledger"
    for path in regular(folder):
        data = path.read_bytes()
        step = 13 if len(data) <= SMALL else len(data) // 4  # every position: .ci/full, below
        for at in {*range(0, len(data), step), *range(max(len(data) - 4, 0), len(data))}:
            # Bit 5 turns capitals into small letters, line ends into stars; bit 0 a digit of base64 or hex into another.
            path.write_bytes(data[:at] + bytes([data[at] ^ (0x20 if at % 2 else 0x01)]) + data[at + 1 :])
            assert ledger.verify(folder).exit_code == INVALID, (path, at)
        path.write_bytes(data)
    assert ledger.verify(folder).exit_code == OK


@pytest.mark.full
def test_every_truncation_and_addition_fails(world):
    folder = world / "ledger"
    for path in regular(folder):
        data = path.read_bytes()
        every = path.suffix == ".note" or path.name == "origin"
        cuts = range(0, len(data), 11) if every else {0, len(data) // 2, len(data) - 1} & set(range(len(data)))
        for other in (*(data[:cut] for cut in cuts), data + b"\n", data + b"\0", b" " + data, b"\xef\xbb\xbf" + data):
            path.write_bytes(other)
            assert ledger.verify(folder).exit_code == INVALID, (path, len(other))
        path.write_bytes(data)


@pytest.mark.full
def test_every_flipped_byte_of_every_file_fails(world):
    """All positions but those of Parquet, whose bytes are bound by a digest as a whole."""
    folder = world / "ledger"
    for path in (path for path in regular(folder) if path.suffix != ".parquet"):
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
            assert ledger.verify(folder).exit_code == INVALID, (path, at)
        path.write_bytes(data)


def test_every_missing_file_is_told(world):
    folder = world / "ledger"
    for path in regular(folder):
        data = path.read_bytes()
        path.unlink()
        found = ledger.verify(folder)
        name = path.relative_to(folder).as_posix()
        if name == "checkpoints/2.note":
            # The tail can be cut unseen, unless somebody holds a note; but the link to it and its files stay.
            assert found.exit_code == INVALID
        elif name == "checkpoints/leaves":
            # It can be made again, and says nothing of its own.
            assert (found.exit_code, "leaves" in found.as_json()["not_checked"]) == (OK, True)
        elif name.startswith(("entries/", "checkpoints/")) or name == "origin":
            assert found.exit_code == INVALID
        else:
            assert found.exit_code == WITHHELD
            assert found.withheld == (name,)
        path.write_bytes(data)


def test_cut_tail_is_named_and_fails_against_a_held_note(world):
    folder = world / "ledger"
    held = world / "held.note"
    shutil.copy(folder / "checkpoints" / "2.note", held)
    (folder / "checkpoints" / "2.note").unlink()
    (folder / "scans" / "latest").unlink()
    found = ledger.verify(folder)
    assert found.exit_code == OK
    assert "entries/00000001.dsse.json" in found.unbound
    assert ledger.verify(folder, strict=True).exit_code == INVALID
    assert ledger.verify(folder, since=held).exit_code == INVALID


def test_unbound_file_is_named(world):
    (world / "ledger" / "scans" / "00000001" / "extra.html").write_bytes(b"")
    deep = world / "ledger" / "a" / "b" / "c" / "d" / "e" / "f"
    deep.mkdir(parents=True)
    (deep / "g").write_bytes(b"")
    found = ledger.verify(world / "ledger")
    assert found.exit_code == OK
    assert found.unbound == ("a/b/c/d/e/", "scans/00000001/extra.html")
    assert any("warning: no entry binds: scans/00000001/extra.html" in line for line in found.lines())
    assert ledger.verify(world / "ledger", strict=True).exit_code == INVALID


@pytest.mark.parametrize("name", ["link", "entries/link", "scans/00000000/link", "objects/link"])
@pytest.mark.parametrize("target", ["origin", "/etc/hostname", "nowhere", "."])
def test_links_are_refused(world, name, target):
    (world / "ledger" / name).symlink_to(target)
    assert ledger.verify(world / "ledger").exit_code == INVALID


def test_bound_file_behind_a_link_is_refused(world):
    path = world / "ledger" / "scans" / "00000000" / "report.html"
    shutil.move(path, world / "elsewhere")
    path.symlink_to(world / "elsewhere")
    assert ledger.verify(world / "ledger").exit_code == INVALID


def test_pipe_is_refused_and_not_opened(world):
    path = world / "ledger" / "checkpoints" / "2.note"
    path.unlink()
    os.mkfifo(path)
    assert ledger.verify(world / "ledger").exit_code == INVALID


@pytest.mark.parametrize(
    ("target", "code"),
    [("00000000", OK), ("00000001", OK), ("00000002", INVALID), ("../..", INVALID), ("/etc", INVALID), ("0", INVALID)],
)
def test_latest_must_lead_to_a_finished_scan(world, target, code):
    latest = world / "ledger" / "scans" / "latest"
    latest.unlink()
    latest.symlink_to(target)
    assert ledger.verify(world / "ledger").exit_code == code


@pytest.mark.parametrize("ask", [{"trust": Path("no")}, {"since": Path("no")}, {"data": Path("no")}])
def test_missing_argument_is_usage(world, ask):
    assert ledger.verify(world / "ledger", **ask).exit_code == USAGE


@pytest.mark.parametrize("name", ["no", "file", "empty", "data"])
def test_what_is_not_a_ledger_is_usage(world, name):
    (world / "file").write_bytes(b"a proof, perhaps")
    (world / "empty").mkdir()
    found = ledger.verify(world / name)
    assert found.exit_code == USAGE
    assert len([step for step in found.steps if step.status == "failed"]) == 1


# Attacks by whoever holds no key, or by the owner


def reseal(world, index, change):
    """Sign a changed statement with the owner's own key, and leave the rest as it is."""
    path = world / "ledger" / layout.entry_path(index)
    value = json.loads(envelope.read_envelope(path.read_bytes()).payload)
    change(value)
    path.write_bytes(envelope.seal_payload(statement.canonical(value), ledger.user_keys().statement))


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda value: value["predicate"].update(kind="assessment"), "checkpoints"),
        (lambda value: value.update(predicateType="https://example.org/other/v0"), "signatures"),
        (lambda value: value["predicate"].update(Kind="draft"), "signatures"),
        (lambda value: value["predicate"].pop("log"), "signatures"),
        (lambda value: value["predicate"]["log"].update(index=5), "signatures"),
        (lambda value: value["predicate"]["log"]["prev"].update(rootHash="0" * 64), "log"),
        (lambda value: value["predicate"]["log"].update(origin="other.example/log"), "log"),
        (lambda value: value["predicate"]["folder"][0].update(path="../../etc/passwd"), "signatures"),
        (lambda value: value["predicate"]["folder"].reverse(), "signatures"),
        (lambda value: value["subject"].append(value["subject"][0]), "signatures"),
        (lambda value: value.update(extra=1), "signatures"),
    ],
)
def test_entry_changed_by_its_owner(world, change, step):
    reseal(world, 1, change)
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID
    assert statuses(found)[step] == "failed"


def test_entries_swapped(world):
    first, second = (world / "ledger" / layout.entry_path(index) for index in (0, 1))
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert ledger.verify(world / "ledger").exit_code == INVALID


def test_checkpoint_for_entries_that_are_not_there(world):
    pair = ledger.user_keys()
    origin = (world / "ledger" / "origin").read_text().strip()
    note = checkpoint.sign_head(origin, 999_999_999, bytes(32), pair.log).note
    (world / "ledger" / "checkpoints" / "999999999.note").write_bytes(note)
    assert ledger.verify(world / "ledger").exit_code == INVALID


# Data


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        (lambda _: None, ((), (), ())),
        (lambda data: (data / "new").write_bytes(b""), (("new",), (), ())),
        (lambda data: (data / "a.jsonl").unlink(), ((), ("a.jsonl",), ())),
        (lambda data: (data / "a.jsonl").write_bytes(b"{}"), ((), (), ("a.jsonl",))),
        (lambda data: (data / "a.jsonl").rename(data / "b.jsonl"), (("b.jsonl",), ("a.jsonl",), ())),
        (lambda data: (data / "link").symlink_to("/etc"), (("link",), (), ())),
        (lambda data: (data / os.fsdecode(b"x\xff")).write_bytes(b""), (("x\\xff",), (), ())),
    ],
)
def test_data_is_compared(world, harm, expected):
    harm(world / "data")
    found = ledger.verify(world / "ledger", data=world / "data")
    assert (found.changes.added, found.changes.removed, found.changes.changed) == expected
    assert found.exit_code == (DATA_DIFFERS if any(expected) else OK)
    assert json.loads(json.dumps(found.as_json()))["data"]["added"] == list(expected[0])


def test_rows_of_every_kind_are_compared(world, sealed, file_row, tmp_path):
    """Members of archives, folders that are ignored as one, files that were not read, a ledger inside the data."""
    from provenance.core.digests import sha256
    from provenance.core.schemas import FILES, rows

    data = tmp_path / "data"
    (data / ".git" / "objects").mkdir(parents=True)
    (data / ".git" / "objects" / "x").write_bytes(b"x")
    (data / "a.zip").write_bytes(b"zip")
    (data / "locked").write_bytes(b"")
    listed = [
        file_row("../../outside", sha256(b"")),
        file_row(".git/", None, role="ignored", bytes=1),
        file_row("a.zip", sha256(b"zip")),
        file_row("a.zip!/member", sha256(b"member")),
        file_row("locked", None, role="unreadable"),
    ]
    ledger.append(data / "ledger", sealed | {"files": rows(listed, FILES)}, {}, sealed.facts(), keys=ledger.user_keys())
    found = ledger.verify(data / "ledger", data=data)
    assert (found.changes.added, found.changes.removed, found.changes.changed) == ((), ("../../outside",), ())
    assert "1 file could not be compared" in found.steps[-1].detail


def test_withheld_table_leaves_data_unchecked(world):
    said = ledger.read_entry(world / "ledger")["predicate"]["tables"]["files"]["lines"]
    (world / "ledger" / said).unlink()
    found = ledger.verify(world / "ledger", data=world / "data")
    assert found.exit_code == WITHHELD
    assert statuses(found)["data"] == "not checked"


# Totality

NAMES = ["origin", "entries/00000000.dsse.json", "checkpoints/1.note", "checkpoints/2.note", "keys/log.pub.pem"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), data=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_no_bytes_raise(world, name, data):
    path = world / "ledger" / name
    kept = path.read_bytes()
    path.write_bytes(data)
    found = ledger.verify(world / "ledger", data=world / "data")
    path.write_bytes(kept)
    assert found.exit_code == INVALID
    assert all(isinstance(line, str) for line in found.lines())
    json.dumps(found.as_json())


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b"1" * 100_000,
        b'{"payload":' + b"9" * 5000 + b"}",
        b'{"payload":1e999}',
        b"NaN",
    ],
)
def test_bombs_are_invalid(world, bomb):
    (world / "ledger" / "entries" / "00000000.dsse.json").write_bytes(bomb)
    assert ledger.verify(world / "ledger").exit_code == INVALID


def test_half_surrogates_can_be_printed(world):
    path = world / "ledger" / layout.entry_path(1)
    payload = envelope.read_envelope(path.read_bytes()).payload.replace(b'"tables":{', b'"tables":{"\\ud800":1,')
    path.write_bytes(envelope.seal_payload(payload, ledger.user_keys().statement))
    (world / "ledger" / os.fsdecode(b"link\xff")).symlink_to("x")
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID
    assert statuses(found)["signatures"] == "failed"
    json.dumps(found.as_json(), ensure_ascii=False).encode("utf-8")


def test_names_cannot_steer_a_terminal(world):
    (world / "ledger" / "\x1b[2J\n\u202e").write_bytes(b"")
    (world / "ledger" / os.fsdecode(b"\xff")).write_bytes(b"")
    found = ledger.verify(world / "ledger")
    assert len(found.unbound) == 2
    for line in found.lines():
        assert line.isprintable()
        line.encode("utf-8")
    json.dumps(found.as_json()).encode("utf-8")


def test_unreadable_file_is_told(world, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(layout, "read_bytes", refuse)
    assert ledger.verify(world / "ledger").exit_code == USAGE


@pytest.mark.parametrize("name", ["keys", "scans", "objects", "origin", "entries/00000000.dsse.json"])
def test_what_of_a_ledger_cannot_be_read_is_named(world, close, name):
    close(world / "ledger" / name)
    found = ledger.verify(world / "ledger")
    assert found.exit_code == USAGE
    told = [step.detail for step in found.steps if step.status == "failed"]
    assert any(name in each and "Permission denied" in each for each in told), told
