"""Who shows a ledger that does not verify says so, prints nothing of it, and ends with a code that is not 0."""

import json
import re
import shutil
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import provenance as pv
from provenance import ledger
from provenance.cli import run
from provenance.errors import VerificationError
from provenance.ledger.format import envelope

GOLDEN = Path(__file__).parents[1] / "ledger" / "golden"

COMMANDS = {
    "show": ["show", "LEDGER"],
    "show json": ["show", "LEDGER", "--format", "json"],
    "explain": ["explain", "0123", "--ledger", "LEDGER"],
    "report html": ["report", "LEDGER", "--format", "html", "-o", "OUT"],
    "report json": ["report", "LEDGER", "--format", "json", "-o", "-"],
    "report sarif": ["report", "LEDGER", "--format", "sarif", "-o", "OUT"],
    "report text": ["report", "LEDGER", "--format", "text", "-o", "OUT"],
    "removal list": ["export", "LEDGER", "--format", "removal-list", "-o", "OUT"],
    "pae": ["export", "LEDGER", "--format", "pae", "-o", "OUT"],
    "sigstore": ["export", "LEDGER", "--format", "sigstore", "-o", "OUT"],
    "tar": ["export", "LEDGER", "--format", "tar", "-o", "OUT"],
    "diff": ["diff", "LEDGER", "LEDGER"],
}
"""Every command that reads a ledger and takes --unverified."""

WITHOUT_FLAG = {
    "filing": ["report", "LEDGER", "--format", "clause-matrix-md", "-o", "OUT"],
    "prove": ["prove", "LEDGER", "--coverage", "licence-missing", "-o", "OUT"],
    "guard": ["guard", "DATA", "--ledger", "LEDGER"],
    "reproduce": ["reproduce", "LEDGER", "--data", "DATA"],
}
"""Every command that reads a ledger and rests something on it."""


WRITERS = {
    "index": ["index", "build", "DATA", "--kind", "benchmark", "-o", "OUT"],
    "timestamp": ["timestamp", "request", "LEDGER", "-o", "OUT"],
    "witness": ["witness", "request", "LEDGER", "--since", "0", "-o", "OUT"],
}
"""Further commands that write where they are told to."""


def flip(path, at=-9):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def forge(folder):
    """The newest entry says something else, and its signature is over what it said before."""
    path = folder / "entries" / "00000000.dsse.json"
    sealed = json.loads(path.read_bytes())
    from base64 import b64decode, b64encode

    payload = b64decode(sealed["payload"]).replace(b'"data":"corpus"', b'"data":"corpse"')
    path.write_bytes(path.read_bytes().replace(sealed["payload"].encode(), b64encode(payload)))


def swap(folder):
    """The newest entry bears a signature in good form, over something else."""
    path, other = folder / "entries" / "00000000.dsse.json", ec.generate_private_key(ec.SECP256R1())
    sealed = json.loads(path.read_bytes())
    forged = json.loads(envelope.seal_payload(b"something else", other))["signatures"][0]["sig"]
    path.write_bytes(path.read_bytes().replace(sealed["signatures"][0]["sig"].encode(), forged.encode()))


HARMS = {
    "statement": forge,
    "signature": swap,
    "checkpoint": lambda folder: flip(folder / "checkpoints" / "1.note"),
    "origin": lambda folder: (folder / "origin").write_text("another.example/log\n"),
    "table": lambda folder: flip(folder / "scans" / "00000000" / "findings.parquet"),
    "head": lambda folder: (folder / "checkpoints" / "1.note").unlink(),
}


def called(words, folder):
    places = {"LEDGER": folder / "ledger", "OUT": folder / "out", "DATA": folder / "data"}
    return run([str(places.get(word, word)) for word in words])


@pytest.fixture
def world(append, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    append(tmp_path / "ledger")
    return tmp_path


@pytest.mark.parametrize("harm", ["signature", "checkpoint", "statement"])
@pytest.mark.parametrize("name", [*COMMANDS, *WITHOUT_FLAG])
def test_nothing_is_shown_of_what_does_not_verify(world, capfd, name, harm):
    HARMS[harm](world / "ledger")
    assert called((COMMANDS | WITHOUT_FLAG)[name], world) in {1, 4}
    said = capfd.readouterr()
    if name != "guard":  # whose answer is a refusal
        assert said.out == ""
        assert "verify" in said.err
        assert len(said.err.splitlines()) == 1
    assert not (world / "out").exists()


@pytest.mark.parametrize("harm", HARMS)
def test_each_harm_is_seen(world, capfd, harm):
    HARMS[harm](world / "ledger")
    assert called(COMMANDS["show"], world) == 4
    with pytest.raises(VerificationError):
        pv.open_ledger(world / "ledger")


@pytest.mark.parametrize("harm", ["signature", "checkpoint", "table", "origin"])
@pytest.mark.parametrize("name", ["show", "show json", "report text", "report json", "removal list", "diff"])
def test_a_flag_reads_it_all_the_same_and_warns_first(world, capfd, name, harm):
    HARMS[harm](world / "ledger")
    code = called([*COMMANDS[name], "--unverified"], world)
    said = capfd.readouterr()
    if harm == "table" and "cannot be read" in said.err:
        assert code == 4
        return  # the bytes are no table any more
    assert code == 0
    assert said.err.startswith("provenance: warning: ")
    assert "does not verify, and is read all the same" in said.err.splitlines()[0]


def test_a_filing_is_made_of_nothing_that_does_not_verify(world, capfd):
    assert called([*WITHOUT_FLAG["filing"], "--unverified"], world) == 2
    assert "a document that a person signs" in capfd.readouterr().err


def test_the_interface_reads_it_on_demand(world):
    HARMS["signature"](world / "ledger")
    found = pv.open_ledger(world / "ledger", verified=False)
    assert "does not verify, and is read all the same" in found.notices[0]
    assert found.findings.empty


@pytest.mark.parametrize("name", ["show", "show json", "report text"])
def test_a_strangers_ledger_is_read_and_whose_keys_is_said(world, monkeypatch, capfd, name):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(world / "another"))
    assert called(COMMANDS[name], world) == 0
    (line,) = capfd.readouterr().err.splitlines()
    assert "not pinned: SHA256:" in line


def test_ones_own_ledger_is_read_without_a_word(world, capfd):
    assert called(COMMANDS["show"], world) == 0
    assert capfd.readouterr().err == ""


def test_an_entry_that_was_not_asked_for_is_not_looked_at(world, append):
    append(world / "ledger")
    flip(world / "ledger" / "entries" / "00000000.dsse.json", -20)
    assert ledger.open_reader(world / "ledger").index == 1
    with pytest.raises(VerificationError):
        ledger.open_reader(world / "ledger", 0)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_golden_ledgers_are_read(tmp_path, version):
    with tarfile.open(GOLDEN / f"{version}.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    folder = tmp_path / "ledger"
    for index in range(ledger.size(folder)):
        reader = ledger.open_reader(folder, index)
        assert reader.index == index
        assert reader.root == ledger.verify(folder).root


def test_a_ledger_that_is_exchanged_meanwhile_is_noticed(world, append):
    """What was checked is what is read, though another sound ledger of the same owner takes its place."""
    append(world / "other", data="another")
    reader = ledger.open_reader(world / "ledger")
    (world / "ledger").rename(world / "gone")
    shutil.copytree(world / "other", world / "ledger", symlinks=True)
    assert ledger.verify(world / "ledger").root != reader.root
    assert reader.statement().predicate["data"] == "corpus"
    for name, data in (("findings", b"x"), ("files", b"")):
        (world / "ledger" / "scans" / "00000000" / f"{name}.parquet").write_bytes(data)
        with pytest.raises(VerificationError, match="is not what entry 0 binds"):
            reader.tables(names=[name])


@pytest.mark.parametrize("place", ["ledger/out", "ledger/scans/00000000/report.html", "ledger/keys/out", "link/out"])
@pytest.mark.parametrize("name", ["report html", "pae", "removal list", "prove", "index", "timestamp", "witness"])
def test_nothing_is_written_into_a_ledger(world, capfd, place, name):
    (world / "data" / "works.txt").write_text("a work\n")
    (world / "link").symlink_to(world / "ledger" / "entries")
    words = [str(world / place) if word == "OUT" else word for word in (COMMANDS | WITHOUT_FLAG | WRITERS)[name]]
    before = sorted(world.rglob("*"))
    assert called(words, world) in {2, 4}
    assert re.search("in (a|the) ledger", capfd.readouterr().err)
    assert sorted(world.rglob("*")) == before
