"""Detectors: what stands in records, as counts by kind and state; never the text itself, nor a digest of it.

A detector is one file with one verb, `observe`: a batch of RECORDS in, OBSERVED out; and its declaration, `DETECTOR`.
To add one: the file, one line in DETECTORS, one case table. What a count means, checks say.

A batch may hold the records of many small files: what a detector finds is counted by file, all files at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.core import schemas
from provenance.core.registry import Registry
from provenance.core.wording import count_noun
from provenance.detectors.counting import BY_FILE
from provenance.origins import signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.detectors.counting import Ints
    from provenance.detectors.detector import Detector

__all__ = [
    "BATCHES_HELD",
    "BY_FILE",
    "DETECTORS",
    "MOST_KINDS",
    "NOTHING_KNOWN",
    "OTHER_KINDS",
    "REPEATS",
    "add_batches",
    "add_by_file",
    "describe_scope",
    "describe_unread",
    "name_unread",
    "observe",
]

DETECTORS: Registry[Detector] = Registry(
    "DETECTOR",
    "provenance.detectors.web",
    "provenance.detectors.personal_data",
    "provenance.detectors.record_origin",
    "provenance.detectors.record_licence",
)
"""Every detector by name."""

MOST_KINDS = 10_000
"""Kinds of one detector that are counted by name in one file, the first that come; the rest are OTHER_KINDS."""
OTHER_KINDS = "(others)"
NOTHING_KNOWN: dict[str, Any] = {"signals": signals.NOTHING_KNOWN}
"""What detectors may ask of a file, by parameter, where nothing is known of it."""
BATCHES_HELD = 64
"""Batches of which what was seen is held before it is added up."""

UNREAD = "columns"
"""In place of a detector: columns that none looked at."""
REPEATS = "repeats"
"""In place of a detector: records of which the text stands earlier in their source; states are distinct shingles."""
_MOST_SHOWN = 20

_KEY = ["detector", "kind", "state"]


def observe(batch: pa.RecordBatch, about: Mapping[str, Any] = NOTHING_KNOWN, files: Ints | None = None) -> pa.Table:
    """Let every detector look at some records.

    Args:
        batch: rows of RECORDS.
        about: what is known of their files, by name.
        files: of each record its file, ascending from 0; None = all are of one.

    Returns:
        BY_FILE, or OBSERVED where all are of one file; a kind and state stands once a detector and file.
    """
    seen = [each.observe(batch, files, **{name: about[name] for name in each.asks}) for each in DETECTORS.values()]
    schema = schemas.OBSERVED if files is None else BY_FILE
    filled = [table for table in seen if table.num_rows]
    return pa.concat_tables(filled) if filled else schema.empty_table()


def add_batches(seen: Sequence[pa.Table]) -> pa.Table:
    """Add up what was seen in several batches of one file.

    Args:
        seen: OBSERVED of a file from its beginning, each of a batch or the sum of all batches before.

    Returns:
        OBSERVED, one row a detector, kind and state, sorted by them; of each detector the MOST_KINDS that come first by
        name, the rest as OTHER_KINDS.
    """
    by_file = [table.add_column(0, BY_FILE.field(0), pa.array(np.zeros(table.num_rows, np.int64))) for table in seen]
    return schemas.conform(add_by_file(by_file).drop_columns(["file"]), schemas.OBSERVED)


def add_by_file(seen: Sequence[pa.Table]) -> pa.Table:
    """Add up what was seen in several batches of many files.

    Args:
        seen: BY_FILE from the beginning of every file, each of some batches or the sum of all before.

    Returns:
        BY_FILE, one row a file, detector, kind and state, sorted by them; of each file and detector the MOST_KINDS that
        come first by name, the rest as OTHER_KINDS.
    """
    filled = [table for table in seen if table.num_rows]
    if not filled:
        return BY_FILE.empty_table()
    added = _add_counts(pa.concat_tables(filled))
    if added.num_rows > MOST_KINDS:
        files, sizes = np.unique(np.asarray(added["file"]), return_counts=True)
        crowded = pa.array(files[sizes > MOST_KINDS])
        if len(crowded):
            often = pc.is_in(added["file"], value_set=crowded)
            parts = [added.filter(pc.equal(added["file"], file)) for file in crowded]
            named = [added.filter(pc.invert(often)), *map(_limit_kinds, parts)]
            added = _add_counts(pa.concat_tables(schemas.conform(part, BY_FILE) for part in named))
    return schemas.ordered(schemas.conform(added, BY_FILE), "file", *_KEY)


def _add_counts(seen: pa.Table) -> pa.Table:
    counted = [("records", "sum"), ("values", "sum"), ("bytes", "sum"), ("row", "min")]
    key = ["file", *_KEY]
    return seen.group_by(key).aggregate(counted).rename_columns([*key, "records", "values", "bytes", "row"])


def _limit_kinds(seen: pa.Table) -> pa.Table:
    """Name the kinds of a file that come first in it: what came too late once comes too late for ever."""
    parts = []
    for detector in pc.unique(seen["detector"]).to_pylist():
        part = seen.filter(pc.equal(seen["detector"], detector))
        kinds = part.group_by("kind").aggregate([("row", "min")])
        kinds = kinds.filter(pc.not_equal(kinds["kind"], OTHER_KINDS))
        late = (
            kinds.sort_by([("row_min", "ascending"), ("kind", "ascending")])["kind"].slice(MOST_KINDS).combine_chunks()
        )
        named = pc.if_else(pc.is_in(part["kind"], value_set=late), OTHER_KINDS, part["kind"])
        parts.append(part.set_column(part.column_names.index("kind"), "kind", named))
    return pa.concat_tables(parts)


def name_unread(file: int, records: int, columns: Sequence[tuple[str, int]]) -> pa.Table:
    """Name the columns of a file that no detector looked at.

    Args:
        file: its number.
        records: its records.
        columns: their names and bytes.

    Returns:
        BY_FILE, of the detector UNREAD; kinds are names of columns.
    """
    rows = [
        {"file": file, "detector": UNREAD, "kind": name, "state": "not-examined", "records": records, "values": 0}
        | {"bytes": size, "row": 0}
        for name, size in columns
    ]
    return pa.Table.from_pylist(rows, schema=BY_FILE)


def describe_unread(observations: pa.Table) -> str | None:
    """Say which columns no detector looked at, the largest first; None where every one was looked at.

    Args:
        observations: OBSERVATIONS, or BY_FILE.
    """
    columns = observations.filter(pc.equal(observations["detector"], UNREAD))
    added = columns.group_by("kind").aggregate([("bytes", "sum"), ("bytes", "count")])
    listed = added.sort_by([("bytes_sum", "descending"), ("kind", "ascending")]).to_pylist()
    shown = [
        f"{row['kind']} ({row['bytes_sum']:,} bytes in {count_noun(row['bytes_count'], 'file')})"
        for row in listed[:_MOST_SHOWN]
    ]
    if len(listed) > _MOST_SHOWN:
        shown.append(f"{len(listed) - _MOST_SHOWN:,} more")
    return f"no detector looked at these columns, which hold no text: {', '.join(shown)}" if shown else None


def describe_scope() -> dict[str, str]:
    """Return what detectors look for and what they do not, by name; of those that say so."""
    return {each.name: each.scope for each in DETECTORS.values() if each.scope is not None}
