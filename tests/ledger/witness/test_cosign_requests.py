"""A witness remembers, and signs only what extends that: stale, rewritten and unproven checkpoints are refused."""

import json
import os
import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provenance.errors import BadSignature, BrokenChain, ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, witness_cosignature
from provenance.ledger.keys import key_generation, passwords
from provenance.ledger.trees import merkle
from provenance.ledger.witness import cosign_requests

KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
LOG_KEY = LOG.public_key()
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
LEAVES = [merkle.hash_leaf(b"%d" % index) for index in range(20)]


def note(size, leaves=LEAVES, key=LOG, origin="acme.example/log"):
    return checkpoint.sign_head(origin, size, merkle.hash_root(leaves[:size]), key).note


def asked(old, size, leaves=LEAVES):
    return cosign_requests.Request(
        old, tuple(merkle.prove_consistency(leaves[:size], old)) if old else (), note(size, leaves)
    )


@pytest.fixture
def cosign(tmp_path):
    def run(request, *, log_key=LOG_KEY, name="w.example", key=KEY):
        return cosign_requests.cosign(
            request, name=name, key=key, state=tmp_path / "m" / "state.json", when=1_700_000_000, log_key=log_key,
            evidence=tmp_path,
        )  # fmt: skip

    run.state = tmp_path / "m" / "state.json"
    run.evidence = lambda: sorted(path.name for path in tmp_path.glob("refused-*.json"))
    return run


def test_it_follows_a_log(cosign):
    by = witness_cosignature.make_witness("w.example", KEY.public_key())
    for old, size in ((0, 3), (3, 4), (4, 8), (8, 8), (8, 20)):
        request = cosign_requests.read(asked(old, size).body)
        line = cosign(request, log_key=LOG.public_key() if not old else None)
        assert (
            witness_cosignature.check_cosignature(line, by, checkpoint.read_checkpoint(request.note).body).timestamp()
            == 1_700_000_000
        )
        assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": size}
    assert cosign.evidence() == []


def test_logs_are_remembered_apart(cosign):
    cosign(asked(0, 3))
    cosign(cosign_requests.Request(0, (), note(5, key=OTHER, origin="b.example")), log_key=OTHER.public_key())
    assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": 3, "b.example": 5}
    cosign(asked(3, 6))


def test_a_stale_checkpoint_is_refused(cosign):
    cosign(asked(0, 8))
    before = cosign.state.read_bytes()
    with pytest.raises(BrokenChain, match="this witness saw 8: it is stale"):
        cosign(asked(3, 5))
    assert cosign.state.read_bytes() == before
    assert len(cosign.evidence()) == 1


def test_a_rewritten_history_is_refused_and_written_down(cosign, tmp_path):
    rewritten = [merkle.hash_leaf(b"x"), *LEAVES[1:]]
    cosign(asked(0, 8))
    with pytest.raises(BrokenChain, match="two views"):
        cosign(asked(8, 8, rewritten))
    with pytest.raises(BrokenChain, match="does not show"):
        cosign(asked(8, 12, rewritten))
    assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": 8}
    names = cosign.evidence()
    assert len(names) == 2
    for name in names:
        shown = json.loads((tmp_path / name).read_bytes())
        for each in ("held", "shown"):  # both are signed: that is what convinces anyone
            checkpoint.check_signature(checkpoint.read_checkpoint(shown[each].encode()), LOG.public_key())


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (asked(3, 12), "starts at 3 entries, but this witness saw 8"),
        (cosign_requests.Request(0, (), note(12)), "starts at 0"),
        (cosign_requests.Request(8, (), note(12)), "does not show"),
        (cosign_requests.Request(8, asked(7, 12).proof, note(12)), "does not show"),
    ],
)
def test_what_is_not_proven_is_refused(cosign, request_, error):
    cosign(asked(0, 8))
    with pytest.raises(VerificationError, match=error):
        cosign(request_)
    assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": 8}


def test_whose_log_it_is_must_be_said_once(cosign):
    with pytest.raises(ConfigError, match=r"has not met the log acme\.example/log"):
        cosign(asked(0, 3), log_key=None)
    with pytest.raises(BadSignature):
        cosign(asked(0, 3), log_key=OTHER.public_key())
    assert not cosign.state.exists()
    cosign(asked(0, 3))
    with pytest.raises(ConfigError, match="another key"):
        cosign(asked(3, 4), log_key=OTHER.public_key())
    with pytest.raises(BadSignature):
        cosign(cosign_requests.Request(3, (), note(3, key=OTHER)), log_key=None)


def handed(old, size):
    """A request of the checkpoint under which the log goes from LOG to OTHER."""
    both = checkpoint.sign_handover(checkpoint.read_checkpoint(note(size)), OTHER)
    return cosign_requests.Request(old, tuple(merkle.prove_consistency(LEAVES[:size], old)), both.note)


def test_it_goes_with_a_log_that_changes_hands(cosign):
    """It is told the new key by another way, and sees that the old one signed the same checkpoint."""
    by = witness_cosignature.make_witness("w.example", KEY.public_key())
    after = cosign_requests.Request(4, asked(4, 6).proof, note(6, key=OTHER))
    cosign(asked(0, 3))
    with pytest.raises(BadSignature, match="ask its owner for a request of the checkpoint that both keys signed"):
        cosign(cosign_requests.Request(3, asked(3, 4).proof, note(4, key=OTHER)), log_key=OTHER.public_key())
    line = cosign(cosign_requests.read(handed(3, 4).body), log_key=OTHER.public_key())
    witness_cosignature.check_cosignature(line, by, checkpoint.read_checkpoint(note(4)).body)
    assert handed(3, 4).cosigned(line) == handed(3, 4).note + line.line
    for told in (None, OTHER.public_key()):
        cosign(after, log_key=told)
    with pytest.raises(BadSignature):
        cosign(asked(6, 7), log_key=None)


def test_it_may_learn_of_that_afterwards(cosign):
    """It signed that checkpoint as one of the old key; what comes next it cannot know without being told."""
    after = cosign_requests.Request(4, asked(4, 6).proof, note(6, key=OTHER))
    cosign(asked(0, 3))
    cosign(handed(3, 4), log_key=None)
    with pytest.raises(BadSignature):
        cosign(after, log_key=None)
    cosign(handed(4, 4), log_key=OTHER.public_key())
    cosign(after, log_key=None)


@pytest.mark.parametrize("key", [KEY, LOG])
def test_nobody_takes_a_log_over_who_did_not_sign(cosign, key):
    cosign(asked(0, 3))
    before = cosign.state.read_bytes()
    claimed = checkpoint.sign_handover(checkpoint.read_checkpoint(note(4)), KEY)
    other = key.public_key() if key is KEY else OTHER.public_key()
    bad = claimed if key is LOG else checkpoint.replace(claimed, heir=claimed.heir[:4] + bytes(64))
    with pytest.raises(BadSignature):
        cosign(cosign_requests.Request(3, asked(3, 4).proof, bad.note), log_key=other)
    assert cosign.state.read_bytes() == before


def test_the_memory_is_of_one_witness(cosign):
    cosign(asked(0, 3))
    for changes in ({"name": "v.example"}, {"key": OTHER}):
        with pytest.raises(ConfigError, match="memory of another witness"):
            cosign(asked(3, 4), **changes)
    for data in (b"", b"{}", b"[]", b'{"kind":1,"witness":2,"logs":3}', b'{"kind":"a","kind":"b"}'):
        cosign.state.write_bytes(data)
        with pytest.raises(ConfigError, match="not the memory"):
            cosign(asked(3, 4))


def test_it_remembers_before_it_signs(cosign, monkeypatch):
    """Whoever is killed between the two has signed nothing that the memory does not know."""
    cosign(asked(0, 3))
    monkeypatch.setattr(witness_cosignature, "sign_body", lambda *_: pytest.fail("signed"))
    monkeypatch.setattr(cosign_requests, "_remember", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        cosign(asked(3, 5))
    assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": 3}


def test_an_empty_log_is_not_witnessed(cosign):
    with pytest.raises(VerificationError, match="no entries"):
        cosign(cosign_requests.Request(0, (), note(0)))


def test_the_request_is_the_body_of_the_specification():
    """https://c2sp.org/tlog-witness, "add-checkpoint", its example but for our signature."""
    proof = [
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
    ]
    text = (
        "old 20852014\n" + "\n".join(proof) + "\n\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    found = cosign_requests.read(text.encode())
    assert (found.old, len(found.proof), found.body) == (20852014, 4, text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 3\n",
        b"old 03\n\n" + note(3),
        b"old -1\n\n" + note(3),
        b"old 3\n" + note(3),
        b"old 3\nAAAA\n\n" + note(3),
        b"old 3\n\n" + note(3)[:-1],
        b"old 3\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + b"\n" + note(3),
        b"old 3\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkax=\n\n" + note(3),
    ],
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(VerificationError):
        cosign_requests.read(data)


@given(st.binary(max_size=300))
def test_reading_is_total(data):
    with pytest.raises(VerificationError):
        cosign_requests.read(data)


def test_a_ledger_asks(world, tmp_path):
    folder = world / "ledger"
    for since in (0, 1, 2):
        request = cosign_requests.read(cosign_requests.ask(folder, since).body)
        new = checkpoint.read_checkpoint(request.note)
        assert new.size == 2
        if since:
            old = checkpoint.read_checkpoint((folder / layout.note_path(since)).read_bytes())
            assert merkle.is_consistent(since, old.root, 2, new.root, proof=request.proof)
    with pytest.raises(ConfigError, match="cannot prove that 2 extend 3"):
        cosign_requests.ask(folder, 3)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError):
        cosign_requests.ask(empty)


def test_a_folder_of_keys_says_how_its_witness_is_called(tmp_path):
    key_generation.make_keys(
        tmp_path / "w", ("witness",), "regulator.example/w1", password=None, secrets=passwords.Secrets()
    )
    assert cosign_requests.read_name(str(tmp_path / "w")) == "regulator.example/w1"
    assert cosign_requests.read_name("env:W") is None
    assert cosign_requests.find_state(str(tmp_path / "w")) == tmp_path / "w" / "witness.state.json"
    (tmp_path / "w" / "witness.vkey").write_bytes(b"\xff")
    with pytest.raises(ConfigError):
        cosign_requests.read_name(str(tmp_path / "w"))
    with pytest.raises(ConfigError, match="--state"):
        cosign_requests.find_state("env:W")


def test_two_at_a_time_never_roll_the_memory_back(cosign, tmp_path):
    """The race that C2SP warns of: both read the old memory, the smaller one writes last."""
    cosign(asked(0, 3))
    pids = []
    for size in (5, 20):
        pid = os.fork()
        if not pid:
            try:
                cosign(asked(3, size))
            except VerificationError:
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert sorted(ends) == [0, 1]
    assert cosign_requests.last_seen(cosign.state) == {"acme.example/log": 5 if ends[0] == 0 else 20}
    shutil.rmtree(tmp_path / "m")
