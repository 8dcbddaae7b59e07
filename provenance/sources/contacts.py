"""Names and contacts read again from the data: a ledger holds a role and an id, the manifests hold the name.

A manifest is read only where its bytes are those that CLAIMS binds; of one that is gone or was changed the ids stay.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from provenance.core import schemas
from provenance.sources import claims
from provenance.sources.privacy import identity
from provenance.sources.privacy.gate import Gate

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_KEYED = re.compile(r"(?<=[a-z][: ])[0-9a-f]{16}(?![0-9a-f])")


def read_contacts(tables: Mapping[str, pa.Table], data: str | os.PathLike[str]) -> pa.Table:
    """Read again whom manifests name, with the ids of the scan.

    Args:
        tables: FILES and CLAIMS of the scan, by name.
        data: the folder that was scanned.

    Returns:
        CONTACTS; its salts are no scan's. An address in a text has no id: no other table names it.
    """
    gate = Gate(identity.alone(), tables["files"]["path"].to_pylist())
    made = gate.clean(_read_statements(tables, Path(data)))
    ids = _match_ids(tables["claims"].to_pylist(), made)
    rows = [row | {"id": ids.get(row["id"], "")} for row in gate.contacts().to_pylist()]
    return schemas.rows(rows, schemas.CONTACTS)


def restore_names(tables: Mapping[str, pa.Table], data: str | os.PathLike[str]) -> dict[str, pa.Table]:
    """Put names in place of the ids of people: for a document that is handed to somebody, never for a ledger.

    Args:
        tables: the tables of a scan by name.
        data: the folder that was scanned.

    Returns:
        The tables; an id whose name is not at hand stays.
    """
    names = {
        row["id"]: row["value"]
        for row in read_contacts(tables, data).to_pylist()
        if row["kind"] == "person" and row["id"]
    }
    return {name: _rename_column(table, names) for name, table in tables.items()} if names else dict(tables)


def _read_statements(tables: Mapping[str, pa.Table], data: Path) -> claims.Rows:
    """Read the statements of manifests again, as they stand there."""
    digests = {row["manifest"]: row["digest"] for row in tables["claims"].select(["manifest", "digest"]).to_pylist()}
    rows: claims.Rows = []
    for file in tables["files"].select(["path", "role", "format"]).to_pylist():
        if file["role"] != "data" and file["path"] in digests and "!/" not in file["path"]:
            rows += claims.read_again(data, file["path"], file["format"], digests[file["path"]])
    return rows


def _match_ids(sealed: claims.Rows, made: claims.Rows) -> dict[str, str]:
    """Match ids that were made now with those of the scan: they stand in the same places of the same statements."""
    found: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for row in sealed:
        found[_mask_keys(row)].append(_find_keyed(row))
    ids: dict[str, str] = {}
    for row in made:
        there = found.get(_mask_keys(row), [])
        if len(there) == 1 or (there and all(each == there[0] for each in there)):
            ids |= dict(zip(_find_keyed(row), there[0], strict=True))
        elif there:
            ids |= dict(zip(_find_keyed(row), there.pop(0), strict=True))
    return ids


def _mask_keys(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_KEYED.sub("*", str(row[name])) for name in ("manifest", "field", "pointer", "value"))


def _find_keyed(row: Mapping[str, Any]) -> list[str]:
    return [each for name in ("pointer", "value") for each in _KEYED.findall(str(row[name]))]


def _rename_column(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table[field.name].combine_chunks().dictionary_encode()
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            new_names = [
                each if each is None else identity.ID.sub(lambda found: names.get(found[2], found[0]), each)
                for each in column.dictionary.to_pylist()
            ]
            values = pa.array(new_names, pa.string()).take(column.indices)
            table = table.set_column(place, field, values)
    return table
