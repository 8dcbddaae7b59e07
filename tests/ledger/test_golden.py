"""What was once written verifies for ever: ledgers that earlier versions wrote, kept as they were."""

import tarfile
from pathlib import Path

import pytest

from provenance import ledger

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.tar.gz"))


@pytest.mark.parametrize("packed", GOLDEN, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_an_old_ledger_verifies_and_grows(packed, home, sealed, tmp_path):
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path, filter="data")
    found = ledger.verify(tmp_path / "ledger", strict=True)
    assert found.exit_code == 3, found.lines()  # consistent; nobody here pinned its keys
    assert not [step for step in found.steps if step.status == "failed" and step.name != "keys"]
    assert ledger.tables(tmp_path / "ledger")["files"].num_rows == 2
    assert ledger.entries(tmp_path / "ledger", "declaration")[0][2]["by"]["name"] == "A. Person"
