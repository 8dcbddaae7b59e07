"""Renewal: what was listed and stamped in time goes on counting; what was changed since is found."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from provenance import ledger
from provenance.core.digests import canonical, sha256
from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.format import statement, witness_cosignature
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import append
from provenance.ledger.witness import checkpoint_evidence, proven_times, renewal, timestamp_client
from tests.conftest import SCANNER

OK, INVALID, USAGE, UNPINNED, _, WITHHELD = range(6)
NOW = datetime.now(UTC).replace(microsecond=0)
OLD, NEW = "checkpoints/2.tsr", "checkpoints/3.tsr"


@pytest.fixture(scope="module")
def tsa(make_authority):
    return make_authority(name="first")


@pytest.fixture(scope="module")
def lasting(make_authority):
    return make_authority(name="lasting", days=3000)


@pytest.fixture
def folder(world):
    return world / "ledger"


@pytest.fixture
def trusted(folder, tmp_path, tsa, lasting):
    """Pins the ledger's keys and both authorities, and asks for one timestamp."""
    pins = [
        {"pem": (folder / name).read_text(), "roles": [role]}
        for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
    ]
    asked = {"minimum": 1, "authorities": [{"pem": tsa.pem}, {"pem": lasting.pem}]}
    path = tmp_path / "trust.yaml"
    path.write_text(yaml.safe_dump({"keys": pins, "timestamps": asked}))
    return path


def stamp(folder, authority):
    query, _ = timestamp_client.request_for(folder)
    return checkpoint_evidence.add_timestamp(folder, authority.answer(query), query)[1]


def renew(folder, **more):
    return renewal.renew(folder, SCANNER, NOW, keys=signing_keys.user_keys(), **more)


def step(found, name):
    [each] = [item for item in found.steps if item.name == name]
    return each


def document(folder, entry):
    digest = entry.statement["subject"][0]["digest"]["sha256"]
    return json.loads((folder / statement.object_path(digest)).read_bytes())


def test_it_lists_what_stands_there(folder, tsa):
    stamp(folder, tsa)
    checkpoint_evidence.add_cosignatures(folder, b"\xe2\x80\x94 w AAAAAAAAAAA=\n")
    entry = renew(folder, files=True)
    listed = document(folder, entry)
    names = [item["path"] for item in listed["covers"]]
    assert names == ["checkpoints/1.note", "checkpoints/2.note", "checkpoints/2.cosigs", "checkpoints/2.tsr"]
    for item in listed["covers"]:
        assert hashlib.sha256((folder / item["path"]).read_bytes()).hexdigest() == item["sha256"]
    before = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    before = {name for name in before if not name.startswith("scans/latest/") and "checkpoints/" not in name}
    assert {item["path"] for item in listed["files"]} == before - {
        layout.entry_path(2), statement.object_path(entry.statement["subject"][0]["digest"]["sha256"])
    }  # fmt: skip
    for item in listed["files"]:
        assert hashlib.sha512((folder / item["path"]).read_bytes()).hexdigest() == item["sha512"]
    assert entry.statement["predicate"]["covers"] == {
        "checkpoints": 2, "cosignatures": 1, "timestamps": 1, "files": len(listed["files"])
    }  # fmt: skip


def test_an_expired_timestamp_counts_where_it_was_renewed(folder, trusted, tsa, lasting, monkeypatch):
    stamp(folder, tsa)
    renew(folder)
    later = NOW + timedelta(days=400)
    monkeypatch.setattr(proven_times, "_now", lambda: later)
    found = ledger.verify(folder, trust=trusted)
    assert found.exit_code == UNPINNED
    assert "checkpoints/2.tsr no longer counts" in step(found, "timestamps").detail

    assert stamp(folder, lasting) == NEW
    found = ledger.verify(folder, trust=trusted)
    assert found.exit_code == OK
    assert found.unbound == ()
    assert "2 lead to a pinned root" in step(found, "timestamps").detail
    assert "no longer counts" not in step(found, "timestamps").detail
    assert step(found, "renewals").status == "ok"
    assert step(found, "renewals").detail == "1 lists the checkpoints before it as they are, and 1 timestamp"


def test_without_a_renewal_a_newer_timestamp_does_not_save_the_older(
    folder, trusted, sealed, tsa, lasting, monkeypatch
):
    stamp(folder, tsa)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=signing_keys.user_keys())
    stamp(folder, lasting)
    monkeypatch.setattr(proven_times, "_now", lambda: NOW + timedelta(days=400))
    assert "checkpoints/2.tsr no longer counts" in step(ledger.verify(folder, trust=trusted), "timestamps").detail


@pytest.mark.parametrize("trust", [False, True])
def test_what_was_changed_since_is_a_fault_whoever_is_pinned(folder, trusted, tsa, lasting, trust):
    """Another sound timestamp in the place of the one that was listed: only the list can tell."""
    stamp(folder, tsa)
    renew(folder)
    query, _ = timestamp_client.request_for(folder, 2)
    checkpoint_evidence.add_timestamp(folder, lasting.answer(query), query)
    (folder / "checkpoints/2.2.tsr").rename(folder / OLD)
    found = ledger.verify(folder, trust=trusted if trust else None)
    assert found.exit_code == INVALID
    assert step(found, "renewals").detail == "checkpoints/2.tsr is not what entry 2 lists"


def test_what_is_missing_is_withheld(folder, tsa):
    stamp(folder, tsa)
    entry = renew(folder)
    (folder / OLD).unlink()
    found = ledger.verify(folder)
    assert found.exit_code == WITHHELD
    assert step(found, "renewals").detail == "withheld: checkpoints/2.tsr"
    (folder / statement.object_path(entry.statement["subject"][0]["digest"]["sha256"])).unlink()
    assert ledger.verify(folder).exit_code == WITHHELD


def test_lines_of_witnesses_may_be_added_after_it_but_not_changed(folder):
    checkpoint_evidence.add_cosignatures(folder, b"\xe2\x80\x94 w AAAAAAAAAAA=\n")
    renew(folder)
    checkpoint_evidence.add_cosignatures(folder, b"\xe2\x80\x94 v AAAAAAAAAAA=\n", 2)
    assert ledger.verify(folder).exit_code == OK
    path = folder / checkpoint_evidence.cosignatures_path(2)
    path.write_bytes(b"".join(line.line for line in reversed(witness_cosignature.read_cosignatures(path.read_bytes()))))
    assert ledger.verify(folder).exit_code == INVALID


def test_sha512_is_compared(folder, monkeypatch):
    """With SHA-256 broken, a file that still has its digest is found by the other one."""
    renew(folder, files=True)
    (folder / layout.RECIPE).write_bytes(b"forged\n")
    found = ledger.verify(folder)
    assert found.exit_code == INVALID
    assert "VERIFY.md is not what entry 2 lists" in step(found, "renewals").detail


def attach(folder, listed):
    """Sign a list of one's own making into a renewal."""
    facts = {
        "kind": "renewal",
        "scanner": SCANNER,
        "renewedOn": "2026-01-01T00:00:00Z",
        "covers": {"checkpoints": 0, "cosignatures": 0, "timestamps": 0, "files": 0},
    }
    append.attach(folder, "renewal", listed, facts, keys=signing_keys.user_keys())


@pytest.mark.parametrize(
    "listed",
    [
        [],
        {},
        {"kind": "provenance-renewal/v1", "covers": [], "files": [], "more": 1},
        {"covers": [{"path": "checkpoints/1.note", "bytes": 1, "sha256": "0" * 64}]},
        {"covers": [{"path": "../../etc/hostname", "bytes": 1, "sha256": "0" * 64}]},
        {"covers": [{"path": "checkpoints/9.note", "bytes": 0, "sha256": sha256(b"")}]},
        {"files": [{"path": "origin", "bytes": -1, "sha512": "0" * 128}]},
        {"files": [{"path": "origin", "bytes": 2**53, "sha512": "0" * 128}]},
    ],
    ids=str,
)
def test_lists_that_are_none(folder, listed):
    if isinstance(listed, dict) and listed:
        listed = {"kind": "provenance-renewal/v1", "covers": [], "files": []} | listed
    try:
        data = canonical(listed)
    except ValueError:  # a number that canonical JSON does not have
        data = json.dumps(listed).encode()
    attach(folder, data)
    found = ledger.verify(folder)
    assert found.exit_code == INVALID
    assert step(found, "renewals").status == "failed"


@pytest.mark.parametrize("text", [b'{"covers":[],"files":[],"kind":"provenance-renewal/v1"} ', b"\xff", b"[" * 5000])
def test_lists_in_another_form(folder, text):
    attach(folder, text)
    assert ledger.verify(folder).exit_code == INVALID


def test_a_file_is_listed_once(folder):
    """A list that names one large file a thousand times would have it digested a thousand times."""
    note = renewal._describe(folder, "checkpoints/1.note")
    data = canonical({"kind": "provenance-renewal/v1", "covers": [note, note], "files": []})
    attach(folder, data)
    assert "lists a file twice" in step(ledger.verify(folder), "renewals").detail


def test_it_says_what_it_is_too_late_for(folder, tsa):
    assert renewal.list_expired(folder, NOW) == []
    stamp(folder, tsa)
    assert renewal.list_expired(folder, NOW) == []
    assert renewal.list_expired(folder, NOW + timedelta(days=31)) == [OLD]


def test_there_must_be_a_ledger(tmp_path):
    with pytest.raises(ConfigError, match="is no ledger"):
        renew(tmp_path)
