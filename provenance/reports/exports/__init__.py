"""Exports: what is made of findings for other tools, one file each with the verb `write`.

What was signed leaves a ledger in other forms through `ledger.exports`. To add one here: its file, a line in EXPORTS, a
case table.
"""

from __future__ import annotations

EXPORTS = {"removal-list": "Records to leave out, as Parquet (path, row, reason)."}
"""Every export by name with what it is."""
