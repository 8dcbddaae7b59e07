"""Exports: what leaves a ledger for other tools.

What is made of the findings is here, one file each with the verb `write`; what is made of what was signed is in
`ledger.exports`. To add one here: its file, a line in EXPORTS, a case table.
"""

from __future__ import annotations

from provenance.ledger.exports import FORMATS

EXPORTS = {"removal-list": "Records to leave out, as Parquet (path, row, reason).", **FORMATS}
"""Every export by name with what it is."""
