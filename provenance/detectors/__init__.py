"""Detectors: what stands in records, as counts by kind and state; never the text itself, nor a digest of it.

A detector is one file with one verb, `observe`: a batch of RECORDS in, OBSERVED out. What else it needs to know of the
file, its parameters name. To add one: the file, one line in DETECTORS, one case table. What a count means, checks say.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance import schemas
from provenance.origins import signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

DETECTORS: tuple[str, ...] = ("web", "personal-data", "record-origin")
"""Every detector by name."""

MOST = 10_000
"""Kinds of one detector that are counted by name in one file, the first that come; the rest are OTHERS."""
OTHERS = "(others)"
ABOUT: dict[str, Any] = {"signals": signals.NOTHING_KNOWN}
"""What detectors may ask of a file, by parameter, where nothing is known of it."""

_KEY = ["detector", "kind", "state"]


def observe(batch: pa.RecordBatch, about: Mapping[str, Any] = ABOUT) -> pa.Table:
    """Let every detector look at some records.

    Args:
        batch: rows of RECORDS of one file.
        about: what is known of the file, by name.

    Returns:
        OBSERVED; a kind and state stands once a detector.
    """
    asked = ((module, {name: about[name] for name in asks}) for module, asks in map(_module, DETECTORS))
    seen = (module.observe(batch, **told) for module, told in asked)
    held = [table for table in seen if table.num_rows]
    return schemas.conform(_sum(pa.concat_tables(held)), schemas.OBSERVED) if held else schemas.OBSERVED.empty_table()


@cache
def _module(detector: str) -> tuple[ModuleType, tuple[str, ...]]:
    """Return a detector's module and what it asks beside the batch."""
    module = import_module(f"provenance.detectors.{detector.replace('-', '_')}")
    return module, tuple(inspect.signature(module.observe).parameters)[1:]


def add(seen: Sequence[pa.Table]) -> pa.Table:
    """Add up what was seen in several batches of one file.

    Args:
        seen: OBSERVED of a file from its beginning, each of a batch or the sum of all batches before.

    Returns:
        OBSERVED, one row a detector, kind and state, sorted by them; of each detector the MOST kinds that come first by
        name, the rest as OTHERS.
    """
    held = [table for table in seen if table.num_rows]
    if not held:
        return schemas.OBSERVED.empty_table()
    added = held[0] if len(held) == 1 else _sum(pa.concat_tables(held))
    if added.num_rows > MOST:
        added = _sum(_named(added))
    return schemas.ordered(schemas.conform(added, schemas.OBSERVED), *_KEY)


def _sum(seen: pa.Table) -> pa.Table:
    counted = [("records", "sum"), ("values", "sum"), ("bytes", "sum"), ("row", "min")]
    return seen.group_by(_KEY).aggregate(counted).rename_columns([*_KEY, "records", "values", "bytes", "row"])


def _named(seen: pa.Table) -> pa.Table:
    """Name the kinds that come first in the file: what came too late once comes too late for ever."""
    parts = []
    for detector in pc.unique(seen["detector"]).to_pylist():
        part = seen.filter(pc.equal(seen["detector"], detector))
        kinds = part.group_by("kind").aggregate([("row", "min")])
        kinds = kinds.filter(pc.not_equal(kinds["kind"], OTHERS))
        late = kinds.sort_by([("row_min", "ascending"), ("kind", "ascending")])["kind"].slice(MOST).combine_chunks()
        named = pc.if_else(pc.is_in(part["kind"], value_set=late), OTHERS, part["kind"])
        parts.append(part.set_column(part.column_names.index("kind"), "kind", named))
    return pa.concat_tables(parts)


def scope() -> dict[str, str]:
    """Return what detectors look for and what they do not, by name; of those that say so."""
    said = {name: getattr(_module(name)[0], "SCOPE", None) for name in DETECTORS}
    return {name: scope for name, scope in said.items() if scope}
