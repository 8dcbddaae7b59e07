"""Succession of keys: who may sign what, what an entry about keys may say, and who is linked to whom."""

from datetime import UTC, datetime

import pytest

from provenance.errors import VerificationError
from provenance.ledger.log.key_history import KeyChange, Revocation, Succession, parse_time

SINCE = "2025-06-01T00:00:00Z"
OLD, NEW = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)


def rotate(*changes):
    """Each change is role, old key, new key."""
    named = [
        {"role": role, "before": before, "after": after, "path": f"keys/{after}"} for role, before, after in changes
    ]
    return {"action": "rotate", "changes": named, "folder": [{"path": each["path"]} for each in named]}


def about(action, key, bound=True, **more):
    made = {"action": action, "key": {"fingerprint": key}, "folder": [{"path": "keys/x"}] if bound else []}
    if action in ("add", "certificate"):
        made["key"] |= {"path": "keys/x", "role": "waiver"}
    return made | ({"reason": "why"} if action == "revoke" else {}) | more


def followed(*entries):
    """A ledger that s0 and l0 began, after entries about keys: number of the entry, and what it says."""
    made = Succession({"statement": "s0", "log": "l0"})
    for index, predicate in entries:
        made.follow(index, predicate)
    return made


TWICE = ((3, rotate(("statement", "s0", "s1"))), (6, rotate(("statement", "s1", "s2"), ("log", "l0", "l1"))))


@pytest.mark.parametrize(
    ("role", "index", "holder"),
    [
        ("statement", 0, "s0"), ("statement", 3, "s0"), ("statement", 4, "s1"), ("statement", 6, "s1"),
        ("statement", 7, "s2"), ("statement", 99, "s2"), ("log", 6, "l0"), ("log", 7, "l1"),
    ],
)  # fmt: skip
def test_who_holds_a_role_at_an_entry(role, index, holder):
    assert followed(*TWICE).find_holder(role, index) == holder


def test_a_change_is_told_at_its_entry_alone():
    found = followed(*TWICE)
    assert [index for index in range(9) if found.find_change("statement", index)] == [3, 6]
    assert [found.find_handover(index) for index in (3, 6, 7)] == [None, "l1", None]
    assert found.changes == [
        KeyChange("statement", "s0", "s1", 3), KeyChange("statement", "s1", "s2", 6), KeyChange("log", "l0", "l1", 6)
    ]  # fmt: skip
    assert (found.list_holders("statement"), found.list_holders("log")) == ({"s0", "s1", "s2"}, {"l0", "l1"})
    assert [found.has_held("statement", key) for key in ("s0", "s2", "l0", "x")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("entries", "index", "key", "fault"),
    [
        ((), 1, "s0", None),
        ((), 1, "s1", "but s0 holds the ledger there"),
        (TWICE, 3, "s0", None),  # the old key signs the entry that hands over
        (TWICE, 3, "s1", "but s0 holds"),
        (TWICE, 4, "s0", "but s1 holds"),
        (TWICE, 4, "s1", None),
        (((2, about("revoke", "s0")),), 2, "s0", None),  # what revokes it may be its last
        (((2, about("revoke", "s0")),), 3, "s0", "which entry 2 revoked"),
        (((2, about("add", "w")),), 3, "w", "but s0 holds"),
    ],
)
def test_who_may_sign_an_entry(entries, index, key, fault):
    found = followed(*entries)
    if fault is None:
        found.check_signer(index, key)
    else:
        with pytest.raises(VerificationError, match=fault):
            found.check_signer(index, key)


def test_whoever_signs_the_first_entry_holds_the_ledger():
    found = Succession()
    found.check_signer(0, "anybody")
    assert found.find_holder("statement", 1) == "anybody"
    with pytest.raises(VerificationError, match="but anybody holds"):
        found.check_signer(1, "another")


@pytest.mark.parametrize(("index", "sound"), [(4, True), (5, False)])
def test_a_revoked_log_key_signs_no_later_checkpoint(index, sound):
    found = followed((4, about("revoke", "l0")))
    if sound:
        found.check_noter(index)
    else:
        with pytest.raises(VerificationError, match="l0 was revoked by entry 4"):
            found.check_noter(index)


@pytest.mark.parametrize(
    ("before", "predicate", "fault"),
    [
        ((), rotate(("statement", "x", "s1")), "but s0 holds the ledger there"),
        ((), rotate(("statement", "s0", "s0")), "which the ledger has had already"),
        (TWICE, rotate(("statement", "s2", "s0")), "which the ledger has had already"),
        (((1, about("add", "w")),), rotate(("statement", "s0", "w")), "which the ledger has had already"),
        (((1, about("revoke", "x")),), rotate(("statement", "s0", "x")), "which the ledger has had already"),
        ((), rotate(("log", "l0", "a"), ("log", "a", "b")), "hands one role over twice"),
        ((), rotate(("statement", "s0", "s1")) | {"folder": []}, "names keys/s1, which it does not bind"),
        ((), about("add", "s0"), "which the ledger has already"),
        ((), about("add", "l0"), "which the ledger has already"),
        (((1, about("add", "w")),), about("add", "w"), "which the ledger has already"),
        ((), about("add", "w", bound=False), "names keys/x, which it does not bind"),
        ((), about("certificate", "x"), "which does not hold the ledger there"),
        (TWICE, about("certificate", "s1"), "which does not hold the ledger there"),
        ((), about("certificate", "s0", bound=False), "names keys/x, which it does not bind"),
        (((1, about("revoke", "s0")),), about("revoke", "s0"), "which entry 1 revoked"),
        ((), about("revoke", "s0", since="2025-02-30T00:00:00Z"), "is no time"),
    ],
)
def test_what_does_not_fit_is_refused(before, predicate, fault):
    found = followed(*before)
    with pytest.raises(VerificationError, match=fault):
        found.follow(9, predicate)


def test_what_entries_say_is_kept():
    found = followed(
        (1, about("add", "w") | {"key": {"fingerprint": "w", "path": "keys/x", "role": "witness", "name": "W."}}),
        (2, about("certificate", "s0")),
        (3, about("revoke", "s0", since=SINCE)),
    )
    assert found.added == {"w": ("witness", "W.")}
    assert found.certified == [("s0", "keys/x", 2)]
    assert found.revoked == {"s0": Revocation(3, parse_time(SINCE), "why")}


@pytest.mark.parametrize(
    ("pinned", "doubted", "linked"),
    [
        ({}, set(), {}),
        ({("x", "statement")}, set(), {}),
        ({("s0", "log")}, set(), {}),  # pinned in another role
        ({("s0", "statement")}, set(), {"s1": 3, "s2": 6}),
        ({("s1", "statement")}, set(), {"s0": 3, "s2": 6}),
        ({("s2", "statement")}, set(), {"s0": 3, "s1": 6}),
        ({("l1", "log")}, set(), {"l0": 6}),
        ({("s0", "statement")}, {"s0"}, {}),  # whoever stole s0 could have named any successor
        ({("s0", "statement")}, {"s1"}, {"s1": 3}),
        ({("s2", "statement")}, {"s0", "s1"}, {"s0": 3, "s1": 6}),  # backwards the new key says it
    ],
)
def test_who_is_linked_to_a_pinned_key(pinned, doubted, linked):
    found = followed(*TWICE).link_keys(dict.fromkeys(pinned, "Acme"), lambda change: change.before in doubted)
    assert {key for key, _ in found} == set(linked)
    for (key, _), owner in found.items():
        assert owner.startswith(f"by the rotation of entry {linked[key]}, ")
        assert owner.endswith("Acme")


@pytest.mark.parametrize(
    ("revoked", "index", "counts"),
    [
        (None, 5, True),
        (about("revoke", "k"), 3, True),
        (about("revoke", "k"), 4, False),
        (about("revoke", "k"), 5, False),
        (about("revoke", "k", since=SINCE), 3, False),  # when it co-signed, nobody can prove
    ],
)
def test_whether_a_co_signature_counts(revoked, index, counts):
    assert followed(*([(4, revoked)] if revoked else [])).is_cosigner_valid("k", index) == counts


@pytest.mark.parametrize(
    ("revoked", "proven", "doubted"),
    [
        (None, {}, []),
        (about("revoke", "s0"), {}, []),
        (about("revoke", "s0", since=SINCE), {}, [0, 1, 2]),
        (about("revoke", "s0", since=SINCE), {0: OLD, 1: OLD, 2: OLD}, []),
        (about("revoke", "s0", since=SINCE), {0: OLD, 1: NEW}, [1, 2]),
        (
            about("revoke", "s0", since=SINCE),
            {0: parse_time(SINCE)},
            [0, 1, 2],
        ),  # at that very time it may have been stolen
    ],
)
def test_what_a_doubted_key_signed(revoked, proven, doubted):
    found = followed(*([(4, revoked)] if revoked else []))
    assert found.doubted_entries("s0", range(3), proven.get) == doubted
    assert found.doubted_entries("another", range(3), proven.get) == []
