"""Witnesses and timestamps in verification: what is demanded, what is proven, stale views and moved clocks."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance import ledger
from provenance.core.package_data import DATA_FOLDER
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, statement, witness_cosignature
from provenance.ledger.keys import signing_keys, trusted_keys, verifier_keys
from provenance.ledger.log import key_entries
from provenance.ledger.proofs import disclosure
from provenance.ledger.witness import checkpoint_evidence, cosign_requests, proven_times, timestamp_client
from provenance.ledger.witness import timestamps as timestamps_

OK, INVALID, USAGE, UNPINNED = range(4)
NOW = datetime.now(UTC).replace(microsecond=0)
WITNESSES = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 32) for name in "abc"}


def vkey(name):
    return witness_cosignature.make_witness(f"{name}.example", WITNESSES[name].public_key()).vkey


def line(folder, name, size=2, when=NOW):
    note = checkpoint.read_checkpoint((folder / layout.note_path(size)).read_bytes())
    return witness_cosignature.sign_body(f"{name}.example", WITNESSES[name], note.body, int(when.timestamp())).line


@pytest.fixture(scope="module")
def tsa(make_authority):
    return make_authority(name="first")


@pytest.fixture(scope="module")
def second(make_authority):
    return make_authority(name="second")


@pytest.fixture
def folder(world):
    return world / "ledger"


@pytest.fixture
def trusting(world, tmp_path):
    """Write a trust file that pins this ledger's own keys, and what else is given."""

    def write(**more):
        pins = [
            {"pem": (world / "ledger" / name).read_text(), "roles": [role], "name": "Acme"}
            for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
        ]
        path = tmp_path / "trust.yaml"
        path.write_text(yaml.safe_dump({"keys": pins, **more}))
        return path

    return write


def witnesses(*names, quorum=1, **more):
    return {"witnesses": {"keys": [{"vkey": vkey(name), "name": name} for name in names], "quorum": quorum, **more}}


def timestamps(*authorities, minimum=1, **more):
    pinned = [{"pem": item.pem, "name": item.folder.parent.name} for item in authorities]
    return {"timestamps": {"authorities": pinned, "minimum": minimum, **more}}


def stamp(folder, authority, size=None):
    query, _ = timestamp_client.request_for(folder, size)
    return checkpoint_evidence.add_timestamp(folder, authority.answer(query), query)[1]


def step(found, name):
    [each] = [item for item in found.steps if item.name == name]
    return each


def moved(monkeypatch, when):
    monkeypatch.setattr(proven_times, "_now", lambda: when)


def test_what_is_not_asked_for_is_named(folder, trusting, tsa):
    stamp(folder, tsa)
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))
    found = ledger.verify(folder, trust=trusting())
    assert found.exit_code == OK
    assert found.unbound == ()
    assert step(found, "witnesses").status == "not checked"
    assert "not pinned: a.example" in step(found, "witnesses").detail
    assert "not pinned: CN=first" in step(found, "timestamps").detail
    assert {"witnesses", "timestamps"} <= set(found.as_json()["not_checked"])


@pytest.mark.parametrize(
    ("lines", "quorum", "code"),
    [("", 1, UNPINNED), ("a", 1, OK), ("a", 2, UNPINNED), ("ab", 2, OK), ("c", 1, UNPINNED), ("", 0, OK)],
)
def test_a_quorum_is_of_distinct_pinned_keys(folder, trusting, lines, quorum, code):
    for name in lines:
        checkpoint_evidence.add_cosignatures(folder, line(folder, name))
        checkpoint_evidence.add_cosignatures(folder, line(folder, name, when=NOW - timedelta(days=1)))  # twice is once
    found = ledger.verify(folder, trust=trusting(**witnesses("a", "b", quorum=quorum)))
    assert found.exit_code == code
    assert step(found, "witnesses").status == ("failed" if code else "ok" if lines else "not checked")


def test_a_quorum_must_be_over_the_newest_checkpoint(folder, trusting):
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a", 1), 1)
    found = ledger.verify(folder, trust=trusting(**witnesses("a")))
    assert found.exit_code == UNPINNED
    assert "0 of 1 witnesses cosigned the newest checkpoint, 2" in step(found, "witnesses").detail
    assert "covers entries 0 to 0 alone" in step(found, "witnesses").detail


def test_who_keeps_the_log_is_no_witness_of_it(world, folder, trusting):
    operator = signing_keys.user_keys().log
    note = checkpoint.read_checkpoint((folder / layout.note_path(2)).read_bytes())
    checkpoint_evidence.add_cosignatures(
        folder, witness_cosignature.sign_body("self.example", operator, note.body, 1_700_000_000).line
    )
    own = {"vkey": witness_cosignature.make_witness("self.example", operator.public_key()).vkey}
    found = ledger.verify(folder, trust=trusting(witnesses={"keys": [own], "quorum": 1}))
    assert found.exit_code == UNPINNED
    assert "who keeps the log" in step(found, "witnesses").detail


def test_nor_is_it_in_a_piece(world, folder, trusting, tmp_path):
    """And a witness is, in a piece as in a ledger."""
    mine, note = signing_keys.user_keys().log, checkpoint.read_checkpoint((folder / layout.note_path(2)).read_bytes())
    checkpoint_evidence.add_cosignatures(
        folder, witness_cosignature.sign_body("self", mine, note.body, int(NOW.timestamp())).line
    )
    own = {"vkey": witness_cosignature.make_witness("self", mine.public_key()).vkey}
    asked = trusting(witnesses={"keys": [own, *witnesses("a")["witnesses"]["keys"]], "quorum": 1})
    for code in (UNPINNED, OK):
        (tmp_path / "piece").write_bytes(disclosure.row(folder, "path", "a.jsonl"))
        for found in (ledger.verify(tmp_path / "piece", trust=asked), ledger.verify(folder, trust=asked, entry=0)):
            assert found.exit_code == code, found.lines()
            assert "who keeps the log" in step(found, "witnesses").detail
        if code:
            checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))


def test_the_checkpoint_under_which_a_ledger_changes_hands_is_attested_too(folder, trusting, tsa, tmp_path):
    asked = trusting(**witnesses("a"), **timestamps(tsa))
    heir = signing_keys.KeyPair(ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate())
    key_entries.rotate(folder, heir, ledger.read_entry(folder)["predicate"]["scanner"], keys=signing_keys.user_keys())
    request = cosign_requests.read(cosign_requests.ask(folder, 0).body)
    assert request.note.count("— ".encode()) == 2
    made = witness_cosignature.sign_body(
        "a.example", WITNESSES["a"], checkpoint.read_checkpoint(request.note).body, int(NOW.timestamp())
    )
    checkpoint_evidence.add_cosignatures(folder, request.cosigned(made))
    stamp(folder, tsa)
    (tmp_path / "piece").write_bytes(disclosure.row(folder, "path", "a.jsonl"))
    held = tmp_path / "held"
    for each in (folder, tmp_path / "piece"):
        for size in (2, 3):  # the first was signed by the old key alone
            held.write_bytes((folder / layout.note_path(size)).read_bytes())
            found = ledger.verify(each, trust=asked, since=held)
            assert found.exit_code == OK, found.lines()
            assert (step(found, "witnesses").status, step(found, "timestamps").status) == ("ok", "ok")
            assert found.unbound == ()


def test_pins_of_another_log_do_not_count_here(folder, trusting, tsa):
    stamp(folder, tsa)
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))
    asked = {"origin": "elsewhere.example", **witnesses("a"), **timestamps(tsa)}
    found = ledger.verify(folder, trust=trusting(**asked))
    assert found.exit_code == UNPINNED
    assert {step(found, name).status for name in ("keys", "witnesses", "timestamps")} == {"failed"}


def test_a_stale_checkpoint_is_found_out(folder, trusting, monkeypatch):
    """The owner shows the ledger as witnesses saw it last year, without the entries since: it verifies, but for its age."""
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a", when=NOW - timedelta(days=300)))
    checkpoint_evidence.add_cosignatures(folder, line(folder, "b"))
    assert ledger.verify(folder, trust=trusting(**witnesses("a", "b", quorum=2))).exit_code == OK
    fresh = trusting(**witnesses("a", "b", quorum=2, withinDays=30))
    found = ledger.verify(folder, trust=fresh)
    assert found.exit_code == UNPINNED
    assert "stale" in step(found, "witnesses").detail
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))
    assert ledger.verify(folder, trust=fresh).exit_code == OK
    moved(monkeypatch, NOW - timedelta(days=2))
    found = ledger.verify(folder, trust=fresh)
    assert found.exit_code == UNPINNED
    assert "still to come" in step(found, "witnesses").detail


@pytest.mark.parametrize(("stamped", "minimum", "code"), [(0, 1, UNPINNED), (1, 1, OK), (1, 2, UNPINNED), (2, 2, OK)])
def test_a_minimum_is_of_distinct_authorities(folder, trusting, tsa, second, stamped, minimum, code):
    for authority in (tsa, second)[:stamped]:
        stamp(folder, authority)
        stamp(folder, authority)
    found = ledger.verify(folder, trust=trusting(**timestamps(tsa, second, minimum=minimum)))
    assert found.exit_code == code
    assert step(found, "timestamps").status == ("failed" if code else "ok")
    if not code:
        assert "entries 0 to 1 existed before" in step(found, "timestamps").detail
        assert step(found, "claimed times").status == "ok"


def test_a_timestamp_of_another_note_is_a_fault(folder, trusting, tsa):
    name = stamp(folder, tsa, 1)
    assert name == "checkpoints/1.tsr"
    (folder / name).rename(folder / "checkpoints/2.tsr")
    for trusted in (None, trusting(**timestamps(tsa))):  # whoever pinned what
        found = ledger.verify(folder, trust=trusted)
        assert found.exit_code == INVALID
        assert "something else than this checkpoint's note" in step(found, "timestamps").detail


def test_every_flipped_byte_beside_a_checkpoint_fails(folder, trusting, tsa):
    stamp(folder, tsa)
    for name in "ab":
        checkpoint_evidence.add_cosignatures(folder, line(folder, name))
    files = {f"checkpoints/{size}.note" for size in (1, 2)} | {"checkpoints/2.cosigs", "checkpoints/2.tsr"}
    pinned = trusted_keys.read_trust(trusting(**witnesses("a", "b", quorum=2), **timestamps(tsa)))
    notes = {size: checkpoint.read_checkpoint((folder / layout.note_path(size)).read_bytes()) for size in (1, 2)}

    def outcomes():
        found = checkpoint_evidence.check_evidence(folder, files, notes, pinned=pinned, operators=())
        return [item.fault for item in proven_times.steps(proven_times.build_evidence(2, found, pinned, {}), {})]

    assert outcomes() == [None, None, None]
    for name in ("checkpoints/2.cosigs", "checkpoints/2.tsr"):
        path = folder / name
        whole = path.read_bytes()
        for at in range(len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 1 << at % 8
            path.write_bytes(changed)
            assert any(outcomes()), (name, at)
        for cut in (0, 1, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:cut])
            assert any(outcomes()), (name, cut)
        path.write_bytes(whole)
    assert outcomes() == [None, None, None]


@pytest.mark.parametrize("name", ["checkpoints/2.cosigs", "checkpoints/2.tsr", "checkpoints/1.9.tsr"])
@pytest.mark.parametrize("data", [b"", b"\0", b"{}", b"\xe2\x80\x94 a AAAA\n", b"\x30\x80", b"x" * 3_000_000])
def test_rubbish_beside_a_checkpoint_is_a_fault(folder, name, data):
    (folder / name).write_bytes(data)
    found = ledger.verify(folder)
    assert found.exit_code == INVALID
    assert found.unbound == ()


@pytest.mark.parametrize(
    "name", ["checkpoints/3.tsr", "checkpoints/2.1.tsr", "checkpoints/02.cosigs", "checkpoints/2.cosig"]
)
def test_what_is_beside_no_checkpoint_is_unbound(folder, tsa, name):
    (folder / name).write_bytes(b"x")
    found = ledger.verify(folder)
    assert found.unbound == (name,)
    assert ledger.verify(folder, strict=True).exit_code == INVALID


def test_appending_goes_on_beside_them(folder, sealed, tsa, trusting):
    stamp(folder, tsa)
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))
    ledger.append(folder, sealed, {}, sealed.facts(), keys=signing_keys.user_keys())
    assert not (folder / ".append").exists()
    found = ledger.verify(folder, trust=trusting(**timestamps(tsa, minimum=0)))
    assert found.exit_code == OK
    assert "entries 0 to 1 existed before" in step(found, "timestamps").detail
    assert ledger.verify(folder, trust=trusting(**timestamps(tsa))).exit_code == UNPINNED


def test_an_expired_certificate_no_longer_counts(folder, trusting, tsa, monkeypatch):
    """At the time it names it is valid; but whoever stole the key since could have written any time."""
    stamp(folder, tsa)
    later = NOW + timedelta(days=31)
    moved(monkeypatch, later)
    found = ledger.verify(folder, trust=trusting(**timestamps(tsa)))
    assert found.exit_code == UNPINNED
    assert "no longer counts: its certificate expired" in step(found, "timestamps").detail
    assert ledger.verify(folder, trust=trusting(**timestamps(tsa, minimum=0))).exit_code == OK
    assert ledger.verify(folder, trust=trusting(**timestamps(tsa, acceptExpired=True))).exit_code == OK
    token = timestamps_.read((folder / "checkpoints/2.tsr").read_bytes())
    assert tsa.accepts(
        (folder / "checkpoints/2.tsr").read_bytes(), (folder / "checkpoints/2.note").read_bytes(), token.time
    )
    assert not tsa.accepts(
        (folder / "checkpoints/2.tsr").read_bytes(), (folder / "checkpoints/2.note").read_bytes(), later
    )


def test_a_clock_that_was_moved_is_found_out(world, trusting, tsa, sealed):
    """An entry claims a time after the one by which an authority had seen it."""
    late = sealed.facts(finishedOn="2199-01-01T00:00:00Z")
    ledger.append(world / "ledger", sealed, {}, late, keys=signing_keys.user_keys())
    stamp(world / "ledger", tsa)
    found = ledger.verify(world / "ledger", trust=trusting(**timestamps(tsa)))
    assert found.exit_code == UNPINNED
    assert "entry 2 says 2199-01-01 00:00:00 UTC, but existed by" in step(found, "claimed times").detail


def test_claims_that_run_backwards_are_named(world, sealed):
    early = sealed.facts(startedOn="2019-01-01T00:00:00Z", finishedOn="2019-01-01T00:00:00Z")
    ledger.append(world / "ledger", sealed, {}, early, keys=signing_keys.user_keys())
    found = ledger.verify(world / "ledger")
    assert found.exit_code == OK
    assert step(found, "claimed times").status == "not checked"
    assert "entry 2 says 2019-01-01 00:00:00 UTC, earlier than" in step(found, "claimed times").detail


@pytest.mark.parametrize("claim", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_year_are_answered(home, sealed, tmp_path, claim):
    for finished in (claim, "2025-01-01T00:00:00Z"):
        facts = sealed.facts(startedOn=finished, finishedOn=finished)
        ledger.append(tmp_path / "ledger", sealed, {}, facts, keys=signing_keys.user_keys())
    assert "claimed times" in {each.name for each in ledger.verify(tmp_path / "ledger").steps} or claim < "2"


def test_a_witness_of_the_last_second_is_answered(folder, trusting):
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    checkpoint_evidence.add_cosignatures(folder, line(folder, "a", when=last))
    for more in ({}, {"withinDays": 3}):
        found = ledger.verify(folder, trust=trusting(**witnesses("a", **more)))
        assert found.exit_code == (UNPINNED if more else OK)


def test_names_that_are_none_are_a_fault(folder, tsa):
    name = stamp(folder, tsa)
    whole = (folder / name).read_bytes()
    for harm in (
        lambda data: data.replace(b"first", b"\xff" * 5),
        lambda data: data.replace(b"\x0c\x05first", b"\x02\x05first"),
    ):
        (folder / name).write_bytes(harm(whole))
        assert harm(whole) != whole
        for entry in (None, 0):
            assert ledger.verify(folder, entry=entry).exit_code == INVALID


def test_the_log_does_not_witness_itself_under_its_own_name(folder):
    note = checkpoint.read_checkpoint((folder / layout.note_path(2)).read_bytes())
    other = checkpoint.sign_head(note.origin, 2, note.root, Ed25519PrivateKey.generate()).note
    other = other.splitlines(keepends=True)[-1]
    with pytest.raises(VerificationError, match="in the name of the log"):
        checkpoint_evidence.add_cosignatures(folder, other)
    (folder / "checkpoints" / "2.cosigs").write_bytes(other)
    assert ledger.verify(folder).exit_code == INVALID


@pytest.mark.parametrize("kind", list(statement.KINDS))
def test_every_kind_of_entry_says_when_it_was_made(kind):
    schema = json.loads((DATA_FOLDER / "schemas" / "ledger" / f"{kind}-v1.schema.json").read_bytes())
    assert len(proven_times.CLAIMED & set(schema["required"])) == 1


def seen(whose, size, day):
    return checkpoint_evidence.Witnessed(size, whose, whose.encode(), datetime(2026, 1, day, tzinfo=UTC))


def stamped(whose, size, day, expires=2030, path=None):
    path = path or f"checkpoints/{size}.{whose}"
    return checkpoint_evidence.Stamped(
        size, path, whose, datetime(2026, 1, day, tzinfo=UTC), datetime(expires, 1, 1, tzinfo=UTC)
    )


def at(*found, size=5, minimum=0, quorum=0, now=2026, renewals=None, **more):
    what = checkpoint_evidence.CheckpointEvidence(
        witnessed=[item for item in found if isinstance(item, checkpoint_evidence.Witnessed)],
        stamped=[item for item in found if isinstance(item, checkpoint_evidence.Stamped)],
    )
    pinned = trusted_keys.Trust(
        witnesses=trusted_keys.Witnesses(quorum=quorum), timestamps=trusted_keys.Timestamps(minimum=minimum, **more)
    )
    return proven_times.build_evidence(size, what, pinned, renewals or {}, now=datetime(now, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("found", "asked", "days"),
    [
        ([], {}, {}),
        ([stamped("x", 3, 9)], {}, {1: 9, 2: 9, 3: 9}),
        ([stamped("x", 3, 9), stamped("x", 2, 4)], {}, {1: 4, 2: 4, 3: 9}),
        ([stamped("x", 2, 9), stamped("x", 3, 4)], {}, {1: 4, 2: 4, 3: 4}),  # a larger log holds the smaller
        ([stamped("x", 3, 9), stamped("y", 3, 12)], {"minimum": 1}, {1: 9, 2: 9, 3: 9}),
        # Whoever asks for two is not deceived by one that dates back.
        ([stamped("x", 3, 1), stamped("y", 3, 12)], {"minimum": 2}, {1: 12, 2: 12, 3: 12}),
        ([stamped("x", 3, 1), stamped("x", 4, 2)], {"minimum": 2}, {}),
        ([seen("w", 2, 5), stamped("x", 5, 20)], {}, {1: 5, 2: 5, 3: 20, 4: 20, 5: 20}),
        ([seen("v", 2, 5), seen("w", 4, 7)], {"quorum": 2}, {1: 7, 2: 7}),
        ([stamped("x", 9, 9)], {}, {}),
    ],
)
def test_proven_times(found, asked, days):
    proven = proven_times.proven_times(at(*found, **asked))
    assert {size: item.time.day for size, item in proven.items()} == days


@pytest.mark.parametrize(
    ("found", "renewals", "more", "counted"),
    [
        ([stamped("x", 1, 1, expires=2027)], {}, {}, []),
        ([stamped("x", 1, 1, expires=2027)], {}, {"accept_expired": True}, [1]),
        ([stamped("x", 1, 1, expires=2027), stamped("y", 4, 5)], {}, {}, [4]),
        ([stamped("x", 1, 1, expires=2027, path="p"), stamped("y", 4, 5)], {"p": [3]}, {}, [4, 1]),
        ([stamped("x", 1, 1, expires=2027, path="p"), stamped("y", 2, 5)], {"p": [3]}, {}, [2]),
        # the renewal came after the certificate had expired
        ([stamped("x", 1, 1, expires=2025, path="p"), stamped("y", 4, 5)], {"p": [3]}, {}, [4]),
        # a chain of renewals, and one whose newest link expired too
        (
            [stamped("x", 1, 1, 2027, "p"), stamped("y", 3, 5, 2028, "q"), stamped("z", 5, 9, 2040)],
            {"p": [3], "q": [5]},
            {},
            [5, 3, 1],
        ),
        ([stamped("x", 1, 1, 2027, "p"), stamped("y", 3, 5, 2028, "q")], {"p": [3], "q": [5]}, {}, []),
        # nothing covers itself or what came after
        ([stamped("x", 4, 1, 2027, "p")], {"p": [2, 4]}, {}, []),
    ],
)
def test_expired_timestamps_count_where_renewed_in_time(found, renewals, more, counted):
    scene = at(*found, now=2029, renewals=renewals, **more)
    assert [item.size for item in proven_times.list_counting(scene)] == counted


def test_a_clock_put_back_undoes_nothing():
    """It is at least as late as the newest proven time, whatever the verifier's clock says."""
    old, new = stamped("x", 1, 1, expires=2026), stamped("y", 2, 20)
    assert [item.size for item in proven_times.list_counting(at(old, new, now=2020))] == [2]


@pytest.mark.parametrize(
    "changes",
    [
        {"witnesses": {"keys": [{"vkey": vkey("a")}], "quorum": 2}},
        {"witnesses": {"keys": [{"vkey": vkey("a")}, {"vkey": vkey("a")}], "quorum": 1}},
        {"witnesses": {"keys": [{"vkey": vkey("a")[:-1]}], "quorum": 1}},
        {"witnesses": {"keys": [{"vkey": vkey("a")}]}},
        {"witnesses": {"keys": [{"vkey": vkey("a")}], "quorum": 1, "withinDays": 0}},
        {"timestamps": {"authorities": [{"pem": "x"}], "minimum": 1}},
        {"timestamps": {"authorities": [], "minimum": 0}},
        {"timestamps": {"minimum": 1}},
    ],
    ids=str,
)
def test_trust_files_that_cannot_be_meant(trusting, changes):
    with pytest.raises(ConfigError):
        trusted_keys.read_trust(trusting(**changes))


def test_one_authority_under_two_names_is_refused(trusting, tsa):
    twice = timestamps(tsa, tsa, minimum=2)
    with pytest.raises(ConfigError, match="twice"):
        trusted_keys.read_trust(trusting(**twice))


def test_adding_refuses_what_does_not_belong(folder, world, tsa, tmp_path):
    query, _ = timestamp_client.request_for(folder)
    answer = tsa.answer(query)
    with pytest.raises(VerificationError, match="nonce"):
        checkpoint_evidence.add_timestamp(folder, answer, timestamp_client.request_for(folder)[0])
    with pytest.raises(VerificationError, match="no checkpoint of"):
        checkpoint_evidence.add_timestamp(folder, tsa.answer(timestamp_client.make_request(b"else")))
    assert checkpoint_evidence.add_timestamp(folder, answer, query)[:2] == (2, "checkpoints/2.tsr")
    with pytest.raises(ConfigError, match="there already"):
        checkpoint_evidence.add_timestamp(folder, answer)
    with pytest.raises(ConfigError, match="no checkpoint over 7"):
        timestamp_client.request_for(folder, 7)

    known = [verifier_keys.read_witness(vkey("a"))]
    with pytest.raises(VerificationError):
        checkpoint_evidence.add_cosignatures(folder, line(folder, "a", 1), 2, known)
    assert checkpoint_evidence.add_cosignatures(folder, line(folder, "a"), None, known) == (2, [("a.example", NOW)])
    with pytest.raises(ConfigError, match="there already"):
        checkpoint_evidence.add_cosignatures(folder, line(folder, "a"))
    note = (folder / layout.note_path(1)).read_bytes()
    assert checkpoint_evidence.add_cosignatures(folder, note + line(folder, "b", 1)) == (1, [("b.example", None)])
    other = shutil.copytree(folder, tmp_path / "other", symlinks=True)
    (other / layout.note_path(1)).write_bytes((folder / layout.note_path(2)).read_bytes())
    with pytest.raises(VerificationError, match="another checkpoint"):
        checkpoint_evidence.add_cosignatures(other, note + line(folder, "c", 1))
    with pytest.raises(ConfigError, match="no checkpoint"):
        checkpoint_evidence.add_cosignatures(folder, line(folder, "a"), 9)


def test_nine_timestamps_are_enough(folder, tsa):
    names = [stamp(folder, tsa) for _ in range(9)]
    assert names == ["checkpoints/2.tsr", *(f"checkpoints/2.{number}.tsr" for number in range(2, 10))]
    with pytest.raises(ConfigError, match="9 are there already"):
        stamp(folder, tsa)
    assert ledger.verify(folder).exit_code == OK
