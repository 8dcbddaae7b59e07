"""`provenance witness`: three parties who exchange files."""

import shutil

import pytest
import yaml

from provenance import cli
from provenance.ledger import layout


@pytest.fixture
def parties(tmp_path, monkeypatch, append):
    """The owner's ledger of one scan; a witness's key; nothing in common but files."""
    monkeypatch.chdir(tmp_path)
    append("ledger")
    keygen = ["keygen", "--role", "witness", "--origin", "regulator.example/w1", "--out", "w", "--no-password"]
    assert cli.run(keygen) == 0
    return tmp_path


def cosign(*more):
    return cli.run(["witness", "cosign", "--key", "w", "-o", "signed.note", "--force", *more])


def ask(since):
    assert cli.run(["witness", "request", "ledger", "--since", str(since), "-o", "asked", "--force"]) == 0


def test_from_request_to_quorum(parties, append, capsys):
    assert cli.run(["witness", "vkey", "--key", "w"]) == 0
    vkey = capsys.readouterr().out.splitlines()[-1]
    assert vkey == (parties / "w" / "witness.vkey").read_text().strip()
    pins = [
        {"pem": (parties / "ledger" / name).read_text(), "roles": [role]}
        for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
    ]
    asked = {"quorum": 1, "keys": [{"vkey": vkey, "name": "The Regulator"}]}
    (parties / "trust.yaml").write_text(yaml.safe_dump({"keys": pins, "witnesses": asked}))
    verify = ["verify", "ledger", "--trust", "trust.yaml"]

    assert cli.run(verify) == 3
    ask(0)
    assert cosign("asked") == 2
    assert "name its key with --log" in capsys.readouterr().err
    assert cosign("asked", "--log", "ledger/keys/log.pub.pem") == 0
    assert cli.run(["witness", "add", "ledger", "signed.note", "--trust", "trust.yaml"]) == 0
    assert "regulator.example/w1: saw it at 20" in capsys.readouterr().out
    assert cli.run(verify) == 0
    assert "cosigned by The Regulator" in capsys.readouterr().out
    shutil.copy("signed.note", "held.note")

    append("ledger")
    assert cli.run(verify) == 3
    ask(1)
    assert cosign("ledger/checkpoints/2.note", "--proof", "asked") == 0
    assert cli.run(["witness", "add", "ledger", "signed.note"]) == 0
    assert "not checked" in capsys.readouterr().out
    # What the witness handed back is a checkpoint to hold, too.
    assert cli.run([*verify, "--since", "held.note"]) == 0


def test_a_stale_and_a_rewritten_ledger_are_refused(parties, append, capsys):
    shutil.copytree("ledger", "old", symlinks=True)
    append("ledger")
    ask(0)
    assert cosign("asked", "--log", "ledger/keys/log.pub.pem") == 0
    (parties / "signed.note").unlink()
    assert cosign("old/checkpoints/1.note") == 4
    assert "it is stale" in capsys.readouterr().err
    append("old", data="another")
    assert cosign("old/checkpoints/2.note") == 4
    assert "two views" in capsys.readouterr().err
    assert len(list(parties.glob("refused-*.json"))) == 2
    assert not (parties / "signed.note").exists()


def test_bare_lines_are_added_only_where_they_can_be_checked(parties, append, capsys):
    ask(0)
    assert cosign("asked", "--log", "ledger/keys/log.pub.pem") == 0
    lines = (parties / "signed.note").read_bytes()[len((parties / "ledger/checkpoints/1.note").read_bytes()) :]
    (parties / "lines").write_bytes(lines)
    append("ledger")  # the lines are not over its newest checkpoint
    pins = [
        {"pem": (parties / "ledger" / name).read_text(), "roles": [role]}
        for name, role in ((layout.STATEMENT_KEY, "statement"), (layout.LOG_KEY, "log"))
    ]
    vkey = (parties / "w" / "witness.vkey").read_text().strip()
    (parties / "trust.yaml").write_text(yaml.safe_dump({"keys": pins, "witnesses": {"quorum": 1, "keys": [{"vkey": vkey, "name": "w"}]}}))  # fmt: skip
    (parties / "other.yaml").write_text(yaml.safe_dump({"keys": pins}))
    add = ["witness", "add", "ledger", "lines"]
    for more in ([], ["--size", "1"], ["--trust", "other.yaml"]):
        assert cli.run([*add, *more]) == 2
        assert "bare lines do not say which checkpoint" in capsys.readouterr().err
    assert cli.run([*add, "--trust", "trust.yaml"]) == 2  # over another checkpoint
    assert not list((parties / "ledger").glob("checkpoints/*.cosigs"))
    assert cli.run([*add, "--trust", "trust.yaml", "--size", "1"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ledger/origin"], "signed checkpoint"),
        (["nothing"], "No such file"),
        (["other.note", "--proof", "asked"], "another checkpoint"),
        (["asked", "--log", "w/witness.pem"], "public key"),
        (["asked", "--log", "ledger/keys/statement.pub.pem"], "not the key of a log"),
        (["asked", "--key", "w/witness.pem"], "--name"),
        (["asked", "--key", "env:NOTHING", "--name", "w"], "env"),
    ],
)
def test_a_wrong_call_says_so(parties, append, arguments, said, capsys):
    ask(0)
    append("ledger")
    shutil.copy("ledger/checkpoints/2.note", "other.note")
    assert cosign(*arguments) in {2, 4}
    assert said in capsys.readouterr().err
