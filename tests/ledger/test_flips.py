"""A ledger with every kind of entry and file: whichever byte is flipped, wherever a file ends early, it is refused."""

import json
import os

import pytest

from provenance import ledger
from provenance.errors import VerificationError
from provenance.ledger import layout
from provenance.ledger.format import envelope
from provenance.ledger.keys import trusted_keys as trust_module
from provenance.ledger.log import entry_cosignatures, folder_comparison, key_history, leaf_hashes, reading
from provenance.ledger.witness import checkpoint_evidence

# Nothing is exempt: what stands beside the entries is by keys that the trust file pins, and it asks for each of them.
# With a trust file that does not, a line whose name or key id was flipped is a stranger's, and is named as such.


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.parent.is_symlink())


def code(root):
    return ledger.verify(root / "ledger", trust=root / "trust.yaml").exit_code


def harmed(path, at, bit):
    """Flip a bit in place; flip it again to heal."""
    with path.open("r+b") as file:
        byte = os.pread(file.fileno(), 1, at)[0]
        os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), at)


def test_unharmed_it_verifies(golden):
    found = ledger.verify(golden / "ledger", trust=golden / "trust.yaml", strict=True)
    assert found.exit_code == 0, found.lines()
    kinds = {reading.read_statement(golden / "ledger", index).kind for index in range(ledger.size(golden / "ledger"))}
    assert len(kinds) == 10
    assert not {"witnesses", "timestamps", "waivers", "renewals"} & set(found.as_json()["not_checked"])


def test_a_flip_and_a_cut_of_each_file_fail(golden):
    """One place of each file that nothing binds by digest, and of some that are: all of them, below, in the full run."""
    bound = {name for index in range(13) for name in reading.read_statement(golden / "ledger", index).folder}
    chosen = [p for p in files(golden / "ledger") if p.relative_to(golden / "ledger").as_posix() not in bound]
    for number, path in enumerate([*chosen, *files(golden / "ledger" / "objects")[::9]]):
        data = path.read_bytes()
        at = (number * 7919 + 13) % len(data)
        if number % 3:
            harmed(path, at, number % 8)
        else:
            path.write_bytes(data[:at])
        assert code(golden) != 0, (path, at)
        path.write_bytes(data)
    assert code(golden) == 0


class Refusing:
    """For each kind of file the check that verification makes of it alone: a thousand times as fast as all of them."""

    def __init__(self, folder, trust):
        self.folder, self.pinned = folder, trust_module.read_trust(trust)
        size = ledger.size(folder)
        self.held, self.known = key_history.read_history(folder), key_history.public_keys(folder)
        statements = [reading.read_statement(folder, index) for index in range(size)]
        self.bound = {name: digest for said in statements for name, digest in said.folder.items()}
        self.entries = {index: reading.read_envelope(folder, index) for index in range(size)}
        self.notes = {n: self.note((folder / layout.note_path(n)).read_bytes(), n) for n in range(1, size + 1)}

    def note(self, data, size):
        return key_history.check_note(data, size - 1, self.held, self.known)

    def refuses(self, name):
        if name in self.bound:
            return folder_comparison.digest_file(self.folder / name) != self.bound[name]
        data = (self.folder / name).read_bytes()
        number = int("".join(char for char in name.split("/")[-1].split(".")[0] if char.isdigit()) or 0)
        try:
            return self.alone(name, data, number)
        except VerificationError:
            return True

    def alone(self, name, data, number):
        if ".co/" in name:
            index = int(name.split("/")[1].split(".")[0])
            pair = {path.relative_to(self.folder).as_posix() for path in (self.folder / name).parent.iterdir()}
            return bool(
                entry_cosignatures.check_cosignatures(
                    self.folder, pair & same_stem(name), {index: self.entries[index].leaf_hash}, self.known
                )[2]
            )
        if name.startswith("entries/"):
            found, was = envelope.read_envelope(data), self.entries[number]
            if (found.leaf_hash, found.keyid) != (was.leaf_hash, was.keyid):
                return True
            envelope.check_signature(found, self.known[found.keyid])
        elif name.endswith(".note"):
            return self.note(data, number).root != self.notes[number].root
        elif name == leaf_hashes.PATH:
            leaf_hashes.split_hashes(data, self.notes[len(self.notes)])
        elif name.endswith((".tsr", ".cosigs")):
            found = checkpoint_evidence.check_evidence(
                self.folder, [name], self.notes, pinned=self.pinned, operators=set()
            )
            return bool(found.faults["witnesses"] or found.faults["timestamps"])
        return False  # only verification of all can tell


def same_stem(name):
    stem = name.removesuffix(".dsse.json").removesuffix(".pub.pem")
    return {f"{stem}.dsse.json", f"{stem}.pub.pem"}


def test_the_single_checks_refuse_nothing_that_is_whole(golden):
    check = Refusing(golden / "ledger", golden / "trust.yaml")
    assert [p for p in files(golden / "ledger") if check.refuses(p.relative_to(golden / "ledger").as_posix())] == []


def whole(root, name, at):
    """What the check of one file does not refuse, verification of all must."""
    assert code(root) != 0, (name, at)


@pytest.mark.full
def test_every_flipped_byte_fails(golden):
    check = Refusing(golden / "ledger", golden / "trust.yaml")
    for path in files(golden / "ledger"):
        name, size = path.relative_to(golden / "ledger").as_posix(), path.stat().st_size
        for at in range(size):
            harmed(path, at, at % 8)
            if not check.refuses(name):
                whole(golden, name, at)
            harmed(path, at, at % 8)
    assert code(golden) == 0


@pytest.mark.full
def test_every_truncation_fails(golden):
    check = Refusing(golden / "ledger", golden / "trust.yaml")
    for path in files(golden / "ledger"):
        name, data = path.relative_to(golden / "ledger").as_posix(), path.read_bytes()
        for size in reversed(range(len(data))):
            os.truncate(path, size)
            if not check.refuses(name):
                whole(golden, name, size)
        path.write_bytes(data)
    assert code(golden) == 0


def vouched_for(path):
    """A piece without what the log's own keys do not sign: keys that come with it, and lines of witnesses."""
    value = json.loads(path.read_bytes())
    head, _, lines = value["log"].rpartition("\n\n")
    return {**value, "keys": [], "log": [head, lines.splitlines()[0]]}


@pytest.mark.full
@pytest.mark.parametrize("piece", ["path.proof", "finding.proof", "record.proof", "absent.proof", "answer"])
def test_bytes_of_a_piece_count(golden, piece):
    path = golden / f"{piece}.json"
    size = path.stat().st_size
    assert ledger.verify(path, trust=golden / "pieces.yaml").exit_code == 0
    before = vouched_for(path)
    for at in range(0, size, 16):
        harmed(path, at, at // 16 % 8)
        found = ledger.verify(path, trust=golden / "pieces.yaml").exit_code
        assert found != 0 or vouched_for(path) == before, at
        harmed(path, at, at // 16 % 8)
