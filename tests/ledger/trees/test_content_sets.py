"""Content sets on disk against sparse trees in memory; and every byte of one counts."""

import hashlib

import pytest

from provenance.errors import VerificationError
from provenance.ledger.trees import content_sets, sparse_merkle

SALT = b"0123456789abcdef"


def digests(count, first=0):
    return [hashlib.sha256(b"%d" % number).digest() for number in range(first, first + count)]


def keys(members):
    return sorted({hashlib.sha256(b"provenance-content/v1\0" + SALT + member).digest() for member in members})


@pytest.mark.parametrize(
    "count", [0, 1, 2, 3, 127, 128, 129, 255, 256, 257, 1000, pytest.param(5000, marks=pytest.mark.full)]
)
def test_a_set_on_disk_is_the_set(tmp_path, count):
    members = digests(count)
    found, root = content_sets.write_set([*members[::-1], *members[:5]], SALT, tmp_path / "set")
    made = keys(members)
    assert (found, root) == (count, sparse_merkle.hash_subtree(made))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    with content_sets.StoredContentSet(tmp_path / "set") as stored:
        assert (stored.count, stored.salt, stored.root()) == (count, SALT, root)
        stored.check(members)
        for digest in [*members[:50], *members[-50:], *digests(50, first=count)]:
            key = content_sets.derive_key(SALT, digest)
            proof = stored.prove(key)
            assert proof == sparse_merkle.prove(made, key)
            assert sparse_merkle.has_key(key, proof, root) is (digest in members)


def test_keys_are_made_as_one_by_one():
    assert list(content_sets.derive_keys(SALT, digests(3))) == [
        content_sets.derive_key(SALT, digest) for digest in digests(3)
    ]


@pytest.mark.parametrize("count", [0, 1, 3, 300])
def test_every_byte_of_a_set_counts(tmp_path, count):
    content_sets.write_set(digests(count), SALT, tmp_path / "set")
    good = (tmp_path / "set").read_bytes()

    def check(data):
        (tmp_path / "set").write_bytes(data)
        with pytest.raises(VerificationError), content_sets.StoredContentSet(tmp_path / "set") as stored:
            stored.check(digests(count))

    for at in range(0, len(good), 1 if count < 300 else 61):
        if count or not 48 <= at < 64:  # the salt of a set without keys says nothing
            check(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        check(good[:at])
    check(good + b"\0")


@pytest.mark.parametrize("said", [digests(9), digests(11), [*digests(9), *digests(1, first=99)], []])
def test_a_set_of_other_contents_is_told(tmp_path, said):
    content_sets.write_set(digests(10), SALT, tmp_path / "set")
    with content_sets.StoredContentSet(tmp_path / "set") as stored:
        stored.check(digests(10) * 2)
        with pytest.raises(VerificationError, match="content"):
            stored.check(said)


def test_a_set_out_of_order_is_told(tmp_path):
    content_sets.write_set(digests(2), SALT, tmp_path / "set")
    good = (tmp_path / "set").read_bytes()
    (tmp_path / "set").write_bytes(good[:64] + good[96:128] + good[64:96] + good[128:])
    with content_sets.StoredContentSet(tmp_path / "set") as stored, pytest.raises(VerificationError, match="order"):
        stored.check(digests(2))
