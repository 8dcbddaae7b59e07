"""The words that columns of sealed tables hold, and no others: who reads a stranger's table holds it to them."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import (
    ANSWERED,
    ASSESSED,
    EVIDENCE,
    FIELD,
    METHODS,
    MODALITIES,
    OBSERVED,
    ROLES,
    SAYS,
    SEVERITIES,
    STATUSES,
    TEXTS,
    VIEWS,
)
from provenance.core.verdict_versions import FIRST_WORDS

VOCABULARIES: dict[str, dict[str, tuple[str, ...]]] = {
    "sources": {"evidence": EVIDENCE},
    "files": {"role": ROLES},
    "matches": {"view": VIEWS, "view_b": VIEWS, "method": METHODS},
    "overlaps": {"view": VIEWS, "view_b": VIEWS},
    "sketches": {"view": VIEWS},
    "references": {"view": VIEWS},
    "findings": {"severity": SEVERITIES},
    "coverage": {"status": STATUSES},
    "verdicts": {
        "modality": MODALITIES, "text": TEXTS, "answered_by": ANSWERED, "observed": OBSERVED, "assessed": ASSESSED,
        "declared": SAYS, "verdict": FIRST_WORDS,
    },
}  # fmt: skip
"""Columns of SEALED that hold one of these words, or null where that may be."""

_OF_COLUMNS = {"matches", "overlaps"}  # tables of which a view may also be that of one column of records
_COLUMN = rf"^{FIELD}:[^\x00-\x1f\x7f]{{1,64}}$"


def find_foreign_value(table: pa.Table | pa.RecordBatch, name: str) -> str | None:
    """Say which value is none of the words of its column.

    Args:
        table: rows of a table.
        name: of the table, as in SEALED.

    Returns:
        Column, value (cut) and words, in a few words; None where there is no such value.
    """
    for column, words in VOCABULARIES.get(name, {}).items():
        if column not in table.schema.names:
            continue  # a version that had no such column yet
        values = pc.unique(table[column].drop_null())
        others = values.filter(pc.invert(pc.is_in(values, pa.array(words, pa.string()))))
        if words is VIEWS and name in _OF_COLUMNS:
            others = others.filter(pc.invert(pc.match_substring_regex(others, _COLUMN)))
        if len(others):
            return f"its {column} is {json.dumps(others[0].as_py()[:40])}, none of {', '.join(words)}"
    return None
