"""Tables of somebody else's ledger: they are decoded elsewhere, and what happens there is not always their fault."""

import pytest

from provenance import ledger
from provenance.cli import run
from provenance.errors import ProcessKilled
from provenance.ledger.format import bounded_tables


@pytest.fixture
def killing(monkeypatch):
    """Kill the process that decodes before it is asked, so many times: `killing(count)`."""
    exchange, left = bounded_tables._Decoder._exchange, []

    def kill(decoder, request):
        if left and decoder._child is not None:
            left.pop()
            decoder._child.process.kill()
        return exchange(decoder, request)

    monkeypatch.setattr(bounded_tables._Decoder, "_exchange", kill)

    def begin(count):
        bounded_tables._decoder.end_process()
        start = bounded_tables.ConfinedProcess
        monkeypatch.setattr(bounded_tables, "ConfinedProcess", lambda module: _killed(start(module), left))
        left.extend([None] * count)

    return begin


def _killed(process, left):
    if left:
        left.pop()
        process.process.kill()
        process.process.wait()
    return process


@pytest.mark.parametrize("killed", [1, 2])
def test_a_process_that_somebody_killed_is_replaced(world, killing, killed):
    killing(killed)
    assert ledger.read_tables(world / "ledger")["files"].num_rows == 2


def test_no_table_is_to_blame_for_processes_that_somebody_killed(world, killing, capsys):
    killing(1000)
    with pytest.raises(ProcessKilled):
        ledger.read_tables(world / "ledger")
    for command, code in (("show", 4), ("verify", 2)):  # 2 of verify: it ended before it had an answer
        assert run([command, str(world / "ledger")]) == code
        out, said = capsys.readouterr()
        assert "was killed again and again" in (out if command == "verify" else said)
        assert ("FAILED: tables" in out, "is invalid" in out) == (False, False)
        assert len(said.splitlines()) == (command == "show")
