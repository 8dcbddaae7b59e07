"""The words of a record, read back from the data and never kept: from (path, row) to RECORDS.

A ledger holds no text. Who has the data may look: a file is read once more, and what it holds is shown only if its
bytes are those that were scanned. Values of personal data are masked unless asked for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import path_names, schemas
from provenance.errors import ConfigError, DigestMismatch, InputError
from provenance.readers import records
from provenance.readers.records import record_trees
from provenance.sources import claims

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Iterator, Mapping

RECORD_FIELDS = [field for field in schemas.RECORDS if field.name not in {"aside", "named", "fields", "short_fields"}]
"""Columns of RECORDS that people read: the others are for detectors, or in these."""

EXCERPTS = pa.schema([schemas.OBSERVATIONS.field("path"), *RECORD_FIELDS], metadata={"table": "EXCERPTS"})


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
    record_places = [(path, int(row)) for path, row in places]
    known = {row["path"]: row for row in tables["files"].select(["path", "role", "records", "sha256"]).to_pylist()}
    wanted: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for path, row in record_places:
        if path not in known or known[path]["role"] != "data" or not 0 <= row < known[path]["records"]:
            raise ConfigError(f"there is no record {row} of {path} in this audit")
        wanted[path_names.on_disk(path)][path].add(row)
    views = claims.find_overrides(tables["claims"].to_pylist())
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for outer, rows in wanted.items():
        roles = records.override_roles(claims.nearest_overrides(outer, views))
        found |= _read_rows(Path(data), outer, rows, known[outer]["sha256"], roles)
    if lost := next((place for place in record_places if place not in found), None):
        raise InputError(
            f"record {lost[1]} of {lost[0]} was not found again: an older version named or read it otherwise"
        )
    shown = [_mask_row(found[place]) if masked else found[place] for place in record_places]
    return pa.Table.from_pylist(shown, schema=EXCERPTS)


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One record and the record tree of its file: what a proof of it is made of.

    Args:
        line: what the leaf stands for, see `records.trees`.
        text: its view `whole`; None where it has none.
        index: number of the leaf, from 0.
        leaves: uint8[n, 32]: the hash of every leaf of the tree, in order.
        root: of the tree, hexadecimal, as FILES has it.
    """

    line: bytes
    text: str | None
    index: int
    leaves: Any
    root: str


def read_leaf(
    tables: Mapping[str, pa.Table], data: str | os.PathLike[str], path: str, row: int, *, secret: bytes
) -> Leaf:
    """Read one file again and find the leaf of one of its records.

    Args:
        tables: FILES and CLAIMS of the scan, by name.
        data: the folder that was scanned.
        path: of the file, or of a member of an archive, as in FILES.
        row: number of the record, as in MATCHES.
        secret: what the scan's record trees were salted with.

    Returns:
        The leaf, under the root that the scan sealed.

    Raises:
        ConfigError: there is no such record in the scan, no record tree of its file, or no leaf of it.
        InputError: the file is not there any more.
        DigestMismatch: it is not the one that was scanned, or the secret is another.
    """
    known = {each["path"]: each for each in tables["files"].to_pylist()}
    file_row = known.get(path)
    if file_row is None or file_row["role"] != "data" or not 0 <= row < file_row["records"]:
        raise ConfigError(f"there is no record {row} of {path} in this audit")
    if file_row["records_root"] is None:
        raise ConfigError(f"no record tree was made of {path}; scan with --assess or --records")
    outer = path_names.on_disk(path)
    roles = records.override_roles(claims.nearest_overrides(outer, claims.find_overrides(tables["claims"].to_pylist())))
    found: Leaf | None = None
    salting, growing = record_trees.FileSalts(secret, path), _Leaves()
    for item in _read_items(Path(data), outer, roles, known[outer]["sha256"]):
        if item.path == path and isinstance(item, records.Batch):
            growing.add(item.table, salting, row)
        elif item.path == path and isinstance(item, records.Account):
            if growing.tree.compute_root() == file_row["records_root"]:  # an archive may hold two members of one name
                found = growing.leaf(secret, path, row)
            growing = _Leaves()
    if found is None:
        raise DigestMismatch(f"the record tree of {path} was salted with another secret; put its salts.key back")
    return found


class _Leaves:
    """A record tree of which every leaf is kept."""

    def __init__(self) -> None:
        self.tree, self.text = record_trees.RecordTreeBuilder(), cast("str | None", None)
        self._leaves: list[Any] = []
        self._rows: list[Any] = []

    def add(self, batch: pa.RecordBatch, salting: record_trees.FileSalts, row: int) -> None:
        self._leaves.append(salting.hash_leaves(batch))
        self._rows.append(batch["row"].to_numpy())
        self.tree.add_leaves(self._leaves[-1])
        at = np.searchsorted(self._rows[-1], row)
        if at < len(batch) and self._rows[-1][at] == row:
            self.text = batch["whole"][at].as_py()

    def leaf(self, secret: bytes, path: str, row: int) -> Leaf:
        rows = np.concatenate(self._rows)
        index = int(np.searchsorted(rows, row))
        if index == len(rows) or rows[index] != row:
            raise ConfigError(f"record {row} of {path} stands in a part that could not be read, and has no leaf")
        line = record_trees.make_line(secret, path, row, self.text)
        return Leaf(line, self.text, index, np.concatenate(self._leaves), str(self.tree.compute_root()))


def _mask_row(row: Mapping[str, Any]) -> dict[str, Any]:
    from provenance.detectors.personal_data import mask_values

    return {
        name: mask_values(value) if isinstance(value, str) and name != "path" else value for name, value in row.items()
    }


def _read_rows(
    data: Path, outer: str, wanted: Mapping[str, Collection[int]], sha256: str | None, roles: records.Roles
) -> dict[tuple[str, int], dict[str, Any]]:
    """Read some records of a file and of its members; its last account says which bytes they came from."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for item in _read_items(data, outer, roles, sha256):
        if isinstance(item, records.Batch) and item.path in wanted:
            rows = pa.array(sorted(wanted[item.path]), pa.int64())
            table = item.table.filter(pc.is_in(item.table["row"], value_set=rows))
            found |= {(item.path, row["row"]): row | {"path": item.path} for row in table.to_pylist()}
    return found


def _read_items(data: Path, outer: str, roles: records.Roles, sha256: str | None) -> Iterator[records.Item]:
    """Read a file again; the last thing that is said is whether it is the one that was scanned."""
    at = path_names.text_to_path(outer)
    if at.startswith(b"/") or b".." in at.split(b"/") or b"\0" in at:
        raise ConfigError(f"{outer} is not inside the data")
    digest = reason = None
    for item in records.read(path_names.disk_location(data, outer), outer, roles=roles):
        if isinstance(item, records.Account):
            digest, reason = item.sha256, item.skip_reason
        yield item
    if digest is None:
        raise InputError(f"{outer} cannot be read back from {data}: {reason}")
    if digest != sha256:
        raise DigestMismatch(f"{outer} is not the file that was scanned: its bytes have another digest")
