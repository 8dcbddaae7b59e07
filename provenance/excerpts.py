"""The words of a record, read back from the data and never kept: from (path, row) to RECORDS.

A ledger holds no text. Who has the data may look: a file is read once more, and what it holds is shown only if its
bytes are those that were scanned. Values of personal data are masked unless asked for.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance import records, schemas, statements
from provenance.errors import ConfigError, DigestMismatch, InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Mapping

EXCERPTS = pa.schema([schemas.OBSERVATIONS.field("path"), *schemas.RECORDS], metadata={"table": "EXCERPTS"})


def read(
    tables: Mapping[str, pa.Table],
    data: str | os.PathLike[str],
    places: Iterable[tuple[str, int]],
    *,
    masked: bool = True,
) -> pa.Table:
    """Read records back.

    Args:
        tables: FILES and CLAIMS of the scan, by name.
        data: the folder that was scanned.
        places: path and row of each record, as MATCHES and FINDINGS name them.
        masked: whether [email], [phone], ... stand in the place of personal data.

    Returns:
        `path` and the columns of RECORDS; one row a place, in the order given.

    Raises:
        ConfigError: there is no such record in the scan.
        InputError: a file is not there any more.
        DigestMismatch: a file is not the one that was scanned.
    """
    asked = [(path, int(row)) for path, row in places]
    known = {row["path"]: row for row in tables["files"].select(["path", "role", "records", "sha256"]).to_pylist()}
    wanted: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path, row in asked:
        if path not in known or known[path]["role"] != "data" or not 0 <= row < known[path]["records"]:
            raise ConfigError(f"there is no record {row} of {path} in this audit")
        wanted[path.split("!/", 1)[0]][path].add(row)
    views = statements.views(tables["claims"].to_pylist())
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for outer, rows in wanted.items():
        roles = records.overridden(statements.nearest(outer, views))
        found |= _file(Path(data), outer, rows, known[outer]["sha256"], roles)
    shown = [_masked(found[place]) if masked else found[place] for place in asked]
    return pa.Table.from_pylist(shown, schema=EXCERPTS)


def _masked(row: Mapping[str, Any]) -> dict[str, Any]:
    from provenance.detectors.personal_data import mask

    return {name: mask(value) if isinstance(value, str) and name != "path" else value for name, value in row.items()}


def _file(
    data: Path, outer: str, wanted: Mapping[str, Collection[int]], sha256: str | None, roles: records.Roles
) -> dict[tuple[str, int], dict[str, Any]]:
    """Read some records of a file and of its members; its last account says which bytes they came from."""
    if Path(outer).is_absolute() or ".." in Path(outer).parts:
        raise ConfigError(f"{outer} is not inside the data")
    found: dict[tuple[str, int], dict[str, Any]] = {}
    digest = reason = None
    for item in records.read(str(data / outer), outer, roles=roles):
        if isinstance(item, records.Account):
            digest, reason = item.sha256, item.skip_reason
        elif isinstance(item, records.Batch) and item.path in wanted:
            rows = pa.array(sorted(wanted[item.path]), pa.int64())
            table = item.table.filter(pc.is_in(item.table["row"], value_set=rows))
            found |= {(item.path, row["row"]): row | {"path": item.path} for row in table.to_pylist()}
    if digest is None:
        raise InputError(f"{outer} cannot be read back from {data}: {reason}")
    if digest != sha256:
        raise DigestMismatch(f"{outer} is not the file that was scanned: its bytes have another digest")
    return found
