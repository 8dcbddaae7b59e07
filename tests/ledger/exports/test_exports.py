"""What all exports share: who may be asked for what, and where it may be written."""

import sys
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import asymmetric

from provenance import ledger
from provenance.cli import run
from provenance.errors import ConfigError, InputError, ProvenanceError
from provenance.ledger.exports import EXPORTS, ExportRequest, write
from provenance.ledger.format import sm2_signature
from provenance.reports import exports


def test_every_format_is_explained_and_offered(capsys):
    assert run(["export", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name} " in told for name in (*exports.EXPORTS, *EXPORTS))


def _makes(monkeypatch, format_, chunks):
    form = replace(EXPORTS[format_], export=lambda *_: (chunks, ()))
    monkeypatch.setitem(EXPORTS._members(), format_, form)


def test_an_entry_is_chosen_by_its_number(world, tmp_path):
    for index in (None, 0, 1):
        write(world / "ledger", tmp_path / "out", "pae", ExportRequest(index))
        said = (tmp_path / "out").read_bytes()
        assert b'"index":%d,' % (1 if index is None else index) in said
    with pytest.raises(InputError, match="has no entry 2"):
        write(world / "ledger", tmp_path / "out", "pae", ExportRequest(2))


@pytest.mark.parametrize(
    ("format_", "target"),
    [
        ("pae", "ledger/pae"),
        ("tar", "ledger/scans/x.tar"),
        ("pae", "ledger/entries/00000001.co/pae.dsse.json"),
        ("sm2", "ledger/entries/00000001.co/sm2.dsse.json"),
    ],
)
def test_no_file_may_lie_in_the_ledger(world, monkeypatch, format_, target):
    _makes(monkeypatch, format_, [b"made"])
    with pytest.raises(ConfigError, match="would lie in the ledger"):
        write(world / "ledger", world / target, format_, ExportRequest())
    assert not (world / target).exists()


@pytest.mark.parametrize("format_", [form.name for form in EXPORTS.values() if form.public is None])
def test_only_a_cosignature_may_stand_in_the_ledger(world, format_):
    with pytest.raises(ConfigError, match="name the file to write with -o"):
        write(world / "ledger", None, format_, ExportRequest())


def test_a_fault_on_the_way_leaves_no_file(world, tmp_path, monkeypatch):
    def broken(*_):
        yield b"half"
        raise InputError("gone")

    _makes(monkeypatch, "tar", broken())
    with pytest.raises(InputError, match="gone"):
        write(world / "ledger", tmp_path / "out.tar", "tar", ExportRequest())
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


@pytest.mark.parametrize("format_", list(EXPORTS))
def test_a_damaged_entry_is_not_exported(world, tmp_path, format_):
    path = world / "ledger" / "entries" / "00000001.dsse.json"
    data = path.read_bytes()
    path.write_bytes(data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
    with pytest.raises(ProvenanceError):
        write(world / "ledger", tmp_path / "out", format_, ExportRequest())
    assert not (tmp_path / "out").exists()


def test_an_entry_whose_key_is_not_in_the_ledger_is_not_exported(world, tmp_path):
    (world / "ledger" / "keys" / "statement.pub.pem").unlink()
    with pytest.raises(ProvenanceError, match="holds no key SHA256:"):
        write(world / "ledger", tmp_path / "out", "sigstore", ExportRequest())


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["LEDGER", "--format", "pae", "-o", "out"], 0, "Written: out, "),
        (["pae", "LEDGER", "-o", "out"], 0, "Written: out, "),
        (["pae", "LEDGER", "--format", "pae", "-o", "out"], 0, "Written: out, "),
        (["pae", "LEDGER", "--format", "tar", "-o", "out"], 2, "one word too many"),
        (["LEDGER", "pae", "-o", "out"], 2, "LEDGER' is not one of removal-list, sigstore"),
        (["LEDGER", "-o", "out"], 2, "name a --format: removal-list, sigstore"),
        (["LEDGER", "--format", "slsa", "-o", "out"], 2, "is not one of 'removal-list'"),
        (
            ["LEDGER", "--format", "sigstore", "--withhold", "x", "-o", "out"],
            2,
            "--withhold goes with --format tar alone",
        ),
        (
            ["LEDGER", "--format", "pae", "--certificate", "x", "-o", "out"],
            2,
            "--certificate goes with --format cms alone",
        ),
        (
            ["LEDGER", "--format", "tar", "--severity", "note", "-o", "out"],
            2,
            "--severity goes with --format removal-list",
        ),
        (
            ["LEDGER", "--format", "pae", "--key", "x", "-o", "out"],
            2,
            "--key goes with --format oms, cms, sm2, sm3 or mldsa65",
        ),
        (["LEDGER", "--format", "tar", "--index", "0", "-o", "out"], 2, "--index goes with"),
        (["LEDGER", "--format", "pae", "--index", "9", "-o", "out"], 2, "has no entry 9"),
        (
            ["LEDGER", "--format", "sm2", "--key", "world", "-o", "out"],
            2,
            "name the PEM file of the SM2 or ML-DSA-65 key",
        ),
        (["nothing-here", "--format", "pae", "-o", "out"], 2, "nothing-here is no ledger"),
        (["LEDGER", "--format", "cms", "-o", "out"], 2, "name its PEM file with --certificate"),
        (["LEDGER", "--format", "mldsa65", "-o", "out"], 2, "with --key"),
        (
            ["LEDGER", "--format", "mldsa65", "--key", "none.pem", "-o", "out"],
            2,
            "none.pem cannot be read: No such file",
        ),
        (["LEDGER", "--format", "mldsa65", "--key", "env:NONE", "-o", "out"], 2, "variable NONE is not set"),
        (["LEDGER", "--format", "mldsa65", "--key", "/", "-o", "out"], 2, "/ cannot be read: "),
        (["LEDGER", "--format", "pae", "-o", "LEDGER/origin/out"], 2, "is in a ledger"),
        (["LEDGER", "--format", "pae", "-o", "world/data/a.jsonl/out"], 2, "cannot be written"),
    ],
)
def test_command(world, capsys, words, code, told):
    told = told.replace("LEDGER", str(world / "ledger"))
    said = run(["export", *(word.replace("LEDGER", str(world / "ledger")) for word in words)])
    out = capsys.readouterr()
    assert (said, told in out.out + out.err) == (code, True), out


def test_who_has_no_keys_is_told_which_are_needed(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "stranger"))
    with pytest.raises(ConfigError, match="there are no keys"):
        write(world / "ledger", tmp_path / "out", "oms", ExportRequest())
    ledger.user_keys()
    with pytest.raises(ConfigError, match="entry 1 is signed with another key"):
        write(world / "ledger", tmp_path / "out", "oms", ExportRequest())
    write(world / "ledger", tmp_path / "out", "oms", ExportRequest(key=str(world / "home" / "keys")))


@pytest.mark.parametrize(
    ("format_", "module", "extra"),
    [
        ("sm2", "gmalg", "sm2"),
        ("sm3", "gmalg", "sm2"),
        ("mldsa65", "cryptography.hazmat.primitives.asymmetric.mldsa", "mldsa"),
    ],
)
def test_an_absent_extra_is_one_sentence(world, tmp_path, monkeypatch, capsys, format_, module, extra):
    _, public = pytest.importorskip("gmalg").SM2().generate_keypair()
    (tmp_path / "key.pem").write_bytes(sm2_signature.SM2Key(public).pem)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(asymmetric, "mldsa", raising=False)
    words = [
        str(world / "ledger"),
        "--format",
        format_,
        "-o",
        str(tmp_path / "out"),
        "--key",
        str(tmp_path / "key.pem"),
    ]
    assert run(["export", *words]) == 4
    said = capsys.readouterr().err
    assert said.startswith("provenance: to ")
    assert said.endswith(f"install the extra: pip install 'provenance-auditor[{extra}]'\n")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
