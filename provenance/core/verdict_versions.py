"""Versions of the table VERDICTS: the first had one word an element, `verdict`; the second says who says what.

A ledger is for ever: entries with the first version go on verifying, and are shown in the words of the second, with the
word that was signed beside it. Which version a table is, its columns say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance.core import schemas

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FIRST_WORDS = ("does not conform", "not evidenced", "no contrary evidence", "conforms", "not applicable")
"""The words of the column `verdict` of the first version."""

_SECOND = ("observed", "assessed", "assessor")
_WHOLE = "everything that was not left out was read"
"""How the first version says that nothing was left unread; it said `no contrary evidence` in other cases, too."""
_STALE = "which does not count"
"""How the first version says that an answer was given for other data, or had ended."""


def _make_first() -> pa.Schema:
    """Return the schema of the first version: `verdict` in the place of what the second has."""
    fields = [field for field in schemas.VERDICTS if field.name not in _SECOND]
    place = [field.name for field in fields].index("reason")
    word = pa.field("verdict", pa.string(), nullable=False, metadata={"doc": " | ".join(FIRST_WORDS)})
    metadata = {b"table": b"VERDICTS", b"grain": schemas.VERDICTS.metadata[b"grain"], b"version": b"1"}
    return pa.schema([*fields[:place], word, *fields[place:]], metadata=metadata)


FIRST = _make_first()


def choose_schema(name: str, columns: Collection[str]) -> pa.Schema | None:
    """Return the schema that a stored table is held to.

    Args:
        name: of the table, as in SEALED or OPTIONAL.
        columns: names of the columns that are stored.

    Returns:
        The schema of its version; None of a table that this version does not know.
    """
    if name == "verdicts" and "verdict" in columns and not {*_SECOND} & {*columns}:
        return FIRST
    return (schemas.SEALED | schemas.OPTIONAL).get(name)


def read_first(table: pa.Table) -> pa.Table:
    """Say in the words of the second version what the first said.

    Args:
        table: VERDICTS of the first version, with all of its columns.

    Returns:
        VERDICTS. Nothing is milder than what was signed, and the signed word stands in `reason`. Who declared something
        is in the entry that `declared_in` names; the first version did not say it here.
    """
    return schemas.rows([_read_row(row) for row in table.to_pylist()], schemas.VERDICTS)


def _read_row(row: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in row.items() if name != "verdict"}
    observed = _observe_machine(row) if row["answered_by"] == "machine" else _observe_person(row)
    reason = f"signed as {row['verdict']!r}: {row['reason']}"
    return rest | {"observed": observed, "assessed": _assess(row), "assessor": None, "reason": reason}


def _observe_machine(row: Mapping[str, Any]) -> str:
    if row["findings"]:
        return "open point"
    clean = row["verdict"] in {"no contrary evidence", "conforms"} and row["reason"].startswith(_WHOLE)
    return "nothing found in what was examined" if clean else "not examined"


def _observe_person(row: Mapping[str, Any]) -> str:
    return "evidence missing" if row["verdict"] == "not evidenced" else "not examined"


def _assess(row: Mapping[str, Any]) -> str | None:
    """Return what a person's answer came to; what the tool concluded by itself is nobody's assessment."""
    if row["declared"] is None or _STALE in row["reason"]:
        return None
    if row["declared"] == "no" and row["verdict"] != "not applicable":
        return "does not conform"
    answers = {"conforms": "conforms", "no contrary evidence": "conforms", "not applicable": "not applicable"}
    return answers.get(row["verdict"])
