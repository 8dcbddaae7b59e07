"""What commands take by path."""

import pytest

from provenance.cli import run

NO_LEDGER = "{tmp}/none is no ledger; `provenance scan DATA"
NO_FILE = "{tmp}/missing cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("witness request none -o x", NO_LEDGER),
        ("witness add none missing", NO_LEDGER),
        ("timestamp request none -o x", NO_LEDGER),
        ("timestamp attach none missing", NO_LEDGER),
        ("timestamp revocations none missing", NO_LEDGER),
        ("timestamp none --tsa http://127.0.0.1:9/", NO_LEDGER),
        ("key list none", NO_LEDGER),
        ("key add none missing --role waiver", NO_LEDGER),
        ("key certificate none missing", NO_LEDGER),
        ("prove none --source a -o x", NO_LEDGER),
        ("challenge none --nonce 0011223344556677 --count 1 --data none -o x", NO_LEDGER),
        ("key certificate ledger missing", NO_FILE),
        ("key add ledger missing --role waiver", NO_FILE),
        ("witness add ledger missing", NO_FILE),
        ("witness cosign missing --key w -o x", NO_FILE),
        ("timestamp attach ledger missing", NO_FILE),
        ("timestamp revocations ledger missing", NO_FILE),
        ("prove ledger --absent missing -o x", NO_FILE),
        ("prove ledger --absent ledger -o x", "ledger cannot be read: Is a directory"),
        ("prove ledger --source a --entry 7 -o x", "has no entry 7; its entries are 0 to 0"),
        ("prove ledger --finding 0123 -o x", "is no fingerprint"),
    ],
)
def test_what_is_not_there_is_a_wrong_call(tmp_path, monkeypatch, append, capfd, arguments, said):
    monkeypatch.chdir(tmp_path)
    append("ledger")
    (tmp_path / "none").mkdir()
    given = [str(tmp_path / each) if each in {"none", "missing"} else each for each in arguments.split()]
    assert run(given) == 2
    assert said.format(tmp=tmp_path) in capfd.readouterr().err
    assert not (tmp_path / "x").exists()


# what is closed, and the command line that names it or needs it
CLOSED = [
    ("ledger", "scan data --ledger ledger"),
    ("ledger", "verify ledger"),
    ("ledger", "show ledger"),
    ("ledger", "diff ledger ledger"),
    ("ledger", "export ledger --format tar -o x"),
    ("ledger", "report ledger --format json -o x"),
    ("ledger", "prove ledger --source a -o x"),
    ("ledger", "reproduce ledger --data data"),
    ("ledger/checkpoints", "scan data --ledger ledger"),
    ("ledger/checkpoints", "verify ledger"),
    ("ledger/checkpoints", "show ledger"),
    ("ledger/checkpoints", "guard data --ledger ledger"),
    ("ledger/entries", "verify ledger"),
    ("config", "scan data --ledger ledger"),
    ("config", "verify ledger"),
    ("config", "guard data --ledger ledger"),
    ("config/keys", "scan data --ledger ledger"),
    ("config/keys", "verify ledger"),
    ("file", "scan data --ledger ledger --waivers file"),
    ("file", "scan data --ledger ledger --key file"),
    ("file", "scan data --ledger ledger --reference file"),
    ("file", "verify ledger --trust file"),
    ("file", "verify ledger --since file"),
    ("file", "guard data --ledger ledger --policy file"),
    ("file", "declare ledger file"),
]


@pytest.mark.parametrize(("closed", "arguments"), CLOSED, ids=[f"{line} ({closed})" for closed, line in CLOSED])
def test_what_may_not_be_read_is_a_wrong_call(tmp_path, monkeypatch, append, close, capfd, closed, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "config"))
    append("ledger")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    (tmp_path / "file").write_text("")
    close(tmp_path / closed)
    assert run(arguments.split()) == 2
    said = "".join(capfd.readouterr())
    assert "Permission denied" in said or "is not readable" in said or "may not" in said, said
    assert "Traceback" not in said
    assert "a fault in this program" not in said
