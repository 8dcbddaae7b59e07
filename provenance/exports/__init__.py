"""Exports: what leaves a ledger for other tools, one file each with the verb `write`.

To add one: its file, a line in EXPORTS, a case table.
"""

from __future__ import annotations

EXPORTS = {"removal-list": "Records to leave out, as Parquet (path, row, reason)."}
"""Every export by name with what it is."""
