"""A ledger without a scan of anything: what commands need that only look at ledgers."""

from pathlib import Path

import pytest

from provenance import ledger
from provenance.core.schemas import SEALED, empty


@pytest.fixture
def append():
    """Append an entry of empty tables to a ledger, signed with the user's own keys."""
    facts = {
        "kind": "draft",
        "scanner": {"name": "provenance", "version": "0.1.0", "digest": {"sha256": "ab" * 32}},
        "data": "corpus",
        "purpose": "commercial-service",
        "profiles": [{"name": "baseline", "digest": {"sha256": "cd" * 32}}],
        "startedOn": "2025-01-01T00:00:00Z",
        "finishedOn": "2025-01-01T00:00:01Z",
    }

    def run(folder, **changes):
        tables = {name: empty(schema) for name, schema in SEALED.items()}
        return ledger.append(Path(folder), tables, {}, facts | changes, keys=ledger.user_keys())

    return run
