"""Entries that revoke a key: what it signed before stands, what it signs afterwards does not."""

from datetime import UTC, datetime

import pytest

from provenance import ledger
from provenance.errors import ConfigError
from provenance.ledger.keys.signing_keys import fingerprint, public_pem
from provenance.ledger.log import append, key_entries, key_history
from provenance.ledger.verification import key_steps

from .conftest import HEIR, SCANNER, STRANGER


def step(found, name):
    return next(each for each in found.steps if each.name == name)


def test_a_revoked_key_without_a_time(rotated):
    old = ledger.user_keys()
    entry = key_entries.revoke(rotated, old.fingerprint, "the laptop is gone", SCANNER, keys=HEIR)
    found = ledger.verify(rotated)
    assert found.exit_code == 0
    told = step(found, "revocation")
    assert told.status == "not checked"
    assert f"entry {entry.index} revokes {old.fingerprint} (the laptop is gone); when is claimed" in told.detail
    with pytest.raises(ConfigError, match="revoked"):
        key_entries.revoke(rotated, old.fingerprint, "again", SCANNER, keys=HEIR)


def test_what_a_revoked_key_signed_since_is_not_accepted(rotated):
    since = datetime(2025, 6, 1, tzinfo=UTC)
    key_entries.revoke(rotated, ledger.user_keys().fingerprint, "stolen", SCANNER, keys=HEIR, since=since)
    found = ledger.verify(rotated)
    assert found.exit_code == 3
    assert "entries 0, 1, 2" in step(found, "revocation").detail


@pytest.mark.parametrize(
    ("proven", "status", "doubted"),
    [
        ({}, "failed", "0, 1, 2"),
        ({2: datetime(2025, 5, 1, tzinfo=UTC)}, "failed", "2"),
        ({2: datetime(2025, 7, 1, tzinfo=UTC), 1: datetime(2025, 5, 1, tzinfo=UTC)}, "failed", "1, 2"),
        ({3: datetime(2025, 5, 1, tzinfo=UTC)}, "not checked", None),
        ({3: datetime(2025, 5, 1, tzinfo=UTC), 4: datetime(2025, 6, 2, tzinfo=UTC)}, "ok", None),
    ],
)
def test_timestamps_save_what_is_older(proven, status, doubted):
    held = key_history.Succession({"statement": "old"})
    held.revoked["old"] = key_history.Revocation(3, datetime(2025, 6, 1, tzinfo=UTC), "stolen")
    [found] = key_steps.revocations(held, {"old": [0, 1, 2]}, proven)
    assert found.status == status
    assert (doubted is None) == ("entries" not in found.detail)
    if doubted is not None:
        assert found.detail.endswith(f"entries {doubted}")


def test_a_key_that_was_revoked_signs_nothing_more(rotated, tmp_path):
    """Nobody's code revokes the key that holds a ledger; another's could, and then sign on."""
    facts = {"kind": "key", "scanner": SCANNER, "declaredOn": "2025-01-01T00:00:00Z", "action": "revoke", "reason": "x"}
    document = public_pem(HEIR.statement.public_key())
    append.attach(rotated, "key", document, facts | {"key": {"fingerprint": HEIR.fingerprint}}, keys=HEIR)
    assert ledger.verify(rotated).exit_code == 0
    with pytest.raises(ConfigError, match="revoked"):
        key_entries.add_key(rotated, STRANGER.log.public_key(), "witness", SCANNER, keys=HEIR)
    assert ledger.verify(rotated).exit_code == 0
    assert not (rotated / ".append").exists()


def test_a_log_key_is_revoked_as_a_statement_key_is(rotated):
    since = datetime(2025, 6, 1, tzinfo=UTC)
    old = fingerprint(ledger.user_keys().log.public_key())
    key_entries.revoke(rotated, old, "stolen", SCANNER, keys=HEIR, since=since)
    found = ledger.verify(rotated)
    assert found.exit_code == 3
    assert "entries 0, 1, 2" in step(found, "revocation").detail


def test_a_log_key_that_was_revoked_signs_no_more_notes(rotated, monkeypatch):
    facts = {"kind": "key", "scanner": SCANNER, "declaredOn": "2025-01-01T00:00:00Z", "action": "revoke", "reason": "x"}
    document, key = public_pem(HEIR.log.public_key()), fingerprint(HEIR.log.public_key())
    append.attach(rotated, "key", document, facts | {"key": {"fingerprint": key}}, keys=HEIR)
    assert ledger.verify(rotated).exit_code == 0
    more = facts | {"key": {"fingerprint": STRANGER.fingerprint}}
    with pytest.raises(ConfigError, match="revoked by entry 4"):
        append.attach(rotated, "key", document, more, keys=HEIR)
    with monkeypatch.context() as patch:
        patch.setattr(key_history.Succession, "check_noter", lambda *_: None)
        append.attach(rotated, "key", document, more, keys=HEIR)
    found = ledger.verify(rotated)
    assert found.exit_code == 1
    assert "revoked by entry 4" in step(found, "checkpoints").detail


def test_which_keys_cannot_be_revoked(rotated):
    for key, said in ((HEIR.fingerprint, "hand it over first"), (fingerprint(HEIR.log.public_key()), "hand it over"), (STRANGER.fingerprint, "is no key of")):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            key_entries.revoke(rotated, key, "why", SCANNER, keys=HEIR)
