"""A ledger without a scan of anything: what commands need that only look at ledgers."""

from pathlib import Path

import pytest

from provenance import ledger
from provenance.core.schemas import SEALED, empty
from tests.conftest import SCAN_FACTS


@pytest.fixture
def append():
    """Append an entry of empty tables to a ledger, signed with the user's own keys."""

    def run(folder, **changes):
        tables = {name: empty(schema) for name, schema in SEALED.items()}
        return ledger.append(Path(folder), tables, {}, SCAN_FACTS | changes, keys=ledger.user_keys())

    return run
